-- The jobs of maintenance: the one place that lists them, and what operators may change of them.
--
-- A new job is a row here. Either a function of schema quay that does at most n things and returns how many it did, or, for what goes on
-- where the last batch ended, one of quay_internal as in 562_maintenance_step.sql. The list is code, not a table: who could change a name
-- in it would have the maintenance role call what he likes, and an update brings new jobs without moving rows.

CREATE OR REPLACE FUNCTION quay_internal.maintenance_job_list()
    RETURNS TABLE (job text, kind text, routine text, stepwise boolean, interval_s integer, batch integer, budget_s integer, enabled boolean,
                   for_owner boolean, description text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- job, kind | routine, stepwise | every s, batch, s a run | enabled, for the owner of the tables only | what it does
    RETURN QUERY VALUES
        ('gc', 'collect', 'maintenance_gc', true, 60, 1000, 20, true, false,
            'Collects garbage: gc_run() until nothing is left that is due.'),
        ('namespace_purge', 'collect', 'maintenance_namespace_purge', true, 60, 2000, 20, true, false,
            'Purges namespaces that are marked for deletion and due: namespace_purge().'),
        ('repository_purge', 'collect', 'maintenance_repository_purge', true, 60, 2000, 20, true, false,
            'Purges repositories that are marked for deletion and due: repository_purge().'),
        ('upload_discard', 'collect', 'maintenance_upload_discard', true, 600, 100, 10, true, false,
            'Ends uploads that are too old, which frees what they have reserved; their bytes are for upload_reap().'),
        ('queue', 'expire', 'queue_expire', false, 3600, 1000, 10, true, false,
            'Throws away dead letters of the queues that are old enough: queue_expire().'),
        ('build_log', 'expire', 'buildlog_expire', false, 600, 10000, 10, true, false,
            'Deletes logs of builds that are old, or archived: buildlog_expire().'),
        ('build_job', 'expire', 'maintenance_build_job', true, 60, 10, 10, false, false,
            'Ends builds whose worker is not heard of any more: build_job_expire(). For a registry without build manager, which does that itself.'),
        ('notification', 'expire', 'notification_expire', false, 3600, 1000, 10, true, false,
            'Deletes notifications within the registry that are old: notification_expire().'),
        ('user_event', 'expire', 'event_expire', false, 60, 1000, 10, true, false,
            'Deletes events of users that nobody can ask for again: event_expire().'),
        ('cache', 'expire', 'cache_expire', false, 60, 1000, 10, true, false,
            'Removes what has expired in the cache, and keeps it to its size: cache_expire().'),
        ('session', 'expire', 'session_expire', false, 300, 1000, 10, true, false,
            'Removes sessions that have expired: session_expire().'),
        ('lease', 'expire', 'lease_expire', false, 3600, 1000, 10, true, false,
            'Removes leases that ended long ago: lease_expire().'),
        ('freshness_mark', 'expire', 'freshness_mark_expire', false, 300, 1000, 10, true, false,
            'Removes marks of changes that are over: freshness_mark_expire().'),
        ('autoprune', 'prune', 'maintenance_autoprune', true, 60, 500, 20, true, false,
            'Executes pruning policies, a namespace at a time: autoprune_task_claim(), autoprune_run(), autoprune_task_release().'),
        ('autoprune_task', 'prune', 'maintenance_autoprune_task', true, 86400, 1000, 10, true, false,
            'Gives a pruning task to each namespace that should have one: autoprune_task_ensure().'),
        ('email_code', 'expire', 'email_code_purge', false, 3600, 1000, 10, true, false,
            'Deletes e-mail codes that have expired: email_code_purge().'),
        ('app_token', 'expire', 'app_token_purge', false, 3600, 1000, 10, true, false,
            'Deletes tokens of applications that expired long ago: app_token_purge().'),
        ('oauth_code', 'expire', 'oauth_code_purge', false, 3600, 1000, 10, true, false,
            'Deletes authorization codes that have expired: oauth_code_purge().'),
        ('oauth_token', 'expire', 'oauth_token_purge', false, 3600, 1000, 10, true, false,
            'Deletes OAuth tokens that expired long ago: oauth_token_purge().'),
        ('service_key', 'expire', 'maintenance_service_key', true, 3600, 1000, 10, true, false,
            'Deletes service keys that expired, or were not approved, long ago: service_key_gc().'),
        ('action_count_expire', 'expire', 'action_count_delete_expired', false, 86400, 10000, 20, true, false,
            'Deletes counts of actions that are older than a year: action_count_delete_expired().'),
        ('action_count', 'aggregate', 'maintenance_action_count', true, 3600, 1000, 30, true, false,
            'Counts the actions of each day that is over, once it is over, and of days that it missed: action_count_update().'),
        ('log_count', 'aggregate', 'log_count_update', false, 600, 100000, 20, true, false,
            'Counts entries of the audit log by day and kind: log_count_update().'),
        ('pull', 'aggregate', 'pull_fold', false, 15, 10000, 10, true, false,
            'Adds pulls that were counted one by one to the statistics: pull_fold().'),
        ('search_score', 'score', 'maintenance_search_score', true, 3600, 1000, 30, true, false,
            'Computes search scores once a day, when the counts of yesterday are there: repository_search_score_update().'),
        ('quota_notify', 'notify', 'maintenance_quota_notify', true, 300, 100, 10, true, false,
            'Tells of limits of quotas that pushes did not tell of: quota_notify_sweep().'),
        ('notification_expiry', 'notify', 'maintenance_notification_expiry', true, 60, 5, 10, true, false,
            'Tells of tags that will end soon, where a repository asks for it: notification_expiry_run().'),
        ('registry_size', 'aggregate', 'maintenance_registry_size', true, 60, 1, 10, true, false,
            'Writes the size of the registry for screens of the Quay application, when one has asked: registry_size_publish().'),
        ('quota_publish', 'aggregate', 'maintenance_quota_publish', true, 60, 1000, 20, false, false,
            'Writes all sizes for screens of the Quay application: quota_publish(). Enable it where that application is used.'),
        ('manifest_backfill', 'fill', 'manifest_backfill', false, 3600, 1000, 30, true, false,
            'Fills in what manifests of an older database lack: manifest_backfill().'),
        ('scan_backfill', 'fill', 'maintenance_scan_backfill', true, 604800, 10000, 30, true, false,
            'Puts manifests into the queue of the scanner that are not in it: scan_backfill().'),
        ('log_partition', 'retain', 'maintenance_log_partition', true, 43200, 3, 30, true, true,
            'Makes the months of the audit log ahead: log_partition_ensure(), batch being how many.'),
        ('log_retain', 'retain', 'maintenance_log_retain', true, 3600, 5000, 30, true, true,
            'Removes months of the audit log that are older than quay.log_retention, once they are archived: log_retain().'),
        ('log_seal', 'retain', 'maintenance_log_seal', true, 60, 10000, 10, true, false,
            'Seals the audit log, with quay.log_seal: log_seal().');
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_job_list() IS
    'The jobs of maintenance as they are made. kind: expire, retain, aggregate, collect, prune, score, notify or fill. routine: what does a batch; stepwise: one of quay_internal with a cursor, else one of quay that takes n and returns how many. interval_s: seconds from the end of a run to the next one. budget_s: seconds after which a run lets others come first. for_owner: it needs the owner of the tables.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_may_run(routine text, stepwise boolean, for_owner boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN has_function_privilege(to_regproc(CASE WHEN stepwise THEN 'quay_internal.' ELSE 'quay.' END || routine)::oid, 'EXECUTE')
       AND (NOT for_owner OR (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_may_run(text, boolean, boolean) IS
    'May the role of this session run a job: call its routine, and, where it needs that, act as the owner of the tables?';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_plan()
    RETURNS TABLE (job text, kind text, routine text, stepwise boolean, interval_s integer, batch integer, budget_s integer, enabled boolean,
                   for_owner boolean, description text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT j.job, j.kind, j.routine, j.stepwise, coalesce(s.interval_s, j.interval_s), coalesce(s.batch, j.batch),
               coalesce(s.budget_s, j.budget_s), coalesce(s.enabled, j.enabled), j.for_owner, j.description
        FROM quay_internal.maintenance_job_list() AS j
        LEFT JOIN quay_internal.maintenance_setting AS s ON s.job = j.job;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_plan() IS 'The jobs of maintenance as they are to be run: maintenance_job_list() with what maintenance_set() has changed.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_job_check(job text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM quay_internal.maintenance_job_list() AS j WHERE j.job = maintenance_job_check.job) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY150',
            MESSAGE = 'unknown maintenance job',
            DETAIL = format('There is no job named "%s".', left(maintenance_job_check.job, 80)),
            HINT = 'The view quay.maintenance_status lists the jobs.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_job_check(text) IS 'Errors: QY150 there is no such job.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_seconds(what text, given interval, most integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF given < interval '1 s' OR given > make_interval(secs => most) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s is out of range', what),
            DETAIL = format('It is %s.', given),
            HINT = format('Pass 1 second to %s days.', most / 86400);
    END IF;
    RETURN ceil(extract(epoch FROM given));
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_seconds(text, interval, integer) IS
    'An interval in seconds, NULL for NULL. Errors: 22023 below a second or above the most.';

CREATE OR REPLACE FUNCTION quay.maintenance_set(job text, enabled boolean DEFAULT NULL, every interval DEFAULT NULL, batch integer DEFAULT NULL,
                                                budget interval DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_interval_s integer := quay_internal.maintenance_seconds('interval of a maintenance job', every, 31622400);
    new_budget_s integer := quay_internal.maintenance_seconds('time of a run', budget, 86400);
BEGIN
    PERFORM quay_internal.maintenance_job_check(maintenance_set.job);
    IF maintenance_set.batch NOT BETWEEN 1 AND 1000000 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a batch is out of range',
            DETAIL = format('It is %s.', maintenance_set.batch),
            HINT = 'Pass 1 to 1000000.';
    END IF;
    INSERT INTO quay_internal.maintenance_setting AS s (job, enabled, interval_s, batch, budget_s)
    VALUES (maintenance_set.job, maintenance_set.enabled, new_interval_s, maintenance_set.batch, new_budget_s)
    ON CONFLICT ON CONSTRAINT pk_maintenance_setting DO UPDATE
    SET enabled = coalesce(EXCLUDED.enabled, s.enabled), interval_s = coalesce(EXCLUDED.interval_s, s.interval_s),
        batch = coalesce(EXCLUDED.batch, s.batch), budget_s = coalesce(EXCLUDED.budget_s, s.budget_s);
END
$$;
COMMENT ON FUNCTION quay.maintenance_set(text, boolean, interval, integer, interval) IS
    'Changes how a job of maintenance is run; NULL leaves a thing as it is. enabled: whether quay.maintenance() runs it. every: time from the end of a run to the next one. batch: how many things one transaction does. budget: how long a run may take before others come first; a batch that has begun is done to its end. Counts from the next batch on. maintenance_reset() takes it back. Errors: 22023 out of range, QY150 no such job.';

CREATE OR REPLACE FUNCTION quay.maintenance_reset(job text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.maintenance_job_check(maintenance_reset.job);
    DELETE FROM quay_internal.maintenance_setting AS s WHERE s.job = maintenance_reset.job;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.maintenance_reset(text) IS
    'Takes back what maintenance_set() has changed of a job. False: nothing was changed. Errors: QY150 no such job.';

COMMENT ON TABLE quay_internal.maintenance_setting IS 'What operators have changed of jobs of maintenance (quay.maintenance_set()). NULL: as the job is made.';
COMMENT ON COLUMN quay_internal.maintenance_setting.job IS 'Name of the job.';
COMMENT ON COLUMN quay_internal.maintenance_setting.enabled IS 'Does quay.maintenance() run it?';
COMMENT ON COLUMN quay_internal.maintenance_setting.interval_s IS 'Seconds from the end of a run to the next one.';
COMMENT ON COLUMN quay_internal.maintenance_setting.batch IS 'How many things one transaction does.';
COMMENT ON COLUMN quay_internal.maintenance_setting.budget_s IS 'Seconds after which a run lets others come first.';

COMMENT ON TABLE quay_internal.maintenance_state IS 'How far each job of maintenance has got; the view quay.maintenance_status shows it. Times in ms since 1970.';
COMMENT ON COLUMN quay_internal.maintenance_state.job IS 'Name of the job.';
COMMENT ON COLUMN quay_internal.maintenance_state.fence IS 'Number of the claim: grows with each, and a batch of an older claim is refused.';
COMMENT ON COLUMN quay_internal.maintenance_state.lease_ms IS 'Until when the job is somebody''s between two batches. NULL: nobody''s.';
COMMENT ON COLUMN quay_internal.maintenance_state.owner IS 'Who has or had the job last: role, application and process.';
COMMENT ON COLUMN quay_internal.maintenance_state.owner_pid IS 'Process that has or had the job last: if there is none of that number any more, the lease is over.';
COMMENT ON COLUMN quay_internal.maintenance_state.due_ms IS 'When the job is due, after a failure or if something was left. NULL: its interval after ended_ms.';
COMMENT ON COLUMN quay_internal.maintenance_state.cursor IS 'Where the next batch goes on, as the job understands it: after and of, ids, say how far it has got. NULL: at the beginning.';
COMMENT ON COLUMN quay_internal.maintenance_state.more IS 'Is something left that the last batch did not do?';
COMMENT ON COLUMN quay_internal.maintenance_state.problem IS 'What went wrong with one of many things since the pass began; it goes on with the others. NULL: nothing.';
COMMENT ON COLUMN quay_internal.maintenance_state.started_ms IS 'When the last run began. NULL: there was none.';
COMMENT ON COLUMN quay_internal.maintenance_state.ended_ms IS 'When the last run ended. NULL: none has.';
COMMENT ON COLUMN quay_internal.maintenance_state.done IS 'How many things the present or the last run has done.';
COMMENT ON COLUMN quay_internal.maintenance_state.busy_ms IS 'How long batches of the present or the last run have taken.';
COMMENT ON COLUMN quay_internal.maintenance_state.failures IS 'How many runs have failed since the last good one.';
COMMENT ON COLUMN quay_internal.maintenance_state.last_error IS 'SQLSTATE and message of the last failure, without details and values. Stays after a good run.';
COMMENT ON COLUMN quay_internal.maintenance_state.error_ms IS 'When that was.';
COMMENT ON COLUMN quay_internal.maintenance_state.success_ms IS 'When a run last ended well with nothing left to do.';
COMMENT ON COLUMN quay_internal.maintenance_state.runs IS 'Runs so far, for metrics.';
COMMENT ON COLUMN quay_internal.maintenance_state.failed_runs IS 'Runs that failed so far.';
COMMENT ON COLUMN quay_internal.maintenance_state.done_total IS 'Things done so far.';
COMMENT ON COLUMN quay_internal.maintenance_state.busy_ms_total IS 'Time that batches have taken so far.';
