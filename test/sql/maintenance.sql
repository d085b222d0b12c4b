-- Maintenance: what is due and when, claims, failures and their backoff, settings, the procedures, the state that operators see.
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA regress_maintenance;
CREATE FUNCTION regress_maintenance.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
-- A run by hand, as the procedures do it, to look at each step of it within a transaction.
CREATE FUNCTION regress_maintenance.claim(VARIADIC jobs text[]) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c.job, ' ') FROM quay_internal.maintenance_claim(jobs) AS c $$;
CREATE FUNCTION regress_maintenance.step(job text, budget interval DEFAULT '1 min') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.outcome, t.done, t.error)
    FROM quay_internal.maintenance_state AS s CROSS JOIN LATERAL quay_internal.maintenance_step(s.job, s.fence, clock_timestamp() + budget) AS t
    WHERE s.job = step.job $$;
CREATE VIEW regress_maintenance.status AS
    SELECT job, state, due, started, ended, succeeded, done, more, failures, last_error, failed_at, runs, failed_runs, done_total FROM quay.maintenance_status;

-- Every routine in the list is there, and has the form that the list says.
SELECT j.job, j.routine FROM quay_internal.maintenance_job_list() AS j
WHERE NOT EXISTS (
    SELECT FROM pg_proc AS p
    WHERE p.proname = j.routine AND p.pronamespace = (CASE WHEN j.stepwise THEN 'quay_internal' ELSE 'quay' END)::regnamespace
      AND p.proargtypes[0] = 'integer'::regtype AND (NOT j.stepwise OR p.proargnames @> '{cursor,done,more,problem}'));
SELECT kind, string_agg(job, ' ' ORDER BY job) FROM quay_internal.maintenance_job_list() GROUP BY kind ORDER BY kind;
-- There is a procedure for each kind.
SELECT DISTINCT kind FROM quay_internal.maintenance_job_list() WHERE to_regproc('quay.maintenance_' || kind) IS NULL;

-- Settings
SELECT quay.maintenance_set('gc', every => '5 minutes', batch => 50);
SELECT quay.maintenance_set('gc', enabled => false, budget => '90 s');
SELECT job, enabled, every, batch, budget, state FROM quay.maintenance_status WHERE job = 'gc';
SELECT quay.maintenance_reset('gc'), quay.maintenance_reset('gc');
SELECT job, enabled, every, batch, budget, state, due, started, failures, runs, permitted FROM quay.maintenance_status WHERE job = 'gc';
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set('nothing')$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set(NULL)$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_reset('nothing')$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set('gc', every => '500 ms')$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set('gc', every => '10 years')$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set('gc', budget => '2 days')$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_set('gc', batch => 0)$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_schedule(budget => '0')$$);

-- Without pg_cron
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_schedule()$$);
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_unschedule()$$);
SET cron.database_name = 'elsewhere';
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_schedule()$$) LIKE
    E'QY151 pg_cron is not installed in this database\nThe server has it in the database "elsewhere", this one is "%".\n'
    'In the database "elsewhere": SELECT cron.schedule_in_database(''quay maintenance %'', ''* * * * *'', ''CALL quay.maintenance()'', ''%'').' AS elsewhere;
SELECT set_config('cron.database_name', current_database(), false) = current_database() AS here;
SELECT regress_maintenance.attempt($$SELECT quay.maintenance_schedule()$$) LIKE '%Run CREATE EXTENSION pg_cron.' AS to_be_created;
RESET cron.database_name;

-- Due times
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT * FROM regress_maintenance.status WHERE job = 'email_code';
SELECT regress_maintenance.claim('email_code');
SELECT * FROM regress_maintenance.status WHERE job = 'email_code';
SELECT owner LIKE current_user || ' ' || pg_backend_pid() || ' %' AS owner, lease_until FROM quay.maintenance_status WHERE job = 'email_code';
SELECT regress_maintenance.step('email_code');
SELECT * FROM regress_maintenance.status WHERE job = 'email_code';
-- A batch of a claim that has ended does nothing.
SELECT regress_maintenance.step('email_code');
-- Not due before its interval is over, which may change.
SELECT regress_maintenance.claim('email_code');
SET LOCAL quay.clock = '2026-03-10 12:59:59+00';
SELECT regress_maintenance.claim('email_code');
SELECT quay.maintenance_set('email_code', every => '30 min');
SELECT regress_maintenance.claim('email_code');
SELECT regress_maintenance.step('email_code');
-- Of several the one that has been due longest comes first, then by name. Not those that are disabled.
SELECT quay.maintenance_set('app_token', enabled => false);
SET LOCAL quay.clock = '2026-03-10 14:00:00+00';
SELECT regress_maintenance.claim('email_code', 'oauth_code', 'app_token');
SELECT regress_maintenance.claim('email_code', 'oauth_code', 'app_token');
SELECT regress_maintenance.claim('app_token');
SELECT * FROM quay_internal.maintenance_claim('{app_token}', false);
ROLLBACK;

-- A job that fails changes nothing, waits longer each time, and has its cursor reset at the third failure. The error has no values.
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT quay.registry_size_request();
CREATE FUNCTION regress_maintenance.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 'secret value'::integer; RETURN NEW; END $$;
CREATE TRIGGER regress_refuse BEFORE UPDATE ON quay.quotaregistrysize FOR EACH ROW EXECUTE FUNCTION regress_maintenance.refuse();
SET LOCAL client_min_messages = error;
UPDATE quay_internal.maintenance_state SET cursor = '{"kept": 1}' WHERE job = 'registry_size';
SELECT regress_maintenance.claim('registry_size');
SELECT regress_maintenance.step('registry_size');
SELECT s.*, m.cursor FROM regress_maintenance.status AS s JOIN quay_internal.maintenance_state AS m USING (job) WHERE job = 'registry_size';
SET LOCAL quay.clock = '2026-03-10 12:00:59.999+00';
SELECT regress_maintenance.claim('registry_size');
SET LOCAL quay.clock = '2026-03-10 12:01:00+00';
SELECT regress_maintenance.claim('registry_size'), regress_maintenance.step('registry_size');
SELECT due, failures FROM regress_maintenance.status WHERE job = 'registry_size';
SET LOCAL quay.clock = '2026-03-10 12:03:00+00';
SELECT regress_maintenance.claim('registry_size'), regress_maintenance.step('registry_size');
SELECT s.due, s.failures, m.cursor FROM regress_maintenance.status AS s JOIN quay_internal.maintenance_state AS m USING (job) WHERE job = 'registry_size';
SELECT ok, message, overdue @> '{registry_size}' AS overdue, failing FROM quay.maintenance_check();
-- Others go on meanwhile, and the count of failures ends with a good run.
SELECT regress_maintenance.claim('email_code'), regress_maintenance.step('email_code');
DROP TRIGGER regress_refuse ON quay.quotaregistrysize;
SET LOCAL quay.clock = '2026-03-10 12:07:00+00';
SELECT regress_maintenance.claim('registry_size'), regress_maintenance.step('registry_size');
SELECT * FROM regress_maintenance.status WHERE job = 'registry_size';
-- How long a job waits: at most an hour, or its interval.
SELECT f AS failures, quay_internal.maintenance_backoff_ms(f, 60) / 1000 AS s, quay_internal.maintenance_backoff_ms(f, 86400) / 1000 AS s_daily
FROM unnest('{0,1,2,6,7,11,12,1000}'::integer[]) AS f;
-- What an error keeps of its message.
SELECT quay_internal.error_text(c, m) FROM (VALUES ('22P02', 'invalid input syntax for type integer: "a "secret" b"'), ('22003', 'value "99" is out of range for type integer'),
    ('23505', 'duplicate key value violates unique constraint "user_email"'), ('QY013', 'an organization needs an enabled administrator')) AS e (c, m);
SELECT length(quay_internal.error_text('XX000', repeat('x', 1000)));
ROLLBACK;

-- A run that was stopped: its lease is over when its session is gone, and that counts as a failure.
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT regress_maintenance.claim('email_code');
UPDATE quay_internal.maintenance_state SET owner_pid = 0 WHERE job = 'email_code';
SELECT state, due, lease_until FROM quay.maintenance_status WHERE job = 'email_code';
SELECT regress_maintenance.claim('email_code');
SELECT failures, failed_runs, runs, last_error FROM regress_maintenance.status WHERE job = 'email_code';
-- Again: it waits a minute from when it had begun. The same for the session's own runs that were cancelled.
SELECT regress_maintenance.claim('email_code');
SET LOCAL quay.clock = '2026-03-10 12:01:00+00';
SELECT regress_maintenance.claim('email_code');
SELECT failures, state FROM regress_maintenance.status WHERE job = 'email_code';
SELECT regress_maintenance.step('email_code');
SELECT failures, state FROM regress_maintenance.status WHERE job = 'email_code';
ROLLBACK;

-- A run whose time is over leaves the rest, and is due again at once, behind the others.
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT quay.user_create('maint-' || i, 'password1', 'maint-' || i || '@maint.example') > 0 AS ok FROM generate_series(1, 3) AS i;
SELECT quay.maintenance_set('quota_publish', enabled => true, batch => 1);
SELECT max(id) - 3 AS start FROM quay."user" \gset
UPDATE quay_internal.maintenance_state SET cursor = jsonb_build_object('after', greatest(:start, (SELECT coalesce(max(id), 0) FROM quay.repository))) WHERE job = 'quota_publish';
SELECT regress_maintenance.claim('quota_publish'), regress_maintenance.step('quota_publish', '-1 s');
SELECT state, due, more, progress IS NOT NULL AS progress, done FROM quay.maintenance_status WHERE job = 'quota_publish';
SELECT regress_maintenance.claim('quota_publish', 'email_code'), regress_maintenance.step('email_code');
SELECT regress_maintenance.claim('quota_publish', 'email_code');
SELECT regress_maintenance.step('quota_publish') AS outcome;
SELECT regress_maintenance.step('quota_publish') LIKE 'more %' AS more;
-- Disabled while it runs: it stops after the batch.
SELECT quay.maintenance_set('quota_publish', enabled => false);
SELECT regress_maintenance.step('quota_publish') LIKE 'more %' AS more;
ROLLBACK;

-- Readiness: a job that nobody runs.
BEGIN;
UPDATE quay_internal.schema_version SET installed_at = '2026-03-10 12:00:00';
DELETE FROM quay_internal.maintenance_state;
SET LOCAL quay.clock = '2026-03-10 12:30:00+00';
SELECT * FROM quay.maintenance_check();
SET LOCAL quay.clock = '2026-03-10 13:00:01+00';
SELECT ok, left(message, 24) AS message, overdue @> '{gc,email_code}' AS jobs, overdue && '{quota_publish}' AS disabled, failing FROM quay.maintenance_check('30 min');
SELECT ok FROM quay.maintenance_check('3 hours');
ROLLBACK;

-- The procedures. Only a few jobs are enabled, so that those of other tests stay as they are.
SET quay.clock = '2026-03-10 12:00:00+00';
SELECT count(quay.maintenance_set(job, enabled => job IN ('registry_size', 'email_code', 'oauth_code'))) > 10 AS set FROM quay_internal.maintenance_job_list();
SELECT already_queued FROM quay.registry_size_request();
CALL quay.maintenance();
CALL quay.maintenance();
SELECT job, state, started, done FROM regress_maintenance.status WHERE runs > 0 ORDER BY job;
SELECT already_queued FROM quay.registry_size_request();
CALL quay.maintenance_run('registry_size');
CALL quay.maintenance_run('quota_notify', budget => '1 min');
CALL quay.maintenance_expire();
CALL quay.maintenance_retain();
CALL quay.maintenance_aggregate();
CALL quay.maintenance_collect();
CALL quay.maintenance_prune();
CALL quay.maintenance_score();
CALL quay.maintenance_notify();
CALL quay.maintenance_fill();
CALL quay.maintenance_run('nothing');
CALL quay.maintenance('0 s');
CALL quay.maintenance('8 days');
CALL quay.maintenance(NULL);
BEGIN;
CALL quay.maintenance();
ROLLBACK;
SET default_transaction_isolation = 'repeatable read';
CALL quay.maintenance();
RESET default_transaction_isolation;
-- One that fails among others: the procedure goes on, and warns.
SELECT already_queued FROM quay.registry_size_request();
CREATE FUNCTION regress_maintenance.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now' USING ERRCODE = 'QY999'; END $$;
CREATE TRIGGER regress_refuse BEFORE UPDATE ON quay.quotaregistrysize FOR EACH ROW EXECUTE FUNCTION regress_maintenance.refuse();
SET quay.clock = '2026-03-10 14:00:00+00';
CALL quay.maintenance();
SELECT job, state, done, failures, last_error FROM regress_maintenance.status WHERE runs > 0 AND job <> 'quota_notify' ORDER BY job;
CALL quay.maintenance_run('registry_size');
DROP TRIGGER regress_refuse ON quay.quotaregistrysize;
CALL quay.maintenance_run('registry_size');
-- No settings of the session have any part in it.
SET search_path = regress_maintenance;
CREATE FUNCTION regress_maintenance.fake(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS $$ SELECT 1/0 = 1 $$;
CREATE FUNCTION regress_maintenance.fake(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT 1/0 = 1 $$;
CREATE FUNCTION regress_maintenance.fake(integer, integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1/0 $$;
CREATE OPERATOR regress_maintenance.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = regress_maintenance.fake);
CREATE OPERATOR regress_maintenance.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = regress_maintenance.fake);
CREATE OPERATOR regress_maintenance.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_maintenance.fake);
CREATE OPERATOR regress_maintenance.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = regress_maintenance.fake);
SET search_path = regress_maintenance, pg_catalog;
CALL quay.maintenance_expire();
CALL quay.maintenance_run('email_code');
RESET search_path;

-- Roles: an application runs it, but for what needs the owner; settings and schedules are for administrators.
CREATE ROLE regress_maintenance_application;
CREATE ROLE regress_maintenance_reader;
SELECT quay.grant_role('regress_maintenance_application', 'application');
SELECT quay.grant_role('regress_maintenance_reader', 'reader');
SELECT quay.maintenance_set('log_partition', enabled => true);
SET quay.clock = '2026-03-10 16:00:00+00';
SET ROLE regress_maintenance_application;
CALL quay.maintenance();
SELECT job, state, permitted FROM quay.maintenance_status WHERE NOT permitted;
CALL quay.maintenance_run('log_partition');
CALL quay.maintenance_retain();
SELECT quay.maintenance_set('gc', enabled => true);
INSERT INTO quay_internal.maintenance_setting (job) VALUES ('gc');
SET ROLE regress_maintenance_reader;
SELECT count(*) > 10 AS readable FROM quay.maintenance_status;
SELECT ok IS NOT NULL AS readable FROM quay.maintenance_check();
CALL quay.maintenance();
RESET ROLE;
SELECT quay.revoke_role('regress_maintenance_application'), quay.revoke_role('regress_maintenance_reader');
DROP ROLE regress_maintenance_application, regress_maintenance_reader;

RESET quay.clock;
DELETE FROM quay_internal.maintenance_state;
DELETE FROM quay_internal.maintenance_setting;
DELETE FROM quay.quotaregistrysize;
DROP SCHEMA regress_maintenance CASCADE;
