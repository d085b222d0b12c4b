-- From an event to whoever is told: queueing, delivery within the registry and by a worker, failures, notices of tags that will end.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.default_tag_expiration = '14d';
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
SELECT count(quay.user_create(n, 'password', n || '@nd.example')) FROM unnest(ARRAY['ndl-alice', 'ndl-bob', 'ndl-carol', 'ndl-off']) AS n;
SELECT quay.organization_create('ndl-org', 'org@nd.example', 'ndl-alice') > 0 AS ok, quay.organization_create('ndl-mute', NULL, 'ndl-alice') > 0 AS ok;
SELECT quay.team_create('ndl-org', 'readers', 'member') > 0 AS ok;
SELECT username FROM quay.robot_create('ndl-org', 'bot');
SELECT quay.team_member_add('ndl-org', 'readers', m) FROM unnest(ARRAY['ndl-bob', 'ndl-org+bot']) AS m;
SELECT count(quay.repository_create('ndl-org', n, 'ndl-alice')) FROM unnest(ARRAY['app', 'other']) AS n;
SELECT quay.repository_create('ndl-off', 'app', 'ndl-off') > 0 AS ok;
SELECT email FROM quay.repository_email_confirm((SELECT code FROM quay.repository_email_create('ndl-org', 'app', 'told@nd.example')));
CREATE FUNCTION pg_temp.hook(event text, method text, config jsonb, event_config jsonb DEFAULT '{}', repository text DEFAULT 'app', namespace text DEFAULT 'ndl-org') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN quay.repository_notification_create(namespace, repository, event, method, config, event_config);
END
$$;
CREATE VIEW pg_temp.queued AS
    SELECT regexp_replace(q.queue_name, '[0-9a-f-]{36}', 'UUID') AS path, q.body::jsonb -> 'event_data' AS data, (q.body::jsonb -> 'performer_data') - ARRAY['entity_id', 'oauth_token_id'] AS performer, q.available
    FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/ndl-%' ORDER BY q.id;
CREATE VIEW pg_temp.told AS
    SELECT k.name AS kind, u.username AS target, n.metadata_json::jsonb AS metadata FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id JOIN quay."user" AS u ON u.id = n.target_id
    WHERE u.username LIKE 'ndl-%' ORDER BY n.id;
CREATE VIEW pg_temp.hooks AS
    SELECT e.name AS event, m.name AS method, n.number_of_failures, n.last_error FROM quay.repositorynotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
    JOIN quay.repository AS r ON r.id = n.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'ndl-org' ORDER BY n.id;

-- Queueing: each event, for each that waits, filters and disabled ones apart.
SELECT pg_temp.hook('repo_push', 'webhook', '{"url": "https://ci.example.com/1"}') AS push \gset
SELECT pg_temp.hook('repo_push', 'slack', '{"url": "https://ci.example.com/2"}') AS push2 \gset
SELECT pg_temp.hook('vulnerability_found', 'webhook', '{"url": "https://ci.example.com/3"}', '{"level": 1}') IS NOT NULL AS ok;
SELECT pg_temp.hook('build_start', 'webhook', '{"url": "https://ci.example.com/4"}', '{"ref-regex": "refs/heads/main$"}') IS NOT NULL AS ok;
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', '{"updated_tags": ["v1"]}', actor => 'ndl-bob') AS both,
       quay.notification_spawn('ndl-org', 'app', 'repo_push', notification => :'push2') AS one, quay.notification_spawn('ndl-org', 'app', 'repo_push', notification => 'none') AS none,
       quay.notification_spawn('ndl-org', 'other', 'repo_push') AS nobody_waits,
       quay.notification_spawn('ndl-org', 'app', 'vulnerability_found', '{"vulnerability": {"priority": "High"}}') AS severe, quay.notification_spawn('ndl-org', 'app', 'vulnerability_found', '{"vulnerability": {"priority": "Low"}}') AS slight,
       quay.notification_spawn('ndl-org', 'app', 'build_start', '{"trigger_metadata": {"ref": "refs/heads/main"}}', path => '{some-build}', subpage => 'build/1') AS main, quay.notification_spawn('ndl-org', 'app', 'build_start', '{"trigger_metadata": {"ref": "refs/heads/x"}}') AS branch;
SELECT * FROM pg_temp.queued;
SELECT count(*) AS events, sum(quay.notification_spawn('ndl-org', 'app', e.name)) AS queued FROM quay.externalnotificationevent AS e WHERE e.name NOT LIKE 'quota%';
UPDATE quay.repositorynotification SET number_of_failures = 3 WHERE uuid = :'push2';
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS enabled_only;
DELETE FROM quay.queueitem;
SET LOCAL quay.server_hostname = 'registry.example';
SELECT quay.notification_spawn_many('[{"namespace": "ndl-org", "repository": "app", "event": "repo_push", "data": {"n": 1}, "actor": "ndl-bob", "subpage": "/tag/x", "path": ["a", "b"]},
    {"namespace": "ndl-org", "repository": "gone", "event": "repo_push"}, {"namespace": "ndl-none", "repository": "app", "event": "repo_push"}, {"namespace": "ndl-org", "repository": "other", "event": "repo_push"},
    {"namespace": "ndl-org", "repository": "app", "event": "repo_push", "data": null}]') AS queued;
RESET quay.server_hostname;
SELECT * FROM pg_temp.queued;
SELECT quay.notification_spawn_many('[]') AS nothing;
DELETE FROM quay.queueitem;
-- The OAuth token that acted
SELECT client_id IS NOT NULL AS ok FROM quay.oauth_application_create('ndl-org', 'robotic', '', '');
INSERT INTO quay.oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_code, token_name)
SELECT 'ndl-token', a.id, u.id, 'repo:write', 'Bearer', '2027-01-01', '{}', '', 'ndl-token' FROM quay.oauthapplication AS a, quay."user" AS u WHERE a.name = 'robotic' AND u.username = 'ndl-bob';
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', actor => 'ndl-bob', oauth_token => 'ndl-token') AS queued;
SELECT performer - 'oauth_token_application_id' AS performer, performer ? 'oauth_token_application_id' AS client FROM pg_temp.queued;
DELETE FROM quay.queueitem;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.notification_spawn('ndl-none', 'app', 'repo_push')$$, $$SELECT quay.notification_spawn('ndl-org', 'none', 'repo_push')$$, $$SELECT quay.notification_spawn('ndl-org', 'app', 'nothing')$$,
    $$SELECT quay.notification_spawn('ndl-org', 'app', 'quota_error')$$, $$SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', '[]')$$, $$SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', NULL)$$,
    $$SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', actor => 'ndl-none')$$, $$SELECT quay.notification_spawn_namespace('ndl-none', 'quota_error')$$, $$SELECT quay.notification_spawn_namespace('ndl-org', 'repo_push')$$,
    $$SELECT quay.notification_spawn_namespace('ndl-org', 'quota_error', '1')$$, $$SELECT quay.notification_spawn_namespace('ndl-org', 'quota_error', actor => 'ndl-none')$$,
    $$SELECT quay.notification_spawn_many('{}')$$, $$SELECT quay.notification_spawn_many('[{"event": "nothing"}]')$$, $$SELECT quay.notification_spawn_many('[{"event": "repo_push", "data": 1}]')$$,
    $$SELECT quay.notification_spawn_many('[{"namespace": "ndl-org", "repository": "app", "event": "repo_push", "actor": "ndl-none"}]')$$,
    $$SELECT quay.notification_delivery_take(0)$$, $$SELECT quay.notification_delivery_take(1, 0)$$]) AS s;

-- A worker delivers.
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push', '{"updated_tags": ["v1"]}', actor => 'ndl-bob') AS queued;
SELECT status, scope, uuid = :'push' AS uuid, event, method, title, config, event_data, performer_data - ARRAY['entity_id'] AS performer, namespace, repository, recipients, retries_remaining, error, item_id > 0 AS item, claim <> '' AS claim
FROM quay.notification_delivery_take(10) \gx
SELECT count(*) AS again FROM quay.notification_delivery_take(10);
SELECT id AS item, state_id AS claim FROM quay.queueitem WHERE queue_name LIKE 'notification/ndl-%' \gset
SELECT quay.notification_delivery_report(:item, 'other', true) AS stranger, quay.notification_delivery_report(:item, 'other', false) AS stranger;
SELECT quay.notification_delivery_report(:item, :'claim', true) AS done, quay.notification_delivery_report(:item, :'claim', true) AS again, quay.notification_delivery_report(:item, :'claim', false) AS again;
SELECT count(*) AS left FROM pg_temp.queued;

-- Failures are counted per event, not per attempt.
CREATE FUNCTION pg_temp.fail(times integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    taken record;
    words text[] := '{}';
BEGIN
    FOR i IN 1 .. times LOOP
        SELECT * INTO taken FROM quay.notification_delivery_take(1);
        words := words || CASE WHEN taken.item_id IS NULL THEN 'nothing' WHEN taken.status <> 'deliver' THEN taken.status
                               ELSE quay.notification_delivery_report(taken.item_id, taken.claim, false, '503 Service Unavailable') END;
        PERFORM set_config('quay.clock', (current_setting('quay.clock')::timestamptz + interval '31 s')::text, true);
    END LOOP;
    RETURN array_to_string(words, ' ');
END
$$;
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT pg_temp.fail(1) AS first;
SELECT count(*) AS too_early FROM (SELECT set_config('quay.clock', (current_setting('quay.clock')::timestamptz - interval '2 s')::text, true)) AS x, quay.notification_delivery_take(1);
SELECT set_config('quay.clock', (current_setting('quay.clock')::timestamptz + interval '2 s')::text, true) IS NOT NULL AS later;
SELECT number_of_failures, last_error FROM pg_temp.hooks LIMIT 1;
SELECT pg_temp.fail(4) AS rest, pg_temp.fail(1) AS over;
SELECT number_of_failures, last_error FROM pg_temp.hooks LIMIT 1;
SELECT q.retries_remaining, q.available FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/ndl-%';
-- A success in between begins anew.
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT t.status, quay.notification_delivery_report(t.item_id, t.claim, true) FROM quay.notification_delivery_take(1) AS t;
SELECT number_of_failures, last_error FROM pg_temp.hooks LIMIT 1;
-- Three events in a row disable it; what is queued for it then goes without a word.
SELECT sum(quay.notification_spawn('ndl-org', 'app', 'repo_push')) AS queued FROM generate_series(1, 4);
SELECT pg_temp.fail(20) AS attempts;
SELECT number_of_failures, last_error FROM pg_temp.hooks LIMIT 1;
SELECT pg_temp.fail(1) AS none, quay.notification_spawn('ndl-org', 'app', 'repo_push') AS disabled, (SELECT count(*) FROM pg_temp.queued) AS dead_letters;
SELECT quay.repository_notification_reset('ndl-org', 'app', :'push') AS reset;
DELETE FROM quay.queueitem;
-- With another limit and delay
SET LOCAL quay.notification_failure_limit = 1;
SET LOCAL quay.notification_retry_delay = 0;
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT pg_temp.fail(5) AS attempts;
RESET quay.notification_failure_limit;
RESET quay.notification_retry_delay;
SELECT quay.repository_notification_reset('ndl-org', 'app', :'push') AS reset;
-- Deleted, or disabled, while a worker has it; and while it waits.
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT t.item_id AS item, t.claim FROM quay.notification_delivery_take(1) AS t \gset
UPDATE quay.repositorynotification SET number_of_failures = 3 WHERE uuid = :'push';
SELECT quay.notification_delivery_report(:item, :'claim', false, 'x') AS disabled_meanwhile;
SELECT quay.repository_notification_reset('ndl-org', 'app', :'push') AS reset, quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued, quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT t.item_id AS item, t.claim FROM quay.notification_delivery_take(1) AS t \gset
SELECT quay.repository_notification_delete('ndl-org', 'app', :'push') AS deleted;
SELECT quay.notification_delivery_report(:item, :'claim', false, 'x') AS deleted_meanwhile;
SELECT t.status, t.method FROM quay.notification_delivery_take(5) AS t;
SELECT count(*) AS left FROM quay.queueitem WHERE queue_name LIKE 'notification/%' AND retries_remaining > 0;
DELETE FROM quay.queueitem;
-- The lease is over, and another has it.
SELECT pg_temp.hook('repo_push', 'webhook', '{"url": "https://ci.example.com/1"}') AS push \gset
SELECT quay.notification_spawn('ndl-org', 'app', 'repo_push') AS queued;
SELECT t.item_id AS item, t.claim FROM quay.notification_delivery_take(1, 10) AS t \gset
SELECT set_config('quay.clock', (current_setting('quay.clock')::timestamptz + interval '11 s')::text, true) IS NOT NULL AS later;
SELECT t.item_id = :item AS same, t.claim AS claim2, t.retries_remaining FROM quay.notification_delivery_take(1, 10) AS t \gset
SELECT quay.notification_delivery_report(:item, :'claim', false, 'late') AS late, quay.notification_delivery_report(:item, :'claim', true) AS late, (SELECT last_error FROM pg_temp.hooks ORDER BY 1 LIMIT 1) AS error;
SELECT quay.notification_delivery_report(:item, :'claim2', true) AS second;

-- Items as the worker of the reference leaves them: no filter was asked; malformed ones; those of nobody.
SELECT pg_temp.hook('build_success', 'webhook', '{"url": "https://ci.example.com/"}', '{"ref-regex": "refs/tags/"}') AS build \gset
SELECT quay_internal.queue_add('notification/ndl-org/app/x/', b) > 0 AS ok FROM unnest(ARRAY[jsonb_build_object('notification_uuid', :'build', 'event_data', '{"trigger_metadata": {"ref": "refs/heads/x"}}'::jsonb),
    jsonb_build_object('notification_uuid', :'build', 'event_data', '{"trigger_metadata": {"ref": "refs/tags/x"}}'::jsonb), jsonb_build_object('notification_uuid', :'build', 'event_data', 1), '{"notification_uuid": "none", "event_data": {}}', '{}']::jsonb[]) AS b;
INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id) VALUES ('notification/ndl-org/app/x/', 'no json', '2026-01-01', true, 5, 'ndl-no-json');
SELECT t.status, t.event, t.event_data FROM quay.notification_delivery_take(10) AS t ORDER BY t.item_id;
DELETE FROM quay.queueitem;
-- What cannot be delivered, however often it is tried
UPDATE quay.repositorynotification SET config_json = '{"url": "http://127.0.0.1/"}' WHERE uuid = :'build';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_success', '{"trigger_metadata": {"ref": "refs/tags/x"}}') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(10) AS t;
UPDATE quay.repositorynotification SET config_json = 'no json', number_of_failures = 2 WHERE uuid = :'build';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_success', '{"trigger_metadata": {"ref": "refs/tags/x"}}') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(10) AS t;
SELECT number_of_failures, last_error FROM pg_temp.hooks WHERE event = 'build_success';

-- E-mail: to the confirmed address, as long as it is that; of a namespace to its address, or to its administrators.
SELECT pg_temp.hook('build_queued', 'email', '{"email": "told@nd.example"}') AS mail \gset
SELECT quay.notification_spawn('ndl-org', 'app', 'build_queued') AS queued;
SELECT t.status, t.recipients, quay.notification_delivery_report(t.item_id, t.claim, true) FROM quay.notification_delivery_take(10) AS t;
SELECT quay.repository_email_delete('ndl-org', 'app', 'told@nd.example') AS withdrawn, quay.notification_spawn('ndl-org', 'app', 'build_queued') AS queued;
SELECT t.status, t.recipients, t.error FROM quay.notification_delivery_take(10) AS t;
SELECT count(quay.namespace_notification_create(n, 'quota_warning', 'email', '{}')) FROM unnest(ARRAY['ndl-org', 'ndl-mute', 'ndl-carol']) AS n;
SELECT sum(quay.notification_spawn_namespace(n, 'quota_warning', '{"usage_percent": 80}')) AS queued FROM unnest(ARRAY['ndl-org', 'ndl-mute', 'ndl-carol']) AS n;
SELECT t.status, t.scope, t.namespace, t.repository, t.event, t.recipients, t.event_data FROM quay.notification_delivery_take(10) AS t ORDER BY t.item_id;
DELETE FROM quay.queueitem;
UPDATE quay."user" SET email = 'gone-' || username WHERE username IN ('ndl-alice', 'ndl-carol');
SELECT sum(quay.notification_spawn_namespace(n, 'quota_warning')) AS queued FROM unnest(ARRAY['ndl-mute', 'ndl-carol']) AS n;
SELECT t.status, t.namespace, t.recipients FROM quay.notification_delivery_take(10) AS t ORDER BY t.item_id;
-- A namespace's failures count too.
SELECT quay.namespace_notification_create('ndl-bob', 'quota_error', 'webhook', '{"url": "https://ci.example.com/"}') AS full \gset
SELECT sum(quay.notification_spawn_namespace('ndl-bob', 'quota_error')) AS queued FROM generate_series(1, 3);
SELECT pg_temp.fail(15) AS attempts;
SELECT number_of_failures, enabled, last_error FROM quay.namespace_notification_get('ndl-bob', :'full');
SELECT quay.namespace_notification_reset('ndl-bob', :'full') AS reset;
UPDATE quay.namespacenotification SET number_of_failures = 1 WHERE uuid = :'full';
SELECT quay.notification_spawn_namespace('ndl-bob', 'quota_error') AS queued;
SELECT quay.notification_delivery_report(t.item_id, t.claim, true) FROM quay.notification_delivery_take(1) AS t;
SELECT number_of_failures FROM quay.namespace_notification_get('ndl-bob', :'full');
DELETE FROM quay.queueitem;

-- Within the registry: persons, the organization, members of a team, all kinds of events.
SELECT count(pg_temp.hook(e.name, 'quay_notification', '{"target": {"kind": "user", "name": "ndl-carol"}}', CASE e.name WHEN 'repo_image_expiry' THEN '{"days": 1}' ELSE '{}' END::jsonb, repository => 'other'))
FROM quay.externalnotificationevent AS e WHERE e.name NOT LIKE 'quota%';
SELECT sum(quay.notification_spawn('ndl-org', 'other', e.name, '{"n": 1}')) AS queued FROM quay.externalnotificationevent AS e WHERE e.name NOT LIKE 'quota%';
SELECT t.status, count(*) FROM quay.notification_delivery_take(100) AS t GROUP BY 1;
SELECT kind, target, metadata FROM pg_temp.told ORDER BY kind;
DELETE FROM quay.notification;
SELECT count(quay.namespace_notification_create('ndl-org', 'quota_error', 'quay_notification', jsonb_build_object('target', t.target))) FROM unnest(ARRAY['{"kind": "org", "name": "ndl-org"}', '{"kind": "team", "name": "readers"}']::jsonb[]) AS t (target);
SELECT quay.notification_spawn_namespace('ndl-org', 'quota_error', '{"usage_percent": 100}') AS queued;
SELECT t.status, count(*) FROM quay.notification_delivery_take(100) AS t GROUP BY 1;
SELECT kind, target, metadata FROM pg_temp.told ORDER BY target;
DELETE FROM quay.notification;
-- Targets that are gone are nobody; an organization that the repository does not belong to any more is a mistake; so is a kind that is missing, which is tried again.
SELECT pg_temp.hook('build_failure', 'quay_notification', '{"target": {"kind": "team", "name": "readers"}}') AS team \gset
UPDATE quay.repositorynotification SET config_json = '{"target": {"kind": "team", "name": "gone"}}' WHERE uuid = :'team';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_failure') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(1) AS t;
UPDATE quay.repositorynotification SET config_json = '{"target": {"kind": "user", "name": "gone"}}' WHERE uuid = :'team';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_failure') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(1) AS t;
UPDATE quay.repositorynotification SET config_json = '{"target": {"kind": "org", "name": "ndl-mute"}}' WHERE uuid = :'team';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_failure') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(1) AS t;
UPDATE quay.repositorynotification SET config_json = '{"target": {"kind": "user", "name": "ndl-bob"}}' WHERE uuid = :'team';
UPDATE quay.notificationkind SET name = 'was_build_failure' WHERE name = 'build_failure';
SELECT quay.notification_spawn('ndl-org', 'app', 'build_failure') AS queued;
SELECT t.status, t.error FROM quay.notification_delivery_take(1) AS t;
UPDATE quay.notificationkind SET name = 'build_failure' WHERE name = 'was_build_failure';
SELECT set_config('quay.clock', (current_setting('quay.clock')::timestamptz + interval '31 s')::text, true) IS NOT NULL AS later;
SELECT t.status, t.error FROM quay.notification_delivery_take(1) AS t;
SELECT number_of_failures, last_error, (SELECT count(*) FROM pg_temp.told) AS told FROM pg_temp.hooks WHERE event = 'build_failure' AND method = 'quay_notification' LIMIT 1;
-- Disabled namespaces are not served.
SELECT quay.repository_notification_create('ndl-off', 'app', 'repo_push', 'webhook', '{"url": "https://ci.example.com/"}') IS NOT NULL AS ok;
SELECT quay.notification_spawn('ndl-off', 'app', 'repo_push') AS queued;
UPDATE quay."user" SET enabled = false WHERE username = 'ndl-off';
SELECT t.status FROM quay.notification_delivery_take(1) AS t;
DELETE FROM quay.notification;
DELETE FROM quay.queueitem;

-- Tests of a notification reach the worker whatever the filter says.
SELECT quay.repository_notification_create('ndl-org', 'app', 'build_cancelled', 'webhook', '{"url": "https://ci.example.com/"}', '{"ref-regex": "refs/nowhere"}') AS cancelled \gset
SELECT quay.repository_notification_test('ndl-org', 'app', :'cancelled') AS test;
SELECT t.status, t.event, t.event_data ->> 'build_id' AS build_id FROM quay.notification_delivery_take(10) AS t;
DELETE FROM quay.queueitem;

-- Tags that will end: told once, in one event for each notification, marked and queued together.
DELETE FROM quay.repositorynotification AS n USING quay.repository AS r, quay."user" AS u WHERE r.id = n.repository_id AND u.id = r.namespace_user_id AND u.username LIKE 'ndl-%';
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes) SELECT r.id, 'sha256:ndl', t.id, '{}' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, quay.mediatype AS t
WHERE u.username = 'ndl-org' AND r.name = 'app' AND t.name = 'application/vnd.oci.image.manifest.v1+json';
CREATE FUNCTION pg_temp.tag(name text, days numeric, hidden boolean DEFAULT false, age_days integer DEFAULT 1) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, tag_kind_id)
    SELECT tag.name, m.repository_id, m.id, quay_internal.clock_ms() - age_days * 86400000::bigint, quay_internal.clock_ms() + (days * 86400000)::bigint, tag.hidden, k.id FROM quay.manifest AS m, quay.tagkind AS k WHERE m.digest = 'sha256:ndl' AND k.name = 'tag' $$;
SELECT count(*) FROM (VALUES ('soon', 1, false), ('later', 6.9, false), ('too-late', 7.1, false), ('over', -0.5, false), ('unseen', 1, true), ('for-ever', NULL, false)) AS t (name, days, hidden), LATERAL pg_temp.tag(t.name, t.days, t.hidden);
SELECT pg_temp.hook('repo_image_expiry', 'webhook', '{"url": "https://ci.example.com/"}', '{"days": 7}') AS week \gset
SELECT pg_temp.hook('repo_image_expiry', 'quay_notification', '{"target": {"kind": "user", "name": "ndl-bob"}}', '{"days": 2}') AS two \gset
SELECT pg_temp.hook('repo_image_expiry', 'quay_notification', '{"target": {"kind": "user", "name": "ndl-bob"}}', '{"days": 2}', repository => 'other') IS NOT NULL AS ok;
SELECT pg_temp.hook('repo_image_expiry', 'webhook', '{"url": "https://ci.example.com/"}', '{"days": 7}') AS broken \gset
UPDATE quay.repositorynotification SET event_config_json = '{}' WHERE uuid = :'broken';
SELECT namespace, repository, uuid = :'week' AS week, days, tags FROM quay.notification_expiry_run(3);
SELECT namespace, repository, days, tags FROM quay.notification_expiry_run(100);
SELECT count(*) AS within_the_interval FROM quay.notification_expiry_run(100);
SELECT path, data - 'notification_uuid' AS data, data ->> 'notification_uuid' IN (:'week', :'two') AS uuid FROM pg_temp.queued;
SELECT t.status, count(*) FROM quay.notification_delivery_take(10) AS t GROUP BY 1 ORDER BY 1;
SELECT kind, target, metadata - 'notification_uuid' AS metadata FROM pg_temp.told;
DELETE FROM quay.queueitem;
-- Five hours later: only what is new, or has another end. What a policy will prune is told as well.
SET LOCAL quay.clock = '2026-03-01 17:00:01+00';
SELECT pg_temp.tag('new', 1);
SELECT quay.tag_set_expiration('ndl-org', 'app', 'later', '2026-03-03 00:00:00+00') IS NOT NULL AS moved;
SELECT pg_temp.tag('old', NULL, age_days => 20);
SELECT quay.autoprune_policy_create('ndl-org', 'creation_date', '3w', tag_pattern => 'old', repository => 'app') IS NOT NULL AS policy;
SELECT repository, days, tags FROM quay.notification_expiry_run(100) ORDER BY 1, 2;
SELECT data - ARRAY['notification_uuid', 'repository'] AS data FROM pg_temp.queued ORDER BY data ->> 'expiring_in';
SELECT count(*) AS marks, count(DISTINCT (s.notification_id, s.tag_id, s.method_id)) AS different FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id JOIN quay.manifest AS m ON m.id = t.manifest_id WHERE m.digest = 'sha256:ndl';
DELETE FROM quay.queueitem;
-- A wrong default policy does not keep the others from being told; disabled ones look at nothing; and the interval is a setting.
SET LOCAL quay.clock = '2026-03-01 18:00:00+00';
SET LOCAL quay.notification_expiry_interval = '1h';
SELECT count(*) AS not_yet FROM quay.notification_expiry_run(100);
SET LOCAL quay.notification_expiry_interval = '10min';
SET LOCAL quay.default_autoprune_policy = 'nonsense';
SELECT pg_temp.tag('newer', 1);
UPDATE quay.repositorynotification SET number_of_failures = 3 WHERE uuid = :'two';
SELECT repository, days, tags FROM quay.notification_expiry_run(100) ORDER BY 1, 2;
RESET quay.default_autoprune_policy;
-- More than fits into one notice
DELETE FROM quay.queueitem;
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT count(*) FROM generate_series(1, 1001) AS i, LATERAL pg_temp.tag('many' || i, 1);
SELECT repository, days, tags FROM quay.notification_expiry_run(100) ORDER BY 1, 2;
SELECT repository, days, tags FROM quay.notification_expiry_run(100) ORDER BY 1, 2;
SELECT jsonb_array_length(data -> 'tags') AS tags FROM pg_temp.queued;
SELECT pg_temp.try($$SELECT quay.notification_expiry_run(0)$$);

-- Notices of quotas
INSERT INTO quay.quotanotificationstate (namespace_id, threshold_percent, last_notified_at, cleared)
SELECT u.id, s.percent, s.told, s.cleared FROM quay."user" AS u, (VALUES (70, '2026-03-01 00:00:00'::timestamp, false), (80, '2026-03-02 11:00:00', false), (90, '2026-03-02 11:00:00', true), (95, NULL, false)) AS s (percent, told, cleared) WHERE u.username = 'ndl-org';
SELECT * FROM quay.quota_notice_list('ndl-org');
SELECT quay.quota_notice_forget('ndl-org', 80) AS one, quay.quota_notice_forget('ndl-org', 80) AS again, quay.quota_notice_forget('ndl-org') AS rest, (SELECT count(*) FROM quay.quota_notice_list('ndl-carol')) AS of_another;
SELECT pg_temp.try(s) FROM unnest(ARRAY[$$SELECT quay.quota_notice_list('ndl-none')$$, $$SELECT quay.quota_notice_forget('ndl-none')$$]) AS s;
ROLLBACK;
