-- SHA-256 in steps: known digests, every way to cut a message in two, states that are carried on elsewhere, and damaged ones.
\a\t
CREATE FUNCTION pg_temp.hash(VARIADIC chunks bytea[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text := quay.sha256_state_start(); chunk bytea;
BEGIN
    FOREACH chunk IN ARRAY chunks LOOP
        state := quay.sha256_state_update(state, chunk);
    END LOOP;
    RETURN quay.sha256_state_final(state);
END $$;

-- the examples of FIPS 180: one block, two blocks, a million letters; and nothing at all
SELECT pg_temp.hash('abc');
SELECT pg_temp.hash('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq');
SELECT pg_temp.hash(VARIADIC array_agg(convert_to(repeat('a', 1000), 'UTF8'))) FROM generate_series(1, 1000);
SELECT pg_temp.hash(VARIADIC '{}'), pg_temp.hash('') = pg_temp.hash('', '') AS same;

-- each message up to three blocks, cut at each place
SELECT count(*) AS cuts, bool_and(pg_temp.hash(substring(m.bytes FOR c.at), substring(m.bytes FROM c.at + 1)) = 'sha256:' || encode(sha256(m.bytes), 'hex')) AS all_right
FROM (SELECT n, decode(string_agg(lpad(to_hex((i * 37 + n) % 256), 2, '0'), '' ORDER BY i), 'hex') AS bytes
      FROM generate_series(1, 192) AS n, generate_series(1, n) AS i GROUP BY n) AS m
CROSS JOIN LATERAL generate_series(0, m.n) AS c (at);
-- byte by byte
SELECT pg_temp.hash(VARIADIC array_agg(substring(m.bytes FROM i FOR 1) ORDER BY i)) = 'sha256:' || encode(sha256(m.bytes), 'hex')
FROM (SELECT decode(string_agg(lpad(to_hex(i % 256), 2, '0'), '' ORDER BY i), 'hex') AS bytes FROM generate_series(1, 500) AS i) AS m,
     generate_series(1, 500) AS i GROUP BY m.bytes;

-- the form: words, length, the bytes of the last block, check
SELECT quay.sha256_state_start();
SELECT quay.sha256_state_update(quay.sha256_state_start(), 'abc');
SELECT length(s.raw), encode(substring(s.raw FROM 33 FOR 8), 'hex') AS length_so_far, convert_from(substring(s.raw FROM 41 FOR 6), 'UTF8') AS block,
       substring(s.raw FROM 47) = substring(sha256('q1:sha256:'::bytea || substring(s.raw FOR 46)) FOR 4) AS check_fits
FROM (SELECT decode(substring(quay.sha256_state_update(quay.sha256_state_start(), convert_to(repeat('x', 64) || 'abcdef', 'UTF8')) FROM 11), 'base64') AS raw) AS s;
-- in another session
SELECT quay.sha256_state_update(quay.sha256_state_start(), 'carried ') AS state \gset
\c
SELECT quay.sha256_state_final(quay.sha256_state_update(:'state', 'on')) = 'sha256:' || encode(sha256('carried on'), 'hex');
-- a digest in between does not end it; NULL is unknown
SELECT quay.sha256_state_final(:'state') = 'sha256:' || encode(sha256('carried '), 'hex');
SELECT quay.sha256_state_update(NULL, 'x') IS NULL, quay.sha256_state_update(:'state', NULL) IS NULL, quay.sha256_state_final(NULL) IS NULL;

-- damaged
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT pg_temp.attempt($$SELECT quay.sha256_state_final('')$$);
SELECT pg_temp.attempt($$SELECT quay.sha256_state_update('gANjcmVzdW1hYmxl', 'x')$$);
SELECT pg_temp.attempt(format('SELECT quay.sha256_state_final(%L)', overlay(:'state' PLACING CASE substring(:'state' FROM 40 FOR 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM 40)));
