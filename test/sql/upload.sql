-- Uploads: chunks, offsets, digests, limits, and that an upload belongs to its repository.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DO $$ BEGIN
    PERFORM quay.user_create('uploader', 'password1', 'uploader@example.com');
    PERFORM quay.repository_create('uploader', 'one', 'uploader');
    PERFORM quay.repository_create('uploader', 'two', 'uploader');
END $$;
CREATE FUNCTION pg_temp.digest(content text, algorithm text DEFAULT 'sha256') RETURNS text LANGUAGE sql AS
    $$ SELECT algorithm || ':' || encode(CASE algorithm WHEN 'sha256' THEN sha256(convert_to(content, 'UTF8')) ELSE sha512(convert_to(content, 'UTF8')) END, 'hex') $$;
-- Runs a statement and shows how it fails.
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

-- in chunks
SELECT * FROM quay.upload_start('uploader', 'one', uuid => 'u1', storage_metadata => '{"part": 1}');
SELECT quay.upload_append('uploader', 'one', 'u1', 'hello');
SELECT quay.upload_append('uploader', 'one', 'u1', ' wor', 5);
-- a chunk sent again, an overlap, a start at 0 and an empty chunk add only what is new
SELECT quay.upload_append('uploader', 'one', 'u1', ' wor', 5);
SELECT quay.upload_append('uploader', 'one', 'u1', 'world', 6);
SELECT quay.upload_append('uploader', 'one', 'u1', 'hello', 0);
SELECT quay.upload_append('uploader', 'one', 'u1', '');
SELECT upload, byte_count, chunk_count, location, storage_metadata, created FROM quay.upload_status('uploader', 'one', 'u1');
-- a gap
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u1', 'x', 12)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u1', 'x', -1)$$);
-- a wrong digest leaves the upload as it was
SELECT pg_temp.attempt(format($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', %L, '!')$$, pg_temp.digest('hello world')));
SELECT byte_count FROM quay.upload_status('uploader', 'one', 'u1');
SELECT pg_temp.attempt($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', 'sha256:abc')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', 'md5:abcdef')$$);
SELECT pg_temp.attempt(format($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', %L)$$, pg_temp.digest('hello world', 'sha512')));
-- another repository knows nothing of it
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'two', 'u1', 'x')$$);
SELECT quay.upload_cancel('uploader', 'two', 'u1');
SELECT count(*) FROM quay.upload_status('uploader', 'two', 'u1');
-- finish
SELECT digest, size, path, verified, existed FROM quay.upload_finish('uploader', 'one', 'u1', pg_temp.digest('hello world!'), '!');
SELECT count(*) FROM quay.upload_status('uploader', 'one', 'u1');
SELECT pg_temp.attempt(format($$SELECT * FROM quay.upload_finish('uploader', 'one', 'u1', %L)$$, pg_temp.digest('hello world!')));
SELECT uploaded_at, expires_at FROM quay.uploadedblob AS u JOIN quay.imagestorage AS b ON b.id = u.blob_id
WHERE b.content_checksum = pg_temp.digest('hello world!');
SELECT cas_path, image_size FROM quay.imagestorage WHERE content_checksum = pg_temp.digest('hello world!');

-- in one piece, sha512, the same bytes again in another repository, an empty blob
SELECT * FROM quay.upload_start('uploader', 'one', algorithm => 'sha512', uuid => 'u2');
SELECT quay.upload_append('uploader', 'one', 'u2', 'a');
SELECT size, left(path, 20) AS path, verified, existed FROM quay.upload_finish('uploader', 'one', 'u2', pg_temp.digest('ab', 'sha512'), 'b');
SELECT upload FROM quay.upload_start('uploader', 'two', uuid => 'u3');
SELECT size, verified, existed, (SELECT count(*) FROM quay.imagestorage AS b WHERE b.content_checksum = f.digest) AS blobs
FROM quay.upload_finish('uploader', 'two', 'u3', pg_temp.digest('hello world!'), 'hello world!', 99) AS f;
SELECT uncompressed_size FROM quay.blob_find('uploader', 'one', pg_temp.digest('hello world!'));
SELECT upload FROM quay.upload_start('uploader', 'two', uuid => 'u4');
SELECT size, verified FROM quay.upload_finish('uploader', 'two', 'u4', pg_temp.digest('', 'sha512'));
-- the same in another store: the bytes are not there yet
SELECT upload FROM quay.upload_start('uploader', 'two', location => 's3_us_east_1', uuid => 'u5');
SELECT size, existed FROM quay.upload_finish('uploader', 'two', 'u5', pg_temp.digest('hello world!'), 'hello world!');
SELECT locations FROM quay.blob_find('uploader', 'one', pg_temp.digest('hello world!'));

-- bytes that went straight to the store: not verified, or with the caller's state of the hash
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u6');
SELECT quay.upload_append('uploader', 'one', 'u6', chunk_size => 1000, storage_metadata => '{"part": 2}');
SELECT quay.upload_append('uploader', 'one', 'u6', 'more');
SELECT byte_count, storage_metadata, sha_state FROM quay.upload_status('uploader', 'one', 'u6');
SELECT size, verified FROM quay.upload_finish('uploader', 'one', 'u6', pg_temp.digest('whatever'));
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u7');
SELECT quay.upload_append('uploader', 'one', 'u7', chunk_size => 3, sha_state => quay_internal.hashstate_update(quay_internal.hashstate_start('sha256'), 'abc'));
SELECT size, verified FROM quay.upload_finish('uploader', 'one', 'u7', pg_temp.digest('abcd'), 'd');
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u7')$$);

-- limits
SET LOCAL quay.maximum_layer_size = '1MB';
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u8');
SELECT quay.upload_append('uploader', 'one', 'u8', chunk_size => 1048576);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u8', 'x')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u8', chunk_size => 9223372036854775000)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u8', 'x', NULL, 1)$$);
SELECT quay.upload_cancel('uploader', 'one', 'u8'), quay.upload_cancel('uploader', 'one', 'u8');

-- starting
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', location => 'moon')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', algorithm => 'md5')$$);
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u9');
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'two', uuid => 'u9')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'three')$$);
-- a state that this server did not write
UPDATE quay.blobupload SET sha_state = 'gANjcmVzdW1hYmxl', byte_count = 5 WHERE uuid = 'u9';
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u9', 'x')$$);
ROLLBACK;
