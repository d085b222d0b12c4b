-- A Quay moves in: a source written by hand, as an older release made it. Ids are integer, enumerations were filled in the order of that
-- release's initialization, and many tables and columns are not there.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT current_database() AS regress \gset
CREATE DATABASE quay_adopt_plain_regress;
\c quay_adopt_plain_regress
SET client_min_messages = warning;
CREATE EXTENSION quay;
SET client_min_messages = notice;
\pset null ~
CREATE SCHEMA old;
SET search_path = old, pg_catalog;
CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('15f06d00c4b3');
CREATE TABLE role (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO role (name) VALUES ('read'), ('write'), ('admin');
CREATE TABLE teamrole (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO teamrole (name) VALUES ('member'), ('creator'), ('admin');
CREATE TABLE visibility (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO visibility (name) VALUES ('private'), ('public');
CREATE TABLE repositorykind (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO repositorykind (name) VALUES ('image');
CREATE TABLE mediatype (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO mediatype (name) VALUES ('application/vnd.docker.distribution.manifest.v2+json'), ('application/vnd.example.config+json'), ('text/plain');
CREATE TABLE tagkind (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO tagkind (name) VALUES ('tag');
CREATE TABLE logentrykind (id serial PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
INSERT INTO logentrykind (name) VALUES ('push_repo'), ('pull_repo'), ('our_own_kind');
CREATE TABLE "user" (id serial PRIMARY KEY, uuid varchar(36), username varchar(255) UNIQUE NOT NULL, password_hash varchar(255),
    email varchar(255) UNIQUE NOT NULL, verified boolean NOT NULL, stripe_id varchar(255), organization boolean NOT NULL, robot boolean NOT NULL,
    invoice_email boolean NOT NULL, invalid_login_attempts integer NOT NULL, last_invalid_login timestamp NOT NULL);
INSERT INTO "user" VALUES (10, 'u10', 'devtable', 'hash', 'dev@example.com', true, NULL, false, false, false, 0, '2020-01-01'),
    (11, 'u11', 'buynlarge', NULL, 'sales@example.com', true, NULL, true, false, false, 0, '2020-01-01'),
    (12, 'u12', 'uuidorg', NULL, repeat('long', 20), true, NULL, true, false, false, 0, '2020-01-01');
CREATE TABLE team (id serial PRIMARY KEY, name varchar(255) NOT NULL, organization_id integer NOT NULL REFERENCES "user", role_id integer NOT NULL REFERENCES teamrole, description text NOT NULL);
INSERT INTO team VALUES (1, 'owners', 11, 3, ''), (2, 'readers', 11, 1, '');
CREATE TABLE teammember (id serial PRIMARY KEY, user_id integer NOT NULL REFERENCES "user", team_id integer NOT NULL REFERENCES team);
INSERT INTO teammember VALUES (1, 10, 1);
CREATE TABLE repository (id serial PRIMARY KEY, namespace_user_id integer REFERENCES "user", name varchar(255) NOT NULL,
    visibility_id integer NOT NULL REFERENCES visibility, description text, badge_token varchar(255) NOT NULL);
INSERT INTO repository VALUES (7, 10, 'simple', 1, NULL, 'b'), (8, 11, 'shared', 2, NULL, 'b');
CREATE TABLE repositorypermission (id serial PRIMARY KEY, team_id integer, user_id integer, repository_id integer NOT NULL, role_id integer NOT NULL);
INSERT INTO repositorypermission VALUES (1, NULL, 10, 7, 3), (2, 2, NULL, 8, 1);
CREATE TABLE manifest (id serial PRIMARY KEY, repository_id integer NOT NULL, digest varchar(255) NOT NULL, media_type_id integer NOT NULL, manifest_bytes text NOT NULL);
INSERT INTO manifest SELECT 1, 7, 'sha256:' || encode(sha256('{}'), 'hex'), 1, '{}';
INSERT INTO manifest SELECT 2, 7, 'sha256:' || encode(sha256('{"x":1}'), 'hex'), 2, '{"x":1}';
CREATE TABLE tag (id serial PRIMARY KEY, name varchar(255) NOT NULL, repository_id integer NOT NULL, manifest_id integer,
    lifetime_start_ms bigint NOT NULL, lifetime_end_ms bigint, hidden boolean NOT NULL, reversion boolean NOT NULL, tag_kind_id integer NOT NULL, linked_tag_id integer);
INSERT INTO tag VALUES (1, 'latest', 7, 1, 1600000000000, NULL, false, false, 1, NULL), (2, 'prod', 7, 2, 1500000000000, 1600000000000, false, false, 1, NULL);
CREATE TABLE logentry3 (id bigserial PRIMARY KEY, kind_id integer NOT NULL, account_id integer NOT NULL, performer_id integer, repository_id integer,
    datetime timestamp NOT NULL, ip varchar(255), metadata_json text NOT NULL);
INSERT INTO logentry3 SELECT i, 1 + i % 3, 10, 10, 7, timestamp '2020-01-31 12:00' + i * interval '1 day', NULL, '{}' FROM generate_series(1, 40) AS i;
RESET search_path;

CALL quay.adopt('old', dry_run => true);
SELECT rule, table_name, column_name, treatment, row_count FROM quay.adoption_summary ORDER BY rule, table_name, column_name;
CALL quay.adopt('old', batch_size => 7);
SELECT rule, table_name, column_name, treatment, row_count FROM quay.adoption_summary ORDER BY rule, table_name, column_name;
SELECT u.username, t.name AS team, r.name AS role FROM quay.team AS t JOIN quay."user" AS u ON u.id = t.organization_id JOIN quay.teamrole AS r ON r.id = t.role_id ORDER BY t.id;
SELECT r.name, v.name AS visibility, k.name AS kind, r.state, r.trust_enabled FROM quay.repository AS r JOIN quay.visibility AS v ON v.id = r.visibility_id JOIN quay.repositorykind AS k ON k.id = r.kind_id ORDER BY r.id;
SELECT p.id, r.name FROM quay.repositorypermission AS p JOIN quay.role AS r ON r.id = p.role_id ORDER BY p.id;
SELECT m.id, y.id > 1000 AS added, y.name FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id ORDER BY m.id;
SELECT id, name, manifest_id, lifetime_end_ms, immutable, ended FROM quay.tag ORDER BY id;
SELECT l.tableoid::regclass AS partition, k.name, count(*) FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id GROUP BY 1, 2 ORDER BY 1, 2;
SELECT organization_id, contact_email FROM quay.organizationcontactemail ORDER BY organization_id;
SELECT quay.access_check('devtable', 'buynlarge', 'shared', 'admin', NULL), quay.access_check(NULL, 'buynlarge', 'shared', 'read', NULL),
       quay.access_check(NULL, 'devtable', 'simple', 'read', NULL);
SELECT version_num FROM quay.alembic_version;
SELECT * FROM quay.registry_check() WHERE severity = 'error' AND rule <> 'manifest_digest' ORDER BY 1, 3;

\echo -- a run that stopped goes on: with the schema of its source only, and from where it was
UPDATE quay_internal.adoption_run SET ended_ms = NULL;
UPDATE quay_internal.adoption_step SET ended_ms = NULL WHERE phase = 'compare' AND name = 'tag' OR phase = 'prove' AND name = 'tag';
CALL quay.adopt('elsewhere');
CALL quay.adopt('old', dry_run => true);
INSERT INTO old.tag VALUES (3, 'late', 7, 1, 1600000000000, NULL, false, false, 1, NULL);
CALL quay.adopt('old');
SELECT name, state, error FROM quay.adoption_progress WHERE state <> 'done' ORDER BY place;
DELETE FROM old.tag WHERE id = 3;
CALL quay.adopt('old');
SELECT name, state, error FROM quay.adoption_progress WHERE state <> 'done' ORDER BY place;

\c :regress
DROP DATABASE quay_adopt_plain_regress WITH (FORCE);
