-- Sizes of repositories, namespaces and the registry, each blob counted once, kept by the transactions that change them: triggers, so it does
-- not matter who writes. The size of the registry counts every blob, those of the others the blobs that their manifests refer to.
--
-- Who may decide that a blob has lost its last use: only who holds its row in imagestorage FOR UPDATE. Whoever adds a use holds it
-- FOR KEY SHARE, by the foreign key. What cannot be locked at once is left to the garbage collector (review of kind u). Who takes a use away
-- need not lock: he looks afterwards whether there is another one, and does not rely on one that somebody else is taking away just then, or
-- each of the two would leave it to the other. So the last one to look always sees it.

CREATE OR REPLACE FUNCTION quay_internal.size_of(namespace_id bigint, repository_id bigint DEFAULT 0) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(c.used), 0) FROM quay_internal.size_counter AS c
            WHERE c.namespace_id = size_of.namespace_id AND c.repository_id = size_of.repository_id);
END
$$;
COMMENT ON FUNCTION quay_internal.size_of(bigint, bigint) IS
    'Bytes that a repository holds, or with repository_id 0 its namespace, or if both are 0 the registry. Exact for everything committed.';

CREATE OR REPLACE FUNCTION quay_internal.size_reserved(namespace_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(c.reserved), 0) FROM quay_internal.size_counter AS c
            WHERE c.namespace_id = size_reserved.namespace_id AND c.repository_id = 0);
END
$$;
COMMENT ON FUNCTION quay_internal.size_reserved(bigint) IS 'Bytes of the quota of a namespace that uploads under way hold.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_limit(namespace_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quota quay.userorganizationquota;
BEGIN
    IF NOT quay_internal.setting('quota_management')::boolean THEN
        RETURN NULL;
    END IF;
    SELECT * INTO quota FROM quay.userorganizationquota AS q WHERE q.namespace_id = namespace_limit.namespace_id;
    IF NOT FOUND THEN
        RETURN nullif(quay_internal.setting('default_reject_quota')::bigint * 1024 * 1024, 0);
    END IF;
    RETURN (SELECT min(div(quota.limit_bytes::numeric * l.percent_of_limit, 100))::bigint
            FROM quay.quotalimits AS l JOIN quay.quotatype AS t ON t.id = l.quota_type_id
            WHERE l.quota_id = quota.id AND lower(t.name) = 'reject');
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_limit(bigint) IS
    'Size in bytes that a namespace may not reach: the lowest limit of its quota that rejects, or if it has no quota quay.default_reject_quota. NULL: it may have any size.';

-- Counting

CREATE OR REPLACE FUNCTION quay_internal.size_refuse(namespace_id bigint, more bigint, limit_bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used bigint := quay_internal.size_of(namespace_id);
    reserved bigint := quay_internal.size_reserved(namespace_id);
BEGIN
    IF used + reserved + more >= limit_bytes THEN
        RAISE EXCEPTION USING ERRCODE = 'QY056',
            MESSAGE = 'quota exceeded',
            DETAIL = format('Namespace "%s" has %s bytes, of which %s are reserved by uploads; %s more would reach its limit of %s.',
                (SELECT u.username FROM quay."user" AS u WHERE u.id = size_refuse.namespace_id), used + reserved, reserved, more, limit_bytes),
            HINT = 'Delete tags that are not needed, for good, or ask an administrator of the namespace for a higher quota.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.size_refuse(bigint, bigint, bigint) IS
    'Refuses (QY056) so many bytes more in a namespace, if they would reach its limit.';

CREATE OR REPLACE FUNCTION quay_internal.size_admit(namespace_id bigint, bytes bigint, reserve bigint, limit_bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part_count CONSTANT integer := 64;
    more bigint := bytes + reserve;
    total bigint;
BEGIN
    -- What is full already is full without waiting for those who are counting.
    PERFORM quay_internal.size_refuse(namespace_id, more, limit_bytes);
    INSERT INTO quay_internal.size_counter AS c (namespace_id, repository_id, part)
    SELECT size_admit.namespace_id, 0, p FROM generate_series(0, part_count - 1) AS p
    ON CONFLICT DO NOTHING;
    -- From here on nobody counts: each part is locked, by all in one order.
    PERFORM FROM quay_internal.size_counter AS c WHERE c.namespace_id = size_admit.namespace_id AND c.repository_id = 0
    ORDER BY c.part FOR NO KEY UPDATE;
    PERFORM quay_internal.size_refuse(namespace_id, more, limit_bytes);

    total := quay_internal.size_of(namespace_id) + quay_internal.size_reserved(namespace_id) + more;
    UPDATE quay_internal.size_counter AS c
    SET used = c.used + CASE c.part WHEN 0 THEN bytes ELSE 0 END,
        reserved = c.reserved + CASE c.part WHEN 0 THEN reserve ELSE 0 END,
        budget = c.used + c.reserved + CASE c.part WHEN 0 THEN more ELSE 0 END + (size_admit.limit_bytes - 1 - total) / part_count,
        limit_bytes = size_admit.limit_bytes
    WHERE c.namespace_id = size_admit.namespace_id AND c.repository_id = 0;
END
$$;
COMMENT ON FUNCTION quay_internal.size_admit(bigint, bigint, bigint, bigint) IS
    'Counts bytes and reserved ones in a namespace that has a limit, when no part of its size has room for them, and shares out anew among the parts what is left. Errors: QY056 they would reach the limit.';

CREATE OR REPLACE FUNCTION quay_internal.size_add_to_part(namespace_id bigint, repository_id bigint, bytes bigint, reserve bigint, ceiling bigint)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A backend starts at the same part each time, so that a transaction keeps to it. Hardly ever are the others looked at.
    UPDATE quay_internal.size_counter AS c
    SET used = c.used + size_add_to_part.bytes, reserved = c.reserved + size_add_to_part.reserve
    WHERE c.namespace_id = size_add_to_part.namespace_id AND c.repository_id = size_add_to_part.repository_id
      AND c.part = coalesce(
          (SELECT f.part FROM quay_internal.size_counter AS f
           WHERE f.namespace_id = size_add_to_part.namespace_id AND f.repository_id = size_add_to_part.repository_id
             AND f.part = pg_backend_pid() & 63
             AND (ceiling IS NULL OR f.limit_bytes = ceiling AND f.used + f.reserved + bytes + reserve <= f.budget)
           FOR NO KEY UPDATE SKIP LOCKED),
          (SELECT f.part FROM quay_internal.size_counter AS f
           WHERE f.namespace_id = size_add_to_part.namespace_id AND f.repository_id = size_add_to_part.repository_id
             AND (ceiling IS NULL OR f.limit_bytes = ceiling AND f.used + f.reserved + bytes + reserve <= f.budget)
           ORDER BY (f.part - pg_backend_pid()) & 63
           LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED));
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.size_add_to_part(bigint, bigint, bigint, bigint, bigint) IS
    'Counts bytes and reserved ones in a part to which nobody is writing and which, if there is a limit (ceiling), has room for them. False: there is no such part.';

CREATE OR REPLACE FUNCTION quay_internal.size_add(namespace_id bigint, repository_id bigint, bytes bigint, reserve bigint DEFAULT 0,
                                                  forced boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ceiling bigint;
BEGIN
    IF bytes = 0 AND reserve = 0 THEN
        RETURN;
    END IF;
    IF bytes + reserve > 0 AND repository_id = 0 AND namespace_id <> 0 AND NOT forced THEN
        ceiling := quay_internal.namespace_limit(namespace_id);
    END IF;
    IF ceiling IS NULL THEN
        IF NOT quay_internal.size_add_to_part(namespace_id, repository_id, bytes, reserve, NULL) THEN
            INSERT INTO quay_internal.size_counter AS c (namespace_id, repository_id, part, used, reserved)
            VALUES (size_add.namespace_id, size_add.repository_id, pg_backend_pid() & 63, bytes, size_add.reserve)
            ON CONFLICT ON CONSTRAINT pk_size_counter DO UPDATE
                SET used = c.used + EXCLUDED.used, reserved = c.reserved + EXCLUDED.reserved;
        END IF;
        RETURN;
    END IF;

    BEGIN
        IF quay_internal.size_add_to_part(namespace_id, 0, bytes, reserve, ceiling) THEN
            RETURN;
        END IF;
        RAISE no_data_found;
    EXCEPTION WHEN no_data_found THEN
        -- Parts that turned out to have no room any more are locked no longer, or those who wait for all of them in turn would deadlock.
        NULL;
    END;
    PERFORM quay_internal.size_admit(namespace_id, bytes, reserve, ceiling);
END
$$;
COMMENT ON FUNCTION quay_internal.size_add(bigint, bigint, bigint, bigint, boolean) IS
    'Counts bytes, and bytes that uploads reserve, negative ones too, for a repository, a namespace (repository_id 0) or the registry (both 0). Two transactions hardly ever wait for each other, but near the limit of a namespace. forced: whatever the limit. Errors: QY056 the namespace would reach its limit.';

CREATE OR REPLACE FUNCTION quay_internal.size_reserve(namespace_id bigint, bytes bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.size_add(size_reserve.namespace_id, 0, 0, size_reserve.bytes);
END
$$;
COMMENT ON FUNCTION quay_internal.size_reserve(bigint, bigint) IS
    'Reserves bytes of the quota of a namespace for an upload; negative ones are given back. Errors: QY056 there is no room for them.';

-- Uses of blobs

CREATE OR REPLACE FUNCTION quay_internal.blob_use_missing(repository_ids bigint[], blob_ids bigint[]) RETURNS integer[]
    LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'quay_blob_use_missing';
COMMENT ON FUNCTION quay_internal.blob_use_missing(bigint[], bigint[]) IS
    'Which uses of blobs by repositories, given pair by pair, are not counted: their positions, from 1 on.';

CREATE OR REPLACE FUNCTION quay_internal.blob_use_add(repository_ids bigint[], blob_ids bigint[], forced boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    missing integer[];
    new_blobs bigint[];
    change record;
BEGIN
    IF current_setting('transaction_isolation') = 'read committed' THEN
        -- Most uses are counted already, and stay so, since the blobs are locked. (A snapshot from before that proves nothing.)
        missing := quay_internal.blob_use_missing(repository_ids, blob_ids);
        IF missing = '{}' THEN
            RETURN;
        END IF;
        repository_ids := ARRAY(SELECT repository_ids[m.i] FROM unnest(missing) AS m (i));
        blob_ids := ARRAY(SELECT blob_ids[m.i] FROM unnest(missing) AS m (i));
    END IF;
    -- In one order, so that two pushes of the same blobs cannot wait for each other.
    FOR change IN
        WITH in_repository AS (
            INSERT INTO quay_internal.blob_use AS u (namespace_id, blob_id, repository_id, size)
            SELECT r.namespace_user_id, w.blob_id, w.repository_id, coalesce(b.image_size, 0)
            FROM (SELECT DISTINCT p.repository_id, p.blob_id FROM unnest(repository_ids, blob_ids) AS p (repository_id, blob_id)) AS w
            JOIN quay.repository AS r ON r.id = w.repository_id
            JOIN quay.imagestorage AS b ON b.id = w.blob_id
            ORDER BY 1, 2, 3
            ON CONFLICT DO NOTHING
            RETURNING u.namespace_id, u.blob_id, u.repository_id, u.size
        ), in_namespace AS (
            INSERT INTO quay_internal.blob_use AS u (namespace_id, blob_id, repository_id, size)
            SELECT DISTINCT i.namespace_id, i.blob_id, 0::bigint, i.size FROM in_repository AS i ORDER BY 1, 2
            ON CONFLICT DO NOTHING
            RETURNING u.namespace_id, u.blob_id, u.size
        )
        SELECT n.namespace_id, 0::bigint AS repository_id, sum(n.size)::bigint AS bytes, array_agg(n.blob_id) AS blobs
        FROM in_namespace AS n GROUP BY n.namespace_id
        UNION ALL
        SELECT i.namespace_id, i.repository_id, sum(i.size)::bigint, NULL FROM in_repository AS i GROUP BY i.namespace_id, i.repository_id
        ORDER BY 1, 2
    LOOP
        PERFORM quay_internal.size_add(change.namespace_id, change.repository_id, change.bytes, forced => forced);
        new_blobs := new_blobs || change.blobs;
    END LOOP;
    -- What a namespace has just got may have been on its way out.
    IF new_blobs IS NOT NULL THEN
        PERFORM quay_internal.blob_revive(new_blobs);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_use_add(bigint[], bigint[], boolean) IS
    'Counts uses of blobs by repositories, given pair by pair, that are not counted yet. forced: whatever the limit of the namespace. Errors: QY055 a blob is being deleted, QY056 quota exceeded.';

CREATE OR REPLACE FUNCTION quay_internal.manifestblob_link(repository_id bigint, manifest_id bigint, blob_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET quay.refuse_over_limit = on AS $$
BEGIN
    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT manifestblob_link.repository_id, manifestblob_link.manifest_id, b.id FROM unnest(blob_ids) AS b (id)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.manifestblob_link(bigint, bigint, bigint[]) IS
    'Has a manifest refer to these blobs, which the caller has locked. Errors: QY055 a blob is being deleted, QY056 quota exceeded.';

CREATE OR REPLACE FUNCTION quay_internal.blob_use_look(repository_ids bigint[], blob_ids bigint[], locked_repositories bigint[], locked_blobs bigint[],
                                                       OUT ended tid[], OUT doubtful_repositories bigint[], OUT doubtful_blobs bigint[],
                                                       OUT unused bigint[], OUT purged_namespaces bigint[])
    LANGUAGE C VOLATILE STRICT COST 1000 AS 'MODULE_PATHNAME', 'quay_blob_use_look';
COMMENT ON FUNCTION quay_internal.blob_use_look(bigint[], bigint[], bigint[], bigint[]) IS
    'Looks at uses of blobs by repositories, given pair by pair, of which the caller has locked what is given too, in the order of the ids. ended: rows of blob_use, by ctid, of which no manifest is left, with that of a namespace if no other of its repositories uses the blob. Pairs are doubtful if somebody else holds one of the two, or deletes all that is left of the use. unused: locked blobs that will have no use at all; purged_namespaces: those of repositories that are not there any more.';

CREATE OR REPLACE FUNCTION quay_internal.blob_use_drop(repository_ids bigint[], blob_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    blobs bigint[] := ARRAY[]::bigint[];
    repositories bigint[] := ARRAY[]::bigint[];
    look record;
    change record;
BEGIN
    -- Two at once that each still see the use of the other would both leave it; and a snapshot from before would not see new uses.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        blobs := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.id = ANY (blob_ids)
                       ORDER BY b.id FOR UPDATE SKIP LOCKED);
        -- Nor may a repository, and its namespace with it, be purged before what it had is counted.
        repositories := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids)
                              ORDER BY r.id FOR KEY SHARE SKIP LOCKED);
    END IF;
    SELECT * INTO look FROM quay_internal.blob_use_look(repository_ids, blob_ids, repositories, blobs);

    -- What others hold, or delete just now: it remains to be seen whether they do.
    INSERT INTO quay_internal.gc_review (kind, object_id, repository_id, due_ms)
    SELECT 'u', d.blob_id, d.repository_id, quay_internal.clock_ms() + 100
    FROM unnest(look.doubtful_repositories, look.doubtful_blobs) AS d (repository_id, blob_id);
    -- The size of what was purged went with it.
    PERFORM FROM quay."user" AS u WHERE u.id = ANY (look.purged_namespaces) ORDER BY u.id FOR KEY SHARE;
    FOR change IN
        WITH dropped AS (
            DELETE FROM quay_internal.blob_use AS u WHERE u.ctid = ANY (look.ended) RETURNING u.namespace_id, u.repository_id, u.size
        )
        SELECT d.namespace_id, d.repository_id, sum(d.size)::bigint AS bytes
        FROM dropped AS d GROUP BY d.namespace_id, d.repository_id ORDER BY d.namespace_id, d.repository_id
    LOOP
        IF EXISTS (SELECT FROM quay.repository AS r WHERE r.id = change.repository_id)
           OR change.repository_id = 0 AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = change.namespace_id) THEN
            PERFORM quay_internal.size_add(change.namespace_id, change.repository_id, - change.bytes);
        END IF;
    END LOOP;
    PERFORM quay_internal.blob_discard(look.unused);
END
$$;
COMMENT ON FUNCTION quay_internal.blob_use_drop(bigint[], bigint[]) IS
    'Looks at uses of blobs by repositories, given pair by pair, of which a manifest has gone: those that no manifest has any more are not counted any longer, and blobs without any use are marked for deletion. What depends on another transaction is left for a review.';

CREATE OR REPLACE FUNCTION quay_internal.blob_unused(blob_ids bigint[]) RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE CALLED ON NULL INPUT COST 50 AS 'MODULE_PATHNAME', 'quay_blob_unused';
COMMENT ON FUNCTION quay_internal.blob_unused(bigint[]) IS
    'Those of the blobs that no manifest, no upload and no derived image uses. Uploads count until they are collected. The empty layer is always used.';

CREATE OR REPLACE FUNCTION quay_internal.blob_unsettled(blob_ids bigint[]) RETURNS bigint[]
    LANGUAGE C VOLATILE PARALLEL SAFE CALLED ON NULL INPUT COST 50 AS 'MODULE_PATHNAME', 'quay_blob_unsettled';
COMMENT ON FUNCTION quay_internal.blob_unsettled(bigint[]) IS
    'blob_unused(), and those of the blobs whose every use a transaction under way is taking away.';

CREATE OR REPLACE FUNCTION quay_internal.blob_discard(blob_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    discard_ms bigint := quay_internal.gc_due_new();
BEGIN
    IF blob_ids = '{}' THEN
        RETURN;
    END IF;
    BEGIN
        INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) SELECT b.id, discard_ms FROM unnest(blob_ids) AS b (id);
    EXCEPTION WHEN unique_violation THEN
        -- Some are marked already, which is rare; and this takes twice the time.
        INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) SELECT b.id, discard_ms FROM unnest(blob_ids) AS b (id)
        ON CONFLICT DO NOTHING;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_discard(bigint[]) IS
    'Marks blobs for deletion, of which the caller knows, holding them FOR UPDATE, that nothing uses them.';

CREATE OR REPLACE FUNCTION quay_internal.blob_revive(blob_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    leased record;
BEGIN
    -- Hardly ever.
    IF NOT EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = ANY (blob_ids)) THEN
        RETURN;
    END IF;
    WITH revived AS (
        DELETE FROM quay_internal.blob_deletion AS d
        WHERE d.blob_id = ANY (blob_ids) AND (d.lease IS NULL OR d.due_ms <= quay_internal.clock_ms())
        RETURNING d.blob_id, d.attempts
    )
    -- A client that had it and did not come to an end may have deleted the bytes in any of its locations.
    DELETE FROM quay.imagestorageplacement AS p USING revived AS r WHERE p.storage_id = r.blob_id AND r.attempts > 0;
    SELECT b.content_checksum, d.due_ms - quay_internal.clock_ms() AS ms INTO leased
    FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id
    WHERE d.blob_id = ANY (blob_ids) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY055',
            MESSAGE = 'blob is being deleted',
            DETAIL = format('A collector deletes the bytes of "%s", for at most %s s more.', leased.content_checksum, (leased.ms + 999) / 1000),
            HINT = 'Try again: the upload is unchanged.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_revive(bigint[]) IS
    'Takes blobs that get a use off the list of those to be deleted. Those whose deletion was begun have no location any more: their bytes must be stored again. The caller holds them, FOR KEY SHARE at least. Errors: QY055 a client is deleting the bytes of one right now.';

-- The triggers

-- A dump brings all rows in one statement: they are looked at a thousand manifests at a time, in their order, so that memory stays flat.

CREATE OR REPLACE FUNCTION quay_internal.manifestblob_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_hashagg = off AS $$
DECLARE
    forced boolean := NOT quay_internal.setting('refuse_over_limit')::boolean;
    batch record;
BEGIN
    -- Whatever the limit, unless manifestblob_link() wrote them: the rows may be those of a dump, or of the reference application, which
    -- looks at the quota itself.
    FOR batch IN
        SELECT array_agg(a.repository_id) AS repositories, array_agg(a.blob_id) AS blobs FROM added AS a GROUP BY a.manifest_id / 1000
    LOOP
        PERFORM quay_internal.blob_use_add(batch.repositories, batch.blobs, forced);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.manifestblob_added() IS
    'Trigger: counts the blobs that manifests refer to. Errors: QY055 a blob is being deleted, QY056 quota exceeded, if manifestblob_link() wrote them.';

CREATE OR REPLACE FUNCTION quay_internal.manifestblob_removed() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_manifestblob_removed';
COMMENT ON FUNCTION quay_internal.manifestblob_removed() IS 'Trigger: what manifests referred to may not be in use any more.';

CREATE OR REPLACE TRIGGER manifestblob_added AFTER INSERT ON quay.manifestblob
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifestblob_added();
CREATE OR REPLACE TRIGGER manifestblob_removed AFTER DELETE ON quay.manifestblob
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.manifestblob_removed();

CREATE OR REPLACE FUNCTION quay_internal.imagestorage_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_due_ms bigint := quay_internal.gc_due_new();
BEGIN
    PERFORM quay_internal.size_add(0, 0, coalesce(sum(a.image_size), 0)::bigint) FROM added AS a;
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms) SELECT 'b'::"char", a.id, new_due_ms FROM added AS a;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.imagestorage_added() IS 'Trigger: counts new blobs for the size of the registry. Nothing may come to use one.';

CREATE OR REPLACE FUNCTION quay_internal.imagestorage_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.size_add(0, 0, - coalesce(sum(r.image_size), 0)::bigint) FROM removed AS r;
    DELETE FROM quay_internal.blob_deletion AS d USING removed AS r WHERE d.blob_id = r.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.imagestorage_removed() IS 'Trigger: the same for blobs that go, which are not to be deleted any more.';

CREATE OR REPLACE FUNCTION quay_internal.imagestorage_resizing() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Waits for those who are counting the old size; the next ones see the new one.
    PERFORM FROM quay.imagestorage AS b WHERE b.id = OLD.id FOR UPDATE;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.imagestorage_resizing() IS 'Trigger: before the size of a blob changes.';

CREATE OR REPLACE FUNCTION quay_internal.imagestorage_resized() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    change bigint := coalesce(NEW.image_size, 0) - coalesce(OLD.image_size, 0);
BEGIN
    PERFORM quay_internal.size_add(0, 0, change);
    WITH users AS (
        SELECT DISTINCT r.namespace_user_id AS namespace_id, m.repository_id
        FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
        WHERE m.blob_id = NEW.id
    ), resized AS (
        UPDATE quay_internal.blob_use AS u SET size = u.size + change
        FROM (TABLE users UNION SELECT namespace_id, 0 FROM users) AS w
        WHERE u.namespace_id = w.namespace_id AND u.blob_id = NEW.id AND u.repository_id = w.repository_id
        RETURNING u.namespace_id, u.repository_id
    )
    SELECT count(quay_internal.size_add(r.namespace_id, r.repository_id, change, forced => true)::text) INTO change FROM resized AS r;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.imagestorage_resized() IS 'Trigger: a blob whose size becomes known is counted with it, whatever the limits.';

CREATE OR REPLACE TRIGGER imagestorage_added AFTER INSERT ON quay.imagestorage
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.imagestorage_added();
CREATE OR REPLACE TRIGGER imagestorage_removed AFTER DELETE ON quay.imagestorage
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.imagestorage_removed();
CREATE OR REPLACE TRIGGER imagestorage_resizing BEFORE UPDATE OF image_size ON quay.imagestorage
    FOR EACH ROW WHEN (OLD.image_size IS DISTINCT FROM NEW.image_size) EXECUTE FUNCTION quay_internal.imagestorage_resizing();
CREATE OR REPLACE TRIGGER imagestorage_resized AFTER UPDATE OF image_size ON quay.imagestorage
    FOR EACH ROW WHEN (OLD.image_size IS DISTINCT FROM NEW.image_size) EXECUTE FUNCTION quay_internal.imagestorage_resized();

CREATE OR REPLACE FUNCTION quay_internal.uploadedblob_added() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.blob_revive(ARRAY[NEW.blob_id]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.uploadedblob_added() IS 'Trigger: a blob that a repository gets is not to be deleted. Errors: QY055 it is being deleted.';

CREATE OR REPLACE TRIGGER uploadedblob_added AFTER INSERT ON quay.uploadedblob
    FOR EACH ROW EXECUTE FUNCTION quay_internal.uploadedblob_added();

CREATE OR REPLACE FUNCTION quay_internal.repository_size_forget() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.size_counter AS c WHERE c.namespace_id = OLD.namespace_user_id AND c.repository_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_size_forget() IS 'Trigger: the size of a repository goes with it.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_size_forget() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.size_counter AS c WHERE c.namespace_id = OLD.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_size_forget() IS 'Trigger: the size of a namespace goes with it.';

CREATE OR REPLACE TRIGGER repository_size_forget AFTER DELETE ON quay.repository
    FOR EACH ROW EXECUTE FUNCTION quay_internal.repository_size_forget();
CREATE OR REPLACE TRIGGER namespace_size_forget AFTER DELETE ON quay."user"
    FOR EACH ROW EXECUTE FUNCTION quay_internal.namespace_size_forget();

-- Counting anew

CREATE OR REPLACE FUNCTION quay_internal.size_recount(namespace_id bigint) RETURNS TABLE (repository_id bigint, before bigint, after bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pairs record;
BEGIN
    -- One at a time, or a difference would be corrected twice.
    PERFORM pg_advisory_xact_lock(hashtextextended('quay size ' || size_recount.namespace_id, 0));
    SELECT array_agg(m.repository_id) AS repositories, array_agg(m.blob_id) AS blobs INTO pairs
    FROM (SELECT DISTINCT m.repository_id, m.blob_id
          FROM quay.repository AS r JOIN quay.manifestblob AS m ON m.repository_id = r.id
          WHERE r.namespace_user_id = size_recount.namespace_id) AS m
    WHERE NOT EXISTS (SELECT FROM quay_internal.blob_use AS u
                      WHERE u.namespace_id = size_recount.namespace_id AND u.blob_id = m.blob_id AND u.repository_id = m.repository_id);
    PERFORM quay_internal.blob_use_add(pairs.repositories, pairs.blobs, forced => true);
    SELECT array_agg(u.repository_id) AS repositories, array_agg(u.blob_id) AS blobs INTO pairs
    FROM quay_internal.blob_use AS u
    WHERE u.namespace_id = size_recount.namespace_id AND u.repository_id > 0
      AND NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.repository_id = u.repository_id AND m.blob_id = u.blob_id);
    PERFORM quay_internal.blob_use_drop(coalesce(pairs.repositories, '{}'), coalesce(pairs.blobs, '{}'));

    -- Whoever changes the one changes the other with it, so what they differ by is no matter of who is at work.
    FOR repository_id, before, after IN
        SELECT coalesce(c.repository_id, u.repository_id), coalesce(c.bytes, 0), coalesce(u.bytes, 0)
        FROM (SELECT c.repository_id, sum(c.used)::bigint AS bytes FROM quay_internal.size_counter AS c
              WHERE c.namespace_id = size_recount.namespace_id GROUP BY c.repository_id) AS c
        FULL JOIN (SELECT u.repository_id, sum(u.size)::bigint AS bytes FROM quay_internal.blob_use AS u
                   WHERE u.namespace_id = size_recount.namespace_id GROUP BY u.repository_id) AS u ON u.repository_id = c.repository_id
        WHERE coalesce(c.bytes, 0) <> coalesce(u.bytes, 0)
        ORDER BY 1
    LOOP
        PERFORM quay_internal.size_add(size_recount.namespace_id, repository_id, after - before, forced => true);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.size_recount(bigint) IS
    'Counts what a namespace and its repositories hold from the rows of manifests, corrects what differs, and says so: repository_id 0 is the namespace; before and after in bytes. Others can push and delete meanwhile.';
