-- Organizations: finding them, creating them, and who belongs to them. Their teams stand in 114_team.sql.

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

CREATE OR REPLACE FUNCTION quay_internal.organization_lock(organization text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = organization_lock.organization FOR NO KEY UPDATE;
    RETURN quay_internal.organization_get(organization);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_lock(text) IS
    'Enabled organization of that name, of which nobody else takes an administrator away until we commit. Errors: QY002 unknown or a person, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.organization_lock_administered(username text) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.id FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = organization_lock_administered.username AND r.name = 'admin')
        ORDER BY o.id
        FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_lock_administered(text) IS
    'Ids of the organizations in whose teams of role admin this user is. Nobody else takes an administrator away from them until we commit. To be called before the row of the user is locked: everybody locks organizations first.';

CREATE OR REPLACE FUNCTION quay_internal.person_keep(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = person_keep.username FOR SHARE;
    RETURN quay_internal.person_get(username);
END
$$;
COMMENT ON FUNCTION quay_internal.person_keep(text) IS
    'Person of that name, enabled or not, who stays what he is until we commit: who disables, converts or deletes him waits, and then finds what we did. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.administrator_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user" := quay_internal.person_keep(username);
BEGIN
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('User "%s" is disabled.', result.username),
            HINT = 'Name another person.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.administrator_get(text) IS
    'Enabled person of that name, who stays so until we commit. Errors: QY007 unknown, or an organization or a robot, QY013 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.email_shown(email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.strpos(email, '@') > 0 THEN email ELSE '' END;
COMMENT ON FUNCTION quay_internal.email_shown(text) IS 'The e-mail address in a row; empty if what stands there only takes the place of one.';

CREATE OR REPLACE FUNCTION quay_internal.organization_email_require(email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Organizations may share an address among themselves, but not with a user.
    IF NOT quay_internal.setting('organization_shared_email')::boolean
       AND EXISTS (SELECT FROM quay."user" AS u WHERE u.email = organization_email_require.email AND NOT u.organization) THEN
        PERFORM quay_internal.email_taken(organization_email_require.email);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_email_require(text) IS
    'Refuses (QY011) an organization the e-mail address of a user, unless quay.organization_shared_email is on.';

CREATE OR REPLACE FUNCTION quay_internal.owners_create(organization_id bigint, administrator_id bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.team (name, organization_id, role_id, description)
    -- The organization may have a team of that name that is of another role.
    SELECT n.name, owners_create.organization_id, quay_internal.teamrole_id('admin'), ''
    FROM (SELECT 'owners' || CASE WHEN i > 1 THEN i::text ELSE '' END AS name, i FROM generate_series(1, 1000) AS i) AS n
    WHERE NOT EXISTS (SELECT FROM quay.team AS t WHERE t.organization_id = owners_create.organization_id AND t.name = n.name)
    ORDER BY n.i
    LIMIT 1
    RETURNING id INTO new_id;
    INSERT INTO quay.teammember (user_id, team_id) VALUES (owners_create.administrator_id, new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.owners_create(bigint, bigint) IS
    'Creates the team "owners" of an organization, of role admin and with this member, and returns its id. If the name is taken, the team is "owners2" and so on.';

CREATE OR REPLACE FUNCTION quay.organization_create(name text, email text, creator text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                    email_required boolean DEFAULT true, possible_abuser boolean DEFAULT false,
                                                    contact_email text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_admin quay."user" := quay_internal.administrator_get(organization_create.creator);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_create.actor), first_admin.id);
    address text := coalesce(nullif(organization_create.contact_email, ''), nullif(organization_create.email, ''));
    new_id bigint;
BEGIN
    PERFORM quay_internal.name_check('namespace', organization_create.name);
    IF address IS NOT NULL AND organization_create.email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.organization_email_require(address);

    new_id := quay_internal.account_insert(organization_create.name, address, organization => true,
        possible_abuser => organization_create.possible_abuser);
    PERFORM quay_internal.owners_create(new_id, first_admin.id);
    PERFORM quay_internal.log_add('org_create', new_id, performer_id, NULL,
        jsonb_build_object('namespace', organization_create.name, 'email', address), organization_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_create(text, text, text, text, text, boolean, boolean, text) IS
    'Creates an organization, its team "owners" of role admin and the creator as its first member, and returns its id. email: NULL or empty for none; organizations may share one, and with quay.organization_shared_email also that of a user. contact_email: goes before email. email_required: false leaves the form of a given address unchecked. possible_abuser: quay.threat_maximum_build_count applies instead of quay.default_maximum_build_count. Errors: QY001 illegal name, QY006 name taken, QY007 creator or actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail, QY013 creator disabled.';

CREATE OR REPLACE FUNCTION quay.organization_get(organization text)
    RETURNS TABLE (organization_id bigint, name text, email text, enabled boolean, creation_date timestamp, removed_tag_expiration_s bigint,
                   invoice_email boolean, invoice_email_address text, stripe_id text, maximum_queued_builds_count integer,
                   team_count bigint, member_count bigint, robot_count bigint, repository_count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled, u.creation_date, u.removed_tag_expiration_s,
               u.invoice_email, u.invoice_email_address::text, u.stripe_id::text, u.maximum_queued_builds_count,
               (SELECT count(*) FROM quay.team AS t WHERE t.organization_id = u.id),
               (SELECT count(DISTINCT p.id) FROM quay.team AS t JOIN quay.teammember AS m ON m.team_id = t.id
                JOIN quay."user" AS p ON p.id = m.user_id AND NOT p.robot WHERE t.organization_id = u.id),
               (SELECT count(*) FROM quay."user" AS b WHERE split_part(b.username, '+', 1) = u.username AND b.robot),
               (SELECT count(*) FROM quay.repository AS r WHERE r.namespace_user_id = u.id AND r.state <> 3)
        FROM quay."user" AS u
        WHERE u.username = organization_get.organization AND u.organization;
END
$$;
COMMENT ON FUNCTION quay.organization_get(text) IS
    'An organization, enabled or not; no row if there is none of that name. email: empty for none. Who may see what of it is for the front end to decide: the reference shows the e-mail and invoice columns, the tag expiration and stripe_id to administrators only. member_count: people in its teams. repository_count: without those marked for deletion. Dates are UTC.';

CREATE OR REPLACE FUNCTION quay.organization_list(after text DEFAULT NULL, n integer DEFAULT 100, include_disabled boolean DEFAULT true,
                                                  include_deleted boolean DEFAULT false)
    RETURNS TABLE (organization_id bigint, name text, email text, enabled boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled, u.creation_date
        FROM quay."user" AS u
        WHERE u.organization AND u.username > coalesce(organization_list.after, '') COLLATE "C"
          AND (u.enabled OR organization_list.include_disabled)
          AND (organization_list.include_deleted OR NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id))
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_list(text, integer, boolean, boolean) IS
    'Organizations in byte order of their names, at most n, those after the name after. include_deleted: also those that wait to be purged, under the names that they have meanwhile; they are disabled. email: empty for none. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.organization_count(include_disabled boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay."user" AS u
            WHERE u.organization AND (u.enabled OR organization_count.include_disabled)
              AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id));
END
$$;
COMMENT ON FUNCTION quay.organization_count(boolean) IS 'Number of organizations, without those that wait to be purged.';

CREATE OR REPLACE FUNCTION quay.organization_list_by_email(email text)
    RETURNS TABLE (organization_id bigint, name text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.enabled FROM quay."user" AS u
        WHERE u.email = organization_list_by_email.email AND u.organization
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.organization_list_by_email(text) IS
    'Organizations with exactly this e-mail address, by name: several may share one. organization_admin_list_many() tells whom to write to about them.';

CREATE OR REPLACE FUNCTION quay.user_organization_list(username text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization_id bigint, name text, is_admin boolean, can_create_repository boolean, teams text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT o.id, o.username::text, bool_or(r.name = 'admin'), bool_or(r.name IN ('admin', 'creator')),
               array_agg(t.name::text ORDER BY t.name)
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        WHERE u.username = user_organization_list.username AND o.username > coalesce(user_organization_list.after, '') COLLATE "C"
        GROUP BY o.id, o.username
        ORDER BY o.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_organization_list(text, text, integer) IS
    'Enabled organizations of which a person or robot is in any team, by name, at most n, those after the name after. is_admin: in a team of role admin; can_create_repository: in one of role admin or creator; teams: all of his there. No rows for a user who is unknown. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.organization_administers(user_id bigint, organization_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammember AS m
                   JOIN quay.team AS t ON t.id = m.team_id
                   JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
                   WHERE m.user_id = organization_administers.user_id AND t.organization_id = organization_administers.organization_id);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_administers(bigint, bigint) IS 'Is the person or robot in a team of role admin of the organization?';

CREATE OR REPLACE FUNCTION quay.organization_is_admin(organization text, username text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.organization_administers(
        (SELECT u.id FROM quay."user" AS u WHERE u.username = organization_is_admin.username),
        (SELECT o.id FROM quay."user" AS o WHERE o.username = organization_is_admin.organization));
END
$$;
COMMENT ON FUNCTION quay.organization_is_admin(text, text) IS
    'Is the person or robot in a team of role admin of the organization? False for names that are unknown. Only memberships count: not the rights of superusers, and not whether the accounts are enabled; what somebody may do is for access_check_namespace().';

CREATE OR REPLACE FUNCTION quay.organization_admin_list_many(organizations text[])
    RETURNS TABLE (organization text, user_id bigint, username text, email text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT o.username::text, u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled
        FROM quay."user" AS o
        JOIN quay.team AS t ON t.organization_id = o.id
        JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
        JOIN quay.teammember AS m ON m.team_id = t.id
        JOIN quay."user" AS u ON u.id = m.user_id AND NOT u.robot
        WHERE o.username = ANY (organizations)
        ORDER BY 1, 3;
END
$$;
COMMENT ON FUNCTION quay.organization_admin_list_many(text[]) IS
    'People in teams of role admin of these organizations, each once per organization, by names. email: empty for none. No rows for an organization that is unknown or has none.';

CREATE OR REPLACE FUNCTION quay.organization_admin_list(organization text)
    RETURNS TABLE (user_id bigint, username text, email text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY SELECT a.user_id, a.username, a.email, a.enabled FROM quay.organization_admin_list_many(ARRAY[org.username]) AS a;
END
$$;
COMMENT ON FUNCTION quay.organization_admin_list(text) IS
    'People in teams of role admin of an organization, each once, by name. email: empty for none. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_list(organization text, include_robots boolean DEFAULT false, among text[] DEFAULT NULL,
                                                         after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, enabled boolean, is_admin boolean, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, u.enabled, bool_or(r.name = 'admin'), array_agg(t.name::text ORDER BY t.name),
               ARRAY(SELECT p.name::text FROM quay.repositorypermission AS g JOIN quay.repository AS p ON p.id = g.repository_id
                     WHERE g.user_id = u.id AND p.namespace_user_id = org.id AND p.state <> 3 ORDER BY p.name)
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay.teammember AS m ON m.team_id = t.id
        JOIN quay."user" AS u ON u.id = m.user_id
        WHERE t.organization_id = org.id AND (organization_member_list.include_robots OR NOT u.robot)
          AND (among IS NULL OR u.username = ANY (among))
          AND u.username > coalesce(organization_member_list.after, '') COLLATE "C"
        GROUP BY u.id, u.username, u.robot, u.enabled
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_member_list(text, boolean, text[], text, integer) IS
    'People, and with include_robots robots, who are in any team of an organization, by name, at most n, those after the name after. among: only these names; none for an empty array. is_admin: in a team of role admin. repositories: those in which the member holds a permission himself. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_get(organization text, INOUT username text, OUT user_id bigint, OUT is_robot boolean,
                                                        OUT enabled boolean, OUT is_admin boolean, OUT teams text[], OUT repositories text[])
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, u.robot, u.enabled, coalesce(bool_or(r.name = 'admin'), false),
               coalesce(array_agg(t.name::text ORDER BY t.name) FILTER (WHERE t.id IS NOT NULL), '{}'),
               ARRAY(SELECT p.name::text FROM quay.repositorypermission AS g JOIN quay.repository AS p ON p.id = g.repository_id
                     WHERE g.user_id = u.id AND p.namespace_user_id = org.id AND p.state <> 3 ORDER BY p.name)
        FROM quay."user" AS u
        LEFT JOIN (quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id AND t.organization_id = org.id
                   JOIN quay.teamrole AS r ON r.id = t.role_id) ON m.user_id = u.id
        WHERE u.username = organization_member_get.username
        GROUP BY u.id, u.username, u.robot, u.enabled
        HAVING count(t.id) > 0 OR u.robot AND split_part(u.username, '+', 1) = org.username;
END
$$;
COMMENT ON FUNCTION quay.organization_member_get(text, text) IS
    'A person or robot in any team of an organization, or a robot of it in none; no row for others. is_admin: in a team of role admin. repositories: those in which the member holds a permission himself. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_collaborator_list(organization text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, enabled boolean, repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.enabled, array_agg(r.name::text ORDER BY r.name)
        FROM quay.repository AS r
        JOIN quay.repositorypermission AS p ON p.repository_id = r.id
        JOIN quay."user" AS u ON u.id = p.user_id
        WHERE r.namespace_user_id = org.id AND r.state <> 3 AND NOT u.robot
          AND u.username > coalesce(organization_collaborator_list.after, '') COLLATE "C"
          AND NOT quay_internal.organization_has_member(org.id, u.id)
        GROUP BY u.id, u.username, u.enabled
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_collaborator_list(text, text, integer) IS
    'Outside collaborators of an organization: people who hold permissions in its repositories but are in no team, by name, at most n, those after the name after. repositories: in which ones. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_remove(organization text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    performer_id bigint := quay_internal.actor_id(organization_member_remove.actor);
    member_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = organization_member_remove.username AND NOT u.organization);
    removed record;
    removed_admin boolean := false;
    result boolean := false;
BEGIN
    FOR removed IN
        WITH gone AS (
            DELETE FROM quay.teammember AS m
            USING quay.team AS t
            WHERE t.id = m.team_id AND t.organization_id = org.id AND m.user_id = member_id
            RETURNING t.name, t.role_id
        )
        SELECT g.name, g.role_id FROM gone AS g ORDER BY g.name
    LOOP
        PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
            jsonb_build_object('team', removed.name, 'member', organization_member_remove.username), organization_member_remove.ip);
        removed_admin := removed_admin OR removed.role_id = quay_internal.teamrole_id('admin');
        result := true;
    END LOOP;
    IF removed_admin AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = member_id AND NOT u.robot) THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;

    FOR removed IN
        WITH gone AS (
            DELETE FROM quay.repositorypermission AS p
            USING quay.repository AS r
            WHERE r.id = p.repository_id AND r.namespace_user_id = org.id AND p.user_id = member_id
            RETURNING r.id, r.name
        )
        SELECT g.id, g.name FROM gone AS g ORDER BY g.name
    LOOP
        PERFORM quay_internal.log_add('delete_repo_permission', org.id, performer_id, removed.id,
            jsonb_build_object('namespace', org.username, 'repo', removed.name, 'username', organization_member_remove.username),
            organization_member_remove.ip);
        result := true;
    END LOOP;
    -- Subscriptions that he brought along
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = org.id AND s.user_id = member_id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.organization_member_remove(text, text, text, text) IS
    'Takes a person or robot out of all teams of an organization, takes away his permissions in its repositories, and unbinds the subscriptions that he bound to it. Other namespaces are not touched. True if there was anything to remove. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY013 the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.organization_email_set(organization text, email text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    performer_id bigint := quay_internal.actor_id(organization_email_set.actor);
    old_address text := quay_internal.email_shown(org.email);
    new_address text := coalesce(organization_email_set.email, '');
BEGIN
    IF new_address = old_address THEN
        RETURN false;
    END IF;
    IF new_address <> '' THEN
        PERFORM quay_internal.email_check(new_address);
        PERFORM quay_internal.organization_email_require(new_address);
    END IF;
    UPDATE quay."user" AS u SET email = coalesce(nullif(new_address, ''), gen_random_uuid()::text) WHERE u.id = org.id;
    PERFORM quay_internal.log_add('org_change_email', org.id, performer_id, NULL,
        jsonb_build_object('email', new_address, 'namespace', org.username, 'old_email', old_address), organization_email_set.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.organization_email_set(text, text, text, text) IS
    'Sets the e-mail address of an organization; NULL or empty for none. Organizations may share one, and with quay.organization_shared_email also that of a user. True if it changed. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail.';

CREATE OR REPLACE FUNCTION quay_internal.person_convert(person quay."user", administrator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A trigger takes it out of the teams of others. A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET organization = true, password_hash = NULL, uuid = gen_random_uuid()::text
    WHERE u.id = person_convert.person.id;
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = person_convert.person.id;
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = person_convert.person.id;
    -- What would still let somebody in, or in elsewhere
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = person_convert.person.id;
    DELETE FROM quay.teammemberinvite AS i WHERE i.user_id = person_convert.person.id;
    PERFORM quay_internal.notification_delete('org_team_invite', person_convert.person.id);
    PERFORM quay_internal.owners_create(person_convert.person.id, administrator_id);
END
$$;
COMMENT ON FUNCTION quay_internal.person_convert(quay."user", bigint) IS
    'Makes a person an organization with a team "owners" of which the other person is the member. The caller holds locks on the organizations that the person administers, and on his row.';

CREATE OR REPLACE FUNCTION quay.organization_convert(username text, admin text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    person quay."user" := quay_internal.person_lock(username);
    administrator quay."user" := quay_internal.administrator_get(admin);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_convert.actor), person.id);
    organization_id bigint;
BEGIN
    IF administrator.id = person.id THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot administer itself',
            DETAIL = format('The admin user is not valid: "%s" is the account to be converted.', person.username),
            HINT = 'Name another person as the administrator.';
    END IF;
    -- Only an administrator of the registry deals with accounts that are disabled.
    PERFORM quay_internal.namespace_get(person.username);

    PERFORM quay_internal.person_convert(person, administrator.id);
    FOREACH organization_id IN ARRAY administered LOOP
        PERFORM quay_internal.organization_require_admin(organization_id);
    END LOOP;
    PERFORM quay_internal.log_add('account_convert', person.id, performer_id, NULL, NULL, organization_convert.ip);
    RETURN person.id;
END
$$;
COMMENT ON FUNCTION quay.organization_convert(text, text, text, text) IS
    'Makes a person an organization with a team "owners", of which admin is the member, and returns its id. It cannot log in any more: the password, the sessions, the linked logins, e-mail codes, his own permissions and memberships in teams are gone; repositories, robots and tokens stay. admin: another person, whose password the front end checked with authenticate(). Errors: QY004 the person is disabled, QY007 person, admin or actor unknown, or an organization or a robot, QY013 admin is the person or is disabled, or an organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.organization_take_ownership(namespace text, superuser text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (entity_id bigint, was_user boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(namespace));
    target quay."user";
    administrator quay."user";
    team_id bigint;
    organization_id bigint;
BEGIN
    PERFORM quay_internal.superuser_refuse(namespace);
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace AND NOT u.robot FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(namespace, 80)),
            HINT = 'Robots belong to their namespace: name that.';
    END IF;
    administrator := quay_internal.administrator_get(organization_take_ownership.superuser);

    IF target.organization THEN
        -- Not into a team that the next synchronization would throw him out of.
        team_id := (SELECT min(t.id) FROM quay.team AS t
                    WHERE t.organization_id = target.id AND t.role_id = quay_internal.teamrole_id('admin')
                      AND NOT EXISTS (SELECT FROM quay.teamsync AS s WHERE s.team_id = t.id));
        IF team_id IS NULL THEN
            PERFORM quay_internal.owners_create(target.id, administrator.id);
        ELSE
            INSERT INTO quay.teammember (user_id, team_id) VALUES (administrator.id, team_id) ON CONFLICT DO NOTHING;
        END IF;
    ELSE
        PERFORM quay_internal.person_convert(target, administrator.id);
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;

    entity_id := target.id;
    was_user := NOT target.organization;
    PERFORM quay_internal.log_add('take_ownership', administrator.id,
        coalesce(quay_internal.actor_id(organization_take_ownership.actor), administrator.id), NULL,
        jsonb_build_object('entity_id', entity_id, 'namespace', target.username, 'was_user', was_user, 'superuser', administrator.username),
        organization_take_ownership.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.organization_take_ownership(text, text, text, text) IS
    'A superuser becomes an administrator of a namespace. He joins a team of role admin of an organization that is not synchronized with a group, or a new one if there is none; a person is converted into an organization as by organization_convert(). Disabled namespaces can be taken too, and stay disabled. One row: the id of the namespace, and whether it was a person. That superuser is one is for the caller to know. Errors: QY002 unknown or a robot, QY007 superuser or actor unknown, QY013 superuser is disabled, or an organization would have no enabled administrator, QY023 the namespace is a superuser itself.';
