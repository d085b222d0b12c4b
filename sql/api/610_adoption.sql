-- A Quay moves in: the run. quay.adopt() begins one, or goes on with one that was interrupted, and does step after step, each in transactions
-- that also hold how far it got.

CREATE OR REPLACE FUNCTION quay_internal.adoption_revision_list() RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['9fa37f66a9b6', '6715e4719375', 'b30800b1d271', 'd064a4f00d4a', 'b1a79fa8e630', 'c3d4e5f6a7b8', '414c5e2fc487', '15f06d00c4b3',
                 'b1c2d3e4f5a6', 'b2c3d4e5f6a7', '285f36ce97fd'];
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_revision_list() IS 'Alembic revisions that quay.adopt() reads: the head and the ten before it, newest first.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_revision(source_schema text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    revision text;
BEGIN
    IF to_regclass(format('%I.alembic_version', source_schema)) IS NULL OR source_schema = ANY (ARRAY['quay', 'quay_internal']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'not the tables of a Quay',
            DETAIL = format('Schema "%s" has no table alembic_version that could be adopted.', left(source_schema, 80)),
            HINT = 'Name the schema that holds the tables of the Quay database, or into which IMPORT FOREIGN SCHEMA has put them.';
    END IF;
    EXECUTE format('SELECT string_agg(v.version_num, '', '') FROM %I.alembic_version AS v', source_schema) INTO revision;
    IF revision <> ALL (quay_internal.adoption_revision_list()) IS NOT FALSE THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'the revision of the Quay cannot be adopted',
            DETAIL = format('It is "%s"; the oldest one that can be is "%s", the newest "%s".', left(revision, 80),
                            (quay_internal.adoption_revision_list())[array_length(quay_internal.adoption_revision_list(), 1)], '9fa37f66a9b6'),
            HINT = 'Have the Quay application migrate its database to the newest of these revisions first.';
    END IF;
    IF to_regclass(format('%I.%I', source_schema, 'user')) IS NULL OR to_regclass(format('%I.repository', source_schema)) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'not the tables of a Quay',
            DETAIL = format('Schema "%s" lacks the table "user" or "repository".', left(source_schema, 80)),
            HINT = 'Import all tables, not a selection of them.';
    END IF;
    RETURN revision;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_revision(text) IS 'The Alembic revision of a source. Errors: QY160 it is none, or of a revision that cannot be read.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_require_empty() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    occupied boolean;
BEGIN
    FOR name IN SELECT l.table_name FROM quay_internal.reference_table_list() AS l WHERE NOT l.is_enumeration ORDER BY l.table_name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM quay.%I)', name) INTO occupied;
        IF occupied THEN
            RAISE EXCEPTION USING ERRCODE = 'QY162',
                MESSAGE = 'this registry is not empty',
                DETAIL = format('Table "%s" has rows.', name),
                HINT = 'Adopt into a new database with CREATE EXTENSION quay.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_require_empty() IS 'Refuses (QY162) a registry that has rows of its own: ids are kept, and would collide.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_forget(run_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.adoption_step AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_report AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_finding AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_map AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_run AS x WHERE x.id = adoption_forget.run_id;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_forget(bigint) IS 'Deletes what is known of a run.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_plan(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.adoption_step (run_id, place, phase, name)
    SELECT run.id, row_number() OVER (ORDER BY p.part, p.depth, p.name), p.phase, p.name
    FROM (
        SELECT 1 AS part, 0 AS depth, 'match' AS phase, t.table_name AS name FROM quay_internal.reference_order() AS t WHERE t.is_enumeration
        UNION ALL
        SELECT 2, t.depth, 'scan', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration
        UNION ALL
        SELECT 3, 0, 'scan', ''
        UNION ALL
        SELECT 4, x.depth, 'prepare', x.name FROM (VALUES (1, 'sequences'), (2, 'months of the audit log')) AS x (depth, name) WHERE NOT run.dry_run
        UNION ALL
        SELECT 5, t.depth, 'copy', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration AND NOT run.dry_run
        UNION ALL
        SELECT 6, t.depth, 'compare', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration AND NOT run.dry_run
        UNION ALL
        SELECT 7, x.depth, 'derive', x.name
        FROM (VALUES (1, 'contact addresses'), (2, 'uses in repositories'), (3, 'uses in namespaces'), (4, 'sizes'), (5, 'missing manifests'),
                     (6, 'reviews')) AS x (depth, name)
        WHERE NOT run.dry_run
        UNION ALL
        SELECT 8, t.depth, 'prove', t.table_name FROM quay_internal.reference_order() AS t WHERE t.depth > 0 AND NOT run.dry_run
        UNION ALL
        SELECT 9, 0, 'prove', 'registry_check' WHERE NOT run.dry_run
    ) AS p;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_plan(quay_internal.adoption_run) IS 'Writes down the steps of a run.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_lock(run_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_started_ms bigint := (SELECT (extract(epoch FROM a.backend_start) * 1000)::bigint FROM pg_stat_get_activity(pg_backend_pid()) AS a);
    run quay_internal.adoption_run;
    other record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('quay adoption', 0)) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY161',
            MESSAGE = 'another session is adopting',
            HINT = 'The view quay.adoption_progress shows how far it is.';
    END IF;
    -- Between two transactions of a run nobody has the lock: its session is at work all the same.
    SELECT * INTO run FROM quay_internal.adoption_run AS r WHERE r.id = adoption_lock.run_id;
    IF run.owner_pid IS DISTINCT FROM pg_backend_pid() OR run.owner_started_ms IS DISTINCT FROM own_started_ms THEN
        SELECT a.state INTO other FROM pg_stat_get_activity(run.owner_pid) AS a
        WHERE run.owner_pid IS NOT NULL AND (extract(epoch FROM a.backend_start) * 1000)::bigint = run.owner_started_ms;
        IF other.state = 'active' THEN
            RAISE EXCEPTION USING ERRCODE = 'QY161',
                MESSAGE = 'another session is adopting',
                DETAIL = format('The server process %s does.', run.owner_pid),
                HINT = 'The view quay.adoption_progress shows how far it is.';
        END IF;
        UPDATE quay_internal.adoption_run AS r SET owner_pid = pg_backend_pid(), owner_started_ms = own_started_ms
        WHERE r.id = adoption_lock.run_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_lock(bigint) IS 'Makes this session the only one that adopts, until its transaction ends. Errors: QY161 another one does.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_begin(source_schema text, dry_run boolean, batch_size integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run quay_internal.adoption_run;
    old_id bigint;
BEGIN
    IF num_nulls(source_schema, dry_run, batch_size) > 0 OR batch_size < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal argument',
            DETAIL = 'source_schema and dry_run are not NULL, and batch_size is at least 1.',
            HINT = 'See \df+ quay.adopt.';
    END IF;
    SELECT * INTO run FROM quay_internal.adoption_run AS r WHERE r.ended_ms IS NULL;
    PERFORM quay_internal.adoption_lock(run.id);
    -- 42501 for who may not; then for the transactions of the copy only.
    PERFORM set_config('session_replication_role', 'replica', true), set_config('session_replication_role', 'origin', true);
    IF NOT run.dry_run THEN
        IF run.source_schema <> adoption_begin.source_schema OR adoption_begin.dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'QY162',
                MESSAGE = 'an adoption has been begun and not ended',
                DETAIL = format('Its source is schema "%s".', run.source_schema),
                HINT = format('Go on with it: CALL quay.adopt(%L).', run.source_schema);
        END IF;
        PERFORM quay_internal.adoption_revision(run.source_schema);
        UPDATE quay_internal.adoption_run AS r SET error = NULL, batch_size = adoption_begin.batch_size WHERE r.id = run.id;
        RETURN run.id;
    END IF;

    PERFORM quay_internal.adoption_require_empty();
    FOR old_id IN SELECT r.id FROM quay_internal.adoption_run AS r LOOP
        PERFORM quay_internal.adoption_forget(old_id);
    END LOOP;
    INSERT INTO quay_internal.adoption_run (source_schema, dry_run, revision, batch_size, started_ms)
    VALUES (adoption_begin.source_schema, adoption_begin.dry_run, quay_internal.adoption_revision(adoption_begin.source_schema),
            adoption_begin.batch_size, quay_internal.clock_ms())
    RETURNING * INTO run;
    PERFORM quay_internal.adoption_lock(run.id);
    PERFORM quay_internal.adoption_plan(run);
    RETURN run.id;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_begin(text, boolean, integer) IS
    'Begins a run, or takes up the one of this source that has not ended. Errors: QY160 no Quay, or its revision; QY161 another session adopts; QY162 this registry is not empty, or another run has not ended; 42501; 22023.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_do(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted record;
BEGIN
    IF step.phase = 'copy' THEN
        RETURN quay_internal.adoption_copy(run, step);
    ELSIF step.name LIKE 'uses in %' THEN
        RETURN quay_internal.adoption_blob_use(step);
    END IF;
    CASE step.phase
    WHEN 'match' THEN
        PERFORM quay_internal.adoption_scan_enumeration(run, step.name);
    WHEN 'scan' THEN
        IF step.name = '' THEN
            PERFORM quay_internal.adoption_scan_kept(run);
        ELSE
            counted := quay_internal.adoption_count(run, step.name);
            step.source_rows := counted.row_count;
            step.source_ids := counted.id_sum;
            IF counted.row_count > 0 THEN
                PERFORM quay_internal.adoption_scan_table(run, step.name);
            END IF;
        END IF;
    WHEN 'compare' THEN
        step.row_count := quay_internal.adoption_compare(run, step);
    ELSE
        CASE step.name
        WHEN 'sequences' THEN
            PERFORM quay_internal.adoption_reserve(run);
        WHEN 'months of the audit log' THEN
            step.row_count := quay_internal.adoption_months(run);
        WHEN 'contact addresses' THEN
            step.row_count := quay_internal.adoption_contact_email(run);
        WHEN 'sizes' THEN
            step.row_count := quay_internal.adoption_size();
        WHEN 'missing manifests' THEN
            step.row_count := quay_internal.adoption_missing_child();
        WHEN 'reviews' THEN
            step.row_count := quay_internal.adoption_review();
        WHEN 'registry_check' THEN
            step.row_count := quay_internal.adoption_registry_check(run);
        ELSE
            step.row_count := quay_internal.adoption_prove(step.name);
        END CASE;
    END CASE;
    step.ended_ms := quay_internal.clock_ms();
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_do(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Does a step, or the next part of it, and returns how far it got.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_advance(run_id bigint, OUT finished boolean, OUT summary text, OUT error_code text,
                                                          OUT error_message text, OUT error_detail text, OUT error_hint text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run quay_internal.adoption_run;
    step quay_internal.adoption_step;
    started bigint := quay_internal.clock_ms();
    place text;
BEGIN
    PERFORM quay_internal.adoption_lock(run_id);
    SELECT * INTO STRICT run FROM quay_internal.adoption_run AS r WHERE r.id = adoption_advance.run_id;
    SELECT * INTO step FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.ended_ms IS NULL ORDER BY p.place LIMIT 1;
    finished := NOT FOUND;
    IF finished THEN
        UPDATE quay_internal.adoption_run AS r SET ended_ms = quay_internal.clock_ms(), owner_pid = NULL, owner_started_ms = NULL, error = NULL
        WHERE r.id = run.id;
        summary := quay_internal.adoption_summarize(run);
        RETURN;
    END IF;
    BEGIN
        step := quay_internal.adoption_do(run, step);
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT, error_detail = PG_EXCEPTION_DETAIL,
                                error_hint = PG_EXCEPTION_HINT;
        -- Written down, and raised by the caller after the commit.
        -- Without the detail, which may show values of the row.
        place := format('%s %s: ', step.phase, step.name);
        UPDATE quay_internal.adoption_run AS r SET error = left(place || error_message, 1000),
                                                   owner_pid = NULL, owner_started_ms = NULL
        WHERE r.id = run.id;
        RETURN;
    END;
    UPDATE quay_internal.adoption_step AS p
    SET last_id = step.last_id, row_count = step.row_count, source_rows = step.source_rows, source_ids = step.source_ids,
        started_ms = coalesce(p.started_ms, started), ended_ms = step.ended_ms
    WHERE p.run_id = run.id AND p.place = step.place;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_advance(bigint) IS
    'Does the next part of a run, in the transaction of the caller. An error of it is written down and returned, not raised. Errors: QY161 another session has taken over.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_summarize(run quay_internal.adoption_run) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%s of schema "%s" at revision %s: %s rows in the source, %s copied, %s left out, %s merged, %s changed, %s findings about the rest',
        CASE WHEN run.dry_run THEN 'dry run' ELSE 'adoption' END, run.source_schema, run.revision,
        (SELECT sum(p.source_rows) FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'scan'),
        (SELECT coalesce(sum(p.row_count), 0) FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'copy'),
        f.left_out, f.merged, f.changed, f.kept)
    FROM (SELECT coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'left out'), 0) AS left_out,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'merged'), 0) AS merged,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = ANY (ARRAY['changed', 'decoded'])), 0) AS changed,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'kept'), 0) AS kept
          FROM quay_internal.adoption_finding AS f WHERE f.run_id = run.id) AS f;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_summarize(quay_internal.adoption_run) IS 'A run in one sentence.';

CREATE OR REPLACE PROCEDURE quay.adopt(source_schema text, dry_run boolean DEFAULT false, batch_size integer DEFAULT 100000)
    LANGUAGE plpgsql AS $$
DECLARE
    run_id pg_catalog.int8;
    part pg_catalog.record;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    run_id := quay_internal.adoption_begin(adopt.source_schema, adopt.dry_run, adopt.batch_size);
    COMMIT;
    LOOP
        SELECT a.* INTO part FROM quay_internal.adoption_advance(run_id) AS a;
        COMMIT;
        IF part.error_code IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = part.error_code, MESSAGE = part.error_message, DETAIL = part.error_detail, HINT = part.error_hint;
        END IF;
        EXIT WHEN part.finished;
    END LOOP;
    RAISE NOTICE '%', part.summary USING HINT = 'See the views quay.adoption_summary and quay.adoption_report.';
END
$$;
COMMENT ON PROCEDURE quay.adopt(text, boolean, integer) IS
'Takes the tables of a Quay database, in another schema of this database (foreign tables too), into this registry, which must be empty: ids are kept, names of enumerations matched. Not within a transaction: it commits after every batch_size rows; interrupted, the same call goes on.
dry_run: looks for everything that would be left out or changed, and writes that down, but nothing else. What it looks for is in quay.adoption_rules(); what it found in the views quay.adoption_summary and quay.adoption_report; how far it is in quay.adoption_progress.
The source is only read, and must not be written to meanwhile. For superusers and roles that may set session_replication_role.
Errors: QY160 no Quay, or of a revision that cannot be read; QY161 another session adopts; QY162 the registry is not empty, or another adoption has not ended; QY163 the source has changed, or what arrived is not what was there; 42501; 22023.';

CREATE OR REPLACE VIEW quay.adoption_progress AS
SELECT p.run_id, r.source_schema, r.dry_run, p.place, p.phase, p.name,
       CASE WHEN p.ended_ms IS NOT NULL THEN 'done' WHEN p.started_ms IS NOT NULL THEN 'running' ELSE 'waiting' END AS state,
       p.row_count, coalesce(p.source_rows, s.source_rows) AS source_rows, p.last_id,
       to_timestamp(p.started_ms / 1000.0) AT TIME ZONE 'UTC' AS started, to_timestamp(p.ended_ms / 1000.0) AT TIME ZONE 'UTC' AS ended,
       CASE WHEN p.place = min(p.place) FILTER (WHERE p.ended_ms IS NULL) OVER (PARTITION BY p.run_id) THEN r.error END AS error
FROM quay_internal.adoption_step AS p
JOIN quay_internal.adoption_run AS r ON r.id = p.run_id
LEFT JOIN quay_internal.adoption_step AS s ON s.run_id = p.run_id AND s.phase = 'scan' AND s.name = p.name AND p.phase = ANY (ARRAY['copy', 'compare']);
COMMENT ON VIEW quay.adoption_progress IS 'The steps of the adoption that is under way, or of the last one, and how far each is.';
COMMENT ON COLUMN quay.adoption_progress.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_progress.source_schema IS 'Schema of the source.';
COMMENT ON COLUMN quay.adoption_progress.dry_run IS 'Only looking.';
COMMENT ON COLUMN quay.adoption_progress.place IS 'Place of the step in the run.';
COMMENT ON COLUMN quay.adoption_progress.phase IS 'match: enumerations by name. scan: looking for what breaks a rule. prepare. copy. compare: with the source, by number and ids. derive: what follows from the content. prove: foreign keys, registry_check().';
COMMENT ON COLUMN quay.adoption_progress.name IS 'Table, or what is made.';
COMMENT ON COLUMN quay.adoption_progress.state IS 'waiting, running or done.';
COMMENT ON COLUMN quay.adoption_progress.row_count IS 'Rows copied, compared or made so far.';
COMMENT ON COLUMN quay.adoption_progress.source_rows IS 'Rows of the table in the source.';
COMMENT ON COLUMN quay.adoption_progress.last_id IS 'All ids up to this one are done.';
COMMENT ON COLUMN quay.adoption_progress.started IS 'When its first part began, UTC.';
COMMENT ON COLUMN quay.adoption_progress.ended IS 'When it was done, UTC.';
COMMENT ON COLUMN quay.adoption_progress.error IS 'Why the run stopped here; the next call tries again.';

CREATE OR REPLACE VIEW quay.adoption_summary AS
SELECT f.run_id, f.rule, f.table_name, nullif(f.column_name, '') AS column_name, f.treatment, f.row_count, m.meaning
FROM quay_internal.adoption_finding AS f
LEFT JOIN quay.adoption_rules() AS m ON m.rule = f.rule;
COMMENT ON VIEW quay.adoption_summary IS 'What the adoption has found, by rule and table, and how often.';
COMMENT ON COLUMN quay.adoption_summary.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_summary.rule IS 'The rule, of quay.adoption_rules(); registry_check: of quay.registry_check_rules().';
COMMENT ON COLUMN quay.adoption_summary.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay.adoption_summary.column_name IS 'Column, or columns.';
COMMENT ON COLUMN quay.adoption_summary.treatment IS 'left out, changed, decoded, merged or kept.';
COMMENT ON COLUMN quay.adoption_summary.row_count IS 'Number of rows.';
COMMENT ON COLUMN quay.adoption_summary.meaning IS 'What the rule says.';

CREATE OR REPLACE VIEW quay.adoption_report AS
SELECT r.run_id, r.rule, r.table_name, r.source_id, r.treatment, r.column_name, r.old_value, r.new_value, r.detail
FROM quay_internal.adoption_report AS r;
COMMENT ON VIEW quay.adoption_report IS 'Each row that the adoption leaves out, merges or changes. Of what is kept all the same up to 100 examples for each rule.';
COMMENT ON COLUMN quay.adoption_report.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_report.rule IS 'The rule, of quay.adoption_rules().';
COMMENT ON COLUMN quay.adoption_report.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay.adoption_report.source_id IS 'Id of the row in the source.';
COMMENT ON COLUMN quay.adoption_report.treatment IS 'left out, changed, decoded, merged or kept.';
COMMENT ON COLUMN quay.adoption_report.column_name IS 'The column that is changed, or why the row is left out.';
COMMENT ON COLUMN quay.adoption_report.old_value IS 'What the column holds in the source; of JSON that may hold a secret NULL.';
COMMENT ON COLUMN quay.adoption_report.new_value IS 'What it holds here; of a merged row the id of the one that stays.';
COMMENT ON COLUMN quay.adoption_report.detail IS 'More about the row.';
