\set k random(1000000000000000, 1000000000009989)
SELECT key, value FROM quay.cache_get_many(ARRAY(SELECT (:k::bigint + i)::text FROM generate_series(0, 9) AS i));
