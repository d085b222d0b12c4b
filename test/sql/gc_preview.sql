-- What a collection would free: rule by rule, and in many random registries exactly what the collector then deletes.
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
CREATE FUNCTION pg_temp.image(layers text[], more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":2},"layers":[%s]%s}', pg_temp.digest('{}'),
        string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}', pg_temp.digest(l), length(l)), ',' ORDER BY n), more), 'UTF8')
    FROM unnest(layers) WITH ORDINALITY AS x (l, n) $$;
CREATE FUNCTION pg_temp.upload(namespace text, repository text, content text) RETURNS void LANGUAGE sql AS $$
    SELECT quay.upload_finish(namespace, repository, (quay.upload_start(namespace, repository)).upload, pg_temp.digest(content), convert_to(content, 'UTF8')) $$;
CREATE FUNCTION pg_temp.push(namespace text, repository text, tags text[], layers text[], more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE content text;
BEGIN
    FOREACH content IN ARRAY '{}'::text || layers LOOP
        PERFORM pg_temp.upload(namespace, repository, content);
    END LOOP;
    RETURN (quay.manifest_put(namespace, repository, pg_temp.image(layers, more), NULL, tags)).digest;
END $$;
CREATE FUNCTION pg_temp.push_index(namespace text, repository text, tags text[], VARIADIC digests text[]) RETURNS text LANGUAGE sql AS $$
    SELECT (quay.manifest_put(namespace, repository, convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        string_agg(format('{"mediaType":"%s","digest":"%s","size":%s}', g.media_type, d, g.size), ',' ORDER BY n)), 'UTF8'), NULL, tags)).digest
    FROM unnest(digests) WITH ORDINALITY AS x (d, n) CROSS JOIN LATERAL quay.manifest_get(namespace, repository, d) AS g $$;
SELECT quay.user_create('gcp-alice', 'password', 'gcp-alice@gcp.example') IS NOT NULL AS alice;
SELECT quay.user_create('gcp-bob', 'password', 'gcp-bob@gcp.example') IS NOT NULL AS bob;
SELECT count(quay.repository_create(n, r)) FROM (VALUES ('gcp-alice', 'app'), ('gcp-alice', 'lib'), ('gcp-bob', 'app')) AS t (n, r);
UPDATE quay."user" AS u SET removed_tag_expiration_s = CASE u.username WHEN 'gcp-alice' THEN 86400 ELSE 172800 END WHERE u.username LIKE 'gcp-%';
CREATE FUNCTION pg_temp.preview(at timestamptz DEFAULT NULL, namespace text DEFAULT NULL, repository text DEFAULT NULL)
    RETURNS TABLE (scope text, object text, tags bigint, manifests bigint, labels bigint, uploads bigint, blobs bigint, bytes bigint) LANGUAGE sql AS $$
    SELECT p.scope, concat_ws('/', p.namespace, p.repository), p.tags, p.manifests, p.labels, p.uploads, p.blobs, p.bytes
    FROM quay.gc_preview(preview.namespace, preview.repository, preview.at) AS p ORDER BY array_position('{repository,namespace,registry,marked}', p.scope), 2 $$;

SELECT count(*) FROM pg_temp.preview() WHERE object LIKE 'gcp-%';
-- One image for two tags and two repositories; one with labels; an index with two children, of which one has a tag, and a referrer.
SELECT pg_temp.push('gcp-alice', 'app', '{v1,v2}', '{common....,app}', ',"annotations":{"a":"1","b":"2"}') AS app \gset
SELECT pg_temp.push('gcp-alice', 'lib', '{v1}', '{common....,lib}') IS NOT NULL AS lib;
SELECT pg_temp.push('gcp-bob', 'app', '{v1}', '{common....,app}', ',"annotations":{"a":"1","b":"2"}') IS NOT NULL AS copy;
SELECT pg_temp.push('gcp-bob', 'app', '{}', '{amd}') AS amd, pg_temp.push('gcp-bob', 'app', '{arm}', '{arm64}') AS arm \gset
SELECT pg_temp.push_index('gcp-bob', 'app', '{multi}', :'amd', :'arm') AS index \gset
-- Nothing but uploads, whose time will be over.
SELECT * FROM pg_temp.preview();
SELECT * FROM pg_temp.preview('2026-03-01 13:00:00+00') WHERE scope = 'namespace';
-- A tag that ended holds its manifest until the time of the namespace is over; then another tag does.
SELECT quay.tag_delete('gcp-alice', 'app', 'v1');
SELECT * FROM pg_temp.preview('2026-03-02 11:59:59.999+00', 'gcp-alice', 'app');
SELECT * FROM pg_temp.preview('2026-03-02 12:00:00+00', 'gcp-alice', 'app');
SELECT quay.tag_delete('gcp-alice', 'app', 'v2');
-- Both gone: the manifest, its labels, and the blob that only it had in the repository and the namespace; the registry has it elsewhere.
SELECT * FROM pg_temp.preview('2026-03-02 12:00:00+00', 'gcp-alice', 'app');
SELECT * FROM pg_temp.preview('2026-03-02 12:00:00+00', 'gcp-alice');
SELECT * FROM pg_temp.preview('2026-03-02 12:00:00+00');
-- The index goes with the child that nothing else holds; in the registry also the layer that both namespaces lose.
SELECT count(quay.tag_delete('gcp-bob', 'app', t)) FROM unnest('{v1,multi}'::text[]) AS t;
SELECT * FROM pg_temp.preview('2026-03-03 12:00:00+00', 'gcp-bob');
SELECT * FROM pg_temp.preview('2026-03-03 12:00:00+00');
-- A referrer keeps its subject, in its own repository only.
SELECT pg_temp.push('gcp-bob', 'app', '{}', '{signature}', format(',"subject":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"%s","size":2}', :'index')) AS referrer \gset
SELECT * FROM pg_temp.preview('2026-03-03 12:00:00+00', 'gcp-bob');
SELECT tags FROM quay.manifest_delete('gcp-bob', 'app', :'referrer');
SELECT * FROM pg_temp.preview('2026-03-03 12:00:00+00', 'gcp-bob');
-- Immutable tags stay if they cannot expire.
UPDATE quay.tag AS t SET immutable = true WHERE t.name = 'multi';
SET LOCAL quay.immutable_tags = on;
SELECT tags, manifests, blobs, bytes FROM pg_temp.preview('2026-03-03 12:00:00+00', 'gcp-bob') WHERE scope = 'namespace';
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT tags, manifests, blobs, bytes FROM pg_temp.preview('2026-03-03 12:00:00+00', 'gcp-bob') WHERE scope = 'namespace';
RESET quay.immutable_tags;
-- A mount counts as use until its time is over.
SET LOCAL quay.clock = '2026-03-03 12:00:00+00';
SELECT quay.blob_mount('gcp-alice', 'lib', pg_temp.digest('app'), 'gcp-alice', 'app');
SELECT scope, blobs, bytes FROM pg_temp.preview(NULL, 'gcp-alice', 'app');
SELECT scope, blobs, bytes FROM pg_temp.preview('2026-03-03 13:00:00+00', 'gcp-alice', 'app');
-- The core: what would go with some rows of tag, in the repository, the namespace and the registry.
SELECT cardinality(c.manifests) AS manifests, cardinality(c.labels) AS labels, cardinality(c.repository_blobs) AS repository_blobs,
    cardinality(c.namespace_blobs) AS namespace_blobs, cardinality(c.registry_blobs) AS registry_blobs
FROM (VALUES (1, '{arm}'::text[]), (2, '{v1}'), (3, '{arm,multi}'), (4, '{}')) AS v (place, names)
CROSS JOIN LATERAL quay_internal.gc_closure(ARRAY(SELECT t.id FROM quay.tag AS t WHERE (t.name = ANY (v.names) OR v.place = 3 AND t.hidden)
    AND t.repository_id = (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'gcp-bob' AND r.name = 'app')),
    linked_until => '2026-03-04') AS c
ORDER BY v.place;
-- What a broken push left behind: a manifest without anything that holds it, and a blob.
DELETE FROM quay.tag AS t WHERE t.name = 'v1' AND t.repository_id = (SELECT r.id FROM quay.repository AS r WHERE r.name = 'lib' AND r.namespace_user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = 'gcp-alice'));
INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('gcp', 1000, true, pg_temp.digest('gcp'));
SELECT * FROM pg_temp.preview(NULL, 'gcp-alice', 'lib');
SELECT scope, blobs, bytes FROM pg_temp.preview('2026-03-03 13:00:00+00') WHERE scope IN ('registry', 'marked');
SELECT pg_temp.attempt($$SELECT quay.gc_preview(at => 'infinity')$$);
SELECT pg_temp.attempt($$SELECT quay.gc_preview('gcp-unknown')$$);
SELECT pg_temp.attempt($$SELECT quay.gc_preview('gcp-alice', 'unknown')$$);

-- What the collector does is what was foretold. What it marks for deletion waits, and what is used again meanwhile does not go.
CREATE FUNCTION pg_temp.collect() RETURNS TABLE (tags bigint, manifests bigint, labels bigint, uploads bigint, blobs bigint, bytes bigint) LANGUAGE plpgsql AS $$
DECLARE
    done record;
    marked_before bigint[] := ARRAY(SELECT d.blob_id FROM quay_internal.blob_deletion AS d);
BEGIN
    tags := 0; manifests := 0; labels := 0; uploads := 0;
    LOOP
        SELECT * INTO done FROM quay.gc_run();
        tags := tags + done.tags; manifests := manifests + done.manifests; labels := labels + done.labels; uploads := uploads + done.uploads;
        EXIT WHEN NOT done.more;
    END LOOP;
    SELECT count(*), coalesce(sum(b.image_size), 0) INTO blobs, bytes
    FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE d.blob_id <> ALL (marked_before);
    RETURN NEXT;
END $$;
SET LOCAL quay.clock = '2026-03-03 13:00:00+00';
SELECT tags, manifests, labels, uploads, blobs, bytes FROM pg_temp.preview() WHERE scope = 'registry';
SELECT * FROM pg_temp.collect();
SELECT * FROM pg_temp.preview();
SELECT pg_temp.upload('gcp-bob', 'app', 'signature');
SELECT * FROM pg_temp.preview();
SELECT tags, manifests, labels, uploads, blobs, bytes FROM pg_temp.collect();

-- Random histories: pushes of images, indexes and referrers over few names and layers, moves, deletions, time. The preview of each moment
-- against what a collection then does; and what the deletion of tags is said to win against what is there in the end, with it and without.
CREATE FUNCTION pg_temp.in_the_end(namespace text, repository text, gone_tags text[], OUT manifests bigint, OUT bytes bigint) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM quay.tag_delete(namespace, repository, t) FROM unnest(gone_tags) AS t;
        PERFORM set_config('quay.clock', (quay_internal.clock() + interval '60 days')::text, true);
        PERFORM pg_temp.collect();
        SELECT count(m.id), min(quay_internal.size_of(r.namespace_user_id, r.id)) INTO manifests, bytes
        FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id LEFT JOIN quay.manifest AS m ON m.repository_id = r.id
        WHERE u.username = in_the_end.namespace AND r.name = in_the_end.repository;
        RAISE EXCEPTION USING ERRCODE = 'QYUND';
    EXCEPTION WHEN SQLSTATE 'QYUND' THEN
        NULL;
    END;
END $$;
CREATE FUNCTION pg_temp.random_history(seed integer, steps integer) RETURNS TABLE (step integer, kind text, foretold jsonb, done jsonb) LANGUAGE plpgsql AS $$
DECLARE
    now timestamptz := timestamptz '2026-04-01 00:00:00+00' + seed * interval '1 year';
    namespace text; repository text; tag text; known text[]; chosen text[];
    without record; with_deletion record;
BEGIN
    PERFORM setseed(seed / 100.0);
    FOR step IN 1 .. steps LOOP
        now := now + make_interval(secs => 1 + random() * 20000);
        PERFORM set_config('quay.clock', now::text, true);
        namespace := (ARRAY['gcp-alice', 'gcp-bob'])[1 + random()];
        repository := CASE namespace WHEN 'gcp-bob' THEN 'app' ELSE (ARRAY['app', 'lib'])[1 + random()] END;
        tag := 't' || (random() * 5)::integer;
        known := ARRAY(SELECT m.digest FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
                       WHERE u.username = namespace AND r.name = repository AND quay_internal.manifest_is_alive(m.id, quay_internal.clock_ms()) ORDER BY m.digest LIMIT 6);
        CASE (random() * 10)::integer
        WHEN 0, 1, 2 THEN
            PERFORM pg_temp.push(namespace, repository, CASE WHEN random() < 0.7 THEN ARRAY[tag] ELSE '{}' END,
                ARRAY(SELECT 'layer' || repeat('x', (random() * 8)::integer) FROM generate_series(1, 1 + (random() * 3)::integer)),
                CASE WHEN random() < 0.5 THEN format(',"annotations":{"n":"%s"}', (random() * 5)::integer) ELSE '' END);
        WHEN 3 THEN
            IF known <> '{}' THEN
                PERFORM pg_temp.push_index(namespace, repository, ARRAY[tag], VARIADIC known[1 : 1 + (random() * 3)::integer]);
            END IF;
        WHEN 4 THEN
            IF known <> '{}' THEN
                PERFORM pg_temp.push(namespace, repository, '{}', ARRAY['layer' || (random() * 3)::integer],
                    format(',"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":2}', known[1 + floor(random() * cardinality(known))::integer]));
            END IF;
        WHEN 5, 6 THEN
            PERFORM quay.tag_delete(namespace, repository, tag);
        WHEN 7 THEN
            PERFORM quay.manifest_delete(namespace, repository, known[1]) WHERE known <> '{}';
        WHEN 8 THEN
            PERFORM pg_temp.upload(namespace, repository, 'layer' || repeat('x', (random() * 8)::integer));
        WHEN 9 THEN
            kind := 'collection';
            SELECT jsonb_build_array(p.tags, p.manifests, p.labels, p.uploads, p.blobs, p.bytes) INTO foretold FROM quay.gc_preview() AS p WHERE p.scope = 'registry';
            SELECT jsonb_build_array(c.tags, c.manifests, c.labels, c.uploads, c.blobs, c.bytes) INTO done FROM pg_temp.collect() AS c;
            random_history.step := step;
            RETURN NEXT;
        ELSE
            -- Later than all uploads.
            now := now + interval '2 hours';
            PERFORM set_config('quay.clock', now::text, true);
            kind := 'deletion';
            chosen := ARRAY(SELECT 't' || n FROM generate_series(0, 5) AS n WHERE random() < 0.4);
            SELECT jsonb_build_array(f.manifests, f.bytes) INTO foretold FROM quay.tag_deletion_frees(namespace, repository, chosen) AS f WHERE f.scope = 'repository';
            SELECT * INTO without FROM pg_temp.in_the_end(namespace, repository, '{}');
            SELECT * INTO with_deletion FROM pg_temp.in_the_end(namespace, repository, chosen);
            done := jsonb_build_array(without.manifests - with_deletion.manifests, without.bytes - with_deletion.bytes);
            random_history.step := step;
            RETURN NEXT;
        END CASE;
    END LOOP;
END $$;
CREATE TEMPORARY TABLE history ON COMMIT DROP AS SELECT s AS seed, h.* FROM generate_series(1, 4) AS s CROSS JOIN LATERAL pg_temp.random_history(s, 90) AS h;
SELECT * FROM history WHERE foretold IS DISTINCT FROM done;
SELECT kind, count(*) > 6 AS often, sum((done ->> 1)::integer) > 10 AS much FROM history GROUP BY kind ORDER BY kind;
ROLLBACK;
