-- What everything else stands on: the second schema and the record of the version that the rows belong to.

CREATE SCHEMA quay_internal;

-- pg_dump does not record the version of an extension, so the rows say it: this table is dumped, and the trigger that stands in
-- api/010_core.sql folds the row of a restored dump into the row that the install script wrote. Two rows mean rows of one version
-- in the schema of another, which every entry point refuses (src/version.c).
CREATE TABLE quay_internal.schema_version (
    version      text COLLATE "C" NOT NULL,
    installed_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT pk_schema_version PRIMARY KEY (version)
);

-- The revision of the reference's own migrations whose tables these are; its application reads it at start-up.
CREATE TABLE quay.alembic_version (
    version_num varchar(32) COLLATE "C" NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
