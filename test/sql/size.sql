-- Sizes, each blob counted once, and the limit of a namespace.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
DO $$ BEGIN
    PERFORM quay.user_create('size-root', 'password1', 'size-root@example.com');
    PERFORM quay.organization_create('size-org', NULL, 'size-root');
    PERFORM quay.repository_create('size-org', 'a', 'size-root');
    PERFORM quay.repository_create('size-org', 'b', 'size-root');
    PERFORM quay.repository_create('size-root', 'c', 'size-root');
END $$;
-- Rows as the application of the reference writes them: manifests m1, m2 … and blobs of 1, 10, 100 … bytes.
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum) SELECT 'size-' || n, 10 ^ n, 'sha256:' || repeat(n::text, 64) FROM generate_series(0, 4) AS n;
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, 'sha256:size' || n, (SELECT min(id) FROM quay.mediatype), '{}' FROM generate_series(1, 2) AS n, quay.repository AS r
JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username IN ('size-org', 'size-root');
CREATE FUNCTION pg_temp.link(repository text, manifest integer, VARIADIC blobs integer[]) RETURNS void LANGUAGE sql AS $$
    SELECT quay_internal.manifestblob_link(r.id, m.id, ARRAY(SELECT b.id FROM unnest(blobs) AS n JOIN quay.imagestorage AS b ON b.uuid = 'size-' || n))
    FROM quay.repository AS r JOIN quay.manifest AS m ON m.repository_id = r.id
    WHERE r.name = link.repository AND m.digest = 'sha256:size' || link.manifest $$;
-- The same without the function: so the application of the reference writes them, and a dump.
CREATE FUNCTION pg_temp.link_plain(repository text, manifest integer, blob integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT r.id, m.id, b.id FROM quay.repository AS r JOIN quay.manifest AS m ON m.repository_id = r.id, quay.imagestorage AS b
    WHERE r.name = link_plain.repository AND m.digest = 'sha256:size' || link_plain.manifest AND b.uuid = 'size-' || blob $$;
CREATE FUNCTION pg_temp.unlink(repository text, manifest integer) RETURNS bigint LANGUAGE sql AS $$
    WITH removed AS (
        DELETE FROM quay.manifestblob AS b USING quay.manifest AS m, quay.repository AS r
        WHERE m.id = b.manifest_id AND r.id = m.repository_id AND r.name = unlink.repository AND m.digest = 'sha256:size' || unlink.manifest RETURNING 1)
    SELECT count(*) FROM removed $$;
CREATE TEMPORARY VIEW sizes AS
SELECT u.username AS namespace, r.name AS repository, quay_internal.size_of(u.id, r.id) AS bytes, quay_internal.size_of(u.id) AS in_namespace
FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username IN ('size-org', 'size-root') ORDER BY 1, 2;
\a\t
-- new to both; new to the repository only; known to both
SELECT pg_temp.link('a', 1, 0, 1, 2);
TABLE sizes;
SELECT pg_temp.link('b', 1, 1, 2, 3);
TABLE sizes;
SELECT pg_temp.link('a', 2, 0, 3);
SELECT pg_temp.link_plain('c', 1, 0);
TABLE sizes;
-- and back
SELECT pg_temp.unlink('a', 1);
TABLE sizes;
SELECT pg_temp.unlink('b', 1);
TABLE sizes;
SELECT pg_temp.unlink('a', 2), pg_temp.unlink('c', 1);
TABLE sizes;
SELECT b.uuid FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE b.uuid LIKE 'size-%' ORDER BY 1;
-- a blob that is used again is not to be deleted
SELECT pg_temp.link('a', 1, 1);
SELECT b.uuid FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE b.uuid LIKE 'size-%' ORDER BY 1;
-- a size that becomes known, or another one, counts where the blob is used
UPDATE quay.imagestorage SET image_size = NULL WHERE uuid = 'size-1';
TABLE sizes;
UPDATE quay.imagestorage SET image_size = 25 WHERE uuid = 'size-1';
TABLE sizes;

-- the limit: the lowest of those that reject, and what reaches it is refused
SELECT id AS org FROM quay."user" WHERE username = 'size-org' \gset
SELECT quay_internal.namespace_limit(:org) IS NULL;
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) VALUES (:org, 1001) RETURNING id AS quota \gset
SELECT quay_internal.namespace_limit(:org) IS NULL;
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT :quota, t.id, p FROM quay.quotatype AS t, unnest(CASE t.name WHEN 'Warning' THEN '{50}' ELSE '{90,80}'::integer[] END) AS p;
SELECT quay_internal.namespace_limit(:org);
SELECT pg_temp.link('a', 2, 0, 2);
SELECT pg_temp.try('SELECT pg_temp.link(''a'', 2, 3)');
TABLE sizes;
-- what the namespace has already is no more
SELECT pg_temp.link('b', 2, 1, 2);
-- up to one byte below the limit
UPDATE quay.userorganizationquota SET limit_bytes = 1409 WHERE id = :quota;
SELECT quay_internal.namespace_limit(:org);
UPDATE quay.quotalimits SET percent_of_limit = 80 WHERE quota_id = :quota AND percent_of_limit = 90;
UPDATE quay.imagestorage SET image_size = 1001 WHERE uuid = 'size-3';
SELECT pg_temp.try('SELECT pg_temp.link(''a'', 2, 3)');
UPDATE quay.imagestorage SET image_size = 1000 WHERE uuid = 'size-3';
SELECT pg_temp.link('b', 1, 3);
TABLE sizes;
SELECT sum(used), sum(reserved), sum(budget), count(*) FROM quay_internal.size_counter WHERE namespace_id = :org AND repository_id = 0;
-- what uploads reserve counts
SELECT pg_temp.unlink('b', 1);
SELECT quay_internal.size_reserve(:org, 900);
SELECT pg_temp.try('SELECT pg_temp.link(''b'', 1, 3)');
SELECT pg_temp.try(format('SELECT quay_internal.size_reserve(%s, 101)', :org));
SELECT quay_internal.size_reserved(:org);
SELECT quay_internal.size_reserve(:org, -900);
SELECT pg_temp.link('b', 1, 3);
-- whoever writes by himself is not held up, but counted
SELECT pg_temp.link_plain('a', 1, 3);
TABLE sizes;
DELETE FROM quay.manifestblob WHERE blob_id = (SELECT id FROM quay.imagestorage WHERE uuid = 'size-3') AND repository_id = (SELECT id FROM quay.repository WHERE name = 'a' AND namespace_user_id = :org);
-- switched off; and without a quota of its own
SET LOCAL quay.quota_management = off;
SELECT pg_temp.link('a', 1, 4);
SET LOCAL quay.quota_management = on;
SELECT pg_temp.try('SELECT pg_temp.link(''c'', 1, 4)');
SET LOCAL quay.default_reject_quota = '1MB';
UPDATE quay.imagestorage SET image_size = 1048576 WHERE uuid = 'size-0';
SELECT pg_temp.try('SELECT pg_temp.link(''c'', 2, 0)');
TABLE sizes;

-- the registry: every blob, used or not
SELECT quay_internal.size_of(0) AS before \gset
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum) VALUES ('size-x', 3, 'sha256:x'), ('size-y', NULL, 'sha256:y');
SELECT quay_internal.size_of(0) - :before;
UPDATE quay.imagestorage SET image_size = 4 WHERE uuid = 'size-y';
SELECT quay_internal.size_of(0) - :before;
DELETE FROM quay.imagestorage WHERE uuid = 'size-x';
SELECT quay_internal.size_of(0) - :before;

-- counting anew corrects what went wrong while triggers were off
SELECT * FROM quay_internal.size_recount(:org);
SET LOCAL session_replication_role = replica;
SELECT pg_temp.unlink('a', 1), pg_temp.unlink('b', 1), pg_temp.link_plain('b', 1, 4);
SET LOCAL session_replication_role = origin;
UPDATE quay_internal.size_counter SET used = used + 5 WHERE namespace_id = :org AND repository_id = 0 AND part = 0;
TABLE sizes;
SELECT r.name, c.before, c.after FROM quay_internal.size_recount(:org) AS c LEFT JOIN quay.repository AS r ON r.id = c.repository_id ORDER BY 1;
TABLE sizes;
SELECT * FROM quay_internal.size_recount(:org);
-- what is deleted leaves no counter
DELETE FROM quay.manifestblob WHERE repository_id IN (SELECT id FROM quay.repository WHERE namespace_user_id = :org);
SELECT count(*) FROM quay_internal.blob_use WHERE namespace_id = :org;
ROLLBACK;
