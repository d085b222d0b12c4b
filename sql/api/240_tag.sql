-- Tags. A row is one period in which a name pointed to a manifest: a move ends the row and inserts another, nothing is rewritten.
-- Everything that changes a tag holds the lock of its repository (tag_lock) and reads the clock after it has it.

CREATE OR REPLACE FUNCTION quay_internal.tag_is_cosign(name text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_tag_is_cosign';
COMMENT ON FUNCTION quay_internal.tag_is_cosign(text) IS
    'Does Cosign derive this tag name from a digest: sha256-<64 hexadecimal digits>.sig, .att or .sbom?';

CREATE OR REPLACE FUNCTION quay_internal.tag_check_snapshot(repository_id bigint, name text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_tag_check_snapshot';
COMMENT ON FUNCTION quay_internal.tag_check_snapshot(bigint, text) IS
    'Fails with serialization_failure if a row of that name was committed that this transaction, being REPEATABLE READ or SERIALIZABLE, cannot see.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock(repository_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hash bytea := sha256(convert_to('retarget_tag:' || repository_id, 'UTF8'));
BEGIN
    PERFORM pg_advisory_xact_lock(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock(bigint) IS
    'Waits for the lock on the tags of a repository and holds it until the transaction ends. The Quay application takes the same lock.';

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND NOT t.hidden
      AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
    LIMIT 1;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_free_end(repository_id bigint, name text, end_ms bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WHILE EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.repository_id = tag_free_end.repository_id AND t.name = tag_free_end.name AND t.lifetime_end_ms = end_ms)
    LOOP
        end_ms := end_ms - 1;
    END LOOP;
    RETURN end_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_free_end(bigint, text, bigint) IS
    'The latest end, at most end_ms, that no row of that name has yet: two rows of a name cannot end in the same millisecond.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A notice of a coming expiry was about the old end.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = tag_end.tag_id;
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end.end_ms)
    WHERE t.id = tag_end.tag_id;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS 'Ends a row at end_ms, or up to a few ms before if another row of the name ends there.';

CREATE OR REPLACE FUNCTION quay_internal.tag_refuse_immutable(tag quay.tag, verb text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY041',
            MESSAGE = 'tag is immutable',
            DETAIL = format('Tag "%s" cannot be %s.', tag.name, verb),
            HINT = 'Use another tag name, or make the tag mutable first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_refuse_immutable(quay.tag, text) IS
    'Refuses (QY041) to change an immutable tag, if quay.immutable_tags is on. verb: what was tried, as a participle.';

-- Immutability policies

CREATE OR REPLACE FUNCTION quay_internal.policy_matches(policy text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule jsonb;
    matches boolean;
BEGIN
    rule := policy::jsonb;
    BEGIN
        matches := name ~ ('^(?:' || (rule ->> 'tag_pattern') || ')$');
    EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
        matches := false;
    END;
    RETURN coalesce(matches, false) = coalesce((rule ->> 'tag_pattern_matches')::boolean, true);
END
$$;
COMMENT ON FUNCTION quay_internal.policy_matches(text, text) IS
    'Does an immutability policy apply to a tag name? The pattern, a PostgreSQL regular expression, must match the whole name; tag_pattern_matches false turns the answer round. A pattern that is not valid matches nothing.';

CREATE OR REPLACE FUNCTION quay_internal.policy_makes_immutable(repository quay.repository, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.repositoryimmutabilitypolicy AS p
                   WHERE p.repository_id = repository.id AND quay_internal.policy_matches(p.policy, name))
        OR EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p
                   WHERE p.namespace_id = repository.namespace_user_id AND quay_internal.policy_matches(p.policy, name));
END
$$;
COMMENT ON FUNCTION quay_internal.policy_makes_immutable(quay.repository, text) IS
    'Does any policy of the repository or of its namespace make tags of that name immutable?';

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND NOT t.hidden
                 AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                 AND NOT quay_internal.tag_is_cosign(t.name))
    THEN
        RETURN;
    END IF;
    FOR signature IN
        SELECT t.id FROM quay.tag AS t
        WHERE t.repository_id = tag_end_cosign.repository_id AND t.name IN (stem || '.sig', stem || '.att', stem || '.sbom')
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT t.immutable
    LOOP
        PERFORM quay_internal.tag_end(signature, now_ms);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_cosign(bigint, bigint, bigint) IS
    'Ends the tags under which Cosign keeps signatures, attestations and SBOMs of a manifest, unless another tag points to the manifest. Call it with tag_lock() held, after the tag of the manifest has ended.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end_temporary(manifest_ids bigint[], now_ms bigint, never_expiring boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = now_ms
    WHERE t.manifest_id = ANY (manifest_ids) AND t.hidden AND t.name LIKE '$temp-%'
      AND (t.lifetime_end_ms > now_ms OR (never_expiring AND t.lifetime_end_ms IS NULL));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_temporary(bigint[], bigint, boolean) IS
    'Ends the temporary tags of manifests: those with an end, and if asked those without, which keep referrers.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_keep(repository_id bigint, manifest_ids bigint[], seconds integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    end_ms bigint := now_ms + seconds * 1000::bigint;
BEGIN
    -- "$" is not legal in a name that a client chooses.
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
    SELECT '$temp-' || gen_random_uuid(), manifest_keep.repository_id, m.id, now_ms, end_ms, true, false,
           (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag')
    FROM unnest(manifest_ids) AS m (id)
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                      WHERE t.manifest_id = m.id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= end_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_keep(bigint, bigint[], integer) IS
    'Makes sure that manifests stay available for that many seconds, NULL for ever: gives a hidden temporary tag to each that no tag keeps as long.';

-- Moving a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_retarget(repository quay.repository, name text, manifest_id bigint,
                                                      end_ms bigint DEFAULT NULL, reversion boolean DEFAULT false) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    start_ms bigint;
    displaced quay.tag;
    rules record;
    by_policy boolean := false;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    now_ms := quay_internal.clock_ms();
    start_ms := now_ms;

    -- One row, or none. A database of the reference may have more: they all end, the newest last.
    FOR displaced IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = repository.id AND t.name = tag_retarget.name AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(displaced, 'overwritten');
        -- Two moves within a millisecond: time goes on all the same.
        start_ms := greatest(start_ms, displaced.lifetime_start_ms + 1);
        CONTINUE WHEN displaced.lifetime_end_ms <= start_ms;
        PERFORM quay_internal.tag_end(displaced.id, start_ms);
        IF displaced.manifest_id <> tag_retarget.manifest_id AND NOT quay_internal.tag_is_cosign(name) THEN
            PERFORM quay_internal.tag_end_cosign(repository.id, displaced.manifest_id, start_ms);
        END IF;
    END LOOP;

    rules := quay_internal.label_tag_rules(manifest_id);
    IF end_ms IS NULL AND rules.expires_after IS NOT NULL THEN
        end_ms := start_ms + rules.expires_after * 1000;
    END IF;
    IF NOT quay_internal.setting('immutable_tags')::boolean THEN
        rules.immutable := false;
    ELSIF NOT rules.immutable THEN
        by_policy := quay_internal.policy_makes_immutable(repository, name);
        rules.immutable := by_policy;
    END IF;
    IF rules.immutable AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean THEN
        end_ms := NULL;
    END IF;

    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, immutable, tag_kind_id)
    VALUES (tag_retarget.name, repository.id, tag_retarget.manifest_id, start_ms, end_ms, false, tag_retarget.reversion, rules.immutable,
            (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag'))
    ON CONFLICT DO NOTHING
    RETURNING * INTO moved;
    IF NOT FOUND THEN
        -- Somebody wrote to the table without the lock.
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = 'could not serialize access due to concurrent update',
            DETAIL = format('Tag "%s" was moved by another transaction.', name),
            HINT = 'The transaction might succeed if retried.';
    END IF;
    IF by_policy THEN
        PERFORM quay_internal.log_add('tag_made_immutable_by_policy', repository.namespace_user_id, NULL, repository.id,
            jsonb_build_object('repo', repository.name, 'tag', name), NULL);
    END IF;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_retarget(quay.repository, text, bigint, bigint, boolean) IS
    'Points a tag to a manifest of the repository, and answers its new row. The row before, if any, ends in the ms in which the new one starts, and signatures of a manifest that loses its last tag end with it. end_ms NULL: what the label quay.expires-after says, else no end. The only place where a tag is moved. Errors: QY041 immutable, 40001 if the transaction cannot see the latest row (REPEATABLE READ and SERIALIZABLE; retry it).';

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    tag quay.tag;
BEGIN
    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY035',
                MESSAGE = 'manifest does not exist',
                DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
                HINT = 'Push it with quay.manifest_put().';
        END IF;
        RETURN result;
    END IF;
    tag := quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms());
    SELECT * INTO result FROM quay.manifest AS m WHERE m.id = tag.manifest_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text) IS
    'Manifest that a digest, alive or not, or a live tag names. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    END IF;
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id,
                                        (extract(epoch FROM expiration) * 1000)::bigint, tag_set.reversion);
    PERFORM quay_internal.log_add(
        CASE WHEN tag_set.reversion THEN 'revert_tag' WHEN previous_digest IS NULL THEN 'create_tag' ELSE 'move_tag' END,
        target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_set.tag,
            'manifest_digest', manifest.digest, 'original_manifest_digest', previous_digest)), ip);
    RETURN QUERY SELECT moved.id, manifest.id, manifest.digest::text, moved.lifetime_start_ms, moved.lifetime_end_ms,
                        moved.immutable, tag_set.previous_digest;
END
$$;
COMMENT ON FUNCTION quay.tag_set(text, text, text, text, timestamptz, boolean, text, text) IS
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration in the past, QY002, QY003, QY004, QY005, QY020, QY022, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    PERFORM quay_internal.tag_end_temporary(
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics, signatures of a manifest that loses its last tag, temporary tags of an index''s children. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
    found_any boolean := false;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    -- More than one only in a database of the reference, or within the millisecond of a move.
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = target.id AND t.name = tag_delete.tag AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        IF NOT found_any THEN
            found_any := true;
            PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
                jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_delete.tag), ip);
        END IF;
    END LOOP;
    RETURN found_any;
END
$$;
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY041, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_delete(namespace text, repository text, OUT manifest_id bigint, INOUT digest text,
                                                actor text DEFAULT NULL, ip text DEFAULT NULL, OUT tags text[]) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    SELECT m.id INTO manifest_id
    FROM quay.manifest AS m
    WHERE m.repository_id = target.id AND m.digest = manifest_delete.digest AND quay_internal.manifest_is_alive(m.id, now_ms);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    tags := '{}';
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.manifest_id = manifest_delete.manifest_id AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.name, t.id
        FOR NO KEY UPDATE
    LOOP
        -- If one cannot be removed none is: the error takes the others back.
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        tags := tags || removed.name::text;
    END LOOP;
    -- What was pushed by digest has a hidden tag only. It goes too, or nothing could ever delete such a manifest.
    PERFORM quay_internal.tag_end_temporary(ARRAY[manifest_id], now_ms, never_expiring => true);

    PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest), ip)
    FROM unnest(tags) AS t (name);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_delete(text, text, text, text, text) IS
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY041 if one tag is immutable (then none ends), 40001.';

CREATE OR REPLACE FUNCTION quay.tag_restore(namespace text, repository text, tag text, OUT tag_id bigint, OUT manifest_id bigint,
                                            INOUT digest text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT immutable boolean,
                                            OUT previous_digest text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    former text := tag_restore.digest;
BEGIN
    PERFORM quay_internal.tag_lock(target.id);
    IF former IS NULL THEN
        now_ms := quay_internal.clock_ms();
        SELECT m.digest INTO former
        FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
        WHERE t.repository_id = target.id AND t.name = tag_restore.tag AND NOT t.hidden
          AND t.lifetime_end_ms <= now_ms
          AND t.lifetime_end_ms > now_ms - (SELECT u.removed_tag_expiration_s * 1000::bigint FROM quay."user" AS u
                                            WHERE u.id = target.namespace_user_id)
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY042',
                MESSAGE = 'tag has nothing to restore',
                DETAIL = format('No tag "%s" ended within the time that the namespace keeps removed tags.', left(tag_restore.tag, 80)),
                HINT = 'quay.tag_history() shows what there was; pass the digest of a manifest to restore that one.';
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM quay.tag_set(tag_restore.namespace, tag_restore.repository, tag_restore.tag, former,
                                            reversion => true, actor => tag_restore.actor, ip => tag_restore.ip);
END
$$;
COMMENT ON FUNCTION quay.tag_restore(text, text, text, text, text, text) IS
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';
