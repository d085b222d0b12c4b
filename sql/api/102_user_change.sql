-- Changes of people, and settings of namespaces.
--
-- Own changes count as made by the person, unless an actor is given; by_administrator is a change by an administrator of the
-- registry, which is logged as such and does not reach superusers.

CREATE OR REPLACE FUNCTION quay_internal.user_log(kind text, target quay."user", by_administrator boolean, actor text,
                                                  metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    PERFORM quay_internal.log_add(user_log.kind, target.id,
        CASE WHEN by_administrator THEN performer_id ELSE coalesce(performer_id, target.id) END, NULL,
        metadata || CASE WHEN by_administrator THEN jsonb_build_object('superuser', user_log.actor) ELSE '{}' END, user_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.user_log(text, quay."user", boolean, text, jsonb, text) IS
    'Adds the audit row of a change to a person: by himself unless an actor is given, or by an administrator. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.user_password_set(username text, password text, by_administrator boolean DEFAULT false,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    new_hash text;
    new_uuid text := gen_random_uuid()::text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    PERFORM quay_internal.password_check(user_password_set.password);
    -- Hashing takes long, so it comes before the lock.
    new_hash := quay_internal.password_hash(user_password_set.password, quay_internal.setting('bcrypt_cost')::integer);
    target := quay_internal.person_lock(username);

    -- In one statement: no session of the old password survives it. Nor does a code that would let somebody in without the new one, be it
    -- by way of another e-mail address.
    UPDATE quay."user" AS u SET password_hash = new_hash, invalid_login_attempts = 0, uuid = new_uuid WHERE u.id = target.id;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = target.id AND (c.pw_reset OR c.new_email IS NOT NULL);
    PERFORM quay_internal.notification_delete('password_required', target.id);
    PERFORM quay_internal.user_log(CASE WHEN by_administrator THEN 'user_change_password' ELSE 'account_change_password' END,
        target, by_administrator, actor,
        CASE WHEN by_administrator THEN jsonb_build_object('username', target.username) ELSE '{}' END, ip);
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.user_password_set(text, text, boolean, text, text) IS
    'Sets the password of a person, ends all his sessions, forgets failed logins, and withdraws outstanding codes for recovery or for a new e-mail address, and the notification that a password is required. Returns the new uuid, by which the session goes on that made the change. Errors: QY007 user or actor unknown, QY012 password refused, QY015 passwords are kept elsewhere, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_session_revoke(username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text
    WHERE u.username = user_session_revoke.username AND NOT u.organization AND NOT u.robot
    RETURNING u.* INTO target;
    IF target.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.user_log('logout_success', target, false, actor, '{}', ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_session_revoke(text, text, text) IS
    'Ends all sessions of a person, whose uuid is what they are known by: signing out. False if there is no such person. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.user_rename_require(target quay."user", new_name text, by_administrator boolean) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT by_administrator AND NOT quay_internal.setting('user_rename')::boolean
        AND NOT (quay_internal.setting('username_confirmation')::boolean
                 AND EXISTS (SELECT FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                             WHERE p.user_id = target.id AND k.name = 'confirm_username')) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'user names cannot be changed',
            DETAIL = 'The setting quay.user_rename is off, and the user has not been asked to confirm the name.',
            HINT = 'Ask an administrator of the registry to change the name.';
    END IF;
    PERFORM quay_internal.name_check('namespace', new_name);

    -- Rights hang on the names in these tables. Whoever has them would lose them, and whoever takes such a name would gain them.
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = target.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be renamed',
            DETAIL = format('"%s" is listed in quay.superuser.', target.username),
            HINT = 'Take the name out of quay.superuser first, and put in the new one afterwards.';
    END IF;
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = new_name)
        OR EXISTS (SELECT FROM quay.unrestricted_user AS r WHERE r.username = new_name)
        OR EXISTS (SELECT FROM quay.allowed_robot AS r WHERE split_part(r.username, '+', 1) = new_name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is reserved',
            DETAIL = format('Rights of the registry hang on the name "%s".', new_name),
            HINT = 'Use another name, or take it out of quay.superuser, quay.unrestricted_user and quay.allowed_robot first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_rename_require(quay."user", text, boolean) IS
    'Refuses a renaming that settings or rights forbid. Errors: QY001 illegal name, QY006 reserved name, QY015 renaming is off, QY023 a superuser.';

CREATE OR REPLACE FUNCTION quay.user_rename(username text, new_name text, by_administrator boolean DEFAULT false,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
    holder quay."user";
    violated text;
    longest integer;
BEGIN
    -- There a robot that was made after the snapshot would keep the old name: rows that are only inserted cause no serialization error.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION USING ERRCODE = '25000',
            MESSAGE = 'cannot rename a namespace in a REPEATABLE READ transaction',
            DETAIL = 'Robots that others have just made would not be seen.',
            HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
    -- FOR UPDATE waits for those who are just making robots and repositories under the old name.
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_rename.username AND NOT u.robot AND (by_administrator OR NOT u.organization)
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no %s named "%s".', CASE WHEN by_administrator THEN 'user or organization' ELSE 'person' END,
                            left(user_rename.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    IF new_name = target.username THEN
        PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
        RETURN false;
    END IF;
    PERFORM quay_internal.user_rename_require(target, new_name, by_administrator);
    SELECT max(char_length(u.username)) + char_length(new_name) - char_length(target.username) INTO longest
    FROM quay."user" AS u WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    IF longest > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name of a robot, namespace+shortname, would have %s characters.', longest),
            HINT = 'The full name may have at most 255 characters: use a shorter name, or delete the robot.';
    END IF;

    BEGIN
        UPDATE quay."user" AS u SET username = new_name WHERE u.id = target.id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = new_name;
        IF violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(new_name, CASE WHEN holder.organization THEN 'An organization' ELSE 'A user' END);
        END IF;
        RAISE;
    END;
    -- After the update: it waited for whoever was just renaming the namespace away to delete it.
    PERFORM quay_internal.name_require_available(new_name);
    UPDATE quay."user" AS u SET username = new_name || substr(u.username, char_length(target.username) + 1)
    WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
    PERFORM quay_internal.user_log(CASE WHEN target.organization THEN 'org_change_name' ELSE 'user_change_name' END,
        target, by_administrator, actor,
        CASE WHEN target.organization THEN jsonb_build_object('old_name', target.username, 'new_name', new_name)
             ELSE jsonb_build_object('old_username', target.username, 'username', new_name) END, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_rename(text, text, boolean, text, text) IS
'Gives a person, or for an administrator also an organization, another name, and its robots with it. True if renamed; false if that is the name already. Either way the person need no longer confirm it.

A person may do so with the setting quay.user_rename, or once, if asked to confirm the name, with quay.username_confirmation.
Rights follow the tables that list names, not the person: a name in quay.superuser stays with its owner (QY023), and nobody gets a name that is listed in quay.superuser or quay.unrestricted_user, or that has robots in quay.allowed_robot (QY006). Entries of the lists quay.unrestricted_user, quay.allowed_robot, quay.public_namespace, quay.deletion_grace_namespace and quay.unlogged_namespace keep the old name. Items that wait in queues do too.
Errors: QY001 illegal name, also that of a robot that gets too long; QY006 name taken, reserved, or of a namespace that is being deleted; QY007 user or actor unknown; QY015 renaming is off; QY023; 25000 in a REPEATABLE READ transaction.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_change(target quay."user", email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    violated text;
BEGIN
    UPDATE quay."user" AS u SET email = coalesce(user_email_change.email, gen_random_uuid()::text), verified = true WHERE u.id = target.id;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'user_email_unique_non_org' THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
    RAISE;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_change(quay."user", text) IS
    'Gives a person this e-mail address, verified; NULL: none. Errors: QY011 another user has it.';

CREATE OR REPLACE FUNCTION quay.user_email_set(username text, email text, by_administrator boolean DEFAULT false,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (changed boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
    address text := nullif(user_email_set.email, '');
    old_address text := nullif(quay_internal.email_shown(target.email), '');
    mailing boolean := quay_internal.setting('mailing')::boolean;
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    IF mailing OR address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    changed := false;
    IF address IS DISTINCT FROM old_address THEN
        IF mailing AND NOT by_administrator THEN
            code := quay.user_email_code_create(target.username, address);
        ELSE
            PERFORM quay_internal.user_email_change(target, address);
            PERFORM quay_internal.user_log('user_change_email', target, by_administrator, actor,
                jsonb_build_object('email', address, 'old_email', old_address), ip);
            changed := true;
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_set(text, text, boolean, text, text) IS
    'Changes the e-mail address of a person. One row. By an administrator, or with quay.mailing off, the address changes at once and counts as verified: changed is true. Otherwise code is to be mailed to the new address, for user_email_confirm(). Neither if that is the address already. NULL or empty takes the address away, with quay.mailing off. Errors: QY007 user or actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_set_enabled(username text, enabled boolean, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    target quay."user";
    organization_id bigint;
BEGIN
    IF user_set_enabled.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'enabled must be true or false',
            DETAIL = 'It is NULL.',
            HINT = 'Pass true to enable, false to disable.';
    END IF;
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_set_enabled.username AND NOT u.robot
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR NO KEY UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(user_set_enabled.username, 80)),
            HINT = 'A namespace that is being deleted cannot be enabled again.';
    END IF;
    PERFORM quay_internal.superuser_refuse(target.username);
    IF target.enabled = user_set_enabled.enabled THEN
        RETURN false;
    END IF;

    UPDATE quay."user" AS u SET enabled = user_set_enabled.enabled WHERE u.id = target.id;
    IF NOT user_set_enabled.enabled THEN
        -- The constraint trigger would find out at commit only.
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;
    PERFORM quay_internal.user_log(CASE WHEN user_set_enabled.enabled THEN 'user_enable' ELSE 'user_disable' END, target, true, actor,
        jsonb_build_object('username', target.username), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_set_enabled(text, boolean, text, text) IS
    'Enables or disables a person or an organization; for administrators of the registry. Who is disabled cannot log in, nor his robots, and nobody can use his namespace. False if it is so already. Errors: QY007 user unknown or being deleted, or actor unknown; QY013 an organization would have no enabled administrator; QY023 the target is a superuser; 22023 enabled is NULL.';

CREATE OR REPLACE FUNCTION quay.user_set_metadata(username text, given_name text DEFAULT NULL, family_name text DEFAULT NULL,
                                                  company text DEFAULT NULL, location text DEFAULT NULL,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    given jsonb := jsonb_strip_nulls(jsonb_build_object('given_name', given_name, 'family_name', family_name,
                                                        'company', company, 'location', location));
BEGIN
    IF greatest(char_length(given_name), char_length(family_name), char_length(company), char_length(location)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'value is too long',
            DETAIL = 'A name, company or location has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    UPDATE quay."user" AS u
    SET given_name = nullif(coalesce(user_set_metadata.given_name, u.given_name), ''),
        family_name = nullif(coalesce(user_set_metadata.family_name, u.family_name), ''),
        company = nullif(coalesce(user_set_metadata.company, u.company), ''),
        location = nullif(coalesce(user_set_metadata.location, u.location), '')
    WHERE u.id = target.id;
    PERFORM quay_internal.prompt_remove(target.id, 'enter_name', 'enter_company');
    IF given <> '{}' THEN
        PERFORM quay_internal.user_log('user_change_metadata', target, false, actor, given, ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.user_set_metadata(text, text, text, text, text, text, text) IS
    'What a person says about himself. NULL leaves a value as it is, an empty one removes it. The person is no longer asked for name and company. Errors: QY007 user or actor unknown, 22023 a value has more than 255 characters.';

-- Settings of a namespace, a person's or an organization's.

CREATE OR REPLACE FUNCTION quay_internal.namespace_log(kind text, target quay."user", actor text, metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_' ELSE 'user_' END || namespace_log.kind, target.id,
        quay_internal.actor_id(actor), NULL,
        metadata || CASE WHEN target.organization THEN jsonb_build_object('namespace', target.username) ELSE '{}' END, namespace_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_log(text, quay."user", text, jsonb, text) IS
    'Adds the audit row of a change to a namespace. kind: without the "user_" or "org_" that it starts with. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_set_invoicing(namespace text, invoice_email boolean DEFAULT NULL, invoice_email_address text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
    address text := nullif(namespace_set_invoicing.invoice_email_address, '');
    changed boolean := false;
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    UPDATE quay."user" AS u SET invoice_email = namespace_set_invoicing.invoice_email
    WHERE u.id = target.id AND u.invoice_email <> namespace_set_invoicing.invoice_email;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email', invoice_email), ip);
    END IF;
    UPDATE quay."user" AS u SET invoice_email_address = address
    WHERE u.id = target.id AND namespace_set_invoicing.invoice_email_address IS NOT NULL AND u.invoice_email_address IS DISTINCT FROM address;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email_address', address), ip);
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_invoicing(text, boolean, text, text, text) IS
    'Says whether invoices go to a namespace by e-mail, and to which address. NULL leaves either as it is; an empty address removes it. False if nothing changed. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.tag_expiration_option_list() RETURNS TABLE (option text, seconds bigint)
    LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR option, seconds IN
        SELECT trim(o.duration), quay_internal.duration_seconds(trim(o.duration))
        FROM string_to_table(quay_internal.setting('tag_expiration_options'), ',') WITH ORDINALITY AS o (duration, i)
        ORDER BY o.i
    LOOP
        IF seconds IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = 'malformed duration in quay.tag_expiration_options',
                DETAIL = format('"%s" is none.', left(option, 80)),
                HINT = 'Use a whole number and a unit: s, m, h, d, w (7 days) or y (365 days).';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.tag_expiration_option_list() IS
    'For how long a namespace may keep removed tags: the setting quay.tag_expiration_options. Errors: 22023 the setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_tag_expiration(namespace text, seconds bigint,
                                                             actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF NOT EXISTS (SELECT FROM quay.tag_expiration_option_list() AS o WHERE o.seconds = namespace_set_tag_expiration.seconds) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'invalid tag expiration option',
            DETAIL = format('%s seconds are not among the options %s.', coalesce(namespace_set_tag_expiration.seconds::text, 'NULL'),
                            quay_internal.setting('tag_expiration_options')),
            HINT = 'Use one that quay.tag_expiration_option_list() has.';
    END IF;
    UPDATE quay."user" AS u SET removed_tag_expiration_s = namespace_set_tag_expiration.seconds
    WHERE u.id = target.id AND u.removed_tag_expiration_s <> namespace_set_tag_expiration.seconds;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.namespace_log('change_tag_expiration', target, actor,
        jsonb_build_object('tag_expiration', namespace_set_tag_expiration.seconds), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_tag_expiration(text, bigint, text, text) IS
    'Says for how many seconds a namespace keeps removed tags. False if it is so already. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY015 not among quay.tag_expiration_options, 22023 that setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_maximum_builds(namespace text, maximum integer, raise_only boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF maximum < 0 OR raise_only AND maximum IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of builds must not be negative',
            DETAIL = format('It is %s.', coalesce(maximum::text, 'NULL')),
            HINT = 'Pass how many builds may be queued; NULL, unless raise_only, for any number.';
    END IF;
    UPDATE quay."user" AS u SET maximum_queued_builds_count = maximum
    WHERE u.id = target.id AND u.maximum_queued_builds_count IS DISTINCT FROM maximum
      AND (NOT raise_only OR u.maximum_queued_builds_count < maximum);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_maximum_builds(text, integer, boolean) IS
    'Says how many builds a namespace may have queued; NULL for any number. raise_only: only if it has a lower limit now. True if changed. Errors: QY002 namespace unknown, QY004 disabled, 22023 negative.';

CREATE OR REPLACE FUNCTION quay.namespace_set_stripe_id(namespace text, stripe_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    UPDATE quay."user" AS u SET stripe_id = nullif(namespace_set_stripe_id.stripe_id, '') WHERE u.id = target.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_stripe_id(text, text) IS
    'Links a namespace to a customer of the payment service; NULL or empty removes the link. Errors: QY002 namespace unknown, QY004 disabled.';

-- Storage regions that a person prefers.

CREATE OR REPLACE FUNCTION quay.user_region_add(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userregion (user_id, location_id) VALUES (target.id, quay_internal.location_id(user_region_add.location))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_add(text, text) IS
    'Adds a storage location to the regions of a person. False if it is there already. Errors: QY007 user unknown, QY053 location unknown.';

CREATE OR REPLACE FUNCTION quay.user_region_remove(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    removed_id bigint := quay_internal.location_id(location);
BEGIN
    DELETE FROM quay.userregion AS r WHERE r.user_id = target.id AND r.location_id = removed_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_remove(text, text) IS
    'Takes a storage location out of the regions of a person. False if it was not there. Errors: QY007 user unknown, QY053 location unknown.';
