-- The same push as what the reference's application sends for it, recorded from its own code on these tables: three PUTs of the manifest,
-- one per tag, each statement as text (-M simple), all results returned. 114 statements in 43 transactions, so 200 messages: the driver begins
-- one before the first statement, and what the application does not put into a transaction is committed by itself. There are no savepoints.
--
-- The first PUT (73 statements, 107 messages) looks up the manifest, its blobs in one tree of UNION ALLs, and the manifest again; stores it with
-- its blobs, counts these one by one (is it new to the namespace, and if not, to the repository?) and queues it for the scanner; looks up the config,
-- which may have labels, and the quota; moves the tag, looking for signatures of the manifest that it leaves; logs; and looks up who waits for
-- the event. The second (23, 49) and the third, whose tag is new (18, 44), find the manifest and look up its labels.
--
-- Left out: authentication; what a miss of the application's cache adds (the repository, its visibility and its kind: 3 statements and 3 transactions
-- per PUT); the ping of the connection pool; the feature of immutable tags, which is off by default there as it is here (8 statements more).
-- All blobs count as uploads of late. Of the 18 that the client has not uploaded again the application would first not find one, and then look
-- for them in a tree of their own.
--
-- Where the bench differs: the first \gset is its own, and not counted. That is also the time, which the application takes from its clock.
-- Ids that the application remembers, or has just read, are those of a fresh database; the blobs come in their order, not in a random one. The
-- lookup of the tag to move answers three columns more, since pgbench can neither cut strings nor tell columns of one name apart; it may find
-- none, while the first 100 images are pushed (\aset).
\set repository 1
\set namespace 2
\set quota 1
\set lock 6389721433979953103
\set moved 0
\set displaced 0
\set cosign 0
SELECT i.n, i.n % 100 AS ring, i.digest, convert_from(i.bytes, 'UTF8') AS bytes, i.digests[1] AS d1, i.digests[2] AS d2, i.digests[3] AS d3, i.digests[4] AS d4, i.digests[5] AS d5, i.digests[6] AS d6, i.digests[7] AS d7, i.digests[8] AS d8, i.digests[9] AS d9, i.digests[10] AS d10, i.digests[11] AS d11, i.digests[12] AS d12, i.digests[13] AS d13, i.digests[14] AS d14, i.digests[15] AS d15, i.digests[16] AS d16, i.digests[17] AS d17, i.digests[18] AS d18, i.digests[19] AS d19, i.digests[20] AS d20, i.digests[21] AS d21, i.ids[1] AS b1, i.ids[2] AS b2, i.ids[3] AS b3, i.ids[4] AS b4, i.ids[5] AS b5, i.ids[6] AS b6, i.ids[7] AS b7, i.ids[8] AS b8, i.ids[9] AS b9, i.ids[10] AS b10, i.ids[11] AS b11, i.ids[12] AS b12, i.ids[13] AS b13, i.ids[14] AS b14, i.ids[15] AS b15, i.ids[16] AS b16, i.ids[17] AS b17, i.ids[18] AS b18, i.ids[19] AS b19, i.ids[20] AS b20, i.ids[21] AS b21, t.now, t.now + 300000 AS soon, clock_timestamp()::timestamp AS stamp FROM public.bench_image AS i, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS t WHERE i.n = (SELECT nextval('public.bench_next')) \gset
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled FROM quay.manifest AS m WHERE m.repository_id = :repository AND m.digest = ':digest' LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
((((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d1' LIMIT 1) AS b1) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d2' LIMIT 1) AS b2)) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d3' LIMIT 1) AS b3) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d4' LIMIT 1) AS b4) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d5' LIMIT 1) AS b5)))) UNION ALL (((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d6' LIMIT 1) AS b6) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d7' LIMIT 1) AS b7)) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d8' LIMIT 1) AS b8) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d9' LIMIT 1) AS b9) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d10' LIMIT 1) AS b10))))) UNION ALL ((((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d11' LIMIT 1) AS b11) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d12' LIMIT 1) AS b12)) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d13' LIMIT 1) AS b13) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d14' LIMIT 1) AS b14) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d15' LIMIT 1) AS b15)))) UNION ALL (((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d16' LIMIT 1) AS b16) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d17' LIMIT 1) AS b17) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d18' LIMIT 1) AS b18))) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d19' LIMIT 1) AS b19) UNION ALL ((SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d20' LIMIT 1) AS b20) UNION ALL (SELECT * FROM (SELECT b.id, b.content_checksum, b.image_size, b.uuid, b.cas_path, b.uncompressed_size FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d21' LIMIT 1) AS b21)))));
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled FROM quay.manifest AS m WHERE m.digest = ':digest' AND m.repository_id = :repository LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, config_media_type, layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled) VALUES (:repository, ':digest', 18, ':bytes', 'application/vnd.oci.image.config.v1+json', 20000210, NULL, true, NULL, true) RETURNING id AS manifest \gset
INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id) VALUES (:repository, :manifest, :b1), (:repository, :manifest, :b2), (:repository, :manifest, :b3), (:repository, :manifest, :b4), (:repository, :manifest, :b5), (:repository, :manifest, :b6), (:repository, :manifest, :b7), (:repository, :manifest, :b8), (:repository, :manifest, :b9), (:repository, :manifest, :b10), (:repository, :manifest, :b11), (:repository, :manifest, :b12), (:repository, :manifest, :b13), (:repository, :manifest, :b14), (:repository, :manifest, :b15), (:repository, :manifest, :b16), (:repository, :manifest, :b17), (:repository, :manifest, :b18), (:repository, :manifest, :b19), (:repository, :manifest, :b20), (:repository, :manifest, :b21) RETURNING id;
SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT 1 FROM quay."user" AS u WHERE u.id = :namespace AND u.enabled AND NOT u.robot LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b1 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b1 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b2 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b2 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b3 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b3 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b4 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b4 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b5 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b5 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b6 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b6 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b7 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b7 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b8 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b8 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b9 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b9 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b10 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b10 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b11 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b11 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b12 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b12 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b13 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b13 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b14 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b14 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b15 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b15 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b16 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b16 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b17 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b17 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b18 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m WHERE m.repository_id = :repository AND m.blob_id = :b18 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b19 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b20 AND m.manifest_id <> :manifest LIMIT 1;
SELECT 1 FROM quay.manifestblob AS m INNER JOIN quay.repository AS r ON m.repository_id = r.id WHERE r.namespace_user_id = :namespace AND m.blob_id = :b21 AND m.manifest_id <> :manifest LIMIT 1;
SELECT z.id, z.namespace_user_id, z.size_bytes, z.backfill_start_ms, z.backfill_complete FROM quay.quotanamespacesize AS z WHERE z.namespace_user_id = :namespace LIMIT 1 OFFSET 0;
UPDATE quay.quotanamespacesize SET size_bytes = size_bytes + 2001539 WHERE namespace_user_id = :namespace;
SELECT z.id, z.repository_id, z.size_bytes, z.backfill_start_ms, z.backfill_complete FROM quay.quotarepositorysize AS z WHERE z.repository_id = :repository LIMIT 1 OFFSET 0;
UPDATE quay.quotarepositorysize SET size_bytes = size_bytes + 2001539 WHERE repository_id = :repository;
INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash, indexer_version, metadata_json) VALUES (:manifest, :repository, 0, '{}', ':stamp'::timestamp, '', 4, '{}') RETURNING id;
COMMIT;
BEGIN;
SELECT b.uuid FROM quay.imagestorage AS b INNER JOIN quay.uploadedblob AS u ON u.blob_id = b.id WHERE u.repository_id = :repository AND b.content_checksum = ':d21' LIMIT 1 OFFSET 0 \gset
COMMIT;
BEGIN;
SELECT p.id, p.storage_id, p.location_id, b.id, b.uuid, b.image_size, b.uncompressed_size, b.uploading, b.cas_path, b.content_checksum FROM quay.imagestorageplacement AS p INNER JOIN quay.imagestorage AS b ON p.storage_id = b.id WHERE b.uuid = ':uuid';
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT z.id, z.namespace_user_id, z.size_bytes, z.backfill_start_ms, z.backfill_complete FROM quay.quotanamespacesize AS z WHERE z.namespace_user_id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q INNER JOIN quay."user" AS u ON q.namespace_id = u.id WHERE u.username = 'acme';
COMMIT;
BEGIN;
SELECT l.id, l.quota_id, l.quota_type_id, l.percent_of_limit FROM quay.quotalimits AS l INNER JOIN quay.quotatype AS t ON l.quota_type_id = t.id WHERE l.quota_id = :quota;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q WHERE q.id = :quota LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled, t.id, t.name FROM quay.manifest AS m INNER JOIN quay.mediatype AS t ON m.media_type_id = t.id WHERE m.id = :manifest LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT pg_advisory_xact_lock(:lock);
SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT t.id, t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.hidden, t.reversion, t.tag_kind_id, t.linked_tag_id, m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled, m.id AS displaced, replace(m.digest, ':', '-') AS cosign, t.id AS moved FROM quay.tag AS t INNER JOIN quay.manifest AS m ON t.manifest_id = m.id WHERE t.repository_id = :repository AND t.name = 'c:ring' AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > :now) AND t.hidden = false LIMIT 1 OFFSET 0 \aset
DELETE FROM quay.tagnotificationsuccess WHERE tag_id = :moved;
UPDATE quay.tag SET lifetime_end_ms = :now WHERE id = :moved;
SELECT r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT pg_advisory_xact_lock(:lock);
SELECT t.id, t.name FROM quay.tag AS t WHERE t.repository_id = :repository AND t.name IN (':cosign.sig', ':cosign.att', ':cosign.sbom') AND t.immutable = false AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > :now) AND NOT EXISTS (SELECT 1 FROM quay.tag AS o WHERE o.repository_id = :repository AND o.manifest_id = :displaced AND o.hidden = false AND NOT (substr(o.name, 1, 7) = 'sha256-' AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(substr(o.name, 8, 64), '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = '' AND ((length(o.name) = 75 AND substr(o.name, 72, 4) = '.sig') OR (length(o.name) = 75 AND substr(o.name, 72, 4) = '.att') OR (length(o.name) = 76 AND substr(o.name, 72, 5) = '.sbom'))) AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > :now) AND o.id <> :moved);
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, immutable, hidden, reversion, tag_kind_id) VALUES ('c:ring', :repository, :manifest, :now, NULL, false, false, false, 1) RETURNING id;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES (42, :namespace, 1, :repository, ':stamp'::timestamp, '10.1.2.3', '{"repo": "app", "namespace": "acme", "user-agent": "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.1.0 os/linux arch/amd64", "tag": "c:ring", "mediaType": "application/vnd.oci.image.manifest.v1+json", "username": "root", "resolved_ip": {"provider": "internet", "service": null, "sync_token": "1645662201", "country_iso_code": null, "aws_region": null, "continent": null}}') RETURNING id;
COMMIT;
BEGIN;
SELECT n.id, n.uuid, n.repository_id, n.event_id, n.method_id, n.title, n.config_json, n.event_config_json, n.number_of_failures, n.last_ran_ms, r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state, u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay.repositorynotification AS n INNER JOIN quay.repository AS r ON n.repository_id = r.id INNER JOIN quay."user" AS u ON r.namespace_user_id = u.id INNER JOIN quay.externalnotificationevent AS e ON n.event_id = e.id WHERE u.username = 'acme' AND r.name = 'app' AND e.name = 'repo_push';
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled FROM quay.manifest AS m WHERE m.repository_id = :repository AND m.digest = ':digest' LIMIT 1 OFFSET 0;
SELECT t.id, t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.hidden, t.reversion, t.tag_kind_id, t.linked_tag_id FROM quay.tag AS t WHERE t.manifest_id = :manifest AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= :soon) LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT l.id, l.uuid, l.key, l.value, l.media_type_id, l.source_type_id, t.id, t.name FROM quay.label AS l INNER JOIN quay.mediatype AS t ON l.media_type_id = t.id INNER JOIN quay.labelsourcetype AS s ON l.source_type_id = s.id INNER JOIN quay.manifestlabel AS m ON m.label_id = l.id WHERE m.manifest_id = :manifest AND l.key ILIKE 'quay%' ESCAPE '!';
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT z.id, z.namespace_user_id, z.size_bytes, z.backfill_start_ms, z.backfill_complete FROM quay.quotanamespacesize AS z WHERE z.namespace_user_id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q INNER JOIN quay."user" AS u ON q.namespace_id = u.id WHERE u.username = 'acme';
COMMIT;
BEGIN;
SELECT l.id, l.quota_id, l.quota_type_id, l.percent_of_limit FROM quay.quotalimits AS l INNER JOIN quay.quotatype AS t ON l.quota_type_id = t.id WHERE l.quota_id = :quota;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q WHERE q.id = :quota LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled, t.id, t.name FROM quay.manifest AS m INNER JOIN quay.mediatype AS t ON m.media_type_id = t.id WHERE m.id = :manifest LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT pg_advisory_xact_lock(:lock);
SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT t.id, t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.hidden, t.reversion, t.tag_kind_id, t.linked_tag_id, m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled, m.id AS displaced, replace(m.digest, ':', '-') AS cosign, t.id AS moved FROM quay.tag AS t INNER JOIN quay.manifest AS m ON t.manifest_id = m.id WHERE t.repository_id = :repository AND t.name = 's:ring' AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > :now) AND t.hidden = false LIMIT 1 OFFSET 0 \aset
DELETE FROM quay.tagnotificationsuccess WHERE tag_id = :moved;
UPDATE quay.tag SET lifetime_end_ms = :now WHERE id = :moved;
SELECT r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT pg_advisory_xact_lock(:lock);
SELECT t.id, t.name FROM quay.tag AS t WHERE t.repository_id = :repository AND t.name IN (':cosign.sig', ':cosign.att', ':cosign.sbom') AND t.immutable = false AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > :now) AND NOT EXISTS (SELECT 1 FROM quay.tag AS o WHERE o.repository_id = :repository AND o.manifest_id = :displaced AND o.hidden = false AND NOT (substr(o.name, 1, 7) = 'sha256-' AND replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(substr(o.name, 8, 64), '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', ''), 'a', ''), 'b', ''), 'c', ''), 'd', ''), 'e', ''), 'f', '') = '' AND ((length(o.name) = 75 AND substr(o.name, 72, 4) = '.sig') OR (length(o.name) = 75 AND substr(o.name, 72, 4) = '.att') OR (length(o.name) = 76 AND substr(o.name, 72, 5) = '.sbom'))) AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > :now) AND o.id <> :moved);
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, immutable, hidden, reversion, tag_kind_id) VALUES ('s:ring', :repository, :manifest, :now, NULL, false, false, false, 1) RETURNING id;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES (42, :namespace, 1, :repository, ':stamp'::timestamp, '10.1.2.3', '{"repo": "app", "namespace": "acme", "user-agent": "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.1.0 os/linux arch/amd64", "tag": "s:ring", "mediaType": "application/vnd.oci.image.manifest.v1+json", "username": "root", "resolved_ip": {"provider": "internet", "service": null, "sync_token": "1645662201", "country_iso_code": null, "aws_region": null, "continent": null}}') RETURNING id;
COMMIT;
BEGIN;
SELECT n.id, n.uuid, n.repository_id, n.event_id, n.method_id, n.title, n.config_json, n.event_config_json, n.number_of_failures, n.last_ran_ms, r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state, u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay.repositorynotification AS n INNER JOIN quay.repository AS r ON n.repository_id = r.id INNER JOIN quay."user" AS u ON r.namespace_user_id = u.id INNER JOIN quay.externalnotificationevent AS e ON n.event_id = e.id WHERE u.username = 'acme' AND r.name = 'app' AND e.name = 'repo_push';
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled FROM quay.manifest AS m WHERE m.repository_id = :repository AND m.digest = ':digest' LIMIT 1 OFFSET 0;
SELECT t.id, t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.hidden, t.reversion, t.tag_kind_id, t.linked_tag_id FROM quay.tag AS t WHERE t.manifest_id = :manifest AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= :soon) LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT l.id, l.uuid, l.key, l.value, l.media_type_id, l.source_type_id, t.id, t.name FROM quay.label AS l INNER JOIN quay.mediatype AS t ON l.media_type_id = t.id INNER JOIN quay.labelsourcetype AS s ON l.source_type_id = s.id INNER JOIN quay.manifestlabel AS m ON m.label_id = l.id WHERE m.manifest_id = :manifest AND l.key ILIKE 'quay%' ESCAPE '!';
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT z.id, z.namespace_user_id, z.size_bytes, z.backfill_start_ms, z.backfill_complete FROM quay.quotanamespacesize AS z WHERE z.namespace_user_id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' AND u.robot = false LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q INNER JOIN quay."user" AS u ON q.namespace_id = u.id WHERE u.username = 'acme';
COMMIT;
BEGIN;
SELECT l.id, l.quota_id, l.quota_type_id, l.percent_of_limit FROM quay.quotalimits AS l INNER JOIN quay.quotatype AS t ON l.quota_type_id = t.id WHERE l.quota_id = :quota;
COMMIT;
BEGIN;
SELECT q.id, q.namespace_id, q.limit_bytes FROM quay.userorganizationquota AS q WHERE q.id = :quota LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled, t.id, t.name FROM quay.manifest AS m INNER JOIN quay.mediatype AS t ON m.media_type_id = t.id WHERE m.id = :manifest LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT pg_advisory_xact_lock(:lock);
SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = :repository LIMIT 1 OFFSET 0;
SELECT t.id, t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.hidden, t.reversion, t.tag_kind_id, t.linked_tag_id, m.id, m.repository_id, m.digest, m.media_type_id, m.manifest_bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type, m.artifact_type_backfilled FROM quay.tag AS t INNER JOIN quay.manifest AS m ON t.manifest_id = m.id WHERE t.repository_id = :repository AND t.name = 'v:n' AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > :now) AND t.hidden = false LIMIT 1 OFFSET 0;
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, immutable, hidden, reversion, tag_kind_id) VALUES ('v:n', :repository, :manifest, :now, NULL, false, false, false, 1) RETURNING id;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.id = :namespace LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
SELECT u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay."user" AS u WHERE u.username = 'acme' LIMIT 1 OFFSET 0;
COMMIT;
BEGIN;
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES (42, :namespace, 1, :repository, ':stamp'::timestamp, '10.1.2.3', '{"repo": "app", "namespace": "acme", "user-agent": "docker/27.3.1 go/go1.22.7 git-commit/41ca978 kernel/6.1.0 os/linux arch/amd64", "tag": "v:n", "mediaType": "application/vnd.oci.image.manifest.v1+json", "username": "root", "resolved_ip": {"provider": "internet", "service": null, "sync_token": "1645662201", "country_iso_code": null, "aws_region": null, "continent": null}}') RETURNING id;
COMMIT;
BEGIN;
SELECT n.id, n.uuid, n.repository_id, n.event_id, n.method_id, n.title, n.config_json, n.event_config_json, n.number_of_failures, n.last_ran_ms, r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state, u.id, u.uuid, u.username, u.password_hash, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email, u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.given_name, u.family_name, u.company, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed FROM quay.repositorynotification AS n INNER JOIN quay.repository AS r ON n.repository_id = r.id INNER JOIN quay."user" AS u ON r.namespace_user_id = u.id INNER JOIN quay.externalnotificationevent AS e ON n.event_id = e.id WHERE u.username = 'acme' AND r.name = 'app' AND e.name = 'repo_push';
COMMIT;
