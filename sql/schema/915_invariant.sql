-- The triggers of api/040_invariant.sql. Here and not there because CREATE CONSTRAINT TRIGGER knows no OR REPLACE. Those on insertion
-- see only rows of tables that pg_dump restores earlier.

CREATE CONSTRAINT TRIGGER account_check AFTER INSERT OR UPDATE OF username, robot, enabled ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.robot AND NEW.enabled) EXECUTE FUNCTION quay_internal.account_check();
CREATE CONSTRAINT TRIGGER account_rename_check AFTER UPDATE OF username ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT OLD.robot AND NEW.username <> OLD.username) EXECUTE FUNCTION quay_internal.account_robots_check();
CREATE CONSTRAINT TRIGGER account_delete_check AFTER DELETE ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT OLD.robot) EXECUTE FUNCTION quay_internal.account_robots_check();
CREATE CONSTRAINT TRIGGER team_check AFTER INSERT OR UPDATE OF organization_id ON quay.team
    FOR EACH ROW EXECUTE FUNCTION quay_internal.team_check();
CREATE CONSTRAINT TRIGGER teammember_check AFTER INSERT OR UPDATE OF user_id, team_id ON quay.teammember
    FOR EACH ROW EXECUTE FUNCTION quay_internal.teammember_check();
CREATE CONSTRAINT TRIGGER repositorypermission_check AFTER INSERT OR UPDATE OF user_id, team_id, repository_id ON quay.repositorypermission
    FOR EACH ROW EXECUTE FUNCTION quay_internal.repositorypermission_check();

CREATE CONSTRAINT TRIGGER organization_admin_check AFTER DELETE OR UPDATE OF user_id, team_id ON quay.teammember
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION quay_internal.organization_admin_check();
CREATE CONSTRAINT TRIGGER organization_admin_check AFTER DELETE OR UPDATE OF role_id, organization_id ON quay.team
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION quay_internal.organization_admin_check();
-- Who is converted into an organization administers no other any more, like one who is disabled.
CREATE CONSTRAINT TRIGGER organization_admin_check AFTER UPDATE OF enabled, organization, robot ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.enabled AND NOT OLD.organization AND NOT OLD.robot AND (NOT NEW.enabled OR NEW.organization OR NEW.robot))
    EXECUTE FUNCTION quay_internal.organization_admin_check();
