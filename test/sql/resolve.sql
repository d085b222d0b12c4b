-- tag_resolve, manifest_get and pull: what a reference names, now and then, and who gets it.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL quay.clock = '2026-01-10 12:00:00+00';

SELECT quay.user_create('olga', 'correct-horse', 'olga@example.com') > 1000 AS olga \gset
SELECT quay.user_create('rita', 'correct-horse', 'rita@example.com') > 1000 AS rita \gset
SELECT quay.organization_create('acme', 'acme@example.com', 'olga') > 0 AS acme \gset
SELECT quay.repository_create('acme', 'app', 'olga') AS repository_id \gset
SELECT quay.repository_create('acme', 'open', 'olga', 'public') AS open_id \gset

-- Rows by hand, so that their lifetimes are what we want.
CREATE FUNCTION pg_temp.put_manifest(repository bigint, body text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, subject_backfilled, artifact_type_backfilled)
    VALUES ($1, 'sha256:' || encode(sha256(convert_to($2, 'UTF8')), 'hex'),
            (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.oci.image.manifest.v1+json'), $2, true, true)
    RETURNING id
$$;
CREATE FUNCTION pg_temp.put_tag(repository bigint, tag text, manifest bigint, started timestamptz, ended timestamptz, is_hidden boolean DEFAULT false)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, tag_kind_id)
    VALUES ($2, $1, $3, extract(epoch FROM $4) * 1000, extract(epoch FROM $5) * 1000, $6, 1)
$$;
SELECT pg_temp.put_manifest(:repository_id, '{"m":1}') AS m1, pg_temp.put_manifest(:repository_id, '{"m":2}') AS m2,
       pg_temp.put_manifest(:repository_id, '{"m":3, "ü": "ß"}') AS m3, pg_temp.put_manifest(:repository_id, '{"m":4}') AS m4,
       pg_temp.put_manifest(:repository_id, '') AS placeholder, pg_temp.put_manifest(:open_id, '{"m":5}') AS m5 \gset
SELECT pg_temp.put_tag(:repository_id, 'latest', :m1, '2026-01-01', '2026-01-05'),
       pg_temp.put_tag(:repository_id, 'latest', :m2, '2026-01-05', '2026-01-08'),
       pg_temp.put_tag(:repository_id, 'latest', :m3, '2026-01-09', NULL),
       pg_temp.put_tag(:repository_id, 'leased', :m1, '2026-01-01', '2026-01-20'),
       pg_temp.put_tag(:repository_id, 'gone', :m2, '2026-01-01', '2026-01-10 12:00:00+00'),
       pg_temp.put_tag(:repository_id, '$temp-1', :m4, '2026-01-10', '2026-01-11', true),
       pg_temp.put_tag(:repository_id, 'empty', :placeholder, '2026-01-10', NULL),
       pg_temp.put_tag(:open_id, 'v1', :m5, '2026-01-10', NULL) \g /dev/null

-- Now: a live tag without an end, one with an end to come, one that ended this very moment, hidden, unknown.
SELECT t.name, left(r.digest, 12) AS digest, r.media_type, r.size, r.lifetime_end_ms, r.manifest_id = :m3 AS is_m3
FROM unnest(ARRAY['latest', 'leased', 'gone', '$temp-1', 'nope', NULL]) AS t (name)
LEFT JOIN LATERAL quay.tag_resolve('acme', 'app', t.name) AS r ON true;

-- Unknown namespace and repository: no row either.
SELECT count(*) FROM quay.tag_resolve('nobody', 'app', 'latest');
SELECT count(*) FROM quay.tag_resolve('acme', 'nothing', 'latest');
SELECT count(*) FROM quay.tag_resolve(NULL, 'app', 'latest');

-- As of a time: starts count, an end does not, a gap is a gap.
SELECT at, r.manifest_id = :m1 AS m1, r.manifest_id = :m2 AS m2, r.manifest_id = :m3 AS m3
FROM unnest(ARRAY['2025-12-31', '2026-01-01', '2026-01-04 23:59:59.999', '2026-01-05', '2026-01-08', '2026-01-08 12:00', '2026-01-09', '2030-01-01']::timestamptz[]) AS at
LEFT JOIN LATERAL quay.tag_resolve('acme', 'app', 'latest', at) AS r ON true;
-- At the bounds, to the millisecond; an end to come; a row that was put out of reach ended before it began.
SELECT pg_temp.put_tag(:repository_id, 'latest', :m4, '2026-01-06', '2025-12-20') \g /dev/null
SELECT n.tag, n.at, r.manifest_id = :m1 AS m1, r.manifest_id = :m2 AS m2
FROM (VALUES ('latest', '2026-01-04 23:59:59.9999'::timestamptz), ('latest', '2026-01-04 23:59:59.999999'), ('latest', '2026-01-05 00:00:00.0009'), ('latest', '2026-01-07 23:59:59.999'),
             ('latest', '2025-12-25'), ('leased', '2026-01-19 23:59:59.999'), ('leased', '2026-01-20'), ('gone', '2026-01-10 11:59:59.999'), ('gone', '2026-01-10 12:00:00'),
             ('latest', 'infinity'), ('latest', '-infinity')) AS n (tag, at)
LEFT JOIN LATERAL quay.tag_resolve('acme', 'app', n.tag, n.at) AS r ON true;

-- Bytes come back as they were pushed, by tag and by digest.
SELECT convert_from(manifest, 'UTF8') AS manifest, size, 'sha256:' || encode(sha256(manifest), 'hex') = digest AS intact
FROM quay.manifest_get('acme', 'app', 'latest');
SELECT convert_from(g.manifest, 'UTF8') AS manifest
FROM quay.manifest AS m, quay.manifest_get('acme', 'app', m.digest) AS g WHERE m.id = :m3;

-- By digest only what is alive: m4 is held by a hidden tag, m2 by nothing any more, then by an index with a live tag.
SELECT m.id = :m2 AS m2, m.id = :m4 AS m4
FROM quay.manifest AS m, quay.manifest_get('acme', 'app', m.digest) AS g WHERE m.id IN (:m2, :m4);
INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id) VALUES (:repository_id, :m3, :m2);
SELECT m.id = :m2 AS m2 FROM quay.manifest AS m, quay.manifest_get('acme', 'app', m.digest) AS g WHERE m.id = :m2;

-- A placeholder has no bytes to give; a reference that is neither tag nor digest names nothing.
SELECT count(*) FROM quay.manifest_get('acme', 'app', 'empty');
SELECT count(*) FROM quay.manifest_get('acme', 'app', 'sha256:abc');
SELECT count(*) FROM quay.manifest_get('acme', 'app', 'no/tag');

-- pull: always one row, and whoever may not read learns nothing.
SELECT actor, namespace, repository, reference, p.status, p.manifest IS NOT NULL AS bytes
FROM (VALUES ('olga', 'acme', 'app', 'latest'), ('rita', 'acme', 'app', 'latest'), (NULL, 'acme', 'app', 'latest'),
             ('rita', 'acme', 'nothing', 'latest'), ('olga', 'acme', 'nothing', 'latest'), ('rita', 'nobody', 'app', 'latest'),
             ('olga', 'acme', 'app', 'gone'), ('olga', 'acme', 'app', 'nope'), ('olga', 'acme', 'app', 'empty'),
             ('olga', 'acme', 'app', 'Not A Reference'), ('rita', 'acme', 'open', 'v1'), (NULL, 'acme', 'open', 'v1'),
             ('olga', NULL, 'app', 'latest')) AS c (actor, namespace, repository, reference),
     quay.pull(c.actor, c.namespace, c.repository, c.reference) AS p;
SELECT scopes, status FROM unnest(ARRAY['repo:read', 'repo:create', '', NULL]) AS scopes, quay.pull('olga', 'acme', 'app', 'latest', scopes);
UPDATE quay."user" SET enabled = false WHERE username = 'acme';
SELECT status FROM quay.pull('olga', 'acme', 'app', 'latest');
UPDATE quay."user" SET enabled = true WHERE username = 'acme';
UPDATE quay.repository SET state = 3 WHERE id = :repository_id;
SELECT status FROM quay.pull('olga', 'acme', 'app', 'latest');
SELECT count(*) FROM quay.tag_resolve('acme', 'app', 'latest');
ROLLBACK;
