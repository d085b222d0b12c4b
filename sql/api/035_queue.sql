-- Work for the workers of the registry: adding an item, and removing those of a namespace that goes.

CREATE OR REPLACE FUNCTION quay_internal.queue_path(VARIADIC parts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(parts, '/') || '/';
COMMENT ON FUNCTION quay_internal.queue_path(text[]) IS
    'queue_name of an item: the queue and the parts of the path, each with a "/" behind it, so that one path is the beginning of another only if its parts are.';

CREATE OR REPLACE FUNCTION quay_internal.queue_add(path text, body jsonb, delay interval DEFAULT '0', retries integer DEFAULT 5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (queue_add.path, queue_add.body::text, quay_internal.utc_now() + queue_add.delay, true, queue_add.retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
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
