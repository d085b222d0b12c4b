\set k random(1000000000000000, 1000000000009999)
SELECT quay.cache_set(:k, repeat('x', 1024), 86400);
