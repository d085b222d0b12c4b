-- The bounds of the cache: its size, what is removed when that is exceeded, and what has expired.
--
-- The size is the sum of the rows of quay_internal.cache_size. A change goes into any row that nobody else has locked, or else into a new one,
-- so nobody waits. Small changes are rounded by lot: one of 100 bytes counts as 16384 with a probability of 100/16384, and else as
-- nothing, which is right on average, and leaves most calls without this update. (In a cache of less than 16 MB it is a thousandth of
-- that instead of 16384, or chance would count for too much.) Once an hour the entries are counted.

CREATE OR REPLACE FUNCTION quay_internal.cache_evict(bytes bigint, n integer, OUT entries integer, OUT freed bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    -- In the order in which they will be dropped: first the expired ones. Who stores one of them has it locked, and keeps it; and a claim is
    -- no size, but without it what is being loaded could not be stored.
    WITH gone AS (
        DELETE FROM quay.cache_entry AS c
        WHERE c.key IN (SELECT s.key
                        FROM (SELECT o.key, sum(o.size) OVER (ORDER BY o.drop_ms, o.key) - o.size AS before
                              FROM (SELECT e.key, e.size, e.drop_ms FROM quay.cache_entry AS e WHERE e.claim_ms <= present
                                    ORDER BY e.drop_ms LIMIT cache_evict.n FOR UPDATE SKIP LOCKED) AS o) AS s
                        WHERE s.before < cache_evict.bytes)
        RETURNING c.size
    )
    SELECT count(*), coalesce(sum(g.size), 0) INTO entries, freed FROM gone AS g;
    PERFORM quay_internal.cache_size_add(-freed);
END
$$;
COMMENT ON FUNCTION quay_internal.cache_evict(bigint, integer) IS
    'Removes up to n entries, those that would be dropped first, until they make up so many bytes. Returns how many went, and their bytes.';

CREATE OR REPLACE FUNCTION quay_internal.cache_size_add(bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    free tid;
BEGIN
    -- A row that has changed since the snapshot of a transaction that sees the past would fail it.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        SELECT s.ctid INTO free FROM quay_internal.cache_size AS s FOR UPDATE SKIP LOCKED LIMIT 1;
    END IF;
    IF free IS NULL THEN
        INSERT INTO quay_internal.cache_size (bytes) VALUES (cache_size_add.bytes);
    ELSE
        UPDATE quay_internal.cache_size AS s SET bytes = s.bytes + cache_size_add.bytes WHERE s.ctid = free;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_add(bigint) IS 'Adds to the size of the cache, negative numbers too, without waiting.';

CREATE OR REPLACE FUNCTION quay_internal.cache_grow(bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    lot CONSTANT bigint := least(16384, greatest(quay_internal.setting('cache_size')::bigint, 1));   -- that is in kB
    counted bigint := coalesce(cache_grow.bytes, 0);
    excess bigint;
BEGIN
    IF abs(counted) < lot THEN
        IF random() * lot >= abs(counted) THEN
            RETURN;
        END IF;
        counted := sign(counted) * lot;
    END IF;
    PERFORM quay_internal.cache_size_add(counted);
    IF counted > 0 AND current_setting('transaction_isolation') = 'read committed' THEN
        excess := (SELECT sum(s.bytes) FROM quay_internal.cache_size AS s) - 1024 * quay_internal.setting('cache_size')::bigint;
        IF excess > 0 THEN
            -- More than came, so that the size comes down, but not all at once.
            PERFORM quay_internal.cache_evict(least(excess, 2 * counted), 200);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_grow(bigint) IS
    'Counts by how many bytes the cache has grown, and if it is too large removes entries, at most 200 a call. NULL and 0: nothing to do.';

CREATE OR REPLACE FUNCTION quay_internal.cache_count(present bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Two at once would make the correction twice. The next statement sees what the one before has done.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('quay cache_count', 0))
       OR (SELECT max(s.counted_ms) FROM quay_internal.cache_size AS s) BETWEEN present - 3600000 AND present THEN
        RETURN;
    END IF;
    -- One statement, one snapshot: whatever is under way is in neither sum.
    INSERT INTO quay_internal.cache_size (bytes, counted_ms)
    SELECT (SELECT coalesce(sum(c.size), 0) FROM quay.cache_entry AS c) - (SELECT coalesce(sum(s.bytes), 0) FROM quay_internal.cache_size AS s), present;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_count(bigint) IS 'Corrects the size of the cache by counting, unless that was done within the last hour. Reads all entries.';

CREATE OR REPLACE FUNCTION quay_internal.cache_size_merge() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As many rows as there are transactions at once are of use.
    IF (SELECT count(*) FROM (SELECT FROM quay_internal.cache_size LIMIT 33) AS s) < 33 THEN
        RETURN;
    END IF;
    WITH merged AS (
        DELETE FROM quay_internal.cache_size AS s
        WHERE s.ctid = ANY (ARRAY(SELECT o.ctid FROM quay_internal.cache_size AS o LIMIT 10000 FOR UPDATE SKIP LOCKED))
        RETURNING s.bytes, s.counted_ms
    )
    INSERT INTO quay_internal.cache_size (bytes, counted_ms)
    SELECT sum(m.bytes), max(m.counted_ms) FROM merged AS m HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_merge() IS 'Makes one row of those that nobody else has locked, if the size of the cache has more than 32 summands.';

CREATE OR REPLACE FUNCTION quay.cache_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    present bigint := quay_internal.clock_ms();
    excess bigint;
    removed integer;
    freed bigint;
BEGIN
    WITH gone AS (
        DELETE FROM quay.cache_entry AS c
        WHERE c.key IN (SELECT e.key FROM quay.cache_entry AS e
                        WHERE e.drop_ms <= present AND e.claim_ms <= present ORDER BY e.drop_ms LIMIT batch FOR UPDATE SKIP LOCKED)
        RETURNING c.size
    )
    SELECT count(*), coalesce(sum(g.size), 0) INTO removed, freed FROM gone AS g;
    IF freed > 0 THEN
        PERFORM quay_internal.cache_size_add(-freed);
    END IF;
    PERFORM quay_internal.cache_count(present), quay_internal.cache_size_merge();
    excess := (SELECT sum(s.bytes) FROM quay_internal.cache_size AS s) - 1024 * quay_internal.setting('cache_size')::bigint;
    IF excess > 0 AND removed < batch THEN
        removed := removed + (quay_internal.cache_evict(excess, batch - removed)).entries;
    END IF;
    RETURN removed + CASE WHEN removed < batch THEN quay_internal.cache_generation_expire(batch - removed) ELSE 0 END;
END
$$;
COMMENT ON FUNCTION quay.cache_expire(integer) IS
    'Removes up to n rows of the cache: entries that have expired and are not kept as stale ones, what removed keys left behind, and, once a day, generations that have not changed for a day. Returns how many; call it again when that was n. Also brings the cache down to quay.cache_size, the entries first that would expire first. Counts its size once an hour, which reads all of it. Safe to do twice at once. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.cache_clear() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    freed bigint;
    removed bigint;
BEGIN
    WITH gone AS (DELETE FROM quay.cache_entry AS c RETURNING c.size)
    SELECT count(*) FILTER (WHERE g.size > 0), coalesce(sum(g.size), 0) INTO removed, freed FROM gone AS g;
    PERFORM quay_internal.cache_size_add(-freed);
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.cache_clear() IS 'Removes all entries, and voids all claims. Returns how many had a value. Generations stay.';

CREATE OR REPLACE FUNCTION quay.cache_status()
    RETURNS TABLE (entries bigint, bytes bigint, fresh bigint, claimed bigint, removed bigint, generations bigint, counted_bytes bigint,
                   limit_bytes bigint, disk_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT count(*) FILTER (WHERE c.size > 0), coalesce(sum(c.size), 0)::bigint, count(*) FILTER (WHERE c.expires_ms > present),
               count(*) FILTER (WHERE c.claim_ms > present), count(*) FILTER (WHERE c.size = 0 AND c.claim_ms <= present),
               (SELECT count(*) FROM quay_internal.cache_generation AS g WHERE g.name <> ''),
               (SELECT coalesce(sum(s.bytes), 0)::bigint FROM quay_internal.cache_size AS s),
               1024 * quay_internal.setting('cache_size')::bigint,
               pg_total_relation_size('quay.cache_entry')
        FROM quay.cache_entry AS c;
END
$$;
COMMENT ON FUNCTION quay.cache_status() IS
    'What the cache holds: entries with a value and their bytes (key, value and 100 each), how many of them are fresh; keys that somebody is loading; rows that removed keys left behind; generations; counted_bytes: the size that evictions go by, an estimate between the hourly counts; limit_bytes: quay.cache_size; disk_bytes: of table and indexes. Reads all entries. No row on a standby.';
