-- Notifications within the registry: adding one, and removing those that are settled. Events, which go to whoever a repository or a
-- namespace has told to notify outside.

CREATE OR REPLACE FUNCTION quay_internal.notification_add(kind text, target_id bigint, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_uuid text;
BEGIN
    INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed, lookup_path)
    SELECT gen_random_uuid()::text, k.id, notification_add.target_id, notification_add.metadata::text, quay_internal.utc_now(), false,
           notification_add.lookup_path
    FROM quay.notificationkind AS k
    WHERE k.name = notification_add.kind
    RETURNING uuid INTO new_uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_add.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_add(text, bigint, jsonb, text) IS
    'Notifies a user, or the administrators of an organization, and returns the uuid of the notification. lookup_path: by which it can be removed. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.notification_matches(document text, metadata jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content jsonb := quay_internal.json_read(document);
BEGIN
    -- Containment is not enough: it finds [1] in [1, 2], and the value of a key may be an object or an array.
    RETURN content IS NOT NULL
       AND NOT EXISTS (SELECT FROM jsonb_each(metadata) AS m
                       WHERE jsonb_typeof(content) <> 'object' OR content -> m.key IS DISTINCT FROM m.value);
END
$$;
COMMENT ON FUNCTION quay_internal.notification_matches(text, jsonb) IS
    'Have the metadata of a notification each of these keys with an equal value? True for no keys; false for what is no JSON.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete(kind text, target_id bigint, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM quay.notification AS n
    USING quay.notificationkind AS k
    WHERE k.id = n.kind_id AND k.name = notification_delete.kind AND n.target_id = notification_delete.target_id
      AND (notification_delete.metadata IS NULL OR quay_internal.notification_matches(n.metadata_json, notification_delete.metadata));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete(text, bigint, jsonb) IS
    'Deletes the notifications of a kind and a target that have these metadata, as notification_matches() says, and returns how many there were. NULL: whatever they have, and also what is no JSON.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/".
    DELETE FROM quay.notification AS n
    WHERE n.lookup_path = notification_delete_path.lookup_path
       OR n.lookup_path >= notification_delete_path.lookup_path || '/' AND n.lookup_path < notification_delete_path.lookup_path || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete_path(text) IS
    'Deletes the notifications with this lookup path or one below it, and returns how many there were.';

-- Events. Who waits for them is told by the worker that takes these items: see 534_notification_event.sql and 535_notification_delivery.sql.

CREATE OR REPLACE FUNCTION quay_internal.notification_failure_limit() RETURNS integer
    LANGUAGE sql STABLE
    RETURN quay_internal.setting('notification_failure_limit')::integer;
COMMENT ON FUNCTION quay_internal.notification_failure_limit() IS 'A notification of a repository or namespace with fewer failures than this is enabled.';

CREATE OR REPLACE FUNCTION quay_internal.event_queue(notification_uuids text[], path text, data jsonb, performer text,
                                                     more jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.queue_add(event_queue.path,
        jsonb_build_object('notification_uuid', n.uuid, 'event_data', event_queue.data,
            'performer_data', jsonb_strip_nulls(jsonb_build_object('entity_name', event_queue.performer))) || event_queue.more)
    FROM unnest(notification_uuids) AS n (uuid);
    RETURN cardinality(notification_uuids);
END
$$;
COMMENT ON FUNCTION quay_internal.event_queue(text[], text, jsonb, text, jsonb) IS
    'Queues an event for each of these notifications, and returns how many there were. The item, with more fields if given, has the form that the worker of the reference takes.';

CREATE OR REPLACE FUNCTION quay_internal.event_spawn(repository quay.repository, namespace text, event text, data jsonb, performer text,
                                                     more jsonb DEFAULT '{}', parts text[] DEFAULT '{}', subpage text DEFAULT NULL,
                                                     only_uuid text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.repositorynotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.repository_id = repository.id AND e.name = event_spawn.event
                            AND n.number_of_failures < quay_internal.notification_failure_limit()
                            AND (only_uuid IS NULL OR n.uuid = only_uuid)
                            AND (n.event_config_json = '{}' OR quay_internal.event_passes(event_spawn.event, n.event_config_json, event_spawn.data))
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path(VARIADIC ARRAY['notification', namespace, repository.name, event] || parts),
        quay_internal.event_subject(namespace, repository.name, subpage) || data, performer, more);
END
$$;
COMMENT ON FUNCTION quay_internal.event_spawn(quay.repository, text, text, jsonb, text, jsonb, text[], text, text) IS
    'Queues an event of a repository for each notification that waits for it, is not disabled and whose filter lets it pass; only that of a uuid, if given. data is added to what names the repository; more to the item. parts: of the path of the item, behind the event. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify(repository quay.repository, namespace text, event text, data jsonb DEFAULT '{}',
                                                      performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.event_spawn(repository, namespace, event, data, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify(quay.repository, text, text, jsonb, text) IS
    'Queues an event of a repository, such as repo_push, for each notification that waits for it: see event_spawn(). Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_spawn_namespace(namespace_id bigint, namespace text, event text, data jsonb, performer text,
                                                               more jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.namespace_id = event_spawn_namespace.namespace_id AND e.name = event_spawn_namespace.event
                            AND n.number_of_failures < quay_internal.notification_failure_limit()
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, event),
        quay_internal.event_subject(namespace) || data, performer, '{"notification_type": "namespace"}' || more);
END
$$;
COMMENT ON FUNCTION quay_internal.event_spawn_namespace(bigint, text, text, jsonb, text, jsonb) IS
    'Queues an event of a namespace for each notification that waits for it and is not disabled. data is added to what names the namespace; more to the item. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify_namespace(namespace_id bigint, namespace text, event text, data jsonb DEFAULT '{}',
                                                                performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.event_spawn_namespace(namespace_id, namespace, event, data, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify_namespace(bigint, text, text, jsonb, text) IS
    'Queues an event of a namespace, such as quota_warning, for each notification that waits for it and is not disabled. Returns how many there were.';
