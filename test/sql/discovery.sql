-- Images found by what they are made of and by use, as far as the actor may read; what they share, and what deletions would free.
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
CREATE FUNCTION pg_temp.image(config text, layers text[], more text DEFAULT '') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[%s]%s}',
        pg_temp.digest(config), length(config),
        string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"%s","size":%s}', pg_temp.digest(l), length(l)), ',' ORDER BY n), more), 'UTF8')
    FROM unnest(layers) WITH ORDINALITY AS x (l, n) $$;
-- Uploads what an image consists of, and pushes it.
CREATE FUNCTION pg_temp.push(namespace text, repository text, tags text[], config text, layers text[], more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE content text;
BEGIN
    FOREACH content IN ARRAY config || layers LOOP
        PERFORM quay.upload_finish(namespace, repository, (quay.upload_start(namespace, repository)).upload, pg_temp.digest(content), convert_to(content, 'UTF8'));
    END LOOP;
    RETURN (quay.manifest_put(namespace, repository, pg_temp.image(config, layers, more), NULL, tags)).digest;
END $$;
SELECT quay.user_create('dis-alice', 'password', 'dis-alice@dis.example') IS NOT NULL AS alice;
SELECT quay.user_create('dis-bob', 'password', 'dis-bob@dis.example') IS NOT NULL AS bob;
SELECT count(quay.repository_create(n, r, n, v)) FROM (VALUES ('dis-alice', 'base', 'public'), ('dis-alice', 'app', 'private'), ('dis-alice', 'index', 'private'),
    ('dis-alice', 'gone', 'public'), ('dis-bob', 'app', 'private'), ('dis-bob', 'copy', 'public')) AS t (n, r, v);
SELECT count(pg_temp.push(n, r, t, c, l)) FROM (VALUES
    (1, 'dis-alice', 'base', '{v1,latest}'::text[], '{"c":1}', '{system....}'::text[]),
    (2, 'dis-alice', 'app', '{v1}', '{"c":2}', '{system....,tools}'),
    (3, 'dis-alice', 'app', '{v2}', '{"c":3}', '{system....,tools,app}'),
    (4, 'dis-alice', 'gone', '{v1}', '{"c":1}', '{system....}'),
    (5, 'dis-bob', 'app', '{v1}', '{"c":4}', '{other,system....}'),
    (6, 'dis-bob', 'app', '{v2}', '{"c":5}', '{system....,tools,app,more}'),
    (7, 'dis-bob', 'copy', '{mine}', '{"c":1}', '{system....}')) AS p (place, n, r, t, c, l);
SELECT (quay.manifest_put('dis-alice', 'index', pg_temp.image('{"c":1}', '{system....}'), tags => '{child}')).created
FROM quay.blob_mount('dis-alice', 'index', pg_temp.digest('{"c":1}'), 'dis-alice', 'base') AS c, quay.blob_mount('dis-alice', 'index', pg_temp.digest('system....'), 'dis-alice', 'base') AS l;
SELECT (quay.manifest_put('dis-alice', 'index', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}]}',
    digest, size), 'UTF8'), tags => '{all}')).created FROM quay.tag_resolve('dis-alice', 'index', 'child');
SELECT quay.tag_delete('dis-alice', 'index', 'child');
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'dis-alice' AND r.name = 'gone';

-- Who uses a layer: in the order in which the repositories were made
SELECT namespace, repository, tags, alive, media_type FROM quay.layer_use_list(NULL, pg_temp.digest('system....'));
SELECT namespace, repository, tags, alive FROM quay.layer_use_list('dis-alice', pg_temp.digest('system....'));
SELECT namespace, repository, tags, alive FROM quay.layer_use_list('dis-bob', pg_temp.digest('system....'));
SELECT namespace, repository, tags, alive FROM quay.layer_use_list('dis-bob', pg_temp.digest('system....'), scopes => 'user:read');
SELECT namespace, repository, tags, alive FROM quay.layer_use_list(NULL, pg_temp.digest('system....'), unrestricted => true);
SELECT namespace, repository, tags FROM quay.layer_use_list('dis-alice', pg_temp.digest('{"c":3}'));
SELECT count(*) FROM quay.layer_use_list('dis-alice', pg_temp.digest('nobody has it'));
-- Page by page, also within a repository, each once
CREATE FUNCTION pg_temp.pages(size integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE start text; last text; page integer := 0; row record;
BEGIN
    LOOP
        page := page + 1; last := NULL;
        FOR row IN SELECT * FROM quay.layer_use_list(NULL, pg_temp.digest('system....'), start, size, unrestricted => true) LOOP
            last := row.cursor;
            RETURN NEXT format('%s:%s/%s%s', page, row.namespace, row.repository, row.tags);
        END LOOP;
        EXIT WHEN last IS NULL;
        start := last;
    END LOOP;
END $$;
SELECT string_agg(p, ' ') FROM pg_temp.pages(1) AS p;
SELECT string_agg(p, ' ') FROM pg_temp.pages(2) AS p;
SELECT string_agg(p, ' ') FROM pg_temp.pages(3) AS p;
SELECT count(*) FROM quay.layer_use_list('dis-alice', pg_temp.digest('system....'), n => 0);
SELECT pg_temp.attempt($$SELECT quay.layer_use_list(NULL, 'sha256:12')$$);
SELECT pg_temp.attempt($$SELECT quay.layer_use_list(NULL, 'md5:12')$$);
SELECT pg_temp.attempt($$SELECT quay.layer_use_list(NULL, pg_temp.digest(''), 'x')$$);
SELECT pg_temp.attempt($$SELECT quay.layer_use_list(NULL, pg_temp.digest(''), n => -1)$$);

-- Who uses all layers of an image; in order: was built on it
SELECT namespace, repository, tags, alive, in_order FROM quay.base_image_use_list('dis-bob', 'dis-alice', 'base', 'v1');
SELECT namespace, repository, tags, in_order, base_digest = pg_temp.digest(convert_from(pg_temp.image('{"c":1}', '{system....}'), 'UTF8')) AS base
FROM quay.base_image_use_list(NULL, 'dis-alice', 'base', 'latest', unrestricted => true);
SELECT namespace, repository, tags, in_order FROM quay.base_image_use_list(NULL, 'dis-alice', 'app', 'v1', unrestricted => true);
-- of an index: its images
SELECT namespace, repository, tags, in_order FROM quay.base_image_use_list('dis-alice', 'dis-alice', 'index', 'all');
SELECT namespace, repository, tags FROM quay.base_image_use_list(NULL, 'dis-alice', 'base', 'v1', n => 2, unrestricted => true);
SELECT namespace, repository, tags FROM quay.base_image_use_list(NULL, 'dis-alice', 'base', 'v1', unrestricted => true,
    after => (SELECT cursor FROM quay.base_image_use_list(NULL, 'dis-alice', 'base', 'v1', n => 2, unrestricted => true) OFFSET 1));
-- by digest; no row where the actor may not look, or there is nothing
SELECT count(*) FROM quay.base_image_use_list('dis-alice', 'dis-alice', 'base', pg_temp.digest(convert_from(pg_temp.image('{"c":1}', '{system....}'), 'UTF8')));
SELECT count(*) FROM quay.base_image_use_list('dis-bob', 'dis-alice', 'app', 'v1');
SELECT count(*) FROM quay.base_image_use_list('dis-bob', 'dis-alice', 'base', 'unknown');
SELECT count(*) FROM quay.base_image_use_list('dis-bob', 'dis-alice', 'unknown', 'v1');
SELECT count(*) FROM quay.base_image_use_list('dis-bob', 'dis-alice', 'base', pg_temp.digest('unknown'));
SELECT pg_temp.attempt($$SELECT quay.base_image_use_list(NULL, 'dis-alice', 'base', 'sha256:')$$);
SELECT pg_temp.attempt($$SELECT quay.base_image_use_list(NULL, 'dis-alice', 'base', 'md5:ab')$$);
SELECT pg_temp.attempt($$SELECT quay.base_image_use_list(NULL, 'dis-alice', 'base', 'v1', '1.')$$);
SELECT pg_temp.attempt($$SELECT quay.base_image_use_list(NULL, 'dis-alice', 'base', 'v1', n => -1)$$);

-- What an image was built on
SELECT namespace, repository, tags, alive, layers, layers_size FROM quay.image_base_candidates('dis-bob', 'dis-bob', 'app', 'v2');
SELECT namespace, repository, tags, alive, layers, layers_size FROM quay.image_base_candidates('dis-bob', 'dis-bob', 'app', 'v2', unrestricted => true);
SELECT namespace, repository, tags, layers FROM quay.image_base_candidates('dis-bob', 'dis-bob', 'app', 'v2', n => 2, unrestricted => true);
SELECT count(*) FROM quay.image_base_candidates('dis-bob', 'dis-bob', 'app', 'v1', unrestricted => true) AS another_first_layer;
SELECT count(*) FROM quay.image_base_candidates('dis-alice', 'dis-alice', 'base', 'v1', unrestricted => true) AS one_layer;
SELECT count(*) FROM quay.image_base_candidates('dis-alice', 'dis-bob', 'app', 'v2') AS not_readable;
SELECT pg_temp.attempt($$SELECT quay.image_base_candidates(NULL, 'dis-alice', 'base', 'v1', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.image_base_candidates(NULL, 'dis-alice', 'base', 'sha256:x')$$);

-- The layers of each kind of manifest
SELECT * FROM quay_internal.layer_chain('{"schemaVersion":1,"fsLayers":[{"blobSum":"sha256:leaf"},{"blobSum":"sha256:base"}],"history":[]}');
SELECT * FROM quay_internal.layer_chain('{"layers":[{"digest":"sha256:base","size":3},{"digest":"sha256:leaf","size":"x"}]}');
SELECT count(*) FROM unnest(ARRAY['', '{}', 'x', '{"layers":7}', '{"manifests":[]}']) AS m CROSS JOIN LATERAL quay_internal.layer_chain(m);

-- Copies of an image
SELECT namespace, repository, tags, alive FROM quay.image_duplicate_list('dis-alice', 'dis-alice', 'base', 'v1');
SELECT namespace, repository, tags, alive FROM quay.image_duplicate_list('dis-bob', 'dis-alice', 'base', 'v1');
SELECT namespace, repository FROM quay.image_duplicate_list('dis-alice', 'dis-alice', 'base', 'v1', n => 1);
SELECT namespace, repository FROM quay.image_duplicate_list('dis-alice', 'dis-alice', 'base', 'v1',
    after => (SELECT cursor FROM quay.image_duplicate_list('dis-alice', 'dis-alice', 'base', 'v1', n => 1)));
SELECT count(*) FROM quay.image_duplicate_list('dis-bob', 'dis-alice', 'app', 'v1');
SELECT pg_temp.attempt($$SELECT quay.image_duplicate_list(NULL, 'dis-alice', 'base', 'v1', 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.image_duplicate_list(NULL, 'dis-alice', 'base', 'v1', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.image_duplicate_list(NULL, 'dis-alice', 'base', ':')$$);

-- What repositories and images share
SELECT * FROM quay.repository_share_list('dis-alice', 'dis-alice', 'base');
SELECT * FROM quay.repository_share_list('dis-alice', 'dis-alice', 'app', 1);
SELECT * FROM quay.repository_share_list('dis-bob', 'dis-alice', 'base');
SELECT count(*) FROM quay.repository_share_list('dis-bob', 'dis-alice', 'app');
SELECT count(*) FROM quay.repository_share_list('dis-bob', 'dis-alice', 'base', unrestricted => true);
SELECT pg_temp.attempt($$SELECT quay.repository_share_list(NULL, 'dis-alice', 'base', -1)$$);
-- v2: config 7, system 10, tools 5, app 3; the repository has system and tools also in v1, the namespace has system also elsewhere
SELECT * FROM quay.image_size_shared('dis-alice', 'dis-alice', 'app', 'v2');
SELECT * FROM quay.image_size_shared('dis-alice', 'dis-alice', 'app', 'v1');
SELECT * FROM quay.image_size_shared('dis-bob', 'dis-bob', 'app', 'v2');
SELECT * FROM quay.image_size_shared('dis-alice', 'dis-alice', 'index', 'all');
SELECT count(*) FROM quay.image_size_shared('dis-bob', 'dis-alice', 'app', 'v2');
SELECT pg_temp.attempt($$SELECT quay.image_size_shared(NULL, 'dis-alice', 'base', 'sha256:')$$);

-- What was not pulled
SELECT quay.pull_record('dis-alice', 'app', (SELECT digest FROM quay.tag_resolve('dis-alice', 'app', 'v1')), 'v1', 2, '2026-02-27 00:00:00+00');
SELECT (quay.tag_set('dis-alice', 'app', n, 'v2')).tag_id IS NOT NULL AS set FROM unnest(ARRAY['v3', 'v4', 'v5']) AS n;
SET LOCAL quay.clock = '2026-03-05 12:00:00+00';
SELECT (quay.tag_set('dis-alice', 'app', 'new', 'v2')).tag_id IS NOT NULL AS set;
SELECT quay.tag_delete('dis-alice', 'app', 'v5');
SELECT quay.pull_record('dis-alice', 'app', tag => 'v3');
SELECT quay.pull_record('dis-alice', 'app', (SELECT digest FROM quay.tag_resolve('dis-alice', 'app', 'v2')), pulled_at => '2026-03-02 12:00:00+00');
SELECT tag, lifetime_start_ms, pull_count, last_pulled, manifest_last_pulled FROM quay.tag_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-02 00:00:00+00');
SELECT tag FROM quay.tag_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-02 00:00:00+00', 'v1', 1);
SELECT tag FROM quay.tag_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-05 12:00:01+00');
SELECT tag FROM quay.tag_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-02-20 00:00:00+00');
SELECT count(*) FROM quay.tag_unpulled_list('dis-bob', 'dis-alice', 'app', '2026-03-02 00:00:00+00');
SELECT count(*) FROM quay.tag_unpulled_list(NULL, 'dis-alice', 'app', '2026-03-02 00:00:00+00', unrestricted => true);
SELECT count(*) FROM quay.tag_unpulled_list('dis-alice', 'dis-alice', 'unknown', '2026-03-02 00:00:00+00');
SELECT tags, pull_count, last_pulled FROM quay.manifest_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-02 00:00:00+00');
SELECT tags, pull_count, last_pulled FROM quay.manifest_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-03 00:00:00+00') ORDER BY tags;
SELECT count(*) FROM quay.manifest_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-03 00:00:00+00',
    (SELECT max(digest) FROM quay.manifest_unpulled_list('dis-alice', 'dis-alice', 'app', '2026-03-03 00:00:00+00')));
-- the child of an index has no tag of its own any more
SELECT tags, media_type FROM quay.manifest_unpulled_list('dis-alice', 'dis-alice', 'index', '2026-03-03 00:00:00+00') ORDER BY media_type;
SELECT count(*) FROM quay.manifest_unpulled_list('dis-bob', 'dis-alice', 'app', '2026-03-03 00:00:00+00');
SELECT pg_temp.attempt($$SELECT quay.tag_unpulled_list(NULL, 'dis-alice', 'app', NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_unpulled_list(NULL, 'dis-alice', 'app', '-infinity')$$);
SELECT pg_temp.attempt($$SELECT quay.tag_unpulled_list(NULL, 'dis-alice', 'app', '2026-03-02', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_unpulled_list(NULL, 'dis-alice', 'app', '2026-03-02', n => -1)$$);

-- What deletions would free. v1 and the others share system and tools; system is elsewhere too.
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'app', '{v1}');
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'app', '{v1,v2,v3,v4}') AS new_still_holds_v2;
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'app', '{v1,v2,v3,v4,new,unknown}');
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'app', '{}');
-- An index takes its images along, unless something else holds them.
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'index', '{all}');
SELECT (quay.tag_restore('dis-alice', 'index', 'child')).tag_id IS NOT NULL AS restored;
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'index', '{all}');
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'index', '{all,child}');
-- An index whose tag ended goes by itself: it holds nothing, and is not won.
SELECT quay.tag_delete('dis-alice', 'index', 'all');
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'index', '{child}');
-- Signatures go with the last tag of their image; a referrer keeps it.
SELECT (quay.tag_resolve('dis-bob', 'app', 'v1')).digest AS signed \gset
SELECT pg_temp.push('dis-bob', 'app', ARRAY[replace(:'signed', ':', '-') || '.sig'], '{"s":1}', '{signature}') IS NOT NULL AS pushed;
SET LOCAL quay.clock = '2026-03-05 14:00:00+00';
SELECT * FROM quay.tag_deletion_frees('dis-bob', 'app', '{v1}');
SELECT pg_temp.push('dis-bob', 'app', '{}', '{"r":1}', '{referrer}', format(',"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":1}', :'signed')) IS NOT NULL AS pushed;
SET LOCAL quay.clock = '2026-03-05 16:00:00+00';
SELECT * FROM quay.tag_deletion_frees('dis-bob', 'app', '{v1}');
-- A fresh upload counts as use.
SELECT quay.blob_mount('dis-alice', 'index', pg_temp.digest('app'), 'dis-alice', 'app');
SELECT * FROM quay.tag_deletion_frees('dis-alice', 'app', '{v2,v3,v4,new}');
-- An immutable tag that is kept for ever wins nothing.
UPDATE quay.tag AS t SET immutable = true WHERE t.name = 'v1' AND t.repository_id = (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'dis-alice' AND r.name = 'app');
SELECT manifests FROM quay.tag_deletion_frees('dis-alice', 'app', '{v1}') WHERE scope = 'repository';
SET LOCAL quay.immutable_tags = on;
SELECT manifests FROM quay.tag_deletion_frees('dis-alice', 'app', '{v1}') WHERE scope = 'repository';
SELECT pg_temp.attempt($$SELECT quay.tag_deletion_frees('dis-alice', 'unknown', '{v1}')$$);
SELECT pg_temp.attempt($$SELECT quay.tag_deletion_frees('dis-unknown', 'app', '{v1}')$$);
ROLLBACK;
