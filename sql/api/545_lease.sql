-- Leases: locks with an owner and an end, for work that outlasts a transaction, by clients behind a connection pool. For work within one
-- transaction pg_advisory_xact_lock() is simpler, and the rows that workers claim have leases of their own.
--
-- Whoever holds a lease may lose it without a notice: he was paused, and it ran out. So each acquisition has a number, the fence, greater
-- than all before it, and who writes under the lease says so in the transaction that writes, by lease_check(): it locks the row FOR KEY SHARE,
-- which a renewal does not conflict with, while an acquisition, which locks it FOR UPDATE, passes by and fails.

CREATE OR REPLACE FUNCTION quay_internal.lease_check_arguments(name text, owner text DEFAULT '') RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := CASE WHEN octet_length(name) BETWEEN 1 AND 255 THEN NULL ELSE 'name' END;
BEGIN
    wrong := coalesce(wrong, CASE WHEN octet_length(owner) <= 255 THEN NULL ELSE 'owner' END);
    IF wrong IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY143',
        MESSAGE = format('illegal %s of a lease', wrong),
        DETAIL = coalesce('"' || left(CASE wrong WHEN 'name' THEN name ELSE owner END, 80) || '" is none.', 'It is NULL.'),
        HINT = CASE wrong WHEN 'name' THEN 'Use 1 to 255 bytes.' ELSE 'Say who it is, in up to 255 bytes.' END;
END
$$;
COMMENT ON FUNCTION quay_internal.lease_check_arguments(text, text) IS 'Refuses (QY143) a name that is NULL, empty or longer than 255 bytes, and an owner that is NULL or longer.';

CREATE OR REPLACE FUNCTION quay.lease_acquire(name text, owner text, ttl_s integer DEFAULT 600)
    RETURNS TABLE (acquired boolean, fence bigint, holder text, expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint;
BEGIN
    PERFORM quay_internal.lease_check_arguments(lease_acquire.name, lease_acquire.owner),
            quay_internal.lifetime_check('ttl_s', lease_acquire.ttl_s);
    -- A row that is free, unless there is one: asked for first, since ON CONFLICT waits for whoever is changing it. The number is taken
    -- when the row is locked.
    IF NOT EXISTS (SELECT FROM quay.lease AS l WHERE l.name = lease_acquire.name) THEN
        INSERT INTO quay.lease (name, fence, acquired_ms, expires_ms) VALUES (lease_acquire.name, 0, 0, 0)
        ON CONFLICT ON CONSTRAINT pk_lease DO NOTHING;
    END IF;
    PERFORM FROM quay.lease AS l
    WHERE l.name = lease_acquire.name AND (l.owner IS NULL OR l.expires_ms <= quay_internal.clock_ms()) FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        present := quay_internal.clock_ms();
        UPDATE quay.lease AS l
        SET owner = lease_acquire.owner, fence = nextval('quay.lease_fence_seq'), acquired_ms = present,
            expires_ms = present + 1000 * lease_acquire.ttl_s::bigint
        WHERE l.name = lease_acquire.name
        RETURNING true, l.fence, l.owner, l.expires_ms INTO acquired, fence, holder, expires_ms;
    ELSE
        acquired := false;
        SELECT l.owner, l.expires_ms INTO holder, expires_ms FROM quay.lease AS l WHERE l.name = lease_acquire.name;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.lease_acquire(text, text, integer) IS
'Takes a lease of that name for ttl_s seconds, if nobody has it; does not wait until it is free. Always one row. acquired: whether it is yours now; then fence is its number, greater than that of every lease of that name before. Otherwise holder and expires_ms (in ms since 1970) say who has it until when; holder NULL, or a time that has passed: somebody takes, gives back or uses it in a transaction that is open.
owner: who you are, for others to read; it does not make you the holder: what has the same owner is refused as well. A lease is held once the transaction has committed.
To wait, LISTEN quay_lease in a session of its own, try, and try again when a message has the name, when expires_ms has passed, or when you have waited long enough. Errors: QY141 lifetime out of range, QY143 illegal name or owner.';

CREATE OR REPLACE FUNCTION quay.lease_renew(name text, fence bigint, ttl_s integer DEFAULT 600) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', lease_renew.ttl_s);
    UPDATE quay.lease AS l SET expires_ms = quay_internal.clock_ms() + 1000 * lease_renew.ttl_s::bigint
    WHERE l.name = lease_renew.name AND l.fence = lease_renew.fence AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.lease_renew(text, bigint, integer) IS
    'Lets a lease last ttl_s seconds from now; call it when a third of that has passed. False: it has run out or was given back, and somebody else may have it: stop. Errors: QY141.';

CREATE OR REPLACE FUNCTION quay.lease_release(name text, fence bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE quay.lease AS l SET owner = NULL, expires_ms = quay_internal.clock_ms()
    WHERE l.name = lease_release.name AND l.fence = lease_release.fence AND l.owner IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.wake('quay_lease', lease_release.name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.lease_release(text, bigint) IS
    'Gives a lease back, and wakes up those who LISTEN quay_lease. False: somebody else has had it since, or it was given back.';

CREATE OR REPLACE FUNCTION quay.lease_check(name text, fence bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    until_ms bigint;
BEGIN
    SELECT l.expires_ms INTO until_ms FROM quay.lease AS l
    WHERE l.name = lease_check.name AND l.fence = lease_check.fence AND l.owner IS NOT NULL FOR KEY SHARE;
    -- By the clock of after the wait for the lock.
    RETURN coalesce(until_ms > quay_internal.clock_ms(), false);
END
$$;
COMMENT ON FUNCTION quay.lease_check(text, bigint) IS
    'Is the lease of that fence still held? To be asked first in a transaction that writes under it: if true, nobody else gets the lease until the transaction ends, even if it runs out meanwhile. It can be renewed meanwhile.';

CREATE OR REPLACE FUNCTION quay.lease_get(name text)
    RETURNS TABLE (owner text, fence bigint, acquired_ms bigint, expires_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT l.owner, l.fence, l.acquired_ms, l.expires_ms FROM quay.lease AS l
        WHERE l.name = lease_get.name AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms();
END
$$;
COMMENT ON FUNCTION quay.lease_get(text) IS 'Who has a lease, since and until when, in ms since 1970. No row: nobody. To write under a lease, ask lease_check().';

CREATE OR REPLACE FUNCTION quay.lease_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, owner text, fence bigint, acquired_ms bigint, expires_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT l.name, l.owner, l.fence, l.acquired_ms, l.expires_ms FROM quay.lease AS l
        WHERE l.name > coalesce(lease_list.after, '') AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms()
        ORDER BY l.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.lease_list(text, integer) IS
    'Leases that are held, by name, at most n, those after the name after; columns as of lease_get(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.lease_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    -- A day later nobody asks any more who had it last. The fences go on: all names share one sequence.
    DELETE FROM quay.lease AS l
    WHERE l.name IN (SELECT o.name FROM quay.lease AS o
                     WHERE o.expires_ms <= quay_internal.clock_ms() - 86400000 ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.lease_expire(integer) IS
    'Removes up to n leases that ran out or were given back more than a day ago, and returns how many. The fence of a name goes on growing all the same. Safe to do twice at once. Errors: 22023 n not positive.';
