-- Garbage: :manifests manifests in 100 repositories of 10 namespaces, each with 10 blobs of which 5 are its own and 5 are shared with nine
-- others of the same repository, and one tag each, which ended long ago.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

BEGIN;
INSERT INTO quay."user" (uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, creation_date)
SELECT gen_random_uuid(), 'ns' || n, 'ns' || n || '@example.com', true, true, false, false, now(), now() FROM generate_series(1, 10) AS n;
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, kind_id, state)
SELECT o.id, 'r' || n, (SELECT id FROM quay.visibility WHERE name = 'private'), gen_random_uuid(),
       (SELECT id FROM quay.repositorykind WHERE name = 'image'), 0
FROM quay."user" AS o, generate_series(1, 10) AS n;

INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, layers_compressed_size, config_media_type,
                           subject_backfilled, artifact_type_backfilled)
SELECT r.id, 'sha256:' || encode(sha256(convert_to(r.id || ':' || n, 'UTF8')), 'hex'),
       (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.oci.image.manifest.v1+json'), repeat('x', 600),
       12288, 'application/vnd.oci.image.config.v1+json', true, true
FROM quay.repository AS r, generate_series(1, :manifests / 100) AS n;
INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash, indexer_version, metadata_json)
SELECT m.id, m.repository_id, 0, '{}', now(), '', 4, '{}' FROM quay.manifest AS m;

-- Blobs 1 to 5 of a manifest are its own, 6 to 10 those of ten neighbours.
CREATE TEMPORARY TABLE link AS
SELECT m.id AS manifest_id, m.repository_id, 'sha256:' || encode(sha256(convert_to(k.k || ':' || m.repository_id || ':'
           || CASE WHEN k.k <= 5 THEN m.n ELSE m.n / 10 END, 'UTF8')), 'hex') AS digest
FROM (SELECT m.id, m.repository_id, row_number() OVER (PARTITION BY m.repository_id ORDER BY m.id) AS n FROM quay.manifest AS m) AS m,
     generate_series(1, 10) AS k (k);
INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
SELECT gen_random_uuid(), 1000000, false, true, l.digest FROM (SELECT DISTINCT digest FROM link) AS l;
INSERT INTO quay.imagestorageplacement (storage_id, location_id)
SELECT b.id, (SELECT min(l.id) FROM quay.imagestoragelocation AS l) FROM quay.imagestorage AS b;
INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
SELECT l.repository_id, l.manifest_id, b.id FROM link AS l JOIN quay.imagestorage AS b ON b.content_checksum = l.digest ORDER BY l.manifest_id;

INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
SELECT 't' || m.id, m.repository_id, m.id, 1600000000000, 1600000001000, (SELECT id FROM quay.tagkind WHERE name = 'tag') FROM quay.manifest AS m;
-- Only what the tags hold is to be measured, not the review of all that is new.
DELETE FROM quay_internal.gc_review WHERE kind <> 't';
COMMIT;
VACUUM ANALYZE;
