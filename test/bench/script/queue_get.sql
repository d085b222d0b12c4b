SELECT item_id, claim, body FROM quay.queue_get('notification', 300) \gset
SELECT quay.queue_complete(:item_id, :claim);
