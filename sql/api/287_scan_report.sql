-- What follows from scans: their state for people and for metrics, notices, and reports that the scanner may forget.

CREATE OR REPLACE FUNCTION quay.scan_get_many(namespace text, repository text, digests text[])
    RETURNS TABLE (digest text, status text, index_status text, has_report boolean, indexer_hash text, last_indexed timestamp,
                   error jsonb, retries integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT m.digest::text,
               CASE WHEN s.index_status IN (-1, -4) THEN 'failed_to_index' WHEN s.index_status = -2 THEN 'unsupported'
                    WHEN s.index_status = -3 THEN 'layer_too_large' WHEN s.index_status = 2 THEN 'completed' ELSE 'not_yet_indexed' END,
               quay_internal.scan_status_name(s.index_status),
               coalesce(s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned', false),
               s.indexer_hash::text, CASE WHEN s.index_status <> 0 THEN s.last_indexed END, nullif(quay_internal.json_read(s.error_json), '{}'),
               CASE WHEN s.id IS NOT NULL THEN quay_internal.scan_retries(x.metadata, x.metadata ->> 'last_failed_hash') END
        FROM quay.manifest AS m
        LEFT JOIN quay.manifestsecuritystatus AS s ON s.manifest_id = m.id
        LEFT JOIN LATERAL (SELECT quay_internal.scan_metadata(s.metadata_json) AS metadata) AS x ON true
        WHERE m.repository_id = target_id AND m.digest = ANY (digests);
END
$$;
COMMENT ON FUNCTION quay.scan_get_many(text, text, text[]) IS
    'Where the security scans of manifests stand; no row for one that the repository has not. status, for people: not_yet_indexed, completed, failed_to_index, unsupported or layer_too_large. index_status, for operators: pending, in_progress, completed, failed, retries_exhausted, unsupported or layer_too_large; NULL: the scanner does not know of it yet. has_report: the scanner has a report, if only an older one while it scans anew. indexer_hash: the state of the scanner then. last_indexed in UTC, NULL before the first scan. error: what the scanner said, NULL for nothing. retries: failures in the last state that it failed in. The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.scan_get(namespace text, repository text, INOUT digest text, OUT status text, OUT index_status text,
                                         OUT has_report boolean, OUT indexer_hash text, OUT last_indexed timestamp, OUT error jsonb, OUT retries integer) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.scan_get_many(scan_get.namespace, scan_get.repository, ARRAY[scan_get.digest]);
END
$$;
COMMENT ON FUNCTION quay.scan_get(text, text, text) IS 'Where the security scan of a manifest stands: see scan_get_many().';

CREATE OR REPLACE FUNCTION quay.scan_reset(namespace text, repository text, digest text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    found_id bigint;
BEGIN
    SELECT m.id INTO found_id FROM quay.manifest AS m
    WHERE m.repository_id = target_id AND m.digest = scan_reset.digest AND m.manifest_bytes <> '' FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO quay.manifestsecuritystatus AS s (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                                  indexer_version, metadata_json)
    VALUES (found_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT (manifest_id) DO UPDATE
        SET index_status = 0, error_json = '{}', last_indexed = EXCLUDED.last_indexed, indexer_hash = '',
            metadata_json = CASE WHEN s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned'
                                 THEN '{"scanned": true}' ELSE '{}' END;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.scan_reset(text, text, text) IS
    'Has a manifest scanned anew, whatever came of the last scan, and forgets its failures; the result of a worker that is at it now is dropped. False: the repository has no such manifest, or only a placeholder. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.scan_counts() RETURNS TABLE (index_status text, manifests bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.scan_status_name(k.index_status),
               (SELECT count(*) FROM quay.manifestsecuritystatus AS s WHERE s.index_status = k.index_status)
        FROM generate_series(-4, 2) AS k (index_status)
        ORDER BY k.index_status;
END
$$;
COMMENT ON FUNCTION quay.scan_counts() IS
    'How many manifests are in each state of the scan, for metrics: seven rows. Reads an index with an entry for each manifest.';

CREATE OR REPLACE FUNCTION quay.scan_backlog(indexer_hash text)
    RETURNS TABLE (pending bigint, in_progress bigint, stale bigint, retry bigint, outdated bigint, oldest_pending timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
    retry_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_reindex_interval')::integer);
    stale_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_timeout')::integer);
BEGIN
    SELECT count(*) FILTER (WHERE s.index_status = 0), count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed >= stale_before),
           count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed < stale_before),
           count(*) FILTER (WHERE s.index_status = -1 AND s.last_indexed < retry_before),
           min(s.last_indexed) FILTER (WHERE s.index_status = 0)
    INTO pending, in_progress, stale, retry, oldest_pending
    FROM quay.manifestsecuritystatus AS s WHERE s.index_status IN (-1, 0, 1);
    outdated := (SELECT count(*) FROM quay.manifestsecuritystatus AS s
                 WHERE s.index_status = 2 AND s.indexer_hash = ANY (quay_internal.scan_other_hashes(2, scan_backlog.indexer_hash))
                   AND s.last_indexed < retry_before);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.scan_backlog(text) IS
    'How much waits for the scanner, one row: pending manifests; in_progress, those that a worker has, and stale, those that one has had for too long; retry, failed ones that are due again; outdated, those scanned with the scanner in another state than indexer_hash, and due. oldest_pending: since when the oldest waits, in UTC. Reads what waits, not what is done.';

-- Notices

CREATE OR REPLACE FUNCTION quay.scan_notify_find(digest text, after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (manifest_id bigint, repository_id bigint, namespace text, repository text, severities text[], tags text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    found_event_id bigint := (SELECT e.id FROM quay.externalnotificationevent AS e WHERE e.name = 'vulnerability_found');
BEGIN
    RETURN QUERY
        SELECT m.id, r.id, u.username::text, r.name::text,
               ARRAY(SELECT DISTINCT s.severity
                     FROM quay.repositorynotification AS t
                     CROSS JOIN LATERAL (SELECT quay_internal.json_read(t.event_config_json) #>> '{vulnerability,priority}') AS s (severity)
                     WHERE t.repository_id = r.id AND t.event_id = found_event_id
                       AND t.number_of_failures < quay_internal.notification_failure_limit() AND s.severity <> ''
                     ORDER BY 1),
               ARRAY(SELECT DISTINCT t.name::text FROM quay.tag AS t
                     WHERE t.manifest_id = m.id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                     ORDER BY 1 LIMIT 100)
        FROM quay.manifest AS m
        JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
        WHERE m.digest = scan_notify_find.digest AND m.id > coalesce(scan_notify_find.after, 0)
          AND EXISTS (SELECT FROM quay.repositorynotification AS t
                      WHERE t.repository_id = r.id AND t.event_id = found_event_id
                        AND t.number_of_failures < quay_internal.notification_failure_limit())
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.scan_notify_find(text, bigint, integer) IS
    'Manifests with a digest, in all repositories that have a notification about vulnerabilities which is not disabled, each once, by manifest_id, at most n, those after the id after: whom to tell what the scanner has found. severities: from which on somebody there wants to know; empty: nobody said. tags: at most 100 live ones that point to it. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.scan_notify(namespace text, repository text, data jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN quay_internal.event_notify(target, namespace, 'vulnerability_found', coalesce(scan_notify.data, '{}'));
END
$$;
COMMENT ON FUNCTION quay.scan_notify(text, text, jsonb) IS
    'Queues the event vulnerability_found for each notification of the repository that waits for it, is enabled, and wants to hear of this severity; returns how many there were. data: tags, and vulnerability with id, description, link, priority and has_fix; and vulnerable_index_report_created, "true", if it is about a first scan. Errors: QY002, QY003, QY004.';

-- Reports that nobody needs any more. The trigger leaves a hint for each manifest that had one; whether another manifest has the digest is
-- only looked at later, since whoever deletes manifests deletes many.

CREATE OR REPLACE FUNCTION quay_internal.scan_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.scan_orphan (digest, due_ms)
    -- A worker that is at it now (1) may still make a report.
    SELECT m.digest, quay_internal.clock_ms()
                     + CASE WHEN r.index_status = 1 THEN quay_internal.setting('scan_timeout')::bigint * 1000 ELSE 0 END
    FROM removed AS r JOIN quay.manifest AS m ON m.id = r.manifest_id
    WHERE r.index_status IN (1, 2) OR r.metadata_json LIKE '%"scanned"%';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_removed() IS
    'Trigger: the scanner may have a report about a manifest that goes. Rows of scans go before those of their manifests.';

CREATE OR REPLACE TRIGGER scan_removed AFTER DELETE ON quay.manifestsecuritystatus
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.scan_removed();

CREATE OR REPLACE FUNCTION quay.scan_orphan_take(n integer DEFAULT 100, lease_seconds integer DEFAULT 300) RETURNS TABLE (digest text, lease text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    token uuid := gen_random_uuid();
    now_ms bigint;
    taken bigint[];
BEGIN
    IF lease_seconds IS NULL OR lease_seconds < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'lease must be positive',
            DETAIL = format('It is %s s.', coalesce(lease_seconds::text, 'NULL')),
            HINT = 'Pass for how many seconds the digests are yours.';
    END IF;
    LOOP
        now_ms := quay_internal.clock_ms();
        taken := ARRAY(SELECT o.id FROM quay_internal.scan_orphan AS o WHERE o.due_ms <= now_ms
                       ORDER BY o.due_ms, o.id LIMIT batch FOR UPDATE SKIP LOCKED);
        EXIT WHEN taken = '{}';
        -- Another manifest has the digest, or another hint of this batch.
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.id = ANY (taken)
          AND (EXISTS (SELECT FROM quay.manifest AS m WHERE m.digest = o.digest)
               OR EXISTS (SELECT FROM quay_internal.scan_orphan AS p WHERE p.id = ANY (taken) AND p.digest = o.digest AND p.id < o.id));
        RETURN QUERY
            UPDATE quay_internal.scan_orphan AS o SET due_ms = now_ms + lease_seconds * 1000::bigint, lease = token
            WHERE o.id = ANY (taken)
            RETURNING o.digest::text, token::text;
        EXIT WHEN FOUND;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_take(integer, integer) IS
    'Hands out at most n digests of which no manifest is left in any repository, so that the scanner can drop its reports about them: delete them there, then call scan_orphan_confirm() with the lease. What is not confirmed within lease_seconds is handed out again. No row: there are none. Two callers get different ones. Errors: 22023 n or lease not positive.';

CREATE OR REPLACE FUNCTION quay.scan_orphan_confirm(lease text, digests text[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    confirmed text[];
BEGIN
    WITH gone AS (
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.digest = ANY (digests) AND o.lease::text = scan_orphan_confirm.lease
        RETURNING o.digest::text
    )
    SELECT coalesce(array_agg(g.digest), '{}') INTO confirmed FROM gone AS g;
    -- Pushed and scanned again meanwhile: the report has just been dropped.
    UPDATE quay.manifestsecuritystatus AS s
    SET index_status = 0, indexer_hash = '', last_indexed = quay_internal.utc_now(), metadata_json = '{}'
    FROM quay.manifest AS m
    WHERE m.digest = ANY (digests) AND s.manifest_id = m.id AND (s.index_status IN (1, 2) OR s.metadata_json LIKE '%"scanned"%');
    RETURN cardinality(confirmed);
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_confirm(text, text[]) IS
    'Says that the scanner has dropped its reports about digests that scan_orphan_take() handed out under this lease, and returns how many of them it was right about: others, whose lease is over, are handed out again. A manifest that was pushed with such a digest meanwhile, and scanned, is scanned anew.';
