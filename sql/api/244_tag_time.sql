-- Looking tags up by name and by manifest, and looking back: what was there at a moment, what has changed since, what can be restored.

CREATE OR REPLACE FUNCTION quay.tag_find_many(namespace text, repository text, tags text[])
    RETURNS TABLE (tag text, status text, manifest_id bigint, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT w.name,
               CASE WHEN m.id IS NOT NULL THEN 'alive'
                    WHEN EXISTS (SELECT FROM quay.tag AS d
                                 WHERE d.repository_id = target_id AND d.name = w.name AND NOT d.hidden AND d.lifetime_end_ms <= now_ms)
                    THEN 'expired'
                    ELSE 'unknown' END,
               m.id, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        FROM (SELECT DISTINCT u.name FROM unnest(tags) AS u (name) WHERE u.name IS NOT NULL) AS w
        CROSS JOIN LATERAL quay_internal.tag_find(target_id, w.name, now_ms) AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        LEFT JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY w.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.tag_find_many(text, text, text[]) IS
    'What is known about these names of tags, a row for each, by name. status: alive, expired (there was such a tag, and its history has not been collected) or unknown; the other columns are NULL unless it is alive. Sizes in bytes, of the manifest and of its compressed layers; lifetimes in ms since 1970, an end of NULL means none. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_find(namespace text, repository text, INOUT tag text, OUT status text, OUT manifest_id bigint,
                                         OUT digest text, OUT media_type text, OUT size bigint, OUT layers_size bigint,
                                         OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT immutable boolean, OUT tag_id bigint)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.tag_find_many(tag_find.namespace, tag_find.repository, ARRAY[tag_find.tag]);
END
$$;
COMMENT ON FUNCTION quay.tag_find(text, text, text) IS
    'What is known about a tag, always one row: see tag_find_many(). A front end answers "expired" where that is the status. tag_resolve() is the faster one for pulls.';

CREATE OR REPLACE FUNCTION quay.manifest_tag_list(namespace text, repository text, digest text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (tag text, lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT t.name::text, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        FROM quay.manifest AS m
        JOIN quay.tag AS t ON t.manifest_id = m.id
        WHERE m.repository_id = target_id AND m.digest = manifest_tag_list.digest
          AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
          AND (manifest_tag_list.after IS NULL OR t.name > manifest_tag_list.after)
        ORDER BY t.name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.manifest_tag_list(text, text, text, text, integer) IS
    'Live visible tags that point to a manifest, in byte order of their names, at most n, those after the name after. Lifetimes in ms since 1970, an end of NULL means none. No row: none, or no such manifest. Reads all live tags of the manifest. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_latest_many(repository_ids bigint[])
    RETURNS TABLE (repository_id bigint, tag text, digest text, lifetime_start_ms bigint, tag_id bigint)
    LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT w.id, t.name::text, m.digest::text, t.lifetime_start_ms, t.id
        FROM (SELECT DISTINCT u.id FROM unnest(repository_ids) AS u (id)) AS w
        CROSS JOIN LATERAL (SELECT * FROM quay.tag AS t
                            WHERE t.repository_id = w.id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                              AND t.manifest_id IS NOT NULL
                            ORDER BY t.lifetime_start_ms DESC, t.id DESC
                            LIMIT 1) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        ORDER BY w.id;
END
$$;
COMMENT ON FUNCTION quay.tag_latest_many(bigint[]) IS
    'The live visible tag that was made or moved last in each of these repositories, by id; lifetime_start_ms, in ms since 1970, is when the content of the repository changed last. No row for a repository without tags. Reads, from the newest on, the periods that are over as well.';

-- Looking back. What ended longer ago than the namespace keeps removed tags may have been collected: of a moment before that we cannot know
-- all tags, and do not answer as if we did.

CREATE OR REPLACE FUNCTION quay_internal.tag_moment_ms(repository quay.repository, moment timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    known_ms bigint := now_ms - quay_internal.tag_window_ms(repository);
    moment_ms numeric := floor(extract(epoch FROM moment) * 1000);
BEGIN
    IF moment_ms < known_ms OR NOT isfinite(moment) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'tags of that moment are not known',
            DETAIL = format('It is %s; tags that ended by %s UTC may have been collected.',
                CASE WHEN isfinite(moment) THEN to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') || ' UTC' ELSE moment::text END,
                to_char(to_timestamp(known_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')),
            HINT = 'Ask for a later moment. removed_tag_expiration_s of the namespace says how long removed tags are kept.';
    END IF;
    RETURN coalesce(moment_ms::bigint, now_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_moment_ms(quay.repository, timestamptz) IS
    'A moment of which all tags of the repository are known, in ms since 1970; NULL: now. Errors: 22023 earlier than the namespace keeps removed tags, or infinite.';

CREATE OR REPLACE FUNCTION quay_internal.tag_find_at(repository_id bigint, name text, at_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    -- The same order as in tag_resolve(): whatever ends first after that moment, then what has no end.
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find_at.repository_id AND t.name = tag_find_at.name AND t.lifetime_end_ms > at_ms
      AND t.lifetime_start_ms <= at_ms AND NOT t.hidden
    ORDER BY t.lifetime_end_ms
    LIMIT 1;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay.tag AS t
        WHERE t.repository_id = tag_find_at.repository_id AND t.name = tag_find_at.name AND t.lifetime_end_ms IS NULL
          AND t.lifetime_start_ms <= at_ms AND NOT t.hidden;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find_at(bigint, text, bigint) IS
    'The visible tag of that name that was alive at that moment: it began by then, and ended later or not at all. All NULL if there was none.';

CREATE OR REPLACE FUNCTION quay.tag_list_at(namespace text, repository text, as_of timestamptz, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the indexes, whose order is that of the page
    SET enable_bitmapscan = off
    SET jit = off AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    page_size integer := quay_internal.page_size(n);
    at_ms bigint := quay_internal.tag_moment_ms(target, as_of);
    -- All names that clients choose come after "/". Temporary tags, of which there may be many, come before: they start with "$".
    start text := coalesce(tag_list_at.after, '/') COLLATE "C";
BEGIN
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        -- One row for a name, the same as tag_find_at() takes.
        FROM (SELECT DISTINCT ON (l.name) l.*
              FROM ((SELECT * FROM quay.tag AS t
                     WHERE t.repository_id = target.id AND t.lifetime_end_ms IS NULL AND t.lifetime_start_ms <= at_ms AND NOT t.hidden
                       AND t.manifest_id IS NOT NULL AND t.name > start
                     ORDER BY t.name
                     LIMIT page_size)
                    UNION ALL
                    (SELECT DISTINCT ON (t.name) * FROM quay.tag AS t
                     WHERE t.repository_id = target.id AND t.lifetime_end_ms > at_ms AND t.lifetime_start_ms <= at_ms AND NOT t.hidden
                       AND t.manifest_id IS NOT NULL AND t.name > start
                     ORDER BY t.name, t.lifetime_end_ms
                     LIMIT page_size)) AS l
              ORDER BY l.name, l.lifetime_end_ms NULLS LAST
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_list_at(text, text, timestamptz, text, integer) IS
    'The tags that a repository had at the moment as_of (NULL: now; a future one: those that will not have ended), in byte order of their names, at most n, those after the name after; columns as in tag_list(), an end is the one known today. A moment is answered only while every tag of it is still known: not longer ago than the namespace keeps removed tags. Tags that were deleted for good are missing. Reads the periods of the names in between as well. Errors: 22023 n negative, moment too early, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_diff(namespace text, repository text, from_time timestamptz, to_time timestamptz DEFAULT NULL,
                                         after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (tag text, change text, digest_before text, digest_after text, start_before_ms bigint, start_after_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    page_size integer := quay_internal.page_size(n);
    from_ms bigint := quay_internal.tag_moment_ms(target, from_time);
    to_ms bigint := quay_internal.tag_moment_ms(target, to_time);
BEGIN
    IF from_time IS NULL OR from_ms > to_ms THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'tags are compared from an earlier moment to a later one',
            DETAIL = CASE WHEN from_time IS NULL THEN 'The moment from_time is NULL.' ELSE 'The moment from_time is the later one.' END,
            HINT = 'Pass the earlier moment as from_time, and the later one, or NULL for now, as to_time.';
    END IF;
    RETURN QUERY
        SELECT c.name::text,
               CASE WHEN b.digest IS NULL THEN 'added' WHEN a.digest IS NULL THEN 'removed' ELSE 'moved' END,
               b.digest::text, a.digest::text, b.lifetime_start_ms, a.lifetime_start_ms
        -- Whatever differs began or ended in between.
        FROM (SELECT t.name FROM quay.tag AS t
              WHERE t.repository_id = target.id AND t.lifetime_start_ms > from_ms AND t.lifetime_start_ms <= to_ms AND NOT t.hidden
                AND (tag_diff.after IS NULL OR t.name > tag_diff.after)
              UNION
              SELECT t.name FROM quay.tag AS t
              WHERE t.repository_id = target.id AND t.lifetime_end_ms > from_ms AND t.lifetime_end_ms <= to_ms AND NOT t.hidden
                AND (tag_diff.after IS NULL OR t.name > tag_diff.after)
              ORDER BY name) AS c
        CROSS JOIN LATERAL (SELECT m.digest, t.lifetime_start_ms
                            FROM quay_internal.tag_find_at(target.id, c.name, from_ms) AS t
                            LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id) AS b
        CROSS JOIN LATERAL (SELECT m.digest, t.lifetime_start_ms
                            FROM quay_internal.tag_find_at(target.id, c.name, to_ms) AS t
                            LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id) AS a
        WHERE a.digest IS DISTINCT FROM b.digest
        ORDER BY c.name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.tag_diff(text, text, timestamptz, timestamptz, text, integer) IS
    'How the tags of a repository differ between two moments (to_time NULL: now), in byte order of their names, at most n, those after the name after. change: added, removed or moved; digests and beginnings of the periods, in ms since 1970, before and after, NULL where there was no tag. A tag that was moved there and back, or pushed again as it was, is not listed. Moments are answered as by tag_list_at(). Reads what began or ended in between. Errors: 22023 n negative, moment too early, from_time NULL or later than to_time, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_restorable_list(namespace text, repository text, INOUT tag text DEFAULT NULL, after text DEFAULT NULL,
                                                    n integer DEFAULT 100, OUT digest text, OUT media_type text,
                                                    OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT restorable_until_ms bigint,
                                                    OUT immutable boolean, OUT tag_id bigint, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    window_ms bigint := quay_internal.tag_window_ms(target);
    start record := quay_internal.page_cursor(tag_restorable_list.after);
    page bigint[];
BEGIN
    -- Two statements, since one would have one plan for a single name and for all of them.
    IF tag_restorable_list.tag IS NOT NULL THEN
        page := ARRAY(SELECT t.id FROM quay.tag AS t
                      WHERE t.repository_id = target.id AND t.name = tag_restorable_list.tag AND NOT t.hidden AND t.manifest_id IS NOT NULL
                        AND t.lifetime_end_ms <= least(now_ms, start.at) AND t.lifetime_end_ms > now_ms - window_ms
                        AND (t.lifetime_end_ms, t.id) < (start.at, start.id)
                      ORDER BY t.lifetime_end_ms DESC, t.id DESC
                      LIMIT page_size);
    ELSE
        page := ARRAY(SELECT t.id FROM quay.tag AS t
                      WHERE t.repository_id = target.id AND NOT t.hidden AND t.manifest_id IS NOT NULL
                        AND t.lifetime_end_ms <= least(now_ms, start.at) AND t.lifetime_end_ms > now_ms - window_ms
                        AND (t.lifetime_end_ms, t.id) < (start.at, start.id)
                      ORDER BY t.lifetime_end_ms DESC, t.id DESC
                      LIMIT page_size);
    END IF;
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, t.lifetime_start_ms, t.lifetime_end_ms, t.lifetime_end_ms + window_ms,
               t.immutable, t.id, t.lifetime_end_ms || '.' || t.id
        FROM quay.tag AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE t.id = ANY (page)
        ORDER BY t.lifetime_end_ms DESC, t.id DESC;
END
$$;
COMMENT ON FUNCTION quay.tag_restorable_list(text, text, text, text, integer) IS
    'Periods of one tag, or of all tags of a repository (tag NULL), that are over and can be restored with tag_restore(), the last ended first: the manifest of each, and in restorable_until_ms the moment from which it may be collected. Whether a tag of that name is alive does not matter. Times in ms since 1970. For the next page pass cursor of the last row as after. Errors: 22023 n negative, malformed cursor, QY002, QY003, QY004.';
