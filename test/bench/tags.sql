-- One repository with :tags live tags, as many dead ones, and a tenth as many that end some day.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

SELECT quay.user_create('root', 'correct-horse-battery', 'root@bench.example') > 0 \g /dev/null
SELECT quay.repository_create('root', 'app', 'root') > 0 \g /dev/null
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, layers_compressed_size)
SELECT r.id, 'sha256:' || encode(sha256(convert_to(n::text, 'UTF8')), 'hex'),
       (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.oci.image.manifest.v1+json'), '{}', 1
FROM quay.repository AS r, generate_series(1, 1000) AS n;
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, ended, tag_kind_id)
SELECT t.name, r.id, (SELECT min(m.id) FROM quay.manifest AS m) + t.n % 1000, 1700000000000 + t.n, t.end_ms, t.ended, k.id
FROM quay.repository AS r, (SELECT id FROM quay.tagkind WHERE name = 'tag') AS k,
     (SELECT 'v' || n AS name, n, NULL::bigint AS end_ms, false AS ended FROM generate_series(1, :tags) AS n
      UNION ALL SELECT CASE WHEN n % 2 = 0 THEN 'v' || n ELSE 'gone' || n END, n, 1700000000000 + n + 1, true FROM generate_series(1, :tags) AS n
      UNION ALL SELECT 'expiring' || n, n, 4000000000000 + n, false FROM generate_series(1, :tags / 10) AS n) AS t;
COMMIT;
VACUUM ANALYZE;
