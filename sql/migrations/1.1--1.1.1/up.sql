-- 1.1 to 1.1.1, which is no release but half-way to 1.2, for registries that are too big for 1.1--1.2, which counts, rewrites and indexes
-- under locks (doc/migrations.md). What takes long is left out here, and done while the registry works: quay.halfway_work() lists it.
--
-- From here on the functions and triggers of 1.2 are at work. They count and note each change; what was there before is counted and noted
-- batch by batch, as if it were pushed once more. The two may come in any order: a use of a blob is counted if no row of blob_use says that
-- it is, and what loses a use that is not counted yet changes no size. Whether a blob may go, manifests decide, not blob_use. Only sizes are
-- too small until all is counted: quotas refuse nothing that they would let in, but let in what they would refuse.
-- @about Half-way to 1.2: its tables and triggers. What takes long is done afterwards, while the registry works: quay.halfway_work() lists it.
-- @refuse QY093: several proxy caches of one organization
-- @refuse 55000: the transaction is not READ COMMITTED
-- @lock ACCESS EXCLUSIVE: quay.autoprunetaskstatus, quay.blobupload, quay.image, quay.manifest, quay.manifestblob, quay.manifestchild
-- @lock ACCESS EXCLUSIVE: quay.manifestlabel, quay.manifestsecuritystatus, quay.organizationmember, quay.proxycacheconfig, quay.tag
-- @lock ACCESS EXCLUSIVE: quay.tagmanifest, quay.tagnotificationsuccess
-- @lock SHARE ROW EXCLUSIVE: quay."user", quay.derivedstorageforimage, quay.imagestorage, quay.label, quay.repository, quay.uploadedblob
-- @work 0.1 quay.imagestorage sizes added up

-- Nobody writes until the triggers take over.
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

-- Schema, as in 1.2, but with foreign keys that are still to be validated, and without the indexes of tables that may be big.

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
    size          bigint NOT NULL,
    CONSTRAINT pk_blob_use PRIMARY KEY (namespace_id, blob_id, repository_id)
);
CREATE INDEX blob_use_repository_id ON quay_internal.blob_use (repository_id) WHERE repository_id <> 0;

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
CREATE INDEX gc_review_kind_due_ms_id ON quay_internal.gc_review (kind, due_ms, id);

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

ALTER TABLE quay.manifestblob
    DROP CONSTRAINT fk_manifestblob_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestblob_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE quay.manifestchild
    DROP CONSTRAINT fk_manifestchild_child_manifest_id_manifest,
    DROP CONSTRAINT fk_manifestchild_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestchild_child_manifest_id_manifest FOREIGN KEY (child_manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT fk_manifestchild_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE quay.manifestlabel
    DROP CONSTRAINT fk_manifestlabel_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestlabel_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE quay.manifestsecuritystatus
    DROP CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE quay.tag
    DROP CONSTRAINT fk_tag_linked_tag_id_tag,
    DROP CONSTRAINT fk_tag_manifest_id_manifest,
    ADD CONSTRAINT fk_tag_linked_tag_id_tag FOREIGN KEY (linked_tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT NOT VALID,
    ADD CONSTRAINT fk_tag_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT NOT VALID;
ALTER TABLE quay.tagnotificationsuccess
    DROP CONSTRAINT fk_tag_notification_success_tag_id,
    ADD CONSTRAINT fk_tag_notification_success_tag_id FOREIGN KEY (tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT NOT VALID;

DROP INDEX quay.autoprunetaskstatus_last_ran_ms;
DROP INDEX quay.proxycacheconfig_organization_id;
CREATE INDEX autoprunetaskstatus_last_ran_ms ON quay.autoprunetaskstatus (last_ran_ms NULLS FIRST);
CREATE UNIQUE INDEX proxycacheconfig_organization_id ON quay.proxycacheconfig (organization_id);

-- The registry as a whole: triggers keep its size, and cannot tell whether they have counted a blob.
INSERT INTO quay_internal.size_counter (namespace_id, repository_id, part, used)
SELECT 0, 0, 0, sum(b.image_size) FROM quay.imagestorage AS b HAVING sum(b.image_size) <> 0;

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


-- What is to be done before 1.2. A dump leaves the rows out: a restored database begins anew, which does no harm.

CREATE TABLE quay_internal.halfway (
    place    integer NOT NULL,
    name     text COLLATE "C" NOT NULL,
    last_id  bigint NOT NULL DEFAULT 0,
    finished boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_halfway PRIMARY KEY (place)
);
COMMENT ON TABLE quay_internal.halfway IS 'How far quay.halfway_run() has got with rows from before version 1.1.1.';
COMMENT ON COLUMN quay_internal.halfway.place IS 'Which comes first: uses before blobs, since nobody notices that a use goes which is not counted yet.';
COMMENT ON COLUMN quay_internal.halfway.name IS 'What is gone through.';
COMMENT ON COLUMN quay_internal.halfway.last_id IS 'Id of the last row that was looked at.';
COMMENT ON COLUMN quay_internal.halfway.finished IS 'There were no more.';
INSERT INTO quay_internal.halfway (place, name) VALUES (1, 'uses'), (2, 'tags'), (3, 'manifests'), (4, 'labels'), (5, 'blobs');

CREATE FUNCTION quay_internal.halfway_uses(after bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_id bigint := (SELECT max(m.id) FROM (SELECT m.id FROM quay.manifestblob AS m WHERE m.id > after ORDER BY m.id LIMIT n) AS m);
    uses record;
BEGIN
    IF last_id IS NULL THEN
        RETURN NULL;
    END IF;
    -- Locked as by the foreign keys of a push, or somebody could take a use away without seeing that it is just being counted.
    PERFORM FROM quay.repository AS r
    WHERE r.id IN (SELECT m.repository_id FROM quay.manifestblob AS m WHERE m.id > after AND m.id <= last_id) ORDER BY r.id FOR KEY SHARE;
    PERFORM FROM quay.imagestorage AS b
    WHERE b.id IN (SELECT m.blob_id FROM quay.manifestblob AS m WHERE m.id > after AND m.id <= last_id) ORDER BY b.id FOR KEY SHARE;
    -- Those that are still there, now that they are.
    SELECT array_agg(m.repository_id) AS repositories, array_agg(m.blob_id) AS blobs INTO uses
    FROM (SELECT DISTINCT m.repository_id, m.blob_id FROM quay.manifestblob AS m WHERE m.id > after AND m.id <= last_id) AS m;
    PERFORM quay_internal.blob_use_add(uses.repositories, uses.blobs, forced => true);
    RETURN last_id;
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_uses(bigint, integer) IS
    'Counts the blobs of the next n rows of manifestblob after that id, if they are not counted, whatever the limit of their namespaces. Returns the last id; NULL: there are no more rows.';

CREATE FUNCTION quay_internal.halfway_tags(after bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last_id bigint := (SELECT max(t.id) FROM (SELECT t.id FROM quay.tag AS t WHERE t.id > after ORDER BY t.id LIMIT n) AS t);
BEGIN
    -- Nothing is wrong if a tag that is over is not marked: who holds one is not waited for.
    UPDATE quay.tag AS t SET ended = true
    WHERE t.id IN (SELECT o.id FROM quay.tag AS o
                   WHERE o.id > after AND o.id <= last_id AND o.lifetime_end_ms <= quay_internal.clock_ms() AND NOT o.ended AND NOT o.hidden
                   FOR NO KEY UPDATE SKIP LOCKED);
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.id > after AND t.id <= last_id AND t.lifetime_end_ms IS NOT NULL;
    RETURN last_id;
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_tags(bigint, integer) IS
    'Marks the tags among the next n after that id that are over, and has the garbage collector look at those with an end when they may be collected. Returns the last id; NULL: there are no more rows.';

CREATE FUNCTION quay_internal.halfway_manifests(after bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.id > after ORDER BY m.id LIMIT n);
BEGIN
    PERFORM quay_internal.gc_review_add('m', quay_internal.manifest_unused(ids), quay_internal.setting('gc_grace_period')::bigint * 1000);
    RETURN ids[cardinality(ids)];
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_manifests(bigint, integer) IS
    'Has the garbage collector look, after the grace period, at the manifests among the next n after that id that nothing holds. Returns the last id; NULL: there are no more rows.';

CREATE FUNCTION quay_internal.halfway_labels(after bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT l.id FROM quay.label AS l WHERE l.id > after ORDER BY l.id LIMIT n);
    unused bigint[] := ARRAY(SELECT i.id FROM unnest(ids) AS i (id) WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = i.id));
BEGIN
    PERFORM quay_internal.gc_review_add('l', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    RETURN ids[cardinality(ids)];
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_labels(bigint, integer) IS
    'Has the garbage collector look, after the grace period, at the labels among the next n after that id that no manifest has. Returns the last id; NULL: there are no more rows.';

CREATE FUNCTION quay_internal.halfway_blobs(after bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.id > after ORDER BY b.id LIMIT n);
BEGIN
    PERFORM quay_internal.gc_review_add('b', quay_internal.blob_unused(ids), quay_internal.setting('gc_grace_period')::bigint * 1000);
    RETURN ids[cardinality(ids)];
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_blobs(bigint, integer) IS
    'Has the garbage collector look, after the grace period, at the blobs among the next n after that id that nothing uses. Returns the last id; NULL: there are no more rows.';

CREATE FUNCTION quay_internal.halfway_batch(n integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    work quay_internal.halfway;
    last bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot count in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s: a use that somebody takes away just then would be counted.',
                            current_setting('transaction_isolation')),
            HINT = 'Set default_transaction_isolation to ''read committed'' in this session.';
    END IF;
    -- Of two sessions one waits for the other, and goes on where that one has got; or finds that it must look again.
    SELECT * INTO work FROM quay_internal.halfway AS h WHERE NOT h.finished ORDER BY h.place LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN EXISTS (SELECT FROM quay_internal.halfway AS h WHERE NOT h.finished);
    END IF;
    last := CASE work.name
        WHEN 'uses' THEN quay_internal.halfway_uses(work.last_id, n)
        WHEN 'tags' THEN quay_internal.halfway_tags(work.last_id, n)
        WHEN 'manifests' THEN quay_internal.halfway_manifests(work.last_id, n)
        WHEN 'labels' THEN quay_internal.halfway_labels(work.last_id, n)
        WHEN 'blobs' THEN quay_internal.halfway_blobs(work.last_id, n)
    END;
    UPDATE quay_internal.halfway AS h SET last_id = coalesce(last, h.last_id), finished = last IS NULL WHERE h.place = work.place;
    RETURN true;
EXCEPTION WHEN deadlock_detected OR serialization_failure OR lock_not_available THEN
    -- It was the turn of somebody else: the same batch once more.
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay_internal.halfway_batch(integer) IS
    'The next n rows of what is to be gone through before 1.2. False: that is done. Errors: 55000 the transaction is not READ COMMITTED.';

CREATE PROCEDURE quay.halfway_run(batch_rows integer DEFAULT 2000, throttle_ms integer DEFAULT 0)
    LANGUAGE plpgsql AS $$
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    IF batch_rows OPERATOR(pg_catalog.<) 1 OR throttle_ms OPERATOR(pg_catalog.<) 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal pace',
            DETAIL = pg_catalog.format('Rows of a batch: %s, pause after it: %s ms.', batch_rows, throttle_ms),
            HINT = 'A batch has at least one row, and the pause is not negative.';
    END IF;
    WHILE quay_internal.halfway_batch(batch_rows) LOOP
        COMMIT;
        PERFORM pg_catalog.pg_sleep(throttle_ms OPERATOR(pg_catalog./) 1000.0);
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay.halfway_run(integer, integer) IS
    'Counts and notes what was there before version 1.1.1, batch by batch, and commits after each, while the registry works. It may be interrupted, and called again, and by two sessions at once. batch_rows: rows of a batch; throttle_ms: pause after it. Not within a transaction. Errors: 22023 no row, or a negative pause; 55000 the session''s transactions are not READ COMMITTED.';

CREATE FUNCTION quay.halfway_work() RETURNS TABLE (statement text, what_for text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay_internal.halfway AS h WHERE NOT h.finished) THEN
        RETURN QUERY VALUES ('CALL quay.halfway_run()', 'sizes, and what the garbage collector has to look at');
    END IF;
    RETURN QUERY
        WITH wanted (name, definition) AS (VALUES
            ('manifest_subject_malformed', 'quay.manifest (id) WHERE subject LIKE ''(%'''),
            ('manifestsecuritystatus_index_status_indexer_hash',
             'quay.manifestsecuritystatus (index_status, indexer_hash, last_indexed) WHERE index_status IN (-4, 2)'),
            ('manifestsecuritystatus_index_status_last_indexed',
             'quay.manifestsecuritystatus (index_status, last_indexed) WHERE index_status IN (-1, 0, 1)'),
            ('orgmirrorrepository_due',
             'quay.orgmirrorrepository ((CASE WHEN sync_status = 3 THEN ''-infinity''::timestamp WHEN sync_status IN (-2, 4) THEN NULL '
             'WHEN sync_status = 2 THEN coalesce(sync_expiration_date, ''-infinity''::timestamp) '
             'WHEN sync_retries_remaining > 0 THEN sync_start_date END))'),
            ('repomirrorconfig_due',
             'quay.repomirrorconfig ((CASE WHEN sync_status = 3 THEN ''-infinity''::timestamp WHEN sync_status IN (-2, 4) OR NOT is_enabled THEN NULL '
             'WHEN sync_status = 2 THEN coalesce(sync_expiration_date, ''-infinity''::timestamp) '
             'WHEN sync_retries_remaining > 0 THEN sync_start_date END))'),
            ('repository_visibility_id_namespace_user_id_name', 'quay.repository (visibility_id, namespace_user_id, name)'),
            ('tag_repository_id_lifetime_end_ms_ending',
             'quay.tag (repository_id, lifetime_end_ms) WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden'),
            ('tag_repository_id_name_ending',
             'quay.tag (repository_id, name, lifetime_end_ms DESC) WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden')
        ), found AS (
            SELECT w.name, w.definition, i.indisvalid
            FROM wanted AS w LEFT JOIN pg_index AS i ON i.indexrelid = to_regclass('quay.' || w.name)
        )
        SELECT s.statement, s.what_for
        FROM found AS f
        -- What was interrupted has left an index that nobody uses.
        CROSS JOIN LATERAL (VALUES (1, false, 'DROP INDEX CONCURRENTLY quay.' || f.name, 'an index whose building was interrupted'),
                                   (2, f.indisvalid IS NULL, format('CREATE INDEX CONCURRENTLY %s ON %s', f.name, f.definition), 'an index'))
            AS s (place, missing, statement, what_for)
        WHERE NOT f.indisvalid OR s.missing
        ORDER BY f.name COLLATE "C", s.place;
    RETURN QUERY
        SELECT format('ALTER TABLE quay.%I VALIDATE CONSTRAINT %I', c.relname, k.conname), 'a foreign key'
        FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE c.relnamespace = 'quay'::regnamespace AND k.contype = 'f' AND NOT k.convalidated
        ORDER BY c.relname COLLATE "C", k.conname COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.halfway_work() IS
    'What is left to be done before ALTER EXTENSION quay UPDATE leads on from version 1.1.1 to 1.2, as statements in their order, and what each is for: in psql, SELECT statement FROM quay.halfway_work() \gexec. Not within a transaction, by the owner of the extension. None of them stops reads or writes. No row: nothing is left.';
