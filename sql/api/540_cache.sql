-- The cache: computed values with a lifetime, which anybody may lose at any time. Keys, reading, storing, removing.
--
-- A removed key leaves a row without a value behind, for cache_expire(). Whoever claims the key meanwhile (api/541_cache_load.sql) meets this
-- row, waits for the transaction that wrote it, and loads what that transaction did: so a removal takes effect with its commit, and what was
-- loaded before it is not stored after it.

COMMENT ON TYPE quay_internal.cached_value IS 'A value of the cache, as text or as bytes, and until when it is fresh, in ms since 1970.';

-- Keys

CREATE OR REPLACE FUNCTION quay.cache_key(parts text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A part without "/" and "\" stands for itself; \N is a NULL.
    RETURN (SELECT string_agg(coalesce(replace(replace(p.part, '\', '\\'), '/', '\/'), '\N'), '/' ORDER BY p.place)
            FROM unnest(cache_key.parts) WITH ORDINALITY AS p (part, place));
END
$$;
COMMENT ON FUNCTION quay.cache_key(text[]) IS
    'Key made of parts, such as tags/17/latest. Different parts give different keys, whatever characters they have: "/" and "\" in a part get a "\" before them, and a NULL is \N. The keys whose first parts are these begin with cache_key(parts) || ''/'': that is what cache_delete_prefix() takes. NULL without parts.';

CREATE OR REPLACE FUNCTION quay_internal.cache_key_check(key text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(cache_key_check.key) BETWEEN 1 AND 2000 THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY140',
        MESSAGE = 'illegal key of the cache',
        DETAIL = coalesce('"' || left(cache_key_check.key, 80) || '" has ' || octet_length(cache_key_check.key) || ' bytes.', 'It is NULL.'),
        HINT = 'Use 1 to 2000 bytes; hash what is longer.';
END
$$;
COMMENT ON FUNCTION quay_internal.cache_key_check(text) IS 'Refuses (QY140) a key that is NULL, empty or longer than 2000 bytes.';

CREATE OR REPLACE FUNCTION quay_internal.lifetime_check(name text, seconds bigint, shortest bigint DEFAULT 1) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF seconds BETWEEN shortest AND 100000000 THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY141',
        MESSAGE = 'illegal lifetime',
        DETAIL = format('%s is %s.', lifetime_check.name, coalesce(seconds::text, 'NULL')),
        HINT = format('Pass a number of seconds from %s to 100000000.', shortest);
END
$$;
COMMENT ON FUNCTION quay_internal.lifetime_check(text, bigint, bigint) IS 'Refuses (QY141) a number of seconds outside its range; name is that of the argument.';

-- Reading

CREATE OR REPLACE FUNCTION quay_internal.cache_get_row(key text) RETURNS quay_internal.cached_value
    LANGUAGE C STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'quay_cache_get';
COMMENT ON FUNCTION quay_internal.cache_get_row(text) IS 'The row of cache_get(), or NULL.';

-- Put in place of the call, like tag_resolve() (api/250_resolve.sql).
CREATE OR REPLACE FUNCTION quay.cache_get(key text) RETURNS TABLE (value text, bytes bytea, expires_ms bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).value, (r.found).bytes, (r.found).expires_ms
    FROM (SELECT quay_internal.cache_get_row(cache_get.key) AS found OFFSET 0) AS r
    WHERE (r.found).expires_ms IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.cache_get(text) IS
    'Fresh value of a key: value or bytes, as it was stored, the other one is NULL; expires_ms: until when it is fresh, in ms since 1970. No row: a miss. On a standby every key is a miss. Call it in FROM.';

CREATE OR REPLACE FUNCTION quay.cache_get_many(keys text[]) RETURNS TABLE (key text, value text, bytes bytea, expires_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.key, c.value, c.bytes, c.expires_ms FROM quay.cache_entry AS c
        WHERE c.key = ANY (cache_get_many.keys) AND c.expires_ms > quay_internal.clock_ms();
END
$$;
COMMENT ON FUNCTION quay.cache_get_many(text[]) IS 'The fresh values of many keys, in no order; columns as of cache_get(). A key without a row is a miss.';

-- Storing

CREATE OR REPLACE FUNCTION quay_internal.cache_size_of(key text, value text, bytes bytea) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    length bigint := coalesce(octet_length(cache_size_of.value), octet_length(cache_size_of.bytes));
BEGIN
    PERFORM quay_internal.cache_key_check(cache_size_of.key);
    IF num_nonnulls(cache_size_of.value, cache_size_of.bytes) = 2 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a cached value is text or bytes',
            DETAIL = 'Both value and bytes are given.',
            HINT = 'Leave one of them NULL.';
    END IF;
    -- The settings are in kB.
    IF length > 1024 * quay_internal.setting('cache_value_size')::bigint OR length > 1024 * quay_internal.setting('cache_size')::bigint THEN
        RETURN NULL;
    END IF;
    RETURN octet_length(cache_size_of.key) + length + 100;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_of(text, text, bytea) IS
    'Bytes that an entry counts for: key, value, and 100 for the row. NULL if it is not to be stored: there is no value, or it is larger than quay.cache_value_size or quay.cache_size. Errors: 22023 two values, QY140 key.';

CREATE OR REPLACE FUNCTION quay.cache_set(key text, value text, ttl_s integer, bytes bytea DEFAULT NULL, claim uuid DEFAULT NULL,
                                          stale_s integer DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    new_size bigint := quay_internal.cache_size_of(cache_set.key, cache_set.value, cache_set.bytes);
    until_ms bigint := quay_internal.clock_ms() + 1000 * cache_set.ttl_s::bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', cache_set.ttl_s), quay_internal.lifetime_check('stale_s', cache_set.stale_s, 0);
    IF new_size IS NULL THEN
        -- What was there is older than what could not be stored.
        IF cache_set.claim IS NULL THEN
            PERFORM quay.cache_delete(cache_set.key);
        ELSE
            PERFORM quay.cache_release(cache_set.key, cache_set.claim);
        END IF;
        RETURN false;
    END IF;
    IF cache_set.claim IS NULL THEN
        INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key, value, bytes)
        VALUES (until_ms, until_ms + 1000 * cache_set.stale_s::bigint, new_size, cache_set.key, cache_set.value, cache_set.bytes)
        ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
            SET expires_ms = EXCLUDED.expires_ms, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = EXCLUDED.size, former_size = c.size,
                claim = NULL, value = EXCLUDED.value, bytes = EXCLUDED.bytes
        RETURNING c.size - c.former_size INTO grown;
    ELSE
        UPDATE quay.cache_entry AS c
        SET expires_ms = until_ms, drop_ms = until_ms + 1000 * cache_set.stale_s::bigint, claim_ms = 0, size = new_size, former_size = c.size,
            claim = NULL, value = cache_set.value, bytes = cache_set.bytes
        WHERE c.key = cache_set.key AND c.claim = cache_set.claim
        RETURNING c.size - c.former_size INTO grown;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    IF grown <> 0 THEN
        PERFORM quay_internal.cache_grow(grown);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.cache_set(text, text, integer, bytea, uuid, integer) IS
'Stores a value for ttl_s seconds in place of what was there; value is text, such as JSON, or NULL if bytes are given instead. stale_s: how long after that cache_claim() may still serve it while somebody loads a new one.
claim: what cache_claim() gave to the loader; the value is then stored only if the key has not been removed, stored or claimed anew since. Without it any loader may store an old value after a removal.
False: not stored, since the claim is void, there is no value, or it is larger than quay.cache_value_size; in the last two cases the key is removed, or the claim is given up. If the cache has more than quay.cache_size, others go: see cache_expire(). Errors: 22023 value and bytes are given, QY140 illegal key, QY141 lifetime out of range.';

CREATE OR REPLACE FUNCTION quay.cache_add(key text, value text, ttl_s integer, bytes bytea DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    new_size bigint := quay_internal.cache_size_of(cache_add.key, cache_add.value, cache_add.bytes);
    present bigint := quay_internal.clock_ms();
    until_ms bigint := present + 1000 * cache_add.ttl_s::bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', cache_add.ttl_s);
    IF new_size IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key, value, bytes)
    VALUES (until_ms, until_ms, new_size, cache_add.key, cache_add.value, cache_add.bytes)
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET expires_ms = EXCLUDED.expires_ms, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = EXCLUDED.size, former_size = c.size,
            claim = NULL, value = EXCLUDED.value, bytes = EXCLUDED.bytes
        WHERE c.expires_ms <= present
    RETURNING c.size - c.former_size INTO grown;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF grown <> 0 THEN
        PERFORM quay_internal.cache_grow(grown);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.cache_add(text, text, integer, bytea) IS
    'Stores a value only if the key has no fresh one; of two at once one does. False: it has one, or the value is not to be stored; see cache_set(). Errors: 22023, QY140, QY141.';

-- Removing

CREATE OR REPLACE FUNCTION quay.cache_delete_many(keys text[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
    removed bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.cache_key_check(k.key) FROM unnest(cache_delete_many.keys) AS k (key);
    -- In one order, so that two who remove the same keys wait for each other and not in a circle.
    WITH emptied AS (
        INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key)
        SELECT DISTINCT 0, present, 0, k.key COLLATE "C" FROM unnest(cache_delete_many.keys) AS k (key) ORDER BY 4
        ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
            SET expires_ms = 0, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = 0, former_size = c.size, claim = NULL, value = NULL, bytes = NULL
        RETURNING c.former_size
    )
    SELECT count(*) FILTER (WHERE e.former_size > 0), -sum(e.former_size) INTO removed, grown FROM emptied AS e;
    PERFORM quay_internal.cache_grow(grown);
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.cache_delete_many(text[]) IS
    'Removes many keys, as cache_delete() does one. Returns how many of them had a value. Errors: QY140.';

CREATE OR REPLACE FUNCTION quay.cache_delete(key text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    gone bigint;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_delete.key);
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key)
    VALUES (0, quay_internal.clock_ms(), 0, cache_delete.key)
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET expires_ms = 0, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = 0, former_size = c.size, claim = NULL, value = NULL, bytes = NULL
    RETURNING c.former_size INTO gone;
    IF gone > 0 THEN
        PERFORM quay_internal.cache_grow(-gone);
    END IF;
    RETURN gone > 0;
END
$$;
COMMENT ON FUNCTION quay.cache_delete(text) IS
    'Removes a key, when the transaction commits: call it in the transaction that changes what the value was made of. What somebody who has claimed the key read before that is not stored any more, whether the key had a value or not. True if it had one, fresh or not. Errors: QY140.';

CREATE OR REPLACE FUNCTION quay.cache_delete_prefix(prefix text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    keys text[] := ARRAY[]::text[];
    found record;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_delete_prefix.prefix);
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = 'cannot remove a prefix from the cache in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s: what others have stored since would stay.', current_setting('transaction_isolation')),
            HINT = 'Use a generation key (quay.cache_generation_change()), or a transaction that is READ COMMITTED.';
    END IF;
    -- No upper bound of the index's range is right in every encoding, so the end is where the prefix ends.
    FOR found IN SELECT c.key FROM quay.cache_entry AS c WHERE c.key >= cache_delete_prefix.prefix ORDER BY c.key LOOP
        EXIT WHEN NOT starts_with(found.key, cache_delete_prefix.prefix);
        keys := keys || found.key;
    END LOOP;
    RETURN quay.cache_delete_many(keys);
END
$$;
COMMENT ON FUNCTION quay.cache_delete_prefix(text) IS
    'Removes the keys that begin with a prefix, no character of which has a special meaning; how many had a value. For parts: cache_key(parts) || ''/''. Keys that others claim or store while the transaction is open are not among them: what must not be is done by a generation, see cache_generation(). Errors: 55000 the transaction is not READ COMMITTED, QY140.';
