\set m random(1, :tags)
\set r 1 + :m % (:tags / 100)
SELECT digest FROM quay.tag_resolve('org' || (1 + :r % 100), 'repo' || :r, 'v' || :m);
