-- A Quay moves in: the copy, in ranges of ids, and the checks that what arrived is what was there.
--
-- Rows are written under session_replication_role = replica, for the transaction: no trigger fires, so no foreign key is checked and nothing is
-- derived, row by row. The scan has left out what would break a foreign key, adoption_prove() reads all of them again, and what follows from
-- the content is made once, at the end (api/608_adoption_derive.sql). A crash leaves no trigger switched off. Two tables that decide about
-- access are written with their triggers, so that sessions that are connected hear of them.

CREATE OR REPLACE FUNCTION quay_internal.adoption_count(run quay_internal.adoption_run, table_name text, OUT row_count bigint, OUT id_sum numeric)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    row_count := 0;
    id_sum := 0;
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NOT NULL THEN
        EXECUTE format('SELECT count(*), coalesce(sum(x.id), 0) FROM %I.%I AS x', run.source_schema, table_name) INTO row_count, id_sum;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_count(quay_internal.adoption_run, text) IS 'How many rows a table of the source has, and the sum of their ids.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_sequence(table_name text, at_least bigint DEFAULT 0) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sequence regclass := format('quay.%I', table_name || '_id_seq')::regclass;
    highest bigint;
BEGIN
    EXECUTE format('SELECT max(x.id) FROM quay.%I AS x', table_name) INTO highest;
    PERFORM setval(sequence, greatest(highest, at_least, 1000, pg_sequence_last_value(sequence)));
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_sequence(text, bigint) IS 'Has the sequence of a table go on above its ids, and above 1000. Never backwards.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_reserve(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    highest bigint;
BEGIN
    FOR name IN
        SELECT l.table_name FROM quay_internal.reference_table_list() AS l
        WHERE NOT l.is_enumeration AND to_regclass(format('%I.%I', run.source_schema, l.table_name)) IS NOT NULL
    LOOP
        EXECUTE format('SELECT max(x.id) FROM %I.%I AS x', run.source_schema, name) INTO highest;
        PERFORM quay_internal.adoption_sequence(name, highest);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_reserve(quay_internal.adoption_run) IS
    'Has all sequences go on above the ids of the source, so that nobody who writes meanwhile takes one.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_months(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    months timestamp[];
BEGIN
    IF to_regclass(format('%I.logentry3', run.source_schema)) IS NULL THEN
        RETURN 0;
    END IF;
    -- One probe of the index on the time for each month, not a look at each row.
    EXECUTE format(
        'WITH RECURSIVE month AS ( '
        '    SELECT date_trunc(''month'', min(l.datetime)) AS start FROM %1$s AS l WHERE l.datetime > ''-infinity'' AND l.datetime < ''infinity'' '
        '    UNION ALL '
        '    SELECT (SELECT date_trunc(''month'', min(l.datetime)) FROM %1$s AS l '
        '            WHERE l.datetime >= m.start + interval ''1 month'' AND l.datetime < ''infinity'') '
        '    FROM month AS m WHERE m.start IS NOT NULL '
        ') SELECT array_agg(m.start) FROM month AS m WHERE m.start IS NOT NULL',
        format('%I.logentry3', run.source_schema)) INTO months;
    IF months IS NULL THEN
        RETURN 0;
    END IF;
    -- log_partition_ensure() makes the months of which the default partition has a row.
    PERFORM set_config('session_replication_role', 'replica', true);
    INSERT INTO quay.logentry3 (id, kind_id, account_id, datetime, metadata_json)
    SELECT -1, 0, 0, m.start, '{}' FROM unnest(months) AS m (start);
    PERFORM set_config('session_replication_role', 'origin', true);
    PERFORM quay.log_partition_ensure(0);
    PERFORM set_config('session_replication_role', 'replica', true);
    DELETE FROM quay.logentry3 AS l WHERE l.id = -1 AND l.datetime = ANY (months);
    PERFORM set_config('session_replication_role', 'origin', true);
    RETURN cardinality(months);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_months(quay_internal.adoption_run) IS 'Makes the partitions of the audit log for the months of the source.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_copy(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    with_triggers CONSTANT text[] := ARRAY['repositorypermission', 'teammember'];
    source CONSTANT regclass := to_regclass(format('%I.%I', run.source_schema, step.name));
    target CONSTANT text := format('quay.%I', step.name);
    write record;
    upper_id bigint;
    copied bigint;
BEGIN
    IF source IS NULL THEN
        step.ended_ms := quay_internal.clock_ms();
        RETURN step;
    END IF;
    IF step.started_ms IS NULL THEN
        EXECUTE format('SELECT coalesce(min(x.id), 1) - 1 FROM %s AS x', source) INTO step.last_id;
    END IF;
    EXECUTE format('SELECT x.id FROM %s AS x WHERE x.id > %s ORDER BY x.id OFFSET %s LIMIT 1', source, step.last_id, run.batch_size - 1)
        INTO upper_id;
    write := quay_internal.adoption_write(run, step.name);
    IF step.name <> ALL (with_triggers) THEN
        PERFORM set_config('session_replication_role', 'replica', true);
    END IF;
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %s AS w WHERE w.id > %s%s', target, write.columns, write.query, step.last_id,
                   coalesce(' AND w.id <= ' || upper_id, ''));
    GET DIAGNOSTICS copied = ROW_COUNT;
    PERFORM set_config('session_replication_role', 'origin', true);
    step.row_count := step.row_count + copied;
    step.last_id := coalesce(upper_id, step.last_id);
    IF upper_id IS NULL THEN
        PERFORM quay_internal.adoption_sequence(step.name);
        IF step.row_count > 0 THEN
            EXECUTE format('ANALYZE %s', target);
        END IF;
        step.ended_ms := quay_internal.clock_ms();
    END IF;
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_copy(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Copies the next range of ids of a table, and returns how far it got.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_compare(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scanned quay_internal.adoption_step;
    source_rows bigint;
    source_ids numeric;
    omitted_rows bigint;
    omitted_ids numeric;
    target_rows bigint;
    target_ids numeric;
BEGIN
    SELECT * INTO scanned FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'scan' AND p.name = step.name;
    SELECT c.row_count, c.id_sum INTO source_rows, source_ids FROM quay_internal.adoption_count(run, step.name) AS c;
    SELECT count(*), coalesce(sum(r.source_id), 0) INTO omitted_rows, omitted_ids
    FROM quay_internal.adoption_report AS r
    WHERE r.run_id = run.id AND r.table_name = step.name AND r.treatment = ANY (ARRAY['left out', 'merged']);
    EXECUTE format('SELECT count(*), coalesce(sum(x.id), 0) FROM quay.%I AS x', step.name) INTO target_rows, target_ids;
    IF (source_rows, source_ids) IS DISTINCT FROM (scanned.source_rows, scanned.source_ids) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY163',
            MESSAGE = 'the source has changed',
            DETAIL = format('Table "%s" had %s rows, and has %s now; or other ids.', step.name, scanned.source_rows, source_rows),
            HINT = 'Stop what writes to the source, and adopt into a new database.';
    END IF;
    IF (target_rows, target_ids) IS DISTINCT FROM (source_rows - omitted_rows, source_ids - omitted_ids) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY163',
            MESSAGE = 'what was copied is not what the source has',
            DETAIL = format('Table "%s": %s rows in the source, %s reported as left out or merged, %s here; or other ids.', step.name,
                            source_rows, omitted_rows, target_rows),
            HINT = 'Somebody wrote to the source or to this registry meanwhile. Stop that, and adopt into a new database.';
    END IF;
    RETURN target_rows;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_compare(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Requires that a table has the rows of the source without those that are left out or merged, by number and sum of ids. Errors: QY163.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_prove(table_name text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key record;
    lost bigint;
BEGIN
    FOR key IN SELECT k.* FROM quay_internal.reference_key_list(table_name) AS k LOOP
        EXECUTE format('SELECT s.id FROM quay.%I AS s LEFT JOIN quay.%I AS p ON p.id = s.%3$I WHERE s.%3$I IS NOT NULL AND p.id IS NULL LIMIT 1',
                       table_name, key.target, key.column_name) INTO lost;
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY163',
                MESSAGE = 'a foreign key does not hold',
                DETAIL = format('Row %s of table "%s": there is no such %s.', lost, table_name, key.column_name),
                HINT = 'Somebody wrote to the source or to this registry meanwhile. Stop that, and adopt into a new database.';
        END IF;
    END LOOP;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_prove(text) IS 'Requires that all foreign keys of a table hold. Errors: QY163.';
