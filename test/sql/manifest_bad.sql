-- Bad input to a push: each is refused with its code, and nothing of it is left.
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
    PERFORM quay.user_create('badger', 'password1', 'badger@example.com');
    PERFORM quay.repository_create('badger', 'app', 'badger');
    PERFORM quay.robot_create('badger', 'robot');
END $$;
SELECT pg_temp.blob('badger', 'app', 'badger config') AS config, pg_temp.blob('badger', 'app', 'badger layer') AS layer \gset
CREATE FUNCTION pg_temp.good() RETURNS bytea LANGUAGE sql AS $$ SELECT pg_temp.image('badger config', 'badger layer') $$;
CREATE FUNCTION pg_temp.put(manifest bytea, media_type text DEFAULT NULL, tags text[] DEFAULT '{v1}', expected_digest text DEFAULT NULL,
                            config bytea DEFAULT NULL, actor text DEFAULT NULL, repository text DEFAULT 'app', namespace text DEFAULT 'badger') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.attempt(format('SELECT quay.manifest_put(%L, %L, %L, %L, %L, %L, %L, %L)',
                                  namespace, repository, manifest, media_type, tags, expected_digest, config, actor));
END $$;

-- the bytes
SELECT pg_temp.put(NULL);
SELECT pg_temp.put('');
SELECT pg_temp.put('{');
SELECT pg_temp.put(substring(pg_temp.good() FROM 1 FOR 200));
SELECT pg_temp.put('[]');
SELECT pg_temp.put('null');
SELECT pg_temp.put(pg_temp.good() || '\x00');
SELECT pg_temp.put(convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"a":"\u0000"}}', 'UTF8'));
SELECT pg_temp.put('\x7b2261223a22ff227d');
SELECT pg_temp.put(convert_to(repeat('[', 10000) || repeat(']', 10000), 'UTF8'));
SELECT pg_temp.put(convert_to('{"a":' || repeat('{"a":', 10000) || '1' || repeat('}', 10000) || '}', 'UTF8'));
SELECT pg_temp.put(pg_temp.good() || convert_to(repeat(' ', 4 * 1024 * 1024 + 1 - length(pg_temp.good())), 'UTF8'));
SELECT created FROM quay.manifest_put('badger', 'app', pg_temp.good() || convert_to(repeat(' ', 4 * 1024 * 1024 - length(pg_temp.good())), 'UTF8'));

-- the kind
SELECT pg_temp.put(pg_temp.good(), 'application/json');
SELECT pg_temp.put(pg_temp.good(), '');
SELECT pg_temp.put(pg_temp.good(), 'application/vnd.docker.distribution.manifest.v1+prettyjws');
SELECT pg_temp.put(pg_temp.good(), 'application/vnd.docker.distribution.manifest.v2+json');
SELECT pg_temp.put('{"schemaVersion":2}');
SELECT pg_temp.put('{"schemaVersion":1,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}');
SELECT pg_temp.put('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"layers":[]}');
SELECT pg_temp.put('{"schemaVersion":2,"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}');
SELECT pg_temp.put(convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v1+json","size":1,"digest":"' || :'layer' || '"}]}', 'UTF8'));
SELECT pg_temp.put(convert_to(replace(convert_from(pg_temp.good(), 'UTF8'), 'sha256:', 'sha256:zz'), 'UTF8'));
SELECT pg_temp.put(convert_to(replace(convert_from(pg_temp.good(), 'UTF8'), '"size":12', '"size":-12'), 'UTF8'));

-- the digest
SELECT pg_temp.put(pg_temp.good(), expected_digest => 'sha256:' || repeat('0', 64));
SELECT pg_temp.put(pg_temp.good(), expected_digest => 'sha512:' || repeat('0', 128));
SELECT pg_temp.put(pg_temp.good(), expected_digest => 'sha256:0');
SELECT pg_temp.put(pg_temp.good(), expected_digest => 'md5:d41d8cd98f00b204e9800998ecf8427e');

-- the config
SELECT pg_temp.put(pg_temp.good(), config => 'other config');
SELECT pg_temp.put(pg_temp.good(), config => 'badger config');
SELECT pg_temp.put(pg_temp.index(pg_temp.good()), config => 'badger config');
SELECT pg_temp.put(convert_to(replace(convert_from(pg_temp.good(), 'UTF8'), '"size":13', '"size":14'), 'UTF8'));
SELECT pg_temp.blob('badger', 'app', '{"architecture":"amd64","os":"linux"}') IS NOT NULL;
SELECT pg_temp.put(pg_temp.image('{"architecture":"amd64","os":"linux"}', 'badger layer'), config => '{"architecture":"amd64","os":"linux"}');

-- what it refers to
SELECT pg_temp.put(pg_temp.image('badger config', 'unknown layer'));
SELECT pg_temp.put(pg_temp.image('unknown config', 'unknown layer'));
SELECT pg_temp.put(pg_temp.index(pg_temp.good(), 'unknown'));
SELECT created FROM quay.manifest_put('badger', 'app', pg_temp.good(), tags => ARRAY['good']);
SELECT pg_temp.put(convert_to(replace(convert_from(pg_temp.index(pg_temp.good()), 'UTF8'), '"size":', '"size":9'), 'UTF8'));

-- tags
SELECT t, pg_temp.put(pg_temp.good(), tags => ARRAY['fine', t])
FROM unnest(ARRAY[repeat('a', 129), '', '.a', '-a', 'a b', E'a\n', 'a/b', 'é', NULL]) AS t;
SELECT length(pg_temp.put(pg_temp.good(), tags => ARRAY[repeat('a', 256)])) > 0;
SELECT pg_temp.put(pg_temp.good(), tags => ARRAY[repeat('a', 128), 'UPPER', '..', 'a..b']);

-- where to
SELECT pg_temp.put(pg_temp.good(), namespace => 'nobody');
SELECT pg_temp.put(pg_temp.good(), namespace => 'badger+robot');
SELECT pg_temp.put(pg_temp.good(), repository => 'unknown');
SELECT pg_temp.put(pg_temp.good(), repository => 'UPPER');
SELECT pg_temp.put(pg_temp.good(), repository => 'a/../app');
SELECT pg_temp.put(pg_temp.good(), namespace => NULL);
SELECT pg_temp.put(pg_temp.good(), actor => 'nobody');
-- in each state of the repository
SELECT quay.repository_set_state('badger', 'app', 'read_only');
SELECT pg_temp.put(pg_temp.good());
SELECT quay.repository_set_state('badger', 'app', 'mirror');
SELECT pg_temp.put(pg_temp.good(), actor => 'badger');
UPDATE quay.repository AS r SET state = 4 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'badger' AND r.name = 'app';
SELECT pg_temp.put(pg_temp.good(), actor => 'badger');
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'badger' AND r.name = 'app';
SELECT pg_temp.put(pg_temp.good());
UPDATE quay.repository AS r SET state = 0 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'badger' AND r.name = 'app';
UPDATE quay."user" SET enabled = false WHERE username = 'badger';
SELECT pg_temp.put(pg_temp.good());
UPDATE quay."user" SET enabled = true WHERE username = 'badger';

-- nothing is left but what was pushed above
SELECT name FROM quay.tag_list('badger', 'app');
SELECT count(*) FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'badger';
ROLLBACK;
