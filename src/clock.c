/*
 * clock.c
 *	  The present, for every function.
 *
 * The wall clock, not the start of the transaction or statement: a tag that another session has just deleted has an end that may lie
 * after our start, and it must not look alive.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "compat.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(quay_clock_get);
PG_FUNCTION_INFO_V1(quay_clock_get_ms);

TimestampTz
quay_clock_now(void)
{
	if (likely(quay_guc_clock == NULL || quay_guc_clock[0] == '\0'))
		return GetCurrentTimestamp();
	return DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(quay_guc_clock),
												   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

int64
quay_clock_to_ms(TimestampTz at)
{
	const int64 epoch_us = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * USECS_PER_SEC;

	return (at + epoch_us) / 1000;
}

int64
quay_clock_now_ms(void)
{
	return quay_clock_to_ms(quay_clock_now());
}

/* quay_internal.clock() */
Datum
quay_clock_get(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(quay_clock_now());
}

/* quay_internal.clock_ms() */
Datum
quay_clock_get_ms(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(quay_clock_now_ms());
}
