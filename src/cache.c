/*
 * cache.c
 *	  What this backend remembers of tables that hardly ever change.
 *
 * The enumerations are read whole on first use. A statement trigger on each of them (api/010_core.sql) invalidates its relcache entry,
 * so every backend forgets at the commit of a change, and this one at once; an id that is not found is looked for anew, since a
 * snapshot older than the row may have filled the cache.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"

#include "cache.h"
#include "compat.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_cache_invalidate);

typedef struct Entry
{
	int64		id;
	char	   *name;
} Entry;

typedef struct Enumeration
{
	QuayTable	table;
	uint64		generation;		/* of the catalog when it was read */
	MemoryContext context;		/* of the entries; NULL before the first read */
	int			count;
	int			room;
	Entry	   *entries;
} Enumeration;

static Enumeration enumerations[] = {
	{.table = QUAY_ROLE}, {.table = QUAY_TEAMROLE}, {.table = QUAY_VISIBILITY}, {.table = QUAY_MEDIATYPE},
};

static Enumeration *
enumeration_of(QuayTable table)
{
	for (size_t i = 0; i < lengthof(enumerations); i++)
		if (enumerations[i].table == table)
			return &enumerations[i];
	elog(ERROR, "table %d is not an enumeration", (int) table);
	return NULL;				/* keep the compiler quiet */
}

static void
add_row(TupleTableSlot *slot, void *arg)
{
	Enumeration *e = (Enumeration *) arg;
	MemoryContext old = MemoryContextSwitchTo(e->context);
	bool		isnull;
	Entry	   *entry;

	if (e->count == e->room)
	{
		e->room *= 2;
		e->entries = repalloc(e->entries, e->room * sizeof(Entry));
	}
	entry = &e->entries[e->count];
	entry->id = DatumGetInt64(slot_getattr(slot, quay_catalog_column(e->table, QUAY_ENUMERATION_ID), &isnull));
	entry->name = TextDatumGetCString(slot_getattr(slot, quay_catalog_column(e->table, QUAY_ENUMERATION_NAME), &isnull));
	e->count++;
	MemoryContextSwitchTo(old);
}

static void
read_all(Enumeration *e)
{
	uint64		begun = quay_catalog_generation();

	if (e->context == NULL)
		e->context = AllocSetContextCreate(CacheMemoryContext, "quay enumeration", ALLOCSET_SMALL_SIZES);
	else
		MemoryContextReset(e->context);
	e->count = 0;
	e->room = 32;
	e->generation = 0;			/* not valid, should the scan fail */
	e->entries = MemoryContextAlloc(e->context, e->room * sizeof(Entry));
	quay_scan_all(e->table, add_row, e);
	e->generation = begun;		/* if something was invalidated meanwhile, this is out of date already */
}

static const char *
find(const Enumeration *e, int64 id)
{
	for (int i = 0; i < e->count; i++)
		if (e->entries[i].id == id)
			return e->entries[i].name;
	return NULL;
}

const char *
quay_cache_enumeration_name(QuayTable enumeration, int64 id)
{
	Enumeration *e = enumeration_of(enumeration);
	const char *name = NULL;

	if (e->context != NULL && e->generation == quay_catalog_generation())
		name = find(e, id);
	if (name == NULL)
	{
		read_all(e);
		name = find(e, id);
	}
	return name;
}

/*
 * quay_internal.cache_invalidate(), statement trigger: row changes alone send no invalidation, so this sends the table's. It arrives
 * everywhere at commit, on standbys too, and nowhere after a rollback.
 */
Datum
quay_cache_invalidate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "quay_cache_invalidate: not called by trigger manager");
	CacheInvalidateRelcache(trigdata->tg_relation);
	PG_RETURN_POINTER(NULL);
}
