/*
 * compat.h
 *	  Differences between PostgreSQL 14 and 18, hidden behind the newest signature.
 *
 * Feature code has no #if on the server's version; it is here. Included after postgres.h.
 */
#ifndef QUAY_COMPAT_H
#define QUAY_COMPAT_H

#if PG_VERSION_NUM < 140000
#error "quay needs PostgreSQL 14 or later"
#endif

#ifndef FRONTEND

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/* 18: index_beginscan learnt to instrument. */
#if PG_VERSION_NUM >= 180000
#define index_beginscan_compat(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define index_beginscan_compat(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif

/* 15: a set-returning function that materializes has one helper. */
#if PG_VERSION_NUM < 150000
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/tuplestore.h"

#define MAT_SRF_USE_EXPECTED_DESC 0x01

static inline void
InitMaterializedSRF(FunctionCallInfo fcinfo, bits32 flags)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	TupleDesc	tupdesc;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || !(rsinfo->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-valued function called in context that cannot accept a set")));
	if (flags & MAT_SRF_USE_EXPECTED_DESC)
		tupdesc = rsinfo->expectedDesc;
	else if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	rsinfo->setDesc = CreateTupleDescCopy(tupdesc);
	MemoryContextSwitchTo(old);
}
#endif

#endif							/* !FRONTEND */

/*
 * JSON parser, in the server and stand-alone.
 *
 * 16: the semantic actions return a result and can end the parse.  They are written
 * as functions of type JSON_ACTION_RESULT that leave by JSON_ACTION_RETURN(succeeded);
 * before 16 the parse goes on, so an action must do nothing once one has failed.
 *
 * 17: the lexer's state can be given and can be freed.
 */
#include "common/jsonapi.h"

#if PG_VERSION_NUM >= 160000
#define JSON_ACTION_RESULT JsonParseErrorType
#define JSON_ACTION_RETURN(succeeded) \
	return (succeeded) ? JSON_SUCCESS : JSON_SEM_ACTION_FAILED
#else
#define JSON_ACTION_RESULT void
#define JSON_ACTION_RETURN(succeeded) \
	do { (void) (succeeded); return; } while (0)
#endif

#if PG_VERSION_NUM >= 170000
#define makeJsonLexContextCstringLen_compat(lex, json, len, encoding, need_escapes) \
	makeJsonLexContextCstringLen(lex, (char *) (json), len, encoding, need_escapes)
#else
static inline JsonLexContext *
makeJsonLexContextCstringLen_compat(JsonLexContext *lex, const char *json, size_t len, int encoding, bool need_escapes)
{
	Assert(lex == NULL);
	(void) lex;
	return makeJsonLexContextCstringLen((char *) json, (int) len, encoding, need_escapes);
}

static inline void
freeJsonLexContext(JsonLexContext *lex)
{
	if (lex->strval != NULL)
	{
		pfree(lex->strval->data);
		pfree(lex->strval);
	}
	pfree(lex);
}
#endif

#endif							/* QUAY_COMPAT_H */
