\set ns random(1, 10)
\set r random(1, 100)
SELECT count(*) FROM quay.queue_put_many('notification', ARRAY(SELECT 'ns' || (:ns + i) % 10 || '/repo' || :r || '/repo_push' FROM generate_series(1, 10) AS i), array_fill('{"notification_uuid": ""}'::text, ARRAY[10]));
