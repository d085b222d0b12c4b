-- The cache: keys, storing, reading, removing, loading by one, generations, and its bounds.
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
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS text LANGUAGE sql AS
    $$ SELECT set_config('quay.clock', ('2026-03-10 12:00:00+00'::timestamptz + seconds * interval '1 s')::text, true) $$;
SELECT quay.cache_clear() >= 0 AS empty;

-- Keys of parts: other parts, another key.
SELECT quay.cache_key(ARRAY['tags', '17', 'latest']), quay.cache_key(ARRAY['a/b', 'c\', '', NULL]), quay.cache_key('{}'), quay.cache_key(NULL);
SELECT count(*) AS lists, count(DISTINCT quay.cache_key(p.parts)) AS keys
FROM (SELECT ARRAY[a.x, b.x, c.x] AS parts
      FROM unnest(ARRAY['', 'a', '/', '\', 'N', '\N', '\/', 'a/', '/a', 'a\', NULL]) AS a (x), unnest(ARRAY['', 'a', '/', '\', 'N', '\N', '\/', 'a/', '/a', 'a\', NULL]) AS b (x),
           unnest(ARRAY['', 'a', '/', '\', 'N', '\N', '\/', 'a/', '/a', 'a\', NULL]) AS c (x)
      UNION ALL
      SELECT ARRAY[a.x, b.x]
      FROM unnest(ARRAY['', 'a', '/', '\', 'N', '\N', '\/', 'a/', '/a', 'a\', NULL]) AS a (x), unnest(ARRAY['', 'a', '/', '\', 'N', '\N', '\/', 'a/', '/a', 'a\', NULL]) AS b (x)) AS p;

-- Text and bytes; a value replaces the other; an empty value is a value.
SELECT quay.cache_set('t', '{"a": "é"}', 60), quay.cache_set('b', NULL, 60, '\x00ff'), quay.cache_set('e', '', 60);
SELECT * FROM quay.cache_get('t');
SELECT * FROM quay.cache_get('b');
SELECT value = '' AS empty_value FROM quay.cache_get('e');
SELECT quay.cache_set('b', 'text', 120);
SELECT * FROM quay.cache_get_many(ARRAY['b', 't', 'unknown', NULL]) ORDER BY key;
SELECT count(*) FROM quay.cache_get('unknown');
SELECT count(*) FROM quay.cache_get(NULL);
SELECT count(*) FROM quay.cache_get_many(NULL);
-- Out of line, and as a column of a query.
SELECT quay.cache_set('large', repeat('x', 500000), 60), quay.cache_set('larger', NULL, 60, convert_to(repeat('y', 600000), 'UTF8'));
SELECT k.key, md5(c.value), length(c.value), length(c.bytes) FROM (VALUES ('large'), ('larger'), ('none')) AS k (key) LEFT JOIN LATERAL quay.cache_get(k.key) AS c ON true ORDER BY 1;

-- Expiry, set-if-absent.
SELECT pg_temp.at(59) IS NOT NULL AS "59 s";
SELECT value FROM quay.cache_get('t');
SELECT quay.cache_add('t', 'new', 60) AS present, quay.cache_add('n', 'new', 60) AS absent, quay.cache_add('n', 'newer', 60) AS again;
SELECT pg_temp.at(60) IS NOT NULL AS "60 s";
SELECT count(*) FROM quay.cache_get('t');
SELECT quay.cache_add('t', 'after', 60) AS expired;
SELECT value FROM quay.cache_get('t');

-- Removing.
SELECT quay.cache_delete('t') AS there, quay.cache_delete('t') AS gone, quay.cache_delete('never') AS never;
SELECT count(*) FROM quay.cache_get('t');
SELECT quay.cache_delete_many(ARRAY['n', 'b', 'n', 'never', 'e']);
SELECT count(quay.cache_set(k, 'v', 60)) FROM unnest(ARRAY['p_/a', 'p_/', 'p_', 'pX/a', 'p%/a', 'p_0', 'p_/' || chr(1114111)]) AS k;
SELECT quay.cache_delete_prefix('p_/');
SELECT string_agg(key, ' ' ORDER BY key COLLATE "C") FROM quay.cache_get_many(ARRAY['p_/a', 'p_/', 'p_', 'pX/a', 'p%/a', 'p_0', 'p_/' || chr(1114111)]);
SELECT quay.cache_delete_prefix('p');
SELECT quay.cache_delete_prefix(quay.cache_key(ARRAY['none']) || '/');

-- What is not stored: no value, or too large a one. What was there is older, and goes.
SET LOCAL quay.cache_value_size = '1kB';
SELECT quay.cache_set('o', 'old', 60), quay.cache_set('o', repeat('x', 1024), 60), quay.cache_set('o', repeat('x', 1025), 60), quay.cache_add('o', repeat('x', 1025), 60);
SELECT count(*) FROM quay.cache_get('o');
SELECT quay.cache_set('o', 'old', 60), quay.cache_set('o', NULL, 60);
SELECT count(*) FROM quay.cache_get('o');
SET LOCAL quay.cache_size = 0;
SELECT quay.cache_set('o', 'off', 60), quay.cache_add('o', 'off', 60);
RESET quay.cache_value_size;
RESET quay.cache_size;
SELECT pg_temp.attempt($$SELECT quay.cache_set('', 'v', 60)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set(NULL, 'v', 60)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set(repeat('k', 2001), 'v', 60)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set(repeat('k', 2000), 'v', 60)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set('k', 'v', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set('k', 'v', NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set('k', 'v', 100000001)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set('k', 'v', 60, stale_s => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_set('k', 'v', 60, '\x00')$$);
SELECT pg_temp.attempt($$SELECT quay.cache_add('k', 'v', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_delete('')$$);
SELECT pg_temp.attempt($$SELECT quay.cache_delete_many(ARRAY['k', NULL])$$);
SELECT pg_temp.attempt($$SELECT quay.cache_delete_prefix('')$$);
SELECT pg_temp.attempt($$SELECT quay.cache_claim('k', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.cache_claim('')$$);
SELECT pg_temp.attempt($$SELECT quay.cache_generation_change('')$$);
SELECT pg_temp.attempt($$SELECT quay.cache_expire(0)$$);

-- One loads; others wait, or get what is stale.
CREATE TEMPORARY TABLE loader (name text PRIMARY KEY, claim uuid);
CREATE FUNCTION pg_temp.claim(loader text, key text) RETURNS TABLE (status text, value text, claimed boolean) LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    SELECT * INTO c FROM quay.cache_claim(claim.key, 30);
    INSERT INTO loader AS l VALUES (claim.loader, c.claim) ON CONFLICT (name) DO UPDATE SET claim = EXCLUDED.claim;
    RETURN QUERY SELECT c.status, c.value, c.claim IS NOT NULL;
END $$;
CREATE FUNCTION pg_temp.store(loader text, key text, value text) RETURNS boolean LANGUAGE sql AS
    $$ SELECT quay.cache_set(key, value, 60, claim => l.claim, stale_s => 20) FROM loader AS l WHERE l.name = loader $$;
SELECT * FROM pg_temp.claim('one', 'c');
SELECT * FROM pg_temp.claim('two', 'c');
SELECT status FROM quay.cache_claim('c', wait_s => 0.02);
SELECT count(*) FROM quay.cache_get('c');
SELECT pg_temp.store('one', 'c', 'first'), pg_temp.store('one', 'c', 'again');
SELECT * FROM pg_temp.claim('two', 'c');
SELECT pg_temp.at(120) IS NOT NULL AS "60 s later it is stale";
SELECT count(*) FROM quay.cache_get('c');
SELECT * FROM pg_temp.claim('one', 'c');
SELECT * FROM pg_temp.claim('two', 'c');
-- The loader gives up.
SELECT quay.cache_release('c', claim), quay.cache_release('c', claim) AS again FROM loader WHERE name = 'one';
SELECT * FROM pg_temp.claim('two', 'c');
SELECT pg_temp.at(141) IS NOT NULL AS "not even stale any more";
SELECT * FROM pg_temp.claim('one', 'c');
-- The loader is too late: somebody else may, and what the first brings is not stored.
SELECT pg_temp.at(150) IS NOT NULL AS "30 s after the claim";
SELECT * FROM pg_temp.claim('three', 'c');
SELECT pg_temp.store('two', 'c', 'late');
SELECT pg_temp.store('three', 'c', 'third');
SELECT value FROM quay.cache_get('c');
-- Too late, but nobody else came.
SELECT * FROM pg_temp.claim('one', 'd');
SELECT pg_temp.at(179) IS NOT NULL AS "not too late yet";
SELECT quay.cache_expire() > 0 AS some;
SELECT pg_temp.at(190) IS NOT NULL AS later;
SELECT pg_temp.store('one', 'd', 'slow');
-- Removed, or stored by somebody else, meanwhile: void.
SELECT * FROM pg_temp.claim('one', 'e2');
SELECT quay.cache_delete('e2'), pg_temp.store('one', 'e2', 'old');
SELECT * FROM pg_temp.claim('one', 'e2');
SELECT quay.cache_set('e2', 'direct', 60), pg_temp.store('one', 'e2', 'old');
SELECT value FROM quay.cache_get('e2');
SELECT quay.cache_delete_prefix('e2') AS removed, claimed FROM pg_temp.claim('one', 'e3');
SELECT quay.cache_delete_prefix('e') AS removed;
SELECT pg_temp.store('one', 'e3', 'old');
-- Nothing to store gives the claim up.
SELECT * FROM pg_temp.claim('one', 'f');
SELECT pg_temp.store('one', 'f', NULL);
SELECT * FROM pg_temp.claim('two', 'f');

-- Generations.
SELECT quay.cache_generation('g') = quay.cache_generation('h') AS same_without_rows;
SELECT quay.cache_generation('g') AS first \gset
SELECT quay.cache_generation_change('g') AS second \gset
SELECT quay.cache_generation('g') = :'second' AS changed, quay.cache_generation('g') <> :'first' AS other, quay.cache_generation('h') = :'first' AS not_others;
SELECT quay.cache_generation_change('g') NOT IN (:'first', :'second') AS third;
-- After a day the row goes, and no name gets a generation that it had before.
SELECT pg_temp.at(86000) IS NOT NULL AS "not a day";
SELECT quay_internal.cache_generation_expire(10);
SELECT quay.cache_generation_change('late') IS NOT NULL AS late;
SELECT pg_temp.at(86800) IS NOT NULL AS "a day";
SELECT quay_internal.cache_generation_expire(10);
SELECT quay.cache_generation('g') NOT IN (:'first', :'second') AS fourth, quay.cache_generation('h') = quay.cache_generation('g') AS same_without_rows;
SELECT pg_temp.at(86800 + 80000) IS NOT NULL AS "the next one is not due";
SELECT quay_internal.cache_generation_expire(10);

-- Bounds. Values of 16 kB and more are counted exactly.
SELECT quay.cache_clear() >= 0 AS empty;
SELECT quay.cache_expire() >= 0 AS counted;
SET LOCAL quay.cache_size = '1MB';
SELECT count(quay.cache_set('v' || i, repeat('x', 65536), 1000 + i)) FROM generate_series(10, 39) AS i;
SELECT entries, bytes = counted_bytes AS exact, bytes <= limit_bytes AS within, limit_bytes, disk_bytes > 0 AS on_disk FROM quay.cache_status();
-- Those that would expire last are left.
SELECT min(key), max(key) FROM quay.cache_get_many(ARRAY(SELECT 'v' || i FROM generate_series(10, 39) AS i));
-- Summands of transactions that see the past become one.
INSERT INTO quay_internal.cache_size (bytes) SELECT i FROM generate_series(-20, 20) AS i;
SELECT quay.cache_expire();
SELECT count(*) FROM quay_internal.cache_size;
-- What is being loaded is not evicted, though it would be the first.
SELECT * FROM pg_temp.claim('one', 'claimed');
-- A smaller limit: maintenance brings the size down.
SET LOCAL quay.cache_size = '256kB';
SELECT quay.cache_expire();
SELECT entries, bytes = counted_bytes AS exact, bytes <= limit_bytes AS within FROM quay.cache_status();
SELECT min(key), max(key) FROM quay.cache_get_many(ARRAY(SELECT 'v' || i FROM generate_series(10, 39) AS i));
SELECT pg_temp.store('one', 'claimed', 'loaded');
-- What has expired goes, at most n rows a call.
SELECT pg_temp.at(200000) IS NOT NULL AS much_later;
SELECT quay.cache_expire(2), quay.cache_expire(2), quay.cache_expire(2);
SELECT entries, bytes, fresh, claimed, removed, counted_bytes FROM quay.cache_status();
-- Small values count on average, and exactly after the hourly count.
RESET quay.cache_size;
SELECT count(quay.cache_set('s' || i, repeat('x', 100), 86400)) FROM generate_series(1, 3000) AS i;
SELECT bytes, counted_bytes <> 0 AS estimated FROM quay.cache_status();
SELECT pg_temp.at(204000) IS NOT NULL AS an_hour_later;
SELECT quay.cache_expire();
SELECT bytes, counted_bytes FROM quay.cache_status();
SELECT quay.cache_clear();
SELECT entries, bytes, counted_bytes FROM quay.cache_status();
ROLLBACK;

-- A transaction that sees the past.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT quay.cache_set('rr', 'v', 60);
SELECT value FROM quay.cache_get('rr');
SELECT status FROM quay.cache_claim('rr2', wait_s => 5);
SELECT quay.cache_delete('rr');
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT quay.cache_delete_prefix('rr');
\echo :SQLSTATE
ROLLBACK;
