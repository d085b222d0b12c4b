-- Proof of the rules that the content of the registry keeps, and a list of what breaks them. Constraints keep most of them by themselves; here
-- is what no constraint can say, or what the reference application's own statements may break. Reads only, so it runs on a standby.
--
-- One function per family of rules: the rules wanted, a namespace or NULL for all, at most n findings of each rule. They are planned for each
-- call: with a namespace they start from its repositories, without one they read whole tables.

CREATE OR REPLACE FUNCTION quay.registry_check_rules() RETURNS TABLE (rule text, severity text, meaning text, repair text, by_namespace boolean)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('tag_live_twice', 'error', 'At most one live visible tag of a repository has a name.',
            'Point the tag anew with quay.tag_set(): that ends all other live rows of the name.', true),
        ('tag_overlap', 'warning', 'Periods of a name do not overlap.',
            'None is needed: the past is ambiguous there. The rows go with the history.', true),
        ('tag_immutable_end', 'error', 'An immutable tag has no end, unless quay.immutable_tags_can_expire is on.',
            'Take the end of the tag away, or make the tag mutable.', true),
        ('tag_hidden_name', 'error', 'Temporary tags ($temp-…), and no others, are hidden.',
            'Delete the row of quay.tag, or correct the column hidden.', true),
        ('tag_repository', 'error', 'A tag points to a manifest of its own repository.',
            'Delete the row of quay.tag, and push the image again.', true),
        ('tag_mark', 'error', 'No live tag is marked as ended: lists would not show it.',
            'UPDATE quay.tag SET ended = false for the row.', true),
        ('tag_unreviewed', 'warning', 'The garbage collector is to look at each tag with an end.',
            'SELECT quay.gc_review_all() has it look at what it does not know of.', true),
        ('tag_without_manifest', 'warning', 'A live tag points to a manifest.', 'Delete the tag with quay.tag_delete(): nobody can pull it.', true),
        ('manifest_digest', 'error', 'The digest of a manifest is that of its bytes.',
            'Restore the manifest from a backup, or delete its tags and push the image again.', true),
        ('manifest_unreachable', 'warning', 'A tag, an index or a referrer holds each manifest, or the garbage collector is to look at it.',
            'SELECT quay.gc_review_all() has it look at what it does not know of.', true),
        ('manifest_child_repository', 'error', 'An index and the manifests that it lists are in one repository.',
            'Delete the row of quay.manifestchild, and push the index again.', true),
        ('manifest_blob_repository', 'error', 'quay.manifestblob names the repository of its manifest.', 'Correct repository_id of the row.', true),
        ('manifest_label_repository', 'error', 'quay.manifestlabel names the repository of its manifest.', 'Correct repository_id of the row.', true),
        ('manifest_scan_repository', 'error', 'quay.manifestsecuritystatus names the repository of its manifest.',
            'Correct repository_id of the row.', true),
        ('blob_without_placement', 'error', 'The bytes of a blob that a manifest uses are somewhere, unless the namespace caches another registry.',
            'Upload the blob again, or delete the tags of the images that use it: they cannot be pulled.', true),
        ('blob_without_path', 'error', 'A blob that is stored by its digest has one.',
            'Fill in content_checksum, or delete what uses the blob.', true),
        ('blob_size', 'error', 'No size of a blob is negative.', 'Set the size to that of the stored bytes.', true),
        ('blob_unused', 'warning', 'A manifest, an upload or a derived image uses each blob, or the garbage collector is to look at it.',
            'SELECT quay.gc_review_all() has it look at what it does not know of.', false),
        ('blob_deletion_used', 'error', 'A blob that is to be deleted is not in use.',
            'Nothing is lost if no client has it; delete the row of quay_internal.blob_deletion.', false),
        ('blob_deletion_failing', 'warning', 'The bytes of a blob can be deleted.', 'See last_error: the store refuses it again and again.', false),
        ('label_unused', 'warning', 'A manifest has each label, or the garbage collector is to look at it.',
            'SELECT quay.gc_review_all() has it look at what it does not know of.', false),
        ('upload_stale', 'warning', 'No upload is older than quay.blob_upload_lifetime.', 'Let a worker reap such uploads.', true),
        ('upload_link_stale', 'warning', 'Uploaded blobs are collected within a day after their time.', 'Let a worker call quay.gc_run().', true),
        ('gc_review_overdue', 'warning', 'The garbage collector looks at things within a day.', 'Let a worker call quay.gc_run().', false),
        ('blob_use', 'error', 'The uses of blobs by repositories and namespaces are counted, each once.',
            'SELECT * FROM quay_internal.size_recount(id of the namespace).', true),
        ('blob_use_size', 'error', 'The uses of a blob are counted with its size.',
            'Set size of these rows of quay_internal.blob_use to that of the blob, then recount the namespace.', true),
        ('size_counter', 'error', 'The size of a repository, a namespace or the registry is the sum over its blobs.',
            'SELECT * FROM quay_internal.size_recount(id of the namespace).', true),
        ('size_reserved', 'error', 'What a namespace has reserved is the sum over its uploads.',
            'SELECT quay_internal.size_reserve(id of the namespace, difference).', true),
        ('size_negative', 'error', 'No size is negative.', 'SELECT * FROM quay_internal.size_recount(id of the namespace).', true),
        ('repository_owner', 'error', 'A repository belongs to a person or an organization.',
            'Set namespace_user_id, or delete the repository.', true),
        ('organization_without_admin', 'error', 'An enabled organization has an enabled person in a team of role admin.',
            'Add one with quay.team_member_add().', true),
        ('team_owner', 'error', 'A team belongs to an organization.', 'Delete the team.', true),
        ('robot_without_namespace', 'error', 'An enabled robot belongs to a namespace.', 'Delete the robot.', false),
        ('robot_foreign_team', 'warning', 'A robot in a team is of the organization of the team.', 'Remove it with quay.team_member_remove().', true),
        ('permission_foreign', 'error', 'Teams and enabled robots hold permissions in their own namespace only.', 'Delete the permission.', true),
        ('team_invite_duplicate', 'warning', 'Nobody is invited to a team twice.', 'Delete all but one of the invitations.', true),
        ('tag_statistics_without_tag', 'info', 'Pulls are counted of tags that there are.',
            'None is needed; they go with the repository. Pulls were recorded after the tag was deleted.', true),
        ('manifest_statistics_without_manifest', 'info', 'Pulls are counted of manifests that there are.',
            'None is needed; they go with the repository.', true),
        ('enumeration_missing', 'error', 'The enumerations have the names that functions look up.', 'Insert the name with an id above 1000.', false);
END
$$;
COMMENT ON FUNCTION quay.registry_check_rules() IS
    'The rules that quay.registry_check() proves: what holds, how bad it is if it does not (error: something is wrong for users, or miscounted; warning: waste, or a doubt; info), what repairs it, and whether the rule is looked at in one namespace too. Not among them is what constraints hold, such as one row per digest of a blob and per digest and repository of a manifest, and what no query can see: whether the bytes in a store are there.';

CREATE OR REPLACE FUNCTION quay_internal.repository_path(repository_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT coalesce(u.username || '/', '') || r.name
                     FROM quay.repository AS r LEFT JOIN quay."user" AS u ON u.id = r.namespace_user_id
                     WHERE r.id = repository_path.repository_id), 'repository ' || repository_path.repository_id);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_path(bigint) IS 'namespace/name of a repository.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_tag(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF 'tag_live_twice' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_live_twice', quay_internal.repository_path(t.repository_id) || ':' || t.name, format('Rows %s are alive.', t.ids)
            FROM (SELECT t.repository_id, t.name, string_agg(t.id::text, ', ' ORDER BY t.id) AS ids
                  FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
                  WHERE NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                    AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
                  GROUP BY t.repository_id, t.name
                  HAVING count(*) > 1
                  LIMIT n) AS t;
    END IF;
    IF 'tag_overlap' = ANY (rules) THEN
        -- What permanent deletion pushed out of the history ends before it starts.
        RETURN QUERY
            SELECT 'tag_overlap', quay_internal.repository_path(t.repository_id) || ':' || t.name,
                   format('Row %s ends %s, row %s starts at %s ms.', t.id, coalesce('at ' || t.lifetime_end_ms || ' ms', 'never'), t.next_id,
                       t.next_start_ms)
            FROM (SELECT t.repository_id, t.name, t.id, t.lifetime_end_ms, l.live, lead(l.live) OVER w AS next_live, lead(t.id) OVER w AS next_id,
                         lead(t.lifetime_start_ms) OVER w AS next_start_ms
                  FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
                  CROSS JOIN LATERAL (SELECT t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms AS live) AS l
                  WHERE NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > t.lifetime_start_ms)
                    AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
                  WINDOW w AS (PARTITION BY t.repository_id, t.name ORDER BY t.lifetime_start_ms, t.id)) AS t
            WHERE t.next_start_ms < coalesce(t.lifetime_end_ms, t.next_start_ms + 1)
              AND NOT (t.live AND t.next_live)      -- that is tag_live_twice
            LIMIT n;
    END IF;
    IF 'tag_immutable_end' = ANY (rules) AND quay_internal.gc_keeps_immutable() THEN
        RETURN QUERY
            SELECT 'tag_immutable_end', quay_internal.repository_path(t.repository_id) || ':' || t.name,
                   format('Row %s ends at %s ms.', t.id, t.lifetime_end_ms)
            FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE t.immutable AND NOT t.hidden AND t.lifetime_end_ms > now_ms AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'tag_mark' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_mark', quay_internal.repository_path(t.repository_id) || ':' || t.name,
                   format('Row %s is marked, and ends %s.', t.id, coalesce('at ' || t.lifetime_end_ms || ' ms', 'never'))
            FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE t.ended AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'tag_unreviewed' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_unreviewed', quay_internal.repository_path(t.repository_id) || ':' || t.name, format('Nobody would collect row %s.', t.id)
            FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE t.lifetime_end_ms IS NOT NULL
              AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 't' AND v.object_id = t.id)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'tag_hidden_name' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_hidden_name', quay_internal.repository_path(t.repository_id) || ':' || t.name,
                   format('Row %s is %s.', t.id, CASE WHEN t.hidden THEN 'hidden' ELSE 'visible' END)
            FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE t.hidden <> (t.name LIKE '$temp-%') AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'tag_repository' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_repository', quay_internal.repository_path(t.repository_id) || ':' || t.name,
                   format('Row %s points to manifest %s of %s.', t.id, m.id, quay_internal.repository_path(m.repository_id))
            FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE m.repository_id <> t.repository_id AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'tag_without_manifest' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_without_manifest', quay_internal.repository_path(t.repository_id) || ':' || t.name, format('Row %s points to nothing.', t.id)
            FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
            WHERE t.manifest_id IS NULL AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_tag(text[], bigint, integer) IS 'What breaks the rules about tags.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_digest_problem(manifest quay.manifest) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    algorithm text := split_part(manifest.digest, ':', 1);
    actual text;
BEGIN
    -- '': known, but not held. The digest of a signed manifest is that of its payload.
    IF manifest.manifest_bytes = '' OR EXISTS (
        SELECT FROM quay.mediatype AS y
        WHERE y.id = manifest.media_type_id AND y.name = 'application/vnd.docker.distribution.manifest.v1+prettyjws') THEN
        RETURN NULL;
    END IF;
    IF algorithm <> ALL (ARRAY['sha256', 'sha512']) THEN
        RETURN format('Manifest %s has a digest that cannot be computed.', manifest.id);
    END IF;
    actual := quay_internal.digest_compute(convert_to(manifest.manifest_bytes, 'UTF8'), algorithm);
    RETURN CASE WHEN actual <> manifest.digest THEN format('The bytes of manifest %s have the digest "%s".', manifest.id, actual) END;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_digest_problem(quay.manifest) IS
    'In what way the bytes of a manifest are not those of its digest, as a sentence; NULL if they are, or nobody can know.';

CREATE OR REPLACE FUNCTION quay.manifest_digest_check(after bigint DEFAULT 0, n integer DEFAULT 10000)
    RETURNS TABLE (examined bigint, last_id bigint, wrong_ids bigint[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    SELECT count(*), max(m.id), coalesce(array_agg(m.id ORDER BY m.id) FILTER (WHERE m.problem IS NOT NULL), '{}')
    INTO examined, last_id, wrong_ids
    FROM (SELECT m.id, quay_internal.manifest_digest_problem(m) AS problem
          FROM quay.manifest AS m WHERE m.id > coalesce(manifest_digest_check.after, 0) ORDER BY m.id LIMIT page_size) AS m;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_digest_check(bigint, integer) IS
    'Compares the bytes of the next n manifests, those with an id greater than after, with their digests: how many were looked at, the last id (pass it as after in the next call, until it is NULL), and those that are wrong. Signed Docker schema 1 manifests and those that are only known are passed over. For who wants to be sure of all of them; quay.registry_check() looks at a sample. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_manifest(rules text[], scope_id bigint, n integer, sample integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    IF 'manifest_digest' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_digest', quay_internal.repository_path(m.repository_id) || '@' || m.digest, p.problem
            FROM (SELECT m.* FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id
                  WHERE (scope_id IS NULL OR r.namespace_user_id = scope_id)
                  ORDER BY m.id DESC LIMIT sample) AS m
            CROSS JOIN LATERAL (SELECT quay_internal.manifest_digest_problem(m::quay.manifest) AS problem OFFSET 0) AS p
            WHERE p.problem IS NOT NULL
            LIMIT n;
    END IF;
    IF 'manifest_unreachable' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_unreachable', quay_internal.repository_path(m.repository_id) || '@' || m.digest,
                   format('Nothing holds manifest %s.', m.id)
            FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
            WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
              AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
              AND NOT EXISTS (SELECT FROM quay.manifest AS f WHERE f.repository_id = m.repository_id AND f.subject = m.digest AND f.id <> m.id)
              AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'm' AND v.object_id = m.id)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'manifest_child_repository' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_child_repository', quay_internal.repository_path(c.repository_id) || '@' || p.digest,
                   format('Row %s of manifestchild is of %s, index %s of %s, manifest %s of %s.', c.id,
                       quay_internal.repository_path(c.repository_id), p.id, quay_internal.repository_path(p.repository_id), m.id,
                       quay_internal.repository_path(m.repository_id))
            FROM quay.manifestchild AS c
            JOIN quay.manifest AS p ON p.id = c.manifest_id
            JOIN quay.manifest AS m ON m.id = c.child_manifest_id
            JOIN quay.repository AS r ON r.id = c.repository_id
            WHERE (p.repository_id <> c.repository_id OR m.repository_id <> c.repository_id) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    RETURN QUERY
        SELECT d.rule, quay_internal.repository_path(d.own_id) || '@' || d.digest,
               format('Row %s is of %s, manifest %s of %s.', d.id, quay_internal.repository_path(d.repository_id), d.manifest_id,
                   quay_internal.repository_path(d.own_id))
        FROM ((SELECT 'manifest_blob_repository' AS rule, x.id, x.repository_id, m.id AS manifest_id, m.repository_id AS own_id, m.digest
               FROM quay.manifestblob AS x JOIN quay.manifest AS m ON m.id = x.manifest_id JOIN quay.repository AS r ON r.id = m.repository_id
               WHERE 'manifest_blob_repository' = ANY (rules) AND x.repository_id <> m.repository_id
                 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
               LIMIT n)
              UNION ALL
              (SELECT 'manifest_label_repository', x.id, x.repository_id, m.id, m.repository_id, m.digest
               FROM quay.manifestlabel AS x JOIN quay.manifest AS m ON m.id = x.manifest_id JOIN quay.repository AS r ON r.id = m.repository_id
               WHERE 'manifest_label_repository' = ANY (rules) AND x.repository_id <> m.repository_id
                 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
               LIMIT n)
              UNION ALL
              (SELECT 'manifest_scan_repository', x.id, x.repository_id, m.id, m.repository_id, m.digest
               FROM quay.manifestsecuritystatus AS x JOIN quay.manifest AS m ON m.id = x.manifest_id
               JOIN quay.repository AS r ON r.id = m.repository_id
               WHERE 'manifest_scan_repository' = ANY (rules) AND x.repository_id <> m.repository_id
                 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
               LIMIT n)) AS d;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_manifest(text[], bigint, integer, integer) IS
    'What breaks the rules about manifests. sample: how many manifests, the newest, are compared with their digests; NULL: all.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_blob(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    present timestamp := quay_internal.utc_now();
BEGIN
    -- A namespace that caches another registry knows blobs that it does not hold.
    IF 'blob_without_placement' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_without_placement', coalesce(b.content_checksum, b.uuid)::text,
                   format('Blob %s is used by manifest %s of %s.', b.id, u.manifest_id, quay_internal.repository_path(u.repository_id))
            FROM quay.imagestorage AS b
            CROSS JOIN LATERAL (SELECT m.manifest_id, m.repository_id FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
                                WHERE m.blob_id = b.id AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
                                  AND NOT EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = r.namespace_user_id)
                                LIMIT 1) AS u
            WHERE NOT EXISTS (SELECT FROM quay.imagestorageplacement AS p WHERE p.storage_id = b.id)
            LIMIT n;
    END IF;
    RETURN QUERY
        SELECT d.rule, coalesce(d.content_checksum, d.uuid)::text,
               format('Blob %s has %s.', d.id, CASE d.rule WHEN 'blob_size' THEN format('the sizes %s and %s', coalesce(d.image_size::text, 'NULL'),
                                                                                       coalesce(d.uncompressed_size::text, 'NULL'))
                                                           ELSE 'no content_checksum' END)
        FROM ((SELECT 'blob_without_path' AS rule, b.* FROM quay.imagestorage AS b
               WHERE 'blob_without_path' = ANY (rules) AND b.cas_path AND b.content_checksum IS NULL
                 AND (scope_id IS NULL OR EXISTS (SELECT FROM quay_internal.blob_use AS u
                      WHERE u.namespace_id = scope_id AND u.blob_id = b.id))
               LIMIT n)
              UNION ALL
              (SELECT 'blob_size', b.* FROM quay.imagestorage AS b
               WHERE 'blob_size' = ANY (rules) AND (b.image_size < 0 OR b.uncompressed_size < 0)
                 AND (scope_id IS NULL OR EXISTS (SELECT FROM quay_internal.blob_use AS u
                      WHERE u.namespace_id = scope_id AND u.blob_id = b.id))
               LIMIT n)) AS d;
    IF 'upload_stale' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'upload_stale', quay_internal.repository_path(b.repository_id), format('Upload "%s" was started at %s.', b.uuid, b.created)
            FROM quay.blobupload AS b JOIN quay.repository AS r ON r.id = b.repository_id
            WHERE b.created < present - make_interval(secs => quay_internal.setting('blob_upload_lifetime')::integer)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'upload_link_stale' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'upload_link_stale', quay_internal.repository_path(u.repository_id),
                   format('Row %s of uploadedblob, of blob %s, expired at %s.', u.id, u.blob_id, u.expires_at)
            FROM quay.uploadedblob AS u JOIN quay.repository AS r ON r.id = u.repository_id
            WHERE u.expires_at < present - interval '1 day' AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF scope_id IS NOT NULL THEN
        RETURN;
    END IF;

    IF 'blob_unused' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_unused', coalesce(b.content_checksum, b.uuid)::text,
                   format('Nothing uses blob %s of %s bytes.', b.id, coalesce(b.image_size, 0))
            FROM quay.imagestorage AS b
            WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id)
              AND NOT EXISTS (SELECT FROM quay.uploadedblob AS u WHERE u.blob_id = b.id)
              AND NOT EXISTS (SELECT FROM quay.derivedstorageforimage AS d WHERE d.derivative_id = b.id)
              AND NOT EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = b.id)
              AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind IN ('b', 'u') AND v.object_id = b.id)
              AND quay_internal.digest_is_shared(b.content_checksum) IS NOT TRUE
            LIMIT n;
    END IF;
    IF 'blob_deletion_used' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_deletion_used', coalesce(b.content_checksum, b.uuid)::text, format('Blob %s is in use, and to be deleted.', b.id)
            FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id
            WHERE b.id <> ALL (quay_internal.blob_unused(ARRAY[b.id]))
            LIMIT n;
    END IF;
    IF 'blob_deletion_failing' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_deletion_failing', coalesce(b.content_checksum, b.uuid)::text,
                   format('Blob %s, after %s attempts: %s.', b.id, d.attempts, d.last_error)
            FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id
            WHERE d.attempts >= 5 AND d.last_error IS NOT NULL
            LIMIT n;
    END IF;
    IF 'label_unused' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'label_unused', l.key::text, format('No manifest has label %s.', l.id)
            FROM quay.label AS l
            WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id)
              AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'l' AND v.object_id = l.id)
            LIMIT n;
    END IF;
    IF 'gc_review_overdue' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'gc_review_overdue', k.name,
                   format('%s wait, the oldest since %s.', count(*), to_timestamp(min(v.due_ms) / 1000.0) AT TIME ZONE 'UTC')
            FROM (VALUES ('t'::"char", 'tags'), ('m', 'manifests'), ('l', 'labels'), ('b', 'blobs'), ('u', 'uses of blobs'),
                         ('n', 'namespaces')) AS k (kind, name)
            JOIN quay_internal.gc_review AS v ON v.kind = k.kind AND v.due_ms < now_ms - 86400000
            GROUP BY k.name;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_blob(text[], bigint, integer) IS 'What breaks the rules about blobs, labels and uploads.';
