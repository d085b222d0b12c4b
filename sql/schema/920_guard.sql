-- The guard against dropping a registry that holds data (src/guard.c). Last, so that nothing above runs under it. Here and not among
-- the re-runnable parts because CREATE EVENT TRIGGER knows no OR REPLACE; ALWAYS, so that replication roles do not slip through.

CREATE EVENT TRIGGER quay_drop_guard ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
    EXECUTE FUNCTION quay_internal.drop_guard();
ALTER EVENT TRIGGER quay_drop_guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER quay_drop_guard IS
    'Refuses (QY091) to drop the extension, one of its schemas or what its owner owns while there is user data, unless quay.allow_drop is on.';
