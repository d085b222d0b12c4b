-- Rows that the C functions behind tag_resolve(), manifest_get() and pull() give back.

CREATE TYPE quay_internal.resolved_tag AS (
    manifest_id       bigint,
    digest            text,
    media_type        text,
    size              bigint,
    artifact_type     text,
    tag_id            bigint,
    lifetime_start_ms bigint,
    lifetime_end_ms   bigint,
    immutable         boolean
);

CREATE TYPE quay_internal.stored_manifest AS (
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    artifact_type text,
    subject       text
);

CREATE TYPE quay_internal.pulled_manifest AS (
    status        text,
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    repository_id bigint
);
