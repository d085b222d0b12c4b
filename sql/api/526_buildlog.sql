-- Logs of builds: lines with indexes that have no gap, live to follow; the status; and what goes with its build.

CREATE OR REPLACE FUNCTION quay_internal.buildlog_lock(build text, wait boolean DEFAULT true) RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_buildlog_lock';
COMMENT ON FUNCTION quay_internal.buildlog_lock(text, boolean) IS
    'Keeps others from adding lines to the log of a build until we commit; who adds lines takes the same lock. False: somebody has it, and wait is false.';

CREATE OR REPLACE FUNCTION quay.buildlog_append(build text, message text, type text DEFAULT NULL, data jsonb DEFAULT NULL) RETURNS integer
    LANGUAGE C VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'quay_buildlog_append';
COMMENT ON FUNCTION quay.buildlog_append(text, text, text, jsonb) IS
    'Adds a line to the log of a build, and returns its index: 0, 1, 2 and so on, without a gap, however many sessions write. NULL: there is no such build, or its log is archived. type: command, phase or error, NULL for output. data: what else belongs to the line.
Sessions that write to the same log take turns, each until it commits. At commit those who LISTEN to quay_buildlog get the uuid of the build, at most once in quay.buildlog_notify_interval. Errors: 22004 message is NULL, QY009 unknown type.';

CREATE OR REPLACE FUNCTION quay.buildlog_append_many(build text, messages text[], types text[] DEFAULT NULL, data jsonb[] DEFAULT NULL)
    RETURNS integer
    LANGUAGE C VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'quay_buildlog_append_many';
COMMENT ON FUNCTION quay.buildlog_append_many(text, text[], text[], jsonb[]) IS
    'buildlog_append() for several lines at once, which is many times cheaper for each: returns the index of the first, the others follow it. types, data: one for each message, or NULL. NULL also if there are no messages. Errors: 22004 a message is NULL, 22023 arrays of several lengths, QY009 unknown type.';

CREATE OR REPLACE FUNCTION quay.buildlog_read(build text, start integer DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (index integer, total integer, message text, type text, data jsonb, created_ms bigint, phase text, archived text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT l.index, coalesce(h.archived_lines, e.total, 0), l.message, l.type, l.data, l.created_ms, b.phase,
               CASE WHEN b.logs_archived THEN CASE WHEN h.archived_lines = 0 THEN 'empty' ELSE 'object' END END
        FROM (SELECT r.id, r.phase::text, r.logs_archived FROM quay.repositorybuild AS r WHERE r.uuid = buildlog_read.build
              ORDER BY r.id LIMIT 1) AS b
        LEFT JOIN quay_internal.build_log AS h ON h.build_id = b.id
        LEFT JOIN LATERAL (SELECT m.index + 1 AS total FROM quay_internal.build_log_line AS m WHERE m.build_id = b.id
                           ORDER BY m.index DESC LIMIT 1) AS e ON true
        LEFT JOIN LATERAL (SELECT * FROM quay_internal.build_log_line AS m
                           WHERE m.build_id = b.id AND m.index >= coalesce(buildlog_read.start, 0)
                           ORDER BY m.index LIMIT page_size) AS l ON true
        ORDER BY l.index;
END
$$;
COMMENT ON FUNCTION quay.buildlog_read(text, integer, integer) IS
    'Lines of the log of a build from the index start on, at most n, in their order, all as of one moment. total: how many lines the log has, so the index of the next one. phase: of the build at that moment. If there are no lines from start on there is one row, of which index and message are NULL. No row: there is no such build.
archived: NULL not yet; object: the lines are in the archive under the uuid of the build, and not here; empty: there were none, and there is no object.
To follow a log: LISTEN quay_buildlog and quay_build, read; at each message with the uuid of the build read from the last total on, and once more after quay.buildlog_notify_interval; until phase is one that ends the build. LISTEN needs a session of its own, not one of a transaction pool; without it, poll. Errors: 22023 n negative.';

-- The status

CREATE OR REPLACE FUNCTION quay_internal.buildlog_status_put(build_id bigint, status jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.build_log AS l (build_id, status, status_ms, expires_ms)
    VALUES (buildlog_status_put.build_id, buildlog_status_put.status, now_ms,
            now_ms + quay_internal.setting('buildlog_lifetime')::bigint * 1000)
    ON CONFLICT ON CONSTRAINT pk_build_log DO UPDATE
    -- quay.buildlog_expire() looks at the time of the status: the index is left alone.
    SET status = EXCLUDED.status, status_ms = EXCLUDED.status_ms, expires_ms = coalesce(l.expires_ms, EXCLUDED.expires_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.buildlog_status_put(bigint, jsonb) IS 'Keeps the status of a build, instead of the one that it had.';

CREATE OR REPLACE FUNCTION quay.buildlog_status_set(build text, status jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT b.id FROM quay.repositorybuild AS b WHERE b.uuid = buildlog_status_set.build ORDER BY b.id LIMIT 1);
BEGIN
    IF found_id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.buildlog_status_put(found_id, status);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.buildlog_status_set(text, jsonb) IS
    'Keeps what is to be known of a build that runs, such as how far each layer is, instead of what was kept before; the last one wins. heartbeat: a field with seconds since 1970, by which build_status() tells a worker that is dead. False: there is no such build.';

CREATE OR REPLACE FUNCTION quay.buildlog_status_get(build text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT l.status FROM quay.repositorybuild AS b JOIN quay_internal.build_log AS l ON l.build_id = b.id
            WHERE b.uuid = buildlog_status_get.build ORDER BY b.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay.buildlog_status_get(text) IS 'What buildlog_status_set() kept last; NULL if nothing, or it has expired, or there is no such build.';

CREATE OR REPLACE FUNCTION quay.buildlog_delete(build text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    PERFORM quay_internal.buildlog_lock(build);
    DELETE FROM quay_internal.build_log_line AS l
    USING quay.repositorybuild AS b WHERE b.uuid = buildlog_delete.build AND l.build_id = b.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.buildlog_delete(text) IS
    'Deletes the lines of the log of a build, and returns how many there were. The next line has the index 0 again.';

-- What goes with a build, whoever deletes it

CREATE OR REPLACE FUNCTION quay_internal.build_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- In the order in which everybody locks them.
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = OLD.id;
    DELETE FROM quay.queueitem AS q
    WHERE q.id = quay_internal.build_item_id(OLD.queue_id) AND split_part(q.queue_name, '/', 1) = 'dockerfilebuild';
    -- Who adds a line looks for the build under the same lock.
    PERFORM quay_internal.buildlog_lock(OLD.uuid);
    DELETE FROM quay_internal.build_log_line AS l WHERE l.build_id = OLD.id;
    -- Lines that our snapshot does not show are for quay.buildlog_expire().
    UPDATE quay_internal.build_log AS l SET expires_ms = 0, status = NULL WHERE l.build_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.build_removed() IS 'Trigger: with a build go its log, its job and its place in the queue.';

CREATE OR REPLACE TRIGGER build_removed AFTER DELETE ON quay.repositorybuild
    FOR EACH ROW EXECUTE FUNCTION quay_internal.build_removed();
