-- Logs of builds and the jobs that run builds, which the reference keeps in Redis.
--
-- No foreign keys to quay.repositorybuild: the reference application deletes builds with a bare DELETE, and each line of a log would pay for
-- a lock on its build. The trigger build_removed takes their place.

-- What belongs to the log of a build as a whole. Once it is archived the row stays as long as the build: it knows whether there is an object.
CREATE TABLE quay_internal.build_log (
    build_id           bigint NOT NULL,
    status             jsonb,
    status_ms          bigint,
    expires_ms         bigint,
    archive_claim      uuid,
    archive_expires_ms bigint,
    archived_lines     integer,
    CONSTRAINT pk_build_log PRIMARY KEY (build_id)
) WITH (fillfactor = 70);
CREATE INDEX build_log_expires_ms ON quay_internal.build_log (expires_ms) WHERE expires_ms IS NOT NULL;

-- A row for each line. The key is all that says which index is the next: no counter is written.
CREATE TABLE quay_internal.build_log_line (
    build_id   bigint NOT NULL,
    index      integer NOT NULL,
    created_ms bigint NOT NULL,
    type       text COLLATE "C",
    message    text NOT NULL,
    data       jsonb,
    CONSTRAINT pk_build_log_line PRIMARY KEY (build_id, index),
    CONSTRAINT build_log_line_type CHECK (type = ANY (ARRAY['command', 'phase', 'error']))
);

CREATE SEQUENCE quay_internal.build_job_fence_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.build_job (
    build_id            bigint NOT NULL,
    fence               bigint NOT NULL DEFAULT nextval('quay_internal.build_job_fence_seq'),
    item_id             bigint NOT NULL,
    item_claim          text NOT NULL,
    manager             text NOT NULL,
    retries_remaining   integer NOT NULL,
    claimed_ms          bigint NOT NULL,
    lease_expires_ms    bigint NOT NULL,
    lifetime_expires_ms bigint NOT NULL,
    executor            text,
    execution_id        text,
    started_ms          bigint,
    heartbeat_ms        bigint,
    cancel_requested_ms bigint,
    CONSTRAINT pk_build_job PRIMARY KEY (build_id)
) WITH (fillfactor = 70);
ALTER SEQUENCE quay_internal.build_job_fence_seq OWNED BY quay_internal.build_job.fence;
CREATE INDEX build_job_lease_expires_ms ON quay_internal.build_job (lease_expires_ms);
CREATE INDEX build_job_executor ON quay_internal.build_job (executor) WHERE executor IS NOT NULL;

-- What build_archive_claim() looks through, however many builds there have been.
CREATE INDEX repositorybuild_started_id_unarchived ON quay.repositorybuild (started, id) WHERE NOT logs_archived;
