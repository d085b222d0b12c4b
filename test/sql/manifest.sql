-- Pushing manifests: what is written for each kind, retries, labels, temporary tags.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
-- Uploads a blob and answers its digest.
CREATE FUNCTION pg_temp.blob(namespace text, repository text, content text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE digest text := 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex');
BEGIN
    PERFORM quay.upload_finish(namespace, repository, (quay.upload_start(namespace, repository)).upload, digest, convert_to(content, 'UTF8'));
    RETURN digest;
END $$;
-- An OCI image with one layer, and more fields if wanted.
CREATE FUNCTION pg_temp.image(config text, layer text, more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},'
        '"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":%s}]%s}',
        encode(sha256(convert_to(config, 'UTF8')), 'hex'), length(config), encode(sha256(convert_to(layer, 'UTF8')), 'hex'), length(layer), more), 'UTF8') $$;
CREATE FUNCTION pg_temp.index(VARIADIC children bytea[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        string_agg(format('{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}',
                          encode(sha256(c), 'hex'), length(c)), ',')), 'UTF8') FROM unnest(children) AS c $$;
CREATE FUNCTION pg_temp.digest(content bytea) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(content), 'hex') $$;
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
DO $$ BEGIN
    PERFORM quay.user_create('pusher', 'password1', 'pusher@example.com');
    PERFORM quay.repository_create('pusher', 'app', 'pusher');
    PERFORM quay.repository_create('pusher', 'other', 'pusher');
END $$;
CREATE VIEW pg_temp.tags AS
    SELECT CASE WHEN t.hidden THEN '$temp' ELSE t.name END AS name, m.digest, t.lifetime_end_ms - t.lifetime_start_ms AS life_ms, t.immutable
    FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id JOIN quay.repository AS r ON r.id = t.repository_id
    JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'pusher';
\set config '{"architecture":"amd64","os":"linux","config":{"Labels":{"maintainer":"ann","json":"{\\"a\\": [1]}","both":"config","":"dropped"}},"rootfs":{"type":"layers","diff_ids":["sha256:x"]}}'
SELECT pg_temp.blob('pusher', 'app', :'config') AS config_digest, pg_temp.blob('pusher', 'app', 'layer of the push') AS layer_digest \gset
SELECT pg_temp.image(:'config', 'layer of the push', ',"annotations":{"both":"annotation"}') AS image \gset

-- an image by tag
SELECT digest = pg_temp.digest(:'image') AS digest, media_type, tags, size, subject, artifact_type, created
FROM quay.manifest_put('pusher', 'app', :'image', 'application/vnd.oci.image.manifest.v1+json', ARRAY['v1', 'latest', 'v1'],
                       config => convert_to(:'config', 'UTF8'), actor => 'pusher', ip => '10.0.0.1');
SELECT m.manifest_bytes = convert_from(:'image', 'UTF8') AS bytes, m.config_media_type, m.layers_compressed_size, m.subject, m.subject_backfilled, m.artifact_type,
       (SELECT count(*) FROM quay.manifestblob AS b WHERE b.manifest_id = m.id AND b.repository_id = m.repository_id) AS blobs,
       (SELECT count(*) FROM quay.manifestchild AS c WHERE c.manifest_id = m.id) AS children,
       (SELECT s.index_status FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = m.id) AS index_status
FROM quay.manifest AS m WHERE m.digest = pg_temp.digest(:'image');
SELECT key, value, media_type, source FROM quay.label_list('pusher', 'app', pg_temp.digest(:'image'));
SELECT key FROM quay.label_list('pusher', 'app', pg_temp.digest(:'image'), 'MAIN');
SELECT name, digest = pg_temp.digest(:'image') AS same, life_ms FROM pg_temp.tags ORDER BY name;
SELECT k.name, l.metadata_json::jsonb - 'manifest_digest', l.ip FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
WHERE k.name = 'push_repo' AND l.account_id = (SELECT id FROM quay."user" WHERE username = 'pusher') ORDER BY l.id;

-- a retry is no error, makes no second manifest, and adds to the history of the tag
SELECT created FROM quay.manifest_put('pusher', 'app', :'image', 'application/vnd.oci.image.manifest.v1+json; charset=utf-8', ARRAY['v1'], pg_temp.digest(:'image'));
SELECT count(*) FROM quay.manifest WHERE digest = pg_temp.digest(:'image');
SELECT lifetime_end_ms IS NULL AS live, lifetime_start_ms FROM quay.tag_history('pusher', 'app', 'v1');
SELECT count(*) FROM quay.label_list('pusher', 'app', pg_temp.digest(:'image'));

-- by digest: a temporary tag, and it is found
SELECT pg_temp.image(:'config', 'layer of the push', ',"annotations":{"by":"digest"}') AS second \gset
SELECT tags, created FROM quay.manifest_put('pusher', 'app', :'second');
SELECT name, life_ms FROM pg_temp.tags WHERE digest = pg_temp.digest(:'second');
SELECT created FROM quay.manifest_put('pusher', 'app', :'second');
SELECT name, life_ms FROM pg_temp.tags WHERE digest = pg_temp.digest(:'second');
SELECT size FROM quay.manifest_get('pusher', 'app', pg_temp.digest(:'second'));
-- by sha512 digest: kept under that
SELECT left(digest, 7) AS digest, created
FROM quay.manifest_put('pusher', 'app', :'second', expected_digest => 'sha512:' || encode(sha512(:'second'), 'hex'));
SELECT size FROM quay.manifest_get('pusher', 'app', 'sha512:' || encode(sha512(:'second'), 'hex'));

-- an index: links to its children, none to blobs, no labels; a child twice is one link; children are kept for a while
SELECT pg_temp.index(:'image', :'second', :'image') AS index \gset
SELECT media_type, tags, created FROM quay.manifest_put('pusher', 'app', :'index', NULL, ARRAY['multi']);
SELECT (SELECT count(*) FROM quay.manifestchild AS c WHERE c.manifest_id = m.id) AS children,
       (SELECT count(*) FROM quay.manifestblob AS b WHERE b.manifest_id = m.id) AS blobs, m.layers_compressed_size, m.config_media_type
FROM quay.manifest AS m WHERE m.digest = pg_temp.digest(:'index');
-- the temporary tags of the child end when the index is deleted; the child by itself is gone then
SELECT quay.tag_delete('pusher', 'app', 'multi');
SELECT count(*) FROM quay.manifest_get('pusher', 'app', pg_temp.digest(:'second'));
SELECT created FROM quay.manifest_put('pusher', 'app', :'index', NULL, ARRAY['multi']);
SELECT name, life_ms FROM pg_temp.tags WHERE digest = pg_temp.digest(:'second') ORDER BY life_ms;
SELECT count(*) FROM quay.manifest_get('pusher', 'app', pg_temp.digest(:'second'));

-- an object with a subject, by digest: kept for ever; the config of an artifact is never read
SELECT pg_temp.blob('pusher', 'app', '{}');
SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/x.sbom",'
    '"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":2},"layers":[],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s},"annotations":{"made":"today"}}',
    pg_temp.digest('{}'), pg_temp.digest(:'image'), length(:'image'::bytea)), 'UTF8') AS sbom \gset
SELECT subject = pg_temp.digest(:'image') AS subject, artifact_type, created FROM quay.manifest_put('pusher', 'app', :'sbom');
SELECT name, life_ms FROM pg_temp.tags WHERE digest = pg_temp.digest(:'sbom');

-- a foreign layer need not be here
SELECT tags FROM quay.manifest_put('pusher', 'app', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
    '"config":{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"%s","size":%s},'
    '"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:%s","size":100,"urls":["https://example.com/layer"]}]}',
    :'config_digest', length(:'config'), repeat('0', 64)), 'UTF8'), NULL, ARRAY['windows']);
SELECT layers_size FROM quay.tag_list('pusher', 'app') WHERE name = 'windows';

-- labels that rule tags: an expiry counts from now, for a second tag too, and for an index if all children agree
SELECT pg_temp.image(:'config', 'layer of the push', ',"annotations":{"quay.expires-after":"2h","n":"1"}') AS short1,
       pg_temp.image(:'config', 'layer of the push', ',"annotations":{"quay.expires-after":"2h","n":"2"}') AS short2,
       pg_temp.image(:'config', 'layer of the push', ',"annotations":{"quay.expires-after":"two hours"}') AS bad \gset
SELECT created FROM quay.manifest_put('pusher', 'app', :'short1', NULL, ARRAY['short1']);
SELECT created FROM quay.manifest_put('pusher', 'app', :'short1', NULL, ARRAY['short1b']);
SELECT created FROM quay.manifest_put('pusher', 'app', :'short2', NULL, ARRAY['short2']);
SELECT created FROM quay.manifest_put('pusher', 'app', :'bad', NULL, ARRAY['long']);
SELECT created FROM quay.manifest_put('pusher', 'app', pg_temp.index(:'short1', :'short2'), NULL, ARRAY['short-index']);
SELECT created FROM quay.manifest_put('pusher', 'app', pg_temp.index(:'short1', :'image'), NULL, ARRAY['long-index']);
SELECT name, life_ms FROM pg_temp.tags WHERE name ~ '^(short|long)' ORDER BY name;

-- a manifest that a proxy only knew of gets its bytes
SELECT pg_temp.image(:'config', 'layer of the push', ',"annotations":{"was":"sparse"}') AS sparse \gset
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, pg_temp.digest(:'sparse'), m.id, '' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, quay.mediatype AS m
WHERE u.username = 'pusher' AND r.name = 'app' AND m.name = 'application/vnd.oci.image.manifest.v1+json';
SELECT created FROM quay.manifest_put('pusher', 'app', :'sparse', NULL, ARRAY['filled']);
SELECT size, layers_size FROM quay.tag_list('pusher', 'app') WHERE name = 'filled';

-- blobs of one repository are not those of another
SELECT pg_temp.attempt(format('SELECT quay.manifest_put(%L, %L, %L)', 'pusher', 'other', :'image'));
SELECT count(*) FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id WHERE r.name = 'other';
SELECT quay.blob_mount('pusher', 'other', :'config_digest', 'pusher', 'app'), quay.blob_mount('pusher', 'other', :'layer_digest', 'pusher', 'app');
SELECT created FROM quay.manifest_put('pusher', 'other', :'image', NULL, ARRAY['copied']);

-- whoever waits for pushes hears of each that sets tags, once; one by digest sets none
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json, number_of_failures)
SELECT n.uuid, r.id, e.id, m.id, '{}', '{}', n.failures
FROM (VALUES ('push hook', 'repo_push', 0), ('push hook that fails', 'repo_push', 3), ('scan hook', 'vulnerability_found', 0)) AS n (uuid, event, failures)
JOIN quay.externalnotificationevent AS e ON e.name = n.event, quay.externalnotificationmethod AS m, quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE m.name = 'webhook' AND u.username = 'pusher' AND r.name = 'other';
SELECT created FROM quay.manifest_put('pusher', 'other', :'image', NULL, ARRAY['b', 'a'], actor => 'pusher');
SELECT created FROM quay.manifest_put('pusher', 'other', :'image');
SELECT q.queue_name, jsonb_pretty(q.body::jsonb) FROM quay.queueitem AS q WHERE q.queue_name LIKE '%pusher%';
ROLLBACK;
