-- Logins at identity providers that are linked to people: by service, and the name (ident) that the service knows the person by.

CREATE OR REPLACE FUNCTION quay_internal.loginservice_ensure(service text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF loginservice_ensure.service IS NULL OR char_length(loginservice_ensure.service) NOT BETWEEN 1 AND 255
        OR loginservice_ensure.service = 'quayrobot' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'illegal login service',
            DETAIL = format('People cannot log in with "%s".', left(loginservice_ensure.service, 80)),
            HINT = 'Use 1 to 255 characters; quayrobot is for robots.';
    END IF;
    SELECT s.id INTO found_id FROM quay.loginservice AS s WHERE s.name = loginservice_ensure.service;
    IF NOT FOUND THEN
        INSERT INTO quay.loginservice AS s (name) VALUES (loginservice_ensure.service)
        ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name
        RETURNING s.id INTO found_id;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.loginservice_ensure(text) IS
    'Id of a login service, which is added if it is new. Errors: QY009 no name for a service of people.';

CREATE OR REPLACE FUNCTION quay_internal.federated_login_insert(user_id bigint, service text, ident text, metadata jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_service_id bigint := quay_internal.loginservice_ensure(service);
    present record;
BEGIN
    IF federated_login_insert.ident IS NULL OR char_length(federated_login_insert.ident) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal ident of a federated login',
            DETAIL = CASE WHEN federated_login_insert.ident IS NULL THEN 'It is NULL.'
                          ELSE format('It has %s characters.', char_length(federated_login_insert.ident)) END,
            HINT = 'Pass what the service calls the person, 1 to 255 characters.';
    END IF;
    INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
    VALUES (federated_login_insert.user_id, wanted_service_id, federated_login_insert.ident, coalesce(federated_login_insert.metadata, '{}')::text)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT l.user_id AS owner_id, u.username, l.service_ident INTO present
    FROM quay.federatedlogin AS l JOIN quay."user" AS u ON u.id = l.user_id
    WHERE l.service_id = wanted_service_id
      AND (l.service_ident = federated_login_insert.ident OR l.user_id = federated_login_insert.user_id)
    ORDER BY l.service_ident = federated_login_insert.ident DESC
    LIMIT 1;
    IF present.owner_id = federated_login_insert.user_id AND present.service_ident = federated_login_insert.ident THEN
        RETURN false;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'federated login is already attached',
        DETAIL = CASE WHEN present.owner_id = federated_login_insert.user_id
            THEN format('User "%s" is already attached to the %s account "%s".', present.username, service, left(present.service_ident, 80))
            ELSE format('The %s account "%s" is already attached to another user.', service, left(federated_login_insert.ident, 80)) END,
        HINT = 'Detach it there first, with quay.federated_login_detach().';
END
$$;
COMMENT ON FUNCTION quay_internal.federated_login_insert(bigint, text, text, jsonb) IS
    'Links a person to an account of a service. False if so linked already. Errors: QY006 either is linked elsewhere, QY009 illegal service, 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay.federated_login_attach(username text, service text, ident text, metadata jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    RETURN quay_internal.federated_login_insert(target.id, service, ident, metadata);
END
$$;
COMMENT ON FUNCTION quay.federated_login_attach(text, text, text, jsonb) IS
    'Links a person to an account at an identity provider. service: ldap, oidc, github and so on, added if new. ident: what the service calls the person, for good. metadata: what else is known, as service_username. True if linked, false if it was so already. Errors: QY006 the account is linked to somebody else, or the person to another account of the service; QY007 user unknown; QY009 illegal service; 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay.federated_login_detach(username text, service text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    DELETE FROM quay.federatedlogin AS l
    USING quay.loginservice AS s
    WHERE s.id = l.service_id AND s.name = federated_login_detach.service AND l.user_id = target.id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.federated_login_detach(text, text) IS
    'Removes the link of a person to a service. False if there was none, or no such service. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.federated_login_list(username text) RETURNS TABLE (service text, ident text, metadata jsonb)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.name::text, l.service_ident::text, l.metadata_json::jsonb
        FROM quay."user" AS u
        JOIN quay.federatedlogin AS l ON l.user_id = u.id
        JOIN quay.loginservice AS s ON s.id = l.service_id
        WHERE u.username = federated_login_list.username AND s.name <> 'quayrobot'
        ORDER BY s.name;
END
$$;
COMMENT ON FUNCTION quay.federated_login_list(text) IS
    'Accounts at identity providers that a person is linked to, by name of the service. No row: none, or no such person.';

CREATE OR REPLACE FUNCTION quay.federated_login_get(service text, ident text)
    RETURNS TABLE (username text, user_id bigint, uuid text, email text, enabled boolean, verified boolean, metadata jsonb)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, u.uuid::text, quay_internal.email_shown(u.email), u.enabled, u.verified, l.metadata_json::jsonb
        FROM quay.loginservice AS s
        JOIN quay.federatedlogin AS l ON l.service_id = s.id AND l.service_ident = federated_login_get.ident
        JOIN quay."user" AS u ON u.id = l.user_id
        WHERE s.name = federated_login_get.service AND s.name <> 'quayrobot';
END
$$;
COMMENT ON FUNCTION quay.federated_login_get(text, text) IS 'Person who is linked to this account of a service, disabled or not. No row: nobody is.';

CREATE OR REPLACE FUNCTION quay.federated_login_verify(service text, ident text)
    RETURNS TABLE (username text, user_id bigint, uuid text, enabled boolean, verified boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT l.username, l.user_id, l.uuid, l.enabled, l.verified INTO username, user_id, uuid, enabled, verified
    FROM quay.federated_login_get(service, ident) AS l;
    IF FOUND THEN
        IF enabled AND quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(user_id);
        END IF;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.federated_login_verify(text, text) IS
    'The same for somebody who logs in with that account: records, where the transaction may write, that the person was active. A front end lets nobody in who is not enabled. No row: nobody is linked.';

CREATE OR REPLACE FUNCTION quay.federated_login_get_many(service text, idents text[] DEFAULT NULL, usernames text[] DEFAULT NULL)
    RETURNS TABLE (ident text, username text, user_id bigint)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_service_id bigint := (SELECT s.id FROM quay.loginservice AS s WHERE s.name = federated_login_get_many.service AND s.name <> 'quayrobot');
BEGIN
    -- Two statements: each has the index that it needs.
    RETURN QUERY
        SELECT l.service_ident::text, u.username::text, u.id
        FROM quay.federatedlogin AS l JOIN quay."user" AS u ON u.id = l.user_id
        WHERE l.service_id = found_service_id AND l.service_ident = ANY (idents)
        ORDER BY l.service_ident;
    RETURN QUERY
        SELECT l.service_ident::text, u.username::text, u.id
        FROM quay."user" AS u JOIN quay.federatedlogin AS l ON l.user_id = u.id
        WHERE l.service_id = found_service_id AND u.username = ANY (usernames)
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.federated_login_get_many(text, text[], text[]) IS
    'For the members of a group: who is linked to these accounts of a service; then to which accounts these people are linked. No row for those who are not.';

CREATE OR REPLACE FUNCTION quay.federated_login_find(service_username text)
    RETURNS TABLE (username text, user_id bigint, service text, ident text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, s.name::text, l.service_ident::text
        FROM quay.federatedlogin AS l
        JOIN quay."user" AS u ON u.id = l.user_id
        JOIN quay.loginservice AS s ON s.id = l.service_id
        WHERE l.metadata_json::jsonb ->> 'service_username' = federated_login_find.service_username AND NOT u.robot
        ORDER BY l.id DESC
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.federated_login_find(text) IS
    'Person whom an identity provider calls so: service_username in the metadata of the link, exactly; the youngest link if there are several. No row: nobody.';

-- Creation of people who log in elsewhere.

CREATE OR REPLACE FUNCTION quay_internal.username_base(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Letters without a decomposition of their own come first; what accents leave behind when they are split off goes; all in ASCII then.
    result text := translate(coalesce(username_base.name, ''), 'øØđĐðÐłŁħĦıþÞ', 'oOdDdDlLhHitT');
BEGIN
    result := replace(replace(replace(replace(replace(result, 'ß', 'ss'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE');
    result := regexp_replace(normalize(result, NFKD) COLLATE "C", '[\u0300-\u036F]', '', 'g');
    result := left(regexp_replace(lower(trim(result) COLLATE "C"), '[^a-z0-9_-]', '_', 'g'), 255);
    -- Between letters and digits one dash or one underscore may stand, and neither at an end.
    result := regexp_replace(result, '[_-]*_[_-]*', '_', 'g');
    result := regexp_replace(result, '-{2,}', '-', 'g');
    RETURN trim(result, '_-');
END
$$;
COMMENT ON FUNCTION quay_internal.username_base(text) IS
    'The name made into what a user name may start with, maybe empty: accents off, lower case, "_" for all else but letters, digits, "_" and "-", of several of which one stays.';

CREATE OR REPLACE FUNCTION quay_internal.username_suffix(number integer, length integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text := '';
BEGIN
    FOR i IN 1 .. length LOOP
        result := substr('0123456789abcdefghijklmnopqrstuvwxyz', number % 36 + 1, 1) || result;
        number := number / 36;
    END LOOP;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.username_suffix(integer, integer) IS 'The number in base 36, with so many digits.';

CREATE OR REPLACE FUNCTION quay.username_generate(name text, trusted boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base text := quay_internal.username_base(name);
    candidate text;
BEGIN
    -- Without a suffix, then with every one of one character, and so on; at least two characters in all.
    FOR length IN greatest(0, 2 - char_length(base)) .. 4 LOOP
        FOR number IN 0 .. (36 ^ length)::integer - 1 LOOP
            candidate := rtrim(left(base, 255 - length), '_-') || quay_internal.username_suffix(number, length);
            IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = candidate)
                AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = candidate)
                AND (trusted AND candidate = username_generate.name
                     OR NOT EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = candidate)) THEN
                RETURN candidate;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay.username_generate(text, boolean) IS
    'A free user name for somebody whom an identity provider calls so: accents off, lower case, "_" for all but letters, digits, "_" and "-"; if that is too short or taken, with the first free suffix of 0 to 9 and a to z, as short as possible. Only Latin letters are transliterated. A name that is listed in quay.superuser is taken, unless trusted and the name itself. NULL if nothing is free.';

CREATE OR REPLACE FUNCTION quay.user_create_federated(username text, email text, service text, ident text, metadata jsonb DEFAULT '{}',
                                                      email_required boolean DEFAULT true, confirm_username boolean DEFAULT NULL,
                                                      password_notification boolean DEFAULT false, prompts text[] DEFAULT NULL,
                                                      actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    address text := nullif(user_create_federated.email, '');
    all_prompts text[] := coalesce(user_create_federated.prompts, quay_internal.prompt_default());
    new_id bigint;
BEGIN
    IF email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.name_check('namespace', user_create_federated.username);
    IF coalesce(confirm_username, quay_internal.setting('username_confirmation')::boolean) THEN
        all_prompts := all_prompts || 'confirm_username'::text;
    END IF;

    new_id := quay_internal.account_insert(user_create_federated.username, address, verified => true);
    PERFORM quay_internal.federated_login_insert(new_id, service, ident, metadata);
    INSERT INTO quay.userprompt (user_id, kind_id)
    SELECT DISTINCT new_id, quay_internal.userpromptkind_id(p.kind) FROM unnest(all_prompts) AS p (kind);
    IF password_notification THEN
        PERFORM quay_internal.notification_add('password_required', new_id);
    END IF;
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create_federated.username, 'email', address, 'service', service), user_create_federated.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create_federated(text, text, text, text, jsonb, boolean, boolean, boolean, text[], text, text) IS
    'Creates a person without a password who is linked to an account of a service, and returns the id. The e-mail address counts as verified. email_required false: NULL or empty is no address. confirm_username: the person is asked to confirm the name, by default if the setting quay.username_confirmation is on. password_notification: the person is told to set a password for command lines. prompts: NULL for those of the setting quay.user_metadata. Errors: QY001 illegal name, QY006 name taken or account linked, QY007 actor unknown, QY009 unknown prompt or illegal service, QY010 e-mail invalid, QY011 e-mail taken, 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_follow(user_id bigint, email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    IF email LIKE '%@%' AND char_length(email) <= 254
        AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = user_email_follow.user_id AND u.email <> user_email_follow.email) THEN
        SELECT * INTO target FROM quay."user" AS u WHERE u.id = user_email_follow.user_id FOR NO KEY UPDATE;
        UPDATE quay."user" AS u SET email = user_email_follow.email WHERE u.id = target.id;
        PERFORM quay_internal.user_log('user_change_email', target, false, NULL,
            jsonb_build_object('email', user_email_follow.email, 'old_email', target.email), NULL);
    END IF;
EXCEPTION WHEN unique_violation THEN
    -- Another person has it here; the login must not fail for that.
    RETURN;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_follow(bigint, text) IS
    'The identity provider gives another e-mail address: it replaces the old one, unless another person has it.';

CREATE OR REPLACE FUNCTION quay.federated_login_link(service text, ident text, email text DEFAULT NULL, name text DEFAULT NULL,
                                                     metadata jsonb DEFAULT '{}', email_required boolean DEFAULT true,
                                                     internal boolean DEFAULT false, password_notification boolean DEFAULT false,
                                                     ip text DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, uuid text, enabled boolean, created boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The registry's own provider says who the superusers of the registry are; any other must not hand out their names.
    trusted boolean := service = CASE quay_internal.setting('authentication_type') WHEN 'jwt' THEN 'jwtauthn'
                                      ELSE quay_internal.setting('authentication_type') END;
    new_name text;
BEGIN
    created := false;
    FOR attempt IN 1 .. 10 LOOP
        SELECT l.username, l.user_id, l.uuid, l.enabled INTO username, user_id, uuid, enabled
        FROM quay.federated_login_verify(service, ident) AS l;
        IF FOUND THEN
            IF NOT created AND quay_internal.can_write() THEN
                PERFORM quay_internal.user_email_follow(user_id, email);
            END IF;
            RETURN NEXT;
            RETURN;
        END IF;
        IF NOT internal THEN
            PERFORM quay_internal.user_creation_require(email);
        END IF;
        new_name := quay.username_generate(coalesce(nullif(name, ''), ident), trusted);
        BEGIN
            PERFORM quay.user_create_federated(new_name, email, service, ident, metadata, email_required => email_required,
                password_notification => password_notification, ip => federated_login_link.ip);
            created := true;
        EXCEPTION WHEN SQLSTATE 'QY006' THEN
            -- Somebody else has just taken the name, or the same person logs in twice at once: look again.
            IF attempt = 10 OR current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.federated_login_link(text, text, text, text, jsonb, boolean, boolean, boolean, text) IS
    'Somebody has logged in at an identity provider: returns the person who is linked to this account, and creates one if nobody is. One row; created says which. A known person gets the e-mail address that the provider gives, unless another person has it. name: what the user name is made from (see username_generate()), by default the ident. internal: creation is allowed even where nobody may sign up, as for the synchronization of a team. email_required, metadata and password_notification as in user_create_federated(). Two first logins at once make one person. Errors: QY006 only if names are taken again and again; QY009 illegal service; QY010 e-mail invalid; QY011 somebody else has the e-mail address: he is to log in and attach the account himself; QY015 nobody may sign up with this address; 22023 illegal ident.';
