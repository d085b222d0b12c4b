-- Blobs: which repository has which, where their bytes are, mounting.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DO $$ BEGIN
    PERFORM quay.user_create('blobber', 'password1', 'blobber@example.com');
    PERFORM quay.user_create('stranger', 'password1', 'stranger@example.com');
    PERFORM quay.repository_create('blobber', 'source', 'blobber');
    PERFORM quay.repository_create('blobber', 'target', 'blobber');
END $$;
CREATE FUNCTION pg_temp.blob(repository text, content text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE digest text := 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex');
BEGIN
    PERFORM quay.upload_finish('blobber', repository, (quay.upload_start('blobber', repository)).upload, digest, convert_to(content, 'UTF8'));
    RETURN digest;
END $$;
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
\a\t
SELECT pg_temp.blob('source', 'bytes') AS a, pg_temp.blob('source', 'more bytes') AS b \gset

SELECT digest, size, uncompressed_size, path, locations FROM quay.blob_find('blobber', 'source', :'a');
-- not in the other repository, nor anywhere else
SELECT count(*) FROM quay.blob_find('blobber', 'target', :'a');
SELECT count(*) FROM quay.blob_find('blobber', 'unknown', :'a');
SELECT count(*) FROM quay.blob_find('nobody', 'source', :'a');
SELECT count(*) FROM quay.blob_find('blobber', 'source', 'sha256:unknown');
SELECT count(*) FROM quay.blob_find('blobber', 'source', NULL);
SELECT digest, size FROM quay.blob_find_many('blobber', 'source', ARRAY[:'a', :'b', 'sha256:unknown', :'a']) ORDER BY size;
SELECT count(*) FROM quay.blob_find_many('blobber', 'source', NULL);

-- an upload counts even when its time is over
UPDATE quay.uploadedblob AS u SET expires_at = '2020-01-01' FROM quay.imagestorage AS b WHERE b.id = u.blob_id AND b.content_checksum = :'a';
SELECT size FROM quay.blob_find('blobber', 'source', :'a');

-- the empty layer is everywhere, the oldest blobs of the reference have a path of their own, a placeholder has no location
INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum)
VALUES ('empty', 32, true, 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4') ON CONFLICT DO NOTHING;
SELECT size, path FROM quay.blob_find('blobber', 'target', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4');
SELECT count(*) FROM quay.blob_find('blobber', 'unknown', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4');
WITH old AS (INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('old-blob', 7, false, 'tarsum.v1+sha256:123abc') RETURNING id)
INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
SELECT r.id, old.id, '2020-01-01', '2020-01-01' FROM old, quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE u.username = 'blobber' AND r.name = 'source';
SELECT size, path, locations FROM quay.blob_find('blobber', 'source', 'tarsum.v1+sha256:123abc');
SELECT d, quay_internal.content_path(d)
FROM unnest(ARRAY['sha256:abcd', 'sha256:a', 'tarsum.v1+sha256:123abc', 'sha256+b64:abcdef', 'nothing', 'sha256:../..']) AS d;

-- mounting
SELECT quay.blob_mount('blobber', 'target', :'a', 'blobber', 'source', 'blobber');
SELECT size FROM quay.blob_find('blobber', 'target', :'a');
SELECT expires_at FROM quay.uploadedblob AS u JOIN quay.repository AS r ON r.id = u.repository_id WHERE r.name = 'target';
-- one who may not read the source, a blob that the source has not, an unknown source
SELECT quay.blob_mount('blobber', 'target', :'b', 'blobber', 'source', 'stranger');
SELECT quay.blob_mount('blobber', 'source', :'b', 'blobber', 'target', 'blobber');
SELECT quay.blob_mount('blobber', 'target', :'b', 'blobber', 'unknown');
SELECT quay.blob_mount('blobber', 'target', :'b', 'nobody', 'source');
SELECT count(*) FROM quay.blob_find('blobber', 'target', :'b');
-- without an actor the caller has checked
SELECT quay.blob_mount('blobber', 'target', :'b', 'blobber', 'source');
-- a scope that does not allow to read
SELECT quay.blob_mount('blobber', 'target', :'b', 'blobber', 'source', 'blobber', 'user:read');
SELECT pg_temp.attempt(format('SELECT quay.blob_mount(%L, %L, %L, %L, %L)', 'blobber', 'unknown', :'b', 'blobber', 'source'));
SELECT pg_temp.attempt(format('SELECT quay.blob_mount(%L, %L, %L, %L, %L)', 'blobber', 'target', 'sha256:zz', 'blobber', 'source'));
SELECT quay.repository_set_state('blobber', 'target', 'read_only');
SELECT pg_temp.attempt(format('SELECT quay.blob_mount(%L, %L, %L, %L, %L)', 'blobber', 'target', :'b', 'blobber', 'source'));
SELECT pg_temp.attempt($$SELECT quay.upload_start('blobber', 'target')$$);
ROLLBACK;
