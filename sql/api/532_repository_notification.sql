-- Notifications of a repository: who is told when something happens there. Who manages them has asked access_check() for admin.

CREATE OR REPLACE FUNCTION quay_internal.repository_notification_log(kind text, target quay.repository, namespace text, hook record,
                                                                     performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'notification_id', hook.uuid, 'event', hook.event,
                           'method', hook.method), ip);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_notification_log(text, quay.repository, text, record, bigint, text) IS
    'Writes to the audit log what was done with a notification of a repository. hook: with uuid, event and method.';

CREATE OR REPLACE FUNCTION quay.repository_notification_create(namespace text, repository text, event text, method text, config jsonb,
                                                               event_config jsonb DEFAULT '{}', title text DEFAULT NULL,
                                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    checked record;
    created record;
BEGIN
    checked := quay_internal.notification_check_all(namespace, target.id, event, method, config, event_config, title);
    INSERT INTO quay.repositorynotification AS n (uuid, repository_id, event_id, method_id, title, config_json, event_config_json, number_of_failures)
    VALUES (gen_random_uuid()::text, target.id, checked.event_id, checked.method_id, repository_notification_create.title,
            repository_notification_create.config::text, repository_notification_create.event_config::text, 0)
    RETURNING n.uuid::text, repository_notification_create.event, repository_notification_create.method INTO created;
    PERFORM quay_internal.repository_notification_log('add_repo_notification', target, namespace, created, performer_id, ip);
    RETURN created.uuid;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_create(text, text, text, text, jsonb, jsonb, text, text, text) IS
'Has an event of a repository told to somebody from now on, and returns the uuid of the notification.

event: repo_push, build_queued, build_start, build_success, build_failure, build_cancelled, vulnerability_found, repo_mirror_sync_started, repo_mirror_sync_success, repo_mirror_sync_failed or repo_image_expiry.
method and config: webhook {"url", "template"}; slack {"url"}; email {"email"}, an address confirmed with repository_email_confirm(); quay_notification {"target": {"kind": "user", "org" or "team", "name"}}, the organization that owns the repository, or a team of it; flowdock {"flow_api_token"}; hipchat {"notification_token", "room_id"}. URLs are those that webhook_check() lets pass.
event_config: vulnerability_found {"level": 0 to 5}, told if as severe or more, 0 is Critical; build_* {"ref-regex"}, a regular expression of PostgreSQL that the ref must begin with; repo_image_expiry {"days"}, how long before; else {}.
title: for people.
It writes the audit row add_repo_notification. Errors: QY002, QY003, QY004, QY007 actor unknown, QY009 event or method unknown, QY130 config not valid, QY131 event_config or title not valid, QY132 e-mail address not confirmed.';

CREATE OR REPLACE FUNCTION quay.repository_notification_list(namespace text, repository text, events text[] DEFAULT NULL, after bigint DEFAULT NULL,
                                                             n integer DEFAULT 100)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text, title text, config jsonb, event_config jsonb,
                   number_of_failures integer, enabled boolean, last_error text, last_ran_ms bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    page_size integer := quay_internal.page_size(n);
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, e.name::text, m.name::text, t.title::text, coalesce(quay_internal.json_read(t.config_json), '{}'),
               coalesce(quay_internal.json_read(t.event_config_json), '{}'), t.number_of_failures,
               t.number_of_failures < quay_internal.notification_failure_limit(), t.last_error, t.last_ran_ms
        FROM quay.repositorynotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = t.method_id
        WHERE t.repository_id = target.id AND (events IS NULL OR e.name = ANY (events))
          AND t.id > coalesce(repository_notification_list.after, 0)
        ORDER BY t.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_list(text, text, text[], bigint, integer) IS
    'Notifications of a repository, oldest first, at most n, those after the notification_id after; disabled ones too. events: only of these; NULL: all. enabled: fewer failures in a row than quay.notification_failure_limit. last_error: what the last delivery failed with, NULL if it did not. last_ran_ms: when repo_image_expiry last looked, ms since 1970. config is confidential: an URL may carry a token. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.repository_notification_get(namespace text, repository text, INOUT uuid text, OUT notification_id bigint,
                                                            OUT event text, OUT method text, OUT title text, OUT config jsonb,
                                                            OUT event_config jsonb, OUT number_of_failures integer, OUT enabled boolean,
                                                            OUT last_error text, OUT last_ran_ms bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT f.uuid, f.notification_id, f.event, f.method, f.title, coalesce(f.config, '{}'), coalesce(quay_internal.json_read(f.event_config), '{}'),
               f.number_of_failures, f.number_of_failures < quay_internal.notification_failure_limit(), f.last_error, f.last_ran_ms
        FROM quay_internal.notification_find(repository_notification_get.uuid, for_namespace => false) AS f
        WHERE f.repository_id = target.id;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_get(text, text, text) IS
    'The notification of that uuid of a repository, enabled or not, as quay.repository_notification_list() shows it. No row: this repository has none of that uuid. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.repository_notification_lock(repository_id bigint, wanted text)
    RETURNS TABLE (notification_id bigint, uuid text, event text, method text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        SELECT n.id, n.uuid::text, e.name::text, m.name::text
        FROM quay.repositorynotification AS n
        JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
        JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
        WHERE n.uuid = repository_notification_lock.wanted AND n.repository_id = repository_notification_lock.repository_id
        FOR UPDATE OF n;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_notification_lock(bigint, text) IS
    'The notification of that uuid of a repository, its row locked; no row if there is none.';

CREATE OR REPLACE FUNCTION quay.repository_notification_delete(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                               ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    -- With the lock nobody marks tags for it any more, and those marked are seen.
    SELECT * INTO hook FROM quay_internal.repository_notification_lock(target.id, repository_notification_delete.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = hook.notification_id;
    DELETE FROM quay.repositorynotification AS n WHERE n.id = hook.notification_id;
    PERFORM quay_internal.repository_notification_log('delete_repo_notification', target, namespace, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_delete(text, text, text, text, text) IS
    'Deletes a notification of a repository, with the marks of what it has told about tags; what is queued for it is not delivered any more. It writes the audit row delete_repo_notification. False: this repository has none of that uuid. Errors: QY002, QY003, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_notification_reset(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                              ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.repository_notification_lock(target.id, repository_notification_reset.uuid);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE quay.repositorynotification AS n SET number_of_failures = 0, last_error = NULL WHERE n.id = hook.notification_id;
    PERFORM quay_internal.repository_notification_log('reset_repo_notification', target, namespace, hook, performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_reset(text, text, text, text, text) IS
    'Enables a notification of a repository again: forgets its failures. It writes the audit row reset_repo_notification. False: this repository has none of that uuid. Errors: QY002, QY003, QY004, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_notification_test(namespace text, repository text, uuid text, actor text DEFAULT NULL,
                                                             oauth_token text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    target quay.repository := quay_internal.repository_get(namespace, repository);
    hook record;
BEGIN
    SELECT * INTO hook FROM quay_internal.notification_find(repository_notification_test.uuid, for_namespace => false) AS f
    WHERE f.repository_id = target.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.event_test(hook, performer);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_notification_test(text, text, text, text, text) IS
    'Queues an example of its event for a notification of a repository, which passes its filter. False: this repository has none of that uuid. actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY003, QY004, QY007 actor unknown, QY133 the notification is disabled.';
