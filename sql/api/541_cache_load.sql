-- Loading what the cache has not: by one at a time, and never what was true before a removal. Generations: removing many keys by one change.

CREATE OR REPLACE FUNCTION quay_internal.cache_claim_try(key text, load_s integer, present bigint) RETURNS uuid
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    until_ms bigint := present + 1000 * cache_claim_try.load_s::bigint;
    result uuid;
BEGIN
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, claim_ms, size, key, claim)
    VALUES (0, until_ms, until_ms, 0, cache_claim_try.key, gen_random_uuid())
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET claim = EXCLUDED.claim, claim_ms = EXCLUDED.claim_ms
        WHERE c.expires_ms <= present AND c.claim_ms <= present
    RETURNING c.claim INTO result;
    IF result IS NULL THEN
        -- The row that is not ours is locked all the same, and the loader could not store while we wait for him: give the lock back.
        RAISE lock_not_available;
    END IF;
    RETURN result;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_claim_try(text, integer, bigint) IS
    'Claims a key that is neither fresh nor claimed. NULL if it is, or a transaction that stores or removes it has not ended after a second.';

CREATE OR REPLACE FUNCTION quay.cache_claim(key text, load_s integer DEFAULT 30, wait_s numeric DEFAULT 0)
    RETURNS TABLE (status text, value text, bytes bytea, claim uuid, expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    entry quay.cache_entry;
    present bigint;
    lost boolean := false;
    -- By the wall clock, which goes on when quay.clock stands still.
    deadline timestamptz := clock_timestamp() + least(greatest(cache_claim.wait_s, 0), 60) * interval '1 s';
BEGIN
    PERFORM quay_internal.cache_key_check(cache_claim.key), quay_internal.lifetime_check('load_s', cache_claim.load_s);
    LOOP
        present := quay_internal.clock_ms();
        SELECT * INTO entry FROM quay.cache_entry AS c WHERE c.key = cache_claim.key;
        IF entry.expires_ms > present THEN
            status := 'hit';
        ELSIF entry.claim_ms > present THEN
            status := 'wait';
        ELSE
            claim := quay_internal.cache_claim_try(cache_claim.key, cache_claim.load_s, present);
            status := CASE WHEN claim IS NULL THEN 'wait' ELSE 'load' END;
            IF claim IS NULL AND NOT lost THEN
                -- Somebody was faster: see what he did.
                lost := true;
                CONTINUE;
            END IF;
        END IF;
        IF status <> 'hit' AND entry.size > 0 AND entry.drop_ms > present THEN
            status := CASE status WHEN 'wait' THEN 'stale' ELSE status END;
        ELSIF status <> 'hit' THEN
            entry := NULL;
        END IF;
        -- A transaction that sees the past would wait for what it cannot see.
        EXIT WHEN status <> 'wait' OR clock_timestamp() >= deadline OR current_setting('transaction_isolation') <> 'read committed';
        PERFORM pg_sleep(0.01);
    END LOOP;
    value := entry.value;
    bytes := entry.bytes;
    expires_ms := entry.expires_ms;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.cache_claim(text, integer, numeric) IS
'Reads a key, and if it is not fresh lets one caller load it. Always one row; status:
hit: here is the fresh value.
load: it is for you to load: read, after this call, what the value is made of, and pass the column claim to cache_set(), or to cache_release() if it fails. Nobody else is told to for load_s seconds. A stale value comes along if there is one.
stale: somebody else is loading; here is the old value, which was stored with stale_s.
wait: somebody else is loading, or a transaction that removes or stores the key is open. Ask again later, or do without the cache. wait_s: how long, at most 60 s, the call itself waits for a better answer; it keeps a connection busy meanwhile.
Errors: QY140, QY141.';

CREATE OR REPLACE FUNCTION quay.cache_release(key text, claim uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE quay.cache_entry AS c SET claim = NULL, claim_ms = 0
    WHERE c.key = cache_release.key AND c.claim = cache_release.claim;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.cache_release(text, uuid) IS
    'Gives up a claim, so that the next caller may load. False if it was void: the key has been removed, stored or claimed anew since.';

-- Generations. The row of name '' stands for all names that have none: when rows go, it changes, so no generation ever comes back.

CREATE OR REPLACE FUNCTION quay.cache_generation(name text) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    result uuid;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN NULL;
    END IF;
    SELECT g.generation INTO result FROM quay_internal.cache_generation AS g WHERE g.name = cache_generation.name;
    IF NOT FOUND THEN
        SELECT g.generation INTO result FROM quay_internal.cache_generation AS g WHERE g.name = '';
    END IF;
    RETURN coalesce(result, '00000000-0000-0000-0000-000000000000');
END
$$;
COMMENT ON FUNCTION quay.cache_generation(text) IS
    'Generation of a group of values: make it a part of their keys, and cache_generation_change() removes them all, whatever their number. Read it before the data that the value is made of, or in the same statement. A group whose generation was never changed has one, too. NULL on a standby.';

CREATE OR REPLACE FUNCTION quay.cache_generation_change(name text) RETURNS uuid
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    result uuid;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_generation_change.name);
    INSERT INTO quay_internal.cache_generation (name, generation, changed_ms)
    VALUES (cache_generation_change.name, gen_random_uuid(), quay_internal.clock_ms())
    ON CONFLICT ON CONSTRAINT pk_cache_generation DO UPDATE SET generation = EXCLUDED.generation, changed_ms = EXCLUDED.changed_ms
    RETURNING generation INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.cache_generation_change(text) IS
    'Begins a new generation of a group of values, when the transaction commits, and returns it: nobody finds the values of the old one any more, not even those that are stored later by somebody who read before. Call it in the transaction that changes the data, at its end: two who change the same group wait for each other. Errors: QY140 name is NULL, empty or too long.';

CREATE OR REPLACE FUNCTION quay_internal.cache_generation_expire(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    day CONSTANT bigint := 86400000;
    present bigint := quay_internal.clock_ms();
    horizon bigint := (SELECT g.changed_ms FROM quay_internal.cache_generation AS g WHERE g.name = '');
    removed integer;
BEGIN
    -- Each removal makes the names without a row lose their values, so it is done once a day, for what is older than a day.
    IF horizon IS NULL OR horizon < present - day THEN
        horizon := present;
    END IF;
    DELETE FROM quay_internal.cache_generation AS g
    WHERE g.name IN (SELECT o.name FROM quay_internal.cache_generation AS o
                     WHERE o.changed_ms < horizon - day AND o.name <> '' ORDER BY o.changed_ms LIMIT n FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN
        INSERT INTO quay_internal.cache_generation (name, generation, changed_ms) VALUES ('', gen_random_uuid(), horizon)
        ON CONFLICT ON CONSTRAINT pk_cache_generation DO UPDATE SET generation = EXCLUDED.generation, changed_ms = EXCLUDED.changed_ms;
    END IF;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_generation_expire(integer) IS 'Removes up to n generations that have not changed for a day, once a day.';
