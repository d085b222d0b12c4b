-- Robots: accounts of a namespace for programs.

CREATE OR REPLACE FUNCTION quay.robot_create(namespace text, shortname text, description text DEFAULT '', metadata jsonb DEFAULT '{}',
                                             given_token text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (username text, token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_create.actor);
    robot_id bigint;
BEGIN
    IF quay_internal.setting('robots_disallow')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY014',
            MESSAGE = 'robots are not allowed',
            DETAIL = 'The setting quay.robots_disallow is on.',
            HINT = 'An administrator of the server can switch it off.';
    END IF;
    PERFORM quay_internal.name_check('robot', shortname);
    PERFORM quay_internal.robot_metadata_check(metadata);
    username := owner.username || '+' || shortname;
    IF char_length(username) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name, namespace+shortname, would have %s characters.', char_length(username)),
            HINT = 'The full name may have at most 255 characters.';
    END IF;
    IF given_token !~ '^[A-Z0-9]{64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'invalid token for a robot',
            DETAIL = 'A token has exactly 64 characters, upper-case letters and digits.',
            HINT = 'Pass NULL to have one made.';
    END IF;
    token := coalesce(given_token, quay_internal.token_random(64));

    robot_id := quay_internal.account_insert(username, NULL, robot => true);
    INSERT INTO quay.robotaccounttoken (robot_account_id, token, fully_migrated)
    VALUES (robot_id, quay_internal.field_encrypt(robot_create.token, 255), true);
    INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
    SELECT robot_id, s.id, 'robot:' || robot_id, '{}' FROM quay.loginservice AS s WHERE s.name = 'quayrobot';
    INSERT INTO quay.robotaccountmetadata (robot_account_id, description, unstructured_json)
    VALUES (robot_id, left(coalesce(robot_create.description, ''), 255), coalesce(metadata, '{}')::text);
    PERFORM quay_internal.log_add('create_robot', owner.id, performer_id, NULL,
        jsonb_build_object('robot', shortname, 'description', robot_create.description, 'unstructured_metadata', metadata), robot_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.robot_create(text, text, text, jsonb, text, text, text) IS
    'Creates the robot namespace+shortname and returns its full name and token, given_token or a random one. A description is cut to 255 characters. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY014 robots disallowed, QY061 illegal token, QY077 metadata are no object.';

CREATE OR REPLACE FUNCTION quay_internal.robot_unknown(namespace text, shortname text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY007',
        MESSAGE = 'robot does not exist',
        DETAIL = format('Namespace "%s" has no robot "%s".', left(namespace, 80), left(shortname, 80)),
        HINT = 'Create it with quay.robot_create().';
END
$$;
COMMENT ON FUNCTION quay_internal.robot_unknown(text, text) IS 'Raises QY007: there is no such robot.';

CREATE OR REPLACE FUNCTION quay_internal.robot_id(namespace text, shortname text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    found_id bigint;
BEGIN
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = owner.username || '+' || shortname AND u.robot;
    IF NOT FOUND THEN
        PERFORM quay_internal.robot_unknown(namespace, shortname);
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_id(text, text) IS 'Id of a robot of an enabled namespace. Errors: QY002, QY004, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_lock(owner quay."user", shortname text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = owner.username || '+' || shortname AND u.robot FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM quay_internal.robot_unknown(owner.username, shortname);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_lock(quay."user", text) IS
    'Robot of a namespace that is locked, so that nobody else changes it until we commit. Errors: QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_metadata_check(metadata jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'metadata of a robot must be a JSON object',
            DETAIL = format('They are of type %s.', jsonb_typeof(metadata)),
            HINT = 'Pass for example {"owner": "alice"}, or NULL to leave them as they are.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_metadata_check(jsonb) IS 'Refuses (QY077) metadata of a robot that are neither NULL nor a JSON object.';

CREATE OR REPLACE FUNCTION quay_internal.robot_select(namespace text, shortname text, with_permissions boolean, after text, n integer)
    RETURNS TABLE (short text, username text, robot_id bigint, description text, metadata jsonb, enabled boolean,
                   created timestamp, last_accessed timestamp, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
    SELECT split_part(r.username, '+', 2), r.username::text, r.id, coalesce(m.description, '')::text,
           coalesce(quay_internal.json_read(m.unstructured_json), '{}'), r.enabled,
           r.creation_date, r.last_accessed,
           CASE WHEN with_permissions THEN ARRAY(
               SELECT t.name::text FROM quay.teammember AS tm JOIN quay.team AS t ON t.id = tm.team_id
               WHERE tm.user_id = r.id ORDER BY t.name) END,
           CASE WHEN with_permissions THEN ARRAY(
               SELECT o.name::text FROM quay.repositorypermission AS p JOIN quay.repository AS o ON o.id = p.repository_id
               WHERE p.user_id = r.id AND o.state <> 3 ORDER BY o.name) END
    FROM (SELECT u.id, u.username, u.enabled, u.creation_date, u.last_accessed FROM quay."user" AS u
          -- "," is the character after "+": the index on the names has the robots of a namespace together and in order.
          WHERE u.robot AND u.username > owner.username || '+' || coalesce(robot_select.after, '') AND u.username < owner.username || ','
            AND (robot_select.shortname IS NULL OR u.username = owner.username || '+' || robot_select.shortname)
          ORDER BY u.username
          LIMIT robot_select.n) AS r
    LEFT JOIN quay.robotaccountmetadata AS m ON m.robot_account_id = r.id
    ORDER BY r.username;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_select(text, text, boolean, text, integer) IS
    'Robots of a namespace; what robot_get() and robot_list() have in common. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.robot_get(IN namespace text, INOUT shortname text, IN with_permissions boolean DEFAULT false, OUT username text,
    OUT robot_id bigint, OUT description text, OUT metadata jsonb, OUT enabled boolean, OUT created timestamp, OUT last_accessed timestamp,
    OUT teams text[], OUT repositories text[])
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM quay_internal.robot_select(namespace, coalesce(shortname, ''), coalesce(with_permissions, false), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.robot_get(text, text, boolean) IS
    'A robot, no row if the namespace has none of that name. username: its full name. teams, repositories: with permissions, in which teams it is and in which repositories it has a role; NULL if they were not asked for. Its token: see robot_token(). Errors: QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.robot_list(namespace text, with_permissions boolean DEFAULT false, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (shortname text, username text, robot_id bigint, description text, metadata jsonb, enabled boolean,
                   created timestamp, last_accessed timestamp, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM quay_internal.robot_select(namespace, NULL, coalesce(with_permissions, false), after, quay_internal.page_size(n));
END
$$;
COMMENT ON FUNCTION quay.robot_list(text, boolean, text, integer) IS
    'Robots of a namespace in the order of their names, as robot_get() returns them. after: last shortname of the page before. Tokens are not read: see robot_token(). Errors: QY002 namespace unknown, QY004 disabled, 22023 negative n.';

CREATE OR REPLACE FUNCTION quay.robot_token(namespace text, shortname text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_id bigint := quay_internal.robot_id(namespace, shortname);
BEGIN
    RETURN (SELECT quay_internal.field_decrypt(t.token) FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = wanted_id);
END
$$;
COMMENT ON FUNCTION quay.robot_token(text, text) IS
    'The token of a robot in clear, NULL if it has none. For those who may administer the namespace. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown, QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.robot_pull_credentials(robot text)
    RETURNS TABLE (username text, password text, registry text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT u.username::text, quay_internal.field_decrypt(t.token),
           format('%s://%s/v1/', quay_internal.setting('url_scheme'), quay_internal.setting('server_hostname'))
    FROM quay."user" AS u JOIN quay.robotaccounttoken AS t ON t.robot_account_id = u.id
    WHERE u.username = robot_pull_credentials.robot AND u.robot;
END
$$;
COMMENT ON FUNCTION quay.robot_pull_credentials(text) IS
    'What a builder logs in with to pull as this robot, by its full name: no row if there is none, or if it has no token. registry: URL made of quay.url_scheme and quay.server_hostname. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.robot_regenerate(namespace text, INOUT shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                 OUT username text, OUT token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_regenerate.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    stored text;
BEGIN
    username := robot.username;
    token := quay_internal.token_random(64);
    stored := quay_internal.field_encrypt(token, 255);
    -- Whatever knows the robot by its uuid, or by these, has to ask again.
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text, email = gen_random_uuid()::text WHERE u.id = robot.id;
    INSERT INTO quay.robotaccounttoken AS t (robot_account_id, token, fully_migrated) VALUES (robot.id, stored, true)
    ON CONFLICT (robot_account_id) DO UPDATE SET token = EXCLUDED.token, fully_migrated = true;
    INSERT INTO quay.federatedlogin AS l (user_id, service_id, service_ident, metadata_json)
    SELECT robot.id, s.id, 'robot:' || robot.id, '{}' FROM quay.loginservice AS s WHERE s.name = 'quayrobot'
    ON CONFLICT (service_id, user_id) DO UPDATE SET service_ident = EXCLUDED.service_ident;
    PERFORM quay_internal.log_add('regenerate_robot_token', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname),
                                  robot_regenerate.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_regenerate(text, text, text, text) IS
    'Gives a robot a new random token, which is returned; the old one is worth nothing from the commit on. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.robot_set_metadata(namespace text, shortname text, description text DEFAULT NULL, metadata jsonb DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot quay."user" := quay_internal.robot_lock(quay_internal.namespace_lock(namespace), shortname);
BEGIN
    PERFORM quay_internal.robot_metadata_check(metadata);
    INSERT INTO quay.robotaccountmetadata AS m (robot_account_id, description, unstructured_json)
    VALUES (robot.id, left(coalesce(robot_set_metadata.description, ''), 255), coalesce(robot_set_metadata.metadata, '{}')::text)
    ON CONFLICT (robot_account_id) DO UPDATE
    SET description = CASE WHEN robot_set_metadata.description IS NULL THEN m.description ELSE EXCLUDED.description END,
        unstructured_json = CASE WHEN robot_set_metadata.metadata IS NULL THEN m.unstructured_json ELSE EXCLUDED.unstructured_json END;
END
$$;
COMMENT ON FUNCTION quay.robot_set_metadata(text, text, text, jsonb) IS
    'Sets the description of a robot, cut to 255 characters, and its metadata, a JSON object. NULL leaves either as it is. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown, QY077 metadata are no object.';

CREATE OR REPLACE FUNCTION quay.robot_delete(namespace text, shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_delete.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    used_by text;
BEGIN
    -- From here on nothing new can refer to it.
    PERFORM FROM quay."user" AS u WHERE u.id = robot.id FOR UPDATE;
    SELECT m.mirror INTO used_by
    FROM (SELECT format('repository "%s"', r.name)
          FROM quay.repomirrorconfig AS c JOIN quay.repository AS r ON r.id = c.repository_id WHERE c.internal_robot_id = robot.id
          UNION ALL
          SELECT format('organization "%s"', o.username)
          FROM quay.orgmirrorconfig AS c JOIN quay."user" AS o ON o.id = c.organization_id WHERE c.internal_robot_id = robot.id) AS m (mirror)
    ORDER BY m.mirror LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot is being used by a mirror',
            DETAIL = format('The mirror of %s works as robot "%s".', used_by, robot.username),
            HINT = 'Give the mirror another robot, or delete it, first.';
    END IF;
    PERFORM quay_internal.account_delete_linked(ARRAY[robot.id]);
    DELETE FROM quay."user" AS u WHERE u.id = robot.id;
    PERFORM quay_internal.log_add('delete_robot', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname), robot_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_delete(text, text, text, text) IS
    'Deletes a robot with its token, memberships, permissions, default permissions and notifications; builds and build triggers that pulled with it stay. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, QY013 a mirror of a repository or an organization uses it.';

-- Federated robots: an identity provider vouches for the program, which then needs no token of the robot.

CREATE OR REPLACE FUNCTION quay_internal.robot_federation_normalize(config jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    IF jsonb_typeof(config) IS DISTINCT FROM 'array' THEN
        problem := 'It is not a JSON array.';
    ELSE
        SELECT min(CASE
            WHEN jsonb_typeof(c.entry) <> 'object' THEN 'An entry is not an object.'
            WHEN jsonb_typeof(c.entry -> 'issuer') IS DISTINCT FROM 'string' THEN 'An entry has no issuer.'
            WHEN c.entry ->> 'issuer' !~* '^https?://[^[:space:]/?#]+[^[:space:]]*$'
                THEN format('The issuer "%s" is not a URL with http or https.', left(c.entry ->> 'issuer', 80))
            WHEN jsonb_typeof(c.entry -> 'subject') IS DISTINCT FROM 'string' OR c.entry ->> 'subject' = '' THEN 'An entry has no subject.'
            WHEN jsonb_typeof(c.entry -> 'audiences') NOT IN ('array', 'null')
                OR c.entry @? 'strict $.audiences[*] ? (@.type() != "string" || @ == "")' THEN 'The audiences of an entry are not an array of texts.'
            WHEN c.ordinal > 1 THEN format('The issuer "%s" occurs twice with the same subject.', left(c.entry ->> 'issuer', 80))
        END)
        INTO problem
        FROM (SELECT e.entry, row_number() OVER (PARTITION BY e.entry -> 'issuer', e.entry -> 'subject')
              FROM jsonb_array_elements(config) AS e (entry)) AS c (entry, ordinal);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed federation of a robot',
            DETAIL = problem,
            HINT = 'Pass for example [{"issuer": "https://idp.example", "subject": "build", "audiences": ["registry"]}].';
    END IF;
    RETURN coalesce((
        SELECT jsonb_agg(jsonb_build_object('issuer', e.entry -> 'issuer', 'subject', e.entry -> 'subject')
                         || CASE WHEN e.entry -> 'audiences' NOT IN ('null', '[]') THEN jsonb_build_object('audiences', e.entry -> 'audiences') ELSE '{}' END
                         ORDER BY e.ordinal)
        FROM jsonb_array_elements(config) WITH ORDINALITY AS e (entry, ordinal)), '[]');
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation_normalize(jsonb) IS
    'The federation of a robot with what is known of its entries: issuer, subject and, unless there are none, audiences. Errors: QY077 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.robot_federation(robot_id bigint) RETURNS TABLE (issuer text, subject text, audiences text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT e.entry ->> 'issuer', e.entry ->> 'subject',
           ARRAY(SELECT a.value #>> '{}' FROM jsonb_path_query(e.entry, 'strict $.audiences[*]', silent => true) AS a (value))
    FROM quay.federatedlogin AS l
    JOIN quay.loginservice AS s ON s.id = l.service_id AND s.name = 'quayrobot'
    CROSS JOIN LATERAL jsonb_path_query(quay_internal.json_read(l.metadata_json), 'strict $.federation_config[*]', silent => true) WITH ORDINALITY AS e (entry, ordinal)
    WHERE l.user_id = robot_federation.robot_id
    ORDER BY e.ordinal;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation(bigint) IS 'Whose tokens a robot takes; no row if nobody''s. Empty audiences: whomever the token is for.';

CREATE OR REPLACE FUNCTION quay.robot_federation_get(namespace text, shortname text) RETURNS TABLE (issuer text, subject text, audiences text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.robot_federation(quay_internal.robot_id(namespace, shortname));
END
$$;
COMMENT ON FUNCTION quay.robot_federation_get(text, text) IS
    'Identity providers whose tokens log a robot in, and for which subjects, in the order in which they were set; no row if there are none. Empty audiences: the token may be for anybody. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_federation_store(robot_id bigint, config jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay.federatedlogin AS l (user_id, service_id, service_ident, metadata_json)
    SELECT robot_federation_store.robot_id, s.id, 'robot:' || robot_federation_store.robot_id,
           jsonb_build_object('federation_config', config)::text
    FROM quay.loginservice AS s WHERE s.name = 'quayrobot'
    ON CONFLICT (service_id, user_id) DO UPDATE
    SET metadata_json = (coalesce(quay_internal.json_read(l.metadata_json), '{}') || EXCLUDED.metadata_json::jsonb)::text;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation_store(bigint, jsonb) IS 'Stores the federation of a robot that is locked.';

CREATE OR REPLACE FUNCTION quay.robot_federation_set(namespace text, shortname text, config jsonb, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_federation_set.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    normal jsonb := quay_internal.robot_federation_normalize(config);
BEGIN
    PERFORM quay_internal.robot_federation_store(robot.id, normal);
    PERFORM quay_internal.log_add('create_robot_federation', owner.id, performer_id, NULL,
        jsonb_build_object('config', normal, 'robot', shortname), robot_federation_set.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_federation_set(text, text, jsonb, text, text) IS
    'Replaces the identity providers whose tokens log a robot in. config: array of objects with issuer, a URL with http or https, subject, and, if the token must be for one of certain audiences, audiences; other members are dropped. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, QY077 malformed, or the same issuer and subject twice.';

CREATE OR REPLACE FUNCTION quay.robot_federation_delete(namespace text, shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_federation_delete.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
BEGIN
    IF NOT EXISTS (SELECT FROM quay_internal.robot_federation(robot.id)) THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.robot_federation_store(robot.id, '[]');
    PERFORM quay_internal.log_add('delete_robot_federation', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname),
                                  robot_federation_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.robot_federation_delete(text, text, text, text) IS
    'Takes the identity providers from a robot, so that only its own token logs it in; false if it has none. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown.';

CREATE OR REPLACE FUNCTION quay.robot_federation_match(robot text, issuer text, subject text, audiences text[] DEFAULT '{}', ip text DEFAULT NULL)
    RETURNS TABLE (actor text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
BEGIN
    SELECT r.account, r.error INTO checked FROM quay_internal.robot_account(robot) AS r;
    account := checked.account;
    error := CASE
        WHEN checked.error IS NOT NULL THEN checked.error
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
        WHEN NOT EXISTS (SELECT FROM quay_internal.robot_federation(account.id)) THEN 'Robot does not have federated login configured'
        -- All of one entry must fit: an audience of one entry says nothing about the subject of another.
        WHEN NOT EXISTS (SELECT FROM quay_internal.robot_federation(account.id) AS f
                         WHERE f.issuer = robot_federation_match.issuer AND f.subject = robot_federation_match.subject
                           AND (f.audiences = '{}' OR f.audiences && robot_federation_match.audiences)) THEN 'Token does not match robot'
    END;
    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(account.id);
            PERFORM quay_internal.log_add('federated_robot_token_exchange',
                (SELECT u.id FROM quay."user" AS u WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot), account.id, NULL,
                jsonb_build_object('robot', account.username, 'issuer', issuer, 'subject', subject), robot_federation_match.ip);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.robot_federation_match(text, text, text, text[], text) IS
    'Logs a robot, by its full name, in with a token of an identity provider, which the caller has verified: issuer, subject and audiences are claims of it. Always one row: the robot as actor, or why not. A login is recorded, if the transaction may write.';
