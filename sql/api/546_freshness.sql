-- Reading from a standby what was just written to the primary; and, for front ends that read rights from a standby and content from the
-- primary, marks that say when that would show new content to somebody who lost his right to it.

CREATE OR REPLACE FUNCTION quay.wal_token() RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        -- A commit that was not flushed is behind the position up to which is flushed.
        WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn()
    END;
END
$$;
COMMENT ON FUNCTION quay.wal_token() IS
    'Position in the WAL behind everything that has been committed: ask for it after the commit, keep it with the session of the user, and pass it to wal_wait() on a standby. What is written only to UNLOGGED tables is not in the WAL. On a standby: what it shows.';

CREATE OR REPLACE FUNCTION quay.wal_wait(token pg_lsn, timeout_ms integer DEFAULT 1000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + least(greatest(coalesce(wal_wait.timeout_ms, 0), 0), 60000) * interval '1 ms';
    replayed pg_lsn := pg_last_wal_replay_lsn();
    reached pg_lsn := replayed;
    moved_at timestamptz := clock_timestamp();
BEGIN
    IF wal_wait.token IS NULL OR NOT pg_is_in_recovery() THEN
        RETURN true;
    END IF;
    LOOP
        replayed := pg_last_wal_replay_lsn();
        IF replayed >= wal_wait.token THEN
            RETURN true;
        END IF;
        IF replayed > reached THEN
            reached := replayed;
            moved_at := clock_timestamp();
        END IF;
        -- Promoted: what was not replayed by now never comes. Or replay stands still although it could go on: it may wait for the end of
        -- this very statement, whose snapshot sees rows that are to be removed.
        IF clock_timestamp() >= deadline OR NOT pg_is_in_recovery()
           OR clock_timestamp() >= moved_at + interval '100 ms' AND pg_last_wal_receive_lsn() > replayed THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(0.001);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.wal_wait(pg_lsn, integer) IS
'Waits until a standby shows what was committed before wal_token(), at most timeout_ms (up to 60000). True: it does; read in the next statement, at READ COMMITTED. False: not yet: read from the primary, or call it again. On the primary, and for a token that is NULL, true at once.
It must be the only thing that the statement does. While it waits, its snapshot may keep the standby from removing rows, and so from going on; therefore it gives up (false) when replay has stood still for 100 ms with more to replay. The next call has a new snapshot.';

-- Marks. Unnecessary where one server answers both questions: it replays in the order in which things were committed.

CREATE OR REPLACE FUNCTION quay_internal.freshness_mark_set(usernames text[], namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    -- Positions in the WAL: unlike clocks they never go back.
    present pg_lsn := pg_current_wal_insert_lsn();
BEGIN
    INSERT INTO quay_internal.freshness_mark AS m (username, namespace, repository, marked, expires_ms)
    SELECT DISTINCT u.username COLLATE "C", freshness_mark_set.namespace, freshness_mark_set.repository, present, quay_internal.clock_ms() + 300000
    FROM unnest(usernames) AS u (username) ORDER BY 1
    ON CONFLICT ON CONSTRAINT pk_freshness_mark DO UPDATE
        SET marked = greatest(m.marked, EXCLUDED.marked), expires_ms = greatest(m.expires_ms, EXCLUDED.expires_ms);
    RETURN present;
END
$$;
COMMENT ON FUNCTION quay_internal.freshness_mark_set(text[], text, text) IS
    'Marks a repository for these users, for 300 s; the user '''' stands for its content. Returns the position of the marks.';

CREATE OR REPLACE FUNCTION quay.repository_modified_mark(namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.freshness_mark_set(ARRAY[''], namespace, repository);
END
$$;
COMMENT ON FUNCTION quay.repository_modified_mark(text, text) IS
    'Marks, for 300 s, that a repository has new content. Call it after the commit that brought it. Returns the position of the mark.';

CREATE OR REPLACE FUNCTION quay.permission_revoked_mark_many(usernames text[], namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.freshness_mark_set(array_remove(array_remove(usernames, NULL), ''), namespace, repository);
END
$$;
COMMENT ON FUNCTION quay.permission_revoked_mark_many(text[], text, text) IS
    'Marks, for 300 s, that these users are losing a right to a repository: all members, if it is a team that does. Commit it before the right goes. Returns the position of the marks, also if there are none.';

CREATE OR REPLACE FUNCTION quay.permission_read_blocked(username text, namespace text, repository text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM quay_internal.freshness_mark AS revoked, quay_internal.freshness_mark AS modified
        WHERE revoked.namespace = permission_read_blocked.namespace AND revoked.repository = permission_read_blocked.repository
          AND revoked.username = permission_read_blocked.username AND revoked.username <> '' AND revoked.expires_ms > present
          AND modified.namespace = permission_read_blocked.namespace AND modified.repository = permission_read_blocked.repository
          AND modified.username = '' AND modified.expires_ms > present
          AND modified.marked > revoked.marked);
END
$$;
COMMENT ON FUNCTION quay.permission_read_blocked(text, text, text) IS
    'Must the right of a user to read a repository be asked of the primary, and not of a standby? True if he lost a right to it and it has got new content after that, both within the last 300 s. He may have got another right since: blocked is not denied. Ask the primary; a standby, which may not have the marks yet, answers true.';

CREATE OR REPLACE FUNCTION quay.freshness_mark_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    DELETE FROM quay_internal.freshness_mark AS m
    WHERE (m.namespace, m.repository, m.username) IN (
        SELECT o.namespace, o.repository, o.username FROM quay_internal.freshness_mark AS o
        WHERE o.expires_ms <= quay_internal.clock_ms() ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.freshness_mark_expire(integer) IS
    'Removes up to n marks that are older than 300 s, and returns how many. Safe to do twice at once. Errors: 22023 n not positive.';
