-- Logins: names, addresses, robots, waiting after failures, and the settings. Tokens have a test of their own.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT count(quay.user_create(n, 'password', n || '@aut.example')) FROM unnest(ARRAY['aut-alice', 'aut-bob', 'aut-off']) AS n;
SELECT quay.organization_create('aut-org', 'org@aut.example', 'aut-alice') IS NOT NULL AS org;
SELECT username FROM quay.robot_create('aut-org', 'ci', given_token => repeat('T', 64))
UNION ALL SELECT username FROM quay.robot_create('aut-off', 'bot', given_token => repeat('T', 64));
UPDATE quay."user" SET enabled = false WHERE username = 'aut-off';

SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-alice', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-alice@aut.example', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-nobody', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('阿里', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('org@aut.example', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('', '');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate(NULL, NULL);
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-off', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-bob', NULL);
-- A name goes before an address, even the address of somebody else.
UPDATE quay."user" SET email = 'aut-alice' WHERE username = 'aut-bob';
UPDATE quay."user" SET invalid_login_attempts = 0 WHERE username = 'aut-bob';
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-alice', 'password');

-- Kinds that the name tells; none of them is ever looked up as a user.
SELECT n AS username, a.kind, a.actor, a.scopes, a.error, a.retry_after FROM unnest(ARRAY['$token', '$app', '$oauthtoken']) AS n, quay.authenticate(n, 'password') AS a;

-- Robots.
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', repeat('T', 64));
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', repeat('T', 63));
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', 'Ünicode');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', NULL);
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+none', repeat('T', 64));
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('a+b+c', repeat('T', 64));
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-off+bot', repeat('T', 64));
SET LOCAL quay.robots_disallow = on;
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', repeat('T', 64));
SET LOCAL quay.robots_disallow = off;
UPDATE quay."user" SET enabled = false WHERE username = 'aut-org+ci';
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', repeat('T', 64));
DELETE FROM quay.robotaccounttoken WHERE robot_account_id = (SELECT id FROM quay."user" WHERE username = 'aut-org+ci');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-org+ci', repeat('T', 64));

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

-- Not at all with quay.user_last_accessed off; every time with an interval of 0. Robots count as well.
SET LOCAL quay.user_last_accessed = off;
SELECT * FROM pg_temp.visit('2026-03-01 16:10:00+00');
SET LOCAL quay.user_last_accessed = on;
SET LOCAL quay.touch_interval = '1h';
SELECT * FROM pg_temp.visit('2026-03-01 16:20:00+00');
SET LOCAL quay.touch_interval = 0;
SELECT * FROM pg_temp.visit('2026-03-01 16:20:00.5+00');
RESET quay.touch_interval;
SELECT token AS robot_token FROM quay.robot_create('aut-org', 'visitor') \gset
SELECT actor FROM quay.authenticate('aut-org+visitor', :'robot_token');
SELECT last_accessed FROM quay."user" WHERE username = 'aut-org+visitor';

-- Robots that are allowed although robots are not.
SET LOCAL quay.robots_disallow = on;
SELECT kind, actor, error FROM quay.authenticate('aut-org+visitor', :'robot_token');
INSERT INTO quay.allowed_robot (username) VALUES ('aut-org+visitor');
SELECT kind, actor, error FROM quay.authenticate('aut-org+visitor', :'robot_token');
SET LOCAL quay.robots_disallow = off;

-- An address with a "+" is that of a person.
UPDATE quay."user" SET email = 'bob+registry@aut.example', password_hash = quay_internal.password_hash('password', 4), invalid_login_attempts = 0
WHERE username = 'aut-bob';
SELECT kind, actor, error FROM quay.authenticate('bob+registry@aut.example', 'password');

-- Encrypted passwords. Without the key, or with another one, they are plain ones that nobody has.
SET LOCAL quay.secret_key = 'somesecretkey';
SELECT quay.password_encrypt('password') AS encrypted, quay.password_encrypt('wrong') AS encrypted_wrong \gset
SELECT kind, actor, error FROM quay.authenticate('aut-alice', :'encrypted');
SELECT kind, actor, error FROM quay.authenticate('aut-bob', :'encrypted_wrong');
SELECT invalid_login_attempts FROM quay."user" WHERE username = 'aut-bob';
SET LOCAL quay.require_encrypted_basic_auth = on;
SELECT kind, actor, error FROM quay.authenticate('aut-alice', 'password');
SELECT kind, actor, error FROM quay.authenticate('aut-alice', :'encrypted');
SELECT kind, actor, error FROM quay.authenticate('aut-alice', NULL);
SELECT kind, actor, error FROM quay.authenticate('aut-org+visitor', :'robot_token');
-- The web console is another matter: its passwords are plain, and the address must be confirmed.
SELECT actor, error, verified FROM quay.authenticate('aut-alice', 'password', sign_in => true);
UPDATE quay."user" SET verified = true WHERE username = 'aut-alice';
SELECT actor, error, verified, reference = (SELECT uuid FROM quay."user" WHERE username = 'aut-alice') AS session
FROM quay.authenticate('aut-alice', 'password', sign_in => true);
SELECT actor, error, verified, reference FROM quay.authenticate('aut-alice', 'wrong', sign_in => true);
UPDATE quay."user" SET invalid_login_attempts = 0 WHERE username = 'aut-alice';
SELECT actor, error, verified FROM quay.authenticate('aut-alice', :'encrypted', sign_in => true);
UPDATE quay."user" SET invalid_login_attempts = 0 WHERE username = 'aut-alice';
SET LOCAL quay.direct_login = off;
SELECT actor, error, verified FROM quay.authenticate('aut-alice', 'password', sign_in => true);
RESET quay.direct_login;
SET LOCAL quay.require_encrypted_basic_auth = off;
SET LOCAL quay.secret_key = 'anothersecretkey';
SELECT kind, actor, error FROM quay.authenticate('aut-alice', :'encrypted');
UPDATE quay."user" SET invalid_login_attempts = 0 WHERE username = 'aut-alice';

-- Passwords that are kept elsewhere, or nowhere. Nothing is counted.
SET LOCAL quay.authentication_type = 'apptoken';
SELECT kind, actor, error FROM quay.authenticate('aut-alice', 'password');
SET LOCAL quay.authentication_type = 'ldap';
SELECT kind, actor, error FROM quay.authenticate('aut-alice', 'wrong');
SELECT kind, actor, error FROM quay.authenticate('aut-org+visitor', :'robot_token');
RESET quay.authentication_type;
SELECT invalid_login_attempts FROM quay."user" WHERE username = 'aut-alice';
-- Without its setting $app is a user name, and nobody's.
SET LOCAL quay.app_specific_tokens = off;
SELECT kind, actor, error FROM quay.authenticate('$app', 'password');
RESET quay.app_specific_tokens;
-- No row in the audit log where nobody wants one.
SET LOCAL quay.audit_login_failures = off;
SELECT kind, actor, error FROM quay.authenticate('aut-alice', 'secretly wrong', user_agent => 'unaudited');
RESET quay.audit_login_failures;

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
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-ro', 'password');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-ro', 'wrong');
SELECT kind, actor, scopes, error, retry_after FROM quay.authenticate('aut-ro', 'password');
COMMIT;
SELECT invalid_login_attempts, last_accessed FROM quay."user" WHERE username = 'aut-ro';
DELETE FROM quay.logentry3 WHERE account_id = (SELECT id FROM quay."user" WHERE username = 'aut-ro');
DELETE FROM quay."user" WHERE username = 'aut-ro';
