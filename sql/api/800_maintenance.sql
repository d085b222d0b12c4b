-- What a DBA calls: the drop guard, and the privileges of roles.

CREATE OR REPLACE FUNCTION quay_internal.drop_guard() RETURNS event_trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_drop_guard';
COMMENT ON FUNCTION quay_internal.drop_guard() IS
    'Event trigger: refuses (QY091) DROP EXTENSION, DROP SCHEMA and DROP OWNED while there is user data, unless quay.allow_drop is on.';

-- Three kinds of roles, each with a fixed set of privileges. The next three functions are the only place that says which.

CREATE OR REPLACE FUNCTION quay_internal.secret_column_list() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstoken', 'token_code'),
        ('appspecificauthtoken', 'token_secret'),
        ('cache_entry', 'bytes'),
        ('cache_entry', 'claim'),
        ('cache_entry', 'value'),
        ('emailconfirmation', 'code'),
        ('emailconfirmation', 'verification_code'),
        ('namespacenotification', 'config_json'),
        ('namespacenotification', 'last_error'),
        ('notification', 'metadata_json'),
        ('oauthaccesstoken', 'token_code'),
        ('oauthaccesstoken', 'token_digest'),
        ('oauthapplication', 'secure_client_secret'),
        ('oauthauthorizationcode', 'code_credential'),
        ('orgmirrorconfig', 'external_registry_password'),
        ('orgmirrorconfig', 'external_registry_username'),
        ('proxycacheconfig', 'upstream_registry_password'),
        ('proxycacheconfig', 'upstream_registry_username'),
        ('queueitem', 'body'),
        ('repomirrorconfig', 'external_registry_password'),
        ('repomirrorconfig', 'external_registry_username'),
        ('repository', 'badge_token'),
        ('repositoryauthorizedemail', 'code'),
        ('repositorybuildtrigger', 'secure_auth_token'),
        ('repositorybuildtrigger', 'secure_private_key'),
        ('repositorynotification', 'config_json'),
        ('repositorynotification', 'last_error'),
        ('robotaccounttoken', 'token'),
        ('session', 'data'),
        ('session', 'digest'),
        ('session', 'uuid'),
        ('teammemberinvite', 'invite_token'),
        ('user', 'password_hash');
END
$$;
COMMENT ON FUNCTION quay_internal.secret_column_list() IS
    'Columns of tables in schema quay that a reader must not see: passwords, tokens, codes and keys, hashed, encrypted or in clear.';

CREATE OR REPLACE FUNCTION quay_internal.function_is_for(function regprocedure, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What changes the installation or the rights in it.
    for_admin CONSTANT text[] := ARRAY['backfill_begin', 'backfill_require', 'backfill_run', 'backfill_set', 'backfill_step',
                                      'downgrade_refuse', 'field_encrypt_with', 'field_key', 'field_rotate', 'grant_role',
                                      'log_archive_confirm', 'log_count_month_update', 'log_count_reset', 'log_count_update',
                                      'log_partition_drop', 'log_partition_ensure', 'log_removal_note', 'log_retain',
                                      'log_rows_delete', 'log_seal', 'log_seal_block_add', 'log_seal_rekey', 'log_settled_id',
                                      'maintenance_log_partition', 'maintenance_log_retain', 'maintenance_log_seal',
                                      'maintenance_reset', 'maintenance_schedule', 'maintenance_set', 'maintenance_unschedule',
                                      'migration_record', 'revoke_role', 'search_index_create', 'secret_check', 'secret_rotate',
                                      'secret_rotate_all', 'secret_rotate_batch', 'secret_rotate_start', 'secret_rotate_verify',
                                      'secret_scan', 'version_require', 'version_set'];
    -- What moves a whole registry in or out.
    for_move CONSTANT text[] := ARRAY['adopt', 'adoption_advance', 'adoption_begin', 'adoption_blob_use', 'adoption_compare', 'adoption_contact_email',
                                   'adoption_copy', 'adoption_count', 'adoption_do', 'adoption_find', 'adoption_forget', 'adoption_has',
                                   'adoption_index_children', 'adoption_json', 'adoption_json_column_list', 'adoption_lock', 'adoption_map_changes',
                                   'adoption_missing_child', 'adoption_months', 'adoption_plan', 'adoption_prove', 'adoption_read',
                                   'adoption_registry_check', 'adoption_require_empty', 'adoption_reserve', 'adoption_review', 'adoption_revision',
                                   'adoption_revision_list', 'adoption_rule_list', 'adoption_scan_column', 'adoption_scan_enumeration',
                                   'adoption_scan_kept', 'adoption_scan_key', 'adoption_scan_table', 'adoption_scan_unique', 'adoption_sequence',
                                   'adoption_size', 'adoption_sql', 'adoption_summarize', 'adoption_write', 'reference_column_list',
                                   'reference_key_list', 'reference_order', 'reference_table_list', 'release', 'release_all', 'release_index',
                                   'release_index_list', 'release_key', 'release_prepare', 'release_table'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'repository_get', 'utc_now', 'wal_token', 'wal_wait'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['actor_resolve', 'app_token_get', 'app_token_problem', 'authenticate_app_token',
                                      'bootstrap_owner', 'bootstrap_token_check', 'bootstrap_token_problem',
                                      'build_trigger_credentials', 'cache_get', 'cache_get_many', 'cache_get_row', 'cache_status',
                                      'delivery_plan', 'field_decrypt', 'field_matches', 'invite_get', 'invite_list_for',
                                      'log_signature', 'login_account', 'login_is_fresh', 'mirror_credentials', 'mirror_get',
                                      'mirror_settings', 'namespace_notification_get', 'namespace_notification_list',
                                      'notification_exists', 'notification_find', 'notification_get', 'notification_list',
                                      'notification_list_path', 'oauth_application_secret', 'oauth_client_check', 'oauth_code_find',
                                      'oauth_token_match', 'oauth_token_problem', 'org_mirror_credentials', 'org_mirror_get',
                                      'password_decrypt', 'password_verify', 'proxy_cache_credentials', 'queue_item_get',
                                      'repository_badge_token_get', 'repository_notification_get', 'repository_notification_list',
                                      'repository_token_find', 'repository_token_get', 'repository_token_load', 'robot_account',
                                      'robot_pull_credentials', 'robot_token', 'secret_digest', 'secret_equal', 'session_digest',
                                      'session_get', 'session_get_row', 'session_list', 'team_invite_list_by_email',
                                      'team_invite_lookup', 'user_has_password', 'user_team_invite_list'];
    found record;
BEGIN
    SELECT p.proname::text AS name, p.provolatile AS volatility,
           p.prorettype = ANY (ARRAY['trigger'::regtype, 'event_trigger'::regtype]) AS is_trigger
    INTO STRICT found FROM pg_proc AS p WHERE p.oid = function_is_for.function;
    RETURN CASE function_is_for.kind
        WHEN 'admin' THEN true
        WHEN 'application' THEN NOT found.is_trigger AND found.name <> ALL (for_admin || for_move)
        ELSE NOT found.is_trigger AND found.name <> ALL (for_admin || for_move) AND found.name <> ALL (not_for_readers)
             AND (found.volatility <> 'v' OR found.name = ANY (for_reads))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.function_is_for(regprocedure, text) IS
    'May roles of that kind call the function? Administrators all, applications all but maintenance, readers those that only read.';

CREATE OR REPLACE FUNCTION quay_internal.privilege_list(kind text)
    RETURNS TABLE (object_kind text, object text, columns name[], privilege text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES ('SCHEMA', 'quay', NULL::name[], 'USAGE'), ('SCHEMA', 'quay_internal', NULL, 'USAGE');

    RETURN QUERY
    SELECT 'ROUTINE', p.oid::regprocedure::text, NULL::name[], 'EXECUTE'
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND quay_internal.function_is_for(p.oid, privilege_list.kind);

    RETURN QUERY
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.oid::regclass::text,
           CASE WHEN kind = 'reader' THEN visible.columns END,
           wanted.privilege
    FROM pg_class AS c
    CROSS JOIN LATERAL unnest(CASE
        WHEN c.relkind = 'S' THEN CASE privilege_list.kind
            WHEN 'admin' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
            WHEN 'application' THEN ARRAY['USAGE'] END
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'migration_journal', 'entity_change', 'rights_change')
             OR (c.relname IN ('secret_rotation', 'maintenance_setting', 'backfill') OR c.relname LIKE 'adoption%') AND privilege_list.kind <> 'admin'
             -- Who writes the audit log must not write the evidence.
             OR c.relname = ANY (ARRAY['log_archive', 'log_count_day', 'log_removed', 'log_seal_block', 'log_settled'])
                AND privilege_list.kind <> 'admin' THEN ARRAY['SELECT']
        WHEN privilege_list.kind = 'application' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END) AS wanted (privilege)
    -- NULL, so the whole table, unless it has a secret
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_or(s.column_name IS NOT NULL)
                    THEN array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE s.column_name IS NULL) END AS columns
        FROM pg_attribute AS a
        LEFT JOIN quay_internal.secret_column_list() AS s
            ON c.relnamespace = 'quay'::regnamespace AND s.table_name = c.relname AND s.column_name = a.attname
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS visible
    WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND c.relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'S']::"char"[])
      -- Months of the log are reached through the whole, which is where PostgreSQL asks for the right.
      AND (NOT c.relispartition OR c.relname = 'logentry3_default');
END
$$;
COMMENT ON FUNCTION quay_internal.privilege_list(text) IS
    'The privileges of a kind of role: admin, application or reader. One row each; columns, if not NULL, are those that it is limited to.';

CREATE OR REPLACE FUNCTION quay_internal.role_kind(role regrole) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Rights by name only: not those of a superuser, an owner or a member.
    RETURN CASE
        WHEN EXISTS (SELECT FROM pg_proc AS p, aclexplode(p.proacl) AS a
                     WHERE p.oid = 'quay.grant_role(regrole, text)'::regprocedure
                       AND a.grantee = role_kind.role AND a.grantee <> p.proowner) THEN 'admin'
        WHEN EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
                     WHERE c.oid = 'quay."user"'::regclass AND a.privilege_type = 'INSERT'
                       AND a.grantee = role_kind.role AND a.grantee <> c.relowner) THEN 'application'
        WHEN EXISTS (SELECT FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
                     WHERE n.oid = 'quay'::regnamespace
                       AND a.grantee = role_kind.role AND a.grantee <> n.nspowner) THEN 'reader'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.role_kind(regrole) IS 'What grant_role() made of the role: admin, application or reader; NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.role_lacks(role regrole, kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM quay_internal.privilege_list(role_lacks.kind) AS p
        WHERE NOT CASE p.object_kind
            WHEN 'SCHEMA' THEN has_schema_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'ROUTINE' THEN has_function_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'SEQUENCE' THEN has_sequence_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'TABLE' THEN CASE
                WHEN p.columns IS NULL THEN has_table_privilege(role_lacks.role, p.object, p.privilege)
                ELSE (SELECT bool_and(has_column_privilege(role_lacks.role, p.object, c.name, p.privilege)) FROM unnest(p.columns) AS c (name)) END
            END
    );
END
$$;
COMMENT ON FUNCTION quay_internal.role_lacks(regrole, text) IS 'How many of the privileges of that kind the role has not.';

CREATE OR REPLACE FUNCTION quay.role_list() RETURNS TABLE (role text, kind text, complete boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.rolname::text, k.kind, quay_internal.role_lacks(r.oid, k.kind) = 0
    FROM pg_roles AS r
    CROSS JOIN LATERAL (SELECT quay_internal.role_kind(r.oid) AS kind OFFSET 0) AS k
    WHERE k.kind IS NOT NULL
    ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION quay.role_list() IS
    'Roles that grant_role() served, and as which kind. complete is false where an update brought objects since: grant the same kind again.';

CREATE OR REPLACE FUNCTION quay.revoke_role(role regrole, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    object_kind text;
    behavior text := CASE WHEN revoke_role.cascade THEN 'CASCADE' ELSE 'RESTRICT' END;
    previous_role CONSTANT text := current_setting('role');
    grantee regrole;
    other text;
BEGIN
    -- What the role granted to others goes first, in its name: CASCADE alone would leave rights on columns that came from its right on
    -- the table.
    IF revoke_role.cascade THEN
        FOR grantee IN
            SELECT DISTINCT a.grantee FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
            WHERE n.oid = 'quay'::regnamespace AND a.grantor = revoke_role.role AND a.grantor <> n.nspowner
        LOOP
            PERFORM set_config('role', (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = revoke_role.role), true);
            PERFORM quay.revoke_role(grantee, cascade => true);
            PERFORM set_config('role', previous_role, true);
        END LOOP;
    END IF;

    FOREACH object_kind IN ARRAY ARRAY['ALL TABLES IN SCHEMA', 'ALL SEQUENCES IN SCHEMA', 'ALL ROUTINES IN SCHEMA', 'SCHEMA'] LOOP
        EXECUTE format('REVOKE ALL ON %s quay, quay_internal FROM %s %s', object_kind, revoke_role.role, behavior);
    END LOOP;

    -- REVOKE takes back only what its role has granted.
    SELECT string_agg(DISTINCT a.grantor::regrole::text, ', ') INTO other
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
    WHERE n.nspname = ANY (ARRAY['quay', 'quay_internal']::name[]) AND a.grantee = revoke_role.role AND a.grantee <> n.nspowner;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'role still has privileges that another role granted',
            DETAIL = format('They were granted to %s by %s.', revoke_role.role, other),
            HINT = format('Run SET ROLE %s and quay.revoke_role() again.', other);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.revoke_role(regrole, boolean) IS
    'Takes back what grant_role() gave. cascade: also what that role, an admin, gave to others; without it such a role is refused (2BP01). Errors: 42501 granted by another role, named in the detail.';

CREATE OR REPLACE FUNCTION quay.grant_role(role regrole, kind text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grant_option text := CASE grant_role.kind WHEN 'admin' THEN 'WITH GRANT OPTION' ELSE '' END;
    statement text;
BEGIN
    IF grant_role.kind IS NULL OR grant_role.kind <> ALL (ARRAY['admin', 'application', 'reader']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of role',
            DETAIL = format('There is no kind "%s".', left(grant_role.kind, 80)),
            HINT = 'Kinds are admin, application and reader.';
    END IF;
    IF quay_internal.role_kind(grant_role.role) <> grant_role.kind THEN
        PERFORM quay.revoke_role(grant_role.role);
    END IF;
    FOR statement IN
        SELECT format('GRANT %s%s ON %s %s TO %s %s', p.privilege,
                      (SELECT '(' || string_agg(quote_ident(c.name), ', ') || ')' FROM unnest(p.columns) AS c (name)), p.object_kind,
                      string_agg(p.object, ', ' ORDER BY p.object), grant_role.role, grant_option)
        FROM quay_internal.privilege_list(grant_role.kind) AS p
        GROUP BY p.object_kind, p.privilege, p.columns, CASE WHEN p.columns IS NOT NULL THEN p.object END
    LOOP
        EXECUTE statement;
    END LOOP;

    -- GRANT only warns where the caller may not grant.
    IF quay_internal.role_lacks(grant_role.role, grant_role.kind) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'may not grant all privileges of this kind of role',
            DETAIL = format('Kind "%s" needs privileges that role %s cannot pass on.', grant_role.kind, current_user),
            HINT = 'Call it as the owner of the extension, or as a role of kind admin.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.grant_role(regrole, text) IS
    'Gives a role the privileges of one kind, instead of those of another. reader: read functions and tables without secrets. application: all functions but maintenance, and reading and writing of tables. admin: all, and to grant it. Again after an update. Errors: QY009 unknown kind, 42501 caller may not grant.';
