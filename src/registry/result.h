/*
 * result.h
 *	  Rows that our set-returning functions give back.
 */
#ifndef QUAY_REGISTRY_RESULT_H
#define QUAY_REGISTRY_RESULT_H

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

/*
 * Starts a result. What InitMaterializedSRF does besides, to copy the description of the columns and to have it compared, is left out:
 * the functions are declared by our own script, and it is a tenth of the work of a look-up.
 */
static inline void
quay_result_start(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || !(rsinfo->allowedModes & SFRM_Materialize) ||
		rsinfo->expectedDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	rsinfo->returnMode = SFRM_Materialize;
	MemoryContextSwitchTo(old);
}

static inline void
quay_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->expectedDesc, values, nulls);
}

/* A text that may be NULL, into the column of a row. */
static inline void
quay_result_text(Datum *values, bool *nulls, int column, const text *value)
{
	nulls[column] = (value == NULL);
	values[column] = PointerGetDatum(value);
}

#endif							/* QUAY_REGISTRY_RESULT_H */
