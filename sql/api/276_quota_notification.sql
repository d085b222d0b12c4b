-- Notices of quotas. A limit that is reached is told outside of the registry by the notifications of the namespace for quota_warning or
-- quota_error: once, and again after quay.quota_notification_cooldown if it still stands, or at once if usage has fallen below it in the
-- meantime. Within the registry who administers the namespace is told, and not again while a notice before it stands undismissed.

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_path(namespace_id bigint, kind text DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/quota/' || namespace_id::text || coalesce('/' || kind, '');
COMMENT ON FUNCTION quay_internal.quota_notice_path(bigint, text) IS
    'Path by which notices of the quota of a namespace are found and removed, all or those of a kind.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_kind(severity text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE severity WHEN 'Warning' THEN 'quota_warning' ELSE 'quota_error' END;
COMMENT ON FUNCTION quay_internal.quota_notice_kind(text) IS 'Kind of notice, and event, for a limit of this type: quota_warning or quota_error.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_since() RETURNS timestamp
    LANGUAGE sql VOLATILE
    RETURN quay_internal.utc_now() - make_interval(secs => quay_internal.setting('quota_notification_cooldown')::bigint);
COMMENT ON FUNCTION quay_internal.quota_notice_since() IS 'A notice from before this time can be given again.';

-- The claim of a threshold

CREATE OR REPLACE FUNCTION quay_internal.quota_channel_exists(namespace_id bigint, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                   WHERE n.namespace_id = quota_channel_exists.namespace_id AND e.name = quota_channel_exists.kind
                     AND n.number_of_failures < quay_internal.notification_failure_limit());
END
$$;
COMMENT ON FUNCTION quay_internal.quota_channel_exists(bigint, text) IS
    'Does the namespace have a notification for this event that is not disabled?';

CREATE OR REPLACE FUNCTION quay_internal.quota_claim(owner_id bigint, percent integer, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay.quotanotificationstate AS s (namespace_id, threshold_percent, last_notified_at, cleared)
    VALUES (quota_claim.owner_id, quota_claim.percent, quay_internal.utc_now(), false)
    ON CONFLICT (namespace_id, threshold_percent) DO UPDATE SET last_notified_at = EXCLUDED.last_notified_at, cleared = false
        WHERE s.cleared AND NOT rejected OR s.last_notified_at IS NULL OR s.last_notified_at <= quay_internal.quota_notice_since();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_claim(bigint, integer, boolean) IS
    'Claims the external notice of a threshold: true for one caller, and then for nobody until the cooldown is over or usage has fallen below. rejected: a push was refused, so usage never reached the limit and always is below it; then only the cooldown counts.';

CREATE OR REPLACE FUNCTION quay_internal.quota_release(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.quotanotificationstate AS s
    WHERE s.namespace_id = quota_release.namespace_id AND s.threshold_percent = quota_release.percent;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_release(bigint, integer) IS 'Gives a claim back: as if nothing had ever been told about the threshold.';

CREATE OR REPLACE FUNCTION quay_internal.quota_clear(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.quotanotificationstate AS s SET cleared = true
    WHERE s.namespace_id = quota_clear.namespace_id AND s.threshold_percent = quota_clear.percent AND NOT s.cleared;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_clear(bigint, integer) IS 'Usage is below the threshold: who reaches it next is told at once.';

-- Telling

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_due(namespace_id bigint, kind text, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
BEGIN
    RETURN NOT EXISTS (SELECT FROM quay.notification AS n
                       WHERE n.lookup_path = quay_internal.quota_notice_path(quota_notice_due.namespace_id, kind)
                         AND (NOT n.dismissed OR n.created > since))
        OR quay_internal.quota_channel_exists(quota_notice_due.namespace_id, kind)
           AND NOT EXISTS (SELECT FROM quay.quotanotificationstate AS s
                           WHERE s.namespace_id = quota_notice_due.namespace_id AND s.threshold_percent = quota_notice_due.percent
                             AND NOT s.cleared AND s.last_notified_at > since);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_due(bigint, text, integer) IS
    'May there be anything to tell about a threshold that is reached? Cheap, without locks: most pushes above it stop here.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_add(namespace_id bigint, namespace text, kind text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
    metadata jsonb := jsonb_build_object('namespace', quota_notice_add.namespace);
    admin_id bigint;
    added integer := 0;
BEGIN
    FOR admin_id IN
        SELECT a.user_id FROM quay.organization_admin_list_many(ARRAY[quota_notice_add.namespace]) AS a WHERE a.enabled
        UNION
        SELECT u.id FROM quay."user" AS u WHERE u.id = quota_notice_add.namespace_id AND NOT u.organization
        ORDER BY 1
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id
            WHERE n.target_id = admin_id AND k.name = quota_notice_add.kind AND (NOT n.dismissed OR n.created > since)
              AND quay_internal.notification_matches(n.metadata_json, metadata));
        PERFORM quay_internal.notification_add(kind, admin_id, metadata, quay_internal.quota_notice_path(quota_notice_add.namespace_id, kind));
        added := added + 1;
    END LOOP;
    RETURN added;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_add(bigint, text, text) IS
    'Tells the person, or the enabled administrators of the organization, within the registry, and returns how many were told. Not who has such a notice that is not dismissed, or got one within the cooldown. The caller sees to it that only one does this for a namespace at a time.';

CREATE OR REPLACE FUNCTION quay_internal.quota_tell(namespace_id bigint, namespace text, severity text, percent integer, usage_bytes bigint,
                                                    limit_bytes bigint, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := quay_internal.quota_notice_kind(severity);
    told boolean := false;
BEGIN
    -- Who makes a notification later is to hear of what stands then: no claim without one.
    IF quay_internal.quota_channel_exists(quota_tell.namespace_id, kind)
       AND quay_internal.quota_claim(quota_tell.namespace_id, quota_tell.percent, rejected)
    THEN
        told := quay_internal.event_notify_namespace(quota_tell.namespace_id, quota_tell.namespace, kind, jsonb_build_object(
            'threshold_percent', quota_tell.percent, 'usage_bytes', usage_bytes, 'limit_bytes', limit_bytes,
            'usage_percent', quay_internal.size_percent(usage_bytes, limit_bytes),
            'usage_bytes_formatted', quay_internal.size_text(usage_bytes),
            'limit_bytes_formatted', quay_internal.size_text(limit_bytes))) > 0;
        IF NOT told THEN
            PERFORM quay_internal.quota_release(quota_tell.namespace_id, quota_tell.percent);
        END IF;
    END IF;
    RETURN quay_internal.quota_notice_add(quota_tell.namespace_id, quota_tell.namespace, kind) > 0 OR told;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_tell(bigint, text, text, integer, bigint, bigint, boolean) IS
    'Tells that a namespace has reached a limit, as far as that has not been told yet, within the registry and outside. limit_bytes: the whole quota. True: somebody is told. The caller has locked the quota.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warn(namespace_id bigint, namespace text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quota record;
    size bigint;
    state record;
BEGIN
    -- Most namespaces have no quota, and most of those that have are far from its lowest limit.
    SELECT q.id, q.limit_bytes, min(div(q.limit_bytes::numeric * l.percent_of_limit, 100)) AS lowest INTO quota
    FROM quay.userorganizationquota AS q JOIN quay.quotalimits AS l ON l.quota_id = q.id
    WHERE q.namespace_id = quota_warn.namespace_id
    GROUP BY q.id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    size := quay_internal.size_of(quota_warn.namespace_id);
    IF size < quota.lowest THEN
        RETURN;
    END IF;
    SELECT * INTO state FROM quay_internal.quota_state(quota_warn.namespace_id, size);
    IF state.severity IS NULL
       OR NOT quay_internal.quota_notice_due(quota_warn.namespace_id, quay_internal.quota_notice_kind(state.severity), state.percent)
    THEN
        RETURN;
    END IF;
    BEGIN
        -- Whoever has it locked is telling, or changes the quota and tells then. A push does not wait for that.
        PERFORM FROM quay.userorganizationquota AS q WHERE q.id = quota.id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM quay_internal.quota_tell(quota_warn.namespace_id, quota_warn.namespace, state.severity, state.percent, size, quota.limit_bytes);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not give notice of the quota of namespace "%": %', quota_warn.namespace, SQLERRM;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warn(bigint, text) IS
    'For a push that has added to a namespace: tells the limit that it has reached, if any. Never waits and never fails, it warns at worst; what it leaves out quay.quota_notify_sweep() makes good. One index probe if the namespace has no quota.';

CREATE OR REPLACE FUNCTION quay.quota_rejected(namespace text, repository text DEFAULT NULL, additional_bytes bigint DEFAULT 0,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_rejected.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    size bigint;
    lowest record;
BEGIN
    IF NOT quay_internal.setting('quota_management')::boolean THEN
        RETURN false;
    END IF;
    -- One at a time for a namespace. Without a quota of its own there is no other row to wait at.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM FROM quay."user" AS u WHERE u.id = owner.id FOR NO KEY UPDATE;
    END IF;
    size := quay_internal.size_of(owner.id) + greatest(coalesce(quota_rejected.additional_bytes, 0), 0);
    SELECT * INTO lowest FROM quay_internal.quota_threshold_list(owner.id, size) AS l
    WHERE l.severity = 'Reject' ORDER BY l.allowed_bytes, l.percent LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF quota_rejected.repository IS NOT NULL THEN
        PERFORM quay_internal.log_add('push_repo_failed', owner.id, performer_id,
            quay_internal.repository_find(owner.username, quota_rejected.repository),
            jsonb_build_object('namespace', owner.username, 'repo', quota_rejected.repository, 'message', 'quota exceeded',
                               'limit_bytes', lowest.allowed_bytes), quota_rejected.ip);
    END IF;
    RETURN quay_internal.quota_tell(owner.id, owner.username, lowest.severity, lowest.percent, size, lowest.limit_bytes, rejected => true);
END
$$;
COMMENT ON FUNCTION quay.quota_rejected(text, text, bigint, text, text) IS
    'Tells that a push or an upload was refused for its quota. What fails with QY056 leaves nothing behind, no notice either: a front end calls this afterwards, in a transaction of its own. quota_error goes to who administers the namespace, and to its external notifications, at most once in quay.quota_notification_cooldown. repository: writes an audit row of kind push_repo_failed as well. additional_bytes: what the refused push would have added, for the figures of the notice. True: somebody is told; false: it was told already, or nothing rejects in this namespace any more. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

-- Looking again

CREATE OR REPLACE FUNCTION quay_internal.quota_action_list(namespace_id bigint)
    RETURNS TABLE (tell boolean, severity text, percent integer, usage_bytes bigint, limit_bytes bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := quay_internal.size_of(quota_action_list.namespace_id);
BEGIN
    RETURN QUERY
        SELECT l.reached, l.severity, l.percent, size, l.limit_bytes
        FROM quay_internal.quota_threshold_list(quota_action_list.namespace_id, size) AS l
        WHERE l.limit_id IS NOT NULL
          AND CASE WHEN l.reached
                   THEN quay_internal.quota_notice_due(quota_action_list.namespace_id, quay_internal.quota_notice_kind(l.severity), l.percent)
                   ELSE EXISTS (SELECT FROM quay.quotanotificationstate AS s
                                WHERE s.namespace_id = quota_action_list.namespace_id AND s.threshold_percent = l.percent AND NOT s.cleared)
              END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_action_list(bigint) IS
    'Limits of a namespace about which there is something to do: tell that they are reached, or clear what was told.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warning_is_settled(namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.notification AS n
                   WHERE n.lookup_path = quay_internal.quota_notice_path(quota_warning_is_settled.namespace_id, 'quota_warning'))
       AND NOT EXISTS (SELECT FROM quay_internal.quota_threshold_list(quota_warning_is_settled.namespace_id,
                                                                      quay_internal.size_of(quota_warning_is_settled.namespace_id)) AS l
                       WHERE l.severity = 'Warning' AND l.reached);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warning_is_settled(bigint) IS
    'Are there warnings within the registry about a namespace that reaches no limit that warns any more?';

CREATE OR REPLACE FUNCTION quay_internal.quota_review(namespace_id bigint, namespace text, OUT told integer, OUT cleared integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    action record;
BEGIN
    told := 0;
    cleared := 0;
    IF NOT quay_internal.setting('quota_management')::boolean
       OR NOT EXISTS (SELECT FROM quay_internal.quota_action_list(quota_review.namespace_id))
          AND NOT quay_internal.quota_warning_is_settled(quota_review.namespace_id)
    THEN
        RETURN;
    END IF;
    -- With the lock, what a push has told, and the size that it has left, are both seen or both not.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = quota_review.namespace_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR action IN SELECT * FROM quay_internal.quota_action_list(quota_review.namespace_id) LOOP
        IF NOT action.tell THEN
            cleared := cleared + quay_internal.quota_clear(quota_review.namespace_id, action.percent)::integer;
        ELSIF quay_internal.quota_tell(quota_review.namespace_id, quota_review.namespace, action.severity, action.percent,
                                       action.usage_bytes, action.limit_bytes) THEN
            told := told + 1;
        END IF;
    END LOOP;
    IF quay_internal.quota_warning_is_settled(quota_review.namespace_id) THEN
        PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(quota_review.namespace_id, 'quota_warning'));
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_review(bigint, text) IS
    'Tells each limit of a namespace that its size reaches, unless that was told, and clears those that it does not reach any more; warnings within the registry go with the last. Returns how many of each. Nothing if somebody else is at it, or quay.quota_management is off.';

CREATE OR REPLACE FUNCTION quay.quota_notify_sweep(after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (next_after bigint, namespaces integer, told integer, cleared integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    quota record;
    review record;
BEGIN
    namespaces := 0;
    told := 0;
    cleared := 0;
    FOR quota IN
        SELECT q.id, q.namespace_id, u.username::text AS namespace, u.enabled
        FROM quay.userorganizationquota AS q JOIN quay."user" AS u ON u.id = q.namespace_id
        WHERE q.id > coalesce(quota_notify_sweep.after, 0)
        ORDER BY q.id
        LIMIT batch
    LOOP
        IF quota.enabled THEN
            SELECT * INTO review FROM quay_internal.quota_review(quota.namespace_id, quota.namespace);
            told := told + review.told;
            cleared := cleared + review.cleared;
        END IF;
        namespaces := namespaces + 1;
        next_after := quota.id;
    END LOOP;
    IF namespaces < batch THEN
        next_after := NULL;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_notify_sweep(bigint, integer) IS
    'Looks at namespaces with a quota of their own, at most n, those with a quota_id above after, and makes good what pushes did not tell: limits that are reached, and not told since quay.quota_notification_cooldown. Limits that are not reached any more are cleared, so that the next time is told at once, and warnings within the registry are removed then. Disabled namespaces are left alone. Returns how many namespaces it saw, limits it told and limits it cleared; call it again with next_after, in a new transaction, until that is NULL, and the whole about every five minutes. Errors: 22023 n not positive.';
