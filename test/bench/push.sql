-- :images images of 20 layers and a config, ready to be pushed into acme/app: 18 blobs that all share, 3 of their own, uploaded already.
-- The namespace has a quota. Names, digests and ids stand in the table bench_image, so that pushing costs nothing but the push.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

INSERT INTO quay.imagestoragelocation (name) SELECT 'bench';
SELECT quay.user_create('root', 'correct-horse-battery', 'root@bench.example') > 0 \g /dev/null
SELECT quay.organization_create('acme', NULL, 'root') > 0 \g /dev/null
SELECT quay.repository_create('acme', 'app', 'root') > 0 \g /dev/null
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) SELECT u.id, 1000000000000000 FROM quay."user" AS u WHERE u.username = 'acme';
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT q.id, t.id, 100 FROM quay.userorganizationquota AS q, quay.quotatype AS t WHERE t.name = 'Reject';

CREATE TABLE public.bench_link AS
SELECT n, k, 'sha256:' || encode(sha256(convert_to(CASE WHEN k <= 18 THEN 'shared ' || k ELSE 'own ' || n || ' ' || k END, 'UTF8')), 'hex') AS digest,
       CASE k WHEN 21 THEN 1500 ELSE 1000000 + k END AS size
FROM generate_series(1, :images) AS n, generate_series(1, 21) AS k;
INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
SELECT gen_random_uuid(), l.size, false, true, l.digest FROM (SELECT DISTINCT digest, size FROM public.bench_link) AS l;
INSERT INTO quay.imagestorageplacement (storage_id, location_id)
SELECT b.id, (SELECT id FROM quay.imagestoragelocation WHERE name = 'bench') FROM quay.imagestorage AS b;
INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
SELECT r.id, b.id, now(), now() + interval '1 day' FROM quay.imagestorage AS b, quay.repository AS r;

CREATE TABLE public.bench_image AS
SELECT l.n, m.bytes, 'sha256:' || encode(sha256(m.bytes), 'hex') AS digest, l.digests, l.ids, l.config
FROM (SELECT l.n, array_agg(l.digest ORDER BY l.k) AS digests, array_agg(b.id ORDER BY l.k) AS ids, max(l.digest) FILTER (WHERE l.k = 21) AS config,
             string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}', l.digest, l.size), ','
                        ORDER BY l.k) FILTER (WHERE l.k <= 20) AS layers
      FROM public.bench_link AS l JOIN quay.imagestorage AS b ON b.content_checksum = l.digest
      GROUP BY l.n) AS l
CROSS JOIN LATERAL (SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
    '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":1500},"layers":[%s]}', l.config, l.layers), 'UTF8') AS bytes) AS m;
ALTER TABLE public.bench_image ADD PRIMARY KEY (n);
DROP TABLE public.bench_link;
CREATE SEQUENCE public.bench_next;
DELETE FROM quay_internal.gc_review;
VACUUM ANALYZE;
