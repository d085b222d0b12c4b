-- Who may do what in a repository. All of it is C (src/auth): one call makes many look-ups. Both functions walk the same rules.

CREATE OR REPLACE FUNCTION quay.access_check(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check';
COMMENT ON FUNCTION quay.access_check(text, text, text, text, text) IS
'May the actor do this in the repository? Always true or false.

action: read, write or admin; each includes what stands before it.
actor: a user or a robot. NULL is anonymous, and so count names that are unknown, disabled or an organization, and robots whose owner is disabled or unknown.
scopes: those of an OAuth credential, one blank or one comma between them; NULL is a direct login. repo:read, repo:write and repo:admin let through the right of that name; repo:create, org:admin, user:read, user:admin and super:user let no right on a repository through. Scopes that are empty or hold an unknown one make the actor anonymous.

Nobody: a namespace that is disabled, a repository marked for deletion; to write into one that is read-only, or into a mirror unless the actor is its robot.
Rights: owner of the namespace, admin; member of an admin team of the organization, admin; rows of repositorypermission for the actor or a team of his, their role. These are limited by the scopes.
read besides: a public repository, for anonymous only with quay.anonymous_access; a superuser of kind readonly, with any scopes.
All besides: a superuser, with quay.superusers_full_access, and a direct login or the scope super:user.

A repository that does not exist, or is NULL, is decided by the rules that need none, so that one can ask before creating it; those of superusers need no namespace either.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 6 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain';
COMMENT ON FUNCTION quay.access_explain(text, text, text, text, text) IS
'Why access_check() with the same arguments answers as it does: the rules that were looked at, in order, up to the one that decided.

rule: namespace, state, public, actor, scopes, mirror, own namespace, user permission, team permission, organization team, superuser, readonly superuser, no rule grants. Rules that have nothing to say about the actor are left out.
grants: none, read, write or admin, before the scopes. scope_cap: the most that the scopes let through; NULL where they do not matter.
decided: true in the last row only. The answer was yes if that row grants anything, no if it grants none.
Error: 22023 unknown action.';
