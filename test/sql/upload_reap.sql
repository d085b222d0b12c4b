-- Uploads that nobody goes on with: what is listed, taken, handed out again, confirmed.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DO $$ BEGIN
    PERFORM quay.user_create('reaper', 'password1', 'reaper@example.com');
    PERFORM quay.repository_create('reaper', 'one', 'reaper');
    PERFORM quay.repository_create('reaper', 'two', 'reaper');
END $$;
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
\a\t
SET LOCAL quay.default_reject_quota = '1MB';
SELECT u.upload FROM quay.upload_start('reaper', 'one', uuid => 'reap1', storage_metadata => '{"parts": [1]}', size => 1000) AS u;
SELECT quay.upload_append('reaper', 'one', 'reap1', 'abc');
SELECT u.upload FROM quay.upload_start('reaper', 'two', uuid => 'reap2', location => 's3_us_east_1') AS u;
UPDATE quay.blobupload SET storage_metadata = 'no JSON' WHERE uuid = 'reap2';
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT u.upload FROM quay.upload_start('reaper', 'two', uuid => 'reap3') AS u;
-- none is too old
SET LOCAL quay.clock = '2026-03-03 11:59:59+00';
SELECT count(*) FROM quay.upload_stale_list();
SELECT count(*) FROM quay.upload_reap();
-- two are: exactly two days
SET LOCAL quay.clock = '2026-03-03 12:00:00+00';
SELECT namespace, repository, upload, location, byte_count, reserved_bytes, created FROM quay.upload_stale_list();
SELECT upload FROM quay.upload_stale_list(n => 1);
SELECT s2.upload FROM quay.upload_stale_list(n => 1) AS s1, LATERAL quay.upload_stale_list(s1.upload_id) AS s2;
SELECT pg_temp.attempt($$SELECT quay.upload_stale_list(n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_reap(0)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_reap(seconds => 0)$$);
CREATE TEMPORARY TABLE taken ON COMMIT DROP AS SELECT 1 AS round, t.* FROM quay.upload_reap() AS t;
SELECT upload, location, storage_metadata, byte_count, created, namespace, repository FROM taken ORDER BY upload;
SELECT count(DISTINCT lease) FROM taken;
-- they are no uploads any more, and what was reserved is free
SELECT count(*) FROM quay.upload_stale_list();
SELECT pg_temp.attempt($$SELECT quay.upload_append('reaper', 'one', 'reap1', 'x')$$);
SELECT sum(c.reserved) FROM quay_internal.size_counter AS c JOIN quay."user" AS u ON u.id = c.namespace_id WHERE u.username = 'reaper';
-- nobody else gets them
SELECT count(*) FROM quay.upload_reap();
SET LOCAL quay.clock = '2026-03-03 12:04:59+00';
SELECT count(*) FROM quay.upload_reap();
-- confirmed one, in vain for another one and with another lease
SELECT quay.upload_reap_confirm((SELECT min(lease::text) FROM taken)::uuid, ARRAY['reap1', 'reap3', NULL]);
SELECT quay.upload_reap_confirm((SELECT min(lease::text) FROM taken)::uuid, ARRAY['reap1']);
SELECT quay.upload_reap_confirm('00000000-0000-0000-0000-000000000000'), quay.upload_reap_confirm(NULL);
-- the client has died: the other one is handed out again, and a late confirmation does nothing
SET LOCAL quay.clock = '2026-03-03 12:05:00+00';
INSERT INTO taken SELECT 2, t.* FROM quay.upload_reap(seconds => 60) AS t;
SELECT round, upload, storage_metadata, created FROM taken WHERE round = 2;
SELECT quay.upload_reap_confirm(lease) FROM taken WHERE round = 1 AND upload = 'reap2';
-- what has never been handed out comes first
SET LOCAL quay.clock = '2026-03-04 12:00:00+00';
SELECT upload FROM quay.upload_reap(1);
SELECT upload FROM quay.upload_reap(1, 10);
SELECT quay.upload_reap_confirm(lease) FROM taken WHERE round = 2;
SET LOCAL quay.clock = '2026-03-04 13:00:00+00';
SELECT upload FROM quay.upload_reap();
-- other queues are left alone
SELECT quay_internal.queue_add(quay_internal.queue_path('uploadcancel2', 'x'), '{}') > 0;
UPDATE quay.queueitem SET state_id = '11111111-0000-0000-0000-000000000000/1' WHERE queue_name = 'uploadcancel2/x/';
SELECT quay.upload_reap_confirm('11111111-0000-0000-0000-000000000000');
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'uploadcancel%';
ROLLBACK;
