-- Logins with tokens ($app, $oauthtoken, $token, JSON web tokens of robots), and what sessions and registry tokens refer to.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT count(quay.user_create(n, 'password', n || '@att.example')) FROM unnest(ARRAY['att-alice', 'att-bob', 'att-off']) AS n;
SELECT quay.organization_create('att-org', NULL, 'att-alice') IS NOT NULL AS org;
SELECT quay.repository_create('att-org', 'app', 'att-alice') IS NOT NULL AS repository;
SELECT token AS robot_token FROM quay.robot_create('att-org', 'ci') \gset
SELECT kind, actor, scopes, error, reference FROM quay.authenticate('att-org+ci', :'robot_token');

-- Tokens of applications
SELECT uuid AS app_uuid, token AS app_token FROM quay.app_token_create('att-alice', 'laptop', '2026-03-02 12:00+00') \gset
SELECT kind, actor, scopes, error, verified, reference = :'app_uuid' AS reference FROM quay.authenticate('$app', :'app_token');
SELECT last_accessed FROM quay.appspecificauthtoken WHERE uuid = :'app_uuid';
SELECT length(t) AS length, a.kind, a.actor, a.error, a.reference
FROM unnest(ARRAY['', 'foo', repeat('X', 40), repeat('X', 80), repeat('X', 120), repeat('ü', 120), left(:'app_token', 60),
                  left(:'app_token', 119), :'app_token' || 'X', lower(:'app_token'), NULL]) AS t, quay.authenticate('$app', t) AS a;
SELECT kind, actor, error FROM quay.authenticate('$app', left(:'app_token', 60) || repeat('A', 60), '192.0.2.7', 'curl/8');
-- last use: at most once in quay.touch_interval, and not with quay.user_last_accessed off
SET LOCAL quay.clock = '2026-03-01 12:00:59+00';
SELECT actor FROM quay.authenticate('$app', :'app_token');
SELECT last_accessed FROM quay.appspecificauthtoken WHERE uuid = :'app_uuid';
SET LOCAL quay.clock = '2026-03-01 12:02:00+00';
SET LOCAL quay.user_last_accessed = off;
SELECT actor FROM quay.authenticate('$app', :'app_token');
SELECT last_accessed FROM quay.appspecificauthtoken WHERE uuid = :'app_uuid';
RESET quay.user_last_accessed;
SELECT actor FROM quay.authenticate('$app', :'app_token');
SELECT last_accessed FROM quay.appspecificauthtoken WHERE uuid = :'app_uuid';
-- with an identity provider they work all the same, and where there are no passwords
SET LOCAL quay.authentication_type = 'apptoken';
SELECT actor, error FROM quay.authenticate('$app', :'app_token');
RESET quay.authentication_type;
-- a disabled owner, one who became an organization, an expired token
UPDATE quay."user" SET enabled = false WHERE username = 'att-bob';
SELECT uuid AS bob_uuid, token AS bob_token FROM quay.app_token_create('att-bob', 'old laptop', 'infinity') \gset
SELECT kind, actor, error, reference FROM quay.authenticate('$app', :'bob_token', '192.0.2.7', 'curl/8');
UPDATE quay."user" SET enabled = true, organization = true WHERE username = 'att-bob';
SELECT kind, actor, error FROM quay.authenticate('$app', :'bob_token');
UPDATE quay."user" SET organization = false WHERE username = 'att-bob';
SELECT kind, actor, error FROM quay.authenticate('$app', :'bob_token');
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT kind, actor, error FROM quay.authenticate('$app', :'app_token');
SELECT actor, scopes, error FROM quay.actor_resolve('appspecifictoken', :'app_uuid');
SET LOCAL quay.clock = '2026-03-02 11:59:59.999+00';
SELECT kind, actor, error FROM quay.authenticate('$app', :'app_token');
SELECT actor, scopes, error FROM quay.actor_resolve('appspecifictoken', :'app_uuid');
SELECT actor, scopes, error FROM quay.actor_resolve('app_specific_token', :'bob_uuid');

-- Repository tokens open one repository, and have no actor.
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT r AS role, a.kind, a.actor, a.scopes, a.error, a.reference = t.token AS reference
FROM unnest(ARRAY['read', 'write', 'admin']) AS r, quay.repository_token_create('att-org', 'app', r) AS t, quay.authenticate('$token', t.token) AS a;
SELECT name AS token_name, token AS repo_token FROM quay.repository_token_create('att-org', 'app', 'write') \gset
SELECT r.action, quay.access_check(NULL, 'att-org', 'app', r.action, a.scopes) AS allowed, quay.access_check(NULL, 'att-org', 'other', r.action, a.scopes) AS elsewhere
FROM quay.authenticate('$token', :'repo_token') AS a, unnest(ARRAY['read', 'write', 'admin']) AS r (action);
SELECT length(t) AS length, a.kind, a.actor, a.scopes, a.error
FROM unnest(ARRAY['', 'foo', repeat('X', 64), left(:'repo_token', 32), left(:'repo_token', 63), :'repo_token' || 'X', NULL]) AS t, quay.authenticate('$token', t) AS a;

-- OAuth tokens. The digest spares bcrypt; without one, or with an old one, bcrypt decides and the digest is kept.
SELECT client_id FROM quay.oauth_application_create('att-org', 'App', 'https://app.example/') \gset
SELECT uuid AS oauth_uuid, token AS oauth_token FROM quay.oauth_token_create('att-org', :'client_id', 'att-alice', 'repo:read', 3600) \gset
CREATE FUNCTION pg_temp.digest() RETURNS text LANGUAGE sql AS
    $$ SELECT CASE WHEN t.token_digest ~ '^[0-9a-f]{64}$' THEN 'a digest' ELSE coalesce(t.token_digest, 'none') END || ', ' || coalesce(t.last_accessed::text, 'not used')
       FROM quay.oauthaccesstoken AS t JOIN quay."user" AS u ON u.id = t.authorized_user_id WHERE u.username = 'att-alice' $$;
SELECT pg_temp.digest();
SELECT kind, actor, scopes, error, reference = :'oauth_uuid' AS reference FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT pg_temp.digest();
UPDATE quay.oauthaccesstoken SET token_code = quay_internal.password_hash('something else', 4) WHERE uuid = :'oauth_uuid' RETURNING 'only the digest is right' AS now;
SELECT actor, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
UPDATE quay.oauthaccesstoken SET token_code = quay_internal.password_hash(substr(:'oauth_token', 21), 4), token_digest = NULL WHERE uuid = :'oauth_uuid';
SELECT actor, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT pg_temp.digest();
UPDATE quay.oauthaccesstoken SET token_digest = repeat('f', 64) WHERE uuid = :'oauth_uuid';
SELECT actor, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT token_digest = quay_internal.secret_digest(:'oauth_token') AS renewed FROM quay.oauthaccesstoken WHERE uuid = :'oauth_uuid';
SELECT length(t) AS length, a.kind, a.actor, a.scopes, a.error
FROM unnest(ARRAY['', 'foo', left(:'oauth_token', 20), left(:'oauth_token', 39), :'oauth_token' || 'x', repeat('x', 40), repeat('ü', 40), NULL]) AS t,
     quay.authenticate('$oauthtoken', t) AS a;
-- last use: whatever quay.user_last_accessed says, not within quay.oauth_token_touch_interval, not with a wrong token
SET LOCAL quay.user_last_accessed = off;
SET LOCAL quay.clock = '2026-03-01 12:00:30+00';
SELECT actor FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT pg_temp.digest();
SET LOCAL quay.clock = '2026-03-01 12:02:00+00';
SELECT actor FROM quay.authenticate('$oauthtoken', :'oauth_token' || 'x');
SELECT pg_temp.digest();
SELECT actor FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT pg_temp.digest();
RESET quay.user_last_accessed;
-- expired before disabled; the time of expiry is too late
UPDATE quay."user" SET enabled = false WHERE username = 'att-alice';
SELECT kind, actor, scopes, error FROM quay.authenticate('$oauthtoken', :'oauth_token', '192.0.2.7', 'curl/8');
SELECT * FROM quay.actor_resolve('oauthtoken', :'oauth_uuid');
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT kind, actor, scopes, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT * FROM quay.actor_resolve('oauthtoken', :'oauth_uuid');
SET LOCAL quay.clock = '2026-03-01 12:59:59.999+00';
UPDATE quay."user" SET enabled = true WHERE username = 'att-alice';
SELECT * FROM quay.actor_resolve('oauthtoken', :'oauth_uuid');
SELECT * FROM quay.actor_resolve('oauth_token', :'oauth_uuid');
-- the scope is that of the row, also if it lets nothing through
UPDATE quay.oauthaccesstoken SET scope = 'repo:read,repo:admins' WHERE uuid = :'oauth_uuid';
SELECT a.scopes, quay.access_check(a.actor, 'att-org', 'app', 'read', a.scopes) FROM quay.authenticate('$oauthtoken', :'oauth_token') AS a;
UPDATE quay."user" SET organization = true WHERE username = 'att-alice';
SELECT kind, actor, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
UPDATE quay."user" SET organization = false WHERE username = 'att-alice';

-- What was recorded of failures; the rows of unknown tokens belong to the first account, whoever that is.
SELECT a.username AS account, p.username AS performer, l.metadata_json::jsonb - 'app_specific_token' - 'oauth_token_uuid' AS metadata,
       (l.metadata_json::jsonb ->> 'app_specific_token') IN (:'app_uuid', :'bob_uuid') AS app_token,
       (l.metadata_json::jsonb ->> 'oauth_token_uuid') = :'oauth_uuid' AS oauth_token
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
LEFT JOIN quay."user" AS a ON a.id = l.account_id AND l.performer_id IS NOT NULL
LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE k.name = 'login_failure' AND l.ip = '192.0.2.7' ORDER BY l.id;

-- A JSON web token that the registry signed for the robot; the stored token is good as well.
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.server_hostname = 'registry.example';
\set robot_jwt eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6ImF1dC10b2tlbi1raWQifQ.eyJpc3MiOiJxdWF5IiwiYXVkIjoicmVnaXN0cnkuZXhhbXBsZSIsInN1YiI6ImF0dC1vcmcrY2kiLCJuYmYiOjE3NzIzNjYzNDAsImlhdCI6MTc3MjM2NjM0MCwiZXhwIjoxNzcyMzY5OTQwLCJhY2Nlc3MiOltdLCJjb250ZXh0Ijp7fX0.ZRwJx4mb-uQtxg-QT2pvDZjWxN9uaHc_omHKIA0LfV98IDCGY6v40H3hNAIBBFPnYyxiP8hID_3ZeHd5G_KFRJFlpXoZCsvKrIfwV869kEBRbUfCao-EcHnpPw9FucnjtbyMn1j83UmUw-17Gsqq-q76d1tX6za_xNubx6QUQzhZe6LQ0smYxMTmIUJv0g_Rh8MLFLo2da5TkXJMa6OYm46Imq9Wdp8Q9pnpYT9IhddV59Uq2snNhVD8QqABkZIO2apoPbYX6yGCtJvuVrGU6XtuwtaZEV2UrNvw9tQJvElJ86b3IjxjJOzu8j3QmxSFQ-fpTLlPY_gvd-9wkx6HNQ
SELECT actor, error IS NOT NULL AS refused FROM quay.authenticate('att-org+ci', :'robot_jwt');
WITH approval AS (
    INSERT INTO quay.servicekeyapproval (approval_type, approved_date, notes) VALUES ('ServiceKeyApprovalType.AUTOMATIC', '2026-03-01', '') RETURNING id
)
INSERT INTO quay.servicekey (name, kid, service, jwk, metadata, created_date, approval_id)
SELECT 'att', 'aut-token-kid', 'quay',
       '{"kty":"RSA","e":"AQAB","n":"qIuZtlsVPTZB1LzP1ivQJTDNS6k9q5EHGdNfhnv1L2hEjWxw_CjUPbg29B3wDZ0XsGyjIe2pL49G1ojC6EF8CCa6LySVtITl6tOUIB6OO3tzitQGrahWF3K38li0tU5oDHModrrIoXTrmQXRaq04Jb6eQuXB3FVRUFs7PEM0Dv0--0BtiZGKqCjQkgbXUEgNckfuEvnWNUDREtIWtoqKID-BzWWUwZRlzHWv51llGFkVCv7lsmSH4e8HOjtBbWf3YkUBVU-N1qGcqHiU9K2Xra0b6TTgJUsauAtUFYX-Fr050Qm0RC5IVGEfnjeLXuGkAd0OW3fKeuE6pZun3fSHGQ"}',
       '{}', '2026-03-01', id FROM approval;
SELECT kind, actor, scopes, error, reference FROM quay.authenticate('att-org+ci', :'robot_jwt');
SELECT kind, actor, error FROM quay.authenticate('att-org+ci', :'robot_token');
SELECT token AS other_token FROM quay.robot_create('att-org', 'other') \gset
SELECT kind, actor, error FROM quay.authenticate('att-org+other', :'robot_jwt');
SET LOCAL quay.clock = '2026-03-01 13:05:00+00';
SELECT kind, actor, error IS NOT NULL AS refused FROM quay.authenticate('att-org+ci', :'robot_jwt');
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';

-- Sessions and registry tokens refer to people by uuid, to robots by name.
SELECT uuid AS alice_uuid FROM quay."user" WHERE username = 'att-alice' \gset
SELECT uuid AS off_uuid FROM quay."user" WHERE username = 'att-off' \gset
SELECT uuid AS org_uuid FROM quay."user" WHERE username = 'att-org' \gset
SELECT uuid AS robot_uuid FROM quay."user" WHERE username = 'att-org+ci' \gset
UPDATE quay."user" SET enabled = false WHERE username = 'att-off';
SELECT k AS kind, a.* FROM (VALUES
    (1, 'user', :'alice_uuid'), (2, 'user', :'off_uuid'), (3, 'user', :'org_uuid'), (4, 'user', :'robot_uuid'), (5, 'user', 'att-alice'), (6, 'user', NULL),
    (7, 'robot', 'att-org+ci'), (8, 'robot', 'att-org+none'), (9, 'robot', 'att-alice'), (10, 'robot', NULL),
    (11, 'token', :'repo_token'), (12, 'token', :'token_name'), (13, 'token', NULL),
    (14, 'appspecifictoken', :'app_uuid'), (15, 'appspecifictoken', 'none'), (16, 'oauthtoken', 'none'), (17, 'oauthtoken', NULL),
    (18, 'anonymous', NULL), (19, 'anonymous', 'whatever')) AS r (i, k, reference), quay.actor_resolve(k, r.reference) AS a
ORDER BY i;
UPDATE quay."user" SET enabled = false WHERE username = 'att-org+ci';
SELECT * FROM quay.actor_resolve('robot', 'att-org+ci');
UPDATE quay."user" SET enabled = true WHERE username = 'att-org+ci';
SET LOCAL quay.robots_disallow = on;
SELECT * FROM quay.actor_resolve('robot', 'att-org+ci');
SET LOCAL quay.robots_disallow = off;
-- What authenticate() calls the reference finds the actor again.
SELECT a.kind, r.actor = a.actor AS same_actor, r.scopes IS NOT DISTINCT FROM a.scopes AS same_scopes
FROM (VALUES ('att-alice', 'password'), ('att-org+ci', :'robot_token'), ('$app', :'app_token'), ('$oauthtoken', :'oauth_token'), ('$token', :'repo_token'))
    AS c (username, secret), quay.authenticate(c.username, c.secret) AS a, quay.actor_resolve(a.kind, a.reference) AS r;
SAVEPOINT s;
SELECT * FROM quay.actor_resolve('session', 'x');
ROLLBACK TO s;
SELECT * FROM quay.actor_resolve(NULL, 'x');
ROLLBACK;

-- A read-only transaction, as on a standby, answers and writes nothing.
SELECT quay.user_create('att-ro', 'password', 'ro@att.example') AS user_id \gset
SELECT uuid AS app_uuid, token AS app_token FROM quay.app_token_create('att-ro', 'laptop') \gset
SELECT client_id FROM quay.oauth_application_create('att-ro', 'App') \gset
SELECT uuid AS oauth_uuid, token AS oauth_token FROM quay.oauth_token_create('att-ro', :'client_id', 'att-ro', 'user:read') \gset
UPDATE quay.oauthaccesstoken SET token_digest = NULL WHERE uuid = :'oauth_uuid';
BEGIN READ ONLY;
SELECT kind, actor, scopes, error FROM quay.authenticate('$app', :'app_token');
SELECT kind, actor, scopes, error FROM quay.authenticate('$oauthtoken', :'oauth_token');
SELECT kind, actor, scopes, error FROM quay.authenticate('$oauthtoken', 'wrong');
SELECT kind, actor, scopes, error FROM quay.authenticate('$token', 'wrong');
SELECT * FROM quay.actor_resolve('oauthtoken', :'oauth_uuid');
COMMIT;
SELECT last_accessed, token_digest FROM quay.oauthaccesstoken WHERE uuid = :'oauth_uuid';
SELECT last_accessed FROM quay.appspecificauthtoken WHERE uuid = :'app_uuid';
SELECT quay.oauth_application_delete('att-ro', :'client_id'), quay.app_token_revoke('att-ro', :'app_uuid');
DELETE FROM quay.logentry3 WHERE account_id = :user_id;
DELETE FROM quay."user" WHERE id = :user_id;
