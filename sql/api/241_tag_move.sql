-- Moving tags: the only place where a tag comes to point to a manifest.

CREATE OR REPLACE FUNCTION quay_internal.tag_displace(repository quay.repository, names text[], manifest_id bigint, now_ms bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    displaced quay.tag[];
    old quay.tag;
    start_ms bigint := now_ms;
BEGIN
    -- Of each name one row, or none; a database of the reference may have more. Two statements, each with an index that has no dead rows.
    displaced := ARRAY(SELECT l.tag
                       FROM unnest(names) AS n (name)
                       CROSS JOIN LATERAL (SELECT t AS tag FROM quay.tag AS t
                                           WHERE t.repository_id = repository.id AND t.name = n.name AND NOT t.hidden
                                             AND t.lifetime_end_ms IS NULL
                                           FOR NO KEY UPDATE) AS l)
              || ARRAY(SELECT l.tag
                       FROM unnest(names) AS n (name)
                       CROSS JOIN LATERAL (SELECT t AS tag FROM quay.tag AS t
                                           WHERE t.repository_id = repository.id AND t.name = n.name AND NOT t.hidden
                                             AND t.lifetime_end_ms > now_ms AND NOT t.ended
                                           ORDER BY t.lifetime_end_ms DESC FOR NO KEY UPDATE) AS l);
    FOREACH old IN ARRAY displaced LOOP
        PERFORM quay_internal.tag_refuse_immutable(old, 'overwritten');
        -- Two moves within a millisecond: time goes on all the same.
        start_ms := greatest(start_ms, old.lifetime_start_ms + 1);
    END LOOP;
    displaced := ARRAY(SELECT d FROM unnest(displaced) AS d WHERE d.lifetime_end_ms IS NULL OR d.lifetime_end_ms > start_ms);
    IF cardinality(displaced) = (SELECT count(DISTINCT d.name) FROM unnest(displaced) AS d) THEN
        PERFORM quay_internal.tag_end_many(ARRAY(SELECT d.id FROM unnest(displaced) AS d), start_ms);
    ELSE
        PERFORM quay_internal.tag_end(d.id, start_ms) FROM unnest(displaced) AS d;
    END IF;
    -- Those that have just lost a tag, once each.
    PERFORM quay_internal.tag_end_cosign(repository.id, m.id, start_ms)
    FROM (SELECT DISTINCT d.manifest_id AS id FROM unnest(displaced) AS d
          WHERE d.manifest_id <> tag_displace.manifest_id AND NOT quay_internal.tag_is_cosign(d.name)) AS m;
    RETURN start_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_displace(quay.repository, text[], bigint, bigint) IS
    'Ends the live tags of these names, and the signatures of manifests other than this one that lose their last tag. Returns when their successors start: at now_ms, or as many ms later as it takes to be after the starts of the old ones. The caller holds the lock of the repository''s tags. Errors: QY041 one is immutable.';

CREATE OR REPLACE FUNCTION quay_internal.tag_retarget_many(repository quay.repository, names text[], manifest_id bigint,
                                                           end_ms bigint DEFAULT NULL, reversion boolean DEFAULT false) RETURNS SETOF quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    start_ms bigint;
    rules record;
    by_policy text[] := '{}'::text[];
    moved quay.tag[];
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, n.name) FROM unnest(names) AS n (name);
    now_ms := quay_internal.clock_ms();
    start_ms := quay_internal.tag_displace(repository, names, manifest_id, now_ms);

    rules := quay_internal.label_tag_rules(manifest_id);
    IF end_ms IS NULL AND rules.expires_after IS NOT NULL THEN
        end_ms := start_ms + rules.expires_after * 1000;
    END IF;
    IF NOT quay_internal.setting('immutable_tags')::boolean THEN
        rules.immutable := false;
    ELSIF NOT rules.immutable THEN
        by_policy := ARRAY(SELECT n.name FROM unnest(names) AS n (name) WHERE quay_internal.policy_makes_immutable(repository, n.name));
    END IF;

    WITH made AS (
        INSERT INTO quay.tag AS t (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, immutable, tag_kind_id)
        SELECT n.name, repository.id, tag_retarget_many.manifest_id, start_ms,
               CASE WHEN n.immutable AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean THEN NULL ELSE end_ms END,
               false, tag_retarget_many.reversion, n.immutable, (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag')
        FROM (SELECT u.name, rules.immutable OR u.name = ANY (by_policy) AS immutable FROM unnest(names) AS u (name)) AS n
        ON CONFLICT DO NOTHING
        RETURNING t AS tag
    )
    SELECT array_agg(m.tag) INTO moved FROM made AS m;
    IF cardinality(moved) IS DISTINCT FROM cardinality(names) THEN
        -- Somebody wrote to the table without the lock.
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = 'could not serialize access due to concurrent update',
            DETAIL = format('One of the tags "%s" was moved by another transaction.', array_to_string(names, '", "')),
            HINT = 'The transaction might succeed if retried.';
    END IF;
    IF end_ms IS NOT NULL THEN
        PERFORM quay_internal.tag_mark_ended(repository.id, now_ms, 2);
    END IF;
    IF by_policy <> '{}' THEN
        PERFORM quay_internal.log_add_many('tag_made_immutable_by_policy', repository.namespace_user_id, NULL, repository.id,
            ARRAY(SELECT jsonb_build_object('namespace', (SELECT u.username FROM quay."user" AS u WHERE u.id = repository.namespace_user_id),
                                            'repo', repository.name, 'tag', n.name, 'immutable', true)
                  FROM unnest(by_policy) AS n (name)), NULL);
    END IF;
    RETURN QUERY SELECT * FROM unnest(moved);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_retarget_many(quay.repository, text[], bigint, bigint, boolean) IS
    'Points tags, whose names are different, to a manifest of the repository, and answers their new rows. The rows before, if any, end in the ms in which the new ones start, and signatures of a manifest that loses its last tag end with it. end_ms NULL: what the label quay.expires-after says, else no end. Errors: QY041 one is immutable, 40001 if the transaction cannot see the latest row (REPEATABLE READ and SERIALIZABLE; retry it).';

CREATE OR REPLACE FUNCTION quay_internal.tag_retarget(repository quay.repository, name text, manifest_id bigint,
                                                      end_ms bigint DEFAULT NULL, reversion boolean DEFAULT false) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved quay.tag;
BEGIN
    SELECT * INTO moved FROM quay_internal.tag_retarget_many(repository, ARRAY[name], manifest_id, end_ms, reversion);
    RETURN moved;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_retarget(quay.repository, text, bigint, bigint, boolean) IS
    'Points one tag to a manifest: see tag_retarget_many().';
