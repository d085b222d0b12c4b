-- Dead letters: items that were taken as often as they might be. They stay for quay.queue_dead_lifetime, for somebody to look at, to try again
-- or to throw away. What still has retries is never thrown away for its age, however long ago it was claimed.

CREATE OR REPLACE FUNCTION quay.queue_item_get(item_id bigint)
    RETURNS TABLE (queue text, path text[], body text, state text, retries_remaining integer, available_after timestamp, processing_expires timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT split_part(q.queue_name, '/', 1), string_to_array(rtrim(substr(q.queue_name, strpos(q.queue_name, '/') + 1), '/'), '/'), q.body,
               CASE WHEN NOT q.available AND q.processing_expires > now THEN 'running'
                    WHEN q.retries_remaining <= 0 THEN 'dead'
                    WHEN quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now THEN 'available'
                    ELSE 'waiting' END,
               q.retries_remaining, q.available_after, q.processing_expires
        FROM quay.queueitem AS q WHERE q.id = queue_item_get.item_id;
END
$$;
COMMENT ON FUNCTION quay.queue_item_get(bigint) IS
    'An item of a queue, whatever its state: available, running, waiting for its time, or dead. processing_expires: when its present or last claim ends; times are UTC. No row: there is none, so it was completed, cancelled or thrown away. The body is confidential.';

CREATE OR REPLACE FUNCTION quay.queue_dead_list(queue text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (item_id bigint, path text[], dead_since timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT q.id, string_to_array(rtrim(substr(q.queue_name, length(queue) + 2), '/'), '/'),
               quay_internal.queue_due(q.available_after, q.available, q.processing_expires)
        FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_dead_list.queue AND q.retries_remaining <= 0
          AND (q.available OR q.processing_expires <= now) AND q.id > coalesce(queue_dead_list.after, 0)
        ORDER BY q.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.queue_dead_list(text, bigint, integer) IS
    'Dead letters of a queue: items without retries left that nobody works on. By item_id, at most n, those after the item after. dead_since, UTC: when they would have been due again. The body is confidential: queue_item_get(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.queue_dead_retry(item_id bigint, retries integer DEFAULT 1) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    PERFORM quay_internal.queue_check('', '{}', 0, retries);
    UPDATE quay.queueitem AS q
    SET available = true, available_after = quay_internal.utc_now(), retries_remaining = queue_dead_retry.retries, state_id = gen_random_uuid()::text
    WHERE q.id = queue_dead_retry.item_id AND q.retries_remaining <= 0 AND (q.available OR q.processing_expires <= quay_internal.utc_now())
    RETURNING q.queue_name INTO name;
    IF name IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.queue_wake(name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.queue_dead_retry(bigint, integer) IS
    'Lets a dead letter be taken again, so many times, from now on. False: it is none. To throw one away: queue_cancel(). Errors: 22023 retries not positive.';

CREATE OR REPLACE FUNCTION quay.queue_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    oldest timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('queue_dead_lifetime')::bigint);
    deleted integer;
BEGIN
    DELETE FROM quay.queueitem AS q
    WHERE q.id = ANY (ARRAY(
        SELECT d.id FROM quay.queueitem AS d
        WHERE d.retries_remaining <= 0 AND quay_internal.queue_due(d.available_after, d.available, d.processing_expires) <= oldest
        ORDER BY quay_internal.queue_due(d.available_after, d.available, d.processing_expires)
        LIMIT batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.queue_expire(integer) IS
    'Throws away at most n dead letters that have been dead for quay.queue_dead_lifetime, the oldest first, and returns how many; for maintenance, until it returns less than n. Items that have retries left stay, however old, and so do those that somebody works on. Errors: 22023 n not positive.';
