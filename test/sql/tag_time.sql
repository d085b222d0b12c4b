-- Tags by name and by manifest; looking back: a moment, what changed, what can be restored.
BEGIN;
SET LOCAL timezone = 'UTC';
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
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DO $$ BEGIN
    PERFORM quay.user_create('timer', 'password1', 'timer@example.com');
    PERFORM quay.repository_create('timer', 'app', 'timer');
    PERFORM quay.repository_create('timer', 'empty', 'timer');
END $$;
CREATE FUNCTION pg_temp.push(n text, VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('timer', 'app', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"n":"' || n || '"}}', 'UTF8'), tags => tags)).digest; END $$;
CREATE FUNCTION pg_temp.n(digest text) RETURNS text LANGUAGE sql AS $$
    SELECT m.manifest_bytes::jsonb -> 'annotations' ->> 'n' FROM quay.manifest AS m WHERE m.digest = n.digest $$;
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS text LANGUAGE sql AS $$ SELECT to_char(to_timestamp(ms / 1000.0), 'DD HH24:MI:SS') $$;
CREATE FUNCTION pg_temp.tags(as_of timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(name || '=' || pg_temp.n(digest), ' ') FROM quay.tag_list_at('timer', 'app', as_of) $$;
-- The same by tag_resolve(), name by name.
CREATE FUNCTION pg_temp.resolved(as_of timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(w.name || '=' || pg_temp.n(r.digest), ' ' ORDER BY w.name)
    FROM (SELECT DISTINCT t.name FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'timer') AS w,
         quay.tag_resolve('timer', 'app', w.name, as_of) AS r $$;
CREATE FUNCTION pg_temp.diff(from_time timestamptz, to_time timestamptz DEFAULT NULL, after text DEFAULT NULL, n integer DEFAULT 100) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(format('%s %s %s>%s', tag, change, pg_temp.n(digest_before), pg_temp.n(digest_after)), ', ')
    FROM quay.tag_diff('timer', 'app', from_time, to_time, after, n) $$;

SELECT pg_temp.push('A', 'a', 'b', 'c', 'd') AS a \gset
SET LOCAL quay.clock = '2026-03-01 12:00:10+00';
SELECT pg_temp.push('B', 'b', 'e') AS b \gset
SELECT quay.tag_delete('timer', 'app', 'c');
SET LOCAL quay.clock = '2026-03-01 12:00:20+00';
SELECT pg_temp.push('A', 'b') = :'a', quay.tag_delete('timer', 'app', 'e');
SELECT lifetime_end_ms IS NOT NULL FROM quay.tag_set('timer', 'app', 'f', :'b', expiration => '2026-03-01 12:00:40+00');
SET LOCAL quay.clock = '2026-03-01 12:00:30+00';
SELECT pg_temp.push('A', 'd') = :'a', pg_temp.push('C', 'c') IS NOT NULL, pg_temp.push('C', '_x', '0') IS NOT NULL;
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';

-- one, several, by manifest
SELECT tag, status, pg_temp.n(digest), size > 0 AS size, immutable, tag_id IS NOT NULL AS id, manifest_id IS NOT NULL AS manifest_id FROM quay.tag_find('timer', 'app', 'a');
SELECT tag, status, pg_temp.n(digest) FROM quay.tag_find('timer', 'app', 'e');
SELECT tag, status, pg_temp.n(digest) FROM quay.tag_find('timer', 'app', 'never');
SELECT tag, status, pg_temp.n(digest) FROM quay.tag_find_many('timer', 'app', ARRAY['f', 'e', 'a', 'a', NULL, '$temp', 'b']);
SELECT count(*) FROM quay.tag_find_many('timer', 'app', '{}');
SELECT pg_temp.push('by digest') IS NOT NULL;
SELECT status FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id, quay.tag_find('timer', 'app', t.name)
WHERE t.hidden AND u.username = 'timer';
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_find('timer', 'none', 'a')$$);
SELECT tag, lifetime_end_ms, immutable, tag_id IS NOT NULL AS id FROM quay.manifest_tag_list('timer', 'app', :'a');
SELECT tag FROM quay.manifest_tag_list('timer', 'app', :'a', 'a', 1);
SELECT count(*) FROM quay.manifest_tag_list('timer', 'app', 'sha256:unknown');
SELECT pg_temp.attempt(format('SELECT * FROM quay.manifest_tag_list(%L, %L, %L, n => -1)', 'timer', 'app', :'a'));
-- the latest of each repository; a hidden tag and one that is over are none
SELECT r.name, l.tag, pg_temp.n(l.digest), pg_temp.at(l.lifetime_start_ms)
FROM quay.tag_latest_many(ARRAY(SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'timer') || 0::bigint) AS l
JOIN quay.repository AS r ON r.id = l.repository_id;
SELECT count(*) FROM quay.tag_latest_many('{}');

-- a moment: beginnings count, ends do not; always what tag_resolve() says
SELECT to_char(m, 'HH24:MI:SS.MS') AS moment, pg_temp.tags(m), pg_temp.tags(m) IS NOT DISTINCT FROM pg_temp.resolved(m) AS same
FROM unnest(ARRAY['2026-03-01 11:59:59.999', '2026-03-01 12:00:00', '2026-03-01 12:00:09.999', '2026-03-01 12:00:10', '2026-03-01 12:00:19.9999', '2026-03-01 12:00:20', '2026-03-01 12:00:30',
                  '2026-03-01 12:00:39.999', '2026-03-01 12:00:40', '2026-03-01 13:00:00', '2027-01-01']::timestamptz[]) AS m;
SELECT pg_temp.tags(NULL) = pg_temp.tags('2026-03-01 13:00:00');
SELECT name, media_type, size > 0 AS size, pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms), immutable FROM quay.tag_list_at('timer', 'app', '2026-03-01 12:00:10', 'b', 2);
SELECT count(*) FROM quay.tag_list_at('timer', 'app', '2026-03-01 12:00:10', n => 0);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list_at('timer', 'app', NULL, n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list_at('timer', 'app', 'infinity')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list_at('timer', 'app', '-infinity')$$);

-- what changed
SELECT pg_temp.diff('2026-03-01 11:59:59', '2026-03-01 12:00:05');
SELECT pg_temp.diff('2026-03-01 12:00:05', '2026-03-01 12:00:10');
SELECT pg_temp.diff('2026-03-01 12:00:10', '2026-03-01 12:00:20');
SELECT pg_temp.diff('2026-03-01 12:00:05');
SELECT pg_temp.diff('2026-03-01 12:00:05', n => 2), pg_temp.diff('2026-03-01 12:00:05', after => '_x', n => 2), pg_temp.diff('2026-03-01 12:00:05', after => 'c');
SELECT pg_temp.diff('2026-03-01 12:00:39', '2026-03-01 12:00:40');
SELECT pg_temp.diff('2026-03-01 12:30:00'), pg_temp.diff('2026-03-01 12:00:10', '2026-03-01 12:00:10');
SELECT tag, change, pg_temp.at(start_before_ms), pg_temp.at(start_after_ms) FROM quay.tag_diff('timer', 'app', '2026-03-01 12:00:05') WHERE tag IN ('0', 'c');
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_diff('timer', 'app', '2026-03-01 12:30:00', '2026-03-01 12:00:00')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_diff('timer', 'app', NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_diff('timer', 'app', '2026-03-01 12:30:00', n => NULL)$$);

-- what can be restored, and until when, the last ended first
CREATE VIEW pg_temp.restorable AS
    SELECT tag, pg_temp.n(digest) AS n, pg_temp.at(lifetime_start_ms) AS start, pg_temp.at(lifetime_end_ms) AS "end", pg_temp.at(restorable_until_ms) AS until FROM quay.tag_restorable_list('timer', 'app');
SELECT * FROM pg_temp.restorable;
SELECT tag, pg_temp.n(digest) FROM quay.tag_restorable_list('timer', 'app', 'b');
WITH RECURSIVE page (tag, cursor, rank) AS (
    (SELECT tag, cursor, 1 FROM quay.tag_restorable_list('timer', 'app', n => 1))
    UNION ALL
    SELECT h.tag, h.cursor, page.rank + 1 FROM page, quay.tag_restorable_list('timer', 'app', after => page.cursor, n => 1) AS h
) SELECT count(*), count(DISTINCT cursor) FROM page;
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_restorable_list('timer', 'app', after => '1')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_restorable_list('timer', 'app', n => -1)$$);
-- till the very moment from which it may be collected; a moment is answered just as long
SET LOCAL quay.clock = '2026-03-15 12:00:09.999+00';
SELECT tag, start FROM pg_temp.restorable WHERE tag IN ('b', 'c');
SELECT pg_temp.tags('2026-03-01 12:00:09.999');
SET LOCAL quay.clock = '2026-03-15 12:00:10+00';
SELECT tag, start FROM pg_temp.restorable WHERE tag IN ('b', 'c');
SELECT pg_temp.tags('2026-03-01 12:00:10');
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_list_at('timer', 'app', '2026-03-01 12:00:09.999')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_diff('timer', 'app', '2026-03-01 12:00:09.999')$$);
-- nothing is kept
UPDATE quay."user" SET removed_tag_expiration_s = 0 WHERE username = 'timer';
SELECT count(*) FROM pg_temp.restorable;
SELECT pg_temp.tags(NULL);
SELECT pg_temp.tags('2026-03-15 12:00:10');

-- two live rows of a name, as a database of the reference may have: one counts, everywhere
SET session_replication_role = replica;
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
SELECT 'a', t.repository_id, m.id, t.lifetime_start_ms + 1, 4000000000000 + n, t.tag_kind_id
FROM quay.tag_find('timer', 'app', 'a') AS f JOIN quay.tag AS t ON t.id = f.tag_id JOIN quay.manifest AS m ON m.digest = :'b', generate_series(1, 2) AS n;
RESET session_replication_role;
SELECT name, pg_temp.n(digest) FROM quay.tag_list('timer', 'app', n => 4);
SELECT tag, pg_temp.n(digest) FROM quay.tag_find('timer', 'app', 'a');
SELECT tag FROM quay.manifest_set_expiration('timer', 'app', :'b', '2026-03-16');
SELECT quay.tag_set_immutable('timer', 'app', 'a', true);
SELECT count(*) FILTER (WHERE lifetime_end_ms IS NULL), count(*) FROM quay.tag WHERE name = 'a' AND immutable;
ROLLBACK;
