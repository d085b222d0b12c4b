BEGIN;
SELECT t1.id, t1.queue_name, t1.body, t1.available_after, t1.available, t1.processing_expires, t1.retries_remaining, t1.state_id FROM reference.queueitem AS t1 WHERE t1.available_after <= now() AT TIME ZONE 'UTC' AND (t1.available = true OR t1.processing_expires <= now() AT TIME ZONE 'UTC') AND t1.retries_remaining > 0 AND t1.queue_name ILIKE 'notification/%' AND NOT (t1.queue_name IN (SELECT t2.queue_name FROM reference.queueitem AS t2 WHERE t2.available = false AND t2.processing_expires > now() AT TIME ZONE 'UTC' AND t2.queue_name ILIKE 'notification/%')) ORDER BY t1.id LIMIT 1 OFFSET 0 \gset
COMMIT;
BEGIN;
UPDATE reference.queueitem SET available = false, processing_expires = now() AT TIME ZONE 'UTC' + interval '300 s', retries_remaining = retries_remaining - 1, state_id = gen_random_uuid()::text WHERE id = :id AND state_id = ':state_id';
COMMIT;
BEGIN;
DELETE FROM reference.queueitem WHERE id = :id;
COMMIT;
