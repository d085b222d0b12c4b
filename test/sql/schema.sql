-- The reference application's statements must work: each of its tables and columns is here, under the same name, with the same or a wider
-- type, and each of its seeds.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
\pset format unaligned

-- One line per table: columns in order, ! for NOT NULL.
CREATE TEMPORARY TABLE reference (table_name text, definition text);
COPY reference FROM stdin;
accesstoken	id integer!, friendly_name varchar(255), repository_id integer!, created timestamp!, role_id integer!, temporary boolean!, kind_id integer, token_code varchar(255)!, token_name varchar(255)!
accesstokenkind	id integer!, name varchar(255)!
alembic_version	version_num varchar(32)!
apprblob	id integer!, digest varchar(255)!, media_type_id integer!, size bigint!, uncompressed_size bigint
apprblobplacement	id integer!, blob_id integer!, location_id integer!
apprblobplacementlocation	id integer!, name varchar(255)!
apprmanifest	id integer!, digest varchar(255)!, media_type_id integer!, manifest_json text!
apprmanifestblob	id integer!, manifest_id integer!, blob_id integer!
apprmanifestlist	id integer!, digest varchar(255)!, manifest_list_json text!, schema_version varchar(255)!, media_type_id integer!
apprmanifestlistmanifest	id integer!, manifest_list_id integer!, manifest_id integer!, operating_system varchar(255), architecture varchar(255), platform_json text, media_type_id integer!
apprtag	id integer!, name varchar(255)!, repository_id integer!, manifest_list_id integer, lifetime_start bigint!, lifetime_end bigint, hidden boolean!, reverted boolean!, protected boolean!, tag_kind_id integer!, linked_tag_id integer
apprtagkind	id integer!, name varchar(255)!
appspecificauthtoken	id integer!, user_id integer!, uuid varchar(36)!, title varchar(255)!, created timestamp!, expiration timestamp, last_accessed timestamp, token_name varchar(255)!, token_secret varchar(255)!
autoprunetaskstatus	id integer!, namespace_id integer!, last_ran_ms bigint, status text
blobupload	id integer!, repository_id integer!, uuid varchar(255)!, byte_count bigint!, sha_state text, location_id integer!, storage_metadata text, chunk_count integer!, uncompressed_byte_count bigint, created timestamp!, piece_sha_state text, piece_hashes text
buildtriggerservice	id integer!, name varchar(255)!
deletednamespace	id integer!, namespace_id integer!, marked timestamp!, original_username varchar(255)!, original_email varchar(255)!, queue_id varchar(255)
deletedrepository	id integer!, repository_id integer!, marked timestamp!, original_name varchar(255)!, queue_id varchar(255)
disablereason	id integer!, name varchar(255)!
emailconfirmation	id integer!, code varchar(255)!, user_id integer!, pw_reset boolean!, new_email varchar(255), email_confirm boolean!, created timestamp!, verification_code varchar(255)
externalnotificationevent	id integer!, name varchar(255)!
externalnotificationmethod	id integer!, name varchar(255)!
federatedlogin	id integer!, user_id integer!, service_id integer!, service_ident varchar(255)!, metadata_json text!
imagestorage	id integer!, uuid varchar(255)!, image_size bigint, uncompressed_size bigint, uploading boolean, cas_path boolean!, content_checksum varchar(255)
imagestoragelocation	id integer!, name varchar(255)!
imagestorageplacement	id integer!, storage_id integer!, location_id integer!
imagestoragesignature	id integer!, storage_id integer!, kind_id integer!, signature text, uploading boolean
imagestoragesignaturekind	id integer!, name varchar(255)!
imagestoragetransformation	id integer!, name varchar(255)!
label	id integer!, uuid varchar(255)!, key varchar(255)!, value text!, media_type_id integer!, source_type_id integer!
labelsourcetype	id integer!, name varchar(255)!, mutable boolean!
logentry	id bigint!, kind_id integer!, account_id integer!, performer_id integer, repository_id integer, datetime timestamp!, ip varchar(255), metadata_json text!
logentry2	id integer!, kind_id integer!, account_id integer!, performer_id integer, repository_id integer, datetime timestamp!, ip varchar(255), metadata_json text!
logentry3	id bigint!, kind_id integer!, account_id integer!, performer_id integer, repository_id integer, datetime timestamp!, ip varchar(255), metadata_json text!
logentrykind	id integer!, name varchar(255)!
loginservice	id integer!, name varchar(255)!
manifest	id integer!, repository_id integer!, digest varchar(255)!, media_type_id integer!, manifest_bytes text!, config_media_type varchar(255), layers_compressed_size bigint, subject varchar(255), subject_backfilled boolean, artifact_type varchar(255), artifact_type_backfilled boolean
manifestblob	id bigint!, repository_id integer!, manifest_id integer!, blob_id integer!
manifestchild	id integer!, repository_id integer!, manifest_id integer!, child_manifest_id integer!
manifestlabel	id integer!, repository_id integer!, manifest_id integer!, label_id integer!
manifestpullstatistics	id integer!, repository_id integer!, manifest_digest varchar(255)!, manifest_pull_count bigint!, last_manifest_pull_date timestamp!
manifestsecuritystatus	id integer!, manifest_id integer!, repository_id integer!, index_status integer!, error_json text!, last_indexed timestamp!, indexer_hash varchar(128)!, indexer_version integer!, metadata_json text!
mediatype	id integer!, name varchar(255)!
messages	id integer!, content text!, uuid varchar(36)!, media_type_id integer!, severity varchar(255)!
namespaceautoprunepolicy	id integer!, uuid varchar(36)!, namespace_id integer!, policy text!
namespaceimmutabilitypolicy	id integer!, uuid varchar(36)!, namespace_id integer!, policy text!
namespacenotification	id integer!, uuid varchar(255)!, namespace_id integer!, event_id integer!, method_id integer!, title varchar(255), config_json text!, event_config_json text!, number_of_failures integer!, last_ran_ms bigint
notification	id integer!, uuid varchar(255)!, kind_id integer!, target_id integer!, metadata_json text!, created timestamp!, dismissed boolean!, lookup_path varchar(255)
notificationkind	id integer!, name varchar(255)!
oauthaccesstoken	id integer!, uuid varchar(255)!, application_id integer!, authorized_user_id integer!, scope varchar(255)!, token_type varchar(255)!, expires_at timestamp!, data text!, token_code varchar(255)!, token_name varchar(255)!, last_accessed timestamp, created timestamp, display_name varchar(255)
oauthapplication	id integer!, client_id varchar(255)!, redirect_uri varchar(255)!, application_uri varchar(255)!, organization_id integer!, name varchar(255)!, description text!, gravatar_email varchar(255), secure_client_secret varchar(255), fully_migrated boolean!
oauthassignedtoken	id integer!, uuid varchar(255)!, assigned_user_id integer!, application_id integer!, redirect_uri varchar(255), scope varchar(255)!, response_type varchar(255)
oauthauthorizationcode	id integer!, application_id integer!, scope varchar(255)!, data text!, code_credential varchar(255)!, code_name varchar(255)!
organizationcontactemail	id integer!, organization_id integer!, contact_email varchar(255)
organizationrhskus	id integer!, subscription_id integer!, org_id integer!, user_id integer!, quantity integer
orgmirrorconfig	id integer!, organization_id integer!, creation_date timestamp!, is_enabled boolean!, mirror_type integer!, external_registry_type integer!, external_registry_url varchar(2048)!, external_namespace varchar(255)!, external_registry_username varchar(4096), external_registry_password varchar(9000), external_registry_config text!, internal_robot_id integer!, repository_filters text!, visibility_id integer!, delete_stale_repos boolean!, sync_interval integer!, sync_start_date timestamp, sync_expiration_date timestamp, sync_retries_remaining integer!, sync_status integer!, sync_transaction_id varchar(36), skopeo_timeout bigint!, architecture_filter text!
orgmirrorrepository	id integer!, org_mirror_config_id integer!, repository_name varchar(255)!, repository_id integer, discovery_date timestamp!, sync_status integer!, sync_start_date timestamp, sync_expiration_date timestamp, last_sync_date timestamp, status_message text, creation_date timestamp!, sync_retries_remaining integer!, sync_transaction_id varchar(36)
permissionprototype	id integer!, org_id integer!, uuid varchar(255)!, activating_user_id integer, delegate_user_id integer, delegate_team_id integer, role_id integer!
proxycacheconfig	id integer!, organization_id integer!, creation_date timestamp!, upstream_registry varchar(2048)!, upstream_registry_username varchar(4096), upstream_registry_password varchar(4096), expiration_s integer, insecure boolean!
quayregion	id integer!, name varchar(255)!
quayrelease	id integer!, service_id integer!, version varchar(255)!, region_id integer!, reverted boolean!, created timestamp!
quayservice	id integer!, name varchar(255)!
queueitem	id integer!, queue_name varchar(1024)!, body text!, available_after timestamp!, available boolean!, processing_expires timestamp, retries_remaining integer!, state_id varchar(255)!
quotalimits	id integer!, quota_id integer!, quota_type_id integer!, percent_of_limit integer!
quotanamespacesize	id integer!, namespace_user_id integer!, size_bytes bigint!, backfill_start_ms bigint, backfill_complete boolean!
quotanotificationstate	id integer!, namespace_id integer!, threshold_percent integer!, last_notified_at timestamp, cleared boolean!
quotaregistrysize	id integer!, size_bytes bigint!, running boolean!, queued boolean!, completed_ms bigint
quotarepositorysize	id integer!, repository_id integer!, size_bytes bigint!, backfill_start_ms bigint, backfill_complete boolean!
quotatype	id integer!, name varchar(255)!
redhatsubscriptions	id integer!, user_id integer!, account_number integer!
repomirrorconfig	id integer!, repository_id integer!, creation_date timestamp!, is_enabled boolean!, mirror_type integer!, internal_robot_id integer!, external_registry_username varchar(4096), external_registry_config text!, sync_interval integer!, sync_start_date timestamp, sync_expiration_date timestamp, sync_retries_remaining integer!, sync_status integer!, sync_transaction_id varchar(36), root_rule_id integer!, external_reference text!, external_registry_password varchar(9000), skopeo_timeout bigint!, architecture_filter text
repomirrorrule	id integer!, uuid varchar(36)!, repository_id integer!, creation_date timestamp!, rule_type integer!, rule_value text!, left_child_id integer, right_child_id integer
repository	id integer!, namespace_user_id integer, name varchar(255)!, visibility_id integer!, description text, badge_token varchar(255)!, kind_id integer!, trust_enabled boolean!, state integer!
repositoryactioncount	id integer!, repository_id integer!, count integer!, date date!
repositoryauthorizedemail	id integer!, repository_id integer!, email varchar(255)!, code varchar(255)!, confirmed boolean!
repositoryautoprunepolicy	id integer!, uuid varchar(36)!, repository_id integer!, namespace_id integer!, policy text!
repositorybuild	id integer!, uuid varchar(255)!, repository_id integer!, access_token_id integer!, resource_key varchar(255), job_config text!, phase varchar(255)!, started timestamp!, display_name varchar(255)!, trigger_id integer, pull_robot_id integer, logs_archived boolean!, queue_id varchar(255)
repositorybuildtrigger	id integer!, uuid varchar(255)!, service_id integer!, repository_id integer!, connected_user_id integer!, config text!, write_token_id integer, pull_robot_id integer, disabled_reason_id integer, enabled boolean!, successive_failure_count integer!, successive_internal_error_count integer!, disabled_datetime timestamp, secure_auth_token varchar(255), secure_private_key text, fully_migrated boolean!
repositoryimmutabilitypolicy	id integer!, uuid varchar(36)!, repository_id integer!, namespace_id integer!, policy text!
repositorykind	id integer!, name varchar(255)!
repositorynotification	id integer!, uuid varchar(255)!, repository_id integer!, event_id integer!, method_id integer!, title varchar(255), config_json text!, event_config_json text!, number_of_failures integer!, last_ran_ms bigint
repositorypermission	id integer!, team_id integer, user_id integer, repository_id integer!, role_id integer!
repositorysearchscore	id integer!, repository_id integer!, score bigint!, last_updated timestamp
robotaccountmetadata	id integer!, robot_account_id integer!, description varchar(255)!, unstructured_json text!
robotaccounttoken	id integer!, robot_account_id integer!, token varchar(255)!, fully_migrated boolean!
role	id integer!, name varchar(255)!
servicekey	id integer!, name varchar(255)!, kid varchar(255)!, service varchar(255)!, jwk text!, metadata text!, created_date timestamp!, expiration_date timestamp, rotation_duration integer, approval_id integer
servicekeyapproval	id integer!, approver_id integer, approval_type varchar(255)!, approved_date timestamp!, notes text!
star	id integer!, user_id integer!, repository_id integer!, created timestamp!
tag	id integer!, name varchar(255)!, repository_id integer!, manifest_id integer, lifetime_start_ms bigint!, lifetime_end_ms bigint, hidden boolean!, reversion boolean!, tag_kind_id integer!, linked_tag_id integer, immutable boolean!
tagkind	id integer!, name varchar(255)!
tagnotificationsuccess	id integer!, notification_id integer!, tag_id integer!, method_id integer!
tagpullstatistics	id integer!, repository_id integer!, tag_name varchar(255)!, tag_pull_count bigint!, last_tag_pull_date timestamp!, current_manifest_digest varchar(255)
team	id integer!, name varchar(255)!, organization_id integer!, role_id integer!, description text!
teammember	id integer!, user_id integer!, team_id integer!
teammemberinvite	id integer!, user_id integer, email varchar(255), team_id integer!, inviter_id integer!, invite_token varchar(255)!
teamrole	id integer!, name varchar(255)!
teamsync	id integer!, team_id integer!, transaction_id varchar(255)!, last_updated timestamp, service_id integer!, config text!
uploadedblob	id bigint!, repository_id integer!, blob_id integer!, uploaded_at timestamp!, expires_at timestamp!
user	id integer!, uuid varchar(36), username varchar(255)!, password_hash varchar(255), email varchar(255)!, verified boolean!, stripe_id varchar(255), organization boolean!, robot boolean!, invoice_email boolean!, invalid_login_attempts integer!, last_invalid_login timestamp!, removed_tag_expiration_s bigint!, enabled boolean!, invoice_email_address varchar(255), company varchar(255), family_name varchar(255), given_name varchar(255), location varchar(255), maximum_queued_builds_count integer, creation_date timestamp, last_accessed timestamp
userorganizationquota	id integer!, namespace_id integer!, limit_bytes bigint!
userprompt	id integer!, user_id integer!, kind_id integer!
userpromptkind	id integer!, name varchar(255)!
userregion	id integer!, user_id integer!, location_id integer!
visibility	id integer!, name varchar(255)!
\.
CREATE TEMPORARY VIEW reference_column AS
SELECT r.table_name, c.number, part[1] AS column_name, part[2]::regtype AS type, part[2] AS type_text, part[3] = '!' AS not_null
FROM reference AS r
CROSS JOIN LATERAL string_to_table(r.definition, ', ') WITH ORDINALITY AS c (text, number)
CROSS JOIN LATERAL regexp_match(c.text, '^(\S+) ([^!]+)(!?)$') AS part;
CREATE TEMPORARY VIEW our_column AS
SELECT c.relname AS table_name, a.attname AS column_name, a.attnum, a.atttypid::regtype AS type, format_type(a.atttypid, a.atttypmod) AS type_text,
       a.attnotnull AS not_null, a.atthasdef AS has_default
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'quay'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;

\echo -- how much there is to compare
SELECT count(DISTINCT table_name) AS tables, count(*) AS columns FROM reference_column;
\echo -- tables that are missing
SELECT table_name FROM reference WHERE to_regclass(format('quay.%I', table_name)) IS NULL ORDER BY 1;
\echo -- columns that are missing
SELECT r.table_name, r.column_name FROM reference_column AS r
WHERE NOT EXISTS (SELECT FROM our_column AS o WHERE o.table_name = r.table_name AND o.column_name = r.column_name) ORDER BY 1, 2;
\echo -- columns of ours in tables of the reference: they must be nullable or have a default, since its INSERTs do not name them
SELECT o.table_name, o.column_name, o.not_null AND NOT o.has_default AS breaks FROM our_column AS o
WHERE EXISTS (SELECT FROM reference AS r WHERE r.table_name = o.table_name)
  AND NOT EXISTS (SELECT FROM reference_column AS r WHERE o.table_name = r.table_name AND o.column_name = r.column_name) ORDER BY 1, 2;
\echo -- types that differ: only wider ones may
SELECT r.type_text AS reference, o.type_text AS ours, count(*) AS columns,
       CASE WHEN r.type::text || ' ' || o.type::text <> 'integer bigint' THEN string_agg(r.table_name || '.' || r.column_name, ', ' ORDER BY r.table_name, r.number) END AS names
FROM reference_column AS r JOIN our_column AS o USING (table_name, column_name)
WHERE replace(replace(o.type_text, 'character varying', 'varchar'), 'timestamp without time zone', 'timestamp') <> r.type_text
GROUP BY r.type_text, o.type_text, r.type, o.type ORDER BY 1, 2;
\echo -- NOT NULL here and not there: a statement of the reference could fail
SELECT r.table_name, r.column_name FROM reference_column AS r JOIN our_column AS o USING (table_name, column_name)
WHERE o.not_null AND NOT r.not_null ORDER BY 1, 2;
\echo -- NOT NULL there and not here
SELECT r.table_name, r.column_name FROM reference_column AS r JOIN our_column AS o USING (table_name, column_name)
WHERE r.not_null AND NOT o.not_null ORDER BY 1, 2;
\echo -- columns in another order: SELECT * and INSERT without names would notice
SELECT table_name FROM (
    SELECT r.table_name, r.number, row_number() OVER (PARTITION BY r.table_name ORDER BY o.attnum) AS here
    FROM reference_column AS r JOIN our_column AS o USING (table_name, column_name)
) AS position WHERE number <> here GROUP BY table_name ORDER BY 1;
\echo -- what adopt() and release() take for columns of the reference, and are not, or the reverse
SELECT t.table_name, c.column_name, r.column_name AS reference
FROM quay_internal.reference_table_list() AS t
CROSS JOIN LATERAL quay_internal.reference_column_list(t.table_name) AS c
FULL JOIN reference_column AS r ON r.table_name = t.table_name AND r.column_name = c.column_name
WHERE (c.column_name IS NULL OR r.column_name IS NULL)
  AND coalesce(t.table_name, r.table_name) IN (SELECT l.table_name FROM quay_internal.reference_table_list() AS l) ORDER BY 1, 2, 3;
\echo -- tables of ours that the reference has not
SELECT DISTINCT table_name FROM our_column AS o WHERE NOT EXISTS (SELECT FROM reference AS r WHERE r.table_name = o.table_name) ORDER BY 1;

-- Seeds by name; the reference's ids differ between installations, so they are not compared.
CREATE TEMPORARY TABLE reference_seed (table_name text, names text);
COPY reference_seed FROM stdin;
accesstokenkind	build-worker, pushpull-token
apprblobplacementlocation	local_eu, local_us
apprtagkind	tag, release, channel
buildtriggerservice	github, gitlab, bitbucket, custom-git
disablereason	user_toggled, successive_build_failures, successive_build_internal_errors
externalnotificationevent	build_failure, build_queued, build_start, build_success, repo_push, vulnerability_found, build_cancelled, repo_mirror_sync_started, repo_mirror_sync_success, repo_mirror_sync_failed, repo_image_expiry, quota_warning, quota_error
externalnotificationmethod	email, flowdock, hipchat, quay_notification, slack, webhook
imagestoragelocation	s3_us_east_1, s3_eu_west_1, s3_ap_southeast_1, s3_ap_southeast_2, s3_ap_northeast_1, s3_sa_east_1, local, s3_us_west_1
imagestoragesignaturekind	gpg2
imagestoragetransformation	squash, aci
labelsourcetype	manifest, api, internal
logentrykind	account_change_cc, account_change_password, account_change_plan, account_convert, add_repo_accesstoken, add_repo_notification, add_repo_permission, add_repo_webhook, build_dockerfile, change_repo_permission, change_repo_visibility, create_application, create_prototype_permission, create_repo, create_robot, create_tag, delete_application, delete_prototype_permission, delete_repo, delete_repo_accesstoken, delete_repo_notification, delete_repo_permission, delete_repo_trigger, delete_repo_webhook, delete_robot, delete_tag, manifest_label_add, manifest_label_delete, modify_prototype_permission, move_tag, org_add_team_member, org_create_team, org_delete_team, org_delete_team_member_invite, org_invite_team_member, org_remove_team_member, org_set_team_description, org_set_team_role, org_team_member_invite_accepted, org_team_member_invite_declined, pull_repo, push_repo, regenerate_robot_token, repo_verb, reset_application_client_secret, revert_tag, service_key_approve, service_key_create, service_key_delete, service_key_extend, service_key_modify, service_key_rotate, setup_repo_trigger, set_repo_description, take_ownership, update_application, change_repo_trust, reset_repo_notification, change_tag_expiration, create_app_specific_token, revoke_app_specific_token, toggle_repo_trigger, repo_mirror_enabled, repo_mirror_disabled, repo_mirror_config_changed, repo_mirror_sync_started, repo_mirror_sync_failed, repo_mirror_sync_success, repo_mirror_sync_now_requested, repo_mirror_sync_tag_success, repo_mirror_sync_tag_failed, repo_mirror_sync_test_success, repo_mirror_sync_test_failed, repo_mirror_sync_test_started, change_repo_state, create_proxy_cache_config, delete_proxy_cache_config, start_build_trigger, cancel_build, org_create, org_delete, org_change_email, org_change_invoicing, org_change_tag_expiration, org_change_name, user_create, user_delete, user_disable, user_enable, user_change_email, user_change_password, user_change_name, user_change_invoicing, user_change_tag_expiration, user_change_metadata, user_generate_client_key, login_success, logout_success, permanently_delete_tag, autoprune_tag_delete, create_namespace_autoprune_policy, update_namespace_autoprune_policy, delete_namespace_autoprune_policy, login_failure, push_repo_failed, pull_repo_failed, delete_tag_failed, create_repository_autoprune_policy, update_repository_autoprune_policy, delete_repository_autoprune_policy, enable_team_sync, disable_team_sync, oauth_token_assigned, oauth_token_revoked, change_tag_immutability, create_robot_federation, delete_robot_federation, federated_robot_token_exchange, export_logs_success, export_logs_failure, org_create_quota, org_change_quota, org_delete_quota, org_create_quota_limit, org_change_quota_limit, org_delete_quota_limit, org_mirror_enabled, org_mirror_disabled, org_mirror_config_changed, org_mirror_sync_started, org_mirror_sync_failed, org_mirror_sync_success, org_mirror_sync_now_requested, org_mirror_sync_cancelled, org_mirror_repo_created, create_immutability_policy, update_immutability_policy, delete_immutability_policy, org_mirror_repo_creation_failed, tag_made_immutable_by_policy, tags_made_immutable_by_policy, create_oauth_api_token, revoke_oauth_api_token, create_namespace_notification, delete_namespace_notification, reset_namespace_notification
loginservice	github, quayrobot, ldap, google, keystone, dex, jwtauthn, oidc
mediatype	text/plain, application/json, text/markdown, application/vnd.cnr.blob.v0.tar+gzip, application/vnd.cnr.package-manifest.helm.v0.json, application/vnd.cnr.package-manifest.kpm.v0.json, application/vnd.cnr.package-manifest.docker-compose.v0.json, application/vnd.cnr.package.kpm.v0.tar+gzip, application/vnd.cnr.package.helm.v0.tar+gzip, application/vnd.cnr.package.docker-compose.v0.tar+gzip, application/vnd.cnr.manifests.v0.json, application/vnd.cnr.manifest.list.v0.json, application/vnd.docker.distribution.manifest.v1+prettyjws, application/vnd.docker.distribution.manifest.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json
notificationkind	build_failure, build_queued, build_start, build_success, expiring_license, maintenance, org_team_invite, over_private_usage, password_required, repo_push, service_key_submitted, vulnerability_found, build_cancelled, repo_mirror_sync_started, repo_mirror_sync_success, repo_mirror_sync_failed, quota_warning, quota_error, assigned_authorization
quotatype	Warning, Reject
repositorykind	image, application
role	admin, write, read
tagkind	tag
teamrole	admin, creator, member
userpromptkind	confirm_username, enter_name, enter_company
visibility	public, private
\.
\echo -- seeds that are missing, and those that are ours
DO $$
DECLARE
    seed record;
    missing text;
    more text;
    total bigint := 0;
BEGIN
    FOR seed IN SELECT s.table_name, string_to_array(s.names, ', ') AS names FROM reference_seed AS s ORDER BY 1 LOOP
        EXECUTE format('SELECT (SELECT string_agg(n, '', '') FROM unnest($1) AS n WHERE NOT EXISTS (SELECT FROM quay.%1$I AS t WHERE t.name = n)),
                               (SELECT string_agg(t.name, '', '' ORDER BY t.id) FROM quay.%1$I AS t WHERE t.name <> ALL ($1) AND t.id <= 1000)',
                       seed.table_name) INTO missing, more USING seed.names;
        total := total + cardinality(seed.names);
        IF missing IS NOT NULL OR more IS NOT NULL THEN
            RAISE NOTICE '%: missing %, ours %', seed.table_name, missing, more;
        END IF;
    END LOOP;
    RAISE NOTICE '% seeds compared', total;
END
$$;
SELECT version_num FROM quay.alembic_version;
\echo -- seeds have ids up to 1000, and the sequences of their tables start above
SELECT r.table_name, s.seqstart FROM reference_seed AS r
JOIN pg_sequence AS s ON s.seqrelid = format('quay.%I', r.table_name || '_id_seq')::regclass
WHERE s.seqstart <> 1001;
ROLLBACK;
