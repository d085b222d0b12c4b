-- OAuth: access tokens, what people have authorized, and authorization codes.

-- Making tokens

CREATE OR REPLACE FUNCTION quay_internal.oauth_lifetime(seconds double precision) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF oauth_lifetime.seconds IN ('NaN', 'Infinity') OR oauth_lifetime.seconds <= 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'lifetime of an OAuth token must be a positive number',
            DETAIL = format('It is %s seconds.', oauth_lifetime.seconds),
            HINT = 'Pass seconds, or NULL for ten years, which is also the most.';
    END IF;
    RETURN greatest(1, trunc(least(coalesce(oauth_lifetime.seconds, 315576000), 315576000)))::integer;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_lifetime(double precision) IS
    'Lifetime of an OAuth token in whole seconds, from 1 to 315576000, which are ten years; NULL means these. Errors: 22023 not a positive number.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_insert(application_id bigint, user_id bigint, scope text, lifetime integer,
    data jsonb DEFAULT NULL, display_name text DEFAULT NULL, given_token text DEFAULT NULL,
    OUT token_id bigint, OUT uuid text, OUT token text, OUT expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    IF given_token COLLATE "C" !~ '^[!-~]{40,255}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'illegal OAuth access token',
            DETAIL = 'A token has 40 to 255 printable ASCII characters without blanks.',
            HINT = 'Pass NULL to have one made.';
    END IF;
    token := coalesce(given_token, quay_internal.token_random_ascii(40));
    uuid := gen_random_uuid()::text;
    expires_at := now + make_interval(secs => lifetime);
    INSERT INTO quay.oauthaccesstoken AS t (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_name, token_code,
                                            token_digest, created, display_name)
    VALUES (oauth_token_insert.uuid, oauth_token_insert.application_id, oauth_token_insert.user_id, oauth_token_insert.scope, 'Bearer',
            oauth_token_insert.expires_at,
            coalesce(oauth_token_insert.data, jsonb_build_object('username', (SELECT u.username FROM quay."user" AS u WHERE u.id = user_id)))::text,
            left(token, 20), quay_internal.password_hash(substr(token, 21), quay_internal.setting('bcrypt_cost')::integer),
            quay_internal.secret_digest(token), now, oauth_token_insert.display_name)
    ON CONFLICT (token_name) DO NOTHING
    RETURNING t.id INTO token_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'OAuth access token is not unique',
            DETAIL = 'There is a token with the same first 20 characters.',
            HINT = 'Pass NULL to have one made.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_insert(bigint, bigint, text, integer, jsonb, text, text) IS
    'Adds an OAuth token of the application for the user, lifetime in seconds. Returns the token, which nobody can read later. Errors: QY061 given token illegal or not unique.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_active(application_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.oauthaccesstoken AS t
            WHERE t.application_id = oauth_token_active.application_id AND t.expires_at > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_active(bigint) IS 'How many unexpired tokens an application has.';

-- API tokens: an administrator makes one for himself, or another person, without the dance of authorization.

CREATE OR REPLACE FUNCTION quay.oauth_mintable_scopes(actor text, organization text, scopes text, actor_scopes text DEFAULT NULL)
    RETURNS TABLE (scope text, mintable boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := quay.oauth_scope_normalize(scopes);
    may_mint boolean :=
        EXISTS (SELECT FROM quay."user" AS u WHERE u.username = actor AND u.enabled AND NOT u.robot AND NOT u.organization)
        AND quay.access_check_namespace(actor, organization, 'admin', actor_scopes)
        AND (actor_scopes IS NULL OR quay.oauth_scope_covers(actor_scopes, wanted));
BEGIN
    FOREACH scope IN ARRAY string_to_array(wanted, ' ') LOOP
        -- Nobody hands out more than he has himself.
        mintable := may_mint AND CASE scope
            WHEN 'repo:read' THEN quay.access_check(actor, organization, NULL, 'read', actor_scopes)
            WHEN 'repo:write' THEN quay.access_check(actor, organization, NULL, 'write', actor_scopes)
            WHEN 'repo:admin' THEN quay.access_check(actor, organization, NULL, 'admin', actor_scopes)
            WHEN 'repo:create' THEN quay.access_check_namespace(actor, organization, 'create', actor_scopes)
            WHEN 'org:admin' THEN quay.access_check_namespace(actor, organization, 'admin', actor_scopes)
            WHEN 'user:read' THEN quay.access_check_user(actor, actor, 'read', actor_scopes)
            WHEN 'user:admin' THEN quay.access_check_user(actor, actor, 'admin', actor_scopes)
            WHEN 'super:user' THEN coalesce(quay.superuser_kind(actor, actor_scopes) = 'superuser', false)
            ELSE false
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.oauth_mintable_scopes(text, text, text, text) IS
    'May the actor, whose own credential has actor_scopes (NULL: a direct login), make an API token with these scopes for an application of the organization? One row for each scope; he may if all are mintable: he is a person, administers the organization, has each of the rights himself there or in his account, and his own scopes include the wanted ones. Errors: QY072 no scope, or an unknown one.';

CREATE OR REPLACE FUNCTION quay.oauth_token_create(organization text, client_id text, username text, scopes text,
    expires_in double precision DEFAULT NULL, display_name text DEFAULT NULL, given_token text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, uuid text, token text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay."user" := quay_internal.person_get(username);
    wanted text := quay.oauth_scope_normalize(scopes);
    lifetime integer := quay_internal.oauth_lifetime(expires_in);
    -- Blanks of Unicode, spelt out: \s would depend on the locale.
    label text := regexp_replace(oauth_token_create.display_name COLLATE "C",
        '^[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+'
        '|[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+$', '', 'g');
    maximum integer := quay_internal.setting('oauth_maximum_token_count')::integer;
    -- Locked, so that two calls do not both find the last place free.
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    added record;
BEGIN
    IF NOT char_length(label) BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal name of an OAuth token',
            DETAIL = format('It has %s characters.', char_length(label)),
            HINT = 'Use 1 to 255 characters, not only blanks, or NULL for none.';
    END IF;
    IF maximum > 0 AND quay_internal.oauth_token_active(target.id) >= maximum THEN
        RAISE EXCEPTION USING ERRCODE = 'QY073',
            MESSAGE = 'OAuth application has too many tokens',
            DETAIL = format('The limit is %s unexpired tokens.', maximum),
            HINT = 'Revoke a token with quay.oauth_token_revoke() first.';
    END IF;
    added := quay_internal.oauth_token_insert(target.id, holder.id, wanted, lifetime, display_name => label, given_token => given_token);
    PERFORM quay_internal.oauth_application_log('create_oauth_api_token', target, oauth_token_create.actor, oauth_token_create.ip,
        jsonb_strip_nulls(jsonb_build_object('token_uuid', added.uuid, 'display_name', label, 'username', holder.username, 'scope', wanted,
                                             'expires_in', lifetime)));
    token_id := added.token_id;
    uuid := added.uuid;
    token := added.token;
    expires_at := added.expires_at;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_create(text, text, text, text, double precision, text, text, text, text) IS
    'Makes an OAuth access token of the application that acts for the person within the scopes, and returns it: it cannot be read again. Ask oauth_mintable_scopes() first. expires_in: seconds, cut to whole ones, at most and by default ten years. display_name: a label, need not be unique. Errors: 22023 illegal expires_in or display_name, QY002 namespace unknown, QY004 disabled, QY007 user or actor unknown, QY061 given token illegal or not unique, QY070 application unknown, QY072 unknown scope or none, QY073 quay.oauth_maximum_token_count reached.';

CREATE OR REPLACE FUNCTION quay.oauth_token_list(organization text, client_id text, after bigint DEFAULT NULL, n integer DEFAULT 50,
    OUT token_id bigint, OUT uuid text, OUT display_name text, OUT username text, OUT scopes text, OUT token_type text,
    OUT created timestamp, OUT last_accessed timestamp, OUT expires_at timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.oauth_application_in(organization, client_id)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, t.display_name::text, u.username::text, t.scope::text, t.token_type::text, t.created, t.last_accessed, t.expires_at
        FROM quay.oauthaccesstoken AS t
        LEFT JOIN quay."user" AS u ON u.id = t.authorized_user_id
        WHERE t.application_id = target_id AND t.expires_at > quay_internal.utc_now()
          AND t.id < coalesce(oauth_token_list.after, 9223372036854775807)
        ORDER BY t.id DESC
        LIMIT quay_internal.page_size(oauth_token_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_token_list(text, text, bigint, integer) IS
    'Unexpired tokens of an OAuth application, newest first, at most n with a token_id below after; without their secrets. username: for whom it acts. Times in UTC; last_accessed NULL: not used yet. Errors: 22023 n negative, QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_token_count(organization text, client_id text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.oauth_token_active((quay_internal.oauth_application_in(organization, client_id)).id);
END
$$;
COMMENT ON FUNCTION quay.oauth_token_count(text, text) IS
    'How many unexpired tokens an OAuth application has, which quay.oauth_maximum_token_count limits. Errors: QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_token_get(uuid text, OUT token_id bigint, OUT organization text, OUT client_id text, OUT application text,
    OUT display_name text, OUT username text, OUT scopes text, OUT token_type text, OUT created timestamp, OUT last_accessed timestamp,
    OUT expires_at timestamp, OUT bootstrap boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, o.username::text, a.client_id::text, a.name::text, t.display_name::text, u.username::text, t.scope::text, t.token_type::text,
               t.created, t.last_accessed, t.expires_at, a.name = '__quay_bootstrap_app' AND quay_internal.bootstrap_is_marked(t.data)
        FROM quay.oauthaccesstoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        JOIN quay."user" AS u ON u.id = t.authorized_user_id
        WHERE t.uuid = oauth_token_get.uuid;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_get(text) IS
    'An OAuth token, expired or not, without its secret. organization: the namespace of its application. bootstrap: is it a bootstrap token? No row: there is none.';

CREATE OR REPLACE FUNCTION quay.oauth_token_revoke(organization text, client_id text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_in(organization, client_id);
    display_name text;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.uuid = oauth_token_revoke.uuid AND t.application_id = target.id
    RETURNING t.display_name INTO display_name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.oauth_application_log('revoke_oauth_api_token', target, oauth_token_revoke.actor, oauth_token_revoke.ip,
        jsonb_strip_nulls(jsonb_build_object('token_uuid', oauth_token_revoke.uuid, 'display_name', display_name)));
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_revoke(text, text, text, text, text) IS
    'Deletes a token of an OAuth application. False: the application has no such token. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown.';

-- What people have authorized

CREATE OR REPLACE FUNCTION quay_internal.oauth_authorization_rows(user_id bigint, uuid text, after bigint, n integer)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, o.username::text, a.client_id::text, a.name::text, a.description, a.application_uri::text,
               a.gravatar_email::text, t.scope::text, t.created, t.last_accessed, t.expires_at
        FROM quay.oauthaccesstoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.authorized_user_id = oauth_authorization_rows.user_id AND t.id > coalesce(oauth_authorization_rows.after, 0)
          AND (oauth_authorization_rows.uuid IS NULL OR t.uuid = oauth_authorization_rows.uuid)
        ORDER BY t.id
        LIMIT quay_internal.page_size(oauth_authorization_rows.n);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_authorization_rows(bigint, text, bigint, integer) IS
    'Tokens that act for a user, with their applications, all or that of one uuid.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.oauth_authorization_rows((quay_internal.person_get(username)).id, NULL,
                                                             oauth_authorization_list.after, oauth_authorization_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_list(text, bigint, integer) IS
    'OAuth tokens that act for a person, expired ones too, with the applications that have them, at most n with a token_id above after. organization: the namespace of the application. Times in UTC. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_get(username text, uuid text)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF oauth_authorization_get.uuid IS NOT NULL THEN
        RETURN QUERY
            SELECT * FROM quay_internal.oauth_authorization_rows((quay_internal.person_get(username)).id, oauth_authorization_get.uuid, NULL, 1);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_get(text, text) IS
    'One of oauth_authorization_list(). No row: no such token acts for this person. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_revoke(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay."user" := quay_internal.person_get(username);
    performer_id bigint := coalesce(quay_internal.actor_id(oauth_authorization_revoke.actor), holder.id);
    gone record;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    USING quay.oauthapplication AS a
    WHERE a.id = t.application_id AND t.uuid = oauth_authorization_revoke.uuid AND t.authorized_user_id = holder.id
    RETURNING a.name, a.client_id INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('oauth_token_revoked', holder.id, performer_id, NULL,
        jsonb_build_object('application', gone.name, 'client_id', gone.client_id, 'token_uuid', oauth_authorization_revoke.uuid),
        oauth_authorization_revoke.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_revoke(text, text, text, text) IS
    'A person takes an OAuth token back that acts for him. False: there is no such token. Errors: QY007 user or actor unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorized_scopes(client_id text, username text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quay_internal.scope_join(array_agg(s.scope ORDER BY t.id, s.place))
            FROM quay.oauthaccesstoken AS t
            JOIN quay.oauthapplication AS a ON a.id = t.application_id
            JOIN quay."user" AS u ON u.id = t.authorized_user_id
            -- A token with an unknown scope opens nothing, so it authorizes nothing.
            CROSS JOIN unnest(quay_internal.scope_set(t.scope)) WITH ORDINALITY AS s (scope, place)
            WHERE a.client_id = oauth_authorized_scopes.client_id AND u.username = oauth_authorized_scopes.username
              AND t.expires_at > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay.oauth_authorized_scopes(text, text) IS
    'What a person has authorized an OAuth application to do: the scopes of its unexpired tokens that act for him, each once, with blanks between them; NULL for nothing.';

CREATE OR REPLACE FUNCTION quay.oauth_consented(client_id text, username text, scopes text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.oauth_scope_covers(quay.oauth_authorized_scopes(client_id, username), scopes);
END
$$;
COMMENT ON FUNCTION quay.oauth_consented(text, text, text) IS
    'Has the person already authorized the OAuth application to do all this, so that he need not be asked again? Never NULL.';

-- Authorization: a person lets an application act for him. It gets a token at once (implicit grant), or a code for one.

CREATE OR REPLACE FUNCTION quay_internal.oauth_is_admin(user_id bigint, namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(user_id = namespace_id, false) OR quay_internal.organization_administers(user_id, namespace_id);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_is_admin(bigint, bigint) IS
    'Is the namespace the user''s own, or is he in a team of role admin of it? Being a superuser does not count.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_request_check(client_id text, username text, redirect_uri text, scopes text, response_type text,
    assignment text, OUT application quay.oauthapplication, OUT user_id bigint, OUT redirect_allowed boolean, OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    application := quay_internal.oauth_application_find(client_id);
    redirect_allowed := quay_internal.redirect_uri_allowed(application, redirect_uri) AND char_length(redirect_uri) <= 255;
    user_id := (SELECT u.id FROM quay."user" AS u
                WHERE u.username = oauth_request_check.username AND u.enabled AND NOT u.robot AND NOT u.organization);
    error := CASE
        WHEN response_type IS NULL OR response_type <> ALL (ARRAY['token', 'code']) THEN 'unsupported_response_type'
        WHEN application.id IS NULL THEN 'unauthorized_client'
        WHEN NOT redirect_allowed THEN 'invalid_redirect_uri'
        WHEN user_id IS NULL THEN 'access_denied'
        WHEN NOT quay_internal.oauth_is_admin(user_id, application.organization_id)
             AND NOT EXISTS (SELECT FROM quay.oauthassignedtoken AS t
                             WHERE t.uuid = oauth_request_check.assignment AND t.assigned_user_id = oauth_request_check.user_id
                               AND t.application_id = oauth_request_check.application.id)
            THEN 'unauthorized_client'
        WHEN quay_internal.scope_set(scopes) IS NULL THEN 'invalid_scope'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_request_check(text, text, text, text, text, text) IS
    'May this person authorize the application so? error: the error code of OAuth, NULL if he may.';

CREATE OR REPLACE FUNCTION quay.oauth_authorize_check(client_id text, username text, redirect_uri text, scopes text,
    response_type text DEFAULT 'token', assignment text DEFAULT NULL)
    RETURNS TABLE (error text, redirect_allowed boolean, organization text, application text, description text, application_uri text,
                   avatar_email text, consented boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record := quay_internal.oauth_request_check(client_id, username, redirect_uri, scopes, response_type, assignment);
BEGIN
    RETURN QUERY VALUES (
        request.error, request.redirect_allowed,
        (SELECT o.username::text FROM quay."user" AS o WHERE o.id = (request.application).organization_id),
        (request.application).name::text, (request.application).description, (request.application).application_uri::text,
        (request.application).gravatar_email::text,
        request.error IS NULL AND quay.oauth_consented(client_id, username, scopes));
END
$$;
COMMENT ON FUNCTION quay.oauth_authorize_check(text, text, text, text, text, text) IS
    'What the page needs to know that asks a person to authorize an OAuth application: what oauth_authorize() with the same arguments would answer, the application, and whether he has consented already, so that he need not be asked. One row. Arguments, error and redirect_allowed: as of oauth_authorize().';

CREATE OR REPLACE FUNCTION quay.oauth_authorize(client_id text, username text, redirect_uri text, scopes text,
    response_type text DEFAULT 'token', assignment text DEFAULT NULL)
    RETURNS TABLE (error text, redirect_allowed boolean, code text, token text, token_type text, expires_in integer, scope text, token_uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record := quay_internal.oauth_request_check(client_id, username, redirect_uri, scopes, response_type, assignment);
    target_id bigint := (request.application).id;
    added record;
BEGIN
    error := request.error;
    redirect_allowed := request.redirect_allowed;
    IF error IS NULL THEN
        -- Keeps both from being deleted or renamed. One of them may have gone by now.
        PERFORM FROM quay.oauthapplication AS a WHERE a.id = target_id FOR KEY SHARE;
        IF NOT FOUND THEN
            error := 'unauthorized_client';
        END IF;
        PERFORM FROM quay."user" AS u WHERE u.id = request.user_id AND u.username = oauth_authorize.username FOR KEY SHARE;
        IF NOT FOUND THEN
            error := coalesce(error, 'access_denied');
        END IF;
    END IF;
    IF error IS NULL AND assignment IS NOT NULL THEN
        -- An assignment is good for one authorization.
        DELETE FROM quay.oauthassignedtoken AS t
        WHERE t.uuid = oauth_authorize.assignment AND t.assigned_user_id = request.user_id AND t.application_id = target_id;
        IF FOUND THEN
            PERFORM quay_internal.notification_delete('assigned_authorization', request.user_id, jsonb_build_object('uuid', assignment));
        ELSIF NOT quay_internal.oauth_is_admin(request.user_id, (request.application).organization_id) THEN
            error := 'unauthorized_client';
        END IF;
    END IF;
    IF error IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    scope := quay_internal.scope_join(quay_internal.scope_set(scopes));
    IF response_type = 'code' THEN
        code := quay_internal.token_random_ascii(40);
        INSERT INTO quay.oauthauthorizationcode (application_id, scope, data, code_name, code_credential, created, redirect_uri)
        VALUES (target_id, oauth_authorize.scope,
                jsonb_build_object('username', oauth_authorize.username, 'user_id', request.user_id)::text,
                left(code, 20), quay_internal.password_hash(substr(code, 21), quay_internal.setting('bcrypt_cost')::integer),
                quay_internal.utc_now(), oauth_authorize.redirect_uri);
    ELSE
        expires_in := quay_internal.oauth_lifetime(NULL);
        added := quay_internal.oauth_token_insert(target_id, request.user_id, scope, expires_in);
        token := added.token;
        token_uuid := added.uuid;
        token_type := 'Bearer';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorize(text, text, text, text, text, text) IS
'A person authorizes an OAuth application to act for him within the scopes. Always one row.

username: who is logged in; NULL for nobody. He must administer the namespace of the application as a member of one of its teams, or hold the assignment (uuid), which is used up.
scopes: separated by one blank or comma. response_type: token gives an access token at once (implicit grant), which acts for ten years; code gives an authorization code for oauth_code_exchange(), tied to the redirect URI.

error: NULL, or unsupported_response_type, unauthorized_client (no such application, or the person may not authorize it), invalid_redirect_uri, access_denied (nobody is logged in, or he is disabled), invalid_scope.
redirect_allowed: may the browser be sent to the redirect URI with the answer? If not, show the error.
expires_in in seconds. Neither the code nor the token can be read again.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_code_find(application_id bigint, code text) RETURNS quay.oauthauthorizationcode
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthauthorizationcode;
BEGIN
    SELECT * INTO result FROM quay.oauthauthorizationcode AS c
    WHERE c.application_id = oauth_code_find.application_id AND c.code_name = left(oauth_code_find.code, 20);
    IF NOT quay_internal.password_verify(substr(oauth_code_find.code, 21), result.code_credential, quay_internal.setting('bcrypt_cost')::integer) THEN
        RETURN NULL;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_code_find(bigint, text) IS 'Authorization code of an application, expired or not; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_code_expired_before() RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lifetime integer := quay_internal.setting('oauth_authorization_code_lifetime')::integer;
BEGIN
    RETURN CASE WHEN lifetime > 0 THEN quay_internal.utc_now() - make_interval(secs => lifetime) ELSE '-infinity' END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_code_expired_before() IS
    'Authorization codes that were made at this time or before have expired; -infinity: none has.';

CREATE OR REPLACE FUNCTION quay.oauth_code_exchange(client_id text, client_secret text, code text, redirect_uri text, scopes text DEFAULT NULL,
    grant_type text DEFAULT 'authorization_code')
    RETURNS TABLE (error text, token text, token_type text, expires_in integer, scope text, username text, token_uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    application quay.oauthapplication := quay_internal.oauth_application_find(client_id);
    proven boolean := quay.oauth_client_check(client_id, client_secret);
    candidate quay.oauthauthorizationcode := quay_internal.oauth_code_find(application.id, code);
    data jsonb := quay_internal.json_read(candidate.data);
    user_id bigint;
    added record;
BEGIN
    -- The name is all that the reference application stores.
    SELECT u.id, u.username INTO user_id, username FROM quay."user" AS u
    WHERE u.id = coalesce((data ->> 'user_id')::bigint, (SELECT n.id FROM quay."user" AS n WHERE n.username = data ->> 'username'))
      AND u.enabled AND NOT u.robot AND NOT u.organization;
    error := CASE
        WHEN grant_type IS DISTINCT FROM 'authorization_code' THEN 'unsupported_grant_type'
        WHEN NOT proven THEN 'invalid_client'
        WHEN candidate.id IS NULL OR user_id IS NULL
             OR coalesce(candidate.created, '-infinity') < quay_internal.oauth_code_expired_before()
             OR NOT quay_internal.redirect_uri_allowed(application, redirect_uri)
             OR candidate.redirect_uri <> oauth_code_exchange.redirect_uri
            THEN 'invalid_grant'
        WHEN scopes <> '' AND (quay_internal.scope_set(scopes) IS NULL OR NOT quay_internal.scope_set(scopes) <@ quay_internal.scope_set(candidate.scope)
                               OR NOT quay_internal.scope_set(scopes) @> quay_internal.scope_set(candidate.scope))
            THEN 'invalid_scope'
    END;
    IF error IS NULL THEN
        PERFORM FROM quay.oauthapplication AS a WHERE a.id = application.id FOR KEY SHARE;
        PERFORM FROM quay."user" AS u WHERE u.id = user_id FOR KEY SHARE;
        -- Whoever deletes the code has it. It is gone with its application, too.
        DELETE FROM quay.oauthauthorizationcode AS c WHERE c.id = candidate.id;
        IF NOT FOUND THEN
            error := 'invalid_grant';
        END IF;
    END IF;
    IF error IS NOT NULL THEN
        username := NULL;
        RETURN NEXT;
        RETURN;
    END IF;

    scope := candidate.scope;
    expires_in := quay_internal.oauth_lifetime(NULL);
    token_type := 'Bearer';
    added := quay_internal.oauth_token_insert(application.id, user_id, scope, expires_in);
    token := added.token;
    token_uuid := added.uuid;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_code_exchange(text, text, text, text, text, text) IS
'An OAuth client exchanges an authorization code for an access token. Always one row.

redirect_uri: that of oauth_authorize(), letter for letter. scopes: NULL or empty, or those that the code has.
error: NULL, or unsupported_grant_type, invalid_client (unknown, or a wrong secret), invalid_grant (the code is unknown, used up or older than quay.oauth_authorization_code_lifetime, was made for another redirect URI, or its person is gone or disabled), invalid_scope. A code is good for one token, also if two clients present it at the same time; a refusal does not use it up.
token: acts for the person username for expires_in seconds, which are ten years; it cannot be read again. There are no refresh tokens.
Errors: QY060 the stored client secret cannot be decrypted.';

-- Purge

CREATE OR REPLACE FUNCTION quay.oauth_code_purge(n integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.oauth_code_expired_before();
    deleted bigint;
BEGIN
    -- An array, so that the rows are chosen once.
    DELETE FROM quay.oauthauthorizationcode AS c
    WHERE c.id = ANY (ARRAY(SELECT s.id FROM quay.oauthauthorizationcode AS s
                            WHERE s.created < expired_before OR s.created IS NULL AND isfinite(expired_before)
                            LIMIT quay_internal.page_size(oauth_code_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_code_purge(integer) IS
    'Deletes at most n authorization codes that are older than quay.oauth_authorization_code_lifetime, or older than the column that says so, and returns how many; call it again while it returns n. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.oauth_token_purge(n integer DEFAULT 1000, keep interval DEFAULT '30 days') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.utc_now() - keep;
    deleted bigint;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.id = ANY (ARRAY(SELECT s.id FROM quay.oauthaccesstoken AS s
                            -- An expired bootstrap token can still be renewed.
                            WHERE s.expires_at < expired_before AND NOT quay_internal.bootstrap_is_marked(s.data)
                            LIMIT quay_internal.page_size(oauth_token_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_purge(integer, interval) IS
    'Deletes at most n OAuth tokens that expired longer ago than keep, but bootstrap tokens, and returns how many; call it again while it returns n. Errors: 22023 n negative.';
