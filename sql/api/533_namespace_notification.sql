-- Notifications of a namespace: who is told when its quota is reached. Who manages them has asked access_check_namespace() for admin.

CREATE OR REPLACE FUNCTION quay_internal.namespace_notification_log(kind text, owner quay."user", hook record, performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, owner.id, performer_id, NULL,
        jsonb_build_object('namespace', owner.username, 'notification_id', hook.uuid, 'event', hook.event, 'method', hook.method), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_notification_log(text, quay."user", record, bigint, text) IS
    'Writes to the audit log what was done with a notification of a namespace. hook: with uuid, event and method.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_create(namespace text, event text, method text, config jsonb, event_config jsonb DEFAULT '{}',
                                                              title text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    checked record;
    created record;
BEGIN
    checked := quay_internal.notification_check_all(namespace, NULL, event, method, config, event_config, title);
    INSERT INTO quay.namespacenotification AS n (uuid, namespace_id, event_id, method_id, title, config_json, event_config_json, number_of_failures)
    VALUES (gen_random_uuid()::text, owner.id, checked.event_id, checked.method_id, namespace_notification_create.title,
            namespace_notification_create.config::text, namespace_notification_create.event_config::text, 0)
    RETURNING n.uuid::text, namespace_notification_create.event, namespace_notification_create.method INTO created;
    PERFORM quay_internal.namespace_notification_log('create_namespace_notification', owner, created, performer_id, ip);
    RETURN created.uuid;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_create(text, text, text, jsonb, jsonb, text, text, text) IS
    'Has an event of a namespace, quota_warning or quota_error, told to somebody from now on, and returns the uuid of the notification. method and config: as for quay.repository_notification_create(), but e-mail needs no address: it goes to that of the namespace, and if an organization has none, to those of its administrators. event_config: {}. It writes the audit row create_namespace_notification. Errors: QY002, QY004, QY007 actor unknown, QY009 event or method unknown, QY130 config not valid, QY131 event_config or title not valid.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_list(namespace text, events text[] DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text, title text, config jsonb, event_config jsonb,
                   number_of_failures integer, enabled boolean, last_error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, e.name::text, m.name::text, t.title::text, coalesce(quay_internal.json_read(t.config_json), '{}'),
               coalesce(quay_internal.json_read(t.event_config_json), '{}'), t.number_of_failures,
               t.number_of_failures < quay_internal.notification_failure_limit(), t.last_error
        FROM quay.namespacenotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = t.method_id
        WHERE t.namespace_id = owner.id AND (events IS NULL OR e.name = ANY (events))
          AND t.id > coalesce(namespace_notification_list.after, 0)
        ORDER BY t.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_list(text, text[], bigint, integer) IS
    'Notifications of a namespace, oldest first, at most n, those after the notification_id after; disabled ones too. Columns as in quay.repository_notification_list(). Errors: 22023 n negative, QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_get(namespace text, INOUT uuid text, OUT notification_id bigint, OUT event text,
                                                           OUT method text, OUT title text, OUT config jsonb, OUT event_config jsonb,
                                                           OUT number_of_failures integer, OUT enabled boolean, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
        SELECT f.uuid, f.notification_id, f.event, f.method, f.title, coalesce(f.config, '{}'), coalesce(quay_internal.json_read(f.event_config), '{}'),
               f.number_of_failures, f.number_of_failures < quay_internal.notification_failure_limit(), f.last_error
        FROM quay_internal.notification_find(namespace_notification_get.uuid, for_namespace => true) AS f
        WHERE f.namespace_id = owner.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_get(text, text) IS
    'The notification of that uuid of a namespace, enabled or not, as quay.namespace_notification_list() shows it. No row: this namespace has none of that uuid. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_notification_lock(namespace_id bigint, wanted text)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, e.name::text, m.name::text
        FROM quay.namespacenotification AS n
        JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
        WHERE n.uuid = namespace_notification_lock.wanted AND n.namespace_id = namespace_notification_lock.namespace_id
        FOR UPDATE OF n;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_notification_lock(bigint, text) IS
    'The notification of that uuid of a namespace, its row locked; no row if there is none.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_delete(namespace text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.namespace_notification_lock(owner.id, namespace_notification_delete.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quay.namespacenotification AS n WHERE n.id = hook.notification_id;
    PERFORM quay_internal.namespace_notification_log('delete_namespace_notification', owner, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_delete(text, text, text, text) IS
    'Deletes a notification of a namespace; what is queued for it is not delivered any more. It writes the audit row delete_namespace_notification. False: this namespace has none of that uuid. Errors: QY002, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_reset(namespace text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.namespace_notification_lock(owner.id, namespace_notification_reset.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.namespacenotification AS n SET number_of_failures = 0, last_error = NULL WHERE n.id = hook.notification_id;
    PERFORM quay_internal.namespace_notification_log('reset_namespace_notification', owner, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_reset(text, text, text, text) IS
    'Enables a notification of a namespace again: forgets its failures. It writes the audit row reset_namespace_notification. False: this namespace has none of that uuid. Errors: QY002, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_notification_test(namespace text, uuid text, actor text DEFAULT NULL, oauth_token text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    owner quay."user" := quay_internal.namespace_get(namespace);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.notification_find(namespace_notification_test.uuid, for_namespace => true) AS f
    WHERE f.namespace_id = owner.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.event_test(hook, performer);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_notification_test(text, text, text, text) IS
    'Queues an example of its event for a notification of a namespace. False: this namespace has none of that uuid. actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY004, QY007 actor unknown, QY133 the notification is disabled.';
