-- People, organizations, teams and robots.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
    RETURN format('%s %s: %s', SQLSTATE, message, detail);
END
$$;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, account text, performer text, metadata text, ip text) LANGUAGE sql AS $$
    SELECT k.name, a.username, p.username, left(l.metadata_json, 90), l.ip
    FROM quay.logentry3 AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE a.username LIKE 'acc-%' ORDER BY l.id;
$$;

-- A person with everything that the reference's rows have.
SELECT quay.user_create('acc-alice', 'password', 'alice@acc.example', verified => true, ip => '192.0.2.1') IS NOT NULL AS created;
SELECT username, email, verified, organization, robot, enabled, invoice_email, invalid_login_attempts, last_invalid_login,
       removed_tag_expiration_s, creation_date, last_accessed, length(uuid) AS uuid_length, left(password_hash, 7) AS hash
FROM quay."user" WHERE username = 'acc-alice';
SET LOCAL quay.default_tag_expiration = '1h';
SELECT quay.user_create('acc-bob', 'p😀ssw0rd', 'bob@acc.example', actor => 'acc-alice') IS NOT NULL AS created;
SELECT removed_tag_expiration_s, verified, quay_internal.password_verify('p😀ssw0rd', password_hash) AS matches FROM quay."user" WHERE username = 'acc-bob';
RESET quay.default_tag_expiration;

-- The password comes first, then the address, then the name.
SELECT p AS password, pg_temp.try(format('SELECT quay.user_create(%L, %L, %L)', 'A', p, 'bad'))
FROM (VALUES ('short12'), ('with blank'), (E'tab\tpassword'), (E'no-break\u00A0blank'), (E'ideographic\u3000'), (NULL)) AS t (p);
SELECT e AS email, pg_temp.try(format('SELECT quay.user_create(%L, %L, %L)', 'A', 'password', e))
FROM (VALUES (''), ('a'), ('a@b'), ('@b.c'), ('a@b.'), ('a@.c'), ('a@b@c.d'), (NULL)) AS t (e);
SELECT pg_temp.try(format('SELECT quay.user_create(%L, %L, %L)', 'acc-long', 'password', repeat('a', 251) || '@b.c'));
SELECT pg_temp.try(format('SELECT quay.user_create(%L, %L, %L)', 'acc-long', 'password', repeat('a', 250) || '@b.c'));
SELECT n AS name, pg_temp.try(format('SELECT quay.user_create(%L, %L, %L)', n, 'password', 'x@acc.example'))
FROM (VALUES ('a'), ('_test'), ('Test'), ('te---st'), (E'acc-newline\n'), ('acc+robot'), ('北京'), (NULL)) AS t (n);
-- Taken: the name is told before the address; addresses differ in case.
SELECT pg_temp.try($$SELECT quay.user_create('acc-alice', 'password', 'alice@acc.example')$$);
SELECT pg_temp.try($$SELECT quay.user_create('acc-alice2', 'password', 'alice@acc.example')$$);
SELECT pg_temp.try($$SELECT quay.user_create('acc-alice2', 'password', 'Alice@acc.example')$$);
SELECT pg_temp.try($$SELECT quay.user_create('acc-carol', 'password', 'c@acc.example', actor => 'acc-nobody')$$);
-- An optional address may be missing or look odd, but not belong to somebody else.
SELECT pg_temp.try($$SELECT quay.user_create('acc-opt1', 'password', '', email_required => false)$$),
       pg_temp.try($$SELECT quay.user_create('acc-opt2', 'password', NULL, email_required => false)$$),
       pg_temp.try($$SELECT quay.user_create('acc-opt3', 'password', 'odd', email_required => false)$$);
SELECT pg_temp.try($$SELECT quay.user_create('acc-opt4', 'password', 'odd', email_required => false)$$);
SELECT username, email ~ '@' AS address FROM quay."user" WHERE username LIKE 'acc-opt%' ORDER BY username;
-- A name whose namespace is being deleted.
UPDATE quay."user" SET username = 'acc-gone-uuid', enabled = false WHERE username = 'acc-opt1';
INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
SELECT id, now(), 'acc-opt1', email FROM quay."user" WHERE username = 'acc-gone-uuid';
SELECT pg_temp.try($$SELECT quay.user_create('acc-opt1', 'password', 'o@acc.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-opt1', NULL, 'acc-alice')$$);

-- Organizations.
SELECT quay.organization_create('acc-org', 'org@acc.example', 'acc-alice', ip => '192.0.2.2') IS NOT NULL AS created;
SELECT quay.organization_create('acc-org2', 'org@acc.example', 'acc-alice') IS NOT NULL AS shares_address;
SELECT quay.organization_create('acc-org3', NULL, 'acc-alice', actor => 'acc-bob') IS NOT NULL AS without_address;
SELECT u.username, u.email LIKE '%@%' AS address, u.organization, u.password_hash, t.name AS team, r.name AS role, m.username AS member
FROM quay."user" AS u JOIN quay.team AS t ON t.organization_id = u.id JOIN quay.teamrole AS r ON r.id = t.role_id
JOIN quay.teammember AS tm ON tm.team_id = t.id JOIN quay."user" AS m ON m.id = tm.user_id
WHERE u.username LIKE 'acc-%' ORDER BY u.username;
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org', NULL, 'acc-alice')$$);
SELECT pg_temp.try($$SELECT quay.user_create('acc-org', 'password', 'z@acc.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org4', 'bob@acc.example', 'acc-alice')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org4', 'nonsense', 'acc-alice')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('a', NULL, 'acc-alice')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org4', NULL, 'acc-nobody')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org4', NULL, 'acc-org')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('acc-org4', NULL, NULL)$$);
-- A refused call leaves nothing behind.
SELECT count(*) FROM quay."user" WHERE username = 'acc-org4';

-- Robots.
SELECT username, length(token) AS length, token ~ '^[A-Z0-9]+$' AS alphabet FROM quay.robot_create('acc-org', 'mr_bender', 'bends', '{"a": 1}', actor => 'acc-alice');
SELECT username, token = repeat('T', 64) AS given FROM quay.robot_create('acc-bob', 'bot', NULL, NULL, repeat('T', 64));
SELECT u.username, u.robot, u.organization, u.verified, u.enabled, m.description, m.unstructured_json, t.fully_migrated, length(t.token) AS stored,
       l.service_ident = 'robot:' || u.id AS ident, s.name AS service
FROM quay."user" AS u
JOIN quay.robotaccountmetadata AS m ON m.robot_account_id = u.id JOIN quay.robotaccounttoken AS t ON t.robot_account_id = u.id
JOIN quay.federatedlogin AS l ON l.user_id = u.id JOIN quay.loginservice AS s ON s.id = l.service_id
WHERE u.username LIKE 'acc-%' ORDER BY u.username;
SELECT quay_internal.field_decrypt(t.token) = repeat('T', 64) AS readable
FROM quay.robotaccounttoken AS t JOIN quay."user" AS u ON u.id = t.robot_account_id WHERE u.username = 'acc-bob+bot';
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-bob', 'bot')$$);
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-bob', 'b+t')$$);
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-bob', NULL)$$);
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-nobody', 'bot')$$);
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-gone-uuid', 'bot')$$);
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-bob', 'bot2', given_token => 'short')$$);
SELECT pg_temp.try(format('SELECT * FROM quay.robot_create(%L, %L)', 'acc-bob', repeat('b', 247))),
       pg_temp.try(format('SELECT * FROM quay.robot_create(%L, %L)', 'acc-bob', repeat('b', 248)));
SELECT pg_temp.try(format('SELECT * FROM quay.robot_create(%L, %L, %L)', 'acc-bob', 'talker', repeat('d', 300)));
SELECT length(m.description) FROM quay.robotaccountmetadata AS m JOIN quay."user" AS u ON u.id = m.robot_account_id WHERE u.username = 'acc-bob+talker';
SET LOCAL quay.robots_disallow = on;
SELECT pg_temp.try($$SELECT * FROM quay.robot_create('acc-bob', 'bot3')$$);
SET LOCAL quay.robots_disallow = off;

-- Teams.
SELECT quay.team_create('acc-org', 'readers', 'member', 'who read', actor => 'acc-alice') IS NOT NULL AS created;
SELECT quay.team_create('acc-org', 'admins', 'admin') IS NOT NULL AS created;
SELECT pg_temp.try($$SELECT quay.team_create('acc-org', 'readers', 'member')$$);
SELECT pg_temp.try($$SELECT quay.team_create('acc-org', 'writers', 'writer')$$);
SELECT pg_temp.try($$SELECT quay.team_create('acc-bob', 'writers', 'member')$$);
SELECT pg_temp.try($$SELECT quay.team_create('acc-none', 'writers', 'member')$$);
SELECT n AS name, pg_temp.try(format('SELECT quay.team_create(%L, %L, %L)', 'acc-org', n, 'member'))
FROM (VALUES (''), ('f'), (' '), ('hello world'), ('HelloWorld'), ('fo'), ('hello_world'), ('hello-world')) AS t (n);
SELECT pg_temp.try(format('SELECT quay.team_create(%L, %L, %L)', 'acc-org', repeat('f', 255), 'member')),
       pg_temp.try(format('SELECT quay.team_create(%L, %L, %L)', 'acc-org', repeat('f', 256), 'member'));
-- Members: adding again is no error.
SELECT quay.team_member_add('acc-org', 'readers', 'acc-bob') AS added, quay.team_member_add('acc-org', 'readers', 'acc-bob') AS again,
       quay.team_member_add('acc-org', 'readers', 'acc-org+mr_bender') AS robot;
SELECT pg_temp.try($$SELECT quay.team_member_add('acc-org', 'readers', 'acc-bob+bot')$$);
SELECT pg_temp.try($$SELECT quay.team_member_add('acc-org', 'readers', 'acc-org2')$$);
SELECT pg_temp.try($$SELECT quay.team_member_add('acc-org', 'readers', 'acc-nobody')$$);
SELECT pg_temp.try($$SELECT quay.team_member_add('acc-org', 'nobodies', 'acc-bob')$$);
SELECT pg_temp.try($$SELECT quay.team_member_add('acc-bob', 'readers', 'acc-bob')$$);
SELECT quay.team_member_remove('acc-org', 'readers', 'acc-bob') AS removed, quay.team_member_remove('acc-org', 'readers', 'acc-bob') AS again,
       quay.team_member_remove('acc-org', 'readers', 'acc-nobody') AS unknown;
-- The last administrator stays: two memberships of one person are one person, and neither robots nor disabled people count.
SELECT pg_temp.try($$SELECT quay.team_member_remove('acc-org', 'owners', 'acc-alice')$$);
SELECT quay.team_member_add('acc-org', 'admins', 'acc-alice') AS second_team;
SELECT quay.team_member_remove('acc-org', 'admins', 'acc-alice') AS one_of_two;
SELECT quay.team_member_add('acc-org', 'admins', 'acc-org+mr_bender') AS robot, quay.team_member_add('acc-org', 'admins', 'acc-opt2') AS person;
UPDATE quay."user" SET enabled = false WHERE username = 'acc-opt2';
SELECT pg_temp.try($$SELECT quay.team_member_remove('acc-org', 'owners', 'acc-alice')$$);
SELECT quay.team_member_remove('acc-org', 'admins', 'acc-opt2') AS disabled_one;
SELECT quay.team_member_add('acc-org', 'admins', 'acc-bob') AS successor, quay.team_member_remove('acc-org', 'owners', 'acc-alice', 'acc-bob') AS removed;

-- Every change left its trace.
SELECT * FROM pg_temp.log();
SELECT pg_temp.try($$SELECT quay_internal.log_add('no_such_kind', NULL, NULL, NULL, NULL, NULL)$$);
ROLLBACK;
