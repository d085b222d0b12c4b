\set n random(100001, 100000 + :namespaces)
\set r random(1, :repositories)
\set t random(1, 20)
\set u 200001 + (:n - 100000) % :namespaces
SELECT status, digest, media_type, manifest FROM quay.pull(:u, :n, :r, :t);
