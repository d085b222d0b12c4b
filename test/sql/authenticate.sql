-- Logins: names, addresses, robots, and waiting after failures.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT count(quay.user_create(n, 'password', n || '@aut.example')) FROM unnest(ARRAY['aut-alice', 'aut-bob', 'aut-off']) AS n;
SELECT quay.organization_create('aut-org', 'org@aut.example', 'aut-alice') IS NOT NULL AS org;
SELECT username FROM quay.robot_create('aut-org', 'ci', given_token => repeat('T', 64))
UNION ALL SELECT username FROM quay.robot_create('aut-off', 'bot', given_token => repeat('T', 64));
UPDATE quay."user" SET enabled = false WHERE username = 'aut-off';

SELECT * FROM quay.authenticate('aut-alice', 'password');
SELECT * FROM quay.authenticate('aut-alice@aut.example', 'password');
SELECT * FROM quay.authenticate('aut-nobody', 'password');
SELECT * FROM quay.authenticate('阿里', 'password');
SELECT * FROM quay.authenticate('aut-org', 'password');
SELECT * FROM quay.authenticate('org@aut.example', 'password');
SELECT * FROM quay.authenticate('', '');
SELECT * FROM quay.authenticate(NULL, NULL);
SELECT * FROM quay.authenticate('aut-off', 'password');
SELECT * FROM quay.authenticate('aut-bob', NULL);
-- A name goes before an address, even the address of somebody else.
UPDATE quay."user" SET email = 'aut-alice' WHERE username = 'aut-bob';
UPDATE quay."user" SET invalid_login_attempts = 0 WHERE username = 'aut-bob';
SELECT * FROM quay.authenticate('aut-alice', 'password');

-- Kinds that the name tells; none of them is ever looked up as a user.
SELECT n AS username, a.* FROM unnest(ARRAY['$token', '$app', '$oauthtoken']) AS n, quay.authenticate(n, 'password') AS a;

-- Robots.
SELECT * FROM quay.authenticate('aut-org+ci', repeat('T', 64));
SELECT * FROM quay.authenticate('aut-org+ci', repeat('T', 63));
SELECT * FROM quay.authenticate('aut-org+ci', 'Ünicode');
SELECT * FROM quay.authenticate('aut-org+ci', NULL);
SELECT * FROM quay.authenticate('aut-org+none', repeat('T', 64));
SELECT * FROM quay.authenticate('a+b+c', repeat('T', 64));
SELECT * FROM quay.authenticate('aut-off+bot', repeat('T', 64));
SET LOCAL quay.robots_disallow = on;
SELECT * FROM quay.authenticate('aut-org+ci', repeat('T', 64));
SET LOCAL quay.robots_disallow = off;
UPDATE quay."user" SET enabled = false WHERE username = 'aut-org+ci';
SELECT * FROM quay.authenticate('aut-org+ci', repeat('T', 64));
DELETE FROM quay.robotaccounttoken WHERE robot_account_id = (SELECT id FROM quay."user" WHERE username = 'aut-org+ci');
SELECT * FROM quay.authenticate('aut-org+ci', repeat('T', 64));

-- Waiting: 0.5, 1.5, 3.5 s ...; an attempt while waiting is neither checked nor counted.
CREATE FUNCTION pg_temp.attempt(at timestamptz, secret text) RETURNS TABLE (answer text, wait interval, attempts integer, last_invalid_login timestamp)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.clock', at::text, true);
    SELECT coalesce(a.actor, a.error), a.retry_after INTO answer, wait FROM quay.authenticate('aut-bob', secret, '192.0.2.9', 'curl/8') AS a;
    SELECT u.invalid_login_attempts, u.last_invalid_login INTO attempts, last_invalid_login FROM quay."user" AS u WHERE u.username = 'aut-bob';
    RETURN NEXT;
END
$$;
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:00+00', 'wrong');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:00.4+00', 'password');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:00.5+00', 'wrong');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:01+00', 'wrong');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:02+00', 'wrong');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:05.5+00', 'password');
SELECT * FROM pg_temp.attempt('2026-03-01 13:00:06+00', 'wrong');
-- The wait has a limit, whatever the counter says.
UPDATE quay."user" SET invalid_login_attempts = 2147483646 WHERE username = 'aut-bob';
SELECT * FROM pg_temp.attempt('2026-03-01 13:10:06+00', 'password');
SELECT * FROM pg_temp.attempt('2026-03-01 13:15:06+00', 'wrong');
SELECT * FROM pg_temp.attempt('2026-03-01 13:30:06+00', 'wrong');
SET LOCAL quay.login_backoff_limit = 0;
SELECT * FROM pg_temp.attempt('2026-03-01 13:30:06+00', 'password');
RESET quay.login_backoff_limit;
-- A password that only an identity provider knows, and a hash that is none.
UPDATE quay."user" SET password_hash = NULL WHERE username = 'aut-bob';
SELECT * FROM pg_temp.attempt('2026-03-01 15:00:00+00', '');
UPDATE quay."user" SET password_hash = 'plain', invalid_login_attempts = 0 WHERE username = 'aut-bob';
SELECT * FROM pg_temp.attempt('2026-03-01 15:00:00+00', 'plain');

-- last_accessed: at most one write a minute.
CREATE FUNCTION pg_temp.visit(at timestamptz) RETURNS TABLE (actor text, last_accessed timestamp) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.clock', at::text, true);
    SELECT a.actor INTO actor FROM quay.authenticate('aut-alice', 'password') AS a;
    SELECT u.last_accessed INTO last_accessed FROM quay."user" AS u WHERE u.username = 'aut-alice';
    RETURN NEXT;
END
$$;
SELECT v.* FROM unnest(ARRAY['2026-03-01 16:00:00+00', '2026-03-01 16:01:00+00', '2026-03-01 16:01:01+00']::timestamptz[]) AS t, pg_temp.visit(t) AS v;

-- Every failure left a row, refusals while waiting did not. Unknown names belong to the first account, whoever that is.
SELECT a.username AS account, p.username AS performer, l.metadata_json::jsonb - 'type' AS metadata, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
LEFT JOIN quay."user" AS a ON a.id = l.account_id AND a.username IN ('aut-bob', 'aut-off', 'aut-org')
LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE k.name = 'login_failure' AND l.datetime BETWEEN '2026-03-01 12:00' AND '2026-03-01 17:00' ORDER BY l.id;
ROLLBACK;

-- A read-only transaction, as on a standby, answers and writes nothing.
SELECT quay.user_create('aut-ro', 'password', 'ro@aut.example') IS NOT NULL AS created;
BEGIN READ ONLY;
SELECT * FROM quay.authenticate('aut-ro', 'password');
SELECT * FROM quay.authenticate('aut-ro', 'wrong');
SELECT * FROM quay.authenticate('aut-ro', 'password');
COMMIT;
SELECT invalid_login_attempts, last_accessed FROM quay."user" WHERE username = 'aut-ro';
DELETE FROM quay.logentry3 WHERE account_id = (SELECT id FROM quay."user" WHERE username = 'aut-ro');
DELETE FROM quay."user" WHERE username = 'aut-ro';
