-- Robots: reading, changing, deleting, and logging in through an identity provider.
\set VERBOSITY default
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = ISO;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.server_hostname = 'registry.example';
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.logged() RETURNS TABLE (kind text, account text, performer text, metadata jsonb, ip text) LANGUAGE sql AS $$
    SELECT k.name, a.username, p.username, l.metadata_json::jsonb, l.ip
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE k.name ~ 'robot' AND a.username ~ '^rob' ORDER BY l.id
$$;
SELECT count(quay.user_create(n, 'password', n || '@rob.example')) FROM unnest(ARRAY['rob-alice', 'rob_a', 'robxa', 'rob-off']) AS n;
SELECT quay.organization_create('rob-org', NULL, 'rob-alice') IS NOT NULL AS org, quay.team_create('rob-org', 'devs', 'member') IS NOT NULL AS devs,
       quay.team_create('rob-org', 'aces', 'member') IS NOT NULL AS aces;
SELECT quay.repository_create('rob-org', n) IS NOT NULL AS repository FROM unnest(ARRAY['web', 'api', 'old']) AS n;
SELECT username, token ~ '^[A-Z0-9]{64}$' AS token FROM quay.robot_create('rob-org', 'ci', 'builds', '{"team": "build"}', actor => 'rob-alice', ip => '192.0.2.1');
SELECT username, token FROM quay.robot_create('rob-org', 'mr_bender', given_token => repeat('T', 64));
SELECT username FROM quay.robot_create('rob_a', 'bot') UNION ALL SELECT username FROM quay.robot_create('robxa', 'bot')
UNION ALL SELECT username FROM quay.robot_create('rob-off', 'bot');
SELECT count(*) FROM pg_temp.logged();

-- One, many, none. An underscore in a name is no wildcard.
SELECT shortname, username, robot_id IS NOT NULL AS id, description, metadata, enabled, created, last_accessed, teams, repositories FROM quay.robot_get('rob-org', 'ci');
SELECT count(*) FROM quay.robot_get('rob-org', 'none');
SELECT count(*) FROM quay.robot_get('rob-org', NULL);
SELECT shortname, username, description, metadata, created, last_accessed, teams, repositories FROM quay.robot_list('rob-org');
SELECT username FROM quay.robot_list('rob_a');
SELECT shortname FROM quay.robot_list('rob-org', n => 1);
SELECT shortname FROM quay.robot_list('rob-org', after => 'ci', n => 1);
SELECT shortname FROM quay.robot_list('rob-org', after => 'mr_bender');
SELECT shortname FROM quay.robot_list('rob-org', n => 0);
SELECT quay.team_member_add('rob-org', t, 'rob-org+ci') FROM unnest(ARRAY['devs', 'aces']) AS t;
SELECT quay.permission_set('rob-org', r, 'user', 'rob-org+ci', 'read') FROM unnest(ARRAY['web', 'api', 'old']) AS r;
UPDATE quay.repository SET state = 3 WHERE name = 'old' AND namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'rob-org');
SELECT shortname, teams, repositories FROM quay.robot_list('rob-org', with_permissions => true);
SELECT shortname, teams, repositories FROM quay.robot_get('rob-org', 'ci', with_permissions => true);
-- The reference may have left a robot without metadata.
DELETE FROM quay.robotaccountmetadata WHERE robot_account_id = (SELECT id FROM quay."user" WHERE username = 'rob-org+mr_bender');
SELECT shortname, description, metadata FROM quay.robot_list('rob-org');

-- Its token.
SELECT quay.robot_token('rob-org', 'mr_bender');
SELECT * FROM quay.robot_pull_credentials('rob-org+mr_bender');
SELECT * FROM quay.robot_pull_credentials('rob-org');
SELECT * FROM quay.robot_pull_credentials('rob-org+none');
SELECT actor, error FROM quay.authenticate('rob-org+ci', quay.robot_token('rob-org', 'ci'));

-- A new token.
CREATE TEMP TABLE before ON COMMIT DROP AS
SELECT u.id, u.uuid, u.email, quay.robot_token('rob-org', 'ci') AS token FROM quay."user" AS u WHERE u.username = 'rob-org+ci';
UPDATE quay.federatedlogin SET service_ident = 'robot:rob-org+ci', metadata_json = '{"kept": 1}' WHERE user_id = (SELECT id FROM before);
CREATE TEMP TABLE after ON COMMIT DROP AS SELECT * FROM quay.robot_regenerate('rob-org', 'ci', actor => 'rob-alice', ip => '192.0.2.2');
SELECT shortname, username, token ~ '^[A-Z0-9]{64}$' AS token FROM after;
SELECT a.token <> b.token AS other_token, a.token = quay.robot_token('rob-org', 'ci') AS stored, u.uuid <> b.uuid AS other_uuid, u.email <> b.email AS other_email,
       l.service_ident = 'robot:' || u.id AS ident, l.metadata_json
FROM after AS a, before AS b JOIN quay."user" AS u ON u.id = b.id JOIN quay.federatedlogin AS l ON l.user_id = u.id;
SELECT t.n, actor, error FROM (SELECT 'after', token FROM after UNION ALL SELECT 'before', token FROM before) AS t (n, token), quay.authenticate('rob-org+ci', token);
DELETE FROM quay.robotaccounttoken WHERE robot_account_id = (SELECT id FROM before);
DELETE FROM quay.federatedlogin WHERE user_id = (SELECT id FROM before);
SELECT quay.robot_token('rob-org', 'ci') IS NULL AS none;
SELECT count(*) FROM quay.robot_pull_credentials('rob-org+ci');
SELECT actor, error FROM quay.authenticate('rob-org+ci', repeat('T', 64));
SELECT quay.robot_regenerate('rob-org', 'ci') IS NOT NULL AS regenerated;
SELECT actor, error FROM quay.authenticate('rob-org+ci', quay.robot_token('rob-org', 'ci'));
SELECT s.name, l.metadata_json FROM quay.federatedlogin AS l JOIN quay.loginservice AS s ON s.id = l.service_id WHERE l.user_id = (SELECT id FROM before);

-- Description and metadata; NULL leaves them.
SELECT quay.robot_set_metadata('rob-org', 'mr_bender', repeat('d', 300));
SELECT length(description), metadata FROM quay.robot_get('rob-org', 'mr_bender');
SELECT quay.robot_set_metadata('rob-org', 'mr_bender', metadata => '{"a": [1]}');
SELECT length(description), metadata FROM quay.robot_get('rob-org', 'mr_bender');
SELECT quay.robot_set_metadata('rob-org', 'mr_bender', '', '{}');
SELECT description, metadata FROM quay.robot_get('rob-org', 'mr_bender');

-- Identity providers.
SELECT count(*) FROM quay.robot_federation_get('rob-org', 'ci');
SELECT * FROM quay.robot_federation_match('rob-org+ci', 'https://idp.example', 'build');
SELECT quay.robot_federation_delete('rob-org', 'ci');
SELECT quay.robot_federation_set('rob-org', 'ci', '[{"issuer": "https://idp.example/realm?x=1", "subject": "build", "audiences": ["registry", "other"], "junk": 1},
    {"issuer": "https://idp.example/realm?x=1", "subject": "deploy"}, {"issuer": "HTTP://127.0.0.1:8080", "subject": "build", "audiences": []},
    {"issuer": "https://[::1]", "subject": "6", "audiences": null}]', actor => 'rob-alice', ip => '192.0.2.3');
SELECT * FROM quay.robot_federation_get('rob-org', 'ci');
SELECT i, s, a, m.actor, m.error
FROM (VALUES ('https://idp.example/realm?x=1', 'build', '{registry}'::text[]), ('https://idp.example/realm?x=1', 'build', '{third,other}'),
             ('https://idp.example/realm?x=1', 'build', '{third}'), ('https://idp.example/realm?x=1', 'build', NULL), ('https://idp.example/realm?x=1', 'deploy', NULL),
             ('https://idp.example', 'deploy', NULL), ('https://idp.example/realm?x=1', 'other', '{registry}'), ('HTTP://127.0.0.1:8080', 'build', '{}'),
             (NULL, NULL, NULL)) AS t (i, s, a), quay.robot_federation_match('rob-org+ci', i, s, a, '192.0.2.4') AS m;
SELECT m.* FROM unnest(ARRAY['rob-org+none', 'rob-org', 'a+b+c', 'rob-org+mr_bender', NULL]) AS r, quay.robot_federation_match(r, 'HTTP://127.0.0.1:8080', 'build') AS m;
SET LOCAL quay.robots_disallow = on;
SELECT * FROM quay.robot_federation_match('rob-org+ci', 'HTTP://127.0.0.1:8080', 'build');
INSERT INTO quay.allowed_robot VALUES ('rob-org+ci');
SELECT * FROM quay.robot_federation_match('rob-org+ci', 'HTTP://127.0.0.1:8080', 'build');
SELECT pg_temp.refused($$SELECT quay.robot_create('rob-org', 'ci2')$$);
SET LOCAL quay.robots_disallow = off;
UPDATE quay."user" SET enabled = false WHERE username = 'rob-org+ci';
SELECT * FROM quay.robot_federation_match('rob-org+ci', 'HTTP://127.0.0.1:8080', 'build');
UPDATE quay."user" SET enabled = true WHERE username = 'rob-org+ci';
-- Regenerating the token leaves it, setting replaces it.
SELECT username FROM quay.robot_regenerate('rob-org', 'ci');
SELECT count(*) FROM quay.robot_federation_get('rob-org', 'ci');
SELECT quay.robot_federation_set('rob-org', 'ci', '[{"issuer": "https://idp.example", "subject": "build"}]');
SELECT * FROM quay.robot_federation_get('rob-org', 'ci');
SELECT quay.robot_federation_delete('rob-org', 'ci', actor => 'rob-alice', ip => '192.0.2.5'), quay.robot_federation_delete('rob-org', 'ci');
SELECT count(*) FROM quay.robot_federation_get('rob-org', 'ci');
SELECT quay.robot_federation_set('rob-org', 'ci', '[]');
SELECT c, pg_temp.refused(format('SELECT quay.robot_federation_set(%L, %L, %L)', 'rob-org', 'ci', c)) FROM unnest(ARRAY[NULL,
    '{}', '"text"', '[1]', '[{"subject": "build"}]', '[{"issuer": 1, "subject": "build"}]', '[{"issuer": "", "subject": "build"}]',
    '[{"issuer": "idp.example", "subject": "build"}]', '[{"issuer": "ftp://idp.example", "subject": "build"}]', '[{"issuer": "https://", "subject": "build"}]',
    '[{"issuer": "https://idp.example/a b", "subject": "build"}]', '[{"issuer": "https://idp.example\n", "subject": "build"}]',
    '[{"issuer": "https://idp.example"}]', '[{"issuer": "https://idp.example", "subject": ""}]', '[{"issuer": "https://idp.example", "subject": 1}]',
    '[{"issuer": "https://idp.example", "subject": "build", "audiences": "registry"}]', '[{"issuer": "https://idp.example", "subject": "build", "audiences": [1]}]',
    '[{"issuer": "https://idp.example", "subject": "build", "audiences": [""]}]', '[{"issuer": "https://idp.example", "subject": "build", "audiences": {}}]',
    '[{"issuer": "https://idp.example", "subject": "build"}, {"issuer": "https://idp.example", "subject": "build", "audiences": ["a"]}]']) AS c;

-- What was recorded.
SELECT * FROM pg_temp.logged();

-- Errors.
UPDATE quay."user" SET enabled = false WHERE username = 'rob-off';
SELECT f, pg_temp.refused(format('SELECT quay.%s', f)) FROM unnest(ARRAY[
    'robot_get(''rob-none'', ''ci'')', 'robot_list(''rob-none'')', 'robot_token(''rob-none'', ''ci'')', 'robot_regenerate(''rob-none'', ''ci'')',
    'robot_set_metadata(''rob-none'', ''ci'')', 'robot_delete(''rob-none'', ''ci'')', 'robot_federation_get(''rob-none'', ''ci'')',
    'robot_federation_set(''rob-none'', ''ci'', ''[]'')', 'robot_federation_delete(''rob-none'', ''ci'')']) AS f;
SELECT f, split_part(pg_temp.refused(format('SELECT quay.%s', f)), E'\n', 1) FROM unnest(ARRAY[
    'robot_get(''rob-off'', ''bot'')', 'robot_list(''rob-off'')', 'robot_token(''rob-off'', ''bot'')', 'robot_regenerate(''rob-off'', ''bot'')',
    'robot_set_metadata(''rob-off'', ''bot'')', 'robot_delete(''rob-off'', ''bot'')', 'robot_federation_get(''rob-off'', ''bot'')',
    'robot_federation_set(''rob-off'', ''bot'', ''[]'')', 'robot_federation_delete(''rob-off'', ''bot'')']) AS f;
SELECT f, pg_temp.refused(format('SELECT quay.%s', f)) FROM unnest(ARRAY[
    'robot_token(''rob-org'', ''none'')', 'robot_regenerate(''rob-org'', ''none'')', 'robot_set_metadata(''rob-org'', ''none'')',
    'robot_delete(''rob-org'', ''none'')', 'robot_federation_get(''rob-org'', NULL)', 'robot_federation_set(''rob-org'', ''none'', ''[]'')',
    'robot_federation_delete(''rob-org'', ''ci+ci'')']) AS f;
SELECT f, pg_temp.refused(format('SELECT quay.%s', f)) FROM unnest(ARRAY[
    'robot_create(''rob-org'', ''c2'', actor => ''rob-none'')', 'robot_regenerate(''rob-org'', ''ci'', actor => ''rob-none'')',
    'robot_delete(''rob-org'', ''ci'', actor => ''rob-none'')', 'robot_federation_set(''rob-org'', ''ci'', ''[]'', actor => ''rob-none'')',
    'robot_federation_delete(''rob-org'', ''ci'', actor => ''rob-none'')', 'robot_list(''rob-org'', n => -1)',
    'robot_create(''rob-org'', ''ci'')', 'robot_create(''rob-org'', ''c2'', metadata => ''[]'')', 'robot_set_metadata(''rob-org'', ''ci'', metadata => ''7'')',
    'robot_create(''rob-org'', ''Ci'')', E'robot_create(''rob-org'', ''ci\n'')', 'robot_create(''rob-org'', ''ci+ci'')',
    'robot_create(''rob-org'', ''c2'', given_token => ''short'')', E'robot_create(''rob-org'', ''c2'', given_token => repeat(''T'', 64) || E''\\n'')',
    'robot_create(''rob-org'', repeat(''x'', 250))']) AS f;
UPDATE quay.robotaccounttoken SET token = 'v0$$damaged' WHERE robot_account_id = (SELECT id FROM before);
SELECT pg_temp.refused($$SELECT quay.robot_token('rob-org', 'ci')$$);
SELECT pg_temp.refused($$SELECT * FROM quay.robot_pull_credentials('rob-org+ci')$$);
SELECT quay.robot_regenerate('rob-org', 'ci') IS NOT NULL AS repaired;
SET LOCAL quay.database_secret_key = '';
SELECT pg_temp.refused($$SELECT quay.robot_regenerate('rob-org', 'ci')$$);
RESET quay.database_secret_key;

-- Deletion: with all that refers to it, but builds and their triggers stay.
SELECT quay.prototype_create('rob-org', 'read', 'user', 'rob-org+ci') IS NOT NULL AS delegate,
       quay.prototype_create('rob-org', 'read', 'user', 'rob-alice', activating_user => 'rob-org+ci') IS NOT NULL AS activator;
SELECT quay_internal.notification_add('password_required', id) IS NOT NULL AS notified FROM before;
INSERT INTO quay.accesstoken (friendly_name, repository_id, created, role_id, temporary, token_code, token_name)
SELECT 'rob', r.id, '2026-03-01', (SELECT id FROM quay.role WHERE name = 'write'), false, '', 'rob-token'
FROM quay.repository AS r WHERE r.name = 'web' AND r.namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'rob-org');
INSERT INTO quay.repositorybuildtrigger (uuid, service_id, repository_id, connected_user_id, config, pull_robot_id)
SELECT 'rob-trigger', (SELECT min(id) FROM quay.buildtriggerservice), a.repository_id, (SELECT id FROM quay."user" WHERE username = 'rob-alice'), '{}', b.id
FROM quay.accesstoken AS a, before AS b WHERE a.token_name = 'rob-token';
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name, trigger_id, pull_robot_id)
SELECT 'rob-build', a.repository_id, a.id, '{}', 'waiting', '2026-03-01', 'build', t.id, b.id
FROM quay.accesstoken AS a, quay.repositorybuildtrigger AS t, before AS b WHERE a.token_name = 'rob-token' AND t.uuid = 'rob-trigger';
SELECT quay.robot_delete('rob-org', 'ci', actor => 'rob-alice', ip => '192.0.2.6');
SELECT count(*) FROM quay.robot_get('rob-org', 'ci');
SELECT b.uuid, b.pull_robot_id AS build_robot, t.pull_robot_id AS trigger_robot
FROM quay.repositorybuild AS b JOIN quay.repositorybuildtrigger AS t ON t.id = b.trigger_id WHERE b.uuid = 'rob-build';
SELECT l.kind, l.account, l.performer, l.metadata, l.ip FROM pg_temp.logged() AS l WHERE l.kind = 'delete_robot';
SELECT pg_temp.refused($$SELECT quay.robot_delete('rob-org', 'ci')$$);
SELECT quay.robot_create('rob-org', 'ci') IS NOT NULL AS again;
-- Of two namespaces whose names an underscore could confuse, the other one keeps its robot.
SELECT quay.robot_delete('rob_a', 'bot');
SELECT username FROM quay.robot_list('robxa');

-- A mirror needs its robot.
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
SELECT 'rob-rule', a.repository_id, '2026-03-01', 1, '[]' FROM quay.accesstoken AS a WHERE a.token_name = 'rob-token';
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config, sync_status, root_rule_id,
                                   external_reference)
SELECT r.repository_id, '2026-03-01', true, 1, u.id, '{}', 0, r.id, 'quay.io/a/b'
FROM quay.repomirrorrule AS r, quay."user" AS u WHERE r.uuid = 'rob-rule' AND u.username = 'rob-org+ci';
SELECT pg_temp.refused($$SELECT quay.robot_delete('rob-org', 'ci')$$);
DELETE FROM quay.repomirrorconfig WHERE root_rule_id = (SELECT id FROM quay.repomirrorrule WHERE uuid = 'rob-rule');
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, is_enabled, external_registry_type, external_registry_url, external_namespace,
                                  external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, '2026-03-01', true, 1, 'https://quay.io', 'a', '{}', u.id, '[]', (SELECT id FROM quay.visibility WHERE name = 'private'), 60
FROM quay."user" AS o, quay."user" AS u WHERE o.username = 'rob-org' AND u.username = 'rob-org+ci';
SELECT pg_temp.refused($$SELECT quay.robot_delete('rob-org', 'ci')$$);
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
