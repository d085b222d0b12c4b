-- Writing to the audit log: what a front end tells of requests that no other call records, such as pulls and logins. Whatever changes the
-- registry writes its own rows, in its own transaction (quay_internal.log_add).

CREATE OR REPLACE FUNCTION quay_internal.log_metadata(metadata jsonb, request jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(metadata) <> 'object' OR jsonb_typeof(request) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'details of a log entry must be a JSON object',
            DETAIL = format('They are of type %s.', CASE WHEN jsonb_typeof(metadata) <> 'object' THEN jsonb_typeof(metadata)
                                                         ELSE jsonb_typeof(request) END),
            HINT = 'Pass an object, or NULL for none.';
    END IF;
    RETURN coalesce(metadata, '{}') || CASE WHEN request IS NULL THEN '{}' ELSE jsonb_build_object('request', jsonb_strip_nulls(request)) END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_metadata(jsonb, jsonb) IS
    'The details of a log entry, with those of the request, if there are any, under "request". Errors: 22023 not objects.';

CREATE OR REPLACE FUNCTION quay_internal.log_time(datetime timestamptz) RETURNS timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT isfinite(datetime) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a log entry must be finite',
            DETAIL = format('It is %s.', datetime),
            HINT = 'Pass when it happened, or NULL for now.';
    END IF;
    RETURN coalesce(datetime AT TIME ZONE 'UTC', quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.log_time(timestamptz) IS 'The time of a log entry as the tables hold it, now for NULL. Errors: 22023 infinite.';

CREATE OR REPLACE FUNCTION quay_internal.log_subject(namespace text, repository text, performer text,
                                                     OUT namespace_id bigint, OUT repository_id bigint, OUT performer_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- Disabled, marked for deletion: whatever there is can be logged and looked up.
    SELECT (SELECT u.id FROM quay."user" AS u WHERE u.username = log_subject.namespace),
           (SELECT r.id FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
            WHERE u.username = log_subject.namespace AND r.name = log_subject.repository),
           (SELECT u.id FROM quay."user" AS u WHERE u.username = log_subject.performer)
    INTO namespace_id, repository_id, performer_id;
    IF log_subject.namespace IS NOT NULL AND log_subject.namespace_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(log_subject.namespace, 80)),
            HINT = 'What was logged in a namespace that is gone is found by its id: quay.log_list(namespace_id => ...).';
    END IF;
    IF log_subject.repository IS NOT NULL AND log_subject.repository_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = CASE WHEN log_subject.namespace IS NULL THEN '22023' ELSE 'QY003' END,
            MESSAGE = CASE WHEN log_subject.namespace IS NULL THEN 'repository was named without its namespace' ELSE 'repository does not exist' END,
            DETAIL = CASE WHEN log_subject.namespace IS NULL THEN format('It was named "%s".', left(log_subject.repository, 80))
                          ELSE format('Namespace "%s" has no repository named "%s".', log_subject.namespace, left(log_subject.repository, 80)) END,
            HINT = 'Pass the namespace and the name. What was logged about a repository that is gone is found by its id: quay.log_list(repository_id => ...).';
    END IF;
    IF log_subject.performer IS NOT NULL AND log_subject.performer_id IS NULL THEN
        performer_id := quay_internal.actor_id(log_subject.performer);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_subject(text, text, text) IS
    'Ids of a namespace, of a repository in it, and of somebody who acts; NULL for NULL. Errors: QY002, QY003, QY007 unknown, 22023 repository without namespace.';

CREATE OR REPLACE FUNCTION quay.log_write(kind text, namespace text DEFAULT NULL, repository text DEFAULT NULL, actor text DEFAULT NULL,
                                          ip text DEFAULT NULL, metadata jsonb DEFAULT NULL, datetime timestamptz DEFAULT NULL,
                                          request jsonb DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subject record := quay_internal.log_subject(log_write.namespace, log_write.repository, log_write.actor);
BEGIN
    RETURN quay_internal.log_put(log_write.kind, coalesce(subject.namespace_id, quay_internal.log_service_account()), subject.performer_id,
        subject.repository_id, ARRAY[quay_internal.log_metadata(log_write.metadata, log_write.request)], log_write.ip,
        quay_internal.log_time(log_write.datetime));
END
$$;
COMMENT ON FUNCTION quay.log_write(text, text, text, text, text, jsonb, timestamptz, jsonb) IS
'Adds a row to the audit log, in the transaction of the caller, and says what became of it: written; skipped, since quay.unlogged_namespace names the namespace (scope all, or pull and the kind is pull_repo or repo_verb), or the namespace is free and quay.free_namespace_pull_logs is off; lost, since it could not be written and quay.allow_without_strict_logging, or for pull_repo, pull_repo_failed, login_success, login_failure and logout_success quay.allow_pulls_without_strict_logging, permits to go on: the server''s log has a warning. Without these settings the error is the caller''s.

namespace: where it happened, NULL for none: the row then goes to quay.service_log_account. repository: with its namespace. actor: who did it, NULL for anonymous. metadata: an object; times in it as seconds since 1970, as the reference writes them: nothing in it is changed. datetime: when it happened, NULL for now; it chooses the month. request: what else is known of the request (url, method, user_agent, request_id, ...), an object, kept in the metadata under "request".
Errors: QY009 unknown kind, QY002, QY003, QY007 unknown namespace, repository or actor (never lost silently), 22023 repository without namespace, metadata or request no object, infinite datetime.';

CREATE OR REPLACE FUNCTION quay_internal.log_entry_problem(entry jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(entry) <> 'object' THEN
        RETURN 'is no object';
    END IF;
    SELECT e.key, left(e.value::text, 80) AS value,
           CASE WHEN e.key IN ('metadata', 'request') THEN 'object'
                WHEN e.key LIKE '%\_id' THEN 'id'
                WHEN e.key = 'datetime' THEN 'time in the form of ISO 8601'
                WHEN e.key IN ('kind', 'namespace', 'repository', 'actor', 'ip') THEN 'text' END AS form
    INTO wrong
    FROM jsonb_each(entry) AS e
    WHERE e.value <> 'null' AND CASE
        WHEN e.key IN ('metadata', 'request') THEN jsonb_typeof(e.value) <> 'object'
        WHEN e.key IN ('namespace_id', 'repository_id', 'actor_id') THEN e.value::text !~ '^\d{1,18}$'
        WHEN e.key = 'datetime' THEN quay_internal.time_read(e.value #>> '{}') IS NULL
        WHEN e.key IN ('kind', 'namespace', 'repository', 'actor', 'ip') THEN jsonb_typeof(e.value) <> 'string'
        ELSE true END
    ORDER BY e.key LIMIT 1;
    RETURN CASE
        WHEN wrong.form IS NOT NULL THEN format('has %s %s, which is no %s', wrong.key, wrong.value, wrong.form)
        WHEN wrong.key IS NOT NULL THEN format('has "%s", which nobody knows', left(wrong.key, 80))
        WHEN entry ->> 'kind' IS NULL THEN 'has no kind'
        WHEN entry ->> 'repository' IS NOT NULL AND entry ->> 'namespace' IS NULL THEN 'has a repository without its namespace' END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_entry_problem(jsonb) IS 'Why an item of log_write_many() cannot be written, as the rest of a sentence; NULL if it can.';

-- What an item names, found; a row for each. unknown: one of the names is nobody''s.
CREATE OR REPLACE FUNCTION quay_internal.log_entry_resolve(entries jsonb)
    RETURNS TABLE (number bigint, kind_id bigint, account_id bigint, performer_id bigint, repository_id bigint, at timestamp, ip text,
                   metadata jsonb, unknown boolean, skipped boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    service_id bigint := quay_internal.log_service_account();
    free_is_logged boolean := quay_internal.setting('free_namespace_pull_logs')::boolean;
    present timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT e.number, k.id, coalesce(n.id, i.namespace_id, service_id), coalesce(p.id, i.actor_id), coalesce(r.id, i.repository_id),
               coalesce(quay_internal.time_read(e.entry ->> 'datetime'), present), e.entry ->> 'ip',
               quay_internal.log_metadata(nullif(e.entry -> 'metadata', 'null'), nullif(e.entry -> 'request', 'null')),
               i.namespace IS NOT NULL AND n.id IS NULL OR i.repository IS NOT NULL AND r.id IS NULL OR i.actor IS NOT NULL AND p.id IS NULL,
               EXISTS (SELECT FROM quay.unlogged_namespace AS s JOIN quay."user" AS u ON u.username = s.username
                       WHERE u.id = coalesce(n.id, i.namespace_id) AND (s.scope = 'all' OR i.pull))
               OR i.pull AND NOT free_is_logged
                  AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = coalesce(n.id, i.namespace_id) AND u.stripe_id IS NULL)
        FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (entry, number)
        CROSS JOIN LATERAL (
            SELECT e.entry ->> 'namespace' AS namespace, e.entry ->> 'repository' AS repository, e.entry ->> 'actor' AS actor,
                   (e.entry ->> 'namespace_id')::bigint AS namespace_id, (e.entry ->> 'repository_id')::bigint AS repository_id,
                   (e.entry ->> 'actor_id')::bigint AS actor_id, e.entry ->> 'kind' IN ('pull_repo', 'repo_verb') AS pull) AS i
        LEFT JOIN quay.logentrykind AS k ON k.name = e.entry ->> 'kind'
        LEFT JOIN quay."user" AS n ON n.username = i.namespace
        LEFT JOIN quay.repository AS r ON r.namespace_user_id = n.id AND r.name = i.repository
        LEFT JOIN quay."user" AS p ON p.username = i.actor;
END
$$;
COMMENT ON FUNCTION quay_internal.log_entry_resolve(jsonb) IS
    'The rows of the audit log that items of log_write_many() mean, with ids in place of names; unknown: a name is nobody''s; skipped: the namespace is not logged.';

CREATE OR REPLACE FUNCTION quay_internal.log_insert_many(entries jsonb, OUT written bigint, OUT skipped bigint, OUT unknown bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH resolved AS MATERIALIZED (
        SELECT * FROM quay_internal.log_entry_resolve(entries)
    ), added AS (
        INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
        SELECT r.kind_id, r.account_id, r.performer_id, r.repository_id, r.at, left(r.ip, 255), r.metadata::text
        FROM resolved AS r WHERE NOT r.unknown AND NOT r.skipped ORDER BY r.number
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM added), count(*) FILTER (WHERE r.skipped AND NOT r.unknown),
           coalesce(array_agg(r.number ORDER BY r.number) FILTER (WHERE r.unknown), '{}')
    INTO written, skipped, unknown
    FROM resolved AS r;
END
$$;
COMMENT ON FUNCTION quay_internal.log_insert_many(jsonb) IS 'Writes items of log_write_many() that have no problem, in one statement.';

CREATE OR REPLACE FUNCTION quay.log_write_many(entries jsonb)
    RETURNS TABLE (written bigint, skipped bigint, lost bigint, unknown bigint[])
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
    kinds text[];
    done record;
BEGIN
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'log entries must be an array',
            DETAIL = format('They are %s.', coalesce('of type ' || jsonb_typeof(entries), 'NULL')),
            HINT = 'Pass a JSON array of objects.';
    END IF;
    SELECT e.number, p.problem INTO wrong
    FROM jsonb_array_elements(entries) WITH ORDINALITY AS e (entry, number)
    CROSS JOIN LATERAL (SELECT quay_internal.log_entry_problem(e.entry) AS problem OFFSET 0) AS p
    WHERE p.problem IS NOT NULL ORDER BY e.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed log entry',
            DETAIL = format('Item %s %s.', wrong.number, wrong.problem),
            HINT = 'No item was written: correct or drop this one and send all again.';
    END IF;
    kinds := ARRAY(SELECT DISTINCT e.entry ->> 'kind' FROM jsonb_array_elements(entries) AS e (entry));
    PERFORM quay_internal.log_kind_ids(kinds);
    lost := 0;
    IF NOT (SELECT bool_and(quay_internal.log_may_be_lost(k.kind)) FROM unnest(kinds) AS k (kind)) THEN
        done := quay_internal.log_insert_many(entries);
    ELSE
        BEGIN
            done := quay_internal.log_insert_many(entries);
        EXCEPTION
            WHEN transaction_rollback THEN
                RAISE;
            WHEN OTHERS THEN
                RAISE WARNING USING ERRCODE = 'QY100',
                    MESSAGE = 'log entries lost',
                    DETAIL = format('All %s of the batch: %s (%s)', jsonb_array_length(entries), SQLERRM, SQLSTATE),
                    HINT = 'Settings quay.allow_without_strict_logging and quay.allow_pulls_without_strict_logging permit it.';
                RETURN QUERY VALUES (0::bigint, 0::bigint, jsonb_array_length(entries)::bigint, '{}'::bigint[]);
                RETURN;
        END;
    END IF;
    RETURN QUERY VALUES (done.written, done.skipped, lost, done.unknown);
END
$$;
COMMENT ON FUNCTION quay.log_write_many(jsonb) IS
'Adds many rows to the audit log at once, for front ends that collect pulls: an array of objects {"kind", "namespace", "repository", "actor", "ip", "metadata", "datetime", "request"} with the meaning and the rules of log_write(). datetime in the form of ISO 8601, UTC unless it says otherwise. In place of a name an item may have namespace_id, repository_id or actor_id, such as an earlier call returned; they are written as they are, so the entry of what is gone by now is kept.

Answers how many were written, skipped and lost (all or none of a batch, and only if its kinds may be lost), and the places, from 1, of items that name a namespace, a repository or an actor which does not exist (any more): these are not written, and the caller decides about them.
Errors: 22023 not an array, or an item is malformed, QY009 unknown kind; nothing is written then.';
