-- Which rows pg_dump takes along. Runs after the seeds: a table that has rows now is seeded, and its seed rows (ids up to 1000) come
-- back from the install script, not from the dump. Nor are unlogged tables dumped: a crash empties them. All other tables and all sequences
-- are dumped whole.
-- A table added by a later migration is marked in that migration's up.sql.

DO $dump$
DECLARE
    member record;
    seeded boolean;
BEGIN
    FOR member IN
        SELECT c.oid::regclass AS name, c.relkind
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('quay', 'quay_internal') AND c.relkind IN ('r', 'S')
          -- A crash empties them, and a standby cannot read them: nothing to keep.
          AND c.relpersistence <> 'u'
          -- The triggers that make reviews when a dump is restored have gone further with it.
          AND c.oid <> 'quay_internal.gc_review_id_seq'::regclass
        ORDER BY c.oid
    LOOP
        seeded := false;
        IF member.relkind = 'r' AND member.name NOT IN ('quay.alembic_version'::regclass, 'quay_internal.schema_version'::regclass) THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', member.name) INTO seeded;
        END IF;
        PERFORM pg_extension_config_dump(member.name,
            CASE
                -- What triggers make out of the rows of other tables, when these are restored.
                WHEN member.name IN ('quay_internal.blob_use'::regclass, 'quay_internal.size_counter'::regclass,
                                     'quay_internal.gc_review'::regclass) THEN 'WHERE false'
                -- A restored registry begins its maintenance anew.
                WHEN member.name = 'quay_internal.maintenance_state'::regclass THEN 'WHERE false'
                -- What is counted from the rows of the audit log, and who writes them right now.
                WHEN member.name IN ('quay_internal.log_count_day'::regclass, 'quay_internal.log_count_month'::regclass,
                                     'quay_internal.log_settled'::regclass) THEN 'WHERE false'
                -- Of what is to be deleted only that the bytes may be gone already.
                WHEN member.name = 'quay_internal.blob_deletion'::regclass THEN 'WHERE attempts > 0'
                -- Positions in the WAL of this server, for a few minutes.
                WHEN member.name = 'quay_internal.freshness_mark'::regclass THEN 'WHERE false'
                WHEN member.name = 'quay.alembic_version'::regclass THEN $$WHERE version_num <> '9fa37f66a9b6'$$
                WHEN seeded THEN 'WHERE id > 1000'
                ELSE ''
            END);
    END LOOP;
END
$dump$;
