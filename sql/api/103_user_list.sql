-- Finding people, organizations and robots: one, several, by the beginning of a name, and lists and counts of them.

CREATE OR REPLACE FUNCTION quay_internal.account_kind(organization boolean, robot boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN robot THEN 'robot' WHEN organization THEN 'organization' WHEN NOT robot THEN 'user' END;
COMMENT ON FUNCTION quay_internal.account_kind(boolean, boolean) IS 'What a row of quay."user" is: user, organization or robot; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.user_get(INOUT username text DEFAULT NULL, INOUT user_id bigint DEFAULT NULL, INOUT uuid text DEFAULT NULL,
                                         INOUT email text DEFAULT NULL, INOUT stripe_id text DEFAULT NULL,
                                         OUT kind text, OUT enabled boolean, OUT verified boolean, OUT being_deleted boolean,
                                         OUT given_name text, OUT family_name text, OUT company text, OUT location text,
                                         OUT invoice_email boolean, OUT invoice_email_address text, OUT removed_tag_expiration_s bigint,
                                         OUT maximum_queued_builds_count integer, OUT creation_date timestamp, OUT last_accessed timestamp,
                                         OUT prompts text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := user_id;
BEGIN
    IF num_nonnulls(username, user_id, uuid, email, stripe_id) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'more than one thing to look for',
            DETAIL = 'Several of username, user_id, uuid, email and stripe_id are given.',
            HINT = 'Pass one of them, by name.';
    END IF;
    IF username IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = user_get.username;
    ELSIF uuid IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.uuid = user_get.uuid AND NOT u.organization;
    ELSIF email IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.email = user_get.email AND NOT u.organization AND NOT u.robot;
    ELSIF stripe_id IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.stripe_id = user_get.stripe_id AND NOT u.robot ORDER BY u.id LIMIT 1;
    END IF;
    RETURN QUERY
        SELECT u.username::text, u.id, u.uuid::text, quay_internal.email_shown(u.email), u.stripe_id::text,
               quay_internal.account_kind(u.organization, u.robot), u.enabled, u.verified,
               EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id),
               u.given_name::text, u.family_name::text, u.company::text, u.location::text, u.invoice_email, u.invoice_email_address::text,
               u.removed_tag_expiration_s, u.maximum_queued_builds_count, u.creation_date, u.last_accessed,
               ARRAY(SELECT k.name::text FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                     WHERE p.user_id = u.id ORDER BY k.id)
        FROM quay."user" AS u WHERE u.id = found_id;
END
$$;
COMMENT ON FUNCTION quay.user_get(text, bigint, text, text, text) IS
    'A person, an organization or a robot (kind: user, organization, robot), by one of: username; user_id; uuid, which is what a session knows, people and robots only; email, people only; stripe_id, not robots. No row: there is none. email empty: none is known. removed_tag_expiration_s: seconds. maximum_queued_builds_count NULL: any number. prompts: what the person is to be asked. Times are UTC. Errors: 22023 more than one argument.';

CREATE OR REPLACE FUNCTION quay.user_get_many(usernames text[] DEFAULT NULL, user_ids bigint[] DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, kind text, email text, enabled boolean, verified boolean, uuid text)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT w.name, u.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, u.uuid::text
        FROM unnest(usernames) WITH ORDINALITY AS w (name, i)
        LEFT JOIN quay."user" AS u ON u.username = w.name
        ORDER BY w.i;
    RETURN QUERY
        SELECT u.username::text, w.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, u.uuid::text
        FROM unnest(user_ids) WITH ORDINALITY AS w (id, i)
        LEFT JOIN quay."user" AS u ON u.id = w.id
        ORDER BY w.i;
END
$$;
COMMENT ON FUNCTION quay.user_get_many(text[], bigint[]) IS
    'People, organizations and robots of these names, then those of these ids: one row for each, in the order asked; the other columns are NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.user_list(after text DEFAULT NULL, n integer DEFAULT 100, disabled boolean DEFAULT true,
                                          deleted boolean DEFAULT false, organizations boolean DEFAULT false)
    RETURNS TABLE (username text, user_id bigint, kind text, email text, enabled boolean, verified boolean, being_deleted boolean,
                   creation_date timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start text := coalesce(after, '');
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, d.id IS NOT NULL, u.creation_date, u.last_accessed
        FROM quay."user" AS u
        LEFT JOIN quay.deletednamespace AS d ON d.namespace_id = u.id
        WHERE u.username > start AND NOT u.robot AND (organizations OR NOT u.organization)
          AND (u.enabled OR disabled) AND (d.id IS NULL OR deleted)
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_list(text, integer, boolean, boolean, boolean) IS
    'People in byte order of their names, at most n, those after the name after. disabled: also those who are disabled. deleted: among these also those whose data wait to be purged, who have a uuid for a name. organizations: these too. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.user_count() RETURNS TABLE (users bigint, organizations bigint, robots bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT count(*) FILTER (WHERE NOT u.organization AND NOT u.robot AND u.enabled),
               count(*) FILTER (WHERE u.organization AND u.enabled),
               count(*) FILTER (WHERE u.robot)
        FROM quay."user" AS u;
END
$$;
COMMENT ON FUNCTION quay.user_count() IS 'How many enabled people and organizations, and how many robots the registry has. Reads the whole table.';

CREATE OR REPLACE FUNCTION quay.namespace_repository_count(namespace text) RETURNS TABLE (public bigint, private bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT count(*) FILTER (WHERE v.name = 'public'), count(*) FILTER (WHERE v.name = 'private')
        FROM quay."user" AS u
        JOIN quay.repository AS r ON r.namespace_user_id = u.id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        WHERE u.username = namespace_repository_count.namespace AND NOT u.robot AND r.state <> 3;
END
$$;
COMMENT ON FUNCTION quay.namespace_repository_count(text) IS
    'How many public and private repositories a namespace has, those marked for deletion left out. One row, of zeros for an unknown namespace.';

CREATE OR REPLACE FUNCTION quay.user_prompt_list(username text) RETURNS TABLE (kind text)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT k.name::text
        FROM quay."user" AS u JOIN quay.userprompt AS p ON p.user_id = u.id JOIN quay.userpromptkind AS k ON k.id = p.kind_id
        WHERE u.username = user_prompt_list.username
        ORDER BY k.id;
END
$$;
COMMENT ON FUNCTION quay.user_prompt_list(text) IS 'What a person is to be asked: confirm_username, enter_name, enter_company. No row: nothing, or no such person.';

CREATE OR REPLACE FUNCTION quay.user_has_prompt(username text, kind text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.user_prompt_list(username) AS p WHERE user_has_prompt.kind IS NULL OR p.kind = user_has_prompt.kind);
END
$$;
COMMENT ON FUNCTION quay.user_has_prompt(text, text) IS 'Is a person to be asked for this; kind NULL: for anything?';

CREATE OR REPLACE FUNCTION quay.user_region_list(username text) RETURNS TABLE (location text)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.name::text
        FROM quay."user" AS u JOIN quay.userregion AS r ON r.user_id = u.id JOIN quay.imagestoragelocation AS l ON l.id = r.location_id
        WHERE u.username = user_region_list.username
        ORDER BY l.name;
END
$$;
COMMENT ON FUNCTION quay.user_region_list(text) IS 'Storage locations that a person prefers. No row: none, or no such person.';

-- Logins.

CREATE OR REPLACE FUNCTION quay.user_has_password(username text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    authentication_type text := quay_internal.setting('authentication_type');
BEGIN
    RETURN EXISTS (
        SELECT FROM quay."user" AS u
        WHERE u.username = user_has_password.username AND NOT u.organization AND NOT u.robot
          AND CASE authentication_type
              WHEN 'database' THEN u.password_hash IS NOT NULL
              ELSE authentication_type IN ('ldap', 'jwt', 'keystone') END);
END
$$;
COMMENT ON FUNCTION quay.user_has_password(text) IS
    'Does a person have a password that can be asked for? By the setting quay.authentication_type: database, if one is set; ldap, jwt and keystone, always; apptoken and oidc, never. False also for an unknown name.';

CREATE OR REPLACE FUNCTION quay.login_is_fresh(username text, logged_in_at timestamptz, kind text DEFAULT 'user') RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF login_is_fresh.kind IS NULL
        OR login_is_fresh.kind <> ALL (ARRAY['user', 'oauth_token', 'sso', 'robot', 'token', 'app_specific_token']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of login',
            DETAIL = format('There is no kind "%s".', left(login_is_fresh.kind, 80)),
            HINT = 'Kinds are those of quay.authenticate(), and sso.';
    END IF;
    RETURN EXISTS (SELECT FROM quay."user" AS u
                   WHERE u.username = login_is_fresh.username AND NOT u.organization AND NOT u.robot AND u.enabled)
        AND CASE login_is_fresh.kind
            WHEN 'user' THEN
                coalesce(logged_in_at >= quay_internal.clock() - make_interval(secs => quay_internal.setting('fresh_login_timeout')::integer), false)
                OR NOT quay.user_has_password(username)
            ELSE login_is_fresh.kind IN ('oauth_token', 'sso') END;
END
$$;
COMMENT ON FUNCTION quay.login_is_fresh(text, timestamptz, text) IS
    'May a sensitive call be made without asking for the password again? Only by an enabled person: in a session (kind user) whose login is not older than quay.fresh_login_timeout, or who has no password to ask for; always with an OAuth token or single sign-on (oauth_token, sso). logged_in_at NULL: unknown, so long ago. Errors: QY009 unknown kind.';

-- Searches, by the beginning of a name. Names are lower-case and in byte order, so the index finds what lies between two bounds.

CREATE OR REPLACE FUNCTION quay_internal.prefix_end(prefix text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN prefix || chr(1114111);
COMMENT ON FUNCTION quay_internal.prefix_end(text) IS 'Upper bound, in byte order, of all that starts with the prefix: the last character of Unicode follows it.';

CREATE OR REPLACE FUNCTION quay.user_search(prefix text, robot_namespace text DEFAULT NULL, organization text DEFAULT NULL,
                                            n integer DEFAULT 20, exact_only boolean DEFAULT false)
    RETURNS TABLE (username text, user_id bigint, email text, robot boolean, is_organization_member boolean)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(coalesce(prefix, '') COLLATE "C");
    wanted_robot text := robot_namespace || '+' || wanted;
    partial boolean := NOT exact_only AND quay_internal.setting('partial_user_autocomplete')::boolean;
    -- No array: membership does not matter.
    member_ids bigint[] := CASE WHEN user_search.organization IS NOT NULL THEN
        ARRAY(SELECT m.user_id FROM quay.team AS t JOIN quay.teammember AS m ON m.team_id = t.id
              WHERE t.organization_id = (quay_internal.organization_get(user_search.organization)).id) END;
BEGIN
    RETURN QUERY
        SELECT f.username::text, f.id, quay_internal.email_shown(f.email), f.robot, f.id = ANY (member_ids)
        FROM ((SELECT u.id, u.username, u.email, u.robot FROM quay."user" AS u
               WHERE NOT u.robot AND NOT u.organization
                 AND u.username >= wanted AND u.username < quay_internal.prefix_end(wanted) AND (partial OR u.username = wanted)
                 AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
               ORDER BY u.username
               LIMIT page_size)
              UNION ALL
              (SELECT u.id, u.username, u.email, u.robot FROM quay."user" AS u
               WHERE u.robot AND split_part(u.username, '+', 1) = robot_namespace
                 AND u.username >= wanted_robot AND u.username < quay_internal.prefix_end(wanted_robot) AND (partial OR u.username = wanted_robot)
               ORDER BY u.username
               LIMIT page_size)) AS f
        -- Robots go before people where an organization is asked about.
        ORDER BY f.username = wanted DESC, coalesce(f.username = wanted_robot, false) DESC, f.robot AND member_ids IS NOT NULL DESC, f.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_search(text, text, text, integer, boolean) IS
    'People whose names start so, and with robot_namespace also robots of that namespace whose short names do; at most n. Upper and lower case are the same. First the one of exactly that name, then the others in byte order; with organization robots go before people, and is_organization_member says who is in one of its teams (NULL without). exact_only, or the setting quay.partial_user_autocomplete off: whole names only. Errors: QY002 organization unknown, QY004 disabled, 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.robot_search(prefix text, username text, n integer DEFAULT 10)
    RETURNS TABLE (robot text, user_id bigint)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(coalesce(prefix, '') COLLATE "C");
BEGIN
    RETURN QUERY
        SELECT r.username::text, r.id
        FROM (SELECT u.username FROM quay."user" AS u
              WHERE u.username = robot_search.username AND NOT u.organization AND NOT u.robot
              UNION
              SELECT o.username
              FROM quay."user" AS u
              JOIN quay.teammember AS m ON m.user_id = u.id
              JOIN quay.team AS t ON t.id = m.team_id
              JOIN quay.teamrole AS tr ON tr.id = t.role_id AND tr.name = 'admin'
              JOIN quay."user" AS o ON o.id = t.organization_id
              WHERE u.username = robot_search.username) AS ns
        JOIN quay."user" AS r
            ON r.robot AND split_part(r.username, '+', 1) = ns.username AND starts_with(split_part(r.username, '+', 2), wanted)
        ORDER BY r.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.robot_search(text, text, integer) IS
    'Robots whose short names start so, of a person and of the organizations that the person administers, in byte order, at most n. Upper and lower case are the same. Errors: 22023 n negative.';
