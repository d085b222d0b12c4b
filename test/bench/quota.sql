-- 50 repositories in :namespaces namespaces, and :images images of 20 layers ready to be pushed into any of them: 18 blobs that all share, 3 of
-- their own. Each namespace has a quota of :limit bytes.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

INSERT INTO quay.imagestoragelocation (name) SELECT 'bench';
SELECT quay.user_create('root', 'correct-horse-battery', 'root@bench.example') > 0 \g /dev/null
SELECT count(quay.organization_create('q' || n, NULL, 'root')) FROM generate_series(0, :namespaces - 1) AS n \g /dev/null
SELECT count(quay.repository_create('q' || r % :namespaces, 'r' || r, 'root')) FROM generate_series(0, 49) AS r \g /dev/null
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) SELECT u.id, :limit FROM quay."user" AS u WHERE u.organization;
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT q.id, t.id, 100 FROM quay.userorganizationquota AS q, quay.quotatype AS t WHERE t.name = 'Reject';

CREATE TABLE public.bench_link AS
SELECT n, k, 'sha256:' || encode(sha256(convert_to(CASE WHEN k <= 18 THEN 'shared ' || k ELSE 'own ' || n || ' ' || k END, 'UTF8')), 'hex') AS digest,
       CASE k WHEN 21 THEN 1500 ELSE 1000000 + k END AS size
FROM generate_series(0, :images - 1) AS n, generate_series(1, 21) AS k;
INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
SELECT gen_random_uuid(), l.size, false, true, l.digest FROM (SELECT DISTINCT digest, size FROM public.bench_link) AS l;
INSERT INTO quay.imagestorageplacement (storage_id, location_id)
SELECT b.id, (SELECT id FROM quay.imagestoragelocation WHERE name = 'bench') FROM quay.imagestorage AS b;
-- Each repository has the blobs of its share of the images.
INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
SELECT DISTINCT r.id, b.id, now()::timestamp, now()::timestamp + interval '1 day'
FROM public.bench_link AS l JOIN quay.imagestorage AS b ON b.content_checksum = l.digest JOIN quay.repository AS r ON r.name = 'r' || l.n % 50;

CREATE TABLE public.bench_image AS
SELECT l.n, convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
    '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":1500},"layers":[%s]}',
    max(l.digest) FILTER (WHERE l.k = 21),
    string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}', l.digest, l.size), ','
               ORDER BY l.k) FILTER (WHERE l.k <= 20)), 'UTF8') AS bytes
FROM public.bench_link AS l GROUP BY l.n;
ALTER TABLE public.bench_image ADD PRIMARY KEY (n);
DROP TABLE public.bench_link;

-- One push by a client: its n-th image. What the quota refuses is counted.
CREATE TABLE public.bench_refused (n integer);
CREATE FUNCTION public.bench_push(client integer, turn integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM public.bench_image AS i CROSS JOIN LATERAL quay.manifest_put('q' || client % (SELECT count(*) FROM quay.userorganizationquota), 'r' || client, i.bytes,
        'application/vnd.oci.image.manifest.v1+json', ARRAY['latest', 'v' || turn], actor => 'root') AS p
    WHERE i.n = client + 50 * turn;
EXCEPTION WHEN SQLSTATE 'QY056' THEN
    INSERT INTO public.bench_refused VALUES (client + 50 * turn);
END
$$;
DELETE FROM quay_internal.gc_review;
VACUUM ANALYZE;
