-- Uploads: bytes on the way to become a blob. The row of an upload carries the state of its hash, so that any process can go on with it.

CREATE OR REPLACE FUNCTION quay_internal.upload_lock(repository_id bigint, upload text) RETURNS quay.blobupload
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.blobupload;
BEGIN
    SELECT * INTO result FROM quay.blobupload AS b
    WHERE b.repository_id = upload_lock.repository_id AND b.uuid = upload_lock.upload FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY050',
            MESSAGE = 'upload does not exist',
            DETAIL = format('This repository has no upload "%s".', left(upload_lock.upload, 80)),
            HINT = 'It may have been finished, cancelled or removed for age: start a new one with quay.upload_start().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_lock(bigint, text) IS
    'The upload of that id in that repository, its row locked until the transaction ends. Errors: QY050 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.upload_extend(upload quay.blobupload, chunk bytea, "offset" bigint, chunk_size bigint,
                                                       sha_state text) RETURNS quay.blobupload
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := coalesce(length(chunk), chunk_size);
    start bigint := coalesce("offset", upload.byte_count);
    maximum bigint := quay_internal.setting('maximum_layer_size')::bigint * 1024 * 1024;
    known bigint := greatest(upload.byte_count - start, 0);   -- bytes of this chunk that an earlier call has brought
BEGIN
    IF (chunk IS NULL) = (chunk_size IS NULL) OR size < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a chunk is either its bytes or its size',
            DETAIL = 'Both or neither of chunk and chunk_size were given, or the size is negative.',
            HINT = 'Pass chunk for bytes that the server is to hash, chunk_size for bytes that went straight to the store.';
    END IF;
    IF start < 0 OR start > upload.byte_count THEN
        RAISE EXCEPTION USING ERRCODE = 'QY051',
            MESSAGE = 'chunk does not continue the upload',
            DETAIL = format('The upload has %s bytes, the chunk starts at %s.', upload.byte_count, start),
            HINT = 'Ask quay.upload_status() and send what follows.';
    END IF;
    IF size > maximum - start THEN
        RAISE EXCEPTION USING ERRCODE = 'QY052',
            MESSAGE = 'blob is too large',
            DETAIL = format('The upload has %s bytes, the chunk %s; the maximum is %s.', start, size, maximum),
            HINT = 'An administrator can raise quay.maximum_layer_size.';
    END IF;
    IF size <= known THEN
        RETURN upload;
    END IF;

    upload.sha_state := CASE
        WHEN chunk IS NULL THEN upload_extend.sha_state
        WHEN known = 0 THEN quay_internal.hashstate_update(upload.sha_state, chunk)
        ELSE quay_internal.hashstate_update(upload.sha_state, substring(chunk FROM known::integer + 1))
    END;
    upload.byte_count := start + size;
    upload.chunk_count := upload.chunk_count + 1;
    RETURN upload;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_extend(quay.blobupload, bytea, bigint, bigint, text) IS
    'The row of an upload as it is after a chunk; nothing is written. What an earlier call brought already is skipped, so a chunk can be sent again. Without chunk the state of the hash is what the caller says, NULL if it is not known any more. Errors: 22023, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_start(namespace text, repository text, location text DEFAULT 'local',
                                             algorithm text DEFAULT 'sha256', uuid text DEFAULT NULL,
                                             storage_metadata jsonb DEFAULT '{}', actor text DEFAULT NULL)
    RETURNS TABLE (upload text, byte_count bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    upload := coalesce(upload_start.uuid, gen_random_uuid()::text);
    byte_count := 0;
    INSERT INTO quay.blobupload (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, chunk_count, created)
    VALUES (target.id, upload, 0, quay_internal.hashstate_start(algorithm), quay_internal.location_id(location),
            coalesce(upload_start.storage_metadata, '{}')::text, 0, quay_internal.utc_now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'upload id is taken',
            DETAIL = format('There is an upload "%s" already.', left(upload, 80)),
            HINT = 'Leave uuid out to get a fresh one.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.upload_start(text, text, text, text, text, jsonb, text) IS
    'Starts an upload and answers its id. location names the store that receives the bytes, storage_metadata is whatever the front end keeps about it, uuid an id that the store has chosen, algorithm the one of the digest to come (sha256, sha512). Errors: QY002, QY003, QY004, QY005, QY006 uuid taken, QY022, QY053.';

CREATE OR REPLACE FUNCTION quay.upload_append(namespace text, repository text, upload text, chunk bytea DEFAULT NULL,
                                              "offset" bigint DEFAULT NULL, chunk_size bigint DEFAULT NULL,
                                              sha_state text DEFAULT NULL, storage_metadata jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    before quay.blobupload := quay_internal.upload_lock(target_id, upload);
    extended quay.blobupload := quay_internal.upload_extend(before, chunk, "offset", chunk_size, upload_append.sha_state);
BEGIN
    IF extended.byte_count > before.byte_count OR upload_append.storage_metadata IS NOT NULL THEN
        UPDATE quay.blobupload AS b
        SET byte_count = extended.byte_count, sha_state = extended.sha_state, chunk_count = extended.chunk_count,
            storage_metadata = coalesce(upload_append.storage_metadata::text, b.storage_metadata)
        WHERE b.id = extended.id;
    END IF;
    RETURN extended.byte_count;
END
$$;
COMMENT ON FUNCTION quay.upload_append(text, text, text, bytea, bigint, bigint, text, jsonb) IS
    'Adds a chunk and answers how many bytes the upload has now. Either chunk: the server hashes it (and does not keep it). Or chunk_size, for bytes that went straight to the store: then sha_state is the state of the hash after them if the caller has it (quay_internal.hashstate_update), else the digest is not verified at the end. offset says where the chunk starts: behind the end is an error, before it the overlap is skipped; NULL is the end. Two calls at once wait for each other. Errors: QY002, QY003, QY004, QY050, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_finish(namespace text, repository text, upload text, OUT blob_id bigint, INOUT digest text,
                                              chunk bytea DEFAULT NULL, uncompressed_size bigint DEFAULT NULL,
                                              OUT size bigint, OUT path text, OUT verified boolean, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    algorithm text := quay_internal.digest_check(upload_finish.digest);
    target_id bigint := (quay_internal.repository_get(namespace, repository, lock => true)).id;
    bytes quay.blobupload := quay_internal.upload_lock(target_id, upload);
    actual text;
    stored record;
BEGIN
    IF bytes.byte_count = 0 AND bytes.sha_state IS NOT NULL THEN
        -- Nothing is hashed yet: the algorithm is free.
        bytes.sha_state := quay_internal.hashstate_start(algorithm);
    END IF;
    IF chunk IS NOT NULL THEN
        bytes := quay_internal.upload_extend(bytes, chunk, NULL, NULL, NULL);
    END IF;
    actual := quay_internal.hashstate_final(bytes.sha_state);
    IF actual <> upload_finish.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = 'digest does not match the bytes',
            DETAIL = format('Expected "%s", the %s uploaded bytes have "%s".', upload_finish.digest, bytes.byte_count, actual),
            HINT = CASE WHEN split_part(actual, ':', 1) <> algorithm
                THEN format('Start the upload with algorithm => ''%s''.', algorithm)
                ELSE 'The upload is unchanged: finish it with the right digest, or cancel it and upload again.' END;
    END IF;

    stored := quay_internal.blob_store(upload_finish.digest, bytes.byte_count, upload_finish.uncompressed_size, bytes.location_id);
    PERFORM quay_internal.blob_link(target_id, (stored.blob).id);
    DELETE FROM quay.blobupload AS b WHERE b.id = bytes.id;

    blob_id := (stored.blob).id;
    size := (stored.blob).image_size;
    path := quay_internal.blob_path(stored.blob);
    verified := actual IS NOT NULL;
    existed := stored.existed;
END
$$;
COMMENT ON FUNCTION quay.upload_finish(text, text, text, text, bytea, bigint) IS
    'Makes the upload, and a last chunk if given, a blob that the repository has for quay.upload_expiration seconds, and removes the upload. path says where its bytes belong, relative to the root of the store; existed: they are there already, and the uploaded copy can be thrown away. verified: the digest was compared with the hash of the bytes, and not only taken from the caller. Errors: QY002, QY003, QY004, QY020, QY021 mismatch (the upload stays as it was), QY022, QY050, QY052, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_cancel(namespace text, repository text, upload text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    DELETE FROM quay.blobupload AS b WHERE b.repository_id = target_id AND b.uuid = upload_cancel.upload;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.upload_cancel(text, text, text) IS
    'Removes an upload; false if there is none of that id. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.upload_status(namespace text, repository text, INOUT upload text, OUT byte_count bigint,
                                              OUT chunk_count integer, OUT location text, OUT storage_metadata jsonb,
                                              OUT sha_state text, OUT created timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.byte_count, b.chunk_count, l.name::text, b.storage_metadata::jsonb, b.sha_state, b.created
        FROM quay.blobupload AS b JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        WHERE b.repository_id = target_id AND b.uuid = upload_status.upload;
END
$$;
COMMENT ON FUNCTION quay.upload_status(text, text, text) IS
    'An upload of the repository; no row if there is none of that id. byte_count in bytes, created in UTC. sha_state NULL: bytes came that were not hashed. Errors: QY002, QY003, QY004.';
