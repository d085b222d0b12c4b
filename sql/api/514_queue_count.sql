-- What is in the queues: of one path, below a path, of a queue; and what goes with a namespace.

CREATE OR REPLACE FUNCTION quay.queue_alive(queue text, path text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, path);
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = name AND NOT q.available AND q.processing_expires > now)
        OR EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = name AND q.retries_remaining + 0 > 0
                   AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now);
END
$$;
COMMENT ON FUNCTION quay.queue_alive(text, text[]) IS
    'Has exactly this path an item that runs or may be taken now? One that waits for its time does not count; queue_put(unique_path => true) counts that too. Errors: QY110 illegal queue or path.';

CREATE OR REPLACE FUNCTION quay.queue_alive_count(queue text, prefix text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, prefix);
BEGIN
    -- "0" is the character after "/".
    RETURN (SELECT count(*) FROM quay.queueitem AS q
            WHERE q.queue_name >= name AND q.queue_name < left(name, -1) || '0' AND q.retries_remaining > 0);
END
$$;
COMMENT ON FUNCTION quay.queue_alive_count(text, text[]) IS
    'How many items with retries left there are of paths that begin with these parts, whether they may be taken now, run or wait. Whole parts: {foo} does not count {foobar}. Errors: QY110 illegal queue or prefix.';

CREATE OR REPLACE FUNCTION quay.queue_available_count(queue text, prefix text[] DEFAULT '{}', min_after timestamp DEFAULT '-infinity',
                                                      max_after timestamp DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, prefix);
    latest timestamp := coalesce(max_after, quay_internal.utc_now());
BEGIN
    -- "0" is the character after "/".
    RETURN (SELECT count(*) FROM quay.queueitem AS q
            WHERE q.queue_name >= name AND q.queue_name < left(name, -1) || '0' AND q.retries_remaining > 0
              AND q.available_after >= min_after
              AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= latest);
END
$$;
COMMENT ON FUNCTION quay.queue_available_count(text, text[], timestamp, timestamp) IS
    'How many items of paths that begin with these parts may be taken at the time max_after (UTC), NULL: now, and were not to be taken before min_after. Errors: QY110 illegal queue or prefix.';

CREATE OR REPLACE FUNCTION quay.queue_has_retries(item_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT q.retries_remaining > 0 FROM quay.queueitem AS q WHERE q.id = queue_has_retries.item_id), false);
END
$$;
COMMENT ON FUNCTION quay.queue_has_retries(bigint) IS 'Has the item retries left? False too if there is no such item.';

-- For metrics. Each number is counted along an index and up to a maximum, so that asking costs the same when a queue has run full.

CREATE OR REPLACE FUNCTION quay_internal.queue_measure(queue text, maximum integer)
    RETURNS TABLE (running_paths bigint, available_paths bigint, available_not_running_paths bigint, running bigint, available bigint,
                   waiting bigint, dead bigint, oldest_s double precision)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
    running_names text[];
    oldest timestamp;
BEGIN
    -- "0" is the character after "/".
    SELECT coalesce(array_agg(DISTINCT r.queue_name::text), '{}'), count(*) INTO running_names, running
    FROM (SELECT q.queue_name FROM quay.queueitem AS q
          WHERE q.queue_name >= queue_measure.queue || '/' AND q.queue_name < queue_measure.queue || '0'
            AND NOT q.available AND q.processing_expires > now LIMIT maximum) AS r;
    running_paths := cardinality(running_names);
    SELECT count(DISTINCT a.queue_name), count(DISTINCT a.queue_name) FILTER (WHERE a.queue_name <> ALL (running_names)), count(*), min(a.due)
    INTO available_paths, available_not_running_paths, available, oldest
    FROM (SELECT q.queue_name, quay_internal.queue_due(q.available_after, q.available, q.processing_expires) AS due FROM quay.queueitem AS q
          WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining > 0
            AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now
          ORDER BY quay_internal.queue_due(q.available_after, q.available, q.processing_expires), q.id LIMIT maximum) AS a;
    waiting := (SELECT count(*) FROM (
        SELECT FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining > 0 AND q.available
          AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) > now LIMIT maximum) AS w);
    dead := (SELECT count(*) FROM (
        SELECT FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining <= 0
          AND (q.available OR q.processing_expires <= now) LIMIT maximum) AS d);
    oldest_s := extract(epoch FROM now - oldest);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_measure(text, integer) IS 'The row of queue_metrics() for one queue.';

CREATE OR REPLACE FUNCTION quay_internal.queue_names() RETURNS SETOF text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    name text := '';
BEGIN
    -- From one queue to the next by the index: there are few, whatever the number of items. "0" is the character after "/".
    LOOP
        name := split_part((SELECT min(q.queue_name) FROM quay.queueitem AS q WHERE q.queue_name >= name), '/', 1);
        EXIT WHEN name IS NULL;
        RETURN NEXT name;
        name := name || '0';
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_names() IS 'The queues that have items.';

CREATE OR REPLACE FUNCTION quay.queue_metrics(queue text DEFAULT NULL, maximum integer DEFAULT 100000)
    RETURNS TABLE (queue_name text, running_paths bigint, available_paths bigint, available_not_running_paths bigint, running bigint,
                   available bigint, waiting bigint, dead bigint, oldest_s double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT n.name, m.*
        FROM (SELECT k.queue AS name FROM quay.queue_known_list() AS k WHERE queue_metrics.queue IS NULL
              UNION SELECT w.name FROM quay_internal.queue_names() AS w (name) WHERE queue_metrics.queue IS NULL
              UNION SELECT queue_metrics.queue WHERE queue_metrics.queue IS NOT NULL) AS n
        CROSS JOIN LATERAL quay_internal.queue_measure(n.name, quay_internal.batch_size(maximum)) AS m
        ORDER BY n.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.queue_metrics(text, integer) IS
    'Depth and age of a queue, or of all that have items or that the reference''s workers read. running, available, waiting for their time, dead: items. running_paths, available_paths, available_not_running_paths: distinct paths, the three gauges of the reference. oldest_s: for how long the first of those available has been due, NULL: there is none. Each number is counted up to maximum, which bounds what the call costs. Errors: 22023 maximum not positive.';

CREATE OR REPLACE FUNCTION quay.queue_namespace_delete(namespace text, queue text DEFAULT NULL, subpath text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[] := ARRAY(SELECT k.queue FROM quay.queue_known_list() AS k WHERE k.has_namespace AND queue_namespace_delete.queue IS NULL
                          UNION ALL SELECT queue_namespace_delete.queue WHERE queue_namespace_delete.queue IS NOT NULL);
BEGIN
    IF EXISTS (SELECT FROM quay.queue_known_list() AS k WHERE k.queue = queue_namespace_delete.queue AND NOT k.has_namespace) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT sum(quay_internal.queue_delete(quay_internal.queue_name(n.name, namespace || subpath))) FROM unnest(names) AS n (name));
END
$$;
COMMENT ON FUNCTION quay.queue_namespace_delete(text, text, text[]) IS
    'Removes the items of a namespace from a queue, or from all of queue_known_list() that have namespaces, also those that run, and returns how many there were. subpath: only those of paths that go on with these parts, such as a repository. NULL: the paths of that queue do not begin with a namespace. namespace_mark_deletion() and namespace_purge() do this by themselves. Errors: QY110 illegal queue or path.';
