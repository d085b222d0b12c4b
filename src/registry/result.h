/*
 * result.h
 *	  The row that a function of ours gives back: a composite value of its declared type.
 */
#ifndef QUAY_REGISTRY_RESULT_H
#define QUAY_REGISTRY_RESULT_H

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* The type's description comes from the type cache, where get_call_result_type() would copy it each time. */
static inline Datum
quay_result_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	columns = lookup_rowtype_tupdesc(get_func_rettype(fcinfo->flinfo->fn_oid), -1);
	Datum		row = HeapTupleGetDatum(heap_form_tuple(columns, values, nulls));

	ReleaseTupleDesc(columns);
	return row;
}

/* A text that may be NULL, into the column of a row. */
static inline void
quay_result_text(Datum *values, bool *nulls, int column, const text *value)
{
	nulls[column] = (value == NULL);
	values[column] = PointerGetDatum(value);
}

#endif							/* QUAY_REGISTRY_RESULT_H */
