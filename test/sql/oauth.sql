-- OAuth: scopes, redirect URIs, applications, and tokens that are assigned.
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
    SELECT k.name, a.username, p.username, l.metadata_json::jsonb - 'client_id' - 'token_uuid', l.ip
    FROM quay.logentry3 AS l
    JOIN quay.logentrykind AS k ON k.id = l.kind_id
    JOIN quay."user" AS a ON a.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE a.username LIKE 'oau-%' AND k.name ~ 'oauth|application' ORDER BY l.id;
$$;
SELECT count(quay.user_create(n, 'password', n || '@oau.example')) FROM unnest(ARRAY['oau-alice', 'oau-bob', 'oau-off']) AS n;
UPDATE quay."user" SET enabled = false WHERE username = 'oau-off';
SELECT count(quay.organization_create(n, NULL, 'oau-alice')) FROM unnest(ARRAY['oau-org', 'oau-org2']) AS n;
SELECT quay.repository_create('oau-org', 'app', 'oau-alice') IS NOT NULL AS repository;

-- Scopes: what SQL takes for one, access checks take for one, and the other way round.
SELECT scope, quay_internal.scope_set(scope) IS NOT NULL AS known,
       bool_or(quay.access_check('oau-alice', 'oau-org', 'app', action, scope)) AS opens_repository,
       quay.access_check_namespace('oau-alice', 'oau-org', 'member', scope) AS opens_namespace,
       quay.access_check_user('oau-alice', 'oau-alice', 'read', scope) AS opens_account
FROM unnest(ARRAY['repo:read', 'repo:write', 'repo:admin', 'repo:create', 'org:admin', 'user:read', 'user:admin', 'super:user',
                  'repo:delete', 'direct_user_login', 'repository:oau-org/app:pull', '']) WITH ORDINALITY AS s (scope, i),
     unnest(ARRAY['read', 'write', 'admin']) AS action
GROUP BY i, scope ORDER BY i;
-- An unknown piece closes all, a known one does not.
SELECT scope, quay.access_check('oau-alice', 'oau-org', 'app', 'read', 'repo:read ' || scope) = (quay_internal.scope_set(scope) IS NOT NULL) AS agree
FROM unnest(ARRAY['repo:read', 'repo:write', 'repo:admin', 'repo:create', 'org:admin', 'user:read', 'user:admin', 'super:user',
                  'repo:delete', 'direct_user_login', '', 'Repo:read', 'repo:read|repo:admin']) AS scope;
-- One scope includes another if an access check says so.
SELECT granted, string_agg(action, ' ' ORDER BY i) FILTER (WHERE quay.oauth_scope_covers(granted, 'repo:' || action)) AS covers,
       bool_and(quay.oauth_scope_covers(granted, 'repo:' || action) = quay.access_check('oau-alice', 'oau-org', 'app', action, granted)) AS agree
FROM unnest(ARRAY['repo:read', 'repo:write', 'repo:admin', 'repo:create', 'org:admin', 'user:admin', 'super:user']) AS granted,
     unnest(ARRAY['read', 'write', 'admin']) WITH ORDINALITY AS a (action, i)
GROUP BY granted ORDER BY granted;
SELECT s AS scopes, quay_internal.scope_problem(s) AS problem, quay_internal.scope_set(s) AS set, quay_internal.scope_implied(s) AS implied
FROM unnest(ARRAY['repo:read,repo:admin repo:write', 'repo:read, repo:admin', 'repo:read|repo:admin', 'repo:admins', ' repo:read', 'repo:read,', ',', '',
                  'user:read user:read', 'repository:oau-org/app:pull', repeat('ü', 100), NULL]) AS s;
SELECT granted, requested, quay.oauth_scope_covers(granted, requested)
FROM (VALUES ('repo:read,repo:admin', 'repo:admin'), ('repo:admin', 'repo:read repo:write'), ('repo:write', 'repo:admin'), ('user:admin', 'user:read'),
             ('org:admin', 'repo:create'), ('', 'repo:read'), ('repo:admins', 'repo:read'), ('repo:read', 'repo:admins'), ('repo:read', ''),
             ('repo:read', NULL), (NULL, 'repo:read')) AS c (granted, requested);
SELECT s AS scopes, quay.oauth_scope_normalize(s)
FROM unnest(ARRAY['repo:read, repo:write repo:read', '  user:read,,org:admin  ', 'super:user']) AS s;
SELECT pg_temp.try(format('SELECT quay.oauth_scope_normalize(%L)', s)) FROM unnest(ARRAY['', ' , ', NULL, 'repo:read repo:admins', 'repository:oau-org/app:pull']) AS s;

-- Redirect URIs
SELECT c.configured, c.given, quay_internal.redirect_uri_matches(c.configured, c.given) AS matches
FROM (VALUES
    ('https://example.com/cb', 'https://example.com/cb'),
    ('https://example.com/cb', 'https://example.com/cb/x'),
    ('https://example.com/cb', 'https://example.com/cb/'),
    ('https://example.com/cb', 'https://example.com/cb?x=1&y=%20#z'),
    ('https://example.com/cb', 'https://example.com/cb#x'),
    ('https://example.com/cb', 'HTTPS://example.com/cb'),
    ('https://example.com/cb/', 'https://example.com/cb/x'),
    ('https://example.com/', 'https://example.com/any/path'),
    ('https://example.com', 'https://example.com/any/path'),
    ('https://example.com', 'https://example.com'),
    ('https://example.com:8443/cb', 'https://example.com:8443/cb/x'),
    ('https://example.com/c%20b', 'https://example.com/c%20b/x'),
    ('com.example.app:/cb', 'com.example.app:/cb/x'),
    ('https://example.com/cb?a=b', 'https://example.com/cb'),
    -- and what must not
    ('https://example.com/cb', 'https://example.com/cbx'),
    ('https://example.com/cb', 'https://example.com/cbevil/'),
    ('https://example.com/cb', 'https://example.com/cb;x'),
    ('https://example.com/cb', 'https://example.com/other'),
    ('https://example.com/cb', 'https://example.com/'),
    ('https://example.com/cb', 'https://example.com'),
    ('https://example.com/cb', 'https://example.com/CB'),
    ('https://example.com/cb', 'https://example.com.evil.com/cb'),
    ('https://example.com', 'https://example.com.evil.com'),
    ('https://example.com', 'https://example.comevil'),
    ('https://example.com/cb', 'https://evil.com/cb'),
    ('https://example.com/cb', 'https://Example.com/cb'),
    ('https://example.com/cb', 'https://example.com:443/cb'),
    ('https://example.com/cb', 'http://example.com/cb'),
    ('https://example.com/cb', '//example.com/cb'),
    ('https://example.com/cb', '/cb'),
    ('https://example.com/cb', 'https:/example.com/cb'),
    ('https://example.com/cb', 'https://example.com/cb/../x'),
    ('https://example.com/cb', 'https://example.com/cb/..'),
    ('https://example.com/', 'https://example.com/%2e%2e/x'),
    ('https://example.com/', 'https://example.com/%2E./x'),
    ('https://example.com/', 'https://example.com/%252e%252e/x'),
    ('https://example.com/cb', 'https://example.com/cb%20'),
    ('https://example.com/cb', 'https://example.com/cb%2Fx'),
    ('https://example.com/cb', 'https://example.com/cb/%20'),
    ('https://example.com/cb', 'https://user@example.com/cb'),
    ('https://example.com/cb', 'https://user:pass@example.com/cb'),
    ('https://example.com/cb', 'https://example.com@evil.com/cb'),
    ('https://user@example.com/cb', 'https://user@example.com/cb'),
    ('https://example.com/', 'https://example.com/@evil.com'),
    ('https://example.com/', 'https://example.com\@evil.com/'),
    ('https://example.com/', 'https://example.com/\evil'),
    ('https://example.com/cb', E'https://example.com/cb\n'),
    ('https://example.com/cb', E'https://example.com/\tcb'),
    ('https://example.com/cb', 'https://example.com/cb/ü'),
    ('https://example.com/cb', ' https://example.com/cb'),
    ('foo', 'foo'),
    ('', ''), ('', 'https://example.com/cb'), ('https://example.com/cb', ''),
    (NULL, NULL), (NULL, 'https://example.com/cb'), ('https://example.com/cb', NULL)) AS c (configured, given);

-- Applications: of an organization, of a person.
SELECT application_id, client_id, client_secret FROM quay.oauth_application_create('oau-org', 'App', 'https://app.example/cb', 'https://app.example',
    'An application', 'app@oau.example', 'oau-app', actor => 'oau-alice', ip => '192.0.2.1') \gset
SELECT :'client_id' AS client_id, :'client_secret' ~ '^[A-Z0-9]{40}$' AS client_secret,
       left(secure_client_secret, 4) AS stored, fully_migrated FROM quay.oauthapplication WHERE id = :application_id;
SELECT client_id, client_secret FROM quay.oauth_application_create('oau-alice', 'automation', given_client_id => 'oau-alice', given_client_secret => 'my secret');
SELECT client_id AS second FROM quay.oauth_application_create('oau-org', 'App') \gset
SELECT :'second' ~ '^[A-Z0-9]{20}$' AS client_id;
SELECT application_id = :application_id AS id, owner, name, description, application_uri, redirect_uri, avatar_email
FROM quay.oauth_application_get(:'client_id');
SELECT owner, name, redirect_uri FROM quay.oauth_application_get('oau-alice');
SELECT count(*) FROM quay.oauth_application_get(:'client_id', 'oau-org');
SELECT count(*) FROM quay.oauth_application_get(:'client_id', 'oau-alice');
SELECT count(*) FROM quay.oauth_application_get('none');
SELECT application_name, description, client_id = :'client_id' AS first FROM quay.oauth_application_list('oau-org');
SELECT count(*) FROM quay.oauth_application_list('oau-org', 'App');
SELECT count(*) FROM quay.oauth_application_list('oau-org', 'app');
SELECT client_id = :'second' AS second FROM quay.oauth_application_list('oau-org', after => :application_id, n => 1);
SELECT application_name, client_id FROM quay.oauth_application_list('oau-alice');

-- The secret
SELECT quay.oauth_application_secret('oau-org', :'client_id') = :'client_secret' AS secret, quay.oauth_application_secret('oau-alice', 'oau-alice') AS given;
SELECT quay.oauth_client_check(:'client_id', :'client_secret') AS good, quay.oauth_client_check(:'client_id', 'wrong') AS wrong,
       quay.oauth_client_check(:'client_id', NULL) AS none, quay.oauth_client_check('none', :'client_secret') AS unknown, quay.oauth_client_check(NULL, NULL) AS nothing;
SELECT quay.oauth_application_reset_secret('oau-org', :'client_id', 'oau-alice', '192.0.2.1') AS new_secret \gset
SELECT :'new_secret' ~ '^[A-Z0-9]{40}$' AS shape, quay.oauth_client_check(:'client_id', :'client_secret') AS old, quay.oauth_client_check(:'client_id', :'new_secret') AS new;
UPDATE quay.oauthapplication SET secure_client_secret = NULL WHERE client_id = :'second';
SELECT quay.oauth_application_secret('oau-org', :'second') AS secret, quay.oauth_client_check(:'second', '') AS empty, quay.oauth_client_check(:'second', NULL) AS none;
SAVEPOINT damaged;
UPDATE quay.oauthapplication SET secure_client_secret = 'v0$$damaged' WHERE client_id = :'second';
SELECT pg_temp.try(format('SELECT quay.oauth_application_secret(%L, %L)', 'oau-org', :'second'));
SELECT pg_temp.try(format('SELECT quay.oauth_client_check(%L, %L)', :'second', 'x'));
ROLLBACK TO damaged;

-- Where tokens may be sent
SELECT u AS uri, quay.oauth_redirect_allowed(:'client_id', u) AS allowed, quay.oauth_redirect_allowed(:'second', u) AS without_uri,
       quay.oauth_redirect_allowed('none', u) AS unknown
FROM unnest(ARRAY['https://app.example/cb/x', 'https://registry.example/oauth/localapp', '', NULL]) AS u;
SET LOCAL quay.oauth_handler_url = 'https://registry.example/oauth/localapp';
SELECT u AS uri, quay.oauth_redirect_allowed(:'client_id', u) AS allowed, quay.oauth_redirect_allowed(:'second', u) AS without_uri,
       quay.oauth_redirect_allowed('none', u) AS unknown
FROM unnest(ARRAY['https://app.example/cb/x', 'https://registry.example/oauth/localapp', 'https://registry.example/oauth/localapp/x', '']) AS u;
RESET quay.oauth_handler_url;

-- Changes: what is not given stays.
SELECT quay.oauth_application_update('oau-org', :'client_id', name => 'Renamed', actor => 'oau-alice', ip => '192.0.2.1');
SELECT name, description, application_uri, redirect_uri, avatar_email FROM quay.oauth_application_get(:'client_id');
SELECT quay.oauth_application_update('oau-org', :'client_id', redirect_uri => '', application_uri => 'https://new.example', description => '', avatar_email => '');
SELECT name, description, application_uri, redirect_uri, avatar_email FROM quay.oauth_application_get(:'client_id');
SELECT quay.oauth_application_update('oau-org', :'client_id', redirect_uri => 'https://app.example/cb');

-- Refusals
SELECT n AS name, pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L)', 'oau-org', n))
FROM unnest(ARRAY['', '  ', NULL, '__quay_bootstrap_app']) AS n;
SELECT pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L)', 'oau-org', repeat('x', 256)));
SELECT pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L, %L)', 'oau-org', 'x', repeat('x', 256)));
SELECT pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L, application_uri => %L)', 'oau-org', 'x', repeat('x', 256)));
SELECT pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L, avatar_email => %L)', 'oau-org', 'x', repeat('x', 256)));
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-off', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-org', 'x', given_client_id => 'oau-alice')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-org', 'x', given_client_id => 'a b')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-org', 'x', given_client_id => '')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-org', 'x', given_client_secret => '')$$);
SELECT pg_temp.try(format('SELECT quay.oauth_application_create(%L, %L, given_client_secret => %L)', 'oau-org', 'x', repeat('x', 158)));
SELECT pg_temp.try($$SELECT quay.oauth_application_create('oau-org', 'x', actor => 'oau-none')$$);
SELECT pg_temp.try(format('SELECT quay.oauth_application_secret(%L, %L)', 'oau-org2', :'client_id'));
SELECT pg_temp.try($$SELECT quay.oauth_application_secret('oau-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_reset_secret('oau-org', 'none')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_update('oau-org', 'none')$$);
SELECT pg_temp.try(format('SELECT quay.oauth_application_update(%L, %L, name => %L)', 'oau-org', :'client_id', '__quay_bootstrap_app'));
SELECT pg_temp.try(format('SELECT quay.oauth_application_update(%L, %L, redirect_uri => %L)', 'oau-org', :'client_id', repeat('x', 256)));
SELECT pg_temp.try(format('SELECT quay.oauth_application_update(%L, %L, actor => %L)', 'oau-org', :'client_id', 'oau-none'));
SELECT pg_temp.try($$SELECT quay.oauth_application_list('oau-none')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_list('oau-org', n => -1)$$);

-- Assignments
SELECT quay.oauth_assignment_create('oau-org', :'client_id', 'oau-bob', 'repo:read, repo:write', 'https://app.example/cb/x',
    actor => 'oau-alice', ip => '192.0.2.1') AS assignment \gset
SELECT quay.oauth_assignment_create('oau-org', :'client_id', 'oau-bob', 'user:read', response_type => 'code') AS assignment2 \gset
SELECT length(uuid) AS uuid, organization, application, redirect_uri, scopes, response_type FROM quay.oauth_assignment_list('oau-bob');
SELECT scopes FROM quay.oauth_assignment_list('oau-bob', n => 1);
SELECT scopes FROM quay.oauth_assignment_list('oau-bob', n => 1, after => (SELECT min(assignment_id) FROM quay.oauth_assignment_list('oau-bob')));
SELECT count(*) FROM quay.oauth_assignment_list('oau-alice');
SELECT owner, application, redirect_uri, scopes, response_type FROM quay.oauth_assignment_get('oau-bob', :'assignment');
SELECT owner, application, redirect_uri, scopes, response_type FROM quay.oauth_assignment_get('oau-bob', :'assignment2', 'oau-org');
SELECT count(*) FROM quay.oauth_assignment_get('oau-bob', :'assignment', 'oau-org2');
SELECT count(*) FROM quay.oauth_assignment_get('oau-alice', :'assignment');
SELECT count(*) FROM quay.oauth_assignment_get('oau-bob', NULL);
-- Looking at them settles the notifications.
SAVEPOINT seen;
SELECT n.metadata_json::jsonb - 'uuid' AS metadata, n.metadata_json::jsonb ->> 'uuid' IN (:'assignment', :'assignment2') AS uuid
FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id JOIN quay."user" AS u ON u.id = n.target_id
WHERE u.username = 'oau-bob' AND k.name = 'assigned_authorization';
SELECT quay.oauth_assignment_acknowledge('oau-bob'), quay.oauth_assignment_acknowledge('oau-bob');
ROLLBACK TO seen;
SELECT quay.oauth_assignment_delete('oau-alice', :'assignment') AS foreign, quay.oauth_assignment_delete('oau-bob', :'assignment', ip => '192.0.2.9') AS own,
       quay.oauth_assignment_delete('oau-bob', :'assignment') AS again;
SELECT quay.oauth_assignment_acknowledge('oau-bob') AS notifications_left;
-- Refusals
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-none', 'repo:read'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-org', 'repo:read'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-off', 'repo:read'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org2', :'client_id', 'oau-bob', 'repo:read'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-none', :'client_id', 'oau-bob', 'repo:read'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-bob', 'repo:everything'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-bob', 'repo:read', 'https://evil.example/'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L, response_type => %L)', 'oau-org', :'client_id', 'oau-bob', 'repo:read', 'ticket'));
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L, actor => %L)', 'oau-org', :'client_id', 'oau-bob', 'repo:read', 'oau-none'));
SET LOCAL quay.assign_oauth_token = off;
SELECT pg_temp.try(format('SELECT quay.oauth_assignment_create(%L, %L, %L, %L)', 'oau-org', :'client_id', 'oau-bob', 'repo:read'));
RESET quay.assign_oauth_token;
SELECT pg_temp.try($$SELECT quay.oauth_assignment_list('oau-none')$$);
SELECT pg_temp.try($$SELECT quay.oauth_assignment_list('oau-bob', n => -1)$$);
SELECT pg_temp.try($$SELECT quay.oauth_assignment_acknowledge('oau-none')$$);
SELECT pg_temp.try($$SELECT quay.oauth_assignment_delete('oau-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_assignment_delete('oau-bob', 'x', actor => 'oau-none')$$);

-- Deletion takes along what hangs on the application, and nothing of others.
SELECT quay.oauth_assignment_create('oau-org', :'client_id', 'oau-bob', 'repo:read') IS NOT NULL AS assigned;
SELECT count(*) FROM quay.oauth_token_create('oau-org', :'client_id', 'oau-bob', 'repo:read');
SELECT count(*) FROM quay.oauth_token_create('oau-org', :'second', 'oau-bob', 'repo:read');
SELECT error FROM quay.oauth_authorize(:'client_id', 'oau-alice', 'https://app.example/cb', 'repo:read', 'code');
SELECT quay.oauth_application_delete('oau-org2', :'client_id') AS elsewhere, quay.oauth_application_delete('oau-org', 'none') AS unknown;
SELECT quay.oauth_application_delete('oau-org', :'client_id', 'oau-alice', '192.0.2.1') AS deleted, quay.oauth_application_delete('oau-org', :'client_id') AS again;
SELECT (SELECT count(*) FROM quay.oauthassignedtoken WHERE application_id = :application_id) AS assignments,
       (SELECT count(*) FROM quay.oauthaccesstoken WHERE application_id = :application_id) AS tokens,
       (SELECT count(*) FROM quay.oauthauthorizationcode WHERE application_id = :application_id) AS codes,
       quay.oauth_assignment_acknowledge('oau-bob') AS notifications, quay.oauth_token_count('oau-org', :'second') AS tokens_of_others;
SELECT pg_temp.try($$SELECT quay.oauth_application_delete('oau-none', 'x')$$);
SELECT pg_temp.try($$SELECT quay.oauth_application_delete('oau-org', 'x', 'oau-none')$$);
SELECT count(*) FROM unnest(ARRAY['oau-1', 'oau-2', 'oau-3']) AS n, quay.oauth_application_create('oau-org2', n, given_client_id => n);
SELECT quay.oauth_application_delete_many('oau-org2', ARRAY['oau-3', 'oau-1', 'oau-alice', 'none', NULL, 'oau-1']) AS deleted,
       quay.oauth_application_delete_many('oau-org2', '{}') AS nothing, quay.oauth_application_delete_many('oau-org2', NULL) AS null;
SELECT client_id FROM quay.oauth_application_list('oau-org2');
SELECT * FROM pg_temp.log();
ROLLBACK;
