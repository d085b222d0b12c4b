-- Runs of repository mirrors: a worker claims those that are due, copies, tells how it went, and gives the claim back.
-- Who holds a claim knows its transaction id, and only he: each claim and each cancellation makes a new one.

CREATE OR REPLACE FUNCTION quay_internal.mirror_due(enabled boolean, status integer, expiration timestamp, retries integer, start timestamp)
    RETURNS timestamp
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN status = 3 THEN '-infinity'::timestamp
                WHEN status IN (-2, 4) OR NOT enabled THEN NULL
                WHEN status = 2 THEN coalesce(expiration, '-infinity'::timestamp)
                WHEN retries > 0 THEN start END;
COMMENT ON FUNCTION quay_internal.mirror_due(boolean, integer, timestamp, integer, timestamp) IS
    'From when on a worker may claim a mirror; NULL: it is not to be claimed. Asked for: at once. Cancelled, skipped or disabled: not. Under way: when its claim expires. Else when its time has come, if it has retries left. The indexes repomirrorconfig_due and orgmirrorrepository_due have the same expression.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_schedule(outcome integer, INOUT start timestamp, INOUT retries integer, sync_interval integer,
                                                         now timestamp)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF outcome = -2 THEN
        start := NULL;
        retries := 0;
        RETURN;
    END IF;
    retries := retries - 1;
    IF outcome = 1 OR retries < 1 THEN
        start := quay_internal.mirror_next_start(start, sync_interval, now);
        retries := 3;
    ELSE
        -- It was asked for, and had no schedule.
        start := coalesce(start, now);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_schedule(integer, timestamp, integer, integer, timestamp) IS
    'When the run after this one is due, and how often it may fail, by the outcome of this one: 1 success, -1 failure, -2 cancelled.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_log(config quay.repomirrorconfig, kind text, verb text, message text,
                                                    details jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository;
    namespace text;
BEGIN
    SELECT * INTO target FROM quay.repository AS r WHERE r.id = config.repository_id;
    SELECT u.username INTO namespace FROM quay."user" AS u WHERE u.id = target.namespace_user_id;
    PERFORM quay_internal.log_add(kind, target.namespace_user_id, NULL, target.id,
        jsonb_build_object('verb', verb, 'namespace', namespace, 'repo', target.name, 'message', message)
            || coalesce((SELECT jsonb_object_agg(d.key, left(d.value, 4096)) FROM jsonb_each_text(details) AS d WHERE d.value IS NOT NULL), '{}'),
        NULL);
    IF kind IN ('repo_mirror_sync_started', 'repo_mirror_sync_success', 'repo_mirror_sync_failed') THEN
        PERFORM quay_internal.event_notify(target, namespace, kind, jsonb_build_object('message', message));
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_log(quay.repomirrorconfig, text, text, text, jsonb) IS
    'Writes what happened in a run to the audit log and, if it started, succeeded or failed, queues the event of that name. verb: start, end, finish or cancelled. details: tag, tags, stdout, stderr, each cut to 4096 characters.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_hold(mirror_id bigint, transaction_id text) RETURNS quay.repomirrorconfig
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.repomirrorconfig;
BEGIN
    -- The repository first, like all who push to it or change its state.
    PERFORM FROM quay.repository AS r
    WHERE r.id = (SELECT c.repository_id FROM quay.repomirrorconfig AS c WHERE c.id = mirror_hold.mirror_id) FOR KEY SHARE;
    SELECT * INTO result FROM quay.repomirrorconfig AS c
    WHERE c.id = mirror_hold.mirror_id AND c.sync_status = 2 AND c.sync_transaction_id = mirror_hold.transaction_id
    FOR NO KEY UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_hold(bigint, text) IS
    'Configuration whose claim has this transaction id, which nobody takes away until we commit; all NULL if the claim is lost.';

CREATE OR REPLACE FUNCTION quay.mirror_claim(n integer DEFAULT 1)
    RETURNS TABLE (mirror_id bigint, transaction_id text, repository_id bigint, namespace text, repository text, external_reference text,
                   tags text[], architectures text[], external_config jsonb, robot text, timeout bigint, since_ms bigint,
                   claim_expires timestamp, retries_remaining integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now timestamp := quay_internal.utc_now();
    config quay.repomirrorconfig;
BEGIN
    FOR config IN
        WITH claimed AS (
            UPDATE quay.repomirrorconfig AS c
            SET sync_status = 2,
                sync_expiration_date = now + make_interval(secs => quay_internal.setting('mirror_sync_duration')::bigint),
                -- A worker that died is no fault of the mirror.
                sync_retries_remaining = CASE WHEN c.sync_status = 2 THEN 3 ELSE c.sync_retries_remaining END,
                sync_transaction_id = gen_random_uuid()::text
            FROM (SELECT d.id
                  FROM quay.repomirrorconfig AS d
                  JOIN quay.repository AS r ON r.id = d.repository_id
                  JOIN quay."user" AS u ON u.id = r.namespace_user_id
                  WHERE r.state = 2 AND u.enabled
                    AND quay_internal.mirror_due(d.is_enabled, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining,
                                                 d.sync_start_date) <= now
                  ORDER BY d.sync_start_date NULLS FIRST, d.id
                  LIMIT batch
                  FOR NO KEY UPDATE OF d SKIP LOCKED) AS due
            WHERE c.id = due.id
            RETURNING c.*)
        SELECT * FROM claimed AS c ORDER BY c.sync_start_date NULLS FIRST, c.id
    LOOP
        SELECT r.name, u.username INTO repository, namespace
        FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = config.repository_id;
        mirror_id := config.id;
        transaction_id := config.sync_transaction_id;
        repository_id := config.repository_id;
        external_reference := config.external_reference;
        tags := quay_internal.json_text_list((SELECT l.rule_value FROM quay.repomirrorrule AS l WHERE l.id = config.root_rule_id));
        architectures := quay_internal.json_text_list(config.architecture_filter);
        external_config := coalesce(quay_internal.json_read(config.external_registry_config), '{}');
        robot := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.internal_robot_id);
        timeout := config.skopeo_timeout;
        since_ms := quay_internal.clock_ms();
        claim_expires := config.sync_expiration_date;
        retries_remaining := config.sync_retries_remaining;
        PERFORM quay_internal.mirror_log(config, 'repo_mirror_sync_started', 'start',
            format('Copying "%s", tags %s', external_reference, array_to_string(tags, ', ')));
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.mirror_claim(integer) IS
    'Gives the caller up to n mirrors that are due, longest due first, for the time of quay.mirror_sync_duration. Several workers call it at once; each mirror goes to one of them. No row: nothing is due.
Due are mirrors that are asked for with mirror_sync_now(), also disabled ones; enabled ones whose time has come, with retries left; enabled ones whose claim has expired, since their worker died. Not due: cancelled ones, those of disabled namespaces, repositories in another state than mirror.
With mirror_id and transaction_id the worker calls mirror_tag_report() after each tag, or mirror_check(); mirror_extend() if it needs more time; mirror_tags_prune() or mirror_rollback(), and in the end mirror_release(). Credentials: mirror_credentials(). tags: globs, for mirror_rule_select(). since_ms: when the run started, for prune and rollback. The other columns are as in mirror_create().
It writes the audit row repo_mirror_sync_started, and queues the event. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.mirror_check(mirror_id bigint, transaction_id text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT CASE
                         WHEN c.sync_status = -2 OR r.state <> 2 THEN 'cancel'
                         WHEN c.sync_status = 2 AND c.sync_transaction_id = mirror_check.transaction_id THEN 'syncing'
                         ELSE 'lost' END
                     FROM quay.repomirrorconfig AS c JOIN quay.repository AS r ON r.id = c.repository_id
                     WHERE c.id = mirror_check.mirror_id), 'cancel');
END
$$;
COMMENT ON FUNCTION quay.mirror_check(bigint, text) IS
    'Shall the worker go on? syncing: yes. cancel: no, somebody cancelled the run, or the mirror is gone, or the repository is no mirror any more. lost: no, the claim expired and is another''s now.';

CREATE OR REPLACE FUNCTION quay.mirror_extend(mirror_id bigint, transaction_id text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.repomirrorconfig := quay_internal.mirror_hold(mirror_id, transaction_id);
BEGIN
    UPDATE quay.repomirrorconfig AS c
    SET sync_expiration_date = quay_internal.utc_now() + make_interval(secs => quay_internal.setting('mirror_sync_duration')::bigint)
    WHERE c.id = config.id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.mirror_extend(bigint, text) IS
    'Lets a claim expire quay.mirror_sync_duration from now; false if it is lost: cancelled, deleted, or expired and taken by another worker.';

CREATE OR REPLACE FUNCTION quay.mirror_tag_report(mirror_id bigint, transaction_id text, tag text, succeeded boolean,
                                                  message text DEFAULT NULL, stdout text DEFAULT NULL, stderr text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.repomirrorconfig;
BEGIN
    SELECT * INTO config FROM quay.repomirrorconfig AS c
    WHERE c.id = mirror_tag_report.mirror_id AND c.sync_status = 2 AND c.sync_transaction_id = mirror_tag_report.transaction_id;
    IF FOUND THEN
        PERFORM quay_internal.mirror_log(config,
            CASE WHEN succeeded THEN 'repo_mirror_sync_tag_success' ELSE 'repo_mirror_sync_tag_failed' END, 'finish',
            coalesce(message, format('"%s:%s" %s', config.external_reference, mirror_tag_report.tag,
                                     CASE WHEN succeeded THEN 'was copied' ELSE 'could not be copied' END)),
            jsonb_build_object('tag', mirror_tag_report.tag, 'stdout', stdout, 'stderr', stderr));
    END IF;
    RETURN quay.mirror_check(mirror_id, transaction_id);
END
$$;
COMMENT ON FUNCTION quay.mirror_tag_report(bigint, text, text, boolean, text, text, text) IS
    'Writes to the audit log that a tag was copied, or not, and answers like mirror_check() whether to go on. Without the claim it writes nothing. stdout, stderr: of the program that copies; no secrets, please.';

CREATE OR REPLACE FUNCTION quay.mirror_release(mirror_id bigint, transaction_id text, status text, message text DEFAULT NULL,
                                               tags text[] DEFAULT NULL, stdout text DEFAULT NULL, stderr text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    outcome integer := quay_internal.mirror_outcome(mirror_release.status);
    config quay.repomirrorconfig := quay_internal.mirror_hold(mirror_id, transaction_id);
    now timestamp := quay_internal.utc_now();
BEGIN
    IF config.id IS NULL THEN
        RETURN false;
    END IF;
    UPDATE quay.repomirrorconfig AS c
    SET (sync_start_date, sync_retries_remaining) = (
            SELECT s.start, s.retries
            FROM quay_internal.mirror_schedule(outcome, c.sync_start_date, c.sync_retries_remaining, c.sync_interval, now) AS s),
        sync_status = outcome, sync_expiration_date = NULL, sync_transaction_id = gen_random_uuid()::text
    WHERE c.id = config.id;
    PERFORM quay_internal.mirror_log(config, CASE outcome WHEN 1 THEN 'repo_mirror_sync_success' ELSE 'repo_mirror_sync_failed' END,
        CASE outcome WHEN -2 THEN 'cancelled' ELSE 'end' END,
        coalesce(message, format('"%s": %s', config.external_reference,
            CASE outcome WHEN 1 THEN 'copied' WHEN -1 THEN 'copying failed' ELSE 'cancelled' END)),
        jsonb_build_object('tags', array_to_string(tags, ', '), 'stdout', stdout, 'stderr', stderr));
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.mirror_release(bigint, text, text, text, text[], text, text) IS
    'Gives a claim back. False, and nothing happens, if it is lost: cancelled, deleted, or expired and taken by another worker.
status success: the next run is due at the next whole interval after its start. fail: one retry less, and due again at once; after the last one it waits for the next interval with three new ones. cancel: not due until somebody asks for it.
Writes the audit row repo_mirror_sync_success or repo_mirror_sync_failed with message, tags, stdout and stderr, and queues the event. Errors: QY009 unknown status.';

-- The content after a run

CREATE OR REPLACE FUNCTION quay.mirror_tags_prune(mirror_id bigint, transaction_id text, tags text[], since_ms bigint,
                                                  n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    config quay.repomirrorconfig := quay_internal.mirror_hold(mirror_id, transaction_id);
    keep_immutable boolean := quay_internal.setting('immutable_tags')::boolean;
    target quay.repository;
    namespace text;
    now_ms bigint;
    removed quay.tag;
    removed_count integer := 0;
BEGIN
    SELECT * INTO target FROM quay.repository AS r WHERE r.id = config.repository_id AND r.state = 2;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF coalesce(cardinality(tags), 0) = 0 THEN
        RETURN 0;
    END IF;
    namespace := (SELECT u.username FROM quay."user" AS u WHERE u.id = target.namespace_user_id);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = target.id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
          -- By row, not by name: what was pushed since is nobody's leftover.
          AND t.lifetime_start_ms <= since_ms
          AND NOT (t.immutable AND keep_immutable)
          AND NOT EXISTS (SELECT FROM unnest(tags) AS k (name) WHERE k.name = t.name)
        ORDER BY t.id
        LIMIT batch
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, config.internal_robot_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', removed.name), NULL);
        removed_count := removed_count + 1;
    END LOOP;
    RETURN removed_count;
END
$$;
COMMENT ON FUNCTION quay.mirror_tags_prune(bigint, text, text[], bigint, integer) IS
    'Ends the tags of a mirror that the source has not any more, at most n; call again until it returns 0. tags: those that the source has and the globs select. since_ms: what mirror_claim() returned; tags that were made or moved later stay, like immutable ones. Returns how many it ended; NULL, and nothing happens, if the claim is lost. Without any tags in the list it ends none: the source may just have answered badly. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.mirror_rollback(mirror_id bigint, transaction_id text, since_ms bigint, tags text[] DEFAULT NULL,
                                                n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    config quay.repomirrorconfig := quay_internal.mirror_hold(mirror_id, transaction_id);
    keep_immutable boolean := quay_internal.setting('immutable_tags')::boolean;
    target quay.repository;
    namespace text;
    now_ms bigint;
    changed record;
    undone integer := 0;
BEGIN
    SELECT * INTO target FROM quay.repository AS r WHERE r.id = config.repository_id AND r.state = 2;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    namespace := (SELECT u.username FROM quay."user" AS u WHERE u.id = target.namespace_user_id);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    FOR changed IN
        SELECT c.name, former.manifest_id AS former_manifest_id, live.manifest_id AS live_manifest_id
        FROM (SELECT t.name FROM quay.tag AS t
              WHERE t.repository_id = target.id AND NOT t.hidden AND t.lifetime_start_ms > mirror_rollback.since_ms
              UNION
              SELECT t.name FROM quay.tag AS t
              WHERE t.repository_id = target.id AND NOT t.hidden AND t.lifetime_end_ms > mirror_rollback.since_ms
                AND t.lifetime_end_ms <= now_ms) AS c
        LEFT JOIN LATERAL (SELECT t.manifest_id FROM quay.tag AS t
                           WHERE t.repository_id = target.id AND t.name = c.name AND NOT t.hidden
                             AND t.lifetime_start_ms <= mirror_rollback.since_ms
                             AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > mirror_rollback.since_ms)
                           ORDER BY t.lifetime_start_ms DESC, t.id DESC LIMIT 1) AS former ON true
        LEFT JOIN LATERAL (SELECT f.* FROM quay_internal.tag_find(target.id, c.name, now_ms) AS f) AS live ON true
        WHERE former.manifest_id IS DISTINCT FROM live.manifest_id
          AND NOT (coalesce(live.immutable, false) AND keep_immutable)
          AND (mirror_rollback.tags IS NULL OR c.name = ANY (mirror_rollback.tags))
        ORDER BY c.name
        LIMIT batch
    LOOP
        IF changed.former_manifest_id IS NOT NULL THEN
            PERFORM quay_internal.tag_retarget(target, changed.name, changed.former_manifest_id, NULL, true);
        ELSE
            PERFORM quay_internal.tag_expire(target, quay_internal.tag_find(target.id, changed.name, now_ms), now_ms);
        END IF;
        PERFORM quay_internal.log_add(CASE WHEN changed.former_manifest_id IS NULL THEN 'delete_tag' ELSE 'revert_tag' END,
            target.namespace_user_id, config.internal_robot_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', changed.name), NULL);
        undone := undone + 1;
    END LOOP;
    RETURN undone;
END
$$;
COMMENT ON FUNCTION quay.mirror_rollback(bigint, text, bigint, text[], integer) IS
    'Puts tags of a mirror back to where they were at since_ms, which mirror_claim() returned: moved and removed ones point to their former manifest again, new ones end; at most n, so call again until it returns 0. tags: only these, such as those that could not be copied completely; NULL: all. Immutable ones stay. Returns how many it put back; NULL, and nothing happens, if the claim is lost. Errors: 22023 n not positive.';

-- What people ask for

CREATE OR REPLACE FUNCTION quay_internal.mirror_lock(namespace text, repository text) RETURNS quay.repomirrorconfig
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    result quay.repomirrorconfig;
BEGIN
    SELECT * INTO result FROM quay.repomirrorconfig AS c WHERE c.repository_id = target.id AND target.state = 2 FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM quay_internal.mirror_unknown(namespace, repository);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_lock(text, text) IS
    'Configuration of a repository in the state mirror, locked. Errors: QY002, QY003, QY004, QY084 it is no mirror.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_log_request(namespace text, repository text, request text, config quay.repomirrorconfig,
                                                            actor text, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add('repo_mirror_config_changed', r.namespace_user_id, quay_internal.actor_id(mirror_log_request.actor), r.id,
        jsonb_build_object('namespace', mirror_log_request.namespace, 'repo', mirror_log_request.repository, 'changed', 'sync_status',
                           'to', request), mirror_log_request.ip)
    FROM quay.repository AS r WHERE r.id = config.repository_id;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_log_request(text, text, text, quay.repomirrorconfig, text, text) IS
    'Writes to the audit log that somebody asked for a run, or to end it. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.mirror_sync_now(namespace text, repository text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.repomirrorconfig := quay_internal.mirror_lock(namespace, repository);
BEGIN
    -- A claim without an end, or past it, is nobody's.
    IF config.sync_status = 2 AND config.sync_expiration_date > quay_internal.utc_now() THEN
        RETURN false;
    END IF;
    UPDATE quay.repomirrorconfig AS c
    SET sync_status = 3, sync_expiration_date = NULL, sync_retries_remaining = greatest(c.sync_retries_remaining, 1),
        sync_transaction_id = gen_random_uuid()::text
    WHERE c.id = config.id;
    PERFORM quay_internal.mirror_log_request(namespace, repository, 'SYNC_NOW', config, actor, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.mirror_sync_now(text, text, text, text) IS
    'Asks for a run of a mirror as soon as a worker is free, also if it is disabled, cancelled or out of retries; false if one is under way. Its schedule stays. Errors: QY002, QY003, QY004, QY007 actor unknown, QY084 the repository is no mirror.';

CREATE OR REPLACE FUNCTION quay.mirror_cancel(namespace text, repository text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.repomirrorconfig := quay_internal.mirror_lock(namespace, repository);
BEGIN
    IF config.sync_status NOT IN (2, 3) THEN
        RETURN false;
    END IF;
    UPDATE quay.repomirrorconfig AS c
    SET sync_status = -2, sync_expiration_date = NULL, sync_retries_remaining = 0, sync_transaction_id = gen_random_uuid()::text
    WHERE c.id = config.id;
    PERFORM quay_internal.mirror_log_request(namespace, repository, 'SYNC_CANCEL', config, actor, ip);
    IF config.sync_status = 2 THEN
        PERFORM quay_internal.mirror_log(config, 'repo_mirror_sync_failed', 'cancelled', format('"%s": cancelled', config.external_reference));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.mirror_cancel(text, text, text, text) IS
    'Ends the run of a mirror that is under way or asked for; false if there is none. The worker learns it from mirror_check(), and what it still does with its claim has no effect. There is no run any more until somebody calls mirror_sync_now(). Errors: QY002, QY003, QY004, QY007 actor unknown, QY084 the repository is no mirror.';

CREATE OR REPLACE FUNCTION quay.mirror_due_count() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN (SELECT count(*)
            FROM quay.repomirrorconfig AS d
            JOIN quay.repository AS r ON r.id = d.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE r.state = 2 AND u.enabled
              AND quay_internal.mirror_due(d.is_enabled, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining,
                                           d.sync_start_date) <= now);
END
$$;
COMMENT ON FUNCTION quay.mirror_due_count() IS 'How many mirrors of repositories wait for a worker: as many as mirror_claim() could give out now. For metrics.';
