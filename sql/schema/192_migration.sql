-- What is remembered of migrations: the steps that were run here, and how far each backfill has got.

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
