-- Tokens for one repository ($token), which builds work with.

CREATE OR REPLACE FUNCTION quay.repository_token_create(namespace text, repository text, role text DEFAULT 'read', kind text DEFAULT NULL,
                                                        friendly_name text DEFAULT NULL, temporary boolean DEFAULT true,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, name text, token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_token_create.actor);
    token_role_id bigint := quay_internal.role_id(repository_token_create.role);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    token_kind_id bigint := (SELECT k.id FROM quay.accesstokenkind AS k WHERE k.name = repository_token_create.kind);
    code text := quay_internal.token_random(32);
BEGIN
    IF repository_token_create.kind IS NOT NULL AND token_kind_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of repository token',
            DETAIL = format('There is no kind "%s".', left(repository_token_create.kind, 80)),
            HINT = 'The table quay.accesstokenkind lists the kinds; NULL is none.';
    END IF;
    IF char_length(repository_token_create.friendly_name) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'name of a repository token is too long',
            DETAIL = format('It has %s characters.', char_length(repository_token_create.friendly_name)),
            HINT = 'Use at most 255 characters.';
    END IF;
    name := quay_internal.token_random(32);
    token := name || code;
    INSERT INTO quay.accesstoken AS t (friendly_name, repository_id, created, role_id, temporary, kind_id, token_code, token_name)
    VALUES (repository_token_create.friendly_name, target.id, quay_internal.utc_now(), token_role_id,
            coalesce(repository_token_create.temporary, true), token_kind_id, quay_internal.field_encrypt(code, 255),
            repository_token_create.name)
    RETURNING t.id INTO token_id;
    -- Those of builds come and go with these.
    IF NOT repository_token_create.temporary THEN
        PERFORM quay_internal.log_add('add_repo_accesstoken', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', repository, 'token', friendly_name, 'token_name', name, 'role', role),
            repository_token_create.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_token_create(text, text, text, text, text, boolean, text, text) IS
    'Makes a token that opens one repository with the role read, write or admin, to log in as $token. temporary: made for one build, and not written to the audit log; false makes a delegate token. kind: build-worker, pushpull-token or NULL. name: its first half, by which it is listed and deleted. Errors: 22023 friendly_name too long, QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown, QY009 unknown role or kind.';

CREATE OR REPLACE FUNCTION quay.repository_token_load(token text)
    RETURNS TABLE (token_id bigint, namespace text, repository text, role text, friendly_name text, temporary boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, u.username::text, r.name::text, o.name::text, t.friendly_name::text, t.temporary
        FROM quay_internal.repository_token_find(repository_token_load.token) AS t
        JOIN quay.repository AS r ON r.id = t.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.role AS o ON o.id = t.role_id;
END
$$;
COMMENT ON FUNCTION quay.repository_token_load(text) IS
    'What a repository token opens. No row: there is no such token. It does not expire, and the state of the repository is not looked at. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.repository_token_get(namespace text, repository text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    token text;
BEGIN
    SELECT t.token_name || quay_internal.field_decrypt(t.token_code) INTO token
    FROM quay.accesstoken AS t
    WHERE t.repository_id = target_id AND t.token_name = repository_token_get.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY074',
            MESSAGE = 'repository token does not exist',
            DETAIL = format('"%s/%s" has no token named "%s".', namespace, repository, left(repository_token_get.name, 80)),
            HINT = 'quay.repository_token_list() names those that there are.';
    END IF;
    RETURN token;
END
$$;
COMMENT ON FUNCTION quay.repository_token_get(text, text, text) IS
    'The whole repository token of that name, which is its first half. Errors: QY002, QY003, QY004, QY060 it cannot be decrypted, QY074 the repository has no such token.';

CREATE OR REPLACE FUNCTION quay.repository_token_list(namespace text, repository text, after bigint DEFAULT NULL, n integer DEFAULT 100,
                                                      OUT token_id bigint, OUT name text, OUT friendly_name text, OUT role text,
                                                      OUT kind text, OUT temporary boolean, OUT created timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.token_name::text, t.friendly_name::text, o.name::text, k.name::text, t.temporary, t.created
        FROM quay.accesstoken AS t
        JOIN quay.role AS o ON o.id = t.role_id
        LEFT JOIN quay.accesstokenkind AS k ON k.id = t.kind_id
        WHERE t.repository_id = target_id AND t.id > coalesce(repository_token_list.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(repository_token_list.n);
END
$$;
COMMENT ON FUNCTION quay.repository_token_list(text, text, bigint, integer) IS
    'Tokens of a repository without their secrets, at most n with a token_id above after. created in UTC. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.repository_token_delete(namespace text, repository text, name text,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_token_delete.actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    gone record;
BEGIN
    SELECT t.id, t.friendly_name, t.temporary INTO gone FROM quay.accesstoken AS t
    WHERE t.repository_id = target.id AND t.token_name = repository_token_delete.name
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    BEGIN
        UPDATE quay.repositorybuildtrigger AS b SET write_token_id = NULL WHERE b.write_token_id = gone.id;
        DELETE FROM quay.accesstoken AS t WHERE t.id = gone.id;
    EXCEPTION WHEN foreign_key_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'object_in_use',
            MESSAGE = 'repository token belongs to a build',
            DETAIL = format('A build of "%s/%s" was made with it.', namespace, repository),
            HINT = 'Delete the build first.';
    END;
    IF NOT gone.temporary THEN
        PERFORM quay_internal.log_add('delete_repo_accesstoken', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', repository, 'token', gone.friendly_name, 'token_name', name),
            repository_token_delete.ip);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_token_delete(text, text, text, text, text) IS
    'Deletes a repository token. name: its first half. False: the repository has none of that name. Errors: QY002, QY003, QY004, QY007 actor unknown, 55006 a build was made with it.';
