-- Events of users, for those who watch: an open page that shows what the command line just did. A short table, and NOTIFY on the channel
-- quay_event, which says that there is something to read in it, and not what: anybody who may connect may also LISTEN.
--
-- A reader remembers the position of the last event that he has read, and goes on behind it. So that none becomes visible behind his back,
-- who publishes for a user holds a lock until he commits: positions of one user become visible in their order.

CREATE OR REPLACE FUNCTION quay.event_publish(username text, event text, data jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
    new_id bigint;
BEGIN
    IF event_publish.event IS NULL OR event_publish.event !~ '^[a-z0-9_-]{1,60}$' OR jsonb_typeof(data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed event of a user',
            DETAIL = format('Its name is "%s", its data %s.', left(event_publish.event, 80), coalesce(jsonb_typeof(data), 'NULL')),
            HINT = 'Pass a name of lower-case letters, digits, dashes and underscores, and a JSON object.';
    END IF;
    IF NOT quay_internal.setting('user_events')::boolean THEN
        RETURN NULL;
    END IF;
    found_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = event_publish.username);
    IF found_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('quay event ' || found_id, 0));
    INSERT INTO quay_internal.user_event (user_id, event, data, created_ms)
    VALUES (found_id, event_publish.event, event_publish.data, quay_internal.clock_ms())
    RETURNING id INTO new_id;
    -- Not many more of one user than quay.user_event_limit: now and then is enough.
    IF random() < 0.0625 THEN
        DELETE FROM quay_internal.user_event AS e
        WHERE e.user_id = found_id
          AND e.id <= (SELECT o.id FROM quay_internal.user_event AS o WHERE o.user_id = found_id
                       ORDER BY o.id DESC OFFSET quay_internal.setting('user_event_limit')::integer LIMIT 1);
    END IF;
    PERFORM quay_internal.wake('quay_event', jsonb_build_object('id', new_id, 'username', event_publish.username, 'event', event_publish.event)::text);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.event_publish(text, text, jsonb) IS
    'Tells those who watch a user that something happened to him, and returns the position of the event; NULL: quay.user_events is off, or nobody has that name. event: its kind, such as docker-cli. data: what there is to say, of any size; a secret does not belong there. It wakes up who listens to the channel quay_event, at commit. Others who publish for the same user wait until we commit, so call it last, or in a transaction of its own. Errors: 22023 event or data malformed.';

CREATE OR REPLACE FUNCTION quay.event_read(username text, events text[] DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (event_id bigint, event text, data jsonb, created_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    found_id bigint;
BEGIN
    -- What is not logged cannot be read on a standby.
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    found_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = event_read.username);
    RETURN QUERY
        SELECT e.id, e.event, e.data, e.created_ms
        FROM quay_internal.user_event AS e
        WHERE e.user_id = found_id AND e.id > coalesce(event_read.after, 0)
          AND (coalesce(cardinality(events), 0) = 0 OR e.event = ANY (events))
        ORDER BY e.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.event_read(text, text[], bigint, integer) IS
    'Events of a user behind a position, in their order, at most n: pass the event_id of the last one for the next call. events: only of these kinds; NULL or empty: all. No row: nothing new, or nobody has that name, or this is a standby, which has no events. created_ms in ms since 1970. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.event_position(username text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN 0;
    END IF;
    RETURN coalesce((SELECT max(e.id) FROM quay_internal.user_event AS e
                     WHERE e.user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = event_position.username)), 0);
END
$$;
COMMENT ON FUNCTION quay.event_position(text) IS
    'Position of the last event of a user: what quay.event_read() returns behind it happened after this call. 0: there is none yet.';

CREATE OR REPLACE FUNCTION quay.event_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    before_ms bigint := quay_internal.clock_ms() - quay_internal.setting('user_event_lifetime')::bigint * 1000;
    deleted integer;
BEGIN
    DELETE FROM quay_internal.user_event AS e
    USING (SELECT o.user_id, o.id FROM quay_internal.user_event AS o
           WHERE o.created_ms < before_ms ORDER BY o.created_ms LIMIT batch FOR UPDATE SKIP LOCKED) AS old
    WHERE e.user_id = old.user_id AND e.id = old.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.event_expire(integer) IS
    'Deletes at most n events of users that are older than quay.user_event_lifetime, and returns how many. 0: there are none. Two calls at once delete different ones. Errors: 22023 n not positive.';
