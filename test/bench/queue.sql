-- The table of the reference with its indexes, for the statements of the reference.
CREATE SCHEMA reference;
CREATE TABLE reference.queueitem (
    id                 serial PRIMARY KEY,
    queue_name         varchar(1024) NOT NULL,
    body               text NOT NULL,
    available_after    timestamp NOT NULL,
    available          boolean NOT NULL,
    processing_expires timestamp,
    retries_remaining  integer NOT NULL,
    state_id           varchar(255) NOT NULL DEFAULT ''
);
CREATE INDEX ON reference.queueitem (queue_name);
CREATE INDEX ON reference.queueitem (processing_expires, available);
CREATE INDEX ON reference.queueitem (processing_expires, queue_name, available);
CREATE INDEX ON reference.queueitem (processing_expires, available_after, retries_remaining, available);
CREATE INDEX ON reference.queueitem (processing_expires, available_after, queue_name, retries_remaining, available);
CREATE UNIQUE INDEX ON reference.queueitem (state_id);
