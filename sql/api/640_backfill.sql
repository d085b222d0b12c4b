-- Long backfills: what a new version wants to know about old rows, found out after the update, in batches that commit, while the registry
-- works on. A later version whose step needs the result asks for it first (backfill_require).
--
-- A backfill is a function of (after bigint, n integer) that works on the next n rows in the order of a key, and returns the last key that
-- it has looked at and how many rows it has changed; no row, or NULL: there are no more. Running it twice over the same rows must do no
-- harm. New rows are written complete by the version that brings the backfill, so that it has an end.

CREATE OR REPLACE FUNCTION quay_internal.backfill_list()
    RETURNS TABLE (name text, introduced_in text, needed_by text, table_name text, function_name text, batch_rows integer, throttle_ms integer, about text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('manifest_fields', '1.2', NULL, 'quay.manifest', 'quay_internal.manifest_backfill_next', 1000, 20,
         'subject, artifact type and media type of the config, of manifests that came from an older database without them'),
        ('scan_rows', '1.2', NULL, 'quay.manifest', 'quay.scan_backfill', 10000, 20,
         'places in the queue of the security scanner for manifests that have none');
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_list() IS
    'The backfills of this version: the version that brought it, the one whose step needs it (NULL: none does), the table that it goes through, its function, rows of a batch and pause after it, and what it fills in.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_begin(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition record;
BEGIN
    SELECT * INTO definition FROM quay_internal.backfill_list() AS l WHERE l.name = backfill_begin.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY171',
            MESSAGE = 'no such backfill',
            DETAIL = format('There is no backfill named "%s".', left(backfill_begin.name, 80)),
            HINT = 'The view quay.backfill_progress lists all of this version.';
    END IF;
    -- Looked for first: the insertion would wait for a batch that is under way.
    IF EXISTS (SELECT FROM quay_internal.backfill AS b WHERE b.name = backfill_begin.name) THEN
        RETURN;
    END IF;
    INSERT INTO quay_internal.backfill AS b (name, batch_rows, throttle_ms)
    VALUES (definition.name, definition.batch_rows, definition.throttle_ms)
    ON CONFLICT ON CONSTRAINT pk_backfill DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_begin(text) IS 'Makes sure that the backfill has a row. Errors: QY171 no such backfill.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_step(name text, n integer DEFAULT NULL,
                                                       OUT state text, OUT changed integer, OUT throttle_ms integer, OUT error_code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition record;
    progress quay_internal.backfill;
    reached bigint;
    message text;
BEGIN
    -- Whoever has the row works on the batch after it; a crash gives it back.
    SELECT b.* INTO progress FROM quay_internal.backfill AS b WHERE b.name = backfill_step.name FOR UPDATE SKIP LOCKED;
    changed := 0;
    throttle_ms := coalesce(progress.throttle_ms, 0);
    IF NOT FOUND THEN
        state := 'busy';
        RETURN;
    ELSIF progress.finished_ms IS NOT NULL THEN
        state := 'done';
        RETURN;
    END IF;
    SELECT l.* INTO STRICT definition FROM quay_internal.backfill_list() AS l WHERE l.name = backfill_step.name;
    IF progress.started_ms IS NULL THEN
        progress.started_ms := quay_internal.clock_ms();
        EXECUTE format('SELECT coalesce(max(t.id), 0) FROM %s AS t', definition.table_name::regclass) INTO progress.end_key;
    END IF;
    BEGIN
        EXECUTE format('SELECT * FROM %s($1, $2)', definition.function_name::regproc) INTO reached, changed
        USING progress.last_key, coalesce(backfill_step.n, progress.batch_rows);
        IF reached <= progress.last_key THEN
            RAISE EXCEPTION USING ERRCODE = 'QY173',
                MESSAGE = 'backfill does not advance',
                DETAIL = format('%s has returned key %s after key %s.', definition.function_name, reached, progress.last_key),
                HINT = 'It must return the last key that it has looked at, or no row when there are no more.';
        END IF;
        state := CASE WHEN reached IS NULL THEN 'done' ELSE 'more' END;
        error_code := NULL;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        message := format('%s: %s', error_code, message);
        changed := 0;
        reached := NULL;
        state := 'failed';
    END;
    changed := coalesce(changed, 0);
    UPDATE quay_internal.backfill AS b
    SET last_key = coalesce(reached, b.last_key), end_key = progress.end_key, rows_done = b.rows_done + changed,
        started_ms = progress.started_ms, updated_ms = quay_internal.clock_ms(), last_error = left(message, 1000),
        finished_ms = CASE WHEN state = 'done' THEN quay_internal.clock_ms() END
    WHERE b.name = backfill_step.name;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_step(text, integer) IS
    'Works on the next batch of a backfill. state: more, done, busy (another session is at it) or failed, with the code of the error, whose text the row keeps.';

CREATE OR REPLACE PROCEDURE quay.backfill_run(name text DEFAULT NULL, batch_rows integer DEFAULT NULL, throttle_ms integer DEFAULT NULL,
                                              max_seconds integer DEFAULT NULL, INOUT rows_done bigint DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    wanted pg_catalog.text[];
    current_name pg_catalog.text;
    batch pg_catalog.record;
    failures pg_catalog.int4;
    failed pg_catalog.text[] := ARRAY[]::pg_catalog.text[];
    began pg_catalog.timestamptz := pg_catalog.clock_timestamp();
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    IF backfill_run.batch_rows IS NOT NULL THEN
        PERFORM quay_internal.batch_size(backfill_run.batch_rows);
    END IF;
    rows_done := 0;
    wanted := ARRAY(SELECT l.name FROM quay_internal.backfill_list() AS l
                    WHERE l.name OPERATOR(pg_catalog.=) coalesce(backfill_run.name, l.name));
    IF backfill_run.name IS NOT NULL THEN
        wanted := ARRAY[backfill_run.name];
    END IF;
    FOREACH current_name IN ARRAY wanted LOOP
        PERFORM quay_internal.backfill_begin(current_name);
        COMMIT;
        failures := 0;
        LOOP
            SELECT * INTO batch FROM quay_internal.backfill_step(current_name, backfill_run.batch_rows);
            COMMIT;
            rows_done := rows_done OPERATOR(pg_catalog.+) batch.changed;
            IF batch.state OPERATOR(pg_catalog.=) 'busy' THEN
                RAISE NOTICE 'another session runs backfill "%"', current_name;
                EXIT;
            END IF;
            EXIT WHEN batch.state OPERATOR(pg_catalog.=) 'done';
            IF batch.state OPERATOR(pg_catalog.=) 'failed' THEN
                -- Deadlocks, serialization failures and locks that were not to be had pass.
                failures := failures OPERATOR(pg_catalog.+) 1;
                IF failures OPERATOR(pg_catalog.=) 5 OR batch.error_code OPERATOR(pg_catalog.<>) ALL (ARRAY['40001', '40P01', '55P03']) THEN
                    failed := failed OPERATOR(pg_catalog.||) current_name;
                    EXIT;
                END IF;
                PERFORM pg_catalog.pg_sleep(0.1 OPERATOR(pg_catalog.*) failures);
            ELSE
                failures := 0;
            END IF;
            EXIT WHEN pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) began
                      OPERATOR(pg_catalog.>=) pg_catalog.make_interval(secs => backfill_run.max_seconds);
            PERFORM pg_catalog.pg_sleep(coalesce(backfill_run.throttle_ms, batch.throttle_ms) OPERATOR(pg_catalog./) 1000.0);
            COMMIT;
        END LOOP;
    END LOOP;
    IF pg_catalog.cardinality(failed) OPERATOR(pg_catalog.>) 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY173',
            MESSAGE = 'backfill has failed',
            DETAIL = (SELECT pg_catalog.string_agg(pg_catalog.format('%s, after key %s: %s', b.name, b.last_key, b.last_error), '; ' ORDER BY b.name)
                      FROM quay_internal.backfill AS b WHERE b.name OPERATOR(pg_catalog.=) ANY (failed)),
            HINT = 'What was done before is kept. When the cause is out of the way, call quay.backfill_run() again: it goes on from there.';
    END IF;
END
$$;
COMMENT ON PROCEDURE quay.backfill_run(text, integer, integer, integer, bigint) IS
    'Runs one backfill, or all that are not done, batch by batch, and commits after each. Not within a transaction. It may be interrupted, and called again, and by several sessions at once. batch_rows and throttle_ms (pause after a batch) override those of the backfill for this run, max_seconds ends it after that time. rows_done: how many rows this run has changed. Errors: QY171 no such backfill, QY173 a batch has failed, 22023 batch_rows not positive.';

CREATE OR REPLACE FUNCTION quay.backfill_set(name text, batch_rows integer DEFAULT NULL, throttle_ms integer DEFAULT NULL, restart boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF backfill_set.batch_rows < 1 OR backfill_set.throttle_ms < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal pace of a backfill',
            DETAIL = format('Rows of a batch: %s, pause after it: %s ms.', coalesce(backfill_set.batch_rows::text, 'as before'),
                            coalesce(backfill_set.throttle_ms::text, 'as before')),
            HINT = 'A batch has at least one row, and the pause is not negative.';
    END IF;
    PERFORM quay_internal.backfill_begin(backfill_set.name);
    UPDATE quay_internal.backfill AS b
    SET batch_rows = coalesce(backfill_set.batch_rows, b.batch_rows), throttle_ms = coalesce(backfill_set.throttle_ms, b.throttle_ms)
    WHERE b.name = backfill_set.name;
    IF backfill_set.restart THEN
        UPDATE quay_internal.backfill AS b
        SET last_key = 0, end_key = 0, rows_done = 0, started_ms = NULL, updated_ms = NULL, finished_ms = NULL, last_error = NULL
        WHERE b.name = backfill_set.name;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.backfill_set(text, integer, integer, boolean) IS
    'Changes the pace of a backfill, also of one that runs: it holds from the next batch on. NULL: as before. restart: forget how far it has got, to go through all rows again. Errors: QY171 no such backfill, 22023 batch_rows not positive or throttle_ms negative.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_require(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    progress quay_internal.backfill;
BEGIN
    PERFORM quay_internal.backfill_begin(backfill_require.name);
    -- Does nothing if it is done, and finds out that it has nothing to do: nobody has to run one in an empty registry.
    PERFORM quay_internal.backfill_step(backfill_require.name, 1);
    SELECT b.* INTO progress FROM quay_internal.backfill AS b WHERE b.name = backfill_require.name;
    IF progress.finished_ms IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY172',
            MESSAGE = 'a backfill that the new version needs is not done',
            DETAIL = format('Backfill "%s" has got to key %s of %s.', progress.name, progress.last_key, progress.end_key),
            HINT = format('Run CALL quay.backfill_run(%L), which works while the registry does, then update again.', progress.name);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_require(text) IS
    'For the first lines of an up.sql that needs a backfill of an older version: refuses (QY172) unless it is done, or has nothing to do.';

CREATE OR REPLACE VIEW quay.backfill_progress AS
SELECT l.name, l.about,
       CASE WHEN b.finished_ms IS NOT NULL THEN 'done'
            WHEN b.last_error IS NOT NULL THEN 'failed'
            WHEN b.started_ms IS NOT NULL THEN 'started'
            ELSE 'waiting' END AS state,
       CASE WHEN b.finished_ms IS NOT NULL THEN 100
            WHEN b.started_ms IS NOT NULL THEN least(100, round(100.0 * b.last_key / greatest(b.end_key, 1), 1)) END AS percent,
       b.rows_done, b.last_key, b.end_key,
       make_interval(secs => (CASE WHEN b.finished_ms IS NULL AND b.last_key > 0
           THEN (b.updated_ms - b.started_ms) / 1000.0 * greatest(b.end_key - b.last_key, 0) / b.last_key END)::double precision) AS remaining,
       coalesce(b.batch_rows, l.batch_rows) AS batch_rows, coalesce(b.throttle_ms, l.throttle_ms) AS throttle_ms,
       to_timestamp(b.started_ms / 1000.0) AT TIME ZONE 'UTC' AS started, to_timestamp(b.updated_ms / 1000.0) AT TIME ZONE 'UTC' AS updated,
       to_timestamp(b.finished_ms / 1000.0) AT TIME ZONE 'UTC' AS finished, b.last_error, l.introduced_in, l.needed_by
FROM quay_internal.backfill_list() AS l
LEFT JOIN quay_internal.backfill AS b ON b.name = l.name;

COMMENT ON VIEW quay.backfill_progress IS 'The backfills of this version, and how far each has got.';
COMMENT ON COLUMN quay.backfill_progress.name IS 'Name, as quay.backfill_run() takes it.';
COMMENT ON COLUMN quay.backfill_progress.about IS 'What it fills in.';
COMMENT ON COLUMN quay.backfill_progress.state IS 'waiting, started, failed (last_error says why; the next run goes on) or done.';
COMMENT ON COLUMN quay.backfill_progress.percent IS 'How much of the keys that there were when it began it has looked at. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.rows_done IS 'Rows that it has changed. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.last_key IS 'Last key that it has looked at. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.end_key IS 'Largest key when it began. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.remaining IS 'About how long it takes to get to the end, at the pace of before, pauses and interruptions included. NULL: not known, or done.';
COMMENT ON COLUMN quay.backfill_progress.batch_rows IS 'Rows of a batch.';
COMMENT ON COLUMN quay.backfill_progress.throttle_ms IS 'Pause after a batch, ms.';
COMMENT ON COLUMN quay.backfill_progress.started IS 'When its first batch ran, UTC.';
COMMENT ON COLUMN quay.backfill_progress.updated IS 'When its last batch ran, UTC.';
COMMENT ON COLUMN quay.backfill_progress.finished IS 'When it was done, UTC.';
COMMENT ON COLUMN quay.backfill_progress.last_error IS 'Code and text of the error of the last batch. NULL: it went well.';
COMMENT ON COLUMN quay.backfill_progress.introduced_in IS 'Version that brought it.';
COMMENT ON COLUMN quay.backfill_progress.needed_by IS 'Version that can only be updated to when it is done. NULL: none so far.';

COMMENT ON TABLE quay_internal.backfill IS 'How far each backfill has got, from its first run on; quay.backfill_progress shows it.';
COMMENT ON COLUMN quay_internal.backfill.name IS 'Name of a backfill, see quay_internal.backfill_list().';
COMMENT ON COLUMN quay_internal.backfill.last_key IS 'Last key that it has looked at; the next batch comes after it.';
COMMENT ON COLUMN quay_internal.backfill.end_key IS 'Largest key when its first batch ran.';
COMMENT ON COLUMN quay_internal.backfill.rows_done IS 'Rows that it has changed.';
COMMENT ON COLUMN quay_internal.backfill.batch_rows IS 'Rows of a batch.';
COMMENT ON COLUMN quay_internal.backfill.throttle_ms IS 'Pause after a batch, ms.';
COMMENT ON COLUMN quay_internal.backfill.started_ms IS 'Its first batch, ms since epoch UTC. NULL: not begun.';
COMMENT ON COLUMN quay_internal.backfill.updated_ms IS 'Its last batch, ms since epoch UTC. NULL: not begun.';
COMMENT ON COLUMN quay_internal.backfill.finished_ms IS 'When it was done, ms since epoch UTC. NULL: it is not.';
COMMENT ON COLUMN quay_internal.backfill.last_error IS 'Code and text of the error of the last batch. NULL: it went well.';
