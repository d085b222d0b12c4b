-- The way back: plain tables with all that the reference application expects, derived from our catalog. Our tables have the reference's names,
-- columns, constraints and most of its indexes; api/622_release_index.sql lists the indexes that differ.

CREATE OR REPLACE FUNCTION quay_internal.release_prepare(target_schema text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF target_schema IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'illegal argument', DETAIL = 'target_schema is NULL.', HINT = 'Name a new schema.';
    END IF;
    IF to_regnamespace(format('%I', target_schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', target_schema);
    ELSIF EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(format('%I', target_schema))) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY164',
            MESSAGE = 'the target is not empty',
            DETAIL = format('Schema "%s" has tables or other relations.', left(target_schema, 80)),
            HINT = 'Name a schema that does not exist, or an empty one.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.release_prepare(text) IS 'Requires that the schema is empty, and makes it if it does not exist. Errors: QY164.';

CREATE OR REPLACE FUNCTION quay_internal.release_table(target_schema text, table_name text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target CONSTANT text := format('%I.%I', target_schema, table_name);
    sequence CONSTANT text := format('%I.%I', target_schema, table_name || '_id_seq');
    definitions text;
    columns text;
    copied bigint;
    highest bigint;
BEGIN
    EXECUTE format('CREATE SEQUENCE %s', sequence);
    SELECT string_agg(format('%I %s%s%s', c.column_name, c.column_type, CASE WHEN c.is_required THEN ' NOT NULL' ELSE '' END,
                             coalesce(' DEFAULT ' || CASE c.column_name WHEN 'id' THEN format('nextval(%L)', sequence) ELSE c.default_value END, '')),
                      ', ' ORDER BY c.place),
           string_agg(format('%I', c.column_name), ', ' ORDER BY c.place)
    INTO definitions, columns
    FROM quay_internal.reference_column_list(table_name) AS c;
    EXECUTE format('CREATE TABLE %s (%s)', target, definitions);
    EXECUTE format('ALTER SEQUENCE %s OWNED BY %s.id', sequence, target);
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM quay.%I', target, columns, table_name);
    GET DIAGNOSTICS copied = ROW_COUNT;
    -- As far as ours has gone: an id is never given out twice, also not of a row that is deleted.
    EXECUTE format('SELECT max(t.id) FROM %s AS t', target) INTO highest;
    highest := greatest(highest, pg_sequence_last_value(format('quay.%I', table_name || '_id_seq')::regclass));
    IF highest IS NOT NULL THEN
        PERFORM setval(sequence::regclass, highest);
    END IF;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION quay_internal.release_table(text, text) IS 'Makes one table, without its constraints and indexes, and returns how many rows it has.';

CREATE OR REPLACE FUNCTION quay_internal.release_index(target_schema text, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source CONSTANT regclass := format('quay.%I', table_name)::regclass;
    item record;
BEGIN
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I PRIMARY KEY (id)', target_schema, table_name,
        coalesce((SELECT k.conname FROM pg_constraint AS k WHERE k.conrelid = source AND k.contype = 'p'), 'pk_' || table_name));
    FOR item IN
        SELECT c.relname::text AS name, i.indisunique AS is_unique, split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) AS definition
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = source AND NOT i.indisprimary
          AND NOT EXISTS (SELECT FROM quay_internal.release_index_list() AS l WHERE l.index_name = c.relname)
          -- None on a column that the reference has not.
          AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                          WHERE d.objid = i.indexrelid AND d.refobjid = source
                            AND a.attname <> ALL (SELECT r.column_name FROM quay_internal.reference_column_list(release_index.table_name) AS r))
        UNION ALL
        SELECT l.index_name, l.is_unique, l.definition FROM quay_internal.release_index_list() AS l
        WHERE l.table_name = release_index.table_name AND l.definition IS NOT NULL
        ORDER BY 1
    LOOP
        EXECUTE format('CREATE %s INDEX %I ON %I.%I USING %s', CASE WHEN item.is_unique THEN 'UNIQUE' ELSE '' END, item.name, target_schema,
                       table_name, item.definition);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.release_index(text, text) IS 'Makes the primary key and the indexes of a table.';

CREATE OR REPLACE FUNCTION quay_internal.release_key(target_schema text, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT k.conname::text AS name, a.attname::text AS column_name, t.relname::text AS target
        FROM pg_constraint AS k
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        JOIN pg_class AS t ON t.oid = k.confrelid
        WHERE k.conrelid = format('quay.%I', release_key.table_name)::regclass AND k.contype = 'f'
        ORDER BY k.conname
    LOOP
        EXECUTE format('ALTER TABLE %1$I.%2$I ADD CONSTRAINT %3$I FOREIGN KEY (%4$I) REFERENCES %1$I.%5$I (id)', target_schema, table_name,
                       item.name, item.column_name, item.target);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.release_key(text, text) IS 'Makes the foreign keys of a table.';

CREATE OR REPLACE FUNCTION quay_internal.release_all(target_schema text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[] := ARRAY(SELECT t.table_name FROM quay_internal.reference_order() AS t);
    name text;
    copied bigint := 0;
BEGIN
    PERFORM quay_internal.release_prepare(target_schema);
    EXECUTE format('CREATE TABLE %I.alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))',
                   target_schema);
    EXECUTE format('INSERT INTO %I.alembic_version SELECT v.version_num FROM quay.alembic_version AS v', target_schema);
    FOREACH name IN ARRAY names LOOP
        copied := copied + quay_internal.release_table(target_schema, name);
    END LOOP;
    FOREACH name IN ARRAY names LOOP
        PERFORM quay_internal.release_index(target_schema, name);
    END LOOP;
    FOREACH name IN ARRAY names LOOP
        PERFORM quay_internal.release_key(target_schema, name);
        EXECUTE format('ANALYZE %I.%I', target_schema, name);
    END LOOP;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION quay_internal.release_all(text) IS 'Does the work of quay.release(), as of the snapshot of the transaction if that is REPEATABLE READ.';

CREATE OR REPLACE PROCEDURE quay.release(target_schema text)
    LANGUAGE plpgsql AS $$
DECLARE
    copied pg_catalog.int8;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    copied := quay_internal.release_all(release.target_schema);
    COMMIT;
    RAISE NOTICE 'released % rows into schema "%"', copied, release.target_schema;
END
$$;
COMMENT ON PROCEDURE quay.release(text) IS
'The way back to a plain Quay database: writes all tables of the reference application into a schema that is new or empty, with their rows, sequences, defaults, keys and indexes, and the Alembic revision of its head. What only this extension has stays behind. Everything is as of one moment, and in one transaction, so it is there whole or not at all; others read and write meanwhile. Not within a transaction. For the owner of the tables.
Columns of ids are bigint, where the reference has integer. Uploads that were begun through quay.upload_start() cannot be continued by the reference application: finish or cancel them first.
Errors: QY164 the schema is not empty; 22023.';
