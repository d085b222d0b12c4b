-- Storage locations, where the bytes of blobs are, and what replication has to copy.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DO $$ BEGIN
    PERFORM quay.user_create('placer', 'password1', 'placer@example.com');
    PERFORM quay.user_create('placer-far', 'password1', 'placer-far@example.com');
    PERFORM quay.repository_create('placer', 'app', 'placer');
    PERFORM quay.repository_create('placer-far', 'app', 'placer-far');
END $$;
CREATE FUNCTION pg_temp.digest(content text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;
-- A manifest of the repository of that namespace that refers to these blobs.
CREATE FUNCTION pg_temp.push(namespace text, VARIADIC contents text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE target bigint := (quay.repository_get(namespace, 'app')).repository_id; added bigint; content text;
BEGIN
    INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
    SELECT target, pg_temp.digest(contents::text), t.id, '{}' FROM quay.mediatype AS t WHERE t.name = 'application/vnd.oci.image.manifest.v1+json'
    RETURNING id INTO added;
    FOREACH content IN ARRAY contents LOOP
        INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
        SELECT target, added, p.blob_id FROM quay.blob_put(namespace, 'app', pg_temp.digest(content), convert_to(content, 'UTF8')) AS p;
    END LOOP;
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

SELECT quay.storage_location_ensure(ARRAY['store-b', 'local', 'store-a', 'store-b']);
SELECT quay.storage_location_ensure(ARRAY['store-b', 'store-a']), quay.storage_location_ensure('{}'), quay.storage_location_ensure(NULL);
SELECT name FROM quay.storage_location_list() WHERE name LIKE 'store-%' OR name = 'local';
SELECT count(*) = count(DISTINCT location_id) FROM quay.storage_location_list();
SELECT pg_temp.attempt($$SELECT quay.storage_location_ensure(ARRAY['store-c', ''])$$);
SELECT pg_temp.attempt($$SELECT quay.storage_location_ensure(ARRAY['store-c', NULL])$$);
SELECT left(pg_temp.attempt(format($$SELECT quay.storage_location_ensure(ARRAY[%L])$$, repeat('x', 256))), 140);
SELECT count(*) FROM quay.storage_location_list() WHERE name = 'store-c';

-- placements
SELECT existed FROM quay.blob_put('placer', 'app', pg_temp.digest('one'), 'one');
SELECT quay.blob_placement_add(pg_temp.digest('one'), 'store-b'), quay.blob_placement_add(pg_temp.digest('one'), 'store-b');
SELECT locations FROM quay.blob_get(pg_temp.digest('one'));
SELECT quay.blob_placement_add(pg_temp.digest('never'), 'store-b'), quay.blob_placement_remove(pg_temp.digest('never'), 'store-b');
SELECT quay.blob_placement_remove(pg_temp.digest('one'), 'store-b'), quay.blob_placement_remove(pg_temp.digest('one'), 'store-b');
-- the bytes are lost: nobody is sent there, and the next upload brings them back
SELECT quay.blob_placement_remove(pg_temp.digest('one'), 'local');
SELECT size, locations FROM quay.blob_find('placer', 'app', pg_temp.digest('one'));
SELECT existed FROM quay.blob_put('placer', 'app', pg_temp.digest('one'), 'one');
SELECT locations FROM quay.blob_find('placer', 'app', pg_temp.digest('one'));
SELECT pg_temp.attempt(format($$SELECT quay.blob_placement_add(%L, 'moon')$$, pg_temp.digest('one')));
SELECT pg_temp.attempt(format($$SELECT quay.blob_placement_remove(%L, 'moon')$$, pg_temp.digest('one')));
-- on the way out, but nobody is deleting it: a copy is recorded, and will be deleted with the others
SELECT blob_id AS one FROM quay.blob_get(pg_temp.digest('one')) \gset
INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) VALUES (:one, quay_internal.clock_ms());
SELECT quay.blob_placement_add(pg_temp.digest('one'), 'store-b');
DELETE FROM quay_internal.blob_deletion WHERE blob_id = :one;
SELECT quay.blob_placement_remove(pg_temp.digest('one'), 'store-b');

-- what is to be copied: the blobs of manifests; 'one' has none, a placeholder has no source
SELECT pg_temp.push('placer', 'layer 1', 'layer 2', 'config');
SELECT pg_temp.push('placer-far', 'layer 2', 'far layer', 'placeholder');
SELECT quay.blob_placement_remove(pg_temp.digest('placeholder'), 'local');
SELECT quay.blob_placement_add(pg_temp.digest('layer 1'), 'store-a');
CREATE FUNCTION pg_temp.missing(locations text[], contents text[] DEFAULT NULL) RETURNS TABLE (content text, size bigint, present text[], missing text[])
LANGUAGE sql AS $$
    SELECT c.content, m.size, m.present, m.missing
    FROM quay.blob_placement_missing(missing.locations, digests => (SELECT array_agg(pg_temp.digest(w)) FROM unnest(contents) AS w)) AS m
    JOIN unnest(ARRAY['one', 'layer 1', 'layer 2', 'config', 'far layer', 'placeholder']) AS c (content) ON pg_temp.digest(c.content) = m.digest
    ORDER BY m.blob_id $$;
SELECT * FROM pg_temp.missing('{local}');
SELECT * FROM pg_temp.missing('{store-a,local}');
SELECT * FROM pg_temp.missing('{store-a}', '{layer 1,layer 2,one}');
SELECT quay.user_region_add('placer-far', 'store-b');
SELECT * FROM pg_temp.missing('{local,store-a}');
SELECT * FROM pg_temp.missing(NULL);
SELECT quay.blob_placement_add(pg_temp.digest('far layer'), 'store-b'), quay.blob_placement_add(pg_temp.digest('layer 2'), 'store-b');
SELECT * FROM pg_temp.missing('{}');
SELECT path = 'sha256/' || substring(digest FROM 8 FOR 2) || '/' || substring(digest FROM 8)
FROM quay.blob_placement_missing('{store-a}', digests => ARRAY[pg_temp.digest('config')]);
-- page by page
SELECT count(*), count(DISTINCT p2.blob_id)
FROM quay.blob_placement_missing('{store-a,store-b}', n => 2) AS p1, LATERAL quay.blob_placement_missing('{store-a,store-b}', p1.blob_id, 1) AS p2;
SELECT count(*) FROM quay.blob_placement_missing('{store-a}', n => 0) UNION ALL
SELECT count(*) FROM quay.blob_placement_missing('{store-a}', 9007199254740991);
-- more blobs with nothing to copy than are looked at in one go
INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum)
SELECT 'placer-' || i, 1, true, pg_temp.digest('placer ' || i) FROM generate_series(1, 2500) AS i;
SELECT pg_temp.push('placer', 'last layer');
SELECT max(m.blob_id) = (SELECT b.blob_id FROM quay.blob_get(pg_temp.digest('last layer')) AS b) FROM quay.blob_placement_missing('{store-a}', n => 100000) AS m;
SELECT pg_temp.attempt($$SELECT quay.blob_placement_missing('{moon}')$$);
SELECT pg_temp.attempt($$SELECT quay.blob_placement_missing('{local}', n => -1)$$);
ROLLBACK;
