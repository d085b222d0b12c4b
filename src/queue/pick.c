/*
 * pick.c
 *	  Which items of a queue are to be taken next.
 *
 * Reads what is true right now (SnapshotDirty), passes by what others are just taking, and sees what they have taken since the statement began;
 * then locks the rows, unless somebody else has, for the UPDATE of quay.queue_get(). It takes turns between the namespaces, whose items
 * are the lanes of the queue, and in order it takes one item of a path at a time.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/itup.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "queue/position.h"

PG_FUNCTION_INFO_V1(quay_queue_pick);

#define MAX_LANES 32			/* so many may be empty before we take what has been due for longest, wherever it is */
#define ORDERED_TURN 4			/* in order, each so many-th call is a namespace's turn, and the one after it begins with the oldest item */
#define LONG_WAY 64				/* in order: over more entries than these the next calls do not go again */
#define MAX_ROWS 1000			/* of blocked paths, before we go from path to path */
#define MAX_LOCKS 16			/* of paths that turn out to be blocked */

typedef struct Pick
{
	text	   *queue;
	text	   *prefix;			/* NULL: all of the queue */
	bool		ordered;
	Timestamp	now;
	int			n;
	ArrayType  *tried;			/* not these rows */
	Relation	heap;
	Relation	by_due;
	Relation	by_lane;
	Relation	by_path;
	Relation	running;
	TupleTableSlot *slot;
	SnapshotData dirty;
	int			path_count;		/* in order: how many paths were looked at, */
	uint64		first_path;		/* the hash of the first of them, */
	HTAB	   *paths;			/* and those of the others */
	int64		steps;			/* entries that were looked at */
	Timestamp	due;			/* of the row that was looked at last */
	int			count;
	ItemPointer rows;
} Pick;

/* entries: they are read, not only the rows, which costs a copy of each of a page. */
static IndexScanDesc
scan_begin(Pick *pick, Relation index, ScanKey keys, int nkeys, bool entries)
{
	IndexScanDesc scan = index_beginscan_compat(pick->heap, index, &pick->dirty, nkeys);

	scan->xs_want_itup = entries;
	index_rescan(scan, keys, nkeys, NULL, 0);
	return scan;
}

static void
key_text(ScanKey key, int column, StrategyNumber strategy, RegProcedure procedure, const text *value)
{
	ScanKeyEntryInitialize(key, 0, column, strategy, InvalidOid, C_COLLATION_OID, procedure, PointerGetDatum(value));
}

static void
key_plain(ScanKey key, int column, StrategyNumber strategy, RegProcedure procedure, Datum value)
{
	ScanKeyEntryInitialize(key, 0, column, strategy, InvalidOid, InvalidOid, procedure, value);
}

static Datum
row_datum(Pick *pick, int column, bool *isnull)
{
	return slot_getattr(pick->slot, quay_catalog_column(QUAY_QUEUEITEM, column), isnull);
}

/* The row that a scan has just returned: is nobody adding, changing or removing it? */
static bool
row_is_free(Pick *pick)
{
	return !TransactionIdIsValid(pick->dirty.xmin) && !TransactionIdIsValid(pick->dirty.xmax);
}

/* quay_internal.queue_due() of the row */
static Timestamp
row_due(Pick *pick)
{
	bool		isnull;
	Timestamp	after = DatumGetTimestamp(row_datum(pick, QUAY_QUEUEITEM_AVAILABLE_AFTER, &isnull));
	Timestamp	expires;

	if (DatumGetBool(row_datum(pick, QUAY_QUEUEITEM_AVAILABLE, &isnull)))
		return after;
	expires = DatumGetTimestamp(row_datum(pick, QUAY_QUEUEITEM_PROCESSING_EXPIRES, &isnull));
	return isnull ? DT_NOEND : Max(after, expires);
}

/* Is it due, and has it retries left? */
static bool
row_is_due(Pick *pick)
{
	bool		isnull;

	return DatumGetInt32(row_datum(pick, QUAY_QUEUEITEM_RETRIES_REMAINING, &isnull)) > 0 && row_due(pick) <= pick->now;
}

static bool
pick_has(Pick *pick, ItemPointer row)
{
	ItemPointer tried = (ItemPointer) ARR_DATA_PTR(pick->tried);

	for (int i = ArrayGetNItems(ARR_NDIM(pick->tried), ARR_DIMS(pick->tried)) - 1; i >= 0; i--)
		if (ItemPointerEquals(&tried[i], row))
			return true;
	for (int i = pick->count - 1; i >= 0; i--)
		if (ItemPointerEquals(&pick->rows[i], row))
			return true;
	return false;
}

/* Locks the row that a scan has just returned, and adds it. Not if somebody else was faster. */
static void
pick_row(Pick *pick)
{
	ItemPointerData row = pick->slot->tts_tid;
	TM_FailureData failure;

	if (!pick_has(pick, &row) &&
		table_tuple_lock(pick->heap, &row, GetActiveSnapshot(), pick->slot, GetCurrentCommandId(true), LockTupleExclusive, LockWaitSkip,
						 0, &failure) == TM_Ok)
		pick->rows[pick->count++] = row;
}

static bool
has_prefix(Pick *pick, const text *path)
{
	Size		length = pick->prefix == NULL ? 0 : VARSIZE_ANY_EXHDR(pick->prefix);

	return length == 0 ||
		(VARSIZE_ANY_EXHDR(path) >= length && memcmp(VARDATA_ANY(path), VARDATA_ANY(pick->prefix), length) == 0);
}

/* Does an item of the path run, or is one just being taken? */
static bool
path_runs(Pick *pick, const text *path)
{
	ScanKeyData keys[2];
	IndexScanDesc scan;
	bool		found;

	key_text(&keys[0], 1, BTEqualStrategyNumber, F_TEXTEQ, path);
	key_plain(&keys[1], 2, BTGreaterStrategyNumber, F_TIMESTAMP_GT, TimestampGetDatum(pick->now));
	scan = scan_begin(pick, pick->running, keys, 2, false);
	/* Backwards: the latest is the one that runs, if one does. */
	found = index_getnext_slot(scan, BackwardScanDirection, pick->slot);
	index_endscan(scan);
	return found;
}

/* Was the path looked at before? */
static bool
path_is_seen(Pick *pick, const text *path)
{
	uint64		hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(path), VARSIZE_ANY_EXHDR(path), 0);
	bool		seen;

	if (pick->path_count++ == 0)
	{
		pick->first_path = hash;
		return false;
	}
	if (hash == pick->first_path)
		return true;
	if (pick->paths == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(uint64),.entrysize = sizeof(uint64),.hcxt = CurrentMemoryContext};

		pick->paths = hash_create("quay queue paths", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	hash_search(pick->paths, &hash, HASH_ENTER, &seen);
	return seen;
}

/* Adds the first item of a path, unless one of it runs. The lock lasts to the end of the transaction, so that nobody else takes one as well. */
static void
path_pick(Pick *pick, text *path)
{
	ScanKeyData keys[1];
	IndexScanDesc scan;
	Datum		lock;

	if (path_is_seen(pick, path) || (pick->path_count > MAX_LOCKS && path_runs(pick, path)))
		return;
	/* Of quay_internal.queue_path_key() */
	lock = DirectFunctionCall2Coll(hashtextextended, C_COLLATION_OID,
								   DirectFunctionCall2(textcat, PointerGetDatum(cstring_to_text("quay queue ")), PointerGetDatum(path)),
								   Int64GetDatum(0));
	/* Somebody takes one now; or has taken one. */
	if (!DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_int8, lock)) || path_runs(pick, path))
		return;
	key_text(&keys[0], 1, BTEqualStrategyNumber, F_TEXTEQ, path);
	scan = scan_begin(pick, pick->by_path, keys, 1, false);
	while (index_getnext_slot(scan, ForwardScanDirection, pick->slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (row_is_free(pick) && row_is_due(pick))
		{
			pick_row(pick);
			break;
		}
	}
	index_endscan(scan);
}

/* index_getnext_slot(), but it counts. */
static bool
next_row(Pick *pick, IndexScanDesc scan)
{
	while (index_getnext_tid(scan, ForwardScanDirection) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		pick->steps++;
		if (index_fetch_heap(scan, pick->slot))
			return true;
	}
	return false;
}

/* Picks along the queue, or a lane of it, from "from" on. Returns whether there is anything that is not gone, and when the first of it is due. */
static bool
walk_from(Pick *pick, bool whole, int32 lane, Timestamp from, Timestamp *front)
{
	int			due = whole ? 2 : 3;
	ScanKeyData keys[4];
	int			nkeys = 0;
	int			rows = 0;
	IndexScanDesc scan;
	bool		isnull;

	key_text(&keys[nkeys++], 1, BTEqualStrategyNumber, F_TEXTEQ, pick->queue);
	if (!whole)
		key_plain(&keys[nkeys++], 2, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(lane));
	key_plain(&keys[nkeys++], due, BTGreaterEqualStrategyNumber, F_TIMESTAMP_GE, TimestampGetDatum(from));
	key_plain(&keys[nkeys++], due, BTLessEqualStrategyNumber, F_TIMESTAMP_LE, TimestampGetDatum(pick->now));
	scan = scan_begin(pick, whole ? pick->by_due : pick->by_lane, keys, nkeys, false);
	pick->steps = 0;
	while (pick->count < pick->n && next_row(pick, scan))
	{
		text	   *path;

		if (rows++ == 0)
			*front = row_due(pick);
		pick->due = rows == 1 ? *front : row_due(pick);
		if (!row_is_free(pick))
			continue;
		if (!pick->ordered && pick->prefix == NULL)
		{
			pick_row(pick);
			continue;
		}
		path = DatumGetTextPP(row_datum(pick, QUAY_QUEUEITEM_QUEUE_NAME, &isnull));
		if (!has_prefix(pick, path))
			continue;
		if (!pick->ordered)
			pick_row(pick);
		else if (rows <= MAX_ROWS)
			path_pick(pick, (text *) PG_DETOAST_DATUM_COPY(PointerGetDatum(path)));
		else
			break;
	}
	index_endscan(scan);
	return rows > 0;
}

/* The same from the position on that this backend remembers; exact: and if there is nothing, from the beginning. */
static void
walk(Pick *pick, bool whole, int32 lane, bool exact)
{
	QuayQueuePosition *position = quay_queue_position(pick->queue, whole, lane);
	TimestampTz start = GetCurrentTimestamp();
	Timestamp	from = quay_queue_position_begin(position, pick->now, start);
	Timestamp	front = DT_NOBEGIN;
	int			before = pick->count;
	bool		found = walk_from(pick, whole, lane, from, &front);

	quay_queue_position_end(position, pick->now, start, from, pick->steps, found, front);
	if (pick->count == before && exact && quay_queue_position_again(position, from, start))
	{
		found = walk_from(pick, whole, lane, DT_NOBEGIN, &front);
		quay_queue_position_end(position, pick->now, start, DT_NOBEGIN, pick->steps, found, front);
	}
}

/*
 * In order, along the whole queue. The oldest items may all be of paths that are blocked, and stay where they are while others are taken behind
 * them. If that has become a long way, the next calls begin where the last one ended.
 */
static void
walk_ordered(Pick *pick)
{
	QuayQueuePosition *position = quay_queue_position(pick->queue, true, 0);
	Timestamp	front;

	if (position != NULL && !TIMESTAMP_IS_NOBEGIN(position->jump) && position->calls % ORDERED_TURN != 1)
		walk_from(pick, true, 0, position->jump, &front);
	if (pick->count == 0)
	{
		walk(pick, true, 0, true);
		if (pick->steps <= LONG_WAY)
			pick->due = DT_NOBEGIN;
	}
	position = quay_queue_position(pick->queue, true, 0);
	if (position != NULL)
		position->jump = pick->count > 0 ? pick->due : DT_NOBEGIN;
}

/*
 * The lane whose turn it is: the one behind that of the turn before, or anyone at the first turn. False if there is none. It may have only
 * entries of what is gone: those are not looked at. But if its first entry is of something to be taken, that is picked right away.
 */
static bool
next_lane(Pick *pick, QuayQueuePosition *position, int32 *lane)
{
	ScanKeyData keys[2];
	int32		after = position->turn;
	bool		found = false;

	if (!position->has_turn && !pg_strong_random(&after, sizeof(after)))
		after = 0;
	key_text(&keys[0], 1, BTEqualStrategyNumber, F_TEXTEQ, pick->queue);
	key_plain(&keys[1], 2, BTGreaterStrategyNumber, F_INT4GT, Int32GetDatum(after));
	/* Behind it, or else from the beginning */
	for (int nkeys = 2; nkeys > 0 && !found; nkeys--)
	{
		IndexScanDesc scan = scan_begin(pick, pick->by_lane, keys, nkeys, true);

		found = index_getnext_tid(scan, ForwardScanDirection) != NULL;
		if (found)
		{
			bool		isnull;

			*lane = DatumGetInt32(index_getattr(scan->xs_itup, 2, scan->xs_itupdesc, &isnull));
			if (!pick->ordered && index_fetch_heap(scan, pick->slot) && row_is_free(pick) && row_is_due(pick))
				pick_row(pick);
		}
		index_endscan(scan);
	}
	if (found)
	{
		position->has_turn = true;
		position->turn = *lane;
	}
	return found;
}

static void
walk_lanes(Pick *pick, int most)
{
	int32		first = 0;

	for (int i = 0; i < most && pick->count < pick->n; i++)
	{
		QuayQueuePosition *position = quay_queue_position(pick->queue, true, 0);
		int32		lane;

		if (position == NULL || !next_lane(pick, position, &lane) || (i > 0 && lane == first))
			return;
		if (i == 0)
			first = lane;
		if (pick->count < pick->n)
			walk(pick, false, lane, false);
	}
}

/* In order, when all that is at the front is of paths that are blocked: from path to path, however many items each has. */
static void
walk_paths(Pick *pick)
{
	text	   *begin = pick->prefix != NULL ? pick->prefix :
		(text *) DatumGetPointer(DirectFunctionCall2(textcat, PointerGetDatum(pick->queue), PointerGetDatum(cstring_to_text("/"))));
	text	   *path = begin;
	bool		first = true;

	while (path != NULL && pick->count < pick->n)
	{
		ScanKeyData keys[1];
		IndexScanDesc scan;
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		key_text(&keys[0], 1, first ? BTGreaterEqualStrategyNumber : BTGreaterStrategyNumber, first ? F_TEXT_GE : F_TEXT_GT, path);
		first = false;
		scan = scan_begin(pick, pick->by_path, keys, 1, false);
		path = NULL;
		if (index_getnext_slot(scan, ForwardScanDirection, pick->slot))
			path = (text *) PG_DETOAST_DATUM_COPY(row_datum(pick, QUAY_QUEUEITEM_QUEUE_NAME, &isnull));
		index_endscan(scan);
		if (path == NULL || VARSIZE_ANY_EXHDR(path) < VARSIZE_ANY_EXHDR(begin) ||
			memcmp(VARDATA_ANY(path), VARDATA_ANY(begin), VARSIZE_ANY_EXHDR(begin)) != 0)
			return;
		path_pick(pick, path);
	}
}

static void
pick_all(Pick *pick)
{
	if (pick->prefix != NULL)
	{
		/* One namespace */
		Datum		name = DirectFunctionCall3Coll(split_part, C_COLLATION_OID, PointerGetDatum(pick->prefix), PointerGetDatum(cstring_to_text("/")),
													   Int32GetDatum(2));

		walk(pick, false, DatumGetInt32(DirectFunctionCall1Coll(hashtext, C_COLLATION_OID, name)), true);
	}
	else
	{
		QuayQueuePosition *position = quay_queue_position(pick->queue, true, 0);
		/* Who waits for work asks once. */
		bool		lanes = position != NULL && !position->empty;

		if (lanes && pick->ordered)
			lanes = ++position->calls % ORDERED_TURN == 0;
		if (lanes)
			walk_lanes(pick, pick->ordered ? 1 : MAX_LANES);
		if (pick->count < pick->n && pick->ordered)
			walk_ordered(pick);
		else if (pick->count < pick->n)
			walk(pick, true, 0, true);
		position = quay_queue_position(pick->queue, true, 0);
		if (position != NULL)
			position->empty = pick->count == 0;
	}
	if (pick->ordered && pick->count < pick->n)
		walk_paths(pick);
}

/*
 * quay_internal.queue_pick(queue, prefix, ordered, now, n, tried): the rows of at most n items that may be taken, none of those in tried, locked.
 * prefix: as queue_name() makes it, or NULL.
 */
Datum
quay_queue_pick(PG_FUNCTION_ARGS)
{
	Pick		pick = {0};
	Datum	   *result;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3) || PG_ARGISNULL(4) || PG_ARGISNULL(5))
		PG_RETURN_NULL();
	PreventCommandIfReadOnly("queue_get()");
	pick.queue = PG_GETARG_TEXT_PP(0);
	pick.prefix = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	pick.ordered = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	pick.now = PG_GETARG_TIMESTAMP(3);
	pick.n = PG_GETARG_INT32(4);
	pick.tried = PG_GETARG_ARRAYTYPE_P(5);
	pick.rows = palloc_extended(sizeof(ItemPointerData) * Max(pick.n, 1), MCXT_ALLOC_HUGE);
	InitDirtySnapshot(pick.dirty);

	pick.heap = table_open(quay_catalog_table(QUAY_QUEUEITEM), RowExclusiveLock);
	quay_catalog_check_select(QUAY_QUEUEITEM);
	quay_catalog_check_row_security(QUAY_QUEUEITEM, pick.heap);
	pick.by_due = index_open(quay_catalog_index(QUAY_QUEUEITEM_BY_DUE), AccessShareLock);
	pick.by_lane = index_open(quay_catalog_index(QUAY_QUEUEITEM_BY_LANE), AccessShareLock);
	if (pick.ordered)
	{
		pick.by_path = index_open(quay_catalog_index(QUAY_QUEUEITEM_BY_PATH), AccessShareLock);
		pick.running = index_open(quay_catalog_index(QUAY_QUEUEITEM_RUNNING), AccessShareLock);
	}
	pick.slot = table_slot_create(pick.heap, NULL);

	pick_all(&pick);

	ExecDropSingleTupleTableSlot(pick.slot);
	if (pick.ordered)
	{
		index_close(pick.running, NoLock);
		index_close(pick.by_path, NoLock);
	}
	index_close(pick.by_lane, NoLock);
	index_close(pick.by_due, NoLock);
	table_close(pick.heap, NoLock);
	result = palloc_extended(sizeof(Datum) * Max(pick.count, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < pick.count; i++)
		result[i] = PointerGetDatum(&pick.rows[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(result, pick.count, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
}
