-- From a reference to a manifest. The work is done in C (src/registry/tag.c, src/registry/pull.c): one call makes many look-ups.
--
-- The functions that clients call are plain SQL of the one kind that the planner puts in place of the call: so the row comes straight from
-- the C function, where a function that returns a set would first be run into a tuplestore, which costs more than the look-ups.
-- OFFSET 0 keeps the C function from being called once for each column.

COMMENT ON TYPE quay_internal.resolved_tag IS 'A tag and its manifest: sizes in bytes, times in ms since 1970.';
COMMENT ON TYPE quay_internal.stored_manifest IS 'A manifest with its bytes exactly as pushed; size in bytes.';
COMMENT ON TYPE quay_internal.pulled_manifest IS 'The outcome of a pull: status, and if that is ok the manifest; size in bytes.';

CREATE OR REPLACE FUNCTION quay_internal.tag_resolve_row(namespace text, repository text, tag text, as_of timestamptz)
    RETURNS quay_internal.resolved_tag
    LANGUAGE C STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'quay_tag_resolve';
COMMENT ON FUNCTION quay_internal.tag_resolve_row(text, text, text, timestamptz) IS 'The row of tag_resolve(), or NULL.';

CREATE OR REPLACE FUNCTION quay.tag_resolve(namespace text, repository text, tag text, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, size bigint, artifact_type text,
                   tag_id bigint, lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).manifest_id, (r.found).digest, (r.found).media_type, (r.found).size, (r.found).artifact_type,
           (r.found).tag_id, (r.found).lifetime_start_ms, (r.found).lifetime_end_ms, (r.found).immutable
    FROM (SELECT quay_internal.tag_resolve_row(tag_resolve.namespace, tag_resolve.repository, tag_resolve.tag, tag_resolve.as_of) AS found
          OFFSET 0) AS r
    WHERE (r.found).manifest_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.tag_resolve(text, text, text, timestamptz) IS
    'Manifest that the tag points to, now or at the time as_of; size of the manifest in bytes, lifetimes in ms since 1970, an end of NULL means none. No row: unknown or expired tag, repository or namespace. Asks nobody whether he may: see pull(), access_check(). Call it in FROM.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_get_row(namespace text, repository text, reference text)
    RETURNS quay_internal.stored_manifest
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_manifest_get';
COMMENT ON FUNCTION quay_internal.manifest_get_row(text, text, text) IS 'The row of manifest_get(), or NULL.';

CREATE OR REPLACE FUNCTION quay.manifest_get(namespace text, repository text, reference text)
    RETURNS TABLE (digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, artifact_type text, subject text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).digest, (r.found).media_type, (r.found).manifest, (r.found).manifest_id, (r.found).size,
           (r.found).artifact_type, (r.found).subject
    FROM (SELECT quay_internal.manifest_get_row(manifest_get.namespace, manifest_get.repository, manifest_get.reference) AS found
          OFFSET 0) AS r
    WHERE (r.found).manifest_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.manifest_get(text, text, text) IS
    'Manifest that the reference (a tag or a digest) names, its bytes exactly as pushed. By digest it is found while a live tag, hidden ones too, points to it or to an index that lists it. No row: unknown. Asks nobody whether he may: see pull(). Call it in FROM.';

CREATE OR REPLACE FUNCTION quay_internal.pull_row(actor text, namespace text, repository text, reference text, scopes text)
    RETURNS quay_internal.pulled_manifest
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_pull';
COMMENT ON FUNCTION quay_internal.pull_row(text, text, text, text, text) IS 'The row of pull().';

CREATE OR REPLACE FUNCTION quay.pull(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL)
    RETURNS TABLE (status text, digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, repository_id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.outcome).status, (r.outcome).digest, (r.outcome).media_type, (r.outcome).manifest, (r.outcome).manifest_id,
           (r.outcome).size, (r.outcome).repository_id
    FROM (SELECT quay_internal.pull_row(pull.actor, pull.namespace, pull.repository, pull.reference, pull.scopes) AS outcome
          OFFSET 0) AS r;
    END;
COMMENT ON FUNCTION quay.pull(text, text, text, text, text) IS
    'One call for a pull: the access decision, then the manifest. Always one row; status is ok, denied (may not read, or the repository does not exist), namespace_disabled, repository_unknown, manifest_unknown or tag_expired, and the other columns are NULL unless it is ok. actor NULL: anonymous; scopes NULL: direct login. Call it in FROM.';
