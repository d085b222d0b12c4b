-- The chain of hashes over the audit log: what it covers, and what it notices. It commits, alone in the years 2034 and 2035.
\set VERBOSITY default
SET quay.clock = '2035-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
-- Months of other tests have no rows meanwhile.
CREATE TEMPORARY TABLE others AS SELECT * FROM quay.logentry3 WHERE datetime < '2034-01-01';
DELETE FROM quay.logentry3;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (1, 0, '2035-01-15', '{}');
SELECT count(*) FROM quay.log_partition_ensure(0);
DELETE FROM quay.logentry3;
-- 25 rows of January, with all that a column can be; 5 of March.
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
SELECT 41, 7, NULLIF(i % 3, 0), NULLIF(i % 5, 0), '2035-01-01'::timestamp + i * interval '1 hour 1 second 1 microsecond', CASE i % 2 WHEN 0 THEN '192.0.2.1' END,
       CASE i % 4 WHEN 0 THEN '' WHEN 1 THEN '{"n": 1.50, "n": 2}' WHEN 2 THEN 'no "JSON" \ at all' ELSE U&'\00E9\4E2D\+01F600' END
FROM generate_series(1, 25) AS i;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) SELECT 41, 7, '2035-03-01'::timestamp + i * interval '1 hour', '{}' FROM generate_series(1, 5) AS i;
CREATE TEMPORARY TABLE original AS SELECT * FROM quay.logentry3;
CREATE FUNCTION pg_temp.verify(month date DEFAULT NULL) RETURNS TABLE (month date, ok boolean, rows bigint, proven bigint, fault text, nth bigint) LANGUAGE sql AS $$
    -- Ids as the place that their row had at first.
    SELECT v.sealed_month, v.ok, v.sealed_rows, (SELECT count(*) FROM original AS o WHERE o.id <= v.last_id AND date_trunc('month', o.datetime) = v.sealed_month),
           v.fault, (SELECT count(*) FROM original AS o WHERE o.id <= v.log_id AND date_trunc('month', o.datetime) = v.sealed_month)
    FROM quay.log_verify(verify.month) AS v $$;
SELECT * FROM quay.log_verify();
SELECT quay.log_seal(7), quay.log_seal(7);
SELECT * FROM pg_temp.verify();
SELECT quay.log_seal(), quay.log_seal();
SELECT month, block, row_count, seal, cardinality(ids), length(leaves), length(hash) FROM quay_internal.log_seal_block ORDER BY 1, 2;
SELECT * FROM pg_temp.verify();
SELECT month, blocks, row_count, last_id = (SELECT max(id) FROM original AS o WHERE date_trunc('month', o.datetime) = l.month) AS all_of_it, length(hash), sealed_ms, removed FROM quay.log_seal_list() AS l;
-- Others can compute it.
SELECT b.hash = sha256(convert_to(format('quay log 2035-03 1 %s %s 5 %s  %s', b.first_id, b.last_id, b.sealed_ms, encode(sha256(l.leaves), 'hex')), 'UTF8')) AS same
FROM quay_internal.log_seal_block AS b
CROSS JOIN (SELECT string_agg(sha256(convert_to(format('[%s, 41, 7, null, null, "%s", null, "{}"]', id, to_char(datetime, 'YYYY-MM-DD"T"HH24:MI:SS')), 'UTF8')), '' ORDER BY id) AS leaves
            FROM quay.logentry3 WHERE datetime > '2035-03-01') AS l
WHERE b.month = '2035-03-01';
-- It does not depend on the session.
SET DateStyle = 'German'; SET TimeZone = 'Asia/Kathmandu'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 0; SET bytea_output = 'escape';
SELECT count(*), bool_and(ok) FROM quay.log_verify();
RESET DateStyle; RESET TimeZone; RESET IntervalStyle; RESET extra_float_digits; RESET bytea_output;

-- Whatever is done to a row is noticed, and where.
CREATE TYPE pg_temp.verified AS (month date, ok boolean, rows bigint, proven bigint, fault text, nth bigint);
CREATE FUNCTION pg_temp.after(statement text) RETURNS TABLE (month date, ok boolean, rows bigint, proven bigint, fault text, nth bigint) LANGUAGE plpgsql AS $$
DECLARE
    message text;
BEGIN
    BEGIN
        EXECUTE format(statement, (SELECT o.id FROM original AS o ORDER BY o.id OFFSET 9 LIMIT 1));
        RAISE EXCEPTION USING ERRCODE = 'QY999', MESSAGE = (SELECT coalesce(array_agg(v ORDER BY v.month), '{}') FROM pg_temp.verify() AS v);
    EXCEPTION WHEN SQLSTATE 'QY999' THEN
        message := SQLERRM;
    END;
    RETURN QUERY SELECT * FROM unnest(message::pg_temp.verified[]);
END $$;
SELECT s.what, a.month, a.ok, a.rows, a.fault, a.nth
FROM (VALUES (1, 'kind', 'UPDATE quay.logentry3 SET kind_id = 42 WHERE id = %s'), (2, 'namespace', 'UPDATE quay.logentry3 SET account_id = 8 WHERE id = %s'),
    (3, 'performer', 'UPDATE quay.logentry3 SET performer_id = 9 WHERE id = %s'), (4, 'repository', 'UPDATE quay.logentry3 SET repository_id = 9 WHERE id = %s'),
    (5, 'time', $$UPDATE quay.logentry3 SET datetime = datetime + interval '1 microsecond' WHERE id = %s$$), (6, 'address', $$UPDATE quay.logentry3 SET ip = '' WHERE id = %s$$),
    (7, 'details', $$UPDATE quay.logentry3 SET metadata_json = metadata_json || ' ' WHERE id = %s$$), (8, 'deleted', 'DELETE FROM quay.logentry3 WHERE id = %s'),
    (9, 'inserted', $$INSERT INTO quay.logentry3 SELECT 0, kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json FROM quay.logentry3 WHERE id = %s$$),
    (10, 'moved', $$UPDATE quay.logentry3 SET datetime = '2035-03-05' WHERE id = %s$$),
    (11, 'all deleted', 'DELETE FROM quay.logentry3 WHERE id >= %s'), (12, 'two changed', $$UPDATE quay.logentry3 SET ip = 'x' WHERE id IN (%1$s, %1$s + 1)$$),
    (13, 'block changed', $$UPDATE quay_internal.log_seal_block SET sealed_ms = sealed_ms + 1 WHERE %s BETWEEN first_id AND last_id$$),
    (14, 'hash changed', $$UPDATE quay_internal.log_seal_block SET hash = sha256('') WHERE %s BETWEEN first_id AND last_id$$),
    (15, 'block deleted', $$DELETE FROM quay_internal.log_seal_block WHERE %s BETWEEN first_id AND last_id$$),
    (16, 'row and block', $$WITH d AS (DELETE FROM quay.logentry3 WHERE id = %1$s) UPDATE quay_internal.log_seal_block SET ids = array_remove(ids, %1$s) WHERE %1$s BETWEEN first_id AND last_id$$)) AS s (i, what, statement)
CROSS JOIN LATERAL pg_temp.after(s.statement) AS a ORDER BY s.i, a.month;

-- The end of the chain, kept elsewhere: somebody makes a new chain over other rows.
SELECT last_id AS anchor_id, hash AS anchor FROM quay.log_seal_list() WHERE month = '2035-01-01' \gset
SELECT ok, fault FROM quay.log_verify('2035-01-10', :anchor_id, upper(:'anchor'));
SELECT ok, fault FROM quay.log_verify('2035-01-10', :anchor_id - 1, :'anchor');
-- It still holds when more rows came.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2035-01-31 23:59:59', '{}');
SELECT ok, sealed_rows FROM quay.log_verify('2035-01-10', :anchor_id, :'anchor');
SELECT quay.log_seal();
SELECT ok, sealed_rows FROM quay.log_verify('2035-01-10', :anchor_id, :'anchor');
DELETE FROM quay_internal.log_seal_block WHERE month = '2035-01-01';
UPDATE quay.logentry3 SET ip = '203.0.113.9' WHERE id = :anchor_id;
SELECT quay.log_seal();
SELECT sealed_month, ok, sealed_rows, fault FROM quay.log_verify('2035-01-10');
SELECT sealed_month, ok, fault, log_id = :anchor_id AS anchor FROM quay.log_verify('2035-01-10', :anchor_id, :'anchor');
SELECT sealed_month, ok, sealed_rows, fault FROM quay.log_verify('2034-06-06');
SELECT sealed_month, ok, fault FROM quay.log_verify('2034-06-06', :anchor_id, :'anchor');

-- Signed.
SET quay.log_seal_keyed = on;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2035-03-09', '{}');
SELECT quay.log_seal();
SELECT month, block, length(seal) FROM quay_internal.log_seal_block WHERE seal IS NOT NULL;
SELECT sealed_month, ok, sealed_rows, fault FROM quay.log_verify('2035-03-01');
SET quay.database_secret_key = 'another key';
SELECT sealed_month, ok, sealed_rows, fault FROM quay.log_verify('2035-03-01');
SELECT quay.log_seal_rekey(), quay.log_seal_rekey();
SELECT sealed_month, ok, sealed_rows, fault FROM quay.log_verify('2035-03-01');
SET quay.database_secret_key = '';
SELECT pg_temp.try($$SELECT * FROM quay.log_verify('2035-03-01')$$) ~ '^55000' AS no_key;
RESET quay.database_secret_key;
RESET quay.log_seal_keyed;

-- A month that goes leaves the end of its chain.
SELECT hash AS before FROM quay.log_seal_list() WHERE month = '2035-01-01' \gset
SET quay.log_archive_required = off;
SELECT quay.log_partition_drop('2035-01-01');
RESET quay.log_archive_required;
SELECT month, blocks, row_count, hash = :'before' AS same, removed FROM quay.log_seal_list();
SELECT sealed_month FROM quay.log_verify();
-- Rows of the default partition are sealed when they have their month.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2034-12-24', '{}');
SELECT quay.log_seal();
SELECT name FROM quay.log_partition_ensure(0) AS name;
SELECT quay.log_seal();
SELECT sealed_month, ok, sealed_rows FROM quay.log_verify();

SELECT pg_temp.try('SELECT quay.log_seal(0)');
SELECT pg_temp.try($$SELECT * FROM quay.log_verify(NULL, 1, 'x')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_verify('2035-01-01', 1)$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.try('SELECT quay.log_seal()');
ROLLBACK;
-- Our own rows are sealed when we are through.
BEGIN;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, 7, '2035-03-09', '{}');
SELECT quay.log_seal(), quay.log_seal();
COMMIT;
SELECT quay.log_seal();

DROP TABLE quay.logentry3_y2034m12, quay.logentry3_y2035m03;
DELETE FROM quay_internal.log_seal_block; DELETE FROM quay_internal.log_removed;
INSERT INTO quay.logentry3 SELECT * FROM others;
