\set m random(1, :tags)
UPDATE quay.tag SET reversion = reversion WHERE id = :m;
