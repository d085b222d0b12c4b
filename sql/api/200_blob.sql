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

CREATE OR REPLACE FUNCTION quay_internal.empty_layer() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
COMMENT ON FUNCTION quay_internal.empty_layer() IS 'Digest of the empty layer, 32 bytes: a compressed archive without any file.';

CREATE OR REPLACE FUNCTION quay_internal.digest_is_shared(digest text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN digest = quay_internal.empty_layer();
COMMENT ON FUNCTION quay_internal.digest_is_shared(text) IS 'Is it the digest of the empty layer? That blob belongs to everybody.';

CREATE OR REPLACE FUNCTION quay_internal.blob_ids(repository_id bigint, digests text[]) RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 50 AS 'MODULE_PATHNAME', 'quay_blob_ids';
COMMENT ON FUNCTION quay_internal.blob_ids(bigint, text[]) IS
    'Ids of the blobs of these digests that the repository has. An upload counts even after its time is over, until it is collected.';

CREATE OR REPLACE FUNCTION quay_internal.blob_held(repository_id bigint, blob_ids bigint[]) RETURNS bigint[]
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'quay_blob_held';
COMMENT ON FUNCTION quay_internal.blob_held(bigint, bigint[]) IS
    'Those of the blobs that the repository has: blob_ids() for who knows their ids.';

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
            HINT = 'Add each store of the registry with quay.storage_location_ensure().';
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

CREATE OR REPLACE FUNCTION quay.blob_exists_many(namespace text, repository text, digests text[]) RETURNS boolean[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    ids bigint[] := CASE WHEN target_id IS NOT NULL THEN quay_internal.blob_ids(target_id, digests) ELSE '{}' END;
    known text[] := ARRAY(SELECT b.content_checksum::text FROM quay.imagestorage AS b WHERE b.id = ANY (ids));
BEGIN
    RETURN CASE WHEN digests IS NOT NULL
        THEN ARRAY(SELECT coalesce(d.digest = ANY (known), false) FROM unnest(digests) WITH ORDINALITY AS d (digest, i) ORDER BY d.i) END;
END
$$;
COMMENT ON FUNCTION quay.blob_exists_many(text, text, text[]) IS
    'Has the repository the blobs of these digests? One answer for each, in the order given; never NULL in it, and false for all if there is no such repository. NULL digests give NULL. Whether the bytes are here says blob_find_many().';

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

CREATE OR REPLACE FUNCTION quay_internal.blob_size_check(size numeric, uncompressed_size bigint) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    maximum bigint := quay_internal.setting('maximum_layer_size')::bigint * 1024 * 1024;
BEGIN
    IF size < 0 OR uncompressed_size < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a blob must not be negative',
            DETAIL = format('The size is %s, uncompressed %s.', coalesce(size::text, 'unknown'), coalesce(uncompressed_size::text, 'unknown')),
            HINT = 'Pass NULL for what is not known.';
    END IF;
    IF size > maximum THEN
        RAISE EXCEPTION USING ERRCODE = 'QY052',
            MESSAGE = 'blob is too large',
            DETAIL = format('It would have %s bytes, the maximum is %s.', size, maximum),
            HINT = 'An administrator can raise quay.maximum_layer_size.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_size_check(numeric, bigint) IS
    'Refuses sizes that no blob has, in bytes; NULL is unknown. Errors: 22023 negative, QY052 larger than quay.maximum_layer_size.';

CREATE OR REPLACE FUNCTION quay_internal.blob_lock(digest text) RETURNS quay.imagestorage
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.imagestorage;
BEGIN
    SELECT * INTO result FROM quay.imagestorage AS b WHERE b.content_checksum = blob_lock.digest FOR KEY SHARE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_lock(text) IS
    'The blob of that digest, its row kept until the transaction ends; others read and use it meanwhile. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.blob_set_size(blob quay.imagestorage, size bigint, uncompressed_size bigint) RETURNS quay.imagestorage
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF blob.image_size IS NULL AND size IS NOT NULL OR blob.uncompressed_size IS NULL AND blob_set_size.uncompressed_size IS NOT NULL THEN
        UPDATE quay.imagestorage AS b
        SET image_size = coalesce(b.image_size, blob_set_size.size),
            uncompressed_size = coalesce(b.uncompressed_size, blob_set_size.uncompressed_size)
        WHERE b.id = blob.id
        RETURNING * INTO blob;
    END IF;
    RETURN blob;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_set_size(quay.imagestorage, bigint, bigint) IS
    'Sets the sizes of a blob that are not known yet, and returns its row. Sizes that are known do not change.';

CREATE OR REPLACE FUNCTION quay_internal.blob_store(digest text, size bigint, uncompressed_size bigint, store_id bigint,
                                                    OUT blob quay.imagestorage, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A blob whose size is not known, or only declared by a manifest from elsewhere, gets it first: that needs its row alone, which is not
    -- to be had by two who keep it.
    PERFORM FROM quay.imagestorage AS b
    WHERE b.content_checksum = blob_store.digest
      AND (b.image_size IS NULL OR b.image_size <> size AND NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = b.id))
    FOR UPDATE;
    LOOP
        blob := quay_internal.blob_lock(blob_store.digest);
        EXIT WHEN blob.id IS NOT NULL;
        INSERT INTO quay.imagestorage (uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum)
        VALUES (gen_random_uuid()::text, blob_store.size, blob_store.uncompressed_size, false, true, blob_store.digest)
        ON CONFLICT (content_checksum) DO NOTHING
        RETURNING * INTO blob;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;
    IF blob.image_size <> size AND NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = blob.id) THEN
        UPDATE quay.imagestorage AS b SET image_size = size WHERE b.id = blob.id RETURNING * INTO blob;
    END IF;
    blob := quay_internal.blob_set_size(blob, size, uncompressed_size);
    PERFORM quay_internal.blob_revive(ARRAY[blob.id]);
    INSERT INTO quay.imagestorageplacement (storage_id, location_id) VALUES (blob.id, store_id)
    ON CONFLICT (storage_id, location_id) DO NOTHING;
    existed := NOT FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_store(text, bigint, bigint, bigint) IS
    'The one row of the blob of that digest, made if there is none, with its bytes recorded in that location. existed: they were there already, for certain.';

CREATE OR REPLACE FUNCTION quay_internal.blob_commit(repository_id bigint, digest text, byte_count bigint, uncompressed_size bigint, store_id bigint,
                                                     OUT blob_id bigint, OUT size bigint, OUT path text, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stored record := quay_internal.blob_store(digest, byte_count, uncompressed_size, store_id);
BEGIN
    PERFORM quay_internal.blob_link(repository_id, (stored.blob).id);
    blob_id := (stored.blob).id;
    size := (stored.blob).image_size;
    path := quay_internal.blob_path(stored.blob);
    existed := stored.existed;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_commit(bigint, text, bigint, bigint, bigint) IS
    'The end of an upload: the blob, which the repository has from now on. Errors: QY055 it is being deleted.';

CREATE OR REPLACE FUNCTION quay.blob_put(namespace text, repository text, INOUT digest text, chunk bytea DEFAULT NULL, INOUT size bigint DEFAULT NULL,
                                         location text DEFAULT 'local', uncompressed_size bigint DEFAULT NULL, actor text DEFAULT NULL,
                                         OUT blob_id bigint, OUT path text, OUT verified boolean, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    byte_count bigint := coalesce(length(chunk), size);
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.digest_check(digest);
    IF (chunk IS NULL) = (size IS NULL) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a blob is either its bytes or its size',
            DETAIL = 'Both or neither of chunk and size were given.',
            HINT = 'Pass chunk for bytes that the server is to hash, size for bytes that went straight to the store.';
    END IF;
    PERFORM quay_internal.blob_size_check(byte_count, uncompressed_size);
    IF chunk IS NOT NULL THEN
        PERFORM quay_internal.digest_require(digest, chunk, 'bytes');
    END IF;

    SELECT c.blob_id, c.size, c.path, c.existed INTO blob_id, size, path, existed
    FROM quay_internal.blob_commit(target.id, digest, byte_count, uncompressed_size, quay_internal.location_id(location)) AS c;
    verified := chunk IS NOT NULL;
    IF quay_internal.namespace_limit(target.namespace_user_id) IS NOT NULL THEN
        -- Is there room? A manifest will count the bytes.
        PERFORM quay_internal.size_reserve(target.namespace_user_id, byte_count),
                quay_internal.size_reserve(target.namespace_user_id, - byte_count);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.blob_put(text, text, text, bytea, bigint, text, bigint, text) IS
    'An upload in one call: a blob that the repository has from now on, for quay.upload_expiration seconds or as long as a manifest refers to it. Either chunk: its bytes, which the server hashes and does not keep (verified); or size, for bytes that went straight to the store and whose digest the caller has checked. location: the store that has the bytes, or gets them under path. The result and its use are those of upload_finish(). uncompressed_size in bytes, if known. Errors: QY002, QY003, QY004, QY005, QY020, QY021 mismatch, QY022, QY052 too large, QY053, QY055 the blob is being deleted (try again), QY056 quota exceeded, 22023 both or neither of chunk and size, or one is negative.';

-- Mounting

CREATE OR REPLACE FUNCTION quay_internal.blob_holders(blob_id bigint, namespace_id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    maximum CONSTANT integer := 1000;
BEGIN
    IF namespace_id IS NOT NULL THEN
        RETURN ARRAY(
            SELECT h.repository_id
            FROM (SELECT u.repository_id FROM quay_internal.blob_use AS u
                  WHERE u.namespace_id = blob_holders.namespace_id AND u.blob_id = blob_holders.blob_id AND u.repository_id > 0
                  LIMIT maximum) AS h
            -- A use may be counted a little longer than it lasts.
            WHERE EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.repository_id = h.repository_id AND m.blob_id = blob_holders.blob_id)
            UNION
            SELECT u.repository_id
            FROM (SELECT u.repository_id FROM quay.uploadedblob AS u WHERE u.blob_id = blob_holders.blob_id LIMIT maximum) AS u
            JOIN quay.repository AS r ON r.id = u.repository_id AND r.namespace_user_id = blob_holders.namespace_id);
    END IF;
    RETURN ARRAY(
        (SELECT m.repository_id FROM quay.manifestblob AS m WHERE m.blob_id = blob_holders.blob_id LIMIT maximum)
        UNION
        (SELECT u.repository_id FROM quay.uploadedblob AS u WHERE u.blob_id = blob_holders.blob_id LIMIT maximum));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_holders(bigint, bigint) IS
    'Repositories that have the blob, of that namespace, or of any with NULL. Not always all of them: it looks at no more than 1000 uses by manifests and 1000 by uploads.';

CREATE OR REPLACE FUNCTION quay_internal.blob_is_readable(blob_id bigint, namespace_ids bigint[], actor text, scopes text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    namespace_id bigint;
BEGIN
    FOREACH namespace_id IN ARRAY namespace_ids LOOP
        IF quay.access_filter_many(actor, quay_internal.blob_holders(blob_id, namespace_id), 'read', scopes) <> '{}' THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_is_readable(bigint, bigint[], text, text) IS
    'Does the actor find the blob in a repository that he may read, in one of these namespaces, tried in this order? NULL among them: in any. See blob_holders() for how far it looks.';

CREATE OR REPLACE FUNCTION quay.blob_mount(namespace text, repository text, digest text, from_namespace text DEFAULT NULL,
                                           from_repository text DEFAULT NULL, actor text DEFAULT NULL, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    source_id bigint;
    blob quay.imagestorage;
BEGIN
    PERFORM quay_internal.digest_check(digest);
    PERFORM quay_internal.repository_require_writable(target, actor);
    -- Locked first: what the source has then it cannot lose before we commit.
    blob := quay_internal.blob_lock(digest);
    IF blob.id IS NULL OR NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = blob.id) THEN
        RETURN false;
    END IF;
    IF from_repository IS NOT NULL THEN
        source_id := quay_internal.repository_find(from_namespace, from_repository);
        IF source_id IS NULL OR quay_internal.blob_ids(source_id, ARRAY[blob_mount.digest]) = '{}'
           OR actor IS NOT NULL AND NOT quay.access_check(actor, from_namespace, from_repository, 'read', scopes) THEN
            RETURN false;
        END IF;
    ELSIF NOT quay_internal.digest_is_shared(digest) AND NOT quay_internal.blob_is_readable(blob.id,
        CASE WHEN from_namespace IS NULL THEN ARRAY[target.namespace_user_id, NULL]
             ELSE ARRAY(SELECT u.id FROM quay."user" AS u WHERE u.username = blob_mount.from_namespace AND NOT u.robot) END,
        actor, scopes) THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.blob_link(target.id, blob.id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.blob_mount(text, text, text, text, text, text, text) IS
'Lets the repository have a blob of another one, without an upload, for quay.upload_expiration seconds. False if that is not possible, also if the bytes are not here (yet); the usual answer is then to start an upload.

With from_repository: of this repository. False if it is unknown or has not the blob, or if an actor is given who may not read it. Without an actor the caller has checked that.
Without from_repository: of any repository that the actor may read, in from_namespace if that is given, else first in the namespace of the target, then in all; without an actor, one that everybody may read. Looked at are, each time, at most 1000 uses of the blob by manifests and 1000 by uploads, so false is possible for a blob in very many repositories of others.
No quota is asked: a mounted blob takes no room until a manifest refers to it.
Errors: QY002, QY003, QY004, QY005 of the target, QY020, QY022, QY055 the blob is being deleted (try again).';
