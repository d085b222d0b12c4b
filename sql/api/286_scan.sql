-- State of the security scanner: what it has to look at, and what came of it. The reports are the scanner's own; here is one row for each
-- manifest, quay.manifestsecuritystatus, which is also the queue of the scanner's workers. 287_scan_report.sql has what follows from a scan.

CREATE OR REPLACE FUNCTION quay_internal.scan_status_name(index_status integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE index_status WHEN -4 THEN 'retries_exhausted' WHEN -3 THEN 'layer_too_large' WHEN -2 THEN 'unsupported' WHEN -1 THEN 'failed'
                             WHEN 0 THEN 'pending' WHEN 1 THEN 'in_progress' WHEN 2 THEN 'completed' END;
COMMENT ON FUNCTION quay_internal.scan_status_name(integer) IS
    'Name of a manifestsecuritystatus.index_status: retries_exhausted, layer_too_large, unsupported, failed, pending, in_progress or completed.';

CREATE OR REPLACE FUNCTION quay_internal.scan_metadata(metadata_json text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN jsonb_typeof(quay_internal.json_read(metadata_json)) = 'object' THEN quay_internal.json_read(metadata_json) ELSE '{}' END;
COMMENT ON FUNCTION quay_internal.scan_metadata(text) IS
    'Metadata of a scan as an object: retry_count and last_failed_hash while it fails; scanned, if there was a result before; claim, of the worker at it.';

CREATE OR REPLACE FUNCTION quay_internal.scan_retries(metadata jsonb, indexer_hash text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN metadata ->> 'last_failed_hash' IS NOT DISTINCT FROM indexer_hash AND metadata ->> 'retry_count' ~ '^\d{1,9}$'
                THEN (metadata ->> 'retry_count')::integer ELSE 0 END;
COMMENT ON FUNCTION quay_internal.scan_retries(jsonb, text) IS
    'How often a scan has failed with the scanner in this state; failures in another state do not count.';

-- What can be scanned

CREATE OR REPLACE FUNCTION quay_internal.scan_layer_types() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['application/vnd.docker.image.rootfs.diff.tar.gzip', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
                 'application/vnd.oci.image.layer.nondistributable.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
                 'application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.v1.tar+gzip',
                 'application/vnd.oci.image.layer.v1.tar+zstd'];
COMMENT ON FUNCTION quay_internal.scan_layer_types() IS 'Media types of layers that are file systems.';

CREATE OR REPLACE FUNCTION quay.scan_layer_type_list() RETURNS TABLE (media_type text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT t.name FROM unnest(quay_internal.scan_layer_types()) AS t (name);
END
$$;
COMMENT ON FUNCTION quay.scan_layer_type_list() IS
    'Media types of layers that the scanner can look into. A manifest with any other layer is an artifact and is not scanned.';

CREATE OR REPLACE FUNCTION quay_internal.scan_layers(content text) RETURNS TABLE (place bigint, digest text, media_type text, urls jsonb)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document jsonb := quay_internal.json_read(content);
BEGIN
    IF jsonb_typeof(document -> 'layers') = 'array' THEN
        RETURN QUERY
            SELECT l.i, l.value ->> 'digest', l.value ->> 'mediaType', coalesce(l.value -> 'urls', '[]')
            FROM jsonb_array_elements(document -> 'layers') WITH ORDINALITY AS l (value, i);
    ELSIF jsonb_typeof(document -> 'fsLayers') = 'array' THEN
        -- Docker schema 1 has the uppermost layer first, and layers of one type.
        RETURN QUERY
            SELECT - l.i, l.value ->> 'blobSum', 'application/vnd.docker.image.rootfs.diff.tar.gzip', '[]'::jsonb
            FROM jsonb_array_elements(document -> 'fsLayers') WITH ORDINALITY AS l (value, i);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_layers(text) IS
    'Layers of a stored image, place by place from the lowest; no row for an index. urls: where layers are that a registry does not keep.';

CREATE OR REPLACE FUNCTION quay_internal.scan_layers_located(content text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    layers jsonb;
    scannable boolean;
BEGIN
    SELECT jsonb_agg(jsonb_build_object('digest', l.digest, 'media_type', l.media_type, 'size', b.image_size, 'urls', l.urls,
                                        'path', quay_internal.blob_path(b), 'locations', to_jsonb(p.locations)) ORDER BY l.place),
           bool_and(l.media_type = ANY (quay_internal.scan_layer_types())
                    AND (p.locations <> '{}' OR l.media_type ~ 'foreign|nondistributable'))
    INTO layers, scannable
    FROM quay_internal.scan_layers(content) AS l
    LEFT JOIN quay.imagestorage AS b ON b.content_checksum = l.digest
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT o.name::text
                                     FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS o ON o.id = p.location_id
                                     WHERE p.storage_id = b.id ORDER BY o.name) AS locations) AS p;
    RETURN CASE WHEN scannable THEN layers END;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_layers_located(text) IS
    'Layers of a stored image for the scanner, an array of objects, the lowest first: digest, media_type, size in bytes, path and locations of the bytes, urls. NULL if it cannot be scanned: an index, an artifact, or an image of which a layer is not here.';

-- Taking

CREATE OR REPLACE FUNCTION quay_internal.scan_add_missing(from_id bigint, to_id bigint) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    added integer;
BEGIN
    INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                             indexer_version, metadata_json)
    SELECT m.id, m.repository_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}'
    FROM (SELECT m.id, m.repository_id FROM quay.manifest AS m
          WHERE m.id BETWEEN from_id AND to_id AND m.manifest_bytes <> ''
            AND NOT EXISTS (SELECT FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = m.id)
          ORDER BY m.id FOR KEY SHARE SKIP LOCKED) AS m
    ON CONFLICT (manifest_id) DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_add_missing(bigint, bigint) IS
    'Gives a row to manifests in this range of ids that have none, and returns how many.';

CREATE OR REPLACE FUNCTION quay.scan_backfill(after bigint DEFAULT 0, n integer DEFAULT 10000, OUT last_id bigint, OUT added integer)
    RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
BEGIN
    last_id := (SELECT max(m.id) FROM (SELECT m.id FROM quay.manifest AS m WHERE m.id > coalesce(scan_backfill.after, 0)
                                       ORDER BY m.id LIMIT batch) AS m);
    IF last_id IS NOT NULL THEN
        added := quay_internal.scan_add_missing(coalesce(scan_backfill.after, 0) + 1, last_id);
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.scan_backfill(bigint, integer) IS
    'Puts manifests into the queue of the scanner that are not in it, which those of a database of the reference may not be: looks at the n manifests with the next ids after the id after, and says up to which id and how many it added. No row: there are none any more. scan_claim() does the same with the newest manifests, so a sweep now and then is enough. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay_internal.scan_other_hashes(index_status integer, indexer_hash text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    hashes text[] := '{}'::text[];
    next_hash text COLLATE "C" := (SELECT min(s.indexer_hash) FROM quay.manifestsecuritystatus AS s
                                   WHERE s.index_status = scan_other_hashes.index_status AND s.index_status IN (-4, 2));
BEGIN
    -- From one to the next by the index: there are few, whatever the number of rows.
    WHILE next_hash IS NOT NULL LOOP
        IF next_hash <> scan_other_hashes.indexer_hash THEN
            hashes := hashes || next_hash;
        END IF;
        next_hash := (SELECT min(s.indexer_hash) FROM quay.manifestsecuritystatus AS s
                      WHERE s.index_status = scan_other_hashes.index_status AND s.index_status IN (-4, 2) AND s.indexer_hash > next_hash);
    END LOOP;
    RETURN hashes;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_other_hashes(integer, text) IS
    'States of the scanner, other than this one, in which manifests with that index_status, 2 or -4, were scanned.';

CREATE OR REPLACE FUNCTION quay_internal.scan_is_in_vain(scan quay.manifestsecuritystatus, indexer_hash text, maximum integer) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (scan).index_status = -1
       AND quay_internal.scan_retries(quay_internal.scan_metadata((scan).metadata_json), scan_is_in_vain.indexer_hash) >= maximum;
COMMENT ON FUNCTION quay_internal.scan_is_in_vain(quay.manifestsecuritystatus, text, integer) IS
    'Has the scan failed that often with the scanner in this state?';

CREATE OR REPLACE FUNCTION quay_internal.scan_take(indexer_hash text, n integer, claim text)
    RETURNS TABLE (manifest_id bigint, index_status integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
    retry_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_reindex_interval')::integer);
    stale_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_timeout')::integer);
    maximum integer := quay_internal.setting('scan_maximum_retries')::integer;
    completed_hashes text[] := quay_internal.scan_other_hashes(2, indexer_hash);
    exhausted_hashes text[] := quay_internal.scan_other_hashes(-4, indexer_hash);
BEGIN
    RETURN QUERY
        WITH pending AS MATERIALIZED (      -- somebody waits for the newest
            SELECT s.id FROM quay.manifestsecuritystatus AS s
            WHERE s.index_status = 0
            ORDER BY s.last_indexed DESC LIMIT n FOR UPDATE SKIP LOCKED
        ), failed AS MATERIALIZED (
            SELECT s.id FROM quay.manifestsecuritystatus AS s
            WHERE s.index_status = -1 AND s.last_indexed < retry_before
            ORDER BY s.last_indexed LIMIT n - (SELECT count(*) FROM pending) FOR UPDATE SKIP LOCKED
        ), stale AS MATERIALIZED (
            SELECT s.id FROM quay.manifestsecuritystatus AS s
            WHERE s.index_status = 1 AND s.last_indexed < stale_before
            ORDER BY s.last_indexed LIMIT n - (SELECT count(*) FROM (TABLE pending UNION ALL TABLE failed) AS t) FOR UPDATE SKIP LOCKED
        ), changed AS MATERIALIZED (        -- scanned with the scanner in another state
            SELECT c.id
            FROM unnest(completed_hashes) AS h (hash)
            CROSS JOIN LATERAL (SELECT s.id FROM quay.manifestsecuritystatus AS s
                                WHERE s.index_status = 2 AND s.indexer_hash = h.hash AND s.last_indexed < retry_before
                                ORDER BY s.last_indexed LIMIT n FOR UPDATE SKIP LOCKED) AS c
            LIMIT n - (SELECT count(*) FROM (TABLE pending UNION ALL TABLE failed UNION ALL TABLE stale) AS t)
        ), exhausted AS MATERIALIZED (      -- given up in another state
            SELECT c.id
            FROM unnest(exhausted_hashes) AS h (hash)
            CROSS JOIN LATERAL (SELECT s.id FROM quay.manifestsecuritystatus AS s
                                WHERE s.index_status = -4 AND s.indexer_hash = h.hash AND s.last_indexed < retry_before
                                  -- The reference keeps a word such as server_error as the hash.
                                  AND quay_internal.scan_metadata(s.metadata_json) ->> 'last_failed_hash' IS DISTINCT FROM scan_take.indexer_hash
                                ORDER BY s.last_indexed LIMIT n FOR UPDATE SKIP LOCKED) AS c
            LIMIT n - (SELECT count(*) FROM (TABLE pending UNION ALL TABLE failed UNION ALL TABLE stale UNION ALL TABLE changed) AS t)
        )
        UPDATE quay.manifestsecuritystatus AS s
        SET index_status = CASE WHEN quay_internal.scan_is_in_vain(s, scan_take.indexer_hash, maximum) THEN -4 ELSE 1 END,
            indexer_hash = CASE WHEN quay_internal.scan_is_in_vain(s, scan_take.indexer_hash, maximum) THEN scan_take.indexer_hash
                                ELSE 'in_progress' END,
            last_indexed = now_utc,
            metadata_json = (quay_internal.scan_metadata(s.metadata_json) || jsonb_build_object('claim', scan_take.claim)
                             || CASE WHEN s.index_status = 2 THEN '{"scanned": true}'::jsonb ELSE '{}' END)::text
        -- An array, so that the rows are fetched one by one, whatever the planner believes of their number.
        WHERE s.id = ANY (ARRAY(TABLE pending UNION ALL TABLE failed UNION ALL TABLE stale UNION ALL TABLE changed UNION ALL TABLE exhausted))
        RETURNING s.manifest_id, s.index_status;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_take(text, integer, text) IS
    'The next n manifests for the scanner, taken in one statement: pending ones, the newest first; failed ones after quay.scan_reindex_interval; ones that a worker took longer than quay.scan_timeout ago; ones scanned, or given up, with the scanner in another state. index_status 1: taken, and marked with the claim; -4: given up, after quay.scan_maximum_retries failures in the present state.';

CREATE OR REPLACE FUNCTION quay.scan_claim(indexer_hash text, n integer DEFAULT 20)
    RETURNS TABLE (manifest_id bigint, claim text, namespace text, repository text, digest text, media_type text, layers jsonb,
                   first_scan boolean, retries integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    newest bigint := (SELECT max(m.id) FROM quay.manifest AS m);
    token text := gen_random_uuid()::text;
    taken record;
    returned integer;
BEGIN
    IF coalesce(scan_claim.indexer_hash, '') = '' OR length(scan_claim.indexer_hash) > 128 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'state of the scanner must be a text of 1 to 128 characters',
            DETAIL = format('It is %s.', coalesce('"' || left(scan_claim.indexer_hash, 80) || '"', 'NULL')),
            HINT = 'Pass what the scanner says of its state, which changes with its rules.';
    END IF;
    PERFORM quay_internal.scan_add_missing(newest - 500, newest);
    -- What cannot be scanned takes the place of others; a call looks at no more than this many.
    FOR round IN 1 .. 100 LOOP
        SELECT array_agg(t.manifest_id) FILTER (WHERE t.index_status = 1) AS ids, count(*) AS number INTO taken
        FROM quay_internal.scan_take(scan_claim.indexer_hash, batch, token) AS t;
        EXIT WHEN taken.number = 0;
        RETURN QUERY
            WITH image AS MATERIALIZED (
                SELECT m.id, m.repository_id, m.digest, y.name AS media_type, quay_internal.scan_layers_located(m.manifest_bytes) AS layers
                FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id
                WHERE m.id = ANY (taken.ids)
            ), unfit AS (
                UPDATE quay.manifestsecuritystatus AS s
                SET index_status = -2, indexer_hash = 'none', error_json = '{}',
                    metadata_json = (quay_internal.scan_metadata(s.metadata_json) - 'claim')::text
                FROM image AS i WHERE s.manifest_id = i.id AND i.layers IS NULL
            )
            SELECT i.id, token, u.username::text, r.name::text, i.digest::text, i.media_type::text, i.layers,
                   NOT quay_internal.scan_metadata(s.metadata_json) ? 'scanned',
                   quay_internal.scan_retries(quay_internal.scan_metadata(s.metadata_json), scan_claim.indexer_hash)
            FROM image AS i
            JOIN quay.manifestsecuritystatus AS s ON s.manifest_id = i.id
            JOIN quay.repository AS r ON r.id = i.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE i.layers IS NOT NULL;
        GET DIAGNOSTICS returned = ROW_COUNT;
        EXIT WHEN returned > 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.scan_claim(text, integer) IS
    'Hands at most n manifests to a worker of the scanner, for quay.scan_timeout seconds: after that another one may take them. No row: nothing is to be done now. indexer_hash: the state of the scanner, as it says itself. What is taken and in which order is told with quay_internal.scan_take(); what cannot be scanned (an index, an artifact, an image without all its layers) is marked as unsupported and left out, so there may be fewer than n. claim: to be passed to scan_report() and scan_extend(). layers: an array of objects, the lowest first, with digest, media_type, size in bytes, path and locations of the bytes, urls. first_scan: there was no result for the manifest before. retries: how often it failed with the scanner in this state. Two workers never get the same manifest, and wait for nobody. Its cost grows with n, not with the number of manifests. Errors: 22023 n not positive, or no state.';

CREATE OR REPLACE FUNCTION quay.scan_extend(manifest_id bigint, claim text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.manifestsecuritystatus AS s SET last_indexed = quay_internal.utc_now()
    WHERE s.manifest_id = scan_extend.manifest_id AND s.index_status = 1
      AND quay_internal.scan_metadata(s.metadata_json) ->> 'claim' = scan_extend.claim;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.scan_extend(bigint, text) IS
    'Gives a worker quay.scan_timeout seconds more from now on for a manifest that it has claimed. False: it has it no longer.';

CREATE OR REPLACE FUNCTION quay.scan_report(manifest_id bigint, claim text, status text, indexer_hash text DEFAULT NULL,
                                            error jsonb DEFAULT NULL, count_retry boolean DEFAULT true)
    RETURNS TABLE (accepted boolean, first_scan boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_status integer := CASE scan_report.status WHEN 'completed' THEN 2 WHEN 'failed' THEN -1 WHEN 'unsupported' THEN -2
                                                  WHEN 'layer_too_large' THEN -3 WHEN 'pending' THEN 0 END;
    scan quay.manifestsecuritystatus;
    metadata jsonb;
BEGIN
    IF new_status IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown result of a scan',
            DETAIL = format('There is no result "%s".', left(scan_report.status, 80)),
            HINT = 'Results are completed, failed, unsupported, layer_too_large, and pending to give the manifest back.';
    END IF;
    IF new_status IN (2, -1) AND (coalesce(scan_report.indexer_hash, '') = '' OR length(scan_report.indexer_hash) > 128) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'state of the scanner must be a text of 1 to 128 characters',
            DETAIL = format('It is %s.', coalesce('"' || left(scan_report.indexer_hash, 80) || '"', 'NULL')),
            HINT = 'Pass what the scanner says of its state, which changes with its rules.';
    END IF;
    SELECT * INTO scan FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = scan_report.manifest_id FOR UPDATE;
    metadata := quay_internal.scan_metadata(scan.metadata_json);
    accepted := scan.index_status = 1 AND metadata ->> 'claim' IS NOT DISTINCT FROM scan_report.claim AND scan_report.claim IS NOT NULL;
    accepted := coalesce(accepted, false);
    first_scan := accepted AND new_status = 2 AND NOT metadata ? 'scanned';
    IF accepted THEN
        metadata := metadata - 'claim';
        UPDATE quay.manifestsecuritystatus AS s
        SET index_status = new_status,
            indexer_hash = CASE WHEN new_status IN (2, -1) THEN scan_report.indexer_hash WHEN new_status = 0 THEN '' ELSE 'none' END,
            error_json = coalesce(scan_report.error, '{}')::text,
            last_indexed = quay_internal.utc_now(),
            metadata_json = CASE
                WHEN new_status = 2 THEN '{}'
                WHEN new_status = -1 AND count_retry THEN metadata || jsonb_build_object(
                    'retry_count', quay_internal.scan_retries(metadata, scan_report.indexer_hash) + 1, 'last_failed_hash', scan_report.indexer_hash)
                ELSE metadata END::text
        WHERE s.id = scan.id;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.scan_report(bigint, text, text, text, jsonb, boolean) IS
    'Says what came of the scan of a manifest that scan_claim() handed out: completed, failed, unsupported, layer_too_large, or pending to give it back unscanned. accepted false: the claim is over, another worker has the manifest or it is gone, and nothing was written. first_scan: completed, and there was no result before, as a notice of a new image wants to know. indexer_hash: the state of the scanner, for completed and failed. error: what the scanner said. A failed manifest comes again after quay.scan_reindex_interval, until it has failed quay.scan_maximum_retries times with the scanner in one state; count_retry false: it could not be reached, which does not count. Errors: 22023 no state, QY009 unknown result.';
