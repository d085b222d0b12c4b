-- Sessions of people who logged in to a front end. The table has no tokens, only their SHA-256, and these are looked up through an index: what
-- a look-up takes says nothing about any token. A session is of a person as he was when it began: it ends when his uuid changes, which
-- user_password_set() and user_session_revoke() see to, and when he is disabled or deleted.

COMMENT ON TYPE quay_internal.live_session IS 'A session that has not ended, and whose it is; times in ms since 1970.';

CREATE OR REPLACE FUNCTION quay_internal.session_digest(token text) RETURNS bytea
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN sha256(convert_to(token, 'UTF8'));
END
$$;
COMMENT ON FUNCTION quay_internal.session_digest(text) IS 'What the table has of a token: its SHA-256.';

CREATE OR REPLACE FUNCTION quay_internal.session_data_check(data json) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(data::text) > 65536 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY142',
            MESSAGE = 'data of a session are too large',
            DETAIL = format('They have %s bytes, at most 65536 are possible.', octet_length(data::text)),
            HINT = 'Keep in the session what names things, and the things elsewhere.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.session_data_check(json) IS 'Refuses (QY142) data of more than 64 kB.';

CREATE OR REPLACE FUNCTION quay.session_create(username text, data json DEFAULT '{}', ttl_s integer DEFAULT NULL, maximum_s integer DEFAULT NULL,
                                               ip text DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    token text := quay_internal.token_random_ascii(43);
    lifetime bigint := coalesce(session_create.ttl_s, quay_internal.setting('session_lifetime')::bigint);
    longest bigint := coalesce(session_create.maximum_s, 100000000);
    allowed integer := quay_internal.setting('session_maximum_count')::integer;
    present bigint := quay_internal.clock_ms();
    target quay."user";
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', lifetime), quay_internal.lifetime_check('maximum_s', longest),
            quay_internal.session_data_check(session_create.data);
    IF session_create.username IS NOT NULL THEN
        -- Locked: one login of a person at a time, or two would each leave room for one; and nobody disables him meanwhile.
        target := quay_internal.person_lock(session_create.username);
        IF NOT target.enabled THEN
            RAISE EXCEPTION USING ERRCODE = 'QY004',
                MESSAGE = 'namespace is disabled',
                DETAIL = format('User "%s" was disabled by an administrator.', target.username),
                HINT = 'An administrator of the registry can enable it again.';
        END IF;
        IF allowed > 0 THEN
            DELETE FROM quay.session AS s
            WHERE s.id IN (SELECT o.id FROM quay.session AS o WHERE o.user_id = target.id ORDER BY o.id DESC OFFSET allowed - 1);
        END IF;
    END IF;
    INSERT INTO quay.session (user_id, uuid, digest, data, created_ms, touched_ms, expires_ms, ends_ms, ttl_s, ip, user_agent)
    VALUES (target.id, target.uuid, quay_internal.session_digest(token), coalesce(session_create.data, '{}'), present, present,
            present + 1000 * least(lifetime, longest), present + 1000 * longest, lifetime, session_create.ip, left(session_create.user_agent, 255));
    RETURN token;
END
$$;
COMMENT ON FUNCTION quay.session_create(text, json, integer, integer, text, text) IS
'Begins a session and returns its token, 43 random letters and digits, which is nowhere else. username: of a person, who has been authenticated; NULL: of a visitor. data: whatever the front end keeps, up to 64 kB. ttl_s: how long the session lasts without session_touch(), NULL: quay.session_lifetime; maximum_s: how long it lasts at most, NULL: any time.
A person has at most quay.session_maximum_count sessions: the oldest one goes. Log in with a new session, not with that of the visitor. Errors: QY004 disabled, QY007 no such person, QY141 lifetime out of range, QY142 data too large.';

CREATE OR REPLACE FUNCTION quay_internal.session_get_row(token text) RETURNS quay_internal.live_session
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_session_get';
COMMENT ON FUNCTION quay_internal.session_get_row(text) IS 'The row of session_get(), or NULL.';

-- Put in place of the call, like tag_resolve() (api/250_resolve.sql).
CREATE OR REPLACE FUNCTION quay.session_get(token text)
    RETURNS TABLE (session_id bigint, username text, user_id bigint, data json, created_ms bigint, touched_ms bigint, expires_ms bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).session_id, (r.found).username, (r.found).user_id, (r.found).data, (r.found).created_ms, (r.found).touched_ms,
           (r.found).expires_ms
    FROM (SELECT quay_internal.session_get_row(session_get.token) AS found OFFSET 0) AS r
    WHERE (r.found).session_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.session_get(text) IS
    'The session of a token: whose it is (username and user_id NULL: a visitor), its data, when it began, was last touched and will end, in ms since 1970. created_ms is the time of the login for login_is_fresh(). No row: there is none, it has ended, or the person was disabled, deleted, signed out or has a new password. No row on a standby. Call it in FROM.';

CREATE OR REPLACE FUNCTION quay.session_touch_many(tokens text[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
    interval_ms bigint := 1000 * quay_internal.setting('touch_interval')::bigint;
    ids bigint[];
    touched bigint;
BEGIN
    -- In one order, so that two calls wait for each other and not in a circle.
    ids := ARRAY(SELECT s.id FROM quay.session AS s
                 WHERE s.digest IN (SELECT quay_internal.session_digest(t.token) FROM unnest(session_touch_many.tokens) AS t (token))
                   AND s.expires_ms > present
                   -- A short session is touched before it ends.
                   AND s.touched_ms <= present - least(interval_ms, 500 * s.ttl_s::bigint)
                 ORDER BY s.id FOR UPDATE);
    UPDATE quay.session AS s SET touched_ms = present, expires_ms = least(present + 1000 * s.ttl_s::bigint, s.ends_ms)
    WHERE s.id = ANY (ids) AND s.expires_ms > present;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN touched;
END
$$;
COMMENT ON FUNCTION quay.session_touch_many(text[]) IS
    'Says that these sessions are in use: each then lasts as long again as its ttl_s. Returns how many were changed; those that were touched within quay.touch_interval, or half of their ttl_s, are left alone, and those that have ended. A front end collects tokens and calls it now and then.';

CREATE OR REPLACE FUNCTION quay.session_touch(token text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.session_touch_many(ARRAY[token]) > 0;
END
$$;
COMMENT ON FUNCTION quay.session_touch(text) IS
    'Says that a session is in use, as session_touch_many() does. True if it was changed; false says nothing about whether it lives: session_get() does.';

CREATE OR REPLACE FUNCTION quay.session_update(token text, data json) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM quay_internal.session_data_check(session_update.data);
    UPDATE quay.session AS s SET data = coalesce(session_update.data, '{}')
    WHERE s.digest = quay_internal.session_digest(session_update.token) AND s.expires_ms > quay_internal.clock_ms();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.session_update(text, json) IS 'Replaces the data of a session. False if there is none, or it has expired. Errors: QY142 data too large.';

CREATE OR REPLACE FUNCTION quay.session_delete(token text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    DELETE FROM quay.session AS s WHERE s.digest = quay_internal.session_digest(session_delete.token);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.session_delete(text) IS 'Ends a session: signing out here. False if there was none.';

CREATE OR REPLACE FUNCTION quay.session_delete_user(username text, session_id bigint DEFAULT NULL, keep text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.person_get(username)).id;
    kept bytea := quay_internal.session_digest(session_delete_user.keep);
    removed bigint;
BEGIN
    DELETE FROM quay.session AS s
    WHERE s.user_id = target_id AND (session_delete_user.session_id IS NULL OR s.id = session_delete_user.session_id)
      AND s.digest IS DISTINCT FROM kept;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.session_delete_user(text, bigint, text) IS
    'Ends sessions of a person: all, or one by its id from session_list(), but not the one of the token keep. Returns how many there were. user_session_revoke() ends them too, and those that a front end keeps in cookies. Errors: QY007 no such person.';

CREATE OR REPLACE FUNCTION quay_internal.session_end() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    DELETE FROM quay.session AS s WHERE s.user_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.session_end() IS 'Trigger: the sessions of a person are over, also if he is enabled again.';

CREATE OR REPLACE TRIGGER session_end_updated AFTER UPDATE ON quay."user"
    FOR EACH ROW WHEN (OLD.uuid IS DISTINCT FROM NEW.uuid OR OLD.enabled AND NOT NEW.enabled)
    EXECUTE FUNCTION quay_internal.session_end();
CREATE OR REPLACE TRIGGER session_end_deleted AFTER DELETE ON quay."user"
    FOR EACH ROW WHEN (NOT OLD.robot AND NOT OLD.organization)
    EXECUTE FUNCTION quay_internal.session_end();

CREATE OR REPLACE FUNCTION quay.session_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (session_id bigint, created_ms bigint, touched_ms bigint, expires_ms bigint, ip text, user_agent text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    page_size integer := quay_internal.page_size(n);
BEGIN
    IF pg_is_in_recovery() OR NOT target.enabled THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT s.id, s.created_ms, s.touched_ms, s.expires_ms, s.ip, s.user_agent FROM quay.session AS s
        WHERE s.user_id = target.id AND s.uuid IS NOT DISTINCT FROM target.uuid AND s.expires_ms > quay_internal.clock_ms()
          AND s.id < coalesce(session_list.after, 9223372036854775807)
        ORDER BY s.id DESC LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.session_list(text, bigint, integer) IS
    'Sessions of a person that have not ended, the newest first, at most n, those before the session_id after; times in ms since 1970. No row on a standby. Errors: 22023 n negative, QY007 no such person.';

CREATE OR REPLACE FUNCTION quay.session_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    DELETE FROM quay.session AS s
    WHERE s.id IN (SELECT o.id FROM quay.session AS o
                   WHERE o.expires_ms <= quay_internal.clock_ms() ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.session_expire(integer) IS
    'Removes up to n sessions that have expired, and returns how many; call it again when that was n. Safe to do twice at once. Errors: 22023 n not positive.';
