-- Tags: history, moves, restore, deletion with what hangs on it, immutability.
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
    PERFORM quay.user_create('tagger', 'password1', 'tagger@example.com');
    PERFORM quay.repository_create('tagger', 'app', 'tagger');
END $$;
CREATE FUNCTION pg_temp.manifest(n text) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"n":"' || n || '"}}', 'UTF8') $$;
CREATE FUNCTION pg_temp.push(n text, VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('tagger', 'app', pg_temp.manifest(n), tags => tags)).digest; END $$;
CREATE FUNCTION pg_temp.n(digest text) RETURNS text LANGUAGE sql AS $$
    SELECT m.manifest_bytes::jsonb -> 'annotations' ->> 'n' FROM quay.manifest AS m WHERE m.digest = n.digest $$;
-- Seconds after noon.
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS numeric LANGUAGE sql AS $$ SELECT round((ms - 1772366400000) / 1000.0, 3) $$;
CREATE VIEW pg_temp.history AS
    SELECT tag, pg_temp.n(digest) AS n, pg_temp.at(lifetime_start_ms) AS start, pg_temp.at(lifetime_end_ms) AS "end", live, reversion, immutable, cursor
    FROM quay.tag_history('tagger', 'app');

-- A, B, A, B leave one live row, and a dead one for each step
SELECT pg_temp.push('A', 'v1') AS a \gset
SET LOCAL quay.clock = '2026-03-01 12:00:10+00';
SELECT pg_temp.push('B', 'v1') AS b \gset
SET LOCAL quay.clock = '2026-03-01 12:00:20+00';
SELECT pg_temp.n(digest), pg_temp.n(previous_digest) FROM quay.tag_set('tagger', 'app', 'v1', :'a');
SET LOCAL quay.clock = '2026-03-01 12:00:30+00';
SELECT pg_temp.n(digest), pg_temp.n(previous_digest) FROM quay.tag_set('tagger', 'app', 'v1', :'b', actor => 'tagger');
SELECT tag, n, start, "end", live FROM pg_temp.history;
-- deleting A does not touch the tag on B
SELECT tags FROM quay.manifest_delete('tagger', 'app', :'a');
SELECT pg_temp.n(digest) FROM quay.tag_resolve('tagger', 'app', 'v1');
-- two moves in one millisecond
SELECT pg_temp.n(digest) FROM quay.tag_set('tagger', 'app', 'v1', :'a');
SELECT n, start, "end" FROM pg_temp.history LIMIT 3;
SELECT pg_temp.n(digest) FROM quay.tag_resolve('tagger', 'app', 'v1');
SELECT name, pg_temp.n(digest) FROM quay.tag_list('tagger', 'app');
-- from another tag
SELECT pg_temp.n(digest), pg_temp.n(previous_digest) FROM quay.tag_set('tagger', 'app', 'v2', 'v1');

-- delete and restore
SET LOCAL quay.clock = '2026-03-01 12:01:00+00';
SELECT quay.tag_delete('tagger', 'app', 'v1', 'tagger', '10.0.0.1'), quay.tag_delete('tagger', 'app', 'v1'), quay.tag_delete('tagger', 'app', 'never');
SELECT count(*) FROM quay.tag_resolve('tagger', 'app', 'v1');
SELECT status FROM quay.pull('tagger', 'tagger', 'app', 'v1');
SET LOCAL quay.clock = '2026-03-01 12:02:00+00';
SELECT pg_temp.n(digest), previous_digest FROM quay.tag_restore('tagger', 'app', 'v1');
SELECT n, start, "end", reversion FROM pg_temp.history WHERE tag = 'v1' LIMIT 2;
-- of a tag that was moved: back to where it was, or to any manifest that is still there
SELECT pg_temp.push('C', 'v1') AS c \gset
SET LOCAL quay.clock = '2026-03-01 12:03:00+00';
SELECT pg_temp.n(digest), pg_temp.n(previous_digest) FROM quay.tag_restore('tagger', 'app', 'v1');
SELECT pg_temp.n(digest) FROM quay.tag_restore('tagger', 'app', 'v1', :'b');
-- the time that the namespace keeps removed tags is over
SELECT quay.tag_delete('tagger', 'app', 'v2');
SET LOCAL quay.clock = '2026-03-15 12:03:00+00';
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_restore('tagger', 'app', 'v2')$$);
SET LOCAL quay.clock = '2026-03-15 12:02:59.999+00';
SELECT pg_temp.n(digest) FROM quay.tag_restore('tagger', 'app', 'v2');
SELECT k.name, l.metadata_json::jsonb ->> 'tag' AS tag, l.ip FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
JOIN quay."user" AS u ON u.id = l.account_id WHERE u.username = 'tagger' AND k.name LIKE '%tag' ORDER BY l.id;

-- an end of its own
SET LOCAL quay.clock = '2026-03-20 12:00:00+00';
SELECT to_timestamp(lifetime_end_ms / 1000) AT TIME ZONE 'UTC' FROM quay.tag_set('tagger', 'app', 'soon', :'b', expiration => '2026-03-20 13:00:00+00');
SELECT name FROM quay.tag_list('tagger', 'app');
SET LOCAL quay.clock = '2026-03-20 13:00:00+00';
SELECT name FROM quay.tag_list('tagger', 'app');
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L, %L)', 'tagger', 'app', 'soon', :'b', '2026-03-20 13:00:00+00'));
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L)', 'tagger', 'app', 'x', 'sha256:' || repeat('0', 64)));
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L)', 'tagger', 'app', 'x', 'unknown'));
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L)', 'tagger', 'app', 'a/b', :'b'));
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L, %L)', 'tagger', 'app', 'soon', :'b', 'infinity'));
-- a Docker schema 1 manifest keeps the name that it was signed with
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, 'sha256:' || encode(sha256('tagger'), 'hex'), (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.docker.distribution.manifest.v1+prettyjws'), '{"schemaVersion": 1, "name": "tagger/app", "tag": "old"}'
FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'tagger' RETURNING digest AS schema1 \gset
SELECT pg_temp.attempt(format('SELECT quay.tag_set(%L, %L, %L, %L)', 'tagger', 'app', 'new', :'schema1'));
SELECT count(*) FROM quay.tag_history('tagger', 'app', 'new');
SELECT digest = :'schema1' FROM quay.tag_set('tagger', 'app', 'old', :'schema1');
SELECT quay.tag_delete('tagger', 'app', 'old');

-- deleted only where somebody saw it
SELECT pg_temp.push('A', 'seen') = :'a', pg_temp.push('B', 'seen') = :'b';
SELECT quay.tag_delete('tagger', 'app', 'seen', expected_digest => :'a'), quay.tag_delete('tagger', 'app', 'seen', expected_digest => :'b'), quay.tag_delete('tagger', 'app', 'seen', expected_digest => :'b');

-- Cosign: signatures go with the last tag of their image, by delete and by move, and never take it along
SELECT 'sha256-' || split_part(:'c', ':', 2) || '.sig' AS sig, 'sha256-' || split_part(:'c', ':', 2) || '.att' AS att \gset
SELECT pg_temp.push('C', 'c1', 'c2') = :'c', pg_temp.push('S', :'sig', :'att') IS NOT NULL;
SELECT quay.tag_delete('tagger', 'app', 'c1');
SELECT count(*) FROM quay.tag_list('tagger', 'app') WHERE name IN (:'sig', :'att');
SELECT quay.tag_delete('tagger', 'app', :'sig');
SELECT count(*) FROM quay.tag_list('tagger', 'app') WHERE name IN ('c2', :'att');
SELECT pg_temp.push('C', 'c2') = :'c';
SELECT count(*) FROM quay.tag_list('tagger', 'app') WHERE name IN ('c2', :'att');
SET LOCAL quay.clock = '2026-03-20 13:01:00+00';
SELECT pg_temp.push('A', 'c2') = :'a';
SET LOCAL quay.clock = '2026-03-20 13:02:00+00';
SELECT count(*) FROM quay.tag_list('tagger', 'app') WHERE name IN ('c2', :'att');

-- pull statistics go with the tag, not with a move
INSERT INTO quay.tagpullstatistics (repository_id, tag_name, tag_pull_count, last_tag_pull_date)
SELECT r.id, t, 3, '2026-03-01' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, unnest(ARRAY['c2', 'v1']) AS t WHERE u.username = 'tagger';
SELECT quay.tag_delete('tagger', 'app', 'c2'), pg_temp.push('A', 'v1') = :'a';
SELECT s.tag_name FROM quay.tagpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'tagger';

-- deleting by digest: all tags; what has a hidden tag only can be deleted too; what is gone is no row
SELECT pg_temp.push('D', 'd1', 'd2') AS d, pg_temp.push('E') AS e \gset
SELECT tags FROM quay.manifest_delete('tagger', 'app', :'d');
SELECT tags FROM quay.manifest_delete('tagger', 'app', :'e');
SELECT tags FROM quay.manifest_delete('tagger', 'app', :'e');
SELECT count(*) FROM quay.manifest_get('tagger', 'app', :'e');

-- history: pages of two give each row once; hidden rows are not in it
SELECT count(*), count(DISTINCT cursor), bool_or(tag LIKE '$%') FROM pg_temp.history;
WITH RECURSIVE page (tag, cursor, rank) AS (
    (SELECT tag, cursor, 1 FROM quay.tag_history('tagger', 'app', n => 1))
    UNION ALL
    SELECT h.tag, h.cursor, page.rank + 1 FROM page, quay.tag_history('tagger', 'app', after => page.cursor, n => 1) AS h
) SELECT count(*), count(DISTINCT cursor) FROM page;
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_history('tagger', 'app', after => 'x')$$);

-- immutable tags: by label, by policy; off by default
SELECT pg_temp.blob('tagger', 'app', 'tagger config') AS config, pg_temp.blob('tagger', 'app', 'tagger layer') AS layer \gset
SELECT pg_temp.image('tagger config', 'tagger layer', ',"annotations":{"quay.immutable":" TRUE ","quay.expires-after":"1h"}') AS fixed \gset
SELECT m.tags FROM quay.manifest_put('tagger', 'app', :'fixed', tags => ARRAY['fixed']) AS m;
SELECT t.immutable, t.lifetime_end_ms IS NULL AS no_end FROM quay.tag_resolve('tagger', 'app', 'fixed') AS t;
SET LOCAL quay.immutable_tags = on;
INSERT INTO quay.namespaceimmutabilitypolicy (uuid, namespace_id, policy)
SELECT 'tagger-1', u.id, '{"tag_pattern": "[0-9]*"}' FROM quay."user" AS u WHERE u.username = 'tagger';
INSERT INTO quay.repositoryimmutabilitypolicy (uuid, repository_id, namespace_id, policy)
SELECT 'tagger-2', r.id, u.id, '{"tag_pattern": "(", "tag_pattern_matches": true}' FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id WHERE u.username = 'tagger';
SELECT p, n, quay_internal.policy_matches(p, n)
FROM (VALUES ('{"tag_pattern": "[0-9]*"}'), ('{"tag_pattern": "[0-9]*", "tag_pattern_matches": false}'), ('{"tag_pattern": "("}'), ('{"tag_pattern": "(", "tag_pattern_matches": false}'), ('{"tag_pattern": "a|b"}')) AS p (p),
     (VALUES ('123'), ('redis'), ('ab')) AS n (n);
SELECT pg_temp.push('A', '123', 'redis') = :'a';
SELECT m.tags FROM quay.manifest_put('tagger', 'app', :'fixed', tags => ARRAY['fixed']) AS m;
SELECT name, immutable, lifetime_end_ms IS NULL AS no_end FROM quay.tag_list('tagger', 'app') WHERE name IN ('123', 'redis', 'fixed');
-- neither moved, not even to where it is, nor deleted, alone or with others
SELECT pg_temp.attempt($$SELECT pg_temp.push('A', 'redis', '123')$$);
SELECT pg_temp.attempt($$SELECT quay.tag_delete('tagger', 'app', '123')$$);
SELECT pg_temp.attempt(format('SELECT quay.manifest_delete(%L, %L, %L)', 'tagger', 'app', :'a'));
SELECT count(*) FROM quay.tag_list('tagger', 'app') WHERE name IN ('123', 'redis');
SELECT count(*) FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id
WHERE u.username = 'tagger' AND k.name = 'tag_made_immutable_by_policy';
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT immutable, lifetime_end_ms IS NULL AS no_end FROM quay.tag_set('tagger', 'app', '456', :'a', expiration => '2026-03-20 14:00:00+00');
SET LOCAL quay.immutable_tags = off;
SELECT quay.tag_delete('tagger', 'app', '123');
ROLLBACK;
