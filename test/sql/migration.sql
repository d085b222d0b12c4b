-- Where a database stands, what an update would run, and what was run.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
\pset format unaligned
\set VERBOSITY default
\set SHOW_CONTEXT never

\echo -- a fresh database: everything of one version, nothing to do
SELECT state, rows_version = extension_version AND rows_version = library_version AND rows_version = default_version AS one_version,
       default_version = available_versions[cardinality(available_versions)] AS is_newest, available_versions[1:3], next_step FROM quay.migration_status();
SELECT count(*) FROM quay.migration_path();
SELECT kind, from_version, to_version = quay.version() AS is_this, finished <= now() AT TIME ZONE 'UTC' AS before_now, duration > interval '0' AS took_time, role = session_user AS by_us,
       server_version = current_setting('server_version') AS this_server, is_current FROM quay.migration_history();

\echo -- down, and from other versions up
SELECT p.step, p.direction, p.from_version, p.to_version, p.may_refuse, p.refused_now FROM quay.migration_path('1.0', '1.2') AS p;
SELECT p.step, p.direction, p.from_version, p.to_version, p.about, p.may_refuse, p.refused_now FROM quay.migration_path('1.2', source => '1.0') AS p;
SELECT p.from_version, m.key, jsonb_array_length(m.value) > 0 AS listed, m.value ? 'quay.tag' AS tag
FROM quay.migration_path('1.2', '1.1') AS p, jsonb_each(p.locks) AS m ORDER BY 1, 2;
SELECT p.from_version, p.to_version FROM quay.migration_path('1.1') AS p ORDER BY p.step DESC LIMIT 1;

\echo -- every step says what it is about, in modes that exist, about relations that are there or come and go with it
SELECT from_version, to_version FROM quay_internal.migration_step_list() WHERE about IS NULL;
SELECT DISTINCT m.key FROM quay_internal.migration_step_list() AS s, jsonb_object_keys(s.locks) AS m (key) ORDER BY 1;
SELECT s.from_version, s.to_version, w.relation FROM quay_internal.migration_step_list() AS s, jsonb_to_recordset(s.work) AS w (relation text)
WHERE to_regclass(w.relation) IS NULL;

\echo -- what a downgrade would refuse now
INSERT INTO quay.unrestricted_user (username) VALUES ('migration');
INSERT INTO quay.allowed_upstream_host (host) VALUES ('migration.example.com');
SELECT p.from_version, p.refused_now FROM quay.migration_path('1.0', '1.2') AS p;
SELECT quay_internal.migration_refused('1.0', '1.1') AS refuses_nothing, quay_internal.migration_refused('9.9', '9.8') AS unknown_step;
CREATE ROLE regress_quay_migration;
SELECT quay.grant_role('regress_quay_migration', 'reader');
SET LOCAL ROLE regress_quay_migration;
SELECT p.from_version, p.refused_now FROM quay.migration_path('1.1', '1.2') AS p;
RESET ROLE;
REVOKE SELECT ON quay.allowed_upstream_host FROM regress_quay_migration;
SET LOCAL ROLE regress_quay_migration;
SELECT p.from_version, p.refused_now IS NULL AS this_role_cannot_tell FROM quay.migration_path('1.1', '1.2') AS p;
SELECT count(*) FROM quay.migration_history();
SELECT state FROM quay.migration_status();
SELECT count(*) > 0 FROM quay.backfill_progress;
SAVEPOINT s;
SELECT quay_internal.migration_record('1.0', '1.1');
\echo :SQLSTATE
ROLLBACK TO s;
RESET ROLE;
SAVEPOINT s;

\echo -- no such version
SELECT * FROM quay.migration_path('9.9');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT * FROM quay.migration_path('1.0', '0.1');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT * FROM quay.migration_path(repeat('x', 200));
\echo :SQLSTATE
ROLLBACK TO s;

\echo -- the estimate follows from the number of rows; a table that was never analyzed is guessed, one that is not there does not count
CREATE TEMPORARY TABLE counted AS SELECT i FROM generate_series(1, 5000) AS i;
SELECT quay_internal.row_guess('pg_temp.counted') BETWEEN 1000 AND 20000 AS guessed;
ANALYZE pg_temp.counted;
SELECT quay_internal.row_guess('pg_temp.counted'), quay_internal.row_guess('quay.unknown_table');
UPDATE pg_class SET reltuples = 1e6 WHERE oid = 'quay.tag'::regclass;
SELECT p.estimate > interval '1 second' AS takes_a_while, p.work[1] FROM quay.migration_path('1.2', '1.1') AS p;

\echo -- the journal: steps in one command follow each other, also when the clock was set back
SELECT quay_internal.migration_record('1.8', '1.9');
SELECT quay_internal.migration_record('1.9', '1.10');
UPDATE quay_internal.migration_journal SET finished_ms = finished_ms + 1000000000 WHERE to_version = '1.10';
SELECT quay_internal.migration_record('1.10', '1.9');
SELECT kind, from_version, to_version, duration < interval '1 hour' AS short, is_current FROM quay.migration_history() OFFSET 1;
\echo -- a restored dump: its lines come before that of the installation
INSERT INTO quay_internal.migration_journal (finished_ms, kind, to_version) VALUES (1000, 'before', '1.0');
SELECT kind, to_version = quay.version() AS is_this, finished < '2000-01-01' AS long_ago, duration IS NULL AS how_long_is_unknown, role = session_user AS by_us FROM quay.migration_history() LIMIT 2;
SELECT quay_internal.version_number('1.10') > quay_internal.version_number('1.9') AS numbers_not_text;

\echo -- a dump of another version in it
INSERT INTO quay_internal.schema_version (version) VALUES ('1.0');
SELECT state, rows_version ~ ', ' AS two, next_step FROM quay.migration_status();
DELETE FROM quay_internal.schema_version WHERE version = '1.0';
UPDATE quay_internal.schema_version SET version = '1.99';
UPDATE pg_extension SET extversion = '1.99' WHERE extname = 'quay';
SELECT state, next_step ~ '^Connect anew: this session has the library of version [\d.]+\.$' AS told FROM quay.migration_status();
UPDATE quay_internal.schema_version SET version = '1.2';
UPDATE pg_extension SET extversion = '1.2' WHERE extname = 'quay';
SELECT state, next_step FROM quay.migration_status();
SELECT min(p.from_version), count(*) > 0 AS steps FROM quay.migration_path() AS p;
ROLLBACK;
