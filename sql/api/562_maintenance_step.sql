-- Batches of the jobs of maintenance that go on where the last batch ended.
--
-- Each takes n, how much to do, and the cursor that the batch before has left, NULL at the beginning; and answers how many things it did,
-- the cursor for the next one, and whether there is more to do now. In a cursor "after" and "of" are ids: how far the pass has got. problem:
-- what went wrong with one thing, when the pass goes on with the others. What a batch cannot live with it throws. Each runs in a
-- transaction of its own, under the lock on the job.

CREATE OR REPLACE FUNCTION quay_internal.error_text(sqlstate text, message text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- PostgreSQL quotes values in messages about data only, class 22; elsewhere what it quotes are names.
    RETURN left(sqlstate || ': ' || CASE WHEN sqlstate LIKE '22%' THEN regexp_replace(message, '".*"', '"…"') ELSE message END, 500);
END
$$;
COMMENT ON FUNCTION quay_internal.error_text(text, text) IS
    'An error for those who look after the registry: SQLSTATE and message, at most 500 characters, without values, which may be secrets. The detail is left out.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_gc(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run record;
    idle integer := coalesce((cursor ->> 'idle')::integer, 0);
BEGIN
    SELECT * INTO run FROM quay.gc_run(n);
    done := run.tags + run.manifests + run.labels + run.uploads;
    idle := CASE WHEN done = 0 THEN idle + 1 ELSE 0 END;
    -- Most reviews end in nothing to delete. But what is left may also be in the hands of other workers, who finish it.
    more := run.more AND idle < 1000;
    cursor := CASE WHEN more THEN jsonb_build_object('idle', idle) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_gc(integer, jsonb) IS 'A batch of the job gc. done: tags, manifests, labels and uploads deleted.';

-- Purges. Whoever takes the item from the queue does the same work: the job leaves him alone while he has it, and does what nobody takes.

CREATE OR REPLACE FUNCTION quay_internal.purge_is_due(queue_id text, marked timestamp) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
    due boolean;
BEGIN
    SELECT q.available_after <= now AND (q.available OR q.processing_expires <= now) INTO due
    FROM quay.queueitem AS q WHERE q.id = CASE WHEN purge_is_due.queue_id ~ '^[0-9]{1,18}$' THEN purge_is_due.queue_id::bigint END;
    -- The reference application marks first and queues later, or dies in between.
    RETURN CASE WHEN FOUND THEN due
                ELSE marked <= now - greatest(interval '1 day', make_interval(secs => quay_internal.setting('namespace_gc_grace_period')::bigint)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.purge_is_due(text, timestamp) IS
    'Is what was marked then to be purged, and has no worker the item of the queue that says so? Without an item: a day after it was marked, or quay.namespace_gc_grace_period if that is longer.';

CREATE OR REPLACE FUNCTION quay_internal.purge_item_drop(queue_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A worker that is taking it just now finds nothing to do.
    DELETE FROM quay.queueitem AS q
    WHERE q.id = ANY (ARRAY(SELECT i.id FROM quay.queueitem AS i
                            WHERE i.id = CASE WHEN purge_item_drop.queue_id ~ '^[0-9]{1,18}$' THEN purge_item_drop.queue_id::bigint END
                            FOR UPDATE SKIP LOCKED));
END
$$;
COMMENT ON FUNCTION quay_internal.purge_item_drop(text) IS 'Takes the item for a purge that is done out of the queue.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_namespace_purge(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean,
                                                                     OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marker quay.deletednamespace;
BEGIN
    done := 0;
    SELECT * INTO marker FROM quay.deletednamespace AS d
    WHERE d.id >= coalesce((cursor ->> 'id')::bigint, 0) AND quay_internal.purge_is_due(d.queue_id, d.marked)
    ORDER BY d.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    more := FOUND;
    cursor := CASE WHEN more THEN jsonb_build_object('id', marker.id) END;
    IF NOT more THEN
        RETURN;
    END IF;
    BEGIN
        IF quay.namespace_purge(marker.id, n) THEN
            PERFORM quay_internal.purge_item_drop(marker.queue_id);
            done := 1;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        problem := format('namespace %s: %s', marker.namespace_id, quay_internal.error_text(SQLSTATE, SQLERRM));
        cursor := jsonb_build_object('id', marker.id + 1);
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_namespace_purge(integer, jsonb) IS
    'A batch of the job namespace_purge: at most n rows of the first namespace that is due. One that cannot be purged does not hold up the next. done: namespaces that are gone.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_repository_purge(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean,
                                                                      OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marker quay.deletedrepository;
BEGIN
    done := 0;
    SELECT * INTO marker FROM quay.deletedrepository AS d
    WHERE d.id >= coalesce((cursor ->> 'id')::bigint, 0) AND quay_internal.purge_is_due(d.queue_id, d.marked)
    ORDER BY d.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    more := FOUND;
    cursor := CASE WHEN more THEN jsonb_build_object('id', marker.id) END;
    IF NOT more THEN
        RETURN;
    END IF;
    BEGIN
        IF quay.repository_purge(n => maintenance_repository_purge.n, marker_id => marker.id) THEN
            PERFORM quay_internal.purge_item_drop(marker.queue_id);
            done := 1;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        problem := format('repository %s: %s', marker.repository_id, quay_internal.error_text(SQLSTATE, SQLERRM));
        cursor := jsonb_build_object('id', marker.id + 1);
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_repository_purge(integer, jsonb) IS
    'A batch of the job repository_purge: at most n rows of the first repository that is due. One that cannot be purged does not hold up the next. done: repositories that are gone.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_upload_discard(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean,
                                                                    OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    done := (SELECT count(*) FROM (SELECT FROM quay.blobupload AS b WHERE quay_internal.upload_is_stale(b.created, now)
                                   ORDER BY b.created LIMIT n FOR UPDATE SKIP LOCKED) AS s);
    IF done > 0 THEN
        PERFORM quay_internal.upload_discard_stale(n);
    END IF;
    more := done = n;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_upload_discard(integer, jsonb) IS
    'A batch of the job upload_discard: upload_discard_stale(). done: uploads that are none any more.';

-- Pruning

CREATE OR REPLACE FUNCTION quay_internal.maintenance_autoprune(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    since_ms bigint := coalesce((cursor ->> 'since')::bigint, now_ms);
    task record;
    run record;
BEGIN
    done := 0;
    IF cursor ->> 'task' IS NULL THEN
        -- Each task once in a pass, however short quay.autoprune_interval.
        SELECT * INTO task FROM quay.autoprune_task_claim(1,
            make_interval(secs => greatest(quay_internal.setting('autoprune_interval')::bigint, (now_ms - since_ms) / 1000 + 1)));
        more := FOUND;
        IF NOT more THEN
            cursor := NULL;
            RETURN;
        END IF;
        cursor := jsonb_build_object('since', since_ms, 'task', task.task_id, 'taken', task.last_ran_ms, 'namespace', task.namespace);
    END IF;
    more := true;
    BEGIN
        SELECT * INTO run FROM quay.autoprune_run(cursor ->> 'namespace', n, cursor ->> 'at');
        IF run.cursor IS NULL THEN
            PERFORM quay.autoprune_task_release((cursor ->> 'task')::bigint, (cursor ->> 'taken')::bigint);
            cursor := jsonb_build_object('since', since_ms);
        ELSE
            cursor := cursor || jsonb_build_object('at', run.cursor);
        END IF;
        done := run.deleted;
    EXCEPTION WHEN OTHERS THEN
        problem := quay_internal.error_text(SQLSTATE, SQLERRM);
        PERFORM quay.autoprune_task_release((cursor ->> 'task')::bigint, (cursor ->> 'taken')::bigint, problem);
        problem := format('namespace "%s": %s', cursor ->> 'namespace', problem);
        cursor := jsonb_build_object('since', since_ms);
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_autoprune(integer, jsonb) IS
    'A batch of the job autoprune: takes the task that has waited longest, or goes on with the one it has, and removes at most n tags. done: tags removed. A policy that cannot be executed does not hold up other namespaces.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_autoprune_task(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean,
                                                                    OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start bigint := coalesce((cursor ->> 'after')::bigint, 0);
    next_after bigint := quay.autoprune_task_ensure(start, n);
BEGIN
    done := CASE WHEN next_after IS NULL THEN 0 ELSE n END;
    more := next_after IS NOT NULL;
    cursor := CASE WHEN more THEN jsonb_build_object('after', next_after, 'of', (SELECT max(u.id) FROM quay."user" AS u)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_autoprune_task(integer, jsonb) IS 'A batch of the job autoprune_task. done: namespaces looked at, in whole batches.';

-- Credentials

CREATE OR REPLACE FUNCTION quay_internal.maintenance_service_key(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- There are a few keys for each service.
    done := quay.service_key_gc();
    more := false;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_service_key(integer, jsonb) IS 'The job service_key, in one batch whatever n. done: keys deleted.';

-- Counts and scores, once for each day that is over. Their cursors stay when they are done, and say of which day.

CREATE OR REPLACE FUNCTION quay_internal.maintenance_action_count(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    yesterday date := quay_internal.utc_now()::date - 1;
    counted date := (cursor ->> 'counted')::date;
    day date := coalesce((cursor ->> 'day')::date, CASE WHEN counted IS NULL THEN yesterday ELSE greatest(counted + 1, yesterday - 30) END);
    step record;
BEGIN
    done := 0;
    more := false;
    IF day > yesterday THEN
        RETURN;
    END IF;
    SELECT * INTO step FROM quay.action_count_update(day, coalesce((cursor ->> 'after')::bigint, 0), n);
    done := step.stored;
    IF step.last_id IS NULL THEN
        cursor := jsonb_build_object('counted', day);
        more := day < yesterday;
    ELSE
        cursor := jsonb_build_object('counted', counted, 'day', day, 'after', step.last_id, 'of', (SELECT max(r.id) FROM quay.repository AS r));
        more := true;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_action_count(integer, jsonb) IS
    'A batch of the job action_count: n repositories of the first day that is over and not counted, at most 31 days back; at first, of yesterday. done: counts stored. cursor: counted, the last day that is complete.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_search_score(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    yesterday date := quay_internal.utc_now()::date - 1;
    day date := (cursor ->> 'day')::date;
    step record;
BEGIN
    done := 0;
    more := false;
    IF day IS NULL THEN
        -- Once a day, and not before the counts are there, unless they come from elsewhere.
        IF (cursor ->> 'scored')::date >= yesterday
           OR EXISTS (SELECT FROM quay_internal.maintenance_plan() AS p
                      LEFT JOIN quay_internal.maintenance_state AS s ON s.job = p.job
                      WHERE p.job = 'action_count' AND p.enabled AND (s.cursor ->> 'counted')::date >= yesterday IS NOT TRUE)
        THEN
            RETURN;
        END IF;
        day := yesterday;
    END IF;
    SELECT * INTO step FROM quay.repository_search_score_update(coalesce((cursor ->> 'after')::bigint, 0), n);
    done := step.updated;
    more := step.last_id IS NOT NULL;
    cursor := CASE WHEN more THEN jsonb_build_object('day', day, 'after', step.last_id, 'of', (SELECT max(r.id) FROM quay.repository AS r))
                   ELSE jsonb_build_object('scored', day) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_search_score(integer, jsonb) IS
    'A batch of the job search_score: n repositories, once a day, after the job action_count, if that is enabled. done: scores that are others now. cursor: scored, the last day that they took in.';

-- Quotas, sizes, scans, the audit log

CREATE OR REPLACE FUNCTION quay_internal.maintenance_quota_notify(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step record;
BEGIN
    SELECT * INTO step FROM quay.quota_notify_sweep(coalesce((cursor ->> 'after')::bigint, 0), n);
    done := step.told + step.cleared;
    more := step.next_after IS NOT NULL;
    cursor := CASE WHEN more THEN jsonb_build_object('after', step.next_after, 'of', (SELECT max(q.id) FROM quay.userorganizationquota AS q)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_quota_notify(integer, jsonb) IS 'A batch of the job quota_notify. done: limits told or cleared.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_registry_size(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    done := CASE WHEN quay.registry_size_publish() IS NULL THEN 0 ELSE 1 END;
    more := false;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_registry_size(integer, jsonb) IS 'The job registry_size. done: 1 if somebody had asked.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_quota_publish(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step record;
BEGIN
    SELECT * INTO step FROM quay.quota_publish(coalesce((cursor ->> 'after')::bigint, 0), n);
    done := step.namespaces + step.repositories;
    more := step.next_after IS NOT NULL;
    cursor := CASE WHEN more THEN jsonb_build_object('after', step.next_after,
        'of', greatest((SELECT max(u.id) FROM quay."user" AS u), (SELECT max(r.id) FROM quay.repository AS r))) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_quota_publish(integer, jsonb) IS 'A batch of the job quota_publish. done: sizes that were wrong or missing.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_scan_backfill(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step record;
BEGIN
    SELECT * INTO step FROM quay.scan_backfill(coalesce((cursor ->> 'after')::bigint, 0), n);
    more := FOUND;
    done := coalesce(step.added, 0);
    cursor := CASE WHEN more THEN jsonb_build_object('after', step.last_id, 'of', (SELECT max(m.id) FROM quay.manifest AS m)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_scan_backfill(integer, jsonb) IS 'A batch of the job scan_backfill: n manifests. done: those added.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_log_partition(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    done := (SELECT count(*) FROM quay.log_partition_ensure(n));
    more := false;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_log_partition(integer, jsonb) IS 'The job log_partition, n months ahead. done: partitions made.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_log_retain(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step record;
BEGIN
    SELECT * INTO step FROM quay.log_retain(n => maintenance_log_retain.n);
    -- A month that others use just now is dropped in the next run.
    more := FOUND AND step.outcome <> 'busy';
    done := CASE WHEN NOT more THEN 0 ELSE step.deleted + (step.outcome <> 'deleting')::integer END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_log_retain(integer, jsonb) IS
    'A batch of the job log_retain: a month, or n rows of one that has no partition. done: months that are gone, and rows that were deleted one by one.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_log_seal(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    done := CASE WHEN quay_internal.setting('log_seal')::boolean THEN quay.log_seal(n) ELSE 0 END;
    more := done >= n;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_log_seal(integer, jsonb) IS 'A batch of the job log_seal. done: entries sealed.';

-- Builds and notices

CREATE OR REPLACE FUNCTION quay_internal.maintenance_build_job(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    done := (SELECT count(*) FROM quay.build_job_expire(n));
    more := done >= n;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_build_job(integer, jsonb) IS 'A batch of the job build_job. done: jobs ended.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_notification_expiry(n integer, INOUT cursor jsonb, OUT done bigint, OUT more boolean,
                                                                         OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    looked bigint;
BEGIN
    SELECT coalesce(sum(r.tags), 0), count(*) INTO done, looked FROM quay.notification_expiry_run(n) AS r;
    more := looked >= n;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_notification_expiry(integer, jsonb) IS
    'A batch of the job notification_expiry: n notifications. done: tags that were told of.';
