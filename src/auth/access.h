/*
 * access.h
 *	  May this actor do this in this repository?
 */
#ifndef QUAY_AUTH_ACCESS_H
#define QUAY_AUTH_ACCESS_H

#include "auth/scope.h"
#include "registry/lookup.h"

/* A rule that was looked at. */
typedef struct QuayAccessStep
{
	const char *rule;
	QuayAction	grants;			/* what the rule gives, before the scopes */
	bool		capped;			/* do the scopes limit it? */
	QuayAction	scope_cap;		/* the most that they let through */
	bool		decided;
	const char *detail;
} QuayAccessStep;

/* Is told of every rule that is looked at, in order; the last one decided. */
typedef struct QuayAccessTrace
{
	void		(*step) (const QuayAccessStep *step, void *arg);
	void	   *arg;
} QuayAccessTrace;

/* "read", "write" or "admin"; anything else is an error of the caller. */
extern QuayAction quay_access_parse_action(const text *action);
extern const char *quay_access_action_name(QuayAction action);

/*
 * The decision, for a namespace and a repository that have been looked up already. NULL where there is no such row; actor and scopes are
 * NULL for anonymous and for a direct login.
 */
extern bool quay_access_allowed(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
								const QuayRepository *repository, QuayAction action, const text *scopes);

/* The same decision, told step by step. */
extern bool quay_access_explained(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
								  const QuayRepository *repository, QuayAction action, const text *scopes,
								  const QuayAccessTrace *trace);

#endif							/* QUAY_AUTH_ACCESS_H */
