/*
 * request.h
 *	  What all decisions about access have in common: the actor, his scopes, and how a rule speaks.
 */
#ifndef QUAY_AUTH_REQUEST_H
#define QUAY_AUTH_REQUEST_H

#include "auth/level.h"
#include "auth/rights.h"
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

typedef enum QuayVerdict
{
	QUAY_UNDECIDED,
	QUAY_ALLOWED,
	QUAY_DENIED
} QuayVerdict;

/* What the rules look at. Levels are those of QuayAction or of QuayNamespaceAction, which are alike: each includes what stands before it. */
typedef struct QuayRequest
{
	const text *actor_name;		/* NULL: anonymous */
	const text *scope_string;	/* NULL: direct login */
	const text *namespace_name; /* NULL if the decision is about none */
	const text *repository_name;	/* likewise */
	const QuayUser *owner;		/* the namespace; NULL if there is no such row, or it is a robot */
	const QuayRepository *repository;	/* NULL if there is no such row */
	int64		team_id;		/* 0 if the decision is about none */
	int			wanted;
	const char *const *level_names;
	const QuayAccessTrace *trace;	/* NULL: nobody asks why */

	/* Filled by quay_request_actor_rule and quay_request_scope_rule, once; later rules rely on them. */
	bool		actor_checked;
	QuayVerdict actor_verdict;
	QuayUser	actor;
	bool		scopes_checked;
	QuayVerdict scope_verdict;
	QuayScopes	scopes;
	int			cap;			/* what the scopes let through here */

	/* Filled by whoever comes across it. */
	bool		superuser_known;
	QuaySuperuser superuser;
	bool		role_known;
	QuayAction	role;			/* in the repository, the highest through any right */
} QuayRequest;

typedef QuayVerdict (*QuayRule) (QuayRequest *r);

/* Walks over the rules until one of them decides. None: no. */
extern bool quay_request_decide(QuayRequest *r, const QuayRule *rules, int count);

/* A gate that is passed, or a rule that has nothing to say. */
extern QuayVerdict quay_request_pass(QuayRequest *r, const char *rule, const char *detail);
extern QuayVerdict quay_request_deny(QuayRequest *r, const char *rule, const char *detail);
/* A right that no scope limits, and one that scopes do. */
extern QuayVerdict quay_request_grant(QuayRequest *r, const char *rule, int level, const char *detail);
extern QuayVerdict quay_request_grant_capped(QuayRequest *r, const char *rule, int level, const char *detail);

/* Could this level decide? If not, it need not be looked at, unless somebody asks for all that there is. */
extern bool quay_request_matters(const QuayRequest *r, int level);

/* Gates: who is it, and do the scopes let anything through? */
extern QuayVerdict quay_request_actor_rule(QuayRequest *r);
extern QuayVerdict quay_request_scope_rule(QuayRequest *r);

/* Last rule: superusers with full access, for everything that has a namespace. */
extern QuayVerdict quay_request_superuser_rule(QuayRequest *r);
extern QuaySuperuser quay_request_superuser(QuayRequest *r);

/* Text for the trace; not made when nobody asks. */
#define QUAY_DETAIL(r, ...) ((r)->trace != NULL ? psprintf(__VA_ARGS__) : NULL)

#endif							/* QUAY_AUTH_REQUEST_H */
