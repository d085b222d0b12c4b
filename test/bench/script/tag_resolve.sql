\set n random(100001, 100000 + :namespaces)
\set r random(1, :repositories)
\set t random(1, 20)
SELECT manifest_id, digest, media_type, size FROM quay.tag_resolve(:n, :r, :t);
