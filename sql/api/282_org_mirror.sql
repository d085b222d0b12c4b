-- Mirrors of whole organizations: their configuration, and the repositories that were found. Their runs stand in 288_org_mirror_sync.sql.

CREATE OR REPLACE FUNCTION quay_internal.registry_type(type text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF type IN ('harbor', 'quay') THEN
        RETURN CASE type WHEN 'harbor' THEN 1 ELSE 2 END;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY009',
        MESSAGE = 'unknown type of registry',
        DETAIL = format('There is no type "%s".', left(type, 80)),
        HINT = 'A source is of type harbor or quay.';
END
$$;
COMMENT ON FUNCTION quay_internal.registry_type(text) IS 'Number of a type of source registry: harbor or quay. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.registry_type_name(type integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE type WHEN 1 THEN 'harbor' WHEN 2 THEN 'quay' END;
COMMENT ON FUNCTION quay_internal.registry_type_name(integer) IS 'Name of a type of source registry: harbor or quay. NULL for any other number.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_source(config quay.orgmirrorconfig) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN regexp_replace(rtrim(config.external_registry_url, '/'), '^https?://', '') || '/' || config.external_namespace;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_source(quay.orgmirrorconfig) IS
    'What a mirror of an organization follows, as host[:port]/namespace: the beginning of references to its repositories.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_source_check(url text, namespace text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF url IS NOT NULL THEN
        PERFORM quay_internal.upstream_url_check(url);
        IF length(url) > 2048 THEN
            PERFORM quay_internal.mirror_refuse('The URL of the source has more than 2048 characters.', 'Pass a shorter one.');
        END IF;
    END IF;
    IF namespace !~ '^[^\s/\\?#%][^\s\\?#%]*$' OR length(namespace) > 255 THEN
        PERFORM quay_internal.mirror_refuse(format('"%s" is no namespace of a registry.', left(namespace, 80)),
            'Pass the name of a project or an organization, at most 255 characters.');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_source_check(text, text) IS
    'Refuses (QY083) a URL or a namespace that cannot be the source of a mirror; NULL is none.';

CREATE OR REPLACE FUNCTION quay.org_mirror_filter_matches(repository text, filters text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(cardinality(filters), 0) = 0 OR quay.mirror_rule_matches(repository, filters);
END
$$;
COMMENT ON FUNCTION quay.org_mirror_filter_matches(text, text[]) IS
    'Does a mirror of an organization with these filters copy a repository of this name? Filters are globs as in mirror_rule_matches(); one that matches is enough, and none at all means every repository. Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_unknown(organization text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY084',
        MESSAGE = 'organization is not a mirror',
        DETAIL = format('"%s" has no mirror configuration.', left(organization, 80)),
        HINT = 'Make it a mirror with quay.org_mirror_create().';
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_unknown(text) IS 'Raises QY084: the organization is no mirror.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_find(organization text) RETURNS quay.orgmirrorconfig
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.orgmirrorconfig;
BEGIN
    -- All columns in their order, but NULL for the credentials: readers have no right to them.
    SELECT c.id, c.organization_id, c.creation_date, c.is_enabled, c.mirror_type, c.external_registry_type, c.external_registry_url,
           c.external_namespace, NULL, NULL, c.external_registry_config, c.internal_robot_id, c.repository_filters, c.visibility_id,
           c.delete_stale_repos, c.sync_interval, c.sync_start_date, c.sync_expiration_date, c.sync_retries_remaining, c.sync_status,
           c.sync_transaction_id, c.skopeo_timeout, c.architecture_filter
    INTO result
    FROM quay.orgmirrorconfig AS c WHERE c.organization_id = (quay_internal.organization_get(organization)).id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_find(text) IS
    'Mirror configuration of an organization without its credentials; all NULL if it has none. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_lock(organization text) RETURNS quay.orgmirrorconfig
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user";
    result quay.orgmirrorconfig;
BEGIN
    PERFORM quay_internal.namespace_lock(organization);
    org := quay_internal.organization_get(organization);
    SELECT * INTO result FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM quay_internal.org_mirror_unknown(organization);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_lock(text) IS
    'Mirror configuration of an organization, locked. Errors: QY002, QY004, QY084 it has none.';

CREATE OR REPLACE FUNCTION quay.org_mirror_create(organization text, registry_type text, external_url text, external_namespace text, robot text,
                                                  sync_interval integer, visibility text DEFAULT 'private', sync_start timestamptz DEFAULT NULL,
                                                  filters text[] DEFAULT '{}', external_username text DEFAULT NULL,
                                                  external_password text DEFAULT NULL, external_config jsonb DEFAULT '{}',
                                                  architectures text[] DEFAULT '{}', timeout integer DEFAULT 300, enabled boolean DEFAULT true,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(org_mirror_create.actor);
    type_number integer := quay_internal.registry_type(org_mirror_create.registry_type);
    new_visibility_id bigint := quay_internal.visibility_id(org_mirror_create.visibility);
    settings jsonb := quay_internal.mirror_config_merge('{}', external_config);
    org quay."user";
    account quay."user";
    other text;
    new_id bigint;
BEGIN
    PERFORM quay_internal.org_mirror_source_check(coalesce(external_url, ''), coalesce(org_mirror_create.external_namespace, ''));
    PERFORM quay_internal.mirror_globs_check(filters, 'repositories');
    PERFORM quay_internal.mirror_architectures_check(architectures);
    PERFORM quay_internal.mirror_times_check(coalesce(org_mirror_create.sync_interval, 0), coalesce(timeout, 0), 60, 30, 3600);
    PERFORM quay_internal.mirror_credentials_check(nullif(external_username, ''), nullif(external_password, ''));

    -- Who creates a repository, a policy or a proxy cache locks this row as well: either they see our configuration, or we see theirs.
    PERFORM FROM quay."user" AS u WHERE u.username = org_mirror_create.organization AND NOT u.robot FOR UPDATE;
    org := quay_internal.organization_get(organization);
    account := quay_internal.mirror_robot(org, org_mirror_create.robot);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'organization has a mirror configuration',
            DETAIL = format('"%s" is a mirror already.', org.username),
            HINT = 'Change it with quay.org_mirror_update(), or remove it with quay.org_mirror_delete().';
    END IF;
    other := CASE
        WHEN EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id) THEN 'is a proxy cache'
        -- Those of repositories do not count: the only ones here are marked for deletion.
        WHEN EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = org.id) THEN 'has immutability policies' END;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'organization cannot be a mirror',
            DETAIL = format('"%s" %s.', org.username, other),
            HINT = 'Remove that configuration first.';
    END IF;
    SELECT min(r.name) INTO other FROM quay.repository AS r WHERE r.namespace_user_id = org.id AND r.state <> 3;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY084',
            MESSAGE = 'organization has repositories',
            DETAIL = format('"%s" has for example "%s"; a mirror starts empty.', org.username, left(other, 80)),
            HINT = 'Delete its repositories, or use another organization.';
    END IF;

    INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, is_enabled, mirror_type, external_registry_type, external_registry_url,
                                      external_namespace, external_registry_username, external_registry_password, external_registry_config,
                                      internal_robot_id, repository_filters, visibility_id, delete_stale_repos, sync_interval, sync_start_date,
                                      sync_retries_remaining, sync_status, sync_transaction_id, skopeo_timeout, architecture_filter)
    VALUES (org.id, quay_internal.utc_now(), coalesce(enabled, true), 1, type_number, external_url, org_mirror_create.external_namespace,
            quay_internal.credential_change(NULL, external_username, 4096), quay_internal.credential_change(NULL, external_password, 9000),
            settings::text, account.id, to_jsonb(coalesce(filters, '{}'))::text, new_visibility_id, false, org_mirror_create.sync_interval,
            coalesce(sync_start, quay_internal.clock()) AT TIME ZONE 'UTC', 3, 0, gen_random_uuid()::text, timeout,
            to_jsonb(coalesce(architectures, '{}'))::text)
    RETURNING id INTO new_id;
    PERFORM quay_internal.log_add('org_mirror_enabled', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username, 'external_registry_type', org_mirror_create.registry_type,
            'external_registry_url', external_url, 'external_namespace', org_mirror_create.external_namespace,
            'sync_interval', org_mirror_create.sync_interval, 'robot_username', account.username), ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_create(text, text, text, text, text, integer, text, timestamptz, text[], text, text, jsonb, text[], integer, boolean, text, text) IS
    'Makes an organization without repositories follow a project or an organization at another registry, and returns the id of the configuration. Workers find the repositories there, create them here and copy their tags; nobody else creates repositories in it or pushes to those.
registry_type: what the source is, harbor or quay. external_url: its URL, with http or https. external_namespace: the project there. robot: full name of a robot of the organization, as which the workers push. sync_interval: seconds from one search for repositories to the next, at least 60. visibility: of the repositories, public or private. sync_start: when the first search is due, NULL: now. filters: globs on names of repositories, see org_mirror_filter_matches(). external_username, external_password, external_config and architectures are as in mirror_create(). timeout: seconds for one tag, 30 to 3600. enabled false: nothing runs.
Errors: QY002 unknown or no organization, QY004; QY006 it is a mirror already; QY007 robot or actor unknown; QY009 unknown type or visibility; QY013 no robot of the organization; QY015 architectures need quay.sparse_index; QY061 credentials too long; QY081 it is a proxy cache or has immutability policies; QY083 URL, namespace, filters, interval, timeout or settings not possible, or the host not allowed; QY084 it has repositories.';

CREATE OR REPLACE FUNCTION quay.org_mirror_update(organization text, external_url text DEFAULT NULL, external_namespace text DEFAULT NULL,
                                                  robot text DEFAULT NULL, sync_interval integer DEFAULT NULL, visibility text DEFAULT NULL,
                                                  sync_start timestamptz DEFAULT NULL, filters text[] DEFAULT NULL,
                                                  external_username text DEFAULT NULL, external_password text DEFAULT NULL,
                                                  external_config jsonb DEFAULT NULL, architectures text[] DEFAULT NULL,
                                                  timeout integer DEFAULT NULL, enabled boolean DEFAULT NULL,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(org_mirror_update.actor);
    config quay.orgmirrorconfig := quay_internal.org_mirror_lock(organization);
    former quay.orgmirrorconfig := config;
    org quay."user" := quay_internal.organization_get(organization);
    account quay."user";
    changed text[];
BEGIN
    PERFORM quay_internal.org_mirror_source_check(external_url, org_mirror_update.external_namespace);
    PERFORM quay_internal.mirror_globs_check(filters, 'repositories');
    PERFORM quay_internal.mirror_architectures_check(architectures);
    PERFORM quay_internal.mirror_times_check(org_mirror_update.sync_interval, timeout, 60, 30, 3600);
    IF org_mirror_update.robot IS NOT NULL THEN
        account := quay_internal.mirror_robot(org, org_mirror_update.robot);
    END IF;

    IF substring(external_url FROM '^[^/]*//[^/]*') <> substring(config.external_registry_url FROM '^[^/]*//[^/]*') THEN
        -- Credentials are for one host, and not to be sent without TLS where they were sent with it: whoever may change the source shall not have them sent to a host of his own.
        external_username := coalesce(external_username, '');
    END IF;
    config.external_registry_url := coalesce(external_url, config.external_registry_url);
    config.external_namespace := coalesce(org_mirror_update.external_namespace, config.external_namespace);
    config.internal_robot_id := coalesce(account.id, config.internal_robot_id);
    config.sync_interval := coalesce(org_mirror_update.sync_interval, config.sync_interval);
    config.visibility_id := CASE WHEN org_mirror_update.visibility IS NULL THEN config.visibility_id
                                 ELSE quay_internal.visibility_id(org_mirror_update.visibility) END;
    config.sync_start_date := coalesce(sync_start AT TIME ZONE 'UTC', config.sync_start_date);
    config.repository_filters := coalesce(to_jsonb(filters)::text, config.repository_filters);
    config.external_registry_username := quay_internal.credential_change(config.external_registry_username, external_username, 4096);
    -- A password is good for nobody without its user.
    config.external_registry_password := quay_internal.credential_change(config.external_registry_password,
        CASE WHEN external_username = '' THEN coalesce(external_password, '') ELSE external_password END, 9000);
    PERFORM quay_internal.mirror_credentials_check(config.external_registry_username, config.external_registry_password);
    config.external_registry_config :=
        quay_internal.mirror_config_merge(quay_internal.json_read(config.external_registry_config), external_config)::text;
    config.architecture_filter := coalesce(to_jsonb(architectures)::text, config.architecture_filter);
    config.skopeo_timeout := coalesce(timeout, config.skopeo_timeout);
    config.is_enabled := coalesce(enabled, config.is_enabled);

    -- Not the transaction id: a search under way goes on.
    UPDATE quay.orgmirrorconfig AS c
    SET (is_enabled, external_registry_url, external_namespace, external_registry_username, external_registry_password,
         external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval, sync_start_date, skopeo_timeout,
         architecture_filter)
        = (config.is_enabled, config.external_registry_url, config.external_namespace, config.external_registry_username,
           config.external_registry_password, config.external_registry_config, config.internal_robot_id, config.repository_filters,
           config.visibility_id, config.sync_interval, config.sync_start_date, config.skopeo_timeout, config.architecture_filter)
    WHERE c.id = config.id;
    IF config.internal_robot_id <> former.internal_robot_id THEN
        PERFORM quay_internal.mirror_robot_grant(account, ARRAY(
            SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = org.id AND r.state = 4), performer_id, ip);
    END IF;

    SELECT coalesce(array_agg(a.key ORDER BY a.key), '{}') INTO changed
    FROM jsonb_each(to_jsonb(config)) AS a WHERE a.value IS DISTINCT FROM to_jsonb(former) -> a.key;
    IF changed <> '{}' THEN
        PERFORM quay_internal.log_add('org_mirror_config_changed', org.id, performer_id, NULL,
            jsonb_build_object('namespace', org.username, 'updated_fields', changed,
                'old_external_reference', quay_internal.org_mirror_source(former),
                'external_reference', quay_internal.org_mirror_source(config)), ip);
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_update(text, text, text, text, integer, text, timestamptz, text[], text, text, jsonb, text[], integer, boolean, text, text) IS
    'Changes the mirror configuration of an organization. Arguments are those of org_mirror_create(); what is NULL stays as it is, but the credentials go if the URL is of another host or scheme. The empty text removes external_username, and the password with it, or external_password; empty arrays of filters and architectures mean all. external_config is merged, as in mirror_update(). The visibility is that of repositories yet to be created. A new robot gets the right to write to those that there are. A search or a copy under way goes on. Returns the columns of orgmirrorconfig that have changed. Errors: those of org_mirror_create() except QY006 and QY081; QY084 the organization is no mirror.';

CREATE OR REPLACE FUNCTION quay.org_mirror_delete(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(org_mirror_delete.actor);
    org quay."user";
    config quay.orgmirrorconfig;
BEGIN
    -- Waits for whoever is creating a repository in it.
    PERFORM FROM quay."user" AS u WHERE u.username = org_mirror_delete.organization AND NOT u.robot FOR UPDATE;
    org := quay_internal.organization_get(organization);
    SELECT * INTO config FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.organization_mirror_delete_many(ARRAY[config.id]);
    PERFORM quay_internal.log_add('org_mirror_disabled', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username, 'external_reference', quay_internal.org_mirror_source(config)), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_delete(text, text, text) IS
    'Removes the mirror configuration of an organization, with its credentials and the list of what was found, and makes its mirrored repositories normal ones; false if it has none. Content and permissions stay. Workers under way learn from org_mirror_check() and org_mirror_repository_check() that it is over. Errors: QY002 unknown or no organization, QY004, QY007 actor unknown.';

-- Looking at it

CREATE OR REPLACE FUNCTION quay.org_mirror_get(organization text)
    RETURNS TABLE (org_mirror_id bigint, enabled boolean, registry_type text, external_url text, external_namespace text, robot text,
                   visibility text, filters text[], sync_interval integer, sync_start timestamp, status text, claim_expires timestamp,
                   retries_remaining integer, has_username boolean, has_password boolean, external_config jsonb, architectures text[],
                   timeout bigint, created timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.is_enabled, quay_internal.registry_type_name(c.external_registry_type), c.external_registry_url::text,
               c.external_namespace::text, u.username::text, v.name::text, quay_internal.json_text_list(c.repository_filters), c.sync_interval,
               c.sync_start_date, quay_internal.mirror_status_name(c.sync_status), c.sync_expiration_date, c.sync_retries_remaining,
               c.external_registry_username IS NOT NULL, c.external_registry_password IS NOT NULL,
               coalesce(quay_internal.json_read(c.external_registry_config), '{}'), quay_internal.json_text_list(c.architecture_filter),
               c.skopeo_timeout, c.creation_date
        FROM quay.orgmirrorconfig AS c
        JOIN quay."user" AS o ON o.id = c.organization_id
        JOIN quay."user" AS u ON u.id = c.internal_robot_id
        JOIN quay.visibility AS v ON v.id = c.visibility_id
        WHERE o.username = org_mirror_get.organization AND o.enabled;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_get(text) IS
    'Mirror configuration of an organization; no row if it has none, is unknown or disabled. status: never_run, sync_now (asked for), syncing (a worker searches), success, fail or cancel (asked for, and not yet seen by a worker). sync_start: when the next search is due, UTC, NULL: not scheduled. claim_expires: until when the worker holds its claim, UTC. Other columns are as in org_mirror_create(). The credentials themselves: org_mirror_credentials(); the repositories: org_mirror_repository_list().';

CREATE OR REPLACE FUNCTION quay.org_mirror_credentials(organization text) RETURNS TABLE (external_username text, external_password text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.field_decrypt(c.external_registry_username), quay_internal.field_decrypt(c.external_registry_password)
        FROM quay.orgmirrorconfig AS c
        JOIN quay."user" AS o ON o.id = c.organization_id
        WHERE o.username = org_mirror_credentials.organization AND o.enabled;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_credentials(text) IS
    'User name and password of the mirror of an organization at its source, in clear, NULL where there is none: for workers, and not for anybody else. No row as in org_mirror_get(). Errors: QY060 they cannot be decrypted, so they have to be set again; 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.org_mirror_counts() RETURNS TABLE (organizations bigint, enabled bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT count(*), count(*) FILTER (WHERE c.is_enabled) FROM quay.orgmirrorconfig AS c;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_counts() IS 'How many organizations are mirrors, and of how many the configuration is enabled. For metrics.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_repository_visible(config_id bigint) RETURNS SETOF quay.orgmirrorrepository
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT m.* FROM quay.orgmirrorrepository AS m
        WHERE m.org_mirror_config_id = org_mirror_repository_visible.config_id
          AND NOT EXISTS (SELECT FROM quay.repository AS r WHERE r.id = m.repository_id AND r.state = 3);
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_repository_visible(bigint) IS
    'What a mirror has found, without repositories that are marked for deletion here.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_list(organization text, OUT repository text, OUT org_mirror_repository_id bigint,
                                                           OUT repository_id bigint, INOUT status text DEFAULT NULL,
                                                           after text DEFAULT NULL, n integer DEFAULT 100, OUT sync_start timestamp,
                                                           OUT claim_expires timestamp, OUT last_sync timestamp, OUT retries_remaining integer,
                                                           OUT message text, OUT discovered timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config_id bigint := (quay_internal.org_mirror_find(organization)).id;
    page_size integer := quay_internal.page_size(n);
    wanted integer := (SELECT s.number FROM generate_series(-2, 4) AS s (number) WHERE quay_internal.mirror_status_name(s.number) = status);
BEGIN
    IF status IS NOT NULL AND wanted IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown status of a mirror',
            DETAIL = format('There is no status "%s".', left(status, 80)),
            HINT = 'They are never_run, sync_now, syncing, success, fail, cancel and skip.';
    END IF;
    RETURN QUERY
        SELECT m.repository_name::text, m.id, m.repository_id, quay_internal.mirror_status_name(m.sync_status), m.sync_start_date,
               m.sync_expiration_date, m.last_sync_date, m.sync_retries_remaining, m.status_message, m.discovery_date
        FROM quay.orgmirrorrepository AS m
        WHERE m.org_mirror_config_id = config_id AND (wanted IS NULL OR m.sync_status = wanted)
          AND m.repository_name > coalesce(org_mirror_repository_list.after, '')
          AND NOT EXISTS (SELECT FROM quay.repository AS r WHERE r.id = m.repository_id AND r.state = 3)
        ORDER BY m.repository_name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_list(text, text, text, integer) IS
    'Repositories that the mirror of an organization has found at its source, in byte order of their names, at most n, those after the name after; status selects. Those that are marked for deletion here are left out. status: never_run, sync_now (waits for a worker), syncing, success, fail, cancel, or skip (excluded by the filters, or gone at the source). repository_id: NULL until it is created here. sync_start: when it is due again, UTC. last_sync: when the last copying ended, well or not, UTC. message: why it failed or is skipped. No row if the organization is no mirror. Errors: 22023 n negative, QY002 unknown or no organization, QY004, QY009 unknown status.';

CREATE OR REPLACE FUNCTION quay.org_mirror_repository_counts(organization text) RETURNS TABLE (status text, repositories bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config_id bigint := (quay_internal.org_mirror_find(organization)).id;
BEGIN
    RETURN QUERY
        SELECT quay_internal.mirror_status_name(s.number), count(m.id)
        FROM generate_series(-2, 4) AS s (number)
        LEFT JOIN quay_internal.org_mirror_repository_visible(config_id) AS m ON m.sync_status = s.number
        GROUP BY s.number
        ORDER BY s.number;
END
$$;
COMMENT ON FUNCTION quay.org_mirror_repository_counts(text) IS
    'How many repositories of a mirrored organization are in each status, also in those in which there is none; what org_mirror_repository_list() leaves out does not count. Errors: QY002 unknown or no organization, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.org_mirror_active(config_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay_internal.org_mirror_repository_visible(config_id) AS m
            WHERE m.sync_status IN (0, 2, 3) OR m.sync_status = -1 AND m.sync_retries_remaining > 0);
END
$$;
COMMENT ON FUNCTION quay_internal.org_mirror_active(bigint) IS
    'How many repositories of a mirror are being copied or wait for it: never_run, sync_now, syncing, and fail with retries left.';

CREATE OR REPLACE FUNCTION quay.org_mirror_active_count(organization text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.org_mirror_active((quay_internal.org_mirror_find(organization)).id);
END
$$;
COMMENT ON FUNCTION quay.org_mirror_active_count(text) IS
    'How many repositories of a mirrored organization are being copied or wait for it: never_run, sync_now, syncing, and fail with retries left. 0 if it is no mirror. Errors: QY002 unknown or no organization, QY004.';
