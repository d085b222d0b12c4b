-- Proxy caches: organizations whose content comes from another registry at the first pull. The front end fetches; here is what is cached,
-- for how long, and what makes room for it. 285_proxy_content.sql has the latter.
--
-- What is known of but not fetched yet is a placeholder: a manifest without bytes, a blob without a placement.

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_require(namespace text) RETURNS quay.proxycacheconfig
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(namespace);
    config quay.proxycacheconfig;
BEGIN
    -- All columns in their order, but NULL for the credentials: who only looks at the cache has no right to them.
    SELECT c.id, c.organization_id, c.creation_date, c.upstream_registry, NULL, NULL, c.expiration_s, c.insecure
    INTO config FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY084',
            MESSAGE = 'organization is not a proxy cache',
            DETAIL = format('Organization "%s" has no upstream registry.', org.username),
            HINT = 'Make it one with quay.proxy_cache_create().';
    END IF;
    RETURN config;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_require(text) IS
    'Configuration of the proxy cache of an organization, without its credentials. Errors: QY002 unknown or a person, QY004 disabled, QY084 it is none.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_check(upstream_registry text, username text, password text, expiration_s integer) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(proxy_cache_check.upstream_registry, '') = '' THEN 'No upstream registry is given.'
        WHEN length(proxy_cache_check.upstream_registry) > 2048 THEN 'The upstream registry has more than 2048 characters.'
        WHEN proxy_cache_check.upstream_registry !~ '^[^/[:space:]]+(/[^/[:space:]]+)*$'
            THEN format('"%s" is not a host and a namespace.', left(proxy_cache_check.upstream_registry, 80))
        WHEN (username IS NULL) <> (password IS NULL) THEN 'Only one of user name and password is given.'
        WHEN expiration_s < 0 THEN format('An expiration of %s s is in the past.', expiration_s)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY083',
            MESSAGE = 'invalid configuration of a proxy cache',
            DETAIL = problem,
            HINT = 'Give the registry as host or host/namespace without a scheme, both or none of user name and password, and seconds from 0 on.';
    END IF;
    PERFORM quay_internal.upstream_host_check(proxy_cache_check.upstream_registry);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_check(text, text, text, integer) IS
    'Refuses (QY083) what is no configuration of a proxy cache, or names a host from which none may take content.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_create(organization text, upstream_registry text, username text DEFAULT NULL, password text DEFAULT NULL,
                                                   expiration_s integer DEFAULT 86400, insecure boolean DEFAULT false,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_create.actor);
    org quay."user";
    new_id bigint;
BEGIN
    username := nullif(proxy_cache_create.username, '');
    password := nullif(proxy_cache_create.password, '');
    PERFORM quay_internal.proxy_cache_check(proxy_cache_create.upstream_registry, username, password, expiration_s);
    -- FOR UPDATE, as whoever makes a mirror of the organization, or a policy in it: of two that exclude each other the second sees the first.
    PERFORM FROM quay."user" AS u WHERE u.username = proxy_cache_create.organization FOR UPDATE;
    org := quay_internal.organization_get(organization);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id)
       OR quay_internal.namespace_has_immutability(org.id)
       OR quay_internal.setting('immutable_tags')::boolean AND quay_internal.namespace_has_immutable_tags(org.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'organization cannot be a proxy cache',
            DETAIL = format('Organization "%s" is a mirror, or has immutable tags or policies that make tags immutable.', org.username),
            HINT = 'Remove the mirror configuration, the policies and the immutable tags first, or use another organization.';
    END IF;

    INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry, upstream_registry_username,
                                       upstream_registry_password, expiration_s, insecure)
    VALUES (org.id, quay_internal.utc_now(), proxy_cache_create.upstream_registry, quay_internal.field_encrypt(username, 4096),
            quay_internal.field_encrypt(password, 4096), coalesce(proxy_cache_create.expiration_s, 86400),
            coalesce(proxy_cache_create.insecure, false))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'organization is a proxy cache already',
            DETAIL = format('Organization "%s" has an upstream registry.', org.username),
            HINT = 'Change it with quay.proxy_cache_update().';
    END IF;
    PERFORM quay_internal.log_add('create_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username, 'upstream_registry', proxy_cache_create.upstream_registry), proxy_cache_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_create(text, text, text, text, integer, boolean, text, text) IS
    'Makes an organization a proxy cache of another registry and returns the id of its configuration. upstream_registry: host, perhaps with a port, and perhaps a namespace, as in docker.io/library; hosts in the network of the registry itself are refused unless quay.allowed_upstream_host has them. username and password: of an account there, both or none; they are kept encrypted. expiration_s: for how many seconds a tag stays cached after the last look at the upstream registry, 0 for ever. insecure: without TLS, or whatever its certificate. Errors: QY002 organization unknown or a person, QY004 disabled, QY006 it is one already, QY007 actor unknown, QY061 credential too long, QY081 it is a mirror or has immutable tags or policies, QY083 invalid configuration or host not allowed, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_update(organization text, upstream_registry text DEFAULT NULL, username text DEFAULT NULL,
                                                   password text DEFAULT NULL, expiration_s integer DEFAULT NULL, insecure boolean DEFAULT NULL,
                                                   clear_credentials boolean DEFAULT false, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_update.actor);
    config quay.proxycacheconfig;
BEGIN
    PERFORM quay_internal.organization_lock(organization);
    config := quay_internal.proxy_cache_require(organization);
    username := nullif(proxy_cache_update.username, '');
    password := nullif(proxy_cache_update.password, '');
    PERFORM quay_internal.proxy_cache_check(coalesce(proxy_cache_update.upstream_registry, config.upstream_registry), username, password,
                                            proxy_cache_update.expiration_s);
    -- The credentials of one registry are not for another one to see.
    clear_credentials := clear_credentials OR username IS NOT NULL
        OR split_part(proxy_cache_update.upstream_registry, '/', 1) <> split_part(config.upstream_registry, '/', 1)
        OR proxy_cache_update.insecure AND NOT config.insecure;
    UPDATE quay.proxycacheconfig AS c
    SET upstream_registry = coalesce(proxy_cache_update.upstream_registry, c.upstream_registry),
        upstream_registry_username = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(username, 4096)
                                          ELSE c.upstream_registry_username END,
        upstream_registry_password = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(password, 4096)
                                          ELSE c.upstream_registry_password END,
        expiration_s = coalesce(proxy_cache_update.expiration_s, c.expiration_s),
        insecure = coalesce(proxy_cache_update.insecure, c.insecure)
    WHERE c.id = config.id;
    PERFORM quay_internal.log_add('create_proxy_cache_config', config.organization_id, performer_id, NULL,
        jsonb_build_object('namespace', organization, 'updated', true,
            'upstream_registry', coalesce(proxy_cache_update.upstream_registry, config.upstream_registry)), proxy_cache_update.ip);
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_update(text, text, text, text, integer, boolean, boolean, text, text) IS
    'Changes the configuration of a proxy cache; what is NULL stays. The credentials are forgotten if clear_credentials says so, and unless new ones are given also with another host, or if TLS is given up: they would be shown to whoever answers there. What is cached stays, and is compared with the upstream registry at the next pull. Logged like its creation, with "updated". Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown, QY061 credential too long, QY083 invalid configuration or host not allowed, QY084 not a proxy cache, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_delete(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_delete.actor);
    org quay."user" := quay_internal.organization_lock(organization);
BEGIN
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.queue_delete(quay_internal.queue_path('proxycacheblob', org.username));
    PERFORM quay_internal.log_add('delete_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username), proxy_cache_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_delete(text, text, text) IS
    'Makes a proxy cache an ordinary organization; false if it was none. Downloads that wait in the queue are dropped. What is cached stays until its tags end; what had not been fetched yet cannot be pulled any more. Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_get(organization text)
    RETURNS TABLE (config_id bigint, upstream_registry text, upstream_host text, upstream_namespace text, expiration_s integer,
                   insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.upstream_registry::text, split_part(c.upstream_registry, '/', 1),
               nullif(substring(c.upstream_registry FROM strpos(c.upstream_registry || '/', '/') + 1), ''),
               coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_get.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_get(text) IS
    'The configuration of a proxy cache; no row if the organization is none, or is unknown or disabled. upstream_namespace: what to put before the name of a repository at upstream_host, NULL for nothing. expiration_s in seconds, 0: tags never expire. creation_date in UTC. For the credentials see proxy_cache_credentials().';

CREATE OR REPLACE FUNCTION quay.proxy_cache_credentials(organization text)
    RETURNS TABLE (upstream_registry text, username text, password text, insecure boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.upstream_registry::text, quay_internal.field_decrypt(c.upstream_registry_username),
               quay_internal.field_decrypt(c.upstream_registry_password), c.insecure
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_credentials.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_credentials(text) IS
    'What a front end needs to log in at the upstream registry of a proxy cache, in clear: show it to nobody. username and password NULL: anonymous. No row if the organization is no proxy cache, or is unknown or disabled. Errors: QY060 encrypted with another key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization text, upstream_registry text, expiration_s integer, insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.username::text, c.upstream_registry::text, coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay.proxycacheconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id
        WHERE u.username > coalesce(proxy_cache_list.after, '')
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_list(text, integer) IS
    'Organizations that are proxy caches, disabled ones too, in byte order of their names, at most n, those after the name after. Columns as of proxy_cache_get(). Errors: 22023 n negative.';

-- What is cached

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_find(repository_id bigint, reference text, OUT manifest_id bigint, OUT tag quay.tag)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(reference, ':') > 0 THEN
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = proxy_manifest_find.repository_id AND m.digest = proxy_manifest_find.reference;
        SELECT * INTO tag FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_find.manifest_id
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    ELSE
        SELECT * INTO tag FROM quay.tag AS t
        WHERE t.repository_id = proxy_manifest_find.repository_id AND t.name = proxy_manifest_find.reference AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
        manifest_id := tag.manifest_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_find(bigint, text) IS
    'What a proxy cache knows under a tag or a digest, however old: the manifest, and the row that ends last of that tag, or of all tags of that manifest. NULL: nothing.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_state(namespace text, repository text, reference text)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, placeholder boolean, expired boolean, immutable boolean,
                   servable boolean, lifetime_end_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    cached record := quay_internal.proxy_manifest_find(target_id, reference);
    now_ms bigint := quay_internal.clock_ms();
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    RETURN QUERY
        SELECT m.id, m.digest::text, y.name::text, m.manifest_bytes = '', a.dead, (cached.tag).immutable IS TRUE AND NOT by_digest,
               m.manifest_bytes <> '' AND NOT a.dead, (cached.tag).lifetime_end_ms
        FROM quay.manifest AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        CROSS JOIN LATERAL (SELECT NOT CASE WHEN by_digest THEN quay_internal.manifest_is_alive(m.id, now_ms)
                                            ELSE coalesce((cached.tag).lifetime_end_ms > now_ms, true) END) AS a (dead)
        WHERE m.id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_state(text, text, text) IS
    'What a proxy cache has under a tag or a digest; no row: nothing, fetch it and call proxy_manifest_put(). Otherwise ask the upstream registry for its digest, and if it is this one and no placeholder, call proxy_tag_renew(); else fetch and proxy_manifest_put(). placeholder: the manifest is known, its bytes are not here. expired: its time is over. servable: neither, so that it may be served unasked if the upstream registry does not answer (not if it refuses, or does not know it any more). immutable: an immutable tag, to be served without asking. lifetime_end_ms: when the tag ends, in ms since 1970, NULL for never; of a digest, the last of its tags.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_extend(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint[] := ARRAY(
        SELECT t.id FROM quay.tag AS t
        WHERE t.id = ANY (tag_ids)
          -- A second more or less is not worth a write: a popular tag is renewed thousands of times.
          AND (abs(t.lifetime_end_ms - end_ms) >= 1000 OR (t.lifetime_end_ms IS NULL) <> (end_ms IS NULL))
          AND NOT (t.immutable AND quay_internal.setting('immutable_tags')::boolean));
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = end_ms WHERE t.id = ANY (changed);
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (changed);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_extend(bigint[], bigint) IS
    'Lets live tags end at end_ms, NULL for never; immutable ones stay as they are. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_end_ms(config quay.proxycacheconfig) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN quay_internal.clock_ms() + nullif((config).expiration_s, 0) * 1000::bigint;
COMMENT ON FUNCTION quay_internal.proxy_end_ms(quay.proxycacheconfig) IS
    'When a tag ends that a proxy cache has compared with the upstream registry now, in ms since 1970; NULL for never.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_point(repository quay.repository, name text, manifest_id bigint,
                                                         config quay.proxycacheconfig) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_tag quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    current_tag := quay_internal.tag_find(repository.id, name, quay_internal.clock_ms());
    -- Another pull of the same tag may have been faster.
    IF current_tag.manifest_id = proxy_tag_point.manifest_id THEN
        PERFORM quay_internal.proxy_tag_extend(ARRAY[current_tag.id], quay_internal.proxy_end_ms(config));
        SELECT * INTO current_tag FROM quay.tag AS t WHERE t.id = current_tag.id;
        RETURN current_tag;
    ELSIF current_tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RETURN current_tag;
    END IF;
    RETURN quay_internal.tag_retarget(repository, name, proxy_tag_point.manifest_id, quay_internal.proxy_end_ms(config));
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_point(quay.repository, text, bigint, quay.proxycacheconfig) IS
    'Points a tag of a proxy cache to a manifest, from now on for as long as the cache keeps tags, and answers its row; an immutable tag stays where it is. Errors: 40001.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_keep(repository quay.repository, manifest_id bigint, config quay.proxycacheconfig)
    RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    latest quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    now_ms := quay_internal.clock_ms();
    PERFORM quay_internal.proxy_tag_extend(
        ARRAY(SELECT t.id FROM quay.tag AS t
              WHERE t.manifest_id IN (SELECT c.manifest_id FROM quay.manifestchild AS c WHERE c.child_manifest_id = proxy_manifest_keep.manifest_id)
                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
              UNION ALL
              (SELECT t.id FROM quay.tag AS t
               WHERE t.manifest_id = proxy_manifest_keep.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
               ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1)),
        quay_internal.proxy_end_ms(config));
    IF NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)) THEN
        PERFORM quay_internal.manifest_keep(repository.id, ARRAY[manifest_id], nullif(config.expiration_s, 0));
    END IF;
    SELECT * INTO latest FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    RETURN latest;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_keep(quay.repository, bigint, quay.proxycacheconfig) IS
    'Keeps a manifest that was pulled by digest for as long as the cache keeps tags, and the indexes that list it: extends the live tag of it that ends last, and the live tags of the indexes, or gives it a temporary tag. Answers the tag that ends last.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_renew(namespace text, repository text, reference text, digest text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    config quay.proxycacheconfig := quay_internal.proxy_cache_require(namespace);
    target quay.repository;
    cached record;
BEGIN
    IF quay_internal.repository_find(namespace, repository) IS NULL THEN
        RETURN false;
    END IF;
    target := quay_internal.repository_get(namespace, repository, lock => true);
    cached := quay_internal.proxy_manifest_find(target.id, reference);
    -- The lock keeps the manifest from being collected or evicted until we commit.
    PERFORM FROM quay.manifest AS m
    WHERE m.id = cached.manifest_id AND m.manifest_bytes <> '' AND m.digest = coalesce(proxy_tag_renew.digest, m.digest)
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.proxy_manifest_keep(target, cached.manifest_id, config);
        RETURN true;
    END IF;
    RETURN (quay_internal.proxy_tag_point(target, reference, cached.manifest_id, config)).manifest_id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_renew(text, text, text, text) IS
    'Says that the upstream registry still has a cached tag or digest, and keeps it for the time that the cache is configured for, from now on: true. digest: what the tag points to there; false, and nothing happens, if that is not what is cached, or only a placeholder is: fetch it and call proxy_manifest_put(). An expired tag begins a new period. By digest the live tags of indexes that list the manifest are renewed too. An immutable tag stays as it is. Errors: QY002 organization unknown or a person, QY004 disabled, QY084 not a proxy cache, 40001.';
