-- Looking at manifests: finding, layers, children, parents, blobs, what a client accepts, referrers, embedded data, sparse indexes, old rows.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.digest(content text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.bytes(content text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to(content, 'UTF8') $$;
CREATE FUNCTION pg_temp.descriptor(media_type text, content text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('{"mediaType":"%s","digest":"%s","size":%s%s}', media_type, pg_temp.digest(content), length(content), more) $$;
-- Uploads a blob.
CREATE FUNCTION pg_temp.blob(content text, repository text DEFAULT 'app') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM quay.upload_finish('reader', blob.repository, (quay.upload_start('reader', blob.repository)).upload, pg_temp.digest(content), pg_temp.bytes(content));
END $$;
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
CREATE FUNCTION pg_temp.put(manifest text, VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.attempt(format('SELECT quay.manifest_put(%L, %L, %L, tags => %L)', 'reader', 'app', pg_temp.bytes(manifest), tags));
END $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('reader', 'password1', 'reader@example.com');
    PERFORM quay.repository_create('reader', 'app', 'reader');
    PERFORM pg_temp.blob(b) FROM unnest(ARRAY['layer one', 'layer two', '{}']) AS b;
END $$;
\set config '{"architecture":"amd64","os":"linux","created":"2026-02-01T00:00:00Z","author":"ann","config":{"Cmd":["run"]},"rootfs":{"type":"layers","diff_ids":["sha256:x","sha256:y"]},"history":[{"created":"2026-01-01T00:00:00Z","created_by":"ADD one"},{"created_by":"ENV a=b","empty_layer":true},{"created":"2026-02-01T00:00:00Z","created_by":"ADD two"}]}'
SELECT pg_temp.blob(:'config');
CREATE FUNCTION pg_temp.image(config text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s,%s,%s]%s}',
        pg_temp.descriptor('application/vnd.oci.image.config.v1+json', config),
        pg_temp.descriptor('application/vnd.oci.image.layer.v1.tar+gzip', 'layer one', ',"annotations":{"is":"base"}'),
        pg_temp.descriptor('application/vnd.oci.image.layer.v1.tar', 'layer two'),
        pg_temp.descriptor('application/vnd.oci.image.layer.nondistributable.v1.tar', 'elsewhere', ',"urls":["https://a.example/l","https://b.example/l"]'), more) $$;
CREATE FUNCTION pg_temp.plain(config text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s,%s]%s}',
        pg_temp.descriptor('application/vnd.oci.image.config.v1+json', config),
        pg_temp.descriptor('application/vnd.oci.image.layer.v1.tar+gzip', 'layer one'),
        pg_temp.descriptor('application/vnd.oci.image.layer.v1.tar', 'layer two'), more) $$;
CREATE FUNCTION pg_temp.entry(content text, platform text DEFAULT NULL, media_type text DEFAULT 'application/vnd.oci.image.manifest.v1+json') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.descriptor(media_type, content, coalesce(format(',"platform":{"os":"%s","architecture":"%s"}', split_part(platform, '/', 1), split_part(platform, '/', 2)), '')) $$;
CREATE FUNCTION pg_temp.index(VARIADIC entries text[]) RETURNS text LANGUAGE sql AS $$
    SELECT format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}', array_to_string(entries, ',')) $$;
SELECT pg_temp.image(:'config') AS windows, pg_temp.plain(:'config') AS linux, pg_temp.plain(:'config', ',"annotations":{"for":"arm"}') AS arm \gset
SELECT pg_temp.index(pg_temp.entry(:'arm', 'linux/arm64'), pg_temp.entry(:'linux', 'linux/amd64'), pg_temp.entry(:'linux', 'linux/amd64')) AS multi \gset

-- before anything is pushed
SELECT kind, media_type, size, config_size, layers_size, artifact_type, annotations, cardinality(blobs), children FROM quay.manifest_inspect(pg_temp.bytes(:'windows'));
SELECT kind, cardinality(children), blobs FROM quay.manifest_inspect(pg_temp.bytes(:'multi'));
SELECT role, position, media_type, size, remote, urls, annotations FROM quay.manifest_descriptor_list(pg_temp.bytes(:'windows')) ORDER BY role, position;
SELECT role, position, platform FROM quay.manifest_descriptor_list(pg_temp.bytes(:'multi')) ORDER BY role, position;
SELECT pg_temp.attempt($$SELECT quay.manifest_inspect('{}')$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_descriptor_list('{', 'application/vnd.oci.image.index.v1+json')$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_inspect(convert_to(repeat(' ', 5000000), 'UTF8'))$$);

-- what is found: by a tag, by a temporary tag, dead
SELECT pg_temp.put(:'linux'), pg_temp.put(:'arm'), pg_temp.put(:'multi', 'multi'), pg_temp.put(:'windows', 'windows');
SELECT f.name, (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(f.content))) AS visible,
       (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(f.content), allow_hidden => true)) AS hidden,
       (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(f.content), allow_dead => true)) AS dead
FROM (VALUES ('multi', :'multi'), ('linux', :'linux'), ('unknown', 'unknown')) AS f (name, content);
SELECT manifest_id IS NOT NULL AS id, media_type, size, layers_size, config_media_type, artifact_type, subject, present, manifest = pg_temp.bytes(:'windows') AS same
FROM quay.manifest_find('reader', 'app', pg_temp.digest(:'windows'));
SELECT digest = pg_temp.digest(:'arm') AS arm, size FROM quay.manifest_find_many('reader', 'app', ARRAY[pg_temp.digest(:'arm'), pg_temp.digest('unknown'), NULL, 'x']);
SELECT count(*) FROM quay.manifest_find_many('reader', 'unknown', ARRAY[pg_temp.digest(:'arm')]);
SELECT quay.tag_delete('reader', 'app', 'multi');
-- later the temporary tags are over as well
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
SELECT (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(:'linux'), allow_hidden => true)) AS alive,
       (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(:'linux'), allow_dead => true)) AS dead;
SELECT quay.manifest_touch('reader', 'app', pg_temp.digest(:'linux'), 60), quay.manifest_touch('reader', 'app', pg_temp.digest(:'linux')),
       quay.manifest_touch('reader', 'app', pg_temp.digest(:'linux'), 10), quay.manifest_touch('reader', 'app', pg_temp.digest('unknown'));
SELECT lifetime_end_ms - lifetime_start_ms AS life_ms FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
WHERE m.digest = pg_temp.digest(:'linux') AND t.lifetime_end_ms > quay_internal.clock_ms() ORDER BY 1;
SELECT (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(:'linux'))) AS visible,
       (SELECT count(*) FROM quay.manifest_find('reader', 'app', pg_temp.digest(:'linux'), allow_hidden => true)) AS hidden;
SELECT cardinality(ARRAY(SELECT quay.manifest_touch_many('reader', 'app', ARRAY[pg_temp.digest(:'arm'), pg_temp.digest(:'multi'), 'x']))) AS touched;
SELECT pg_temp.attempt($$SELECT quay.manifest_touch('reader', 'app', 'x', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_touch('reader', 'unknown', 'x')$$);
SELECT pg_temp.put(:'multi', 'multi');

-- layers and blobs
SELECT position, media_type, size, remote, urls, blob_size, uncompressed_size, path IS NULL AS no_path, locations FROM quay.manifest_layers('reader', 'app', pg_temp.digest(:'windows'));
SELECT count(*) FROM quay.manifest_layers('reader', 'app', pg_temp.digest(:'multi'));
SELECT count(*) FROM quay.manifest_layers('reader', 'app', 'x');
SELECT size, locations FROM quay.manifest_blobs('reader', 'app', pg_temp.digest(:'windows')) ORDER BY size;
SELECT count(*) FROM quay.manifest_blobs('reader', 'unknown', pg_temp.digest(:'windows'));

-- children and parents; the same one twice is one link
SELECT position, os, architecture, variant, size, present, digest = pg_temp.digest(:'linux') AS linux FROM quay.manifest_children('reader', 'app', pg_temp.digest(:'multi'));
SELECT count(*) FROM quay.manifestchild AS c JOIN quay.manifest AS m ON m.id = c.manifest_id WHERE m.digest = pg_temp.digest(:'multi');
SELECT count(*) FROM quay.manifest_children('reader', 'app', pg_temp.digest(:'linux'));
SELECT digest = pg_temp.digest(:'multi') AS multi, media_type, alive FROM quay.manifest_parents('reader', 'app', pg_temp.digest(:'linux'));
SELECT count(*) FROM quay.manifest_parents('reader', 'app', pg_temp.digest(:'multi'));
-- an index in an index
SELECT pg_temp.put(pg_temp.index(pg_temp.entry(:'multi', media_type => 'application/vnd.oci.image.index.v1+json')), 'nested');
SELECT media_type, alive FROM quay.manifest_parents('reader', 'app', pg_temp.digest(:'multi'));

-- what a client accepts
CREATE FUNCTION pg_temp.chosen(reference text, VARIADIC accept text[]) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.status, s.media_type, CASE WHEN s.index_digest IS NOT NULL THEN 'from index' END, s.digest = pg_temp.digest(convert_from(s.manifest, 'UTF8')), s.size = length(s.manifest))
    FROM quay.manifest_select('reader', 'app', chosen.reference, chosen.accept) AS s $$;
\set v1 application/vnd.docker.distribution.manifest.v1+json
\set oci application/vnd.oci.image.manifest.v1+json
\set ociindex application/vnd.oci.image.index.v1+json
SELECT pg_temp.chosen('multi', VARIADIC NULL);
SELECT pg_temp.chosen('multi', VARIADIC '{}');
SELECT pg_temp.chosen('multi', '*/*;q=0.1');
SELECT pg_temp.chosen('multi', 'text/html, Application/*');
SELECT pg_temp.chosen('multi', :'ociindex');
SELECT pg_temp.chosen('multi', :'oci');
SELECT pg_temp.chosen('multi', :'oci' || ' ; q=0.5', :'ociindex' || ';q=0');
SELECT pg_temp.chosen('multi', :'v1', 'application/vnd.docker.distribution.manifest.v2+json');
SELECT pg_temp.chosen('multi', 'application/vnd.docker.distribution.manifest.v2+json');
SELECT pg_temp.chosen('nested', :'oci');
SELECT pg_temp.chosen('windows', :'v1');
SELECT pg_temp.chosen('windows', :'oci');
SELECT pg_temp.chosen('unknown', :'oci');
SELECT pg_temp.chosen(pg_temp.digest(:'multi'), :'oci');
SELECT status FROM quay.manifest_select('reader', 'unknown', 'multi');

-- as Docker schema 1
SELECT convert_from(manifest, 'UTF8') AS converted, digest = pg_temp.digest(convert_from(manifest, 'UTF8')) AS digest, media_type
FROM quay.manifest_to_schema1('reader', 'app', 'old', pg_temp.bytes(:'linux'), pg_temp.bytes(:'config')) \gset c_
SELECT :'c_digest', :'c_media_type';
SELECT key, value FROM json_each_text(:'c_converted'::json) WHERE key <> 'history';
SELECT h ->> 'v1Compatibility' FROM json_array_elements(:'c_converted'::json -> 'history') AS h;
SELECT manifest = pg_temp.bytes(:'c_converted') AS same_again FROM quay.manifest_to_schema1('reader', 'app', 'old', pg_temp.bytes(:'linux'), pg_temp.bytes(:'config'));
-- it can be pushed
SELECT pg_temp.put(:'c_converted', 'old');
INSERT INTO quay.imagestorage (uuid, content_checksum, image_size, uploading, cas_path)
VALUES ('empty', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4', 32, false, true) ON CONFLICT DO NOTHING;
SELECT pg_temp.put(:'c_converted', 'old');
SELECT created, comment, command FROM quay.image WHERE v1_json_metadata IS NOT NULL AND repository_id = (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'reader') ORDER BY id;
SELECT pg_temp.attempt(format('SELECT quay.manifest_to_schema1(%L, %L, %L, %L, %L)', 'reader', 'app', 'old', pg_temp.bytes(m), pg_temp.bytes(c)))
FROM (VALUES (:'linux', '{}'), (:'linux', NULL), (:'windows', :'config'), (:'multi', :'config'), ('{', '')) AS v (m, c);
\set few '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"history":[{"empty_layer":true}]}'
SELECT pg_temp.attempt(format('SELECT quay.manifest_to_schema1(%L, %L, %L, %L, %L)', 'reader', 'app', 'old', pg_temp.bytes(pg_temp.plain(:'few')), pg_temp.bytes(:'few')));
\set none '{"architecture":"arm","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"history":null}'
SELECT json_array_length(convert_from(manifest, 'UTF8')::json -> 'fsLayers') FROM quay.manifest_to_schema1('reader', 'app', 'old', pg_temp.bytes(pg_temp.plain(:'none')), pg_temp.bytes(:'none'));

-- embedded data: the labels are read from it, but the blob has to be here as well
\set labelled '{"architecture":"amd64","os":"linux","config":{"Labels":{"embedded":"yes"}},"rootfs":{"type":"layers","diff_ids":[]}}'
SELECT format('{"schemaVersion":2,"config":%s,"layers":[]}', pg_temp.descriptor('application/vnd.oci.image.config.v1+json', :'labelled',
    ',"data":"' || translate(encode(pg_temp.bytes(:'labelled'), 'base64'), E'\n', '') || '"')) AS embedded \gset
SELECT pg_temp.put(:'embedded', 'embedded');
SELECT pg_temp.blob(:'labelled');
SELECT pg_temp.put(:'embedded', 'embedded');
SELECT key, value FROM quay.label_list('reader', 'app', pg_temp.digest(:'embedded'));
SELECT pg_temp.put(replace(:'embedded', '"data":"', '"data":"e30K'));
SELECT pg_temp.put(replace(:'embedded', '"data":"', '"data":"#'));
SELECT pg_temp.put(replace(:'embedded', '"data":"ey', '"data":"e2'));

-- sparse indexes: what is missing is linked when it arrives
SELECT pg_temp.plain(:'config', ',"annotations":{"comes":"late"}') AS late \gset
SELECT pg_temp.index(pg_temp.entry(:'late', 'linux/s390x'), pg_temp.entry(:'linux', 'linux/amd64'), pg_temp.entry('never', 'linux/386')) AS sparse \gset
SELECT pg_temp.put(:'sparse', 'sparse');
SET LOCAL quay.sparse_index = on;
SELECT pg_temp.put(:'sparse', 'sparse'), pg_temp.put(pg_temp.index(pg_temp.entry(:'late')), 'sparse2');
SELECT position, architecture, manifest_id IS NOT NULL AS known, present FROM quay.manifest_children('reader', 'app', pg_temp.digest(:'sparse'));
SELECT count(*) FROM quay.manifest_parents('reader', 'app', pg_temp.digest(:'late'));
SELECT pg_temp.put(:'late');
SELECT position, architecture, manifest_id IS NOT NULL AS known, present FROM quay.manifest_children('reader', 'app', pg_temp.digest(:'sparse'));
SELECT count(*) FROM quay.manifest_parents('reader', 'app', pg_temp.digest(:'late'));
SELECT count(*) FROM quay_internal.missing_child AS c JOIN quay.manifest AS m ON m.id = c.manifest_id WHERE m.digest = pg_temp.digest(:'sparse');
-- a wrong size of what is here is still refused
SELECT pg_temp.put(pg_temp.index(replace(pg_temp.entry(:'linux'), '"size":', '"size":1')));
RESET quay.sparse_index;

-- referrers as an index, page by page
SELECT pg_temp.put(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/x.%s","config":%s,"layers":[],"subject":%s%s}',
    kind, pg_temp.descriptor('application/vnd.oci.empty.v1+json', '{}'), pg_temp.descriptor('application/vnd.oci.image.manifest.v1+json', :'linux'), more))
FROM (VALUES ('sbom', ',"annotations":{"n":"1"}'), ('signature', ''), ('sbom', ',"annotations":{"n":"3"}')) AS r (kind, more);
SELECT media_type, filtered, cursor, jsonb_pretty((SELECT jsonb_agg(e - 'digest') FROM jsonb_array_elements(convert_from(manifest, 'UTF8')::jsonb -> 'manifests') AS e))
FROM quay.referrer_index('reader', 'app', pg_temp.digest(:'linux'));
SELECT kind FROM quay.referrer_index('reader', 'app', pg_temp.digest(:'linux')) AS r, quay.manifest_inspect(r.manifest, r.media_type);
SELECT filtered, json_array_length(convert_from(manifest, 'UTF8')::json -> 'manifests') FROM quay.referrer_index('reader', 'app', pg_temp.digest(:'linux'), 'application/x.sbom');
SELECT filtered, convert_from(manifest, 'UTF8') FROM quay.referrer_index('reader', 'app', pg_temp.digest('unknown'));
SELECT cursor, json_array_length(convert_from(manifest, 'UTF8')::json -> 'manifests') AS page FROM quay.referrer_index('reader', 'app', pg_temp.digest(:'linux'), n => 2) \gset p_
SELECT :p_page, cursor IS NULL AS last, json_array_length(convert_from(manifest, 'UTF8')::json -> 'manifests') FROM quay.referrer_index('reader', 'app', pg_temp.digest(:'linux'), after => :'p_cursor', n => 2);
SELECT annotations FROM quay.referrer_list('reader', 'app', pg_temp.digest(:'linux'), after => :'p_cursor');
SELECT pg_temp.attempt($$SELECT quay.referrer_list('reader', 'app', 'sha256:0', n => -1)$$);
SELECT pg_temp.attempt(format('SELECT quay.referrer_list(%L, %L, %L, after => %L)', 'reader', 'app', pg_temp.digest(:'linux'), 'x'));
SELECT pg_temp.attempt($$SELECT quay.referrer_index('reader', 'app', 'sha256:0')$$);
-- a fallback tag on something that is no index of ours
UPDATE quay.manifest SET manifest_bytes = '{"manifests":[1,{"digest":3},' WHERE digest = pg_temp.digest(:'sparse');
SELECT count(*) FROM quay.tag_set('reader', 'app', replace(pg_temp.digest(:'linux'), ':', '-'), pg_temp.digest(:'sparse'));
SELECT count(*) FROM quay.referrer_list('reader', 'app', pg_temp.digest(:'linux'));

-- old rows get what was not filled in, or wrongly
UPDATE quay.manifest SET subject = NULL, subject_backfilled = NULL, artifact_type = NULL, config_media_type = NULL WHERE artifact_type = 'application/x.signature';
UPDATE quay.manifest SET subject = '(sha256:1,application/x,5)' WHERE manifest_bytes LIKE '%"n":"3"%';
UPDATE quay.manifest SET artifact_type_backfilled = false, config_media_type = NULL WHERE digest IN (pg_temp.digest(:'multi'), pg_temp.digest(:'windows'), pg_temp.digest(:'sparse'));
SELECT count(*) FROM quay.referrer_list('reader', 'app', pg_temp.digest(:'linux'));
SELECT quay.manifest_backfill(2), quay.manifest_backfill(), quay.manifest_backfill();
SELECT artifact_type, annotations FROM quay.referrer_list('reader', 'app', pg_temp.digest(:'linux'));
SELECT config_media_type, artifact_type, subject FROM quay.manifest WHERE digest IN (pg_temp.digest(:'multi'), pg_temp.digest(:'windows')) ORDER BY id;
SELECT pg_temp.attempt('SELECT quay.manifest_backfill(0)');
ROLLBACK;
