/*
 * result.h
 *	  Rows that our set-returning functions give back.
 */
#ifndef QUAY_REGISTRY_RESULT_H
#define QUAY_REGISTRY_RESULT_H

#include "funcapi.h"

#include "compat.h"

/* Starts a result; the caller's column list is taken as it is, since our SQL declares it and finding it anew costs microseconds. */
static inline void
quay_result_start(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
}

static inline void
quay_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* A text that may be NULL, into the column of a row. */
static inline void
quay_result_text(Datum *values, bool *nulls, int column, const text *value)
{
	nulls[column] = (value == NULL);
	values[column] = PointerGetDatum(value);
}

#endif							/* QUAY_REGISTRY_RESULT_H */
