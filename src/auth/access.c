/*
 * access.c
 *	  May this actor do this in this repository?
 *
 * Everything is read with the active snapshot, or remembered in a way that comes to the same (rights.c): a right that was given or taken
 * away counts as soon as the caller's snapshot sees it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "auth/access.h"
#include "auth/request.h"
#include "compat.h"
#include "guc.h"
#include "plan.h"
#include "scan.h"

/*
 * Gates
 */

static QuayVerdict
namespace_rule(QuayRequest *r)
{
	if (r->owner == NULL)
		return quay_request_pass(r, "namespace", "The namespace does not exist.");
	if (!r->owner->enabled)
		return quay_request_deny(r, "namespace", "The namespace is disabled.");
	return quay_request_pass(r, "namespace", "The namespace is enabled.");
}

static QuayVerdict
state_rule(QuayRequest *r)
{
	if (r->repository == NULL)
		return quay_request_pass(r, "state", "The repository does not exist.");
	switch (r->repository->state)
	{
		case QUAY_STATE_NORMAL:
			return quay_request_pass(r, "state", "The repository is in normal state.");
		case QUAY_STATE_READ_ONLY:
			if (r->wanted == QUAY_ACTION_WRITE)
				return quay_request_deny(r, "state", "The repository is read-only.");
			return quay_request_pass(r, "state", "The repository is read-only.");
		case QUAY_STATE_MIRROR:
		case QUAY_STATE_ORG_MIRROR:
			return quay_request_pass(r, "state", "The repository is a mirror.");
		case QUAY_STATE_MARKED_FOR_DELETION:
			return quay_request_deny(r, "state", "The repository is marked for deletion.");
	}
	return quay_request_deny(r, "state", "The state of the repository is unknown.");
}

static bool
is_public_read(const QuayRequest *r)
{
	return r->wanted == QUAY_ACTION_READ && r->repository != NULL && r->repository->is_public;
}

static QuayVerdict
public_rule(QuayRequest *r)
{
	if (!is_public_read(r) || !quay_guc_anonymous_access)
		return QUAY_UNDECIDED;
	return quay_request_grant(r, "public", QUAY_ACTION_READ, "The repository is public.");
}

/*
 * Scopes without an actor are those of a credential that stands for itself, a repository's access token or a registry token: they are the
 * right. A mirror is only for its robot, who has a name.
 */
static QuayVerdict
token_rule(QuayRequest *r)
{
	bool		to_mirror = (r->repository != NULL && r->wanted == QUAY_ACTION_WRITE && r->repository->state != QUAY_STATE_NORMAL);

	if (r->actor_name != NULL || r->scope_string == NULL)
		return QUAY_UNDECIDED;
	if (quay_request_scope_rule(r) == QUAY_DENIED)
		return QUAY_DENIED;
	if (r->repository == NULL || r->scopes.grant == QUAY_ACTION_NONE)
		return QUAY_UNDECIDED;
	if (to_mirror)
		return quay_request_deny(r, "mirror", "Only the robot of the mirror writes to it.");
	return quay_request_grant(r, "token", r->scopes.grant, "The token is for this repository.");
}

static QuayVerdict
public_to_known_rule(QuayRequest *r)
{
	if (!is_public_read(r))
		return QUAY_UNDECIDED;
	return quay_request_grant(r, "public", QUAY_ACTION_READ, "The repository is public, and the actor is known.");
}

static QuayVerdict
mirror_rule(QuayRequest *r)
{
	int64		robot_id;
	bool		known;

	if (r->wanted != QUAY_ACTION_WRITE || r->repository == NULL)
		return QUAY_UNDECIDED;
	if (r->repository->state == QUAY_STATE_MIRROR)
		known = quay_plan_read_int64(QUAY_PLAN_MIRROR_ROBOT, r->repository->id, &robot_id);
	else if (r->repository->state == QUAY_STATE_ORG_MIRROR)
		known = quay_plan_read_int64(QUAY_PLAN_ORGMIRROR_ROBOT, r->repository->namespace_id, &robot_id);
	else
		return QUAY_UNDECIDED;
	if (!known || robot_id != r->actor.id)
		return quay_request_deny(r, "mirror", "Only the robot of the mirror writes to it.");
	return quay_request_pass(r, "mirror", "The actor is the robot of the mirror.");
}

static bool
is_unrestricted(const text *username)
{
	QuayScan	scan;
	bool		result;

	quay_scan_prepare(&scan, QUAY_UNRESTRICTED_USER, QUAY_UNRESTRICTED_USER_BY_USERNAME);
	quay_scan_key_text(&scan, username);
	result = quay_scan_next(&scan);
	quay_scan_end(&scan);
	return result;
}

/* The namespace of a person is the actor's own, or that of the robot who acts. */
static bool
is_own_namespace(const QuayRequest *r)
{
	const char *name = VARDATA_ANY(r->actor_name);
	const char *plus;

	if (r->owner == NULL || r->owner->organization)
		return false;
	if (r->owner->id == r->actor.id)
		return true;
	plus = r->actor.robot ? memchr(name, '+', VARSIZE_ANY_EXHDR(r->actor_name)) : NULL;
	return plus != NULL && plus - name == VARSIZE_ANY_EXHDR(r->namespace_name) &&
		memcmp(name, VARDATA_ANY(r->namespace_name), plus - name) == 0;
}

static QuayVerdict
restricted_rule(QuayRequest *r)
{
	if (!quay_guc_restricted_users || r->wanted != QUAY_ACTION_WRITE || !is_own_namespace(r))
		return QUAY_UNDECIDED;
	if (is_unrestricted(r->namespace_name))
		return quay_request_pass(r, "restricted user", "The owner of the namespace may write into it.");
	if (r->scopes.superuser && quay_request_superuser(r) == QUAY_SUPERUSER_FULL)
		return quay_request_pass(r, "restricted user", "The actor is a superuser.");
	return quay_request_deny(r, "restricted user", "The owner of the namespace may not write into it.");
}

/*
 * Rights
 */

static QuayVerdict
own_namespace_rule(QuayRequest *r)
{
	if (r->owner == NULL || r->owner->id != r->actor.id)
		return QUAY_UNDECIDED;
	return quay_request_grant_capped(r, "own namespace", QUAY_ACTION_ADMIN, "The namespace is the actor's own.");
}

typedef struct Visit
{
	QuayRequest *request;
	QuayVerdict verdict;
} Visit;

static bool
tell_right(const QuayRight *right, void *arg)
{
	Visit	   *visit = (Visit *) arg;
	QuayRequest *r = visit->request;

	switch (right->source)
	{
		case QUAY_RIGHT_OF_USER:
			visit->verdict = quay_request_grant_capped(r, "user permission", right->role, "The actor has a role in the repository.");
			break;
		case QUAY_RIGHT_OF_TEAM:
			visit->verdict = quay_request_grant_capped(r, "team permission", right->role,
													   QUAY_DETAIL(r, "Team \"%s\" has a role in the repository, and the actor is a member.",
																   quay_rights_team_name(right->team_id)));
			break;
		case QUAY_RIGHT_OF_ADMINISTRATOR:
			visit->verdict = quay_request_grant_capped(r, "organization team", right->role,
													   QUAY_DETAIL(r, "Team \"%s\" has the role \"%s\" in the organization, and the actor is a member.",
																   quay_rights_team_name(right->team_id), right->team_role));
			break;
	}
	return visit->verdict == QUAY_UNDECIDED;
}

/* Permissions of the actor and of his teams, and the administrators of the organization. */
static QuayVerdict
rights_rule(QuayRequest *r)
{
	Visit		visit = {.request = r, .verdict = QUAY_UNDECIDED};

	if (r->role_known)
		return quay_request_grant_capped(r, "rights", r->role, NULL);
	if (r->trace == NULL && r->repository != NULL)
		return quay_request_grant_capped(r, "rights", quay_rights_role(r->actor.id, r->owner, r->repository, r->wanted), NULL);
	if (quay_request_matters(r, QUAY_ACTION_ADMIN))
		quay_rights_visit(r->actor.id, r->owner, r->repository, tell_right, &visit);
	return visit.verdict;
}

/* Those who may read everything may do so with any scope. */
static QuayVerdict
readonly_superuser_rule(QuayRequest *r)
{
	if ((r->wanted > QUAY_ACTION_READ && r->trace == NULL) || quay_request_superuser(r) != QUAY_SUPERUSER_READONLY)
		return QUAY_UNDECIDED;
	return quay_request_grant(r, "readonly superuser", QUAY_ACTION_READ, "The actor is a superuser who may read everything.");
}

static const QuayRule rules[] = {
	namespace_rule, state_rule, public_rule, token_rule, quay_request_actor_rule, quay_request_scope_rule, public_to_known_rule,
	mirror_rule, restricted_rule, own_namespace_rule, rights_rule, readonly_superuser_rule, quay_request_superuser_rule,
};

bool
quay_access_decide(QuayRequest *r)
{
	return quay_request_decide(r, rules, lengthof(rules));
}

bool
quay_access_allowed(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
					const text *repository_name, const QuayRepository *repository,
					QuayAction action, const text *scopes, const QuayAccessTrace *trace)
{
	/* A robot's name is nobody's namespace. */
	bool		has_owner = (namespace_user != NULL && !namespace_user->robot);

	return quay_access_decide(&(QuayRequest) {
		.actor_name = actor, .scope_string = scopes, .namespace_name = namespace_name, .repository_name = repository_name,
		.owner = has_owner ? namespace_user : NULL, .repository = repository,
		.wanted = action, .level_names = quay_level_repository, .trace = trace,
	});
}
