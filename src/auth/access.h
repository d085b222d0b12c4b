/*
 * access.h
 *	  May this actor do this?
 */
#ifndef QUAY_AUTH_ACCESS_H
#define QUAY_AUTH_ACCESS_H

#include "auth/scope.h"
#include "registry/lookup.h"

/* A rule that was looked at. */
typedef struct QuayAccessStep
{
	const char *rule;
	const char *grants;			/* what the rule gives, before the scopes */
	const char *scope_cap;		/* the most that the scopes let through; NULL: they do not matter */
	bool		decided;
	const char *detail;
} QuayAccessStep;

/* Is told of every rule that is looked at, in order; the last one decided. */
typedef struct QuayAccessTrace
{
	void		(*step) (const QuayAccessStep *step, void *arg);
	void	   *arg;
} QuayAccessTrace;

/* Names of the levels, from 0 to 3: on a repository, in a namespace, in the account of a user. */
extern const char *const quay_access_levels[];
extern const char *const quay_access_namespace_levels[];
extern const char *const quay_access_user_levels[];

/* Level of that name; anything else, and "none", is an error of the caller. what: as in "a repository". */
extern int	quay_access_parse_level(const char *const *levels, const text *action, const char *what);

/* Level of a role in a repository; unknown roles give nothing. */
extern QuayAction quay_access_role(const char *role);

/*
 * The decision about a repository, for a namespace and a repository that have been looked up already. NULL where there is no such row;
 * actor and scopes are NULL for anonymous and for a direct login. trace may be NULL.
 */
extern bool quay_access_allowed(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
								const text *repository_name, const QuayRepository *repository,
								QuayAction action, const text *scopes, const QuayAccessTrace *trace);

/* The decision about a namespace (team NULL), or a team of an organization. */
extern bool quay_access_namespace_allowed(const text *actor, const text *namespace_name, const text *team,
										  QuayNamespaceAction action, const text *scopes, const QuayAccessTrace *trace);

/* The decision about the account of a user: read or admin. */
extern bool quay_access_user_allowed(const text *actor, const text *username, QuayAction action, const text *scopes,
									 const QuayAccessTrace *trace);

#endif							/* QUAY_AUTH_ACCESS_H */
