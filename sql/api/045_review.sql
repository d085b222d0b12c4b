-- What the garbage collector has to look at: every write that may make something unreachable leaves a row that says so, whoever writes. The
-- collector (api/400_gc.sql) looks at each again before it deletes anything.

CREATE OR REPLACE FUNCTION quay_internal.array_except(ids bigint[], others bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT i.id FROM unnest(ids) AS i (id) EXCEPT SELECT o.id FROM unnest(others) AS o (id));
END
$$;
COMMENT ON FUNCTION quay_internal.array_except(bigint[], bigint[]) IS
    'Those of the ids that are not among the others, each once. (For "<> ALL" the server compares each with each.)';

CREATE OR REPLACE FUNCTION quay_internal.gc_review_add(kind "char", object_ids bigint[], delay_ms bigint DEFAULT 0) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT gc_review_add.kind, o.id, quay_internal.clock_ms() + delay_ms FROM unnest(object_ids) AS o (id);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_review_add("char", bigint[], bigint) IS 'Has the garbage collector look at these, after a delay.';

CREATE OR REPLACE FUNCTION quay_internal.tag_review() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', NEW.id, NEW.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = NEW.repository_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_review() IS 'Trigger: a tag with an end is to be collected when it has been over for as long as its namespace keeps removed tags.';

CREATE OR REPLACE TRIGGER tag_added AFTER INSERT ON quay.tag
    FOR EACH ROW WHEN (NEW.lifetime_end_ms IS NOT NULL) EXECUTE FUNCTION quay_internal.tag_review();
CREATE OR REPLACE TRIGGER tag_changed AFTER UPDATE OF lifetime_end_ms, immutable ON quay.tag
    FOR EACH ROW WHEN (NEW.lifetime_end_ms IS NOT NULL
                       AND (NEW.lifetime_end_ms IS DISTINCT FROM OLD.lifetime_end_ms OR OLD.immutable AND NOT NEW.immutable))
    EXECUTE FUNCTION quay_internal.tag_review();

CREATE OR REPLACE FUNCTION quay_internal.namespace_review() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.gc_review_add('n', ARRAY[NEW.id]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_review() IS
    'Trigger: a namespace keeps removed tags for a shorter time than before, so they are due earlier than their reviews say.';

CREATE OR REPLACE TRIGGER namespace_review AFTER UPDATE OF removed_tag_expiration_s ON quay."user"
    FOR EACH ROW WHEN (NEW.removed_tag_expiration_s < OLD.removed_tag_expiration_s) EXECUTE FUNCTION quay_internal.namespace_review();

-- Rows that go: what they referred to may have lost its last use. (No arrays here: a dump brings all rows of a table in one statement.)

CREATE OR REPLACE FUNCTION quay_internal.gc_tags_delete(tag_ids bigint[]) RETURNS bigint[]
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_gc_tags_delete';
COMMENT ON FUNCTION quay_internal.gc_tags_delete(bigint[]) IS
    'Deletes rows of tags and answers the manifests that they had, each as often as it had one. No review is left of these: the caller looks at them, in the same transaction.';

CREATE OR REPLACE FUNCTION quay_internal.gc_tags_delete_is_at_work() RETURNS boolean
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_gc_tags_delete_is_at_work';
COMMENT ON FUNCTION quay_internal.gc_tags_delete_is_at_work() IS
    'For the trigger of quay.tag: is it gc_tags_delete() that deletes the tags?';

CREATE OR REPLACE FUNCTION quay_internal.tag_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF quay_internal.gc_tags_delete_is_at_work() THEN
        RETURN NULL;
    END IF;
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'm'::"char", r.manifest_id, now_ms FROM removed AS r WHERE r.manifest_id IS NOT NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_removed() IS 'Trigger: manifests may have lost their last tag.';

CREATE OR REPLACE TRIGGER tag_removed AFTER DELETE ON quay.tag
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.tag_removed();

CREATE OR REPLACE FUNCTION quay_internal.manifestchild_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'm'::"char", r.child_manifest_id, now_ms FROM removed AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.manifestchild_removed() IS 'Trigger: manifests may have lost the last index that lists them.';

CREATE OR REPLACE TRIGGER manifestchild_removed AFTER DELETE ON quay.manifestchild
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifestchild_removed();

CREATE OR REPLACE FUNCTION quay_internal.manifestlabel_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'l'::"char", r.label_id, now_ms FROM removed AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.manifestlabel_removed() IS 'Trigger: labels may have lost their last manifest.';

CREATE OR REPLACE TRIGGER manifestlabel_removed AFTER DELETE ON quay.manifestlabel
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifestlabel_removed();

CREATE OR REPLACE FUNCTION quay_internal.manifest_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'm'::"char", m.id, now_ms
    FROM removed AS r JOIN quay.manifest AS m ON m.repository_id = r.repository_id AND m.digest = r.subject
    WHERE r.subject IS NOT NULL;
    DELETE FROM quay_internal.missing_child AS c USING removed AS r WHERE c.manifest_id = r.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_removed() IS 'Trigger: manifests may have lost their last referrer. What an index waited for is forgotten with it.';

CREATE OR REPLACE TRIGGER manifest_removed AFTER DELETE ON quay.manifest
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifest_removed();

CREATE OR REPLACE FUNCTION quay_internal.uploadedblob_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'b'::"char", r.blob_id, now_ms FROM removed AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.uploadedblob_removed() IS 'Trigger: blobs may have lost their last use.';

CREATE OR REPLACE TRIGGER uploadedblob_removed AFTER DELETE ON quay.uploadedblob
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.uploadedblob_removed();

CREATE OR REPLACE FUNCTION quay_internal.derivedstorageforimage_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT DISTINCT 'b'::"char", r.derivative_id, now_ms FROM removed AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.derivedstorageforimage_removed() IS 'Trigger: blobs may have lost their last use.';

CREATE OR REPLACE TRIGGER derivedstorageforimage_removed AFTER DELETE ON quay.derivedstorageforimage
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.derivedstorageforimage_removed();

-- New rows: what nothing has come to refer to after a while is left over from something that broke off. (Blobs: see api/204_size.sql.)

CREATE OR REPLACE FUNCTION quay_internal.gc_due_new() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.clock_ms() + quay_internal.setting('gc_grace_period')::bigint * 1000;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_due_new() IS
    'When the garbage collector may look whether something refers to rows that are new: after quay.gc_grace_period. In ms since 1970.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_due_ms bigint := quay_internal.gc_due_new();
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms) SELECT 'm'::"char", a.id, new_due_ms FROM added AS a;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_added() IS 'Trigger: nothing may come to refer to a new manifest.';

CREATE OR REPLACE TRIGGER manifest_added AFTER INSERT ON quay.manifest
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifest_added();
