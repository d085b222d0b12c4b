-- How large the registry is, for screens of administrators and for reports.

CREATE OR REPLACE FUNCTION quay.registry_statistics()
    RETURNS TABLE (users bigint, organizations bigint, robots bigint, repositories bigint, mirrored_organizations bigint, mirrored_repositories bigint,
                   tags_estimate bigint, manifests_estimate bigint, blobs_estimate bigint, log_entries_estimate bigint, size_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT c.users, c.organizations, c.robots INTO users, organizations, robots FROM quay.user_count() AS c;
    repositories := quay.repository_count();
    mirrored_organizations := (SELECT count(*) FROM quay.orgmirrorconfig AS c WHERE c.is_enabled);
    mirrored_repositories := (SELECT count(*) FROM quay.repomirrorconfig AS c WHERE c.is_enabled);
    tags_estimate := quay_internal.row_estimate('quay.tag');
    manifests_estimate := quay_internal.row_estimate('quay.manifest');
    blobs_estimate := quay_internal.row_estimate('quay.imagestorage');
    log_entries_estimate := quay_internal.row_estimate('quay.logentry3');
    size_bytes := quay_internal.size_of(0);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_statistics() IS
    'How large the registry is, one row: enabled people and organizations, robots, repositories, those that are mirrored; tags, also those that ended, manifests, blobs and entries of the newest audit log as the planner estimates them; bytes of all blobs, each counted once. Counts accounts and repositories, so about once an hour is enough; quay.metrics is for every few seconds.';
