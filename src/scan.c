/*
 * scan.c
 *	  Look-ups through one of our indexes, as of the active snapshot.
 *
 * The active snapshot, not the catalog's newest one: so the answers agree with the rest of the transaction under REPEATABLE READ and
 * on a standby, and a SERIALIZABLE transaction gets its predicate locks from the index access method.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_collation_d.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "scan.h"

void
quay_scan_prepare(QuayScan *scan, QuayTable table, QuayIndex index)
{
	scan->table = table;
	scan->heap = table_open(quay_catalog_table(table), AccessShareLock);
	scan->index = index_open(quay_catalog_index(index), AccessShareLock);
	scan->scan = NULL;
	scan->slot = NULL;
	scan->nkeys = 0;
	quay_catalog_check_select(table);
	quay_catalog_check_row_security(table, scan->heap);
}

static void
add_key(QuayScan *scan, StrategyNumber strategy, RegProcedure procedure, Oid collation, Datum value)
{
	Assert(scan->nkeys < QUAY_MAX_KEYS);
	ScanKeyEntryInitialize(&scan->keys[scan->nkeys], 0, scan->nkeys + 1, strategy, InvalidOid, collation, procedure, value);
	scan->nkeys++;
}

void
quay_scan_key_int64(QuayScan *scan, int64 value)
{
	add_key(scan, BTEqualStrategyNumber, F_INT8EQ, InvalidOid, Int64GetDatum(value));
}

void
quay_scan_key_int64_greater(QuayScan *scan, int64 value)
{
	add_key(scan, BTGreaterStrategyNumber, F_INT8GT, InvalidOid, Int64GetDatum(value));
}

void
quay_scan_key_null(QuayScan *scan)
{
	Assert(scan->nkeys < QUAY_MAX_KEYS);
	ScanKeyEntryInitialize(&scan->keys[scan->nkeys], SK_ISNULL | SK_SEARCHNULL, scan->nkeys + 1,
						   InvalidStrategy, InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
	scan->nkeys++;
}

/* Every name of ours has collation "C", so the keys are compared by bytes. */
void
quay_scan_key_text(QuayScan *scan, const text *value)
{
	add_key(scan, BTEqualStrategyNumber, F_TEXTEQ, C_COLLATION_OID, PointerGetDatum(value));
}

void
quay_scan_key_bytea(QuayScan *scan, const bytea *value)
{
	add_key(scan, BTEqualStrategyNumber, F_BYTEAEQ, InvalidOid, PointerGetDatum(value));
}

bool
quay_scan_next(QuayScan *scan)
{
	if (scan->scan == NULL)
	{
		scan->slot = table_slot_create(scan->heap, NULL);
		scan->scan = index_beginscan_compat(scan->heap, scan->index, GetActiveSnapshot(), scan->nkeys);
		index_rescan(scan->scan, scan->keys, scan->nkeys, NULL, 0);
	}
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

static void
rekey(QuayScan *scan, int key, Datum value)
{
	Assert(key < scan->nkeys);
	scan->keys[key].sk_argument = value;
	if (scan->scan != NULL)
		index_rescan(scan->scan, scan->keys, scan->nkeys, NULL, 0);
}

void
quay_scan_rekey_int64(QuayScan *scan, int key, int64 value)
{
	rekey(scan, key, Int64GetDatum(value));
}

void
quay_scan_rekey_text(QuayScan *scan, int key, const text *value)
{
	rekey(scan, key, PointerGetDatum(value));
}

void
quay_scan_end(QuayScan *scan)
{
	if (scan->scan != NULL)
	{
		index_endscan(scan->scan);
		ExecDropSingleTupleTableSlot(scan->slot);
	}
	/* Locks stay until the end of the transaction, as the executor's do. */
	index_close(scan->index, NoLock);
	table_close(scan->heap, NoLock);
}

ItemPointer
quay_scan_tid(QuayScan *scan)
{
	return &scan->slot->tts_tid;
}

Datum
quay_scan_datum(QuayScan *scan, int column, bool *isnull)
{
	return slot_getattr(scan->slot, quay_catalog_column(scan->table, column), isnull);
}

int64
quay_scan_int64(QuayScan *scan, int column)
{
	bool		isnull;
	Datum		value = quay_scan_datum(scan, column, &isnull);

	Assert(!isnull);
	return DatumGetInt64(value);
}

bool
quay_scan_bool(QuayScan *scan, int column)
{
	bool		isnull;
	Datum		value = quay_scan_datum(scan, column, &isnull);

	Assert(!isnull);
	return DatumGetBool(value);
}

bool
quay_scan_row_is_settled(QuayScan *scan)
{
	HeapTuple	row = ExecFetchSlotHeapTuple(scan->slot, false, NULL);
	uint16		infomask = row->t_data->t_infomask;

	return (infomask & HEAP_XMIN_COMMITTED) != 0 &&
		((infomask & HEAP_XMAX_INVALID) != 0 || HEAP_XMAX_IS_LOCKED_ONLY(infomask));
}

void
quay_scan_all(QuayTable table, void (*row) (TupleTableSlot *slot, void *arg), void *arg)
{
	Relation	heap = table_open(quay_catalog_table(table), AccessShareLock);
	TupleTableSlot *slot = table_slot_create(heap, NULL);
	TableScanDesc scan;

	quay_catalog_check_select(table);
	quay_catalog_check_row_security(table, heap);
	scan = table_beginscan(heap, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		row(slot, arg);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(heap, NoLock);
}
