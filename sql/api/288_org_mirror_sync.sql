-- Runs of organization mirrors. One worker searches the source for repositories, others copy these; both hold claims as in 283_mirror_sync.sql.
-- Whoever needs both rows locks the configuration before what it has found.

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_log(config quay.orgmirrorconfig, kind text, message text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, config.organization_id, config.internal_robot_id, NULL,
        jsonb_build_object('namespace', (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id),
            'message', left(message, 4096), 'org_mirror_config_id', config.id, 'external_registry_url', config.external_registry_url,
            'external_namespace', config.external_namespace), NULL);
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_log(quay.orgmirrorconfig, text, text) IS
    'Writes to the audit log what happened in the search for the repositories of a mirrored organization.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_log(config quay.orgmirrorconfig, item quay.orgmirrorrepository, kind text,
                                                                   verb text, message text, details jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, config.organization_id, config.internal_robot_id, item.repository_id,
        jsonb_build_object('verb', verb, 'namespace', (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id),
            'repo', item.repository_name, 'message', left(message, 4096))
            || coalesce((SELECT jsonb_object_agg(d.key, left(d.value, 4096)) FROM jsonb_each_text(details) AS d WHERE d.value IS NOT NULL), '{}'),
        NULL);
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_log(quay.orgmirrorconfig, quay.orgmirrorrepository, text, text, text, jsonb) IS
    'Writes to the audit log what happened in the run of one repository of a mirrored organization. verb: start, end or cancelled. details: texts, each cut to 4096 characters.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_reference(config quay.orgmirrorconfig, repository text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.org_mirror_source(config) || '/' || repository;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_reference(quay.orgmirrorconfig, text) IS
    'Where a repository of a mirrored organization comes from, as host[:port]/namespace/repository.';

-- What all repositories of a mirror are told at once

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_propagate_sync_now(config_id bigint, now timestamp) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told bigint;
BEGIN
    UPDATE quay.orgmirrorrepository AS m
    SET sync_status = 3, sync_start_date = now, sync_expiration_date = NULL, sync_retries_remaining = 3, status_message = NULL,
        sync_transaction_id = gen_random_uuid()::text
    WHERE m.org_mirror_config_id = config_id AND m.sync_status NOT IN (2, 3, 4);
    GET DIAGNOSTICS told = ROW_COUNT;
    RETURN told;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_propagate_sync_now(bigint, timestamp) IS
    'Has all repositories of a mirror copied as soon as workers are free, except those that are being copied or skipped. Returns how many.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_propagate_cancel(config_id bigint, now timestamp) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told bigint;
BEGIN
    UPDATE quay.orgmirrorrepository AS m
    SET sync_status = -2, sync_start_date = NULL, sync_expiration_date = NULL, sync_retries_remaining = 0, status_message = NULL,
        last_sync_date = CASE m.sync_status WHEN 2 THEN now ELSE m.last_sync_date END,
        -- Who is copying does not overwrite this.
        sync_transaction_id = gen_random_uuid()::text
    WHERE m.org_mirror_config_id = config_id AND m.sync_status NOT IN (-2, 4);
    GET DIAGNOSTICS told = ROW_COUNT;
    RETURN told;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_propagate_cancel(bigint, timestamp) IS
    'Cancels the copying of all repositories of a mirror, under way or waiting, except skipped ones; the next search schedules them again. Returns how many.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_schedule_new(config_id bigint, now timestamp) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told bigint;
BEGIN
    UPDATE quay.orgmirrorrepository AS m
    SET sync_status = 3, sync_start_date = now, sync_expiration_date = NULL, sync_retries_remaining = 3,
        sync_transaction_id = gen_random_uuid()::text
    WHERE m.org_mirror_config_id = config_id AND m.sync_status IN (-2, 0) AND m.sync_start_date IS NULL;
    GET DIAGNOSTICS told = ROW_COUNT;
    RETURN told;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_schedule_new(bigint, timestamp) IS
    'Has the repositories of a mirror that never ran or were cancelled copied as soon as workers are free. Returns how many.';

-- The search for repositories

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_hold(org_mirror_id bigint, transaction_id text) RETURNS quay.orgmirrorconfig
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.orgmirrorconfig;
BEGIN
    SELECT * INTO result FROM quay.orgmirrorconfig AS c
    WHERE c.id = org_mirror_hold.org_mirror_id AND c.sync_status = 2 AND c.sync_transaction_id = org_mirror_hold.transaction_id
    FOR NO KEY UPDATE;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_hold(bigint, text) IS
    'Configuration whose claim has this transaction id, which nobody takes away until we commit; all NULL if the claim is lost.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_settle_cancelled(now timestamp) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config_id bigint;
BEGIN
    FOR config_id IN
        UPDATE quay.orgmirrorconfig AS c
        SET sync_status = 1, sync_start_date = quay_internal.mirror_next_start(c.sync_start_date, c.sync_interval, now),
            sync_expiration_date = NULL, sync_retries_remaining = 3, sync_transaction_id = gen_random_uuid()::text
        FROM (SELECT d.id FROM quay.orgmirrorconfig AS d
              WHERE d.sync_status = -2 AND d.sync_expiration_date IS NOT NULL
              FOR NO KEY UPDATE SKIP LOCKED) AS cancelled
        WHERE c.id = cancelled.id
        RETURNING c.id
    LOOP
        PERFORM quay_internal.org_mirror_propagate_cancel(config_id, now);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_settle_cancelled(timestamp) IS
    'Ends what was cancelled: the next search is due at the next interval. The Quay application leaves the repositories to this too.';

CREATE OR REPLACE FUNCTION quay.org_mirror_claim(n integer DEFAULT 1)
    RETURNS TABLE (org_mirror_id bigint, transaction_id text, organization text, registry_type text, external_url text,
                   external_namespace text, filters text[], external_config jsonb, robot text, timeout bigint, claim_expires timestamp,
                   retries_remaining integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    now timestamp := quay_internal.utc_now();
    claimed record;
    config quay.orgmirrorconfig;
BEGIN
    PERFORM quay_internal.org_mirror_settle_cancelled(now);
    FOR claimed IN
        WITH changed AS (
            UPDATE quay.orgmirrorconfig AS c
            SET sync_status = 2,
                sync_expiration_date = now + make_interval(secs => quay_internal.setting('org_mirror_discovery_duration')::bigint),
                -- A worker that died is no fault of the mirror.
                sync_retries_remaining = CASE WHEN c.sync_status = 2 THEN 3 ELSE c.sync_retries_remaining END,
                sync_transaction_id = gen_random_uuid()::text
            FROM (SELECT d.id, d.sync_status AS former_status
                  FROM quay.orgmirrorconfig AS d
                  JOIN quay."user" AS u ON u.id = d.organization_id
                  WHERE d.is_enabled AND u.enabled
                    AND quay_internal.mirror_due(true, d.sync_status, d.sync_expiration_date, d.sync_retries_remaining, d.sync_start_date) <= now
                  ORDER BY d.sync_start_date NULLS FIRST, d.id
                  LIMIT batch
                  FOR NO KEY UPDATE OF d SKIP LOCKED) AS due
            WHERE c.id = due.id
            RETURNING c.id, c.sync_start_date, due.former_status)
        SELECT c.id, c.former_status FROM changed AS c ORDER BY c.sync_start_date NULLS FIRST, c.id
    LOOP
        SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.id = claimed.id;
        -- With the claim, so that the wish outlives a worker that dies.
        IF claimed.former_status = 3 THEN
            PERFORM quay_internal.org_mirror_propagate_sync_now(config.id, now);
        END IF;
        org_mirror_id := config.id;
        transaction_id := config.sync_transaction_id;
        organization := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.organization_id);
        registry_type := quay_internal.registry_type_name(config.external_registry_type);
        external_url := config.external_registry_url;
        external_namespace := config.external_namespace;
        filters := quay_internal.json_text_list(config.repository_filters);
        external_config := coalesce(quay_internal.json_read(config.external_registry_config), '{}');
        robot := (SELECT u.username FROM quay."user" AS u WHERE u.id = config.internal_robot_id);
        timeout := config.skopeo_timeout;
        claim_expires := config.sync_expiration_date;
        retries_remaining := config.sync_retries_remaining;
        PERFORM quay_internal.org_mirror_log(config, 'org_mirror_sync_started',
            format('Searching "%s" for repositories', quay_internal.org_mirror_source(config)));
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_claim(integer) IS
    'Gives the caller up to n mirrored organizations in whose source it is to search for repositories, longest due first, for the time of quay.org_mirror_discovery_duration. Several workers call it at once; each organization goes to one of them. No row: nothing is due.
Due are enabled configurations that are asked for with org_mirror_sync_now(), whose time has come, with retries left, or whose claim has expired, since the worker died; not those of disabled organizations. If it was asked for, all repositories that are known are to be copied as well. What org_mirror_cancel() cancelled is settled here and not given out.
The worker lists the repositories, hands their names to org_mirror_sync_discovered(), and calls org_mirror_release(); org_mirror_extend() if it needs more time, org_mirror_check() to learn of a cancellation. Credentials: org_mirror_credentials(). Columns are as in org_mirror_create().
It writes the audit row org_mirror_sync_started. Errors: 22023 n not positive.';

CREATE OR REPLACE FUNCTION quay.org_mirror_check(org_mirror_id bigint, transaction_id text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT CASE
                         WHEN c.sync_status = -2 THEN 'cancel'
                         WHEN c.sync_status = 2 AND c.sync_transaction_id = org_mirror_check.transaction_id THEN 'syncing'
                         ELSE 'lost' END
                     FROM quay.orgmirrorconfig AS c WHERE c.id = org_mirror_check.org_mirror_id), 'cancel');
END
$$;
COMMENT ON FUNCTION quay.org_mirror_check(bigint, text) IS
    'Shall the worker go on searching? syncing: yes. cancel: no, somebody cancelled it, or the mirror is gone. lost: no, the claim expired and is another''s now, or was settled.';

CREATE OR REPLACE FUNCTION quay.org_mirror_extend(org_mirror_id bigint, transaction_id text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.orgmirrorconfig := quay_internal.org_mirror_hold(org_mirror_id, transaction_id);
BEGIN
    UPDATE quay.orgmirrorconfig AS c
    SET sync_expiration_date = quay_internal.utc_now() + make_interval(secs => quay_internal.setting('org_mirror_discovery_duration')::bigint)
    WHERE c.id = config.id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_extend(bigint, text) IS
    'Lets a claim expire quay.org_mirror_discovery_duration from now; false if it is lost: cancelled, deleted, or expired and taken by another worker.';

CREATE OR REPLACE FUNCTION quay.org_mirror_sync_discovered(org_mirror_id bigint, transaction_id text, names text[])
    RETURNS TABLE (discovered bigint, created bigint, deactivated bigint, reactivated bigint, scheduled bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config quay.orgmirrorconfig := quay_internal.org_mirror_hold(org_mirror_id, transaction_id);
    now timestamp := quay_internal.utc_now();
    filters text[] := quay_internal.json_text_list(config.repository_filters);
    pattern text := CASE WHEN filters = '{}' THEN '.*' ELSE quay_internal.glob_regex(filters) END;
    source_names text[];
    active_names text[];
BEGIN
    IF config.id IS NULL THEN
        RETURN;
    END IF;
    source_names := ARRAY(SELECT DISTINCT s.name FROM unnest(names) AS s (name) WHERE length(s.name) BETWEEN 1 AND 255);
    active_names := ARRAY(SELECT s.name FROM unnest(source_names) AS s (name) WHERE s.name ~ pattern);
    discovered := cardinality(active_names);

    INSERT INTO quay.orgmirrorrepository (org_mirror_config_id, repository_name, discovery_date, creation_date, sync_status,
                                          sync_retries_remaining, sync_transaction_id)
    SELECT config.id, a.name, now, now, 0, 3, gen_random_uuid()::text FROM unnest(active_names) AS a (name)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS created = ROW_COUNT;

    -- A source that lists nothing at all has more likely failed than been emptied. Who is copying finishes; the next search sees it.
    UPDATE quay.orgmirrorrepository AS m
    SET sync_status = 4, sync_start_date = NULL, sync_expiration_date = NULL, sync_retries_remaining = 0,
        sync_transaction_id = gen_random_uuid()::text,
        status_message = CASE WHEN EXISTS (SELECT FROM unnest(source_names) AS s (name) WHERE s.name = m.repository_name)
                              THEN 'excluded by the filters' ELSE 'no longer in the source registry' END
    WHERE m.org_mirror_config_id = config.id AND m.sync_status NOT IN (2, 4) AND source_names <> '{}'
      AND NOT EXISTS (SELECT FROM unnest(active_names) AS a (name) WHERE a.name = m.repository_name);
    GET DIAGNOSTICS deactivated = ROW_COUNT;
    UPDATE quay.orgmirrorrepository AS m
    SET sync_status = 0, status_message = NULL, sync_start_date = NULL, sync_expiration_date = NULL, sync_retries_remaining = 3,
        sync_transaction_id = gen_random_uuid()::text
    WHERE m.org_mirror_config_id = config.id AND m.sync_status = 4
      AND EXISTS (SELECT FROM unnest(active_names) AS a (name) WHERE a.name = m.repository_name);
    GET DIAGNOSTICS reactivated = ROW_COUNT;
    scheduled := quay_internal.org_mirror_schedule_new(config.id, now);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_sync_discovered(bigint, text, text[]) IS
    'Records what a search has found. names: all repositories that the source has, without its namespace; the filters apply here. No row, and nothing happens, if the claim is lost.
Those that are new are added; those that the source has not any more or the filters exclude are skipped, unless they are just being copied; skipped ones that are back run again; those that never ran or were cancelled are to be copied now. An empty list skips none, since the source may just have answered badly. It may be called again with the same names.
discovered: how many different ones pass the filters, created: how many of them are new, deactivated, reactivated: how many were skipped and how many are back, scheduled: how many are to be copied now. Names longer than 255 characters are left out.';

CREATE OR REPLACE FUNCTION quay.org_mirror_release(org_mirror_id bigint, transaction_id text, status text, message text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    outcome integer := quay_internal.mirror_outcome(org_mirror_release.status);
    config quay.orgmirrorconfig := quay_internal.org_mirror_hold(org_mirror_id, transaction_id);
    now timestamp := quay_internal.utc_now();
BEGIN
    IF config.id IS NULL THEN
        RETURN false;
    END IF;
    -- Cancelled is this search, not the schedule.
    UPDATE quay.orgmirrorconfig AS c
    SET (sync_start_date, sync_retries_remaining) = (
            SELECT s.start, s.retries
            FROM quay_internal.mirror_schedule(CASE outcome WHEN -1 THEN -1 ELSE 1 END, c.sync_start_date, c.sync_retries_remaining,
                                               c.sync_interval, now) AS s),
        sync_status = CASE outcome WHEN -1 THEN -1 ELSE 1 END, sync_expiration_date = NULL, sync_transaction_id = gen_random_uuid()::text
    WHERE c.id = config.id;
    PERFORM quay_internal.org_mirror_log(config, CASE outcome WHEN 1 THEN 'org_mirror_sync_success' ELSE 'org_mirror_sync_failed' END,
        coalesce(message, format('"%s": %s', quay_internal.org_mirror_source(config),
            CASE outcome WHEN 1 THEN 'searched' WHEN -1 THEN 'search failed' ELSE 'cancelled' END)));
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_release(bigint, text, text, text) IS
    'Gives the claim for a search back. False, and nothing happens, if it is lost: cancelled, deleted, or expired and taken by another worker.
status success: the next search is due at the next whole interval after its start. fail: one retry less, and due again at once; after the last one it waits for the next interval with three new ones. cancel: as success, and stored as it.
Writes the audit row org_mirror_sync_success or org_mirror_sync_failed with the message. Errors: QY009 unknown status.';

-- What people ask for

CREATE OR REPLACE FUNCTION quay.org_mirror_sync_now(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (accepted boolean, reason text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(org_mirror_sync_now.actor);
    config quay.orgmirrorconfig := quay_internal.org_mirror_lock(organization);
    now timestamp := quay_internal.utc_now();
BEGIN
    reason := CASE
        -- A claim without an end, or past it, is nobody's.
        WHEN config.sync_status = 2 AND config.sync_expiration_date > now THEN 'a search for repositories is under way'
        WHEN quay_internal.org_mirror_active(config.id) > 0 THEN 'repositories are being copied or wait for it' END;
    accepted := reason IS NULL;
    IF accepted THEN
        UPDATE quay.orgmirrorconfig AS c
        SET sync_status = 3, sync_start_date = now, sync_expiration_date = NULL,
            sync_retries_remaining = greatest(c.sync_retries_remaining, 1), sync_transaction_id = gen_random_uuid()::text
        WHERE c.id = config.id;
        PERFORM quay_internal.log_add('org_mirror_sync_now_requested', config.organization_id, performer_id, NULL,
            jsonb_build_object('namespace', organization, 'external_reference', quay_internal.org_mirror_source(config)), ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_sync_now(text, text, text) IS
    'Asks for a search for the repositories of a mirrored organization, and a copy of all of them, as soon as workers are free. Always one row: accepted, or reason, why not: a search is under way, or repositories are being copied or wait for it (see org_mirror_active_count()); cancel that first. A disabled configuration stays disabled, and the wish waits. Errors: QY002 unknown or no organization, QY004, QY007 actor unknown, QY084 it is no mirror.';

CREATE OR REPLACE FUNCTION quay.org_mirror_cancel(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (accepted boolean, reason text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(org_mirror_cancel.actor);
    config quay.orgmirrorconfig := quay_internal.org_mirror_lock(organization);
    now timestamp := quay_internal.utc_now();
BEGIN
    accepted := config.sync_status <> -2;
    IF accepted THEN
        -- The expiration date says that a worker has not seen it yet.
        UPDATE quay.orgmirrorconfig AS c
        SET sync_status = -2, sync_expiration_date = now, sync_retries_remaining = 0, sync_transaction_id = gen_random_uuid()::text
        WHERE c.id = config.id;
        PERFORM quay_internal.org_mirror_propagate_cancel(config.id, now);
        PERFORM quay_internal.log_add('org_mirror_sync_cancelled', config.organization_id, performer_id, NULL,
            jsonb_build_object('namespace', organization, 'external_reference', quay_internal.org_mirror_source(config)), ip);
    ELSE
        reason := 'it is cancelled already';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_cancel(text, text, text) IS
    'Ends the search for the repositories of a mirrored organization and the copying of all of them, under way or waiting. Always one row: accepted, or reason, why not. Workers learn it from org_mirror_check() and org_mirror_repository_check(), and what they still do with their claims has no effect. The schedule stays: the next search, at its time, has the repositories copied again. Errors: QY002 unknown or no organization, QY004, QY007 actor unknown, QY084 it is no mirror.';
