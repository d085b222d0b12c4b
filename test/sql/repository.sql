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

-- What a pull through the cache creates: its creator only reads.
SELECT quay.repository_create('rep-org', 'cached', 'rep-bob', proxy_cache => true) IS NOT NULL AS cached;
SELECT * FROM pg_temp.permissions('rep-org/cached');

-- Creators who cannot hold the permission, delegates who cannot either (an older registry let them in), and a "/" where none is allowed.
SELECT quay.robot_create('rep-alice', 'bot') IS NOT NULL AS robot;
SELECT pg_temp.try($$SELECT quay.repository_create('rep-org', 'foreign', 'rep-alice+bot')$$);
SELECT quay.organization_create('rep-org2', NULL, 'rep-alice') IS NOT NULL AS org2;
INSERT INTO quay.permissionprototype (org_id, uuid, delegate_user_id, delegate_team_id, role_id)
SELECT o.id, gen_random_uuid()::text, d.id, t.id, r.id
FROM (VALUES ('rep-alice+bot', NULL), ('rep-org', NULL), (NULL, 'rep-org'), ('rep-bob', NULL)) AS p (delegate, team_of)
JOIN quay."user" AS o ON o.username = 'rep-org2' JOIN quay.role AS r ON r.name = 'write'
LEFT JOIN quay."user" AS d ON d.username = p.delegate
LEFT JOIN quay.team AS t ON t.name = 'devs' AND t.organization_id = (SELECT id FROM quay."user" WHERE username = p.team_of);
SELECT quay.repository_create('rep-org2', 'app', 'rep-alice') IS NOT NULL AS created;
SELECT * FROM pg_temp.permissions('rep-org2/app');
SET LOCAL quay.extended_repository_names = off;
SELECT pg_temp.try($$SELECT quay.repository_create('rep-org', 'nested/other')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('rep-org', 'not-nested')$$), pg_temp.try($$SELECT quay.repository_create('rep-org', 'Bad/Name')$$);
RESET quay.extended_repository_names;

-- In an organization that is a mirror only its robot creates repositories.
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace, external_registry_config,
                                  internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, '2026-01-01', 1, 'https://upstream.example', 'there', '{}', b.id, '[]', v.id, 3600
FROM quay."user" AS o, quay."user" AS b, quay.visibility AS v WHERE o.username = 'rep-org' AND b.username = 'rep-org+ci' AND v.name = 'private';
SELECT who AS actor, pg_temp.try(format('SELECT quay.repository_create(%L, %L, actor => %L)', 'rep-org', 'of-mirror', who))
FROM unnest(ARRAY[NULL, 'rep-alice', 'rep-org+ci']) AS who;
SELECT pg_temp.try($$SELECT quay.repository_create('rep-org', 'of-mirror2', 'rep-org+ci')$$);
DELETE FROM quay.orgmirrorconfig WHERE organization_id = (SELECT id FROM quay."user" WHERE username = 'rep-org');

-- Looking at them.
CREATE FUNCTION pg_temp.ids(VARIADIC names text[]) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(r.id ORDER BY n.n) FROM unnest(names) WITH ORDINALITY AS n (name, n), quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username || '/' || r.name = n.name
$$;
SELECT quay.repository_star('rep-bob', 'rep-alice', 'app') AS starred;
INSERT INTO quay_internal.size_counter (namespace_id, repository_id, part, used) SELECT r.namespace_user_id, r.id, 0, 4711 FROM quay.repository AS r WHERE r.id = ANY (pg_temp.ids('rep-alice/app'));
SELECT visibility, kind, state, description, trust_enabled, stars, is_starred, size_bytes, namespace_is_organization, tag_expiration_s
FROM quay.repository_get('rep-alice', 'app');
SELECT stars, is_starred, namespace_id = (SELECT id FROM quay."user" WHERE username = 'rep-alice') AS namespace_id, ARRAY[repository_id] = pg_temp.ids('rep-alice/app') AS id
FROM quay.repository_get('rep-alice', 'app', 'rep-bob');
SELECT count(*) AS rows FROM (VALUES ('rep-alice', 'none'), ('rep-none', 'app'), ('rep-org', 'of-alice'), ('rep-org+ci', 'app'), (NULL, NULL)) AS t (n, r), quay.repository_get(n, r);
UPDATE quay."user" SET enabled = true WHERE username = 'rep-carol';
SELECT quay.repository_create('rep-carol', 'app') IS NOT NULL AS carols;
UPDATE quay."user" SET enabled = false WHERE username = 'rep-carol';
SELECT count(*) AS disabled FROM quay.repository_get('rep-carol', 'app');
SELECT namespace, name, visibility, kind, state, stars, is_starred, namespace_is_organization, namespace_enabled, original_name
FROM quay.repository_get_many(pg_temp.ids('rep-alice/app', 'rep-org/nested/app.one', 'rep-org/of-alice', 'rep-carol/app') || 0::bigint || NULL, 'rep-bob');
SELECT count(*) AS none FROM quay.repository_get_many('{}') UNION ALL SELECT count(*) FROM quay.repository_get_many(NULL);
SELECT n || '/' || r AS name, quay.repository_state_get(n, r) AS state, quay.repository_kind_get(n, r) AS kind
FROM (VALUES ('rep-alice', 'app'), ('rep-org', 'nested/app.one'), ('rep-org', 'of-bob'), ('rep-org', 'of-alice'), ('rep-carol', 'app'), ('rep-none', 'x')) AS t (n, r);

-- Description, trust and badge.
SELECT quay.repository_set_description('rep-alice', 'app', d, 'rep-alice', '192.0.2.4') FROM (VALUES (1, 'Über *uns*'), (2, NULL), (3, 'An app')) AS t (n, d) ORDER BY n;
SELECT quay.repository_set_trust('rep-alice', 'app', b, 'rep-alice') FROM (VALUES (1, true), (2, NULL), (3, true)) AS t (n, b) ORDER BY n;
SELECT description, trust_enabled FROM quay.repository_get('rep-alice', 'app');
SELECT quay.repository_badge_token_get('rep-alice', 'app') AS old \gset
SELECT quay.repository_badge_token_rotate('rep-alice', 'app') <> :'old' AS rotated;
SELECT length(t) AS length, t <> :'old' AS other, quay.repository_badge_token_get('rep-alice', 'none') AS none, quay.repository_badge_token_get('rep-carol', 'app') AS disabled
FROM quay.repository_badge_token_get('rep-alice', 'app') AS t;
SELECT f AS call, pg_temp.try(format('SELECT quay.repository_%s', f)) AS result
FROM unnest(ARRAY[$$set_description('rep-none', 'app', '')$$, $$set_description('rep-alice', 'none', '')$$, $$set_description('rep-carol', 'app', '')$$,
    $$set_description('rep-alice', 'app', '', 'rep-none')$$, $$set_trust('rep-none', 'app', true)$$, $$set_trust('rep-alice', 'none', true)$$,
    $$set_trust('rep-carol', 'app', true)$$, $$set_trust('rep-alice', 'app', true, 'rep-none')$$, $$badge_token_rotate('rep-none', 'app')$$,
    $$badge_token_rotate('rep-alice', 'none')$$, $$badge_token_rotate('rep-carol', 'app')$$]) AS f;
SELECT k.name AS kind, p.username AS performer, r.name AS repository, l.metadata_json, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id LEFT JOIN quay.repository AS r ON r.id = l.repository_id
WHERE r.name = 'app' AND k.name IN ('set_repo_description', 'change_repo_trust') ORDER BY l.id;

-- How many, and from where to where.
SELECT quay.repository_count() = (SELECT count(*) FROM quay.repository) AS counted, quay.repository_count(true) >= 0 AS estimated,
       (quay.repository_id_range()) = (SELECT (min(id), max(id)) FROM quay.repository) AS range;

-- The answer is whether pg_trgm is there; asking twice does no harm.
SELECT quay.search_index_create() = EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS as_expected,
       quay.search_index_create() = (to_regclass('quay.repository_name__fulltext') IS NOT NULL) AS again;
ROLLBACK;
