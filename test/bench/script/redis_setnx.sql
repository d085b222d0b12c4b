\set k random(2000000000000000, 2000000999999999)
SELECT quay.cache_add(:k, 'value', 60);
