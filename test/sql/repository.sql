-- Repositories: creation, default permissions, state, visibility, search indexes.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN format('%s %s: %s', SQLSTATE, message, detail);
END
$$;
CREATE FUNCTION pg_temp.permissions(repository text) RETURNS TABLE (grantee text, role text) LANGUAGE sql AS $$
    SELECT coalesce(u.username, 'team ' || t.name), o.name
    FROM quay.repositorypermission AS p
    JOIN quay.repository AS r ON r.id = p.repository_id JOIN quay."user" AS n ON n.id = r.namespace_user_id
    JOIN quay.role AS o ON o.id = p.role_id
    LEFT JOIN quay."user" AS u ON u.id = p.user_id LEFT JOIN quay.team AS t ON t.id = p.team_id
    WHERE n.username || '/' || r.name = repository ORDER BY 1;
$$;
SELECT count(quay.user_create(n, 'password', n || '@rep.example')) FROM unnest(ARRAY['rep-alice', 'rep-bob', 'rep-carol']) AS n;
SELECT quay.organization_create('rep-org', NULL, 'rep-alice') IS NOT NULL AS org, quay.team_create('rep-org', 'devs', 'creator') IS NOT NULL AS team,
       (SELECT username FROM quay.robot_create('rep-org', 'ci')) AS robot;

SELECT quay.repository_create('rep-alice', 'app', 'rep-alice', description => 'An app', ip => '192.0.2.1') IS NOT NULL AS created;
SELECT r.name, v.name AS visibility, k.name AS kind, r.description, r.state, r.trust_enabled, length(r.badge_token) AS badge, c.count, c.date, s.score, s.last_updated
FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id JOIN quay.repositorykind AS k ON k.id = r.kind_id
JOIN quay.repositoryactioncount AS c ON c.repository_id = r.id JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'rep-alice';
SELECT * FROM pg_temp.permissions('rep-alice/app');
SELECT quay.repository_create('rep-org', 'nested/app.one', 'rep-org+ci', 'public', kind => 'application') IS NOT NULL AS by_robot;
SELECT * FROM pg_temp.permissions('rep-org/nested/app.one');
SELECT quay.repository_create('rep-org', 'no-creator') IS NOT NULL AS nobodys, quay.repository_create('rep-org', 'by-org', 'rep-org') IS NOT NULL AS by_org;
SELECT * FROM pg_temp.permissions('rep-org/no-creator') UNION ALL SELECT * FROM pg_temp.permissions('rep-org/by-org');

-- Refused.
SELECT pg_temp.try($$SELECT quay.repository_create('rep-alice', 'app')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-none', 'app')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-org+ci', 'app')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-alice', 'app2', 'rep-none')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-alice', 'app2', visibility => 'secret')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-alice', 'app2', kind => 'chart')$$);
SELECT n AS name, pg_temp.try(format('SELECT quay.repository_create(%L, %L)', 'rep-alice', n))
FROM (VALUES ('a|b'), ('UpperCase'), (''), ('/a'), ('a//b'), (E'a\n'), (NULL)) AS t (n);
SELECT pg_temp.try(format('SELECT quay.repository_create(%L, %L)', 'rep-alice', repeat('x', 255))),
       left(pg_temp.try(format('SELECT quay.repository_create(%L, %L)', 'rep-alice', repeat('x', 256))), 30);
UPDATE quay."user" SET enabled = false WHERE username = 'rep-carol';
SELECT pg_temp.try($$SELECT quay.repository_create('rep-carol', 'app')$$);

-- Default permissions: one of the creator goes before one for all, the younger before the older; the creator keeps admin.
INSERT INTO quay.permissionprototype (org_id, uuid, activating_user_id, delegate_user_id, delegate_team_id, role_id)
SELECT o.id, gen_random_uuid()::text, a.id, d.id, t.id, r.id
FROM (VALUES (1, NULL, 'rep-carol', NULL, 'write'), (2, 'rep-bob', 'rep-carol', NULL, 'read'), (3, NULL, 'rep-carol', NULL, 'admin'),
             (4, NULL, NULL, 'devs', 'read'), (5, NULL, NULL, 'devs', 'write'), (6, NULL, 'rep-bob', NULL, 'read'),
             (7, 'rep-alice', 'rep-org+ci', NULL, 'write')) AS p (n, activator, delegate, team, role)
JOIN quay."user" AS o ON o.username = 'rep-org'
JOIN quay.role AS r ON r.name = p.role
LEFT JOIN quay."user" AS a ON a.username = p.activator
LEFT JOIN quay."user" AS d ON d.username = p.delegate
LEFT JOIN quay.team AS t ON t.name = p.team AND t.organization_id = o.id
ORDER BY p.n;
SELECT quay.repository_create('rep-org', 'of-bob', 'rep-bob') IS NOT NULL AS bob, quay.repository_create('rep-org', 'of-alice', 'rep-alice') IS NOT NULL AS alice,
       quay.repository_create('rep-org', 'of-nobody') IS NOT NULL AS nobody;
SELECT * FROM pg_temp.permissions('rep-org/of-bob');
SELECT * FROM pg_temp.permissions('rep-org/of-alice');
SELECT * FROM pg_temp.permissions('rep-org/of-nobody');

-- State and visibility.
SELECT quay.repository_set_state('rep-org', 'of-bob', s) FROM unnest(ARRAY['mirror', 'normal', 'read_only']) AS s;
SELECT quay.repository_set_visibility('rep-org', 'of-bob', 'public', 'rep-bob', '192.0.2.3');
SELECT r.state, v.name AS visibility FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id WHERE r.name = 'of-bob';
SELECT pg_temp.try($$SELECT quay.repository_set_state('rep-org', 'of-bob', 'deleted')$$);
SELECT pg_temp.try($$SELECT quay.repository_set_state('rep-org', 'none', 'normal')$$);
SELECT pg_temp.try($$SELECT quay.repository_set_visibility('rep-org', 'of-bob', NULL)$$);
UPDATE quay.repository SET state = 4 WHERE name = 'of-alice';
SELECT pg_temp.try($$SELECT quay.repository_set_state('rep-org', 'of-alice', 'normal')$$);
UPDATE quay.repository SET state = 3 WHERE name = 'of-alice';
SELECT pg_temp.try($$SELECT quay.repository_set_state('rep-org', 'of-alice', 'normal')$$),
       pg_temp.try($$SELECT quay.repository_set_visibility('rep-org', 'of-alice', 'public')$$);

SELECT k.name AS kind, a.username AS account, p.username AS performer, r.name AS repository, l.metadata_json, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id
LEFT JOIN quay."user" AS p ON p.id = l.performer_id LEFT JOIN quay.repository AS r ON r.id = l.repository_id
WHERE a.username LIKE 'rep-%' AND k.name LIKE '%\_repo%' AND length(l.metadata_json) < 200 ORDER BY l.id;

-- The answer is whether pg_trgm is there; asking twice does no harm.
SELECT quay.search_index_create() = EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS as_expected,
       quay.search_index_create() = (to_regclass('quay.repository_name__fulltext') IS NOT NULL) AS again;
ROLLBACK;
