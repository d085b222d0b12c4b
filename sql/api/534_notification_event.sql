-- Events: queueing one for the notifications that wait for it. A worker delivers them (535_notification_delivery.sql).

CREATE OR REPLACE FUNCTION quay_internal.event_subject(namespace text, repository text DEFAULT NULL, subpage text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    host text := quay_internal.setting('server_hostname');
    path text := concat_ws('/', namespace, repository);
    result jsonb := jsonb_build_object('namespace', namespace);
BEGIN
    IF repository IS NOT NULL THEN
        result := result || jsonb_build_object('repository', path, 'name', repository);
    END IF;
    -- Without a name of the host there is no URL.
    IF host <> '' THEN
        result := result || jsonb_build_object('homepage', format('%s://%s/%s/%s%s', quay_internal.setting('url_scheme'), host,
            CASE WHEN repository IS NULL THEN 'organization' ELSE 'repository' END, path, '/' || ltrim(subpage, '/')));
        IF repository IS NOT NULL THEN
            result := result || jsonb_build_object('docker_url', host || '/' || path);
        END IF;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.event_subject(text, text, text) IS
    'What an event says about its repository, or its namespace: namespace, name, repository, and with quay.server_hostname set also homepage and docker_url. subpage: of the homepage, such as build/<uuid>.';

CREATE OR REPLACE FUNCTION quay_internal.event_performer(actor text, oauth_token text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    RETURN jsonb_strip_nulls(jsonb_build_object('entity_id', performer_id, 'entity_name', actor))
        || coalesce((SELECT jsonb_build_object('oauth_token_id', t.id, 'oauth_token_application_id', a.client_id, 'oauth_token_application', a.name)
                     FROM quay.oauthaccesstoken AS t JOIN quay.oauthapplication AS a ON a.id = t.application_id
                     WHERE t.uuid = event_performer.oauth_token), '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.event_performer(text, text) IS
    'What an event says about who caused it: a person or robot, and the OAuth token of that uuid with its application. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.event_data_check(data jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed data of an event',
            DETAIL = format('They are %s, not an object.', coalesce(jsonb_typeof(data), 'NULL')),
            HINT = 'Pass a JSON object, {} if there is nothing to say.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.event_data_check(jsonb) IS 'Refuses (QY077) data of an event that are no JSON object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn(namespace text, repository text, event text, data jsonb DEFAULT '{}', actor text DEFAULT NULL,
                                                   oauth_token text DEFAULT NULL, path text[] DEFAULT '{}', subpage text DEFAULT NULL,
                                                   notification text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    PERFORM quay_internal.event_data_check(data), quay_internal.notification_event_id(event, for_namespace => false);
    RETURN quay_internal.event_spawn(target, namespace, event, data, actor, jsonb_build_object('performer_data', performer),
                                     coalesce(path, '{}'), subpage, notification);
END
$$;
COMMENT ON FUNCTION quay.notification_spawn(text, text, text, jsonb, text, text, text[], text, text) IS
    'Queues an event of a repository for each notification that waits for it, is enabled, and whose filter lets it pass; returns for how many. To be called in the transaction of what happened: then both are there or neither. data: what there is to say, added to what names the repository. actor, and oauth_token, a uuid: who caused it. path: further parts of the path in the queue, such as the uuid of a build. subpage: of the page of the repository, for the URL. notification: only the one of this uuid. The calls that push, mirror, scan and prune do this themselves. Errors: QY002, QY003, QY004, QY007 actor unknown, QY009 event unknown, QY077 data no object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn_many(events jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry record;
    target quay.repository;
    spawned integer := 0;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of events',
            DETAIL = format('It is %s, not an array.', coalesce(jsonb_typeof(events), 'NULL')),
            HINT = 'Pass a JSON array of objects with namespace, repository, event and data.';
    END IF;
    FOR entry IN
        SELECT e.value AS event, e.value ->> 'event' AS name, coalesce(nullif(e.value -> 'data', 'null'), '{}') AS data, u.username, r.id AS repository_id
        FROM jsonb_array_elements(events) WITH ORDINALITY AS e (value, place)
        LEFT JOIN quay."user" AS u ON u.username = e.value ->> 'namespace' AND NOT u.robot AND u.enabled
        LEFT JOIN quay.repository AS r ON r.namespace_user_id = u.id AND r.name = e.value ->> 'repository' AND r.state <> 3
        ORDER BY e.place
    LOOP
        PERFORM quay_internal.event_data_check(entry.data), quay_internal.notification_event_id(entry.name, for_namespace => false);
        CONTINUE WHEN entry.repository_id IS NULL;
        SELECT * INTO target FROM quay.repository AS r WHERE r.id = entry.repository_id;
        spawned := spawned + quay_internal.event_spawn(target, entry.username, entry.name, entry.data, entry.event ->> 'actor',
            jsonb_build_object('performer_data', quay_internal.event_performer(entry.event ->> 'actor', entry.event ->> 'oauth_token')),
            ARRAY(SELECT p.part FROM jsonb_array_elements_text(
                      CASE jsonb_typeof(entry.event -> 'path') WHEN 'array' THEN entry.event -> 'path' ELSE '[]' END) AS p (part)),
            entry.event ->> 'subpage', entry.event ->> 'notification');
    END LOOP;
    RETURN spawned;
END
$$;
COMMENT ON FUNCTION quay.notification_spawn_many(jsonb) IS
    'quay.notification_spawn() for many: an array of objects with its arguments as keys, of which namespace, repository and event must be there. What is about a repository that is not there, or is being deleted, is passed by. All are queued or none; returns how many items. Errors: QY007 an actor unknown, QY009 an event unknown, QY077 no array, or data no object.';

CREATE OR REPLACE FUNCTION quay.notification_spawn_namespace(namespace text, event text, data jsonb DEFAULT '{}', actor text DEFAULT NULL,
                                                             oauth_token text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer jsonb := quay_internal.event_performer(actor, oauth_token);
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    PERFORM quay_internal.event_data_check(data), quay_internal.notification_event_id(event, for_namespace => true);
    RETURN quay_internal.event_spawn_namespace(owner.id, namespace, event, data, actor, jsonb_build_object('performer_data', performer));
END
$$;
COMMENT ON FUNCTION quay.notification_spawn_namespace(text, text, jsonb, text, text) IS
    'Queues an event of a namespace for each notification that waits for it and is enabled; returns for how many. Quotas do this themselves. data, actor, oauth_token: as for quay.notification_spawn(). Errors: QY002, QY004, QY007 actor unknown, QY009 event unknown, QY077 data no object.';

-- Examples, to try a notification

CREATE OR REPLACE FUNCTION quay_internal.event_example(event text, filter jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    level integer := CASE WHEN filter ->> 'level' ~ '^[0-5]$' THEN (filter ->> 'level')::integer ELSE 0 END;
    build CONSTANT jsonb := jsonb '{"build_id": "00000000-example", "build_name": "example", "docker_tags": ["latest", "v1"], "is_manual": false,
        "trigger_id": "00000000-trigger", "trigger_kind": "github", "trigger_metadata": {"default_branch": "main",
        "ref": "refs/heads/main", "commit": "0123456789abcdef0123456789abcdef01234567", "commit_info": {"url": "https://example.com/commit",
        "message": "An example of a commit", "date": "2026-01-01T12:00:00Z", "author": {"username": "example"}}}}';
BEGIN
    RETURN CASE
        WHEN event = 'repo_push' THEN jsonb '{"updated_tags": ["latest", "v1"]}'
        WHEN event = 'vulnerability_found' THEN jsonb_build_object('tags', '["latest", "v1"]'::jsonb, 'vulnerability', jsonb_build_object(
            'id', 'CVE-0000-0000', 'description', 'An example of a vulnerability', 'link', 'https://example.com/CVE-0000-0000', 'has_fix', true,
            'priority', (ARRAY['Critical', 'High', 'Medium', 'Low', 'Negligible', 'Unknown'])[level + 1]))
        WHEN event = 'build_failure' THEN build || '{"error_message": "An example of an error"}'
        WHEN event IN ('build_success', 'build_cancelled') THEN build || '{"image_id": "0123456789ab"}'
        WHEN starts_with(event, 'build_') THEN build
        WHEN starts_with(event, 'repo_mirror_') THEN '{"message": "An example of a notification"}'
        WHEN event = 'repo_image_expiry' THEN jsonb_build_object('tags', '["latest", "v1"]'::jsonb, 'expiring_in', format('%s days', filter ->> 'days'))
        WHEN event = 'quota_warning' THEN jsonb_build_object('threshold_percent', 80, 'usage_bytes', 858993459, 'limit_bytes', 1073741824, 'usage_percent', 80,
            'usage_bytes_formatted', quay_internal.size_text(858993459), 'limit_bytes_formatted', quay_internal.size_text(1073741824))
        WHEN event = 'quota_error' THEN jsonb_build_object('threshold_percent', 100, 'usage_bytes', 1127428915, 'limit_bytes', 1073741824, 'usage_percent', 105,
            'usage_bytes_formatted', quay_internal.size_text(1127428915), 'limit_bytes_formatted', quay_internal.size_text(1073741824))
        ELSE '{}'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.event_example(text, jsonb) IS 'Data of an event as an example, with what a worker needs to tell it.';

CREATE OR REPLACE FUNCTION quay_internal.event_test(hook record, performer jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF hook.number_of_failures >= quay_internal.notification_failure_limit() THEN
        RAISE EXCEPTION USING ERRCODE = 'QY133',
            MESSAGE = 'notification is disabled',
            DETAIL = format('Notification "%s" has failed %s times in a row.', left(hook.uuid, 80), hook.number_of_failures),
            HINT = format('Enable it with quay.%s_notification_reset().', CASE WHEN hook.repository_id IS NULL THEN 'namespace' ELSE 'repository' END);
    END IF;
    PERFORM quay_internal.event_queue(ARRAY[hook.uuid], quay_internal.queue_path('notification', hook.namespace, hook.uuid, hook.event),
        quay_internal.event_subject(hook.namespace, hook.repository, CASE WHEN starts_with(hook.event, 'build_') THEN 'build/00000000-example' END)
            || quay_internal.event_example(hook.event, quay_internal.json_read(hook.event_config)),
        NULL,
        jsonb_build_object('performer_data', performer, 'test', true)
            || CASE WHEN hook.repository_id IS NULL THEN '{"notification_type": "namespace"}' ELSE '{}' END::jsonb);
END
$$;
COMMENT ON FUNCTION quay_internal.event_test(record, jsonb) IS
    'Queues an example of its event for a notification, as notification_find() returned it; no filter holds it up. Errors: QY133 the notification is disabled.';
