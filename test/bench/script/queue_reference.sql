BEGIN;
SELECT t1.id, t1.queue_name, t1.body, t1.available_after, t1.available, t1.processing_expires, t1.retries_remaining, t1.state_id FROM reference.queueitem AS t1 INNER JOIN (SELECT t2.id, t2.queue_name, t2.body, t2.available_after, t2.available, t2.processing_expires, t2.retries_remaining, t2.state_id FROM reference.queueitem AS t2 WHERE t2.available_after <= now() AT TIME ZONE 'UTC' AND (t2.available = true OR t2.processing_expires <= now() AT TIME ZONE 'UTC') AND t2.retries_remaining > 0 AND t2.queue_name ILIKE 'notification/%' LIMIT 50) AS j1 ON t1.id = j1.id ORDER BY random() LIMIT 1 OFFSET 0 \gset
COMMIT;
BEGIN;
UPDATE reference.queueitem SET available = false, processing_expires = now() AT TIME ZONE 'UTC' + interval '300 s', retries_remaining = retries_remaining - 1, state_id = gen_random_uuid()::text WHERE id = :id AND state_id = ':state_id';
COMMIT;
BEGIN;
DELETE FROM reference.queueitem WHERE id = :id;
COMMIT;
