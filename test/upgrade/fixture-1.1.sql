-- On top of fixture.sql, rows as only version 1.1 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

SELECT quay.user_create('fixture_carol', 'correct-horse-battery', 'fixture_carol@example.com', prompts => '{confirm_username}') > 0;
SELECT quay.user_email_code_create('fixture_carol', 'fixture_new@example.com') IS NOT NULL;
SELECT quay.prototype_create('fixture_acme', 'read', 'user', 'fixture_carol') IS NOT NULL;
SELECT status FROM quay.team_member_add_or_invite('fixture_acme', 'dev', 'fixture_alice', username => 'fixture_carol', requires_invite => true);
SELECT token IS NOT NULL FROM quay.app_token_create('fixture_carol', 'laptop');
SELECT token IS NOT NULL FROM quay.repository_token_create('fixture_acme', 'app', 'write');
SELECT client_id IS NOT NULL FROM quay.oauth_application_create('fixture_acme', 'console', 'https://console.example.com/cb', given_client_id => 'FIXTURECLIENT');
SELECT token IS NOT NULL FROM quay.oauth_token_create('fixture_acme', 'FIXTURECLIENT', 'fixture_alice', 'repo:read');
SELECT code IS NOT NULL FROM quay.oauth_authorize('FIXTURECLIENT', 'fixture_alice', 'https://console.example.com/cb', 'repo:read', 'code');
SELECT quay.oauth_assignment_create('fixture_acme', 'FIXTURECLIENT', 'fixture_carol', 'repo:read') IS NOT NULL;
SELECT quay.message_create('Maintenance on Sunday', 'warning') IS NOT NULL;
SELECT quay.repository_star('fixture_carol', 'fixture_acme', 'app');
SELECT kid IS NOT NULL FROM quay.service_key_generate('quay', expiration => timestamptz '2099-01-01');
SELECT created FROM quay.release_set('quay', 'us', '1.1');
-- A namespace and a repository that wait for their purge.
SELECT quay.user_create('fixture_leaver', 'correct-horse-battery', 'fixture_leaver@example.com') > 0;
SELECT username FROM quay.robot_create('fixture_leaver', 'bot');
SELECT quay.repository_create('fixture_leaver', 'old', 'fixture_leaver') > 0;
SELECT quay.permission_set('fixture_leaver', 'old', 'user', 'fixture_leaver+bot', 'write') IS NULL;
SELECT quay.namespace_mark_deletion('fixture_leaver', delay => interval '1 day') IS NOT NULL;
SELECT quay.repository_create('fixture_acme', 'gone', 'fixture_alice') > 0;
SELECT quay.repository_mark_deletion('fixture_acme', 'gone') IS NOT NULL;
-- The sets that are settings.
INSERT INTO quay.unrestricted_user VALUES ('fixture_alice');
INSERT INTO quay.allowed_robot VALUES ('fixture_acme+ci');
INSERT INTO quay.blocked_email_domain VALUES ('spam.example');
INSERT INTO quay.deletion_grace_namespace VALUES ('fixture_acme');
INSERT INTO quay.public_namespace VALUES ('fixture_acme');
