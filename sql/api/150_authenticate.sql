-- Who is it? From a user name and a secret to an actor.

CREATE OR REPLACE FUNCTION quay_internal.can_write() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT current_setting('transaction_read_only')::boolean;
COMMENT ON FUNCTION quay_internal.can_write() IS 'May this transaction write? Not on a standby, and not if it is read-only.';

CREATE OR REPLACE FUNCTION quay_internal.user_touch(user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - interval '60 s';
BEGIN
    -- One row version a minute is enough, and a busy robot must not queue up behind itself.
    UPDATE quay."user" AS u SET last_accessed = quay_internal.utc_now()
    FROM (SELECT s.id FROM quay."user" AS s
          WHERE s.id = user_touch.user_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
          FOR NO KEY UPDATE SKIP LOCKED) AS stale
    WHERE u.id = stale.id;
END
$$;
COMMENT ON FUNCTION quay_internal.user_touch(bigint) IS 'Records that a user was active now, at most once a minute.';

CREATE OR REPLACE FUNCTION quay_internal.login_wait(account quay."user") RETURNS interval
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- 2^30 half-seconds are beyond every limit that can be set.
    wait_seconds double precision := least(0.5 * (2 ^ least(account.invalid_login_attempts, 30) - 1),
                                           quay_internal.setting('login_backoff_limit')::double precision);
    remaining interval := account.last_invalid_login + make_interval(secs => wait_seconds) - quay_internal.utc_now();
BEGIN
    RETURN CASE WHEN account.invalid_login_attempts > 0 AND remaining > interval '0' THEN remaining END;
END
$$;
COMMENT ON FUNCTION quay_internal.login_wait(quay."user") IS
    'How long failed logins still keep this user waiting: 0.5 * (2^n - 1) seconds after the last of n, up to quay.login_backoff_limit; NULL if not.';

CREATE OR REPLACE FUNCTION quay_internal.login_account(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- A name goes before an address: nobody can catch somebody else's login by taking it as an address.
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = login_account.username AND NOT u.organization AND NOT u.robot;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay."user" AS u
        WHERE u.email = login_account.username AND NOT u.organization AND NOT u.robot;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.login_account(text) IS 'Person of that user name, else of that e-mail address; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_user(username text, secret text, OUT account quay."user", OUT error text, OUT retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    matches boolean;
BEGIN
    account := quay_internal.login_account(username);
    retry_after := quay_internal.login_wait(account);
    IF retry_after IS NOT NULL THEN
        error := 'Too many login attempts.';
        RETURN;
    END IF;

    -- Hashing takes long, so it comes before the lock. Of many guesses at once the first to get the lock decides: it either fails and makes
    -- the others wait, whatever they guessed, or is right.
    matches := quay_internal.password_verify(secret, account.password_hash, quay_internal.setting('bcrypt_cost')::integer);
    IF account.id IS NOT NULL AND quay_internal.can_write() THEN
        SELECT * INTO account FROM quay."user" AS u
        WHERE u.id = account.id AND u.password_hash IS NOT DISTINCT FROM account.password_hash FOR NO KEY UPDATE;
        retry_after := quay_internal.login_wait(account);
        IF retry_after IS NOT NULL THEN
            error := 'Too many login attempts.';
            RETURN;
        END IF;
        IF NOT matches THEN
            UPDATE quay."user" AS u
            SET invalid_login_attempts = least(u.invalid_login_attempts, 2147483646) + 1, last_invalid_login = quay_internal.utc_now()
            WHERE u.id = account.id;
        ELSIF account.invalid_login_attempts > 0 THEN
            UPDATE quay."user" AS u SET invalid_login_attempts = 0 WHERE u.id = account.id;
        END IF;
    END IF;
    error := CASE
        WHEN account.id IS NULL OR NOT matches THEN 'Invalid Username or Password'
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_user(text, text) IS
    'Checks a password, counting failures. Result: the person whose name or address it is, why not, and how long to wait.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_robot(username text, secret text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user";
    stored_token text;
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = authenticate_robot.username AND u.robot;
    SELECT * INTO owner FROM quay."user" AS u WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot;
    SELECT t.token INTO stored_token FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = account.id;
    error := CASE
        WHEN quay_internal.setting('robots_disallow')::boolean
            THEN 'Robot account have been disabled. Please contact your administrator.'
        WHEN account.id IS NULL THEN 'Could not find robot with specified username'
        WHEN owner.id IS NULL THEN format('Robot %s owner does not exist', account.username)
        WHEN NOT owner.enabled THEN format('Robot %s owner %s is disabled', account.username, owner.username)
        WHEN NOT quay_internal.field_matches(stored_token, secret)
            THEN format('Could not find robot with username: %s and supplied password.', account.username)
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_robot(text, text) IS
    'Checks the token of a robot. Result: the robot, and why not. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.authenticate(username text, secret text, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (kind text, actor text, scopes text, error text, retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
    namespace_id bigint;
BEGIN
    kind := CASE
        WHEN authenticate.username = '$token' THEN 'token'
        WHEN authenticate.username = '$app' THEN 'app_specific_token'
        WHEN authenticate.username = '$oauthtoken' THEN 'oauth_token'
        WHEN authenticate.username LIKE '%+%' THEN 'robot'
        ELSE 'user'
    END;
    IF kind = 'user' THEN
        checked := quay_internal.authenticate_user(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
        retry_after := checked.retry_after;
    ELSIF kind = 'robot' THEN
        checked := quay_internal.authenticate_robot(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
    ELSE
        error := format('Credentials of the kind %s are not supported by this version', authenticate.username);
    END IF;

    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(account.id);
        END IF;
    ELSIF retry_after IS NULL AND quay_internal.can_write() THEN
        -- A refusal without a check of the secret is cheap and leaves no row, or it would be a way to fill the log.
        SELECT u.id INTO namespace_id FROM quay."user" AS u
        WHERE u.username = split_part(account.username, '+', 1);
        PERFORM quay_internal.log_add('login_failure', namespace_id, CASE WHEN kind = 'robot' THEN account.id END, NULL,
            jsonb_build_object('type', 'quayauth', 'kind', kind, CASE WHEN kind = 'robot' THEN 'robot' ELSE 'username' END,
                left(authenticate.username, 255), 'useragent', user_agent, 'message', error), authenticate.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.authenticate(text, text, text, text) IS
    'Who has this user name and secret? One row. kind: user, robot, token, app_specific_token or oauth_token, as the name tells. actor: the user name to pass on, NULL if refused. scopes: NULL for no limit. error: why it was refused, in the words of the reference. retry_after: how long failed logins keep this user waiting. Failed and successful logins are recorded unless the transaction is read-only. An e-mail address does for the name of a person. Errors: QY060 the stored secret cannot be decrypted.';
