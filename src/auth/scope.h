/*
 * scope.h
 *	  Scopes: how far a credential reaches into the rights of its user.
 */
#ifndef QUAY_AUTH_SCOPE_H
#define QUAY_AUTH_SCOPE_H

#include "util/pure.h"

/* What one wants to do in a repository, and what a role there lets one do: each includes what stands before it. */
typedef enum QuayAction
{
	QUAY_ACTION_NONE = 0,
	QUAY_ACTION_READ,
	QUAY_ACTION_WRITE,
	QUAY_ACTION_ADMIN
} QuayAction;

/* The same for a namespace, where the roles are those of teams. */
typedef enum QuayNamespaceAction
{
	QUAY_NAMESPACE_NONE = 0,
	QUAY_NAMESPACE_MEMBER,
	QUAY_NAMESPACE_CREATE,
	QUAY_NAMESPACE_ADMIN
} QuayNamespaceAction;

typedef struct QuayScopes
{
	QuayAction	repository;		/* the most that they let through in the repository in question */
	QuayNamespaceAction in_namespace;	/* in a namespace and its teams */
	QuayAction	user;			/* in the actor's own account: read or admin */
	bool		superuser;		/* do they let the status of a superuser through? */
	QuayAction	grant;			/* what those for this one repository give to somebody without a name */
} QuayScopes;

/* The repository that a decision is about. */
typedef struct QuayRepositoryPath
{
	const char *namespace_name;
	size_t		namespace_length;
	const char *name;
	size_t		name_length;
} QuayRepositoryPath;

/* No scopes at all: a session, a password, a robot's or an application's token. */
extern const QuayScopes quay_scope_direct;

/*
 * Reads a scope string: scopes with one comma or one blank between them. False if any of them is unknown or empty, so for the empty string
 * too; such a credential must not let anything through.
 *
 * Besides the scopes of OAuth there are those of the registry's tokens, "repository:<namespace>/<name>:<actions>", actions being pull, push
 * and * with commas between them (distribution specification, token scope documentation). They count for that repository; path is NULL if
 * the decision is about none.
 */
extern bool quay_scope_parse(const char *scopes, size_t length, const QuayRepositoryPath *path, QuayScopes *result);

#endif							/* QUAY_AUTH_SCOPE_H */
