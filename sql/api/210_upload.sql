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
            HINT = 'It may have been finished: quay.blob_find() knows the digest then. Else it was cancelled or removed for age: start a new one.';
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
    PERFORM quay_internal.blob_size_check(start::numeric + size, NULL);
    IF size <= known THEN
        RETURN upload;
    END IF;

    upload.sha_state := CASE
        -- Unchanged, but read: a damaged one is refused now and not at the end.
        WHEN chunk IS NULL THEN quay_internal.hashstate_update(upload_extend.sha_state, '')
        WHEN known = 0 THEN quay_internal.hashstate_update(upload.sha_state, chunk)
        ELSE quay_internal.hashstate_update(upload.sha_state, substring(chunk FROM known::integer + 1))
    END;
    -- Whoever unpacked one chunk does not know what all of them hold.
    upload.uncompressed_byte_count := NULL;
    upload.byte_count := start + size;
    upload.chunk_count := upload.chunk_count + 1;
    RETURN upload;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_extend(quay.blobupload, bytea, bigint, bigint, text) IS
    'The row of an upload as it is after a chunk; nothing is written. What an earlier call brought already is skipped, so a chunk can be sent again. Without chunk the state of the hash is what the caller says, NULL if it is not known any more. Errors: 22023, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay_internal.upload_require_open(repository quay.repository) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Only this: that a mirror is its robot's was asked at the start, and is asked again for the manifest.
    IF repository.state = 1 THEN
        PERFORM quay_internal.repository_require_writable(repository, NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_require_open(quay.repository) IS
    'Refuses (QY005) to go on with an upload in a repository that has become read-only.';

-- Bytes of the quota of a namespace that has a limit are reserved by uploads, so that those under way cannot all pass it. They count as long
-- as the row of the upload has them, whoever writes or deletes it.

CREATE OR REPLACE FUNCTION quay_internal.upload_reserved() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before bigint := CASE WHEN TG_OP <> 'INSERT' THEN OLD.reserved_bytes ELSE 0 END;
    after bigint := CASE WHEN TG_OP <> 'DELETE' THEN NEW.reserved_bytes ELSE 0 END;
    owner_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r
                        WHERE r.id = CASE TG_OP WHEN 'DELETE' THEN OLD.repository_id ELSE NEW.repository_id END);
BEGIN
    -- A row that comes with reserved bytes is from a dump: it had them already.
    PERFORM quay_internal.size_add(owner_id, 0, 0, after - before, forced => TG_OP = 'INSERT');
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_reserved() IS
    'Trigger: counts the bytes of its quota that an upload reserves for the namespace. Errors: QY056 there is no room for them.';

CREATE OR REPLACE TRIGGER upload_reserved_added AFTER INSERT ON quay.blobupload
    FOR EACH ROW WHEN (NEW.reserved_bytes > 0) EXECUTE FUNCTION quay_internal.upload_reserved();
CREATE OR REPLACE TRIGGER upload_reserved_changed AFTER UPDATE OF reserved_bytes ON quay.blobupload
    FOR EACH ROW WHEN (OLD.reserved_bytes <> NEW.reserved_bytes) EXECUTE FUNCTION quay_internal.upload_reserved();
CREATE OR REPLACE TRIGGER upload_reserved_removed AFTER DELETE ON quay.blobupload
    FOR EACH ROW WHEN (OLD.reserved_bytes > 0) EXECUTE FUNCTION quay_internal.upload_reserved();

CREATE OR REPLACE FUNCTION quay_internal.upload_reserve(upload_id bigint, namespace_id bigint, bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What a proxy cache downloads is counted already, by the manifest that lists it.
    IF quay_internal.namespace_limit(namespace_id) IS NOT NULL
       AND NOT EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = namespace_id) THEN
        UPDATE quay.blobupload AS b SET reserved_bytes = bytes WHERE b.id = upload_id AND b.reserved_bytes < bytes;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_reserve(bigint, bigint, bigint) IS
    'Has an upload reserve that many bytes of the quota of its namespace, if that has a limit and the upload has not reserved as many. Errors: QY056 there is no room for them.';

CREATE OR REPLACE FUNCTION quay.upload_start(namespace text, repository text, location text DEFAULT 'local',
                                             algorithm text DEFAULT 'sha256', uuid text DEFAULT NULL,
                                             storage_metadata jsonb DEFAULT '{}', actor text DEFAULT NULL, size bigint DEFAULT NULL)
    RETURNS TABLE (upload text, byte_count bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    started_id bigint;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.blob_size_check(upload_start.size, NULL);
    upload := coalesce(upload_start.uuid, gen_random_uuid()::text);
    byte_count := 0;
    INSERT INTO quay.blobupload AS b (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, chunk_count, created)
    VALUES (target.id, upload, 0, quay_internal.hashstate_start(algorithm), quay_internal.location_id(location),
            coalesce(upload_start.storage_metadata, '{}')::text, 0, quay_internal.utc_now())
    ON CONFLICT DO NOTHING
    RETURNING b.id INTO started_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'upload id is taken',
            DETAIL = format('There is an upload "%s" already.', left(upload, 80)),
            HINT = 'Leave uuid out to get a fresh one.';
    END IF;
    IF size > 0 THEN
        PERFORM quay_internal.upload_reserve(started_id, target.namespace_user_id, size);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.upload_start(text, text, text, text, text, jsonb, text, bigint) IS
    'Starts an upload and answers its id. location names the store that receives the bytes, storage_metadata is whatever the front end keeps about it, uuid an id that the store has chosen, algorithm the one of the digest to come (sha256, sha512). size: how many bytes there will be, if that is known; so many are reserved of the quota of the namespace until the upload ends, else as many as come. Errors: QY002, QY003, QY004, QY005, QY006 uuid taken, QY022, QY052 too large, QY053, QY056 quota exceeded, 22023 size negative.';

CREATE OR REPLACE FUNCTION quay.upload_append(namespace text, repository text, upload text, chunk bytea DEFAULT NULL,
                                              "offset" bigint DEFAULT NULL, chunk_size bigint DEFAULT NULL,
                                              sha_state text DEFAULT NULL, storage_metadata jsonb DEFAULT NULL,
                                              uncompressed_size bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    before quay.blobupload := quay_internal.upload_lock(target.id, upload);
    extended quay.blobupload := quay_internal.upload_extend(before, chunk, "offset", chunk_size, upload_append.sha_state);
BEGIN
    PERFORM quay_internal.upload_require_open(target);
    PERFORM quay_internal.blob_size_check(NULL, uncompressed_size);
    IF extended.byte_count > before.byte_count OR upload_append.storage_metadata IS NOT NULL THEN
        UPDATE quay.blobupload AS b
        SET byte_count = extended.byte_count, sha_state = extended.sha_state, chunk_count = extended.chunk_count,
            uncompressed_byte_count = CASE WHEN before.byte_count = 0 THEN upload_append.uncompressed_size
                                           ELSE extended.uncompressed_byte_count END,
            storage_metadata = coalesce(upload_append.storage_metadata::text, b.storage_metadata)
        WHERE b.id = extended.id;
    END IF;
    IF extended.byte_count > extended.reserved_bytes THEN
        PERFORM quay_internal.upload_reserve(extended.id, target.namespace_user_id, extended.byte_count);
    END IF;
    RETURN extended.byte_count;
END
$$;
COMMENT ON FUNCTION quay.upload_append(text, text, text, bytea, bigint, bigint, text, jsonb, bigint) IS
'Adds a chunk and answers how many bytes the upload has now. Either chunk: the server hashes it (and does not keep it). Or chunk_size, for bytes that went straight to the store: then sha_state is the state of the hash after them if the caller has it (sha256_state_update), else the digest is not verified at the end.

offset says where the chunk starts; NULL is the end. Behind the end is an error. Before it the overlap is skipped, so that a chunk can be sent again; an offset of 0 is nothing special and does not start the upload anew. Two calls at once wait for each other. uncompressed_size: how many bytes the chunk has when unpacked, for an upload that is this chunk alone; with another one it is forgotten.
An error leaves the upload as it was; whoever does not go on with it then cancels it.
Errors: QY002, QY003, QY004, QY005 the repository is read-only now, QY050, QY051 gap, QY052 too large, QY054, QY056 quota exceeded, 22023 both or neither of chunk and chunk_size, or a size is negative.';

CREATE OR REPLACE FUNCTION quay.upload_finish(namespace text, repository text, upload text, OUT blob_id bigint, INOUT digest text,
                                              chunk bytea DEFAULT NULL, uncompressed_size bigint DEFAULT NULL,
                                              OUT size bigint, OUT path text, OUT verified boolean, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    algorithm text := quay_internal.digest_check(upload_finish.digest);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    bytes quay.blobupload := quay_internal.upload_lock(target.id, upload);
    actual text;
BEGIN
    PERFORM quay_internal.upload_require_open(target);
    IF bytes.byte_count = 0 AND bytes.sha_state IS NOT NULL THEN
        -- Nothing is hashed yet: the algorithm is free.
        bytes.sha_state := quay_internal.hashstate_start(algorithm);
    END IF;
    IF chunk IS NOT NULL THEN
        bytes := quay_internal.upload_extend(bytes, chunk, NULL, NULL, NULL);
    END IF;
    PERFORM quay_internal.blob_size_check(bytes.byte_count, uncompressed_size);
    actual := quay_internal.hashstate_final(bytes.sha_state);
    IF actual <> upload_finish.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = 'digest does not match the bytes',
            DETAIL = format('Expected "%s", the %s uploaded bytes have "%s".', upload_finish.digest, bytes.byte_count, actual),
            HINT = CASE WHEN split_part(actual, ':', 1) <> algorithm
                THEN format('Start the upload with algorithm => ''%s''.', algorithm)
                ELSE 'The upload is unchanged: finish it with the right digest, or cancel it and upload again.' END;
    END IF;

    SELECT c.blob_id, c.size, c.path, c.existed INTO blob_id, size, path, existed
    FROM quay_internal.blob_commit(target.id, digest, bytes.byte_count, coalesce(uncompressed_size, bytes.uncompressed_byte_count),
                                   bytes.location_id) AS c;
    verified := actual IS NOT NULL;
    IF bytes.byte_count > bytes.reserved_bytes THEN
        -- After the rows of blobs are locked, as whoever counts bytes does. Given back at once: a manifest will count them.
        PERFORM quay_internal.upload_reserve(bytes.id, target.namespace_user_id, bytes.byte_count);
    END IF;
    DELETE FROM quay.blobupload AS b WHERE b.id = bytes.id;
END
$$;
COMMENT ON FUNCTION quay.upload_finish(text, text, text, text, bytea, bigint) IS
'Makes the upload, and a last chunk if given, a blob that the repository has for quay.upload_expiration seconds or as long as a manifest refers to it, and removes the upload. path says where its bytes belong, relative to the root of the store; existed: they are there already, for certain, and the uploaded copy can be thrown away; if not, the caller moves it there. size in bytes; a blob keeps the sizes that it was first stored with. verified: the digest was compared with the hash of the bytes, and not only taken from the caller. uncompressed_size: NULL is what upload_append() was told.

Two that finish uploads of the same bytes make one blob. Who moves the bytes before he commits never leaves a blob without them. An answer that got lost is not repeated, since it could not say whether the bytes had been moved: a second call fails with QY050, blob_find() tells that the first one was carried out, and the caller sees to it that the bytes are there.
Errors, which leave the upload as it was: QY002, QY003, QY004, QY005 the repository is read-only now, QY020, QY021 mismatch, QY022, QY050, QY052, QY054, QY055 the blob is being deleted (try again), QY056 quota exceeded, 22023 uncompressed_size negative.';

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
    'Removes an upload; false if there is none of that id. What the store has of it the caller removes before: what is left after a crash upload_reap() finds. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.upload_status(namespace text, repository text, INOUT upload text, OUT byte_count bigint,
                                              OUT chunk_count integer, OUT location text, OUT storage_metadata jsonb,
                                              OUT sha_state text, OUT created timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.byte_count, b.chunk_count, l.name::text, quay_internal.json_read(b.storage_metadata), b.sha_state, b.created
        FROM quay.blobupload AS b JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        WHERE b.repository_id = target_id AND b.uuid = upload_status.upload;
END
$$;
COMMENT ON FUNCTION quay.upload_status(text, text, text) IS
    'An upload of the repository; no row if there is none of that id. byte_count in bytes, created in UTC. sha_state NULL: bytes came that were not hashed. storage_metadata NULL: none, or it cannot be read. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.upload_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (upload text, byte_count bigint, chunk_count integer, location text, reserved_bytes bigint, created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    start text := coalesce(upload_list.after, '') COLLATE "C";
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.byte_count, b.chunk_count, l.name::text, b.reserved_bytes, b.created
        FROM (SELECT * FROM quay.blobupload AS b
              WHERE b.repository_id = target_id AND b.uuid > start
              ORDER BY b.uuid LIMIT page_size) AS b
        JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        ORDER BY b.uuid;
END
$$;
COMMENT ON FUNCTION quay.upload_list(text, text, text, integer) IS
    'Uploads under way in a repository, in byte order of their ids, at most n, those after the id after. byte_count: bytes that have come; reserved_bytes: of the quota of the namespace, 0 if that has no limit; created in UTC. Errors: QY002, QY003, QY004, 22023 n negative.';
