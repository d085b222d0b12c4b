-- Maintenance by pg_cron, where it is installed. Nothing else here needs it.

CREATE OR REPLACE FUNCTION quay_internal.cron_require() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    home text := coalesce(current_setting('cron.database_name', true), 'postgres');
BEGIN
    IF EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY151',
        MESSAGE = 'pg_cron is not installed in this database',
        DETAIL = CASE
            WHEN current_setting('cron.database_name', true) IS NULL THEN 'The server has not loaded it: shared_preload_libraries lacks pg_cron.'
            WHEN home <> current_database() THEN format('The server has it in the database "%s", this one is "%s".', home, current_database())
            ELSE format('The server has loaded it for this database, "%s".', current_database()) END,
        HINT = CASE
            WHEN current_setting('cron.database_name', true) IS NOT NULL AND home = current_database() THEN 'Run CREATE EXTENSION pg_cron.'
            WHEN current_setting('cron.database_name', true) IS NOT NULL
                THEN format('In the database "%s": SELECT cron.schedule_in_database(%L, ''* * * * *'', ''CALL quay.maintenance()'', %L).',
                            home, 'quay maintenance ' || current_database(), current_database())
            ELSE 'Have any scheduler call quay.maintenance() once a minute instead: pg_cron is optional.' END;
END
$$;
COMMENT ON FUNCTION quay_internal.cron_require() IS 'Errors: QY151 pg_cron is not installed in this database; the hint says what to do.';

CREATE OR REPLACE FUNCTION quay.maintenance_schedule(schedule text DEFAULT '* * * * *', budget interval DEFAULT '50 seconds')
    RETURNS TABLE (cron_job_id bigint, cron_job text, username text, command text, all_jobs boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.maintenance_seconds('time to spend', budget, 604800);
    PERFORM quay_internal.cron_require();
    cron_job := 'quay maintenance';
    username := current_user;
    command := CASE WHEN budget IS NULL THEN 'CALL quay.maintenance()' ELSE format('CALL quay.maintenance(%L)', budget) END;
    all_jobs := NOT EXISTS (SELECT FROM quay_internal.maintenance_plan() AS p
                            WHERE p.enabled AND NOT quay_internal.maintenance_may_run(p.routine, p.stepwise, p.for_owner));
    -- The function of pg_cron is not there when this one is made.
    EXECUTE 'SELECT cron.schedule($1::text, $2::text, $3::text)' INTO cron_job_id USING cron_job, schedule, command;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.maintenance_schedule(text, interval) IS
    'Has pg_cron call quay.maintenance(budget) by schedule, in its notation of five fields, as the present role: again, it changes what it has scheduled before. all_jobs: does that role run all jobs that are enabled? If not, call it as the owner of the extension, or have the others run otherwise. Needs what pg_cron needs: it is installed in this database, and the role may use its schema cron. Errors: 22023 budget out of range or schedule malformed, QY151 pg_cron is not installed in this database.';

CREATE OR REPLACE FUNCTION quay.maintenance_unschedule() RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    PERFORM quay_internal.cron_require();
    EXECUTE 'SELECT j.jobid FROM cron.job AS j WHERE j.jobname::text = $1 AND j.username::text = $2'
    INTO found_id USING 'quay maintenance', current_user::text;
    IF found_id IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT cron.unschedule($1)' USING found_id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.maintenance_unschedule() IS
    'Has pg_cron call quay.maintenance() no more for the present role. False: it did not. Errors: QY151 pg_cron is not installed in this database.';
