/*
 * access.c
 *	  May this actor do this in this repository?
 *
 * A decision is a walk over the rules below until one of them decides. The gates come first: what nobody may do, and what everybody may.
 * Then rights add up, so their order is only that of their cost: what is known already, the rows of the repository, the teams of the
 * actor. Everything is read with the active snapshot and nothing is remembered from one call to the next, so a right that was given or
 * taken away counts as soon as the caller's snapshot sees it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "auth/access.h"
#include "cache.h"
#include "compat.h"
#include "guc.h"
#include "plan.h"
#include "scan.h"

/* What the rules look at. */
typedef struct Request
{
	const text *actor_name;		/* NULL: anonymous */
	const text *namespace_name; /* NULL if there is no such namespace */
	const QuayUser *owner;		/* the namespace; NULL as above */
	const QuayRepository *repository;	/* NULL if there is no such repository */
	QuayAction	action;
	const text *scope_string;	/* NULL: direct login */
	const QuayAccessTrace *trace;	/* NULL: nobody asks why */

	/* Filled by actor_rule and scope_rule; later rules rely on them. */
	QuayUser	actor;
	QuayScopes	scopes;
} Request;

typedef enum Verdict
{
	UNDECIDED,
	ALLOWED,
	DENIED
} Verdict;

typedef Verdict (*Rule) (Request *r);

static const char *const action_names[] = {
	[QUAY_ACTION_NONE] = "none",
	[QUAY_ACTION_READ] = "read",
	[QUAY_ACTION_WRITE] = "write",
	[QUAY_ACTION_ADMIN] = "admin",
};

/* Text for the trace; not made when nobody asks. */
#define DETAIL(r, ...) ((r)->trace != NULL ? psprintf(__VA_ARGS__) : NULL)
#define NAME(t) text_to_cstring(t)

const char *
quay_access_action_name(QuayAction action)
{
	return action_names[action];
}

static QuayAction
action_of_name(const char *name)
{
	for (QuayAction action = QUAY_ACTION_READ; name != NULL && action <= QUAY_ACTION_ADMIN; action++)
		if (strcmp(action_names[action], name) == 0)
			return action;
	return QUAY_ACTION_NONE;
}

QuayAction
quay_access_parse_action(const text *action)
{
	QuayAction	result = action_of_name(action != NULL ? NAME(action) : NULL);

	if (result == QUAY_ACTION_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown action on a repository"),
				 errdetail("The action is \"%s\".", action != NULL ? NAME(action) : "NULL"),
				 errhint("Use \"read\", \"write\" or \"admin\".")));
	return result;
}

static Verdict
conclude(Request *r, const QuayAccessStep *step, Verdict verdict)
{
	if (r->trace != NULL)
		r->trace->step(step, r->trace->arg);
	return verdict;
}

/* A gate that is passed, or a rule that has nothing to say. */
static Verdict
pass(Request *r, const char *rule, const char *detail)
{
	return conclude(r, &(QuayAccessStep) {.rule = rule, .detail = detail}, UNDECIDED);
}

static Verdict
deny(Request *r, const char *rule, const char *detail)
{
	return conclude(r, &(QuayAccessStep) {.rule = rule, .decided = true, .detail = detail}, DENIED);
}

/* A right that no scope limits. */
static Verdict
grant(Request *r, const char *rule, QuayAction role, const char *detail)
{
	bool		enough = (role >= r->action);

	return conclude(r, &(QuayAccessStep) {.rule = rule, .grants = role, .decided = enough, .detail = detail},
					enough ? ALLOWED : UNDECIDED);
}

/* A right that the scopes limit. */
static Verdict
grant_capped(Request *r, const char *rule, QuayAction role, const char *detail)
{
	QuayAction	cap = r->scopes.repository;
	bool		enough = (Min(role, cap) >= r->action);

	return conclude(r, &(QuayAccessStep) {.rule = rule, .grants = role, .capped = true, .scope_cap = cap,
										  .decided = enough, .detail = detail},
					enough ? ALLOWED : UNDECIDED);
}

/* Could this role decide? If not, it need not be looked at, unless somebody asks for all that there is. */
static bool
matters(const Request *r, QuayAction role)
{
	return r->trace != NULL || Min(role, r->scopes.repository) >= r->action;
}

static bool
text_equal(const text *a, const char *b, size_t b_length)
{
	return VARSIZE_ANY_EXHDR(a) == b_length && memcmp(VARDATA_ANY(a), b, b_length) == 0;
}

/*
 * Gates
 */

static Verdict
namespace_rule(Request *r)
{
	if (r->owner == NULL)
		return pass(r, "namespace", "The namespace does not exist.");
	if (!r->owner->enabled)
		return deny(r, "namespace", "The namespace is disabled.");
	return pass(r, "namespace", "The namespace is enabled.");
}

static Verdict
state_rule(Request *r)
{
	if (r->repository == NULL)
		return pass(r, "state", "The repository does not exist.");
	switch (r->repository->state)
	{
		case QUAY_STATE_NORMAL:
			return pass(r, "state", "The repository is in normal state.");
		case QUAY_STATE_READ_ONLY:
			if (r->action == QUAY_ACTION_WRITE)
				return deny(r, "state", "The repository is read-only.");
			return pass(r, "state", "The repository is read-only.");
		case QUAY_STATE_MIRROR:
		case QUAY_STATE_ORG_MIRROR:
			return pass(r, "state", "The repository is a mirror.");
		case QUAY_STATE_MARKED_FOR_DELETION:
			return deny(r, "state", "The repository is marked for deletion.");
	}
	return deny(r, "state", "The state of the repository is unknown.");
}

static bool
is_public_read(const Request *r)
{
	return r->action == QUAY_ACTION_READ && r->repository != NULL && r->repository->is_public;
}

static Verdict
public_rule(Request *r)
{
	if (!is_public_read(r) || !quay_guc_anonymous_access)
		return UNDECIDED;
	return grant(r, "public", QUAY_ACTION_READ, "The repository is public.");
}

/* A robot acts for the namespace that its name starts with, and counts as long as that one does. */
static bool
robot_owner_is_enabled(const Request *r)
{
	const char *name = VARDATA_ANY(r->actor_name);
	const char *plus = memchr(name, '+', VARSIZE_ANY_EXHDR(r->actor_name));
	QuayUser	owner;

	if (plus == NULL)
		return false;
	/* A namespace that is disabled has decided already. */
	if (r->owner != NULL && text_equal(r->namespace_name, name, plus - name))
		return true;
	return quay_lookup_user(cstring_to_text_with_len(name, plus - name), &owner) && owner.enabled && !owner.robot;
}

static bool
find_actor(Request *r)
{
	if (r->owner != NULL &&
		text_equal(r->namespace_name, VARDATA_ANY(r->actor_name), VARSIZE_ANY_EXHDR(r->actor_name)))
	{
		r->actor = *r->owner;
		return true;
	}
	return quay_lookup_user(r->actor_name, &r->actor);
}

static Verdict
actor_rule(Request *r)
{
	if (r->actor_name == NULL)
		return deny(r, "actor", "The actor is anonymous.");
	if (!find_actor(r))
		return deny(r, "actor", "The actor does not exist.");
	if (!r->actor.enabled)
		return deny(r, "actor", "The actor is disabled.");
	if (r->actor.organization)
		return deny(r, "actor", "The actor is an organization.");
	if (r->actor.robot && !robot_owner_is_enabled(r))
		return deny(r, "actor", "The actor is a robot whose owner is disabled or does not exist.");
	return pass(r, "actor", DETAIL(r, "The actor is the %s \"%s\".", r->actor.robot ? "robot" : "user", NAME(r->actor_name)));
}

static Verdict
scope_rule(Request *r)
{
	if (r->scope_string == NULL)
	{
		r->scopes = quay_scope_direct;
		return pass(r, "scopes", "The login is direct.");
	}
	if (!quay_scope_parse(VARDATA_ANY(r->scope_string), VARSIZE_ANY_EXHDR(r->scope_string), &r->scopes))
		return deny(r, "scopes", "The scopes are empty, or one of them is unknown.");
	return pass(r, "scopes", DETAIL(r, "The scopes let through at most \"%s\".", action_names[r->scopes.repository]));
}

static Verdict
public_to_known_rule(Request *r)
{
	if (!is_public_read(r))
		return UNDECIDED;
	return grant(r, "public", QUAY_ACTION_READ, "The repository is public, and the actor is known.");
}

static Verdict
mirror_rule(Request *r)
{
	int64		robot_id;
	bool		found;

	if (r->action != QUAY_ACTION_WRITE || r->repository == NULL)
		return UNDECIDED;
	if (r->repository->state == QUAY_STATE_MIRROR)
		found = quay_plan_read_int64(QUAY_PLAN_MIRROR_ROBOT, r->repository->id, &robot_id);
	else if (r->repository->state == QUAY_STATE_ORG_MIRROR)
		found = quay_plan_read_int64(QUAY_PLAN_ORGMIRROR_ROBOT, r->repository->namespace_id, &robot_id);
	else
		return UNDECIDED;
	if (!found || robot_id != r->actor.id)
		return deny(r, "mirror", "Only the robot of the mirror writes to it.");
	return pass(r, "mirror", "The actor is the robot of the mirror.");
}

/*
 * Rights
 */

static Verdict
own_namespace_rule(Request *r)
{
	if (r->owner == NULL || r->owner->id != r->actor.id)
		return UNDECIDED;
	return grant_capped(r, "own namespace", QUAY_ACTION_ADMIN, "The namespace is the actor's own.");
}

/* Scan of the actor's row in a team; started with any team, pointed to others by is_member. */
static void
prepare_member_scan(const Request *r, QuayScan *members)
{
	quay_scan_prepare(members, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(members, r->actor.id);
	quay_scan_key_int64(members, 0);
}

static bool
is_member(QuayScan *members, int64 team_id)
{
	quay_scan_rekey_int64(members, 1, team_id);
	return quay_scan_next(members);
}

static char *
team_name(int64 team_id)
{
	QuayScan	scan;
	bool		isnull;
	char	   *name;

	quay_scan_prepare(&scan, QUAY_TEAM, QUAY_TEAM_BY_ID);
	quay_scan_key_int64(&scan, team_id);
	name = quay_scan_next(&scan) ? TextDatumGetCString(quay_scan_datum(&scan, QUAY_TEAM_NAME, &isnull)) : pstrdup("");
	quay_scan_end(&scan);
	return name;
}

/* One row of repositorypermission. It names a user or a team. */
static Verdict
permission_row(Request *r, QuayScan *row, QuayScan *members)
{
	QuayAction	role = action_of_name(quay_cache_enumeration_name(QUAY_ROLE, quay_scan_int64(row, QUAY_REPOSITORYPERMISSION_ROLE_ID)));
	bool		no_user;
	bool		no_team;
	int64		user_id = DatumGetInt64(quay_scan_datum(row, QUAY_REPOSITORYPERMISSION_USER_ID, &no_user));
	int64		team_id = DatumGetInt64(quay_scan_datum(row, QUAY_REPOSITORYPERMISSION_TEAM_ID, &no_team));

	if (!matters(r, role))
		return UNDECIDED;
	if (!no_user && user_id == r->actor.id)
		return grant_capped(r, "user permission", role, "The actor has a role in the repository.");
	if (!no_team && is_member(members, team_id))
		return grant_capped(r, "team permission", role,
							DETAIL(r, "Team \"%s\" has a role in the repository, and the actor is a member.", team_name(team_id)));
	return UNDECIDED;
}

static Verdict
permission_rule(Request *r)
{
	QuayScan	rows;
	QuayScan	members;
	Verdict		verdict = UNDECIDED;

	if (r->repository == NULL || !matters(r, QUAY_ACTION_ADMIN))
		return UNDECIDED;
	prepare_member_scan(r, &members);
	quay_scan_prepare(&rows, QUAY_REPOSITORYPERMISSION, QUAY_REPOSITORYPERMISSION_BY_REPOSITORY);
	quay_scan_key_int64(&rows, r->repository->id);
	while (verdict == UNDECIDED && quay_scan_next(&rows))
		verdict = permission_row(r, &rows, &members);
	quay_scan_end(&rows);
	quay_scan_end(&members);
	return verdict;
}

/* The actor is a member of this team of the organization. Only the role admin reaches into repositories. */
static Verdict
team_of_organization(Request *r, QuayScan *team)
{
	const char *role = quay_cache_enumeration_name(QUAY_TEAMROLE, quay_scan_int64(team, QUAY_TEAM_ROLE_ID));
	bool		is_admin = (role != NULL && strcmp(role, "admin") == 0);
	bool		isnull;

	return grant_capped(r, "organization team", is_admin ? QUAY_ACTION_ADMIN : QUAY_ACTION_NONE,
						DETAIL(r, "Team \"%s\" has the role \"%s\" in the organization, and the actor is a member.",
							   TextDatumGetCString(quay_scan_datum(team, QUAY_TEAM_NAME, &isnull)), role));
}

static Verdict
organization_rule(Request *r)
{
	QuayScan	memberships;
	QuayScan	team;
	Verdict		verdict = UNDECIDED;

	if (r->owner == NULL || !r->owner->organization || !matters(r, QUAY_ACTION_ADMIN))
		return UNDECIDED;
	quay_scan_prepare(&memberships, QUAY_TEAMMEMBER, QUAY_TEAMMEMBER_BY_USER_TEAM);
	quay_scan_key_int64(&memberships, r->actor.id);
	quay_scan_prepare(&team, QUAY_TEAM, QUAY_TEAM_BY_ID);
	quay_scan_key_int64(&team, 0);
	while (verdict == UNDECIDED && quay_scan_next(&memberships))
	{
		quay_scan_rekey_int64(&team, 0, quay_scan_int64(&memberships, QUAY_TEAMMEMBER_TEAM_ID));
		if (quay_scan_next(&team) && quay_scan_int64(&team, QUAY_TEAM_ORGANIZATION_ID) == r->owner->id)
			verdict = team_of_organization(r, &team);
	}
	quay_scan_end(&team);
	quay_scan_end(&memberships);
	return verdict;
}

/* Those who may read everything may do so with any scope; superusers need theirs, and the setting. Nobody is both. */
static Verdict
superuser_rule(Request *r)
{
	QuayScan	scan;
	bool		isnull;
	const char *kind = NULL;

	if (r->action > QUAY_ACTION_READ && !(quay_guc_superusers_full_access && r->scopes.superuser) && r->trace == NULL)
		return UNDECIDED;
	quay_scan_prepare(&scan, QUAY_SUPERUSER, QUAY_SUPERUSER_BY_USERNAME);
	quay_scan_key_text(&scan, r->actor_name);
	if (quay_scan_next(&scan))
		kind = TextDatumGetCString(quay_scan_datum(&scan, QUAY_SUPERUSER_KIND, &isnull));
	quay_scan_end(&scan);

	if (kind == NULL)
		return UNDECIDED;
	if (strcmp(kind, "readonly") == 0)
		return grant(r, "readonly superuser", QUAY_ACTION_READ, "The actor is a superuser who may read everything.");
	if (!quay_guc_superusers_full_access)
		return pass(r, "superuser", "The actor is a superuser, but quay.superusers_full_access is off.");
	if (!r->scopes.superuser)
		return pass(r, "superuser", "The actor is a superuser, but the scopes do not include super:user.");
	return grant(r, "superuser", QUAY_ACTION_ADMIN, "The actor is a superuser with full access.");
}

static const Rule rules[] = {
	namespace_rule, state_rule, public_rule, actor_rule, scope_rule, public_to_known_rule, mirror_rule,
	own_namespace_rule, permission_rule, organization_rule, superuser_rule,
};

bool
quay_access_explained(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
					  const QuayRepository *repository, QuayAction action, const text *scopes,
					  const QuayAccessTrace *trace)
{
	/* A robot's name is nobody's namespace. */
	bool		has_owner = (namespace_user != NULL && !namespace_user->robot);
	Request		r = {
		.actor_name = actor, .namespace_name = namespace_name, .owner = has_owner ? namespace_user : NULL,
		.repository = repository, .action = action, .scope_string = scopes, .trace = trace,
	};

	for (size_t i = 0; i < lengthof(rules); i++)
	{
		Verdict		verdict = rules[i] (&r);

		if (verdict != UNDECIDED)
			return verdict == ALLOWED;
	}
	deny(&r, "no rule grants", "No rule grants the action.");
	return false;
}

bool
quay_access_allowed(const text *actor, const text *namespace_name, const QuayUser *namespace_user,
					const QuayRepository *repository, QuayAction action, const text *scopes)
{
	return quay_access_explained(actor, namespace_name, namespace_user, repository, action, scopes, NULL);
}
