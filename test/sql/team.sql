-- Teams and their members.
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
    RETURN format('%s %s: %s | %s', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.log(prefix text) RETURNS TABLE (kind text, account text, performer text, repository text, metadata text, ip text) LANGUAGE sql AS $$
    SELECT k.name, a.username, p.username, r.name, l.metadata_json, l.ip
    FROM quay.logentry3 AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    LEFT JOIN quay.repository AS r ON r.id = l.repository_id
    WHERE starts_with(a.username, prefix) ORDER BY l.id;
$$;
SELECT count(quay.user_create('tm-' || n, 'password', n || '@tm.example', verified => true)) AS people
FROM unnest(ARRAY['ann', 'ben', 'cleo', 'dan', 'root']) AS n;
SELECT quay.organization_create('tm-org', NULL, 'tm-ann') IS NOT NULL AS org, quay.organization_create('tm-two', NULL, 'tm-ben') IS NOT NULL AS two;
SELECT count(username) AS robots FROM (VALUES ('tm-org'), ('tm-two'), ('tm-ben')) AS v (n), quay.robot_create(n, 'bot');
SELECT count(quay.repository_create('tm-org', r, 'tm-ann')) AS repositories FROM unnest(ARRAY['app', 'lib']) AS r;

-- Creation, as in 1.0; a list costs one query, and a name is looked up exactly.
SELECT count(quay.team_create('tm-org', t, r, 'the ' || t, 'tm-ann')) AS teams
FROM (VALUES ('readers', 'member'), ('makers', 'creator'), ('admins', 'admin'), ('re', 'member')) AS v (t, r);
SELECT count(quay.permission_set('tm-org', r, 'team', t, 'read')) AS permissions
FROM (VALUES ('app', 'readers'), ('lib', 'readers'), ('app', 'makers')) AS v (r, t);
SELECT count(quay.team_member_add('tm-org', t, u, 'tm-ann')) AS members
FROM (VALUES ('readers', 'tm-ben'), ('readers', 'tm-org+bot'), ('makers', 'tm-cleo'), ('admins', 'tm-cleo')) AS v (t, u);
SELECT name, description, role, member_count, repository_count, is_synced FROM quay.team_list('tm-org');
SELECT name FROM quay.team_list('tm-org', n => 2);
SELECT name FROM quay.team_list('tm-org', after => 'makers', n => 2);
SELECT name, role, member_count, repository_count FROM quay.team_get('tm-org', 'readers');
SELECT count(*) FROM quay.team_get('tm-org', 'nobodies');
UPDATE quay.repository SET state = 3 WHERE name = 'lib' AND namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'tm-org');
SELECT repository_count FROM quay.team_get('tm-org', 'readers');
SELECT username, is_robot, enabled FROM quay.team_member_list('tm-org', 'readers');
SELECT username FROM quay.team_member_list('tm-org', 'readers', after => 'tm-ben', n => 1);
SELECT organization_name, team_name, role, cursor FROM quay.user_team_list('tm-cleo');
SELECT organization_name, team_name FROM quay.user_team_list('tm-ben');
SELECT organization_name, team_name FROM quay.user_team_list('tm-ben', organization => 'tm-org');
SELECT organization_name, team_name FROM quay.user_team_list('tm-ben', after => 'tm-org/readers', n => 1);
SELECT count(*) FROM quay.user_team_list('tm-nobody');

-- Search by prefix: wildcards are letters like others; "admined" finds teams without members too.
SELECT name, organization_name, role FROM quay.team_search('re', organization => 'tm-org');
SELECT name, organization_name FROM quay.team_search('RE', username => 'tm-ben');
SELECT name, organization_name FROM quay.team_search('', username => 'tm-ben');
SELECT name, organization_name FROM quay.team_search('', username => 'tm-cleo', administered => true);
SELECT name, organization_name FROM quay.team_search('', username => 'tm-ben', organization => 'tm-two');
SELECT name FROM quay.team_search('', organization => 'tm-org', n => 2);
SELECT count(*) FROM quay.team_search('%', organization => 'tm-org');
SELECT count(*) FROM quay.team_search('', username => 'tm-nobody');

-- Changes: each is logged once, and only if it is one.
SELECT quay.team_update('tm-org', 'readers', 'creator', 'who read', 'tm-ann', '192.0.2.1') AS both,
       quay.team_update('tm-org', 'readers', 'creator', 'who read') AS same, quay.team_update('tm-org', 'readers') AS nothing,
       quay.team_update('tm-org', 'readers', role => 'member') AS role, quay.team_update('tm-org', 'readers', description => '') AS description;
SELECT description, role FROM quay.team_get('tm-org', 'readers');

-- An administrator does not give up his only team of role admin, but others may go; who is in none, as a superuser, is not asked.
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_update('tm-org', 'admins', 'member', actor => 'tm-cleo')$$,
    $$SELECT quay.team_delete('tm-org', 'admins', actor => 'tm-cleo')$$,
    $$SELECT quay.team_member_remove('tm-org', 'admins', 'tm-cleo', actor => 'tm-cleo')$$]) AS s;
SELECT quay.team_member_remove('tm-org', 'admins', 'tm-cleo', actor => 'tm-ann') AS by_another, quay.team_member_add('tm-org', 'admins', 'tm-cleo') AS back;
SELECT quay.team_member_add('tm-org', 'owners', 'tm-cleo') AS second_team;
SELECT quay.team_update('tm-org', 'admins', 'member', actor => 'tm-cleo') AS one_of_two;
SELECT quay.team_update('tm-org', 'admins', 'admin', actor => 'tm-root') AS up, quay.team_update('tm-org', 'admins', 'member', actor => 'tm-root') AS down,
       quay.team_update('tm-org', 'admins', 'admin') AS up_again;
-- The organization keeps an enabled person, whoever asks.
SELECT quay.team_member_remove('tm-org', 'owners', 'tm-cleo') AS removed, quay.team_member_remove('tm-org', 'admins', 'tm-cleo') AS removed;
SELECT quay.team_member_add('tm-org', 'admins', 'tm-dan') AS dan, quay.team_member_add('tm-org', 'admins', 'tm-org+bot') AS bot;
UPDATE quay."user" SET enabled = false WHERE username = 'tm-dan';
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_update('tm-org', 'owners', 'creator')$$,
    $$SELECT quay.team_update('tm-org', 'owners', 'creator', actor => 'tm-ann')$$,
    $$SELECT quay.team_delete('tm-org', 'owners')$$,
    $$SELECT quay.team_delete('tm-org', 'owners', 'tm-ann')$$,
    $$SELECT quay.team_delete('tm-org', 'owners', 'tm-root')$$,
    $$SELECT quay.team_member_remove('tm-org', 'owners', 'tm-ann')$$,
    $$SELECT quay.team_member_remove('tm-org', 'owners', 'tm-ann', 'tm-ann')$$]) AS s;

-- Members. A robot comes from the organization; an organization is no member.
INSERT INTO quay.organizationrhskus (subscription_id, org_id, user_id) SELECT 78, o.id, u.id FROM quay."user" AS o, quay."user" AS u
WHERE o.username = 'tm-org' AND u.username = 'tm-ben';
SELECT quay.team_member_remove('tm-org', 'readers', 'tm-ben', 'tm-ann', '192.0.2.2') AS removed, quay.team_member_remove('tm-org', 'readers', 'tm-ben') AS again,
       quay.team_member_remove('tm-org', 'readers', 'tm-nobody') AS unknown;
SELECT count(*) AS subscriptions FROM quay.organizationrhskus WHERE subscription_id = 78;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_member_add('tm-org', 'readers', 'tm-two+bot')$$,
    $$SELECT quay.team_member_add('tm-org', 'readers', 'tm-ben+bot')$$,
    $$SELECT quay.team_member_add('tm-org', 'readers', 'tm-two')$$,
    $$SELECT quay.team_member_add('tm-org', 'readers', 'tm-nobody')$$,
    $$SELECT quay.team_member_add('tm-org', 'readers', NULL)$$,
    $$SELECT quay.team_member_add('tm-org', 'readers', 'tm-ben', 'tm-nobody')$$,
    $$SELECT quay.team_member_add('tm-org', 'nobodies', 'tm-ben')$$,
    $$SELECT quay.team_member_add('tm-ann', 'readers', 'tm-ben')$$,
    $$SELECT quay.team_member_remove('tm-org', 'nobodies', 'tm-ben')$$,
    $$SELECT quay.team_member_remove('tm-nobody', 'readers', 'tm-ben')$$,
    $$SELECT quay.team_member_remove('tm-org', 'readers', 'tm-ben', 'tm-nobody')$$,
    $$SELECT quay.team_update('tm-org', 'nobodies', 'admin')$$,
    $$SELECT quay.team_update('tm-nobody', 'readers', 'admin')$$,
    $$SELECT quay.team_update('tm-org', 'readers', 'owner')$$,
    $$SELECT quay.team_update('tm-org', 'readers', 'admin', actor => 'tm-nobody')$$,
    $$SELECT quay.team_delete('tm-org', 'nobodies')$$,
    $$SELECT quay.team_delete('tm-nobody', 'readers')$$,
    $$SELECT quay.team_delete('tm-org', 'readers', 'tm-nobody')$$,
    $$SELECT count(*) FROM quay.team_list('tm-nobody')$$,
    $$SELECT count(*) FROM quay.team_list('tm-org', n => -1)$$,
    $$SELECT count(*) FROM quay.team_get('tm-nobody', 'readers')$$,
    $$SELECT count(*) FROM quay.team_member_list('tm-org', 'nobodies')$$,
    $$SELECT count(*) FROM quay.team_member_list('tm-nobody', 'readers')$$,
    $$SELECT count(*) FROM quay.team_member_list('tm-org', 'readers', n => -1)$$,
    $$SELECT count(*) FROM quay.user_team_list('tm-ann', n => -1)$$,
    $$SELECT count(*) FROM quay.team_search('re')$$,
    $$SELECT count(*) FROM quay.team_search('re', organization => 'tm-org', administered => true)$$,
    $$SELECT count(*) FROM quay.team_search('re', organization => 'tm-org', n => -1)$$,
    $$SELECT quay.team_create('tm-org', 'readers', 'member')$$,
    $$SELECT quay.team_create('tm-ann', 'writers', 'member')$$,
    $$SELECT quay.team_create('tm-org', 'writers', 'writer')$$,
    $$SELECT quay.team_create('tm-org', 'Writers', 'member')$$,
    $$SELECT quay.team_create('tm-org', 'writers', 'member', actor => 'tm-nobody')$$]) AS s;

-- A team goes with all that is its own.
SELECT quay.team_member_add('tm-org', 'makers', 'tm-ben') AS added;
SELECT status FROM quay.team_member_add_or_invite('tm-org', 'makers', 'tm-ann', 'tm-root');
INSERT INTO quay.teamsync (team_id, transaction_id, service_id, config) SELECT team_id, '', 3, '"{}"' FROM quay.team_get('tm-org', 'makers');
INSERT INTO quay.permissionprototype (org_id, uuid, delegate_team_id, role_id)
SELECT organization_id, 'tm-uuid', id, 1 FROM quay.team WHERE name = 'makers' AND organization_id = (SELECT id FROM quay."user" WHERE username = 'tm-org');
SELECT count(*) AS notified FROM quay.notification AS n JOIN quay."user" AS u ON u.id = n.target_id WHERE u.username = 'tm-root';
SELECT team_id AS makers_id FROM quay.team_get('tm-org', 'makers') \gset
SELECT quay.team_delete('tm-org', 'makers', 'tm-ann', '192.0.2.3');
SELECT count(*) AS leftovers FROM (SELECT team_id FROM quay.teammember UNION ALL SELECT team_id FROM quay.teammemberinvite
    UNION ALL SELECT team_id FROM quay.teamsync UNION ALL SELECT team_id FROM quay.repositorypermission
    UNION ALL SELECT delegate_team_id FROM quay.permissionprototype UNION ALL SELECT id FROM quay.team) AS l WHERE team_id = :makers_id;
SELECT count(*) AS notified FROM quay.notification AS n JOIN quay."user" AS u ON u.id = n.target_id WHERE u.username = 'tm-root';
SELECT quay.team_delete('tm-org', 'admins', 'tm-ann');
SELECT name FROM quay.team_list('tm-org');

-- A disabled organization.
UPDATE quay."user" SET enabled = false WHERE username = 'tm-two';
SELECT organization_name, team_name FROM quay.user_team_list('tm-ben');
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_member_add('tm-two', 'owners', 'tm-ann')$$,
    $$SELECT quay.team_member_remove('tm-two', 'owners', 'tm-ann')$$,
    $$SELECT quay.team_update('tm-two', 'owners', 'member')$$,
    $$SELECT quay.team_delete('tm-two', 'owners')$$,
    $$SELECT quay.team_create('tm-two', 'writers', 'member')$$,
    $$SELECT count(*) FROM quay.team_list('tm-two')$$]) AS s;

SELECT kind, account, performer, metadata, ip FROM pg_temp.log('tm-') WHERE kind ~ '^org_';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
