-- Mirrors of organizations: configuration, the search for repositories, and the copying of each of them.
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
SELECT quay.user_create('omi-alice', 'password', 'alice@omi.example') > 0 AS ok;
SELECT count(quay.organization_create(o, o || '@omi.example', 'omi-alice')) AS organizations
FROM unnest(ARRAY['omi-org', 'omi-full', 'omi-other']) AS o;
SELECT r.username FROM unnest(ARRAY['omi-org', 'omi-full', 'omi-other', 'omi-alice']) AS o CROSS JOIN LATERAL quay.robot_create(o, 'bot') AS r;
SELECT username FROM quay.robot_create('omi-org', 'second');
SELECT quay.repository_create('omi-full', 'app', 'omi-alice') > 0 AS ok, quay.repository_create('omi-org', 'gone', 'omi-alice') > 0 AS ok;
DELETE FROM quay.logentry3;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, performer text, ip text, metadata jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH gone AS (DELETE FROM quay.logentry3 AS l USING quay."user" AS o WHERE o.id = l.account_id AND o.username = 'omi-org' RETURNING l.*)
    SELECT k.name::text, u.username::text, l.ip::text, l.metadata_json::jsonb - 'namespace' - 'org_mirror_config_id'
    FROM gone AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS u ON u.id = l.performer_id ORDER BY l.id;
END
$$;

-- What cannot be created
SELECT c.name, pg_temp.try(format('SELECT quay.org_mirror_create(%L, %L, %L, %L, %L, %L, %L, filters => %L, external_password => %L, external_config => %L, architectures => %L, timeout => %L, actor => %L)',
    c.org, c.type, c.url, c.ns, c.robot, c.step, c.visibility, c.filters, c.password, c.config, c.arch, c.timeout, c.actor))
FROM (VALUES ('unknown', 'omi-none', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', ARRAY[]::text[], NULL, '{}', ARRAY[]::text[], 300, NULL),
             ('person', 'omi-alice', 'quay', 'https://quay.io', 'acme', 'omi-alice+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('type', 'omi-org', 'docker', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('no type', 'omi-org', NULL, 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('no url', 'omi-org', 'quay', NULL, 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('scheme', 'omi-org', 'quay', 'ftp://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('host', 'omi-org', 'quay', 'https://kubernetes.default.svc', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('user in it', 'omi-org', 'quay', 'https://me:sesame@quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('long url', 'omi-org', 'quay', 'https://quay.io/' || repeat('x', 2048), 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('no namespace', 'omi-org', 'quay', 'https://quay.io', NULL, 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('namespace', 'omi-org', 'quay', 'https://quay.io', 'a?b', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('robot', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+none', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('foreign robot', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-other+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('interval', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 59, 'private', '{}', NULL, '{}', '{}', 300, NULL),
             ('visibility', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'secret', '{}', NULL, '{}', '{}', 300, NULL),
             ('filter', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', ARRAY[''], NULL, '{}', '{}', 300, NULL),
             ('password', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', 'sesame', '{}', '{}', 300, NULL),
             ('config', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{"x": 1}', '{}', 300, NULL),
             ('architecture', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', ARRAY['vax'], 300, NULL),
             ('sparse', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', ARRAY['amd64'], 300, NULL),
             ('timeout', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 3601, NULL),
             ('actor', 'omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, 'omi-none'),
             ('repositories', 'omi-full', 'quay', 'https://quay.io', 'acme', 'omi-full+bot', 60, 'private', '{}', NULL, '{}', '{}', 300, NULL)
     ) AS c (name, org, type, url, ns, robot, step, visibility, filters, password, config, arch, timeout, actor);
INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry) SELECT id, '2026-01-01', 'quay.io' FROM quay."user" WHERE username = 'omi-other';
SELECT pg_temp.try($$SELECT quay.org_mirror_create('omi-other', 'quay', 'https://quay.io', 'acme', 'omi-other+bot', 60)$$);
DELETE FROM quay.proxycacheconfig;
INSERT INTO quay.namespaceimmutabilitypolicy (uuid, namespace_id, policy) SELECT 'omi-policy', id, '{"tag_pattern": "v.*", "tag_pattern_matches": true}' FROM quay."user" WHERE username = 'omi-other';
SELECT pg_temp.try($$SELECT quay.org_mirror_create('omi-other', 'quay', 'https://quay.io', 'acme', 'omi-other+bot', 60)$$);
DELETE FROM quay.namespaceimmutabilitypolicy;
SELECT count(*) FROM quay.orgmirrorconfig;

-- Creation: repositories that are marked for deletion do not matter.
SELECT quay.repository_mark_deletion('omi-org', 'gone') > 0 AS marked;
SELECT quay.org_mirror_create('omi-org', 'harbor', 'https://harbor.example.com/', 'my-project', 'omi-org+bot', 3600, 'public', filters => ARRAY['ubuntu', 'debian*'], external_username => 'puller',
                              external_password => 'sesame', external_config => '{"verify_tls": false}', actor => 'omi-alice', ip => '192.0.2.1') AS mirror \gset
SELECT org_mirror_id = :mirror AS same_id, enabled, registry_type, external_url, external_namespace, robot, visibility, filters, sync_interval, sync_start, status, claim_expires, retries_remaining,
       has_username, has_password, external_config, architectures, timeout, created FROM quay.org_mirror_get('omi-org');
SELECT * FROM quay.org_mirror_credentials('omi-org'); SELECT * FROM quay.org_mirror_counts();
SELECT external_registry_username LIKE 'v0$$%' AS username, external_registry_password LIKE 'v0$$%' AS password, repository_filters, architecture_filter, mirror_type, external_registry_type, delete_stale_repos FROM quay.orgmirrorconfig;
SELECT pg_temp.try($$SELECT quay.org_mirror_create('omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60)$$);
SELECT pg_temp.try($$SELECT quay.repository_create('omi-org', 'new', 'omi-alice')$$);
SELECT * FROM quay.org_mirror_get('omi-other'); SELECT * FROM quay.org_mirror_get('omi-none'); SELECT * FROM quay.org_mirror_credentials('omi-other');
SELECT * FROM pg_temp.log() WHERE kind LIKE 'org%';
SELECT pg_temp.try($$SELECT quay.robot_delete('omi-org', 'bot')$$);
SELECT * FROM quay.robot_mirror_list('omi-org+bot'); SELECT * FROM quay.robot_mirror_list('omi-none+bot');
SELECT quay.org_mirror_filter_matches('debian-slim', ARRAY['ubuntu', 'debian*']) AS matches, quay.org_mirror_filter_matches('alpine', ARRAY['ubuntu', 'debian*']) AS not_this,
       quay.org_mirror_filter_matches('alpine', '{}') AS empty, quay.org_mirror_filter_matches('alpine', NULL) AS "null", quay.org_mirror_filter_matches('Alpine', ARRAY['alpine']) AS "case";

-- Changes
SELECT quay.org_mirror_update('omi-org') AS nothing, quay.org_mirror_update('omi-org', external_namespace => 'my-project', enabled => true) AS same;
SET LOCAL quay.sparse_index = on;
SELECT quay.org_mirror_update('omi-org', 'https://harbor.example.com', 'other-project', 'omi-org+second', 600, 'private', '2026-03-01 12:30:00+00', ARRAY['*'], architectures => ARRAY['arm64'], timeout => 30,
                              enabled => false, external_config => '{"unsigned_images": true, "proxy": {"no_proxy": "x"}}', actor => 'omi-alice', ip => '192.0.2.2') AS changed;
SELECT enabled, external_url, external_namespace, robot, visibility, filters, sync_interval, sync_start, external_config, architectures, timeout FROM quay.org_mirror_get('omi-org');
SELECT quay.org_mirror_update('omi-org', external_username => 'other') AS username; SELECT * FROM quay.org_mirror_credentials('omi-org');
SELECT quay.org_mirror_update('omi-org', external_password => '') AS password; SELECT * FROM quay.org_mirror_credentials('omi-org');
SELECT quay.org_mirror_update('omi-org', external_password => 'again') AS again, quay.org_mirror_update('omi-org', external_username => '') AS both; SELECT has_username, has_password FROM quay.org_mirror_get('omi-org');
SELECT * FROM quay.org_mirror_counts();
SELECT * FROM pg_temp.log();
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', external_url => 'https://10.0.0.1')$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', external_namespace => '')$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', robot => 'omi-other+bot')$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', sync_interval => 10)$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', visibility => 'secret')$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-org', external_password => 'alone')$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-other', enabled => true)$$);
SELECT pg_temp.try($$SELECT quay.org_mirror_update('omi-alice')$$);

-- The search: claim, list, release. A disabled configuration rests.
SELECT count(*) AS disabled FROM quay.org_mirror_claim(10);
SELECT quay.org_mirror_update('omi-org', robot => 'omi-org+bot', sync_interval => 3600, visibility => 'public', sync_start => '2026-03-01 11:30:00+00', filters => ARRAY['ubuntu', 'debian*'], architectures => '{}', enabled => true) IS NOT NULL AS ok;
DELETE FROM quay.logentry3;
UPDATE quay."user" SET enabled = false WHERE username = 'omi-org'; SELECT count(*) AS organization_disabled FROM quay.org_mirror_claim(10); UPDATE quay."user" SET enabled = true WHERE username = 'omi-org';
SELECT * FROM quay.org_mirror_due_counts();
SELECT org_mirror_id AS m, transaction_id AS tx FROM quay.org_mirror_claim(10) \gset
SELECT * FROM quay.org_mirror_due_counts();
SELECT count(*) AS again FROM quay.org_mirror_claim(10);
SELECT status, claim_expires FROM quay.org_mirror_get('omi-org');
SELECT quay.org_mirror_check(:m, :'tx'), quay.org_mirror_check(:m, 'other'), quay.org_mirror_check(0, :'tx');
SET LOCAL quay.clock = '2026-03-01 12:10:00+00';
SELECT quay.org_mirror_extend(:m, :'tx'), quay.org_mirror_extend(:m, 'other'); SELECT claim_expires FROM quay.org_mirror_get('omi-org');
SELECT * FROM quay.org_mirror_sync_discovered(:m, 'other', ARRAY['ubuntu']);
SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', '{}'); SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', NULL);
SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['ubuntu', 'debian', 'debian-slim', 'alpine', 'ubuntu', NULL, '', 'debian' || repeat('x', 250), 'debianBAD', 'debian-normal', 'debian-readonly']);
SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['ubuntu', 'debian', 'debian-slim', 'alpine', 'debianBAD', 'debian-normal', 'debian-readonly']);
SELECT repository, repository_id, status, sync_start, claim_expires, last_sync, retries_remaining, message, discovered FROM quay.org_mirror_repository_list('omi-org');
-- A change takes nothing from the worker.
SELECT quay.org_mirror_update('omi-org', sync_interval => 7200);
SELECT pg_temp.try(format('SELECT quay.org_mirror_release(%s, %L, %L)', :m, :'tx', 'SUCCESS'));
SELECT quay.org_mirror_release(:m, 'other', 'success') AS other, quay.org_mirror_release(:m, :'tx', 'success', '5 found') AS released, quay.org_mirror_release(:m, :'tx', 'fail') AS again;
SELECT status, sync_start, claim_expires, retries_remaining FROM quay.org_mirror_get('omi-org'); SELECT quay.org_mirror_check(:m, :'tx');
SELECT * FROM pg_temp.log();
SELECT pg_temp.try($$SELECT * FROM quay.org_mirror_claim(0)$$), pg_temp.try($$SELECT * FROM quay.org_mirror_repository_claim(0)$$);

-- Lists and counts
SELECT repository FROM quay.org_mirror_repository_list('omi-org', after => 'debian', n => 2); SELECT repository FROM quay.org_mirror_repository_list('omi-org', 'skip'); SELECT count(*) FROM quay.org_mirror_repository_list('omi-org', 'sync_now');
SELECT pg_temp.try($$SELECT * FROM quay.org_mirror_repository_list('omi-org', 'SKIP')$$), pg_temp.try($$SELECT * FROM quay.org_mirror_repository_list('omi-org', n => -1)$$), pg_temp.try($$SELECT * FROM quay.org_mirror_repository_list('omi-none')$$);
SELECT * FROM quay.org_mirror_repository_counts('omi-org'); SELECT sum(repositories) AS no_mirror, quay.org_mirror_active_count('omi-other') AS active FROM quay.org_mirror_repository_counts('omi-other');
SELECT quay.org_mirror_active_count('omi-org') AS active, pg_temp.try($$SELECT quay.org_mirror_active_count('omi-none')$$), pg_temp.try($$SELECT * FROM quay.org_mirror_repository_counts('omi-alice')$$);

-- Copying: claim, create the repository here, release.
SELECT quay.repository_create('omi-org', 'debian-normal', 'omi-org+bot', actor => 'omi-org+bot') > 0 AS normal, quay.repository_create('omi-org', 'debian-readonly', 'omi-org+bot', actor => 'omi-org+bot') > 0 AS readonly;
SELECT quay.repository_set_state('omi-org', 'debian-readonly', 'read_only');
DELETE FROM quay.logentry3;
SELECT * FROM quay.org_mirror_due_counts();
CREATE TEMPORARY TABLE claimed AS SELECT * FROM quay.org_mirror_repository_claim(100);
SELECT organization, repository, repository_id, external_reference, robot, external_config, architectures, timeout, since_ms, claim_expires, retries_remaining FROM claimed ORDER BY repository COLLATE "C";
SELECT count(*) AS again FROM quay.org_mirror_repository_claim(100);
CREATE TEMPORARY TABLE ensured AS SELECT c.repository, e.* FROM (SELECT * FROM claimed ORDER BY repository COLLATE "C") AS c CROSS JOIN LATERAL quay.org_mirror_repository_ensure(c.org_mirror_repository_id, c.transaction_id) AS e;
SELECT e.repository, e.repository_id = g.repository_id AS known, e.created, e.problem, g.state, g.visibility FROM ensured AS e LEFT JOIN LATERAL (SELECT * FROM quay.repository_get('omi-org', e.repository)) AS g ON true ORDER BY e.repository COLLATE "C";
SELECT e.created, e.repository_id IS NOT NULL AS there FROM claimed AS c CROSS JOIN LATERAL quay.org_mirror_repository_ensure(c.org_mirror_repository_id, c.transaction_id) AS e WHERE c.repository = 'ubuntu';
SELECT count(*) AS not_ours FROM claimed AS c CROSS JOIN LATERAL quay.org_mirror_repository_ensure(c.org_mirror_repository_id, 'other') AS e; SELECT count(*) AS unknown FROM quay.org_mirror_repository_ensure(0, 'x');
SELECT r, quay.permission_get('omi-org', r, 'user', 'omi-org+bot') AS robot, quay.access_check('omi-org+bot', 'omi-org', r, 'write') AS robot_writes, quay.access_check('omi-alice', 'omi-org', r, 'write') AS admin_writes
FROM unnest(ARRAY['ubuntu', 'debian-normal']) AS r;
SELECT kind, performer, metadata FROM pg_temp.log() WHERE metadata ->> 'repo' IN ('ubuntu', 'debianBAD', 'debian-readonly') ORDER BY metadata ->> 'repo' COLLATE "C", kind;
SELECT org_mirror_repository_id AS ubuntu, transaction_id AS tx FROM claimed WHERE repository = 'ubuntu' \gset
SELECT quay.org_mirror_repository_check(:ubuntu, :'tx'), quay.org_mirror_repository_check(:ubuntu, 'other'), quay.org_mirror_repository_check(0, :'tx');
SET LOCAL quay.clock = '2026-03-01 12:20:00+00';
SELECT quay.org_mirror_repository_extend(:ubuntu, :'tx'), quay.org_mirror_repository_extend(:ubuntu, 'other'); SELECT claim_expires FROM quay.org_mirror_repository_list('omi-org') WHERE repository = 'ubuntu';
SELECT pg_temp.try(format('SELECT quay.org_mirror_repository_release(%s, %L, NULL)', :ubuntu, :'tx'));
SELECT quay.org_mirror_repository_release(:ubuntu, 'other', 'success') AS other, quay.org_mirror_repository_release(:ubuntu, :'tx', 'success', 'two tags', ARRAY['a', 'b'], 'out') AS released, quay.org_mirror_repository_release(:ubuntu, :'tx', 'fail') AS again;
SELECT c.repository, quay.org_mirror_repository_release(c.org_mirror_repository_id, c.transaction_id, CASE c.repository WHEN 'debian' THEN 'cancel' ELSE 'fail' END, coalesce(e.problem, 'one failed'))
FROM claimed AS c JOIN ensured AS e USING (repository) WHERE c.repository IN ('debian', 'debian-slim', 'debian-readonly') ORDER BY c.repository COLLATE "C";
SELECT repository, repository_id IS NOT NULL AS created, status, sync_start, claim_expires, last_sync, retries_remaining, message FROM quay.org_mirror_repository_list('omi-org');
SELECT kind, performer, metadata FROM pg_temp.log() ORDER BY metadata ->> 'repo' COLLATE "C", kind;
SELECT quay.org_mirror_active_count('omi-org') AS active;
-- Retries are used up; then the next interval of the mirror.
CREATE FUNCTION pg_temp.run(outcome text) RETURNS TABLE (released bigint) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT count(*) FILTER (WHERE quay.org_mirror_repository_release(c.org_mirror_repository_id, c.transaction_id, outcome, 'what went wrong')) FROM quay.org_mirror_repository_claim(100) AS c;
END
$$;
SELECT pg_temp.run('fail') AS second; SELECT pg_temp.run('fail') AS third; SELECT pg_temp.run('fail') AS none;
SELECT repository, status, sync_start, retries_remaining, message FROM quay.org_mirror_repository_list('omi-org', 'fail');

-- Which are due: the oldest start first; not those whose repository is marked for deletion, nor those of a disabled configuration.
SELECT quay.repository_mark_deletion('omi-org', 'debian-slim') > 0 AS marked;
SELECT repository FROM quay.org_mirror_repository_list('omi-org'); SELECT sum(repositories) FROM quay.org_mirror_repository_counts('omi-org');
UPDATE quay.orgmirrorrepository SET sync_status = s.status, sync_start_date = s.start::timestamp, sync_expiration_date = s.expiration::timestamp, sync_retries_remaining = s.retries
FROM (VALUES ('debian', 2, '2026-03-01 12:00:00', '2026-03-01 12:19:00', 0),       -- its worker died
             ('debian-slim', 3, '2026-03-01 11:00:00', NULL, 3),                   -- marked for deletion
             ('debianBAD', 3, '2026-03-01 13:00:00', NULL, 0),                     -- asked for
             ('debian-normal', 1, '2026-03-01 12:20:00', NULL, 3),                 -- due
             ('debian-readonly', 4, '2026-03-01 12:00:00', NULL, 3),               -- skipped
             ('ubuntu', -2, '2026-03-01 12:00:00', NULL, 3)                        -- cancelled
     ) AS s (name, status, start, expiration, retries) WHERE repository_name = s.name;
SELECT quay.org_mirror_update('omi-org', enabled => false) IS NOT NULL AS ok; SELECT count(*) FROM quay.org_mirror_repository_claim(100); SELECT quay.org_mirror_update('omi-org', enabled => true) IS NOT NULL AS ok;
SELECT repository, retries_remaining FROM quay.org_mirror_repository_claim(1); SELECT repository, retries_remaining FROM quay.org_mirror_repository_claim(1); SELECT repository, retries_remaining FROM quay.org_mirror_repository_claim(100);

-- Asking for all of it: not while it runs.
DELETE FROM quay.logentry3;
SELECT * FROM quay.org_mirror_sync_now('omi-org');
SELECT * FROM quay.org_mirror_cancel('omi-org', 'omi-alice', '192.0.2.3'); SELECT * FROM quay.org_mirror_cancel('omi-org');
SELECT repository, status, sync_start, last_sync, retries_remaining FROM quay.org_mirror_repository_list('omi-org'); SELECT status, sync_start, claim_expires, retries_remaining FROM quay.org_mirror_get('omi-org');
-- A worker settles it: nothing to search, the next time is the next interval, nothing is cancelled again.
SET LOCAL quay.clock = '2026-03-01 12:30:00+00';
SELECT count(*) AS claimed FROM quay.org_mirror_claim(); SELECT status, sync_start, claim_expires, retries_remaining FROM quay.org_mirror_get('omi-org'); SELECT count(*) AS claimed FROM quay.org_mirror_claim();
SELECT * FROM quay.org_mirror_sync_now('omi-org', 'omi-alice', '192.0.2.4'); SELECT status, sync_start, claim_expires, retries_remaining FROM quay.org_mirror_get('omi-org');
SELECT * FROM pg_temp.log();
SELECT org_mirror_id AS m, transaction_id AS tx FROM quay.org_mirror_claim() \gset
SELECT repository, status, sync_start, retries_remaining FROM quay.org_mirror_repository_list('omi-org');
SELECT * FROM quay.org_mirror_sync_now('omi-org');
-- The filters and the source: who is out is skipped, unless it is being copied; who is back runs.
SELECT repository AS copying FROM quay.org_mirror_repository_claim(1);
SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['ubuntu', 'alpine', 'debian-readonly']);
SELECT repository, status, sync_start, retries_remaining, message FROM quay.org_mirror_repository_list('omi-org');
SELECT quay.org_mirror_update('omi-org', filters => ARRAY['*']); SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['ubuntu', 'alpine', 'debian-readonly', 'debianBAD']);
SELECT quay.org_mirror_update('omi-org', filters => ARRAY['[!u]*']); SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['ubuntu', 'alpine', 'debian-readonly', 'debianBAD']);
SELECT repository, status, message FROM quay.org_mirror_repository_list('omi-org');
-- Cancelled while a worker searches and others copy
SELECT org_mirror_repository_id AS item, transaction_id AS itx FROM quay.org_mirror_repository_claim(1) \gset
SELECT accepted FROM quay.org_mirror_cancel('omi-org');
SELECT quay.org_mirror_check(:m, :'tx'), quay.org_mirror_extend(:m, :'tx'), quay.org_mirror_release(:m, :'tx', 'success'), (SELECT count(*) FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['x'])) AS found;
SELECT quay.org_mirror_repository_check(:item, :'itx'), quay.org_mirror_repository_extend(:item, :'itx'), quay.org_mirror_repository_release(:item, :'itx', 'success');
SELECT * FROM quay.org_mirror_repository_counts('omi-org');
-- The next search schedules what was cancelled.
SET LOCAL quay.clock = '2026-03-01 16:30:00+00';
SELECT count(*) AS settled FROM quay.org_mirror_claim();
SET LOCAL quay.clock = '2026-03-01 20:30:00+00';
SELECT org_mirror_id AS m, transaction_id AS tx FROM quay.org_mirror_claim() \gset
SELECT * FROM quay.org_mirror_sync_discovered(:m, :'tx', ARRAY['alpine', 'debian-readonly']);
-- Failed searches: again at once, until the retries are used up. A release as cancelled counts as success.
SELECT quay.org_mirror_release(:m, :'tx', 'fail', 'connection refused') AS first; SELECT status, sync_start, retries_remaining FROM quay.org_mirror_get('omi-org');
SELECT quay.org_mirror_release(c.org_mirror_id, c.transaction_id, 'fail') AS second FROM quay.org_mirror_claim() AS c; SELECT quay.org_mirror_release(c.org_mirror_id, c.transaction_id, 'fail') AS third FROM quay.org_mirror_claim() AS c;
SELECT status, sync_start, retries_remaining FROM quay.org_mirror_get('omi-org');
SET LOCAL quay.clock = '2026-03-02 00:30:00+00';
SELECT quay.org_mirror_release(c.org_mirror_id, c.transaction_id, 'cancel') AS cancelled FROM quay.org_mirror_claim() AS c; SELECT status, sync_start, retries_remaining FROM quay.org_mirror_get('omi-org');
-- A worker that died: another one claims, and the first has lost it; so do people who ask.
SET LOCAL quay.clock = '2026-03-02 04:30:00+00';
SELECT org_mirror_id AS m, transaction_id AS tx FROM quay.org_mirror_claim() \gset
SET LOCAL quay.clock = '2026-03-02 05:00:00+00';
SELECT count(*) AS another FROM quay.org_mirror_claim(); SELECT quay.org_mirror_check(:m, :'tx'), quay.org_mirror_release(:m, :'tx', 'success');
SELECT accepted FROM quay.org_mirror_cancel('omi-org'); SELECT accepted FROM quay.org_mirror_sync_now('omi-org');
SELECT pg_temp.try(format('SELECT quay.%s(%L)', f, o)) FROM unnest(ARRAY['org_mirror_sync_now', 'org_mirror_cancel']) AS f, unnest(ARRAY['omi-other', 'omi-none', 'omi-alice']) AS o;
SELECT pg_temp.try($$SELECT quay.org_mirror_sync_now('omi-org', 'omi-none')$$), pg_temp.try($$SELECT quay.org_mirror_cancel('omi-org', 'omi-none')$$);

-- Its repositories have no mirrors of their own, and states of their own neither.
SELECT pg_temp.try($$SELECT quay.mirror_create('omi-org', 'ubuntu', 'quay.io/a/b', 'omi-org+bot', ARRAY['*'], 60)$$);
SELECT pg_temp.try($$SELECT quay.repository_set_state('omi-org', 'ubuntu', 'normal')$$);
-- A new robot may write to them.
SELECT quay.org_mirror_update('omi-org', robot => 'omi-org+second'); SELECT quay.access_check('omi-org+second', 'omi-org', 'ubuntu', 'write') AS new_robot, quay.access_check('omi-org+bot', 'omi-org', 'ubuntu', 'write') AS former;

-- The end: repositories become normal ones, what was found is forgotten, and it can begin anew once they are gone.
DELETE FROM quay.logentry3;
SELECT org_mirror_id AS m, transaction_id AS tx FROM quay.org_mirror_claim() \gset
SELECT org_mirror_repository_id AS item, transaction_id AS itx FROM quay.org_mirror_repository_claim(1) \gset
SELECT pg_temp.try($$SELECT quay.org_mirror_delete('omi-none')$$), pg_temp.try($$SELECT quay.org_mirror_delete('omi-alice')$$), pg_temp.try($$SELECT quay.org_mirror_delete('omi-org', 'omi-nobody')$$);
SELECT quay.org_mirror_delete('omi-org', 'omi-alice', '192.0.2.5') AS deleted; SELECT quay.org_mirror_delete('omi-org') AS again; SELECT count(*) FROM quay.orgmirrorrepository;
SELECT quay.repository_state_get('omi-org', 'ubuntu') AS mirrored, quay.repository_state_get('omi-org', 'debian-readonly') AS read_only;
SELECT quay.org_mirror_check(:m, :'tx'), quay.org_mirror_repository_check(:item, :'itx'), quay.org_mirror_release(:m, :'tx', 'success'), quay.org_mirror_repository_release(:item, :'itx', 'success');
SELECT kind, performer, ip, metadata FROM pg_temp.log() WHERE kind = 'org_mirror_disabled';
SELECT pg_temp.try($$SELECT quay.org_mirror_create('omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60)$$);
SELECT count(quay.repository_mark_deletion('omi-org', r.name)) FROM quay.repository AS r WHERE r.namespace_user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = 'omi-org') AND r.state <> 3;
SELECT quay.org_mirror_create('omi-org', 'quay', 'https://quay.io', 'acme', 'omi-org+bot', 60) > 0 AS anew;
ROLLBACK;
