-- Organizations: creation, members, collaborators, administrators, conversion and take-over.
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
SELECT count(quay.user_create('org-' || n, 'password', n || '@org.example', verified => true)) AS people
FROM unnest(ARRAY['ann', 'ben', 'cleo', 'dan', 'eve', 'fay', 'root']) AS n;
UPDATE quay."user" SET enabled = false WHERE username IN ('org-eve', 'org-fay');
INSERT INTO quay.superuser (username) VALUES ('org-root');

-- E-mail addresses: shared by organizations, not with a user unless a setting lets them; contact_email goes first; none is fine.
SELECT quay.organization_create('org-one', 'one@org.example', 'org-ann', ip => '192.0.2.1') IS NOT NULL AS created;
SELECT quay.organization_create('org-two', 'unused@org.example', 'org-ann', contact_email => 'one@org.example') IS NOT NULL AS created;
SELECT quay.organization_create('org-three', NULL, 'org-ben', 'org-root') IS NOT NULL AS created;
SELECT quay.organization_create('org-odd', 'no address', 'org-ann', email_required => false) IS NOT NULL AS created;
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', 'no address', 'org-ann')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', 'ann@org.example', 'org-ann')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', 'ann@org.example', 'org-ann', email_required => false)$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', NULL, 'org-eve')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', NULL, 'org-one')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', NULL, NULL)$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-four', NULL, 'org-ann', actor => 'org-nobody')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('Org', NULL, 'org-ann')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-one', NULL, 'org-ann')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('org-ben', NULL, 'org-ann')$$);
SELECT organization, team_count, member_count FROM unnest(ARRAY['org-one', 'org-four']) AS o (organization), quay.organization_get(organization);
SET LOCAL quay.organization_shared_email = on;
SET LOCAL quay.default_maximum_build_count = 5;
SELECT quay.organization_create('org-shared', 'ann@org.example', 'org-ann') IS NOT NULL AS created;
SET LOCAL quay.threat_maximum_build_count = 2;
SELECT quay.organization_create('org-threat', NULL, 'org-ann', possible_abuser => true) IS NOT NULL AS created;
SET LOCAL quay.organization_shared_email = off;
SELECT organization, email, maximum_queued_builds_count AS builds
FROM unnest(ARRAY['org-one', 'org-two', 'org-three', 'org-odd', 'org-shared', 'org-threat']) AS o (organization), quay.organization_get(organization);
SELECT name, enabled FROM quay.organization_list_by_email('one@org.example');
SELECT name FROM quay.organization_list_by_email('ann@org.example');
SELECT name FROM quay.organization_list_by_email('nobody@org.example');

-- The address of an organization that exists.
SELECT quay.organization_email_set('org-three', 'one@org.example', 'org-ben', '192.0.2.2') AS set,
       quay.organization_email_set('org-three', 'one@org.example') AS again;
SELECT quay.organization_email_set('org-three', '') AS cleared, quay.organization_email_set('org-three', NULL) AS again;
SELECT email, position('@' IN email) AS at, (SELECT length(u.email) FROM quay."user" AS u WHERE u.username = 'org-three') AS stored
FROM quay.organization_get('org-three');
SELECT pg_temp.try($$SELECT quay.organization_email_set('org-three', 'nonsense')$$);
SELECT pg_temp.try($$SELECT quay.organization_email_set('org-three', 'ann@org.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_email_set('org-ann', 'x@org.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_email_set('org-nobody', 'x@org.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_email_set('org-three', 'x@org.example', 'org-nobody')$$);

-- Who belongs to it: members of teams, collaborators from outside, robots.
SELECT count(quay.team_create('org-one', t, r)) AS teams FROM (VALUES ('readers', 'member'), ('makers', 'creator'), ('admins', 'admin')) AS v (t, r);
SELECT count(username) AS robots FROM unnest(ARRAY['bot', 'idle']) AS b, quay.robot_create('org-one', b);
SELECT count(quay.team_member_add('org-one', t, u)) AS members
FROM (VALUES ('readers', 'org-ben'), ('makers', 'org-ben'), ('readers', 'org-one+bot'), ('admins', 'org-one+bot'), ('readers', 'org-eve')) AS v (t, u);
SELECT count(quay.repository_create('org-one', r, 'org-ann')) AS repositories FROM unnest(ARRAY['app', 'lib', 'old']) AS r;
SELECT quay.repository_create('org-cleo', 'own', 'org-cleo') IS NOT NULL AS created;
SELECT count(quay.permission_set('org-one', r, 'user', u, 'read')) AS permissions
FROM (VALUES ('app', 'org-ben'), ('lib', 'org-ben'), ('app', 'org-cleo'), ('lib', 'org-cleo'), ('old', 'org-dan'), ('app', 'org-one+idle')) AS v (r, u);
SELECT quay.permission_set('org-cleo', 'own', 'user', 'org-ben', 'write');
UPDATE quay.repository SET state = 3 WHERE name = 'old' AND namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'org-one');
SELECT username, is_robot, enabled, is_admin, teams, repositories FROM quay.organization_member_list('org-one');
SELECT username, is_robot, enabled, is_admin, teams, repositories FROM quay.organization_member_list('org-one', include_robots => true);
SELECT username FROM quay.organization_member_list('org-one', n => 2);
SELECT username FROM quay.organization_member_list('org-one', after => 'org-ben', n => 2);
SELECT username FROM quay.organization_member_list('org-one', among => '{org-ann,org-cleo}');
SELECT username FROM quay.organization_member_list('org-one', among => '{}');
SELECT username, is_robot, is_admin, teams, repositories
FROM unnest(ARRAY['org-ben', 'org-cleo', 'org-one+bot', 'org-one+idle', 'org-nobody']) AS u (name), quay.organization_member_get('org-one', name);
SELECT username, enabled, repositories FROM quay.organization_collaborator_list('org-one');
SELECT username FROM quay.organization_collaborator_list('org-one', after => 'org-cleo');
SELECT username, email, enabled FROM quay.organization_admin_list('org-one');
SELECT organization, username FROM quay.organization_admin_list_many('{org-one,org-three,org-nobody}');
SELECT organization, username, quay.organization_is_admin(organization, username)
FROM (VALUES ('org-one', 'org-ann'), ('org-one', 'org-ben'), ('org-one', 'org-one+bot'), ('org-three', 'org-ann'), ('org-nobody', 'org-ann'),
             ('org-one', 'org-nobody'), ('org-one', NULL)) AS v (organization, username);
SELECT name, is_admin, can_create_repository, teams FROM quay.user_organization_list('org-ben');
SELECT name, is_admin, can_create_repository, teams FROM quay.user_organization_list('org-one+bot');
SELECT name FROM quay.user_organization_list('org-ann', after => 'org-one', n => 2);
SELECT count(*) FROM quay.user_organization_list('org-nobody');
SELECT team_count, member_count, robot_count, repository_count, enabled, creation_date, removed_tag_expiration_s, invoice_email, invoice_email_address, stripe_id
FROM quay.organization_get('org-one');
SELECT count(*) FROM quay.organization_get('org-ann');
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT count(*) FROM quay.organization_member_list('org-ann')$$,
    $$SELECT count(*) FROM quay.organization_member_list('org-one', n => -1)$$,
    $$SELECT count(*) FROM quay.organization_member_get('org-nobody', 'org-ann')$$,
    $$SELECT count(*) FROM quay.organization_collaborator_list('org-nobody')$$,
    $$SELECT count(*) FROM quay.organization_collaborator_list('org-one', n => -1)$$,
    $$SELECT count(*) FROM quay.organization_admin_list('org-nobody')$$,
    $$SELECT count(*) FROM quay.user_organization_list('org-ann', n => -1)$$,
    $$SELECT count(*) FROM quay.organization_list(n => -1)$$]) AS s;

-- The whole list, and what is disabled or on its way out.
UPDATE quay."user" SET enabled = false WHERE username = 'org-odd';
SELECT quay.namespace_mark_deletion('org-threat') IS NOT NULL AS marked;
SELECT name, enabled FROM quay.organization_list(after => 'org-', n => 4);
SELECT name FROM quay.organization_list(include_disabled => false) WHERE name LIKE 'org-%';
SELECT count(*) - (SELECT count(*) FROM quay.organization_list(n => 1000)) AS deleted FROM quay.organization_list(n => 1000, include_deleted => true);
SELECT quay.organization_count(true) - quay.organization_count() AS disabled;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT count(*) FROM quay.organization_member_list('org-odd')$$,
    $$SELECT quay.organization_email_set('org-odd', NULL)$$,
    $$SELECT quay.organization_member_remove('org-odd', 'org-ann')$$]) AS s;

-- A member goes with teams, permissions and subscriptions, but only here.
INSERT INTO quay.organizationrhskus (subscription_id, org_id, user_id, quantity)
SELECT 77, o.id, u.id, 1 FROM quay."user" AS o, quay."user" AS u WHERE o.username = 'org-one' AND u.username = 'org-ben';
SELECT quay.organization_member_remove('org-one', 'org-ben', 'org-ann', '192.0.2.3') AS removed, quay.organization_member_remove('org-one', 'org-ben') AS again,
       quay.organization_member_remove('org-one', 'org-nobody') AS unknown;
SELECT count(*) FROM quay.organization_member_get('org-one', 'org-ben');
SELECT count(*) FROM quay.organizationrhskus WHERE subscription_id = 77;
SELECT quay.permission_get('org-cleo', 'own', 'user', 'org-ben') AS elsewhere, quay.permission_get('org-one', 'app', 'user', 'org-ben') AS here;
SELECT pg_temp.try($$SELECT quay.organization_member_remove('org-one', 'org-ann')$$);
SELECT pg_temp.try($$SELECT quay.organization_member_remove('org-one', 'org-cleo', 'org-nobody')$$);
SELECT pg_temp.try($$SELECT quay.organization_member_remove('org-nobody', 'org-ann')$$);
-- A robot and a collaborator are no administrators to be missed.
SELECT quay.organization_member_remove('org-one', 'org-one+bot') AS robot, quay.organization_member_remove('org-one', 'org-cleo') AS collaborator;

-- A person becomes an organization. He must leave no other without an administrator.
SELECT quay.organization_create('org-five', NULL, 'org-cleo') IS NOT NULL AS created;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.organization_convert('org-cleo', 'org-cleo')$$,
    $$SELECT quay.organization_convert('org-cleo', 'org-eve')$$,
    $$SELECT quay.organization_convert('org-cleo', 'org-nobody')$$,
    $$SELECT quay.organization_convert('org-cleo', 'org-one')$$,
    $$SELECT quay.organization_convert('org-cleo', 'org-dan', 'org-nobody')$$,
    $$SELECT quay.organization_convert('org-cleo', 'org-dan')$$,
    $$SELECT quay.organization_convert('org-one', 'org-dan')$$,
    $$SELECT quay.organization_convert('org-one+bot', 'org-dan')$$,
    $$SELECT quay.organization_convert('org-eve', 'org-dan')$$]) AS s;
SELECT quay.team_member_add('org-five', 'owners', 'org-ann') AS second;
SELECT quay.federated_login_attach('org-cleo', 'ldap', 'org-cleo') AS linked;
SELECT quay.permission_set('org-one', 'app', 'user', 'org-cleo', 'write');
SELECT status FROM quay.team_member_add_or_invite('org-one', 'readers', 'org-ann', 'org-cleo');
INSERT INTO quay.emailconfirmation (code, user_id, pw_reset, email_confirm, created)
SELECT 'org-code', id, true, false, '2026-03-01' FROM quay."user" WHERE username = 'org-cleo';
SELECT uuid AS old_uuid FROM quay."user" WHERE username = 'org-cleo' \gset
SELECT quay.organization_convert('org-cleo', 'org-dan', ip => '192.0.2.4') IS NOT NULL AS converted;
SELECT organization, password_hash, email, uuid <> :'old_uuid' AS new_uuid FROM quay."user" WHERE username = 'org-cleo';
SELECT count(*) AS leftovers FROM quay."user" AS u WHERE u.username = 'org-cleo'
  AND (EXISTS (SELECT FROM quay.federatedlogin WHERE user_id = u.id) OR EXISTS (SELECT FROM quay.repositorypermission WHERE user_id = u.id)
       OR EXISTS (SELECT FROM quay.teammember WHERE user_id = u.id) OR EXISTS (SELECT FROM quay.teammemberinvite WHERE user_id = u.id)
       OR EXISTS (SELECT FROM quay.notification WHERE target_id = u.id) OR EXISTS (SELECT FROM quay.emailconfirmation WHERE user_id = u.id));
SELECT username FROM quay.organization_admin_list('org-cleo');
SELECT name, role, member_count FROM quay.team_list('org-cleo');
SELECT quay.access_check('org-dan', 'org-cleo', 'own', 'admin') AS admin, quay.access_check('org-cleo', 'org-cleo', 'own', 'read') AS itself;
SELECT error FROM quay.authenticate('org-cleo', 'password');
SELECT pg_temp.try($$SELECT quay.organization_convert('org-cleo', 'org-dan')$$);

-- A superuser takes over: an organization, one that has lost its administrators, one that is disabled, a person.
SELECT was_user, entity_id = (SELECT id FROM quay."user" WHERE username = 'org-one') AS id FROM quay.organization_take_ownership('org-one', 'org-root', ip => '192.0.2.5');
SELECT was_user FROM quay.organization_take_ownership('org-one', 'org-root');
SELECT organization_name, team_name FROM quay.user_team_list('org-root');
SELECT was_user FROM quay.organization_take_ownership('org-odd', 'org-root');
SELECT quay.organization_is_admin('org-odd', 'org-root') AS admin, enabled FROM quay.organization_get('org-odd');
-- no team of role admin at all, and "owners" is something else
UPDATE quay.team SET role_id = (SELECT id FROM quay.teamrole WHERE name = 'member')
WHERE organization_id = (SELECT id FROM quay."user" WHERE username = 'org-two');
SELECT was_user FROM quay.organization_take_ownership('org-two', 'org-root');
SELECT name, role, member_count FROM quay.team_list('org-two');
-- the only one is synchronized with a group
INSERT INTO quay.teamsync (team_id, transaction_id, service_id, config)
SELECT t.id, '', 3, '"{}"' FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id WHERE o.username = 'org-three';
SELECT was_user FROM quay.organization_take_ownership('org-three', 'org-root');
SELECT name, member_count FROM quay.team_list('org-three');
SELECT was_user FROM quay.organization_take_ownership('org-eve', 'org-root', 'org-ann');
SELECT username FROM quay."user" AS u JOIN quay.team AS t ON t.organization_id = u.id WHERE u.username = 'org-eve' AND u.organization AND NOT u.enabled;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT * FROM quay.organization_take_ownership('org-root', 'org-root')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-nobody', 'org-root')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-one+bot', 'org-root')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-one', 'org-nobody')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-one', 'org-root', 'org-nobody')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-dan', 'org-root')$$,
    $$SELECT * FROM quay.organization_take_ownership('org-ben', 'org-fay')$$]) AS s;

SELECT kind, account, performer, repository, regexp_replace(metadata, '"entity_id": \d+', '"entity_id": N') AS metadata, ip
FROM pg_temp.log('org-') WHERE kind ~ '^(org_create|org_change|org_remove|delete_repo_permission|account_convert|take_ownership)';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
