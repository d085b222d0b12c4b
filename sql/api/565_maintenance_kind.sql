-- One procedure for each kind of job, which runs the jobs of that kind at once, due or not: for those who schedule kinds apart.

CREATE OR REPLACE FUNCTION quay_internal.maintenance_kind_jobs(kind text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT p.job FROM quay_internal.maintenance_plan() AS p
                 WHERE p.kind = maintenance_kind_jobs.kind AND p.enabled AND quay_internal.maintenance_may_run(p.routine, p.stepwise, p.for_owner)
                 ORDER BY p.job);
END
$$;
COMMENT ON FUNCTION quay_internal.maintenance_kind_jobs(text) IS 'The jobs of a kind that are enabled and that this role may run.';

CREATE OR REPLACE PROCEDURE quay_internal.maintenance_kind(kind pg_catalog.text, budget pg_catalog.interval, INOUT runs pg_catalog.int4,
                                                           INOUT done pg_catalog.int8, INOUT failed pg_catalog.int4)
    LANGUAGE plpgsql AS $$
DECLARE
    until pg_catalog.timestamptz := quay_internal.maintenance_begin(maintenance_kind.budget);
    job pg_catalog.text;
    outcome pg_catalog.text;
    error pg_catalog.text;
BEGIN
    COMMIT;
    runs := 0;
    done := 0;
    failed := 0;
    FOREACH job IN ARRAY quay_internal.maintenance_kind_jobs(maintenance_kind.kind) LOOP
        CALL quay_internal.maintenance_work(ARRAY[job], false, until, runs, done, failed, outcome, error);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay_internal.maintenance_kind(text, interval, integer, bigint, integer) IS
    'Runs the jobs of a kind, one after the other, whether or not they are due; those that another session has are left to it.';

CREATE OR REPLACE PROCEDURE quay.maintenance_expire(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('expire', maintenance_expire.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_expire(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that delete what has expired, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_retain(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('retain', maintenance_retain.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_retain(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that keep the audit log: months ahead, and old ones, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_aggregate(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('aggregate', maintenance_aggregate.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_aggregate(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that count and sum up, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_collect(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('collect', maintenance_collect.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_collect(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that collect garbage and purge what is marked for deletion, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_prune(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('prune', maintenance_prune.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_prune(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that execute pruning policies, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_score(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('score', maintenance_score.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_score(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that compute search scores, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_notify(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('notify', maintenance_notify.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_notify(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that give notices, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';

CREATE OR REPLACE PROCEDURE quay.maintenance_fill(budget pg_catalog.interval DEFAULT '10 minutes', INOUT runs pg_catalog.int4 DEFAULT 0,
                                            INOUT done pg_catalog.int8 DEFAULT 0, INOUT failed pg_catalog.int4 DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    CALL quay_internal.maintenance_kind('fill', maintenance_fill.budget, runs, done, failed);
END
$$;
COMMENT ON PROCEDURE quay.maintenance_fill(interval, integer, bigint, integer) IS
    'Runs the jobs of maintenance that fill in what rows of an older database lack, due or not, each once and no longer than its own time; otherwise as quay.maintenance(). Errors: as there.';
