-- The bootstrap token of the registry.
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
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s %s', SQLSTATE, message, detail, hint);
END
$$;
SELECT count(quay.user_create(n, 'password', n || '@boo.example')) FROM unnest(ARRAY['boo-root', 'boo-former', 'boo-off']) AS n;
SELECT quay.organization_create('boo-org', NULL, 'boo-root') IS NOT NULL AS org;
INSERT INTO quay.superuser (username, kind) VALUES ('boo-root', 'superuser'), ('boo-former', 'superuser'), ('boo-org', 'superuser');
UPDATE quay."user" SET enabled = false WHERE username = 'boo-off';
CREATE FUNCTION pg_temp.tokens() RETURNS TABLE (owner text, bootstrap boolean, scope text, expires_at timestamp, last_of_all boolean) LANGUAGE sql AS $$
    SELECT u.username, quay_internal.bootstrap_is_marked(t.data), t.scope, t.expires_at, t.id = (SELECT max(id) FROM quay.oauthaccesstoken)
    FROM quay.oauthaccesstoken AS t JOIN quay.oauthapplication AS a ON a.id = t.application_id JOIN quay."user" AS u ON u.id = a.organization_id
    WHERE a.name = '__quay_bootstrap_app' ORDER BY t.id
$$;

-- Off: nothing is made. On, but nobody can own it.
SELECT count(*) FROM quay.bootstrap_token_ensure();
SELECT error, token FROM quay.bootstrap_token_renew('x');
SET LOCAL quay.bootstrap = on;
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
SET LOCAL quay.bootstrap_token_owner = 'boo-none';
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
SET LOCAL quay.bootstrap_token_owner = 'boo-off';
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
SET LOCAL quay.bootstrap_token_owner = 'boo-org';
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
SET LOCAL quay.bootstrap_token_owner = 'boo-root';
UPDATE quay.superuser SET kind = 'readonly' WHERE username = 'boo-root';
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
UPDATE quay.superuser SET kind = 'superuser' WHERE username = 'boo-root';
SET LOCAL quay.bootstrap_token_scope = 'everything';
SELECT pg_temp.try($$SELECT quay.bootstrap_token_ensure()$$);
RESET quay.bootstrap_token_scope;

-- The first one, and what it is.
SELECT token, is_new, scopes, expires_at FROM quay.bootstrap_token_ensure(NULL, '192.0.2.1') \gset
SELECT length(:'token') AS token, :'is_new' AS is_new, :'scopes' AS scopes, :'expires_at' AS expires_at;
SELECT a.actor, a.scopes, a.error, g.organization, g.application, g.bootstrap
FROM quay.authenticate('$oauthtoken', :'token') AS a, quay.oauth_token_get(a.reference) AS g;
SELECT data::jsonb FROM quay.oauthaccesstoken WHERE token_name = left(:'token', 20);
SELECT k.name AS kind, a.username AS account, p.username AS performer, l.metadata_json::jsonb - 'client_id' - 'token_uuid' AS metadata, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id JOIN quay."user" AS p ON p.id = l.performer_id
WHERE a.username LIKE 'boo-%' AND k.name ~ 'oauth' ORDER BY l.id;
SELECT quay.bootstrap_token_check(:'token') AS good, quay.bootstrap_token_check('wrong') AS wrong, quay.bootstrap_token_check(NULL) AS none;
-- The next start finds it in the file; without the file, or with a wrong one, there is a new one.
SELECT token = :'token' AS same, is_new FROM quay.bootstrap_token_ensure(:'token');
SELECT * FROM pg_temp.tokens();
SELECT token AS token2, is_new FROM quay.bootstrap_token_ensure('wrong') \gset
SELECT :'token2' <> :'token' AS differs, :'is_new' AS is_new, quay.bootstrap_token_check(:'token') AS old, quay.bootstrap_token_check(:'token2') AS new;
SELECT * FROM pg_temp.tokens();

-- Renewal: the old one is void, ordinary tokens of the application stay.
SELECT client_id FROM quay.oauth_application_list('boo-root') \gset
SELECT count(*) FROM quay.oauth_token_create('boo-root', :'client_id', 'boo-root', 'user:read');
SELECT error, token AS token3, scopes, expires_at FROM quay.bootstrap_token_renew(:'token2') \gset
SELECT length(:'token3') AS token, :'expires_at' AS expires_at, quay.bootstrap_token_check(:'token2') AS old, quay.bootstrap_token_check(:'token3') AS new;
SELECT * FROM pg_temp.tokens();
SELECT error, token, token_uuid, scopes, expires_at FROM quay.bootstrap_token_renew(:'token2');
-- If the file cannot be written, the client rolls back, and the old one is good.
SAVEPOINT file;
SELECT error FROM quay.bootstrap_token_renew(:'token3');
ROLLBACK TO file;
SELECT quay.bootstrap_token_check(:'token3');
-- An ordinary token of the application, and one of another, are no bootstrap tokens.
SELECT token AS ordinary FROM quay.oauth_token_create('boo-root', :'client_id', 'boo-root', 'user:read') \gset
SELECT error FROM quay.bootstrap_token_renew(:'ordinary');
SELECT quay.bootstrap_token_check(:'ordinary');
-- Expired: from the machine itself only.
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.bootstrap_token_check(:'token3') AS remote, quay.bootstrap_token_check(:'token3', true) AS local;
SELECT error FROM quay.bootstrap_token_renew(:'token3');
SAVEPOINT expired;
SELECT is_new FROM quay.bootstrap_token_ensure(:'token3');
ROLLBACK TO expired;
SELECT quay.oauth_token_purge(keep => '0') AS purged, quay.bootstrap_token_check(:'token3', true) AS local;
SET LOCAL quay.bootstrap_token_scope = 'super:user, user:admin';
SET LOCAL quay.bootstrap_token_expiration = '1d';
SELECT error, token AS token4, scopes, expires_at FROM quay.bootstrap_token_renew(:'token3', local => true) \gset
SELECT :'scopes' AS scopes, :'expires_at' AS expires_at, quay.bootstrap_token_check(:'token4');
SET LOCAL quay.bootstrap_token_scope = 'everything';
SELECT pg_temp.try(format('SELECT quay.bootstrap_token_renew(%L)', :'token4'));
RESET quay.bootstrap_token_scope;

-- Another owner: his token counts, that of the former goes. Applications of that name without a bootstrap token are let alone.
INSERT INTO quay.oauthapplication (client_id, redirect_uri, application_uri, organization_id, name, description)
SELECT 'boo-unmarked', '', '', id, '__quay_bootstrap_app', '' FROM quay."user" WHERE username = 'boo-root';
SET LOCAL quay.bootstrap_token_owner = 'boo-former';
SELECT quay.bootstrap_token_check(:'token4');
SELECT token AS former, is_new FROM quay.bootstrap_token_ensure(:'token4') \gset
SELECT :'is_new' AS is_new, quay.bootstrap_token_check(:'former');
SELECT * FROM pg_temp.tokens();
SELECT client_id FROM quay.oauth_application_list('boo-root');
-- Of two applications of the owner the newest counts.
INSERT INTO quay.oauthapplication (client_id, redirect_uri, application_uri, organization_id, name, description)
SELECT 'boo-newest', '', '', id, '__quay_bootstrap_app', '' FROM quay."user" WHERE username = 'boo-former';
INSERT INTO quay.oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_code, token_name)
SELECT 'boo-uuid', id, organization_id, 'user:read', 'Bearer', '2026-03-01 14:00', '{"kind": "bootstrap"}', quay_internal.password_hash(repeat('n', 20), 4), repeat('n', 20)
FROM quay.oauthapplication WHERE client_id = 'boo-newest';
SELECT quay.bootstrap_token_check(:'former') AS older, quay.bootstrap_token_check(repeat('n', 40)) AS newest;
SELECT error FROM quay.bootstrap_token_renew(:'former');
SELECT is_new, scopes FROM quay.bootstrap_token_ensure(repeat('n', 40));
SELECT client_id FROM quay.oauth_application_list('boo-former');
-- The application cannot be renamed or changed like others.
SELECT pg_temp.try($$SELECT quay.oauth_application_update('boo-former', 'boo-newest', name => 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_update('boo-former', 'boo-newest', description => 'x')$$);
-- A superuser no more
DELETE FROM quay.superuser WHERE username = 'boo-former';
SELECT error FROM quay.bootstrap_token_renew(repeat('n', 40));
-- Off again: all of them go, but not those that only have the name.
SET LOCAL quay.bootstrap = off;
SELECT count(*) FROM quay.bootstrap_token_ensure();
SELECT * FROM pg_temp.tokens();
SELECT client_id FROM quay.oauth_application_list('boo-root') UNION ALL SELECT client_id FROM quay.oauth_application_list('boo-former');
ROLLBACK;
-- A read-only registry is left as it is.
BEGIN READ ONLY;
SET LOCAL quay.bootstrap = on;
SELECT count(*) FROM quay.bootstrap_token_ensure();
ROLLBACK;
