-- Rows of the hottest functions. A named type, where the other functions have RETURNS TABLE: the executor remembers the columns of a type,
-- and would otherwise build their description anew in every call, which costs as much as two look-ups. A later version appends
-- attributes.

CREATE TYPE quay.resolved_tag AS (
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

CREATE TYPE quay.stored_manifest AS (
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    artifact_type text,
    subject       text
);

CREATE TYPE quay.pulled_manifest AS (
    status        text,
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    repository_id bigint
);
