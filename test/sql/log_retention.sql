-- Old audit log: copies, their confirmation, and removal, month by month, in all generations. It commits, alone in the years 2032 and 2033.
\set VERBOSITY default
SET quay.clock = '2033-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
-- What other tests have left is not to be touched.
CREATE TEMPORARY TABLE others AS SELECT * FROM quay.logentry3 WHERE datetime < '2032-01-01';
DELETE FROM quay.logentry3;
-- Months that other tests have made depend on when they ran.
DO $$ DECLARE old regclass; BEGIN
    FOR old IN SELECT i.inhrelid FROM pg_inherits AS i WHERE i.inhparent = 'quay.logentry3'::regclass AND i.inhrelid <> 'quay.logentry3_default'::regclass LOOP
        EXECUTE format('DROP TABLE %s', old);
    END LOOP;
END $$;
CREATE TEMPORARY TABLE other_months AS SELECT m.month FROM quay_internal.log_month_list() AS m;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (1, 0, '2032-10-15', '{}'), (1, 0, '2032-12-15', '{}'), (1, 0, '2033-01-15', '{}');
SELECT name FROM quay.log_partition_ensure(0) AS name ORDER BY 1;
DELETE FROM quay.logentry3;
-- Twenty rows each in October (its partition), in November (none, so in the default one), and in the others; ten in logentry2 and logentry.
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
SELECT 41, 7, NULL, 8, month + i * interval '1 day', '192.0.2.1', format('{"n": %s}', i)
FROM unnest(ARRAY['2032-10-01', '2032-11-01', '2032-12-01', '2033-01-01', '2033-03-01']::timestamp[]) AS month, generate_series(0, 19) AS i WHERE month + i * interval '1 day' < '2033-03-10';
INSERT INTO quay.logentry2 (kind_id, account_id, datetime, metadata_json) SELECT 42, 7, '2032-11-01'::timestamp + i * interval '5 days', '{}' FROM generate_series(0, 9) AS i;
INSERT INTO quay.logentry (kind_id, account_id, datetime, metadata_json) SELECT 42, 7, '2032-10-01'::timestamp + i * interval '5 days', '{}' FROM generate_series(0, 9) AS i;
CREATE FUNCTION pg_temp.left_over() RETURNS TABLE (generation integer, month date, in_default boolean, rows bigint) LANGUAGE sql AS $$
    SELECT 3, date_trunc('month', datetime)::date, tableoid = 'quay.logentry3_default'::regclass, count(*) FROM quay.logentry3 WHERE datetime > '2032-01-01' GROUP BY 1, 2, 3
    UNION ALL SELECT 2, date_trunc('month', datetime)::date, NULL, count(*) FROM quay.logentry2 GROUP BY 1, 2
    UNION ALL SELECT 1, date_trunc('month', datetime)::date, NULL, count(*) FROM quay.logentry GROUP BY 1, 2 ORDER BY 1 DESC, 2 $$;
SELECT * FROM pg_temp.left_over();
CREATE FUNCTION pg_temp.list(older_than interval) RETURNS TABLE (generation integer, month date, partition text, archived boolean, archive text) LANGUAGE sql AS $$
    SELECT l.generation, l.month, l.partition, l.archived, l.archive FROM quay.log_archive_list(older_than) AS l WHERE l.month NOT IN (SELECT o.month FROM other_months AS o) $$;

-- By default nothing goes. Whole months only, nothing younger than 7 days.
SELECT * FROM pg_temp.list(NULL);
SELECT * FROM quay.log_retain();
SELECT * FROM pg_temp.list('60 days');
SELECT * FROM pg_temp.list('7 days');
SET quay.log_retention = '60d';
SELECT * FROM pg_temp.list(NULL);
SET quay.log_retention = '1s';
SELECT * FROM pg_temp.list(NULL);
RESET quay.log_retention;
SELECT count(*) FROM quay.log_archive_list('60 days', 0);
SELECT pg_temp.try($$SELECT * FROM quay.log_archive_list('6 days 23 hours')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_retain('1 day')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_retain('60 days', 0)$$);
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2033-03-01')$$);
SET quay.clock = '2033-02-05 12:00:00+00';
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2033-01-20')$$);
SET quay.clock = '2033-03-10 12:00:00+00';

-- Nothing goes that nobody has a copy of.
SELECT * FROM quay.log_retain('60 days');
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2032-10-01')$$);
-- A worker reads a month and confirms.
SELECT log_id IS NOT NULL AS id, datetime, kind, account_id, performer_id, repository_id, ip, metadata_json FROM quay.log_archive_read(3, '2032-10-01', n => 2);
CREATE FUNCTION pg_temp.copy(generation integer, month date, n integer, OUT batches integer, OUT rows bigint, OUT last_id bigint) LANGUAGE plpgsql AS $$
DECLARE
    after text;
    batch record;
BEGIN
    batches := 0;
    rows := 0;
    LOOP
        SELECT count(*) AS rows, max(r.log_id) AS last_id, (array_agg(r.cursor ORDER BY r.datetime DESC, r.log_id DESC))[1] AS cursor INTO batch
        FROM quay.log_archive_read(generation, month, after, n) AS r;
        EXIT WHEN batch.rows = 0;
        batches := batches + 1;
        rows := rows + batch.rows;
        last_id := greatest(last_id, batch.last_id);
        after := batch.cursor;
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.confirm(generation integer, month date, archive text DEFAULT NULL) RETURNS boolean LANGUAGE sql AS $$
    SELECT quay.log_archive_confirm(generation, month, c.rows, c.last_id, archive) FROM pg_temp.copy(generation, month, 3) AS c $$;
SELECT batches, rows FROM pg_temp.copy(3, '2032-10-01', 7);
SELECT batches, rows FROM pg_temp.copy(3, '2032-11-15', 1);
SELECT batches, rows FROM pg_temp.copy(2, '2032-11-01', 100);
SELECT quay.log_archive_confirm(3, '2032-10-01', 19, c.last_id) AS too_few, quay.log_archive_confirm(3, '2032-10-01', 20, c.last_id - 1) AS other_id, quay.log_archive_confirm(3, '2032-10-01', 20, c.last_id, 's3://logs/2032-10') AS right
FROM pg_temp.copy(3, '2032-10-01', 100) AS c;
SELECT * FROM pg_temp.list('60 days');
-- It goes: the partition, and only it.
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days');
SELECT * FROM quay.log_retain('60 days');
SELECT * FROM pg_temp.left_over();
SELECT generation, month, archive, row_count, sealed_rows FROM quay_internal.log_removed;
-- Rows that come after the copy stop it.
SELECT pg_temp.confirm(3, '2032-12-01', 's3://logs/2032-12');
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2032-12-31', '{}');
SELECT * FROM pg_temp.list('60 days');
SELECT * FROM quay.log_retain('60 days');
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2032-12-31')$$) ~ 'QY102 .*rows that came after its copy' AS late;
SELECT pg_temp.confirm(3, '2032-12-01', 's3://logs/2032-12b');
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days');
-- Bounded batches where there is no partition: by time and by id.
SELECT pg_temp.confirm(3, '2032-11-01'), pg_temp.confirm(2, '2032-11-01'), pg_temp.confirm(1, '2032-10-01');
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2032-11-20 12:00:00', '{"late": true}');
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 4);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 4);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 12);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 12);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 12);
SELECT * FROM quay.log_retain('60 days', 12);
SELECT * FROM pg_temp.left_over();
SELECT metadata_json FROM quay.logentry3 WHERE datetime BETWEEN '2032-11-01' AND '2032-12-01';
SELECT * FROM pg_temp.list('60 days');
-- Without the need for copies, and kept as a table.
SET quay.log_archive_required = off;
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 100);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 100);
SELECT generation, month, deleted, outcome FROM quay.log_retain('60 days', 100);
SELECT * FROM quay.log_retain('60 days', 100);
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2033-01-05', keep_in => 'no_such_schema')$$);
CREATE SCHEMA regress_old_log;
SELECT quay.log_partition_drop('2033-01-05', keep_in => 'regress_old_log');
SELECT count(*) FROM regress_old_log.logentry3_y2033m01;
SELECT quay.log_partition_drop('2033-01-05'), quay.log_partition_drop('2019-01-05');
RESET quay.log_archive_required;
SELECT generation, month, archive, row_count FROM quay_internal.log_removed ORDER BY id;
SELECT * FROM quay_internal.log_archive;
SELECT * FROM pg_temp.left_over();
-- A month that comes again goes again.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2032-10-10', '{}');
SELECT name FROM quay.log_partition_ensure(0) AS name;
SELECT pg_temp.confirm(3, '2032-10-01'), quay.log_partition_drop('2032-10-01');
SELECT count(*) FROM quay_internal.log_removed WHERE month = '2032-10-01' AND generation = 3;
-- A confirmation of a month without rows, of a month that nobody knows, of nothing.
SELECT quay.log_archive_confirm(2, '2032-10-01', 0, NULL), quay.log_archive_confirm(2, '2032-10-01', 1, 5);
SELECT pg_temp.try($$SELECT quay.log_archive_confirm(4, '2032-10-01', 0, NULL)$$);
SELECT pg_temp.try($$SELECT quay.log_archive_confirm(3, NULL, 0, NULL)$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_archive_read(3, '2032-10-01', 'x')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2032-10-01')$$);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.try($$SELECT quay.log_archive_confirm(1, '2032-10-01', 0, NULL)$$);
ROLLBACK;
-- Only the owner drops.
CREATE ROLE regress_log_application;
SELECT quay.grant_role('regress_log_application', 'application');
SET ROLE regress_log_application;
SELECT pg_temp.try($$SELECT quay.log_partition_drop('2033-03-01')$$), pg_temp.try($$DELETE FROM quay_internal.log_removed$$), pg_temp.try($$DELETE FROM quay_internal.log_archive$$);
SELECT count(*) FROM quay.log_archive_list('60 days', 0);
RESET ROLE;
SELECT quay.revoke_role('regress_log_application');
DROP ROLE regress_log_application;

DROP SCHEMA regress_old_log CASCADE;
DROP TABLE quay.logentry3_y2033m03;
DELETE FROM quay_internal.log_removed; DELETE FROM quay_internal.log_archive;
INSERT INTO quay.logentry3 SELECT * FROM others;
