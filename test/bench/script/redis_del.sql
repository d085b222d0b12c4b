\set k random(3000000000000000, 3000000000009999)
SELECT quay.cache_delete(:k);
