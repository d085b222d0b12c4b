-- access_check() and its kin, decision by decision: who, with which scopes, may do what, and which rule says so.
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

-- Rows that the rules of the tables would refuse today, but that may be there.
SET LOCAL session_replication_role = replica;
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
SET LOCAL session_replication_role = origin;

-- One line is three decisions: read, write and admin, each as y or n and the rule that decides, with these settings.
CREATE TEMPORARY TABLE expected (
    line integer GENERATED ALWAYS AS IDENTITY, actor text, scopes text, path text,
    read text, write text, admin text, full_access boolean DEFAULT false,
    anonymous boolean DEFAULT true, restricted boolean DEFAULT false, superusers boolean DEFAULT true);

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

-- Tokens for single repositories: without an actor they are the right, with one they limit it.
INSERT INTO expected (actor, scopes, path, read, write, admin) VALUES
    (NULL, 'repository:buynlarge/orgrepo:pull', 'buynlarge/orgrepo', 'y token', 'n actor', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:push', 'buynlarge/orgrepo', 'y token', 'y token', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:pull,push', 'buynlarge/orgrepo', 'y token', 'y token', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:push,pull,*', 'buynlarge/orgrepo', 'y token', 'y token', 'y token'),
    (NULL, 'repository:buynlarge/orgrepo:', 'buynlarge/orgrepo', 'n actor', 'n actor', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:pull repository:devtable/shared:pull,push', 'devtable/shared', 'y token', 'y token', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:pull,push', 'devtable/shared', 'n actor', 'n actor', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:pull,push', 'buynlarge/orgrep', 'n actor', 'n actor', 'n actor'),
    (NULL, 'repository:devtable/new:pull,push', 'devtable/new', 'n actor', 'n actor', 'n actor'),
    (NULL, 'repository:buynlarge/frozen:*', 'buynlarge/frozen', 'y token', 'n state', 'y token'),
    (NULL, 'repository:buynlarge/mirrored:*', 'buynlarge/mirrored', 'y token', 'n mirror', 'y token'),
    (NULL, 'repository:buynlarge/marked:*', 'buynlarge/marked', 'n state', 'n state', 'n state'),
    (NULL, 'repository:offorg/site:pull', 'offorg/site', 'n namespace', 'n namespace', 'n namespace'),
    (NULL, 'repository:buynlarge/site:push', 'buynlarge/site', 'y public', 'y token', 'n actor'),
    (NULL, 'repository:buynlarge/orgrepo:pull,delete', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repository:orgrepo:pull', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repository:/orgrepo:pull', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repository:buynlarge/:pull', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repository:buynlarge/orgrepo', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repository:', 'buynlarge/orgrepo', 'n scopes', 'n scopes', 'n scopes'),
    (NULL, 'repo:admin', 'buynlarge/orgrepo', 'n actor', 'n actor', 'n actor'),
    ('devtable', 'repository:buynlarge/orgrepo:pull', 'buynlarge/orgrepo', 'y organization team', 'n no rule grants', 'n no rule grants'),
    ('devtable', 'repository:buynlarge/orgrepo:pull,push', 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'n no rule grants'),
    ('devtable', 'repository:buynlarge/orgrepo:*', 'devtable/shared', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('freshuser', 'repository:buynlarge/orgrepo:*', 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants'),
    ('reader', 'repository:buynlarge/orgrepo:pull,push', 'buynlarge/orgrepo', 'y team permission', 'n no rule grants', 'n no rule grants'),
    ('reader', 'repo:read repository:devtable/shared:pull,push', 'devtable/shared', 'y user permission', 'n no rule grants', 'n no rule grants'),
    ('public', 'repo:read repository:devtable/shared:pull,push', 'devtable/shared', 'y user permission', 'y user permission', 'n no rule grants'),
    ('buynlarge+creatorbot', 'repository:buynlarge/mirrored:pull,push', 'buynlarge/mirrored', 'y user permission', 'y user permission', 'n no rule grants');

-- quay.restricted_users: nobody writes into his own namespace, nor does a robot of his, unless he is listed or a superuser
INSERT INTO quay.unrestricted_user (username) VALUES ('public');
INSERT INTO expected (actor, scopes, path, read, write, admin, restricted) VALUES
    ('devtable', NULL, 'devtable/shared', 'y own namespace', 'n restricted user', 'y own namespace', true),
    ('devtable', NULL, 'devtable/new', 'y own namespace', 'n restricted user', 'y own namespace', true),
    ('devtable+dtrobot', NULL, 'devtable/mirrored', 'y user permission', 'n restricted user', 'n no rule grants', true),
    ('public', NULL, 'devtable/shared', 'y user permission', 'y user permission', 'n no rule grants', true),
    ('public', NULL, 'public/new', 'y own namespace', 'y own namespace', 'y own namespace', true),
    ('root', NULL, 'root/new', 'y own namespace', 'y own namespace', 'y own namespace', true),
    ('root', 'repo:write', 'root/new', 'y own namespace', 'n restricted user', 'n no rule grants', true),
    ('root', 'repo:write super:user', 'root/new', 'y own namespace', 'y own namespace', 'n no rule grants', true),
    ('devtable', NULL, 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'y organization team', true),
    ('buynlarge+ownerbot', NULL, 'buynlarge/orgrepo', 'y organization team', 'y organization team', 'y organization team', true);

-- quay.superusers off: only those who may read everything are left
INSERT INTO expected (actor, scopes, path, read, write, admin, full_access, superusers) VALUES
    ('root', NULL, 'buynlarge/orgrepo', 'n no rule grants', 'n no rule grants', 'n no rule grants', true, false),
    ('root', 'super:user', 'nowhere/new', 'n no rule grants', 'n no rule grants', 'n no rule grants', true, false),
    ('auditor', NULL, 'buynlarge/orgrepo', 'y readonly superuser', 'n no rule grants', 'n no rule grants', true, false);

CREATE FUNCTION pg_temp.decision(e expected, action text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    namespace text := split_part(e.path, '/', 1);
    repository text := split_part(e.path, '/', 2);
BEGIN
    PERFORM set_config('quay.superusers_full_access', e.full_access::text, true), set_config('quay.anonymous_access', e.anonymous::text, true),
            set_config('quay.restricted_users', e.restricted::text, true), set_config('quay.superusers', e.superusers::text, true);
    RETURN (SELECT CASE WHEN quay.access_check(e.actor, namespace, repository, action, e.scopes) THEN 'y ' ELSE 'n ' END || x.rule
            FROM quay.access_explain(e.actor, namespace, repository, action, e.scopes) AS x WHERE x.decided);
END
$$;

-- In a namespace: member, create and admin; whether the actor sees the team readers or owners; what kind of superuser he is.
CREATE TEMPORARY TABLE expected_namespace (
    line integer GENERATED ALWAYS AS IDENTITY, actor text, scopes text, namespace text,
    member text, "create" text, admin text, sees_readers boolean, sees_owners boolean, full_access boolean DEFAULT false);
INSERT INTO expected_namespace (actor, scopes, namespace, member, "create", admin, sees_readers, sees_owners) VALUES
    (NULL, NULL, 'buynlarge', 'n actor', 'n actor', 'n actor', false, false),
    ('devtable', NULL, 'buynlarge', 'y organization team', 'y organization team', 'y organization team', true, true),
    ('creator', NULL, 'buynlarge', 'y organization team', 'y organization team', 'n no rule grants', false, false),
    ('reader', NULL, 'buynlarge', 'y organization team', 'n no rule grants', 'n no rule grants', true, false),
    ('outsideorg', NULL, 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('buynlarge+ownerbot', NULL, 'buynlarge', 'y organization team', 'y organization team', 'y organization team', true, true),
    ('buynlarge+creatorbot', NULL, 'buynlarge', 'y organization team', 'y organization team', 'n no rule grants', false, false),
    ('freshuser', NULL, 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'repo:read', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'repo:write', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'repo:admin', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'repo:create', 'buynlarge', 'y organization team', 'y organization team', 'n no rule grants', false, true),
    ('devtable', 'org:admin', 'buynlarge', 'y organization team', 'y organization team', 'y organization team', true, true),
    ('reader', 'repo:create', 'buynlarge', 'y organization team', 'n no rule grants', 'n no rule grants', true, false),
    ('reader', 'repo:admin', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'user:admin', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'org:admins', 'buynlarge', 'n scopes', 'n scopes', 'n scopes', false, false),
    ('root', 'super:user', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('auditor', NULL, 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    (NULL, 'repository:buynlarge/orgrepo:*', 'buynlarge', 'n actor', 'n actor', 'n actor', false, false),
    ('devtable', NULL, 'devtable', 'y own namespace', 'y own namespace', 'y own namespace', false, false),
    ('devtable', 'repo:read', 'devtable', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', 'repo:create', 'devtable', 'y own namespace', 'y own namespace', 'n no rule grants', false, false),
    ('devtable', 'org:admin', 'devtable', 'y own namespace', 'y own namespace', 'y own namespace', false, false),
    ('devtable', 'user:admin', 'devtable', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('public', NULL, 'devtable', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable+dtrobot', NULL, 'devtable', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', NULL, 'nowhere', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', NULL, NULL, 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false),
    ('devtable', NULL, 'offorg', 'n namespace', 'n namespace', 'n namespace', false, false),
    ('gone', NULL, 'gone', 'n namespace', 'n namespace', 'n namespace', false, false);
INSERT INTO expected_namespace (actor, scopes, namespace, member, "create", admin, sees_readers, sees_owners, full_access) VALUES
    ('root', 'super:user', 'buynlarge', 'y superuser', 'y superuser', 'y superuser', true, true, true),
    ('root', NULL, 'nowhere', 'y superuser', 'y superuser', 'y superuser', true, true, true),
    ('root', 'org:admin', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false, true),
    ('root', NULL, 'offorg', 'n namespace', 'n namespace', 'n namespace', false, false, true),
    ('auditor', 'super:user', 'buynlarge', 'n no rule grants', 'n no rule grants', 'n no rule grants', false, false, true);

CREATE FUNCTION pg_temp.decision(e expected_namespace, action text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.superusers_full_access', e.full_access::text, true), set_config('quay.superusers', 'on', true);
    RETURN (SELECT CASE WHEN quay.access_check_namespace(e.actor, e.namespace, action, e.scopes) THEN 'y ' ELSE 'n ' END || x.rule
            FROM quay.access_explain_namespace(e.actor, e.namespace, action, e.scopes) AS x WHERE x.decided);
END
$$;
CREATE FUNCTION pg_temp.sees(e expected_namespace, team text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.superusers_full_access', e.full_access::text, true);
    RETURN quay.access_check_team(e.actor, e.namespace, team, e.scopes);
END
$$;

-- One's own account, and superusers.
CREATE TEMPORARY TABLE expected_account (
    line integer GENERATED ALWAYS AS IDENTITY, actor text, scopes text, username text, read boolean, admin boolean, superuser text, superusers boolean DEFAULT true);
INSERT INTO expected_account (actor, scopes, username, read, admin, superuser) VALUES
    ('devtable', NULL, 'devtable', true, true, NULL),
    ('devtable', 'user:read', 'devtable', true, false, NULL),
    ('devtable', 'user:admin', 'devtable', true, true, NULL),
    ('devtable', 'repo:admin', 'devtable', false, false, NULL),
    ('devtable', 'nonsense', 'devtable', false, false, NULL),
    ('devtable', NULL, 'public', false, false, NULL),
    ('devtable', NULL, 'nowhere', false, false, NULL),
    ('devtable', NULL, NULL, false, false, NULL),
    ('devtable+dtrobot', NULL, 'devtable', false, false, NULL),
    ('devtable+dtrobot', NULL, 'devtable+dtrobot', true, true, NULL),
    ('gone', NULL, 'gone', false, false, NULL),
    ('otherorg', NULL, 'otherorg', false, false, NULL),
    (NULL, NULL, 'devtable', false, false, NULL),
    ('root', NULL, 'root', true, true, 'superuser'),
    ('root', 'super:user', 'root', false, false, 'superuser'),
    ('root', 'user:read super:user', 'devtable', false, false, 'superuser'),
    ('root', 'user:read', 'root', true, false, NULL),
    ('root', '', 'root', false, false, NULL),
    ('auditor', NULL, 'auditor', true, true, 'readonly'),
    ('auditor', 'repo:read', 'auditor', false, false, 'readonly'),
    ('auditor', 'nonsense', 'auditor', false, false, NULL);
INSERT INTO expected_account (actor, scopes, username, read, admin, superuser, superusers) VALUES
    ('root', NULL, 'root', true, true, NULL, false),
    ('auditor', NULL, 'root', false, false, 'readonly', false);
CREATE FUNCTION pg_temp.superuser(e expected_account) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.superusers', e.superusers::text, true);
    RETURN quay.superuser_kind(e.actor, e.scopes);
END
$$;

SELECT plan((SELECT count(*)::integer FROM expected) * 3 + (SELECT count(*)::integer FROM expected_namespace) * 5
            + (SELECT count(*)::integer FROM expected_account) * 3);
SELECT is(pg_temp.decision(e, 'read'), e.read, format('%s: read %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT is(pg_temp.decision(e, 'write'), e.write, format('%s: write %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT is(pg_temp.decision(e, 'admin'), e.admin, format('%s: admin %s by %s, scopes %s', e.line, e.path, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected AS e ORDER BY e.line;
SELECT is(pg_temp.decision(e, a.action), CASE a.action WHEN 'member' THEN e.member WHEN 'create' THEN e."create" ELSE e.admin END,
          format('%s: %s in %s by %s, scopes %s', e.line, a.action, e.namespace, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected_namespace AS e, unnest('{member,create,admin}'::text[]) WITH ORDINALITY AS a (action, n) ORDER BY e.line, a.n;
SELECT is(pg_temp.sees(e, t.team), CASE t.team WHEN 'readers' THEN e.sees_readers ELSE e.sees_owners END,
          format('%s: team %s/%s seen by %s, scopes %s', e.line, e.namespace, t.team, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected_namespace AS e, unnest('{readers,owners}'::text[]) AS t (team) ORDER BY e.line, t.team;
SELECT is(quay.access_check_user(e.actor, e.username, 'read', e.scopes), e.read, format('%s: account of %s read by %s', e.line, e.username, e.actor))
FROM expected_account AS e ORDER BY e.line;
SELECT is(quay.access_check_user(e.actor, e.username, 'admin', e.scopes), e.admin, format('%s: account of %s administered by %s', e.line, e.username, e.actor))
FROM expected_account AS e ORDER BY e.line;
SELECT is(pg_temp.superuser(e), e.superuser, format('%s: superuser %s, scopes %s', e.line, coalesce(e.actor, 'anonymous'), coalesce(e.scopes, 'direct')))
FROM expected_account AS e ORDER BY e.line;
SELECT * FROM finish();
ROLLBACK;
