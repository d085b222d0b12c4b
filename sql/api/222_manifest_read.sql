-- Looking at manifests: layers, children, parents, blobs, and what a client gets that cannot take the stored form.
--
-- What is stored may have come from others, so it is read leniently: what is not JSON, or not of the expected type, gives no rows.

CREATE OR REPLACE FUNCTION quay_internal.json_size(value text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN value OPERATOR(pg_catalog.~) '^[0-9]{1,18}$' THEN value::bigint END;
COMMENT ON FUNCTION quay_internal.json_size(text) IS 'A size in a document, in bytes; NULL if it is none.';

CREATE OR REPLACE FUNCTION quay_internal.json_list(document json, key text) RETURNS json
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.json_typeof(document OPERATOR(pg_catalog.->) key) OPERATOR(pg_catalog.=) 'array'
                THEN document OPERATOR(pg_catalog.->) key ELSE '[]'::json END;
COMMENT ON FUNCTION quay_internal.json_list(json, text) IS 'The array under a key of an object; an empty one if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.json_texts(document json, key text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT e.element FROM json_array_elements_text(quay_internal.json_list(document, key)) WITH ORDINALITY AS e (element, number)
                 ORDER BY e.number);
END
$$;
COMMENT ON FUNCTION quay_internal.json_texts(json, text) IS 'The elements of the array under a key of an object, as texts.';

-- What a manifest says

CREATE OR REPLACE FUNCTION quay_internal.manifest_layer_list(content text)
    RETURNS TABLE ("position" integer, digest text, media_type text, size bigint, remote boolean, urls text[], v1_json text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document json := quay_internal.json_or_null(content);
    count integer := json_array_length(quay_internal.json_list(document, 'fsLayers'));
BEGIN
    RETURN QUERY
        SELECT (e.number - 1)::integer, e.layer ->> 'digest', e.layer ->> 'mediaType', quay_internal.json_size(e.layer ->> 'size'),
               coalesce(e.layer ->> 'mediaType' LIKE 'application/vnd.oci.image.layer.nondistributable.v1.tar%'
                        OR e.layer ->> 'mediaType' = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', false),
               quay_internal.json_texts(e.layer, 'urls'), NULL::text
        FROM json_array_elements(quay_internal.json_list(document, 'layers')) WITH ORDINALITY AS e (layer, number)
        WHERE json_typeof(e.layer) = 'object'
        ORDER BY e.number;
    -- Docker schema 1 has the uppermost layer first.
    RETURN QUERY
        SELECT (count - e.number)::integer, e.layer ->> 'blobSum', NULL::text,
               quay_internal.json_size(quay_internal.json_or_null(v.text) ->> 'Size'), false, '{}'::text[], v.text
        FROM json_array_elements(quay_internal.json_list(document, 'fsLayers')) WITH ORDINALITY AS e (layer, number)
        CROSS JOIN LATERAL (SELECT document -> 'history' -> (e.number - 1)::integer ->> 'v1Compatibility' AS text OFFSET 0) AS v
        WHERE json_typeof(e.layer) = 'object'
        ORDER BY e.number DESC;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_layer_list(text) IS
    'Layers of a stored manifest, base first, positions from 0. remote: its bytes are not kept in registries, urls say where they are. v1_json: what Docker schema 1 says about the layer. Sizes in bytes.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_entry_list(content text)
    RETURNS TABLE ("position" integer, digest text, media_type text, size bigint, platform json, artifact_type text, annotations json)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT (e.number - 1)::integer, e.entry ->> 'digest', e.entry ->> 'mediaType', quay_internal.json_size(e.entry ->> 'size'),
               e.entry -> 'platform', e.entry ->> 'artifactType', e.entry -> 'annotations'
        FROM json_array_elements(quay_internal.json_list(quay_internal.json_or_null(content), 'manifests')) WITH ORDINALITY AS e (entry, number)
        WHERE json_typeof(e.entry) = 'object'
        ORDER BY e.number;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_entry_list(text) IS
    'Entries of a stored index in its order, positions from 0; repeated ones are repeated. Sizes in bytes.';

CREATE OR REPLACE FUNCTION quay.manifest_inspect(manifest bytea, INOUT media_type text DEFAULT NULL, OUT kind text, OUT digest text, OUT size bigint,
                                                 OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
                                                 OUT layers_size bigint, OUT subject text, OUT artifact_type text,
                                                 OUT annotations jsonb, OUT blobs text[], OUT children text[],
                                                 OUT name text, OUT tag text, OUT architecture text)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parsed record := quay_internal.manifest_parse(manifest, manifest_inspect.media_type);
BEGIN
    media_type := parsed.media_type;
    kind := CASE WHEN parsed.is_index THEN 'index' WHEN parsed.is_image THEN 'image' ELSE 'artifact' END;
    digest := parsed.digest;
    size := length(manifest);
    config_digest := parsed.config_digest;
    config_media_type := parsed.config_media_type;
    config_size := parsed.config_size;
    layers_size := parsed.layers_compressed_size;
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
    annotations := parsed.annotations;
    blobs := parsed.blobs;
    children := parsed.children;
    name := parsed.name;
    tag := parsed.tag;
    architecture := parsed.architecture;
END
$$;
COMMENT ON FUNCTION quay.manifest_inspect(bytea, text) IS
    'What the bytes of a manifest say, after the checks of manifest_put() that need no table. media_type: as declared by the client, NULL: the manifest itself says it. kind: image, index or artifact. blobs: the digests that a repository must have, config and local layers, each once. children: what an index lists. layers_size: of all layers, compressed. artifact_type: as written. name, tag and architecture: Docker schema 1 only. Sizes in bytes. Errors: QY030 invalid, QY031 too large, QY032 media type.';

CREATE OR REPLACE FUNCTION quay.manifest_descriptor_list(manifest bytea, INOUT media_type text DEFAULT NULL, OUT role text, OUT "position" integer,
                                                         OUT digest text, OUT size bigint, OUT remote boolean, OUT urls text[],
                                                         OUT platform jsonb, OUT artifact_type text, OUT annotations jsonb) RETURNS SETOF record
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parsed record := quay_internal.manifest_parse(manifest, manifest_descriptor_list.media_type);
    document json := parsed.content::json;   -- checked by now
BEGIN
    RETURN QUERY
        SELECT e.entry ->> 'mediaType', e.role, 0, e.entry ->> 'digest', quay_internal.json_size(e.entry ->> 'size'), false,
               quay_internal.json_texts(e.entry, 'urls'), NULL::jsonb, e.entry ->> 'artifactType', e.entry::jsonb -> 'annotations'
        FROM (VALUES ('config', document -> 'config'), ('subject', document -> 'subject')) AS e (role, entry)
        WHERE json_typeof(e.entry) = 'object'
        UNION ALL
        SELECT l.media_type, 'layer', l.position, l.digest, l.size, l.remote, l.urls, NULL, NULL,
               document::jsonb -> 'layers' -> l.position -> 'annotations'
        FROM quay_internal.manifest_layer_list(parsed.content) AS l
        UNION ALL
        SELECT m.media_type, 'manifest', m.position, m.digest, m.size, false, '{}'::text[], m.platform::jsonb, m.artifact_type, m.annotations::jsonb
        FROM quay_internal.manifest_entry_list(parsed.content) AS m;
END
$$;
COMMENT ON FUNCTION quay.manifest_descriptor_list(bytea, text) IS
    'What a manifest refers to, a row each. role: config, subject, layer (base first) or manifest (entry of an index). position counts from 0 in its role. remote: a layer whose bytes are not kept in registries. Docker schema 1 gives no media types. Sizes in bytes, NULL: not said. Errors: QY030, QY031, QY032.';

-- Finding manifests

CREATE OR REPLACE FUNCTION quay.manifest_find_many(namespace text, repository text, digests text[], allow_dead boolean DEFAULT false,
                                                   allow_hidden boolean DEFAULT false)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, size bigint, layers_size bigint, config_media_type text,
                   artifact_type text, subject text, present boolean)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT m.id, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size, m.config_media_type::text,
               m.artifact_type::text, m.subject::text, m.manifest_bytes <> ''
        FROM quay.manifest AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE m.repository_id = target_id AND m.digest = ANY (digests)
          AND (allow_dead OR quay_internal.manifest_is_alive(m.id, now_ms, allow_hidden));
END
$$;
COMMENT ON FUNCTION quay.manifest_find_many(text, text, text[], boolean, boolean) IS
    'Manifests of these digests; no row for one that is unknown. Without allow_dead only those to which a live tag points, or which an index with a live tag lists; a temporary tag counts with allow_hidden. present is false for a placeholder of a proxy cache, whose bytes are not here. Sizes in bytes. The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.manifest_find(namespace text, repository text, OUT manifest_id bigint, INOUT digest text,
                                              allow_dead boolean DEFAULT false, allow_hidden boolean DEFAULT false,
                                              OUT media_type text, OUT size bigint, OUT layers_size bigint, OUT config_media_type text,
                                              OUT artifact_type text, OUT subject text, OUT present boolean, OUT manifest bytea) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY
        SELECT f.manifest_id, f.digest, f.media_type, f.size, f.layers_size, f.config_media_type, f.artifact_type, f.subject, f.present,
               CASE WHEN f.present THEN convert_to(m.manifest_bytes, 'UTF8') END
        FROM quay.manifest_find_many(manifest_find.namespace, manifest_find.repository, ARRAY[manifest_find.digest],
                                     manifest_find.allow_dead, manifest_find.allow_hidden) AS f
        JOIN quay.manifest AS m ON m.id = f.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.manifest_find(text, text, text, boolean, boolean) IS
    'The manifest of that digest, with its bytes: see manifest_find_many(). manifest_get() is what a pull by digest finds, allow_hidden => true.';

CREATE OR REPLACE FUNCTION quay.manifest_touch_many(namespace text, repository text, digests text[], seconds integer DEFAULT NULL) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    ids bigint[];
BEGIN
    IF seconds < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of seconds must be positive',
            DETAIL = format('It is %s.', seconds),
            HINT = 'Pass for how long the manifests shall stay, or NULL for quay.temporary_tag_expiration.';
    END IF;
    -- The lock keeps the rows from being collected until the temporary tags are there.
    ids := ARRAY(SELECT m.id FROM quay.manifest AS m
                 WHERE m.repository_id = target.id AND m.digest = ANY (digests) ORDER BY m.id FOR KEY SHARE);
    PERFORM quay_internal.manifest_keep(target.id, ids,
        coalesce(seconds, quay_internal.setting('temporary_tag_expiration')::integer));
    RETURN QUERY SELECT m.digest::text FROM quay.manifest AS m WHERE m.id = ANY (ids);
END
$$;
COMMENT ON FUNCTION quay.manifest_touch_many(text, text, text[], integer) IS
    'Makes sure that manifests, alive or not, stay for so many seconds (NULL: quay.temporary_tag_expiration), with a temporary tag for each that no tag keeps as long. Returns the digests that the repository has. For a push that takes long: the parts that came first. Errors: 22023 seconds not positive, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.manifest_touch(namespace text, repository text, digest text, seconds integer DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.manifest_touch_many(namespace, repository, ARRAY[digest], seconds));
END
$$;
COMMENT ON FUNCTION quay.manifest_touch(text, text, text, integer) IS
    'The same for one manifest: see manifest_touch_many(). False: the repository has no such manifest.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_stored(namespace text, repository text, digest text) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    result quay.manifest;
BEGIN
    SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = target_id AND m.digest = manifest_stored.digest;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_stored(text, text, text) IS 'The manifest of that digest, alive or not; all NULL if it is unknown.';

CREATE OR REPLACE FUNCTION quay_internal.blob_locations(blob_id bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                 WHERE p.storage_id = blob_locations.blob_id ORDER BY l.name);
END
$$;
COMMENT ON FUNCTION quay_internal.blob_locations(bigint) IS 'Names of the storage locations that have the bytes of a blob.';

CREATE OR REPLACE FUNCTION quay.manifest_layers(namespace text, repository text, INOUT digest text, OUT "position" integer, OUT media_type text,
                                                OUT size bigint, OUT remote boolean, OUT urls text[], OUT blob_id bigint,
                                                OUT blob_size bigint, OUT uncompressed_size bigint, OUT path text, OUT locations text[],
                                                OUT v1_json text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    stored quay.manifest := quay_internal.manifest_stored(namespace, repository, manifest_layers.digest);
BEGIN
    RETURN QUERY
        SELECT l.digest, l.position, l.media_type, l.size, l.remote, l.urls, b.id, b.image_size, b.uncompressed_size,
               CASE WHEN b.id IS NOT NULL THEN quay_internal.blob_path(b) END,
               CASE WHEN b.id IS NOT NULL THEN quay_internal.blob_locations(b.id) END, l.v1_json
        FROM quay_internal.manifest_layer_list(stored.manifest_bytes) AS l
        LEFT JOIN (quay.manifestblob AS u JOIN quay.imagestorage AS b ON b.id = u.blob_id)
            ON u.manifest_id = stored.id AND b.content_checksum = l.digest COLLATE "C"
        ORDER BY l.position;
END
$$;
COMMENT ON FUNCTION quay.manifest_layers(text, text, text) IS
    'Layers of an image of the repository, alive or not, base first, positions from 0. size: as the manifest says; blob_size: of the blob that is here, NULL if none is, as for remote layers, whose urls say where they are. path and locations as in blob_find(). v1_json: what Docker schema 1 says about the layer. Sizes in bytes. No row: no such manifest, or one without layers.';

CREATE OR REPLACE FUNCTION quay.manifest_blobs(namespace text, repository text, INOUT digest text, OUT blob_id bigint, OUT size bigint,
                                               OUT uncompressed_size bigint, OUT path text, OUT locations text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    stored quay.manifest := quay_internal.manifest_stored(namespace, repository, manifest_blobs.digest);
BEGIN
    RETURN QUERY
        SELECT b.content_checksum::text, b.id, b.image_size, b.uncompressed_size, quay_internal.blob_path(b), quay_internal.blob_locations(b.id)
        FROM quay.manifestblob AS u
        JOIN quay.imagestorage AS b ON b.id = u.blob_id
        WHERE u.manifest_id = stored.id
        ORDER BY b.content_checksum;
END
$$;
COMMENT ON FUNCTION quay.manifest_blobs(text, text, text) IS
    'Blobs that a manifest of the repository, alive or not, refers to and that are kept here: config and local layers, each once, in order of their digests. Columns as in blob_find(). No row: no such manifest, or one without blobs.';

CREATE OR REPLACE FUNCTION quay.manifest_children(namespace text, repository text, INOUT digest text, OUT "position" integer, OUT media_type text,
                                                  OUT size bigint, OUT architecture text, OUT os text, OUT os_version text,
                                                  OUT variant text, OUT artifact_type text, OUT annotations jsonb,
                                                  OUT manifest_id bigint, OUT present boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    stored quay.manifest := quay_internal.manifest_stored(namespace, repository, manifest_children.digest);
BEGIN
    RETURN QUERY
        SELECT e.digest, e.position, e.media_type, e.size, e.platform ->> 'architecture', e.platform ->> 'os', e.platform ->> 'os.version',
               e.platform ->> 'variant', e.artifact_type, e.annotations::jsonb, m.id, coalesce(m.manifest_bytes <> '', false)
        FROM quay_internal.manifest_entry_list(stored.manifest_bytes) AS e
        LEFT JOIN quay.manifest AS m ON m.repository_id = stored.repository_id AND m.digest = e.digest COLLATE "C"
        ORDER BY e.position;
END
$$;
COMMENT ON FUNCTION quay.manifest_children(text, text, text) IS
    'Entries of an index of the repository, alive or not, in its order, positions from 0. manifest_id is NULL if the repository does not know the manifest (quay.sparse_index), present is false if it does not hold its bytes. size in bytes, as the index says. No row: no such manifest, or no index.';

CREATE OR REPLACE FUNCTION quay.manifest_parents(namespace text, repository text, INOUT digest text, OUT manifest_id bigint,
                                                 OUT media_type text, OUT alive boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    stored quay.manifest := quay_internal.manifest_stored(namespace, repository, manifest_parents.digest);
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT m.digest::text, m.id, y.name::text, quay_internal.manifest_is_alive(m.id, now_ms)
        FROM quay.manifestchild AS c
        JOIN quay.manifest AS m ON m.id = c.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE c.child_manifest_id = stored.id
        ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION quay.manifest_parents(text, text, text) IS
    'Indexes of the repository that list the manifest, oldest first. alive: a live tag, also a temporary one, points to the index or to one that lists it. No row: the manifest is the child of none, or unknown.';

-- What a client can take

CREATE OR REPLACE FUNCTION quay_internal.accept_list(accept text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT lower(btrim(split_part(r.range, ';', 1), E' \t'))
                 FROM unnest(accept) AS h (header) CROSS JOIN LATERAL unnest(string_to_array(h.header, ',')) AS r (range)
                 -- q=0: not this one
                 WHERE r.range !~* ';\s*q\s*=\s*0(\.0*)?\s*(;|$)' AND btrim(r.range, E' \t') <> '');
END
$$;
COMMENT ON FUNCTION quay_internal.accept_list(text[]) IS 'Media types and ranges that Accept headers name, without their parameters.';

CREATE OR REPLACE FUNCTION quay_internal.schema1_payload(content text) RETURNS bytea
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (quay_internal.manifest_parse(convert_to(content, 'UTF8'), NULL)).payload;
EXCEPTION WHEN SQLSTATE 'QY030' OR SQLSTATE 'QY031' OR SQLSTATE 'QY032' THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.schema1_payload(text) IS
    'A signed Docker schema 1 manifest without its signatures, which has the same digest; NULL if it is none that can be read.';

CREATE OR REPLACE FUNCTION quay_internal.schema1_is_possible(stored quay_internal.stored_manifest) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text := convert_from(stored.manifest, 'UTF8');
BEGIN
    RETURN coalesce(quay_internal.json_or_null(content) -> 'config' ->> 'mediaType'
            IN ('application/vnd.docker.container.image.v1+json', 'application/vnd.oci.image.config.v1+json'), false)
        AND NOT EXISTS (SELECT FROM quay_internal.manifest_layer_list(content) AS l WHERE l.remote);
END
$$;
COMMENT ON FUNCTION quay_internal.schema1_is_possible(quay_internal.stored_manifest) IS
    'Can the manifest be given as Docker schema 1: is it an image, all of whose layers are here?';

CREATE OR REPLACE FUNCTION quay.manifest_select(namespace text, repository text, reference text, accept text[] DEFAULT NULL)
    RETURNS TABLE (status text, digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, index_digest text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema1 CONSTANT text := 'application/vnd.docker.distribution.manifest.v1+json';
    accepted text[] := quay_internal.accept_list(accept);
    stored quay_internal.stored_manifest := quay_internal.manifest_get_row(namespace, repository, reference);
    child text;
    listed_by text;
BEGIN
    status := 'ok';
    IF stored.manifest_id IS NULL THEN
        status := 'manifest_unknown';
    -- By digest a client gets what has that digest.
    ELSIF accepted <> '{}' AND strpos(reference, ':') = 0 AND NOT accepted && ARRAY['*/*', 'application/*', stored.media_type] THEN
        IF stored.media_type IN ('application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.oci.image.index.v1+json') THEN
            listed_by := stored.digest;
            SELECT e.digest INTO child
            FROM quay_internal.manifest_entry_list(convert_from(stored.manifest, 'UTF8')) AS e
            WHERE e.platform ->> 'os' = 'linux' AND e.platform ->> 'architecture' = 'amd64'
            ORDER BY e.position
            LIMIT 1;
            stored := quay_internal.manifest_get_row(namespace, repository, child);
        END IF;
        IF stored.media_type = ANY (accepted) THEN
            NULL;
        ELSIF stored.media_type = 'application/vnd.docker.distribution.manifest.v1+prettyjws' AND schema1 = ANY (accepted) THEN
            stored.manifest := coalesce(quay_internal.schema1_payload(convert_from(stored.manifest, 'UTF8')), stored.manifest);
            stored.media_type := schema1;
            stored.size := length(stored.manifest);
        ELSIF schema1 = ANY (accepted) AND quay_internal.schema1_is_possible(stored) THEN
            status := 'convertible';
        ELSE
            status := 'not_acceptable';
        END IF;
    END IF;
    IF status IN ('ok', 'convertible') THEN
        digest := stored.digest;
        media_type := stored.media_type;
        manifest := stored.manifest;
        manifest_id := stored.manifest_id;
        size := stored.size;
        index_digest := listed_by;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_select(text, text, text, text[]) IS
    'What a client gets that names what it accepts. accept: Accept headers, with quality values and wildcards; NULL or empty: anything. Always one row. status ok: the manifest as stored; or, by tag only, if its type is not accepted, of an index the entry for linux/amd64 (index_digest is then that of the index), and of a signed Docker schema 1 manifest the unsigned one. convertible: the image of the row is not accepted either, but Docker schema 1 is: fetch its config and call manifest_to_schema1(). not_acceptable: none of that. manifest_unknown: no live tag or manifest of that reference. Asks nobody whether he may: see pull(), access_check().';

CREATE OR REPLACE FUNCTION quay.manifest_to_schema1(namespace text, repository text, tag text, INOUT manifest bytea, config bytea,
                                                    OUT digest text, OUT media_type text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    empty_layer CONSTANT text := quay_internal.empty_layer();
    parsed record := quay_internal.manifest_parse(manifest, NULL);
    configuration jsonb;
    layers text[];
    history jsonb;
    entry jsonb;
    image jsonb;
    id text;
    below text;
    is_empty boolean;
    used integer := 0;
    fs_layers jsonb := '[]'::jsonb;
    images jsonb := '[]'::jsonb;
BEGIN
    IF NOT parsed.is_image OR parsed.config_digest IS NULL
       OR EXISTS (SELECT FROM quay_internal.manifest_layer_list(parsed.content) AS l WHERE l.remote) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY032',
            MESSAGE = 'manifest has no form in Docker schema 1',
            DETAIL = format('It is of type "%s".', parsed.media_type),
            HINT = 'Only images whose layers are all kept in the registry can be converted.';
    END IF;
    config := coalesce(config, parsed.config_data, '');
    PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    PERFORM quay_internal.imageconfig_labels(config, parsed.config_media_type);   -- checks it
    configuration := convert_from(config, 'UTF8')::jsonb;
    layers := ARRAY(SELECT l.digest FROM quay_internal.manifest_layer_list(parsed.content) AS l ORDER BY l.position);
    history := configuration -> 'history';
    IF coalesce(jsonb_typeof(history), 'null') = 'null' THEN
        history := to_jsonb(array_fill('{}'::jsonb, ARRAY[cardinality(layers)]));
    END IF;

    FOR entry IN SELECT h.entry FROM jsonb_array_elements(history) WITH ORDINALITY AS h (entry, number) ORDER BY h.number LOOP
        is_empty := coalesce((entry ->> 'empty_layer')::boolean, false);
        used := used + (NOT is_empty)::integer;
        EXIT WHEN used > cardinality(layers);
        id := encode(sha256(convert_to(concat_ws(' ', below, CASE WHEN is_empty THEN empty_layer ELSE layers[used] END, entry), 'UTF8')), 'hex');
        image := jsonb_strip_nulls(jsonb_build_object('id', id, 'parent', below, 'created', entry -> 'created', 'author', entry -> 'author',
            'comment', entry -> 'comment', 'throwaway', CASE WHEN is_empty THEN true END,
            'container_config', CASE WHEN entry ? 'created_by' THEN jsonb_build_object('Cmd', jsonb_build_array(entry -> 'created_by')) END));
        fs_layers := jsonb_build_array(jsonb_build_object('blobSum', CASE WHEN is_empty THEN empty_layer ELSE layers[used] END)) || fs_layers;
        images := jsonb_build_array(image) || images;
        below := id;
    END LOOP;
    IF used <> cardinality(layers) OR images = '[]' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY036',
            MESSAGE = 'history of the image does not fit its layers',
            DETAIL = format('The manifest has %s layers, the history of its config %s.', cardinality(layers), used),
            HINT = 'The image cannot be converted; the client has to take it as it is.';
    END IF;
    -- The uppermost image is the whole configuration.
    images := jsonb_set(images, '{0}', (configuration - ARRAY['rootfs', 'history']) || (images -> 0));

    manifest := convert_to(jsonb_build_object(
        'schemaVersion', 1, 'name', namespace || '/' || repository, 'tag', manifest_to_schema1.tag,
        'architecture', coalesce(configuration ->> 'architecture', 'amd64'), 'fsLayers', fs_layers,
        'history', (SELECT jsonb_agg(jsonb_build_object('v1Compatibility', e.image::text) ORDER BY e.number)
                    FROM jsonb_array_elements(images) WITH ORDINALITY AS e (image, number)))::text, 'UTF8');
    digest := quay_internal.digest_compute(manifest, 'sha256');
    media_type := 'application/vnd.docker.distribution.manifest.v1+json';
END
$$;
COMMENT ON FUNCTION quay.manifest_to_schema1(text, text, text, bytea, bytea) IS
    'An image as an unsigned Docker schema 1 manifest, for a client that knows nothing else. manifest: bytes of a Docker schema 2 or OCI image; config: bytes of its config blob, NULL if they are embedded in the manifest. The same image always gives the same bytes. Steps of the history without a layer refer to the empty layer, sha256:a3ed95caeb02…, which the front end has to serve. Reads no table. Errors: QY021 the config is another one, QY030, QY031, QY032 no such form (an index, an artifact, remote layers), QY036 the config is invalid.';

CREATE OR REPLACE FUNCTION quay.referrer_index(namespace text, repository text, digest text, INOUT artifact_type text DEFAULT NULL,
                                               after text DEFAULT NULL, n integer DEFAULT NULL,
                                               OUT media_type text, OUT manifest bytea, OUT filtered boolean, OUT cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    descriptors jsonb;
BEGIN
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('mediaType', r.media_type, 'digest', r.digest, 'size', r.size,
                                                          'artifactType', r.artifact_type))
                     || CASE WHEN r.annotations = '{}' THEN '{}' ELSE jsonb_build_object('annotations', r.annotations) END
                     ORDER BY r.number),
           max(r.cursor) FILTER (WHERE r.number = n)
    INTO descriptors, cursor
    FROM (SELECT l.*, row_number() OVER () AS number
          FROM quay.referrer_list(referrer_index.namespace, referrer_index.repository, referrer_index.digest,
                                  referrer_index.artifact_type, referrer_index.after, referrer_index.n) AS l) AS r;
    media_type := 'application/vnd.oci.image.index.v1+json';
    filtered := referrer_index.artifact_type IS NOT NULL;
    manifest := convert_to(jsonb_build_object('schemaVersion', 2, 'mediaType', media_type, 'manifests', coalesce(descriptors, '[]'))::text, 'UTF8');
END
$$;
COMMENT ON FUNCTION quay.referrer_index(text, text, text, text, text, integer) IS
    'The answer to a referrers request, ready to be sent: an image index of what referrer_list() gives. An unknown subject has an empty one. filtered: artifact_type was applied, so the header OCI-Filters-Applied: artifactType belongs to it. cursor: pass it as after for the next page; it may lead to an empty one. NULL: this page is not full, as always without n. Errors: 22023, QY002, QY003, QY004, QY020, QY022.';
