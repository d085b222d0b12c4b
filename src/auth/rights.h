/*
 * rights.h
 *	  What an actor holds in a repository: roles of his own, of his teams, and as an administrator of the organization.
 */
#ifndef QUAY_AUTH_RIGHTS_H
#define QUAY_AUTH_RIGHTS_H

#include "auth/scope.h"
#include "registry/lookup.h"

typedef enum QuaySuperuser
{
	QUAY_SUPERUSER_NONE,
	QUAY_SUPERUSER_READONLY,	/* may read everything */
	QUAY_SUPERUSER_FULL
} QuaySuperuser;

typedef enum QuayRightSource
{
	QUAY_RIGHT_OF_USER,			/* a row of repositorypermission for the actor */
	QUAY_RIGHT_OF_TEAM,			/* one for a team of his */
	QUAY_RIGHT_OF_ADMINISTRATOR /* a team of the organization; only the role admin reaches into repositories */
} QuayRightSource;

typedef struct QuayRight
{
	QuayRightSource source;
	QuayAction	role;
	int64		team_id;		/* 0 if it is not through a team */
	const char *team_role;		/* in the organization; of the last source only */
} QuayRight;

/* Is told of every right, until it returns false. */
typedef bool (*QuayRightVisitor) (const QuayRight *right, void *arg);

/* All rights of the actor, who is in no way checked. Each of owner and repository may be NULL: there is no such row. */
extern void quay_rights_visit(int64 actor_id, const QuayUser *owner, const QuayRepository *repository,
							  QuayRightVisitor visitor, void *arg);

/*
 * Of these rights the role that is enough for what is wanted, or else the highest; and what kind of superuser the actor is. Both are
 * remembered from call to call.
 */
extern QuayAction quay_rights_role(int64 actor_id, const QuayUser *owner, const QuayRepository *repository, QuayAction wanted);
extern QuaySuperuser quay_rights_superuser(const text *actor_name, int64 actor_id);

/* Name of a team, for explanations. */
extern char *quay_rights_team_name(int64 team_id);

#endif							/* QUAY_AUTH_RIGHTS_H */
