-- 1.3 to 1.4: a Quay moves in, and every upgrade is safe. One section per topic, in the order of the schema's parts.
-- @about A Quay moves in, and every upgrade is safe: adoption, a journal of migrations, backfills in batches.
-- @lock SHARE ROW EXCLUSIVE: quay."user", quay.mediatype, quay.repository, quay.repositorypermission, quay.role, quay.superuser, quay.team
-- @lock SHARE ROW EXCLUSIVE: quay.teammember, quay.teamrole, quay.visibility, quay_internal.schema_version

-- --- migration

CREATE TABLE quay_internal.migration_journal (
    finished_ms    bigint NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    from_version   text COLLATE "C",
    to_version     text COLLATE "C" NOT NULL,
    duration_ms    bigint,
    role_name      text COLLATE "C",
    server_version text COLLATE "C",
    CONSTRAINT pk_migration_journal PRIMARY KEY (finished_ms),
    CONSTRAINT migration_journal_kind CHECK (kind IN ('before', 'install', 'update', 'downgrade'))
);

-- Which backfills there are is code (quay_internal.backfill_list), so that a dump of one version restores into another.
CREATE TABLE quay_internal.backfill (
    name        text COLLATE "C" NOT NULL,
    last_key    bigint NOT NULL DEFAULT 0,
    end_key     bigint NOT NULL DEFAULT 0,
    rows_done   bigint NOT NULL DEFAULT 0,
    batch_rows  integer NOT NULL,
    throttle_ms integer NOT NULL,
    started_ms  bigint,
    updated_ms  bigint,
    finished_ms bigint,
    last_error  text,
    CONSTRAINT pk_backfill PRIMARY KEY (name),
    CONSTRAINT backfill_batch_rows CHECK (batch_rows > 0),
    CONSTRAINT backfill_throttle_ms CHECK (throttle_ms >= 0)
);
SELECT pg_extension_config_dump('quay_internal.migration_journal', '');
SELECT pg_extension_config_dump('quay_internal.backfill', '');

-- Of what was run before there is only the end. The step itself writes its own line.
INSERT INTO quay_internal.migration_journal (finished_ms, kind, to_version)
SELECT extract(epoch FROM v.installed_at) * 1000, 'before', v.version FROM quay_internal.schema_version AS v;

-- Adoption

CREATE SEQUENCE quay_internal.adoption_run_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.adoption_run (
    id               bigint NOT NULL DEFAULT nextval('quay_internal.adoption_run_id_seq'),
    source_schema    text COLLATE "C" NOT NULL,
    dry_run          boolean NOT NULL,
    revision         text COLLATE "C" NOT NULL,
    batch_size       integer NOT NULL,
    owner_pid        integer,
    owner_started_ms bigint,
    started_ms       bigint NOT NULL,
    ended_ms         bigint,
    error            text,
    CONSTRAINT pk_adoption_run PRIMARY KEY (id)
);
ALTER SEQUENCE quay_internal.adoption_run_id_seq OWNED BY quay_internal.adoption_run.id;

-- What a run does, in order: each step is begun, continued after last_id, and ended in transactions that also hold its work.
CREATE TABLE quay_internal.adoption_step (
    run_id      bigint NOT NULL,
    place    integer NOT NULL,
    phase       text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    last_id     bigint NOT NULL DEFAULT 0,
    row_count   bigint NOT NULL DEFAULT 0,
    source_rows bigint,
    source_ids  numeric,
    started_ms  bigint,
    ended_ms    bigint,
    CONSTRAINT pk_adoption_step PRIMARY KEY (run_id, place),
    CONSTRAINT fk_adoption_step_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

-- One row for each row of the source that is left out or changed. The copy reads it: what stands here is what happens.
CREATE SEQUENCE quay_internal.adoption_report_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.adoption_report (
    id          bigint NOT NULL DEFAULT nextval('quay_internal.adoption_report_id_seq'),
    run_id      bigint NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    source_id   bigint NOT NULL,
    treatment   text COLLATE "C" NOT NULL,
    column_name text COLLATE "C",
    old_value   text,
    new_value   text,
    detail      text,
    CONSTRAINT pk_adoption_report PRIMARY KEY (id),
    CONSTRAINT adoption_report_treatment CHECK (treatment = ANY (ARRAY['left out', 'changed', 'decoded', 'merged', 'kept'])),
    CONSTRAINT fk_adoption_report_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);
ALTER SEQUENCE quay_internal.adoption_report_id_seq OWNED BY quay_internal.adoption_report.id;
CREATE UNIQUE INDEX adoption_report_out ON quay_internal.adoption_report (run_id, table_name, source_id)
    WHERE treatment = ANY (ARRAY['left out', 'merged']);
CREATE UNIQUE INDEX adoption_report_column ON quay_internal.adoption_report (run_id, table_name, column_name, source_id)
    WHERE treatment = ANY (ARRAY['changed', 'decoded']);
CREATE INDEX adoption_report_run_id_rule ON quay_internal.adoption_report (run_id, rule, id);

-- How many rows each rule met. Of rules that change nothing this is the whole report, but for a few examples.
CREATE TABLE quay_internal.adoption_finding (
    run_id      bigint NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL DEFAULT '',
    treatment   text COLLATE "C" NOT NULL,
    row_count   bigint NOT NULL,
    CONSTRAINT pk_adoption_finding PRIMARY KEY (run_id, rule, table_name, column_name),
    CONSTRAINT fk_adoption_finding_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

-- Rows of the source that become rows with another id: enumerations, by name, and blobs of one digest.
CREATE TABLE quay_internal.adoption_map (
    run_id     bigint NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    source_id  bigint NOT NULL,
    target_id  bigint NOT NULL,
    CONSTRAINT pk_adoption_map PRIMARY KEY (run_id, table_name, source_id),
    CONSTRAINT fk_adoption_map_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

SELECT pg_extension_config_dump('quay_internal.adoption_run_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.adoption_run', '');
SELECT pg_extension_config_dump('quay_internal.adoption_step', '');
SELECT pg_extension_config_dump('quay_internal.adoption_report_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.adoption_report', '');
SELECT pg_extension_config_dump('quay_internal.adoption_finding', '');
SELECT pg_extension_config_dump('quay_internal.adoption_map', '');
