-- Builds: starting one, which is one transaction with all that belongs to it, and finding them.

CREATE OR REPLACE FUNCTION quay_internal.build_cursor(after text, OUT at timestamp, OUT id bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record := quay_internal.page_cursor(after);
BEGIN
    at := CASE WHEN after IS NULL THEN 'infinity'::timestamp ELSE timestamp 'epoch' + place.at * interval '1 microsecond' END;
    id := place.id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_cursor(text) IS
    'The place in a list of builds, newest first, that a cursor names; NULL: its beginning. Errors: 22023 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.build_cursor_of(started timestamp, id bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (extract(epoch FROM started) * 1000000)::bigint || '.' || id;
COMMENT ON FUNCTION quay_internal.build_cursor_of(timestamp, bigint) IS 'Cursor behind a build in a list, see build_cursor().';

CREATE OR REPLACE FUNCTION quay_internal.build_event(build quay.repositorybuild, event text, more jsonb DEFAULT '{}', performer text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository;
    namespace text;
    job jsonb := coalesce(quay_internal.json_read((build).job_config), '{}');
    trigger record;
BEGIN
    SELECT * INTO target FROM quay.repository AS r WHERE r.id = (build).repository_id;
    SELECT u.username INTO namespace FROM quay."user" AS u WHERE u.id = target.namespace_user_id;
    SELECT t.uuid, s.name INTO trigger
    FROM quay.repositorybuildtrigger AS t JOIN quay.buildtriggerservice AS s ON s.id = t.service_id WHERE t.id = (build).trigger_id;
    PERFORM quay_internal.event_notify(target, namespace, event,
        jsonb_strip_nulls(jsonb_build_object('build_id', (build).uuid, 'build_name', (build).display_name,
            'docker_tags', coalesce(job -> 'docker_tags', '[]'), 'trigger_id', trigger.uuid, 'trigger_kind', trigger.name,
            'trigger_metadata', coalesce(job -> 'trigger_metadata', '{}'))) || more, performer);
END
$$;
COMMENT ON FUNCTION quay_internal.build_event(quay.repositorybuild, text, jsonb, text) IS
    'Queues an event of a build, such as build_start, for each notification of its repository that waits for it.';

CREATE OR REPLACE FUNCTION quay_internal.build_cap_check(namespace text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    path text := quay_internal.queue_path('dockerfilebuild', namespace);
    maximum integer;
    queued bigint;
BEGIN
    -- An update, though nothing changes, of a row that hardly anybody else updates: so those who start builds take turns until they commit,
    -- each counts what the one before has queued, and a transaction that cannot see that fails (40001).
    UPDATE quay."user" AS u SET maximum_queued_builds_count = u.maximum_queued_builds_count
    WHERE u.username = build_cap_check.namespace AND NOT u.robot AND u.maximum_queued_builds_count IS NOT NULL
    RETURNING u.maximum_queued_builds_count INTO maximum;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- "0" is the character after "/".
    SELECT count(*) INTO queued FROM quay.queueitem AS q
    WHERE q.queue_name >= path AND q.queue_name < left(path, -1) || '0' AND q.retries_remaining > 0;
    IF queued >= maximum THEN
        RAISE EXCEPTION USING ERRCODE = 'QY123',
            MESSAGE = 'too many builds are queued',
            DETAIL = format('Namespace "%s" has %s builds queued, and may have %s.', left(namespace, 80), queued, maximum),
            HINT = 'Wait for one to end, cancel one, or raise the limit with quay.namespace_set_maximum_builds().';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_cap_check(text) IS
    'Refuses (QY123) another build if the namespace has as many queued as it may have. Who passes keeps others from passing until he commits.';

CREATE OR REPLACE FUNCTION quay_internal.build_target(namespace text, repository text) RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    IF target.kind_id <> quay_internal.repositorykind_id('image') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY124',
            MESSAGE = 'repository takes no builds',
            DETAIL = format('Repository "%s/%s" is not for images.', namespace, target.name),
            HINT = 'Build into a repository of kind image.';
    END IF;
    IF target.state <> 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository does not accept builds',
            DETAIL = format('Repository "%s" is in state %s.', target.name, quay_internal.repository_state_name(target.state::integer)),
            HINT = 'Set the state of the repository to normal first.';
    END IF;
    RETURN target;
END
$$;
COMMENT ON FUNCTION quay_internal.build_target(text, text) IS
    'Repository that can be built, kept from being deleted or renamed until we commit. Errors: QY002, QY003, QY004, QY005 not in normal state, QY124 not for images.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_ready(trigger text, repository_id bigint) RETURNS quay.repositorybuildtrigger
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuildtrigger;
BEGIN
    -- Locked, so that whoever disables it waits for us or is seen.
    SELECT * INTO result FROM quay.repositorybuildtrigger AS t
    WHERE t.uuid = build_trigger_ready.trigger AND t.repository_id = build_trigger_ready.repository_id
    ORDER BY t.id LIMIT 1 FOR SHARE;
    IF NOT FOUND THEN
        PERFORM quay_internal.build_trigger_unknown(trigger);
    END IF;
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY122',
            MESSAGE = 'build trigger is disabled',
            DETAIL = format('Trigger "%s" was disabled: %s.', result.uuid,
                coalesce((SELECT d.name FROM quay.disablereason AS d WHERE d.id = result.disabled_reason_id), 'no reason is known')),
            HINT = 'Enable it with quay.build_trigger_toggle().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_ready(text, bigint) IS
    'Enabled trigger of a repository, which nobody disables until we commit. Errors: QY121 the repository has none of that uuid, QY122 disabled.';

CREATE OR REPLACE FUNCTION quay.build_create(namespace text, repository text, job_config jsonb DEFAULT '{}', display_name text DEFAULT NULL,
                                             resource_key text DEFAULT NULL, trigger text DEFAULT NULL, pull_robot text DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (build text, build_id bigint, queue_item_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_create.actor);
    target quay.repository;
    source quay.repositorybuildtrigger;
    made quay.repositorybuild;
    too_long text := CASE WHEN char_length(build_create.display_name) > 255 THEN 'display_name'
                          WHEN char_length(build_create.resource_key) > 255 THEN 'resource_key' END;
BEGIN
    PERFORM quay_internal.build_object_check(job_config, 'job_config');
    IF too_long IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s of a build is too long', too_long),
            DETAIL = 'It has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    PERFORM quay_internal.build_cap_check(namespace);
    target := quay_internal.build_target(namespace, repository);
    IF build_create.trigger IS NOT NULL THEN
        source := quay_internal.build_trigger_ready(trigger, target.id);
    END IF;

    build := gen_random_uuid()::text;
    queue_item_id := quay.queue_put('dockerfilebuild', ARRAY[namespace, target.name::text],
        -- The reference writes the robot's password here. Ours is handed to whoever has the job: build_job_start().
        jsonb_build_object('build_uuid', build, 'pull_credentials', NULL)::text, retries => 3);
    INSERT INTO quay.repositorybuild AS b (uuid, repository_id, access_token_id, resource_key, job_config, phase, started, display_name,
                                           trigger_id, pull_robot_id, logs_archived, queue_id)
    VALUES (build, target.id,
            (SELECT t.token_id FROM quay.repository_token_create(namespace, target.name::text, 'write', 'build-worker') AS t),
            build_create.resource_key, coalesce(build_create.job_config, '{}')::text, 'waiting', quay_internal.utc_now(),
            coalesce(build_create.display_name, left(build, 8)), source.id,
            coalesce(quay_internal.build_robot_id(pull_robot), source.pull_robot_id), false, queue_item_id::text)
    RETURNING b.* INTO made;
    build_id := made.id;

    PERFORM quay_internal.log_add('build_dockerfile', target.namespace_user_id, performer_id, target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'build_id', build, 'fileid', made.resource_key,
            'docker_tags', build_create.job_config -> 'docker_tags', 'trigger_id', source.uuid,
            'service', (SELECT s.name FROM quay.buildtriggerservice AS s WHERE s.id = source.service_id),
            'config', quay_internal.json_read(source.config))), ip);
    PERFORM quay_internal.build_event(made, 'build_queued', performer => build_create.actor);
    PERFORM quay_internal.wake('quay_build', build);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.build_create(text, text, jsonb, text, text, text, text, text, text) IS
    'Starts a build of a repository: in one transaction the build in phase waiting, an item in the queue dockerfilebuild with three retries, a token for the worker to push with, the audit row build_dockerfile and the event build_queued. Returns the uuid of the build, by which it is called everywhere, its id and that of the item.
job_config: what is to be built, an object as the builder wants it: docker_tags, build_subdir, context, archive_url, trigger_metadata with git_url. resource_key: the uploaded file to build. display_name: NULL for the beginning of the uuid. trigger: uuid of the trigger that started it. pull_robot: full name of the robot to pull with, NULL for that of the trigger; its password is stored nowhere, but handed to whoever runs the build, with build_job_start().
Errors: 22023 job_config is no object, a name too long; QY002, QY003, QY004; QY005 the repository is not in normal state; QY007 robot or actor unknown; QY121 the repository has no such trigger; QY122 the trigger is disabled; QY123 the namespace has as many builds queued as it may have (namespace_set_maximum_builds(); two who start at once take turns); QY124 not a repository for images; 55000 no key is set.';

-- Finding builds

CREATE OR REPLACE FUNCTION quay_internal.build_select(build text, repository_id bigint, after text, n integer, include_inactive boolean, since timestamp)
    RETURNS TABLE (build_id bigint, uuid text, namespace text, repository text, phase text, started timestamp, display_name text,
                   job_config jsonb, resource_key text, trigger text, trigger_service text, pull_robot text, logs_archived boolean,
                   queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    last record := quay_internal.build_cursor(after);
BEGIN
    RETURN QUERY
        SELECT b.id, b.uuid::text, u.username::text, r.name::text, b.phase::text, b.started, b.display_name::text,
               coalesce(quay_internal.json_read(b.job_config), '{}'), b.resource_key::text, t.uuid::text, s.name::text, p.username::text,
               b.logs_archived, quay_internal.build_item_id(b.queue_id), quay_internal.build_cursor_of(b.started, b.id)
        FROM quay.repositorybuild AS b
        JOIN quay.repository AS r ON r.id = b.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        LEFT JOIN quay.repositorybuildtrigger AS t ON t.id = b.trigger_id
        LEFT JOIN quay.buildtriggerservice AS s ON s.id = t.service_id
        LEFT JOIN quay."user" AS p ON p.id = b.pull_robot_id
        WHERE (build_select.build IS NULL OR b.uuid = build_select.build)
          AND (build_select.repository_id IS NULL OR b.repository_id = build_select.repository_id)
          AND b.started <= last.at AND (b.started < last.at OR b.id < last.id)
          AND b.started >= coalesce(since, '-infinity')
          AND (include_inactive OR b.phase <> ALL (ARRAY['complete', 'error', 'cancelled']))
        ORDER BY b.started DESC, b.id DESC
        LIMIT build_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.build_select(text, bigint, text, integer, boolean, timestamp) IS
    'Builds by uuid or by repository, newest first: what build_get(), build_list() and build_recent() have in common.';

CREATE OR REPLACE FUNCTION quay_internal.build_item_id(queue_id text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN queue_id ~ '^[0-9]{1,18}$' THEN queue_id::bigint END;
COMMENT ON FUNCTION quay_internal.build_item_id(text) IS 'The id of a queue item that the column queue_id of a build names; NULL for none.';

CREATE OR REPLACE FUNCTION quay.build_get(build text)
    RETURNS TABLE (build_id bigint, uuid text, namespace text, repository text, phase text, started timestamp, display_name text,
                   job_config jsonb, resource_key text, trigger text, trigger_service text, pull_robot text, logs_archived boolean,
                   queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.build_select(coalesce(build_get.build, ''), NULL, NULL, 1, true, NULL);
END
$$;
COMMENT ON FUNCTION quay.build_get(text) IS
    'A build by its uuid; no row if there is none, or its repository is being deleted. phase: as it is stored; build_status() says what to show. started in UTC. trigger: uuid of the trigger that started it. logs_archived: buildlog_read() says whether there is an object. cursor: for build_list().';

CREATE OR REPLACE FUNCTION quay.build_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100,
                                           include_inactive boolean DEFAULT true, since timestamp DEFAULT NULL)
    RETURNS TABLE (build_id bigint, uuid text, phase text, started timestamp, display_name text, job_config jsonb, resource_key text,
                   trigger text, trigger_service text, pull_robot text, logs_archived boolean, queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.build_id, b.uuid, b.phase, b.started, b.display_name, b.job_config, b.resource_key, b.trigger, b.trigger_service,
               b.pull_robot, b.logs_archived, b.queue_item_id, b.cursor
        FROM quay_internal.build_select(NULL, target_id, build_list.after, quay_internal.page_size(build_list.n),
                                        coalesce(build_list.include_inactive, true), build_list.since) AS b;
END
$$;
COMMENT ON FUNCTION quay.build_list(text, text, text, integer, boolean, timestamp) IS
    'Builds of a repository, newest first, at most n, those behind the cursor after. include_inactive false: without those that are complete, failed or cancelled for good. since: those that were started then or later, in UTC. Columns as in build_get(). Errors: 22023 n negative or malformed cursor, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_recent(namespace text, repository text)
    RETURNS TABLE (build_id bigint, uuid text, phase text, started timestamp, display_name text, job_config jsonb, resource_key text,
                   trigger text, trigger_service text, pull_robot text, logs_archived boolean, queue_item_id bigint, cursor text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.build_list(namespace, repository, n => 1);
END
$$;
COMMENT ON FUNCTION quay.build_recent(text, text) IS
    'The newest build of a repository; no row if it has none. Columns as in build_get(). Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_repository_by_resource(resource_key text) RETURNS TABLE (namespace text, repository text, repository_id bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, r.name::text, r.id
        FROM quay.repositorybuild AS b
        JOIN quay.repository AS r ON r.id = b.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE b.resource_key = build_repository_by_resource.resource_key
        ORDER BY b.id DESC
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.build_repository_by_resource(text) IS
    'The repository of the newest build that used this uploaded file, by which the right to read the file is decided; no row if there is none.';
