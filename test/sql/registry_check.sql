-- A healthy registry breaks no rule; each rule broken on purpose is reported, with what it is about.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.digest(content text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;
CREATE FUNCTION pg_temp.push(namespace text, repository text, tags text[], layer text, more text DEFAULT ',"annotations":{"a":"1"}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['{}', layer] LOOP
        PERFORM quay.upload_finish(namespace, repository, (quay.upload_start(namespace, repository)).upload, pg_temp.digest(content), convert_to(content, 'UTF8'));
    END LOOP;
    RETURN (quay.manifest_put(namespace, repository, convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2},'
        '"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}]%s}',
        pg_temp.digest('{}'), pg_temp.digest(layer), length(layer), more), 'UTF8'), NULL, tags)).digest;
END $$;
SELECT quay.user_create('rck-alice', 'password', 'rck-alice@rck.example') IS NOT NULL AS alice;
SELECT quay.user_create('rck-bob', 'password', 'rck-bob@rck.example') IS NOT NULL AS bob;
SELECT quay.organization_create('rck-org', 'rck-org@rck.example', 'rck-alice') IS NOT NULL AS organization;
SELECT count(quay.team_create('rck-org', t, 'member', '')) FROM unnest('{devs,ops}'::text[]) AS t;
SELECT username FROM quay.robot_create('rck-org', 'ci');
SELECT username FROM quay.robot_create('rck-bob', 'ci');
SELECT count(quay.repository_create(n, r, n)) FROM (VALUES ('rck-alice', 'app'), ('rck-alice', 'lib'), ('rck-bob', 'app')) AS t (n, r);
SELECT count(quay.repository_create('rck-org', 'app', 'rck-alice'));
SELECT count(quay.permission_set('rck-org', 'app', 'team', t, 'read')) FROM unnest('{devs,ops}'::text[]) AS t;
SELECT count(pg_temp.push(n, r, t, l)) FROM (VALUES (1, 'rck-alice', 'app', '{v1}'::text[], 'layer'), (2, 'rck-alice', 'lib', '{v1}', 'layer'),
    (3, 'rck-bob', 'app', '{v1}', 'layer'), (4, 'rck-alice', 'app', '{v2,v3}', 'other'), (5, 'rck-org', 'app', '{v1}', 'org')) AS t (place, n, r, t, l);
SELECT (quay.manifest_put('rck-alice', 'app', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","digest":"%s","size":%s}]}',
    media_type, digest, size), 'UTF8'), tags => '{multi}')).created FROM quay.tag_resolve('rck-alice', 'app', 'v1');
SELECT pg_temp.push('rck-alice', 'app', '{}', 'signature', format(',"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":1}', digest)) IS NOT NULL AS referrer
FROM quay.tag_resolve('rck-alice', 'app', 'v1');
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT (quay.tag_set('rck-alice', 'app', 'v1', 'v2')).tag_id IS NOT NULL AS moved;
SELECT quay.tag_delete('rck-alice', 'app', 'v3');
SELECT quay.pull_record('rck-alice', 'app', digest, 'v1') FROM quay.tag_resolve('rck-alice', 'app', 'v1');
SELECT count(*) FROM generate_series(1, 2) CROSS JOIN LATERAL quay.upload_start('rck-alice', 'app');
SET LOCAL quay.clock = '2026-03-02 12:10:00+00';

CREATE FUNCTION pg_temp.repository(namespace text, name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = namespace AND r.name = repository.name $$;
CREATE FUNCTION pg_temp.manifest(namespace text, name text, tag text) RETURNS bigint LANGUAGE sql AS $$ SELECT manifest_id FROM quay.tag_resolve(namespace, name, tag) $$;
CREATE FUNCTION pg_temp.blob(content text) RETURNS bigint LANGUAGE sql AS $$ SELECT b.id FROM quay.imagestorage AS b WHERE b.content_checksum = pg_temp.digest(content) $$;
CREATE FUNCTION pg_temp.account(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT u.id FROM quay."user" AS u WHERE u.username = account.name $$;
-- What is found after a statement that no trigger has seen, and which is then taken back. Of other tests nothing may be left but what is old.
CREATE FUNCTION pg_temp.broken(statement text, namespace text DEFAULT NULL, "limit" integer DEFAULT 1000) RETURNS TABLE (rule text, severity text, object text, detail text) LANGUAGE plpgsql AS $$
DECLARE
    findings text[];
BEGIN
    BEGIN
        PERFORM set_config('session_replication_role', 'replica', true);
        EXECUTE statement;
        PERFORM set_config('session_replication_role', 'origin', true);
        findings := ARRAY(SELECT jsonb_build_object('rule', c.rule, 'severity', c.severity, 'object', c.object, 'detail', c.detail)::text
                          FROM quay.registry_check(broken.namespace, n => broken.limit) AS c);
        RAISE EXCEPTION USING ERRCODE = 'QYUND';
    EXCEPTION WHEN SQLSTATE 'QYUND' THEN
        NULL;
    END;
    RETURN QUERY
        SELECT f ->> 'rule', f ->> 'severity', regexp_replace(f ->> 'object', '[0-9a-f]{60,}', '…'),
               regexp_replace(regexp_replace(f ->> 'detail', '[0-9a-f]{60,}', '…'), '\y(Rows?|row|[Mm]anifest|[Bb]lob|[Tt]eam|label|index|Permission|Repository|person:) \d+(, \d+)*', '\1 N', 'g')
        FROM unnest(findings) AS x (t), jsonb(t) AS f
        ORDER BY 1, 3, 4;
END $$;
SELECT * FROM pg_temp.broken('SELECT 1');
SELECT * FROM pg_temp.broken('SELECT 1', 'rck-alice');
SELECT rule, severity, by_namespace FROM quay.registry_check_rules();
SELECT count(*) AS rules, count(DISTINCT rule) AS names, bool_and(meaning ~ '\.$' AND repair ~ '\.$' AND severity IN ('error', 'warning', 'info')) AS complete FROM quay.registry_check_rules();

-- Tags
SELECT * FROM pg_temp.broken($$INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
    SELECT t.name, t.repository_id, t.manifest_id, t.lifetime_start_ms + 1, 2000000000000, t.tag_kind_id FROM quay.tag AS t WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET lifetime_end_ms = t.lifetime_end_ms + 1 WHERE t.name = 'v1' AND t.lifetime_end_ms IS NOT NULL AND t.repository_id = pg_temp.repository('rck-alice', 'app')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET immutable = true, lifetime_end_ms = 2000000000000 WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$) AS features_off;
SET LOCAL quay.immutable_tags = on;
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET immutable = true, lifetime_end_ms = 2000000000000 WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET immutable = true, lifetime_end_ms = 2000000000000 WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
RESET quay.immutable_tags;
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET hidden = true WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET name = '$temp-x' WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET manifest_id = pg_temp.manifest('rck-bob', 'app', 'v1') WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET manifest_id = NULL WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.tag AS t SET ended = true WHERE t.name = 'v1' AND t.lifetime_end_ms IS NULL AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay_internal.gc_review WHERE kind = 't'; SELECT 1$$);

-- Manifests. What the triggers see has a review, and is not reported.
SELECT * FROM pg_temp.broken($$UPDATE quay.manifest AS m SET manifest_bytes = m.manifest_bytes || ' ' WHERE m.id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifest AS m SET manifest_bytes = '' WHERE m.id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$) AS only_known;
SELECT * FROM pg_temp.broken($$UPDATE quay.manifest AS m SET digest = 'md5:abcd' WHERE m.id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifest AS m SET digest = 'sha512:' || encode(sha512(convert_to(m.manifest_bytes, 'UTF8')), 'hex') WHERE m.id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifest AS m SET digest = 'sha256:ab', media_type_id = y.id FROM quay.mediatype AS y
    WHERE m.id = pg_temp.manifest('rck-alice', 'lib', 'v1') AND y.name = 'application/vnd.docker.distribution.manifest.v1+prettyjws'$$) AS signed;
SELECT * FROM pg_temp.broken($$DELETE FROM quay_internal.gc_review AS v WHERE v.kind = 'm'; DELETE FROM quay.tag AS t WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$);
SELECT * FROM pg_temp.broken($$SET LOCAL session_replication_role = origin; DELETE FROM quay_internal.gc_review AS v WHERE v.kind = 'm'; DELETE FROM quay.tag AS t WHERE t.name = 'v1' AND t.repository_id = pg_temp.repository('rck-alice', 'lib')$$) AS collector_knows;
SELECT * FROM pg_temp.broken($$UPDATE quay.manifestchild AS c SET repository_id = pg_temp.repository('rck-bob', 'app') WHERE c.repository_id = pg_temp.repository('rck-alice', 'app')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifestblob AS x SET repository_id = pg_temp.repository('rck-bob', 'app') WHERE x.manifest_id = pg_temp.manifest('rck-alice', 'lib', 'v1') AND x.blob_id = pg_temp.blob('layer')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifestlabel AS x SET repository_id = pg_temp.repository('rck-bob', 'app') WHERE x.manifest_id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifestsecuritystatus AS x SET repository_id = pg_temp.repository('rck-bob', 'app') WHERE x.manifest_id = pg_temp.manifest('rck-alice', 'lib', 'v1')$$);

-- Blobs, labels, uploads. A namespace that caches another registry may know blobs that it does not hold.
SELECT * FROM pg_temp.broken($$DELETE FROM quay.imagestorageplacement AS p WHERE p.storage_id = pg_temp.blob('org')$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay.imagestorageplacement AS p WHERE p.storage_id = pg_temp.blob('org');
    INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry) VALUES (pg_temp.account('rck-org'), '2026-03-01', 'registry.example')$$) AS caches;
SELECT * FROM pg_temp.broken($$UPDATE quay.imagestorage AS b SET content_checksum = NULL, uuid = 'rck' WHERE b.id = pg_temp.blob('org')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.imagestorage AS b SET uncompressed_size = -1 WHERE b.id = pg_temp.blob('org')$$);
SELECT rule, severity, detail FROM pg_temp.broken($$INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('rck', 0, true, pg_temp.digest('unused'))$$);
SELECT * FROM pg_temp.broken($$SET LOCAL session_replication_role = origin; INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('rck', 7, true, pg_temp.digest('unused'))$$) AS collector_knows;
SELECT * FROM pg_temp.broken($$INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('rck', 0, true, 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4')$$) AS empty_layer;
SELECT * FROM pg_temp.broken($$INSERT INTO quay_internal.blob_deletion (blob_id, due_ms) VALUES (pg_temp.blob('org'), 0)$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('rck', 0, true, pg_temp.digest('unused'));
    INSERT INTO quay_internal.blob_deletion (blob_id, due_ms, attempts, last_error) VALUES (pg_temp.blob('unused'), 0, 5, 'access denied')$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id) SELECT 'rck', 'rck', '', m.id, s.id FROM quay.mediatype AS m, quay.labelsourcetype AS s WHERE m.name = 'text/plain' AND s.name = 'api'$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.blobupload AS b SET created = '2026-02-28 11:59:59', uuid = 'rck' WHERE b.id = (SELECT min(x.id) FROM quay.blobupload AS x WHERE x.repository_id = pg_temp.repository('rck-alice', 'app'))$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.uploadedblob AS u SET expires_at = '2026-03-01 11:59:59' WHERE u.id = (SELECT min(x.id) FROM quay.uploadedblob AS x WHERE x.repository_id = pg_temp.repository('rck-alice', 'lib'))$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay_internal.gc_review (kind, object_id, due_ms) VALUES ('t', 0, 1772366399999), ('t', 0, 1772366399999), ('n', 0, 1772452800000)$$);

-- Sizes
SELECT * FROM pg_temp.broken($$DELETE FROM quay_internal.blob_use AS u WHERE u.blob_id = pg_temp.blob('org') AND u.repository_id <> 0$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay_internal.blob_use AS u WHERE u.blob_id = pg_temp.blob('org') AND u.repository_id = 0$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay.manifestblob AS x WHERE x.blob_id = pg_temp.blob('org')$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay.manifestblob AS x WHERE x.blob_id = pg_temp.blob('org');
    INSERT INTO quay_internal.gc_review (kind, object_id, repository_id, due_ms) VALUES ('u', pg_temp.blob('org'), pg_temp.repository('rck-org', 'app'), 1772452800000)$$) AS collector_knows;
SELECT * FROM pg_temp.broken($$UPDATE quay_internal.blob_use AS u SET size = u.size + 1 WHERE u.blob_id = pg_temp.blob('org')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.imagestorage AS b SET image_size = b.image_size + 1 WHERE b.id = pg_temp.blob('org')$$, 'rck-org');
SELECT * FROM pg_temp.broken($$UPDATE quay_internal.size_counter AS c SET used = c.used + 1 WHERE c.namespace_id = pg_temp.account('rck-org')$$);
SELECT rule, object FROM pg_temp.broken($$UPDATE quay_internal.size_counter AS c SET used = c.used + 1 WHERE c.namespace_id = 0$$);
SELECT * FROM pg_temp.broken($$UPDATE quay_internal.size_counter AS c SET used = -1 WHERE c.namespace_id = pg_temp.account('rck-org') AND c.repository_id = 0$$);
SELECT * FROM pg_temp.broken($$UPDATE quay_internal.size_counter AS c SET reserved = c.reserved + 5 WHERE c.namespace_id = pg_temp.account('rck-org') AND c.repository_id = 0$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.blobupload AS b SET reserved_bytes = 5 WHERE b.repository_id = pg_temp.repository('rck-alice', 'app')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay_internal.size_counter AS c SET used = c.used + 1 WHERE c.namespace_id = pg_temp.account('rck-org')$$, 'rck-alice') AS another_namespace;
SELECT count(*) FROM pg_temp.broken($$DELETE FROM quay_internal.blob_use AS u WHERE u.namespace_id = pg_temp.account('rck-alice')$$, 'rck-alice', 2);

-- Accounts
SELECT * FROM pg_temp.broken($$UPDATE quay.repository AS r SET namespace_user_id = pg_temp.account('rck-org+ci') WHERE r.id = pg_temp.repository('rck-org', 'app')$$) WHERE rule = 'repository_owner';
SELECT * FROM pg_temp.broken($$UPDATE quay.repository AS r SET namespace_user_id = NULL WHERE r.id = pg_temp.repository('rck-org', 'app')$$) WHERE rule = 'repository_owner' AND object = 'app';
SELECT * FROM pg_temp.broken($$UPDATE quay."user" AS u SET enabled = false WHERE u.username = 'rck-alice'$$);
SELECT * FROM pg_temp.broken($$DELETE FROM quay.teammember AS m WHERE m.user_id = pg_temp.account('rck-alice')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.team AS t SET organization_id = pg_temp.account('rck-alice') WHERE t.name = 'devs' AND t.organization_id = pg_temp.account('rck-org')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay."user" AS u SET username = 'rck-unknown+ci' WHERE u.username = 'rck-org+ci'$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay.teammember (user_id, team_id) SELECT pg_temp.account('rck-bob+ci'), t.id FROM quay.team AS t WHERE t.name = 'devs' AND t.organization_id = pg_temp.account('rck-org')$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay.repositorypermission (user_id, repository_id, role_id) SELECT pg_temp.account('rck-bob+ci'), pg_temp.repository('rck-org', 'app'), r.id FROM quay.role AS r WHERE r.name = 'read'$$);
SELECT * FROM pg_temp.broken($$INSERT INTO quay.teammemberinvite (email, team_id, inviter_id, invite_token)
    SELECT e, t.id, pg_temp.account('rck-alice'), e FROM quay.team AS t, unnest('{carol@rck.example,Carol@rck.example,dave@rck.example}'::text[]) AS e WHERE t.name = 'devs' AND t.organization_id = pg_temp.account('rck-org')$$)
WHERE detail ~ '^2 invitations';

-- Statistics
SELECT * FROM pg_temp.broken($$INSERT INTO quay.tagpullstatistics (repository_id, tag_name, tag_pull_count, last_tag_pull_date) VALUES (pg_temp.repository('rck-org', 'app'), 'gone', 3, '2026-03-01')$$);
SELECT * FROM pg_temp.broken($$UPDATE quay.manifestpullstatistics AS s SET manifest_digest = 'sha256:ab' WHERE s.repository_id = pg_temp.repository('rck-alice', 'app')$$);

-- Enumerations
SELECT * FROM pg_temp.broken($$UPDATE quay.tagkind AS k SET name = 'label' WHERE k.name = 'tag'; DELETE FROM quay.logentrykind AS k WHERE k.name = 'login_failure'$$);

-- Some rules only, one namespace only, at most n of each; a sample of manifests
SELECT count(*) FROM quay.registry_check(rules => '{tag_overlap,manifest_digest}');
SELECT count(*) FROM quay.registry_check('rck-alice', n => 0);
SAVEPOINT wrong;
SET LOCAL session_replication_role = replica;
UPDATE quay.manifest AS m SET manifest_bytes = m.manifest_bytes || ' ' WHERE m.repository_id IN (pg_temp.repository('rck-alice', 'app'), pg_temp.repository('rck-alice', 'lib')) ;
SELECT count(*) FROM quay.registry_check('rck-alice', '{manifest_digest}');
SELECT count(*) FROM quay.registry_check('rck-alice', '{manifest_digest}', n => 2);
SELECT count(*) FROM quay.registry_check('rck-alice', '{manifest_digest}', sample => 1);
SELECT count(*) FROM quay.registry_check('rck-alice', '{manifest_digest}', sample => NULL);
SELECT count(*) FROM quay.registry_check('rck-bob');
SELECT count(*) FROM quay.registry_check('rck-alice', '{enumeration_missing}');
SELECT severity, repair FROM quay.registry_check('rck-alice', '{manifest_digest}', 1);
SELECT min(m.id) - 1 AS start FROM quay.manifest AS m WHERE m.repository_id = pg_temp.repository('rck-alice', 'app') \gset
SELECT examined, last_id - :start AS last, cardinality(wrong_ids) AS wrong FROM quay.manifest_digest_check(:start, 3);
SELECT examined, last_id - :start AS last, cardinality(wrong_ids) AS wrong FROM quay.manifest_digest_check(:start + 3, 100);
SELECT * FROM quay.manifest_digest_check(:start + 1000);
ROLLBACK TO wrong;
SELECT pg_temp.attempt($$SELECT quay.registry_check(rules => '{tag_overlap,unheard_of}')$$);
SELECT pg_temp.attempt($$SELECT quay.registry_check(rules => '{NULL}')$$);
SELECT pg_temp.attempt($$SELECT quay.registry_check(n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.registry_check(sample => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.registry_check('rck-unknown')$$);
SELECT pg_temp.attempt($$SELECT quay.registry_check('rck-org+ci')$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_digest_check(0, -1)$$);
-- The repairs that name a function do repair.
UPDATE quay_internal.blob_use AS u SET size = u.size + 3 WHERE u.namespace_id = pg_temp.account('rck-org');
DELETE FROM quay_internal.blob_use AS u WHERE u.namespace_id = pg_temp.account('rck-alice') AND u.blob_id = pg_temp.blob('layer');
UPDATE quay_internal.size_counter AS c SET used = c.used + 5 WHERE c.namespace_id = pg_temp.account('rck-bob');
SELECT DISTINCT rule FROM quay.registry_check() ORDER BY rule;
UPDATE quay_internal.blob_use AS u SET size = b.image_size FROM quay.imagestorage AS b WHERE b.id = u.blob_id AND u.namespace_id = pg_temp.account('rck-org');
SELECT count(*) > 0 AS recounted FROM unnest('{rck-alice,rck-bob,rck-org}'::text[]) AS n CROSS JOIN LATERAL quay_internal.size_recount(pg_temp.account(n));
SELECT * FROM quay.registry_check() WHERE severity = 'error';
ROLLBACK;
