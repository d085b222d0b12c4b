-- access_check() and access_explain(), decision by decision: who, with which scopes, may do what, and which rule says so.
BEGIN;
SET LOCAL search_path = public, pg_catalog;

-- Organization buynlarge: owners = admin {devtable, ownerbot}, creators = creator {creator, creatorbot}, readers = member {public, reader}
-- with read on orgrepo; outsideorg has direct read on orgrepo. devtable/shared: direct admin for its owner, write for public, read for reader.
CREATE FUNCTION pg_temp.new_user(username text, organization boolean DEFAULT false, enabled boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login, enabled)
    VALUES (username, username || '@access', true, organization, username LIKE '%+%', false, '2024-01-01', enabled)
$$;
CREATE FUNCTION pg_temp.id(username text) RETURNS bigint LANGUAGE sql AS $$ SELECT u.id FROM quay."user" AS u WHERE u.username = id.username $$;
CREATE FUNCTION pg_temp.new_repository(namespace text, name text, visibility text DEFAULT 'private', state integer DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, state)
    SELECT pg_temp.id(namespace), new_repository.name, v.id, '', state FROM quay.visibility AS v WHERE v.name = visibility
$$;
CREATE FUNCTION pg_temp.repository_id(namespace text, name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = pg_temp.id(namespace) AND r.name = repository_id.name
$$;
CREATE FUNCTION pg_temp.new_team(organization text, team text, role text, VARIADIC members text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.team (name, organization_id, role_id, description)
    SELECT team, pg_temp.id(organization), t.id, '' FROM quay.teamrole AS t WHERE t.name = role;
    INSERT INTO quay.teammember (user_id, team_id)
    SELECT pg_temp.id(m), t.id FROM unnest(members) AS m, quay.team AS t WHERE t.name = team AND t.organization_id = pg_temp.id(organization)
$$;
CREATE FUNCTION pg_temp.permit_user(namespace text, name text, username text, role text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
    SELECT pg_temp.repository_id(namespace, permit_user.name), pg_temp.id(username), r.id FROM quay.role AS r WHERE r.name = role
$$;
CREATE FUNCTION pg_temp.permit_team(namespace text, name text, organization text, team text, role text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.repositorypermission (repository_id, team_id, role_id)
    SELECT pg_temp.repository_id(namespace, permit_team.name), t.id, r.id FROM quay.role AS r, quay.team AS t
    WHERE r.name = role AND t.name = team AND t.organization_id = pg_temp.id(organization)
$$;
CREATE FUNCTION pg_temp.mirror(namespace text, name text, robot text) RETURNS void LANGUAGE sql AS $$
    WITH rule AS (
        INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
        VALUES ('access-' || mirror.name, pg_temp.repository_id(namespace, mirror.name), '2024-01-01', 1, '[]') RETURNING id, repository_id)
    INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config,
                                       sync_status, root_rule_id, external_reference)
    SELECT repository_id, '2024-01-01', true, 1, pg_temp.id(robot), '{}', 0, id, 'x' FROM rule
$$;

DO $$
BEGIN
    PERFORM pg_temp.new_user(u) FROM unnest('{devtable,creator,reader,public,outsideorg,freshuser,root,auditor,writer}'::text[]) AS u;
    PERFORM pg_temp.new_user(u, organization => true) FROM unnest('{buynlarge,otherorg,mirrororg}'::text[]) AS u;
    PERFORM pg_temp.new_user('offorg', organization => true, enabled => false);
    PERFORM pg_temp.new_user('gone', enabled => false);
    PERFORM pg_temp.new_user(u) FROM unnest('{buynlarge+ownerbot,buynlarge+creatorbot,devtable+dtrobot,devtable+other,gone+bot,nobody+bot,mirrororg+sync,mirrororg+idle}'::text[]) AS u;
    INSERT INTO quay.superuser (username, kind) VALUES ('root', 'superuser'), ('auditor', 'readonly');

    PERFORM pg_temp.new_team('buynlarge', 'owners', 'admin', 'devtable', 'buynlarge+ownerbot');
    PERFORM pg_temp.new_team('buynlarge', 'creators', 'creator', 'creator', 'buynlarge+creatorbot');
    PERFORM pg_temp.new_team('buynlarge', 'readers', 'member', 'public', 'reader');
    PERFORM pg_temp.new_team('buynlarge', 'writers', 'member', 'writer');
    PERFORM pg_temp.new_team('otherorg', 'owners', 'admin', 'outsideorg');
    PERFORM pg_temp.new_team('otherorg', 'guests', 'member', 'freshuser');
    PERFORM pg_temp.new_team('offorg', 'owners', 'admin', 'devtable');
    PERFORM pg_temp.new_team('mirrororg', 'owners', 'admin', 'devtable');

    PERFORM pg_temp.new_repository('buynlarge', 'orgrepo');
    PERFORM pg_temp.new_repository('buynlarge', 'site', 'public');
    PERFORM pg_temp.new_repository('buynlarge', 'frozen', state => 1);
    PERFORM pg_temp.new_repository('buynlarge', 'mirrored', state => 2);
    PERFORM pg_temp.new_repository('buynlarge', 'unconfigured', state => 2);
    PERFORM pg_temp.new_repository('buynlarge', 'marked', 'public', state => 3);
    PERFORM pg_temp.new_repository('mirrororg', 'copy', state => 4);
    PERFORM pg_temp.new_repository('devtable', 'shared');
    PERFORM pg_temp.new_repository('devtable', 'mirrored');
    PERFORM pg_temp.new_repository('offorg', 'site', 'public');
    PERFORM pg_temp.new_repository('gone', 'site', 'public');

    PERFORM pg_temp.permit_team('buynlarge', 'orgrepo', 'buynlarge', 'readers', 'read');
    PERFORM pg_temp.permit_team('buynlarge', r, 'buynlarge', 'writers', 'write') FROM unnest('{orgrepo,frozen,mirrored,marked}'::text[]) AS r;
    PERFORM pg_temp.permit_user('buynlarge', 'orgrepo', 'outsideorg', 'read');
    PERFORM pg_temp.permit_user('buynlarge', 'mirrored', 'buynlarge+creatorbot', 'write');
    PERFORM pg_temp.permit_user('mirrororg', 'copy', 'mirrororg+sync', 'write');
    PERFORM pg_temp.permit_user('mirrororg', 'copy', 'mirrororg+idle', 'write');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'devtable', 'admin');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'public', 'write');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'reader', 'read');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'gone', 'admin');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'gone+bot', 'admin');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'nobody+bot', 'admin');
    PERFORM pg_temp.permit_user('devtable', 'shared', 'otherorg', 'admin');
    PERFORM pg_temp.permit_user('devtable', 'mirrored', 'devtable+dtrobot', 'write');
    PERFORM pg_temp.permit_team('devtable', 'mirrored', 'otherorg', 'guests', 'read');
    PERFORM pg_temp.mirror('buynlarge', 'mirrored', 'buynlarge+creatorbot');
    INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace,
                                      external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval)
    SELECT pg_temp.id('mirrororg'), '2024-01-01', 1, 'x', 'x', '{}', pg_temp.id('mirrororg+sync'), '[]', v.id, 60
    FROM quay.visibility AS v WHERE v.name = 'private';
END
$$;

-- One line is three decisions: read, write and admin, each as y or n and the rule that decides. full: quay.superusers_full_access,
-- anon: quay.anonymous_access.
CREATE TEMPORARY TABLE expected (
    line integer GENERATED ALWAYS AS IDENTITY, actor text, scopes text, path text,
    read text, write text, admin text, full_access boolean DEFAULT false, anonymous boolean DEFAULT true);

INSERT INTO expected (actor, scopes, path, read, write, admin) VALUES
    -- an organization
    (NULL, NULL, 'buynlarge/orgrepo', 'n actor', 'n actor', 'n actor'),
    ('devtable', NULL, 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'y organization team'),
    ('creator', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('reader', NULL, 'buynlarge/orgrepo', 'y team permission', 'n no rule grants', 'n no rule grants'),
    ('writer', NULL, 'buynlarge/orgrepo', 'y team permission', 'y team permission', 'n no rule grants'),
    ('outsideorg', NULL, 'buynlarge/orgrepo', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('buynlarge+ownerbot', NULL, 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'y organization team'),
    ('buynlarge+creatorbot', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('freshuser', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'repo:read', 'buynlarge/orgrepo', 'y organization team', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'repo:write', 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'n no rule grants'),
    ('devtable', 'repo:admin', 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'y organization team'),
    ('devtable', 'repo:create', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'org:admin', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('reader', 'repo:create', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('reader', 'repo:admin', 'buynlarge/orgrepo', 'y team permission', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'user:admin', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('root', 'super:user', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('root', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    -- a user's namespace
    ('devtable', NULL, 'devtable/shared', 'y own namespace', 'y own namespace', 'y own namespace'),
    ('devtable', 'repo:read', 'devtable/shared', 'y own namespace', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'repo:write', 'devtable/shared', 'y own namespace', 'y own namespace', 'n no rule grants'),
    ('devtable', 'repo:admin', 'devtable/shared', 'y own namespace', 'y own namespace', 'y own namespace'),
    ('devtable', 'repo:create', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'org:admin', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'user:read', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'user:admin', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'super:user', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('public', NULL, 'devtable/shared', 'y user permission', 'y user permission', 'n no rule grants'),
    ('public', 'repo:admin', 'devtable/shared', 'y user permission', 'y user permission', 'n no rule grants'),
    ('public', 'repo:read', 'devtable/shared', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('reader', NULL, 'devtable/shared', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('reader', 'repo:write', 'devtable/shared', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('devtable+dtrobot', NULL, 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable+dtrobot', NULL, 'devtable/mirrored', 'y user permission', 'y user permission', 'n no rule grants'),
    ('freshuser', NULL, 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    (NULL, NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    -- a team of another organization
    ('freshuser', NULL, 'devtable/mirrored', 'y team permission', 'n no rule grants', 'n no rule grants'),
    -- scopes: the widest of several counts; what does not parse counts for nothing
    ('devtable', 'repo:read,repo:admin repo:write', 'devtable/shared', 'y own namespace', 'y own namespace', 'y own namespace'),
    ('devtable', 'user:read repo:write', 'devtable/shared', 'y own namespace', 'y own namespace', 'n no rule grants'),
    ('devtable', 'repo:read, repo:admin', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', 'repo:read|repo:admin', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', 'repo:admins', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', 'repo:admin unknown', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', 'direct_user_login', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', 'REPO:ADMIN', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('devtable', '', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    ('auditor', 'repo:admins', 'devtable/shared', 'n scopes', 'n scopes', 'n scopes'),
    -- actors who count as anonymous
    ('gone', NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    ('gone+bot', NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    ('nobody+bot', NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    ('otherorg', NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    ('unheard-of', NULL, 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    ('buynlarge', NULL, 'buynlarge/orgrepo', 'n actor', 'n actor', 'n actor'),
    -- a public repository
    (NULL, NULL, 'buynlarge/site', 'y public', 'n actor', 'n actor'),
    ('gone', NULL, 'buynlarge/site', 'y public', 'n actor', 'n actor'),
    ('unheard-of', NULL, 'buynlarge/site', 'y public', 'n actor', 'n actor'),
    ('freshuser', NULL, 'buynlarge/site', 'y public', 'n no rule grants', 'n no rule grants'),
    ('freshuser', 'user:read', 'buynlarge/site', 'y public', 'n no rule grants', 'n no rule grants'),
    ('freshuser', 'nonsense', 'buynlarge/site', 'y public', 'n scopes', 'n scopes'),
    ('devtable', NULL, 'buynlarge/site', 'y public', 'y organization team', 'y organization team'),
    -- a disabled namespace lets nobody in
    (NULL, NULL, 'offorg/site', 'n namespace', 'n namespace', 'n namespace'),
    ('devtable', NULL, 'offorg/site', 'n namespace', 'n namespace', 'n namespace'),
    ('auditor', NULL, 'offorg/site', 'n namespace', 'n namespace', 'n namespace'),
    ('gone', NULL, 'gone/site', 'n namespace', 'n namespace', 'n namespace'),
    -- states
    ('devtable', NULL, 'buynlarge/frozen', 'y organization team', 'n state', 'y organization team'),
    ('writer', NULL, 'buynlarge/frozen', 'y team permission', 'n state', 'n no rule grants'),
    ('writer', NULL, 'buynlarge/mirrored', 'y team permission', 'n mirror', 'n no rule grants'),
    ('devtable', NULL, 'buynlarge/mirrored', 'y organization team', 'n mirror', 'y organization team'),
    ('buynlarge+creatorbot', NULL, 'buynlarge/mirrored', 'y user permission', 'y user permission', 'n no rule grants'),
    ('buynlarge+creatorbot', 'repo:read', 'buynlarge/mirrored', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('buynlarge+ownerbot', NULL, 'buynlarge/unconfigured', 'y organization team', 'n mirror', 'y organization team'),
    ('mirrororg+sync', NULL, 'mirrororg/copy', 'y user permission', 'y user permission', 'n no rule grants'),
    ('mirrororg+idle', NULL, 'mirrororg/copy', 'y user permission', 'n mirror', 'n no rule grants'),
    ('devtable', NULL, 'mirrororg/copy', 'y organization team', 'n mirror', 'y organization team'),
    (NULL, NULL, 'buynlarge/marked', 'n state', 'n state', 'n state'),
    ('devtable', NULL, 'buynlarge/marked', 'n state', 'n state', 'n state'),
    ('writer', NULL, 'buynlarge/marked', 'n state', 'n state', 'n state'),
    ('auditor', NULL, 'buynlarge/marked', 'n state', 'n state', 'n state'),
    -- who may read everything
    ('auditor', NULL, 'buynlarge/orgrepo', 'y readonly superuser', 'n no rule grants', 'n no rule grants'),
    ('auditor', 'repo:read', 'buynlarge/orgrepo', 'y readonly superuser', 'n no rule grants', 'n no rule grants'),
    ('auditor', 'user:read', 'devtable/shared', 'y readonly superuser', 'n no rule grants', 'n no rule grants'),
    ('auditor', NULL, 'buynlarge/frozen', 'y readonly superuser', 'n state', 'n no rule grants'),
    -- a repository or a namespace that does not exist
    ('devtable', NULL, 'devtable/new', 'y own namespace', 'y own namespace', 'y own namespace'),
    ('devtable', 'repo:write', 'devtable/new', 'y own namespace', 'y own namespace', 'n no rule grants'),
    ('devtable', NULL, 'buynlarge/new', 'y organization team', 'y organization team', 'y organization team'),
    ('creator', NULL, 'buynlarge/new', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('reader', NULL, 'devtable/new', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    (NULL, NULL, 'devtable/new', 'n actor', 'n actor', 'n actor'),
    ('devtable', NULL, 'nowhere/new', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable+dtrobot', NULL, 'devtable+dtrobot/new', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('devtable', NULL, NULL, 'n no rule grants', 'n no rule grants', 'n no rule grants');

-- quay.superusers_full_access
INSERT INTO expected (actor, scopes, path, read, write, admin, full_access) VALUES
    ('root', NULL, 'buynlarge/orgrepo', 'y superuser', 'y superuser', 'y superuser', true),
    ('root', 'super:user', 'buynlarge/orgrepo', 'y superuser', 'y superuser', 'y superuser', true),
    ('root', 'repo:read super:user', 'buynlarge/orgrepo', 'y superuser', 'y superuser', 'y superuser', true),
    ('root', 'repo:read', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants', true),
    ('root', 'nonsense', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes', true),
    ('root', 'super:user', 'nowhere/new', 'y superuser', 'y superuser', 'y superuser', true),
    ('root', NULL, 'buynlarge/new', 'y superuser', 'y superuser', 'y superuser', true),
    ('root', NULL, 'buynlarge/frozen', 'y superuser', 'n state', 'y superuser', true),
    ('root', NULL, 'buynlarge/mirrored', 'y superuser', 'n mirror', 'y superuser', true),
    ('root', NULL, 'buynlarge/marked', 'n state', 'n state', 'n state', true),
    ('root', NULL, 'offorg/site', 'n namespace', 'n namespace', 'n namespace', true),
    ('auditor', NULL, 'buynlarge/orgrepo', 'y readonly superuser', 'n no rule grants', 'n no rule grants', true),
    ('auditor', 'super:user', 'buynlarge/orgrepo', 'y readonly superuser', 'n no rule grants', 'n no rule grants', true),
    ('devtable', 'super:user', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants', true),
    ('freshuser', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants', true);

-- quay.anonymous_access off
INSERT INTO expected (actor, scopes, path, read, write, admin, anonymous) VALUES
    (NULL, NULL, 'buynlarge/site', 'n actor', 'n actor', 'n actor', false),
    ('gone', NULL, 'buynlarge/site', 'n actor', 'n actor', 'n actor', false),
    ('otherorg', NULL, 'buynlarge/site', 'n actor', 'n actor', 'n actor', false),
    ('freshuser', NULL, 'buynlarge/site', 'y public', 'n no rule grants', 'n no rule grants', false),
    ('freshuser', 'user:read', 'buynlarge/site', 'y public', 'n no rule grants', 'n no rule grants', false),
    ('freshuser', 'nonsense', 'buynlarge/site', 'n scopes', 'n scopes', 'n scopes', false),
    ('devtable+other', NULL, 'buynlarge/site', 'y public', 'n no rule grants', 'n no rule grants', false),
    ('gone+bot', NULL, 'buynlarge/site', 'n actor', 'n actor', 'n actor', false);

CREATE FUNCTION pg_temp.decision(e expected, action text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    namespace text := split_part(e.path, '/', 1);
    repository text := split_part(e.path, '/', 2);
BEGIN
    PERFORM set_config('quay.superusers_full_access', e.full_access::text, true), set_config('quay.anonymous_access', e.anonymous::text, true);
    RETURN (SELECT CASE WHEN quay.access_check(e.actor, namespace, repository, action, e.scopes) THEN 'y ' ELSE 'n ' END || x.rule
            FROM quay.access_explain(e.actor, namespace, repository, action, e.scopes) AS x WHERE x.decided);
END
$$;

SELECT plan(count(*)::integer * 3) FROM expected;
SELECT is(pg_temp.decision(e, 'read'), e.read, format('%s: read %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT is(pg_temp.decision(e, 'write'), e.write, format('%s: write %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT is(pg_temp.decision(e, 'admin'), e.admin, format('%s: admin %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT * FROM finish();
ROLLBACK;
