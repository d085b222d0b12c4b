-- The work queue, and the releases that run on this database.

CREATE SEQUENCE quay.queueitem_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.queueitem (
    id                 bigint NOT NULL DEFAULT nextval('quay.queueitem_id_seq'),
    queue_name         varchar(1024) COLLATE "C" NOT NULL,
    body               text NOT NULL,
    available_after    timestamp NOT NULL,
    available          boolean NOT NULL,
    processing_expires timestamp,
    retries_remaining  integer NOT NULL,
    state_id           varchar(255) COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT pk_queueitem PRIMARY KEY (id)
);
ALTER SEQUENCE quay.queueitem_id_seq OWNED BY quay.queueitem.id;
CREATE UNIQUE INDEX queueitem_state_id ON quay.queueitem (state_id);
-- Its other indexes: 176_queue.sql

CREATE SEQUENCE quay.quayregion_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayregion (
    id   bigint NOT NULL DEFAULT nextval('quay.quayregion_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_quayregion PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quayregion_id_seq OWNED BY quay.quayregion.id;
CREATE UNIQUE INDEX quayregion_name ON quay.quayregion (name);

CREATE SEQUENCE quay.quayservice_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayservice (
    id   bigint NOT NULL DEFAULT nextval('quay.quayservice_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_quayservice PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quayservice_id_seq OWNED BY quay.quayservice.id;
CREATE UNIQUE INDEX quayservice_name ON quay.quayservice (name);

CREATE SEQUENCE quay.quayrelease_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayrelease (
    id         bigint NOT NULL DEFAULT nextval('quay.quayrelease_id_seq'),
    service_id bigint NOT NULL,
    version    varchar(255) COLLATE "C" NOT NULL,
    region_id  bigint NOT NULL,
    reverted   boolean NOT NULL,
    created    timestamp NOT NULL,
    CONSTRAINT pk_quayrelease PRIMARY KEY (id),
    CONSTRAINT fk_quayrelease_region_id_quayregion FOREIGN KEY (region_id) REFERENCES quay.quayregion (id),
    CONSTRAINT fk_quayrelease_service_id_quayservice FOREIGN KEY (service_id) REFERENCES quay.quayservice (id)
);
ALTER SEQUENCE quay.quayrelease_id_seq OWNED BY quay.quayrelease.id;
CREATE INDEX quayrelease_created ON quay.quayrelease (created);
CREATE INDEX quayrelease_region_id ON quay.quayrelease (region_id);
CREATE INDEX quayrelease_service_id_region_id_created ON quay.quayrelease (service_id, region_id, created);
CREATE UNIQUE INDEX quayrelease_service_id_version_region_id ON quay.quayrelease (service_id, version, region_id);
