-- A Quay moves in: what follows from the content. Triggers make it otherwise, row by row; here it is made at once, by ranges of ids.

CREATE OR REPLACE FUNCTION quay_internal.adoption_contact_email(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint := 0;
BEGIN
    -- A step of the reference's migrations that a source of an older revision has before it.
    IF to_regclass(format('%I.organizationcontactemail', run.source_schema)) IS NULL THEN
        INSERT INTO quay.organizationcontactemail (organization_id, contact_email)
        SELECT u.id, u.email FROM quay."user" AS u WHERE u.organization AND length(u.email) < 64 ORDER BY u.id
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_contact_email(quay_internal.adoption_run) IS
    'The contact address of organizations, for a source that does not know it yet: their e-mail address.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_blob_use(step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    per_batch CONSTANT integer := 1000;
    upper_id bigint;
    made bigint;
BEGIN
    IF step.name = 'uses in repositories' THEN
        upper_id := (SELECT r.id FROM quay.repository AS r WHERE r.id > step.last_id ORDER BY r.id OFFSET per_batch - 1 LIMIT 1);
        INSERT INTO quay_internal.blob_use (namespace_id, blob_id, repository_id, size)
        SELECT r.namespace_user_id, m.blob_id, r.id, coalesce(b.image_size, 0)
        FROM quay.repository AS r
        JOIN (SELECT DISTINCT m.repository_id, m.blob_id FROM quay.manifestblob AS m
              WHERE m.repository_id > step.last_id AND (upper_id IS NULL OR m.repository_id <= upper_id)) AS m ON m.repository_id = r.id
        JOIN quay.imagestorage AS b ON b.id = m.blob_id
        WHERE r.namespace_user_id IS NOT NULL
        ORDER BY r.namespace_user_id, m.blob_id, r.id;
    ELSE
        upper_id := (SELECT u.id FROM quay."user" AS u WHERE u.id > step.last_id ORDER BY u.id OFFSET per_batch - 1 LIMIT 1);
        INSERT INTO quay_internal.blob_use (namespace_id, blob_id, repository_id, size)
        SELECT u.namespace_id, u.blob_id, 0, min(u.size) FROM quay_internal.blob_use AS u
        WHERE u.namespace_id > step.last_id AND (upper_id IS NULL OR u.namespace_id <= upper_id) AND u.repository_id > 0
        GROUP BY u.namespace_id, u.blob_id;
    END IF;
    GET DIAGNOSTICS made = ROW_COUNT;
    step.row_count := step.row_count + made;
    step.last_id := coalesce(upper_id, step.last_id);
    IF upper_id IS NULL THEN
        ANALYZE quay_internal.blob_use;
        step.ended_ms := quay_internal.clock_ms();
    END IF;
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_blob_use(quay_internal.adoption_step) IS
    'Counts which repositories use which blobs, then which namespaces: the next range of ids.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_size() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    -- What counted as 0 so far may stand there already.
    INSERT INTO quay_internal.size_counter AS c (namespace_id, repository_id, part, used)
    SELECT u.namespace_id, u.repository_id, 0, sum(u.size)::bigint FROM quay_internal.blob_use AS u GROUP BY u.namespace_id, u.repository_id
    UNION ALL
    SELECT 0, 0, 0, coalesce(sum(b.image_size), 0)::bigint FROM quay.imagestorage AS b
    ON CONFLICT ON CONSTRAINT pk_size_counter DO UPDATE SET used = c.used + EXCLUDED.used;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_size() IS 'The sizes of repositories, namespaces and the registry.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_index_children(manifest text) RETURNS SETOF text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT c.child ->> 'digest' FROM jsonb_path_query(manifest::jsonb, 'lax $.manifests[*]') AS c (child)
                 WHERE length(c.child ->> 'digest') <= 255;
EXCEPTION WHEN data_exception THEN
    -- Not JSON: it lists nothing.
    RETURN;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_index_children(text) IS 'The digests that the text of an index lists.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_missing_child() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO quay_internal.missing_child (repository_id, digest, manifest_id)
    SELECT m.repository_id, c.digest, m.id
    FROM quay.mediatype AS y JOIN quay.manifest AS m ON m.media_type_id = y.id AND m.manifest_bytes <> ''
    CROSS JOIN LATERAL quay_internal.adoption_index_children(m.manifest_bytes) AS c (digest)
    WHERE y.name = ANY (ARRAY['application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.oci.image.index.v1+json'])
      AND NOT EXISTS (SELECT FROM quay.manifest AS p WHERE p.repository_id = m.repository_id AND p.digest = c.digest)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_missing_child() IS 'Notes the manifests that an index lists and its repository does not have.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_review() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_due_ms bigint := quay_internal.gc_due_new();
    made bigint;
BEGIN
    -- As quay.gc_review_all() does, which asks for each whether there is a review already: here there is none.
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't'::"char", t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.lifetime_end_ms IS NOT NULL
    UNION ALL
    SELECT 'm', m.id, new_due_ms FROM quay.manifest AS m
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
      AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
      AND NOT EXISTS (SELECT FROM quay.manifest AS f WHERE f.repository_id = m.repository_id AND f.subject = m.digest AND f.id <> m.id)
    UNION ALL
    SELECT 'l', l.id, new_due_ms FROM quay.label AS l WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS x WHERE x.label_id = l.id)
    UNION ALL
    SELECT 'b', b.id, new_due_ms FROM quay.imagestorage AS b
    WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS x WHERE x.blob_id = b.id)
      AND NOT EXISTS (SELECT FROM quay.uploadedblob AS x WHERE x.blob_id = b.id)
      AND NOT EXISTS (SELECT FROM quay.derivedstorageforimage AS x WHERE x.derivative_id = b.id)
      AND quay_internal.digest_is_shared(b.content_checksum) IS NOT TRUE;
    GET DIAGNOSTICS made = ROW_COUNT;
    ANALYZE quay_internal.gc_review;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_review() IS 'Has the garbage collector look at all that has an end, or no use.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_registry_check(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found bigint;
BEGIN
    INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, detail)
    SELECT run.id, 'registry_check', '', 0, 'kept', left(format('%s: %s: %s', c.rule, c.object, c.detail), 400)
    FROM quay.registry_check(n => 100, sample => 1000) AS c WHERE c.severity <> 'info';
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found > 0 THEN
        INSERT INTO quay_internal.adoption_finding (run_id, rule, table_name, treatment, row_count)
        VALUES (run.id, 'registry_check', '', 'kept', found);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_registry_check(quay_internal.adoption_run) IS
    'Writes down what quay.registry_check() finds in the registry as it is now; the digests of the newest 1,000 manifests among it.';
