-- Monthly partitions of the audit log.
SET search_path = public;
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2036-11-15 12:00:00+00';
SELECT quay_internal.log_add('user_create', NULL, NULL, NULL, '{"n": 1}', '192.0.2.1');
SELECT count(*) FROM quay.logentry3_default WHERE datetime = '2036-11-15 12:00:00';
-- Rows that no month took are moved, and their months are made; older rows of other tests may be there.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json)
SELECT k.id, 0, d::timestamp, '{}' FROM quay.logentrykind AS k, unnest(ARRAY['2036-09-30 23:59:59.999999', '2036-10-01 00:00:00', 'infinity']) AS d WHERE k.name = 'pull_repo';
SELECT name FROM quay.log_partition_ensure(2) AS name WHERE name LIKE 'logentry3\_y203%' ORDER BY name;
SELECT tableoid::regclass, datetime FROM quay.logentry3 WHERE datetime > '2036-01-01' ORDER BY datetime;
SELECT * FROM quay.log_partition_ensure(2);
SET LOCAL quay.clock = '2036-12-31 23:59:59+00';
SELECT * FROM quay.log_partition_ensure(2);
SELECT quay_internal.log_add('user_create', NULL, NULL, NULL, NULL, NULL);
SELECT tableoid::regclass, metadata_json FROM quay.logentry3 WHERE datetime = '2036-12-31 23:59:59';
-- A partition has the indexes of the default one.
SELECT count(*) = (SELECT count(*) FROM pg_index WHERE indrelid = 'quay.logentry3_default'::regclass) AS indexed
FROM pg_index WHERE indrelid = 'quay.logentry3_y2036m12'::regclass;
ROLLBACK;
