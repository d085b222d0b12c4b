-- Teams of organizations, their members, and invitations to them.

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
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = grantee_get.username FOR SHARE;
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
    'Person, or robot of this namespace, who can be a member of its teams or hold permissions in it, who stays that until we commit. Errors: QY007 unknown, QY013 an organization or a foreign robot.';

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

CREATE OR REPLACE FUNCTION quay_internal.team_lock(organization quay."user", team text, exclusive boolean DEFAULT false) RETURNS quay.team
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF exclusive THEN
        PERFORM FROM quay.team AS t WHERE t.organization_id = team_lock.organization.id AND t.name = team_lock.team FOR UPDATE;
    ELSE
        PERFORM FROM quay.team AS t WHERE t.organization_id = team_lock.organization.id AND t.name = team_lock.team FOR KEY SHARE;
    END IF;
    RETURN quay_internal.team_get(organization, team);
END
$$;
COMMENT ON FUNCTION quay_internal.team_lock(quay."user", text, boolean) IS
    'Team of that name of a namespace, kept from being deleted until we commit; exclusive: and from being joined by others. Errors: QY008 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.team_is_synced(team_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('team_syncing')::boolean
        AND EXISTS (SELECT FROM quay.teamsync AS s WHERE s.team_id = team_is_synced.team_id);
END
$$;
COMMENT ON FUNCTION quay_internal.team_is_synced(bigint) IS
    'Do the people in this team come from a group of an identity provider? Never while quay.team_syncing is off.';

CREATE OR REPLACE FUNCTION quay_internal.team_require_unsynced(team quay.team) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.team_is_synced(team_require_unsynced.team.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY019',
            MESSAGE = 'team is synchronized with a group',
            DETAIL = format('The people in team "%s" are those in a group of the identity provider.', team_require_unsynced.team.name),
            HINT = 'Change the group, or end the synchronization with quay.team_sync_remove(). Robots can be added and removed.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_require_unsynced(quay.team) IS 'Refuses (QY019) to add or remove people by hand where a synchronization does it.';

CREATE OR REPLACE FUNCTION quay_internal.team_require_other_admin(team quay.team, actor text, detail text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) = 1 AND bool_or(t.id = team_require_other_admin.team.id)
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE u.username = team_require_other_admin.actor AND t.organization_id = team_require_other_admin.team.organization_id
          AND r.name = 'admin') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'you would not administer the organization any more',
            DETAIL = team_require_other_admin.detail,
            HINT = 'Have another administrator do it, or join another team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_require_other_admin(quay.team, text, text) IS
    'Refuses (QY013, with this DETAIL) an actor to give up the only team of role admin of the organization that he is in. Actors in none may.';

CREATE OR REPLACE FUNCTION quay_internal.invite_delete(invite quay.teammemberinvite) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.teammemberinvite AS i WHERE i.id = invite_delete.invite.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF invite_delete.invite.user_id IS NOT NULL THEN
        PERFORM quay_internal.notification_delete('org_team_invite', invite_delete.invite.user_id,
            jsonb_build_object('code', invite_delete.invite.invite_token));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_delete(quay.teammemberinvite) IS
    'Deletes an invitation and the notification about it. False if somebody else just did.';

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

CREATE OR REPLACE FUNCTION quay_internal.team_select(organization text, team text, after text, n integer)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT t.id, t.name::text, t.description, r.name::text,
               (SELECT count(*) FROM quay.teammember AS m WHERE m.team_id = t.id),
               (SELECT count(*) FROM quay.repositorypermission AS p JOIN quay.repository AS i ON i.id = p.repository_id AND i.state <> 3
                WHERE p.team_id = t.id),
               quay_internal.team_is_synced(t.id)
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE t.organization_id = org.id AND (team_select.team IS NULL OR t.name = team_select.team)
          AND t.name > coalesce(team_select.after, '') COLLATE "C"
        ORDER BY t.name
        LIMIT team_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.team_select(text, text, text, integer) IS
    'Teams of an organization; what team_get() and team_list() have in common. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.team_list(organization text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.team_select(organization, NULL, after, quay_internal.page_size(n));
END
$$;
COMMENT ON FUNCTION quay.team_list(text, text, integer) IS
    'Teams of an organization by name, at most n, those after the name after. role: admin, creator or member. member_count: people and robots. repository_count: repositories in which the team holds a permission. is_synced: its people come from a group, see team_sync_get(). Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.team_get(organization text, team text)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.team_select(organization, coalesce(team, ''), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.team_get(text, text) IS
    'A team of an organization, with the columns of team_list(); no row if there is none of that name. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.user_team_list(username text, organization text DEFAULT NULL, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization_id bigint, organization_name text, team_id bigint, team_name text, role text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT o.id, o.username::text, t.id, t.name::text, r.name::text, o.username || '/' || t.name
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        WHERE u.username = user_team_list.username AND (user_team_list.organization IS NULL OR o.username = user_team_list.organization)
          AND (o.username, t.name) > (split_part(coalesce(after, ''), '/', 1) COLLATE "C", split_part(coalesce(after, ''), '/', 2) COLLATE "C")
        ORDER BY o.username, t.name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_team_list(text, text, text, integer) IS
    'Teams of enabled organizations that a person or robot is in, by names, at most n, those after the cursor of the last row of the page before. organization: only its teams. role: admin, creator or member. No rows for names that are unknown. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.team_search(prefix text, username text DEFAULT NULL, organization text DEFAULT NULL,
                                            administered boolean DEFAULT false, n integer DEFAULT 10)
    RETURNS TABLE (team_id bigint, name text, organization_id bigint, organization_name text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(team_search.prefix);   -- as names are
    searcher_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = team_search.username);
BEGIN
    IF team_search.username IS NULL AND (team_search.organization IS NULL OR administered) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'nobody''s teams are searched',
            DETAIL = 'Neither a user nor an organization is given.',
            HINT = 'Pass username for the teams of a user, organization for those of an organization.';
    END IF;
    RETURN QUERY
        SELECT t.id, t.name::text, o.id, o.username::text, r.name::text
        FROM quay.team AS t
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE starts_with(t.name, wanted)
          AND (team_search.organization IS NULL OR o.username = team_search.organization)
          AND CASE
              WHEN team_search.username IS NULL THEN true
              WHEN administered THEN
                  t.organization_id IN (SELECT a.organization_id FROM quay.teammember AS m JOIN quay.team AS a ON a.id = m.team_id
                                        JOIN quay.teamrole AS e ON e.id = a.role_id
                                        WHERE m.user_id = searcher_id AND e.name = 'admin')
              ELSE t.id IN (SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = searcher_id)
              END
        ORDER BY t.name, o.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_search(text, text, text, boolean, integer) IS
    'Teams whose name starts with the prefix, in upper or lower case, by name, at most n: those that the user is in, or with administered all of the organizations that he administers; those of the organization; or, if both are given, those that are both. role: admin, creator or member. Errors: 22023 neither is given, or n is negative.';

CREATE OR REPLACE FUNCTION quay.team_update(organization text, team text, role text DEFAULT NULL, description text DEFAULT NULL,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team);
    performer_id bigint := quay_internal.actor_id(team_update.actor);
    new_role_id bigint := coalesce(CASE WHEN team_update.role IS NOT NULL THEN quay_internal.teamrole_id(team_update.role) END, target.role_id);
    admin_id bigint := quay_internal.teamrole_id('admin');
    new_description text := coalesce(team_update.description, target.description);
BEGIN
    IF new_description <> target.description THEN
        UPDATE quay.team AS t SET description = new_description WHERE t.id = target.id;
        PERFORM quay_internal.log_add('org_set_team_description', org.id, performer_id, NULL,
            jsonb_build_object('team', target.name, 'description', new_description), team_update.ip);
    END IF;
    IF new_role_id <> target.role_id THEN
        IF target.role_id = admin_id THEN
            PERFORM quay_internal.team_require_other_admin(target, actor,
                format('Cannot remove admin from team ''%s'' because calling user would no longer have admin on org ''%s''',
                    target.name, org.username));
        END IF;
        UPDATE quay.team AS t SET role_id = new_role_id WHERE t.id = target.id;
        IF target.role_id = admin_id THEN
            PERFORM quay_internal.organization_require_admin(org.id);
        END IF;
        PERFORM quay_internal.log_add('org_set_team_role', org.id, performer_id, NULL,
            jsonb_build_object('team', target.name, 'role', team_update.role), team_update.ip);
    END IF;
    RETURN new_role_id <> target.role_id OR new_description <> target.description;
END
$$;
COMMENT ON FUNCTION quay.team_update(text, text, text, text, text, text) IS
    'Changes the role of a team, to admin, creator or member, and its description; NULL leaves them as they are. True if anything changed. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY009 unknown role, QY013 the actor would lose his only team of role admin, or the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.team_delete(organization text, team text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    performer_id bigint := quay_internal.actor_id(team_delete.actor);
BEGIN
    PERFORM quay_internal.team_require_other_admin(target, actor,
        format('Deleting team ''%s'' would remove admin ability for user ''%s'' in organization ''%s''', target.name, actor, org.username));
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id;
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = target.id;
    DELETE FROM quay.teamsync AS s WHERE s.team_id = target.id;
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = target.id;
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = target.id;
    DELETE FROM quay.team AS t WHERE t.id = target.id;
    IF target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;
    PERFORM quay_internal.log_add('org_delete_team', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.team_delete(text, text, text, text) IS
    'Deletes a team with its memberships, invitations, synchronization, permissions, and the default permissions that name it. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the actor would lose his only team of role admin, or the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.team_member_add(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_lock(org, team);
    member quay."user" := quay_internal.grantee_get(org, username);
    performer_id bigint := quay_internal.actor_id(team_member_add.actor);
BEGIN
    IF NOT member.robot THEN
        PERFORM quay_internal.team_require_unsynced(target);
    END IF;
    -- An invitation has served its purpose.
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = target.id AND i.user_id = member.id;
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
    'Adds a person, or a robot of the organization, to a team, without invitation. True if added, false for a member already. Errors: QY002 organization unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY013 an organization or a foreign robot, QY019 the team is synchronized with a group and the user is a person.';

CREATE OR REPLACE FUNCTION quay.team_member_remove(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_member_remove.actor);
    member quay."user";
BEGIN
    SELECT * INTO member FROM quay."user" AS u WHERE u.username = team_member_remove.username;
    IF member.id IS NULL THEN
        RETURN false;
    END IF;
    IF NOT member.robot THEN
        PERFORM quay_internal.team_require_unsynced(target);
        IF team_member_remove.actor = member.username THEN
            PERFORM quay_internal.team_require_other_admin(target, actor, 'User cannot remove themselves from their only admin team.');
        END IF;
    END IF;
    IF quay.team_invite_delete(org.username, target.name, username => member.username, actor => team_member_remove.actor, ip => team_member_remove.ip)
       AND NOT EXISTS (SELECT FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id) THEN
        RETURN true;
    END IF;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT member.robot AND target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;
    -- Subscriptions that he bound to the organization
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = org.id AND s.user_id = member.id;
    PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_remove(text, text, text, text, text) IS
    'Removes a member from a team, or the invitation of somebody who has not joined it yet, and unbinds the subscriptions that a removed member bound to the organization. True if removed, false if he was neither. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the actor would leave his only team of role admin, or the organization would have no enabled administrator, QY019 the team is synchronized with a group and the user is a person.';

CREATE OR REPLACE FUNCTION quay.team_member_list(organization text, team text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, u.enabled
        FROM quay.teammember AS m
        JOIN quay."user" AS u ON u.id = m.user_id
        WHERE m.team_id = target.id AND u.username > coalesce(team_member_list.after, '') COLLATE "C"
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_member_list(text, text, text, integer) IS
    'People and robots in a team by name, at most n, those after the name after. Who was only invited stands in team_invite_list(). Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

-- Invitations.

CREATE OR REPLACE FUNCTION quay.team_member_add_or_invite(organization text, team text, inviter text, username text DEFAULT NULL,
                                                          email text DEFAULT NULL, requires_invite boolean DEFAULT NULL,
                                                          actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (status text, code text, address text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    -- One at a time, or somebody could be invited twice.
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    host quay."user" := quay_internal.person_get(team_member_add_or_invite.inviter);
    performer_id bigint := coalesce(quay_internal.actor_id(team_member_add_or_invite.actor), host.id);
    mailing boolean := quay_internal.setting('mailing')::boolean;
    guest quay."user";
BEGIN
    IF num_nonnulls(team_member_add_or_invite.username, team_member_add_or_invite.email) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a user or an e-mail address is invited',
            DETAIL = format('%s of the two are given.', num_nonnulls(team_member_add_or_invite.username, team_member_add_or_invite.email)),
            HINT = 'Pass username or email.';
    END IF;

    IF team_member_add_or_invite.username IS NOT NULL THEN
        guest := quay_internal.grantee_get(org, username);
        IF guest.robot OR NOT coalesce(requires_invite, mailing AND quay_internal.setting('require_team_invite')::boolean)
           OR quay_internal.organization_has_member(org.id, guest.id) THEN
            status := CASE WHEN quay.team_member_add(org.username, target.name, guest.username,
                                                     actor => coalesce(team_member_add_or_invite.actor, host.username),
                                                     ip => team_member_add_or_invite.ip)
                           THEN 'added' ELSE 'member' END;
            RETURN NEXT;
            RETURN;
        END IF;
        address := nullif(quay_internal.email_shown(guest.email), '');
    ELSE
        PERFORM quay_internal.email_check(team_member_add_or_invite.email);
        IF NOT mailing THEN
            RAISE EXCEPTION USING ERRCODE = 'QY015',
                MESSAGE = 'the registry sends no e-mail',
                DETAIL = 'The setting quay.mailing is off.',
                HINT = 'Add a user by name.';
        END IF;
        address := team_member_add_or_invite.email;
    END IF;
    PERFORM quay_internal.team_require_unsynced(target);

    SELECT i.invite_token INTO code FROM quay.teammemberinvite AS i
    WHERE i.team_id = target.id AND (i.user_id = guest.id OR i.email = team_member_add_or_invite.email)
    ORDER BY i.id LIMIT 1;
    IF FOUND THEN
        status := 'pending';
        RETURN NEXT;
        RETURN;
    END IF;
    status := 'invited';
    code := 'urn:teaminvite:' || gen_random_uuid();
    INSERT INTO quay.teammemberinvite (user_id, email, team_id, inviter_id, invite_token)
    VALUES (guest.id, team_member_add_or_invite.email, target.id, host.id, code);
    IF guest.id IS NOT NULL THEN
        PERFORM quay_internal.notification_add('org_team_invite', guest.id,
            jsonb_build_object('code', code, 'inviter', host.username, 'org', org.username, 'team', target.name));
    END IF;
    PERFORM quay_internal.log_add('org_invite_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', coalesce(guest.username, address))
        || CASE WHEN guest.id IS NULL THEN jsonb_build_object('email', address) ELSE jsonb_build_object('user', guest.username) END,
        team_member_add_or_invite.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_member_add_or_invite(text, text, text, text, text, boolean, text, text) IS
    'Adds a user to a team, or invites him or an e-mail address to it. Exactly one of username and email is given. Robots of the organization and people who are in one of its teams are added; others are invited, unless requires_invite is false. NULL leaves that to the settings: invited if quay.mailing and quay.require_team_invite are on. inviter: a person, named in the invitation.
One row. status: added; member, he was in the team already; invited; pending, he was invited before, and the code is the same. code: for team_invite_accept(). address: where to mail it to, NULL if the user has no e-mail address. An invited user also gets a notification.
Errors: 22023 neither or both of username and email, QY002 organization unknown, QY004 disabled, QY007 user, inviter or actor unknown, QY008 team unknown, QY010 e-mail invalid, QY013 an organization or a foreign robot, QY015 an e-mail address while quay.mailing is off, QY019 the team is synchronized with a group and it is not about a robot.';

CREATE OR REPLACE FUNCTION quay.team_invite_list(organization text, team text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (invite_id bigint, username text, email text, inviter text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT i.id, u.username::text, i.email::text, h.username::text
        FROM quay.teammemberinvite AS i
        JOIN quay."user" AS h ON h.id = i.inviter_id
        LEFT JOIN quay."user" AS u ON u.id = i.user_id
        WHERE i.team_id = target.id AND i.id > coalesce(team_invite_list.after, 0)
        ORDER BY i.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_invite_list(text, text, bigint, integer) IS
    'Who was invited to a team and has neither accepted nor declined, oldest first, at most n, those after the invite_id after: a user or an e-mail address. The codes are not shown; team_member_add_or_invite() tells them again. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay_internal.invite_list_for(user_id bigint, email text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.invite_token::text, o.username::text, t.name::text, h.username::text, i.email::text
        FROM quay.teammemberinvite AS i
        JOIN quay.team AS t ON t.id = i.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        JOIN quay."user" AS h ON h.id = i.inviter_id
        WHERE i.user_id = invite_list_for.user_id OR i.email = invite_list_for.email
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_list_for(bigint, text) IS
    'Invitations of a user and those to an e-mail address, oldest first.';

CREATE OR REPLACE FUNCTION quay.user_team_invite_list(username text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.* FROM quay."user" AS u
        CROSS JOIN LATERAL quay_internal.invite_list_for(u.id, CASE WHEN u.verified THEN u.email END) AS l
        WHERE u.username = user_team_invite_list.username AND NOT u.organization AND NOT u.robot;
END
$$;
COMMENT ON FUNCTION quay.user_team_invite_list(text) IS
    'Invitations that a person can accept, oldest first: his own, and those to his e-mail address if it is verified. code: for team_invite_accept(). invited_email: NULL if it is his own.';

CREATE OR REPLACE FUNCTION quay.team_invite_list_by_email(email text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT l.* FROM quay_internal.invite_list_for(NULL, team_invite_list_by_email.email) AS l;
END
$$;
COMMENT ON FUNCTION quay.team_invite_list_by_email(text) IS
    'Invitations to exactly this e-mail address, oldest first. code: for team_invite_accept().';

CREATE OR REPLACE FUNCTION quay.team_invite_lookup(code text)
    RETURNS TABLE (organization_name text, team_name text, username text, email text, inviter text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, t.name::text, u.username::text, i.email::text, h.username::text
        FROM quay.teammemberinvite AS i
        JOIN quay.team AS t ON t.id = i.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id
        JOIN quay."user" AS h ON h.id = i.inviter_id
        LEFT JOIN quay."user" AS u ON u.id = i.user_id
        WHERE i.invite_token = team_invite_lookup.code;
END
$$;
COMMENT ON FUNCTION quay.team_invite_lookup(text) IS
    'The invitation with this code: to which team, for which user or e-mail address, and from whom. No row if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.invite_get(code text, invitee quay."user") RETURNS quay.teammemberinvite
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.teammemberinvite;
BEGIN
    SELECT * INTO result FROM quay.teammemberinvite AS i WHERE i.invite_token = invite_get.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY016',
            MESSAGE = 'no such invitation to a team',
            DETAIL = 'Invalid confirmation code.',
            HINT = 'It may have been accepted, declined or withdrawn: ask for another.';
    END IF;
    IF result.user_id IS DISTINCT FROM invitee.id AND NOT coalesce(invitee.verified AND result.email = invitee.email, false) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY016',
            MESSAGE = 'the invitation is for somebody else',
            DETAIL = CASE WHEN result.user_id IS NULL THEN format('This invite is intended for email "%s".', result.email)
                          ELSE format('This invite is intended for user "%s".', (SELECT u.username FROM quay."user" AS u WHERE u.id = result.user_id)) END,
            HINT = CASE WHEN result.email = invitee.email THEN 'Confirm this e-mail address first.'
                        ELSE 'Please login to that account and try again.' END;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_get(text, quay."user") IS
    'Invitation with this code for this person, or for his e-mail address if it is verified. Errors: QY016 there is none, or it is for somebody else.';

CREATE OR REPLACE FUNCTION quay.team_invite_accept(code text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, inviter text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    invitee quay."user" := quay_internal.person_keep(username);
    invite quay.teammemberinvite := quay_internal.invite_get(code, invitee);
    performer_id bigint := coalesce(quay_internal.actor_id(team_invite_accept.actor), invitee.id);
    org quay."user";
    accepted record;
    applied boolean := false;
BEGIN
    org := quay_internal.organization_get((SELECT o.username FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
                                           WHERE t.id = invite.team_id));
    -- Teams before their invitations, as who deletes a team does.
    PERFORM FROM quay.team AS t
    WHERE t.organization_id = org.id AND EXISTS (SELECT FROM quay.teammemberinvite AS i
                                                 WHERE i.team_id = t.id AND (i.user_id = invitee.id OR i.email = invitee.email))
    ORDER BY t.id FOR KEY SHARE;
    PERFORM quay_internal.team_require_unsynced(t) FROM quay.team AS t WHERE t.id = invite.team_id;

    FOR accepted IN
        WITH gone AS (
            DELETE FROM quay.teammemberinvite AS i
            USING quay.team AS t
            WHERE t.id = i.team_id AND t.organization_id = org.id
              AND (i.user_id = invitee.id OR invitee.verified AND i.email = invitee.email)
              AND NOT quay_internal.team_is_synced(t.id)
            RETURNING i.id, i.team_id, i.inviter_id, t.name
        )
        SELECT g.team_id, g.name AS team_name, min(h.username) AS inviter, bool_or(g.id = invite.id) AS by_code
        FROM gone AS g JOIN quay."user" AS h ON h.id = g.inviter_id
        GROUP BY g.team_id, g.name
        ORDER BY by_code DESC, g.name
    LOOP
        INSERT INTO quay.teammember (user_id, team_id) VALUES (invitee.id, accepted.team_id) ON CONFLICT DO NOTHING;
        PERFORM quay_internal.log_add('org_team_member_invite_accepted', org.id, performer_id, NULL,
            jsonb_build_object('member', invitee.username, 'team', accepted.team_name, 'inviter', accepted.inviter), team_invite_accept.ip);
        applied := applied OR accepted.by_code;
        organization_name := org.username;
        team_name := accepted.team_name;
        inviter := accepted.inviter;
        RETURN NEXT;
    END LOOP;
    IF NOT applied THEN
        -- Somebody else accepted, declined or withdrew it while we waited.
        PERFORM quay_internal.invite_get(NULL, invitee);
    END IF;
    PERFORM quay_internal.notification_delete('org_team_invite', invitee.id, jsonb_build_object('org', org.username));
END
$$;
COMMENT ON FUNCTION quay.team_invite_accept(text, text, text, text) IS
    'A person accepts the invitation with this code, and with it all others to teams of the same organization: joins the teams, and the invitations and the notifications about them are gone. One row per team, the one of the code first. An invitation to an e-mail address is for who has it verified. Errors: QY004 organization disabled, QY007 user or actor unknown, QY016 no such invitation, or it is for somebody else, QY019 the team is synchronized with a group.';

CREATE OR REPLACE FUNCTION quay.team_invite_decline(code text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, inviter text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    invitee quay."user" := quay_internal.person_get(username);
    invite quay.teammemberinvite := quay_internal.invite_get(code, invitee);
    performer_id bigint := coalesce(quay_internal.actor_id(team_invite_decline.actor), invitee.id);
    organization_id bigint;
BEGIN
    IF NOT quay_internal.invite_delete(invite) THEN
        PERFORM quay_internal.invite_get(NULL, invitee);
    END IF;
    SELECT o.id, o.username, t.name, h.username INTO organization_id, organization_name, team_name, inviter
    FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id CROSS JOIN quay."user" AS h
    WHERE t.id = invite.team_id AND h.id = invite.inviter_id;
    PERFORM quay_internal.log_add('org_team_member_invite_declined', organization_id, performer_id, NULL,
        jsonb_build_object('member', invitee.username, 'team', team_name, 'inviter', inviter), team_invite_decline.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_invite_decline(text, text, text, text) IS
    'A person declines the invitation with this code, his own or to his verified e-mail address: it and the notification about it are gone. One row: which it was. Errors: QY007 user or actor unknown, QY016 no such invitation, or it is for somebody else.';

CREATE OR REPLACE FUNCTION quay.team_invite_delete(organization text, team text, username text DEFAULT NULL, email text DEFAULT NULL,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_invite_delete.actor);
    deleted boolean;
BEGIN
    SELECT bool_or(quay_internal.invite_delete(i)) INTO deleted
    FROM quay.teammemberinvite AS i
    LEFT JOIN quay."user" AS u ON u.id = i.user_id
    WHERE i.team_id = target.id AND (u.username = team_invite_delete.username OR i.email = team_invite_delete.email);
    IF deleted IS NOT TRUE THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('org_delete_team_member_invite', org.id, performer_id, NULL,
        jsonb_strip_nulls(jsonb_build_object('team', target.name, 'user', team_invite_delete.username, 'email', team_invite_delete.email,
            'member', coalesce(team_invite_delete.username, team_invite_delete.email))), team_invite_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_invite_delete(text, text, text, text, text, text) IS
    'Withdraws the invitation of a user or an e-mail address to a team. True if there was one. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown.';
