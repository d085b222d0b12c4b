-- Storage locations, where the bytes of blobs are, and portable hash states.

-- SHA-256 in steps

CREATE OR REPLACE FUNCTION quay.sha256_state_start() RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.hashstate_start('sha256');
END
$$;
COMMENT ON FUNCTION quay.sha256_state_start() IS
'The state of SHA-256 before any data, as text: what sha256_state_update() continues, in any session and on any server, and what upload_append() takes as sha_state from a front end that hashes the bytes itself.

The text is q1:sha256: and, in base64 (RFC 4648, with padding): the eight words of the state, 4 bytes each; the length of the data so far in bytes, 8 bytes; the last (length mod 64) bytes of the data; and as a check the first 4 bytes of the SHA-256 of "q1:sha256:" and all this. Numbers are big-endian. States of sha512 (q1:sha512:) have words of 8 bytes and blocks of 128.';

CREATE OR REPLACE FUNCTION quay.sha256_state_update(state text, chunk bytea) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_update';
COMMENT ON FUNCTION quay.sha256_state_update(text, bytea) IS
    'The state after more data: see sha256_state_start(). NULL if an argument is NULL. Errors: QY054 damaged state.';

CREATE OR REPLACE FUNCTION quay.sha256_state_final(state text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_final';
COMMENT ON FUNCTION quay.sha256_state_final(text) IS
    'The digest, sha256:hex, of all data that went into the state. The state can be continued all the same. NULL if it is NULL. Errors: QY054 damaged state.';

-- Locations

CREATE OR REPLACE FUNCTION quay.storage_location_ensure(names text[]) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    illegal text;
    added text[];
BEGIN
    SELECT coalesce(n.name, 'NULL') INTO illegal FROM unnest(names) AS n (name)
    WHERE n.name IS NULL OR n.name = '' OR length(n.name) > 255 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal name of a storage location',
            DETAIL = format('"%s" is NULL, empty or longer than 255 characters.', left(illegal, 80)),
            HINT = 'Pass the names that the stores have in the configuration of the registry.';
    END IF;
    WITH inserted AS (
        INSERT INTO quay.imagestoragelocation (name)
        SELECT DISTINCT n.name FROM unnest(names) AS n (name)
        -- Without this each call would use up ids.
        WHERE NOT EXISTS (SELECT FROM quay.imagestoragelocation AS l WHERE l.name = n.name)
        ORDER BY n.name
        ON CONFLICT DO NOTHING
        RETURNING name
    )
    SELECT coalesce(array_agg(i.name::text ORDER BY i.name), '{}') INTO added FROM inserted AS i;
    RETURN added;
END
$$;
COMMENT ON FUNCTION quay.storage_location_ensure(text[]) IS
    'Makes these storage locations known, and returns those that were not, in their order. For the start of a front end, with the stores of its configuration. Errors: QY001 illegal name.';

CREATE OR REPLACE FUNCTION quay.storage_location_list() RETURNS TABLE (location_id bigint, name text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT l.id, l.name::text FROM quay.imagestoragelocation AS l ORDER BY l.name;
END
$$;
COMMENT ON FUNCTION quay.storage_location_list() IS 'The storage locations, by name.';

-- Blobs of the whole registry

CREATE OR REPLACE FUNCTION quay.blob_get(INOUT digest text DEFAULT NULL, INOUT uuid text DEFAULT NULL, OUT blob_id bigint, OUT size bigint,
                                         OUT uncompressed_size bigint, OUT path text, OUT locations text[], OUT in_use boolean,
                                         OUT deletion_due_ms bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob quay.imagestorage;
BEGIN
    IF blob_get.digest IS NOT NULL THEN
        SELECT * INTO blob FROM quay.imagestorage AS b
        WHERE b.content_checksum = blob_get.digest AND (blob_get.uuid IS NULL OR b.uuid = blob_get.uuid);
    ELSE
        SELECT * INTO blob FROM quay.imagestorage AS b WHERE b.uuid = blob_get.uuid;
    END IF;
    RETURN QUERY
        SELECT blob.content_checksum::text, blob.uuid::text, blob.id, blob.image_size, blob.uncompressed_size, quay_internal.blob_path(blob),
               ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                     WHERE p.storage_id = blob.id ORDER BY l.name),
               quay_internal.blob_unused(ARRAY[blob.id]) = '{}',
               (SELECT d.due_ms FROM quay_internal.blob_deletion AS d WHERE d.blob_id = blob.id)
        WHERE blob.id IS NOT NULL;
END
$$;
COMMENT ON FUNCTION quay.blob_get(text, text) IS
    'A blob, whichever repositories have it, by its digest or by the uuid under which workers of the Quay application know it; no row if there is none. For operators: a front end asks blob_find(), which knows what a repository has. Sizes in bytes, NULL if unknown. digest is NULL for blobs of old releases that never got one. locations is empty for a placeholder, whose bytes are not here (yet). in_use: something refers to the blob. deletion_due_ms: NULL, or from when on, in ms since 1970, its bytes may be handed out for deletion.';

CREATE OR REPLACE FUNCTION quay.blob_shared_ensure(location text DEFAULT 'local', OUT blob_id bigint, OUT digest text, OUT size bigint,
                                                   OUT path text, OUT existed boolean, OUT content bytea)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored record;
BEGIN
    content := '\x1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000';
    digest := quay_internal.digest_compute(content);
    stored := quay_internal.blob_store(digest, length(content), 1024, quay_internal.location_id(location));
    blob_id := (stored.blob).id;
    size := (stored.blob).image_size;
    path := quay_internal.blob_path(stored.blob);
    existed := stored.existed;
END
$$;
COMMENT ON FUNCTION quay.blob_shared_ensure(text) IS
    'Makes the blob that belongs to every repository known in a storage location, once however often it is called: the empty layer, whose bytes are content. existed: the location has them already; if not, the caller stores them under path. It is never collected. Errors: QY053 location unknown.';

-- Where the bytes are

CREATE OR REPLACE FUNCTION quay.blob_placement_add(digest text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    store_id bigint := quay_internal.location_id(location);
    blob quay.imagestorage := quay_internal.blob_lock(digest);
BEGIN
    IF blob.id IS NULL THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM quay_internal.blob_deletion AS d
               WHERE d.blob_id = blob.id AND d.lease IS NOT NULL AND d.due_ms > quay_internal.clock_ms()) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY055',
            MESSAGE = 'blob is being deleted',
            DETAIL = format('A collector deletes the bytes of "%s", and does not know of those in "%s".', blob.content_checksum, location),
            HINT = 'Try again: the blob may be gone then, or in use again.';
    END IF;
    INSERT INTO quay.imagestorageplacement (storage_id, location_id) VALUES (blob.id, store_id)
    ON CONFLICT (storage_id, location_id) DO NOTHING;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.blob_placement_add(text, text) IS
    'Records that a storage location has the bytes of a blob, once however often it is called: for replication, after the copy has been verified, and for a placeholder whose bytes have come. False if there is no blob of that digest: it has been collected meanwhile. Errors: QY053 location unknown, QY055 the blob is being deleted (try again).';

CREATE OR REPLACE FUNCTION quay.blob_placement_remove(digest text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    store_id bigint := quay_internal.location_id(location);
BEGIN
    DELETE FROM quay.imagestorageplacement AS p
    USING quay.imagestorage AS b
    WHERE b.content_checksum = blob_placement_remove.digest AND p.storage_id = b.id AND p.location_id = store_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.blob_placement_remove(text, text) IS
    'Records that a storage location has the bytes of a blob no longer: they were lost, or the store is to be given up. False if it had not. Call it before the bytes are deleted there, so that nobody is sent to what is not there. The last one may go too: whoever uploads the same bytes then brings them back. Errors: QY053 location unknown.';

CREATE OR REPLACE FUNCTION quay_internal.blob_placement_gap(blob_ids bigint[], location_ids bigint[])
    RETURNS TABLE (blob_id bigint, present bigint[], missing bigint[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    with_regions boolean := EXISTS (SELECT FROM quay.userregion);
BEGIN
    RETURN QUERY
        SELECT b.id, h.ids, w.ids
        FROM unnest(blob_ids) AS b (id)
        CROSS JOIN LATERAL (
            SELECT ARRAY(SELECT p.location_id FROM quay.imagestorageplacement AS p WHERE p.storage_id = b.id) AS ids) AS h
        CROSS JOIN LATERAL (
            SELECT ARRAY(SELECT l.id FROM unnest(location_ids) AS l (id)
                         UNION
                         SELECT g.location_id
                         FROM quay.manifestblob AS m
                         JOIN quay.repository AS r ON r.id = m.repository_id
                         JOIN quay.userregion AS g ON g.user_id = r.namespace_user_id
                         WHERE with_regions AND m.blob_id = b.id
                         EXCEPT
                         SELECT p.id FROM unnest(h.ids) AS p (id)) AS ids) AS w
        WHERE h.ids <> '{}' AND w.ids <> '{}'
          -- What no manifest refers to will be collected.
          AND (SELECT true FROM quay.manifestblob AS m WHERE m.blob_id = b.id LIMIT 1);
END
$$;
COMMENT ON FUNCTION quay_internal.blob_placement_gap(bigint[], bigint[]) IS
    'Of these blobs those that are not in all of these locations and of the regions of the namespaces that use them: where they are, and where not.';

CREATE OR REPLACE FUNCTION quay.blob_placement_missing(locations text[], after bigint DEFAULT NULL, n integer DEFAULT 100,
                                                       digests text[] DEFAULT NULL)
    RETURNS TABLE (blob_id bigint, digest text, size bigint, path text, present text[], missing text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    location_ids bigint[] := ARRAY(SELECT quay_internal.location_id(l.name) FROM unnest(locations) AS l (name));
    batch bigint[];
    last_id bigint := coalesce(after, 0);
    returned integer;
BEGIN
    WHILE page_size > 0 LOOP
        IF digests IS NULL THEN
            batch := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.id > last_id ORDER BY b.id LIMIT 1000);
        ELSE
            batch := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.content_checksum = ANY (digests) AND b.id > last_id ORDER BY b.id);
        END IF;
        RETURN QUERY
            SELECT b.id, b.content_checksum::text, b.image_size, quay_internal.blob_path(b),
                   ARRAY(SELECT l.name::text FROM quay.imagestoragelocation AS l WHERE l.id = ANY (g.present) ORDER BY l.name),
                   ARRAY(SELECT l.name::text FROM quay.imagestoragelocation AS l WHERE l.id = ANY (g.missing) ORDER BY l.name)
            FROM (SELECT * FROM quay_internal.blob_placement_gap(batch, location_ids) AS g ORDER BY g.blob_id LIMIT page_size) AS g
            JOIN quay.imagestorage AS b ON b.id = g.blob_id
            ORDER BY b.id;
        GET DIAGNOSTICS returned = ROW_COUNT;
        page_size := page_size - returned;
        last_id := batch[cardinality(batch)];
        EXIT WHEN digests IS NOT NULL OR last_id IS NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.blob_placement_missing(text[], bigint, integer, text[]) IS
'What replication has to copy: blobs of manifests that are somewhere, but not in all of these locations and the regions (user_region_list) of the namespaces that use them; at most n, by blob_id, those after the blob_id after. Copy path from one of present to each of missing, compare the digest, then call blob_placement_add(). NULL or empty locations: the regions only. size in bytes.

digests: only these blobs, for a push that has just come to an end. Without, all blobs of the registry are looked at, about a second for each 100000 that have nothing to copy: for a worker, now and then.
Errors: QY053 location unknown, 22023 n negative.';
