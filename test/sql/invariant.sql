-- Rules that span rows, against those who write to the tables without our functions. What the reference application writes passes.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
-- Runs the statements as one transaction up to its end, and takes them back.
CREATE FUNCTION pg_temp.commit(VARIADIC statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    detail text;
    hint text;
BEGIN
    SET CONSTRAINTS ALL DEFERRED;
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'YY000', MESSAGE = 'ok';
EXCEPTION WHEN SQLSTATE 'YY000' THEN
    RETURN 'ok';
WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s | %s', SQLSTATE, SQLERRM, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.id(name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT id FROM quay."user" WHERE username = id.name;
$$;
CREATE FUNCTION pg_temp.team(organization text, team text) RETURNS bigint LANGUAGE sql AS $$
    SELECT t.id FROM quay.team AS t WHERE t.organization_id = pg_temp.id(team.organization) AND t.name = team.team;
$$;
SELECT count(quay.user_create('inv-' || n, 'password', n || '@inv.example')) AS people FROM unnest(ARRAY['ann', 'ben', 'cleo', 'dan', 'eve']) AS n;
SELECT count(quay.organization_create('inv-' || n, NULL, 'inv-ann')) AS organizations FROM unnest(ARRAY['org', 'two']) AS n;
SELECT count(quay.team_create('inv-org', t, r)) AS teams FROM (VALUES ('second', 'admin'), ('devs', 'member')) AS v (t, r);
SELECT count(username) AS robots FROM unnest(ARRAY['inv-org', 'inv-two', 'inv-ben']) AS n, quay.robot_create(n, 'bot');
SELECT count(quay.repository_create(n, 'app', 'inv-ann')) AS repositories FROM unnest(ARRAY['inv-org', 'inv-ben']) AS n;
SET CONSTRAINTS ALL IMMEDIATE;

-- Robots have a namespace: when they are made, when they or it are renamed, in either order, and when it goes.
CREATE FUNCTION pg_temp.robot(name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
                   VALUES (%L, %L, false, false, true, false, now())', name, name);
$$;
SELECT pg_temp.commit(pg_temp.robot('inv-nobody+bot'));
SELECT pg_temp.commit(pg_temp.robot('bot'));
SELECT pg_temp.commit(pg_temp.robot('inv-ben+bot2'));
SELECT pg_temp.commit($$UPDATE quay."user" SET username = 'inv-nobody+bot' WHERE username = 'inv-ben+bot'$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET username = 'inv-bert+bot' WHERE username = 'inv-ben+bot'$$, $$UPDATE quay."user" SET username = 'inv-bert' WHERE username = 'inv-ben'$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET username = 'inv-bert' WHERE username = 'inv-ben'$$, $$UPDATE quay."user" SET username = 'inv-bert+bot' WHERE username = 'inv-ben+bot'$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET username = 'inv-bert' WHERE username = 'inv-ben'$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET username = 'inv-eva' WHERE username = 'inv-eve'$$);
SELECT pg_temp.commit($$DELETE FROM quay."user" WHERE username = 'inv-eve'$$);
SELECT pg_temp.commit($$UPDATE quay.repository SET namespace_user_id = pg_temp.id('inv-eve') WHERE namespace_user_id = pg_temp.id('inv-ben')$$,
    $$DELETE FROM quay."user" WHERE username = 'inv-ben'$$);
-- while it waits to be purged
SELECT pg_temp.commit($$INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email) VALUES (pg_temp.id('inv-ben'), now(), 'inv-ben', '')$$,
    $$UPDATE quay."user" SET username = 'inv-uuid', enabled = false WHERE username = 'inv-ben'$$);
SELECT pg_temp.commit($$INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email) VALUES (pg_temp.id('inv-ben'), now(), 'inv-ben', '')$$,
    $$UPDATE quay."user" SET username = 'inv-uuid', enabled = false WHERE username = 'inv-ben'$$, pg_temp.robot('inv-ben+bot2'));

-- Teams have an organization.
SELECT pg_temp.commit(format('INSERT INTO quay.team (name, organization_id, role_id, description) VALUES (%L, pg_temp.id(%L), 3, %L)', 'inv', o, ''))
FROM unnest(ARRAY['inv-org', 'inv-ben', 'inv-ben+bot']) AS o;
SELECT pg_temp.commit($$UPDATE quay.team SET organization_id = pg_temp.id('inv-ben') WHERE id = pg_temp.team('inv-org', 'devs')$$);

-- Members are no organizations. (The reference lets foreign robots in.)
SELECT u, pg_temp.commit(format('INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id(%L), pg_temp.team(%L, %L))', u, 'inv-org', 'devs'))
FROM unnest(ARRAY['inv-ben', 'inv-org+bot', 'inv-two+bot', 'inv-ben+bot', 'inv-two', 'inv-org']) AS u;
SELECT pg_temp.commit($$UPDATE quay.teammember SET user_id = pg_temp.id('inv-two') WHERE user_id = pg_temp.id('inv-ann')$$);

-- Robots and teams hold permissions in their own namespace.
SELECT n, u, pg_temp.commit(format('INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
                                    SELECT pg_temp.id(%L), r.id, 3 FROM quay.repository AS r WHERE r.name = %L AND r.namespace_user_id = pg_temp.id(%L)', u, 'app', n))
FROM (VALUES ('inv-org', 'inv-org+bot'), ('inv-org', 'inv-ben'), ('inv-org', 'inv-ben+bot'), ('inv-ben', 'inv-ben+bot')) AS v (n, u);
SELECT n, t, pg_temp.commit(format('INSERT INTO quay.repositorypermission (team_id, repository_id, role_id)
                                    SELECT pg_temp.team(%L, %L), r.id, 3 FROM quay.repository AS r WHERE r.name = %L AND r.namespace_user_id = pg_temp.id(%L)', t, 'owners', 'app', n))
FROM (VALUES ('inv-org', 'inv-org'), ('inv-org', 'inv-two'), ('inv-ben', 'inv-org')) AS v (n, t);

-- An organization keeps an administrator. Each way to lose the last one:
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay.teammember SET team_id = pg_temp.team('inv-org', 'devs') WHERE team_id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay.teammember SET user_id = pg_temp.id('inv-org+bot') WHERE team_id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay.team SET role_id = 3 WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay.team SET organization_id = pg_temp.id('inv-two'), name = 'more' WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$, $$DELETE FROM quay.team WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ann'$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET organization = true WHERE username = 'inv-ann'$$);
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-ann')$$);
-- in several steps
SELECT pg_temp.commit($$UPDATE quay.team SET role_id = 3 WHERE id = pg_temp.team('inv-org', 'owners')$$, $$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$,
    $$UPDATE quay.team SET role_id = 1 WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$, $$UPDATE quay.team SET role_id = 3 WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ann'$$, $$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-ann')$$);
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-ann')$$, $$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ann'$$);
-- with others there who do not count: a robot, somebody disabled, a member of another team
SELECT pg_temp.commit($$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-org+bot'), pg_temp.team('inv-org', 'owners')), (pg_temp.id('inv-ben'), pg_temp.team('inv-org', 'devs')),
        (pg_temp.id('inv-cleo'), pg_temp.team('inv-org', 'second'))$$,
    $$UPDATE quay."user" SET enabled = false WHERE username = 'inv-cleo'$$,
    $$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners') AND user_id = pg_temp.id('inv-ann')$$);

-- Only the end of the transaction counts, and only what is the last.
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$,
    $$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ben'), pg_temp.team('inv-org', 'second'))$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ann'$$, $$UPDATE quay."user" SET enabled = true WHERE username = 'inv-ann'$$);
SELECT pg_temp.commit($$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ben'), pg_temp.team('inv-org', 'owners')), (pg_temp.id('inv-ben'), pg_temp.team('inv-two', 'owners'))$$,
    $$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ann'$$);
SELECT pg_temp.commit($$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ann'), pg_temp.team('inv-org', 'second'))$$,
    $$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$, $$DELETE FROM quay.team WHERE id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username IN ('inv-ben', 'inv-org+bot')$$);
SELECT pg_temp.commit($$DELETE FROM quay.team WHERE id = pg_temp.team('inv-org', 'devs')$$);
-- A disabled organization is not asked; it is when it has been enabled in the same transaction.
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username = 'inv-org'$$, $$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$);
SELECT pg_temp.commit($$UPDATE quay."user" SET enabled = false WHERE username = 'inv-org'$$, $$DELETE FROM quay.teammember WHERE team_id = pg_temp.team('inv-org', 'owners')$$,
    $$UPDATE quay."user" SET enabled = true WHERE username = 'inv-org'$$);

-- One that came here without administrators is not stuck: what took none away is let through.
SET LOCAL session_replication_role = replica;
INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-org+bot'), pg_temp.team('inv-org', 'second')), (pg_temp.id('inv-ben'), pg_temp.team('inv-org', 'devs'));
UPDATE quay.teammember SET user_id = pg_temp.id('inv-dan') WHERE team_id = pg_temp.team('inv-org', 'owners');
UPDATE quay."user" SET enabled = false WHERE username = 'inv-dan';
SET LOCAL session_replication_role = origin;
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-org+bot')$$, $$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-ben')$$,
    $$DELETE FROM quay.team WHERE id = pg_temp.team('inv-org', 'devs')$$, $$UPDATE quay."user" SET enabled = false WHERE username = 'inv-ben'$$);
SELECT pg_temp.commit($$UPDATE quay.team SET role_id = role_id, organization_id = organization_id, description = 'new' WHERE organization_id = pg_temp.id('inv-org')$$,
    $$UPDATE quay.teammember SET user_id = user_id, team_id = team_id$$);
-- Somebody disabled may have been so only since this transaction began.
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-dan')$$);
SELECT pg_temp.commit($$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ben'), pg_temp.team('inv-org', 'second'))$$,
    $$DELETE FROM quay.teammember WHERE user_id = pg_temp.id('inv-dan')$$);
UPDATE quay."user" SET enabled = true WHERE username = 'inv-dan';

-- How the reference creates an organization, makes one of a person, and deletes one: its teams first, in a transaction of their own.
SELECT pg_temp.commit(
    $$INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login) VALUES ('inv-new', 'inv-new', false, false, false, false, now())$$,
    $$UPDATE quay."user" SET organization = true WHERE username = 'inv-new'$$,
    $$INSERT INTO quay.team (name, organization_id, role_id, description) VALUES ('owners', pg_temp.id('inv-new'), 1, '')$$,
    $$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ben'), pg_temp.team('inv-new', 'owners'))$$);
SELECT pg_temp.commit(
    $$UPDATE quay."user" SET organization = true, password_hash = NULL WHERE username = 'inv-ben'$$,
    $$INSERT INTO quay.team (name, organization_id, role_id, description) VALUES ('owners', pg_temp.id('inv-ben'), 1, '')$$,
    $$INSERT INTO quay.teammember (user_id, team_id) VALUES (pg_temp.id('inv-ann'), pg_temp.team('inv-ben', 'owners'))$$);
SELECT pg_temp.commit($$DELETE FROM quay.teammember WHERE team_id IN (SELECT id FROM quay.team WHERE organization_id = pg_temp.id('inv-org'))$$,
    $$DELETE FROM quay.team WHERE organization_id = pg_temp.id('inv-org')$$);
-- A former person is in no team: he can do nothing there, and a dump with him could not be restored.
SELECT count(*) AS ben_before FROM quay.teammember WHERE user_id = pg_temp.id('inv-ben');
UPDATE quay."user" SET organization = true WHERE username = 'inv-ben';
SELECT count(*) AS ben_after FROM quay.teammember WHERE user_id = pg_temp.id('inv-ben');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
