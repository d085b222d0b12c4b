-- What a registry token may do: the decision about one requested scope, with the repository that a push creates.

CREATE OR REPLACE FUNCTION quay.user_is_restricted(username text, external boolean DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF username IS NULL OR NOT quay_internal.setting('restricted_users')::boolean
       OR EXISTS (SELECT FROM quay.unrestricted_user AS f WHERE f.username = split_part(user_is_restricted.username, '+', 1)) THEN
        RETURN false;
    END IF;
    -- What another authority says counts only as long as nobody is listed here.
    RETURN coalesce(external, true) OR EXISTS (SELECT FROM quay.unrestricted_user);
END
$$;
COMMENT ON FUNCTION quay.user_is_restricted(text, boolean) IS
    'Is the user, or the owner of the robot, restricted: may he neither write into his own namespace nor create organizations? Nobody is without the setting quay.restricted_users, nor who is listed in quay.unrestricted_user. external: the answer of another authority, such as a directory; it decides if nobody is listed, and NULL means restricted. access_check() and registry_authorize() know the list only, and exempt superusers of the registry, which this function does not.';

CREATE OR REPLACE FUNCTION quay_internal.is_held_back(actor text, scopes text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.user_is_restricted(actor) AND quay.superuser_kind(actor, scopes) IS DISTINCT FROM 'superuser';
END
$$;
COMMENT ON FUNCTION quay_internal.is_held_back(text, text) IS 'Is the actor restricted, and no superuser of the registry?';

CREATE OR REPLACE FUNCTION quay_internal.organization_create_problem(actor text, scopes text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = organization_create_problem.actor AND NOT u.robot)
            THEN 'only people create organizations'
        WHEN quay_internal.is_held_back(actor, scopes) THEN 'restricted users create no organizations'
        WHEN quay_internal.setting('organization_creation_superusers_only')::boolean
             AND quay.superuser_kind(actor, scopes) IS DISTINCT FROM 'superuser' THEN 'only superusers create organizations'
        WHEN NOT quay.access_check_user(actor, actor, 'admin', scopes) THEN 'no right to create organizations'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_create_problem(text, text) IS 'Why the actor may not create an organization; NULL if he may.';

CREATE OR REPLACE FUNCTION quay.organization_can_create(actor text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.organization_create_problem(actor, scopes) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.organization_can_create(text, text) IS
    'May the actor create organizations? People may, with a direct login or the scope user:admin, but with quay.restricted_users only those in quay.unrestricted_user and superusers, and with quay.organization_creation_superusers_only only superusers. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay_internal.repository_create_problem(actor text, scopes text, namespace text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN split_part(actor, '+', 1) = namespace AND quay_internal.is_held_back(actor, scopes)
             AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = repository_create_problem.namespace AND u.organization)
            THEN 'restricted users create no repositories in their own namespaces'
        WHEN EXISTS (SELECT FROM quay.orgmirrorconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id
                     WHERE u.username = repository_create_problem.namespace) THEN 'the organization is a mirror'
        WHEN NOT quay.access_check_namespace(actor, namespace, 'create', scopes) THEN 'no right to create repositories'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_create_problem(text, text, text) IS
    'Why the actor may not create a repository in the namespace; NULL if he may.';

CREATE OR REPLACE FUNCTION quay.repository_can_create(actor text, namespace text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.repository_create_problem(actor, scopes, namespace) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.repository_can_create(text, text, text) IS
    'May the actor create repositories in the namespace? access_check_namespace() for create, less the namespaces of restricted users (quay.restricted_users) and organizations that are mirrors. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.registry_path_split(path text)
    RETURNS TABLE (namespace text, repository text, problem text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trimmed text := rtrim(registry_path_split.path, '/');
    slash integer := strpos(trimmed, '/');
BEGIN
    IF slash > 0 THEN
        namespace := left(trimmed, slash - 1);
        repository := substr(trimmed, slash + 1);
    ELSIF quay_internal.setting('library_support')::boolean THEN
        namespace := quay_internal.setting('library_namespace');
        repository := trimmed;
    ELSE
        problem := 'It does not name a namespace.';
        RETURN NEXT;
        RETURN;
    END IF;
    problem := CASE WHEN namespace = '' THEN 'It does not name a namespace.'
                    WHEN repository IS NULL THEN 'It is NULL.'
                    ELSE quay_internal.repository_name_problem(repository) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_path_split(text) IS
    'Splits the path of a repository at its first "/". A path without one lies in quay.library_namespace, with the setting quay.library_support. problem: why the path is not that of a repository, as a sentence; NULL if it can be. A "/" in the name of the repository needs the setting quay.extended_repository_names.';

CREATE OR REPLACE FUNCTION quay.registry_scope_parse(scope text)
    RETURNS TABLE (name text, namespace text, repository text, problem text, actions text[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := regexp_match(registry_scope_parse.scope, '^repository:([^[:space:]]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$');
    host text := quay_internal.setting('server_hostname') || '/';
    path text := CASE WHEN host <> '/' AND starts_with(parts[1], host) THEN substr(parts[1], length(host) + 1) ELSE parts[1] END;
BEGIN
    IF path ~ '^(?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+$' THEN
        name := parts[1];
        actions := string_to_array(parts[2], ',');
        SELECT s.namespace, s.repository, s.problem INTO namespace, repository, problem FROM quay.registry_path_split(path) AS s;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.registry_scope_parse(text) IS
    'Takes a requested scope of a registry token apart: repository:[host/]path:actions, host being quay.server_hostname. name is what the token repeats, host included; the next three columns are those of registry_path_split(); actions are pull, push and *. No row if the scope is malformed.';

CREATE OR REPLACE FUNCTION quay_internal.organization_create_on_push(actor text, scopes text, namespace text, ip text,
                                                                     OUT status text, OUT reason text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Organizations need an address of their own where addresses are confirmed: a mailbox delivers name+anything to name.
    address text := (SELECT regexp_replace(u.email, '^([^@]+)@([^@]+)$', '\1+' || organization_create_on_push.namespace || '@\2')
                     FROM quay."user" AS u WHERE u.username = organization_create_on_push.actor AND NOT u.robot AND strpos(u.email, '@') > 0);
BEGIN
    reason := CASE
        WHEN NOT quay_internal.setting('create_namespace_on_push')::boolean THEN 'namespace does not exist'
        ELSE coalesce(quay_internal.organization_create_problem(actor, scopes),
                      CASE WHEN NOT quay.access_check_namespace(actor, actor, 'create', scopes) THEN 'no right to create repositories' END)
    END;
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM quay.organization_create(name => organization_create_on_push.namespace, email => address,
                                         creator => organization_create_on_push.actor, actor => organization_create_on_push.actor,
                                         ip => organization_create_on_push.ip,
                                         email_required => quay_internal.setting('mailing')::boolean);
    EXCEPTION WHEN SQLSTATE 'QY001' OR SQLSTATE 'QY006' OR SQLSTATE 'QY010' OR SQLSTATE 'QY011' OR SQLSTATE 'QY015' THEN
        -- Another push may have created it meanwhile.
        IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = organization_create_on_push.namespace AND NOT u.robot) THEN
            status := 'unsupported';
            reason := 'organization cannot be created: ' || SQLERRM;
        END IF;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_create_on_push(text, text, text, text) IS
    'Creates the organization that a push names, with the setting quay.create_namespace_on_push. reason: why not; NULL if it is there now. status: unsupported if everybody would have failed.';

CREATE OR REPLACE FUNCTION quay_internal.repository_create_on_push(actor text, scopes text, namespace text, repository text, ip text,
                                                                   OUT status text, OUT reason text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = repository_create_on_push.namespace AND NOT u.robot);
BEGIN
    created := false;
    IF actor IS NULL THEN
        reason := CASE WHEN owner_id IS NULL THEN 'namespace does not exist' ELSE 'only users create repositories' END;
    ELSIF NOT quay_internal.can_write() THEN
        reason := 'the registry is read-only';
    ELSIF owner_id IS NULL THEN
        SELECT o.status, o.reason INTO status, reason
        FROM quay_internal.organization_create_on_push(actor, scopes, namespace, ip) AS o;
    END IF;
    reason := coalesce(reason, quay_internal.repository_create_problem(actor, scopes, namespace));
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;

    BEGIN
        PERFORM quay.repository_create(repository_create_on_push.namespace, repository_create_on_push.repository,
            creator => repository_create_on_push.actor,
            visibility => CASE WHEN quay_internal.setting('create_private_repository_on_push')::boolean THEN 'private' ELSE 'public' END,
            ip => repository_create_on_push.ip);
        created := true;
    EXCEPTION
        WHEN SQLSTATE 'QY006' THEN
            NULL;   -- another push was faster
        WHEN SQLSTATE 'QY002' OR SQLSTATE 'QY004' OR SQLSTATE 'QY005' OR SQLSTATE 'QY013' THEN
            reason := SQLERRM;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_create_on_push(text, text, text, text, text) IS
    'Creates the repository, and the organization, that a push names, if the actor may. reason: why not; NULL if it is there now. status: unsupported if the organization cannot have this name or the e-mail address made for it.';

CREATE OR REPLACE FUNCTION quay.registry_authorize(actor text, scopes text, namespace text, repository text, actions text[],
                                                   ip text DEFAULT NULL)
    RETURNS TABLE (granted text[], status text, reason text, created boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
    target record;
    right_to_pull boolean;
    right_to_admin boolean;
BEGIN
    IF EXISTS (SELECT FROM unnest(actions) AS a (action) WHERE a.action IS NULL OR a.action <> ALL (ARRAY['pull', 'push', '*'])) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown action of a registry token',
            DETAIL = format('The actions given are "%s".', left(array_to_string(actions, ',', 'NULL'), 80)),
            HINT = 'Actions are pull, push and *.';
    END IF;
    granted := '{}';
    status := 'ok';
    created := false;
    reason := CASE WHEN registry_authorize.repository IS NULL THEN 'It is NULL.'
                   ELSE quay_internal.repository_name_problem(registry_authorize.repository) END;
    IF reason IS NOT NULL THEN
        status := 'name_invalid';
        RETURN NEXT;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = registry_authorize.namespace AND NOT u.robot AND NOT u.enabled) THEN
        status := 'denied';
        reason := 'namespace is disabled';
        RETURN NEXT;
        RETURN;
    END IF;

    IF 'push' = ANY (actions) AND quay_internal.repository_find(registry_authorize.namespace, registry_authorize.repository) IS NULL THEN
        SELECT coalesce(c.status, 'ok'), c.reason, c.created INTO status, reason, created
        FROM quay_internal.repository_create_on_push(actor, scopes, namespace, repository, ip) AS c;
    END IF;
    SELECT u.id INTO owner FROM quay."user" AS u WHERE u.username = registry_authorize.namespace AND u.enabled AND NOT u.robot;
    IF NOT FOUND OR status <> 'ok' THEN
        reason := coalesce(reason, 'namespace does not exist');
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT r.id, r.state, k.name AS kind INTO target
    FROM quay.repository AS r JOIN quay.repositorykind AS k ON k.id = r.kind_id
    WHERE r.namespace_user_id = owner.id AND r.name = registry_authorize.repository AND r.state <> 3;

    IF 'push' = ANY (actions) THEN
        -- Who may create a repository may also fill it, whatever else the scopes let through.
        IF created OR target.id IS NOT NULL AND quay.access_check(actor, namespace, repository, 'write', scopes) THEN
            granted := granted || 'push'::text;
            reason := NULL;   -- if another push created it just now
        ELSIF target.id IS NULL THEN
            reason := coalesce(reason, 'the repository is being deleted');
        ELSE
            reason := CASE target.state WHEN 0 THEN 'no right to push' WHEN 1 THEN 'the repository is read-only'
                                        ELSE 'only the robot of the mirror pushes' END;
        END IF;
    END IF;

    IF 'pull' = ANY (actions) THEN
        right_to_pull := quay.access_check(actor, namespace, repository, 'read', scopes)
            -- What is not in the cache yet comes into it when a member of the organization pulls it.
            OR actor IS NOT NULL AND EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = owner.id)
               AND quay.access_check_namespace(actor, namespace, 'member', scopes);
        IF right_to_pull THEN
            granted := granted || 'pull'::text;
        ELSE
            reason := coalesce(reason, 'no right to pull');
        END IF;
    END IF;

    IF '*' = ANY (actions) THEN
        right_to_admin := quay.access_check(actor, namespace, repository, 'admin', scopes);
        IF right_to_admin AND target.state = 0 THEN
            granted := granted || '*'::text;
        ELSE
            reason := coalesce(reason, CASE WHEN NOT right_to_admin THEN 'no right to administer'
                                            WHEN target.id IS NULL THEN 'the repository does not exist'
                                            ELSE 'the repository is not in its normal state' END);
        END IF;
    END IF;

    IF cardinality(granted) > 0 AND target.kind <> 'image' THEN
        granted := '{}';
        status := 'unsupported';
        reason := format('the repository is for managing %ss and not container images', target.kind);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_authorize(text, text, text, text, text[], text) IS
'What a registry token may let its bearer do in one repository. A push creates the repository if there is none and the actor may create one: private, or public without the setting quay.create_private_repository_on_push; the actor gets admin in it. With quay.create_namespace_on_push a missing namespace becomes an organization of the actor.

actions: those of the requested scope, pull, push and *. actor, scopes: as for access_check(); anonymous, and scopes of the form repository:..., create nothing. ip: for the audit log.
granted: the actions that the token may carry, in the order push, pull, *.
status: ok, also if nothing is granted: give the token; denied: the namespace is disabled, refuse the whole request; name_invalid: no repository can have this name; unsupported: the repository is not for images, or the organization cannot be created.
reason: why something was not granted, for the log of the front end; NULL if all was. created: the repository is new.

push: the right to write; the state normal, or a mirror whose robot is the actor; and whoever just created the repository. pull: the right to read; in an organization with a proxy cache also its members, even what does not exist. *: the right to admin; only in the state normal. A token holds what was decided for as long as it lives, so give it a short life.
Error: 22023 unknown action.';
