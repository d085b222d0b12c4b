-- The rest of the rules of 406_registry_check.sql, about sizes, accounts, statistics and enumerations; and all of them at once.

CREATE OR REPLACE FUNCTION quay_internal.registry_check_size(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off
    -- Without statistics, as after an update, the planner takes hash tables that do not fit.
    SET enable_hashagg = off AS $$
BEGIN
    IF 'blob_use' = ANY (rules) THEN
        -- A use whose end waits for a review is still counted.
        RETURN QUERY
            SELECT 'blob_use', quay_internal.repository_path(coalesce(m.repository_id, u.repository_id)),
                   format(CASE WHEN u.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No manifest uses blob %s, which is counted.' END,
                          coalesce(m.blob_id, u.blob_id))
            FROM (SELECT DISTINCT r.namespace_user_id AS namespace_id, m.blob_id, m.repository_id
                  FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
                  WHERE (scope_id IS NULL OR r.namespace_user_id = scope_id)) AS m
            FULL JOIN (SELECT u.namespace_id, u.blob_id, u.repository_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS u
                ON u.namespace_id = m.namespace_id AND u.blob_id = m.blob_id AND u.repository_id = m.repository_id
            WHERE u.blob_id IS NULL
               OR m.blob_id IS NULL AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v
                                                    WHERE v.kind = 'u' AND v.object_id = u.blob_id AND v.repository_id = u.repository_id)
            LIMIT n;
        RETURN QUERY
            SELECT 'blob_use', 'namespace ' || coalesce(o.username, coalesce(a.namespace_id, s.namespace_id)::text),
                   format(CASE WHEN a.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No repository uses blob %s, which is counted.' END,
                          coalesce(a.blob_id, s.blob_id))
            FROM (SELECT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                  WHERE u.repository_id = 0
                    AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS a
            FULL JOIN (SELECT DISTINCT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS s
                ON s.namespace_id = a.namespace_id AND s.blob_id = a.blob_id
            LEFT JOIN quay."user" AS o ON o.id = coalesce(a.namespace_id, s.namespace_id)
            WHERE a.blob_id IS NULL OR s.blob_id IS NULL
            LIMIT n;
    END IF;
    IF 'blob_use_size' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_use_size', CASE u.repository_id WHEN 0 THEN 'namespace ' || coalesce(o.username, u.namespace_id::text)
                                                         ELSE quay_internal.repository_path(u.repository_id) END,
                   format('Blob %s has %s bytes and is counted with %s.', u.blob_id, coalesce(b.image_size, 0), u.size)
            FROM quay_internal.blob_use AS u
            JOIN quay.imagestorage AS b ON b.id = u.blob_id
            LEFT JOIN quay."user" AS o ON o.id = u.namespace_id
            WHERE u.size <> coalesce(b.image_size, 0)
              AND (scope_id IS NULL OR u.namespace_id = scope_id)
            LIMIT n;
    END IF;
    RETURN QUERY
        WITH counted AS (
            SELECT c.namespace_id, c.repository_id, sum(c.used)::bigint AS bytes, sum(c.reserved)::bigint AS reserved
            FROM quay_internal.size_counter AS c
            WHERE scope_id IS NULL OR c.namespace_id = scope_id
            GROUP BY c.namespace_id, c.repository_id
        ), real AS (
            SELECT u.namespace_id, u.repository_id, sum(u.size)::bigint AS bytes FROM quay_internal.blob_use AS u
            WHERE 'size_counter' = ANY (rules) AND (scope_id IS NULL OR u.namespace_id = scope_id)
            GROUP BY u.namespace_id, u.repository_id
            UNION ALL
            SELECT 0, 0, coalesce(sum(b.image_size), 0)::bigint FROM quay.imagestorage AS b
            WHERE 'size_counter' = ANY (rules) AND scope_id IS NULL
            HAVING scope_id IS NULL
        ), upload AS (
            SELECT r.namespace_user_id AS namespace_id, sum(b.reserved_bytes)::bigint AS reserved
            FROM quay.blobupload AS b JOIN quay.repository AS r ON r.id = b.repository_id
            WHERE 'size_reserved' = ANY (rules) AND b.reserved_bytes <> 0 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            GROUP BY r.namespace_user_id
        ), difference AS (
            (SELECT 'size_counter' AS rule, coalesce(c.namespace_id, w.namespace_id) AS namespace_id,
                    coalesce(c.repository_id, w.repository_id) AS repository_id,
                    format('Counted are %s bytes, there are %s.', coalesce(c.bytes, 0), coalesce(w.bytes, 0)) AS detail
             FROM counted AS c FULL JOIN real AS w ON w.namespace_id = c.namespace_id AND w.repository_id = c.repository_id
             WHERE 'size_counter' = ANY (rules) AND coalesce(c.bytes, 0) <> coalesce(w.bytes, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_reserved', coalesce(c.namespace_id, w.namespace_id), 0,
                    format('Reserved are %s bytes, uploads have reserved %s.', coalesce(c.reserved, 0), coalesce(w.reserved, 0))
             FROM (SELECT * FROM counted AS c WHERE c.repository_id = 0) AS c FULL JOIN upload AS w ON w.namespace_id = c.namespace_id
             WHERE 'size_reserved' = ANY (rules) AND coalesce(c.reserved, 0) <> coalesce(w.reserved, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_negative', c.namespace_id, c.repository_id,
                    format('Counted are %s bytes, and %s reserved.', c.bytes, c.reserved)
             FROM counted AS c
             WHERE 'size_negative' = ANY (rules) AND (c.bytes < 0 OR c.reserved < 0)
             LIMIT n)
        )
        SELECT d.rule, CASE WHEN d.repository_id <> 0 THEN quay_internal.repository_path(d.repository_id)
                            WHEN d.namespace_id = 0 THEN 'registry'
                            ELSE 'namespace ' || coalesce(o.username, d.namespace_id::text) END, d.detail
        FROM difference AS d LEFT JOIN quay."user" AS o ON o.id = d.namespace_id;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_size(text[], bigint, integer) IS 'What breaks the rules about sizes: each is counted anew.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_account(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    IF 'repository_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'repository_owner', quay_internal.repository_path(r.id),
                   format('Repository %s belongs to %s.', r.id, CASE WHEN u.id IS NULL THEN 'nobody' ELSE 'the robot ' || u.username END)
            FROM quay.repository AS r LEFT JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE (u.id IS NULL OR u.robot) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'organization_without_admin' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'organization_without_admin', o.username::text, 'Nobody can administer it.'
            FROM quay."user" AS o
            WHERE o.organization AND o.enabled
              AND NOT EXISTS (SELECT FROM quay.team AS t
                              JOIN quay.teamrole AS e ON e.id = t.role_id AND e.name = 'admin'
                              JOIN quay.teammember AS m ON m.team_id = t.id
                              JOIN quay."user" AS u ON u.id = m.user_id AND u.enabled AND NOT u.robot AND NOT u.organization
                              WHERE t.organization_id = o.id)
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_owner', o.username || ':' || t.name,
                   format('Team %s belongs to %s.', t.id, CASE WHEN o.robot THEN 'a robot' ELSE 'a person' END)
            FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE NOT o.organization AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'robot_without_namespace' = ANY (rules) AND scope_id IS NULL THEN
        RETURN QUERY
            SELECT 'robot_without_namespace', b.username::text, format('There is no namespace "%s".', split_part(b.username, '+', 1))
            FROM quay."user" AS b
            WHERE b.robot AND b.enabled
              AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(b.username, '+', 1) AND NOT u.robot)
            LIMIT n;
    END IF;
    IF 'robot_foreign_team' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'robot_foreign_team', o.username || ':' || t.name, format('Robot "%s" is a member.', b.username)
            FROM quay.teammember AS m
            JOIN quay.team AS t ON t.id = m.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            JOIN quay."user" AS b ON b.id = m.user_id AND b.robot
            WHERE split_part(b.username, '+', 1) <> o.username
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'permission_foreign' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'permission_foreign', quay_internal.repository_path(r.id),
                   format('Permission %s is of %s.', p.id, coalesce('robot ' || b.username, 'team ' || t.name || ' of another organization'))
            FROM quay.repositorypermission AS p
            JOIN quay.repository AS r ON r.id = p.repository_id
            JOIN quay."user" AS o ON o.id = r.namespace_user_id
            LEFT JOIN quay.team AS t ON t.id = p.team_id
            LEFT JOIN quay."user" AS b ON b.id = p.user_id AND b.robot AND b.enabled
            WHERE (t.organization_id <> o.id OR split_part(b.username, '+', 1) <> o.username) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_invite_duplicate' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_invite_duplicate', o.username || ':' || t.name, format('%s invitations for the same person: %s.', i.number, i.ids)
            FROM (SELECT i.team_id, count(*) AS number, string_agg(i.id::text, ', ' ORDER BY i.id) AS ids
                  FROM quay.teammemberinvite AS i GROUP BY i.team_id, i.user_id, lower(i.email) HAVING count(*) > 1) AS i
            JOIN quay.team AS t ON t.id = i.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE scope_id IS NULL OR o.id = scope_id
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_account(text[], bigint, integer) IS 'What breaks the rules about owners, teams, robots and permissions.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_statistics(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF 'tag_statistics_without_tag' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_statistics_without_tag', quay_internal.repository_path(s.repository_id) || ':' || s.tag_name,
                   format('%s pulls.', s.tag_pull_count)
            FROM quay.tagpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                              WHERE t.repository_id = s.repository_id AND t.name = s.tag_name AND NOT t.hidden
                                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'manifest_statistics_without_manifest' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_statistics_without_manifest', quay_internal.repository_path(s.repository_id) || '@' || s.manifest_digest,
                   format('%s pulls.', s.manifest_pull_count)
            FROM quay.manifestpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.manifest AS m WHERE m.repository_id = s.repository_id AND m.digest = s.manifest_digest)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_statistics(text[], bigint, integer) IS 'Statistics of pulls that belong to nothing.';

CREATE OR REPLACE FUNCTION quay_internal.enumeration_list() RETURNS TABLE (table_name text, names text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstokenkind', 'build-worker pushpull-token'),
        ('buildtriggerservice', 'github gitlab bitbucket custom-git'),
        ('disablereason', 'user_toggled successive_build_failures successive_build_internal_errors'),
        ('externalnotificationevent', 'build_failure build_queued build_start build_success repo_push vulnerability_found build_cancelled '
            'repo_mirror_sync_started repo_mirror_sync_success repo_mirror_sync_failed repo_image_expiry quota_warning quota_error'),
        ('externalnotificationmethod', 'email flowdock hipchat quay_notification slack webhook'),
        ('labelsourcetype', 'manifest api internal'),
        ('logentrykind', 'account_change_cc account_change_password account_change_plan account_convert add_repo_accesstoken '
            'add_repo_notification add_repo_permission add_repo_webhook build_dockerfile change_repo_permission '
            'change_repo_visibility create_application create_prototype_permission create_repo create_robot create_tag '
            'delete_application delete_prototype_permission delete_repo delete_repo_accesstoken delete_repo_notification '
            'delete_repo_permission delete_repo_trigger delete_repo_webhook delete_robot delete_tag manifest_label_add '
            'manifest_label_delete modify_prototype_permission move_tag org_add_team_member org_create_team org_delete_team '
            'org_delete_team_member_invite org_invite_team_member org_remove_team_member org_set_team_description org_set_team_role '
            'org_team_member_invite_accepted org_team_member_invite_declined pull_repo push_repo regenerate_robot_token repo_verb '
            'reset_application_client_secret revert_tag service_key_approve service_key_create service_key_delete '
            'service_key_extend service_key_modify service_key_rotate setup_repo_trigger set_repo_description take_ownership '
            'update_application change_repo_trust reset_repo_notification change_tag_expiration create_app_specific_token '
            'revoke_app_specific_token toggle_repo_trigger repo_mirror_enabled repo_mirror_disabled repo_mirror_config_changed '
            'repo_mirror_sync_started repo_mirror_sync_failed repo_mirror_sync_success repo_mirror_sync_now_requested '
            'repo_mirror_sync_tag_success repo_mirror_sync_tag_failed repo_mirror_sync_test_success repo_mirror_sync_test_failed '
            'repo_mirror_sync_test_started change_repo_state create_proxy_cache_config delete_proxy_cache_config '
            'start_build_trigger cancel_build org_create org_delete org_change_email org_change_invoicing org_change_tag_expiration '
            'org_change_name user_create user_delete user_disable user_enable user_change_email user_change_password '
            'user_change_name user_change_invoicing user_change_tag_expiration user_change_metadata user_generate_client_key '
            'login_success logout_success permanently_delete_tag autoprune_tag_delete create_namespace_autoprune_policy '
            'update_namespace_autoprune_policy delete_namespace_autoprune_policy login_failure push_repo_failed pull_repo_failed '
            'delete_tag_failed create_repository_autoprune_policy update_repository_autoprune_policy '
            'delete_repository_autoprune_policy enable_team_sync disable_team_sync oauth_token_assigned oauth_token_revoked '
            'change_tag_immutability create_robot_federation delete_robot_federation federated_robot_token_exchange '
            'export_logs_success export_logs_failure org_create_quota org_change_quota org_delete_quota org_create_quota_limit '
            'org_change_quota_limit org_delete_quota_limit org_mirror_enabled org_mirror_disabled org_mirror_config_changed '
            'org_mirror_sync_started org_mirror_sync_failed org_mirror_sync_success org_mirror_sync_now_requested '
            'org_mirror_sync_cancelled org_mirror_repo_created create_immutability_policy update_immutability_policy '
            'delete_immutability_policy org_mirror_repo_creation_failed tag_made_immutable_by_policy tags_made_immutable_by_policy '
            'create_oauth_api_token revoke_oauth_api_token create_namespace_notification delete_namespace_notification '
            'reset_namespace_notification'),
        ('loginservice', 'github quayrobot ldap google keystone dex jwtauthn oidc'),
        ('mediatype', 'text/plain application/json text/markdown application/vnd.docker.distribution.manifest.v1+prettyjws '
            'application/vnd.docker.distribution.manifest.v1+json application/vnd.docker.distribution.manifest.list.v2+json '
            'application/vnd.docker.distribution.manifest.v2+json application/vnd.oci.image.index.v1+json '
            'application/vnd.oci.image.manifest.v1+json'),
        ('notificationkind', 'build_failure build_queued build_start build_success expiring_license maintenance org_team_invite over_private_usage '
            'password_required repo_push service_key_submitted vulnerability_found build_cancelled repo_mirror_sync_started '
            'repo_mirror_sync_success repo_mirror_sync_failed quota_warning quota_error assigned_authorization '
            'repo_image_expiry test_notification'),
        ('quotatype', 'Warning Reject'),
        ('repositorykind', 'image application'),
        ('role', 'admin write read'),
        ('tagkind', 'tag'),
        ('teamrole', 'admin creator member'),
        ('userpromptkind', 'confirm_username enter_name enter_company'),
        ('visibility', 'public private');
END
$$;
COMMENT ON FUNCTION quay_internal.enumeration_list() IS 'Names that the enumerations have in every registry, separated by blanks.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_enumeration(rules text[], n integer) RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT 'enumeration_missing', l.table_name, format('There is no "%s".', w.name)
        FROM quay_internal.enumeration_list() AS l
        CROSS JOIN LATERAL string_to_table(l.names, ' ') AS w (name)
        WHERE 'enumeration_missing' = ANY (rules) AND (l.table_name, w.name) NOT IN (
                SELECT 'accesstokenkind' AS table_name, e.name::text FROM quay.accesstokenkind AS e
                UNION ALL SELECT 'buildtriggerservice', e.name FROM quay.buildtriggerservice AS e
                UNION ALL SELECT 'disablereason', e.name FROM quay.disablereason AS e
                UNION ALL SELECT 'externalnotificationevent', e.name FROM quay.externalnotificationevent AS e
                UNION ALL SELECT 'externalnotificationmethod', e.name FROM quay.externalnotificationmethod AS e
                UNION ALL SELECT 'labelsourcetype', e.name FROM quay.labelsourcetype AS e
                UNION ALL SELECT 'logentrykind', e.name FROM quay.logentrykind AS e
                UNION ALL SELECT 'loginservice', e.name FROM quay.loginservice AS e
                UNION ALL SELECT 'mediatype', e.name FROM quay.mediatype AS e
                UNION ALL SELECT 'notificationkind', e.name FROM quay.notificationkind AS e
                UNION ALL SELECT 'quotatype', e.name FROM quay.quotatype AS e
                UNION ALL SELECT 'repositorykind', e.name FROM quay.repositorykind AS e
                UNION ALL SELECT 'role', e.name FROM quay.role AS e
                UNION ALL SELECT 'tagkind', e.name FROM quay.tagkind AS e
                UNION ALL SELECT 'teamrole', e.name FROM quay.teamrole AS e
                UNION ALL SELECT 'userpromptkind', e.name FROM quay.userpromptkind AS e
                UNION ALL SELECT 'visibility', e.name FROM quay.visibility AS e)
        ORDER BY l.table_name, w.name
        LIMIT n;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_enumeration(text[], integer) IS 'Names that are missing in the enumerations.';

CREATE OR REPLACE FUNCTION quay.registry_check(namespace text DEFAULT NULL, rules text[] DEFAULT NULL, n integer DEFAULT 1000,
                                               sample integer DEFAULT 10000)
    RETURNS TABLE (rule text, severity text, object text, detail text, repair text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint;
    maximum integer := quay_internal.page_size(n);
    all_rules text[] := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k);
    wanted text[] := coalesce(registry_check.rules, all_rules);
BEGIN
    IF NOT wanted <@ all_rules THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown rule',
            DETAIL = format('There is no rule "%s".', (SELECT left(w.rule, 80) FROM unnest(wanted) AS w (rule)
                                                       WHERE w.rule = ANY (all_rules) IS NOT TRUE LIMIT 1)),
            HINT = 'quay.registry_check_rules() lists them.';
    END IF;
    IF sample < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a sample must not be negative',
            DETAIL = format('It is %s.', sample),
            HINT = 'Pass how many manifests are to be compared with their digests, NULL for all.';
    END IF;
    IF registry_check.namespace IS NOT NULL THEN
        -- Disabled ones too.
        owner_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = registry_check.namespace AND NOT u.robot);
        IF owner_id IS NULL THEN
            PERFORM quay_internal.namespace_get(registry_check.namespace);
        END IF;
        wanted := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k WHERE k.rule = ANY (wanted) AND k.by_namespace);
    END IF;
    RETURN QUERY
        SELECT f.rule, k.severity, f.object, f.detail, k.repair
        FROM (SELECT * FROM quay_internal.registry_check_tag(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_manifest(wanted, owner_id, maximum, sample)
              UNION ALL SELECT * FROM quay_internal.registry_check_blob(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_size(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_account(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_statistics(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_enumeration(wanted, maximum)) AS f
        JOIN quay.registry_check_rules() AS k ON k.rule = f.rule;
END
$$;
COMMENT ON FUNCTION quay.registry_check(text, text[], integer, integer) IS
'What breaks the rules of the registry: a row for each finding, none if all is well. rules: only these; registry_check_rules() lists and explains them. namespace: only what belongs to it, disabled or not; rules that span namespaces are left out then. n: at most so many findings of each rule. sample: how many manifests, the newest, are compared with their digests, NULL all (manifest_digest_check() goes through them in steps).

object: what the finding is about, by names; detail: a sentence with the ids of the rows; repair: what to do about it. The order of rows is undefined.
All is seen as of one moment, whatever others do meanwhile. It changes nothing, locks nothing, runs on a standby, and reads most of the tables of the registry, from a few seconds to many minutes. Errors: 22023 n or sample negative, unknown rule; QY002.';
