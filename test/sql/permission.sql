-- Permissions in a repository.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(namespace text, grantee_kind text, grantee text, role text, repository text DEFAULT 'app') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
BEGIN
    PERFORM quay.permission_set(namespace, repository, grantee_kind, grantee, role, actor => 'per-alice', ip => '192.0.2.1');
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN format('%s %s: %s', SQLSTATE, message, detail);
END
$$;
CREATE FUNCTION pg_temp.permissions() RETURNS TABLE (repository text, grantee text, role text) LANGUAGE sql AS $$
    SELECT n.username || '/' || r.name, coalesce(u.username, 'team ' || t.name), o.name
    FROM quay.repositorypermission AS p
    JOIN quay.repository AS r ON r.id = p.repository_id JOIN quay."user" AS n ON n.id = r.namespace_user_id
    JOIN quay.role AS o ON o.id = p.role_id
    LEFT JOIN quay."user" AS u ON u.id = p.user_id LEFT JOIN quay.team AS t ON t.id = p.team_id
    WHERE n.username LIKE 'per-%' ORDER BY 1, 2;
$$;
SELECT count(quay.user_create(n, 'password', n || '@per.example')) FROM unnest(ARRAY['per-alice', 'per-bob']) AS n;
SELECT quay.organization_create('per-org', NULL, 'per-alice') IS NOT NULL AS org, quay.team_create('per-org', 'devs', 'member') IS NOT NULL AS team,
       quay.organization_create('per-other', NULL, 'per-alice') IS NOT NULL AS other, quay.team_create('per-other', 'ops', 'member') IS NOT NULL AS other_team;
SELECT username FROM quay.robot_create('per-org', 'ci') UNION ALL SELECT username FROM quay.robot_create('per-alice', 'bot');
SELECT quay.repository_create('per-org', 'app') IS NOT NULL AS org_repository, quay.repository_create('per-alice', 'app', 'per-alice') IS NOT NULL AS own_repository;

-- Set, set again, change, take away, take away again: what changes nothing leaves no trace.
SELECT role, pg_temp.try('per-org', 'user', 'per-bob', role)
FROM unnest(ARRAY['read', 'read', 'admin', NULL, NULL, 'write']) WITH ORDINALITY AS t (role, n) ORDER BY n;
SELECT role, pg_temp.try('per-org', 'team', 'devs', role)
FROM unnest(ARRAY['write', 'write', 'read']) WITH ORDINALITY AS t (role, n) ORDER BY n;
SELECT pg_temp.try('per-org', 'user', 'per-org+ci', 'write');
SELECT * FROM pg_temp.permissions();
SELECT k.name AS kind, p.username AS performer, r.name AS repository, l.metadata_json, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id
LEFT JOIN quay."user" AS p ON p.id = l.performer_id LEFT JOIN quay.repository AS r ON r.id = l.repository_id
WHERE a.username LIKE 'per-%' AND k.name LIKE '%\_permission' ORDER BY l.id;
SELECT pg_temp.try('per-org', 'team', 'devs', NULL);

-- Whoever it may be given to: rows as in the reference's own tests.
SELECT namespace, grantee, pg_temp.try(namespace, 'user', grantee, 'read')
FROM (VALUES ('per-alice', 'per-bob'), ('per-alice', 'per-alice+bot'), ('per-alice', 'per-org+ci'), ('per-alice', 'per-alice'), ('per-alice', 'per-org'),
             ('per-org', 'per-alice'), ('per-org', 'per-alice+bot'), ('per-org', 'per-org+ci'), ('per-org', 'per-org'), ('per-org', 'per-other')) AS t (namespace, grantee);
SELECT pg_temp.try('per-alice', 'user', 'per-alice', NULL);
SELECT pg_temp.try('per-org', 'user', 'per-nobody', 'read');
SELECT pg_temp.try('per-org', 'user', NULL, 'read');
SELECT pg_temp.try('per-org', 'team', 'ops', 'read');
SELECT pg_temp.try('per-alice', 'team', 'devs', 'read');
SELECT pg_temp.try('per-org', 'group', 'devs', 'read');
SELECT pg_temp.try('per-org', NULL, 'devs', 'read');
SELECT pg_temp.try('per-org', 'team', 'devs', 'owner');
SELECT pg_temp.try('per-org', 'team', 'devs', 'read', 'none');
SELECT pg_temp.try('per-none', 'team', 'devs', 'read');
-- What an older registry gave to an organization or a foreign robot can be taken away. The rule of the table is newer than they are.
SET LOCAL session_replication_role = replica;
INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
SELECT u.id, r.id, o.id FROM quay."user" AS u, quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id, quay.role AS o
WHERE u.username IN ('per-other', 'per-alice+bot') AND n.username = 'per-org' AND r.name = 'app' AND o.name = 'read';
RESET session_replication_role;
SELECT grantee, pg_temp.try('per-org', 'user', grantee, NULL) FROM unnest(ARRAY['per-other', 'per-alice+bot', 'per-nobody']) AS grantee;
SELECT * FROM pg_temp.permissions();

-- One of them, all of a repository, all of a holder.
CREATE FUNCTION pg_temp.query(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'no row');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN format('%s %s: %s', SQLSTATE, message, detail);
END
$$;
SELECT quay.team_member_add('per-org', 'devs', u) FROM unnest(ARRAY['per-bob', 'per-org+ci']) AS u;
SELECT count(quay.user_create(n, 'password', n || '@per.example')) FROM unnest(ARRAY['per-carol', 'per-dave']) AS n;
SELECT pg_temp.try('per-org', k, g, r) FROM (VALUES (1, 'user', 'per-carol', 'admin'), (2, 'team', 'devs', 'write'), (3, 'user', 'per-bob', 'read')) AS t (i, k, g, r) ORDER BY i;
SELECT quay.team_member_add('per-org', 'devs', 'per-dave') AS dave, quay.repository_create('per-org', 'lib', visibility => 'public') IS NOT NULL AS lib;
SELECT pg_temp.try('per-org', k, g, r, 'lib') FROM (VALUES (1, 'user', 'per-bob', 'write'), (2, 'team', 'devs', 'read'), (3, 'user', 'per-org+ci', 'read')) AS t (i, k, g, r) ORDER BY i;
SELECT k AS kind, g AS grantee, quay.permission_get('per-org', 'app', k, g) AS role
FROM (VALUES (1, 'user', 'per-bob'), (2, 'user', 'per-carol'), (3, 'user', 'per-dave'), (4, 'user', 'per-nobody'), (5, 'team', 'devs'), (6, 'team', 'owners'), (7, 'team', 'ops')) AS t (i, k, g) ORDER BY i;
SELECT kind, grantee, role, is_robot, is_member, user_id IS NOT NULL AS user_id, team_id IS NOT NULL AS team_id FROM quay.permission_list('per-org', 'app');
SELECT grantee FROM quay.permission_list('per-org', 'app', 'team') UNION ALL (SELECT grantee FROM quay.permission_list('per-org', 'app', 'user', n => 1));
SELECT grantee FROM quay.permission_list('per-org', 'app', 'user', after => (SELECT max(permission_id) FROM quay.permission_list('per-org', 'app', 'user', n => 2)));
SELECT username, is_robot, direct, role FROM quay.permission_list_transitive('per-org', 'app');
SELECT username, is_robot, direct, role FROM quay.permission_list_transitive('per-org', 'lib');
SELECT namespace, repository, visibility, kind, state, role, team, organization FROM quay.permission_list_user('per-bob');
SELECT repository, role, team FROM quay.permission_list_user('per-dave');
SELECT repository, role, team FROM quay.permission_list_user('per-dave', after => (SELECT min(permission_id) FROM quay.permission_list_user('per-dave')), n => 1);
SELECT namespace, repository, role FROM quay.permission_list_user('per-alice');
SELECT repository, visibility, role FROM quay.permission_list_robot('per-org+ci');
SELECT repository, role, team FROM quay.permission_list_user('per-org+ci');
SELECT repository, visibility, kind, state, role FROM quay.permission_list_team('per-org', 'devs');
SELECT count(*) AS none FROM quay.permission_list_team('per-org', 'owners');
SELECT member, is_robot, is_member, repository, role FROM quay.organization_member_permission_list('per-org');
SELECT member, is_robot, is_member, repository, role FROM quay.organization_member_permission_list('per-org', 'per-org+ci');
SELECT member FROM quay.organization_member_permission_list('per-org', after => (SELECT min(permission_id) FROM quay.organization_member_permission_list('per-org')), n => 1);
SELECT c AS call, pg_temp.query('SELECT quay.' || c) AS result
FROM unnest(ARRAY[$$permission_get('per-none', 'app', 'user', 'per-bob')$$, $$permission_get('per-org', 'none', 'user', 'per-bob')$$, $$permission_get('per-org', 'app', 'group', 'x')$$,
    $$permission_get('per-org', 'app', NULL, 'x')$$, $$permission_list('per-org', 'none')$$, $$permission_list('per-none', 'app')$$, $$permission_list('per-org', 'app', 'group')$$,
    $$permission_list('per-org', 'app', n => -1)$$, $$permission_list_transitive('per-org', 'none')$$, $$permission_list_transitive('per-none', 'app')$$,
    $$permission_list_user('per-nobody')$$, $$permission_list_user('per-org')$$, $$permission_list_user('per-bob', n => -1)$$, $$permission_list_robot('per-org+none')$$,
    $$permission_list_robot('per-org+ci', n => -1)$$, $$permission_list_team('per-org', 'none')$$, $$permission_list_team('per-none', 'devs')$$, $$permission_list_team('per-alice', 'devs')$$,
    $$permission_list_team('per-org', 'devs', n => -1)$$, $$organization_member_permission_list('per-none')$$, $$organization_member_permission_list('per-alice')$$,
    $$organization_member_permission_list('per-org', 'per-nobody')$$, $$organization_member_permission_list('per-org', n => -1)$$]) AS c;

UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username LIKE 'per-%' AND r.name = 'app';
SELECT pg_temp.try('per-org', 'team', 'devs', 'read');
SELECT repository FROM quay.permission_list_user('per-bob') UNION ALL SELECT repository FROM quay.organization_member_permission_list('per-org', 'per-bob');
UPDATE quay."user" SET enabled = false WHERE username = 'per-org';
SELECT c AS call, pg_temp.query('SELECT quay.' || c) AS result
FROM unnest(ARRAY[$$permission_get('per-org', 'lib', 'user', 'per-bob')$$, $$permission_list('per-org', 'lib')$$, $$permission_list_transitive('per-org', 'lib')$$,
    $$permission_list_team('per-org', 'devs')$$, $$organization_member_permission_list('per-org')$$]) AS c;
SELECT pg_temp.try('per-org', 'team', 'devs', 'read', 'lib');
ROLLBACK;
