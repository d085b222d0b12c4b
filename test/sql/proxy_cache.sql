-- Proxy caches: configuration, what is cached, placeholders, room under a quota.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
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
-- The bytes of a blob: a configuration has 10, as the manifests say.
CREATE FUNCTION pg_temp.bytes(content text) RETURNS bytea LANGUAGE sql AS $$ SELECT convert_to(CASE WHEN content LIKE 'config%' THEN rpad(content, 10, '.') ELSE content END, 'UTF8') $$;
CREATE FUNCTION pg_temp.sha(content text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(pg_temp.bytes(content)), 'hex') $$;
CREATE FUNCTION pg_temp.digest(content bytea) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(content), 'hex') $$;
-- An OCI image: a config of 10 bytes and layers "name:size".
CREATE FUNCTION pg_temp.image(config text, VARIADIC layers text[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":10},"layers":[%s]}', pg_temp.sha(config),
        string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}',
                          pg_temp.sha(split_part(l, ':', 1)), split_part(l, ':', 2)), ',')), 'UTF8') FROM unnest(layers) AS l $$;
CREATE FUNCTION pg_temp.index(more text, VARIADIC children bytea[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]%s}',
        string_agg(format('{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}', pg_temp.digest(c), length(c)), ','),
        more), 'UTF8') FROM unnest(children) AS c $$;
-- Seconds after noon.
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT round((ms - 1772366400000) / 1000.0, 3) $$;
-- The bytes of a blob arrive.
CREATE FUNCTION pg_temp.arrive(repository text, content text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM quay.upload_finish('proxycache', repository, (quay.upload_start('proxycache', repository)).upload, pg_temp.sha(content), pg_temp.bytes(content));
    RETURN quay.proxy_blob_arrived('proxycache', repository, pg_temp.sha(content));
END $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('proxyadmin', 'password1', 'proxyadmin@example.com');
    PERFORM quay.user_create('proxyreader', 'password1', 'proxyreader@example.com');
    PERFORM quay.organization_create('proxycache', 'proxycache@example.com', 'proxyadmin');
    PERFORM quay.organization_create('proxyother', 'proxyother@example.com', 'proxyadmin');
    PERFORM quay.robot_create('proxyother', 'puller');
END $$;

-- Configuration: of organizations only, one each, no host of our own network
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxyadmin', 'docker.io')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxynobody', 'docker.io')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'docker.io', actor => 'proxynobody')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', '')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'https://docker.io')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', repeat('x', 2049))$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'docker.io', username => 'me')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'docker.io', expiration_s => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', '169.254.169.254/library')$$);
SELECT left(pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'docker.io', repeat('u', 5000), 'p')$$), 5);
SELECT count(*) FROM quay.proxy_cache_get('proxycache');
SELECT quay.proxy_cache_create('proxycache', 'docker.io/library', 'me', 'secret', 1000, actor => 'proxyadmin', ip => '10.0.0.1') > 0;
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxycache', 'quay.io')$$);
SELECT upstream_registry, upstream_host, upstream_namespace, expiration_s, insecure, creation_date FROM quay.proxy_cache_get('proxycache');
SELECT * FROM quay.proxy_cache_credentials('proxycache');
SELECT upstream_registry_username LIKE 'v0$$%', upstream_registry_password LIKE 'v0$$%' FROM quay.proxycacheconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id WHERE u.username = 'proxycache';
-- changes; what is not given stays
SELECT quay.proxy_cache_update('proxycache', upstream_registry => 'docker.io/bitnami', expiration_s => 2000, actor => 'proxyadmin');
SELECT upstream_namespace, expiration_s FROM quay.proxy_cache_get('proxycache');
SELECT username, password FROM quay.proxy_cache_credentials('proxycache');
-- credentials do not go to another host, nor in clear over the line
SELECT quay.proxy_cache_update('proxycache', insecure => true);
SELECT * FROM quay.proxy_cache_credentials('proxycache');
SELECT quay.proxy_cache_update('proxycache', username => 'you', password => 'secret2', insecure => false);
SELECT quay.proxy_cache_update('proxycache', upstream_registry => 'quay.io:443');
SELECT * FROM quay.proxy_cache_credentials('proxycache');
SELECT upstream_host, upstream_namespace FROM quay.proxy_cache_get('proxycache');
SELECT quay.proxy_cache_update('proxycache', username => 'you', password => 'secret2');
SELECT quay.proxy_cache_update('proxycache', clear_credentials => true, expiration_s => 1000);
SELECT * FROM quay.proxy_cache_credentials('proxycache');
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_update('proxycache', upstream_registry => 'localhost')$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_update('proxyother', insecure => true)$$);
SELECT organization, upstream_registry, expiration_s, insecure FROM quay.proxy_cache_list('proxyb');
SELECT pg_temp.attempt('SELECT quay.proxy_cache_list(n => -1)');
SELECT k.name, l.metadata_json, l.ip FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id WHERE k.name LIKE '%proxy%' ORDER BY l.id;
-- excluded by a mirror, by immutability policies and, if they are honoured, by immutable tags
SAVEPOINT exclusive;
INSERT INTO quay.namespaceimmutabilitypolicy (uuid, namespace_id, policy)
SELECT 'proxy', u.id, '{"tag_pattern":"v.*"}' FROM quay."user" AS u WHERE u.username = 'proxyother';
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_create('proxyother', 'docker.io')$$);
ROLLBACK TO SAVEPOINT exclusive;
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, is_enabled, mirror_type, external_registry_type, external_registry_url, external_namespace,
    external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval, sync_retries_remaining, sync_status, sync_transaction_id, skopeo_timeout)
SELECT u.id, now(), true, 1, 1, 'https://quay.io', 'x', '{}', r.id, '[]', 1, 60, 3, 0, 'x', 300 FROM quay."user" AS u, quay."user" AS r
WHERE u.username = 'proxyother' AND r.username = 'proxyother+puller';
SELECT left(pg_temp.attempt($$SELECT quay.proxy_cache_create('proxyother', 'docker.io')$$), 43);
ROLLBACK TO SAVEPOINT exclusive;
DO $$ BEGIN
    PERFORM quay.repository_create('proxyother', 'app', 'proxyadmin');
    PERFORM quay.manifest_put('proxyother', 'app', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8'), tags => ARRAY['v1']);
    UPDATE quay.tag AS t SET immutable = true FROM quay.repository AS r WHERE r.id = t.repository_id AND r.name = 'app' AND t.name = 'v1';
END $$;
SELECT quay.proxy_cache_create('proxyother', 'docker.io') > 0;
SELECT quay.proxy_cache_delete('proxyother');
SET LOCAL quay.immutable_tags = on;
SELECT left(pg_temp.attempt($$SELECT quay.proxy_cache_create('proxyother', 'docker.io')$$), 43);
ROLLBACK TO SAVEPOINT exclusive;

-- The first pull of an image by tag: nothing is known, then all is stored, the repository too
SELECT count(*) FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest', pg_temp.sha('x'));
SELECT pg_temp.image('config1', 'layer1:100', 'layer2:200') AS image1 \gset
SELECT digest = pg_temp.digest(:'image1'), media_type, pg_temp.at(lifetime_end_ms), created, evicted
FROM quay.proxy_manifest_put('proxycache', 'app', :'image1', tag => 'latest', actor => 'proxyreader', ip => '10.0.0.2');
SELECT r.name, v.name, quay.access_check('proxyreader', 'proxycache', 'app', 'read'), quay.access_check('proxyreader', 'proxycache', 'app', 'write')
FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'proxycache';
SELECT digest = pg_temp.digest(:'image1') AS same, media_type, placeholder, expired, immutable, servable, pg_temp.at(lifetime_end_ms) FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT digest = pg_temp.digest(:'image1') AS same, placeholder, expired, immutable, servable, pg_temp.at(lifetime_end_ms) FROM quay.proxy_tag_state('proxycache', 'app', pg_temp.digest(:'image1'));
SELECT manifest = :'image1' FROM quay.manifest_get('proxycache', 'app', 'latest');
-- blobs are placeholders, of the size that the manifest says, and are queued for a download
SELECT b.digest, b.size, b.locations FROM quay.blob_find_many('proxycache', 'app', ARRAY[pg_temp.sha('config1'), pg_temp.sha('layer1'), pg_temp.sha('layer2')]) AS b ORDER BY b.size;
SELECT replace(q.queue_name, '/' || r.id || '/', '/<id>/'), q.body::jsonb - 'repo_id', (q.body::jsonb ->> 'repo_id')::bigint = r.id, q.available_after, q.retries_remaining
FROM quay.queueitem AS q, quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE q.queue_name LIKE 'proxycacheblob/%' AND r.name = 'app' AND u.username = 'proxycache' ORDER BY q.queue_name;
-- the same again changes nothing, and queues nothing twice
SELECT created FROM quay.proxy_manifest_put('proxycache', 'app', :'image1', tag => 'latest');
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'proxycacheblob/%';
SELECT tag, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms) FROM quay.tag_history('proxycache', 'app');
-- not for the scanner until its bytes are here
SELECT status, index_status FROM quay.scan_get('proxycache', 'app', pg_temp.digest(:'image1'));
SELECT pg_temp.arrive('app', 'layer1'), pg_temp.arrive('app', 'config1'), pg_temp.arrive('app', 'layer2');
SELECT status, index_status FROM quay.scan_get('proxycache', 'app', pg_temp.digest(:'image1'));
SELECT quay.proxy_blob_arrived('proxycache', 'app', pg_temp.sha('layer1')), quay.proxy_blob_arrived('proxycache', 'app', pg_temp.sha('unknown')),
       quay.proxy_blob_arrived('proxycache', 'unknown', pg_temp.sha('layer1'));

-- Renewal: the same digest upstream
SET LOCAL quay.clock = '2026-03-01 12:05:00+00';
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest', pg_temp.digest(:'image1')), quay.proxy_tag_renew('proxycache', 'app', 'latest', pg_temp.sha('other'));
SELECT tag, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms) FROM quay.tag_history('proxycache', 'app');
-- an expired tag is served no more unasked, and begins a new period when it is renewed
SET LOCAL quay.clock = '2026-03-01 12:30:00+00';
SELECT placeholder, expired, servable, pg_temp.at(lifetime_end_ms) FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT placeholder, expired, servable FROM quay.proxy_tag_state('proxycache', 'app', pg_temp.digest(:'image1'));
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest', pg_temp.digest(:'image1'));
SELECT tag, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms), live FROM quay.tag_history('proxycache', 'app');
-- another digest upstream: the tag moves
SET LOCAL quay.clock = '2026-03-01 12:31:00+00';
SELECT pg_temp.image('config2', 'layer1:100', 'layer3:300') AS image2 \gset
SELECT digest = pg_temp.digest(:'image2'), pg_temp.at(lifetime_end_ms), created FROM quay.proxy_manifest_put('proxycache', 'app', :'image2', tag => 'latest');
SELECT digest = pg_temp.digest(:'image2') AS second, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms), live FROM quay.tag_history('proxycache', 'app');
-- without an expiration tags stay for ever
SELECT quay.proxy_cache_update('proxycache', expiration_s => 0);
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest');
SELECT placeholder, expired, servable, lifetime_end_ms FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT quay.proxy_cache_update('proxycache', expiration_s => 1000);
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest');
SELECT pg_temp.at(lifetime_end_ms) FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
-- an immutable tag stays where it is
SAVEPOINT immutable;
SET LOCAL quay.immutable_tags = on;
UPDATE quay.tag AS t SET immutable = true, lifetime_end_ms = NULL FROM quay.manifest AS m WHERE m.id = t.manifest_id AND m.digest = pg_temp.digest(:'image2');
SELECT immutable, servable, lifetime_end_ms FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT digest = pg_temp.digest(:'image2') AS old_one, created FROM quay.proxy_manifest_put('proxycache', 'app', pg_temp.image('config9', 'layer9:9'), tag => 'latest');
SELECT quay.proxy_tag_renew('proxycache', 'app', 'latest', pg_temp.digest(:'image2'));
SELECT lifetime_end_ms FROM quay.proxy_tag_state('proxycache', 'app', 'latest');
SELECT count(*) FROM quay.manifest WHERE digest = pg_temp.digest(pg_temp.image('config9', 'layer9:9'));
ROLLBACK TO SAVEPOINT immutable;

-- By digest: a temporary tag, renewed
SELECT digest = pg_temp.digest(:'image1'), created, pg_temp.at(lifetime_end_ms) FROM quay.proxy_manifest_put('proxycache', 'bydigest', :'image1', expected_digest => pg_temp.digest(:'image1'));
SELECT t.hidden, pg_temp.at(t.lifetime_end_ms) FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name = 'bydigest';
SET LOCAL quay.clock = '2026-03-01 12:32:00+00';
SELECT quay.proxy_tag_renew('proxycache', 'bydigest', pg_temp.digest(:'image1'));
SELECT t.hidden, pg_temp.at(t.lifetime_end_ms) FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name = 'bydigest';
-- of which nothing is left: it gets another one
DELETE FROM quay.tag AS t USING quay.repository AS r WHERE r.id = t.repository_id AND r.name = 'bydigest';
SELECT expired, servable, lifetime_end_ms FROM quay.proxy_tag_state('proxycache', 'bydigest', pg_temp.digest(:'image1'));
SELECT quay.proxy_tag_renew('proxycache', 'bydigest', pg_temp.digest(:'image1'));
SELECT t.hidden, pg_temp.at(t.lifetime_end_ms) FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name = 'bydigest';
SELECT pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L, expected_digest => %L)', 'proxycache', 'bydigest', :'image1'::bytea, pg_temp.sha('x')));
-- whose blobs are here already is for the scanner at once
SELECT status, index_status FROM quay.scan_get('proxycache', 'bydigest', pg_temp.digest(:'image1'));

-- An index: its children are placeholders, which a child listed twice and a subject do not trouble
SELECT pg_temp.image('config4', 'layer4:400') AS child1, pg_temp.image('config5', 'layer5:500') AS child2 \gset
SELECT pg_temp.index(',"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"' || pg_temp.sha('subject') || '","size":7}',
                     :'child1', :'child2', :'child1') AS list \gset
SELECT created, media_type, pg_temp.at(lifetime_end_ms) FROM quay.proxy_manifest_put('proxycache', 'multi', :'list', tag => 'all');
SELECT m.digest = pg_temp.digest(:'list') AS list, m.digest = pg_temp.digest(:'child1') AS child1, y.name, m.manifest_bytes = '' AS empty, m.layers_compressed_size,
       m.subject = pg_temp.sha('subject') AS subject, s.index_status, t.hidden, pg_temp.at(t.lifetime_end_ms),
       (SELECT count(*) FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id) AS parents
FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id JOIN quay.repository AS r ON r.id = m.repository_id
LEFT JOIN quay.manifestsecuritystatus AS s ON s.manifest_id = m.id LEFT JOIN quay.tag AS t ON t.manifest_id = m.id
WHERE r.name = 'multi' ORDER BY m.digest = pg_temp.digest(:'list'), m.digest = pg_temp.digest(:'child1');
SELECT placeholder, expired, servable FROM quay.proxy_tag_state('proxycache', 'multi', pg_temp.digest(:'child1'));
SELECT count(*) FROM quay.manifest_get('proxycache', 'multi', pg_temp.digest(:'child1'));
SELECT quay.proxy_tag_renew('proxycache', 'multi', pg_temp.digest(:'child1'));
-- the child is filled, and keeps its temporary tag, which is renewed as the tag of the index is
SET LOCAL quay.clock = '2026-03-01 12:33:00+00';
SELECT created, pg_temp.at(lifetime_end_ms) FROM quay.proxy_manifest_put('proxycache', 'multi', :'child1', expected_digest => pg_temp.digest(:'child1'));
SELECT manifest = :'child1', size FROM quay.manifest_get('proxycache', 'multi', pg_temp.digest(:'child1'));
SELECT t.name = 'all' AS "all", t.hidden, m.digest = pg_temp.digest(:'child1') AS child1, pg_temp.at(t.lifetime_end_ms), m.layers_compressed_size
FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name = 'multi' ORDER BY 1, 3;
SET LOCAL quay.clock = '2026-03-01 12:34:00+00';
SELECT quay.proxy_tag_renew('proxycache', 'multi', pg_temp.digest(:'child1'), pg_temp.digest(:'child1'));
SELECT t.name = 'all' AS "all", m.digest = pg_temp.digest(:'child1') AS child1, pg_temp.at(t.lifetime_end_ms)
FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name = 'multi' ORDER BY 1, 2;

-- Labels of the upstream registry are no rules here; a robot from elsewhere may pull, but gets no right
SELECT created, pg_temp.at(lifetime_end_ms) FROM quay.proxy_manifest_put('proxycache', 'labelled', pg_temp.index(',"annotations":{"quay.expires-after":"1s","quay.immutable":"true"}', :'child1'),
    tag => 'v1', visibility => 'public', actor => 'proxyother+puller');
SELECT v.name, (SELECT count(*) FROM quay.manifestlabel AS l WHERE l.repository_id = r.id), (SELECT count(*) FROM quay.repositorypermission AS p WHERE p.repository_id = r.id)
FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id WHERE r.name = 'labelled';

-- What cannot be stored
SELECT pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L)', 'proxyother', 'app', :'image1'::bytea));
SELECT pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L, tag => %L)', 'proxycache', 'app', :'image1'::bytea, '$bad'));
SELECT left(pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L)', 'proxycache', 'app', 'not json'::bytea)), 5);
SELECT left(pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L, actor => %L)', 'proxycache', 'app', :'image1'::bytea, 'proxynobody')), 5);
SELECT quay.repository_set_state('proxycache', 'app', 'read_only');
SELECT left(pg_temp.attempt(format('SELECT quay.proxy_manifest_put(%L, %L, %L)', 'proxycache', 'app', pg_temp.image('config8', 'layer8:8'))), 5);
SELECT quay.repository_set_state('proxycache', 'app', 'normal');
SELECT pg_temp.attempt($$SELECT quay.proxy_tag_renew('proxyother', 'app', 'latest')$$);

-- Room under a quota. Another cache, with images of a hundred bytes and a shared base of fifty, ending one after the other.
SELECT quay.proxy_cache_create('proxyother', 'docker.io', expiration_s => 3600) > 0;
CREATE FUNCTION pg_temp.put(name text, tag text, at text, VARIADIC layers text[]) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('quay.clock', '2026-03-02 ' || at || '+00', true);
    RETURN (quay.proxy_manifest_put('proxyother', name, pg_temp.image(name || '-config', VARIADIC layers), tag => tag)).evicted;
END $$;
CREATE VIEW pg_temp.cache AS
    SELECT r.name, t.name AS tag, m.manifest_bytes <> '' AS here, to_char(to_timestamp(t.lifetime_end_ms / 1000.0) AT TIME ZONE 'UTC', 'DD HH24:MI:SS.MS') AS "end"
    FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id JOIN quay.repository AS r ON r.id = t.repository_id
    JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'proxyother' AND NOT t.hidden ORDER BY t.id;
CREATE FUNCTION pg_temp.size() RETURNS bigint LANGUAGE sql AS $$ SELECT quay_internal.size_of(u.id) FROM quay."user" AS u WHERE u.username = 'proxyother' $$;
SELECT pg_temp.put('a', 'v1', '10:00:00', 'base:50', 'a:90'), pg_temp.put('b', 'v1', '10:10:00', 'base:50', 'b:90'), pg_temp.put('c', 'v1', '10:20:00', 'c:90');
SELECT pg_temp.put('a', 'v2', '10:30:00', 'base:50', 'a:90');      -- so a outlives b and c
SELECT pg_temp.size();
-- what would go: b frees its own hundred bytes only, since a has the base too
SELECT repository, tags, freed_bytes, to_timestamp(lifetime_end_ms / 1000) AT TIME ZONE 'UTC' FROM quay.proxy_evict('proxyother', 101, dry_run => true);
SELECT repository, freed_bytes FROM quay.proxy_evict('proxyother', 100, dry_run => true);
SELECT repository, freed_bytes, tags FROM quay.proxy_evict('proxyother', 201, dry_run => true);
SELECT pg_temp.attempt($$SELECT quay.proxy_evict('proxyother', 351)$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_evict('proxyother', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.proxy_evict('proxynobody', 1)$$);
SELECT * FROM pg_temp.cache;
SELECT pg_temp.size();
-- for real
SELECT repository, tags, freed_bytes FROM quay.proxy_evict('proxyother', 100);
SELECT * FROM pg_temp.cache;
SELECT pg_temp.size();
SELECT placeholder, expired, servable FROM quay.proxy_tag_state('proxyother', 'b', 'v1');
SELECT quay.proxy_tag_renew('proxyother', 'b', 'v1');
SELECT pg_temp.put('b', 'v1', '10:40:00', 'base:50', 'b:90');      -- back again
SELECT placeholder, expired, servable FROM quay.proxy_tag_state('proxyother', 'b', 'v1');
SELECT pg_temp.size();
-- with a limit: 350 of 400 bytes are there
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) SELECT u.id, 400 FROM quay."user" AS u WHERE u.username = 'proxyother';
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT q.id, t.id, 100 FROM quay.userorganizationquota AS q JOIN quay."user" AS u ON u.id = q.namespace_id, quay.quotatype AS t WHERE u.username = 'proxyother' AND t.name = 'Reject';
SELECT pg_temp.put('d', 'v1', '10:50:00', 'd:30');                 -- fits
SELECT pg_temp.size();
SELECT pg_temp.put('e', 'v1', '10:51:00', 'c:90', 'e:190');        -- c goes, but the layer of it that e has is no gain: a goes too
SELECT * FROM pg_temp.cache;
SELECT pg_temp.size();
SELECT pg_temp.attempt($$SELECT pg_temp.put('f', 'v1', '10:52:00', 'f:390')$$);
SELECT * FROM pg_temp.cache;
-- an index needs no room; expired tags go before live ones
SELECT evicted FROM quay.proxy_manifest_put('proxyother', 'list', :'list', tag => 'all');
SELECT pg_temp.put('g', 'v1', '20:00:00', 'g:80');
SELECT * FROM pg_temp.cache;
SELECT pg_temp.size();
-- tags without an end stay
UPDATE quay.tag AS t SET lifetime_end_ms = NULL FROM quay.repository AS r WHERE r.id = t.repository_id AND r.name = 'g';
SELECT pg_temp.attempt($$SELECT quay.proxy_evict('proxyother', 291)$$);
SELECT repository, tags, freed_bytes FROM quay.proxy_evict('proxyother', 290);
SELECT * FROM pg_temp.cache;
-- what is evicted has no blobs, children or labels any more, and is not for the scanner
SELECT count(*) > 0, count(*) FILTER (WHERE m.layers_compressed_size IS NOT NULL
       OR EXISTS (SELECT FROM quay.manifestblob AS b WHERE b.manifest_id = m.id) OR EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.manifest_id = m.id)
       OR EXISTS (SELECT FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = m.id AND s.index_status <> -2))
FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE u.username = 'proxyother' AND m.manifest_bytes = '';
-- an index goes with its children, unless another tag holds one of them
DELETE FROM quay.quotalimits AS l USING quay.userorganizationquota AS q, quay."user" AS u WHERE q.id = l.quota_id AND u.id = q.namespace_id AND u.username = 'proxyother';
SELECT created FROM quay.proxy_manifest_put('proxyother', 'list', :'list', tag => 'all');
SELECT created FROM quay.proxy_manifest_put('proxyother', 'list', :'child1', expected_digest => pg_temp.digest(:'child1'));
SELECT repository, tags, freed_bytes FROM quay.proxy_evict('proxyother', 1, dry_run => true) ORDER BY freed_bytes;
SET LOCAL quay.clock = '2026-03-02 20:10:00+00';
SELECT created FROM quay.proxy_manifest_put('proxyother', 'list', :'child1', tag => 'one');
SELECT created FROM quay.proxy_manifest_put('proxyother', 'list', :'child2', expected_digest => pg_temp.digest(:'child2'));
SET LOCAL quay.clock = '2026-03-02 20:20:00+00';
SELECT quay.proxy_tag_renew('proxyother', 'list', 'one', pg_temp.digest(:'child1'));
SELECT repository, tags, freed_bytes FROM quay.proxy_evict('proxyother', 1) ORDER BY freed_bytes;
SELECT reference, placeholder, expired FROM unnest(ARRAY['all', 'one', pg_temp.digest(:'child2')]) WITH ORDINALITY AS x (reference, i)
CROSS JOIN LATERAL quay.proxy_tag_state('proxyother', 'list', x.reference) ORDER BY x.i;
-- an immutable tag stays too, if such tags are honoured
SET LOCAL quay.immutable_tags = on;
UPDATE quay.tag AS t SET immutable = true FROM quay.repository AS r WHERE r.id = t.repository_id AND r.name = 'list' AND t.name = 'one' AND t.lifetime_end_ms > 1772482800000;
SELECT left(pg_temp.attempt($$SELECT quay.proxy_evict('proxyother', 1)$$), 5);
SET LOCAL quay.immutable_tags = off;
SELECT repository, tags, freed_bytes FROM quay.proxy_evict('proxyother', 1);
SELECT pg_temp.size();

-- The end of a cache
SELECT quay.proxy_cache_delete('proxyother', 'proxyadmin'), quay.proxy_cache_delete('proxyother');
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'proxycacheblob/proxyother/%';
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'proxycacheblob/proxycache/%';
SELECT pg_temp.attempt($$SELECT quay.proxy_cache_delete('proxyadmin')$$);
ROLLBACK;
