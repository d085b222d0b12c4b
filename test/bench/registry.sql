-- A registry made of nothing in the tables of schema :schema: :tags tags, each with a manifest of three blobs of which two are shared, and ten
-- times as many audit rows, over 24 months.
SET client_min_messages = warning;
-- Filled as fast as can be; what is measured comes afterwards.
SET session_replication_role = replica;
SET search_path = :schema, pg_catalog;
INSERT INTO "user" (id, uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login)
SELECT i, gen_random_uuid(), 'org' || i, i || '@example.com', true, false, false, false, now() FROM generate_series(1, 100) AS i;
INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id)
SELECT i, 1 + i % 100, 'repo' || i, 2, gen_random_uuid(), 1 FROM generate_series(1, greatest(:tags / 100, 1)) AS i;
INSERT INTO imagestorage (id, uuid, image_size, uploading, cas_path, content_checksum)
SELECT i, gen_random_uuid(), 1000 + i % 100000, true, true, 'sha256:' || encode(sha256(('blob' || i)::bytea), 'hex')
FROM generate_series(1, :tags + :tags / 10) AS i;
INSERT INTO imagestorageplacement (id, storage_id, location_id) SELECT b.id, b.id, 1 FROM imagestorage AS b;
INSERT INTO manifest (id, repository_id, digest, media_type_id, manifest_bytes, config_media_type, layers_compressed_size, subject_backfilled, artifact_type_backfilled)
SELECT m.i, 1 + m.i % greatest(:tags / 100, 1), 'sha256:' || encode(sha256(convert_to(m.text, 'UTF8')), 'hex'),
       (SELECT y.id FROM mediatype AS y WHERE y.name = 'application/vnd.oci.image.manifest.v1+json'), m.text,
       'application/vnd.oci.image.config.v1+json', 5000, true, true
FROM (SELECT i, format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[]}',
                       encode(sha256(('blob' || i)::bytea), 'hex'), i) AS text
      FROM generate_series(1, :tags) AS i) AS m;
INSERT INTO manifestblob (id, repository_id, manifest_id, blob_id)
SELECT 3 * m.id + n, m.repository_id, m.id,
       CASE n WHEN 0 THEN m.id ELSE :tags + 1 + (m.repository_id * 7 + n) % greatest(:tags / 10, 1) END
FROM manifest AS m, generate_series(0, 2) AS n;
INSERT INTO tag (id, name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
SELECT m.id, 'v' || m.id, m.repository_id, m.id, 1700000000000 + m.id, CASE WHEN m.id % 5 = 0 THEN 1710000000000 + m.id END, false, false, 1
FROM manifest AS m;
INSERT INTO manifestsecuritystatus (id, manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash, indexer_version, metadata_json)
SELECT m.id, m.id, m.repository_id, 2, '{}', '2026-01-01', 'abcdef', 4, '{}' FROM manifest AS m;
INSERT INTO logentry3 (id, kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
SELECT i, 1 + i % 100, 1 + i % 100, 1 + i % 100, 1 + i % greatest(:tags / 100, 1),
       timestamp '2024-10-01' + i * (interval '24 months' / (:tags * 10)), '10.0.0.' || i % 256,
       '{"repo":"repo' || i % 1000 || '","namespace":"org1","tag":"v' || i || '","user-agent":"docker/24.0.7"}'
FROM generate_series(1, :tags * 10) AS i;
RESET session_replication_role;
SELECT format('SELECT setval(%L, (SELECT max(id) FROM %I))', pg_get_serial_sequence(quote_ident(t), 'id'), t)
FROM unnest('{user,repository,imagestorage,imagestorageplacement,manifest,manifestblob,tag,manifestsecuritystatus,logentry3}'::text[]) AS t
\o /dev/null
\gexec
\o
ANALYZE;
