\set k random(1000000000000000, 1000000000009999)
SELECT value FROM quay.cache_get(:k);
