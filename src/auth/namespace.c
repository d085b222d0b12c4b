/*
 * namespace.c
 *	  May this actor do this in this namespace, see this team, act on this account?
 *
 * Unlike those about repositories these decisions are rare, and nothing is remembered.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "auth/access.h"
#include "auth/request.h"
#include "cache.h"
#include "compat.h"
#include "scan.h"

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
own_namespace_rule(QuayRequest *r)
{
	/* There are no teams in it. */
	if (r->team_id != 0 || r->owner == NULL || r->owner->id != r->actor.id)
		return QUAY_UNDECIDED;
	return quay_request_grant_capped(r, "own namespace", QUAY_NAMESPACE_ADMIN, "The namespace is the actor's own.");
}

static QuayNamespaceAction
level_of_team_role(const char *role)
{
	if (role == NULL)
		return QUAY_NAMESPACE_NONE;
	if (strcmp(role, "admin") == 0)
		return QUAY_NAMESPACE_ADMIN;
	if (strcmp(role, "creator") == 0)
		return QUAY_NAMESPACE_CREATE;
	return strcmp(role, "member") == 0 ? QUAY_NAMESPACE_MEMBER : QUAY_NAMESPACE_NONE;
}

typedef struct Visit
{
	QuayRequest *request;
	QuayVerdict verdict;
} Visit;

/* A team counts for its namespace; to be seen, any role in it does, and no role but admin in another one. */
static bool
tell_team(const QuayRight *right, void *arg)
{
	Visit	   *visit = (Visit *) arg;
	QuayRequest *r = visit->request;
	QuayNamespaceAction level = level_of_team_role(right->team_role);

	if (r->team_id != 0 && r->team_id != right->team_id && level != QUAY_NAMESPACE_ADMIN)
		return true;
	/* What lets an administrator see other teams has to reach that far. */
	if (r->team_id != 0 && r->team_id != right->team_id && r->cap < QUAY_NAMESPACE_ADMIN)
		return true;
	visit->verdict = quay_request_grant_capped(r, "organization team", level,
											   QUAY_DETAIL(r, "Team \"%s\" has the role \"%s\" in the organization, and the actor is a member.",
														   quay_rights_team_name(right->team_id), right->team_role));
	return visit->verdict == QUAY_UNDECIDED;
}

static QuayVerdict
team_rule(QuayRequest *r)
{
	Visit		visit = {.request = r, .verdict = QUAY_UNDECIDED};

	if (quay_request_matters(r, QUAY_NAMESPACE_ADMIN))
		quay_rights_visit(r->actor.id, r->owner, NULL, tell_team, &visit);
	return visit.verdict;
}

static const QuayRule namespace_rules[] = {
	namespace_rule, quay_request_actor_rule, quay_request_scope_rule, own_namespace_rule, team_rule, quay_request_superuser_rule,
};

static int64
find_team(int64 organization_id, const text *name)
{
	int64		id = 0;
	QuayScan	scan;

	quay_scan_prepare(&scan, QUAY_TEAM, QUAY_TEAM_BY_NAME_ORGANIZATION);
	quay_scan_key_text(&scan, name);
	quay_scan_key_int64(&scan, organization_id);
	if (quay_scan_next(&scan))
		id = quay_scan_int64(&scan, QUAY_TEAM_ID);
	quay_scan_end(&scan);
	return id;
}

bool
quay_access_namespace_allowed(const text *actor, const text *namespace_name, const text *team,
							  QuayNamespaceAction action, const text *scopes, const QuayAccessTrace *trace)
{
	QuayUser	owner;
	bool		has_owner = namespace_name != NULL && quay_lookup_user(namespace_name, &owner) && !owner.robot;
	QuayRequest r = {
		.actor_name = actor, .scope_string = scopes, .namespace_name = namespace_name, .owner = has_owner ? &owner : NULL,
		.wanted = action, .level_names = quay_level_namespace, .trace = trace,
	};

	if (team != NULL)
		r.team_id = has_owner ? find_team(owner.id, team) : 0;
	/* No role is in a team that does not exist. */
	if (team != NULL && r.team_id == 0)
		r.team_id = -1;
	return quay_request_decide(&r, namespace_rules, lengthof(namespace_rules));
}

/* The account is the owner here. Even superusers have nothing to say about it. */
static QuayVerdict
account_rule(QuayRequest *r)
{
	if (r->owner == NULL || r->owner->id != r->actor.id)
		return QUAY_UNDECIDED;
	return quay_request_grant_capped(r, "own account", QUAY_ACTION_ADMIN, "The account is the actor's own.");
}

static const QuayRule user_rules[] = {
	quay_request_actor_rule, quay_request_scope_rule, account_rule,
};

bool
quay_access_user_allowed(const text *actor, const text *username, QuayAction action, const text *scopes, const QuayAccessTrace *trace)
{
	QuayUser	account;
	bool		has_account = username != NULL && quay_lookup_user(username, &account);
	QuayRequest r = {
		.actor_name = actor, .scope_string = scopes, .namespace_name = username, .owner = has_account ? &account : NULL,
		.wanted = action, .level_names = quay_level_user, .trace = trace,
	};

	return quay_request_decide(&r, user_rules, lengthof(user_rules));
}
