-- Triggers of builds: what a push to a source repository starts. Their credentials are encrypted; who fails too often is switched off.

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_unknown(trigger text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY121',
        MESSAGE = 'build trigger does not exist',
        DETAIL = format('There is no build trigger "%s", or its repository is being deleted.', left(build_trigger_unknown.trigger, 80)),
        HINT = 'quay.build_trigger_list() lists those of a repository.';
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_unknown(text) IS 'Raises QY121: there is no such build trigger.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_lock(trigger text) RETURNS quay.repositorybuildtrigger
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repositorybuildtrigger;
BEGIN
    -- The repository first, like all who change something in it.
    PERFORM FROM quay.repository AS r
    WHERE r.id = (SELECT t.repository_id FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_lock.trigger ORDER BY t.id LIMIT 1)
      AND r.state <> 3
    FOR KEY SHARE;
    IF FOUND THEN
        SELECT * INTO result FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_lock.trigger
        ORDER BY t.id LIMIT 1 FOR NO KEY UPDATE;
    END IF;
    IF result.id IS NULL THEN
        PERFORM quay_internal.build_trigger_unknown(build_trigger_lock.trigger);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_lock(text) IS
    'Trigger of that uuid, which nobody else changes until we commit. Errors: QY121 unknown, or its repository is being deleted.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_log(trigger quay.repositorybuildtrigger, kind text, more jsonb, performer_id bigint, ip text)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record;
BEGIN
    SELECT r.id, r.name, r.namespace_user_id, u.username INTO place
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = (trigger).repository_id;
    PERFORM quay_internal.log_add(kind, place.namespace_user_id, performer_id, place.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', place.username, 'repo', place.name, 'trigger_id', (trigger).uuid,
            'service', (SELECT s.name FROM quay.buildtriggerservice AS s WHERE s.id = (trigger).service_id),
            'pull_robot', (SELECT u.username FROM quay."user" AS u WHERE u.id = (trigger).pull_robot_id),
            'config', quay_internal.json_read((trigger).config))) || more, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_log(quay.repositorybuildtrigger, text, jsonb, bigint, text) IS
    'Writes to the audit log what happened to a build trigger; its configuration, and no credentials. more: what else is to be told.';

CREATE OR REPLACE FUNCTION quay_internal.build_robot_id(robot text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF robot IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = build_robot_id.robot AND u.robot;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY007',
                MESSAGE = 'robot does not exist',
                DETAIL = format('There is no robot "%s".', left(build_robot_id.robot, 80)),
                HINT = 'Pass the full name of a robot, namespace+shortname.';
        END IF;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_robot_id(text) IS
    'Id of the robot of that full name, with which a build pulls; NULL for none. Errors: QY007 unknown or no robot.';

CREATE OR REPLACE FUNCTION quay_internal.build_write_token_id(repository_id bigint, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF name IS NOT NULL THEN
        SELECT t.id INTO found_id FROM quay.accesstoken AS t
        WHERE t.token_name = build_write_token_id.name AND t.repository_id = build_write_token_id.repository_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY074',
                MESSAGE = 'repository token does not exist',
                DETAIL = format('The repository has no token named "%s".', left(build_write_token_id.name, 80)),
                HINT = 'quay.repository_token_list() names those that there are.';
        END IF;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.build_write_token_id(bigint, text) IS
    'Id of the token of a repository by its name, its first half; NULL for none. Errors: QY074 the repository has no such token.';

CREATE OR REPLACE FUNCTION quay_internal.build_object_check(document jsonb, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('%s must be a JSON object', what),
            DETAIL = format('It is of type %s.', jsonb_typeof(document)),
            HINT = 'Pass for example {}.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.build_object_check(jsonb, text) IS 'Refuses (22023) what is no JSON object. NULL passes.';

CREATE OR REPLACE FUNCTION quay.build_trigger_create(namespace text, repository text, service text, connected_user text, config jsonb DEFAULT '{}',
                                                     auth_token text DEFAULT NULL, private_key text DEFAULT NULL, pull_robot text DEFAULT NULL,
                                                     write_token text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_create.actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    owner_id bigint := (SELECT u.id FROM quay."user" AS u
                        WHERE u.username = build_trigger_create.connected_user AND NOT u.robot AND NOT u.organization);
    wanted_service_id bigint := (SELECT s.id FROM quay.buildtriggerservice AS s WHERE s.name = build_trigger_create.service);
    made quay.repositorybuildtrigger;
BEGIN
    IF wanted_service_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown service of a build trigger',
            DETAIL = format('There is no service "%s".', left(build_trigger_create.service, 80)),
            HINT = 'The table quay.buildtriggerservice lists the services.';
    END IF;
    IF owner_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person named "%s".', left(build_trigger_create.connected_user, 80)),
            HINT = 'A trigger is connected to the person who sets it up.';
    END IF;
    PERFORM quay_internal.build_object_check(config, 'configuration of a build trigger');

    INSERT INTO quay.repositorybuildtrigger AS t (uuid, service_id, repository_id, connected_user_id, config, write_token_id, pull_robot_id,
                                                  secure_auth_token, secure_private_key, fully_migrated)
    VALUES (gen_random_uuid()::text, wanted_service_id, target.id, owner_id, coalesce(config, '{}')::text,
            quay_internal.build_write_token_id(target.id, write_token), quay_internal.build_robot_id(pull_robot),
            quay_internal.field_encrypt(auth_token, 255), quay_internal.field_encrypt(private_key), true)
    RETURNING t.* INTO made;
    PERFORM quay_internal.build_trigger_log(made, 'setup_repo_trigger', '{}', performer_id, ip);
    RETURN made.uuid;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_create(text, text, text, text, jsonb, text, text, text, text, text, text) IS
    'Makes a build trigger of a repository and returns its uuid. service: github, gitlab, bitbucket or custom-git. connected_user: the person whose account at that service it uses. config: what the front end keeps about it, an object. auth_token, private_key: for that service, kept encrypted; build_trigger_credentials() shows them. pull_robot: full name of the robot with which its builds pull. write_token: name of the token of this repository by which the service is let in. Writes the audit row setup_repo_trigger. Errors: 22023 config is no object, QY002, QY003, QY004, QY007 person, robot or actor unknown, QY009 service unknown, QY061 auth_token too long, QY074 token unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_trigger_update(trigger text, config jsonb DEFAULT NULL, auth_token text DEFAULT NULL,
                                                     private_key text DEFAULT NULL, pull_robot text DEFAULT NULL, write_token text DEFAULT NULL,
                                                     clear_pull_robot boolean DEFAULT false, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_update.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
BEGIN
    PERFORM quay_internal.build_object_check(config, 'configuration of a build trigger');
    UPDATE quay.repositorybuildtrigger AS t
    SET config = coalesce(build_trigger_update.config::text, t.config),
        secure_auth_token = coalesce(quay_internal.field_encrypt(auth_token, 255), t.secure_auth_token),
        secure_private_key = coalesce(quay_internal.field_encrypt(private_key), t.secure_private_key),
        pull_robot_id = CASE WHEN pull_robot IS NULL AND clear_pull_robot THEN NULL
                             ELSE coalesce(quay_internal.build_robot_id(pull_robot), t.pull_robot_id) END,
        write_token_id = coalesce(quay_internal.build_write_token_id(t.repository_id, write_token), t.write_token_id)
    WHERE t.id = target.id
    RETURNING t.* INTO target;
    PERFORM quay_internal.build_trigger_log(target, 'setup_repo_trigger', '{"updated": true}', performer_id, ip);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_update(text, jsonb, text, text, text, text, boolean, text, text) IS
    'Changes a build trigger; what is NULL stays. clear_pull_robot: builds pull without a robot from now on. The other arguments are as in build_trigger_create(). Writes the audit row setup_repo_trigger, with "updated". Errors: 22023 config is no object, QY007 robot or actor unknown, QY061 auth_token too long, QY074 token unknown, QY121 trigger unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_select(repository_id bigint, trigger text, after bigint, n integer)
    RETURNS TABLE (trigger_id bigint, uuid text, namespace text, repository text, service text, connected_user text, config jsonb,
                   pull_robot text, write_token text, enabled boolean, disabled_reason text, disabled_datetime timestamp,
                   successive_failure_count integer, successive_internal_error_count integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, u.username::text, r.name::text, s.name::text, c.username::text,
               coalesce(quay_internal.json_read(t.config), '{}'), p.username::text, a.token_name::text, t.enabled,
               -- The reference sets the time of a trigger that is enabled too.
               CASE WHEN NOT t.enabled THEN d.name::text END, CASE WHEN NOT t.enabled THEN t.disabled_datetime END,
               t.successive_failure_count, t.successive_internal_error_count
        FROM quay.repositorybuildtrigger AS t
        JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.buildtriggerservice AS s ON s.id = t.service_id
        JOIN quay."user" AS c ON c.id = t.connected_user_id
        LEFT JOIN quay."user" AS p ON p.id = t.pull_robot_id
        LEFT JOIN quay.accesstoken AS a ON a.id = t.write_token_id
        LEFT JOIN quay.disablereason AS d ON d.id = t.disabled_reason_id
        WHERE (build_trigger_select.repository_id IS NULL OR t.repository_id = build_trigger_select.repository_id)
          AND (build_trigger_select.trigger IS NULL OR t.uuid = build_trigger_select.trigger)
          AND t.id > coalesce(build_trigger_select.after, 0)
        ORDER BY t.id
        LIMIT build_trigger_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_select(bigint, text, bigint, integer) IS
    'Build triggers of a repository, or of a uuid: what build_trigger_get() and build_trigger_list() have in common.';

CREATE OR REPLACE FUNCTION quay.build_trigger_get(trigger text)
    RETURNS TABLE (trigger_id bigint, uuid text, namespace text, repository text, service text, connected_user text, config jsonb,
                   pull_robot text, write_token text, enabled boolean, disabled_reason text, disabled_datetime timestamp,
                   successive_failure_count integer, successive_internal_error_count integer)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.build_trigger_select(NULL, coalesce(build_trigger_get.trigger, ''), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_get(text) IS
    'A build trigger by its uuid; no row if there is none, or its repository is being deleted. disabled_reason: user_toggled, successive_build_failures or successive_build_internal_errors, with disabled_datetime in UTC; both are NULL while it is enabled. write_token: name of the token, its first half. Credentials: build_trigger_credentials().';

CREATE OR REPLACE FUNCTION quay.build_trigger_list(namespace text, repository text, after bigint DEFAULT NULL, n integer DEFAULT 100,
    OUT trigger_id bigint, OUT uuid text, OUT service text, OUT connected_user text, OUT config jsonb, OUT pull_robot text,
    OUT write_token text, OUT enabled boolean, OUT disabled_reason text, OUT disabled_datetime timestamp,
    OUT successive_failure_count integer, OUT successive_internal_error_count integer)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT t.trigger_id, t.uuid, t.service, t.connected_user, t.config, t.pull_robot, t.write_token, t.enabled, t.disabled_reason,
               t.disabled_datetime, t.successive_failure_count, t.successive_internal_error_count
        FROM quay_internal.build_trigger_select(target_id, NULL, build_trigger_list.after, quay_internal.page_size(build_trigger_list.n)) AS t;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_list(text, text, bigint, integer) IS
    'Build triggers of a repository, at most n with a trigger_id above after. Columns as in build_trigger_get(). Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.build_trigger_credentials(trigger text) RETURNS TABLE (auth_token text, private_key text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.field_decrypt(t.secure_auth_token), quay_internal.field_decrypt(t.secure_private_key)
        FROM quay.repositorybuildtrigger AS t JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        WHERE t.uuid = build_trigger_credentials.trigger
        ORDER BY t.id
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_credentials(text) IS
    'What a build trigger shows at its service: token and private key in clear, each NULL if it has none. No row: there is no such trigger. Errors: QY060 they cannot be decrypted, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.build_trigger_delete(trigger text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_delete.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
BEGIN
    PERFORM quay_internal.trigger_delete_many(ARRAY[target.id]);
    PERFORM quay_internal.build_trigger_log(target, 'delete_repo_trigger', '{}', performer_id, ip);
END
$$;
COMMENT ON FUNCTION quay.build_trigger_delete(text, text, text) IS
    'Deletes a build trigger and the token by which its service was let in. Builds that it started stay. Writes the audit row delete_repo_trigger. Errors: QY007 actor unknown, QY121 trigger unknown.';

CREATE OR REPLACE FUNCTION quay.build_trigger_toggle(trigger text, enabled boolean, reason text DEFAULT 'user_toggled',
                                                     actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(build_trigger_toggle.actor);
    target quay.repositorybuildtrigger := quay_internal.build_trigger_lock(trigger);
    reason_id bigint := (SELECT d.id FROM quay.disablereason AS d WHERE d.name = build_trigger_toggle.reason);
BEGIN
    IF build_trigger_toggle.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'a build trigger is either enabled or disabled',
            DETAIL = 'enabled is NULL.',
            HINT = 'Pass true or false.';
    END IF;
    IF reason_id IS NULL AND NOT build_trigger_toggle.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown reason to disable a build trigger',
            DETAIL = format('There is no reason "%s".', left(build_trigger_toggle.reason, 80)),
            HINT = 'The table quay.disablereason lists the reasons.';
    END IF;
    IF build_trigger_toggle.enabled THEN
        -- With a full counter the next failure would disable it again.
        UPDATE quay.repositorybuildtrigger AS t
        SET enabled = true, disabled_reason_id = NULL, disabled_datetime = NULL,
            successive_failure_count = 0, successive_internal_error_count = 0
        WHERE t.id = target.id;
    ELSIF target.enabled THEN
        UPDATE quay.repositorybuildtrigger AS t
        SET enabled = false, disabled_reason_id = reason_id, disabled_datetime = quay_internal.utc_now()
        WHERE t.id = target.id;
    END IF;
    IF target.enabled = build_trigger_toggle.enabled THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.build_trigger_log(target, 'toggle_repo_trigger',
        jsonb_build_object('enabled', build_trigger_toggle.enabled), performer_id, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_toggle(text, boolean, text, text, text) IS
    'Enables or disables a build trigger; false if it was so already. Enabling clears reason, time and both counters, also of one that is enabled; disabling one that is disabled leaves its reason. Writes the audit row toggle_repo_trigger if something changed. Errors: 22004 enabled is NULL, QY007 actor unknown, QY009 reason unknown, QY121 trigger unknown.';

-- Failures in a row

CREATE OR REPLACE FUNCTION quay_internal.build_trigger_count(trigger_id bigint, phase text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    failure_limit integer := nullif(quay_internal.setting('successive_trigger_failure_disable_threshold')::integer, 0);
    error_limit integer := nullif(quay_internal.setting('successive_trigger_internal_error_disable_threshold')::integer, 0);
    failures integer;
    internal_errors integer;
    reason text;
BEGIN
    SELECT CASE build_trigger_count.phase WHEN 'error' THEN t.successive_failure_count + 1 WHEN 'complete' THEN 0
                                          ELSE t.successive_failure_count END,
           CASE build_trigger_count.phase WHEN 'internalerror' THEN t.successive_internal_error_count + 1 ELSE 0 END
    INTO failures, internal_errors
    FROM quay.repositorybuildtrigger AS t WHERE t.id = build_trigger_count.trigger_id
    FOR NO KEY UPDATE;
    IF NOT FOUND OR build_trigger_count.phase <> ALL (ARRAY['complete', 'error', 'internalerror']) THEN
        RETURN;
    END IF;
    reason := CASE WHEN failures >= failure_limit THEN 'successive_build_failures'
                   WHEN internal_errors >= error_limit THEN 'successive_build_internal_errors' END;
    UPDATE quay.repositorybuildtrigger AS t
    SET successive_failure_count = failures, successive_internal_error_count = internal_errors,
        enabled = t.enabled AND reason IS NULL,
        disabled_reason_id = CASE WHEN t.enabled AND reason IS NOT NULL
                                  THEN (SELECT d.id FROM quay.disablereason AS d WHERE d.name = reason) ELSE t.disabled_reason_id END,
        disabled_datetime = CASE WHEN t.enabled AND reason IS NOT NULL THEN quay_internal.utc_now() ELSE t.disabled_datetime END
    WHERE t.id = build_trigger_count.trigger_id
      AND (failures, internal_errors) IS DISTINCT FROM (t.successive_failure_count, t.successive_internal_error_count);
END
$$;
COMMENT ON FUNCTION quay_internal.build_trigger_count(bigint, text) IS
    'Counts the end of a build of a trigger, and disables it if too many in a row ended badly. complete: both counters start anew; error: one failure more, and internal errors start anew; internalerror: one more of these. Other phases, and a trigger that is gone: nothing.';

CREATE OR REPLACE FUNCTION quay.build_trigger_record(trigger text, phase text) RETURNS TABLE (enabled boolean, disabled_reason text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.build_trigger_count(t.id, build_trigger_record.phase)
    FROM quay.repositorybuildtrigger AS t WHERE t.uuid = build_trigger_record.trigger;
    RETURN QUERY SELECT t.enabled, t.disabled_reason FROM quay.build_trigger_get(build_trigger_record.trigger) AS t;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_record(text, text) IS
    'Counts the end of a build of a trigger, for front ends that keep phases themselves: build_set_phase() and the jobs do it too. complete: both counters start anew; error: one failure more, and internal errors start anew; internalerror: one internal error more; other phases: nothing. quay.successive_trigger_failure_disable_threshold failures, or quay.successive_trigger_internal_error_disable_threshold internal errors, disable the trigger. Says what it is afterwards; no row if there is no such trigger.';

CREATE OR REPLACE FUNCTION quay.build_trigger_build_list(trigger text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (build text, phase text, started timestamp, display_name text, logs_archived boolean, resource_key text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    last record := quay_internal.build_cursor(after);
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.phase::text, b.started, b.display_name::text, b.logs_archived, b.resource_key::text,
               quay_internal.build_cursor_of(b.started, b.id)
        FROM quay.repositorybuildtrigger AS t
        JOIN quay.repository AS r ON r.id = t.repository_id AND r.state <> 3
        JOIN quay.repositorybuild AS b ON b.trigger_id = t.id
        WHERE t.uuid = build_trigger_build_list.trigger AND (b.started, b.id) < (last.at, last.id)
        ORDER BY b.started DESC, b.id DESC
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.build_trigger_build_list(text, text, integer) IS
    'Builds that a trigger started, newest first, at most n, those behind the cursor after. started in UTC. Errors: 22023 n negative or malformed cursor.';
