-- The bootstrap token, with which machines set up the registry: an OAuth token of an application of a superuser. Its data mark it as such;
-- other tokens of the application are ordinary ones.

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_is_marked(data text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(quay_internal.json_read(data) ->> 'kind' = 'bootstrap', false);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_is_marked(text) IS 'Do the data of an OAuth token say that it is a bootstrap token? Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_owner(OUT account quay."user", OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_name text := quay_internal.setting('bootstrap_token_owner');
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = owner_name AND NOT u.robot AND NOT u.organization;
    problem := CASE
        WHEN NOT quay_internal.setting('bootstrap')::boolean THEN 'The setting quay.bootstrap is off.'
        WHEN owner_name = '' THEN 'The setting quay.bootstrap_token_owner is empty.'
        WHEN account.id IS NULL THEN format('There is no person named "%s".', left(owner_name, 80))
        WHEN NOT account.enabled THEN format('"%s" was disabled by an administrator.', account.username)
        WHEN quay.superuser_kind(account.username) IS DISTINCT FROM 'superuser' THEN format('"%s" is not a superuser.', account.username)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_owner() IS 'The person whom the settings make the owner of the bootstrap token, and why there can be none, as a sentence.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_applications(owner_id bigint DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT a.id FROM quay.oauthapplication AS a
                 WHERE a.name = '__quay_bootstrap_app' AND (bootstrap_applications.owner_id IS NULL OR a.organization_id = owner_id)
                   AND EXISTS (SELECT FROM quay.oauthaccesstoken AS t
                               WHERE t.application_id = a.id AND quay_internal.bootstrap_is_marked(t.data))
                 ORDER BY a.id DESC);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_applications(bigint) IS
    'Applications of that name that have a bootstrap token, of a namespace or all, newest first. The newest of the owner is the one that counts.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_problem(token quay.oauthaccesstoken, expired_too boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record := quay_internal.bootstrap_owner();
BEGIN
    RETURN CASE
        WHEN owner.problem IS NOT NULL THEN owner.problem
        WHEN bootstrap_token_problem.token.id IS NULL OR NOT quay_internal.bootstrap_is_marked(bootstrap_token_problem.token.data)
             OR bootstrap_token_problem.token.authorized_user_id <> (owner.account).id
             OR (quay_internal.bootstrap_applications((owner.account).id))[1] IS DISTINCT FROM bootstrap_token_problem.token.application_id
            THEN 'It is not the bootstrap token.'
        WHEN bootstrap_token_problem.token.expires_at <= quay_internal.utc_now() AND NOT coalesce(expired_too, false)
            THEN 'The bootstrap token has expired.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_problem(quay.oauthaccesstoken, boolean) IS
    'Why the row is not a bootstrap token that may be used, as a sentence; NULL if it is.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_insert(application_id bigint, owner quay."user", ip text,
    OUT token text, OUT token_uuid text, OUT scopes text, OUT expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication;
    added record;
BEGIN
    scopes := quay.oauth_scope_normalize(quay_internal.setting('bootstrap_token_scope'));
    added := quay_internal.oauth_token_insert(bootstrap_token_insert.application_id, owner.id, scopes,
        quay_internal.setting('bootstrap_token_expiration')::integer,
        jsonb_build_object('kind', 'bootstrap', 'owner', owner.username, 'application_name', '__quay_bootstrap_app', 'username', owner.username));
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.application_id = bootstrap_token_insert.application_id AND t.id <> added.token_id AND quay_internal.bootstrap_is_marked(t.data);
    SELECT * INTO target FROM quay.oauthapplication AS a WHERE a.id = bootstrap_token_insert.application_id;
    PERFORM quay_internal.oauth_application_log('create_oauth_api_token', target, owner.username, bootstrap_token_insert.ip,
        jsonb_build_object('token_uuid', added.uuid, 'username', owner.username, 'scope', scopes, 'kind', 'bootstrap'));
    token := added.token;
    token_uuid := added.uuid;
    expires_at := added.expires_at;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_insert(bigint, quay."user", text) IS
    'Makes a new bootstrap token in the application, and deletes the others that it has. Errors: QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_lock() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The key that the reference application takes.
    PERFORM pg_advisory_xact_lock(2468769807656562489);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_lock() IS 'One transaction at a time makes bootstrap tokens.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_check(token text, local boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.bootstrap_token_problem((quay_internal.oauth_token_match(bootstrap_token_check.token)).token, local);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_check(text, boolean) IS
    'Why this is not the bootstrap token, as a sentence; NULL if it is. local: the request comes from the machine itself, so the token may have expired.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_ensure(given_token text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token text, is_new boolean, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
    known quay.oauthaccesstoken;
    application_id bigint;
    added record;
BEGIN
    IF NOT quay_internal.can_write() THEN
        RETURN;
    END IF;
    PERFORM quay_internal.bootstrap_lock();
    IF NOT quay_internal.setting('bootstrap')::boolean THEN
        PERFORM quay_internal.oauth_application_drop(quay_internal.bootstrap_applications());
        RETURN;
    END IF;
    owner := quay_internal.bootstrap_owner();
    IF owner.problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'there cannot be a bootstrap token',
            DETAIL = owner.problem,
            HINT = 'Set quay.bootstrap_token_owner to a person who is a superuser of the registry.';
    END IF;

    -- The newest application of the owner counts; all others, also of earlier owners, are left-overs.
    application_id := (quay_internal.bootstrap_applications((owner.account).id))[1];
    PERFORM quay_internal.oauth_application_drop(array_remove(quay_internal.bootstrap_applications(), application_id));
    IF given_token IS NOT NULL THEN
        known := (quay_internal.oauth_token_match(given_token)).token;
        IF quay_internal.bootstrap_token_problem(known, false) IS NULL THEN
            RETURN QUERY VALUES (given_token, false, known.uuid::text, known.scope::text, known.expires_at);
            RETURN;
        END IF;
    END IF;
    IF application_id IS NULL THEN
        application_id := (quay_internal.oauth_application_insert((owner.account).id, '__quay_bootstrap_app', '', '', '', NULL,
            quay_internal.token_random(20), quay_internal.token_random(40))).id;
    END IF;
    added := quay_internal.bootstrap_token_insert(application_id, owner.account, ip);
    RETURN QUERY VALUES (added.token, true, added.token_uuid, added.scopes, added.expires_at);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_ensure(text, text) IS
'For the start of the registry: sees to it that there is a bootstrap token, and one only.

given_token: the one in the client''s file, NULL if there is no file. If it is good, it is kept, and is_new is false. Otherwise a new one is made, and the client writes it to the file before it commits: if that fails, it rolls back.
Applications with bootstrap tokens of former owners, and all but the newest of the owner, are deleted. With quay.bootstrap off all are deleted, and there is no row; nor if the transaction is read-only, where nothing is done.
Errors: QY015 quay.bootstrap_token_owner is not an enabled superuser, QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_renew(given_token text, local boolean DEFAULT false, ip text DEFAULT NULL)
    RETURNS TABLE (error text, token text, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known quay.oauthaccesstoken := (quay_internal.oauth_token_match(given_token)).token;
    owner record;
    added record;
BEGIN
    -- Before the lock, so that nobody can keep it busy with guesses, and behind it, since another call may have renewed the token meanwhile.
    error := quay_internal.bootstrap_token_problem(known, local);
    IF error IS NULL THEN
        PERFORM quay_internal.bootstrap_lock();
        SELECT * INTO known FROM quay.oauthaccesstoken AS t WHERE t.id = known.id FOR UPDATE;
        error := quay_internal.bootstrap_token_problem(known, local);
    END IF;
    IF error IS NULL THEN
        owner := quay_internal.bootstrap_owner();
        added := quay_internal.bootstrap_token_insert(known.application_id, owner.account, ip);
        token := added.token;
        token_uuid := added.token_uuid;
        scopes := added.scopes;
        expires_at := added.expires_at;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_renew(text, boolean, text) IS
'Replaces the bootstrap token by a new one. Always one row. Of two calls at once one succeeds.

local: the request comes from the machine itself, so the token may have expired. error: why it is refused, as a sentence; NULL if it is not. The old token is void once the transaction commits; the client writes the new one to its file before, and rolls back if that fails. Other tokens of the application stay.
Errors: QY072 quay.bootstrap_token_scope is invalid.';
