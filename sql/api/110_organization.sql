-- Organizations, their teams and the members of these.

CREATE OR REPLACE FUNCTION quay_internal.organization_get(organization text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user" := quay_internal.namespace_get(organization);
BEGIN
    IF NOT result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'organization does not exist',
            DETAIL = format('"%s" is a person.', result.username),
            HINT = 'Only organizations have teams.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_get(text) IS 'Enabled organization of that name. Errors: QY002 unknown or a person, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.team_get(organization quay."user", team text) RETURNS quay.team
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.team;
BEGIN
    SELECT * INTO result FROM quay.team AS t WHERE t.organization_id = team_get.organization.id AND t.name = team_get.team;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY008',
            MESSAGE = 'team does not exist',
            DETAIL = format('"%s" has no team named "%s".', team_get.organization.username, left(team_get.team, 80)),
            HINT = 'Create it with quay.team_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.team_get(quay."user", text) IS 'Team of that name of a namespace. Errors: QY008 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_get(namespace quay."user", username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = grantee_get.username;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person or robot named "%s".', left(grantee_get.username, 80)),
            HINT = 'Create it with quay.user_create() or quay.robot_create().';
    END IF;
    IF result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot be a member or hold a permission',
            DETAIL = format('"%s" is an organization.', result.username),
            HINT = 'Name a person, a robot or a team.';
    END IF;
    IF result.robot AND split_part(result.username, '+', 1) <> grantee_get.namespace.username THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot belongs to another namespace',
            DETAIL = format('Robot "%s" cannot be used under namespace "%s".', result.username, grantee_get.namespace.username),
            HINT = format('Create a robot of "%s".', grantee_get.namespace.username);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_get(quay."user", text) IS
    'Person, or robot of this namespace, who can be a member of its teams or hold permissions in it. Errors: QY007 unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.teamrole_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.teamrole AS r WHERE r.name = teamrole_id.role ORDER BY r.id LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role of a team',
            DETAIL = format('There is no role "%s".', left(teamrole_id.role, 80)),
            HINT = 'Roles of a team are admin, creator and member.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.teamrole_id(text) IS 'Id of a team role: admin, creator or member. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay.organization_create(name text, email text, creator text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_admin quay."user" := quay_internal.person_get(organization_create.creator);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_create.actor), first_admin.id);
    address text := nullif(organization_create.email, '');
    new_id bigint;
    owners_id bigint;
BEGIN
    IF NOT first_admin.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('User "%s" is disabled.', first_admin.username),
            HINT = 'Name another creator.';
    END IF;
    PERFORM quay_internal.name_check('namespace', organization_create.name);
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
        -- Organizations may share an address among themselves, but not with a user.
        IF EXISTS (SELECT FROM quay."user" AS u WHERE u.email = address AND NOT u.organization) THEN
            PERFORM quay_internal.email_taken(address);
        END IF;
    END IF;

    new_id := quay_internal.account_insert(organization_create.name, address, organization => true);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES ('owners', new_id, quay_internal.teamrole_id('admin'), '')
    RETURNING id INTO owners_id;
    INSERT INTO quay.teammember (user_id, team_id) VALUES (first_admin.id, owners_id);
    PERFORM quay_internal.log_add('org_create', new_id, performer_id, NULL,
        jsonb_build_object('namespace', organization_create.name, 'email', address), organization_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_create(text, text, text, text, text) IS
    'Creates an organization, its team "owners" of role admin and the creator as its first member, and returns its id. e-mail: NULL or empty for none; organizations may share one. Errors: QY001 illegal name, QY006 name taken, QY007 creator or actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail, QY013 creator disabled.';

CREATE OR REPLACE FUNCTION quay.team_create(organization text, name text, role text, description text DEFAULT '',
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_create.actor);
    new_id bigint;
BEGIN
    PERFORM quay_internal.name_check('team', team_create.name);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES (team_create.name, org.id, quay_internal.teamrole_id(team_create.role), coalesce(team_create.description, ''))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(team_create.name, 'A team');
    END IF;
    PERFORM quay_internal.log_add('org_create_team', org.id, performer_id, NULL,
        jsonb_build_object('team', team_create.name, 'role', team_create.role), team_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.team_create(text, text, text, text, text, text) IS
    'Creates a team of an organization, of role admin, creator or member, and returns its id. Errors: QY001 illegal name, QY002 organization unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY009 unknown role.';

CREATE OR REPLACE FUNCTION quay.team_member_add(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    member quay."user" := quay_internal.grantee_get(org, username);
    performer_id bigint := quay_internal.actor_id(team_member_add.actor);
BEGIN
    INSERT INTO quay.teammember (user_id, team_id) VALUES (member.id, target.id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('org_add_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_add.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_add(text, text, text, text, text) IS
    'Adds a person, or a robot of the organization, to a team, without invitation. True if added, false for a member already. Errors: QY002 organization unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.organization_require_admin(organization quay."user") RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The lock on one remaining membership is for REPEATABLE READ, where a membership that another session removed still shows:
    -- locking it then fails with a serialization error.
    PERFORM FROM quay.teammember AS m
    JOIN quay.team AS t ON t.id = m.team_id
    JOIN quay.teamrole AS r ON r.id = t.role_id
    JOIN quay."user" AS u ON u.id = m.user_id
    WHERE t.organization_id = organization_require_admin.organization.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
    LIMIT 1
    FOR KEY SHARE OF m;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody could administer "%s" any more.', organization_require_admin.organization.username),
            HINT = 'Add another person to a team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_require_admin(quay."user") IS
    'Refuses (QY013) a change that left no enabled person in any team of role admin. The caller made the change and holds the lock on the row of the organization.';

CREATE OR REPLACE FUNCTION quay.team_member_remove(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_member_remove.actor);
    target quay.team;
    member quay."user";
BEGIN
    -- One at a time, or two administrators could remove each other.
    PERFORM FROM quay."user" AS u WHERE u.id = org.id FOR NO KEY UPDATE;
    target := quay_internal.team_get(org, team);
    SELECT * INTO member FROM quay."user" AS u WHERE u.username = team_member_remove.username;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF member.enabled AND NOT member.robot AND target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org);
    END IF;
    PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_remove(text, text, text, text, text) IS
    'Removes a member from a team. True if removed, false if it was no member. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the organization would have no enabled administrator.';
