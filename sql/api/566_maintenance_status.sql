-- How maintenance is getting on: for operators, for health checks. Reads only, on a standby too.

CREATE OR REPLACE FUNCTION quay_internal.ms_utc(ms bigint) RETURNS timestamp
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(ms / 1000.0) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION quay_internal.ms_utc(bigint) IS 'Milliseconds since 1970 as naive UTC.';

CREATE OR REPLACE FUNCTION quay_internal.setting_ago(name text) RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.utc_now() - make_interval(secs => quay_internal.setting(name)::bigint);
END
$$;
COMMENT ON FUNCTION quay_internal.setting_ago(text) IS 'The present, in UTC, less a setting that is a number of seconds.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_waiting_unlogged(job text, n integer, OUT waiting bigint, OUT oldest timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    oldest_ms bigint;
BEGIN
    CASE job
    WHEN 'cache' THEN
        SELECT count(*), min(w.drop_ms) INTO waiting, oldest_ms
        FROM (SELECT c.drop_ms FROM quay.cache_entry AS c WHERE c.drop_ms <= now_ms ORDER BY c.drop_ms LIMIT n) AS w;
    WHEN 'session' THEN
        SELECT count(*), min(w.expires_ms) INTO waiting, oldest_ms
        FROM (SELECT s.expires_ms FROM quay.session AS s WHERE s.expires_ms <= now_ms ORDER BY s.expires_ms LIMIT n) AS w;
    WHEN 'user_event' THEN
        SELECT count(*), min(w.created_ms) INTO waiting, oldest_ms
        FROM (SELECT e.created_ms FROM quay_internal.user_event AS e
              WHERE e.created_ms < now_ms - quay_internal.setting('user_event_lifetime')::bigint * 1000 ORDER BY e.created_ms LIMIT n) AS w;
    ELSE
        SELECT count(*), min(w.counted_ms) INTO waiting, oldest_ms
        FROM (SELECT p.counted_ms FROM quay_internal.pull_pending AS p ORDER BY p.counted_ms LIMIT n) AS w;
    END CASE;
    oldest := quay_internal.ms_utc(oldest_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_waiting_unlogged(text, integer) IS 'maintenance_waiting() of the jobs cache, session, user_event and pull. Not on a standby.';

-- What waits for a job: how much, at most n, and since when. Each is an index scan of what waits, or reads a small table.
CREATE OR REPLACE FUNCTION quay_internal.maintenance_waiting(job text, n integer, OUT waiting bigint, OUT oldest timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    CASE job
    WHEN 'gc' THEN
        SELECT sum(w.waiting), min(w.oldest) INTO waiting, oldest
        FROM (SELECT k.waiting, quay_internal.ms_utc(k.due_ms) AS oldest
              FROM unnest('{n,t,m,l,u,b}'::"char"[]) AS o (kind)
              CROSS JOIN LATERAL (SELECT count(*) AS waiting, min(r.due_ms) AS due_ms
                                  FROM (SELECT r.due_ms FROM quay_internal.gc_review AS r WHERE r.kind = o.kind AND r.due_ms <= now_ms
                                        ORDER BY r.due_ms LIMIT n) AS r) AS k
              UNION ALL
              SELECT count(*), min(u.expires_at)
              FROM (SELECT u.expires_at FROM quay.uploadedblob AS u WHERE u.expires_at <= now ORDER BY u.expires_at LIMIT n) AS u) AS w;
    WHEN 'namespace_purge' THEN
        SELECT count(*), min(w.marked) INTO waiting, oldest
        FROM (SELECT d.marked FROM quay.deletednamespace AS d WHERE quay_internal.purge_is_due(d.queue_id, d.marked) LIMIT n) AS w;
    WHEN 'repository_purge' THEN
        SELECT count(*), min(w.marked) INTO waiting, oldest
        FROM (SELECT d.marked FROM quay.deletedrepository AS d WHERE quay_internal.purge_is_due(d.queue_id, d.marked) LIMIT n) AS w;
    WHEN 'upload_discard' THEN
        SELECT count(*), min(w.created) INTO waiting, oldest
        FROM (SELECT b.created FROM quay.blobupload AS b WHERE quay_internal.upload_is_stale(b.created, now) ORDER BY b.created LIMIT n) AS w;
    WHEN 'autoprune' THEN
        SELECT count(*), min(quay_internal.ms_utc(w.last_ran_ms)) INTO waiting, oldest
        FROM (SELECT s.last_ran_ms FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS u ON u.id = s.namespace_id AND u.enabled
              WHERE s.last_ran_ms IS NULL OR s.last_ran_ms <= now_ms - quay_internal.setting('autoprune_interval')::bigint * 1000 LIMIT n) AS w;
    WHEN 'app_token' THEN
        SELECT count(*), min(w.expiration) INTO waiting, oldest
        FROM (SELECT t.expiration FROM quay.appspecificauthtoken AS t
              WHERE t.expiration < quay_internal.setting_ago('expired_app_specific_token_gc') ORDER BY t.expiration LIMIT n) AS w;
    WHEN 'oauth_token' THEN
        SELECT count(*), min(w.expires_at) INTO waiting, oldest
        FROM (SELECT t.expires_at FROM quay.oauthaccesstoken AS t
              WHERE t.expires_at < now - interval '30 days' AND NOT quay_internal.bootstrap_is_marked(t.data) ORDER BY t.expires_at LIMIT n) AS w;
    WHEN 'service_key' THEN
        SELECT count(*), min(coalesce(k.expiration_date, k.created_date)) INTO waiting, oldest FROM quay.servicekey AS k
        WHERE k.expiration_date <= quay_internal.setting_ago('expired_service_key_ttl')
           OR k.approval_id IS NULL AND k.created_date <= quay_internal.setting_ago('unapproved_service_key_ttl');
    WHEN 'action_count_expire' THEN
        SELECT count(*), min(w.date) INTO waiting, oldest
        FROM (SELECT c.date FROM quay.repositoryactioncount AS c WHERE c.date < now::date - 365 ORDER BY c.date LIMIT n) AS w;
    WHEN 'action_count', 'search_score' THEN
        -- Days that are over.
        SELECT now::date - d.first_day, CASE WHEN d.first_day < now::date THEN d.first_day + 1 END INTO waiting, oldest
        FROM (SELECT coalesce(max(coalesce(s.cursor ->> 'counted', s.cursor ->> 'scored')::date) + 1, now::date - 1) AS first_day
              FROM quay_internal.maintenance_state AS s WHERE s.job = maintenance_waiting.job) AS d;
    WHEN 'build_log' THEN
        SELECT count(*), min(quay_internal.ms_utc(w.expires_ms)) INTO waiting, oldest
        FROM (SELECT l.expires_ms FROM quay_internal.build_log AS l WHERE l.expires_ms <= now_ms ORDER BY l.expires_ms LIMIT n) AS w;
    WHEN 'build_job' THEN
        SELECT count(*), min(quay_internal.ms_utc(w.lease_expires_ms)) INTO waiting, oldest
        FROM (SELECT j.lease_expires_ms FROM quay_internal.build_job AS j WHERE j.lease_expires_ms <= now_ms ORDER BY j.lease_expires_ms LIMIT n) AS w;
    WHEN 'lease' THEN
        SELECT count(*), min(quay_internal.ms_utc(w.expires_ms)) INTO waiting, oldest
        FROM (SELECT l.expires_ms FROM quay.lease AS l WHERE l.expires_ms <= now_ms - 86400000 ORDER BY l.expires_ms LIMIT n) AS w;
    WHEN 'cache', 'session', 'user_event', 'pull' THEN
        -- Tables that a standby cannot read.
        IF NOT pg_is_in_recovery() THEN
            SELECT e.waiting, e.oldest INTO waiting, oldest FROM quay_internal.maintenance_waiting_unlogged(job, n) AS e;
        END IF;
    WHEN 'registry_size' THEN
        waiting := (SELECT count(*) FROM quay.quotaregistrysize AS r WHERE r.queued);
    WHEN 'manifest_backfill' THEN
        waiting := least(n, (SELECT count(*) FROM (SELECT FROM quay.manifest AS m WHERE m.subject LIKE '(%' LIMIT n) AS w)
                            + (SELECT count(*) FROM (SELECT FROM quay.manifest AS m WHERE m.subject_backfilled IS NOT TRUE LIMIT n) AS w)
                            + (SELECT count(*) FROM (SELECT FROM quay.manifest AS m WHERE m.artifact_type_backfilled IS NOT TRUE LIMIT n) AS w));
    WHEN 'log_partition' THEN
        -- Months ahead, this one included, that have no partition.
        waiting := (SELECT count(*)
                    FROM quay_internal.maintenance_plan() AS p
                    CROSS JOIN LATERAL generate_series(date_trunc('month', now), date_trunc('month', now) + make_interval(months => p.batch),
                                                       interval '1 month') AS g (month)
                    WHERE p.job = 'log_partition'
                      AND NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_inherits AS i ON i.inhrelid = c.oid
                                      WHERE i.inhparent = 'quay.logentry3'::regclass
                                        AND c.relname = to_char(g.month, '"logentry3_y"YYYY"m"MM')));
    ELSE
        NULL;
    END CASE;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_waiting(text, integer) IS
    'How many things wait for a job of maintenance, counted up to about n, and since when the oldest does (UTC). NULL: that cannot be told without reading what does not wait too. Of action_count and search_score: days.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_is_running(state quay_internal.maintenance_state) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The processes of the primary are not seen on a standby.
    RETURN state.lease_ms IS NOT NULL
       AND CASE WHEN pg_is_in_recovery() THEN state.lease_ms > quay_internal.clock_ms()
                ELSE EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = state.owner_pid) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_is_running(quay_internal.maintenance_state) IS 'Is a session at the job?';

CREATE OR REPLACE VIEW quay.maintenance_status AS
SELECT p.job, p.kind,
       CASE WHEN quay_internal.maintenance_is_running(s) THEN 'running'
            WHEN NOT p.enabled THEN 'disabled'
            WHEN s.failures > 0 THEN 'failing'
            WHEN coalesce(d.due_ms, 0) <= quay_internal.clock_ms() THEN 'due'
            ELSE 'waiting' END AS state,
       p.enabled,
       make_interval(secs => p.interval_s) AS every,
       p.batch,
       make_interval(secs => p.budget_s) AS budget,
       quay_internal.ms_utc(nullif(d.due_ms, 0)) AS due,
       quay_internal.ms_utc(s.started_ms) AS started,
       quay_internal.ms_utc(s.ended_ms) AS ended,
       quay_internal.ms_utc(s.success_ms) AS succeeded,
       s.busy_ms, s.done, s.more,
       CASE WHEN s.more AND s.cursor ? 'of' THEN round(least(1, (s.cursor ->> 'after')::numeric / greatest((s.cursor ->> 'of')::numeric, 1)), 3)
            END AS progress,
       w.waiting, w.oldest,
       coalesce(s.failures, 0) AS failures,
       s.last_error,
       quay_internal.ms_utc(s.error_ms) AS failed_at,
       s.owner,
       quay_internal.ms_utc(s.lease_ms) AS lease_until,
       coalesce(s.runs, 0) AS runs, coalesce(s.failed_runs, 0) AS failed_runs, coalesce(s.done_total, 0) AS done_total,
       coalesce(s.busy_ms_total, 0) AS busy_ms_total,
       quay_internal.maintenance_may_run(p.routine, p.stepwise, p.for_owner) AS permitted,
       p.description
FROM quay_internal.maintenance_plan() AS p
LEFT JOIN quay_internal.maintenance_state AS s ON s.job = p.job
CROSS JOIN LATERAL (SELECT quay_internal.maintenance_due_ms(s, p.interval_s) AS due_ms) AS d
CROSS JOIN LATERAL quay_internal.maintenance_waiting(p.job, 10000) AS w
ORDER BY p.kind, p.job;

COMMENT ON VIEW quay.maintenance_status IS 'Read only: each job of maintenance, how it is set, how its last run went, and what waits for it. Times in UTC.';
COMMENT ON COLUMN quay.maintenance_status.job IS 'Name of the job, for quay.maintenance_run() and quay.maintenance_set().';
COMMENT ON COLUMN quay.maintenance_status.kind IS 'expire, retain, aggregate, collect, prune, score, notify or fill: quay.maintenance_<kind>() runs all of a kind.';
COMMENT ON COLUMN quay.maintenance_status.state IS 'running, disabled, failing (the last run failed), due (it has to run now), or waiting for its time.';
COMMENT ON COLUMN quay.maintenance_status.enabled IS 'Does quay.maintenance() run it?';
COMMENT ON COLUMN quay.maintenance_status.every IS 'Time from the end of a run to the next one.';
COMMENT ON COLUMN quay.maintenance_status.batch IS 'How many things one transaction does.';
COMMENT ON COLUMN quay.maintenance_status.budget IS 'How long a run may take before others come first.';
COMMENT ON COLUMN quay.maintenance_status.due IS 'When it is due, after failures later. NULL: it never ran, so now.';
COMMENT ON COLUMN quay.maintenance_status.started IS 'When the present or the last run began. NULL: there was none.';
COMMENT ON COLUMN quay.maintenance_status.ended IS 'When the last run that ended did so.';
COMMENT ON COLUMN quay.maintenance_status.succeeded IS 'When a run last ended with nothing left to do and nothing wrong.';
COMMENT ON COLUMN quay.maintenance_status.busy_ms IS 'How long the batches of the present or the last run took, in ms.';
COMMENT ON COLUMN quay.maintenance_status.done IS 'How many things they did; which things these are depends on the job.';
COMMENT ON COLUMN quay.maintenance_status.more IS 'Was something left to do?';
COMMENT ON COLUMN quay.maintenance_status.progress IS 'How far the pass has got, 0 to 1, of jobs that walk through ids. NULL: not known, or no pass under way.';
COMMENT ON COLUMN quay.maintenance_status.waiting IS 'How much waits for it, counted up to 10000 for each sort of thing. NULL: not known.';
COMMENT ON COLUMN quay.maintenance_status.oldest IS 'Since when the oldest of that waits.';
COMMENT ON COLUMN quay.maintenance_status.failures IS 'How many runs have failed since the last good one. A session that was stopped counts.';
COMMENT ON COLUMN quay.maintenance_status.last_error IS 'SQLSTATE and message of the last failure, without details and values. Stays after a good run.';
COMMENT ON COLUMN quay.maintenance_status.failed_at IS 'When that was.';
COMMENT ON COLUMN quay.maintenance_status.owner IS 'Who has or had it last: role, process, application.';
COMMENT ON COLUMN quay.maintenance_status.lease_until IS 'Until when it is his between two batches. NULL: nobody''s.';
COMMENT ON COLUMN quay.maintenance_status.runs IS 'Runs so far, since the registry was installed or restored.';
COMMENT ON COLUMN quay.maintenance_status.failed_runs IS 'Runs that failed so far.';
COMMENT ON COLUMN quay.maintenance_status.done_total IS 'Things done so far.';
COMMENT ON COLUMN quay.maintenance_status.busy_ms_total IS 'Time that its batches have taken so far, in ms.';
COMMENT ON COLUMN quay.maintenance_status.permitted IS 'May the role of this session run it? Some jobs are for administrators or for the owner of the tables.';
COMMENT ON COLUMN quay.maintenance_status.description IS 'What it does, and with which functions.';

CREATE OR REPLACE FUNCTION quay.maintenance_check(grace interval DEFAULT '1 hour')
    RETURNS TABLE (ok boolean, message text, overdue text[], failing text[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grace_ms bigint := extract(epoch FROM grace) * 1000;
BEGIN
    -- A job that fails is overdue too when it has not got through for long.
    SELECT coalesce(array_agg(l.job ORDER BY l.job) FILTER (WHERE l.since_ms + greatest(grace_ms, l.interval_s * 1000::bigint) < quay_internal.clock_ms()), '{}'),
           coalesce(array_agg(l.job ORDER BY l.job) FILTER (WHERE l.failures > 2), '{}')
    INTO overdue, failing
    FROM (SELECT p.job, p.interval_s, s.failures,
                 coalesce(s.ended_ms + p.interval_s * 1000::bigint,
                          (extract(epoch FROM v.installed_at) * 1000)::bigint) AS since_ms
          FROM quay_internal.maintenance_plan() AS p
          CROSS JOIN (SELECT max(v.installed_at) AS installed_at FROM quay_internal.schema_version AS v) AS v
          LEFT JOIN quay_internal.maintenance_state AS s ON s.job = p.job
          WHERE p.enabled) AS l;
    ok := overdue = '{}' AND failing = '{}';
    message := CASE
        WHEN overdue <> '{}' THEN format('Maintenance is behind: %s should have run. See quay.maintenance_status.', array_to_string(overdue, ', '))
        WHEN failing <> '{}' THEN format('Maintenance fails: %s. See quay.maintenance_status.', array_to_string(failing, ', '))
    END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.maintenance_check(interval) IS
    'For health checks of those who look after the registry (quay.health_check() is for its front ends): ok, or a message. overdue: jobs that are enabled and ran neither in their interval nor in the time grace, or the interval again, after that; nobody calls quay.maintenance(), or not as a role that may run them. failing: jobs of which more than two runs in a row failed. Reads next to nothing and works on a standby.';
