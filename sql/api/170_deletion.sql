-- Deletion of a namespace: who would leave an organization behind, marking, and what goes besides repositories. 172_purge.sql does the rest.

CREATE OR REPLACE FUNCTION quay.namespace_sole_admin_list(username text) RETURNS TABLE (organization text, organization_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, o.id
        FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = namespace_sole_admin_list.username AND NOT u.robot AND r.name = 'admin')
          AND NOT EXISTS (SELECT FROM quay.team AS t
                          JOIN quay.teamrole AS r ON r.id = t.role_id
                          JOIN quay.teammember AS m ON m.team_id = t.id
                          JOIN quay."user" AS u ON u.id = m.user_id
                          WHERE t.organization_id = o.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
                            AND u.username <> namespace_sole_admin_list.username)
          AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = o.id)
        ORDER BY o.username;
END
$$;
COMMENT ON FUNCTION quay.namespace_sole_admin_list(text) IS
    'Organizations that only this person administers, by name: no other enabled person is in a team of role admin. People count, not memberships. Organizations that are being deleted are left out. No rows for who administers none or is no person.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_queue_delete(namespace text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.queue_namespace_delete(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_queue_delete(text) IS
    'Deletes what waits in the queues under the name of a namespace, and returns how many items there were. Not its own purge, whose path has its id.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_delete_many(repository_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.repomirrorconfig AS c WHERE c.repository_id = ANY (repository_ids);
    UPDATE quay.repomirrorrule AS r SET left_child_id = NULL, right_child_id = NULL
    WHERE r.repository_id = ANY (repository_ids) AND num_nonnulls(r.left_child_id, r.right_child_id) > 0;
    DELETE FROM quay.repomirrorrule AS r WHERE r.repository_id = ANY (repository_ids);
    UPDATE quay.repository AS r SET state = 0 WHERE r.id = ANY (repository_ids) AND r.state = 2;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_delete_many(bigint[]) IS
    'Deletes the mirror configurations of repositories with their rules, and makes mirrors normal repositories.';

CREATE OR REPLACE FUNCTION quay_internal.organization_mirror_delete_many(config_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_ids bigint[];
BEGIN
    SELECT array_agg(c.organization_id) INTO organization_ids
    FROM (SELECT c.organization_id FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids) ORDER BY c.id FOR UPDATE) AS c;
    UPDATE quay.repository AS r SET state = 0 WHERE r.namespace_user_id = ANY (organization_ids) AND r.state = 4;
    DELETE FROM quay.orgmirrorrepository AS r WHERE r.org_mirror_config_id = ANY (config_ids);
    DELETE FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_mirror_delete_many(bigint[]) IS
    'Deletes mirror configurations of organizations with what they found, and makes the mirrored repositories normal ones.';

CREATE OR REPLACE FUNCTION quay_internal.trigger_delete_many(trigger_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token_ids bigint[];
BEGIN
    SELECT array_agg(t.write_token_id) INTO token_ids
    FROM (SELECT t.write_token_id FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids) ORDER BY t.id FOR UPDATE) AS t;
    UPDATE quay.repositorybuild AS b SET trigger_id = NULL WHERE b.trigger_id = ANY (trigger_ids);
    DELETE FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids);
    -- With its trigger a token loses its purpose; builds keep theirs.
    DELETE FROM quay.accesstoken AS a
    WHERE a.id = ANY (token_ids)
      AND NOT EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.access_token_id = a.id)
      AND NOT EXISTS (SELECT FROM quay.repositorybuildtrigger AS t WHERE t.write_token_id = a.id);
END
$$;
COMMENT ON FUNCTION quay_internal.trigger_delete_many(bigint[]) IS
    'Deletes build triggers and the tokens that they wrote with. Builds that they started stay.';

CREATE OR REPLACE FUNCTION quay_internal.account_delete_linked(account_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As a builder
    UPDATE quay.repositorybuildtrigger AS t SET pull_robot_id = NULL WHERE t.pull_robot_id = ANY (account_ids);
    UPDATE quay.repositorybuild AS b SET pull_robot_id = NULL WHERE b.pull_robot_id = ANY (account_ids);
    PERFORM quay_internal.trigger_delete_many(
        ARRAY(SELECT t.id FROM quay.repositorybuildtrigger AS t WHERE t.connected_user_id = ANY (account_ids)));

    -- As the robot of a mirror
    PERFORM quay_internal.mirror_delete_many(
        ARRAY(SELECT c.repository_id FROM quay.repomirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));

    -- In repositories and teams
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.activating_user_id = ANY (account_ids) OR p.delegate_user_id = ANY (account_ids);
    DELETE FROM quay.star AS s WHERE s.user_id = ANY (account_ids);
    DELETE FROM quay.teammember AS m WHERE m.user_id = ANY (account_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i
    WHERE i.user_id = ANY (account_ids) OR i.inviter_id = ANY (account_ids);

    -- Credentials
    DELETE FROM quay.appspecificauthtoken AS t WHERE t.user_id = ANY (account_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.authorized_user_id = ANY (account_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.assigned_user_id = ANY (account_ids);
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = ANY (account_ids);
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = ANY (account_ids);
    DELETE FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = ANY (account_ids);

    -- About the account itself
    DELETE FROM quay.robotaccountmetadata AS m WHERE m.robot_account_id = ANY (account_ids);
    DELETE FROM quay.notification AS n WHERE n.target_id = ANY (account_ids);
    DELETE FROM quay.userprompt AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.userregion AS r WHERE r.user_id = ANY (account_ids);
    DELETE FROM quay.organizationcontactemail AS e WHERE e.organization_id = ANY (account_ids);
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = ANY (account_ids) OR s.user_id = ANY (account_ids);
    DELETE FROM quay.redhatsubscriptions AS s WHERE s.user_id = ANY (account_ids);
    -- An approved key stays approved.
    UPDATE quay.servicekeyapproval AS a SET approver_id = NULL WHERE a.approver_id = ANY (account_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.account_delete_linked(bigint[]) IS
    'Deletes what refers to these people, organizations or robots, whose rows the caller has locked: roles, credentials, subscriptions. Not what they own as namespaces: namespace_delete_linked() does that.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_delete_linked(namespace_id bigint, name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot_ids bigint[];
    team_ids bigint[];
    quota_ids bigint[];
BEGIN
    -- Each parent is locked before its children are deleted: children that another session is adding are then seen, and none come after.
    -- Under its old name a namespace may have been followed by another, if the reference application made it: that one keeps its robots.
    robot_ids := ARRAY(
        SELECT u.id FROM quay."user" AS u
        WHERE u.robot AND split_part(u.username, '+', 1) = namespace_delete_linked.name
          AND NOT EXISTS (SELECT FROM quay."user" AS o
                          WHERE o.username = namespace_delete_linked.name AND o.id <> namespace_delete_linked.namespace_id)
        ORDER BY u.id FOR UPDATE);
    PERFORM quay_internal.account_delete_linked(namespace_delete_linked.namespace_id || robot_ids);
    PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(namespace_delete_linked.namespace_id));
    DELETE FROM quay."user" AS u WHERE u.id = ANY (robot_ids);

    team_ids := ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = namespace_delete_linked.namespace_id ORDER BY t.id FOR UPDATE);
    DELETE FROM quay.teammember AS m WHERE m.team_id = ANY (team_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = ANY (team_ids);
    DELETE FROM quay.teamsync AS s WHERE s.team_id = ANY (team_ids);
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = ANY (team_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = ANY (team_ids) OR p.org_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.team AS t WHERE t.id = ANY (team_ids);

    PERFORM quay_internal.oauth_application_drop(
        ARRAY(SELECT a.id FROM quay.oauthapplication AS a WHERE a.organization_id = namespace_delete_linked.namespace_id));

    quota_ids := ARRAY(
        SELECT q.id FROM quay.userorganizationquota AS q WHERE q.namespace_id = namespace_delete_linked.namespace_id FOR UPDATE);
    DELETE FROM quay.quotalimits AS l WHERE l.quota_id = ANY (quota_ids);
    DELETE FROM quay.userorganizationquota AS q WHERE q.id = ANY (quota_ids);
    DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.quotanamespacesize AS s WHERE s.namespace_user_id = namespace_delete_linked.namespace_id;

    DELETE FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespacenotification AS n WHERE n.namespace_id = namespace_delete_linked.namespace_id;
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_delete_linked(bigint, text) IS
    'Deletes all that belongs to a namespace except its repositories, its marker and itself. The caller has locked its row. name: the one that its robots have in front.';

CREATE OR REPLACE FUNCTION quay.namespace_mark_deletion(namespace text, force boolean DEFAULT false, delay interval DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(namespace_mark_deletion.actor);
    target quay."user";
    organizations text;
    wait interval;
    marker_id bigint;
BEGIN
    PERFORM quay_internal.organization_lock_administered(namespace_mark_deletion.namespace);
    -- Waits for whoever is adding something to the namespace; who comes after finds nobody of that name.
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace_mark_deletion.namespace AND NOT u.robot FOR UPDATE;
    IF NOT FOUND THEN
        -- Again, perhaps by a caller who did not hear the answer.
        SELECT max(d.id) INTO marker_id FROM quay.deletednamespace AS d WHERE d.original_username = namespace_mark_deletion.namespace;
        IF marker_id IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY002',
                MESSAGE = 'namespace does not exist',
                DETAIL = format('There is no user or organization named "%s".', left(namespace_mark_deletion.namespace, 80)),
                HINT = 'Robots are deleted with quay.robot_delete().';
        END IF;
        RETURN marker_id;
    END IF;

    IF namespace_mark_deletion.actor <> target.username THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    SELECT string_agg(l.organization, ', ') INTO organizations FROM quay.namespace_sole_admin_list(target.username) AS l;
    IF organizations IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody but "%s" administers: %s.', target.username, left(organizations, 500)),
            HINT = 'First delete them, add another person to a team of role admin, or take them over with quay.organization_take_ownership().';
    END IF;

    wait := CASE
        WHEN namespace_mark_deletion.delay IS NOT NULL THEN greatest(namespace_mark_deletion.delay, '0')
        WHEN NOT coalesce(namespace_mark_deletion.force, false)
             AND EXISTS (SELECT FROM quay.deletion_grace_namespace AS g WHERE g.username = target.username)
            THEN make_interval(secs => quay_internal.setting('namespace_gc_grace_period')::bigint)
        ELSE '0'
    END;

    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_delete' ELSE 'user_delete' END, target.id, performer_id, NULL,
        jsonb_build_object(CASE WHEN target.organization THEN 'namespace' ELSE 'username' END, target.username), namespace_mark_deletion.ip);
    PERFORM quay_internal.namespace_queue_delete(target.username);
    IF wait = '0' THEN
        PERFORM quay_internal.namespace_delete_linked(target.id, target.username);
    END IF;

    INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
    VALUES (target.id, quay_internal.utc_now(), target.username, target.email)
    RETURNING id INTO marker_id;
    -- A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET enabled = false, username = gen_random_uuid()::text, email = gen_random_uuid()::text, uuid = gen_random_uuid()::text
    WHERE u.id = target.id;
    UPDATE quay.deletednamespace AS d
    SET queue_id = quay_internal.queue_add(quay_internal.queue_path('namespacegc', target.id::text),
            jsonb_build_object('marker_id', marker_id, 'original_username', target.username), wait)
    WHERE d.id = marker_id;
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.namespace_mark_deletion(text, boolean, interval, text, text) IS
    'Deletes a person or an organization for its users: it is disabled, its name and e-mail address are replaced, its sessions end, and what waited in its queues is gone. Returns the id of a marker, for which a worker calls quay.namespace_purge(); the queue "namespacegc" has an item for it. A namespace that is disabled can be marked too. One that is marked already is left alone, and its marker returned.
delay: until the purge is due; NULL means the setting quay.namespace_gc_grace_period if the name is in quay.deletion_grace_namespace, and none otherwise or with force. Without delay its teams, robots, applications, tokens, logins and all else but repositories go at once, with it they stay, out of use, until the purge.
Nobody can create a namespace of that name before the purge is done; entries of the name in quay.superuser and the like go with the purge, so that who takes the name later does not inherit them.
Errors: QY002 unknown or a robot, QY007 actor unknown, QY013 the person is the only administrator of organizations, which the detail lists (also with force), QY023 a superuser, unless it deletes itself or no actor is given.';

CREATE OR REPLACE FUNCTION quay.namespace_deletion_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (marker_id bigint, namespace text, organization boolean, namespace_id bigint, marked timestamp, due timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT d.id, d.original_username::text, u.organization, u.id, d.marked, q.available_after
        FROM quay.deletednamespace AS d
        JOIN quay."user" AS u ON u.id = d.namespace_id
        LEFT JOIN quay.queueitem AS q ON q.id = CASE WHEN d.queue_id ~ '^[0-9]{1,18}$' THEN d.queue_id::bigint END
        WHERE d.id > coalesce(namespace_deletion_list.after, 0)
        ORDER BY d.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_deletion_list(bigint, integer) IS
    'Namespaces that wait for their purge, oldest marker first, at most n, those after the marker after. namespace: the name that it had. marked, due: UTC; due is NULL if the item in the queue is gone, so that nobody will purge it unless told to. Errors: 22023 n negative.';
