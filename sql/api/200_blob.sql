-- Blobs: digests, where their bytes are, which repository has which, mounting. A repository has a blob if a manifest of it refers to it,
-- or if it was uploaded or mounted there.
--
-- Entry points here and in the next files fix plan_cache_mode, for what they call as well: their statements look rows up by key, and
-- for arrays the server would rather plan them anew at each call, which takes ten times as long as running them.

CREATE OR REPLACE FUNCTION quay_internal.digest_check(digest text) RETURNS text
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_check';
COMMENT ON FUNCTION quay_internal.digest_check(text) IS
    'The algorithm of a digest, sha256 or sha512. Errors: QY020 malformed (also NULL), QY022 other algorithm.';

CREATE OR REPLACE FUNCTION quay_internal.content_path(digest text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_content_path';
COMMENT ON FUNCTION quay_internal.content_path(text) IS
    'Relative path under which a store keeps the bytes of that digest, such as sha256/ab/abcd…; NULL if it is no digest.';

CREATE OR REPLACE FUNCTION quay_internal.blob_path(blob quay.imagestorage) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (blob).cas_path THEN quay_internal.content_path((blob).content_checksum)
                ELSE 'sharedimages/' || (blob).uuid || '/layer' END;
COMMENT ON FUNCTION quay_internal.blob_path(quay.imagestorage) IS
    'Relative path of the bytes of a blob in its store: by digest, or by uuid for the oldest blobs of the reference.';

CREATE OR REPLACE FUNCTION quay_internal.blob_ids(repository_id bigint, digests text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT b.id
        FROM quay.imagestorage AS b
        WHERE b.content_checksum = ANY (blob_ids.digests)
          -- One probe each. For EXISTS the planner may read all blobs of the repository into a hash table instead.
          AND coalesce((SELECT true FROM quay.manifestblob AS m
                        WHERE m.repository_id = blob_ids.repository_id AND m.blob_id = b.id LIMIT 1),
                       (SELECT true FROM quay.uploadedblob AS u
                        WHERE u.repository_id = blob_ids.repository_id AND u.blob_id = b.id LIMIT 1),
                       -- The empty layer belongs to everybody.
                       b.content_checksum = 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4'));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_ids(bigint, text[]) IS
    'Ids of the blobs of these digests that the repository has. An upload counts even after its time is over, until it is collected.';

CREATE OR REPLACE FUNCTION quay_internal.repository_find(namespace text, repository text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.id
            FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
            WHERE u.username = repository_find.namespace AND u.enabled AND NOT u.robot
              AND r.name = repository_find.repository AND r.state <> 3);   -- 3: marked for deletion
END
$$;
COMMENT ON FUNCTION quay_internal.repository_find(text, text) IS
    'Id of a repository for reads to which an unknown repository is no error: NULL where repository_get() would fail.';

CREATE OR REPLACE FUNCTION quay_internal.location_id(location text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT l.id INTO found_id FROM quay.imagestoragelocation AS l WHERE l.name = location_id.location;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY053',
            MESSAGE = 'storage location does not exist',
            DETAIL = format('There is no storage location named "%s".', left(location_id.location, 80)),
            HINT = 'Add a row to quay.imagestoragelocation for each store of the registry.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.location_id(text) IS 'Id of the storage location of that name. Errors: QY053 unknown.';

CREATE OR REPLACE FUNCTION quay.blob_find_many(namespace text, repository text, digests text[])
    RETURNS TABLE (blob_id bigint, digest text, size bigint, uncompressed_size bigint, path text, locations text[])
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    ids bigint[] := CASE WHEN target_id IS NOT NULL THEN quay_internal.blob_ids(target_id, digests) END;
BEGIN
    RETURN QUERY
        SELECT b.id, b.content_checksum::text, b.image_size, b.uncompressed_size, quay_internal.blob_path(b),
               ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                     WHERE p.storage_id = b.id ORDER BY l.name)
        FROM quay.imagestorage AS b
        WHERE b.id = ANY (ids);
END
$$;
COMMENT ON FUNCTION quay.blob_find_many(text, text, text[]) IS
    'Blobs of these digests that the repository has; no row for one that it has not, or if there is no such repository. Sizes in bytes; uncompressed_size may be unknown (NULL). path is relative to the root of each storage location in locations; no location means that the bytes are not here (yet). The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.blob_find(namespace text, repository text, OUT blob_id bigint, INOUT digest text, OUT size bigint,
                                          OUT uncompressed_size bigint, OUT path text, OUT locations text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.blob_find_many(blob_find.namespace, blob_find.repository, ARRAY[blob_find.digest]);
END
$$;
COMMENT ON FUNCTION quay.blob_find(text, text, text) IS
    'The blob of that digest, if the repository has it: see blob_find_many().';

-- Writing.

CREATE OR REPLACE FUNCTION quay_internal.blob_link(repository_id bigint, blob_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uploaded_at timestamp := quay_internal.utc_now();
BEGIN
    INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
    VALUES (repository_id, blob_id, uploaded_at,
            uploaded_at + make_interval(secs => quay_internal.setting('upload_expiration')::integer));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_link(bigint, bigint) IS
    'Lets a repository have a blob for quay.upload_expiration seconds, in which a manifest may refer to it.';

CREATE OR REPLACE FUNCTION quay_internal.blob_store(digest text, size bigint, uncompressed_size bigint, store_id bigint,
                                                    OUT blob quay.imagestorage, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOOP
        -- The lock keeps the row until we commit; others read and use it meanwhile.
        SELECT * INTO blob FROM quay.imagestorage AS b WHERE b.content_checksum = blob_store.digest FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO quay.imagestorage (uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum)
        VALUES (gen_random_uuid()::text, blob_store.size, blob_store.uncompressed_size, false, true, blob_store.digest)
        ON CONFLICT (content_checksum) DO NOTHING
        RETURNING * INTO blob;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;

    -- Sizes that are known do not change.
    IF blob.image_size IS NULL OR (blob.uncompressed_size IS NULL AND blob_store.uncompressed_size IS NOT NULL) THEN
        UPDATE quay.imagestorage AS b
        SET image_size = coalesce(b.image_size, blob_store.size),
            uncompressed_size = coalesce(b.uncompressed_size, blob_store.uncompressed_size)
        WHERE b.id = blob.id
        RETURNING * INTO blob;
    END IF;

    INSERT INTO quay.imagestorageplacement (storage_id, location_id) VALUES (blob.id, store_id)
    ON CONFLICT (storage_id, location_id) DO NOTHING;
    existed := NOT FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_store(text, bigint, bigint, bigint) IS
    'The one row of the blob of that digest, made if there is none, with its bytes recorded in that location. existed: they were there already.';

CREATE OR REPLACE FUNCTION quay.blob_mount(namespace text, repository text, digest text, from_namespace text, from_repository text,
                                           actor text DEFAULT NULL, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    source_id bigint := quay_internal.repository_find(from_namespace, from_repository);
    ids bigint[];
    blob_id bigint;
BEGIN
    PERFORM quay_internal.digest_check(digest);
    PERFORM quay_internal.repository_require_writable(target, actor);
    IF actor IS NOT NULL AND NOT quay.access_check(actor, from_namespace, from_repository, 'read', scopes) THEN
        RETURN false;
    END IF;

    IF source_id IS NULL THEN
        RETURN false;
    END IF;
    ids := quay_internal.blob_ids(source_id, ARRAY[blob_mount.digest]);
    SELECT b.id INTO blob_id FROM quay.imagestorage AS b WHERE b.id = ANY (ids) FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.blob_link(target.id, blob_id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.blob_mount(text, text, text, text, text, text, text) IS
    'Lets the repository have a blob of another one, without an upload, for quay.upload_expiration seconds. False if the other repository is unknown or has it not, or if an actor is given who may not read it there (the usual answer is then to start an upload). Without an actor the caller has checked that. Errors: QY002, QY003, QY004, QY005 of the target, QY020, QY022.';
