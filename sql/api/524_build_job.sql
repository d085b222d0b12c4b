-- Jobs: who runs which build. A manager takes a build from the queue; the job is its lease, which heartbeats extend, up to the longest time that
-- a build may run. A job that expires is handled by one manager, once. The fence is the number of the attempt: what an earlier one says is
-- not listened to any more.

CREATE OR REPLACE FUNCTION quay_internal.build_job_log(build quay.repositorybuild, message text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF message IS NOT NULL THEN
        PERFORM quay.buildlog_append((build).uuid, message, 'error');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_log(quay.repositorybuild, text) IS 'Adds a line of type error to the log of a build, unless the message is NULL.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_hold(build quay.repositorybuild, fence bigint) RETURNS quay_internal.build_job
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay_internal.build_job;
BEGIN
    SELECT * INTO result FROM quay_internal.build_job AS j WHERE j.build_id = (build).id AND j.fence = build_job_hold.fence FOR UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_hold(quay.repositorybuild, bigint) IS
    'Job of a build that the caller holds, if it has this fence; nobody else changes it until we commit. All NULL: it is lost.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_state(job quay_internal.build_job) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (job).build_id IS NULL THEN 'lost' WHEN (job).cancel_requested_ms IS NOT NULL THEN 'cancel' ELSE 'ok' END;
COMMENT ON FUNCTION quay_internal.build_job_state(quay_internal.build_job) IS 'What a manager is told of its job: ok, cancel or lost.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_take(item_id bigint, claim text, build text, manager text, retries integer)
    RETURNS quay_internal.build_job
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    result quay_internal.build_job;
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF build IS NULL THEN
        PERFORM quay.queue_release(item_id, claim, quay_internal.setting('build_retry_delay')::integer);
        RETURN NULL;
    END IF;
    -- Others lock the build before the item, which we have: so we wait for nobody.
    SELECT * INTO target FROM quay.repositorybuild AS b WHERE b.uuid = build_job_take.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND AND EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.uuid = build_job_take.build)
       -- A job that nobody has ended yet: its item came back by itself.
       OR EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = target.id AND j.cancel_requested_ms IS NULL) THEN
        PERFORM quay.queue_release(item_id, claim, 1, restore_retry => true);
        RETURN NULL;
    END IF;
    IF target.id IS NULL OR target.phase = ANY (ARRAY['complete', 'error', 'cancelled']) THEN
        PERFORM quay.queue_complete(item_id, claim);
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
                   WHERE r.id = target.repository_id AND r.state <> 3 AND u.enabled) THEN
        PERFORM quay.queue_complete(item_id, claim);
        PERFORM quay_internal.build_move(target, 'cancelled');
        RETURN NULL;
    END IF;
    INSERT INTO quay_internal.build_job AS j (build_id, item_id, item_claim, manager, retries_remaining, claimed_ms, lease_expires_ms,
                                              lifetime_expires_ms)
    VALUES (target.id, build_job_take.item_id, claim, manager, retries, now_ms,
            now_ms + quay_internal.setting('build_registration_timeout')::bigint * 1000,
            now_ms + quay_internal.setting('build_machine_max_time')::bigint * 1000)
    RETURNING j.* INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_take(bigint, text, text, text, integer) IS
    'Makes a job of a queue item that was claimed. NULL if it cannot be one: somebody is changing the build, or its last job has not ended: the item comes back soon; the build has ended or is gone, or its repository is being deleted: so is the item; the item names no build: it comes back until it is out of retries.';

CREATE OR REPLACE FUNCTION quay.build_job_claim(manager text, n integer DEFAULT 1)
    RETURNS TABLE (build text, fence bigint, namespace text, repository text, display_name text, job_config jsonb, retries_remaining integer,
                   lease_expires_ms bigint, lifetime_expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    processing integer := quay_internal.setting('build_claim_duration')::integer;
    item record;
    job quay_internal.build_job;
    items integer;
    taken integer := 0;
BEGIN
    IF coalesce(manager, '') = '' OR char_length(manager) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'name of a build manager must have 1 to 255 characters',
            DETAIL = format('It is %s.', coalesce('"' || left(manager, 80) || '"', 'NULL')),
            HINT = 'Pass what tells this manager apart, such as its host and process.';
    END IF;
    PERFORM quay_internal.queue_require_read_committed('a claim of builds');
    -- What can be no job takes the place of others; a call looks at no more than this many rounds.
    FOR round IN 1 .. 100 LOOP
        items := 0;
        FOR item IN SELECT * FROM quay.queue_get('dockerfilebuild', processing, ordered => true, n => batch - taken) LOOP
            items := items + 1;
            job := quay_internal.build_job_take(item.item_id, item.claim, quay_internal.json_read(item.body) ->> 'build_uuid', manager,
                                                item.retries_remaining);
            CONTINUE WHEN job.build_id IS NULL;
            taken := taken + 1;
            SELECT b.uuid::text, u.username::text, r.name::text, b.display_name::text, coalesce(quay_internal.json_read(b.job_config), '{}')
            INTO build, namespace, repository, display_name, job_config
            FROM quay.repositorybuild AS b
            JOIN quay.repository AS r ON r.id = b.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE b.id = job.build_id;
            fence := job.fence;
            retries_remaining := job.retries_remaining;
            lease_expires_ms := job.lease_expires_ms;
            lifetime_expires_ms := job.lifetime_expires_ms;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN items = 0 OR taken >= batch;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_job_claim(text, integer) IS
    'Gives a build manager up to n builds to run, one at a time of each repository, the oldest first. No row: there is none. Several managers call it at once; each build goes to one. With build and fence the manager calls build_job_place() and build_job_schedule() within quay.build_registration_timeout, or build_job_release(); then the worker''s calls follow. retries_remaining: after this attempt. lifetime_expires_ms: when the job ends whatever happens (quay.build_machine_max_time).
Call build_job_expire() before, now and then. Errors: 22023 n not positive, no name; 55000 the transaction is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_job_check(build text, fence bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job quay_internal.build_job;
BEGIN
    SELECT j.* INTO job FROM quay.repositorybuild AS b JOIN quay_internal.build_job AS j ON j.build_id = b.id
    WHERE b.uuid = build_job_check.build AND j.fence = build_job_check.fence;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_check(text, bigint) IS
    'Shall the job go on? ok: yes. cancel: no, somebody cancelled the build; stop the worker and call build_job_complete(). lost: no, the job expired, or the build is gone; just stop the worker.';

CREATE OR REPLACE FUNCTION quay.build_job_place(build text, fence bigint, executor text, capacity integer DEFAULT NULL,
                                                minimum_retries integer DEFAULT 0) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job quay_internal.build_job := quay_internal.build_job_hold(quay_internal.build_hold(build), fence);
BEGIN
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    IF job.retries_remaining < minimum_retries THEN
        RETURN 'retries';
    END IF;
    IF capacity IS NOT NULL THEN
        -- Who counts sees what those before have placed.
        PERFORM quay_internal.queue_require_read_committed('the capacity of an executor');
        PERFORM pg_advisory_xact_lock(hashtextextended('quay executor ' || executor, 0));
        IF (SELECT count(*) FROM quay_internal.build_job AS j WHERE j.executor = build_job_place.executor AND j.build_id <> job.build_id) >= capacity THEN
            RETURN 'full';
        END IF;
    END IF;
    UPDATE quay_internal.build_job AS j SET executor = build_job_place.executor WHERE j.build_id = job.build_id;
    RETURN 'ok';
END
$$;
COMMENT ON FUNCTION quay.build_job_place(text, bigint, text, integer, integer) IS
    'Takes a place on an executor for a job, before the worker is started there. ok: it has it. full: as many jobs as capacity are there already. retries: the job has fewer retries left than minimum_retries, which keeps a last attempt for a better executor. Then ask the next executor, and in the end build_job_release(). cancel and lost: as in build_job_check(). capacity NULL: any number; two managers that count at once take turns. Errors: 55000 capacity in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_job_release(build text, fence bigint, delay_s double precision DEFAULT 10) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
BEGIN
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = job.build_id;
    IF quay_internal.build_job_state(job) = 'ok' THEN
        PERFORM quay.queue_release(job.item_id, job.item_claim, delay_s, restore_retry => true);
        PERFORM quay_internal.build_move(target, 'waiting');
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_release(text, bigint, double precision) IS
    'Gives a build back that target no executor, or cannot go on for reasons of the registry''s: the attempt does not count, and the build comes again after delay_s seconds. cancel and lost: as in build_job_check(); the job has ended then too.';

CREATE OR REPLACE FUNCTION quay.build_job_schedule(build text, fence bigint, executor text, execution_id text, startup_s integer DEFAULT 300) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
    startup interval := quay_internal.queue_seconds(startup_s, 1);
BEGIN
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    UPDATE quay_internal.build_job AS j
    SET executor = build_job_schedule.executor, execution_id = build_job_schedule.execution_id,
        lease_expires_ms = least(quay_internal.clock_ms() + startup_s::bigint * 1000, j.lifetime_expires_ms)
    WHERE j.build_id = job.build_id;
    PERFORM quay.queue_extend(job.item_id, job.item_claim, startup_s + 60, minimum_s => 60);
    PERFORM quay_internal.build_move(target, 'build-scheduled');
    RETURN 'ok';
END
$$;
COMMENT ON FUNCTION quay.build_job_schedule(text, bigint, text, text, integer) IS
    'The worker is being started: on which executor, and under which id there, so that whoever finds the job expired can stop it. The first heartbeat is to come within startup_s seconds. The phase is build-scheduled then. ok, cancel, lost: as in build_job_check(). Errors: 22023 startup_s out of range.';

-- Calls of the worker

CREATE OR REPLACE FUNCTION quay.build_job_start(build text, fence bigint)
    RETURNS TABLE (status text, namespace text, repository text, job_config jsonb, resource_key text, token text, git_url text, private_key text,
                   pull_username text, pull_password text, pull_registry text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
BEGIN
    status := quay_internal.build_job_state(job);
    IF status <> 'ok' THEN
        RETURN NEXT;
        RETURN;
    END IF;
    job_config := coalesce(quay_internal.json_read(target.job_config), '{}');
    git_url := job_config #>> '{trigger_metadata,git_url}';
    IF coalesce(target.resource_key, job_config ->> 'archive_url', git_url) IS NULL THEN
        -- It would not be better at the next attempt.
        PERFORM quay.queue_cancel(job.item_id);
        DELETE FROM quay_internal.build_job AS j WHERE j.build_id = job.build_id;
        PERFORM quay_internal.build_job_log(target, 'There is neither a package nor a repository to build from.');
        PERFORM quay_internal.build_move(target, 'internalerror');
        status := 'nothing';
        job_config := NULL;
        RETURN NEXT;
        RETURN;
    END IF;
    UPDATE quay_internal.build_job AS j SET started_ms = coalesce(j.started_ms, quay_internal.clock_ms()) WHERE j.build_id = job.build_id;
    SELECT u.username::text, r.name::text INTO namespace, repository
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = target.repository_id;
    resource_key := target.resource_key;
    token := (SELECT a.token_name || quay_internal.field_decrypt(a.token_code) FROM quay.accesstoken AS a WHERE a.id = target.access_token_id);
    private_key := (SELECT quay_internal.field_decrypt(t.secure_private_key) FROM quay.repositorybuildtrigger AS t WHERE t.id = target.trigger_id);
    SELECT c.username, c.password, c.registry INTO pull_username, pull_password, pull_registry
    FROM quay."user" AS u CROSS JOIN LATERAL quay.robot_pull_credentials(u.username) AS c WHERE u.id = target.pull_robot_id;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_job_start(text, bigint) IS
    'What a worker needs to build, for whoever has the job: what to build and where to push it, the token ($token) to push with, the key for git, and the password of the robot to pull with, each in clear. status: ok; cancel, lost: as in build_job_check(), the other columns are NULL; nothing: the build names neither an uploaded file, an archive nor a git repository, and has ended in internalerror. The worker may call it again. Errors: QY060 a secret cannot be decrypted, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_job_heartbeat(build text, fence bigint, status jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    job quay_internal.build_job;
BEGIN
    -- Neither the build nor its trigger: a heartbeat waits for nobody but another call for the same job.
    UPDATE quay_internal.build_job AS j
    SET heartbeat_ms = now_ms,
        lease_expires_ms = least(now_ms + quay_internal.setting('build_heartbeat_timeout')::bigint * 1000, j.lifetime_expires_ms)
    WHERE j.build_id = (SELECT b.id FROM quay.repositorybuild AS b WHERE b.uuid = build_job_heartbeat.build ORDER BY b.id LIMIT 1)
      AND j.fence = build_job_heartbeat.fence AND j.lifetime_expires_ms > now_ms
    RETURNING j.* INTO job;
    IF quay_internal.build_job_state(job) = 'ok' AND NOT quay.queue_extend(job.item_id, job.item_claim, 300) THEN
        -- It was taken out of the queue, as with its namespace.
        RETURN 'lost';
    END IF;
    IF job.build_id IS NOT NULL AND status IS NOT NULL THEN
        PERFORM quay_internal.buildlog_status_put(job.build_id, status);
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_heartbeat(text, bigint, jsonb) IS
    'The worker is alive: the job goes on for quay.build_heartbeat_timeout, and the queue item for 300 seconds, so a heartbeat every 20 seconds or so is enough. status: what build_status() is to show, NULL: as it was. ok, cancel, lost: as in build_job_check(); lost also when the longest time that a build may run is over.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_end(build quay.repositorybuild, job quay_internal.build_job, result text, message text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = (job).build_id;
    IF (job).cancel_requested_ms IS NOT NULL THEN
        RETURN;
    END IF;
    IF result = ANY (ARRAY['incomplete', 'internalerror']) THEN
        PERFORM quay.queue_release((job).item_id, (job).item_claim, quay_internal.setting('build_retry_delay')::integer,
                                   restore_retry => result = 'incomplete');
    ELSE
        -- Also if the item has expired: it is the job that counts.
        PERFORM quay.queue_cancel((job).item_id);
    END IF;
    PERFORM quay_internal.build_job_log(build, message);
    PERFORM quay_internal.build_move(build, CASE result WHEN 'incomplete' THEN 'waiting' ELSE result END);
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_end(quay.repositorybuild, quay_internal.build_job, text, text) IS
    'Ends a job that the caller holds, with its build: what becomes of the queue item and of the phase, see build_job_complete().';

CREATE OR REPLACE FUNCTION quay.build_job_phase(build text, fence bigint, phase text, data jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    job quay_internal.build_job;
BEGIN
    PERFORM quay_internal.build_phase_check(phase);
    IF phase = ANY (ARRAY['complete', 'error', 'internalerror', 'cancelled']) THEN
        RETURN quay.build_job_complete(build, fence, phase);
    END IF;
    target := quay_internal.build_hold(build);
    job := quay_internal.build_job_hold(target, fence);
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    RETURN CASE WHEN target.phase = phase OR quay_internal.build_move(target, phase, data) THEN 'ok' ELSE 'refused' END;
END
$$;
COMMENT ON FUNCTION quay.build_job_phase(text, bigint, text, jsonb) IS
    'The worker is in another phase. ok: so is the build, or it was already; with the phase come a line of type phase and the data in its log, and with building the event build_start. refused: the phase may not follow, see build_set_phase(). The four that end a build do what build_job_complete() does. cancel, lost: as in build_job_check(). Errors: QY009 unknown phase.';

CREATE OR REPLACE FUNCTION quay.build_job_complete(build text, fence bigint, result text, message text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    job quay_internal.build_job;
BEGIN
    IF coalesce(result <> ALL (ARRAY['complete', 'error', 'internalerror', 'incomplete', 'cancelled']), true) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown result of a build job',
            DETAIL = format('There is no result "%s".', left(result, 80)),
            HINT = 'Results are complete, error, internalerror, incomplete and cancelled.';
    END IF;
    target := quay_internal.build_hold(build);
    job := quay_internal.build_job_hold(target, fence);
    IF job.build_id IS NOT NULL THEN
        PERFORM quay_internal.build_job_end(target, job, result, message);
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_complete(text, bigint, text, text) IS
    'Ends a job. complete, error, cancelled: that is the phase of the build, for good, and its queue item is gone. internalerror: so is the phase, but the build comes again after quay.build_retry_delay if it has retries left. incomplete: the worker cannot go on, which is no fault of the build; it waits, and comes again after the same time, and the attempt does not count. message: a line of type error in the log, before the phase.
Events and the counters of the trigger follow the phase, see build_set_phase(). ok: done. cancel: the build was cancelled meanwhile, stays so, and the job has ended. lost: the job is another''s or gone; nothing was written. Errors: QY009 unknown result.';

-- Jobs that nobody ends

CREATE OR REPLACE FUNCTION quay_internal.build_job_hold_expired(build_id bigint, now_ms bigint, OUT build quay.repositorybuild,
                                                                OUT job quay_internal.build_job)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_trigger bigint := (SELECT b.trigger_id FROM quay.repositorybuild AS b WHERE b.id = build_job_hold_expired.build_id);
BEGIN
    -- In the same order as everybody, but waiting for nobody: with several builds in hand there is no order any more.
    PERFORM FROM quay.repositorybuildtrigger AS t WHERE t.id = of_trigger FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND AND of_trigger IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT * INTO build FROM quay.repositorybuild AS b WHERE b.id = build_job_hold_expired.build_id FOR NO KEY UPDATE SKIP LOCKED;
    IF build.id IS NOT NULL THEN
        SELECT * INTO job FROM quay_internal.build_job AS j
        WHERE j.build_id = build.id AND j.lease_expires_ms <= now_ms FOR UPDATE SKIP LOCKED;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_hold_expired(bigint, bigint) IS
    'Build and job, if the job has expired and nobody is at either: neither changes until we commit. Else the job is all NULL.';

CREATE OR REPLACE FUNCTION quay.build_job_expire(n integer DEFAULT 10)
    RETURNS TABLE (build text, fence bigint, manager text, executor text, execution_id text, cancelled boolean, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    candidate bigint;
    held record;
BEGIN
    FOR candidate IN
        SELECT j.build_id FROM quay_internal.build_job AS j WHERE j.lease_expires_ms <= now_ms ORDER BY j.lease_expires_ms LIMIT batch
    LOOP
        held := quay_internal.build_job_hold_expired(candidate, now_ms);
        CONTINUE WHEN (held.job).build_id IS NULL;
        PERFORM quay_internal.build_job_end(held.build, held.job, 'internalerror', 'The worker of the build was not heard of any more.');
        build := (held.build).uuid;
        fence := (held.job).fence;
        manager := (held.job).manager;
        executor := (held.job).executor;
        execution_id := (held.job).execution_id;
        cancelled := (held.job).cancel_requested_ms IS NOT NULL;
        retries_remaining := quay_internal.build_retries((held.build).queue_id);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_job_expire(integer) IS
    'Ends up to n jobs whose lease is over: no heartbeat came, or the build took too long. Each is given to one caller, once, who has to stop the worker execution_id of executor, if there is one. The build is in phase internalerror and comes again after quay.build_retry_delay if it has retries left; cancelled: it was cancelled before, and stays so. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.build_job_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (build_id bigint, build text, fence bigint, manager text, executor text, execution_id text, retries_remaining integer,
                   claimed_ms bigint, started_ms bigint, heartbeat_ms bigint, lease_expires_ms bigint, lifetime_expires_ms bigint,
                   cancel_requested boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT j.build_id, b.uuid::text, j.fence, j.manager, j.executor, j.execution_id, j.retries_remaining, j.claimed_ms, j.started_ms,
               j.heartbeat_ms, j.lease_expires_ms, j.lifetime_expires_ms, j.cancel_requested_ms IS NOT NULL
        FROM quay_internal.build_job AS j JOIN quay.repositorybuild AS b ON b.id = j.build_id
        WHERE j.build_id > coalesce(build_job_list.after, 0)
        ORDER BY j.build_id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.build_job_list(bigint, integer) IS
    'Jobs that there are, at most n with a build_id above after: for a manager that was started anew, and for people. Times in milliseconds since 1970. Errors: 22023 n negative.';
