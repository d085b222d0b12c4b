/*
 * cache.c
 *	  cache_get: a fresh value of the cache, in one index probe.
 *
 * (What a session remembers by itself is in src/cache.c; this is the table that all share.)
 */
#include "postgres.h"

#include "access/xlog.h"
#include "fmgr.h"

#include "clock.h"
#include "compat.h"
#include "registry/result.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_cache_get);

enum CachedColumn
{
	CACHED_VALUE, CACHED_BYTES, CACHED_EXPIRES_MS, CACHED_COLUMNS
};

/* quay_internal.cache_get_row(key): NULL if there is no fresh value, or this is a standby, which has no rows of UNLOGGED tables. */
Datum
quay_cache_get(PG_FUNCTION_ARGS)
{
	QuayScan	scan;
	Datum		values[CACHED_COLUMNS];
	bool		nulls[CACHED_COLUMNS] = {false};
	Datum		row = (Datum) 0;
	int64		expires_ms;

	if (PG_ARGISNULL(0) || RecoveryInProgress())
		PG_RETURN_NULL();
	quay_scan_prepare(&scan, QUAY_CACHE_ENTRY, QUAY_CACHE_ENTRY_BY_KEY);
	quay_scan_key_text(&scan, PG_GETARG_TEXT_PP(0));
	if (quay_scan_next(&scan))
	{
		expires_ms = quay_scan_int64(&scan, QUAY_CACHE_ENTRY_EXPIRES_MS);
		if (expires_ms > quay_clock_now_ms())
		{
			values[CACHED_VALUE] = quay_scan_datum(&scan, QUAY_CACHE_ENTRY_VALUE, &nulls[CACHED_VALUE]);
			values[CACHED_BYTES] = quay_scan_datum(&scan, QUAY_CACHE_ENTRY_BYTES, &nulls[CACHED_BYTES]);
			values[CACHED_EXPIRES_MS] = Int64GetDatum(expires_ms);
			/* Made while the row is pinned: it copies the value, and fetches one that is out of line. */
			row = quay_result_row(fcinfo, values, nulls);
		}
	}
	quay_scan_end(&scan);
	if (row == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row);
}
