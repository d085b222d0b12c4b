-- When tags end, whether they can be changed at all, and deleting them for good.

CREATE OR REPLACE FUNCTION quay_internal.manifest_tags_lock(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS SETOF quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live_ids bigint[] := ARRAY(SELECT t.id FROM quay.tag AS t
                               WHERE t.manifest_id = manifest_tags_lock.manifest_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden)
                      || ARRAY(SELECT t.id FROM quay.tag AS t
                               WHERE t.manifest_id = manifest_tags_lock.manifest_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden);
    held quay.tag;
BEGIN
    FOR held IN
        SELECT * FROM quay.tag AS t
        WHERE t.id = ANY (live_ids) AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.name, t.id
        FOR NO KEY UPDATE
    LOOP
        -- In a database of the reference a name may have two live rows, of which one counts.
        IF held.id = (quay_internal.tag_find(manifest_tags_lock.repository_id, held.name, now_ms)).id THEN
            RETURN NEXT held;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_tags_lock(bigint, bigint, bigint) IS
    'The live visible tags of a manifest by name, their rows locked. Call it with tag_lock() held.';

-- The end

CREATE OR REPLACE FUNCTION quay_internal.tag_must_not_end(tag quay.tag) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (tag).immutable AND quay_internal.setting('immutable_tags')::boolean AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean;
COMMENT ON FUNCTION quay_internal.tag_must_not_end(quay.tag) IS
    'Is the tag immutable, and can immutable tags not have an end?';

CREATE OR REPLACE FUNCTION quay_internal.tag_bound_end(tag quay.tag, expiration_ms bigint, now_ms bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    end_ms bigint := tag.lifetime_start_ms
        + least(greatest(expiration_ms - tag.lifetime_start_ms, quay_internal.setting('label_expiration_minimum')::bigint * 1000),
                quay_internal.setting('label_expiration_maximum')::bigint * 1000);
BEGIN
    IF expiration_ms IS NULL THEN
        RETURN NULL;
    END IF;
    IF quay_internal.tag_must_not_end(tag) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY043',
            MESSAGE = 'immutable tag cannot have an expiration',
            DETAIL = format('Tag "%s" is immutable.', tag.name),
            HINT = 'Make it mutable first, or have quay.immutable_tags_can_expire switched on.';
    END IF;
    IF end_ms <= now_ms THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'tag is too old for an expiration',
            DETAIL = format('Tag "%s" is older than the %s seconds of quay.label_expiration_maximum.', tag.name,
                quay_internal.setting('label_expiration_maximum')),
            HINT = 'Delete it with quay.tag_delete(), or point it to its manifest again with quay.tag_set(), which starts a new period.';
    END IF;
    RETURN end_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_bound_end(quay.tag, bigint, bigint) IS
    'The end that a tag gets if somebody asks for that expiration: not nearer to its start than quay.label_expiration_minimum, not farther than quay.label_expiration_maximum. NULL stays NULL. Errors: 22023 that is over already, QY043 the tag is immutable.';

CREATE OR REPLACE FUNCTION quay_internal.tag_change_end(target quay.repository, namespace text, tag quay.tag, end_ms bigint,
                                                        performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF end_ms IS NOT DISTINCT FROM tag.lifetime_end_ms THEN
        RETURN;
    END IF;
    PERFORM quay_internal.tag_end(tag.id, end_ms);
    IF end_ms IS NOT NULL THEN
        PERFORM quay_internal.tag_mark_ended(target.id, quay_internal.clock_ms(), 2);
    END IF;
    -- The Quay application shows these dates, which are in seconds.
    PERFORM quay_internal.log_add('change_tag_expiration', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag.name,
            'expiration_date', end_ms / 1000, 'old_expiration_date', tag.lifetime_end_ms / 1000), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_change_end(quay.repository, text, quay.tag, bigint, bigint, text) IS
    'Gives a tag that is locked another end, NULL for none, and records it; nothing if it is the one that it has.';

CREATE OR REPLACE FUNCTION quay.tag_set_expiration(namespace text, repository text, tag text, expiration timestamptz,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (previous_end_ms bigint, lifetime_end_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    held quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    lifetime_end_ms := quay_internal.tag_expiration_ms(expiration);
    SELECT * INTO held FROM quay_internal.tag_lock_live(target.id, tag_set_expiration.tag, now_ms) LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    previous_end_ms := held.lifetime_end_ms;
    lifetime_end_ms := quay_internal.tag_bound_end(held, lifetime_end_ms, now_ms);
    PERFORM quay_internal.tag_change_end(target, namespace, held, lifetime_end_ms, quay_internal.actor_id(actor), ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.tag_set_expiration(text, text, text, timestamptz, text, text) IS
    'Sets when a live tag ends, NULL for never, and answers its end before and now, in ms since 1970 (NULL: none). An end nearer to the start of the tag than quay.label_expiration_minimum, or farther than quay.label_expiration_maximum, is moved to that bound. The same end again changes nothing. No row: no such tag is alive. Errors: 22023 expiration not in the future, or the tag is too old, QY002, QY003, QY004, QY005, QY007, QY043 the tag is immutable and quay.immutable_tags_can_expire is off, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_set_expiration(namespace text, repository text, digest text, expiration timestamptz,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag text, previous_end_ms bigint, lifetime_end_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 5 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    performer_id bigint := quay_internal.actor_id(actor);
    now_ms bigint;
    wanted_ms bigint;
    manifest_id bigint;
    held quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    wanted_ms := quay_internal.tag_expiration_ms(expiration);
    manifest_id := (SELECT m.id FROM quay.manifest AS m WHERE m.repository_id = target.id AND m.digest = manifest_set_expiration.digest);
    FOR held IN SELECT * FROM quay_internal.manifest_tags_lock(target.id, manifest_id, now_ms) LOOP
        tag := held.name;
        previous_end_ms := held.lifetime_end_ms;
        lifetime_end_ms := quay_internal.tag_bound_end(held, wanted_ms, now_ms);
        PERFORM quay_internal.tag_change_end(target, namespace, held, lifetime_end_ms, performer_id, ip);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.manifest_set_expiration(text, text, text, timestamptz, text, text) IS
    'Sets when every live visible tag of a manifest ends, as tag_set_expiration() does, all or none, and answers them by name. No row: no such manifest, or no live tag points to it. Errors: those of tag_set_expiration().';

-- Immutability

CREATE OR REPLACE FUNCTION quay_internal.tag_change_immutable(target quay.repository, namespace text, tag quay.tag, immutable boolean,
                                                              performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tag.immutable = tag_change_immutable.immutable THEN
        RETURN;
    END IF;
    UPDATE quay.tag AS t SET immutable = tag_change_immutable.immutable WHERE t.id = tag.id;
    PERFORM quay_internal.log_add('change_tag_immutability', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag.name,
            'immutable', tag_change_immutable.immutable, 'previous_immutable', tag.immutable), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_change_immutable(quay.repository, text, quay.tag, boolean, bigint, text) IS
    'Makes a tag that is locked immutable or mutable and records it; nothing if it is so already.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_change_immutable(target quay.repository, namespace text, manifest_id bigint,
                                                                   immutable boolean, performer_id bigint, ip text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ends_go boolean := immutable AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean;
    held quay.tag;
    tags integer := 0;
BEGIN
    FOR held IN SELECT * FROM quay_internal.manifest_tags_lock(target.id, manifest_id, quay_internal.clock_ms()) LOOP
        IF ends_go THEN
            PERFORM quay_internal.tag_change_end(target, namespace, held, NULL, performer_id, ip);
        END IF;
        PERFORM quay_internal.tag_change_immutable(target, namespace, held, immutable, performer_id, ip);
        tags := tags + 1;
    END LOOP;
    RETURN tags;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_change_immutable(quay.repository, text, bigint, boolean, bigint, text) IS
    'Makes all live visible tags of a manifest immutable, or mutable, and returns how many there are. Those that become immutable lose their end, unless quay.immutable_tags_can_expire is on. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay_internal.immutable_check(immutable boolean) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF immutable IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a tag is immutable or not',
            DETAIL = 'The argument immutable is NULL.',
            HINT = 'Pass true or false.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.immutable_check(boolean) IS 'Refuses (22023) NULL.';

CREATE OR REPLACE FUNCTION quay.tag_set_immutable(namespace text, repository text, tag text, immutable boolean,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    held quay.tag;
BEGIN
    PERFORM quay_internal.immutable_check(immutable);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    SELECT * INTO held FROM quay_internal.tag_lock_live(target.id, tag_set_immutable.tag, quay_internal.clock_ms()) LIMIT 1;
    IF tag_set_immutable.immutable AND held.lifetime_end_ms IS NOT NULL AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY043',
            MESSAGE = 'tag with an expiration cannot become immutable',
            DETAIL = format('Tag "%s" ends at %s UTC.', held.name,
                to_char(to_timestamp(held.lifetime_end_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')),
            HINT = 'Take the end away with quay.tag_set_expiration() first, or have quay.immutable_tags_can_expire switched on.';
    END IF;
    IF held.id IS NOT NULL THEN
        PERFORM quay_internal.tag_change_immutable(target, namespace, held, immutable, quay_internal.actor_id(actor), ip);
    END IF;
    RETURN held.immutable;
END
$$;
COMMENT ON FUNCTION quay.tag_set_immutable(text, text, text, boolean, text, text) IS
    'Makes a live tag immutable, or mutable again, and returns what it was before; NULL if no such tag is alive. An immutable tag can be neither moved nor deleted while quay.immutable_tags is on. A front end asks for write access to make a tag immutable, and for admin access to make it mutable. Errors: 22023 immutable is NULL, QY002, QY003, QY004, QY005, QY007, QY043 the tag has an end and quay.immutable_tags_can_expire is off, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_set_immutable(namespace text, repository text, digest text, immutable boolean,
                                                       actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    PERFORM quay_internal.immutable_check(immutable);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    RETURN quay_internal.manifest_change_immutable(target, namespace,
        (SELECT m.id FROM quay.manifest AS m WHERE m.repository_id = target.id AND m.digest = manifest_set_immutable.digest),
        immutable, quay_internal.actor_id(actor), ip);
END
$$;
COMMENT ON FUNCTION quay.manifest_set_immutable(text, text, text, boolean, text, text) IS
    'Makes all live visible tags of a manifest immutable, or mutable again, and returns how many there are; 0 if there is no such manifest. Unlike with tag_set_immutable(), a tag that becomes immutable loses its end, unless quay.immutable_tags_can_expire is on. Errors: 22023 immutable is NULL, QY002, QY003, QY004, QY005, QY007, 40001.';

-- Deleting for good

CREATE OR REPLACE FUNCTION quay_internal.tag_window_ms(repository quay.repository) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT u.removed_tag_expiration_s * 1000 FROM quay."user" AS u WHERE u.id = repository.namespace_user_id);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_window_ms(quay.repository) IS
    'How long the namespace of a repository keeps removed tags, in ms. What ended longer ago, or just as long, may be collected.';

CREATE OR REPLACE FUNCTION quay.tag_delete_permanently(namespace text, repository text, tag text, digest text DEFAULT NULL,
                                                       include_children boolean DEFAULT false,
                                                       actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    kept_ms bigint;
    gone quay.manifest;
    removed quay.tag;
    any_removed boolean := false;
BEGIN
    IF NOT quay_internal.setting('permanently_delete_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'tags are not deleted for good in this registry',
            DETAIL = 'The setting quay.permanently_delete_tags is off.',
            HINT = 'Delete the tag with quay.tag_delete(): it is collected after the time for which its namespace keeps removed tags.';
    END IF;
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    kept_ms := now_ms - quay_internal.tag_window_ms(target);
    IF tag_delete_permanently.digest IS NULL THEN
        FOR removed IN SELECT * FROM quay_internal.tag_lock_live(target.id, tag_delete_permanently.tag, now_ms) LOOP
            CONTINUE WHEN removed.immutable AND quay_internal.setting('immutable_tags')::boolean;
            PERFORM quay_internal.tag_expire(target, removed, now_ms);
            PERFORM quay_internal.tag_end(removed.id, kept_ms);
            IF NOT any_removed THEN
                any_removed := true;
                SELECT * INTO gone FROM quay.manifest AS m WHERE m.id = removed.manifest_id;
            END IF;
        END LOOP;
    ELSE
        SELECT * INTO gone FROM quay.manifest AS m WHERE m.repository_id = target.id AND m.digest = tag_delete_permanently.digest;
        FOR removed IN
            SELECT * FROM quay.tag AS t
            WHERE t.repository_id = target.id AND t.name = tag_delete_permanently.tag AND t.manifest_id = gone.id AND NOT t.hidden
              AND t.lifetime_end_ms <= now_ms AND t.lifetime_end_ms > kept_ms
            ORDER BY t.lifetime_end_ms DESC
            FOR NO KEY UPDATE
        LOOP
            CONTINUE WHEN removed.immutable AND quay_internal.setting('immutable_tags')::boolean;
            PERFORM quay_internal.tag_end(removed.id, kept_ms);
            any_removed := true;
        END LOOP;
    END IF;
    IF NOT any_removed THEN
        RETURN false;
    END IF;

    IF quay_internal.setting('image_pull_stats')::boolean
       AND (quay_internal.tag_find(target.id, tag_delete_permanently.tag, now_ms)).id IS NULL THEN
        DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = target.id AND s.tag_name = tag_delete_permanently.tag;
    END IF;
    IF include_children THEN
        PERFORM quay_internal.tag_end_temporary(
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = gone.id), kept_ms);
    END IF;
    PERFORM quay_internal.log_add('permanently_delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_delete_permanently.tag, 'manifest_digest', gone.digest), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.tag_delete_permanently(text, text, text, text, boolean, text, text) IS
    'Deletes a tag for good: it cannot be restored and may be collected at once. digest NULL: the live tag of that name, wherever it points. With a digest: the periods that are over in which the tag pointed to that manifest, so far as they could still be restored; a live tag stays. include_children: so do the temporary tags that keep the manifests which an index lists. The rows stay in tag_history() until they are collected, with an end that lies before their start if they are younger than the time that the namespace keeps removed tags.
False: there is nothing to delete, or it is immutable. Errors: QY002, QY003, QY004, QY005, QY007, QY015 quay.permanently_delete_tags is off, 40001.';
