-- The work queue: names of paths, what the other parts of the registry add to it, and removing what a namespace has in it.
-- 510_queue_put.sql and the files after it are the rest.

CREATE OR REPLACE FUNCTION quay_internal.queue_path(VARIADIC parts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(parts, '/') || '/';
COMMENT ON FUNCTION quay_internal.queue_path(text[]) IS
    'queue_name of an item: the queue and the parts of the path, each with a "/" behind it, so that one path is the beginning of another only if its parts are.';

CREATE OR REPLACE FUNCTION quay_internal.queue_due(available_after timestamp, available boolean, processing_expires timestamp) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END);
COMMENT ON FUNCTION quay_internal.queue_due(timestamp, boolean, timestamp) IS
    'From when on an item may be taken if it has retries left: not before available_after, nor while it is claimed. Indexes of quay.queueitem have the same expression.';

CREATE OR REPLACE FUNCTION quay_internal.queue_wake(queue_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.wake('quay_queue', split_part(queue_wake.queue_name, '/', 1));
END
$$;
COMMENT ON FUNCTION quay_internal.queue_wake(text) IS
    'Tells the workers of a queue, who LISTEN to quay_queue, that there is something to take; once, however often a transaction calls it.';

CREATE OR REPLACE FUNCTION quay_internal.queue_add(path text, body jsonb, delay interval DEFAULT '0', retries integer DEFAULT 5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (queue_add.path, queue_add.body::text, quay_internal.utc_now() + queue_add.delay, true, queue_add.retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    IF queue_add.delay <= interval '0' THEN
        PERFORM quay_internal.queue_wake(queue_add.path);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_add(text, jsonb, interval, integer) IS
    'Adds an item to a queue and returns its id. path: what queue_path() makes. delay: how long it is not to be taken.';

CREATE OR REPLACE FUNCTION quay_internal.queue_delete(path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/": the index finds all that starts with the path, whatever characters it has.
    DELETE FROM quay.queueitem AS q
    WHERE q.queue_name >= queue_delete.path AND q.queue_name < left(queue_delete.path, -1) || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_delete(text) IS
    'Deletes the items of a path and of the paths below it, and returns how many there were. path: what queue_path() makes.';
