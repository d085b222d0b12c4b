/*
 * name.c
 *	  The name rules of util/reference.c for SQL.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "compat.h"
#include "util/reference.h"

PG_FUNCTION_INFO_V1(quay_name_problem);

static QuayNameStatus
check_name(const char *kind, const char *name, size_t length)
{
	if (strcmp(kind, "namespace") == 0)
		return quay_reference_check_namespace(name, length);
	if (strcmp(kind, "repository") == 0)
		return quay_reference_check_repository(name, length);
	if (strcmp(kind, "tag") == 0)
		return quay_reference_check_tag(name, length);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of name \"%s\"", kind),
			 errhint("Kinds are namespace, repository and tag.")));
}

/* quay_internal.name_problem(kind, name): why the name is illegal, NULL if it is legal. */
Datum
quay_name_problem(PG_FUNCTION_ARGS)
{
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	text	   *name = PG_GETARG_TEXT_PP(1);
	QuayNameStatus status = check_name(kind, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (status == QUAY_NAME_OK)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(quay_reference_status_text(status)));
}
