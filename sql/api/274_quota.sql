-- Quotas: what a namespace may hold, at which shares of it something happens, and what namespaces and repositories do hold. Counting and
-- the refusal of what would reach a limit are in 204_size.sql, the notices in 276_quota_notification.sql.

CREATE OR REPLACE FUNCTION quay_internal.size_text(bytes numeric) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    units CONSTANT text[] := ARRAY['bytes', 'KB', 'MB', 'GB', 'TB'];
    unit integer := 1;
BEGIN
    WHILE abs(bytes) >= 1024 AND unit < cardinality(units) LOOP
        bytes := bytes / 1024;
        unit := unit + 1;
    END LOOP;
    RETURN round(bytes, CASE unit WHEN 1 THEN 0 ELSE 2 END) || ' ' || units[unit];
END
$$;
COMMENT ON FUNCTION quay_internal.size_text(numeric) IS
    'A number of bytes for people, such as 1.50 GB; the units are powers of 1024.';

CREATE OR REPLACE FUNCTION quay_internal.size_percent(bytes bigint, limit_bytes bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.div(bytes::numeric * 100, limit_bytes)::bigint;
COMMENT ON FUNCTION quay_internal.size_percent(bigint, bigint) IS 'How many percent of a limit these bytes are, rounded down.';

CREATE OR REPLACE FUNCTION quay_internal.quotatype_id(type text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    -- The table has no unique key.
    SELECT min(t.id) INTO found_id FROM quay.quotatype AS t
    WHERE lower(t.name) = lower(quotatype_id.type) AND lower(t.name) = ANY (ARRAY['warning', 'reject']);
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown type of a quota limit',
            DETAIL = format('There is no type "%s".', left(quotatype_id.type, 80)),
            HINT = 'Types are warning and reject.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.quotatype_id(text) IS 'Id of a type of quota limit: warning or reject, in any case. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.quotatype_name(type_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT initcap(t.name) FROM quay.quotatype AS t WHERE t.id = type_id);
END
$$;
COMMENT ON FUNCTION quay_internal.quotatype_name(bigint) IS 'Name of a type of quota limit: Warning or Reject.';

CREATE OR REPLACE FUNCTION quay_internal.quota_bytes_check(limit_bytes numeric) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- NaN is above everything.
    IF limit_bytes IS NULL OR limit_bytes <= 0 OR limit_bytes > 9223372036854775807 OR limit_bytes <> trunc(limit_bytes) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY082',
            MESSAGE = 'illegal size of a quota',
            DETAIL = format('It is %s.', coalesce(left(limit_bytes::text, 80), 'NULL')),
            HINT = 'Pass a whole number of bytes, from 1 to 9223372036854775807.';
    END IF;
    RETURN limit_bytes::bigint;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_bytes_check(numeric) IS
    'The size of a quota in bytes. Errors: QY082 not positive, not whole, or larger than the column can hold.';

CREATE OR REPLACE FUNCTION quay_internal.quota_percent_check(percent integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF percent IS NULL OR percent NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY082',
            MESSAGE = 'illegal threshold of a quota limit',
            DETAIL = format('It is %s.', coalesce(percent::text, 'NULL')),
            HINT = 'Pass the percentage of the quota, from 1 to 100.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_percent_check(integer) IS 'Refuses (QY082) a threshold that is not between 1 and 100 percent.';

CREATE OR REPLACE FUNCTION quay_internal.quota_lock(owner quay."user") RETURNS quay.userorganizationquota
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.userorganizationquota;
BEGIN
    -- FOR UPDATE also waits for limits that others are adding.
    SELECT * INTO result FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY018',
            MESSAGE = 'namespace has no quota',
            DETAIL = format('No quota was set for namespace "%s".', owner.username),
            HINT = 'Set one with quay.quota_set().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_lock(quay."user") IS
    'Quota of a namespace, its row locked: its limits change one call at a time. Errors: QY018 it has none of its own.';

-- Where a namespace stands

CREATE OR REPLACE FUNCTION quay_internal.quota_default() RETURNS bigint
    LANGUAGE sql STABLE
    RETURN nullif(quay_internal.setting('default_reject_quota')::bigint * 1024 * 1024, 0);
COMMENT ON FUNCTION quay_internal.quota_default() IS 'quay.default_reject_quota in bytes; NULL: any size.';

CREATE OR REPLACE FUNCTION quay_internal.quota_threshold_list(namespace_id bigint, size bigint)
    RETURNS TABLE (limit_id bigint, severity text, percent integer, allowed_bytes bigint, limit_bytes bigint, reached boolean)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quota quay.userorganizationquota;
BEGIN
    SELECT * INTO quota FROM quay.userorganizationquota AS q WHERE q.namespace_id = quota_threshold_list.namespace_id;
    IF FOUND THEN
        RETURN QUERY
            SELECT l.id, initcap(t.name), l.percent_of_limit, a.bytes, quota.limit_bytes, quota_threshold_list.size >= a.bytes
            FROM quay.quotalimits AS l
            JOIN quay.quotatype AS t ON t.id = l.quota_type_id
            CROSS JOIN LATERAL (SELECT div(quota.limit_bytes::numeric * l.percent_of_limit, 100)::bigint AS bytes) AS a
            WHERE l.quota_id = quota.id AND lower(t.name) = ANY (ARRAY['warning', 'reject'])
            ORDER BY lower(t.name) = 'reject' DESC, a.bytes DESC, l.percent_of_limit DESC, l.id;
        RETURN;
    END IF;
    limit_bytes := quay_internal.quota_default();
    IF limit_bytes IS NOT NULL THEN
        severity := 'Reject';
        percent := 100;
        allowed_bytes := limit_bytes;
        reached := quota_threshold_list.size >= limit_bytes;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_threshold_list(bigint, bigint) IS
    'Limits of a namespace and whether that size reaches them, those that reject first, then the larger ones. Without a quota: quay.default_reject_quota, with no limit_id. limit_bytes is the whole quota, allowed_bytes the share that may not be reached.';

CREATE OR REPLACE FUNCTION quay_internal.quota_state(namespace_id bigint, size bigint, OUT severity text, OUT percent integer,
                                                     OUT allowed_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('quota_management')::boolean THEN
        SELECT l.severity, l.percent, l.allowed_bytes INTO severity, percent, allowed_bytes
        FROM quay_internal.quota_threshold_list(quota_state.namespace_id, quota_state.size) WITH ORDINALITY AS l
        WHERE l.reached
        ORDER BY l.ordinality
        LIMIT 1;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_state(bigint, bigint) IS
    'The limit that matters for a namespace of that size: of those that it reaches the largest that rejects, else the largest that warns. All NULL: it reaches none, or quay.quota_management is off.';

CREATE OR REPLACE FUNCTION quay_internal.quota_size(namespace_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT q.limit_bytes FROM quay.userorganizationquota AS q WHERE q.namespace_id = quota_size.namespace_id),
                    quay_internal.quota_default());
END
$$;
COMMENT ON FUNCTION quay_internal.quota_size(bigint) IS
    'The quota of a namespace in bytes, or quay.default_reject_quota; NULL if there is neither.';

CREATE OR REPLACE FUNCTION quay.quota_check(namespace text, additional_bytes bigint DEFAULT 0, uploads boolean DEFAULT false)
    RETURNS TABLE (limit_bytes bigint, severity text, usage_bytes bigint, quota_limit_bytes bigint, threshold_percent integer)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
BEGIN
    IF additional_bytes IS NULL OR additional_bytes < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of additional bytes must not be negative',
            DETAIL = format('It is %s.', coalesce(additional_bytes::text, 'NULL')),
            HINT = 'Pass how many bytes are to be added, 0 for none.';
    END IF;
    usage_bytes := quay_internal.size_of(owner_id) + additional_bytes
                   + CASE WHEN quota_check.uploads THEN quay_internal.size_reserved(owner_id) ELSE 0 END;
    SELECT s.severity, s.percent, s.allowed_bytes INTO severity, threshold_percent, limit_bytes
    FROM quay_internal.quota_state(owner_id, usage_bytes) AS s;
    quota_limit_bytes := quay_internal.quota_size(owner_id);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_check(text, bigint, boolean) IS
    'Which limit of its quota a namespace reaches, now or with so many bytes more; uploads counts what uploads under way have reserved as well, as the check of an upload does. One row. severity: Reject, Warning or NULL for none; limit_bytes and threshold_percent are those of the limit reached, NULL if there is none; quota_limit_bytes the whole quota, or quay.default_reject_quota, NULL if there is neither; usage_bytes the size that was compared. A limit is the floor of its percentage of the quota, and reached from that size on. Of several that are reached one that rejects comes before one that warns, then the largest counts. With quay.quota_management off none is ever reached.
Reject means that nothing new can be pushed; what adds no bytes still can. This is for asking beforehand: the push itself is refused with QY056, whoever else pushes at the time. Errors: 22023 additional_bytes negative, QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.quota_get(namespace text)
    RETURNS TABLE (quota_id bigint, is_default boolean, limit_bytes bigint, usage_bytes bigint, reserved_bytes bigint, usage_percent bigint,
                   severity text, threshold_percent integer, reject_bytes bigint, default_limit_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
BEGIN
    SELECT q.id INTO quota_id FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner_id;
    limit_bytes := quay_internal.quota_size(owner_id);
    is_default := quota_id IS NULL AND limit_bytes IS NOT NULL;
    usage_bytes := quay_internal.size_of(owner_id);
    reserved_bytes := quay_internal.size_reserved(owner_id);
    usage_percent := quay_internal.size_percent(usage_bytes, limit_bytes);
    SELECT s.severity, s.percent INTO severity, threshold_percent FROM quay_internal.quota_state(owner_id, usage_bytes) AS s;
    reject_bytes := quay_internal.namespace_limit(owner_id);
    default_limit_bytes := quay_internal.quota_default();
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_get(text) IS
    'The quota of a namespace and where it stands; always one row. quota_id is NULL without a quota of its own; is_default says that quay.default_reject_quota holds then, and limit_bytes is NULL where neither does. usage_bytes: the distinct blobs of its manifests, exact at any time, so there is no first count to wait for, and also while quay.quota_management is off; reserved_bytes: held by uploads under way; usage_percent: of limit_bytes, rounded down. severity and threshold_percent: the limit that is reached, as quay.quota_check() has it. reject_bytes: the size that pushes may not reach, NULL if any is allowed. default_limit_bytes: quay.default_reject_quota, NULL if it is 0. Errors: QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.quota_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (quota_id bigint, namespace text, namespace_id bigint, organization boolean, enabled boolean, limit_bytes bigint,
                   usage_bytes bigint, usage_percent bigint, severity text, threshold_percent integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, u.username::text, u.id, u.organization, u.enabled, p.limit_bytes, z.bytes,
               quay_internal.size_percent(z.bytes, p.limit_bytes), s.severity, s.percent
        FROM (SELECT * FROM quay.userorganizationquota AS q WHERE q.id > coalesce(quota_list.after, 0) ORDER BY q.id LIMIT page_size) AS p
        JOIN quay."user" AS u ON u.id = p.namespace_id
        CROSS JOIN LATERAL (SELECT quay_internal.size_of(u.id) AS bytes OFFSET 0) AS z
        CROSS JOIN LATERAL quay_internal.quota_state(u.id, z.bytes) AS s
        ORDER BY p.id;
END
$$;
COMMENT ON FUNCTION quay.quota_list(bigint, integer) IS
    'Namespaces that have a quota of their own, disabled ones too, in the order in which they got it, at most n, those after the quota_id after. Sizes in bytes; severity and threshold_percent as in quay.quota_check(). Errors: 22023 n negative.';

-- Setting quotas and their limits

CREATE OR REPLACE FUNCTION quay.quota_set(namespace text, limit_bytes numeric, replace boolean DEFAULT true, actor text DEFAULT NULL,
                                          ip text DEFAULT NULL)
    RETURNS TABLE (quota_id bigint, created boolean, previous_limit_bytes bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_set.actor);
    new_bytes bigint := quay_internal.quota_bytes_check(quota_set.limit_bytes);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    metadata jsonb := jsonb_build_object('namespace', owner.username, 'limit_bytes', new_bytes, 'limit', quay_internal.size_text(new_bytes));
BEGIN
    LOOP
        SELECT q.id, q.limit_bytes INTO quota_id, previous_limit_bytes FROM quay.userorganizationquota AS q
        WHERE q.namespace_id = owner.id FOR NO KEY UPDATE;
        created := NOT FOUND;
        EXIT WHEN NOT created;
        INSERT INTO quay.userorganizationquota AS q (namespace_id, limit_bytes) VALUES (owner.id, new_bytes)
        ON CONFLICT DO NOTHING
        RETURNING q.id INTO quota_id;
        EXIT WHEN FOUND;
        -- Somebody else has just committed one: the next turn sees it.
    END LOOP;
    IF created THEN
        PERFORM quay_internal.log_add('org_create_quota', owner.id, performer_id, NULL, metadata, quota_set.ip);
    ELSIF NOT coalesce(quota_set.replace, true) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'namespace has a quota already',
            DETAIL = format('The quota of "%s" is %s bytes.', owner.username, previous_limit_bytes),
            HINT = 'Leave out replace to change it.';
    ELSIF previous_limit_bytes <> new_bytes THEN
        UPDATE quay.userorganizationquota AS q SET limit_bytes = new_bytes WHERE q.id = quota_id;
        PERFORM quay_internal.log_add('org_change_quota', owner.id, performer_id, NULL,
            metadata || jsonb_build_object('previous_limit_bytes', previous_limit_bytes,
                                           'previous_limit', quay_internal.size_text(previous_limit_bytes)), quota_set.ip);
        PERFORM quay_internal.quota_review(owner.id, owner.username);
        -- What was told under the old quota says nothing about the new one.
        DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = owner.id AND s.cleared;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_set(text, numeric, boolean, text, text) IS
    'Gives a namespace, a person or an organization, a quota in bytes, or changes the one it has; replace false refuses the latter. Returns its id, whether it is new, and the bytes before, NULL if new. It replaces quay.default_reject_quota for the namespace, and has no effect of its own until quay.quota_limit_add() says at which share of it to warn and to reject. It may be less than what is used: nothing goes, but nothing new comes. Pushes that were admitted before are finished under the old quota. If the change makes the namespace reach limits, that is told at once. The audit kinds org_create_quota and org_change_quota are also those of people. Errors: QY002 namespace unknown, QY004 disabled, QY006 there is one and replace is false, QY007 actor unknown, QY082 illegal size.';

CREATE OR REPLACE FUNCTION quay.quota_delete(namespace text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_delete.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    quota quay.userorganizationquota;
BEGIN
    -- Waits for limits that others are adding, and for a push that is giving a notice: none of theirs is left behind.
    SELECT * INTO quota FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = owner.id;
    DELETE FROM quay.namespacenotification AS n USING quay.externalnotificationevent AS e
    WHERE n.namespace_id = owner.id AND e.id = n.event_id AND e.name = ANY (ARRAY['quota_warning', 'quota_error']);
    DELETE FROM quay.quotalimits AS l WHERE l.quota_id = quota.id;
    DELETE FROM quay.userorganizationquota AS q WHERE q.id = quota.id;
    PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(owner.id));
    PERFORM quay_internal.log_add('org_delete_quota', owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'quota_id', quota.id, 'limit_bytes', quota.limit_bytes,
                           'limit', quay_internal.size_text(quota.limit_bytes)), quota_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.quota_delete(text, text, text) IS
    'Takes its quota from a namespace, with the limits, the notices about them, and its external notifications of quota_warning and quota_error; those of other events stay. quay.default_reject_quota holds from then on. False: it had none. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.quota_limit_refuse_duplicate(quota_id bigint, type_id bigint, percent integer,
                                                                      except_id bigint DEFAULT 0) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.quotalimits AS l
               JOIN quay.quotatype AS t ON t.id = l.quota_type_id
               JOIN quay.quotatype AS w ON w.id = type_id AND lower(w.name) = lower(t.name)
               WHERE l.quota_id = quota_limit_refuse_duplicate.quota_id AND l.percent_of_limit = percent AND l.id <> except_id)
    THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'quota limit exists already',
            DETAIL = format('There is a limit of this type at %s percent.', percent),
            HINT = 'quay.quota_limit_list() shows the limits.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_limit_refuse_duplicate(bigint, bigint, integer, bigint) IS
    'Refuses (QY006) a second limit of the same type and percentage, other than that of the id except_id. The caller has locked the quota.';

CREATE OR REPLACE FUNCTION quay.quota_limit_add(namespace text, type text, percent integer, actor text DEFAULT NULL,
                                                ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_limit_add.actor);
    type_id bigint := quay_internal.quotatype_id(quota_limit_add.type);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    quota quay.userorganizationquota;
    new_id bigint;
BEGIN
    PERFORM quay_internal.quota_percent_check(quota_limit_add.percent);
    quota := quay_internal.quota_lock(owner);
    PERFORM quay_internal.quota_limit_refuse_duplicate(quota.id, type_id, quota_limit_add.percent);
    INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit) VALUES (quota.id, type_id, quota_limit_add.percent)
    RETURNING id INTO new_id;
    PERFORM quay_internal.log_add('org_create_quota_limit', owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'type', quay_internal.quotatype_name(type_id),
                           'threshold_percent', quota_limit_add.percent), quota_limit_add.ip);
    PERFORM quay_internal.quota_review(owner.id, owner.username);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.quota_limit_add(text, text, integer, text, text) IS
    'Adds a limit to the quota of a namespace, and returns its id: from percent of the quota on (rounded down to bytes) it is warned of, type warning, or refused, type reject, in any case. Of several that reject the lowest holds. A namespace that reaches it already is told at once. Errors: QY002 namespace unknown, QY004 disabled, QY006 it has this limit, QY007 actor unknown, QY009 unknown type, QY018 it has no quota, QY082 illegal percentage.';

CREATE OR REPLACE FUNCTION quay.quota_limit_set(namespace text, limit_id bigint, type text DEFAULT NULL, percent integer DEFAULT NULL,
                                                actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_limit_set.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    quota quay.userorganizationquota;
    before quay.quotalimits;
    new_type_id bigint;
    new_percent integer;
BEGIN
    quota := quay_internal.quota_lock(owner);
    SELECT * INTO before FROM quay.quotalimits AS l WHERE l.id = quota_limit_set.limit_id AND l.quota_id = quota.id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY018',
            MESSAGE = 'quota limit does not exist',
            DETAIL = format('The quota of "%s" has no limit %s.', owner.username, coalesce(quota_limit_set.limit_id::text, 'NULL')),
            HINT = 'quay.quota_limit_list() shows the limits.';
    END IF;
    new_type_id := CASE WHEN quota_limit_set.type IS NULL THEN before.quota_type_id ELSE quay_internal.quotatype_id(quota_limit_set.type) END;
    new_percent := coalesce(quota_limit_set.percent, before.percent_of_limit);
    PERFORM quay_internal.quota_percent_check(new_percent);
    IF (new_type_id, new_percent) = (before.quota_type_id, before.percent_of_limit) THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.quota_limit_refuse_duplicate(quota.id, new_type_id, new_percent, before.id);
    UPDATE quay.quotalimits AS l SET quota_type_id = new_type_id, percent_of_limit = new_percent WHERE l.id = before.id;
    -- What was told about the old limit says nothing about the new one.
    PERFORM quay_internal.quota_release(owner.id, before.percent_of_limit);
    PERFORM quay_internal.log_add('org_change_quota_limit', owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'type', quay_internal.quotatype_name(new_type_id), 'threshold_percent', new_percent,
                           'previous_type', quay_internal.quotatype_name(before.quota_type_id),
                           'previous_threshold_percent', before.percent_of_limit), quota_limit_set.ip);
    PERFORM quay_internal.quota_review(owner.id, owner.username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.quota_limit_set(text, bigint, text, integer, text, text) IS
    'Changes the type, warning or reject, or the percentage of a limit of the quota of a namespace; what is NULL stays. False: it was so already. A namespace that reaches it now is told at once. Errors: QY002 namespace unknown, QY004 disabled, QY006 there is another limit like that, QY007 actor unknown, QY009 unknown type, QY018 it has no quota or no such limit, QY082 illegal percentage.';

CREATE OR REPLACE FUNCTION quay.quota_limit_delete(namespace text, limit_id bigint, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_limit_delete.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    own_quota_id bigint;
    gone quay.quotalimits;
BEGIN
    SELECT q.id INTO own_quota_id FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR UPDATE;
    DELETE FROM quay.quotalimits AS l
    WHERE l.id = quota_limit_delete.limit_id AND l.quota_id = own_quota_id
    RETURNING * INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.quota_release(owner.id, gone.percent_of_limit);
    PERFORM quay_internal.log_add('org_delete_quota_limit', owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'limit_id', gone.id, 'type', quay_internal.quotatype_name(gone.quota_type_id),
                           'threshold_percent', gone.percent_of_limit), quota_limit_delete.ip);
    PERFORM quay_internal.quota_review(owner.id, owner.username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.quota_limit_delete(text, bigint, text, text) IS
    'Deletes a limit of the quota of a namespace, and what is remembered of notices about its percentage. False: the namespace has no such limit, or no quota. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.quota_limit_list(namespace text)
    RETURNS TABLE (limit_id bigint, type text, percent integer, allowed_bytes bigint, reached boolean, last_notified_at timestamp,
                   cleared boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
BEGIN
    RETURN QUERY
        SELECT l.limit_id, l.severity, l.percent, l.allowed_bytes, l.reached, s.last_notified_at, s.cleared
        FROM quay_internal.quota_threshold_list(owner_id, quay_internal.size_of(owner_id)) AS l
        LEFT JOIN quay.quotanotificationstate AS s ON s.namespace_id = owner_id AND s.threshold_percent = l.percent
        WHERE l.limit_id IS NOT NULL
        ORDER BY l.percent, l.severity DESC, l.limit_id;
END
$$;
COMMENT ON FUNCTION quay.quota_limit_list(text) IS
    'Limits of the quota of a namespace, by percentage; no rows if it has none. type: Warning or Reject; allowed_bytes: the size that reaches it; reached: whether the namespace does. last_notified_at: UTC time of the last external notice of that percentage; cleared: usage has fallen below since; both NULL if there was none. Errors: QY002 namespace unknown, QY004 disabled.';

-- What is held, for operators

CREATE OR REPLACE FUNCTION quay.namespace_size_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (namespace text, namespace_id bigint, organization boolean, enabled boolean, size_bytes bigint, quota_limit_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    last_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = namespace_size_list.after AND NOT u.robot);
    last_bytes bigint := quay_internal.size_of(last_id);
BEGIN
    IF namespace_size_list.after IS NOT NULL AND last_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown cursor',
            DETAIL = format('There is no namespace "%s" after which the list could go on.', left(namespace_size_list.after, 80)),
            HINT = 'Pass the namespace of the last row, or start anew.';
    END IF;
    RETURN QUERY
        SELECT u.username::text, u.id, u.organization, u.enabled, p.bytes, q.limit_bytes
        FROM (SELECT c.namespace_id, sum(c.used)::bigint AS bytes
              FROM quay_internal.size_counter AS c
              WHERE c.repository_id = 0 AND c.namespace_id > 0
              GROUP BY c.namespace_id
              HAVING sum(c.used) <> 0
                 AND (last_id IS NULL OR (sum(c.used), - c.namespace_id) < (last_bytes, - last_id))
              ORDER BY 2 DESC, 1
              LIMIT page_size) AS p
        JOIN quay."user" AS u ON u.id = p.namespace_id
        LEFT JOIN quay.userorganizationquota AS q ON q.namespace_id = u.id
        ORDER BY p.bytes DESC, u.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_size_list(text, integer) IS
    'Namespaces that hold anything, the largest first, at most n, those after the namespace after. size_bytes: the distinct blobs of its manifests, exact, also of disabled namespaces and of repositories that are marked for deletion. quota_limit_bytes: its own quota, NULL if it has none. It reads the counters of all namespaces. Errors: 22023 n negative, or after unknown.';

CREATE OR REPLACE FUNCTION quay.repository_size_list(namespace text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (repository_id bigint, name text, state text, size_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, p.name::text, quay_internal.repository_state_name(p.state), quay_internal.size_of(owner_id, p.id)
        FROM (SELECT r.id, r.name, r.state FROM quay.repository AS r
              WHERE r.namespace_user_id = owner_id AND r.name > coalesce(repository_size_list.after, '') COLLATE "C"
              ORDER BY r.name
              LIMIT page_size) AS p
        ORDER BY p.name;
END
$$;
COMMENT ON FUNCTION quay.repository_size_list(text, text, integer) IS
    'Repositories of a namespace by name and what each holds, at most n, those after the name after. size_bytes: the distinct blobs of its manifests, exact. A blob of two repositories counts in each, and once in the namespace. Those that are marked for deletion count until they are purged, so they are listed. Errors: 22023 n negative, QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.quota_recount(namespace text DEFAULT NULL) RETURNS TABLE (before_bytes bigint, after_bytes bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A disabled namespace, too.
    owner_id bigint := CASE WHEN namespace IS NULL THEN 0
        ELSE coalesce((SELECT u.id FROM quay."user" AS u WHERE u.username = quota_recount.namespace AND NOT u.robot),
                      (quay_internal.namespace_get(namespace)).id) END;
    wrong bigint;
BEGIN
    before_bytes := quay_internal.size_of(owner_id);
    IF owner_id > 0 THEN
        PERFORM quay_internal.size_recount(owner_id);
    ELSE
        -- One at a time, or a difference would be corrected twice. Each snapshot has both or neither of a blob and its bytes in the counters.
        PERFORM pg_advisory_xact_lock(hashtextextended('quay size 0', 0));
        SELECT coalesce(sum(b.image_size), 0) - quay_internal.size_of(0) INTO wrong FROM quay.imagestorage AS b;
        PERFORM quay_internal.size_add(0, 0, wrong);
    END IF;
    after_bytes := quay_internal.size_of(owner_id);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_recount(text) IS
    'Counts anew what a namespace and its repositories hold, or without a name the registry, and corrects the counters if they are wrong: for what was written while triggers were off. Returns the size before and after, in bytes; others may have pushed in between. The registry is one pass over all blobs. A namespace may be disabled. Errors: QY002 namespace unknown.';

-- The registry as a whole. The row of the reference application says what it was when somebody asked last; the counters know it at any time.

CREATE OR REPLACE FUNCTION quay.registry_size()
    RETURNS TABLE (size_bytes bigint, queued boolean, running boolean, completed_ms bigint, published_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT r.queued, r.running, r.completed_ms, r.size_bytes INTO queued, running, completed_ms, published_bytes
    FROM quay.quotaregistrysize AS r ORDER BY r.id LIMIT 1;
    size_bytes := quay_internal.size_of(0);
    queued := coalesce(queued, false);
    running := coalesce(running, false);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_size() IS
    'What all blobs of the registry come to, used or not, in bytes, exact at any time. The other columns are about the row that the reference application shows: whether a computation is asked for or under way, when the last one ended (ms since epoch UTC, NULL: never), and its result.';

CREATE OR REPLACE FUNCTION quay.registry_size_request() RETURNS TABLE (queued boolean, already_queued boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- There is one row. Under a fixed id two sessions cannot make two.
    INSERT INTO quay.quotaregistrysize AS r (id, queued)
    SELECT 1, true WHERE NOT EXISTS (SELECT FROM quay.quotaregistrysize AS e)
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        UPDATE quay.quotaregistrysize AS r SET queued = true WHERE NOT r.queued;
    END IF;
    queued := true;
    already_queued := NOT FOUND;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_size_request() IS
    'Asks for the size of the registry to be written where the reference application shows it; quay.registry_size_publish() does it. Always queued; already_queued: somebody had asked before. quay.registry_size() needs no request.';

CREATE OR REPLACE FUNCTION quay.registry_size_publish(only_if_queued boolean DEFAULT true) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    published bigint;
BEGIN
    IF NOT coalesce(registry_size_publish.only_if_queued, true) THEN
        PERFORM quay.registry_size_request();
    END IF;
    -- One that stopped half-way left "running" behind.
    UPDATE quay.quotaregistrysize AS r
    SET size_bytes = quay_internal.size_of(0), running = false, queued = false, completed_ms = quay_internal.clock_ms()
    WHERE r.queued
    RETURNING r.size_bytes INTO published;
    RETURN published;
END
$$;
COMMENT ON FUNCTION quay.registry_size_publish(boolean) IS
    'Writes the size of the registry where the reference application shows it, if quay.registry_size_request() or that application asked for it, or anyhow with only_if_queued false. Returns the bytes; NULL: nobody asked. For a worker, about once a minute. The counters are read, nothing is computed, so there is no claim to take and none to lose.';

CREATE OR REPLACE FUNCTION quay.quota_publish(after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (next_after bigint, namespaces bigint, repositories bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    start bigint := coalesce(quota_publish.after, 0);
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    -- Ids of namespaces and of repositories up to the first that either runs out of room at; NULL is the end of both.
    next_after := least(
        (SELECT CASE WHEN count(*) = batch THEN max(w.id) END
         FROM (SELECT u.id FROM quay."user" AS u WHERE u.id > start AND NOT u.robot ORDER BY u.id LIMIT batch) AS w),
        (SELECT CASE WHEN count(*) = batch THEN max(w.id) END
         FROM (SELECT r.id FROM quay.repository AS r WHERE r.id > start ORDER BY r.id LIMIT batch) AS w));

    -- Those that somebody is deleting or renaming can wait for the next time.
    INSERT INTO quay.quotanamespacesize AS s (namespace_user_id, size_bytes, backfill_start_ms, backfill_complete)
    SELECT w.id, quay_internal.size_of(w.id), now_ms, true
    FROM (SELECT u.id FROM quay."user" AS u
          WHERE u.id > start AND (next_after IS NULL OR u.id <= next_after) AND NOT u.robot
          ORDER BY u.id FOR KEY SHARE SKIP LOCKED) AS w
    WHERE NOT EXISTS (SELECT FROM quay.quotanamespacesize AS e
                      WHERE e.namespace_user_id = w.id AND e.size_bytes = quay_internal.size_of(w.id)
                        AND e.backfill_start_ms IS NOT NULL AND e.backfill_complete)
    ON CONFLICT (namespace_user_id) DO UPDATE
        SET size_bytes = EXCLUDED.size_bytes, backfill_start_ms = coalesce(s.backfill_start_ms, EXCLUDED.backfill_start_ms),
            backfill_complete = true;
    GET DIAGNOSTICS namespaces = ROW_COUNT;

    INSERT INTO quay.quotarepositorysize AS s (repository_id, size_bytes, backfill_start_ms, backfill_complete)
    SELECT w.id, quay_internal.size_of(w.namespace_user_id, w.id), now_ms, true
    FROM (SELECT r.id, r.namespace_user_id FROM quay.repository AS r
          WHERE r.id > start AND (next_after IS NULL OR r.id <= next_after) AND r.state <> 3   -- 3: marked for deletion
          ORDER BY r.id FOR KEY SHARE SKIP LOCKED) AS w
    WHERE NOT EXISTS (SELECT FROM quay.quotarepositorysize AS e
                      WHERE e.repository_id = w.id AND e.size_bytes = quay_internal.size_of(w.namespace_user_id, w.id)
                        AND e.backfill_start_ms IS NOT NULL AND e.backfill_complete)
    ON CONFLICT (repository_id) DO UPDATE
        SET size_bytes = EXCLUDED.size_bytes, backfill_start_ms = coalesce(s.backfill_start_ms, EXCLUDED.backfill_start_ms),
            backfill_complete = true;
    GET DIAGNOSTICS repositories = ROW_COUNT;

    IF next_after IS NULL THEN
        PERFORM quay.registry_size_publish(only_if_queued => false);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_publish(bigint, integer) IS
    'Writes the exact sizes of namespaces and repositories, and at the end that of the registry, to the tables quotanamespacesize, quotarepositorysize and quotaregistrysize, complete, for the screens of the reference application; nothing else here reads them. One call does at most n namespaces and n repositories, those with ids above after; call it again with next_after, in a new transaction, until that is NULL. Returns how many rows were wrong or missing. If the reference application pushes meanwhile, which adds to the same rows, a row can be off until the next round. Errors: 22023 n not positive.';
