-- On top of fixture.sql, rows as only version 1.2 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

CREATE FUNCTION pg_temp.digest(content bytea) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(content), 'hex') $$;
CREATE FUNCTION pg_temp.blob(namespace text, repository text, content text) RETURNS text LANGUAGE sql AS $$
    SELECT b.digest FROM quay.blob_put(namespace, repository, pg_temp.digest(convert_to(content, 'UTF8')), convert_to(content, 'UTF8')) AS b $$;
CREATE FUNCTION pg_temp.image_text(config text, layer text) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},'
        '"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}]}',
        pg_temp.digest(convert_to(config, 'UTF8')), length(config), pg_temp.digest(convert_to(layer, 'UTF8')), length(layer)), 'UTF8') $$;
CREATE FUNCTION pg_temp.index_text(VARIADIC children bytea[]) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        string_agg(format('{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s,"platform":{"architecture":"amd64","os":"linux"}}',
                          pg_temp.digest(c), length(c)), ',')), 'UTF8') FROM unnest(children) AS c $$;
CREATE FUNCTION pg_temp.push(namespace text, repository text, layer text, VARIADIC tags text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.blob(namespace, repository, '{"architecture":"amd64","os":"linux"}'), pg_temp.blob(namespace, repository, layer);
    RETURN (quay.manifest_put(namespace, repository, pg_temp.image_text('{"architecture":"amd64","os":"linux"}', layer), tags => tags)).digest;
END $$;

SELECT count(quay.organization_create(o, o || '@example.com', 'fixture_alice'))
FROM unnest(ARRAY['fixture_lab', 'fixture_copies', 'fixture_proxy', 'fixture_full']) AS o;
SELECT count(r.username) FROM unnest(ARRAY['fixture_lab', 'fixture_copies']) AS o CROSS JOIN LATERAL quay.robot_create(o, 'bot') AS r;
SELECT count(quay.repository_create('fixture_lab', r, 'fixture_alice')) FROM unnest(ARRAY['app', 'tool', 'copy', 'gone']) AS r;
SELECT quay.repository_create('fixture_full', 'app', 'fixture_alice') > 0;

-- Tags that end, are immutable, have ended, are restored.
SELECT pg_temp.push('fixture_lab', 'app', 'first layer', 'v1', 'v2', 'old', 'soon') AS first \gset
SELECT pg_temp.push('fixture_lab', 'app', 'second layer', 'v2', 'nightly') AS second \gset
SELECT pg_temp.push('fixture_lab', 'tool', 'second layer', 'latest') = :'second';
SELECT lifetime_end_ms FROM quay.tag_set_expiration('fixture_lab', 'app', 'soon', timestamptz '2099-01-01');
SELECT quay.tag_set_immutable('fixture_lab', 'app', 'v1', true);
SELECT quay.tag_delete('fixture_lab', 'app', 'old');
SELECT quay.tag_delete('fixture_lab', 'app', 'nightly');
SELECT tag FROM (SELECT quay.tag_restore('fixture_lab', 'app', 'nightly')) AS t (tag);

-- Labels, and manifests of the other kinds: an index of which one child is missing, a referrer, Docker schema 1.
SELECT quay.label_add('fixture_lab', 'app', :'first', 'team', 'lab') IS NOT NULL;
SET quay.sparse_index = on;
SELECT digest IS NOT NULL FROM quay.manifest_put('fixture_lab', 'app',
    pg_temp.index_text(pg_temp.image_text('{"architecture":"amd64","os":"linux"}', 'first layer'), 'not here yet'), tags => ARRAY['multi']);
RESET quay.sparse_index;
SELECT digest IS NOT NULL FROM quay.manifest_put('fixture_lab', 'app', convert_to(format(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.example.sbom",'
    '"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"%s","size":2},"layers":[],'
    '"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}}',
    pg_temp.blob('fixture_lab', 'app', '{}'), :'first', length(pg_temp.image_text('{"architecture":"amd64","os":"linux"}', 'first layer'))), 'UTF8'));
SELECT digest IS NOT NULL FROM quay.blob_shared_ensure();
SELECT digest IS NOT NULL FROM quay.manifest_put('fixture_lab', 'app',
    convert_to('{"schemaVersion":1,"name":"fixture_lab/app","tag":"ancient","architecture":"amd64","fsLayers":[{"blobSum":"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"}],"history":[{"v1Compatibility":"{\"id\": \"top\", \"Size\": 5}"}]}', 'UTF8'),
    'application/vnd.docker.distribution.manifest.v1+json', ARRAY['ancient']);

-- Policies, a quota, an upload that has reserved bytes of it; a namespace that has more than its quota allows.
SELECT quay.autoprune_policy_create('fixture_lab', 'number_of_tags', '100') IS NOT NULL;
SELECT quay.autoprune_policy_create('fixture_lab', 'creation_date', '52w', '^nightly', repository => 'app') IS NOT NULL;
SET quay.immutable_tags = on;
SELECT uuid IS NOT NULL FROM quay.immutability_policy_create('fixture_lab', 'release-.*');
SELECT uuid IS NOT NULL FROM quay.immutability_policy_create('fixture_lab', 'v[0-9]+', repository => 'tool');
RESET quay.immutable_tags;
SELECT created FROM quay.quota_set('fixture_lab', 1000000);
SELECT quay.quota_limit_add('fixture_lab', 'Warning', 80) > 0, quay.quota_limit_add('fixture_lab', 'Reject', 100) > 0;
SELECT upload IS NOT NULL FROM quay.upload_start('fixture_lab', 'app', uuid => 'fixture-1.2', size => 5000);
SELECT quay.upload_append('fixture_lab', 'app', 'fixture-1.2', 'some bytes');
SELECT pg_temp.push('fixture_full', 'app', 'a layer that is more than was allowed later', 'latest') IS NOT NULL;
SELECT created FROM quay.quota_set('fixture_full', 10);
SELECT quay.quota_limit_add('fixture_full', 'Reject', 100) > 0;

-- Mirrors of a repository and of an organization, whose synchronizations are under way; hosts that they may name.
INSERT INTO quay.allowed_upstream_host (host) VALUES ('registry.internal');
SELECT quay.repository_set_state('fixture_lab', 'copy', 'mirror');
SELECT quay.mirror_create('fixture_lab', 'copy', 'registry.internal/acme/app', 'fixture_lab+bot', ARRAY['latest', 'v1.*'], 3600,
    external_username => 'puller', external_password => 'sesame') > 0;
SELECT count(*) FROM quay.mirror_claim();
SELECT quay.org_mirror_create('fixture_copies', 'quay', 'https://quay.io', 'acme', 'fixture_copies+bot', 3600) > 0;
SELECT count(*) FROM quay.org_mirror_claim() AS c CROSS JOIN LATERAL quay.org_mirror_sync_discovered(c.org_mirror_id, c.transaction_id, ARRAY['app', 'tool']);

-- A proxy cache: the manifest is here, its blobs and one child of the index are only known.
SELECT quay.proxy_cache_create('fixture_proxy', 'docker.io/library', 'me', 'secret') > 0;
SELECT created FROM quay.proxy_manifest_put('fixture_proxy', 'app', pg_temp.image_text('{}', 'cached layer'), tag => 'latest');
SELECT created FROM quay.proxy_manifest_put('fixture_proxy', 'app', pg_temp.index_text(pg_temp.image_text('{}', 'cached layer'), 'only known'), tag => 'multi');

-- What scanners and pulls leave.
SELECT r.accepted FROM quay.scan_claim('fixture hash', 1) AS c CROSS JOIN LATERAL quay.scan_report(c.manifest_id, c.claim, 'completed', 'fixture hash') AS r;
SELECT count(*) FROM quay.scan_claim('fixture hash', 1);
SELECT quay.pull_record('fixture_lab', 'app', :'first', 'v1', 3);

-- Garbage: in a repository all that is left of a tag is collected, of its blobs one is in the hands of a client that deletes the bytes.
SET quay.clock = '2026-03-04 05:06:07+00';
SELECT pg_temp.push('fixture_lab', 'gone', 'a layer that nobody needs', 'latest') AS unneeded \gset
SELECT pg_temp.blob('fixture_lab', 'gone', 'another one') IS NOT NULL;
UPDATE quay.manifestsecuritystatus AS s SET index_status = 2 FROM quay.manifest AS m WHERE m.id = s.manifest_id AND m.digest = :'unneeded';
SELECT quay.tag_delete('fixture_lab', 'gone', 'latest');
SET quay.clock = '2026-05-04 05:06:07+00';
CALL quay.gc_run_all();
SET quay.clock = '2026-05-05 05:06:07+00';
CALL quay.gc_run_all();
RESET quay.clock;
SELECT count(*) FROM quay.gc_storage_take(1, 100000);
