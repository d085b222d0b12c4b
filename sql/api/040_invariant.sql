-- Rules that span rows: who may be a member of a team, hold a permission, or go. Most triggers themselves stand in schema/915_invariant.sql.
-- They also hold for those who write to the tables without our functions, as the reference application does; its own statements pass.

-- A robot goes with its namespace. While a namespace waits to be purged, its robots keep their names and are disabled; the checks look at
-- nothing but "user", since pg_dump restores that before the marker.

CREATE OR REPLACE FUNCTION quay_internal.account_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Both are renamed in one transaction, so this looks at its end.
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.id = NEW.id AND u.username = NEW.username AND u.robot AND u.enabled)
       AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(NEW.username, '+', 1) AND NOT u.robot) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'a robot belongs to a namespace',
            DETAIL = format('There is no namespace "%s" for the robot "%s".', split_part(NEW.username, '+', 1), NEW.username),
            HINT = 'Create robots with quay.robot_create().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_check() IS
    'Constraint trigger: the name of an enabled robot starts with that of its namespace. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.account_robots_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Whoever takes the name next would get the robots as well.
    IF EXISTS (SELECT FROM quay."user" AS r WHERE split_part(r.username, '+', 1) = OLD.username AND r.robot AND r.enabled)
       AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = OLD.username AND NOT u.robot) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'a robot belongs to a namespace',
            DETAIL = format('"%s" would leave its robots behind.', OLD.username),
            HINT = 'Rename a namespace with quay.user_rename(), and delete it with quay.namespace_mark_deletion().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_robots_check() IS
    'Constraint trigger: a namespace that is renamed or deleted takes its robots along, unless it waits to be purged. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_marked() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay."user" AS r SET enabled = false
    WHERE split_part(r.username, '+', 1) = NEW.original_username AND r.robot AND r.enabled
      AND NOT EXISTS (SELECT FROM quay."user" AS u
                      WHERE u.username = NEW.original_username AND NOT u.robot AND u.id <> NEW.namespace_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_marked() IS
    'Trigger: the robots of a namespace that is marked for deletion are disabled with it.';

CREATE OR REPLACE TRIGGER namespace_marked AFTER INSERT ON quay.deletednamespace
    FOR EACH ROW EXECUTE FUNCTION quay_internal.namespace_marked();

CREATE OR REPLACE FUNCTION quay_internal.team_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (SELECT u.organization FROM quay."user" AS u WHERE u.id = NEW.organization_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'only organizations have teams',
            DETAIL = format('Team "%s" would belong to a person or a robot.', NEW.name),
            HINT = 'Create teams with quay.team_create().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.team_check() IS 'Constraint trigger: a team belongs to an organization. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.robot_is_foreign(username text, namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN split_part(robot_is_foreign.username, '+', 1) <> (SELECT u.username FROM quay."user" AS u WHERE u.id = robot_is_foreign.namespace_id);
END
$$;
COMMENT ON FUNCTION quay_internal.robot_is_foreign(text, bigint) IS 'Does the robot belong to another namespace than this?';

CREATE OR REPLACE FUNCTION quay_internal.teammember_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT u.organization FROM quay."user" AS u WHERE u.id = NEW.user_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot be a member of a team',
            DETAIL = format('"%s" is an organization.', (SELECT u.username FROM quay."user" AS u WHERE u.id = NEW.user_id)),
            HINT = 'Name a person, or a robot of the organization that has the team.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.teammember_check() IS
    'Constraint trigger: an organization is no member of a team. (Robots of other namespaces are refused by team_member_add() only: the reference adds them.) Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.account_converted() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.teammember AS m WHERE m.user_id = NEW.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_converted() IS
    'Trigger: who becomes an organization is no member of a team any more. The reference leaves the memberships, and a dump with them could not be restored.';

CREATE OR REPLACE TRIGGER account_converted AFTER UPDATE OF organization ON quay."user"
    FOR EACH ROW WHEN (NEW.organization AND NOT OLD.organization) EXECUTE FUNCTION quay_internal.account_converted();

CREATE OR REPLACE FUNCTION quay_internal.repositorypermission_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    namespace_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = NEW.repository_id);
    robot_name text := (SELECT u.username FROM quay."user" AS u WHERE u.id = NEW.user_id AND u.robot AND u.enabled);
BEGIN
    IF quay_internal.robot_is_foreign(robot_name, namespace_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot belongs to another namespace',
            DETAIL = format('Robot "%s" cannot hold a permission in this repository.', robot_name),
            HINT = 'Use a robot of the namespace of the repository.';
    END IF;
    IF namespace_id <> (SELECT t.organization_id FROM quay.team AS t WHERE t.id = NEW.team_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'team belongs to another organization',
            DETAIL = format('Team "%s" cannot hold a permission in this repository.', (SELECT t.name FROM quay.team AS t WHERE t.id = NEW.team_id)),
            HINT = 'Use a team of the organization of the repository.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.repositorypermission_check() IS
    'Constraint trigger: enabled robots and teams hold permissions only in repositories of their own namespace. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.organization_has_admin(organization_id bigint, besides_team bigint DEFAULT NULL,
                                                                besides_users bigint[] DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The locks keep what was found as it is until we commit: a member whom another session is just removing or disabling does not
    -- count. Under REPEATABLE READ a member who is gone already still shows; locking it then fails with a serialization error.
    PERFORM FROM quay.teammember AS m
    JOIN quay.team AS t ON t.id = m.team_id
    JOIN quay.teamrole AS r ON r.id = t.role_id
    JOIN quay."user" AS u ON u.id = m.user_id
    WHERE t.organization_id = organization_has_admin.organization_id AND r.name = 'admin'
      AND u.enabled AND NOT u.robot AND NOT u.organization
      AND (t.id IS DISTINCT FROM besides_team OR u.id <> ALL (besides_users))
    LIMIT 1
    FOR SHARE OF m, t, u;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_has_admin(bigint, bigint, bigint[]) IS
    'Is an enabled person in a team of role admin, besides those members of that team? Locks what says so, until the end of the transaction.';

CREATE OR REPLACE FUNCTION quay_internal.organization_require_admin(organization_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_name text;
BEGIN
    -- One transaction at a time, or two administrators could remove each other. Who is disabled is being deleted, or is to be dealt with
    -- by an administrator of the registry.
    SELECT u.username INTO organization_name FROM quay."user" AS u
    WHERE u.id = organization_require_admin.organization_id AND u.organization AND u.enabled FOR NO KEY UPDATE;
    IF FOUND AND NOT quay_internal.organization_has_admin(organization_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody could administer "%s" any more.', organization_name),
            HINT = 'Add another person to a team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_require_admin(bigint) IS
    'Refuses (QY013) a change that left an enabled organization without an enabled person in a team of role admin. Locks the row of the organization; a caller who removes somebody locks it before, with organization_lock(), so that two of them wait for each other and not in a circle.';

CREATE OR REPLACE FUNCTION quay_internal.organization_admin_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The three tables have different columns.
    gone jsonb := to_jsonb(OLD);
    affected bigint[];
    affected_id bigint;
BEGIN
    -- An object mapper writes all columns back, changed or not.
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME <> 'user' AND to_jsonb(NEW) @> gone - ARRAY['name', 'description'] THEN
        RETURN NULL;
    END IF;
    -- At the end of the transaction, so that members can be exchanged in any order. Only what can have taken an administrator away counts:
    -- an organization that came here without any must not be stuck.
    CASE TG_TABLE_NAME
    WHEN 'team' THEN
        affected := ARRAY(SELECT (gone ->> 'organization_id')::bigint FROM quay.teamrole AS r
                          WHERE r.id = (gone ->> 'role_id')::bigint AND r.name = 'admin');
    WHEN 'teammember' THEN
        -- A team that went as well, or is of another role now, has a trigger of its own.
        affected := ARRAY(SELECT t.organization_id FROM quay.team AS t JOIN quay.teamrole AS r ON r.id = t.role_id
                          WHERE t.id = (gone ->> 'team_id')::bigint AND r.name = 'admin'
                            AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = (gone ->> 'user_id')::bigint AND u.robot));
    WHEN 'user' THEN
        -- In the order of their ids, since each is locked.
        affected := ARRAY(SELECT DISTINCT t.organization_id
                          FROM quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id JOIN quay.teamrole AS r ON r.id = t.role_id
                          WHERE m.user_id = (gone ->> 'id')::bigint AND r.name = 'admin'
                          ORDER BY t.organization_id);
    END CASE;
    FOREACH affected_id IN ARRAY affected LOOP
        -- The reference deletes all teams of an organization before it disables it: one without any team is on its way out.
        IF EXISTS (SELECT FROM quay.team AS t WHERE t.organization_id = affected_id) THEN
            PERFORM quay_internal.organization_require_admin(affected_id);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_admin_check() IS
    'Constraint trigger, at commit: an enabled organization with teams keeps an enabled person in one of role admin. Errors: QY013.';
