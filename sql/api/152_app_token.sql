-- Tokens that people make for applications, as a password of their own ($app).

CREATE OR REPLACE FUNCTION quay.app_token_create(username text, title text, expiration timestamptz DEFAULT NULL,
                                                 actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, uuid text, token text, created timestamp, expires timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.person_lock(username);
    performer_id bigint := coalesce(quay_internal.actor_id(app_token_create.actor), owner.id);
    lifetime integer := quay_internal.setting('app_specific_token_expiration')::integer;
    name text := quay_internal.token_random(60);
    secret text := quay_internal.token_random(60);
BEGIN
    IF NOT quay_internal.setting('app_specific_tokens')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'tokens of applications are switched off',
            DETAIL = 'The setting quay.app_specific_tokens is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
    IF btrim(app_token_create.title) IS NULL OR btrim(app_token_create.title) = '' OR char_length(app_token_create.title) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal title of a token',
            DETAIL = CASE WHEN app_token_create.title IS NULL THEN 'It is NULL.'
                          ELSE format('It is "%s".', left(app_token_create.title, 80)) END,
            HINT = 'Use 1 to 255 characters, not only blanks.';
    END IF;

    created := quay_internal.utc_now();
    expires := CASE
        WHEN app_token_create.expiration IS NOT NULL THEN nullif(app_token_create.expiration AT TIME ZONE 'UTC', 'infinity')
        WHEN lifetime > 0 THEN created + make_interval(secs => lifetime)
    END;
    token := name || secret;
    uuid := gen_random_uuid()::text;
    INSERT INTO quay.appspecificauthtoken AS t (user_id, uuid, title, created, expiration, token_name, token_secret)
    VALUES (owner.id, app_token_create.uuid, app_token_create.title, app_token_create.created, app_token_create.expires, name,
            quay_internal.field_encrypt(secret, 255))
    RETURNING t.id INTO token_id;
    PERFORM quay_internal.log_add('create_app_specific_token', owner.id, performer_id, NULL,
        jsonb_build_object('app_specific_token_title', app_token_create.title, 'app_specific_token', uuid), app_token_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.app_token_create(text, text, timestamptz, text, text) IS
    'Makes a token for an application of a person, who logs in with the name $app and token. expiration: NULL, or left out, for quay.app_specific_token_expiration from now on, which is never if that is 0; infinity for never. created and expires in UTC; expires NULL: never. Errors: 22023 illegal title, QY007 user or actor unknown, QY015 switched off.';

CREATE OR REPLACE FUNCTION quay.app_token_soon() RETURNS interval
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN make_interval(secs => greatest(1, ceil(
        coalesce(nullif(quay_internal.setting('app_specific_token_expiration')::integer, 0), 28 * 86400) / 10.0)));
END
$$;
COMMENT ON FUNCTION quay.app_token_soon() IS
    'What "expires soon" means for a token of an application: a tenth of quay.app_specific_token_expiration, or of four weeks if that is 0.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_rows(user_id bigint, expiring_within interval, after bigint, n integer)
    RETURNS TABLE (token_id bigint, uuid text, username text, title text, created timestamp, expires timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, u.username::text, t.title::text, t.created, t.expiration, t.last_accessed
        FROM quay.appspecificauthtoken AS t JOIN quay."user" AS u ON u.id = t.user_id
        WHERE (app_token_rows.user_id IS NULL OR t.user_id = app_token_rows.user_id)
          AND (app_token_rows.expiring_within IS NULL OR t.expiration > now AND t.expiration <= now + app_token_rows.expiring_within)
          AND t.id > coalesce(app_token_rows.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(app_token_rows.n);
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_rows(bigint, interval, bigint, integer) IS
    'Tokens of applications, without their secrets: of a user, NULL for all, and of those if asked the ones that expire within an interval.';

CREATE OR REPLACE FUNCTION quay.app_token_list(username text, expiring_within interval DEFAULT NULL, after bigint DEFAULT NULL,
                                               n integer DEFAULT 100, OUT token_id bigint, OUT uuid text, OUT title text,
                                               OUT created timestamp, OUT expires timestamp, OUT last_accessed timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT r.token_id, r.uuid, r.title, r.created, r.expires, r.last_accessed
        FROM quay_internal.app_token_rows((quay_internal.person_get(app_token_list.username)).id, app_token_list.expiring_within,
                                          app_token_list.after, app_token_list.n) AS r;
END
$$;
COMMENT ON FUNCTION quay.app_token_list(text, interval, bigint, integer) IS
    'Tokens that a person made for applications, expired ones too, without their secrets, at most n with a token_id above after. expiring_within: only those that expire from now on within this time, such as app_token_soon(). Times in UTC; expires NULL: never, last_accessed NULL: not used yet. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.app_token_list_all(expiring_within interval DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (token_id bigint, uuid text, username text, title text, created timestamp, expires timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.app_token_rows(NULL, app_token_list_all.expiring_within, app_token_list_all.after, app_token_list_all.n);
END
$$;
COMMENT ON FUNCTION quay.app_token_list_all(interval, bigint, integer) IS
    'app_token_list() of everybody, for administrators of the registry. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.app_token_get(username text, uuid text, OUT token_id bigint, OUT title text, OUT token text,
                                              OUT created timestamp, OUT expires timestamp, OUT last_accessed timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.title::text, t.token_name || quay_internal.field_decrypt(t.token_secret), t.created, t.expiration, t.last_accessed
        FROM quay.appspecificauthtoken AS t JOIN quay."user" AS u ON u.id = t.user_id
        WHERE t.uuid = app_token_get.uuid AND u.username = app_token_get.username
          AND (t.expiration IS NULL OR t.expiration > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay.app_token_get(text, text) IS
    'A token of an application with its secret, for its owner. No row: there is none, it is somebody else''s, or it has expired. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.app_token_revoke(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.person_get(username)).id;
    performer_id bigint := coalesce(quay_internal.actor_id(app_token_revoke.actor), owner_id);
    title text;
BEGIN
    DELETE FROM quay.appspecificauthtoken AS t
    WHERE t.uuid = app_token_revoke.uuid AND t.user_id = owner_id
    RETURNING t.title INTO title;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('revoke_app_specific_token', owner_id, performer_id, NULL,
        jsonb_build_object('app_specific_token_title', title, 'app_specific_token', app_token_revoke.uuid), app_token_revoke.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.app_token_revoke(text, text, text, text) IS
    'Deletes a token of an application, expired or not. False: the person has no such token. Errors: QY007 user or actor unknown.';

CREATE OR REPLACE FUNCTION quay.app_token_purge(n integer DEFAULT 1000, keep interval DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.utc_now()
        - coalesce(app_token_purge.keep, make_interval(secs => quay_internal.setting('expired_app_specific_token_gc')::integer));
    deleted bigint;
BEGIN
    -- An array, so that the rows are chosen once.
    DELETE FROM quay.appspecificauthtoken AS t
    WHERE t.id = ANY (ARRAY(SELECT s.id FROM quay.appspecificauthtoken AS s
                            WHERE s.expiration < expired_before
                            LIMIT quay_internal.page_size(app_token_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.app_token_purge(integer, interval) IS
    'Deletes at most n tokens of applications that expired longer ago than keep (NULL: quay.expired_app_specific_token_gc) and returns how many; call it again while it returns n. Errors: 22023 n negative.';
