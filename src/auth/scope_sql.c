/*
 * scope_sql.c
 *	  The scopes of scope.c for SQL.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "auth/scope.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(quay_scope_problem);

/* Scopes of the registry's tokens name a repository. No OAuth application may ask for one. */
static bool
is_oauth_scope(const char *scope, size_t length)
{
	static const char prefix[] = "repository:";
	QuayScopes	ignored;

	if (length >= sizeof(prefix) - 1 && memcmp(scope, prefix, sizeof(prefix) - 1) == 0)
		return false;
	return quay_scope_parse(scope, length, NULL, &ignored);
}

static text *
describe(const char *scope, size_t length)
{
	int			shown = pg_mbcliplen(scope, (int) length, 80);

	if (length == 0)
		return cstring_to_text("A scope is empty.");
	return cstring_to_text(psprintf("There is no scope \"%.*s\".", shown, scope));
}

/* quay_internal.scope_problem(scopes): why an OAuth client may not ask for these scopes, NULL if it may. */
Datum
quay_scope_problem(PG_FUNCTION_ARGS)
{
	text	   *scopes = PG_GETARG_TEXT_PP(0);
	const char *start = VARDATA_ANY(scopes);
	const char *end = start + VARSIZE_ANY_EXHDR(scopes);

	for (const char *c = start; c <= end; c++)
	{
		if (c < end && *c != ' ' && *c != ',')
			continue;
		if (!is_oauth_scope(start, c - start))
			PG_RETURN_TEXT_P(describe(start, c - start));
		start = c + 1;
	}
	PG_RETURN_NULL();
}
