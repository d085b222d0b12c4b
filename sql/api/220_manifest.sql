-- Manifests: reading what they say, and pushing one with all that belongs to it.

CREATE OR REPLACE FUNCTION quay_internal.manifest_parse(manifest bytea, declared_type text,
        OUT digest text, OUT content text, OUT media_type text, OUT is_index boolean, OUT is_image boolean,
        OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
        OUT subject text, OUT artifact_type text, OUT layers_compressed_size bigint, OUT blobs text[],
        OUT children text[], OUT child_sizes bigint[], OUT annotations jsonb, OUT config_data bytea,
        OUT payload bytea, OUT name text, OUT tag text, OUT architecture text, OUT labels jsonb)
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_read';
COMMENT ON FUNCTION quay_internal.manifest_parse(bytea, text) IS
    'What a manifest says, after all checks that need no table. declared_type: as in Content-Type; NULL: the manifest itself says it. digest: its sha256. blobs: the digests that the registry must hold, config and local layers, each once. children: of an index, as listed. config_data: the config, if it is embedded. Docker schema 1 only: the name and the tag under which the manifest was made, its architecture, the labels of its uppermost image, and of a signed one the payload, of which the digest is made. Sizes in bytes. Errors: QY030 invalid, QY031 larger than quay.maximum_manifest_size, QY032 media type.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_annotations(content text) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_annotations';
COMMENT ON FUNCTION quay_internal.manifest_annotations(text) IS 'Annotations of a stored manifest, an object; NULL if it cannot be read. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.imageconfig_labels(config bytea, media_type text) RETURNS jsonb
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_imageconfig_labels';
COMMENT ON FUNCTION quay_internal.imageconfig_labels(bytea, text) IS
    'Labels of an image configuration of that media type, an object. Errors: QY036 invalid configuration.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_is_alive(manifest_id bigint, now_ms bigint, with_hidden boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.tag AS t
                   WHERE t.manifest_id = manifest_is_alive.manifest_id AND (with_hidden OR NOT t.hidden)
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
        OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                   WHERE c.child_manifest_id = manifest_is_alive.manifest_id AND (with_hidden OR NOT t.hidden)
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_is_alive(bigint, bigint, boolean) IS
    'Does a live tag point to the manifest or to an index that lists it? with_hidden: a temporary one counts.';

CREATE OR REPLACE FUNCTION quay_internal.digest_require(expected text, data bytea, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual text := quay_internal.digest_compute(data, quay_internal.digest_check(expected));
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = format('digest does not match the %s', what),
            DETAIL = format('Expected "%s", the %s bytes have "%s".', expected, length(data), actual),
            HINT = 'Send the bytes exactly as the client pushed them.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.digest_require(text, bytea, text) IS
    'Refuses bytes that have another digest. Errors: QY020 malformed, QY021 mismatch, QY022 unsupported algorithm.';

-- The parts of a push

CREATE OR REPLACE FUNCTION quay_internal.manifest_blobs_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
    present text[];
    missing text[];
    config_size bigint;
BEGIN
    -- The lock keeps the rows until the push commits; in order of id, so that two pushes cannot wait for each other.
    SELECT array_agg(b.id), min(b.image_size) FILTER (WHERE b.content_checksum = parsed.config_digest)
    INTO blob_ids, config_size
    FROM (SELECT b.id, b.content_checksum, b.image_size
          FROM quay.imagestorage AS b
          WHERE b.content_checksum = ANY (parsed.blobs)
          ORDER BY b.id FOR KEY SHARE) AS b;
    blob_ids := quay_internal.blob_held(repository_id, blob_ids);
    IF cardinality(blob_ids) IS DISTINCT FROM cardinality(parsed.blobs) THEN
        present := ARRAY(SELECT b.content_checksum::text FROM quay.imagestorage AS b WHERE b.id = ANY (blob_ids));
        missing := ARRAY(SELECT d.digest FROM unnest(parsed.blobs) AS d (digest) WHERE d.digest <> ALL (present) ORDER BY d.digest);
        RAISE EXCEPTION USING ERRCODE = 'QY033',
            MESSAGE = 'manifest refers to blobs that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Upload them with quay.upload_start(), or mount them with quay.blob_mount(), and push again.';
    END IF;
    IF config_size <> parsed.config_size THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest gives the wrong size of its config',
            DETAIL = format('Field config.size is %s, the blob "%s" has %s bytes.', parsed.config_size, parsed.config_digest, config_size),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(blob_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_blobs_require(bigint, record) IS
    'Ids of the blobs that a parsed manifest refers to, their rows locked. Errors: QY030 wrong size of the config, QY033 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_check(parsed record, child_ids bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT d.digest, d.size, octet_length(m.manifest_bytes) AS actual INTO wrong
    FROM quay.manifest AS m
    JOIN unnest(parsed.children, parsed.child_sizes) AS d (digest, size) ON d.digest = m.digest
    WHERE m.id = ANY (child_ids)
      AND m.manifest_bytes <> '' AND octet_length(m.manifest_bytes) <> d.size   -- '': only known, not held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong size of a manifest',
            DETAIL = format('It says %s for "%s", which has %s bytes.', wrong.size, wrong.digest, wrong.actual),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    -- A schema 1 manifest says itself what it runs on; no other kind does, and no other list has it.
    IF parsed.media_type <> 'application/vnd.docker.distribution.manifest.list.v2+json' THEN
        RETURN;
    END IF;
    SELECT m.digest, quay_internal.json_or_null(m.manifest_bytes) ->> 'architecture' AS actual, e.entry -> 'platform' ->> 'architecture' AS stated
    INTO wrong
    FROM json_array_elements(parsed.content::json -> 'manifests') AS e (entry)
    JOIN quay.manifest AS m ON m.digest = e.entry ->> 'digest' AND m.id = ANY (child_ids) AND m.manifest_bytes <> ''
    WHERE e.entry ->> 'mediaType' = 'application/vnd.docker.distribution.manifest.v1+json'
      AND quay_internal.json_or_null(m.manifest_bytes) ->> 'architecture' IS DISTINCT FROM e.entry -> 'platform' ->> 'architecture'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong architecture of a manifest',
            DETAIL = format('It says "%s" for "%s", which is made for "%s".', left(wrong.stated, 80), wrong.digest, left(wrong.actual, 80)),
            HINT = 'The platform in a descriptor must be that of the content.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_check(record, bigint[]) IS
    'Refuses (QY030) a parsed index that is wrong about the size of these manifests, or about the architecture of one of Docker schema 1.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_require(repository_id bigint, parsed record,
                                                                   OUT child_ids bigint[], OUT missing text[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present text[];
BEGIN
    SELECT coalesce(array_agg(m.id), '{}'), coalesce(array_agg(m.digest::text), '{}') INTO child_ids, present
    FROM (SELECT m.id, m.digest FROM quay.manifest AS m
          WHERE m.repository_id = manifest_children_require.repository_id AND m.digest = ANY (parsed.children)
          ORDER BY m.id FOR KEY SHARE) AS m;
    missing := ARRAY(SELECT DISTINCT d.digest FROM unnest(parsed.children) AS d (digest)
                     WHERE d.digest <> ALL (present) ORDER BY d.digest);
    IF missing <> '{}' AND NOT quay_internal.setting('sparse_index')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY034',
            MESSAGE = 'index lists manifests that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Push them by digest first, then the index.';
    END IF;
    PERFORM quay_internal.manifest_children_check(parsed, child_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_require(bigint, record) IS
    'Ids of the manifests that a parsed index lists, their rows locked, and the digests of those that the repository does not have, which only quay.sparse_index allows. Errors: QY030 wrong size or architecture, QY034 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_labels(parsed record, config bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF config IS NOT NULL THEN
        IF parsed.config_digest IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY036',
                MESSAGE = format('%s has no config', CASE WHEN parsed.is_index THEN 'an index' ELSE 'a schema 1 manifest' END),
                DETAIL = format('The manifest is of type "%s".', parsed.media_type),
                HINT = 'Pass config only with the manifest of an image that refers to one.';
        END IF;
        PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    END IF;
    config := coalesce(config, parsed.config_data);
    IF parsed.is_index THEN
        RETURN '{}';
    ELSIF parsed.labels IS NOT NULL THEN
        RETURN parsed.labels;
    ELSIF parsed.is_image AND config IS NOT NULL THEN
        RETURN quay_internal.imageconfig_labels(config, parsed.config_media_type) || parsed.annotations;
    END IF;
    RETURN parsed.annotations;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_labels(record, bytea) IS
    'Labels of a parsed manifest: those of its image configuration, if that is passed or embedded, overlaid by its annotations; of Docker schema 1 those of the uppermost image; an index has none. Errors: QY021 the config is another one, QY036 it is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.schema1_tags(name text, tag text, namespace text, repository text, tags text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name <> namespace || '/' || repository
       AND NOT (name = repository AND namespace = quay_internal.setting('library_namespace')
                AND quay_internal.setting('library_support')::boolean) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest was made for another repository',
            DETAIL = format('It names "%s", not "%s".', left(name, 80), left(namespace || '/' || repository, 80)),
            HINT = 'A Docker schema 1 manifest says where it belongs; push the image as Docker schema 2 or OCI.';
    END IF;
    IF tags <> ARRAY[tag] AND tags <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest was made for another tag',
            DETAIL = format('It names "%s", not "%s".', left(tag, 80), left(array_to_string(tags, ', '), 80)),
            HINT = 'A Docker schema 1 manifest says where it belongs; push the image as Docker schema 2 or OCI.';
    END IF;
    RETURN ARRAY[tag];
END
$$;
COMMENT ON FUNCTION quay_internal.schema1_tags(text, text, text, text, text[]) IS
    'The tags of a push of a Docker schema 1 manifest: the one that it names. Errors: QY030 it names another repository, or not the tags of the push.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_link_children(target_id bigint, manifest_id bigint, parsed record) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    children record;
BEGIN
    SELECT * INTO children FROM quay_internal.manifest_children_require(target_id, parsed);
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, manifest_link_children.manifest_id, c.id FROM unnest(children.child_ids) AS c (id)
    ON CONFLICT DO NOTHING;
    INSERT INTO quay_internal.missing_child (repository_id, digest, manifest_id)
    SELECT target_id, d.digest, manifest_link_children.manifest_id FROM unnest(children.missing) AS d (digest)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_link_children(bigint, bigint, record) IS
    'Links a parsed index to the manifests that it lists, and notes those that are still missing. Errors: QY030, QY034.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_link_parents(target_id bigint, manifest_id bigint, digest text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH arrived AS (
        DELETE FROM quay_internal.missing_child AS c
        WHERE c.repository_id = target_id AND c.digest = manifest_link_parents.digest
        RETURNING c.manifest_id
    )
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, arrived.manifest_id, manifest_link_parents.manifest_id FROM arrived
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_link_parents(bigint, bigint, text) IS
    'Links a manifest that has just arrived to the indexes that listed it before it was there.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_add(target_id bigint, stored_digest text, parsed record, labels jsonb,
                                                      OUT manifest_id bigint, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
BEGIN
    created := false;
    LOOP
        -- The lock keeps the row from being collected until the push commits.
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = target_id AND m.digest = stored_digest AND m.manifest_bytes <> ''
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN;
        END IF;

        IF quay_internal.setting('sparse_index')::boolean THEN
            -- An index and a manifest that it lists may arrive at once: the later one must see the other.
            PERFORM quay_internal.tag_lock(target_id);
        END IF;
        blob_ids := CASE WHEN parsed.blobs <> '{}' THEN quay_internal.manifest_blobs_require(target_id, parsed) ELSE '{}' END;
        IF parsed.subject IS NOT NULL THEN
            -- It need not exist. If it does it stays, since from now on something refers to it.
            PERFORM FROM quay.manifest AS m WHERE m.repository_id = target_id AND m.digest = parsed.subject FOR KEY SHARE;
        END IF;
        -- A row without bytes is a manifest that a proxy knows of but does not hold: it gets them now.
        INSERT INTO quay.manifest AS m (repository_id, digest, media_type_id, manifest_bytes, config_media_type,
                                        layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled)
        VALUES (target_id, stored_digest, (SELECT t.id FROM quay.mediatype AS t WHERE t.name = parsed.media_type),
                parsed.content, parsed.config_media_type, parsed.layers_compressed_size, parsed.subject, true,
                parsed.artifact_type, true)
        ON CONFLICT (repository_id, digest) DO UPDATE
            SET media_type_id = EXCLUDED.media_type_id, manifest_bytes = EXCLUDED.manifest_bytes,
                config_media_type = EXCLUDED.config_media_type, layers_compressed_size = EXCLUDED.layers_compressed_size,
                subject = EXCLUDED.subject, subject_backfilled = true,
                artifact_type = EXCLUDED.artifact_type, artifact_type_backfilled = true
            WHERE m.manifest_bytes = ''
        RETURNING m.id INTO manifest_id;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;
    created := true;

    IF blob_ids <> '{}' THEN
        PERFORM quay_internal.manifestblob_link(target_id, manifest_id, blob_ids);
    END IF;
    IF parsed.children <> '{}' THEN
        PERFORM quay_internal.manifest_link_children(target_id, manifest_id, parsed);
    END IF;
    PERFORM quay_internal.manifest_link_parents(target_id, manifest_id, stored_digest);
    -- index_status 0: waits for the scanner
    INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                             indexer_version, metadata_json)
    VALUES (manifest_add.manifest_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT DO NOTHING;
    IF labels <> '{}' THEN
        PERFORM quay_internal.label_add_many(target_id, manifest_id, labels, 'manifest');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_add(bigint, text, record, jsonb) IS
    'The row of a parsed manifest in a repository, made with all that hangs on it if there is none. Errors: QY030, QY033, QY034, QY055, QY056.';

CREATE OR REPLACE FUNCTION quay.manifest_put(namespace text, repository text, manifest bytea, OUT manifest_id bigint, OUT digest text,
                                             INOUT media_type text DEFAULT NULL, INOUT tags text[] DEFAULT '{}',
                                             expected_digest text DEFAULT NULL, config bytea DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL,
                                             OUT size bigint, OUT subject text, OUT artifact_type text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    parsed record;
    labels jsonb;
    target quay.repository;
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    parsed := quay_internal.manifest_parse(manifest, manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest <> digest THEN
        PERFORM quay_internal.digest_require(expected_digest, coalesce(parsed.payload, manifest), 'manifest');
        digest := expected_digest;
    END IF;
    tags := ARRAY(SELECT DISTINCT t.name FROM unnest(manifest_put.tags) AS t (name) ORDER BY t.name);
    IF parsed.tag IS NOT NULL THEN
        tags := quay_internal.schema1_tags(parsed.name, parsed.tag, namespace, repository, tags);
    END IF;
    PERFORM quay_internal.name_check('tag', t.name) FROM unnest(tags) AS t (name)
    WHERE t.name IS NULL OR quay_internal.name_problem('tag', t.name) IS NOT NULL;
    labels := quay_internal.manifest_labels(parsed, config);

    target := quay_internal.repository_get(namespace, repository, lock => true);
    PERFORM quay_internal.repository_require_writable(target, actor);

    SELECT a.manifest_id, a.created INTO manifest_id, created
    FROM quay_internal.manifest_add(target.id, digest, parsed, labels) AS a;
    IF parsed.children <> '{}' THEN
        PERFORM quay_internal.manifest_keep(target.id,
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = manifest_put.manifest_id),
            quay_internal.setting('temporary_tag_expiration')::integer);
    END IF;

    IF tags = '{}' THEN
        -- A referrer is found through its subject and has no other tag that would keep it.
        PERFORM quay_internal.manifest_keep(target.id, ARRAY[manifest_id],
            CASE WHEN parsed.subject IS NULL THEN quay_internal.setting('upload_expiration')::integer END);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', digest), ip);
    ELSE
        PERFORM quay_internal.tag_retarget_many(target, tags, manifest_id);
        PERFORM quay_internal.log_add_many('push_repo', target.namespace_user_id, performer_id, target.id,
            ARRAY(SELECT jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest)
                  FROM unnest(tags) AS t (name)), ip);
        PERFORM quay_internal.event_notify(target, namespace, 'repo_push', jsonb_build_object('updated_tags', tags), actor);
    END IF;
    IF created AND parsed.blobs <> '{}' THEN
        PERFORM quay_internal.quota_warn(target.namespace_user_id, namespace);
    END IF;

    media_type := parsed.media_type;
    size := length(manifest);
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
END
$$;
COMMENT ON FUNCTION quay.manifest_put(text, text, bytea, text, text[], text, bytea, text, text) IS
    'Pushes a manifest: its row, links to blobs and children, labels, the mark for the scanner, tags, audit and the event repo_push, or nothing. The bytes are kept exactly. media_type: as declared by the client, NULL if it said nothing. tags: without any the manifest is kept for quay.upload_expiration seconds, for ever if it has a subject. A Docker schema 1 manifest names its repository and its tag, and gets that one; its digest is made of what is signed. expected_digest: refuses other bytes; a sha512 digest is also the digest under which the manifest is stored, which otherwise is its sha256. config: bytes of the config blob, from which the labels of an image are read; not needed if they are embedded in the descriptor. All blobs must be here, embedded ones too; non-distributable layers need not. With quay.sparse_index an index may list manifests that are not here yet: each is linked when it arrives. created is false if the repository had the manifest already. Errors: QY002, QY003, QY004, QY005, QY007, QY020, QY021, QY022, QY030, QY031, QY032, QY033, QY034, QY036, QY040, QY041, QY055 a blob is being deleted (retry), QY056 a quota would be exceeded, 40001.';

-- Rows of the reference that are older than some columns, or were filled in wrongly.

CREATE OR REPLACE FUNCTION quay_internal.manifest_fields_fill(ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.manifest AS m
    SET subject = left(d.document -> 'subject' ->> 'digest', 255), subject_backfilled = true,
        artifact_type = left(nullif(d.document ->> 'artifactType', ''), 255), artifact_type_backfilled = true,
        config_media_type = coalesce(m.config_media_type, left(d.document -> 'config' ->> 'mediaType', 255))
    FROM (SELECT r.id, quay_internal.json_or_null(r.manifest_bytes) AS document FROM quay.manifest AS r
          WHERE r.id = ANY (manifest_fields_fill.ids)) AS d
    WHERE m.id = d.id;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_fields_fill(bigint[]) IS
    'Fills in subject, artifact type and media type of the config of these manifests, from their bytes.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_backfill_next(after bigint, n integer, OUT last_key bigint, OUT changed integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    last_key := (SELECT max(m.id) FROM (SELECT m.id FROM quay.manifest AS m WHERE m.id > manifest_backfill_next.after
                                        ORDER BY m.id LIMIT manifest_backfill_next.n) AS m);
    ids := ARRAY(SELECT m.id FROM quay.manifest AS m
                 WHERE m.id > manifest_backfill_next.after AND m.id <= last_key
                   AND (m.subject LIKE '(%' OR m.subject_backfilled IS NOT TRUE OR m.artifact_type_backfilled IS NOT TRUE)
                 ORDER BY m.id FOR NO KEY UPDATE);
    PERFORM quay_internal.manifest_fields_fill(ids);
    changed := cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_backfill_next(bigint, integer) IS
    'What manifest_backfill() does, in the order of the ids: the backfill manifest_fields.';

CREATE OR REPLACE FUNCTION quay.manifest_backfill(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch_size integer := quay_internal.batch_size(n);
    ids bigint[];
BEGIN
    -- One branch for each of the small indexes.
    ids := ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.subject LIKE '(%' ORDER BY m.id LIMIT batch_size FOR NO KEY UPDATE SKIP LOCKED);
    ids := ids || ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.subject_backfilled IS NOT TRUE AND m.id <> ALL (ids)
                        ORDER BY m.id LIMIT batch_size - cardinality(ids) FOR NO KEY UPDATE SKIP LOCKED);
    ids := ids || ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.artifact_type_backfilled IS NOT TRUE AND m.id <> ALL (ids)
                        ORDER BY m.id LIMIT batch_size - cardinality(ids) FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM quay_internal.manifest_fields_fill(ids);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay.manifest_backfill(integer) IS
    'Fills in subject, artifact type and media type of the config, from their bytes, of at most n manifests that came from an older database without them, or with a subject that is no digest. Returns how many it has done: 0 when there is no more, or when other sessions are at the rest. For maintenance after a migration. Errors: 22023 n not positive.';
