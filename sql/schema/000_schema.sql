-- What everything else stands on: the second schema and the record of the version that the rows belong to.

CREATE SCHEMA quay_internal;

-- Manifests are UTF-8 by the OCI specification and are kept byte by byte in text columns, which only this encoding can hold unchanged.
DO $encoding$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'extension "quay" needs a database with encoding UTF8',
            DETAIL = format('The encoding of this database is %s.', current_setting('server_encoding')),
            HINT = 'Run CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$encoding$;

-- pg_dump does not record the version of an extension, so the rows say it: this table is dumped, and the trigger that stands in
-- api/010_core.sql folds the row of a restored dump into the row that the install script wrote. Two rows mean rows of one version
-- in the schema of another, which every entry point refuses (src/version.c).
CREATE TABLE quay_internal.schema_version (
    version      text COLLATE "C" NOT NULL,
    installed_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT pk_schema_version PRIMARY KEY (version)
);

-- Always empty: a change of a user or repository that sessions may remember invalidates this table, and they forget (src/entity.c).
CREATE TABLE quay_internal.entity_change ();

-- Always empty, for the same purpose: a change of what decides about access (src/auth/rights.c).
CREATE TABLE quay_internal.rights_change ();

-- How far quay.secret_rotate() has got: the columns that it is through with, or how far in them. key_check is a known text, encrypted with
-- the key that the rotation leads to, so that a rotation to another key starts anew.
CREATE TABLE quay_internal.secret_rotation (
    table_name  text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    last_id     bigint NOT NULL,
    finished    boolean NOT NULL,
    key_check   text COLLATE "C" NOT NULL,
    CONSTRAINT pk_secret_rotation PRIMARY KEY (table_name, column_name)
);

-- The revision of the reference's own migrations whose tables these are; its application reads it at start-up.
CREATE TABLE quay.alembic_version (
    version_num varchar(32) COLLATE "C" NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
