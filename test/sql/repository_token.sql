-- Tokens for one repository.
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
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s %s', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, account text, performer text, metadata jsonb, ip text) LANGUAGE sql AS $$
    SELECT k.name, a.username, p.username,
           l.metadata_json::jsonb - 'app_specific_token' - 'client_id' - 'token_uuid' - 'token_name', l.ip
    FROM quay.logentry3 AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE a.username LIKE 'ret-%' AND k.name ~ 'accesstoken' ORDER BY l.id;
$$;
SELECT quay.user_create('ret-alice', 'password', 'a@ret.example') IS NOT NULL AS created;
SELECT count(quay.repository_create('ret-alice', n, 'ret-alice')) FROM unnest(ARRAY['app', 'other']) AS n;

SELECT name, token FROM quay.repository_token_create('ret-alice', 'app', 'write', 'build-worker') \gset
SELECT length(:'name') AS name, :'token' ~ '^[A-Z0-9]{64}$' AS token, starts_with(:'token', :'name') AS begins_with_name;
SELECT name AS delegate FROM quay.repository_token_create('ret-alice', 'app', friendly_name => 'mirror', temporary => false,
    actor => 'ret-alice', ip => '192.0.2.1') \gset
SELECT kind, account, performer, metadata, ip FROM pg_temp.log();
SELECT friendly_name, role, kind, temporary, created FROM quay.repository_token_list('ret-alice', 'app');
SELECT friendly_name FROM quay.repository_token_list('ret-alice', 'app', n => 1,
    after => (SELECT token_id FROM quay.repository_token_list('ret-alice', 'app') WHERE name = :'name'));
SELECT count(*) FROM quay.repository_token_list('ret-alice', 'other');

SELECT namespace, repository, role, friendly_name, temporary FROM quay.repository_token_load(:'token');
SELECT count(*) FROM unnest(ARRAY[NULL, '', 'x', :'name', :'token' || 'X', left(:'token', 63), repeat('X', 64)]) AS t, quay.repository_token_load(t);
SELECT quay.repository_token_get('ret-alice', 'app', :'name') = :'token' AS whole;
SELECT pg_temp.try($$SELECT quay.repository_token_get('ret-alice', 'app', 'none')$$);
SELECT pg_temp.try($$SELECT quay.repository_token_get('ret-alice', 'app', NULL)$$);
SELECT left(pg_temp.try(format('SELECT quay.repository_token_get(%L, %L, %L)', 'ret-alice', 'other', :'name')), 5) AS of_another_repository;
-- The state of the repository is not looked at.
SAVEPOINT marked;
UPDATE quay.repository SET state = 3 WHERE name = 'app' AND namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'ret-alice');
SELECT namespace, repository, role FROM quay.repository_token_load(:'token');
ROLLBACK TO marked;
UPDATE quay.accesstoken SET token_code = 'v0$$damaged' WHERE token_name = :'name';
SELECT pg_temp.try(format('SELECT quay.repository_token_get(%L, %L, %L)', 'ret-alice', 'app', :'name'));
SELECT pg_temp.try(format('SELECT * FROM quay.repository_token_load(%L)', :'token'));
SELECT pg_temp.try(format('SELECT * FROM quay.authenticate(%L, %L)', '$token', :'token'));
ROLLBACK TO marked;

-- A token that a build was made with stays with the build; triggers let go of it.
SAVEPOINT build;
INSERT INTO quay.repositorybuildtrigger (uuid, service_id, repository_id, connected_user_id, config, write_token_id)
SELECT 'ret-trigger', (SELECT min(id) FROM quay.buildtriggerservice), r.id, r.namespace_user_id, '{}', t.id
FROM quay.repository AS r JOIN quay.accesstoken AS t ON t.repository_id = r.id WHERE t.token_name = :'name';
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name)
SELECT 'ret-build', t.repository_id, t.id, '{}', 'complete', now(), 'x' FROM quay.accesstoken AS t WHERE t.token_name = :'name';
SELECT pg_temp.try(format('SELECT quay.repository_token_delete(%L, %L, %L)', 'ret-alice', 'app', :'name'));
SELECT count(write_token_id) FROM quay.repositorybuildtrigger WHERE uuid = 'ret-trigger';
DELETE FROM quay.repositorybuild WHERE uuid = 'ret-build';
SELECT quay.repository_token_delete('ret-alice', 'app', :'name');
SELECT count(write_token_id) FROM quay.repositorybuildtrigger WHERE uuid = 'ret-trigger';
ROLLBACK TO build;
SELECT quay.repository_token_delete('ret-alice', 'other', :'name') AS elsewhere, quay.repository_token_delete('ret-alice', 'app', 'none') AS unknown;
SELECT quay.repository_token_delete('ret-alice', 'app', :'name') AS temporary, quay.repository_token_delete('ret-alice', 'app', :'delegate', 'ret-alice') AS delegate,
       quay.repository_token_delete('ret-alice', 'app', :'name') AS again;
SELECT actor, scopes, error FROM quay.authenticate('$token', :'token');
SELECT kind, account, performer, metadata, ip FROM pg_temp.log();

-- Refusals
SELECT f AS function, pg_temp.try(format('SELECT * FROM quay.' || f, 'ret-nobody', 'app')) AS namespace,
       pg_temp.try(format('SELECT * FROM quay.' || f, 'ret-alice', 'none')) AS repository
FROM unnest(ARRAY['repository_token_create(%L, %L)', 'repository_token_get(%L, %L, ''x'')', 'repository_token_list(%L, %L)',
                  'repository_token_delete(%L, %L, ''x'')']) AS f \gx
SELECT pg_temp.try($$SELECT quay.repository_token_create('ret-alice', 'app', 'owner')$$);
SELECT pg_temp.try($$SELECT quay.repository_token_create('ret-alice', 'app', kind => 'spade')$$);
SELECT pg_temp.try($$SELECT quay.repository_token_create('ret-alice', 'app', actor => 'ret-nobody')$$);
SELECT pg_temp.try($$SELECT quay.repository_token_delete('ret-alice', 'app', 'x', actor => 'ret-nobody')$$);
SELECT pg_temp.try($$SELECT quay.repository_token_list('ret-alice', 'app', n => -1)$$);
SELECT pg_temp.try(format('SELECT quay.repository_token_create(%L, %L, friendly_name => %L)', 'ret-alice', 'app', repeat('x', 256)));
UPDATE quay."user" SET enabled = false WHERE username = 'ret-alice';
SELECT pg_temp.try($$SELECT quay.repository_token_create('ret-alice', 'app')$$);
ROLLBACK;
