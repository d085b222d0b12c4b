-- What the scanner may forget: digests of which a scanned manifest went. A row is a hint, to be looked at again: the digest may have other
-- manifests. No unique key, so that two who delete manifests never wait for each other.
CREATE SEQUENCE quay_internal.scan_orphan_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.scan_orphan (
    id     bigint NOT NULL DEFAULT nextval('quay_internal.scan_orphan_id_seq'),
    digest varchar(255) COLLATE "C" NOT NULL,
    due_ms bigint NOT NULL,
    lease  uuid,
    CONSTRAINT pk_scan_orphan PRIMARY KEY (id)
);
ALTER SEQUENCE quay_internal.scan_orphan_id_seq OWNED BY quay_internal.scan_orphan.id;
CREATE INDEX scan_orphan_due_ms_id ON quay_internal.scan_orphan (due_ms, id);
CREATE INDEX scan_orphan_digest ON quay_internal.scan_orphan (digest);
