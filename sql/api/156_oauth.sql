-- OAuth: scopes, the applications of a namespace, and the tokens that administrators assign to other people.

-- Scopes. What a scope is, the C parser says that access checks use as well (src/auth/scope.c).

CREATE OR REPLACE FUNCTION quay_internal.scope_problem(scopes text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_scope_problem';
COMMENT ON FUNCTION quay_internal.scope_problem(text) IS
    'Why an OAuth client may not ask for these scopes, separated by one blank or comma, as a sentence: one of them is empty or unknown. NULL if it may.';

CREATE OR REPLACE FUNCTION quay_internal.scope_set(scopes text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN quay_internal.scope_problem(scopes) IS NULL THEN pg_catalog.string_to_array(pg_catalog.translate(scopes, ',', ' '), ' ') END;
COMMENT ON FUNCTION quay_internal.scope_set(text) IS 'The scopes of a string; NULL if one of them is empty or unknown.';

CREATE OR REPLACE FUNCTION quay_internal.scope_implied(scopes text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT array_agg(DISTINCT implied.scope)
            FROM unnest(quay_internal.scope_set(scopes)) AS s (scope)
            CROSS JOIN unnest(CASE s.scope
                WHEN 'repo:admin' THEN ARRAY['repo:admin', 'repo:write', 'repo:read']
                WHEN 'repo:write' THEN ARRAY['repo:write', 'repo:read']
                ELSE ARRAY[s.scope] END) AS implied (scope));
END
$$;
COMMENT ON FUNCTION quay_internal.scope_implied(text) IS
    'The scopes of a string and those that they include: repo:admin includes repo:write, and that repo:read. NULL if one is empty or unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_scope_covers(granted text, requested text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(quay_internal.scope_implied(granted) @> quay_internal.scope_set(requested), false);
END
$$;
COMMENT ON FUNCTION quay.oauth_scope_covers(text, text) IS
    'Do the granted scopes include all that are requested? repo:admin includes repo:write, and that repo:read. False if a scope of either is empty or unknown, or either is NULL.';

CREATE OR REPLACE FUNCTION quay_internal.scope_join(scopes text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(s.scope, ' ' ORDER BY s.first)
            FROM (SELECT p.scope, min(p.place) AS first FROM unnest(scope_join.scopes) WITH ORDINALITY AS p (scope, place)
                  WHERE p.scope <> '' GROUP BY p.scope) AS s);
END
$$;
COMMENT ON FUNCTION quay_internal.scope_join(text[]) IS 'Scopes as one string, each once, in their order, with blanks between them; NULL for none.';

CREATE OR REPLACE FUNCTION quay.oauth_scope_normalize(scopes text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text := quay_internal.scope_join(string_to_array(translate(oauth_scope_normalize.scopes, ',', ' '), ' '));
    problem text := CASE WHEN result IS NULL THEN 'There is none.' ELSE quay_internal.scope_problem(result) END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY072',
            MESSAGE = 'invalid OAuth scopes',
            DETAIL = problem,
            HINT = 'Scopes are repo:read, repo:write, repo:admin, repo:create, org:admin, user:read, user:admin and super:user.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.oauth_scope_normalize(text) IS
    'The scopes of a string, separated by any number of blanks and commas, each once, in their order, with one blank between them. Errors: QY072 no scope, or an unknown one.';

-- Redirect URIs

CREATE OR REPLACE FUNCTION quay_internal.redirect_uri_matches(configured text, given text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- scheme, host and port with user information, path; RFC 3986, appendix B
    uri CONSTANT text := '^([^:/?#]+):(?://([^/?#]*))?([^?#]*)';
    wanted text[] := regexp_match(configured COLLATE "C", uri);
    parts text[] := regexp_match(given COLLATE "C", uri);
    remainder text;
BEGIN
    -- Browsers read a backslash as a slash, and drop control characters.
    IF given COLLATE "C" !~ '^[!-~]+$' OR strpos(given, '\') > 0
        OR parts IS NULL OR wanted IS NULL
        OR lower(parts[1]) <> lower(wanted[1])
        OR parts[2] IS DISTINCT FROM wanted[2] OR strpos(parts[2], '@') > 0
        OR strpos(parts[3], '@') > 0
        OR strpos(replace(lower(parts[3]), '%2e', '.'), '..') > 0
        OR NOT starts_with(parts[3], wanted[3])
    THEN
        RETURN false;
    END IF;
    -- The path of the application, or below it.
    remainder := substr(parts[3], char_length(wanted[3]) + 1);
    RETURN coalesce(strpos(remainder, '%') = 0
                    AND (remainder = '' OR starts_with(remainder, '/') OR right(wanted[3], 1) = '/'), false);
END
$$;
COMMENT ON FUNCTION quay_internal.redirect_uri_matches(text, text) IS
    'Does a redirect URI have the scheme, the host and the port of the configured one, and its path or one below it? Query and fragment are free; no user information, no "..", no encoded characters beyond the configured path. Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.redirect_uri_allowed(application quay.oauthapplication, redirect_uri text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN redirect_uri_allowed.application.id IS NOT NULL
        AND coalesce(redirect_uri_allowed.redirect_uri = nullif(quay_internal.setting('oauth_handler_url'), '')
                     OR quay_internal.redirect_uri_matches(redirect_uri_allowed.application.redirect_uri, redirect_uri_allowed.redirect_uri), false);
END
$$;
COMMENT ON FUNCTION quay_internal.redirect_uri_allowed(quay.oauthapplication, text) IS
    'May tokens and codes of the application be sent to this URI? Never NULL; a row of NULLs is no application.';

-- Applications

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_find(client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthapplication;
BEGIN
    -- All columns in their order, but NULL for the secret: readers have no right to it.
    SELECT a.id, a.client_id, a.redirect_uri, a.application_uri, a.organization_id, a.name, a.description, a.gravatar_email, NULL, a.fully_migrated
    INTO result FROM quay.oauthapplication AS a WHERE a.client_id = oauth_application_find.client_id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_find(text) IS 'Application with this client id, without its secret; a row of NULLs if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_in(organization text, client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(organization);
    result quay.oauthapplication := quay_internal.oauth_application_find(client_id);
BEGIN
    IF result.organization_id IS DISTINCT FROM owner.id THEN
        RAISE EXCEPTION USING ERRCODE = 'QY070',
            MESSAGE = 'OAuth application does not exist',
            DETAIL = format('"%s" has no application with the client id "%s".', owner.username, left(oauth_application_in.client_id, 80)),
            HINT = 'Create it with quay.oauth_application_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_in(text, text) IS
    'Application of a namespace, without its secret. Errors: QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_lock(organization text, client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- FOR UPDATE, so that nobody adds a token, either.
    PERFORM FROM quay.oauthapplication AS a WHERE a.client_id = oauth_application_lock.client_id FOR UPDATE;
    RETURN quay_internal.oauth_application_in(organization, client_id);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_lock(text, text) IS
    'oauth_application_in() with its row locked, until the end of the transaction. Errors: QY002, QY004, QY070.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_check(name text, redirect_uri text, application_uri text, avatar_email text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(btrim(oauth_application_check.name), '') = '' THEN 'It is empty.'
        WHEN char_length(oauth_application_check.name) > 255 THEN format('It has %s characters.', char_length(oauth_application_check.name))
        WHEN oauth_application_check.name = '__quay_bootstrap_app' THEN format('"%s" is reserved.', oauth_application_check.name)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal name of an OAuth application',
            DETAIL = problem,
            HINT = 'Use 1 to 255 characters.';
    END IF;
    IF char_length(oauth_application_check.redirect_uri) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY071',
            MESSAGE = 'redirect URI of an OAuth application is too long',
            DETAIL = format('It has %s characters.', char_length(oauth_application_check.redirect_uri)),
            HINT = 'Use at most 255 characters; paths below it and queries are allowed anyway.';
    END IF;
    IF greatest(char_length(oauth_application_check.application_uri), char_length(oauth_application_check.avatar_email)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'URI or e-mail address of an OAuth application is too long',
            DETAIL = format('They have %s and %s characters.', char_length(oauth_application_check.application_uri),
                            coalesce(char_length(oauth_application_check.avatar_email), 0)),
            HINT = 'Use at most 255 characters for each.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_check(text, text, text, text) IS
    'Checks what is to be stored of an application. Errors: 22023 URI or e-mail address too long, QY001 illegal name, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_log(kind text, application quay.oauthapplication, actor text, ip text,
                                                               metadata jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(oauth_application_log.kind, oauth_application_log.application.organization_id,
        quay_internal.actor_id(oauth_application_log.actor), NULL,
        jsonb_build_object('application_name', oauth_application_log.application.name, 'client_id', oauth_application_log.application.client_id)
            || oauth_application_log.metadata, oauth_application_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_log(text, quay.oauthapplication, text, text, jsonb) IS
    'Adds a row about an application to the audit log of its namespace. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_insert(owner_id bigint, name text, redirect_uri text, application_uri text,
    description text, avatar_email text, client_id text, client_secret text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthapplication;
BEGIN
    INSERT INTO quay.oauthapplication AS a (client_id, redirect_uri, application_uri, organization_id, name, description, gravatar_email,
                                            secure_client_secret, fully_migrated)
    VALUES (oauth_application_insert.client_id, oauth_application_insert.redirect_uri, oauth_application_insert.application_uri, owner_id,
            oauth_application_insert.name, oauth_application_insert.description, oauth_application_insert.avatar_email,
            quay_internal.field_encrypt(client_secret, 255), true)
    ON CONFLICT DO NOTHING
    RETURNING * INTO result;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'client id is already taken',
            DETAIL = format('An OAuth application with the client id "%s" exists.', left(oauth_application_insert.client_id, 80)),
            HINT = 'Leave it out to have one made.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_insert(bigint, text, text, text, text, text, text, text) IS
    'Adds an application that was checked. Errors: QY006 client id taken, QY061 secret too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_create(organization text, name text, redirect_uri text DEFAULT '', application_uri text DEFAULT '',
    description text DEFAULT '', avatar_email text DEFAULT NULL, given_client_id text DEFAULT NULL, given_client_secret text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (application_id bigint, client_id text, client_secret text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(organization);
    added quay.oauthapplication;
BEGIN
    PERFORM quay_internal.oauth_application_check(name, redirect_uri, application_uri, avatar_email);
    IF given_client_id COLLATE "C" !~ '^[!-~]{1,255}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal client id of an OAuth application',
            DETAIL = format('It is "%s".', left(given_client_id, 80)),
            HINT = 'Use 1 to 255 printable ASCII characters without blanks, or leave it out to have one made.';
    END IF;
    IF given_client_secret COLLATE "C" !~ '^[ -~]+$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'illegal client secret of an OAuth application',
            DETAIL = 'It is empty, or has characters that are not printable ASCII.',
            HINT = 'Leave it out to have one made.';
    END IF;
    client_id := coalesce(given_client_id, quay_internal.token_random(20));
    client_secret := coalesce(given_client_secret, quay_internal.token_random(40));
    added := quay_internal.oauth_application_insert(owner.id, name, coalesce(redirect_uri, ''), coalesce(application_uri, ''),
        coalesce(description, ''), avatar_email, client_id, client_secret);
    application_id := added.id;
    PERFORM quay_internal.oauth_application_log('create_application', added, oauth_application_create.actor, oauth_application_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_create(text, text, text, text, text, text, text, text, text, text) IS
    'Registers an OAuth application of an organization, or of a person, and returns its id, client id and client secret, random ones unless given. redirect_uri: where tokens and codes may be sent, also with a longer path; empty: nowhere but quay.oauth_handler_url. Errors: 22023 illegal client id, URI or e-mail address too long, QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 client id taken, QY007 actor unknown, QY061 illegal client secret, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_get(client_id text, organization text DEFAULT NULL, OUT application_id bigint,
    OUT owner text, OUT name text, OUT description text, OUT application_uri text, OUT redirect_uri text, OUT avatar_email text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT a.id, u.username::text, a.name::text, a.description, a.application_uri::text, a.redirect_uri::text, a.gravatar_email::text
        FROM quay.oauthapplication AS a JOIN quay."user" AS u ON u.id = a.organization_id
        WHERE a.client_id = oauth_application_get.client_id
          AND (oauth_application_get.organization IS NULL OR u.username = oauth_application_get.organization);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_get(text, text) IS
    'What everybody may know of an OAuth application. owner: the namespace. No row: there is none with this client id, or, if an organization is given, that one has none.';

CREATE OR REPLACE FUNCTION quay.oauth_application_list(organization text, name text DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (application_id bigint, client_id text, application_name text, description text, application_uri text,
                   redirect_uri text, avatar_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(organization)).id;
BEGIN
    RETURN QUERY
        SELECT a.id, a.client_id::text, a.name::text, a.description, a.application_uri::text, a.redirect_uri::text, a.gravatar_email::text
        FROM quay.oauthapplication AS a
        WHERE a.organization_id = owner_id AND a.id > coalesce(oauth_application_list.after, 0)
          AND (oauth_application_list.name IS NULL OR a.name = oauth_application_list.name)
        ORDER BY a.id
        LIMIT quay_internal.page_size(oauth_application_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_list(text, text, bigint, integer) IS
    'OAuth applications of a namespace, without their secrets, at most n with an application_id above after; if asked those of one name, which need not be unique. Errors: 22023 n negative, QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.oauth_application_secret(organization text, client_id text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_in(organization, client_id);
BEGIN
    RETURN (SELECT quay_internal.field_decrypt(a.secure_client_secret) FROM quay.oauthapplication AS a WHERE a.id = target.id);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_secret(text, text) IS
    'Client secret of an OAuth application; NULL if it has none. Errors: QY002 namespace unknown, QY004 disabled, QY060 it cannot be decrypted, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_client_check(client_id text, client_secret text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT quay_internal.field_matches(a.secure_client_secret, oauth_client_check.client_secret)
                     FROM quay.oauthapplication AS a WHERE a.client_id = oauth_client_check.client_id), false);
END
$$;
COMMENT ON FUNCTION quay.oauth_client_check(text, text) IS
    'Are these the client id and the client secret of an OAuth application? Never NULL; an application without a secret has none that is right. Errors: QY060 the stored secret cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.oauth_redirect_allowed(client_id text, redirect_uri text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.redirect_uri_allowed(quay_internal.oauth_application_find(client_id), redirect_uri);
END
$$;
COMMENT ON FUNCTION quay.oauth_redirect_allowed(text, text) IS
    'May tokens and codes of the OAuth application be sent to this URI? It must be quay.oauth_handler_url, or have the scheme, the host and the port of the URI of the application, and its path or one below it. Query and fragment are free; user information, "..", and encoded characters beyond the configured path are not allowed. Never NULL; false for an unknown application.';

CREATE OR REPLACE FUNCTION quay.oauth_application_update(organization text, client_id text, name text DEFAULT NULL, redirect_uri text DEFAULT NULL,
    application_uri text DEFAULT NULL, description text DEFAULT NULL, avatar_email text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
BEGIN
    PERFORM quay_internal.oauth_application_check(
        CASE WHEN target.name = '__quay_bootstrap_app' THEN target.name ELSE coalesce(oauth_application_update.name, target.name) END,
        oauth_application_update.redirect_uri, oauth_application_update.application_uri, oauth_application_update.avatar_email);
    UPDATE quay.oauthapplication AS a
    SET name = coalesce(oauth_application_update.name, a.name),
        redirect_uri = coalesce(oauth_application_update.redirect_uri, a.redirect_uri),
        application_uri = coalesce(oauth_application_update.application_uri, a.application_uri),
        description = coalesce(oauth_application_update.description, a.description),
        gravatar_email = nullif(coalesce(oauth_application_update.avatar_email, a.gravatar_email), '')
    WHERE a.id = target.id
    RETURNING a.name INTO target.name;
    PERFORM quay_internal.oauth_application_log('update_application', target, oauth_application_update.actor, oauth_application_update.ip);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_update(text, text, text, text, text, text, text, text, text) IS
    'Changes what is given of an OAuth application; NULL leaves it as it is, an empty avatar_email is none. The application of the bootstrap token cannot be changed. Errors: 22023 URI or e-mail address too long, QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_reset_secret(organization text, client_id text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    secret text := quay_internal.token_random(40);
BEGIN
    UPDATE quay.oauthapplication AS a SET secure_client_secret = quay_internal.field_encrypt(secret, 255) WHERE a.id = target.id;
    PERFORM quay_internal.oauth_application_log('reset_application_client_secret', target, oauth_application_reset_secret.actor,
        oauth_application_reset_secret.ip);
    RETURN secret;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_reset_secret(text, text, text, text) IS
    'Gives an OAuth application a new client secret and returns it; the old one is void. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_drop(application_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- In the order of their ids, and before their rows in other tables: nobody adds one meanwhile.
    PERFORM FROM quay.oauthapplication AS a WHERE a.id = ANY (application_ids) ORDER BY a.id FOR UPDATE;
    PERFORM quay_internal.notification_delete('assigned_authorization', t.assigned_user_id, jsonb_build_object('uuid', t.uuid))
    FROM quay.oauthassignedtoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthauthorizationcode AS c WHERE c.application_id = ANY (application_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthapplication AS a WHERE a.id = ANY (application_ids);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_drop(bigint[]) IS
    'Deletes applications with their tokens, codes and assignments, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.oauth_application_delete_many(organization text, client_ids text[], actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(organization)).id;
    performer_id bigint := quay_internal.actor_id(oauth_application_delete_many.actor);
    target quay.oauthapplication;
    deleted bigint := 0;
BEGIN
    FOR target IN
        SELECT a.* FROM quay.oauthapplication AS a
        WHERE a.organization_id = owner_id AND a.client_id = ANY (oauth_application_delete_many.client_ids)
        ORDER BY a.id FOR UPDATE
    LOOP
        deleted := deleted + quay_internal.oauth_application_drop(ARRAY[target.id]);
        PERFORM quay_internal.log_add('delete_application', owner_id, performer_id, NULL,
            jsonb_build_object('application_name', target.name, 'client_id', target.client_id), oauth_application_delete_many.ip);
    END LOOP;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_delete_many(text, text[], text, text) IS
    'Deletes those of these OAuth applications that a namespace has, with their tokens, codes and assignments, and returns how many there were. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_application_delete(organization text, client_id text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.oauth_application_delete_many(organization, ARRAY[oauth_application_delete.client_id], actor, ip) > 0;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_delete(text, text, text, text) IS
    'Deletes an OAuth application with its tokens, codes and assignments. False: the namespace has none with this client id. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

-- Assignments: an administrator offers somebody a token, who fetches it by authorizing the application.

CREATE OR REPLACE FUNCTION quay.oauth_assignment_create(organization text, client_id text, username text, scopes text,
    redirect_uri text DEFAULT NULL, response_type text DEFAULT 'token', actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    assigned quay."user" := quay_internal.person_lock(username);
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    wanted text := quay.oauth_scope_normalize(scopes);
    new_uuid text := gen_random_uuid()::text;
BEGIN
    IF NOT quay_internal.setting('assign_oauth_token')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'assigning OAuth tokens is switched off',
            DETAIL = 'The setting quay.assign_oauth_token is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
    IF NOT assigned.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user is disabled',
            DETAIL = format('"%s" was disabled by an administrator.', assigned.username),
            HINT = 'Name another person.';
    END IF;
    IF oauth_assignment_create.redirect_uri IS NOT NULL AND NOT quay_internal.redirect_uri_allowed(target, oauth_assignment_create.redirect_uri)
        OR char_length(oauth_assignment_create.redirect_uri) > 255
    THEN
        RAISE EXCEPTION USING ERRCODE = 'QY071',
            MESSAGE = 'redirect URI is not one of the application',
            DETAIL = format('It is "%s".', left(oauth_assignment_create.redirect_uri, 80)),
            HINT = 'Use the URI of the application, or one below it, with at most 255 characters.';
    END IF;
    IF oauth_assignment_create.response_type <> ALL (ARRAY['token', 'code']) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown OAuth response type',
            DETAIL = format('It is "%s".', left(oauth_assignment_create.response_type, 80)),
            HINT = 'Use token or code.';
    END IF;

    INSERT INTO quay.oauthassignedtoken (uuid, assigned_user_id, application_id, redirect_uri, scope, response_type)
    VALUES (new_uuid, assigned.id, target.id, oauth_assignment_create.redirect_uri, wanted, oauth_assignment_create.response_type);
    PERFORM quay_internal.notification_add('assigned_authorization', assigned.id,
        jsonb_build_object('username', assigned.username, 'uuid', new_uuid));
    PERFORM quay_internal.oauth_application_log('oauth_token_assigned', target, oauth_assignment_create.actor, oauth_assignment_create.ip,
        jsonb_build_object('assigned_user', assigned.username, 'assigning_user', oauth_assignment_create.actor, 'application', target.name,
                           'scope', wanted));
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_create(text, text, text, text, text, text, text, text) IS
    'Offers a person a token of an OAuth application, notifies him, and returns the uuid of the assignment, which lets him authorize the application without being an administrator. Errors: 22023 unknown response type, QY002 namespace unknown, QY004 disabled, QY007 user unknown or disabled, actor unknown, QY015 switched off, QY070 application unknown, QY071 redirect URI not allowed, QY072 unknown scope or none.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100, OUT assignment_id bigint,
    OUT uuid text, OUT organization text, OUT client_id text, OUT application text, OUT description text, OUT application_uri text,
    OUT avatar_email text, OUT redirect_uri text, OUT scopes text, OUT response_type text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    user_id bigint := (quay_internal.person_get(username)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, o.username::text, a.client_id::text, a.name::text, a.description, a.application_uri::text,
               a.gravatar_email::text, coalesce(t.redirect_uri, a.redirect_uri)::text, t.scope::text, coalesce(t.response_type, 'token')::text
        FROM quay.oauthassignedtoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.assigned_user_id = user_id AND t.id > coalesce(oauth_assignment_list.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(oauth_assignment_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_list(text, bigint, integer) IS
    'OAuth tokens that were offered to a person, who has not fetched them yet, at most n with an assignment_id above after. organization: the namespace of the application. That they were seen is for oauth_assignment_acknowledge(). Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_acknowledge(username text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.notification_delete('assigned_authorization', (quay_internal.person_get(username)).id);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_acknowledge(text) IS
    'The person has looked at the OAuth tokens that were offered: deletes the notifications about them and returns how many there were. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_get(username text, uuid text, organization text DEFAULT NULL, OUT assignment_id bigint,
    OUT owner text, OUT client_id text, OUT application text, OUT redirect_uri text, OUT scopes text, OUT response_type text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, o.username::text, a.client_id::text, a.name::text, coalesce(t.redirect_uri, a.redirect_uri)::text, t.scope::text,
               coalesce(t.response_type, 'token')::text
        FROM quay.oauthassignedtoken AS t
        JOIN quay."user" AS u ON u.id = t.assigned_user_id
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.uuid = oauth_assignment_get.uuid AND u.username = oauth_assignment_get.username
          AND (oauth_assignment_get.organization IS NULL OR o.username = oauth_assignment_get.organization);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_get(text, text, text) IS
    'An OAuth token that was offered to this person. owner: the namespace of the application. No row: there is none, it is for somebody else, or, if an organization is given, of another one.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_delete(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    assigned quay."user" := quay_internal.person_get(username);
    performer_id bigint := coalesce(quay_internal.actor_id(oauth_assignment_delete.actor), assigned.id);
    gone record;
BEGIN
    DELETE FROM quay.oauthassignedtoken AS t
    USING quay.oauthapplication AS a
    WHERE a.id = t.application_id AND t.uuid = oauth_assignment_delete.uuid AND t.assigned_user_id = assigned.id
    RETURNING a.name, a.client_id INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.notification_delete('assigned_authorization', assigned.id, jsonb_build_object('uuid', oauth_assignment_delete.uuid));
    PERFORM quay_internal.log_add('oauth_token_revoked', assigned.id, performer_id, NULL,
        jsonb_build_object('application', gone.name, 'client_id', gone.client_id, 'assigned_user', assigned.username), oauth_assignment_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_delete(text, text, text, text) IS
    'Takes back, or declines, an OAuth token that was offered to this person. False: there is no such assignment. Errors: QY007 user or actor unknown.';
