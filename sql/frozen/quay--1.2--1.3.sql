\echo Use "ALTER EXTENSION quay UPDATE TO '1.3'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.2');

-- @step
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

-- @part step api/030_log.sql
-- The audit log: who did it, adding a row, and its monthly partitions.

CREATE OR REPLACE FUNCTION quay_internal.actor_id(actor text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF actor_id.actor IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = actor_id.actor;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'actor does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(actor_id.actor, 80)),
            HINT = 'Pass the actor that quay.authenticate() returned, or NULL for anonymous.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.actor_id(text) IS
    'Id of the person, organization or robot that acts; NULL for anonymous. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_service_account() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account text := quay_internal.setting('service_log_account');
BEGIN
    RETURN coalesce(CASE account WHEN '' THEN (SELECT min(u.id) FROM quay."user" AS u)
                                 ELSE (SELECT u.id FROM quay."user" AS u WHERE u.username = account) END, 0);
END
$$;
COMMENT ON FUNCTION quay_internal.log_service_account() IS
    'Id of the account of entries that belong to no namespace: quay.service_log_account, 0 if nobody has that name; without the setting the smallest id, as in the reference.';

CREATE OR REPLACE FUNCTION quay_internal.log_insert(kind text, account_id bigint, performer_id bigint, repository_id bigint,
                                                    metadata jsonb[], ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pull boolean := log_insert.kind IN ('pull_repo', 'repo_verb');
    free_is_logged boolean := NOT pull OR quay_internal.setting('free_namespace_pull_logs')::boolean;
BEGIN
    -- One statement finds the kind, asks whether the namespace is logged at all, and writes.
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    SELECT k.id, log_insert.account_id, log_insert.performer_id, log_insert.repository_id, log_insert.at, left(log_insert.ip, 255),
           coalesce(m.metadata, '{}')::text
    FROM quay.logentrykind AS k CROSS JOIN unnest(log_insert.metadata) AS m (metadata)
    WHERE k.name = log_insert.kind
      AND NOT EXISTS (SELECT FROM quay.unlogged_namespace AS s JOIN quay."user" AS u ON u.username = s.username
                      WHERE u.id = log_insert.account_id AND (pull OR s.scope = 'all'))
      AND (free_is_logged OR NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = log_insert.account_id AND u.stripe_id IS NULL));
    IF FOUND THEN
        RETURN 'written';
    END IF;
    PERFORM quay_internal.log_kind_ids(ARRAY[log_insert.kind]);
    RETURN 'skipped';
END
$$;
COMMENT ON FUNCTION quay_internal.log_insert(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log, one for each of the metadata: written; skipped if the namespace is in quay.unlogged_namespace, or it is a pull and the namespace is free and quay.free_namespace_pull_logs is off. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_kind_ids(kinds text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT k.id FROM quay.logentrykind AS k WHERE k.name = ANY (kinds));
    unknown text;
BEGIN
    IF cardinality(ids) < cardinality(kinds) THEN
        SELECT u.kind INTO unknown FROM unnest(kinds) AS u (kind)
        WHERE NOT EXISTS (SELECT FROM quay.logentrykind AS k WHERE k.name = u.kind) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown kind of log entry',
                DETAIL = format('There is no kind named "%s".', left(unknown, 80)),
                HINT = 'The table quay.logentrykind lists the kinds.';
        END IF;
    END IF;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION quay_internal.log_kind_ids(text[]) IS 'Ids of kinds of log entries, in no order. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_may_be_lost(kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('allow_without_strict_logging')::boolean
        OR log_may_be_lost.kind IN ('pull_repo', 'pull_repo_failed', 'login_success', 'login_failure', 'logout_success')
           AND quay_internal.setting('allow_pulls_without_strict_logging')::boolean;
END
$$;
COMMENT ON FUNCTION quay_internal.log_may_be_lost(text) IS
    'May what is logged go on when its row cannot be written? By quay.allow_without_strict_logging, and for the five relaxed kinds by quay.allow_pulls_without_strict_logging.';

CREATE OR REPLACE FUNCTION quay_internal.log_put(kind text, account_id bigint, performer_id bigint, repository_id bigint, metadata jsonb[],
                                                 ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay_internal.log_may_be_lost(log_put.kind) THEN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    END IF;
    BEGIN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    EXCEPTION
        -- A wrong call stays wrong, and what is to be repeated is repeated whole.
        WHEN SQLSTATE 'QY009' OR transaction_rollback THEN
            RAISE;
        WHEN OTHERS THEN
            RAISE WARNING USING ERRCODE = 'QY100',
                MESSAGE = 'log entry lost',
                DETAIL = format('%s of kind "%s": %s (%s)', cardinality(log_put.metadata), log_put.kind, SQLERRM, SQLSTATE),
                HINT = 'Settings quay.allow_without_strict_logging and quay.allow_pulls_without_strict_logging permit it.';
            RETURN 'lost';
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_put(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log: written, skipped (see log_insert()), or lost: the rows could not be written, which a setting permits, and the server''s log has a warning (QY100). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add_many(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                      metadata jsonb[], ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_put(kind, coalesce(namespace_id, quay_internal.log_service_account()), performer_id, repository_id, metadata,
                                  ip, quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.log_add_many(text, bigint, bigint, bigint, jsonb[], text) IS
    'Adds rows of one kind to the audit log, one for each of the metadata, by the rules of quay.log_write(). A NULL namespace means log_service_account(). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add_many(kind, namespace_id, performer_id, repository_id, ARRAY[metadata], ip);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log: see log_add_many().';

CREATE OR REPLACE FUNCTION quay_internal.log_partition_missing(months_ahead integer) RETURNS SETOF timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', quay_internal.utc_now());
BEGIN
    RETURN QUERY
        SELECT wanted.month
        FROM (SELECT g.month
              FROM generate_series(this_month, this_month + make_interval(months => months_ahead), interval '1 month') AS g (month)
              UNION
              SELECT date_trunc('month', l.datetime) FROM quay.logentry3_default AS l WHERE isfinite(l.datetime)) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                          WHERE i.inhparent = 'quay.logentry3'::regclass
                            AND c.relname = to_char(wanted.month, '"logentry3_y"YYYY"m"MM'))
        ORDER BY wanted.month;
END
$$;
COMMENT ON FUNCTION quay_internal.log_partition_missing(integer) IS
    'First days of the months that need a partition of the audit log and have none: this one, the coming ones, and those of rows in the default partition.';

CREATE OR REPLACE FUNCTION quay.log_partition_ensure(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp;
    name text;
BEGIN
    -- One call at a time, before anything is read: a read lock on the default partition, once held, would deadlock with the other call's
    -- exclusive one. It keeps neither readers nor writers waiting.
    LOCK TABLE quay.logentry3 IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead)) THEN
        RETURN;
    END IF;

    -- No row may arrive between the move and the attachment. ATTACH PARTITION needs this lock anyhow.
    LOCK TABLE quay.logentry3_default IN ACCESS EXCLUSIVE MODE;
    FOR month IN SELECT m FROM quay_internal.log_partition_missing(months_ahead) AS m LOOP
        name := to_char(month, '"logentry3_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE quay.%I (LIKE quay.logentry3_default INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE quay.%I OWNER TO %I', name,
            (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
        EXECUTE format('COMMENT ON TABLE quay.%I IS %L', name, 'Audit log of the month that its name says.');
        EXECUTE format('WITH moved AS (DELETE FROM quay.logentry3_default WHERE datetime >= %2$L AND datetime < %3$L RETURNING *) '
                       'INSERT INTO quay.%1$I SELECT * FROM moved', name, month, month + interval '1 month');
        EXECUTE format('ALTER TABLE quay.logentry3 ATTACH PARTITION quay.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        -- Somebody may have dropped the month, and what was counted of it says nothing about the rows that are here.
        INSERT INTO quay_internal.log_count_month AS c (month, counted_id) VALUES (month::date, -1)
        ON CONFLICT ON CONSTRAINT pk_log_count_month DO UPDATE SET counted_id = -1;
        RETURN NEXT name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_partition_ensure(integer) IS
    'Makes the monthly partitions of the audit log for this and the coming months, and for months of which the default partition holds rows, which it moves. Returns the names of the new ones; a call that finds nothing to do keeps nobody waiting but other such calls. For the owner of the tables.';

-- @part step api/035_queue.sql
-- The work queue: names of paths, what the other parts of the registry add to it, and removing what a namespace has in it.
-- 510_queue_put.sql and the files after it are the rest.

CREATE OR REPLACE FUNCTION quay_internal.queue_path(VARIADIC parts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(parts, '/') || '/';
COMMENT ON FUNCTION quay_internal.queue_path(text[]) IS
    'queue_name of an item: the queue and the parts of the path, each with a "/" behind it, so that one path is the beginning of another only if its parts are.';

CREATE OR REPLACE FUNCTION quay_internal.queue_due(available_after timestamp, available boolean, processing_expires timestamp) RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END);
COMMENT ON FUNCTION quay_internal.queue_due(timestamp, boolean, timestamp) IS
    'From when on an item may be taken if it has retries left: not before available_after, nor while it is claimed. Indexes of quay.queueitem have the same expression.';

CREATE OR REPLACE FUNCTION quay_internal.queue_wake(queue_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.wake('quay_queue', split_part(queue_wake.queue_name, '/', 1));
END
$$;
COMMENT ON FUNCTION quay_internal.queue_wake(text) IS
    'Tells the workers of a queue, who LISTEN to quay_queue, that there is something to take; once, however often a transaction calls it.';

CREATE OR REPLACE FUNCTION quay_internal.queue_add(path text, body jsonb, delay interval DEFAULT '0', retries integer DEFAULT 5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (queue_add.path, queue_add.body::text, quay_internal.utc_now() + queue_add.delay, true, queue_add.retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    IF queue_add.delay <= interval '0' THEN
        PERFORM quay_internal.queue_wake(queue_add.path);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_add(text, jsonb, interval, integer) IS
    'Adds an item to a queue and returns its id. path: what queue_path() makes. delay: how long it is not to be taken.';

CREATE OR REPLACE FUNCTION quay_internal.queue_delete(path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/": the index finds all that starts with the path, whatever characters it has.
    DELETE FROM quay.queueitem AS q
    WHERE q.queue_name >= queue_delete.path AND q.queue_name < left(queue_delete.path, -1) || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_delete(text) IS
    'Deletes the items of a path and of the paths below it, and returns how many there were. path: what queue_path() makes.';

-- @part step api/036_notification.sql
-- Notifications within the registry: adding one, and removing those that are settled. Events, which go to whoever a repository or a
-- namespace has told to notify outside.

CREATE OR REPLACE FUNCTION quay_internal.notification_add(kind text, target_id bigint, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_uuid text;
BEGIN
    INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed, lookup_path)
    SELECT gen_random_uuid()::text, k.id, notification_add.target_id, notification_add.metadata::text, quay_internal.utc_now(), false,
           notification_add.lookup_path
    FROM quay.notificationkind AS k
    WHERE k.name = notification_add.kind
    RETURNING uuid INTO new_uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_add.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_add(text, bigint, jsonb, text) IS
    'Notifies a user, or the administrators of an organization, and returns the uuid of the notification. lookup_path: by which it can be removed. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.notification_matches(document text, metadata jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content jsonb := quay_internal.json_read(document);
BEGIN
    -- Containment is not enough: it finds [1] in [1, 2], and the value of a key may be an object or an array.
    RETURN content IS NOT NULL
       AND NOT EXISTS (SELECT FROM jsonb_each(metadata) AS m
                       WHERE jsonb_typeof(content) <> 'object' OR content -> m.key IS DISTINCT FROM m.value);
END
$$;
COMMENT ON FUNCTION quay_internal.notification_matches(text, jsonb) IS
    'Have the metadata of a notification each of these keys with an equal value? True for no keys; false for what is no JSON.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete(kind text, target_id bigint, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM quay.notification AS n
    USING quay.notificationkind AS k
    WHERE k.id = n.kind_id AND k.name = notification_delete.kind AND n.target_id = notification_delete.target_id
      AND (notification_delete.metadata IS NULL OR quay_internal.notification_matches(n.metadata_json, notification_delete.metadata));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete(text, bigint, jsonb) IS
    'Deletes the notifications of a kind and a target that have these metadata, as notification_matches() says, and returns how many there were. NULL: whatever they have, and also what is no JSON.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/".
    DELETE FROM quay.notification AS n
    WHERE n.lookup_path = notification_delete_path.lookup_path
       OR n.lookup_path >= notification_delete_path.lookup_path || '/' AND n.lookup_path < notification_delete_path.lookup_path || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete_path(text) IS
    'Deletes the notifications with this lookup path or one below it, and returns how many there were.';

-- Events. Who waits for them is told by the worker that takes these items: see 534_notification_event.sql and 535_notification_delivery.sql.

CREATE OR REPLACE FUNCTION quay_internal.notification_failure_limit() RETURNS integer
    LANGUAGE sql STABLE
    RETURN quay_internal.setting('notification_failure_limit')::integer;
COMMENT ON FUNCTION quay_internal.notification_failure_limit() IS 'A notification of a repository or namespace with fewer failures than this is enabled.';

CREATE OR REPLACE FUNCTION quay_internal.event_queue(notification_uuids text[], path text, data jsonb, performer text,
                                                     more jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.queue_add(event_queue.path,
        jsonb_build_object('notification_uuid', n.uuid, 'event_data', event_queue.data,
            'performer_data', jsonb_strip_nulls(jsonb_build_object('entity_name', event_queue.performer))) || event_queue.more)
    FROM unnest(notification_uuids) AS n (uuid);
    RETURN cardinality(notification_uuids);
END
$$;
COMMENT ON FUNCTION quay_internal.event_queue(text[], text, jsonb, text, jsonb) IS
    'Queues an event for each of these notifications, and returns how many there were. The item, with more fields if given, has the form that the worker of the reference takes.';

CREATE OR REPLACE FUNCTION quay_internal.event_spawn(repository quay.repository, namespace text, event text, data jsonb, performer text,
                                                     more jsonb DEFAULT '{}', parts text[] DEFAULT '{}', subpage text DEFAULT NULL,
                                                     only_uuid text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.repositorynotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.repository_id = repository.id AND e.name = event_spawn.event
                            AND n.number_of_failures < quay_internal.notification_failure_limit()
                            AND (only_uuid IS NULL OR n.uuid = only_uuid)
                            AND (n.event_config_json = '{}' OR quay_internal.event_passes(event_spawn.event, n.event_config_json, event_spawn.data))
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path(VARIADIC ARRAY['notification', namespace, repository.name, event] || parts),
        quay_internal.event_subject(namespace, repository.name, subpage) || data, performer, more);
END
$$;
COMMENT ON FUNCTION quay_internal.event_spawn(quay.repository, text, text, jsonb, text, jsonb, text[], text, text) IS
    'Queues an event of a repository for each notification that waits for it, is not disabled and whose filter lets it pass; only that of a uuid, if given. data is added to what names the repository; more to the item. parts: of the path of the item, behind the event. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify(repository quay.repository, namespace text, event text, data jsonb DEFAULT '{}',
                                                      performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.event_spawn(repository, namespace, event, data, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify(quay.repository, text, text, jsonb, text) IS
    'Queues an event of a repository, such as repo_push, for each notification that waits for it: see event_spawn(). Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_spawn_namespace(namespace_id bigint, namespace text, event text, data jsonb, performer text,
                                                               more jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.namespace_id = event_spawn_namespace.namespace_id AND e.name = event_spawn_namespace.event
                            AND n.number_of_failures < quay_internal.notification_failure_limit()
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, event),
        quay_internal.event_subject(namespace) || data, performer, '{"notification_type": "namespace"}' || more);
END
$$;
COMMENT ON FUNCTION quay_internal.event_spawn_namespace(bigint, text, text, jsonb, text, jsonb) IS
    'Queues an event of a namespace for each notification that waits for it and is not disabled. data is added to what names the namespace; more to the item. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify_namespace(namespace_id bigint, namespace text, event text, data jsonb DEFAULT '{}',
                                                                performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.event_spawn_namespace(namespace_id, namespace, event, data, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify_namespace(bigint, text, text, jsonb, text) IS
    'Queues an event of a namespace, such as quota_warning, for each notification that waits for it and is not disabled. Returns how many there were.';

-- @part step api/037_wake.sql
-- Waking up those who wait: NOTIFY, at low rate, with ids only. A table is always the source of truth, and who missed a message polls.

CREATE OR REPLACE FUNCTION quay_internal.wake(channel text, payload text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('notify')::boolean THEN
        -- Equal messages of one transaction become one.
        PERFORM pg_notify(channel, payload);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.wake(text, text) IS
    'Sends a message to those who LISTEN to a channel, at commit, unless quay.notify is off. Commits that send one take turns.';

-- @part step api/102_user_change.sql
-- Changes of people, and settings of namespaces.
--
-- Own changes count as made by the person, unless an actor is given; by_administrator is a change by an administrator of the
-- registry, which is logged as such and does not reach superusers.

CREATE OR REPLACE FUNCTION quay_internal.user_log(kind text, target quay."user", by_administrator boolean, actor text,
                                                  metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    PERFORM quay_internal.log_add(user_log.kind, target.id,
        CASE WHEN by_administrator THEN performer_id ELSE coalesce(performer_id, target.id) END, NULL,
        metadata || CASE WHEN by_administrator THEN jsonb_build_object('superuser', user_log.actor) ELSE '{}' END, user_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.user_log(text, quay."user", boolean, text, jsonb, text) IS
    'Adds the audit row of a change to a person: by himself unless an actor is given, or by an administrator. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.user_password_set(username text, password text, by_administrator boolean DEFAULT false,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    new_hash text;
    new_uuid text := gen_random_uuid()::text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    PERFORM quay_internal.password_check(user_password_set.password);
    -- Hashing takes long, so it comes before the lock.
    new_hash := quay_internal.password_hash(user_password_set.password, quay_internal.setting('bcrypt_cost')::integer);
    target := quay_internal.person_lock(username);

    -- In one statement: no session of the old password survives it. Nor does a code that would let somebody in without the new one, be it
    -- by way of another e-mail address.
    UPDATE quay."user" AS u SET password_hash = new_hash, invalid_login_attempts = 0, uuid = new_uuid WHERE u.id = target.id;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = target.id AND (c.pw_reset OR c.new_email IS NOT NULL);
    PERFORM quay_internal.notification_delete('password_required', target.id);
    PERFORM quay_internal.user_log(CASE WHEN by_administrator THEN 'user_change_password' ELSE 'account_change_password' END,
        target, by_administrator, actor,
        CASE WHEN by_administrator THEN jsonb_build_object('username', target.username) ELSE '{}' END, ip);
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.user_password_set(text, text, boolean, text, text) IS
    'Sets the password of a person, ends all his sessions, forgets failed logins, and withdraws outstanding codes for recovery or for a new e-mail address, and the notification that a password is required. Returns the new uuid, by which the session goes on that made the change. Errors: QY007 user or actor unknown, QY012 password refused, QY015 passwords are kept elsewhere, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_session_revoke(username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text
    WHERE u.username = user_session_revoke.username AND NOT u.organization AND NOT u.robot
    RETURNING u.* INTO target;
    IF target.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.user_log('logout_success', target, false, actor, '{}', ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_session_revoke(text, text, text) IS
    'Ends all sessions of a person, whose uuid is what they are known by: signing out. False if there is no such person. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.user_rename_require(target quay."user", new_name text, by_administrator boolean) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT by_administrator AND NOT quay_internal.setting('user_rename')::boolean
        AND NOT (quay_internal.setting('username_confirmation')::boolean
                 AND EXISTS (SELECT FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                             WHERE p.user_id = target.id AND k.name = 'confirm_username')) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'user names cannot be changed',
            DETAIL = 'The setting quay.user_rename is off, and the user has not been asked to confirm the name.',
            HINT = 'Ask an administrator of the registry to change the name.';
    END IF;
    PERFORM quay_internal.name_check('namespace', new_name);

    -- Rights hang on the names in these tables. Whoever has them would lose them, and whoever takes such a name would gain them.
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = target.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be renamed',
            DETAIL = format('"%s" is listed in quay.superuser.', target.username),
            HINT = 'Take the name out of quay.superuser first, and put in the new one afterwards.';
    END IF;
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = new_name)
        OR EXISTS (SELECT FROM quay.unrestricted_user AS r WHERE r.username = new_name)
        OR EXISTS (SELECT FROM quay.allowed_robot AS r WHERE split_part(r.username, '+', 1) = new_name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is reserved',
            DETAIL = format('Rights of the registry hang on the name "%s".', new_name),
            HINT = 'Use another name, or take it out of quay.superuser, quay.unrestricted_user and quay.allowed_robot first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_rename_require(quay."user", text, boolean) IS
    'Refuses a renaming that settings or rights forbid. Errors: QY001 illegal name, QY006 reserved name, QY015 renaming is off, QY023 a superuser.';

CREATE OR REPLACE FUNCTION quay.user_rename(username text, new_name text, by_administrator boolean DEFAULT false,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
    holder quay."user";
    violated text;
    longest integer;
BEGIN
    -- There a robot that was made after the snapshot would keep the old name: rows that are only inserted cause no serialization error.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION USING ERRCODE = '25000',
            MESSAGE = 'cannot rename a namespace in a REPEATABLE READ transaction',
            DETAIL = 'Robots that others have just made would not be seen.',
            HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
    -- FOR UPDATE waits for those who are just making robots and repositories under the old name.
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_rename.username AND NOT u.robot AND (by_administrator OR NOT u.organization)
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no %s named "%s".', CASE WHEN by_administrator THEN 'user or organization' ELSE 'person' END,
                            left(user_rename.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    IF new_name = target.username THEN
        PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
        RETURN false;
    END IF;
    PERFORM quay_internal.user_rename_require(target, new_name, by_administrator);
    SELECT max(char_length(u.username)) + char_length(new_name) - char_length(target.username) INTO longest
    FROM quay."user" AS u WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    IF longest > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name of a robot, namespace+shortname, would have %s characters.', longest),
            HINT = 'The full name may have at most 255 characters: use a shorter name, or delete the robot.';
    END IF;

    BEGIN
        UPDATE quay."user" AS u SET username = new_name WHERE u.id = target.id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = new_name;
        IF violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(new_name, CASE WHEN holder.organization THEN 'An organization' ELSE 'A user' END);
        END IF;
        RAISE;
    END;
    -- After the update: it waited for whoever was just renaming the namespace away to delete it.
    PERFORM quay_internal.name_require_available(new_name);
    UPDATE quay."user" AS u SET username = new_name || substr(u.username, char_length(target.username) + 1)
    WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
    PERFORM quay_internal.user_log(CASE WHEN target.organization THEN 'org_change_name' ELSE 'user_change_name' END,
        target, by_administrator, actor,
        CASE WHEN target.organization THEN jsonb_build_object('old_name', target.username, 'new_name', new_name)
             ELSE jsonb_build_object('old_username', target.username, 'username', new_name) END, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_rename(text, text, boolean, text, text) IS
'Gives a person, or for an administrator also an organization, another name, and its robots with it. True if renamed; false if that is the name already. Either way the person need no longer confirm it.

A person may do so with the setting quay.user_rename, or once, if asked to confirm the name, with quay.username_confirmation.
Rights follow the tables that list names, not the person: a name in quay.superuser stays with its owner (QY023), and nobody gets a name that is listed in quay.superuser or quay.unrestricted_user, or that has robots in quay.allowed_robot (QY006). Entries of the lists quay.unrestricted_user, quay.allowed_robot, quay.public_namespace, quay.deletion_grace_namespace and quay.unlogged_namespace keep the old name. Items that wait in queues do too.
Errors: QY001 illegal name, also that of a robot that gets too long; QY006 name taken, reserved, or of a namespace that is being deleted; QY007 user or actor unknown; QY015 renaming is off; QY023; 25000 in a REPEATABLE READ transaction.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_change(target quay."user", email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    violated text;
BEGIN
    UPDATE quay."user" AS u SET email = coalesce(user_email_change.email, gen_random_uuid()::text), verified = true WHERE u.id = target.id;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'user_email_unique_non_org' THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
    RAISE;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_change(quay."user", text) IS
    'Gives a person this e-mail address, verified; NULL: none. Errors: QY011 another user has it.';

CREATE OR REPLACE FUNCTION quay.user_email_set(username text, email text, by_administrator boolean DEFAULT false,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (changed boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
    address text := nullif(user_email_set.email, '');
    old_address text := nullif(quay_internal.email_shown(target.email), '');
    mailing boolean := quay_internal.setting('mailing')::boolean;
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    IF mailing OR address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    changed := false;
    IF address IS DISTINCT FROM old_address THEN
        IF mailing AND NOT by_administrator THEN
            code := quay.user_email_code_create(target.username, address);
        ELSE
            PERFORM quay_internal.user_email_change(target, address);
            PERFORM quay_internal.user_log('user_change_email', target, by_administrator, actor,
                jsonb_build_object('email', address, 'old_email', old_address), ip);
            changed := true;
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_set(text, text, boolean, text, text) IS
    'Changes the e-mail address of a person. One row. By an administrator, or with quay.mailing off, the address changes at once and counts as verified: changed is true. Otherwise code is to be mailed to the new address, for user_email_confirm(). Neither if that is the address already. NULL or empty takes the address away, with quay.mailing off. Errors: QY007 user or actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_set_enabled(username text, enabled boolean, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    target quay."user";
    organization_id bigint;
BEGIN
    IF user_set_enabled.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'enabled must be true or false',
            DETAIL = 'It is NULL.',
            HINT = 'Pass true to enable, false to disable.';
    END IF;
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_set_enabled.username AND NOT u.robot
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR NO KEY UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(user_set_enabled.username, 80)),
            HINT = 'A namespace that is being deleted cannot be enabled again.';
    END IF;
    PERFORM quay_internal.superuser_refuse(target.username);
    IF target.enabled = user_set_enabled.enabled THEN
        RETURN false;
    END IF;

    UPDATE quay."user" AS u SET enabled = user_set_enabled.enabled WHERE u.id = target.id;
    IF NOT user_set_enabled.enabled THEN
        -- The constraint trigger would find out at commit only.
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;
    PERFORM quay_internal.user_log(CASE WHEN user_set_enabled.enabled THEN 'user_enable' ELSE 'user_disable' END, target, true, actor,
        jsonb_build_object('username', target.username), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_set_enabled(text, boolean, text, text) IS
    'Enables or disables a person or an organization; for administrators of the registry. Who is disabled cannot log in, nor his robots, and nobody can use his namespace. False if it is so already. Errors: QY007 user unknown or being deleted, or actor unknown; QY013 an organization would have no enabled administrator; QY023 the target is a superuser; 22023 enabled is NULL.';

CREATE OR REPLACE FUNCTION quay.user_set_metadata(username text, given_name text DEFAULT NULL, family_name text DEFAULT NULL,
                                                  company text DEFAULT NULL, location text DEFAULT NULL,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    given jsonb := jsonb_strip_nulls(jsonb_build_object('given_name', given_name, 'family_name', family_name,
                                                        'company', company, 'location', location));
BEGIN
    IF greatest(char_length(given_name), char_length(family_name), char_length(company), char_length(location)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'value is too long',
            DETAIL = 'A name, company or location has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    UPDATE quay."user" AS u
    SET given_name = nullif(coalesce(user_set_metadata.given_name, u.given_name), ''),
        family_name = nullif(coalesce(user_set_metadata.family_name, u.family_name), ''),
        company = nullif(coalesce(user_set_metadata.company, u.company), ''),
        location = nullif(coalesce(user_set_metadata.location, u.location), '')
    WHERE u.id = target.id;
    PERFORM quay_internal.prompt_remove(target.id, 'enter_name', 'enter_company');
    IF given <> '{}' THEN
        PERFORM quay_internal.user_log('user_change_metadata', target, false, actor, given, ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.user_set_metadata(text, text, text, text, text, text, text) IS
    'What a person says about himself. NULL leaves a value as it is, an empty one removes it. The person is no longer asked for name and company. Errors: QY007 user or actor unknown, 22023 a value has more than 255 characters.';

-- Settings of a namespace, a person's or an organization's.

CREATE OR REPLACE FUNCTION quay_internal.namespace_log(kind text, target quay."user", actor text, metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_' ELSE 'user_' END || namespace_log.kind, target.id,
        quay_internal.actor_id(actor), NULL,
        metadata || CASE WHEN target.organization THEN jsonb_build_object('namespace', target.username) ELSE '{}' END, namespace_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_log(text, quay."user", text, jsonb, text) IS
    'Adds the audit row of a change to a namespace. kind: without the "user_" or "org_" that it starts with. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_set_invoicing(namespace text, invoice_email boolean DEFAULT NULL, invoice_email_address text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
    address text := nullif(namespace_set_invoicing.invoice_email_address, '');
    changed boolean := false;
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    UPDATE quay."user" AS u SET invoice_email = namespace_set_invoicing.invoice_email
    WHERE u.id = target.id AND u.invoice_email <> namespace_set_invoicing.invoice_email;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email', invoice_email), ip);
    END IF;
    UPDATE quay."user" AS u SET invoice_email_address = address
    WHERE u.id = target.id AND namespace_set_invoicing.invoice_email_address IS NOT NULL AND u.invoice_email_address IS DISTINCT FROM address;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email_address', address), ip);
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_invoicing(text, boolean, text, text, text) IS
    'Says whether invoices go to a namespace by e-mail, and to which address. NULL leaves either as it is; an empty address removes it. False if nothing changed. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.tag_expiration_option_list() RETURNS TABLE (option text, seconds bigint)
    LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR option, seconds IN
        SELECT trim(o.duration), quay_internal.duration_seconds(trim(o.duration))
        FROM string_to_table(quay_internal.setting('tag_expiration_options'), ',') WITH ORDINALITY AS o (duration, i)
        ORDER BY o.i
    LOOP
        IF seconds IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = 'malformed duration in quay.tag_expiration_options',
                DETAIL = format('"%s" is none.', left(option, 80)),
                HINT = 'Use a whole number and a unit: s, m, h, d, w (7 days) or y (365 days).';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.tag_expiration_option_list() IS
    'For how long a namespace may keep removed tags: the setting quay.tag_expiration_options. Errors: 22023 the setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_tag_expiration(namespace text, seconds bigint,
                                                             actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF NOT EXISTS (SELECT FROM quay.tag_expiration_option_list() AS o WHERE o.seconds = namespace_set_tag_expiration.seconds) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'invalid tag expiration option',
            DETAIL = format('%s seconds are not among the options %s.', coalesce(namespace_set_tag_expiration.seconds::text, 'NULL'),
                            quay_internal.setting('tag_expiration_options')),
            HINT = 'Use one that quay.tag_expiration_option_list() has.';
    END IF;
    UPDATE quay."user" AS u SET removed_tag_expiration_s = namespace_set_tag_expiration.seconds
    WHERE u.id = target.id AND u.removed_tag_expiration_s <> namespace_set_tag_expiration.seconds;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.namespace_log('change_tag_expiration', target, actor,
        jsonb_build_object('tag_expiration', namespace_set_tag_expiration.seconds), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_tag_expiration(text, bigint, text, text) IS
    'Says for how many seconds a namespace keeps removed tags. False if it is so already. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY015 not among quay.tag_expiration_options, 22023 that setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_maximum_builds(namespace text, maximum integer, raise_only boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF maximum < 0 OR raise_only AND maximum IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of builds must not be negative',
            DETAIL = format('It is %s.', coalesce(maximum::text, 'NULL')),
            HINT = 'Pass how many builds may be queued; NULL, unless raise_only, for any number.';
    END IF;
    UPDATE quay."user" AS u SET maximum_queued_builds_count = maximum
    WHERE u.id = target.id AND u.maximum_queued_builds_count IS DISTINCT FROM maximum
      AND (NOT raise_only OR u.maximum_queued_builds_count < maximum);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_maximum_builds(text, integer, boolean) IS
    'Says how many builds a namespace may have queued; NULL for any number. raise_only: only if it has a lower limit now. True if changed. Errors: QY002 namespace unknown, QY004 disabled, 22023 negative.';

CREATE OR REPLACE FUNCTION quay.namespace_set_stripe_id(namespace text, stripe_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    UPDATE quay."user" AS u SET stripe_id = nullif(namespace_set_stripe_id.stripe_id, '') WHERE u.id = target.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_stripe_id(text, text) IS
    'Links a namespace to a customer of the payment service; NULL or empty removes the link. Errors: QY002 namespace unknown, QY004 disabled.';

-- Storage regions that a person prefers.

CREATE OR REPLACE FUNCTION quay.user_region_add(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userregion (user_id, location_id) VALUES (target.id, quay_internal.location_id(user_region_add.location))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_add(text, text) IS
    'Adds a storage location to the regions of a person. False if it is there already. Errors: QY007 user unknown, QY053 location unknown.';

CREATE OR REPLACE FUNCTION quay.user_region_remove(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    removed_id bigint := quay_internal.location_id(location);
BEGIN
    DELETE FROM quay.userregion AS r WHERE r.user_id = target.id AND r.location_id = removed_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_remove(text, text) IS
    'Takes a storage location out of the regions of a person. False if it was not there. Errors: QY007 user unknown, QY053 location unknown.';

-- @part step api/170_deletion.sql
-- Deletion of a namespace: who would leave an organization behind, marking, and what goes besides repositories. 172_purge.sql does the rest.

CREATE OR REPLACE FUNCTION quay.namespace_sole_admin_list(username text) RETURNS TABLE (organization text, organization_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, o.id
        FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = namespace_sole_admin_list.username AND NOT u.robot AND r.name = 'admin')
          AND NOT EXISTS (SELECT FROM quay.team AS t
                          JOIN quay.teamrole AS r ON r.id = t.role_id
                          JOIN quay.teammember AS m ON m.team_id = t.id
                          JOIN quay."user" AS u ON u.id = m.user_id
                          WHERE t.organization_id = o.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
                            AND u.username <> namespace_sole_admin_list.username)
          AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = o.id)
        ORDER BY o.username;
END
$$;
COMMENT ON FUNCTION quay.namespace_sole_admin_list(text) IS
    'Organizations that only this person administers, by name: no other enabled person is in a team of role admin. People count, not memberships. Organizations that are being deleted are left out. No rows for who administers none or is no person.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_queue_delete(namespace text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.queue_namespace_delete(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_queue_delete(text) IS
    'Deletes what waits in the queues under the name of a namespace, and returns how many items there were. Not its own purge, whose path has its id.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_delete_many(repository_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.repomirrorconfig AS c WHERE c.repository_id = ANY (repository_ids);
    UPDATE quay.repomirrorrule AS r SET left_child_id = NULL, right_child_id = NULL
    WHERE r.repository_id = ANY (repository_ids) AND num_nonnulls(r.left_child_id, r.right_child_id) > 0;
    DELETE FROM quay.repomirrorrule AS r WHERE r.repository_id = ANY (repository_ids);
    UPDATE quay.repository AS r SET state = 0 WHERE r.id = ANY (repository_ids) AND r.state = 2;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_delete_many(bigint[]) IS
    'Deletes the mirror configurations of repositories with their rules, and makes mirrors normal repositories.';

CREATE OR REPLACE FUNCTION quay_internal.organization_mirror_delete_many(config_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_ids bigint[];
BEGIN
    SELECT array_agg(c.organization_id) INTO organization_ids
    FROM (SELECT c.organization_id FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids) ORDER BY c.id FOR UPDATE) AS c;
    UPDATE quay.repository AS r SET state = 0 WHERE r.namespace_user_id = ANY (organization_ids) AND r.state = 4;
    DELETE FROM quay.orgmirrorrepository AS r WHERE r.org_mirror_config_id = ANY (config_ids);
    DELETE FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_mirror_delete_many(bigint[]) IS
    'Deletes mirror configurations of organizations with what they found, and makes the mirrored repositories normal ones.';

CREATE OR REPLACE FUNCTION quay_internal.trigger_delete_many(trigger_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token_ids bigint[];
BEGIN
    SELECT array_agg(t.write_token_id) INTO token_ids
    FROM (SELECT t.write_token_id FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids) ORDER BY t.id FOR UPDATE) AS t;
    UPDATE quay.repositorybuild AS b SET trigger_id = NULL WHERE b.trigger_id = ANY (trigger_ids);
    DELETE FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids);
    -- With its trigger a token loses its purpose; builds keep theirs.
    DELETE FROM quay.accesstoken AS a
    WHERE a.id = ANY (token_ids)
      AND NOT EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.access_token_id = a.id)
      AND NOT EXISTS (SELECT FROM quay.repositorybuildtrigger AS t WHERE t.write_token_id = a.id);
END
$$;
COMMENT ON FUNCTION quay_internal.trigger_delete_many(bigint[]) IS
    'Deletes build triggers and the tokens that they wrote with. Builds that they started stay.';

CREATE OR REPLACE FUNCTION quay_internal.account_delete_linked(account_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As a builder
    UPDATE quay.repositorybuildtrigger AS t SET pull_robot_id = NULL WHERE t.pull_robot_id = ANY (account_ids);
    UPDATE quay.repositorybuild AS b SET pull_robot_id = NULL WHERE b.pull_robot_id = ANY (account_ids);
    PERFORM quay_internal.trigger_delete_many(
        ARRAY(SELECT t.id FROM quay.repositorybuildtrigger AS t WHERE t.connected_user_id = ANY (account_ids)));

    -- As the robot of a mirror
    PERFORM quay_internal.mirror_delete_many(
        ARRAY(SELECT c.repository_id FROM quay.repomirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));

    -- In repositories and teams
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.activating_user_id = ANY (account_ids) OR p.delegate_user_id = ANY (account_ids);
    DELETE FROM quay.star AS s WHERE s.user_id = ANY (account_ids);
    DELETE FROM quay.teammember AS m WHERE m.user_id = ANY (account_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i
    WHERE i.user_id = ANY (account_ids) OR i.inviter_id = ANY (account_ids);

    -- Credentials
    DELETE FROM quay.appspecificauthtoken AS t WHERE t.user_id = ANY (account_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.authorized_user_id = ANY (account_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.assigned_user_id = ANY (account_ids);
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = ANY (account_ids);
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = ANY (account_ids);
    DELETE FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = ANY (account_ids);

    -- About the account itself
    DELETE FROM quay.robotaccountmetadata AS m WHERE m.robot_account_id = ANY (account_ids);
    DELETE FROM quay.notification AS n WHERE n.target_id = ANY (account_ids);
    DELETE FROM quay.userprompt AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.userregion AS r WHERE r.user_id = ANY (account_ids);
    DELETE FROM quay.organizationcontactemail AS e WHERE e.organization_id = ANY (account_ids);
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = ANY (account_ids) OR s.user_id = ANY (account_ids);
    DELETE FROM quay.redhatsubscriptions AS s WHERE s.user_id = ANY (account_ids);
    -- An approved key stays approved.
    UPDATE quay.servicekeyapproval AS a SET approver_id = NULL WHERE a.approver_id = ANY (account_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.account_delete_linked(bigint[]) IS
    'Deletes what refers to these people, organizations or robots, whose rows the caller has locked: roles, credentials, subscriptions. Not what they own as namespaces: namespace_delete_linked() does that.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_delete_linked(namespace_id bigint, name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot_ids bigint[];
    team_ids bigint[];
    quota_ids bigint[];
BEGIN
    -- Each parent is locked before its children are deleted: children that another session is adding are then seen, and none come after.
    -- Under its old name a namespace may have been followed by another, if the reference application made it: that one keeps its robots.
    robot_ids := ARRAY(
        SELECT u.id FROM quay."user" AS u
        WHERE u.robot AND split_part(u.username, '+', 1) = namespace_delete_linked.name
          AND NOT EXISTS (SELECT FROM quay."user" AS o
                          WHERE o.username = namespace_delete_linked.name AND o.id <> namespace_delete_linked.namespace_id)
        ORDER BY u.id FOR UPDATE);
    PERFORM quay_internal.account_delete_linked(namespace_delete_linked.namespace_id || robot_ids);
    PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(namespace_delete_linked.namespace_id));
    DELETE FROM quay."user" AS u WHERE u.id = ANY (robot_ids);

    team_ids := ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = namespace_delete_linked.namespace_id ORDER BY t.id FOR UPDATE);
    DELETE FROM quay.teammember AS m WHERE m.team_id = ANY (team_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = ANY (team_ids);
    DELETE FROM quay.teamsync AS s WHERE s.team_id = ANY (team_ids);
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = ANY (team_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = ANY (team_ids) OR p.org_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.team AS t WHERE t.id = ANY (team_ids);

    PERFORM quay_internal.oauth_application_drop(
        ARRAY(SELECT a.id FROM quay.oauthapplication AS a WHERE a.organization_id = namespace_delete_linked.namespace_id));

    quota_ids := ARRAY(
        SELECT q.id FROM quay.userorganizationquota AS q WHERE q.namespace_id = namespace_delete_linked.namespace_id FOR UPDATE);
    DELETE FROM quay.quotalimits AS l WHERE l.quota_id = ANY (quota_ids);
    DELETE FROM quay.userorganizationquota AS q WHERE q.id = ANY (quota_ids);
    DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.quotanamespacesize AS s WHERE s.namespace_user_id = namespace_delete_linked.namespace_id;

    DELETE FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespacenotification AS n WHERE n.namespace_id = namespace_delete_linked.namespace_id;
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_delete_linked(bigint, text) IS
    'Deletes all that belongs to a namespace except its repositories, its marker and itself. The caller has locked its row. name: the one that its robots have in front.';

CREATE OR REPLACE FUNCTION quay.namespace_mark_deletion(namespace text, force boolean DEFAULT false, delay interval DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(namespace_mark_deletion.actor);
    target quay."user";
    organizations text;
    wait interval;
    marker_id bigint;
BEGIN
    PERFORM quay_internal.organization_lock_administered(namespace_mark_deletion.namespace);
    -- Waits for whoever is adding something to the namespace; who comes after finds nobody of that name.
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace_mark_deletion.namespace AND NOT u.robot FOR UPDATE;
    IF NOT FOUND THEN
        -- Again, perhaps by a caller who did not hear the answer.
        SELECT max(d.id) INTO marker_id FROM quay.deletednamespace AS d WHERE d.original_username = namespace_mark_deletion.namespace;
        IF marker_id IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY002',
                MESSAGE = 'namespace does not exist',
                DETAIL = format('There is no user or organization named "%s".', left(namespace_mark_deletion.namespace, 80)),
                HINT = 'Robots are deleted with quay.robot_delete().';
        END IF;
        RETURN marker_id;
    END IF;

    IF namespace_mark_deletion.actor <> target.username THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    SELECT string_agg(l.organization, ', ') INTO organizations FROM quay.namespace_sole_admin_list(target.username) AS l;
    IF organizations IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody but "%s" administers: %s.', target.username, left(organizations, 500)),
            HINT = 'First delete them, add another person to a team of role admin, or take them over with quay.organization_take_ownership().';
    END IF;

    wait := CASE
        WHEN namespace_mark_deletion.delay IS NOT NULL THEN greatest(namespace_mark_deletion.delay, '0')
        WHEN NOT coalesce(namespace_mark_deletion.force, false)
             AND EXISTS (SELECT FROM quay.deletion_grace_namespace AS g WHERE g.username = target.username)
            THEN make_interval(secs => quay_internal.setting('namespace_gc_grace_period')::bigint)
        ELSE '0'
    END;

    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_delete' ELSE 'user_delete' END, target.id, performer_id, NULL,
        jsonb_build_object(CASE WHEN target.organization THEN 'namespace' ELSE 'username' END, target.username), namespace_mark_deletion.ip);
    PERFORM quay_internal.namespace_queue_delete(target.username);
    IF wait = '0' THEN
        PERFORM quay_internal.namespace_delete_linked(target.id, target.username);
    END IF;

    INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
    VALUES (target.id, quay_internal.utc_now(), target.username, target.email)
    RETURNING id INTO marker_id;
    -- A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET enabled = false, username = gen_random_uuid()::text, email = gen_random_uuid()::text, uuid = gen_random_uuid()::text
    WHERE u.id = target.id;
    UPDATE quay.deletednamespace AS d
    SET queue_id = quay_internal.queue_add(quay_internal.queue_path('namespacegc', target.id::text),
            jsonb_build_object('marker_id', marker_id, 'original_username', target.username), wait)
    WHERE d.id = marker_id;
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.namespace_mark_deletion(text, boolean, interval, text, text) IS
    'Deletes a person or an organization for its users: it is disabled, its name and e-mail address are replaced, its sessions end, and what waited in its queues is gone. Returns the id of a marker, for which a worker calls quay.namespace_purge(); the queue "namespacegc" has an item for it. A namespace that is disabled can be marked too. One that is marked already is left alone, and its marker returned.
delay: until the purge is due; NULL means the setting quay.namespace_gc_grace_period if the name is in quay.deletion_grace_namespace, and none otherwise or with force. Without delay its teams, robots, applications, tokens, logins and all else but repositories go at once, with it they stay, out of use, until the purge.
Nobody can create a namespace of that name before the purge is done; entries of the name in quay.superuser and the like go with the purge, so that who takes the name later does not inherit them.
Errors: QY002 unknown or a robot, QY007 actor unknown, QY013 the person is the only administrator of organizations, which the detail lists (also with force), QY023 a superuser, unless it deletes itself or no actor is given.';

CREATE OR REPLACE FUNCTION quay.namespace_deletion_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (marker_id bigint, namespace text, organization boolean, namespace_id bigint, marked timestamp, due timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT d.id, d.original_username::text, u.organization, u.id, d.marked, q.available_after
        FROM quay.deletednamespace AS d
        JOIN quay."user" AS u ON u.id = d.namespace_id
        LEFT JOIN quay.queueitem AS q ON q.id = CASE WHEN d.queue_id ~ '^[0-9]{1,18}$' THEN d.queue_id::bigint END
        WHERE d.id > coalesce(namespace_deletion_list.after, 0)
        ORDER BY d.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_deletion_list(bigint, integer) IS
    'Namespaces that wait for their purge, oldest marker first, at most n, those after the marker after. namespace: the name that it had. marked, due: UTC; due is NULL if the item in the queue is gone, so that nobody will purge it unless told to. Errors: 22023 n negative.';

-- @part step api/172_purge.sql
-- The purge of what is marked for deletion, in batches: each call does a bounded part, and the next one goes on where it ended.

CREATE OR REPLACE FUNCTION quay_internal.batch_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of rows must be positive',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many rows one call may work on, such as 2000.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.batch_size(integer) IS 'The n of a function that works in batches. Errors: 22023 not positive.';

-- Without its settings the planner could choose a scan of the whole table or a bitmap, which each batch would pay for again.
CREATE OR REPLACE FUNCTION quay_internal.repository_rows_delete(table_name text, repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ids bigint[];
    labels bigint[];
BEGIN
    -- Locked, so that rows which others are adding below them are seen.
    EXECUTE format('SELECT array_agg(d.id) FROM (SELECT t.id FROM quay.%I AS t WHERE t.repository_id = ANY ($1) LIMIT $2 FOR UPDATE) AS d',
                   repository_rows_delete.table_name)
    INTO ids USING repository_rows_delete.repository_ids, repository_rows_delete.n;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    CASE repository_rows_delete.table_name
    WHEN 'tag' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (ids);
        UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repositorynotification' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = ANY (ids);
    WHEN 'apprtag' THEN
        UPDATE quay.apprtag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repomirrorrule' THEN
        UPDATE quay.repomirrorrule AS r SET left_child_id = NULL WHERE r.left_child_id = ANY (ids);
        UPDATE quay.repomirrorrule AS r SET right_child_id = NULL WHERE r.right_child_id = ANY (ids);
    WHEN 'manifest' THEN
        -- Images of the view quay.image have the id manifest * 1024 + layer.
        DELETE FROM quay.derivedstorageforimage AS d USING unnest(ids) AS m (id)
        WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;
    WHEN 'manifestlabel' THEN
        SELECT array_agg(m.label_id) INTO labels FROM quay.manifestlabel AS m WHERE m.id = ANY (ids);
    ELSE
        NULL;
    END CASE;
    EXECUTE format('DELETE FROM quay.%I AS t WHERE t.id = ANY ($1)', repository_rows_delete.table_name) USING ids;
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (labels) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_rows_delete(text, bigint[], integer) IS
    'Deletes at most n rows of a table that belong to these repositories, with what hangs on them alone, and returns how many. The table has the columns id and repository_id, and an index that starts with the latter.';

CREATE OR REPLACE FUNCTION quay_internal.repository_purge_step(repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := n;
    table_name text;
BEGIN
    -- Children before parents.
    FOREACH table_name IN ARRAY ARRAY[
        'tagpullstatistics', 'manifestpullstatistics', 'tag', 'repositorynotification',
        'manifestchild', 'manifestblob', 'manifestlabel', 'manifestsecuritystatus', 'manifest', 'uploadedblob', 'blobupload',
        'repositorybuild', 'repositorybuildtrigger', 'accesstoken', 'repomirrorconfig', 'repomirrorrule', 'orgmirrorrepository',
        'repositorypermission', 'star', 'repositoryauthorizedemail', 'repositoryactioncount', 'repositorysearchscore',
        'repositoryautoprunepolicy', 'repositoryimmutabilitypolicy', 'quotarepositorysize', 'apprtag']
    LOOP
        left_over := left_over - quay_internal.repository_rows_delete(table_name, repository_ids, left_over);
        IF left_over = 0 THEN
            RETURN 0;
        END IF;
    END LOOP;
    DELETE FROM quay.deletedrepository AS d WHERE d.repository_id = ANY (repository_ids);
    DELETE FROM quay.repository AS r WHERE r.id = ANY (repository_ids);
    RETURN left_over;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_purge_step(bigint[], integer) IS
    'Deletes rows of repositories, whose own rows the caller has locked, at most n, and then these. Returns how many of n are left; 0: they are not gone yet.';

CREATE OR REPLACE FUNCTION quay.repository_purge(repository_id bigint DEFAULT NULL, n integer DEFAULT 2000, marker_id bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    target record;
BEGIN
    IF num_nonnulls(repository_purge.repository_id, repository_purge.marker_id) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a repository or a marker is to be purged',
            DETAIL = format('Repository: %s, marker: %s.', coalesce(repository_purge.repository_id::text, 'NULL'),
                coalesce(repository_purge.marker_id::text, 'NULL')),
            HINT = 'Pass repository_id, or the marker_id of the queue item.';
    END IF;
    -- Waits for pushes under way and for another worker, then goes on from there.
    SELECT r.id, r.name, r.state INTO target FROM quay.repository AS r
    WHERE r.id = coalesce(repository_purge.repository_id,
        (SELECT d.repository_id FROM quay.deletedrepository AS d WHERE d.id = repository_purge.marker_id))
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF target.state <> 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is not marked for deletion',
            DETAIL = format('Repository %s, "%s", is in use.', target.id, target.name),
            HINT = 'Mark it with quay.repository_mark_deletion().';
    END IF;
    RETURN quay_internal.repository_purge_step(ARRAY[target.id], batch) > 0;
END
$$;
COMMENT ON FUNCTION quay.repository_purge(bigint, integer, bigint) IS
    'Deletes rows of a repository that is marked for deletion, at most n with what hangs on each, and the repository itself last. True: it is gone, or there was none of that id; false: call again, in a new transaction. The repository is named by its id or by the marker that quay.repository_mark_deletion() returned. Two workers take turns.
Deleted are tags, manifests with children, labels, layers and scan results, uploads, statistics, builds, triggers, tokens, notifications, permissions, stars, policies, mirror configuration. Blobs (imagestorage) stay: other repositories may use them, and those that none uses are for the garbage collector. So does the audit log, which keeps the ids.
Errors: 22023 n not positive, or not one of repository and marker; QY005 not marked.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_purge_names(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = namespace_purge_names.name) THEN
        RETURN;
    END IF;
    DELETE FROM quay.superuser AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unrestricted_user AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.allowed_robot AS s WHERE split_part(s.username, '+', 1) = namespace_purge_names.name;
    DELETE FROM quay.deletion_grace_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.public_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unlogged_namespace AS s WHERE s.username = namespace_purge_names.name;
    PERFORM quay_internal.namespace_queue_delete(namespace_purge_names.name);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_purge_names(text) IS
    'Takes a name that nobody has any more off the lists that give names rights, and out of the queues, so that who takes it next inherits nothing.';

CREATE OR REPLACE FUNCTION quay.namespace_purge(marker_id bigint, n integer DEFAULT 2000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := quay_internal.batch_size(n);
    marker quay.deletednamespace;
    repository_ids bigint[];
BEGIN
    -- One worker at a time; the next goes on from there.
    SELECT * INTO marker FROM quay.deletednamespace AS d WHERE d.id = namespace_purge.marker_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    LOOP
        -- Several at once: most are small, and each table is then asked once.
        repository_ids := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = marker.namespace_id
                                ORDER BY r.id LIMIT least(left_over, 500) FOR UPDATE);
        EXIT WHEN repository_ids = '{}';
        UPDATE quay.repository AS r SET state = 3 WHERE r.id = ANY (repository_ids) AND r.state <> 3;
        left_over := quay_internal.repository_purge_step(repository_ids, left_over) - cardinality(repository_ids);
        IF left_over <= 0 THEN
            RETURN false;
        END IF;
    END LOOP;

    PERFORM quay_internal.organization_lock_administered(u.username) FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM FROM quay."user" AS u WHERE u.id = marker.namespace_id FOR UPDATE;
    PERFORM quay_internal.namespace_delete_linked(marker.namespace_id, marker.original_username);
    DELETE FROM quay.deletednamespace AS d WHERE d.id = marker.id;
    DELETE FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM quay_internal.namespace_purge_names(marker.original_username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_purge(bigint, integer) IS
    'Deletes a namespace that quay.namespace_mark_deletion() marked, whether or not its delay is over: its repositories as quay.repository_purge() does, at most n rows of them a call, then all else, entries of its name in quay.superuser and the other lists of names, and itself. True: it is gone, or there is no such marker; false: call again, in a new transaction. Two workers take turns. Its name is free afterwards. The audit log stays. Errors: 22023 n not positive.';

-- @part step api/240_tag.sql
-- Tags. A row is one period in which a name pointed to a manifest: a move ends the row and inserts another, nothing is rewritten.
-- Everything that changes a tag holds the lock of its repository (tag_lock) and reads the clock after it has it.

CREATE OR REPLACE FUNCTION quay_internal.tag_is_cosign(name text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_tag_is_cosign';
COMMENT ON FUNCTION quay_internal.tag_is_cosign(text) IS
    'Does Cosign derive this tag name from a digest: sha256-<64 hexadecimal digits>.sig, .att or .sbom?';

CREATE OR REPLACE FUNCTION quay_internal.tag_check_snapshot(repository_id bigint, name text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_tag_check_snapshot';
COMMENT ON FUNCTION quay_internal.tag_check_snapshot(bigint, text) IS
    'Fails with serialization_failure if a row of that name was committed that this transaction, being REPEATABLE READ or SERIALIZABLE, cannot see.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock(repository_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hash bytea := sha256(convert_to('retarget_tag:' || repository_id, 'UTF8'));
BEGIN
    PERFORM pg_advisory_xact_lock(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock(bigint) IS
    'Waits for the lock on the tags of a repository and holds it until the transaction ends. The Quay application takes the same lock.';

-- Live rows are looked for in two steps, without an end and with one to come: either finds its place in an index, where one condition for
-- both would read the whole history of the name.

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay.tag AS t
        WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock_live(repository_id bigint, name text, now_ms bigint) RETURNS SETOF quay.tag
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden
        FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock_live(bigint, text, bigint) IS
    'The live visible rows of that name, locked: the one that tag_find() answers, and more only in a database of the reference or within the millisecond of a move. The Quay application changes some columns without tag_lock(), which the caller holds; hence the locks on rows.';

CREATE OR REPLACE FUNCTION quay_internal.tag_free_end(repository_id bigint, name text, end_ms bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WHILE EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.repository_id = tag_free_end.repository_id AND t.name = tag_free_end.name AND t.lifetime_end_ms = end_ms)
    LOOP
        end_ms := end_ms - 1;
    END LOOP;
    RETURN end_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_free_end(bigint, text, bigint) IS
    'The latest end, at most end_ms, that no row of that name has yet: two rows of a name cannot end in the same millisecond.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end_many(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end_many.end_ms),
        ended = coalesce(tag_end_many.end_ms <= quay_internal.clock_ms(), false)
    WHERE t.id = ANY (tag_ids);
    -- A notice of a coming expiry was about the old end. Afterwards: the update has waited for whoever was just giving one.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (tag_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_many(bigint[], bigint) IS
    'Ends rows of different names at end_ms, each up to a few ms before if another row of its name ends there. NULL: they have no end any more.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.tag_end_many(ARRAY[tag_id], end_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS
    'Ends a row at end_ms, or up to a few ms before if another row of the name ends there. NULL: it has no end any more.';

-- ended: known to be over, which keeps the row out of the indexes of those that may be alive. Nothing is wrong if a row that is over is not
-- marked; one that is alive must not be.

CREATE OR REPLACE FUNCTION quay_internal.tag_set_ended() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.ended := NOT NEW.ended;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_set_ended() IS
    'Trigger: the mark of a row that is over follows its end, for those who do not write it themselves.';

CREATE OR REPLACE TRIGGER tag_set_ended BEFORE UPDATE OF lifetime_end_ms ON quay.tag
    FOR EACH ROW WHEN (NOT NEW.hidden AND NEW.ended <> coalesce(NEW.lifetime_end_ms <= quay_internal.clock_ms(), false))
    EXECUTE FUNCTION quay_internal.tag_set_ended();

CREATE OR REPLACE FUNCTION quay_internal.tag_mark_ended(repository_id bigint, now_ms bigint, n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marked integer;
BEGIN
    -- A snapshot may be older than what somebody else has marked: not worth a serialization failure.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN 0;
    END IF;
    UPDATE quay.tag AS t SET ended = true
    FROM (SELECT e.id FROM quay.tag AS e
          WHERE e.repository_id = tag_mark_ended.repository_id AND e.lifetime_end_ms <= now_ms AND NOT e.ended AND NOT e.hidden
          ORDER BY e.lifetime_end_ms
          LIMIT n FOR NO KEY UPDATE SKIP LOCKED) AS over
    WHERE t.id = over.id;
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_mark_ended(bigint, bigint, integer) IS
    'Marks at most n tags of a repository that have reached their end, the oldest first, and returns how many. Each tag that is given an end marks two, so that no more of them pile up than are alive.';

CREATE OR REPLACE FUNCTION quay_internal.tag_refuse_immutable(tag quay.tag, verb text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY041',
            MESSAGE = 'tag is immutable',
            DETAIL = format('Tag "%s" cannot be %s.', tag.name, verb),
            HINT = 'Use another tag name, or make the tag mutable first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_refuse_immutable(quay.tag, text) IS
    'Refuses (QY041) to change an immutable tag, if quay.immutable_tags is on. verb: what was tried, as a participle.';

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden
                 AND NOT quay_internal.tag_is_cosign(t.name))
       OR EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden
                    AND NOT quay_internal.tag_is_cosign(t.name))
    THEN
        RETURN;
    END IF;
    FOR signature IN
        SELECT t.id FROM quay.tag AS t
        WHERE t.repository_id = tag_end_cosign.repository_id AND t.name IN (stem || '.sig', stem || '.att', stem || '.sbom')
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT t.immutable
    LOOP
        PERFORM quay_internal.tag_end(signature, now_ms);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_cosign(bigint, bigint, bigint) IS
    'Ends the tags under which Cosign keeps signatures, attestations and SBOMs of a manifest, unless another tag points to the manifest. Call it with tag_lock() held, after the tag of the manifest has ended.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end_temporary(manifest_ids bigint[], now_ms bigint, never_expiring boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = now_ms
    WHERE t.manifest_id = ANY (manifest_ids) AND t.hidden AND t.name LIKE '$temp-%'
      AND (t.lifetime_end_ms > now_ms OR (never_expiring AND t.lifetime_end_ms IS NULL));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_temporary(bigint[], bigint, boolean) IS
    'Ends the temporary tags of manifests: those with an end, and if asked those without, which keep referrers.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_keep(repository_id bigint, manifest_ids bigint[], seconds integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    end_ms bigint := now_ms + seconds * 1000::bigint;
BEGIN
    -- "$" is not legal in a name that a client chooses.
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
    SELECT '$temp-' || gen_random_uuid(), manifest_keep.repository_id, m.id, now_ms, end_ms, true, false,
           (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag')
    FROM unnest(manifest_ids) AS m (id)
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                      WHERE t.manifest_id = m.id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= end_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_keep(bigint, bigint[], integer) IS
    'Makes sure that manifests stay available for that many seconds, NULL for ever: gives a hidden temporary tag to each that no tag keeps as long.';

-- Setting a tag: the move itself is in api/241_tag_move.sql.

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text, lock boolean DEFAULT false)
    RETURNS quay.manifest
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    IF by_digest THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
    ELSE
        SELECT * INTO result FROM quay.manifest AS m
        WHERE m.id = (quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms())).manifest_id;
    END IF;
    IF lock AND FOUND THEN
        -- It may be collected this very moment: then it is gone. Else it stays until we commit.
        PERFORM FROM quay.manifest AS m WHERE m.id = result.id FOR KEY SHARE;
    END IF;
    IF NOT FOUND AND by_digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY035',
            MESSAGE = 'manifest does not exist',
            DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
            HINT = 'Push it with quay.manifest_put().';
    ELSIF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text, boolean) IS
    'Manifest that a digest, alive or not, or a live tag names; its row locked FOR KEY SHARE if asked, so that it cannot be collected. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay_internal.tag_expiration_ms(expiration timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    ELSIF NOT isfinite(expiration) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be finite',
            DETAIL = format('It is %s.', expiration),
            HINT = 'Pass NULL for a tag that does not end.';
    END IF;
    RETURN (extract(epoch FROM expiration) * 1000)::bigint;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expiration_ms(timestamptz) IS
    'An end that somebody chose for a tag, in ms since 1970; NULL stays NULL. Errors: 22023 not in the future, or infinite.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_refuse_other_tag(manifest quay.manifest, tag text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_tag text;
BEGIN
    IF manifest.manifest_bytes = ''
       OR (SELECT y.name NOT LIKE 'application/vnd.docker.distribution.manifest.v1+%' FROM quay.mediatype AS y WHERE y.id = manifest.media_type_id)
    THEN
        RETURN;
    END IF;
    own_tag := quay_internal.json_read(manifest.manifest_bytes) ->> 'tag';
    IF own_tag IS DISTINCT FROM manifest_refuse_other_tag.tag THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest is made for another tag',
            DETAIL = format('The Docker schema 1 manifest "%s" says that its tag is "%s".', manifest.digest, left(own_tag, 80)),
            HINT = 'Push the image again under the new tag, in a newer format if possible.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_refuse_other_tag(quay.manifest, text) IS
    'Refuses (QY030) to point a tag to a Docker schema 1 manifest that names another one: it is signed as it is.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    end_ms bigint;
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    end_ms := quay_internal.tag_expiration_ms(tag_set.expiration);
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference, lock => true);
    PERFORM quay_internal.manifest_refuse_other_tag(manifest, tag_set.tag);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id, end_ms, tag_set.reversion);
    PERFORM quay_internal.log_add(
        CASE WHEN tag_set.reversion THEN 'revert_tag' WHEN previous_digest IS NULL THEN 'create_tag' ELSE 'move_tag' END,
        target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_set.tag,
            'manifest_digest', manifest.digest, 'original_manifest_digest', previous_digest)), ip);
    RETURN QUERY SELECT moved.id, manifest.id, manifest.digest::text, moved.lifetime_start_ms, moved.lifetime_end_ms,
                        moved.immutable, tag_set.previous_digest;
END
$$;
COMMENT ON FUNCTION quay.tag_set(text, text, text, text, timestamptz, boolean, text, text) IS
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration not in the future, QY002, QY003, QY004, QY005, QY007, QY020, QY022, QY030 a Docker schema 1 manifest that names another tag, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('image_pull_stats')::boolean THEN
        DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    END IF;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    IF quay_internal.setting('reset_child_manifest_expiration')::boolean THEN
        PERFORM quay_internal.tag_end_temporary(
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics (with quay.image_pull_stats), signatures of a manifest that loses its last tag, temporary tags of an index''s children (with quay.reset_child_manifest_expiration). Call it with tag_lock() held, and the row of the tag locked after that.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                           expected_digest text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
    found_any boolean := false;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    FOR removed IN SELECT * FROM quay_internal.tag_lock_live(target.id, tag_delete.tag, now_ms) LOOP
        IF NOT found_any AND expected_digest <> coalesce((SELECT m.digest FROM quay.manifest AS m WHERE m.id = removed.manifest_id), '') THEN
            RETURN false;
        END IF;
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        IF NOT found_any THEN
            found_any := true;
            PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
                jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_delete.tag), ip);
        END IF;
    END LOOP;
    RETURN found_any;
END
$$;
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name, or if it does not point to expected_digest (NULL: wherever it points), which keeps a tag that was pushed again since somebody looked at it. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY007, QY041, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_delete(namespace text, repository text, OUT manifest_id bigint, INOUT digest text,
                                                actor text DEFAULT NULL, ip text DEFAULT NULL, OUT tags text[]) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    SELECT m.id INTO manifest_id
    FROM quay.manifest AS m
    WHERE m.repository_id = target.id AND m.digest = manifest_delete.digest AND quay_internal.manifest_is_alive(m.id, now_ms);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    tags := '{}';
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.manifest_id = manifest_delete.manifest_id AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.name, t.id
        FOR NO KEY UPDATE
    LOOP
        -- If one cannot be removed none is: the error takes the others back.
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        tags := tags || removed.name::text;
    END LOOP;
    -- What was pushed by digest has a hidden tag only. It goes too, or nothing could ever delete such a manifest.
    PERFORM quay_internal.tag_end_temporary(ARRAY[manifest_id], now_ms, never_expiring => true);

    PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest), ip)
    FROM unnest(tags) AS t (name);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_delete(text, text, text, text, text) IS
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY007, QY041 if one tag is immutable (then none ends), 40001.';

CREATE OR REPLACE FUNCTION quay.tag_restore(namespace text, repository text, tag text, OUT tag_id bigint, OUT manifest_id bigint,
                                            INOUT digest text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT immutable boolean,
                                            OUT previous_digest text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    former text := tag_restore.digest;
BEGIN
    PERFORM quay_internal.tag_lock(target.id);
    IF former IS NULL THEN
        now_ms := quay_internal.clock_ms();
        SELECT m.digest INTO former
        FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
        WHERE t.repository_id = target.id AND t.name = tag_restore.tag AND NOT t.hidden
          AND t.lifetime_end_ms <= now_ms
          AND t.lifetime_end_ms > now_ms - quay_internal.tag_window_ms(target)
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY042',
                MESSAGE = 'tag has nothing to restore',
                DETAIL = format('No tag "%s" ended within the time that the namespace keeps removed tags.', left(tag_restore.tag, 80)),
                HINT = 'quay.tag_history() shows what there was; pass the digest of a manifest to restore that one.';
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM quay.tag_set(tag_restore.namespace, tag_restore.repository, tag_restore.tag, former,
                                            reversion => true, actor => tag_restore.actor, ip => tag_restore.ip);
END
$$;
COMMENT ON FUNCTION quay.tag_restore(text, text, text, text, text, text) IS
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. The label quay.expires-after of the manifest counts anew. tag_restorable_list() shows what can be restored. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';

-- @part step api/276_quota_notification.sql
-- Notices of quotas. A limit that is reached is told outside of the registry by the notifications of the namespace for quota_warning or
-- quota_error: once, and again after quay.quota_notification_cooldown if it still stands, or at once if usage has fallen below it in the
-- meantime. Within the registry who administers the namespace is told, and not again while a notice before it stands undismissed.

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_path(namespace_id bigint, kind text DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/quota/' || namespace_id::text || coalesce('/' || kind, '');
COMMENT ON FUNCTION quay_internal.quota_notice_path(bigint, text) IS
    'Path by which notices of the quota of a namespace are found and removed, all or those of a kind.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_kind(severity text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE severity WHEN 'Warning' THEN 'quota_warning' ELSE 'quota_error' END;
COMMENT ON FUNCTION quay_internal.quota_notice_kind(text) IS 'Kind of notice, and event, for a limit of this type: quota_warning or quota_error.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_since() RETURNS timestamp
    LANGUAGE sql VOLATILE
    RETURN quay_internal.utc_now() - make_interval(secs => quay_internal.setting('quota_notification_cooldown')::bigint);
COMMENT ON FUNCTION quay_internal.quota_notice_since() IS 'A notice from before this time can be given again.';

-- The claim of a threshold

CREATE OR REPLACE FUNCTION quay_internal.quota_channel_exists(namespace_id bigint, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                   WHERE n.namespace_id = quota_channel_exists.namespace_id AND e.name = quota_channel_exists.kind
                     AND n.number_of_failures < quay_internal.notification_failure_limit());
END
$$;
COMMENT ON FUNCTION quay_internal.quota_channel_exists(bigint, text) IS
    'Does the namespace have a notification for this event that is not disabled?';

CREATE OR REPLACE FUNCTION quay_internal.quota_claim(owner_id bigint, percent integer, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay.quotanotificationstate AS s (namespace_id, threshold_percent, last_notified_at, cleared)
    VALUES (quota_claim.owner_id, quota_claim.percent, quay_internal.utc_now(), false)
    ON CONFLICT (namespace_id, threshold_percent) DO UPDATE SET last_notified_at = EXCLUDED.last_notified_at, cleared = false
        WHERE s.cleared AND NOT rejected OR s.last_notified_at IS NULL OR s.last_notified_at <= quay_internal.quota_notice_since();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_claim(bigint, integer, boolean) IS
    'Claims the external notice of a threshold: true for one caller, and then for nobody until the cooldown is over or usage has fallen below. rejected: a push was refused, so usage never reached the limit and always is below it; then only the cooldown counts.';

CREATE OR REPLACE FUNCTION quay_internal.quota_release(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.quotanotificationstate AS s
    WHERE s.namespace_id = quota_release.namespace_id AND s.threshold_percent = quota_release.percent;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_release(bigint, integer) IS 'Gives a claim back: as if nothing had ever been told about the threshold.';

CREATE OR REPLACE FUNCTION quay_internal.quota_clear(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.quotanotificationstate AS s SET cleared = true
    WHERE s.namespace_id = quota_clear.namespace_id AND s.threshold_percent = quota_clear.percent AND NOT s.cleared;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_clear(bigint, integer) IS 'Usage is below the threshold: who reaches it next is told at once.';

-- Telling

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_due(namespace_id bigint, kind text, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
BEGIN
    RETURN NOT EXISTS (SELECT FROM quay.notification AS n
                       WHERE n.lookup_path = quay_internal.quota_notice_path(quota_notice_due.namespace_id, kind)
                         AND (NOT n.dismissed OR n.created > since))
        OR quay_internal.quota_channel_exists(quota_notice_due.namespace_id, kind)
           AND NOT EXISTS (SELECT FROM quay.quotanotificationstate AS s
                           WHERE s.namespace_id = quota_notice_due.namespace_id AND s.threshold_percent = quota_notice_due.percent
                             AND NOT s.cleared AND s.last_notified_at > since);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_due(bigint, text, integer) IS
    'May there be anything to tell about a threshold that is reached? Cheap, without locks: most pushes above it stop here.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_add(namespace_id bigint, namespace text, kind text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
    metadata jsonb := jsonb_build_object('namespace', quota_notice_add.namespace);
    admin_id bigint;
    added integer := 0;
BEGIN
    FOR admin_id IN
        SELECT a.user_id FROM quay.organization_admin_list_many(ARRAY[quota_notice_add.namespace]) AS a WHERE a.enabled
        UNION
        SELECT u.id FROM quay."user" AS u WHERE u.id = quota_notice_add.namespace_id AND NOT u.organization
        ORDER BY 1
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id
            WHERE n.target_id = admin_id AND k.name = quota_notice_add.kind AND (NOT n.dismissed OR n.created > since)
              AND quay_internal.notification_matches(n.metadata_json, metadata));
        PERFORM quay_internal.notification_add(kind, admin_id, metadata, quay_internal.quota_notice_path(quota_notice_add.namespace_id, kind));
        added := added + 1;
    END LOOP;
    RETURN added;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_add(bigint, text, text) IS
    'Tells the person, or the enabled administrators of the organization, within the registry, and returns how many were told. Not who has such a notice that is not dismissed, or got one within the cooldown. The caller sees to it that only one does this for a namespace at a time.';

CREATE OR REPLACE FUNCTION quay_internal.quota_tell(namespace_id bigint, namespace text, severity text, percent integer, usage_bytes bigint,
                                                    limit_bytes bigint, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := quay_internal.quota_notice_kind(severity);
    told boolean := false;
BEGIN
    -- Who makes a notification later is to hear of what stands then: no claim without one.
    IF quay_internal.quota_channel_exists(quota_tell.namespace_id, kind)
       AND quay_internal.quota_claim(quota_tell.namespace_id, quota_tell.percent, rejected)
    THEN
        told := quay_internal.event_notify_namespace(quota_tell.namespace_id, quota_tell.namespace, kind, jsonb_build_object(
            'threshold_percent', quota_tell.percent, 'usage_bytes', usage_bytes, 'limit_bytes', limit_bytes,
            'usage_percent', quay_internal.size_percent(usage_bytes, limit_bytes),
            'usage_bytes_formatted', quay_internal.size_text(usage_bytes),
            'limit_bytes_formatted', quay_internal.size_text(limit_bytes))) > 0;
        IF NOT told THEN
            PERFORM quay_internal.quota_release(quota_tell.namespace_id, quota_tell.percent);
        END IF;
    END IF;
    RETURN quay_internal.quota_notice_add(quota_tell.namespace_id, quota_tell.namespace, kind) > 0 OR told;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_tell(bigint, text, text, integer, bigint, bigint, boolean) IS
    'Tells that a namespace has reached a limit, as far as that has not been told yet, within the registry and outside. limit_bytes: the whole quota. True: somebody is told. The caller has locked the quota.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warn(namespace_id bigint, namespace text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quota record;
    size bigint;
    state record;
BEGIN
    -- Most namespaces have no quota, and most of those that have are far from its lowest limit.
    SELECT q.id, q.limit_bytes, min(div(q.limit_bytes::numeric * l.percent_of_limit, 100)) AS lowest INTO quota
    FROM quay.userorganizationquota AS q JOIN quay.quotalimits AS l ON l.quota_id = q.id
    WHERE q.namespace_id = quota_warn.namespace_id
    GROUP BY q.id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    size := quay_internal.size_of(quota_warn.namespace_id);
    IF size < quota.lowest THEN
        RETURN;
    END IF;
    SELECT * INTO state FROM quay_internal.quota_state(quota_warn.namespace_id, size);
    IF state.severity IS NULL
       OR NOT quay_internal.quota_notice_due(quota_warn.namespace_id, quay_internal.quota_notice_kind(state.severity), state.percent)
    THEN
        RETURN;
    END IF;
    BEGIN
        -- Whoever has it locked is telling, or changes the quota and tells then. A push does not wait for that.
        PERFORM FROM quay.userorganizationquota AS q WHERE q.id = quota.id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM quay_internal.quota_tell(quota_warn.namespace_id, quota_warn.namespace, state.severity, state.percent, size, quota.limit_bytes);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not give notice of the quota of namespace "%": %', quota_warn.namespace, SQLERRM;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warn(bigint, text) IS
    'For a push that has added to a namespace: tells the limit that it has reached, if any. Never waits and never fails, it warns at worst; what it leaves out quay.quota_notify_sweep() makes good. One index probe if the namespace has no quota.';

CREATE OR REPLACE FUNCTION quay.quota_rejected(namespace text, repository text DEFAULT NULL, additional_bytes bigint DEFAULT 0,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_rejected.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    size bigint;
    lowest record;
BEGIN
    IF NOT quay_internal.setting('quota_management')::boolean THEN
        RETURN false;
    END IF;
    -- One at a time for a namespace. Without a quota of its own there is no other row to wait at.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM FROM quay."user" AS u WHERE u.id = owner.id FOR NO KEY UPDATE;
    END IF;
    size := quay_internal.size_of(owner.id) + greatest(coalesce(quota_rejected.additional_bytes, 0), 0);
    SELECT * INTO lowest FROM quay_internal.quota_threshold_list(owner.id, size) AS l
    WHERE l.severity = 'Reject' ORDER BY l.allowed_bytes, l.percent LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF quota_rejected.repository IS NOT NULL THEN
        PERFORM quay_internal.log_add('push_repo_failed', owner.id, performer_id,
            quay_internal.repository_find(owner.username, quota_rejected.repository),
            jsonb_build_object('namespace', owner.username, 'repo', quota_rejected.repository, 'message', 'quota exceeded',
                               'limit_bytes', lowest.allowed_bytes), quota_rejected.ip);
    END IF;
    RETURN quay_internal.quota_tell(owner.id, owner.username, lowest.severity, lowest.percent, size, lowest.limit_bytes, rejected => true);
END
$$;
COMMENT ON FUNCTION quay.quota_rejected(text, text, bigint, text, text) IS
    'Tells that a push or an upload was refused for its quota. What fails with QY056 leaves nothing behind, no notice either: a front end calls this afterwards, in a transaction of its own. quota_error goes to who administers the namespace, and to its external notifications, at most once in quay.quota_notification_cooldown. repository: writes an audit row of kind push_repo_failed as well. additional_bytes: what the refused push would have added, for the figures of the notice. True: somebody is told; false: it was told already, or nothing rejects in this namespace any more. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

-- Looking again

CREATE OR REPLACE FUNCTION quay_internal.quota_action_list(namespace_id bigint)
    RETURNS TABLE (tell boolean, severity text, percent integer, usage_bytes bigint, limit_bytes bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := quay_internal.size_of(quota_action_list.namespace_id);
BEGIN
    RETURN QUERY
        SELECT l.reached, l.severity, l.percent, size, l.limit_bytes
        FROM quay_internal.quota_threshold_list(quota_action_list.namespace_id, size) AS l
        WHERE l.limit_id IS NOT NULL
          AND CASE WHEN l.reached
                   THEN quay_internal.quota_notice_due(quota_action_list.namespace_id, quay_internal.quota_notice_kind(l.severity), l.percent)
                   ELSE EXISTS (SELECT FROM quay.quotanotificationstate AS s
                                WHERE s.namespace_id = quota_action_list.namespace_id AND s.threshold_percent = l.percent AND NOT s.cleared)
              END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_action_list(bigint) IS
    'Limits of a namespace about which there is something to do: tell that they are reached, or clear what was told.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warning_is_settled(namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.notification AS n
                   WHERE n.lookup_path = quay_internal.quota_notice_path(quota_warning_is_settled.namespace_id, 'quota_warning'))
       AND NOT EXISTS (SELECT FROM quay_internal.quota_threshold_list(quota_warning_is_settled.namespace_id,
                                                                      quay_internal.size_of(quota_warning_is_settled.namespace_id)) AS l
                       WHERE l.severity = 'Warning' AND l.reached);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warning_is_settled(bigint) IS
    'Are there warnings within the registry about a namespace that reaches no limit that warns any more?';

CREATE OR REPLACE FUNCTION quay_internal.quota_review(namespace_id bigint, namespace text, OUT told integer, OUT cleared integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    action record;
BEGIN
    told := 0;
    cleared := 0;
    IF NOT quay_internal.setting('quota_management')::boolean
       OR NOT EXISTS (SELECT FROM quay_internal.quota_action_list(quota_review.namespace_id))
          AND NOT quay_internal.quota_warning_is_settled(quota_review.namespace_id)
    THEN
        RETURN;
    END IF;
    -- With the lock, what a push has told, and the size that it has left, are both seen or both not.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = quota_review.namespace_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR action IN SELECT * FROM quay_internal.quota_action_list(quota_review.namespace_id) LOOP
        IF NOT action.tell THEN
            cleared := cleared + quay_internal.quota_clear(quota_review.namespace_id, action.percent)::integer;
        ELSIF quay_internal.quota_tell(quota_review.namespace_id, quota_review.namespace, action.severity, action.percent,
                                       action.usage_bytes, action.limit_bytes) THEN
            told := told + 1;
        END IF;
    END LOOP;
    IF quay_internal.quota_warning_is_settled(quota_review.namespace_id) THEN
        PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(quota_review.namespace_id, 'quota_warning'));
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_review(bigint, text) IS
    'Tells each limit of a namespace that its size reaches, unless that was told, and clears those that it does not reach any more; warnings within the registry go with the last. Returns how many of each. Nothing if somebody else is at it, or quay.quota_management is off.';

CREATE OR REPLACE FUNCTION quay.quota_notify_sweep(after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (next_after bigint, namespaces integer, told integer, cleared integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    quota record;
    review record;
BEGIN
    namespaces := 0;
    told := 0;
    cleared := 0;
    FOR quota IN
        SELECT q.id, q.namespace_id, u.username::text AS namespace, u.enabled
        FROM quay.userorganizationquota AS q JOIN quay."user" AS u ON u.id = q.namespace_id
        WHERE q.id > coalesce(quota_notify_sweep.after, 0)
        ORDER BY q.id
        LIMIT batch
    LOOP
        IF quota.enabled THEN
            SELECT * INTO review FROM quay_internal.quota_review(quota.namespace_id, quota.namespace);
            told := told + review.told;
            cleared := cleared + review.cleared;
        END IF;
        namespaces := namespaces + 1;
        next_after := quota.id;
    END LOOP;
    IF namespaces < batch THEN
        next_after := NULL;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_notify_sweep(bigint, integer) IS
    'Looks at namespaces with a quota of their own, at most n, those with a quota_id above after, and makes good what pushes did not tell: limits that are reached, and not told since quay.quota_notification_cooldown. Limits that are not reached any more are cleared, so that the next time is told at once, and warnings within the registry are removed then. Disabled namespaces are left alone. Returns how many namespaces it saw, limits it told and limits it cleared; call it again with next_after, in a new transaction, until that is NULL, and the whole about every five minutes. Errors: 22023 n not positive.';

-- @part step api/284_proxy_cache.sql
-- Proxy caches: organizations whose content comes from another registry at the first pull. The front end fetches; here is what is cached,
-- for how long, and what makes room for it. 285_proxy_content.sql has the latter.
--
-- What is known of but not fetched yet is a placeholder: a manifest without bytes, a blob without a placement.

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_require(namespace text) RETURNS quay.proxycacheconfig
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(namespace);
    config quay.proxycacheconfig;
BEGIN
    -- All columns in their order, but NULL for the credentials: who only looks at the cache has no right to them.
    SELECT c.id, c.organization_id, c.creation_date, c.upstream_registry, NULL, NULL, c.expiration_s, c.insecure
    INTO config FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY084',
            MESSAGE = 'organization is not a proxy cache',
            DETAIL = format('Organization "%s" has no upstream registry.', org.username),
            HINT = 'Make it one with quay.proxy_cache_create().';
    END IF;
    RETURN config;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_require(text) IS
    'Configuration of the proxy cache of an organization, without its credentials. Errors: QY002 unknown or a person, QY004 disabled, QY084 it is none.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_check(upstream_registry text, username text, password text, expiration_s integer) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(proxy_cache_check.upstream_registry, '') = '' THEN 'No upstream registry is given.'
        WHEN length(proxy_cache_check.upstream_registry) > 2048 THEN 'The upstream registry has more than 2048 characters.'
        WHEN proxy_cache_check.upstream_registry !~ '^[^/[:space:]]+(/[^/[:space:]]+)*$'
            THEN format('"%s" is not a host and a namespace.', left(proxy_cache_check.upstream_registry, 80))
        WHEN (username IS NULL) <> (password IS NULL) THEN 'Only one of user name and password is given.'
        WHEN expiration_s < 0 THEN format('An expiration of %s s is in the past.', expiration_s)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY083',
            MESSAGE = 'invalid configuration of a proxy cache',
            DETAIL = problem,
            HINT = 'Give the registry as host or host/namespace without a scheme, both or none of user name and password, and seconds from 0 on.';
    END IF;
    PERFORM quay_internal.upstream_host_check(proxy_cache_check.upstream_registry);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_check(text, text, text, integer) IS
    'Refuses (QY083) what is no configuration of a proxy cache, or names a host from which none may take content.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_create(organization text, upstream_registry text, username text DEFAULT NULL, password text DEFAULT NULL,
                                                   expiration_s integer DEFAULT 86400, insecure boolean DEFAULT false,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_create.actor);
    org quay."user";
    new_id bigint;
BEGIN
    username := nullif(proxy_cache_create.username, '');
    password := nullif(proxy_cache_create.password, '');
    PERFORM quay_internal.proxy_cache_check(proxy_cache_create.upstream_registry, username, password, expiration_s);
    -- FOR UPDATE, as whoever makes a mirror of the organization, or a policy in it: of two that exclude each other the second sees the first.
    PERFORM FROM quay."user" AS u WHERE u.username = proxy_cache_create.organization FOR UPDATE;
    org := quay_internal.organization_get(organization);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id)
       OR quay_internal.namespace_has_immutability(org.id)
       OR quay_internal.setting('immutable_tags')::boolean AND quay_internal.namespace_has_immutable_tags(org.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'organization cannot be a proxy cache',
            DETAIL = format('Organization "%s" is a mirror, or has immutable tags or policies that make tags immutable.', org.username),
            HINT = 'Remove the mirror configuration, the policies and the immutable tags first, or use another organization.';
    END IF;

    INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry, upstream_registry_username,
                                       upstream_registry_password, expiration_s, insecure)
    VALUES (org.id, quay_internal.utc_now(), proxy_cache_create.upstream_registry, quay_internal.field_encrypt(username, 4096),
            quay_internal.field_encrypt(password, 4096), coalesce(proxy_cache_create.expiration_s, 86400),
            coalesce(proxy_cache_create.insecure, false))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'organization is a proxy cache already',
            DETAIL = format('Organization "%s" has an upstream registry.', org.username),
            HINT = 'Change it with quay.proxy_cache_update().';
    END IF;
    PERFORM quay_internal.log_add('create_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username, 'upstream_registry', proxy_cache_create.upstream_registry), proxy_cache_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_create(text, text, text, text, integer, boolean, text, text) IS
    'Makes an organization a proxy cache of another registry and returns the id of its configuration. upstream_registry: host, perhaps with a port, and perhaps a namespace, as in docker.io/library; hosts in the network of the registry itself are refused unless quay.allowed_upstream_host has them. username and password: of an account there, both or none; they are kept encrypted. expiration_s: for how many seconds a tag stays cached after the last look at the upstream registry, 0 for ever. insecure: without TLS, or whatever its certificate. Errors: QY002 organization unknown or a person, QY004 disabled, QY006 it is one already, QY007 actor unknown, QY061 credential too long, QY081 it is a mirror or has immutable tags or policies, QY083 invalid configuration or host not allowed, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_update(organization text, upstream_registry text DEFAULT NULL, username text DEFAULT NULL,
                                                   password text DEFAULT NULL, expiration_s integer DEFAULT NULL, insecure boolean DEFAULT NULL,
                                                   clear_credentials boolean DEFAULT false, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_update.actor);
    config quay.proxycacheconfig;
BEGIN
    PERFORM quay_internal.organization_lock(organization);
    config := quay_internal.proxy_cache_require(organization);
    username := nullif(proxy_cache_update.username, '');
    password := nullif(proxy_cache_update.password, '');
    PERFORM quay_internal.proxy_cache_check(coalesce(proxy_cache_update.upstream_registry, config.upstream_registry), username, password,
                                            proxy_cache_update.expiration_s);
    -- The credentials of one registry are not for another one to see.
    clear_credentials := clear_credentials OR username IS NOT NULL
        OR split_part(proxy_cache_update.upstream_registry, '/', 1) <> split_part(config.upstream_registry, '/', 1)
        OR proxy_cache_update.insecure AND NOT config.insecure;
    UPDATE quay.proxycacheconfig AS c
    SET upstream_registry = coalesce(proxy_cache_update.upstream_registry, c.upstream_registry),
        upstream_registry_username = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(username, 4096)
                                          ELSE c.upstream_registry_username END,
        upstream_registry_password = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(password, 4096)
                                          ELSE c.upstream_registry_password END,
        expiration_s = coalesce(proxy_cache_update.expiration_s, c.expiration_s),
        insecure = coalesce(proxy_cache_update.insecure, c.insecure)
    WHERE c.id = config.id;
    PERFORM quay_internal.log_add('create_proxy_cache_config', config.organization_id, performer_id, NULL,
        jsonb_build_object('namespace', organization, 'updated', true,
            'upstream_registry', coalesce(proxy_cache_update.upstream_registry, config.upstream_registry)), proxy_cache_update.ip);
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_update(text, text, text, text, integer, boolean, boolean, text, text) IS
    'Changes the configuration of a proxy cache; what is NULL stays. The credentials are forgotten if clear_credentials says so, and unless new ones are given also with another host, or if TLS is given up: they would be shown to whoever answers there. What is cached stays, and is compared with the upstream registry at the next pull. Logged like its creation, with "updated". Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown, QY061 credential too long, QY083 invalid configuration or host not allowed, QY084 not a proxy cache, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_delete(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_delete.actor);
    org quay."user" := quay_internal.organization_lock(organization);
BEGIN
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.queue_delete(quay_internal.queue_path('proxycacheblob', org.username));
    PERFORM quay_internal.log_add('delete_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username), proxy_cache_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_delete(text, text, text) IS
    'Makes a proxy cache an ordinary organization; false if it was none. Downloads that wait in the queue are dropped. What is cached stays until its tags end; what had not been fetched yet cannot be pulled any more. Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_get(organization text)
    RETURNS TABLE (config_id bigint, upstream_registry text, upstream_host text, upstream_namespace text, expiration_s integer,
                   insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.upstream_registry::text, split_part(c.upstream_registry, '/', 1),
               nullif(substring(c.upstream_registry FROM strpos(c.upstream_registry || '/', '/') + 1), ''),
               coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_get.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_get(text) IS
    'The configuration of a proxy cache; no row if the organization is none, or is unknown or disabled. upstream_namespace: what to put before the name of a repository at upstream_host, NULL for nothing. expiration_s in seconds, 0: tags never expire. creation_date in UTC. For the credentials see proxy_cache_credentials().';

CREATE OR REPLACE FUNCTION quay.proxy_cache_credentials(organization text)
    RETURNS TABLE (upstream_registry text, username text, password text, insecure boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.upstream_registry::text, quay_internal.field_decrypt(c.upstream_registry_username),
               quay_internal.field_decrypt(c.upstream_registry_password), c.insecure
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_credentials.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_credentials(text) IS
    'What a front end needs to log in at the upstream registry of a proxy cache, in clear: show it to nobody. username and password NULL: anonymous. No row if the organization is no proxy cache, or is unknown or disabled. Errors: QY060 encrypted with another key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization text, upstream_registry text, expiration_s integer, insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.username::text, c.upstream_registry::text, coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay.proxycacheconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id
        WHERE u.username > coalesce(proxy_cache_list.after, '')
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_list(text, integer) IS
    'Organizations that are proxy caches, disabled ones too, in byte order of their names, at most n, those after the name after. Columns as of proxy_cache_get(). Errors: 22023 n negative.';

-- What is cached

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_find(repository_id bigint, reference text, OUT manifest_id bigint, OUT tag quay.tag)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(reference, ':') > 0 THEN
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = proxy_manifest_find.repository_id AND m.digest = proxy_manifest_find.reference;
        SELECT * INTO tag FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_find.manifest_id
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    ELSE
        SELECT * INTO tag FROM quay.tag AS t
        WHERE t.repository_id = proxy_manifest_find.repository_id AND t.name = proxy_manifest_find.reference AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
        manifest_id := tag.manifest_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_find(bigint, text) IS
    'What a proxy cache knows under a tag or a digest, however old: the manifest, and the row that ends last of that tag, or of all tags of that manifest. NULL: nothing.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_state(namespace text, repository text, reference text)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, placeholder boolean, expired boolean, immutable boolean,
                   servable boolean, lifetime_end_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    cached record := quay_internal.proxy_manifest_find(target_id, reference);
    now_ms bigint := quay_internal.clock_ms();
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    RETURN QUERY
        SELECT m.id, m.digest::text, y.name::text, m.manifest_bytes = '', a.dead, (cached.tag).immutable IS TRUE AND NOT by_digest,
               m.manifest_bytes <> '' AND NOT a.dead, (cached.tag).lifetime_end_ms
        FROM quay.manifest AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        CROSS JOIN LATERAL (SELECT NOT CASE WHEN by_digest THEN quay_internal.manifest_is_alive(m.id, now_ms)
                                            ELSE coalesce((cached.tag).lifetime_end_ms > now_ms, true) END) AS a (dead)
        WHERE m.id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_state(text, text, text) IS
    'What a proxy cache has under a tag or a digest; no row: nothing, fetch it and call proxy_manifest_put(). Otherwise ask the upstream registry for its digest, and if it is this one and no placeholder, call proxy_tag_renew(); else fetch and proxy_manifest_put(). placeholder: the manifest is known, its bytes are not here. expired: its time is over. servable: neither, so that it may be served unasked if the upstream registry does not answer (not if it refuses, or does not know it any more). immutable: an immutable tag, to be served without asking. lifetime_end_ms: when the tag ends, in ms since 1970, NULL for never; of a digest, the last of its tags.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_extend(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint[] := ARRAY(
        SELECT t.id FROM quay.tag AS t
        WHERE t.id = ANY (tag_ids)
          -- A second more or less is not worth a write: a popular tag is renewed thousands of times.
          AND (abs(t.lifetime_end_ms - end_ms) >= 1000 OR (t.lifetime_end_ms IS NULL) <> (end_ms IS NULL))
          AND NOT (t.immutable AND quay_internal.setting('immutable_tags')::boolean));
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = end_ms WHERE t.id = ANY (changed);
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (changed);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_extend(bigint[], bigint) IS
    'Lets live tags end at end_ms, NULL for never; immutable ones stay as they are. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_end_ms(config quay.proxycacheconfig) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN quay_internal.clock_ms() + nullif((config).expiration_s, 0) * 1000::bigint;
COMMENT ON FUNCTION quay_internal.proxy_end_ms(quay.proxycacheconfig) IS
    'When a tag ends that a proxy cache has compared with the upstream registry now, in ms since 1970; NULL for never.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_point(repository quay.repository, name text, manifest_id bigint,
                                                         config quay.proxycacheconfig) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_tag quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    current_tag := quay_internal.tag_find(repository.id, name, quay_internal.clock_ms());
    -- Another pull of the same tag may have been faster.
    IF current_tag.manifest_id = proxy_tag_point.manifest_id THEN
        PERFORM quay_internal.proxy_tag_extend(ARRAY[current_tag.id], quay_internal.proxy_end_ms(config));
        SELECT * INTO current_tag FROM quay.tag AS t WHERE t.id = current_tag.id;
        RETURN current_tag;
    ELSIF current_tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RETURN current_tag;
    END IF;
    RETURN quay_internal.tag_retarget(repository, name, proxy_tag_point.manifest_id, quay_internal.proxy_end_ms(config));
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_point(quay.repository, text, bigint, quay.proxycacheconfig) IS
    'Points a tag of a proxy cache to a manifest, from now on for as long as the cache keeps tags, and answers its row; an immutable tag stays where it is. Errors: 40001.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_keep(repository quay.repository, manifest_id bigint, config quay.proxycacheconfig)
    RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    latest quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    now_ms := quay_internal.clock_ms();
    PERFORM quay_internal.proxy_tag_extend(
        ARRAY(SELECT t.id FROM quay.tag AS t
              WHERE t.manifest_id IN (SELECT c.manifest_id FROM quay.manifestchild AS c WHERE c.child_manifest_id = proxy_manifest_keep.manifest_id)
                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
              UNION ALL
              (SELECT t.id FROM quay.tag AS t
               WHERE t.manifest_id = proxy_manifest_keep.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
               ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1)),
        quay_internal.proxy_end_ms(config));
    IF NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)) THEN
        PERFORM quay_internal.manifest_keep(repository.id, ARRAY[manifest_id], nullif(config.expiration_s, 0));
    END IF;
    SELECT * INTO latest FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    RETURN latest;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_keep(quay.repository, bigint, quay.proxycacheconfig) IS
    'Keeps a manifest that was pulled by digest for as long as the cache keeps tags, and the indexes that list it: extends the live tag of it that ends last, and the live tags of the indexes, or gives it a temporary tag. Answers the tag that ends last.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_renew(namespace text, repository text, reference text, digest text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    config quay.proxycacheconfig := quay_internal.proxy_cache_require(namespace);
    target quay.repository;
    cached record;
BEGIN
    IF quay_internal.repository_find(namespace, repository) IS NULL THEN
        RETURN false;
    END IF;
    target := quay_internal.repository_get(namespace, repository, lock => true);
    cached := quay_internal.proxy_manifest_find(target.id, reference);
    -- The lock keeps the manifest from being collected or evicted until we commit.
    PERFORM FROM quay.manifest AS m
    WHERE m.id = cached.manifest_id AND m.manifest_bytes <> '' AND m.digest = coalesce(proxy_tag_renew.digest, m.digest)
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.proxy_manifest_keep(target, cached.manifest_id, config);
        RETURN true;
    END IF;
    RETURN (quay_internal.proxy_tag_point(target, reference, cached.manifest_id, config)).manifest_id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_renew(text, text, text, text) IS
    'Says that the upstream registry still has a cached tag or digest, and keeps it for the time that the cache is configured for, from now on: true. digest: what the tag points to there; false, and nothing happens, if that is not what is cached, or only a placeholder is: fetch it and call proxy_manifest_put(). An expired tag begins a new period. By digest the live tags of indexes that list the manifest are renewed too. An immutable tag stays as it is. Errors: QY002 organization unknown or a person, QY004 disabled, QY084 not a proxy cache, 40001.';

-- @part step api/287_scan_report.sql
-- What follows from scans: their state for people and for metrics, notices, and reports that the scanner may forget.

CREATE OR REPLACE FUNCTION quay.scan_get_many(namespace text, repository text, digests text[])
    RETURNS TABLE (digest text, status text, index_status text, has_report boolean, indexer_hash text, last_indexed timestamp,
                   error jsonb, retries integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT m.digest::text,
               CASE WHEN s.index_status IN (-1, -4) THEN 'failed_to_index' WHEN s.index_status = -2 THEN 'unsupported'
                    WHEN s.index_status = -3 THEN 'layer_too_large' WHEN s.index_status = 2 THEN 'completed' ELSE 'not_yet_indexed' END,
               quay_internal.scan_status_name(s.index_status),
               coalesce(s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned', false),
               s.indexer_hash::text, CASE WHEN s.index_status <> 0 THEN s.last_indexed END, nullif(quay_internal.json_read(s.error_json), '{}'),
               CASE WHEN s.id IS NOT NULL THEN quay_internal.scan_retries(x.metadata, x.metadata ->> 'last_failed_hash') END
        FROM quay.manifest AS m
        LEFT JOIN quay.manifestsecuritystatus AS s ON s.manifest_id = m.id
        LEFT JOIN LATERAL (SELECT quay_internal.scan_metadata(s.metadata_json) AS metadata) AS x ON true
        WHERE m.repository_id = target_id AND m.digest = ANY (digests);
END
$$;
COMMENT ON FUNCTION quay.scan_get_many(text, text, text[]) IS
    'Where the security scans of manifests stand; no row for one that the repository has not. status, for people: not_yet_indexed, completed, failed_to_index, unsupported or layer_too_large. index_status, for operators: pending, in_progress, completed, failed, retries_exhausted, unsupported or layer_too_large; NULL: the scanner does not know of it yet. has_report: the scanner has a report, if only an older one while it scans anew. indexer_hash: the state of the scanner then. last_indexed in UTC, NULL before the first scan. error: what the scanner said, NULL for nothing. retries: failures in the last state that it failed in. The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.scan_get(namespace text, repository text, INOUT digest text, OUT status text, OUT index_status text,
                                         OUT has_report boolean, OUT indexer_hash text, OUT last_indexed timestamp, OUT error jsonb, OUT retries integer) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.scan_get_many(scan_get.namespace, scan_get.repository, ARRAY[scan_get.digest]);
END
$$;
COMMENT ON FUNCTION quay.scan_get(text, text, text) IS 'Where the security scan of a manifest stands: see scan_get_many().';

CREATE OR REPLACE FUNCTION quay.scan_reset(namespace text, repository text, digest text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    found_id bigint;
BEGIN
    SELECT m.id INTO found_id FROM quay.manifest AS m
    WHERE m.repository_id = target_id AND m.digest = scan_reset.digest AND m.manifest_bytes <> '' FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO quay.manifestsecuritystatus AS s (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                                  indexer_version, metadata_json)
    VALUES (found_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT (manifest_id) DO UPDATE
        SET index_status = 0, error_json = '{}', last_indexed = EXCLUDED.last_indexed, indexer_hash = '',
            metadata_json = CASE WHEN s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned'
                                 THEN '{"scanned": true}' ELSE '{}' END;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.scan_reset(text, text, text) IS
    'Has a manifest scanned anew, whatever came of the last scan, and forgets its failures; the result of a worker that is at it now is dropped. False: the repository has no such manifest, or only a placeholder. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.scan_counts() RETURNS TABLE (index_status text, manifests bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.scan_status_name(k.index_status),
               (SELECT count(*) FROM quay.manifestsecuritystatus AS s WHERE s.index_status = k.index_status)
        FROM generate_series(-4, 2) AS k (index_status)
        ORDER BY k.index_status;
END
$$;
COMMENT ON FUNCTION quay.scan_counts() IS
    'How many manifests are in each state of the scan, for metrics: seven rows. Reads an index with an entry for each manifest.';

CREATE OR REPLACE FUNCTION quay.scan_backlog(indexer_hash text)
    RETURNS TABLE (pending bigint, in_progress bigint, stale bigint, retry bigint, outdated bigint, oldest_pending timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
    retry_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_reindex_interval')::integer);
    stale_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_timeout')::integer);
BEGIN
    SELECT count(*) FILTER (WHERE s.index_status = 0), count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed >= stale_before),
           count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed < stale_before),
           count(*) FILTER (WHERE s.index_status = -1 AND s.last_indexed < retry_before),
           min(s.last_indexed) FILTER (WHERE s.index_status = 0)
    INTO pending, in_progress, stale, retry, oldest_pending
    FROM quay.manifestsecuritystatus AS s WHERE s.index_status IN (-1, 0, 1);
    outdated := (SELECT count(*) FROM quay.manifestsecuritystatus AS s
                 WHERE s.index_status = 2 AND s.indexer_hash = ANY (quay_internal.scan_other_hashes(2, scan_backlog.indexer_hash))
                   AND s.last_indexed < retry_before);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.scan_backlog(text) IS
    'How much waits for the scanner, one row: pending manifests; in_progress, those that a worker has, and stale, those that one has had for too long; retry, failed ones that are due again; outdated, those scanned with the scanner in another state than indexer_hash, and due. oldest_pending: since when the oldest waits, in UTC. Reads what waits, not what is done.';

-- Notices

CREATE OR REPLACE FUNCTION quay.scan_notify_find(digest text, after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (manifest_id bigint, repository_id bigint, namespace text, repository text, severities text[], tags text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    found_event_id bigint := (SELECT e.id FROM quay.externalnotificationevent AS e WHERE e.name = 'vulnerability_found');
BEGIN
    RETURN QUERY
        SELECT m.id, r.id, u.username::text, r.name::text,
               ARRAY(SELECT DISTINCT s.severity
                     FROM quay.repositorynotification AS t
                     CROSS JOIN LATERAL (SELECT quay_internal.json_read(t.event_config_json) #>> '{vulnerability,priority}') AS s (severity)
                     WHERE t.repository_id = r.id AND t.event_id = found_event_id
                       AND t.number_of_failures < quay_internal.notification_failure_limit() AND s.severity <> ''
                     ORDER BY 1),
               ARRAY(SELECT DISTINCT t.name::text FROM quay.tag AS t
                     WHERE t.manifest_id = m.id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                     ORDER BY 1 LIMIT 100)
        FROM quay.manifest AS m
        JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
        WHERE m.digest = scan_notify_find.digest AND m.id > coalesce(scan_notify_find.after, 0)
          AND EXISTS (SELECT FROM quay.repositorynotification AS t
                      WHERE t.repository_id = r.id AND t.event_id = found_event_id
                        AND t.number_of_failures < quay_internal.notification_failure_limit())
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.scan_notify_find(text, bigint, integer) IS
    'Manifests with a digest, in all repositories that have a notification about vulnerabilities which is not disabled, each once, by manifest_id, at most n, those after the id after: whom to tell what the scanner has found. severities: from which on somebody there wants to know; empty: nobody said. tags: at most 100 live ones that point to it. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.scan_notify(namespace text, repository text, data jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN quay_internal.event_notify(target, namespace, 'vulnerability_found', coalesce(scan_notify.data, '{}'));
END
$$;
COMMENT ON FUNCTION quay.scan_notify(text, text, jsonb) IS
    'Queues the event vulnerability_found for each notification of the repository that waits for it, is enabled, and wants to hear of this severity; returns how many there were. data: tags, and vulnerability with id, description, link, priority and has_fix; and vulnerable_index_report_created, "true", if it is about a first scan. Errors: QY002, QY003, QY004.';

-- Reports that nobody needs any more. The trigger leaves a hint for each manifest that had one; whether another manifest has the digest is
-- only looked at later, since whoever deletes manifests deletes many.

CREATE OR REPLACE FUNCTION quay_internal.scan_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.scan_orphan (digest, due_ms)
    -- A worker that is at it now (1) may still make a report.
    SELECT m.digest, quay_internal.clock_ms()
                     + CASE WHEN r.index_status = 1 THEN quay_internal.setting('scan_timeout')::bigint * 1000 ELSE 0 END
    FROM removed AS r JOIN quay.manifest AS m ON m.id = r.manifest_id
    WHERE r.index_status IN (1, 2) OR r.metadata_json LIKE '%"scanned"%';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_removed() IS
    'Trigger: the scanner may have a report about a manifest that goes. Rows of scans go before those of their manifests.';

CREATE OR REPLACE TRIGGER scan_removed AFTER DELETE ON quay.manifestsecuritystatus
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.scan_removed();

CREATE OR REPLACE FUNCTION quay.scan_orphan_take(n integer DEFAULT 100, lease_seconds integer DEFAULT 300) RETURNS TABLE (digest text, lease text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    token uuid := gen_random_uuid();
    now_ms bigint;
    taken bigint[];
BEGIN
    IF lease_seconds IS NULL OR lease_seconds < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'lease must be positive',
            DETAIL = format('It is %s s.', coalesce(lease_seconds::text, 'NULL')),
            HINT = 'Pass for how many seconds the digests are yours.';
    END IF;
    LOOP
        now_ms := quay_internal.clock_ms();
        taken := ARRAY(SELECT o.id FROM quay_internal.scan_orphan AS o WHERE o.due_ms <= now_ms
                       ORDER BY o.due_ms, o.id LIMIT batch FOR UPDATE SKIP LOCKED);
        EXIT WHEN taken = '{}';
        -- Another manifest has the digest, or another hint of this batch.
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.id = ANY (taken)
          AND (EXISTS (SELECT FROM quay.manifest AS m WHERE m.digest = o.digest)
               OR EXISTS (SELECT FROM quay_internal.scan_orphan AS p WHERE p.id = ANY (taken) AND p.digest = o.digest AND p.id < o.id));
        RETURN QUERY
            UPDATE quay_internal.scan_orphan AS o SET due_ms = now_ms + lease_seconds * 1000::bigint, lease = token
            WHERE o.id = ANY (taken)
            RETURNING o.digest::text, token::text;
        EXIT WHEN FOUND;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_take(integer, integer) IS
    'Hands out at most n digests of which no manifest is left in any repository, so that the scanner can drop its reports about them: delete them there, then call scan_orphan_confirm() with the lease. What is not confirmed within lease_seconds is handed out again. No row: there are none. Two callers get different ones. Errors: 22023 n or lease not positive.';

CREATE OR REPLACE FUNCTION quay.scan_orphan_confirm(lease text, digests text[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    confirmed text[];
BEGIN
    WITH gone AS (
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.digest = ANY (digests) AND o.lease::text = scan_orphan_confirm.lease
        RETURNING o.digest::text
    )
    SELECT coalesce(array_agg(g.digest), '{}') INTO confirmed FROM gone AS g;
    -- Pushed and scanned again meanwhile: the report has just been dropped.
    UPDATE quay.manifestsecuritystatus AS s
    SET index_status = 0, indexer_hash = '', last_indexed = quay_internal.utc_now(), metadata_json = '{}'
    FROM quay.manifest AS m
    WHERE m.digest = ANY (digests) AND s.manifest_id = m.id AND (s.index_status IN (1, 2) OR s.metadata_json LIKE '%"scanned"%');
    RETURN cardinality(confirmed);
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_confirm(text, text[]) IS
    'Says that the scanner has dropped its reports about digests that scan_orphan_take() handed out under this lease, and returns how many of them it was right about: others, whose lease is over, are handed out again. A manifest that was pushed with such a digest meanwhile, and scanned, is scanned anew.';

-- @part step api/290_pull_statistics.sql
-- How often, and when last, tags and manifests were pulled. Pulls are read-only; who answers them counts them and brings the counts here,
-- one by one or in batches. A pull by tag counts for the tag and for the manifest, one by digest for the manifest only.

CREATE OR REPLACE FUNCTION quay_internal.time_read(value text) RETURNS timestamp
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?$' THEN
        RETURN NULL;
    END IF;
    -- Without a zone it is UTC, whatever the session says.
    RETURN (value || CASE WHEN value ~ '(Z|[+-]\d\d(:?\d\d)?)$' THEN '' ELSE 'Z' END)::timestamptz AT TIME ZONE 'UTC';
EXCEPTION
    WHEN data_exception THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.time_read(text) IS
    'A moment in the form of ISO 8601, such as 2026-03-01T12:00:00Z, as a naive UTC timestamp; NULL if it is none. Without a zone it is UTC.';

CREATE OR REPLACE FUNCTION quay_internal.pull_problem(event jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id text := event ->> 'repository_id';
    tag jsonb := nullif(event -> 'tag_name', 'null');
    digest jsonb := nullif(event -> 'manifest_digest', 'null');
    pulls jsonb := nullif(event -> 'pull_count', 'null');
    pulled_at jsonb := nullif(event -> 'last_pull_timestamp', 'null');
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(event) IS DISTINCT FROM 'object' THEN 'is no object'
        WHEN jsonb_typeof(event -> 'repository_id') IS DISTINCT FROM 'number' OR id !~ '^\d{1,18}$' THEN
            format('has repository_id %s, which is no id', coalesce(left((event -> 'repository_id')::text, 80), 'NULL'))
        WHEN tag IS NULL AND digest IS NULL THEN 'has neither tag_name nor manifest_digest'
        WHEN jsonb_typeof(tag) <> 'string' OR length(tag #>> '{}') NOT BETWEEN 1 AND 255 THEN
            format('has tag_name %s, which is no name of 1 to 255 characters', left(tag::text, 80))
        WHEN jsonb_typeof(digest) <> 'string' OR length(digest #>> '{}') > 255
             OR digest IS NOT NULL AND quay_internal.content_path(digest #>> '{}') IS NULL THEN
            format('has manifest_digest %s, which is no digest', left(digest::text, 80))
        WHEN jsonb_typeof(pulls) <> 'number' OR pulls #>> '{}' !~ '^[1-9]\d{0,9}$' THEN
            format('has pull_count %s, which is no positive number of up to ten digits', left(pulls::text, 80))
        WHEN jsonb_typeof(pulled_at) <> 'string' OR pulled_at IS NOT NULL AND quay_internal.time_read(pulled_at #>> '{}') IS NULL THEN
            format('has last_pull_timestamp %s, which is no time', left(pulled_at::text, 80))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_problem(jsonb) IS 'Why an item of pull_record_many() cannot be counted, as the rest of a sentence; NULL if it can.';

CREATE OR REPLACE FUNCTION quay_internal.pull_add(repository_ids bigint[], tags text[], digests text[], pulls bigint[], times timestamp[],
                                                  OUT tag_rows bigint, OUT manifest_rows bigint, OUT unknown_ids bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint[];
    present timestamp;
BEGIN
    -- Locked, so that no purge deletes a repository between this and its statistics, and in one order, like all rows below: two batches
    -- wait for each other and not in a circle.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    unknown_ids := ARRAY(SELECT DISTINCT i.id FROM unnest(repository_ids) AS i (id) WHERE i.id NOT IN (SELECT unnest(known)) ORDER BY i.id);
    present := quay_internal.utc_now();

    -- The times are of the clocks of others: what is ahead of ours counts as now, or nothing later could follow it.
    INSERT INTO quay.tagpullstatistics AS s (repository_id, tag_name, tag_pull_count, last_tag_pull_date, current_manifest_digest)
    SELECT p.repository_id, p.tag, sum(p.pulls)::bigint, least(max(p.pulled_at), present),
           (array_agg(p.digest ORDER BY p.pulled_at DESC, p.number DESC) FILTER (WHERE p.digest IS NOT NULL))[1]
    FROM unnest(repository_ids, tags, digests, pulls, times) WITH ORDINALITY AS p (repository_id, tag, digest, pulls, pulled_at, number)
    WHERE p.tag IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.tag
    ORDER BY p.repository_id, p.tag COLLATE "C"
    ON CONFLICT (repository_id, tag_name) DO UPDATE
        SET tag_pull_count = s.tag_pull_count + EXCLUDED.tag_pull_count,
            last_tag_pull_date = greatest(s.last_tag_pull_date, EXCLUDED.last_tag_pull_date),
            -- An event that comes late says nothing about where the tag points now.
            current_manifest_digest = CASE WHEN EXCLUDED.last_tag_pull_date >= s.last_tag_pull_date
                                           THEN coalesce(EXCLUDED.current_manifest_digest, s.current_manifest_digest)
                                           ELSE coalesce(s.current_manifest_digest, EXCLUDED.current_manifest_digest) END;
    GET DIAGNOSTICS tag_rows = ROW_COUNT;

    INSERT INTO quay.manifestpullstatistics AS s (repository_id, manifest_digest, manifest_pull_count, last_manifest_pull_date)
    SELECT p.repository_id, p.digest, sum(p.pulls)::bigint, least(max(p.pulled_at), present)
    FROM unnest(repository_ids, digests, pulls, times) AS p (repository_id, digest, pulls, pulled_at)
    WHERE p.digest IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.digest
    ORDER BY p.repository_id, p.digest COLLATE "C"
    ON CONFLICT (repository_id, manifest_digest) DO UPDATE
        SET manifest_pull_count = s.manifest_pull_count + EXCLUDED.manifest_pull_count,
            last_manifest_pull_date = greatest(s.last_manifest_pull_date, EXCLUDED.last_manifest_pull_date);
    GET DIAGNOSTICS manifest_rows = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_add(bigint[], text[], text[], bigint[], timestamp[]) IS
    'Adds pulls to the statistics of tags and manifests; the arrays belong together, place by place. Answers how many rows of each were written, and the repositories that do not exist or are being deleted, whose pulls are left out.';

CREATE OR REPLACE FUNCTION quay.pull_record_many(events jsonb, batch text DEFAULT NULL)
    RETURNS TABLE (tags bigint, manifests bigint, unknown_repositories bigint[], repeated boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'pulls must be an array',
            DETAIL = format('They are %s.', coalesce('of type ' || jsonb_typeof(events), 'NULL')),
            HINT = 'Pass a JSON array of objects.';
    END IF;
    SELECT e.number, p.problem INTO wrong
    FROM jsonb_array_elements(events) WITH ORDINALITY AS e (event, number)
    CROSS JOIN LATERAL (SELECT quay_internal.pull_problem(e.event) AS problem OFFSET 0) AS p
    WHERE p.problem IS NOT NULL
    ORDER BY e.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed pull',
            DETAIL = format('Item %s %s.', wrong.number, wrong.problem),
            HINT = 'No item was counted: correct or drop this one and send all again.';
    END IF;
    IF octet_length(pull_record_many.batch) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal key of a batch',
            DETAIL = format('"%s" has %s bytes.', left(pull_record_many.batch, 80), octet_length(pull_record_many.batch)),
            HINT = 'Use 1 to 255 bytes, such as a UUID that is made with the batch and sent again with it.';
    END IF;
    IF pull_record_many.batch IS NOT NULL THEN
        -- Of two at once the second one waits for the first.
        INSERT INTO quay_internal.pull_batch (batch, counted_ms) VALUES (pull_record_many.batch, quay_internal.clock_ms())
        ON CONFLICT ON CONSTRAINT pk_pull_batch DO NOTHING;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 0::bigint, 0::bigint, '{}'::bigint[], true;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
        SELECT a.tag_rows, a.manifest_rows, a.unknown_ids, false
        FROM (SELECT array_agg((e.event ->> 'repository_id')::bigint) AS repository_ids,
                     array_agg(e.event ->> 'tag_name') AS tag_names,
                     array_agg(e.event ->> 'manifest_digest') AS digests,
                     array_agg(coalesce((e.event ->> 'pull_count')::bigint, 1)) AS pulls,
                     array_agg(coalesce(quay_internal.time_read(e.event ->> 'last_pull_timestamp'), quay_internal.utc_now())) AS times
              FROM jsonb_array_elements(events) AS e (event)) AS p
        CROSS JOIN LATERAL quay_internal.pull_add(p.repository_ids, p.tag_names, p.digests, p.pulls, p.times) AS a;
END
$$;
COMMENT ON FUNCTION quay.pull_record_many(jsonb, text) IS
'Counts many pulls at once: an array of objects {"repository_id", "tag_name", "manifest_digest", "pull_count", "last_pull_timestamp"}. repository_id is what pull() answers. An item with a tag_name counts for the tag, and with a manifest_digest for the manifest; one of the two is needed. pull_count: 1 unless given. last_pull_timestamp: the last of them, in the form of ISO 8601, UTC unless it says otherwise; now unless given, and what lies in the future counts as now.

The same tag or manifest may come again, in one call or in two calls at once: the counts add up, the last time is the latest, and the digest of a tag is that of its latest pull.
Answers how many rows of each kind were written, and the repositories that do not exist or are being deleted: their items are left out. An empty array writes nothing. batch: a key that the client makes for this batch and uses for nothing else; sent again with the same key within seven days, because the answer got lost, the batch is not counted a second time, and repeated is true. Whether to count pulls at all is for the caller to decide; quay.image_pull_stats says only whether a deleted tag loses its counts.
Errors: 22023 not an array, an item is malformed (nothing is counted then), or the key of the batch is.';

CREATE OR REPLACE FUNCTION quay.pull_record(namespace text, repository text, digest text DEFAULT NULL, tag text DEFAULT NULL,
                                            pulls bigint DEFAULT 1, pulled_at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(pull_record.namespace, pull_record.repository);
BEGIN
    IF num_nonnulls(pull_record.digest, pull_record.tag) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a pull is of a tag or of a manifest',
            DETAIL = 'Neither digest nor tag was given.',
            HINT = 'Pass the digest that pull() answered, and the tag if that was asked for.';
    END IF;
    IF pull_record.pulls IS NULL OR pull_record.pulls < 1 OR pull_record.pulls > 9999999999 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of pulls must be positive',
            DETAIL = format('It is %s.', coalesce(pull_record.pulls::text, 'NULL')),
            HINT = 'Pass how often it was pulled, at most 9999999999 times.';
    END IF;
    IF NOT isfinite(pull_record.pulled_at) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a pull must be finite',
            DETAIL = format('It is %s.', pull_record.pulled_at),
            HINT = 'Pass when it was pulled, NULL for now.';
    END IF;
    IF pull_record.digest IS NOT NULL THEN
        PERFORM quay_internal.digest_check(pull_record.digest);
    END IF;
    IF pull_record.tag IS NOT NULL THEN
        PERFORM quay_internal.name_check('tag', pull_record.tag);
    END IF;
    IF target_id IS NULL THEN
        RETURN false;
    END IF;
    RETURN (SELECT a.tag_rows + a.manifest_rows > 0
            FROM quay_internal.pull_add(ARRAY[target_id], ARRAY[pull_record.tag], ARRAY[pull_record.digest], ARRAY[pull_record.pulls],
                ARRAY[coalesce(pull_record.pulled_at, quay_internal.clock()) AT TIME ZONE 'UTC']) AS a);
END
$$;
COMMENT ON FUNCTION quay.pull_record(text, text, text, text, bigint, timestamptz) IS
    'Counts a pull, or as many as pulls says, the last of them at pulled_at (NULL: now). digest: of the manifest that was sent; tag: if it was asked for by tag. False if the repository is unknown or being deleted. A busy registry collects pulls and counts them with pull_record_many(). Errors: 22023 neither digest nor tag, number not positive, time infinite; QY020, QY022 digest; QY040 tag.';

-- Reading

CREATE OR REPLACE FUNCTION quay.pull_statistics_get_many(namespace text, repository text, tags text[])
    RETURNS TABLE (tag text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text,
               m.manifest_pull_count, m.last_manifest_pull_date
        FROM quay.tagpullstatistics AS s
        LEFT JOIN quay.manifestpullstatistics AS m ON m.repository_id = target_id AND m.manifest_digest = s.current_manifest_digest
        WHERE s.repository_id = target_id AND s.tag_name = ANY (pull_statistics_get_many.tags)
        ORDER BY s.tag_name;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get_many(text, text, text[]) IS
    'How often these tags were pulled and when last (UTC), the digest that the last pull got, and the same for this manifest, by whatever tag or digest. No row for a tag that was never pulled since it was made. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_get(namespace text, repository text, reference text DEFAULT NULL)
    RETURNS TABLE (kind text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    IF reference IS NULL THEN
        RETURN QUERY
            SELECT 'repository', coalesce(sum(s.manifest_pull_count), 0)::bigint, max(s.last_manifest_pull_date), NULL::text, NULL::bigint,
                   NULL::timestamp
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id;
    ELSIF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        RETURN QUERY
            SELECT 'manifest', s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text, s.manifest_pull_count,
                   s.last_manifest_pull_date
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id AND s.manifest_digest = reference;
    ELSE
        RETURN QUERY
            SELECT 'tag', s.pull_count, s.last_pulled, s.digest, s.manifest_pull_count, s.manifest_last_pulled
            FROM quay.pull_statistics_get_many(pull_statistics_get.namespace, pull_statistics_get.repository, ARRAY[reference]) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get(text, text, text) IS
    'Pulls of a tag, of a manifest (reference is its digest), or of the whole repository (reference NULL): how often, and when last (UTC). The sum of a repository is over its manifests, so each pull counts once. For a tag also what pull_statistics_get_many() answers about its manifest. No row for a tag or a manifest that was never pulled; always one row for a repository. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_list(namespace text, repository text, kind text DEFAULT 'tag', after text DEFAULT NULL,
                                                     n integer DEFAULT 100)
    RETURNS TABLE (name text, pull_count bigint, last_pulled timestamp, digest text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(pull_statistics_list.after);
BEGIN
    IF pull_statistics_list.kind = 'tag' THEN
        RETURN QUERY
            SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text, s.tag_pull_count || '.' || s.id
            FROM quay.tagpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.tag_pull_count < start.at OR s.tag_pull_count = start.at AND s.id > start.id)
            ORDER BY s.tag_pull_count DESC, s.id LIMIT page_size;
    ELSIF pull_statistics_list.kind = 'manifest' THEN
        RETURN QUERY
            SELECT s.manifest_digest::text, s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text,
                   s.manifest_pull_count || '.' || s.id
            FROM quay.manifestpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.manifest_pull_count < start.at OR s.manifest_pull_count = start.at AND s.id > start.id)
            ORDER BY s.manifest_pull_count DESC, s.id LIMIT page_size;
    ELSE
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown kind of pull statistics',
            DETAIL = format('There is no kind "%s".', left(pull_statistics_list.kind, 80)),
            HINT = 'Kinds are tag and manifest.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_list(text, text, text, text, integer) IS
    'Tags (kind tag) or manifests (kind manifest) of a repository that were pulled most often, the first n of them; for the next page pass cursor of the last row as after. name: the tag, or the digest. last_pulled in UTC. It reads all statistics of the repository: a page of a million tags takes about a second. Errors: 22023 n negative, malformed cursor, unknown kind; QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.readable_many(actor text, repository_ids bigint[], scopes text, unrestricted boolean) RETURNS bigint[]
    LANGUAGE sql STABLE
    RETURN CASE WHEN unrestricted THEN repository_ids ELSE quay.access_filter_many(actor, repository_ids, 'read', scopes) END;
COMMENT ON FUNCTION quay_internal.readable_many(text, bigint[], text, boolean) IS
    'Those of these repositories that the actor may read, in the order given; all of them if unrestricted is true.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_repository_list(actor text, namespace text, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                                unrestricted boolean DEFAULT false)
    RETURNS TABLE (repository text, pull_count bigint, last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    page_size integer := quay_internal.page_size(n);
    ids bigint[] := quay_internal.readable_many(actor, ARRAY(SELECT r.id FROM quay.repository AS r
        WHERE r.namespace_user_id = owner_id AND r.state <> 3), scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT r.name::text, coalesce(s.pulls, 0), s.last_pulled
        FROM unnest(ids) AS i (id)
        JOIN quay.repository AS r ON r.id = i.id
        CROSS JOIN LATERAL (SELECT sum(m.manifest_pull_count)::bigint AS pulls, max(m.last_manifest_pull_date) AS last_pulled
                            FROM quay.manifestpullstatistics AS m WHERE m.repository_id = i.id) AS s
        ORDER BY 2 DESC, r.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_repository_list(text, text, integer, text, boolean) IS
    'Repositories of a namespace that the actor may read (NULL: anonymous), those that were pulled most often first, at most n; last_pulled in UTC, NULL: never. unrestricted: all of them, for a caller who has checked. It reads the statistics of all of them. Errors: 22023 n negative, QY002, QY004.';

-- @part step api/292_action_count.sql
-- Actions per repository and day, counted from the audit log, and the search score that follows from them
-- (quay.repository_search_score_update()).

CREATE OR REPLACE FUNCTION quay_internal.action_count_day(day date) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    yesterday date := quay_internal.utc_now()::date - 1;
BEGIN
    IF action_count_day.day > yesterday OR NOT isfinite(action_count_day.day) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'actions are counted of days that are over',
            DETAIL = format('%s is not over, in UTC.', action_count_day.day),
            HINT = 'Pass a day before today, or NULL for yesterday.';
    END IF;
    RETURN coalesce(action_count_day.day, yesterday);
END
$$;
COMMENT ON FUNCTION quay_internal.action_count_day(date) IS 'The day, or yesterday (UTC) for NULL. Errors: 22023 it is not over.';

CREATE OR REPLACE FUNCTION quay_internal.repository_action_count(repository_id bigint, day date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start timestamp := repository_action_count.day;
    stop timestamp := repository_action_count.day + 1;
BEGIN
    -- The order asks for the index that begins with the repository: see log_page().
    RETURN (SELECT count(*)
            FROM (SELECT FROM quay_internal.log_entry AS l
                  WHERE l.repository_id = ANY (ARRAY[repository_action_count.repository_id]) AND l.datetime >= start AND l.datetime < stop
                  ORDER BY l.repository_id, l.datetime OFFSET 0) AS e);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_action_count(bigint, date) IS
    'Entries of the audit log, in all its generations, about a repository on that UTC day.';

CREATE OR REPLACE FUNCTION quay.action_count_store_many(repository_ids bigint[], counts bigint[], day date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_store_many.day);
    known bigint[];
    stored bigint;
BEGIN
    IF cardinality(repository_ids) IS DISTINCT FROM cardinality(counts) OR EXISTS (
        SELECT FROM unnest(counts) AS c (count) WHERE c.count IS NULL OR c.count NOT BETWEEN 0 AND 2147483647) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'each repository needs a count',
            DETAIL = format('%s repositories, %s counts, the lowest %s, the highest %s.', coalesce(cardinality(repository_ids), 0),
                coalesce(cardinality(counts), 0), coalesce((SELECT min(c) FROM unnest(counts) AS c)::text, 'NULL'),
                coalesce((SELECT max(c) FROM unnest(counts) AS c)::text, 'NULL')),
            HINT = 'Pass two arrays of the same length; counts are from 0 to 2147483647.';
    END IF;
    -- Locked, so that no purge deletes a repository in between.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    SELECT c.repository_id, least(sum(c.count), 2147483647)::integer, counted_day
    FROM unnest(repository_ids, counts) AS c (repository_id, count)
    WHERE c.repository_id IN (SELECT unnest(known))
    GROUP BY c.repository_id
    ORDER BY c.repository_id
    ON CONFLICT (repository_id, date) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION quay.action_count_store_many(bigint[], bigint[], date) IS
    'Keeps how many actions these repositories had on a UTC day that is over (NULL: yesterday), and answers of how many that was new: a count that is there stays, and repositories that do not exist or are being deleted are left out. For those who keep the audit log elsewhere; action_count_update() counts the one in the database. Errors: 22023 lengths differ, a count is negative or NULL, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_missing_list(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (repository_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted_day date := quay_internal.action_count_day(action_count_missing_list.day);
BEGIN
    RETURN QUERY
        SELECT r.id FROM quay.repository AS r
        WHERE r.id > coalesce(action_count_missing_list.after, 0) AND r.state <> 3
          AND NOT EXISTS (SELECT FROM quay.repositoryactioncount AS c WHERE c.repository_id = r.id AND c.date = wanted_day)
        ORDER BY r.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.action_count_missing_list(date, bigint, integer) IS
    'Ids of repositories whose actions of a UTC day (NULL: yesterday) are not counted yet, in their order, at most n, those after the id after. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_update(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, stored bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_update.day);
    ids bigint[] := ARRAY(SELECT m.repository_id
                          FROM quay.action_count_missing_list(counted_day, action_count_update.after, action_count_update.n) AS m);
BEGIN
    examined := cardinality(ids);
    stored := quay.action_count_store_many(ids,
        ARRAY(SELECT quay_internal.repository_action_count(i.id, counted_day) FROM unnest(ids) WITH ORDINALITY AS i (id, place) ORDER BY i.place),
        counted_day);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.action_count_update(date, bigint, integer) IS
    'Counts, from the audit log, the actions of a UTC day (NULL: yesterday) of the next n repositories of which they are not counted yet, in the order of their ids, those with an id greater than after. Returns how many were counted, for how many of them a row was added (another session may have been faster), and the last id: pass it as after in the next call, until it is NULL. To be done once a day, before quay.repository_search_score_update(); safe to repeat, to stop, and to do twice at once. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_list(namespace text, repository text, first_day date, last_day date DEFAULT NULL)
    RETURNS TABLE (day date, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT c.date, c.count::bigint FROM quay.repositoryactioncount AS c
        WHERE c.repository_id = target_id AND c.date >= first_day AND c.date <= coalesce(last_day, 'infinity')
        ORDER BY c.date;
END
$$;
COMMENT ON FUNCTION quay.action_count_list(text, text, date, date) IS
    'Actions in a repository on each UTC day from first_day to last_day (NULL: no end), as they were counted; no row for a day that was not. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.action_count_delete_expired(n integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    first_day date := quay_internal.utc_now()::date - 365;
    deleted bigint;
BEGIN
    DELETE FROM quay.repositoryactioncount AS c
    WHERE c.id = ANY (ARRAY(SELECT o.id FROM quay.repositoryactioncount AS o
                            WHERE o.date < first_day
                            ORDER BY o.date LIMIT batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.action_count_delete_expired(integer) IS
    'Deletes counts of actions that are older than 365 days, at most n, the oldest first, and returns how many: call again until it is 0. Two calls at once share the work. Errors: 22023 n not positive.';

-- @part step api/408_registry_check_all.sql
-- The rest of the rules of 406_registry_check.sql, about sizes, accounts, statistics and enumerations; and all of them at once.

CREATE OR REPLACE FUNCTION quay_internal.registry_check_size(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off
    -- Without statistics, as after an update, the planner takes hash tables that do not fit.
    SET enable_hashagg = off AS $$
BEGIN
    IF 'blob_use' = ANY (rules) THEN
        -- A use whose end waits for a review is still counted.
        RETURN QUERY
            SELECT 'blob_use', quay_internal.repository_path(coalesce(m.repository_id, u.repository_id)),
                   format(CASE WHEN u.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No manifest uses blob %s, which is counted.' END,
                          coalesce(m.blob_id, u.blob_id))
            FROM (SELECT DISTINCT r.namespace_user_id AS namespace_id, m.blob_id, m.repository_id
                  FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
                  WHERE (scope_id IS NULL OR r.namespace_user_id = scope_id)) AS m
            FULL JOIN (SELECT u.namespace_id, u.blob_id, u.repository_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS u
                ON u.namespace_id = m.namespace_id AND u.blob_id = m.blob_id AND u.repository_id = m.repository_id
            WHERE u.blob_id IS NULL
               OR m.blob_id IS NULL AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v
                                                    WHERE v.kind = 'u' AND v.object_id = u.blob_id AND v.repository_id = u.repository_id)
            LIMIT n;
        RETURN QUERY
            SELECT 'blob_use', 'namespace ' || coalesce(o.username, coalesce(a.namespace_id, s.namespace_id)::text),
                   format(CASE WHEN a.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No repository uses blob %s, which is counted.' END,
                          coalesce(a.blob_id, s.blob_id))
            FROM (SELECT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                  WHERE u.repository_id = 0
                    AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS a
            FULL JOIN (SELECT DISTINCT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS s
                ON s.namespace_id = a.namespace_id AND s.blob_id = a.blob_id
            LEFT JOIN quay."user" AS o ON o.id = coalesce(a.namespace_id, s.namespace_id)
            WHERE a.blob_id IS NULL OR s.blob_id IS NULL
            LIMIT n;
    END IF;
    IF 'blob_use_size' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_use_size', CASE u.repository_id WHEN 0 THEN 'namespace ' || coalesce(o.username, u.namespace_id::text)
                                                         ELSE quay_internal.repository_path(u.repository_id) END,
                   format('Blob %s has %s bytes and is counted with %s.', u.blob_id, coalesce(b.image_size, 0), u.size)
            FROM quay_internal.blob_use AS u
            JOIN quay.imagestorage AS b ON b.id = u.blob_id
            LEFT JOIN quay."user" AS o ON o.id = u.namespace_id
            WHERE u.size <> coalesce(b.image_size, 0)
              AND (scope_id IS NULL OR u.namespace_id = scope_id)
            LIMIT n;
    END IF;
    RETURN QUERY
        WITH counted AS (
            SELECT c.namespace_id, c.repository_id, sum(c.used)::bigint AS bytes, sum(c.reserved)::bigint AS reserved
            FROM quay_internal.size_counter AS c
            WHERE scope_id IS NULL OR c.namespace_id = scope_id
            GROUP BY c.namespace_id, c.repository_id
        ), real AS (
            SELECT u.namespace_id, u.repository_id, sum(u.size)::bigint AS bytes FROM quay_internal.blob_use AS u
            WHERE 'size_counter' = ANY (rules) AND (scope_id IS NULL OR u.namespace_id = scope_id)
            GROUP BY u.namespace_id, u.repository_id
            UNION ALL
            SELECT 0, 0, coalesce(sum(b.image_size), 0)::bigint FROM quay.imagestorage AS b
            WHERE 'size_counter' = ANY (rules) AND scope_id IS NULL
            HAVING scope_id IS NULL
        ), upload AS (
            SELECT r.namespace_user_id AS namespace_id, sum(b.reserved_bytes)::bigint AS reserved
            FROM quay.blobupload AS b JOIN quay.repository AS r ON r.id = b.repository_id
            WHERE 'size_reserved' = ANY (rules) AND b.reserved_bytes <> 0 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            GROUP BY r.namespace_user_id
        ), difference AS (
            (SELECT 'size_counter' AS rule, coalesce(c.namespace_id, w.namespace_id) AS namespace_id,
                    coalesce(c.repository_id, w.repository_id) AS repository_id,
                    format('Counted are %s bytes, there are %s.', coalesce(c.bytes, 0), coalesce(w.bytes, 0)) AS detail
             FROM counted AS c FULL JOIN real AS w ON w.namespace_id = c.namespace_id AND w.repository_id = c.repository_id
             WHERE 'size_counter' = ANY (rules) AND coalesce(c.bytes, 0) <> coalesce(w.bytes, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_reserved', coalesce(c.namespace_id, w.namespace_id), 0,
                    format('Reserved are %s bytes, uploads have reserved %s.', coalesce(c.reserved, 0), coalesce(w.reserved, 0))
             FROM (SELECT * FROM counted AS c WHERE c.repository_id = 0) AS c FULL JOIN upload AS w ON w.namespace_id = c.namespace_id
             WHERE 'size_reserved' = ANY (rules) AND coalesce(c.reserved, 0) <> coalesce(w.reserved, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_negative', c.namespace_id, c.repository_id,
                    format('Counted are %s bytes, and %s reserved.', c.bytes, c.reserved)
             FROM counted AS c
             WHERE 'size_negative' = ANY (rules) AND (c.bytes < 0 OR c.reserved < 0)
             LIMIT n)
        )
        SELECT d.rule, CASE WHEN d.repository_id <> 0 THEN quay_internal.repository_path(d.repository_id)
                            WHEN d.namespace_id = 0 THEN 'registry'
                            ELSE 'namespace ' || coalesce(o.username, d.namespace_id::text) END, d.detail
        FROM difference AS d LEFT JOIN quay."user" AS o ON o.id = d.namespace_id;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_size(text[], bigint, integer) IS 'What breaks the rules about sizes: each is counted anew.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_account(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    IF 'repository_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'repository_owner', quay_internal.repository_path(r.id),
                   format('Repository %s belongs to %s.', r.id, CASE WHEN u.id IS NULL THEN 'nobody' ELSE 'the robot ' || u.username END)
            FROM quay.repository AS r LEFT JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE (u.id IS NULL OR u.robot) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'organization_without_admin' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'organization_without_admin', o.username::text, 'Nobody can administer it.'
            FROM quay."user" AS o
            WHERE o.organization AND o.enabled
              AND NOT EXISTS (SELECT FROM quay.team AS t
                              JOIN quay.teamrole AS e ON e.id = t.role_id AND e.name = 'admin'
                              JOIN quay.teammember AS m ON m.team_id = t.id
                              JOIN quay."user" AS u ON u.id = m.user_id AND u.enabled AND NOT u.robot AND NOT u.organization
                              WHERE t.organization_id = o.id)
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_owner', o.username || ':' || t.name,
                   format('Team %s belongs to %s.', t.id, CASE WHEN o.robot THEN 'a robot' ELSE 'a person' END)
            FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE NOT o.organization AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'robot_without_namespace' = ANY (rules) AND scope_id IS NULL THEN
        RETURN QUERY
            SELECT 'robot_without_namespace', b.username::text, format('There is no namespace "%s".', split_part(b.username, '+', 1))
            FROM quay."user" AS b
            WHERE b.robot AND b.enabled
              AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(b.username, '+', 1) AND NOT u.robot)
            LIMIT n;
    END IF;
    IF 'robot_foreign_team' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'robot_foreign_team', o.username || ':' || t.name, format('Robot "%s" is a member.', b.username)
            FROM quay.teammember AS m
            JOIN quay.team AS t ON t.id = m.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            JOIN quay."user" AS b ON b.id = m.user_id AND b.robot
            WHERE split_part(b.username, '+', 1) <> o.username
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'permission_foreign' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'permission_foreign', quay_internal.repository_path(r.id),
                   format('Permission %s is of %s.', p.id, coalesce('robot ' || b.username, 'team ' || t.name || ' of another organization'))
            FROM quay.repositorypermission AS p
            JOIN quay.repository AS r ON r.id = p.repository_id
            JOIN quay."user" AS o ON o.id = r.namespace_user_id
            LEFT JOIN quay.team AS t ON t.id = p.team_id
            LEFT JOIN quay."user" AS b ON b.id = p.user_id AND b.robot AND b.enabled
            WHERE (t.organization_id <> o.id OR split_part(b.username, '+', 1) <> o.username) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_invite_duplicate' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_invite_duplicate', o.username || ':' || t.name, format('%s invitations for the same person: %s.', i.number, i.ids)
            FROM (SELECT i.team_id, count(*) AS number, string_agg(i.id::text, ', ' ORDER BY i.id) AS ids
                  FROM quay.teammemberinvite AS i GROUP BY i.team_id, i.user_id, lower(i.email) HAVING count(*) > 1) AS i
            JOIN quay.team AS t ON t.id = i.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE scope_id IS NULL OR o.id = scope_id
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_account(text[], bigint, integer) IS 'What breaks the rules about owners, teams, robots and permissions.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_statistics(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF 'tag_statistics_without_tag' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_statistics_without_tag', quay_internal.repository_path(s.repository_id) || ':' || s.tag_name,
                   format('%s pulls.', s.tag_pull_count)
            FROM quay.tagpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                              WHERE t.repository_id = s.repository_id AND t.name = s.tag_name AND NOT t.hidden
                                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'manifest_statistics_without_manifest' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_statistics_without_manifest', quay_internal.repository_path(s.repository_id) || '@' || s.manifest_digest,
                   format('%s pulls.', s.manifest_pull_count)
            FROM quay.manifestpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.manifest AS m WHERE m.repository_id = s.repository_id AND m.digest = s.manifest_digest)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_statistics(text[], bigint, integer) IS 'Statistics of pulls that belong to nothing.';

CREATE OR REPLACE FUNCTION quay_internal.enumeration_list() RETURNS TABLE (table_name text, names text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstokenkind', 'build-worker pushpull-token'),
        ('buildtriggerservice', 'github gitlab bitbucket custom-git'),
        ('disablereason', 'user_toggled successive_build_failures successive_build_internal_errors'),
        ('externalnotificationevent', 'build_failure build_queued build_start build_success repo_push vulnerability_found build_cancelled '
            'repo_mirror_sync_started repo_mirror_sync_success repo_mirror_sync_failed repo_image_expiry quota_warning quota_error'),
        ('externalnotificationmethod', 'email flowdock hipchat quay_notification slack webhook'),
        ('labelsourcetype', 'manifest api internal'),
        ('logentrykind', 'account_change_cc account_change_password account_change_plan account_convert add_repo_accesstoken '
            'add_repo_notification add_repo_permission add_repo_webhook build_dockerfile change_repo_permission '
            'change_repo_visibility create_application create_prototype_permission create_repo create_robot create_tag '
            'delete_application delete_prototype_permission delete_repo delete_repo_accesstoken delete_repo_notification '
            'delete_repo_permission delete_repo_trigger delete_repo_webhook delete_robot delete_tag manifest_label_add '
            'manifest_label_delete modify_prototype_permission move_tag org_add_team_member org_create_team org_delete_team '
            'org_delete_team_member_invite org_invite_team_member org_remove_team_member org_set_team_description org_set_team_role '
            'org_team_member_invite_accepted org_team_member_invite_declined pull_repo push_repo regenerate_robot_token repo_verb '
            'reset_application_client_secret revert_tag service_key_approve service_key_create service_key_delete '
            'service_key_extend service_key_modify service_key_rotate setup_repo_trigger set_repo_description take_ownership '
            'update_application change_repo_trust reset_repo_notification change_tag_expiration create_app_specific_token '
            'revoke_app_specific_token toggle_repo_trigger repo_mirror_enabled repo_mirror_disabled repo_mirror_config_changed '
            'repo_mirror_sync_started repo_mirror_sync_failed repo_mirror_sync_success repo_mirror_sync_now_requested '
            'repo_mirror_sync_tag_success repo_mirror_sync_tag_failed repo_mirror_sync_test_success repo_mirror_sync_test_failed '
            'repo_mirror_sync_test_started change_repo_state create_proxy_cache_config delete_proxy_cache_config '
            'start_build_trigger cancel_build org_create org_delete org_change_email org_change_invoicing org_change_tag_expiration '
            'org_change_name user_create user_delete user_disable user_enable user_change_email user_change_password '
            'user_change_name user_change_invoicing user_change_tag_expiration user_change_metadata user_generate_client_key '
            'login_success logout_success permanently_delete_tag autoprune_tag_delete create_namespace_autoprune_policy '
            'update_namespace_autoprune_policy delete_namespace_autoprune_policy login_failure push_repo_failed pull_repo_failed '
            'delete_tag_failed create_repository_autoprune_policy update_repository_autoprune_policy '
            'delete_repository_autoprune_policy enable_team_sync disable_team_sync oauth_token_assigned oauth_token_revoked '
            'change_tag_immutability create_robot_federation delete_robot_federation federated_robot_token_exchange '
            'export_logs_success export_logs_failure org_create_quota org_change_quota org_delete_quota org_create_quota_limit '
            'org_change_quota_limit org_delete_quota_limit org_mirror_enabled org_mirror_disabled org_mirror_config_changed '
            'org_mirror_sync_started org_mirror_sync_failed org_mirror_sync_success org_mirror_sync_now_requested '
            'org_mirror_sync_cancelled org_mirror_repo_created create_immutability_policy update_immutability_policy '
            'delete_immutability_policy org_mirror_repo_creation_failed tag_made_immutable_by_policy tags_made_immutable_by_policy '
            'create_oauth_api_token revoke_oauth_api_token create_namespace_notification delete_namespace_notification '
            'reset_namespace_notification'),
        ('loginservice', 'github quayrobot ldap google keystone dex jwtauthn oidc'),
        ('mediatype', 'text/plain application/json text/markdown application/vnd.docker.distribution.manifest.v1+prettyjws '
            'application/vnd.docker.distribution.manifest.v1+json application/vnd.docker.distribution.manifest.list.v2+json '
            'application/vnd.docker.distribution.manifest.v2+json application/vnd.oci.image.index.v1+json '
            'application/vnd.oci.image.manifest.v1+json'),
        ('notificationkind', 'build_failure build_queued build_start build_success expiring_license maintenance org_team_invite over_private_usage '
            'password_required repo_push service_key_submitted vulnerability_found build_cancelled repo_mirror_sync_started '
            'repo_mirror_sync_success repo_mirror_sync_failed quota_warning quota_error assigned_authorization '
            'repo_image_expiry test_notification'),
        ('quotatype', 'Warning Reject'),
        ('repositorykind', 'image application'),
        ('role', 'admin write read'),
        ('tagkind', 'tag'),
        ('teamrole', 'admin creator member'),
        ('userpromptkind', 'confirm_username enter_name enter_company'),
        ('visibility', 'public private');
END
$$;
COMMENT ON FUNCTION quay_internal.enumeration_list() IS 'Names that the enumerations have in every registry, separated by blanks.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_enumeration(rules text[], n integer) RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT 'enumeration_missing', l.table_name, format('There is no "%s".', w.name)
        FROM quay_internal.enumeration_list() AS l
        CROSS JOIN LATERAL string_to_table(l.names, ' ') AS w (name)
        WHERE 'enumeration_missing' = ANY (rules) AND (l.table_name, w.name) NOT IN (
                SELECT 'accesstokenkind' AS table_name, e.name::text FROM quay.accesstokenkind AS e
                UNION ALL SELECT 'buildtriggerservice', e.name FROM quay.buildtriggerservice AS e
                UNION ALL SELECT 'disablereason', e.name FROM quay.disablereason AS e
                UNION ALL SELECT 'externalnotificationevent', e.name FROM quay.externalnotificationevent AS e
                UNION ALL SELECT 'externalnotificationmethod', e.name FROM quay.externalnotificationmethod AS e
                UNION ALL SELECT 'labelsourcetype', e.name FROM quay.labelsourcetype AS e
                UNION ALL SELECT 'logentrykind', e.name FROM quay.logentrykind AS e
                UNION ALL SELECT 'loginservice', e.name FROM quay.loginservice AS e
                UNION ALL SELECT 'mediatype', e.name FROM quay.mediatype AS e
                UNION ALL SELECT 'notificationkind', e.name FROM quay.notificationkind AS e
                UNION ALL SELECT 'quotatype', e.name FROM quay.quotatype AS e
                UNION ALL SELECT 'repositorykind', e.name FROM quay.repositorykind AS e
                UNION ALL SELECT 'role', e.name FROM quay.role AS e
                UNION ALL SELECT 'tagkind', e.name FROM quay.tagkind AS e
                UNION ALL SELECT 'teamrole', e.name FROM quay.teamrole AS e
                UNION ALL SELECT 'userpromptkind', e.name FROM quay.userpromptkind AS e
                UNION ALL SELECT 'visibility', e.name FROM quay.visibility AS e)
        ORDER BY l.table_name, w.name
        LIMIT n;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_enumeration(text[], integer) IS 'Names that are missing in the enumerations.';

CREATE OR REPLACE FUNCTION quay.registry_check(namespace text DEFAULT NULL, rules text[] DEFAULT NULL, n integer DEFAULT 1000,
                                               sample integer DEFAULT 10000)
    RETURNS TABLE (rule text, severity text, object text, detail text, repair text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint;
    maximum integer := quay_internal.page_size(n);
    all_rules text[] := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k);
    wanted text[] := coalesce(registry_check.rules, all_rules);
BEGIN
    IF NOT wanted <@ all_rules THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown rule',
            DETAIL = format('There is no rule "%s".', (SELECT left(w.rule, 80) FROM unnest(wanted) AS w (rule)
                                                       WHERE w.rule = ANY (all_rules) IS NOT TRUE LIMIT 1)),
            HINT = 'quay.registry_check_rules() lists them.';
    END IF;
    IF sample < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a sample must not be negative',
            DETAIL = format('It is %s.', sample),
            HINT = 'Pass how many manifests are to be compared with their digests, NULL for all.';
    END IF;
    IF registry_check.namespace IS NOT NULL THEN
        -- Disabled ones too.
        owner_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = registry_check.namespace AND NOT u.robot);
        IF owner_id IS NULL THEN
            PERFORM quay_internal.namespace_get(registry_check.namespace);
        END IF;
        wanted := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k WHERE k.rule = ANY (wanted) AND k.by_namespace);
    END IF;
    RETURN QUERY
        SELECT f.rule, k.severity, f.object, f.detail, k.repair
        FROM (SELECT * FROM quay_internal.registry_check_tag(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_manifest(wanted, owner_id, maximum, sample)
              UNION ALL SELECT * FROM quay_internal.registry_check_blob(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_size(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_account(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_statistics(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_enumeration(wanted, maximum)) AS f
        JOIN quay.registry_check_rules() AS k ON k.rule = f.rule;
END
$$;
COMMENT ON FUNCTION quay.registry_check(text, text[], integer, integer) IS
'What breaks the rules of the registry: a row for each finding, none if all is well. rules: only these; registry_check_rules() lists and explains them. namespace: only what belongs to it, disabled or not; rules that span namespaces are left out then. n: at most so many findings of each rule. sample: how many manifests, the newest, are compared with their digests, NULL all (manifest_digest_check() goes through them in steps).

object: what the finding is about, by names; detail: a sentence with the ids of the rows; repair: what to do about it. The order of rows is undefined.
All is seen as of one moment, whatever others do meanwhile. It changes nothing, locks nothing, runs on a standby, and reads most of the tables of the registry, from a few seconds to many minutes. Errors: 22023 n or sample negative, unknown rule; QY002.';

-- @part step api/500_log_write.sql
-- Writing to the audit log: what a front end tells of requests that no other call records, such as pulls and logins. Whatever changes the
-- registry writes its own rows, in its own transaction (quay_internal.log_add).

CREATE OR REPLACE FUNCTION quay_internal.log_metadata(metadata jsonb, request jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(metadata) <> 'object' OR jsonb_typeof(request) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'details of a log entry must be a JSON object',
            DETAIL = format('They are of type %s.', CASE WHEN jsonb_typeof(metadata) <> 'object' THEN jsonb_typeof(metadata)
                                                         ELSE jsonb_typeof(request) END),
            HINT = 'Pass an object, or NULL for none.';
    END IF;
    RETURN coalesce(metadata, '{}') || CASE WHEN request IS NULL THEN '{}' ELSE jsonb_build_object('request', jsonb_strip_nulls(request)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_metadata(jsonb, jsonb) IS
    'The details of a log entry, with those of the request, if there are any, under "request". Errors: 22023 not objects.';

CREATE OR REPLACE FUNCTION quay_internal.log_time(datetime timestamptz) RETURNS timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT isfinite(datetime) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a log entry must be finite',
            DETAIL = format('It is %s.', datetime),
            HINT = 'Pass when it happened, or NULL for now.';
    END IF;
    RETURN coalesce(datetime AT TIME ZONE 'UTC', quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.log_time(timestamptz) IS 'The time of a log entry as the tables hold it, now for NULL. Errors: 22023 infinite.';

CREATE OR REPLACE FUNCTION quay_internal.log_subject(namespace text, repository text, performer text,
                                                     OUT namespace_id bigint, OUT repository_id bigint, OUT performer_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Disabled, marked for deletion: whatever there is can be logged and looked up.
    SELECT (SELECT u.id FROM quay."user" AS u WHERE u.username = log_subject.namespace),
           (SELECT r.id FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
            WHERE u.username = log_subject.namespace AND r.name = log_subject.repository),
           (SELECT u.id FROM quay."user" AS u WHERE u.username = log_subject.performer)
    INTO namespace_id, repository_id, performer_id;
    IF log_subject.namespace IS NOT NULL AND log_subject.namespace_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(log_subject.namespace, 80)),
            HINT = 'What was logged in a namespace that is gone is found by its id: quay.log_list(namespace_id => ...).';
    END IF;
    IF log_subject.repository IS NOT NULL AND log_subject.repository_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = CASE WHEN log_subject.namespace IS NULL THEN '22023' ELSE 'QY003' END,
            MESSAGE = CASE WHEN log_subject.namespace IS NULL THEN 'repository was named without its namespace' ELSE 'repository does not exist' END,
            DETAIL = CASE WHEN log_subject.namespace IS NULL THEN format('It was named "%s".', left(log_subject.repository, 80))
                          ELSE format('Namespace "%s" has no repository named "%s".', log_subject.namespace, left(log_subject.repository, 80)) END,
            HINT = 'Pass the namespace and the name. What was logged about a repository that is gone is found by its id: quay.log_list(repository_id => ...).';
    END IF;
    IF log_subject.performer IS NOT NULL AND log_subject.performer_id IS NULL THEN
        performer_id := quay_internal.actor_id(log_subject.performer);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_subject(text, text, text) IS
    'Ids of a namespace, of a repository in it, and of somebody who acts; NULL for NULL. Errors: QY002, QY003, QY007 unknown, 22023 repository without namespace.';

CREATE OR REPLACE FUNCTION quay.log_write(kind text, namespace text DEFAULT NULL, repository text DEFAULT NULL, actor text DEFAULT NULL,
                                          ip text DEFAULT NULL, metadata jsonb DEFAULT NULL, datetime timestamptz DEFAULT NULL,
                                          request jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject record := quay_internal.log_subject(log_write.namespace, log_write.repository, log_write.actor);
BEGIN
    RETURN quay_internal.log_put(log_write.kind, coalesce(subject.namespace_id, quay_internal.log_service_account()), subject.performer_id,
        subject.repository_id, ARRAY[quay_internal.log_metadata(log_write.metadata, log_write.request)], log_write.ip,
        quay_internal.log_time(log_write.datetime));
END
$$;
COMMENT ON FUNCTION quay.log_write(text, text, text, text, text, jsonb, timestamptz, jsonb) IS
'Adds a row to the audit log, in the transaction of the caller, and says what became of it: written; skipped, since quay.unlogged_namespace names the namespace (scope all, or pull and the kind is pull_repo or repo_verb), or the namespace is free and quay.free_namespace_pull_logs is off; lost, since it could not be written and quay.allow_without_strict_logging, or for pull_repo, pull_repo_failed, login_success, login_failure and logout_success quay.allow_pulls_without_strict_logging, permits to go on: the server''s log has a warning. Without these settings the error is the caller''s.

namespace: where it happened, NULL for none: the row then goes to quay.service_log_account. repository: with its namespace. actor: who did it, NULL for anonymous. metadata: an object; times in it as seconds since 1970, as the reference writes them: nothing in it is changed. datetime: when it happened, NULL for now; it chooses the month. request: what else is known of the request (url, method, user_agent, request_id, ...), an object, kept in the metadata under "request".
Errors: QY009 unknown kind, QY002, QY003, QY007 unknown namespace, repository or actor (never lost silently), 22023 repository without namespace, metadata or request no object, infinite datetime.';

CREATE OR REPLACE FUNCTION quay_internal.log_entry_problem(entry jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(entry) <> 'object' THEN
        RETURN 'is no object';
    END IF;
    SELECT e.key, left(e.value::text, 80) AS value,
           CASE WHEN e.key IN ('metadata', 'request') THEN 'object'
                WHEN e.key LIKE '%\_id' THEN 'id'
                WHEN e.key = 'datetime' THEN 'time in the form of ISO 8601'
                WHEN e.key IN ('kind', 'namespace', 'repository', 'actor', 'ip') THEN 'text' END AS form
    INTO wrong
    FROM jsonb_each(entry) AS e
    WHERE e.value <> 'null' AND CASE
        WHEN e.key IN ('metadata', 'request') THEN jsonb_typeof(e.value) <> 'object'
        WHEN e.key IN ('namespace_id', 'repository_id', 'actor_id') THEN e.value::text !~ '^\d{1,18}$'
        WHEN e.key = 'datetime' THEN quay_internal.time_read(e.value #>> '{}') IS NULL
        WHEN e.key IN ('kind', 'namespace', 'repository', 'actor', 'ip') THEN jsonb_typeof(e.value) <> 'string'
        ELSE true END
    ORDER BY e.key LIMIT 1;
    RETURN CASE
        WHEN wrong.form IS NOT NULL THEN format('has %s %s, which is no %s', wrong.key, wrong.value, wrong.form)
        WHEN wrong.key IS NOT NULL THEN format('has "%s", which nobody knows', left(wrong.key, 80))
        WHEN entry ->> 'kind' IS NULL THEN 'has no kind'
        WHEN entry ->> 'repository' IS NOT NULL AND entry ->> 'namespace' IS NULL THEN 'has a repository without its namespace' END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_entry_problem(jsonb) IS 'Why an item of log_write_many() cannot be written, as the rest of a sentence; NULL if it can.';

-- What an item names, found; a row for each. unknown: one of the names is nobody''s.
CREATE OR REPLACE FUNCTION quay_internal.log_entry_resolve(entries jsonb)
    RETURNS TABLE (number bigint, kind_id bigint, account_id bigint, performer_id bigint, repository_id bigint, at timestamp, ip text,
                   metadata jsonb, unknown boolean, skipped boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    service_id bigint := quay_internal.log_service_account();
    free_is_logged boolean := quay_internal.setting('free_namespace_pull_logs')::boolean;
    present timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT e.number, k.id, coalesce(n.id, i.namespace_id, service_id), coalesce(p.id, i.actor_id), coalesce(r.id, i.repository_id),
               coalesce(quay_internal.time_read(e.entry ->> 'datetime'), present), e.entry ->> 'ip',
               quay_internal.log_metadata(nullif(e.entry -> 'metadata', 'null'), nullif(e.entry -> 'request', 'null')),
               i.namespace IS NOT NULL AND n.id IS NULL OR i.repository IS NOT NULL AND r.id IS NULL OR i.actor IS NOT NULL AND p.id IS NULL,
               EXISTS (SELECT FROM quay.unlogged_namespace AS s JOIN quay."user" AS u ON u.username = s.username
                       WHERE u.id = coalesce(n.id, i.namespace_id) AND (s.scope = 'all' OR i.pull))
               OR i.pull AND NOT free_is_logged
                  AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = coalesce(n.id, i.namespace_id) AND u.stripe_id IS NULL)
        FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (entry, number)
        CROSS JOIN LATERAL (
            SELECT e.entry ->> 'namespace' AS namespace, e.entry ->> 'repository' AS repository, e.entry ->> 'actor' AS actor,
                   (e.entry ->> 'namespace_id')::bigint AS namespace_id, (e.entry ->> 'repository_id')::bigint AS repository_id,
                   (e.entry ->> 'actor_id')::bigint AS actor_id, e.entry ->> 'kind' IN ('pull_repo', 'repo_verb') AS pull) AS i
        LEFT JOIN quay.logentrykind AS k ON k.name = e.entry ->> 'kind'
        LEFT JOIN quay."user" AS n ON n.username = i.namespace
        LEFT JOIN quay.repository AS r ON r.namespace_user_id = n.id AND r.name = i.repository
        LEFT JOIN quay."user" AS p ON p.username = i.actor;
END
$$;
COMMENT ON FUNCTION quay_internal.log_entry_resolve(jsonb) IS
    'The rows of the audit log that items of log_write_many() mean, with ids in place of names; unknown: a name is nobody''s; skipped: the namespace is not logged.';

CREATE OR REPLACE FUNCTION quay_internal.log_insert_many(entries jsonb, OUT written bigint, OUT skipped bigint, OUT unknown bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH resolved AS MATERIALIZED (
        SELECT * FROM quay_internal.log_entry_resolve(entries)
    ), added AS (
        INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
        SELECT r.kind_id, r.account_id, r.performer_id, r.repository_id, r.at, left(r.ip, 255), r.metadata::text
        FROM resolved AS r WHERE NOT r.unknown AND NOT r.skipped ORDER BY r.number
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM added), count(*) FILTER (WHERE r.skipped AND NOT r.unknown),
           coalesce(array_agg(r.number ORDER BY r.number) FILTER (WHERE r.unknown), '{}')
    INTO written, skipped, unknown
    FROM resolved AS r;
END
$$;
COMMENT ON FUNCTION quay_internal.log_insert_many(jsonb) IS 'Writes items of log_write_many() that have no problem, in one statement.';

CREATE OR REPLACE FUNCTION quay.log_write_many(entries jsonb)
    RETURNS TABLE (written bigint, skipped bigint, lost bigint, unknown bigint[])
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
    kinds text[];
    done record;
BEGIN
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'log entries must be an array',
            DETAIL = format('They are %s.', coalesce('of type ' || jsonb_typeof(entries), 'NULL')),
            HINT = 'Pass a JSON array of objects.';
    END IF;
    SELECT e.number, p.problem INTO wrong
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (entry, number)
    CROSS JOIN LATERAL (SELECT quay_internal.log_entry_problem(e.entry) AS problem OFFSET 0) AS p
    WHERE p.problem IS NOT NULL ORDER BY e.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed log entry',
            DETAIL = format('Item %s %s.', wrong.number, wrong.problem),
            HINT = 'No item was written: correct or drop this one and send all again.';
    END IF;
    kinds := ARRAY(SELECT DISTINCT e.entry ->> 'kind' FROM jsonb_array_elements(entries) AS e (entry));
    PERFORM quay_internal.log_kind_ids(kinds);
    lost := 0;
    IF NOT (SELECT bool_and(quay_internal.log_may_be_lost(k.kind)) FROM unnest(kinds) AS k (kind)) THEN
        done := quay_internal.log_insert_many(entries);
    ELSE
        BEGIN
            done := quay_internal.log_insert_many(entries);
        EXCEPTION
            WHEN transaction_rollback THEN
                RAISE;
            WHEN OTHERS THEN
                RAISE WARNING USING ERRCODE = 'QY100',
                    MESSAGE = 'log entries lost',
                    DETAIL = format('All %s of the batch: %s (%s)', jsonb_array_length(entries), SQLERRM, SQLSTATE),
                    HINT = 'Settings quay.allow_without_strict_logging and quay.allow_pulls_without_strict_logging permit it.';
                RETURN QUERY VALUES (0::bigint, 0::bigint, jsonb_array_length(entries)::bigint, '{}'::bigint[]);
                RETURN;
        END;
    END IF;
    RETURN QUERY VALUES (done.written, done.skipped, lost, done.unknown);
END
$$;
COMMENT ON FUNCTION quay.log_write_many(jsonb) IS
'Adds many rows to the audit log at once, for front ends that collect pulls: an array of objects {"kind", "namespace", "repository", "actor", "ip", "metadata", "datetime", "request"} with the meaning and the rules of log_write(). datetime in the form of ISO 8601, UTC unless it says otherwise. In place of a name an item may have namespace_id, repository_id or actor_id, such as an earlier call returned; they are written as they are, so the entry of what is gone by now is kept.

Answers how many were written, skipped and lost (all or none of a batch, and only if its kinds may be lost), and the places, from 1, of items that name a namespace, a repository or an actor which does not exist (any more): these are not written, and the caller decides about them.
Errors: 22023 not an array, or an item is malformed, QY009 unknown kind; nothing is written then.';

-- @part step api/501_log_read.sql
-- Reading the audit log: three generations as one, newest first, page by page.
--
-- An order that is total, (datetime, id, generation), makes pages that lose and repeat nothing however many entries have the same time. A
-- page walks back in windows that begin with months and double, so that it opens the months that it needs, not all there are.

CREATE OR REPLACE VIEW quay_internal.log_entry AS
SELECT 3 AS generation, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry3 AS l
UNION ALL
SELECT 2, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry2 AS l
UNION ALL
SELECT 1, l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip, l.metadata_json FROM quay.logentry AS l;
COMMENT ON VIEW quay_internal.log_entry IS 'The audit log, all its generations. A reader gives a range of datetime, so that it opens only the months in it.';
COMMENT ON COLUMN quay_internal.log_entry.generation IS '3, 2 or 1: a row of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_entry.id IS 'Id in its table.';
COMMENT ON COLUMN quay_internal.log_entry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay_internal.log_entry.account_id IS 'Namespace in which it was done.';
COMMENT ON COLUMN quay_internal.log_entry.performer_id IS 'Who did it. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay_internal.log_entry.repository_id IS 'Repository concerned. NULL: none.';
COMMENT ON COLUMN quay_internal.log_entry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay_internal.log_entry.ip IS 'Address of the client. NULL: unknown.';
COMMENT ON COLUMN quay_internal.log_entry.metadata_json IS 'JSON object with the details of the action.';

CREATE OR REPLACE FUNCTION quay_internal.log_cursor(datetime timestamp, id bigint, generation integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM datetime) * 1000000)::bigint || '.' || id || '.' || generation;
COMMENT ON FUNCTION quay_internal.log_cursor(timestamp, bigint, integer) IS 'Place of an entry in the order of the audit log, as text.';

CREATE OR REPLACE FUNCTION quay_internal.log_cursor_read(after text, OUT at timestamp, OUT id bigint, OUT generation integer)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF after !~ '^-?\d{1,18}\.-?\d{1,18}\.[123]$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a list',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    at := timestamp '1970-01-01' + split_part(after, '.', 1)::bigint * interval '1 microsecond';
    id := split_part(after, '.', 2)::bigint;
    generation := split_part(after, '.', 3)::integer;
END
$$;
COMMENT ON FUNCTION quay_internal.log_cursor_read(text) IS 'The parts of what log_cursor() made; NULL for NULL. Errors: 22023 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.log_filter(namespace text, repository text, performer text, kinds text[], exclude_kinds text[],
                                                    namespace_id bigint, repository_id bigint, performer_id bigint,
                                                    OUT account_id bigint, OUT repository_only bigint, OUT performer_only bigint,
                                                    OUT kind_ids bigint[], OUT other_kind_ids bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject record := quay_internal.log_subject(log_filter.namespace, log_filter.repository, log_filter.performer);
BEGIN
    IF num_nonnulls(log_filter.namespace, log_filter.namespace_id) > 1 OR num_nonnulls(log_filter.repository, log_filter.repository_id) > 1
       OR num_nonnulls(log_filter.performer, log_filter.performer_id) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a namespace, a repository and a performer are given by name or by id',
            DETAIL = 'One of them was given by both.',
            HINT = 'Pass the name of what exists, the id of what is gone.';
    END IF;
    account_id := coalesce(subject.namespace_id, log_filter.namespace_id);
    repository_only := coalesce(subject.repository_id, log_filter.repository_id);
    performer_only := coalesce(subject.performer_id, log_filter.performer_id);
    kind_ids := CASE WHEN kinds IS NOT NULL THEN quay_internal.log_kind_ids(kinds) END;
    other_kind_ids := quay_internal.log_kind_ids(coalesce(exclude_kinds, '{}'));
END
$$;
COMMENT ON FUNCTION quay_internal.log_filter(text, text, text, text[], text[], bigint, bigint, bigint) IS
    'Ids for the filters of the audit log. kind_ids NULL: all kinds. Errors: QY002, QY003, QY007, QY009 unknown, 22023 name and id both given, repository without namespace.';

CREATE OR REPLACE FUNCTION quay_internal.log_page(account_id bigint, repository_id bigint, performer_id bigint, kind_ids bigint[],
                                                  other_kind_ids bigint[], floor timestamp, ceiling timestamp, after text, n integer)
    RETURNS SETOF quay_internal.log_entry
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the indexes on datetime; what has the same time is sorted by id
    SET enable_seqscan = off
    SET enable_bitmapscan = off
    SET jit = off AS $$
DECLARE
    place record := quay_internal.log_cursor_read(log_page.after);
    lowest CONSTANT timestamp := greatest(log_page.floor, '4000-01-01 BC');
    top timestamp := least(log_page.ceiling, place.at + interval '1 microsecond', 'infinity');
    bottom timestamp := date_trunc('month', least(top, quay_internal.utc_now()) - interval '1 microsecond');
    months integer := 1;
    remaining integer := log_page.n;
    found_rows integer;
BEGIN
    place.at := coalesce(place.at, 'infinity');
    place.id := coalesce(place.id, 9223372036854775807);
    place.generation := coalesce(place.generation, 4);
    WHILE remaining > 0 AND top > lowest LOOP
        bottom := greatest(bottom, lowest);
        -- Four times the same, each for an index of its own, which its ORDER BY asks for: a month that is new or has no statistics would
        -- otherwise be read through the index on datetime. (= ANY, because of a column with one value no order is asked for.)
        IF log_page.repository_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.repository_id = ANY (ARRAY[log_page.repository_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.performer_id IS NULL OR l.performer_id = log_page.performer_id)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.repository_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSIF log_page.performer_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.performer_id = ANY (ARRAY[log_page.performer_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.account_id IS NULL OR l.account_id = log_page.account_id)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.performer_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSIF log_page.account_id IS NOT NULL THEN
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.account_id = ANY (ARRAY[log_page.account_id]) AND l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.account_id DESC, l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        ELSE
            RETURN QUERY
                SELECT l.* FROM quay_internal.log_entry AS l
                WHERE l.datetime >= bottom AND l.datetime < top
                  AND (l.datetime, l.id, l.generation) < (place.at, place.id, place.generation)
                  AND (log_page.kind_ids IS NULL OR l.kind_id = ANY (log_page.kind_ids)) AND l.kind_id <> ALL (log_page.other_kind_ids)
                ORDER BY l.datetime DESC, l.id DESC, l.generation DESC LIMIT remaining;
        END IF;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        remaining := remaining - found_rows;
        top := bottom;
        -- The month, then 1, 2, 4 and 8 months, then all before.
        bottom := CASE WHEN months > 8 THEN lowest ELSE top - make_interval(months => months) END;
        months := months * 2;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.log_page(bigint, bigint, bigint, bigint[], bigint[], timestamp, timestamp, text, integer) IS
    'Entries of the audit log in all generations, the newest first, at most n, those after the cursor: floor <= datetime < ceiling. NULL filters nothing. A repository replaces the namespace. Errors: 22023 malformed cursor.';

CREATE OR REPLACE FUNCTION quay_internal.log_read(account_id bigint, repository_id bigint, performer_id bigint, kind_ids bigint[],
                                                  other_kind_ids bigint[], floor timestamp, ceiling timestamp, after text, n integer)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Names by look-ups: a join might read all users for twenty rows.
    RETURN QUERY
        SELECT p.id, p.datetime, (SELECT k.name::text FROM quay.logentrykind AS k WHERE k.id = p.kind_id),
               (SELECT u.username::text FROM quay."user" AS u WHERE u.id = p.account_id),
               (SELECT r.name::text FROM quay.repository AS r WHERE r.id = p.repository_id),
               (SELECT u.username::text FROM quay."user" AS u WHERE u.id = p.performer_id),
               (SELECT u.robot FROM quay."user" AS u WHERE u.id = p.performer_id),
               p.ip::text, quay_internal.json_read(p.metadata_json), quay_internal.log_cursor(p.datetime, p.id, p.generation),
               p.account_id, p.repository_id, p.performer_id, p.generation
        FROM quay_internal.log_page(log_read.account_id, log_read.repository_id, log_read.performer_id, log_read.kind_ids,
                                    log_read.other_kind_ids, log_read.floor, log_read.ceiling, log_read.after, log_read.n) AS p;
END
$$;
COMMENT ON FUNCTION quay_internal.log_read(bigint, bigint, bigint, bigint[], bigint[], timestamp, timestamp, text, integer) IS
    'log_page() with names for ids and the details as jsonb: see quay.log_list().';

CREATE OR REPLACE FUNCTION quay.log_list(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                         start_time timestamptz DEFAULT NULL, end_time timestamptz DEFAULT NULL,
                                         kinds text[] DEFAULT NULL, exclude_kinds text[] DEFAULT NULL,
                                         after text DEFAULT NULL, n integer DEFAULT 20, namespace_id bigint DEFAULT NULL,
                                         repository_id bigint DEFAULT NULL, performer_id bigint DEFAULT NULL)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    filter record := quay_internal.log_filter(log_list.namespace, log_list.repository, log_list.performer, log_list.kinds,
        log_list.exclude_kinds, log_list.namespace_id, log_list.repository_id, log_list.performer_id);
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.log_read(filter.account_id, filter.repository_only, filter.performer_only, filter.kind_ids,
            filter.other_kind_ids, log_list.start_time AT TIME ZONE 'UTC', log_list.end_time AT TIME ZONE 'UTC', log_list.after,
            quay_internal.page_size(log_list.n));
END
$$;
COMMENT ON FUNCTION quay.log_list(text, text, text, timestamptz, timestamptz, text[], text[], text, integer, bigint, bigint, bigint) IS
'Entries of the audit log, the newest first, at most n: logentry3, logentry2 and logentry as one. after: the cursor of the last row of the page before, so that pages lose and repeat nothing, however many entries have the same time and however many arrive meanwhile. An empty page is the end; a page that is not full is one too.

All filters apply together, but a repository replaces the namespace: an entry about it counts, in whatever namespace it was at the time. start_time <= datetime < end_time. kinds: only these; exclude_kinds: not these, such as the six service_key_* ones in a view for people. A namespace, a repository or a performer that is gone is given by its id; an id that nobody had finds no row. Disabled namespaces can be read; whether somebody may is for the front end to ask first.
Names are NULL where there is nobody of that id (any more). metadata is NULL if the row has none that is JSON. Entries at an infinite time, which log_write() refuses, are not shown.
Errors: QY002, QY003, QY007 unknown namespace, repository, performer, QY009 unknown kind, 22023 malformed cursor, n negative, name and id both given, repository without namespace.';

CREATE OR REPLACE FUNCTION quay.log_latest(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                           exclude_kinds text[] DEFAULT NULL, n integer DEFAULT 20)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay.log_list(log_latest.namespace, log_latest.repository, log_latest.performer,
            exclude_kinds => log_latest.exclude_kinds, n => log_latest.n);
END
$$;
COMMENT ON FUNCTION quay.log_latest(text, text, text, text[], integer) IS
    'The newest n entries of the audit log: the beginning of quay.log_list(), with the same columns, filters and errors.';

-- @part step api/502_log_count.sql
-- Entries of the audit log per day and kind.
--
-- Half a million rows a month are too many to count while somebody waits. So months are counted beforehand, up to an id: exact at any
-- time is the sum of what was counted and of the rows with greater ids. That is right only if no row with a lower id can come any more, so
-- the id is one that is settled; and a row that is changed or deleted sends its month back to be counted anew, until which its rows are
-- counted when somebody asks. So are the older generations, to which nothing is added.

CREATE OR REPLACE FUNCTION quay_internal.log_month_list() RETURNS TABLE (month date, partition text)
    LANGUAGE plpgsql STABLE ROWS 30 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT make_date(m.part[1]::integer, m.part[2]::integer, 1), c.relname::text
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL regexp_match(c.relname, '^logentry3_y(\d{4})m(0[1-9]|1[0-2])$') AS m (part)
        WHERE i.inhparent = 'quay.logentry3'::regclass AND m.part IS NOT NULL
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_list() IS 'Months of the audit log that have a partition, and its name.';

CREATE OR REPLACE FUNCTION quay_internal.log_writers(generation integer DEFAULT 3) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent regclass := CASE generation WHEN 3 THEN 'quay.logentry3' WHEN 2 THEN 'quay.logentry2' ELSE 'quay.logentry' END;
BEGIN
    RETURN ARRAY(SELECT DISTINCT l.virtualtransaction FROM pg_locks AS l
                 WHERE l.locktype = 'relation' AND l.granted
                   AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                   AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                   AND l.relation IN (SELECT parent::oid UNION ALL SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = parent)
                 ORDER BY l.virtualtransaction);
END
$$;
COMMENT ON FUNCTION quay_internal.log_writers(integer) IS
    'Transactions that may have written to a generation of the audit log and are not over: whoever writes holds a lock on the table until its end. Ours too, if it has written.';

CREATE OR REPLACE FUNCTION quay_internal.log_require_primary() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'cannot maintain the audit log on a standby',
            DETAIL = 'This server replays the changes of another one.',
            HINT = 'Call it on the primary. quay.log_list(), log_count_by_day() and log_verify() run here too.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot maintain the audit log in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s.', current_setting('transaction_isolation')),
            HINT = 'Call it in a transaction of its own, READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_require_primary() IS
    'Refuses to count, seal or remove rows of the audit log where it cannot be right. Errors: 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_settled_id() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state quay_internal.log_settled;
    writing text[];
BEGIN
    PERFORM quay_internal.log_require_primary();
    IF (SELECT s.seqcache FROM pg_sequence AS s WHERE s.seqrelid = 'quay.logentry3_id_seq'::regclass) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'sessions take ids of the audit log in advance',
            DETAIL = 'Sequence quay.logentry3_id_seq has a cache, so a row may come with an id that is older than others.',
            HINT = 'ALTER SEQUENCE quay.logentry3_id_seq CACHE 1, and reconnect the clients.';
    END IF;
    IF NOT EXISTS (SELECT FROM quay_internal.log_settled) THEN
        INSERT INTO quay_internal.log_settled (id) VALUES (1) ON CONFLICT (id) DO NOTHING;
    END IF;
    SELECT * INTO state FROM quay_internal.log_settled AS s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        -- Somebody is looking just now; what was settled stays so.
        RETURN (SELECT s.settled_id FROM quay_internal.log_settled AS s);
    END IF;
    writing := quay_internal.log_writers();
    -- A transaction that is prepared for a two-phase commit has another name than before: it may be one of them.
    IF state.pending_id IS NOT NULL AND NOT state.writers && writing AND NOT EXISTS (SELECT FROM unnest(writing) AS w (name) WHERE w.name LIKE '-1/%') THEN
        state.settled_id := state.pending_id;
        state.pending_id := NULL;
    END IF;
    IF state.pending_id IS NULL THEN
        -- In this order: whoever has drawn an id up to this one had his lock before.
        state.pending_id := coalesce(pg_sequence_last_value('quay.logentry3_id_seq'), 0);
        state.writers := quay_internal.log_writers();
        IF state.writers = '{}' THEN
            state.settled_id := state.pending_id;
            state.pending_id := NULL;
        END IF;
    END IF;
    UPDATE quay_internal.log_settled AS s
    SET settled_id = state.settled_id, pending_id = state.pending_id, writers = state.writers
    WHERE (s.settled_id, s.pending_id, s.writers) IS DISTINCT FROM (state.settled_id, state.pending_id, state.writers);
    RETURN state.settled_id;
END
$$;
COMMENT ON FUNCTION quay_internal.log_settled_id() IS
    'An id of logentry3 up to which nobody can add a row any more: every transaction that drew one of these is over, so the next statement sees all of them that there will ever be. Waits for nobody: while writers are under way it remembers them, and answers with the new id in a later call, when they are gone. (Ids that somebody draws from the sequence himself and inserts in a later transaction are not seen.) Errors: 25006, 55000 as of log_require_primary(), 55000 also if the sequence has a cache.';

CREATE OR REPLACE FUNCTION quay_internal.log_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_month date := date_trunc('month', OLD.datetime);
BEGIN
    IF TG_RELID = 'quay.logentry3_default'::regclass THEN
        RETURN NULL;    -- never counted beforehand
    END IF;
    -- Marked already. An older snapshot might show a mark that is gone: there the statement below fails (40001) if it must.
    IF current_setting('transaction_isolation') = 'read committed'
       AND EXISTS (SELECT FROM quay_internal.log_count_month AS c WHERE c.month = changed_month AND c.counted_id < 0) THEN
        -- Kept so until we commit.
        PERFORM FROM quay_internal.log_count_month AS c WHERE c.month = changed_month AND c.counted_id < 0 FOR KEY SHARE;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO quay_internal.log_count_month AS c (month, counted_id) VALUES (changed_month, -1)
    ON CONFLICT (month) DO UPDATE SET counted_id = -1;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_changed() IS
    'Trigger: a row of the audit log that is changed or deleted sends its month back to be counted anew.';

CREATE OR REPLACE TRIGGER log_changed AFTER UPDATE OR DELETE ON quay.logentry3
    FOR EACH ROW EXECUTE FUNCTION quay_internal.log_changed();

-- A row that moves to another month is an old one there.
CREATE OR REPLACE FUNCTION quay_internal.log_moved() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.log_count_month AS c (month, counted_id)
    SELECT DISTINCT date_trunc('month', m.datetime)::date, -1 FROM moved AS m WHERE isfinite(m.datetime) ORDER BY 1
    ON CONFLICT (month) DO UPDATE SET counted_id = -1 WHERE c.counted_id >= 0;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_moved() IS 'Trigger: months of the audit log that got rows by an UPDATE are to be counted anew.';

CREATE OR REPLACE TRIGGER log_moved AFTER UPDATE ON quay.logentry3 REFERENCING NEW TABLE AS moved
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.log_moved();

CREATE OR REPLACE FUNCTION quay_internal.log_truncated() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.log_count_month SET counted_id = -1;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_truncated() IS 'Trigger: all months of the audit log are to be counted anew.';

CREATE OR REPLACE TRIGGER log_truncated AFTER TRUNCATE ON quay.logentry3
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.log_truncated();

CREATE OR REPLACE FUNCTION quay_internal.log_count_month_update(month date, settled_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_count_month_update.month;
    stop CONSTANT timestamp := start + interval '1 month';
    counted bigint;
    last bigint;
    found_rows bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM quay_internal.log_count_month AS c WHERE c.month = log_count_month_update.month) THEN
        INSERT INTO quay_internal.log_count_month (month) VALUES (log_count_month_update.month) ON CONFLICT DO NOTHING;
    END IF;
    SELECT c.counted_id INTO counted FROM quay_internal.log_count_month AS c
    WHERE c.month = log_count_month_update.month FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;    -- another call counts it, or somebody deletes in it
    END IF;
    IF counted < 0 THEN
        DELETE FROM quay_internal.log_count_day AS c WHERE c.day >= start::date AND c.day < stop::date;
        counted := -9223372036854775808;
    END IF;
    SELECT count(*), max(l.id) INTO found_rows, last
    FROM (SELECT l.id FROM quay.logentry3 AS l
          WHERE l.id > counted AND l.id <= log_count_month_update.settled_id AND l.datetime >= start AND l.datetime < stop
          ORDER BY l.id LIMIT n) AS l;
    IF found_rows = 0 AND counted >= 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO quay_internal.log_count_day AS c (account_id, day, kind_id, count)
    SELECT CASE grouping(l.account_id) WHEN 0 THEN l.account_id ELSE -1 END, l.datetime::date, l.kind_id, count(*)
    FROM (SELECT t.account_id, t.datetime, t.kind_id FROM quay.logentry3 AS t
          WHERE t.id > counted AND t.id <= last AND t.datetime >= start AND t.datetime < stop
          ORDER BY t.id OFFSET 0) AS l
    GROUP BY GROUPING SETS ((l.account_id, l.datetime::date, l.kind_id), (l.datetime::date, l.kind_id))
    ON CONFLICT (account_id, day, kind_id) DO UPDATE SET count = c.count + EXCLUDED.count;
    UPDATE quay_internal.log_count_month AS c SET counted_id = greatest(last, 0) WHERE c.month = log_count_month_update.month;
    RETURN found_rows;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_month_update(date, bigint, integer) IS
    'Counts the next n rows of a month of the audit log, in the order of their ids up to that one, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.log_count_update(n integer DEFAULT 100000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    remaining bigint := quay_internal.batch_size(n);
    settled_id bigint := quay_internal.log_settled_id();
    next_month date;
BEGIN
    DELETE FROM quay_internal.log_count_month AS c WHERE c.month NOT IN (SELECT m.month FROM quay_internal.log_month_list() AS m);
    FOR next_month IN SELECT m.month FROM quay_internal.log_month_list() AS m ORDER BY m.month DESC LOOP
        remaining := remaining - quay_internal.log_count_month_update(next_month, settled_id, remaining::integer);
        EXIT WHEN remaining = 0;
    END LOOP;
    RETURN n - remaining;
END
$$;
COMMENT ON FUNCTION quay.log_count_update(integer) IS
    'Counts rows of the audit log beforehand, at most n, the newest months first, so that quay.log_count_by_day() need not, and returns how many: call again until it is 0, and every hour or so. The answers are right without it, only slower. Safe to stop, and to do twice at once. Rows that came in transactions which are still open are left for later. Errors: 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED.';

-- The part for one range that is counted row by row.
CREATE OR REPLACE FUNCTION quay_internal.log_count_rows(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_rows.start >= log_count_rows.stop THEN
        RETURN;
    ELSIF log_count_rows.account_id IS NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*) FROM quay.logentry3 AS l
            WHERE l.datetime >= log_count_rows.start AND l.datetime < log_count_rows.stop GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            -- The order asks for the index that begins with the namespace: see log_page().
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay.logentry3 AS t
                  WHERE t.account_id = ANY (ARRAY[log_count_rows.account_id])
                    AND t.datetime >= log_count_rows.start AND t.datetime < log_count_rows.stop
                  ORDER BY t.account_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_rows(bigint, timestamp, timestamp) IS
    'Rows of logentry3 per day and kind in start <= datetime < stop, of a namespace or (NULL) of all.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_month_read(account_id bigint, month date, counted_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    month_start CONSTANT timestamp := log_count_month_read.month;
    month_stop CONSTANT timestamp := month_start + interval '1 month';
    -- The whole days in the range; their edges are counted row by row.
    first_day CONSTANT timestamp := date_trunc('day', start + interval '1 day' - interval '1 microsecond');
    last_day CONSTANT timestamp := date_trunc('day', stop);
BEGIN
    IF first_day >= last_day THEN
        RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, start, stop);
        RETURN;
    END IF;
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, start, first_day);
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_month_read.account_id, last_day, stop);
    RETURN QUERY
        SELECT c.day, c.kind_id, c.count FROM quay_internal.log_count_day AS c
        WHERE c.account_id = coalesce(log_count_month_read.account_id, -1) AND c.day >= first_day::date AND c.day < last_day::date;
    -- The order makes it begin at the id: the index on datetime would lead through the whole month.
    RETURN QUERY
        SELECT l.datetime::date, l.kind_id, count(*)
        FROM (SELECT t.datetime, t.kind_id, t.account_id FROM quay.logentry3 AS t
              WHERE t.id > log_count_month_read.counted_id AND t.datetime >= month_start AND t.datetime < month_stop
              ORDER BY t.id OFFSET 0) AS l
        WHERE l.datetime >= first_day AND l.datetime < last_day
          AND (log_count_month_read.account_id IS NULL OR l.account_id = log_count_month_read.account_id)
        GROUP BY 1, 2;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_month_read(bigint, date, bigint, timestamp, timestamp) IS
    'Rows of a month of the audit log per day and kind, of which those up to counted_id are counted, in start <= datetime < stop.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_newest(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place timestamp := log_count_newest.start;
    counted record;
BEGIN
    FOR counted IN
        SELECT c.month, c.counted_id, greatest(c.month::timestamp, log_count_newest.start) AS start,
               least(c.month + interval '1 month', log_count_newest.stop) AS stop
        FROM quay_internal.log_month_list() AS m JOIN quay_internal.log_count_month AS c ON c.month = m.month
        WHERE c.counted_id >= 0 AND c.month + interval '1 month' > log_count_newest.start AND c.month::timestamp < log_count_newest.stop
        ORDER BY c.month
    LOOP
        RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_newest.account_id, place, counted.start);
        RETURN QUERY SELECT * FROM quay_internal.log_count_month_read(log_count_newest.account_id, counted.month, counted.counted_id,
                                                                      counted.start, counted.stop);
        place := counted.stop;
    END LOOP;
    RETURN QUERY SELECT * FROM quay_internal.log_count_rows(log_count_newest.account_id, place, log_count_newest.stop);
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_newest(bigint, timestamp, timestamp) IS
    'Rows of logentry3 per day and kind, of a namespace or (NULL) of all; a day may come in several parts.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_older(account_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_older.account_id IS NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT o.datetime, o.kind_id FROM quay.logentry2 AS o WHERE o.datetime >= start AND o.datetime < stop
                  UNION ALL
                  SELECT o.datetime, o.kind_id FROM quay.logentry AS o WHERE o.datetime >= start AND o.datetime < stop) AS l
            GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT o.datetime, o.kind_id FROM quay.logentry2 AS o
                  WHERE o.account_id = log_count_older.account_id AND o.datetime >= start AND o.datetime < stop
                  UNION ALL
                  SELECT o.datetime, o.kind_id FROM quay.logentry AS o
                  WHERE o.account_id = log_count_older.account_id AND o.datetime >= start AND o.datetime < stop) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_older(bigint, timestamp, timestamp) IS
    'Rows of logentry2 and logentry per day and kind, of a namespace or (NULL) of all.';

CREATE OR REPLACE FUNCTION quay_internal.log_count_of(account_id bigint, repository_id bigint, performer_id bigint, start timestamp, stop timestamp)
    RETURNS TABLE (day date, kind_id bigint, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
BEGIN
    IF log_count_of.repository_id IS NOT NULL THEN
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay_internal.log_entry AS t
                  WHERE t.repository_id = ANY (ARRAY[log_count_of.repository_id]) AND t.datetime >= start AND t.datetime < stop
                    AND (log_count_of.performer_id IS NULL OR t.performer_id = log_count_of.performer_id)
                  ORDER BY t.repository_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    ELSE
        RETURN QUERY
            SELECT l.datetime::date, l.kind_id, count(*)
            FROM (SELECT t.datetime, t.kind_id FROM quay_internal.log_entry AS t
                  WHERE t.performer_id = ANY (ARRAY[log_count_of.performer_id]) AND t.datetime >= start AND t.datetime < stop
                    AND (log_count_of.account_id IS NULL OR t.account_id = log_count_of.account_id)
                  ORDER BY t.performer_id, t.datetime OFFSET 0) AS l
            GROUP BY 1, 2;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_count_of(bigint, bigint, bigint, timestamp, timestamp) IS
    'Rows of the audit log per day and kind, in all generations, of a repository or of a performer.';

CREATE OR REPLACE FUNCTION quay.log_count_by_day(namespace text DEFAULT NULL, repository text DEFAULT NULL, performer text DEFAULT NULL,
                                                 start_time timestamptz DEFAULT NULL, end_time timestamptz DEFAULT NULL,
                                                 kinds text[] DEFAULT NULL, exclude_kinds text[] DEFAULT NULL, namespace_id bigint DEFAULT NULL,
                                                 repository_id bigint DEFAULT NULL, performer_id bigint DEFAULT NULL)
    RETURNS TABLE (day date, kind text, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    filter record := quay_internal.log_filter(log_count_by_day.namespace, log_count_by_day.repository, log_count_by_day.performer,
        log_count_by_day.kinds, log_count_by_day.exclude_kinds, log_count_by_day.namespace_id, log_count_by_day.repository_id,
        log_count_by_day.performer_id);
    start timestamp := greatest(log_count_by_day.start_time AT TIME ZONE 'UTC', '4000-01-01 BC');
    stop timestamp := coalesce(log_count_by_day.end_time AT TIME ZONE 'UTC', 'infinity');
    single boolean := num_nonnulls(filter.repository_only, filter.performer_only) > 0;
BEGIN
    RETURN QUERY
        SELECT c.day, k.name::text, sum(c.count)::bigint
        FROM (SELECT * FROM quay_internal.log_count_of(filter.account_id, filter.repository_only, filter.performer_only, start, stop) WHERE single
              UNION ALL
              SELECT * FROM quay_internal.log_count_newest(filter.account_id, start, stop) WHERE NOT single
              UNION ALL
              SELECT * FROM quay_internal.log_count_older(filter.account_id, start, stop) WHERE NOT single) AS c
        LEFT JOIN quay.logentrykind AS k ON k.id = c.kind_id
        WHERE (filter.kind_ids IS NULL OR c.kind_id = ANY (filter.kind_ids)) AND c.kind_id <> ALL (filter.other_kind_ids)
        GROUP BY c.day, k.name
        ORDER BY c.day, k.name;
END
$$;
COMMENT ON FUNCTION quay.log_count_by_day(text, text, text, timestamptz, timestamptz, text[], text[], bigint, bigint, bigint) IS
    'How many entries the audit log has, in all generations, per UTC day and kind, by the filters of quay.log_list(): exactly those that it would list. start_time <= datetime < end_time, of any length; a day that is cut by one of them counts with what is inside. No row where there is none. quay.log_count_update() makes it fast for a namespace and for the whole registry; of a repository or a performer the entries are counted one by one. Errors: as of quay.log_list().';

CREATE OR REPLACE FUNCTION quay.log_count_check() RETURNS TABLE (month date, day date, account_id bigint, kind text, counted bigint, rows_found bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        WITH counted AS (
            SELECT c.month, c.counted_id FROM quay_internal.log_count_month AS c JOIN quay_internal.log_month_list() AS m ON m.month = c.month
            WHERE c.counted_id >= 0
        ), found AS (
            SELECT m.month, l.datetime::date AS day, CASE grouping(l.account_id) WHEN 0 THEN l.account_id ELSE -1 END AS account_id, l.kind_id,
                   count(*) AS rows
            FROM counted AS m JOIN quay.logentry3 AS l ON date_trunc('month', l.datetime) = m.month AND l.id <= m.counted_id
            WHERE isfinite(l.datetime)
            GROUP BY GROUPING SETS ((m.month, l.account_id, l.datetime::date, l.kind_id), (m.month, l.datetime::date, l.kind_id))
        ), stored AS (
            SELECT m.month, c.day, c.account_id, c.kind_id, c.count
            FROM counted AS m JOIN quay_internal.log_count_day AS c ON date_trunc('month', c.day) = m.month
        )
        SELECT coalesce(s.month, f.month), coalesce(s.day, f.day), coalesce(s.account_id, f.account_id), k.name::text,
               coalesce(s.count, 0), coalesce(f.rows, 0)
        FROM stored AS s
        FULL JOIN found AS f ON f.month = s.month AND f.day = s.day AND f.account_id = s.account_id AND f.kind_id = s.kind_id
        LEFT JOIN quay.logentrykind AS k ON k.id = coalesce(s.kind_id, f.kind_id)
        WHERE s.count IS DISTINCT FROM f.rows
        ORDER BY 1, 2, 3, 4;
END
$$;
COMMENT ON FUNCTION quay.log_count_check() IS
    'What of the audit log was counted wrong: no row, ever, unless rows with lower ids than others were copied into a month that had been counted, or a partition was truncated directly. Then quay.log_count_reset() helps. account_id -1: of the whole registry. Reads the whole log.';

CREATE OR REPLACE FUNCTION quay.log_count_reset() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.log_count_month SET counted_id = -1 WHERE counted_id >= 0;
END
$$;
COMMENT ON FUNCTION quay.log_count_reset() IS
    'Has quay.log_count_update() count the whole audit log anew; until then the rows are counted when somebody asks. To be called after rows were copied into logentry3 with ids of their own.';

-- @part step api/503_log_export.sql
-- Exports of the audit log: the request is an item of the queue exportactionlogs, the worker reads batch after batch.

CREATE OR REPLACE FUNCTION quay.log_export_request(namespace text, repository text DEFAULT NULL, start_time timestamptz DEFAULT NULL,
                                                   end_time timestamptz DEFAULT NULL, kinds text[] DEFAULT NULL,
                                                   exclude_kinds text[] DEFAULT NULL, callback_url text DEFAULT NULL,
                                                   callback_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    export_id text := gen_random_uuid();
    start timestamp := coalesce(log_export_request.start_time AT TIME ZONE 'UTC', quay_internal.utc_now() - interval '1 day');
    stop timestamp := coalesce(log_export_request.end_time AT TIME ZONE 'UTC', quay_internal.utc_now());
    owner_id bigint;
    target_id bigint;
BEGIN
    IF num_nonnulls(callback_url, callback_email) = 0 OR callback_url !~ '^https?://' OR callback_email !~ '^[^@\s]+@[^@\s]+$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an export needs somebody to report to',
            DETAIL = format('URL: %s, e-mail address: %s.', coalesce(left(callback_url, 80), 'none'), coalesce(left(callback_email, 80), 'none')),
            HINT = 'Pass a URL that begins with http:// or https://, or an e-mail address.';
    END IF;
    IF NOT isfinite(start) OR NOT isfinite(stop) OR stop <= start THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an export must end after its start',
            DETAIL = format('It is from %s to %s.', start, stop),
            HINT = 'Pass two times, the earlier one first; the end itself is not exported.';
    END IF;
    PERFORM quay_internal.log_kind_ids(kinds), quay_internal.log_kind_ids(exclude_kinds);
    SELECT u.id, (SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = u.id AND r.name = log_export_request.repository AND r.state <> 3)
    INTO owner_id, target_id
    FROM quay."user" AS u WHERE u.username = log_export_request.namespace AND NOT u.robot;
    IF owner_id IS NULL OR log_export_request.repository IS NOT NULL AND target_id IS NULL THEN
        RETURN NULL;
    END IF;

    -- The reference's worker knows days, of which it takes the last one whole; ours the rest.
    PERFORM quay_internal.queue_add(quay_internal.queue_path('exportactionlogs', log_export_request.namespace), jsonb_build_object(
        'export_id', export_id, 'repository_id', target_id, 'namespace_id', owner_id,
        'namespace_name', log_export_request.namespace, 'repository_name', log_export_request.repository,
        'start_time', to_char(start, 'MM/DD/YYYY'), 'end_time', to_char(stop - interval '1 microsecond', 'MM/DD/YYYY'),
        'callback_url', callback_url, 'callback_email', callback_email,
        'start_ms', floor(extract(epoch FROM start) * 1000)::bigint, 'end_ms', ceil(extract(epoch FROM stop) * 1000)::bigint,
        'kinds', to_jsonb(kinds), 'exclude_kinds', to_jsonb(exclude_kinds)), retries => 3);
    RETURN export_id;
END
$$;
COMMENT ON FUNCTION quay.log_export_request(text, text, timestamptz, timestamptz, text[], text[], text, text) IS
'Asks for an export of the audit log of a namespace, or of a repository in it, and returns the id of the export; NULL if there is no such namespace or repository. start_time <= datetime < end_time, to the millisecond; NULL: the last 24 hours. kinds, exclude_kinds: as for quay.log_list(). callback_url, callback_email: where the worker reports to, one at least.

The request is an item of the queue exportactionlogs, path [namespace], with 3 retries. Its body, which the reference''s worker understands too: export_id, namespace_id, namespace_name, repository_id, repository_name (null for none), start_time and end_time (days, MM/DD/YYYY, the last one included), callback_url, callback_email; and besides start_ms, end_ms, kinds, exclude_kinds (null for all and none). Whether somebody may export is for the front end to ask first.
Errors: QY009 unknown kind, 22023 nobody to report to, end not after the start.';

CREATE OR REPLACE FUNCTION quay_internal.log_export_time(body jsonb, prefix text) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ms text := body ->> (prefix || '_ms');
    day text[] := regexp_match(body ->> (prefix || '_time'), '^(\d\d)/(\d\d)/(\d{4})$');
BEGIN
    IF ms ~ '^-?\d{1,14}$' THEN
        RETURN timestamp '1970-01-01' + ms::bigint * interval '1 millisecond';
    END IF;
    -- A body of the reference: the last day counts whole.
    RETURN make_date(day[3]::integer, day[1]::integer, day[2]::integer) + CASE prefix WHEN 'end' THEN interval '1 day' ELSE interval '0' END;
EXCEPTION
    WHEN datetime_field_overflow THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_export_time(jsonb, text) IS 'start or end of an export, out of the body of its item; NULL if it has none.';

CREATE OR REPLACE FUNCTION quay.log_export_read(body jsonb, after text DEFAULT NULL, n integer DEFAULT 1000)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start timestamp := quay_internal.log_export_time(body, 'start');
    stop timestamp := quay_internal.log_export_time(body, 'end');
    names record;
    filter record;
BEGIN
    IF start IS NULL OR stop IS NULL OR coalesce(body ->> 'namespace_id', '') !~ '^\d{1,18}$' OR body ->> 'repository_id' !~ '^\d{1,18}$'
       OR coalesce(jsonb_typeof(body -> 'kinds'), 'null') NOT IN ('array', 'null')
       OR coalesce(jsonb_typeof(body -> 'exclude_kinds'), 'null') NOT IN ('array', 'null') THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed request of an export',
            DETAIL = format('namespace_id %s, from %s to %s.', left(coalesce(body ->> 'namespace_id', 'NULL'), 80), coalesce(start::text, 'NULL'),
                coalesce(stop::text, 'NULL')),
            HINT = 'Pass the body of an item of the queue exportactionlogs.';
    END IF;
    names := (CASE jsonb_typeof(body -> 'kinds') WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(body -> 'kinds')) END,
              CASE jsonb_typeof(body -> 'exclude_kinds') WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(body -> 'exclude_kinds')) END);
    filter := quay_internal.log_filter(NULL, NULL, NULL, names.f1, names.f2, (body ->> 'namespace_id')::bigint,
        (body ->> 'repository_id')::bigint, NULL);
    RETURN QUERY
        SELECT * FROM quay_internal.log_read(filter.account_id, filter.repository_only, NULL, filter.kind_ids, filter.other_kind_ids, start, stop,
            log_export_read.after, quay_internal.page_size(log_export_read.n));
END
$$;
COMMENT ON FUNCTION quay.log_export_read(jsonb, text, integer) IS
'The next n entries of an export, of all generations, in the order and with the columns of quay.log_list(). body: that of the item; NULL as after begins, the cursor of the last row goes on; no row is the end. A batch is all that it takes of memory, and a worker that crashed begins where its last cursor was. Since entries come newest first, from the end on, none that arrives meanwhile gets in between. Errors: 22023 malformed body or cursor, n negative, QY009 unknown kind.';

-- @part step api/504_log_retention.sql
-- Taking old months out of the audit log. A month is the unit, of a generation: first somebody may take a copy of it and say so, then it
-- goes: a month of logentry3 by dropping its partition, what has none by bounded batches of rows.

CREATE OR REPLACE FUNCTION quay_internal.log_cutoff(older_than interval) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retention interval := coalesce(older_than, nullif(quay_internal.setting('log_retention')::integer, 0) * interval '1 second');
BEGIN
    IF older_than < interval '7 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY101',
            MESSAGE = 'audit log is too young to be removed',
            DETAIL = format('Entries older than %s were named.', older_than),
            HINT = 'Nothing younger than 7 days can be removed.';
    END IF;
    RETURN date_trunc('month', quay_internal.utc_now() - greatest(retention, CASE WHEN retention IS NOT NULL THEN interval '7 days' END));
END
$$;
COMMENT ON FUNCTION quay_internal.log_cutoff(interval) IS
    'The first day of the month that is the oldest to stay; NULL: all stay. NULL as argument means quay.log_retention. Errors: QY101 less than 7 days.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_next(generation integer, at timestamp) RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN CASE generation
        WHEN 1 THEN (SELECT l.datetime FROM quay.logentry AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1)
        WHEN 2 THEN (SELECT l.datetime FROM quay.logentry2 AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1)
        ELSE (SELECT l.datetime FROM quay.logentry3_default AS l WHERE l.datetime >= at ORDER BY l.datetime LIMIT 1) END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_next(integer, timestamp) IS
    'Time of the first row from then on in logentry, logentry2 or (3) the default partition of logentry3.';

CREATE OR REPLACE FUNCTION quay_internal.log_unit_list(cutoff date) RETURNS TABLE (generation integer, month date, partition text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place timestamp;
BEGIN
    FOREACH generation IN ARRAY ARRAY[1, 2, 3] LOOP
        place := '4000-01-01 BC';
        LOOP
            place := quay_internal.log_month_next(generation, place);
            EXIT WHEN place IS NULL OR NOT isfinite(place) OR place >= cutoff OR cutoff IS NULL;
            month := date_trunc('month', place);
            RETURN NEXT;
            place := month + interval '1 month';
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT 3, m.month, m.partition FROM quay_internal.log_month_list() AS m WHERE m.month < cutoff;
END
$$;
COMMENT ON FUNCTION quay_internal.log_unit_list(date) IS
    'Months before the cutoff that the audit log has, in each generation; partition: of logentry3, NULL where rows have no partition of their own.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_rows(generation integer, month date, OUT row_count bigint, OUT last_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    start CONSTANT timestamp := log_month_rows.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    SELECT count(*), max(l.id) INTO row_count, last_id
    FROM quay_internal.log_entry AS l
    WHERE l.generation = log_month_rows.generation AND l.datetime >= start AND l.datetime < stop;
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_rows(integer, date) IS 'How many rows a month of a generation of the audit log has, and their greatest id.';

CREATE OR REPLACE FUNCTION quay_internal.log_month_has_later(generation integer, month date, last_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_month_has_later.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    -- The order makes it begin at the id.
    RETURN EXISTS (SELECT FROM quay_internal.log_entry AS l
                   WHERE l.id > log_month_has_later.last_id AND l.generation = log_month_has_later.generation
                     AND l.datetime >= start AND l.datetime < stop
                   ORDER BY l.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay_internal.log_month_has_later(integer, date, bigint) IS
    'Has a month of a generation of the audit log a row with a greater id?';

CREATE OR REPLACE FUNCTION quay.log_archive_list(older_than interval DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (generation integer, month date, partition text, archived boolean, archive text, last_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.generation, u.month, u.partition, a.month IS NOT NULL AND NOT quay_internal.log_month_has_later(a.generation, a.month, a.last_id),
               a.archive, a.last_id
        FROM quay_internal.log_unit_list(quay_internal.log_cutoff(log_archive_list.older_than)) AS u
        LEFT JOIN quay_internal.log_archive AS a ON a.generation = u.generation AND a.month = u.month
        ORDER BY u.month, u.generation
        LIMIT quay_internal.page_size(log_archive_list.n);
END
$$;
COMMENT ON FUNCTION quay.log_archive_list(interval, integer) IS
    'Months of the audit log that may go, the oldest first, at most n: all their entries are older than that, NULL: than quay.log_retention (no row if that is 0). generation 3, 2, 1: of logentry3, logentry2, logentry. partition: the table that will be dropped; NULL: rows will be deleted. archived: log_archive_confirm() was told of a copy, and no row has come since; archive: what it was told. Errors: QY101 less than 7 days, 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.log_archive_read(generation integer, month date, after text DEFAULT NULL, n integer DEFAULT 5000)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, account_id bigint, performer_id bigint, repository_id bigint, ip text,
                   metadata_json text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    place record := quay_internal.log_cursor_read(log_archive_read.after);
    page_size integer := quay_internal.page_size(n);
    start timestamp := greatest(date_trunc('month', log_archive_read.month::timestamp), place.at);
    stop timestamp := date_trunc('month', log_archive_read.month::timestamp) + interval '1 month';
    last_id bigint := coalesce(place.id, -9223372036854775808);
    last_at timestamp := coalesce(place.at, '-infinity');
BEGIN
    RETURN QUERY
        SELECT l.id, l.datetime, (SELECT k.name::text FROM quay.logentrykind AS k WHERE k.id = l.kind_id), l.account_id, l.performer_id,
               l.repository_id, l.ip::text, l.metadata_json, quay_internal.log_cursor(l.datetime, l.id, l.generation)
        FROM quay_internal.log_entry AS l
        WHERE l.generation = log_archive_read.generation AND l.datetime >= start AND l.datetime < stop AND (l.datetime, l.id) > (last_at, last_id)
        ORDER BY l.datetime, l.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.log_archive_read(integer, date, text, integer) IS
    'Rows of a month of a generation of the audit log, the oldest first, at most n, those after the cursor: all columns as they are, for an archive. Errors: 22023 malformed cursor, n negative.';

CREATE OR REPLACE FUNCTION quay.log_archive_confirm(generation integer, month date, row_count bigint, last_id bigint, archive text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', log_archive_confirm.month::timestamp);
    settled boolean;
    found record;
BEGIN
    IF log_archive_confirm.generation IS NULL OR log_archive_confirm.generation NOT IN (1, 2, 3) OR first_day IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown month of the audit log',
            DETAIL = format('Generation %s, month %s.', coalesce(log_archive_confirm.generation::text, 'NULL'), coalesce(first_day::text, 'NULL')),
            HINT = 'Pass what quay.log_archive_list() answered.';
    END IF;
    -- Nobody may add a row with such an id any more; what the next statement sees is all there will be.
    settled := CASE log_archive_confirm.generation
        WHEN 3 THEN quay_internal.log_settled_id() >= coalesce(log_archive_confirm.last_id, 0)
        ELSE quay_internal.log_writers(log_archive_confirm.generation) = '{}' END;
    PERFORM quay_internal.log_require_primary();
    found := quay_internal.log_month_rows(log_archive_confirm.generation, first_day);
    IF NOT settled OR found.row_count IS DISTINCT FROM log_archive_confirm.row_count
       OR found.last_id IS DISTINCT FROM log_archive_confirm.last_id THEN
        RETURN false;
    END IF;
    INSERT INTO quay_internal.log_archive AS a (generation, month, last_id, row_count, archive, archived_ms)
    VALUES (log_archive_confirm.generation, first_day, coalesce(log_archive_confirm.last_id, 0), log_archive_confirm.row_count,
            log_archive_confirm.archive, quay_internal.clock_ms())
    ON CONFLICT ON CONSTRAINT pk_log_archive DO UPDATE
        SET last_id = EXCLUDED.last_id, row_count = EXCLUDED.row_count, archive = EXCLUDED.archive, archived_ms = EXCLUDED.archived_ms;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.log_archive_confirm(integer, date, bigint, bigint, text) IS
    'Says that there is a copy of a month: how many rows log_archive_read() answered, and the greatest log_id among them (NULL if none). archive: where it is. false, and nothing is noted: the month has other rows by now, or a transaction that may add some is still open; read it again, later. Errors: 22023 no such generation, 25006 on a standby, 55000 not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_removal_note(generation integer, month date) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What stays of a month: where its copy is, and the end of its chain.
    INSERT INTO quay_internal.log_removed (generation, month, removed_ms, archive, row_count, sealed_rows, last_id, hash)
    SELECT log_removal_note.generation, log_removal_note.month, quay_internal.clock_ms(), a.archive, a.row_count, s.sealed_rows, s.last_id, s.hash
    FROM (VALUES (1)) AS one
    LEFT JOIN quay_internal.log_archive AS a ON a.generation = log_removal_note.generation AND a.month = log_removal_note.month
    LEFT JOIN LATERAL (
        SELECT sum(b.row_count) AS sealed_rows, max(b.last_id) AS last_id, (array_agg(b.hash ORDER BY b.block DESC))[1] AS hash
        FROM quay_internal.log_seal_block AS b WHERE b.month = log_removal_note.month) AS s ON log_removal_note.generation = 3;
    DELETE FROM quay_internal.log_archive AS a WHERE a.generation = log_removal_note.generation AND a.month = log_removal_note.month;
    IF log_removal_note.generation = 3 THEN
        DELETE FROM quay_internal.log_seal_block AS b WHERE b.month = log_removal_note.month;
        DELETE FROM quay_internal.log_count_month AS c WHERE c.month = log_removal_note.month;
        DELETE FROM quay_internal.log_count_day AS c
        WHERE c.day >= log_removal_note.month AND c.day < (log_removal_note.month + interval '1 month')::date;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_removal_note(integer, date) IS
    'Writes down that a month of the audit log is gone, and deletes what belonged to it: counts, seals, the note of its copy.';

-- Who waits for the lock keeps everybody waiting who comes after him, so he waits for half a second only.
CREATE OR REPLACE FUNCTION quay.log_partition_drop(month date, keep_in text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    first_day date := date_trunc('month', log_partition_drop.month::timestamp);
    name text;
    copied_id bigint;
    late boolean;
BEGIN
    PERFORM quay_internal.log_require_primary();
    IF first_day + interval '1 month' > quay_internal.utc_now() - interval '7 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY101',
            MESSAGE = 'audit log is too young to be removed',
            DETAIL = format('The month of %s is not over for 7 days.', to_char(first_day, 'YYYY-MM')),
            HINT = 'Nothing younger than 7 days can be removed.';
    END IF;
    IF NOT EXISTS (SELECT FROM quay_internal.log_month_list() AS m WHERE m.month = first_day) THEN
        RETURN 'unknown';
    END IF;
    BEGIN
        -- In the order in which readers and writers lock: the whole, then the parts.
        LOCK TABLE ONLY quay.logentry3 IN ACCESS EXCLUSIVE MODE;
        SELECT m.partition INTO name FROM quay_internal.log_month_list() AS m WHERE m.month = first_day;
        IF name IS NULL THEN
            RETURN 'unknown';
        END IF;
        SELECT a.last_id INTO copied_id FROM quay_internal.log_archive AS a WHERE a.generation = 3 AND a.month = first_day;
        EXECUTE format('SELECT EXISTS (SELECT FROM quay.%I WHERE id > $1)', name) INTO late USING copied_id;
        IF (copied_id IS NULL OR late) AND quay_internal.setting('log_archive_required')::boolean THEN
            RAISE EXCEPTION USING ERRCODE = 'QY102',
                MESSAGE = 'month of the audit log is not archived',
                DETAIL = CASE WHEN late THEN format('%s has rows that came after its copy.', name) ELSE format('There is no copy of %s.', name) END,
                HINT = 'Read it with quay.log_archive_read() and call quay.log_archive_confirm(), or turn quay.log_archive_required off.';
        END IF;
        IF keep_in IS NULL THEN
            EXECUTE format('DROP TABLE quay.%I', name);
        ELSE
            EXECUTE format('ALTER TABLE quay.logentry3 DETACH PARTITION quay.%I', name);
            EXECUTE format('ALTER TABLE quay.%I SET SCHEMA %I', name, keep_in);
        END IF;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN 'busy';
    END;
    PERFORM quay_internal.log_removal_note(3, first_day);
    RETURN CASE WHEN keep_in IS NULL THEN 'dropped' ELSE 'detached' END;
END
$$;
COMMENT ON FUNCTION quay.log_partition_drop(date, text) IS
'Drops the partition of a month of the audit log, or, with keep_in, makes it a table of its own in that schema: dropped, detached, unknown (there is none), or busy: others use the audit log right now; try again. Its place, its copy and the end of its chain stay noted in quay_internal.log_removed.

Locks the audit log against everybody (ACCESS EXCLUSIVE) until the end of the transaction, so call it in one of its own; it takes milliseconds. It waits for the lock for half a second at most, as long as which others may have to wait behind it. For the owner of the tables.
Errors: QY101 not over for 7 days, QY102 no copy was confirmed, or rows came since (with quay.log_archive_required), 3F000 no such schema, 25006 on a standby, 55000 not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.log_rows_delete(generation integer, month date, last_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_rows_delete.month;
    stop CONSTANT timestamp := start + interval '1 month';
    deleted bigint;
BEGIN
    -- By time and by id: neither a newer row between old ids goes, nor one that came after the copy.
    CASE log_rows_delete.generation
        WHEN 1 THEN
            DELETE FROM quay.logentry AS l WHERE l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
        WHEN 2 THEN
            DELETE FROM quay.logentry2 AS l WHERE l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry2 AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
        ELSE
            DELETE FROM quay.logentry3_default AS l WHERE l.datetime >= start AND l.datetime < stop AND l.id = ANY (ARRAY(
                SELECT o.id FROM quay.logentry3_default AS o WHERE o.datetime >= start AND o.datetime < stop AND o.id <= log_rows_delete.last_id
                ORDER BY o.datetime LIMIT n));
    END CASE;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.log_rows_delete(integer, date, bigint, integer) IS
    'Deletes at most n rows of a month of logentry, logentry2 or (3) the default partition, with ids up to that one, and returns how many.';

CREATE OR REPLACE FUNCTION quay.log_retain(older_than interval DEFAULT NULL, n integer DEFAULT 5000)
    RETURNS TABLE (generation integer, month date, deleted bigint, outcome text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    cutoff date := quay_internal.log_cutoff(log_retain.older_than);
    required boolean := quay_internal.setting('log_archive_required')::boolean;
    unit record;
BEGIN
    PERFORM quay_internal.log_require_primary();
    FOR unit IN
        SELECT u.generation, u.month, u.partition, CASE WHEN required THEN a.last_id ELSE 9223372036854775807 END AS last_id
        FROM quay_internal.log_unit_list(cutoff) AS u
        LEFT JOIN quay_internal.log_archive AS a ON a.generation = u.generation AND a.month = u.month
        WHERE NOT required OR a.month IS NOT NULL
        ORDER BY u.month, u.generation
    LOOP
        -- Two calls at once take two months.
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(format('quay log %s %s', unit.generation, unit.month), 0));
        generation := unit.generation;
        month := unit.month;
        deleted := 0;
        IF unit.partition IS NULL THEN
            deleted := quay_internal.log_rows_delete(generation, month, unit.last_id, batch);
            outcome := 'deleting';
            IF coalesce(quay_internal.log_month_next(generation, month) >= month + interval '1 month', true) THEN
                PERFORM quay_internal.log_removal_note(generation, month);
                outcome := 'deleted';
            END IF;
        ELSE
            BEGIN
                outcome := quay.log_partition_drop(month);
            EXCEPTION
                WHEN SQLSTATE 'QY102' THEN
                    CONTINUE;    -- late rows: to be archived again
            END;
        END IF;
        IF deleted > 0 OR outcome <> 'deleting' THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_retain(interval, integer) IS
'One step of the removal of old audit log, the oldest month first: drops the partition of one month (outcome: dropped, or busy: try again later), or deletes at most n rows of a month that has none, in logentry, logentry2 and the default partition (deleting, and with the last ones deleted). No row: there is nothing (more) to do. older_than: what may go, months that are wholly older; NULL: quay.log_retention, by which nothing goes if it is 0. With quay.log_archive_required only what log_archive_confirm() was told of. One step per transaction; safe to repeat, to stop, and to do twice at once. For the owner of the tables: see quay.log_partition_drop() for what it locks. Errors: QY101 less than 7 days, 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED.';

-- @part step api/505_log_seal.sql
-- Evidence that nobody has changed the audit log: a chain of hashes for each month.
--
-- Writers know nothing of it. Maintenance seals, in the order of their ids, rows up to one that is settled (log_settled_id()), so that no
-- row can come in between later. A block covers some rows: the digest of each, and a hash over these and over the block before. The last
-- hash of a month stands for all its rows; who keeps a copy of it elsewhere can prove that they are the same. The digest of a row is stored
-- in part, only to say which one was touched.

CREATE OR REPLACE FUNCTION quay_internal.log_leaf(id bigint, kind_id bigint, account_id bigint, performer_id bigint, repository_id bigint,
                                                  datetime timestamp, ip text, metadata_json text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(id, kind_id, account_id, performer_id, repository_id,
        datetime, ip, metadata_json)::text, 'UTF8'));
COMMENT ON FUNCTION quay_internal.log_leaf(bigint, bigint, bigint, bigint, bigint, timestamp, text, text) IS
    'SHA-256 of a row of the audit log: of the JSON array of all its columns, in their order, as PostgreSQL writes jsonb, in UTF-8. The time is in the form of ISO 8601.';

CREATE OR REPLACE FUNCTION quay_internal.log_block_hash(month date, block integer, first_id bigint, last_id bigint, row_count bigint,
                                                        sealed_ms bigint, before bytea, leaves bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws(' ', 'quay log', pg_catalog.to_char(month::timestamp, 'YYYY-MM'), block,
        first_id, last_id, row_count, sealed_ms, pg_catalog.encode(before, 'hex'), pg_catalog.encode(pg_catalog.sha256(leaves), 'hex')), 'UTF8'));
COMMENT ON FUNCTION quay_internal.log_block_hash(date, integer, bigint, bigint, bigint, bigint, bytea, bytea) IS
    'Hash of a block: SHA-256 of the text "quay log <YYYY-MM> <block> <first_id> <last_id> <rows> <sealed_ms> <hash of the block before> <SHA-256 of the digests of the rows, one after the other>", hashes in hexadecimal; the first block has an empty hash before it.';

CREATE OR REPLACE FUNCTION quay_internal.log_signature(hash bytea) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.secret_digest('quay log seal ' || encode(hash, 'hex'));
END
$$;
COMMENT ON FUNCTION quay_internal.log_signature(bytea) IS
    'Signature of a hash of the audit log, with a key that is derived from quay.database_secret_key. Errors: 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.log_seal_block_add(month date, settled_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_seal_block_add.month;
    stop CONSTANT timestamp := start + interval '1 month';
    before quay_internal.log_seal_block;
    rows record;
    sealed_ms bigint := quay_internal.clock_ms();
    hash bytea;
BEGIN
    SELECT * INTO before FROM quay_internal.log_seal_block AS b WHERE b.month = log_seal_block_add.month ORDER BY b.block DESC LIMIT 1;
    SELECT count(*) AS count, array_agg(l.id ORDER BY l.id) AS ids, string_agg(l.leaf, '' ORDER BY l.id) AS leaves,
           string_agg(substr(l.leaf, 1, 8), '' ORDER BY l.id) AS prefixes
    INTO rows
    FROM (SELECT t.id, quay_internal.log_leaf(t.id, t.kind_id, t.account_id, t.performer_id, t.repository_id, t.datetime, t.ip, t.metadata_json) AS leaf
          FROM quay.logentry3 AS t
          WHERE t.id > coalesce(before.last_id, -9223372036854775808) AND t.id <= log_seal_block_add.settled_id
            AND t.datetime >= start AND t.datetime < stop
          ORDER BY t.id LIMIT n) AS l;
    IF rows.count > 0 THEN
        hash := quay_internal.log_block_hash(log_seal_block_add.month, coalesce(before.block, 0) + 1, rows.ids[1], rows.ids[rows.count],
            rows.count, sealed_ms, coalesce(before.hash, ''), rows.leaves);
        INSERT INTO quay_internal.log_seal_block (month, block, first_id, last_id, row_count, sealed_ms, hash, seal, ids, leaves)
        VALUES (log_seal_block_add.month, coalesce(before.block, 0) + 1, rows.ids[1], rows.ids[rows.count], rows.count, sealed_ms, hash,
                CASE WHEN quay_internal.setting('log_seal_keyed')::boolean THEN quay_internal.log_signature(hash) END, rows.ids, rows.prefixes);
    END IF;
    RETURN rows.count;
END
$$;
COMMENT ON FUNCTION quay_internal.log_seal_block_add(date, bigint, integer) IS
    'Adds a block of at most n rows, with ids up to that one, to the chain of a month, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.log_seal(n integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    block_size CONSTANT integer := 1000;
    remaining bigint := quay_internal.batch_size(n);
    settled_id bigint := quay_internal.log_settled_id();
    unsealed_month date;
    sealed bigint;
BEGIN
    FOR unsealed_month IN SELECT m.month FROM quay_internal.log_month_list() AS m ORDER BY m.month LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(format('quay log seal %s', unsealed_month), 0));
        LOOP
            sealed := quay_internal.log_seal_block_add(unsealed_month, settled_id, least(remaining, block_size)::integer);
            remaining := remaining - sealed;
            EXIT WHEN sealed < block_size OR remaining = 0;
        END LOOP;
        EXIT WHEN remaining = 0;
    END LOOP;
    RETURN n - remaining;
END
$$;
COMMENT ON FUNCTION quay.log_seal(integer) IS
'Seals at most n rows of the audit log, the oldest months first, and returns how many: call again until it is 0. A row is sealed once all rows with lower ids are there that there will ever be, so rows of transactions that are under way wait for a later call, and nothing else waits for anything. Rows that have no month of their own (the default partition) and the older generations are not sealed. With quay.log_seal_keyed each block is signed as well. Safe to stop, and to do twice at once. Errors: 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED, or no key is set.';

CREATE OR REPLACE FUNCTION quay.log_seal_list()
    RETURNS TABLE (month date, blocks integer, row_count bigint, last_id bigint, hash text, sealed_ms bigint, removed boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT b.month, max(b.block), sum(b.row_count)::bigint, max(b.last_id), encode((array_agg(b.hash ORDER BY b.block DESC))[1], 'hex'),
               max(b.sealed_ms), false
        FROM quay_internal.log_seal_block AS b GROUP BY b.month
        UNION ALL
        SELECT r.month, NULL, r.sealed_rows, r.last_id, encode(r.hash, 'hex'), r.removed_ms, true
        FROM quay_internal.log_removed AS r WHERE r.hash IS NOT NULL
        ORDER BY 1, 7 DESC, 6;
END
$$;
COMMENT ON FUNCTION quay.log_seal_list() IS
    'The end of the chain of each month of the audit log: how many rows it covers, up to which id, and the hash that stands for them all. Keep a copy where nobody can write who can write here: quay.log_verify() compares with it. removed: the month is gone, this is what it ended with, and sealed_ms is when it went.';

CREATE OR REPLACE FUNCTION quay_internal.log_block_fault(block quay_internal.log_seal_block, from_id bigint,
                                                         OUT fault text, OUT log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start CONSTANT timestamp := block.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    IF cardinality(block.ids) <> block.row_count OR length(block.leaves) <> 8 * block.row_count THEN
        fault := 'chain';
        RETURN;
    END IF;
    SELECT CASE WHEN f.id IS NULL THEN 'deleted' WHEN s.id IS NULL THEN 'inserted' ELSE 'changed' END, coalesce(f.id, s.id)
    INTO fault, log_id
    FROM (SELECT i.id, substr(block.leaves, (i.place::integer - 1) * 8 + 1, 8) AS leaf
          FROM unnest(block.ids) WITH ORDINALITY AS i (id, place)) AS s
    FULL JOIN (SELECT l.id, substr(quay_internal.log_leaf(l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip,
                                                          l.metadata_json), 1, 8) AS leaf
               FROM quay.logentry3 AS l
               WHERE l.id > from_id AND l.id <= block.last_id AND l.datetime >= start AND l.datetime < stop) AS f ON f.id = s.id
    WHERE s.leaf IS DISTINCT FROM f.leaf
    ORDER BY coalesce(f.id, s.id) LIMIT 1;
    IF NOT FOUND THEN
        fault := 'chain';    -- the rows are those of the block, but the block is not what was sealed
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_block_fault(quay_internal.log_seal_block, bigint) IS
    'What is wrong with a block whose hash does not match, and the first row concerned: see quay.log_verify().';

CREATE OR REPLACE FUNCTION quay_internal.log_verify_month(month date, anchor_id bigint, anchor_hash text,
                                                          OUT sealed_rows bigint, OUT last_id bigint, OUT hash text, OUT fault text, OUT log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_verify_month.month;
    stop CONSTANT timestamp := start + interval '1 month';
    block quay_internal.log_seal_block;
    before bytea := ''::bytea;
    computed bytea;
    number integer := 0;
    from_id bigint := -9223372036854775808;
    anchored boolean := false;
BEGIN
    sealed_rows := 0;
    FOR block IN SELECT * FROM quay_internal.log_seal_block AS b WHERE b.month = log_verify_month.month ORDER BY b.block LOOP
        number := number + 1;
        IF block.block <> number THEN
            fault := 'chain';
            RETURN;
        END IF;
        SELECT quay_internal.log_block_hash(block.month, number, block.first_id, block.last_id, count(*), block.sealed_ms, before,
                                            coalesce(string_agg(l.leaf, '' ORDER BY l.id), ''))
        INTO computed
        FROM (SELECT t.id, quay_internal.log_leaf(t.id, t.kind_id, t.account_id, t.performer_id, t.repository_id, t.datetime, t.ip, t.metadata_json) AS leaf
              FROM quay.logentry3 AS t
              WHERE t.id > from_id AND t.id <= block.last_id AND t.datetime >= start AND t.datetime < stop
              ORDER BY t.id) AS l;
        IF computed <> block.hash THEN
            SELECT * INTO fault, log_id FROM quay_internal.log_block_fault(block, from_id);
            RETURN;
        END IF;
        IF block.seal IS NOT NULL AND NOT quay_internal.secret_equal(block.seal, quay_internal.log_signature(block.hash)) THEN
            fault := 'signature';
            log_id := block.first_id;
            RETURN;
        END IF;
        anchored := anchored OR block.last_id = anchor_id AND encode(block.hash, 'hex') = lower(anchor_hash);
        before := block.hash;
        from_id := block.last_id;
        sealed_rows := sealed_rows + block.row_count;
        last_id := block.last_id;
        hash := encode(block.hash, 'hex');
    END LOOP;
    IF NOT anchored AND num_nonnulls(anchor_id, anchor_hash) > 0 THEN
        fault := 'anchor';
        log_id := anchor_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_verify_month(date, bigint, text) IS
    'Computes the chain of a month anew, block after block, up to the first fault: see quay.log_verify().';

CREATE OR REPLACE FUNCTION quay.log_verify(month date DEFAULT NULL, anchor_id bigint DEFAULT NULL, anchor_hash text DEFAULT NULL)
    RETURNS TABLE (sealed_month date, ok boolean, sealed_rows bigint, last_id bigint, hash text, fault text, log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF log_verify.month IS NULL AND num_nonnulls(anchor_id, anchor_hash) > 0 OR num_nonnulls(anchor_id, anchor_hash) = 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an anchor is of a month, and has an id and a hash',
            DETAIL = format('Month %s, id %s, hash %s.', coalesce(log_verify.month::text, 'NULL'), coalesce(anchor_id::text, 'NULL'),
                coalesce(left(anchor_hash, 80), 'NULL')),
            HINT = 'Pass month, last_id and hash of a row that quay.log_seal_list() once answered.';
    END IF;
    RETURN QUERY
        SELECT m.month, v.fault IS NULL, v.sealed_rows, v.last_id, v.hash, v.fault, v.log_id
        FROM (SELECT date_trunc('month', log_verify.month::timestamp)::date AS month WHERE log_verify.month IS NOT NULL
              UNION ALL
              SELECT DISTINCT b.month FROM quay_internal.log_seal_block AS b WHERE log_verify.month IS NULL
              ORDER BY 1) AS m
        CROSS JOIN LATERAL quay_internal.log_verify_month(m.month, log_verify.anchor_id, log_verify.anchor_hash) AS v;
END
$$;
COMMENT ON FUNCTION quay.log_verify(date, bigint, text) IS
'Is the sealed part of a month of the audit log, NULL: of each, what it was when it was sealed? One row per month: how many rows are proven, up to which id, and the hash that they end with. If ok is false: the first row that was deleted, inserted or changed since (fault, log_id), or chain: a block of the chain itself was tampered with, signature: the block that begins with this row was not signed with the key that the server has now, anchor: the chain has no block with this id and hash.

anchor_id, anchor_hash: last_id and hash that quay.log_seal_list() once answered for that month, kept elsewhere. Without them somebody who can write the chain could make a new one; with them not: everything up to the anchor is proven. A month that is gone has no rows to verify, its last hash is in quay.log_seal_list(). Reads the rows of the month; runs on a standby.
Errors: 22023 anchor without month, id or hash; of a signed month 55000 no key is set, 42501 for a role of kind reader, which may not use the key.';

CREATE OR REPLACE FUNCTION quay.log_seal_rekey() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed bigint;
BEGIN
    PERFORM quay_internal.log_require_primary();
    UPDATE quay_internal.log_seal_block AS b SET seal = s.seal
    FROM (SELECT o.month, o.block, quay_internal.log_signature(o.hash) AS seal FROM quay_internal.log_seal_block AS o WHERE o.seal IS NOT NULL) AS s
    WHERE b.month = s.month AND b.block = s.block AND b.seal IS DISTINCT FROM s.seal;
    GET DIAGNOSTICS signed = ROW_COUNT;
    RETURN signed;
END
$$;
COMMENT ON FUNCTION quay.log_seal_rekey() IS
    'Signs all signed blocks of the audit log anew, and returns how many had another signature: after quay.database_secret_key was exchanged. Call quay.log_verify() before, while the old key is set: what this signs nobody can doubt later. Errors: 55000 no key is set.';

-- @part step api/510_queue_put.sql
-- Putting work into a queue. What an item is called, which queues the registry itself has, and that an item is there once if it is to be.

CREATE OR REPLACE FUNCTION quay_internal.queue_name(queue text, path text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := queue || '/' || array_to_string(path, '/') || CASE WHEN path <> '{}' THEN '/' ELSE '' END;
    problem text;
BEGIN
    -- A slash at an end of a part is no part of it, as in the reference.
    IF name LIKE '%//%' THEN
        name := queue || '/' || (SELECT string_agg(btrim(p.part, '/') || '/', '' ORDER BY p.place)
                                 FROM unnest(path) WITH ORDINALITY AS p (part, place));
    END IF;
    problem := CASE
        WHEN coalesce(queue, '') = '' THEN 'The queue has no name.'
        WHEN strpos(queue, '/') > 0 OR length(queue) > 60 THEN format('The name of the queue is "%s".', left(queue, 80))
        WHEN path IS NULL OR array_position(path, NULL) IS NOT NULL THEN 'The path, or a part of it, is NULL.'
        WHEN name LIKE '%//%' OR array_ndims(path) > 1 THEN format('The path is %s.', left(path::text, 80))
        WHEN length(name) > 1024 THEN format('It has %s characters.', length(name)) END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY110',
            MESSAGE = 'illegal path in a queue',
            DETAIL = problem,
            HINT = 'A queue has a name of at most 60 characters without "/", parts of a path are not empty, and all of them together have at most 1024 characters.';
    END IF;
    RETURN name;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_name(text, text[]) IS
    'queue_name of the items of a path: queue and parts, each with a "/" behind it. Slashes at the ends of parts are dropped. Errors: QY110 illegal queue or path.';

CREATE OR REPLACE FUNCTION quay.queue_known_list()
    RETURNS TABLE (queue text, worker text, path text[], body text[], has_namespace boolean, ordered boolean, retries integer, delay_s integer,
                   poll_s integer, processing_s integer, retry_after_s integer)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('chunk_cleanup', 'chunkcleanupworker', '{segment/<location>/<upload>}'::text[],
            '{location,uuid,path}'::text[], false, false, 5, NULL::integer, 10, 300, 300),
        ('dockerfilebuild', 'buildmanager', '{<namespace>,<repository>}',
            '{build_uuid,pull_credentials}', true, true, 3, 0, 10, 530, 530),
        ('exportactionlogs', 'exportactionlogsworker', '{<namespace>}',
            '{export_id,repository_id,namespace_id,namespace_name,repository_name,start_time,end_time,callback_url,callback_email}',
            true, false, 3, 0, 60, 300, 300),
        ('imagestoragereplication', 'storagereplication', '{<storage uuid>}',
            '{namespace_user_id,storage_id}', false, false, 5, 0, 10, 1200, 300),
        ('namespacegc', 'namespacegcworker', '{<user id>}',
            '{marker_id,original_username}', false, false, 5, NULL, 60, 10800, 300),
        ('notification', 'notificationworker', '{<namespace>,<repository>,<event>}',
            '{notification_uuid,event_data,performer_data,notification_type}', true, false, 5, 0, 10, 30, 30),
        ('proxycacheblob', 'proxycacheblobworker', '{<namespace>,<repository id>,<digest>}',
            '{repo_id,namespace,digest,username}', true, false, 5, 5, 10, 1200, 300),
        ('repositorygc', 'repositorygcworker', '{<namespace>,<repository id>}',
            '{marker_id,original_name}', true, false, 5, 0, 60, 10800, 300),
        ('secscanv4', 'securityscanningnotificationworker', '{with_id,<notification id>}',
            '{notification_id,current_page_index}', false, false, 5, 0, 60, 300, 300);
END
$$;
COMMENT ON FUNCTION quay.queue_known_list() IS
    'The queues that the reference''s workers read, whose items are JSON objects. worker: who takes them. path, body: parts and fields. has_namespace: the path begins with a namespace, with which the items go. ordered: one item per path at a time. retries, delay_s: what they are put with, NULL varies. poll_s, processing_s, retry_after_s: how often the worker asks, for how long it claims, and after what time one that failed is due again, in seconds.';

CREATE OR REPLACE FUNCTION quay_internal.queue_check(queue text, bodies text[], delay_s double precision, retries integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT text[] := ARRAY['chunk_cleanup', 'dockerfilebuild', 'exportactionlogs', 'imagestoragereplication', 'namespacegc',
                                   'notification', 'proxycacheblob', 'repositorygc', 'secscanv4'];
BEGIN
    IF array_position(bodies, NULL) IS NOT NULL
       OR queue = ANY (known) AND EXISTS (SELECT FROM unnest(bodies) AS b (body)
                                          WHERE jsonb_typeof(quay_internal.json_read(b.body)) IS DISTINCT FROM 'object') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY111',
            MESSAGE = 'illegal body of a queue item',
            DETAIL = format('It is for the queue "%s", and NULL or no JSON object.', left(queue, 80)),
            HINT = 'quay.queue_known_list() has the queues whose items are JSON objects; in others any text will do.';
    END IF;
    IF retries IS NULL OR retries < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of retries must be positive',
            DETAIL = format('It is %s.', coalesce(retries::text, 'NULL')),
            HINT = 'Pass how often the item may be taken.';
    END IF;
    PERFORM quay_internal.queue_seconds(delay_s);
END
$$;
COMMENT ON FUNCTION quay_internal.queue_check(text, text[], double precision, integer) IS
    'Refuses what cannot be put into a queue. Errors: QY111 a body is NULL, or no JSON object in a queue of the reference; 22023 retries or delay.';

CREATE OR REPLACE FUNCTION quay_internal.queue_seconds(seconds double precision, minimum double precision DEFAULT '-Infinity') RETURNS interval
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A thousand years either way, and so neither NaN nor infinite
    IF seconds IS NULL OR seconds NOT BETWEEN -3e10 AND 3e10 OR seconds < minimum THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of seconds is out of range',
            DETAIL = format('It is %s.', coalesce(seconds::text, 'NULL')),
            HINT = 'Pass seconds, with a fraction if you like; for how long an item is claimed, more than 0.';
    END IF;
    RETURN make_interval(secs => seconds);
END
$$;
COMMENT ON FUNCTION quay_internal.queue_seconds(double precision, double precision) IS 'Seconds as an interval. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay_internal.queue_require_read_committed(what text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('%s needs a transaction that is READ COMMITTED', what),
            DETAIL = format('This one is %s, and does not see what others did before it got its turn.', upper(current_setting('transaction_isolation'))),
            HINT = 'Call it in a transaction of its own.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_require_read_committed(text) IS
    'For what is decided after waiting for a lock: refuses (55000) a transaction that would not see what the other one did.';

CREATE OR REPLACE FUNCTION quay_internal.queue_path_key(queue_name text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('quay queue ' || queue_name, 0);
COMMENT ON FUNCTION quay_internal.queue_path_key(text) IS
    'Key of the advisory lock of a path, which lasts to the end of the transaction: one puts a unique item there, or takes one in order.';

CREATE OR REPLACE FUNCTION quay_internal.queue_path_is_used(queue_name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    -- "+ 0" keeps the indexes on what is due from being taken for it, which a plan would be stuck with that was made when the table was empty.
    RETURN EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = queue_path_is_used.queue_name AND q.retries_remaining + 0 > 0)
        OR EXISTS (SELECT FROM quay.queueitem AS q
                   WHERE q.queue_name = queue_path_is_used.queue_name AND NOT q.available AND q.processing_expires > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.queue_path_is_used(text) IS
    'Has the path an item that waits, is delayed, is available or runs, so one that is not dead? Volatile, so that it sees what was committed before the lock of the path was ours. queue_name: what queue_name() makes.';

CREATE OR REPLACE FUNCTION quay.queue_put(queue text, path text[], body text, delay_s double precision DEFAULT 0, retries integer DEFAULT 5,
                                          unique_path boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, path);
    new_id bigint;
BEGIN
    PERFORM quay_internal.queue_check(queue, ARRAY[body], delay_s, retries);
    IF unique_path THEN
        PERFORM quay_internal.queue_require_read_committed('a unique path');
        PERFORM pg_advisory_xact_lock(quay_internal.queue_path_key(name));
        IF quay_internal.queue_path_is_used(name) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (name, queue_put.body, quay_internal.utc_now() + make_interval(secs => delay_s), true, retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    IF delay_s <= 0 THEN
        PERFORM quay_internal.queue_wake(name);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.queue_put(text, text[], text, double precision, integer, boolean) IS
    'Puts an item into a queue and returns its id. path: such as {acme,app}, beginning with the namespace if it is for one; what is ordered is so by path, and so is what goes with a namespace. body: for the worker, a JSON object in the queues of queue_known_list(), by convention in all. delay_s: seconds until it may be taken. retries: how often it may be taken.
unique_path: nothing is put, and NULL returned, if the path has an item that is not dead, also if two do that at once; the second waits for the first to commit.
Workers that LISTEN to quay_queue are woken at the commit, once per transaction and queue, unless it is delayed. Errors: QY110 illegal queue or path, QY111 illegal body, 22023 retries or seconds, 55000 unique_path in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.queue_put_many(queue text, paths text[], bodies text[], delay_s double precision DEFAULT 0, retries integer DEFAULT 5,
                                               unique_path boolean DEFAULT false) RETURNS TABLE (place integer, item_id bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[];
    wanted boolean[];
    name text;
BEGIN
    IF paths IS NULL OR bodies IS NULL OR cardinality(paths) <> cardinality(bodies) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'each item needs a path and a body',
            DETAIL = format('There are %s paths and %s bodies.', coalesce(cardinality(paths), 0), coalesce(cardinality(bodies), 0)),
            HINT = 'Pass two arrays of the same length.';
    END IF;
    PERFORM quay_internal.queue_check(queue, bodies, delay_s, retries);
    names := ARRAY(SELECT quay_internal.queue_name(queue, ARRAY[p.path]) FROM unnest(paths) WITH ORDINALITY AS p (path, i) ORDER BY p.i);
    IF unique_path THEN
        PERFORM quay_internal.queue_require_read_committed('a unique path');
        -- In the same order for everybody
        FOR name IN SELECT DISTINCT n.name FROM unnest(names) AS n (name) ORDER BY n.name LOOP
            PERFORM pg_advisory_xact_lock(quay_internal.queue_path_key(name));
        END LOOP;
        wanted := ARRAY(SELECT row_number() OVER (PARTITION BY n.name ORDER BY n.i) = 1 AND NOT quay_internal.queue_path_is_used(n.name)
                        FROM unnest(names) WITH ORDINALITY AS n (name, i) ORDER BY n.i);
    END IF;
    RETURN QUERY
        WITH given AS MATERIALIZED (
            SELECT n.i, n.name, CASE WHEN coalesce(wanted[n.i], true) THEN nextval('quay.queueitem_id_seq') END AS id
            FROM unnest(names) WITH ORDINALITY AS n (name, i) ORDER BY n.i
        ), added AS (
            INSERT INTO quay.queueitem (id, queue_name, body, available_after, available, retries_remaining, state_id)
            SELECT g.id, g.name, bodies[g.i], quay_internal.utc_now() + make_interval(secs => delay_s), true, retries, gen_random_uuid()::text
            FROM given AS g WHERE g.id IS NOT NULL ORDER BY g.id
        )
        SELECT g.i::integer, g.id FROM given AS g ORDER BY g.i;
    IF delay_s <= 0 AND names <> '{}' THEN
        PERFORM quay_internal.queue_wake(queue || '/');
    END IF;
END
$$;
COMMENT ON FUNCTION quay.queue_put_many(text, text[], text[], double precision, integer, boolean) IS
    'Puts items into a queue, all or none. paths: of each item, its parts joined by "/". bodies: as many. Returns for each place, from 1, the id; NULL with unique_path where the path has an item already, or got one earlier in the list. Else as queue_put(). Errors: also 22023 paths and bodies differ in number.';

-- @part step api/511_queue_get.sql
-- Taking work out of a queue. Who takes an item locks its row past those that others are at, writes until when it is his, and a new state_id,
-- which is his claim: it is asked for in all that he does with the item afterwards (512_queue_claim.sql), and the reference's workers
-- compare and swap it.

CREATE OR REPLACE FUNCTION quay_internal.queue_pick(queue text, prefix text, ordered boolean, now timestamp, n integer, tried tid[]) RETURNS tid[]
    LANGUAGE C VOLATILE AS 'MODULE_PATHNAME', 'quay_queue_pick';
COMMENT ON FUNCTION quay_internal.queue_pick(text, text, boolean, timestamp, integer, tid[]) IS
    'Locks up to n items that may be taken now, none of those in tried, and returns their rows; what others are at is passed by. Of the namespace whose turn it is, the ones that have been due for longest, then of the next namespaces. ordered: the one with the lowest id of a path, only of paths of which none runs, and these are locked until the transaction ends; every fourth time it is a namespace''s turn, else that of what has been due for longest, or, if a long backlog of paths that are blocked is in front of it, of what comes next. prefix: only paths that begin with it, as queue_name() makes it.';

CREATE OR REPLACE FUNCTION quay.queue_get(queue text, processing_s double precision DEFAULT 300, ordered boolean DEFAULT false,
                                          n integer DEFAULT 1, prefix text[] DEFAULT '{}')
    RETURNS TABLE (item_id bigint, claim text, path text[], body text, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    name text := nullif(quay_internal.queue_name(queue, prefix), queue || '/');
    left_over integer := quay_internal.batch_size(n);
    processing interval := quay_internal.queue_seconds(processing_s, 1e-6);
    now timestamp := quay_internal.utc_now();
    tried tid[] := '{}'::tid[];
    found tid[];
    asked integer;
    taken integer;
BEGIN
    LOOP
        asked := left_over;
        found := quay_internal.queue_pick(queue, name, ordered, now, asked, tried);
        EXIT WHEN cardinality(found) = 0;
        -- By ctid: nobody changes rows that we have locked, and there is but one plan for it, also one that was made when the table was empty.
        RETURN QUERY
            UPDATE quay.queueitem AS q
            SET available = false, processing_expires = now + processing, retries_remaining = q.retries_remaining - 1,
                state_id = gen_random_uuid()::text
            WHERE q.ctid = ANY (found)
            RETURNING q.id, q.state_id::text, string_to_array(rtrim(substr(q.queue_name, length(queue) + 2), '/'), '/'), q.body, q.retries_remaining;
        GET DIAGNOSTICS taken = ROW_COUNT;
        left_over := left_over - taken;
        EXIT WHEN left_over = 0 OR cardinality(found) < asked;
        -- A transaction that is REPEATABLE READ cannot take what came after it began.
        tried := tried || found;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.queue_get(text, double precision, boolean, integer, text[]) IS
    'Takes up to n items of a queue that are due, for processing_s seconds, which may have a fraction. No row: there is nothing that may be taken. Several workers call it at once; each item goes to one. It uses one of the retries of each.
With item_id and claim the worker calls queue_extend() if it needs more time, and in the end queue_complete() or queue_release(). What it lets expire is handed out again, if it has retries left. path: the parts behind the name of the queue. retries_remaining: after this one.
ordered: one item of a path at a time, the one with the lowest id first. prefix: only paths that begin with these parts. Errors: QY110 illegal queue or prefix, 22023 n or seconds.';

-- @part step api/512_queue_claim.sql
-- What a worker does with the items that it has claimed, and cancelling. A claim is the state_id that queue_get() wrote. It holds until somebody
-- else takes the item: also after it has expired, as long as nobody has. Giving the item back ends it too: that writes another state_id.
--
-- The settings of these functions make the plan, by id: one that was made when the table was empty would read the whole of it.

CREATE OR REPLACE FUNCTION quay_internal.queue_claim_is(state_id text, claim text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN split_part(state_id, '+', 1) = claim AND claim <> '';
COMMENT ON FUNCTION quay_internal.queue_claim_is(text, text) IS
    'Is the state_id of an item that of this claim? An extension appends "+" and a number: whoever else wants to swap the state that it had must not succeed.';

CREATE OR REPLACE FUNCTION quay.queue_extend(item_id bigint, claim text, processing_s double precision, minimum_s double precision DEFAULT 20,
                                             body text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    processing interval := quay_internal.queue_seconds(processing_s);
    minimum interval := quay_internal.queue_seconds(minimum_s);
    item quay.queueitem;
    expires timestamp;
BEGIN
    SELECT * INTO item FROM quay.queueitem AS q
    WHERE q.id = queue_extend.item_id AND quay_internal.queue_claim_is(q.state_id, claim)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    expires := quay_internal.utc_now() + processing;
    IF expires - item.processing_expires > minimum THEN
        item.processing_expires := expires;
    ELSIF coalesce(queue_extend.body, item.body) = item.body THEN
        RETURN true;
    END IF;
    UPDATE quay.queueitem AS q
    SET processing_expires = item.processing_expires, body = coalesce(queue_extend.body, item.body),
        state_id = claim || '+' || coalesce(nullif(split_part(item.state_id, '+', 2), '')::bigint, 0) + 1
    WHERE q.id = item.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.queue_extend(bigint, text, double precision, double precision, text) IS
    'Keeps an item that the caller has claimed for processing_s seconds from now on, and gives it a new body, if one is given, for whoever has to go on with it. False: the claim is lost, the item cancelled, completed, or another''s; stop working on it. The time is written only if it moves by more than minimum_s, so that a worker may call it often; true does not say that it was. Errors: 22023 seconds out of range.';

CREATE OR REPLACE FUNCTION quay.queue_complete(item_id bigint, claim text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    DELETE FROM quay.queueitem AS q
    WHERE q.id = queue_complete.item_id AND quay_internal.queue_claim_is(q.state_id, claim);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.queue_complete(bigint, text) IS
    'The work is done: removes the item. False: the claim is lost, the item cancelled, or another''s. Call it in the transaction that writes what came of the work, and roll back if it is false: then nothing is written twice.';

CREATE OR REPLACE FUNCTION quay.queue_complete_many(item_ids bigint[], claims text[]) RETURNS TABLE (item_id bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    RETURN QUERY
        DELETE FROM quay.queueitem AS q
        USING (SELECT l.id, l.state_id, c.claim
               FROM (SELECT i.id, i.claim FROM unnest(item_ids, claims) AS i (id, claim)) AS c
               JOIN (SELECT p.id, p.state_id FROM quay.queueitem AS p WHERE p.id = ANY (item_ids) ORDER BY p.id FOR UPDATE) AS l ON l.id = c.id) AS c
        WHERE q.id = c.id AND quay_internal.queue_claim_is(q.state_id, c.claim)
        RETURNING q.id;
END
$$;
COMMENT ON FUNCTION quay.queue_complete_many(bigint[], text[]) IS
    'queue_complete() for several items: claims has that of each. Returns the ids of those that were completed; of the others the claim is lost.';

CREATE OR REPLACE FUNCTION quay_internal.queue_backoff(delay_s double precision, factor double precision, tries integer, maximum_s double precision)
    RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF factor IS NULL OR factor NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'factor of a backoff is out of range',
            DETAIL = format('It is %s.', coalesce(factor::text, 'NULL')),
            HINT = 'Pass a number from 1, the same delay each time, to 100.';
    END IF;
    PERFORM quay_internal.queue_seconds(delay_s), quay_internal.queue_seconds(maximum_s);
    RETURN least(delay_s * factor ^ least(greatest(tries - 1, 0), 100), greatest(maximum_s, delay_s));
END
$$;
COMMENT ON FUNCTION quay_internal.queue_backoff(double precision, double precision, integer, double precision) IS
    'Seconds to wait after so many tries: delay_s after the first one, each time factor times as long, at most maximum_s. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay.queue_release(item_id bigint, claim text, delay_s double precision DEFAULT 300, restore_retry boolean DEFAULT false,
                                              backoff double precision DEFAULT 1, retries integer DEFAULT 5,
                                              maximum_s double precision DEFAULT 86400) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    item quay.queueitem;
    seconds double precision;
BEGIN
    SELECT * INTO item FROM quay.queueitem AS q
    WHERE q.id = queue_release.item_id AND quay_internal.queue_claim_is(q.state_id, claim)
    FOR UPDATE;
    seconds := quay_internal.queue_backoff(delay_s, backoff, retries - item.retries_remaining, maximum_s);
    IF item.id IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE quay.queueitem AS q
    SET available = true, available_after = quay_internal.utc_now() + make_interval(secs => seconds), state_id = gen_random_uuid()::text,
        retries_remaining = q.retries_remaining + CASE WHEN restore_retry THEN 1 ELSE 0 END
    WHERE q.id = item.id
    RETURNING q.* INTO item;
    IF seconds <= 0 AND item.retries_remaining > 0 THEN
        PERFORM quay_internal.queue_wake(item.queue_name);
    END IF;
    RETURN item.retries_remaining;
END
$$;
COMMENT ON FUNCTION quay.queue_release(bigint, text, double precision, boolean, double precision, integer, double precision) IS
    'The work could not be done: gives the item back, to be taken again after delay_s seconds, and returns how many retries it has left. 0: it is dead, and waits in queue_dead_list(). NULL: the claim is lost. restore_retry: this one does not count, for what is no fault of the item, such as a lock that is taken; such an item may come back for ever.
backoff: factor by which the delay grows with each try, 1 to 100, up to maximum_s; retries is what the item was put with, from which the number of tries follows. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay.queue_cancel(item_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    DELETE FROM quay.queueitem AS q WHERE q.id = queue_cancel.item_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.queue_cancel(bigint) IS
    'Removes an item, whoever has it: who works on it learns so at his next call. False: there is none. Also for dead letters.';

-- @part step api/513_queue_dead.sql
-- Dead letters: items that were taken as often as they might be. They stay for quay.queue_dead_lifetime, for somebody to look at, to try again
-- or to throw away. What still has retries is never thrown away for its age, however long ago it was claimed.

CREATE OR REPLACE FUNCTION quay.queue_item_get(item_id bigint)
    RETURNS TABLE (queue text, path text[], body text, state text, retries_remaining integer, available_after timestamp, processing_expires timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT split_part(q.queue_name, '/', 1), string_to_array(rtrim(substr(q.queue_name, strpos(q.queue_name, '/') + 1), '/'), '/'), q.body,
               CASE WHEN NOT q.available AND q.processing_expires > now THEN 'running'
                    WHEN q.retries_remaining <= 0 THEN 'dead'
                    WHEN quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now THEN 'available'
                    ELSE 'waiting' END,
               q.retries_remaining, q.available_after, q.processing_expires
        FROM quay.queueitem AS q WHERE q.id = queue_item_get.item_id;
END
$$;
COMMENT ON FUNCTION quay.queue_item_get(bigint) IS
    'An item of a queue, whatever its state: available, running, waiting for its time, or dead. processing_expires: when its present or last claim ends; times are UTC. No row: there is none, so it was completed, cancelled or thrown away. The body is confidential.';

CREATE OR REPLACE FUNCTION quay.queue_dead_list(queue text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (item_id bigint, path text[], dead_since timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT q.id, string_to_array(rtrim(substr(q.queue_name, length(queue) + 2), '/'), '/'),
               quay_internal.queue_due(q.available_after, q.available, q.processing_expires)
        FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_dead_list.queue AND q.retries_remaining <= 0
          AND (q.available OR q.processing_expires <= now) AND q.id > coalesce(queue_dead_list.after, 0)
        ORDER BY q.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.queue_dead_list(text, bigint, integer) IS
    'Dead letters of a queue: items without retries left that nobody works on. By item_id, at most n, those after the item after. dead_since, UTC: when they would have been due again. The body is confidential: queue_item_get(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.queue_dead_retry(item_id bigint, retries integer DEFAULT 1) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    PERFORM quay_internal.queue_check('', '{}', 0, retries);
    UPDATE quay.queueitem AS q
    SET available = true, available_after = quay_internal.utc_now(), retries_remaining = queue_dead_retry.retries, state_id = gen_random_uuid()::text
    WHERE q.id = queue_dead_retry.item_id AND q.retries_remaining <= 0 AND (q.available OR q.processing_expires <= quay_internal.utc_now())
    RETURNING q.queue_name INTO name;
    IF name IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.queue_wake(name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.queue_dead_retry(bigint, integer) IS
    'Lets a dead letter be taken again, so many times, from now on. False: it is none. To throw one away: queue_cancel(). Errors: 22023 retries not positive.';

CREATE OR REPLACE FUNCTION quay.queue_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    oldest timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('queue_dead_lifetime')::bigint);
    deleted integer;
BEGIN
    DELETE FROM quay.queueitem AS q
    WHERE q.id = ANY (ARRAY(
        SELECT d.id FROM quay.queueitem AS d
        WHERE d.retries_remaining <= 0 AND quay_internal.queue_due(d.available_after, d.available, d.processing_expires) <= oldest
        ORDER BY quay_internal.queue_due(d.available_after, d.available, d.processing_expires)
        LIMIT batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.queue_expire(integer) IS
    'Throws away at most n dead letters that have been dead for quay.queue_dead_lifetime, the oldest first, and returns how many; for maintenance, until it returns less than n. Items that have retries left stay, however old, and so do those that somebody works on. Errors: 22023 n not positive.';

-- @part step api/514_queue_count.sql
-- What is in the queues: of one path, below a path, of a queue; and what goes with a namespace.

CREATE OR REPLACE FUNCTION quay.queue_alive(queue text, path text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, path);
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = name AND NOT q.available AND q.processing_expires > now)
        OR EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = name AND q.retries_remaining + 0 > 0
                   AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now);
END
$$;
COMMENT ON FUNCTION quay.queue_alive(text, text[]) IS
    'Has exactly this path an item that runs or may be taken now? One that waits for its time does not count; queue_put(unique_path => true) counts that too. Errors: QY110 illegal queue or path.';

CREATE OR REPLACE FUNCTION quay.queue_alive_count(queue text, prefix text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, prefix);
BEGIN
    -- "0" is the character after "/".
    RETURN (SELECT count(*) FROM quay.queueitem AS q
            WHERE q.queue_name >= name AND q.queue_name < left(name, -1) || '0' AND q.retries_remaining > 0);
END
$$;
COMMENT ON FUNCTION quay.queue_alive_count(text, text[]) IS
    'How many items with retries left there are of paths that begin with these parts, whether they may be taken now, run or wait. Whole parts: {foo} does not count {foobar}. Errors: QY110 illegal queue or prefix.';

CREATE OR REPLACE FUNCTION quay.queue_available_count(queue text, prefix text[] DEFAULT '{}', min_after timestamp DEFAULT '-infinity',
                                                      max_after timestamp DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, prefix);
    latest timestamp := coalesce(max_after, quay_internal.utc_now());
BEGIN
    -- "0" is the character after "/".
    RETURN (SELECT count(*) FROM quay.queueitem AS q
            WHERE q.queue_name >= name AND q.queue_name < left(name, -1) || '0' AND q.retries_remaining > 0
              AND q.available_after >= min_after
              AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= latest);
END
$$;
COMMENT ON FUNCTION quay.queue_available_count(text, text[], timestamp, timestamp) IS
    'How many items of paths that begin with these parts may be taken at the time max_after (UTC), NULL: now, and were not to be taken before min_after. Errors: QY110 illegal queue or prefix.';

CREATE OR REPLACE FUNCTION quay.queue_has_retries(item_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT q.retries_remaining > 0 FROM quay.queueitem AS q WHERE q.id = queue_has_retries.item_id), false);
END
$$;
COMMENT ON FUNCTION quay.queue_has_retries(bigint) IS 'Has the item retries left? False too if there is no such item.';

-- For metrics. Each number is counted along an index and up to a maximum, so that asking costs the same when a queue has run full.

CREATE OR REPLACE FUNCTION quay_internal.queue_measure(queue text, maximum integer)
    RETURNS TABLE (running_paths bigint, available_paths bigint, available_not_running_paths bigint, running bigint, available bigint,
                   waiting bigint, dead bigint, oldest_s double precision)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
    running_names text[];
    oldest timestamp;
BEGIN
    -- "0" is the character after "/".
    SELECT coalesce(array_agg(DISTINCT r.queue_name::text), '{}'), count(*) INTO running_names, running
    FROM (SELECT q.queue_name FROM quay.queueitem AS q
          WHERE q.queue_name >= queue_measure.queue || '/' AND q.queue_name < queue_measure.queue || '0'
            AND NOT q.available AND q.processing_expires > now LIMIT maximum) AS r;
    running_paths := cardinality(running_names);
    SELECT count(DISTINCT a.queue_name), count(DISTINCT a.queue_name) FILTER (WHERE a.queue_name <> ALL (running_names)), count(*), min(a.due)
    INTO available_paths, available_not_running_paths, available, oldest
    FROM (SELECT q.queue_name, quay_internal.queue_due(q.available_after, q.available, q.processing_expires) AS due FROM quay.queueitem AS q
          WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining > 0
            AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) <= now
          ORDER BY quay_internal.queue_due(q.available_after, q.available, q.processing_expires), q.id LIMIT maximum) AS a;
    waiting := (SELECT count(*) FROM (
        SELECT FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining > 0 AND q.available
          AND quay_internal.queue_due(q.available_after, q.available, q.processing_expires) > now LIMIT maximum) AS w);
    dead := (SELECT count(*) FROM (
        SELECT FROM quay.queueitem AS q
        WHERE split_part(q.queue_name, '/', 1) = queue_measure.queue AND q.retries_remaining <= 0
          AND (q.available OR q.processing_expires <= now) LIMIT maximum) AS d);
    oldest_s := extract(epoch FROM now - oldest);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_measure(text, integer) IS 'The row of queue_metrics() for one queue.';

CREATE OR REPLACE FUNCTION quay_internal.queue_names() RETURNS SETOF text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    name text := '';
BEGIN
    -- From one queue to the next by the index: there are few, whatever the number of items. "0" is the character after "/".
    LOOP
        name := split_part((SELECT min(q.queue_name) FROM quay.queueitem AS q WHERE q.queue_name >= name), '/', 1);
        EXIT WHEN name IS NULL;
        RETURN NEXT name;
        name := name || '0';
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_names() IS 'The queues that have items.';

CREATE OR REPLACE FUNCTION quay.queue_metrics(queue text DEFAULT NULL, maximum integer DEFAULT 100000)
    RETURNS TABLE (queue_name text, running_paths bigint, available_paths bigint, available_not_running_paths bigint, running bigint,
                   available bigint, waiting bigint, dead bigint, oldest_s double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT n.name, m.*
        FROM (SELECT k.queue AS name FROM quay.queue_known_list() AS k WHERE queue_metrics.queue IS NULL
              UNION SELECT w.name FROM quay_internal.queue_names() AS w (name) WHERE queue_metrics.queue IS NULL
              UNION SELECT queue_metrics.queue WHERE queue_metrics.queue IS NOT NULL) AS n
        CROSS JOIN LATERAL quay_internal.queue_measure(n.name, quay_internal.batch_size(maximum)) AS m
        ORDER BY n.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.queue_metrics(text, integer) IS
    'Depth and age of a queue, or of all that have items or that the reference''s workers read. running, available, waiting for their time, dead: items. running_paths, available_paths, available_not_running_paths: distinct paths, the three gauges of the reference. oldest_s: for how long the first of those available has been due, NULL: there is none. Each number is counted up to maximum, which bounds what the call costs. Errors: 22023 maximum not positive.';

CREATE OR REPLACE FUNCTION quay.queue_namespace_delete(namespace text, queue text DEFAULT NULL, subpath text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[] := ARRAY(SELECT k.queue FROM quay.queue_known_list() AS k WHERE k.has_namespace AND queue_namespace_delete.queue IS NULL
                          UNION ALL SELECT queue_namespace_delete.queue WHERE queue_namespace_delete.queue IS NOT NULL);
BEGIN
    IF EXISTS (SELECT FROM quay.queue_known_list() AS k WHERE k.queue = queue_namespace_delete.queue AND NOT k.has_namespace) THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT sum(quay_internal.queue_delete(quay_internal.queue_name(n.name, namespace || subpath))) FROM unnest(names) AS n (name));
END
$$;
COMMENT ON FUNCTION quay.queue_namespace_delete(text, text, text[]) IS
    'Removes the items of a namespace from a queue, or from all of queue_known_list() that have namespaces, also those that run, and returns how many there were. subpath: only those of paths that go on with these parts, such as a repository. NULL: the paths of that queue do not begin with a namespace. namespace_mark_deletion() and namespace_purge() do this by themselves. Errors: QY110 illegal queue or path.';

-- @part step api/520_build_trigger.sql
-- Triggers of builds: what a push to a source repository starts. Their credentials are encrypted; who fails too often is switched off.

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_unknown(trigger text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY121',
        MESSAGE = 'build trigger does not exist',
        DETAIL = format('There is no build trigger "%s", or its repository is being deleted.', left(build_trigger_unknown.trigger, 80)),
        HINT = 'quay.build_trigger_list() lists those of a repository.';
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_unknown(text) IS 'Raises QY121: there is no such build trigger.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_lock(trigger text) RETURNS quay.repositorybuildtrigger
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuildtrigger;
BEGIN
    -- The repository first, like all who change something in it.
    PERFORM FROM quay.repository AS r
    WHERE r.id = (SELECT t.repository_id FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_lock.trigger ORDER BY t.id LIMIT 1)
      AND r.state <> 3
    FOR KEY SHARE;
    IF FOUND THEN
        SELECT * INTO result FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_lock.trigger
        ORDER BY t.id LIMIT 1 FOR NO KEY UPDATE;
    END IF;
    IF result.id IS NULL THEN
        PERFORM quay_internal.build_trigger_unknown(build_trigger_lock.trigger);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_lock(text) IS
    'Trigger of that uuid, which nobody else changes until we commit. Errors: QY121 unknown, or its repository is being deleted.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_log(trigger quay.repositorybuildtrigger, kind text, more jsonb, performer_id bigint, ip text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record;
BEGIN
    SELECT r.id, r.name, r.namespace_user_id, u.username INTO place
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = (trigger).repository_id;
    PERFORM quay_internal.log_add(kind, place.namespace_user_id, performer_id, place.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', place.username, 'repo', place.name, 'trigger_id', (trigger).uuid,
            'service', (SELECT s.name FROM quay.buildtriggerservice AS s WHERE s.id = (trigger).service_id),
            'pull_robot', (SELECT u.username FROM quay."user" AS u WHERE u.id = (trigger).pull_robot_id),
            'config', quay_internal.json_read((trigger).config))) || more, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_log(quay.repositorybuildtrigger, text, jsonb, bigint, text) IS
    'Writes to the audit log what happened to a build trigger; its configuration, and no credentials. more: what else is to be told.';

CREATE OR REPLACE FUNCTION quay_internal.build_robot_id(robot text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF robot IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = build_robot_id.robot AND u.robot;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY007',
                MESSAGE = 'robot does not exist',
                DETAIL = format('There is no robot "%s".', left(build_robot_id.robot, 80)),
                HINT = 'Pass the full name of a robot, namespace+shortname.';
        END IF;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_robot_id(text) IS
    'Id of the robot of that full name, with which a build pulls; NULL for none. Errors: QY007 unknown or no robot.';

CREATE OR REPLACE FUNCTION quay_internal.build_write_token_id(repository_id bigint, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF name IS NOT NULL THEN
        SELECT t.id INTO found_id FROM quay.accesstoken AS t
        WHERE t.token_name = build_write_token_id.name AND t.repository_id = build_write_token_id.repository_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY074',
                MESSAGE = 'repository token does not exist',
                DETAIL = format('The repository has no token named "%s".', left(build_write_token_id.name, 80)),
                HINT = 'quay.repository_token_list() names those that there are.';
        END IF;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_write_token_id(bigint, text) IS
    'Id of the token of a repository by its name, its first half; NULL for none. Errors: QY074 the repository has no such token.';

CREATE OR REPLACE FUNCTION quay_internal.build_object_check(document jsonb, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s must be a JSON object', what),
            DETAIL = format('It is of type %s.', jsonb_typeof(document)),
            HINT = 'Pass for example {}.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_object_check(jsonb, text) IS 'Refuses (22023) what is no JSON object. NULL passes.';

CREATE OR REPLACE FUNCTION quay.build_trigger_create(namespace text, repository text, service text, connected_user text, config jsonb DEFAULT '{}',
                                                     auth_token text DEFAULT NULL, private_key text DEFAULT NULL, pull_robot text DEFAULT NULL,
                                                     write_token text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_create.actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    owner_id bigint := (SELECT u.id FROM quay."user" AS u
                        WHERE u.username = build_trigger_create.connected_user AND NOT u.robot AND NOT u.organization);
    wanted_service_id bigint := (SELECT s.id FROM quay.buildtriggerservice AS s WHERE s.name = build_trigger_create.service);
    made quay.repositorybuildtrigger;
BEGIN
    IF wanted_service_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown service of a build trigger',
            DETAIL = format('There is no service "%s".', left(build_trigger_create.service, 80)),
            HINT = 'The table quay.buildtriggerservice lists the services.';
    END IF;
    IF owner_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person named "%s".', left(build_trigger_create.connected_user, 80)),
            HINT = 'A trigger is connected to the person who sets it up.';
    END IF;
    PERFORM quay_internal.build_object_check(config, 'configuration of a build trigger');

    INSERT INTO quay.repositorybuildtrigger AS t (uuid, service_id, repository_id, connected_user_id, config, write_token_id, pull_robot_id,
                                                  secure_auth_token, secure_private_key, fully_migrated)
    VALUES (gen_random_uuid()::text, wanted_service_id, target.id, owner_id, coalesce(config, '{}')::text,
            quay_internal.build_write_token_id(target.id, write_token), quay_internal.build_robot_id(pull_robot),
            quay_internal.field_encrypt(auth_token, 255), quay_internal.field_encrypt(private_key), true)
    RETURNING t.* INTO made;
    PERFORM quay_internal.build_trigger_log(made, 'setup_repo_trigger', '{}', performer_id, ip);
    RETURN made.uuid;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_create(text, text, text, text, jsonb, text, text, text, text, text, text) IS
    'Makes a build trigger of a repository and returns its uuid. service: github, gitlab, bitbucket or custom-git. connected_user: the person whose account at that service it uses. config: what the front end keeps about it, an object. auth_token, private_key: for that service, kept encrypted; build_trigger_credentials() shows them. pull_robot: full name of the robot with which its builds pull. write_token: name of the token of this repository by which the service is let in. Writes the audit row setup_repo_trigger. Errors: 22023 config is no object, QY002, QY003, QY004, QY007 person, robot or actor unknown, QY009 service unknown, QY061 auth_token too long, QY074 token unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_trigger_update(trigger text, config jsonb DEFAULT NULL, auth_token text DEFAULT NULL,
                                                     private_key text DEFAULT NULL, pull_robot text DEFAULT NULL, write_token text DEFAULT NULL,
                                                     clear_pull_robot boolean DEFAULT false, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_update.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
BEGIN
    PERFORM quay_internal.build_object_check(config, 'configuration of a build trigger');
    UPDATE quay.repositorybuildtrigger AS t
    SET config = coalesce(build_trigger_update.config::text, t.config),
        secure_auth_token = coalesce(quay_internal.field_encrypt(auth_token, 255), t.secure_auth_token),
        secure_private_key = coalesce(quay_internal.field_encrypt(private_key), t.secure_private_key),
        pull_robot_id = CASE WHEN pull_robot IS NULL AND clear_pull_robot THEN NULL
                             ELSE coalesce(quay_internal.build_robot_id(pull_robot), t.pull_robot_id) END,
        write_token_id = coalesce(quay_internal.build_write_token_id(t.repository_id, write_token), t.write_token_id)
    WHERE t.id = target.id
    RETURNING t.* INTO target;
    PERFORM quay_internal.build_trigger_log(target, 'setup_repo_trigger', '{"updated": true}', performer_id, ip);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_update(text, jsonb, text, text, text, text, boolean, text, text) IS
    'Changes a build trigger; what is NULL stays. clear_pull_robot: builds pull without a robot from now on. The other arguments are as in build_trigger_create(). Writes the audit row setup_repo_trigger, with "updated". Errors: 22023 config is no object, QY007 robot or actor unknown, QY061 auth_token too long, QY074 token unknown, QY121 trigger unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_select(repository_id bigint, trigger text, after bigint, n integer)
    RETURNS TABLE (trigger_id bigint, uuid text, namespace text, repository text, service text, connected_user text, config jsonb,
                   pull_robot text, write_token text, enabled boolean, disabled_reason text, disabled_datetime timestamp,
                   successive_failure_count integer, successive_internal_error_count integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, u.username::text, r.name::text, s.name::text, c.username::text,
               coalesce(quay_internal.json_read(t.config), '{}'), p.username::text, a.token_name::text, t.enabled,
               -- The reference sets the time of a trigger that is enabled too.
               CASE WHEN NOT t.enabled THEN d.name::text END, CASE WHEN NOT t.enabled THEN t.disabled_datetime END,
               t.successive_failure_count, t.successive_internal_error_count
        FROM quay.repositorybuildtrigger AS t
        JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.buildtriggerservice AS s ON s.id = t.service_id
        JOIN quay."user" AS c ON c.id = t.connected_user_id
        LEFT JOIN quay."user" AS p ON p.id = t.pull_robot_id
        LEFT JOIN quay.accesstoken AS a ON a.id = t.write_token_id
        LEFT JOIN quay.disablereason AS d ON d.id = t.disabled_reason_id
        WHERE (build_trigger_select.repository_id IS NULL OR t.repository_id = build_trigger_select.repository_id)
          AND (build_trigger_select.trigger IS NULL OR t.uuid = build_trigger_select.trigger)
          AND t.id > coalesce(build_trigger_select.after, 0)
        ORDER BY t.id
        LIMIT build_trigger_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_select(bigint, text, bigint, integer) IS
    'Build triggers of a repository, or of a uuid: what build_trigger_get() and build_trigger_list() have in common.';

CREATE OR REPLACE FUNCTION quay.build_trigger_get(trigger text)
    RETURNS TABLE (trigger_id bigint, uuid text, namespace text, repository text, service text, connected_user text, config jsonb,
                   pull_robot text, write_token text, enabled boolean, disabled_reason text, disabled_datetime timestamp,
                   successive_failure_count integer, successive_internal_error_count integer)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.build_trigger_select(NULL, coalesce(build_trigger_get.trigger, ''), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_get(text) IS
    'A build trigger by its uuid; no row if there is none, or its repository is being deleted. disabled_reason: user_toggled, successive_build_failures or successive_build_internal_errors, with disabled_datetime in UTC; both are NULL while it is enabled. write_token: name of the token, its first half. Credentials: build_trigger_credentials().';

CREATE OR REPLACE FUNCTION quay.build_trigger_list(namespace text, repository text, after bigint DEFAULT NULL, n integer DEFAULT 100,
    OUT trigger_id bigint, OUT uuid text, OUT service text, OUT connected_user text, OUT config jsonb, OUT pull_robot text,
    OUT write_token text, OUT enabled boolean, OUT disabled_reason text, OUT disabled_datetime timestamp,
    OUT successive_failure_count integer, OUT successive_internal_error_count integer)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT t.trigger_id, t.uuid, t.service, t.connected_user, t.config, t.pull_robot, t.write_token, t.enabled, t.disabled_reason,
               t.disabled_datetime, t.successive_failure_count, t.successive_internal_error_count
        FROM quay_internal.build_trigger_select(target_id, NULL, build_trigger_list.after, quay_internal.page_size(build_trigger_list.n)) AS t;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_list(text, text, bigint, integer) IS
    'Build triggers of a repository, at most n with a trigger_id above after. Columns as in build_trigger_get(). Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_trigger_credentials(trigger text) RETURNS TABLE (auth_token text, private_key text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.field_decrypt(t.secure_auth_token), quay_internal.field_decrypt(t.secure_private_key)
        FROM quay.repositorybuildtrigger AS t JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        WHERE t.uuid = build_trigger_credentials.trigger
        ORDER BY t.id
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_credentials(text) IS
    'What a build trigger shows at its service: token and private key in clear, each NULL if it has none. No row: there is no such trigger. Errors: QY060 they cannot be decrypted, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_trigger_delete(trigger text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_delete.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
BEGIN
    PERFORM quay_internal.trigger_delete_many(ARRAY[target.id]);
    PERFORM quay_internal.build_trigger_log(target, 'delete_repo_trigger', '{}', performer_id, ip);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_delete(text, text, text) IS
    'Deletes a build trigger and the token by which its service was let in. Builds that it started stay. Writes the audit row delete_repo_trigger. Errors: QY007 actor unknown, QY121 trigger unknown.';

CREATE OR REPLACE FUNCTION quay.build_trigger_toggle(trigger text, enabled boolean, reason text DEFAULT 'user_toggled',
                                                     actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_toggle.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
    reason_id bigint := (SELECT d.id FROM quay.disablereason AS d WHERE d.name = build_trigger_toggle.reason);
BEGIN
    IF build_trigger_toggle.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'a build trigger is either enabled or disabled',
            DETAIL = 'enabled is NULL.',
            HINT = 'Pass true or false.';
    END IF;
    IF reason_id IS NULL AND NOT build_trigger_toggle.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown reason to disable a build trigger',
            DETAIL = format('There is no reason "%s".', left(build_trigger_toggle.reason, 80)),
            HINT = 'The table quay.disablereason lists the reasons.';
    END IF;
    IF build_trigger_toggle.enabled THEN
        -- With a full counter the next failure would disable it again.
        UPDATE quay.repositorybuildtrigger AS t
        SET enabled = true, disabled_reason_id = NULL, disabled_datetime = NULL,
            successive_failure_count = 0, successive_internal_error_count = 0
        WHERE t.id = target.id;
    ELSIF target.enabled THEN
        UPDATE quay.repositorybuildtrigger AS t
        SET enabled = false, disabled_reason_id = reason_id, disabled_datetime = quay_internal.utc_now()
        WHERE t.id = target.id;
    END IF;
    IF target.enabled = build_trigger_toggle.enabled THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.build_trigger_log(target, 'toggle_repo_trigger',
        jsonb_build_object('enabled', build_trigger_toggle.enabled), performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_toggle(text, boolean, text, text, text) IS
    'Enables or disables a build trigger; false if it was so already. Enabling clears reason, time and both counters, also of one that is enabled; disabling one that is disabled leaves its reason. Writes the audit row toggle_repo_trigger if something changed. Errors: 22004 enabled is NULL, QY007 actor unknown, QY009 reason unknown, QY121 trigger unknown.';

-- Failures in a row

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_count(trigger_id bigint, phase text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    failure_limit integer := nullif(quay_internal.setting('successive_trigger_failure_disable_threshold')::integer, 0);
    error_limit integer := nullif(quay_internal.setting('successive_trigger_internal_error_disable_threshold')::integer, 0);
    failures integer;
    internal_errors integer;
    reason text;
BEGIN
    SELECT CASE build_trigger_count.phase WHEN 'error' THEN t.successive_failure_count + 1 WHEN 'complete' THEN 0
                                          ELSE t.successive_failure_count END,
           CASE build_trigger_count.phase WHEN 'internalerror' THEN t.successive_internal_error_count + 1 ELSE 0 END
    INTO failures, internal_errors
    FROM quay.repositorybuildtrigger AS t WHERE t.id = build_trigger_count.trigger_id
    FOR NO KEY UPDATE;
    IF NOT FOUND OR build_trigger_count.phase <> ALL (ARRAY['complete', 'error', 'internalerror']) THEN
        RETURN;
    END IF;
    reason := CASE WHEN failures >= failure_limit THEN 'successive_build_failures'
                   WHEN internal_errors >= error_limit THEN 'successive_build_internal_errors' END;
    UPDATE quay.repositorybuildtrigger AS t
    SET successive_failure_count = failures, successive_internal_error_count = internal_errors,
        enabled = t.enabled AND reason IS NULL,
        disabled_reason_id = CASE WHEN t.enabled AND reason IS NOT NULL
                                  THEN (SELECT d.id FROM quay.disablereason AS d WHERE d.name = reason) ELSE t.disabled_reason_id END,
        disabled_datetime = CASE WHEN t.enabled AND reason IS NOT NULL THEN quay_internal.utc_now() ELSE t.disabled_datetime END
    WHERE t.id = build_trigger_count.trigger_id
      AND (failures, internal_errors) IS DISTINCT FROM (t.successive_failure_count, t.successive_internal_error_count);
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_count(bigint, text) IS
    'Counts the end of a build of a trigger, and disables it if too many in a row ended badly. complete: both counters start anew; error: one failure more, and internal errors start anew; internalerror: one more of these. Other phases, and a trigger that is gone: nothing.';

CREATE OR REPLACE FUNCTION quay.build_trigger_record(trigger text, phase text) RETURNS TABLE (enabled boolean, disabled_reason text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.build_trigger_count(t.id, build_trigger_record.phase)
    FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_record.trigger;
    RETURN QUERY SELECT t.enabled, t.disabled_reason FROM quay.build_trigger_get(build_trigger_record.trigger) AS t;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_record(text, text) IS
    'Counts the end of a build of a trigger, for front ends that keep phases themselves: build_set_phase() and the jobs do it too. complete: both counters start anew; error: one failure more, and internal errors start anew; internalerror: one internal error more; other phases: nothing. quay.successive_trigger_failure_disable_threshold failures, or quay.successive_trigger_internal_error_disable_threshold internal errors, disable the trigger. Says what it is afterwards; no row if there is no such trigger.';

CREATE OR REPLACE FUNCTION quay.build_trigger_build_list(trigger text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (build text, phase text, started timestamp, display_name text, logs_archived boolean, resource_key text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    last record := quay_internal.build_cursor(after);
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.phase::text, b.started, b.display_name::text, b.logs_archived, b.resource_key::text,
               quay_internal.build_cursor_of(b.started, b.id)
        FROM quay.repositorybuildtrigger AS t
        JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        JOIN quay.repositorybuild AS b ON b.trigger_id = t.id
        WHERE t.uuid = build_trigger_build_list.trigger AND (b.started, b.id) < (last.at, last.id)
        ORDER BY b.started DESC, b.id DESC
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_build_list(text, text, integer) IS
    'Builds that a trigger started, newest first, at most n, those behind the cursor after. started in UTC. Errors: 22023 n negative or malformed cursor.';

-- @part step api/522_build.sql
-- Builds: starting one, which is one transaction with all that belongs to it, and finding them.

CREATE OR REPLACE FUNCTION quay_internal.build_cursor(after text, OUT at timestamp, OUT id bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record := quay_internal.page_cursor(after);
BEGIN
    at := CASE WHEN after IS NULL THEN 'infinity'::timestamp ELSE timestamp 'epoch' + place.at * interval '1 microsecond' END;
    id := place.id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_cursor(text) IS
    'The place in a list of builds, newest first, that a cursor names; NULL: its beginning. Errors: 22023 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.build_cursor_of(started timestamp, id bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM started) * 1000000)::bigint || '.' || id;
COMMENT ON FUNCTION quay_internal.build_cursor_of(timestamp, bigint) IS 'Cursor behind a build in a list, see build_cursor().';

CREATE OR REPLACE FUNCTION quay_internal.build_event(build quay.repositorybuild, event text, more jsonb DEFAULT '{}', performer text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository;
    namespace text;
    job jsonb := coalesce(quay_internal.json_read((build).job_config), '{}');
    trigger record;
BEGIN
    SELECT * INTO target FROM quay.repository AS r WHERE r.id = (build).repository_id;
    SELECT u.username INTO namespace FROM quay."user" AS u WHERE u.id = target.namespace_user_id;
    SELECT t.uuid, s.name INTO trigger
    FROM quay.repositorybuildtrigger AS t JOIN quay.buildtriggerservice AS s ON s.id = t.service_id WHERE t.id = (build).trigger_id;
    PERFORM quay_internal.event_notify(target, namespace, event,
        jsonb_strip_nulls(jsonb_build_object('build_id', (build).uuid, 'build_name', (build).display_name,
            'docker_tags', coalesce(job -> 'docker_tags', '[]'), 'trigger_id', trigger.uuid, 'trigger_kind', trigger.name,
            'trigger_metadata', coalesce(job -> 'trigger_metadata', '{}'))) || more, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.build_event(quay.repositorybuild, text, jsonb, text) IS
    'Queues an event of a build, such as build_start, for each notification of its repository that waits for it.';

CREATE OR REPLACE FUNCTION quay_internal.build_cap_check(namespace text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    path text := quay_internal.queue_path('dockerfilebuild', namespace);
    maximum integer;
    queued bigint;
BEGIN
    -- An update, though nothing changes, of a row that hardly anybody else updates: so those who start builds take turns until they commit,
    -- each counts what the one before has queued, and a transaction that cannot see that fails (40001).
    UPDATE quay."user" AS u SET maximum_queued_builds_count = u.maximum_queued_builds_count
    WHERE u.username = build_cap_check.namespace AND NOT u.robot AND u.maximum_queued_builds_count IS NOT NULL
    RETURNING u.maximum_queued_builds_count INTO maximum;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- "0" is the character after "/".
    SELECT count(*) INTO queued FROM quay.queueitem AS q
    WHERE q.queue_name >= path AND q.queue_name < left(path, -1) || '0' AND q.retries_remaining > 0;
    IF queued >= maximum THEN
        RAISE EXCEPTION USING ERRCODE = 'QY123',
            MESSAGE = 'too many builds are queued',
            DETAIL = format('Namespace "%s" has %s builds queued, and may have %s.', left(namespace, 80), queued, maximum),
            HINT = 'Wait for one to end, cancel one, or raise the limit with quay.namespace_set_maximum_builds().';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_cap_check(text) IS
    'Refuses (QY123) another build if the namespace has as many queued as it may have. Who passes keeps others from passing until he commits.';

CREATE OR REPLACE FUNCTION quay_internal.build_target(namespace text, repository text) RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    IF target.kind_id <> quay_internal.repositorykind_id('image') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY124',
            MESSAGE = 'repository takes no builds',
            DETAIL = format('Repository "%s/%s" is not for images.', namespace, target.name),
            HINT = 'Build into a repository of kind image.';
    END IF;
    IF target.state <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository does not accept builds',
            DETAIL = format('Repository "%s" is in state %s.', target.name, quay_internal.repository_state_name(target.state::integer)),
            HINT = 'Set the state of the repository to normal first.';
    END IF;
    RETURN target;
END
$$;
COMMENT ON FUNCTION quay_internal.build_target(text, text) IS
    'Repository that can be built, kept from being deleted or renamed until we commit. Errors: QY002, QY003, QY004, QY005 not in normal state, QY124 not for images.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_ready(trigger text, repository_id bigint) RETURNS quay.repositorybuildtrigger
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuildtrigger;
BEGIN
    -- Locked, so that whoever disables it waits for us or is seen.
    SELECT * INTO result FROM quay.repositorybuildtrigger AS t
    WHERE t.uuid = build_trigger_ready.trigger AND t.repository_id = build_trigger_ready.repository_id
    ORDER BY t.id LIMIT 1 FOR SHARE;
    IF NOT FOUND THEN
        PERFORM quay_internal.build_trigger_unknown(trigger);
    END IF;
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY122',
            MESSAGE = 'build trigger is disabled',
            DETAIL = format('Trigger "%s" was disabled: %s.', result.uuid,
                coalesce((SELECT d.name FROM quay.disablereason AS d WHERE d.id = result.disabled_reason_id), 'no reason is known')),
            HINT = 'Enable it with quay.build_trigger_toggle().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_ready(text, bigint) IS
    'Enabled trigger of a repository, which nobody disables until we commit. Errors: QY121 the repository has none of that uuid, QY122 disabled.';

CREATE OR REPLACE FUNCTION quay.build_create(namespace text, repository text, job_config jsonb DEFAULT '{}', display_name text DEFAULT NULL,
                                             resource_key text DEFAULT NULL, trigger text DEFAULT NULL, pull_robot text DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (build text, build_id bigint, queue_item_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_create.actor);
    target quay.repository;
    source quay.repositorybuildtrigger;
    made quay.repositorybuild;
    too_long text := CASE WHEN char_length(build_create.display_name) > 255 THEN 'display_name'
                          WHEN char_length(build_create.resource_key) > 255 THEN 'resource_key' END;
BEGIN
    PERFORM quay_internal.build_object_check(job_config, 'job_config');
    IF too_long IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s of a build is too long', too_long),
            DETAIL = 'It has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    PERFORM quay_internal.build_cap_check(namespace);
    target := quay_internal.build_target(namespace, repository);
    IF build_create.trigger IS NOT NULL THEN
        source := quay_internal.build_trigger_ready(trigger, target.id);
    END IF;

    build := gen_random_uuid()::text;
    queue_item_id := quay.queue_put('dockerfilebuild', ARRAY[namespace, target.name::text],
        -- The reference writes the robot's password here. Ours is handed to whoever has the job: build_job_start().
        jsonb_build_object('build_uuid', build, 'pull_credentials', NULL)::text, retries => 3);
    INSERT INTO quay.repositorybuild AS b (uuid, repository_id, access_token_id, resource_key, job_config, phase, started, display_name,
                                           trigger_id, pull_robot_id, logs_archived, queue_id)
    VALUES (build, target.id,
            (SELECT t.token_id FROM quay.repository_token_create(namespace, target.name::text, 'write', 'build-worker') AS t),
            build_create.resource_key, coalesce(build_create.job_config, '{}')::text, 'waiting', quay_internal.utc_now(),
            coalesce(build_create.display_name, left(build, 8)), source.id,
            coalesce(quay_internal.build_robot_id(pull_robot), source.pull_robot_id), false, queue_item_id::text)
    RETURNING b.* INTO made;
    build_id := made.id;

    PERFORM quay_internal.log_add('build_dockerfile', target.namespace_user_id, performer_id, target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'build_id', build, 'fileid', made.resource_key,
            'docker_tags', build_create.job_config -> 'docker_tags', 'trigger_id', source.uuid,
            'service', (SELECT s.name FROM quay.buildtriggerservice AS s WHERE s.id = source.service_id),
            'config', quay_internal.json_read(source.config))), ip);
    PERFORM quay_internal.build_event(made, 'build_queued', performer => build_create.actor);
    PERFORM quay_internal.wake('quay_build', build);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_create(text, text, jsonb, text, text, text, text, text, text) IS
    'Starts a build of a repository: in one transaction the build in phase waiting, an item in the queue dockerfilebuild with three retries, a token for the worker to push with, the audit row build_dockerfile and the event build_queued. Returns the uuid of the build, by which it is called everywhere, its id and that of the item.
job_config: what is to be built, an object as the builder wants it: docker_tags, build_subdir, context, archive_url, trigger_metadata with git_url. resource_key: the uploaded file to build. display_name: NULL for the beginning of the uuid. trigger: uuid of the trigger that started it. pull_robot: full name of the robot to pull with, NULL for that of the trigger; its password is stored nowhere, but handed to whoever runs the build, with build_job_start().
Errors: 22023 job_config is no object, a name too long; QY002, QY003, QY004; QY005 the repository is not in normal state; QY007 robot or actor unknown; QY121 the repository has no such trigger; QY122 the trigger is disabled; QY123 the namespace has as many builds queued as it may have (namespace_set_maximum_builds(); two who start at once take turns); QY124 not a repository for images; 55000 no key is set.';

-- Finding builds

CREATE OR REPLACE FUNCTION quay_internal.build_select(build text, repository_id bigint, after text, n integer, include_inactive boolean, since timestamp)
    RETURNS TABLE (build_id bigint, uuid text, namespace text, repository text, phase text, started timestamp, display_name text,
                   job_config jsonb, resource_key text, trigger text, trigger_service text, pull_robot text, logs_archived boolean,
                   queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    last record := quay_internal.build_cursor(after);
BEGIN
    RETURN QUERY
        SELECT b.id, b.uuid::text, u.username::text, r.name::text, b.phase::text, b.started, b.display_name::text,
               coalesce(quay_internal.json_read(b.job_config), '{}'), b.resource_key::text, t.uuid::text, s.name::text, p.username::text,
               b.logs_archived, quay_internal.build_item_id(b.queue_id), quay_internal.build_cursor_of(b.started, b.id)
        FROM quay.repositorybuild AS b
        JOIN quay.repository AS r ON r.id = b.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        LEFT JOIN quay.repositorybuildtrigger AS t ON t.id = b.trigger_id
        LEFT JOIN quay.buildtriggerservice AS s ON s.id = t.service_id
        LEFT JOIN quay."user" AS p ON p.id = b.pull_robot_id
        WHERE (build_select.build IS NULL OR b.uuid = build_select.build)
          AND (build_select.repository_id IS NULL OR b.repository_id = build_select.repository_id)
          AND b.started <= last.at AND (b.started < last.at OR b.id < last.id)
          AND b.started >= coalesce(since, '-infinity')
          AND (include_inactive OR b.phase <> ALL (ARRAY['complete', 'error', 'cancelled']))
        ORDER BY b.started DESC, b.id DESC
        LIMIT build_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.build_select(text, bigint, text, integer, boolean, timestamp) IS
    'Builds by uuid or by repository, newest first: what build_get(), build_list() and build_recent() have in common.';

CREATE OR REPLACE FUNCTION quay_internal.build_item_id(queue_id text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN queue_id ~ '^[0-9]{1,18}$' THEN queue_id::bigint END;
COMMENT ON FUNCTION quay_internal.build_item_id(text) IS 'The id of a queue item that the column queue_id of a build names; NULL for none.';

CREATE OR REPLACE FUNCTION quay.build_get(build text)
    RETURNS TABLE (build_id bigint, uuid text, namespace text, repository text, phase text, started timestamp, display_name text,
                   job_config jsonb, resource_key text, trigger text, trigger_service text, pull_robot text, logs_archived boolean,
                   queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.build_select(coalesce(build_get.build, ''), NULL, NULL, 1, true, NULL);
END
$$;
COMMENT ON FUNCTION quay.build_get(text) IS
    'A build by its uuid; no row if there is none, or its repository is being deleted. phase: as it is stored; build_status() says what to show. started in UTC. trigger: uuid of the trigger that started it. logs_archived: buildlog_read() says whether there is an object. cursor: for build_list().';

CREATE OR REPLACE FUNCTION quay.build_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100,
                                           include_inactive boolean DEFAULT true, since timestamp DEFAULT NULL)
    RETURNS TABLE (build_id bigint, uuid text, phase text, started timestamp, display_name text, job_config jsonb, resource_key text,
                   trigger text, trigger_service text, pull_robot text, logs_archived boolean, queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.build_id, b.uuid, b.phase, b.started, b.display_name, b.job_config, b.resource_key, b.trigger, b.trigger_service,
               b.pull_robot, b.logs_archived, b.queue_item_id, b.cursor
        FROM quay_internal.build_select(NULL, target_id, build_list.after, quay_internal.page_size(build_list.n),
                                        coalesce(build_list.include_inactive, true), build_list.since) AS b;
END
$$;
COMMENT ON FUNCTION quay.build_list(text, text, text, integer, boolean, timestamp) IS
    'Builds of a repository, newest first, at most n, those behind the cursor after. include_inactive false: without those that are complete, failed or cancelled for good. since: those that were started then or later, in UTC. Columns as in build_get(). Errors: 22023 n negative or malformed cursor, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_recent(namespace text, repository text)
    RETURNS TABLE (build_id bigint, uuid text, phase text, started timestamp, display_name text, job_config jsonb, resource_key text,
                   trigger text, trigger_service text, pull_robot text, logs_archived boolean, queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.build_list(namespace, repository, n => 1);
END
$$;
COMMENT ON FUNCTION quay.build_recent(text, text) IS
    'The newest build of a repository; no row if it has none. Columns as in build_get(). Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_repository_by_resource(resource_key text) RETURNS TABLE (namespace text, repository text, repository_id bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, r.name::text, r.id
        FROM quay.repositorybuild AS b
        JOIN quay.repository AS r ON r.id = b.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE b.resource_key = build_repository_by_resource.resource_key
        ORDER BY b.id DESC
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.build_repository_by_resource(text) IS
    'The repository of the newest build that used this uploaded file, by which the right to read the file is decided; no row if there is none.';

-- @part step api/523_build_phase.sql
-- Phases of builds: which may follow which, what comes with a change, cancelling, and what users are shown.
--
-- Whoever changes a build locks its trigger, the build, its job and its queue item, in this order, and the log last.

CREATE OR REPLACE FUNCTION quay_internal.build_phase_rank(phase text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['waiting', 'build-scheduled', 'unpacking', 'pulling', 'building', 'pushing'], phase);
COMMENT ON FUNCTION quay_internal.build_phase_rank(text) IS 'Place of a phase in the course of a build; NULL for those that end it, and for what is no phase.';

CREATE OR REPLACE FUNCTION quay_internal.build_phase_check(phase text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.build_phase_rank(phase) IS NULL
       AND coalesce(phase <> ALL (ARRAY['complete', 'error', 'internalerror', 'cancelled']), true) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown phase of a build',
            DETAIL = format('There is no phase "%s".', left(phase, 80)),
            HINT = 'Phases are waiting, build-scheduled, unpacking, pulling, building, pushing, complete, error, internalerror and cancelled.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_phase_check(text) IS 'Refuses (QY009) what is no phase of a build.';

CREATE OR REPLACE FUNCTION quay_internal.build_phase_may_follow(old text, new text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(CASE
        -- The next attempt, or giving up.
        WHEN old = 'internalerror' THEN new = ANY (ARRAY['waiting', 'build-scheduled', 'cancelled'])
        WHEN quay_internal.build_phase_rank(old) IS NULL THEN false
        -- Back into the queue, forward, or to an end.
        WHEN new = 'waiting' THEN old <> 'waiting'
        ELSE new = ANY (ARRAY['complete', 'error', 'internalerror', 'cancelled'])
             OR quay_internal.build_phase_rank(new) > quay_internal.build_phase_rank(old) END, false);
COMMENT ON FUNCTION quay_internal.build_phase_may_follow(text, text) IS
    'May a build go from one phase to the other? From complete, error and cancelled nowhere; from internalerror into the next attempt; from the others forward, back to waiting, or to an end.';

CREATE OR REPLACE FUNCTION quay_internal.build_retries(queue_id text) RETURNS integer
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT q.retries_remaining FROM quay.queueitem AS q WHERE q.id = quay_internal.build_item_id(queue_id)), 0);
END
$$;
COMMENT ON FUNCTION quay_internal.build_retries(text) IS 'How often the queue item of a build may still be taken; 0 if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.build_is_tried(build_id bigint, queue_id text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = build_is_tried.build_id)
        OR EXISTS (SELECT FROM quay.queueitem AS q
                   WHERE q.id = quay_internal.build_item_id(queue_id)
                     AND (q.retries_remaining > 0 OR NOT q.available AND q.processing_expires > quay_internal.utc_now()));
END
$$;
COMMENT ON FUNCTION quay_internal.build_is_tried(bigint, text) IS 'Is an attempt at a build under way, or to come?';

CREATE OR REPLACE FUNCTION quay_internal.build_hold(build text) RETURNS quay.repositorybuild
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuild;
BEGIN
    PERFORM FROM quay.repositorybuildtrigger AS t
    WHERE t.id = (SELECT b.trigger_id FROM quay.repositorybuild AS b WHERE b.uuid = build_hold.build ORDER BY b.id LIMIT 1)
    FOR NO KEY UPDATE;
    SELECT * INTO result FROM quay.repositorybuild AS b WHERE b.uuid = build_hold.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_hold(text) IS 'Build of that uuid, which, like its trigger, nobody else changes until we commit; all NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.build_move(build quay.repositorybuild, phase text, data jsonb DEFAULT NULL, performer text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    event text := CASE build_move.phase WHEN 'building' THEN 'build_start' WHEN 'complete' THEN 'build_success' WHEN 'error' THEN 'build_failure'
                                        WHEN 'cancelled' THEN 'build_cancelled' WHEN 'internalerror' THEN 'build_failure' END;
BEGIN
    IF NOT quay_internal.build_phase_may_follow((build).phase, build_move.phase) THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorybuild AS b SET phase = build_move.phase WHERE b.id = (build).id;
    PERFORM quay.buildlog_append((build).uuid, build_move.phase, 'phase', build_move.data);
    -- With retries left an internal error is not the end.
    IF event IS NOT NULL AND (build_move.phase <> 'internalerror' OR quay_internal.build_retries((build).queue_id) <= 0) THEN
        PERFORM quay_internal.build_event(build, event, performer => build_move.performer);
    END IF;
    PERFORM quay_internal.build_trigger_count((build).trigger_id, build_move.phase);
    PERFORM quay_internal.wake('quay_build', (build).uuid);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay_internal.build_move(quay.repositorybuild, text, jsonb, text) IS
    'Brings a build that the caller holds into another phase, with all that comes with it: a line of its log, the event, the counters of its trigger, a message to those who LISTEN to quay_build. False, and nothing happens, if that phase may not follow.';

CREATE OR REPLACE FUNCTION quay.build_set_phase(build text, phase text, expected text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
BEGIN
    PERFORM quay_internal.build_phase_check(phase);
    target := quay_internal.build_hold(build);
    IF target.id IS NULL OR target.phase <> expected
       -- Who has the job uses build_job_phase(), which asks for the fence.
       OR EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = target.id AND j.cancel_requested_ms IS NULL) THEN
        RETURN false;
    END IF;
    RETURN target.phase = phase OR quay_internal.build_move(target, phase);
END
$$;
COMMENT ON FUNCTION quay.build_set_phase(text, text, text) IS
    'Brings a build into another phase, for front ends that run builds without jobs. False, and nothing happens: there is no such build, it is not in the phase expected, the phase may not follow, or somebody has a job for the build. True also if it is in that phase already.
complete, error and cancelled are final. From internalerror a build goes back to waiting or build-scheduled, for the next attempt. From the other phases it goes forward, in the order waiting, build-scheduled, unpacking, pulling, building, pushing, back to waiting, or to one of the four ends.
With the phase comes a line of type phase in the log, and an event: building build_start, complete build_success, error build_failure, cancelled build_cancelled, internalerror build_failure unless the queue item has retries left. complete, error and internalerror are counted for the trigger. Errors: QY009 unknown phase.';

CREATE OR REPLACE FUNCTION quay_internal.build_can_be_cancelled(build quay.repositorybuild, has_job boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN (build).phase = 'waiting' THEN true
        WHEN (build).phase = 'pushing' OR quay_internal.build_phase_rank((build).phase) IS NULL THEN false
        WHEN has_job THEN true
        -- Somebody runs it without a job, whom we cannot tell.
        ELSE NOT EXISTS (SELECT FROM quay.queueitem AS q
                         WHERE q.id = quay_internal.build_item_id((build).queue_id) AND NOT q.available
                           AND q.processing_expires > quay_internal.utc_now()) END;
END
$$;
COMMENT ON FUNCTION quay_internal.build_can_be_cancelled(quay.repositorybuild, boolean) IS
    'Can a build that the caller holds be cancelled? While it waits; later, until it pushes, if its worker can be told, or there is none.';

CREATE OR REPLACE FUNCTION quay.build_cancel(build text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_cancel.actor);
    target quay.repositorybuild := quay_internal.build_hold(build);
    has_job boolean;
    place record;
BEGIN
    IF target.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY120',
            MESSAGE = 'build does not exist',
            DETAIL = format('There is no build "%s".', left(build_cancel.build, 80)),
            HINT = 'quay.build_list() lists those of a repository.';
    END IF;
    PERFORM FROM quay_internal.build_job AS j WHERE j.build_id = target.id FOR UPDATE;
    has_job := FOUND;
    IF NOT quay_internal.build_can_be_cancelled(target, has_job) THEN
        RETURN false;
    END IF;
    UPDATE quay_internal.build_job AS j SET cancel_requested_ms = quay_internal.clock_ms() WHERE j.build_id = target.id;
    PERFORM quay.queue_cancel(quay_internal.build_item_id(target.queue_id));
    PERFORM quay_internal.build_move(target, 'cancelled', performer => build_cancel.actor);

    SELECT r.id, r.name, r.namespace_user_id, u.username INTO place
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = target.repository_id;
    PERFORM quay_internal.log_add('cancel_build', place.namespace_user_id, performer_id, place.id,
        jsonb_build_object('namespace', place.username, 'repo', place.name, 'build_uuid', target.uuid), build_cancel.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_cancel(text, text, text) IS
    'Cancels a build: in one act its phase is cancelled, its queue item is gone, and if somebody has a job for it he is told, by a message on quay_build and the answer of his next call. Writes the audit row cancel_build and queues the event build_cancelled. False, and nothing happens: the build pushes already, or has ended, or somebody who has no job runs it. Errors: QY007 actor unknown, QY120 build unknown.';

-- What users are shown

CREATE OR REPLACE FUNCTION quay_internal.build_heartbeat_ms(status jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(status -> 'heartbeat') = 'number' AND (status ->> 'heartbeat')::numeric BETWEEN 0 AND 1e12
                THEN ((status ->> 'heartbeat')::numeric * 1000)::bigint END;
COMMENT ON FUNCTION quay_internal.build_heartbeat_ms(jsonb) IS
    'The heartbeat in a status of the reference''s workers, in seconds since 1970, in milliseconds; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.build_status(build text)
    RETURNS TABLE (shown text, phase text, status jsonb, heartbeat_ms bigint, retries_remaining integer, cancel_requested boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    silent_since bigint := quay_internal.clock_ms() - quay_internal.setting('build_heartbeat_timeout')::bigint * 1000;
    is_tried boolean;
BEGIN
    SELECT b.phase::text, l.status, greatest(j.heartbeat_ms, quay_internal.build_heartbeat_ms(l.status)),
           quay_internal.build_retries(b.queue_id), j.cancel_requested_ms IS NOT NULL, quay_internal.build_is_tried(b.id, b.queue_id)
    INTO phase, status, heartbeat_ms, retries_remaining, cancel_requested, is_tried
    FROM quay.repositorybuild AS b
    LEFT JOIN quay_internal.build_log AS l ON l.build_id = b.id
    LEFT JOIN quay_internal.build_job AS j ON j.build_id = b.id
    WHERE b.uuid = build_status.build
    ORDER BY b.id
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    shown := phase;
    IF quay_internal.build_phase_rank(phase) IS NOT NULL AND heartbeat_ms < silent_since THEN
        shown := 'internalerror';
    END IF;
    IF shown = 'internalerror' AND NOT is_tried THEN
        shown := 'expired';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_status(text) IS
    'What to show of a build; no row if there is none. shown: its phase; internalerror if it runs and its last heartbeat is older than quay.build_heartbeat_timeout; expired instead of internalerror if no attempt is under way or to come: its queue item has no retries left, or is gone. phase: as it is stored. status: what the worker said last with buildlog_status_set() or build_job_heartbeat(). heartbeat_ms: of the job, or the field heartbeat of the status, whichever is later.';

-- @part step api/524_build_job.sql
-- Jobs: who runs which build. A manager takes a build from the queue; the job is its lease, which heartbeats extend, up to the longest time that
-- a build may run. A job that expires is handled by one manager, once. The fence is the number of the attempt: what an earlier one says is
-- not listened to any more.

CREATE OR REPLACE FUNCTION quay_internal.build_job_log(build quay.repositorybuild, message text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF message IS NOT NULL THEN
        PERFORM quay.buildlog_append((build).uuid, message, 'error');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_log(quay.repositorybuild, text) IS 'Adds a line of type error to the log of a build, unless the message is NULL.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_hold(build quay.repositorybuild, fence bigint) RETURNS quay_internal.build_job
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay_internal.build_job;
BEGIN
    SELECT * INTO result FROM quay_internal.build_job AS j WHERE j.build_id = (build).id AND j.fence = build_job_hold.fence FOR UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_hold(quay.repositorybuild, bigint) IS
    'Job of a build that the caller holds, if it has this fence; nobody else changes it until we commit. All NULL: it is lost.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_state(job quay_internal.build_job) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (job).build_id IS NULL THEN 'lost' WHEN (job).cancel_requested_ms IS NOT NULL THEN 'cancel' ELSE 'ok' END;
COMMENT ON FUNCTION quay_internal.build_job_state(quay_internal.build_job) IS 'What a manager is told of its job: ok, cancel or lost.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_take(item_id bigint, claim text, build text, manager text, retries integer)
    RETURNS quay_internal.build_job
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    result quay_internal.build_job;
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF build IS NULL THEN
        PERFORM quay.queue_release(item_id, claim, quay_internal.setting('build_retry_delay')::integer);
        RETURN NULL;
    END IF;
    -- Others lock the build before the item, which we have: so we wait for nobody.
    SELECT * INTO target FROM quay.repositorybuild AS b WHERE b.uuid = build_job_take.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND AND EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.uuid = build_job_take.build)
       -- A job that nobody has ended yet: its item came back by itself.
       OR EXISTS (SELECT FROM quay_internal.build_job AS j WHERE j.build_id = target.id AND j.cancel_requested_ms IS NULL) THEN
        PERFORM quay.queue_release(item_id, claim, 1, restore_retry => true);
        RETURN NULL;
    END IF;
    IF target.id IS NULL OR target.phase = ANY (ARRAY['complete', 'error', 'cancelled']) THEN
        PERFORM quay.queue_complete(item_id, claim);
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
                   WHERE r.id = target.repository_id AND r.state <> 3 AND u.enabled) THEN
        PERFORM quay.queue_complete(item_id, claim);
        PERFORM quay_internal.build_move(target, 'cancelled');
        RETURN NULL;
    END IF;
    INSERT INTO quay_internal.build_job AS j (build_id, item_id, item_claim, manager, retries_remaining, claimed_ms, lease_expires_ms,
                                              lifetime_expires_ms)
    VALUES (target.id, build_job_take.item_id, claim, manager, retries, now_ms,
            now_ms + quay_internal.setting('build_registration_timeout')::bigint * 1000,
            now_ms + quay_internal.setting('build_machine_max_time')::bigint * 1000)
    RETURNING j.* INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_take(bigint, text, text, text, integer) IS
    'Makes a job of a queue item that was claimed. NULL if it cannot be one: somebody is changing the build, or its last job has not ended: the item comes back soon; the build has ended or is gone, or its repository is being deleted: so is the item; the item names no build: it comes back until it is out of retries.';

CREATE OR REPLACE FUNCTION quay.build_job_claim(manager text, n integer DEFAULT 1)
    RETURNS TABLE (build text, fence bigint, namespace text, repository text, display_name text, job_config jsonb, retries_remaining integer,
                   lease_expires_ms bigint, lifetime_expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    processing integer := quay_internal.setting('build_claim_duration')::integer;
    item record;
    job quay_internal.build_job;
    items integer;
    taken integer := 0;
BEGIN
    IF coalesce(manager, '') = '' OR char_length(manager) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'name of a build manager must have 1 to 255 characters',
            DETAIL = format('It is %s.', coalesce('"' || left(manager, 80) || '"', 'NULL')),
            HINT = 'Pass what tells this manager apart, such as its host and process.';
    END IF;
    PERFORM quay_internal.queue_require_read_committed('a claim of builds');
    -- What can be no job takes the place of others; a call looks at no more than this many rounds.
    FOR round IN 1 .. 100 LOOP
        items := 0;
        FOR item IN SELECT * FROM quay.queue_get('dockerfilebuild', processing, ordered => true, n => batch - taken) LOOP
            items := items + 1;
            job := quay_internal.build_job_take(item.item_id, item.claim, quay_internal.json_read(item.body) ->> 'build_uuid', manager,
                                                item.retries_remaining);
            CONTINUE WHEN job.build_id IS NULL;
            taken := taken + 1;
            SELECT b.uuid::text, u.username::text, r.name::text, b.display_name::text, coalesce(quay_internal.json_read(b.job_config), '{}')
            INTO build, namespace, repository, display_name, job_config
            FROM quay.repositorybuild AS b
            JOIN quay.repository AS r ON r.id = b.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE b.id = job.build_id;
            fence := job.fence;
            retries_remaining := job.retries_remaining;
            lease_expires_ms := job.lease_expires_ms;
            lifetime_expires_ms := job.lifetime_expires_ms;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN items = 0 OR taken >= batch;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_job_claim(text, integer) IS
    'Gives a build manager up to n builds to run, one at a time of each repository, the oldest first. No row: there is none. Several managers call it at once; each build goes to one. With build and fence the manager calls build_job_place() and build_job_schedule() within quay.build_registration_timeout, or build_job_release(); then the worker''s calls follow. retries_remaining: after this attempt. lifetime_expires_ms: when the job ends whatever happens (quay.build_machine_max_time).
Call build_job_expire() before, now and then. Errors: 22023 n not positive, no name; 55000 the transaction is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_job_check(build text, fence bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job quay_internal.build_job;
BEGIN
    SELECT j.* INTO job FROM quay.repositorybuild AS b JOIN quay_internal.build_job AS j ON j.build_id = b.id
    WHERE b.uuid = build_job_check.build AND j.fence = build_job_check.fence;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_check(text, bigint) IS
    'Shall the job go on? ok: yes. cancel: no, somebody cancelled the build; stop the worker and call build_job_complete(). lost: no, the job expired, or the build is gone; just stop the worker.';

CREATE OR REPLACE FUNCTION quay.build_job_place(build text, fence bigint, executor text, capacity integer DEFAULT NULL,
                                                minimum_retries integer DEFAULT 0) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job quay_internal.build_job := quay_internal.build_job_hold(quay_internal.build_hold(build), fence);
BEGIN
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    IF job.retries_remaining < minimum_retries THEN
        RETURN 'retries';
    END IF;
    IF capacity IS NOT NULL THEN
        -- Who counts sees what those before have placed.
        PERFORM quay_internal.queue_require_read_committed('the capacity of an executor');
        PERFORM pg_advisory_xact_lock(hashtextextended('quay executor ' || executor, 0));
        IF (SELECT count(*) FROM quay_internal.build_job AS j WHERE j.executor = build_job_place.executor AND j.build_id <> job.build_id) >= capacity THEN
            RETURN 'full';
        END IF;
    END IF;
    UPDATE quay_internal.build_job AS j SET executor = build_job_place.executor WHERE j.build_id = job.build_id;
    RETURN 'ok';
END
$$;
COMMENT ON FUNCTION quay.build_job_place(text, bigint, text, integer, integer) IS
    'Takes a place on an executor for a job, before the worker is started there. ok: it has it. full: as many jobs as capacity are there already. retries: the job has fewer retries left than minimum_retries, which keeps a last attempt for a better executor. Then ask the next executor, and in the end build_job_release(). cancel and lost: as in build_job_check(). capacity NULL: any number; two managers that count at once take turns. Errors: 55000 capacity in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_job_release(build text, fence bigint, delay_s double precision DEFAULT 10) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
BEGIN
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = job.build_id;
    IF quay_internal.build_job_state(job) = 'ok' THEN
        PERFORM quay.queue_release(job.item_id, job.item_claim, delay_s, restore_retry => true);
        PERFORM quay_internal.build_move(target, 'waiting');
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_release(text, bigint, double precision) IS
    'Gives a build back that target no executor, or cannot go on for reasons of the registry''s: the attempt does not count, and the build comes again after delay_s seconds. cancel and lost: as in build_job_check(); the job has ended then too.';

CREATE OR REPLACE FUNCTION quay.build_job_schedule(build text, fence bigint, executor text, execution_id text, startup_s integer DEFAULT 300) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
    startup interval := quay_internal.queue_seconds(startup_s, 1);
BEGIN
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    UPDATE quay_internal.build_job AS j
    SET executor = build_job_schedule.executor, execution_id = build_job_schedule.execution_id,
        lease_expires_ms = least(quay_internal.clock_ms() + startup_s::bigint * 1000, j.lifetime_expires_ms)
    WHERE j.build_id = job.build_id;
    PERFORM quay.queue_extend(job.item_id, job.item_claim, startup_s + 60, minimum_s => 60);
    PERFORM quay_internal.build_move(target, 'build-scheduled');
    RETURN 'ok';
END
$$;
COMMENT ON FUNCTION quay.build_job_schedule(text, bigint, text, text, integer) IS
    'The worker is being started: on which executor, and under which id there, so that whoever finds the job expired can stop it. The first heartbeat is to come within startup_s seconds. The phase is build-scheduled then. ok, cancel, lost: as in build_job_check(). Errors: 22023 startup_s out of range.';

-- Calls of the worker

CREATE OR REPLACE FUNCTION quay.build_job_start(build text, fence bigint)
    RETURNS TABLE (status text, namespace text, repository text, job_config jsonb, resource_key text, token text, git_url text, private_key text,
                   pull_username text, pull_password text, pull_registry text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild := quay_internal.build_hold(build);
    job quay_internal.build_job := quay_internal.build_job_hold(target, fence);
BEGIN
    status := quay_internal.build_job_state(job);
    IF status <> 'ok' THEN
        RETURN NEXT;
        RETURN;
    END IF;
    job_config := coalesce(quay_internal.json_read(target.job_config), '{}');
    git_url := job_config #>> '{trigger_metadata,git_url}';
    IF coalesce(target.resource_key, job_config ->> 'archive_url', git_url) IS NULL THEN
        -- It would not be better at the next attempt.
        PERFORM quay.queue_cancel(job.item_id);
        DELETE FROM quay_internal.build_job AS j WHERE j.build_id = job.build_id;
        PERFORM quay_internal.build_job_log(target, 'There is neither a package nor a repository to build from.');
        PERFORM quay_internal.build_move(target, 'internalerror');
        status := 'nothing';
        job_config := NULL;
        RETURN NEXT;
        RETURN;
    END IF;
    UPDATE quay_internal.build_job AS j SET started_ms = coalesce(j.started_ms, quay_internal.clock_ms()) WHERE j.build_id = job.build_id;
    SELECT u.username::text, r.name::text INTO namespace, repository
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = target.repository_id;
    resource_key := target.resource_key;
    token := (SELECT a.token_name || quay_internal.field_decrypt(a.token_code) FROM quay.accesstoken AS a WHERE a.id = target.access_token_id);
    private_key := (SELECT quay_internal.field_decrypt(t.secure_private_key) FROM quay.repositorybuildtrigger AS t WHERE t.id = target.trigger_id);
    SELECT c.username, c.password, c.registry INTO pull_username, pull_password, pull_registry
    FROM quay."user" AS u CROSS JOIN LATERAL quay.robot_pull_credentials(u.username) AS c WHERE u.id = target.pull_robot_id;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_job_start(text, bigint) IS
    'What a worker needs to build, for whoever has the job: what to build and where to push it, the token ($token) to push with, the key for git, and the password of the robot to pull with, each in clear. status: ok; cancel, lost: as in build_job_check(), the other columns are NULL; nothing: the build names neither an uploaded file, an archive nor a git repository, and has ended in internalerror. The worker may call it again. Errors: QY060 a secret cannot be decrypted, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_job_heartbeat(build text, fence bigint, status jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    job quay_internal.build_job;
BEGIN
    -- Neither the build nor its trigger: a heartbeat waits for nobody but another call for the same job.
    UPDATE quay_internal.build_job AS j
    SET heartbeat_ms = now_ms,
        lease_expires_ms = least(now_ms + quay_internal.setting('build_heartbeat_timeout')::bigint * 1000, j.lifetime_expires_ms)
    WHERE j.build_id = (SELECT b.id FROM quay.repositorybuild AS b WHERE b.uuid = build_job_heartbeat.build ORDER BY b.id LIMIT 1)
      AND j.fence = build_job_heartbeat.fence AND j.lifetime_expires_ms > now_ms
    RETURNING j.* INTO job;
    IF quay_internal.build_job_state(job) = 'ok' AND NOT quay.queue_extend(job.item_id, job.item_claim, 300) THEN
        -- It was taken out of the queue, as with its namespace.
        RETURN 'lost';
    END IF;
    IF job.build_id IS NOT NULL AND status IS NOT NULL THEN
        PERFORM quay_internal.buildlog_status_put(job.build_id, status);
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_heartbeat(text, bigint, jsonb) IS
    'The worker is alive: the job goes on for quay.build_heartbeat_timeout, and the queue item for 300 seconds, so a heartbeat every 20 seconds or so is enough. status: what build_status() is to show, NULL: as it was. ok, cancel, lost: as in build_job_check(); lost also when the longest time that a build may run is over.';

CREATE OR REPLACE FUNCTION quay_internal.build_job_end(build quay.repositorybuild, job quay_internal.build_job, result text, message text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = (job).build_id;
    IF (job).cancel_requested_ms IS NOT NULL THEN
        RETURN;
    END IF;
    IF result = ANY (ARRAY['incomplete', 'internalerror']) THEN
        PERFORM quay.queue_release((job).item_id, (job).item_claim, quay_internal.setting('build_retry_delay')::integer,
                                   restore_retry => result = 'incomplete');
    ELSE
        -- Also if the item has expired: it is the job that counts.
        PERFORM quay.queue_cancel((job).item_id);
    END IF;
    PERFORM quay_internal.build_job_log(build, message);
    PERFORM quay_internal.build_move(build, CASE result WHEN 'incomplete' THEN 'waiting' ELSE result END);
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_end(quay.repositorybuild, quay_internal.build_job, text, text) IS
    'Ends a job that the caller holds, with its build: what becomes of the queue item and of the phase, see build_job_complete().';

CREATE OR REPLACE FUNCTION quay.build_job_phase(build text, fence bigint, phase text, data jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    job quay_internal.build_job;
BEGIN
    PERFORM quay_internal.build_phase_check(phase);
    IF phase = ANY (ARRAY['complete', 'error', 'internalerror', 'cancelled']) THEN
        RETURN quay.build_job_complete(build, fence, phase);
    END IF;
    target := quay_internal.build_hold(build);
    job := quay_internal.build_job_hold(target, fence);
    IF quay_internal.build_job_state(job) <> 'ok' THEN
        RETURN quay_internal.build_job_state(job);
    END IF;
    RETURN CASE WHEN target.phase = phase OR quay_internal.build_move(target, phase, data) THEN 'ok' ELSE 'refused' END;
END
$$;
COMMENT ON FUNCTION quay.build_job_phase(text, bigint, text, jsonb) IS
    'The worker is in another phase. ok: so is the build, or it was already; with the phase come a line of type phase and the data in its log, and with building the event build_start. refused: the phase may not follow, see build_set_phase(). The four that end a build do what build_job_complete() does. cancel, lost: as in build_job_check(). Errors: QY009 unknown phase.';

CREATE OR REPLACE FUNCTION quay.build_job_complete(build text, fence bigint, result text, message text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    job quay_internal.build_job;
BEGIN
    IF coalesce(result <> ALL (ARRAY['complete', 'error', 'internalerror', 'incomplete', 'cancelled']), true) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown result of a build job',
            DETAIL = format('There is no result "%s".', left(result, 80)),
            HINT = 'Results are complete, error, internalerror, incomplete and cancelled.';
    END IF;
    target := quay_internal.build_hold(build);
    job := quay_internal.build_job_hold(target, fence);
    IF job.build_id IS NOT NULL THEN
        PERFORM quay_internal.build_job_end(target, job, result, message);
    END IF;
    RETURN quay_internal.build_job_state(job);
END
$$;
COMMENT ON FUNCTION quay.build_job_complete(text, bigint, text, text) IS
    'Ends a job. complete, error, cancelled: that is the phase of the build, for good, and its queue item is gone. internalerror: so is the phase, but the build comes again after quay.build_retry_delay if it has retries left. incomplete: the worker cannot go on, which is no fault of the build; it waits, and comes again after the same time, and the attempt does not count. message: a line of type error in the log, before the phase.
Events and the counters of the trigger follow the phase, see build_set_phase(). ok: done. cancel: the build was cancelled meanwhile, stays so, and the job has ended. lost: the job is another''s or gone; nothing was written. Errors: QY009 unknown result.';

-- Jobs that nobody ends

CREATE OR REPLACE FUNCTION quay_internal.build_job_hold_expired(build_id bigint, now_ms bigint, OUT build quay.repositorybuild,
                                                                OUT job quay_internal.build_job)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_trigger bigint := (SELECT b.trigger_id FROM quay.repositorybuild AS b WHERE b.id = build_job_hold_expired.build_id);
BEGIN
    -- In the same order as everybody, but waiting for nobody: with several builds in hand there is no order any more.
    PERFORM FROM quay.repositorybuildtrigger AS t WHERE t.id = of_trigger FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND AND of_trigger IS NOT NULL THEN
        RETURN;
    END IF;
    SELECT * INTO build FROM quay.repositorybuild AS b WHERE b.id = build_job_hold_expired.build_id FOR NO KEY UPDATE SKIP LOCKED;
    IF build.id IS NOT NULL THEN
        SELECT * INTO job FROM quay_internal.build_job AS j
        WHERE j.build_id = build.id AND j.lease_expires_ms <= now_ms FOR UPDATE SKIP LOCKED;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_job_hold_expired(bigint, bigint) IS
    'Build and job, if the job has expired and nobody is at either: neither changes until we commit. Else the job is all NULL.';

CREATE OR REPLACE FUNCTION quay.build_job_expire(n integer DEFAULT 10)
    RETURNS TABLE (build text, fence bigint, manager text, executor text, execution_id text, cancelled boolean, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    candidate bigint;
    held record;
BEGIN
    FOR candidate IN
        SELECT j.build_id FROM quay_internal.build_job AS j WHERE j.lease_expires_ms <= now_ms ORDER BY j.lease_expires_ms LIMIT batch
    LOOP
        held := quay_internal.build_job_hold_expired(candidate, now_ms);
        CONTINUE WHEN (held.job).build_id IS NULL;
        PERFORM quay_internal.build_job_end(held.build, held.job, 'internalerror', 'The worker of the build was not heard of any more.');
        build := (held.build).uuid;
        fence := (held.job).fence;
        manager := (held.job).manager;
        executor := (held.job).executor;
        execution_id := (held.job).execution_id;
        cancelled := (held.job).cancel_requested_ms IS NOT NULL;
        retries_remaining := quay_internal.build_retries((held.build).queue_id);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_job_expire(integer) IS
    'Ends up to n jobs whose lease is over: no heartbeat came, or the build took too long. Each is given to one caller, once, who has to stop the worker execution_id of executor, if there is one. The build is in phase internalerror and comes again after quay.build_retry_delay if it has retries left; cancelled: it was cancelled before, and stays so. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.build_job_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (build_id bigint, build text, fence bigint, manager text, executor text, execution_id text, retries_remaining integer,
                   claimed_ms bigint, started_ms bigint, heartbeat_ms bigint, lease_expires_ms bigint, lifetime_expires_ms bigint,
                   cancel_requested boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT j.build_id, b.uuid::text, j.fence, j.manager, j.executor, j.execution_id, j.retries_remaining, j.claimed_ms, j.started_ms,
               j.heartbeat_ms, j.lease_expires_ms, j.lifetime_expires_ms, j.cancel_requested_ms IS NOT NULL
        FROM quay_internal.build_job AS j JOIN quay.repositorybuild AS b ON b.id = j.build_id
        WHERE j.build_id > coalesce(build_job_list.after, 0)
        ORDER BY j.build_id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.build_job_list(bigint, integer) IS
    'Jobs that there are, at most n with a build_id above after: for a manager that was started anew, and for people. Times in milliseconds since 1970. Errors: 22023 n negative.';

-- @part step api/526_buildlog.sql
-- Logs of builds: lines with indexes that have no gap, live to follow; the status; and what goes with its build.

CREATE OR REPLACE FUNCTION quay_internal.buildlog_lock(build text, wait boolean DEFAULT true) RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_buildlog_lock';
COMMENT ON FUNCTION quay_internal.buildlog_lock(text, boolean) IS
    'Keeps others from adding lines to the log of a build until we commit; who adds lines takes the same lock. False: somebody has it, and wait is false.';

CREATE OR REPLACE FUNCTION quay.buildlog_append(build text, message text, type text DEFAULT NULL, data jsonb DEFAULT NULL) RETURNS integer
    LANGUAGE C VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'quay_buildlog_append';
COMMENT ON FUNCTION quay.buildlog_append(text, text, text, jsonb) IS
    'Adds a line to the log of a build, and returns its index: 0, 1, 2 and so on, without a gap, however many sessions write. NULL: there is no such build, or its log is archived. type: command, phase or error, NULL for output. data: what else belongs to the line.
Sessions that write to the same log take turns, each until it commits. At commit those who LISTEN to quay_buildlog get the uuid of the build, at most once in quay.buildlog_notify_interval. Errors: 22004 message is NULL, QY009 unknown type.';

CREATE OR REPLACE FUNCTION quay.buildlog_append_many(build text, messages text[], types text[] DEFAULT NULL, data jsonb[] DEFAULT NULL)
    RETURNS integer
    LANGUAGE C VOLATILE CALLED ON NULL INPUT AS 'MODULE_PATHNAME', 'quay_buildlog_append_many';
COMMENT ON FUNCTION quay.buildlog_append_many(text, text[], text[], jsonb[]) IS
    'buildlog_append() for several lines at once, which is many times cheaper for each: returns the index of the first, the others follow it. types, data: one for each message, or NULL. NULL also if there are no messages. Errors: 22004 a message is NULL, 22023 arrays of several lengths, QY009 unknown type.';

CREATE OR REPLACE FUNCTION quay.buildlog_read(build text, start integer DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (index integer, total integer, message text, type text, data jsonb, created_ms bigint, phase text, archived text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT l.index, coalesce(h.archived_lines, e.total, 0), l.message, l.type, l.data, l.created_ms, b.phase,
               CASE WHEN b.logs_archived THEN CASE WHEN h.archived_lines = 0 THEN 'empty' ELSE 'object' END END
        FROM (SELECT r.id, r.phase::text, r.logs_archived FROM quay.repositorybuild AS r WHERE r.uuid = buildlog_read.build
              ORDER BY r.id LIMIT 1) AS b
        LEFT JOIN quay_internal.build_log AS h ON h.build_id = b.id
        LEFT JOIN LATERAL (SELECT m.index + 1 AS total FROM quay_internal.build_log_line AS m WHERE m.build_id = b.id
                           ORDER BY m.index DESC LIMIT 1) AS e ON true
        LEFT JOIN LATERAL (SELECT * FROM quay_internal.build_log_line AS m
                           WHERE m.build_id = b.id AND m.index >= coalesce(buildlog_read.start, 0)
                           ORDER BY m.index LIMIT page_size) AS l ON true
        ORDER BY l.index;
END
$$;
COMMENT ON FUNCTION quay.buildlog_read(text, integer, integer) IS
    'Lines of the log of a build from the index start on, at most n, in their order, all as of one moment. total: how many lines the log has, so the index of the next one. phase: of the build at that moment. If there are no lines from start on there is one row, of which index and message are NULL. No row: there is no such build.
archived: NULL not yet; object: the lines are in the archive under the uuid of the build, and not here; empty: there were none, and there is no object.
To follow a log: LISTEN quay_buildlog and quay_build, read; at each message with the uuid of the build read from the last total on, and once more after quay.buildlog_notify_interval; until phase is one that ends the build. LISTEN needs a session of its own, not one of a transaction pool; without it, poll. Errors: 22023 n negative.';

-- The status

CREATE OR REPLACE FUNCTION quay_internal.buildlog_status_put(build_id bigint, status jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.build_log AS l (build_id, status, status_ms, expires_ms)
    VALUES (buildlog_status_put.build_id, buildlog_status_put.status, now_ms,
            now_ms + quay_internal.setting('buildlog_lifetime')::bigint * 1000)
    ON CONFLICT ON CONSTRAINT pk_build_log DO UPDATE
    -- quay.buildlog_expire() looks at the time of the status: the index is left alone.
    SET status = EXCLUDED.status, status_ms = EXCLUDED.status_ms, expires_ms = coalesce(l.expires_ms, EXCLUDED.expires_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.buildlog_status_put(bigint, jsonb) IS 'Keeps the status of a build, instead of the one that it had.';

CREATE OR REPLACE FUNCTION quay.buildlog_status_set(build text, status jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT b.id FROM quay.repositorybuild AS b WHERE b.uuid = buildlog_status_set.build ORDER BY b.id LIMIT 1);
BEGIN
    IF found_id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.buildlog_status_put(found_id, status);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.buildlog_status_set(text, jsonb) IS
    'Keeps what is to be known of a build that runs, such as how far each layer is, instead of what was kept before; the last one wins. heartbeat: a field with seconds since 1970, by which build_status() tells a worker that is dead. False: there is no such build.';

CREATE OR REPLACE FUNCTION quay.buildlog_status_get(build text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT l.status FROM quay.repositorybuild AS b JOIN quay_internal.build_log AS l ON l.build_id = b.id
            WHERE b.uuid = buildlog_status_get.build ORDER BY b.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay.buildlog_status_get(text) IS 'What buildlog_status_set() kept last; NULL if nothing, or it has expired, or there is no such build.';

CREATE OR REPLACE FUNCTION quay.buildlog_delete(build text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    PERFORM quay_internal.buildlog_lock(build);
    DELETE FROM quay_internal.build_log_line AS l
    USING quay.repositorybuild AS b WHERE b.uuid = buildlog_delete.build AND l.build_id = b.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.buildlog_delete(text) IS
    'Deletes the lines of the log of a build, and returns how many there were. The next line has the index 0 again.';

-- What goes with a build, whoever deletes it

CREATE OR REPLACE FUNCTION quay_internal.build_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- In the order in which everybody locks them.
    DELETE FROM quay_internal.build_job AS j WHERE j.build_id = OLD.id;
    DELETE FROM quay.queueitem AS q
    WHERE q.id = quay_internal.build_item_id(OLD.queue_id) AND split_part(q.queue_name, '/', 1) = 'dockerfilebuild';
    -- Who adds a line looks for the build under the same lock.
    PERFORM quay_internal.buildlog_lock(OLD.uuid);
    DELETE FROM quay_internal.build_log_line AS l WHERE l.build_id = OLD.id;
    -- Lines that our snapshot does not show are for quay.buildlog_expire().
    UPDATE quay_internal.build_log AS l SET expires_ms = 0, status = NULL WHERE l.build_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.build_removed() IS 'Trigger: with a build go its log, its job and its place in the queue.';

CREATE OR REPLACE TRIGGER build_removed AFTER DELETE ON quay.repositorybuild
    FOR EACH ROW EXECUTE FUNCTION quay_internal.build_removed();

-- @part step api/528_build_archive.sql
-- Logs of builds that have ended go to an archive, and what nobody archives goes with age.

CREATE OR REPLACE FUNCTION quay_internal.build_is_archivable(build quay.repositorybuild, started_before timestamp) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT (build).logs_archived
       AND ((build).phase = ANY (ARRAY['complete', 'error', 'cancelled'])
            OR (build).phase = 'internalerror' AND NOT quay_internal.build_is_tried((build).id, (build).queue_id)
            OR (build).started < started_before);
END
$$;
COMMENT ON FUNCTION quay_internal.build_is_archivable(quay.repositorybuild, timestamp) IS
    'Is the log of a build to be archived? If the build has ended, or is that old.';

CREATE OR REPLACE FUNCTION quay.build_archive_claim(n integer DEFAULT 1) RETURNS TABLE (build text, claim text, total integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    started_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('build_archive_age')::integer);
    candidate record;
    token uuid;
BEGIN
    FOR candidate IN
        SELECT b.id, b.uuid FROM quay.repositorybuild AS b
        LEFT JOIN quay_internal.build_log AS l ON l.build_id = b.id
        WHERE NOT b.logs_archived AND coalesce(l.archive_expires_ms, 0) <= now_ms
          AND quay_internal.build_is_archivable(b, started_before)
        ORDER BY b.started, b.id
        LIMIT batch
        FOR NO KEY UPDATE OF b SKIP LOCKED
    LOOP
        token := gen_random_uuid();
        INSERT INTO quay_internal.build_log AS l (build_id, archive_claim, archive_expires_ms)
        VALUES (candidate.id, token, now_ms + quay_internal.setting('build_archive_duration')::bigint * 1000)
        ON CONFLICT ON CONSTRAINT pk_build_log DO UPDATE
        SET archive_claim = EXCLUDED.archive_claim, archive_expires_ms = EXCLUDED.archive_expires_ms
        -- Somebody may have claimed it since we looked.
        WHERE coalesce(l.archive_expires_ms, 0) <= now_ms;
        CONTINUE WHEN NOT FOUND;
        build := candidate.uuid;
        claim := token::text;
        total := (SELECT r.total FROM quay.buildlog_read(build, 0, 0) AS r);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.build_archive_claim(integer) IS
    'Gives a worker up to n builds whose logs are to be archived, the oldest first, for quay.build_archive_duration. To be archived are those of builds that have ended (in internalerror: if no attempt is under way or to come), and of builds that are older than quay.build_archive_age. Two workers never get the same. total: lines of the log. The worker reads them with buildlog_read(), stores them under the uuid of the build, if there are any, and calls build_archive_confirm(). Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.build_archive_confirm(build text, claim text, lines integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repositorybuild;
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    PERFORM quay_internal.queue_require_read_committed('the archive of a build log');
    SELECT * INTO target FROM quay.repositorybuild AS b WHERE b.uuid = build_archive_confirm.build ORDER BY b.id LIMIT 1 FOR NO KEY UPDATE;
    IF target.id IS NULL OR target.logs_archived THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.buildlog_lock(target.uuid);
    IF lines IS DISTINCT FROM (SELECT r.total FROM quay.buildlog_read(target.uuid, 0, 0) AS r) THEN
        -- More lines have come. Whoever claims it next gets them too.
        UPDATE quay_internal.build_log AS l SET archive_claim = NULL, archive_expires_ms = NULL
        WHERE l.build_id = target.id AND l.archive_claim::text = build_archive_confirm.claim;
        RETURN false;
    END IF;
    UPDATE quay_internal.build_log AS l
    SET archive_claim = NULL, archive_expires_ms = NULL, archived_lines = lines,
        expires_ms = CASE WHEN l.status IS NOT NULL
                          THEN now_ms + quay_internal.setting('buildlog_archived_lifetime')::bigint * 1000 END
    WHERE l.build_id = target.id AND l.archive_claim::text = build_archive_confirm.claim;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorybuild AS b SET logs_archived = true WHERE b.id = target.id;
    DELETE FROM quay_internal.build_log_line AS l WHERE l.build_id = target.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_archive_confirm(text, text, integer) IS
    'The lines of the log are in the archive: marks the build, deletes them here, and lets its status expire after quay.buildlog_archived_lifetime. lines: how many were stored; 0: nothing was stored, and buildlog_read() says so. True: done, by this worker. False, and nothing is deleted: the claim is over and another''s, the log is archived already, or has another number of lines by now; then it comes again with the next claim. Errors: 55000 the transaction is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.build_archive_release(build text, claim text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.build_log AS l SET archive_claim = NULL, archive_expires_ms = NULL
    FROM quay.repositorybuild AS b
    WHERE b.uuid = build_archive_release.build AND l.build_id = b.id AND l.archive_claim::text = build_archive_release.claim;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.build_archive_release(text, text) IS
    'Gives a claim back, so that the log can be claimed again at once. False: it is over, and another''s.';

-- Age

CREATE OR REPLACE FUNCTION quay_internal.buildlog_expire_one(build_id bigint, now_ms bigint, n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    lifetime_ms bigint := quay_internal.setting('buildlog_lifetime')::bigint * 1000;
    build record;
    log quay_internal.build_log;
    due_ms bigint;
    deleted integer := 0;
BEGIN
    -- The log before its row, like who adds its first line; who is adding one keeps it alive.
    SELECT b.uuid, b.logs_archived INTO build FROM quay.repositorybuild AS b WHERE b.id = buildlog_expire_one.build_id;
    IF build.uuid IS NOT NULL AND NOT quay_internal.buildlog_lock(build.uuid, wait => false) THEN
        RETURN 0;
    END IF;
    SELECT * INTO log FROM quay_internal.build_log AS l
    WHERE l.build_id = buildlog_expire_one.build_id AND l.expires_ms <= now_ms
      -- Not while somebody archives it.
      AND coalesce(l.archive_expires_ms, 0) <= now_ms
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- Neither lines nor a status put the time off that the row has: that is done here.
    IF build.uuid IS NOT NULL AND NOT build.logs_archived THEN
        due_ms := lifetime_ms + greatest(log.status_ms, (SELECT l.created_ms FROM quay_internal.build_log_line AS l
                                                         WHERE l.build_id = log.build_id ORDER BY l.index DESC LIMIT 1));
    END IF;
    IF due_ms > now_ms THEN
        UPDATE quay_internal.build_log AS l SET expires_ms = due_ms WHERE l.build_id = log.build_id;
        RETURN 1;
    END IF;
    DELETE FROM quay_internal.build_log_line AS l
    WHERE l.build_id = log.build_id
      AND l.index < n + (SELECT f.index FROM quay_internal.build_log_line AS f WHERE f.build_id = log.build_id ORDER BY f.index LIMIT 1);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    IF EXISTS (SELECT FROM quay_internal.build_log_line AS l WHERE l.build_id = log.build_id) THEN
        RETURN deleted;
    END IF;
    UPDATE quay_internal.build_log AS l SET status = NULL, status_ms = NULL, expires_ms = NULL WHERE l.build_id = log.build_id;
    -- Nothing is left to be known.
    DELETE FROM quay_internal.build_log AS l
    WHERE l.build_id = log.build_id AND (build.uuid IS NULL OR l.archived_lines IS NULL AND l.archive_claim IS NULL);
    RETURN deleted + 1;
END
$$;
COMMENT ON FUNCTION quay_internal.buildlog_expire_one(bigint, bigint, integer) IS
    'Deletes what has expired of the log of a build, at most n lines, and returns how many rows it had to do with. A log with a younger line or status is put off.';

CREATE OR REPLACE FUNCTION quay.buildlog_expire(n integer DEFAULT 10000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    candidate bigint;
    done integer := 0;
BEGIN
    PERFORM quay_internal.queue_require_read_committed('the expiry of build logs');
    FOR candidate IN
        SELECT l.build_id FROM quay_internal.build_log AS l WHERE l.expires_ms <= now_ms ORDER BY l.expires_ms LIMIT batch
    LOOP
        done := done + quay_internal.buildlog_expire_one(candidate, now_ms, batch - done);
        EXIT WHEN done >= batch;
    END LOOP;
    RETURN done;
END
$$;
COMMENT ON FUNCTION quay.buildlog_expire(integer) IS
    'Deletes logs and statuses of builds to which nothing was added for quay.buildlog_lifetime, statuses of builds whose log was archived quay.buildlog_archived_lifetime ago, and what builds left that are gone: about n rows, and returns how many it had to do with; 0: there is nothing to do. What others are at is passed by, so it can run twice at once. Errors: 22023 n not positive, 55000 the transaction is not READ COMMITTED.';

-- @part step api/530_notification.sql
-- Notifications within the registry, as people read them: their own, and those of the organizations that they administer.

CREATE OR REPLACE FUNCTION quay_internal.notification_kind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT k.id FROM quay.notificationkind AS k WHERE k.name = notification_kind_id.kind);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_kind_id.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_kind_id(text) IS 'Id of a kind of notification. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.notification_target(target text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = notification_target.target);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(notification_target.target, 80)),
            HINT = 'Pass the name of a person, an organization or a robot.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_target(text) IS 'Id of the person, organization or robot of that name, enabled or not. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.notification_sight(user_id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT notification_sight.user_id
        UNION
        SELECT t.organization_id
        FROM quay.teammember AS m
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE m.user_id = notification_sight.user_id AND r.name = 'admin');
END
$$;
COMMENT ON FUNCTION quay_internal.notification_sight(bigint) IS
    'Whose notifications somebody sees: ids of himself and of the organizations in which he is in a team of role admin.';

CREATE OR REPLACE FUNCTION quay_internal.notification_check(metadata jsonb, lookup_path text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN jsonb_typeof(metadata) IS DISTINCT FROM 'object' THEN format('Its metadata are %s, not an object.', coalesce(jsonb_typeof(metadata), 'NULL'))
        WHEN lookup_path !~ '^/.*[^/]$' THEN format('Its path "%s" does not start with "/", or ends in one.', left(lookup_path, 80))
        WHEN char_length(lookup_path) > 255 THEN format('Its path has %s characters; it may have 255.', char_length(lookup_path))
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed notification',
            DETAIL = problem,
            HINT = 'Pass a JSON object, and a path such as /service_key_approval/abc, or NULL for none.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_check(jsonb, text) IS
    'Refuses (QY077) metadata that are no JSON object, and a path that does not start with "/", ends in "/" or is too long.';

-- Creating

CREATE OR REPLACE FUNCTION quay.notification_create(kind text, target text, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_check(metadata, lookup_path);
    -- So that nobody deletes him meanwhile, which would end in a violated foreign key.
    PERFORM FROM quay."user" AS u WHERE u.username = notification_create.target FOR KEY SHARE;
    RETURN quay_internal.notification_add(kind, quay_internal.notification_target(target), metadata, lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_create(text, text, jsonb, text) IS
    'Notifies a person or a robot, or the administrators of an organization, within the registry, and returns the uuid of the notification. kind: a name in quay.notificationkind. metadata: a JSON object, what there is to say. lookup_path: by which quay.notification_delete_path() finds it when it is settled. Errors: QY007 target unknown, QY009 kind unknown, QY077 metadata or path malformed.';

CREATE OR REPLACE FUNCTION quay.notification_create_unique(kind text, target text, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_kind_id bigint := quay_internal.notification_kind_id(kind);
    found_id bigint;
BEGIN
    PERFORM quay_internal.notification_check(metadata, lookup_path);
    -- One at a time for a target. Who waited here sees in his next statement what the other one created.
    PERFORM FROM quay."user" AS u WHERE u.username = notification_create_unique.target FOR NO KEY UPDATE;
    found_id := quay_internal.notification_target(target);
    IF EXISTS (SELECT FROM quay.notification AS n
               WHERE n.target_id = ANY (quay_internal.notification_sight(found_id)) AND NOT n.dismissed AND n.kind_id = wanted_kind_id) THEN
        RETURN NULL;
    END IF;
    -- A new version of the row, so that who waits with the snapshot of REPEATABLE READ, which does not see ours, fails (40001).
    UPDATE quay."user" AS u SET last_accessed = u.last_accessed WHERE u.id = found_id;
    RETURN quay_internal.notification_add(kind, found_id, metadata, lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_create_unique(text, text, jsonb, text) IS
    'As quay.notification_create(), but only if the target sees no notification of this kind that is not dismissed, his own or one of an organization that he administers; NULL: he does. Two calls at once make one. Errors: QY007 target unknown, QY009 kind unknown, QY077 metadata or path malformed.';

-- Reading

CREATE OR REPLACE FUNCTION quay.notification_list(username text, kinds text[] DEFAULT NULL, include_dismissed boolean DEFAULT false,
                                                  after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, kind text, target text, metadata jsonb, created timestamp, dismissed boolean,
                   lookup_path text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
    kind_ids bigint[] := CASE WHEN kinds IS NOT NULL THEN ARRAY(SELECT k.id FROM quay.notificationkind AS k WHERE k.name = ANY (kinds)) END;
    before_id bigint := coalesce(notification_list.after, 9223372036854775807);
    ids bigint[];
BEGIN
    -- Of each target its newest ones, then the newest of these. In this order, and with ranges, only the indexes on (target_id, id) do; with
    -- target_id = s.id the planner might walk through the notifications of everybody by their ids.
    IF include_dismissed THEN
        ids := ARRAY(SELECT p.id FROM unnest(sight) AS s (id)
                     CROSS JOIN LATERAL (SELECT n.id FROM quay.notification AS n
                                         WHERE n.target_id >= s.id AND (n.target_id, n.id) < (s.id, before_id)
                                           AND (kind_ids IS NULL OR n.kind_id = ANY (kind_ids))
                                         ORDER BY n.target_id DESC, n.id DESC LIMIT page_size) AS p
                     ORDER BY p.id DESC LIMIT page_size);
    ELSE
        ids := ARRAY(SELECT p.id FROM unnest(sight) AS s (id)
                     CROSS JOIN LATERAL (SELECT n.id FROM quay.notification AS n
                                         WHERE n.target_id >= s.id AND (n.target_id, n.id) < (s.id, before_id) AND NOT n.dismissed
                                           AND (kind_ids IS NULL OR n.kind_id = ANY (kind_ids))
                                         ORDER BY n.target_id DESC, n.id DESC LIMIT page_size) AS p
                     ORDER BY p.id DESC LIMIT page_size);
    END IF;
    RETURN QUERY
        SELECT n.id, n.uuid::text, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        WHERE n.id = ANY (ids)
        ORDER BY n.id DESC;
END
$$;
COMMENT ON FUNCTION quay.notification_list(text, text[], boolean, bigint, integer) IS
    'Notifications that a person or robot sees, his own and those of organizations that he administers, newest first, at most n, those before the notification_id after: pass that of the last row for the next page. kinds: only of these; NULL: all. include_dismissed: also those that were dismissed. target: whose it is. created in UTC. metadata: {} for what is no JSON. Errors: 22023 n negative, QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_get(username text, INOUT uuid text, OUT notification_id bigint, OUT kind text, OUT target text,
                                                 OUT metadata jsonb, OUT created timestamp, OUT dismissed boolean, OUT lookup_path text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
BEGIN
    RETURN QUERY
        SELECT n.uuid::text, n.id, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        WHERE n.uuid = notification_get.uuid AND n.target_id = ANY (sight)
        ORDER BY n.id
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.notification_get(text, text) IS
    'The notification of that uuid, dismissed or not, as quay.notification_list() shows it. No row: there is none, or this person does not see it. Errors: QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_list_path(path text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, kind text, target text, metadata jsonb, created timestamp, dismissed boolean,
                   lookup_path text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        -- "0" is the character after "/".
        WHERE (n.lookup_path = notification_list_path.path
               OR n.lookup_path >= notification_list_path.path || '/' AND n.lookup_path < notification_list_path.path || '0')
          AND n.id > coalesce(notification_list_path.after, 0)
        ORDER BY n.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.notification_list_path(text, bigint, integer) IS
    'Notifications, whosever, with this lookup path or one below it (/a finds /a and /a/b, not /ab), oldest first, at most n, those after the notification_id after. Columns as in quay.notification_list(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.notification_exists(target text, kind text, metadata jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := quay_internal.notification_target(target);
    wanted_kind_id bigint := quay_internal.notification_kind_id(kind);
BEGIN
    RETURN EXISTS (SELECT FROM quay.notification AS n
                   WHERE n.target_id = found_id AND n.kind_id = wanted_kind_id
                     AND quay_internal.notification_matches(n.metadata_json, notification_exists.metadata));
END
$$;
COMMENT ON FUNCTION quay.notification_exists(text, text, jsonb) IS
    'Has the target itself a notification of this kind, dismissed or not, whose metadata have each of these keys with an equal value? It may have others; without keys any will do. What is no JSON does not count. Errors: QY007 target unknown, QY009 kind unknown.';

-- Dismissing and deleting

CREATE OR REPLACE FUNCTION quay.notification_dismiss(username text, uuid text, dismissed boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
    found_id bigint;
BEGIN
    SELECT n.id INTO found_id FROM quay.notification AS n
    WHERE n.uuid = notification_dismiss.uuid AND n.target_id = ANY (sight) ORDER BY n.id LIMIT 1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.notification AS n SET dismissed = coalesce(notification_dismiss.dismissed, true)
    WHERE n.id = found_id AND n.dismissed <> coalesce(notification_dismiss.dismissed, true);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.notification_dismiss(text, text, boolean) IS
    'Dismisses a notification, or with dismissed => false shows it again. That of an organization is dismissed for all its administrators. False: there is none of that uuid, or this person does not see it. Errors: QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_delete_kind(kind text, target text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone_kind_id bigint := quay_internal.notification_kind_id(kind);
    deleted bigint;
BEGIN
    IF notification_delete_kind.target IS NOT NULL THEN
        RETURN quay_internal.notification_delete(kind, quay_internal.notification_target(target), NULL);
    END IF;
    DELETE FROM quay.notification AS n WHERE n.kind_id = gone_kind_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.notification_delete_kind(text, text) IS
    'Deletes all notifications of a kind, or those of one target, dismissed or not, and returns how many there were. Errors: QY007 target unknown, QY009 kind unknown.';

CREATE OR REPLACE FUNCTION quay.notification_delete_matching(kind text, target text, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_kind_id(kind);
    RETURN quay_internal.notification_delete(kind, quay_internal.notification_target(target), coalesce(notification_delete_matching.metadata, '{}'));
END
$$;
COMMENT ON FUNCTION quay.notification_delete_matching(text, text, jsonb) IS
    'Deletes the notifications of a kind and a target whose metadata have each of these keys with an equal value, and returns how many there were. They may have other keys; what is no JSON stays. Errors: QY007 target unknown, QY009 kind unknown.';

CREATE OR REPLACE FUNCTION quay.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.notification_delete_path(lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_delete_path(text) IS
    'Deletes the notifications, whosever, with this lookup path or one below it (/a finds /a and /a/b, not /ab), and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.notification_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    lifetime integer := quay_internal.setting('notification_lifetime')::integer;
    before timestamp := quay_internal.utc_now() - make_interval(secs => lifetime);
    expired bigint[];
BEGIN
    IF lifetime = 0 THEN
        RETURN 0;
    END IF;
    -- What is named like an event tells of one. The other kinds ask for something, and go when that is settled.
    expired := ARRAY(
        SELECT n.id FROM quay.notification AS n
        WHERE n.created < before
          AND (n.dismissed OR n.kind_id IN (SELECT k.id FROM quay.notificationkind AS k
                                            JOIN quay.externalnotificationevent AS e ON e.name = k.name))
        ORDER BY n.created LIMIT batch FOR UPDATE SKIP LOCKED);
    DELETE FROM quay.notification AS n WHERE n.id = ANY (expired);
    RETURN cardinality(expired);
END
$$;
COMMENT ON FUNCTION quay.notification_expire(integer) IS
    'Deletes at most n notifications that are older than quay.notification_lifetime, and returns how many: those that were dismissed, and those that tell of an event, dismissed or not. What asks for something, such as an invitation, stays until it is settled. 0: nothing to do, or the setting is 0. Two calls at once delete different ones. Errors: 22023 n not positive.';

-- @part step api/531_notification_hook.sql
-- Notifications of repositories and of namespaces: which event is told to whom. What both kinds share: their methods, which say whom and
-- how, and their filters, which say when.

-- Where a webhook may go

CREATE OR REPLACE FUNCTION quay_internal.webhook_problem(url text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Up to the path; the host stands behind the last @, before which a user and a password may stand.
    authority text := regexp_replace(substring(url FROM '^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)'), '^.*@', '');
    host text := quay_internal.upstream_host(authority);
    literal inet := quay_internal.inet_read(host);
    -- The machine itself, its link with what clouds tell a machine about itself, and what is no address of anybody.
    own CONSTANT inet[] := ARRAY['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '168.63.129.16', '224.0.0.0/3', '::/127', '::ffff:0:0/96',
                              '64:ff9b::/96', 'fe80::/10', 'ff00::/8']::inet[];
BEGIN
    IF authority IS NULL THEN
        RETURN 'It is no URL with http or https.';
    ELSIF url ~ '[\s\\]' OR host IS NULL THEN
        RETURN 'It has no plain host, such as ci.example.com:8443.';
    ELSIF host ~ '(^|\.)localhost$'
        OR host = ANY (regexp_split_to_array(lower(btrim(quay_internal.setting('webhook_blocked_hosts'))), '\s*,\s*'))
    THEN
        RETURN 'Its host is not allowed.';
    ELSIF literal <<= ANY (own)
        OR EXISTS (SELECT FROM unnest(addresses) AS a (address)
                   WHERE (quay_internal.inet_read(a.address) <<= ANY (own)) IS NOT FALSE)
    THEN
        RETURN 'Its address is that of the server itself, or of nobody.';
    ELSIF NOT quay_internal.setting('webhook_private_networks')::boolean THEN
        RETURN quay_internal.upstream_problem(authority, addresses);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.webhook_problem(text, text[]) IS
    'Why a notification must not be sent to this URL, as a sentence; NULL if it may. addresses: what the host was resolved to, if that has been done.';

CREATE OR REPLACE FUNCTION quay.webhook_check(url text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.webhook_problem(coalesce(url, ''), coalesce(addresses, '{}'));
END
$$;
COMMENT ON FUNCTION quay.webhook_check(text, text[]) IS
    'Why a notification must not be sent to this URL, as a sentence; NULL if it may: http or https, to a host that is written plainly, is not the server itself, is not in quay.webhook_blocked_hosts, and, with quay.webhook_private_networks off, is public or in quay.allowed_upstream_host. addresses: a worker resolves the host just before it connects, asks about all addresses, and connects to one of these.';

-- Methods

CREATE OR REPLACE FUNCTION quay_internal.notification_method_problem(method text, config jsonb, for_namespace boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(config) IS DISTINCT FROM 'object' THEN 'The configuration is no JSON object.'
        WHEN method IN ('webhook', 'slack') AND (jsonb_typeof(config -> 'url') IS DISTINCT FROM 'string' OR config ->> 'url' = '') THEN 'There is no url.'
        WHEN method = 'webhook' AND jsonb_typeof(config -> 'template') NOT IN ('string', 'null') THEN 'The template is no text.'
        WHEN method IN ('webhook', 'slack') THEN quay_internal.webhook_problem(config ->> 'url')
        WHEN method = 'email' AND NOT for_namespace AND (jsonb_typeof(config -> 'email') IS DISTINCT FROM 'string' OR config ->> 'email' = '') THEN 'There is no email.'
        WHEN method = 'flowdock' AND coalesce(config ->> 'flow_api_token', '') = '' THEN 'There is no flow_api_token.'
        WHEN method = 'hipchat' AND coalesce(config ->> 'notification_token', '') = '' THEN 'There is no notification_token.'
        WHEN method = 'hipchat' AND coalesce(config ->> 'room_id', '') = '' THEN 'There is no room_id.'
        WHEN method = 'quay_notification' AND coalesce(config #>> '{target,kind}', '') NOT IN ('user', 'org', 'team')
            THEN 'The kind of its target is none of user, org and team.'
        WHEN method = 'quay_notification' AND coalesce(config #>> '{target,name}', '') = '' THEN 'Its target has no name.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_method_problem(text, jsonb, boolean) IS
    'What is missing or wrong in the configuration of a method, as far as it can be told without looking at tables other than allowed hosts; NULL: nothing. It never quotes the configuration, which is confidential.';

CREATE OR REPLACE FUNCTION quay_internal.notification_target_list(namespace text, target jsonb, OUT user_ids bigint[], OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := target ->> 'kind';
    name text := target ->> 'name';
BEGIN
    user_ids := CASE kind
        WHEN 'user' THEN ARRAY(SELECT u.id FROM quay."user" AS u WHERE u.username = name AND NOT u.robot AND NOT u.organization)
        WHEN 'org' THEN ARRAY(SELECT u.id FROM quay."user" AS u WHERE u.username = name AND u.organization)
        ELSE ARRAY(SELECT m.user_id FROM quay."user" AS o
                   JOIN quay.team AS t ON t.organization_id = o.id
                   JOIN quay.teammember AS m ON m.team_id = t.id
                   WHERE o.username = notification_target_list.namespace AND t.name = notification_target_list.target ->> 'name'
                   ORDER BY m.user_id)
    END;
    problem := CASE
        WHEN kind = 'org' AND name <> namespace THEN 'An organization is told only about its own namespace.'
        WHEN kind = 'user' AND user_ids = '{}' THEN 'There is no such person.'
        WHEN kind = 'org' AND user_ids = '{}' THEN 'There is no such organization.'
        WHEN kind = 'team' AND user_ids = '{}'
             AND NOT EXISTS (SELECT FROM quay."user" AS o JOIN quay.team AS t ON t.organization_id = o.id
                             WHERE o.username = notification_target_list.namespace AND t.name = notification_target_list.target ->> 'name')
            THEN 'The namespace has no such team.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_target_list(text, jsonb) IS
    'Whom a notification within the registry goes to: a person, the organization that owns the namespace, or the members of a team of it. problem: why that is nobody, as a sentence; an empty team is nobody, and no problem.';

CREATE OR REPLACE FUNCTION quay_internal.notification_method_check(namespace text, repository_id bigint, method text, config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := quay_internal.notification_method_problem(method, config, repository_id IS NULL);
BEGIN
    IF problem IS NULL AND method = 'quay_notification' THEN
        problem := (quay_internal.notification_target_list(namespace, config -> 'target')).problem;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY130',
            MESSAGE = 'configuration of the notification is not valid',
            DETAIL = format('Method %s: %s', method, problem),
            HINT = CASE method
                WHEN 'webhook' THEN 'Pass {"url": "https://ci.example.com/hook"}, with a "template" if you want.'
                WHEN 'slack' THEN 'Pass {"url": …}, the incoming webhook of the channel.'
                WHEN 'email' THEN 'Pass {"email": …}, an address that was confirmed for the repository.'
                WHEN 'flowdock' THEN 'Pass {"flow_api_token": …}.'
                WHEN 'hipchat' THEN 'Pass {"notification_token": …, "room_id": …}.'
                ELSE 'Pass {"target": {"kind": "user", "org" or "team", "name": …}}.'
            END;
    END IF;
    IF method = 'email' AND repository_id IS NOT NULL
       AND NOT quay_internal.notification_email_is_confirmed(repository_id, config ->> 'email')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'QY132',
            MESSAGE = 'e-mail address is not confirmed for this repository',
            DETAIL = format('The address is "%s".', left(config ->> 'email', 80)),
            HINT = 'Ask its owner with quay.repository_email_create(); he confirms it with quay.repository_email_confirm().';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_method_check(text, bigint, text, jsonb) IS
    'Refuses the configuration of a method: QY130 incomplete or malformed, host not allowed or target unknown; QY132 an e-mail address that nobody has confirmed. repository_id: NULL for a notification of a namespace, which needs no address.';

CREATE OR REPLACE FUNCTION quay_internal.notification_email_is_confirmed(repository_id bigint, email text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.repositoryauthorizedemail AS a
                   WHERE a.repository_id = notification_email_is_confirmed.repository_id
                     AND a.email = notification_email_is_confirmed.email AND a.confirmed);
END
$$;
COMMENT ON FUNCTION quay_internal.notification_email_is_confirmed(bigint, text) IS 'Did the owner of the address agree to get notifications of the repository?';

-- Events and their filters

CREATE OR REPLACE FUNCTION quay_internal.vulnerability_level(priority text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['Critical', 'High', 'Medium', 'Low', 'Negligible', 'Unknown'], priority) - 1;
COMMENT ON FUNCTION quay_internal.vulnerability_level(text) IS 'Severity as a number: 0 Critical, 1 High, 2 Medium, 3 Low, 4 Negligible, 5 Unknown; NULL for another text.';

CREATE OR REPLACE FUNCTION quay_internal.build_ref_regex(pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN starts_with(pattern, '(?i)') THEN '(?i)^(?:' || substr(pattern, 5) || ')' ELSE '^(?:' || pattern || ')' END;
COMMENT ON FUNCTION quay_internal.build_ref_regex(text) IS
    'The regular expression by which the filter of a build event matches the beginning of a ref. (?i) keeps its place at the beginning.';

CREATE OR REPLACE FUNCTION quay_internal.build_ref_problem(pattern text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE WHEN char_length(pattern) > 256 THEN format('The pattern has %s characters; it may have 256.', char_length(pattern))
                         ELSE quay_internal.policy_pattern_problem(pattern, whole => false) END;
BEGIN
    IF problem IS NULL THEN
        PERFORM '' ~ quay_internal.build_ref_regex(pattern);
    END IF;
    RETURN problem;
EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
    RETURN 'The pattern has options at its beginning other than (?i).';
END
$$;
COMMENT ON FUNCTION quay_internal.build_ref_problem(text) IS
    'Why a pattern cannot filter builds by their ref, as a sentence; NULL if it can: a regular expression of PostgreSQL without back references, of at most 256 characters.';

CREATE OR REPLACE FUNCTION quay_internal.event_filter_problem(event text, filter jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(filter) IS DISTINCT FROM 'object' THEN 'It is no JSON object.'
        WHEN event = 'vulnerability_found' AND coalesce(filter ->> 'level', '0') !~ '^[0-5]$' THEN 'Its level is no number from 0 (Critical) to 5 (Unknown).'
        WHEN event = 'vulnerability_found' AND filter #>> '{vulnerability,priority}' <> ''
             AND quay_internal.vulnerability_level(filter #>> '{vulnerability,priority}') IS NULL
            THEN 'Its vulnerability.priority is none of Critical, High, Medium, Low, Negligible and Unknown.'
        WHEN event = 'repo_image_expiry' AND (jsonb_typeof(filter -> 'days') IS DISTINCT FROM 'number' OR filter ->> 'days' !~ '^[1-9][0-9]{0,4}$') THEN 'Its days are no whole number from 1 to 99999.'
        WHEN starts_with(event, 'build_') AND jsonb_typeof(filter -> 'ref-regex') NOT IN ('string', 'null') THEN 'Its ref-regex is no text.'
        WHEN starts_with(event, 'build_') AND filter ->> 'ref-regex' <> '' THEN quay_internal.build_ref_problem(filter ->> 'ref-regex')
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.event_filter_problem(text, jsonb) IS
    'What is wrong in the filter on an event, as a sentence; NULL: nothing. Keys that mean nothing for the event are let through.';

CREATE OR REPLACE FUNCTION quay_internal.event_passes(event text, filter text, data jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config jsonb;
    wanted text;
BEGIN
    IF NOT (event = 'vulnerability_found' OR starts_with(event, 'build_')) THEN
        RETURN true;
    END IF;
    config := quay_internal.json_read(filter);
    IF event = 'vulnerability_found' THEN
        wanted := config ->> 'level';
        RETURN wanted IS NULL OR data ? 'vulnerable_index_report_created'
            OR data ? 'vulnerability' AND wanted ~ '^[0-5]$'
               AND coalesce(quay_internal.vulnerability_level(coalesce(data #>> '{vulnerability,priority}', 'Unknown')) <= wanted::integer, false);
    END IF;
    wanted := nullif(config ->> 'ref-regex', '');
    -- What the filter cannot be applied to is not sent: a build that has no ref, an expression that PostgreSQL does not understand.
    RETURN wanted IS NULL
        OR coalesce(quay_internal.build_ref_problem(wanted) IS NULL
                    AND left(data #>> '{trigger_metadata,ref}', 1000) ~ quay_internal.build_ref_regex(wanted), false);
END
$$;
COMMENT ON FUNCTION quay_internal.event_passes(text, text, jsonb) IS
    'Does a filter, as it is stored, let an event with these data pass? vulnerability_found: no less severe than level, or about a first report. Events of builds: the ref-regex matches the beginning of the ref. Others: always.';

CREATE OR REPLACE FUNCTION quay_internal.notification_event_id(event text, for_namespace boolean) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT e.id FROM quay.externalnotificationevent AS e
                        WHERE e.name = notification_event_id.event
                          AND for_namespace = (e.name = ANY (ARRAY['quota_warning', 'quota_error'])));
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown event',
            DETAIL = format('A %s has no event "%s".', CASE WHEN for_namespace THEN 'namespace' ELSE 'repository' END,
                            left(notification_event_id.event, 80)),
            HINT = CASE WHEN for_namespace THEN 'Events of a namespace are quota_warning and quota_error.'
                        ELSE 'The table quay.externalnotificationevent lists the events; quota_warning and quota_error are those of a namespace.' END;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_event_id(text, boolean) IS 'Id of an event of namespaces, or of repositories. Errors: QY009 there is none of that name.';

CREATE OR REPLACE FUNCTION quay_internal.notification_check_all(namespace text, repository_id bigint, event text, method text, config jsonb,
                                                                event_config jsonb, title text, OUT event_id bigint, OUT method_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    event_id := quay_internal.notification_event_id(event, repository_id IS NULL);
    SELECT m.id INTO method_id FROM quay.externalnotificationmethod AS m WHERE m.name = notification_check_all.method;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown method of notification',
            DETAIL = format('There is no method named "%s".', left(notification_check_all.method, 80)),
            HINT = 'Methods are email, flowdock, hipchat, quay_notification, slack and webhook.';
    END IF;
    PERFORM quay_internal.notification_method_check(namespace, repository_id, method, config);
    problem := CASE WHEN char_length(title) > 255 THEN format('The title has %s characters; it may have 255.', char_length(title))
                    ELSE quay_internal.event_filter_problem(event, event_config) END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY131',
            MESSAGE = 'filter or title of the notification is not valid',
            DETAIL = format('Event %s: %s', event, problem),
            HINT = CASE WHEN event = 'vulnerability_found' THEN 'Pass {"level": 3}, or {} for all.'
                        WHEN event = 'repo_image_expiry' THEN 'Pass {"days": 7}.'
                        WHEN starts_with(event, 'build_') THEN 'Pass {"ref-regex": "refs/heads/main$"}, or {} for all.'
                        ELSE 'Pass {}, and a short title or NULL.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_check_all(text, bigint, text, text, jsonb, jsonb, text) IS
    'Ids of event and method of a new notification of a repository, or of a namespace if repository_id is NULL. Errors: QY009 event or method unknown, QY130 configuration not valid, QY131 filter or title not valid, QY132 e-mail address not confirmed.';

-- Finding one, of either kind

CREATE OR REPLACE FUNCTION quay_internal.notification_find(wanted text, for_namespace boolean)
    RETURNS TABLE (notification_id bigint, uuid text, namespace_id bigint, namespace text, repository_id bigint, repository text, event text,
                   method text, method_id bigint, title text, config jsonb, event_config text, number_of_failures integer, last_ran_ms bigint,
                   last_error text, served boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF for_namespace THEN
        RETURN QUERY
            SELECT n.id, n.uuid::text, u.id, u.username::text, NULL::bigint, NULL::text, e.name::text, m.name::text, m.id, n.title::text,
                   quay_internal.json_read(n.config_json), n.event_config_json, n.number_of_failures, n.last_ran_ms, n.last_error, u.enabled
            FROM quay.namespacenotification AS n
            JOIN quay."user" AS u ON u.id = n.namespace_id
            JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
            JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
            WHERE n.uuid = notification_find.wanted
            ORDER BY n.id LIMIT 1;
    ELSE
        RETURN QUERY
            SELECT n.id, n.uuid::text, u.id, u.username::text, r.id, r.name::text, e.name::text, m.name::text, m.id, n.title::text,
                   quay_internal.json_read(n.config_json), n.event_config_json, n.number_of_failures, n.last_ran_ms, n.last_error,
                   u.enabled AND r.state <> 3
            FROM quay.repositorynotification AS n
            JOIN quay.repository AS r ON r.id = n.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
            JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
            WHERE n.uuid = notification_find.wanted
            ORDER BY n.id LIMIT 1;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_find(text, boolean) IS
    'The notification of a repository, or of a namespace, of that uuid, with all that its delivery needs. config: NULL for what is no JSON. served: its namespace is enabled, and the repository is not being deleted.';

-- @part step api/532_repository_notification.sql
-- Notifications of a repository: who is told when something happens there. Who manages them has asked access_check() for admin.

CREATE OR REPLACE FUNCTION quay_internal.repository_notification_log(kind text, target quay.repository, namespace text, hook record,
                                                                     performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'notification_id', hook.uuid, 'event', hook.event,
                           'method', hook.method), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_notification_log(text, quay.repository, text, record, bigint, text) IS
    'Writes to the audit log what was done with a notification of a repository. hook: with uuid, event and method.';

CREATE OR REPLACE FUNCTION quay.repository_notification_create(namespace text, repository text, event text, method text, config jsonb,
                                                               event_config jsonb DEFAULT '{}', title text DEFAULT NULL,
                                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    checked record;
    created record;
BEGIN
    checked := quay_internal.notification_check_all(namespace, target.id, event, method, config, event_config, title);
    INSERT INTO quay.repositorynotification AS n (uuid, repository_id, event_id, method_id, title, config_json, event_config_json, number_of_failures)
    VALUES (gen_random_uuid()::text, target.id, checked.event_id, checked.method_id, repository_notification_create.title,
            repository_notification_create.config::text, repository_notification_create.event_config::text, 0)
    RETURNING n.uuid::text, repository_notification_create.event, repository_notification_create.method INTO created;
    PERFORM quay_internal.repository_notification_log('add_repo_notification', target, namespace, created, performer_id, ip);
    RETURN created.uuid;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_create(text, text, text, text, jsonb, jsonb, text, text, text) IS
'Has an event of a repository told to somebody from now on, and returns the uuid of the notification.

event: repo_push, build_queued, build_start, build_success, build_failure, build_cancelled, vulnerability_found, repo_mirror_sync_started, repo_mirror_sync_success, repo_mirror_sync_failed or repo_image_expiry.
method and config: webhook {"url", "template"}; slack {"url"}; email {"email"}, an address confirmed with repository_email_confirm(); quay_notification {"target": {"kind": "user", "org" or "team", "name"}}, the organization that owns the repository, or a team of it; flowdock {"flow_api_token"}; hipchat {"notification_token", "room_id"}. URLs are those that webhook_check() lets pass.
event_config: vulnerability_found {"level": 0 to 5}, told if as severe or more, 0 is Critical; build_* {"ref-regex"}, a regular expression of PostgreSQL that the ref must begin with; repo_image_expiry {"days"}, how long before; else {}.
title: for people.
It writes the audit row add_repo_notification. Errors: QY002, QY003, QY004, QY007 actor unknown, QY009 event or method unknown, QY130 config not valid, QY131 event_config or title not valid, QY132 e-mail address not confirmed.';

CREATE OR REPLACE FUNCTION quay.repository_notification_list(namespace text, repository text, events text[] DEFAULT NULL, after bigint DEFAULT NULL,
                                                             n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text, title text, config jsonb, event_config jsonb,
                   number_of_failures integer, enabled boolean, last_error text, last_ran_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, e.name::text, m.name::text, t.title::text, coalesce(quay_internal.json_read(t.config_json), '{}'),
               coalesce(quay_internal.json_read(t.event_config_json), '{}'), t.number_of_failures,
               t.number_of_failures < quay_internal.notification_failure_limit(), t.last_error, t.last_ran_ms
        FROM quay.repositorynotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = t.method_id
        WHERE t.repository_id = target.id AND (events IS NULL OR e.name = ANY (events))
          AND t.id > coalesce(repository_notification_list.after, 0)
        ORDER BY t.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_list(text, text, text[], bigint, integer) IS
    'Notifications of a repository, oldest first, at most n, those after the notification_id after; disabled ones too. events: only of these; NULL: all. enabled: fewer failures in a row than quay.notification_failure_limit. last_error: what the last delivery failed with, NULL if it did not. last_ran_ms: when repo_image_expiry last looked, ms since 1970. config is confidential: an URL may carry a token. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.repository_notification_get(namespace text, repository text, INOUT uuid text, OUT notification_id bigint,
                                                            OUT event text, OUT method text, OUT title text, OUT config jsonb,
                                                            OUT event_config jsonb, OUT number_of_failures integer, OUT enabled boolean,
                                                            OUT last_error text, OUT last_ran_ms bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT f.uuid, f.notification_id, f.event, f.method, f.title, coalesce(f.config, '{}'), coalesce(quay_internal.json_read(f.event_config), '{}'),
               f.number_of_failures, f.number_of_failures < quay_internal.notification_failure_limit(), f.last_error, f.last_ran_ms
        FROM quay_internal.notification_find(repository_notification_get.uuid, for_namespace => false) AS f
        WHERE f.repository_id = target.id;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_get(text, text, text) IS
    'The notification of that uuid of a repository, enabled or not, as quay.repository_notification_list() shows it. No row: this repository has none of that uuid. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.repository_notification_lock(repository_id bigint, wanted text)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, e.name::text, m.name::text
        FROM quay.repositorynotification AS n
        JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
        WHERE n.uuid = repository_notification_lock.wanted AND n.repository_id = repository_notification_lock.repository_id
        FOR UPDATE OF n;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_notification_lock(bigint, text) IS
    'The notification of that uuid of a repository, its row locked; no row if there is none.';

CREATE OR REPLACE FUNCTION quay.repository_notification_delete(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                               ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    -- With the lock nobody marks tags for it any more, and those marked are seen.
    SELECT * INTO hook FROM quay_internal.repository_notification_lock(target.id, repository_notification_delete.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = hook.notification_id;
    DELETE FROM quay.repositorynotification AS n WHERE n.id = hook.notification_id;
    PERFORM quay_internal.repository_notification_log('delete_repo_notification', target, namespace, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_delete(text, text, text, text, text) IS
    'Deletes a notification of a repository, with the marks of what it has told about tags; what is queued for it is not delivered any more. It writes the audit row delete_repo_notification. False: this repository has none of that uuid. Errors: QY002, QY003, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_notification_reset(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                              ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.repository_notification_lock(target.id, repository_notification_reset.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorynotification AS n SET number_of_failures = 0, last_error = NULL WHERE n.id = hook.notification_id;
    PERFORM quay_internal.repository_notification_log('reset_repo_notification', target, namespace, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_reset(text, text, text, text, text) IS
    'Enables a notification of a repository again: forgets its failures. It writes the audit row reset_repo_notification. False: this repository has none of that uuid. Errors: QY002, QY003, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_notification_test(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                             oauth_token text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.notification_find(repository_notification_test.uuid, for_namespace => false) AS f
    WHERE f.repository_id = target.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.event_test(hook, performer);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_test(text, text, text, text, text) IS
    'Queues an example of its event for a notification of a repository, which passes its filter. False: this repository has none of that uuid. actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY003, QY004, QY007 actor unknown, QY133 the notification is disabled.';

-- @part step api/533_namespace_notification.sql
-- Notifications of a namespace: who is told when its quota is reached. Who manages them has asked access_check_namespace() for admin.

CREATE OR REPLACE FUNCTION quay_internal.namespace_notification_log(kind text, owner quay."user", hook record, performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'notification_id', hook.uuid, 'event', hook.event, 'method', hook.method), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_notification_log(text, quay."user", record, bigint, text) IS
    'Writes to the audit log what was done with a notification of a namespace. hook: with uuid, event and method.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_create(namespace text, event text, method text, config jsonb, event_config jsonb DEFAULT '{}',
                                                              title text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    checked record;
    created record;
BEGIN
    checked := quay_internal.notification_check_all(namespace, NULL, event, method, config, event_config, title);
    INSERT INTO quay.namespacenotification AS n (uuid, namespace_id, event_id, method_id, title, config_json, event_config_json, number_of_failures)
    VALUES (gen_random_uuid()::text, owner.id, checked.event_id, checked.method_id, namespace_notification_create.title,
            namespace_notification_create.config::text, namespace_notification_create.event_config::text, 0)
    RETURNING n.uuid::text, namespace_notification_create.event, namespace_notification_create.method INTO created;
    PERFORM quay_internal.namespace_notification_log('create_namespace_notification', owner, created, performer_id, ip);
    RETURN created.uuid;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_create(text, text, text, jsonb, jsonb, text, text, text) IS
    'Has an event of a namespace, quota_warning or quota_error, told to somebody from now on, and returns the uuid of the notification. method and config: as for quay.repository_notification_create(), but e-mail needs no address: it goes to that of the namespace, and if an organization has none, to those of its administrators. event_config: {}. It writes the audit row create_namespace_notification. Errors: QY002, QY004, QY007 actor unknown, QY009 event or method unknown, QY130 config not valid, QY131 event_config or title not valid.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_list(namespace text, events text[] DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text, title text, config jsonb, event_config jsonb,
                   number_of_failures integer, enabled boolean, last_error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, e.name::text, m.name::text, t.title::text, coalesce(quay_internal.json_read(t.config_json), '{}'),
               coalesce(quay_internal.json_read(t.event_config_json), '{}'), t.number_of_failures,
               t.number_of_failures < quay_internal.notification_failure_limit(), t.last_error
        FROM quay.namespacenotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = t.method_id
        WHERE t.namespace_id = owner.id AND (events IS NULL OR e.name = ANY (events))
          AND t.id > coalesce(namespace_notification_list.after, 0)
        ORDER BY t.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_list(text, text[], bigint, integer) IS
    'Notifications of a namespace, oldest first, at most n, those after the notification_id after; disabled ones too. Columns as in quay.repository_notification_list(). Errors: 22023 n negative, QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_get(namespace text, INOUT uuid text, OUT notification_id bigint, OUT event text,
                                                           OUT method text, OUT title text, OUT config jsonb, OUT event_config jsonb,
                                                           OUT number_of_failures integer, OUT enabled boolean, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
        SELECT f.uuid, f.notification_id, f.event, f.method, f.title, coalesce(f.config, '{}'), coalesce(quay_internal.json_read(f.event_config), '{}'),
               f.number_of_failures, f.number_of_failures < quay_internal.notification_failure_limit(), f.last_error
        FROM quay_internal.notification_find(namespace_notification_get.uuid, for_namespace => true) AS f
        WHERE f.namespace_id = owner.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_get(text, text) IS
    'The notification of that uuid of a namespace, enabled or not, as quay.namespace_notification_list() shows it. No row: this namespace has none of that uuid. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_notification_lock(namespace_id bigint, wanted text)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, e.name::text, m.name::text
        FROM quay.namespacenotification AS n
        JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
        WHERE n.uuid = namespace_notification_lock.wanted AND n.namespace_id = namespace_notification_lock.namespace_id
        FOR UPDATE OF n;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_notification_lock(bigint, text) IS
    'The notification of that uuid of a namespace, its row locked; no row if there is none.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_delete(namespace text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.namespace_notification_lock(owner.id, namespace_notification_delete.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quay.namespacenotification AS n WHERE n.id = hook.notification_id;
    PERFORM quay_internal.namespace_notification_log('delete_namespace_notification', owner, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_delete(text, text, text, text) IS
    'Deletes a notification of a namespace; what is queued for it is not delivered any more. It writes the audit row delete_namespace_notification. False: this namespace has none of that uuid. Errors: QY002, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_reset(namespace text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.namespace_notification_lock(owner.id, namespace_notification_reset.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.namespacenotification AS n SET number_of_failures = 0, last_error = NULL WHERE n.id = hook.notification_id;
    PERFORM quay_internal.namespace_notification_log('reset_namespace_notification', owner, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_reset(text, text, text, text) IS
    'Enables a notification of a namespace again: forgets its failures. It writes the audit row reset_namespace_notification. False: this namespace has none of that uuid. Errors: QY002, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_test(namespace text, uuid text, actor text DEFAULT NULL, oauth_token text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.notification_find(namespace_notification_test.uuid, for_namespace => true) AS f
    WHERE f.namespace_id = owner.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.event_test(hook, performer);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_test(text, text, text, text) IS
    'Queues an example of its event for a notification of a namespace. False: this namespace has none of that uuid. actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY004, QY007 actor unknown, QY133 the notification is disabled.';

-- @part step api/534_notification_event.sql
-- Events: queueing one for the notifications that wait for it. A worker delivers them (535_notification_delivery.sql).

CREATE OR REPLACE FUNCTION quay_internal.event_subject(namespace text, repository text DEFAULT NULL, subpage text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    host text := quay_internal.setting('server_hostname');
    path text := concat_ws('/', namespace, repository);
    result jsonb := jsonb_build_object('namespace', namespace);
BEGIN
    IF repository IS NOT NULL THEN
        result := result || jsonb_build_object('repository', path, 'name', repository);
    END IF;
    -- Without a name of the host there is no URL.
    IF host <> '' THEN
        result := result || jsonb_build_object('homepage', format('%s://%s/%s/%s%s', quay_internal.setting('url_scheme'), host,
            CASE WHEN repository IS NULL THEN 'organization' ELSE 'repository' END, path, '/' || ltrim(subpage, '/')));
        IF repository IS NOT NULL THEN
            result := result || jsonb_build_object('docker_url', host || '/' || path);
        END IF;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.event_subject(text, text, text) IS
    'What an event says about its repository, or its namespace: namespace, name, repository, and with quay.server_hostname set also homepage and docker_url. subpage: of the homepage, such as build/<uuid>.';

CREATE OR REPLACE FUNCTION quay_internal.event_performer(actor text, oauth_token text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('entity_id', performer_id, 'entity_name', actor))
        || coalesce((SELECT jsonb_build_object('oauth_token_id', t.id, 'oauth_token_application_id', a.client_id, 'oauth_token_application', a.name)
                     FROM quay.oauthaccesstoken AS t JOIN quay.oauthapplication AS a ON a.id = t.application_id
                     WHERE t.uuid = event_performer.oauth_token), '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.event_performer(text, text) IS
    'What an event says about who caused it: a person or robot, and the OAuth token of that uuid with its application. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.event_data_check(data jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed data of an event',
            DETAIL = format('They are %s, not an object.', coalesce(jsonb_typeof(data), 'NULL')),
            HINT = 'Pass a JSON object, {} if there is nothing to say.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.event_data_check(jsonb) IS 'Refuses (QY077) data of an event that are no JSON object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn(namespace text, repository text, event text, data jsonb DEFAULT '{}', actor text DEFAULT NULL,
                                                   oauth_token text DEFAULT NULL, path text[] DEFAULT '{}', subpage text DEFAULT NULL,
                                                   notification text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    PERFORM quay_internal.event_data_check(data), quay_internal.notification_event_id(event, for_namespace => false);
    RETURN quay_internal.event_spawn(target, namespace, event, data, actor, jsonb_build_object('performer_data', performer),
                                     coalesce(path, '{}'), subpage, notification);
END
$$;
COMMENT ON FUNCTION quay.notification_spawn(text, text, text, jsonb, text, text, text[], text, text) IS
    'Queues an event of a repository for each notification that waits for it, is enabled, and whose filter lets it pass; returns for how many. To be called in the transaction of what happened: then both are there or neither. data: what there is to say, added to what names the repository. actor, and oauth_token, a uuid: who caused it. path: further parts of the path in the queue, such as the uuid of a build. subpage: of the page of the repository, for the URL. notification: only the one of this uuid. The calls that push, mirror, scan and prune do this themselves. Errors: QY002, QY003, QY004, QY007 actor unknown, QY009 event unknown, QY077 data no object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn_many(events jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry record;
    target quay.repository;
    spawned integer := 0;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of events',
            DETAIL = format('It is %s, not an array.', coalesce(jsonb_typeof(events), 'NULL')),
            HINT = 'Pass a JSON array of objects with namespace, repository, event and data.';
    END IF;
    FOR entry IN
        SELECT e.value AS event, e.value ->> 'event' AS name, coalesce(nullif(e.value -> 'data', 'null'), '{}') AS data, u.username, r.id AS repository_id
        FROM jsonb_array_elements(events) WITH ORDINALITY AS e (value, place)
        LEFT JOIN quay."user" AS u ON u.username = e.value ->> 'namespace' AND NOT u.robot AND u.enabled
        LEFT JOIN quay.repository AS r ON r.namespace_user_id = u.id AND r.name = e.value ->> 'repository' AND r.state <> 3
        ORDER BY e.place
    LOOP
        PERFORM quay_internal.event_data_check(entry.data), quay_internal.notification_event_id(entry.name, for_namespace => false);
        CONTINUE WHEN entry.repository_id IS NULL;
        SELECT * INTO target FROM quay.repository AS r WHERE r.id = entry.repository_id;
        spawned := spawned + quay_internal.event_spawn(target, entry.username, entry.name, entry.data, entry.event ->> 'actor',
            jsonb_build_object('performer_data', quay_internal.event_performer(entry.event ->> 'actor', entry.event ->> 'oauth_token')),
            ARRAY(SELECT p.part FROM jsonb_array_elements_text(
                      CASE jsonb_typeof(entry.event -> 'path') WHEN 'array' THEN entry.event -> 'path' ELSE '[]' END) AS p (part)),
            entry.event ->> 'subpage', entry.event ->> 'notification');
    END LOOP;
    RETURN spawned;
END
$$;
COMMENT ON FUNCTION quay.notification_spawn_many(jsonb) IS
    'quay.notification_spawn() for many: an array of objects with its arguments as keys, of which namespace, repository and event must be there. What is about a repository that is not there, or is being deleted, is passed by. All are queued or none; returns how many items. Errors: QY007 an actor unknown, QY009 an event unknown, QY077 no array, or data no object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn_namespace(namespace text, event text, data jsonb DEFAULT '{}', actor text DEFAULT NULL,
                                                             oauth_token text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    PERFORM quay_internal.event_data_check(data), quay_internal.notification_event_id(event, for_namespace => true);
    RETURN quay_internal.event_spawn_namespace(owner.id, namespace, event, data, actor, jsonb_build_object('performer_data', performer));
END
$$;
COMMENT ON FUNCTION quay.notification_spawn_namespace(text, text, jsonb, text, text) IS
    'Queues an event of a namespace for each notification that waits for it and is enabled; returns for how many. Quotas do this themselves. data, actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY004, QY007 actor unknown, QY009 event unknown, QY077 data no object.';

-- Examples, to try a notification

CREATE OR REPLACE FUNCTION quay_internal.event_example(event text, filter jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    level integer := CASE WHEN filter ->> 'level' ~ '^[0-5]$' THEN (filter ->> 'level')::integer ELSE 0 END;
    build CONSTANT jsonb := jsonb '{"build_id": "00000000-example", "build_name": "example", "docker_tags": ["latest", "v1"], "is_manual": false,
        "trigger_id": "00000000-trigger", "trigger_kind": "github", "trigger_metadata": {"default_branch": "main",
        "ref": "refs/heads/main", "commit": "0123456789abcdef0123456789abcdef01234567", "commit_info": {"url": "https://example.com/commit",
        "message": "An example of a commit", "date": "2026-01-01T12:00:00Z", "author": {"username": "example"}}}}';
BEGIN
    RETURN CASE
        WHEN event = 'repo_push' THEN jsonb '{"updated_tags": ["latest", "v1"]}'
        WHEN event = 'vulnerability_found' THEN jsonb_build_object('tags', '["latest", "v1"]'::jsonb, 'vulnerability', jsonb_build_object(
            'id', 'CVE-0000-0000', 'description', 'An example of a vulnerability', 'link', 'https://example.com/CVE-0000-0000', 'has_fix', true,
            'priority', (ARRAY['Critical', 'High', 'Medium', 'Low', 'Negligible', 'Unknown'])[level + 1]))
        WHEN event = 'build_failure' THEN build || '{"error_message": "An example of an error"}'
        WHEN event IN ('build_success', 'build_cancelled') THEN build || '{"image_id": "0123456789ab"}'
        WHEN starts_with(event, 'build_') THEN build
        WHEN starts_with(event, 'repo_mirror_') THEN '{"message": "An example of a notification"}'
        WHEN event = 'repo_image_expiry' THEN jsonb_build_object('tags', '["latest", "v1"]'::jsonb, 'expiring_in', format('%s days', filter ->> 'days'))
        WHEN event = 'quota_warning' THEN jsonb_build_object('threshold_percent', 80, 'usage_bytes', 858993459, 'limit_bytes', 1073741824, 'usage_percent', 80,
            'usage_bytes_formatted', quay_internal.size_text(858993459), 'limit_bytes_formatted', quay_internal.size_text(1073741824))
        WHEN event = 'quota_error' THEN jsonb_build_object('threshold_percent', 100, 'usage_bytes', 1127428915, 'limit_bytes', 1073741824, 'usage_percent', 105,
            'usage_bytes_formatted', quay_internal.size_text(1127428915), 'limit_bytes_formatted', quay_internal.size_text(1073741824))
        ELSE '{}'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.event_example(text, jsonb) IS 'Data of an event as an example, with what a worker needs to tell it.';

CREATE OR REPLACE FUNCTION quay_internal.event_test(hook record, performer jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF hook.number_of_failures >= quay_internal.notification_failure_limit() THEN
        RAISE EXCEPTION USING ERRCODE = 'QY133',
            MESSAGE = 'notification is disabled',
            DETAIL = format('Notification "%s" has failed %s times in a row.', left(hook.uuid, 80), hook.number_of_failures),
            HINT = format('Enable it with quay.%s_notification_reset().', CASE WHEN hook.repository_id IS NULL THEN 'namespace' ELSE 'repository' END);
    END IF;
    PERFORM quay_internal.event_queue(ARRAY[hook.uuid], quay_internal.queue_path('notification', hook.namespace, hook.uuid, hook.event),
        quay_internal.event_subject(hook.namespace, hook.repository, CASE WHEN starts_with(hook.event, 'build_') THEN 'build/00000000-example' END)
            || quay_internal.event_example(hook.event, quay_internal.json_read(hook.event_config)),
        NULL,
        jsonb_build_object('performer_data', performer, 'test', true)
            || CASE WHEN hook.repository_id IS NULL THEN '{"notification_type": "namespace"}' ELSE '{}' END::jsonb);
END
$$;
COMMENT ON FUNCTION quay_internal.event_test(record, jsonb) IS
    'Queues an example of its event for a notification, as notification_find() returned it; no filter holds it up. Errors: QY133 the notification is disabled.';

-- @part step api/535_notification_delivery.sql
-- Delivery. A worker takes events, sends them, and reports how that went. What stays within the registry is delivered here.
--
-- What counts is events, not attempts: an event that fails is tried again until its item in the queue has no retries left, and only then
-- its notification has failed once more. After quay.notification_failure_limit events in a row it is disabled. In this order locks are
-- taken: items, then notifications, by uuid.

CREATE OR REPLACE FUNCTION quay_internal.delivery_succeeded(uuid text, for_namespace boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Most of them had no failure: nothing to write.
    IF for_namespace THEN
        UPDATE quay.namespacenotification AS n SET number_of_failures = 0, last_error = NULL
        WHERE n.uuid = delivery_succeeded.uuid AND (n.number_of_failures > 0 OR n.last_error IS NOT NULL);
    ELSE
        UPDATE quay.repositorynotification AS n SET number_of_failures = 0, last_error = NULL
        WHERE n.uuid = delivery_succeeded.uuid AND (n.number_of_failures > 0 OR n.last_error IS NOT NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_succeeded(text, boolean) IS 'A notification was delivered: forgets its failures, if it had any.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_failed(uuid text, for_namespace boolean, error text, final boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    failures integer;
BEGIN
    IF for_namespace THEN
        UPDATE quay.namespacenotification AS n
        SET last_error = coalesce(left(delivery_failed.error, 1000), 'unknown error'), number_of_failures = n.number_of_failures + final::integer
        WHERE n.uuid = delivery_failed.uuid
        RETURNING n.number_of_failures INTO failures;
    ELSE
        UPDATE quay.repositorynotification AS n
        SET last_error = coalesce(left(delivery_failed.error, 1000), 'unknown error'), number_of_failures = n.number_of_failures + final::integer
        WHERE n.uuid = delivery_failed.uuid
        RETURNING n.number_of_failures INTO failures;
    END IF;
    RETURN coalesce(failures >= quay_internal.notification_failure_limit(), false);
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_failed(text, boolean, text, boolean) IS
    'A notification could not be delivered. final: for the last time, which is what counts. True: it is disabled.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_retry(item_id bigint, claim text, uuid text, for_namespace boolean, error text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retries integer := quay.queue_release(item_id, claim, quay_internal.setting('notification_retry_delay')::double precision);
    disabled boolean;
BEGIN
    IF retries IS NULL THEN
        RETURN 'lost';
    END IF;
    -- The item that has no retries left stays, among the dead letters of the queue.
    disabled := quay_internal.delivery_failed(uuid, for_namespace, error, final => retries <= 0);
    RETURN CASE WHEN retries > 0 THEN 'retry' WHEN disabled THEN 'disabled' ELSE 'failed' END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_retry(bigint, text, text, boolean, text) IS
    'Gives an item back after a failure. retry: it will be tried again; failed: it will not, and its notification has failed once more; disabled: and that was once too often; lost: the claim is another''s.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_within(event text, namespace text, target jsonb, data jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told record := quay_internal.notification_target_list(namespace, target);
BEGIN
    -- Nobody deletes them until we commit; who is gone is not told. Whoever deletes or renames one may wait for our items: no waiting for him.
    PERFORM quay_internal.notification_add(event, u.id, data)
    FROM (SELECT l.id FROM quay."user" AS l WHERE l.id = ANY (told.user_ids) ORDER BY l.id FOR KEY SHARE NOWAIT) AS u;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_within(text, text, jsonb, jsonb) IS
    'Delivers an event within the registry: a notification of that kind for each of its targets. Errors: QY009 no kind has the name of the event, 55P03 a target is being deleted or renamed.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_recipients(namespace_id bigint, namespace text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
BEGIN
    SELECT u.organization, nullif(quay_internal.email_shown(u.email), '') AS email INTO owner
    FROM quay."user" AS u WHERE u.id = delivery_recipients.namespace_id;
    IF owner.email IS NOT NULL THEN
        RETURN ARRAY[owner.email];
    END IF;
    RETURN CASE WHEN owner.organization THEN
        ARRAY(SELECT a.email FROM quay.organization_admin_list_many(ARRAY[namespace]) AS a WHERE a.enabled AND a.email <> '')
        ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_recipients(bigint, text) IS
    'Addresses that e-mail about a namespace goes to: its own; if an organization has none, those of its enabled administrators. Empty: nobody has one.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_plan(item jsonb, OUT scope text, OUT uuid text, OUT event text, OUT method text, OUT title text,
                                                       OUT config jsonb, OUT namespace text, OUT repository text, OUT recipients text[],
                                                       OUT step text, OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    for_namespace boolean := item ->> 'notification_type' IS NOT DISTINCT FROM 'namespace';
    data jsonb := CASE jsonb_typeof(item -> 'event_data') WHEN 'object' THEN item -> 'event_data' ELSE '{}' END;
    hook record;
BEGIN
    scope := CASE WHEN for_namespace THEN 'namespace' ELSE 'repository' END;
    uuid := item ->> 'notification_uuid';
    SELECT * INTO hook FROM quay_internal.notification_find(delivery_plan.uuid, for_namespace);
    -- Deleted, disabled, or its repository is going; or its filter says no, which the worker of the reference does not ask when it queues.
    IF NOT FOUND OR NOT hook.served OR hook.number_of_failures >= quay_internal.notification_failure_limit()
       OR NOT (item ? 'test' OR quay_internal.event_passes(hook.event, hook.event_config, data))
    THEN
        step := 'skip';
        RETURN;
    END IF;
    event := hook.event;
    method := hook.method;
    title := hook.title;
    config := hook.config;
    namespace := hook.namespace;
    repository := hook.repository;
    step := CASE WHEN method = 'quay_notification' THEN 'within' ELSE 'send' END;
    problem := quay_internal.notification_method_problem(method, config, for_namespace);
    IF problem IS NULL AND method = 'quay_notification' THEN
        -- A target that is gone is nobody. An organization that the namespace does not belong to is a mistake.
        problem := (quay_internal.notification_target_list(namespace, config -> 'target')).problem;
        IF config #>> '{target,kind}' <> 'org' OR config #>> '{target,name}' = namespace THEN
            problem := NULL;
        END IF;
    ELSIF problem IS NULL AND method = 'email' AND for_namespace THEN
        recipients := quay_internal.delivery_recipients(hook.namespace_id, namespace);
        step := CASE WHEN recipients = '{}' THEN 'skip' ELSE step END;
    ELSIF problem IS NULL AND method = 'email' THEN
        recipients := ARRAY[config ->> 'email'];
        IF NOT quay_internal.notification_email_is_confirmed(hook.repository_id, config ->> 'email') THEN
            problem := 'The e-mail address is not confirmed for this repository.';
        END IF;
    END IF;
    step := CASE WHEN problem IS NOT NULL THEN 'fail' ELSE step END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_plan(jsonb) IS
    'What is to be done with an item of the queue of notifications. step: send, a worker does it; within, it is delivered in the database; skip, nobody is to be told; fail, it cannot be delivered however often it is tried, problem says why.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_do(item_id bigint, claim text, item jsonb, plan record, OUT status text, OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    for_namespace boolean := plan.scope = 'namespace';
BEGIN
    CASE plan.step
    WHEN 'send' THEN
        status := 'deliver';
    WHEN 'skip' THEN
        PERFORM quay.queue_complete(item_id, claim);
        status := 'skipped';
    WHEN 'fail' THEN
        PERFORM quay.queue_complete(item_id, claim);
        error := plan.problem;
        status := CASE WHEN quay_internal.delivery_failed(plan.uuid, for_namespace, error, final => true) THEN 'disabled' ELSE 'failed' END;
    ELSE
        BEGIN
            PERFORM quay_internal.delivery_within(plan.event, plan.namespace, plan.config -> 'target',
                CASE jsonb_typeof(item -> 'event_data') WHEN 'object' THEN item -> 'event_data' ELSE '{}' END);
            PERFORM quay_internal.delivery_succeeded(plan.uuid, for_namespace);
            PERFORM quay.queue_complete(item_id, claim);
            status := 'delivered';
        EXCEPTION WHEN OTHERS THEN
            -- One that cannot be delivered must not keep the others from it.
            error := SQLERRM;
        END;
        IF error IS NOT NULL THEN
            status := quay_internal.delivery_retry(item_id, claim, plan.uuid, for_namespace, error);
        END IF;
    END CASE;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_do(bigint, text, jsonb, record) IS
    'Does with a claimed item what delivery_plan() says, except sending. status: deliver, to be sent; delivered; skipped; retry, failed and disabled as in delivery_retry().';

CREATE OR REPLACE FUNCTION quay.notification_delivery_take(n integer DEFAULT 1, lease_seconds double precision DEFAULT 60)
    RETURNS TABLE (item_id bigint, claim text, status text, scope text, uuid text, event text, method text, title text, config jsonb,
                   event_data jsonb, performer_data jsonb, namespace text, repository text, recipients text[], retries_remaining integer,
                   error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    taken record;
    plan record;
BEGIN
    FOR taken IN
        SELECT g.item_id, g.claim, g.retries_remaining, j.item
        FROM quay.queue_get('notification', processing_s => lease_seconds, n => notification_delivery_take.n) AS g
        CROSS JOIN LATERAL (SELECT quay_internal.json_read(g.body) AS item) AS j
        ORDER BY j.item ->> 'notification_uuid', g.item_id
    LOOP
        item_id := taken.item_id;
        claim := taken.claim;
        retries_remaining := taken.retries_remaining;
        event_data := taken.item -> 'event_data';
        performer_data := coalesce(taken.item -> 'performer_data', '{}');
        plan := quay_internal.delivery_plan(taken.item);
        scope := plan.scope;
        uuid := plan.uuid;
        event := plan.event;
        method := plan.method;
        title := plan.title;
        config := plan.config;
        namespace := plan.namespace;
        repository := plan.repository;
        recipients := plan.recipients;
        SELECT d.status, d.error INTO status, error FROM quay_internal.delivery_do(item_id, claim, taken.item, plan) AS d;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.notification_delivery_take(integer, double precision) IS
'Takes up to n events that are to be told to somebody, for lease_seconds; several workers get different ones. No row: there is nothing to do now.
status deliver: send it, and call quay.notification_delivery_report() with item_id and claim. All others are done, and need no call: delivered, within the registry; skipped, since the notification is deleted, disabled or filters the event, or nobody has an address; failed, or disabled, since its configuration cannot work: error says why; retry.
method: webhook, slack, email, flowdock or hipchat, with config as in quay.repository_notification_create(); the URL is to be checked again with quay.webhook_check() and the addresses that its host has. recipients: of an e-mail. event_data: the payload of a webhook. performer_data: entity_name and oauth_token_application, if known. scope: repository or namespace, which has no repository. What is not reported within lease_seconds is handed out again, so that may not be shorter than n times the longest time that one delivery takes.
Errors: 22023 n or lease_seconds not positive.';

CREATE OR REPLACE FUNCTION quay.notification_delivery_report(item_id bigint, claim text, succeeded boolean, error text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item jsonb := (SELECT quay_internal.json_read(q.body) FROM quay.queueitem AS q WHERE q.id = notification_delivery_report.item_id);
    told text := item ->> 'notification_uuid';
    for_namespace boolean := item ->> 'notification_type' IS NOT DISTINCT FROM 'namespace';
    enabled boolean;
BEGIN
    IF succeeded THEN
        IF NOT quay.queue_complete(item_id, claim) THEN
            RETURN 'lost';
        END IF;
        PERFORM quay_internal.delivery_succeeded(told, for_namespace);
        RETURN 'done';
    END IF;
    -- Deleted or disabled since it was taken: nobody waits for another attempt.
    SELECT f.number_of_failures < quay_internal.notification_failure_limit() INTO enabled
    FROM quay_internal.notification_find(told, for_namespace) AS f;
    IF enabled IS NOT TRUE THEN
        RETURN CASE WHEN quay.queue_complete(item_id, claim) THEN 'done' ELSE 'lost' END;
    END IF;
    RETURN quay_internal.delivery_retry(item_id, claim, told, for_namespace, error);
END
$$;
COMMENT ON FUNCTION quay.notification_delivery_report(bigint, text, boolean, text) IS
    'Tells how the delivery of an event went that quay.notification_delivery_take() handed out. done: nothing more to do. retry: it failed, and is handed out again after quay.notification_retry_delay. failed: it failed for the last time; the item is among the dead letters of the queue, and its notification has one more failure. disabled: and these were quay.notification_failure_limit events in a row. lost: the lease was over and another has it, or had it; nothing happens. error: what went wrong, for who looks at the notification.';

-- @part step api/536_notification_expiry.sql
-- Notices of tags that will end soon (event repo_image_expiry), and what is to be known about notices of quotas.

CREATE OR REPLACE FUNCTION quay_internal.expiry_tags(target quay.repository, notification_id bigint, method_id bigint, days integer, n integer)
    RETURNS TABLE (tag_id bigint, tag text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    until_ms bigint := now_ms + days * 86400000::bigint;
    pruned bigint[] := ARRAY[]::bigint[];
BEGIN
    IF target.state = 0 THEN
        BEGIN
            pruned := ARRAY(SELECT p.tag_id
                            FROM quay_internal.autoprune_plan(target.namespace_user_id, target.id, now_ms, days * 86400000::bigint) AS p);
        EXCEPTION WHEN SQLSTATE 'QY080' THEN
            RAISE WARNING 'quay.default_autoprune_policy is not valid: %', SQLERRM;
        END;
    END IF;
    -- Who deletes a tag, or moves its end, has its row locked and removes the marks: those are passed by, and looked at next time.
    RETURN QUERY
        SELECT t.id, t.name::text FROM quay.tag AS t
        WHERE t.repository_id = target.id AND NOT t.hidden
          AND (t.lifetime_end_ms > now_ms AND t.lifetime_end_ms <= until_ms OR t.id = ANY (pruned))
          AND NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s
                          WHERE s.tag_id = t.id AND s.notification_id = expiry_tags.notification_id AND s.method_id = expiry_tags.method_id)
        ORDER BY t.id
        LIMIT n
        FOR KEY SHARE OF t SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION quay_internal.expiry_tags(quay.repository, bigint, bigint, integer, integer) IS
    'Visible live tags of a repository that end within so many days, or that pruning policies will remove by then, of which the notification has not told by this method; at most n. Their rows are locked FOR KEY SHARE.';

CREATE OR REPLACE FUNCTION quay.notification_expiry_run(n integer DEFAULT 1)
    RETURNS TABLE (namespace text, repository text, uuid text, days integer, tags integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    -- Tags of one notice; if there are more, the notification stays due.
    notice_size CONSTANT integer := 1000;
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    before_ms bigint := now_ms - quay_internal.setting('notification_expiry_interval')::bigint * 1000;
    hook record;
    target quay.repository;
    ending record;
BEGIN
    FOR hook IN
        SELECT h.id, h.uuid, h.method_id, h.repository_id, h.event_config_json, u.username, u.enabled
        FROM quay.repositorynotification AS h
        JOIN quay.repository AS r ON r.id = h.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE h.event_id = (SELECT e.id FROM quay.externalnotificationevent AS e WHERE e.name = 'repo_image_expiry')
          AND h.number_of_failures < quay_internal.notification_failure_limit()
          AND (h.last_ran_ms IS NULL OR h.last_ran_ms < before_ms)
        ORDER BY h.last_ran_ms NULLS FIRST, h.id
        LIMIT batch
        FOR NO KEY UPDATE OF h SKIP LOCKED
    LOOP
        namespace := hook.username;
        uuid := hook.uuid;
        days := (substring(quay_internal.json_read(hook.event_config_json) ->> 'days' FROM '^([1-9][0-9]{0,4})$'))::integer;
        tags := 0;
        SELECT * INTO target FROM quay.repository AS r WHERE r.id = hook.repository_id;
        repository := target.name;
        IF hook.enabled AND target.state <> 3 AND days IS NOT NULL THEN
            SELECT array_agg(t.tag_id) AS ids, to_jsonb(array_agg(t.tag)) AS names INTO ending
            FROM quay_internal.expiry_tags(target, hook.id, hook.method_id, days, notice_size) AS t;
            tags := coalesce(cardinality(ending.ids), 0);
        END IF;
        IF tags > 0 THEN
            INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id)
            SELECT hook.id, t.id, hook.method_id FROM unnest(ending.ids) AS t (id);
            PERFORM quay_internal.event_spawn(target, namespace, 'repo_image_expiry',
                jsonb_build_object('tags', ending.names, 'expiring_in', format('%s days', days), 'notification_uuid', uuid),
                NULL, only_uuid => uuid);
        END IF;
        IF tags < notice_size THEN
            UPDATE quay.repositorynotification AS h SET last_ran_ms = now_ms WHERE h.id = hook.id;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.notification_expiry_run(integer) IS
    'Looks for tags that will end soon, for up to n notifications of the event repo_image_expiry, those that have waited longest, each at most once in quay.notification_expiry_interval. Tags that end within the days of the notification, or that a pruning policy will remove by then, and that it has not told of, are told in one event, of at most 1000; the mark that they have been told and the item in the queue are written together. Moving the end of a tag has it told again. Returns a row for each notification that was looked at; days NULL: it has none, and tells nothing. No row: nothing to do. Two calls at once look at different ones. Whoever moves or deletes a tag that is told of waits until we commit, so call it with a small n, until there is no row. Errors: 22023 n not positive.';

-- Notices of quotas, as 276_quota_notification.sql gives them

CREATE OR REPLACE FUNCTION quay.quota_notice_list(namespace text)
    RETURNS TABLE (threshold_percent integer, last_notified_at timestamp, cleared boolean, due boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    since timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('quota_notification_cooldown')::bigint);
BEGIN
    RETURN QUERY
        SELECT s.threshold_percent, s.last_notified_at, s.cleared, s.cleared OR s.last_notified_at IS NULL OR s.last_notified_at <= since
        FROM quay.quotanotificationstate AS s
        WHERE s.namespace_id = owner.id
        ORDER BY s.threshold_percent;
END
$$;
COMMENT ON FUNCTION quay.quota_notice_list(text) IS
    'When the notifications of a namespace were last told that a threshold of its quota is reached. cleared: usage has fallen below it since. due: who reaches it now is told; else not before quay.quota_notification_cooldown is over. Thresholds of which nothing was told have no row. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.quota_notice_forget(namespace text, threshold_percent integer DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    forgotten integer;
BEGIN
    DELETE FROM quay.quotanotificationstate AS s
    WHERE s.namespace_id = owner.id
      AND (quota_notice_forget.threshold_percent IS NULL OR s.threshold_percent = quota_notice_forget.threshold_percent);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
COMMENT ON FUNCTION quay.quota_notice_forget(text, integer) IS
    'Has the notifications of a namespace told again that a threshold of its quota is reached, or all of them, as if nothing had ever been told; returns how many were forgotten. Errors: QY002, QY004.';

-- @part step api/540_cache.sql
-- The cache: computed values with a lifetime, which anybody may lose at any time. Keys, reading, storing, removing.
--
-- A removed key leaves a row without a value behind, for cache_expire(). Whoever claims the key meanwhile (api/541_cache_load.sql) meets this
-- row, waits for the transaction that wrote it, and loads what that transaction did: so a removal takes effect with its commit, and what was
-- loaded before it is not stored after it.

COMMENT ON TYPE quay_internal.cached_value IS 'A value of the cache, as text or as bytes, and until when it is fresh, in ms since 1970.';

-- Keys

CREATE OR REPLACE FUNCTION quay.cache_key(parts text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A part without "/" and "\" stands for itself; \N is a NULL.
    RETURN (SELECT string_agg(coalesce(replace(replace(p.part, '\', '\\'), '/', '\/'), '\N'), '/' ORDER BY p.place)
            FROM unnest(cache_key.parts) WITH ORDINALITY AS p (part, place));
END
$$;
COMMENT ON FUNCTION quay.cache_key(text[]) IS
    'Key made of parts, such as tags/17/latest. Different parts give different keys, whatever characters they have: "/" and "\" in a part get a "\" before them, and a NULL is \N. The keys whose first parts are these begin with cache_key(parts) || ''/'': that is what cache_delete_prefix() takes. NULL without parts.';

CREATE OR REPLACE FUNCTION quay_internal.cache_key_check(key text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(cache_key_check.key) BETWEEN 1 AND 2000 THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY140',
        MESSAGE = 'illegal key of the cache',
        DETAIL = coalesce('"' || left(cache_key_check.key, 80) || '" has ' || octet_length(cache_key_check.key) || ' bytes.', 'It is NULL.'),
        HINT = 'Use 1 to 2000 bytes; hash what is longer.';
END
$$;
COMMENT ON FUNCTION quay_internal.cache_key_check(text) IS 'Refuses (QY140) a key that is NULL, empty or longer than 2000 bytes.';

CREATE OR REPLACE FUNCTION quay_internal.lifetime_check(name text, seconds bigint, shortest bigint DEFAULT 1) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF seconds BETWEEN shortest AND 100000000 THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY141',
        MESSAGE = 'illegal lifetime',
        DETAIL = format('%s is %s.', lifetime_check.name, coalesce(seconds::text, 'NULL')),
        HINT = format('Pass a number of seconds from %s to 100000000.', shortest);
END
$$;
COMMENT ON FUNCTION quay_internal.lifetime_check(text, bigint, bigint) IS 'Refuses (QY141) a number of seconds outside its range; name is that of the argument.';

-- Reading

CREATE OR REPLACE FUNCTION quay_internal.cache_get_row(key text) RETURNS quay_internal.cached_value
    LANGUAGE C STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'quay_cache_get';
COMMENT ON FUNCTION quay_internal.cache_get_row(text) IS 'The row of cache_get(), or NULL.';

-- Put in place of the call, like tag_resolve() (api/250_resolve.sql).
CREATE OR REPLACE FUNCTION quay.cache_get(key text) RETURNS TABLE (value text, bytes bytea, expires_ms bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).value, (r.found).bytes, (r.found).expires_ms
    FROM (SELECT quay_internal.cache_get_row(cache_get.key) AS found OFFSET 0) AS r
    WHERE (r.found).expires_ms IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.cache_get(text) IS
    'Fresh value of a key: value or bytes, as it was stored, the other one is NULL; expires_ms: until when it is fresh, in ms since 1970. No row: a miss. On a standby every key is a miss. Call it in FROM.';

CREATE OR REPLACE FUNCTION quay.cache_get_many(keys text[]) RETURNS TABLE (key text, value text, bytes bytea, expires_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT c.key, c.value, c.bytes, c.expires_ms FROM quay.cache_entry AS c
        WHERE c.key = ANY (cache_get_many.keys) AND c.expires_ms > quay_internal.clock_ms();
END
$$;
COMMENT ON FUNCTION quay.cache_get_many(text[]) IS 'The fresh values of many keys, in no order; columns as of cache_get(). A key without a row is a miss.';

-- Storing

CREATE OR REPLACE FUNCTION quay_internal.cache_size_of(key text, value text, bytes bytea) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    length bigint := coalesce(octet_length(cache_size_of.value), octet_length(cache_size_of.bytes));
BEGIN
    PERFORM quay_internal.cache_key_check(cache_size_of.key);
    IF num_nonnulls(cache_size_of.value, cache_size_of.bytes) = 2 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a cached value is text or bytes',
            DETAIL = 'Both value and bytes are given.',
            HINT = 'Leave one of them NULL.';
    END IF;
    -- The settings are in kB.
    IF length > 1024 * quay_internal.setting('cache_value_size')::bigint OR length > 1024 * quay_internal.setting('cache_size')::bigint THEN
        RETURN NULL;
    END IF;
    RETURN octet_length(cache_size_of.key) + length + 100;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_of(text, text, bytea) IS
    'Bytes that an entry counts for: key, value, and 100 for the row. NULL if it is not to be stored: there is no value, or it is larger than quay.cache_value_size or quay.cache_size. Errors: 22023 two values, QY140 key.';

CREATE OR REPLACE FUNCTION quay.cache_set(key text, value text, ttl_s integer, bytes bytea DEFAULT NULL, claim uuid DEFAULT NULL,
                                          stale_s integer DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    new_size bigint := quay_internal.cache_size_of(cache_set.key, cache_set.value, cache_set.bytes);
    until_ms bigint := quay_internal.clock_ms() + 1000 * cache_set.ttl_s::bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', cache_set.ttl_s), quay_internal.lifetime_check('stale_s', cache_set.stale_s, 0);
    IF new_size IS NULL THEN
        -- What was there is older than what could not be stored.
        IF cache_set.claim IS NULL THEN
            PERFORM quay.cache_delete(cache_set.key);
        ELSE
            PERFORM quay.cache_release(cache_set.key, cache_set.claim);
        END IF;
        RETURN false;
    END IF;
    IF cache_set.claim IS NULL THEN
        INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key, value, bytes)
        VALUES (until_ms, until_ms + 1000 * cache_set.stale_s::bigint, new_size, cache_set.key, cache_set.value, cache_set.bytes)
        ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
            SET expires_ms = EXCLUDED.expires_ms, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = EXCLUDED.size, former_size = c.size,
                claim = NULL, value = EXCLUDED.value, bytes = EXCLUDED.bytes
        RETURNING c.size - c.former_size INTO grown;
    ELSE
        UPDATE quay.cache_entry AS c
        SET expires_ms = until_ms, drop_ms = until_ms + 1000 * cache_set.stale_s::bigint, claim_ms = 0, size = new_size, former_size = c.size,
            claim = NULL, value = cache_set.value, bytes = cache_set.bytes
        WHERE c.key = cache_set.key AND c.claim = cache_set.claim
        RETURNING c.size - c.former_size INTO grown;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    IF grown <> 0 THEN
        PERFORM quay_internal.cache_grow(grown);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.cache_set(text, text, integer, bytea, uuid, integer) IS
'Stores a value for ttl_s seconds in place of what was there; value is text, such as JSON, or NULL if bytes are given instead. stale_s: how long after that cache_claim() may still serve it while somebody loads a new one.
claim: what cache_claim() gave to the loader; the value is then stored only if the key has not been removed, stored or claimed anew since. Without it any loader may store an old value after a removal.
False: not stored, since the claim is void, there is no value, or it is larger than quay.cache_value_size; in the last two cases the key is removed, or the claim is given up. If the cache has more than quay.cache_size, others go: see cache_expire(). Errors: 22023 value and bytes are given, QY140 illegal key, QY141 lifetime out of range.';

CREATE OR REPLACE FUNCTION quay.cache_add(key text, value text, ttl_s integer, bytes bytea DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    new_size bigint := quay_internal.cache_size_of(cache_add.key, cache_add.value, cache_add.bytes);
    present bigint := quay_internal.clock_ms();
    until_ms bigint := present + 1000 * cache_add.ttl_s::bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', cache_add.ttl_s);
    IF new_size IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key, value, bytes)
    VALUES (until_ms, until_ms, new_size, cache_add.key, cache_add.value, cache_add.bytes)
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET expires_ms = EXCLUDED.expires_ms, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = EXCLUDED.size, former_size = c.size,
            claim = NULL, value = EXCLUDED.value, bytes = EXCLUDED.bytes
        WHERE c.expires_ms <= present
    RETURNING c.size - c.former_size INTO grown;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF grown <> 0 THEN
        PERFORM quay_internal.cache_grow(grown);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.cache_add(text, text, integer, bytea) IS
    'Stores a value only if the key has no fresh one; of two at once one does. False: it has one, or the value is not to be stored; see cache_set(). Errors: 22023, QY140, QY141.';

-- Removing

CREATE OR REPLACE FUNCTION quay.cache_delete_many(keys text[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
    removed bigint;
    grown bigint;
BEGIN
    PERFORM quay_internal.cache_key_check(k.key) FROM unnest(cache_delete_many.keys) AS k (key);
    -- In one order, so that two who remove the same keys wait for each other and not in a circle.
    WITH emptied AS (
        INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key)
        SELECT DISTINCT 0, present, 0, k.key COLLATE "C" FROM unnest(cache_delete_many.keys) AS k (key) ORDER BY 4
        ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
            SET expires_ms = 0, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = 0, former_size = c.size, claim = NULL, value = NULL, bytes = NULL
        RETURNING c.former_size
    )
    SELECT count(*) FILTER (WHERE e.former_size > 0), -sum(e.former_size) INTO removed, grown FROM emptied AS e;
    PERFORM quay_internal.cache_grow(grown);
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.cache_delete_many(text[]) IS
    'Removes many keys, as cache_delete() does one. Returns how many of them had a value. Errors: QY140.';

CREATE OR REPLACE FUNCTION quay.cache_delete(key text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    gone bigint;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_delete.key);
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, size, key)
    VALUES (0, quay_internal.clock_ms(), 0, cache_delete.key)
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET expires_ms = 0, drop_ms = EXCLUDED.drop_ms, claim_ms = 0, size = 0, former_size = c.size, claim = NULL, value = NULL, bytes = NULL
    RETURNING c.former_size INTO gone;
    IF gone > 0 THEN
        PERFORM quay_internal.cache_grow(-gone);
    END IF;
    RETURN gone > 0;
END
$$;
COMMENT ON FUNCTION quay.cache_delete(text) IS
    'Removes a key, when the transaction commits: call it in the transaction that changes what the value was made of. What somebody who has claimed the key read before that is not stored any more, whether the key had a value or not. True if it had one, fresh or not. Errors: QY140.';

CREATE OR REPLACE FUNCTION quay.cache_delete_prefix(prefix text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    keys text[] := ARRAY[]::text[];
    found record;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_delete_prefix.prefix);
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = 'cannot remove a prefix from the cache in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s: what others have stored since would stay.', current_setting('transaction_isolation')),
            HINT = 'Use a generation key (quay.cache_generation_change()), or a transaction that is READ COMMITTED.';
    END IF;
    -- No upper bound of the index's range is right in every encoding, so the end is where the prefix ends.
    FOR found IN SELECT c.key FROM quay.cache_entry AS c WHERE c.key >= cache_delete_prefix.prefix ORDER BY c.key LOOP
        EXIT WHEN NOT starts_with(found.key, cache_delete_prefix.prefix);
        keys := keys || found.key;
    END LOOP;
    RETURN quay.cache_delete_many(keys);
END
$$;
COMMENT ON FUNCTION quay.cache_delete_prefix(text) IS
    'Removes the keys that begin with a prefix, no character of which has a special meaning; how many had a value. For parts: cache_key(parts) || ''/''. Keys that others claim or store while the transaction is open are not among them: what must not be is done by a generation, see cache_generation(). Errors: 55000 the transaction is not READ COMMITTED, QY140.';

-- @part step api/541_cache_load.sql
-- Loading what the cache has not: by one at a time, and never what was true before a removal. Generations: removing many keys by one change.

CREATE OR REPLACE FUNCTION quay_internal.cache_claim_try(key text, load_s integer, present bigint) RETURNS uuid
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    until_ms bigint := present + 1000 * cache_claim_try.load_s::bigint;
    result uuid;
BEGIN
    INSERT INTO quay.cache_entry AS c (expires_ms, drop_ms, claim_ms, size, key, claim)
    VALUES (0, until_ms, until_ms, 0, cache_claim_try.key, gen_random_uuid())
    ON CONFLICT ON CONSTRAINT pk_cache_entry DO UPDATE
        SET claim = EXCLUDED.claim, claim_ms = EXCLUDED.claim_ms
        WHERE c.expires_ms <= present AND c.claim_ms <= present
    RETURNING c.claim INTO result;
    IF result IS NULL THEN
        -- The row that is not ours is locked all the same, and the loader could not store while we wait for him: give the lock back.
        RAISE lock_not_available;
    END IF;
    RETURN result;
EXCEPTION
    WHEN lock_not_available THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_claim_try(text, integer, bigint) IS
    'Claims a key that is neither fresh nor claimed. NULL if it is, or a transaction that stores or removes it has not ended after a second.';

CREATE OR REPLACE FUNCTION quay.cache_claim(key text, load_s integer DEFAULT 30, wait_s numeric DEFAULT 0)
    RETURNS TABLE (status text, value text, bytes bytea, claim uuid, expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    entry quay.cache_entry;
    present bigint;
    lost boolean := false;
    -- By the wall clock, which goes on when quay.clock stands still.
    deadline timestamptz := clock_timestamp() + least(greatest(cache_claim.wait_s, 0), 60) * interval '1 s';
BEGIN
    PERFORM quay_internal.cache_key_check(cache_claim.key), quay_internal.lifetime_check('load_s', cache_claim.load_s);
    LOOP
        present := quay_internal.clock_ms();
        SELECT * INTO entry FROM quay.cache_entry AS c WHERE c.key = cache_claim.key;
        IF entry.expires_ms > present THEN
            status := 'hit';
        ELSIF entry.claim_ms > present THEN
            status := 'wait';
        ELSE
            claim := quay_internal.cache_claim_try(cache_claim.key, cache_claim.load_s, present);
            status := CASE WHEN claim IS NULL THEN 'wait' ELSE 'load' END;
            IF claim IS NULL AND NOT lost THEN
                -- Somebody was faster: see what he did.
                lost := true;
                CONTINUE;
            END IF;
        END IF;
        IF status <> 'hit' AND entry.size > 0 AND entry.drop_ms > present THEN
            status := CASE status WHEN 'wait' THEN 'stale' ELSE status END;
        ELSIF status <> 'hit' THEN
            entry := NULL;
        END IF;
        -- A transaction that sees the past would wait for what it cannot see.
        EXIT WHEN status <> 'wait' OR clock_timestamp() >= deadline OR current_setting('transaction_isolation') <> 'read committed';
        PERFORM pg_sleep(0.01);
    END LOOP;
    value := entry.value;
    bytes := entry.bytes;
    expires_ms := entry.expires_ms;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.cache_claim(text, integer, numeric) IS
'Reads a key, and if it is not fresh lets one caller load it. Always one row; status:
hit: here is the fresh value.
load: it is for you to load: read, after this call, what the value is made of, and pass the column claim to cache_set(), or to cache_release() if it fails. Nobody else is told to for load_s seconds. A stale value comes along if there is one.
stale: somebody else is loading; here is the old value, which was stored with stale_s.
wait: somebody else is loading, or a transaction that removes or stores the key is open. Ask again later, or do without the cache. wait_s: how long, at most 60 s, the call itself waits for a better answer; it keeps a connection busy meanwhile.
Errors: QY140, QY141.';

CREATE OR REPLACE FUNCTION quay.cache_release(key text, claim uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE quay.cache_entry AS c SET claim = NULL, claim_ms = 0
    WHERE c.key = cache_release.key AND c.claim = cache_release.claim;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.cache_release(text, uuid) IS
    'Gives up a claim, so that the next caller may load. False if it was void: the key has been removed, stored or claimed anew since.';

-- Generations. The row of name '' stands for all names that have none: when rows go, it changes, so no generation ever comes back.

CREATE OR REPLACE FUNCTION quay.cache_generation(name text) RETURNS uuid
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    result uuid;
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN NULL;
    END IF;
    SELECT g.generation INTO result FROM quay_internal.cache_generation AS g WHERE g.name = cache_generation.name;
    IF NOT FOUND THEN
        SELECT g.generation INTO result FROM quay_internal.cache_generation AS g WHERE g.name = '';
    END IF;
    RETURN coalesce(result, '00000000-0000-0000-0000-000000000000');
END
$$;
COMMENT ON FUNCTION quay.cache_generation(text) IS
    'Generation of a group of values: make it a part of their keys, and cache_generation_change() removes them all, whatever their number. Read it before the data that the value is made of, or in the same statement. A group whose generation was never changed has one, too. NULL on a standby.';

CREATE OR REPLACE FUNCTION quay.cache_generation_change(name text) RETURNS uuid
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    result uuid;
BEGIN
    PERFORM quay_internal.cache_key_check(cache_generation_change.name);
    INSERT INTO quay_internal.cache_generation (name, generation, changed_ms)
    VALUES (cache_generation_change.name, gen_random_uuid(), quay_internal.clock_ms())
    ON CONFLICT ON CONSTRAINT pk_cache_generation DO UPDATE SET generation = EXCLUDED.generation, changed_ms = EXCLUDED.changed_ms
    RETURNING generation INTO result;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.cache_generation_change(text) IS
    'Begins a new generation of a group of values, when the transaction commits, and returns it: nobody finds the values of the old one any more, not even those that are stored later by somebody who read before. Call it in the transaction that changes the data, at its end: two who change the same group wait for each other. Errors: QY140 name is NULL, empty or too long.';

CREATE OR REPLACE FUNCTION quay_internal.cache_generation_expire(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    day CONSTANT bigint := 86400000;
    present bigint := quay_internal.clock_ms();
    horizon bigint := (SELECT g.changed_ms FROM quay_internal.cache_generation AS g WHERE g.name = '');
    removed integer;
BEGIN
    -- Each removal makes the names without a row lose their values, so it is done once a day, for what is older than a day.
    IF horizon IS NULL OR horizon < present - day THEN
        horizon := present;
    END IF;
    DELETE FROM quay_internal.cache_generation AS g
    WHERE g.name IN (SELECT o.name FROM quay_internal.cache_generation AS o
                     WHERE o.changed_ms < horizon - day AND o.name <> '' ORDER BY o.changed_ms LIMIT n FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed > 0 THEN
        INSERT INTO quay_internal.cache_generation (name, generation, changed_ms) VALUES ('', gen_random_uuid(), horizon)
        ON CONFLICT ON CONSTRAINT pk_cache_generation DO UPDATE SET generation = EXCLUDED.generation, changed_ms = EXCLUDED.changed_ms;
    END IF;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_generation_expire(integer) IS 'Removes up to n generations that have not changed for a day, once a day.';

-- @part step api/542_cache_bound.sql
-- The bounds of the cache: its size, what is removed when that is exceeded, and what has expired.
--
-- The size is the sum of the rows of quay_internal.cache_size. A change goes into any row that nobody else has locked, or else into a new one,
-- so nobody waits. Small changes are rounded by lot: one of 100 bytes counts as 16384 with a probability of 100/16384, and else as
-- nothing, which is right on average, and leaves most calls without this update. (In a cache of less than 16 MB it is a thousandth of
-- that instead of 16384, or chance would count for too much.) Once an hour the entries are counted.

CREATE OR REPLACE FUNCTION quay_internal.cache_evict(bytes bigint, n integer, OUT entries integer, OUT freed bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    -- In the order in which they will be dropped: first the expired ones. Who stores one of them has it locked, and keeps it; and a claim is
    -- no size, but without it what is being loaded could not be stored.
    WITH gone AS (
        DELETE FROM quay.cache_entry AS c
        WHERE c.key IN (SELECT s.key
                        FROM (SELECT o.key, sum(o.size) OVER (ORDER BY o.drop_ms, o.key) - o.size AS before
                              FROM (SELECT e.key, e.size, e.drop_ms FROM quay.cache_entry AS e WHERE e.claim_ms <= present
                                    ORDER BY e.drop_ms LIMIT cache_evict.n FOR UPDATE SKIP LOCKED) AS o) AS s
                        WHERE s.before < cache_evict.bytes)
        RETURNING c.size
    )
    SELECT count(*), coalesce(sum(g.size), 0) INTO entries, freed FROM gone AS g;
    PERFORM quay_internal.cache_size_add(-freed);
END
$$;
COMMENT ON FUNCTION quay_internal.cache_evict(bigint, integer) IS
    'Removes up to n entries, those that would be dropped first, until they make up so many bytes. Returns how many went, and their bytes.';

CREATE OR REPLACE FUNCTION quay_internal.cache_size_add(bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    free tid;
BEGIN
    -- A row that has changed since the snapshot of a transaction that sees the past would fail it.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        SELECT s.ctid INTO free FROM quay_internal.cache_size AS s FOR UPDATE SKIP LOCKED LIMIT 1;
    END IF;
    IF free IS NULL THEN
        INSERT INTO quay_internal.cache_size (bytes) VALUES (cache_size_add.bytes);
    ELSE
        UPDATE quay_internal.cache_size AS s SET bytes = s.bytes + cache_size_add.bytes WHERE s.ctid = free;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_add(bigint) IS 'Adds to the size of the cache, negative numbers too, without waiting.';

CREATE OR REPLACE FUNCTION quay_internal.cache_grow(bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    lot CONSTANT bigint := least(16384, greatest(quay_internal.setting('cache_size')::bigint, 1));   -- that is in kB
    counted bigint := coalesce(cache_grow.bytes, 0);
    excess bigint;
BEGIN
    IF abs(counted) < lot THEN
        IF random() * lot >= abs(counted) THEN
            RETURN;
        END IF;
        counted := sign(counted) * lot;
    END IF;
    PERFORM quay_internal.cache_size_add(counted);
    IF counted > 0 AND current_setting('transaction_isolation') = 'read committed' THEN
        excess := (SELECT sum(s.bytes) FROM quay_internal.cache_size AS s) - 1024 * quay_internal.setting('cache_size')::bigint;
        IF excess > 0 THEN
            -- More than came, so that the size comes down, but not all at once.
            PERFORM quay_internal.cache_evict(least(excess, 2 * counted), 200);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_grow(bigint) IS
    'Counts by how many bytes the cache has grown, and if it is too large removes entries, at most 200 a call. NULL and 0: nothing to do.';

CREATE OR REPLACE FUNCTION quay_internal.cache_count(present bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Two at once would make the correction twice. The next statement sees what the one before has done.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('quay cache_count', 0))
       OR (SELECT max(s.counted_ms) FROM quay_internal.cache_size AS s) BETWEEN present - 3600000 AND present THEN
        RETURN;
    END IF;
    -- One statement, one snapshot: whatever is under way is in neither sum.
    INSERT INTO quay_internal.cache_size (bytes, counted_ms)
    SELECT (SELECT coalesce(sum(c.size), 0) FROM quay.cache_entry AS c) - (SELECT coalesce(sum(s.bytes), 0) FROM quay_internal.cache_size AS s), present;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_count(bigint) IS 'Corrects the size of the cache by counting, unless that was done within the last hour. Reads all entries.';

CREATE OR REPLACE FUNCTION quay_internal.cache_size_merge() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As many rows as there are transactions at once are of use.
    IF (SELECT count(*) FROM (SELECT FROM quay_internal.cache_size LIMIT 33) AS s) < 33 THEN
        RETURN;
    END IF;
    WITH merged AS (
        DELETE FROM quay_internal.cache_size AS s
        WHERE s.ctid = ANY (ARRAY(SELECT o.ctid FROM quay_internal.cache_size AS o LIMIT 10000 FOR UPDATE SKIP LOCKED))
        RETURNING s.bytes, s.counted_ms
    )
    INSERT INTO quay_internal.cache_size (bytes, counted_ms)
    SELECT sum(m.bytes), max(m.counted_ms) FROM merged AS m HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION quay_internal.cache_size_merge() IS 'Makes one row of those that nobody else has locked, if the size of the cache has more than 32 summands.';

CREATE OR REPLACE FUNCTION quay.cache_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    present bigint := quay_internal.clock_ms();
    excess bigint;
    removed integer;
    freed bigint;
BEGIN
    WITH gone AS (
        DELETE FROM quay.cache_entry AS c
        WHERE c.key IN (SELECT e.key FROM quay.cache_entry AS e
                        WHERE e.drop_ms <= present AND e.claim_ms <= present ORDER BY e.drop_ms LIMIT batch FOR UPDATE SKIP LOCKED)
        RETURNING c.size
    )
    SELECT count(*), coalesce(sum(g.size), 0) INTO removed, freed FROM gone AS g;
    IF freed > 0 THEN
        PERFORM quay_internal.cache_size_add(-freed);
    END IF;
    PERFORM quay_internal.cache_count(present), quay_internal.cache_size_merge();
    excess := (SELECT sum(s.bytes) FROM quay_internal.cache_size AS s) - 1024 * quay_internal.setting('cache_size')::bigint;
    IF excess > 0 AND removed < batch THEN
        removed := removed + (quay_internal.cache_evict(excess, batch - removed)).entries;
    END IF;
    RETURN removed + CASE WHEN removed < batch THEN quay_internal.cache_generation_expire(batch - removed) ELSE 0 END;
END
$$;
COMMENT ON FUNCTION quay.cache_expire(integer) IS
    'Removes up to n rows of the cache: entries that have expired and are not kept as stale ones, what removed keys left behind, and, once a day, generations that have not changed for a day. Returns how many; call it again when that was n. Also brings the cache down to quay.cache_size, the entries first that would expire first. Counts its size once an hour, which reads all of it. Safe to do twice at once. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.cache_clear() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    freed bigint;
    removed bigint;
BEGIN
    WITH gone AS (DELETE FROM quay.cache_entry AS c RETURNING c.size)
    SELECT count(*) FILTER (WHERE g.size > 0), coalesce(sum(g.size), 0) INTO removed, freed FROM gone AS g;
    PERFORM quay_internal.cache_size_add(-freed);
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.cache_clear() IS 'Removes all entries, and voids all claims. Returns how many had a value. Generations stay.';

CREATE OR REPLACE FUNCTION quay.cache_status()
    RETURNS TABLE (entries bigint, bytes bigint, fresh bigint, claimed bigint, removed bigint, generations bigint, counted_bytes bigint,
                   limit_bytes bigint, disk_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT count(*) FILTER (WHERE c.size > 0), coalesce(sum(c.size), 0)::bigint, count(*) FILTER (WHERE c.expires_ms > present),
               count(*) FILTER (WHERE c.claim_ms > present), count(*) FILTER (WHERE c.size = 0 AND c.claim_ms <= present),
               (SELECT count(*) FROM quay_internal.cache_generation AS g WHERE g.name <> ''),
               (SELECT coalesce(sum(s.bytes), 0)::bigint FROM quay_internal.cache_size AS s),
               1024 * quay_internal.setting('cache_size')::bigint,
               pg_total_relation_size('quay.cache_entry')
        FROM quay.cache_entry AS c;
END
$$;
COMMENT ON FUNCTION quay.cache_status() IS
    'What the cache holds: entries with a value and their bytes (key, value and 100 each), how many of them are fresh; keys that somebody is loading; rows that removed keys left behind; generations; counted_bytes: the size that evictions go by, an estimate between the hourly counts; limit_bytes: quay.cache_size; disk_bytes: of table and indexes. Reads all entries. No row on a standby.';

-- @part step api/543_session.sql
-- Sessions of people who logged in to a front end. The table has no tokens, only their SHA-256, and these are looked up through an index: what
-- a look-up takes says nothing about any token. A session is of a person as he was when it began: it ends when his uuid changes, which
-- user_password_set() and user_session_revoke() see to, and when he is disabled or deleted.

COMMENT ON TYPE quay_internal.live_session IS 'A session that has not ended, and whose it is; times in ms since 1970.';

CREATE OR REPLACE FUNCTION quay_internal.session_digest(token text) RETURNS bytea
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN sha256(convert_to(token, 'UTF8'));
END
$$;
COMMENT ON FUNCTION quay_internal.session_digest(text) IS 'What the table has of a token: its SHA-256.';

CREATE OR REPLACE FUNCTION quay_internal.session_data_check(data json) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF octet_length(data::text) > 65536 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY142',
            MESSAGE = 'data of a session are too large',
            DETAIL = format('They have %s bytes, at most 65536 are possible.', octet_length(data::text)),
            HINT = 'Keep in the session what names things, and the things elsewhere.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.session_data_check(json) IS 'Refuses (QY142) data of more than 64 kB.';

CREATE OR REPLACE FUNCTION quay.session_create(username text, data json DEFAULT '{}', ttl_s integer DEFAULT NULL, maximum_s integer DEFAULT NULL,
                                               ip text DEFAULT NULL, user_agent text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    token text := quay_internal.token_random_ascii(43);
    lifetime bigint := coalesce(session_create.ttl_s, quay_internal.setting('session_lifetime')::bigint);
    longest bigint := coalesce(session_create.maximum_s, 100000000);
    allowed integer := quay_internal.setting('session_maximum_count')::integer;
    present bigint := quay_internal.clock_ms();
    target quay."user";
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', lifetime), quay_internal.lifetime_check('maximum_s', longest),
            quay_internal.session_data_check(session_create.data);
    IF session_create.username IS NOT NULL THEN
        -- Locked: one login of a person at a time, or two would each leave room for one; and nobody disables him meanwhile.
        target := quay_internal.person_lock(session_create.username);
        IF NOT target.enabled THEN
            RAISE EXCEPTION USING ERRCODE = 'QY004',
                MESSAGE = 'namespace is disabled',
                DETAIL = format('User "%s" was disabled by an administrator.', target.username),
                HINT = 'An administrator of the registry can enable it again.';
        END IF;
        IF allowed > 0 THEN
            DELETE FROM quay.session AS s
            WHERE s.id IN (SELECT o.id FROM quay.session AS o WHERE o.user_id = target.id ORDER BY o.id DESC OFFSET allowed - 1);
        END IF;
    END IF;
    INSERT INTO quay.session (user_id, uuid, digest, data, created_ms, touched_ms, expires_ms, ends_ms, ttl_s, ip, user_agent)
    VALUES (target.id, target.uuid, quay_internal.session_digest(token), coalesce(session_create.data, '{}'), present, present,
            present + 1000 * least(lifetime, longest), present + 1000 * longest, lifetime, session_create.ip, left(session_create.user_agent, 255));
    RETURN token;
END
$$;
COMMENT ON FUNCTION quay.session_create(text, json, integer, integer, text, text) IS
'Begins a session and returns its token, 43 random letters and digits, which is nowhere else. username: of a person, who has been authenticated; NULL: of a visitor. data: whatever the front end keeps, up to 64 kB. ttl_s: how long the session lasts without session_touch(), NULL: quay.session_lifetime; maximum_s: how long it lasts at most, NULL: any time.
A person has at most quay.session_maximum_count sessions: the oldest one goes. Log in with a new session, not with that of the visitor. Errors: QY004 disabled, QY007 no such person, QY141 lifetime out of range, QY142 data too large.';

CREATE OR REPLACE FUNCTION quay_internal.session_get_row(token text) RETURNS quay_internal.live_session
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_session_get';
COMMENT ON FUNCTION quay_internal.session_get_row(text) IS 'The row of session_get(), or NULL.';

-- Put in place of the call, like tag_resolve() (api/250_resolve.sql).
CREATE OR REPLACE FUNCTION quay.session_get(token text)
    RETURNS TABLE (session_id bigint, username text, user_id bigint, data json, created_ms bigint, touched_ms bigint, expires_ms bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).session_id, (r.found).username, (r.found).user_id, (r.found).data, (r.found).created_ms, (r.found).touched_ms,
           (r.found).expires_ms
    FROM (SELECT quay_internal.session_get_row(session_get.token) AS found OFFSET 0) AS r
    WHERE (r.found).session_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.session_get(text) IS
    'The session of a token: whose it is (username and user_id NULL: a visitor), its data, when it began, was last touched and will end, in ms since 1970. created_ms is the time of the login for login_is_fresh(). No row: there is none, it has ended, or the person was disabled, deleted, signed out or has a new password. No row on a standby. Call it in FROM.';

CREATE OR REPLACE FUNCTION quay.session_touch_many(tokens text[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
    interval_ms bigint := 1000 * quay_internal.setting('touch_interval')::bigint;
    ids bigint[];
    touched bigint;
BEGIN
    -- In one order, so that two calls wait for each other and not in a circle.
    ids := ARRAY(SELECT s.id FROM quay.session AS s
                 WHERE s.digest IN (SELECT quay_internal.session_digest(t.token) FROM unnest(session_touch_many.tokens) AS t (token))
                   AND s.expires_ms > present
                   -- A short session is touched before it ends.
                   AND s.touched_ms <= present - least(interval_ms, 500 * s.ttl_s::bigint)
                 ORDER BY s.id FOR UPDATE);
    UPDATE quay.session AS s SET touched_ms = present, expires_ms = least(present + 1000 * s.ttl_s::bigint, s.ends_ms)
    WHERE s.id = ANY (ids) AND s.expires_ms > present;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN touched;
END
$$;
COMMENT ON FUNCTION quay.session_touch_many(text[]) IS
    'Says that these sessions are in use: each then lasts as long again as its ttl_s. Returns how many were changed; those that were touched within quay.touch_interval, or half of their ttl_s, are left alone, and those that have ended. A front end collects tokens and calls it now and then.';

CREATE OR REPLACE FUNCTION quay.session_touch(token text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.session_touch_many(ARRAY[token]) > 0;
END
$$;
COMMENT ON FUNCTION quay.session_touch(text) IS
    'Says that a session is in use, as session_touch_many() does. True if it was changed; false says nothing about whether it lives: session_get() does.';

CREATE OR REPLACE FUNCTION quay.session_update(token text, data json) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM quay_internal.session_data_check(session_update.data);
    UPDATE quay.session AS s SET data = coalesce(session_update.data, '{}')
    WHERE s.digest = quay_internal.session_digest(session_update.token) AND s.expires_ms > quay_internal.clock_ms();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.session_update(text, json) IS 'Replaces the data of a session. False if there is none, or it has expired. Errors: QY142 data too large.';

CREATE OR REPLACE FUNCTION quay.session_delete(token text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    DELETE FROM quay.session AS s WHERE s.digest = quay_internal.session_digest(session_delete.token);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.session_delete(text) IS 'Ends a session: signing out here. False if there was none.';

CREATE OR REPLACE FUNCTION quay.session_delete_user(username text, session_id bigint DEFAULT NULL, keep text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.person_get(username)).id;
    kept bytea := quay_internal.session_digest(session_delete_user.keep);
    removed bigint;
BEGIN
    DELETE FROM quay.session AS s
    WHERE s.user_id = target_id AND (session_delete_user.session_id IS NULL OR s.id = session_delete_user.session_id)
      AND s.digest IS DISTINCT FROM kept;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.session_delete_user(text, bigint, text) IS
    'Ends sessions of a person: all, or one by its id from session_list(), but not the one of the token keep. Returns how many there were. user_session_revoke() ends them too, and those that a front end keeps in cookies. Errors: QY007 no such person.';

CREATE OR REPLACE FUNCTION quay_internal.session_end() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    DELETE FROM quay.session AS s WHERE s.user_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.session_end() IS 'Trigger: the sessions of a person are over, also if he is enabled again.';

CREATE OR REPLACE TRIGGER session_end_updated AFTER UPDATE ON quay."user"
    FOR EACH ROW WHEN (OLD.uuid IS DISTINCT FROM NEW.uuid OR OLD.enabled AND NOT NEW.enabled)
    EXECUTE FUNCTION quay_internal.session_end();
CREATE OR REPLACE TRIGGER session_end_deleted AFTER DELETE ON quay."user"
    FOR EACH ROW WHEN (NOT OLD.robot AND NOT OLD.organization)
    EXECUTE FUNCTION quay_internal.session_end();

CREATE OR REPLACE FUNCTION quay.session_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (session_id bigint, created_ms bigint, touched_ms bigint, expires_ms bigint, ip text, user_agent text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    page_size integer := quay_internal.page_size(n);
BEGIN
    IF pg_is_in_recovery() OR NOT target.enabled THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT s.id, s.created_ms, s.touched_ms, s.expires_ms, s.ip, s.user_agent FROM quay.session AS s
        WHERE s.user_id = target.id AND s.uuid IS NOT DISTINCT FROM target.uuid AND s.expires_ms > quay_internal.clock_ms()
          AND s.id < coalesce(session_list.after, 9223372036854775807)
        ORDER BY s.id DESC LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.session_list(text, bigint, integer) IS
    'Sessions of a person that have not ended, the newest first, at most n, those before the session_id after; times in ms since 1970. No row on a standby. Errors: 22023 n negative, QY007 no such person.';

CREATE OR REPLACE FUNCTION quay.session_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    DELETE FROM quay.session AS s
    WHERE s.id IN (SELECT o.id FROM quay.session AS o
                   WHERE o.expires_ms <= quay_internal.clock_ms() ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.session_expire(integer) IS
    'Removes up to n sessions that have expired, and returns how many; call it again when that was n. Safe to do twice at once. Errors: 22023 n not positive.';

-- @part step api/545_lease.sql
-- Leases: locks with an owner and an end, for work that outlasts a transaction, by clients behind a connection pool. For work within one
-- transaction pg_advisory_xact_lock() is simpler, and the rows that workers claim have leases of their own.
--
-- Whoever holds a lease may lose it without a notice: he was paused, and it ran out. So each acquisition has a number, the fence, greater
-- than all before it, and who writes under the lease says so in the transaction that writes, by lease_check(): it locks the row FOR KEY SHARE,
-- which a renewal does not conflict with, while an acquisition, which locks it FOR UPDATE, passes by and fails.

CREATE OR REPLACE FUNCTION quay_internal.lease_check_arguments(name text, owner text DEFAULT '') RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong text := CASE WHEN octet_length(name) BETWEEN 1 AND 255 THEN NULL ELSE 'name' END;
BEGIN
    wrong := coalesce(wrong, CASE WHEN octet_length(owner) <= 255 THEN NULL ELSE 'owner' END);
    IF wrong IS NULL THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY143',
        MESSAGE = format('illegal %s of a lease', wrong),
        DETAIL = coalesce('"' || left(CASE wrong WHEN 'name' THEN name ELSE owner END, 80) || '" is none.', 'It is NULL.'),
        HINT = CASE wrong WHEN 'name' THEN 'Use 1 to 255 bytes.' ELSE 'Say who it is, in up to 255 bytes.' END;
END
$$;
COMMENT ON FUNCTION quay_internal.lease_check_arguments(text, text) IS 'Refuses (QY143) a name that is NULL, empty or longer than 255 bytes, and an owner that is NULL or longer.';

CREATE OR REPLACE FUNCTION quay.lease_acquire(name text, owner text, ttl_s integer DEFAULT 600)
    RETURNS TABLE (acquired boolean, fence bigint, holder text, expires_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint;
BEGIN
    PERFORM quay_internal.lease_check_arguments(lease_acquire.name, lease_acquire.owner),
            quay_internal.lifetime_check('ttl_s', lease_acquire.ttl_s);
    -- A row that is free, unless there is one: asked for first, since ON CONFLICT waits for whoever is changing it. The number is taken
    -- when the row is locked.
    IF NOT EXISTS (SELECT FROM quay.lease AS l WHERE l.name = lease_acquire.name) THEN
        INSERT INTO quay.lease (name, fence, acquired_ms, expires_ms) VALUES (lease_acquire.name, 0, 0, 0)
        ON CONFLICT ON CONSTRAINT pk_lease DO NOTHING;
    END IF;
    PERFORM FROM quay.lease AS l
    WHERE l.name = lease_acquire.name AND (l.owner IS NULL OR l.expires_ms <= quay_internal.clock_ms()) FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        present := quay_internal.clock_ms();
        UPDATE quay.lease AS l
        SET owner = lease_acquire.owner, fence = nextval('quay.lease_fence_seq'), acquired_ms = present,
            expires_ms = present + 1000 * lease_acquire.ttl_s::bigint
        WHERE l.name = lease_acquire.name
        RETURNING true, l.fence, l.owner, l.expires_ms INTO acquired, fence, holder, expires_ms;
    ELSE
        acquired := false;
        SELECT l.owner, l.expires_ms INTO holder, expires_ms FROM quay.lease AS l WHERE l.name = lease_acquire.name;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.lease_acquire(text, text, integer) IS
'Takes a lease of that name for ttl_s seconds, if nobody has it; does not wait until it is free. Always one row. acquired: whether it is yours now; then fence is its number, greater than that of every lease of that name before. Otherwise holder and expires_ms (in ms since 1970) say who has it until when; holder NULL, or a time that has passed: somebody takes, gives back or uses it in a transaction that is open.
owner: who you are, for others to read; it does not make you the holder: what has the same owner is refused as well. A lease is held once the transaction has committed.
To wait, LISTEN quay_lease in a session of its own, try, and try again when a message has the name, when expires_ms has passed, or when you have waited long enough. Errors: QY141 lifetime out of range, QY143 illegal name or owner.';

CREATE OR REPLACE FUNCTION quay.lease_renew(name text, fence bigint, ttl_s integer DEFAULT 600) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    PERFORM quay_internal.lifetime_check('ttl_s', lease_renew.ttl_s);
    UPDATE quay.lease AS l SET expires_ms = quay_internal.clock_ms() + 1000 * lease_renew.ttl_s::bigint
    WHERE l.name = lease_renew.name AND l.fence = lease_renew.fence AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.lease_renew(text, bigint, integer) IS
    'Lets a lease last ttl_s seconds from now; call it when a third of that has passed. False: it has run out or was given back, and somebody else may have it: stop. Errors: QY141.';

CREATE OR REPLACE FUNCTION quay.lease_release(name text, fence bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    UPDATE quay.lease AS l SET owner = NULL, expires_ms = quay_internal.clock_ms()
    WHERE l.name = lease_release.name AND l.fence = lease_release.fence AND l.owner IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.wake('quay_lease', lease_release.name);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.lease_release(text, bigint) IS
    'Gives a lease back, and wakes up those who LISTEN quay_lease. False: somebody else has had it since, or it was given back.';

CREATE OR REPLACE FUNCTION quay.lease_check(name text, fence bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    until_ms bigint;
BEGIN
    SELECT l.expires_ms INTO until_ms FROM quay.lease AS l
    WHERE l.name = lease_check.name AND l.fence = lease_check.fence AND l.owner IS NOT NULL FOR KEY SHARE;
    -- By the clock of after the wait for the lock.
    RETURN coalesce(until_ms > quay_internal.clock_ms(), false);
END
$$;
COMMENT ON FUNCTION quay.lease_check(text, bigint) IS
    'Is the lease of that fence still held? To be asked first in a transaction that writes under it: if true, nobody else gets the lease until the transaction ends, even if it runs out meanwhile. It can be renewed meanwhile.';

CREATE OR REPLACE FUNCTION quay.lease_get(name text)
    RETURNS TABLE (owner text, fence bigint, acquired_ms bigint, expires_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT l.owner, l.fence, l.acquired_ms, l.expires_ms FROM quay.lease AS l
        WHERE l.name = lease_get.name AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms();
END
$$;
COMMENT ON FUNCTION quay.lease_get(text) IS 'Who has a lease, since and until when, in ms since 1970. No row: nobody. To write under a lease, ask lease_check().';

CREATE OR REPLACE FUNCTION quay.lease_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, owner text, fence bigint, acquired_ms bigint, expires_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT l.name, l.owner, l.fence, l.acquired_ms, l.expires_ms FROM quay.lease AS l
        WHERE l.name > coalesce(lease_list.after, '') AND l.owner IS NOT NULL AND l.expires_ms > quay_internal.clock_ms()
        ORDER BY l.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.lease_list(text, integer) IS
    'Leases that are held, by name, at most n, those after the name after; columns as of lease_get(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.lease_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    -- A day later nobody asks any more who had it last. The fences go on: all names share one sequence.
    DELETE FROM quay.lease AS l
    WHERE l.name IN (SELECT o.name FROM quay.lease AS o
                     WHERE o.expires_ms <= quay_internal.clock_ms() - 86400000 ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.lease_expire(integer) IS
    'Removes up to n leases that ran out or were given back more than a day ago, and returns how many. The fence of a name goes on growing all the same. Safe to do twice at once. Errors: 22023 n not positive.';

-- @part step api/546_freshness.sql
-- Reading from a standby what was just written to the primary; and, for front ends that read rights from a standby and content from the
-- primary, marks that say when that would show new content to somebody who lost his right to it.

CREATE OR REPLACE FUNCTION quay.wal_token() RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
        -- A commit that was not flushed is behind the position up to which is flushed.
        WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn()
    END;
END
$$;
COMMENT ON FUNCTION quay.wal_token() IS
    'Position in the WAL behind everything that has been committed: ask for it after the commit, keep it with the session of the user, and pass it to wal_wait() on a standby. What is written only to UNLOGGED tables is not in the WAL. On a standby: what it shows.';

CREATE OR REPLACE FUNCTION quay.wal_wait(token pg_lsn, timeout_ms integer DEFAULT 1000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + least(greatest(coalesce(wal_wait.timeout_ms, 0), 0), 60000) * interval '1 ms';
    replayed pg_lsn := pg_last_wal_replay_lsn();
    reached pg_lsn := replayed;
    moved_at timestamptz := clock_timestamp();
BEGIN
    IF wal_wait.token IS NULL OR NOT pg_is_in_recovery() THEN
        RETURN true;
    END IF;
    LOOP
        replayed := pg_last_wal_replay_lsn();
        IF replayed >= wal_wait.token THEN
            RETURN true;
        END IF;
        IF replayed > reached THEN
            reached := replayed;
            moved_at := clock_timestamp();
        END IF;
        -- Promoted: what was not replayed by now never comes. Or replay stands still although it could go on: it may wait for the end of
        -- this very statement, whose snapshot sees rows that are to be removed.
        IF clock_timestamp() >= deadline OR NOT pg_is_in_recovery()
           OR clock_timestamp() >= moved_at + interval '100 ms' AND pg_last_wal_receive_lsn() > replayed THEN
            RETURN false;
        END IF;
        PERFORM pg_sleep(0.001);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.wal_wait(pg_lsn, integer) IS
'Waits until a standby shows what was committed before wal_token(), at most timeout_ms (up to 60000). True: it does; read in the next statement, at READ COMMITTED. False: not yet: read from the primary, or call it again. On the primary, and for a token that is NULL, true at once.
It must be the only thing that the statement does. While it waits, its snapshot may keep the standby from removing rows, and so from going on; therefore it gives up (false) when replay has stood still for 100 ms with more to replay. The next call has a new snapshot.';

-- Marks. Unnecessary where one server answers both questions: it replays in the order in which things were committed.

CREATE OR REPLACE FUNCTION quay_internal.freshness_mark_set(usernames text[], namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    -- Positions in the WAL: unlike clocks they never go back.
    present pg_lsn := pg_current_wal_insert_lsn();
BEGIN
    INSERT INTO quay_internal.freshness_mark AS m (username, namespace, repository, marked, expires_ms)
    SELECT DISTINCT u.username COLLATE "C", freshness_mark_set.namespace, freshness_mark_set.repository, present, quay_internal.clock_ms() + 300000
    FROM unnest(usernames) AS u (username) ORDER BY 1
    ON CONFLICT ON CONSTRAINT pk_freshness_mark DO UPDATE
        SET marked = greatest(m.marked, EXCLUDED.marked), expires_ms = greatest(m.expires_ms, EXCLUDED.expires_ms);
    RETURN present;
END
$$;
COMMENT ON FUNCTION quay_internal.freshness_mark_set(text[], text, text) IS
    'Marks a repository for these users, for 300 s; the user '''' stands for its content. Returns the position of the marks.';

CREATE OR REPLACE FUNCTION quay.repository_modified_mark(namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.freshness_mark_set(ARRAY[''], namespace, repository);
END
$$;
COMMENT ON FUNCTION quay.repository_modified_mark(text, text) IS
    'Marks, for 300 s, that a repository has new content. Call it after the commit that brought it. Returns the position of the mark.';

CREATE OR REPLACE FUNCTION quay.permission_revoked_mark_many(usernames text[], namespace text, repository text) RETURNS pg_lsn
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.freshness_mark_set(array_remove(array_remove(usernames, NULL), ''), namespace, repository);
END
$$;
COMMENT ON FUNCTION quay.permission_revoked_mark_many(text[], text, text) IS
    'Marks, for 300 s, that these users are losing a right to a repository: all members, if it is a team that does. Commit it before the right goes. Returns the position of the marks, also if there are none.';

CREATE OR REPLACE FUNCTION quay.permission_read_blocked(username text, namespace text, repository text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    present bigint := quay_internal.clock_ms();
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN true;
    END IF;
    RETURN EXISTS (
        SELECT FROM quay_internal.freshness_mark AS revoked, quay_internal.freshness_mark AS modified
        WHERE revoked.namespace = permission_read_blocked.namespace AND revoked.repository = permission_read_blocked.repository
          AND revoked.username = permission_read_blocked.username AND revoked.username <> '' AND revoked.expires_ms > present
          AND modified.namespace = permission_read_blocked.namespace AND modified.repository = permission_read_blocked.repository
          AND modified.username = '' AND modified.expires_ms > present
          AND modified.marked > revoked.marked);
END
$$;
COMMENT ON FUNCTION quay.permission_read_blocked(text, text, text) IS
    'Must the right of a user to read a repository be asked of the primary, and not of a standby? True if he lost a right to it and it has got new content after that, both within the last 300 s. He may have got another right since: blocked is not denied. Ask the primary; a standby, which may not have the marks yet, answers true.';

CREATE OR REPLACE FUNCTION quay.freshness_mark_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    removed integer;
BEGIN
    DELETE FROM quay_internal.freshness_mark AS m
    WHERE (m.namespace, m.repository, m.username) IN (
        SELECT o.namespace, o.repository, o.username FROM quay_internal.freshness_mark AS o
        WHERE o.expires_ms <= quay_internal.clock_ms() ORDER BY o.expires_ms LIMIT batch FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$$;
COMMENT ON FUNCTION quay.freshness_mark_expire(integer) IS
    'Removes up to n marks that are older than 300 s, and returns how many. Safe to do twice at once. Errors: 22023 n not positive.';

-- @part step api/547_pull_fold.sql
-- Counting pulls where they happen: a row for each, without a key, so that two who pull the same tag do not wait for each other, and without
-- WAL; folded into the statistics of tags and manifests by maintenance.

CREATE OR REPLACE FUNCTION quay.pull_count(repository_id bigint, digest text, tag text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- What could not be counted later must not get in: it would fail each fold.
    IF num_nonnulls(pull_count.digest, pull_count.tag) = 0 OR pull_count.repository_id IS NULL
       OR pull_count.digest IS NOT NULL AND (length(pull_count.digest) > 255 OR quay_internal.content_path(pull_count.digest) IS NULL)
       OR quay_internal.name_problem('tag', pull_count.tag) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a pull is of a tag or of a manifest in a repository',
            DETAIL = format('repository_id %s, digest %s, tag %s.', coalesce(pull_count.repository_id::text, 'NULL'),
                            coalesce(left(pull_count.digest, 80), 'NULL'), coalesce(left(pull_count.tag, 80), 'NULL')),
            HINT = 'Pass the repository_id and the digest that pull() answered, and the tag if that was asked for.';
    END IF;
    INSERT INTO quay_internal.pull_pending (counted_ms, repository_id, tag, digest)
    VALUES (quay_internal.clock_ms(), pull_count.repository_id, pull_count.tag, pull_count.digest);
END
$$;
COMMENT ON FUNCTION quay.pull_count(bigint, text, text) IS
    'Notes one pull, for pull_fold() to count: the cheapest way to count each pull in a call of its own. digest: of the manifest that was sent; tag: if it was asked for by tag. Waits for nobody and for no disk; a crash of the server loses what has not been folded. Errors: 22023 no repository, or neither digest nor tag.';

CREATE OR REPLACE FUNCTION quay.pull_fold(n integer DEFAULT 10000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    most integer := quay_internal.batch_size(n);
    taken integer;
    counted record;
BEGIN
    -- The rows that others fold right now are skipped, and those of a fold that fails are there again.
    WITH pulls AS (
        DELETE FROM quay_internal.pull_pending AS p
        WHERE p.ctid = ANY (ARRAY(SELECT o.ctid FROM quay_internal.pull_pending AS o ORDER BY o.counted_ms LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING p.*
    ), grouped AS (
        SELECT p.repository_id, p.tag, p.digest, count(*) AS pulls, max(p.counted_ms) AS counted_ms
        FROM pulls AS p GROUP BY p.repository_id, p.tag, p.digest
    )
    SELECT array_agg(g.repository_id) AS repository_ids, array_agg(g.tag) AS tags, array_agg(g.digest) AS digests,
           array_agg(g.pulls) AS pulls, array_agg(to_timestamp(g.counted_ms / 1000.0) AT TIME ZONE 'UTC') AS times, sum(g.pulls)::integer AS total
    INTO counted FROM grouped AS g;
    taken := coalesce(counted.total, 0);
    IF taken > 0 THEN
        PERFORM quay_internal.pull_add(counted.repository_ids, counted.tags, counted.digests, counted.pulls, counted.times);
    END IF;

    -- Keys of batches (pull_record_many) that nobody sends again.
    DELETE FROM quay_internal.pull_batch AS b
    WHERE b.batch IN (SELECT o.batch FROM quay_internal.pull_batch AS o
                      WHERE o.counted_ms < quay_internal.clock_ms() - 7 * 86400000::bigint ORDER BY o.counted_ms LIMIT most FOR UPDATE SKIP LOCKED);
    RETURN taken;
END
$$;
COMMENT ON FUNCTION quay.pull_fold(integer) IS
    'Adds up to n pulls that pull_count() noted to the statistics, and returns how many; call it again when that was n. Those of repositories that are gone are dropped. Also forgets the batches of pull_record_many() after seven days. Two at once share the work. Errors: 22023 n not positive.';

-- @part step api/550_user_event.sql
-- Events of users, for those who watch: an open page that shows what the command line just did. A short table, and NOTIFY on the channel
-- quay_event, which says that there is something to read in it, and not what: anybody who may connect may also LISTEN.
--
-- A reader remembers the position of the last event that he has read, and goes on behind it. So that none becomes visible behind his back,
-- who publishes for a user holds a lock until he commits: positions of one user become visible in their order.

CREATE OR REPLACE FUNCTION quay.event_publish(username text, event text, data jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
    new_id bigint;
BEGIN
    IF event_publish.event IS NULL OR event_publish.event !~ '^[a-z0-9_-]{1,60}$' OR jsonb_typeof(data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed event of a user',
            DETAIL = format('Its name is "%s", its data %s.', left(event_publish.event, 80), coalesce(jsonb_typeof(data), 'NULL')),
            HINT = 'Pass a name of lower-case letters, digits, dashes and underscores, and a JSON object.';
    END IF;
    IF NOT quay_internal.setting('user_events')::boolean THEN
        RETURN NULL;
    END IF;
    found_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = event_publish.username);
    IF found_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('quay event ' || found_id, 0));
    INSERT INTO quay_internal.user_event (user_id, event, data, created_ms)
    VALUES (found_id, event_publish.event, event_publish.data, quay_internal.clock_ms())
    RETURNING id INTO new_id;
    -- Not many more of one user than quay.user_event_limit: now and then is enough.
    IF random() < 0.0625 THEN
        DELETE FROM quay_internal.user_event AS e
        WHERE e.user_id = found_id
          AND e.id <= (SELECT o.id FROM quay_internal.user_event AS o WHERE o.user_id = found_id
                       ORDER BY o.id DESC OFFSET quay_internal.setting('user_event_limit')::integer LIMIT 1);
    END IF;
    PERFORM quay_internal.wake('quay_event', jsonb_build_object('id', new_id, 'username', event_publish.username, 'event', event_publish.event)::text);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.event_publish(text, text, jsonb) IS
    'Tells those who watch a user that something happened to him, and returns the position of the event; NULL: quay.user_events is off, or nobody has that name. event: its kind, such as docker-cli. data: what there is to say, of any size; a secret does not belong there. It wakes up who listens to the channel quay_event, at commit. Others who publish for the same user wait until we commit, so call it last, or in a transaction of its own. Errors: 22023 event or data malformed.';

CREATE OR REPLACE FUNCTION quay.event_read(username text, events text[] DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (event_id bigint, event text, data jsonb, created_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    found_id bigint;
BEGIN
    -- What is not logged cannot be read on a standby.
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    found_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = event_read.username);
    RETURN QUERY
        SELECT e.id, e.event, e.data, e.created_ms
        FROM quay_internal.user_event AS e
        WHERE e.user_id = found_id AND e.id > coalesce(event_read.after, 0)
          AND (coalesce(cardinality(events), 0) = 0 OR e.event = ANY (events))
        ORDER BY e.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.event_read(text, text[], bigint, integer) IS
    'Events of a user behind a position, in their order, at most n: pass the event_id of the last one for the next call. events: only of these kinds; NULL or empty: all. No row: nothing new, or nobody has that name, or this is a standby, which has no events. created_ms in ms since 1970. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.event_position(username text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN 0;
    END IF;
    RETURN coalesce((SELECT max(e.id) FROM quay_internal.user_event AS e
                     WHERE e.user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = event_position.username)), 0);
END
$$;
COMMENT ON FUNCTION quay.event_position(text) IS
    'Position of the last event of a user: what quay.event_read() returns behind it happened after this call. 0: there is none yet.';

CREATE OR REPLACE FUNCTION quay.event_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    before_ms bigint := quay_internal.clock_ms() - quay_internal.setting('user_event_lifetime')::bigint * 1000;
    deleted integer;
BEGIN
    DELETE FROM quay_internal.user_event AS e
    USING (SELECT o.user_id, o.id FROM quay_internal.user_event AS o
           WHERE o.created_ms < before_ms ORDER BY o.created_ms LIMIT batch FOR UPDATE SKIP LOCKED) AS old
    WHERE e.user_id = old.user_id AND e.id = old.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.event_expire(integer) IS
    'Deletes at most n events of users that are older than quay.user_event_lifetime, and returns how many. 0: there are none. Two calls at once delete different ones. Errors: 22023 n not positive.';

-- @part step api/560_maintenance_job.sql
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

-- @part step api/562_maintenance_step.sql
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

-- @part step api/564_maintenance_run.sql
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

-- @part step api/565_maintenance_kind.sql
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

-- @part step api/566_maintenance_status.sql
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

-- @part step api/568_maintenance_schedule.sql
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

-- @part step api/570_metric.sql
-- Figures for a Prometheus exporter. Cheap enough for every few seconds: sizes of tables are estimates of the planner, and what waits is
-- counted up to a limit, by indexes that have only what waits. Each runs on a standby too.

CREATE OR REPLACE FUNCTION quay_internal.metric_list() RETURNS TABLE (name text, kind text, help text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('quay_info', 'gauge', 'Always 1; the label has the version of the tables.'),
        ('quay_primary', 'gauge', '1 on the primary, 0 on a standby.'),
        ('quay_table_rows', 'gauge', 'Rows of a table as the planner estimates them, since its last VACUUM or ANALYZE.'),
        ('quay_table_bytes', 'gauge', 'Bytes of a table on disk, with its indexes.'),
        ('quay_registry_bytes', 'gauge', 'Bytes of all blobs, each counted once.'),
        ('quay_uploads', 'gauge', 'Uploads under way, counted up to 10000.'),
        ('quay_upload_oldest_seconds', 'gauge', 'Age of the oldest upload under way.'),
        ('quay_queue_items', 'gauge', 'Items of a queue: ready, delayed, running, or dead: out of retries; each counted up to 10000.'),
        ('quay_queue_oldest_seconds', 'gauge', 'How long the item of a queue that has been ready longest has waited.'),
        ('quay_gc_due', 'gauge', 'Reviews of the garbage collector that are due, counted up to 10000.'),
        ('quay_gc_oldest_seconds', 'gauge', 'How long the oldest of them has been due.'),
        ('quay_gc_blobs_due', 'gauge', 'Blobs whose bytes are to be deleted now, counted up to 10000.'),
        ('quay_scan_manifests', 'gauge', 'Manifests that wait for the scanner, are with it, or have failed and come again; each counted up to 10000.'),
        ('quay_mirrors', 'gauge', 'Mirrors of repositories by the state of their last run.'),
        ('quay_build_jobs', 'gauge', 'Builds that a worker is at.'),
        ('quay_autoprune_tasks', 'gauge', 'Pruning tasks by state.'),
        ('quay_audit_entries_last_minute', 'gauge', 'Entries of the audit log of the last minute by kind, such as login_success; the newest 10000.'),
        ('quay_audit_months_ahead', 'gauge', 'Coming months for which the audit log has a partition.'),
        ('quay_service_key_expires_seconds', 'gauge', 'Time until the approved key of a service that is valid longest expires.'),
        ('quay_maintenance_runs_total', 'counter', 'Runs of a maintenance job.'),
        ('quay_maintenance_failed_runs_total', 'counter', 'Runs of a maintenance job that failed.'),
        ('quay_maintenance_done_total', 'counter', 'Things that a maintenance job has done.'),
        ('quay_maintenance_busy_seconds_total', 'counter', 'Time that batches of a maintenance job have taken.'),
        ('quay_maintenance_failures', 'gauge', 'Runs of a maintenance job that failed since the last good one.'),
        ('quay_maintenance_running', 'gauge', '1 while a session is at a maintenance job.'),
        ('quay_maintenance_overdue_seconds', 'gauge', 'How long ago a maintenance job should have run; 0 if it is not due, or is disabled.');
END
$$;
COMMENT ON FUNCTION quay_internal.metric_list() IS 'The metrics: name, kind (gauge or counter) and what it is.';

CREATE OR REPLACE FUNCTION quay_internal.metric_seconds(since timestamp) RETURNS double precision
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN greatest(round(extract(epoch FROM quay_internal.utc_now() - since), 3), 0);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_seconds(timestamp) IS 'Seconds from then to now, at least 0; NULL for NULL.';

CREATE OR REPLACE FUNCTION quay_internal.table_leaves(relation regclass) RETURNS TABLE (leaf oid, row_estimate bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.oid, greatest(c.reltuples, 0)::bigint FROM pg_class AS c
        WHERE c.relkind = 'r'
          AND (c.oid = table_leaves.relation OR c.oid IN (SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = table_leaves.relation));
END
$$;
COMMENT ON FUNCTION quay_internal.table_leaves(regclass) IS
    'A table, or the partitions of one, with their rows as the planner estimates them: 0 where there was no VACUUM or ANALYZE yet.';

CREATE OR REPLACE FUNCTION quay_internal.row_estimate(relation regclass) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT sum(l.row_estimate)::bigint FROM quay_internal.table_leaves(row_estimate.relation) AS l);
END
$$;
COMMENT ON FUNCTION quay_internal.row_estimate(regclass) IS 'Rows of a table, with its partitions, as the planner estimates them.';

CREATE OR REPLACE FUNCTION quay_internal.metric_table() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    root record;
BEGIN
    name := 'quay_info';
    labels := jsonb_build_object('version', quay.version());
    value := 1;
    RETURN NEXT;
    name := 'quay_primary';
    labels := '{}';
    value := CASE WHEN pg_is_in_recovery() THEN 0 ELSE 1 END;
    RETURN NEXT;
    FOR root IN
        SELECT c.oid, c.relname FROM pg_class AS c
        WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace]) AND NOT c.relispartition
          AND c.relname = ANY (ARRAY['user', 'repository', 'tag', 'manifest', 'manifestblob', 'imagestorage', 'logentry3', 'queueitem',
                                     'notification', 'blobupload', 'repositorybuild', 'blob_use', 'gc_review', 'session', 'cache_entry', 'lease',
                                     'build_log', 'user_event', 'pull_pending'])
        ORDER BY c.relname
    LOOP
        labels := jsonb_build_object('table', root.relname);
        name := 'quay_table_rows';
        value := quay_internal.row_estimate(root.oid);
        RETURN NEXT;
        name := 'quay_table_bytes';
        value := (SELECT sum(pg_total_relation_size(l.leaf)) FROM quay_internal.table_leaves(root.oid) AS l);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.metric_table() IS 'Metrics of the installation and of its large tables.';

CREATE OR REPLACE FUNCTION quay_internal.metric_queue() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT m.name, jsonb_build_object('queue', q.queue_name) || m.labels, m.value
        FROM quay.queue_metrics(maximum => 10000) AS q
        CROSS JOIN LATERAL (VALUES
            ('quay_queue_items', '{"state": "ready"}'::jsonb, q.available::double precision),
            ('quay_queue_items', '{"state": "delayed"}', q.waiting), ('quay_queue_items', '{"state": "running"}', q.running),
            ('quay_queue_items', '{"state": "dead"}', q.dead),
            ('quay_queue_oldest_seconds', '{}', coalesce(q.oldest_s, 0))) AS m (name, labels, value);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_queue() IS 'Metrics of the queues.';

CREATE OR REPLACE FUNCTION quay_internal.metric_content() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    most CONSTANT integer := 10000;
    now timestamp := quay_internal.utc_now();
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY SELECT 'quay_registry_bytes', '{}'::jsonb, quay_internal.size_of(0)::double precision;
    RETURN QUERY
        SELECT m.name, '{}'::jsonb, m.value
        FROM (SELECT count(*)::double precision AS uploads, coalesce(quay_internal.metric_seconds(min(b.created)), 0) AS age
              FROM (SELECT u.created FROM quay.blobupload AS u ORDER BY u.created LIMIT most) AS b) AS u
        CROSS JOIN LATERAL (VALUES ('quay_uploads', u.uploads), ('quay_upload_oldest_seconds', u.age)) AS m (name, value);
    RETURN QUERY
        SELECT m.name, jsonb_build_object('stage', k.stage), m.value
        FROM (VALUES ('n'::"char", 'namespaces'), ('t', 'tags'), ('m', 'manifests'), ('l', 'labels'), ('u', 'uses of blobs'), ('b', 'blobs')) AS k (kind, stage)
        CROSS JOIN LATERAL (SELECT count(*)::double precision AS due, greatest(coalesce(now_ms - min(r.due_ms), 0), 0) / 1000.0 AS seconds
                            FROM (SELECT v.due_ms FROM quay_internal.gc_review AS v WHERE v.kind = k.kind AND v.due_ms <= now_ms
                                  ORDER BY v.due_ms LIMIT most) AS r) AS g
        CROSS JOIN LATERAL (VALUES ('quay_gc_due', g.due), ('quay_gc_oldest_seconds', g.seconds::double precision)) AS m (name, value);
    RETURN QUERY
        SELECT 'quay_gc_blobs_due', '{}'::jsonb, count(*)::double precision
        FROM (SELECT FROM quay_internal.blob_deletion AS d WHERE d.due_ms <= now_ms LIMIT most) AS d;
    RETURN QUERY
        SELECT 'quay_scan_manifests', jsonb_build_object('state', quay_internal.scan_status_name(k.status)),
               (SELECT count(*) FROM (SELECT FROM quay.manifestsecuritystatus AS s
                                      WHERE s.index_status = k.status AND s.index_status IN (-1, 0, 1) LIMIT most) AS s)::double precision
        FROM generate_series(-1, 1) AS k (status);
    RETURN QUERY
        SELECT 'quay_mirrors', jsonb_build_object('state', quay_internal.mirror_status_name(c.sync_status)), count(*)::double precision
        FROM quay.repomirrorconfig AS c GROUP BY c.sync_status;
    RETURN QUERY SELECT 'quay_build_jobs', '{}'::jsonb, (SELECT count(*) FROM quay_internal.build_job)::double precision;
    RETURN QUERY
        SELECT 'quay_autoprune_tasks', jsonb_build_object('state', split_part(s.status, ':', 1)), count(*)::double precision
        FROM quay.autoprunetaskstatus AS s GROUP BY 2;
END
$$;
COMMENT ON FUNCTION quay_internal.metric_content() IS 'Metrics of the content: sizes, uploads, the garbage collector, scans, mirrors, pruning.';

CREATE OR REPLACE FUNCTION quay_internal.metric_log() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 10000;
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT 'quay_audit_entries_last_minute', jsonb_build_object('kind', k.name), count(*)::double precision
        FROM (SELECT l.kind_id FROM quay.logentry3 AS l WHERE l.datetime > now - interval '1 min' AND l.datetime <= now
              ORDER BY l.datetime DESC LIMIT most) AS l
        JOIN quay.logentrykind AS k ON k.id = l.kind_id
        GROUP BY k.name;
    RETURN QUERY
        SELECT 'quay_audit_months_ahead', '{}'::jsonb, count(*)::double precision
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'quay.logentry3'::regclass AND c.relname COLLATE "C" ~ '^logentry3_y\d{4}m\d\d$'
          AND c.relname COLLATE "C" > to_char(now, '"logentry3_y"YYYY"m"MM');
    RETURN QUERY
        SELECT 'quay_service_key_expires_seconds', jsonb_build_object('service', k.service),
               round(extract(epoch FROM max(k.expiration_date) - now), 3)::double precision
        FROM quay.servicekey AS k WHERE k.approval_id IS NOT NULL
        GROUP BY k.service HAVING bool_and(k.expiration_date IS NOT NULL);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_log() IS 'Metrics of the audit log, and of keys.';

CREATE OR REPLACE FUNCTION quay_internal.metric_maintenance() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT m.name, jsonb_build_object('job', p.job), m.value::double precision
        FROM quay_internal.maintenance_plan() AS p
        JOIN quay_internal.maintenance_state AS s ON s.job = p.job
        CROSS JOIN LATERAL (VALUES
            ('quay_maintenance_runs_total', s.runs::numeric), ('quay_maintenance_failed_runs_total', s.failed_runs),
            ('quay_maintenance_done_total', s.done_total), ('quay_maintenance_busy_seconds_total', s.busy_ms_total / 1000.0),
            ('quay_maintenance_failures', s.failures), ('quay_maintenance_running', quay_internal.maintenance_is_running(s)::integer),
            ('quay_maintenance_overdue_seconds',
             CASE WHEN p.enabled AND s.ended_ms IS NOT NULL AND NOT quay_internal.maintenance_is_running(s)
                  THEN greatest(now_ms - quay_internal.maintenance_due_ms(s, p.interval_s), 0) / 1000.0 ELSE 0 END)) AS m (name, value);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_maintenance() IS 'Metrics of the jobs of maintenance that have been run.';

CREATE OR REPLACE VIEW quay.metrics AS
SELECT m.name, m.labels, m.value, l.kind, l.help
FROM (SELECT * FROM quay_internal.metric_table()
      UNION ALL SELECT * FROM quay_internal.metric_queue()
      UNION ALL SELECT * FROM quay_internal.metric_content()
      UNION ALL SELECT * FROM quay_internal.metric_log()
      UNION ALL SELECT * FROM quay_internal.metric_maintenance()) AS m
JOIN quay_internal.metric_list() AS l ON l.name = m.name
WHERE m.value IS NOT NULL
ORDER BY m.name, m.labels;

COMMENT ON VIEW quay.metrics IS 'Read only: figures for a Prometheus exporter, a row for each name and set of labels. quay.metric_text() has them in the format of Prometheus.';
COMMENT ON COLUMN quay.metrics.name IS 'Name of the metric, such as quay_queue_items.';
COMMENT ON COLUMN quay.metrics.labels IS 'Its labels, an object of texts.';
COMMENT ON COLUMN quay.metrics.value IS 'The figure.';
COMMENT ON COLUMN quay.metrics.kind IS 'gauge, or counter: that only grows, and begins anew with a restore.';
COMMENT ON COLUMN quay.metrics.help IS 'What it is.';

CREATE OR REPLACE FUNCTION quay.metric_text() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT string_agg(f.text, '' ORDER BY f.name)
        FROM (SELECT m.name, format(E'# HELP %s %s\n# TYPE %1$s %3$s\n', m.name, m.help, m.kind)
                             || string_agg(format(E'%s%s %s\n', m.name, l.text, m.value), '' ORDER BY l.text) AS text
              FROM quay.metrics AS m
              CROSS JOIN LATERAL (
                  SELECT coalesce('{' || string_agg(
                      format('%s="%s"', e.key, replace(replace(replace(e.value, '\', '\\'), '"', '\"'), E'\n', '\n')), ',' ORDER BY e.key) || '}', '') AS text
                  FROM jsonb_each_text(m.labels) AS e) AS l
              GROUP BY m.name, m.help, m.kind) AS f);
END
$$;
COMMENT ON FUNCTION quay.metric_text() IS
    'The rows of quay.metrics in the text format of Prometheus (version 0.0.4), for an exporter that passes them on as they are.';

-- @part step api/574_statistics.sql
-- How large the registry is, for screens of administrators and for reports.

CREATE OR REPLACE FUNCTION quay.registry_statistics()
    RETURNS TABLE (users bigint, organizations bigint, robots bigint, repositories bigint, mirrored_organizations bigint, mirrored_repositories bigint,
                   tags_estimate bigint, manifests_estimate bigint, blobs_estimate bigint, log_entries_estimate bigint, size_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT c.users, c.organizations, c.robots INTO users, organizations, robots FROM quay.user_count() AS c;
    repositories := quay.repository_count();
    mirrored_organizations := (SELECT count(*) FROM quay.orgmirrorconfig AS c WHERE c.is_enabled);
    mirrored_repositories := (SELECT count(*) FROM quay.repomirrorconfig AS c WHERE c.is_enabled);
    tags_estimate := quay_internal.row_estimate('quay.tag');
    manifests_estimate := quay_internal.row_estimate('quay.manifest');
    blobs_estimate := quay_internal.row_estimate('quay.imagestorage');
    log_entries_estimate := quay_internal.row_estimate('quay.logentry3');
    size_bytes := quay_internal.size_of(0);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_statistics() IS
    'How large the registry is, one row: enabled people and organizations, robots, repositories, those that are mirrored; tags, also those that ended, manifests, blobs and entries of the newest audit log as the planner estimates them; bytes of all blobs, each counted once. Counts accounts and repositories, so about once an hour is enough; quay.metrics is for every few seconds.';

-- @part step api/800_maintenance.sql
-- What a DBA calls: the drop guard, and the privileges of roles.

CREATE OR REPLACE FUNCTION quay_internal.drop_guard() RETURNS event_trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_drop_guard';
COMMENT ON FUNCTION quay_internal.drop_guard() IS
    'Event trigger: refuses (QY091) DROP EXTENSION, DROP SCHEMA and DROP OWNED while there is user data, unless quay.allow_drop is on.';

-- Three kinds of roles, each with a fixed set of privileges. The next three functions are the only place that says which.

CREATE OR REPLACE FUNCTION quay_internal.secret_column_list() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstoken', 'token_code'),
        ('appspecificauthtoken', 'token_secret'),
        ('cache_entry', 'bytes'),
        ('cache_entry', 'claim'),
        ('cache_entry', 'value'),
        ('emailconfirmation', 'code'),
        ('emailconfirmation', 'verification_code'),
        ('namespacenotification', 'config_json'),
        ('namespacenotification', 'last_error'),
        ('notification', 'metadata_json'),
        ('oauthaccesstoken', 'token_code'),
        ('oauthaccesstoken', 'token_digest'),
        ('oauthapplication', 'secure_client_secret'),
        ('oauthauthorizationcode', 'code_credential'),
        ('orgmirrorconfig', 'external_registry_password'),
        ('orgmirrorconfig', 'external_registry_username'),
        ('proxycacheconfig', 'upstream_registry_password'),
        ('proxycacheconfig', 'upstream_registry_username'),
        ('queueitem', 'body'),
        ('repomirrorconfig', 'external_registry_password'),
        ('repomirrorconfig', 'external_registry_username'),
        ('repository', 'badge_token'),
        ('repositoryauthorizedemail', 'code'),
        ('repositorybuildtrigger', 'secure_auth_token'),
        ('repositorybuildtrigger', 'secure_private_key'),
        ('repositorynotification', 'config_json'),
        ('repositorynotification', 'last_error'),
        ('robotaccounttoken', 'token'),
        ('session', 'data'),
        ('session', 'digest'),
        ('session', 'uuid'),
        ('teammemberinvite', 'invite_token'),
        ('user', 'password_hash');
END
$$;
COMMENT ON FUNCTION quay_internal.secret_column_list() IS
    'Columns of tables in schema quay that a reader must not see: passwords, tokens, codes and keys, hashed, encrypted or in clear.';

CREATE OR REPLACE FUNCTION quay_internal.function_is_for(function regprocedure, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What changes the installation or the rights in it.
    for_admin CONSTANT text[] := ARRAY['downgrade_refuse', 'field_encrypt_with', 'field_key', 'field_rotate', 'grant_role',
                                    'log_archive_confirm', 'log_count_month_update', 'log_count_reset', 'log_count_update',
                                    'log_partition_drop', 'log_partition_ensure', 'log_removal_note', 'log_retain', 'log_rows_delete',
                                    'log_seal', 'log_seal_block_add', 'log_seal_rekey', 'log_settled_id', 'maintenance_log_partition',
                                    'maintenance_log_retain', 'maintenance_log_seal',
                                    'maintenance_reset', 'maintenance_schedule', 'maintenance_set', 'maintenance_unschedule',
                                    'revoke_role', 'search_index_create', 'secret_check', 'secret_rotate', 'secret_rotate_all',
                                    'secret_rotate_batch', 'secret_rotate_start', 'secret_rotate_verify', 'secret_scan', 'version_require',
                                    'version_set'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'repository_get', 'utc_now', 'wal_token', 'wal_wait'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['actor_resolve', 'app_token_get', 'app_token_problem', 'authenticate_app_token',
                                      'bootstrap_owner', 'bootstrap_token_check', 'bootstrap_token_problem',
                                      'build_trigger_credentials', 'cache_get', 'cache_get_many', 'cache_get_row', 'cache_status',
                                      'delivery_plan', 'field_decrypt', 'field_matches', 'invite_get', 'invite_list_for',
                                      'log_signature', 'login_account', 'login_is_fresh', 'mirror_credentials', 'mirror_get',
                                      'mirror_settings', 'namespace_notification_get', 'namespace_notification_list',
                                      'notification_exists', 'notification_find', 'notification_get', 'notification_list',
                                      'notification_list_path', 'oauth_application_secret', 'oauth_client_check', 'oauth_code_find',
                                      'oauth_token_match', 'oauth_token_problem', 'org_mirror_credentials', 'org_mirror_get',
                                      'password_decrypt', 'password_verify', 'proxy_cache_credentials', 'queue_item_get',
                                      'repository_badge_token_get', 'repository_notification_get', 'repository_notification_list',
                                      'repository_token_find', 'repository_token_get', 'repository_token_load', 'robot_account',
                                      'robot_pull_credentials', 'robot_token', 'secret_digest', 'secret_equal', 'session_digest',
                                      'session_get', 'session_get_row', 'session_list', 'team_invite_list_by_email',
                                      'team_invite_lookup', 'user_has_password', 'user_team_invite_list'];
    found record;
BEGIN
    SELECT p.proname::text AS name, p.provolatile AS volatility,
           p.prorettype = ANY (ARRAY['trigger'::regtype, 'event_trigger'::regtype]) AS is_trigger
    INTO STRICT found FROM pg_proc AS p WHERE p.oid = function_is_for.function;
    RETURN CASE function_is_for.kind
        WHEN 'admin' THEN true
        WHEN 'application' THEN NOT found.is_trigger AND found.name <> ALL (for_admin)
        ELSE NOT found.is_trigger AND found.name <> ALL (for_admin) AND found.name <> ALL (not_for_readers)
             AND (found.volatility <> 'v' OR found.name = ANY (for_reads))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.function_is_for(regprocedure, text) IS
    'May roles of that kind call the function? Administrators all, applications all but maintenance, readers those that only read.';

CREATE OR REPLACE FUNCTION quay_internal.privilege_list(kind text)
    RETURNS TABLE (object_kind text, object text, columns name[], privilege text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES ('SCHEMA', 'quay', NULL::name[], 'USAGE'), ('SCHEMA', 'quay_internal', NULL, 'USAGE');

    RETURN QUERY
    SELECT 'ROUTINE', p.oid::regprocedure::text, NULL::name[], 'EXECUTE'
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND quay_internal.function_is_for(p.oid, privilege_list.kind);

    RETURN QUERY
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.oid::regclass::text,
           CASE WHEN kind = 'reader' THEN visible.columns END,
           wanted.privilege
    FROM pg_class AS c
    CROSS JOIN LATERAL unnest(CASE
        WHEN c.relkind = 'S' THEN CASE privilege_list.kind
            WHEN 'admin' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
            WHEN 'application' THEN ARRAY['USAGE'] END
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'entity_change', 'rights_change')
             OR c.relname IN ('secret_rotation', 'maintenance_setting') AND privilege_list.kind <> 'admin'
             -- Who writes the audit log must not write the evidence.
             OR c.relname = ANY (ARRAY['log_archive', 'log_count_day', 'log_removed', 'log_seal_block', 'log_settled'])
                AND privilege_list.kind <> 'admin' THEN ARRAY['SELECT']
        WHEN privilege_list.kind = 'application' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END) AS wanted (privilege)
    -- NULL, so the whole table, unless it has a secret
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_or(s.column_name IS NOT NULL)
                    THEN array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE s.column_name IS NULL) END AS columns
        FROM pg_attribute AS a
        LEFT JOIN quay_internal.secret_column_list() AS s
            ON c.relnamespace = 'quay'::regnamespace AND s.table_name = c.relname AND s.column_name = a.attname
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS visible
    WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND c.relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'S']::"char"[])
      -- Months of the log are reached through the whole, which is where PostgreSQL asks for the right.
      AND (NOT c.relispartition OR c.relname = 'logentry3_default');
END
$$;
COMMENT ON FUNCTION quay_internal.privilege_list(text) IS
    'The privileges of a kind of role: admin, application or reader. One row each; columns, if not NULL, are those that it is limited to.';

CREATE OR REPLACE FUNCTION quay_internal.role_kind(role regrole) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Rights by name only: not those of a superuser, an owner or a member.
    RETURN CASE
        WHEN EXISTS (SELECT FROM pg_proc AS p, aclexplode(p.proacl) AS a
                     WHERE p.oid = 'quay.grant_role(regrole, text)'::regprocedure
                       AND a.grantee = role_kind.role AND a.grantee <> p.proowner) THEN 'admin'
        WHEN EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
                     WHERE c.oid = 'quay."user"'::regclass AND a.privilege_type = 'INSERT'
                       AND a.grantee = role_kind.role AND a.grantee <> c.relowner) THEN 'application'
        WHEN EXISTS (SELECT FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
                     WHERE n.oid = 'quay'::regnamespace
                       AND a.grantee = role_kind.role AND a.grantee <> n.nspowner) THEN 'reader'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.role_kind(regrole) IS 'What grant_role() made of the role: admin, application or reader; NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.role_lacks(role regrole, kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM quay_internal.privilege_list(role_lacks.kind) AS p
        WHERE NOT CASE p.object_kind
            WHEN 'SCHEMA' THEN has_schema_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'ROUTINE' THEN has_function_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'SEQUENCE' THEN has_sequence_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'TABLE' THEN CASE
                WHEN p.columns IS NULL THEN has_table_privilege(role_lacks.role, p.object, p.privilege)
                ELSE (SELECT bool_and(has_column_privilege(role_lacks.role, p.object, c.name, p.privilege)) FROM unnest(p.columns) AS c (name)) END
            END
    );
END
$$;
COMMENT ON FUNCTION quay_internal.role_lacks(regrole, text) IS 'How many of the privileges of that kind the role has not.';

CREATE OR REPLACE FUNCTION quay.role_list() RETURNS TABLE (role text, kind text, complete boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.rolname::text, k.kind, quay_internal.role_lacks(r.oid, k.kind) = 0
    FROM pg_roles AS r
    CROSS JOIN LATERAL (SELECT quay_internal.role_kind(r.oid) AS kind OFFSET 0) AS k
    WHERE k.kind IS NOT NULL
    ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION quay.role_list() IS
    'Roles that grant_role() served, and as which kind. complete is false where an update brought objects since: grant the same kind again.';

CREATE OR REPLACE FUNCTION quay.revoke_role(role regrole, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    object_kind text;
    behavior text := CASE WHEN revoke_role.cascade THEN 'CASCADE' ELSE 'RESTRICT' END;
    previous_role CONSTANT text := current_setting('role');
    grantee regrole;
    other text;
BEGIN
    -- What the role granted to others goes first, in its name: CASCADE alone would leave rights on columns that came from its right on
    -- the table.
    IF revoke_role.cascade THEN
        FOR grantee IN
            SELECT DISTINCT a.grantee FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
            WHERE n.oid = 'quay'::regnamespace AND a.grantor = revoke_role.role AND a.grantor <> n.nspowner
        LOOP
            PERFORM set_config('role', (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = revoke_role.role), true);
            PERFORM quay.revoke_role(grantee, cascade => true);
            PERFORM set_config('role', previous_role, true);
        END LOOP;
    END IF;

    FOREACH object_kind IN ARRAY ARRAY['ALL TABLES IN SCHEMA', 'ALL SEQUENCES IN SCHEMA', 'ALL ROUTINES IN SCHEMA', 'SCHEMA'] LOOP
        EXECUTE format('REVOKE ALL ON %s quay, quay_internal FROM %s %s', object_kind, revoke_role.role, behavior);
    END LOOP;

    -- REVOKE takes back only what its role has granted.
    SELECT string_agg(DISTINCT a.grantor::regrole::text, ', ') INTO other
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
    WHERE n.nspname = ANY (ARRAY['quay', 'quay_internal']::name[]) AND a.grantee = revoke_role.role AND a.grantee <> n.nspowner;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'role still has privileges that another role granted',
            DETAIL = format('They were granted to %s by %s.', revoke_role.role, other),
            HINT = format('Run SET ROLE %s and quay.revoke_role() again.', other);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.revoke_role(regrole, boolean) IS
    'Takes back what grant_role() gave. cascade: also what that role, an admin, gave to others; without it such a role is refused (2BP01). Errors: 42501 granted by another role, named in the detail.';

CREATE OR REPLACE FUNCTION quay.grant_role(role regrole, kind text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grant_option text := CASE grant_role.kind WHEN 'admin' THEN 'WITH GRANT OPTION' ELSE '' END;
    statement text;
BEGIN
    IF grant_role.kind IS NULL OR grant_role.kind <> ALL (ARRAY['admin', 'application', 'reader']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of role',
            DETAIL = format('There is no kind "%s".', left(grant_role.kind, 80)),
            HINT = 'Kinds are admin, application and reader.';
    END IF;
    IF quay_internal.role_kind(grant_role.role) <> grant_role.kind THEN
        PERFORM quay.revoke_role(grant_role.role);
    END IF;
    FOR statement IN
        SELECT format('GRANT %s%s ON %s %s TO %s %s', p.privilege,
                      (SELECT '(' || string_agg(quote_ident(c.name), ', ') || ')' FROM unnest(p.columns) AS c (name)), p.object_kind,
                      string_agg(p.object, ', ' ORDER BY p.object), grant_role.role, grant_option)
        FROM quay_internal.privilege_list(grant_role.kind) AS p
        GROUP BY p.object_kind, p.privilege, p.columns, CASE WHEN p.columns IS NOT NULL THEN p.object END
    LOOP
        EXECUTE statement;
    END LOOP;

    -- GRANT only warns where the caller may not grant.
    IF quay_internal.role_lacks(grant_role.role, grant_role.kind) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'may not grant all privileges of this kind of role',
            DETAIL = format('Kind "%s" needs privileges that role %s cannot pass on.', grant_role.kind, current_user),
            HINT = 'Call it as the owner of the extension, or as a role of kind admin.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.grant_role(regrole, text) IS
    'Gives a role the privileges of one kind, instead of those of another. reader: read functions and tables without secrets. application: all functions but maintenance, and reading and writing of tables. admin: all, and to grant it. Again after an update. Errors: QY009 unknown kind, 42501 caller may not grant.';

-- @part step api/920_comment_operation.sql
-- What the tables of versions, builds, notifications, queue, audit logs and the retired application registry hold (schema/000, 110
-- to 150): text for \d+ and for doc/. `timestamp` columns hold UTC.

-- The record of versions

COMMENT ON TABLE quay_internal.schema_version IS 'Which version of the extension the rows of this database belong to. Two rows: data of one version restored into the schema of another.';
COMMENT ON COLUMN quay_internal.schema_version.version IS 'Primary key. Extension version, as in pg_extension.extversion.';
COMMENT ON COLUMN quay_internal.schema_version.installed_at IS 'UTC time when the install or update script of that version ran.';

COMMENT ON TABLE quay.alembic_version IS 'Revision of the reference application''s own migrations that these tables match; it reads this at start-up. One row.';
COMMENT ON COLUMN quay.alembic_version.version_num IS 'Primary key. Alembic revision, such as 9fa37f66a9b6.';
-- Builds

COMMENT ON TABLE quay.repositorybuildtrigger IS 'Hooks at a source hosting service that start builds of a repository. Too many failures in a row switch one off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuildtrigger.uuid IS 'Public handle (UUID v4), part of the webhook URL. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuildtrigger.service_id IS 'Hosting service that calls.';
COMMENT ON COLUMN quay.repositorybuildtrigger.repository_id IS 'Repository the builds push to.';
COMMENT ON COLUMN quay.repositorybuildtrigger.connected_user_id IS 'User who set it up and whose authorization at the service is used.';
COMMENT ON COLUMN quay.repositorybuildtrigger.config IS 'JSON object, its shape depends on the service: build_source, dockerfile_path, context and the like; {} while incomplete.';
COMMENT ON COLUMN quay.repositorybuildtrigger.write_token_id IS 'Access token of the webhook. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_reason_id IS 'Why it was switched off last. The reference leaves it when it is switched on again. NULL: never switched off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.enabled IS 'False: builds through it are refused, also by hand.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_failure_count IS 'Builds failed in a row; 100 switch the trigger off (reference default). Success resets it.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_internal_error_count IS 'Builds in a row ended by an error of the builder; 5 switch the trigger off (reference default).';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_datetime IS 'UTC time of the last switching off; set at creation too, so meaningful only while enabled is false. NULL: never.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_auth_token IS 'Secret, encrypted (v0$$...): the user''s token at the service. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_private_key IS 'Secret, encrypted (v0$$...): deploy key in PEM with which the source is fetched. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.fully_migrated IS 'Legacy: the secrets were moved from plain text to the encrypted columns. Nothing reads it.';

COMMENT ON TABLE quay.repositorybuild IS 'Builds, one row each. Progress and log lines are in the build log; the job itself is a queue item.';
COMMENT ON COLUMN quay.repositorybuild.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuild.uuid IS 'Public handle (UUID v4) and key of the archived log. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuild.repository_id IS 'Repository the result is pushed to.';
COMMENT ON COLUMN quay.repositorybuild.access_token_id IS 'Token with which the builder pushes.';
COMMENT ON COLUMN quay.repositorybuild.resource_key IS 'Id of the uploaded Dockerfile or archive in object storage. NULL: the source comes from a trigger.';
COMMENT ON COLUMN quay.repositorybuild.job_config IS 'JSON object: docker_tags, build_subdir, context, trigger_metadata and the like.';
COMMENT ON COLUMN quay.repositorybuild.phase IS 'waiting, build-scheduled, unpacking, pulling, building, pushing; final: complete, error, internalerror, cancelled.';
COMMENT ON COLUMN quay.repositorybuild.started IS 'UTC time when the build was requested.';
COMMENT ON COLUMN quay.repositorybuild.display_name IS 'Shown to people, such as a short commit id.';
COMMENT ON COLUMN quay.repositorybuild.trigger_id IS 'Trigger that started it. NULL: started by hand.';
COMMENT ON COLUMN quay.repositorybuild.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuild.logs_archived IS 'True: the log was moved to object storage. Set once; whoever sets it cleans up.';
COMMENT ON COLUMN quay.repositorybuild.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued.';
-- Notifications

COMMENT ON TABLE quay.notification IS 'Notices shown to a user in the application until dismissed. Admins of an organization see those of the organization.';
COMMENT ON COLUMN quay.notification.id IS 'Primary key.';
COMMENT ON COLUMN quay.notification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.notification.kind_id IS 'What the notice is about.';
COMMENT ON COLUMN quay.notification.target_id IS 'Account that is notified: person, organization or robot.';
COMMENT ON COLUMN quay.notification.metadata_json IS 'JSON object with the details that the kind needs, {} for none.';
COMMENT ON COLUMN quay.notification.created IS 'UTC time of the notice.';
COMMENT ON COLUMN quay.notification.dismissed IS 'True: the user closed it; hidden from lists, can be reopened.';
COMMENT ON COLUMN quay.notification.lookup_path IS 'Path by which a group of notices is removed together, such as /service_key_approval/<kid>/<id>. NULL: none.';

COMMENT ON TABLE quay.repositorynotification IS 'Subscriptions: which event of a repository is delivered where. Three failed deliveries in a row disable one.';
COMMENT ON COLUMN quay.repositorynotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorynotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.repositorynotification.repository_id IS 'Repository watched.';
COMMENT ON COLUMN quay.repositorynotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.repositorynotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.repositorynotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.repositorynotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.repositorynotification.event_config_json IS 'JSON object: filter on the event, such as a lowest severity, a ref-regex or days before expiry; {} for none.';
COMMENT ON COLUMN quay.repositorynotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.repositorynotification.last_ran_ms IS 'Last image expiry scan, ms since epoch UTC; claim of that scan. NULL: never, so first.';
COMMENT ON COLUMN quay.repositorynotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

COMMENT ON TABLE quay.namespacenotification IS 'Subscriptions: which event of a namespace, such as quota_warning, is delivered where. Three failures in a row disable one.';
COMMENT ON COLUMN quay.namespacenotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespacenotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.namespacenotification.namespace_id IS 'Namespace watched.';
COMMENT ON COLUMN quay.namespacenotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.namespacenotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.namespacenotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.namespacenotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.namespacenotification.event_config_json IS 'JSON object: filter on the event, {} for none.';
COMMENT ON COLUMN quay.namespacenotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.namespacenotification.last_ran_ms IS 'Same shape as in repositorynotification; no namespace event is scanned for. ms since epoch UTC. NULL: never.';
COMMENT ON COLUMN quay.namespacenotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

COMMENT ON TABLE quay.tagnotificationsuccess IS 'Tags whose coming expiry was already announced. Cleared when the end of the tag changes or the tag goes.';
COMMENT ON COLUMN quay.tagnotificationsuccess.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagnotificationsuccess.notification_id IS 'Subscription that was served.';
COMMENT ON COLUMN quay.tagnotificationsuccess.tag_id IS 'Tag row that was announced.';
COMMENT ON COLUMN quay.tagnotificationsuccess.method_id IS 'Channel used.';

COMMENT ON TABLE quay.messages IS 'Messages to everybody who uses the front end, such as announced downtimes. Superusers write them.';
COMMENT ON COLUMN quay.messages.id IS 'Primary key.';
COMMENT ON COLUMN quay.messages.content IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.messages.uuid IS 'Public handle (UUID v4) for deletion. Unique, but for rows written without one, which have an empty text.';
COMMENT ON COLUMN quay.messages.media_type_id IS 'How to show the text: text/plain or text/markdown.';
COMMENT ON COLUMN quay.messages.severity IS 'info, warning or error.';
-- Queue and releases

COMMENT ON TABLE quay.queueitem IS 'Work queue: jobs that workers claim, extend and complete, queue_put(), queue_get(), queue_extend(), queue_complete().';
COMMENT ON COLUMN quay.queueitem.id IS 'Primary key; stored as text in the queue_id columns elsewhere.';
COMMENT ON COLUMN quay.queueitem.queue_name IS 'Queue and path joined and ended by /, such as repositorygc/acme/17/. An ordered queue_get() runs one item per path at a time.';
COMMENT ON COLUMN quay.queueitem.body IS 'The job, JSON by convention. Confidential: build jobs may carry a robot''s token in clear.';
COMMENT ON COLUMN quay.queueitem.available_after IS 'UTC time before which the item is not handed out.';
COMMENT ON COLUMN quay.queueitem.available IS 'True: free to claim. False: claimed, unless processing_expires has passed.';
COMMENT ON COLUMN quay.queueitem.processing_expires IS 'UTC time when the present or last claim ends. NULL: never claimed.';
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead once the last claim has ended, see queue_dead_list(); queue_expire() cleans up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new whenever the item changes hands, unique: the claim of whoever has it, which all his calls are compared with. An extension appends "+" and a number.';

COMMENT ON TABLE quay.quayregion IS 'Regions in which services of the registry run. Rows are made on demand.';
COMMENT ON COLUMN quay.quayregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayregion.name IS 'Unique, such as us.';

COMMENT ON TABLE quay.quayservice IS 'Services whose releases are recorded. Rows are made on demand.';
COMMENT ON COLUMN quay.quayservice.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayservice.name IS 'Unique, such as quay.';

COMMENT ON TABLE quay.quayrelease IS 'Releases of a service that ran on this database, per region; the reference''s migration runner looks here for the one before.';
COMMENT ON COLUMN quay.quayrelease.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayrelease.service_id IS 'Service released.';
COMMENT ON COLUMN quay.quayrelease.version IS 'Version of the front end, free text; once per service and region.';
COMMENT ON COLUMN quay.quayrelease.region_id IS 'Region it was deployed in.';
COMMENT ON COLUMN quay.quayrelease.reverted IS 'True: rolled back, left out of the list of releases.';
COMMENT ON COLUMN quay.quayrelease.created IS 'UTC time of deployment; newest first is the order of releases.';
-- Audit logs

COMMENT ON TABLE quay.logentry IS 'Audit log, first generation: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry2 IS 'Audit log, second generation, once used by the hosted service: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry2.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry2.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry2.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry2.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry2.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry2.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry2.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry2.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3 IS 'Audit log, the generation that log_write() fills, partitioned by month; old months are dropped or exported, not deleted.';
COMMENT ON COLUMN quay.logentry3.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3.datetime IS 'UTC time of the action; chooses the partition, so second part of the primary key.';
COMMENT ON COLUMN quay.logentry3.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3_default IS 'Default partition of logentry3: entries of months that have no partition. log_partition_ensure() moves them out.';
COMMENT ON COLUMN quay.logentry3_default.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3_default.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3_default.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3_default.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3_default.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3_default.datetime IS 'UTC time of the action, in a month without partition.';
COMMENT ON COLUMN quay.logentry3_default.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3_default.metadata_json IS 'JSON object with the details of the action, {} for none.';
-- The retired application registry

COMMENT ON TABLE quay.apprtagkind IS 'Retired application registry, enumeration: kinds of its tags. No live reader or writer.';
COMMENT ON COLUMN quay.apprtagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtagkind.name IS 'Unique. Seeded: tag, release, channel.';

COMMENT ON TABLE quay.apprblobplacementlocation IS 'Retired application registry, enumeration: storage engines of its blobs. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacementlocation.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacementlocation.name IS 'Unique. Seeded: local_eu, local_us.';

COMMENT ON TABLE quay.apprblob IS 'Retired application registry: package archives. No live reader or writer.';
COMMENT ON COLUMN quay.apprblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblob.digest IS 'Digest of the archive, unique across the registry.';
COMMENT ON COLUMN quay.apprblob.media_type_id IS 'Media type of the archive, application/vnd.cnr.*.';
COMMENT ON COLUMN quay.apprblob.size IS 'Bytes as stored.';
COMMENT ON COLUMN quay.apprblob.uncompressed_size IS 'Bytes after decompression. NULL: unknown.';

COMMENT ON TABLE quay.apprblobplacement IS 'Retired application registry: where the bytes of an archive are. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacement.blob_id IS 'Archive whose bytes are there.';
COMMENT ON COLUMN quay.apprblobplacement.location_id IS 'Storage engine that holds a copy; once per archive.';

COMMENT ON TABLE quay.apprmanifest IS 'Retired application registry: manifests of packages. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifest.digest IS 'Digest of the manifest, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifest.media_type_id IS 'Kind of package, such as Helm or kpm.';
COMMENT ON COLUMN quay.apprmanifest.manifest_json IS 'The manifest, JSON object.';

COMMENT ON TABLE quay.apprmanifestblob IS 'Retired application registry: which archives a manifest uses. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestblob.manifest_id IS 'Manifest that uses the archive.';
COMMENT ON COLUMN quay.apprmanifestblob.blob_id IS 'Archive used; once per manifest.';

COMMENT ON TABLE quay.apprmanifestlist IS 'Retired application registry: one version of an application in all its package formats. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlist.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlist.digest IS 'Digest of the list, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifestlist.manifest_list_json IS 'The list, JSON.';
COMMENT ON COLUMN quay.apprmanifestlist.schema_version IS 'Version of the format of the list.';
COMMENT ON COLUMN quay.apprmanifestlist.media_type_id IS 'Media type of the list.';

COMMENT ON TABLE quay.apprmanifestlistmanifest IS 'Retired application registry: which manifests a list contains. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_list_id IS 'List, the parent.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_id IS 'Manifest listed, the child.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.operating_system IS 'Operating system it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.architecture IS 'Processor architecture it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.platform_json IS 'JSON object with the full platform. NULL: none.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.media_type_id IS 'Package format by which the manifest is chosen from the list.';

COMMENT ON TABLE quay.apprtag IS 'Retired application registry: releases and channels over time, one row per period. No live reader or writer.';
COMMENT ON COLUMN quay.apprtag.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtag.name IS 'Release (a version) or channel name.';
COMMENT ON COLUMN quay.apprtag.repository_id IS 'Repository of kind application.';
COMMENT ON COLUMN quay.apprtag.manifest_list_id IS 'Version pointed to. NULL: a channel, which points to a release through linked_tag_id.';
COMMENT ON COLUMN quay.apprtag.lifetime_start IS 'Start of the period, ms since epoch UTC.';
COMMENT ON COLUMN quay.apprtag.lifetime_end IS 'End of the period, ms since epoch UTC. NULL: current.';
COMMENT ON COLUMN quay.apprtag.hidden IS 'Left out of lists.';
COMMENT ON COLUMN quay.apprtag.reverted IS 'The row came from restoring an earlier state.';
COMMENT ON COLUMN quay.apprtag.protected IS 'Guarded against removal.';
COMMENT ON COLUMN quay.apprtag.tag_kind_id IS 'release, channel or tag.';
COMMENT ON COLUMN quay.apprtag.linked_tag_id IS 'Release that a channel points to. NULL: not a channel.';

COMMENT ON TABLE quay_internal.entity_change IS 'Always empty: its invalidation tells every session to forget the users and repositories that it remembers.';

-- Builds: logs and jobs

COMMENT ON TABLE quay_internal.build_log IS 'What belongs to the log of a build as a whole: status, age, archive. A row is there while there is something to know.';
COMMENT ON COLUMN quay_internal.build_log.build_id IS 'Build, which may be gone: then the row is for buildlog_expire().';
COMMENT ON COLUMN quay_internal.build_log.status IS 'What the worker said last, see buildlog_status_set(). NULL: nothing, or it has expired.';
COMMENT ON COLUMN quay_internal.build_log.status_ms IS 'When it said so, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.expires_ms IS 'When buildlog_expire() is to look whether lines and status are too old; in ms since 1970. Younger ones put it off only then. NULL: there are none.';
COMMENT ON COLUMN quay_internal.build_log.archive_claim IS 'Claim of the worker that archives the log, see build_archive_claim(). NULL: nobody does.';
COMMENT ON COLUMN quay_internal.build_log.archive_expires_ms IS 'When the claim is over, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.archived_lines IS 'How many lines are in the archive; 0: there is no object. NULL: not archived, or not with build_archive_confirm().';

COMMENT ON TABLE quay_internal.build_log_line IS 'Lines of the logs of builds that are not archived yet.';
COMMENT ON COLUMN quay_internal.build_log_line.build_id IS 'Build whose log it is.';
COMMENT ON COLUMN quay_internal.build_log_line.index IS 'Place of the line in the log: 0, 1, 2 and so on, without a gap.';
COMMENT ON COLUMN quay_internal.build_log_line.created_ms IS 'When it was added, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log_line.type IS 'command, phase or error; NULL: output of the build.';
COMMENT ON COLUMN quay_internal.build_log_line.message IS 'The line.';
COMMENT ON COLUMN quay_internal.build_log_line.data IS 'What else belongs to the line; NULL: nothing.';

COMMENT ON TABLE quay_internal.build_job IS 'Who runs which build: a row is the lease of a manager, see build_job_claim().';
COMMENT ON COLUMN quay_internal.build_job.build_id IS 'Build that is run.';
COMMENT ON COLUMN quay_internal.build_job.fence IS 'Number of the attempt, by which the manager and its worker are known; later attempts have higher ones.';
COMMENT ON COLUMN quay_internal.build_job.item_id IS 'Item of the queue dockerfilebuild.';
COMMENT ON COLUMN quay_internal.build_job.item_claim IS 'Claim of the item, see queue_get().';
COMMENT ON COLUMN quay_internal.build_job.manager IS 'Name of the manager.';
COMMENT ON COLUMN quay_internal.build_job.retries_remaining IS 'How often the build may be tried after this attempt.';
COMMENT ON COLUMN quay_internal.build_job.claimed_ms IS 'When the manager claimed it, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lease_expires_ms IS 'When the lease is over, unless a heartbeat comes; in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lifetime_expires_ms IS 'When it is over whatever comes, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.executor IS 'Where the worker runs; NULL: not placed yet.';
COMMENT ON COLUMN quay_internal.build_job.execution_id IS 'By which it can be stopped there; NULL: not started yet.';
COMMENT ON COLUMN quay_internal.build_job.started_ms IS 'When the worker asked first for what it is to build, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.heartbeat_ms IS 'When it was heard of last, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.cancel_requested_ms IS 'When the build was cancelled, in ms since 1970. NULL: it was not.';
-- User events

COMMENT ON TABLE quay_internal.user_event IS 'What happened to users lately, for those who watch, such as an open page. Kept for quay.user_event_lifetime, and quay.user_event_limit of each user. Emptied by a crash.';
COMMENT ON COLUMN quay_internal.user_event.user_id IS 'Whom it happened to. No foreign key: an event does not keep a user from being deleted.';
COMMENT ON COLUMN quay_internal.user_event.id IS 'Position. Of one user events become visible in this order.';
COMMENT ON COLUMN quay_internal.user_event.event IS 'Kind of event, such as docker-cli.';
COMMENT ON COLUMN quay_internal.user_event.data IS 'What the publisher says about it.';
COMMENT ON COLUMN quay_internal.user_event.created_ms IS 'When, ms since epoch UTC.';
-- Cache, sessions, leases, marks, counters of pulls

COMMENT ON TABLE quay.cache_entry IS 'The cache: values by key, of which any may be lost at any time. UNLOGGED. A row without a value is a key that somebody loads or that was removed.';
COMMENT ON COLUMN quay.cache_entry.expires_ms IS 'Until when the value is fresh, ms since epoch UTC. 0: there is none.';
COMMENT ON COLUMN quay.cache_entry.drop_ms IS 'From when on the row may go, ms since epoch UTC; after expires_ms if the value may be served while a new one is loaded.';
COMMENT ON COLUMN quay.cache_entry.claim_ms IS 'Until when the loader has the key to himself, ms since epoch UTC. 0: nobody loads.';
COMMENT ON COLUMN quay.cache_entry.size IS 'Bytes that the entry counts for: key, value and 100. 0: there is no value.';
COMMENT ON COLUMN quay.cache_entry.former_size IS 'size before the last change.';
COMMENT ON COLUMN quay.cache_entry.key IS 'Key, compared by bytes; quay.cache_key() makes it of parts.';
COMMENT ON COLUMN quay.cache_entry.claim IS 'Who loads the key: what his quay.cache_set() must bring. NULL: nobody, or the claim is void.';
COMMENT ON COLUMN quay.cache_entry.value IS 'Value, if it is text.';
COMMENT ON COLUMN quay.cache_entry.bytes IS 'Value, if it is binary.';

COMMENT ON TABLE quay_internal.cache_generation IS 'Generations of groups of cached values, which are part of their keys. UNLOGGED. The name '''' stands for all names without a row.';
COMMENT ON COLUMN quay_internal.cache_generation.name IS 'Name of the group.';
COMMENT ON COLUMN quay_internal.cache_generation.generation IS 'Its generation, random.';
COMMENT ON COLUMN quay_internal.cache_generation.changed_ms IS 'When it began, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.cache_size IS 'Size of the cache: the sum of the rows. UNLOGGED.';
COMMENT ON COLUMN quay_internal.cache_size.bytes IS 'A summand, may be negative.';
COMMENT ON COLUMN quay_internal.cache_size.counted_ms IS 'When the entries were last counted, ms since epoch UTC; the latest of all rows is meant.';

COMMENT ON TABLE quay.session IS 'Sessions of people, and of visitors, at front ends. UNLOGGED.';
COMMENT ON COLUMN quay.session.id IS 'Primary key; grows with the age of a person''s sessions, and may be shown.';
COMMENT ON COLUMN quay.session.user_id IS 'Person who logged in. NULL: a visitor. No foreign key: a session without its person is over.';
COMMENT ON COLUMN quay.session.created_ms IS 'When it began, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.touched_ms IS 'When it was last known to be in use, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.expires_ms IS 'When it will be over unless it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ends_ms IS 'When it will be over even if it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ttl_s IS 'How long it lasts after it was touched, in seconds.';
COMMENT ON COLUMN quay.session.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN quay.session.uuid IS 'uuid that the person had when the session began; it is over when he has another one.';
COMMENT ON COLUMN quay.session.data IS 'What the front end keeps.';
COMMENT ON COLUMN quay.session.ip IS 'Address that the session began from. NULL: unknown.';
COMMENT ON COLUMN quay.session.user_agent IS 'Program that the session began in, as it calls itself. NULL: unknown.';

COMMENT ON TABLE quay.lease IS 'Locks with an owner and an end. A row stays for a day after the lease is over.';
COMMENT ON COLUMN quay.lease.name IS 'What is locked.';
COMMENT ON COLUMN quay.lease.owner IS 'Who has it, or had it until it ran out, as he calls himself. NULL: it was given back.';
COMMENT ON COLUMN quay.lease.fence IS 'Number of the acquisition: greater than that of every one before. 0: none yet.';
COMMENT ON COLUMN quay.lease.acquired_ms IS 'When it was acquired, ms since epoch UTC.';
COMMENT ON COLUMN quay.lease.expires_ms IS 'When it runs out, ms since epoch UTC; when it was given back.';

COMMENT ON TABLE quay_internal.freshness_mark IS 'Marks of new content and of revoked rights, for front ends that read rights from a standby. Not dumped: positions of this server.';
COMMENT ON COLUMN quay_internal.freshness_mark.username IS 'Who lost a right. Empty: the repository has new content.';
COMMENT ON COLUMN quay_internal.freshness_mark.namespace IS 'Namespace of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.repository IS 'Name of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.marked IS 'Position in the WAL at which the mark was made.';
COMMENT ON COLUMN quay_internal.freshness_mark.expires_ms IS 'When the mark has no more meaning, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.pull_pending IS 'Pulls that are not in the statistics yet. UNLOGGED.';
COMMENT ON COLUMN quay_internal.pull_pending.counted_ms IS 'When it was pulled, ms since epoch UTC.';
COMMENT ON COLUMN quay_internal.pull_pending.repository_id IS 'Repository that it was pulled from; it may be gone since.';
COMMENT ON COLUMN quay_internal.pull_pending.tag IS 'Tag that was asked for. NULL: it was asked for by digest.';
COMMENT ON COLUMN quay_internal.pull_pending.digest IS 'Digest of the manifest that was sent. NULL: not known.';

COMMENT ON TABLE quay_internal.pull_batch IS 'Batches of pulls that were counted within the last seven days, so that none counts twice.';
COMMENT ON COLUMN quay_internal.pull_batch.batch IS 'Key that the client gave to the batch.';
COMMENT ON COLUMN quay_internal.pull_batch.counted_ms IS 'When it was counted, ms since epoch UTC.';
-- Audit

COMMENT ON TABLE quay.unlogged_namespace IS 'Namespaces that the audit log leaves out (DISABLED_FOR_AUDIT_LOGS and DISABLED_FOR_PULL_LOGS of the reference). Counts at once.';
COMMENT ON COLUMN quay.unlogged_namespace.username IS 'Name of the namespace. It need not exist.';
COMMENT ON COLUMN quay.unlogged_namespace.scope IS 'all: nothing is logged; pull: neither pull_repo nor repo_verb is.';

COMMENT ON TABLE quay_internal.log_settled IS 'One row: up to which id logentry3 is settled, see log_settled_id(). Not dumped.';
COMMENT ON COLUMN quay_internal.log_settled.id IS 'Always 1.';
COMMENT ON COLUMN quay_internal.log_settled.settled_id IS 'Nobody can add a row with this id or a lower one any more.';
COMMENT ON COLUMN quay_internal.log_settled.pending_id IS 'Will be settled when writers are gone. NULL: nothing pending.';
COMMENT ON COLUMN quay_internal.log_settled.writers IS 'Transactions that were writing when pending_id was the newest, as pg_locks names them.';

COMMENT ON TABLE quay_internal.log_count_month IS 'How far the months of logentry3 are counted. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_month.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_count_month.counted_id IS 'Rows up to this id are in log_count_day. -1: to be counted anew, log_count_day says nothing about this month.';

COMMENT ON TABLE quay_internal.log_count_day IS 'How many rows logentry3 has per namespace, day and kind, as far as log_count_month says. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_day.account_id IS 'The namespace. -1: the whole registry.';
COMMENT ON COLUMN quay_internal.log_count_day.day IS 'UTC day.';
COMMENT ON COLUMN quay_internal.log_count_day.kind_id IS 'logentrykind.id.';
COMMENT ON COLUMN quay_internal.log_count_day.count IS 'Rows.';

COMMENT ON TABLE quay_internal.log_seal_block IS 'Chain of hashes over the rows of a month of logentry3: see log_verify().';
COMMENT ON COLUMN quay_internal.log_seal_block.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_seal_block.block IS 'Place in the chain, from 1.';
COMMENT ON COLUMN quay_internal.log_seal_block.first_id IS 'Lowest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.last_id IS 'Greatest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.row_count IS 'How many rows it covers.';
COMMENT ON COLUMN quay_internal.log_seal_block.sealed_ms IS 'When it was made, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_seal_block.hash IS 'SHA-256 over the block and the hash before: see log_block_hash().';
COMMENT ON COLUMN quay_internal.log_seal_block.seal IS 'Signature of the hash. NULL: quay.log_seal_keyed was off.';
COMMENT ON COLUMN quay_internal.log_seal_block.ids IS 'Ids of its rows, in order.';
COMMENT ON COLUMN quay_internal.log_seal_block.leaves IS 'The first 8 bytes of the digest of each row, to say which one was touched.';

COMMENT ON TABLE quay_internal.log_archive IS 'Months of the audit log of which there is a copy, and that are still here.';
COMMENT ON COLUMN quay_internal.log_archive.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_archive.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_archive.last_id IS 'Greatest id in the copy; rows with greater ones came later.';
COMMENT ON COLUMN quay_internal.log_archive.row_count IS 'Rows in the copy.';
COMMENT ON COLUMN quay_internal.log_archive.archive IS 'Where it is, as log_archive_confirm() was told. NULL: not told.';
COMMENT ON COLUMN quay_internal.log_archive.archived_ms IS 'When it was confirmed, ms since 1970.';

COMMENT ON TABLE quay_internal.log_removed IS 'Months of the audit log that are gone.';
COMMENT ON COLUMN quay_internal.log_removed.id IS 'Primary key.';
COMMENT ON COLUMN quay_internal.log_removed.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_removed.month IS 'First day of the month. It can be gone more than once, if rows for it came late.';
COMMENT ON COLUMN quay_internal.log_removed.removed_ms IS 'When it went, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_removed.archive IS 'Where its copy is. NULL: none, or not told.';
COMMENT ON COLUMN quay_internal.log_removed.row_count IS 'Rows in the copy. NULL: there was none.';
COMMENT ON COLUMN quay_internal.log_removed.sealed_rows IS 'Rows that were sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.last_id IS 'Greatest id that was sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.hash IS 'End of its chain, which a copy can be verified against. NULL: none.';

-- @part step api/990_privilege.sql
-- Nothing is for PUBLIC: PostgreSQL lets it execute each new function, and this takes that back. Runs at the end of every script, since
-- every script may bring functions. It must not touch older ones: within a script a REVOKE makes all privileges that an object has at
-- that time its initial ones, and pg_dump would no longer save what the DBA has granted on it. So: only those without initial ones.

DO $revoke$
DECLARE
    functions text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO functions
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND NOT EXISTS (SELECT FROM pg_init_privs AS i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid);
    IF functions IS NOT NULL THEN
        EXECUTE 'REVOKE ALL ON ROUTINE ' || functions || ' FROM PUBLIC';
    END IF;
END
$revoke$;

SELECT quay_internal.version_set('1.3');
