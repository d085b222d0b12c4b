-- 1.2 to 1.3: operations, and all that Redis did. One section per topic, in the order of the schema's parts.

-- The work queue: other indexes, see schema/176_queue.sql
DROP INDEX quay.queueitem_pe_aafter_qname_rremaining_available;
DROP INDEX quay.queueitem_pexpires_aafter_rremaining_available;
DROP INDEX quay.queueitem_processing_expires_available;
DROP INDEX quay.queueitem_processing_expires_queue_name_available;
DROP INDEX quay.queueitem_queue_name;
CREATE INDEX queueitem_due ON quay.queueitem (split_part(queue_name, '/', 1),
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)), id)
    WHERE retries_remaining > 0;
CREATE INDEX queueitem_lane ON quay.queueitem (split_part(queue_name, '/', 1), hashtext(split_part(queue_name, '/', 2)),
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)), id)
    WHERE retries_remaining > 0;
CREATE INDEX queueitem_queue_name_id ON quay.queueitem (queue_name, id);
CREATE INDEX queueitem_running ON quay.queueitem (queue_name, processing_expires) WHERE NOT available;
CREATE INDEX queueitem_dead ON quay.queueitem (split_part(queue_name, '/', 1), id) WHERE retries_remaining <= 0;
CREATE INDEX queueitem_dead_due ON quay.queueitem (
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)))
    WHERE retries_remaining <= 0;

-- Builds: logs and jobs, see schema/178_build.sql
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
CREATE INDEX repositorybuild_started_id_unarchived ON quay.repositorybuild (started, id) WHERE NOT logs_archived;
SELECT pg_extension_config_dump('quay_internal.build_log', '');
SELECT pg_extension_config_dump('quay_internal.build_log_line', '');
SELECT pg_extension_config_dump('quay_internal.build_job_fence_seq', '');
SELECT pg_extension_config_dump('quay_internal.build_job', '');
-- Notifications
ALTER TABLE quay.repositorynotification ADD COLUMN last_error text;
ALTER TABLE quay.namespacenotification ADD COLUMN last_error text;
DROP INDEX quay.notification_target_id;
CREATE INDEX notification_target_id_id ON quay.notification (target_id, id);
CREATE INDEX notification_target_id_id_undismissed ON quay.notification (target_id, id) WHERE NOT dismissed;
-- A registry that made such a kind itself keeps its notifications.
UPDATE quay.notificationkind SET name = name || ' before 1.3' WHERE name IN ('repo_image_expiry', 'test_notification');
INSERT INTO quay.notificationkind (id, name) VALUES (901, 'repo_image_expiry'), (902, 'test_notification');
UPDATE quay.notification AS n SET kind_id = k.id
FROM quay.notificationkind AS o JOIN quay.notificationkind AS k ON o.name = k.name || ' before 1.3'
WHERE n.kind_id = o.id;
DELETE FROM quay.notificationkind WHERE name IN ('repo_image_expiry before 1.3', 'test_notification before 1.3');

-- Events of users. What is not logged is not dumped, its sequence is.
CREATE SEQUENCE quay_internal.user_event_id_seq MAXVALUE 9007199254740991;
CREATE UNLOGGED TABLE quay_internal.user_event (
    user_id    bigint NOT NULL,
    id         bigint NOT NULL DEFAULT nextval('quay_internal.user_event_id_seq'),
    event      text NOT NULL,
    data       jsonb NOT NULL,
    created_ms bigint NOT NULL,
    CONSTRAINT pk_user_event PRIMARY KEY (user_id, id)
);
ALTER SEQUENCE quay_internal.user_event_id_seq OWNED BY quay_internal.user_event.id;
CREATE INDEX user_event_created_ms ON quay_internal.user_event (created_ms);
SELECT pg_extension_config_dump('quay_internal.user_event_id_seq', '');
-- Cache, sessions, leases, marks, counters of pulls

-- Values of up to 8 kB stay in the row, and none is compressed: reading is what a cache is for.
CREATE UNLOGGED TABLE quay.cache_entry (
    expires_ms  bigint NOT NULL,
    drop_ms     bigint NOT NULL,
    claim_ms    bigint NOT NULL DEFAULT 0,
    size        integer NOT NULL,
    former_size integer NOT NULL DEFAULT 0,
    key         text COLLATE "C" NOT NULL,
    claim       uuid,
    value       text,
    bytes       bytea,
    CONSTRAINT pk_cache_entry PRIMARY KEY (key)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE quay.cache_entry ALTER COLUMN value SET STORAGE EXTERNAL, ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE INDEX cache_entry_drop_ms ON quay.cache_entry (drop_ms);

CREATE UNLOGGED TABLE quay_internal.cache_generation (
    name       text COLLATE "C" NOT NULL,
    generation uuid NOT NULL,
    changed_ms bigint NOT NULL,
    CONSTRAINT pk_cache_generation PRIMARY KEY (name)
);
CREATE INDEX cache_generation_changed_ms ON quay_internal.cache_generation (changed_ms);

-- Summands of the size of the cache: any row will do, so that nobody waits for one that another transaction has changed.
CREATE UNLOGGED TABLE quay_internal.cache_size (
    bytes      bigint NOT NULL,
    counted_ms bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE SEQUENCE quay.session_id_seq MAXVALUE 9007199254740991;
CREATE UNLOGGED TABLE quay.session (
    id         bigint NOT NULL DEFAULT nextval('quay.session_id_seq'),
    user_id    bigint,
    created_ms bigint NOT NULL,
    touched_ms bigint NOT NULL,
    expires_ms bigint NOT NULL,
    ends_ms    bigint NOT NULL,
    ttl_s      integer NOT NULL,
    digest     bytea NOT NULL,
    uuid       varchar(36) COLLATE "C",
    data       json NOT NULL,
    ip         text,
    user_agent text,
    CONSTRAINT pk_session PRIMARY KEY (id)
) WITH (toast_tuple_target = 8160);
ALTER SEQUENCE quay.session_id_seq OWNED BY quay.session.id;
ALTER TABLE quay.session ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX session_digest ON quay.session (digest);
CREATE INDEX session_user_id_id ON quay.session (user_id, id);
CREATE INDEX session_expires_ms ON quay.session (expires_ms);

CREATE SEQUENCE quay.lease_fence_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.lease (
    name        text COLLATE "C" NOT NULL,
    owner       text,
    fence       bigint NOT NULL,
    acquired_ms bigint NOT NULL,
    expires_ms  bigint NOT NULL,
    CONSTRAINT pk_lease PRIMARY KEY (name)
) WITH (fillfactor = 50);
ALTER SEQUENCE quay.lease_fence_seq OWNED BY quay.lease.fence;
CREATE INDEX lease_expires_ms ON quay.lease (expires_ms);

-- Logged: after a crash a mark that is missing would let somebody read whose right was revoked.
CREATE TABLE quay_internal.freshness_mark (
    username   text COLLATE "C" NOT NULL,
    namespace  text COLLATE "C" NOT NULL,
    repository text COLLATE "C" NOT NULL,
    marked     pg_lsn NOT NULL,
    expires_ms bigint NOT NULL,
    CONSTRAINT pk_freshness_mark PRIMARY KEY (namespace, repository, username)
) WITH (fillfactor = 70);
CREATE INDEX freshness_mark_expires_ms ON quay_internal.freshness_mark (expires_ms);

-- Pulls that pull_fold() has still to add to the statistics. No key: who counts a pull waits for nobody.
CREATE UNLOGGED TABLE quay_internal.pull_pending (
    counted_ms    bigint NOT NULL,
    repository_id bigint NOT NULL,
    tag           text COLLATE "C",
    digest        text COLLATE "C"
);
CREATE INDEX pull_pending_counted_ms ON quay_internal.pull_pending (counted_ms);

CREATE TABLE quay_internal.pull_batch (
    batch      text COLLATE "C" NOT NULL,
    counted_ms bigint NOT NULL,
    CONSTRAINT pk_pull_batch PRIMARY KEY (batch)
);
CREATE INDEX pull_batch_counted_ms ON quay_internal.pull_batch (counted_ms);

CREATE TYPE quay_internal.cached_value AS (
    value      text,
    bytes      bytea,
    expires_ms bigint
);
CREATE TYPE quay_internal.live_session AS (
    session_id bigint,
    username   text,
    user_id    bigint,
    data       json,
    created_ms bigint,
    touched_ms bigint,
    expires_ms bigint
);

SELECT pg_extension_config_dump('quay.session_id_seq', '');
SELECT pg_extension_config_dump('quay.lease_fence_seq', '');
SELECT pg_extension_config_dump('quay.lease', '');
SELECT pg_extension_config_dump('quay_internal.freshness_mark', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.pull_batch', '');

-- It has a second argument now.
DROP FUNCTION quay.pull_record_many(jsonb);
-- Maintenance

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

SELECT pg_extension_config_dump('quay_internal.maintenance_setting', '');
SELECT pg_extension_config_dump('quay_internal.maintenance_state', 'WHERE false');
-- Audit

CREATE TABLE quay.unlogged_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    scope    varchar(16) COLLATE "C" NOT NULL DEFAULT 'all',
    CONSTRAINT pk_unlogged_namespace PRIMARY KEY (username),
    CONSTRAINT unlogged_namespace_scope_check CHECK (scope IN ('all', 'pull'))
);

CREATE TABLE quay_internal.log_settled (
    id         smallint NOT NULL DEFAULT 1,
    settled_id bigint NOT NULL DEFAULT 0,
    pending_id bigint,
    writers    text[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_log_settled PRIMARY KEY (id),
    CONSTRAINT log_settled_one_row CHECK (id = 1)
);

CREATE TABLE quay_internal.log_count_month (
    month      date NOT NULL,
    counted_id bigint NOT NULL DEFAULT -1,
    CONSTRAINT pk_log_count_month PRIMARY KEY (month)
);
CREATE TABLE quay_internal.log_count_day (
    account_id bigint NOT NULL,
    day        date NOT NULL,
    kind_id    bigint NOT NULL,
    count      bigint NOT NULL,
    CONSTRAINT pk_log_count_day PRIMARY KEY (account_id, day, kind_id)
);
CREATE INDEX log_count_day_day ON quay_internal.log_count_day (day);

CREATE TABLE quay_internal.log_seal_block (
    month     date NOT NULL,
    block     integer NOT NULL,
    first_id  bigint NOT NULL,
    last_id   bigint NOT NULL,
    row_count integer NOT NULL,
    sealed_ms bigint NOT NULL,
    hash      bytea NOT NULL,
    seal      text COLLATE "C",
    ids       bigint[] NOT NULL,
    leaves    bytea NOT NULL,
    CONSTRAINT pk_log_seal_block PRIMARY KEY (month, block)
);
ALTER TABLE quay_internal.log_seal_block ALTER COLUMN leaves SET STORAGE EXTERNAL;

CREATE TABLE quay_internal.log_archive (
    generation  smallint NOT NULL,
    month       date NOT NULL,
    last_id     bigint NOT NULL,
    row_count   bigint NOT NULL,
    archive     text,
    archived_ms bigint NOT NULL,
    CONSTRAINT pk_log_archive PRIMARY KEY (generation, month)
);
CREATE SEQUENCE quay_internal.log_removed_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.log_removed (
    id          bigint NOT NULL DEFAULT nextval('quay_internal.log_removed_id_seq'),
    generation  smallint NOT NULL,
    month       date NOT NULL,
    removed_ms  bigint NOT NULL,
    archive     text,
    row_count   bigint,
    sealed_rows bigint,
    last_id     bigint,
    hash        bytea,
    CONSTRAINT pk_log_removed PRIMARY KEY (id)
);
ALTER SEQUENCE quay_internal.log_removed_id_seq OWNED BY quay_internal.log_removed.id;
-- What is counted from the rows of the audit log, and who writes them right now, is not dumped.
SELECT pg_extension_config_dump('quay.unlogged_namespace', '');
SELECT pg_extension_config_dump('quay_internal.log_settled', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.log_count_month', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.log_count_day', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.log_seal_block', '');
SELECT pg_extension_config_dump('quay_internal.log_archive', '');
SELECT pg_extension_config_dump('quay_internal.log_removed_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.log_removed', '');
