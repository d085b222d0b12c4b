-- Who may do what. All of it is C (src/auth): one call makes many look-ups. access_check and access_explain walk the same rules.

CREATE OR REPLACE FUNCTION quay.access_check(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check';
COMMENT ON FUNCTION quay.access_check(text, text, text, text, text) IS
'May the actor do this in the repository? Always true or false.

action: read, write or admin; each includes what stands before it.
actor: a user or a robot. NULL is anonymous, and so count names that are unknown, disabled or an organization, and robots whose owner is disabled or unknown.
scopes: those of the credential, one blank or one comma between them; NULL is a direct login. repo:read, repo:write and repo:admin let through the right of that name; repo:create, org:admin, user:read, user:admin and super:user let no right on a repository through. "repository:namespace/name:pull,push,*", the form of registry tokens, lets through read, write and admin for that repository; without an actor it is the right itself. Scopes that are empty or hold an unknown one make the actor anonymous.

Nobody: a namespace that is disabled, a repository marked for deletion; to write into one that is read-only, or into a mirror unless the actor is its robot; to write into one''s own namespace with quay.restricted_users, unless listed in quay.unrestricted_user or a superuser.
Rights: owner of the namespace, admin; member of an admin team of the organization, admin; rows of repositorypermission for the actor or a team of his, their role. These are limited by the scopes.
read besides: a public repository, for anonymous only with quay.anonymous_access; a superuser of kind readonly, with any scopes.
All besides: a superuser, with quay.superusers and quay.superusers_full_access, and a direct login or the scope super:user.

A repository that does not exist, or is NULL, is decided by the rules that need none, so that one can ask before creating it; those of superusers need no namespace either. What a session has found out it remembers until a right changes; a change counts as soon as it is committed.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 6 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain';
COMMENT ON FUNCTION quay.access_explain(text, text, text, text, text) IS
'Why access_check() with the same arguments answers as it does: the rules that were looked at, in order, up to the one that decided.

rule: namespace, state, public, token, actor, scopes, mirror, restricted user, own namespace, user permission, team permission, organization team, readonly superuser, superuser, no rule grants. Rules that have nothing to say about the actor are left out.
grants: none, read, write or admin, before the scopes. scope_cap: the most that the scopes let through; NULL where they do not matter.
decided: true in the last row only. The answer was yes if that row grants anything, no if it grants none.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_check_namespace(actor text, namespace text, action text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_access_check_namespace';
COMMENT ON FUNCTION quay.access_check_namespace(text, text, text, text) IS
'May the actor do this in the namespace? Always true or false.

action: member (see what members see), create (repositories) or admin; each includes what stands before it.
Rights: one''s own namespace, admin; teams of the organization, their role. Scopes limit them: repo:create to create, org:admin to admin; others let nothing through. A superuser, with quay.superusers and quay.superusers_full_access, and a direct login or the scope super:user, may everything, even in a namespace that does not exist. Nobody: a namespace that is disabled.
actor, scopes: as for access_check().
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain_namespace(actor text, namespace text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 5 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain_namespace';
COMMENT ON FUNCTION quay.access_explain_namespace(text, text, text, text) IS
'Why access_check_namespace() with the same arguments answers as it does. rule: namespace, actor, scopes, own namespace, organization team, superuser, no rule grants. The columns are those of access_explain(). Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_check_team(actor text, organization text, team text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_access_check_team';
COMMENT ON FUNCTION quay.access_check_team(text, text, text, text) IS
    'May the actor see the team and its members? Members of the team may, with a scope that lets a role in the namespace through, and whoever administers the organization. Always true or false. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.access_check_user(actor text, username text, action text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check_user';
COMMENT ON FUNCTION quay.access_check_user(text, text, text, text) IS
    'May the actor read or admin the account of this user? Only his own, with a direct login or the scope user:read or user:admin. Always true or false. action: read or admin. actor, scopes: as for access_check(). Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.superuser_kind(actor text, scopes text DEFAULT NULL) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_superuser_kind';
COMMENT ON FUNCTION quay.superuser_kind(text, text) IS
    'Is the actor a superuser of the registry? superuser, with a direct login or the scope super:user and the setting quay.superusers; readonly, with any scopes; NULL: no. The table quay.superuser lists them. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.access_filter_many(actor text, repository_ids bigint[], action text DEFAULT 'read', scopes text DEFAULT NULL)
    RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'quay_access_filter_many';
COMMENT ON FUNCTION quay.access_filter_many(text, bigint[], text, text) IS
    'Those of these repositories in which the actor may do this, in the order given: what access_check() answers with true, for all of them at once. Ids that are NULL or unknown are left out. NULL repositories give NULL. Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_level_many(actor text, repository_ids bigint[], scopes text DEFAULT NULL) RETURNS integer[]
    LANGUAGE C STABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'quay_access_level_many';
COMMENT ON FUNCTION quay.access_level_many(text, bigint[], text) IS
    'What the actor may do in each of these repositories, in the order given, as a sum of 1 (read), 2 (write) and 4 (admin): what access_check() answers, for all of them at once. 0 for ids that are NULL or unknown. NULL repositories give NULL.';
