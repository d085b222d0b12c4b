-- People who log in at identity providers.
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
SELECT count(quay.user_create(n, 'password', n || '@fl.example')) FROM unnest(ARRAY['fl-ann', 'fl-bob', 'fl-off']) AS n;
SELECT quay.organization_create('fl-org', NULL, 'fl-ann') IS NOT NULL AS org;
SELECT username FROM quay.robot_create('fl-org', 'ci');
UPDATE quay."user" SET enabled = false WHERE username = 'fl-off';

-- Links.
SELECT quay.federated_login_attach('fl-ann', 'ldap', 'uid=ann', '{"service_username": "ann"}') AS attached, quay.federated_login_attach('fl-ann', 'ldap', 'uid=ann') AS again;
SELECT quay.federated_login_attach('fl-ann', 'fl-sso', 'a1', '{"service_username": "fl-bob"}') AS new_service, quay.federated_login_attach('fl-bob', 'ldap', 'uid=bob') AS other;
SELECT pg_temp.try($$SELECT quay.federated_login_attach('fl-bob', 'fl-sso', 'a1')$$);
SELECT pg_temp.try($$SELECT quay.federated_login_attach('fl-ann', 'fl-sso', 'a2')$$);
SELECT pg_temp.try($$SELECT quay.federated_login_attach('fl-nobody', 'ldap', 'x')$$), pg_temp.try($$SELECT quay.federated_login_attach('fl-org', 'ldap', 'x')$$);
SELECT s AS service, pg_temp.try(format('SELECT quay.federated_login_attach(%L, %L, %L)', 'fl-bob', s, 'x')) FROM unnest(ARRAY['quayrobot', '', NULL, repeat('s', 256)]) AS s;
SELECT length(i) AS ident, pg_temp.try(format('SELECT quay.federated_login_attach(%L, %L, %L)', 'fl-bob', 'oidc', i)) FROM unnest(ARRAY['', NULL, repeat('i', 256)]) AS i;
SELECT * FROM quay.federated_login_list('fl-ann');
SELECT count(*) FROM quay.federated_login_list('fl-org+ci');
SELECT count(*) FROM quay.federated_login_list('fl-nobody');
SELECT username, email, enabled, verified, metadata FROM quay.federated_login_get('ldap', 'uid=ann');
SELECT count(*) FROM quay.federated_login_get('ldap', 'uid=nobody');
SELECT count(*) FROM quay.federated_login_get('quayrobot', 'robot:' || (SELECT id FROM quay."user" WHERE username = 'fl-org+ci'));
-- Logging in is recorded, looking up is not.
SELECT last_accessed FROM quay.user_get('fl-ann');
SELECT username, uuid IS NOT NULL AS uuid, enabled FROM quay.federated_login_verify('ldap', 'uid=ann');
SELECT count(*) FROM quay.federated_login_verify('ldap', 'uid=nobody');
SELECT last_accessed FROM quay.user_get('fl-ann');
SELECT ident, username FROM quay.federated_login_get_many('ldap', ARRAY['uid=bob', 'uid=nobody', 'uid=ann']);
SELECT ident, username FROM quay.federated_login_get_many('ldap', usernames => ARRAY['fl-bob', 'fl-off']);
SELECT count(*) FROM quay.federated_login_get_many('no such service', ARRAY['uid=bob']);
SELECT count(*) FROM quay.federated_login_get_many('ldap', '{}', '{}');
-- By the name at the provider, exactly.
SELECT n AS name, f.username, f.service, f.ident FROM unnest(ARRAY['ann', 'an', 'fl-bob', 'fl-ann', NULL]) AS n LEFT JOIN quay.federated_login_find(n) AS f ON true;
SELECT quay.federated_login_attach('fl-off', 'ldap', 'uid=off', '{"service_username": "ann"}') AS attached;
SELECT username FROM quay.federated_login_find('ann');
SELECT quay.federated_login_detach('fl-ann', 'fl-sso') AS detached, quay.federated_login_detach('fl-ann', 'fl-sso') AS again, quay.federated_login_detach('fl-ann', 'none') AS unknown;
SELECT service FROM quay.federated_login_list('fl-ann');
SELECT pg_temp.try($$SELECT quay.federated_login_detach('fl-nobody', 'ldap')$$), pg_temp.try($$SELECT quay.federated_login_detach('fl-org+ci', 'quayrobot')$$);

-- User names made of what a provider says: legal ones, and free.
SELECT n AS name, g.generated, quay_internal.name_problem('namespace', g.generated) AS problem
FROM unnest(ARRAY['fl-new', 'FL New', 'fl.new', 'fl--new', '-fl_-_new-', '__fl__', 'Zoë Ångström', 'Łódź', 'Straße', 'ﬁle', 'fl@x.example', ' fl ', 'fl-ann', 'FL-Ann!', 'fl-org', E'fl\nnew',
                        'é', '北京', '', NULL]) AS n
CROSS JOIN LATERAL (SELECT quay.username_generate(n) AS generated) AS g;
SELECT length(quay.username_generate(repeat('f', 300))), length(quay.username_generate(repeat('f', 253) || '__f'));
SELECT count(quay.user_create(n, 'password', n || '@fl.example'))
FROM string_to_table('0123456789abcdefghijklmnopqrstuvwxyz', NULL) AS c, LATERAL (SELECT 'fl-ann' || c) AS t (n);
SELECT quay.username_generate('fl-ann');
INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
VALUES (repeat('f', 255), 'f@fl.example', true, false, false, false, '2026-03-01');
SELECT quay.username_generate(repeat('f', 255)) = repeat('f', 254) || '0' AS room_for_the_suffix;
INSERT INTO quay.superuser VALUES ('fl-root');
SELECT quay.username_generate('fl-root') AS foreign, quay.username_generate('fl-root', trusted => true) AS trusted, quay.username_generate('FL-root', trusted => true) AS other_name;
INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
SELECT id, now(), 'fl-gone', email FROM quay."user" WHERE username = 'fl-off';
SELECT quay.username_generate('fl-gone');

-- Creation.
SELECT quay.user_create_federated('fl-new', 'new@fl.example', 'oidc', 'sub-1', '{"service_username": "New"}', password_notification => true, actor => 'fl-ann', ip => '192.0.2.1') IS NOT NULL AS created;
SET LOCAL quay.user_metadata = on;
SET LOCAL quay.username_confirmation = off;
SELECT quay.user_create_federated('fl-new2', NULL, 'oidc', 'sub-2', email_required => false) IS NOT NULL AS created;
SELECT quay.user_create_federated('fl-new3', '', 'oidc', 'sub-3', email_required => false, confirm_username => true, prompts => '{}') IS NOT NULL AS created;
RESET quay.user_metadata;
RESET quay.username_confirmation;
SELECT u.username, u.email, u.verified, quay.user_has_password(n) AS password, u.prompts, l.service, l.ident, l.metadata,
       (SELECT count(*) FROM quay.notification AS t WHERE t.target_id = u.user_id) AS notifications
FROM unnest(ARRAY['fl-new', 'fl-new2', 'fl-new3']) AS n, quay.user_get(n) AS u, quay.federated_login_list(n) AS l;
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'nonsense', 'oidc', 'sub-4')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', NULL, 'oidc', 'sub-4')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new@fl.example', 'oidc', 'sub-4')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new', 'new4@fl.example', 'oidc', 'sub-4')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('-new', 'new4@fl.example', 'oidc', 'sub-4')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new4@fl.example', 'oidc', 'sub-1')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new4@fl.example', 'oidc', '')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new4@fl.example', 'quayrobot', 'x')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new4@fl.example', 'oidc', 'sub-4', prompts => '{no_such}')$$);
SELECT pg_temp.try($$SELECT quay.user_create_federated('fl-new4', 'new4@fl.example', 'oidc', 'sub-4', actor => 'fl-nobody')$$);

-- Somebody logs in: known, or created under a free name.
SELECT username, enabled, created FROM quay.federated_login_link('ldap', 'FL Carol', 'carol@fl.example');
SELECT username, enabled, created FROM quay.federated_login_link('ldap', 'FL Carol', 'carol@fl.example', name => 'other');
SELECT username, created FROM quay.federated_login_link('ldap', 'uid=carol2', 'carol2@fl.example', 'fl_carol', '{"service_username": "carol2"}', password_notification => true, ip => '192.0.2.2');
SELECT email, verified, prompts FROM quay.user_get('fl_carol0');
SELECT kind, n.metadata_json FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id, LATERAL (SELECT k.name AS kind) AS x
WHERE n.target_id = (SELECT user_id FROM quay.user_get('fl_carol0'));
-- The provider's address replaces the old one, unless somebody else has it or it is none.
SELECT username, created FROM unnest(ARRAY['moved@fl.example', 'fl-ann@fl.example', 'nonsense', '', NULL]) AS e, quay.federated_login_link('ldap', 'FL Carol', e);
SELECT email FROM quay.user_get('fl_carol');
SELECT username, enabled, created FROM quay.federated_login_link('ldap', 'uid=off', 'fl-off@fl.example');
-- Names of superusers are given out by the registry's own provider only.
SELECT username FROM quay.federated_login_link('ldap', 'fl-root', 'root1@fl.example');
SET LOCAL quay.authentication_type = 'jwt';
SELECT username FROM quay.federated_login_link('ldap', 'uid=root', 'root2@fl.example', 'fl-root');
SELECT username FROM quay.federated_login_link('jwtauthn', 'fl-root', 'root3@fl.example');
RESET quay.authentication_type;
SELECT pg_temp.try($$SELECT username FROM quay.federated_login_link('ldap', 'uid=dave', 'fl-ann@fl.example')$$);
SELECT pg_temp.try($$SELECT username FROM quay.federated_login_link('ldap', 'uid=dave', NULL)$$);
SELECT pg_temp.try($$SELECT username FROM quay.federated_login_link('quayrobot', 'uid=dave', 'dave@fl.example')$$);
SELECT pg_temp.try($$SELECT username FROM quay.federated_login_link('ldap', '', 'dave@fl.example')$$);
SET LOCAL quay.user_creation = off;
SELECT pg_temp.try($$SELECT username FROM quay.federated_login_link('ldap', 'fl-dave', 'dave@fl.example')$$);
SELECT username, created FROM quay.federated_login_link('ldap', 'fl-dave', NULL, email_required => false, internal => true);
SELECT username, created FROM quay.federated_login_link('ldap', 'fl-dave', NULL);
RESET quay.user_creation;
SELECT k.name AS kind, a.username AS account, p.username AS performer, l.metadata_json, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE k.name LIKE 'user_c%' AND (l.metadata_json LIKE '%service%' OR k.name = 'user_change_email') AND a.username LIKE 'fl%' ORDER BY l.id;
ROLLBACK;

-- In a transaction that may not write, a known person is let in all the same.
BEGIN;
SELECT quay.user_create_federated('fl-ro', 'ro@fl.example', 'oidc', 'fl-ro') IS NOT NULL AS created;
SET TRANSACTION READ ONLY;
SELECT username FROM quay.federated_login_verify('oidc', 'fl-ro');
SELECT username, created FROM quay.federated_login_link('oidc', 'fl-ro', 'moved@fl.example');
ROLLBACK;
