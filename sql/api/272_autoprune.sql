-- Pruning policies: which tags of a repository go by themselves. They are judged here; 273_autoprune_run.sql executes them.
--
-- A policy belongs to a namespace or to a repository, or is the setting quay.default_autoprune_policy, which every namespace has. It removes
-- tags that are older than a duration (creation_date), or all but the newest ones (number_of_tags), of those whose names its pattern selects.

CREATE OR REPLACE FUNCTION quay_internal.autoprune_rule(rule jsonb, OUT method text, OUT value text, OUT tag_pattern text,
                                                        OUT tag_pattern_matches boolean, OUT bound bigint, OUT problem text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    flag jsonb := coalesce(nullif(rule -> 'tag_pattern_matches', 'null'), 'true');
BEGIN
    method := rule ->> 'method';
    value := rule ->> 'value';
    tag_pattern := rule ->> 'tag_pattern';
    tag_pattern_matches := flag IS DISTINCT FROM 'false';
    -- A number that is too large keeps all tags, or makes none old enough.
    IF method = 'number_of_tags' AND jsonb_typeof(rule -> 'value') = 'number' THEN
        bound := CASE WHEN value::numeric >= 1 AND scale(trim_scale(value::numeric)) = 0 THEN least(value::numeric, 2147483647) END;
    ELSIF method = 'creation_date' AND jsonb_typeof(rule -> 'value') = 'string' THEN
        bound := quay_internal.duration_seconds(value);
        bound := CASE WHEN bound > 0 THEN least(bound, 100000000000) * 1000 END;
    END IF;
    problem := CASE
        WHEN rule IS NULL THEN 'It is no JSON object.'
        WHEN method IS NULL OR method NOT IN ('number_of_tags', 'creation_date') THEN 'Its method is neither number_of_tags nor creation_date.'
        WHEN bound IS NULL AND method = 'number_of_tags' THEN 'The value of number_of_tags must be a whole number, at least 1.'
        WHEN bound IS NULL THEN 'The value of creation_date must be a duration such as 2w, longer than 0.'
        WHEN jsonb_typeof(flag) <> 'boolean' THEN 'Its tag_pattern_matches is neither true nor false.'
        WHEN jsonb_typeof(rule -> 'tag_pattern') NOT IN ('string', 'null') THEN 'Its tag_pattern is no text.'
        ELSE quay_internal.policy_pattern_problem(tag_pattern, whole => false)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_rule(jsonb) IS
    'What the JSON of a pruning policy says. bound: how many tags number_of_tags keeps, or how old in ms creation_date lets them become. tag_pattern_matches is true if it is missing or null. problem: why the policy cannot be executed, as a sentence; NULL if it can.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_invalid(rule text, problem text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY080',
        MESSAGE = 'pruning policy is not valid',
        DETAIL = format('%s: %s', left(autoprune_invalid.rule, 200), autoprune_invalid.problem),
        HINT = 'Use the method number_of_tags with a number, or creation_date with a duration such as 2w.';
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_invalid(text, text) IS 'Fails with QY080: the policy cannot be executed.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_default() RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    policy text := nullif(btrim(quay_internal.setting('default_autoprune_policy')), '');
    rule jsonb := quay_internal.policy_read(policy);
    problem text;
BEGIN
    IF policy IS NULL THEN
        RETURN NULL;
    END IF;
    problem := (quay_internal.autoprune_rule(rule)).problem;
    IF problem IS NOT NULL THEN
        PERFORM quay_internal.autoprune_invalid(format('quay.default_autoprune_policy = %s', policy), problem);
    END IF;
    RETURN rule;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_default() IS
    'The pruning policy of all namespaces, quay.default_autoprune_policy; NULL if there is none. Errors: QY080 the setting is no valid policy.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_policy_rows(namespace_id bigint, repository_id bigint)
    RETURNS TABLE (policy_id bigint, uuid text, scope text, rule jsonb, method text, value text, tag_pattern text, tag_pattern_matches boolean,
                   bound bigint, problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT p.id, p.uuid::text, p.scope, e.rule, r.method, r.value, r.tag_pattern, r.tag_pattern_matches, r.bound, r.problem
        FROM (SELECT p.id, p.uuid, 'namespace' AS scope, p.policy, 1 AS place FROM quay.namespaceautoprunepolicy AS p
              WHERE p.namespace_id = autoprune_policy_rows.namespace_id
              UNION ALL
              SELECT p.id, p.uuid, 'repository', p.policy, 2 FROM quay.repositoryautoprunepolicy AS p
              WHERE p.repository_id = autoprune_policy_rows.repository_id) AS p
        CROSS JOIN LATERAL (SELECT quay_internal.policy_read(p.policy) AS rule) AS e
        CROSS JOIN LATERAL quay_internal.autoprune_rule(e.rule) AS r
        ORDER BY p.place, p.id;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_policy_rows(bigint, bigint) IS
    'Pruning policies of a namespace, then of a repository, each by id; an id that is NULL has none. Columns as autoprune_rule().';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_rule_list(namespace_id bigint, repository_id bigint)
    RETURNS TABLE (uuid text, scope text, method text, value text, tag_pattern text, tag_pattern_matches boolean, bound bigint, problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT a.uuid, a.scope, a.method, a.value, a.tag_pattern, a.tag_pattern_matches, a.bound, a.problem
        FROM (SELECT NULL::text AS uuid, 'registry' AS scope, r.method, r.value, r.tag_pattern, r.tag_pattern_matches, r.bound, r.problem,
                     0 AS place
              FROM quay_internal.autoprune_default() AS d CROSS JOIN LATERAL quay_internal.autoprune_rule(d) AS r
              WHERE d IS NOT NULL
              UNION ALL
              SELECT p.uuid, p.scope, p.method, p.value, p.tag_pattern, p.tag_pattern_matches, p.bound, p.problem, p.ordinality
              FROM quay_internal.autoprune_policy_rows(autoprune_rule_list.namespace_id, autoprune_rule_list.repository_id)
                   WITH ORDINALITY AS p) AS a
        -- First what is too old, then what is too many: the order decides how many tags stay.
        ORDER BY a.method <> 'creation_date', a.place;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_rule_list(bigint, bigint) IS
    'Pruning policies for a repository in the order in which they are executed: by age, then by number; of each kind the default one of the registry, those of the namespace, those of the repository. Columns as autoprune_rule(). Errors: QY080 quay.default_autoprune_policy is not valid.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_sees(tag quay.tag, tag_pattern text, tag_pattern_matches boolean, now_ms bigint) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT (tag).hidden AND NOT (tag).immutable AND ((tag).lifetime_end_ms IS NULL OR (tag).lifetime_end_ms > now_ms)
        AND NOT quay_internal.tag_is_cosign((tag).name::text)
        AND (tag_pattern IS NULL OR ((tag).name ~ tag_pattern) = tag_pattern_matches);
COMMENT ON FUNCTION quay_internal.autoprune_sees(quay.tag, text, boolean, bigint) IS
    'Is a tag one that a pruning policy counts and may remove: visible, alive, not immutable, not one of Cosign, and of a name that its pattern selects?';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_plan(namespace_id bigint, repository_id bigint, now_ms bigint, within_ms bigint DEFAULT 0)
    RETURNS TABLE (uuid text, scope text, method text, tag_id bigint, due_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule record;
    removed bigint[] := ARRAY[]::bigint[];
    picked bigint[];
BEGIN
    FOR rule IN
        SELECT l.*, 0::bigint AS ahead_ms, l.ordinality AS place
        FROM quay_internal.autoprune_rule_list(autoprune_plan.namespace_id, autoprune_plan.repository_id) WITH ORDINALITY AS l
        WHERE l.problem IS NULL
        UNION ALL
        -- What will be too old, by the policy that comes to it first.
        SELECT l.*, within_ms, 1000000 + l.bound
        FROM quay_internal.autoprune_rule_list(autoprune_plan.namespace_id, autoprune_plan.repository_id) WITH ORDINALITY AS l
        WHERE l.problem IS NULL AND l.method = 'creation_date' AND within_ms > 0
        ORDER BY place
    LOOP
        picked := ARRAY(
            SELECT t.id
            FROM quay.tag AS t LEFT JOIN unnest(removed) AS r (id) ON r.id = t.id
            WHERE t.repository_id = autoprune_plan.repository_id AND r.id IS NULL
              AND quay_internal.autoprune_sees(t, rule.tag_pattern, rule.tag_pattern_matches, now_ms)
              AND (rule.method <> 'creation_date' OR t.lifetime_start_ms < now_ms + rule.ahead_ms - rule.bound)
            ORDER BY t.lifetime_start_ms DESC, t.id DESC
            OFFSET CASE rule.method WHEN 'number_of_tags' THEN rule.bound ELSE 0 END);
        removed := removed || picked;
        RETURN QUERY
            SELECT rule.uuid, rule.scope, rule.method, t.id,
                   CASE WHEN rule.ahead_ms > 0 THEN greatest(t.lifetime_start_ms + rule.bound, now_ms) ELSE now_ms END
            FROM quay.tag AS t WHERE t.id = ANY (picked);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_plan(bigint, bigint, bigint, bigint) IS
    'Tags of a repository that its pruning policies would remove, and by which policy, if they were executed one after the other; with within_ms also those that will have become too old by then. due_ms: when, at the earliest. Reads all tags of the repository for each policy. Errors: QY080 quay.default_autoprune_policy is not valid.';

-- Policies, written and read

CREATE OR REPLACE FUNCTION quay_internal.autoprune_check(namespace_id bigint, repository_id bigint, method text, value text, tag_pattern text,
                                                         tag_pattern_matches boolean, except_uuid text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What is no number stays a text, which autoprune_rule() refuses for that method.
    rule jsonb := jsonb_build_object('method', autoprune_check.method,
        'value', CASE WHEN autoprune_check.method = 'number_of_tags' AND autoprune_check.value ~ '^\d{1,18}$'
                      THEN to_jsonb(autoprune_check.value::bigint) ELSE to_jsonb(autoprune_check.value) END,
        'tag_pattern', autoprune_check.tag_pattern, 'tag_pattern_matches', coalesce(autoprune_check.tag_pattern_matches, true));
    wanted record := quay_internal.autoprune_rule(rule);
    existing jsonb;
BEGIN
    IF tag_pattern IS NOT NULL THEN
        PERFORM quay_internal.policy_pattern_check(tag_pattern, whole => false);
    END IF;
    IF wanted.problem IS NOT NULL THEN
        PERFORM quay_internal.autoprune_invalid(rule::text, wanted.problem);
    END IF;
    SELECT l.rule INTO existing
    FROM quay_internal.autoprune_policy_rows(CASE WHEN autoprune_check.repository_id IS NULL THEN autoprune_check.namespace_id END,
                                             autoprune_check.repository_id) AS l
    WHERE (l.method, l.value, l.tag_pattern_matches) = (wanted.method, wanted.value, wanted.tag_pattern_matches)
      AND l.tag_pattern IS NOT DISTINCT FROM wanted.tag_pattern AND l.uuid IS DISTINCT FROM except_uuid
    LIMIT 1;
    IF FOUND THEN
        PERFORM quay_internal.policy_taken(existing);
    END IF;
    -- Twice encoded, as the Quay application reads it.
    RETURN to_jsonb(rule::text)::text;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_check(bigint, bigint, text, text, text, boolean, text) IS
    'What to store of a new pruning policy, if it is valid and the namespace, or the repository if it is not NULL, has no equal one, apart from except_uuid. Errors: QY006 there is an equal one, QY080 not valid.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_log(kind text, namespace text, namespace_id bigint, repository_id bigint, policy text, uuid text,
                                                       actor text, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(
        format('%s_%s_autoprune_policy', autoprune_log.kind, CASE WHEN repository_id IS NULL THEN 'namespace' ELSE 'repository' END),
        autoprune_log.namespace_id, quay_internal.actor_id(autoprune_log.actor), autoprune_log.repository_id,
        coalesce(quay_internal.policy_read(policy), jsonb_build_object('policy_uuid', autoprune_log.uuid))
        || jsonb_strip_nulls(jsonb_build_object('namespace', autoprune_log.namespace,
            'repo', (SELECT r.name FROM quay.repository AS r WHERE r.id = autoprune_log.repository_id))), autoprune_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_log(text, text, bigint, bigint, text, text, text, text) IS
    'Adds a row to the audit log about a pruning policy of a namespace, or of the repository if it is not NULL: what it says, or its uuid. kind: create, update or delete. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_target(namespace text, repository text, OUT owner_id bigint, OUT target_id bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    owner_id := (quay_internal.policy_lock(namespace)).id;
    IF autoprune_target.repository IS NOT NULL THEN
        target_id := (quay_internal.repository_get(namespace, repository, lock => true)).id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_target(text, text) IS
    'Ids of the namespace, and of the repository if one is named, whose pruning policies change. Of those who do that in a namespace, one at a time. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_task_keep(owner_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A new version of the row in any case: a REPEATABLE READ transaction that cannot see the policy then fails, rather than delete the
    -- task or add an equal policy.
    INSERT INTO quay.autoprunetaskstatus AS s (namespace_id, status) VALUES (owner_id, 'queued')
    ON CONFLICT (namespace_id) DO UPDATE SET status = s.status;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_task_keep(bigint) IS 'Makes sure that a namespace has a pruning task.';

CREATE OR REPLACE FUNCTION quay.autoprune_policy_create(namespace text, method text, value text, tag_pattern text DEFAULT NULL,
                                                        tag_pattern_matches boolean DEFAULT true, repository text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record := quay_internal.autoprune_target(namespace, repository);
    stored text := quay_internal.autoprune_check(target.owner_id, target.target_id, method, value, tag_pattern, tag_pattern_matches, NULL);
    new_uuid text := gen_random_uuid()::text;
BEGIN
    IF repository IS NULL THEN
        INSERT INTO quay.namespaceautoprunepolicy (uuid, namespace_id, policy)
        VALUES (new_uuid, target.owner_id, stored);
    ELSE
        INSERT INTO quay.repositoryautoprunepolicy (uuid, repository_id, namespace_id, policy)
        VALUES (new_uuid, target.target_id, target.owner_id, stored);
    END IF;
    PERFORM quay_internal.autoprune_task_keep(target.owner_id);
    PERFORM quay_internal.autoprune_log('create', namespace, target.owner_id, target.target_id, stored, new_uuid, actor, ip);
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.autoprune_policy_create(text, text, text, text, boolean, text, text, text) IS
    'Adds a pruning policy to a namespace, or to a repository of it if one is named, and returns its uuid; the namespace gets a task for the workers if it has none. method creation_date removes tags that were pushed longer ago than value, a duration such as 2w (s, m, h, d, w, y); number_of_tags keeps the newest value tags. Only tags that tag_pattern selects count and go: those in whose names it is found, or with tag_pattern_matches false all others; NULL: all. Immutable tags and those of Cosign neither count nor go. The pattern is a regular expression of PostgreSQL without back references, of at most 256 characters, and matches any part of a name: write ^ and $ for the whole. Errors: QY002, QY003, QY004, QY006 there is an equal policy, QY007 actor unknown, QY080 method, value or pattern not valid.';

CREATE OR REPLACE FUNCTION quay.autoprune_policy_update(namespace text, uuid text, method text, value text, tag_pattern text DEFAULT NULL,
                                                        tag_pattern_matches boolean DEFAULT true, repository text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record := quay_internal.autoprune_target(namespace, repository);
    stored text := quay_internal.autoprune_check(target.owner_id, target.target_id, method, value, tag_pattern, tag_pattern_matches, uuid);
BEGIN
    IF repository IS NULL THEN
        UPDATE quay.namespaceautoprunepolicy AS p SET policy = stored
        WHERE p.uuid = autoprune_policy_update.uuid AND p.namespace_id = target.owner_id;
    ELSE
        UPDATE quay.repositoryautoprunepolicy AS p SET policy = stored
        WHERE p.uuid = autoprune_policy_update.uuid AND p.repository_id = target.target_id;
    END IF;
    IF NOT FOUND THEN
        PERFORM quay_internal.policy_unknown(autoprune_policy_update.uuid);
    END IF;
    PERFORM quay_internal.autoprune_task_keep(target.owner_id);
    PERFORM quay_internal.autoprune_log('update', namespace, target.owner_id, target.target_id, stored, uuid, actor, ip);
END
$$;
COMMENT ON FUNCTION quay.autoprune_policy_update(text, text, text, text, text, boolean, text, text, text) IS
    'Replaces a pruning policy of a namespace, or of a repository of it if one is named; autoprune_policy_create() describes the arguments. Errors: QY002, QY003, QY004, QY006 another policy is equal, QY007 actor unknown, QY018 policy unknown, QY080 method, value or pattern not valid.';

CREATE OR REPLACE FUNCTION quay.autoprune_policy_delete(namespace text, uuid text, repository text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record := quay_internal.autoprune_target(namespace, repository);
BEGIN
    IF repository IS NULL THEN
        DELETE FROM quay.namespaceautoprunepolicy AS p
        WHERE p.uuid = autoprune_policy_delete.uuid AND p.namespace_id = target.owner_id;
    ELSE
        DELETE FROM quay.repositoryautoprunepolicy AS p
        WHERE p.uuid = autoprune_policy_delete.uuid AND p.repository_id = target.target_id;
    END IF;
    IF NOT FOUND THEN
        PERFORM quay_internal.policy_unknown(autoprune_policy_delete.uuid);
    END IF;
    PERFORM quay_internal.autoprune_log('delete', namespace, target.owner_id, target.target_id, NULL, uuid, actor, ip);
END
$$;
COMMENT ON FUNCTION quay.autoprune_policy_delete(text, text, text, text, text) IS
    'Deletes a pruning policy of a namespace, or of a repository of it if one is named. The task of a namespace without any goes when a worker releases it. Errors: QY002, QY003, QY004, QY007 actor unknown, QY018 policy unknown.';

CREATE OR REPLACE FUNCTION quay.autoprune_policy_list(namespace text, repository text DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (policy_id bigint, uuid text, method text, value text, tag_pattern text, tag_pattern_matches boolean, problem text)
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
        SELECT l.policy_id, l.uuid, l.method, l.value, l.tag_pattern, l.tag_pattern_matches, l.problem
        FROM quay_internal.autoprune_policy_rows(owner_id, target_id) AS l
        WHERE l.policy_id > coalesce(autoprune_policy_list.after, 0)
        ORDER BY l.policy_id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.autoprune_policy_list(text, text, bigint, integer) IS
    'Pruning policies of a namespace, or of a repository of it if one is named, oldest first, at most n, those after the policy_id after; autoprune_policy_create() describes the columns. problem: why a policy that another program stored is not executed; NULL if it is. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.autoprune_policy_get(namespace text, INOUT uuid text, repository text DEFAULT NULL, OUT policy_id bigint,
                                                     OUT method text, OUT value text, OUT tag_pattern text, OUT tag_pattern_matches boolean,
                                                     OUT problem text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.uuid, l.policy_id, l.method, l.value, l.tag_pattern, l.tag_pattern_matches, l.problem
        FROM quay.autoprune_policy_list(autoprune_policy_get.namespace, autoprune_policy_get.repository, n => 2147483647) AS l
        WHERE l.uuid = autoprune_policy_get.uuid;
END
$$;
COMMENT ON FUNCTION quay.autoprune_policy_get(text, text, text) IS
    'One pruning policy of a namespace, or of a repository of it if one is named, by its uuid; columns as autoprune_policy_list(). No row if there is none. Errors: QY002, QY003, QY004.';

-- What the policies would do, without doing it

CREATE OR REPLACE FUNCTION quay.autoprune_preview(namespace text, INOUT repository text DEFAULT NULL, after text DEFAULT NULL, n integer DEFAULT 100,
                                                  OUT tag text, OUT tag_id bigint, OUT digest text, OUT lifetime_start_ms bigint, OUT uuid text,
                                                  OUT scope text, OUT method text, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    target_id bigint := CASE WHEN repository IS NOT NULL THEN (quay_internal.repository_get(namespace, repository)).id END;
    now_ms bigint := quay_internal.clock_ms();
    position text := quay_internal.policy_cursor(after, '^\d{1,18}\.\d{1,18}$');
    after_repository bigint := coalesce(split_part(position, '.', 1)::bigint, 0);
    after_tag bigint := coalesce(split_part(position, '.', 2)::bigint, 0);
    returned integer;
    at record;
BEGIN
    FOR at IN
        SELECT r.id, r.name FROM quay.repository AS r
        WHERE r.namespace_user_id = owner_id AND r.id = coalesce(target_id, r.id) AND r.id >= after_repository AND r.state = 0
        ORDER BY r.id
    LOOP
        RETURN QUERY
            SELECT at.name::text, t.name::text, t.id, m.digest::text, t.lifetime_start_ms, p.uuid, p.scope, p.method, at.id || '.' || t.id
            FROM quay_internal.autoprune_plan(owner_id, at.id, now_ms) AS p
            JOIN quay.tag AS t ON t.id = p.tag_id
            LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
            WHERE t.id > CASE WHEN at.id = after_repository THEN after_tag ELSE 0 END
            ORDER BY t.id
            LIMIT page_size;
        GET DIAGNOSTICS returned = ROW_COUNT;
        page_size := page_size - returned;
        EXIT WHEN page_size = 0;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.autoprune_preview(text, text, text, integer) IS
    'Tags that the pruning policies of a namespace would remove if they were executed now, in one repository or in all, each with the policy that would: by repository, then by tag_id, at most n, those after the column cursor of a row before. scope: repository, namespace or registry, which is quay.default_autoprune_policy and has no uuid. Nothing changes. Only repositories in the state normal are pruned. Each call reads all tags of the repositories that it comes by. Errors: 22023 n negative or cursor malformed, QY002, QY003, QY004, QY080 quay.default_autoprune_policy is not valid.';

CREATE OR REPLACE FUNCTION quay.autoprune_explain(namespace text, repository text, tag text)
    RETURNS TABLE (uuid text, scope text, method text, value text, tag_pattern text, tag_pattern_matches boolean, selects boolean, decides boolean,
                   reason text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    now_ms bigint := quay_internal.clock_ms();
    subject quay.tag := quay_internal.tag_find(target.id, autoprune_explain.tag, now_ms);
    decision record;
    spared text := CASE
        WHEN subject.id IS NULL THEN 'There is no such tag.'
        WHEN target.state <> 0 THEN 'The repository is not in the state normal.'
        WHEN subject.immutable THEN 'The tag is immutable.'
        WHEN quay_internal.tag_is_cosign(subject.name) THEN 'The tag is one of Cosign.'
    END;
BEGIN
    SELECT p.uuid, p.scope INTO decision
    FROM quay_internal.autoprune_plan(target.namespace_user_id, target.id, now_ms) AS p
    WHERE p.tag_id = subject.id AND spared IS NULL;
    RETURN QUERY
        SELECT l.uuid, l.scope, l.method, l.value, l.tag_pattern, l.tag_pattern_matches, s.selects, s.decides,
               coalesce(spared, l.problem, CASE
                   WHEN NOT s.selects THEN 'The pattern does not select the name.'
                   WHEN s.decides AND l.method = 'creation_date' THEN 'The tag is too old.'
                   WHEN s.decides THEN 'There are enough newer tags.'
                   WHEN bool_or(s.decides) OVER (ORDER BY l.ordinality) THEN 'A policy before removes the tag.'
                   WHEN l.method = 'creation_date' THEN 'The tag is not too old.'
                   ELSE 'The tag is among the newest.' END)
        FROM quay_internal.autoprune_rule_list(target.namespace_user_id, target.id) WITH ORDINALITY AS l
        CROSS JOIN LATERAL (
            SELECT CASE WHEN l.problem IS NOT NULL THEN false
                        WHEN l.tag_pattern IS NULL THEN true
                        ELSE (autoprune_explain.tag COLLATE "C" ~ l.tag_pattern) = l.tag_pattern_matches END AS selects,
                   decision.scope IS NOT NULL AND (l.uuid, l.scope) IS NOT DISTINCT FROM (decision.uuid, decision.scope) AS decides) AS s
        ORDER BY l.ordinality;
END
$$;
COMMENT ON FUNCTION quay.autoprune_explain(text, text, text) IS
    'Each pruning policy for a repository in the order in which they are executed, and what it means for a tag of that name. selects: its pattern selects the name. decides: this policy would remove the tag now. reason: why it would or would not, as a sentence. scope: repository, namespace or registry, which is quay.default_autoprune_policy and has no uuid. Reads all tags of the repository. Errors: QY002, QY003, QY004, QY080 quay.default_autoprune_policy is not valid.';
