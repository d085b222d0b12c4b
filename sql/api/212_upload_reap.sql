-- Uploads that nobody goes on with. Their bytes are in the stores: a client takes some, removes what the store has of them, and confirms it.
-- An upload that is taken is no upload any more but an item of a queue, so nobody goes on with it while its bytes are being removed.

CREATE OR REPLACE FUNCTION quay_internal.upload_is_stale(created timestamp, now timestamp) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN created <= now - pg_catalog.make_interval(secs => quay_internal.setting('blob_upload_lifetime')::integer);
COMMENT ON FUNCTION quay_internal.upload_is_stale(timestamp, timestamp) IS
    'Is an upload that was started then older than quay.blob_upload_lifetime? Both in UTC.';

CREATE OR REPLACE FUNCTION quay.upload_stale_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (upload_id bigint, namespace text, repository text, upload text, location text, byte_count bigint, reserved_bytes bigint,
                   created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT b.id, u.username::text, r.name::text, b.uuid::text, l.name::text, b.byte_count, b.reserved_bytes, b.created
        FROM (SELECT * FROM quay.blobupload AS b
              WHERE b.id > coalesce(upload_stale_list.after, 0) AND quay_internal.upload_is_stale(b.created, now)
              ORDER BY b.id LIMIT page_size) AS b
        JOIN quay.repository AS r ON r.id = b.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        ORDER BY b.id;
END
$$;
COMMENT ON FUNCTION quay.upload_stale_list(bigint, integer) IS
    'Uploads of the whole registry that are older than quay.blob_upload_lifetime, which upload_reap() will take: by upload_id, at most n, those after the upload_id after. byte_count: bytes that have come; created in UTC. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.upload_discard_stale(n integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
    stale record;
BEGIN
    FOR stale IN
        -- By namespace: the bytes that they have reserved are given back in the same order by everybody.
        SELECT b.*, l.name AS location, u.username AS namespace, r.name AS repository
        FROM (SELECT * FROM quay.blobupload AS b
              WHERE quay_internal.upload_is_stale(b.created, now)
              ORDER BY b.created LIMIT n FOR UPDATE SKIP LOCKED) AS b
        JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        JOIN quay.repository AS r ON r.id = b.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        ORDER BY u.id, b.id
    LOOP
        PERFORM quay_internal.queue_add(quay_internal.queue_path('uploadcancel', stale.uuid),
            jsonb_build_object('upload', stale.uuid, 'location', stale.location,
                               'storage_metadata', quay_internal.json_read(stale.storage_metadata), 'byte_count', stale.byte_count,
                               'created', stale.created, 'namespace', stale.namespace, 'repository', stale.repository));
        DELETE FROM quay.blobupload AS b WHERE b.id = stale.id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_discard_stale(integer) IS
    'Makes at most n uploads that are too old items of the queue uploadcancel. Those that somebody is at work on are left.';

CREATE OR REPLACE FUNCTION quay.upload_reap(n integer DEFAULT 100, seconds integer DEFAULT NULL)
    RETURNS TABLE (lease uuid, upload text, location text, storage_metadata jsonb, byte_count bigint, created timestamp, namespace text,
                   repository text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    duration integer := coalesce(seconds, quay_internal.setting('gc_storage_lease')::integer);
    new_lease uuid := gen_random_uuid();
    taken_until timestamp;
BEGIN
    IF duration < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'duration of a lease must be positive',
            DETAIL = format('It is %s s.', duration),
            HINT = 'Pass how many seconds the removal of these uploads may take.';
    END IF;
    PERFORM quay_internal.upload_discard_stale(batch);
    taken_until := quay_internal.utc_now() + make_interval(secs => duration);
    RETURN QUERY
        WITH taken AS (
            UPDATE quay.queueitem AS q
            SET available = false, available_after = taken_until, processing_expires = taken_until, state_id = new_lease || '/' || q.id
            WHERE q.id IN (SELECT w.id FROM quay.queueitem AS w
                           -- "0" is the character after "/".
                           WHERE w.queue_name >= 'uploadcancel/' AND w.queue_name < 'uploadcancel0'
                             AND w.available_after <= quay_internal.utc_now()
                           ORDER BY w.available DESC, w.available_after, w.id LIMIT batch FOR UPDATE SKIP LOCKED)
            RETURNING q.id, quay_internal.json_read(q.body) AS body
        )
        SELECT new_lease, t.body ->> 'upload', t.body ->> 'location', nullif(t.body -> 'storage_metadata', 'null'),
               (t.body ->> 'byte_count')::bigint, (t.body ->> 'created')::timestamp, t.body ->> 'namespace', t.body ->> 'repository'
        FROM taken AS t ORDER BY t.id;
END
$$;
COMMENT ON FUNCTION quay.upload_reap(integer, integer) IS
    'Takes at most n uploads that are older than quay.blob_upload_lifetime, wherever in the registry, and hands them to a client that removes what their stores have of them, by upload and storage_metadata, and then calls upload_reap_confirm() with the lease. Commit before you remove anything. They are no uploads from now on (QY050), and what they had reserved of a quota is free. Nobody else gets them for that many seconds, NULL: quay.gc_storage_lease; what is not confirmed by then is handed out again, after what has never been: removing what is not there any more must be no error. One that somebody is at work on is left for the next time. byte_count: bytes that had come; created in UTC. Errors: 22023 n or seconds not positive.';

CREATE OR REPLACE FUNCTION quay.upload_reap_confirm(lease uuid, uploads text[] DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    confirmed integer;
BEGIN
    DELETE FROM quay.queueitem AS q
    WHERE q.state_id >= upload_reap_confirm.lease || '/' AND q.state_id < upload_reap_confirm.lease || '0'
      AND q.queue_name >= 'uploadcancel/' AND q.queue_name < 'uploadcancel0'
      AND (uploads IS NULL OR q.queue_name = ANY (ARRAY(SELECT quay_internal.queue_path('uploadcancel', u.id) FROM unnest(uploads) AS u (id))));
    GET DIAGNOSTICS confirmed = ROW_COUNT;
    RETURN confirmed;
END
$$;
COMMENT ON FUNCTION quay.upload_reap_confirm(uuid, text[]) IS
    'Says that the stores have nothing left of these uploads, NULL: of all that the lease has, and returns how many these were. Uploads that were handed to somebody else since then are left to him.';
