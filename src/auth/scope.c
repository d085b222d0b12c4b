/*
 * scope.c
 *	  OAuth scopes: how far a credential reaches into the rights of its user.
 *
 * The scope of a direct login, "direct_user_login", is not in the list: nobody can ask for it.
 */
#include "auth/scope.h"

typedef struct Scope
{
	const char *name;
	QuayScopes	lets_through;
} Scope;

static const Scope scopes_known[] = {
	{"repo:read", {QUAY_ACTION_READ, false}},
	{"repo:write", {QUAY_ACTION_WRITE, false}},
	{"repo:admin", {QUAY_ACTION_ADMIN, false}},
	{"repo:create", {QUAY_ACTION_NONE, false}},
	{"org:admin", {QUAY_ACTION_NONE, false}},
	{"user:read", {QUAY_ACTION_NONE, false}},
	{"user:admin", {QUAY_ACTION_NONE, false}},
	{"super:user", {QUAY_ACTION_NONE, true}},
};

const QuayScopes quay_scope_direct = {QUAY_ACTION_ADMIN, true};

static const Scope *
find_scope(const char *name, size_t length)
{
	for (size_t i = 0; i < lengthof(scopes_known); i++)
		if (strlen(scopes_known[i].name) == length && memcmp(scopes_known[i].name, name, length) == 0)
			return &scopes_known[i];
	return NULL;
}

static bool
is_separator(char c)
{
	return c == ' ' || c == ',';
}

bool
quay_scope_parse(const char *scopes, size_t length, QuayScopes *result)
{
	size_t		start = 0;

	result->repository = QUAY_ACTION_NONE;
	result->superuser = false;
	for (size_t i = 0; i <= length; i++)
	{
		const Scope *scope;

		if (i < length && !is_separator(scopes[i]))
			continue;
		scope = find_scope(scopes + start, i - start);
		if (scope == NULL)
			return false;
		result->repository = Max(result->repository, scope->lets_through.repository);
		result->superuser |= scope->lets_through.superuser;
		start = i + 1;
	}
	return true;
}
