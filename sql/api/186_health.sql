-- Whether the data layer answers.

CREATE OR REPLACE FUNCTION quay.health_check() RETURNS TABLE (ok boolean, message text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    message := CASE
        WHEN NOT EXISTS (SELECT FROM quay.teamrole) THEN 'The table teamrole is empty: the seeds of the registry are missing.'
        WHEN quay.version() IS DISTINCT FROM quay_internal.version_library()
            THEN format('The tables are of version %s, the library is of version %s.', quay.version(), quay_internal.version_library())
    END;
    ok := message IS NULL;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.health_check() IS
    'For health checks of a front end: ok if a table can be read and the library fits it, otherwise a message. Reads next to nothing and works on a standby. Set statement_timeout around it to limit how long it may take; a server that cannot be reached is for the caller to notice.';
