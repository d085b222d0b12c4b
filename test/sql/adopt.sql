-- A Quay moves in: every rule, on tables that break it, and what becomes of the rows. In a database of its own, since it commits.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT current_database() AS regress \gset
CREATE DATABASE quay_adopt_regress;
\c quay_adopt_regress
SET client_min_messages = warning;
CREATE EXTENSION quay;
SET client_min_messages = notice;
\pset null ~

\echo -- no Quay
CALL quay.adopt('nowhere');
CALL quay.adopt('quay');
CALL quay.adopt(NULL);
CALL quay.adopt('x', batch_size => 0);
BEGIN;
CALL quay.adopt('public');
ROLLBACK;
CREATE SCHEMA odd;
CREATE TABLE odd.alembic_version (version_num text);
CALL quay.adopt('odd');
INSERT INTO odd.alembic_version VALUES ('c156deb8845d');
CALL quay.adopt('odd');
UPDATE odd.alembic_version SET version_num = '9fa37f66a9b6';
CALL quay.adopt('odd');

\echo -- a source that breaks all rules: the way back writes empty tables, from which the constraints are taken
CALL quay.release('damaged');
CALL quay.release('damaged');
CALL quay.release(NULL);
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT k.conrelid::regclass AS name, k.conname FROM pg_constraint AS k WHERE k.connamespace = 'damaged'::regnamespace AND k.contype = 'f' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.name, item.conname);
    END LOOP;
    FOR item IN
        SELECT i.indexrelid::regclass AS name FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'damaged'::regnamespace AND NOT i.indisprimary
    LOOP
        EXECUTE format('DROP INDEX %s', item.name);
    END LOOP;
END
$$;
SET search_path = damaged, pg_catalog;
ALTER TABLE "user" ALTER removed_tag_expiration_s DROP NOT NULL, ALTER last_invalid_login DROP NOT NULL, ALTER company TYPE text;
-- Enumerations in another order, and with names that only this Quay has
UPDATE role SET id = id + 500;
UPDATE role SET id = CASE name WHEN 'admin' THEN 3 WHEN 'write' THEN 1 WHEN 'read' THEN 2 END;
UPDATE mediatype SET id = id + 100;
INSERT INTO imagestoragelocation VALUES (9, 'our_ceph'), (2000, 'our_s3');
INSERT INTO "user" (id, uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, removed_tag_expiration_s, company)
SELECT v.id, v.uuid, v.username, v.email, true, v.organization, v.robot, false, '2026-01-01', 1209600, v.company
FROM (VALUES (1, 'u1', 'alice', 'alice@example.com', false, false, NULL), (2, 'u2', 'acme', 'acme@example.com', true, false, NULL),
             (3, 'u3', 'acme+ci', 'ci', false, true, NULL), (4, 'u4', 'gone+ci', 'gone', false, true, NULL),
             (5, 'u1', 'bob', 'bob@example.com', false, false, NULL), (6, 'u6', 'carol', 'alice@example.com', false, false, NULL),
             (7, 'u7', 'alice', 'other@example.com', false, false, NULL), (8, 'u8', 'both', 'both@example.com', true, true, NULL),
             (9, 'u9', 'idle', 'idle@example.com', false, false, NULL), (10, 'u10', 'never', 'never@example.com', false, false, NULL),
             (11, 'u11', 'wordy', 'wordy@example.com', false, false, repeat('x', 300)))
     AS v (id, uuid, username, email, organization, robot, company);
UPDATE "user" SET invalid_login_attempts = -3 WHERE id = 9;
UPDATE "user" SET removed_tag_expiration_s = NULL WHERE id = 9;
UPDATE "user" SET last_invalid_login = NULL WHERE id = 10;
INSERT INTO team VALUES (1, 'owners', 2, (SELECT id FROM teamrole WHERE name = 'admin'), ''), (2, 'friends', 1, 1, ''), (3, 'lost', 77, 1, '');
INSERT INTO teammember VALUES (1, 5, 1), (2, 2, 1), (3, 5, 2), (4, 5, 3), (5, 5, 1);
INSERT INTO teammemberinvite VALUES (1, NULL, NULL, 1, 1, 'a'), (2, 5, 'bob@example.com', 1, 1, 'b'), (3, NULL, 'x@example.com', 1, 1, 'b');
INSERT INTO federatedlogin VALUES (1, 5, 1, 'bob', '"{\"service_username\":\"bob\"}"'), (2, 6, 1, 'carol', '{"service_username":"carol"}'),
    (3, 1, 1, 'alice', '"just a text"'), (4, 9, 1, 'idle', '"{broken"');
INSERT INTO repository (id, namespace_user_id, name, visibility_id, badge_token, kind_id)
VALUES (1, 2, 'app', 1, 'x', 1), (2, 1, 'tool', 1, 'x', 1), (3, 77, 'nobody', 1, 'x', 1), (4, 7, 'of-second-alice', 1, 'x', 1), (5, 2, 'app', 1, 'x', 1);
INSERT INTO repositorypermission VALUES (1, NULL, 1, 1, 1), (2, 1, NULL, 1, 3), (3, 1, 5, 1, 1), (4, NULL, NULL, 1, 1), (5, 1, NULL, 2, 1),
    (6, NULL, 3, 2, 2), (7, NULL, 3, 1, 2), (8, NULL, 4, 2, 2), (9, NULL, 1, 1, 2), (10, NULL, 88, 1, 2), (11, NULL, 5, 3, 2), (12, NULL, 5, 2, 99);
INSERT INTO repositorynotification (id, uuid, repository_id, event_id, method_id, config_json, event_config_json)
VALUES (1, 'n1', 1, 1, 1, '"{\"url\":\"https://secret.example.com\"}"', '{}');
INSERT INTO messages (id, content, uuid, media_type_id) VALUES (1, 'a', 'm', 103), (2, 'b', 'm', 103), (3, 'c', '', 103), (4, 'd', '', 103);
INSERT INTO imagestorage (id, uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum)
VALUES (1, 'b1', 10, NULL, true, true, 'sha256:aa'), (2, 'b2', 10, NULL, true, true, 'sha256:aa'), (3, 'b3', NULL, NULL, true, true, 'sha256:cc'),
       (4, 'b4', -1, -5, true, true, 'sha256:dd'), (5, 'b5', 20, NULL, true, false, 'sha256:aa'), (6, 'b6', 30, NULL, true, true, NULL);
INSERT INTO imagestorageplacement VALUES (1, 2, 9), (2, 3, 2000), (3, 4, 7), (4, 5, 7), (5, 66, 7), (6, 5, 9), (7, 6, 77);
INSERT INTO manifest (id, repository_id, digest, media_type_id, manifest_bytes, layers_compressed_size)
SELECT v.id, v.repository_id, coalesce(v.digest, 'sha256:' || encode(sha256(convert_to(v.bytes, 'UTF8')), 'hex')), y.id, v.bytes, v.size
FROM (VALUES (1, 1, NULL, 'image', '{"n":1}', 5), (2, 1, NULL, 'image', '{"n":2}', -1), (3, 1, 'BROKEN-17', 'image', '{}', NULL),
             (4, 2, NULL, 'image', '{"n":4}', 0), (5, 3, NULL, 'image', '{"n":5}', 1), (6, 1, NULL, 'image', '{"n":1}', 5),
             (7, 1, NULL, 'index', '{"manifests":[{"digest":"sha256:absent"},{"digest":"BROKEN-17"}]}', NULL), (8, 1, NULL, 'index', 'no json', NULL))
     AS v (id, repository_id, digest, kind, bytes, size)
JOIN mediatype AS y ON y.name = CASE v.kind WHEN 'image' THEN 'application/vnd.oci.image.manifest.v1+json' ELSE 'application/vnd.oci.image.index.v1+json' END;
INSERT INTO manifestblob VALUES (1, 1, 1, 1), (2, 1, 1, 2), (3, 1, 2, 3), (4, 2, 2, 4), (5, 1, 99, 1), (6, 1, 1, 99), (7, 2, 4, 5), (8, 3, 5, 1), (9, 1, 6, 1);
INSERT INTO manifestchild VALUES (1, 1, 7, 3), (2, 1, 7, 4), (3, 2, 7, 1), (4, 1, 7, 3);
INSERT INTO label VALUES (1, 'l1', 'k', 'v', 101, 1), (2, 'l1', 'k', 'v', 101, 1), (3, 'l3', 'k', 'v', 999, 1);
INSERT INTO manifestlabel VALUES (1, 2, 1, 1), (2, 1, 1, 2), (3, 1, 1, 3);
INSERT INTO manifestsecuritystatus VALUES (1, 1, 2, 2, '"[]"', '2026-01-01', 'h', 4, '{}');
INSERT INTO tag (id, name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, immutable, tag_kind_id, linked_tag_id)
VALUES (1, 'latest', 1, 1, 100, NULL, false, true, 1, NULL), (2, 'latest', 1, 2, 200, NULL, false, false, 1, NULL),
       (3, 'latest', 1, 1, 200, 9000000000000, false, false, 1, NULL), (4, 'v1', 1, 1, 10, 50, false, false, 1, NULL),
       (5, 'v1', 1, 2, 20, 50, false, false, 1, NULL), (6, 'gone', 1, 99, 20, NULL, false, false, 1, NULL),
       (7, 'empty', 1, NULL, 20, NULL, false, false, 1, 98), (8, '$temp-1', 1, 1, 20, NULL, false, false, 1, 6),
       (9, 'far', 2, 1, 20, NULL, false, false, 1, 1), (10, 'v2', 1, 6, 20, NULL, false, false, 1, NULL), (11, 'keep', 1, 1, 20, 9000000000000, false, true, 1, NULL);
INSERT INTO queueitem VALUES (1, 'q', '{}', '2026-01-01', true, NULL, 5, 's'), (2, 'q', '{}', '2026-01-01', true, NULL, 5, 's');
INSERT INTO logentry VALUES (1, 1, 1, NULL, NULL, '2019-01-01', NULL, '{}');
INSERT INTO logentry2 VALUES (1, 1, 1, NULL, NULL, '2020-01-01', NULL, '{}');
INSERT INTO logentry3 VALUES (1, 1, 1, NULL, NULL, '2025-03-05', NULL, '"{\"repo\":\"app\"}"'), (2, 999, 1, NULL, NULL, '2025-03-06', NULL, '{}'),
    (5, 2, 88, 88, 88, '2025-05-06', NULL, '{}'), (6, 2, 1, 1, 1, 'infinity', NULL, '{}');
INSERT INTO namespaceautoprunepolicy VALUES (1, 'p', 2, '"{\"method\":\"number_of_tags\",\"value\":5}"');
RESET search_path;

\echo -- the dry run finds all of it, and changes nothing
CALL quay.adopt('damaged', dry_run => true);
CREATE TABLE public.found_dry AS SELECT rule, table_name, column_name, treatment, row_count FROM quay.adoption_summary;
CREATE TABLE public.report_dry AS SELECT rule, table_name, source_id, treatment, column_name FROM quay.adoption_report;
SELECT rule, table_name, column_name, treatment, row_count FROM public.found_dry ORDER BY rule, table_name, column_name;
SELECT count(*) FROM quay."user";
SELECT count(*) FROM quay.imagestoragelocation WHERE id > 8;
SELECT phase, state, count(*), sum(source_rows) FROM quay.adoption_progress GROUP BY phase, state ORDER BY phase, state;

\echo -- and so does the adoption
CALL quay.adopt('damaged', batch_size => 3);
TABLE public.found_dry EXCEPT SELECT rule, table_name, column_name, treatment, row_count FROM quay.adoption_summary;
SELECT rule, table_name, column_name, treatment, row_count FROM quay.adoption_summary WHERE rule <> 'registry_check' EXCEPT TABLE public.found_dry;
SELECT count(*) FROM (TABLE public.report_dry EXCEPT SELECT rule, table_name, source_id, treatment, column_name FROM quay.adoption_report) AS x;
SELECT table_name, source_id, rule, treatment, column_name, old_value,
       CASE WHEN new_value ~ '^[0-9a-f]{8}-' THEN 'a uuid' ELSE new_value END AS new_value, detail
FROM quay.adoption_report WHERE treatment <> 'kept' ORDER BY table_name, source_id, rule, column_name;
SELECT rule, table_name, source_id, detail FROM quay.adoption_report
WHERE treatment = 'kept' AND rule <> 'registry_check' ORDER BY rule, table_name, source_id;
SELECT detail FROM quay.adoption_report WHERE rule = 'registry_check' ORDER BY detail COLLATE "C";
SELECT phase, state, count(*), sum(row_count) FROM quay.adoption_progress GROUP BY phase, state ORDER BY phase, state;

\echo -- what arrived
SELECT id, CASE WHEN uuid LIKE 'u%' THEN uuid END AS uuid, username, CASE WHEN email LIKE '%@%' THEN email END AS email, enabled, invalid_login_attempts, removed_tag_expiration_s FROM quay."user" ORDER BY id;
SELECT m.id, u.username, t.name, r.name AS role FROM quay.teammember AS m JOIN quay."user" AS u ON u.id = m.user_id JOIN quay.team AS t ON t.id = m.team_id JOIN quay.teamrole AS r ON r.id = t.role_id ORDER BY m.id;
SELECT p.id, p.team_id, p.user_id, p.repository_id, r.name FROM quay.repositorypermission AS p JOIN quay.role AS r ON r.id = p.role_id ORDER BY p.id;
SELECT id, user_id, email FROM quay.teammemberinvite ORDER BY id;
SELECT id, metadata_json FROM quay.federatedlogin ORDER BY id;
SELECT id, config_json FROM quay.repositorynotification;
SELECT id, CASE WHEN length(uuid) < 36 THEN uuid END AS uuid, length(uuid) FROM quay.messages ORDER BY id;
SELECT id, image_size, uncompressed_size, content_checksum FROM quay.imagestorage ORDER BY id;
SELECT p.id, p.storage_id, l.id AS location_id, l.name FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id ORDER BY p.id;
SELECT m.id, m.repository_id, left(m.digest, 12) AS digest, y.name, m.layers_compressed_size FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id ORDER BY m.id;
SELECT id, repository_id, manifest_id, blob_id FROM quay.manifestblob ORDER BY id;
SELECT id, repository_id, manifest_id, child_manifest_id FROM quay.manifestchild ORDER BY id;
SELECT repository_id, digest, manifest_id FROM quay_internal.missing_child;
SELECT id, name, manifest_id, lifetime_start_ms, lifetime_end_ms, immutable, ended, linked_tag_id FROM quay.tag ORDER BY id;
SELECT tableoid::regclass AS partition, id, datetime, metadata_json FROM quay.logentry3 ORDER BY id;
SELECT policy FROM quay.namespaceautoprunepolicy;
SELECT u.namespace_id, u.repository_id, u.blob_id, u.size FROM quay_internal.blob_use AS u ORDER BY 1, 2, 3;
SELECT namespace_id, repository_id, used FROM quay_internal.size_counter ORDER BY 1, 2;
SELECT kind, object_id FROM quay_internal.gc_review ORDER BY kind, object_id;
SELECT last_value FROM quay.tag_id_seq;
SELECT nextval('quay.imagestoragelocation_id_seq') > 2000 AS above;

\echo -- it works: a tag resolves, a push goes on with the next ids
SELECT manifest_id, left(digest, 12) AS digest FROM quay.tag_resolve('acme', 'app', 'latest');
SELECT quay.user_create('dave', 'a long password', 'dave@example.com') > 1000 AS above;

\echo -- not twice
CALL quay.adopt('damaged');
CALL quay.adopt('damaged', dry_run => true);

\echo -- the rules
SELECT rule, table_name, treatment, meaning FROM quay.adoption_rules() ORDER BY rule;

\echo -- of the two revisions that kept the e-mail addresses of organizations apart
\c :regress
DROP DATABASE quay_adopt_regress WITH (FORCE);
CREATE DATABASE quay_adopt_regress;
\c quay_adopt_regress
SET client_min_messages = warning;
CREATE EXTENSION quay;
CALL quay.release('apart');
INSERT INTO apart."user" (id, uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, removed_tag_expiration_s)
VALUES (1, 'u1', 'alice', 'alice@example.com', true, false, false, false, '2026-01-01', 1209600),
       (2, 'u2', 'acme', 'c0ffee', true, true, false, false, '2026-01-01', 1209600),
       (3, 'u3', 'open', 'open@example.com', true, true, false, false, '2026-01-01', 1209600),
       (4, 'u4', 'mute', 'badcafe', true, true, false, false, '2026-01-01', 1209600);
INSERT INTO apart.organizationcontactemail VALUES (1, 2, 'office@acme.example'), (2, 3, 'other@example.com'), (3, 4, NULL);
UPDATE apart.alembic_version SET version_num = '414c5e2fc487';
CALL quay.adopt('apart');
SELECT table_name, source_id, rule, treatment, column_name, old_value, new_value FROM quay.adoption_report WHERE rule = 'organization_email';
SELECT id, username, email FROM quay."user" ORDER BY id;

\c :regress
DROP DATABASE quay_adopt_regress WITH (FORCE);
