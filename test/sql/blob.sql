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

-- which of them, in the order of the question
SELECT quay.blob_exists_many('blobber', 'source', ARRAY[:'a', 'sha256:unknown', NULL, :'b', :'a']);
SELECT quay.blob_exists_many('blobber', 'unknown', ARRAY[:'a', :'b']), quay.blob_exists_many('blobber', 'source', '{}'),
       quay.blob_exists_many('blobber', 'source', NULL) IS NULL;

-- mounting from wherever the actor may read: the namespace of the target first, then others
DO $$ BEGIN
    PERFORM quay.repository_create('stranger', 'mine', 'stranger');
    PERFORM quay.repository_create('stranger', 'open', 'stranger', 'public');
    PERFORM quay.organization_create('blob-org', 'blob-org@example.com', 'stranger');
    PERFORM quay.repository_create('blob-org', 'app', 'stranger');
END $$;
SELECT pg_temp.blob('source', 'bytes of c') AS c \gset
SELECT quay.blob_mount('blobber', 'target', :'c', actor => 'blobber');
-- a stranger finds it nowhere, nor does anybody, nor one with a scope that does not allow to read
SELECT quay.blob_mount('stranger', 'mine', :'c', actor => 'stranger'), quay.blob_mount('stranger', 'mine', :'c'),
       quay.blob_mount('blobber', 'target', :'c', actor => 'blobber', scopes => 'user:read'),
       quay.blob_mount('stranger', 'mine', 'sha256:' || encode(sha256('never'), 'hex'), actor => 'stranger');
-- with a right in a repository that has it he does; but not in a namespace that he did not mean
SELECT quay.permission_set('blobber', 'source', 'user', 'stranger', 'read');
SELECT quay.blob_mount('stranger', 'mine', :'c', 'blob-org', actor => 'stranger'),
       quay.blob_mount('stranger', 'mine', :'c', 'nobody', actor => 'stranger'),
       quay.blob_mount('stranger', 'mine', :'c', 'blobber', actor => 'stranger');
SELECT quay.blob_mount('blob-org', 'app', :'c', actor => 'stranger');
-- what is in a public repository everybody finds
SELECT quay.blob_mount('stranger', 'open', :'c', 'stranger', 'mine');
SELECT quay.permission_set('blobber', 'source', 'user', 'stranger', NULL);
SELECT quay.blob_mount('blobber', 'target', :'c');
-- a repository that has it by a manifest
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, 'sha256:blob-test', t.id, '{}' FROM quay.repository AS r, quay.mediatype AS t
WHERE r.id = (SELECT l.repository_id FROM quay.repository_get('blobber', 'source') AS l)
  AND t.name = 'application/vnd.oci.image.manifest.v1+json';
INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
SELECT m.repository_id, m.id, b.id FROM quay.manifest AS m, quay.imagestorage AS b
WHERE m.digest = 'sha256:blob-test' AND b.content_checksum = :'c';
DELETE FROM quay.uploadedblob AS u USING quay.imagestorage AS b WHERE b.id = u.blob_id AND b.content_checksum = :'c';
SELECT quay.blob_mount('blobber', 'target', :'c', 'blobber', actor => 'blobber'), quay.blob_mount('stranger', 'mine', :'c', actor => 'stranger');
-- the empty layer needs no source; a placeholder, whose bytes are not here, is nothing to mount
SELECT quay.blob_mount('blobber', 'target', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4', actor => 'blobber');
SELECT existed, size, path, encode(content, 'hex') FROM quay.blob_shared_ensure();
SELECT existed, locations, in_use FROM quay.blob_shared_ensure() AS s, quay.blob_get(s.digest);
SELECT quay.blob_mount('blobber', 'target', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4', actor => 'blobber');
SELECT pg_temp.attempt($$SELECT quay.blob_shared_ensure('moon')$$);
SELECT quay.blob_placement_remove(:'a', 'local');
SELECT quay.blob_mount('blobber', 'target', :'a', 'blobber', 'source', 'blobber'), quay.blob_mount('blobber', 'target', :'a', actor => 'blobber');
SELECT quay.blob_placement_add(:'a', 'local');

-- in one call
SELECT digest, size, path, verified, existed
FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('put'), 'hex'), 'put', uncompressed_size => 10);
SELECT digest, size, verified, existed FROM quay.blob_put('blobber', 'target', 'sha256:' || encode(sha256('put'), 'hex'), size => 99);
SELECT size, uncompressed_size, locations FROM quay.blob_find('blobber', 'target', 'sha256:' || encode(sha256('put'), 'hex'));
SELECT existed FROM quay.blob_put('blobber', 'target', 'sha256:' || encode(sha256('put'), 'hex'), 'put', location => 's3_us_east_1');
SELECT size, verified FROM quay.blob_put('blobber', 'source', 'sha512:' || encode(sha512(''), 'hex'), '');
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, 'other')$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, 'x', 1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => -1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => 1, uncompressed_size => -1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => 1, location => 'moon')$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'unknown', %L, size => 1)$$, :'a'));
SELECT pg_temp.attempt($$SELECT quay.blob_put('blobber', 'source', 'sha256:zz', size => 1)$$);
SELECT pg_temp.attempt($$SELECT quay.blob_put('blobber', 'source', 'md5:abcdef', size => 1)$$);
SET LOCAL quay.maximum_layer_size = '1MB';
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => 1048577)$$, :'a'));
-- a quota, which nothing of this fills, but which no blob may be larger than
SET LOCAL quay.default_reject_quota = '1MB';
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => 1048576)$$, :'a'));
SELECT existed FROM quay.blob_put('blobber', 'source', :'a', size => 1048565);
SELECT sum(c.reserved) FROM quay_internal.size_counter AS c JOIN quay."user" AS u ON u.id = c.namespace_id WHERE u.username = 'blobber';
RESET quay.default_reject_quota;

-- a blob that a collector had and perhaps deleted: it must be stored again, and no other location counts any more
SELECT blob_id AS deleting FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('deleting'), 'hex'), 'deleting') \gset
SELECT quay.blob_placement_add('sha256:' || encode(sha256('deleting'), 'hex'), 's3_us_east_1');
DELETE FROM quay.uploadedblob WHERE blob_id = :deleting;
INSERT INTO quay_internal.blob_deletion (blob_id, due_ms, lease, attempts)
VALUES (:deleting, quay_internal.clock_ms() + 60000, 'aaaaaaaa-0000-0000-0000-000000000000', 1);
SELECT in_use, deletion_due_ms - quay_internal.clock_ms() AS ms FROM quay.blob_get('sha256:' || encode(sha256('deleting'), 'hex'));
SELECT pg_temp.attempt($$SELECT quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('deleting'), 'hex'), 'deleting')$$);
SELECT pg_temp.attempt($$SELECT quay.blob_placement_add('sha256:' || encode(sha256('deleting'), 'hex'), 's3_eu_west_1')$$);
UPDATE quay_internal.blob_deletion SET due_ms = quay_internal.clock_ms() WHERE blob_id = :deleting;
SELECT existed FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('deleting'), 'hex'), 'deleting');
SELECT locations, in_use, deletion_due_ms FROM quay.blob_get('sha256:' || encode(sha256('deleting'), 'hex'));
-- one that waits to be taken still has its bytes
DELETE FROM quay.uploadedblob WHERE blob_id = :deleting;
INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) VALUES (:deleting, quay_internal.clock_ms());
SELECT existed FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('deleting'), 'hex'), 'deleting');
-- a placeholder gets its size with its bytes; what is known does not change
INSERT INTO quay.imagestorage (uuid, content_checksum, cas_path) VALUES ('blob-placeholder', 'sha256:' || encode(sha256('placeholder'), 'hex'), true);
SELECT size, existed FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('placeholder'), 'hex'), 'placeholder');
SELECT size, uncompressed_size, locations FROM quay.blob_get(uuid => 'blob-placeholder');
-- nor is a size that was only declared, by a manifest from elsewhere, taken for the truth; one that was measured is
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum, cas_path) VALUES ('blob-declared', 999999, 'sha256:' || encode(sha256('declared'), 'hex'), true);
SELECT size, existed FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('declared'), 'hex'), 'declared');
SELECT size, existed FROM quay.blob_put('blobber', 'source', 'sha256:' || encode(sha256('declared'), 'hex'), size => 5);
SELECT count(*) FROM quay.blob_get('sha256:unknown') UNION ALL SELECT count(*) FROM quay.blob_get() UNION ALL
SELECT count(*) FROM quay.blob_get(:'a', 'blob-placeholder');
SELECT digest, path FROM quay.blob_get(uuid => 'old-blob');

SELECT quay.repository_set_state('blobber', 'target', 'read_only');
SELECT pg_temp.attempt(format('SELECT quay.blob_mount(%L, %L, %L, %L, %L)', 'blobber', 'target', :'b', 'blobber', 'source'));
SELECT pg_temp.attempt($$SELECT quay.upload_start('blobber', 'target')$$);
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'target', %L, size => 1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('nobody', 'target', %L, size => 1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_mount('nobody', 'target', %L)$$, :'a'));
-- marked for deletion: neither mounted into nor from; the second finds the blob in another repository
SELECT quay.repository_set_state('blobber', 'target', 'normal');
SELECT quay.repository_mark_deletion('blobber', 'source') > 0;
SELECT pg_temp.attempt(format($$SELECT quay.blob_mount('blobber', 'source', %L)$$, :'b'));
SELECT quay.blob_mount('stranger', 'mine', :'b', 'blobber', 'source'), quay.blob_mount('stranger', 'mine', :'b', actor => 'blobber');
UPDATE quay."user" SET enabled = false WHERE username = 'blobber';
SELECT pg_temp.attempt(format($$SELECT quay.blob_put('blobber', 'source', %L, size => 1)$$, :'a'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_mount('blobber', 'source', %L)$$, :'a'));
SELECT quay.blob_exists_many('blobber', 'source', ARRAY[:'a']);
ROLLBACK;
