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

CREATE OR REPLACE FUNCTION quay_internal.notification_delete(kind text, target_id bigint, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM quay.notification AS n
    USING quay.notificationkind AS k
    WHERE k.id = n.kind_id AND k.name = notification_delete.kind AND n.target_id = notification_delete.target_id
      AND quay_internal.json_read(n.metadata_json) @> notification_delete.metadata;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete(text, bigint, jsonb) IS
    'Deletes the notifications of a kind and a target whose metadata contain those given, and returns how many there were.';

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

CREATE OR REPLACE FUNCTION quay_internal.event_notify(repository quay.repository, namespace text, event text, data jsonb DEFAULT '{}',
                                                      performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Three failures in a row disable a notification.
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.repositorynotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.repository_id = repository.id AND e.name = event_notify.event AND n.number_of_failures < 3
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, repository.name, event),
        jsonb_build_object('repository', namespace || '/' || repository.name, 'namespace', namespace, 'name', repository.name) || data,
        performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify(quay.repository, text, text, jsonb, text) IS
    'Queues an event of a repository, such as repo_push, for each notification that waits for it and is not disabled. data is added to what names the repository. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify_namespace(namespace_id bigint, namespace text, event text, data jsonb DEFAULT '{}',
                                                                performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.namespace_id = event_notify_namespace.namespace_id AND e.name = event_notify_namespace.event
                            AND n.number_of_failures < 3
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, event),
        jsonb_build_object('namespace', namespace) || data, performer, '{"notification_type": "namespace"}');
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify_namespace(bigint, text, text, jsonb, text) IS
    'Queues an event of a namespace, such as quota_warning, for each notification that waits for it and is not disabled. Returns how many there were.';
