-- Notifications within the registry, as people read them: their own, and those of the organizations that they administer.

CREATE OR REPLACE FUNCTION quay_internal.notification_kind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT k.id FROM quay.notificationkind AS k WHERE k.name = notification_kind_id.kind);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_kind_id.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_kind_id(text) IS 'Id of a kind of notification. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.notification_target(target text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = notification_target.target);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(notification_target.target, 80)),
            HINT = 'Pass the name of a person, an organization or a robot.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_target(text) IS 'Id of the person, organization or robot of that name, enabled or not. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.notification_sight(user_id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT notification_sight.user_id
        UNION
        SELECT t.organization_id
        FROM quay.teammember AS m
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE m.user_id = notification_sight.user_id AND r.name = 'admin');
END
$$;
COMMENT ON FUNCTION quay_internal.notification_sight(bigint) IS
    'Whose notifications somebody sees: ids of himself and of the organizations in which he is in a team of role admin.';

CREATE OR REPLACE FUNCTION quay_internal.notification_check(metadata jsonb, lookup_path text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN jsonb_typeof(metadata) IS DISTINCT FROM 'object' THEN format('Its metadata are %s, not an object.', coalesce(jsonb_typeof(metadata), 'NULL'))
        WHEN lookup_path !~ '^/.*[^/]$' THEN format('Its path "%s" does not start with "/", or ends in one.', left(lookup_path, 80))
        WHEN char_length(lookup_path) > 255 THEN format('Its path has %s characters; it may have 255.', char_length(lookup_path))
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed notification',
            DETAIL = problem,
            HINT = 'Pass a JSON object, and a path such as /service_key_approval/abc, or NULL for none.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_check(jsonb, text) IS
    'Refuses (QY077) metadata that are no JSON object, and a path that does not start with "/", ends in "/" or is too long.';

-- Creating

CREATE OR REPLACE FUNCTION quay.notification_create(kind text, target text, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_check(metadata, lookup_path);
    -- So that nobody deletes him meanwhile, which would end in a violated foreign key.
    PERFORM FROM quay."user" AS u WHERE u.username = notification_create.target FOR KEY SHARE;
    RETURN quay_internal.notification_add(kind, quay_internal.notification_target(target), metadata, lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_create(text, text, jsonb, text) IS
    'Notifies a person or a robot, or the administrators of an organization, within the registry, and returns the uuid of the notification. kind: a name in quay.notificationkind. metadata: a JSON object, what there is to say. lookup_path: by which quay.notification_delete_path() finds it when it is settled. Errors: QY007 target unknown, QY009 kind unknown, QY077 metadata or path malformed.';

CREATE OR REPLACE FUNCTION quay.notification_create_unique(kind text, target text, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_kind_id bigint := quay_internal.notification_kind_id(kind);
    found_id bigint;
BEGIN
    PERFORM quay_internal.notification_check(metadata, lookup_path);
    -- One at a time for a target. Who waited here sees in his next statement what the other one created.
    PERFORM FROM quay."user" AS u WHERE u.username = notification_create_unique.target FOR NO KEY UPDATE;
    found_id := quay_internal.notification_target(target);
    IF EXISTS (SELECT FROM quay.notification AS n
               WHERE n.target_id = ANY (quay_internal.notification_sight(found_id)) AND NOT n.dismissed AND n.kind_id = wanted_kind_id) THEN
        RETURN NULL;
    END IF;
    -- A new version of the row, so that who waits with the snapshot of REPEATABLE READ, which does not see ours, fails (40001).
    UPDATE quay."user" AS u SET last_accessed = u.last_accessed WHERE u.id = found_id;
    RETURN quay_internal.notification_add(kind, found_id, metadata, lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_create_unique(text, text, jsonb, text) IS
    'As quay.notification_create(), but only if the target sees no notification of this kind that is not dismissed, his own or one of an organization that he administers; NULL: he does. Two calls at once make one. Errors: QY007 target unknown, QY009 kind unknown, QY077 metadata or path malformed.';

-- Reading

CREATE OR REPLACE FUNCTION quay.notification_list(username text, kinds text[] DEFAULT NULL, include_dismissed boolean DEFAULT false,
                                                  after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, kind text, target text, metadata jsonb, created timestamp, dismissed boolean,
                   lookup_path text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
    kind_ids bigint[] := CASE WHEN kinds IS NOT NULL THEN ARRAY(SELECT k.id FROM quay.notificationkind AS k WHERE k.name = ANY (kinds)) END;
    before_id bigint := coalesce(notification_list.after, 9223372036854775807);
    ids bigint[];
BEGIN
    -- Of each target its newest ones, then the newest of these. In this order, and with ranges, only the indexes on (target_id, id) do; with
    -- target_id = s.id the planner might walk through the notifications of everybody by their ids.
    IF include_dismissed THEN
        ids := ARRAY(SELECT p.id FROM unnest(sight) AS s (id)
                     CROSS JOIN LATERAL (SELECT n.id FROM quay.notification AS n
                                         WHERE n.target_id >= s.id AND (n.target_id, n.id) < (s.id, before_id)
                                           AND (kind_ids IS NULL OR n.kind_id = ANY (kind_ids))
                                         ORDER BY n.target_id DESC, n.id DESC LIMIT page_size) AS p
                     ORDER BY p.id DESC LIMIT page_size);
    ELSE
        ids := ARRAY(SELECT p.id FROM unnest(sight) AS s (id)
                     CROSS JOIN LATERAL (SELECT n.id FROM quay.notification AS n
                                         WHERE n.target_id >= s.id AND (n.target_id, n.id) < (s.id, before_id) AND NOT n.dismissed
                                           AND (kind_ids IS NULL OR n.kind_id = ANY (kind_ids))
                                         ORDER BY n.target_id DESC, n.id DESC LIMIT page_size) AS p
                     ORDER BY p.id DESC LIMIT page_size);
    END IF;
    RETURN QUERY
        SELECT n.id, n.uuid::text, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        WHERE n.id = ANY (ids)
        ORDER BY n.id DESC;
END
$$;
COMMENT ON FUNCTION quay.notification_list(text, text[], boolean, bigint, integer) IS
    'Notifications that a person or robot sees, his own and those of organizations that he administers, newest first, at most n, those before the notification_id after: pass that of the last row for the next page. kinds: only of these; NULL: all. include_dismissed: also those that were dismissed. target: whose it is. created in UTC. metadata: {} for what is no JSON. Errors: 22023 n negative, QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_get(username text, INOUT uuid text, OUT notification_id bigint, OUT kind text, OUT target text,
                                                 OUT metadata jsonb, OUT created timestamp, OUT dismissed boolean, OUT lookup_path text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
BEGIN
    RETURN QUERY
        SELECT n.uuid::text, n.id, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        WHERE n.uuid = notification_get.uuid AND n.target_id = ANY (sight)
        ORDER BY n.id
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.notification_get(text, text) IS
    'The notification of that uuid, dismissed or not, as quay.notification_list() shows it. No row: there is none, or this person does not see it. Errors: QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_list_path(path text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, kind text, target text, metadata jsonb, created timestamp, dismissed boolean,
                   lookup_path text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, k.name::text, u.username::text, coalesce(quay_internal.json_read(n.metadata_json), '{}'), n.created, n.dismissed,
               n.lookup_path::text
        FROM quay.notification AS n
        JOIN quay.notificationkind AS k ON k.id = n.kind_id
        JOIN quay."user" AS u ON u.id = n.target_id
        -- "0" is the character after "/".
        WHERE (n.lookup_path = notification_list_path.path
               OR n.lookup_path >= notification_list_path.path || '/' AND n.lookup_path < notification_list_path.path || '0')
          AND n.id > coalesce(notification_list_path.after, 0)
        ORDER BY n.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.notification_list_path(text, bigint, integer) IS
    'Notifications, whosever, with this lookup path or one below it (/a finds /a and /a/b, not /ab), oldest first, at most n, those after the notification_id after. Columns as in quay.notification_list(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.notification_exists(target text, kind text, metadata jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := quay_internal.notification_target(target);
    wanted_kind_id bigint := quay_internal.notification_kind_id(kind);
BEGIN
    RETURN EXISTS (SELECT FROM quay.notification AS n
                   WHERE n.target_id = found_id AND n.kind_id = wanted_kind_id
                     AND quay_internal.notification_matches(n.metadata_json, notification_exists.metadata));
END
$$;
COMMENT ON FUNCTION quay.notification_exists(text, text, jsonb) IS
    'Has the target itself a notification of this kind, dismissed or not, whose metadata have each of these keys with an equal value? It may have others; without keys any will do. What is no JSON does not count. Errors: QY007 target unknown, QY009 kind unknown.';

-- Dismissing and deleting

CREATE OR REPLACE FUNCTION quay.notification_dismiss(username text, uuid text, dismissed boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    sight bigint[] := quay_internal.notification_sight(quay_internal.notification_target(username));
    found_id bigint;
BEGIN
    SELECT n.id INTO found_id FROM quay.notification AS n
    WHERE n.uuid = notification_dismiss.uuid AND n.target_id = ANY (sight) ORDER BY n.id LIMIT 1 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.notification AS n SET dismissed = coalesce(notification_dismiss.dismissed, true)
    WHERE n.id = found_id AND n.dismissed <> coalesce(notification_dismiss.dismissed, true);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.notification_dismiss(text, text, boolean) IS
    'Dismisses a notification, or with dismissed => false shows it again. That of an organization is dismissed for all its administrators. False: there is none of that uuid, or this person does not see it. Errors: QY007 nobody of that name.';

CREATE OR REPLACE FUNCTION quay.notification_delete_kind(kind text, target text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone_kind_id bigint := quay_internal.notification_kind_id(kind);
    deleted bigint;
BEGIN
    IF notification_delete_kind.target IS NOT NULL THEN
        RETURN quay_internal.notification_delete(kind, quay_internal.notification_target(target), NULL);
    END IF;
    DELETE FROM quay.notification AS n WHERE n.kind_id = gone_kind_id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.notification_delete_kind(text, text) IS
    'Deletes all notifications of a kind, or those of one target, dismissed or not, and returns how many there were. Errors: QY007 target unknown, QY009 kind unknown.';

CREATE OR REPLACE FUNCTION quay.notification_delete_matching(kind text, target text, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_kind_id(kind);
    RETURN quay_internal.notification_delete(kind, quay_internal.notification_target(target), coalesce(notification_delete_matching.metadata, '{}'));
END
$$;
COMMENT ON FUNCTION quay.notification_delete_matching(text, text, jsonb) IS
    'Deletes the notifications of a kind and a target whose metadata have each of these keys with an equal value, and returns how many there were. They may have other keys; what is no JSON stays. Errors: QY007 target unknown, QY009 kind unknown.';

CREATE OR REPLACE FUNCTION quay.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.notification_delete_path(lookup_path);
END
$$;
COMMENT ON FUNCTION quay.notification_delete_path(text) IS
    'Deletes the notifications, whosever, with this lookup path or one below it (/a finds /a and /a/b, not /ab), and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.notification_expire(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    lifetime integer := quay_internal.setting('notification_lifetime')::integer;
    before timestamp := quay_internal.utc_now() - make_interval(secs => lifetime);
    expired bigint[];
BEGIN
    IF lifetime = 0 THEN
        RETURN 0;
    END IF;
    -- What is named like an event tells of one. The other kinds ask for something, and go when that is settled.
    expired := ARRAY(
        SELECT n.id FROM quay.notification AS n
        WHERE n.created < before
          AND (n.dismissed OR n.kind_id IN (SELECT k.id FROM quay.notificationkind AS k
                                            JOIN quay.externalnotificationevent AS e ON e.name = k.name))
        ORDER BY n.created LIMIT batch FOR UPDATE SKIP LOCKED);
    DELETE FROM quay.notification AS n WHERE n.id = ANY (expired);
    RETURN cardinality(expired);
END
$$;
COMMENT ON FUNCTION quay.notification_expire(integer) IS
    'Deletes at most n notifications that are older than quay.notification_lifetime, and returns how many: those that were dismissed, and those that tell of an event, dismissed or not. What asks for something, such as an invitation, stays until it is settled. 0: nothing to do, or the setting is 0. Two calls at once delete different ones. Errors: 22023 n not positive.';
