-- Exports of the audit log: the request is an item of the queue exportactionlogs, the worker reads batch after batch.

CREATE OR REPLACE FUNCTION quay.log_export_request(namespace text, repository text DEFAULT NULL, start_time timestamptz DEFAULT NULL,
                                                   end_time timestamptz DEFAULT NULL, kinds text[] DEFAULT NULL,
                                                   exclude_kinds text[] DEFAULT NULL, callback_url text DEFAULT NULL,
                                                   callback_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    export_id text := gen_random_uuid();
    start timestamp := coalesce(log_export_request.start_time AT TIME ZONE 'UTC', quay_internal.utc_now() - interval '1 day');
    stop timestamp := coalesce(log_export_request.end_time AT TIME ZONE 'UTC', quay_internal.utc_now());
    owner_id bigint;
    target_id bigint;
BEGIN
    IF num_nonnulls(callback_url, callback_email) = 0 OR callback_url !~ '^https?://' OR callback_email !~ '^[^@\s]+@[^@\s]+$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an export needs somebody to report to',
            DETAIL = format('URL: %s, e-mail address: %s.', coalesce(left(callback_url, 80), 'none'), coalesce(left(callback_email, 80), 'none')),
            HINT = 'Pass a URL that begins with http:// or https://, or an e-mail address.';
    END IF;
    IF NOT isfinite(start) OR NOT isfinite(stop) OR stop <= start THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an export must end after its start',
            DETAIL = format('It is from %s to %s.', start, stop),
            HINT = 'Pass two times, the earlier one first; the end itself is not exported.';
    END IF;
    PERFORM quay_internal.log_kind_ids(kinds), quay_internal.log_kind_ids(exclude_kinds);
    SELECT u.id, (SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = u.id AND r.name = log_export_request.repository AND r.state <> 3)
    INTO owner_id, target_id
    FROM quay."user" AS u WHERE u.username = log_export_request.namespace AND NOT u.robot;
    IF owner_id IS NULL OR log_export_request.repository IS NOT NULL AND target_id IS NULL THEN
        RETURN NULL;
    END IF;

    -- The reference's worker knows days, of which it takes the last one whole; ours the rest.
    PERFORM quay_internal.queue_add(quay_internal.queue_path('exportactionlogs', log_export_request.namespace), jsonb_build_object(
        'export_id', export_id, 'repository_id', target_id, 'namespace_id', owner_id,
        'namespace_name', log_export_request.namespace, 'repository_name', log_export_request.repository,
        'start_time', to_char(start, 'MM/DD/YYYY'), 'end_time', to_char(stop - interval '1 microsecond', 'MM/DD/YYYY'),
        'callback_url', callback_url, 'callback_email', callback_email,
        'start_ms', floor(extract(epoch FROM start) * 1000)::bigint, 'end_ms', ceil(extract(epoch FROM stop) * 1000)::bigint,
        'kinds', to_jsonb(kinds), 'exclude_kinds', to_jsonb(exclude_kinds)), retries => 3);
    RETURN export_id;
END
$$;
COMMENT ON FUNCTION quay.log_export_request(text, text, timestamptz, timestamptz, text[], text[], text, text) IS
'Asks for an export of the audit log of a namespace, or of a repository in it, and returns the id of the export; NULL if there is no such namespace or repository. start_time <= datetime < end_time, to the millisecond; NULL: the last 24 hours. kinds, exclude_kinds: as for quay.log_list(). callback_url, callback_email: where the worker reports to, one at least.

The request is an item of the queue exportactionlogs, path [namespace], with 3 retries. Its body, which the reference''s worker understands too: export_id, namespace_id, namespace_name, repository_id, repository_name (null for none), start_time and end_time (days, MM/DD/YYYY, the last one included), callback_url, callback_email; and besides start_ms, end_ms, kinds, exclude_kinds (null for all and none). Whether somebody may export is for the front end to ask first.
Errors: QY009 unknown kind, 22023 nobody to report to, end not after the start.';

CREATE OR REPLACE FUNCTION quay_internal.log_export_time(body jsonb, prefix text) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ms text := body ->> (prefix || '_ms');
    day text[] := regexp_match(body ->> (prefix || '_time'), '^(\d\d)/(\d\d)/(\d{4})$');
BEGIN
    IF ms ~ '^-?\d{1,14}$' THEN
        RETURN timestamp '1970-01-01' + ms::bigint * interval '1 millisecond';
    END IF;
    -- A body of the reference: the last day counts whole.
    RETURN make_date(day[3]::integer, day[1]::integer, day[2]::integer) + CASE prefix WHEN 'end' THEN interval '1 day' ELSE interval '0' END;
EXCEPTION
    WHEN datetime_field_overflow THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.log_export_time(jsonb, text) IS 'start or end of an export, out of the body of its item; NULL if it has none.';

CREATE OR REPLACE FUNCTION quay.log_export_read(body jsonb, after text DEFAULT NULL, n integer DEFAULT 1000)
    RETURNS TABLE (log_id bigint, datetime timestamp, kind text, namespace_name text, repository_name text, performer_name text,
                   performer_is_robot boolean, ip text, metadata jsonb, cursor text, in_account_id bigint, about_repository_id bigint,
                   by_performer_id bigint, generation integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start timestamp := quay_internal.log_export_time(body, 'start');
    stop timestamp := quay_internal.log_export_time(body, 'end');
    names record;
    filter record;
BEGIN
    IF start IS NULL OR stop IS NULL OR coalesce(body ->> 'namespace_id', '') !~ '^\d{1,18}$' OR body ->> 'repository_id' !~ '^\d{1,18}$'
       OR coalesce(jsonb_typeof(body -> 'kinds'), 'null') NOT IN ('array', 'null')
       OR coalesce(jsonb_typeof(body -> 'exclude_kinds'), 'null') NOT IN ('array', 'null') THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed request of an export',
            DETAIL = format('namespace_id %s, from %s to %s.', left(coalesce(body ->> 'namespace_id', 'NULL'), 80), coalesce(start::text, 'NULL'),
                coalesce(stop::text, 'NULL')),
            HINT = 'Pass the body of an item of the queue exportactionlogs.';
    END IF;
    names := (CASE jsonb_typeof(body -> 'kinds') WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(body -> 'kinds')) END,
              CASE jsonb_typeof(body -> 'exclude_kinds') WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(body -> 'exclude_kinds')) END);
    filter := quay_internal.log_filter(NULL, NULL, NULL, names.f1, names.f2, (body ->> 'namespace_id')::bigint,
        (body ->> 'repository_id')::bigint, NULL);
    RETURN QUERY
        SELECT * FROM quay_internal.log_read(filter.account_id, filter.repository_only, NULL, filter.kind_ids, filter.other_kind_ids, start, stop,
            log_export_read.after, quay_internal.page_size(log_export_read.n));
END
$$;
COMMENT ON FUNCTION quay.log_export_read(jsonb, text, integer) IS
'The next n entries of an export, of all generations, in the order and with the columns of quay.log_list(). body: that of the item; NULL as after begins, the cursor of the last row goes on; no row is the end. A batch is all that it takes of memory, and a worker that crashed begins where its last cursor was. Since entries come newest first, from the end on, none that arrives meanwhile gets in between. Errors: 22023 malformed body or cursor, n negative, QY009 unknown kind.';
