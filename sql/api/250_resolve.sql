-- From a reference to a manifest. All of it is C (src/registry/tag.c, src/registry/pull.c): one call makes many look-ups.

CREATE OR REPLACE FUNCTION quay.tag_resolve(namespace text, repository text, tag text, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, size bigint, artifact_type text,
                   tag_id bigint, lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 10 AS 'MODULE_PATHNAME', 'quay_tag_resolve';
COMMENT ON FUNCTION quay.tag_resolve(text, text, text, timestamptz) IS
    'Manifest that the tag points to, now or at the time as_of; size of the manifest in bytes, lifetimes in ms since 1970, an end of NULL means none. No row: unknown or expired tag, repository or namespace. Asks nobody whether he may: see pull(), access_check().';

CREATE OR REPLACE FUNCTION quay.manifest_get(namespace text, repository text, reference text)
    RETURNS TABLE (digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, artifact_type text, subject text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 20 AS 'MODULE_PATHNAME', 'quay_manifest_get';
COMMENT ON FUNCTION quay.manifest_get(text, text, text) IS
    'Manifest that the reference (a tag or a digest) names, its bytes exactly as pushed. By digest it is found while a live tag, hidden ones too, points to it or to an index that lists it. No row: unknown. Asks nobody whether he may: see pull().';

CREATE OR REPLACE FUNCTION quay.pull(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL)
    RETURNS TABLE (status text, digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, repository_id bigint)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 40 AS 'MODULE_PATHNAME', 'quay_pull';
COMMENT ON FUNCTION quay.pull(text, text, text, text, text) IS
    'One call for a pull: the access decision, then the manifest. Always one row; status is ok, denied (may not read, or the repository does not exist), namespace_disabled, repository_unknown, manifest_unknown or tag_expired, and the other columns are NULL unless it is ok. actor NULL: anonymous; scopes NULL: direct login.';
