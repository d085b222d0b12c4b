-- access_check() and access_explain(): how they are called, what they answer, and what an explanation looks like. The table of
-- decisions is in the pgTAP tests, the comparison with the rules in SQL is in access_oracle.
BEGIN;
INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login, enabled)
VALUES ('acme', 'acme@access', true, true, false, false, '2024-01-01', true),
       ('alice', 'alice@access', true, false, false, false, '2024-01-01', true),
       ('bob', 'bob@access', true, false, false, false, '2024-01-01', true),
       ('eve', 'eve@access', true, false, false, false, '2024-01-01', false);
INSERT INTO quay.team (name, organization_id, role_id, description)
SELECT v.team, o.id, r.id, '' FROM (VALUES ('owners', 'admin'), ('devs', 'member')) AS v (team, role)
JOIN quay.teamrole AS r ON r.name = v.role JOIN quay."user" AS o ON o.username = 'acme';
INSERT INTO quay.teammember (user_id, team_id)
SELECT u.id, t.id FROM (VALUES ('alice', 'owners'), ('bob', 'devs')) AS v (member, team)
JOIN quay."user" AS u ON u.username = v.member JOIN quay.team AS t ON t.name = v.team;
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token)
SELECT o.id, 'app', v.id, '' FROM quay."user" AS o, quay.visibility AS v WHERE o.username = 'acme' AND v.name = 'private';
INSERT INTO quay.repositorypermission (repository_id, team_id, role_id)
SELECT p.id, t.id, r.id FROM quay.repository AS p, quay.team AS t, quay.role AS r WHERE p.name = 'app' AND t.name = 'devs' AND r.name = 'write';

-- The arguments by name, with and without scopes; NULL is anonymous.
SELECT a.action,
       quay.access_check(actor => 'alice', namespace => 'acme', repository => 'app', action => a.action) AS alice,
       quay.access_check(actor => 'bob', namespace => 'acme', repository => 'app', action => a.action) AS bob,
       quay.access_check('bob', 'acme', 'app', a.action, scopes => 'repo:read') AS bob_reads,
       quay.access_check('eve', 'acme', 'app', a.action) AS eve,
       quay.access_check(NULL, 'acme', 'app', a.action) AS anonymous
FROM unnest('{read,write,admin}'::text[]) AS a (action);

-- Never NULL.
SELECT quay.access_check('alice', NULL, 'app', 'read') AS no_namespace, quay.access_check('alice', 'acme', NULL, 'admin') AS no_repository,
       quay.access_check('', '', '', 'read', '') AS empty;

-- An unknown action is an error of the caller.
DO $$
DECLARE
    wrong text;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    FOREACH wrong IN ARRAY '{push,READ,none,"",NULL}'::text[] LOOP
        BEGIN
            PERFORM quay.access_check('alice', 'acme', 'app', wrong);
            RAISE NOTICE 'accepted: %', wrong;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            RAISE NOTICE '%: % | % | %', code, message, detail, hint;
        END;
    END LOOP;
END
$$;
SAVEPOINT before_error;
SELECT * FROM quay.access_explain('alice', 'acme', 'app', 'pull');
ROLLBACK TO before_error;

-- Explanations.
SELECT * FROM quay.access_explain('alice', 'acme', 'app', 'admin');
SELECT * FROM quay.access_explain('bob', 'acme', 'app', 'write');
SELECT * FROM quay.access_explain('bob', 'acme', 'app', 'write', 'repo:read');
SELECT * FROM quay.access_explain('bob', 'acme', 'app', 'admin');
SELECT * FROM quay.access_explain('alice', 'alice', 'new', 'write', 'repo:create');
SELECT * FROM quay.access_explain(NULL, 'acme', 'app', 'read');
SELECT * FROM quay.access_explain('bob', 'acme', 'app', 'read', 'repo:everything');
UPDATE quay.repository SET visibility_id = (SELECT id FROM quay.visibility WHERE name = 'public') WHERE name = 'app';
SELECT * FROM quay.access_explain(NULL, 'acme', 'app', 'read');
UPDATE quay.repository SET state = 2 WHERE name = 'app';
SELECT * FROM quay.access_explain('alice', 'acme', 'app', 'write');
INSERT INTO quay.superuser (username) VALUES ('eve'), ('bob');
SELECT * FROM quay.access_explain('bob', 'acme', 'other', 'read');

-- Planned as promised: a read, safe in parallel workers, and not skipped for NULL.
SELECT p.proname, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef
FROM pg_proc AS p WHERE p.proname IN ('access_check', 'access_explain') AND p.pronamespace = 'quay'::regnamespace ORDER BY p.proname;
ROLLBACK;

-- The functions run as the caller, and a direct look-up still asks for the privilege to read.
BEGIN;
CREATE ROLE regress_access_nobody;
GRANT USAGE ON SCHEMA quay TO regress_access_nobody;
GRANT EXECUTE ON FUNCTION quay.access_check(text, text, text, text, text) TO regress_access_nobody;
SET LOCAL ROLE regress_access_nobody;
SELECT quay.access_check('alice', 'acme', 'app', 'read');
ROLLBACK;
