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
    'Creates the robot namespace+shortname and returns its full name and token, given_token or a random one. A description is cut to 255 characters. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY014 robots disallowed, QY061 illegal token.';
