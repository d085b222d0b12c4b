-- Where a database stands between versions, how it got there, and what an update or a downgrade would run.
--
-- What a step does, locks and costs stands in its script, in lines that start with "-- @"; the build collects them into the library
-- (sql/assemble steps). So they are known as soon as the package of a new version is installed, before the update that they are about.

CREATE OR REPLACE FUNCTION quay_internal.version_number(version text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.string_to_array(version, '.')::pg_catalog.int4[];
COMMENT ON FUNCTION quay_internal.version_number(text) IS 'A version as numbers, by which versions are ordered: 1.10 comes after 1.9.';

CREATE OR REPLACE FUNCTION quay_internal.migration_record(from_version text, to_version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The wall clock, whatever quay.clock says: this is about the server, not about the registry in it.
    now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
    last_ms bigint := coalesce((SELECT max(j.finished_ms) FROM quay_internal.migration_journal AS j), 0);
BEGIN
    -- One command may run several steps, each of which begins where the one before ended. A clock that was set back changes no order.
    INSERT INTO quay_internal.migration_journal (finished_ms, kind, from_version, to_version, duration_ms, role_name, server_version)
    VALUES (greatest(now_ms, last_ms + 1),
            CASE WHEN from_version IS NULL THEN 'install'
                 WHEN quay_internal.version_number(from_version) < quay_internal.version_number(to_version) THEN 'update'
                 ELSE 'downgrade' END,
            migration_record.from_version, migration_record.to_version,
            greatest(now_ms - greatest((extract(epoch FROM statement_timestamp()) * 1000)::bigint, last_ms), 0),
            session_user, current_setting('server_version'));
END
$$;
COMMENT ON FUNCTION quay_internal.migration_record(text, text) IS
    'Writes the line of a step into the journal, as the last act of the step. First argument NULL: of an installation.';

CREATE OR REPLACE FUNCTION quay.migration_history()
    RETURNS TABLE (kind text, from_version text, to_version text, finished timestamp, duration interval, role text, server_version text,
                   is_current boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT CASE WHEN j.kind = 'install' AND lag(j.kind) OVER before IS NOT NULL THEN 'restore' ELSE j.kind END,
               j.from_version, j.to_version, to_timestamp(j.finished_ms / 1000.0) AT TIME ZONE 'UTC', make_interval(secs => j.duration_ms / 1000.0),
               j.role_name, j.server_version, lead(j.kind) OVER before IS NULL
        FROM quay_internal.migration_journal AS j
        WINDOW before AS (ORDER BY j.finished_ms)
        ORDER BY j.finished_ms;
END
$$;
COMMENT ON FUNCTION quay.migration_history() IS
    'What was run in this database, oldest first: install; before, which is the version of a database from before version 1.4, whose earlier steps nobody wrote down; update and downgrade, one row for each step; restore, where a dump was restored. With the end (UTC), how long it took, who did it and the version of the server. is_current: the last row. migration_status() says where the database stands.';

CREATE OR REPLACE FUNCTION quay.migration_status()
    RETURNS TABLE (state text, rows_version text, extension_version text, library_version text, default_version text,
                   available_versions text[], next_step text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    rows_version := quay.version();
    library_version := quay_internal.version_library();
    SELECT e.extversion INTO extension_version FROM pg_extension AS e WHERE e.extname = 'quay';
    SELECT a.default_version INTO default_version FROM pg_available_extensions AS a WHERE a.name = 'quay';
    available_versions := ARRAY(SELECT v.version FROM pg_available_extension_versions AS v WHERE v.name = 'quay'
                                ORDER BY quay_internal.version_number(v.version));
    state := CASE
        WHEN rows_version IS DISTINCT FROM extension_version THEN 'mixed'
        WHEN quay_internal.version_number(library_version) < quay_internal.version_number(extension_version)
             OR quay_internal.version_number(library_version) < quay_internal.version_number(default_version) THEN 'old library'
        WHEN default_version IS NULL OR quay_internal.version_number(default_version) < quay_internal.version_number(extension_version) THEN 'old package'
        WHEN quay_internal.version_number(extension_version) < quay_internal.version_number(default_version) THEN 'behind'
        ELSE 'current'
    END;
    next_step := CASE state
        WHEN 'mixed' THEN 'Restore the dump into an empty database that has the extension in the version of the dump, then update.'
        WHEN 'old library' THEN format('Connect anew: this session has the library of version %s.', library_version)
        WHEN 'old package' THEN format('Install the package of version %s on this server.', extension_version)
        WHEN 'behind' THEN 'See what quay.migration_path() says, then run ALTER EXTENSION quay UPDATE.'
    END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.migration_status() IS
    'Where the database stands, in one row: the version of its rows, of the extension, of the library in this session, and of what is installed on the server. state: current; behind, so an update is possible; mixed, so a dump of one version was restored into another; old library, so this session began before the package was replaced; old package, so the server has not what the database needs. next_step: what to do about it, NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.migration_step_text() RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_version_steps';
COMMENT ON FUNCTION quay_internal.migration_step_text() IS 'What the scripts of all steps say about themselves, as JSON, up to the version of the library.';

CREATE OR REPLACE FUNCTION quay_internal.migration_step_list()
    RETURNS TABLE (from_version text, to_version text, about text, may_refuse text[], refusals jsonb, locks jsonb, work jsonb)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s."from", s."to", s.about, s.may_refuse, s.refusals, s.locks, s.work
        FROM jsonb_to_recordset(quay_internal.migration_step_text()::jsonb)
            AS s ("from" text, "to" text, about text, may_refuse text[], refusals jsonb, locks jsonb, work jsonb);
END
$$;
COMMENT ON FUNCTION quay_internal.migration_step_list() IS
    'The steps that the library knows: what each does, why it may refuse, conditions under which a downgrade refuses, relations by the mode in which the step locks them (SHARE and stronger), and what takes longer the more rows there are, in microseconds for each.';

CREATE OR REPLACE FUNCTION quay_internal.migration_refused(from_version text, to_version text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text[] := ARRAY[]::text[];
    refusal record;
    holds boolean;
BEGIN
    FOR refusal IN
        SELECT r."when", r.what FROM quay_internal.migration_step_list() AS s, jsonb_to_recordset(s.refusals) AS r ("when" text, what text)
        WHERE s.from_version = migration_refused.from_version AND s.to_version = migration_refused.to_version
    LOOP
        -- The text is that of the script, which comes with the library.
        EXECUTE 'SELECT ' || refusal."when" INTO holds;
        IF holds THEN
            result := result || refusal.what;
        END IF;
    END LOOP;
    RETURN result;
-- The last one: an UNLOGGED table, on a standby.
EXCEPTION WHEN insufficient_privilege OR undefined_table OR undefined_column OR undefined_function OR feature_not_supported THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.migration_refused(text, text) IS
    'For which of its conditions of downgrade_refuse() this step would refuse now. NULL: this role, this database or this standby cannot tell.';

CREATE OR REPLACE FUNCTION quay_internal.row_guess(relation text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A table that was never analyzed is guessed from its size.
    RETURN (SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 100 END
            FROM pg_class AS c WHERE c.oid = to_regclass(row_guess.relation));
END
$$;
COMMENT ON FUNCTION quay_internal.row_guess(text) IS 'About how many rows a table has, guessed from its size if it was never analyzed. NULL: there is no such table.';

CREATE OR REPLACE FUNCTION quay.migration_path(target text DEFAULT NULL, source text DEFAULT NULL)
    RETURNS TABLE (step integer, direction text, from_version text, to_version text, about text, may_refuse text[], refused_now text[],
                   locks jsonb, work text[], estimate interval)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here text := (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'quay');
    first text := coalesce(migration_path.source, here);
    last text := coalesce(migration_path.target, (SELECT a.default_version FROM pg_available_extensions AS a WHERE a.name = 'quay'));
    versions text[] := ARRAY(SELECT v.version FROM pg_available_extension_versions AS v WHERE v.name = 'quay'
                             ORDER BY quay_internal.version_number(v.version));
    unknown text := CASE WHEN first <> ALL (versions) THEN first WHEN last IS NULL OR last <> ALL (versions) THEN last END;
    path text[];
BEGIN
    IF unknown IS NOT NULL OR last IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY170',
            MESSAGE = 'no such version',
            DETAIL = format('Version "%s" of the extension is not installed on this server.', left(unknown, 80)),
            HINT = format('Versions are %s. For a newer one install its package first.', array_to_string(versions, ', '));
    END IF;
    SELECT string_to_array(p.path, '--') INTO path FROM pg_extension_update_paths('quay') AS p WHERE p.source = first AND p.target = last;
    IF path IS NULL AND first <> last THEN
        RAISE EXCEPTION USING ERRCODE = 'QY170',
            MESSAGE = 'no path to that version',
            DETAIL = format('No steps lead from version %s to version %s.', first, last),
            HINT = 'A script of the package is missing in the folder "extension" of this server: install the package again.';
    END IF;
    RETURN QUERY
        SELECT i::integer,
               CASE WHEN quay_internal.version_number(path[i]) < quay_internal.version_number(path[i + 1]) THEN 'up' ELSE 'down' END,
               path[i], path[i + 1], s.about, s.may_refuse,
               quay_internal.migration_refused(path[i], path[i + 1]),
               s.locks, w.lines, w.total
        FROM generate_series(1, cardinality(path) - 1) AS i
        LEFT JOIN quay_internal.migration_step_list() AS s ON s.from_version = path[i] AND s.to_version = path[i + 1]
        LEFT JOIN LATERAL (
            SELECT array_agg(format('%s: %s, about %s rows', x.relation, x.why, r.n) ORDER BY r.n * x.us DESC, x.relation) AS lines,
                   make_interval(secs => (round(coalesce(sum(r.n * x.us), 0) / 1000) / 1000)::double precision) AS total
            FROM jsonb_to_recordset(s.work) AS x (relation text, us numeric, why text)
            CROSS JOIN LATERAL (SELECT quay_internal.row_guess(x.relation) AS n) AS r
            WHERE r.n IS NOT NULL
        ) AS w ON s.work IS NOT NULL
        ORDER BY i;
END
$$;
COMMENT ON FUNCTION quay.migration_path(text, text) IS
    'The steps that ALTER EXTENSION quay UPDATE TO target would run, up or down; target NULL: the version that is installed as default. For each step: what it does; why it may refuse; refused_now, for which of the reasons of QY092 it would refuse now, which is cheap to tell (empty: for none; NULL: this role or this database cannot tell); locks, the relations by mode, SHARE and stronger, held until the end of the transaction; work, what takes longer the more rows there are, and estimate, about how long that takes on one core of a small machine. source: start from another version than that of this database. No row: there is nothing to do. about is NULL for a step that the library of this session does not know: connect anew. Errors: QY170 no such version, or no path to it.';

COMMENT ON TABLE quay_internal.migration_journal IS 'Each step that was run here, written by the step itself; quay.migration_history() shows it.';
COMMENT ON COLUMN quay_internal.migration_journal.finished_ms IS 'End of the step by the wall clock, ms since epoch UTC. Unique: later steps have later ones, even if the clock is set back.';
COMMENT ON COLUMN quay_internal.migration_journal.kind IS 'install, update, downgrade; before: the database is from before version 1.4, which began the journal.';
COMMENT ON COLUMN quay_internal.migration_journal.from_version IS 'Version before the step. NULL: none, or not known.';
COMMENT ON COLUMN quay_internal.migration_journal.to_version IS 'Version after the step.';
COMMENT ON COLUMN quay_internal.migration_journal.duration_ms IS 'How long the step took, ms. NULL: not known.';
COMMENT ON COLUMN quay_internal.migration_journal.role_name IS 'Who ran it: the role that had logged in. NULL: not known.';
COMMENT ON COLUMN quay_internal.migration_journal.server_version IS 'Version of PostgreSQL at that time. NULL: not known.';
