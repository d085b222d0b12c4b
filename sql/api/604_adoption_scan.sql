-- A Quay moves in: looking for what breaks a rule. Reads the source only, in whole statements, and writes the report that the copy then follows.
-- A dry run does the same, so its numbers are those of the copy.

CREATE OR REPLACE FUNCTION quay_internal.adoption_find(run quay_internal.adoption_run, rule text, table_name text, column_name text,
                                                       treatment text, query text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    -- Foreign tables have no statistics, and the planner takes them for small; reading one again for each row of another would never end.
    SET enable_nestloop = off AS $$
DECLARE
    examples CONSTANT integer := 100;
    found_count bigint;
BEGIN
    IF treatment = 'kept' THEN
        -- There may be as many as rows: a count and some examples.
        EXECUTE format('SELECT count(*) FROM (%s) AS q', quay_internal.adoption_sql(run, query)) INTO found_count
        USING run.started_ms, run.id, run.revision;
        IF found_count > 0 THEN
            EXECUTE format('INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, detail) '
                           'SELECT $2, $4, $5, q.id, ''kept'', left(q.detail, 200) FROM (%s) AS q (id, old_value, new_value, detail) LIMIT %s',
                           quay_internal.adoption_sql(run, query), examples)
            USING run.started_ms, run.id, run.revision, rule, table_name;
        END IF;
    ELSE
        -- What is out already is out; of two changes of a column the first one counts.
        EXECUTE format(
            'INSERT INTO quay_internal.adoption_report AS a '
            '    (run_id, rule, table_name, source_id, treatment, column_name, old_value, new_value, detail) '
            'SELECT $2, $4, $5, q.id, $6, $7, left(q.old_value, 1000), q.new_value, left(q.detail, 200) '
            'FROM (%s) AS q (id, old_value, new_value, detail) ORDER BY q.id '
            'ON CONFLICT DO NOTHING', quay_internal.adoption_sql(run, query))
        USING run.started_ms, run.id, run.revision, rule, table_name, treatment, column_name;
        GET DIAGNOSTICS found_count = ROW_COUNT;
        IF treatment = 'merged' THEN
            INSERT INTO quay_internal.adoption_map (run_id, table_name, source_id, target_id)
            SELECT run.id, adoption_find.table_name, a.source_id, a.new_value::bigint
            FROM quay_internal.adoption_report AS a
            WHERE a.run_id = run.id AND a.rule = adoption_find.rule AND a.table_name = adoption_find.table_name;
        END IF;
    END IF;
    IF found_count > 0 THEN
        INSERT INTO quay_internal.adoption_finding AS f (run_id, rule, table_name, column_name, treatment, row_count)
        VALUES (run.id, adoption_find.rule, adoption_find.table_name, coalesce(adoption_find.column_name, ''), adoption_find.treatment, found_count);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_find(quay_internal.adoption_run, text, text, text, text, text) IS
    'Writes down what a rule finds in the source.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_column(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    col record;
    substitute text;
BEGIN
    FOR col IN
        SELECT c.*, a.attnotnull AS is_proven, a.atttypid AS source_type, a.atttypmod AS source_length,
               t.atttypid AS target_type, t.atttypmod AS target_length
        FROM quay_internal.reference_column_list(adoption_scan_column.table_name) AS c
        JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', run.source_schema, adoption_scan_column.table_name))
            AND a.attname = c.column_name
        JOIN pg_attribute AS t ON t.attrelid = format('quay.%I', adoption_scan_column.table_name)::regclass AND t.attname = c.column_name
    LOOP
        IF col.is_required AND NOT col.is_proven AND col.column_name <> 'id' THEN
            substitute := col.default_value;
            PERFORM quay_internal.adoption_find(run, 'not_null', table_name, col.column_name,
                CASE WHEN substitute IS NULL THEN 'left out' ELSE 'changed' END,
                format('SELECT s.id, NULL, (%s)::text, NULL FROM {%s} AS s WHERE s.%I IS NULL', coalesce(substitute, 'NULL'), table_name, col.column_name));
        END IF;
        IF col.target_type = 'varchar'::regtype AND col.target_length > 0
           AND NOT (col.source_type = 'varchar'::regtype AND col.source_length BETWEEN 1 AND col.target_length) THEN
            PERFORM quay_internal.adoption_find(run, 'text_too_long', table_name, col.column_name, 'left out',
                format('SELECT s.id, NULL, NULL, format(''%%s characters.'', length(s.%2$I)) FROM {%1$s} AS s WHERE length(s.%2$I) > %3$s',
                       table_name, col.column_name, col.target_length - 4));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_column(quay_internal.adoption_run, text) IS
    'Looks for missing and for overlong values in columns in which the source allows them.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_key(run quay_internal.adoption_run, table_name text, to_itself boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Columns that may be empty, but not in a row that has lost what it pointed to.
    needed CONSTANT text[] := ARRAY['permissionprototype.activating_user_id', 'permissionprototype.delegate_team_id', 'permissionprototype.delegate_user_id',
                                    'repository.namespace_user_id', 'repositorypermission.team_id', 'repositorypermission.user_id',
                                    'tag.manifest_id', 'teammemberinvite.user_id'];
    key record;
    is_needed boolean;
BEGIN
    FOR key IN
        SELECT k.* FROM quay_internal.reference_key_list(table_name) AS k WHERE (k.target = adoption_scan_key.table_name) = to_itself
    LOOP
        is_needed := key.is_required OR table_name || '.' || key.column_name = ANY (needed);
        PERFORM quay_internal.adoption_find(run, 'foreign_key', table_name, key.column_name,
            CASE WHEN is_needed THEN 'left out' ELSE 'changed' END,
            format('SELECT s.id, s.%1$I::text, NULL, format(''There is no %3$s with the id %%s.'', s.%1$I) '
                   'FROM {%2$s} AS s LEFT JOIN {%3$s} AS p ON p.id = s.%1$I WHERE s.%1$I IS NOT NULL AND p.id IS NULL',
                   key.column_name, table_name, key.target));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_key(quay_internal.adoption_run, text, boolean) IS
    'Looks for references of a table, to others or to itself, to what is not there or is left out.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_unique(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Unique through rules of their own.
    others CONSTANT text[] := ARRAY['imagestorage_content_checksum', 'tag_repository_id_name_live'];
    random CONSTANT text[] := ARRAY['uuid', 'client_id', 'email', 'state_id'];
    source regclass := to_regclass(format('%I.%I', run.source_schema, table_name));
    unique_index record;
    key_list text;
    is_changed boolean;
BEGIN
    FOR unique_index IN
        SELECT i.indexrelid, c.relname::text AS name, pg_get_expr(i.indpred, i.indrelid) AS predicate,
               ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                     JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.place) AS columns
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = format('quay.%I', adoption_scan_unique.table_name)::regclass AND i.indisunique AND NOT i.indisprimary
          AND c.relname <> ALL (others)
        ORDER BY c.relname
    LOOP
        -- An index of the source on some of these columns proves it, unless rows of it are changed.
        CONTINUE WHEN NOT EXISTS (
                SELECT FROM unnest(unique_index.columns) AS k (name)
                LEFT JOIN quay_internal.reference_key_list(table_name) AS f ON f.column_name = k.name
                WHERE quay_internal.adoption_has(run.id, adoption_scan_unique.table_name, ARRAY['changed'], k.name)
                   OR quay_internal.adoption_map_changes(run.id, f.target))
            AND EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = source AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL
                  AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = unique_index.predicate)
                  AND (SELECT array_agg(a.attname::text) FROM pg_attribute AS a
                       WHERE a.attrelid = source AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) <@ unique_index.columns);
        SELECT string_agg(format('%I', k.name), ', ') INTO key_list FROM unnest(unique_index.columns) AS k (name);
        is_changed := cardinality(unique_index.columns) = 1 AND unique_index.columns <@ random AND table_name <> 'blobupload';
        PERFORM quay_internal.adoption_find(run, 'unique', table_name, array_to_string(unique_index.columns, ', '),
            CASE WHEN is_changed THEN 'changed' ELSE 'left out' END,
            format('WITH s AS (SELECT id, %2$s FROM {%1$s+} AS s WHERE num_nulls(%2$s) = 0 AND %3$s) '
                   'SELECT s.id, NULL, %4$s, format(''As in row %%s.'', d.kept) '
                   'FROM s JOIN (SELECT %2$s, min(id) AS kept FROM s GROUP BY %2$s HAVING count(*) > 1) AS d USING (%2$s) WHERE s.id <> d.kept',
                   table_name, key_list, coalesce(unique_index.predicate, 'true'),
                   CASE WHEN is_changed THEN 'gen_random_uuid()::text' ELSE 'NULL' END));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_unique(quay_internal.adoption_run, text) IS
    'Looks for rows that would break a unique index of ours, as they will be written, where no index of the source excludes it.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_table(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NULL THEN
        RETURN;
    END IF;
    PERFORM quay_internal.adoption_scan_column(run, table_name);
    PERFORM quay_internal.adoption_scan_key(run, table_name, false);
    FOR found IN
        SELECT l.* FROM quay_internal.adoption_rule_list() WITH ORDINALITY AS l
        WHERE l.table_name = adoption_scan_table.table_name AND l.treatment <> 'kept' ORDER BY l.ordinality
    LOOP
        PERFORM quay_internal.adoption_find(run, found.rule, found.table_name, found.column_name, found.treatment, found.query);
    END LOOP;
    PERFORM quay_internal.adoption_scan_key(run, table_name, true);
    PERFORM quay_internal.adoption_scan_unique(run, table_name);
    FOR found IN
        SELECT j.column_name,
               EXISTS (SELECT FROM quay_internal.secret_column_list() AS c WHERE c.table_name = j.table_name AND c.column_name = j.column_name) AS is_secret
        FROM quay_internal.adoption_json_column_list() AS j WHERE j.table_name = adoption_scan_table.table_name
    LOOP
        PERFORM quay_internal.adoption_find(run, 'json_double', table_name, found.column_name, 'decoded',
            format('SELECT s.id, %3$s, NULL, NULL FROM {%1$s} AS s WHERE s.%2$I LIKE ''"%%'' AND quay_internal.adoption_json(s.%2$I) <> s.%2$I',
                   table_name, found.column_name, CASE WHEN found.is_secret THEN 'NULL' ELSE format('s.%I', found.column_name) END));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_table(quay_internal.adoption_run, text) IS 'Looks at one table of the source for what breaks a rule.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_kept(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT l.* FROM quay_internal.adoption_rule_list() WITH ORDINALITY AS l
        WHERE l.treatment = 'kept' AND l.query IS NOT NULL ORDER BY l.ordinality
    LOOP
        PERFORM quay_internal.adoption_find(run, found.rule, found.table_name, found.column_name, found.treatment, found.query);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_kept(quay_internal.adoption_run) IS 'Counts what is taken as it is although it breaks a rule.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_enumeration(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source_id bigint;
    name text;
    content jsonb;
    known_id bigint;
    added_count bigint := 0;
BEGIN
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NULL THEN
        RETURN;
    END IF;
    FOR source_id, name, content IN
        EXECUTE quay_internal.adoption_sql(run, format('SELECT s.id, s.name, to_jsonb(s) FROM {%s} AS s ORDER BY s.id', table_name))
    LOOP
        EXECUTE format('SELECT min(e.id) FROM quay.%I AS e WHERE e.name = $1', table_name) INTO known_id USING name;
        IF known_id IS NULL THEN
            added_count := added_count + 1;
            INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, new_value, detail)
            VALUES (run.id, 'enumeration_added', adoption_scan_enumeration.table_name, source_id, 'kept', NULL, name);
            -- An id that only we give out stays if it can. A dry run adds nothing: ids below 0 stand for what would be new.
            IF run.dry_run THEN
                known_id := - source_id;
            ELSE
                EXECUTE format('INSERT INTO quay.%1$I SELECT a.* '
                               'FROM (SELECT CASE WHEN $2 > 1000 AND NOT EXISTS (SELECT FROM quay.%1$I AS e WHERE e.id = $2) THEN $2 '
                               '                  ELSE nextval(%2$L) END AS id OFFSET 0) AS n, '
                               '     jsonb_populate_record(NULL::quay.%1$I, $1 || jsonb_build_object(''id'', n.id)) AS a RETURNING id',
                               table_name, format('quay.%I', table_name || '_id_seq')) INTO known_id USING content, source_id;
            END IF;
        END IF;
        INSERT INTO quay_internal.adoption_map (run_id, table_name, source_id, target_id)
        VALUES (run.id, adoption_scan_enumeration.table_name, source_id, known_id);
    END LOOP;
    IF added_count > 0 THEN
        INSERT INTO quay_internal.adoption_finding (run_id, rule, table_name, treatment, row_count)
        VALUES (run.id, 'enumeration_added', adoption_scan_enumeration.table_name, 'kept', added_count);
        IF NOT run.dry_run THEN
            PERFORM quay_internal.adoption_sequence(table_name);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_enumeration(quay_internal.adoption_run, text) IS
    'Matches the names of an enumeration with ours, and adds those that are missing.';
