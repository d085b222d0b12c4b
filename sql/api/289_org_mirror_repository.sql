-- Runs of single repositories of organization mirrors: a worker claims one, creates it here, copies its tags, and gives the claim back.

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_hold(org_mirror_repository_id bigint, transaction_id text)
    RETURNS quay.orgmirrorrepository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.orgmirrorrepository;
BEGIN
    SELECT * INTO result FROM quay.orgmirrorrepository AS m
    WHERE m.id = org_mirror_repository_hold.org_mirror_repository_id AND m.sync_status = 2
      AND m.sync_transaction_id = org_mirror_repository_hold.transaction_id
    FOR NO KEY UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_hold(bigint, text) IS
    'Repository of a mirrored organization whose claim has this transaction id, which nobody takes away until we commit; all NULL if the claim is lost.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_claim(n integer DEFAULT 1)
    RETURNS TABLE (org_mirror_repository_id bigint, transaction_id text, organization text, repository text, repository_id bigint,
                   external_reference text, robot text, external_config jsonb, architectures text[], timeout bigint, since_ms bigint,
                   claim_expires timestamp, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now timestamp := quay_internal.utc_now();
    item quay.orgmirrorrepository;
    config quay.orgmirrorconfig;
BEGIN
    FOR item IN
        WITH claimed AS (
            UPDATE quay.orgmirrorrepository AS m
            SET sync_status = 2,
                sync_expiration_date = now + make_interval(secs => quay_internal.setting('mirror_sync_duration')::bigint),
                -- A worker that died is no fault of the mirror.
                sync_retries_remaining = CASE WHEN m.sync_status = 2 THEN 3 ELSE m.sync_retries_remaining END,
                sync_transaction_id = gen_random_uuid()::text
            FROM (SELECT d.id
                  FROM quay.orgmirrorrepository AS d
                  JOIN quay.orgmirrorconfig AS c ON c.id = d.org_mirror_config_id
                  JOIN quay."user" AS u ON u.id = c.organization_id
                  WHERE c.is_enabled AND u.enabled
                    AND quay_internal.mirror_due(true, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining, d.sync_start_date) <= now
                    AND NOT EXISTS (SELECT FROM quay.repository AS r WHERE r.id = d.repository_id AND r.state = 3)
                  ORDER BY d.sync_start_date NULLS FIRST, d.id
                  LIMIT batch
                  FOR NO KEY UPDATE OF d SKIP LOCKED) AS due
            WHERE m.id = due.id
            RETURNING m.*)
        SELECT * FROM claimed AS m ORDER BY m.sync_start_date NULLS FIRST, m.id
    LOOP
        SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.id = item.org_mirror_config_id;
        org_mirror_repository_id := item.id;
        transaction_id := item.sync_transaction_id;
        organization := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id);
        repository := item.repository_name;
        repository_id := item.repository_id;
        external_reference := quay_internal.org_mirror_repository_reference(config, repository);
        robot := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.internal_robot_id);
        external_config := coalesce(quay_internal.json_read(config.external_registry_config), '{}');
        architectures := quay_internal.json_text_list(config.architecture_filter);
        timeout := config.skopeo_timeout;
        since_ms := quay_internal.clock_ms();
        claim_expires := item.sync_expiration_date;
        retries_remaining := item.sync_retries_remaining;
        PERFORM quay_internal.org_mirror_repository_log(config, item, 'org_mirror_sync_started', 'start',
            format('Copying "%s"', external_reference));
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_claim(integer) IS
    'Gives the caller up to n repositories of mirrored organizations to copy, longest due first, for the time of quay.mirror_sync_duration. Several workers call it at once; each repository goes to one of them. No row: nothing is due.
Due are, where the configuration of the organization is enabled, repositories that are to be copied now, whose time has come, with retries left, or whose claim has expired, since the worker died. Not due: cancelled and skipped ones, those that are marked for deletion here, those of disabled organizations.
The worker calls org_mirror_repository_ensure(), so that there is a repository to push to, copies all tags, asking org_mirror_repository_check() after each, and calls org_mirror_repository_release(); org_mirror_repository_extend() if it needs more time. Credentials: org_mirror_credentials(). repository_id: NULL until it is created. Other columns are as in org_mirror_create() and mirror_claim().
It writes the audit row org_mirror_sync_started. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_check(org_mirror_repository_id bigint, transaction_id text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT CASE
                         WHEN m.sync_status IN (-2, 4) THEN 'cancel'
                         WHEN m.sync_status = 2 AND m.sync_transaction_id = org_mirror_repository_check.transaction_id THEN 'syncing'
                         ELSE 'lost' END
                     FROM quay.orgmirrorrepository AS m WHERE m.id = org_mirror_repository_check.org_mirror_repository_id), 'cancel');
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_check(bigint, text) IS
    'Shall the worker go on copying? syncing: yes. cancel: no, somebody cancelled it, or the mirror is gone. lost: no, the claim expired and is another''s now.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_extend(org_mirror_repository_id bigint, transaction_id text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item quay.orgmirrorrepository := quay_internal.org_mirror_repository_hold(org_mirror_repository_id, transaction_id);
BEGIN
    UPDATE quay.orgmirrorrepository AS m
    SET sync_expiration_date = quay_internal.utc_now() + make_interval(secs => quay_internal.setting('mirror_sync_duration')::bigint)
    WHERE m.id = item.id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_extend(bigint, text) IS
    'Lets a claim expire quay.mirror_sync_duration from now; false if it is lost: cancelled, deleted, or expired and taken by another worker.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_problem(repository quay.repository) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN repository.state = 1 THEN format('repository "%s" is read-only', repository.name)
        WHEN repository.state = 2 THEN format('repository "%s" has a mirror configuration of its own', repository.name)
        WHEN repository.state = 3 THEN format('repository "%s" is marked for deletion', repository.name)
        WHEN repository.kind_id <> quay_internal.repositorykind_id('image') THEN format('repository "%s" is not for images', repository.name)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_problem(quay.repository) IS
    'Why the mirror of its organization must not push to a repository that exists; NULL if it may: a normal one, or one that it pushed to before.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_id(config quay.orgmirrorconfig, item quay.orgmirrorrepository) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(item.repository_id, (SELECT r.id FROM quay.repository AS r
                                         WHERE r.namespace_user_id = config.organization_id AND r.name = item.repository_name));
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_id(quay.orgmirrorconfig, quay.orgmirrorrepository) IS
    'Repository here of something that a mirror has found: the one it is linked to, else the one of that name. NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_ensure(org_mirror_repository_id bigint, transaction_id text)
    RETURNS TABLE (repository_id bigint, created boolean, problem text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item quay.orgmirrorrepository;
    config quay.orgmirrorconfig;
    owner_name text;
    robot quay."user";
    target quay.repository;
BEGIN
    SELECT * INTO item FROM quay.orgmirrorrepository AS m WHERE m.id = org_mirror_repository_ensure.org_mirror_repository_id;
    SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.id = item.org_mirror_config_id;
    -- The organization first, like all who create a repository in it or remove its mirror configuration; then the repository, like a purge.
    -- FOR UPDATE: nobody pushes while it becomes a mirror.
    PERFORM FROM quay."user" AS u WHERE u.id = config.organization_id FOR KEY SHARE;
    PERFORM FROM quay.repository AS r WHERE r.id = quay_internal.org_mirror_repository_id(config, item) FOR UPDATE;
    item := quay_internal.org_mirror_repository_hold(org_mirror_repository_id, transaction_id);
    IF item.id IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.id = item.org_mirror_config_id;
    owner_name := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id);
    SELECT * INTO robot FROM quay."user" AS u WHERE u.id = config.internal_robot_id;

    created := false;
    FOR attempt IN 1 .. 2 LOOP
        SELECT * INTO target FROM quay.repository AS r WHERE r.id = quay_internal.org_mirror_repository_id(config, item) FOR UPDATE;
        IF FOUND THEN
            repository_id := target.id;
            problem := quay_internal.org_mirror_repository_problem(target);
            EXIT;
        END IF;
        BEGIN
            repository_id := quay.repository_create(owner_name, item.repository_name, robot.username,
                visibility => (SELECT v.name FROM quay.visibility AS v WHERE v.id = config.visibility_id), actor => robot.username);
            created := true;
            EXIT;
        EXCEPTION WHEN SQLSTATE 'QY001' OR SQLSTATE 'QY004' OR SQLSTATE 'QY005' OR SQLSTATE 'QY006' THEN
            GET STACKED DIAGNOSTICS problem = PG_EXCEPTION_DETAIL;
            -- Taken by somebody who was just creating it: now we see it.
            EXIT WHEN SQLSTATE <> 'QY006';
        END;
    END LOOP;
    IF problem IS NOT NULL THEN
        repository_id := NULL;
        PERFORM quay_internal.org_mirror_repository_log(config, item, 'org_mirror_repo_creation_failed', 'end', problem,
            jsonb_build_object('external_reference', quay_internal.org_mirror_repository_reference(config, item.repository_name), 'error', problem));
        RETURN NEXT;
        RETURN;
    END IF;

    UPDATE quay.repository AS r SET state = 4 WHERE r.id = org_mirror_repository_ensure.repository_id AND r.state = 0;
    UPDATE quay.orgmirrorrepository AS m SET repository_id = org_mirror_repository_ensure.repository_id
    WHERE m.id = item.id AND m.repository_id IS DISTINCT FROM org_mirror_repository_ensure.repository_id;
    item.repository_id := repository_id;
    IF created THEN
        PERFORM quay_internal.org_mirror_repository_log(config, item, 'org_mirror_repo_created', 'end',
            format('Created for "%s"', quay_internal.org_mirror_repository_reference(config, item.repository_name)),
            jsonb_build_object('external_reference', quay_internal.org_mirror_repository_reference(config, item.repository_name),
                'visibility', (SELECT v.name FROM quay.visibility AS v WHERE v.id = config.visibility_id), 'via_org_mirror', 'true'));
    ELSE
        PERFORM quay_internal.mirror_robot_grant(robot, ARRAY[repository_id], robot.id, NULL);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_ensure(bigint, text) IS
    'Makes sure that there is a repository here to which the robot of the mirror can push what the claim is about, and returns its id; created tells whether it is new. No row, and nothing happens, if the claim is lost. One that exists becomes part of the mirror if it is a normal one. problem: why there is none, for org_mirror_repository_release(): the name is illegal here, or taken by a repository that is read-only, a mirror itself, or not for images. It may be called again. Writes the audit rows create_repo and org_mirror_repo_created, or org_mirror_repo_creation_failed.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_release(org_mirror_repository_id bigint, transaction_id text, status text,
                                                              message text DEFAULT NULL, tags text[] DEFAULT NULL, stdout text DEFAULT NULL,
                                                              stderr text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    outcome integer := quay_internal.mirror_outcome(org_mirror_repository_release.status);
    item quay.orgmirrorrepository := quay_internal.org_mirror_repository_hold(org_mirror_repository_id, transaction_id);
    now timestamp := quay_internal.utc_now();
    config quay.orgmirrorconfig;
    reference text;
BEGIN
    IF item.id IS NULL THEN
        RETURN false;
    END IF;
    SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.id = item.org_mirror_config_id;
    UPDATE quay.orgmirrorrepository AS m
    SET (sync_start_date, sync_retries_remaining) = (
            SELECT s.start, s.retries
            FROM quay_internal.mirror_schedule(outcome, m.sync_start_date, m.sync_retries_remaining, config.sync_interval, now) AS s),
        sync_status = outcome, sync_expiration_date = NULL, sync_transaction_id = gen_random_uuid()::text, last_sync_date = now,
        status_message = CASE WHEN outcome <> 1 THEN left(org_mirror_repository_release.message, 4096) END
    WHERE m.id = item.id;
    reference := quay_internal.org_mirror_repository_reference(config, item.repository_name);
    PERFORM quay_internal.org_mirror_repository_log(config, item,
        CASE outcome WHEN 1 THEN 'org_mirror_sync_success' WHEN -1 THEN 'org_mirror_sync_failed' ELSE 'org_mirror_sync_cancelled' END,
        CASE outcome WHEN -2 THEN 'cancelled' ELSE 'end' END,
        coalesce(message, format('"%s": %s', reference,
            CASE outcome WHEN 1 THEN 'copied' WHEN -1 THEN 'copying failed' ELSE 'cancelled' END)),
        jsonb_build_object('tags', array_to_string(tags, ', '), 'stdout', stdout, 'stderr', stderr));
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_release(bigint, text, text, text, text[], text, text) IS
    'Gives the claim for a repository of a mirrored organization back. False, and nothing happens, if it is lost: cancelled, deleted, or expired and taken by another worker.
status success: it is due again at the next whole interval of the mirror after its start. fail: one retry less, and due again at once; after the last one it waits for the next interval with three new ones. cancel: not due until the next search or org_mirror_sync_now(). message is kept for org_mirror_repository_list(), except after success.
Writes the audit row org_mirror_sync_success, org_mirror_sync_failed or org_mirror_sync_cancelled with message, tags, stdout and stderr. Errors: QY009 unknown status.';

-- Of both kinds of mirrors

CREATE OR REPLACE FUNCTION quay.org_mirror_due_counts() RETURNS TABLE (organizations bigint, repositories bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    organizations := (
        SELECT count(*)
        FROM quay.orgmirrorconfig AS d JOIN quay."user" AS u ON u.id = d.organization_id
        WHERE d.is_enabled AND u.enabled
          AND quay_internal.mirror_due(true, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining, d.sync_start_date) <= now);
    repositories := (
        SELECT count(*)
        FROM quay.orgmirrorrepository AS d
        JOIN quay.orgmirrorconfig AS c ON c.id = d.org_mirror_config_id
        JOIN quay."user" AS u ON u.id = c.organization_id
        WHERE c.is_enabled AND u.enabled
          AND quay_internal.mirror_due(true, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining, d.sync_start_date) <= now
          AND NOT EXISTS (SELECT FROM quay.repository AS r WHERE r.id = d.repository_id AND r.state = 3));
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_due_counts() IS
    'How many mirrored organizations wait for a worker that searches, and how many of their repositories for one that copies: as many as org_mirror_claim() and org_mirror_repository_claim() could give out now. For metrics.';

CREATE OR REPLACE FUNCTION quay.robot_mirror_list(robot text) RETURNS TABLE (namespace text, repository text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, r.name::text
        FROM quay."user" AS u
        JOIN quay.repomirrorconfig AS c ON c.internal_robot_id = u.id
        JOIN quay.repository AS r ON r.id = c.repository_id
        JOIN quay."user" AS o ON o.id = r.namespace_user_id
        WHERE u.username = robot_mirror_list.robot AND r.state <> 3
        UNION ALL
        SELECT o.username::text, NULL
        FROM quay."user" AS u
        JOIN quay.orgmirrorconfig AS c ON c.internal_robot_id = u.id
        JOIN quay."user" AS o ON o.id = c.organization_id
        WHERE u.username = robot_mirror_list.robot
        ORDER BY 1, 2 NULLS FIRST;
END
$$;
COMMENT ON FUNCTION quay.robot_mirror_list(text) IS
    'Mirrors that work as a robot, by its full name; repository NULL: the organization as a whole. No row: none, so that quay.robot_delete() can delete it, or there is no such robot.';
