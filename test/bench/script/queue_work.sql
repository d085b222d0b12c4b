SELECT coalesce(max(item_id), 0) AS item_id, coalesce(max(claim), '') AS claim FROM quay.queue_get('notification', 300) \gset
\if :item_id
SELECT quay.queue_complete(:item_id, :claim);
\else
\sleep 20 ms
\endif
