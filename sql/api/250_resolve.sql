-- From a reference to a manifest. All of it is C (src/registry/tag.c, src/registry/pull.c): one call makes many look-ups.

COMMENT ON TYPE quay.resolved_tag IS 'A row of tag_resolve(): the manifest, with its size in bytes, and the period of the tag, in ms since 1970; an end of NULL means none.';
COMMENT ON TYPE quay.stored_manifest IS 'A row of manifest_get(): the bytes exactly as pushed, and what describes them; size in bytes.';
COMMENT ON TYPE quay.pulled_manifest IS 'The row of pull(): status, and if it is ok the manifest, its size in bytes.';

CREATE OR REPLACE FUNCTION quay.tag_resolve(namespace text, repository text, tag text, as_of timestamptz DEFAULT NULL)
    RETURNS SETOF quay.resolved_tag
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 10 AS 'MODULE_PATHNAME', 'quay_tag_resolve';
COMMENT ON FUNCTION quay.tag_resolve(text, text, text, timestamptz) IS
    'Manifest that the tag points to, now or at the time as_of; size of the manifest in bytes, lifetimes in ms since 1970, an end of NULL means none. No row: unknown or expired tag, repository or namespace. Asks nobody whether he may: see pull(), access_check().';

CREATE OR REPLACE FUNCTION quay.manifest_get(namespace text, repository text, reference text)
    RETURNS SETOF quay.stored_manifest
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 20 AS 'MODULE_PATHNAME', 'quay_manifest_get';
COMMENT ON FUNCTION quay.manifest_get(text, text, text) IS
    'Manifest that the reference (a tag or a digest) names, its bytes exactly as pushed. By digest it is found while a live tag, hidden ones too, points to it or to an index that lists it. No row: unknown. Asks nobody whether he may: see pull().';

CREATE OR REPLACE FUNCTION quay.pull(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL)
    RETURNS SETOF quay.pulled_manifest
    LANGUAGE C STABLE PARALLEL SAFE ROWS 1 COST 40 AS 'MODULE_PATHNAME', 'quay_pull';
COMMENT ON FUNCTION quay.pull(text, text, text, text, text) IS
    'One call for a pull: the access decision, then the manifest. Always one row; status is ok, denied (may not read, or the repository does not exist), namespace_disabled, repository_unknown, manifest_unknown or tag_expired, and the other columns are NULL unless it is ok. actor NULL: anonymous; scopes NULL: direct login.';
