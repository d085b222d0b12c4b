-- Maintenance: what operators have changed of the jobs that api/560_maintenance_job.sql lists, and how far each job has got.

-- NULL: as the job has it. Not the name of a routine: whoever could write that here would have the maintenance role call it.
CREATE TABLE quay_internal.maintenance_setting (
    job        text COLLATE "C" NOT NULL,
    enabled    boolean,
    interval_s integer,
    batch      integer,
    budget_s   integer,
    CONSTRAINT pk_maintenance_setting PRIMARY KEY (job),
    CONSTRAINT maintenance_setting_interval_s CHECK (interval_s BETWEEN 1 AND 31622400),
    CONSTRAINT maintenance_setting_batch CHECK (batch BETWEEN 1 AND 1000000),
    CONSTRAINT maintenance_setting_budget_s CHECK (budget_s BETWEEN 1 AND 86400)
);

-- Written at each batch, in the transaction of the batch, whose lock on the row is what keeps others away from the job. The lease covers
-- the moments between two batches. Not dumped: a restored registry begins anew.
CREATE TABLE quay_internal.maintenance_state (
    job           text COLLATE "C" NOT NULL,
    fence         bigint NOT NULL DEFAULT 0,
    lease_ms      bigint,
    owner         text,
    owner_pid     integer,
    due_ms        bigint,
    cursor        jsonb,
    more          boolean NOT NULL DEFAULT false,
    problem       text,
    started_ms    bigint,
    ended_ms      bigint,
    done          bigint NOT NULL DEFAULT 0,
    busy_ms       bigint NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    last_error    text,
    error_ms      bigint,
    success_ms    bigint,
    runs          bigint NOT NULL DEFAULT 0,
    failed_runs   bigint NOT NULL DEFAULT 0,
    done_total    bigint NOT NULL DEFAULT 0,
    busy_ms_total bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_maintenance_state PRIMARY KEY (job)
) WITH (fillfactor = 50);
