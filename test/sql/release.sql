-- Releases of services.
\set VERBOSITY default
BEGIN;
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT created FROM quay.release_set('rel-quay', 'rel-us', 'v1');
SELECT a.release_id = b.release_id AS same, b.created FROM quay.release_list('rel-quay', 'rel-us') AS a, quay.release_set('rel-quay', 'rel-us', 'v1') AS b;
-- The same version elsewhere, and two at the same time.
SELECT count(*) FROM (VALUES ('rel-quay', 'rel-eu', 'v1'), ('rel-other', 'rel-us', 'v1'), ('rel-quay', 'rel-us', 'v2')) AS r (s, g, v), LATERAL quay.release_set(r.s, r.g, r.v);
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT created FROM quay.release_set('rel-quay', 'rel-us', 'v3');
SELECT version, created FROM quay.release_list('rel-quay', 'rel-us');
SELECT version FROM quay.release_list('rel-quay', 'rel-us', n => 2);
SELECT l.version FROM (SELECT min(release_id) AS id FROM quay.release_list('rel-quay', 'rel-us', n => 2)) AS p, quay.release_list('rel-quay', 'rel-us', p.id, 2) AS l;
UPDATE quay.quayrelease SET reverted = true WHERE version = 'v2';
SELECT version FROM quay.release_list('rel-quay', 'rel-us');
SELECT created FROM quay.release_set('rel-quay', 'rel-us', 'v2');
SELECT count(*) AS none FROM quay.release_list('rel-none', 'rel-us');
SELECT s.name AS service, g.name AS region FROM quay.quayservice AS s, quay.quayregion AS g WHERE s.name LIKE 'rel-%' AND g.name LIKE 'rel-%' ORDER BY 1, 2;

SELECT pg_temp.try($$SELECT quay.release_set('rel-quay', 'rel-us', '')$$);
SELECT pg_temp.try($$SELECT quay.release_set('rel-quay', NULL, 'v1')$$);
SELECT left(pg_temp.try(format('SELECT quay.release_set(%L, %L, %L)', 'rel-quay', 'rel-us', repeat('v', 256))), 60);
SELECT pg_temp.try($$SELECT quay.release_list('rel-quay', 'rel-us', -1)$$);
SELECT pg_temp.try($$SELECT quay.release_list('rel-quay', 'rel-us', n => NULL)$$);
ROLLBACK;
