-- Default permissions of an organization (permissionprototype): what a repository gets when it is created.

CREATE OR REPLACE FUNCTION quay_internal.permission_apply_default(repository quay.repository, creator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- For each delegate a prototype of this creator goes before one for everybody, and a younger one before an older one. The lock lets us
    -- see the end of a change under way; who deletes a delegate deletes its prototypes first.
    WITH applicable AS (
        SELECT p.id, p.activating_user_id, p.delegate_user_id, p.delegate_team_id, p.role_id
        FROM quay.permissionprototype AS p
        WHERE p.org_id = repository.namespace_user_id
          AND (p.activating_user_id = creator_id OR p.activating_user_id IS NULL)
          AND num_nonnulls(p.delegate_user_id, p.delegate_team_id) = 1
          AND p.delegate_user_id IS DISTINCT FROM creator_id
        ORDER BY p.id
        FOR SHARE)
    INSERT INTO quay.repositorypermission (user_id, team_id, repository_id, role_id)
    SELECT DISTINCT ON (a.delegate_user_id, a.delegate_team_id)
           a.delegate_user_id, a.delegate_team_id, repository.id, a.role_id
    FROM applicable AS a
    LEFT JOIN quay."user" AS u ON u.id = a.delegate_user_id
    LEFT JOIN quay.team AS t ON t.id = a.delegate_team_id
    -- An older registry may have left delegates that cannot hold a permission.
    WHERE t.organization_id = repository.namespace_user_id
       OR NOT u.organization AND NOT (u.robot AND quay_internal.robot_is_foreign(u.username, repository.namespace_user_id))
    ORDER BY a.delegate_user_id, a.delegate_team_id, a.activating_user_id IS NULL, a.id DESC;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_apply_default(quay.repository, bigint) IS
    'Gives the default permissions of the namespace to a repository just created, except to its creator, who has more.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_lock(organization_id bigint, uuid text) RETURNS quay.permissionprototype
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.permissionprototype;
BEGIN
    SELECT * INTO result FROM quay.permissionprototype AS p
    WHERE p.uuid = prototype_lock.uuid AND p.org_id = prototype_lock.organization_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY018',
            MESSAGE = 'default permission does not exist',
            DETAIL = format('The organization has no default permission "%s".', left(prototype_lock.uuid, 80)),
            HINT = 'quay.prototype_list() shows those that there are.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_lock(bigint, text) IS
    'Default permission of that uuid of an organization, its row locked until the transaction ends. Errors: QY018 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_log(kind text, prototype quay.permissionprototype, actor text, ip text,
                                                       original_role_id bigint DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(prototype_log.kind, prototype.org_id, quay_internal.actor_id(prototype_log.actor), NULL,
        jsonb_build_object('prototypeid', prototype.uuid, 'username', prototype_log.actor,
            'activating_username', (SELECT u.username FROM quay."user" AS u WHERE u.id = prototype.activating_user_id),
            'role', (SELECT r.name FROM quay.role AS r WHERE r.id = prototype.role_id))
        || jsonb_strip_nulls(jsonb_build_object(
            'delegate_user', (SELECT u.username FROM quay."user" AS u WHERE u.id = prototype.delegate_user_id),
            'delegate_team', (SELECT t.name FROM quay.team AS t WHERE t.id = prototype.delegate_team_id),
            'original_role', (SELECT r.name FROM quay.role AS r WHERE r.id = original_role_id))),
        prototype_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_log(text, quay.permissionprototype, text, text, bigint) IS
    'Adds a row to the audit log about a default permission; original_role_id: the role before a change. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_set_role(prototype quay.permissionprototype, role_id bigint, actor text, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    original_role_id bigint := prototype.role_id;
BEGIN
    IF prototype_set_role.role_id = original_role_id THEN
        RETURN;
    END IF;
    UPDATE quay.permissionprototype AS p SET role_id = prototype_set_role.role_id WHERE p.id = prototype.id;
    prototype.role_id := prototype_set_role.role_id;
    PERFORM quay_internal.prototype_log('modify_prototype_permission', prototype, prototype_set_role.actor, prototype_set_role.ip, original_role_id);
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_set_role(quay.permissionprototype, bigint, text, text) IS
    'Changes the role of a default permission, and logs it, if it is another one. The caller holds the lock on its row. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_create(organization text, role text, delegate_kind text, delegate text, activating_user text DEFAULT NULL,
                                                 actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- One at a time, or two equal calls could add two rows; and teams are deleted under the same lock.
    org quay."user" := quay_internal.organization_lock(organization);
    new_role_id bigint := quay_internal.role_id(prototype_create.role);
    activator_id bigint;
    user_id bigint;
    team_id bigint;
    prototype quay.permissionprototype;
BEGIN
    IF prototype_create.activating_user IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = prototype_create.activating_user) THEN
            RAISE EXCEPTION USING ERRCODE = 'QY007',
                MESSAGE = 'unknown activating user',
                DETAIL = format('There is no person or robot named "%s".', left(prototype_create.activating_user, 80)),
                HINT = 'Name somebody who creates repositories, or NULL for everybody.';
        END IF;
        activator_id := (quay_internal.grantee_get(org, prototype_create.activating_user)).id;
    END IF;
    CASE delegate_kind
        WHEN 'user' THEN user_id := (quay_internal.grantee_get(org, prototype_create.delegate)).id;
        WHEN 'team' THEN team_id := (quay_internal.team_get(org, prototype_create.delegate)).id;
        ELSE PERFORM quay_internal.grantee_kind_unknown(delegate_kind);
    END CASE;

    -- The youngest is the one that counts, if an older registry left several.
    SELECT * INTO prototype FROM quay.permissionprototype AS p
    WHERE p.org_id = org.id AND p.activating_user_id IS NOT DISTINCT FROM activator_id
      AND p.delegate_user_id IS NOT DISTINCT FROM user_id AND p.delegate_team_id IS NOT DISTINCT FROM team_id
    ORDER BY p.id DESC
    LIMIT 1
    FOR UPDATE;
    IF FOUND THEN
        PERFORM quay_internal.prototype_set_role(prototype, new_role_id, prototype_create.actor, prototype_create.ip);
        RETURN prototype.uuid;
    END IF;

    INSERT INTO quay.permissionprototype (org_id, uuid, activating_user_id, delegate_user_id, delegate_team_id, role_id)
    VALUES (org.id, gen_random_uuid()::text, activator_id, user_id, team_id, new_role_id)
    RETURNING * INTO prototype;
    PERFORM quay_internal.prototype_log('create_prototype_permission', prototype, prototype_create.actor, prototype_create.ip);
    RETURN prototype.uuid;
END
$$;
COMMENT ON FUNCTION quay.prototype_create(text, text, text, text, text, text, text) IS
    'Adds a default permission and returns its uuid: whenever activating_user, or anybody if NULL, creates a repository in the organization, the delegate gets the role read, write or admin in it. delegate_kind: user (a person, or a robot of the organization) or team. Where there is one of the same activating user and delegate already, that one gets the role. Repositories that exist stay as they are. Errors: QY002 organization unknown, QY004 disabled, QY007 activating user, delegate or actor unknown, QY008 team unknown, QY009 unknown role or kind, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay.prototype_update(organization text, uuid text, role text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    new_role_id bigint := quay_internal.role_id(prototype_update.role);
BEGIN
    PERFORM quay_internal.prototype_set_role(quay_internal.prototype_lock(org.id, prototype_update.uuid), new_role_id,
        prototype_update.actor, prototype_update.ip);
END
$$;
COMMENT ON FUNCTION quay.prototype_update(text, text, text, text, text) IS
    'Gives a default permission another role: read, write or admin. Nothing happens, and nothing is logged, if it has that one. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY009 unknown role, QY018 default permission unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_delete(organization text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    prototype quay.permissionprototype := quay_internal.prototype_lock(org.id, prototype_delete.uuid);
BEGIN
    DELETE FROM quay.permissionprototype AS p WHERE p.id = prototype.id;
    PERFORM quay_internal.prototype_log('delete_prototype_permission', prototype, prototype_delete.actor, prototype_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.prototype_delete(text, text, text, text) IS
    'Deletes a default permission. Permissions that it gave stay. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY018 default permission unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_list(organization text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (prototype_id bigint, uuid text, role text, activating_user text, activating_user_is_robot boolean,
                   activating_user_is_member boolean, delegate_kind text, delegate text, delegate_is_robot boolean, delegate_is_member boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, p.uuid::text, r.name::text, a.username::text, coalesce(a.robot, false),
               quay_internal.organization_has_member(org.id, a.id), CASE WHEN p.delegate_team_id IS NULL THEN 'user' ELSE 'team' END,
               coalesce(d.username, t.name)::text, coalesce(d.robot, false),
               p.delegate_team_id IS NOT NULL OR quay_internal.organization_has_member(org.id, d.id)
        FROM quay.permissionprototype AS p
        JOIN quay.role AS r ON r.id = p.role_id
        LEFT JOIN quay."user" AS a ON a.id = p.activating_user_id
        LEFT JOIN quay."user" AS d ON d.id = p.delegate_user_id
        LEFT JOIN quay.team AS t ON t.id = p.delegate_team_id
        WHERE p.org_id = org.id AND p.id > coalesce(prototype_list.after, 0)
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.prototype_list(text, bigint, integer) IS
    'Default permissions of an organization, oldest first, at most n, those after the prototype_id after. activating_user: NULL for everybody. delegate_kind: user or team. is_member: the user is in a team of the organization; true for teams. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.prototype_get(organization text, INOUT uuid text, OUT prototype_id bigint, OUT role text, OUT activating_user text,
                                              OUT delegate_kind text, OUT delegate text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT p.uuid::text, p.id, r.name::text, a.username::text, CASE WHEN p.delegate_team_id IS NULL THEN 'user' ELSE 'team' END,
               coalesce(d.username, t.name)::text
        FROM quay.permissionprototype AS p
        JOIN quay.role AS r ON r.id = p.role_id
        LEFT JOIN quay."user" AS a ON a.id = p.activating_user_id
        LEFT JOIN quay."user" AS d ON d.id = p.delegate_user_id
        LEFT JOIN quay.team AS t ON t.id = p.delegate_team_id
        WHERE p.uuid = prototype_get.uuid AND p.org_id = org.id;
END
$$;
COMMENT ON FUNCTION quay.prototype_get(text, text) IS
    'Default permission of that uuid of an organization; no row if there is none. activating_user: NULL for everybody. delegate_kind: user or team. Errors: QY002 organization unknown, QY004 disabled.';
