-- Synchronization of teams with groups of an identity provider.
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
CREATE FUNCTION pg_temp.members(organization text, team text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(username, ' '), '-') FROM quay.team_member_list(members.organization, members.team);
$$;
-- One run of a worker that finds these members
CREATE FUNCTION pg_temp.sync(organization text, team text, members jsonb, transaction_id text DEFAULT NULL)
    RETURNS TABLE (applied boolean, added text[], removed text[], kept text[], errors jsonb) LANGUAGE sql AS $$
    SELECT * FROM quay.team_sync_apply(sync.organization, sync.team,
        coalesce(sync.transaction_id, (SELECT g.transaction_id FROM quay.team_sync_get(sync.organization, sync.team) AS g)), sync.members);
$$;
SET LOCAL quay.authentication_type = 'ldap';
SELECT count(quay.user_create('ts-' || n, 'password', n || '@ts.example', verified => true)) AS people
FROM unnest(ARRAY['ann', 'ben', 'cleo', 'dan', 'eve']) AS n;
SELECT quay.organization_create('ts-org', NULL, 'ts-ann') IS NOT NULL AS org, quay.organization_create('ts-two', NULL, 'ts-ben') IS NOT NULL AS two;
SELECT count(username) AS robots FROM quay.robot_create('ts-org', 'bot');
SELECT count(quay.team_create('ts-org', t, r)) AS teams FROM (VALUES ('devs', 'member'), ('chiefs', 'admin'), ('plain', 'member')) AS v (t, r);
SELECT quay.team_create('ts-two', 'ops', 'member') IS NOT NULL AS team;

-- Setting it up
SELECT pg_temp.try($$SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '{"group_dn": "cn=devs"}')$$);
SET LOCAL quay.team_syncing = on;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'nosuch', '{"group_dn": "cn=devs"}')$$,
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'quayrobot', '{"group_dn": "cn=devs"}')$$,
    $$SELECT quay.team_sync_set('ts-org', 'devs', NULL, '{"group_dn": "cn=devs"}')$$,
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '"cn=devs"')$$,
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', NULL)$$,
    $$SELECT quay.team_sync_set('ts-org', 'none', 'ldap', '{}')$$,
    $$SELECT quay.team_sync_set('ts-none', 'devs', 'ldap', '{}')$$,
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '{}', 'ts-none')$$,
    $$SELECT quay.team_sync_set('ts-org', 'owners', 'oidc', '{"group_name": "grp1"}')$$,
    $$SELECT quay.team_sync_remove('ts-org', 'none')$$,
    $$SELECT quay.team_sync_remove('ts-none', 'devs')$$,
    $$SELECT quay.team_sync_remove('ts-org', 'devs', 'ts-none')$$,
    $$SELECT count(*) FROM quay.team_sync_get('ts-org', 'none')$$,
    $$SELECT count(*) FROM quay.team_sync_get('ts-none', 'devs')$$,
    $$SELECT count(*) FROM quay.team_sync_member_list('ts-org', 'none')$$,
    $$SELECT count(*) FROM quay.team_sync_list(n => -1)$$,
    $$SELECT count(*) FROM quay.team_sync_stale_take(n => -1)$$]) AS s;
SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '{"group_dn": "cn=\"devs\""}', 'ts-ann', '192.0.2.1');
SELECT * FROM quay.team_sync_get('ts-org', 'devs');
-- A JSON string that holds the object, as the reference writes it
SELECT s.config, s.config::jsonb #>> '{}' AS inner FROM quay.teamsync AS s JOIN quay.team AS t ON t.id = s.team_id WHERE t.name = 'devs' AND s.config LIKE '%devs%';
SELECT quay.team_sync_set('ts-org', 'devs', 'keystone', '{"group_id": 7}');
SELECT service, config FROM quay.team_sync_get('ts-org', 'devs');
SELECT quay.team_sync_remove('ts-org', 'devs', 'ts-ann', '192.0.2.2') AS removed, quay.team_sync_remove('ts-org', 'devs') AS again;
SELECT count(*) FROM quay.team_sync_get('ts-org', 'devs');
SELECT quay_internal.team_sync_config(c) FROM unnest(ARRAY['{"a": 1}', '"{\"a\": 1}"', '"x"', '[]', 'garbage', '"\"a\""', '{"a": "\u0000"}', '']) AS c;

-- A run: links, creates, adds, removes; robots stay; who is in the feed twice is one.
SELECT quay.team_member_add('ts-org', 'devs', 'ts-org+bot') AS bot, quay.team_member_add('ts-org', 'devs', 'ts-cleo') AS cleo,
       quay.team_member_add('ts-org', 'devs', 'ts-dan') AS dan;
SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '{"group_dn": "cn=devs"}');
SELECT quay.federated_login_attach('ts-dan', 'ldap', 'daniel') AS dan, quay.federated_login_attach('ts-ben', 'ldap', 'benjamin') AS ben;
-- whatever keeps people from signing up
SET LOCAL quay.user_creation = off;
SET LOCAL quay.invite_only_user_creation = on;
SELECT * FROM pg_temp.sync('ts-org', 'devs', '[
    {"service_ident": "daniel", "username": "ts-daniel", "email": "daniel@elsewhere.example"},
    {"service_ident": "benjamin", "username": "ts-benjamin"},
    {"service_ident": "benjamin", "username": "ts-benjamin"},
    {"service_ident": "ts new", "username": "ts-new", "email": "new@ts.example"},
    {"service_ident": "thief", "username": "ts-thief", "email": "eve@ts.example"},
    {"service_ident": "nomail", "username": "ts-nomail"},
    {"username": "ts-noident", "email": "noident@ts.example"},
    {}, 7, null]');
SELECT pg_temp.members('ts-org', 'devs');
SELECT * FROM quay.federated_login_list('ts-new');
SELECT username, service_ident FROM quay.team_sync_member_list('ts-org', 'devs');
SELECT service, length(transaction_id) AS transaction_id, last_updated FROM quay.team_sync_get('ts-org', 'devs');
SELECT email FROM quay."user" WHERE username IN ('ts-dan', 'ts-eve') ORDER BY username;
-- An answer that comes too late does nothing. So does one about a team that is not synchronized.
SELECT * FROM pg_temp.sync('ts-org', 'devs', '[]', '');
SELECT * FROM pg_temp.sync('ts-org', 'plain', '[]', '');
SELECT pg_temp.members('ts-org', 'devs');
-- Without mailing no address is needed.
SET LOCAL quay.mailing = off;
SELECT * FROM pg_temp.sync('ts-org', 'devs', '[{"service_ident": "ts-nomail"}, {"service_ident": "ts new"}]');
SET LOCAL quay.mailing = on;
-- An empty group, and one that is back
SELECT * FROM pg_temp.sync('ts-org', 'devs', '[]');
SELECT pg_temp.members('ts-org', 'devs');
SELECT * FROM pg_temp.sync('ts-org', 'devs', '[{"service_ident": "benjamin"}]');
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT pg_temp.sync('ts-org', 'devs', '{"service_ident": "benjamin"}')$$,
    $$SELECT pg_temp.sync('ts-org', 'devs', NULL)$$,
    $$SELECT quay.team_sync_apply('ts-org', 'none', '', '[]')$$,
    $$SELECT quay.team_sync_apply('ts-none', 'devs', '', '[]')$$]) AS s;

-- The last administrator stays, and the rest is in step all the same.
SELECT quay.team_member_add('ts-org', 'chiefs', 'ts-dan') AS dan, quay.team_member_add('ts-org', 'chiefs', 'ts-cleo') AS cleo, quay.team_member_add('ts-org', 'chiefs', 'ts-eve') AS eve;
SELECT quay.team_member_remove('ts-org', 'owners', 'ts-ann') AS ann_left;
SELECT quay.team_sync_set('ts-org', 'chiefs', 'ldap', '{"group_dn": "cn=chiefs"}');
UPDATE quay."user" SET enabled = false WHERE username = 'ts-dan';
SELECT * FROM pg_temp.sync('ts-org', 'chiefs', '[]');
SELECT * FROM pg_temp.sync('ts-org', 'chiefs', '[{"service_ident": "benjamin"}]');
SELECT * FROM pg_temp.sync('ts-org', 'chiefs', '[{"service_ident": "daniel"}]');
SELECT pg_temp.members('ts-org', 'chiefs');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
-- An organization that has lost them all is not touched further.
SET LOCAL session_replication_role = replica;
UPDATE quay."user" SET enabled = false WHERE username = 'ts-ben';
SET LOCAL session_replication_role = origin;
SELECT * FROM pg_temp.sync('ts-org', 'chiefs', '[]');
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
UPDATE quay."user" SET enabled = true WHERE username = 'ts-ben';

-- What the worker gets: oldest first, teams never synchronized before all, not oidc, not a disabled organization.
SELECT quay.team_sync_set('ts-two', 'ops', 'ldap', '{"group_dn": "cn=ops"}');
SELECT quay.team_sync_set('ts-org', 'plain', 'keystone', '{"group_id": 1}');
SET LOCAL quay.clock = '2026-03-01 12:20:00+00';
SELECT applied FROM pg_temp.sync('ts-org', 'devs', '[]');
SELECT organization_name, team_name, login_service, config, length(transaction_id) AS transaction_id, last_updated FROM quay.team_sync_stale_take(n => 10);
SET LOCAL quay.clock = '2026-03-01 12:30:00+00';
SELECT team_name, last_updated FROM quay.team_sync_stale_take(n => 10);
SELECT team_name FROM quay.team_sync_stale_take(n => 10, stale_after => '10 min');
SELECT team_name FROM quay.team_sync_stale_take();
SELECT team_name FROM quay.team_sync_stale_take('{ldap,oidc}', 10);
SELECT quay.team_sync_set('ts-two', 'ops', 'oidc', '{"group_name": "grp1"}');
SELECT team_name FROM quay.team_sync_stale_take('{ldap,oidc}', 10);
SELECT organization_name, team_name, login_service, config FROM quay.team_sync_list();
SELECT team_name FROM quay.team_sync_list(n => 1);
SELECT team_name FROM quay.team_sync_list(after => (SELECT min(sync_id) FROM quay.team_sync_list()), n => 1);
SELECT organization_name, team_name FROM quay.team_sync_list('oidc', '{grp1}');
SELECT count(*) FROM quay.team_sync_list('ldap', '{grp1}');
SELECT count(*) FROM quay.team_sync_list('oidc', '{grp}');

-- Groups that come with a login: oidc empties the team first, and then each comes back.
SELECT quay.team_sync_remove('ts-org', 'plain') AS removed, quay.team_sync_remove('ts-org', 'chiefs') AS removed;
SELECT quay.team_member_add('ts-org', 'plain', 'ts-eve') AS eve, quay.team_member_add('ts-org', 'plain', 'ts-org+bot') AS bot;
SELECT quay.team_sync_set('ts-org', 'plain', 'oidc', '{"group_name": "grp2"}');
SELECT pg_temp.members('ts-org', 'plain');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp1,grp2,other}', ip => '192.0.2.3');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp1,grp2,other}');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp2}');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp1,grp2}', service => 'github');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', NULL);
UPDATE quay.teamsync SET config = 'garbage' WHERE team_id = (SELECT team_id FROM quay.team_get('ts-two', 'ops'));
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp1,grp2}');
-- The only administrator stays here too.
SELECT quay.team_member_add('ts-org', 'owners', 'ts-cleo') AS cleo;
SELECT quay.team_member_remove('ts-org', 'chiefs', 'ts-ben') AS ben_left;
SELECT quay.team_sync_set('ts-org', 'chiefs', 'oidc', '{"group_name": "grp3"}');
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{grp2,grp3}');
SELECT quay.team_member_remove('ts-org', 'owners', 'ts-cleo') AS cleo_left;
SELECT * FROM quay.user_team_sync_oidc('ts-eve', '{}');
SELECT pg_temp.try($$SELECT * FROM quay.user_team_sync_oidc('ts-none', '{}')$$);

-- Off again
SET LOCAL quay.team_syncing = off;
SELECT count(*) FROM quay.user_team_sync_oidc('ts-ann', '{grp2}');
SELECT count(*) FROM quay.team_sync_stale_take(n => 10);
SELECT pg_temp.try($$SELECT quay.team_sync_apply('ts-org', 'devs', '', '[]')$$);
SET LOCAL quay.team_syncing = on;
UPDATE quay."user" SET enabled = false WHERE username IN ('ts-org', 'ts-two');
SELECT count(*) FROM quay.user_team_sync_oidc('ts-ann', '{grp2}');
SELECT count(*) FROM quay.team_sync_list() WHERE organization_name LIKE 'ts-%';
SELECT count(*) FROM quay.team_sync_stale_take(n => 10) WHERE organization_name LIKE 'ts-%';
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_sync_set('ts-org', 'devs', 'ldap', '{}')$$,
    $$SELECT quay.team_sync_remove('ts-org', 'devs')$$,
    $$SELECT quay.team_sync_apply('ts-org', 'devs', '', '[]')$$]) AS s;

SELECT kind, account, performer, metadata, ip FROM pg_temp.log('ts-') WHERE kind ~ 'team_member|team_sync|user_create' AND account !~ 'ts-(ann|ben|cleo|dan|eve)$';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
