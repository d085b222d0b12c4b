-- Manifests: reading what they say, and pushing one with all that belongs to it.

CREATE OR REPLACE FUNCTION quay_internal.manifest_parse(manifest bytea, declared_type text,
        OUT digest text, OUT content text, OUT media_type text, OUT is_index boolean, OUT is_image boolean,
        OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
        OUT subject text, OUT artifact_type text, OUT layers_compressed_size bigint, OUT blobs text[],
        OUT children text[], OUT child_sizes bigint[], OUT annotations jsonb)
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_describe';
COMMENT ON FUNCTION quay_internal.manifest_parse(bytea, text) IS
    'What a manifest says, after all checks that need no table. declared_type: as in Content-Type; NULL: the manifest itself says it. digest: its sha256. blobs: the digests that the registry must hold, config and local layers, each once. children: of an index, as listed. Sizes in bytes. Errors: QY030 invalid, QY031 larger than quay.maximum_manifest_size, QY032 media type.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_annotations(content text) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_annotations';
COMMENT ON FUNCTION quay_internal.manifest_annotations(text) IS 'Annotations of a stored manifest, an object; NULL if it cannot be read. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.imageconfig_labels(config bytea, media_type text) RETURNS jsonb
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_imageconfig_labels';
COMMENT ON FUNCTION quay_internal.imageconfig_labels(bytea, text) IS
    'Labels of an image configuration of that media type, an object. Errors: QY036 invalid configuration.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_is_alive(manifest_id bigint, now_ms bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.tag AS t
                   WHERE t.manifest_id = manifest_is_alive.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
        OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                   WHERE c.child_manifest_id = manifest_is_alive.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_is_alive(bigint, bigint) IS
    'Does a live tag, visible or hidden, point to the manifest or to an index that lists it?';

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
    wanted bigint[] := quay_internal.blob_ids(repository_id, parsed.blobs);
    blob_ids bigint[];
    present text[];
    missing text[];
    config_size bigint;
BEGIN
    -- The lock keeps the rows until the push commits; in order of id, so that two pushes cannot wait for each other.
    SELECT array_agg(b.id), array_agg(b.content_checksum::text), min(b.image_size) FILTER (WHERE b.content_checksum = parsed.config_digest)
    INTO blob_ids, present, config_size
    FROM (SELECT b.id, b.content_checksum, b.image_size
          FROM quay.imagestorage AS b
          WHERE b.id = ANY (wanted)
          ORDER BY b.id FOR KEY SHARE) AS b;
    missing := ARRAY(SELECT d.digest FROM unnest(parsed.blobs) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(present, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
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

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    child_ids bigint[];
    result text[];
    missing text[];
    wrong record;
BEGIN
    SELECT array_agg(m.id), array_agg(m.digest::text) INTO child_ids, result
    FROM (SELECT m.id, m.digest FROM quay.manifest AS m
          WHERE m.repository_id = manifest_children_require.repository_id AND m.digest = ANY (parsed.children)
          ORDER BY m.id FOR KEY SHARE) AS m;
    missing := ARRAY(SELECT DISTINCT d.digest FROM unnest(parsed.children) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(result, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY034',
            MESSAGE = 'index lists manifests that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Push them by digest first, then the index.';
    END IF;
    SELECT d.digest, d.size, octet_length(m.manifest_bytes) AS actual INTO wrong
    FROM unnest(parsed.children, parsed.child_sizes) AS d (digest, size)
    JOIN quay.manifest AS m ON m.repository_id = manifest_children_require.repository_id AND m.digest = d.digest
    WHERE m.manifest_bytes <> '' AND octet_length(m.manifest_bytes) <> d.size   -- '': only known, not held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong size of a manifest',
            DETAIL = format('It says %s for "%s", which has %s bytes.', wrong.size, wrong.digest, wrong.actual),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(child_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_require(bigint, record) IS
    'Ids of the manifests that a parsed index lists, their rows locked. Errors: QY030 wrong size, QY034 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_labels(parsed record, config bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF config IS NOT NULL THEN
        IF parsed.config_digest IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY036',
                MESSAGE = 'an index has no config',
                DETAIL = format('The manifest is of type "%s".', parsed.media_type),
                HINT = 'Pass config only with the manifest of an image.';
        END IF;
        PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    END IF;
    IF parsed.is_index THEN
        RETURN '{}';
    ELSIF parsed.is_image AND config IS NOT NULL THEN
        RETURN quay_internal.imageconfig_labels(config, parsed.config_media_type) || parsed.annotations;
    END IF;
    RETURN parsed.annotations;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_labels(record, bytea) IS
    'Labels of a parsed manifest: those of its image configuration, if that is passed, overlaid by its annotations; an index has none. Errors: QY021 the config is another one, QY036 it is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_add(target_id bigint, stored_digest text, parsed record, labels jsonb,
                                                      OUT manifest_id bigint, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
    child_ids bigint[];
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

        blob_ids := quay_internal.manifest_blobs_require(target_id, parsed);
        child_ids := quay_internal.manifest_children_require(target_id, parsed);
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

    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT target_id, manifest_add.manifest_id, b.id FROM unnest(blob_ids) AS b (id)
    ON CONFLICT DO NOTHING;
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, manifest_add.manifest_id, c.id FROM unnest(child_ids) AS c (id)
    ON CONFLICT DO NOTHING;
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
    'The row of a parsed manifest in a repository, made with all that hangs on it if there is none. Errors: QY030, QY033, QY034.';

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
    name text;
BEGIN
    parsed := quay_internal.manifest_parse(manifest, manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest IS NOT NULL THEN
        PERFORM quay_internal.digest_require(expected_digest, manifest, 'manifest');
        digest := expected_digest;
    END IF;
    tags := ARRAY(SELECT DISTINCT t.name FROM unnest(manifest_put.tags) AS t (name) ORDER BY t.name);
    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.name_check('tag', name);
    END LOOP;
    labels := quay_internal.manifest_labels(parsed, config);

    target := quay_internal.repository_get(namespace, repository, lock => true);
    PERFORM quay_internal.repository_require_writable(target, actor);

    SELECT a.manifest_id, a.created INTO manifest_id, created
    FROM quay_internal.manifest_add(target.id, digest, parsed, labels) AS a;
    PERFORM quay_internal.manifest_keep(target.id,
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = manifest_put.manifest_id),
        quay_internal.setting('temporary_tag_expiration')::integer);

    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.tag_retarget(target, name, manifest_id);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', name, 'manifest_digest', digest), ip);
    END LOOP;
    IF tags = '{}' THEN
        -- A referrer is found through its subject and has no other tag that would keep it.
        PERFORM quay_internal.manifest_keep(target.id, ARRAY[manifest_id],
            CASE WHEN parsed.subject IS NULL THEN quay_internal.setting('upload_expiration')::integer END);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', digest), ip);
    END IF;

    media_type := parsed.media_type;
    size := length(manifest);
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
END
$$;
COMMENT ON FUNCTION quay.manifest_put(text, text, bytea, text, text[], text, bytea, text, text) IS
    'Pushes a manifest: its row, links to blobs and children, labels, the mark for the scanner, tags and audit, or nothing. The bytes are kept exactly. media_type: as declared by the client, NULL if it said nothing. tags: without any the manifest is kept for quay.upload_expiration seconds, for ever if it has a subject. expected_digest: refuses other bytes; a sha512 digest is also the digest under which the manifest is stored, which otherwise is its sha256. config: bytes of the config blob, from which the labels of an image are read. created is false if the repository had the manifest already. Errors: QY002, QY003, QY004, QY005, QY007, QY020, QY021, QY022, QY030, QY031, QY032, QY033, QY034, QY036, QY040, QY041, 40001.';
