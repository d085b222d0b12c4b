-- Actions per repository and day, counted from the audit log, and the search score that follows from them
-- (quay.repository_search_score_update()).

CREATE OR REPLACE FUNCTION quay_internal.action_count_day(day date) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    yesterday date := quay_internal.utc_now()::date - 1;
BEGIN
    IF action_count_day.day > yesterday OR NOT isfinite(action_count_day.day) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'actions are counted of days that are over',
            DETAIL = format('%s is not over, in UTC.', action_count_day.day),
            HINT = 'Pass a day before today, or NULL for yesterday.';
    END IF;
    RETURN coalesce(action_count_day.day, yesterday);
END
$$;
COMMENT ON FUNCTION quay_internal.action_count_day(date) IS 'The day, or yesterday (UTC) for NULL. Errors: 22023 it is not over.';

CREATE OR REPLACE FUNCTION quay_internal.repository_action_count(repository_id bigint, day date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start timestamp := repository_action_count.day;
    stop timestamp := repository_action_count.day + 1;
BEGIN
    -- The order asks for the index that begins with the repository: see log_page().
    RETURN (SELECT count(*)
            FROM (SELECT FROM quay_internal.log_entry AS l
                  WHERE l.repository_id = ANY (ARRAY[repository_action_count.repository_id]) AND l.datetime >= start AND l.datetime < stop
                  ORDER BY l.repository_id, l.datetime OFFSET 0) AS e);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_action_count(bigint, date) IS
    'Entries of the audit log, in all its generations, about a repository on that UTC day.';

CREATE OR REPLACE FUNCTION quay.action_count_store_many(repository_ids bigint[], counts bigint[], day date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_store_many.day);
    known bigint[];
    stored bigint;
BEGIN
    IF cardinality(repository_ids) IS DISTINCT FROM cardinality(counts) OR EXISTS (
        SELECT FROM unnest(counts) AS c (count) WHERE c.count IS NULL OR c.count NOT BETWEEN 0 AND 2147483647) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'each repository needs a count',
            DETAIL = format('%s repositories, %s counts, the lowest %s, the highest %s.', coalesce(cardinality(repository_ids), 0),
                coalesce(cardinality(counts), 0), coalesce((SELECT min(c) FROM unnest(counts) AS c)::text, 'NULL'),
                coalesce((SELECT max(c) FROM unnest(counts) AS c)::text, 'NULL')),
            HINT = 'Pass two arrays of the same length; counts are from 0 to 2147483647.';
    END IF;
    -- Locked, so that no purge deletes a repository in between.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    SELECT c.repository_id, least(sum(c.count), 2147483647)::integer, counted_day
    FROM unnest(repository_ids, counts) AS c (repository_id, count)
    WHERE c.repository_id IN (SELECT unnest(known))
    GROUP BY c.repository_id
    ORDER BY c.repository_id
    ON CONFLICT (repository_id, date) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION quay.action_count_store_many(bigint[], bigint[], date) IS
    'Keeps how many actions these repositories had on a UTC day that is over (NULL: yesterday), and answers of how many that was new: a count that is there stays, and repositories that do not exist or are being deleted are left out. For those who keep the audit log elsewhere; action_count_update() counts the one in the database. Errors: 22023 lengths differ, a count is negative or NULL, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_missing_list(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (repository_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted_day date := quay_internal.action_count_day(action_count_missing_list.day);
BEGIN
    RETURN QUERY
        SELECT r.id FROM quay.repository AS r
        WHERE r.id > coalesce(action_count_missing_list.after, 0) AND r.state <> 3
          AND NOT EXISTS (SELECT FROM quay.repositoryactioncount AS c WHERE c.repository_id = r.id AND c.date = wanted_day)
        ORDER BY r.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.action_count_missing_list(date, bigint, integer) IS
    'Ids of repositories whose actions of a UTC day (NULL: yesterday) are not counted yet, in their order, at most n, those after the id after. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_update(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, stored bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_update.day);
    ids bigint[] := ARRAY(SELECT m.repository_id
                          FROM quay.action_count_missing_list(counted_day, action_count_update.after, action_count_update.n) AS m);
BEGIN
    examined := cardinality(ids);
    stored := quay.action_count_store_many(ids,
        ARRAY(SELECT quay_internal.repository_action_count(i.id, counted_day) FROM unnest(ids) WITH ORDINALITY AS i (id, place) ORDER BY i.place),
        counted_day);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.action_count_update(date, bigint, integer) IS
    'Counts, from the audit log, the actions of a UTC day (NULL: yesterday) of the next n repositories of which they are not counted yet, in the order of their ids, those with an id greater than after. Returns how many were counted, for how many of them a row was added (another session may have been faster), and the last id: pass it as after in the next call, until it is NULL. To be done once a day, before quay.repository_search_score_update(); safe to repeat, to stop, and to do twice at once. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_list(namespace text, repository text, first_day date, last_day date DEFAULT NULL)
    RETURNS TABLE (day date, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT c.date, c.count::bigint FROM quay.repositoryactioncount AS c
        WHERE c.repository_id = target_id AND c.date >= first_day AND c.date <= coalesce(last_day, 'infinity')
        ORDER BY c.date;
END
$$;
COMMENT ON FUNCTION quay.action_count_list(text, text, date, date) IS
    'Actions in a repository on each UTC day from first_day to last_day (NULL: no end), as they were counted; no row for a day that was not. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.action_count_delete_expired(n integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    first_day date := quay_internal.utc_now()::date - 365;
    deleted bigint;
BEGIN
    DELETE FROM quay.repositoryactioncount AS c
    WHERE c.id = ANY (ARRAY(SELECT o.id FROM quay.repositoryactioncount AS o
                            WHERE o.date < first_day
                            ORDER BY o.date LIMIT batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.action_count_delete_expired(integer) IS
    'Deletes counts of actions that are older than 365 days, at most n, the oldest first, and returns how many: call again until it is 0. Two calls at once share the work. Errors: 22023 n not positive.';
