-- Taking old months out of the audit log. A month is the unit, of a generation: first somebody may take a copy of it and say so, then it
-- goes: a month of logentry3 by dropping its partition, what has none by bounded batches of rows.

CREATE OR REPLACE FUNCTION quay_internal.log_cutoff(older_than interval) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retention interval := coalesce(older_than, nullif(quay_internal.setting('log_retention')::integer, 0) * interval '1 second');
BEGIN
    IF older_than < interval '7 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY101',
            MESSAGE = 'audit log is too young to be removed',
            DETAIL = format('Entries older than %s were named.', older_than),
            HINT = 'Nothing younger than 7 days can be removed.';
    END IF;
    RETURN date_trunc('month', quay_internal.utc_now() - greatest(retention, CASE WHEN retention IS NOT NULL THEN interval '7 days' END));
END
$$;
COMMENT ON FUNCTION quay_internal.log_cutoff(interval) IS
    'The first day of the month that is the oldest to stay; NULL: all stay. NULL as argument means quay.log_retention. Errors: QY101 less than 7 days.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_next(generation integer, at timestamp) RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN CASE generation
        WHEN 1 THEN (SELECT l.datetime FROM quay.logentry AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1)
        WHEN 2 THEN (SELECT l.datetime FROM quay.logentry2 AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1)
        ELSE (SELECT l.datetime FROM quay.logentry3_default AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1) END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_next(integer, timestamp) IS
    'Time of the first row from then on in logentry, logentry2 or (3) the default partition of logentry3.';

CREATE OR REPLACE FUNCTION quay_internal.log_unit_list(cutoff date) RETURNS TABLE (generation integer, month date, partition text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place timestamp;
BEGIN
    FOREACH generation IN ARRAY ARRAY[1, 2, 3] LOOP
        place := '4000-01-01 BC';
        LOOP
            place := quay_internal.log_month_next(generation, place);
            EXIT WHEN place IS NULL OR NOT isfinite(place) OR place >= cutoff OR cutoff IS NULL;
            month := date_trunc('month', place);
            RETURN NEXT;
            place := month + interval '1 month';
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT 3, m.month, m.partition FROM quay_internal.log_month_list() AS m WHERE m.month < cutoff;
END
$$;
COMMENT ON FUNCTION quay_internal.log_unit_list(date) IS
    'Months before the cutoff that the audit log has, in each generation; partition: of logentry3, NULL where rows have no partition of their own.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_rows(generation integer, month date, OUT row_count bigint, OUT last_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    start CONSTANT timestamp := log_month_rows.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    SELECT count(*), max(l.id) INTO row_count, last_id
    FROM quay_internal.log_entry AS l
    WHERE l.generation = log_month_rows.generation AND l.datetime >= start AND l.datetime < stop;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_rows(integer, date) IS 'How many rows a month of a generation of the audit log has, and their greatest id.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_has_later(generation integer, month date, last_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_month_has_later.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    -- The order makes it begin at the id.
    RETURN EXISTS (SELECT FROM quay_internal.log_entry AS l
                   WHERE l.id > log_month_has_later.last_id AND l.generation = log_month_has_later.generation
                     AND l.datetime >= start AND l.datetime < stop
                   ORDER BY l.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_has_later(integer, date, bigint) IS
    'Has a month of a generation of the audit log a row with a greater id?';

CREATE OR REPLACE FUNCTION quay.log_archive_list(older_than interval DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (generation integer, month date, partition text, archived boolean, archive text, last_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.generation, u.month, u.partition, a.month IS NOT NULL AND NOT quay_internal.log_month_has_later(a.generation, a.month, a.last_id),
               a.archive, a.last_id
        FROM quay_internal.log_unit_list(quay_internal.log_cutoff(log_archive_list.older_than)) AS u
        LEFT JOIN quay_internal.log_archive AS a ON a.generation = u.generation AND a.month = u.month
        ORDER BY u.month, u.generation
        LIMIT quay_internal.page_size(log_archive_list.n);
END
$$;
COMMENT ON FUNCTION quay.log_archive_list(interval, integer) IS
    'Months of the audit log that may go, the oldest first, at most n: all their entries are older than that, NULL: than quay.log_retention (no row if that is 0). generation 3, 2, 1: of logentry3, logentry2, logentry. partition: the table that will be dropped; NULL: rows will be deleted. archived: log_archive_confirm() was told of a copy, and no row has come since; archive: what it was told. Errors: QY101 less than 7 days, 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.log_archive_read(generation integer, month date, after text DEFAULT NULL, n integer DEFAULT 5000)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, account_id bigint, performer_id bigint, repository_id bigint, ip text,
                   metadata_json text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    place record := quay_internal.log_cursor_read(log_archive_read.after);
    page_size integer := quay_internal.page_size(n);
    start timestamp := greatest(date_trunc('month', log_archive_read.month::timestamp), place.at);
    stop timestamp := date_trunc('month', log_archive_read.month::timestamp) + interval '1 month';
    last_id bigint := coalesce(place.id, -9223372036854775808);
    last_at timestamp := coalesce(place.at, '-infinity');
BEGIN
    RETURN QUERY
        SELECT l.id, l.datetime, (SELECT k.name::text FROM quay.logentrykind AS k WHERE k.id = l.kind_id), l.account_id, l.performer_id,
               l.repository_id, l.ip::text, l.metadata_json, quay_internal.log_cursor(l.datetime, l.id, l.generation)
        FROM quay_internal.log_entry AS l
        WHERE l.generation = log_archive_read.generation AND l.datetime >= start AND l.datetime < stop AND (l.datetime, l.id) > (last_at, last_id)
        ORDER BY l.datetime, l.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.log_archive_read(integer, date, text, integer) IS
    'Rows of a month of a generation of the audit log, the oldest first, at most n, those after the cursor: all columns as they are, for an archive. Errors: 22023 malformed cursor, n negative.';

CREATE OR REPLACE FUNCTION quay.log_archive_confirm(generation integer, month date, row_count bigint, last_id bigint, archive text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', log_archive_confirm.month::timestamp);
    settled boolean;
    found record;
BEGIN
    IF log_archive_confirm.generation IS NULL OR log_archive_confirm.generation NOT IN (1, 2, 3) OR first_day IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown month of the audit log',
            DETAIL = format('Generation %s, month %s.', coalesce(log_archive_confirm.generation::text, 'NULL'), coalesce(first_day::text, 'NULL')),
            HINT = 'Pass what quay.log_archive_list() answered.';
    END IF;
    -- Nobody may add a row with such an id any more; what the next statement sees is all there will be.
    settled := CASE log_archive_confirm.generation
        WHEN 3 THEN quay_internal.log_settled_id() >= coalesce(log_archive_confirm.last_id, 0)
        ELSE quay_internal.log_writers(log_archive_confirm.generation) = '{}' END;
    PERFORM quay_internal.log_require_primary();
    found := quay_internal.log_month_rows(log_archive_confirm.generation, first_day);
    IF NOT settled OR found.row_count IS DISTINCT FROM log_archive_confirm.row_count
       OR found.last_id IS DISTINCT FROM log_archive_confirm.last_id THEN
        RETURN false;
    END IF;
    INSERT INTO quay_internal.log_archive AS a (generation, month, last_id, row_count, archive, archived_ms)
    VALUES (log_archive_confirm.generation, first_day, coalesce(log_archive_confirm.last_id, 0), log_archive_confirm.row_count,
            log_archive_confirm.archive, quay_internal.clock_ms())
    ON CONFLICT ON CONSTRAINT pk_log_archive DO UPDATE
        SET last_id = EXCLUDED.last_id, row_count = EXCLUDED.row_count, archive = EXCLUDED.archive, archived_ms = EXCLUDED.archived_ms;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.log_archive_confirm(integer, date, bigint, bigint, text) IS
    'Says that there is a copy of a month: how many rows log_archive_read() answered, and the greatest log_id among them (NULL if none). archive: where it is. false, and nothing is noted: the month has other rows by now, or a transaction that may add some is still open; read it again, later. Errors: 22023 no such generation, 25006 on a standby, 55000 not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_removal_note(generation integer, month date) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What stays of a month: where its copy is, and the end of its chain.
    INSERT INTO quay_internal.log_removed (generation, month, removed_ms, archive, row_count, sealed_rows, last_id, hash)
    SELECT log_removal_note.generation, log_removal_note.month, quay_internal.clock_ms(), a.archive, a.row_count, s.sealed_rows, s.last_id, s.hash
    FROM (VALUES (1)) AS one
    LEFT JOIN quay_internal.log_archive AS a ON a.generation = log_removal_note.generation AND a.month = log_removal_note.month
    LEFT JOIN LATERAL (
        SELECT sum(b.row_count) AS sealed_rows, max(b.last_id) AS last_id, (array_agg(b.hash ORDER BY b.block DESC))[1] AS hash
        FROM quay_internal.log_seal_block AS b WHERE b.month = log_removal_note.month) AS s ON log_removal_note.generation = 3;
    DELETE FROM quay_internal.log_archive AS a WHERE a.generation = log_removal_note.generation AND a.month = log_removal_note.month;
    IF log_removal_note.generation = 3 THEN
        DELETE FROM quay_internal.log_seal_block AS b WHERE b.month = log_removal_note.month;
        DELETE FROM quay_internal.log_count_month AS c WHERE c.month = log_removal_note.month;
        DELETE FROM quay_internal.log_count_day AS c
        WHERE c.day >= log_removal_note.month AND c.day < (log_removal_note.month + interval '1 month')::date;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_removal_note(integer, date) IS
    'Writes down that a month of the audit log is gone, and deletes what belonged to it: counts, seals, the note of its copy.';

-- Who waits for the lock keeps everybody waiting who comes after him, so he waits for half a second only.
CREATE OR REPLACE FUNCTION quay.log_partition_drop(month date, keep_in text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    first_day date := date_trunc('month', log_partition_drop.month::timestamp);
    name text;
    copied_id bigint;
    late boolean;
BEGIN
    PERFORM quay_internal.log_require_primary();
    IF first_day + interval '1 month' > quay_internal.utc_now() - interval '7 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY101',
            MESSAGE = 'audit log is too young to be removed',
            DETAIL = format('The month of %s is not over for 7 days.', to_char(first_day, 'YYYY-MM')),
            HINT = 'Nothing younger than 7 days can be removed.';
    END IF;
    IF NOT EXISTS (SELECT FROM quay_internal.log_month_list() AS m WHERE m.month = first_day) THEN
        RETURN 'unknown';
    END IF;
    BEGIN
        -- In the order in which readers and writers lock: the whole, then the parts.
        LOCK TABLE ONLY quay.logentry3 IN ACCESS EXCLUSIVE MODE;
        SELECT m.partition INTO name FROM quay_internal.log_month_list() AS m WHERE m.month = first_day;
        IF name IS NULL THEN
            RETURN 'unknown';
        END IF;
        SELECT a.last_id INTO copied_id FROM quay_internal.log_archive AS a WHERE a.generation = 3 AND a.month = first_day;
        EXECUTE format('SELECT EXISTS (SELECT FROM quay.%I WHERE id > $1)', name) INTO late USING copied_id;
        IF (copied_id IS NULL OR late) AND quay_internal.setting('log_archive_required')::boolean THEN
            RAISE EXCEPTION USING ERRCODE = 'QY102',
                MESSAGE = 'month of the audit log is not archived',
                DETAIL = CASE WHEN late THEN format('%s has rows that came after its copy.', name) ELSE format('There is no copy of %s.', name) END,
                HINT = 'Read it with quay.log_archive_read() and call quay.log_archive_confirm(), or turn quay.log_archive_required off.';
        END IF;
        IF keep_in IS NULL THEN
            EXECUTE format('DROP TABLE quay.%I', name);
        ELSE
            EXECUTE format('ALTER TABLE quay.logentry3 DETACH PARTITION quay.%I', name);
            EXECUTE format('ALTER TABLE quay.%I SET SCHEMA %I', name, keep_in);
        END IF;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN 'busy';
    END;
    PERFORM quay_internal.log_removal_note(3, first_day);
    RETURN CASE WHEN keep_in IS NULL THEN 'dropped' ELSE 'detached' END;
END
$$;
COMMENT ON FUNCTION quay.log_partition_drop(date, text) IS
'Drops the partition of a month of the audit log, or, with keep_in, makes it a table of its own in that schema: dropped, detached, unknown (there is none), or busy: others use the audit log right now; try again. Its place, its copy and the end of its chain stay noted in quay_internal.log_removed.

Locks the audit log against everybody (ACCESS EXCLUSIVE) until the end of the transaction, so call it in one of its own; it takes milliseconds. It waits for the lock for half a second at most, as long as which others may have to wait behind it. For the owner of the tables.
Errors: QY101 not over for 7 days, QY102 no copy was confirmed, or rows came since (with quay.log_archive_required), 3F000 no such schema, 25006 on a standby, 55000 not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_rows_delete(generation integer, month date, last_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_rows_delete.month;
    stop CONSTANT timestamp := start + interval '1 month';
    deleted bigint;
BEGIN
    -- By time and by id: neither a newer row between old ids goes, nor one that came after the copy.
    CASE log_rows_delete.generation
        WHEN 1 THEN
            DELETE FROM quay.logentry AS l WHERE l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
        WHEN 2 THEN
            DELETE FROM quay.logentry2 AS l WHERE l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry2 AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
        ELSE
            DELETE FROM quay.logentry3_default AS l WHERE l.datetime >= start AND l.datetime < stop AND l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry3_default AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
    END CASE;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.log_rows_delete(integer, date, bigint, integer) IS
    'Deletes at most n rows of a month of logentry, logentry2 or (3) the default partition, with ids up to that one, and returns how many.';

CREATE OR REPLACE FUNCTION quay.log_retain(older_than interval DEFAULT NULL, n integer DEFAULT 5000)
    RETURNS TABLE (generation integer, month date, deleted bigint, outcome text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    cutoff date := quay_internal.log_cutoff(log_retain.older_than);
    required boolean := quay_internal.setting('log_archive_required')::boolean;
    unit record;
BEGIN
    PERFORM quay_internal.log_require_primary();
    FOR unit IN
        SELECT u.generation, u.month, u.partition, CASE WHEN required THEN a.last_id ELSE 9223372036854775807 END AS last_id
        FROM quay_internal.log_unit_list(cutoff) AS u
        LEFT JOIN quay_internal.log_archive AS a ON a.generation = u.generation AND a.month = u.month
        WHERE NOT required OR a.month IS NOT NULL
        ORDER BY u.month, u.generation
    LOOP
        -- Two calls at once take two months.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(format('quay log %s %s', unit.generation, unit.month), 0));
        generation := unit.generation;
        month := unit.month;
        deleted := 0;
        IF unit.partition IS NULL THEN
            deleted := quay_internal.log_rows_delete(generation, month, unit.last_id, batch);
            outcome := 'deleting';
            IF coalesce(quay_internal.log_month_next(generation, month) >= month + interval '1 month', true) THEN
                PERFORM quay_internal.log_removal_note(generation, month);
                outcome := 'deleted';
            END IF;
        ELSE
            BEGIN
                outcome := quay.log_partition_drop(month);
            EXCEPTION
                WHEN SQLSTATE 'QY102' THEN
                    CONTINUE;    -- late rows: to be archived again
            END;
        END IF;
        IF deleted > 0 OR outcome <> 'deleting' THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_retain(interval, integer) IS
'One step of the removal of old audit log, the oldest month first: drops the partition of one month (outcome: dropped, or busy: try again later), or deletes at most n rows of a month that has none, in logentry, logentry2 and the default partition (deleting, and with the last ones deleted). No row: there is nothing (more) to do. older_than: what may go, months that are wholly older; NULL: quay.log_retention, by which nothing goes if it is 0. With quay.log_archive_required only what log_archive_confirm() was told of. One step per transaction; safe to repeat, to stop, and to do twice at once. For the owner of the tables: see quay.log_partition_drop() for what it locks. Errors: QY101 less than 7 days, 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED.';
