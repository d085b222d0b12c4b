-- Reading the audit log: three generations as one, newest first, page by page.
--
-- An order that is total, (datetime, id, generation), makes pages that lose and repeat nothing however many entries have the same time. A
-- page walks back in windows that begin with months and double, so that it opens the months that it needs, not all there are.

CREATE OR REPLACE VIEW quay_internal.log_entry AS
SELECT 3 AS generation, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry3 AS l
UNION ALL
SELECT 2, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry2 AS l
UNION ALL
SELECT 1, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry AS l;
COMMENT ON VIEW quay_internal.log_entry IS 'The audit log, all its generations. A reader gives a range of datetime, so that it opens only the months in it.';
COMMENT ON COLUMN quay_internal.log_entry.generation IS '3, 2 or 1: a row of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_entry.id IS 'Id in its table.';
COMMENT ON COLUMN quay_internal.log_entry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay_internal.log_entry.account_id IS 'Namespace in which it was done.';
COMMENT ON COLUMN quay_internal.log_entry.performer_id IS 'Who did it. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay_internal.log_entry.repository_id IS 'Repository concerned. NULL: none.';
COMMENT ON COLUMN quay_internal.log_entry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay_internal.log_entry.ip IS 'Address of the client. NULL: unknown.';
COMMENT ON COLUMN quay_internal.log_entry.metadata_json IS 'JSON object with the details of the action.';

CREATE OR REPLACE FUNCTION quay_internal.log_cursor(datetime timestamp, id bigint, generation integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM datetime) * 1000000)::bigint || '.' || id || '.' || generation;
COMMENT ON FUNCTION quay_internal.log_cursor(timestamp, bigint, integer) IS 'Place of an entry in the order of the audit log, as text.';

CREATE OR REPLACE FUNCTION quay_internal.log_cursor_read(after text, OUT at timestamp, OUT id bigint, OUT generation integer)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF after !~ '^-?\d{1,18}\.-?\d{1,18}\.[123]$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a list',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    at := timestamp '1970-01-01' + split_part(after, '.', 1)::bigint * interval '1 microsecond';
    id := split_part(after, '.', 2)::bigint;
    generation := split_part(after, '.', 3)::integer;
END
$$;
COMMENT ON FUNCTION quay_internal.log_cursor_read(text) IS 'The parts of what log_cursor() made; NULL for NULL. Errors: 22023 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.log_filter(namespace text, repository text, performer text, kinds text[], exclude_kinds text[],
                                                    namespace_id bigint, repository_id bigint, performer_id bigint,
                                                    OUT account_id bigint, OUT repository_only bigint, OUT performer_only bigint,
                                                    OUT kind_ids bigint[], OUT other_kind_ids bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject record := quay_internal.log_subject(log_filter.namespace, log_filter.repository, log_filter.performer);
BEGIN
    IF num_nonnulls(log_filter.namespace, log_filter.namespace_id) > 1 OR num_nonnulls(log_filter.repository, log_filter.repository_id) > 1
       OR num_nonnulls(log_filter.performer, log_filter.performer_id) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a namespace, a repository and a performer are given by name or by id',
            DETAIL = 'One of them was given by both.',
            HINT = 'Pass the name of what exists, the id of what is gone.';
    END IF;
    account_id := coalesce(subject.namespace_id, log_filter.namespace_id);
    repository_only := coalesce(subject.repository_id, log_filter.repository_id);
    performer_only := coalesce(subject.performer_id, log_filter.performer_id);
    kind_ids := CASE WHEN kinds IS NOT NULL THEN quay_internal.log_kind_ids(kinds) END;
    other_kind_ids := quay_internal.log_kind_ids(coalesce(exclude_kinds, '{}'));
END
$$;
COMMENT ON FUNCTION quay_internal.log_filter(text, text, text, text[], text[], bigint, bigint, bigint) IS
    'Ids for the filters of the audit log. kind_ids NULL: all kinds. Errors: QY002, QY003, QY007, QY009 unknown, 22023 name and id both given, repository without namespace.';

CREATE OR REPLACE FUNCTION quay_internal.log_page(account_id bigint, repository_id bigint, performer_id bigint, kind_ids bigint[],
                                                  other_kind_ids bigint[], floor timestamp, ceiling timestamp, after text, n integer)
    RETURNS SETOF quay_internal.log_entry
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the indexes on datetime; what has the same time is sorted by id
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off AS $$
DECLARE
    place record := quay_internal.log_cursor_read(log_page.after);
    lowest CONSTANT timestamp := greatest(log_page.floor, '4000-01-01 BC');
    top timestamp := least(log_page.ceiling, place.at + interval '1 microsecond', 'infinity');
    bottom timestamp := date_trunc('month', least(top, quay_internal.utc_now()) - interval '1 microsecond');
    months integer := 1;
    remaining integer := log_page.n;
    found_rows integer;
BEGIN
    place.at := coalesce(place.at, 'infinity');
    place.id := coalesce(place.id, 9223372036854775807);
    place.generation := coalesce(place.generation, 4);
    WHILE remaining > 0 AND top > lowest LOOP
        bottom := greatest(bottom, lowest);
        -- Four times the same, each for an index of its own, which its ORDER BY asks for: a month that is new or has no statistics would
        -- otherwise be read through the index on datetime. (= ANY, because of a column with one value no order is asked for.)
        IF log_page.repository_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.repository_id = ANY (ARRAY[log_page.repository_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.performer_id IS NULL OR l.performer_id = log_page.performer_id)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.repository_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSIF log_page.performer_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.performer_id = ANY (ARRAY[log_page.performer_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.account_id IS NULL OR l.account_id = log_page.account_id)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.performer_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSIF log_page.account_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.account_id = ANY (ARRAY[log_page.account_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.account_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSE
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        END IF;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        remaining := remaining - found_rows;
        top := bottom;
        -- The month, then 1, 2, 4 and 8 months, then all before.
        bottom := CASE WHEN months > 8 THEN lowest ELSE top - make_interval(months => months) END;
        months := months * 2;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.log_page(bigint, bigint, bigint, bigint[], bigint[], timestamp, timestamp, text, integer) IS
    'Entries of the audit log in all generations, the newest first, at most n, those after the cursor: floor <= datetime < ceiling. NULL filters nothing. A repository replaces the namespace. Errors: 22023 malformed cursor.';

CREATE OR REPLACE FUNCTION quay_internal.log_read(account_id bigint, repository_id bigint, performer_id bigint, kind_ids bigint[],
                                                  other_kind_ids bigint[], floor timestamp, ceiling timestamp, after text, n integer)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Names by look-ups: a join might read all users for twenty rows.
    RETURN QUERY
        SELECT p.id, p.datetime, (SELECT k.name::text FROM quay.logentrykind AS k WHERE k.id = p.kind_id),
               (SELECT u.username::text FROM quay."user" AS u WHERE u.id = p.account_id),
               (SELECT r.name::text FROM quay.repository AS r WHERE r.id = p.repository_id),
               (SELECT u.username::text FROM quay."user" AS u WHERE u.id = p.performer_id),
               (SELECT u.robot FROM quay."user" AS u WHERE u.id = p.performer_id),
               p.ip::text, quay_internal.json_read(p.metadata_json), quay_internal.log_cursor(p.datetime, p.id, p.generation),
               p.account_id, p.repository_id, p.performer_id, p.generation
        FROM quay_internal.log_page(log_read.account_id, log_read.repository_id, log_read.performer_id, log_read.kind_ids,
                                    log_read.other_kind_ids, log_read.floor, log_read.ceiling, log_read.after, log_read.n) AS p;
END
$$;
COMMENT ON FUNCTION quay_internal.log_read(bigint, bigint, bigint, bigint[], bigint[], timestamp, timestamp, text, integer) IS
    'log_page() with names for ids and the details as jsonb: see quay.log_list().';

CREATE OR REPLACE FUNCTION quay.log_list(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                         start_time timestamptz DEFAULT NULL, end_time timestamptz DEFAULT NULL,
                                         kinds text[] DEFAULT NULL, exclude_kinds text[] DEFAULT NULL,
                                         after text DEFAULT NULL, n integer DEFAULT 20, namespace_id bigint DEFAULT NULL,
                                         repository_id bigint DEFAULT NULL, performer_id bigint DEFAULT NULL)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    filter record := quay_internal.log_filter(log_list.namespace, log_list.repository, log_list.performer, log_list.kinds,
        log_list.exclude_kinds, log_list.namespace_id, log_list.repository_id, log_list.performer_id);
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.log_read(filter.account_id, filter.repository_only, filter.performer_only, filter.kind_ids,
            filter.other_kind_ids, log_list.start_time AT TIME ZONE 'UTC', log_list.end_time AT TIME ZONE 'UTC', log_list.after,
            quay_internal.page_size(log_list.n));
END
$$;
COMMENT ON FUNCTION quay.log_list(text, text, text, timestamptz, timestamptz, text[], text[], text, integer, bigint, bigint, bigint) IS
'Entries of the audit log, the newest first, at most n: logentry3, logentry2 and logentry as one. after: the cursor of the last row of the page before, so that pages lose and repeat nothing, however many entries have the same time and however many arrive meanwhile. An empty page is the end; a page that is not full is one too.

All filters apply together, but a repository replaces the namespace: an entry about it counts, in whatever namespace it was at the time. start_time <= datetime < end_time. kinds: only these; exclude_kinds: not these, such as the six service_key_* ones in a view for people. A namespace, a repository or a performer that is gone is given by its id; an id that nobody had finds no row. Disabled namespaces can be read; whether somebody may is for the front end to ask first.
Names are NULL where there is nobody of that id (any more). metadata is NULL if the row has none that is JSON. Entries at an infinite time, which log_write() refuses, are not shown.
Errors: QY002, QY003, QY007 unknown namespace, repository, performer, QY009 unknown kind, 22023 malformed cursor, n negative, name and id both given, repository without namespace.';

CREATE OR REPLACE FUNCTION quay.log_latest(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                           exclude_kinds text[] DEFAULT NULL, n integer DEFAULT 20)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay.log_list(log_latest.namespace, log_latest.repository, log_latest.performer,
            exclude_kinds => log_latest.exclude_kinds, n => log_latest.n);
END
$$;
COMMENT ON FUNCTION quay.log_latest(text, text, text, text[], integer) IS
    'The newest n entries of the audit log: the beginning of quay.log_list(), with the same columns, filters and errors.';
