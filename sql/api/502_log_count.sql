-- Entries of the audit log per day and kind.
--
-- Half a million rows a month are too many to count while somebody waits. So months are counted beforehand, up to an id: exact at any
-- time is the sum of what was counted and of the rows with greater ids. That is right only if no row with a lower id can come any more, so
-- the id is one that is settled; and a row that is changed or deleted sends its month back to be counted anew, until which its rows are
-- counted when somebody asks. So are the older generations, to which nothing is added.

CREATE OR REPLACE FUNCTION quay_internal.log_month_list() RETURNS TABLE (month date, partition text)
    LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT make_date(m.part[1]::integer, m.part[2]::integer, 1), c.relname::text
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(c.relname, '^logentry3_y(\d{4})m(0[1-9]|1[0-2])$') AS m (part)
        WHERE i.inhparent = 'quay.logentry3'::regclass AND m.part IS NOT NULL
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_list() IS 'Months of the audit log that have a partition, and its name.';

CREATE OR REPLACE FUNCTION quay_internal.log_writers(generation integer DEFAULT 3) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent regclass := CASE generation WHEN 3 THEN 'quay.logentry3' WHEN 2 THEN 'quay.logentry2' ELSE 'quay.logentry' END;
BEGIN
    RETURN ARRAY(SELECT DISTINCT l.virtualtransaction FROM pg_locks AS l
                 WHERE l.locktype = 'relation' AND l.granted
                   AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                   AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                   AND l.relation IN (SELECT parent::oid UNION ALL SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = parent)
                 ORDER BY l.virtualtransaction);
END
$$;
COMMENT ON FUNCTION quay_internal.log_writers(integer) IS
    'Transactions that may have written to a generation of the audit log and are not over: whoever writes holds a lock on the table until its end. Ours too, if it has written.';

CREATE OR REPLACE FUNCTION quay_internal.log_require_primary() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'cannot maintain the audit log on a standby',
            DETAIL = 'This server replays the changes of another one.',
            HINT = 'Call it on the primary. quay.log_list(), log_count_by_day() and log_verify() run here too.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot maintain the audit log in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s.', current_setting('transaction_isolation')),
            HINT = 'Call it in a transaction of its own, READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_require_primary() IS
    'Refuses to count, seal or remove rows of the audit log where it cannot be right. Errors: 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_settled_id() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state quay_internal.log_settled;
    writing text[];
BEGIN
    PERFORM quay_internal.log_require_primary();
    IF (SELECT s.seqcache FROM pg_sequence AS s WHERE s.seqrelid = 'quay.logentry3_id_seq'::regclass) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'sessions take ids of the audit log in advance',
            DETAIL = 'Sequence quay.logentry3_id_seq has a cache, so a row may come with an id that is older than others.',
            HINT = 'ALTER SEQUENCE quay.logentry3_id_seq CACHE 1, and reconnect the clients.';
    END IF;
    IF NOT EXISTS (SELECT FROM quay_internal.log_settled) THEN
        INSERT INTO quay_internal.log_settled (id) VALUES (1) ON CONFLICT (id) DO NOTHING;
    END IF;
    SELECT * INTO state FROM quay_internal.log_settled AS s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        -- Somebody is looking just now; what was settled stays so.
        RETURN (SELECT s.settled_id FROM quay_internal.log_settled AS s);
    END IF;
    writing := quay_internal.log_writers();
    -- A transaction that is prepared for a two-phase commit has another name than before: it may be one of them.
    IF state.pending_id IS NOT NULL AND NOT state.writers && writing AND NOT EXISTS (SELECT FROM unnest(writing) AS w (name) WHERE w.name LIKE '-1/%') THEN
        state.settled_id := state.pending_id;
        state.pending_id := NULL;
    END IF;
    IF state.pending_id IS NULL THEN
        -- In this order: whoever has drawn an id up to this one had his lock before.
        state.pending_id := coalesce(pg_sequence_last_value('quay.logentry3_id_seq'), 0);
        state.writers := quay_internal.log_writers();
        IF state.writers = '{}' THEN
            state.settled_id := state.pending_id;
            state.pending_id := NULL;
        END IF;
    END IF;
    UPDATE quay_internal.log_settled AS s
    SET settled_id = state.settled_id, pending_id = state.pending_id, writers = state.writers
    WHERE (s.settled_id, s.pending_id, s.writers) IS DISTINCT FROM (state.settled_id, state.pending_id, state.writers);
    RETURN state.settled_id;
END
$$;
COMMENT ON FUNCTION quay_internal.log_settled_id() IS
    'An id of logentry3 up to which nobody can add a row any more: every transaction that drew one of these is over, so the next statement sees all of them that there will ever be. Waits for nobody: while writers are under way it remembers them, and answers with the new id in a later call, when they are gone. (Ids that somebody draws from the sequence himself and inserts in a later transaction are not seen.) Errors: 25006, 55000 as of log_require_primary(), 55000 also if the sequence has a cache.';

CREATE OR REPLACE FUNCTION quay_internal.log_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_month date := date_trunc('month', OLD.datetime);
BEGIN
    IF TG_RELID = 'quay.logentry3_default'::regclass THEN
        RETURN NULL;    -- never counted beforehand
    END IF;
    -- Marked already. An older snapshot might show a mark that is gone: there the statement below fails (40001) if it must.
    IF current_setting('transaction_isolation') = 'read committed'
       AND EXISTS (SELECT FROM quay_internal.log_count_month AS c WHERE c.month = changed_month AND c.counted_id < 0) THEN
        -- Kept so until we commit.
        PERFORM FROM quay_internal.log_count_month AS c WHERE c.month = changed_month AND c.counted_id < 0 FOR KEY SHARE;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO quay_internal.log_count_month AS c (month, counted_id) VALUES (changed_month, -1)
    ON CONFLICT (month) DO UPDATE SET counted_id = -1;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_changed() IS
    'Trigger: a row of the audit log that is changed or deleted sends its month back to be counted anew.';

CREATE OR REPLACE TRIGGER log_changed AFTER UPDATE OR DELETE ON quay.logentry3
    FOR EACH ROW EXECUTE FUNCTION quay_internal.log_changed();

-- A row that moves to another month is an old one there.
CREATE OR REPLACE FUNCTION quay_internal.log_moved() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.log_count_month AS c (month, counted_id)
    SELECT DISTINCT date_trunc('month', m.datetime)::date, -1 FROM moved AS m WHERE isfinite(m.datetime) ORDER BY 1
    ON CONFLICT (month) DO UPDATE SET counted_id = -1 WHERE c.counted_id >= 0;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_moved() IS 'Trigger: months of the audit log that got rows by an UPDATE are to be counted anew.';

CREATE OR REPLACE TRIGGER log_moved AFTER UPDATE ON quay.logentry3 REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.log_moved();

CREATE OR REPLACE FUNCTION quay_internal.log_truncated() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.log_count_month SET counted_id = -1;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_truncated() IS 'Trigger: all months of the audit log are to be counted anew.';

CREATE OR REPLACE TRIGGER log_truncated AFTER TRUNCATE ON quay.logentry3
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.log_truncated();

CREATE OR REPLACE FUNCTION quay_internal.log_count_month_update(month date, settled_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_count_month_update.month;
    stop CONSTANT timestamp := start + interval '1 month';
    counted bigint;
    last bigint;
    found_rows bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM quay_internal.log_count_month AS c WHERE c.month = log_count_month_update.month) THEN
        INSERT INTO quay_internal.log_count_month (month) VALUES (log_count_month_update.month) ON CONFLICT DO NOTHING;
    END IF;
    SELECT c.counted_id INTO counted FROM quay_internal.log_count_month AS c
    WHERE c.month = log_count_month_update.month FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;    -- another call counts it, or somebody deletes in it
    END IF;
    IF counted < 0 THEN
        DELETE FROM quay_internal.log_count_day AS c WHERE c.day >= start::date AND c.day < stop::date;
        counted := -9223372036854775808;
    END IF;
    SELECT count(*), max(l.id) INTO found_rows, last
    FROM (SELECT l.id FROM quay.logentry3 AS l
          WHERE l.id > counted AND l.id <= log_count_month_update.settled_id AND l.datetime >= start AND l.datetime < stop
          ORDER BY l.id LIMIT n) AS l;
    IF found_rows = 0 AND counted >= 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO quay_internal.log_count_day AS c (account_id, day, kind_id, count)
    SELECT CASE grouping(l.account_id) WHEN 0 THEN l.account_id ELSE -1 END, l.datetime::date, l.kind_id, count(*)
    FROM (SELECT t.account_id, t.datetime, t.kind_id FROM quay.logentry3 AS t
          WHERE t.id > counted AND t.id <= last AND t.datetime >= start AND t.datetime < stop
          ORDER BY t.id OFFSET 0) AS l
    GROUP BY GROUPING SETS ((l.account_id, l.datetime::date, l.kind_id), (l.datetime::date, l.kind_id))
    ON CONFLICT (account_id, day, kind_id) DO UPDATE SET count = c.count + EXCLUDED.count;
    UPDATE quay_internal.log_count_month AS c SET counted_id = greatest(last, 0) WHERE c.month = log_count_month_update.month;
    RETURN found_rows;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_month_update(date, bigint, integer) IS
    'Counts the next n rows of a month of the audit log, in the order of their ids up to that one, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.log_count_update(n integer DEFAULT 100000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    remaining bigint := quay_internal.batch_size(n);
    settled_id bigint := quay_internal.log_settled_id();
    next_month date;
BEGIN
    DELETE FROM quay_internal.log_count_month AS c WHERE c.month NOT IN (SELECT m.month FROM quay_internal.log_month_list() AS m);
    FOR next_month IN SELECT m.month FROM quay_internal.log_month_list() AS m ORDER BY m.month DESC LOOP
        remaining := remaining - quay_internal.log_count_month_update(next_month, settled_id, remaining::integer);
        EXIT WHEN remaining = 0;
    END LOOP;
    RETURN n - remaining;
END
$$;
COMMENT ON FUNCTION quay.log_count_update(integer) IS
    'Counts rows of the audit log beforehand, at most n, the newest months first, so that quay.log_count_by_day() need not, and returns how many: call again until it is 0, and every hour or so. The answers are right without it, only slower. Safe to stop, and to do twice at once. Rows that came in transactions which are still open are left for later. Errors: 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED.';

-- The part for one range that is counted row by row.
CREATE OR REPLACE FUNCTION quay_internal.log_count_rows(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_rows.start >= log_count_rows.stop THEN
        RETURN;
    ELSIF log_count_rows.account_id IS NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*) FROM quay.logentry3 AS l
            WHERE l.datetime >= log_count_rows.start AND l.datetime < log_count_rows.stop GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            -- The order asks for the index that begins with the namespace: see log_page().
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay.logentry3 AS t
                  WHERE t.account_id = ANY (ARRAY[log_count_rows.account_id])
                    AND t.datetime >= log_count_rows.start AND t.datetime < log_count_rows.stop
                  ORDER BY t.account_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_rows(bigint, timestamp, timestamp) IS
    'Rows of logentry3 per day and kind in start <= datetime < stop, of a namespace or (NULL) of all.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_month_read(account_id bigint, month date, counted_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    month_start CONSTANT timestamp := log_count_month_read.month;
    month_stop CONSTANT timestamp := month_start + interval '1 month';
    -- The whole days in the range; their edges are counted row by row.
    first_day CONSTANT timestamp := date_trunc('day', start + interval '1 day' - interval '1 microsecond');
    last_day CONSTANT timestamp := date_trunc('day', stop);
BEGIN
    IF first_day >= last_day THEN
        RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, start, stop);
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, start, first_day);
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, last_day, stop);
    RETURN QUERY
        SELECT c.day, c.kind_id, c.count FROM quay_internal.log_count_day AS c
        WHERE c.account_id = coalesce(log_count_month_read.account_id, -1) AND c.day >= first_day::date AND c.day < last_day::date;
    -- The order makes it begin at the id: the index on datetime would lead through the whole month.
    RETURN QUERY
        SELECT l.datetime::date, l.kind_id, count(*)
        FROM (SELECT t.datetime, t.kind_id, t.account_id FROM quay.logentry3 AS t
              WHERE t.id > log_count_month_read.counted_id AND t.datetime >= month_start AND t.datetime < month_stop
              ORDER BY t.id OFFSET 0) AS l
        WHERE l.datetime >= first_day AND l.datetime < last_day
          AND (log_count_month_read.account_id IS NULL OR l.account_id = log_count_month_read.account_id)
        GROUP BY 1, 2;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_month_read(bigint, date, bigint, timestamp, timestamp) IS
    'Rows of a month of the audit log per day and kind, of which those up to counted_id are counted, in start <= datetime < stop.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_newest(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place timestamp := log_count_newest.start;
    counted record;
BEGIN
    FOR counted IN
        SELECT c.month, c.counted_id, greatest(c.month::timestamp, log_count_newest.start) AS start,
               least(c.month + interval '1 month', log_count_newest.stop) AS stop
        FROM quay_internal.log_month_list() AS m JOIN quay_internal.log_count_month AS c ON c.month = m.month
        WHERE c.counted_id >= 0 AND c.month + interval '1 month' > log_count_newest.start AND c.month::timestamp < log_count_newest.stop
        ORDER BY c.month
    LOOP
        RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_newest.account_id, place, counted.start);
        RETURN QUERY SELECT * FROM quay_internal.log_count_month_read(log_count_newest.account_id, counted.month, counted.counted_id,
                                                                      counted.start, counted.stop);
        place := counted.stop;
    END LOOP;
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_newest.account_id, place, log_count_newest.stop);
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_newest(bigint, timestamp, timestamp) IS
    'Rows of logentry3 per day and kind, of a namespace or (NULL) of all; a day may come in several parts.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_older(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_older.account_id IS NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT o.datetime, o.kind_id FROM quay.logentry2 AS o WHERE o.datetime >= start AND o.datetime < stop
                  UNION ALL
                  SELECT o.datetime, o.kind_id FROM quay.logentry AS o WHERE o.datetime >= start AND o.datetime < stop) AS l
            GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT o.datetime, o.kind_id FROM quay.logentry2 AS o
                  WHERE o.account_id = log_count_older.account_id AND o.datetime >= start AND o.datetime < stop
                  UNION ALL
                  SELECT o.datetime, o.kind_id FROM quay.logentry AS o
                  WHERE o.account_id = log_count_older.account_id AND o.datetime >= start AND o.datetime < stop) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_older(bigint, timestamp, timestamp) IS
    'Rows of logentry2 and logentry per day and kind, of a namespace or (NULL) of all.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_of(account_id bigint, repository_id bigint, performer_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_of.repository_id IS NOT NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay_internal.log_entry AS t
                  WHERE t.repository_id = ANY (ARRAY[log_count_of.repository_id]) AND t.datetime >= start AND t.datetime < stop
                    AND (log_count_of.performer_id IS NULL OR t.performer_id = log_count_of.performer_id)
                  ORDER BY t.repository_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay_internal.log_entry AS t
                  WHERE t.performer_id = ANY (ARRAY[log_count_of.performer_id]) AND t.datetime >= start AND t.datetime < stop
                    AND (log_count_of.account_id IS NULL OR t.account_id = log_count_of.account_id)
                  ORDER BY t.performer_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_of(bigint, bigint, bigint, timestamp, timestamp) IS
    'Rows of the audit log per day and kind, in all generations, of a repository or of a performer.';

CREATE OR REPLACE FUNCTION quay.log_count_by_day(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                                 start_time timestamptz DEFAULT NULL, end_time timestamptz DEFAULT NULL,
                                                 kinds text[] DEFAULT NULL, exclude_kinds text[] DEFAULT NULL, namespace_id bigint DEFAULT NULL,
                                                 repository_id bigint DEFAULT NULL, performer_id bigint DEFAULT NULL)
    RETURNS TABLE (day date, kind text, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    filter record := quay_internal.log_filter(log_count_by_day.namespace, log_count_by_day.repository, log_count_by_day.performer,
        log_count_by_day.kinds, log_count_by_day.exclude_kinds, log_count_by_day.namespace_id, log_count_by_day.repository_id,
        log_count_by_day.performer_id);
    start timestamp := greatest(log_count_by_day.start_time AT TIME ZONE 'UTC', '4000-01-01 BC');
    stop timestamp := coalesce(log_count_by_day.end_time AT TIME ZONE 'UTC', 'infinity');
    single boolean := num_nonnulls(filter.repository_only, filter.performer_only) > 0;
BEGIN
    RETURN QUERY
        SELECT c.day, k.name::text, sum(c.count)::bigint
        FROM (SELECT * FROM quay_internal.log_count_of(filter.account_id, filter.repository_only, filter.performer_only, start, stop) WHERE single
              UNION ALL
              SELECT * FROM quay_internal.log_count_newest(filter.account_id, start, stop) WHERE NOT single
              UNION ALL
              SELECT * FROM quay_internal.log_count_older(filter.account_id, start, stop) WHERE NOT single) AS c
        LEFT JOIN quay.logentrykind AS k ON k.id = c.kind_id
        WHERE (filter.kind_ids IS NULL OR c.kind_id = ANY (filter.kind_ids)) AND c.kind_id <> ALL (filter.other_kind_ids)
        GROUP BY c.day, k.name
        ORDER BY c.day, k.name;
END
$$;
COMMENT ON FUNCTION quay.log_count_by_day(text, text, text, timestamptz, timestamptz, text[], text[], bigint, bigint, bigint) IS
    'How many entries the audit log has, in all generations, per UTC day and kind, by the filters of quay.log_list(): exactly those that it would list. start_time <= datetime < end_time, of any length; a day that is cut by one of them counts with what is inside. No row where there is none. quay.log_count_update() makes it fast for a namespace and for the whole registry; of a repository or a performer the entries are counted one by one. Errors: as of quay.log_list().';

CREATE OR REPLACE FUNCTION quay.log_count_check() RETURNS TABLE (month date, day date, account_id bigint, kind text, counted bigint, rows_found bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        WITH counted AS (
            SELECT c.month, c.counted_id FROM quay_internal.log_count_month AS c JOIN quay_internal.log_month_list() AS m ON m.month = c.month
            WHERE c.counted_id >= 0
        ), found AS (
            SELECT m.month, l.datetime::date AS day, CASE grouping(l.account_id) WHEN 0 THEN l.account_id ELSE -1 END AS account_id, l.kind_id,
                   count(*) AS rows
            FROM counted AS m JOIN quay.logentry3 AS l ON date_trunc('month', l.datetime) = m.month AND l.id <= m.counted_id
            WHERE isfinite(l.datetime)
            GROUP BY GROUPING SETS ((m.month, l.account_id, l.datetime::date, l.kind_id), (m.month, l.datetime::date, l.kind_id))
        ), stored AS (
            SELECT m.month, c.day, c.account_id, c.kind_id, c.count
            FROM counted AS m JOIN quay_internal.log_count_day AS c ON date_trunc('month', c.day) = m.month
        )
        SELECT coalesce(s.month, f.month), coalesce(s.day, f.day), coalesce(s.account_id, f.account_id), k.name::text,
               coalesce(s.count, 0), coalesce(f.rows, 0)
        FROM stored AS s
        FULL JOIN found AS f ON f.month = s.month AND f.day = s.day AND f.account_id = s.account_id AND f.kind_id = s.kind_id
        LEFT JOIN quay.logentrykind AS k ON k.id = coalesce(s.kind_id, f.kind_id)
        WHERE s.count IS DISTINCT FROM f.rows
        ORDER BY 1, 2, 3, 4;
END
$$;
COMMENT ON FUNCTION quay.log_count_check() IS
    'What of the audit log was counted wrong: no row, ever, unless rows with lower ids than others were copied into a month that had been counted, or a partition was truncated directly. Then quay.log_count_reset() helps. account_id -1: of the whole registry. Reads the whole log.';

CREATE OR REPLACE FUNCTION quay.log_count_reset() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.log_count_month SET counted_id = -1 WHERE counted_id >= 0;
END
$$;
COMMENT ON FUNCTION quay.log_count_reset() IS
    'Has quay.log_count_update() count the whole audit log anew; until then the rows are counted when somebody asks. To be called after rows were copied into logentry3 with ids of their own.';
