-- What registries keep in Redis: cache, sessions, leases, marks, counters of pulls. UNLOGGED where a crash may empty it: such tables are
-- not written to the WAL, so a commit that touches nothing else waits for no disk, a standby has no rows of them, and pg_dump leaves them out.

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
