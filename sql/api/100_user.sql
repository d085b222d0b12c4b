-- Names and e-mail addresses of namespaces; people, and how they come into being.

CREATE OR REPLACE FUNCTION quay_internal.person_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- All columns in their order, but NULL for the password_hash: readers have no right to it.
    SELECT u.id, u.uuid, u.username, NULL, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email,
           u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.company,
           u.family_name, u.given_name, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed
    INTO result FROM quay."user" AS u
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

CREATE OR REPLACE FUNCTION quay_internal.name_require_available(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = name_require_available.name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is not available',
            DETAIL = format('The namespace "%s" is being deleted.', name_require_available.name),
            HINT = 'The name is free once its data have been purged.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.name_require_available(text) IS
    'Refuses (QY006) a name whose former namespace has not been purged yet. To be called after the name was taken, since that waits for whoever is just giving it up.';

CREATE OR REPLACE FUNCTION quay_internal.account_insert(username text, email text, password_hash text DEFAULT NULL, verified boolean DEFAULT false,
                                                        organization boolean DEFAULT false, robot boolean DEFAULT false,
                                                        possible_abuser boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
    violated text;
    holder quay."user";
    -- -1 stands for any number, and for no such limit on possible abusers.
    threat_builds integer := nullif(quay_internal.setting('threat_maximum_build_count')::integer, -1);
    default_builds integer := nullif(quay_internal.setting('default_maximum_build_count')::integer, -1);
BEGIN
    BEGIN
        INSERT INTO quay."user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
                                 last_invalid_login, removed_tag_expiration_s, creation_date, maximum_queued_builds_count)
        VALUES (gen_random_uuid()::text, account_insert.username, account_insert.password_hash,
                -- The column takes no NULL; as in the reference, a value that is no address stands for none.
                coalesce(account_insert.email, gen_random_uuid()::text),
                account_insert.verified, account_insert.organization, account_insert.robot, false,
                quay_internal.utc_now(), quay_internal.setting('default_tag_expiration')::bigint, quay_internal.utc_now(),
                CASE WHEN account_insert.robot THEN NULL
                     WHEN account_insert.possible_abuser THEN coalesce(threat_builds, default_builds)
                     ELSE default_builds END)
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
    PERFORM quay_internal.name_require_available(account_insert.username);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.account_insert(text, text, text, boolean, boolean, boolean, boolean) IS
    'Adds a row for a person, an organization or a robot, whose name was checked, and returns its id. possible_abuser: quay.threat_maximum_build_count applies. Errors: QY006 name taken, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay_internal.person_lock(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = person_lock.username FOR NO KEY UPDATE;
    RETURN quay_internal.person_get(username);
END
$$;
COMMENT ON FUNCTION quay_internal.person_lock(text) IS
    'Person of that name, enabled or not, whom nobody else changes until we commit. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.superuser_refuse(username text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = superuser_refuse.username AND s.kind = 'superuser') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be the target',
            DETAIL = format('"%s" is listed in quay.superuser.', left(superuser_refuse.username, 80)),
            HINT = 'Take the name out of quay.superuser first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.superuser_refuse(text) IS
    'Refuses (QY023) what one administrator of the registry may not do to another: the name is listed in quay.superuser, kind superuser.';

CREATE OR REPLACE FUNCTION quay_internal.authentication_require_database() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('authentication_type') <> 'database' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'passwords are not kept in this database',
            DETAIL = format('The setting quay.authentication_type is "%s".', quay_internal.setting('authentication_type')),
            HINT = 'Create people and change passwords at the identity provider.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authentication_require_database() IS
    'Refuses (QY015) what only makes sense where passwords are checked against this database.';

-- Prompts: what the user interface asks a person next.

CREATE OR REPLACE FUNCTION quay_internal.userpromptkind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT min(k.id) FROM quay.userpromptkind AS k WHERE k.name = userpromptkind_id.kind);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of prompt',
            DETAIL = format('There is no kind "%s".', left(userpromptkind_id.kind, 80)),
            HINT = 'The table quay.userpromptkind lists the kinds.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.userpromptkind_id(text) IS 'Id of a kind of prompt. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prompt_default() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN quay_internal.setting('user_metadata')::boolean THEN ARRAY['enter_name', 'enter_company'] ELSE ARRAY[]::text[] END;
COMMENT ON FUNCTION quay_internal.prompt_default() IS 'Prompts of a new person, by the setting quay.user_metadata.';

CREATE OR REPLACE FUNCTION quay_internal.prompt_remove(user_id bigint, VARIADIC kinds text[]) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.userprompt AS p
    USING quay.userpromptkind AS k
    WHERE p.user_id = prompt_remove.user_id AND k.id = p.kind_id AND k.name = ANY (prompt_remove.kinds);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.prompt_remove(bigint, text[]) IS 'Takes prompts of these kinds off a person. True if there were any.';

CREATE OR REPLACE FUNCTION quay.user_prompt_add(username text, kind text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userprompt (user_id, kind_id) VALUES (target.id, quay_internal.userpromptkind_id(user_prompt_add.kind))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_prompt_add(text, text) IS
    'Has a person asked for something: confirm_username, enter_name or enter_company. True if added, false if the prompt was there. Errors: QY007 user unknown, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.user_prompt_remove(username text, kind text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    PERFORM quay_internal.userpromptkind_id(user_prompt_remove.kind);
    RETURN quay_internal.prompt_remove(target.id, user_prompt_remove.kind);
END
$$;
COMMENT ON FUNCTION quay.user_prompt_remove(text, text) IS
    'Takes a prompt off a person. True if removed, false if there was none. Errors: QY007 user unknown, QY009 unknown kind.';

-- Creation.

CREATE OR REPLACE FUNCTION quay_internal.invite_matches(invite_code text, email text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammemberinvite AS i
                   WHERE i.invite_token = invite_matches.invite_code AND i.email = invite_matches.email);
END
$$;
COMMENT ON FUNCTION quay_internal.invite_matches(text, text) IS
    'Was this invitation to a team mailed to this address? Then who has the code can read mail that goes there.';

CREATE OR REPLACE FUNCTION quay.user_create(username text, password text, email text, verified boolean DEFAULT false,
                                            email_required boolean DEFAULT true, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            prompts text[] DEFAULT NULL, possible_abuser boolean DEFAULT false,
                                            invite_code text DEFAULT NULL) RETURNS bigint
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
        quay_internal.password_hash(user_create.password, quay_internal.setting('bcrypt_cost')::integer),
        user_create.verified OR quay_internal.invite_matches(user_create.invite_code, address),
        possible_abuser => user_create.possible_abuser);
    INSERT INTO quay.userprompt (user_id, kind_id)
    SELECT DISTINCT new_id, quay_internal.userpromptkind_id(p.kind)
    FROM unnest(coalesce(user_create.prompts, quay_internal.prompt_default())) AS p (kind);
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create.username, 'email', address)
        || CASE WHEN user_create.actor IS NULL THEN '{}' ELSE jsonb_build_object('superuser', user_create.actor) END,
        user_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create(text, text, text, boolean, boolean, text, text, text[], boolean, text) IS
    'Creates a person and returns its id. It does not ask whether people may sign up: for that there is user_sign_up(). verified: the e-mail address needs no confirmation. email_required false: NULL or empty is no address, and a given one is not checked for its form. actor: the administrator who creates the account. prompts: NULL for those of the setting quay.user_metadata. possible_abuser: quay.threat_maximum_build_count applies instead of quay.default_maximum_build_count. invite_code: the invitation to a team that led here; if it was mailed to this address, the address counts as verified; nobody joins a team by it. Errors: QY001 illegal name, QY006 name taken, QY007 actor unknown, QY009 unknown prompt, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused.';

CREATE OR REPLACE FUNCTION quay_internal.user_creation_problem(email text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    labels text[] := string_to_array(rtrim(lower(substring(user_creation_problem.email FROM '@([^@]*)$')), '.'), '.');
BEGIN
    RETURN CASE
        -- The domain itself and each one above it
        WHEN EXISTS (SELECT FROM quay.blocked_email_domain AS d
                     WHERE d.domain = ANY (ARRAY(SELECT array_to_string(labels[i:], '.') FROM generate_subscripts(labels, 1) AS i)))
            THEN 'The domain of the e-mail address is listed in quay.blocked_email_domain.'
        WHEN NOT quay_internal.setting('user_creation')::boolean
            THEN 'The setting quay.user_creation is off.'
        WHEN quay_internal.setting('invite_only_user_creation')::boolean
             AND NOT EXISTS (SELECT FROM quay.teammemberinvite AS i WHERE i.email = user_creation_problem.email)
            THEN 'The setting quay.invite_only_user_creation is on, and no invitation to a team was mailed to this address.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.user_creation_problem(text) IS 'Why nobody may sign up with this e-mail address, as a sentence; NULL if one may.';

CREATE OR REPLACE FUNCTION quay_internal.user_creation_require(email text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := quay_internal.user_creation_problem(email);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'creation of a user account for this e-mail address is disabled',
            DETAIL = problem,
            HINT = 'Please contact an administrator.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_creation_require(text) IS 'Refuses (QY015) an e-mail address with which nobody may sign up.';

CREATE OR REPLACE FUNCTION quay.user_can_create(email text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.user_creation_problem(email) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.user_can_create(text) IS
    'May somebody sign up with this e-mail address (NULL: without one)? Not if its domain is blocked, if quay.user_creation is off, or if quay.invite_only_user_creation is on and no invitation to a team was mailed to exactly this address. A domain in quay.blocked_email_domain blocks itself and its subdomains, in upper or lower case; there is no list of public suffixes, so "co.uk" blocks all that ends in it.';

CREATE OR REPLACE FUNCTION quay.user_sign_up(username text, password text, email text DEFAULT NULL, invite_code text DEFAULT NULL,
                                             possible_abuser boolean DEFAULT false, ip text DEFAULT NULL)
    RETURNS TABLE (user_id bigint, awaiting_verification boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mailing boolean := quay_internal.setting('mailing')::boolean;
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF NOT quay_internal.setting('direct_login')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot sign up with a password',
            DETAIL = 'The setting quay.direct_login is off.',
            HINT = 'Log in with an identity provider.';
    END IF;
    IF quay_internal.setting('invite_only_user_creation')::boolean AND coalesce(user_sign_up.invite_code, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot create a user who was not invited',
            DETAIL = 'The setting quay.invite_only_user_creation is on.',
            HINT = 'Follow the link in the invitation to a team.';
    END IF;
    PERFORM quay_internal.user_creation_require(email);

    BEGIN
        user_id := quay.user_create(user_sign_up.username, password, email, verified => NOT mailing, email_required => mailing,
            ip => user_sign_up.ip, possible_abuser => user_sign_up.possible_abuser, invite_code => user_sign_up.invite_code);
    EXCEPTION WHEN SQLSTATE 'QY001' OR SQLSTATE 'QY006' THEN
        -- The words that people know from the reference's form.
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = message, HINT = hint, DETAIL = CASE
            WHEN SQLSTATE = 'QY006' AND EXISTS (SELECT FROM quay."user" AS u WHERE u.username = user_sign_up.username)
                THEN 'The username already exists'
            WHEN SQLSTATE = 'QY006' THEN 'Username is not available'
            WHEN user_sign_up.username COLLATE "C" ~ '^[a-z0-9]+([._-][a-z0-9]+)*$'
                THEN format('Invalid namespace %s: Namespace must be between 2 and 255 characters in length', left(user_sign_up.username, 80))
            ELSE format('Invalid namespace %s: Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$', left(user_sign_up.username, 80))
            END;
    END;

    awaiting_verification := NOT (SELECT u.verified FROM quay."user" AS u WHERE u.id = user_sign_up.user_id);
    IF awaiting_verification THEN
        code := quay_internal.email_code_insert(user_id, pw_reset => false);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_sign_up(text, text, text, text, boolean, text) IS
    'Somebody creates an account for himself. An e-mail address is required, and is to be confirmed, if quay.mailing is on. One row: the id; whether the address is yet to be confirmed; the code to mail to it then, for user_email_confirm(). An invite_code that was mailed to the address confirms it; the team is joined only when the invitation is accepted. A name that is listed in quay.superuser makes its owner one: create these people before others can sign up. Errors: QY001 illegal name, QY006 name taken, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused, QY015 passwords are kept elsewhere or nobody logs in with them, no invitation, or user_can_create() says no.';

CREATE OR REPLACE FUNCTION quay.user_initialize(username text, password text, email text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.authentication_require_database();
    -- Whoever else creates an account waits, or has committed and is seen.
    LOCK TABLE quay."user" IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM quay."user") THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot initialize a registry that has users',
            DETAIL = 'The first user exists already.',
            HINT = 'Create further users with quay.user_create().';
    END IF;
    RETURN quay.user_create(user_initialize.username, password, email, verified => true,
        email_required => quay_internal.setting('mailing')::boolean, ip => user_initialize.ip);
END
$$;
COMMENT ON FUNCTION quay.user_initialize(text, text, text, text) IS
    'Creates the first user of an empty registry, with a verified e-mail address, and returns the id. Of several calls at once one succeeds. Errors: QY001 illegal name, QY010 e-mail invalid, QY012 password refused, QY015 there are users, or passwords are kept elsewhere.';

CREATE OR REPLACE FUNCTION quay.user_verify_by_invite(username text, invite_code text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
BEGIN
    IF NOT quay_internal.invite_matches(user_verify_by_invite.invite_code, target.email) THEN
        RETURN false;
    END IF;
    UPDATE quay."user" AS u SET verified = true WHERE u.id = target.id AND NOT u.verified;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_verify_by_invite(text, text) IS
    'For a login that brings an invitation to a team: if it was mailed to the address of this person, the address is verified. True if so. The invitation itself stays. Errors: QY007 user unknown.';
