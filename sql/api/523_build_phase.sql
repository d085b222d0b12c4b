-- Phases of builds: which may follow which, what comes with a change, cancelling, and what users are shown.
--
-- Whoever changes a build locks its trigger, the build, its job and its queue item, in this order, and the log last.

CREATE OR REPLACE FUNCTION quay_internal.build_phase_rank(phase text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['waiting', 'build-scheduled', 'unpacking', 'pulling', 'building', 'pushing'], phase);
COMMENT ON FUNCTION quay_internal.build_phase_rank(text) IS 'Place of a phase in the course of a build; NULL for those that end it, and for what is no phase.';

CREATE OR REPLACE FUNCTION quay_internal.build_phase_check(phase text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.build_phase_rank(phase) IS NULL
       AND coalesce(phase <> ALL (ARRAY['complete', 'error', 'internalerror', 'cancelled']), true) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown phase of a build',
            DETAIL = format('There is no phase "%s".', left(phase, 80)),
            HINT = 'Phases are waiting, build-scheduled, unpacking, pulling, building, pushing, complete, error, internalerror and cancelled.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_phase_check(text) IS 'Refuses (QY009) what is no phase of a build.';

CREATE OR REPLACE FUNCTION quay_internal.build_phase_may_follow(old text, new text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(CASE
        -- The next attempt, or giving up.
        WHEN old = 'internalerror' THEN new = ANY (ARRAY['waiting', 'build-scheduled', 'cancelled'])
        WHEN quay_internal.build_phase_rank(old) IS NULL THEN false
        -- Back into the queue, forward, or to an end.
        WHEN new = 'waiting' THEN old <> 'waiting'
        ELSE new = ANY (ARRAY['complete', 'error', 'internalerror', 'cancelled'])
             OR quay_internal.build_phase_rank(new) > quay_internal.build_phase_rank(old) END, false);
COMMENT ON FUNCTION quay_internal.build_phase_may_follow(text, text) IS
    'May a build go from one phase to the other? From complete, error and cancelled nowhere; from internalerror into the next attempt; from the others forward, back to waiting, or to an end.';

CREATE OR REPLACE FUNCTION quay_internal.build_retries(queue_id text) RETURNS integer
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT q.retries_remaining FROM quay.queueitem AS q WHERE q.id = quay_internal.build_item_id(queue_id)), 0);
END
$$;
COMMENT ON FUNCTION quay_internal.build_retries(text) IS 'How often the queue item of a build may still be taken; 0 if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.build_is_tried(build_id bigint, queue_id text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = build_is_tried.build_id)
        OR EXISTS (SELECT FROM quay.queueitem AS q
                   WHERE q.id = quay_internal.build_item_id(queue_id)
                     AND (q.retries_remaining > 0 OR NOT q.available AND q.processing_expires > quay_internal.utc_now()));
END
$$;
COMMENT ON FUNCTION quay_internal.build_is_tried(bigint, text) IS 'Is an attempt at a build under way, or to come?';

CREATE OR REPLACE FUNCTION quay_internal.build_hold(build text) RETURNS quay.repositorybuild
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuild;
BEGIN
    PERFORM FROM quay.repositorybuildtrigger AS t
    WHERE t.id = (SELECT b.trigger_id FROM quay.repositorybuild AS b WHERE b.uuid = build_hold.build ORDER BY b.id LIMIT 1)
    FOR NO KEY UPDATE;
    SELECT * INTO result FROM quay.repositorybuild AS b WHERE b.uuid = build_hold.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_hold(text) IS 'Build of that uuid, which, like its trigger, nobody else changes until we commit; all NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.build_move(build quay.repositorybuild, phase text, data jsonb DEFAULT NULL, performer text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event text := CASE build_move.phase WHEN 'building' THEN 'build_start' WHEN 'complete' THEN 'build_success' WHEN 'error' THEN 'build_failure'
                                        WHEN 'cancelled' THEN 'build_cancelled' WHEN 'internalerror' THEN 'build_failure' END;
BEGIN
    IF NOT quay_internal.build_phase_may_follow((build).phase, build_move.phase) THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorybuild AS b SET phase = build_move.phase WHERE b.id = (build).id;
    PERFORM quay.buildlog_append((build).uuid, build_move.phase, 'phase', build_move.data);
    -- With retries left an internal error is not the end.
    IF event IS NOT NULL AND (build_move.phase <> 'internalerror' OR quay_internal.build_retries((build).queue_id) <= 0) THEN
        PERFORM quay_internal.build_event(build, event, performer => build_move.performer);
    END IF;
    PERFORM quay_internal.build_trigger_count((build).trigger_id, build_move.phase);
    PERFORM quay_internal.wake('quay_build', (build).uuid);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay_internal.build_move(quay.repositorybuild, text, jsonb, text) IS
    'Brings a build that the caller holds into another phase, with all that comes with it: a line of its log, the event, the counters of its trigger, a message to those who LISTEN to quay_build. False, and nothing happens, if that phase may not follow.';

CREATE OR REPLACE FUNCTION quay.build_set_phase(build text, phase text, expected text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
BEGIN
    PERFORM quay_internal.build_phase_check(phase);
    target := quay_internal.build_hold(build);
    IF target.id IS NULL OR target.phase <> expected
       -- Who has the job uses build_job_phase(), which asks for the fence.
       OR EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = target.id AND j.cancel_requested_ms IS NULL) THEN
        RETURN false;
    END IF;
    RETURN target.phase = phase OR quay_internal.build_move(target, phase);
END
$$;
COMMENT ON FUNCTION quay.build_set_phase(text, text, text) IS
    'Brings a build into another phase, for front ends that run builds without jobs. False, and nothing happens: there is no such build, it is not in the phase expected, the phase may not follow, or somebody has a job for the build. True also if it is in that phase already.
complete, error and cancelled are final. From internalerror a build goes back to waiting or build-scheduled, for the next attempt. From the other phases it goes forward, in the order waiting, build-scheduled, unpacking, pulling, building, pushing, back to waiting, or to one of the four ends.
With the phase comes a line of type phase in the log, and an event: building build_start, complete build_success, error build_failure, cancelled build_cancelled, internalerror build_failure unless the queue item has retries left. complete, error and internalerror are counted for the trigger. Errors: QY009 unknown phase.';

CREATE OR REPLACE FUNCTION quay_internal.build_can_be_cancelled(build quay.repositorybuild, has_job boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN (build).phase = 'waiting' THEN true
        WHEN (build).phase = 'pushing' OR quay_internal.build_phase_rank((build).phase) IS NULL THEN false
        WHEN has_job THEN true
        -- Somebody runs it without a job, whom we cannot tell.
        ELSE NOT EXISTS (SELECT FROM quay.queueitem AS q
                         WHERE q.id = quay_internal.build_item_id((build).queue_id) AND NOT q.available
                           AND q.processing_expires > quay_internal.utc_now()) END;
END
$$;
COMMENT ON FUNCTION quay_internal.build_can_be_cancelled(quay.repositorybuild, boolean) IS
    'Can a build that the caller holds be cancelled? While it waits; later, until it pushes, if its worker can be told, or there is none.';

CREATE OR REPLACE FUNCTION quay.build_cancel(build text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_cancel.actor);
    target quay.repositorybuild := quay_internal.build_hold(build);
    has_job boolean;
    place record;
BEGIN
    IF target.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY120',
            MESSAGE = 'build does not exist',
            DETAIL = format('There is no build "%s".', left(build_cancel.build, 80)),
            HINT = 'quay.build_list() lists those of a repository.';
    END IF;
    PERFORM FROM quay_internal.build_job AS j WHERE j.build_id = target.id FOR UPDATE;
    has_job := FOUND;
    IF NOT quay_internal.build_can_be_cancelled(target, has_job) THEN
        RETURN false;
    END IF;
    UPDATE quay_internal.build_job AS j SET cancel_requested_ms = quay_internal.clock_ms() WHERE j.build_id = target.id;
    PERFORM quay.queue_cancel(quay_internal.build_item_id(target.queue_id));
    PERFORM quay_internal.build_move(target, 'cancelled', performer => build_cancel.actor);

    SELECT r.id, r.name, r.namespace_user_id, u.username INTO place
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = target.repository_id;
    PERFORM quay_internal.log_add('cancel_build', place.namespace_user_id, performer_id, place.id,
        jsonb_build_object('namespace', place.username, 'repo', place.name, 'build_uuid', target.uuid), build_cancel.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_cancel(text, text, text) IS
    'Cancels a build: in one act its phase is cancelled, its queue item is gone, and if somebody has a job for it he is told, by a message on quay_build and the answer of his next call. Writes the audit row cancel_build and queues the event build_cancelled. False, and nothing happens: the build pushes already, or has ended, or somebody who has no job runs it. Errors: QY007 actor unknown, QY120 build unknown.';

-- What users are shown

CREATE OR REPLACE FUNCTION quay_internal.build_heartbeat_ms(status jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(status -> 'heartbeat') = 'number' AND (status ->> 'heartbeat')::numeric BETWEEN 0 AND 1e12
                THEN ((status ->> 'heartbeat')::numeric * 1000)::bigint END;
COMMENT ON FUNCTION quay_internal.build_heartbeat_ms(jsonb) IS
    'The heartbeat in a status of the reference''s workers, in seconds since 1970, in milliseconds; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.build_status(build text)
    RETURNS TABLE (shown text, phase text, status jsonb, heartbeat_ms bigint, retries_remaining integer, cancel_requested boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    silent_since bigint := quay_internal.clock_ms() - quay_internal.setting('build_heartbeat_timeout')::bigint * 1000;
    is_tried boolean;
BEGIN
    SELECT b.phase::text, l.status, greatest(j.heartbeat_ms, quay_internal.build_heartbeat_ms(l.status)),
           quay_internal.build_retries(b.queue_id), j.cancel_requested_ms IS NOT NULL, quay_internal.build_is_tried(b.id, b.queue_id)
    INTO phase, status, heartbeat_ms, retries_remaining, cancel_requested, is_tried
    FROM quay.repositorybuild AS b
    LEFT JOIN quay_internal.build_log AS l ON l.build_id = b.id
    LEFT JOIN quay_internal.build_job AS j ON j.build_id = b.id
    WHERE b.uuid = build_status.build
    ORDER BY b.id
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    shown := phase;
    IF quay_internal.build_phase_rank(phase) IS NOT NULL AND heartbeat_ms < silent_since THEN
        shown := 'internalerror';
    END IF;
    IF shown = 'internalerror' AND NOT is_tried THEN
        shown := 'expired';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_status(text) IS
    'What to show of a build; no row if there is none. shown: its phase; internalerror if it runs and its last heartbeat is older than quay.build_heartbeat_timeout; expired instead of internalerror if no attempt is under way or to come: its queue item has no retries left, or is gone. phase: as it is stored. status: what the worker said last with buildlog_status_set() or build_job_heartbeat(). heartbeat_ms: of the job, or the field heartbeat of the status, whichever is later.';
