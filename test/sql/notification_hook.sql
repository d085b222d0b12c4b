-- Notifications of repositories and namespaces: what is accepted, what they show, who changed them, and which events pass their filters.
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
SELECT count(quay.user_create(n, 'password', n || '@nh.example')) FROM unnest(ARRAY['nh-alice', 'nh-bob']) AS n;
SELECT quay.organization_create('nh-org', 'org@nh.example', 'nh-alice') > 0 AS ok, quay.organization_create('nh-other', 'other@nh.example', 'nh-alice') > 0 AS ok;
SELECT username FROM quay.robot_create('nh-org', 'bot');
SELECT quay.team_create('nh-org', 'readers', 'member') > 0 AS ok;
SELECT count(quay.repository_create(n, 'app', 'nh-alice')) FROM unnest(ARRAY['nh-org', 'nh-alice']) AS n;
SELECT quay.repository_create('nh-org', 'other', 'nh-alice') > 0 AS ok;
SELECT confirmed FROM quay.repository_email_create('nh-org', 'app', 'open@nh.example');
SELECT email FROM quay.repository_email_confirm((SELECT code FROM quay.repository_email_create('nh-org', 'app', 'told@nh.example')));

-- Where a webhook may go
SELECT u.url, quay.webhook_check(u.url) AS problem
FROM unnest(ARRAY['https://ci.example.com/hook?token=a%20b#x', 'HTTP://CI.example.com:8080', 'https://user:pass@ci.example.com/x', 'https://10.0.0.1/x', 'http://jenkins:8080/', 'https://[fd00::1]:8443/x', 'https://8.8.8.8',
    'http://localhost/', 'http://a.localhost:80', 'http://LOCALHOST', 'http://127.0.0.1/x', 'http://127.8.9.1', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://0.0.0.0/', 'http://169.254.169.254/latest', 'http://[fe80::1]/',
    'http://127.1/', 'http://0x7f000001/', 'http://2130706433/', 'http://ci.example.com@127.0.0.1/', 'http://127.0.0.1#@ci.example.com/', 'http://127.0.0.1?@ci.example.com/', 'http://ci.example.com\@127.0.0.1/',
    'ftp://ci.example.com', 'ci.example.com/hook', 'https://', 'https:///x', 'https://ci.example.com:99999/', E'https://ci.example.com/\nx', ' https://ci.example.com', '', NULL]) AS u (url);
SELECT quay.webhook_check('https://ci.example.com', ARRAY['93.184.216.34', '10.0.0.1']) AS private, quay.webhook_check('https://ci.example.com', ARRAY['93.184.216.34', '127.0.0.1']) AS own,
       quay.webhook_check('https://ci.example.com', ARRAY['what']) AS malformed, quay.webhook_check('https://ci.example.com', NULL) AS unresolved;
SET LOCAL quay.webhook_blocked_hosts = ' bad.example.com, 10.0.0.1,Evil.example ';
SELECT u.url, quay.webhook_check(u.url) FROM unnest(ARRAY['https://bad.example.com:1/', 'https://10.0.0.1', 'https://evil.example', 'https://good.example.com']) AS u (url);
SET LOCAL quay.webhook_blocked_hosts = '';
SET LOCAL quay.webhook_private_networks = off;
INSERT INTO quay.allowed_upstream_host (host) VALUES ('jenkins.corp');
SELECT u.url, quay.webhook_check(u.url) FROM unnest(ARRAY['https://10.0.0.1/x', 'https://jenkins/', 'https://jenkins.corp/', 'https://u@ci.example.com/x']) AS u (url);
SELECT quay.webhook_check('https://ci.example.com/x', ARRAY['10.0.0.1']) AS resolved;
RESET quay.webhook_private_networks;

-- Methods
CREATE FUNCTION pg_temp.create(event text, method text, config text, event_config text DEFAULT '{}', title text DEFAULT NULL, namespace text DEFAULT 'nh-org', repository text DEFAULT 'app') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN regexp_replace(pg_temp.try(CASE WHEN repository = '' THEN
        format('SELECT quay.namespace_notification_create(%L, %L, %L, %L, %L, %L)', namespace, event, method, config, event_config, title)
        ELSE format('SELECT quay.repository_notification_create(%L, %L, %L, %L, %L, %L, %L)', namespace, repository, event, method, config, event_config, title) END),
        '^[0-9a-f-]{36}$', 'created');
END
$$;
SELECT c.method, c.config, pg_temp.create('repo_push', c.method, c.config) AS result
FROM (VALUES ('webhook', '{"url": "https://ci.example.com/hook"}'), ('webhook', '{"url": "https://ci.example.com/hook", "template": "{}", "other": 1}'), ('webhook', '{}'), ('webhook', '{"url": ""}'), ('webhook', '{"url": 1}'),
    ('webhook', '[]'), ('webhook', NULL), ('webhook', '{"url": "http://127.0.0.1/secret"}'), ('webhook', '{"url": "https://ci.example.com", "template": {}}'),
    ('slack', '{"url": "https://hooks.slack.com/services/x"}'), ('slack', '{}'), ('slack', '{"url": "nothing"}'),
    ('email', '{"email": "told@nh.example"}'), ('email', '{"email": "open@nh.example"}'), ('email', '{"email": "never@nh.example"}'), ('email', '{}'), ('email', '{"email": ["told@nh.example"]}'),
    ('flowdock', '{"flow_api_token": "t"}'), ('flowdock', '{"flow_api_token": ""}'), ('hipchat', '{"notification_token": "t", "room_id": 7}'), ('hipchat', '{"notification_token": "t"}'), ('hipchat', '{"room_id": 7}'),
    ('quay_notification', '{"target": {"kind": "user", "name": "nh-bob"}}'), ('quay_notification', '{"target": {"kind": "org", "name": "nh-org"}}'), ('quay_notification', '{"target": {"kind": "team", "name": "readers"}}'),
    ('quay_notification', '{"target": {"kind": "user", "name": "nh-nobody"}}'), ('quay_notification', '{"target": {"kind": "user", "name": "nh-org+bot"}}'), ('quay_notification', '{"target": {"kind": "user", "name": "nh-org"}}'),
    ('quay_notification', '{"target": {"kind": "org", "name": "nh-other"}}'), ('quay_notification', '{"target": {"kind": "org", "name": "nh-none"}}'), ('quay_notification', '{"target": {"kind": "team", "name": "nobody"}}'),
    ('quay_notification', '{"target": {"kind": "robot", "name": "x"}}'), ('quay_notification', '{"target": {"kind": "user"}}'), ('quay_notification', '{"target": "nh-bob"}'), ('quay_notification', '{}'),
    ('pigeon', '{}'), (NULL, '{}')) AS c (method, config);
SELECT pg_temp.create('repo_push', 'email', '{"email": "told@nh.example"}', repository => 'other') AS confirmed_for_another_repository;

-- Events and filters
SELECT c.event, left(c.filter, 60) AS filter, pg_temp.create(c.event, 'webhook', '{"url": "https://ci.example.com/"}', c.filter) AS result
FROM (VALUES ('nothing', '{}'), ('quota_warning', '{}'), (NULL, '{}'), ('repo_push', '[]'), ('repo_push', NULL), ('repo_push', '{"whatever": 1}'),
    ('vulnerability_found', '{}'), ('vulnerability_found', '{"level": 3}'), ('vulnerability_found', '{"level": "0"}'), ('vulnerability_found', '{"level": 6}'), ('vulnerability_found', '{"level": "High"}'), ('vulnerability_found', '{"level": null}'),
    ('vulnerability_found', '{"vulnerability": {"priority": "High"}}'), ('vulnerability_found', '{"vulnerability": {"priority": "Huge"}}'),
    ('repo_image_expiry', '{"days": 7}'), ('repo_image_expiry', '{"days": "7"}'), ('repo_image_expiry', '{}'), ('repo_image_expiry', '{"days": 0}'), ('repo_image_expiry', '{"days": 1.5}'), ('repo_image_expiry', '{"days": 100000}'),
    ('build_success', '{"ref-regex": "refs/heads/(main|v[0-9]+)$"}'), ('build_success', '{"ref-regex": ""}'), ('build_success', '{"ref-regex": null}'), ('build_success', '{"ref-regex": "("}'), ('build_success', '{"ref-regex": "(a)\\1"}'),
    ('build_success', '{"ref-regex": "a|b)|(?:c"}'), ('build_success', '{"ref-regex": "(?i)refs/Heads"}'), ('build_success', '{"ref-regex": "(?x)a b"}'), ('build_success', '{"ref-regex": ["a"]}'), ('build_success', format('{"ref-regex": "%s"}', repeat('a', 257)))) AS c (event, filter);
SELECT pg_temp.create('repo_push', 'webhook', '{"url": "https://ci.example.com/"}', title => repeat('t', 256)) AS long_title;
SELECT pg_temp.create('repo_push', 'webhook', '{"url": "https://ci.example.com/"}', namespace => 'nh-none') AS no_namespace, pg_temp.create('repo_push', 'webhook', '{"url": "https://ci.example.com/"}', repository => 'none') AS no_repository;
SELECT pg_temp.try($$SELECT quay.repository_notification_create('nh-org', 'app', 'repo_push', 'slack', '{"url": "https://ci.example.com/"}', actor => 'nh-none')$$);

-- Which events pass
SELECT p.event, p.filter, p.data, quay_internal.event_passes(p.event, p.filter, p.data::jsonb)
FROM (VALUES ('repo_push', '{"level": 0}', '{}'), ('repo_push', 'no json', '{}'),
    ('vulnerability_found', '{}', '{}'), ('vulnerability_found', '{"level": 1}', '{"vulnerability": {"priority": "Critical"}}'), ('vulnerability_found', '{"level": "1"}', '{"vulnerability": {"priority": "High"}}'),
    ('vulnerability_found', '{"level": 1}', '{"vulnerability": {"priority": "Medium"}}'), ('vulnerability_found', '{"level": 4}', '{"vulnerability": {}}'), ('vulnerability_found', '{"level": 5}', '{"vulnerability": {}}'),
    ('vulnerability_found', '{"level": 5}', '{"vulnerability": {"priority": "Huge"}}'), ('vulnerability_found', '{"level": 5}', '{}'), ('vulnerability_found', '{"level": 0}', '{"vulnerable_index_report_created": "true"}'),
    ('vulnerability_found', '{"level": "x"}', '{"vulnerability": {"priority": "Critical"}}'), ('vulnerability_found', '{"level": null}', '{}'), ('vulnerability_found', 'no json', '{}'),
    ('build_start', '{}', '{}'), ('build_start', '{"ref-regex": ""}', '{}'), ('build_start', '{"ref-regex": "refs/heads/main"}', '{"trigger_metadata": {"ref": "refs/heads/main2"}}'), ('build_start', '{"ref-regex": "heads"}', '{"trigger_metadata": {"ref": "refs/heads/main"}}'),
    ('build_start', '{"ref-regex": "x|refs/heads/m"}', '{"trigger_metadata": {"ref": "refs/heads/main"}}'), ('build_start', '{"ref-regex": "refs/heads/main$"}', '{"trigger_metadata": {"ref": "refs/heads/main2"}}'), ('build_start', '{"ref-regex": "(?i)REFS"}', '{"trigger_metadata": {"ref": "refs/heads/main"}}'),
    ('build_start', '{"ref-regex": "."}', '{"trigger_metadata": {}}'), ('build_start', '{"ref-regex": "."}', '{}'), ('build_start', '{"ref-regex": "("}', '{"trigger_metadata": {"ref": "("}}'), ('build_start', '{"ref-regex": "(.)\\1"}', '{"trigger_metadata": {"ref": "aa"}}'),
    ('build_start', '{"ref-regex": "(?P<a>r)"}', '{"trigger_metadata": {"ref": "refs"}}')) AS p (event, filter, data);

-- List, get, reset, delete; disabled ones too. Those of one repository only.
SELECT quay.repository_notification_create('nh-org', 'other', 'repo_push', 'webhook', '{"url": "https://ci.example.com/"}', title => 'Build it', actor => 'nh-alice', ip => '192.0.2.7') AS hook \gset
SELECT quay.repository_notification_create('nh-org', 'other', 'repo_image_expiry', 'quay_notification', '{"target": {"kind": "user", "name": "nh-bob"}}', '{"days": 3}') AS expiry \gset
UPDATE quay.repositorynotification SET number_of_failures = 3, last_error = '503' WHERE uuid = :'hook';
SELECT event, method, title, config, event_config, number_of_failures, enabled, last_error, last_ran_ms FROM quay.repository_notification_list('nh-org', 'other');
SELECT uuid = :'expiry' AS second FROM quay.repository_notification_list('nh-org', 'other', after => (SELECT notification_id FROM quay.repository_notification_list('nh-org', 'other', n => 1)));
SELECT event FROM quay.repository_notification_list('nh-org', 'other', events => '{repo_image_expiry}');
SELECT event, method, title, config, event_config, number_of_failures, enabled, last_error FROM quay.repository_notification_get('nh-org', 'other', :'hook');
SELECT count(*) AS of_another_repository FROM quay.repository_notification_get('nh-org', 'app', :'hook');
SET LOCAL quay.notification_failure_limit = 4;
SELECT enabled FROM quay.repository_notification_get('nh-org', 'other', :'hook');
RESET quay.notification_failure_limit;
SELECT pg_temp.try(format('SELECT quay.repository_notification_test(%L, %L, %L)', 'nh-org', 'other', :'hook')) ~ '^QY133 notification is disabled: Notification "[0-9a-f-]+" has failed 3 times in a row. \(Enable it with quay.repository_notification_reset\(\).\)$' AS disabled;
SELECT quay.repository_notification_reset('nh-org', 'app', :'hook') AS of_another_repository, quay.repository_notification_reset('nh-org', 'other', :'hook', actor => 'nh-alice') AS reset;
SELECT number_of_failures, enabled, last_error FROM quay.repository_notification_get('nh-org', 'other', :'hook');
SELECT quay.repository_notification_test('nh-org', 'app', :'hook') AS of_another_repository, quay.repository_notification_test('nh-org', 'other', :'hook', actor => 'nh-bob') AS test;
SELECT regexp_replace(q.queue_name, '[0-9a-f-]{36}', 'UUID') AS queue_name, q.retries_remaining, jsonb_pretty(q.body::jsonb - 'notification_uuid' #- '{performer_data,entity_id}') AS body FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/nh-%';
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes) SELECT r.id, 'sha256:nh', t.id, '{}' FROM quay.repository AS r, quay.mediatype AS t WHERE r.name = 'other' AND t.name = 'application/vnd.oci.image.manifest.v1+json';
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, hidden, tag_kind_id) SELECT 'v1', m.repository_id, m.id, 1, false, k.id FROM quay.manifest AS m, quay.tagkind AS k WHERE m.digest = 'sha256:nh' AND k.name = 'tag';
INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id) SELECT n.id, t.id, n.method_id FROM quay.repositorynotification AS n JOIN quay.tag AS t USING (repository_id) WHERE n.uuid = :'expiry';
SELECT quay.repository_notification_delete('nh-org', 'app', :'expiry') AS of_another_repository, quay.repository_notification_delete('nh-org', 'other', :'expiry', actor => 'nh-alice') AS deleted, quay.repository_notification_delete('nh-org', 'other', :'expiry') AS again;
SELECT count(*) AS marks FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id JOIN quay.manifest AS m ON m.id = t.manifest_id WHERE m.digest = 'sha256:nh';
SELECT k.name AS kind, p.username AS performer, l.ip, l.metadata_json::jsonb - 'notification_id' AS metadata
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id JOIN quay.repository AS r ON r.id = l.repository_id
WHERE u.username = 'nh-org' AND r.name = 'other' AND k.name LIKE '%notification' ORDER BY l.id;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.repository_notification_list('nh-org', 'none')$$, $$SELECT quay.repository_notification_list('nh-org', 'app', n => -1)$$,
    $$SELECT quay.repository_notification_get('nh-none', 'app', 'x')$$, $$SELECT quay.repository_notification_get('nh-org', 'app', NULL)$$,
    $$SELECT quay.repository_notification_delete('nh-org', 'app', 'x', actor => 'nh-none')$$, $$SELECT quay.repository_notification_delete('nh-org', 'none', 'x')$$,
    $$SELECT quay.repository_notification_reset('nh-org', 'app', 'x', actor => 'nh-none')$$, $$SELECT quay.repository_notification_reset('nh-org', 'app', 'x')$$,
    $$SELECT quay.repository_notification_test('nh-org', 'app', 'x')$$, $$SELECT quay.repository_notification_test('nh-org', 'app', 'x', actor => 'nh-none')$$]) AS s;

-- Of namespaces: persons and organizations; only events of quotas; e-mail without an address.
SELECT c.event, c.method, c.config, pg_temp.create(c.event, c.method, c.config, repository => '', namespace => c.namespace) AS result
FROM (VALUES ('nh-org', 'quota_warning', 'email', '{}'), ('nh-alice', 'quota_error', 'webhook', '{"url": "https://ci.example.com/"}'), ('nh-org', 'quota_error', 'quay_notification', '{"target": {"kind": "team", "name": "readers"}}'),
    ('nh-org', 'repo_push', 'email', '{}'), ('nh-org', 'quota_warning', 'slack', '{}'), ('nh-none', 'quota_warning', 'email', '{}'), ('nh-alice', 'quota_warning', 'quay_notification', '{"target": {"kind": "team", "name": "readers"}}')) AS c (namespace, event, method, config);
SELECT quay.namespace_notification_create('nh-org', 'quota_error', 'webhook', '{"url": "https://ci.example.com/"}', title => 'Full', actor => 'nh-alice', ip => '192.0.2.7') AS full \gset
SELECT event, method, title, config, event_config, number_of_failures, enabled, last_error FROM quay.namespace_notification_list('nh-org');
SELECT event, method FROM quay.namespace_notification_list('nh-org', events => '{quota_warning}');
SELECT count(*) AS none FROM quay.namespace_notification_list('nh-org', n => 0);
SELECT event, title FROM quay.namespace_notification_get('nh-org', :'full');
SELECT count(*) AS of_another FROM quay.namespace_notification_get('nh-alice', :'full');
UPDATE quay.namespacenotification SET number_of_failures = 7, last_error = 'x' WHERE uuid = :'full';
SELECT pg_temp.try(format('SELECT quay.namespace_notification_test(%L, %L)', 'nh-org', :'full')) ~ '^QY133 .*quay.namespace_notification_reset' AS disabled;
SELECT quay.namespace_notification_reset('nh-alice', :'full') AS of_another, quay.namespace_notification_reset('nh-org', :'full') AS reset;
SELECT number_of_failures, enabled, last_error FROM quay.namespace_notification_get('nh-org', :'full');
SET LOCAL quay.server_hostname = 'registry.example';
SET LOCAL quay.url_scheme = 'https';
SELECT quay.namespace_notification_test('nh-alice', :'full') AS of_another, quay.namespace_notification_test('nh-org', :'full') AS test;
SELECT regexp_replace(q.queue_name, '[0-9a-f-]{36}', 'UUID') AS queue_name, jsonb_pretty(q.body::jsonb - 'notification_uuid') AS body FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/nh-%quota%';
SELECT quay.namespace_notification_delete('nh-alice', :'full') AS of_another, quay.namespace_notification_delete('nh-org', :'full') AS deleted, quay.namespace_notification_delete('nh-org', :'full') AS again;
SELECT k.name AS kind, p.username AS performer, l.ip, l.metadata_json::jsonb - 'notification_id' AS metadata
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE u.username = 'nh-org' AND k.name LIKE '%namespace_notification' ORDER BY l.id;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.namespace_notification_list('nh-none')$$, $$SELECT quay.namespace_notification_list('nh-org', n => -1)$$, $$SELECT quay.namespace_notification_get('nh-none', 'x')$$,
    $$SELECT quay.namespace_notification_delete('nh-org', 'x', actor => 'nh-none')$$, $$SELECT quay.namespace_notification_reset('nh-org', 'x', actor => 'nh-none')$$,
    $$SELECT quay.namespace_notification_test('nh-org', 'x')$$, $$SELECT quay.namespace_notification_test('nh-none', 'x')$$,
    $$SELECT quay.namespace_notification_create('nh-org', 'quota_error', 'email', '{}', actor => 'nh-none')$$]) AS s;

-- Each event has an example that its own filter lets pass.
SELECT e.name, quay_internal.event_passes(e.name, f.filter, quay_internal.event_example(e.name, f.filter::jsonb)) AS passes, left(quay_internal.event_example(e.name, f.filter::jsonb)::text, 60) AS example
FROM quay.externalnotificationevent AS e CROSS JOIN LATERAL (SELECT CASE e.name WHEN 'vulnerability_found' THEN '{"level": 2}' WHEN 'repo_image_expiry' THEN '{"days": 5}' ELSE '{}' END AS filter) AS f ORDER BY e.id;
ROLLBACK;
