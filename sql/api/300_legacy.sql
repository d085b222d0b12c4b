-- Models that the reference has dropped, as views over the present truth. Read only: the tables below them are written.

CREATE OR REPLACE FUNCTION quay_internal.json_or_null(document text) RETURNS json
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_or_null';
COMMENT ON FUNCTION quay_internal.json_or_null(text) IS
    'The text as json; NULL instead of an error if it is not JSON, is nested deeper than 64 levels, or has an escaped zero byte.';

CREATE OR REPLACE FUNCTION quay_internal.timestamp_or_null(value text) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    part text[] := regexp_match(value, '^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d(?:\.\d{1,20})?)(Z|[+-][01]\d:[0-5]\d)$', 'i');
    first_day date;
BEGIN
    IF part IS NULL OR part[1] = '0000' OR part[2]::integer NOT BETWEEN 1 AND 12 THEN
        RETURN NULL;
    END IF;
    first_day := make_date(part[1]::integer, part[2]::integer, 1);
    IF part[3]::integer NOT BETWEEN 1 AND extract(day FROM first_day + interval '1 month' - interval '1 day') THEN
        RETURN NULL;
    END IF;
    RETURN first_day + part[3]::integer - 1 + make_time(part[4]::integer, part[5]::integer, part[6]::double precision)
        - CASE WHEN upper(part[7]) = 'Z' THEN interval '0' ELSE part[7]::interval END;
END
$$;
COMMENT ON FUNCTION quay_internal.timestamp_or_null(text) IS
    'A time in the form of RFC 3339, such as 2026-03-01T12:00:00.5+01:00, as naive UTC; NULL if it is none. Never an error.';

-- image: the layers of each image manifest, base first. Docker schema 1 lists them leaf first, in fsLayers and history.

CREATE OR REPLACE VIEW quay.image AS
SELECT
    m.id * 1024 + l.index AS id,
    coalesce(v.image ->> 'id', encode(sha256(convert_to(m.digest || ':' || l.index, 'UTF8')), 'hex'))::varchar(255) COLLATE "C" AS docker_image_id,
    m.repository_id,
    '/' || (SELECT coalesce(string_agg(m.id * 1024 + a || '/', '' ORDER BY a), '') FROM generate_series(0, l.index - 1) AS a) AS ancestors,
    s.id AS storage_id,
    quay_internal.timestamp_or_null(v.image ->> 'created') AS created,
    v.image ->> 'comment' AS comment,
    CASE WHEN json_typeof(v.image -> 'container_config' -> 'Cmd') = 'array' THEN v.image -> 'container_config' ->> 'Cmd' END AS command,
    l.aggregate_size,
    l.v1_json_metadata,
    l.digest::varchar(255) COLLATE "C" AS v1_checksum,
    coalesce(x.index_status = 2, false) AS security_indexed,
    coalesce(x.indexer_version, -1) AS security_indexed_engine,
    CASE WHEN l.index > 0 THEN m.id * 1024 + l.index - 1 END AS parent_id
FROM quay.manifest AS m
CROSS JOIN LATERAL (SELECT quay_internal.json_or_null(m.manifest_bytes) AS document OFFSET 0) AS d
CROSS JOIN LATERAL (
    SELECT e.number - 1 AS index,
           e.layer ->> 'digest' AS digest,
           sum(coalesce(quay_internal.json_size(e.layer ->> 'size'), 0)) OVER (ORDER BY e.number)::bigint AS aggregate_size,
           NULL::text AS v1_json_metadata
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'layers') = 'array' THEN d.document -> 'layers' END)
        WITH ORDINALITY AS e (layer, number)
    WHERE d.document -> 'config' ->> 'mediaType'
        IN ('application/vnd.docker.container.image.v1+json', 'application/vnd.oci.image.config.v1+json')
    UNION ALL
    SELECT json_array_length(d.document -> 'fsLayers') - e.number,
           e.layer ->> 'blobSum',
           sum(quay_internal.json_size(quay_internal.json_or_null(d.document -> 'history' -> (e.number - 1)::integer ->> 'v1Compatibility') ->> 'Size'))
               OVER (ORDER BY e.number DESC)::bigint,
           d.document -> 'history' -> (e.number - 1)::integer ->> 'v1Compatibility'
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'fsLayers') = 'array' THEN d.document -> 'fsLayers' END)
        WITH ORDINALITY AS e (layer, number)
) AS l
CROSS JOIN LATERAL (SELECT quay_internal.json_or_null(l.v1_json_metadata) AS image OFFSET 0) AS v
LEFT JOIN quay.imagestorage AS s ON s.content_checksum = l.digest COLLATE "C"
LEFT JOIN quay.manifestsecuritystatus AS x ON x.manifest_id = m.id
WHERE l.index < 1024;

COMMENT ON VIEW quay.image IS
    'Read only, a model that the reference dropped: one row for each layer of each image manifest, up to 1024 layers. Manifests whose text is not there (sparse) or not JSON have none.';
COMMENT ON COLUMN quay.image.id IS 'manifest.id * 1024 + place of the layer, base first, from 0. Stays as long as the manifest.';
COMMENT ON COLUMN quay.image.docker_image_id IS 'Of Docker schema 1 the id that the manifest gives, which images with the same base share. Else 64 hexadecimal digits: SHA-256 of the manifest''s digest, a colon and the place of the layer.';
COMMENT ON COLUMN quay.image.repository_id IS 'Repository of the manifest.';
COMMENT ON COLUMN quay.image.ancestors IS 'Ids of the layers below, base first: /1024/1025/; of the base layer: /.';
COMMENT ON COLUMN quay.image.storage_id IS 'Blob of the layer, imagestorage.id. NULL: the registry does not hold it (foreign layers).';
COMMENT ON COLUMN quay.image.created IS 'UTC time at which the layer was made. NULL, but for Docker schema 1: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.comment IS 'What its maker said about the layer. NULL, but for Docker schema 1: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.command IS 'JSON text, an array: the command that made the layer. NULL, but for Docker schema 1: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.aggregate_size IS 'Bytes, compressed, of this layer and those below, as the manifest says. NULL: Docker schema 1 that does not say.';
COMMENT ON COLUMN quay.image.v1_json_metadata IS 'JSON text of the layer in a Docker schema 1 manifest. NULL: any other manifest.';
COMMENT ON COLUMN quay.image.v1_checksum IS 'Digest of the layer, such as sha256:<hex>.';
COMMENT ON COLUMN quay.image.security_indexed IS 'True: the vulnerability scan of the manifest is complete.';
COMMENT ON COLUMN quay.image.security_indexed_engine IS 'Version of the indexer that scanned the manifest, 2 or 4; -1: not scanned.';
COMMENT ON COLUMN quay.image.parent_id IS 'The layer below. NULL: base layer.';

-- tagmanifest: what each tag shows now.

CREATE OR REPLACE VIEW quay.tagmanifest AS
SELECT t.id, t.id AS tag_id, m.digest, m.manifest_bytes AS json_data
FROM quay.tag AS t
JOIN quay.manifest AS m ON m.id = t.manifest_id
WHERE NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > (SELECT quay_internal.clock_ms()));

COMMENT ON VIEW quay.tagmanifest IS 'Read only, a model that the reference dropped: the manifest of each visible tag that is alive.';
COMMENT ON COLUMN quay.tagmanifest.id IS 'The same as tag_id.';
COMMENT ON COLUMN quay.tagmanifest.tag_id IS 'The tag, tag.id.';
COMMENT ON COLUMN quay.tagmanifest.digest IS 'Digest of the manifest, such as sha256:<hex>.';
COMMENT ON COLUMN quay.tagmanifest.json_data IS 'Text of the manifest, byte for byte. Empty: only its digest is known (sparse).';

-- organizationmember: who is in any team of an organization.

CREATE OR REPLACE VIEW quay.organizationmember AS
SELECT min(tm.id) AS id, t.organization_id, tm.user_id
FROM quay.teammember AS tm
JOIN quay.team AS t ON t.id = tm.team_id
GROUP BY t.organization_id, tm.user_id;

COMMENT ON VIEW quay.organizationmember IS 'Read only, for the old name: each member of any team of an organization, once. Robots in teams count.';
COMMENT ON COLUMN quay.organizationmember.id IS 'Oldest of the memberships, teammember.id.';
COMMENT ON COLUMN quay.organizationmember.organization_id IS 'The organization, "user".id.';
COMMENT ON COLUMN quay.organizationmember.user_id IS 'The person or robot, "user".id.';
