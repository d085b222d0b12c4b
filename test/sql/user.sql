-- People: how they come into being, and what is changed about them.
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
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, account text, performer text, metadata text, ip text) LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM quay.logentry3 AS l USING quay."user" AS a WHERE a.id = l.account_id AND a.username LIKE 'usr-%' RETURNING l.*)
    SELECT k.name, a.username, p.username, l.metadata_json, l.ip
    FROM gone AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    ORDER BY l.id;
$$;
INSERT INTO quay.superuser (username, kind) VALUES ('usr-root', 'superuser'), ('usr-auditor', 'readonly'), ('usr-future', 'superuser');
SELECT count(quay.user_create(n, 'password', n || '@usr.example', verified => true)) FROM unnest(ARRAY['usr-root', 'usr-admin', 'usr-auditor']) AS n;
SELECT quay.organization_create('usr-org', 'org@usr.example', 'usr-admin') IS NOT NULL AS org;
SELECT quay.team_create('usr-org', 'team', 'member') IS NOT NULL AS team;
SELECT count(*) FROM pg_temp.log();

-- Creation: prompts and the number of builds.
SELECT quay.user_create('usr-plain', 'password', 'plain@usr.example', actor => 'usr-root', ip => '192.0.2.1') IS NOT NULL AS created;
SELECT quay.user_create('usr-abuser', 'password', 'abuser@usr.example', possible_abuser => true) IS NOT NULL AS created;
SET LOCAL quay.default_maximum_build_count = 20;
SELECT quay.user_create('usr-abuser2', 'password', 'abuser2@usr.example', possible_abuser => true) IS NOT NULL AS created;
SET LOCAL quay.threat_maximum_build_count = 0;
SET LOCAL quay.user_metadata = on;
SELECT quay.user_create('usr-abuser3', 'password', 'abuser3@usr.example', possible_abuser => true) IS NOT NULL AS created;
SELECT quay.user_create('usr-prompted', 'password', 'prompted@usr.example', prompts => '{confirm_username,confirm_username}') IS NOT NULL AS created;
SELECT username FROM quay.robot_create('usr-prompted', 'bot');
RESET quay.default_maximum_build_count;
RESET quay.threat_maximum_build_count;
RESET quay.user_metadata;
SELECT u.username, u.maximum_queued_builds_count AS builds, ARRAY(SELECT kind FROM quay.user_prompt_list(u.username)) AS prompts
FROM quay."user" AS u WHERE u.username ~ '^usr-(plain|abuser|prompted)' ORDER BY u.username;
SELECT pg_temp.try($$SELECT quay.user_create('usr-x', 'password', 'x@usr.example', prompts => '{no_such}')$$);
SELECT * FROM pg_temp.log();

-- An invitation that was mailed to the address verifies it; nobody joins a team by it.
INSERT INTO quay.teammemberinvite (email, team_id, inviter_id, invite_token)
SELECT 'invited@usr.example', t.id, u.id, 'urn:teaminvite:usr-1' FROM quay.team AS t, quay."user" AS u WHERE t.name = 'team' AND u.username = 'usr-admin';
INSERT INTO quay.teammemberinvite (user_id, team_id, inviter_id, invite_token)
SELECT p.id, t.id, u.id, 'urn:teaminvite:usr-2' FROM quay.team AS t, quay."user" AS u, quay."user" AS p
WHERE t.name = 'team' AND u.username = 'usr-admin' AND p.username = 'usr-plain';
SELECT quay.user_create('usr-invited', 'password', 'invited@usr.example', invite_code => 'urn:teaminvite:usr-1') IS NOT NULL AS created;
SELECT quay.user_create('usr-invited2', 'password', 'invited2@usr.example', invite_code => 'urn:teaminvite:usr-1') IS NOT NULL AS created;
SELECT username, verified, EXISTS (SELECT FROM quay.teammember AS m WHERE m.user_id = u.id) AS member
FROM quay."user" AS u WHERE username LIKE 'usr-invited%' ORDER BY username;
SELECT quay.user_verify_by_invite('usr-plain', 'urn:teaminvite:usr-1') AS of_another, quay.user_verify_by_invite('usr-plain', 'urn:teaminvite:usr-2') AS not_mailed,
       quay.user_verify_by_invite('usr-plain', NULL) AS none, quay.user_verify_by_invite('usr-invited', 'urn:teaminvite:usr-1') AS his;
UPDATE quay."user" SET verified = false WHERE username = 'usr-invited';
SELECT quay.user_verify_by_invite('usr-invited', 'urn:teaminvite:usr-1') AS his;
SELECT username, verified FROM quay."user" WHERE username IN ('usr-invited', 'usr-plain') ORDER BY username;
SELECT pg_temp.try($$SELECT quay.user_verify_by_invite('usr-nobody', 'x')$$);

-- Who may sign up.
INSERT INTO quay.blocked_email_domain VALUES ('blocked.example'), ('co.example');
SELECT e AS email, quay.user_can_create(e) FROM unnest(ARRAY['a@free.example', 'a@blocked.example', 'a@Mail.Blocked.Example', 'a@notblocked.example',
    'a@blocked.example.org', 'a@blocked.example.', 'a@b@x.co.example', 'no address', '', NULL]) AS e;
SET LOCAL quay.invite_only_user_creation = on;
SELECT e AS email, quay.user_can_create(e) FROM unnest(ARRAY['a@free.example', 'invited@usr.example', 'Invited@usr.example', NULL]) AS e;
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'invited@usr.example')$$);
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'new@usr.example', 'urn:teaminvite:usr-1')$$);
RESET quay.invite_only_user_creation;
SET LOCAL quay.user_creation = off;
SELECT quay.user_can_create('a@free.example');
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'new@usr.example')$$);
RESET quay.user_creation;
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'new@a.blocked.example')$$);
SET LOCAL quay.authentication_type = 'ldap';
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'new@usr.example')$$);
SELECT pg_temp.try($$SELECT quay.user_initialize('usr-new', 'password', 'new@usr.example')$$);
RESET quay.authentication_type;
SET LOCAL quay.direct_login = off;
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'new@usr.example')$$);
RESET quay.direct_login;
SELECT n AS name, pg_temp.try(format($$SELECT user_id FROM quay.user_sign_up(%L, 'password', 'new@usr.example')$$, n))
FROM unnest(ARRAY['usr-plain', 'usr-org', 'a', 'auserName', '', NULL]) AS n;
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password', 'plain@usr.example')$$);
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'password')$$);
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-new', 'passwor', 'new@usr.example')$$);
SELECT user_id IS NOT NULL AS id, awaiting_verification, length(code) AS code
FROM quay.user_sign_up('usr-new', 'password', 'new@usr.example', ip => '192.0.2.2');
UPDATE quay."user" SET email = 'elsewhere@usr.example' WHERE username = 'usr-invited';
SELECT awaiting_verification, code FROM quay.user_sign_up('usr-new2', 'password', 'invited@usr.example', 'urn:teaminvite:usr-1', true);
SELECT awaiting_verification, code IS NOT NULL AS code FROM quay.user_sign_up('usr-new3', 'password', 'new3@usr.example', 'urn:teaminvite:usr-1');
-- Without mails there is nothing to confirm.
SET LOCAL quay.mailing = off;
SELECT awaiting_verification, code FROM quay.user_sign_up('usr-new4', 'password');
RESET quay.mailing;
SELECT username, verified, email LIKE '%@%' AS address, password_hash IS NOT NULL AS password FROM quay."user" WHERE username LIKE 'usr-new%' ORDER BY username;
-- While a namespace waits to be purged, its name is not available.
UPDATE quay."user" SET username = 'usr-gone-uuid', enabled = false WHERE username = 'usr-new4';
INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
SELECT id, now(), 'usr-gone', email FROM quay."user" WHERE username = 'usr-gone-uuid';
SELECT pg_temp.try($$SELECT user_id FROM quay.user_sign_up('usr-gone', 'password', 'gone@usr.example')$$);
SELECT pg_temp.try($$SELECT quay.user_initialize('usr-init', 'password', 'init@usr.example')$$);
SELECT * FROM pg_temp.log();

-- Passwords: sessions end, failures are forgotten, codes and the notification go.
UPDATE quay."user" SET uuid = 'usr-session', invalid_login_attempts = 3 WHERE username = 'usr-plain';
SELECT length(quay.user_recovery_code_create('usr-plain')) AS reset_code, length(quay.user_email_code_create('usr-plain')) AS confirmation_code,
       length(quay.user_email_code_create('usr-plain', 'next@usr.example')) AS new_address_code;
SELECT length(quay_internal.notification_add('password_required', id)) AS notified FROM quay."user" WHERE username = 'usr-plain';
SELECT length(quay.user_password_set('usr-plain', 'pässwörd', ip => '192.0.2.3')) AS new_uuid;
SELECT uuid <> 'usr-session' AS new_session, invalid_login_attempts AS attempts, quay_internal.password_verify('pässwörd', password_hash) AS matches,
       (SELECT count(*) FROM quay.notification AS n WHERE n.target_id = u.id) AS notifications,
       ARRAY(SELECT c.pw_reset FROM quay.emailconfirmation AS c WHERE c.user_id = u.id) AS codes_left_reset
FROM quay."user" AS u WHERE username = 'usr-plain';
SELECT length(quay.user_password_set('usr-plain', 'password2', by_administrator => true, actor => 'usr-root')) AS new_uuid;
SELECT length(quay.user_password_set('usr-root', 'password2')) AS own, length(quay.user_password_set('usr-auditor', 'password2', true, 'usr-root')) AS readonly;
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-root', 'password2', true, 'usr-root')$$);
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-plain', 'pass word')$$);
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-plain', NULL)$$);
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-org', 'password')$$);
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-plain', 'password', actor => 'usr-nobody')$$);
SET LOCAL quay.authentication_type = 'oidc';
SELECT pg_temp.try($$SELECT quay.user_password_set('usr-plain', 'password')$$);
RESET quay.authentication_type;
-- Signing out.
UPDATE quay."user" SET uuid = 'usr-session' WHERE username = 'usr-plain';
SELECT quay.user_session_revoke('usr-plain', ip => '192.0.2.4') AS revoked, quay.user_session_revoke('usr-org') AS org, quay.user_session_revoke('usr-nobody') AS nobody;
SELECT uuid = 'usr-session' AS still FROM quay."user" WHERE username = 'usr-plain';
SELECT pg_temp.try($$SELECT quay.user_session_revoke('usr-plain', actor => 'usr-nobody')$$);
SELECT * FROM pg_temp.log();

-- Renaming.
SELECT pg_temp.try($$SELECT quay.user_rename('usr-plain', 'usr-plain2')$$);
SELECT quay.user_prompt_add('usr-plain', 'confirm_username') AS added, quay.user_prompt_add('usr-plain', 'confirm_username') AS again;
SELECT quay.user_rename('usr-plain', 'usr-plain') AS same;
SELECT quay.user_has_prompt('usr-plain') AS prompted;
SELECT pg_temp.try($$SELECT quay.user_rename('usr-plain', 'usr-plain2')$$);
SET LOCAL quay.username_confirmation = off;
SELECT quay.user_prompt_add('usr-plain', 'confirm_username') AS added;
SELECT pg_temp.try($$SELECT quay.user_rename('usr-plain', 'usr-plain2')$$);
RESET quay.username_confirmation;
SELECT count(r.username) AS robots FROM unnest(ARRAY['aa', 'b_c']) AS s, quay.robot_create('usr-plain', s) AS r;
SELECT count(quay.user_create(n, 'password', n || '@usr.example')) FROM unnest(ARRAY['usr_plain', 'usr-plainer']) AS n;
SELECT count(r.username) AS robots FROM unnest(ARRAY['usr_plain', 'usr-plainer']) AS n, quay.robot_create(n, 'aa') AS r;
SELECT quay.user_rename('usr-plain', 'usr-plain2') AS once;
SELECT quay.user_has_prompt('usr-plain2') AS prompted;
SELECT username FROM quay."user" WHERE username ~ '^usr.plain' ORDER BY username;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT actor FROM quay.authenticate('usr-plain2', 'password2');
SET LOCAL quay.user_rename = on;
SELECT n AS new_name, pg_temp.try(format('SELECT quay.user_rename(%L, %L)', 'usr-plain2', n))
FROM unnest(ARRAY['usr-admin', 'usr-org', 'usr-gone', 'usr-future', 'a', 'Usr', NULL]) AS n;
INSERT INTO quay.unrestricted_user VALUES ('usr-free');
INSERT INTO quay.allowed_robot VALUES ('usr-robots+ci');
SELECT n AS new_name, pg_temp.try(format('SELECT quay.user_rename(%L, %L)', 'usr-plain2', n)) FROM unnest(ARRAY['usr-free', 'usr-robots']) AS n;
SELECT n AS name, pg_temp.try(format('SELECT quay.user_rename(%L, %L)', n, 'usr-other')) FROM unnest(ARRAY['usr-root', 'usr-auditor', 'usr-nobody', 'usr-org', 'usr-plain2+aa', 'usr-gone-uuid']) AS n;
SELECT pg_temp.try($$SELECT quay.user_rename('usr-nobody', 'usr-other', true)$$);
SELECT pg_temp.try($$SELECT quay.user_rename('usr-plain2', 'usr-other', actor => 'usr-nobody')$$);
SELECT pg_temp.try(format('SELECT quay.user_rename(%L, %L)', 'usr-plain2', repeat('u', 252)));
RESET quay.user_rename;
-- By an administrator, whatever the settings; organizations too.
SELECT quay.user_rename('usr-plain2', 'usr-plain', true, 'usr-root', '192.0.2.5') AS person, quay.user_rename('usr-org', 'usr-org2', true, 'usr-root') AS organization;
SELECT t.name, m.username FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id JOIN quay.teammember AS tm ON tm.team_id = t.id
JOIN quay."user" AS m ON m.id = tm.user_id WHERE o.username = 'usr-org2';
SELECT quay.user_rename('usr-org2', 'usr-org', true, 'usr-root') AS back;
SELECT * FROM pg_temp.log();

-- E-mail addresses.
SELECT changed, length(code) AS code FROM quay.user_email_set('usr-plain', 'fresh@usr.example');
SELECT email, verified FROM quay."user" WHERE username = 'usr-plain';
SELECT * FROM quay.user_email_set('usr-plain', 'plain@usr.example');
SELECT * FROM quay.user_email_set('usr-plain', 'fresh@usr.example', true, 'usr-root', '192.0.2.6');
SELECT email, verified FROM quay."user" WHERE username = 'usr-plain';
SELECT e AS email, a AS administrator, pg_temp.try(format('SELECT changed FROM quay.user_email_set(%L, %L, %L, %L)', 'usr-plain', e, a, 'usr-root'))
FROM unnest(ARRAY['nonsense', '', 'admin@usr.example', 'usr-admin@usr.example', NULL]) AS e, unnest(ARRAY[false, true]) AS a ORDER BY 2, 1;
SELECT pg_temp.try($$SELECT changed FROM quay.user_email_set('usr-root', 'other@usr.example', true, 'usr-root')$$);
SELECT pg_temp.try($$SELECT changed FROM quay.user_email_set('usr-nobody', 'other@usr.example')$$);
SELECT pg_temp.try($$SELECT changed FROM quay.user_email_set('usr-plain', 'other2@usr.example', true, 'usr-nobody')$$);
SET LOCAL quay.mailing = off;
SELECT * FROM quay.user_email_set('usr-plain', 'mailless@usr.example');
SELECT * FROM quay.user_email_set('usr-plain', '');
SELECT * FROM quay.user_email_set('usr-plain', NULL);
SELECT email FROM quay.user_get('usr-plain');
SELECT pg_temp.try($$SELECT changed FROM quay.user_email_set('usr-plain', 'nonsense')$$);
SELECT pg_temp.try($$SELECT changed FROM quay.user_email_set('usr-plain', 'usr-admin@usr.example')$$);
RESET quay.mailing;
SELECT * FROM pg_temp.log();

-- Disabling: an organization keeps an administrator, and one hears of it at once.
SELECT quay.user_set_enabled('usr-plain', false, 'usr-root', '192.0.2.7') AS disabled, quay.user_set_enabled('usr-plain', false, 'usr-root') AS again;
SELECT quay.user_set_enabled('usr-plain', true, 'usr-root') AS enabled, quay.user_set_enabled('usr-org', false, 'usr-root') AS organization;
SELECT quay.user_set_enabled('usr-admin', false, 'usr-root') AS of_a_disabled_one, quay.user_set_enabled('usr-admin', true, 'usr-root') AS back,
       quay.user_set_enabled('usr-org', true, 'usr-root') AS organization;
SELECT n AS name, pg_temp.try(format('SELECT quay.user_set_enabled(%L, false, %L)', n, 'usr-root'))
FROM unnest(ARRAY['usr-admin', 'usr-root', 'usr-nobody', 'usr-gone-uuid', 'usr-plain+aa']) AS n;
SELECT pg_temp.try($$SELECT quay.user_set_enabled('usr-plain', NULL)$$);
SELECT pg_temp.try($$SELECT quay.user_set_enabled('usr-plain', false, 'usr-nobody')$$);
SELECT quay.team_member_add('usr-org', 'owners', 'usr-plain') AS second, quay.user_set_enabled('usr-admin', false, 'usr-root') AS disabled;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT * FROM pg_temp.log();

-- What a person says about himself.
SELECT quay.user_prompt_add('usr-plain', 'enter_name') AS name, quay.user_prompt_add('usr-plain', 'confirm_username') AS confirm;
SELECT quay.user_set_metadata('usr-plain', 'Ann', 'Other', location => 'Here');
SELECT quay.user_set_metadata('usr-plain', family_name => '', company => 'Acme');
SELECT quay.user_set_metadata('usr-plain');
SELECT given_name, family_name, company, location, prompts FROM quay.user_get('usr-plain');
SELECT pg_temp.try($$SELECT quay.user_set_metadata('usr-nobody', 'x')$$);
SELECT pg_temp.try(format('SELECT quay.user_set_metadata(%L, %L)', 'usr-plain', repeat('x', 256)));
SELECT pg_temp.try($$SELECT quay.user_set_metadata('usr-plain', 'x', actor => 'usr-nobody')$$);
SELECT quay.user_prompt_remove('usr-plain', 'confirm_username') AS removed, quay.user_prompt_remove('usr-plain', 'confirm_username') AS again;
SELECT pg_temp.try($$SELECT quay.user_prompt_add('usr-plain', 'no_such')$$), pg_temp.try($$SELECT quay.user_prompt_add('usr-org', 'enter_name')$$);
SELECT pg_temp.try($$SELECT quay.user_prompt_remove('usr-plain', 'no_such')$$), pg_temp.try($$SELECT quay.user_prompt_remove('usr-org', 'enter_name')$$);

-- Settings of a namespace.
SELECT quay.namespace_set_invoicing('usr-plain', true, 'pay@usr.example', actor => 'usr-plain') AS both,
       quay.namespace_set_invoicing('usr-plain', true, 'pay@usr.example') AS again,
       quay.namespace_set_invoicing('usr-plain', invoice_email_address => '') AS without_address,
       quay.namespace_set_invoicing('usr-org', invoice_email => true, actor => 'usr-plain') AS organization;
SELECT invoice_email, invoice_email_address FROM quay.user_get('usr-plain');
SELECT pg_temp.try($$SELECT quay.namespace_set_invoicing('usr-plain', true, 'nonsense')$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_invoicing('usr-nobody', true)$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_invoicing('usr-admin', true)$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_invoicing('usr-plain', false, actor => 'usr-nobody')$$);
SELECT * FROM quay.tag_expiration_option_list();
SELECT quay.namespace_set_tag_expiration('usr-plain', 604800, 'usr-plain', '192.0.2.8') AS changed, quay.namespace_set_tag_expiration('usr-plain', 604800) AS again,
       quay.namespace_set_tag_expiration('usr-org', 0, 'usr-plain') AS organization;
SELECT pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-plain', 1)$$), pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-plain', NULL)$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-nobody', 0)$$), pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-admin', 0)$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-plain', 0, 'usr-nobody')$$);
SET LOCAL quay.tag_expiration_options = '1s, 2m,3h,4d,5w,6y';
SELECT * FROM quay.tag_expiration_option_list();
SET LOCAL quay.tag_expiration_options = '1s,2';
SELECT pg_temp.try($$SELECT quay.namespace_set_tag_expiration('usr-plain', 1)$$);
RESET quay.tag_expiration_options;
SELECT quay.namespace_set_maximum_builds('usr-plain', 5, raise_only => true) AS unlimited, quay.namespace_set_maximum_builds('usr-plain', 5) AS set,
       quay.namespace_set_maximum_builds('usr-plain', 4, raise_only => true) AS lower, quay.namespace_set_maximum_builds('usr-plain', 6, true) AS raised,
       quay.namespace_set_maximum_builds('usr-plain', 6) AS same;
SELECT maximum_queued_builds_count, removed_tag_expiration_s FROM quay.user_get('usr-plain');
SELECT quay.namespace_set_maximum_builds('usr-plain', NULL) AS unlimited;
SELECT pg_temp.try($$SELECT quay.namespace_set_maximum_builds('usr-plain', -1)$$), pg_temp.try($$SELECT quay.namespace_set_maximum_builds('usr-plain', NULL, true)$$);
SELECT pg_temp.try($$SELECT quay.namespace_set_maximum_builds('usr-nobody', 1)$$), pg_temp.try($$SELECT quay.namespace_set_maximum_builds('usr-admin', 1)$$);
SELECT quay.namespace_set_stripe_id('usr-plain', 'cus_1');
SELECT username FROM quay.user_get(stripe_id => 'cus_1');
SELECT quay.namespace_set_stripe_id('usr-plain', '');
SELECT pg_temp.try($$SELECT quay.namespace_set_stripe_id('usr-nobody', 'x')$$), pg_temp.try($$SELECT quay.namespace_set_stripe_id('usr-admin', 'x')$$);
-- Regions.
INSERT INTO quay.imagestoragelocation (name) VALUES ('usr-eu'), ('usr-us');
SELECT quay.user_region_add('usr-plain', 'usr-us') AS us, quay.user_region_add('usr-plain', 'usr-eu') AS eu, quay.user_region_add('usr-plain', 'usr-eu') AS again;
SELECT * FROM quay.user_region_list('usr-plain');
SELECT quay.user_region_remove('usr-plain', 'usr-us') AS removed, quay.user_region_remove('usr-plain', 'usr-us') AS again;
SELECT pg_temp.try($$SELECT quay.user_region_add('usr-plain', 'usr-no')$$), pg_temp.try($$SELECT quay.user_region_add('usr-org', 'usr-eu')$$);
SELECT pg_temp.try($$SELECT quay.user_region_remove('usr-plain', 'usr-no')$$), pg_temp.try($$SELECT quay.user_region_remove('usr-org', 'usr-eu')$$);
SELECT * FROM pg_temp.log();
ROLLBACK;

-- The first user of an empty registry.
BEGIN;
SET LOCAL client_min_messages = warning;
TRUNCATE quay."user" CASCADE;
SELECT quay.user_initialize('usr-first', 'password', 'first@usr.example', '192.0.2.9') IS NOT NULL AS created;
SELECT username, email, verified, kind FROM quay.user_get('usr-first');
ROLLBACK;
-- A rename in a transaction that would not see all robots.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT quay.user_rename('usr-a', 'usr-b');
ROLLBACK;
