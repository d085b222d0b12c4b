/*
 * scope.h
 *	  OAuth scopes: how far a credential reaches into the rights of its user.
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

typedef struct QuayScopes
{
	QuayAction	repository;		/* the most that they let through in a repository */
	bool		superuser;		/* do they let the status of a superuser through? */
} QuayScopes;

/* No scopes at all: a session, a password, a robot's or an application's token. */
extern const QuayScopes quay_scope_direct;

/*
 * Reads a stored scope string: scopes with one comma or one blank between them. False if any of them is unknown or empty, so for the
 * empty string too; such a credential must not let anything through.
 */
extern bool quay_scope_parse(const char *scopes, size_t length, QuayScopes *result);

#endif							/* QUAY_AUTH_SCOPE_H */
