-- Repository search by part of a name or description. The two trigram indexes need pg_trgm, which is recommended, not required:
-- CREATE EXTENSION quay alone must work. Where pg_trgm comes later, quay.search_index_create() makes them.

DO $search$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        PERFORM quay.search_index_create();
    ELSE
        RAISE NOTICE 'pg_trgm is not installed: repository search will read every name'
            USING HINT = 'Run CREATE EXTENSION pg_trgm; SELECT quay.search_index_create();';
    END IF;
END
$search$;
