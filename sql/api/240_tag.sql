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

-- Live rows are looked for in two steps, without an end and with one to come: either finds its place in an index, where one condition for
-- both would read the whole history of the name.

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay.tag AS t
        WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock_live(repository_id bigint, name text, now_ms bigint) RETURNS SETOF quay.tag
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden
        FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock_live(bigint, text, bigint) IS
    'The live visible rows of that name, locked: the one that tag_find() answers, and more only in a database of the reference or within the millisecond of a move. The Quay application changes some columns without tag_lock(), which the caller holds; hence the locks on rows.';

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

CREATE OR REPLACE FUNCTION quay_internal.tag_end_many(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end_many.end_ms),
        ended = coalesce(tag_end_many.end_ms <= quay_internal.clock_ms(), false)
    WHERE t.id = ANY (tag_ids);
    -- A notice of a coming expiry was about the old end. Afterwards: the update has waited for whoever was just giving one.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (tag_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_many(bigint[], bigint) IS
    'Ends rows of different names at end_ms, each up to a few ms before if another row of its name ends there. NULL: they have no end any more.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.tag_end_many(ARRAY[tag_id], end_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS
    'Ends a row at end_ms, or up to a few ms before if another row of the name ends there. NULL: it has no end any more.';

-- ended: known to be over, which keeps the row out of the indexes of those that may be alive. Nothing is wrong if a row that is over is not
-- marked; one that is alive must not be.

CREATE OR REPLACE FUNCTION quay_internal.tag_set_ended() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.ended := NOT NEW.ended;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_set_ended() IS
    'Trigger: the mark of a row that is over follows its end, for those who do not write it themselves.';

CREATE OR REPLACE TRIGGER tag_set_ended BEFORE UPDATE OF lifetime_end_ms ON quay.tag
    FOR EACH ROW WHEN (NOT NEW.hidden AND NEW.ended <> coalesce(NEW.lifetime_end_ms <= quay_internal.clock_ms(), false))
    EXECUTE FUNCTION quay_internal.tag_set_ended();

CREATE OR REPLACE FUNCTION quay_internal.tag_mark_ended(repository_id bigint, now_ms bigint, n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marked integer;
BEGIN
    -- A snapshot may be older than what somebody else has marked: not worth a serialization failure.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN 0;
    END IF;
    UPDATE quay.tag AS t SET ended = true
    FROM (SELECT e.id FROM quay.tag AS e
          WHERE e.repository_id = tag_mark_ended.repository_id AND e.lifetime_end_ms <= now_ms AND NOT e.ended AND NOT e.hidden
          ORDER BY e.lifetime_end_ms
          LIMIT n FOR NO KEY UPDATE SKIP LOCKED) AS over
    WHERE t.id = over.id;
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_mark_ended(bigint, bigint, integer) IS
    'Marks at most n tags of a repository that have reached their end, the oldest first, and returns how many. Each tag that is given an end marks two, so that no more of them pile up than are alive.';

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

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden
                 AND NOT quay_internal.tag_is_cosign(t.name))
       OR EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden
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

-- Setting a tag: the move itself is in api/241_tag_move.sql.

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text, lock boolean DEFAULT false)
    RETURNS quay.manifest
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    IF by_digest THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
    ELSE
        SELECT * INTO result FROM quay.manifest AS m
        WHERE m.id = (quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms())).manifest_id;
    END IF;
    IF lock AND FOUND THEN
        -- It may be collected this very moment: then it is gone. Else it stays until we commit.
        PERFORM FROM quay.manifest AS m WHERE m.id = result.id FOR KEY SHARE;
    END IF;
    IF NOT FOUND AND by_digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY035',
            MESSAGE = 'manifest does not exist',
            DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
            HINT = 'Push it with quay.manifest_put().';
    ELSIF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text, boolean) IS
    'Manifest that a digest, alive or not, or a live tag names; its row locked FOR KEY SHARE if asked, so that it cannot be collected. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay_internal.tag_expiration_ms(expiration timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    ELSIF NOT isfinite(expiration) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be finite',
            DETAIL = format('It is %s.', expiration),
            HINT = 'Pass NULL for a tag that does not end.';
    END IF;
    RETURN (extract(epoch FROM expiration) * 1000)::bigint;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expiration_ms(timestamptz) IS
    'An end that somebody chose for a tag, in ms since 1970; NULL stays NULL. Errors: 22023 not in the future, or infinite.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_refuse_other_tag(manifest quay.manifest, tag text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_tag text;
BEGIN
    IF manifest.manifest_bytes = ''
       OR (SELECT y.name NOT LIKE 'application/vnd.docker.distribution.manifest.v1+%' FROM quay.mediatype AS y WHERE y.id = manifest.media_type_id)
    THEN
        RETURN;
    END IF;
    own_tag := quay_internal.json_read(manifest.manifest_bytes) ->> 'tag';
    IF own_tag IS DISTINCT FROM manifest_refuse_other_tag.tag THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest is made for another tag',
            DETAIL = format('The Docker schema 1 manifest "%s" says that its tag is "%s".', manifest.digest, left(own_tag, 80)),
            HINT = 'Push the image again under the new tag, in a newer format if possible.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_refuse_other_tag(quay.manifest, text) IS
    'Refuses (QY030) to point a tag to a Docker schema 1 manifest that names another one: it is signed as it is.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    end_ms bigint;
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    end_ms := quay_internal.tag_expiration_ms(tag_set.expiration);
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference, lock => true);
    PERFORM quay_internal.manifest_refuse_other_tag(manifest, tag_set.tag);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id, end_ms, tag_set.reversion);
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
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration not in the future, QY002, QY003, QY004, QY005, QY007, QY020, QY022, QY030 a Docker schema 1 manifest that names another tag, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('image_pull_stats')::boolean THEN
        DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    END IF;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    IF quay_internal.setting('reset_child_manifest_expiration')::boolean THEN
        PERFORM quay_internal.tag_end_temporary(
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics (with quay.image_pull_stats), signatures of a manifest that loses its last tag, temporary tags of an index''s children (with quay.reset_child_manifest_expiration). Call it with tag_lock() held, and the row of the tag locked after that.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                           expected_digest text DEFAULT NULL) RETURNS boolean
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
    FOR removed IN SELECT * FROM quay_internal.tag_lock_live(target.id, tag_delete.tag, now_ms) LOOP
        IF NOT found_any AND expected_digest <> coalesce((SELECT m.digest FROM quay.manifest AS m WHERE m.id = removed.manifest_id), '') THEN
            RETURN false;
        END IF;
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
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name, or if it does not point to expected_digest (NULL: wherever it points), which keeps a tag that was pushed again since somebody looked at it. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY007, QY041, 40001.';

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
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY007, QY041 if one tag is immutable (then none ends), 40001.';

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
          AND t.lifetime_end_ms > now_ms - quay_internal.tag_window_ms(target)
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
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. The label quay.expires-after of the manifest counts anew. tag_restorable_list() shows what can be restored. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';
