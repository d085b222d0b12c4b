-- Immutability policies: which names tags are made immutable under. A policy of a namespace or of a repository is a pattern; tags pushed
-- from then on and tags that are there are immutable if it applies to their name.

-- What policies of both kinds share: how they are stored, and their patterns.

CREATE OR REPLACE FUNCTION quay_internal.policy_read(policy text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule jsonb := quay_internal.json_read(policy);
BEGIN
    IF jsonb_typeof(rule) = 'string' THEN
        rule := quay_internal.json_read(rule #>> '{}');
    END IF;
    RETURN CASE WHEN jsonb_typeof(rule) = 'object' THEN rule END;
END
$$;
COMMENT ON FUNCTION quay_internal.policy_read(text) IS
    'The JSON object of a stored policy, whether it is written as such or as a JSON string that holds it, which is how the Quay application stores pruning policies. NULL if it is neither.';

CREATE OR REPLACE FUNCTION quay_internal.policy_regex(pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN starts_with(pattern, '(?i)') THEN '(?i)^(?:' || substr(pattern, 5) || ')$' ELSE '^(?:' || pattern || ')$' END;
COMMENT ON FUNCTION quay_internal.policy_regex(text) IS
    'The regular expression by which the pattern of an immutability policy matches whole names. (?i) keeps its place at the beginning.';

CREATE OR REPLACE FUNCTION quay_internal.policy_pattern_problem(pattern text, whole boolean) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pattern = '' THEN
        RETURN 'The pattern is empty.';
    -- An odd number of backslashes before it: the last one is not itself a character.
    ELSIF pattern ~ '(^|[^\\])(\\\\)*\\[1-9]' THEN
        RETURN 'The pattern has a back reference, with which the time that a match takes has no bound.';
    ELSIF pattern ~ '(^|[^\\])(\\\\)*\\b' THEN
        RETURN 'The pattern has \b, which is a backspace here; write \y for the boundary of a word.';
    END IF;
    -- By itself too: a|b)|(?:c would pass for valid between the parentheses that policy_regex() puts around it.
    PERFORM '' ~ pattern;
    IF whole THEN
        PERFORM '' ~ quay_internal.policy_regex(pattern);
    END IF;
    RETURN NULL;
EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
    RETURN format('The pattern is no regular expression: %s.', regexp_replace(SQLERRM, '^invalid regular expression: ', ''));
END
$$;
COMMENT ON FUNCTION quay_internal.policy_pattern_problem(text, boolean) IS
    'Why the pattern of a policy cannot be used, as a sentence; NULL if it can. Patterns are regular expressions of PostgreSQL, case-sensitive, without back references. whole: it is to match whole names, and must not have options at its beginning other than (?i).';

CREATE OR REPLACE FUNCTION quay_internal.policy_pattern_check(pattern text, whole boolean) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN pattern IS NULL THEN 'There is no pattern.'
        WHEN char_length(pattern) > 256 THEN format('The pattern has %s characters; it may have 256.', char_length(pattern))
        ELSE quay_internal.policy_pattern_problem(pattern, whole)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY080',
            MESSAGE = 'policy is not valid',
            DETAIL = format('"%s": %s', left(pattern, 80), problem),
            HINT = 'Use a regular expression of PostgreSQL without back references, such as v[0-9]+[.][0-9]+.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.policy_pattern_check(text, boolean) IS
    'Refuses (QY080) the pattern of a new policy: none, empty, longer than 256 characters, or no usable regular expression. whole: as for policy_pattern_problem().';

CREATE OR REPLACE FUNCTION quay_internal.policy_lock(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = policy_lock.namespace FOR NO KEY UPDATE;
    RETURN quay_internal.namespace_get(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.policy_lock(text) IS
    'Enabled person or organization of that name, its row locked until the transaction ends: of those who change policies of a namespace, one at a time. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.policy_unknown(uuid text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY018',
        MESSAGE = 'policy does not exist',
        DETAIL = format('There is no policy "%s" of this kind in the namespace or repository.', left(policy_unknown.uuid, 80)),
        HINT = 'quay.immutability_policy_list() and quay.autoprune_policy_list() show those that there are.';
END
$$;
COMMENT ON FUNCTION quay_internal.policy_unknown(text) IS 'Fails with QY018: no policy has this uuid.';

CREATE OR REPLACE FUNCTION quay_internal.policy_taken(rule jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'policy exists already',
        DETAIL = format('The namespace or repository has the policy %s.', left(rule::text, 200)),
        HINT = 'Change that policy, or leave it as it is.';
END
$$;
COMMENT ON FUNCTION quay_internal.policy_taken(jsonb) IS 'Fails with QY006: this policy, which is shown, does what a new one would do.';

CREATE OR REPLACE FUNCTION quay_internal.policy_cursor(cursor text, form text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF policy_cursor.cursor !~ form THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor',
            DETAIL = format('"%s" is none.', left(policy_cursor.cursor, 80)),
            HINT = 'Pass the column cursor of the last row before, or NULL to begin.';
    END IF;
    RETURN policy_cursor.cursor;
END
$$;
COMMENT ON FUNCTION quay_internal.policy_cursor(text, text) IS
    'The cursor, if it has the form, a regular expression; NULL stays NULL. Errors: 22023 malformed.';

-- Whether a policy applies

CREATE OR REPLACE FUNCTION quay_internal.policy_matches(policy text, name text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule jsonb := quay_internal.policy_read(policy);
    pattern text := rule ->> 'tag_pattern';
    matches boolean := false;
BEGIN
    IF quay_internal.policy_pattern_problem(pattern, whole => true) IS NULL THEN
        matches := coalesce(name COLLATE "C" ~ quay_internal.policy_regex(pattern), false);
    END IF;
    RETURN matches = (rule -> 'tag_pattern_matches' IS DISTINCT FROM 'false');
END
$$;
COMMENT ON FUNCTION quay_internal.policy_matches(text, text) IS
    'Does an immutability policy, as it is stored, apply to a tag name? The pattern must match the whole name; tag_pattern_matches false turns the answer round, and is true if it is missing. A pattern that cannot be used matches nothing.';

CREATE OR REPLACE FUNCTION quay_internal.policy_makes_immutable(repository quay.repository, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.repositoryimmutabilitypolicy AS p
               WHERE p.repository_id = repository.id AND quay_internal.policy_matches(p.policy, name))
       OR EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p
                  WHERE p.namespace_id = repository.namespace_user_id AND quay_internal.policy_matches(p.policy, name))
    THEN
        RETURN true;
    END IF;
    -- A snapshot from before our locks may lack a policy that was committed meanwhile. Who makes one leaves a new version of this row,
    -- which such a transaction cannot lock.
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        PERFORM FROM quay."user" AS u WHERE u.id = repository.namespace_user_id FOR SHARE SKIP LOCKED;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                MESSAGE = 'could not serialize access due to concurrent update',
                DETAIL = 'Immutability policies of the namespace may be changing.',
                HINT = 'The transaction might succeed if retried.';
        END IF;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION quay_internal.policy_makes_immutable(quay.repository, text) IS
    'Does any policy of the repository or of its namespace make tags of that name immutable? For whoever writes a tag, with the row of the repository locked FOR KEY SHARE, so that no policy is made meanwhile (immutability_lock). Errors: 40001 in a REPEATABLE READ or SERIALIZABLE transaction that may not see all policies; retry it.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_has_immutability(namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = namespace_has_immutability.namespace_id)
        OR EXISTS (SELECT FROM quay.repositoryimmutabilitypolicy AS p WHERE p.namespace_id = namespace_has_immutability.namespace_id);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_has_immutability(bigint) IS
    'Has the namespace, or a repository of it, an immutability policy? Mirrors of an organization and proxy caches exclude them. Ask with the row of the namespace locked FOR UPDATE or FOR NO KEY UPDATE, as policies are made under such a lock.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_has_immutable_tags(namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN EXISTS (SELECT FROM quay.repository AS r JOIN quay.tag AS t ON t.repository_id = r.id
                   WHERE r.namespace_user_id = namespace_has_immutable_tags.namespace_id AND t.immutable AND NOT t.hidden
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_has_immutable_tags(bigint) IS 'Has a repository of the namespace a visible live tag that is immutable?';

-- Reading policies

CREATE OR REPLACE FUNCTION quay_internal.immutability_rule_list(namespace_id bigint, repository_id bigint)
    RETURNS TABLE (policy_id bigint, uuid text, scope text, tag_pattern text, tag_pattern_matches boolean, problem text, policy text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT p.id, p.uuid::text, p.scope, e.rule ->> 'tag_pattern', e.rule -> 'tag_pattern_matches' IS DISTINCT FROM 'false',
               coalesce(quay_internal.policy_pattern_problem(e.rule ->> 'tag_pattern', whole => true),
                        CASE WHEN e.rule ->> 'tag_pattern' IS NULL THEN 'There is no pattern.' END),
               p.policy
        FROM (SELECT p.id, p.uuid, 'repository' AS scope, p.policy, 1 AS place FROM quay.repositoryimmutabilitypolicy AS p
              WHERE p.repository_id = immutability_rule_list.repository_id
              UNION ALL
              SELECT p.id, p.uuid, 'namespace', p.policy, 2 FROM quay.namespaceimmutabilitypolicy AS p
              WHERE p.namespace_id = immutability_rule_list.namespace_id) AS p
        CROSS JOIN LATERAL (SELECT quay_internal.policy_read(p.policy) AS rule) AS e
        ORDER BY p.place, p.id;
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_rule_list(bigint, bigint) IS
    'Immutability policies of a repository, then of a namespace, each by id; an id that is NULL has none. problem: why the pattern cannot be used and so matches nothing, NULL if it can.';

CREATE OR REPLACE FUNCTION quay.immutability_policy_list(namespace text, repository text DEFAULT NULL, after bigint DEFAULT NULL,
                                                         n integer DEFAULT 100)
    RETURNS TABLE (policy_id bigint, uuid text, tag_pattern text, tag_pattern_matches boolean, problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    target_id bigint;
BEGIN
    IF repository IS NOT NULL THEN
        target_id := (quay_internal.repository_get(namespace, repository)).id;
        owner_id := NULL;
    END IF;
    RETURN QUERY
        SELECT l.policy_id, l.uuid, l.tag_pattern, l.tag_pattern_matches, l.problem
        FROM quay_internal.immutability_rule_list(owner_id, target_id) AS l
        WHERE l.policy_id > coalesce(immutability_policy_list.after, 0)
        ORDER BY l.policy_id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_list(text, text, bigint, integer) IS
    'Immutability policies of a namespace, or of a repository of it if one is named, oldest first, at most n, those after the policy_id after. tag_pattern_matches: true if tags whose whole name matches the pattern become immutable, false if all others do. problem: why the pattern, which another program stored, cannot be used, and so matches nothing; NULL if it can. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.immutability_policy_get(namespace text, INOUT uuid text, repository text DEFAULT NULL, OUT policy_id bigint,
                                                        OUT tag_pattern text, OUT tag_pattern_matches boolean, OUT problem text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.uuid, l.policy_id, l.tag_pattern, l.tag_pattern_matches, l.problem
        FROM quay.immutability_policy_list(immutability_policy_get.namespace, immutability_policy_get.repository, n => 2147483647) AS l
        WHERE l.uuid = immutability_policy_get.uuid;
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_get(text, text, text) IS
    'One immutability policy of a namespace, or of a repository of it if one is named, by its uuid; columns as immutability_policy_list(). No row if there is none. Errors: QY002, QY003, QY004.';

-- Changing policies

-- Who writes a tag holds the row of its repository FOR KEY SHARE from his first step on, and reads the policies later. So whoever has these
-- rows FOR UPDATE knows that nobody is between the two: what was pushed is committed and is marked below, and what comes reads the policy.
CREATE OR REPLACE FUNCTION quay_internal.immutability_lock(namespace text, repository text) RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.policy_lock(namespace);
    result quay.repository;
BEGIN
    IF immutability_lock.repository IS NOT NULL THEN
        PERFORM FROM quay.repository AS r WHERE r.namespace_user_id = owner.id AND r.name = immutability_lock.repository FOR UPDATE;
        result := quay_internal.repository_get(namespace, repository);
    ELSE
        result.namespace_user_id := owner.id;
        PERFORM FROM quay.repository AS r WHERE r.namespace_user_id = owner.id ORDER BY r.id FOR UPDATE;
        -- Repositories are created under FOR KEY SHARE of this row. It comes after the repositories, since who holds one of these may need
        -- that lock too, for a foreign key; then those that were created meanwhile.
        PERFORM FROM quay."user" AS u WHERE u.id = owner.id FOR UPDATE;
        PERFORM FROM quay.repository AS r WHERE r.namespace_user_id = owner.id ORDER BY r.id FOR UPDATE;
    END IF;
    -- A new version of the row, for policy_makes_immutable().
    UPDATE quay."user" AS u SET enabled = u.enabled WHERE u.id = owner.id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_lock(text, text) IS
    'Waits for pushes under way into a repository, NULL: into all of the namespace, and holds off new ones and other changes of policies until the transaction ends. Returns the repository; of a namespace only namespace_user_id is set. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.immutability_check(target quay.repository, tag_pattern text, tag_pattern_matches boolean, except_uuid text)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    other text;
    existing text;
BEGIN
    PERFORM quay_internal.policy_pattern_check(tag_pattern, whole => true);
    IF NOT quay_internal.setting('immutable_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'immutable tags are switched off',
            DETAIL = 'The setting quay.immutable_tags is off: a policy would have no effect.',
            HINT = 'An administrator of the registry can switch it on.';
    END IF;
    other := CASE
        WHEN EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = target.namespace_user_id) THEN 'a mirror of an organization'
        WHEN EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = target.namespace_user_id) THEN 'a proxy cache'
    END;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'namespace cannot have immutability policies',
            DETAIL = format('It is %s, whose tags follow those elsewhere.', other),
            HINT = 'Use another namespace, or remove that configuration first.';
    END IF;
    SELECT l.policy INTO existing
    FROM quay_internal.immutability_rule_list(CASE WHEN target.id IS NULL THEN target.namespace_user_id END, target.id) AS l
    WHERE l.tag_pattern = immutability_check.tag_pattern AND l.uuid IS DISTINCT FROM except_uuid
    LIMIT 1;
    IF FOUND THEN
        PERFORM quay_internal.policy_taken(quay_internal.policy_read(existing));
    END IF;
    RETURN jsonb_build_object('tag_pattern', tag_pattern, 'tag_pattern_matches', coalesce(immutability_check.tag_pattern_matches, true));
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_check(quay.repository, text, boolean, text) IS
    'The JSON of a new immutability policy, if there may be such a one beside those that there are, apart from except_uuid. target: what immutability_lock() returned. Errors: QY006 the pattern has a policy, whichever way it is used, QY015 quay.immutable_tags is off, QY080 illegal pattern, QY081 mirror or proxy cache.';

CREATE OR REPLACE FUNCTION quay_internal.immutability_apply(target quay.repository, rule jsonb, now_ms bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    regex text := quay_internal.policy_regex(rule ->> 'tag_pattern');
    matches boolean := (rule -> 'tag_pattern_matches')::boolean;
    keep_ends boolean := quay_internal.setting('immutable_tags_can_expire')::boolean;
    marked bigint[];
BEGIN
    WITH marked AS (
        UPDATE quay.tag AS t
        SET immutable = true, lifetime_end_ms = CASE WHEN keep_ends THEN t.lifetime_end_ms END
        FROM quay.repository AS r
        WHERE r.namespace_user_id = target.namespace_user_id AND r.id = coalesce(target.id, r.id) AND r.state <> 3
          AND t.repository_id = r.id AND NOT t.hidden AND NOT t.immutable
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
          AND (t.name ~ regex) = matches
          -- A database of the reference may have more than one live row of a name: the one that counts.
          AND (t.lifetime_end_ms IS NULL OR NOT EXISTS (
              SELECT FROM quay.tag AS o
              WHERE o.repository_id = t.repository_id AND o.name = t.name AND NOT o.hidden AND o.id <> t.id
                AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > t.lifetime_end_ms)))
        RETURNING t.id
    )
    SELECT coalesce(array_agg(m.id), '{}') INTO marked FROM marked AS m;
    IF NOT keep_ends THEN
        -- Notices of a coming end were about one that is gone.
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (marked);
    END IF;
    RETURN cardinality(marked);
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_apply(quay.repository, jsonb, bigint) IS
    'Makes the visible live tags to which a policy applies immutable, and returns how many were not before. Their ends go, unless quay.immutable_tags_can_expire is on. target: what immutability_lock() returned. Reads each live tag of the repository or namespace once.';

CREATE OR REPLACE FUNCTION quay_internal.immutability_log(kind text, target quay.repository, namespace text, metadata jsonb, actor text, ip text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(immutability_log.kind, target.namespace_user_id, quay_internal.actor_id(immutability_log.actor), target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name)) || immutability_log.metadata, immutability_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_log(text, quay.repository, text, jsonb, text, text) IS
    'Adds a row to the audit log about an immutability policy. target: what immutability_lock() returned. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.immutability_enforce(kind text, target quay.repository, namespace text, rule jsonb, actor text, ip text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marked bigint;
BEGIN
    PERFORM quay_internal.immutability_log(kind, target, namespace, rule, actor, ip);
    marked := quay_internal.immutability_apply(target, rule, quay_internal.clock_ms());
    IF marked > 0 THEN
        PERFORM quay_internal.immutability_log('tags_made_immutable_by_policy', target, namespace,
            rule || jsonb_build_object('count', marked), actor, ip);
    END IF;
    RETURN marked;
END
$$;
COMMENT ON FUNCTION quay_internal.immutability_enforce(text, quay.repository, text, jsonb, text, text) IS
    'Logs a new or changed immutability policy, makes the tags immutable that are there, logs that too, and returns their number. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.immutability_policy_create(namespace text, INOUT tag_pattern text, INOUT tag_pattern_matches boolean DEFAULT true,
                                                           repository text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                           OUT uuid text, OUT tags bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.immutability_lock(namespace, repository);
    rule jsonb := quay_internal.immutability_check(target, tag_pattern, tag_pattern_matches, NULL);
BEGIN
    uuid := gen_random_uuid()::text;
    IF target.id IS NULL THEN
        INSERT INTO quay.namespaceimmutabilitypolicy (uuid, namespace_id, policy)
        VALUES (immutability_policy_create.uuid, target.namespace_user_id, rule::text);
    ELSE
        INSERT INTO quay.repositoryimmutabilitypolicy (uuid, repository_id, namespace_id, policy)
        VALUES (immutability_policy_create.uuid, target.id, target.namespace_user_id, rule::text);
    END IF;
    tag_pattern_matches := (rule -> 'tag_pattern_matches')::boolean;
    tags := quay_internal.immutability_enforce('create_immutability_policy', target, namespace, rule, actor, ip);
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_create(text, text, boolean, text, text, text) IS
    'Adds an immutability policy to a namespace, or to a repository of it if one is named, and returns its uuid. From then on a tag is immutable when it is pushed if its whole name matches tag_pattern, or with tag_pattern_matches false if it does not; and so are, in the same transaction, the visible live tags that are there, whose number is tags: their ends go, unless quay.immutable_tags_can_expire is on.
The pattern is a regular expression of PostgreSQL, case-sensitive unless it begins with (?i), of at most 256 characters. It has no back references, since these could make a match take arbitrarily long; without them the time grows with the length of the name. \y is the boundary of a word.
Waits for pushes under way into the repository, or into each one of the namespace, and new ones wait until the transaction ends, so that no tag slips through. Its work grows with the number of live tags, and of a namespace with that of its repositories.
Errors: QY002, QY003, QY004, QY006 a policy with this pattern exists, whichever way it is used, QY007 actor unknown, QY015 quay.immutable_tags is off, QY080 illegal pattern, QY081 the organization is a mirror or a proxy cache.';

CREATE OR REPLACE FUNCTION quay.immutability_policy_update(namespace text, uuid text, tag_pattern text, tag_pattern_matches boolean DEFAULT true,
                                                           repository text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.immutability_lock(namespace, repository);
    rule jsonb := quay_internal.immutability_check(target, tag_pattern, tag_pattern_matches, uuid);
BEGIN
    IF target.id IS NULL THEN
        UPDATE quay.namespaceimmutabilitypolicy AS p SET policy = rule::text
        WHERE p.uuid = immutability_policy_update.uuid AND p.namespace_id = target.namespace_user_id;
    ELSE
        UPDATE quay.repositoryimmutabilitypolicy AS p SET policy = rule::text
        WHERE p.uuid = immutability_policy_update.uuid AND p.repository_id = target.id;
    END IF;
    IF NOT FOUND THEN
        PERFORM quay_internal.policy_unknown(immutability_policy_update.uuid);
    END IF;
    RETURN quay_internal.immutability_enforce('update_immutability_policy', target, namespace, rule, actor, ip);
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_update(text, text, text, boolean, text, text, text) IS
    'Replaces an immutability policy of a namespace, or of a repository of it if one is named. Tags to which the new one applies become immutable as in immutability_policy_create(), which describes the arguments; returns their number. Tags to which only the old one applied stay immutable. Errors: those of immutability_policy_create(), and QY018 policy unknown.';

CREATE OR REPLACE FUNCTION quay.immutability_policy_delete(namespace text, uuid text, repository text DEFAULT NULL,
                                                           actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.policy_lock(namespace);
    target quay.repository;
BEGIN
    target.namespace_user_id := owner.id;
    IF repository IS NULL THEN
        DELETE FROM quay.namespaceimmutabilitypolicy AS p
        WHERE p.uuid = immutability_policy_delete.uuid AND p.namespace_id = owner.id;
    ELSE
        target := quay_internal.repository_get(namespace, repository);
        DELETE FROM quay.repositoryimmutabilitypolicy AS p
        WHERE p.uuid = immutability_policy_delete.uuid AND p.repository_id = target.id;
    END IF;
    IF NOT FOUND THEN
        PERFORM quay_internal.policy_unknown(immutability_policy_delete.uuid);
    END IF;
    PERFORM quay_internal.immutability_log('delete_immutability_policy', target, namespace,
        jsonb_build_object('policy_uuid', immutability_policy_delete.uuid), actor, ip);
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_delete(text, text, text, text, text) IS
    'Deletes an immutability policy of a namespace, or of a repository of it if one is named. Tags that are immutable stay so. Errors: QY002, QY003, QY004, QY007 actor unknown, QY018 policy unknown.';

-- What a policy would do, and why a tag is what it is

CREATE OR REPLACE FUNCTION quay.immutability_policy_preview(namespace text, tag_pattern text, tag_pattern_matches boolean DEFAULT true,
                                                            INOUT repository text DEFAULT NULL, after text DEFAULT NULL, n integer DEFAULT 100,
                                                            OUT tag text, OUT digest text, OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint,
                                                            OUT tag_id bigint, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    target_id bigint := CASE WHEN repository IS NOT NULL THEN (quay_internal.repository_get(namespace, repository)).id END;
    now_ms bigint := quay_internal.clock_ms();
    regex text := quay_internal.policy_regex(tag_pattern);
    matches boolean := coalesce(tag_pattern_matches, true);
    after_id bigint := split_part(quay_internal.policy_cursor(after, '^\d{1,18}/.*$'), '/', 1)::bigint;
    returned integer;
    at record;
BEGIN
    PERFORM quay_internal.policy_pattern_check(tag_pattern, whole => true);
    FOR at IN
        SELECT r.id, r.name FROM quay.repository AS r
        WHERE r.namespace_user_id = owner_id AND r.id = coalesce(target_id, r.id) AND r.id >= coalesce(after_id, 0) AND r.state <> 3
        ORDER BY r.id
    LOOP
        RETURN QUERY
            SELECT at.name::text, t.name::text, m.digest::text, t.lifetime_start_ms, t.lifetime_end_ms, t.id, at.id || '/' || t.name
            FROM (SELECT * FROM quay.tag AS t
                  WHERE t.repository_id = at.id AND NOT t.hidden AND NOT t.immutable
                    AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                    AND t.name > CASE WHEN at.id = after_id THEN split_part(after, '/', 2) ELSE '' END COLLATE "C"
                    AND (t.name ~ regex) = matches
                  ORDER BY t.name LIMIT page_size) AS t
            LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
            ORDER BY t.name;
        GET DIAGNOSTICS returned = ROW_COUNT;
        page_size := page_size - returned;
        EXIT WHEN page_size = 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.immutability_policy_preview(text, text, boolean, text, text, integer) IS
    'Tags that a policy with these arguments would make immutable now, and changes nothing: by repository, then in byte order of their names, at most n, those after the column cursor of a row before. The arguments are those of immutability_policy_create(). Errors: 22023 n negative or cursor malformed, QY002, QY003, QY004, QY080 illegal pattern.';

CREATE OR REPLACE FUNCTION quay.immutability_explain(namespace text, repository text, tag text)
    RETURNS TABLE (uuid text, scope text, tag_pattern text, tag_pattern_matches boolean, applies boolean, decides boolean, problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT l.uuid, l.scope, l.tag_pattern, l.tag_pattern_matches, m.applies,
               m.applies AND count(*) FILTER (WHERE m.applies) OVER (ORDER BY l.ordinality) = 1, l.problem
        FROM quay_internal.immutability_rule_list(target.namespace_user_id, target.id) WITH ORDINALITY AS l
        CROSS JOIN LATERAL (SELECT quay_internal.policy_matches(l.policy, immutability_explain.tag) AS applies) AS m
        ORDER BY l.ordinality;
END
$$;
COMMENT ON FUNCTION quay.immutability_explain(text, text, text) IS
    'Each immutability policy of the repository and of its namespace in the order in which they are asked, and whether it applies to a tag of that name, which need not exist. decides: it is the first that does, so a push makes the tag immutable because of it. scope: repository or namespace. A tag can also be immutable by a label of its manifest, by hand, or by a policy that is gone. Errors: QY002, QY003, QY004.';
