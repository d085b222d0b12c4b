/*
 * access.h
 *	  May this actor do this?
 */
#ifndef QUAY_AUTH_ACCESS_H
#define QUAY_AUTH_ACCESS_H

#include "auth/level.h"
#include "auth/request.h"

/*
 * The decision about a repository, for a namespace and a repository that have been looked up already. NULL where there is no such row;
 * actor and scopes are NULL for anonymous and for a direct login. trace may be NULL.
 */
extern bool quay_access_allowed(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
								const text *repository_name, const QuayRepository *repository,
								QuayAction action, const text *scopes, const QuayAccessTrace *trace);

/* The same for a request that has been filled. */
extern bool quay_access_decide(QuayRequest *r);

/* The decision about a namespace (team NULL), or a team of an organization. */
extern bool quay_access_namespace_allowed(const text *actor, const text *namespace_name, const text *team,
										  QuayNamespaceAction action, const text *scopes, const QuayAccessTrace *trace);

/* The decision about the account of a user: read or admin. */
extern bool quay_access_user_allowed(const text *actor, const text *username, QuayAction action, const text *scopes,
									 const QuayAccessTrace *trace);

#endif							/* QUAY_AUTH_ACCESS_H */
