/*
 * level.c
 *	  Names of what one may do: the levels of decisions.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "auth/level.h"
#include "compat.h"

const char *const quay_level_repository[] = {"none", "read", "write", "admin"};
const char *const quay_level_namespace[] = {"none", "member", "create", "admin"};
const char *const quay_level_user[] = {"none", "read", NULL, "admin"};

int
quay_level_parse(const char *const *levels, const text *action, const char *what)
{
	const char *name = action != NULL ? text_to_cstring(action) : NULL;

	for (int level = QUAY_ACTION_READ; name != NULL && level <= QUAY_ACTION_ADMIN; level++)
		if (levels[level] != NULL && strcmp(levels[level], name) == 0)
			return level;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown action on %s", what),
			 errdetail("The action is \"%s\".", name != NULL ? name : "NULL"),
			 levels[QUAY_ACTION_WRITE] != NULL ?
			 errhint("Use \"%s\", \"%s\" or \"%s\".", levels[1], levels[2], levels[3]) :
			 errhint("Use \"%s\" or \"%s\".", levels[1], levels[3])));
	return QUAY_ACTION_NONE;	/* keep the compiler quiet */
}

QuayAction
quay_level_of_role(const char *role)
{
	for (int level = QUAY_ACTION_READ; role != NULL && level <= QUAY_ACTION_ADMIN; level++)
		if (strcmp(quay_level_repository[level], role) == 0)
			return (QuayAction) level;
	return QUAY_ACTION_NONE;
}
