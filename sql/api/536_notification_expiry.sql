-- Notices of tags that will end soon (event repo_image_expiry), and what is to be known about notices of quotas.

CREATE OR REPLACE FUNCTION quay_internal.expiry_tags(target quay.repository, notification_id bigint, method_id bigint, days integer, n integer)
    RETURNS TABLE (tag_id bigint, tag text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    until_ms bigint := now_ms + days * 86400000::bigint;
    pruned bigint[] := ARRAY[]::bigint[];
BEGIN
    IF target.state = 0 THEN
        BEGIN
            pruned := ARRAY(SELECT p.tag_id
                            FROM quay_internal.autoprune_plan(target.namespace_user_id, target.id, now_ms, days * 86400000::bigint) AS p);
        EXCEPTION WHEN SQLSTATE 'QY080' THEN
            RAISE WARNING 'quay.default_autoprune_policy is not valid: %', SQLERRM;
        END;
    END IF;
    -- Who deletes a tag, or moves its end, has its row locked and removes the marks: those are passed by, and looked at next time.
    RETURN QUERY
        SELECT t.id, t.name::text FROM quay.tag AS t
        WHERE t.repository_id = target.id AND NOT t.hidden
          AND (t.lifetime_end_ms > now_ms AND t.lifetime_end_ms <= until_ms OR t.id = ANY (pruned))
          AND NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s
                          WHERE s.tag_id = t.id AND s.notification_id = expiry_tags.notification_id AND s.method_id = expiry_tags.method_id)
        ORDER BY t.id
        LIMIT n
        FOR KEY SHARE OF t SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION quay_internal.expiry_tags(quay.repository, bigint, bigint, integer, integer) IS
    'Visible live tags of a repository that end within so many days, or that pruning policies will remove by then, of which the notification has not told by this method; at most n. Their rows are locked FOR KEY SHARE.';

CREATE OR REPLACE FUNCTION quay.notification_expiry_run(n integer DEFAULT 1)
    RETURNS TABLE (namespace text, repository text, uuid text, days integer, tags integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    -- Tags of one notice; if there are more, the notification stays due.
    notice_size CONSTANT integer := 1000;
    batch integer := quay_internal.batch_size(n);
    now_ms bigint := quay_internal.clock_ms();
    before_ms bigint := now_ms - quay_internal.setting('notification_expiry_interval')::bigint * 1000;
    hook record;
    target quay.repository;
    ending record;
BEGIN
    FOR hook IN
        SELECT h.id, h.uuid, h.method_id, h.repository_id, h.event_config_json, u.username, u.enabled
        FROM quay.repositorynotification AS h
        JOIN quay.repository AS r ON r.id = h.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE h.event_id = (SELECT e.id FROM quay.externalnotificationevent AS e WHERE e.name = 'repo_image_expiry')
          AND h.number_of_failures < quay_internal.notification_failure_limit()
          AND (h.last_ran_ms IS NULL OR h.last_ran_ms < before_ms)
        ORDER BY h.last_ran_ms NULLS FIRST, h.id
        LIMIT batch
        FOR NO KEY UPDATE OF h SKIP LOCKED
    LOOP
        namespace := hook.username;
        uuid := hook.uuid;
        days := (substring(quay_internal.json_read(hook.event_config_json) ->> 'days' FROM '^([1-9][0-9]{0,4})$'))::integer;
        tags := 0;
        SELECT * INTO target FROM quay.repository AS r WHERE r.id = hook.repository_id;
        repository := target.name;
        IF hook.enabled AND target.state <> 3 AND days IS NOT NULL THEN
            SELECT array_agg(t.tag_id) AS ids, to_jsonb(array_agg(t.tag)) AS names INTO ending
            FROM quay_internal.expiry_tags(target, hook.id, hook.method_id, days, notice_size) AS t;
            tags := coalesce(cardinality(ending.ids), 0);
        END IF;
        IF tags > 0 THEN
            INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id)
            SELECT hook.id, t.id, hook.method_id FROM unnest(ending.ids) AS t (id);
            PERFORM quay_internal.event_spawn(target, namespace, 'repo_image_expiry',
                jsonb_build_object('tags', ending.names, 'expiring_in', format('%s days', days), 'notification_uuid', uuid),
                NULL, only_uuid => uuid);
        END IF;
        IF tags < notice_size THEN
            UPDATE quay.repositorynotification AS h SET last_ran_ms = now_ms WHERE h.id = hook.id;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.notification_expiry_run(integer) IS
    'Looks for tags that will end soon, for up to n notifications of the event repo_image_expiry, those that have waited longest, each at most once in quay.notification_expiry_interval. Tags that end within the days of the notification, or that a pruning policy will remove by then, and that it has not told of, are told in one event, of at most 1000; the mark that they have been told and the item in the queue are written together. Moving the end of a tag has it told again. Returns a row for each notification that was looked at; days NULL: it has none, and tells nothing. No row: nothing to do. Two calls at once look at different ones. Whoever moves or deletes a tag that is told of waits until we commit, so call it with a small n, until there is no row. Errors: 22023 n not positive.';

-- Notices of quotas, as 276_quota_notification.sql gives them

CREATE OR REPLACE FUNCTION quay.quota_notice_list(namespace text)
    RETURNS TABLE (threshold_percent integer, last_notified_at timestamp, cleared boolean, due boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    since timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('quota_notification_cooldown')::bigint);
BEGIN
    RETURN QUERY
        SELECT s.threshold_percent, s.last_notified_at, s.cleared, s.cleared OR s.last_notified_at IS NULL OR s.last_notified_at <= since
        FROM quay.quotanotificationstate AS s
        WHERE s.namespace_id = owner.id
        ORDER BY s.threshold_percent;
END
$$;
COMMENT ON FUNCTION quay.quota_notice_list(text) IS
    'When the notifications of a namespace were last told that a threshold of its quota is reached. cleared: usage has fallen below it since. due: who reaches it now is told; else not before quay.quota_notification_cooldown is over. Thresholds of which nothing was told have no row. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.quota_notice_forget(namespace text, threshold_percent integer DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    forgotten integer;
BEGIN
    DELETE FROM quay.quotanotificationstate AS s
    WHERE s.namespace_id = owner.id
      AND (quota_notice_forget.threshold_percent IS NULL OR s.threshold_percent = quota_notice_forget.threshold_percent);
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;
COMMENT ON FUNCTION quay.quota_notice_forget(text, integer) IS
    'Has the notifications of a namespace told again that a threshold of its quota is reached, or all of them, as if nothing had ever been told; returns how many were forgotten. Errors: QY002, QY004.';
