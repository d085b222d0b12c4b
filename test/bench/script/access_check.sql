\set n random(100001, 100000 + :namespaces)
\set r random(1, :repositories)
\set t random(1, 20)
\set u 200001 + (:n - 100000) % :namespaces
SELECT quay.access_check(:u, :n, :r, 'read');
