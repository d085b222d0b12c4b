/*
 * scope.c
 *	  Scopes: how far a credential reaches into the rights of its user.
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
	{"repo:read", {.repository = QUAY_ACTION_READ}},
	{"repo:write", {.repository = QUAY_ACTION_WRITE}},
	{"repo:admin", {.repository = QUAY_ACTION_ADMIN}},
	{"repo:create", {.in_namespace = QUAY_NAMESPACE_CREATE}},
	{"org:admin", {.in_namespace = QUAY_NAMESPACE_ADMIN}},
	{"user:read", {.user = QUAY_ACTION_READ}},
	{"user:admin", {.user = QUAY_ACTION_ADMIN}},
	{"super:user", {.superuser = true}},
};

const QuayScopes quay_scope_direct = {
	.repository = QUAY_ACTION_ADMIN, .in_namespace = QUAY_NAMESPACE_ADMIN, .user = QUAY_ACTION_ADMIN, .superuser = true,
};

static const char one_repository[] = "repository:";

static bool
equal(const char *a, size_t a_length, const char *b, size_t b_length)
{
	return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static void
add(QuayScopes *result, const QuayScopes *more)
{
	result->repository = Max(result->repository, more->repository);
	result->in_namespace = Max(result->in_namespace, more->in_namespace);
	result->user = Max(result->user, more->user);
	result->superuser |= more->superuser;
	result->grant = Max(result->grant, more->grant);
}

static bool
parse_known(const char *scope, size_t length, QuayScopes *result)
{
	for (size_t i = 0; i < lengthof(scopes_known); i++)
	{
		if (equal(scopes_known[i].name, strlen(scopes_known[i].name), scope, length))
		{
			add(result, &scopes_known[i].lets_through);
			return true;
		}
	}
	return false;
}

/* "pull,push,*", in any order; no actions at all are fine, and give nothing. */
static bool
parse_actions(const char *actions, size_t length, QuayAction *result)
{
	size_t		start = 0;

	*result = QUAY_ACTION_NONE;
	if (length == 0)
		return true;
	for (size_t i = 0; i <= length; i++)
	{
		QuayAction	action;

		if (i < length && actions[i] != ',')
			continue;
		if (equal(actions + start, i - start, "pull", 4))
			action = QUAY_ACTION_READ;
		else if (equal(actions + start, i - start, "push", 4))
			action = QUAY_ACTION_WRITE;
		else if (equal(actions + start, i - start, "*", 1))
			action = QUAY_ACTION_ADMIN;
		else
			return false;
		*result = Max(*result, action);
		start = i + 1;
	}
	return true;
}

/* What stands behind "repository:". */
static bool
parse_one_repository(const char *scope, size_t length, const QuayRepositoryPath *path, QuayScopes *result)
{
	const char *end = scope + length;
	const char *slash = memchr(scope, '/', length);
	const char *colon = slash != NULL ? memchr(slash, ':', end - slash) : NULL;
	QuayAction	action;

	if (colon == NULL || slash == scope || colon == slash + 1 || !parse_actions(colon + 1, end - colon - 1, &action))
		return false;
	if (path != NULL && equal(path->namespace_name, path->namespace_length, scope, slash - scope) &&
		equal(path->name, path->name_length, slash + 1, colon - slash - 1))
		add(result, &(QuayScopes) {.repository = action, .grant = action});
	return true;
}

bool
quay_scope_parse(const char *scopes, size_t length, const QuayRepositoryPath *path, QuayScopes *result)
{
	const size_t prefix = sizeof(one_repository) - 1;
	size_t		start = 0;

	memset(result, 0, sizeof(*result));
	while (start <= length)
	{
		const char *scope = scopes + start;
		bool		is_one = (length - start > prefix && memcmp(scope, one_repository, prefix) == 0);
		size_t		end = start;

		/* The actions have commas of their own. */
		while (end < length && scopes[end] != ' ' && (scopes[end] != ',' || is_one))
			end++;
		if (!(is_one ? parse_one_repository(scope + prefix, end - start - prefix, path, result)
			  : parse_known(scope, end - start, result)))
			return false;
		start = end + 1;
	}
	return true;
}
