-- Logs of builds that have ended go to an archive, and what nobody archives goes with age.

CREATE OR REPLACE FUNCTION quay_internal.build_is_archivable(build quay.repositorybuild, started_before timestamp) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT (build).logs_archived
       AND ((build).phase = ANY (ARRAY['complete', 'error', 'cancelled'])
            OR (build).phase = 'internalerror' AND NOT quay_internal.build_is_tried((build).id, (build).queue_id)
            OR (build).started < started_before);
END
$$;
COMMENT ON FUNCTION quay_internal.build_is_archivable(quay.repositorybuild, timestamp) IS
    'Is the log of a build to be archived? If the build has ended, or is that old.';

CREATE OR REPLACE FUNCTION quay.build_archive_claim(n integer DEFAULT 1) RETURNS TABLE (build text, claim text, total integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    started_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('build_archive_age')::integer);
    candidate record;
    token uuid;
BEGIN
    FOR candidate IN
        SELECT b.id, b.uuid FROM quay.repositorybuild AS b
        LEFT JOIN quay_internal.build_log AS l ON l.build_id = b.id
        WHERE NOT b.logs_archived AND coalesce(l.archive_expires_ms, 0) <= now_ms
          AND quay_internal.build_is_archivable(b, started_before)
        ORDER BY b.started, b.id
        LIMIT batch
        FOR NO KEY UPDATE OF b SKIP LOCKED
    LOOP
        token := gen_random_uuid();
        INSERT INTO quay_internal.build_log AS l (build_id, archive_claim, archive_expires_ms)
        VALUES (candidate.id, token, now_ms + quay_internal.setting('build_archive_duration')::bigint * 1000)
        ON CONFLICT ON CONSTRAINT pk_build_log DO UPDATE
        SET archive_claim = EXCLUDED.archive_claim, archive_expires_ms = EXCLUDED.archive_expires_ms
        -- Somebody may have claimed it since we looked.
        WHERE coalesce(l.archive_expires_ms, 0) <= now_ms;
        CONTINUE WHEN NOT FOUND;
        build := candidate.uuid;
        claim := token::text;
        total := (SELECT r.total FROM quay.buildlog_read(build, 0, 0) AS r);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_archive_claim(integer) IS
    'Gives a worker up to n builds whose logs are to be archived, the oldest first, for quay.build_archive_duration. To be archived are those of builds that have ended (in internalerror: if no attempt is under way or to come), and of builds that are older than quay.build_archive_age. Two workers never get the same. total: lines of the log. The worker reads them with buildlog_read(), stores them under the uuid of the build, if there are any, and calls build_archive_confirm(). Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.build_archive_confirm(build text, claim text, lines integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    PERFORM quay_internal.queue_require_read_committed('the archive of a build log');
    SELECT * INTO target FROM quay.repositorybuild AS b WHERE b.uuid = build_archive_confirm.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE;
    IF target.id IS NULL OR target.logs_archived THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.buildlog_lock(target.uuid);
    IF lines IS DISTINCT FROM (SELECT r.total FROM quay.buildlog_read(target.uuid, 0, 0) AS r) THEN
        -- More lines have come. Whoever claims it next gets them too.
        UPDATE quay_internal.build_log AS l SET archive_claim = NULL, archive_expires_ms = NULL
        WHERE l.build_id = target.id AND l.archive_claim::text = build_archive_confirm.claim;
        RETURN false;
    END IF;
    UPDATE quay_internal.build_log AS l
    SET archive_claim = NULL, archive_expires_ms = NULL, archived_lines = lines,
        expires_ms = CASE WHEN l.status IS NOT NULL
                          THEN now_ms + quay_internal.setting('buildlog_archived_lifetime')::bigint * 1000 END
    WHERE l.build_id = target.id AND l.archive_claim::text = build_archive_confirm.claim;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorybuild AS b SET logs_archived = true WHERE b.id = target.id;
    DELETE FROM quay_internal.build_log_line AS l WHERE l.build_id = target.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_archive_confirm(text, text, integer) IS
    'The lines of the log are in the archive: marks the build, deletes them here, and lets its status expire after quay.buildlog_archived_lifetime. lines: how many were stored; 0: nothing was stored, and buildlog_read() says so. True: done, by this worker. False, and nothing is deleted: the claim is over and another''s, the log is archived already, or has another number of lines by now; then it comes again with the next claim. Errors: 55000 the transaction is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_archive_release(build text, claim text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.build_log AS l SET archive_claim = NULL, archive_expires_ms = NULL
    FROM quay.repositorybuild AS b
    WHERE b.uuid = build_archive_release.build AND l.build_id = b.id AND l.archive_claim::text = build_archive_release.claim;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.build_archive_release(text, text) IS
    'Gives a claim back, so that the log can be claimed again at once. False: it is over, and another''s.';

-- Age

CREATE OR REPLACE FUNCTION quay_internal.buildlog_expire_one(build_id bigint, now_ms bigint, n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    lifetime_ms bigint := quay_internal.setting('buildlog_lifetime')::bigint * 1000;
    build record;
    log quay_internal.build_log;
    due_ms bigint;
    deleted integer := 0;
BEGIN
    -- The log before its row, like who adds its first line; who is adding one keeps it alive.
    SELECT b.uuid, b.logs_archived INTO build FROM quay.repositorybuild AS b WHERE b.id = buildlog_expire_one.build_id;
    IF build.uuid IS NOT NULL AND NOT quay_internal.buildlog_lock(build.uuid, wait => false) THEN
        RETURN 0;
    END IF;
    SELECT * INTO log FROM quay_internal.build_log AS l
    WHERE l.build_id = buildlog_expire_one.build_id AND l.expires_ms <= now_ms
      -- Not while somebody archives it.
      AND coalesce(l.archive_expires_ms, 0) <= now_ms
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Neither lines nor a status put the time off that the row has: that is done here.
    IF build.uuid IS NOT NULL AND NOT build.logs_archived THEN
        due_ms := lifetime_ms + greatest(log.status_ms, (SELECT l.created_ms FROM quay_internal.build_log_line AS l
                                                         WHERE l.build_id = log.build_id ORDER BY l.index DESC LIMIT 1));
    END IF;
    IF due_ms > now_ms THEN
        UPDATE quay_internal.build_log AS l SET expires_ms = due_ms WHERE l.build_id = log.build_id;
        RETURN 1;
    END IF;
    DELETE FROM quay_internal.build_log_line AS l
    WHERE l.build_id = log.build_id
      AND l.index < n + (SELECT f.index FROM quay_internal.build_log_line AS f WHERE f.build_id = log.build_id ORDER BY f.index LIMIT 1);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF EXISTS (SELECT FROM quay_internal.build_log_line AS l WHERE l.build_id = log.build_id) THEN
        RETURN deleted;
    END IF;
    UPDATE quay_internal.build_log AS l SET status = NULL, status_ms = NULL, expires_ms = NULL WHERE l.build_id = log.build_id;
    -- Nothing is left to be known.
    DELETE FROM quay_internal.build_log AS l
    WHERE l.build_id = log.build_id AND (build.uuid IS NULL OR l.archived_lines IS NULL AND l.archive_claim IS NULL);
    RETURN deleted + 1;
END
$$;
COMMENT ON FUNCTION quay_internal.buildlog_expire_one(bigint, bigint, integer) IS
    'Deletes what has expired of the log of a build, at most n lines, and returns how many rows it had to do with. A log with a younger line or status is put off.';

CREATE OR REPLACE FUNCTION quay.buildlog_expire(n integer DEFAULT 10000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    candidate bigint;
    done integer := 0;
BEGIN
    PERFORM quay_internal.queue_require_read_committed('the expiry of build logs');
    FOR candidate IN
        SELECT l.build_id FROM quay_internal.build_log AS l WHERE l.expires_ms <= now_ms ORDER BY l.expires_ms LIMIT batch
    LOOP
        done := done + quay_internal.buildlog_expire_one(candidate, now_ms, batch - done);
        EXIT WHEN done >= batch;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION quay.buildlog_expire(integer) IS
    'Deletes logs and statuses of builds to which nothing was added for quay.buildlog_lifetime, statuses of builds whose log was archived quay.buildlog_archived_lifetime ago, and what builds left that are gone: about n rows, and returns how many it had to do with; 0: there is nothing to do. What others are at is passed by, so it can run twice at once. Errors: 22023 n not positive, 55000 the transaction is not READ COMMITTED.';
