-- Taking work out of a queue. Who takes an item locks its row past those that others are at, writes until when it is his, and a new state_id,
-- which is his claim: it is asked for in all that he does with the item afterwards (512_queue_claim.sql), and the reference's workers
-- compare and swap it.

CREATE OR REPLACE FUNCTION quay_internal.queue_pick(queue text, prefix text, ordered boolean, now timestamp, n integer, tried tid[]) RETURNS tid[]
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'quay_queue_pick';
COMMENT ON FUNCTION quay_internal.queue_pick(text, text, boolean, timestamp, integer, tid[]) IS
    'Locks up to n items that may be taken now, none of those in tried, and returns their rows; what others are at is passed by. Of the namespace whose turn it is, the ones that have been due for longest, then of the next namespaces. ordered: the one with the lowest id of a path, only of paths of which none runs, and these are locked until the transaction ends; every fourth time it is a namespace''s turn, else that of what has been due for longest, or, if a long backlog of paths that are blocked is in front of it, of what comes next. prefix: only paths that begin with it, as queue_name() makes it.';

CREATE OR REPLACE FUNCTION quay.queue_get(queue text, processing_s double precision DEFAULT 300, ordered boolean DEFAULT false,
                                          n integer DEFAULT 1, prefix text[] DEFAULT '{}')
    RETURNS TABLE (item_id bigint, claim text, path text[], body text, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    name text := nullif(quay_internal.queue_name(queue, prefix), queue || '/');
    left_over integer := quay_internal.batch_size(n);
    processing interval := quay_internal.queue_seconds(processing_s, 1e-6);
    now timestamp := quay_internal.utc_now();
    tried tid[] := '{}'::tid[];
    found tid[];
    asked integer;
    taken integer;
BEGIN
    LOOP
        asked := left_over;
        found := quay_internal.queue_pick(queue, name, ordered, now, asked, tried);
        EXIT WHEN cardinality(found) = 0;
        -- By ctid: nobody changes rows that we have locked, and there is but one plan for it, also one that was made when the table was empty.
        RETURN QUERY
            UPDATE quay.queueitem AS q
            SET available = false, processing_expires = now + processing, retries_remaining = q.retries_remaining - 1,
                state_id = gen_random_uuid()::text
            WHERE q.ctid = ANY (found)
            RETURNING q.id, q.state_id::text, string_to_array(rtrim(substr(q.queue_name, length(queue) + 2), '/'), '/'), q.body, q.retries_remaining;
        GET DIAGNOSTICS taken = ROW_COUNT;
        left_over := left_over - taken;
        EXIT WHEN left_over = 0 OR cardinality(found) < asked;
        -- A transaction that is REPEATABLE READ cannot take what came after it began.
        tried := tried || found;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.queue_get(text, double precision, boolean, integer, text[]) IS
    'Takes up to n items of a queue that are due, for processing_s seconds, which may have a fraction. No row: there is nothing that may be taken. Several workers call it at once; each item goes to one. It uses one of the retries of each.
With item_id and claim the worker calls queue_extend() if it needs more time, and in the end queue_complete() or queue_release(). What it lets expire is handed out again, if it has retries left. path: the parts behind the name of the queue. retries_remaining: after this one.
ordered: one item of a path at a time, the one with the lowest id first. prefix: only paths that begin with these parts. Errors: QY110 illegal queue or prefix, 22023 n or seconds.';
