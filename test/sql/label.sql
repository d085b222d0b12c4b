-- Labels: adding, what must not be added, what they do to tags, deleting.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
\set VERBOSITY default
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
    PERFORM quay.user_create('labeler', 'password1', 'labeler@example.com');
    PERFORM quay.repository_create('labeler', 'app', 'labeler');
    PERFORM quay.upload_finish('labeler', 'app', (quay.upload_start('labeler', 'app')).upload, 'sha256:' || encode(sha256('{}'), 'hex'), '{}');
END $$;
-- An artifact, whose annotations are its labels.
CREATE FUNCTION pg_temp.artifact(annotations text) RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/x.config","digest":"sha256:%s","size":2},"layers":[],"annotations":{%s}}', encode(sha256('{}'), 'hex'), annotations), 'UTF8') $$;
CREATE FUNCTION pg_temp.push(annotations text, VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('labeler', 'app', pg_temp.artifact(annotations), tags => tags)).digest; END $$;
CREATE FUNCTION pg_temp.list(children text[], VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('labeler', 'app', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        (SELECT string_agg(format('{"mediaType":"%s","digest":"%s","size":%s}', y.name, m.digest, octet_length(m.manifest_bytes)), ',' ORDER BY m.id)
         FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id WHERE m.digest = ANY (children))), 'UTF8'), tags => tags)).digest; END $$;
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS text LANGUAGE sql AS $$ SELECT to_char(to_timestamp(ms / 1000.0), 'YYYY-MM-DD HH24:MI:SS') $$;
CREATE VIEW pg_temp.tags AS SELECT name, pg_temp.at(lifetime_end_ms) AS "end", immutable FROM quay.tag_list('labeler', 'app');
CREATE FUNCTION pg_temp.add(digest text, key text, value text, media_type text DEFAULT NULL, source text DEFAULT 'api', allow_reserved boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$ SELECT quay.label_add('labeler', 'app', digest, key, value, media_type, source, allow_reserved, 'labeler', '10.0.0.1') $$;

-- with their source and their media type, which a value has or is given
SELECT pg_temp.push('"From.Manifest":"1","from-json":"[1]"', 'v1') AS a \gset
SELECT pg_temp.add(:'a', 'added.label-1', 'text') AS added, pg_temp.add(:'a', 'added.label-1', 'again') IS NOT NULL AS twice,
       pg_temp.add(:'a', 'json', ' {"a": 1}') IS NOT NULL AS json, pg_temp.add(:'a', 'plain', '{"a": 1}', 'text/plain') IS NOT NULL AS plain,
       pg_temp.add(:'a', 'number', '1', 'application/json') IS NOT NULL AS number, pg_temp.add(:'a', 'internal', '', source => 'internal') IS NOT NULL AS internal,
       pg_temp.add(:'a', '..Any Key', 'x', source => 'manifest') AS manifest \gset
SELECT key, value, media_type, source FROM quay.label_list('labeler', 'app', :'a');
SELECT key FROM quay.label_list('labeler', 'app', :'a', 'FROM');
SELECT key, value, media_type, source, label = :'added' AS this FROM quay.label_get('labeler', 'app', :'a', :'added');
SELECT pg_temp.push('"n":"b"') AS b \gset
SELECT count(*) FROM quay.label_get('labeler', 'app', :'b', :'added');
SELECT count(*) FROM quay.label_get('labeler', 'app', :'a', 'unknown');
SELECT count(*) FROM quay.manifestlabel AS l JOIN quay.manifest AS m ON m.id = l.manifest_id WHERE m.digest = :'a' AND m.repository_id = l.repository_id;
-- several at once, in their order
SELECT key, value, media_type, label IS NOT NULL AS labeled
FROM quay.label_put_many('labeler', 'app', :'b', '[{"key": "z", "value": "1"}, {"key": "a", "value": "[]"}, {"key": "z", "value": "[]", "media_type": "text/plain"}, {"key": "n", "value": "x", "media_type": null}]', actor => 'labeler');
SELECT key, value FROM quay.label_list('labeler', 'app', :'b');
-- or none
SELECT pg_temp.attempt(format('SELECT * FROM quay.label_put_many(%L, %L, %L, %L)', 'labeler', 'app', :'b', '[{"key": "fine", "value": "1"}, {"key": "Not fine", "value": "1"}]'));
SELECT count(*) FROM quay.label_put_many('labeler', 'app', :'b', '[]');
SELECT l, pg_temp.attempt(format('SELECT * FROM quay.label_put_many(%L, %L, %L, %L)', 'labeler', 'app', :'b', l))
FROM unnest(ARRAY['{"a": "b"}', '["a"]', '[{"key": "a"}]', '[{"key": "a", "value": 1}]', '[{"key": "a", "value": "1", "media_type": 1}]', NULL]) AS l;
SELECT count(*) FROM quay.label_list('labeler', 'app', :'b');
-- audit
SELECT k.name, u.username, l.ip, l.metadata_json::jsonb - 'id' - 'manifest_digest' AS metadata, l.metadata_json::jsonb ->> 'manifest_digest' = :'a' AS digest,
       l.metadata_json::jsonb ->> 'id' = :'added' AS id
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.performer_id WHERE k.name LIKE 'manifest_label_%' ORDER BY l.id LIMIT 1;

-- what cannot be a label
SELECT k, split_part(pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', :'a', k, 'x')), E'\n', 1)
FROM unnest(ARRAY['a', '0', 'a.b-c', 'a..b', 'a.-b', '.a', 'a-', 'A', 'a_b', 'ä', 'a b', E'a\n', repeat('a', 255), repeat('a', 256)]) AS k;
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', :'a', 'a..b', 'x'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L, source => %L)', :'a', '', 'x', 'manifest'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, NULL, %L)', :'a', 'x'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, NULL)', :'a', 'a'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', :'a', 'a', repeat('x', 65537)));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L, %L)', :'a', 'a', 'x', 'text/markdown'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L, %L)', :'a', 'a', '{', 'application/json'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L, source => %L)', :'a', 'a', 'x', 'elsewhere'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', 'sha256:' || repeat('0', 64), 'a', 'x'));
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', 'v1', 'a', 'x'));
SELECT pg_temp.attempt(format('SELECT quay.label_add(%L, %L, %L, %L, %L, actor => %L)', 'labeler', 'app', :'a', 'a', 'x', 'nobody'));
-- reserved keys
SELECT k, quay_internal.label_reserved_prefix(k)
FROM unnest(ARRAY['com.docker.x', 'com.dockerx', 'io.docker.x', 'org.dockerproject.x', 'org.opencontainers.image', 'io.cncf.x', 'io.kubernetes.x', 'io.k8s.x', 'io.quayx', 'com.coreosx', 'com.tectonic', 'internalx', 'quay', 'com.acme.x', 'net.own.x']) AS k;
SET LOCAL quay.label_reserved_prefixes = 'com.acme., ,net.own.';
SELECT k, quay_internal.label_reserved_prefix(k) FROM unnest(ARRAY['com.acme.x', 'com.acmex', 'net.own.x', 'x']) AS k;
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', :'a', 'com.acme.x', 'x'));
SELECT pg_temp.add(:'a', 'com.acme.x', 'x', allow_reserved => true) IS NOT NULL, pg_temp.add(:'a', 'com.acme.x', 'x', source => 'internal') IS NOT NULL;

-- deleting: only what was added, only from this manifest
SELECT quay.label_delete('labeler', 'app', :'b', :'added'), quay.label_delete('labeler', 'app', :'a', 'unknown'), quay.label_delete('labeler', 'app', :'a', :'added', 'labeler', '10.0.0.2'),
       quay.label_delete('labeler', 'app', :'a', :'added');
SELECT count(*) FROM quay.label WHERE uuid = :'added';
SELECT pg_temp.attempt(format('SELECT quay.label_delete(%L, %L, %L, %L)', 'labeler', 'app', :'a', label)) FROM quay.label_list('labeler', 'app', :'a') WHERE key IN ('From.Manifest', 'internal');
SELECT u.username, l.ip, l.metadata_json::jsonb - 'id' - 'manifest_digest' AS metadata
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.performer_id WHERE k.name = 'manifest_label_delete';
-- one that another manifest has too stays there
SELECT label AS plain_label FROM quay.label_list('labeler', 'app', :'a') WHERE key = 'plain' \gset
INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id)
SELECT m.repository_id, m.id, l.id FROM quay.manifest AS m, quay.label AS l WHERE m.digest = :'b' AND l.uuid = :'plain_label';
SELECT quay.label_delete('labeler', 'app', :'a', :'plain_label'), quay.label_delete('labeler', 'app', :'a', :'plain_label');
SELECT key FROM quay.label_get('labeler', 'app', :'b', :'plain_label');

-- quay.expires-after, added later: each tag from its own start; what is older ends now, and can be restored
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
SELECT pg_temp.push('"From.Manifest":"1","from-json":"[1]"', 'v2') = :'a';
SELECT pg_temp.add(:'a', 'quay.expires-after', '3h', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags;
SELECT pg_temp.add(:'a', 'quay.expires-after', v, allow_reserved => true) IS NOT NULL FROM unnest(ARRAY['soon', '-1h', '1.5h', '1H', '']) AS v;
SELECT * FROM pg_temp.tags;
SELECT count(*) FROM quay.label_put_many('labeler', 'app', :'a', '[{"key": "quay.expires-after", "value": "1w"}, {"key": "quay.expires-after", "value": "1h"}]', source => 'internal');
SELECT * FROM pg_temp.tags;
SELECT tag, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms) FROM quay.tag_restorable_list('labeler', 'app');
-- a tag that is restored or moved there later counts from that moment, by the latest label
SET LOCAL quay.clock = '2026-03-01 14:10:00+00';
SELECT pg_temp.at(lifetime_end_ms) FROM quay.tag_restore('labeler', 'app', 'v1');
SELECT pg_temp.at(lifetime_end_ms) FROM quay.tag_set('labeler', 'app', 'v3', :'a');
SELECT pg_temp.at(lifetime_end_ms) FROM quay.tag_set('labeler', 'app', 'v4', :'a', expiration => '2026-05-01');
-- 0s: no end; more than fits: as long as can be
SELECT pg_temp.add(:'a', 'quay.expires-after', '0s', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags;
SELECT pg_temp.at(lifetime_end_ms) FROM quay.tag_set('labeler', 'app', 'v3', :'a');
SELECT pg_temp.add(:'a', 'quay.expires-after', '9223372036854775807s', allow_reserved => true) IS NOT NULL;
SELECT lifetime_end_ms - lifetime_start_ms FROM quay.tag_set('labeler', 'app', 'v3', :'a');
SELECT lifetime_end_ms - lifetime_start_ms FROM quay.tag_list('labeler', 'app') WHERE name = 'v1';
-- who changed the ends is recorded
SELECT l.metadata_json::jsonb ->> 'tag' AS tag, u.username, to_timestamp((l.metadata_json::jsonb ->> 'expiration_date')::bigint)
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS u ON u.id = l.performer_id WHERE k.name = 'change_tag_expiration' ORDER BY l.id LIMIT 3;

-- quay.immutable: only "true", only if tags can be immutable
SELECT pg_temp.push('"n":"i"', 'i1', 'i2') AS i \gset
SELECT pg_temp.add(:'i', 'quay.immutable', 'true', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags WHERE name LIKE 'i%';
SET LOCAL quay.immutable_tags = on;
SELECT pg_temp.add(:'i', 'quay.immutable', v, allow_reserved => true) IS NOT NULL FROM unnest(ARRAY['yes', 'false', '1', 'true x']) AS v;
SELECT * FROM pg_temp.tags WHERE name LIKE 'i%';
SELECT pg_temp.add(:'i', 'quay.expires-after', '2d', allow_reserved => true) IS NOT NULL, pg_temp.add(:'i', 'quay.immutable', E' TRUE\t', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags WHERE name LIKE 'i%';
-- immutable tags get no end by a label, unless they can have one
SELECT pg_temp.add(:'i', 'quay.expires-after', '3d', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags WHERE name LIKE 'i%';
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT pg_temp.add(:'i', 'quay.expires-after', '4d', allow_reserved => true) IS NOT NULL;
SELECT * FROM pg_temp.tags WHERE name LIKE 'i%';
SET LOCAL quay.immutable_tags_can_expire = off;

-- an index: its own label, else what all its children say; values of quay.immutable are normalised first
CREATE FUNCTION pg_temp.rules(digest text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s', coalesce(r.expires_after::text, '-'), r.immutable) FROM quay.manifest AS m, quay_internal.label_tag_rules(m.id) AS r WHERE m.digest = rules.digest $$;
SELECT pg_temp.push('"quay.expires-after":"2w","quay.immutable":"true"') AS c1, pg_temp.push('"quay.expires-after":"14d","quay.immutable":" True"') AS c2,
       pg_temp.push('"quay.expires-after":"3w"') AS c3, pg_temp.push('"quay.expires-after":"2w","quay.immutable":"no"') AS c4 \gset
SELECT pg_temp.list(ARRAY[:'c1', :'c2']) AS l12, pg_temp.list(ARRAY[:'c1', :'c3']) AS l13, pg_temp.list(ARRAY[:'c1', :'c4']) AS l14, pg_temp.list('{}') AS l0 \gset
SELECT pg_temp.list(ARRAY[:'l12', :'c1']) AS nested \gset
SELECT pg_temp.rules(:'c1'), pg_temp.rules(:'l12'), pg_temp.rules(:'l13'), pg_temp.rules(:'l14'), pg_temp.rules(:'l0'), pg_temp.rules(:'nested');
SELECT pg_temp.add(:'l13', 'quay.expires-after', '1d', allow_reserved => true) IS NOT NULL, pg_temp.add(:'l12', 'quay.immutable', 'false', allow_reserved => true) IS NOT NULL;
SELECT pg_temp.rules(:'l13'), pg_temp.rules(:'l12');
-- two tags of a new index
SET LOCAL quay.immutable_tags = off;
SELECT pg_temp.list(ARRAY[:'c1', :'c2', :'c4'], 'x1', 'x2') IS NOT NULL;
SELECT * FROM pg_temp.tags WHERE name LIKE 'x%';

-- the state of the repository
UPDATE quay.repository AS r SET state = 1 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'labeler';
SELECT pg_temp.attempt(format('SELECT pg_temp.add(%L, %L, %L)', :'a', 'a', 'x'));
SELECT pg_temp.attempt(format('SELECT * FROM quay.label_put_many(%L, %L, %L, %L)', 'labeler', 'app', :'a', '[]'));
SELECT pg_temp.attempt(format('SELECT quay.label_delete(%L, %L, %L, %L)', 'labeler', 'app', :'a', 'x'));
SELECT pg_temp.attempt($$SELECT * FROM quay.label_get('labeler', 'none', 'x', 'x')$$);
ROLLBACK;
