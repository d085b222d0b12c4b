-- Pruning policies: what is valid, which tags go and in which order, batches, tasks, previews.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
-- Runs a statement and shows how it fails.
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, regexp_replace(detail, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>'), hint);
END $$;
CREATE FUNCTION pg_temp.manifest() RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8') $$;
CREATE FUNCTION pg_temp.repository(namespace text, name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.repository_id FROM quay.repository_get(namespace, name) AS r $$;
-- A tag that was pushed so many hours ago.
CREATE FUNCTION pg_temp.tag(namespace text, repository text, name text, hours numeric) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.clock', (quay_internal.clock() - make_interval(secs => (hours * 3600)::float8))::text, true);
    PERFORM quay.manifest_put(namespace, repository, pg_temp.manifest(), tags => ARRAY[name]);
    PERFORM set_config('quay.clock', (quay_internal.clock() + make_interval(secs => (hours * 3600)::float8))::text, true);
END $$;
CREATE FUNCTION pg_temp.tags(namespace text, repository text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(t.name, ' ' ORDER BY t.lifetime_start_ms DESC, t.tag_id DESC) FROM quay.tag_list(namespace, repository) AS t $$;
-- Everything at once, in batches of n: how often it was called, and how many tags went.
CREATE FUNCTION pg_temp.run(namespace text, n integer DEFAULT 500, OUT calls integer, OUT deleted bigint) LANGUAGE plpgsql AS $$
DECLARE step record; after text;
BEGIN
    calls := 0; deleted := 0;
    LOOP
        SELECT * INTO step FROM quay.autoprune_run(run.namespace, run.n, after);
        calls := calls + 1; deleted := run.deleted + step.deleted; after := step.cursor;
        EXIT WHEN after IS NULL;
    END LOOP;
END $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('prune-alice', 'password1', 'prune-alice@example.com');
    PERFORM quay.organization_create('prune', 'prune@example.com', 'prune-alice');
    PERFORM quay.organization_create('prune-two', 'prune-two@example.com', 'prune-alice');
    PERFORM quay.repository_create('prune', 'app', 'prune-alice');
    PERFORM quay.repository_create('prune', 'base', 'prune-alice');
    PERFORM quay.repository_create('prune-two', 'app', 'prune-alice');
END $$;

-- what a stored policy says, whoever stored it
SELECT rule, r.method, r.value, r.tag_pattern, r.tag_pattern_matches, r.bound, r.problem
FROM (VALUES ('{"method": "number_of_tags", "value": 10}'), ('{"method": "creation_date", "value": "2w", "tag_pattern": "^v", "tag_pattern_matches": false}'),
             ('{"method": "number_of_tags", "value": 10, "tag_pattern": "v", "tag_pattern_matches": null}'), ('{"method": "number_of_tags", "value": true}'),
             ('{"method": "number_of_tags", "value": "10"}'), ('{"method": "number_of_tags", "value": 0}'), ('{"method": "number_of_tags", "value": 1.5}'),
             ('{"method": "number_of_tags", "value": 1e30}'), ('{"method": "number_of_tags"}'), ('{"method": "creation_date", "value": 14}'),
             ('{"method": "creation_date", "value": "2 weeks"}'), ('{"method": "creation_date", "value": "0d"}'), ('{"method": "creation_date", "value": "99999999999999999y"}'),
             ('{"method": "age", "value": "2w"}'), ('{}'), (NULL), ('{"method": "number_of_tags", "value": 1, "tag_pattern": ""}'),
             ('{"method": "number_of_tags", "value": 1, "tag_pattern": "("}'), ('{"method": "number_of_tags", "value": 1, "tag_pattern": 5}'),
             ('{"method": "number_of_tags", "value": 1, "tag_pattern_matches": "yes"}')) AS p (rule),
     quay_internal.autoprune_rule(p.rule::jsonb) AS r;

-- policies of a namespace and of a repository; they are stored twice encoded
SELECT quay.autoprune_policy_create('prune', 'number_of_tags', '3', actor => 'prune-alice', ip => '10.0.0.1') AS by_number \gset
SELECT quay.autoprune_policy_create('prune', 'creation_date', '10d', '^tmp-', repository => 'app') AS by_date \gset
SELECT policy FROM quay.namespaceautoprunepolicy WHERE uuid = :'by_number';
SELECT policy, policy::jsonb #>> '{}' FROM quay.repositoryautoprunepolicy WHERE uuid = :'by_date';
SELECT method, value, tag_pattern, tag_pattern_matches, problem FROM quay.autoprune_policy_list('prune');
SELECT uuid = :'by_date', method, value, tag_pattern, tag_pattern_matches, problem FROM quay.autoprune_policy_list('prune', 'app');
SELECT count(*) FROM quay.autoprune_policy_list('prune', 'base');
SELECT method, value FROM quay.autoprune_policy_get('prune', :'by_number');
SELECT count(*) FROM quay.autoprune_policy_get('prune', :'by_number', 'app');
SELECT count(*) FROM quay.autoprune_policy_get('prune-two', :'by_number');
SELECT last_ran_ms, status FROM quay.autoprune_task_get('prune');
SELECT count(*) FROM quay.autoprune_task_get('prune-two');
-- an equal one is refused, an almost equal one is not
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_create('prune', 'number_of_tags', '3')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_create('prune', 'creation_date', '10d', '^tmp-', NULL, repository => 'app')$$);
SELECT quay.autoprune_policy_create('prune', 'creation_date', '10d', '^tmp-', false, repository => 'app') AS other \gset
SELECT quay.autoprune_policy_create('prune', 'number_of_tags', '3', repository => 'app') AS same \gset
SELECT p.method FROM quay.autoprune_policy_list('prune', 'app', n => 2) AS l, quay.autoprune_policy_list('prune', 'app', after => l.policy_id) AS p
WHERE l.uuid = :'other';
SELECT pg_temp.attempt(format('SELECT quay.autoprune_policy_update(%L, %L, %L, %L, %L, true, %L)', 'prune', :'other', 'creation_date', '10d', '^tmp-', 'app'));
SELECT quay.autoprune_policy_update('prune', :'other', 'number_of_tags', '1', 'x', repository => 'app', actor => 'prune-alice');
SELECT quay.autoprune_policy_update('prune', :'other', 'number_of_tags', '1', 'x', repository => 'app');
SELECT method, value, tag_pattern, tag_pattern_matches FROM quay.autoprune_policy_get('prune', :'other', 'app');
SELECT quay.autoprune_policy_delete('prune', :'other', 'app', actor => 'prune-alice'), quay.autoprune_policy_delete('prune', :'same', 'app');
SELECT method FROM quay.autoprune_policy_list('prune', 'app');
SELECT k.name, p.username, r.name, l.ip, replace(replace(l.metadata_json, :'other', '<other>'), :'same', '<same>')
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id
LEFT JOIN quay."user" AS p ON p.id = l.performer_id LEFT JOIN quay.repository AS r ON r.id = l.repository_id
WHERE u.username = 'prune' AND k.name ~ 'autoprune' ORDER BY l.id;

-- refused
SELECT pg_temp.attempt(format('SELECT quay.autoprune_policy_create(%L, %L, %L, %L)', 'prune', p.method, p.value, p.pattern))
FROM (VALUES ('age', '2w', NULL), (NULL, '1', NULL), ('number_of_tags', '0', NULL), ('number_of_tags', '-1', NULL), ('number_of_tags', 'true', NULL), ('number_of_tags', '2w', NULL),
             ('number_of_tags', NULL, NULL), ('creation_date', '14', NULL), ('creation_date', '0s', NULL), ('creation_date', NULL, NULL), ('number_of_tags', '1', ''),
             ('number_of_tags', '1', '('), ('number_of_tags', '1', '(a)\1'), ('number_of_tags', '1', repeat('v', 257))) AS p (method, value, pattern);
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_create('prune-none', 'number_of_tags', '1')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_create('prune', 'number_of_tags', '1', repository => 'none')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_create('prune', 'number_of_tags', '1', actor => 'prune-none')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_policy_update('prune', 'none', 'number_of_tags', '1')$$);
SELECT pg_temp.attempt(format('SELECT quay.autoprune_policy_update(%L, %L, %L, %L)', 'prune-two', :'by_number', 'number_of_tags', '1'));
SELECT pg_temp.attempt(format('SELECT quay.autoprune_policy_delete(%L, %L)', 'prune', :'by_date'));
SELECT pg_temp.attempt(format('SELECT quay.autoprune_policy_delete(%L, %L, %L)', 'prune', :'by_date', 'base'));
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_policy_list('prune', 'none')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_policy_list('prune', n => -1)$$);

-- By age first, whatever was made first: two are too old, then there are no more than three. Cosign's and immutable tags do not count and stay.
SELECT 'sha256-' || repeat('a', 64) || '.sig' AS sig, 'sha256-' || repeat('a', 64) || '.sigs' AS nosig \gset
SELECT pg_temp.tag('prune', 'app', t.name, t.hours) FROM (VALUES ('tmp-1', 400), ('tmp-2', 300), (:'sig', 500), ('keep', 450), ('v1', 200), ('v2', 100), ('tmp-3', 50)) AS t (name, hours);
UPDATE quay.tag SET immutable = true WHERE repository_id = pg_temp.repository('prune', 'app') AND name = 'keep';
-- One that looks like Cosign's goes; a hidden one does not.
SELECT pg_temp.tag('prune', 'base', t.name, t.hours) FROM (VALUES (:'nosig', 9), ('a', 8), ('b', 7), ('c', 6), ('d', 5)) AS t (name, hours);
SELECT pg_temp.tag('prune-two', 'app', t.name, t.hours) FROM (VALUES ('a', 800), ('b', 700)) AS t (name, hours);
SELECT repository, tag, scope, method FROM quay.autoprune_preview('prune');
SELECT repository, tag FROM quay.autoprune_preview('prune', 'base');
SELECT p.repository, p.tag FROM (SELECT cursor FROM quay.autoprune_preview('prune', n => 3) OFFSET 2) AS l, quay.autoprune_preview('prune', after => l.cursor, n => 1) AS p;
SELECT count(*) FROM quay.autoprune_preview('prune-two');
SELECT t.name, e.scope, e.method, e.value, e.selects, e.decides, e.reason
FROM unnest(ARRAY['tmp-1', 'v1', 'tmp-3', 'keep', 'none', :'sig']) AS t (name), quay.autoprune_explain('prune', 'app', t.name) AS e;
SELECT t.name, e.scope, e.method, e.decides, e.reason FROM unnest(ARRAY['a', 'd']) AS t (name), quay.autoprune_explain('prune', 'base', t.name) AS e;
-- so it is done, in batches or at once; the second time nothing is left
SAVEPOINT before;
SELECT * FROM pg_temp.run('prune', 1);
SELECT pg_temp.tags('prune', 'app'), pg_temp.tags('prune', 'base'), pg_temp.tags('prune-two', 'app');
ROLLBACK TO SAVEPOINT before;
SELECT * FROM pg_temp.run('prune');
SELECT pg_temp.tags('prune', 'app'), pg_temp.tags('prune', 'base'), pg_temp.tags('prune-two', 'app');
SELECT * FROM pg_temp.run('prune');
SELECT u.username, r.name, l.performer_id, l.metadata_json FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id
JOIN quay.repository AS r ON r.id = l.repository_id WHERE u.username = 'prune' AND k.name = 'autoprune_tag_delete' ORDER BY l.id;
SELECT quay.autoprune_policy_delete('prune', :'by_number'), quay.autoprune_policy_delete('prune', :'by_date', 'app');

-- the newest N of those that the pattern selects; or of the others; without the flag it is true
INSERT INTO quay.repositoryautoprunepolicy (uuid, repository_id, namespace_id, policy)
SELECT 'prune-p', r.id, r.namespace_user_id, '{"method": "number_of_tags", "value": 1, "tag_pattern": "v"}' FROM quay.repository AS r WHERE r.id = pg_temp.repository('prune-two', 'app');
SELECT pg_temp.tag('prune-two', 'app', t.name, t.hours) FROM (VALUES ('v1', 60), ('x1', 55), ('rev2', 50), ('x2', 45), ('V3', 40), ('x3', 35)) AS t (name, hours);
SELECT string_agg(tag, ' ' ORDER BY tag) FROM quay.autoprune_preview('prune-two');
UPDATE quay.repositoryautoprunepolicy SET policy = '"{\"method\": \"number_of_tags\", \"value\": 2, \"tag_pattern\": \"v\", \"tag_pattern_matches\": false}"' WHERE uuid = 'prune-p';
SELECT string_agg(tag, ' ' ORDER BY tag) FROM quay.autoprune_preview('prune-two');
-- in batches the same
SELECT * FROM pg_temp.run('prune-two', 1);
SELECT pg_temp.tags('prune-two', 'app');

-- how old is too old: more than the duration
UPDATE quay.repositoryautoprunepolicy SET policy = '{"method": "creation_date", "value": "40h"}' WHERE uuid = 'prune-p';
SELECT tag FROM quay.autoprune_preview('prune-two') ORDER BY tag;
SET LOCAL quay.clock = '2026-03-01 12:00:00.001+00';
SELECT tag FROM quay.autoprune_preview('prune-two') ORDER BY tag;
-- a tag pushed again between two batches is a new one, and stays
SELECT deleted, regexp_replace(cursor, '^\d+\.([^.]*)\.(\d+)\.\d+$', '\1 \2') FROM quay.autoprune_run('prune-two', 1);
SELECT r.cursor FROM quay.autoprune_run('prune-two', 1, pg_temp.repository('prune-two', 'app')::text) AS r;
SELECT m.tags FROM quay.manifest_put('prune-two', 'app', pg_temp.manifest(), tags => ARRAY['v1']) AS m;
SELECT deleted, cursor FROM quay.autoprune_run('prune-two');
SELECT pg_temp.tags('prune-two', 'app');
-- a cursor whose policy is gone ends the work on that repository
SELECT pg_temp.tag('prune-two', 'app', 'old', 60);
SELECT deleted, cursor FROM quay.autoprune_run('prune-two', after => pg_temp.repository('prune-two', 'app') || '.gone.1.1');
SELECT deleted, cursor FROM quay.autoprune_run('prune-two', after => pg_temp.repository('prune-two', 'app') || '.prune-p.1.1');
-- only in the state normal
SELECT quay.repository_set_state('prune-two', 'app', 'read_only');
SELECT deleted FROM quay.autoprune_run('prune-two');
SELECT count(*) FROM quay.autoprune_preview('prune-two');
SELECT e.decides, e.reason FROM quay.autoprune_explain('prune-two', 'app', 'old') AS e;
SELECT quay.repository_set_state('prune-two', 'app', 'normal');
SELECT deleted FROM quay.autoprune_run('prune-two');

-- tags that go soon: by their own end, or by a policy; those of which somebody was told are left out
SELECT pg_temp.tag('prune-two', 'app', t.name, t.hours) FROM (VALUES ('h39', 39), ('h30', 30), ('h1', 1)) AS t (name, hours);
SELECT FROM quay.tag_set('prune-two', 'app', 'end2', 'h1', expiration => '2026-03-03 12:00:00.001+00');
SELECT FROM quay.tag_set('prune-two', 'app', 'end1', 'h1', expiration => '2026-03-02 12:00:00.001+00');
SELECT FROM quay.tag_set('prune-two', 'app', 'end9', 'h1', expiration => '2026-03-09 12:00:00.001+00');
SELECT quay.autoprune_policy_create('prune-two', 'number_of_tags', '1', '^(h39|h1)$') AS soon \gset
SELECT tag, to_timestamp(due_ms / 1000) AT TIME ZONE 'UTC', scope, method FROM quay.autoprune_expiring_list('prune-two', 'app', '5 hours');
SELECT tag, to_timestamp(due_ms / 1000) AT TIME ZONE 'UTC', scope, method FROM quay.autoprune_expiring_list('prune-two', 'app', '10 hours');
SELECT p.tag FROM quay.autoprune_expiring_list('prune-two', 'app', '10 hours', n => 1) AS l, quay.autoprune_expiring_list('prune-two', 'app', '10 hours', after => l.tag_id) AS p;
SELECT tag, to_timestamp(lifetime_end_ms / 1000) AT TIME ZONE 'UTC' FROM quay.tag_expiring_list('prune-two', 'app', '2 days');
SELECT tag FROM quay.tag_expiring_list('prune-two', 'app', '1 day 23:59:59.999');
SELECT p.tag FROM quay.tag_expiring_list('prune-two', 'app', '30 days', n => 1) AS l, quay.tag_expiring_list('prune-two', 'app', '30 days', after => l.cursor) AS p;
SELECT count(*) FROM quay.tag_expiring_list('prune-two', 'app', '0');
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
SELECT 'prune-notice', pg_temp.repository('prune-two', 'app'), e.id, m.id, '{}', '{}'
FROM quay.externalnotificationevent AS e, quay.externalnotificationmethod AS m WHERE e.name = 'repo_image_expiry' AND m.name = 'webhook';
INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id)
SELECT n.id, t.id, n.method_id FROM quay.repositorynotification AS n JOIN quay.tag AS t ON t.repository_id = n.repository_id
WHERE n.uuid = 'prune-notice' AND t.name IN ('end1', 'h39');
SELECT tag FROM quay.tag_expiring_list('prune-two', 'app', '2 days', 'prune-notice');
SELECT tag FROM quay.autoprune_expiring_list('prune-two', 'app', '10 hours', 'prune-notice');
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_expiring_list('prune', 'app', '2 days', 'prune-notice')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_expiring_list('prune', 'app', '-2 days')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_expiring_list('prune', 'app', NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_expiring_list('prune', 'app', '2 days', after => 'x')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_expiring_list('prune', 'none', '2 days')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_expiring_list('prune', 'app', '2 days', 'none')$$);
SELECT quay.autoprune_policy_delete('prune-two', :'soon');

-- tasks: those that never ran first, then the oldest; not again within the interval; not those of disabled namespaces
DELETE FROM quay.autoprunetaskstatus;
DO $$ BEGIN
    PERFORM quay.organization_create('prune-three', 'prune-three@example.com', 'prune-alice');
    PERFORM quay.organization_create('prune-off', 'prune-off@example.com', 'prune-alice');
    PERFORM quay.autoprune_policy_create(n, 'number_of_tags', '5') FROM unnest(ARRAY['prune', 'prune-three', 'prune-off']) AS n;
    PERFORM quay.repository_create('prune-off', 'app', 'prune-alice');
END $$;
UPDATE quay."user" SET enabled = false WHERE username = 'prune-off';
-- one that lost its task gets one again
SELECT quay.autoprune_task_ensure() IS NULL;
SELECT string_agg(u.username, ' ' ORDER BY u.username) FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS u ON u.id = s.namespace_id WHERE u.username LIKE 'prune%';
UPDATE quay.autoprunetaskstatus AS s SET last_ran_ms = CASE u.username WHEN 'prune-three' THEN 1772366400000 - 3600000 ELSE 1772366400000 - 7200000 END, status = 'success'
FROM quay."user" AS u WHERE u.id = s.namespace_id AND u.username IN ('prune-two', 'prune-three');
SELECT namespace, last_ran_ms FROM quay.autoprune_task_claim(1);
SELECT namespace FROM quay.autoprune_task_claim(5);
SELECT count(*) FROM quay.autoprune_task_claim(5);
SELECT s.status FROM quay.autoprune_task_get('prune-two') AS s;
SET LOCAL quay.clock = '2026-03-01 12:59:59.999+00';
SELECT count(*) FROM quay.autoprune_task_claim(5);
SET LOCAL quay.clock = '2026-03-01 13:00:00.001+00';
SELECT count(*) FROM quay.autoprune_task_claim(5);
SELECT count(*) FROM quay.autoprune_task_claim(5, '30 min');
SET LOCAL quay.autoprune_interval = 0;
-- each claim has a time of its own; a claim that another followed is over
SELECT task_id AS task, last_ran_ms AS first FROM quay.autoprune_task_claim(5) WHERE namespace = 'prune' \gset
SELECT count(*) FROM quay.autoprune_task_claim(5, '0');
SET LOCAL quay.clock = '2026-03-01 13:00:00.002+00';
SELECT last_ran_ms AS second FROM quay.autoprune_task_claim(5, '0') WHERE namespace = 'prune' \gset
SELECT :second - :first, quay.autoprune_task_release(:task, :first), quay.autoprune_task_release(:task, :second, 'out of luck'), quay.autoprune_task_release(:task, :second);
SELECT status FROM quay.autoprune_task_get('prune');
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
SELECT quay.autoprune_task_release(c.task_id, c.last_ran_ms) FROM quay.autoprune_task_claim(5) AS c WHERE c.namespace = 'prune';
SELECT status FROM quay.autoprune_task_get('prune');
SELECT quay.autoprune_task_release(0, 0);
-- a stored policy that cannot be executed is not, and is told of
UPDATE quay.repositoryautoprunepolicy SET policy = '{"method": "number_of_tags", "value": true}' WHERE uuid = 'prune-p';
SELECT deleted FROM quay.autoprune_run('prune-two');
SET LOCAL quay.clock = '2026-03-01 14:00:01+00';
SELECT quay.autoprune_task_release(c.task_id, c.last_ran_ms) FROM quay.autoprune_task_claim(5) AS c WHERE c.namespace = 'prune-two';
SELECT status FROM quay.autoprune_task_get('prune-two');
SELECT problem FROM quay.autoprune_policy_list('prune-two', 'app');
SELECT decides, reason FROM quay.autoprune_explain('prune-two', 'app', 'h1');
-- without a policy the task goes
SELECT quay.autoprune_policy_delete('prune-two', 'prune-p', 'app');
SET LOCAL quay.clock = '2026-03-01 14:00:02+00';
SELECT quay.autoprune_task_release(c.task_id, c.last_ran_ms) FROM quay.autoprune_task_claim(5) AS c WHERE c.namespace = 'prune-two';
SELECT count(*) FROM quay.autoprune_task_get('prune-two');
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_task_claim(0)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_task_claim(1, '-1 h')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_task_ensure(n => 0)$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_run('prune', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_run('prune', after => '1.2')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_preview('prune', after => '1')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_run('prune-none')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_run('prune-off')$$);

-- the policy of all namespaces
SET LOCAL quay.default_autoprune_policy = '{"method": "creation_date", "value": "38h", "tag_pattern": "^h"}';
SELECT quay.autoprune_task_ensure(n => 1) IS NOT NULL, quay.autoprune_task_ensure() IS NULL;
SELECT string_agg(u.username, ' ' ORDER BY u.username) FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS u ON u.id = s.namespace_id WHERE u.username LIKE 'prune%';
SELECT tag, uuid, scope, method FROM quay.autoprune_preview('prune-two');
SELECT scope, method, value, decides, reason FROM quay.autoprune_explain('prune-two', 'app', 'h39');
SELECT * FROM pg_temp.run('prune-two', 1);
SELECT pg_temp.tags('prune-two', 'app');
SET LOCAL quay.clock = '2026-03-01 14:00:03+00';
SELECT quay.autoprune_task_release(c.task_id, c.last_ran_ms) FROM quay.autoprune_task_claim(500) AS c WHERE c.namespace = 'prune-two';
SELECT status FROM quay.autoprune_task_get('prune-two');
SET LOCAL quay.default_autoprune_policy = '{"method": "creation_date"}';
SELECT pg_temp.attempt($$SELECT quay.autoprune_run('prune')$$);
SELECT pg_temp.attempt($$SELECT quay.autoprune_task_ensure()$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_preview('prune')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_explain('prune', 'app', 'v1')$$);
SET LOCAL quay.default_autoprune_policy = 'weekly';
SELECT pg_temp.attempt($$SELECT * FROM quay.autoprune_expiring_list('prune', 'app', '1 day')$$);
ROLLBACK;
