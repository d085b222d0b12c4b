-- Who is it? From a user name and a secret, or from what a session or a registry token refers to, to an actor.

CREATE OR REPLACE FUNCTION quay_internal.can_write() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT current_setting('transaction_read_only')::boolean;
COMMENT ON FUNCTION quay_internal.can_write() IS 'May this transaction write? Not on a standby, and not if it is read-only.';

-- Last use. One row version per interval is enough, and a busy account must not queue up behind itself, hence SKIP LOCKED.

CREATE OR REPLACE FUNCTION quay_internal.user_touch(user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('touch_interval')::integer);
BEGIN
    IF quay_internal.setting('user_last_accessed')::boolean THEN
        UPDATE quay."user" AS u SET last_accessed = quay_internal.utc_now()
        FROM (SELECT s.id FROM quay."user" AS s
              WHERE s.id = user_touch.user_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
              FOR NO KEY UPDATE SKIP LOCKED) AS stale
        WHERE u.id = stale.id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_touch(bigint) IS
    'Records that a user was active now, at most once in quay.touch_interval, and not if quay.user_last_accessed is off.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_touch(token_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('touch_interval')::integer);
BEGIN
    IF quay_internal.setting('user_last_accessed')::boolean THEN
        UPDATE quay.appspecificauthtoken AS t SET last_accessed = quay_internal.utc_now()
        FROM (SELECT s.id FROM quay.appspecificauthtoken AS s
              WHERE s.id = app_token_touch.token_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
              FOR NO KEY UPDATE SKIP LOCKED) AS stale
        WHERE t.id = stale.id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_touch(bigint) IS
    'Records that a token of an application was used now, at most once in quay.touch_interval, and not if quay.user_last_accessed is off.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_touch(token_id bigint, digest text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('oauth_token_touch_interval')::integer);
BEGIN
    UPDATE quay.oauthaccesstoken AS t
    SET last_accessed = CASE WHEN t.last_accessed >= stale_before THEN t.last_accessed ELSE quay_internal.utc_now() END,
        token_digest = coalesce(oauth_token_touch.digest, t.token_digest)
    FROM (SELECT s.id FROM quay.oauthaccesstoken AS s
          WHERE s.id = oauth_token_touch.token_id
            AND (oauth_token_touch.digest IS NOT NULL OR s.last_accessed IS NULL OR s.last_accessed < stale_before)
          FOR NO KEY UPDATE SKIP LOCKED) AS stale
    WHERE t.id = stale.id;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_touch(bigint, text) IS
    'Records that an OAuth token was used now, at most once in quay.oauth_token_touch_interval, and keeps its digest if one is given.';

-- Passwords

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

CREATE OR REPLACE FUNCTION quay_internal.authenticate_password(username text, secret text, sign_in boolean, OUT account quay."user",
                                                               OUT error text, OUT retry_after interval, OUT verified boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    provider text := quay_internal.setting('authentication_type');
    decrypted text := CASE WHEN NOT sign_in THEN quay_internal.password_decrypt(secret) END;
    checked record;
BEGIN
    error := CASE
        WHEN provider = 'apptoken' THEN 'An application specific token is required to login'
        WHEN provider <> 'database' THEN
            format('Passwords are checked by the identity provider (%s), not by the database of the registry', provider)
        WHEN sign_in AND NOT quay_internal.setting('direct_login')::boolean THEN 'Login with a password is disabled'
        WHEN NOT sign_in AND decrypted IS NULL AND quay_internal.setting('require_encrypted_basic_auth')::boolean
            THEN 'Client login with unencrypted passwords is disabled. Please generate an encrypted password in the user admin panel for use here.'
    END;
    IF error IS NOT NULL THEN
        RETURN;
    END IF;
    checked := quay_internal.authenticate_user(username, coalesce(decrypted, secret));
    account := checked.account;
    error := checked.error;
    retry_after := checked.retry_after;
    IF error IS NULL THEN
        verified := account.verified;
        IF sign_in AND NOT verified THEN
            error := 'The e-mail address of this user has not been confirmed.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_password(text, text, boolean) IS
    'authenticate_user() under the settings: where passwords are checked, and in which form. sign_in: at the web console, where they come plain and need a confirmed e-mail address. verified: whether it is confirmed; NULL unless the password was right.';

-- Robots

CREATE OR REPLACE FUNCTION quay_internal.robot_account(username text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_name text;
    owner_enabled boolean;
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = robot_account.username AND u.robot;
    SELECT u.username, u.enabled INTO owner_name, owner_enabled FROM quay."user" AS u
    WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot;
    error := CASE
        WHEN quay_internal.setting('robots_disallow')::boolean
             AND NOT EXISTS (SELECT FROM quay.allowed_robot AS a WHERE a.username = robot_account.username)
            THEN 'Robot account have been disabled. Please contact your administrator.'
        WHEN account.id IS NULL THEN 'Could not find robot with specified username'
        WHEN owner_name IS NULL THEN format('Robot %s owner does not exist', account.username)
        WHEN NOT owner_enabled THEN format('Robot %s owner %s is disabled', account.username, owner_name)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_account(text) IS
    'Robot of that full name, and why it may not log in whatever its secret is. That it is disabled itself is for the caller to look at.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_robot(username text, secret text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    stored_token text;
BEGIN
    checked := quay_internal.robot_account(username);
    account := checked.account;
    error := checked.error;
    IF error IS NULL AND quay_internal.jwt_is(secret) THEN
        error := quay_internal.robot_jwt_problem(account.username, secret);
    ELSIF error IS NULL THEN
        SELECT t.token INTO stored_token FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = account.id;
        IF NOT quay_internal.field_matches(stored_token, secret) THEN
            error := format('Could not find robot with username: %s and supplied password.', account.username);
        END IF;
    END IF;
    IF error IS NULL AND NOT account.enabled THEN
        error := 'This user has been disabled. Please contact your administrator.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_robot(text, text) IS
    'Checks the token of a robot, or a JSON web token that the registry signed for it. Result: the robot, and why not. Errors: QY060 the stored token cannot be decrypted.';

-- Tokens. Each is found by its first half, which is stored in clear, and proven by the rest.

CREATE OR REPLACE FUNCTION quay_internal.repository_token_find(token text) RETURNS quay.accesstoken
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.accesstoken;
BEGIN
    SELECT * INTO result FROM quay.accesstoken AS t WHERE t.token_name = left(repository_token_find.token, 32);
    IF NOT quay_internal.field_matches(result.token_code, substr(repository_token_find.token, 33)) THEN
        RETURN NULL;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_token_find(text) IS
    'Repository token of these 64 characters; NULL if there is none. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay_internal.repository_token_scopes(token quay.accesstoken) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('repository:%s/%s:%s', u.username, r.name,
                          CASE o.name WHEN 'read' THEN 'pull' WHEN 'write' THEN 'pull,push' WHEN 'admin' THEN 'pull,push,*' END)
            FROM quay.repository AS r
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.role AS o ON o.id = repository_token_scopes.token.role_id
            WHERE r.id = repository_token_scopes.token.repository_id);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_token_scopes(quay.accesstoken) IS
    'What a repository token opens, as a scope of the registry: repository:<namespace>/<name>:pull, pull,push or pull,push,*.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_problem(token quay.appspecificauthtoken, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.id = app_token_problem.token.user_id;
    error := CASE
        WHEN account.id IS NULL OR app_token_problem.token.expiration <= quay_internal.utc_now() THEN 'Invalid token'
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
        WHEN account.organization THEN 'Cannot login to organization'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_problem(quay.appspecificauthtoken) IS
    'Owner of a token of an application, and why it does not let him in. A row of NULLs is no token.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_app_token(secret text, OUT account quay."user", OUT error text,
                                                                OUT token quay.appspecificauthtoken)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
BEGIN
    SELECT * INTO token FROM quay.appspecificauthtoken AS t WHERE t.token_name = left(secret, 60);
    IF NOT quay_internal.field_matches(token.token_secret, substr(secret, 61)) THEN
        token := NULL;
    END IF;
    checked := quay_internal.app_token_problem(token);
    account := checked.account;
    error := checked.error;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_app_token(text) IS
    'Checks a token of an application. Result: its owner, why not, and the token. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_match(secret text, OUT token quay.oauthaccesstoken, OUT new_digest text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    digest text := quay_internal.secret_digest(secret);
BEGIN
    IF char_length(secret) > 20 THEN
        SELECT * INTO token FROM quay.oauthaccesstoken AS t WHERE t.token_name = left(secret, 20);
    END IF;
    -- A known digest spares bcrypt. Without one, or with one of an older key, bcrypt decides; and for a token that does not exist as well,
    -- so that all refusals take the same time.
    IF NOT quay_internal.secret_equal(token.token_digest, digest) THEN
        IF quay_internal.password_verify(substr(secret, 21), token.token_code, quay_internal.setting('bcrypt_cost')::integer) THEN
            new_digest := digest;
        ELSE
            token := NULL;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_match(text) IS
    'OAuth token with this secret, expired or not; a row of NULLs if there is none. new_digest: the digest to keep in the row, NULL if it has it.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_problem(token quay.oauthaccesstoken, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.id = oauth_token_problem.token.authorized_user_id;
    error := CASE
        WHEN account.id IS NULL THEN 'OAuth access token could not be validated'
        WHEN oauth_token_problem.token.expires_at <= quay_internal.utc_now() THEN 'OAuth access token has expired'
        WHEN NOT account.enabled THEN 'Granter of the oauth access token is disabled'
        WHEN account.organization THEN 'Cannot login to organization'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_problem(quay.oauthaccesstoken) IS
    'User for whom an OAuth token acts, and why it does not let him in. A row of NULLs is no token.';

CREATE OR REPLACE FUNCTION quay.authenticate(username text, secret text, ip text DEFAULT NULL, user_agent text DEFAULT NULL,
                                             sign_in boolean DEFAULT false)
    RETURNS TABLE (kind text, actor text, scopes text, error text, retry_after interval, verified boolean, reference text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
    app_token quay.appspecificauthtoken;
    oauth_token quay.oauthaccesstoken;
    digest text;
    namespace_id bigint;
BEGIN
    kind := CASE
        WHEN authenticate.username = '$token' THEN 'token'
        WHEN authenticate.username = '$app' AND quay_internal.setting('app_specific_tokens')::boolean THEN 'app_specific_token'
        WHEN authenticate.username = '$oauthtoken' THEN 'oauth_token'
        -- The address of a person may have a "+" as well.
        WHEN authenticate.username LIKE '%+%' AND authenticate.username NOT LIKE '%@%' THEN 'robot'
        ELSE 'user'
    END;
    CASE kind
    WHEN 'user' THEN
        checked := quay_internal.authenticate_password(authenticate.username, secret, coalesce(sign_in, false));
        account := checked.account;
        error := checked.error;
        retry_after := checked.retry_after;
        verified := checked.verified;
        reference := account.uuid;
    WHEN 'robot' THEN
        checked := quay_internal.authenticate_robot(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
        reference := account.username;
    WHEN 'app_specific_token' THEN
        checked := quay_internal.authenticate_app_token(secret);
        account := checked.account;
        error := checked.error;
        app_token := checked.token;
        reference := app_token.uuid;
    WHEN 'oauth_token' THEN
        checked := quay_internal.oauth_token_match(secret);
        oauth_token := checked.token;
        digest := checked.new_digest;
        checked := quay_internal.oauth_token_problem(oauth_token);
        account := checked.account;
        error := checked.error;
        scopes := oauth_token.scope;
        reference := oauth_token.uuid;
    WHEN 'token' THEN
        scopes := quay_internal.repository_token_scopes(quay_internal.repository_token_find(secret));
        error := CASE WHEN scopes IS NULL THEN 'Invalid access token' END;
        reference := secret;
    END CASE;

    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            CASE kind
            WHEN 'app_specific_token' THEN PERFORM quay_internal.app_token_touch(app_token.id);
            WHEN 'oauth_token' THEN PERFORM quay_internal.oauth_token_touch(oauth_token.id, digest);
            ELSE PERFORM quay_internal.user_touch(account.id);
            END CASE;
        END IF;
    ELSE
        scopes := NULL;
        reference := NULL;
        -- A refusal without a check of the secret is cheap and leaves no row, or it would be a way to fill the log.
        IF retry_after IS NULL AND quay_internal.can_write() AND quay_internal.setting('audit_login_failures')::boolean THEN
            SELECT u.id INTO namespace_id FROM quay."user" AS u
            WHERE u.username = split_part(account.username, '+', 1);
            PERFORM quay_internal.log_add('login_failure', namespace_id, CASE WHEN kind <> 'user' THEN account.id END, NULL,
                jsonb_build_object('type', 'quayauth', 'kind', kind,
                    CASE WHEN kind = 'robot' THEN 'robot' ELSE 'username' END,
                    left(CASE WHEN kind IN ('user', 'robot') THEN authenticate.username ELSE coalesce(account.username, authenticate.username) END, 255),
                    'useragent', user_agent, 'message', error)
                || jsonb_strip_nulls(jsonb_build_object(
                    'app_specific_token', app_token.uuid, 'app_specific_token_title', app_token.title, 'oauth_token_uuid', oauth_token.uuid,
                    'oauth_token_application', (SELECT a.name FROM quay.oauthapplication AS a WHERE a.id = oauth_token.application_id))),
                authenticate.ip);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.authenticate(text, text, text, text, boolean) IS
'Who has this user name and secret? Always one row. The only entry for credentials.

username, secret: a user name or e-mail address and a password, plain or encrypted with quay.secret_key; the full name of a robot and its token, or a JSON web token that the registry signed for it; $app and a token of an application; $oauthtoken and an OAuth access token; $token and a repository token.
sign_in: true at the web console. The password comes plain then, needs quay.direct_login, and the e-mail address must have been confirmed.

kind: user, robot, app_specific_token, oauth_token or token, as the name tells.
actor, scopes: what to pass on to access_check() and others; scopes NULL is no limit. A repository token has no actor, and opens its repository by the scope repository:<namespace>/<name>:<actions>. Both are NULL if the login is refused.
error: why it is refused, in the words of the reference; NULL if it is not.
retry_after: how long failed logins keep this user waiting. An attempt meanwhile is neither checked nor counted.
verified: is the e-mail address of the person confirmed? NULL unless a right password was given; with an error beside it, that is the only obstacle.
reference: what a session or a registry token names the credential by, for actor_resolve(): the uuid of the person (the session id), of the token of an application or of the OAuth token, the name of the robot, the repository token itself.

Records failures (quay.audit_login_failures) and last use, unless the transaction is read-only. Where an identity provider checks passwords (quay.authentication_type), the client asks it, and here nobody logs in with one.
Errors: QY060 the stored secret cannot be decrypted, 55000 quay.database_secret_key is not set.';

CREATE OR REPLACE FUNCTION quay.actor_resolve(kind text, reference text) RETURNS TABLE (actor text, scopes text, error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account quay."user";
    app_token quay.appspecificauthtoken;
    oauth_token quay.oauthaccesstoken;
    checked record;
BEGIN
    -- authenticate() writes two of the kinds with underscores.
    CASE replace(actor_resolve.kind, '_', '')
    WHEN 'user' THEN
        SELECT * INTO account FROM quay."user" AS u WHERE u.uuid = actor_resolve.reference AND NOT u.robot;
        error := CASE
            WHEN account.id IS NULL THEN 'Could not find matching user'
            WHEN NOT account.enabled THEN 'User account is disabled'
            WHEN account.organization THEN 'Cannot login to organization'
        END;
    WHEN 'robot' THEN
        checked := quay_internal.robot_account(actor_resolve.reference);
        account := checked.account;
        error := coalesce(checked.error, CASE WHEN NOT account.enabled THEN 'User account is disabled' END);
    WHEN 'appspecifictoken' THEN
        SELECT * INTO app_token FROM quay.appspecificauthtoken AS t WHERE t.uuid = actor_resolve.reference;
        checked := quay_internal.app_token_problem(app_token);
        account := checked.account;
        error := checked.error;
    WHEN 'oauthtoken' THEN
        SELECT * INTO oauth_token FROM quay.oauthaccesstoken AS t WHERE t.uuid = actor_resolve.reference;
        checked := quay_internal.oauth_token_problem(oauth_token);
        account := checked.account;
        scopes := oauth_token.scope;
        error := checked.error;
    WHEN 'token' THEN
        scopes := quay_internal.repository_token_scopes(quay_internal.repository_token_find(actor_resolve.reference));
        error := CASE WHEN scopes IS NULL THEN 'Invalid access token' END;
    WHEN 'anonymous' THEN
        NULL;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of actor',
            DETAIL = format('There is no kind "%s".', left(actor_resolve.kind, 80)),
            HINT = 'Kinds are user, robot, token, oauthtoken, appspecifictoken and anonymous.';
    END CASE;
    IF error IS NULL THEN
        actor := account.username;
    ELSE
        scopes := NULL;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.actor_resolve(text, text) IS
    'The actor behind a session or the context of a registry token, as things are now. Always one row. kind: user (reference: uuid, which is the session id), robot (full name), token (the whole repository token), oauthtoken (uuid), appspecifictoken (uuid) or anonymous (none); the kinds that authenticate() returns do as well. actor, scopes: as from authenticate(). error: why the reference is nobody any more, so anonymous; NULL if it is somebody. Errors: QY009 unknown kind, QY060 the stored token cannot be decrypted.';
