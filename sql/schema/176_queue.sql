-- How items of the work queue are found. The reference has an index on queue_name and four that begin with processing_expires, of which
-- none leads to what may be taken now, and each is written at every claim; its statements are served by these as well.
--
-- From when on an item may be taken is an expression, quay_internal.queue_due(), so that claims of the reference's workers count as ours do.
-- What is dead (no retries left) is in no index that is read when work is handed out.

-- The oldest in a queue, and what the oldest of its namespaces has: the lane is the hash of the first part of the path.
CREATE INDEX queueitem_due ON quay.queueitem (split_part(queue_name, '/', 1),
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)), id)
    WHERE retries_remaining > 0;
CREATE INDEX queueitem_lane ON quay.queueitem (split_part(queue_name, '/', 1), hashtext(split_part(queue_name, '/', 2)),
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)), id)
    WHERE retries_remaining > 0;
-- One path, and all below it
CREATE INDEX queueitem_queue_name_id ON quay.queueitem (queue_name, id);
-- What runs
CREATE INDEX queueitem_running ON quay.queueitem (queue_name, processing_expires) WHERE NOT available;
-- Dead letters of a queue, and the oldest of all
CREATE INDEX queueitem_dead ON quay.queueitem (split_part(queue_name, '/', 1), id) WHERE retries_remaining <= 0;
CREATE INDEX queueitem_dead_due ON quay.queueitem (
    (greatest(available_after, CASE WHEN available THEN NULL ELSE coalesce(processing_expires, 'infinity'::timestamp) END)))
    WHERE retries_remaining <= 0;
