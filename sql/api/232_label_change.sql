-- Labels that are added to manifests and taken away later, and what two of them do to tags.

CREATE OR REPLACE FUNCTION quay_internal.label_reserved_prefix(key text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT p.prefix
            FROM (SELECT unnest(ARRAY['com.docker.', 'io.docker.', 'org.dockerproject.', 'org.opencontainers.', 'io.cncf.',
                                      'io.kubernetes.', 'io.k8s.', 'io.quay', 'com.coreos', 'com.tectonic', 'internal', 'quay'])
                  UNION ALL
                  SELECT btrim(s) FROM unnest(string_to_array(quay_internal.setting('label_reserved_prefixes'), ',')) AS s) AS p (prefix)
            WHERE p.prefix <> '' AND starts_with(label_reserved_prefix.key, p.prefix)
            ORDER BY p.prefix
            LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay_internal.label_reserved_prefix(text) IS
    'The reserved prefix that the key of a label starts with, one of the usual ones or of quay.label_reserved_prefixes; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.label_refuse(message text, detail text, hint text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY037', MESSAGE = label_refuse.message, DETAIL = label_refuse.detail, HINT = label_refuse.hint;
END
$$;
COMMENT ON FUNCTION quay_internal.label_refuse(text, text, text) IS 'Fails with QY037, illegal label.';

CREATE OR REPLACE FUNCTION quay_internal.label_check(key text, value text, media_type text, source text, allow_reserved boolean) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    prefix text;
BEGIN
    -- What is in a manifest may be called anything; we did not choose it.
    IF key IS NULL OR length(key) NOT BETWEEN 1 AND 255
       OR source IS DISTINCT FROM 'manifest' AND key !~ '^[a-z0-9]+([.-][a-z0-9]+)*$'
    THEN
        PERFORM quay_internal.label_refuse('illegal label key', format('It is %s.', coalesce('"' || left(key, 80) || '"', 'NULL')),
            'Use at most 255 lower-case letters and digits, single dots or dashes between them.');
    END IF;
    prefix := CASE WHEN source = 'api' AND allow_reserved IS NOT TRUE THEN quay_internal.label_reserved_prefix(key) END;
    IF prefix IS NOT NULL THEN
        PERFORM quay_internal.label_refuse('label key is reserved',
            format('Key "%s" starts with "%s".', left(key, 80), prefix),
            'Use a prefix of your own, such as the reversed name of your domain.');
    END IF;
    IF value IS NULL OR octet_length(value) > 65536 THEN
        PERFORM quay_internal.label_refuse('illegal label value',
            format('The value of "%s" is %s.', left(key, 80), coalesce(octet_length(value) || ' bytes long', 'NULL')),
            'Use a text of at most 65536 bytes.');
    END IF;
    IF media_type NOT IN ('text/plain', 'application/json') THEN
        PERFORM quay_internal.label_refuse('illegal media type of a label', format('It is "%s".', left(media_type, 80)),
            'A label is text/plain or application/json.');
    END IF;
    IF media_type = 'application/json' AND quay_internal.json_read(value) IS NULL THEN
        PERFORM quay_internal.label_refuse('label value is not JSON', format('The value of "%s" cannot be read.', left(key, 80)),
            'Pass the media type text/plain, or none.');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.label_check(text, text, text, text, boolean) IS
    'Refuses (QY037) what cannot be a label. media_type NULL: not given. Keys with a reserved prefix are refused for the source api only, and if they are not allowed.';

CREATE OR REPLACE FUNCTION quay_internal.labelsourcetype_get(source text) RETURNS quay.labelsourcetype
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.labelsourcetype;
BEGIN
    SELECT * INTO result FROM quay.labelsourcetype AS s WHERE s.name = labelsourcetype_get.source;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown source of a label',
            DETAIL = format('There is no source "%s".', left(labelsourcetype_get.source, 80)),
            HINT = 'A label is from the api, internal or from the manifest.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.labelsourcetype_get(text) IS 'Where labels come from: manifest, api or internal. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.label_changes_tags(key text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN key OPERATOR(pg_catalog.=) ANY (ARRAY['quay.expires-after', 'quay.immutable']);
COMMENT ON FUNCTION quay_internal.label_changes_tags(text) IS 'Does a label of that key say something about the tags of its manifest?';

CREATE OR REPLACE FUNCTION quay_internal.label_apply(target quay.repository, namespace text, manifest_id bigint, key text, value text,
                                                     performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    seconds bigint := quay_internal.label_lifetime(value);
    held quay.tag;
BEGIN
    IF key = 'quay.immutable' AND quay_internal.label_is_true(value) AND quay_internal.setting('immutable_tags')::boolean THEN
        PERFORM quay_internal.manifest_change_immutable(target, namespace, manifest_id, true, performer_id, ip);
    ELSIF key = 'quay.expires-after' AND seconds IS NOT NULL THEN
        FOR held IN SELECT * FROM quay_internal.manifest_tags_lock(target.id, manifest_id, now_ms) LOOP
            CONTINUE WHEN quay_internal.tag_must_not_end(held);
            -- A tag that is older than that ends now, not in the past: what could be pulled till now could be pulled.
            PERFORM quay_internal.tag_change_end(target, namespace, held,
                CASE WHEN seconds > 0 THEN greatest(held.lifetime_start_ms + seconds * 1000, now_ms) END, performer_id, ip);
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.label_apply(quay.repository, text, bigint, text, text, bigint, text) IS
    'Does to the live visible tags of a manifest what a label that it gets later says: quay.expires-after ends each that long after its start (0s: takes the end away), but none that is immutable and must not end; quay.immutable "true" makes them immutable, if quay.immutable_tags is on. Any other label or value: nothing. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay_internal.label_attach(target quay.repository, namespace text, manifest quay.manifest, key text, value text,
                                                      INOUT media_type text, source text, allow_reserved boolean, performer_id bigint,
                                                      ip text, OUT uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source_id bigint := (quay_internal.labelsourcetype_get(source)).id;
    new_id bigint;
BEGIN
    PERFORM quay_internal.label_check(key, value, media_type, source, allow_reserved);
    media_type := coalesce(media_type, CASE WHEN quay_internal.json_is_container(value) THEN 'application/json' ELSE 'text/plain' END);
    INSERT INTO quay.label AS l (uuid, key, value, media_type_id, source_type_id)
    VALUES (gen_random_uuid()::text, label_attach.key, label_attach.value,
            (SELECT t.id FROM quay.mediatype AS t WHERE t.name = label_attach.media_type), source_id)
    RETURNING l.id, l.uuid INTO new_id, label_attach.uuid;
    INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id) VALUES (target.id, manifest.id, new_id);
    PERFORM quay_internal.label_apply(target, namespace, manifest.id, key, value, performer_id, ip);
    PERFORM quay_internal.log_add('manifest_label_add', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', manifest.digest,
            'id', uuid, 'key', key, 'value', value, 'media_type', media_type), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.label_attach(quay.repository, text, quay.manifest, text, text, text, text, boolean, bigint, text) IS
    'Gives a manifest a label, does what it says about tags, and records it. Errors: QY009, QY037.';

CREATE OR REPLACE FUNCTION quay_internal.label_manifest(target quay.repository, digest text, changes_tags boolean) RETURNS quay.manifest
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.digest_check(digest);
    -- Whoever pushes or moves a tag at the same time sees the label, or we see the tag.
    IF changes_tags THEN
        PERFORM quay_internal.tag_lock(target.id);
    END IF;
    RETURN quay_internal.reference_to_manifest(target, digest, lock => true);
END
$$;
COMMENT ON FUNCTION quay_internal.label_manifest(quay.repository, text, boolean) IS
    'The manifest that is to get labels, its row locked, with tag_lock() held if they change tags. Errors: QY020, QY022, QY035.';

CREATE OR REPLACE FUNCTION quay.label_add(namespace text, repository text, digest text, key text, value text, media_type text DEFAULT NULL,
                                          source text DEFAULT 'api', allow_reserved boolean DEFAULT false,
                                          actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    manifest quay.manifest;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    manifest := quay_internal.label_manifest(target, label_add.digest, quay_internal.label_changes_tags(key));
    RETURN (quay_internal.label_attach(target, namespace, manifest, key, value, media_type, source, allow_reserved,
                                       quay_internal.actor_id(actor), ip)).uuid;
END
$$;
COMMENT ON FUNCTION quay.label_add(text, text, text, text, text, text, text, boolean, text, text) IS
    'Gives a manifest a label and returns its uuid. A manifest may have several labels of one key. media_type: text/plain or application/json; NULL: the latter if the value is a JSON object or array. source: api, internal or manifest; only labels of the first can be deleted again. Keys are lower-case letters and digits with single dots and dashes between them, at most 255; those that start with com.docker., io.docker., org.dockerproject., org.opencontainers., io.cncf., io.kubernetes., io.k8s., io.quay, com.coreos, com.tectonic, internal, quay or one of quay.label_reserved_prefixes need another source than api, or allow_reserved, which is for the registry itself.
Two keys act on the live tags of the manifest at once, and on tags that get the manifest later: quay.expires-after with a duration such as 2w, after which a tag ends, counted from its start (0s: it never ends; a tag that is older already ends now; an immutable tag that must not end is left alone), and quay.immutable with the value true, if quay.immutable_tags is on.
Errors: QY002, QY003, QY004, QY005, QY007, QY009 unknown source, QY020, QY022, QY035 manifest unknown, QY037 illegal key, value or media type, 40001.';

CREATE OR REPLACE FUNCTION quay.label_put_many(namespace text, repository text, digest text, labels jsonb,
                                               source text DEFAULT 'api', allow_reserved boolean DEFAULT false,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (label text, key text, value text, media_type text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    performer_id bigint := quay_internal.actor_id(actor);
    manifest quay.manifest;
    entry jsonb;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    IF jsonb_typeof(labels) IS DISTINCT FROM 'array'
       OR EXISTS (SELECT FROM jsonb_array_elements(labels) AS e (entry)
                  WHERE jsonb_typeof(e.entry) <> 'object' OR jsonb_typeof(e.entry -> 'key') IS DISTINCT FROM 'string'
                     OR jsonb_typeof(e.entry -> 'value') IS DISTINCT FROM 'string'
                     OR jsonb_typeof(e.entry -> 'media_type') NOT IN ('string', 'null'))
    THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed list of labels',
            DETAIL = format('It starts with %s.', coalesce(left(labels::text, 80), 'NULL')),
            HINT = 'Pass an array of objects, each with the texts key and value and, if wanted, media_type.';
    END IF;
    manifest := quay_internal.label_manifest(target, label_put_many.digest,
        EXISTS (SELECT FROM jsonb_array_elements(labels) AS e (entry) WHERE quay_internal.label_changes_tags(e.entry ->> 'key')));
    FOR entry IN SELECT e.entry FROM jsonb_array_elements(labels) AS e (entry) LOOP
        key := entry ->> 'key';
        value := entry ->> 'value';
        SELECT a.uuid, a.media_type INTO label, media_type
        FROM quay_internal.label_attach(target, namespace, manifest, key, value, entry ->> 'media_type', source, allow_reserved,
                                        performer_id, ip) AS a;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.label_put_many(text, text, text, jsonb, text, boolean, text, text) IS
    'Gives a manifest several labels, all or none, as label_add() does with each: an array of objects with key, value and, if wanted, media_type. Answers them in the same order with their uuids and media types. Errors: 22023 no such array, and those of label_add().';

CREATE OR REPLACE FUNCTION quay.label_delete(namespace text, repository text, digest text, label text,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    removed record;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    SELECT l.id, l.key, l.value, s.name AS source, s.mutable, ml.id AS link_id INTO removed
    FROM quay.label AS l
    JOIN quay.manifestlabel AS ml ON ml.label_id = l.id
    JOIN quay.manifest AS m ON m.id = ml.manifest_id
    JOIN quay.labelsourcetype AS s ON s.id = l.source_type_id
    WHERE l.uuid = label_delete.label AND m.repository_id = target.id AND m.digest = label_delete.digest
    FOR UPDATE OF l, ml;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT removed.mutable THEN
        RAISE EXCEPTION USING ERRCODE = 'QY038',
            MESSAGE = 'label cannot be deleted',
            DETAIL = format('Label "%s" is of source "%s".', left(removed.key, 80), removed.source),
            HINT = 'Only labels that were added later, through the API, can be deleted.';
    END IF;
    DELETE FROM quay.manifestlabel AS ml WHERE ml.id = removed.link_id;
    -- Another manifest may share it.
    DELETE FROM quay.label AS l
    WHERE l.id = removed.id AND NOT EXISTS (SELECT FROM quay.manifestlabel AS ml WHERE ml.label_id = l.id);
    PERFORM quay_internal.log_add('manifest_label_delete', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', label_delete.digest,
            'id', label_delete.label, 'key', removed.key, 'value', removed.value), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.label_delete(text, text, text, text, text, text) IS
    'Takes the label of that uuid from a manifest; false if the manifest has no such label. What the label has done to tags stays. Errors: QY002, QY003, QY004, QY005, QY007, QY038 the label is part of the manifest or internal.';
