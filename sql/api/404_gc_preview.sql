-- What a collection would free, without collecting: the same rules as in 400_gc.sql, asked of many rows at once. Reads only, so it runs on a
-- standby, and of a moment to come.

CREATE OR REPLACE FUNCTION quay_internal.gc_closure_manifests(tag_ids bigint[], manifest_ids bigint[] DEFAULT '{}') RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    collected bigint[] := '{}'::bigint[];
    fresh bigint[];
    -- What may have lost its last use. Whoever is still held comes again when its holder goes.
    frontier bigint[] := ARRAY(SELECT t.manifest_id FROM quay.tag AS t WHERE t.id = ANY (tag_ids) AND t.manifest_id IS NOT NULL
                               UNION SELECT m.id FROM unnest(manifest_ids) AS m (id));
BEGIN
    WHILE frontier <> '{}' LOOP
        -- NOT IN a list that is hashed once, where <> ALL would read it for each row.
        fresh := ARRAY(
            SELECT m.id FROM quay.manifest AS m
            WHERE m.id = ANY (frontier)
              AND m.id NOT IN (SELECT unnest(collected))
              AND NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id AND t.id NOT IN (SELECT unnest(tag_ids)))
              AND NOT EXISTS (SELECT FROM quay.manifestchild AS c
                              WHERE c.child_manifest_id = m.id AND c.manifest_id NOT IN (SELECT unnest(collected)))
              AND NOT EXISTS (SELECT FROM quay.manifest AS r
                              WHERE r.repository_id = m.repository_id AND r.subject = m.digest AND r.id <> m.id
                                AND r.id NOT IN (SELECT unnest(collected))));
        collected := collected || fresh;
        frontier := ARRAY(
            SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = ANY (fresh)
            UNION
            SELECT s.id FROM quay.manifest AS m JOIN quay.manifest AS s ON s.repository_id = m.repository_id AND s.digest = m.subject
            WHERE m.id = ANY (fresh));
    END LOOP;
    RETURN collected;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_closure_manifests(bigint[], bigint[]) IS
    'Manifests that nothing would hold any more if these rows of tag were gone: those that they point to, or that manifest_ids names, and from there on what such manifests list or have as their subject. Held is what another tag points to, dead or alive, an index lists, or a referrer in the repository has as its subject.';

CREATE OR REPLACE FUNCTION quay_internal.gc_closure_blobs(manifest_ids bigint[], linked_until timestamp DEFAULT NULL,
                                                          repository_ids bigint[] DEFAULT '{}', blob_ids bigint[] DEFAULT '{}',
                                                          besides bigint[] DEFAULT '{}')
    RETURNS TABLE (repository_id bigint, namespace_id bigint, blob_id bigint, size bigint, namespace_loses boolean, registry_loses boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        WITH gone AS MATERIALIZED (
            SELECT g.id FROM unnest(manifest_ids || besides) AS g (id)
        ), pair AS (
            SELECT m.repository_id, m.blob_id FROM unnest(manifest_ids) AS g (id) JOIN quay.manifestblob AS m ON m.manifest_id = g.id
            UNION
            SELECT p.repository_id, p.blob_id FROM unnest(repository_ids, blob_ids) AS p (repository_id, blob_id)
        ), lost AS MATERIALIZED (
            SELECT p.repository_id, r.namespace_user_id AS namespace_id, p.blob_id
            FROM pair AS p JOIN quay.repository AS r ON r.id = p.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS m
                              WHERE m.repository_id = p.repository_id AND m.blob_id = p.blob_id AND m.manifest_id NOT IN (SELECT id FROM gone))
              AND NOT EXISTS (SELECT FROM quay.uploadedblob AS u
                              WHERE u.repository_id = p.repository_id AND u.blob_id = p.blob_id
                                AND (linked_until IS NULL OR u.expires_at > linked_until))
        )
        SELECT l.repository_id, l.namespace_id, l.blob_id, coalesce(b.image_size, 0),
               -- blob_use leads to the repositories; their manifests have the last word, as for a use that waits for a review.
               NOT EXISTS (SELECT FROM quay_internal.blob_use AS u
                           JOIN quay.manifestblob AS m ON m.repository_id = u.repository_id AND m.blob_id = u.blob_id
                           WHERE u.namespace_id = l.namespace_id AND u.blob_id = l.blob_id AND u.repository_id > 0
                             AND m.manifest_id NOT IN (SELECT id FROM gone))
               AND NOT EXISTS (SELECT FROM quay.uploadedblob AS u JOIN quay.repository AS r ON r.id = u.repository_id
                               WHERE u.blob_id = l.blob_id AND r.namespace_user_id = l.namespace_id
                                 AND (linked_until IS NULL OR u.expires_at > linked_until)),
               NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = l.blob_id AND m.manifest_id NOT IN (SELECT id FROM gone))
               AND NOT EXISTS (SELECT FROM quay.uploadedblob AS u
                               WHERE u.blob_id = l.blob_id AND (linked_until IS NULL OR u.expires_at > linked_until))
               AND NOT EXISTS (SELECT FROM quay.derivedstorageforimage AS d
                               WHERE d.derivative_id = l.blob_id AND d.source_image_id / 1024 NOT IN (SELECT id FROM gone))
                AND quay_internal.digest_is_shared(b.content_checksum) IS NOT TRUE
        FROM lost AS l JOIN quay.imagestorage AS b ON b.id = l.blob_id;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_closure_blobs(bigint[], timestamp, bigint[], bigint[], bigint[]) IS
    'Blobs that repositories would not have any more if these manifests were gone, each with its bytes, and whether their namespace and the registry would lose the last use too. An upload (uploadedblob) is a use, but for those whose time is over by linked_until (UTC). repository_ids and blob_ids: pairs to look at too, those of such uploads. besides: manifests that are gone as well, whose blobs are not looked at.';

CREATE OR REPLACE FUNCTION quay_internal.gc_closure_labels(manifest_ids bigint[]) RETURNS TABLE (repository_id bigint, label_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT m.repository_id, m.label_id
        FROM quay.manifestlabel AS m
        WHERE m.manifest_id = ANY (manifest_ids)
          AND NOT EXISTS (SELECT FROM quay.manifestlabel AS o
                          WHERE o.label_id = m.label_id AND o.manifest_id NOT IN (SELECT unnest(manifest_ids)));
END
$$;
COMMENT ON FUNCTION quay_internal.gc_closure_labels(bigint[]) IS 'Labels that no manifest would have any more if these were gone.';

CREATE OR REPLACE FUNCTION quay_internal.gc_closure(tag_ids bigint[], manifest_ids bigint[] DEFAULT '{}', linked_until timestamp DEFAULT NULL,
                                                    OUT manifests bigint[], OUT labels bigint[], OUT repository_blobs bigint[],
                                                    OUT namespace_blobs bigint[], OUT registry_blobs bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    manifests := quay_internal.gc_closure_manifests(tag_ids, manifest_ids);
    labels := ARRAY(SELECT DISTINCT l.label_id FROM quay_internal.gc_closure_labels(manifests) AS l);
    SELECT array_agg(DISTINCT b.blob_id),
           array_agg(DISTINCT b.blob_id) FILTER (WHERE b.namespace_loses),
           array_agg(DISTINCT b.blob_id) FILTER (WHERE b.registry_loses)
    INTO repository_blobs, namespace_blobs, registry_blobs
    FROM quay_internal.gc_closure_blobs(manifests, linked_until) AS b;
    repository_blobs := coalesce(repository_blobs, '{}');
    namespace_blobs := coalesce(namespace_blobs, '{}');
    registry_blobs := coalesce(registry_blobs, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.gc_closure(bigint[], bigint[], timestamp) IS
    'What would have no use any more if these rows of tag were gone: manifests, labels, and blobs that a repository, its namespace and the registry would not need. The arguments are those of gc_closure_manifests() and gc_closure_blobs().';

-- The preview

CREATE OR REPLACE FUNCTION quay_internal.gc_preview_tags(repository_ids bigint[], at_ms bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    keeps_immutable boolean := quay_internal.gc_keeps_immutable();
BEGIN
    RETURN ARRAY(
        SELECT t.id
        FROM unnest(repository_ids) AS i (id)
        JOIN quay.repository AS r ON r.id = i.id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.tag AS t ON t.repository_id = r.id AND t.lifetime_end_ms <= at_ms - u.removed_tag_expiration_s * 1000
        WHERE NOT (t.immutable AND keeps_immutable));
END
$$;
COMMENT ON FUNCTION quay_internal.gc_preview_tags(bigint[], bigint) IS
    'Rows of tag in these repositories that could be collected at that time, in ms since 1970.';

CREATE OR REPLACE FUNCTION quay.gc_preview(INOUT namespace text DEFAULT NULL, INOUT repository text DEFAULT NULL, at timestamptz DEFAULT NULL,
                                           OUT scope text, OUT tags bigint, OUT manifests bigint, OUT labels bigint, OUT uploads bigint,
                                           OUT blobs bigint, OUT bytes bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    at_time timestamptz := coalesce(gc_preview.at, quay_internal.clock());
    at_ms bigint;
    at_utc timestamp := at_time AT TIME ZONE 'UTC';
    everywhere boolean := gc_preview.namespace IS NULL;
    owner_id bigint;
    repositories bigint[];
    tag_ids bigint[];
    gone bigint[];
    orphans bigint[] := '{}'::bigint[];
    marked bigint[] := '{}'::bigint[];
BEGIN
    IF NOT isfinite(at_time) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a preview must be finite',
            DETAIL = format('It is %s.', at_time),
            HINT = 'Pass the moment of the collection, NULL for now.';
    END IF;
    at_ms := floor(extract(epoch FROM at_time) * 1000);
    IF gc_preview.repository IS NOT NULL THEN
        repositories := ARRAY[(quay_internal.repository_get(gc_preview.namespace, gc_preview.repository)).id];
    ELSIF NOT everywhere THEN
        owner_id := (quay_internal.namespace_get(gc_preview.namespace)).id;
        repositories := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = owner_id);
    ELSE
        repositories := ARRAY(SELECT r.id FROM quay.repository AS r);
    END IF;

    tag_ids := quay_internal.gc_preview_tags(repositories, at_ms);
    gone := quay_internal.gc_closure_manifests(tag_ids,
        ARRAY(SELECT DISTINCT m.id FROM quay_internal.gc_review AS v JOIN quay.manifest AS m ON m.id = v.object_id
              WHERE v.kind = 'm' AND v.due_ms <= at_ms AND m.repository_id IN (SELECT unnest(repositories))));
    IF everywhere THEN
        orphans := quay_internal.blob_unused(ARRAY(SELECT v.object_id FROM quay_internal.gc_review AS v WHERE v.kind = 'b' AND v.due_ms <= at_ms));
        marked := quay_internal.blob_unused(ARRAY(SELECT d.blob_id FROM quay_internal.blob_deletion AS d));
    END IF;

    RETURN QUERY
        WITH link AS MATERIALIZED (
            SELECT u.repository_id, u.blob_id FROM quay.uploadedblob AS u
            WHERE u.expires_at <= at_utc AND u.repository_id IN (SELECT unnest(repositories))
        ), blob AS MATERIALIZED (
            SELECT * FROM quay_internal.gc_closure_blobs(gone, at_utc, ARRAY(SELECT l.repository_id FROM link AS l),
                                                         ARRAY(SELECT l.blob_id FROM link AS l))
        ), label AS MATERIALIZED (
            SELECT * FROM quay_internal.gc_closure_labels(gone)
        ), per_repository AS MATERIALIZED (
            SELECT e.repository_id, r.namespace_user_id AS namespace_id, r.name, sum(e.tags)::bigint AS tags, sum(e.manifests)::bigint AS manifests,
                   sum(e.labels)::bigint AS labels, sum(e.links)::bigint AS links, sum(e.blobs)::bigint AS blobs, sum(e.bytes)::bigint AS bytes
            FROM (SELECT t.repository_id, count(*) AS tags, 0 AS manifests, 0 AS labels, 0 AS links, 0 AS blobs, 0::numeric AS bytes
                  FROM quay.tag AS t WHERE t.id = ANY (tag_ids) GROUP BY t.repository_id
                  UNION ALL
                  SELECT m.repository_id, 0, count(*), 0, 0, 0, 0 FROM quay.manifest AS m WHERE m.id = ANY (gone) GROUP BY m.repository_id
                  UNION ALL
                  SELECT l.repository_id, 0, 0, count(*), 0, 0, 0 FROM label AS l GROUP BY l.repository_id
                  UNION ALL
                  SELECT l.repository_id, 0, 0, 0, count(*), 0, 0 FROM link AS l GROUP BY l.repository_id
                  UNION ALL
                  SELECT b.repository_id, 0, 0, 0, 0, count(*), sum(b.size) FROM blob AS b GROUP BY b.repository_id) AS e
            JOIN quay.repository AS r ON r.id = e.repository_id
            GROUP BY e.repository_id, r.namespace_user_id, r.name
        ), registry_blob AS (
            SELECT DISTINCT b.blob_id, b.size FROM blob AS b WHERE b.registry_loses AND NOT EXISTS (
                SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = b.blob_id)
            UNION
            -- Left over from something that broke off: no repository has them.
            SELECT b.id, coalesce(b.image_size, 0) FROM quay.imagestorage AS b
            WHERE b.id = ANY (orphans) AND NOT EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = b.id)
        )
        SELECT u.username::text, p.name::text, 'repository', p.tags, p.manifests, p.labels, p.links, p.blobs, p.bytes
        FROM per_repository AS p LEFT JOIN quay."user" AS u ON u.id = p.namespace_id
        UNION ALL
        SELECT u.username::text, NULL, 'namespace', p.tags, p.manifests, p.labels, p.links, b.blobs, b.bytes
        FROM (SELECT p.namespace_id, sum(p.tags)::bigint AS tags, sum(p.manifests)::bigint AS manifests, sum(p.labels)::bigint AS labels,
                     sum(p.links)::bigint AS links FROM per_repository AS p GROUP BY p.namespace_id) AS p
        LEFT JOIN quay."user" AS u ON u.id = p.namespace_id
        CROSS JOIN LATERAL (SELECT count(*) AS blobs, coalesce(sum(d.size), 0)::bigint AS bytes
                            FROM (SELECT DISTINCT b.blob_id, b.size FROM blob AS b
                                  WHERE b.namespace_id = p.namespace_id AND b.namespace_loses) AS d) AS b
        UNION ALL
        SELECT NULL, NULL, 'registry', coalesce(sum(p.tags), 0)::bigint, coalesce(sum(p.manifests), 0)::bigint,
               (SELECT count(DISTINCT l.label_id) FROM label AS l) + (
                   SELECT count(DISTINCT v.object_id) FROM quay_internal.gc_review AS v JOIN quay.label AS l ON l.id = v.object_id
                   WHERE everywhere AND v.kind = 'l' AND v.due_ms <= at_ms
                     AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = v.object_id)),
               coalesce(sum(p.links), 0)::bigint,
               (SELECT count(*) FROM registry_blob), (SELECT coalesce(sum(b.size), 0)::bigint FROM registry_blob AS b)
        FROM per_repository AS p
        UNION ALL
        SELECT NULL, NULL, 'marked', 0, 0, 0, 0, count(*), coalesce(sum(b.image_size), 0)::bigint
        FROM quay.imagestorage AS b
        WHERE b.id = ANY (marked)
        HAVING everywhere;
END
$$;
COMMENT ON FUNCTION quay.gc_preview(text, text, timestamptz) IS
'What a full garbage collection at that moment (at; NULL: now) would delete in a repository, in a namespace (repository NULL) or in the registry (both NULL): tags that ended longer ago than their namespace keeps removed tags, but not immutable ones that are kept; manifests that nothing holds then, or holds already; their labels; uploads whose time is over; and the blobs that lose their last use by that. It follows what is known now: of a moment to come it does not know what others will push and delete until then.

scope: repository, one row for each in which something is to be collected; namespace, one for each of these; registry, one row, always; marked, one row if namespace is NULL: blobs that an earlier collection has marked already, whose bytes wait for gc_storage_take().
blobs and bytes: what the repository does not hold any more, what its namespace does not, and what nothing in the registry uses, whose bytes are deleted after quay.gc_grace_period. They do not add up: a blob that two repositories lose counts in both rows and once in those of their namespace and of the registry. Of a repository or a namespace, garbage elsewhere counts as use.
The order of rows is undefined. It looks at each repository, and at all that would go, so of a large registry it takes its time. Errors: 22023 time infinite, QY002, QY003, QY004.';
