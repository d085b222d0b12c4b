-- Releases of the services that run on this database.

CREATE OR REPLACE FUNCTION quay_internal.release_find(service text, region text, version text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT r.id
        FROM quay.quayrelease AS r
        JOIN quay.quayservice AS s ON s.id = r.service_id
        JOIN quay.quayregion AS g ON g.id = r.region_id
        WHERE s.name = release_find.service AND g.name = release_find.region AND r.version = release_find.version);
END
$$;
COMMENT ON FUNCTION quay_internal.release_find(text, text, text) IS 'Id of a release; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.release_set(service text, region text, version text) RETURNS TABLE (release_id bigint, created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_service_id bigint;
    found_region_id bigint;
BEGIN
    IF coalesce(release_set.service, '') = '' OR coalesce(release_set.region, '') = '' OR coalesce(release_set.version, '') = ''
       OR greatest(char_length(release_set.service), char_length(release_set.region), char_length(release_set.version)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal name of a release',
            DETAIL = format('Service "%s", region "%s", version "%s".', left(release_set.service, 80), left(release_set.region, 80),
                left(release_set.version, 80)),
            HINT = 'Each is a text of 1 to 255 characters.';
    END IF;

    release_id := quay_internal.release_find(release_set.service, release_set.region, release_set.version);
    created := release_id IS NULL;
    IF created THEN
        -- Not DO NOTHING: the update waits for, and then holds off, whoever adds the same release, and yields the id.
        INSERT INTO quay.quayservice AS s (name) VALUES (release_set.service)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING s.id INTO found_service_id;
        INSERT INTO quay.quayregion AS g (name) VALUES (release_set.region)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING g.id INTO found_region_id;
        INSERT INTO quay.quayrelease AS r (service_id, region_id, version, reverted, created)
        VALUES (found_service_id, found_region_id, release_set.version, false, quay_internal.utc_now())
        ON CONFLICT DO NOTHING
        RETURNING r.id INTO release_id;
        created := FOUND;
        release_id := coalesce(release_id, quay_internal.release_find(release_set.service, release_set.region, release_set.version));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.release_set(text, text, text) IS
    'Notes that a version of a service was released in a region, and returns the id of the release. created: false if that was known; then nothing changes. Service and region are added if they are new. Errors: 22023 a name empty or longer than 255 characters.';

CREATE OR REPLACE FUNCTION quay.release_list(service text, region text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (release_id bigint, version text, created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start record;
BEGIN
    SELECT r.created, r.id INTO start FROM quay.quayrelease AS r WHERE r.id = release_list.after;
    IF release_list.after IS NOT NULL AND NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid cursor',
            DETAIL = format('There is no release %s.', release_list.after),
            HINT = 'Pass the release_id of the last entry of the page before, or NULL for the first page.';
    END IF;
    RETURN QUERY
        SELECT r.id, r.version::text, r.created
        FROM quay.quayrelease AS r
        JOIN quay.quayservice AS s ON s.id = r.service_id
        JOIN quay.quayregion AS g ON g.id = r.region_id
        WHERE s.name = release_list.service AND g.name = release_list.region AND NOT r.reverted
          AND (release_list.after IS NULL OR (r.created, r.id) < (start.created, start.id))
        ORDER BY r.created DESC, r.id DESC
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.release_list(text, text, bigint, integer) IS
    'Releases of a service in a region that were not reverted, newest first, at most n, those after the release_id after. created: UTC. Errors: 22023 n negative or unknown after.';
