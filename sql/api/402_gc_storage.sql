-- The bytes of blobs that nothing uses: handed out to a client for deletion, which then confirms it. While a client has a blob nobody can
-- begin to use it (QY055), and the row of the blob goes only when its bytes have gone.

CREATE OR REPLACE FUNCTION quay_internal.blob_delete_many(blob_ids bigint[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM quay.imagestoragesignature AS s WHERE s.storage_id = ANY (blob_ids);
    DELETE FROM quay.imagestorageplacement AS p WHERE p.storage_id = ANY (blob_ids);
    DELETE FROM quay.imagestorage AS b WHERE b.id = ANY (blob_ids);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_delete_many(bigint[]) IS
    'Deletes the rows of blobs that nothing uses and whose bytes are gone, and returns how many. The caller has locked them.';

CREATE OR REPLACE FUNCTION quay_internal.gc_storage_until(seconds integer) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    duration bigint := coalesce(seconds, quay_internal.setting('gc_storage_lease')::integer);
BEGIN
    IF duration < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'duration of a lease must be positive',
            DETAIL = format('It is %s s.', duration),
            HINT = 'Pass how many seconds the deletion of these blobs may take.';
    END IF;
    RETURN quay_internal.clock_ms() + duration * 1000;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_storage_until(integer) IS
    'When a lease ends that begins now, in ms since 1970; NULL: after quay.gc_storage_lease. Errors: 22023 not positive.';

CREATE OR REPLACE FUNCTION quay.gc_storage_take(n integer DEFAULT 100, seconds integer DEFAULT NULL)
    RETURNS TABLE (lease uuid, blob_id bigint, digest text, size bigint, path text, locations text[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    lease_ends_ms bigint := quay_internal.gc_storage_until(seconds);
    new_lease uuid := gen_random_uuid();
    taken bigint[];
    unused bigint[];
    bare bigint[];
BEGIN
    PERFORM quay_internal.gc_require_primary();
    -- Whoever begins to use a blob waits for this lock, or we pass over the blob.
    taken := ARRAY(
        SELECT d.blob_id FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id
        WHERE d.due_ms <= quay_internal.clock_ms()
        ORDER BY d.due_ms, d.blob_id LIMIT batch FOR UPDATE SKIP LOCKED);
    unused := quay_internal.blob_unused(taken);
    DELETE FROM quay_internal.blob_deletion AS d WHERE d.blob_id = ANY (quay_internal.array_except(taken, unused));
    -- Known, but never held: there are no bytes.
    bare := ARRAY(SELECT t.id FROM unnest(unused) AS t (id)
                  WHERE NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = t.id));
    PERFORM quay_internal.blob_delete_many(bare);

    UPDATE quay_internal.blob_deletion AS d
    SET lease = new_lease, due_ms = lease_ends_ms, attempts = d.attempts + 1
    WHERE d.blob_id = ANY (taken);
    RETURN QUERY
        SELECT new_lease, b.id, b.content_checksum::text, b.image_size, quay_internal.blob_path(b),
               ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                     WHERE p.storage_id = b.id ORDER BY l.name)
        FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id
        WHERE d.blob_id = ANY (taken)
        ORDER BY b.id;
END
$$;
COMMENT ON FUNCTION quay.gc_storage_take(integer, integer) IS
    'Hands out at most n blobs that nothing uses, for the deletion of their bytes: delete path in each of the locations, then call gc_storage_confirm() with the lease. Commit before you delete anything. Nobody else gets these blobs, nor can begin to use them (QY055), for that many seconds, NULL: quay.gc_storage_lease; a client that needs longer calls gc_storage_extend() in time, and deletes nothing after the end of its lease. What is not confirmed by then is handed out again: deleting what is not there any more must be no error. size in bytes. Errors: 22023, 25006 on a standby, 55000 not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.gc_storage_confirm(lease uuid, blob_ids bigint[] DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    locked bigint[];
BEGIN
    locked := ARRAY(
        SELECT b.id FROM quay.imagestorage AS b
        WHERE b.id = ANY (ARRAY(SELECT d.blob_id FROM quay_internal.blob_deletion AS d
                                WHERE d.lease = gc_storage_confirm.lease AND (blob_ids IS NULL OR d.blob_id = ANY (blob_ids))))
        ORDER BY b.id FOR UPDATE);
    -- Again, under the lock: after the end of the lease somebody may have begun to use one.
    locked := ARRAY(SELECT d.blob_id FROM quay_internal.blob_deletion AS d
                    WHERE d.blob_id = ANY (locked) AND d.lease = gc_storage_confirm.lease);
    RETURN quay_internal.blob_delete_many(quay_internal.blob_unused(locked));
END
$$;
COMMENT ON FUNCTION quay.gc_storage_confirm(uuid, bigint[]) IS
    'Says that the bytes of these blobs, NULL: of all that the lease has, are deleted everywhere; their rows go, and the number of these is the result. Blobs that the lease has not any more, since it was over and somebody else took or used them, are left.';

CREATE OR REPLACE FUNCTION quay.gc_storage_extend(lease uuid, seconds integer DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    extended integer;
BEGIN
    UPDATE quay_internal.blob_deletion AS d
    SET due_ms = quay_internal.gc_storage_until(seconds)
    WHERE d.lease = gc_storage_extend.lease AND d.due_ms > quay_internal.clock_ms();
    GET DIAGNOSTICS extended = ROW_COUNT;
    RETURN extended;
END
$$;
COMMENT ON FUNCTION quay.gc_storage_extend(uuid, integer) IS
    'Gives a client that many seconds more from now for the blobs of its lease, NULL: quay.gc_storage_lease, and returns how many it has. 0: the lease is over, nothing may be deleted any more. Errors: 22023 not positive.';

CREATE OR REPLACE FUNCTION quay.gc_storage_release(lease uuid, blob_ids bigint[] DEFAULT NULL, error text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    released integer;
BEGIN
    -- Later each time: what could not be deleted now will hardly be in a second.
    UPDATE quay_internal.blob_deletion AS d
    SET lease = NULL, last_error = left(gc_storage_release.error, 1000),
        due_ms = quay_internal.clock_ms() + CASE WHEN error IS NULL THEN 0 ELSE least(60 * 2 ^ least(d.attempts, 10), 86400)::bigint * 1000 END
    WHERE d.lease = gc_storage_release.lease AND (blob_ids IS NULL OR d.blob_id = ANY (blob_ids));
    GET DIAGNOSTICS released = ROW_COUNT;
    RETURN released;
END
$$;
COMMENT ON FUNCTION quay.gc_storage_release(uuid, bigint[], text) IS
    'Gives blobs back whose bytes could not be deleted, NULL: all of the lease, and returns how many these were. With an error they are handed out again after two minutes, later with each attempt, at most a day; without, at once.';
