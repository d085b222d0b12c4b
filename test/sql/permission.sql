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
UPDATE quay.repository SET state = 3 WHERE name = 'app';
SELECT pg_temp.try('per-org', 'team', 'devs', 'read');
SELECT * FROM pg_temp.permissions();
ROLLBACK;
