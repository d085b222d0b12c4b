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
SELECT pg_temp.attempt(format($$SELECT * FROM quay.upload_finish('uploader', 'two', 'u1', %L)$$, pg_temp.digest('hello world')));
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

SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', size => 1048577)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', size => -1)$$);

-- the size of what is in it, known of one chunk and not of two
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u10');
SELECT quay.upload_append('uploader', 'one', 'u10', 'packed', uncompressed_size => 60);
-- sent again: nothing changes
SELECT quay.upload_append('uploader', 'one', 'u10', 'packed', 0, uncompressed_size => 70);
SELECT uncompressed_byte_count FROM quay.blobupload WHERE uuid = 'u10';
SELECT size FROM quay.upload_finish('uploader', 'one', 'u10', pg_temp.digest('packed'));
SELECT uncompressed_size FROM quay.blob_find('uploader', 'one', pg_temp.digest('packed'));
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u11');
SELECT quay.upload_append('uploader', 'one', 'u11', 'pac', uncompressed_size => 30);
SELECT quay.upload_append('uploader', 'one', 'u11', 'ker', uncompressed_size => 30);
SELECT uncompressed_byte_count FROM quay.blobupload WHERE uuid = 'u11';
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u11', 's', uncompressed_size => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u11', chunk_size => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u11', chunk_size => 1, sha_state => 'q1:sha256:AAAA')$$);
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'one', 'u11', %L, uncompressed_size => -1)$$, pg_temp.digest('packer')));
SELECT size FROM quay.upload_finish('uploader', 'one', 'u11', pg_temp.digest('packer'), uncompressed_size => 61);
SELECT uncompressed_size FROM quay.blob_find('uploader', 'one', pg_temp.digest('packer'));

-- what is under way
SELECT u.upload FROM generate_series(1, 3) AS i, LATERAL quay.upload_start('uploader', 'two', uuid => 'l' || i) AS u;
SELECT quay.upload_append('uploader', 'two', 'l2', 'abc');
SELECT * FROM quay.upload_list('uploader', 'two');
SELECT upload FROM quay.upload_list('uploader', 'two', 'l1', 1);
SELECT count(*) FROM quay.upload_list('uploader', 'two', n => 0);
SELECT pg_temp.attempt($$SELECT quay.upload_list('uploader', 'two', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.upload_list('uploader', 'three')$$);
-- what the store keeps about one may be anything
UPDATE quay.blobupload SET storage_metadata = 'no JSON' WHERE uuid = 'l1';
SELECT storage_metadata FROM quay.upload_status('uploader', 'two', 'l1');
SELECT quay.upload_cancel('uploader', 'two', 'l' || i) FROM generate_series(1, 3) AS i;

-- quotas: bytes are reserved as they come, or all at the start, and given back however the upload ends
CREATE FUNCTION pg_temp.reserved() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(c.reserved)::bigint FROM quay_internal.size_counter AS c JOIN quay."user" AS u ON u.id = c.namespace_id WHERE u.username = 'uploader' $$;
SET LOCAL quay.maximum_layer_size = '20GB';
SET LOCAL quay.default_reject_quota = '1MB';
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'q1', size => 1000000);
SELECT upload FROM quay.upload_start('uploader', 'two', uuid => 'q2');
SELECT pg_temp.reserved();
SELECT quay.upload_append('uploader', 'one', 'q1', chunk_size => 999999), quay.upload_append('uploader', 'two', 'q2', chunk_size => 48000);
SELECT upload, byte_count, reserved_bytes FROM quay.upload_list('uploader', 'one') WHERE upload = 'q1';
SELECT pg_temp.reserved();
-- too much leaves it as it was
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'two', 'q2', chunk_size => 576)$$);
SELECT byte_count, reserved_bytes, pg_temp.reserved() FROM quay.upload_list('uploader', 'two');
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'two', size => 576)$$);
SELECT quay.upload_append('uploader', 'two', 'q2', chunk_size => 575), pg_temp.reserved();
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'two', 'q2', %L, 'x')$$, pg_temp.digest('q2')));
-- finished, cancelled, deleted by whomever
SELECT size FROM quay.upload_finish('uploader', 'two', 'q2', pg_temp.digest('q2'));
SELECT pg_temp.reserved();
SELECT quay.upload_cancel('uploader', 'one', 'q1'), pg_temp.reserved();
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'q3', size => 1048575);
DELETE FROM quay.blobupload WHERE uuid = 'q3';
SELECT pg_temp.reserved();
-- an upload that began without a limit is asked when it goes on, and at its end
RESET quay.default_reject_quota;
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'q4', size => 10);
SELECT quay.upload_append('uploader', 'one', 'q4', chunk_size => 2000000), pg_temp.reserved();
SET LOCAL quay.default_reject_quota = '1MB';
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'q4', chunk_size => 0)$$);
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'one', 'q4', %L)$$, pg_temp.digest('q4')));
SELECT quay.upload_cancel('uploader', 'one', 'q4'), pg_temp.reserved();
-- rows that come with reserved bytes, as from a dump, are counted whatever the limit
INSERT INTO quay.blobupload (repository_id, uuid, byte_count, location_id, chunk_count, reserved_bytes)
SELECT r.repository_id, 'q5', 0, l.id, 0, 2000000 FROM quay.repository_get('uploader', 'one') AS r, quay.imagestoragelocation AS l WHERE l.name = 'local';
SELECT pg_temp.reserved();
SELECT quay.upload_cancel('uploader', 'one', 'q5'), pg_temp.reserved();
RESET quay.default_reject_quota;

-- a repository that becomes read-only
SELECT upload FROM quay.upload_start('uploader', 'two', uuid => 'r1');
SELECT quay.repository_set_state('uploader', 'two', 'read_only');
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'two', 'r1', 'x')$$);
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'two', 'r1', %L)$$, pg_temp.digest('')));
SELECT quay.upload_cancel('uploader', 'two', 'r1');
SELECT quay.repository_set_state('uploader', 'two', 'normal');
-- one that becomes a mirror: what has begun may end, only the mirror's robot begins
SELECT upload FROM quay.upload_start('uploader', 'two', uuid => 'r2');
UPDATE quay.repository AS r SET state = 2 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'uploader' AND r.name = 'two';
SELECT quay.upload_append('uploader', 'two', 'r2', 'x');
SELECT size FROM quay.upload_finish('uploader', 'two', 'r2', pg_temp.digest('x'));
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'two')$$);
SELECT quay.repository_set_state('uploader', 'two', 'normal');

-- starting
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', location => 'moon')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'one', algorithm => 'md5')$$);
SELECT upload FROM quay.upload_start('uploader', 'one', uuid => 'u9');
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'two', uuid => 'u9')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('uploader', 'three')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_list('nobody', 'one')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_start('nobody', 'one')$$);
-- a state that this server did not write
UPDATE quay.blobupload SET sha_state = 'gANjcmVzdW1hYmxl', byte_count = 5 WHERE uuid = 'u9';
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u9', 'x')$$);
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'one', 'u9', %L)$$, pg_temp.digest('x')));
-- a namespace that is disabled
UPDATE quay."user" SET enabled = false WHERE username = 'uploader';
SELECT pg_temp.attempt($$SELECT quay.upload_list('uploader', 'one')$$);
SELECT pg_temp.attempt($$SELECT quay.upload_append('uploader', 'one', 'u9', 'x')$$);
SELECT pg_temp.attempt(format($$SELECT quay.upload_finish('uploader', 'one', 'u9', %L)$$, pg_temp.digest('x')));
ROLLBACK;
