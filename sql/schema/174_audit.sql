-- What belongs to the audit log besides its rows: who is not logged, counts per day, seals, and what became of old months.

-- DISABLED_FOR_AUDIT_LOGS and DISABLED_FOR_PULL_LOGS of the reference. Names, like the other sets.
CREATE TABLE quay.unlogged_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    scope    varchar(16) COLLATE "C" NOT NULL DEFAULT 'all',
    CONSTRAINT pk_unlogged_namespace PRIMARY KEY (username),
    CONSTRAINT unlogged_namespace_scope_check CHECK (scope IN ('all', 'pull'))
);

-- Up to which id the log is settled: nobody can add a row with that id or a lower one any more. One row.
CREATE TABLE quay_internal.log_settled (
    id         smallint NOT NULL DEFAULT 1,
    settled_id bigint NOT NULL DEFAULT 0,
    pending_id bigint,
    writers    text[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_log_settled PRIMARY KEY (id),
    CONSTRAINT log_settled_one_row CHECK (id = 1)
);

-- Rows of a month up to counted_id are in log_count_day: of each namespace, and under account -1 of the whole registry. -1: to be counted
-- anew, since a row was changed or deleted.
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

-- The chain of a month: a block is the ids and the digests of some rows, and a hash over them and the block before.
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
-- The digests do not compress.
ALTER TABLE quay_internal.log_seal_block ALTER COLUMN leaves SET STORAGE EXTERNAL;

-- Months of which somebody has a copy, and months that are gone.
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
