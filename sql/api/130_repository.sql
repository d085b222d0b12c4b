-- Repositories: creation with everything that belongs to it, state, visibility, and the indexes of the search.

CREATE OR REPLACE FUNCTION quay_internal.visibility_id(visibility text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT v.id INTO found_id FROM quay.visibility AS v WHERE v.name = visibility_id.visibility;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown visibility',
            DETAIL = format('There is no visibility "%s".', left(visibility_id.visibility, 80)),
            HINT = 'A repository is public or private.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.visibility_id(text) IS 'Id of a visibility: public or private. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.repositorykind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT k.id INTO found_id FROM quay.repositorykind AS k WHERE k.name = repositorykind_id.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of repository',
            DETAIL = format('There is no kind "%s".', left(repositorykind_id.kind, 80)),
            HINT = 'Kinds of a repository are image and application.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.repositorykind_id(text) IS 'Id of a kind of repository: image or application. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.role_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.role AS r WHERE r.name = role_id.role;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role in a repository',
            DETAIL = format('There is no role "%s".', left(role_id.role, 80)),
            HINT = 'Roles in a repository are read, write and admin.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.role_id(text) IS 'Id of a role in a repository: read, write or admin. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.permission_apply_default(repository quay.repository, creator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- For each delegate a prototype of this creator goes before one for everybody, and a younger one before an older one.
    INSERT INTO quay.repositorypermission (user_id, team_id, repository_id, role_id)
    SELECT DISTINCT ON (p.delegate_user_id, p.delegate_team_id)
           p.delegate_user_id, p.delegate_team_id, repository.id, p.role_id
    FROM quay.permissionprototype AS p
    WHERE p.org_id = repository.namespace_user_id
      AND (p.activating_user_id = creator_id OR p.activating_user_id IS NULL)
      AND num_nonnulls(p.delegate_user_id, p.delegate_team_id) = 1
      AND p.delegate_user_id IS DISTINCT FROM creator_id
    ORDER BY p.delegate_user_id, p.delegate_team_id, p.activating_user_id IS NULL, p.id DESC;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_apply_default(quay.repository, bigint) IS
    'Gives the default permissions of the namespace to a repository just created, except to its creator, who has more.';

CREATE OR REPLACE FUNCTION quay.repository_create(namespace text, name text, creator text DEFAULT NULL, visibility text DEFAULT 'private',
                                                  description text DEFAULT NULL, kind text DEFAULT 'image',
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(coalesce(repository_create.actor, repository_create.creator));
    author quay."user";
    created quay.repository;
BEGIN
    PERFORM quay_internal.name_check('repository', repository_create.name);
    IF repository_create.creator IS NOT NULL THEN
        SELECT * INTO author FROM quay."user" AS u WHERE u.id = quay_internal.actor_id(repository_create.creator);
    END IF;

    INSERT INTO quay.repository (namespace_user_id, name, visibility_id, description, badge_token, kind_id)
    VALUES (owner.id, repository_create.name, quay_internal.visibility_id(repository_create.visibility),
            repository_create.description, gen_random_uuid()::text, quay_internal.repositorykind_id(repository_create.kind))
    ON CONFLICT DO NOTHING
    RETURNING * INTO created;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(namespace || '/' || repository_create.name, 'A repository');
    END IF;

    -- The reference's search score reads a first day that is over.
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    VALUES (created.id, 0, quay_internal.utc_now()::date - 1);
    INSERT INTO quay.repositorysearchscore (repository_id, score) VALUES (created.id, 0);
    IF author.id IS NOT NULL AND NOT author.organization THEN
        INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
        VALUES (author.id, created.id, quay_internal.role_id('admin'));
        IF author.id <> owner.id THEN
            PERFORM quay_internal.permission_apply_default(created, author.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('create_repo', owner.id, performer_id, created.id,
        jsonb_build_object('namespace', namespace, 'repo', repository_create.name), repository_create.ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.repository_create(text, text, text, text, text, text, text, text) IS
    'Creates a repository and returns its id. The creator, unless an organization, gets the role admin, and the default permissions of the namespace apply unless the creator is its owner. visibility: public or private; kind: image or application. The actor is the creator unless given. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 creator or actor unknown, QY009 unknown visibility or kind.';

CREATE OR REPLACE FUNCTION quay.repository_set_state(namespace text, name text, state text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_state.actor);
    new_state integer := CASE repository_set_state.state WHEN 'normal' THEN 0 WHEN 'read_only' THEN 1 WHEN 'mirror' THEN 2 END;
    target quay.repository;
BEGIN
    IF new_state IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown state of a repository',
            DETAIL = format('There is no state "%s" that can be set.', left(repository_set_state.state, 80)),
            HINT = 'States are normal, read_only and mirror.';
    END IF;

    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE: once we commit, nothing is pushed under the old state.
    PERFORM FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_set_state.namespace AND r.name = repository_set_state.name FOR UPDATE OF r;
    target := quay_internal.repository_get(namespace, name);
    IF target.state = 4 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is a mirror of an organization',
            DETAIL = format('The state of "%s/%s" follows the mirror configuration of its organization.', namespace, target.name),
            HINT = 'Remove the mirror configuration of the organization.';
    END IF;
    UPDATE quay.repository AS r SET state = new_state WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_state', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'state_changed', repository_set_state.state), repository_set_state.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_state(text, text, text, text, text) IS
    'Sets the state of a repository: normal, read_only or mirror. Waits for pushes under way, so that none is committed under the old state afterwards. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY005 mirror of an organization, QY007 actor unknown, QY009 unknown state.';

CREATE OR REPLACE FUNCTION quay.repository_set_visibility(namespace text, name text, visibility text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_visibility.actor);
    new_visibility_id bigint := quay_internal.visibility_id(repository_set_visibility.visibility);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET visibility_id = new_visibility_id WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_visibility', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'visibility', repository_set_visibility.visibility), repository_set_visibility.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_visibility(text, text, text, text, text) IS
    'Makes a repository public or private. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown, QY009 unknown visibility.';

CREATE OR REPLACE FUNCTION quay.search_index_create() RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trgm_schema name;
    indexed text;
BEGIN
    SELECT n.nspname INTO trgm_schema FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOREACH indexed IN ARRAY ARRAY['name', 'description'] LOOP
        CONTINUE WHEN to_regclass(format('quay.repository_%s__fulltext', indexed)) IS NOT NULL;
        -- IF NOT EXISTS alone loses a race: of two calls the second waits here.
        LOCK TABLE quay.repository IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON quay.repository USING gin (%I %I.gin_trgm_ops)',
            format('repository_%s__fulltext', indexed), indexed, trgm_schema);
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.search_index_create() IS
    'Creates the trigram indexes for repository search where they are missing. False if the extension pg_trgm is not installed. For the owner of the tables.';
