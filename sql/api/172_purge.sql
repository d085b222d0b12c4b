-- The purge of what is marked for deletion, in batches: each call does a bounded part, and the next one goes on where it ended.

CREATE OR REPLACE FUNCTION quay_internal.batch_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of rows must be positive',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many rows one call may work on, such as 2000.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.batch_size(integer) IS 'The n of a function that works in batches. Errors: 22023 not positive.';

-- Without its settings the planner could choose a scan of the whole table or a bitmap, which each batch would pay for again.
CREATE OR REPLACE FUNCTION quay_internal.repository_rows_delete(table_name text, repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ids bigint[];
    labels bigint[];
BEGIN
    -- Locked, so that rows which others are adding below them are seen.
    EXECUTE format('SELECT array_agg(d.id) FROM (SELECT t.id FROM quay.%I AS t WHERE t.repository_id = ANY ($1) LIMIT $2 FOR UPDATE) AS d',
                   repository_rows_delete.table_name)
    INTO ids USING repository_rows_delete.repository_ids, repository_rows_delete.n;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    CASE repository_rows_delete.table_name
    WHEN 'tag' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (ids);
        UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repositorynotification' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = ANY (ids);
    WHEN 'apprtag' THEN
        UPDATE quay.apprtag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repomirrorrule' THEN
        UPDATE quay.repomirrorrule AS r SET left_child_id = NULL WHERE r.left_child_id = ANY (ids);
        UPDATE quay.repomirrorrule AS r SET right_child_id = NULL WHERE r.right_child_id = ANY (ids);
    WHEN 'manifest' THEN
        -- Images of the view quay.image have the id manifest * 1024 + layer.
        DELETE FROM quay.derivedstorageforimage AS d USING unnest(ids) AS m (id)
        WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;
    WHEN 'manifestlabel' THEN
        SELECT array_agg(m.label_id) INTO labels FROM quay.manifestlabel AS m WHERE m.id = ANY (ids);
    ELSE
        NULL;
    END CASE;
    EXECUTE format('DELETE FROM quay.%I AS t WHERE t.id = ANY ($1)', repository_rows_delete.table_name) USING ids;
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (labels) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_rows_delete(text, bigint[], integer) IS
    'Deletes at most n rows of a table that belong to these repositories, with what hangs on them alone, and returns how many. The table has the columns id and repository_id, and an index that starts with the latter.';

CREATE OR REPLACE FUNCTION quay_internal.repository_purge_step(repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := n;
    table_name text;
BEGIN
    -- Children before parents.
    FOREACH table_name IN ARRAY ARRAY[
        'tagpullstatistics', 'manifestpullstatistics', 'tag', 'repositorynotification',
        'manifestchild', 'manifestblob', 'manifestlabel', 'manifestsecuritystatus', 'manifest', 'uploadedblob', 'blobupload',
        'repositorybuild', 'repositorybuildtrigger', 'accesstoken', 'repomirrorconfig', 'repomirrorrule', 'orgmirrorrepository',
        'repositorypermission', 'star', 'repositoryauthorizedemail', 'repositoryactioncount', 'repositorysearchscore',
        'repositoryautoprunepolicy', 'repositoryimmutabilitypolicy', 'quotarepositorysize', 'apprtag']
    LOOP
        left_over := left_over - quay_internal.repository_rows_delete(table_name, repository_ids, left_over);
        IF left_over = 0 THEN
            RETURN 0;
        END IF;
    END LOOP;
    DELETE FROM quay.deletedrepository AS d WHERE d.repository_id = ANY (repository_ids);
    DELETE FROM quay.repository AS r WHERE r.id = ANY (repository_ids);
    RETURN left_over;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_purge_step(bigint[], integer) IS
    'Deletes rows of repositories, whose own rows the caller has locked, at most n, and then these. Returns how many of n are left; 0: they are not gone yet.';

CREATE OR REPLACE FUNCTION quay.repository_purge(repository_id bigint DEFAULT NULL, n integer DEFAULT 2000, marker_id bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    target record;
BEGIN
    IF num_nonnulls(repository_purge.repository_id, repository_purge.marker_id) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a repository or a marker is to be purged',
            DETAIL = format('Repository: %s, marker: %s.', coalesce(repository_purge.repository_id::text, 'NULL'),
                coalesce(repository_purge.marker_id::text, 'NULL')),
            HINT = 'Pass repository_id, or the marker_id of the queue item.';
    END IF;
    -- Waits for pushes under way and for another worker, then goes on from there.
    SELECT r.id, r.name, r.state INTO target FROM quay.repository AS r
    WHERE r.id = coalesce(repository_purge.repository_id,
        (SELECT d.repository_id FROM quay.deletedrepository AS d WHERE d.id = repository_purge.marker_id))
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF target.state <> 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is not marked for deletion',
            DETAIL = format('Repository %s, "%s", is in use.', target.id, target.name),
            HINT = 'Mark it with quay.repository_mark_deletion().';
    END IF;
    RETURN quay_internal.repository_purge_step(ARRAY[target.id], batch) > 0;
END
$$;
COMMENT ON FUNCTION quay.repository_purge(bigint, integer, bigint) IS
    'Deletes rows of a repository that is marked for deletion, at most n with what hangs on each, and the repository itself last. True: it is gone, or there was none of that id; false: call again, in a new transaction. The repository is named by its id or by the marker that quay.repository_mark_deletion() returned. Two workers take turns.
Deleted are tags, manifests with children, labels, layers and scan results, uploads, statistics, builds, triggers, tokens, notifications, permissions, stars, policies, mirror configuration. Blobs (imagestorage) stay: other repositories may use them, and those that none uses are for the garbage collector. So does the audit log, which keeps the ids.
Errors: 22023 n not positive, or not one of repository and marker; QY005 not marked.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_purge_names(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = namespace_purge_names.name) THEN
        RETURN;
    END IF;
    DELETE FROM quay.superuser AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unrestricted_user AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.allowed_robot AS s WHERE split_part(s.username, '+', 1) = namespace_purge_names.name;
    DELETE FROM quay.deletion_grace_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.public_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unlogged_namespace AS s WHERE s.username = namespace_purge_names.name;
    PERFORM quay_internal.namespace_queue_delete(namespace_purge_names.name);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_purge_names(text) IS
    'Takes a name that nobody has any more off the lists that give names rights, and out of the queues, so that who takes it next inherits nothing.';

CREATE OR REPLACE FUNCTION quay.namespace_purge(marker_id bigint, n integer DEFAULT 2000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := quay_internal.batch_size(n);
    marker quay.deletednamespace;
    repository_ids bigint[];
BEGIN
    -- One worker at a time; the next goes on from there.
    SELECT * INTO marker FROM quay.deletednamespace AS d WHERE d.id = namespace_purge.marker_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    LOOP
        -- Several at once: most are small, and each table is then asked once.
        repository_ids := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = marker.namespace_id
                                ORDER BY r.id LIMIT least(left_over, 500) FOR UPDATE);
        EXIT WHEN repository_ids = '{}';
        UPDATE quay.repository AS r SET state = 3 WHERE r.id = ANY (repository_ids) AND r.state <> 3;
        left_over := quay_internal.repository_purge_step(repository_ids, left_over) - cardinality(repository_ids);
        IF left_over <= 0 THEN
            RETURN false;
        END IF;
    END LOOP;

    PERFORM quay_internal.organization_lock_administered(u.username) FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM FROM quay."user" AS u WHERE u.id = marker.namespace_id FOR UPDATE;
    PERFORM quay_internal.namespace_delete_linked(marker.namespace_id, marker.original_username);
    DELETE FROM quay.deletednamespace AS d WHERE d.id = marker.id;
    DELETE FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM quay_internal.namespace_purge_names(marker.original_username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_purge(bigint, integer) IS
    'Deletes a namespace that quay.namespace_mark_deletion() marked, whether or not its delay is over: its repositories as quay.repository_purge() does, at most n rows of them a call, then all else, entries of its name in quay.superuser and the other lists of names, and itself. True: it is gone, or there is no such marker; false: call again, in a new transaction. Two workers take turns. Its name is free afterwards. The audit log stays. Errors: 22023 n not positive.';
