-- What a worker does with the items that it has claimed, and cancelling. A claim is the state_id that queue_get() wrote. It holds until somebody
-- else takes the item: also after it has expired, as long as nobody has. Giving the item back ends it too: that writes another state_id.
--
-- The settings of these functions make the plan, by id: one that was made when the table was empty would read the whole of it.

CREATE OR REPLACE FUNCTION quay_internal.queue_claim_is(state_id text, claim text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN split_part(state_id, '+', 1) = claim AND claim <> '';
COMMENT ON FUNCTION quay_internal.queue_claim_is(text, text) IS
    'Is the state_id of an item that of this claim? An extension appends "+" and a number: whoever else wants to swap the state that it had must not succeed.';

CREATE OR REPLACE FUNCTION quay.queue_extend(item_id bigint, claim text, processing_s double precision, minimum_s double precision DEFAULT 20,
                                             body text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    processing interval := quay_internal.queue_seconds(processing_s);
    minimum interval := quay_internal.queue_seconds(minimum_s);
    item quay.queueitem;
    expires timestamp;
BEGIN
    SELECT * INTO item FROM quay.queueitem AS q
    WHERE q.id = queue_extend.item_id AND quay_internal.queue_claim_is(q.state_id, claim)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    expires := quay_internal.utc_now() + processing;
    IF expires - item.processing_expires > minimum THEN
        item.processing_expires := expires;
    ELSIF coalesce(queue_extend.body, item.body) = item.body THEN
        RETURN true;
    END IF;
    UPDATE quay.queueitem AS q
    SET processing_expires = item.processing_expires, body = coalesce(queue_extend.body, item.body),
        state_id = claim || '+' || coalesce(nullif(split_part(item.state_id, '+', 2), '')::bigint, 0) + 1
    WHERE q.id = item.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.queue_extend(bigint, text, double precision, double precision, text) IS
    'Keeps an item that the caller has claimed for processing_s seconds from now on, and gives it a new body, if one is given, for whoever has to go on with it. False: the claim is lost, the item cancelled, completed, or another''s; stop working on it. The time is written only if it moves by more than minimum_s, so that a worker may call it often; true does not say that it was. Errors: 22023 seconds out of range.';

CREATE OR REPLACE FUNCTION quay.queue_complete(item_id bigint, claim text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    DELETE FROM quay.queueitem AS q
    WHERE q.id = queue_complete.item_id AND quay_internal.queue_claim_is(q.state_id, claim);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.queue_complete(bigint, text) IS
    'The work is done: removes the item. False: the claim is lost, the item cancelled, or another''s. Call it in the transaction that writes what came of the work, and roll back if it is false: then nothing is written twice.';

CREATE OR REPLACE FUNCTION quay.queue_complete_many(item_ids bigint[], claims text[]) RETURNS TABLE (item_id bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    RETURN QUERY
        DELETE FROM quay.queueitem AS q
        USING (SELECT l.id, l.state_id, c.claim
               FROM (SELECT i.id, i.claim FROM unnest(item_ids, claims) AS i (id, claim)) AS c
               JOIN (SELECT p.id, p.state_id FROM quay.queueitem AS p WHERE p.id = ANY (item_ids) ORDER BY p.id FOR UPDATE) AS l ON l.id = c.id) AS c
        WHERE q.id = c.id AND quay_internal.queue_claim_is(q.state_id, c.claim)
        RETURNING q.id;
END
$$;
COMMENT ON FUNCTION quay.queue_complete_many(bigint[], text[]) IS
    'queue_complete() for several items: claims has that of each. Returns the ids of those that were completed; of the others the claim is lost.';

CREATE OR REPLACE FUNCTION quay_internal.queue_backoff(delay_s double precision, factor double precision, tries integer, maximum_s double precision)
    RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF factor IS NULL OR factor NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'factor of a backoff is out of range',
            DETAIL = format('It is %s.', coalesce(factor::text, 'NULL')),
            HINT = 'Pass a number from 1, the same delay each time, to 100.';
    END IF;
    PERFORM quay_internal.queue_seconds(delay_s), quay_internal.queue_seconds(maximum_s);
    RETURN least(delay_s * factor ^ least(greatest(tries - 1, 0), 100), greatest(maximum_s, delay_s));
END
$$;
COMMENT ON FUNCTION quay_internal.queue_backoff(double precision, double precision, integer, double precision) IS
    'Seconds to wait after so many tries: delay_s after the first one, each time factor times as long, at most maximum_s. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay.queue_release(item_id bigint, claim text, delay_s double precision DEFAULT 300, restore_retry boolean DEFAULT false,
                                              backoff double precision DEFAULT 1, retries integer DEFAULT 5,
                                              maximum_s double precision DEFAULT 86400) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    item quay.queueitem;
    seconds double precision;
BEGIN
    SELECT * INTO item FROM quay.queueitem AS q
    WHERE q.id = queue_release.item_id AND quay_internal.queue_claim_is(q.state_id, claim)
    FOR UPDATE;
    seconds := quay_internal.queue_backoff(delay_s, backoff, retries - item.retries_remaining, maximum_s);
    IF item.id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE quay.queueitem AS q
    SET available = true, available_after = quay_internal.utc_now() + make_interval(secs => seconds), state_id = gen_random_uuid()::text,
        retries_remaining = q.retries_remaining + CASE WHEN restore_retry THEN 1 ELSE 0 END
    WHERE q.id = item.id
    RETURNING q.* INTO item;
    IF seconds <= 0 AND item.retries_remaining > 0 THEN
        PERFORM quay_internal.queue_wake(item.queue_name);
    END IF;
    RETURN item.retries_remaining;
END
$$;
COMMENT ON FUNCTION quay.queue_release(bigint, text, double precision, boolean, double precision, integer, double precision) IS
    'The work could not be done: gives the item back, to be taken again after delay_s seconds, and returns how many retries it has left. 0: it is dead, and waits in queue_dead_list(). NULL: the claim is lost. restore_retry: this one does not count, for what is no fault of the item, such as a lock that is taken; such an item may come back for ever.
backoff: factor by which the delay grows with each try, 1 to 100, up to maximum_s; retries is what the item was put with, from which the number of tries follows. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay.queue_cancel(item_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    DELETE FROM quay.queueitem AS q WHERE q.id = queue_cancel.item_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.queue_cancel(bigint) IS
    'Removes an item, whoever has it: who works on it learns so at his next call. False: there is none. Also for dead letters.';
