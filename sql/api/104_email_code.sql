-- Codes that are mailed: they confirm an e-mail address, or let somebody in who has forgotten the password. A code is base64 of
-- "public:private"; the public part finds the row, which holds a bcrypt hash of the private part.

CREATE OR REPLACE FUNCTION quay_internal.email_code_insert(user_id bigint, pw_reset boolean, new_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    public_part text := quay_internal.token_random(16);
    private_part text := quay_internal.token_random(20);
BEGIN
    INSERT INTO quay.emailconfirmation (code, verification_code, user_id, pw_reset, email_confirm, new_email, created)
    VALUES (public_part, quay_internal.password_hash(private_part, quay_internal.setting('bcrypt_cost')::integer), email_code_insert.user_id,
            email_code_insert.pw_reset, NOT email_code_insert.pw_reset, email_code_insert.new_email, quay_internal.utc_now());
    RETURN encode(convert_to(public_part || ':' || private_part, 'UTF8'), 'base64');
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_insert(bigint, boolean, text) IS
    'Makes a code for a person and returns it in the form to be mailed: to reset the password (pw_reset), or else to confirm the address, or a new one.';

CREATE OR REPLACE FUNCTION quay_internal.email_code_expiry(pw_reset boolean) RETURNS timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lifetime integer := quay_internal.setting(CASE WHEN email_code_expiry.pw_reset THEN 'user_recovery_token_lifetime'
                                                   ELSE 'email_confirmation_lifetime' END)::integer;
BEGIN
    RETURN CASE WHEN lifetime = 0 THEN '-infinity' ELSE quay_internal.utc_now() - make_interval(secs => lifetime) END;
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_expiry(boolean) IS 'Codes created before this time have expired: those that reset a password, or those that confirm an address.';

CREATE OR REPLACE FUNCTION quay_internal.email_code_take(code text, pw_reset boolean) RETURNS quay.emailconfirmation
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    decoded text;
    stored quay.emailconfirmation;
    matches boolean;
BEGIN
    IF email_code_take.code COLLATE "C" ~ '^([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
        AND char_length(email_code_take.code) <= 255 THEN
        -- Both parts are ASCII; whatever else the bytes are, is escaped and matches no row.
        decoded := encode(decode(email_code_take.code, 'base64'), 'escape');
    END IF;
    SELECT * INTO stored FROM quay.emailconfirmation AS c
    WHERE c.code = split_part(decoded, ':', 1) AND c.pw_reset = email_code_take.pw_reset AND c.email_confirm <> email_code_take.pw_reset;

    -- Hashing takes long, so it comes before the lock. Without a private part, given and stored, nothing matches.
    matches := stored.id IS NOT NULL AND decoded ~ '^[^:]+:[^:]+$' AND stored.created >= quay_internal.email_code_expiry(pw_reset)
        AND quay_internal.password_verify(split_part(decoded, ':', 2), stored.verification_code);
    -- Of two who use it at once one deletes it. The person is locked first, as where all codes of one go.
    IF matches THEN
        PERFORM FROM quay."user" AS u WHERE u.id = stored.user_id FOR NO KEY UPDATE;
        DELETE FROM quay.emailconfirmation AS c WHERE c.id = stored.id;
        matches := FOUND;
    END IF;
    IF NOT matches THEN
        RAISE EXCEPTION USING ERRCODE = 'QY017',
            MESSAGE = CASE WHEN pw_reset THEN 'invalid recovery code' ELSE 'invalid e-mail confirmation code' END,
            DETAIL = 'The code is unknown, incomplete, expired or used.',
            HINT = CASE WHEN pw_reset THEN 'Ask for another with quay.user_recover().' ELSE 'Make another with quay.user_email_code_create().' END;
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_take(text, boolean) IS
    'Uses up a code: deletes it and returns what it was. Errors: QY017 unknown, without its private part, expired or used, or not for this purpose.';

CREATE OR REPLACE FUNCTION quay_internal.email_address_require_free(email text, user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u
               WHERE u.email = email_address_require_free.email AND NOT u.organization AND u.id <> email_address_require_free.user_id) THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.email_address_require_free(text, bigint) IS 'Refuses (QY011) an e-mail address that another person has.';

CREATE OR REPLACE FUNCTION quay.user_email_code_create(username text, new_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    address text := nullif(user_email_code_create.new_email, '');
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
        PERFORM quay_internal.email_address_require_free(address, target.id);
    END IF;
    RETURN quay_internal.email_code_insert(target.id, false, address);
END
$$;
COMMENT ON FUNCTION quay.user_email_code_create(text, text) IS
    'Makes a code that confirms the e-mail address of a person, or a new one, to which it is to be mailed. Good for quay.email_confirmation_lifetime. Errors: QY007 user unknown, QY010 e-mail invalid, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay.user_email_confirm(code text, ip text DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, email text, old_email text, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used quay.emailconfirmation := quay_internal.email_code_take(code, false);
    target quay."user";
BEGIN
    SELECT * INTO target FROM quay."user" AS u WHERE u.id = used.user_id;
    IF used.new_email <> target.email THEN
        old_email := quay_internal.email_shown(target.email);
        PERFORM quay_internal.user_email_change(target, used.new_email);
        PERFORM quay_internal.user_log('user_change_email', target, false, NULL,
            jsonb_build_object('email', used.new_email, 'old_email', old_email), user_email_confirm.ip);
    ELSE
        UPDATE quay."user" AS u SET verified = true WHERE u.id = target.id AND NOT u.verified;
    END IF;
    username := target.username;
    user_id := target.id;
    email := coalesce(used.new_email, quay_internal.email_shown(target.email));
    uuid := target.uuid;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_confirm(text, text) IS
    'Uses a code that confirms an e-mail address: the person is verified, and has the new address if the code was for one. One row: who; the address now, and the one before (empty: none) if it changed; the uuid by which a session knows the person. Of two uses at once one succeeds. Errors: QY011 somebody has got the address meanwhile, QY017 code invalid, expired or used.';

CREATE OR REPLACE FUNCTION quay.user_recovery_code_create(username text, by_administrator boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    RETURN quay_internal.email_code_insert(target.id, true);
END
$$;
COMMENT ON FUNCTION quay.user_recovery_code_create(text, boolean) IS
    'Makes a code that lets a person in to set a new password, to be mailed to his address. Good for quay.user_recovery_token_lifetime. Errors: QY007 user unknown, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_recover(email text)
    RETURNS TABLE (status text, username text, code text, organizations jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint;
BEGIN
    SELECT u.id, u.username INTO target_id, username FROM quay."user" AS u
    WHERE u.email = user_recover.email AND NOT u.organization AND NOT u.robot AND u.enabled;
    IF FOUND THEN
        code := quay_internal.email_code_insert(target_id, true);
    END IF;
    SELECT jsonb_agg(jsonb_build_object('name', o.username, 'administrators', ARRAY(
        SELECT DISTINCT m.username::text
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
        JOIN quay.teammember AS tm ON tm.team_id = t.id
        JOIN quay."user" AS m ON m.id = tm.user_id AND m.enabled AND NOT m.robot
        WHERE t.organization_id = o.id
        ORDER BY m.username::text)) ORDER BY o.username)
    INTO organizations
    FROM quay."user" AS o
    WHERE o.email = user_recover.email AND o.organization AND o.enabled;
    status := CASE WHEN target_id IS NULL AND organizations IS NOT NULL THEN 'org' ELSE 'sent' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_recover(text) IS
    'Somebody has forgotten the password of the account with this e-mail address. One row. status is for him: org, if only organizations have the address, which nobody logs in to; sent otherwise, also if there is none. The rest is for the mail to that address, which is not to be sent if all of it is NULL: the person''s name and a code for user_recovery_confirm(); the organizations, an array of {name, administrators}.';

CREATE OR REPLACE FUNCTION quay.user_recovery_confirm(code text) RETURNS TABLE (username text, user_id bigint, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used quay.emailconfirmation := quay_internal.email_code_take(code, true);
BEGIN
    UPDATE quay."user" AS u SET verified = true WHERE u.id = used.user_id AND NOT u.verified;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = used.user_id AND c.pw_reset;
    RETURN QUERY SELECT u.username::text, u.id, u.uuid::text FROM quay."user" AS u WHERE u.id = used.user_id;
END
$$;
COMMENT ON FUNCTION quay.user_recovery_confirm(text) IS
    'Uses a recovery code: whoever read the mail has verified its address, and may set a new password with user_password_set(). All other recovery codes of the person are void. One row: who, and the uuid to open a session with. Of two uses at once one succeeds. Errors: QY017 code invalid, expired or used.';

CREATE OR REPLACE FUNCTION quay.email_code_purge(n integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reset_expiry timestamp := quay_internal.email_code_expiry(true);
    confirm_expiry timestamp := quay_internal.email_code_expiry(false);
    purged bigint;
BEGIN
    DELETE FROM quay.emailconfirmation AS c
    WHERE c.id IN (SELECT e.id FROM quay.emailconfirmation AS e
                   WHERE e.created < CASE WHEN e.pw_reset THEN reset_expiry ELSE confirm_expiry END
                   LIMIT page_size
                   FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;
COMMENT ON FUNCTION quay.email_code_purge(integer) IS
    'Deletes codes that have expired, at most n, and returns how many. Calls at once share the work. Errors: 22023 n negative.';
