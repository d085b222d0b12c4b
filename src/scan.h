/*
 * scan.h
 *	  Look-ups through one of our indexes, as of the active snapshot.
 */
#ifndef QUAY_SCAN_H
#define QUAY_SCAN_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "executor/tuptable.h"

#include "catalog.h"

#define QUAY_MAX_KEYS 3

typedef struct QuayScan
{
	QuayTable	table;
	Relation	heap;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int			nkeys;
	ScanKeyData keys[QUAY_MAX_KEYS];
} QuayScan;

/*
 * A scan is prepared, given its keys in the order of the index's columns, and read:
 *
 *		quay_scan_prepare(&scan, QUAY_TAG, QUAY_TAG_BY_...);
 *		quay_scan_key_int64(&scan, repository_id);
 *		quay_scan_key_text(&scan, name);
 *		while (quay_scan_next(&scan)) ...
 *		quay_scan_end(&scan);
 *
 * Values that are passed by reference live until the next row or the end of the scan.
 */
extern void quay_scan_prepare(QuayScan *scan, QuayTable table, QuayIndex index);
extern void quay_scan_key_int64(QuayScan *scan, int64 value);
extern void quay_scan_key_int64_greater(QuayScan *scan, int64 value);
extern void quay_scan_key_null(QuayScan *scan);
extern void quay_scan_key_text(QuayScan *scan, const text *value);
extern void quay_scan_key_bytea(QuayScan *scan, const bytea *value);
extern bool quay_scan_next(QuayScan *scan);
/* Starts the scan again, with another value for one of its keys: much cheaper than a new scan. */
extern void quay_scan_rekey_int64(QuayScan *scan, int key, int64 value);
extern void quay_scan_rekey_text(QuayScan *scan, int key, const text *value);
extern void quay_scan_end(QuayScan *scan);

/* Where the current row is: for a statement that finds it again by ctid, while a lock keeps it from changing. */
extern ItemPointer quay_scan_tid(QuayScan *scan);

/* Columns of the current row. The typed ones are for columns that are NOT NULL. */
extern Datum quay_scan_datum(QuayScan *scan, int column, bool *isnull);
extern int64 quay_scan_int64(QuayScan *scan, int column);
extern bool quay_scan_bool(QuayScan *scan, int column);

/*
 * Is the insertion of the current row known to be committed, and has nobody updated or deleted it, not even in a transaction that is still
 * open? That is looked up in the row as it is now, whatever the snapshot. (False now and then for a row that is settled: right after its
 * insertion, if commits are asynchronous.)
 */
extern bool quay_scan_row_is_settled(QuayScan *scan);

/* Reads the whole table, in no order: for the enumerations. */
extern void quay_scan_all(QuayTable table, void (*row) (TupleTableSlot *slot, void *arg), void *arg);

#endif							/* QUAY_SCAN_H */
