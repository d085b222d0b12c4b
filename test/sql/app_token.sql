-- Tokens that people make for applications.
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
    WHERE a.username LIKE 'apt-%' AND k.name ~ 'app_specific' ORDER BY l.id;
$$;
SELECT count(quay.user_create(n, 'password', n || '@apt.example')) FROM unnest(ARRAY['apt-alice', 'apt-bob']) AS n;
SELECT quay.organization_create('apt-org', NULL, 'apt-alice') IS NOT NULL AS org;

-- The default lifetime counts only if no expiration is given; infinity is never.
SELECT length(uuid) AS uuid, token ~ '^[A-Z0-9]{120}$' AS token, created, expires FROM quay.app_token_create('apt-alice', 'for ever by default');
SET LOCAL quay.app_specific_token_expiration = '1d';
SELECT created, expires FROM quay.app_token_create('apt-alice', 'one day by default', ip => '192.0.2.1');
SELECT created, expires FROM quay.app_token_create('apt-alice', 'for ever', 'infinity');
SELECT created, expires FROM quay.app_token_create('apt-alice', 'two days', '2026-03-03 12:00+00');
SELECT created, expires FROM quay.app_token_create('apt-bob', 'long ago', '2026-02-01 12:00+00', actor => 'apt-alice');
SELECT quay.app_token_soon();
RESET quay.app_specific_token_expiration;
SELECT quay.app_token_soon();
SET LOCAL quay.app_specific_token_expiration = '5s';
SELECT quay.app_token_soon();
RESET quay.app_specific_token_expiration;
-- The secret is encrypted, the name is not.
SELECT DISTINCT left(token_secret, 4) AS secret, length(token_secret) AS length, length(token_name) AS name
FROM quay.appspecificauthtoken AS t JOIN quay."user" AS u ON u.id = t.user_id WHERE u.username LIKE 'apt-%';

-- Lists: one's own, everybody's, those that expire.
SELECT title, created, expires, last_accessed FROM quay.app_token_list('apt-alice');
SELECT title FROM quay.app_token_list('apt-alice', n => 1);
SELECT title FROM quay.app_token_list('apt-alice', n => 2,
    after => (SELECT token_id FROM quay.app_token_list('apt-alice') WHERE title = 'for ever by default'));
SELECT title FROM quay.app_token_list('apt-alice', n => 0);
SELECT title FROM quay.app_token_list('apt-alice', '23 hours');
SELECT title FROM quay.app_token_list('apt-alice', '24 hours');
SELECT title FROM quay.app_token_list('apt-alice', '25 hours');
SELECT title FROM quay.app_token_list('apt-alice', '49 hours');
SELECT title FROM quay.app_token_list('apt-bob', '49 hours');
SELECT username, title, expires FROM quay.app_token_list_all() WHERE username LIKE 'apt-%';
SELECT username, title, expires FROM quay.app_token_list_all('49 hours') WHERE username LIKE 'apt-%';
SELECT pg_temp.try($$SELECT * FROM quay.app_token_list('apt-nobody')$$);
SELECT pg_temp.try($$SELECT * FROM quay.app_token_list('apt-org')$$);
SELECT pg_temp.try($$SELECT * FROM quay.app_token_list('apt-alice', n => -1)$$);
SELECT pg_temp.try($$SELECT * FROM quay.app_token_list_all(n => NULL)$$);

-- One token, with its secret: for its owner, and while it has not expired.
SELECT uuid AS alice_uuid FROM quay.app_token_list('apt-alice') WHERE title = 'two days' \gset
SELECT uuid AS bob_uuid FROM quay.app_token_list('apt-bob') \gset
SELECT g.title, g.expires, a.actor FROM quay.app_token_get('apt-alice', :'alice_uuid') AS g, quay.authenticate('$app', g.token) AS a;
SELECT title FROM quay.app_token_get('apt-bob', :'alice_uuid');
SELECT title FROM quay.app_token_get('apt-bob', :'bob_uuid');
SELECT title FROM quay.app_token_get('apt-alice', 'none');
SELECT title FROM quay.app_token_get('apt-alice', NULL);
SELECT title FROM quay.app_token_get('apt-nobody', :'alice_uuid');
SAVEPOINT damaged;
UPDATE quay.appspecificauthtoken SET token_secret = 'v0$$damaged' WHERE uuid = :'alice_uuid';
SELECT pg_temp.try(format('SELECT * FROM quay.app_token_get(%L, %L)', 'apt-alice', :'alice_uuid'));
ROLLBACK TO damaged;

-- Revocation
SELECT quay.app_token_revoke('apt-bob', :'alice_uuid') AS foreign, quay.app_token_revoke('apt-alice', 'none') AS unknown;
SELECT token AS alice_token FROM quay.app_token_get('apt-alice', :'alice_uuid') \gset
SELECT quay.app_token_revoke('apt-alice', :'alice_uuid', ip => '192.0.2.2') AS own, quay.app_token_revoke('apt-alice', :'alice_uuid') AS again;
SELECT actor, error FROM quay.authenticate('$app', :'alice_token');
SAVEPOINT expired;
SELECT quay.app_token_revoke('apt-bob', :'bob_uuid', actor => 'apt-alice') AS expired;
SELECT * FROM pg_temp.log();
ROLLBACK TO expired;
SELECT pg_temp.try($$SELECT quay.app_token_revoke('apt-nobody', 'x')$$);
SELECT pg_temp.try($$SELECT quay.app_token_revoke('apt-bob', 'x', actor => 'apt-nobody')$$);

-- Purge: of tokens that expired long enough ago; those without an end stay.
SELECT quay.app_token_purge(keep => '29 days');
SELECT quay.app_token_purge(keep => '28 days');
SELECT title FROM quay.app_token_list('apt-bob');
SELECT count(*) FROM generate_series(1, 3) AS i, quay.app_token_create('apt-bob', 'past ' || i, '2026-03-01 11:59:59+00');
SELECT quay.app_token_purge(), quay.app_token_purge(2, '0'), quay.app_token_purge(2, '0'), quay.app_token_purge(2, '0');
SET LOCAL quay.expired_app_specific_token_gc = 0;
SELECT expires FROM quay.app_token_create('apt-bob', 'past', '2026-03-01 11:59:59+00');
SELECT quay.app_token_purge();
SELECT title FROM quay.app_token_list('apt-alice');
SELECT pg_temp.try($$SELECT quay.app_token_purge(-1)$$);

-- Refusals
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-nobody', 'x')$$);
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-org', 'x')$$);
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-alice', 'x', actor => 'apt-nobody')$$);
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-alice', NULL)$$);
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-alice', ' ')$$);
SELECT pg_temp.try(format('SELECT quay.app_token_create(%L, %L)', 'apt-alice', repeat('x', 256)));
SET LOCAL quay.app_specific_tokens = off;
SELECT pg_temp.try($$SELECT quay.app_token_create('apt-alice', 'x')$$);
ROLLBACK;
