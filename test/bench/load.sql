-- A registry of :namespaces namespaces with :repositories repositories each, and in each of these 20 live and 20 dead tags; one manifest
-- per tag name. All names are numbers, so that pgbench can pass them as parameters: organization 100000+n belongs to user 200000+n, and
-- user 200000+n+1 reads it through a team. Set-based, so that a million tags load in a minute.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;

BEGIN;
INSERT INTO quay."user" (uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, creation_date)
SELECT gen_random_uuid(), base + n, base + n || '@example.com', true, base = 100000, false, false, now(), now()
FROM generate_series(1, :namespaces) AS n, unnest(ARRAY[100000, 200000]) AS base;

INSERT INTO quay.team (name, organization_id, role_id, description)
SELECT t.name, o.id, r.id, ''
FROM quay."user" AS o, (VALUES ('owners', 'admin'), ('readers', 'member')) AS t (name, role)
JOIN quay.teamrole AS r ON r.name = t.role
WHERE o.organization;

INSERT INTO quay.teammember (team_id, user_id)
SELECT t.id, u.id
FROM quay.team AS t
JOIN quay."user" AS o ON o.id = t.organization_id
JOIN quay."user" AS u ON u.username = (200000 + CASE t.name WHEN 'owners' THEN o.username::integer - 100000
                                                     ELSE (o.username::integer - 100000) % :namespaces + 1 END)::text;

INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, kind_id, state)
SELECT o.id, n, (SELECT id FROM quay.visibility WHERE name = 'private'), gen_random_uuid(),
       (SELECT id FROM quay.repositorykind WHERE name = 'image'), 0
FROM quay."user" AS o, generate_series(1, :repositories) AS n
WHERE o.organization;

INSERT INTO quay.repositorypermission (team_id, repository_id, role_id)
SELECT t.id, r.id, (SELECT id FROM quay.role WHERE name = 'read')
FROM quay.repository AS r JOIN quay.team AS t ON t.organization_id = r.namespace_user_id AND t.name = 'readers';

-- Some 600 bytes of JSON, what a manifest of a few layers has.
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, layers_compressed_size, config_media_type,
                           subject_backfilled, artifact_type_backfilled)
SELECT r.id, 'sha256:' || encode(sha256(convert_to(r.id || ':' || n, 'UTF8')), 'hex'),
       (SELECT id FROM quay.mediatype WHERE name = 'application/vnd.oci.image.manifest.v1+json'),
       format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%1$s","size":1024},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%2$s","size":4096},{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%3$s","size":8192}]}',
              encode(sha256(convert_to(r.id || 'c' || n, 'UTF8')), 'hex'), encode(sha256(convert_to(r.id || 'l' || n, 'UTF8')), 'hex'),
              encode(sha256(convert_to(r.id || 'm' || n, 'UTF8')), 'hex')),
       12288, 'application/vnd.oci.image.config.v1+json', true, true
FROM quay.repository AS r, generate_series(1, 20) AS n;

-- Manifests of a repository have consecutive ids: number them as they were made.
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
SELECT m.n, m.repository_id, m.id, 1700000000000 + period * 1000,
       CASE period WHEN 1 THEN 1700000002000 END, (SELECT id FROM quay.tagkind WHERE name = 'tag')
FROM (SELECT id, repository_id, row_number() OVER (PARTITION BY repository_id ORDER BY id) AS n FROM quay.manifest) AS m,
     generate_series(1, 2) AS period;
COMMIT;
VACUUM ANALYZE;
