-- Who may do what in a repository.

CREATE OR REPLACE FUNCTION quay_internal.role_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.role AS r WHERE r.name = role_id.role;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role in a repository',
            DETAIL = format('There is no role "%s".', left(role_id.role, 80)),
            HINT = 'Roles in a repository are read, write and admin.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.role_id(text) IS 'Id of a role in a repository: read, write or admin. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_kind_unknown(kind text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY009',
        MESSAGE = 'unknown kind of grantee',
        DETAIL = CASE WHEN grantee_kind_unknown.kind IS NULL THEN 'It is NULL.'
                      ELSE format('There is no kind "%s".', left(grantee_kind_unknown.kind, 80)) END,
        HINT = 'A grantee is a user or a team; a robot is a user.';
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_kind_unknown(text) IS 'Raises QY009: a grantee is neither a user nor a team.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_id(username text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = grantee_id.username AND NOT u.organization;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person or robot named "%s".', left(grantee_id.username, 80)),
            HINT = 'Only people, robots and teams hold permissions.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_id(text) IS 'Id of a person or robot, enabled or not. Errors: QY007 unknown, or an organization.';

CREATE OR REPLACE FUNCTION quay_internal.organization_has_member(organization_id bigint, user_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id
                   WHERE m.user_id = organization_has_member.user_id AND t.organization_id = organization_has_member.organization_id);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_has_member(bigint, bigint) IS 'Is the user in any team of the organization?';

CREATE OR REPLACE FUNCTION quay.permission_set(namespace text, repository text, grantee_kind text, grantee text, role text,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(permission_set.actor);
    new_role_id bigint := CASE WHEN permission_set.role IS NOT NULL THEN quay_internal.role_id(permission_set.role) END;
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    holder_user_id bigint;
    holder_team_id bigint;
    added boolean;
BEGIN
    IF grantee_kind = 'user' THEN
        IF grantee = owner.username THEN
            RAISE EXCEPTION USING ERRCODE = 'QY013',
                MESSAGE = 'the owner of a namespace is always admin',
                DETAIL = format('"%s" owns the namespace.', grantee),
                HINT = 'Name somebody else.';
        END IF;
        -- What an older registry gave to an organization or a foreign robot can be taken away.
        holder_user_id := coalesce(CASE WHEN new_role_id IS NULL THEN (SELECT u.id FROM quay."user" AS u WHERE u.username = grantee) END,
                                   (quay_internal.grantee_get(owner, grantee)).id);
    ELSIF grantee_kind = 'team' THEN
        holder_team_id := (quay_internal.team_get(owner, grantee)).id;
    ELSE
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
    END IF;

    IF new_role_id IS NULL THEN
        DELETE FROM quay.repositorypermission AS p
        WHERE p.repository_id = target.id AND (p.user_id = holder_user_id OR p.team_id = holder_team_id);
    ELSIF holder_user_id IS NOT NULL THEN
        INSERT INTO quay.repositorypermission AS p (user_id, repository_id, role_id) VALUES (holder_user_id, target.id, new_role_id)
        ON CONFLICT (user_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    ELSE
        INSERT INTO quay.repositorypermission AS p (team_id, repository_id, role_id) VALUES (holder_team_id, target.id, new_role_id)
        ON CONFLICT (team_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    END IF;
    -- A retry changes nothing and leaves no second trace. A row that was inserted, not updated, has no xmax.
    IF FOUND THEN
        PERFORM quay_internal.log_add(
            CASE WHEN new_role_id IS NULL THEN 'delete_repo_permission' WHEN added THEN 'add_repo_permission' ELSE 'change_repo_permission' END,
            owner.id, performer_id, target.id,
            jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'role', permission_set.role,
                CASE grantee_kind WHEN 'user' THEN 'username' ELSE 'team' END, grantee)),
            permission_set.ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.permission_set(text, text, text, text, text, text, text) IS
    'Gives a user (also a robot) or a team of the namespace the role read, write or admin in a repository, in place of the one it has. role NULL takes the permission away. Nothing happens, and nothing is logged, if it is so already. grantee_kind: user or team. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY009 unknown role or kind, QY013 owner of the namespace, organization or foreign robot.';

CREATE OR REPLACE FUNCTION quay.permission_get(namespace text, repository text, grantee_kind text, grantee text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    CASE grantee_kind
    WHEN 'user' THEN
        RETURN (SELECT o.name FROM quay.repositorypermission AS p
                JOIN quay."user" AS u ON u.id = p.user_id
                JOIN quay.role AS o ON o.id = p.role_id
                WHERE p.repository_id = target.id AND u.username = permission_get.grantee);
    WHEN 'team' THEN
        RETURN (SELECT o.name FROM quay.repositorypermission AS p
                JOIN quay.team AS t ON t.id = p.team_id
                JOIN quay.role AS o ON o.id = p.role_id
                WHERE p.repository_id = target.id AND t.name = permission_get.grantee AND t.organization_id = target.namespace_user_id);
    ELSE
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
        RETURN NULL;
    END CASE;
END
$$;
COMMENT ON FUNCTION quay.permission_get(text, text, text, text) IS
    'Role, read, write or admin, that a user (also a robot) or a team was given in a repository itself. NULL if none: the owner of the namespace and members of teams need none. grantee_kind: user or team. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.permission_list(namespace text, repository text, grantee_kind text DEFAULT NULL,
                                                after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, kind text, grantee text, role text, is_robot boolean, is_member boolean,
                   user_id bigint, team_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    page_size integer := quay_internal.page_size(n);
BEGIN
    IF grantee_kind <> ALL (ARRAY['user', 'team']) THEN
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
    END IF;
    RETURN QUERY
        SELECT p.id, CASE WHEN p.team_id IS NULL THEN 'user' ELSE 'team' END, coalesce(u.username, t.name)::text, o.name::text,
               coalesce(u.robot, false), p.team_id IS NOT NULL OR quay_internal.organization_has_member(target.namespace_user_id, p.user_id),
               p.user_id, p.team_id
        FROM quay.repositorypermission AS p
        JOIN quay.role AS o ON o.id = p.role_id
        LEFT JOIN quay."user" AS u ON u.id = p.user_id
        LEFT JOIN quay.team AS t ON t.id = p.team_id
        WHERE p.repository_id = target.id AND p.id > coalesce(permission_list.after, 0)
          AND (grantee_kind IS NULL OR (grantee_kind = 'team') = (p.team_id IS NOT NULL))
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.permission_list(text, text, text, bigint, integer) IS
    'Permissions given in a repository, to users (also robots), to teams, or (grantee_kind NULL) to both, oldest first, at most n, those after the permission_id after. kind: user or team. is_member: the user is in a team of the organization that has the repository; true for teams. Errors: 22023 n negative, QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.permission_list_transitive(namespace text, repository text)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, direct boolean, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, h.direct, h.role
        FROM (SELECT g.user_id, bool_or(g.direct) AS direct,
                     (array_agg(g.role ORDER BY array_position(ARRAY['read', 'write', 'admin'], g.role) DESC NULLS LAST))[1] AS role
              FROM (SELECT p.user_id, true AS direct, o.name::text AS role
                    FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id
                    WHERE p.repository_id = target_id AND p.user_id IS NOT NULL
                    UNION ALL
                    SELECT m.user_id, false, o.name::text
                    FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id
                    JOIN quay.teammember AS m ON m.team_id = p.team_id
                    WHERE p.repository_id = target_id) AS g
              GROUP BY g.user_id) AS h
        JOIN quay."user" AS u ON u.id = h.user_id
        ORDER BY h.direct DESC, u.username;
END
$$;
COMMENT ON FUNCTION quay.permission_list_transitive(text, text) IS
    'Users (also robots) who hold a permission in a repository: first those to whom it was given themselves, then those who have it through teams only, each once, by name. role: the highest of his. The owner of the namespace and members of admin teams are not in it unless they hold one besides. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.permission_list_of(user_ids bigint[], team_ids bigint[], after bigint, n integer)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text,
                   role text, team text, organization text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, u.username::text, r.name::text, r.id, v.name::text, k.name::text, quay_internal.repository_state_name(r.state),
               o.name::text, t.name::text, g.username::text
        FROM quay.repositorypermission AS p
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        JOIN quay.role AS o ON o.id = p.role_id
        LEFT JOIN quay.team AS t ON t.id = p.team_id
        LEFT JOIN quay."user" AS g ON g.id = t.organization_id
        WHERE (p.user_id = ANY (user_ids) OR p.team_id = ANY (team_ids))
          AND p.id > coalesce(permission_list_of.after, 0) AND r.state <> 3
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_list_of(bigint[], bigint[], bigint, integer) IS
    'Permissions of these users and teams in repositories that are not marked for deletion, oldest first, at most n, those after the permission_id after. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.permission_list_user(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text,
                   role text, team text, organization text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder_id bigint := quay_internal.grantee_id(permission_list_user.username);
BEGIN
    RETURN QUERY
        SELECT l.* FROM quay_internal.permission_list_of(ARRAY[holder_id],
            ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = holder_id), permission_list_user.after, permission_list_user.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_user(text, bigint, integer) IS
    'All permissions in repositories that a person or robot holds, himself or through a team, oldest first, at most n, those after the permission_id after. team, organization: through which team; NULL if the permission is his own. Repositories marked for deletion are left out. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.permission_list_robot(robot text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder_id bigint := quay_internal.grantee_id(permission_list_robot.robot);
BEGIN
    RETURN QUERY
        SELECT l.permission_id, l.namespace, l.repository, l.repository_id, l.visibility, l.kind, l.state, l.role
        FROM quay_internal.permission_list_of(ARRAY[holder_id], NULL, permission_list_robot.after, permission_list_robot.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_robot(text, bigint, integer) IS
    'Permissions in repositories that were given to a robot, named namespace+shortname, itself, oldest first, at most n, those after the permission_id after. Repositories marked for deletion are left out. Errors: 22023 n negative, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay.permission_list_team(organization text, team text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, repository text, repository_id bigint, visibility text, kind text, state text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay.team := quay_internal.team_get(quay_internal.organization_get(permission_list_team.organization), permission_list_team.team);
BEGIN
    RETURN QUERY
        SELECT l.permission_id, l.repository, l.repository_id, l.visibility, l.kind, l.state, l.role
        FROM quay_internal.permission_list_of(NULL, ARRAY[holder.id], permission_list_team.after, permission_list_team.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_team(text, text, bigint, integer) IS
    'Permissions of a team in repositories of its organization, oldest first, at most n, those after the permission_id after. Repositories marked for deletion are left out. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.organization_member_permission_list(organization text, username text DEFAULT NULL,
                                                                    after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, user_id bigint, member text, is_robot boolean, is_member boolean,
                   repository text, repository_id bigint, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
    holder_id bigint := CASE WHEN organization_member_permission_list.username IS NOT NULL
                             THEN quay_internal.grantee_id(organization_member_permission_list.username) END;
BEGIN
    RETURN QUERY
        SELECT p.id, u.id, u.username::text, u.robot, quay_internal.organization_has_member(org.id, u.id), r.name::text, r.id, o.name::text
        FROM quay.repositorypermission AS p
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = p.user_id
        JOIN quay.role AS o ON o.id = p.role_id
        WHERE r.namespace_user_id = org.id AND r.state <> 3 AND p.id > coalesce(organization_member_permission_list.after, 0)
          AND CASE WHEN holder_id IS NULL THEN NOT u.robot ELSE u.id = holder_id END
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_member_permission_list(text, text, bigint, integer) IS
    'Permissions that users hold themselves, not through teams, in repositories of an organization, oldest first, at most n, those after the permission_id after: those of one user, who may be a robot, or (username NULL) of all people. is_member: the user is in a team of the organization; the others are its outside collaborators. Repositories marked for deletion are left out. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY007 user unknown.';
