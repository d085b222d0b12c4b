-- Invitations to teams.
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
-- The code of the invitation of a user or address to a team
CREATE FUNCTION pg_temp.code(team text, invitee text) RETURNS text LANGUAGE sql AS $$
    SELECT i.invite_token FROM quay.teammemberinvite AS i JOIN quay.team AS t ON t.id = i.team_id LEFT JOIN quay."user" AS u ON u.id = i.user_id
    WHERE t.name = code.team AND coalesce(u.username, i.email) = code.invitee;
$$;
CREATE FUNCTION pg_temp.state() RETURNS TABLE (who text, member_of text[], invited_to text[], notified bigint) LANGUAGE sql AS $$
    SELECT u.username,
           ARRAY(SELECT o.username || '/' || t.name FROM quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id
                 JOIN quay."user" AS o ON o.id = t.organization_id WHERE m.user_id = u.id ORDER BY 1),
           ARRAY(SELECT o.username || '/' || t.name FROM quay.teammemberinvite AS i JOIN quay.team AS t ON t.id = i.team_id
                 JOIN quay."user" AS o ON o.id = t.organization_id WHERE i.user_id = u.id OR i.email = u.email ORDER BY 1),
           (SELECT count(*) FROM quay.notification AS n WHERE n.target_id = u.id)
    FROM quay."user" AS u WHERE u.username LIKE 'ti-%' AND NOT u.organization AND NOT u.robot ORDER BY u.username;
$$;
SELECT count(quay.user_create('ti-' || n, 'password', n || '@ti.example', verified => n <> 'dan')) AS people
FROM unnest(ARRAY['ann', 'ben', 'cleo', 'dan']) AS n;
SELECT quay.user_create('ti-none', 'password', NULL, email_required => false) IS NOT NULL AS without_address;
SELECT quay.organization_create('ti-org', NULL, 'ti-ann') IS NOT NULL AS org, quay.organization_create('ti-two', NULL, 'ti-ann') IS NOT NULL AS two;
SELECT count(quay.team_create('ti-org', t, 'member')) AS teams FROM unnest(ARRAY['red', 'blue', 'green']) AS t;
SELECT quay.team_create('ti-two', 'gray', 'member') IS NOT NULL AS team;
SELECT count(username) AS robots FROM unnest(ARRAY['ti-org', 'ti-two']) AS n, quay.robot_create(n, 'bot');

-- An outsider is invited, once; robots and members of the organization join at once.
SELECT status, code = pg_temp.code('red', 'ti-ben') AS code, code ~ '^urn:teaminvite:[0-9a-f-]{36}$' AS form, address
FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-ben', ip => '192.0.2.1');
SELECT status, code = pg_temp.code('red', 'ti-ben') AS code, address FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', username => 'ti-ben');
SELECT n.metadata_json::jsonb - 'code' AS notification, n.metadata_json::jsonb ->> 'code' = pg_temp.code('red', 'ti-ben') AS code
FROM quay.notification AS n JOIN quay."user" AS u ON u.id = n.target_id WHERE u.username = 'ti-ben';
SELECT status, address FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-none');
SELECT status, code, address FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-org+bot');
SELECT status, code FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-ann');
SELECT status, code FROM quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-ann');
SELECT status, address FROM quay.team_member_add_or_invite('ti-org', 'green', 'ti-ann', email => 'cleo@ti.example');
SELECT status, code = pg_temp.code('green', 'cleo@ti.example') AS code FROM quay.team_member_add_or_invite('ti-org', 'green', 'ti-ann', email => 'cleo@ti.example');
-- The settings decide, unless the caller does.
SET LOCAL quay.require_team_invite = off;
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'blue', 'ti-ann', 'ti-cleo', requires_invite => true);
SELECT quay.team_invite_delete('ti-org', 'blue', 'ti-cleo') AS withdrawn;
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-cleo');
SET LOCAL quay.require_team_invite = on;
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-none', requires_invite => false);
SET LOCAL quay.mailing = off;
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-dan', actor => 'ti-ben');
SELECT pg_temp.try($$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', email => 'x@ti.example')$$);
SET LOCAL quay.mailing = on;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-ben', 'ben@ti.example')$$,
    $$SELECT quay.team_member_add_or_invite('ti-nobody', 'red', 'ti-ann', 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'pink', 'ti-ann', 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-nobody', 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', NULL, 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-nobody')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-ben', actor => 'ti-nobody')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-two+bot')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-two+bot', requires_invite => false)$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', 'ti-two')$$,
    $$SELECT quay.team_member_add_or_invite('ti-org', 'red', 'ti-ann', email => 'nonsense')$$]) AS s;
SELECT username, email, inviter FROM quay.team_invite_list('ti-org', 'red');
SELECT username FROM quay.team_invite_list('ti-org', 'red', after => (SELECT min(invite_id) FROM quay.team_invite_list('ti-org', 'red')));
SELECT username, email, inviter FROM quay.team_invite_list('ti-org', 'green', n => 1);
SELECT * FROM quay.team_invite_lookup(pg_temp.code('red', 'ti-ben'));
SELECT * FROM quay.team_invite_lookup(pg_temp.code('green', 'cleo@ti.example'));
SELECT count(*) FROM quay.team_invite_lookup('urn:teaminvite:unknown');
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT count(*) FROM quay.team_invite_list('ti-org', 'pink')$$,
    $$SELECT count(*) FROM quay.team_invite_list('ti-nobody', 'red')$$,
    $$SELECT count(*) FROM quay.team_invite_list('ti-org', 'red', n => -1)$$]) AS s;

-- Not for somebody else, and a refused attempt leaves it as it was. An address that is not verified proves nothing.
SELECT quay.team_member_add_or_invite('ti-org', 'blue', 'ti-ann', email => 'dan@ti.example') IS NOT NULL AS invited;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_invite_accept('urn:teaminvite:unknown', 'ti-ben')$$,
    $$SELECT quay.team_invite_accept(NULL, 'ti-ben')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('red', 'ti-ben'), 'ti-cleo')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('green', 'cleo@ti.example'), 'ti-ben')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('blue', 'dan@ti.example'), 'ti-dan')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('red', 'ti-ben'), 'ti-nobody')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('red', 'ti-ben'), 'ti-ben', 'ti-nobody')$$,
    $$SELECT quay.team_invite_decline('urn:teaminvite:unknown', 'ti-ben')$$,
    $$SELECT quay.team_invite_decline(pg_temp.code('red', 'ti-ben'), 'ti-cleo')$$,
    $$SELECT quay.team_invite_decline(pg_temp.code('blue', 'dan@ti.example'), 'ti-dan')$$,
    $$SELECT quay.team_invite_decline(pg_temp.code('red', 'ti-ben'), 'ti-nobody')$$,
    $$SELECT quay.team_invite_decline(pg_temp.code('red', 'ti-ben'), 'ti-ben', 'ti-nobody')$$]) AS s;
SELECT * FROM pg_temp.state();

-- Accepting one accepts all of the organization, to the user and to his verified address, twice to one team too; others stay.
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'blue', 'ti-ann', 'ti-ben');
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'blue', 'ti-ann', email => 'ben@ti.example');
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-ben');
SELECT organization_name, team_name, inviter, invited_email FROM quay.user_team_invite_list('ti-ben');
SELECT organization_name, team_name FROM quay.team_invite_list_by_email('ben@ti.example');
SELECT count(*) FILTER (WHERE l.code IS NOT NULL) AS dan FROM quay.user_team_invite_list('ti-dan') AS l;
SELECT pg_temp.code('red', 'ti-ben') AS red_code, pg_temp.code('blue', 'ti-ben') AS blue_code \gset
SELECT * FROM quay.team_invite_accept(:'red_code', 'ti-ben', ip => '192.0.2.2');
SELECT pg_temp.try(format('SELECT quay.team_invite_accept(%L, %L)', c, 'ti-ben')) FROM unnest(ARRAY[:'red_code', :'blue_code']) AS c;
SELECT pg_temp.try(format('SELECT quay.team_invite_decline(%L, %L)', :'red_code', 'ti-ben'));
SELECT * FROM pg_temp.state();
-- An invitation to an address, once it is verified
UPDATE quay."user" SET verified = true WHERE username = 'ti-dan';
SELECT * FROM quay.team_invite_accept(pg_temp.code('blue', 'dan@ti.example'), 'ti-dan');

-- Declining, also what went to the address.
SELECT * FROM quay.team_invite_decline(pg_temp.code('gray', 'ti-ben'), 'ti-ben', ip => '192.0.2.3');
SELECT * FROM quay.team_invite_decline(pg_temp.code('green', 'cleo@ti.example'), 'ti-cleo', 'ti-ann');
-- Withdrawing; and who is added or removed is not invited any more.
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'green', 'ti-ann', 'ti-cleo');
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'green', 'ti-ann', email => 'x@ti.example');
SELECT quay.team_invite_delete('ti-org', 'green', 'ti-cleo', actor => 'ti-ann', ip => '192.0.2.4') AS user, quay.team_invite_delete('ti-org', 'green', 'ti-cleo') AS again,
       quay.team_invite_delete('ti-org', 'green', email => 'x@ti.example') AS email, quay.team_invite_delete('ti-org', 'green') AS nobody;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_invite_delete('ti-org', 'pink', 'ti-cleo')$$,
    $$SELECT quay.team_invite_delete('ti-nobody', 'green', 'ti-cleo')$$,
    $$SELECT quay.team_invite_delete('ti-org', 'green', 'ti-cleo', actor => 'ti-nobody')$$]) AS s;
SELECT status FROM quay.team_member_add_or_invite('ti-org', 'green', 'ti-ann', 'ti-cleo');
SELECT quay.team_member_add('ti-org', 'green', 'ti-cleo') AS added;
SELECT quay.team_member_remove('ti-org', 'red', 'ti-none', 'ti-ann') AS invited_only, quay.team_member_remove('ti-org', 'red', 'ti-none') AS again;
SELECT * FROM pg_temp.state();

-- A synchronized team takes nobody by hand, except robots; a disabled organization nobody at all.
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-ben');
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'owners', 'ti-ann', 'ti-ben');
INSERT INTO quay.teamsync (team_id, transaction_id, service_id, config) SELECT team_id, '', 3, '"{}"' FROM quay.team_get('ti-two', 'gray');
SELECT is_synced FROM quay.team_get('ti-two', 'gray');
SET LOCAL quay.team_syncing = on;
SELECT is_synced FROM quay.team_get('ti-two', 'gray');
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-ann')$$,
    $$SELECT quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', email => 'x@ti.example')$$,
    $$SELECT quay.team_member_add('ti-two', 'gray', 'ti-ann')$$,
    $$SELECT quay.team_member_remove('ti-two', 'gray', 'ti-cleo')$$,
    $$SELECT quay.team_invite_accept(pg_temp.code('gray', 'ti-ben'), 'ti-ben')$$]) AS s;
SELECT status FROM quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-two+bot');
SELECT quay.team_member_remove('ti-two', 'gray', 'ti-two+bot') AS robot_removed;
-- He joins the others.
SELECT team_name FROM quay.team_invite_accept(pg_temp.code('owners', 'ti-ben'), 'ti-ben');
SET LOCAL quay.team_syncing = off;
UPDATE quay."user" SET enabled = false WHERE username = 'ti-two';
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.team_invite_accept(pg_temp.code('gray', 'ti-ben'), 'ti-ben')$$,
    $$SELECT quay.team_invite_delete('ti-two', 'gray', 'ti-ben')$$,
    $$SELECT quay.team_member_add_or_invite('ti-two', 'gray', 'ti-ann', 'ti-dan')$$]) AS s;
SELECT count(*) FROM quay.user_team_invite_list('ti-ben');
SELECT team_name FROM quay.team_invite_decline(pg_temp.code('gray', 'ti-ben'), 'ti-ben');

SELECT kind, account, performer, metadata, ip FROM pg_temp.log('ti-') WHERE kind ~ 'team_member';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
