-- Exchanging the key of the encrypted columns.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.database_secret_key = 'the old key';
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    context text;
BEGIN
    EXECUTE command;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint)
        -- The command stands in the context; beyond it no line may show an argument.
        || CASE WHEN replace(context, command, '') ~ 'key"|third' THEN E'\nLEAK: ' || context ELSE '' END;
END
$$;
CREATE FUNCTION pg_temp.progress() RETURNS TABLE (column_name text, last_id boolean, finished boolean) LANGUAGE sql AS $$
    SELECT r.table_name || '.' || r.column_name, r.last_id > 0, r.finished FROM quay_internal.secret_rotation AS r ORDER BY 1
$$;
-- The list is complete, and all on it are secrets. (The digest of a session's token needs no key: the token is random.)
SELECT s.table_name, s.column_name FROM quay_internal.secret_column_list() AS s
LEFT JOIN quay_internal.keyed_column_list() AS k USING (table_name, column_name)
WHERE k.table_name IS NULL AND s.column_name ~ 'secure|secret|external_registry|upstream_registry|digest'
  AND (s.table_name, s.column_name) <> ('session', 'digest');
SELECT k.table_name, k.column_name FROM quay_internal.keyed_column_list() AS k
LEFT JOIN quay_internal.secret_column_list() AS s USING (table_name, column_name) WHERE s.table_name IS NULL;

-- A value in every column.
DELETE FROM quay_internal.secret_rotation;
SELECT quay.user_create('rot-alice', 'password', 'alice@rot.example') IS NOT NULL AS alice, quay.organization_create('rot-org', NULL, 'rot-alice') IS NOT NULL AS org;
SELECT quay.repository_create('rot-org', 'app') IS NOT NULL AS app;
SELECT r.username FROM unnest(ARRAY['r1', 'r2', 'r3']) AS n, quay.robot_create('rot-org', n, given_token => repeat('T', 64)) AS r;
CREATE TEMP TABLE place ON COMMIT DROP AS
SELECT o.id AS org_id, r.id AS repository_id, a.id AS alice_id, b.id AS robot_id
FROM quay."user" AS o, quay.repository AS r, quay."user" AS a, quay."user" AS b
WHERE o.username = 'rot-org' AND r.namespace_user_id = o.id AND a.username = 'rot-alice' AND b.username = 'rot-org+r1';
INSERT INTO quay.accesstoken (friendly_name, repository_id, created, role_id, temporary, token_code, token_name)
SELECT 'rot', repository_id, '2026-03-01', 1, false, quay_internal.field_encrypt('CODE'), 'rot-token' FROM place;
INSERT INTO quay.appspecificauthtoken (user_id, uuid, title, created, token_name, token_secret)
SELECT alice_id, 'rot-app', 'rot', '2026-03-01', 'rot-app', quay_internal.field_encrypt('SECRET') FROM place;
INSERT INTO quay.oauthapplication (client_id, redirect_uri, application_uri, organization_id, name, description, secure_client_secret)
SELECT 'ROT', '', '', org_id, 'rot', '', quay_internal.field_encrypt('CLIENT') FROM place;
INSERT INTO quay.oauthapplication (client_id, redirect_uri, application_uri, organization_id, name, description) SELECT 'ROT2', '', '', org_id, 'none', '' FROM place;
INSERT INTO quay.oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_code, token_name, token_digest)
SELECT 'rot-' || n, a.id, alice_id, '', 'Bearer', '2027-01-01', '', '', 'rot-' || n, repeat('a', 64)
FROM place, quay.oauthapplication AS a, generate_series(1, 3) AS n WHERE a.client_id = 'ROT';
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, is_enabled, external_registry_type, external_registry_url, external_namespace,
                                  external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval,
                                  external_registry_username, external_registry_password)
SELECT org_id, '2026-03-01', true, 1, 'https://quay.io', 'a', '{}', robot_id, '[]', 1, 60, quay_internal.field_encrypt('orguser'), quay_internal.field_encrypt('orgpass') FROM place;
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value) SELECT 'rot', repository_id, '2026-03-01', 1, '[]' FROM place;
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config, sync_status, root_rule_id,
                                   external_reference, external_registry_username, external_registry_password)
SELECT p.repository_id, '2026-03-01', true, 1, robot_id, '{}', 0, r.id, 'quay.io/a/b', quay_internal.field_encrypt('user'), quay_internal.field_encrypt(repeat('p', 6000), 9000)
FROM place AS p, quay.repomirrorrule AS r WHERE r.uuid = 'rot';
INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry, upstream_registry_username, upstream_registry_password, expiration_s, insecure)
SELECT org_id, '2026-03-01', 'docker.io', quay_internal.field_encrypt('proxyuser'), quay_internal.field_encrypt('proxypass'), 60, false FROM place;
INSERT INTO quay.repositorybuildtrigger (uuid, service_id, repository_id, connected_user_id, config, secure_auth_token, secure_private_key)
SELECT 'rot', (SELECT min(id) FROM quay.buildtriggerservice), repository_id, alice_id, '{}', quay_internal.field_encrypt('auth'), quay_internal.field_encrypt('private') FROM place;
CREATE FUNCTION pg_temp.secrets() RETURNS TABLE (what text, secret text) LANGUAGE sql AS $$
    SELECT 'accesstoken', quay_internal.field_decrypt(token_code) FROM quay.accesstoken WHERE token_name = 'rot-token'
    UNION ALL SELECT 'apptoken', quay_internal.field_decrypt(token_secret) FROM quay.appspecificauthtoken WHERE uuid = 'rot-app'
    UNION ALL SELECT 'application', quay_internal.field_decrypt(secure_client_secret) FROM quay.oauthapplication WHERE client_id LIKE 'ROT%'
    UNION ALL SELECT 'orgmirror', quay_internal.field_decrypt(external_registry_username) || ':' || quay_internal.field_decrypt(external_registry_password) FROM quay.orgmirrorconfig
    UNION ALL SELECT 'mirror', quay_internal.field_decrypt(external_registry_username) || ':' || length(quay_internal.field_decrypt(external_registry_password)) FROM quay.repomirrorconfig
    UNION ALL SELECT 'proxy', quay_internal.field_decrypt(upstream_registry_username) || ':' || quay_internal.field_decrypt(upstream_registry_password) FROM quay.proxycacheconfig
    UNION ALL SELECT 'trigger', quay_internal.field_decrypt(secure_auth_token) || ':' || quay_internal.field_decrypt(secure_private_key) FROM quay.repositorybuildtrigger
    UNION ALL SELECT username, left(quay.robot_token('rot-org', split_part(username, '+', 2)), 4) FROM quay."user" WHERE username LIKE 'rot-org+%'
    ORDER BY 1, 2
$$;
SELECT * FROM pg_temp.secrets();

-- Refused before anything is done.
SELECT pg_temp.refused($$SELECT quay.secret_rotate()$$);
SELECT pg_temp.refused($$SELECT quay.secret_rotate('the old key', 'the old key')$$);
SELECT pg_temp.refused($$SELECT quay.secret_rotate('third', 'fourth key"')$$);
SELECT pg_temp.refused($$SELECT quay.secret_rotate('', 'the new key"')$$);
SELECT pg_temp.refused($$SELECT quay.secret_rotate('密third', 'the new key"')$$);
SELECT pg_temp.refused($$SELECT quay.secret_rotate('the old key"', '密third')$$);
SELECT b, pg_temp.refused(format('SELECT quay.secret_rotate(batch => %L)', b)) FROM unnest(ARRAY[0, -1, NULL]) AS b;
SELECT pg_temp.refused($$SELECT * FROM quay.secret_check(-1)$$);
SET LOCAL quay.database_secret_key = '';
SELECT pg_temp.refused($$SELECT quay.secret_rotate()$$);
SELECT pg_temp.refused($$SELECT * FROM quay.secret_check()$$);
SET LOCAL quay.database_secret_key = '密third';
SELECT pg_temp.refused($$SELECT quay.secret_rotate()$$);
SET LOCAL quay.database_secret_key = 'the new key';
SET LOCAL quay.database_secret_key_previous = '密third';
SELECT pg_temp.refused($$SELECT quay.secret_rotate()$$);
SELECT count(*) FROM pg_temp.progress();

-- With both keys set all is readable, whatever it has; without the old one it is not.
SET LOCAL quay.database_secret_key_previous = '';
SELECT pg_temp.refused($$SELECT * FROM pg_temp.secrets()$$);
SELECT table_name, column_name, key, count(*) FROM quay.secret_check() GROUP BY 1, 2, 3 ORDER BY 1, 2;
SET LOCAL quay.database_secret_key_previous = 'the old key';
SELECT * FROM pg_temp.secrets();
SELECT actor, error FROM quay.authenticate('rot-org+r1', repeat('T', 64));
SELECT table_name, column_name, key, count(*) FROM quay.secret_check() GROUP BY 1, 2, 3 ORDER BY 1, 2;
SELECT count(*) FROM quay.secret_check(2);

-- Step by step: two rows at most, then those of the next column.
UPDATE quay.robotaccounttoken SET token = quay_internal.field_encrypt(repeat('U', 64), 255)
WHERE robot_account_id = (SELECT id FROM quay."user" WHERE username = 'rot-org+r2');
CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT t.id, t.token FROM quay.robotaccounttoken AS t;
SELECT quay.secret_rotate(batch => 2);
SELECT * FROM pg_temp.progress();
SELECT * FROM pg_temp.secrets();
SELECT n, quay.secret_rotate(batch => 2) FROM generate_series(2, 8) AS n;
SELECT * FROM pg_temp.progress();
SELECT n, quay.secret_rotate(batch => 2) FROM generate_series(9, 16) AS n;
SELECT * FROM pg_temp.progress();
SELECT quay.secret_rotate(), quay.secret_rotate();
SELECT count(*) FROM quay.secret_check();
SELECT count(*) FROM quay.oauthaccesstoken WHERE token_digest IS NOT NULL;
-- What had the new key was left alone.
SELECT u.username, k.token = t.token AS same, length(k.token) = length(t.token) AS same_length
FROM quay.robotaccounttoken AS t JOIN kept AS k USING (id) JOIN quay."user" AS u ON u.id = t.robot_account_id WHERE u.username LIKE 'rot-%' ORDER BY 1;
SET LOCAL quay.database_secret_key_previous = '';
SELECT * FROM pg_temp.secrets();
SELECT length(secure_private_key) > 4 AS kept FROM quay.repositorybuildtrigger;

-- A session with the old key wrote after all: a further call finds it. Digests that were made meanwhile stay.
SET LOCAL quay.database_secret_key = 'the old key';
SELECT quay.robot_regenerate('rot-org', 'r2') IS NOT NULL AS regenerated;
SET LOCAL quay.database_secret_key = 'the new key';
SET LOCAL quay.database_secret_key_previous = 'the old key';
UPDATE quay.oauthaccesstoken SET token_digest = repeat('b', 64) WHERE uuid = 'rot-1';
SELECT table_name, key FROM quay.secret_check();
SELECT * FROM pg_temp.progress() WHERE NOT finished;
SELECT n, quay.secret_rotate(batch => 1) FROM generate_series(1, 4) AS n;
SELECT count(*) FROM quay.secret_check();
SELECT count(*) FROM quay.oauthaccesstoken WHERE token_digest IS NOT NULL;

-- To a third key, by arguments: starts anew. A damaged value does not hold it up.
UPDATE quay.robotaccounttoken SET token = 'v0$$damaged' WHERE robot_account_id = (SELECT id FROM quay."user" WHERE username = 'rot-org+r2');
\set VERBOSITY terse
SELECT sum(quay.secret_rotate('the new key', 'the third key', 100)) > 12 AS looked FROM generate_series(1, 20);
\set VERBOSITY default
SELECT * FROM pg_temp.progress() WHERE NOT finished;
SET LOCAL quay.database_secret_key = 'the third key';
SET LOCAL quay.database_secret_key_previous = 'the new key';
SELECT table_name, column_name, key FROM quay.secret_check();
SELECT pg_temp.refused($$SELECT quay.robot_token('rot-org', 'r2')$$);
SELECT quay.robot_token('rot-org', 'r1') = repeat('T', 64) AS readable;
SELECT quay.secret_rotate();
-- Nothing encrypted at all is nothing wrong.
SELECT quay_internal.account_delete_linked(ARRAY(SELECT id FROM quay."user"));
DELETE FROM quay.accesstoken;
DELETE FROM quay.oauthapplication;
DELETE FROM quay.proxycacheconfig;
DELETE FROM quay.robotaccounttoken;
SELECT quay.secret_rotate('one', 'other');
ROLLBACK;

-- Each batch is a transaction of its own: not within another one.
BEGIN;
SET LOCAL quay.database_secret_key_previous = 'some other key';
CALL quay.secret_rotate_all();
ROLLBACK;
SET quay.database_secret_key_previous = 'some other key';
CALL quay.secret_rotate_all(1000);
RESET quay.database_secret_key_previous;
SELECT count(*) FROM quay_internal.secret_rotation WHERE NOT finished;
DELETE FROM quay_internal.secret_rotation;
