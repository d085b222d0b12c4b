-- Finding images by what they are made of, by use, and by what their deletion would free. All of it is limited to what the actor may read
-- (NULL: anonymous), unless the caller says that he has checked (unrestricted).
--
-- Lists over the whole registry walk the repositories that have a blob, a batch at a time, in the order of their ids.

CREATE OR REPLACE FUNCTION quay_internal.image_find(actor text, namespace text, repository text, reference text, scopes text,
                                                    unrestricted boolean) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(namespace, repository)], scopes, unrestricted))[1];
    result quay.manifest;
BEGIN
    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = target_id AND m.digest = reference;
    ELSE
        SELECT * INTO result FROM quay.manifest AS m
        WHERE m.id = (quay_internal.tag_find(target_id, reference, quay_internal.clock_ms())).manifest_id;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.image_find(text, text, text, text, text, boolean) IS
    'Manifest of a repository that the actor may read, by a live tag or by its digest, alive or not; all NULL if there is none. Errors: QY020, QY022 digest.';

CREATE OR REPLACE FUNCTION quay_internal.image_manifests(manifest_id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE part AS (
            SELECT image_manifests.manifest_id AS id WHERE image_manifests.manifest_id IS NOT NULL
            UNION
            SELECT c.child_manifest_id FROM part AS p JOIN quay.manifestchild AS c ON c.manifest_id = p.id
        )
        SELECT p.id FROM part AS p);
END
$$;
COMMENT ON FUNCTION quay_internal.image_manifests(bigint) IS 'The manifest, and of an index all manifests that it lists, directly or not.';

CREATE OR REPLACE FUNCTION quay_internal.layer_chain(content text) RETURNS TABLE (place integer, digest text, size bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document json := quay_internal.json_or_null(content);
BEGIN
    RETURN QUERY
        SELECT e.number::integer, e.layer ->> 'digest',
               CASE WHEN e.layer ->> 'size' ~ '^\d{1,17}$' THEN (e.layer ->> 'size')::bigint END
        FROM json_array_elements(CASE json_typeof(document -> 'layers') WHEN 'array' THEN document -> 'layers' END)
            WITH ORDINALITY AS e (layer, number)
        UNION ALL
        -- Docker schema 1 lists them leaf first and knows no sizes.
        SELECT (json_array_length(document -> 'fsLayers') - e.number + 1)::integer, e.layer ->> 'blobSum', NULL
        FROM json_array_elements(CASE json_typeof(document -> 'fsLayers') WHEN 'array' THEN document -> 'fsLayers' END)
            WITH ORDINALITY AS e (layer, number)
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION quay_internal.layer_chain(text) IS
    'Layers that the text of a manifest lists, base first, from place 1; size in bytes, NULL: not stated. None for an index, or if the text is not there.';

CREATE OR REPLACE FUNCTION quay_internal.layer_digests(content text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT c.digest FROM quay_internal.layer_chain(content) AS c ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION quay_internal.layer_digests(text) IS 'Digests of the layers that the text of a manifest lists, base first.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_live_tags(manifest_id bigint, now_ms bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT t.name::text FROM quay.tag AS t
                 WHERE t.manifest_id = manifest_live_tags.manifest_id AND NOT t.hidden
                   AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                 ORDER BY t.name LIMIT 100);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_live_tags(bigint, bigint) IS 'Names of live tags that point to the manifest, the first 100 in byte order.';

CREATE OR REPLACE FUNCTION quay_internal.blob_repositories(blob_ids bigint[], start_id bigint, n integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    few CONSTANT integer := 10000;
BEGIN
    IF NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = ANY (blob_ids) OFFSET few) THEN
        RETURN ARRAY(SELECT DISTINCT m.repository_id FROM quay.manifestblob AS m
                     WHERE m.blob_id = ANY (blob_ids) AND m.repository_id >= start_id
                     ORDER BY m.repository_id LIMIT n);
    END IF;
    -- Where many have it, a page is soon full.
    RETURN ARRAY(SELECT r.id FROM quay.repository AS r
                 CROSS JOIN LATERAL (SELECT FROM quay.manifestblob AS m WHERE m.repository_id = r.id AND m.blob_id = ANY (blob_ids) LIMIT 1) AS m
                 WHERE r.id >= start_id
                 ORDER BY r.id LIMIT n);
END
$$;
COMMENT ON FUNCTION quay_internal.blob_repositories(bigint[], bigint, integer) IS
    'Repositories of which a manifest refers to one of these blobs, in the order of their ids from start_id on, at most n.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_use_page(actor text, blob_ids bigint[], base_ids bigint[], part_base_ids bigint[],
                                                           part_blob_ids bigint[], besides text[], after text, n integer, scopes text,
                                                           unrestricted boolean)
    RETURNS TABLE (repository_id bigint, manifest_id bigint, base_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    batch_size CONSTANT integer := 200;
    remaining integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(coalesce(after, '0.0'));
    from_id bigint := start.at;      -- a page may end within a repository: the next one goes on there
    batch bigint[];
    returned integer;
BEGIN
    WHILE remaining > 0 LOOP
        batch := quay_internal.blob_repositories(blob_ids, from_id, batch_size);
        RETURN QUERY
            SELECT f.repository_id, f.manifest_id, f.base_id
            FROM unnest(quay_internal.readable_many(actor, batch, scopes, unrestricted)) AS r (id)
            JOIN quay.repository AS o ON o.id = r.id AND o.state <> 3
            CROSS JOIN LATERAL (
                SELECT u.repository_id, u.manifest_id, min(w.base_id) AS base_id
                FROM unnest(blob_ids, base_ids) AS w (blob_id, base_id)
                JOIN quay.manifestblob AS u ON u.repository_id = r.id AND u.blob_id = w.blob_id
                WHERE (r.id > start.at OR u.manifest_id > start.id)
                  AND NOT EXISTS (SELECT FROM unnest(part_base_ids, part_blob_ids) AS p (base_id, blob_id)
                                  WHERE p.base_id = w.base_id
                                    AND NOT EXISTS (SELECT FROM quay.manifestblob AS x
                                                    WHERE x.manifest_id = u.manifest_id AND x.blob_id = p.blob_id))
                GROUP BY u.repository_id, u.manifest_id) AS f
            JOIN quay.manifest AS m ON m.id = f.manifest_id AND m.digest <> ALL (besides)
            ORDER BY f.repository_id, f.manifest_id LIMIT remaining;
        GET DIAGNOSTICS returned = ROW_COUNT;
        remaining := remaining - returned;
        EXIT WHEN cardinality(batch) < batch_size;
        from_id := batch[batch_size] + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_use_page(text, bigint[], bigint[], bigint[], bigint[], text[], text, integer, text, boolean) IS
    'A page of the manifests that use one of these blobs, in repositories that the actor may read, in the order of the ids of repository and manifest, except those with a digest in besides. Each blob stands for a base image, base_ids, and a manifest has to use all other blobs of that, too: the pairs of part_base_ids and part_blob_ids. Errors: 22023 n negative, malformed cursor.';

-- What uses it

CREATE OR REPLACE FUNCTION quay.layer_use_list(actor text, digest text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                               unrestricted boolean DEFAULT false)
    RETURNS TABLE (namespace text, repository text, manifest_digest text, media_type text, tags text[], alive boolean, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    blob_ids bigint[];
BEGIN
    PERFORM quay_internal.digest_check(layer_use_list.digest);
    blob_ids := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.content_checksum = layer_use_list.digest);
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, y.name::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), p.repository_id || '.' || p.manifest_id
        FROM quay_internal.manifest_use_page(actor, blob_ids, ARRAY[0], '{}', '{}', '{}', after, n, scopes, unrestricted) AS p
        JOIN quay.manifest AS m ON m.id = p.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        ORDER BY p.repository_id, p.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.layer_use_list(text, text, text, integer, text, boolean) IS
'Manifests that use this blob, a layer or a config, in all repositories that the actor may read (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. unrestricted: in all repositories, for a caller who has checked. No row: nobody uses it, or the registry has it not.

tags: live tags of the manifest, the first 100 in byte order. alive: a live tag, hidden ones too, points to it or to an index that lists it; what is not alive can be restored, or waits for its collection.
It looks at the repositories that have the blob, in the order of their ids, until the page is full: who may read few of many takes longer. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.base_image_use_list(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                    after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                    unrestricted boolean DEFAULT false, OUT digest text, OUT tags text[], OUT alive boolean,
                                                    OUT base_digest text, OUT in_order boolean, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, base_image_use_list.namespace, base_image_use_list.repository, reference,
                                                     scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    part record;
    rarest record;
BEGIN
    -- The blobs of each image that are layers. What the registry does not hold (layers of other registries) does not count.
    SELECT array_agg(m.id) AS base_ids, array_agg(b.id) AS blob_ids, array_agg(c.place) AS places INTO part
    FROM quay.manifest AS m
    CROSS JOIN LATERAL quay_internal.layer_chain(m.manifest_bytes) AS c
    JOIN quay.imagestorage AS b ON b.content_checksum = c.digest COLLATE "C"
    WHERE m.id = ANY (images) AND EXISTS (SELECT FROM quay.manifestblob AS u WHERE u.manifest_id = m.id AND u.blob_id = b.id);
    -- Of each image the one that fewest use, as far as a look at a thousand uses can tell; the uppermost of several.
    SELECT array_agg(f.base_id) AS base_ids, array_agg(f.blob_id) AS blob_ids INTO rarest
    FROM (SELECT DISTINCT ON (p.base_id) p.base_id, p.blob_id
          FROM unnest(part.base_ids, part.blob_ids, part.places) AS p (base_id, blob_id, place)
          CROSS JOIN LATERAL (SELECT count(*) AS uses
                              FROM (SELECT FROM quay.manifestblob AS u WHERE u.blob_id = p.blob_id LIMIT 1000) AS u) AS c
          ORDER BY p.base_id, c.uses, p.place DESC) AS f;
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), b.digest::text,
               cardinality(l.base) > 0 AND l.own[:cardinality(l.base)] = l.base, p.repository_id || '.' || p.manifest_id
        FROM quay_internal.manifest_use_page(actor, coalesce(rarest.blob_ids, '{}'), coalesce(rarest.base_ids, '{}'), part.base_ids, part.blob_ids,
                 ARRAY(SELECT i.digest::text FROM quay.manifest AS i WHERE i.id = ANY (images)), after, n, scopes, unrestricted) AS p
        JOIN quay.manifest AS m ON m.id = p.manifest_id
        JOIN quay.manifest AS b ON b.id = p.base_id
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        CROSS JOIN LATERAL (SELECT quay_internal.layer_digests(m.manifest_bytes) AS own, quay_internal.layer_digests(b.manifest_bytes) AS base
                            OFFSET 0) AS l
        ORDER BY p.repository_id, p.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.base_image_use_list(text, text, text, text, text, integer, text, boolean) IS
'Images that contain all layers of this one (a tag or a digest; of an index: of one of its images), in all repositories that the actor may read (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. Not the image itself, nor copies of it: see image_duplicate_list(). unrestricted: in all repositories, for a caller who has checked. No row also if there is no such image for the actor.

base_digest: which image of an index it is that the layers are of. in_order: its layers begin with those of the base, in the same order, as if it was built on it. tags, alive: as for layer_use_list().
It starts from the layer that fewest images use. Layers that the registry does not hold do not count. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.image_base_candidates(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                      n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false,
                                                      OUT digest text, OUT tags text[], OUT alive boolean, OUT layers integer,
                                                      OUT layers_size bigint, OUT image_digest text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, image_base_candidates.namespace, image_base_candidates.repository, reference,
                                                     scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    candidate record;
    readable bigint[];
BEGIN
    -- The sum of the sizes of the first layers leads to the images that have just these: hardly any other has the same.
    WITH prefix AS (
        SELECT i.id AS image_id, c.place, sum(c.size) OVER w AS bytes, bool_and(c.size IS NOT NULL) OVER w AS is_known,
               array_agg(c.digest) OVER w AS chain, max(c.place) OVER (PARTITION BY i.id) AS top
        FROM quay.manifest AS i CROSS JOIN LATERAL quay_internal.layer_chain(i.manifest_bytes) AS c
        WHERE i.id = ANY (images)
        WINDOW w AS (PARTITION BY i.id ORDER BY c.place)
    ), sized AS MATERIALIZED (
        SELECT p.image_id, p.place, p.chain, m.id, m.repository_id, m.manifest_bytes
        FROM prefix AS p JOIN quay.manifest AS m ON m.layers_compressed_size = p.bytes::bigint
        WHERE p.place < p.top AND p.is_known AND p.bytes > 0
    )
    SELECT array_agg(s.id) AS manifest_ids, array_agg(s.repository_id) AS repository_ids, array_agg(s.place) AS places,
           array_agg(s.image_id) AS image_ids
    INTO candidate
    FROM sized AS s WHERE quay_internal.layer_digests(s.manifest_bytes) = s.chain;

    readable := quay_internal.readable_many(actor, ARRAY(SELECT DISTINCT c.id FROM unnest(candidate.repository_ids) AS c (id)), scopes, unrestricted);
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), c.place, m.layers_compressed_size, i.digest::text
        FROM unnest(candidate.manifest_ids, candidate.places, candidate.image_ids) AS c (manifest_id, place, image_id)
        JOIN quay.manifest AS m ON m.id = c.manifest_id
        JOIN quay.manifest AS i ON i.id = c.image_id
        JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE m.repository_id IN (SELECT unnest(readable))
        ORDER BY c.place DESC, m.repository_id, m.id, i.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.image_base_candidates(text, text, text, text, integer, text, boolean) IS
'Images on which this one (a tag or a digest; of an index: one of its images, image_digest) may have been built: their layers are the first ones of it, in order, but not all of them. In repositories that the actor may read (NULL: anonymous), those with most layers first, at most n. unrestricted: in all repositories, for a caller who has checked. No row: none is known, or there is no such image for the actor.

layers: how many they have in common; layers_size: the bytes of these, compressed. tags, alive: as for layer_use_list(). Docker schema 1 images state no sizes of layers and have no candidates. Reads the sizes of all manifests of the registry. Errors: 22023 n negative; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.image_duplicate_list(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                     after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                     unrestricted boolean DEFAULT false, OUT digest text, OUT tags text[], OUT alive boolean,
                                                     OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(coalesce(after, '0.0'));
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, image_duplicate_list.namespace, image_duplicate_list.repository, reference,
                                                     scopes, unrestricted);
    readable bigint[] := quay_internal.readable_many(actor,
        ARRAY(SELECT m.repository_id FROM quay.manifest AS m
              WHERE m.digest = source.digest AND m.repository_id <> source.repository_id AND m.repository_id > start.at
              ORDER BY m.repository_id),
        scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), m.repository_id || '.' || m.id
        FROM (SELECT i.id FROM unnest(readable) AS i (id) JOIN quay.repository AS r ON r.id = i.id AND r.state <> 3
              ORDER BY i.id LIMIT page_size) AS i
        JOIN quay.manifest AS m ON m.repository_id = i.id AND m.digest = source.digest
        JOIN quay.repository AS r ON r.id = i.id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay.image_duplicate_list(text, text, text, text, text, integer, text, boolean) IS
    'Other repositories that have the same manifest, by its digest, as far as the actor may read them (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. reference: a tag or a digest. unrestricted: all repositories, for a caller who has checked. tags, alive: as for layer_use_list(). No row: none, or there is no such image for the actor. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.repository_share_list(actor text, namespace text, INOUT repository text, n integer DEFAULT 100,
                                                      scopes text DEFAULT NULL, unrestricted boolean DEFAULT false, OUT blobs bigint,
                                                      OUT bytes bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(repository_share_list.namespace,
                                                                                               repository_share_list.repository)],
                                                     scopes, unrestricted))[1];
    owner_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = target_id);
    readable bigint[] := quay_internal.readable_many(actor,
        ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = owner_id AND r.id <> target_id AND r.state <> 3),
        scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT r.name::text, s.blobs, s.bytes
        FROM (SELECT o.repository_id, count(*) AS blobs, sum(o.size)::bigint AS bytes
              FROM quay_internal.blob_use AS u
              JOIN quay_internal.blob_use AS o ON o.namespace_id = u.namespace_id AND o.blob_id = u.blob_id
              WHERE u.repository_id = target_id AND u.repository_id <> 0 AND o.repository_id IN (SELECT unnest(readable))
              GROUP BY o.repository_id) AS s
        JOIN quay.repository AS r ON r.id = s.repository_id
        ORDER BY s.bytes DESC, r.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_share_list(text, text, text, integer, text, boolean) IS
    'Other repositories of the namespace that have blobs in common with this one: how many, and their bytes, which the namespace holds once. Those with most bytes first, at most n, as far as the actor may read them (NULL: anonymous); unrestricted: all, for a caller who has checked. No row: none, or there is no such repository for the actor. It looks at all uses of the blobs of the repository in the namespace. Errors: 22023 n negative.';

-- By use: what was not pulled for a while, what images share with others, and what the deletion of tags would free.

CREATE OR REPLACE FUNCTION quay_internal.pulled_before_check(before timestamptz) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF before IS NULL OR NOT isfinite(before) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of the last pull must be given',
            DETAIL = format('It is %s.', coalesce(before::text, 'NULL')),
            HINT = 'Pass the moment since when there was no pull.';
    END IF;
    RETURN before AT TIME ZONE 'UTC';
END
$$;
COMMENT ON FUNCTION quay_internal.pulled_before_check(timestamptz) IS 'The moment as naive UTC. Errors: 22023 NULL or infinite.';

CREATE OR REPLACE FUNCTION quay.tag_unpulled_list(actor text, namespace text, repository text, before timestamptz, after text DEFAULT NULL,
                                                  n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false)
    RETURNS TABLE (tag text, digest text, lifetime_start_ms bigint, pull_count bigint, last_pulled timestamp, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the index, whose order is that of the page
    SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    pulled_before timestamp := quay_internal.pulled_before_check(before);
    before_ms bigint := extract(epoch FROM before) * 1000;
    now_ms bigint := quay_internal.clock_ms();
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(tag_unpulled_list.namespace,
                                                                                               tag_unpulled_list.repository)],
                                                     scopes, unrestricted))[1];
    start text := coalesce(tag_unpulled_list.after, '') COLLATE "C";    -- no name is empty
BEGIN
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, coalesce(s.tag_pull_count, 0), s.last_tag_pull_date, p.last_manifest_pull_date
        FROM (SELECT t.name, t.manifest_id, t.lifetime_start_ms
              FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                AND t.name > start AND t.lifetime_start_ms < before_ms
                -- One probe each. For NOT EXISTS the planner may read all statistics of the repository first.
                AND ((SELECT s.last_tag_pull_date FROM quay.tagpullstatistics AS s
                      WHERE s.repository_id = target_id AND s.tag_name = t.name) >= pulled_before) IS NOT TRUE
              ORDER BY t.name
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        LEFT JOIN quay.tagpullstatistics AS s ON s.repository_id = target_id AND s.tag_name = t.name
        LEFT JOIN quay.manifestpullstatistics AS p ON p.repository_id = target_id AND p.manifest_digest = m.digest
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_unpulled_list(text, text, text, timestamptz, text, integer, text, boolean) IS
    'Live tags of a repository that were pointed to their manifest before that moment and were not pulled by their name since, in byte order, at most n, those after the name after. last_pulled: NULL, never; manifest_last_pulled: the last pull of the manifest, by whatever tag or digest (UTC): whoever pins digests pulls no tags. actor: NULL is anonymous; unrestricted: the caller has checked. No row also if there is no such repository for the actor. Pulls are known as far as they were recorded: see pull_record(). Errors: 22023 n negative, no moment.';

CREATE OR REPLACE FUNCTION quay.manifest_unpulled_list(actor text, namespace text, repository text, before timestamptz, after text DEFAULT NULL,
                                                       n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false)
    RETURNS TABLE (digest text, media_type text, tags text[], pull_count bigint, last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    pulled_before timestamp := quay_internal.pulled_before_check(before);
    before_ms bigint := extract(epoch FROM before) * 1000;
    now_ms bigint := quay_internal.clock_ms();
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(manifest_unpulled_list.namespace,
                                                                                               manifest_unpulled_list.repository)],
                                                     scopes, unrestricted))[1];
    start text := coalesce(manifest_unpulled_list.after, '') COLLATE "C";
BEGIN
    RETURN QUERY
        SELECT m.digest::text, y.name::text, quay_internal.manifest_live_tags(m.id, now_ms), coalesce(s.manifest_pull_count, 0),
               s.last_manifest_pull_date
        FROM (SELECT m.id, m.digest, m.media_type_id
              FROM quay.manifest AS m
              WHERE m.repository_id = target_id AND m.digest > start
                AND ((SELECT s.last_manifest_pull_date FROM quay.manifestpullstatistics AS s
                      WHERE s.repository_id = target_id AND s.manifest_digest = m.digest) >= pulled_before) IS NOT TRUE
                AND quay_internal.manifest_is_alive(m.id, now_ms)
                -- A manifest has no time of its own: it is as old as its first tag, or that of an index that lists it.
                AND (EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id AND t.lifetime_start_ms < before_ms)
                     OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                                WHERE c.child_manifest_id = m.id AND t.lifetime_start_ms < before_ms))
              ORDER BY m.digest
              LIMIT page_size) AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        LEFT JOIN quay.manifestpullstatistics AS s ON s.repository_id = target_id AND s.manifest_digest = m.digest
        ORDER BY m.digest;
END
$$;
COMMENT ON FUNCTION quay.manifest_unpulled_list(text, text, text, timestamptz, text, integer, text, boolean) IS
    'Manifests of a repository that are alive, were there before that moment, and were not pulled since, by whatever tag or digest; in byte order of their digests, at most n, those after the digest after. tags: their live tags, the first 100; none for what only an index lists, or a hidden tag keeps. last_pulled in UTC; NULL: never. actor: NULL is anonymous; unrestricted: the caller has checked. No row also if there is no such repository for the actor. Errors: 22023 n negative, no moment.';

CREATE OR REPLACE FUNCTION quay.image_size_shared(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL,
                                                  unrestricted boolean DEFAULT false)
    RETURNS TABLE (blobs bigint, bytes bigint, repository_unique_bytes bigint, repository_shared_bytes bigint,
                   namespace_unique_bytes bigint, namespace_shared_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    source quay.manifest := quay_internal.image_find(actor, namespace, repository, reference, scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    owner_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = source.repository_id);
BEGIN
    IF source.id IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT count(*), coalesce(sum(b.size), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE NOT b.in_repository), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE b.in_repository), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE NOT b.in_repository AND NOT b.in_namespace), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE b.in_repository OR b.in_namespace), 0)::bigint
        FROM (SELECT coalesce(s.image_size, 0) AS size,
                     EXISTS (SELECT FROM quay.manifestblob AS o
                             WHERE o.repository_id = source.repository_id AND o.blob_id = s.id AND o.manifest_id <> ALL (images)) AS in_repository,
                     EXISTS (SELECT FROM quay_internal.blob_use AS u
                             WHERE u.namespace_id = owner_id AND u.blob_id = s.id AND u.repository_id NOT IN (0, source.repository_id)
                               AND EXISTS (SELECT FROM quay.manifestblob AS o
                                           WHERE o.repository_id = u.repository_id AND o.blob_id = u.blob_id)) AS in_namespace
              FROM quay.imagestorage AS s
              WHERE s.id IN (SELECT m.blob_id FROM quay.manifestblob AS m WHERE m.manifest_id = ANY (images))) AS b;
END
$$;
COMMENT ON FUNCTION quay.image_size_shared(text, text, text, text, text, boolean) IS
    'How many blobs an image (a tag or a digest; of an index: with all that it lists) uses, each once, and their bytes: those that no other manifest of the repository uses and those that one does, and the same for the namespace. What only history holds counts as use until it is collected. actor: NULL is anonymous; unrestricted: the caller has checked. No row: there is no such image for the actor. Errors: QY020, QY022.';

CREATE OR REPLACE FUNCTION quay_internal.tag_signatures(tag_ids bigint[], now_ms bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN ARRAY(
        SELECT s.id
        FROM quay.tag AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.tag AS s ON s.repository_id = t.repository_id AND NOT s.immutable
            AND s.name = ANY (ARRAY[replace(m.digest, ':', '-') || '.sig', replace(m.digest, ':', '-') || '.att',
                                    replace(m.digest, ':', '-') || '.sbom'])
            AND (s.lifetime_end_ms IS NULL OR s.lifetime_end_ms > now_ms)
        WHERE t.id = ANY (tag_ids) AND NOT quay_internal.tag_is_cosign(t.name)
          AND NOT EXISTS (SELECT FROM quay.tag AS o
                          WHERE o.manifest_id = t.manifest_id AND NOT o.hidden AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > now_ms)
                            AND o.id NOT IN (SELECT unnest(tag_ids)) AND NOT quay_internal.tag_is_cosign(o.name)));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_signatures(bigint[], bigint) IS
    'Live rows of the tags under which Cosign keeps signatures, attestations and SBOMs of the manifests that lose their last tag if these rows end: they end with them.';

CREATE OR REPLACE FUNCTION quay.tag_deletion_frees(namespace text, repository text, tags text[])
    RETURNS TABLE (scope text, manifests bigint, blobs bigint, bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
    keeps_immutable boolean := quay_internal.gc_keeps_immutable();
    ended bigint[];
    ending bigint[];
    anyway bigint[];
    won bigint[];
BEGIN
    -- The history and temporary tags go by themselves.
    ended := ARRAY(SELECT t.id FROM quay.tag AS t
                   WHERE t.repository_id = target_id AND (t.lifetime_end_ms <= now_ms OR t.hidden AND t.lifetime_end_ms IS NOT NULL)
                     AND NOT (t.immutable AND keeps_immutable));
    ending := ARRAY(SELECT t.id FROM quay.tag AS t
                    WHERE t.repository_id = target_id AND t.name = ANY (tag_deletion_frees.tags) AND NOT t.hidden
                      AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT (t.immutable AND keeps_immutable));
    anyway := quay_internal.gc_closure_manifests(ended);
    won := ARRAY(SELECT unnest(quay_internal.gc_closure_manifests(ended || ending || quay_internal.tag_signatures(ending, now_ms)))
                 EXCEPT SELECT unnest(anyway));
    RETURN QUERY
        WITH blob AS MATERIALIZED (
            SELECT * FROM quay_internal.gc_closure_blobs(won, quay_internal.utc_now(), besides => anyway)
        )
        SELECT s.scope, cardinality(won)::bigint, count(b.blob_id), coalesce(sum(b.size), 0)::bigint
        FROM (VALUES (1, 'repository'), (2, 'namespace'), (3, 'registry')) AS s (place, scope)
        LEFT JOIN blob AS b ON CASE s.scope WHEN 'namespace' THEN b.namespace_loses WHEN 'registry' THEN b.registry_loses ELSE true END
        GROUP BY s.place, s.scope
        ORDER BY s.place;
END
$$;
COMMENT ON FUNCTION quay.tag_deletion_frees(text, text, text[]) IS
    'What is won in the end by deleting these tags, all together: manifests that only they hold, with the signatures that end with them, and the blobs, each once, and bytes that the repository, its namespace and the registry then need no more. In the end: when the time for which the namespace keeps removed tags is over and the garbage collector was there; until then a deleted tag can be restored. What goes by itself, the history of the repository and what only that holds, neither counts as use nor is it won; what the history of other repositories holds counts as use. Names without a live tag, and immutable tags that never go, win nothing. A blob that was uploaded within quay.upload_expiration counts as used. It reads the history of the repository: a hundred thousand ended tags take about a second. Errors: QY002, QY003, QY004.';
