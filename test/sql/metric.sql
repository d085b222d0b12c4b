-- Figures for an exporter, and how large the registry is.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.show(pattern text) RETURNS TABLE (metric text, labels jsonb, value double precision) LANGUAGE sql AS $$
    SELECT m.name, m.labels, m.value FROM quay.metrics AS m WHERE m.name ~ pattern ORDER BY m.name, m.labels::text COLLATE "C" $$;
-- What other tests have left.
DELETE FROM quay_internal.gc_review;
DELETE FROM quay_internal.blob_deletion;
DELETE FROM quay.queueitem;
DELETE FROM quay.autoprunetaskstatus;
DELETE FROM quay_internal.maintenance_state;

-- Names, labels and help keep the rules of Prometheus; no figure without description, and none twice.
SELECT l.name FROM quay_internal.metric_list() AS l
WHERE l.name !~ '^quay_[a-z_]+$' OR l.kind NOT IN ('gauge', 'counter') OR (l.kind = 'counter') <> (l.name LIKE '%\_total') OR l.help !~ '^[^\n\\]+\.$';
SELECT m.name FROM (SELECT name FROM quay_internal.metric_table() UNION SELECT name FROM quay_internal.metric_queue() UNION SELECT name FROM quay_internal.metric_content()
                    UNION SELECT name FROM quay_internal.metric_log() UNION SELECT name FROM quay_internal.metric_maintenance()) AS m
EXCEPT SELECT l.name FROM quay_internal.metric_list() AS l;

-- Contents
SELECT quay.user_create('metric-alice', 'password1', 'metric-alice@example.com') > 0 AS ok;
SELECT quay.repository_create('metric-alice', 'app') > 0 AS ok;
SELECT (SELECT value FROM pg_temp.show('^quay_uploads$')) AS uploads \gset
SELECT count(u.upload) FROM quay.storage_location_ensure('{local}'), generate_series(1, 2) AS i, quay.upload_start('metric-alice', 'app', size => i) AS u;
SELECT value - :uploads AS uploads FROM pg_temp.show('^quay_uploads$');
SELECT value >= 0 AS age FROM pg_temp.show('^quay_upload_oldest');
SELECT quay_internal.size_of(0) AS size \gset
SELECT existed FROM quay.blob_put('metric-alice', 'app', 'sha256:' || encode(sha256('metric'), 'hex'), 'metric');
SELECT value - :size AS bytes FROM pg_temp.show('^quay_registry_bytes$');
INSERT INTO quay_internal.gc_review (kind, object_id, due_ms) SELECT 't', i, quay_internal.clock_ms() - 5000 * i FROM generate_series(-1, 2) AS i;
SELECT * FROM pg_temp.show('^quay_gc_(due|oldest)') WHERE labels = '{"stage": "tags"}';
INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) SELECT i, quay_internal.clock_ms() + 1000 * i FROM generate_series(0, 1) AS i;
SELECT * FROM pg_temp.show('^quay_gc_blobs_due');
INSERT INTO quay.queueitem (queue_name, body, available_after, available, processing_expires, retries_remaining, state_id)
SELECT 'metric' || '"\' || E'\n' || '/acme/', '{}', '2026-03-10 11:59:00'::timestamp + w, a, e, r, 'metric ' || n
FROM (VALUES (1, interval '0', true, NULL::timestamp, 5), (2, '30 s', true, NULL, 5), (3, '1 h', true, NULL, 5), (4, '0', false, '2026-03-10 13:00'::timestamp, 4),
             (5, '0', true, NULL, 0)) AS i (n, w, a, e, r);
SELECT * FROM pg_temp.show('^quay_queue') WHERE labels ->> 'queue' LIKE 'metric%';
INSERT INTO quay.autoprunetaskstatus (namespace_id, status) SELECT u.id, 'failure: why' FROM quay."user" AS u WHERE u.username = 'metric-alice';
SELECT * FROM pg_temp.show('^quay_autoprune');
-- The audit log of the last minute
SET LOCAL quay.clock = '2026-03-10 12:30:00+00';
SELECT count(quay_internal.log_add('login_failure', u.id, u.id, NULL, '{}', NULL)) FROM quay."user" AS u, generate_series(1, 3) WHERE u.username = 'metric-alice';
SELECT * FROM pg_temp.show('^quay_audit_entries');
SET LOCAL quay.clock = '2026-03-10 12:31:00+00';
SELECT * FROM pg_temp.show('^quay_audit_entries');
SELECT count(*) >= 3 AS made FROM quay.log_partition_ensure(2);
SELECT value >= 2 AS ahead FROM pg_temp.show('^quay_audit_months');
DELETE FROM quay.servicekey;
INSERT INTO quay.servicekeyapproval (approval_type, approved_date, notes) VALUES ('superuser', '2026-03-01', '');
INSERT INTO quay.servicekey (name, kid, service, jwk, metadata, created_date, expiration_date, approval_id)
SELECT '', 'mk' || n, s, '{}', '{}', '2026-03-01', e, CASE WHEN approved THEN (SELECT max(id) FROM quay.servicekeyapproval) END
FROM (VALUES (1, 'one', '2026-03-10 12:32'::timestamp, true), (2, 'one', '2026-03-10 12:33', true), (3, 'one', '2027-01-01', false), (4, 'two', NULL, true)) AS k (n, s, e, approved);
SELECT * FROM pg_temp.show('^quay_service_key');
-- Tables, without reading them
ANALYZE quay."user";
SELECT m.value = (SELECT count(*) FROM quay."user") AS rows FROM pg_temp.show('^quay_table_rows$') AS m WHERE m.labels = '{"table": "user"}';
SELECT bool_and(value >= 0) AS sizes, count(*) > 10 AS tables FROM pg_temp.show('^quay_table_bytes$');
SELECT * FROM pg_temp.show('^quay_(info|primary)$') WHERE labels = '{}';

-- Jobs
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT job FROM quay_internal.maintenance_claim('{registry_size}');
SELECT metric, value FROM pg_temp.show('^quay_maintenance_.*') WHERE labels = '{"job": "registry_size"}';
SELECT outcome FROM quay_internal.maintenance_state AS s, quay_internal.maintenance_step(s.job, s.fence, clock_timestamp()) WHERE s.job = 'registry_size';
SET LOCAL quay.clock = '2026-03-10 12:33:00+00';
SELECT metric, value FROM pg_temp.show('^quay_maintenance_(failures|overdue|running)') WHERE labels = '{"job": "registry_size"}';

-- The format of Prometheus
SELECT l FROM string_to_table(quay.metric_text(), E'\n') AS l WHERE l ~ '(HELP|TYPE) quay_queue_items|queue="metric';
SELECT count(*) > 50 AS lines, count(*) FILTER (WHERE l !~ '^(# (HELP|TYPE) quay_[a-z_]+ .+|quay_[a-z_]+(\{[a-z_]+="([^"\\]|\\[\\"n])*"(,[a-z_]+="([^"\\]|\\[\\"n])*")*\})? -?[0-9.e+]+)$') AS malformed
FROM string_to_table(rtrim(quay.metric_text(), E'\n'), E'\n') AS l;

SELECT s.users = c.users AND s.organizations = c.organizations AND s.robots = c.robots AS accounts, s.repositories = quay.repository_count() AS repositories,
       s.size_bytes = quay_internal.size_of(0) AS size, to_jsonb(s) @? '$.* ? (@ == null)' AS unknown
FROM quay.registry_statistics() AS s, quay.user_count() AS c;
ROLLBACK;
