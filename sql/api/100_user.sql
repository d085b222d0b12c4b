-- Names and e-mail addresses of namespaces, and people.

CREATE OR REPLACE FUNCTION quay_internal.person_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = person_get.username AND NOT u.robot AND NOT u.organization;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person named "%s".', left(person_get.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.person_get(text) IS 'Person of that name, enabled or not. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_lock(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- FOR KEY SHARE holds off a rename and a deletion, and nothing else. A name that went away while we waited is unknown below.
    PERFORM FROM quay."user" AS u WHERE u.username = namespace_lock.namespace FOR KEY SHARE;
    RETURN quay_internal.namespace_get(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_lock(text) IS
    'Enabled person or organization of that name, kept from being renamed or deleted until we commit. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.password_check(password text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- White space of Unicode, spelt out: \s would depend on the locale.
    problem text := CASE
        WHEN password_check.password IS NULL THEN 'It is NULL.'
        WHEN char_length(password_check.password) < 8 THEN format('It has %s characters.', char_length(password_check.password))
        WHEN password_check.password COLLATE "C" ~ '[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]'
            THEN 'It contains white space.'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY012',
            MESSAGE = 'password is not acceptable',
            DETAIL = problem,
            HINT = 'Use at least 8 characters and no white space.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.password_check(text) IS 'Refuses (QY012) a password shorter than 8 characters or with white space.';

CREATE OR REPLACE FUNCTION quay_internal.email_check(email text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF email_check.email IS NULL OR char_length(email_check.email) > 254
        OR email_check.email COLLATE "C" !~ '^[^@]+@[^@.]+(\.[^@.]+)+$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY010',
            MESSAGE = 'invalid e-mail address',
            DETAIL = CASE WHEN email_check.email IS NULL THEN 'It is NULL.'
                          ELSE format('The address given is "%s".', left(email_check.email, 80)) END,
            HINT = 'Use name@domain, the domain with a dot in it, at most 254 characters.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.email_check(text) IS 'Refuses (QY010) what is not an e-mail address: name@domain, at least one dot in the domain, at most 254 characters.';

CREATE OR REPLACE FUNCTION quay_internal.email_taken(email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY011',
        MESSAGE = 'e-mail address is already used',
        DETAIL = format('Another user has the address "%s".', left(email_taken.email, 80)),
        HINT = 'Use another address.';
END
$$;
COMMENT ON FUNCTION quay_internal.email_taken(text) IS 'Raises QY011: another user has this address.';

CREATE OR REPLACE FUNCTION quay_internal.name_taken(name text, what text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'name is already taken',
        DETAIL = format('%s named "%s" exists.', what, name_taken.name),
        HINT = 'Use another name.';
END
$$;
COMMENT ON FUNCTION quay_internal.name_taken(text, text) IS 'Raises QY006: something of that name exists. The second argument says what, as in "A team".';

CREATE OR REPLACE FUNCTION quay_internal.account_insert(username text, email text, password_hash text DEFAULT NULL, verified boolean DEFAULT false,
                                                        organization boolean DEFAULT false, robot boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
    violated text;
    holder quay."user";
BEGIN
    BEGIN
        INSERT INTO quay."user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
                                 last_invalid_login, removed_tag_expiration_s, creation_date)
        VALUES (gen_random_uuid()::text, account_insert.username, account_insert.password_hash,
                -- The column takes no NULL; as in the reference, a value that is no address stands for none.
                coalesce(account_insert.email, gen_random_uuid()::text),
                account_insert.verified, account_insert.organization, account_insert.robot, false,
                quay_internal.utc_now(), quay_internal.setting('default_tag_expiration')::bigint, quay_internal.utc_now())
        RETURNING id INTO new_id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        -- If both the name and the address are taken, the name is what one wants to hear about.
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = account_insert.username;
        IF FOUND OR violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(account_insert.username,
                CASE WHEN holder.organization THEN 'An organization' WHEN account_insert.robot THEN 'A robot' ELSE 'A user' END);
        ELSIF violated = 'user_email_unique_non_org' THEN
            PERFORM quay_internal.email_taken(account_insert.email);
        END IF;
        RAISE;
    END;

    -- After the insertion: it waited for whoever was just renaming the namespace away to delete it.
    IF EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = account_insert.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is not available',
            DETAIL = format('The namespace "%s" is being deleted.', account_insert.username),
            HINT = 'The name is free once its data have been purged.';
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.account_insert(text, text, text, boolean, boolean, boolean) IS
    'Adds a row for a person, an organization or a robot, whose name was checked, and returns its id. Errors: QY006 name taken, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay.user_create(username text, password text, email text, verified boolean DEFAULT false,
                                            email_required boolean DEFAULT true, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    address text := nullif(user_create.email, '');
    new_id bigint;
BEGIN
    PERFORM quay_internal.password_check(user_create.password);
    IF user_create.email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.name_check('namespace', user_create.username);

    new_id := quay_internal.account_insert(user_create.username, address,
        quay_internal.password_hash(user_create.password, quay_internal.setting('bcrypt_cost')::integer), user_create.verified);
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create.username, 'email', address), user_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create(text, text, text, boolean, boolean, text, text) IS
    'Creates a person and returns its id. verified: the e-mail address needs no confirmation. email_required false: NULL or empty is no address, and a given one is not checked for its form. Errors: QY001 illegal name, QY006 name taken, QY007 actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused.';
