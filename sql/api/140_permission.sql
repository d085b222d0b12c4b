-- Who may do what in a repository.

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
        holder_user_id := (quay_internal.grantee_get(owner, grantee)).id;
    ELSIF grantee_kind = 'team' THEN
        holder_team_id := (quay_internal.team_get(owner, grantee)).id;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of grantee',
            DETAIL = format('There is no kind "%s".', left(grantee_kind, 80)),
            HINT = 'A grantee is a user or a team; a robot is a user.';
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
