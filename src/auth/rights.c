/*
 * rights.c
 *	  What an actor holds in a repository: roles of his own, of his teams, and as an administrator of the organization.
 *
 * The outcome is remembered, per backend, for each pair of an actor and a repository, and for each actor whether he is a superuser. An answer
 * is never older than what its reader may see:
 *
 * - Triggers on repositorypermission, team, teammember and superuser (api/010_core.sql) announce every change of a row (change.c), and a
 *   look-up trusts an entry only after it has taken in what messages there are.
 * - Unlike a user or a repository (entity.c), a right can be remembered as absent, so it does not do to look at the rows that were found.
 *   An entry is made only if the snapshot that the rows were read with is as good as one taken after the messages were taken in: then
 *   every change that the snapshot does not show was still under way at that time, and its message is still to come. A transaction with
 *   an old snapshot, and one that has itself written something, reads and remembers nothing.
 * - An old snapshot meets no entry that is newer than itself, for the same reason as in entity.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "auth/level.h"
#include "auth/rights.h"
#include "cache.h"
#include "change.h"
#include "compat.h"
#include "guc.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_rights_changed);

typedef struct RightsKey
{
	int64		actor_id;
	int64		repository_id;	/* 0: what kind of superuser the actor is */
} RightsKey;

typedef struct RightsEntry
{
	RightsKey	key;
	QuayAction	role;
	bool		is_highest;		/* or is it just the first that was enough? */
	QuaySuperuser superuser;
} RightsEntry;

static HTAB *entries = NULL;
static uint64 entries_generation;

/*
 * Reading
 */

/* Scan of the actor's row in a team; started with any team, pointed to others by is_member. */
static void
prepare_member_scan(QuayScan *members, int64 actor_id)
{
	quay_scan_prepare(members, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(members, actor_id);
	quay_scan_key_int64(members, 0);
}

static bool
is_member(QuayScan *members, int64 team_id)
{
	quay_scan_rekey_int64(members, 1, team_id);
	return quay_scan_next(members);
}

/* Rows of repositorypermission name a user or a team. */
static bool
visit_permissions(int64 actor_id, int64 repository_id, QuayRightVisitor visitor, void *arg)
{
	QuayScan	rows;
	QuayScan	members;
	bool		go_on = true;

	prepare_member_scan(&members, actor_id);
	quay_scan_prepare(&rows, QUAY_REPOSITORYPERMISSION, QUAY_REPOSITORYPERMISSION_BY_REPOSITORY);
	quay_scan_key_int64(&rows, repository_id);
	while (go_on && quay_scan_next(&rows))
	{
		QuayRight	right = {0};
		bool		no_user;
		bool		no_team;
		int64		user_id = DatumGetInt64(quay_scan_datum(&rows, QUAY_REPOSITORYPERMISSION_USER_ID, &no_user));
		int64		team_id = DatumGetInt64(quay_scan_datum(&rows, QUAY_REPOSITORYPERMISSION_TEAM_ID, &no_team));

		if (!no_user && user_id == actor_id)
			right.source = QUAY_RIGHT_OF_USER;
		else if (!no_team && is_member(&members, team_id))
		{
			right.source = QUAY_RIGHT_OF_TEAM;
			right.team_id = team_id;
		}
		else
			continue;
		right.role = quay_level_of_role(quay_cache_enumeration_name(QUAY_ROLE, quay_scan_int64(&rows, QUAY_REPOSITORYPERMISSION_ROLE_ID)));
		go_on = visitor(&right, arg);
	}
	quay_scan_end(&rows);
	quay_scan_end(&members);
	return go_on;
}

/* Teams of the organization that the actor is a member of. */
static void
visit_teams(int64 actor_id, int64 organization_id, QuayRightVisitor visitor, void *arg)
{
	QuayScan	memberships;
	QuayScan	team;
	bool		go_on = true;

	quay_scan_prepare(&memberships, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(&memberships, actor_id);
	quay_scan_prepare(&team, QUAY_TEAM, QUAY_TEAM_BY_ID);
	quay_scan_key_int64(&team, 0);
	while (go_on && quay_scan_next(&memberships))
	{
		QuayRight	right = {.source = QUAY_RIGHT_OF_ADMINISTRATOR};

		right.team_id = quay_scan_int64(&memberships, QUAY_TEAMMEMBER_TEAM_ID);
		quay_scan_rekey_int64(&team, 0, right.team_id);
		if (!quay_scan_next(&team) || quay_scan_int64(&team, QUAY_TEAM_ORGANIZATION_ID) != organization_id)
			continue;
		right.team_role = quay_cache_enumeration_name(QUAY_TEAMROLE, quay_scan_int64(&team, QUAY_TEAM_ROLE_ID));
		if (right.team_role != NULL && strcmp(right.team_role, "admin") == 0)
			right.role = QUAY_ACTION_ADMIN;
		go_on = visitor(&right, arg);
	}
	quay_scan_end(&team);
	quay_scan_end(&memberships);
}

void
quay_rights_visit(int64 actor_id, const QuayUser *owner, const QuayRepository *repository, QuayRightVisitor visitor, void *arg)
{
	if (repository != NULL && !visit_permissions(actor_id, repository->id, visitor, arg))
		return;
	if (owner != NULL && owner->organization)
		visit_teams(actor_id, owner->id, visitor, arg);
}

char *
quay_rights_team_name(int64 team_id)
{
	QuayScan	scan;
	bool		isnull;
	char	   *name;

	quay_scan_prepare(&scan, QUAY_TEAM, QUAY_TEAM_BY_ID);
	quay_scan_key_int64(&scan, team_id);
	name = quay_scan_next(&scan) ? TextDatumGetCString(quay_scan_datum(&scan, QUAY_TEAM_NAME, &isnull)) : pstrdup("");
	quay_scan_end(&scan);
	return name;
}

static QuaySuperuser
read_superuser(const text *username)
{
	QuaySuperuser result = QUAY_SUPERUSER_NONE;
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_SUPERUSER, QUAY_SUPERUSER_BY_USERNAME);
	quay_scan_key_text(&scan, username);
	if (quay_scan_next(&scan))
	{
		bool		isnull;
		char	   *kind = TextDatumGetCString(quay_scan_datum(&scan, QUAY_SUPERUSER_KIND, &isnull));

		result = strcmp(kind, "readonly") == 0 ? QUAY_SUPERUSER_READONLY : QUAY_SUPERUSER_FULL;
	}
	quay_scan_end(&scan);
	return result;
}

/*
 * Remembering
 */

/*
 * Does the active snapshot show what a new one would, and would a change be told? Of two with the same xmax the later one has fewer transactions
 * under way, or the same.
 */
static bool
is_fit_to_remember(void)
{
	Snapshot	active = GetActiveSnapshot();
	Snapshot	latest;

	if (!OidIsValid(quay_catalog_table(QUAY_RIGHTS_CHANGE)) || IsolationUsesXactSnapshot() || IsInParallelMode() || TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
		active->snapshot_type != SNAPSHOT_MVCC)
		return false;
	latest = GetLatestSnapshot();
	return active->xmax == latest->xmax && active->xmin == latest->xmin && active->xcnt == latest->xcnt &&
		active->subxcnt == latest->subxcnt && active->suboverflowed == latest->suboverflowed;
}

/* What the executor would ask for each time. */
static void
check_privileges(void)
{
	quay_catalog_check_select(QUAY_REPOSITORYPERMISSION);
	quay_catalog_check_select(QUAY_TEAMMEMBER);
	quay_catalog_check_select(QUAY_TEAM);
}

static bool
has_row_security(void)
{
	return quay_catalog_has_row_security(QUAY_REPOSITORYPERMISSION) || quay_catalog_has_row_security(QUAY_TEAMMEMBER) ||
		quay_catalog_has_row_security(QUAY_TEAM) || quay_catalog_has_row_security(QUAY_SUPERUSER);
}

static const RightsEntry *
find(const RightsKey *key)
{
	if (entries == NULL || quay_guc_rights_cache_size == 0 || !quay_change_is_quiet(QUAY_RIGHTS_CHANGE) ||
		entries_generation != quay_catalog_rights_generation())
		return NULL;
	return hash_search(entries, key, HASH_FIND, NULL);
}

static void
forget_all(uint64 generation)
{
	HASHCTL		control = {.keysize = sizeof(RightsKey), .entrysize = sizeof(RightsEntry), .hcxt = CacheMemoryContext};

	if (entries != NULL)
	{
		HTAB	   *old = entries;

		entries = NULL;			/* should hash_create fail */
		hash_destroy(old);
	}
	entries = hash_create("quay rights", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	entries_generation = generation;
}

/* Reading begins: taken down now, and given back to remember. 0: what is read is not to be remembered. */
static uint64
begin_reading(void)
{
	uint64		begun;

	/* In this order: a message that comes in from here on makes what is read unfit. */
	AcceptInvalidationMessages();
	begun = quay_catalog_rights_generation();
	if (quay_guc_rights_cache_size == 0 || !is_fit_to_remember() || has_row_security())
		return 0;
	return begun;
}

static void
remember(const RightsEntry *entry, uint64 begun)
{
	if (begun == 0 || begun != quay_catalog_rights_generation())
		return;
	if (entries == NULL || entries_generation != begun || hash_get_num_entries(entries) >= quay_guc_rights_cache_size)
		forget_all(begun);
	*(RightsEntry *) hash_search(entries, &entry->key, HASH_ENTER, NULL) = *entry;
}

typedef struct Best
{
	QuayAction	role;
	QuayAction	enough;
} Best;

static bool
keep_best(const QuayRight *right, void *arg)
{
	Best	   *best = (Best *) arg;

	best->role = Max(best->role, right->role);
	return best->role < best->enough;
}

QuayAction
quay_rights_role(int64 actor_id, const QuayUser *owner, const QuayRepository *repository, QuayAction wanted)
{
	RightsEntry entry = {.key = {.actor_id = actor_id, .repository_id = repository->id}};
	Best		best = {.enough = wanted};
	const RightsEntry *known;
	uint64		begun;

	check_privileges();
	known = find(&entry.key);
	if (known != NULL && (known->is_highest || known->role >= wanted))
		return known->role;

	begun = begin_reading();
	quay_rights_visit(actor_id, owner, repository, keep_best, &best);
	entry.role = best.role;
	entry.is_highest = (best.role < wanted || best.role == QUAY_ACTION_ADMIN);
	remember(&entry, begun);
	return best.role;
}

QuaySuperuser
quay_rights_superuser(const text *actor_name, int64 actor_id)
{
	RightsEntry entry = {.key = {.actor_id = actor_id, .repository_id = 0}};
	const RightsEntry *known;

	quay_catalog_check_select(QUAY_SUPERUSER);
	known = find(&entry.key);
	if (known != NULL)
		entry.superuser = known->superuser;
	else
	{
		uint64		begun = begin_reading();

		entry.superuser = read_superuser(actor_name);
		remember(&entry, begun);
	}
	/* The setting is not remembered, since it can change at any time. */
	return entry.superuser == QUAY_SUPERUSER_FULL && !quay_guc_superusers ? QUAY_SUPERUSER_NONE : entry.superuser;
}

/*
 * Forgetting
 */

/* A repository that this transaction has made: nobody else knows it, and this backend remembers nothing before the commit. */
static bool
is_of_new_repository(const TriggerData *trigger)
{
	AttrNumber	column = quay_catalog_column(QUAY_REPOSITORYPERMISSION, QUAY_REPOSITORYPERMISSION_REPOSITORY_ID);
	bool		isnull;
	int64		repository_id = DatumGetInt64(heap_getattr(trigger->tg_trigtuple, column, RelationGetDescr(trigger->tg_relation), &isnull));
	QuayScan	scan;
	bool		result = false;

	quay_scan_prepare(&scan, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID);
	quay_scan_key_int64(&scan, repository_id);
	if (quay_scan_next(&scan))
	{
		HeapTupleHeader row = ExecFetchSlotHeapTuple(scan.slot, false, NULL)->t_data;

		/* An update would have left an older row that others know. */
		result = (row->t_infomask & HEAP_UPDATED) == 0 && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row));
	}
	quay_scan_end(&scan);
	return result;
}

/* quay_internal.rights_changed(), trigger: at commit every session forgets what it remembers of rights. */
Datum
quay_rights_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "quay_rights_changed: not called by trigger manager");
	/* Each new repository brings a permission or two, which are no reason to forget anything. */
	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != quay_catalog_table(QUAY_REPOSITORYPERMISSION) || !is_of_new_repository(trigger))
		quay_change_announce(QUAY_RIGHTS_CHANGE);
	PG_RETURN_POINTER(NULL);
}
