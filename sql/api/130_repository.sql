-- Repositories: creation with everything that belongs to it, what there is to know about one, its settings, and its mark for deletion.

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

CREATE OR REPLACE FUNCTION quay_internal.repository_state_name(state integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE state WHEN 0 THEN 'normal' WHEN 1 THEN 'read_only' WHEN 2 THEN 'mirror' WHEN 3 THEN 'marked_for_deletion'
                      WHEN 4 THEN 'org_mirror' END;
COMMENT ON FUNCTION quay_internal.repository_state_name(integer) IS
    'Name of a repository.state: normal, read_only, mirror, marked_for_deletion or org_mirror. NULL for any other number.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_problem(name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(repository_name_problem.name, '/') > 0 AND NOT quay_internal.setting('extended_repository_names')::boolean THEN
        RETURN 'It contains a "/", and nested repositories are not supported here.';
    END IF;
    RETURN quay_internal.name_problem('repository', repository_name_problem.name);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_problem(text) IS
    'Why a new repository cannot have this name, as a sentence; NULL if it can. A "/" needs the setting quay.extended_repository_names.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_check(name text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.name_check('repository', repository_name_check.name);
    IF quay_internal.repository_name_problem(repository_name_check.name) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal repository name',
            DETAIL = format('"%s": %s', left(repository_name_check.name, 80), quay_internal.repository_name_problem(repository_name_check.name)),
            HINT = 'Use a name without "/", or have quay.extended_repository_names switched on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_check(text) IS
    'Refuses (QY001) a name that a new repository cannot have.';

CREATE OR REPLACE FUNCTION quay.repository_create(namespace text, name text, creator text DEFAULT NULL, visibility text DEFAULT 'private',
                                                  description text DEFAULT NULL, kind text DEFAULT 'image',
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL, proxy_cache boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A mirror configuration of the organization is made under FOR UPDATE of this row: it either sees our repository, or we see it.
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(coalesce(repository_create.actor, repository_create.creator));
    author quay."user";
    created quay.repository;
BEGIN
    PERFORM quay_internal.repository_name_check(repository_create.name);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c
               WHERE c.organization_id = owner.id AND c.internal_robot_id IS DISTINCT FROM performer_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'organization is a mirror',
            DETAIL = format('Only the robot of its mirror configuration creates repositories in "%s".', owner.username),
            HINT = 'Pass that robot as actor, or remove the mirror configuration of the organization.';
    END IF;
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
        VALUES (author.id, created.id, quay_internal.role_id(CASE WHEN repository_create.proxy_cache THEN 'read' ELSE 'admin' END));
        IF author.id <> owner.id THEN
            PERFORM quay_internal.permission_apply_default(created, author.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('create_repo', owner.id, performer_id, created.id,
        jsonb_build_object('namespace', namespace, 'repo', repository_create.name), repository_create.ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.repository_create(text, text, text, text, text, text, text, text, boolean) IS
    'Creates a repository and returns its id. The creator, unless an organization, gets the role admin, or read with proxy_cache, which is for repositories that a pull through the cache creates; the default permissions of the namespace apply in the same transaction, unless the creator is its owner. visibility: public or private; kind: image or application. The actor is the creator unless given. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY005 the organization is a mirror and the actor is not its robot, QY006 name taken, QY007 creator or actor unknown, QY009 unknown visibility or kind, QY013 creator is a robot of another namespace.';

-- Looking at repositories. Callers that answer people ask access_check() first.

CREATE OR REPLACE FUNCTION quay.repository_get_many(ids bigint[], username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, namespace text, name text, visibility text, kind text, state text, description text,
                   trust_enabled boolean, stars bigint, is_starred boolean, size_bytes bigint, namespace_id bigint,
                   namespace_is_organization boolean, namespace_enabled boolean, tag_expiration_s bigint, original_name text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    viewer_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = repository_get_many.username);
BEGIN
    RETURN QUERY
        SELECT r.id, u.username::text, r.name::text, v.name::text, k.name::text, quay_internal.repository_state_name(r.state), r.description,
               r.trust_enabled, (SELECT count(*) FROM quay.star AS s WHERE s.repository_id = r.id),
               EXISTS (SELECT FROM quay.star AS s WHERE s.user_id = viewer_id AND s.repository_id = r.id), quay_internal.size_of(u.id, r.id),
               u.id, u.organization, u.enabled, u.removed_tag_expiration_s, coalesce(d.original_name, r.name)::text
        FROM quay.repository AS r
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        LEFT JOIN quay.deletedrepository AS d ON d.repository_id = r.id
        WHERE r.id = ANY (ids)
        ORDER BY r.id;
END
$$;
COMMENT ON FUNCTION quay.repository_get_many(bigint[], text) IS
    'What there is to know about repositories, by their ids, in the order of these; ids that are unknown are left out. Also those that are marked for deletion, and those of disabled namespaces. state: normal, read_only, mirror, marked_for_deletion or org_mirror. stars: how many people starred it; is_starred: whether the user of that name did. size_bytes: of the blobs that its manifests refer to, each counted once. tag_expiration_s: how long the namespace keeps removed tags, in seconds. original_name: the name before it was marked for deletion.';

CREATE OR REPLACE FUNCTION quay.repository_get(namespace text, name text, username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, visibility text, kind text, state text, description text, trust_enabled boolean, stars bigint,
                   is_starred boolean, size_bytes bigint, namespace_id bigint, namespace_is_organization boolean, tag_expiration_s bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT g.repository_id, g.visibility, g.kind, g.state, g.description, g.trust_enabled, g.stars, g.is_starred, g.size_bytes,
               g.namespace_id, g.namespace_is_organization, g.tag_expiration_s
        FROM quay.repository_get_many(ARRAY[quay_internal.repository_find(repository_get.namespace, repository_get.name)],
                                      repository_get.username) AS g;
END
$$;
COMMENT ON FUNCTION quay.repository_get(text, text, text) IS
    'What there is to know about a repository; the columns are those of repository_get_many(). No row if it is unknown or marked for deletion, or its namespace disabled. username: whose star is_starred is about.';

CREATE OR REPLACE FUNCTION quay.repository_state_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quay_internal.repository_state_name(r.state) FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_state_get.namespace, repository_state_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_state_get(text, text) IS
    'State of a repository: normal, read_only, mirror or org_mirror. NULL if it is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_kind_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT k.name FROM quay.repository AS r JOIN quay.repositorykind AS k ON k.id = r.kind_id
            WHERE r.id = quay_internal.repository_find(repository_kind_get.namespace, repository_kind_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_kind_get(text, text) IS
    'Kind of a repository: image or application. NULL if it is unknown or marked for deletion, or its namespace disabled.';

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

CREATE OR REPLACE FUNCTION quay.repository_set_description(namespace text, name text, description text,
                                                           actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_description.actor);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET description = repository_set_description.description WHERE r.id = target.id;
    PERFORM quay_internal.log_add('set_repo_description', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'description', repository_set_description.description),
        repository_set_description.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_description(text, text, text, text, text) IS
    'Sets the description of a repository, a text in Markdown; NULL for none. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_set_trust(namespace text, name text, trust_enabled boolean,
                                                     actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_trust.actor);
    new_trust boolean := coalesce(repository_set_trust.trust_enabled, false);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET trust_enabled = new_trust WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_trust', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'trust_enabled', new_trust), repository_set_trust.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_trust(text, text, boolean, text, text) IS
    'Says whether the tags of a repository are signed; NULL counts as false. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.badge_token FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_badge_token_get.namespace, repository_badge_token_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_get(text, text) IS
    'The token that lets a web page show the status badge of a private repository. NULL if the repository is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_rotate(namespace text, name text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
    new_token text := gen_random_uuid()::text;
BEGIN
    UPDATE quay.repository AS r SET badge_token = new_token WHERE r.id = target.id;
    RETURN new_token;
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_rotate(text, text) IS
    'Replaces the token of the status badge of a repository and returns the new one. Badges with the old one show nothing any more. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_mark_deletion(namespace text, name text, delay interval DEFAULT '0', suffix text DEFAULT NULL,
                                                         actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_mark_deletion.actor);
    target quay.repository;
    marker_id bigint;
    new_queue_id bigint;
BEGIN
    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE, and later ones do not find the name any more. Of two calls the
    -- second one does not either.
    SELECT r.* INTO target FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_mark_deletion.namespace AND NOT u.robot AND r.name = repository_mark_deletion.name AND r.state <> 3
    FOR UPDATE OF r;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    DELETE FROM quay.star AS s WHERE s.repository_id = target.id;
    UPDATE quay.repository AS r SET name = left(concat_ws('_', gen_random_uuid(), suffix), 255), state = 3 WHERE r.id = target.id;
    INSERT INTO quay.deletedrepository (repository_id, marked, original_name)
    VALUES (target.id, quay_internal.utc_now(), target.name)
    RETURNING id INTO marker_id;
    new_queue_id := quay_internal.queue_add(quay_internal.queue_path('repositorygc', repository_mark_deletion.namespace, target.id::text),
        jsonb_build_object('marker_id', marker_id, 'original_name', target.name), coalesce(delay, '0'));
    UPDATE quay.deletedrepository AS d SET queue_id = new_queue_id::text WHERE d.id = marker_id;
    -- Not under the repository: its name is gone.
    PERFORM quay_internal.log_add('delete_repo', target.namespace_user_id, performer_id, NULL,
        jsonb_build_object('namespace', repository_mark_deletion.namespace, 'repo', target.name), repository_mark_deletion.ip);
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.repository_mark_deletion(text, text, interval, text, text, text) IS
    'Marks a repository for deletion and returns the id of its marker, NULL if there is no such repository. From then on nobody sees it and its name is free; its rows go when a worker takes the item of the queue repositorygc that this adds, after the delay. Waits for pushes under way. suffix is added to the name that it has until then, which is a random one. Works in a disabled namespace too. Errors: QY007 actor unknown.';

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
