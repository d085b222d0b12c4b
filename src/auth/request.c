/*
 * request.c
 *	  What all decisions about access have in common: the actor, his scopes, and how a rule speaks.
 *
 * A decision is a walk over rules until one of them decides. The gates come first: what nobody may do, and what everybody may. Then rights
 * add up, so their order is only that of their cost.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "auth/request.h"
#include "compat.h"
#include "guc.h"

bool
quay_request_decide(QuayRequest *r, const QuayRule *rules, int count)
{
	for (int i = 0; i < count; i++)
	{
		QuayVerdict verdict = rules[i] (r);

		if (verdict != QUAY_UNDECIDED)
			return verdict == QUAY_ALLOWED;
	}
	quay_request_deny(r, "no rule grants", "No rule grants the action.");
	return false;
}

static QuayVerdict
conclude(QuayRequest *r, QuayAccessStep step, QuayVerdict verdict)
{
	if (r->trace != NULL)
	{
		step.decided = (verdict != QUAY_UNDECIDED);
		r->trace->step(&step, r->trace->arg);
	}
	return verdict;
}

QuayVerdict
quay_request_pass(QuayRequest *r, const char *rule, const char *detail)
{
	return conclude(r, (QuayAccessStep) {.rule = rule, .grants = r->level_names[0], .detail = detail}, QUAY_UNDECIDED);
}

QuayVerdict
quay_request_deny(QuayRequest *r, const char *rule, const char *detail)
{
	return conclude(r, (QuayAccessStep) {.rule = rule, .grants = r->level_names[0], .detail = detail}, QUAY_DENIED);
}

QuayVerdict
quay_request_grant(QuayRequest *r, const char *rule, int level, const char *detail)
{
	return conclude(r, (QuayAccessStep) {.rule = rule, .grants = r->level_names[level], .detail = detail},
					level >= r->wanted ? QUAY_ALLOWED : QUAY_UNDECIDED);
}

QuayVerdict
quay_request_grant_capped(QuayRequest *r, const char *rule, int level, const char *detail)
{
	return conclude(r, (QuayAccessStep) {.rule = rule, .grants = r->level_names[level], .scope_cap = r->level_names[r->cap], .detail = detail},
					Min(level, r->cap) >= r->wanted ? QUAY_ALLOWED : QUAY_UNDECIDED);
}

bool
quay_request_matters(const QuayRequest *r, int level)
{
	return r->trace != NULL || Min(level, r->cap) >= r->wanted;
}

static bool
text_equal(const text *a, const char *b, size_t b_length)
{
	return VARSIZE_ANY_EXHDR(a) == b_length && memcmp(VARDATA_ANY(a), b, b_length) == 0;
}

/* A robot acts for the namespace that its name starts with, and counts as long as that one does. */
static bool
robot_owner_is_enabled(const QuayRequest *r)
{
	const char *name = VARDATA_ANY(r->actor_name);
	const char *plus = memchr(name, '+', VARSIZE_ANY_EXHDR(r->actor_name));
	QuayUser	owner;

	if (plus == NULL)
		return false;
	if (r->owner != NULL && text_equal(r->namespace_name, name, plus - name))
		return r->owner->enabled;
	return quay_lookup_user(cstring_to_text_with_len(name, plus - name), &owner) && owner.enabled && !owner.robot;
}

static bool
find_actor(QuayRequest *r)
{
	if (r->owner != NULL &&
		text_equal(r->namespace_name, VARDATA_ANY(r->actor_name), VARSIZE_ANY_EXHDR(r->actor_name)))
	{
		r->actor = *r->owner;
		return true;
	}
	return quay_lookup_user(r->actor_name, &r->actor);
}

static QuayVerdict
check_actor(QuayRequest *r)
{
	if (r->actor_name == NULL)
		return quay_request_deny(r, "actor", "The actor is anonymous.");
	if (!find_actor(r))
		return quay_request_deny(r, "actor", "The actor does not exist.");
	if (!r->actor.enabled)
		return quay_request_deny(r, "actor", "The actor is disabled.");
	if (r->actor.organization)
		return quay_request_deny(r, "actor", "The actor is an organization.");
	if (r->actor.robot && !robot_owner_is_enabled(r))
		return quay_request_deny(r, "actor", "The actor is a robot whose owner is disabled or does not exist.");
	return quay_request_pass(r, "actor",
							 QUAY_DETAIL(r, "The actor is the %s \"%s\".", r->actor.robot ? "robot" : "user", text_to_cstring(r->actor_name)));
}

QuayVerdict
quay_request_actor_rule(QuayRequest *r)
{
	if (!r->actor_checked)
	{
		r->actor_verdict = check_actor(r);
		r->actor_checked = true;
	}
	return r->actor_verdict;
}

/* The scopes of the request, for the repository that it is about; false if they cannot be read. */
static bool
parse_scopes(QuayRequest *r)
{
	QuayRepositoryPath path;

	if (r->scope_string == NULL)
	{
		r->scopes = quay_scope_direct;
		return true;
	}
	if (r->namespace_name != NULL && r->repository_name != NULL)
		path = (QuayRepositoryPath)
	{
		VARDATA_ANY(r->namespace_name), VARSIZE_ANY_EXHDR(r->namespace_name),
			VARDATA_ANY(r->repository_name), VARSIZE_ANY_EXHDR(r->repository_name)
	};
	return quay_scope_parse(VARDATA_ANY(r->scope_string), VARSIZE_ANY_EXHDR(r->scope_string),
							r->namespace_name != NULL && r->repository_name != NULL ? &path : NULL, &r->scopes);
}

static QuayVerdict
check_scopes(QuayRequest *r)
{
	if (!parse_scopes(r))
		return quay_request_deny(r, "scopes", "The scopes are empty, or one of them is unknown.");
	r->cap = (r->level_names == quay_level_repository ? (int) r->scopes.repository :
			  r->level_names == quay_level_namespace ? (int) r->scopes.in_namespace : (int) r->scopes.user);
	if (r->scope_string == NULL)
		return quay_request_pass(r, "scopes", "The login is direct.");
	return quay_request_pass(r, "scopes", QUAY_DETAIL(r, "The scopes let through at most \"%s\".", r->level_names[r->cap]));
}

QuayVerdict
quay_request_scope_rule(QuayRequest *r)
{
	if (!r->scopes_checked)
	{
		r->scope_verdict = check_scopes(r);
		r->scopes_checked = true;
	}
	return r->scope_verdict;
}

QuaySuperuser
quay_request_superuser(QuayRequest *r)
{
	if (!r->superuser_known)
	{
		r->superuser = quay_rights_superuser(r->actor_name, r->actor.id);
		r->superuser_known = true;
	}
	return r->superuser;
}

QuayVerdict
quay_request_superuser_rule(QuayRequest *r)
{
	if (!(quay_guc_superusers_full_access && r->scopes.superuser) && r->trace == NULL)
		return QUAY_UNDECIDED;
	if (quay_request_superuser(r) != QUAY_SUPERUSER_FULL)
		return QUAY_UNDECIDED;
	if (!quay_guc_superusers_full_access)
		return quay_request_pass(r, "superuser", "The actor is a superuser, but quay.superusers_full_access is off.");
	if (!r->scopes.superuser)
		return quay_request_pass(r, "superuser", "The actor is a superuser, but the scopes do not include super:user.");
	return quay_request_grant(r, "superuser", QUAY_ACTION_ADMIN, "The actor is a superuser with full access.");
}
