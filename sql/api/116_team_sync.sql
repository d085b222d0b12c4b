-- Synchronization of teams with groups of an identity provider. The worker asks the provider; what follows from the answer is done here.

CREATE OR REPLACE FUNCTION quay_internal.team_sync_config(stored text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document jsonb;
BEGIN
    -- As the reference writes it: a JSON string that holds the object.
    document := stored::jsonb;
    IF jsonb_typeof(document) = 'string' THEN
        document := (document #>> '{}')::jsonb;
    END IF;
    RETURN CASE WHEN jsonb_typeof(document) = 'object' THEN document END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.team_sync_config(text) IS
    'The object in a stored configuration of a synchronization; NULL if it is damaged, so that one such row does not keep people from logging in.';

CREATE OR REPLACE FUNCTION quay_internal.team_syncing_require() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'teams are not synchronized with groups',
            DETAIL = 'The setting quay.team_syncing is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_syncing_require() IS 'Refuses (QY015) unless quay.team_syncing is on.';

CREATE OR REPLACE FUNCTION quay.team_sync_set(organization text, team text, service text, config jsonb,
                                              actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    performer_id bigint := quay_internal.actor_id(team_sync_set.actor);
    login_service_id bigint := (SELECT s.id FROM quay.loginservice AS s WHERE s.name = team_sync_set.service AND s.name <> 'quayrobot');
BEGIN
    PERFORM quay_internal.team_syncing_require();
    IF login_service_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown login service',
            DETAIL = format('People cannot log in with "%s".', left(team_sync_set.service, 80)),
            HINT = 'The table quay.loginservice lists the services; quayrobot is for robots.';
    END IF;
    IF jsonb_typeof(team_sync_set.config) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed configuration of a synchronization',
            DETAIL = format('It is %s, not a JSON object.', coalesce(jsonb_typeof(team_sync_set.config), 'NULL')),
            HINT = 'Pass what names the group, as {"group_dn": "cn=people"} for ldap or {"group_name": "people"} for oidc.';
    END IF;

    INSERT INTO quay.teamsync AS s (team_id, transaction_id, last_updated, service_id, config)
    VALUES (target.id, '', NULL, login_service_id, to_jsonb(team_sync_set.config::text)::text)
    ON CONFLICT (team_id) DO UPDATE
    SET transaction_id = EXCLUDED.transaction_id, last_updated = NULL, service_id = EXCLUDED.service_id, config = EXCLUDED.config;
    IF team_sync_set.service = 'oidc' THEN
        -- No worker can ask for the members of such a group: each joins at his next login.
        DELETE FROM quay.teammember AS m
        USING quay."user" AS u
        WHERE m.team_id = target.id AND u.id = m.user_id AND NOT u.robot;
        IF FOUND AND target.role_id = quay_internal.teamrole_id('admin') THEN
            PERFORM quay_internal.organization_require_admin(org.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('enable_team_sync', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_sync_set.ip);
END
$$;
COMMENT ON FUNCTION quay.team_sync_set(text, text, text, jsonb, text, text) IS
    'Has the people in a team be those in a group of an identity provider, in place of the group it was synchronized with. service: ldap, keystone, oidc and so on. config: a JSON object that names the group, which the front end has checked with the provider; for oidc its key group_name counts. The members change with the next team_sync_apply(); with oidc all people leave the team at once and come back with their next login. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY009 unknown service, QY013 with oidc the organization would have no enabled administrator, QY015 quay.team_syncing is off, QY077 config is no JSON object.';

CREATE OR REPLACE FUNCTION quay.team_sync_remove(organization text, team text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_sync_remove.actor);
BEGIN
    DELETE FROM quay.teamsync AS s WHERE s.team_id = target.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('disable_team_sync', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_sync_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_sync_remove(text, text, text, text) IS
    'Ends the synchronization of a team. Its members stay. True if it was synchronized. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_get(organization text, team text)
    RETURNS TABLE (service text, config jsonb, transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
BEGIN
    RETURN QUERY
        SELECT l.name::text, quay_internal.team_sync_config(s.config), s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        WHERE s.team_id = target.id;
END
$$;
COMMENT ON FUNCTION quay.team_sync_get(text, text) IS
    'With which group a team is synchronized; no row if with none. config: NULL if the row is damaged. transaction_id: for team_sync_apply(). last_updated: UTC, NULL for not yet. Whether quay.team_syncing is on makes no difference. Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_list(service text DEFAULT NULL, groups text[] DEFAULT NULL, after bigint DEFAULT NULL,
                                               n integer DEFAULT 100)
    RETURNS TABLE (sync_id bigint, organization_name text, team_name text, team_id bigint, login_service text, config jsonb,
                   transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT s.id, o.username::text, t.name::text, t.id, l.name::text, c.config, s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        CROSS JOIN LATERAL (SELECT quay_internal.team_sync_config(s.config) AS config) AS c
        WHERE s.id > coalesce(team_sync_list.after, 0)
          AND (team_sync_list.service IS NULL OR l.name = team_sync_list.service)
          AND (team_sync_list.groups IS NULL OR c.config ->> 'group_name' = ANY (team_sync_list.groups))
        ORDER BY s.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_sync_list(text, text[], bigint, integer) IS
    'Synchronized teams of enabled organizations, oldest synchronization first, at most n, those after the sync_id after. service: only with groups there. groups: only those whose configuration has one of these as its group_name, as for oidc. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.team_sync_member_list(organization text, team text) RETURNS TABLE (user_id bigint, username text, service_ident text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, f.service_ident::text
        FROM quay.teamsync AS s
        JOIN quay.teammember AS m ON m.team_id = s.team_id
        JOIN quay."user" AS u ON u.id = m.user_id AND NOT u.robot
        LEFT JOIN quay.federatedlogin AS f ON f.user_id = u.id AND f.service_id = s.service_id
        WHERE s.team_id = target.id
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.team_sync_member_list(text, text) IS
    'People in a synchronized team, by name, and what the identity provider calls them; NULL for those who are not linked to it. No rows if the team is not synchronized. Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_stale_take(services text[] DEFAULT '{ldap,keystone}', n integer DEFAULT 1, stale_after interval DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, team_id bigint, login_service text, config jsonb,
                   transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    stale_before timestamp := quay_internal.utc_now()
        - coalesce(stale_after, make_interval(secs => quay_internal.setting('team_resync_stale_time')::bigint));
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT o.username::text, t.name::text, t.id, l.name::text, quay_internal.team_sync_config(s.config), s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id
        -- Members of oidc groups are only known when they log in.
        WHERE l.name = ANY (services) AND l.name <> 'oidc' AND o.enabled
          AND (s.last_updated <= stale_before OR s.last_updated IS NULL)
        ORDER BY s.last_updated NULLS FIRST, s.id
        LIMIT page_size
        FOR NO KEY UPDATE OF s SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION quay.team_sync_stale_take(text[], integer, interval) IS
    'Teams whose people are to be compared with their group again, longest ago first, at most n. services: those that the worker can ask. stale_after: how long ago the last synchronization has to be, by default quay.team_resync_stale_time. Rows are locked until the end of the transaction, and others pass them by; two workers that got the same team all the same find out in team_sync_apply(), where only one transaction_id fits. A team stays in the list until it was applied: a worker that could not ask the provider goes on with the others by a larger n. No rows while quay.team_syncing is off. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.team_sync_link(service text, members jsonb, OUT user_ids bigint[], OUT errors jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    member record;
    linked_id bigint;
    message text;
    detail text;
BEGIN
    errors := '[]';
    user_ids := '{}';
    FOR member IN
        SELECT DISTINCT ON (e.ident) e.ident, nullif(e.value ->> 'username', '') AS username, nullif(e.value ->> 'email', '') AS email, u.id AS user_id
        FROM (SELECT m.value, coalesce(m.value ->> 'service_ident', '') COLLATE "C" AS ident, m.position
              FROM jsonb_array_elements(members) WITH ORDINALITY AS m (value, position)) AS e
        LEFT JOIN (quay.loginservice AS s JOIN quay.federatedlogin AS f ON f.service_id = s.id
                   JOIN quay."user" AS u ON u.id = f.user_id AND NOT u.robot AND NOT u.organization)
            ON s.name = team_sync_link.service AND f.service_ident = e.ident
        -- In the same order for everybody, since new accounts wait for each other.
        ORDER BY e.ident, e.position
    LOOP
        linked_id := member.user_id;
        IF linked_id IS NULL THEN
            BEGIN
                SELECT l.user_id INTO linked_id
                FROM quay.federated_login_link(team_sync_link.service, member.ident, email => member.email, name => member.username,
                    email_required => quay_internal.setting('mailing')::boolean, internal => true) AS l;
            EXCEPTION WHEN OTHERS THEN
                -- What is wrong with one member is told; what is wrong with the transaction or the server is not swallowed.
                IF left(SQLSTATE, 2) NOT IN ('QY', '22', '23') THEN
                    RAISE;
                END IF;
                GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
                errors := errors || jsonb_build_object('service_ident', member.ident, 'sqlstate', SQLSTATE, 'message', message, 'detail', detail);
            END;
        END IF;
        IF linked_id IS NOT NULL THEN
            user_ids := user_ids || linked_id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.team_sync_link(text, jsonb) IS
    'The people who are linked to these members of a group; who is not linked yet is created, even where nobody may sign up. errors: an array with service_ident, sqlstate, message and detail of each member with whom that was not possible.';

CREATE OR REPLACE FUNCTION quay.team_sync_apply(organization text, team text, transaction_id text, members jsonb, ip text DEFAULT NULL)
    RETURNS TABLE (applied boolean, added text[], removed text[], kept text[], errors jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team);
    login_service text;
    linked record;
    added_ids bigint[];
    leaving_ids bigint[];
    kept_ids bigint[] := ARRAY[]::bigint[];
BEGIN
    PERFORM quay_internal.team_syncing_require();
    IF jsonb_typeof(team_sync_apply.members) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of members of a group',
            DETAIL = format('It is %s, not a JSON array.', coalesce(jsonb_typeof(team_sync_apply.members), 'NULL')),
            HINT = 'Pass [{"service_ident": …, "username": …, "email": …}, …].';
    END IF;

    -- Of two workers with the same answer one goes on.
    UPDATE quay.teamsync AS s
    SET transaction_id = gen_random_uuid()::text, last_updated = quay_internal.utc_now()
    FROM quay.loginservice AS l
    WHERE l.id = s.service_id AND s.team_id = target.id AND s.transaction_id = team_sync_apply.transaction_id
    RETURNING l.name INTO login_service;
    applied := FOUND;
    IF NOT applied THEN
        RETURN NEXT;
        RETURN;
    END IF;

    linked := quay_internal.team_sync_link(login_service, team_sync_apply.members);
    errors := linked.errors;
    WITH inserted AS (
        INSERT INTO quay.teammember (user_id, team_id)
        SELECT u.id, target.id FROM quay."user" AS u
        WHERE u.id = ANY (linked.user_ids) AND NOT u.organization
          AND NOT EXISTS (SELECT FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = u.id)
        ORDER BY u.id FOR SHARE
        ON CONFLICT DO NOTHING
        RETURNING user_id
    )
    SELECT array_agg(i.user_id) INTO added_ids FROM inserted AS i;

    leaving_ids := ARRAY(SELECT u.id FROM quay.teammember AS m JOIN quay."user" AS u ON u.id = m.user_id
                         WHERE m.team_id = target.id AND NOT u.robot AND u.id <> ALL (linked.user_ids)
                         ORDER BY m.id);
    IF cardinality(leaving_ids) > 0 AND target.role_id = quay_internal.teamrole_id('admin')
       AND NOT quay_internal.organization_has_admin(org.id, target.id, leaving_ids) THEN
        -- The group leaves nobody to administer the organization. The rest must be in step all the same: who was there first stays.
        kept_ids := ARRAY(SELECT u.id FROM unnest(leaving_ids) WITH ORDINALITY AS i (id, position)
                          JOIN quay."user" AS u ON u.id = i.id AND u.enabled AND NOT u.organization ORDER BY i.position LIMIT 1);
        IF cardinality(kept_ids) = 0 THEN
            kept_ids := leaving_ids;
        END IF;
        leaving_ids := ARRAY(SELECT i FROM unnest(leaving_ids) AS i WHERE i <> ALL (kept_ids));
    END IF;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = ANY (leaving_ids);

    added := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (added_ids) ORDER BY u.username);
    removed := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (leaving_ids) ORDER BY u.username);
    kept := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (kept_ids) ORDER BY u.username);
    PERFORM quay_internal.log_add(c.kind, org.id, NULL, NULL, jsonb_build_object('team', target.name, 'member', c.member), team_sync_apply.ip)
    FROM (SELECT 'org_add_team_member' AS kind, unnest(added) AS member
          UNION ALL
          SELECT 'org_remove_team_member', unnest(removed)) AS c;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_sync_apply(text, text, text, jsonb, text) IS
    'Makes the people in a synchronized team those in its group; robots stay. transaction_id: what team_sync_stale_take() or team_sync_get() said before the worker asked the provider; if it changed since, somebody else was faster, and nothing is done. members: [{"service_ident", "username", "email"}, …], all of them; who has no account here gets one, even where nobody may sign up, named after username.
One row. applied: false if somebody else was faster or the team is not synchronized; the rest is NULL then. added, removed: user names. kept: who is not in the group but would have left the organization without an enabled administrator; he stays in the team until there is another. errors: an array with service_ident, sqlstate, message and detail of each member who could not be given an account, as when somebody else has the e-mail address; they do not keep the others.
Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown, QY015 quay.team_syncing is off, QY077 members is no JSON array.';

CREATE OR REPLACE FUNCTION quay.user_team_sync_oidc(username text, groups text[], service text DEFAULT 'oidc', ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, change text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[];
    member quay."user";
    found_team record;
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RETURN;
    END IF;
    administered := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    member := quay_internal.person_keep(username);
    FOR found_team IN
        SELECT t.id, t.name, r.name AS role, o.id AS organization_id, o.username AS organization_name, m.id IS NOT NULL AS is_member
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id AND l.name = user_team_sync_oidc.service
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        LEFT JOIN quay.teammember AS m ON m.team_id = t.id AND m.user_id = member.id
        CROSS JOIN LATERAL (SELECT nullif(quay_internal.team_sync_config(s.config) ->> 'group_name', '') AS group_name) AS c
        WHERE (c.group_name = ANY (coalesce(groups, '{}'))) = (m.id IS NULL)
        ORDER BY o.username, t.name
    LOOP
        organization_name := found_team.organization_name;
        team_name := found_team.name;
        IF found_team.is_member THEN
            -- Of a team that has become one of role admin since we locked he takes leave with the next login.
            CONTINUE WHEN found_team.role = 'admin' AND found_team.organization_id <> ALL (administered);
            IF found_team.role = 'admin'
               AND NOT quay_internal.organization_has_admin(found_team.organization_id, found_team.id, ARRAY[member.id]) THEN
                change := 'kept';
                RETURN NEXT;
                CONTINUE;
            END IF;
            DELETE FROM quay.teammember AS m WHERE m.team_id = found_team.id AND m.user_id = member.id;
            change := 'removed';
        ELSE
            PERFORM FROM quay.team AS t WHERE t.id = found_team.id FOR KEY SHARE;
            CONTINUE WHEN NOT FOUND;
            INSERT INTO quay.teammember (user_id, team_id) VALUES (member.id, found_team.id) ON CONFLICT DO NOTHING;
            change := 'added';
        END IF;
        CONTINUE WHEN NOT FOUND;
        PERFORM quay_internal.log_add(CASE change WHEN 'added' THEN 'org_add_team_member' ELSE 'org_remove_team_member' END,
            found_team.organization_id, NULL, NULL, jsonb_build_object('team', team_name, 'member', member.username), user_team_sync_oidc.ip);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.user_team_sync_oidc(text, text[], text, text) IS
    'At a login with groups: the person joins all teams that are synchronized with one of these groups at this service, and leaves those that are synchronized with another. NULL is no group. One row per change: added, removed, or kept for the only enabled administrator of an organization, who stays. No rows while quay.team_syncing is off. Errors: QY007 user unknown.';
