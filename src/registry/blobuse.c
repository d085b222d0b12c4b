/*
 * blobuse.c
 *	  Which uses of blobs end when manifests go? The garbage collector asks for ten blobs of each manifest, so the answer comes from a few
 *	  index probes for each, in the order of the index. What is decided by it is in sql/api/204_size.sql.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "compat.h"
#include "plan.h"
#include "registry/blob.h"

PG_FUNCTION_INFO_V1(quay_manifestblob_removed);
PG_FUNCTION_INFO_V1(quay_blob_use_look);

/* Rows that a statement has deleted are looked at so many at a time, so that memory stays flat. */
#define BATCH_SIZE 10000

/* Rows of an index that are read in passing, before a look-up of its own is cheaper. */
#define MAX_ROWS 16

typedef struct Use
{
	int64		namespace_id;
	int64		repository_id;
	int64		blob_id;
	bool		elsewhere;		/* a manifest of another repository has the blob */
} Use;

static int
compare(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

static int
by_blob_repository(const void *a, const void *b)
{
	const Use  *x = a;
	const Use  *y = b;
	int			order = compare(x->blob_id, y->blob_id);

	return order != 0 ? order : compare(x->repository_id, y->repository_id);
}

static int
by_namespace_blob_repository(const void *a, const void *b)
{
	const Use  *x = a;
	const Use  *y = b;
	int			order = compare(x->namespace_id, y->namespace_id);

	if (order == 0)
		order = compare(x->blob_id, y->blob_id);
	return order != 0 ? order : compare(x->repository_id, y->repository_id);
}

static bool
same_namespace_blob(const Use *a, const Use *b)
{
	return a->namespace_id == b->namespace_id && a->blob_id == b->blob_id;
}

static int
by_id(const void *a, const void *b)
{
	return compare(DatumGetInt64(*(const Datum *) a), DatumGetInt64(*(const Datum *) b));
}

/* Sorts what is there, and leaves each once. */
static int
distinct(void *elements, int count, size_t size, int (*order) (const void *, const void *))
{
	char	   *base = elements;
	int			kept = 0;

	qsort(elements, count, size, order);
	for (int i = 0; i < count; i++)
	{
		if (kept > 0 && order(base + (kept - 1) * size, base + i * size) == 0)
			continue;
		if (kept < i)
			memcpy(base + kept * size, base + i * size, size);
		kept++;
	}
	return kept;
}

/* --- What manifests say */

typedef struct Manifests
{
	QuayScan	by_blob;
	QuayScan	by_repository_blob;
} Manifests;

typedef enum Holding
{
	ENDED,						/* no manifest of the repository has the blob */
	UNSETTLED,					/* but for those that a transaction under way deletes */
	HELD
} Holding;

static void
open_manifests(Manifests *manifests)
{
	quay_blob_prepare_use(&manifests->by_blob, QUAY_MANIFESTBLOB, QUAY_MANIFESTBLOB_BY_BLOB, 0);
	quay_blob_prepare_use(&manifests->by_repository_blob, QUAY_MANIFESTBLOB, QUAY_MANIFESTBLOB_BY_REPOSITORY_BLOB, -1);
}

static void
close_manifests(Manifests *manifests)
{
	quay_scan_end(&manifests->by_repository_blob);
	quay_scan_end(&manifests->by_blob);
}

/* Says as well whether another repository has the blob, if this one has not. */
static Holding
look_at_manifests(Manifests *manifests, Use *use)
{
	QuayScan   *rows = &manifests->by_blob;
	Holding		holding = ENDED;
	int			count = 0;

	use->elsewhere = false;
	for (bool found = quay_blob_has_use(rows, use->blob_id); found; found = quay_scan_next(rows))
	{
		if (++count > MAX_ROWS)
		{
			use->elsewhere = true;
			rows = &manifests->by_repository_blob;
			quay_scan_rekey_int64(rows, 0, use->repository_id);
			if (quay_blob_has_settled_use(rows, use->blob_id))
				return HELD;
			return quay_blob_has_use(rows, use->blob_id) ? UNSETTLED : ENDED;
		}
		if (quay_scan_int64(rows, QUAY_BLOBUSE_REPOSITORY_ID) != use->repository_id)
			use->elsewhere = true;
		else if (quay_scan_row_is_settled(rows))
			return HELD;
		else
			holding = UNSETTLED;
	}
	return holding;
}

/* --- The trigger */

/* Those of the uses that are not settled. */
static int
unsettled_uses(Use *uses, int count)
{
	Manifests	manifests;
	int			unsettled = 0;

	open_manifests(&manifests);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (look_at_manifests(&manifests, &uses[i]) != HELD)
			uses[unsettled++] = uses[i];
	}
	close_manifests(&manifests);
	return unsettled;
}

static void
drop_uses(const Use *uses, int count)
{
	Datum	   *repositories = palloc(sizeof(Datum) * count);
	Datum	   *blobs = palloc(sizeof(Datum) * count);
	Datum		arguments[2];
	int			code;

	for (int i = 0; i < count; i++)
	{
		repositories[i] = Int64GetDatum(uses[i].repository_id);
		blobs[i] = Int64GetDatum(uses[i].blob_id);
	}
	arguments[0] = PointerGetDatum(quay_blob_id_array(repositories, count));
	arguments[1] = PointerGetDatum(quay_blob_id_array(blobs, count));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	code = SPI_execute_plan(quay_plan_get(QUAY_PLAN_BLOB_USE_DROP), arguments, NULL, false, 0);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not drop uses of blobs: %s", SPI_result_code_string(code));
	SPI_finish();
}

static void
look_at_removed(Use *uses, int count)
{
	count = distinct(uses, count, sizeof(Use), by_blob_repository);
	/* Most have other uses in the repository, and are not touched, nor locked: everybody pushes manifests with them. */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	count = unsettled_uses(uses, count);
	PopActiveSnapshot();
	if (count > 0)
		drop_uses(uses, count);
}

/* quay_internal.manifestblob_removed(): after a statement has deleted rows of manifestblob, its transition table "removed". */
Datum
quay_manifestblob_removed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext context;
	MemoryContext old;
	TupleTableSlot *slot;
	Use		   *uses;
	int			reader;
	int			count = 0;
	bool		more = true;

	if (!CALLED_AS_TRIGGER(fcinfo) || trigger->tg_oldtable == NULL || !TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != quay_catalog_table(QUAY_MANIFESTBLOB))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called by the trigger of quay.manifestblob")));

	uses = palloc(sizeof(Use) * BATCH_SIZE);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(trigger->tg_relation), &TTSOpsMinimalTuple);
	reader = tuplestore_alloc_read_pointer(trigger->tg_oldtable, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(trigger->tg_oldtable, reader);
	tuplestore_rescan(trigger->tg_oldtable);
	context = AllocSetContextCreate(CurrentMemoryContext, "quay removed uses of blobs", ALLOCSET_DEFAULT_SIZES);
	do
	{
		bool		isnull;

		more = tuplestore_gettupleslot(trigger->tg_oldtable, true, false, slot);
		if (more)
		{
			uses[count].repository_id = DatumGetInt64(slot_getattr(slot, quay_catalog_column(QUAY_MANIFESTBLOB, QUAY_BLOBUSE_REPOSITORY_ID), &isnull));
			uses[count].blob_id = DatumGetInt64(slot_getattr(slot, quay_catalog_column(QUAY_MANIFESTBLOB, QUAY_BLOBUSE_BLOB_ID), &isnull));
			count++;
		}
		if (count == BATCH_SIZE || (!more && count > 0))
		{
			old = MemoryContextSwitchTo(context);
			look_at_removed(uses, count);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
			count = 0;
			tuplestore_select_read_pointer(trigger->tg_oldtable, reader);
		}
	} while (more);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	return PointerGetDatum(NULL);
}

/* --- The look under locks */

typedef struct IdSet
{
	const int64 *ids;			/* in order */
	int			count;
} IdSet;

typedef struct Look
{
	IdSet		locked_repositories;
	IdSet		locked_blobs;
	int64	   *owners;			/* of the locked repositories */
	QuayScan	repositories;
	QuayScan	repository_uses;
	QuayScan	blobs;
	Manifests	manifests;
	QuayScan	uses;			/* by namespace and blob */
	QuayScan	own_uses;		/* by namespace, blob and repository */
	QuayScan	uploads;
	QuayScan	derived;
	bool		any_uploads;
	bool		any_derived;
	int64		empty_layer;

	int			ended;
	ItemPointerData *ended_tids;	/* rows of blob_use */
	int			doubtful;
	Datum	   *doubtful_repositories;
	Datum	   *doubtful_blobs;
	int			unused;
	Datum	   *unused_blobs;
	int			purged;
	Datum	   *purged_namespaces;
} Look;

static IdSet
id_set(ArrayType *array)
{
	IdSet		set;

	if (ARR_HASNULL(array))
		elog(ERROR, "null among the ids");
	set.ids = (const int64 *) ARR_DATA_PTR(array);
	set.count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return set;
}

/* Where in the set the id is; -1: it is not. */
static int
place_in(const IdSet *set, int64 id)
{
	int			low = 0;
	int			high = set->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (set->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->ids[low] == id ? low : -1;
}

static bool
contains(const IdSet *set, int64 id)
{
	return place_in(set, id) >= 0;
}

/* Whose the repository is; 0: nobody's, or there is none. */
static int64
owner_of(Look *look, int64 repository_id, bool *exists)
{
	Datum		namespace_id;
	bool		isnull;

	quay_scan_rekey_int64(&look->repositories, 0, repository_id);
	*exists = quay_scan_next(&look->repositories);
	if (!*exists)
		return 0;
	namespace_id = quay_scan_datum(&look->repositories, QUAY_REPOSITORY_NAMESPACE_USER_ID, &isnull);
	return isnull ? 0 : DatumGetInt64(namespace_id);
}

/* Fills in whose the repository of a use is or was, 0 if that is not known. False: it is there, and we do not hold it. */
static bool
look_up_repository(Look *look, Use *use)
{
	int			place = place_in(&look->locked_repositories, use->repository_id);
	bool		exists = true;

	use->namespace_id = place >= 0 ? look->owners[place] : owner_of(look, use->repository_id, &exists);
	if (use->namespace_id == 0)
	{
		quay_scan_rekey_int64(&look->repository_uses, 0, use->repository_id);
		if (quay_scan_next(&look->repository_uses))
			use->namespace_id = quay_scan_int64(&look->repository_uses, QUAY_BLOBUSE_NAMESPACE_ID);
	}
	if (!exists && use->namespace_id != 0)
		look->purged_namespaces[look->purged++] = Int64GetDatum(use->namespace_id);
	return place >= 0 || !exists;
}

/* Nobody can come to use the blob, since it is locked or gone. */
static bool
is_blob_decidable(Look *look, int64 blob_id)
{
	return contains(&look->locked_blobs, blob_id) || !quay_blob_has_use(&look->blobs, blob_id);
}

/* No manifest has it any more: nor anything else? */
static bool
is_unused(Look *look, int64 blob_id)
{
	if (look->empty_layer < 0)
		look->empty_layer = quay_blob_empty_layer();
	return blob_id != look->empty_layer && contains(&look->locked_blobs, blob_id) &&
		!(look->any_uploads && quay_blob_has_use(&look->uploads, blob_id)) &&
		!(look->any_derived && quay_blob_has_use(&look->derived, blob_id));
}

static void
add_ended(Look *look, ItemPointer tid)
{
	look->ended_tids[look->ended++] = *tid;
}

/* All the repositories of one namespace that lose a blob, in order: their rows of blob_use, and that of the namespace if no other has it. */
static void
end_uses(Look *look, const Use *uses, int count)
{
	ItemPointerData of_namespace;
	int			rows = 0;
	int			next = 0;
	int			ended = look->ended;
	bool		others = false;

	ItemPointerSetInvalid(&of_namespace);
	quay_scan_rekey_int64(&look->uses, 0, uses[0].namespace_id);
	quay_scan_rekey_int64(&look->uses, 1, uses[0].blob_id);
	while (quay_scan_next(&look->uses))
	{
		int64		repository_id = quay_scan_int64(&look->uses, QUAY_BLOBUSE_REPOSITORY_ID);

		while (next < count && uses[next].repository_id < repository_id)
			next++;
		if (repository_id == 0)
			of_namespace = *quay_scan_tid(&look->uses);
		else if (next < count && uses[next].repository_id == repository_id)
		{
			add_ended(look, quay_scan_tid(&look->uses));
			next++;
		}
		else
			others = true;
		if (others && (next == count || ++rows > MAX_ROWS))
			break;
	}
	/* Where many have it, those are found one by one. */
	for (; rows > MAX_ROWS && next < count; next++)
	{
		if (quay_blob_is_counted(&look->own_uses, uses[next].namespace_id, uses[next].repository_id, uses[next].blob_id))
			add_ended(look, quay_scan_tid(&look->own_uses));
	}
	if (look->ended > ended && !others && ItemPointerIsValid(&of_namespace))
	{
		add_ended(look, &of_namespace);
		if (!uses[0].elsewhere && is_unused(look, uses[0].blob_id))
			look->unused_blobs[look->unused++] = Int64GetDatum(uses[0].blob_id);
	}
}

static void
open_look(Look *look, int count)
{
	quay_blob_prepare_use(&look->repositories, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID, 0);
	quay_blob_prepare_use(&look->repository_uses, QUAY_BLOB_USE, QUAY_BLOB_USE_BY_REPOSITORY, 0);
	quay_blob_prepare_use(&look->blobs, QUAY_IMAGESTORAGE, QUAY_IMAGESTORAGE_BY_ID, 0);
	open_manifests(&look->manifests);
	quay_blob_prepare_use(&look->uploads, QUAY_UPLOADEDBLOB, QUAY_UPLOADEDBLOB_BY_BLOB, 0);
	quay_blob_prepare_use(&look->derived, QUAY_DERIVEDSTORAGEFORIMAGE, QUAY_DERIVEDSTORAGEFORIMAGE_BY_DERIVATIVE, 0);
	quay_scan_prepare(&look->uses, QUAY_BLOB_USE, QUAY_BLOB_USE_BY_NAMESPACE_BLOB_REPOSITORY);
	quay_scan_key_int64(&look->uses, 0);
	quay_scan_key_int64(&look->uses, 0);
	quay_blob_prepare_counted(&look->own_uses);
	/* Hardly any registry has derived images. Nobody can add a row for a blob that is locked. */
	look->any_uploads = RelationGetNumberOfBlocks(look->uploads.heap) > 0;
	look->any_derived = RelationGetNumberOfBlocks(look->derived.heap) > 0;
	look->empty_layer = -1;
	look->owners = palloc(sizeof(int64) * Max(look->locked_repositories.count, 1));
	for (int i = 0; i < look->locked_repositories.count; i++)
	{
		bool		exists;

		look->owners[i] = owner_of(look, look->locked_repositories.ids[i], &exists);
	}
	look->ended_tids = palloc(sizeof(ItemPointerData) * 2 * Max(count, 1));
	look->doubtful_repositories = palloc(sizeof(Datum) * Max(count, 1));
	look->doubtful_blobs = palloc(sizeof(Datum) * Max(count, 1));
	look->unused_blobs = palloc(sizeof(Datum) * Max(count, 1));
	look->purged_namespaces = palloc(sizeof(Datum) * Max(count, 1));
}

static void
close_look(Look *look)
{
	quay_scan_end(&look->own_uses);
	quay_scan_end(&look->uses);
	quay_scan_end(&look->derived);
	quay_scan_end(&look->uploads);
	close_manifests(&look->manifests);
	quay_scan_end(&look->blobs);
	quay_scan_end(&look->repository_uses);
	quay_scan_end(&look->repositories);
}

/* Those of the uses that have ended and can be decided; the doubtful ones are noted. */
static int
ended_uses(Look *look, Use *uses, int count)
{
	int			ended = 0;

	for (int i = 0; i < count; i++)
	{
		Holding		holding = UNSETTLED;

		CHECK_FOR_INTERRUPTS();
		if (look_up_repository(look, &uses[i]) && is_blob_decidable(look, uses[i].blob_id))
			holding = look_at_manifests(&look->manifests, &uses[i]);
		if (holding == UNSETTLED)
		{
			look->doubtful_repositories[look->doubtful] = Int64GetDatum(uses[i].repository_id);
			look->doubtful_blobs[look->doubtful++] = Int64GetDatum(uses[i].blob_id);
		}
		else if (holding == ENDED && uses[i].namespace_id != 0)
			uses[ended++] = uses[i];
	}
	return ended;
}

static Datum
tid_array(ItemPointerData *tids, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = PointerGetDatum(&tids[i]);
	return PointerGetDatum(construct_array(datums, count, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}

/*
 * quay_internal.blob_use_look(repository_ids, blob_ids, locked_repositories, locked_blobs): see there. Reads as of the active snapshot, which
 * is to be newer than the locks.
 */
Datum
quay_blob_use_look(PG_FUNCTION_ARGS)
{
	IdSet		repositories = id_set(PG_GETARG_ARRAYTYPE_P(0));
	IdSet		blobs = id_set(PG_GETARG_ARRAYTYPE_P(1));
	int			count = Min(repositories.count, blobs.count);
	Look		look = {.locked_repositories = id_set(PG_GETARG_ARRAYTYPE_P(2)), .locked_blobs = id_set(PG_GETARG_ARRAYTYPE_P(3))};
	Use		   *uses = palloc0(sizeof(Use) * Max(count, 1));
	TupleDesc	description;
	Datum		values[5];
	bool		nulls[5] = {false};
	int			next;

	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < count; i++)
	{
		uses[i].repository_id = repositories.ids[i];
		uses[i].blob_id = blobs.ids[i];
	}
	count = distinct(uses, count, sizeof(Use), by_blob_repository);

	open_look(&look, count);
	count = ended_uses(&look, uses, count);
	qsort(uses, count, sizeof(Use), by_namespace_blob_repository);
	for (int i = 0; i < count; i = next)
	{
		CHECK_FOR_INTERRUPTS();
		for (next = i + 1; next < count && same_namespace_blob(&uses[i], &uses[next]); next++)
			;
		end_uses(&look, &uses[i], next - i);
	}
	close_look(&look);
	look.unused = distinct(look.unused_blobs, look.unused, sizeof(Datum), by_id);

	values[0] = tid_array(look.ended_tids, look.ended);
	values[1] = PointerGetDatum(quay_blob_id_array(look.doubtful_repositories, look.doubtful));
	values[2] = PointerGetDatum(quay_blob_id_array(look.doubtful_blobs, look.doubtful));
	values[3] = PointerGetDatum(quay_blob_id_array(look.unused_blobs, look.unused));
	values[4] = PointerGetDatum(quay_blob_id_array(look.purged_namespaces, look.purged));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls)));
}
