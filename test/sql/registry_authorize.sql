-- What a registry token may carry: the tables of decisions, the repository that a push creates, restricted users, paths and scopes.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
-- All three actions unless said otherwise, as "push,pull,* status: reason". What it creates is gone afterwards.
CREATE FUNCTION pg_temp.mint(actor text, path text, scopes text DEFAULT NULL, actions text[] DEFAULT '{pull,push,*}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        SELECT concat_ws(' ', array_to_string(r.granted, ','), r.status, CASE WHEN r.created THEN 'created' END, '(' || r.reason || ')') INTO result
        FROM quay.registry_path_split(path) AS s, quay.registry_authorize(actor, scopes, s.namespace, s.repository, actions) AS r;
        RAISE EXCEPTION 'undo' USING ERRCODE = 'UNDO0';
    EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
        RETURN result;
    END;
END
$$;

SELECT count(quay.user_create(n, 'password', n || '@mint.example'))
FROM unnest(ARRAY['mint-owner', 'mint-fresh', 'mint-reader', 'mint-creator', 'mint-member', 'mint-off', 'mint-super', 'mint-global']) AS n;
SELECT count(quay.organization_create(n, NULL, 'mint-owner')) FROM unnest(ARRAY['mint-org', 'mint-proxy', 'mint-mirror']) AS n;
SELECT count(quay.team_create(o, t, r)) FROM (VALUES ('mint-org', 'creators', 'creator'), ('mint-org', 'readers', 'member'), ('mint-proxy', 'members', 'member'),
    ('mint-mirror', 'makers', 'creator')) AS v (o, t, r);
SELECT count(username) FROM (VALUES ('mint-owner', 'bot'), ('mint-owner', 'other'), ('mint-org', 'bot'), ('mint-mirror', 'bot'), ('mint-mirror', 'other')) AS v (o, r),
    quay.robot_create(v.o, v.r);
SELECT count(quay.team_member_add(o, t, u)) FROM (VALUES ('mint-org', 'creators', 'mint-creator'), ('mint-org', 'readers', 'mint-reader'),
    ('mint-org', 'creators', 'mint-org+bot'), ('mint-proxy', 'members', 'mint-member'), ('mint-mirror', 'makers', 'mint-mirror+bot')) AS v (o, t, u);
SELECT count(quay.repository_create(o, r, c, v, kind => k))
FROM (VALUES ('mint-owner', 'simple', 'mint-owner', 'private', 'image'), ('mint-owner', 'open', 'mint-owner', 'public', 'image'),
    ('mint-owner', 'readonly', 'mint-owner', 'private', 'image'), ('mint-owner', 'mirrored', 'mint-owner', 'private', 'image'),
    ('mint-owner', 'chart', 'mint-owner', 'private', 'application'), ('mint-owner', 'gone', 'mint-owner', 'private', 'image'),
    ('mint-org', 'repo', NULL, 'private', 'image'), ('mint-off', 'repo', NULL, 'public', 'image'),
    ('mint-mirror', 'repo', NULL, 'private', 'image'), ('mint-mirror', 'open', NULL, 'public', 'image'), ('mint-proxy', 'cached', NULL, 'private', 'image')) AS t (o, r, c, v, k);
SELECT quay.permission_set('mint-org', 'repo', 'team', 'readers', 'read');
SELECT quay.permission_set('mint-owner', 'mirrored', 'user', 'mint-owner+bot', 'write');
SELECT quay.permission_set('mint-mirror', r, 'user', u, 'write') FROM (VALUES ('repo', 'mint-mirror+bot'), ('repo', 'mint-mirror+other'), ('open', 'mint-fresh')) AS v (r, u);
SELECT quay.repository_set_state('mint-owner', r, s) FROM (VALUES ('readonly', 'read_only'), ('mirrored', 'mirror')) AS v (r, s);
UPDATE quay.repository AS r SET state = CASE r.name WHEN 'gone' THEN 3 ELSE 4 END
FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username || '/' || r.name IN ('mint-owner/gone', 'mint-mirror/repo', 'mint-mirror/open');
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
SELECT 'mint-rule', r.id, '2026-01-01', 1, '[]' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE u.username = 'mint-owner' AND r.name = 'mirrored';
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config, sync_status, root_rule_id, external_reference)
SELECT l.repository_id, '2026-01-01', true, 1, u.id, '{}', 0, l.id, 'upstream.example/app'
FROM quay.repomirrorrule AS l, quay."user" AS u WHERE l.uuid = 'mint-rule' AND u.username = 'mint-owner+bot';
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace, external_registry_config,
                                  internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, '2026-01-01', 1, 'https://upstream.example', 'there', '{}', b.id, '[]', v.id, 3600
FROM quay."user" AS o, quay."user" AS b, quay.visibility AS v WHERE o.username = 'mint-mirror' AND b.username = 'mint-mirror+bot' AND v.name = 'private';
INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry)
SELECT u.id, '2026-01-01', 'upstream.example' FROM quay."user" AS u WHERE u.username = 'mint-proxy';
UPDATE quay."user" SET enabled = false WHERE username = 'mint-off';
INSERT INTO quay.superuser (username, kind) VALUES ('mint-super', 'superuser'), ('mint-global', 'readonly');

-- One's own repository, in the order push, pull, *; and what was asked for, not more.
SELECT a AS actions, pg_temp.mint('mint-owner', 'mint-owner/simple', NULL, a)
FROM (VALUES ('{pull}'::text[]), ('{push}'), ('{*}'), ('{pull,push}'), ('{pull,push,*}'), ('{*,pull,push,pull}'), ('{}'), (NULL)) AS t (a);

-- The states of a repository, and who is who.
SELECT p AS path, u AS actor, pg_temp.mint(u, p)
FROM (VALUES
    (1, 'mint-owner/simple', NULL), (2, 'mint-owner/simple', 'mint-fresh'), (3, 'mint-owner/simple', 'mint-nobody'),
    (4, 'mint-owner/open', NULL), (5, 'mint-owner/open', 'mint-fresh'),
    (6, 'mint-org/repo', 'mint-owner'), (7, 'mint-org/repo', 'mint-creator'), (8, 'mint-org/repo', 'mint-reader'), (9, 'mint-org/repo', 'mint-fresh'),
    (10, 'mint-org/repo', 'mint-org+bot'),
    (11, 'mint-owner/readonly', 'mint-owner'),
    (12, 'mint-owner/mirrored', 'mint-owner'), (13, 'mint-owner/mirrored', 'mint-owner+bot'), (14, 'mint-owner/mirrored', 'mint-owner+other'),
    (15, 'mint-mirror/repo', 'mint-mirror+bot'), (16, 'mint-mirror/repo', 'mint-mirror+other'), (17, 'mint-mirror/repo', 'mint-owner'),
    (18, 'mint-mirror/open', NULL), (19, 'mint-mirror/open', 'mint-fresh'), (20, 'mint-mirror/open', 'mint-mirror+bot'),
    (21, 'mint-owner/gone', 'mint-owner'), (22, 'mint-owner/gone', 'mint-fresh'),
    (23, 'mint-owner/chart', 'mint-owner'), (24, 'mint-owner/chart', 'mint-fresh'),
    (25, 'mint-off/repo', 'mint-owner'), (26, 'mint-off/repo', NULL), (27, 'mint-off/new', 'mint-off')) AS t (n, p, u) ORDER BY n;

-- What is not there yet. Only a push creates.
SELECT p AS path, u AS actor, a AS actions, pg_temp.mint(u, p, NULL, a::text[])
FROM (VALUES
    (1, 'mint-owner/new', 'mint-owner', '{pull,push}'), (2, 'mint-owner/new', 'mint-owner', '{pull,push,*}'), (3, 'mint-owner/new', 'mint-owner', '{pull}'),
    (4, 'mint-owner/new', 'mint-owner', '{*}'), (5, 'mint-owner/new', 'mint-fresh', '{pull,push}'), (6, 'mint-owner/new', NULL, '{pull,push}'),
    (7, 'mint-owner/new', 'mint-owner+bot', '{push}'), (8, 'mint-owner/nested/new', 'mint-owner', '{pull,push}'),
    (9, 'mint-org/new', 'mint-owner', '{pull,push,*}'), (10, 'mint-org/new', 'mint-creator', '{pull,push,*}'), (11, 'mint-org/new', 'mint-reader', '{pull,push,*}'),
    (12, 'mint-org/new', 'mint-org+bot', '{pull,push,*}'),
    (13, 'mint-none/new', 'mint-owner', '{pull,push}'), (14, 'mint-none/new', NULL, '{pull,push}'), (15, 'mint-owner+bot/new', 'mint-owner', '{pull,push}'),
    (16, 'mint-mirror/new', 'mint-owner', '{pull,push}'), (17, 'mint-mirror/new', 'mint-mirror+bot', '{pull,push}'),
    (18, 'mint-proxy/new', 'mint-member', '{pull}'), (19, 'mint-proxy/new', 'mint-member', '{pull,push,*}'), (20, 'mint-proxy/new', 'mint-fresh', '{pull}'),
    (21, 'mint-proxy/new', NULL, '{pull}'), (22, 'mint-proxy/cached', 'mint-member', '{pull}'), (23, 'mint-proxy/new', 'mint-owner', '{pull,push}')) AS t (n, p, u, a) ORDER BY n;

-- Names.
SELECT left(p, 30) AS path, pg_temp.mint('mint-owner', p) FROM (VALUES ('mint-owner/UpperCase'), ('mint-owner/a|b'), ('mint-owner//a'), ('mint-owner/' || repeat('x', 256))) AS t (p);
SELECT quay.registry_authorize('mint-owner', NULL, 'mint-owner', NULL, '{pull}');
SET LOCAL quay.extended_repository_names = off;
SELECT pg_temp.mint('mint-owner', 'mint-owner/nested/new'), pg_temp.mint('mint-owner', 'mint-owner/new');
RESET quay.extended_repository_names;
SELECT pg_temp.try($$SELECT quay.registry_authorize('mint-owner', NULL, 'mint-owner', 'simple', '{pull,delete}')$$);
SELECT pg_temp.try($$SELECT quay.registry_authorize('mint-owner', NULL, 'mint-owner', 'simple', '{NULL}')$$);

-- Scopes of a credential; and a credential that has a repository and no user.
SELECT s AS scopes, pg_temp.mint('mint-owner', 'mint-owner/simple', s) AS there, pg_temp.mint('mint-owner', 'mint-owner/new', s, '{pull,push}') AS missing
FROM unnest(ARRAY['repo:read', 'repo:write', 'repo:admin', 'repo:create', 'repo:create repo:write', 'org:admin', 'user:admin', '', 'junk']) AS s;
SELECT s AS scopes, pg_temp.mint(NULL, 'mint-owner/simple', s) AS there, pg_temp.mint(NULL, 'mint-owner/new', 'repository:mint-owner/new:pull,push') AS missing
FROM unnest(ARRAY['repository:mint-owner/simple:pull', 'repository:mint-owner/simple:pull,push', 'repository:mint-owner/simple:pull,push,*', 'repository:mint-owner/other:pull']) AS s;

-- Superusers: nothing more without full access; a read-only one reads. READ_ONLY is for everybody.
SELECT p AS path, pg_temp.mint('mint-global', p) AS global, pg_temp.mint('mint-super', p) AS super
FROM unnest(ARRAY['mint-owner/simple', 'mint-owner/readonly', 'mint-owner/new', 'mint-none/new']) AS p;
SET LOCAL quay.superusers_full_access = on;
SELECT p AS path, pg_temp.mint('mint-super', p) AS super, pg_temp.mint('mint-super', p, 'super:user') AS scoped, pg_temp.mint('mint-super', p, 'repo:read') AS reads
FROM unnest(ARRAY['mint-owner/simple', 'mint-owner/open', 'mint-owner/readonly', 'mint-owner/mirrored', 'mint-owner/new', 'mint-mirror/new', 'mint-none/new']) AS p;
RESET quay.superusers_full_access;

-- Anonymous where the registry is closed.
SET LOCAL quay.anonymous_access = off;
SELECT pg_temp.mint(NULL, 'mint-owner/open', NULL, '{pull}'), pg_temp.mint('mint-fresh', 'mint-owner/open', NULL, '{pull}');
RESET quay.anonymous_access;

-- What a push leaves behind: the repository, its creator's permission, and the default permissions, in one go; and its visibility.
SELECT quay.prototype_create('mint-org', 'write', 'team', 'readers') IS NOT NULL AS prototype;
SELECT * FROM quay.registry_authorize('mint-creator', NULL, 'mint-org', 'made', '{pull,push,*}', ip => '192.0.2.7');
SELECT * FROM quay.registry_authorize('mint-creator', NULL, 'mint-org', 'made', '{pull,push,*}');
SET LOCAL quay.create_private_repository_on_push = off;
SELECT granted, created FROM quay.registry_authorize('mint-creator', NULL, 'mint-org', 'made-open', '{push}');
RESET quay.create_private_repository_on_push;
SELECT r.name, v.name AS visibility, coalesce(u.username, t.name) AS grantee, o.name AS role
FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id JOIN quay.repositorypermission AS p ON p.repository_id = r.id
JOIN quay.role AS o ON o.id = p.role_id LEFT JOIN quay."user" AS u ON u.id = p.user_id LEFT JOIN quay.team AS t ON t.id = p.team_id
WHERE r.name LIKE 'made%' ORDER BY 1, 3;
SELECT p.username AS performer, l.metadata_json, l.ip FROM quay.logentry3 AS l JOIN quay."user" AS p ON p.id = l.performer_id
WHERE p.username = 'mint-creator' ORDER BY l.id;

-- Organizations that a push creates.
SET LOCAL quay.create_namespace_on_push = on;
SELECT p AS path, u AS actor, s AS scopes, a AS actions, pg_temp.mint(u, p, s, a::text[])
FROM (VALUES
    (1, 'mint-new/app', 'mint-fresh', NULL, '{pull,push,*}'), (2, 'mint-new/app', 'mint-fresh', NULL, '{pull}'), (3, 'MintNew/app', 'mint-fresh', NULL, '{push}'),
    (4, 'mint-new/app', 'mint-owner+bot', NULL, '{push}'), (5, 'mint-new/app', NULL, NULL, '{pull,push}'),
    (6, 'mint-new/app', 'mint-fresh', 'repo:create', '{push}'), (7, 'mint-new/app', 'mint-fresh', 'user:admin', '{push}'),
    (8, 'mint-new/app', 'mint-fresh', 'user:admin repo:create repo:write', '{push}'), (9, 'mint-new/app', 'mint-off', NULL, '{push}'),
    (10, 'mint-org/new', 'mint-fresh', NULL, '{push}'), (11, 'mint-off/new', 'mint-fresh', NULL, '{push}')) AS t (n, p, u, s, a) ORDER BY n;
SELECT granted, status, reason, created FROM quay.registry_authorize('mint-fresh', NULL, 'mint-new', 'app', '{pull,push,*}');
SELECT o.username, o.organization, o.email, t.name AS team, m.username AS member FROM quay."user" AS o JOIN quay.team AS t ON t.organization_id = o.id
JOIN quay.teammember AS tm ON tm.team_id = t.id JOIN quay."user" AS m ON m.id = tm.user_id WHERE o.username = 'mint-new';
SET LOCAL quay.organization_creation_superusers_only = on;
SELECT pg_temp.mint('mint-fresh', 'mint-new2/app', NULL, '{push}') AS person, pg_temp.mint('mint-super', 'mint-new2/app', NULL, '{push}') AS superuser;
RESET quay.organization_creation_superusers_only;
-- A name that a namespace under deletion still has, and an address that a person has.
INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email) SELECT id, '2026-01-01', 'mint-was', 'x' FROM quay."user" WHERE username = 'mint-off';
SELECT pg_temp.mint('mint-fresh', 'mint-was/app', NULL, '{push}');
SELECT quay.user_create('mint-twin', 'password', 'mint-fresh+mint-new3@mint.example') IS NOT NULL AS twin;
SELECT pg_temp.mint('mint-fresh', 'mint-new3/app', NULL, '{push}');

-- What a front end asks before it shows a button.
CREATE FUNCTION pg_temp.can_create() RETURNS TABLE (actor text, scopes text, organization boolean, own boolean, in_org boolean, in_mirror boolean) LANGUAGE sql AS $$
    SELECT a, s, quay.organization_can_create(a, s), quay.repository_can_create(a, split_part(a, '+', 1), s), quay.repository_can_create(a, 'mint-org', s),
           quay.repository_can_create(a, 'mint-mirror', s)
    FROM (VALUES (1, 'mint-owner', NULL), (2, 'mint-owner', 'repo:create'), (3, 'mint-owner', 'user:admin'), (4, 'mint-fresh', NULL), (5, 'mint-creator', NULL),
                 (6, 'mint-org+bot', NULL), (7, 'mint-super', NULL), (8, NULL, NULL), (9, 'mint-nobody', NULL)) AS v (n, a, s) ORDER BY n
$$;
SELECT * FROM pg_temp.can_create();

-- Restricted users. The rows of whom the list names, and of what a directory says.
SELECT pg_temp.mint('mint-fresh', 'mint-fresh/app', NULL, '{push}') AS off, quay.user_is_restricted('mint-fresh') AS restricted;
SET LOCAL quay.restricted_users = on;
SELECT u AS actor, p AS path, pg_temp.mint(u, p, NULL, '{pull,push}')
FROM (VALUES (1, 'mint-fresh', 'mint-fresh/app'), (2, 'mint-owner+bot', 'mint-owner/app'), (3, 'mint-owner', 'mint-owner/simple'), (4, 'mint-owner', 'mint-org/app'),
    (5, 'mint-fresh', 'mint-new4/app'), (6, 'mint-super', 'mint-super/app'), (7, 'mint-super', 'mint-new4/app'),
    (8, 'mint-org+bot', 'mint-org/app')) AS t (n, u, p) ORDER BY n;
SELECT * FROM pg_temp.can_create();
CREATE FUNCTION pg_temp.restricted() RETURNS TABLE (username text, nothing boolean, free boolean, restricted boolean) LANGUAGE sql AS $$
    SELECT u, quay.user_is_restricted(u), quay.user_is_restricted(u, false), quay.user_is_restricted(u, true) FROM unnest(ARRAY['mint-fresh', 'mint-fresh+bot', 'mint-other', NULL]) AS u
$$;
SELECT * FROM pg_temp.restricted();
INSERT INTO quay.unrestricted_user (username) VALUES ('mint-fresh');
SELECT * FROM pg_temp.restricted();
SELECT * FROM pg_temp.can_create();
SELECT pg_temp.mint('mint-fresh', 'mint-fresh/app2', NULL, '{push}') AS listed, pg_temp.mint('mint-fresh', 'mint-new4/app', NULL, '{push}') AS organization;
RESET quay.restricted_users;
SET LOCAL quay.organization_creation_superusers_only = on;
SELECT * FROM pg_temp.can_create();
RESET quay.organization_creation_superusers_only;
RESET quay.create_namespace_on_push;

-- Paths and scopes.
SELECT p AS path, s.* FROM unnest(ARRAY['acme/app', 'acme/nested/app', 'app', 'acme/app/', 'acme//app', '/app', '', 'acme/App', NULL]) WITH ORDINALITY AS t (p, n),
    quay.registry_path_split(p) AS s ORDER BY n;
SET LOCAL quay.library_namespace = 'official';
SET LOCAL quay.extended_repository_names = off;
SELECT p AS path, s.* FROM unnest(ARRAY['app', 'acme/nested/app']) AS p, quay.registry_path_split(p) AS s;
SET LOCAL quay.library_support = off;
SELECT p AS path, s.* FROM unnest(ARRAY['app', 'acme/app']) AS p, quay.registry_path_split(p) AS s;
RESET quay.library_support;
RESET quay.extended_repository_names;
SET LOCAL quay.server_hostname = 'quay.example:8443';
SELECT t.scope, s.* FROM unnest(ARRAY['repository:acme/app:pull', 'repository:acme/nested/app:pull,push,*', 'repository:app:*', 'repository:quay.example:8443/acme/app:push',
    'repository:Acme/App:pull', 'some_invalid_scope', 'repository:acme/app:delete', 'repository:acme/app:', 'repository::pull', 'repository:acme//app:pull',
    'registry:catalog:*', 'repository:other.example:80/acme/app:pull', E'repository:acme/app:pull\n', '', NULL]) WITH ORDINALITY AS t (scope, n)
LEFT JOIN LATERAL quay.registry_scope_parse(t.scope) AS s ON true ORDER BY n;
RESET quay.server_hostname;
SELECT quay.registry_scope_parse('repository:quay.example:8443/acme/app:push'), quay.registry_scope_parse('repository:acme/app:push');

-- A registry that is read-only answers all the same, but creates nothing.
SET TRANSACTION READ ONLY;
SELECT * FROM quay.registry_authorize('mint-owner', NULL, 'mint-owner', 'simple', '{pull,push}');
SELECT * FROM quay.registry_authorize('mint-owner', NULL, 'mint-owner', 'late', '{pull,push}');
ROLLBACK;
