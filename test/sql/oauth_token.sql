-- OAuth: tokens that administrators make, what people authorize, authorization codes, and the purge.
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
CREATE FUNCTION pg_temp.log() RETURNS TABLE (kind text, account text, performer text, metadata jsonb, ip text) LANGUAGE sql AS $$
    SELECT k.name, a.username, p.username, l.metadata_json::jsonb - 'token_uuid', l.ip
    FROM quay.logentry3 AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE a.username LIKE 'oat-%' AND k.name ~ 'oauth' ORDER BY l.id;
$$;
SELECT count(quay.user_create(n, 'password', n || '@oat.example')) FROM unnest(ARRAY['oat-alice', 'oat-bob', 'oat-carol', 'oat-off']) AS n;
UPDATE quay."user" SET enabled = false WHERE username = 'oat-off';
SELECT count(quay.organization_create(n, NULL, 'oat-alice')) FROM unnest(ARRAY['oat-org', 'oat-org2']) AS n;
SELECT quay.team_create('oat-org', 'readers', 'member') IS NOT NULL AS team;
SELECT quay.team_member_add('oat-org', 'readers', 'oat-carol');
SELECT count(*) FROM unnest(ARRAY['oat-app', 'oat-other']) AS n,
    quay.oauth_application_create('oat-org', n, 'https://app.example/cb', given_client_id => n, given_client_secret => 'secret of ' || n);

-- A token: its shape, what is stored, what it does.
SELECT uuid, token FROM quay.oauth_token_create('oat-org', 'oat-app', 'oat-bob', 'repo:read, repo:write repo:read', 3600.5, '  Release automation  ',
    actor => 'oat-alice', ip => '192.0.2.1') \gset
SELECT :'token' ~ '^[a-zA-Z0-9]{40}$' AS token, length(uuid) AS uuid, scope, token_type, expires_at, data, left(token_code, 7) AS hash,
       token_name = left(:'token', 20) AS name, token_digest = quay_internal.secret_digest(:'token') AS digest, created, last_accessed, display_name
FROM quay.oauthaccesstoken WHERE uuid = :'uuid';
SELECT actor, scopes, error FROM quay.authenticate('$oauthtoken', :'token');
SELECT organization, client_id, application, display_name, username, scopes, token_type, created, last_accessed, expires_at, bootstrap
FROM quay.oauth_token_get(:'uuid');
SELECT count(*) FROM quay.oauth_token_get('none');
-- Lifetimes are cut to whole seconds, from one to ten years.
SELECT i AS expires_in, t.expires_at - quay_internal.utc_now() AS lifetime
FROM unnest(ARRAY[0.5, 1, 1.999, 3600, 315576000, 1e9, 1e300, NULL]::float8[]) AS i, quay.oauth_token_create('oat-org', 'oat-other', 'oat-bob', 'user:read', i) AS t;
SELECT i AS expires_in, pg_temp.try(format('SELECT quay.oauth_token_create(%L, %L, %L, %L, %L)', 'oat-org', 'oat-app', 'oat-bob', 'user:read', i))
FROM unnest(ARRAY['0', '-1', 'NaN', 'Infinity', '-Infinity']) AS i;
-- Labels are trimmed, and need not be unique.
SELECT count(*)
FROM unnest(ARRAY['Release automation', 'Release automation', E'\t\u00A0ü ü\u3000\n', repeat('x', 255), ' ' || repeat('y', 255) || ' ']) AS l,
     quay.oauth_token_create('oat-org', 'oat-other', 'oat-bob', 'user:admin', display_name => l);
SELECT length(display_name) AS length, left(display_name, 20) AS display_name FROM quay.oauth_token_list('oat-org', 'oat-other') WHERE scopes = 'user:admin';
SELECT length(l) AS length, pg_temp.try(format('SELECT quay.oauth_token_create(%L, %L, %L, %L, display_name => %L)', 'oat-org', 'oat-app', 'oat-bob', 'user:read', l))
FROM unnest(ARRAY['', '   ', E'\u3000', repeat('x', 256)]) AS l;
-- A token that is given
SELECT token = repeat('a', 40) AS given FROM quay.oauth_token_create('oat-org', 'oat-other', 'oat-bob', 'user:read', given_token => repeat('a', 40));
SELECT pg_temp.try(format('SELECT quay.oauth_token_create(%L, %L, %L, %L, given_token => %L)', 'oat-org', 'oat-app', 'oat-bob', 'user:read', t))
FROM unnest(ARRAY[repeat('b', 39), repeat('b', 39) || ' ', repeat('b', 256), repeat('a', 20) || repeat('b', 20)]) AS t;

-- The limit counts unexpired tokens of the application.
SELECT quay.oauth_token_count('oat-org', 'oat-app');
SET LOCAL quay.oauth_maximum_token_count = 2;
SELECT count(*) FROM quay.oauth_token_create('oat-org', 'oat-app', 'oat-alice', 'repo:read', 7200);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-alice', 'repo:read')$$);
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.oauth_token_count('oat-org', 'oat-app');
SELECT count(*) FROM quay.oauth_token_create('oat-org', 'oat-app', 'oat-alice', 'repo:read', 10800, 'third');
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-alice', 'repo:read')$$);
SET LOCAL quay.oauth_maximum_token_count = 0;
SELECT count(*) FROM quay.oauth_token_create('oat-org', 'oat-app', 'oat-bob', 'user:read', NULL, 'fourth');

-- Newest first, without the expired one, a page at a time
SELECT display_name, username, scopes, token_type, created, last_accessed, expires_at FROM quay.oauth_token_list('oat-org', 'oat-app');
SELECT display_name FROM quay.oauth_token_list('oat-org', 'oat-app', n => 1);
SELECT display_name, expires_at FROM quay.oauth_token_list('oat-org', 'oat-app', n => 1,
    after => (SELECT token_id FROM quay.oauth_token_list('oat-org', 'oat-app') WHERE display_name = 'third'));
SELECT count(*) FROM quay.oauth_token_list('oat-org', 'oat-app', after => 0);

-- Revocation
SELECT uuid AS fourth FROM quay.oauth_token_list('oat-org', 'oat-app') WHERE display_name = 'fourth' \gset
SELECT quay.oauth_token_revoke('oat-org', 'oat-other', :'fourth') AS of_another, quay.oauth_token_revoke('oat-org', 'oat-app', 'none') AS unknown,
       quay.oauth_token_revoke('oat-org', 'oat-app', :'fourth', 'oat-alice', '192.0.2.1') AS revoked, quay.oauth_token_revoke('oat-org', 'oat-app', :'fourth') AS again;
SELECT quay.oauth_token_revoke('oat-org', 'oat-app', :'uuid') AS expired;
SELECT actor, error FROM quay.authenticate('$oauthtoken', :'token');
SELECT * FROM pg_temp.log() WHERE metadata ->> 'client_id' = 'oat-app';

-- Refusals
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-none', 'oat-app', 'oat-bob', 'repo:read')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-off', 'oat-app', 'oat-bob', 'repo:read')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org2', 'oat-app', 'oat-bob', 'repo:read')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-none', 'repo:read')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-org', 'repo:read')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-bob', '')$$);
SELECT pg_temp.try($$SELECT quay.oauth_token_create('oat-org', 'oat-app', 'oat-bob', 'repo:read', actor => 'oat-none')$$);
SELECT f AS function, pg_temp.try(format('SELECT * FROM quay.' || f, 'oat-none', 'oat-app')) AS namespace, pg_temp.try(format('SELECT * FROM quay.' || f, 'oat-org2', 'oat-app')) AS application
FROM unnest(ARRAY['oauth_token_list(%L, %L)', 'oauth_token_count(%L, %L)', 'oauth_token_revoke(%L, %L, ''x'')']) AS f \gx
SELECT pg_temp.try($$SELECT quay.oauth_token_list('oat-org', 'oat-app', n => -1)$$);
SELECT pg_temp.try(format('SELECT quay.oauth_token_revoke(%L, %L, %L, %L)', 'oat-org', 'oat-app', (SELECT uuid FROM quay.oauth_token_list('oat-org', 'oat-app') LIMIT 1), 'oat-none'));

-- Nobody hands out more than he has himself.
SELECT actor, actor_scopes, string_agg(scope, ' ' ORDER BY i) FILTER (WHERE mintable) AS mintable
FROM (VALUES (1, 'oat-alice', NULL), (2, 'oat-alice', 'org:admin repo:read'), (3, 'oat-alice', 'org:admin repo:admin user:admin'), (4, 'oat-alice', 'repo:admin'),
             (5, 'oat-alice', 'nonsense'), (6, 'oat-carol', NULL), (7, 'oat-bob', NULL), (8, 'oat-off', NULL), (9, NULL, NULL), (10, 'oat-org', NULL)) AS a (n, actor, actor_scopes),
     unnest(ARRAY['repo:read', 'repo:write', 'repo:admin', 'repo:create', 'org:admin', 'user:read', 'user:admin', 'super:user']) WITH ORDINALITY AS w (wanted, i),
     quay.oauth_mintable_scopes(actor, 'oat-org', wanted, actor_scopes)
GROUP BY n, actor, actor_scopes ORDER BY n;
SAVEPOINT superuser;
INSERT INTO quay.superuser (username, kind) VALUES ('oat-alice', 'superuser'), ('oat-bob', 'superuser'), ('oat-carol', 'readonly');
SELECT actor, string_agg(m.scope, ' ') FILTER (WHERE m.mintable) AS mintable
FROM unnest(ARRAY['oat-alice', 'oat-bob', 'oat-carol']) AS actor,
     quay.oauth_mintable_scopes(actor, 'oat-org', 'repo:read repo:write repo:admin repo:create org:admin user:read user:admin super:user') AS m
GROUP BY actor ORDER BY actor;
SET LOCAL quay.superusers_full_access = on;
SELECT actor, string_agg(m.scope, ' ') FILTER (WHERE m.mintable) AS mintable
FROM unnest(ARRAY['oat-alice', 'oat-bob', 'oat-carol']) AS actor,
     quay.oauth_mintable_scopes(actor, 'oat-org', 'repo:read repo:write repo:admin repo:create org:admin user:read user:admin super:user') AS m
GROUP BY actor ORDER BY actor;
ROLLBACK TO superuser;
-- All of several, or none of them, if they are more than the actor's own
SELECT * FROM quay.oauth_mintable_scopes('oat-alice', 'oat-org', 'repo:read, repo:write', 'org:admin repo:read');
SELECT pg_temp.try($$SELECT * FROM quay.oauth_mintable_scopes('oat-alice', 'oat-org', 'repo:everything')$$);

-- Authorization: who may, and what is refused in which order.
SELECT response_type, client_id, username, left(uri, 12) AS uri, scopes, a.error, a.redirect_allowed, c.error IS NOT DISTINCT FROM a.error AND c.redirect_allowed = a.redirect_allowed AS page_agrees
FROM (VALUES
    (1, 'token', 'oat-app', 'oat-alice', '/cb', 'repo:read'), (2, 'code', 'oat-app', 'oat-alice', '/cb/x?y=z', 'repo:read,repo:write'),
    (3, 'ticket', 'none', NULL, '/evil', ''), (4, NULL, 'oat-app', 'oat-alice', '/cb', 'repo:read'), (5, 'ticket', 'oat-app', 'oat-alice', '/cb', 'repo:read'),
    (6, 'token', 'none', NULL, '/evil', ''), (7, 'token', 'oat-app', NULL, '/evil', ''), (8, 'token', 'oat-app', NULL, '/cb', ''),
    (9, 'token', 'oat-app', 'oat-off', '/cb', ''), (10, 'token', 'oat-app', 'oat-org', '/cb', ''), (11, 'token', 'oat-app', 'oat-bob', '/cb', ''),
    (12, 'code', 'oat-app', 'oat-bob', '/cb', 'repo:read'), (13, 'code', 'oat-app', 'oat-carol', '/cb', 'repo:read'), (14, 'token', 'oat-app', 'oat-alice', '/cb', ''),
    (15, 'code', 'oat-app', 'oat-alice', '/cb', 'repo:read, repo:write'), (16, 'token', 'oat-app', 'oat-alice', '/cb', NULL),
    (17, 'token', 'oat-app', 'oat-alice', '/cb?' || repeat('x', 255), 'repo:read')) AS r (i, response_type, client_id, username, uri, scopes),
    quay.oauth_authorize_check(client_id, username, 'https://app.example' || uri, scopes, response_type) AS c,
    quay.oauth_authorize(client_id, username, 'https://app.example' || uri, scopes, response_type) AS a ORDER BY i;
-- A superuser is no administrator here.
INSERT INTO quay.superuser (username) VALUES ('oat-bob');
SET LOCAL quay.superusers_full_access = on;
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-bob', 'https://app.example/cb', 'repo:read');
RESET quay.superusers_full_access;
DELETE FROM quay.superuser WHERE username = 'oat-bob';
-- The implicit grant; what a page shows.
SELECT error, redirect_allowed, code, length(token) AS token, token_type, expires_in, scope, length(token_uuid) AS uuid
FROM quay.oauth_authorize('oat-other', 'oat-alice', 'https://app.example/cb', 'org:admin,repo:read repo:read');
SELECT * FROM quay.oauth_authorize_check('oat-other', 'oat-alice', 'https://app.example/cb', 'repo:read');
SELECT * FROM quay.oauth_authorize_check('oat-other', 'oat-alice', 'https://app.example/cb', 'repo:write');
SELECT * FROM quay.oauth_authorize_check('none', 'oat-alice', 'https://app.example/cb', 'repo:write');
-- With an assignment, which is used up; it is good for its person and its application only.
SELECT quay.oauth_assignment_create('oat-org', 'oat-app', 'oat-bob', 'repo:read') AS assignment \gset
SELECT quay.oauth_assignment_create('oat-org', 'oat-other', 'oat-carol', 'repo:read') AS assignment_of_other \gset
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-carol', 'https://app.example/cb', 'repo:read', assignment => :'assignment');
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-carol', 'https://app.example/cb', 'repo:read', assignment => :'assignment_of_other');
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-bob', 'https://app.example/cb', '', assignment => :'assignment');
SELECT error, organization, application FROM quay.oauth_authorize_check('oat-app', 'oat-bob', 'https://app.example/cb', 'repo:read', assignment => :'assignment');
SELECT error, length(token) AS token FROM quay.oauth_authorize('oat-app', 'oat-bob', 'https://app.example/cb', 'repo:read', assignment => :'assignment');
SELECT count(*) AS assignments, quay.oauth_assignment_acknowledge('oat-bob') AS notifications FROM quay.oauth_assignment_list('oat-bob');
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-bob', 'https://app.example/cb', 'repo:read', assignment => :'assignment');
SELECT quay.oauth_assignment_create('oat-org', 'oat-app', 'oat-alice', 'repo:read') AS assignment \gset
SELECT error, length(code) AS code FROM quay.oauth_authorize('oat-app', 'oat-alice', 'https://app.example/cb', 'repo:read', 'code', :'assignment');
SELECT count(*) AS assignments FROM quay.oauth_assignment_list('oat-alice');
SELECT error FROM quay.oauth_authorize('oat-app', 'oat-alice', 'https://app.example/cb', 'repo:read', assignment => :'assignment');

-- Consent: what unexpired tokens say; one with an unknown scope says nothing.
SELECT quay.oauth_authorized_scopes('oat-other', 'oat-alice');
SELECT count(*) FROM quay.oauth_token_create('oat-org', 'oat-other', 'oat-alice', 'user:read repo:read', 60);
SELECT quay.oauth_authorized_scopes('oat-other', 'oat-alice'), quay.oauth_authorized_scopes('oat-other', 'none'), quay.oauth_authorized_scopes('none', 'oat-alice');
SELECT s AS scopes, quay.oauth_consented('oat-other', 'oat-alice', s) FROM unnest(ARRAY['repo:read', 'user:read,org:admin', 'repo:write', 'nonsense', '', NULL]) AS s;
SAVEPOINT unknown_scope;
UPDATE quay.oauthaccesstoken SET scope = 'user:read repo:everything' WHERE scope = 'user:read repo:read';
SELECT quay.oauth_authorized_scopes('oat-other', 'oat-alice');
ROLLBACK TO unknown_scope;
SET LOCAL quay.clock = '2026-03-01 13:01:00+00';
SELECT quay.oauth_authorized_scopes('oat-other', 'oat-alice');
-- What people see of it, and take back
SELECT organization, client_id, application, scopes, created, expires_at FROM quay.oauth_authorization_list('oat-alice');
SELECT scopes FROM quay.oauth_authorization_list('oat-alice', n => 1, after => (SELECT min(token_id) FROM quay.oauth_authorization_list('oat-alice')));
SELECT token_uuid FROM quay.oauth_authorization_list('oat-alice') WHERE scopes = 'user:read repo:read' \gset
SELECT client_id, scopes FROM quay.oauth_authorization_get('oat-alice', :'token_uuid');
SELECT count(*) FROM quay.oauth_authorization_get('oat-bob', :'token_uuid');
SELECT count(*) FROM quay.oauth_authorization_get('oat-alice', NULL);
SELECT quay.oauth_authorization_revoke('oat-bob', :'token_uuid') AS foreign, quay.oauth_authorization_revoke('oat-alice', :'token_uuid', ip => '192.0.2.8') AS own,
       quay.oauth_authorization_revoke('oat-alice', :'token_uuid') AS again;
SELECT * FROM pg_temp.log() WHERE kind = 'oauth_token_revoked';
SELECT pg_temp.try($$SELECT quay.oauth_authorization_list('oat-none')$$);
SELECT pg_temp.try($$SELECT quay.oauth_authorization_list('oat-bob', n => -1)$$);
SELECT pg_temp.try($$SELECT quay.oauth_authorization_get('oat-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_authorization_revoke('oat-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_authorization_revoke('oat-bob', 'x', 'oat-none')$$);

-- Codes: stored by half, tied to the redirect URI, good for one token within ten minutes.
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
DELETE FROM quay.oauthauthorizationcode WHERE application_id IN (SELECT application_id FROM quay.oauth_application_list('oat-org'));
SELECT code FROM quay.oauth_authorize('oat-app', 'oat-alice', 'https://app.example/cb/x', 'repo:read,user:read', 'code') \gset
SELECT :'code' ~ '^[a-zA-Z0-9]{40}$' AS code, scope, data::jsonb ->> 'username' AS username, left(code_credential, 7) AS hash,
       code_name = left(:'code', 20) AS name, created, redirect_uri FROM quay.oauthauthorizationcode WHERE code_name = left(:'code', 20);
CREATE FUNCTION pg_temp.exchange(client_id text, secret text, code text, uri text, scopes text DEFAULT NULL, grant_type text DEFAULT 'authorization_code')
RETURNS TABLE (error text, token integer, token_type text, expires_in integer, scope text, username text, uuid integer) LANGUAGE sql AS $$
    SELECT error, length(token), token_type, expires_in, scope, username, length(token_uuid) FROM quay.oauth_code_exchange(client_id, secret, code, uri, scopes, grant_type)
$$;
SELECT i, e.* FROM (VALUES
    (1, 'oat-app', 'wrong', :'code', '/evil', 'nonsense', 'password'), (2, 'oat-app', 'wrong', 'wrong', '/evil', 'nonsense', 'authorization_code'),
    (3, 'none', 'x', :'code', '/cb/x', NULL, 'authorization_code'), (4, 'oat-app', NULL, :'code', '/cb/x', NULL, 'authorization_code'),
    (5, 'oat-other', 'secret of oat-other', :'code', '/cb/x', NULL, 'authorization_code'), (6, 'oat-app', 'secret of oat-app', left(:'code', 39), '/cb/x', NULL, 'authorization_code'),
    (7, 'oat-app', 'secret of oat-app', left(:'code', 20), '/cb/x', NULL, 'authorization_code'), (8, 'oat-app', 'secret of oat-app', NULL, '/cb/x', NULL, 'authorization_code'),
    (9, 'oat-app', 'secret of oat-app', :'code', '/cb/y', NULL, 'authorization_code'), (10, 'oat-app', 'secret of oat-app', :'code', '/evil', NULL, 'authorization_code'),
    (11, 'oat-app', 'secret of oat-app', :'code', NULL, NULL, 'authorization_code'), (12, 'oat-app', 'secret of oat-app', :'code', '/cb/x', 'repo:read', 'authorization_code'),
    (13, 'oat-app', 'secret of oat-app', :'code', '/cb/x', 'repo:read user:read user:admin', 'authorization_code'),
    (14, 'oat-app', 'secret of oat-app', :'code', '/cb/x', 'nonsense', 'authorization_code'), (15, 'oat-app', 'secret of oat-app', :'code', '/cb/x', NULL, NULL))
    AS c (i, client_id, secret, code, uri, scopes, grant_type), pg_temp.exchange(client_id, secret, code, 'https://app.example' || uri, scopes, grant_type) AS e ORDER BY i;
-- None of these used it up.
SELECT * FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb/x', 'user:read repo:read');
SELECT * FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb/x', 'user:read repo:read');
SELECT scopes, expires_at FROM quay.oauth_authorization_list('oat-alice') ORDER BY token_id DESC LIMIT 1;
-- Too late
SELECT code FROM quay.oauth_authorize('oat-app', 'oat-alice', 'https://app.example/cb', 'repo:read', 'code') \gset
SET LOCAL quay.clock = '2026-03-01 14:10:00.001+00';
SELECT error FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb');
SET LOCAL quay.oauth_authorization_code_lifetime = 0;
SAVEPOINT for_ever;
SELECT error, username FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb');
ROLLBACK TO for_ever;
RESET quay.oauth_authorization_code_lifetime;
SET LOCAL quay.clock = '2026-03-01 14:10:00+00';
-- The person is gone, disabled, has another name by now; a code of the reference application knows the name only.
UPDATE quay."user" SET enabled = false WHERE username = 'oat-alice';
SELECT error FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb');
UPDATE quay."user" SET enabled = true, username = 'oat-alicia' WHERE username = 'oat-alice';
SAVEPOINT renamed;
SELECT error, username FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb');
ROLLBACK TO renamed;
UPDATE quay.oauthauthorizationcode SET data = '{"username": "oat-alice"}', redirect_uri = NULL WHERE code_name = left(:'code', 20);
SELECT error, username FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb/any');
UPDATE quay.oauthauthorizationcode SET data = 'no JSON' WHERE code_name = left(:'code', 20);
SELECT error, username FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb/any');
UPDATE quay.oauthauthorizationcode SET data = '{"username": "oat-alicia"}' WHERE code_name = left(:'code', 20);
SELECT error, username FROM pg_temp.exchange('oat-app', 'secret of oat-app', :'code', 'https://app.example/cb/any');

-- Purge: of codes that are too old, of tokens that expired long enough ago.
SELECT a.error, length(a.code), a.scope FROM unnest(ARRAY['repo:read', 'user:read', 'org:admin']) AS s,
    quay.oauth_authorize('oat-app', 'oat-alicia', 'https://app.example/cb', s, 'code') AS a;
SET LOCAL quay.clock = '2026-03-01 14:20:00+00';
SELECT quay.oauth_code_purge();
SET LOCAL quay.clock = '2026-03-01 14:20:00.001+00';
UPDATE quay.oauthauthorizationcode SET created = NULL
WHERE id = (SELECT min(id) FROM quay.oauthauthorizationcode WHERE application_id IN (SELECT application_id FROM quay.oauth_application_list('oat-org')));
SET LOCAL quay.oauth_authorization_code_lifetime = 0;
SELECT quay.oauth_code_purge();
RESET quay.oauth_authorization_code_lifetime;
SELECT quay.oauth_code_purge(2), quay.oauth_code_purge(2), quay.oauth_code_purge(2);
SELECT pg_temp.try($$SELECT quay.oauth_code_purge(-1)$$);
SELECT count(*) FROM quay.oauth_authorization_list('oat-bob') WHERE expires_at < '2026-03-01 14:20';
SELECT quay.oauth_token_purge(), quay.oauth_token_purge(2, '1 hour'), quay.oauth_token_purge(2, '1 hour'), quay.oauth_token_purge(2, '1 hour');
SELECT count(*) FROM quay.oauth_authorization_list('oat-bob') WHERE expires_at < '2026-03-01 14:20';
SELECT pg_temp.try($$SELECT quay.oauth_token_purge(-1)$$);
ROLLBACK;
