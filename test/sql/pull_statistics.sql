-- Pulls of tags and manifests: counted one by one and in batches, read again.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.digest(letter text) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || repeat(letter, 64) $$;
-- An item of a batch.
CREATE FUNCTION pg_temp.item(repository text, tag text, letter text, pulls integer DEFAULT NULL, at text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object('repository_id', r.id, 'tag_name', tag, 'manifest_digest', pg_temp.digest(letter),
        'pull_count', pulls, 'last_pull_timestamp', at))
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'pst-alice' AND r.name = repository $$;
CREATE FUNCTION pg_temp.tags() RETURNS TABLE (repository text, tag text, pulls bigint, last timestamp, digest text) LANGUAGE sql AS $$
    SELECT r.name, s.tag_name, s.tag_pull_count, s.last_tag_pull_date, left(s.current_manifest_digest, 8) FROM quay.tagpullstatistics AS s
    JOIN quay.repository AS r ON r.id = s.repository_id ORDER BY r.name, s.tag_name $$;
CREATE FUNCTION pg_temp.manifests() RETURNS TABLE (repository text, digest text, pulls bigint, last timestamp) LANGUAGE sql AS $$
    SELECT r.name, left(s.manifest_digest, 8), s.manifest_pull_count, s.last_manifest_pull_date FROM quay.manifestpullstatistics AS s
    JOIN quay.repository AS r ON r.id = s.repository_id ORDER BY r.name, s.manifest_digest $$;
SELECT quay.user_create('pst-alice', 'password', 'pst-alice@pst.example') IS NOT NULL AS alice;
SELECT quay.user_create('pst-bob', 'password', 'pst-bob@pst.example') IS NOT NULL AS bob;
SELECT count(quay.repository_create('pst-alice', r, 'pst-alice', visibility => CASE r WHEN 'open' THEN 'public' ELSE 'private' END))
FROM unnest(ARRAY['app', 'open', 'idle', 'gone']) AS r;
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'pst-alice' AND r.name = 'gone';

-- A pull by tag counts for tag and manifest, one by digest for the manifest only.
SELECT quay.pull_record('pst-alice', 'app', pg_temp.digest('a'), 'v1');
SELECT quay.pull_record('pst-alice', 'app', pg_temp.digest('a'));
SELECT quay.pull_record('pst-alice', 'app', tag => 'v2', pulls => 3, pulled_at => '2026-03-01 00:00:00+02');
SELECT quay.pull_record('pst-alice', 'app', pg_temp.digest('a'), 'v1', 2, '2026-03-09 00:00:00+00');
-- What has not happened yet is now.
SELECT quay.pull_record('pst-alice', 'open', pg_temp.digest('b'), 'v1', pulled_at => '2999-01-01 00:00:00+00');
SELECT quay.pull_record('pst-alice', 'gone', tag => 'v1') AS marked, quay.pull_record('pst-alice', 'unknown', tag => 'v1') AS unknown,
    quay.pull_record('pst-unknown', 'app', tag => 'v1') AS no_namespace;
SELECT * FROM pg_temp.tags();
SELECT * FROM pg_temp.manifests();
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', tag => 'v1', pulls => 0)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', tag => 'v1', pulls => NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', tag => 'v1', pulls => 10000000000)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', tag => 'v1', pulled_at => 'infinity')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', tag => '-v1')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', 'sha256:xyz')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record('pst-alice', 'app', 'md5:abcd')$$);
DELETE FROM quay.tagpullstatistics;
DELETE FROM quay.manifestpullstatistics;

-- A batch: the same key several times adds up, the latest event says the digest, in whatever order they stand.
SELECT * FROM quay.pull_record_many(jsonb_build_array(
    pg_temp.item('open', 'v1', 'c', 1, '2026-03-01T12:00:00Z'),
    pg_temp.item('app', 'v1', 'b', 5, '2026-03-05T12:00:00+00:00'),
    pg_temp.item('app', 'v1', 'a', 2, '2026-03-04T12:00:00.5Z'),
    pg_temp.item('app', NULL, 'a', 10, '2026-03-02 12:00:00'),
    pg_temp.item('app', 'v0', NULL)));
SELECT * FROM pg_temp.tags();
SELECT * FROM pg_temp.manifests();
-- An older event counts, and changes neither the time nor the digest; a newer one does; one without a digest leaves it.
SELECT tags, manifests FROM quay.pull_record_many(jsonb_build_array(pg_temp.item('app', 'v1', 'a', 1, '2026-03-03T12:00:00Z')));
SELECT * FROM pg_temp.tags() WHERE tag = 'v1' AND repository = 'app';
SELECT tags, manifests FROM quay.pull_record_many(jsonb_build_array(pg_temp.item('app', 'v1', 'd', 1, '2026-03-06T12:00:00Z')));
SELECT * FROM pg_temp.tags() WHERE tag = 'v1' AND repository = 'app';
SELECT tags, manifests FROM quay.pull_record_many(jsonb_build_array(pg_temp.item('app', 'v1', NULL, 1, '2026-03-07T14:00:00+02')));
SELECT * FROM pg_temp.tags() WHERE tag = 'v1' AND repository = 'app';
-- A time without a zone is UTC, whatever the session says.
SET LOCAL timezone = 'America/New_York';
SET LOCAL datestyle = 'SQL, DMY';
SELECT tags FROM quay.pull_record_many(jsonb_build_array(pg_temp.item('idle', 'v1', NULL, 1, '2026-03-07T14:00:00')));
RESET timezone;
RESET datestyle;
SELECT * FROM pg_temp.tags() WHERE repository = 'idle';
-- What does not exist, or is being deleted, is left out and named.
SELECT r.tags, r.manifests, cardinality(r.unknown_repositories), 999999999999 = ANY (r.unknown_repositories) AS unknown
FROM quay.pull_record_many(jsonb_build_array(pg_temp.item('gone', 'v1', 'a'), '{"repository_id": 999999999999, "tag_name": "v1"}'::jsonb,
    pg_temp.item('open', 'v1', 'c'))) AS r;
SELECT * FROM quay.pull_record_many('[]');

-- A bad item refuses the whole batch.
SELECT item, pg_temp.attempt(format('SELECT quay.pull_record_many(%L)', jsonb_build_array(pg_temp.item('app', 'v9', 'a'), item::jsonb)))
FROM unnest(ARRAY['1', 'null', '{}', '{"repository_id": "1", "tag_name": "v1"}', '{"repository_id": 1.5, "tag_name": "v1"}',
    '{"repository_id": -1, "tag_name": "v1"}', '{"repository_id": 1}', '{"repository_id": 1, "tag_name": null, "manifest_digest": null}',
    '{"repository_id": 1, "tag_name": 1}', '{"repository_id": 1, "tag_name": ""}',
    '{"repository_id": 1, "manifest_digest": "abc"}', '{"repository_id": 1, "manifest_digest": 7}',
    '{"repository_id": 1, "tag_name": "v1", "pull_count": 0}', '{"repository_id": 1, "tag_name": "v1", "pull_count": 1.5}',
    '{"repository_id": 1, "tag_name": "v1", "pull_count": "2"}', '{"repository_id": 1, "tag_name": "v1", "pull_count": 99999999999}',
    '{"repository_id": 1, "tag_name": "v1", "last_pull_timestamp": "yesterday"}', '{"repository_id": 1, "tag_name": "v1", "last_pull_timestamp": "2026-02-30T00:00:00Z"}',
    '{"repository_id": 1, "tag_name": "v1", "last_pull_timestamp": "infinity"}', '{"repository_id": 1, "tag_name": "v1", "last_pull_timestamp": 1772366400}']) AS item;
SELECT pg_temp.attempt(format('SELECT quay.pull_record_many(%L)', jsonb_build_array(pg_temp.item('app', repeat('x', 256), 'a'))));
SELECT pg_temp.attempt($$SELECT quay.pull_record_many('{}')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record_many(NULL)$$);
SELECT count(*) FROM pg_temp.tags() WHERE tag = 'v9';

-- Reading
SELECT kind, pull_count, last_pulled, left(digest, 8) AS digest, manifest_pull_count, manifest_last_pulled FROM quay.pull_statistics_get('pst-alice', 'app', 'v1');
SELECT kind, pull_count, last_pulled, left(digest, 8) AS digest, manifest_pull_count FROM quay.pull_statistics_get('pst-alice', 'app', pg_temp.digest('a'));
SELECT kind, pull_count, last_pulled, digest FROM quay.pull_statistics_get('pst-alice', 'app');
SELECT kind, pull_count, last_pulled, digest FROM quay.pull_statistics_get('pst-alice', 'idle');
SELECT count(*) FROM quay.pull_statistics_get('pst-alice', 'app', 'never');
SELECT count(*) FROM quay.pull_statistics_get('pst-alice', 'app', pg_temp.digest('e'));
SELECT tag, pull_count, last_pulled, left(digest, 8) AS digest, manifest_pull_count FROM quay.pull_statistics_get_many('pst-alice', 'app', '{v1,v0,never}');
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_get('pst-alice', 'gone', 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_get('pst-unknown', 'app', 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_get('pst-alice', 'app', 'sha256:')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_get_many('pst-alice', 'unknown', '{v1}')$$);

-- Those pulled most often, page by page; the same count is in the order in which they came.
DELETE FROM quay.tagpullstatistics;
SELECT tags FROM quay.pull_record_many((SELECT jsonb_agg(pg_temp.item('app', 't' || n, 'a', (n % 3) + 1)) FROM generate_series(1, 7) AS n));
SELECT name, pull_count FROM quay.pull_statistics_list('pst-alice', 'app');
CREATE FUNCTION pg_temp.pages(size integer) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE start text; last text; page integer := 0; row record;
BEGIN
    LOOP
        page := page + 1; last := NULL;
        FOR row IN SELECT * FROM quay.pull_statistics_list('pst-alice', 'app', after => start, n => size) LOOP
            last := row.cursor;
            RETURN NEXT page || ':' || row.name;
        END LOOP;
        EXIT WHEN last IS NULL;
        start := last;
    END LOOP;
END $$;
SELECT string_agg(p, ' ') FROM pg_temp.pages(3) AS p;
SELECT left(name, 8) AS name, pull_count, name = digest AS same FROM quay.pull_statistics_list('pst-alice', 'app', 'manifest', n => 2);
SELECT left(name, 8) AS name, pull_count FROM quay.pull_statistics_list('pst-alice', 'app', 'manifest',
    (SELECT cursor FROM quay.pull_statistics_list('pst-alice', 'app', 'manifest', n => 1)));
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_list('pst-alice', 'app', 'layer')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_list('pst-alice', 'app', after => 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_list('pst-alice', 'app', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_list('pst-alice', 'unknown')$$);

-- Repositories of a namespace, as far as the actor may read them.
SELECT * FROM quay.pull_statistics_repository_list('pst-alice', 'pst-alice');
SELECT * FROM quay.pull_statistics_repository_list('pst-bob', 'pst-alice');
SELECT * FROM quay.pull_statistics_repository_list(NULL, 'pst-alice');
SELECT * FROM quay.pull_statistics_repository_list(NULL, 'pst-alice', unrestricted => true, n => 1);
SELECT * FROM quay.pull_statistics_repository_list('pst-alice', 'pst-alice', scopes => 'user:read');
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_repository_list(NULL, 'pst-unknown')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_statistics_repository_list(NULL, 'pst-alice', -1)$$);

-- A deleted tag loses its counts, the manifest keeps them, and a tag that moves does too; made again it starts at nothing.
SELECT created FROM quay.manifest_put('pst-alice', 'idle', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8'), tags => '{v1,v2}');
SELECT created FROM quay.manifest_put('pst-alice', 'idle', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"n":"2"}}', 'UTF8'), tags => '{v3}');
SELECT quay.pull_record('pst-alice', 'idle', t.digest, t.name, 4) FROM quay.tag_list('pst-alice', 'idle') AS t;
SELECT tag_id IS NOT NULL AS moved FROM quay.tag_set('pst-alice', 'idle', 'v2', 'v3');
SELECT quay.tag_delete('pst-alice', 'idle', 'v1');
SELECT name, pull_count FROM quay.pull_statistics_list('pst-alice', 'idle') ORDER BY name;
SELECT sum(pull_count) FROM quay.pull_statistics_list('pst-alice', 'idle', 'manifest');
SELECT quay.pull_record('pst-alice', 'idle', tag => 'v1');
SELECT pull_count FROM quay.pull_statistics_get('pst-alice', 'idle', 'v1');
ROLLBACK;
