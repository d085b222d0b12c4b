-- 1.1 to 1.2: registry content. New tables, and what follows from the content that is there: sizes, and what the garbage collector has to
-- look at.

-- Nobody writes until the triggers take over that keep this. The tables that change get their strong locks here: taken later they would
-- wait for pushes that wait for us.
LOCK TABLE quay.tag, quay.blobupload, quay.manifest, quay.manifestblob, quay.manifestchild, quay.manifestlabel, quay.manifestsecuritystatus,
    quay.tagnotificationsuccess, quay.proxycacheconfig, quay.autoprunetaskstatus IN ACCESS EXCLUSIVE MODE;
LOCK TABLE quay."user", quay.repository, quay.label, quay.imagestorage, quay.uploadedblob, quay.derivedstorageforimage
    IN SHARE ROW EXCLUSIVE MODE;

DO $refuse$
DECLARE
    broken text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot update in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s: what others committed before the tables were locked would not be counted.',
                            current_setting('transaction_isolation')),
            HINT = 'Update in a transaction that is READ COMMITTED.';
    END IF;
    -- Which of two upstream registries a namespace caches is for somebody to decide.
    SELECT string_agg(format('"%s"', u.username), ', ' ORDER BY u.username) INTO broken
    FROM quay."user" AS u
    WHERE u.id IN (SELECT c.organization_id FROM quay.proxycacheconfig AS c GROUP BY c.organization_id HAVING count(*) > 1);
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY093',
            MESSAGE = 'rows break a rule of the new version',
            DETAIL = format('More than one row of quay.proxycacheconfig have the organizations %s.', left(broken, 1000)),
            HINT = 'Delete all but one row of each, which version 1.1 let in, and update again.';
    END IF;
END
$refuse$;

-- Schema

CREATE TABLE quay_internal.missing_child (
    repository_id bigint NOT NULL,
    digest        varchar(255) COLLATE "C" NOT NULL,
    manifest_id   bigint NOT NULL,
    CONSTRAINT pk_missing_child PRIMARY KEY (repository_id, digest, manifest_id)
);
CREATE INDEX missing_child_manifest_id ON quay_internal.missing_child (manifest_id);

CREATE TABLE quay.allowed_upstream_host (
    host text COLLATE "C" NOT NULL,
    CONSTRAINT pk_allowed_upstream_host PRIMARY KEY (host)
);

CREATE TABLE quay_internal.blob_use (
    namespace_id  bigint NOT NULL,
    blob_id       bigint NOT NULL,
    repository_id bigint NOT NULL,
    size          bigint NOT NULL
);

CREATE TABLE quay_internal.size_counter (
    namespace_id  bigint NOT NULL,
    repository_id bigint NOT NULL,
    part          integer NOT NULL,
    used          bigint NOT NULL DEFAULT 0,
    reserved      bigint NOT NULL DEFAULT 0,
    budget        bigint,
    limit_bytes   bigint,
    CONSTRAINT pk_size_counter PRIMARY KEY (namespace_id, repository_id, part)
) WITH (fillfactor = 50);

CREATE SEQUENCE quay_internal.gc_review_id_seq;
CREATE TABLE quay_internal.gc_review (
    id            bigint NOT NULL DEFAULT nextval('quay_internal.gc_review_id_seq'),
    kind          "char" NOT NULL,
    object_id     bigint NOT NULL,
    repository_id bigint NOT NULL DEFAULT 0,
    due_ms        bigint NOT NULL,
    CONSTRAINT pk_gc_review PRIMARY KEY (id),
    CONSTRAINT gc_review_kind CHECK (kind = ANY (ARRAY['t', 'm', 'l', 'b', 'u', 'n']::"char"[]))
);
ALTER SEQUENCE quay_internal.gc_review_id_seq OWNED BY quay_internal.gc_review.id;

CREATE TABLE quay_internal.blob_deletion (
    blob_id    bigint NOT NULL,
    due_ms     bigint NOT NULL,
    lease      uuid,
    attempts   integer NOT NULL DEFAULT 0,
    last_error text,
    CONSTRAINT pk_blob_deletion PRIMARY KEY (blob_id)
);
CREATE INDEX blob_deletion_due_ms ON quay_internal.blob_deletion (due_ms);
CREATE INDEX blob_deletion_lease ON quay_internal.blob_deletion (lease) WHERE lease IS NOT NULL;

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

-- What triggers make out of the rows of other tables is not dumped.
SELECT pg_extension_config_dump('quay_internal.missing_child', '');
SELECT pg_extension_config_dump('quay.allowed_upstream_host', '');
SELECT pg_extension_config_dump('quay_internal.blob_use', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.size_counter', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.gc_review', 'WHERE false');
SELECT pg_extension_config_dump('quay_internal.blob_deletion', 'WHERE attempts > 0');
SELECT pg_extension_config_dump('quay_internal.scan_orphan_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.scan_orphan', '');

ALTER TABLE quay.blobupload ADD COLUMN reserved_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE quay.tag ADD COLUMN ended boolean NOT NULL DEFAULT false;
-- Written anew, not updated: most rows may be history, and an update would leave as many dead ones, in all indexes.
ALTER TABLE quay.tag ALTER COLUMN ended TYPE boolean
    USING lifetime_end_ms IS NOT NULL AND lifetime_end_ms <= quay_internal.clock_ms() AND NOT hidden;

-- What is deleted in masses. NO ACTION looks twice at each row, first whether its id has come back.
ALTER TABLE quay.manifestblob
    DROP CONSTRAINT fk_manifestblob_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestblob_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT;
ALTER TABLE quay.manifestchild
    DROP CONSTRAINT fk_manifestchild_child_manifest_id_manifest,
    DROP CONSTRAINT fk_manifestchild_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestchild_child_manifest_id_manifest FOREIGN KEY (child_manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    ADD CONSTRAINT fk_manifestchild_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT;
ALTER TABLE quay.manifestlabel
    DROP CONSTRAINT fk_manifestlabel_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestlabel_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT;
ALTER TABLE quay.manifestsecuritystatus
    DROP CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT;
ALTER TABLE quay.tag
    DROP CONSTRAINT fk_tag_linked_tag_id_tag,
    DROP CONSTRAINT fk_tag_manifest_id_manifest,
    ADD CONSTRAINT fk_tag_linked_tag_id_tag FOREIGN KEY (linked_tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT,
    ADD CONSTRAINT fk_tag_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT;
ALTER TABLE quay.tagnotificationsuccess
    DROP CONSTRAINT fk_tag_notification_success_tag_id,
    ADD CONSTRAINT fk_tag_notification_success_tag_id FOREIGN KEY (tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT;

-- Indexes of older tables.
DROP INDEX quay.autoprunetaskstatus_last_ran_ms;
DROP INDEX quay.proxycacheconfig_organization_id;
CREATE INDEX autoprunetaskstatus_last_ran_ms ON quay.autoprunetaskstatus (last_ran_ms NULLS FIRST);
CREATE INDEX manifest_subject_malformed ON quay.manifest (id) WHERE subject LIKE '(%';
CREATE INDEX manifestsecuritystatus_index_status_indexer_hash ON quay.manifestsecuritystatus (index_status, indexer_hash, last_indexed) WHERE index_status IN (-4, 2);
CREATE INDEX manifestsecuritystatus_index_status_last_indexed ON quay.manifestsecuritystatus (index_status, last_indexed) WHERE index_status IN (-1, 0, 1);
CREATE INDEX orgmirrorrepository_due ON quay.orgmirrorrepository (
    (CASE WHEN sync_status = 3 THEN '-infinity'::timestamp
          WHEN sync_status IN (-2, 4) THEN NULL
          WHEN sync_status = 2 THEN coalesce(sync_expiration_date, '-infinity'::timestamp)
          WHEN sync_retries_remaining > 0 THEN sync_start_date END));
CREATE UNIQUE INDEX proxycacheconfig_organization_id ON quay.proxycacheconfig (organization_id);
CREATE INDEX repomirrorconfig_due ON quay.repomirrorconfig (
    (CASE WHEN sync_status = 3 THEN '-infinity'::timestamp
          WHEN sync_status IN (-2, 4) OR NOT is_enabled THEN NULL
          WHEN sync_status = 2 THEN coalesce(sync_expiration_date, '-infinity'::timestamp)
          WHEN sync_retries_remaining > 0 THEN sync_start_date END));
CREATE INDEX repository_visibility_id_namespace_user_id_name ON quay.repository (visibility_id, namespace_user_id, name);
CREATE INDEX tag_repository_id_lifetime_end_ms_ending ON quay.tag (repository_id, lifetime_end_ms)
    WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden;
CREATE INDEX tag_repository_id_name_ending ON quay.tag (repository_id, name, lifetime_end_ms DESC)
    WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden;

-- Sizes, as triggers count them from now on. A repository without a namespace, which only a foreign hand can make, has none.

INSERT INTO quay_internal.blob_use (namespace_id, blob_id, repository_id, size)
SELECT r.namespace_user_id, m.blob_id, coalesce(m.repository_id, 0), coalesce(max(b.image_size), 0)
FROM (SELECT DISTINCT m.repository_id, m.blob_id FROM quay.manifestblob AS m) AS m
JOIN quay.repository AS r ON r.id = m.repository_id
JOIN quay.imagestorage AS b ON b.id = m.blob_id
WHERE r.namespace_user_id IS NOT NULL
GROUP BY GROUPING SETS ((r.namespace_user_id, m.blob_id, m.repository_id), (r.namespace_user_id, m.blob_id));
ALTER TABLE quay_internal.blob_use ADD CONSTRAINT pk_blob_use PRIMARY KEY (namespace_id, blob_id, repository_id);
CREATE INDEX blob_use_repository_id ON quay_internal.blob_use (repository_id) WHERE repository_id <> 0;

INSERT INTO quay_internal.size_counter (namespace_id, repository_id, part, used)
SELECT u.namespace_id, u.repository_id, 0, sum(u.size)
FROM quay_internal.blob_use AS u
GROUP BY u.namespace_id, u.repository_id
HAVING sum(u.size) <> 0
UNION ALL
SELECT 0, 0, 0, sum(b.image_size) FROM quay.imagestorage AS b HAVING sum(b.image_size) <> 0;

-- What the garbage collector has to look at: tags when they may be collected; what nothing holds after the time that is left to those who
-- are about to use it.

INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE t.lifetime_end_ms IS NOT NULL;
INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
SELECT w.kind, w.id, quay_internal.clock_ms() + quay_internal.setting('gc_grace_period')::bigint * 1000
FROM (SELECT 'm'::"char" AS kind, m.id FROM quay.manifest AS m
      WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
        AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
        AND NOT EXISTS (SELECT FROM quay.manifest AS r WHERE r.repository_id = m.repository_id AND r.subject = m.digest AND r.id <> m.id)
      UNION ALL
      SELECT 'l', l.id FROM quay.label AS l WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id)
      UNION ALL
      SELECT 'b', b.id FROM quay.imagestorage AS b
      WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id)
        AND NOT EXISTS (SELECT FROM quay.uploadedblob AS u WHERE u.blob_id = b.id)
        AND NOT EXISTS (SELECT FROM quay.derivedstorageforimage AS d WHERE d.derivative_id = b.id)) AS w;
CREATE INDEX gc_review_kind_due_ms_id ON quay_internal.gc_review (kind, due_ms, id);

-- Functions that go, or whose arguments or result change.
DROP FUNCTION quay.referrer_list(text,text,text,text);
DROP FUNCTION quay.tag_delete(text,text,text,text,text);
DROP FUNCTION quay.tag_history(text,text,text,text,integer);
DROP FUNCTION quay.tag_list(text,text,text,integer);
DROP FUNCTION quay.upload_append(text,text,text,bytea,bigint,bigint,text,jsonb);
DROP FUNCTION quay.upload_start(text,text,text,text,text,jsonb,text);
DROP FUNCTION quay_internal.manifest_children_require(bigint,record);
DROP FUNCTION quay_internal.manifest_is_alive(bigint,bigint);
DROP FUNCTION quay_internal.manifest_parse(bytea,text);
DROP FUNCTION quay_internal.reference_to_manifest(quay.repository,text);

