-- Mirrors of repositories: where from, what, when, and how a worker claims them, copies, and gives them back.
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
SELECT quay.user_create('mir-alice', 'password', 'alice@mir.example') > 0 AS ok, quay.user_create('mir-bob', 'password', 'bob@mir.example') > 0 AS ok;
SELECT username FROM quay.robot_create('mir-alice', 'bot');
SELECT username FROM quay.robot_create('mir-alice', 'second');
SELECT username FROM quay.robot_create('mir-bob', 'bot');
SELECT count(quay.repository_create('mir-alice', r, 'mir-alice')) FROM unnest(ARRAY['app', 'other', 'third', 'plain']) AS r;

-- Globs: what Python's fnmatch says, which the reference uses.
SELECT g.glob, g.name, quay.mirror_rule_matches(g.name, ARRAY[g.glob]) AS matches
FROM (VALUES ('*', ''), ('*', 'v1'), ('v1.*', 'v1.0'), ('v1.*', 'v10'), ('v1.*', 'xv1.0'), ('v?', 'v1'), ('v?', 'v'), ('v?', 'v11'),
             ('[abc]', 'b'), ('[abc]', 'd'), ('[!abc]', 'd'), ('[!abc]', 'a'), ('[a-c]x', 'bx'), ('[!a-c]x', 'bx'),
             ('[]', '[]'), ('[]', 'a'), ('[!]', '[!]'), ('[]]', ']'), ('[!]]', ']'), ('[!]]', 'a'), ('[', '['), ('a]b', 'a]b'),
             ('[a-]', '-'), ('[-a]', '-'), ('[z-a]', 'm'), ('[!z-a]', 'm'), ('[a-z-9]', '9'), ('[a-z-9]', '5'),
             ('[^a]', '^'), ('[^a]', 'b'), ('[[:alpha:]]', 'b]'), ('[[:alpha:]]', 'a]'), ('[\]', '\'), ('a\*', 'a\b'),
             ('***=x', 'abc=x'), ('(?i)a', 'A'), ('a|b', 'a'), ('a|b', 'a|b'), ('LATEST', 'latest'), ('1.0', '1x0'), ('', ''), ('', 'a')) AS g (glob, name);
SELECT quay.mirror_rule_matches('b', ARRAY['a', 'b']) AS any_of_two, quay.mirror_rule_matches('b', '{}') AS of_none, quay.mirror_rule_matches('b', NULL) AS of_null,
       quay.mirror_rule_matches(NULL, ARRAY['*']) AS "null", quay.mirror_rule_matches('a', ARRAY[NULL, 'a']) AS null_glob;
SELECT quay.mirror_rule_select(ARRAY['v2', '3.3.1', 'latest', 'v2', NULL, 'Latest'], ARRAY['latest', '3.3*', 'v*']) AS selected,
       quay.mirror_rule_select('{}', ARRAY['*']) AS no_tags, quay.mirror_rule_select(ARRAY['a'], '{}') AS no_globs;

-- Hosts
SELECT r.reference, quay.upstream_check(r.reference) AS problem
FROM unnest(ARRAY['quay.io/acme/app', 'QUAY.io:443/acme/app', 'quay.io', '93.184.216.34/a', '[2606:2800:220:1:248:1893:25c8:1946]:5000/a', 'https://quay.io/x', 'http://quay.io',
    'quay.io/Team/Nested.Repository:Tag', 'quay.io/a@sha256:abc', 'xn--bcher-kva.example/a',
    -- addresses
    '10.0.0.1/a', '172.16.0.1/a', '172.31.255.255', '172.32.0.1', '192.168.1.1', '127.0.0.1:5000', '127.255.0.2', '0.0.0.0', '169.254.169.254/latest', '100.64.0.1', '192.0.0.192', '192.0.2.1',
    '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '168.63.129.16', '[::1]/a', '[::]', '[fc00::1]', '[fd00:ec2::254]', '[fe80::1]', '[fec0::1]', '[ff02::1]',
    '[::ffff:127.0.0.1]', '[::ffff:8.8.8.8]', '[64:ff9b::7f00:1]', '[100::1]', '[2001:db8::1]', '[2001::1]', '[2002:7f00:1::]', '[3fff::1]',
    -- in disguise
    '127.1', '0x7f.0.0.1', '0177.0.0.1', '2130706433', '017700000001', '0x7f000001/a', '1.2.3.04', '1.2.3', '256.1.1.1', 'a.0x', '[127.0.0.1]', '[fe80::1%eth0]', 'localhost.', '１２７.0.0.1', 'quay.io。a',
    'user@quay.io/a', 'user:secret@quay.io/a', '@quay.io', 'quay.io@10.0.0.1/a', 'quay.io\@10.0.0.1', 'quay.io#@10.0.0.1', 'quay.io/%2e%2e', 'quay.io/a b', E'quay.io\n/a', ' quay.io',
    -- names
    'localhost:5000/a', 'LOCALHOST', 'a.localhost', 'metadata', 'metadata.google.internal', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local',
    'printer.local', 'my-service.internal', 'library/ubuntu', 'x.lan',
    -- malformed
    '', '/a', '//quay.io', 'ftp://quay.io', 'quay.io:', 'quay.io:0/a', 'quay.io:70000/a', 'quay.io:bad/a', '[]', '[::', '[::1]x', '-a.com', 'a-.com', 'a..com', 'a_b.com', repeat('a', 64) || '.com', NULL]) AS r (reference);
SELECT quay.upstream_check('registry.example.com', ARRAY['93.184.216.34']) AS public, quay.upstream_check('registry.example.com', ARRAY['93.184.216.34', '10.0.0.1']) AS mixed,
       quay.upstream_check('registry.example.com', ARRAY['::ffff:10.0.0.1']) AS mapped, quay.upstream_check('registry.example.com', ARRAY['what']) AS malformed,
       quay.upstream_check('registry.corp', ARRAY['93.184.216.34']) AS inner_name;
INSERT INTO quay.allowed_upstream_host (host) VALUES ('10.0.0.0/8'), ('Registry.Corp'), ('no such thing/');
SELECT quay.upstream_check('10.1.2.3/a') AS network, quay.upstream_check('192.168.1.1') AS other_network, quay.upstream_check('registry.corp:5000/a') AS name, quay.upstream_check('a.registry.corp') AS below,
       quay.upstream_check('a.corp', ARRAY['10.0.0.1']) AS by_address, quay.upstream_check('a.corp', ARRAY['10.0.0.1', '93.184.216.34']) AS partly, quay.upstream_check('quay.io', ARRAY['10.0.0.1', '93.184.216.34']) AS mixed;
DELETE FROM quay.allowed_upstream_host;

-- Creation: configuration, rule, state and right of the robot; credentials are encrypted.
SELECT quay.mirror_create('mir-alice', 'app', 'quay.io/acme/app', 'mir-alice+bot', ARRAY['latest', 'v1.*'], 3600, external_username => 'puller', external_password => 'sesame',
                          external_config => '{"verify_tls": false, "proxy": {"http_proxy": "http://u:p@proxy:3128"}}', actor => 'mir-alice', ip => '192.0.2.1') AS mirror \gset
SELECT g.mirror_id = :mirror AS same_id, g.enabled, g.external_reference, g.robot, g.tags, g.sync_interval, g.sync_start, g.status, g.claim_expires, g.retries_remaining, g.has_username, g.has_password,
       g.external_config, g.architectures, g.timeout, g.created FROM quay.mirror_get('mir-alice', 'app') AS g;
SELECT * FROM quay.mirror_credentials('mir-alice', 'app');
SELECT external_registry_username LIKE 'v0$$%' AS username, external_registry_password LIKE 'v0$$%' AS password, external_registry_config, architecture_filter, mirror_type, r.rule_type, r.rule_value
FROM quay.repomirrorconfig AS c JOIN quay.repomirrorrule AS r ON r.id = c.root_rule_id WHERE c.id = :mirror;
SELECT quay.repository_state_get('mir-alice', 'app') AS state, quay.permission_get('mir-alice', 'app', 'user', 'mir-alice+bot') AS robot,
       quay.access_check('mir-alice+bot', 'mir-alice', 'app', 'write') AS robot_writes, quay.access_check('mir-alice', 'mir-alice', 'app', 'write') AS owner_writes;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, performer text, ip text, metadata jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH gone AS (DELETE FROM quay.logentry3 AS l USING quay."user" AS o WHERE o.id = l.account_id AND o.username = 'mir-alice' RETURNING l.*)
    SELECT k.name::text, u.username::text, l.ip::text, l.metadata_json::jsonb - 'namespace'
    FROM gone AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS u ON u.id = l.performer_id ORDER BY l.id;
END
$$;
SELECT * FROM pg_temp.log() WHERE kind NOT IN ('create_repo', 'create_robot');

-- What cannot be created. Nothing is left behind.
SELECT pg_temp.try($$SELECT quay.mirror_create('mir-alice', 'app', 'quay.io/acme/app', 'mir-alice+bot', ARRAY['*'], 3600)$$);
SELECT c.name, pg_temp.try(format('SELECT quay.mirror_create(%L, %L, %L, %L, %L, %L, external_username => %L, external_password => %L, external_config => %L, architectures => %L, timeout => %L, actor => %L)',
    c.ns, 'other', c.ref, c.robot, c.tags, c.step, c.username, c.password, c.config, c.arch, c.timeout, c.actor))
FROM (VALUES ('namespace', 'mir-none', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', ARRAY[]::text[], 300, NULL),
             ('robot', 'mir-alice', 'quay.io/a/b', 'mir-alice+none', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('foreign robot', 'mir-alice', 'quay.io/a/b', 'mir-bob+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('no robot', 'mir-alice', 'quay.io/a/b', 'mir-alice', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('actor', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, 'mir-none'),
             ('host', 'mir-alice', '169.254.169.254/latest/meta-data', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('password in it', 'mir-alice', 'me:sesame@quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('scheme', 'mir-alice', 'https://quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('no repository', 'mir-alice', 'quay.io/', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('no reference', 'mir-alice', NULL, 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('no globs', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY[]::text[], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('empty glob', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['a', ''], 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('null globs', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', NULL, 60, NULL, NULL, '{}', '{}', 300, NULL),
             ('interval', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 0, NULL, NULL, '{}', '{}', 300, NULL),
             ('timeout', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', '{}', 299, NULL),
             ('password alone', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, 'sesame', '{}', '{}', 300, NULL),
             ('long password', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, 'me', repeat('x', 9000), '{}', '{}', 300, NULL),
             ('config', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '[]', '{}', 300, NULL),
             ('config member', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{"verify": true}', '{}', 300, NULL),
             ('config type', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{"verify_tls": "yes"}', '{}', 300, NULL),
             ('proxy', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{"proxy": "x"}', '{}', 300, NULL),
             ('proxy member', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{"proxy": {"ftp_proxy": "x"}}', '{}', 300, NULL),
             ('architecture', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', ARRAY['amd64', 'vax'], 300, NULL),
             ('sparse', 'mir-alice', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, NULL, NULL, '{}', ARRAY['amd64'], 300, NULL)
     ) AS c (name, ns, ref, robot, tags, step, username, password, config, arch, timeout, actor);
SELECT pg_temp.try($$SELECT quay.mirror_create('mir-alice', 'none', 'quay.io/acme/app', 'mir-alice+bot', ARRAY['*'], 3600)$$);
SELECT count(*) AS rules FROM quay.repomirrorrule; SELECT * FROM pg_temp.log();
SET LOCAL quay.sparse_index = on;
SELECT quay.mirror_create('mir-alice', 'other', 'quay.io/a/b', 'mir-alice+bot', ARRAY['*'], 60, '2026-03-02 00:00:00+00', architectures => ARRAY['amd64', 'arm64'], enabled => false) > 0 AS ok;
SELECT repository, enabled, external_reference, robot, status, sync_start, claim_expires, retries_remaining FROM quay.mirror_list('mir-alice');
SELECT repository FROM quay.mirror_list('mir-alice', after => 'app', n => 5);
SELECT pg_temp.try($$SELECT * FROM quay.mirror_list('mir-none')$$), pg_temp.try($$SELECT * FROM quay.mirror_list('mir-alice', n => -1)$$);
SELECT * FROM quay.mirror_get('mir-alice', 'plain'); SELECT * FROM quay.mirror_get('mir-none', 'app'); SELECT * FROM quay.mirror_credentials('mir-alice', 'plain');
SELECT architectures FROM quay.mirror_get('mir-alice', 'other');
SELECT count(*) FROM pg_temp.log();

-- Changes: only what is given; '' removes; each change has its audit row, without the secrets.
SELECT quay.mirror_update('mir-alice', 'app') AS nothing, quay.mirror_update('mir-alice', 'app', external_reference => 'quay.io/acme/app', sync_interval => 3600, enabled => true) AS same;
SELECT quay.mirror_update('mir-alice', 'app', external_reference => 'quay.io/acme/tool', robot => 'mir-alice+second', tags => ARRAY['v2'], sync_interval => 600, sync_start => '2026-03-01 13:00:00+00',
                          architectures => ARRAY['s390x'], timeout => 301, enabled => false, actor => 'mir-alice', ip => '192.0.2.2') AS changed;
SELECT quay.mirror_update('mir-alice', 'app', external_config => '{"unsigned_images": true, "proxy": {"https_proxy": "http://a:b@p", "no_proxy": "c"}}') AS merged;
SELECT external_config FROM quay.mirror_get('mir-alice', 'app');
SELECT quay.mirror_update('mir-alice', 'app', external_config => '{"proxy": {"http_proxy": null}}') AS one_taken, quay.mirror_update('mir-alice', 'other', external_config => '{"proxy": {"no_proxy": "x"}}') AS first_kept;
SELECT m.repository, g.external_config FROM quay.mirror_list('mir-alice') AS m CROSS JOIN quay.mirror_get('mir-alice', m.repository) AS g;
SELECT quay.mirror_update('mir-alice', 'app', external_config => '{"proxy": null}') AS all_taken, quay.mirror_update('mir-alice', 'app', external_username => 'other') AS username;
SELECT * FROM quay.mirror_credentials('mir-alice', 'app');
SELECT quay.mirror_update('mir-alice', 'app', external_password => '') AS password, quay.mirror_update('mir-alice', 'app', external_password => 'again') AS again;
SELECT * FROM quay.mirror_credentials('mir-alice', 'app');
SELECT quay.mirror_update('mir-alice', 'app', external_username => '') AS both;
SELECT external_reference, robot, tags, sync_interval, sync_start, architectures, timeout, enabled, external_config, has_username, has_password FROM quay.mirror_get('mir-alice', 'app');
SELECT quay.permission_get('mir-alice', 'app', 'user', 'mir-alice+second') AS new_robot;
SELECT * FROM pg_temp.log();
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', external_password => 'alone')$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', external_username => '', external_password => 'alone')$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', external_reference => '10.0.0.1/team/repository')$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', robot => 'mir-bob+bot')$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', tags => '{}')$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', sync_interval => 0)$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'app', timeout => 10)$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'plain', enabled => false)$$);
SELECT pg_temp.try($$SELECT quay.mirror_update('mir-alice', 'none')$$);
-- A robot that a mirror works as stays.
SELECT pg_temp.try($$SELECT quay.robot_delete('mir-alice', 'second')$$);
SELECT * FROM quay.robot_mirror_list('mir-alice+second'); SELECT * FROM quay.robot_mirror_list('mir-bob+bot');

-- The next start: whole intervals after the start. Outcomes and retries.
SELECT s.start, quay_internal.mirror_next_start(s.start, s.step, '2026-03-01 12:00:30') AS next
FROM (VALUES ('2026-03-01 12:00:00'::timestamp, 60), ('2026-03-01 11:00:30', 60), ('2026-03-01 12:00:30', 60), ('2026-02-01 00:00:00', 86400), ('2026-03-01 12:00:00.5', 7), (NULL, 60), ('2026-04-01 00:00:00', 60),
             ('2026-03-01 12:00:00', 0)) AS s (start, step);
SELECT s.outcome, s.retries AS "before", quay_internal.mirror_schedule(s.outcome, s.start, s.retries, 60, '2026-03-01 12:00:30') AS "(start,retries)"
FROM (VALUES (1, '2026-03-01 12:00:00'::timestamp, 3), (1, '2026-03-01 12:00:00', 1), (1, NULL, 0), (-1, '2026-03-01 12:00:00', 3), (-1, '2026-03-01 12:00:00', 2), (-1, '2026-03-01 12:00:00', 1),
             (-1, '2026-03-01 12:00:00', 0), (-1, NULL, 2), (-2, '2026-03-01 12:00:00', 3), (-2, NULL, 0)) AS s (outcome, start, retries);

-- Claims. Which are due: the oldest start first, whether asked for, expired or in time.
SELECT count(quay.repository_create('mir-alice', 'c' || i, 'mir-alice')), count(quay.mirror_create('mir-alice', 'c' || i, 'quay.io/acme/c' || i, 'mir-alice+bot', ARRAY['*'], 3600)) FROM generate_series(1, 12) AS i;
DELETE FROM quay.logentry3;
CREATE FUNCTION pg_temp.put(name text, status integer, start interval, expiration interval DEFAULT NULL, retries integer DEFAULT 3, enabled boolean DEFAULT true) RETURNS boolean LANGUAGE sql AS $$
    UPDATE quay.repomirrorconfig AS c SET sync_status = put.status, sync_start_date = quay_internal.utc_now() + put.start, sync_expiration_date = quay_internal.utc_now() + put.expiration,
           sync_retries_remaining = put.retries, is_enabled = put.enabled
    FROM quay.repository AS r WHERE r.id = c.repository_id AND r.name = put.name RETURNING true $$;
SELECT count(*) FROM (SELECT pg_temp.put(p.name, p.status, p.start, p.expiration, p.retries, p.enabled)
FROM (VALUES ('app', 0, '-9 days'::interval, NULL::interval, 3, false),     -- disabled
             ('other', 3, '1 day', NULL, 0, false),                         -- asked for, though disabled, without retries, in the future: due, last
             ('c1', 0, '-1 hour', NULL, 3, true),                           -- due
             ('c2', 2, '-1 hour', '1 hour', 3, true),                       -- under way
             ('c3', 2, '-30 min', '-1 min', 1, true),                       -- its worker died: due
             ('c4', 0, '1 min', NULL, 3, true),                             -- not yet
             ('c5', 1, '0', NULL, 3, true),                                 -- now: due
             ('c6', -1, '-2 hours', NULL, 1, true),                         -- failed, one retry left: due, first
             ('c7', -1, '-2 hours', NULL, 0, true),                         -- no retry left
             ('c8', -2, '-2 hours', NULL, 3, true),                         -- cancelled
             ('c9', 3, '-2 min', NULL, 1, true),                            -- asked for: due
             ('c10', 2, NULL, NULL, 0, true),                               -- a claim without an end: due, before all
             ('c11', 2, '-1 hour', '-1 min', 3, false),                     -- its worker died, and it is disabled
             ('c12', 0, '-1 hour', NULL, 3, true)                           -- no mirror any more
     ) AS p (name, status, start, expiration, retries, enabled) OFFSET 0) AS p;
SELECT quay.repository_set_state('mir-alice', 'c12', 'normal');
SELECT quay.mirror_due_count() AS due; SELECT * FROM quay.mirror_status_counts('mir-alice'); SELECT sum(mirrors) FROM quay.mirror_status_counts('mir-none');
SELECT repository, claim_expires, retries_remaining FROM quay.mirror_claim(2) ORDER BY repository;
SELECT namespace, repository, external_reference, tags, architectures, external_config, robot, timeout, since_ms, claim_expires, retries_remaining FROM quay.mirror_claim(10) ORDER BY repository;
SELECT quay.mirror_due_count() AS due, count(*) AS claimed FROM quay.mirror_claim(10);
SELECT repository, status, sync_start, claim_expires FROM quay.mirror_list('mir-alice') WHERE repository IN ('app', 'other', 'c10', 'c12');
SELECT pg_temp.try($$SELECT * FROM quay.mirror_claim(0)$$), pg_temp.try($$SELECT * FROM quay.mirror_claim(NULL)$$);
SELECT kind, metadata ->> 'repo' AS repo, metadata ->> 'verb' AS verb, metadata ->> 'message' AS message FROM pg_temp.log() WHERE kind <> 'change_repo_state';
-- The mirrors of a disabled namespace rest.
SELECT pg_temp.put('c4', 0, '-1 min');
UPDATE quay."user" SET enabled = false WHERE username = 'mir-alice'; SELECT quay.mirror_due_count(), count(*) FROM quay.mirror_claim(10); UPDATE quay."user" SET enabled = true WHERE username = 'mir-alice';

-- One run: reports, extension, release. An event goes to who waits for it.
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, title, config_json, event_config_json, number_of_failures)
SELECT 'mir-' || e.name, r.repository_id, e.id, (SELECT min(m.id) FROM quay.externalnotificationmethod AS m), 'x', '{}', '{}', 0
FROM quay.externalnotificationevent AS e CROSS JOIN quay.repository_get('mir-alice', 'c4') AS r WHERE e.name LIKE 'repo\_mirror\_%';
SELECT mirror_id AS m, transaction_id AS tx, since_ms AS since FROM quay.mirror_claim() \gset
SELECT quay.mirror_check(:m, :'tx'), quay.mirror_check(:m, 'other'), quay.mirror_check(0, :'tx');
SELECT quay.mirror_tag_report(:m, :'tx', 'v1', true), quay.mirror_tag_report(:m, :'tx', 'v2', false, stdout => 'out', stderr => repeat('e', 5000)), quay.mirror_tag_report(:m, 'other', 'v3', true);
SET LOCAL quay.clock = '2026-03-01 18:00:00+00';
SELECT quay.mirror_extend(:m, :'tx'), quay.mirror_extend(:m, 'other'); SELECT claim_expires FROM quay.mirror_get('mir-alice', 'c4');
-- A change of settings takes nothing from the worker.
SELECT quay.mirror_update('mir-alice', 'c4', sync_interval => 7200, enabled => false);
SELECT pg_temp.try(format('SELECT quay.mirror_release(%s, %L, %L)', :m, :'tx', 'done')), pg_temp.try(format('SELECT quay.mirror_release(%s, %L, NULL)', :m, :'tx'));
SELECT quay.mirror_release(:m, 'other', 'success') AS other, quay.mirror_release(:m, :'tx', 'success', tags => ARRAY['v1', 'v2']) AS released, quay.mirror_release(:m, :'tx', 'fail') AS again;
SELECT quay.mirror_check(:m, :'tx'); SELECT status, sync_start, claim_expires, retries_remaining FROM quay.mirror_get('mir-alice', 'c4');
SELECT kind, metadata || jsonb_strip_nulls(jsonb_build_object('stderr', length(metadata ->> 'stderr'))) AS metadata FROM pg_temp.log() WHERE kind LIKE 'repo\_mirror\_sync%';
SELECT queue_name, body::jsonb ->> 'notification_uuid' AS notification, body::jsonb #>> '{event_data,message}' AS message FROM quay.queueitem WHERE queue_name LIKE 'notification/mir-alice/%' ORDER BY id;

-- Failures: again at once, until the retries are used up; then at the next interval.
UPDATE quay.repomirrorconfig SET is_enabled = false;
SELECT quay.mirror_update('mir-alice', 'c4', sync_interval => 3600, sync_start => '2026-03-01 17:30:00+00', enabled => true);
CREATE FUNCTION pg_temp.run(outcome text) RETURNS TABLE (released boolean, status text, sync_start timestamp, retries_remaining integer) LANGUAGE plpgsql AS $$
BEGIN
    SELECT quay.mirror_release(c.mirror_id, c.transaction_id, outcome, 'what went wrong') INTO released FROM quay.mirror_claim(1) AS c;
    SELECT g.status, g.sync_start, g.retries_remaining INTO status, sync_start, retries_remaining FROM quay.mirror_get('mir-alice', 'c4') AS g;
    RETURN NEXT;
END
$$;
SELECT * FROM pg_temp.run('fail'); SELECT * FROM pg_temp.run('fail'); SELECT * FROM pg_temp.run('fail'); SELECT * FROM pg_temp.run('fail');
SET LOCAL quay.clock = '2026-03-01 18:31:00+00';
SELECT * FROM pg_temp.run('cancel'); SELECT * FROM pg_temp.run('success');
DELETE FROM quay.logentry3;

-- What people ask for
SELECT quay.mirror_sync_now('mir-alice', 'c4', 'mir-alice', '192.0.2.3') AS asked, quay.mirror_sync_now('mir-alice', 'c4') AS again; SELECT status, sync_start, retries_remaining FROM quay.mirror_get('mir-alice', 'c4');
SELECT * FROM pg_temp.run('fail'); SELECT * FROM pg_temp.run('success');
SELECT quay.mirror_sync_now('mir-alice', 'c4') AS asked, quay.mirror_cancel('mir-alice', 'c4') AS before_it_ran, quay.mirror_cancel('mir-alice', 'c4') AS again; SELECT status, sync_start, retries_remaining FROM quay.mirror_get('mir-alice', 'c4');
DELETE FROM quay.logentry3;
SELECT quay.mirror_sync_now('mir-alice', 'c4') AS asked; SELECT mirror_id AS m, transaction_id AS tx FROM quay.mirror_claim() \gset
SELECT quay.mirror_sync_now('mir-alice', 'c4') AS under_way, quay.mirror_cancel('mir-alice', 'c4', 'mir-alice', '192.0.2.4') AS cancelled;
SELECT quay.mirror_check(:m, :'tx'), quay.mirror_tag_report(:m, :'tx', 'v1', true), quay.mirror_extend(:m, :'tx'), quay.mirror_tags_prune(:m, :'tx', ARRAY['a'], 0), quay.mirror_rollback(:m, :'tx', 0), quay.mirror_release(:m, :'tx', 'success');
SELECT status, claim_expires, retries_remaining FROM quay.mirror_get('mir-alice', 'c4'); SELECT * FROM pg_temp.log();
SELECT s.status, pg_temp.put('c4', s.status, '0', '1 hour') AS put, quay.mirror_cancel('mir-alice', 'c4') AS cancels FROM generate_series(-2, 3) AS s (status);
SELECT pg_temp.try(format('SELECT quay.%s(%L, %L)', f, 'mir-alice', r)) FROM unnest(ARRAY['mirror_sync_now', 'mirror_cancel']) AS f, unnest(ARRAY['plain', 'c12', 'none']) AS r;
SELECT pg_temp.try($$SELECT quay.mirror_sync_now('mir-none', 'c4')$$), pg_temp.try($$SELECT quay.mirror_sync_now('mir-alice', 'c4', 'mir-none')$$);
-- A worker that died: after its claim has expired somebody may ask anew, another claims it, and the first one has lost it.
SELECT quay.mirror_sync_now('mir-alice', 'c4') AS asked; SELECT mirror_id AS m, transaction_id AS tx FROM quay.mirror_claim() \gset
SET LOCAL quay.clock = '2026-03-02 06:31:00+00';
SELECT quay.mirror_sync_now('mir-alice', 'c4') AS after_expiry; SELECT count(*) FROM quay.mirror_claim(20) WHERE mirror_id = :m;
SELECT quay.mirror_check(:m, :'tx') AS first_one, quay.mirror_release(:m, :'tx', 'success') AS releases; SELECT status FROM quay.mirror_get('mir-alice', 'c4');

-- After copying: tags that the source has not any more end, if they are older than the run. Then back to what was.
SET LOCAL quay.clock = '2026-03-03 12:00:00+00';
UPDATE quay.repomirrorconfig SET is_enabled = false;
CREATE FUNCTION pg_temp.manifest(n integer) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(json_build_object('schemaVersion', 2, 'mediaType', 'application/vnd.oci.image.index.v1+json', 'manifests', json_build_array(), 'annotations', json_build_object('n', n::text))::text, 'UTF8') $$;
SELECT count(*) FROM generate_series(1, 9) AS i CROSS JOIN LATERAL quay.manifest_put('mir-alice', 'third', pg_temp.manifest(i), NULL, ARRAY['t' || i], actor => 'mir-alice');
SELECT quay.mirror_create('mir-alice', 'third', 'quay.io/acme/third', 'mir-alice+bot', ARRAY['*'], 3600) AS m \gset
SET LOCAL quay.immutable_tags = on;
UPDATE quay.tag SET immutable = true WHERE name = 't3' AND repository_id = (SELECT repository_id FROM quay.repository_get('mir-alice', 'third'));
SET LOCAL quay.clock = '2026-03-03 12:01:00+00';
SELECT transaction_id AS tx, since_ms AS since FROM quay.mirror_claim() \gset
DELETE FROM quay.logentry3;
SET LOCAL quay.clock = '2026-03-03 12:02:00+00';
-- t1 moves, t2 goes, t5 is pushed anew with what it had, t7 goes and comes back elsewhere, new is new
SELECT count(*) FROM (VALUES ('t1', 11), ('t5', 5), ('new', 12)) AS p (tag, n) CROSS JOIN LATERAL quay.manifest_put('mir-alice', 'third', pg_temp.manifest(p.n), NULL, ARRAY[p.tag], actor => 'mir-alice+bot');
SELECT quay.tag_delete('mir-alice', 'third', 't2', 'mir-alice+bot'), quay.tag_delete('mir-alice', 'third', 't7', 'mir-alice+bot');
SET LOCAL quay.clock = '2026-03-03 12:03:00+00';
SELECT previous_digest FROM quay.tag_set('mir-alice', 'third', 't7', 'new', actor => 'mir-alice+bot');
CREATE FUNCTION pg_temp.live() RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(l.name || '=' || (quay_internal.manifest_annotations(m.manifest_bytes) ->> 'n'), ' ' ORDER BY l.name)
    FROM quay.tag_list('mir-alice', 'third') AS l JOIN quay.tag AS t ON t.id = l.tag_id JOIN quay.manifest AS m ON m.id = t.manifest_id $$;
SELECT pg_temp.live();
SET LOCAL quay.clock = '2026-03-03 12:04:00+00';
SELECT quay.mirror_tags_prune(:m, :'tx', '{}', :since) AS empty_list, quay.mirror_tags_prune(:m, :'tx', NULL, :since) AS no_list, quay.mirror_tags_prune(:m, 'other', ARRAY['t1'], :since) AS not_ours;
SELECT quay.mirror_tags_prune(:m, :'tx', ARRAY['t1', 't4', 't8'], :since, 1) AS one; SELECT quay.mirror_tags_prune(:m, :'tx', ARRAY['t1', 't4', 't8'], :since, 10) AS rest; SELECT quay.mirror_tags_prune(:m, :'tx', ARRAY['t1', 't4', 't8'], :since) AS none;
SELECT pg_temp.live();
SELECT pg_temp.try(format('SELECT quay.mirror_tags_prune(%s, %L, %L, 0, 0)', :m, :'tx', '{a}')), pg_temp.try(format('SELECT quay.mirror_rollback(%s, %L, 0, n => 0)', :m, :'tx'));
SELECT kind, performer, metadata ->> 'tag' AS tag FROM pg_temp.log() WHERE kind = 'delete_tag';
SET LOCAL quay.clock = '2026-03-03 12:05:00+00';
SELECT quay.mirror_rollback(:m, 'other', :since) AS not_ours, quay.mirror_rollback(:m, :'tx', :since, ARRAY['t1', 'no']) AS only_t1; SELECT pg_temp.live();
SELECT quay.mirror_rollback(:m, :'tx', :since, n => 2) AS two; SELECT quay.mirror_rollback(:m, :'tx', :since) AS rest; SELECT quay.mirror_rollback(:m, :'tx', :since) AS none;
SELECT pg_temp.live();
SELECT kind, performer, metadata ->> 'tag' AS tag FROM pg_temp.log() ORDER BY kind, tag;
-- Not in a repository that is no mirror any more.
SELECT quay.repository_set_state('mir-alice', 'third', 'normal');
SELECT quay.mirror_check(:m, :'tx'), quay.mirror_tags_prune(:m, :'tx', ARRAY['a'], :since), quay.mirror_rollback(:m, :'tx', 0), quay.mirror_release(:m, :'tx', 'fail'); SELECT pg_temp.live();

-- The end of a mirror
SELECT mirror_id AS m FROM quay.mirror_get('mir-alice', 'app') \gset
DELETE FROM quay.logentry3;
SELECT quay.mirror_delete('mir-alice', 'app', 'mir-alice', '192.0.2.5') AS deleted; SELECT quay.repository_state_get('mir-alice', 'app') AS state; SELECT quay.mirror_delete('mir-alice', 'app') AS again, quay.mirror_check(:m, 'x');
SELECT count(*) FROM quay.mirror_get('mir-alice', 'app'); SELECT * FROM pg_temp.log();
SELECT quay.mirror_delete('mir-alice', 'third') AS deleted; SELECT quay.repository_state_get('mir-alice', 'third') AS state, (SELECT count(*) FROM quay.repomirrorrule AS r WHERE r.repository_id = (SELECT g.repository_id FROM quay.repository_get('mir-alice', 'third') AS g)) AS rules;
SELECT pg_temp.try($$SELECT quay.mirror_delete('mir-alice', 'none')$$), pg_temp.try($$SELECT quay.mirror_delete('mir-none', 'app')$$), pg_temp.try($$SELECT quay.mirror_delete('mir-alice', 'app', 'mir-none')$$);
SELECT quay.mirror_create('mir-alice', 'app', 'quay.io/acme/app', 'mir-alice+bot', ARRAY['*'], 3600) > 0 AS once_more;

-- What a row of the reference may have, and no JSON
UPDATE quay.repomirrorconfig AS c SET external_registry_config = 'no json', architecture_filter = NULL FROM quay.repository AS r WHERE r.id = c.repository_id AND r.name = 'app';
UPDATE quay.repomirrorrule AS l SET rule_value = '["a", 1]' FROM quay.repository AS r WHERE r.id = l.repository_id AND r.name = 'app';
SELECT tags, external_config, architectures FROM quay.mirror_get('mir-alice', 'app');
SELECT quay.mirror_update('mir-alice', 'app', external_config => '{"verify_tls": true}');
SELECT n AS number, quay_internal.mirror_status_name(n) AS name FROM generate_series(-3, 5) AS n;
ROLLBACK;
