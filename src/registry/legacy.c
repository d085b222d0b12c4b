/*
 * legacy.c
 *	  What the views of api/300_legacy.sql need from C.
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "util/jsoncheck.h"

PG_FUNCTION_INFO_V1(quay_json_or_null);

/*
 * quay_internal.json_or_null(text): the text as json, or NULL if it is none or PostgreSQL cannot read all of it (\u0000).
 *
 * A cast would raise an error, and one bad row would make a whole view unreadable; catching that in PL/pgSQL costs a subtransaction
 * for each row.
 */
Datum
quay_json_or_null(PG_FUNCTION_ARGS)
{
	text	   *document = PG_GETARG_TEXT_PP(0);
	char	   *data = VARDATA_ANY(document);
	size_t		length = VARSIZE_ANY_EXHDR(document);
	QuayJsonLimits limits = {.max_bytes = MaxAllocSize, .max_entries = INT_MAX};
	ManifestError error;
	JsonLexContext *lex;
	JsonParseErrorType result;

	if (!quay_jsoncheck_document(data, length, &limits, &error))
		PG_RETURN_NULL();
	lex = makeJsonLexContextCstringLen_compat(NULL, data, length, PG_UTF8, true);
	result = pg_parse_json(lex, &nullSemAction);
	freeJsonLexContext(lex);
	if (result != JSON_SUCCESS)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(document);
}
