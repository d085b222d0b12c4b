-- Running the jobs of maintenance.
--
-- A job belongs to one session at a time. During a batch the session has the row of the job locked: nobody can take it, however long the
-- batch lasts, and everybody can from the moment the session dies. Between two batches there is a lease, with a fence: a batch of a claim
-- that was lost does nothing. What a batch did and that it did it are one transaction, so a crash repeats nothing and skips nothing.

CREATE OR REPLACE FUNCTION quay_internal.maintenance_require_primary() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'cannot run maintenance on a standby',
            DETAIL = 'This server replays the changes of another one.',
            HINT = 'Call it on the primary. quay.maintenance_status, quay.maintenance_check() and quay.metrics can be read here too.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot run maintenance in transactions that see the past',
            DETAIL = format('Their isolation level is %s.', current_setting('transaction_isolation')),
            HINT = 'SET default_transaction_isolation = ''read committed'' first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_require_primary() IS
    'Refuses to run maintenance where it cannot. Errors: 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_begin(budget interval) RETURNS timestamptz
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.maintenance_require_primary();
    PERFORM quay_internal.maintenance_seconds('time to spend', budget, 604800);
    IF budget IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time to spend must be given',
            DETAIL = 'It is NULL.',
            HINT = 'Pass how long the call may begin batches, such as 1 minute.';
    END IF;
    -- Rows of jobs that are new; committed before anybody claims one.
    INSERT INTO quay_internal.maintenance_state (job)
    SELECT j.job FROM quay_internal.maintenance_job_list() AS j
    WHERE NOT EXISTS (SELECT FROM quay_internal.maintenance_state AS s WHERE s.job = j.job)
    ORDER BY j.job
    ON CONFLICT DO NOTHING;
    RETURN clock_timestamp() + budget;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_begin(interval) IS
    'First step of each procedure: until when it may begin batches. Errors: 22023 time out of range, 25006, 55000.';

-- Claiming

CREATE OR REPLACE FUNCTION quay_internal.maintenance_backoff_ms(failures integer, interval_s integer) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A minute, and twice as long each time.
    RETURN CASE WHEN failures < 1 THEN 0 ELSE least(60000 * 2 ^ least(failures - 1, 20), greatest(interval_s, 3600) * 1000.0)::bigint END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_backoff_ms(integer, integer) IS
    'How long a job waits after so many failures in a row, in ms: a minute, twice as long each time, at most its interval or an hour, whichever is longer.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_due_ms(state quay_internal.maintenance_state, interval_s integer) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN state.lease_ms IS NOT NULL THEN state.started_ms + quay_internal.maintenance_backoff_ms(state.failures, interval_s)
        ELSE coalesce(state.due_ms, state.ended_ms + interval_s * 1000::bigint, 0) END;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_due_ms(quay_internal.maintenance_state, integer) IS
    'When a job is due, in ms since 1970: 0 if it never ran. Of a run that did not end: at once, or later if that has happened before.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_is_held(state quay_internal.maintenance_state) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(state.lease_ms > quay_internal.clock_ms(), false)
           -- Our own: a call before this one that was cancelled.
           AND state.owner_pid <> pg_backend_pid()
           AND EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = state.owner_pid);
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_is_held(quay_internal.maintenance_state) IS
    'Has another session the job between two batches? Not one that is gone, or whose lease is over.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_claim(jobs text[] DEFAULT NULL, only_due boolean DEFAULT true)
    RETURNS TABLE (job text, fence bigint, budget_s integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    candidate record;
    state quay_internal.maintenance_state;
BEGIN
    FOR candidate IN
        SELECT p.* FROM quay_internal.maintenance_plan() AS p JOIN quay_internal.maintenance_state AS s ON s.job = p.job
        WHERE (jobs IS NULL OR p.job = ANY (jobs)) AND (p.enabled OR NOT only_due) AND quay_internal.maintenance_may_run(p.routine, p.stepwise, p.for_owner)
          AND (quay_internal.maintenance_due_ms(s, p.interval_s) <= now_ms OR NOT only_due)
        ORDER BY quay_internal.maintenance_due_ms(s, p.interval_s), p.job
    LOOP
        SELECT * INTO state FROM quay_internal.maintenance_state AS s WHERE s.job = candidate.job FOR UPDATE SKIP LOCKED;
        -- Somebody is at it; or was, since we looked.
        CONTINUE WHEN NOT FOUND OR quay_internal.maintenance_is_held(state)
                      OR only_due AND quay_internal.maintenance_due_ms(state, candidate.interval_s) > now_ms;
        UPDATE quay_internal.maintenance_state AS s
        SET fence = s.fence + 1, lease_ms = now_ms + 120000, started_ms = now_ms, due_ms = NULL, done = 0, busy_ms = 0, runs = s.runs + 1,
            owner = left(format('%s %s %s', current_user, pg_backend_pid(), current_setting('application_name')), 200),
            owner_pid = pg_backend_pid(),
            -- The run before this one has not ended.
            failures = s.failures + (s.lease_ms IS NOT NULL)::integer, failed_runs = s.failed_runs + (s.lease_ms IS NOT NULL)::integer,
            last_error = CASE WHEN s.lease_ms IS NULL THEN s.last_error
                              ELSE 'The run before was stopped: its session was cancelled or ended, or the server.' END,
            error_ms = CASE WHEN s.lease_ms IS NULL THEN s.error_ms ELSE now_ms END
        WHERE s.job = candidate.job
        RETURNING s.job, s.fence INTO job, fence;
        budget_s := candidate.budget_s;
        RETURN NEXT;
        RETURN;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_claim(text[], boolean) IS
    'Takes the job that has been due longest, of these (NULL: of all) those that are enabled, due, and may be run by this role; with only_due false the first of these whether or not it is enabled and due. No row: there is none that nobody else has. A run before that did not end counts as a failure.';

-- A batch

CREATE OR REPLACE FUNCTION quay_internal.maintenance_call(plan record, at jsonb, OUT done bigint, OUT cursor jsonb, OUT more boolean, OUT problem text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The names of routines are those of maintenance_job_list() and of nothing else.
    IF plan.stepwise THEN
        EXECUTE format('SELECT s.done, s.cursor, s.more, s.problem FROM quay_internal.%I($1, $2) AS s', plan.routine)
        INTO STRICT done, cursor, more, problem USING plan.batch, at;
    ELSE
        EXECUTE format('SELECT quay.%I($1)', plan.routine) INTO STRICT done USING plan.batch;
        more := done >= plan.batch;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_call(record, jsonb) IS 'Calls the routine of a job, a row of maintenance_plan(), for one batch.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_step(job text, fence bigint, until timestamptz, only_enabled boolean DEFAULT true)
    RETURNS TABLE (outcome text, done bigint, error text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    plan record;
    state quay_internal.maintenance_state;
    -- what the batch leaves
    at jsonb;
    is_more boolean;
    trouble text;
    begun timestamptz := clock_timestamp();
    now_ms bigint;
    took_ms bigint;
BEGIN
    done := 0;
    SELECT * INTO state FROM quay_internal.maintenance_state AS s
    WHERE s.job = maintenance_step.job AND s.fence = maintenance_step.fence AND s.lease_ms IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        outcome := 'lost';
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT * INTO STRICT plan FROM quay_internal.maintenance_plan() AS p WHERE p.job = maintenance_step.job;

    BEGIN
        -- Who waits for something that another session has had for long tries again later.
        PERFORM set_config('lock_timeout', '10s', true);
        SELECT c.done, c.cursor, c.more, c.problem INTO done, at, is_more, trouble FROM quay_internal.maintenance_call(plan, state.cursor) AS c;
    EXCEPTION WHEN OTHERS THEN
        error := quay_internal.error_text(SQLSTATE, SQLERRM);
        trouble := error;
    END;

    outcome := CASE WHEN error IS NOT NULL THEN 'failed' WHEN NOT is_more THEN 'done'
                    WHEN clock_timestamp() < until AND (plan.enabled OR NOT only_enabled) THEN 'more' ELSE 'pause' END;
    now_ms := quay_internal.clock_ms();
    took_ms := extract(epoch FROM clock_timestamp() - begun) * 1000;
    state.problem := CASE WHEN outcome <> 'failed' THEN coalesce(trouble, state.problem) END;
    state.failures := CASE WHEN outcome = 'failed' OR outcome = 'done' AND state.problem IS NOT NULL THEN state.failures + 1
                           WHEN outcome = 'done' THEN 0 ELSE state.failures END;
    UPDATE quay_internal.maintenance_state AS s
    SET lease_ms = CASE WHEN outcome = 'more' THEN now_ms + 120000 END,
        ended_ms = CASE WHEN outcome = 'more' THEN s.ended_ms ELSE now_ms END,
        success_ms = CASE WHEN outcome = 'done' AND state.problem IS NULL THEN now_ms ELSE s.success_ms END,
        due_ms = CASE outcome WHEN 'failed' THEN now_ms + quay_internal.maintenance_backoff_ms(state.failures, plan.interval_s)
                              WHEN 'pause' THEN now_ms END,
        -- Three times at the same place: from the beginning.
        cursor = CASE WHEN outcome <> 'failed' THEN at WHEN state.failures % 3 <> 0 THEN s.cursor END,
        more = outcome <> 'done', failures = state.failures,
        failed_runs = s.failed_runs + (outcome = 'failed' OR outcome = 'done' AND state.problem IS NOT NULL)::integer,
        problem = CASE WHEN outcome <> 'done' THEN state.problem END,
        last_error = coalesce(trouble, s.last_error),
        error_ms = CASE WHEN trouble IS NOT NULL THEN now_ms ELSE s.error_ms END,
        done = s.done + maintenance_step.done, done_total = s.done_total + maintenance_step.done,
        busy_ms = s.busy_ms + took_ms, busy_ms_total = s.busy_ms_total + took_ms
    WHERE s.job = maintenance_step.job;
    IF trouble IS NOT NULL THEN
        RAISE WARNING 'maintenance job "%": %', maintenance_step.job, trouble;
    END IF;
    error := coalesce(error, state.problem);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_step(text, bigint, timestamptz, boolean) IS
    'Does a batch of a job that this session has claimed, and notes what came of it, in one transaction. outcome: more, call again; pause, something is left, but the time until is over, or the job was disabled (with only_enabled); done, nothing is left; failed, and the batch has changed nothing; lost, another session has the job. error: what went wrong, with the batch or with one of many things in this pass; also a warning.';

-- The procedures. They commit, so they cannot pin the search path: all names are qualified instead.

CREATE OR REPLACE PROCEDURE quay_internal.maintenance_work(jobs pg_catalog.text[], only_due pg_catalog.bool, until pg_catalog.timestamptz,
                                                           INOUT runs pg_catalog.int4, INOUT done pg_catalog.int8,
                                                           INOUT failed pg_catalog.int4, INOUT last_outcome pg_catalog.text,
                                                           INOUT last_error pg_catalog.text)
    LANGUAGE plpgsql AS $$
DECLARE
    claim pg_catalog.record;
    step pg_catalog.record;
    run_until pg_catalog.timestamptz;
BEGIN
    last_outcome := 'busy';
    WHILE pg_catalog.clock_timestamp() OPERATOR(pg_catalog.<) until LOOP
        SELECT * INTO claim FROM quay_internal.maintenance_claim(jobs, only_due);
        COMMIT;
        EXIT WHEN claim.job IS NULL;
        runs := runs OPERATOR(pg_catalog.+) 1;
        run_until := LEAST(until, pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => claim.budget_s));
        LOOP
            SELECT * INTO step FROM quay_internal.maintenance_step(claim.job, claim.fence, run_until, only_due);
            COMMIT;
            done := done OPERATOR(pg_catalog.+) step.done;
            EXIT WHEN step.outcome OPERATOR(pg_catalog.<>) 'more';
        END LOOP;
        failed := failed OPERATOR(pg_catalog.+) (CASE WHEN step.error IS NOT NULL THEN 1 ELSE 0 END);
        last_outcome := step.outcome;
        last_error := step.error;
        EXIT WHEN NOT only_due;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay_internal.maintenance_work(text[], boolean, timestamptz, integer, bigint, integer, text, text) IS
    'Claims jobs and runs them, a transaction for each batch, until none is due or the time is over; with only_due false one job, one run. The first transaction is the caller''s: what maintenance_begin() wrote is committed with the first claim.';

CREATE OR REPLACE PROCEDURE quay.maintenance(budget pg_catalog.interval DEFAULT '50 seconds', INOUT runs pg_catalog.int4 DEFAULT 0,
                                             INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    until pg_catalog.timestamptz := quay_internal.maintenance_begin(maintenance.budget);
    last_outcome pg_catalog.text;
    last_error pg_catalog.text;
BEGIN
    COMMIT;
    runs := 0;
    done := 0;
    failed := 0;
    CALL quay_internal.maintenance_work(NULL, true, until, runs, done, failed, last_outcome, last_error);
END
$$;
COMMENT ON PROCEDURE quay.maintenance(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that are due, the longest overdue first, and commits after each batch; no batch is begun after budget. Call it again and again, about once a minute, from wherever: two calls at once share the jobs, a job that fails does not stop the others and waits longer each time, and what is left of a job when its time is over goes on in the next call. Not within a transaction. Results: how many runs there were, how many things they did, how many of them failed (see quay.maintenance_status). Jobs that the role may not run are left out, such as those for the owner of the tables. Errors: 22023 budget out of range, 25006 on a standby, 55000 not READ COMMITTED, 2D000 within a transaction.';

CREATE OR REPLACE FUNCTION quay_internal.maintenance_run_check(job text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record;
BEGIN
    PERFORM quay_internal.maintenance_job_check(job);
    SELECT j.for_owner, quay_internal.maintenance_may_run(j.routine, j.stepwise, j.for_owner) AS permitted INTO target
    FROM quay_internal.maintenance_job_list() AS j WHERE j.job = maintenance_run_check.job;
    IF NOT target.permitted THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'may not run this maintenance job',
            DETAIL = format('Job "%s" needs %s, role "%s" is not.', job,
                            CASE WHEN target.for_owner THEN 'the owner of the tables' ELSE 'an administrator' END, current_user),
            HINT = 'Run it as the owner of the extension.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_run_check(text) IS 'Errors: QY150 no such job, 42501 the role may not run it.';

CREATE OR REPLACE PROCEDURE quay.maintenance_run(job pg_catalog.text, budget pg_catalog.interval DEFAULT '10 minutes',
                                                 INOUT outcome pg_catalog.text DEFAULT NULL, INOUT done pg_catalog.int8 DEFAULT 0,
                                                 INOUT error pg_catalog.text DEFAULT NULL)
    LANGUAGE plpgsql AS $$
DECLARE
    until pg_catalog.timestamptz := quay_internal.maintenance_begin(maintenance_run.budget);
    runs pg_catalog.int4 := 0;
    failed pg_catalog.int4 := 0;
BEGIN
    PERFORM quay_internal.maintenance_run_check(maintenance_run.job);
    COMMIT;
    done := 0;
    error := NULL;
    LOOP
        CALL quay_internal.maintenance_work(ARRAY[maintenance_run.job], false, until, runs, done, failed, outcome, error);
        EXIT WHEN outcome OPERATOR(pg_catalog.<>) 'pause' OR pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) until;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay.maintenance_run(text, interval, text, bigint, text) IS
    'Runs one job of maintenance now, whether or not it is enabled and due, until nothing is left or the time is over, and commits after each batch. Not within a transaction. Results: outcome is done, pause (something is left), failed, lost (another session took over) or busy (another session has it); how many things it did; error as in quay.maintenance_status. Errors: 22023 budget out of range, QY150 no such job, 42501 the role may not run it, 25006 on a standby, 55000 not READ COMMITTED, 2D000 within a transaction.';
