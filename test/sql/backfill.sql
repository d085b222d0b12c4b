-- Backfills: batches that go on where the last one ended, their pace, failures, and the gate of a later step.
SET search_path = pg_catalog, pg_temp;
\pset format unaligned
\set VERBOSITY default
\set SHOW_CONTEXT never

SELECT quay.user_create('backfill', 'password1', 'backfill@example.com') > 0 AS ok;
SELECT quay.repository_create('backfill', 'app', 'backfill') > 0 AS ok;
SELECT count(m.digest) FROM generate_series(1, 7) AS i
CROSS JOIN LATERAL quay.manifest_put('backfill', 'app', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",'
    '"artifactType":"application/x.%s","manifests":[]}', i), 'UTF8'), tags => ARRAY['t' || i]) AS m;
UPDATE quay.manifest AS m SET artifact_type = NULL FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE r.id = m.repository_id AND u.username = 'backfill';

-- The manifests of other tests are none of this one: it begins before its own, with all others done.
CREATE FUNCTION pg_temp.restart() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM quay.backfill_set('manifest_fields', batch_rows => 3, throttle_ms => 0, restart => true);
    UPDATE quay_internal.backfill SET last_key = (SELECT min(m.id) - 1 FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id
                                                  JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'backfill')
    WHERE name = 'manifest_fields';
    UPDATE quay.manifest AS m SET artifact_type_backfilled = NULL
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = m.repository_id AND u.username = 'backfill';
END $$;
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'not this one'; END $$;
CREATE FUNCTION pg_temp.fail_at_fifth(code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER backfill_fail BEFORE UPDATE ON quay.manifest FOR EACH ROW WHEN (OLD.id = %s) EXECUTE FUNCTION pg_temp.fail(%L)',
        (SELECT m.id FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
         WHERE u.username = 'backfill' ORDER BY m.id OFFSET 4 LIMIT 1), code);
END $$;

\echo -- what there is
SELECT name, state, percent, rows_done, batch_rows, throttle_ms, introduced_in, needed_by, remaining IS NULL AS no_pace FROM quay.backfill_progress ORDER BY name;
SELECT l.name FROM quay_internal.backfill_list() AS l WHERE to_regclass(l.table_name) IS NULL OR to_regproc(l.function_name) IS NULL OR l.about IS NULL;

\echo -- batch by batch
SELECT quay_internal.backfill_begin('manifest_fields');
SELECT pg_temp.restart();
SELECT * FROM quay_internal.backfill_step('manifest_fields', 3);
SELECT * FROM quay_internal.backfill_step('manifest_fields', 3);
SELECT state, rows_done, percent BETWEEN 1 AND 99.9 AS halfway, remaining IS NOT NULL AS has_pace, last_error FROM quay.backfill_progress WHERE name = 'manifest_fields';
CALL quay.backfill_run('manifest_fields', batch_rows => 2, throttle_ms => 0);
SELECT state, percent, rows_done, finished >= started AS finished, remaining FROM quay.backfill_progress WHERE name = 'manifest_fields';
SELECT artifact_type FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'backfill' ORDER BY m.id LIMIT 3;
\echo -- done is done
SELECT * FROM quay_internal.backfill_step('manifest_fields');
CALL quay.backfill_run('manifest_fields');
SELECT quay_internal.backfill_require('manifest_fields');

\echo -- all of them; the other one has its function from elsewhere
CALL quay.backfill_run(throttle_ms => 0) \gset
SELECT name, state, percent FROM quay.backfill_progress ORDER BY name;

\echo -- the pace, and from the start again
SELECT quay.backfill_set('manifest_fields', batch_rows => 4, throttle_ms => 1, restart => true);
SELECT state, percent, rows_done, batch_rows, throttle_ms FROM quay.backfill_progress WHERE name = 'manifest_fields';
SELECT quay.backfill_set('manifest_fields', throttle_ms => 2);
SELECT batch_rows, throttle_ms FROM quay.backfill_progress WHERE name = 'manifest_fields';
\echo -- it ends after a time, and a later run goes on
CALL quay.backfill_run('manifest_fields', batch_rows => 1, max_seconds => 0) \gset
SELECT state, last_key > 0 AS moved FROM quay.backfill_progress WHERE name = 'manifest_fields';

\echo -- the gate
DO $$
DECLARE
    detail text;
    hint text;
BEGIN
    PERFORM quay_internal.backfill_require('manifest_fields');
EXCEPTION WHEN SQLSTATE 'QY172' THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE INFO '% | % | %', SQLERRM, regexp_replace(detail, '\d+', 'N', 'g'), hint;
END $$;
CALL quay.backfill_run('manifest_fields') \gset
SELECT quay_internal.backfill_require('manifest_fields');

\echo -- a batch that fails: what was done is kept, the error is told, the next run goes on
SELECT pg_temp.restart();
SELECT pg_temp.fail_at_fifth('22000');
\set VERBOSITY terse
CALL quay.backfill_run('manifest_fields');
\set VERBOSITY default
SELECT state, rows_done, last_error FROM quay.backfill_progress WHERE name = 'manifest_fields';
SELECT state, error_code, changed FROM quay_internal.backfill_step('manifest_fields');
DROP TRIGGER backfill_fail ON quay.manifest;
\echo -- a serialization failure is tried again, but not for ever
SELECT pg_temp.fail_at_fifth('40001');
SELECT clock_timestamp() AS began \gset
\set VERBOSITY terse
CALL quay.backfill_run('manifest_fields');
\set VERBOSITY default
SELECT clock_timestamp() - :'began' > interval '0.9 s' AS waited, last_error FROM quay.backfill_progress WHERE name = 'manifest_fields';
DROP TRIGGER backfill_fail ON quay.manifest;
CALL quay.backfill_run('manifest_fields');
SELECT state, rows_done, last_error FROM quay.backfill_progress WHERE name = 'manifest_fields';

\echo -- refused
CALL quay.backfill_run('no such one');
\echo :SQLSTATE
SELECT quay.backfill_set(repeat('x', 200));
\echo :SQLSTATE
SELECT quay_internal.backfill_require(NULL);
\echo :SQLSTATE
CALL quay.backfill_run(batch_rows => 0);
\echo :SQLSTATE
SELECT quay.backfill_set('scan_rows', batch_rows => 0);
\echo :SQLSTATE
SELECT quay.backfill_set('scan_rows', throttle_ms => -1);
\echo :SQLSTATE
BEGIN;
CALL quay.backfill_run('scan_rows');
\echo :SQLSTATE
ROLLBACK;

-- Other tests count manifests.
DELETE FROM quay.tag AS t USING quay.repository AS r, quay."user" AS u WHERE r.id = t.repository_id AND u.id = r.namespace_user_id AND u.username = 'backfill';
DELETE FROM quay.manifestsecuritystatus AS s USING quay.repository AS r, quay."user" AS u WHERE r.id = s.repository_id AND u.id = r.namespace_user_id AND u.username = 'backfill';
DELETE FROM quay.manifest AS m USING quay.repository AS r, quay."user" AS u WHERE r.id = m.repository_id AND u.id = r.namespace_user_id AND u.username = 'backfill';
