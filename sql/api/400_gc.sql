-- The garbage collector: reviews what writes have left to be looked at (api/045_review.sql), and deletes what nothing needs any more.
--
-- Each step takes a batch of reviews, locked, so that any number of workers share the work and a crash gives it back; what another
-- transaction holds is passed over and looked at again later, so a collection waits for nobody. It decides under locks that
-- those take who make a use of something: manifests and blobs FOR UPDATE, against the FOR KEY SHARE of whoever refers to them.

CREATE OR REPLACE FUNCTION quay_internal.gc_require_primary() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'cannot collect garbage on a standby',
            DETAIL = 'This server replays the changes of another one.',
            HINT = 'Call it on the primary. quay.gc_preview() and quay.registry_check() run here too.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot collect garbage in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s.', current_setting('transaction_isolation')),
            HINT = 'Call it in a transaction of its own, READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_require_primary() IS
    'Refuses to collect where it cannot be right. Errors: 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.gc_review_take(kind "char", n integer) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    object_ids bigint[];
BEGIN
    WITH taken AS (
        DELETE FROM quay_internal.gc_review AS r
        WHERE r.ctid = ANY (ARRAY(SELECT x.ctid FROM quay_internal.gc_review AS x
                                  WHERE x.kind = gc_review_take.kind AND x.due_ms <= now_ms
                                  ORDER BY x.due_ms, x.id
                                  LIMIT n FOR UPDATE SKIP LOCKED))
        RETURNING r.object_id
    )
    SELECT array_agg(DISTINCT t.object_id) INTO object_ids FROM taken AS t;
    RETURN coalesce(object_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.gc_review_take("char", integer) IS
    'Takes at most n reviews of a kind that are due, the oldest first, and answers what they are about. If the transaction fails they are there again.';

-- Tags

CREATE OR REPLACE FUNCTION quay_internal.gc_keeps_immutable() RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('immutable_tags')::boolean AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_keeps_immutable() IS 'Are rows of immutable tags never collected, since such tags cannot expire?';

CREATE OR REPLACE FUNCTION quay_internal.gc_tags(n integer, OUT deleted integer, OUT manifest_ids bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('t', n);
    now_ms bigint := quay_internal.clock_ms();
    keeps_immutable boolean := quay_internal.gc_keeps_immutable();
    collected bigint[];
BEGIN
    collected := ARRAY(
        SELECT t.id
        FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE t.id = ANY (reviewed) AND t.lifetime_end_ms + u.removed_tag_expiration_s * 1000 <= now_ms
          AND NOT (t.immutable AND keeps_immutable)
        FOR UPDATE OF t SKIP LOCKED);
    -- Not yet: the namespace keeps them longer than it did, or somebody is at work on them. A day: whether immutable tags are kept for
    -- ever is a setting, whose change leaves no review.
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, CASE WHEN t.immutable AND keeps_immutable THEN now_ms + 86400000
                           ELSE greatest(t.lifetime_end_ms + u.removed_tag_expiration_s * 1000, now_ms + 1000) END
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.id = ANY (quay_internal.array_except(reviewed, collected)) AND t.lifetime_end_ms IS NOT NULL;
    deleted := cardinality(collected);
    manifest_ids := '{}';
    IF deleted = 0 THEN
        RETURN;
    END IF;

    DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (collected);
    UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (collected);
    -- Pulls are counted by name: those of a live tag stay, though an older row of the name goes.
    DELETE FROM quay.tagpullstatistics AS s
    USING quay.tag AS t
    WHERE t.id = ANY (collected) AND s.repository_id = t.repository_id AND s.tag_name = t.name
      AND (quay_internal.tag_find(t.repository_id, t.name, now_ms)).id IS NULL;
    manifest_ids := quay_internal.gc_tags_delete(collected);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_tags(integer) IS
    'Reviews at most n tags, deletes those that ended longer ago than their namespace keeps removed tags, and returns how many these were, and their manifests, for gc_manifests() in the same transaction.';

CREATE OR REPLACE FUNCTION quay_internal.gc_namespaces(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('n', n);
BEGIN
    IF reviewed = '{}' THEN
        RETURN 0;
    END IF;
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
    JOIN quay.tag AS t ON t.repository_id = r.id AND t.lifetime_end_ms IS NOT NULL
    WHERE u.id = ANY (reviewed);
    RETURN cardinality(reviewed);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_namespaces(integer) IS
    'Has the tags with an end looked at in at most n namespaces that keep removed tags for a shorter time than they did.';

-- Manifests

CREATE OR REPLACE FUNCTION quay_internal.manifest_unused(manifest_ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        SELECT m.id FROM quay.manifest AS m
        WHERE m.id = ANY (manifest_ids)
          AND NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay.manifest AS r WHERE r.repository_id = m.repository_id AND r.subject = m.digest AND r.id <> m.id));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_unused(bigint[]) IS
    'Those of the manifests that no tag, not even a dead one, no index, and no referrer in their repository holds.';

CREATE OR REPLACE FUNCTION quay_internal.gc_manifests(n integer, untagged bigint[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := ARRAY[]::bigint[];
    locked bigint[];
    collected bigint[];
BEGIN
    IF n > cardinality(untagged) THEN
        reviewed := quay_internal.gc_review_take('m', n - cardinality(untagged));
    END IF;
    -- First without locks: most of what was pushed an hour ago is in use.
    reviewed := quay_internal.manifest_unused(reviewed || untagged);
    IF reviewed = '{}' THEN
        RETURN 0;
    END IF;
    locked := ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.id = ANY (reviewed) FOR UPDATE SKIP LOCKED);
    PERFORM quay_internal.gc_review_add('m', quay_internal.array_except(reviewed, locked), 1000);
    -- And again, now that nobody can come to refer to them.
    collected := quay_internal.manifest_unused(locked);
    IF collected = '{}' THEN
        RETURN 0;
    END IF;

    DELETE FROM quay.derivedstorageforimage AS d USING unnest(collected) AS m (id)
    WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;   -- ids of the view quay.image
    DELETE FROM quay.manifestpullstatistics AS s USING quay.manifest AS m
    WHERE m.id = ANY (collected) AND s.repository_id = m.repository_id AND s.manifest_digest = m.digest;
    DELETE FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = ANY (collected);
    DELETE FROM quay.manifestlabel AS l WHERE l.manifest_id = ANY (collected);
    DELETE FROM quay.manifestchild AS c WHERE c.manifest_id = ANY (collected);
    DELETE FROM quay.manifestblob AS b WHERE b.manifest_id = ANY (collected);
    DELETE FROM quay.manifest AS m WHERE m.id = ANY (collected);
    RETURN cardinality(collected);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_manifests(integer, bigint[]) IS
    'Looks at the manifests given, and so many under review that there are n, deletes those that nothing holds, with all that hangs on them, and returns how many these were.';

-- Labels, and blobs: their rows, not yet their bytes

CREATE OR REPLACE FUNCTION quay_internal.gc_labels(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('l', n);
    locked bigint[] := ARRAY(SELECT l.id FROM quay.label AS l WHERE l.id = ANY (reviewed) FOR UPDATE SKIP LOCKED);
    deleted integer;
BEGIN
    PERFORM quay_internal.gc_review_add('l', ARRAY(SELECT l.id FROM quay.label AS l WHERE l.id = ANY (quay_internal.array_except(reviewed, locked))), 1000);
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (locked) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_labels(integer) IS 'Reviews at most n labels, deletes those that no manifest has, and returns how many these were.';

CREATE OR REPLACE FUNCTION quay_internal.gc_uploads(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM quay.uploadedblob AS u
    WHERE u.id = ANY (ARRAY(SELECT x.id FROM quay.uploadedblob AS x WHERE x.expires_at <= quay_internal.utc_now()
                            ORDER BY x.expires_at LIMIT n FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_uploads(integer) IS
    'Deletes at most n rows of uploadedblob, which let repositories have a blob for a time, after this time, and returns how many.';

CREATE OR REPLACE FUNCTION quay_internal.gc_uses(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pairs record;
BEGIN
    WITH taken AS (
        DELETE FROM quay_internal.gc_review AS r
        WHERE r.id = ANY (ARRAY(SELECT x.id FROM quay_internal.gc_review AS x
                                WHERE x.kind = 'u' AND x.due_ms <= quay_internal.clock_ms()
                                ORDER BY x.due_ms, x.id LIMIT n FOR UPDATE SKIP LOCKED))
        RETURNING r.repository_id, r.object_id
    )
    SELECT array_agg(t.repository_id) AS repositories, array_agg(t.object_id) AS blobs, count(*)::integer AS number INTO pairs
    FROM (SELECT DISTINCT t.repository_id, t.object_id FROM taken AS t) AS t;
    IF pairs.number > 0 THEN
        PERFORM quay_internal.blob_use_drop(pairs.repositories, pairs.blobs);
    END IF;
    RETURN pairs.number;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_uses(integer) IS
    'Looks again at most n uses of blobs by repositories that could not be decided when a manifest went, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.gc_blobs(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('b', n);
    locked bigint[];
BEGIN
    -- What is used stays. What somebody is giving up just now he may not decide himself, if he still saw the use whose end left this review.
    reviewed := quay_internal.blob_unsettled(reviewed);
    locked := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.id = ANY (reviewed) ORDER BY b.id FOR UPDATE SKIP LOCKED);
    PERFORM quay_internal.gc_review_add('b', quay_internal.array_except(reviewed, locked), 1000);
    PERFORM quay_internal.blob_discard(quay_internal.blob_unused(locked));
    RETURN cardinality(locked);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_blobs(integer) IS
    'Reviews at most n blobs, marks those that nothing uses for deletion, and returns how many these were.';

-- All of it

CREATE OR REPLACE FUNCTION quay.gc_run(n integer DEFAULT 1000)
    RETURNS TABLE (tags integer, manifests integer, labels integer, uploads integer, more boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    untagged bigint[];
    now_ms bigint;
BEGIN
    PERFORM quay_internal.gc_require_primary();
    PERFORM quay_internal.gc_namespaces(batch);
    SELECT t.deleted, t.manifest_ids INTO tags, untagged FROM quay_internal.gc_tags(batch) AS t;
    manifests := quay_internal.gc_manifests(batch, untagged);
    labels := quay_internal.gc_labels(batch);
    uploads := quay_internal.gc_uploads(batch);
    PERFORM quay_internal.gc_uses(batch);
    PERFORM quay_internal.gc_blobs(batch);
    -- The newest that is due: before the oldest there are the dead rows of all that was taken since the last vacuum.
    now_ms := quay_internal.clock_ms();
    more := EXISTS (SELECT FROM unnest('{n,t,m,l,u,b}'::"char"[]) AS k (kind)
                    WHERE (SELECT true FROM quay_internal.gc_review AS r
                           WHERE r.kind = k.kind AND r.due_ms <= now_ms
                           ORDER BY r.due_ms DESC LIMIT 1))
         OR EXISTS (SELECT FROM quay.uploadedblob AS u WHERE u.expires_at <= quay_internal.utc_now());
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.gc_run(integer) IS
    'Collects garbage: looks at no more than n things of each sort that writes have left to be looked at, and deletes tags that ended longer ago than their namespace keeps removed tags, manifests that no tag, index or referrer holds, labels that no manifest has, and uploads whose time is over. Returns how many of each it deleted; more: something is left, call again, in a new transaction. Blobs that nothing uses any more are marked for deletion; when quay.gc_grace_period is over, quay.gc_storage_take() hands them out.
Any number of workers may call it at once: they share the work. It waits for nobody, and what a failed call had taken is there again. Memory and the duration of its locks grow with n, not with the registry. Errors: 22023 n not positive, 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE PROCEDURE quay.gc_run_all(batch integer DEFAULT 1000, INOUT tags bigint DEFAULT 0, INOUT manifests bigint DEFAULT 0,
                                            INOUT labels bigint DEFAULT 0, INOUT uploads bigint DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    done pg_catalog.record;
    idle pg_catalog.int4 := 0;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    tags := 0;
    manifests := 0;
    labels := 0;
    uploads := 0;
    LOOP
        SELECT * INTO done FROM quay.gc_run(gc_run_all.batch);
        COMMIT;
        tags := tags OPERATOR(pg_catalog.+) done.tags;
        manifests := manifests OPERATOR(pg_catalog.+) done.manifests;
        labels := labels OPERATOR(pg_catalog.+) done.labels;
        uploads := uploads OPERATOR(pg_catalog.+) done.uploads;
        -- What is left may be in the hands of other workers, who finish it.
        idle := CASE WHEN done.tags OPERATOR(pg_catalog.+) done.manifests OPERATOR(pg_catalog.+) done.labels
                          OPERATOR(pg_catalog.+) done.uploads OPERATOR(pg_catalog.=) 0 THEN idle OPERATOR(pg_catalog.+) 1 ELSE 0 END;
        EXIT WHEN NOT done.more OR idle OPERATOR(pg_catalog.=) 1000;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay.gc_run_all(integer, bigint, bigint, bigint, bigint) IS
    'Calls quay.gc_run() until nothing is left that is due, and commits after each batch. Not within a transaction. It may be interrupted, and called again, and by several sessions at once. Errors: as for gc_run().';

CREATE OR REPLACE FUNCTION quay.gc_review_all() RETURNS TABLE (tags bigint, manifests bigint, labels bigint, blobs bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET enable_nestloop = off      -- it reads all there is, and would look for each in the reviews that it is just adding
    AS $$
DECLARE
    unused bigint[];
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.lifetime_end_ms IS NOT NULL
      AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 't' AND v.object_id = t.id);
    GET DIAGNOSTICS tags = ROW_COUNT;

    unused := ARRAY(
        SELECT m.id FROM quay.manifest AS m
        WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'm' AND v.object_id = m.id));
    unused := quay_internal.manifest_unused(unused);
    PERFORM quay_internal.gc_review_add('m', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    manifests := cardinality(unused);

    unused := ARRAY(
        SELECT l.id FROM quay.label AS l
        WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'l' AND v.object_id = l.id));
    PERFORM quay_internal.gc_review_add('l', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    labels := cardinality(unused);

    unused := ARRAY(
        SELECT b.id FROM quay.imagestorage AS b
        WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id)
          AND NOT EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = b.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'b' AND v.object_id = b.id));
    unused := quay_internal.blob_unused(unused);
    PERFORM quay_internal.gc_review_add('b', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    blobs := cardinality(unused);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.gc_review_all() IS
    'Has the garbage collector look at everything that it would have to look at and does not know of, and returns how much that was. Not needed as long as triggers fire: it is for content that was loaded without them, as by logical replication, or by a restore that switches them off. Reads all tags, manifests, labels and blobs.';

CREATE OR REPLACE FUNCTION quay.gc_status()
    RETURNS TABLE (stage text, waiting bigint, due bigint, bytes bigint, oldest_due timestamp, failed bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT k.stage, count(r.id), count(r.id) FILTER (WHERE r.due_ms <= now_ms), NULL::bigint,
               to_timestamp(min(r.due_ms) / 1000.0) AT TIME ZONE 'UTC', NULL::bigint
        FROM (VALUES (1, 'n'::"char", 'namespaces'), (2, 't', 'tags'), (3, 'm', 'manifests'), (4, 'l', 'labels'), (5, 'u', 'uses of blobs'),
                     (6, 'b', 'blobs')) AS k (place, kind, stage)
        LEFT JOIN quay_internal.gc_review AS r ON r.kind = k.kind
        GROUP BY k.place, k.stage
        ORDER BY k.place;
    RETURN QUERY
        SELECT 'uploads', count(*), count(*) FILTER (WHERE u.expires_at <= quay_internal.utc_now()), NULL::bigint, min(u.expires_at), NULL::bigint
        FROM quay.uploadedblob AS u;
    RETURN QUERY
        SELECT 'storage', count(*), count(*) FILTER (WHERE d.due_ms <= now_ms), coalesce(sum(b.image_size), 0)::bigint,
               to_timestamp(min(d.due_ms) / 1000.0) AT TIME ZONE 'UTC', count(*) FILTER (WHERE d.last_error IS NOT NULL)
        FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id;
END
$$;
COMMENT ON FUNCTION quay.gc_status() IS
    'What waits for the garbage collector, by stage: how many reviews or rows, how many of them are due, the oldest time at which one is due (UTC); of stage storage, blobs whose bytes are to be deleted, also their bytes, and how many a client gave back with an error. Reads all that waits.';
