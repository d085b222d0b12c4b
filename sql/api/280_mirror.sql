-- Mirrors of single repositories: their configuration. The claims of the workers that copy stand in 283_mirror_sync.sql.

-- What mirrors of repositories and of organizations have in common

CREATE OR REPLACE FUNCTION quay_internal.mirror_status_name(status integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE status WHEN -2 THEN 'cancel' WHEN -1 THEN 'fail' WHEN 0 THEN 'never_run' WHEN 1 THEN 'success' WHEN 2 THEN 'syncing'
                       WHEN 3 THEN 'sync_now' WHEN 4 THEN 'skip' END;
COMMENT ON FUNCTION quay_internal.mirror_status_name(integer) IS
    'Name of a sync_status: cancel, fail, never_run, success, syncing, sync_now or skip. NULL for any other number.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_outcome(status text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF status IN ('success', 'fail', 'cancel') THEN
        RETURN CASE status WHEN 'success' THEN 1 WHEN 'fail' THEN -1 ELSE -2 END;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY009',
        MESSAGE = 'unknown outcome of a synchronization',
        DETAIL = format('There is no outcome "%s".', left(status, 80)),
        HINT = 'Outcomes are success, fail and cancel.';
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_outcome(text) IS
    'sync_status with which a worker gives a claim back: success, fail or cancel. Errors: QY009 any other.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_next_start(start timestamp, sync_interval integer, now timestamp) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    step integer := greatest(mirror_next_start.sync_interval, 1);
BEGIN
    RETURN CASE
        WHEN start IS NULL THEN now + make_interval(secs => step)
        -- Somebody asked for a run before; the scheduled one is still to come.
        WHEN start > now THEN start
        ELSE start + (floor(extract(epoch FROM now - start) / step) + 1)::double precision * make_interval(secs => step)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_next_start(timestamp, integer, timestamp) IS
    'When the next run is due: the first moment after now that is a whole number of intervals, in seconds, after the start. A start in the future stays as it is; without a start the interval counts from now.';

CREATE OR REPLACE FUNCTION quay_internal.json_text_list(document text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    list jsonb := quay_internal.json_read(document);
BEGIN
    IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
        RETURN '{}'::text[];
    END IF;
    RETURN ARRAY(SELECT e.value #>> '{}' FROM jsonb_array_elements(list) WITH ORDINALITY AS e (value, i)
                 WHERE jsonb_typeof(e.value) = 'string' ORDER BY e.i);
END
$$;
COMMENT ON FUNCTION quay_internal.json_text_list(text) IS 'The texts in a JSON array, in their order; empty if the document is none. Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.glob_regex(globs text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    glob text;
    alternatives text[] := '{}'::text[];
    pattern text;
    rest text;
    set_part text;
    members text;
    range text[];
BEGIN
    FOREACH glob IN ARRAY coalesce(globs, '{}') LOOP
        CONTINUE WHEN glob IS NULL;
        pattern := '';
        rest := glob;
        WHILE rest <> '' LOOP
            -- A set is [members] or [!members], in which a "]" may come first; without its end the "[" is a character like others.
            set_part := substring(rest FROM '^\[(?:!(?:\]|[^]])|\]|[^]!])[^]]*\]');
            IF set_part IS NOT NULL THEN
                members := '';
                FOR range IN SELECT regexp_matches(substring(set_part FROM '^\[!?(.+)\]$'), '(.)(?:-(.))?', 'g') LOOP
                    -- Code points: no character has a meaning of its own. A range that runs backwards is empty.
                    IF range[2] IS NULL THEN
                        members := members || '\U' || lpad(to_hex(ascii(range[1])), 8, '0');
                    ELSIF ascii(range[1]) <= ascii(range[2]) THEN
                        members := members || '\U' || lpad(to_hex(ascii(range[1])), 8, '0') || '-\U' || lpad(to_hex(ascii(range[2])), 8, '0');
                    END IF;
                END LOOP;
                pattern := pattern || CASE
                    WHEN members <> '' THEN CASE WHEN set_part LIKE '[!%' THEN '[^' ELSE '[' END || members || ']'
                    WHEN set_part LIKE '[!%' THEN '.'
                    ELSE '(?!)' END;
                rest := substr(rest, length(set_part) + 1);
            ELSE
                pattern := pattern || CASE left(rest, 1)
                    WHEN '*' THEN '.*'
                    WHEN '?' THEN '.'
                    ELSE regexp_replace(left(rest, 1), '[].*+?^$|(){}\\[]', '\\\&') END;
                rest := substr(rest, 2);
            END IF;
        END LOOP;
        alternatives := alternatives || pattern;
    END LOOP;
    RETURN CASE WHEN alternatives = '{}' THEN '(?!)' ELSE '^(?:' || array_to_string(alternatives, '|') || ')$' END;
END
$$;
COMMENT ON FUNCTION quay_internal.glob_regex(text[]) IS
    'Regular expression that matches what one of the globs matches as a whole: * any characters, ? one, [abc], [a-z] and [!abc] one of a set or none of it; all else stands for itself, upper and lower case differ. No globs: it matches nothing.';

CREATE OR REPLACE FUNCTION quay.mirror_rule_matches(tag text, globs text[]) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(tag ~ quay_internal.glob_regex(globs), false);
END
$$;
COMMENT ON FUNCTION quay.mirror_rule_matches(text, text[]) IS
    'Does a mirror with these globs copy a tag of this name? One that matches is enough. * stands for any characters, ? for one, [abc] and [a-z] for one of a set, [!abc] for one that is not in it; upper and lower case differ. Never NULL.';

CREATE OR REPLACE FUNCTION quay.mirror_rule_select(tags text[], globs text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pattern text := quay_internal.glob_regex(globs);
BEGIN
    RETURN ARRAY(SELECT DISTINCT t.name COLLATE "C" FROM unnest(tags) AS t (name) WHERE t.name ~ pattern ORDER BY 1);
END
$$;
COMMENT ON FUNCTION quay.mirror_rule_select(text[], text[]) IS
    'Those of the tags that a mirror with these globs copies, each once, in byte order. Globs are as in mirror_rule_matches().';

-- Checks

CREATE OR REPLACE FUNCTION quay_internal.mirror_refuse(detail text, hint text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY083',
        MESSAGE = 'invalid configuration of a mirror',
        DETAIL = mirror_refuse.detail,
        HINT = mirror_refuse.hint;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_refuse(text, text) IS 'Raises QY083: a setting of a mirror is not possible.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_reference_check(reference text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.upstream_host_check(reference);
    IF reference !~ '^[^/]+/[^/]' THEN
        PERFORM quay_internal.mirror_refuse(format('"%s" names no repository.', left(reference, 80)),
            'Pass host and repository, such as quay.io/acme/app.');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_reference_check(text) IS
    'Refuses (QY083) what is no repository at a registry that may be mirrored. Such a reference has no scheme.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_globs_check(globs text[], what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF array_ndims(globs) > 1 OR EXISTS (SELECT FROM unnest(globs) AS g (glob) WHERE g.glob IS NULL OR g.glob = '' OR length(g.glob) > 1024) THEN
        PERFORM quay_internal.mirror_refuse(format('A pattern for %s is empty, or longer than 1024 characters.', what),
            'Pass an array of texts such as v1.* or latest.');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_globs_check(text[], text) IS
    'Refuses (QY083) a list of globs in which one is empty or too long. what: they are for, as in "tags".';

CREATE OR REPLACE FUNCTION quay_internal.mirror_architectures_check(architectures text[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT architectures <@ ARRAY['amd64', 'arm64', 'ppc64le', 's390x'] OR array_position(architectures, NULL) IS NOT NULL THEN
        PERFORM quay_internal.mirror_refuse(
            format('Some of these are no known architectures: %s.', left(array_to_string(architectures, ', ', 'NULL'), 80)),
            'Architectures are amd64, arm64, ppc64le and s390x; the empty array means all.');
    END IF;
    IF cardinality(architectures) > 0 AND NOT quay_internal.setting('sparse_index')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'indexes must be complete',
            DETAIL = 'A mirror that leaves architectures out needs the setting quay.sparse_index, which is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_architectures_check(text[]) IS
    'Refuses architectures that are unknown (QY083), and any choice of them without quay.sparse_index (QY015): their indexes list manifests that are not copied.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_times_check(sync_interval integer, timeout integer, shortest_interval integer,
                                                            shortest_timeout integer, longest_timeout integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF sync_interval < shortest_interval THEN
        PERFORM quay_internal.mirror_refuse(format('An interval of %s s is too short.', sync_interval),
            format('Pass at least %s, in seconds.', shortest_interval));
    END IF;
    IF timeout NOT BETWEEN shortest_timeout AND longest_timeout THEN
        PERFORM quay_internal.mirror_refuse(format('A timeout of %s s is too short or too long.', timeout),
            format('Pass from %s to %s, in seconds.', shortest_timeout, longest_timeout));
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_times_check(integer, integer, integer, integer, integer) IS
    'Refuses (QY083) an interval or a timeout, in seconds, that is out of bounds; NULL is none.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_config_merge(stored jsonb, changes jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base jsonb := CASE WHEN jsonb_typeof(stored) = 'object' THEN stored ELSE '{}' END;
    proxy jsonb;
    bad text;
BEGIN
    IF changes IS NULL THEN
        RETURN base;
    END IF;
    IF jsonb_typeof(changes) <> 'object' OR jsonb_typeof(coalesce(changes -> 'proxy', '{}')) NOT IN ('object', 'null') THEN
        bad := 'Settings of the connection, and "proxy" in them, must be JSON objects.';
    ELSE
        proxy := CASE WHEN jsonb_typeof(changes -> 'proxy') = 'object' THEN changes -> 'proxy' ELSE '{}' END;
        SELECT format('The setting "%s" of the connection is unknown, or of a wrong type.', left(min(e.key), 80)) INTO bad
        FROM (SELECT c.key FROM jsonb_each(changes) AS c
              WHERE c.key <> 'proxy' AND NOT (c.key IN ('verify_tls', 'unsigned_images') AND jsonb_typeof(c.value) = 'boolean')
              UNION ALL
              SELECT p.key FROM jsonb_each(proxy) AS p
              WHERE NOT (p.key IN ('http_proxy', 'https_proxy', 'no_proxy') AND jsonb_typeof(p.value) IN ('string', 'null'))) AS e
        HAVING count(*) > 0;
    END IF;
    IF bad IS NOT NULL THEN
        PERFORM quay_internal.mirror_refuse(bad,
            'Members are verify_tls and unsigned_images, true or false, and proxy, an object with http_proxy, https_proxy and no_proxy, texts.');
    END IF;

    -- What is not given stays, one proxy setting like another; null takes a proxy setting away.
    IF jsonb_typeof(base -> 'proxy') = 'object' AND jsonb_typeof(coalesce(changes -> 'proxy', '{}')) = 'object' THEN
        proxy := (base -> 'proxy') || proxy;
    END IF;
    proxy := jsonb_strip_nulls(coalesce(proxy, '{}'));
    base := (base || changes) - 'proxy';
    RETURN CASE WHEN proxy = '{}' THEN base ELSE base || jsonb_build_object('proxy', proxy) END;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_config_merge(jsonb, jsonb) IS
    'Settings of the connection to a registry with changes: verify_tls, unsigned_images, and proxy with http_proxy, https_proxy and no_proxy. What the changes do not have stays; null takes a proxy setting, or all of proxy, away. Errors: QY083 anything else.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_credentials_check(username text, password text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF password IS NOT NULL AND username IS NULL THEN
        PERFORM quay_internal.mirror_refuse('A password at the source needs a user name.',
            'Pass both, or the empty text as password to remove it.');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_credentials_check(text, text) IS 'Refuses (QY083) a password without a user name.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_robot(owner quay."user", robot text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- Kept from being deleted; robot_delete() looks for mirrors under a lock that waits for this one.
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = mirror_robot.robot FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'robot does not exist',
            DETAIL = format('There is no robot "%s".', left(mirror_robot.robot, 80)),
            HINT = 'Create it with quay.robot_create().';
    END IF;
    IF NOT result.robot OR split_part(result.username, '+', 1) <> owner.username THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'a mirror works as a robot of its namespace',
            DETAIL = format('"%s" is no robot of "%s".', result.username, owner.username),
            HINT = 'Name a robot as namespace+shortname.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_robot(quay."user", text) IS
    'Robot, by its full name, as which a mirror in this namespace works, kept from being deleted until we commit. Errors: QY007 unknown, QY013 no robot, or one of another namespace.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_robot_grant(robot quay."user", repository_ids bigint[], performer_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given record;
BEGIN
    FOR given IN
        INSERT INTO quay.repositorypermission AS p (user_id, repository_id, role_id)
        SELECT robot.id, r.id, quay_internal.role_id('write') FROM unnest(repository_ids) AS r (id) ORDER BY r.id
        ON CONFLICT (user_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id = quay_internal.role_id('read')
        RETURNING p.repository_id, p.xmax = 0 AS added
    LOOP
        PERFORM quay_internal.log_add(CASE WHEN given.added THEN 'add_repo_permission' ELSE 'change_repo_permission' END,
            r.namespace_user_id, performer_id, r.id,
            jsonb_build_object('namespace', split_part(robot.username, '+', 1), 'repo', r.name, 'role', 'write', 'username', robot.username), ip)
        FROM quay.repository AS r WHERE r.id = given.repository_id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_robot_grant(quay."user", bigint[], bigint, text) IS
    'Lets the robot of a mirror write to repositories: gives it the role write in each in which it has none, or read.';

-- Configuration

CREATE OR REPLACE FUNCTION quay_internal.mirror_settings(config quay.repomirrorconfig) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    connection jsonb := quay_internal.json_read(config.external_registry_config);
BEGIN
    RETURN jsonb_build_object(
        'is_enabled', config.is_enabled,
        'external_reference', config.external_reference,
        'robot_username', (SELECT u.username FROM quay."user" AS u WHERE u.id = config.internal_robot_id),
        'sync_start_date', config.sync_start_date,
        'sync_interval', config.sync_interval,
        'skopeo_timeout_interval', config.skopeo_timeout,
        'architecture_filter', quay_internal.json_text_list(config.architecture_filter),
        'external_registry_username', config.external_registry_username,
        'external_registry_password', config.external_registry_password,
        'verify_tls', connection -> 'verify_tls',
        'unsigned_images', connection -> 'unsigned_images',
        'http_proxy', connection #> '{proxy,http_proxy}',
        'https_proxy', connection #> '{proxy,https_proxy}',
        'no_proxy', connection #> '{proxy,no_proxy}',
        'mirror_rule', quay_internal.json_text_list((SELECT r.rule_value FROM quay.repomirrorrule AS r WHERE r.id = config.root_rule_id)));
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_settings(quay.repomirrorconfig) IS
    'What can be set in a mirror, under the names that the audit log has for it. With secrets: encrypted credentials, and proxies with passwords.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_log_changes(repository quay.repository, namespace text, before jsonb, after jsonb,
                                                            performer_id bigint, ip text) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed text[];
BEGIN
    SELECT coalesce(array_agg(a.key ORDER BY a.key), '{}') INTO changed
    FROM jsonb_each(after) AS a WHERE a.value IS DISTINCT FROM before -> a.key;
    PERFORM quay_internal.log_add('repo_mirror_config_changed', repository.namespace_user_id, performer_id, repository.id,
        jsonb_build_object('namespace', namespace, 'repo', repository.name, 'changed', c.key, 'to', CASE
            WHEN c.key LIKE 'external\_registry\_%' AND after ->> c.key IS NOT NULL THEN to_jsonb('********'::text)
            WHEN c.key LIKE '%\_proxy' THEN to_jsonb(regexp_replace(after ->> c.key, '//[^/@]*@', '//***@'))
            ELSE after -> c.key END), ip)
    FROM unnest(changed) AS c (key);
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_log_changes(quay.repository, text, jsonb, jsonb, bigint, text) IS
    'Writes an audit row for each setting of a mirror that has changed, without the secrets, and returns their names.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_unknown(namespace text, repository text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY084',
        MESSAGE = 'repository is not a mirror',
        DETAIL = format('"%s/%s" has no mirror configuration, or is not in the state mirror.', left(namespace, 80), left(repository, 80)),
        HINT = 'Make it one with quay.mirror_create(); quay.repository_set_state() brings the state back.';
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_unknown(text, text) IS 'Raises QY084: the repository is no mirror.';

CREATE OR REPLACE FUNCTION quay.mirror_create(namespace text, repository text, external_reference text, robot text, tags text[],
                                              sync_interval integer, sync_start timestamptz DEFAULT NULL, external_username text DEFAULT NULL,
                                              external_password text DEFAULT NULL, external_config jsonb DEFAULT '{}',
                                              architectures text[] DEFAULT '{}', timeout integer DEFAULT 300, enabled boolean DEFAULT true,
                                              actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(mirror_create.actor);
    account quay."user" := quay_internal.mirror_robot(owner, mirror_create.robot);
    target quay.repository;
    rule_id bigint;
    created quay.repomirrorconfig;
BEGIN
    PERFORM quay_internal.mirror_reference_check(mirror_create.external_reference);
    PERFORM quay_internal.mirror_globs_check(tags, 'tags');
    IF coalesce(cardinality(tags), 0) = 0 THEN
        PERFORM quay_internal.mirror_refuse('There is no pattern for tags.', 'Pass at least one; * means all tags.');
    END IF;
    PERFORM quay_internal.mirror_architectures_check(architectures);
    PERFORM quay_internal.mirror_times_check(coalesce(mirror_create.sync_interval, 0), coalesce(timeout, 0), 1, 300, 2147483647);
    PERFORM quay_internal.mirror_credentials_check(nullif(external_username, ''), nullif(external_password, ''));

    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE: from our commit on only the robot pushes.
    PERFORM FROM quay.repository AS r WHERE r.namespace_user_id = owner.id AND r.name = mirror_create.repository FOR UPDATE;
    target := quay_internal.repository_get(namespace, repository);
    IF target.state = 4 OR EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = owner.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'organization is a mirror as a whole',
            DETAIL = format('Repositories of "%s" come from the source of its own mirror configuration.', owner.username),
            HINT = 'Remove the mirror configuration of the organization first.';
    END IF;

    INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
    VALUES (gen_random_uuid()::text, target.id, quay_internal.utc_now(), 1, to_jsonb(tags)::text)
    RETURNING id INTO rule_id;
    INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_reference,
                                       external_registry_username, external_registry_password, external_registry_config, architecture_filter,
                                       sync_interval, sync_start_date, sync_retries_remaining, sync_status, sync_transaction_id, root_rule_id,
                                       skopeo_timeout)
    VALUES (target.id, quay_internal.utc_now(), coalesce(enabled, true), 1, account.id, mirror_create.external_reference,
            quay_internal.credential_change(NULL, external_username, 4096), quay_internal.credential_change(NULL, external_password, 9000),
            quay_internal.mirror_config_merge('{}', external_config)::text, to_jsonb(coalesce(architectures, '{}'))::text,
            mirror_create.sync_interval, coalesce(sync_start, quay_internal.clock()) AT TIME ZONE 'UTC', 3, 0, gen_random_uuid()::text, rule_id,
            timeout)
    ON CONFLICT DO NOTHING
    RETURNING * INTO created;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'repository has a mirror configuration',
            DETAIL = format('"%s/%s" mirrors "%s".', namespace, target.name,
                (SELECT left(c.external_reference, 80) FROM quay.repomirrorconfig AS c WHERE c.repository_id = target.id)),
            HINT = 'Change it with quay.mirror_update(), or remove it with quay.mirror_delete().';
    END IF;
    UPDATE quay.repository AS r SET state = 2 WHERE r.id = target.id AND r.state <> 2;
    PERFORM quay_internal.mirror_robot_grant(account, ARRAY[target.id], performer_id, ip);
    PERFORM quay_internal.log_add('repo_mirror_config_changed', owner.id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'changed', 'external_reference',
                           'to', mirror_create.external_reference), ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.mirror_create(text, text, text, text, text[], integer, timestamptz, text, text, jsonb, text[], integer, boolean, text, text) IS
    'Makes a repository follow one at another registry, and returns the id of the configuration. Its state becomes mirror: only the robot pushes to it. Waits for pushes under way.
external_reference: the source, as host[:port]/repository without scheme and tag. robot: full name of a robot of the namespace; it gets the right to write. tags: globs, see mirror_rule_matches(); a tag is copied if one matches. sync_interval: seconds from one run to the next. sync_start: when the first one is due, NULL: now. external_username, external_password: at the source, kept encrypted. external_config: settings of the connection, members verify_tls and unsigned_images (true, false), proxy with http_proxy, https_proxy, no_proxy. architectures: out of amd64, arm64, ppc64le, s390x; empty: all. timeout: seconds for one tag, at least 300. enabled false: no run unless asked for with mirror_sync_now().
Errors: QY002, QY003, QY004; QY006 it has a mirror configuration; QY007 robot or actor unknown; QY013 no robot of the namespace; QY015 architectures need quay.sparse_index; QY061 credentials too long; QY081 the organization is a mirror; QY083 reference, globs, architectures, interval, timeout or settings not possible, or the host not allowed.';

CREATE OR REPLACE FUNCTION quay.mirror_update(namespace text, repository text, external_reference text DEFAULT NULL, robot text DEFAULT NULL,
                                              tags text[] DEFAULT NULL, sync_interval integer DEFAULT NULL,
                                              sync_start timestamptz DEFAULT NULL, external_username text DEFAULT NULL,
                                              external_password text DEFAULT NULL, external_config jsonb DEFAULT NULL,
                                              architectures text[] DEFAULT NULL, timeout integer DEFAULT NULL, enabled boolean DEFAULT NULL,
                                              actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(mirror_update.actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    account quay."user";
    config quay.repomirrorconfig;
    before jsonb;
BEGIN
    IF mirror_update.robot IS NOT NULL THEN
        account := quay_internal.mirror_robot(owner, mirror_update.robot);
    END IF;
    IF mirror_update.external_reference IS NOT NULL THEN
        PERFORM quay_internal.mirror_reference_check(mirror_update.external_reference);
    END IF;
    PERFORM quay_internal.mirror_globs_check(tags, 'tags');
    IF tags = '{}' THEN
        PERFORM quay_internal.mirror_refuse('There is no pattern for tags.', 'Pass at least one; * means all tags.');
    END IF;
    PERFORM quay_internal.mirror_architectures_check(architectures);
    PERFORM quay_internal.mirror_times_check(mirror_update.sync_interval, timeout, 1, 300, 2147483647);

    SELECT * INTO config FROM quay.repomirrorconfig AS c WHERE c.repository_id = target.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM quay_internal.mirror_unknown(namespace, repository);
    END IF;
    before := quay_internal.mirror_settings(config);
    IF quay_internal.upstream_host(mirror_update.external_reference) <> quay_internal.upstream_host(config.external_reference) THEN
        -- Credentials are for one host: whoever may change the source shall not have them sent to a host of his own.
        external_username := coalesce(external_username, '');
    END IF;
    config.external_reference := coalesce(mirror_update.external_reference, config.external_reference);
    config.internal_robot_id := coalesce(account.id, config.internal_robot_id);
    config.sync_interval := coalesce(mirror_update.sync_interval, config.sync_interval);
    config.sync_start_date := coalesce(sync_start AT TIME ZONE 'UTC', config.sync_start_date);
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

    -- Not the transaction id: who is copying just now goes on, and gives its claim back as it would have.
    UPDATE quay.repomirrorconfig AS c
    SET (is_enabled, internal_robot_id, external_reference, external_registry_username, external_registry_password, external_registry_config,
         architecture_filter, sync_interval, sync_start_date, skopeo_timeout)
        = (config.is_enabled, config.internal_robot_id, config.external_reference, config.external_registry_username,
           config.external_registry_password, config.external_registry_config, config.architecture_filter, config.sync_interval,
           config.sync_start_date, config.skopeo_timeout)
    WHERE c.id = config.id;
    UPDATE quay.repomirrorrule AS r SET rule_value = to_jsonb(tags)::text WHERE r.id = config.root_rule_id AND tags IS NOT NULL;
    IF account.id IS NOT NULL THEN
        PERFORM quay_internal.mirror_robot_grant(account, ARRAY[target.id], performer_id, ip);
    END IF;
    RETURN quay_internal.mirror_log_changes(target, namespace, before, quay_internal.mirror_settings(config), performer_id, ip);
END
$$;
COMMENT ON FUNCTION quay.mirror_update(text, text, text, text, text[], integer, timestamptz, text, text, jsonb, text[], integer, boolean, text, text) IS
    'Changes a mirror. Arguments are those of mirror_create(); what is NULL stays as it is, but the credentials go if the reference is of another host. The empty text removes external_username, and the password with it, or external_password; the empty array of architectures means all. external_config is merged: members that it does not have stay, null takes a proxy setting away. A run under way goes on with what it has been given. Returns the names of the settings that have changed, as the audit log has them. Errors: those of mirror_create() except QY006 and QY081, and QY084 the repository is no mirror.';

CREATE OR REPLACE FUNCTION quay.mirror_delete(namespace text, repository text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(mirror_delete.actor);
    target quay.repository;
    source text;
BEGIN
    PERFORM FROM quay.repository AS r WHERE r.namespace_user_id = owner.id AND r.name = mirror_delete.repository FOR UPDATE;
    target := quay_internal.repository_get(namespace, repository);
    SELECT c.external_reference INTO source FROM quay.repomirrorconfig AS c WHERE c.repository_id = target.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.mirror_delete_many(ARRAY[target.id]);
    PERFORM quay_internal.log_add('repo_mirror_disabled', owner.id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'external_reference', source), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.mirror_delete(text, text, text, text) IS
    'Removes the mirror configuration of a repository, with its credentials, and makes a repository in the state mirror a normal one; false if it has none. Content and permissions stay. A run under way learns from mirror_check() that it is over. Errors: QY002, QY003, QY004, QY007 actor unknown.';

-- Looking at mirrors

CREATE OR REPLACE FUNCTION quay.mirror_get(namespace text, repository text)
    RETURNS TABLE (mirror_id bigint, enabled boolean, external_reference text, robot text, tags text[], sync_interval integer,
                   sync_start timestamp, status text, claim_expires timestamp, retries_remaining integer, has_username boolean,
                   has_password boolean, external_config jsonb, architectures text[], timeout bigint, created timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.is_enabled, c.external_reference, u.username::text, quay_internal.json_text_list(r.rule_value), c.sync_interval,
               c.sync_start_date, quay_internal.mirror_status_name(c.sync_status), c.sync_expiration_date, c.sync_retries_remaining,
               c.external_registry_username IS NOT NULL, c.external_registry_password IS NOT NULL,
               coalesce(quay_internal.json_read(c.external_registry_config), '{}'), quay_internal.json_text_list(c.architecture_filter),
               c.skopeo_timeout, c.creation_date
        FROM quay.repomirrorconfig AS c
        JOIN quay."user" AS u ON u.id = c.internal_robot_id
        JOIN quay.repomirrorrule AS r ON r.id = c.root_rule_id
        WHERE c.repository_id = quay_internal.repository_find(mirror_get.namespace, mirror_get.repository);
END
$$;
COMMENT ON FUNCTION quay.mirror_get(text, text) IS
    'Mirror configuration of a repository; no row if it has none, is unknown or marked for deletion, or its namespace disabled. status: never_run, sync_now (asked for), syncing, success, fail or cancel. sync_start: when the next run is due, UTC, NULL: not scheduled. claim_expires: until when the present run holds its claim, UTC. retries_remaining: runs that may still fail before it waits for the next interval. Other columns are as in mirror_create(). The credentials themselves: mirror_credentials().';

CREATE OR REPLACE FUNCTION quay.mirror_credentials(namespace text, repository text) RETURNS TABLE (external_username text, external_password text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.field_decrypt(c.external_registry_username), quay_internal.field_decrypt(c.external_registry_password)
        FROM quay.repomirrorconfig AS c
        WHERE c.repository_id = quay_internal.repository_find(mirror_credentials.namespace, mirror_credentials.repository);
END
$$;
COMMENT ON FUNCTION quay.mirror_credentials(text, text) IS
    'User name and password of a mirror at its source, in clear, NULL where there is none: for the worker that copies, and not for anybody else. No row as in mirror_get(). Errors: QY060 they cannot be decrypted, so they have to be set again; 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.mirror_list(namespace text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (repository text, mirror_id bigint, enabled boolean, external_reference text, robot text, status text, sync_start timestamp,
                   claim_expires timestamp, retries_remaining integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT r.name::text, c.id, c.is_enabled, c.external_reference, u.username::text, quay_internal.mirror_status_name(c.sync_status),
               c.sync_start_date, c.sync_expiration_date, c.sync_retries_remaining
        FROM quay.repository AS r
        JOIN quay.repomirrorconfig AS c ON c.repository_id = r.id
        JOIN quay."user" AS u ON u.id = c.internal_robot_id
        WHERE r.namespace_user_id = owner_id AND r.state <> 3 AND r.name > coalesce(mirror_list.after, '')
        ORDER BY r.name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.mirror_list(text, text, integer) IS
    'Repositories of a namespace that have a mirror configuration, in byte order of their names, at most n, those after the name after. Columns are as in mirror_get(). Errors: 22023 n negative, QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.mirror_status_counts(namespace text DEFAULT NULL) RETURNS TABLE (status text, mirrors bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.mirror_status_name(s.number), count(c.id)
        FROM generate_series(-2, 3) AS s (number)
        LEFT JOIN (SELECT c.id, c.sync_status
                   FROM quay.repomirrorconfig AS c
                   JOIN quay.repository AS r ON r.id = c.repository_id AND r.state = 2
                   JOIN quay."user" AS u ON u.id = r.namespace_user_id
                   WHERE c.is_enabled AND (mirror_status_counts.namespace IS NULL OR u.username = mirror_status_counts.namespace)) AS c
            ON c.sync_status = s.number
        GROUP BY s.number
        ORDER BY s.number;
END
$$;
COMMENT ON FUNCTION quay.mirror_status_counts(text) IS
    'How many enabled mirrors of repositories are in each status, also in those in which there is none: cancel, fail, never_run, success, syncing, sync_now. namespace NULL: in the whole registry; an unknown one has none. For health pages and metrics.';
