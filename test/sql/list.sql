-- Lists: tags, referrers and the catalog, page by page.
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
CREATE FUNCTION pg_temp.index(VARIADIC children bytea[] DEFAULT '{}') RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        coalesce(string_agg(format('{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}',
                          encode(sha256(c), 'hex'), length(c)), ','), '')), 'UTF8') FROM unnest(children) AS c $$;
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
    PERFORM quay.user_create('lister', 'password1', 'lister@example.com');
    PERFORM quay.user_create('guest', 'password1', 'guest@example.com');
    PERFORM quay.organization_create('list-org', 'list-org@example.com', 'lister');
    PERFORM quay.repository_create('lister', 'app', 'lister');
END $$;

-- tags: 300 in pages of 11, each once, in byte order; dead, hidden and duplicate rows are not there
SELECT created FROM quay.manifest_put('lister', 'app', pg_temp.index(), NULL,
    ARRAY(SELECT CASE n % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'a' ELSE '_' END || n FROM generate_series(1, 300) AS n));
SELECT created FROM quay.manifest_put('lister', 'app', pg_temp.index(), NULL, ARRAY['_2', 'A3']);
SELECT quay.tag_delete('lister', 'app', 'a1');
SELECT quay.tag_set('lister', 'app', 'b', 'a4', '2027-01-01') IS NOT NULL, quay.tag_set('lister', 'app', 'b', 'a4', '2026-03-01 12:00:01+00') IS NOT NULL;
CREATE FUNCTION pg_temp.pages(n integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE after text; page text[];
BEGIN
    LOOP
        page := ARRAY(SELECT t.name FROM quay.tag_list('lister', 'app', after, n) AS t);
        RETURN QUERY SELECT unnest(page);
        EXIT WHEN cardinality(page) < n;
        after := page[n];
    END LOOP;
END $$;
SELECT count(*), count(DISTINCT name), array_agg(name) = array_agg(name ORDER BY name COLLATE "C") AS in_order FROM pg_temp.pages(11) AS name;
SELECT array_agg(name) FROM quay.tag_list('lister', 'app', 'a297');
SELECT array_agg(name) FROM quay.tag_list('lister', 'app', 'a298zzz', 1);
SELECT count(*) FROM quay.tag_list('lister', 'app', n => 0);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list('lister', 'app', n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list('lister', 'unknown')$$);
SELECT size, layers_size, immutable, lifetime_end_ms FROM quay.tag_list('lister', 'app', n => 1);
-- those that start with a prefix, in pages too; its characters stand for themselves
SELECT array_agg(name) FROM quay.tag_list('lister', 'app', prefix => 'a10');
SELECT array_agg(name) FROM quay.tag_list('lister', 'app', 'a10', 2, prefix => 'a10');
SELECT count(*) FROM quay.tag_list('lister', 'app', 'a2', prefix => 'a10');
SELECT count(*) FROM quay.tag_list('lister', 'app', 'A', prefix => 'a');
SELECT name FROM quay.tag_list('lister', 'app', prefix => 'b');
SELECT count(*) FROM quay.tag_list('lister', 'app', prefix => '%');

-- history: parts of names, names, live ones, since a moment
CREATE FUNCTION pg_temp.history(tag text DEFAULT NULL, filter text DEFAULT NULL, active_only boolean DEFAULT false, since_ms bigint DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(h.tag || CASE WHEN h.live THEN '' ELSE '-' END, ' ' ORDER BY h.tag, h.live)
    FROM quay.tag_history('lister', 'app', history.tag, filter => history.filter, active_only => history.active_only, since_ms => history.since_ms, n => 1000) AS h $$;
SELECT pg_temp.history(filter => 'like:29'), pg_temp.history(filter => 'like:A29'), pg_temp.history(filter => 'like:a2_');
SELECT pg_temp.history(filter => 'eq:a1'), pg_temp.history(filter => 'eq:A1'), pg_temp.history(filter => 'eq:b'), pg_temp.history(filter => 'eq:b', active_only => true);
SELECT pg_temp.history('b', filter => 'like:B'), pg_temp.history('b', filter => 'like:a'), pg_temp.history('b', filter => 'eq:b', active_only => true), pg_temp.history('b', filter => 'eq:a1');
SELECT length(pg_temp.history(filter => 'like:')) = length(pg_temp.history());
SELECT pg_temp.history(filter => 'like:30', active_only => true), pg_temp.history('a1', active_only => true);
-- began or ends after that
SELECT pg_temp.history(since_ms => 1772366400000), pg_temp.history(filter => 'like:b', since_ms => 1772366399999), pg_temp.history('b', since_ms => 1772366400500);
SELECT media_type, layers_size FROM quay.tag_history('lister', 'app', 'a4');
SELECT f, pg_temp.attempt(format('SELECT * FROM quay.tag_history(%L, %L, filter => %L)', 'lister', 'app', f)) FROM unnest(ARRAY['b', 'has:b', ':b', '']) AS f;
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_history('lister', 'app', n => -1)$$);

-- referrers: by subject and by the fallback tag, alive ones only
SELECT pg_temp.digest(pg_temp.index()) AS subject, pg_temp.blob('lister', 'app', '{}') AS empty \gset
CREATE FUNCTION pg_temp.referrer(subject text, more text) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/x.config","digest":"%s","size":2},"layers":[]%s%s}', pg_temp.digest('{}'),
        ',"subject":{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"' || subject || '","size":92}', more), 'UTF8') $$;
SELECT artifact_type, created FROM quay.manifest_put('lister', 'app', pg_temp.referrer(:'subject', ',"artifactType":"application/x.sbom","annotations":{"made":"today"}'));
SELECT artifact_type, created FROM quay.manifest_put('lister', 'app', pg_temp.referrer(:'subject', ',"annotations":{"n":"2"}'));
SELECT created FROM quay.manifest_put('lister', 'app', pg_temp.referrer(NULL, ',"annotations":{"n":"by tag"}'), NULL, ARRAY['plain']);
SELECT artifact_type, media_type, size, annotations, digest <> :'subject' AS other FROM quay.referrer_list('lister', 'app', :'subject');
SELECT artifact_type, annotations FROM quay.referrer_list('lister', 'app', :'subject', 'application/x.sbom');
SELECT artifact_type, annotations FROM quay.referrer_list('lister', 'app', :'subject', 'application/x.config');
SELECT count(*) FROM quay.referrer_list('lister', 'app', :'subject', 'application/x.unknown');
SELECT count(*) FROM quay.referrer_list('lister', 'app', 'sha256:' || repeat('0', 64));
SELECT created FROM quay.manifest_put('lister', 'app', pg_temp.index(pg_temp.referrer(NULL, ',"annotations":{"n":"by tag"}'), pg_temp.referrer(:'subject', ',"annotations":{"n":"2"}')),
    NULL, ARRAY[replace(:'subject', ':', '-')]);
SELECT annotations FROM quay.referrer_list('lister', 'app', :'subject');
SELECT tags FROM quay.manifest_delete('lister', 'app', pg_temp.digest(pg_temp.referrer(:'subject', ',"artifactType":"application/x.sbom","annotations":{"made":"today"}')));
SELECT annotations FROM quay.referrer_list('lister', 'app', :'subject');
SELECT pg_temp.attempt($$SELECT * FROM quay.referrer_list('lister', 'app', 'v1')$$);

-- the catalog: what each may read, in byte order of the whole name, although "-" sorts before "/"
DO $$ BEGIN
    PERFORM quay.organization_create('list', 'list@example.com', 'lister');
    PERFORM quay.repository_create('list', 'b', 'lister');
    PERFORM quay.repository_create('list', 'a/c', 'lister', 'public');
    PERFORM quay.repository_create('list', 'marked', 'lister', 'public');
    PERFORM quay.repository_create('list-org', 'a', 'lister', 'public');
    PERFORM quay.repository_create('list-org', 'z', 'lister');
    PERFORM quay.permission_set('list-org', 'z', 'user', 'guest', 'read');
END $$;
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'list' AND r.name = 'marked';
CREATE FUNCTION pg_temp.catalog(actor text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(c.name, ' ') FROM quay.catalog(actor, after, n, scopes) AS c WHERE c.namespace LIKE 'list%' $$;
SELECT pg_temp.catalog('lister');
SELECT pg_temp.catalog('guest');
SELECT pg_temp.catalog(NULL), pg_temp.catalog('nobody');
SELECT namespace, repository, name, visibility FROM quay.catalog('lister', 'list-org/z', 2);
SELECT pg_temp.catalog('lister', 'list/');
SELECT pg_temp.catalog('lister', 'list');
SELECT pg_temp.catalog('lister', 'list/a/c', 1), pg_temp.catalog('lister', 'list/b', 1);
SELECT pg_temp.catalog('lister', scopes => 'user:read'), pg_temp.catalog('guest', scopes => 'repo:read');
SELECT count(*) FROM quay.catalog('lister', n => 0);
-- without the public catalog: only what one has a right in, and for users the public ones of namespaces that everybody sees
SET LOCAL quay.public_catalog = off;
SELECT pg_temp.catalog('lister'), pg_temp.catalog('guest'), pg_temp.catalog(NULL);
INSERT INTO quay.public_namespace (username) VALUES ('list-org'), ('list-none');
SELECT pg_temp.catalog('guest'), pg_temp.catalog('guest', scopes => 'user:read'), pg_temp.catalog(NULL), pg_temp.catalog('nobody');
SELECT pg_temp.catalog('guest', 'list-org/a', 1);
SET LOCAL quay.public_catalog = on;
SET LOCAL quay.anonymous_access = off;
SELECT pg_temp.catalog(NULL), pg_temp.catalog('guest');
INSERT INTO quay.superuser (username, kind) VALUES ('guest', 'readonly');
SELECT pg_temp.catalog('guest');
UPDATE quay."user" SET enabled = false WHERE username = 'list';
SELECT pg_temp.catalog('guest');
ROLLBACK;
