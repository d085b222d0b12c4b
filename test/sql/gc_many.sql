-- Uses that end in masses: blobs of one manifest, of a repository, of several and of both namespaces; more rows than are looked at together.
-- Committed, since a use of which the row is not yet counts as doubtful; cleared away at the end.
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('many-' || n, 'password1', 'many-' || n || '@example.com') FROM generate_series(1, 2) AS n;
    PERFORM quay.repository_create('many-' || n, 'r' || r, 'many-' || n) FROM generate_series(1, 2) AS n, generate_series(1, 20) AS r;
END $$;
CREATE TEMPORARY VIEW repository AS
SELECT r.id, u.id AS namespace_id, right(u.username, 1)::integer AS namespace, substr(r.name, 2)::integer AS number
FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username IN ('many-1', 'many-2');
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT r.id, 'sha256:many' || n, (SELECT min(id) FROM quay.mediatype), '{}' FROM repository AS r, generate_series(1, 130) AS n;
CREATE TEMPORARY TABLE link AS
SELECT r.namespace, r.number, substr(m.digest, 12)::integer AS manifest, m.id, r.id AS repository_id, k.kind,
       'many-' || k.kind || CASE k.kind WHEN 'all' THEN '' WHEN 'group' THEN concat_ws('-', '', r.namespace, r.number % 4)
                                        WHEN 'repository' THEN concat_ws('-', '', r.namespace, r.number)
                                        ELSE concat_ws('-', '', r.namespace, r.number, substr(m.digest, 12)) END AS uuid
FROM repository AS r JOIN quay.manifest AS m ON m.repository_id = r.id, unnest(ARRAY['all', 'group', 'repository', 'own']) AS k (kind);
INSERT INTO quay.imagestorage (uuid, image_size, content_checksum)
SELECT l.uuid, CASE l.kind WHEN 'all' THEN 1000000 WHEN 'group' THEN 10000 WHEN 'repository' THEN 100 ELSE 1 END,
       'sha256:' || encode(sha256(convert_to(l.uuid, 'UTF8')), 'hex')
FROM (SELECT DISTINCT l.uuid, l.kind FROM link AS l) AS l;
INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
SELECT l.repository_id, l.id, b.id FROM link AS l JOIN quay.imagestorage AS b ON b.uuid = l.uuid;
CREATE FUNCTION pg_temp.unlink(condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE removed bigint;
BEGIN
    EXECUTE 'DELETE FROM quay.manifestblob AS b USING (SELECT DISTINCT l.id FROM link AS l WHERE ' || condition || ') AS m WHERE b.manifest_id = m.id';
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
-- What is counted, and how far that is from what manifests say: uses, sizes, marks.
CREATE TEMPORARY VIEW truth AS
SELECT r.namespace_id, b.blob_id, coalesce(b.repository_id, 0) AS repository_id, max(s.image_size) AS size
FROM quay.manifestblob AS b JOIN repository AS r ON r.id = b.repository_id JOIN quay.imagestorage AS s ON s.id = b.blob_id
GROUP BY GROUPING SETS ((r.namespace_id, b.blob_id, b.repository_id), (r.namespace_id, b.blob_id));
CREATE TEMPORARY VIEW counted AS
SELECT u.* FROM quay_internal.blob_use AS u WHERE u.namespace_id IN (SELECT namespace_id FROM repository);
CREATE TEMPORARY VIEW state AS
SELECT (SELECT count(*) FROM counted) AS uses,
       (SELECT string_agg(quay_internal.size_of(n.id)::text, ' ' ORDER BY n.username) FROM quay."user" AS n WHERE n.username IN ('many-1', 'many-2')) AS bytes,
       (SELECT count(*) FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE b.uuid LIKE 'many-%') AS marked,
       (SELECT count(*) FROM (TABLE counted EXCEPT TABLE truth) AS x) + (SELECT count(*) FROM (TABLE truth EXCEPT TABLE counted) AS x) AS wrong_uses,
       (SELECT count(*) FROM (SELECT c.namespace_id, c.repository_id, sum(c.used) AS bytes FROM quay_internal.size_counter AS c GROUP BY 1, 2) AS c
        FULL JOIN (SELECT t.namespace_id, t.repository_id, sum(t.size) AS bytes FROM truth AS t GROUP BY 1, 2) AS t USING (namespace_id, repository_id)
        WHERE namespace_id IN (SELECT namespace_id FROM repository) AND coalesce(c.bytes, 0) <> coalesce(t.bytes, 0)) AS wrong_sizes,
       (SELECT count(*) FROM quay.imagestorage AS b LEFT JOIN quay_internal.blob_deletion AS d ON d.blob_id = b.id
        WHERE b.uuid LIKE 'many-%' AND (d.blob_id IS NULL) <> EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id)) AS wrong_marks,
       (SELECT count(*) FROM quay_internal.gc_review AS r WHERE r.kind = 'u' AND r.repository_id IN (SELECT id FROM repository)) AS reviews;
TABLE state;
-- one manifest of each repository
SELECT pg_temp.unlink('l.manifest = 1');
TABLE state;
-- a whole repository, others of its group stay
SELECT pg_temp.unlink('l.namespace = 1 AND l.number = 19');
TABLE state;
-- whole groups, all repositories of a namespace but one; and that one
SELECT pg_temp.unlink('l.namespace = 1 AND l.number < 20');
TABLE state;
SELECT pg_temp.unlink('l.namespace = 1');
TABLE state;
-- all that is left, more than ten thousand rows, which are not kept in memory
SET work_mem = '64kB';
SELECT pg_temp.unlink('true');
RESET work_mem;
TABLE state;
-- What the collector deletes tags for it looks at itself, and leaves no review; a trigger of somebody's that deletes another tag does.
BEGIN;
DELETE FROM quay_internal.gc_review;
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
SELECT 'many-' || m.digest, m.repository_id, m.id, 1, CASE WHEN m.digest = 'sha256:many1' THEN 2 END, (SELECT min(id) FROM quay.tagkind)
FROM quay.manifest AS m JOIN repository AS r ON r.id = m.repository_id
WHERE r.namespace = 1 AND r.number = 1 AND m.digest IN ('sha256:many1', 'sha256:many2', 'sha256:many3');
CREATE FUNCTION pg_temp.other() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM quay.tag AS t WHERE t.name = 'many-sha256:many2';
    RETURN NULL;
END $$;
CREATE TRIGGER other AFTER DELETE ON quay.tag FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION pg_temp.other();
SELECT tags, manifests, more FROM quay.gc_run();
SELECT v.kind, m.digest FROM quay_internal.gc_review AS v JOIN quay.manifest AS m ON m.id = v.object_id WHERE v.kind = 'm';
SELECT tags, manifests, more FROM quay.gc_run();
DELETE FROM quay.tag AS t WHERE t.name = 'many-sha256:many3';
SELECT v.kind, m.digest FROM quay_internal.gc_review AS v JOIN quay.manifest AS m ON m.id = v.object_id WHERE v.kind = 'm';
ROLLBACK;
-- marked twice
BEGIN;
SELECT quay_internal.blob_discard(ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.uuid IN ('many-all', 'many-group-1-1')));
TABLE state;
ROLLBACK;
DELETE FROM quay_internal.gc_review;
DELETE FROM quay.manifest AS m USING repository AS r WHERE r.id = m.repository_id;
DELETE FROM quay.imagestorage AS b WHERE b.uuid LIKE 'many-%';
DELETE FROM quay.repositorypermission AS x USING repository AS r WHERE r.id = x.repository_id;
DELETE FROM quay.repositoryactioncount AS x USING repository AS r WHERE r.id = x.repository_id;
DELETE FROM quay.repositorysearchscore AS x USING repository AS r WHERE r.id = x.repository_id;
DELETE FROM quay.repository AS x USING repository AS r WHERE r.id = x.id;
DELETE FROM quay."user" AS u WHERE u.username IN ('many-1', 'many-2');
DELETE FROM quay_internal.gc_review;
