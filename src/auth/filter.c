/*
 * filter.c
 *	  In which of many repositories may this actor do what?
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

#include "auth/access.h"
#include "cache.h"
#include "compat.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_access_filter_many);
PG_FUNCTION_INFO_V1(quay_access_level_many);

/* All rights of the actor are read beforehand, unless they are more than so many for each repository: then each is asked for its own. */
#define RIGHTS_PER_REPOSITORY 20

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
	uint8	   *allowed;		/* by position in it: ALLOWED_... */
	QuayAction	actions[3];		/* that are asked for */
	int			action_count;
	int		   *next;			/* by position: the next one of the same id, or -1 */
	int64		least_id;		/* of the array */
	int64		id_span;		/* from there on; 0: positions are in the map */
	int		   *by_id;			/* id - least_id -> a position of it + 1, or 0 */
	map_hash   *by_any_id;		/* id -> a position of it */
	int			different;		/* ids in the array */
	map_hash   *owners;			/* id -> Owner */
	const Owner *last_owner;
	uint8	   *roles;			/* by position: QuayAction; NULL: each repository is asked for its own */
	map_hash   *administered;	/* organizations whose administrator the actor is */
	int64		rows_left;		/* that may still be read for these two */
} Filter;

#define ALLOWED_TO(action) (1 << ((action) - QUAY_ACTION_READ))

/*
 * Positions
 *
 * Most arrays hold ids that are close together: an array by id is several times faster than a hash table, since all who use it go through it
 * in the order of the ids.
 */

static void
choose_map(Filter *f, const Datum *ids, const bool *nulls)
{
	int64		least = PG_INT64_MAX;
	int64		greatest = PG_INT64_MIN;

	for (int i = 0; i < f->length; i++)
	{
		if (nulls[i])
			continue;
		least = Min(least, DatumGetInt64(ids[i]));
		greatest = Max(greatest, DatumGetInt64(ids[i]));
	}
	/* Ids are positive; what is not is none. */
	if (least > 0 && least <= greatest && greatest - least < Min((int64) f->length * 4 + 1000, (int64) (MaxAllocSize / sizeof(int))))
	{
		f->least_id = least;
		f->id_span = greatest - least + 1;
		f->by_id = palloc0(f->id_span * sizeof(int));
	}
	else
		f->by_any_id = map_create(CurrentMemoryContext, Max(f->length, 16), NULL);
}

/* A position of the id, -1 if it is not wanted. */
static int
position_of(const Filter *f, int64 id)
{
	const MapEntry *entry;

	if (f->id_span > 0)
		return id >= f->least_id && id - f->least_id < f->id_span ? f->by_id[id - f->least_id] - 1 : -1;
	entry = map_lookup(f->by_any_id, id);
	return entry != NULL ? (int) entry->value : -1;
}

static void
set_position(Filter *f, int64 id, int position)
{
	bool		is_there;

	if (f->id_span > 0)
		f->by_id[id - f->least_id] = position + 1;
	else
		map_insert(f->by_any_id, id, &is_there)->value = position;
}

/* Positions of the same id make a chain. */
static void
place_ids(Filter *f, const Datum *ids, const bool *nulls)
{
	f->allowed = palloc0(f->length + 1);
	f->next = palloc(f->length * sizeof(int) + 1);
	choose_map(f, ids, nulls);
	for (int i = 0; i < f->length; i++)
	{
		if (nulls[i])
			continue;
		f->next[i] = position_of(f, DatumGetInt64(ids[i]));
		f->different += (f->next[i] < 0);
		set_position(f, DatumGetInt64(ids[i]), i);
	}
}

/*
 * Rights of the actor
 */

static void
add_roles(Filter *f, QuayIndex index, int64 holder_id)
{
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_REPOSITORYPERMISSION, index);
	quay_scan_key_int64(&scan, holder_id);
	while (f->rows_left > 0 && quay_scan_next(&scan))
	{
		int			position = position_of(f, quay_scan_int64(&scan, QUAY_REPOSITORYPERMISSION_REPOSITORY_ID));
		QuayAction	role;

		if (position >= 0)
		{
			role = quay_level_of_role(quay_cache_enumeration_name(QUAY_ROLE, quay_scan_int64(&scan, QUAY_REPOSITORYPERMISSION_ROLE_ID)));
			f->roles[position] = Max(f->roles[position], (uint8) role);
		}
		f->rows_left--;
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

	f->rows_left = (int64) f->different * RIGHTS_PER_REPOSITORY;
	f->roles = palloc0(f->length + 1);
	f->administered = map_create(CurrentMemoryContext, 64, NULL);
	add_roles(f, QUAY_REPOSITORYPERMISSION_BY_USER, f->request.actor.id);
	quay_scan_prepare(&scan, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(&scan, f->request.actor.id);
	while (f->rows_left > 0 && quay_scan_next(&scan))
		add_team(f, quay_scan_int64(&scan, QUAY_TEAMMEMBER_TEAM_ID));
	quay_scan_end(&scan);
	if (f->rows_left <= 0)
		f->roles = NULL;
}

/* Only organizations have administrators; owner is NULL if it is not known yet whether this is one. */
static QuayAction
role_in(Filter *f, int position, const QuayRepository *repository, const Owner *owner)
{
	if ((owner == NULL || (owner->exists && owner->user.organization)) && map_lookup(f->administered, repository->namespace_id) != NULL)
		return QUAY_ACTION_ADMIN;
	return (QuayAction) f->roles[position];
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

/* Is there no rule that could grant anything? Most repositories need no further look then. */
static bool
is_hopeless(Filter *f, int position, const QuayRepository *repository)
{
	const QuayRequest *r = &f->request;

	if (repository->is_public || f->scopes_differ)
		return false;
	if (r->actor_verdict == QUAY_DENIED)
		return true;
	return f->roles != NULL && r->superuser == QUAY_SUPERUSER_NONE && repository->namespace_id != r->actor.id &&
		role_in(f, position, repository, NULL) == QUAY_ACTION_NONE;
}

static uint8
decide(Filter *f, TupleTableSlot *slot, int position)
{
	QuayRepository repository;
	QuayRequest request;
	const Owner *owner;
	bool		isnull;
	uint8		allowed = 0;

	quay_lookup_read_repository(slot, &repository);
	if (is_hopeless(f, position, &repository))
		return 0;
	owner = find_owner(f, repository.namespace_id);
	request = f->request;
	request.repository = &repository;
	if (f->roles != NULL)
	{
		request.role = role_in(f, position, &repository, owner);
		request.role_known = true;
	}
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
	for (int i = 0; i < f->action_count; i++)
	{
		request.wanted = f->actions[i];
		if (quay_access_decide(&request))
			allowed |= ALLOWED_TO(f->actions[i]);
	}
	return allowed;
}

/* The row is one of those that are wanted, for the first time at this position. */
static void
decide_at(Filter *f, TupleTableSlot *slot, int position)
{
	uint8		allowed = decide(f, slot, position);

	for (; position >= 0; position = f->next[position])
		f->allowed[position] = allowed;
}

static void
read_each(Filter *f, const Datum *ids, const bool *nulls)
{
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID);
	quay_scan_key_int64(&scan, 0);
	for (int i = 0; i < f->length; i++)
	{
		/* Once for each id. */
		if (nulls[i] || position_of(f, DatumGetInt64(ids[i])) != i)
			continue;
		quay_scan_rekey_int64(&scan, 0, DatumGetInt64(ids[i]));
		if (quay_scan_next(&scan))
			decide_at(f, scan.slot, i);
	}
	quay_scan_end(&scan);
}

static void
decide_if_wanted(TupleTableSlot *slot, void *arg)
{
	Filter	   *f = (Filter *) arg;
	bool		isnull;
	int			position = position_of(f, DatumGetInt64(slot_getattr(slot, quay_catalog_column(QUAY_REPOSITORY, QUAY_REPOSITORY_ID), &isnull)));

	if (position >= 0)
		decide_at(f, slot, position);
}

static bool
is_large_part(double count)
{
	Relation	relation = table_open(quay_catalog_table(QUAY_REPOSITORY), AccessShareLock);
	double		rows = relation->rd_rel->reltuples;

	table_close(relation, NoLock);
	return rows > 0 && count > rows / PART_OF_TABLE;
}

static void
prepare_request(Filter *f, const text *actor, const text *scopes)
{
	QuayRequest *r = &f->request;

	*r = (QuayRequest)
	{
		.actor_name = actor, .scope_string = scopes, .level_names = quay_level_repository
	};
	f->scopes_differ = (scopes != NULL && strstr(text_to_cstring(scopes), "repository:") != NULL);
	quay_request_scope_rule(r);
	if (quay_request_actor_rule(r) == QUAY_UNDECIDED)
	{
		quay_request_superuser(r);
		read_rights(f);
	}
}

/* Decides for all repositories. Returns the ids, whose positions are those of the answers. */
static Datum *
run(Filter *f, ArrayType *repository_ids, const text *actor, const text *scopes)
{
	Datum	   *ids;
	bool	   *nulls;

	deconstruct_array(repository_ids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls, &f->length);
	place_ids(f, ids, nulls);
	f->owners = map_create(CurrentMemoryContext, 256, NULL);
	prepare_request(f, actor, scopes);
	if (is_large_part(f->different))
		quay_scan_all(QUAY_REPOSITORY, decide_if_wanted, f);
	else
		read_each(f, ids, nulls);
	return ids;
}

/* quay.access_filter_many(actor, repository_ids, action, scopes) */
Datum
quay_access_filter_many(PG_FUNCTION_ARGS)
{
	int			action = quay_level_parse(quay_level_repository, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2), "a repository");
	Filter		f = {.actions = {(QuayAction) action}, .action_count = 1};
	Datum	   *ids;
	int			count = 0;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	ids = run(&f, PG_GETARG_ARRAYTYPE_P(1), PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3));
	for (int i = 0; i < f.length; i++)
		if (f.allowed[i] != 0)
			ids[count++] = ids[i];
	PG_RETURN_ARRAYTYPE_P(construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* quay.access_level_many(actor, repository_ids, scopes) */
Datum
quay_access_level_many(PG_FUNCTION_ARGS)
{
	Filter		f = {.actions = {QUAY_ACTION_READ, QUAY_ACTION_WRITE, QUAY_ACTION_ADMIN}, .action_count = 3};
	Datum	   *levels;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	levels = run(&f, PG_GETARG_ARRAYTYPE_P(1), PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2));
	for (int i = 0; i < f.length; i++)
		levels[i] = Int32GetDatum(f.allowed[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(levels, f.length, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
