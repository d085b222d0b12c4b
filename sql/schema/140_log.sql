-- Audit logs. Three generations exist: only logentry3 is written, all are read.

CREATE SEQUENCE quay.logentry_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL,
    CONSTRAINT pk_logentry PRIMARY KEY (id),
    CONSTRAINT fk_logentry_kind_id_logentrykind FOREIGN KEY (kind_id) REFERENCES quay.logentrykind (id)
);
ALTER SEQUENCE quay.logentry_id_seq OWNED BY quay.logentry.id;
CREATE INDEX logentry_account_id_datetime ON quay.logentry (account_id, datetime);
CREATE INDEX logentry_datetime ON quay.logentry (datetime);
CREATE INDEX logentry_kind_id ON quay.logentry (kind_id);
CREATE INDEX logentry_performer_id_datetime ON quay.logentry (performer_id, datetime);
CREATE INDEX logentry_repository_id_datetime_kind_id ON quay.logentry (repository_id, datetime, kind_id);

CREATE SEQUENCE quay.logentry2_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry2 (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry2_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL,
    CONSTRAINT pk_logentry2 PRIMARY KEY (id),
    CONSTRAINT fk_logentry2_kind_id_logentrykind FOREIGN KEY (kind_id) REFERENCES quay.logentrykind (id)
);
ALTER SEQUENCE quay.logentry2_id_seq OWNED BY quay.logentry2.id;
CREATE INDEX logentry2_account_id_datetime ON quay.logentry2 (account_id, datetime);
CREATE INDEX logentry2_datetime ON quay.logentry2 (datetime);
CREATE INDEX logentry2_kind_id ON quay.logentry2 (kind_id);
CREATE INDEX logentry2_performer_id_datetime ON quay.logentry2 (performer_id, datetime);
CREATE INDEX logentry2_repository_id_datetime_kind_id ON quay.logentry2 (repository_id, datetime, kind_id);

CREATE SEQUENCE quay.logentry3_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry3 (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry3_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL
) PARTITION BY RANGE (datetime);
ALTER SEQUENCE quay.logentry3_id_seq OWNED BY quay.logentry3.id;

-- Rows that no month takes land here; log_partition_ensure() makes the months, LIKE this one, and moves such rows out.
--
-- Key and indexes belong to the partitions, not to the partitioned table: months are no members of the extension, so pg_dump writes
-- them with their indexes, and a restore, which attaches them to the table of a fresh extension, would find the indexes made already.
CREATE TABLE quay.logentry3_default PARTITION OF quay.logentry3 DEFAULT;
ALTER TABLE quay.logentry3_default ADD CONSTRAINT pk_logentry3_default PRIMARY KEY (id, datetime);
CREATE INDEX logentry3_default_account_id_datetime ON quay.logentry3_default (account_id, datetime);
CREATE INDEX logentry3_default_datetime ON quay.logentry3_default (datetime);
CREATE INDEX logentry3_default_performer_id_datetime ON quay.logentry3_default (performer_id, datetime);
CREATE INDEX logentry3_default_repository_id_datetime_kind_id ON quay.logentry3_default (repository_id, datetime, kind_id);
