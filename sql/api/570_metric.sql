-- Figures for a Prometheus exporter. Cheap enough for every few seconds: sizes of tables are estimates of the planner, and what waits is
-- counted up to a limit, by indexes that have only what waits. Each runs on a standby too.

CREATE OR REPLACE FUNCTION quay_internal.metric_list() RETURNS TABLE (name text, kind text, help text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('quay_info', 'gauge', 'Always 1; the label has the version of the tables.'),
        ('quay_primary', 'gauge', '1 on the primary, 0 on a standby.'),
        ('quay_table_rows', 'gauge', 'Rows of a table as the planner estimates them, since its last VACUUM or ANALYZE.'),
        ('quay_table_bytes', 'gauge', 'Bytes of a table on disk, with its indexes.'),
        ('quay_registry_bytes', 'gauge', 'Bytes of all blobs, each counted once.'),
        ('quay_uploads', 'gauge', 'Uploads under way, counted up to 10000.'),
        ('quay_upload_oldest_seconds', 'gauge', 'Age of the oldest upload under way.'),
        ('quay_queue_items', 'gauge', 'Items of a queue: ready, delayed, running, or dead: out of retries; each counted up to 10000.'),
        ('quay_queue_oldest_seconds', 'gauge', 'How long the item of a queue that has been ready longest has waited.'),
        ('quay_gc_due', 'gauge', 'Reviews of the garbage collector that are due, counted up to 10000.'),
        ('quay_gc_oldest_seconds', 'gauge', 'How long the oldest of them has been due.'),
        ('quay_gc_blobs_due', 'gauge', 'Blobs whose bytes are to be deleted now, counted up to 10000.'),
        ('quay_scan_manifests', 'gauge', 'Manifests that wait for the scanner, are with it, or have failed and come again; each counted up to 10000.'),
        ('quay_mirrors', 'gauge', 'Mirrors of repositories by the state of their last run.'),
        ('quay_build_jobs', 'gauge', 'Builds that a worker is at.'),
        ('quay_autoprune_tasks', 'gauge', 'Pruning tasks by state.'),
        ('quay_audit_entries_last_minute', 'gauge', 'Entries of the audit log of the last minute by kind, such as login_success; the newest 10000.'),
        ('quay_audit_months_ahead', 'gauge', 'Coming months for which the audit log has a partition.'),
        ('quay_service_key_expires_seconds', 'gauge', 'Time until the approved key of a service that is valid longest expires.'),
        ('quay_maintenance_runs_total', 'counter', 'Runs of a maintenance job.'),
        ('quay_maintenance_failed_runs_total', 'counter', 'Runs of a maintenance job that failed.'),
        ('quay_maintenance_done_total', 'counter', 'Things that a maintenance job has done.'),
        ('quay_maintenance_busy_seconds_total', 'counter', 'Time that batches of a maintenance job have taken.'),
        ('quay_maintenance_failures', 'gauge', 'Runs of a maintenance job that failed since the last good one.'),
        ('quay_maintenance_running', 'gauge', '1 while a session is at a maintenance job.'),
        ('quay_maintenance_overdue_seconds', 'gauge', 'How long ago a maintenance job should have run; 0 if it is not due, or is disabled.');
END
$$;
COMMENT ON FUNCTION quay_internal.metric_list() IS 'The metrics: name, kind (gauge or counter) and what it is.';

CREATE OR REPLACE FUNCTION quay_internal.metric_seconds(since timestamp) RETURNS double precision
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN greatest(round(extract(epoch FROM quay_internal.utc_now() - since), 3), 0);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_seconds(timestamp) IS 'Seconds from then to now, at least 0; NULL for NULL.';

CREATE OR REPLACE FUNCTION quay_internal.table_leaves(relation regclass) RETURNS TABLE (leaf oid, row_estimate bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.oid, greatest(c.reltuples, 0)::bigint FROM pg_class AS c
        WHERE c.relkind = 'r'
          AND (c.oid = table_leaves.relation OR c.oid IN (SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = table_leaves.relation));
END
$$;
COMMENT ON FUNCTION quay_internal.table_leaves(regclass) IS
    'A table, or the partitions of one, with their rows as the planner estimates them: 0 where there was no VACUUM or ANALYZE yet.';

CREATE OR REPLACE FUNCTION quay_internal.row_estimate(relation regclass) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT sum(l.row_estimate)::bigint FROM quay_internal.table_leaves(row_estimate.relation) AS l);
END
$$;
COMMENT ON FUNCTION quay_internal.row_estimate(regclass) IS 'Rows of a table, with its partitions, as the planner estimates them.';

CREATE OR REPLACE FUNCTION quay_internal.metric_table() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    root record;
BEGIN
    name := 'quay_info';
    labels := jsonb_build_object('version', quay.version());
    value := 1;
    RETURN NEXT;
    name := 'quay_primary';
    labels := '{}';
    value := CASE WHEN pg_is_in_recovery() THEN 0 ELSE 1 END;
    RETURN NEXT;
    FOR root IN
        SELECT c.oid, c.relname FROM pg_class AS c
        WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace]) AND NOT c.relispartition
          AND c.relname = ANY (ARRAY['user', 'repository', 'tag', 'manifest', 'manifestblob', 'imagestorage', 'logentry3', 'queueitem',
                                     'notification', 'blobupload', 'repositorybuild', 'blob_use', 'gc_review', 'session', 'cache_entry', 'lease',
                                     'build_log', 'user_event', 'pull_pending'])
        ORDER BY c.relname
    LOOP
        labels := jsonb_build_object('table', root.relname);
        name := 'quay_table_rows';
        value := quay_internal.row_estimate(root.oid);
        RETURN NEXT;
        name := 'quay_table_bytes';
        value := (SELECT sum(pg_total_relation_size(l.leaf)) FROM quay_internal.table_leaves(root.oid) AS l);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.metric_table() IS 'Metrics of the installation and of its large tables.';

CREATE OR REPLACE FUNCTION quay_internal.metric_queue() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT m.name, jsonb_build_object('queue', q.queue_name) || m.labels, m.value
        FROM quay.queue_metrics(maximum => 10000) AS q
        CROSS JOIN LATERAL (VALUES
            ('quay_queue_items', '{"state": "ready"}'::jsonb, q.available::double precision),
            ('quay_queue_items', '{"state": "delayed"}', q.waiting), ('quay_queue_items', '{"state": "running"}', q.running),
            ('quay_queue_items', '{"state": "dead"}', q.dead),
            ('quay_queue_oldest_seconds', '{}', coalesce(q.oldest_s, 0))) AS m (name, labels, value);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_queue() IS 'Metrics of the queues.';

CREATE OR REPLACE FUNCTION quay_internal.metric_content() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    most CONSTANT integer := 10000;
    now timestamp := quay_internal.utc_now();
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY SELECT 'quay_registry_bytes', '{}'::jsonb, quay_internal.size_of(0)::double precision;
    RETURN QUERY
        SELECT m.name, '{}'::jsonb, m.value
        FROM (SELECT count(*)::double precision AS uploads, coalesce(quay_internal.metric_seconds(min(b.created)), 0) AS age
              FROM (SELECT u.created FROM quay.blobupload AS u ORDER BY u.created LIMIT most) AS b) AS u
        CROSS JOIN LATERAL (VALUES ('quay_uploads', u.uploads), ('quay_upload_oldest_seconds', u.age)) AS m (name, value);
    RETURN QUERY
        SELECT m.name, jsonb_build_object('stage', k.stage), m.value
        FROM (VALUES ('n'::"char", 'namespaces'), ('t', 'tags'), ('m', 'manifests'), ('l', 'labels'), ('u', 'uses of blobs'), ('b', 'blobs')) AS k (kind, stage)
        CROSS JOIN LATERAL (SELECT count(*)::double precision AS due, greatest(coalesce(now_ms - min(r.due_ms), 0), 0) / 1000.0 AS seconds
                            FROM (SELECT v.due_ms FROM quay_internal.gc_review AS v WHERE v.kind = k.kind AND v.due_ms <= now_ms
                                  ORDER BY v.due_ms LIMIT most) AS r) AS g
        CROSS JOIN LATERAL (VALUES ('quay_gc_due', g.due), ('quay_gc_oldest_seconds', g.seconds::double precision)) AS m (name, value);
    RETURN QUERY
        SELECT 'quay_gc_blobs_due', '{}'::jsonb, count(*)::double precision
        FROM (SELECT FROM quay_internal.blob_deletion AS d WHERE d.due_ms <= now_ms LIMIT most) AS d;
    RETURN QUERY
        SELECT 'quay_scan_manifests', jsonb_build_object('state', quay_internal.scan_status_name(k.status)),
               (SELECT count(*) FROM (SELECT FROM quay.manifestsecuritystatus AS s
                                      WHERE s.index_status = k.status AND s.index_status IN (-1, 0, 1) LIMIT most) AS s)::double precision
        FROM generate_series(-1, 1) AS k (status);
    RETURN QUERY
        SELECT 'quay_mirrors', jsonb_build_object('state', quay_internal.mirror_status_name(c.sync_status)), count(*)::double precision
        FROM quay.repomirrorconfig AS c GROUP BY c.sync_status;
    RETURN QUERY SELECT 'quay_build_jobs', '{}'::jsonb, (SELECT count(*) FROM quay_internal.build_job)::double precision;
    RETURN QUERY
        SELECT 'quay_autoprune_tasks', jsonb_build_object('state', split_part(s.status, ':', 1)), count(*)::double precision
        FROM quay.autoprunetaskstatus AS s GROUP BY 2;
END
$$;
COMMENT ON FUNCTION quay_internal.metric_content() IS 'Metrics of the content: sizes, uploads, the garbage collector, scans, mirrors, pruning.';

CREATE OR REPLACE FUNCTION quay_internal.metric_log() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 10000;
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT 'quay_audit_entries_last_minute', jsonb_build_object('kind', k.name), count(*)::double precision
        FROM (SELECT l.kind_id FROM quay.logentry3 AS l WHERE l.datetime > now - interval '1 min' AND l.datetime <= now
              ORDER BY l.datetime DESC LIMIT most) AS l
        JOIN quay.logentrykind AS k ON k.id = l.kind_id
        GROUP BY k.name;
    RETURN QUERY
        SELECT 'quay_audit_months_ahead', '{}'::jsonb, count(*)::double precision
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'quay.logentry3'::regclass AND c.relname COLLATE "C" ~ '^logentry3_y\d{4}m\d\d$'
          AND c.relname COLLATE "C" > to_char(now, '"logentry3_y"YYYY"m"MM');
    RETURN QUERY
        SELECT 'quay_service_key_expires_seconds', jsonb_build_object('service', k.service),
               round(extract(epoch FROM max(k.expiration_date) - now), 3)::double precision
        FROM quay.servicekey AS k WHERE k.approval_id IS NOT NULL
        GROUP BY k.service HAVING bool_and(k.expiration_date IS NOT NULL);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_log() IS 'Metrics of the audit log, and of keys.';

CREATE OR REPLACE FUNCTION quay_internal.metric_maintenance() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT m.name, jsonb_build_object('job', p.job), m.value::double precision
        FROM quay_internal.maintenance_plan() AS p
        JOIN quay_internal.maintenance_state AS s ON s.job = p.job
        CROSS JOIN LATERAL (VALUES
            ('quay_maintenance_runs_total', s.runs::numeric), ('quay_maintenance_failed_runs_total', s.failed_runs),
            ('quay_maintenance_done_total', s.done_total), ('quay_maintenance_busy_seconds_total', s.busy_ms_total / 1000.0),
            ('quay_maintenance_failures', s.failures), ('quay_maintenance_running', quay_internal.maintenance_is_running(s)::integer),
            ('quay_maintenance_overdue_seconds',
             CASE WHEN p.enabled AND s.ended_ms IS NOT NULL AND NOT quay_internal.maintenance_is_running(s)
                  THEN greatest(now_ms - quay_internal.maintenance_due_ms(s, p.interval_s), 0) / 1000.0 ELSE 0 END)) AS m (name, value);
END
$$;
COMMENT ON FUNCTION quay_internal.metric_maintenance() IS 'Metrics of the jobs of maintenance that have been run.';

CREATE OR REPLACE VIEW quay.metrics AS
SELECT m.name, m.labels, m.value, l.kind, l.help
FROM (SELECT * FROM quay_internal.metric_table()
      UNION ALL SELECT * FROM quay_internal.metric_queue()
      UNION ALL SELECT * FROM quay_internal.metric_content()
      UNION ALL SELECT * FROM quay_internal.metric_log()
      UNION ALL SELECT * FROM quay_internal.metric_maintenance()) AS m
JOIN quay_internal.metric_list() AS l ON l.name = m.name
WHERE m.value IS NOT NULL
ORDER BY m.name, m.labels;

COMMENT ON VIEW quay.metrics IS 'Read only: figures for a Prometheus exporter, a row for each name and set of labels. quay.metric_text() has them in the format of Prometheus.';
COMMENT ON COLUMN quay.metrics.name IS 'Name of the metric, such as quay_queue_items.';
COMMENT ON COLUMN quay.metrics.labels IS 'Its labels, an object of texts.';
COMMENT ON COLUMN quay.metrics.value IS 'The figure.';
COMMENT ON COLUMN quay.metrics.kind IS 'gauge, or counter: that only grows, and begins anew with a restore.';
COMMENT ON COLUMN quay.metrics.help IS 'What it is.';

CREATE OR REPLACE FUNCTION quay.metric_text() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT string_agg(f.text, '' ORDER BY f.name)
        FROM (SELECT m.name, format(E'# HELP %s %s\n# TYPE %1$s %3$s\n', m.name, m.help, m.kind)
                             || string_agg(format(E'%s%s %s\n', m.name, l.text, m.value), '' ORDER BY l.text) AS text
              FROM quay.metrics AS m
              CROSS JOIN LATERAL (
                  SELECT coalesce('{' || string_agg(
                      format('%s="%s"', e.key, replace(replace(replace(e.value, '\', '\\'), '"', '\"'), E'\n', '\n')), ',' ORDER BY e.key) || '}', '') AS text
                  FROM jsonb_each_text(m.labels) AS e) AS l
              GROUP BY m.name, m.help, m.kind) AS f);
END
$$;
COMMENT ON FUNCTION quay.metric_text() IS
    'The rows of quay.metrics in the text format of Prometheus (version 0.0.4), for an exporter that passes them on as they are.';
