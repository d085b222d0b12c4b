-- Content of proxy caches: storing what was fetched with placeholders for what was not, and making room for it.

-- Making room: what was cached becomes a placeholder again

CREATE OR REPLACE FUNCTION quay_internal.proxy_evict_plan(namespace_id bigint, bytes bigint, kept_blobs bigint[] DEFAULT '{}',
                                                          kept_manifests bigint[] DEFAULT '{}')
    RETURNS TABLE (manifest_id bigint, repository_id bigint, end_ms bigint, freed_bytes bigint, freed_blobs bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    never CONSTANT bigint := 9223372036854775807;
    keeps_immutable boolean := quay_internal.setting('immutable_tags')::boolean;
BEGIN
    RETURN QUERY
        WITH RECURSIVE held AS (
            -- Until when the tags of each manifest hold it, dead ones too; NULL: it has none.
            SELECT m.id, m.repository_id, m.manifest_bytes <> '' AS present,
                   CASE WHEN m.id = ANY (kept_manifests)
                          OR bool_or(t.id IS NOT NULL AND (t.lifetime_end_ms IS NULL OR t.immutable AND keeps_immutable)) THEN never
                        ELSE max(t.lifetime_end_ms) END AS end_ms
            FROM quay.repository AS r
            JOIN quay.manifest AS m ON m.repository_id = r.id
            LEFT JOIN quay.tag AS t ON t.manifest_id = m.id
            WHERE r.namespace_user_id = proxy_evict_plan.namespace_id
            GROUP BY m.id
        ), holder AS (
            SELECT h.id, h.end_ms FROM held AS h WHERE h.end_ms IS NOT NULL
            UNION
            SELECT c.child_manifest_id, h.end_ms FROM holder AS h JOIN quay.manifestchild AS c ON c.manifest_id = h.id
        ), released AS MATERIALIZED (
            -- What nothing holds is left to the garbage collector.
            SELECT h.id, h.repository_id, h.present, coalesce(o.end_ms, never) AS end_ms
            FROM held AS h
            LEFT JOIN (SELECT o.id, max(o.end_ms) AS end_ms FROM holder AS o GROUP BY o.id) AS o ON o.id = h.id
        ), freed AS MATERIALIZED (
            -- A blob becomes free with the last manifest that has it.
            SELECT DISTINCT ON (b.blob_id) b.blob_id, r.id, r.end_ms, u.size
            FROM released AS r
            JOIN quay.manifestblob AS b ON b.manifest_id = r.id
            JOIN quay_internal.blob_use AS u
                ON u.namespace_id = proxy_evict_plan.namespace_id AND u.blob_id = b.blob_id AND u.repository_id = 0
            ORDER BY b.blob_id, r.end_ms DESC, r.id DESC
        ), enough AS (
            SELECT min(s.end_ms) AS end_ms
            FROM (SELECT f.end_ms, sum(sum(f.size)) OVER (ORDER BY f.end_ms) AS total
                  FROM freed AS f WHERE f.end_ms < never AND f.blob_id <> ALL (kept_blobs) GROUP BY f.end_ms) AS s
            WHERE s.total >= proxy_evict_plan.bytes
        )
        SELECT r.id, r.repository_id, r.end_ms, coalesce(sum(f.size) FILTER (WHERE f.blob_id <> ALL (kept_blobs)), 0)::bigint,
               coalesce(array_agg(f.blob_id) FILTER (WHERE f.blob_id IS NOT NULL AND f.blob_id <> ALL (kept_blobs)), '{}'::bigint[])
        FROM released AS r
        LEFT JOIN freed AS f ON f.id = r.id
        WHERE r.present AND r.end_ms <= (SELECT e.end_ms FROM enough AS e)
        GROUP BY r.id, r.repository_id, r.end_ms
        ORDER BY r.end_ms, r.id;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_evict_plan(bigint, bigint, bigint[], bigint[]) IS
    'Manifests of a namespace that are to go so that it has at least that many bytes less: those that their tags, and the indexes that list them, hold for the shortest time, in this order. freed_blobs: the blobs that no manifest of the namespace has any more when this one is gone. kept_blobs are not counted, kept_manifests stay. No row: all that could go would not suffice. Reads all manifests, tags and uses of blobs of the namespace.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_evict_manifests(namespace_id bigint, manifest_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    gone_ms bigint := now_ms - (SELECT u.removed_tag_expiration_s * 1000::bigint FROM quay."user" AS u
                                WHERE u.id = proxy_evict_manifests.namespace_id);
    held record;
BEGIN
    FOR held IN
        SELECT r AS repository, t AS tag
        FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
        WHERE t.manifest_id = ANY (manifest_ids) AND t.lifetime_end_ms > gone_ms
        ORDER BY t.id
    LOOP
        IF NOT (held.tag).hidden AND (held.tag).lifetime_end_ms > now_ms THEN
            PERFORM quay_internal.tag_expire(held.repository, held.tag, now_ms);
        END IF;
        PERFORM quay_internal.tag_end((held.tag).id, gone_ms);
    END LOOP;

    DELETE FROM quay.manifestlabel AS l WHERE l.manifest_id = ANY (manifest_ids);
    DELETE FROM quay.manifestchild AS c WHERE c.manifest_id = ANY (manifest_ids);
    DELETE FROM quay.manifestblob AS b WHERE b.manifest_id = ANY (manifest_ids);
    -- -2: not for the scanner as long as its layers are not here
    UPDATE quay.manifestsecuritystatus AS s SET index_status = -2, indexer_hash = 'none', last_indexed = quay_internal.utc_now()
    WHERE s.manifest_id = ANY (manifest_ids);
    UPDATE quay.manifest AS m SET manifest_bytes = '', layers_compressed_size = NULL WHERE m.id = ANY (manifest_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_evict_manifests(bigint, bigint[]) IS
    'Makes manifests of a proxy cache placeholders again, without blobs, children or labels, and ends their tags for good: not even a restore brings them back. The caller holds tag_lock() of their repositories, and the manifests FOR UPDATE.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_make_room(config quay.proxycacheconfig, bytes bigint, kept_blobs bigint[],
                                                         dry_run boolean DEFAULT false)
    RETURNS TABLE (manifest_id bigint, freed_bytes bigint, end_ms bigint, tags text[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step record;
    planned bigint[];
    sizes bigint[];
    ends bigint[];
    repositories bigint[];
    blobs bigint[];
    locked bigint[] := '{}'::bigint[];
    busy bigint[] := '{}'::bigint[];
    missed bigint[];
    target_id bigint;
    now_ms bigint;
BEGIN
    LOOP
        planned := '{}'::bigint[];
        sizes := planned;
        ends := planned;
        repositories := planned;
        blobs := planned;
        FOR step IN SELECT * FROM quay_internal.proxy_evict_plan(config.organization_id, bytes, kept_blobs, busy) LOOP
            planned := planned || step.manifest_id;
            sizes := sizes || step.freed_bytes;
            ends := ends || step.end_ms;
            repositories := repositories || step.repository_id;
            blobs := blobs || step.freed_blobs;
        END LOOP;
        IF planned = '{}' THEN
            RAISE EXCEPTION USING ERRCODE = 'QY056',
                MESSAGE = 'quota exceeded',
                DETAIL = format('The proxy cache "%s" would have to free %s bytes, which is more than ending all cached tags would free.',
                    (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id), bytes),
                HINT = 'Delete tags that never expire, or ask an administrator of the organization for a higher quota.';
        END IF;
        EXIT WHEN dry_run;
        -- Who changes a tag has this lock: once we have all, what we plan stays.
        IF NOT repositories <@ locked THEN
            FOR target_id IN SELECT DISTINCT r.id FROM unnest(repositories) AS r (id) WHERE r.id <> ALL (locked) ORDER BY r.id LOOP
                PERFORM quay_internal.tag_lock(target_id);
                locked := locked || target_id;
            END LOOP;
            CONTINUE;
        END IF;

        -- What somebody is using right now stays.
        missed := ARRAY(SELECT p.id FROM unnest(planned) AS p (id)
                        EXCEPT ALL
                        SELECT m.id FROM (SELECT m.id FROM quay.manifest AS m WHERE m.id = ANY (planned) FOR UPDATE SKIP LOCKED) AS m);
        busy := busy || missed;
        CONTINUE WHEN missed <> '{}';
        missed := ARRAY(SELECT b.id FROM unnest(blobs) AS b (id)
                        EXCEPT ALL
                        SELECT b.id FROM (SELECT b.id FROM quay.imagestorage AS b WHERE b.id = ANY (blobs)
                                          ORDER BY b.id FOR UPDATE SKIP LOCKED) AS b);
        kept_blobs := kept_blobs || missed;
        EXIT WHEN missed = '{}';
    END LOOP;

    now_ms := quay_internal.clock_ms();
    RETURN QUERY
        SELECT p.id, p.size, p.end_ms,
               ARRAY(SELECT DISTINCT t.name::text FROM quay.tag AS t
                     WHERE t.manifest_id = p.id AND NOT t.hidden AND t.lifetime_end_ms > now_ms ORDER BY 1)
        FROM unnest(planned, sizes, ends) AS p (id, size, end_ms)
        ORDER BY p.end_ms, p.id;
    IF NOT dry_run THEN
        PERFORM quay_internal.proxy_evict_manifests(config.organization_id, planned);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_make_room(quay.proxycacheconfig, bigint, bigint[], boolean) IS
    'Evicts from a proxy cache what proxy_evict_plan() says, and answers it. The caller holds the row of the configuration: one at a time. Errors: QY056 it would not suffice; then nothing has changed.';

CREATE OR REPLACE FUNCTION quay.proxy_evict(namespace text, needed_bytes bigint, dry_run boolean DEFAULT false)
    RETURNS TABLE (repository text, digest text, tags text[], freed_bytes bigint, lifetime_end_ms bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.proxycacheconfig := quay_internal.proxy_cache_require(namespace);
BEGIN
    IF needed_bytes IS NULL OR needed_bytes < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of bytes must be positive',
            DETAIL = format('It is %s.', coalesce(needed_bytes::text, 'NULL')),
            HINT = 'Pass how many bytes are to be freed.';
    END IF;
    IF NOT dry_run THEN
        PERFORM FROM quay.proxycacheconfig AS c WHERE c.id = config.id FOR UPDATE;
    END IF;
    RETURN QUERY
        SELECT r.name::text, m.digest::text, e.tags, e.freed_bytes, e.end_ms
        FROM quay_internal.proxy_make_room(config, needed_bytes, '{}', dry_run) AS e
        JOIN quay.manifest AS m ON m.id = e.manifest_id
        JOIN quay.repository AS r ON r.id = m.repository_id
        ORDER BY e.end_ms, m.id;
END
$$;
COMMENT ON FUNCTION quay.proxy_evict(text, bigint, boolean) IS
    'Frees at least that many bytes of a proxy cache: what its tags hold for the shortest time goes first, expired tags before live ones, and their tags end for good. Tags without an end and immutable tags stay, and so does what somebody is pulling right now. One row for each manifest that went: it is a placeholder again, and comes back with the next pull. tags: those that were live; freed_bytes: of blobs that no other manifest of the organization has, so that the sum is exactly what it holds less; lifetime_end_ms: when the last tag would have ended. dry_run: only says what would go. proxy_manifest_put() does this by itself under a quota. Reads all manifests and tags of the organization. Errors: 22023 not positive, QY002 organization unknown or a person, QY004 disabled, QY056 not so much can be freed: then nothing goes, QY084 not a proxy cache.';

-- Placeholders

CREATE OR REPLACE FUNCTION quay_internal.manifest_descriptors(content text) RETURNS TABLE (digest text, media_type text, size bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document jsonb := quay_internal.json_read(content);
BEGIN
    RETURN QUERY
        SELECT DISTINCT ON (1) d.value ->> 'digest', d.value ->> 'mediaType', (d.value ->> 'size')::bigint
        FROM (SELECT document -> 'config' AS value
              UNION ALL SELECT jsonb_path_query(document, '$.layers[*]')
              UNION ALL SELECT jsonb_path_query(document, '$.manifests[*]')) AS d
        WHERE d.value ->> 'digest' IS NOT NULL
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_descriptors(text) IS
    'What a manifest that manifest_parse() accepted refers to, each digest once, with the declared type and size in bytes: config and layers, or children.';

CREATE OR REPLACE FUNCTION quay_internal.placeholder_blobs(digests text[], sizes bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ids bigint[];
BEGIN
    LOOP
        -- In order, so that two pulls cannot wait for each other.
        INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
        SELECT gen_random_uuid()::text, d.size, false, true, d.digest
        FROM unnest(digests, sizes) AS d (digest, size)
        WHERE NOT EXISTS (SELECT FROM quay.imagestorage AS b WHERE b.content_checksum = d.digest)
        ORDER BY d.digest
        ON CONFLICT (content_checksum) DO NOTHING;
        ids := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.content_checksum = ANY (digests) ORDER BY b.id FOR KEY SHARE);
        EXIT WHEN cardinality(ids) = cardinality(digests);
        -- One was collected between the two statements.
    END LOOP;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION quay_internal.placeholder_blobs(text[], bigint[]) IS
    'Ids of the blobs of these digests, each given once, their rows locked; those that are unknown are made, with the declared size and without a placement.';

CREATE OR REPLACE FUNCTION quay_internal.placeholder_manifests(repository_id bigint, digests text[], media_types text[]) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ids bigint[];
BEGIN
    LOOP
        INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, subject_backfilled, artifact_type_backfilled)
        SELECT placeholder_manifests.repository_id, d.digest, y.id, '', true, true
        FROM unnest(digests, media_types) AS d (digest, media_type)
        JOIN quay.mediatype AS y ON y.name = coalesce(d.media_type, 'application/vnd.oci.image.manifest.v1+json')
        WHERE NOT EXISTS (SELECT FROM quay.manifest AS m
                          WHERE m.repository_id = placeholder_manifests.repository_id AND m.digest = d.digest)
        ORDER BY d.digest
        ON CONFLICT DO NOTHING;
        ids := ARRAY(SELECT m.id FROM quay.manifest AS m
                     WHERE m.repository_id = placeholder_manifests.repository_id AND m.digest = ANY (digests)
                     ORDER BY m.id FOR KEY SHARE);
        EXIT WHEN cardinality(ids) = cardinality(digests);
    END LOOP;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION quay_internal.placeholder_manifests(bigint, text[], text[]) IS
    'Ids of the manifests of these digests, each given once, in a repository, their rows locked; those that are unknown are made, of that type and without bytes.';

-- Storing

CREATE OR REPLACE FUNCTION quay_internal.proxy_repository(namespace text, repository text, visibility text, actor text, ip text)
    RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.repository_find(namespace, repository) IS NULL THEN
        BEGIN
            -- A robot of somebody else may pull, but gets no right of its own.
            PERFORM quay.repository_create(namespace => proxy_repository.namespace, name => repository, visibility => proxy_repository.visibility,
                creator => CASE WHEN strpos(actor, '+') = 0 OR split_part(actor, '+', 1) = proxy_repository.namespace THEN actor END,
                actor => proxy_repository.actor, ip => proxy_repository.ip, proxy_cache => true);
        EXCEPTION WHEN SQLSTATE 'QY006' THEN
            -- Another pull was faster.
            NULL;
        END;
    END IF;
    RETURN quay_internal.repository_get(namespace, repository, lock => true);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_repository(text, text, text, text, text) IS
    'The repository of a proxy cache, created if there is none, with the right to read it for the actor. Errors: those of quay.repository_create() but for a name that is taken.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_admit(config quay.proxycacheconfig, blob_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ceiling bigint := quay_internal.namespace_limit(config.organization_id);
    bytes bigint;
    evicted integer := 0;
BEGIN
    IF ceiling IS NULL OR blob_ids = '{}' THEN
        RETURN 0;
    END IF;
    -- One at a time: the next one sees what we add and evict.
    PERFORM FROM quay.proxycacheconfig AS c WHERE c.id = config.id FOR UPDATE;
    SELECT coalesce(sum(b.image_size), 0) INTO bytes FROM quay.imagestorage AS b
    WHERE b.id = ANY (blob_ids)
      AND NOT EXISTS (SELECT FROM quay_internal.blob_use AS u
                      WHERE u.namespace_id = config.organization_id AND u.blob_id = b.id AND u.repository_id = 0);
    IF bytes = 0 THEN
        RETURN 0;
    END IF;
    bytes := bytes + quay_internal.size_of(config.organization_id) + quay_internal.size_reserved(config.organization_id) - (ceiling - 1);
    IF bytes > 0 THEN
        evicted := (SELECT count(*) FROM quay_internal.proxy_make_room(config, bytes, blob_ids));
    END IF;
    RETURN evicted;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_admit(quay.proxycacheconfig, bigint[]) IS
    'Makes room under the quota of a proxy cache for blobs that it is to have, and answers how many manifests had to go. Errors: QY056 there is no room for them.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_download(repository quay.repository, namespace text, manifest_id bigint, username text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    missing text[] := ARRAY(
        SELECT b.content_checksum::text
        FROM quay.manifestblob AS m JOIN quay.imagestorage AS b ON b.id = m.blob_id
        WHERE m.manifest_id = proxy_download.manifest_id
          AND NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = b.id)
        ORDER BY b.id);
BEGIN
    -- 0: waits for the scanner; -2: not for it as long as its layers are not here
    UPDATE quay.manifestsecuritystatus AS s SET index_status = CASE WHEN missing = '{}' THEN 0 ELSE -2 END, indexer_hash = '',
                                                last_indexed = quay_internal.utc_now()
    WHERE s.manifest_id = proxy_download.manifest_id;
    PERFORM quay_internal.queue_add(i.path,
        jsonb_build_object('digest', i.digest, 'repo_id', repository.id, 'username', proxy_download.username, 'namespace', proxy_download.namespace),
        interval '5 seconds')
    FROM (SELECT d.digest, quay_internal.queue_path('proxycacheblob', proxy_download.namespace, repository.id::text, d.digest) AS path
          FROM unnest(missing) AS d (digest)) AS i
    WHERE NOT EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = i.path AND q.retries_remaining > 0);
    RETURN cardinality(missing);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_download(quay.repository, text, bigint, text) IS
    'Queues the download of the blobs of a manifest whose bytes are not here, each unless it is queued for the repository already, for some seconds later: the client that pulls now may bring them. Until then the manifest is not for the scanner. Returns how many blobs are missing.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_add(repository quay.repository, stored_digest text, parsed record,
                                                            config quay.proxycacheconfig,
                                                            OUT manifest_id bigint, OUT created boolean, OUT evicted integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    declared record;
    blob_ids bigint[];
    child_ids bigint[];
BEGIN
    SELECT coalesce(array_agg(b.digest ORDER BY b.digest), '{}') AS digests, array_agg(d.size ORDER BY b.digest) AS sizes INTO declared
    FROM unnest(parsed.blobs) AS b (digest) LEFT JOIN quay_internal.manifest_descriptors(parsed.content) AS d USING (digest);
    blob_ids := quay_internal.placeholder_blobs(declared.digests, declared.sizes);
    evicted := quay_internal.proxy_admit(config, blob_ids);
    SELECT coalesce(array_agg(c.digest ORDER BY c.digest), '{}') AS digests, array_agg(d.media_type ORDER BY c.digest) AS types INTO declared
    FROM (SELECT DISTINCT c.digest FROM unnest(parsed.children) AS c (digest)) AS c
    LEFT JOIN quay_internal.manifest_descriptors(parsed.content) AS d USING (digest);
    child_ids := quay_internal.placeholder_manifests(repository.id, declared.digests, declared.types);

    -- A placeholder itself until manifest_add() fills it: so the repository has its blobs.
    manifest_id := (quay_internal.placeholder_manifests(repository.id, ARRAY[stored_digest], ARRAY[parsed.media_type]))[1];
    PERFORM quay_internal.manifestblob_link(repository.id, manifest_id, blob_ids);
    -- Labels would be rules of the upstream registry for our tags, so there are none.
    SELECT a.created INTO created FROM quay_internal.manifest_add(repository.id, stored_digest, parsed, '{}') AS a;
    PERFORM quay_internal.manifest_keep(repository.id, child_ids, nullif(config.expiration_s, 0));
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_add(quay.repository, text, record, quay.proxycacheconfig) IS
    'The row of a parsed manifest in a repository of a proxy cache, made or filled if it is not here, with placeholders for its blobs, or for its children, which the cache keeps for its time. Errors: QY030, QY055 a blob is being deleted, QY056 quota exceeded.';

CREATE OR REPLACE FUNCTION quay.proxy_manifest_put(namespace text, repository text, manifest bytea, OUT manifest_id bigint, OUT digest text,
                                                   INOUT media_type text DEFAULT NULL, tag text DEFAULT NULL, expected_digest text DEFAULT NULL,
                                                   visibility text DEFAULT 'private', actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                   OUT repository_id bigint, OUT lifetime_end_ms bigint, OUT created boolean, OUT evicted integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    config quay.proxycacheconfig := quay_internal.proxy_cache_require(namespace);
    parsed record;
    target quay.repository;
    holder quay.tag;
BEGIN
    PERFORM quay_internal.actor_id(actor);
    parsed := quay_internal.manifest_parse(manifest, proxy_manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest <> digest THEN
        PERFORM quay_internal.digest_require(expected_digest, coalesce(parsed.payload, manifest), 'manifest');
        digest := expected_digest;
    END IF;
    IF proxy_manifest_put.tag IS NOT NULL THEN
        PERFORM quay_internal.name_check('tag', proxy_manifest_put.tag);
    END IF;
    target := quay_internal.proxy_repository(namespace, repository, visibility, actor, ip);
    PERFORM quay_internal.repository_require_writable(target, actor);

    holder := quay_internal.tag_find(target.id, proxy_manifest_put.tag, quay_internal.clock_ms());
    created := false;
    evicted := 0;
    IF NOT (holder.immutable IS TRUE AND quay_internal.setting('immutable_tags')::boolean) THEN
        SELECT a.manifest_id, a.created, a.evicted INTO manifest_id, created, evicted
        FROM quay_internal.proxy_manifest_add(target, digest, parsed, config) AS a;
        IF created THEN
            PERFORM quay_internal.proxy_download(target, namespace, manifest_id, actor);
        END IF;
        IF proxy_manifest_put.tag IS NOT NULL THEN
            holder := quay_internal.proxy_tag_point(target, proxy_manifest_put.tag, manifest_id, config);
        END IF;
        IF holder.manifest_id IS DISTINCT FROM manifest_id THEN
            -- By digest; or the tag has just become immutable.
            PERFORM quay_internal.proxy_manifest_keep(target, manifest_id, config);
        END IF;
        IF proxy_manifest_put.tag IS NULL THEN
            holder := (quay_internal.proxy_manifest_find(target.id, digest)).tag;
        END IF;
    END IF;

    SELECT m.id, m.digest, y.name INTO manifest_id, digest, media_type
    FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id WHERE m.id = holder.manifest_id;
    repository_id := target.id;
    lifetime_end_ms := holder.lifetime_end_ms;
END
$$;
COMMENT ON FUNCTION quay.proxy_manifest_put(text, text, bytea, text, text, text, text, text, text) IS
    'Stores a manifest that a front end has fetched from the upstream registry of a proxy cache, for the pull of a tag, or of a digest (tag NULL): its row, or the bytes of its placeholder; a blob without a placement, with its declared size, for each blob that is unknown; a placeholder for each child of an index; the tag, all for the time that the cache keeps tags; and an item of the queue proxycacheblob for each blob whose bytes are not here. All or nothing, and of two pulls at once the second finds what the first has stored.
The repository is created if there is none, with that visibility and the right to read it for the actor: ask before whether he may. expected_digest: refuses other bytes. An immutable tag stays where it is, and the result is its manifest. Labels are not taken over. lifetime_end_ms: until when it is cached, in ms since 1970, NULL for ever; created: the bytes are new here. Under a quota, evicted manifests had to go to make room, as with proxy_evict(). Nothing is logged but the creation of a repository.
The bytes of blobs come through upload_start() and upload_finish(); call proxy_blob_arrived() then.
Errors: QY001, QY002, QY003, QY004, QY005, QY007, QY009, QY020, QY021, QY022, QY030, QY031, QY032, QY040, QY055 a blob is being deleted, try again, QY056 quota exceeded, QY084 not a proxy cache, 40001.';

CREATE OR REPLACE FUNCTION quay.proxy_blob_arrived(namespace text, repository text, digest text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    complete bigint[];
    reset integer;
BEGIN
    -- Locked first: of two last blobs at once the second sees the placement of the first.
    PERFORM FROM quay.manifest AS m
    WHERE m.id IN (SELECT l.manifest_id FROM quay.manifestblob AS l JOIN quay.imagestorage AS b ON b.id = l.blob_id
                   WHERE l.repository_id = target_id AND b.content_checksum = proxy_blob_arrived.digest)
    ORDER BY m.id FOR NO KEY UPDATE;
    complete := ARRAY(
        SELECT DISTINCT l.manifest_id
        FROM quay.manifestblob AS l JOIN quay.imagestorage AS b ON b.id = l.blob_id
        WHERE l.repository_id = target_id AND b.content_checksum = proxy_blob_arrived.digest
          AND NOT EXISTS (SELECT FROM quay.manifestblob AS o
                          WHERE o.manifest_id = l.manifest_id
                            AND NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = o.blob_id)));
    -- -2: unsupported, which is also what waits for its blobs
    INSERT INTO quay.manifestsecuritystatus AS s (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                                  indexer_version, metadata_json)
    SELECT c.id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}' FROM unnest(complete) AS c (id) ORDER BY c.id
    ON CONFLICT (manifest_id) DO UPDATE
        SET index_status = EXCLUDED.index_status, error_json = EXCLUDED.error_json, last_indexed = EXCLUDED.last_indexed,
            indexer_hash = EXCLUDED.indexer_hash
        WHERE s.index_status = -2;
    GET DIAGNOSTICS reset = ROW_COUNT;
    RETURN reset;
END
$$;
COMMENT ON FUNCTION quay.proxy_blob_arrived(text, text, text) IS
    'Says that the bytes of a blob of a proxy cache have come, through upload_finish(), or were there already when the worker of the queue proxycacheblob took its item. Manifests of the repository that now have all their blobs are handed to the scanner; returns how many. 0 if the repository or the blob is unknown.';
