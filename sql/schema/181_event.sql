-- What happened to users lately. UNLOGGED: who misses an event after a crash has missed nothing that is not elsewhere too. The sequence
-- is logged, so that positions which readers remember stay in the past.
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
