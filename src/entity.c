/*
 * entity.c
 *	  Users and repositories that this backend has met, by name.
 *
 * Names of namespaces, actors and repositories stand in nearly every call, and what they stand for hardly ever changes. An entry is never
 * older than what its reader may see:
 *
 * - Row triggers on "user" and repository (api/010_core.sql) announce (change.c) when something that is remembered changes or a row
 *   goes. The message arrives at the commit, on standbys too, and not after a rollback. Each look-up takes in what messages there are
 *   before it trusts an entry.
 * - An entry is made only of a row that is committed and that nobody has touched when it is read, and only if no message came in
 *   meanwhile. So the message of the next change is still to come.
 * - There is no negative entry: a name that is not remembered is read. New rows need no message.
 * - A transaction with an old snapshot meets no entry that is newer than itself: a backend makes its entries with its own snapshots,
 *   and whatever changed since then has removed them; it then reads with its snapshot, and finds a row that is not fit to be remembered.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "change.h"
#include "entity.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(quay_entity_changed);

#define NAME_ROOM 56			/* longer names are read each time */

typedef struct EntityKey
{
	int64		namespace_id;	/* 0: a user */
	char		name[NAME_ROOM];	/* padded with zero bytes */
} EntityKey;

typedef struct Entity
{
	EntityKey	key;
	union
	{
		QuayUser	user;
		QuayRepository repository;
	}			is;
} Entity;

static HTAB *entities = NULL;
static uint64 entities_generation;

static bool
make_key(EntityKey *key, int64 namespace_id, const text *name)
{
	size_t		length = VARSIZE_ANY_EXHDR(name);

	if (length > NAME_ROOM)
		return false;
	key->namespace_id = namespace_id;
	memcpy(key->name, VARDATA_ANY(name), length);
	memset(key->name + length, 0, NAME_ROOM - length);
	return true;
}

static void
forget_all(uint64 generation)
{
	HASHCTL		control = {.keysize = sizeof(EntityKey), .entrysize = sizeof(Entity), .hcxt = CacheMemoryContext};

	if (entities != NULL)
	{
		HTAB	   *old = entities;

		entities = NULL;		/* should hash_create fail */
		hash_destroy(old);
	}
	entities = hash_create("quay entities", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	entities_generation = generation;
}

static const Entity *
find(int64 namespace_id, const text *name)
{
	EntityKey	key;

	if (entities == NULL || !quay_change_is_quiet(QUAY_ENTITY_CHANGE) || entities_generation != quay_catalog_entity_generation() ||
		!make_key(&key, namespace_id, name))
		return NULL;
	return hash_search(entities, &key, HASH_FIND, NULL);
}

/*
 * The entry to fill, or NULL if this row is not to be remembered: whoever changes a settled row later sends an invalidation that we have
 * not had yet; a table with row security shows not everybody the same rows.
 */
static Entity *
offer(int64 namespace_id, const text *name, QuayScan *row, uint64 begun)
{
	EntityKey	key;

	if (quay_guc_entity_cache_size == 0 || !quay_scan_row_is_settled(row) || row->heap->rd_rel->relrowsecurity ||
		!make_key(&key, namespace_id, name) || begun != quay_catalog_entity_generation())
		return NULL;
	if (entities == NULL || entities_generation != begun || hash_get_num_entries(entities) >= quay_guc_entity_cache_size)
		forget_all(begun);
	return hash_search(entities, &key, HASH_ENTER, NULL);
}

bool
quay_entity_find_user(const text *username, QuayUser *user)
{
	const Entity *entity = find(0, username);

	if (entity != NULL)
		*user = entity->is.user;
	return entity != NULL;
}

bool
quay_entity_find_repository(int64 namespace_id, const text *name, QuayRepository *repository)
{
	const Entity *entity = find(namespace_id, name);

	if (entity != NULL)
		*repository = entity->is.repository;
	return entity != NULL;
}

uint64
quay_entity_read_begins(void)
{
	return quay_catalog_entity_generation();
}

void
quay_entity_offer_user(const text *username, const QuayUser *user, QuayScan *row, uint64 begun)
{
	Entity	   *entity = offer(0, username, row, begun);

	if (entity != NULL)
		entity->is.user = *user;
}

void
quay_entity_offer_repository(const text *name, const QuayRepository *repository, QuayScan *row, uint64 begun)
{
	Entity	   *entity = offer(repository->namespace_id, name, row, begun);

	if (entity != NULL)
		entity->is.repository = *repository;
}

/* quay_internal.entity_changed(), trigger: sends the message. */
Datum
quay_entity_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "quay_entity_changed: not called by trigger manager");
	quay_change_announce(QUAY_ENTITY_CHANGE);
	PG_RETURN_POINTER(NULL);
}
