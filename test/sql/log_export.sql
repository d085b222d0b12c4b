-- Exports of the audit log: the item in the queue, and the batches that a worker reads.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2031-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT quay.user_create('lx-alice', 'password', 'lx-alice@lx.example') > 0 AS alice;
SELECT quay.repository_create('lx-alice', 'app', 'lx-alice') > 0 AS app, quay.repository_create('lx-alice', 'gone', 'lx-alice') > 0 AS gone;
UPDATE quay.repository SET state = 3 WHERE name = 'gone';
DELETE FROM quay.queueitem; DELETE FROM quay.logentry3; DELETE FROM quay.logentry2; DELETE FROM quay.logentry;
SELECT u.id AS alice FROM quay."user" AS u WHERE u.username = 'lx-alice' \gset
SELECT r.id AS app FROM quay.repository AS r WHERE r.namespace_user_id = :alice AND r.name = 'app' \gset
CREATE FUNCTION pg_temp.item() RETURNS TABLE (queue_name text, retries integer, body jsonb) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY WITH d AS (DELETE FROM quay.queueitem RETURNING *) SELECT d.queue_name::text, d.retries_remaining::integer, d.body::jsonb FROM d;
END $$;
SELECT quay.log_export_request('lx-alice', start_time => '2031-03-01 10:00:00+00', end_time => '2031-03-05+00', callback_url => 'https://example.com/x', kinds => '{pull_repo}') AS export \gset
SELECT queue_name, retries, body - 'export_id' - 'namespace_id' AS body, body ->> 'export_id' = :'export' AS id, (body ->> 'namespace_id')::bigint = :alice AS namespace FROM pg_temp.item();
SELECT quay.log_export_request('lx-alice', 'app', callback_email => 'ops@example.com', exclude_kinds => '{login_success}') IS NOT NULL AS requested;
SELECT body - 'export_id' - 'namespace_id' - 'repository_id' AS body, (body ->> 'repository_id')::bigint = :app AS repository FROM pg_temp.item();
-- Nobody, nothing.
SELECT quay.log_export_request('lx-nobody', callback_url => 'https://example.com/x'), quay.log_export_request('lx-alice', 'nothing', callback_url => 'https://example.com/x'),
       quay.log_export_request('lx-alice', 'gone', callback_url => 'https://example.com/x');
SELECT count(*) FROM pg_temp.item();
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_url => 'ftp://example.com')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_email => 'nobody')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_email => 'a@b', start_time => '2031-03-02+00', end_time => '2031-03-02+00')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_email => 'a@b', end_time => 'infinity')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_email => 'a@b', kinds => '{no_such_kind}')$$);
SELECT pg_temp.try($$SELECT quay.log_export_request('lx-alice', callback_email => 'a@b', exclude_kinds => '{no_such_kind}')$$);

-- 300 entries, a hundred in each generation, three a minute.
INSERT INTO quay.logentry (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT 41 + i % 2, :alice, CASE i % 4 WHEN 0 THEN :app END, '2031-03-01 00:00:00'::timestamp + i / 3 * interval '1 minute', '{}' FROM generate_series(0, 99) AS i;
INSERT INTO quay.logentry2 (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT 41 + i % 2, :alice, CASE i % 4 WHEN 0 THEN :app END, '2031-03-01 00:00:00'::timestamp + i / 3 * interval '1 minute', '{}' FROM generate_series(100, 199) AS i;
INSERT INTO quay.logentry3 (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT 41 + i % 2, :alice, CASE i % 4 WHEN 0 THEN :app END, '2031-03-01 00:00:00'::timestamp + i / 3 * interval '1 minute', '{}' FROM generate_series(200, 299) AS i;
CREATE FUNCTION pg_temp.read(body jsonb, n integer, OUT batches integer, OUT rows bigint, OUT different bigint, OUT kinds text, OUT first timestamp, OUT last timestamp) LANGUAGE plpgsql AS $$
DECLARE
    after text;
    batch record;
    cursors text[] := '{}';
    names text[] := '{}';
BEGIN
    batches := 0;
    LOOP
        SELECT array_agg(l.cursor) AS cursors, min(l.datetime) AS first, max(l.datetime) AS last, array_agg(DISTINCT l.kind) AS kinds INTO batch
        FROM quay.log_export_read(body, after, n) AS l;
        EXIT WHEN batch.cursors IS NULL;
        batches := batches + 1;
        cursors := cursors || batch.cursors;
        names := names || batch.kinds;
        after := batch.cursors[cardinality(batch.cursors)];
        first := least(first, batch.first);
        last := greatest(last, batch.last);
        -- What arrives meanwhile is newer than the cursor.
        INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, (body ->> 'namespace_id')::bigint, '2031-03-01 23:00:00', '{}');
    END LOOP;
    rows := cardinality(cursors);
    different := (SELECT count(DISTINCT c) FROM unnest(cursors) AS c);
    kinds := (SELECT string_agg(DISTINCT k, ' ') FROM unnest(names) AS k);
    DELETE FROM quay.logentry3 WHERE datetime = '2031-03-01 23:00:00';
END $$;
SELECT quay.log_export_request('lx-alice', start_time => '2031-03-01+00', end_time => '2031-03-02+00', callback_email => 'a@b') IS NOT NULL AS requested;
SELECT body FROM pg_temp.item() \gset
SELECT * FROM pg_temp.read(:'body', 70);
SELECT * FROM pg_temp.read(:'body', 300);
SELECT quay.log_export_request('lx-alice', 'app', '2031-03-01 00:10:00.5+00', '2031-03-01 01:20:00+00', callback_email => 'a@b', kinds => '{push_repo,pull_repo}', exclude_kinds => '{push_repo}') IS NOT NULL AS requested;
SELECT body FROM pg_temp.item() \gset
SELECT * FROM pg_temp.read(:'body', 7);
-- A body of the reference: days, the last one whole; a repository that is gone is read by its id.
SELECT * FROM pg_temp.read(jsonb_build_object('export_id', 'x', 'repository_id', NULL, 'namespace_id', :alice, 'start_time', '03/01/2031', 'end_time', '03/01/2031'), 100);
SELECT * FROM pg_temp.read(jsonb_build_object('export_id', 'x', 'repository_id', :app, 'namespace_id', :alice, 'start_time', '02/28/2031', 'end_time', '03/02/2031'), 100);
SELECT * FROM pg_temp.read(jsonb_build_object('repository_id', 987654321, 'namespace_id', :alice, 'start_time', '02/28/2031', 'end_time', '03/02/2031'), 100);
SELECT count(*) FROM quay.log_export_read(jsonb_build_object('namespace_id', :alice, 'start_time', '03/01/2031', 'end_time', '03/01/2031'), n => 0);
SELECT pg_temp.try(format('SELECT * FROM quay.log_export_read(%L)', b)) FROM unnest(ARRAY[NULL, '{}', '[]',
    '{"namespace_id": 1, "start_time": "13/41/2031", "end_time": "03/01/2031"}', '{"namespace_id": "x", "start_ms": 1, "end_ms": 2}',
    '{"namespace_id": 1, "start_ms": 1, "end_ms": 2, "kinds": "pull_repo"}', '{"namespace_id": 1, "repository_id": "x", "start_ms": 1, "end_ms": 2}',
    '{"namespace_id": 1, "start_ms": 1, "end_ms": 2, "kinds": ["no_such_kind"]}']) AS b;
SELECT pg_temp.try($$SELECT * FROM quay.log_export_read('{"namespace_id": 1, "start_ms": 1, "end_ms": 2}', 'x')$$);
ROLLBACK;
