/*
 * filter.c
 *	  In which of many repositories may this actor do this?
 *
 * The rules are those of access.c; only what they look at is fetched otherwise: the rights of the actor all at once instead of those of
 * everybody in each repository, and the repositories in one pass.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "auth/request.h"
#include "cache.h"
#include "compat.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_access_filter_many);

/* From here on it pays to read all rights of the actor beforehand. */
#define MANY_REPOSITORIES 100

/* From this part of the table on it is read as a whole. */
#define PART_OF_TABLE 8

typedef struct MapEntry
{
	int64		key;
	int64		value;
	char		status;			/* of simplehash */
} MapEntry;

/* From ids to small numbers, or to pointers. */
#define SH_PREFIX map
#define SH_ELEMENT_TYPE MapEntry
#define SH_KEY_TYPE int64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) murmurhash32((uint32) ((uint64) (key) ^ ((uint64) (key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct Owner
{
	int64		id;
	bool		exists;
	QuayUser	user;
	text	   *username;
} Owner;

typedef struct Filter
{
	QuayRequest request;		/* as far as it is the same for all repositories */
	bool		scopes_differ;	/* some of them are for one repository only */
	int			length;			/* of the array that was given */
	bool	   *allowed;		/* by position in it */
	int		   *next;			/* by position: the next one of the same id, or -1 */
	map_hash   *places;			/* id -> first position */
	map_hash   *owners;			/* id -> Owner */
	const Owner *last_owner;
	map_hash   *roles;			/* repository -> QuayAction; NULL: each repository is asked for its own */
	map_hash   *administered;	/* organizations whose administrator the actor is */
} Filter;

/*
 * Rights of the actor
 */

static void
add_roles(Filter *f, QuayIndex index, int64 holder_id)
{
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_REPOSITORYPERMISSION, index);
	quay_scan_key_int64(&scan, holder_id);
	while (quay_scan_next(&scan))
	{
		int64		repository_id = quay_scan_int64(&scan, QUAY_REPOSITORYPERMISSION_REPOSITORY_ID);
		QuayAction	role = quay_access_role(quay_cache_enumeration_name(QUAY_ROLE,
																		quay_scan_int64(&scan, QUAY_REPOSITORYPERMISSION_ROLE_ID)));
		bool		is_there;
		MapEntry   *entry = map_insert(f->roles, repository_id, &is_there);

		entry->value = is_there ? Max(entry->value, (int64) role) : (int64) role;
	}
	quay_scan_end(&scan);
}

static void
add_team(Filter *f, int64 team_id)
{
	QuayScan	scan;

	add_roles(f, QUAY_REPOSITORYPERMISSION_BY_TEAM, team_id);
	quay_scan_prepare(&scan, QUAY_TEAM, QUAY_TEAM_BY_ID);
	quay_scan_key_int64(&scan, team_id);
	if (quay_scan_next(&scan))
	{
		const char *role = quay_cache_enumeration_name(QUAY_TEAMROLE, quay_scan_int64(&scan, QUAY_TEAM_ROLE_ID));
		int64		organization_id = quay_scan_int64(&scan, QUAY_TEAM_ORGANIZATION_ID);
		bool		is_there;

		if (role != NULL && strcmp(role, "admin") == 0)
			map_insert(f->administered, organization_id, &is_there);
	}
	quay_scan_end(&scan);
}

static void
read_rights(Filter *f)
{
	QuayScan	scan;

	f->roles = map_create(CurrentMemoryContext, 1024, NULL);
	f->administered = map_create(CurrentMemoryContext, 64, NULL);
	add_roles(f, QUAY_REPOSITORYPERMISSION_BY_USER, f->request.actor.id);
	quay_scan_prepare(&scan, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(&scan, f->request.actor.id);
	while (quay_scan_next(&scan))
		add_team(f, quay_scan_int64(&scan, QUAY_TEAMMEMBER_TEAM_ID));
	quay_scan_end(&scan);
}

static QuayAction
role_in(Filter *f, const QuayRepository *repository, const Owner *owner)
{
	const MapEntry *role;

	if (owner->exists && owner->user.organization && map_lookup(f->administered, owner->id) != NULL)
		return QUAY_ACTION_ADMIN;
	role = map_lookup(f->roles, repository->id);
	return role != NULL ? (QuayAction) role->value : QUAY_ACTION_NONE;
}

/*
 * Repositories
 */

static const Owner *
read_owner(int64 id)
{
	Owner	   *owner = palloc0(sizeof(Owner));

	owner->id = id;
	owner->exists = quay_lookup_user_by_id(id, &owner->user, &owner->username) && !owner->user.robot;
	return owner;
}

/* Repositories of one namespace often stand together. */
static const Owner *
find_owner(Filter *f, int64 id)
{
	bool		is_there;
	MapEntry   *entry;

	if (f->last_owner != NULL && f->last_owner->id == id)
		return f->last_owner;
	entry = map_insert(f->owners, id, &is_there);
	if (!is_there)
		entry->value = (int64) (intptr_t) read_owner(id);
	f->last_owner = (const Owner *) (intptr_t) entry->value;
	return f->last_owner;
}

/* The row is one of those that are wanted, for the first time at this position. */
static void
decide(Filter *f, TupleTableSlot *slot, int position)
{
	QuayRepository repository;
	QuayRequest request = f->request;
	const Owner *owner;
	bool		isnull;
	bool		allowed;

	quay_lookup_read_repository(slot, &repository);
	owner = find_owner(f, repository.namespace_id);
	request.repository = &repository;
	if (owner->exists)
	{
		request.owner = &owner->user;
		request.namespace_name = owner->username;
	}
	if (f->scopes_differ)
	{
		request.scopes_checked = false;
		request.repository_name = DatumGetTextPP(slot_getattr(slot, quay_catalog_column(QUAY_REPOSITORY, QUAY_REPOSITORY_NAME), &isnull));
	}
	if (f->roles != NULL)
	{
		request.role = role_in(f, &repository, owner);
		request.role_known = true;
	}
	allowed = quay_access_decide(&request);
	for (; position >= 0; position = f->next[position])
		f->allowed[position] = allowed;
}

static void
read_each(Filter *f)
{
	map_iterator iterator;
	MapEntry   *place;
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID);
	quay_scan_key_int64(&scan, 0);
	map_start_iterate(f->places, &iterator);
	while ((place = map_iterate(f->places, &iterator)) != NULL)
	{
		quay_scan_rekey_int64(&scan, 0, place->key);
		if (quay_scan_next(&scan))
			decide(f, scan.slot, (int) place->value);
	}
	quay_scan_end(&scan);
}

static void
decide_if_wanted(TupleTableSlot *slot, void *arg)
{
	Filter	   *f = (Filter *) arg;
	bool		isnull;
	int64		id = DatumGetInt64(slot_getattr(slot, quay_catalog_column(QUAY_REPOSITORY, QUAY_REPOSITORY_ID), &isnull));
	const MapEntry *place = map_lookup(f->places, id);

	if (place != NULL)
		decide(f, slot, (int) place->value);
}

static bool
is_large_part(double count)
{
	Relation	relation = table_open(quay_catalog_table(QUAY_REPOSITORY), AccessShareLock);
	double		rows = relation->rd_rel->reltuples;

	table_close(relation, NoLock);
	return rows > 0 && count > rows / PART_OF_TABLE;
}

/* Positions of the ids, those of the same one in a chain. */
static void
place_ids(Filter *f, const Datum *ids, const bool *nulls)
{
	f->allowed = palloc0(f->length * sizeof(bool) + 1);
	f->next = palloc(f->length * sizeof(int) + 1);
	f->places = map_create(CurrentMemoryContext, Max(f->length, 16), NULL);
	for (int i = 0; i < f->length; i++)
	{
		bool		is_there;
		MapEntry   *place;

		if (nulls[i])
			continue;
		place = map_insert(f->places, DatumGetInt64(ids[i]), &is_there);
		f->next[i] = is_there ? (int) place->value : -1;
		place->value = i;
	}
}

static void
prepare_request(Filter *f, const text *actor, const text *scopes, QuayAction action)
{
	QuayRequest *r = &f->request;

	*r = (QuayRequest)
	{
		.actor_name = actor, .scope_string = scopes, .wanted = action, .level_names = quay_access_levels
	};
	f->scopes_differ = (scopes != NULL && strstr(text_to_cstring(scopes), "repository:") != NULL);
	quay_request_scope_rule(r);
	if (quay_request_actor_rule(r) == QUAY_UNDECIDED)
	{
		quay_request_superuser(r);
		if (f->places->members >= MANY_REPOSITORIES)
			read_rights(f);
	}
}

static ArrayType *
build_result(const Filter *f, Datum *ids)
{
	int			count = 0;

	for (int i = 0; i < f->length; i++)
		if (f->allowed[i])
			ids[count++] = ids[i];
	return construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/* quay.access_filter_many(actor, repository_ids, action, scopes) */
Datum
quay_access_filter_many(PG_FUNCTION_ARGS)
{
	Filter		f = {0};
	Datum	   *ids;
	bool	   *nulls;
	int			action = quay_access_parse_level(quay_access_levels, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2), "a repository");

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls, &f.length);
	place_ids(&f, ids, nulls);
	f.owners = map_create(CurrentMemoryContext, 256, NULL);
	prepare_request(&f, PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3), (QuayAction) action);
	if (is_large_part(f.places->members))
		quay_scan_all(QUAY_REPOSITORY, decide_if_wanted, &f);
	else
		read_each(&f);
	PG_RETURN_ARRAYTYPE_P(build_result(&f, ids));
}
