-- Pruning executed: the removal of tags, in batches; tasks, one for each namespace that has a policy; and tags that will go soon.

CREATE OR REPLACE FUNCTION quay_internal.autoprune_candidates(repository_id bigint, method text, bound bigint, tag_pattern text,
                                                              tag_pattern_matches boolean, now_ms bigint, before_ms bigint, before_id bigint,
                                                              n integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    -- Tags before this one, in the order of their start, may go.
    limit_ms bigint := now_ms - bound;
    limit_id bigint := 0;
BEGIN
    IF method = 'number_of_tags' THEN
        SELECT t.lifetime_start_ms, t.id INTO limit_ms, limit_id FROM quay.tag AS t
        WHERE t.repository_id = autoprune_candidates.repository_id
          AND quay_internal.autoprune_sees(t, autoprune_candidates.tag_pattern, autoprune_candidates.tag_pattern_matches, now_ms)
        ORDER BY t.lifetime_start_ms DESC, t.id DESC
        OFFSET bound - 1 LIMIT 1;
        IF NOT FOUND THEN
            RETURN ARRAY[]::bigint[];
        END IF;
    END IF;
    IF (before_ms, before_id) < (limit_ms, limit_id) THEN
        limit_ms := before_ms;
        limit_id := before_id;
    END IF;
    RETURN ARRAY(
        SELECT t.id FROM quay.tag AS t
        WHERE t.repository_id = autoprune_candidates.repository_id
          AND t.lifetime_start_ms <= limit_ms AND (t.lifetime_start_ms, t.id) < (limit_ms, limit_id)
          AND quay_internal.autoprune_sees(t, autoprune_candidates.tag_pattern, autoprune_candidates.tag_pattern_matches, now_ms)
        ORDER BY t.lifetime_start_ms DESC, t.id DESC
        LIMIT n);
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_candidates(bigint, text, bigint, text, boolean, bigint, bigint, bigint, integer) IS
    'Ids of at most n tags of a repository that one pruning policy removes, newest first; arguments as autoprune_rule() returns them. before_ms, before_id: only tags before this start and id, where a batch ended; NULL: all. Reads tags from the newest on, of number_of_tags as many as stay, and those that it skips.';

CREATE OR REPLACE FUNCTION quay_internal.autoprune_repository(namespace text, repository_id bigint, n integer, INOUT cursor text, OUT deleted integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- cursor: repository, policy, start and id of the last tag removed
    resume text := nullif(split_part(cursor, '.', 2), '');
    before_ms bigint := nullif(split_part(cursor, '.', 3), '')::bigint;
    before_id bigint := nullif(split_part(cursor, '.', 4), '')::bigint;
    target quay.repository;
    now_ms bigint := quay_internal.clock_ms();
    rule record;
    ids bigint[];
    removed quay.tag;
BEGIN
    deleted := 0;
    cursor := NULL;
    FOR rule IN
        SELECT l.*, coalesce(l.uuid, 'default') AS key
        FROM quay_internal.autoprune_rule_list((SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = autoprune_repository.repository_id),
                                               autoprune_repository.repository_id) AS l
        WHERE l.problem IS NULL
    LOOP
        CONTINUE WHEN rule.key <> resume;
        LOOP
            ids := quay_internal.autoprune_candidates(repository_id, rule.method, rule.bound, rule.tag_pattern, rule.tag_pattern_matches,
                                                      now_ms, before_ms, before_id, n - deleted);
            EXIT WHEN ids = '{}' OR target.id IS NOT NULL;
            -- Looked at without a lock that would keep pushes waiting. Now that there is something to do, look again with it.
            SELECT * INTO target FROM quay.repository AS r WHERE r.id = autoprune_repository.repository_id AND r.state = 0 FOR KEY SHARE;
            IF NOT FOUND THEN
                RETURN;
            END IF;
            PERFORM quay_internal.tag_lock(target.id);
            now_ms := quay_internal.clock_ms();
        END LOOP;
        FOR removed IN
            SELECT t.* FROM unnest(ids) WITH ORDINALITY AS i (id, place) JOIN quay.tag AS t ON t.id = i.id
            WHERE quay_internal.autoprune_sees(t, rule.tag_pattern, rule.tag_pattern_matches, now_ms)
            ORDER BY i.place
            FOR NO KEY UPDATE OF t
        LOOP
            PERFORM quay_internal.tag_expire(target, removed, now_ms);
            PERFORM quay_internal.log_add('autoprune_tag_delete', target.namespace_user_id, NULL, target.id,
                jsonb_build_object('performer', 'autoprune worker', 'namespace', autoprune_repository.namespace, 'repo', target.name,
                                   'tag', removed.name), NULL);
            deleted := deleted + 1;
        END LOOP;
        IF deleted >= n THEN
            cursor := concat_ws('.', target.id, rule.key, removed.lifetime_start_ms, removed.id);
            RETURN;
        END IF;
        resume := NULL;
        before_ms := NULL;
        before_id := NULL;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.autoprune_repository(text, bigint, integer, text) IS
    'Executes the pruning policies for a repository: removes at most n tags and returns how many. cursor: where the call before ended, NULL to begin; in the result where to go on, NULL if nothing is left to do. Tags go as by tag_delete(), each with an entry in the audit log. It locks the tags of the repository only if there is one to remove. Errors: QY080 quay.default_autoprune_policy is not valid.';

CREATE OR REPLACE FUNCTION quay.autoprune_run(namespace text, n integer DEFAULT 500, after text DEFAULT NULL, OUT deleted bigint, OUT cursor text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := quay_internal.batch_size(n);
    visits integer := n;
    owner quay."user" := quay_internal.namespace_get(namespace);
    position text := quay_internal.policy_cursor(after, '^\d{1,18}(\.[-0-9A-Za-z]{1,36}\.\d{1,18}\.\d{1,18})?$');
    position_id bigint := split_part(position, '.', 1)::bigint;
    for_all boolean := quay_internal.autoprune_default() IS NOT NULL
                       OR EXISTS (SELECT FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = owner.id);
    step record;
    repository_id bigint;
BEGIN
    deleted := 0;
    FOR repository_id IN
        SELECT r.id FROM quay.repository AS r
        WHERE r.namespace_user_id = owner.id AND r.state = 0 AND r.id >= coalesce(position_id, 0)
          AND (for_all OR EXISTS (SELECT FROM quay.repositoryautoprunepolicy AS p WHERE p.repository_id = r.id))
        ORDER BY r.id
    LOOP
        -- A cursor that is only a repository means that this one is done.
        CONTINUE WHEN repository_id = position_id AND strpos(position, '.') = 0;
        step := quay_internal.autoprune_repository(owner.username, repository_id, left_over,
                                                   CASE WHEN repository_id = position_id THEN position END);
        deleted := deleted + step.deleted;
        left_over := left_over - step.deleted;
        visits := visits - 1;
        IF left_over = 0 OR visits = 0 THEN
            cursor := coalesce(step.cursor, repository_id::text);
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.autoprune_run(text, integer, text) IS
    'Executes the pruning policies of a namespace: removes at most n tags, from at most n repositories, and returns how many. Call it again, in a new transaction, with the column cursor as after, until that is NULL. In each repository in the state normal policies by age come first, then those by number, so that what is too old does not count for these; of both kinds quay.default_autoprune_policy, those of the namespace and those of the repository. Immutable tags and those of Cosign stay; a tag that is pushed again meanwhile is a new one. What else a tag takes along is as with tag_delete(). Each one is logged as autoprune_tag_delete.
Two calls at once do the work once. A call costs as much as the tags that it removes, besides for each repository a look at the newest tags, as many as number_of_tags keeps, and at tags that ended and are not collected yet. It holds the lock on the tags of repositories from which it removes any, so that pushes into them wait: choose n accordingly.
Errors: 22023 n not positive or cursor malformed, QY002, QY004, QY080 quay.default_autoprune_policy is not valid, 40001.';

-- Tasks: which namespace is to be pruned next

CREATE OR REPLACE FUNCTION quay.autoprune_task_ensure(after bigint DEFAULT NULL, n integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    for_all boolean := quay_internal.autoprune_default() IS NOT NULL;
    ids bigint[];
BEGIN
    ids := ARRAY(SELECT u.id FROM quay."user" AS u
                 WHERE u.id > coalesce(autoprune_task_ensure.after, 0) AND u.enabled AND NOT u.robot ORDER BY u.id LIMIT batch);
    INSERT INTO quay.autoprunetaskstatus (namespace_id, status)
    SELECT i.id, 'queued' FROM unnest(ids) AS i (id)
    WHERE for_all OR EXISTS (SELECT FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = i.id)
       OR EXISTS (SELECT FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = i.id)
    ORDER BY i.id
    ON CONFLICT DO NOTHING;
    RETURN CASE WHEN cardinality(ids) = batch THEN ids[batch] END;
END
$$;
COMMENT ON FUNCTION quay.autoprune_task_ensure(bigint, integer) IS
    'Gives a pruning task to each enabled namespace that should have one: with quay.default_autoprune_policy to all, else to those that have a policy and lost their task. Looks at n namespaces, those with an id after after, and returns the id to go on after, NULL at the end. For a job that runs daily. Errors: 22023 n not positive, QY080 quay.default_autoprune_policy is not valid.';

CREATE OR REPLACE FUNCTION quay.autoprune_task_get(namespace text) RETURNS TABLE (task_id bigint, last_ran_ms bigint, status text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.id, s.last_ran_ms, s.status
        FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS u ON u.id = s.namespace_id
        WHERE u.username = autoprune_task_get.namespace AND NOT u.robot;
END
$$;
COMMENT ON FUNCTION quay.autoprune_task_get(text) IS
    'The pruning task of a namespace: when a worker took it last, in ms since 1970, NULL: never; status: queued, running, success, or failure: and why. No row if it has none.';

CREATE OR REPLACE FUNCTION quay.autoprune_task_claim(n integer DEFAULT 1, min_interval interval DEFAULT NULL)
    RETURNS TABLE (task_id bigint, namespace text, namespace_id bigint, last_ran_ms bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    due_ms bigint := now_ms - coalesce(floor(extract(epoch FROM min_interval)), quay_internal.setting('autoprune_interval')::numeric)::bigint * 1000;
BEGIN
    IF min_interval < interval '0' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'interval must not be negative',
            DETAIL = format('It is %s.', min_interval),
            HINT = 'Pass how long ago a task must have been taken last, or NULL for quay.autoprune_interval.';
    END IF;
    RETURN QUERY
        WITH due AS (
            SELECT s.id, u.username
            FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS u ON u.id = s.namespace_id AND u.enabled
            WHERE s.last_ran_ms IS NULL OR s.last_ran_ms <= due_ms
            ORDER BY s.last_ran_ms NULLS FIRST, s.id
            LIMIT batch
            FOR UPDATE OF s SKIP LOCKED
        )
        -- Never the same time twice: it tells this claim from the one before.
        UPDATE quay.autoprunetaskstatus AS s
        SET last_ran_ms = greatest(now_ms, s.last_ran_ms + 1), status = 'running'
        FROM due
        WHERE s.id = due.id
        RETURNING s.id, due.username::text, s.namespace_id, s.last_ran_ms;
END
$$;
COMMENT ON FUNCTION quay.autoprune_task_claim(integer, interval) IS
    'Takes the n pruning tasks that have waited longest, those that never ran first, and returns their namespaces: call quay.autoprune_run() for each until it is done, then quay.autoprune_task_release() with task_id and last_ran_ms. Only tasks that nobody took within min_interval, NULL: quay.autoprune_interval; so a worker that dies needs no cleaning up. Never those of disabled namespaces. Two workers get different ones. No row: nothing to do. Errors: 22023 n not positive or interval negative.';

CREATE OR REPLACE FUNCTION quay.autoprune_task_release(task_id bigint, last_ran_ms bigint, failure text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (SELECT s.namespace_id FROM quay.autoprunetaskstatus AS s WHERE s.id = autoprune_task_release.task_id);
    trouble text := failure;
    task quay.autoprunetaskstatus;
BEGIN
    -- Policies are made under the same lock: a new one either keeps the task, or makes another.
    PERFORM FROM quay."user" AS u WHERE u.id = owner_id FOR NO KEY UPDATE;
    SELECT * INTO task FROM quay.autoprunetaskstatus AS s
    WHERE s.id = autoprune_task_release.task_id AND s.last_ran_ms = autoprune_task_release.last_ran_ms AND s.status = 'running'
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF trouble IS NULL THEN
        SELECT format('policy %s: %s', p.uuid, p.problem) INTO trouble
        FROM (SELECT * FROM quay_internal.autoprune_policy_rows(owner_id, NULL)
              UNION ALL
              SELECT l.* FROM (SELECT DISTINCT p.repository_id FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = owner_id) AS r
              CROSS JOIN LATERAL quay_internal.autoprune_policy_rows(NULL, r.repository_id) AS l) AS p
        WHERE p.problem IS NOT NULL
        LIMIT 1;
        IF NOT FOUND
           AND NOT EXISTS (SELECT FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = owner_id)
           AND NOT EXISTS (SELECT FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = owner_id)
           AND quay_internal.autoprune_default() IS NULL
        THEN
            DELETE FROM quay.autoprunetaskstatus AS s WHERE s.id = task.id;
            RETURN true;
        END IF;
    END IF;
    UPDATE quay.autoprunetaskstatus AS s SET status = coalesce('failure: ' || left(trouble, 1000), 'success') WHERE s.id = task.id;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.autoprune_task_release(bigint, bigint, text) IS
    'Ends the work on a pruning task, as quay.autoprune_task_claim() returned it. failure: what went wrong, NULL if nothing did; then the status is success, or the failure is a stored policy that cannot be executed. A task whose namespace has no policy any more is deleted. False, and nothing happens, if the task is gone or was taken again since. Errors: QY080 quay.default_autoprune_policy is not valid (only without failure).';

-- Tags that will go soon, for notices

CREATE OR REPLACE FUNCTION quay_internal.notification_told(repository_id bigint, uuid text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF notification_told.uuid IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT n.id INTO found_id FROM quay.repositorynotification AS n
    WHERE n.uuid = notification_told.uuid AND n.repository_id = notification_told.repository_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY018',
            MESSAGE = 'notification does not exist',
            DETAIL = format('The repository has no notification "%s".', left(notification_told.uuid, 80)),
            HINT = 'Pass the uuid of a notification of this repository, or NULL.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_told(bigint, text) IS
    'Id of the notification of that uuid of a repository; NULL for NULL. Errors: QY018 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.within_ms(within interval) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF within IS NULL OR within < interval '0' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time to look ahead must not be negative',
            DETAIL = format('It is %s.', coalesce(within::text, 'NULL')),
            HINT = 'Pass an interval such as 7 days.';
    END IF;
    RETURN floor(extract(epoch FROM within) * 1000);
END
$$;
COMMENT ON FUNCTION quay_internal.within_ms(interval) IS 'An interval in ms. Errors: 22023 negative or NULL.';

CREATE OR REPLACE FUNCTION quay.tag_expiring_list(namespace text, repository text, within interval, notification text DEFAULT NULL,
                                                  after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (tag text, tag_id bigint, digest text, lifetime_end_ms bigint, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    until_ms bigint := quay_internal.within_ms(within);
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    told_id bigint := quay_internal.notification_told(target_id, notification);
    now_ms bigint := quay_internal.clock_ms();
    position text := quay_internal.policy_cursor(after, '^\d{1,18}\.\d{1,18}$');
    after_end bigint := greatest(split_part(position, '.', 1)::bigint, now_ms);
    after_id bigint := CASE WHEN split_part(position, '.', 1)::bigint > now_ms THEN split_part(position, '.', 2)::bigint
                            ELSE 9223372036854775807 END;
BEGIN
    RETURN QUERY
        SELECT t.name::text, t.id, m.digest::text, t.lifetime_end_ms, t.lifetime_end_ms || '.' || t.id
        FROM (SELECT * FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden
                AND t.lifetime_end_ms >= after_end AND (t.lifetime_end_ms, t.id) > (after_end, after_id)
                AND t.lifetime_end_ms <= now_ms + until_ms
                AND NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = t.id AND s.notification_id = told_id)
              ORDER BY t.lifetime_end_ms, t.id
              LIMIT page_size) AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        ORDER BY t.lifetime_end_ms, t.id;
END
$$;
COMMENT ON FUNCTION quay.tag_expiring_list(text, text, interval, text, text, integer) IS
    'Visible live tags of a repository that end within that time, the next one first, at most n, those after the column cursor of a row before. notification: uuid of a notification of the repository; tags of which it has told are left out, NULL: none. lifetime_end_ms in ms since 1970. Errors: 22023 time or n negative or cursor malformed, QY002, QY003, QY004, QY018 notification unknown.';

CREATE OR REPLACE FUNCTION quay.autoprune_expiring_list(namespace text, repository text, within interval, notification text DEFAULT NULL,
                                                        after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (tag text, tag_id bigint, digest text, due_ms bigint, uuid text, scope text, method text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    until_ms bigint := quay_internal.within_ms(within);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    told_id bigint := quay_internal.notification_told(target.id, notification);
BEGIN
    IF target.state <> 0 THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT t.name::text, t.id, m.digest::text, p.due_ms, p.uuid, p.scope, p.method
        FROM quay_internal.autoprune_plan(target.namespace_user_id, target.id, quay_internal.clock_ms(), until_ms) AS p
        JOIN quay.tag AS t ON t.id = p.tag_id
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        WHERE t.id > coalesce(autoprune_expiring_list.after, 0)
          AND NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = t.id AND s.notification_id = told_id)
        ORDER BY t.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.autoprune_expiring_list(text, text, interval, text, bigint, integer) IS
    'Tags of a repository that pruning policies will remove within that time, each with the policy: those that will have become too old by then, and those that number_of_tags would remove now, if no tag is pushed meanwhile. By tag_id, at most n, those after the tag_id after. due_ms: when, at the earliest, in ms since 1970. scope: repository, namespace or registry, which is quay.default_autoprune_policy and has no uuid. notification: uuid of a notification of the repository; tags of which it has told are left out, NULL: none. No row if the repository is not in the state normal. Reads all its tags. Errors: 22023 time or n negative, QY002, QY003, QY004, QY018 notification unknown, QY080 quay.default_autoprune_policy is not valid.';
