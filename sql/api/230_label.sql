-- Labels: what a manifest says about itself (source "manifest"), or what was added to it later ("api", "internal").

CREATE OR REPLACE FUNCTION quay_internal.json_is_container(value text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_is_container';
COMMENT ON FUNCTION quay_internal.json_is_container(text) IS 'Is the text a JSON object or array? Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.duration_seconds(duration text) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_duration_seconds';
COMMENT ON FUNCTION quay_internal.duration_seconds(text) IS
    'A duration such as 2w in seconds: digits and one of s, m (minutes), h, d, w, y (365 days). NULL if it is none.';

CREATE OR REPLACE FUNCTION quay_internal.label_add_many(repository_id bigint, manifest_id bigint, labels jsonb, source text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A key that is empty or longer than its column is not kept as a label; it stays in the manifest.
    WITH added AS (
        INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id)
        SELECT gen_random_uuid()::text, e.key, e.value,
               (SELECT m.id FROM quay.mediatype AS m
                WHERE m.name = CASE WHEN quay_internal.json_is_container(e.value) THEN 'application/json' ELSE 'text/plain' END),
               (SELECT s.id FROM quay.labelsourcetype AS s WHERE s.name = label_add_many.source)
        FROM jsonb_each_text(label_add_many.labels) AS e
        WHERE length(e.key) BETWEEN 1 AND 255
        RETURNING id
    )
    INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id)
    SELECT label_add_many.repository_id, label_add_many.manifest_id, added.id FROM added;
END
$$;
COMMENT ON FUNCTION quay_internal.label_add_many(bigint, bigint, jsonb, text) IS
    'Attaches labels, an object of texts, to a manifest. source: manifest, api or internal. A value that is a JSON object or array gets that media type.';

CREATE OR REPLACE FUNCTION quay_internal.label_is_true(value text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(btrim(value, E' \t\r\n\f\v')) = 'true';
COMMENT ON FUNCTION quay_internal.label_is_true(text) IS 'Is the value of the label quay.immutable "true", whatever its case and the blanks around it?';

CREATE OR REPLACE FUNCTION quay_internal.label_lifetime(value text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    -- At most some 3000 years: an end must fit into a bigint of milliseconds.
    RETURN CASE WHEN quay_internal.duration_seconds(value) > 100000000000 THEN 100000000000 ELSE quay_internal.duration_seconds(value) END;
COMMENT ON FUNCTION quay_internal.label_lifetime(text) IS
    'Seconds that the value of the label quay.expires-after means; 0: no end. NULL if it is no duration.';

CREATE OR REPLACE FUNCTION quay_internal.label_tag_rules(manifest_id bigint, OUT expires_after bigint, OUT immutable boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    children bigint[] := ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c
                               WHERE c.manifest_id = label_tag_rules.manifest_id);
BEGIN
    IF NOT EXISTS (SELECT FROM quay.manifestlabel AS l WHERE l.manifest_id = ANY (label_tag_rules.manifest_id || children)) THEN
        immutable := false;
        RETURN;
    END IF;
    -- An index is pushed without labels of its own. Until it gets one it has what all its children say.
    SELECT nullif(coalesce(min(v.expires_after) FILTER (WHERE v.is_own),
                           CASE WHEN count(v.expires_after) = cardinality(children) AND min(v.expires_after) = max(v.expires_after)
                                THEN min(v.expires_after) END), 0),
           coalesce(bool_or(v.immutable) FILTER (WHERE v.is_own),
                    children <> '{}' AND count(*) FILTER (WHERE v.immutable) = cardinality(children))
    INTO expires_after, immutable
    FROM (-- A manifest may have several labels of a key: the latest valid duration counts, and any "true".
          SELECT l.manifest_id = label_tag_rules.manifest_id AS is_own,
                 (array_agg(l.lifetime ORDER BY l.id DESC) FILTER (WHERE l.lifetime IS NOT NULL))[1] AS expires_after,
                 bool_or(quay_internal.label_is_true(l.value)) FILTER (WHERE l.key = 'quay.immutable') AS immutable
          FROM (SELECT ml.manifest_id, l.id, l.key, l.value,
                       CASE l.key WHEN 'quay.expires-after' THEN quay_internal.label_lifetime(l.value) END AS lifetime
                FROM quay.manifestlabel AS ml
                -- OFFSET 0: from the manifest to its labels, not from the key, which may be on millions of them.
                CROSS JOIN LATERAL (SELECT l.id, l.key, l.value FROM quay.label AS l WHERE l.id = ml.label_id OFFSET 0) AS l
                WHERE ml.manifest_id = ANY (label_tag_rules.manifest_id || children)
                  AND l.key IN ('quay.expires-after', 'quay.immutable')) AS l
          GROUP BY l.manifest_id) AS v;
END
$$;
COMMENT ON FUNCTION quay_internal.label_tag_rules(bigint) IS
    'What the labels of a manifest ask of its tags: quay.expires-after in seconds (NULL: nothing, 0s, or no valid duration) and quay.immutable. An index that has no such label of its own: what all its children agree on.';

CREATE OR REPLACE FUNCTION quay.label_list(namespace text, repository text, digest text, prefix text DEFAULT NULL)
    RETURNS TABLE (label text, key text, value text, media_type text, source text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT l.uuid::text, l.key::text, l.value, t.name::text, s.name::text
        FROM quay.manifest AS m
        JOIN quay.manifestlabel AS ml ON ml.manifest_id = m.id
        JOIN quay.label AS l ON l.id = ml.label_id
        JOIN quay.mediatype AS t ON t.id = l.media_type_id
        JOIN quay.labelsourcetype AS s ON s.id = l.source_type_id
        WHERE m.repository_id = target_id AND m.digest = label_list.digest
          AND (label_list.prefix IS NULL OR starts_with(lower(l.key), lower(label_list.prefix)))
        ORDER BY l.key, l.id;
END
$$;
COMMENT ON FUNCTION quay.label_list(text, text, text, text) IS
    'Labels of a manifest, by key; prefix, whatever its case, selects keys. No row: no labels, or no such manifest. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.label_get(namespace text, repository text, digest text, INOUT label text, OUT key text, OUT value text,
                                          OUT media_type text, OUT source text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT l.uuid::text, l.key::text, l.value, t.name::text, s.name::text
        FROM quay.label AS l
        JOIN quay.manifestlabel AS ml ON ml.label_id = l.id
        JOIN quay.manifest AS m ON m.id = ml.manifest_id
        JOIN quay.mediatype AS t ON t.id = l.media_type_id
        JOIN quay.labelsourcetype AS s ON s.id = l.source_type_id
        WHERE l.uuid = label_get.label AND m.repository_id = target_id AND m.digest = label_get.digest;
END
$$;
COMMENT ON FUNCTION quay.label_get(text, text, text, text) IS
    'The label of that uuid, if the manifest has it; no row otherwise. Errors: QY002, QY003, QY004.';
