-- The garbage collector: what it deletes and what it leaves, from tags to the bytes of blobs.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.immutable_tags = on;
DELETE FROM quay_internal.gc_review;
DELETE FROM quay_internal.blob_deletion;
DELETE FROM quay.uploadedblob;
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.digest(content text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.blob(repository text, content text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM quay.upload_finish('gc-org', repository, (quay.upload_start('gc-org', repository)).upload, pg_temp.digest(content), convert_to(content, 'UTF8'));
    RETURN pg_temp.digest(content);
END $$;
CREATE FUNCTION pg_temp.image(config text, layer text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},'
        '"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}]%s}',
        pg_temp.digest(config), length(config), pg_temp.digest(layer), length(layer), more) $$;
-- Uploads what an image needs and pushes it.
CREATE FUNCTION pg_temp.push(repository text, config text, layer text, tags text[] DEFAULT '{}', more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.blob(repository, config), pg_temp.blob(repository, layer);
    RETURN digest FROM quay.manifest_put('gc-org', repository, convert_to(pg_temp.image(config, layer, more), 'UTF8'), tags => tags);
END $$;
CREATE TEMPORARY VIEW content AS
SELECT r.name AS repository, (SELECT count(*) FROM quay.tag AS t WHERE t.repository_id = r.id) AS tags,
       (SELECT count(*) FROM quay.manifest AS m WHERE m.repository_id = r.id) AS manifests,
       (SELECT count(*) FROM quay.manifestlabel AS l WHERE l.repository_id = r.id) AS labels,
       (SELECT count(*) FROM quay.uploadedblob AS b WHERE b.repository_id = r.id) AS uploads,
       quay_internal.size_of(r.namespace_user_id, r.id) AS bytes, quay_internal.size_of(r.namespace_user_id) AS namespace_bytes
FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'gc-org' ORDER BY r.name;
-- Deleted, all in all, by as many calls as it takes.
CREATE FUNCTION pg_temp.collect(OUT tags bigint, OUT manifests bigint, OUT labels bigint, OUT uploads bigint) LANGUAGE plpgsql AS $$
DECLARE done record;
BEGIN
    SELECT 0, 0, 0, 0 INTO tags, manifests, labels, uploads;
    LOOP
        SELECT * INTO done FROM quay.gc_run(3);
        tags := tags + done.tags; manifests := manifests + done.manifests; labels := labels + done.labels; uploads := uploads + done.uploads;
        EXIT WHEN NOT done.more;
    END LOOP;
END $$;
DO $$ BEGIN
    PERFORM quay.user_create('gc-root', 'password1', 'gc-root@example.com');
    PERFORM quay.organization_create('gc-org', NULL, 'gc-root');
    PERFORM quay.repository_create('gc-org', 'a', 'gc-root');
    PERFORM quay.repository_create('gc-org', 'b', 'gc-root');
END $$;
\a\t
-- two images that share a layer, one of them in two repositories, and an index
SELECT pg_temp.push('a', 'config one', 'shared layer', '{one}', ',"annotations":{"who":"me"}') IS NOT NULL;
SELECT pg_temp.push('a', 'config two', 'shared layer', '{two,zwei}') IS NOT NULL;
SELECT pg_temp.push('b', 'config one', 'shared layer', '{one}') IS NOT NULL;
SELECT pg_temp.push('a', 'config child', 'child layer') AS child \gset
SELECT tags FROM quay.manifest_put('gc-org', 'a', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}]}', :'child', length(pg_temp.image('config child', 'child layer'))), 'UTF8'), tags => '{multi}');
TABLE content;
-- nothing is due
SELECT * FROM pg_temp.collect();
-- the uploads and the temporary tags go after their time; the child is kept by its index
SET LOCAL quay.clock = '2026-03-20 12:00:00+00';
SELECT * FROM pg_temp.collect();
TABLE content;
-- a deleted tag stays as long as the namespace keeps removed tags, one millisecond less
SELECT quay.tag_delete('gc-org', 'a', 'one');
SET LOCAL quay.clock = '2026-04-03 11:59:59.999+00';
SELECT * FROM pg_temp.collect();
SET LOCAL quay.clock = '2026-04-03 12:00:00+00';
-- its manifest goes with it, its label, its config in this repository; the layer is used by the other image
SELECT * FROM pg_temp.collect();
TABLE content;
-- one of two tags
SELECT quay.tag_delete('gc-org', 'a', 'two');
SET LOCAL quay.clock = '2026-05-01 12:00:00+00';
SELECT * FROM pg_temp.collect();
-- an index with its child, which two periods of a tag hold
SELECT quay.tag_delete('gc-org', 'a', 'multi');
SELECT digest = :'child' FROM quay.tag_set('gc-org', 'a', 'kid', :'child');
SELECT quay.tag_delete('gc-org', 'a', 'kid');
SET LOCAL quay.clock = '2026-06-01 12:00:00+00';
SELECT * FROM pg_temp.collect();
TABLE content;

-- blobs that nothing uses: marked, handed out after the time of grace, gone when that is confirmed
SELECT stage, waiting, due, bytes, oldest_due FROM quay.gc_status() WHERE waiting > 0 AND stage = 'storage';
SELECT count(*) FROM quay.gc_storage_take();
SET LOCAL quay.clock = '2026-06-01 13:00:00+00';
SELECT lease, blob_id AS first_id FROM quay.gc_storage_take(1, 60) \gset
SELECT digest IN (pg_temp.digest('child layer'), pg_temp.digest('config child')) AS known, size, path = quay_internal.content_path(digest) AS path, locations FROM quay.gc_storage_take() AS t ORDER BY size;
-- each once
SELECT count(*) FROM quay.gc_storage_take();
-- what is being deleted cannot be used; the rest can, and has its bytes still
SELECT content_checksum AS leased, CASE content_checksum WHEN pg_temp.digest('child layer') THEN 'child layer' ELSE 'config child' END AS leased_content
FROM quay.imagestorage WHERE id = :first_id \gset
SELECT replace(replace(pg_temp.try(format('SELECT pg_temp.blob(''b'', %L)', :'leased_content')), :'leased', 'DIGEST'), :'first_id', 'ID');
-- longer
SELECT quay.gc_storage_extend(:'lease', 3600), quay.gc_storage_extend(gen_random_uuid(), 3600);
SELECT pg_temp.try(format('SELECT quay.gc_storage_extend(%L, 0)', :'lease'));
-- given back
SELECT quay.gc_storage_release(:'lease', NULL, 'store does not answer');
SELECT count(*), min(last_error), bool_and(lease IS NULL), min(due_ms - quay_internal.clock_ms()) FROM quay_internal.blob_deletion WHERE blob_id = :first_id;
-- used again: it is not deleted, but its bytes may have gone
SELECT existed FROM quay.upload_finish('gc-org', 'b', (SELECT u.upload FROM quay.upload_start('gc-org', 'b') AS u), :'leased', convert_to(:'leased_content', 'UTF8'));
SELECT count(*) FROM quay_internal.blob_deletion WHERE blob_id = :first_id;
-- a lease that is over: somebody else gets it, and the first one confirms nothing
SELECT lease AS old_lease FROM quay_internal.blob_deletion LIMIT 1 \gset
SET LOCAL quay.clock = '2026-06-01 15:00:00+00';
SELECT count(*), min(attempts) FROM quay.gc_storage_take() AS t JOIN quay_internal.blob_deletion AS d USING (blob_id);
SELECT quay.gc_storage_confirm(:'old_lease');
SELECT quay.gc_storage_confirm(lease) FROM quay_internal.blob_deletion;
SELECT count(*) FROM quay.imagestorage WHERE content_checksum IN (pg_temp.digest('child layer'), pg_temp.digest('config child'));
SELECT pg_temp.try('SELECT * FROM quay.gc_storage_take(0)');
SELECT pg_temp.try('SELECT * FROM quay.gc_storage_take(1, 0)');
SELECT pg_temp.try('SELECT * FROM quay.gc_run(0)');

-- what broke off: a manifest without a tag, a blob without a use, a blob that is only known; all after the time of grace
SET LOCAL quay.clock = '2026-07-01 12:00:00+00';
SELECT * FROM pg_temp.collect();
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, pg_temp.digest('left over'), (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.oci.image.manifest.v1+json'), '{}' FROM quay.repository AS r WHERE r.name = 'b';
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum) VALUES ('gc-left-over', 7, pg_temp.digest('left over'));
SELECT * FROM pg_temp.collect();
SET LOCAL quay.clock = '2026-07-01 13:00:00+00';
SELECT * FROM pg_temp.collect();
SET LOCAL quay.clock = '2026-07-01 14:00:00+00';
SELECT count(*) FROM quay.gc_storage_take();
SELECT count(*) FROM quay.imagestorage WHERE uuid = 'gc-left-over';

-- a referrer holds its subject, and a referrer that goes lets it go
SELECT pg_temp.push('b', 'config subject', 'subject layer', '{s}') AS subject \gset
SELECT pg_temp.push('b', 'config sig', 'sig layer', '{}', format(',"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}', :'subject', length(pg_temp.image('config subject', 'subject layer')))) AS signature \gset
SELECT quay.tag_delete('gc-org', 'b', 's');
SET LOCAL quay.clock = '2026-08-01 12:00:00+00';
SELECT * FROM pg_temp.collect();
SELECT digest = :'signature', tags FROM quay.manifest_delete('gc-org', 'b', :'signature');
SET LOCAL quay.clock = '2026-09-01 12:00:00+00';
SELECT * FROM pg_temp.collect();
SELECT count(*) FROM quay.manifest WHERE digest IN (:'subject', :'signature');

-- an immutable tag that has ended stays, unless such tags can expire
SELECT pg_temp.push('b', 'config fixed', 'fixed layer', '{fixed}') IS NOT NULL;
UPDATE quay.tag SET immutable = true, lifetime_end_ms = quay_internal.clock_ms() WHERE name = 'fixed';
SET LOCAL quay.clock = '2026-10-01 12:00:00+00';
SELECT tags, manifests FROM pg_temp.collect();
SET LOCAL quay.immutable_tags_can_expire = on;
SET LOCAL quay.clock = '2026-10-03 12:00:00+00';
SELECT tags, manifests FROM pg_temp.collect();

-- pull statistics: those of a live tag stay when an older period of its name goes
SELECT pg_temp.push('b', 'config n', 'layer n', '{n}') IS NOT NULL;
SELECT pg_temp.push('b', 'config m', 'layer m', '{n}') IS NOT NULL;
INSERT INTO quay.tagpullstatistics (repository_id, tag_name, tag_pull_count, last_tag_pull_date) SELECT id, 'n', 5, now() FROM quay.repository WHERE name = 'b';
SET LOCAL quay.clock = '2026-11-03 12:00:00+00';
SELECT tags, manifests FROM pg_temp.collect();
SELECT count(*) FROM quay.tagpullstatistics WHERE tag_name = 'n';

-- a namespace that keeps removed tags for a shorter time than it did
SELECT quay.tag_delete('gc-org', 'b', 'n');
SELECT tags FROM pg_temp.collect();
UPDATE quay."user" SET removed_tag_expiration_s = 0 WHERE username = 'gc-org';
SELECT tags, manifests FROM pg_temp.collect();
SELECT count(*) FROM quay.tagpullstatistics WHERE tag_name = 'n';
-- the empty layer stays
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum) VALUES ('gc-empty', 32, 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4') ON CONFLICT DO NOTHING;
SET LOCAL quay.clock = '2026-12-03 12:00:00+00';
SELECT tags, manifests FROM pg_temp.collect();
SELECT count(*) FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE b.content_checksum = 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4';
TABLE content;

-- what was written without triggers, nobody knows of, until somebody asks
SELECT pg_temp.push('b', 'config w', 'layer w', '{w}', ',"annotations":{"who":"me"}') IS NOT NULL;
DELETE FROM quay.uploadedblob;
DELETE FROM quay_internal.gc_review;
SELECT * FROM quay.gc_review_all();
SET LOCAL session_replication_role = replica;
UPDATE quay.tag SET lifetime_end_ms = quay_internal.clock_ms() WHERE name = 'w';
DELETE FROM quay.manifestlabel;
SET LOCAL session_replication_role = origin;
SELECT * FROM quay.gc_review_all();
SELECT * FROM quay.gc_review_all();
SET LOCAL quay.clock = '2026-12-03 13:00:00+00';
SELECT * FROM pg_temp.collect();
TABLE content;
SELECT count(*) FROM quay_internal.size_recount((SELECT id FROM quay."user" WHERE username = 'gc-org'));
ROLLBACK;

BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT quay.gc_run();
ROLLBACK;
