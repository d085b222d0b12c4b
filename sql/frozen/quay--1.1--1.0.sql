\echo Use "ALTER EXTENSION quay UPDATE TO '1.0'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.1');

-- @step
-- 1.1 to 1.0.

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.unrestricted_user), 'rows of quay.unrestricted_user');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.allowed_robot), 'rows of quay.allowed_robot');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.blocked_email_domain), 'rows of quay.blocked_email_domain');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.deletion_grace_namespace), 'rows of quay.deletion_grace_namespace');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.public_namespace), 'rows of quay.public_namespace');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.secret_rotation AS r WHERE NOT r.finished),
    'a rotation of the key that is not finished: some encrypted fields have the old one');

-- Triggers first: 1.0 has not the functions that they call.
DROP TRIGGER account_check ON quay."user";
DROP TRIGGER account_converted ON quay."user";
DROP TRIGGER account_delete_check ON quay."user";
DROP TRIGGER account_rename_check ON quay."user";
DROP TRIGGER namespace_marked ON quay.deletednamespace;
DROP TRIGGER organization_admin_check ON quay."user";
DROP TRIGGER organization_admin_check ON quay.team;
DROP TRIGGER organization_admin_check ON quay.teammember;
DROP TRIGGER repositorypermission_check ON quay.repositorypermission;
DROP TRIGGER rights_changed ON quay.repositorypermission;
DROP TRIGGER rights_changed ON quay.superuser;
DROP TRIGGER rights_changed ON quay.team;
DROP TRIGGER rights_changed ON quay.teammember;
DROP TRIGGER rights_truncated ON quay.repositorypermission;
DROP TRIGGER rights_truncated ON quay.superuser;
DROP TRIGGER rights_truncated ON quay.team;
DROP TRIGGER rights_truncated ON quay.teammember;
DROP TRIGGER team_check ON quay.team;
DROP TRIGGER teammember_check ON quay.teammember;

-- Functions that are new, or whose signature or result 1.0 has otherwise.
DROP FUNCTION quay.access_check_namespace(text,text,text,text);
DROP FUNCTION quay.access_check_team(text,text,text,text);
DROP FUNCTION quay.access_check_user(text,text,text,text);
DROP FUNCTION quay.access_explain_namespace(text,text,text,text);
DROP FUNCTION quay.access_filter_many(text,bigint[],text,text);
DROP FUNCTION quay.access_level_many(text,bigint[],text);
DROP FUNCTION quay.actor_resolve(text,text);
DROP FUNCTION quay.app_token_create(text,text,timestamp with time zone,text,text);
DROP FUNCTION quay.app_token_get(text,text);
DROP FUNCTION quay.app_token_list(text,interval,bigint,integer);
DROP FUNCTION quay.app_token_list_all(interval,bigint,integer);
DROP FUNCTION quay.app_token_purge(integer,interval);
DROP FUNCTION quay.app_token_revoke(text,text,text,text);
DROP FUNCTION quay.app_token_soon();
DROP FUNCTION quay.authenticate(text,text,text,text,boolean);
DROP FUNCTION quay.bootstrap_token_check(text,boolean);
DROP FUNCTION quay.bootstrap_token_ensure(text,text);
DROP FUNCTION quay.bootstrap_token_renew(text,boolean,text);
DROP FUNCTION quay.description_evaluate(text,bytea,text,text,text,text);
DROP FUNCTION quay.email_code_purge(integer);
DROP FUNCTION quay.federated_login_attach(text,text,text,jsonb);
DROP FUNCTION quay.federated_login_detach(text,text);
DROP FUNCTION quay.federated_login_find(text);
DROP FUNCTION quay.federated_login_get(text,text);
DROP FUNCTION quay.federated_login_get_many(text,text[],text[]);
DROP FUNCTION quay.federated_login_link(text,text,text,text,jsonb,boolean,boolean,boolean,text);
DROP FUNCTION quay.federated_login_list(text);
DROP FUNCTION quay.federated_login_verify(text,text);
DROP FUNCTION quay.gc_policy_pick();
DROP FUNCTION quay.health_check();
DROP FUNCTION quay.jwt_verify(text,text);
DROP FUNCTION quay.login_is_fresh(text,timestamp with time zone,text);
DROP FUNCTION quay.message_create(text,text,text);
DROP FUNCTION quay.message_create_many(jsonb);
DROP FUNCTION quay.message_delete(text[]);
DROP FUNCTION quay.message_list(bigint,integer);
DROP FUNCTION quay.namespace_deletion_list(bigint,integer);
DROP FUNCTION quay.namespace_mark_deletion(text,boolean,interval,text,text);
DROP FUNCTION quay.namespace_purge(bigint,integer);
DROP FUNCTION quay.namespace_repository_count(text);
DROP FUNCTION quay.namespace_set_invoicing(text,boolean,text,text,text);
DROP FUNCTION quay.namespace_set_maximum_builds(text,integer,boolean);
DROP FUNCTION quay.namespace_set_stripe_id(text,text);
DROP FUNCTION quay.namespace_set_tag_expiration(text,bigint,text,text);
DROP FUNCTION quay.namespace_sole_admin_list(text);
DROP FUNCTION quay.oauth_application_create(text,text,text,text,text,text,text,text,text,text);
DROP FUNCTION quay.oauth_application_delete(text,text,text,text);
DROP FUNCTION quay.oauth_application_delete_many(text,text[],text,text);
DROP FUNCTION quay.oauth_application_get(text,text);
DROP FUNCTION quay.oauth_application_list(text,text,bigint,integer);
DROP FUNCTION quay.oauth_application_reset_secret(text,text,text,text);
DROP FUNCTION quay.oauth_application_secret(text,text);
DROP FUNCTION quay.oauth_application_update(text,text,text,text,text,text,text,text,text);
DROP FUNCTION quay.oauth_assignment_acknowledge(text);
DROP FUNCTION quay.oauth_assignment_create(text,text,text,text,text,text,text,text);
DROP FUNCTION quay.oauth_assignment_delete(text,text,text,text);
DROP FUNCTION quay.oauth_assignment_get(text,text,text);
DROP FUNCTION quay.oauth_assignment_list(text,bigint,integer);
DROP FUNCTION quay.oauth_authorization_get(text,text);
DROP FUNCTION quay.oauth_authorization_list(text,bigint,integer);
DROP FUNCTION quay.oauth_authorization_revoke(text,text,text,text);
DROP FUNCTION quay.oauth_authorize(text,text,text,text,text,text);
DROP FUNCTION quay.oauth_authorize_check(text,text,text,text,text,text);
DROP FUNCTION quay.oauth_authorized_scopes(text,text);
DROP FUNCTION quay.oauth_client_check(text,text);
DROP FUNCTION quay.oauth_code_exchange(text,text,text,text,text,text);
DROP FUNCTION quay.oauth_code_purge(integer);
DROP FUNCTION quay.oauth_consented(text,text,text);
DROP FUNCTION quay.oauth_mintable_scopes(text,text,text,text);
DROP FUNCTION quay.oauth_redirect_allowed(text,text);
DROP FUNCTION quay.oauth_scope_covers(text,text);
DROP FUNCTION quay.oauth_scope_normalize(text);
DROP FUNCTION quay.oauth_token_count(text,text);
DROP FUNCTION quay.oauth_token_create(text,text,text,text,double precision,text,text,text,text);
DROP FUNCTION quay.oauth_token_get(text);
DROP FUNCTION quay.oauth_token_list(text,text,bigint,integer);
DROP FUNCTION quay.oauth_token_purge(integer,interval);
DROP FUNCTION quay.oauth_token_revoke(text,text,text,text,text);
DROP FUNCTION quay.organization_admin_list(text);
DROP FUNCTION quay.organization_admin_list_many(text[]);
DROP FUNCTION quay.organization_can_create(text,text);
DROP FUNCTION quay.organization_collaborator_list(text,text,integer);
DROP FUNCTION quay.organization_convert(text,text,text,text);
DROP FUNCTION quay.organization_count(boolean);
DROP FUNCTION quay.organization_create(text,text,text,text,text,boolean,boolean,text);
DROP FUNCTION quay.organization_email_set(text,text,text,text);
DROP FUNCTION quay.organization_get(text);
DROP FUNCTION quay.organization_is_admin(text,text);
DROP FUNCTION quay.organization_list(text,integer,boolean,boolean);
DROP FUNCTION quay.organization_list_by_email(text);
DROP FUNCTION quay.organization_member_get(text,text);
DROP FUNCTION quay.organization_member_list(text,boolean,text[],text,integer);
DROP FUNCTION quay.organization_member_permission_list(text,text,bigint,integer);
DROP FUNCTION quay.organization_member_remove(text,text,text,text);
DROP FUNCTION quay.organization_subscription_bind(text,text,bigint,integer);
DROP FUNCTION quay.organization_subscription_list(text,bigint,integer);
DROP FUNCTION quay.organization_subscription_unbind(text,bigint);
DROP FUNCTION quay.organization_subscription_unbind_user(text,text);
DROP FUNCTION quay.organization_take_ownership(text,text,text,text);
DROP FUNCTION quay.password_encrypt(text);
DROP FUNCTION quay.permission_get(text,text,text,text);
DROP FUNCTION quay.permission_list(text,text,text,bigint,integer);
DROP FUNCTION quay.permission_list_robot(text,bigint,integer);
DROP FUNCTION quay.permission_list_team(text,text,bigint,integer);
DROP FUNCTION quay.permission_list_transitive(text,text);
DROP FUNCTION quay.permission_list_user(text,bigint,integer);
DROP FUNCTION quay.prototype_create(text,text,text,text,text,text,text);
DROP FUNCTION quay.prototype_delete(text,text,text,text);
DROP FUNCTION quay.prototype_get(text,text);
DROP FUNCTION quay.prototype_list(text,bigint,integer);
DROP FUNCTION quay.prototype_update(text,text,text,text,text);
DROP FUNCTION quay.registry_authorize(text,text,text,text,text[],text);
DROP FUNCTION quay.registry_path_split(text);
DROP FUNCTION quay.registry_scope_parse(text);
DROP FUNCTION quay.release_list(text,text,bigint,integer);
DROP FUNCTION quay.release_set(text,text,text);
DROP FUNCTION quay.repository_badge_token_get(text,text);
DROP FUNCTION quay.repository_badge_token_rotate(text,text);
DROP FUNCTION quay.repository_can_create(text,text,text);
DROP FUNCTION quay.repository_count(boolean);
DROP FUNCTION quay.repository_create(text,text,text,text,text,text,text,text,boolean);
DROP FUNCTION quay.repository_email_confirm(text);
DROP FUNCTION quay.repository_email_create(text,text,text);
DROP FUNCTION quay.repository_email_delete(text,text,text);
DROP FUNCTION quay.repository_email_get(text,text,text);
DROP FUNCTION quay.repository_email_list(text,text,text,integer);
DROP FUNCTION quay.repository_get(text,text,text);
DROP FUNCTION quay.repository_get_many(bigint[],text);
DROP FUNCTION quay.repository_id_range();
DROP FUNCTION quay.repository_is_starred(text,text,text);
DROP FUNCTION quay.repository_kind_get(text,text);
DROP FUNCTION quay.repository_list_visible(text,text,text,boolean,boolean,bigint,integer,text);
DROP FUNCTION quay.repository_mark_deletion(text,text,interval,text,text,text);
DROP FUNCTION quay.repository_purge(bigint,integer,bigint);
DROP FUNCTION quay.repository_search(text,text,text,text,integer,text);
DROP FUNCTION quay.repository_search_score_update(bigint,integer);
DROP FUNCTION quay.repository_secscan_severity_list(text,text);
DROP FUNCTION quay.repository_set_description(text,text,text,text,text);
DROP FUNCTION quay.repository_set_trust(text,text,boolean,text,text);
DROP FUNCTION quay.repository_size_many(bigint[]);
DROP FUNCTION quay.repository_star(text,text,text);
DROP FUNCTION quay.repository_star_count(text,text);
DROP FUNCTION quay.repository_star_list(text,bigint,integer,text,text);
DROP FUNCTION quay.repository_state_get(text,text);
DROP FUNCTION quay.repository_token_create(text,text,text,text,text,boolean,text,text);
DROP FUNCTION quay.repository_token_delete(text,text,text,text,text);
DROP FUNCTION quay.repository_token_get(text,text,text);
DROP FUNCTION quay.repository_token_list(text,text,bigint,integer);
DROP FUNCTION quay.repository_token_load(text);
DROP FUNCTION quay.repository_unstar(text,text,text);
DROP FUNCTION quay.repository_upload_size(text,text);
DROP FUNCTION quay.robot_delete(text,text,text,text);
DROP FUNCTION quay.robot_federation_delete(text,text,text,text);
DROP FUNCTION quay.robot_federation_get(text,text);
DROP FUNCTION quay.robot_federation_match(text,text,text,text[],text);
DROP FUNCTION quay.robot_federation_set(text,text,jsonb,text,text);
DROP FUNCTION quay.robot_get(text,text,boolean);
DROP FUNCTION quay.robot_list(text,boolean,text,integer);
DROP FUNCTION quay.robot_pull_credentials(text);
DROP FUNCTION quay.robot_regenerate(text,text,text,text);
DROP FUNCTION quay.robot_search(text,text,integer);
DROP FUNCTION quay.robot_set_metadata(text,text,text,jsonb);
DROP FUNCTION quay.robot_token(text,text);
DROP FUNCTION quay.search_all(text,text,integer,text);
DROP FUNCTION quay.secret_check(integer);
DROP FUNCTION quay.secret_rotate(text,text,integer);
DROP PROCEDURE quay.secret_rotate_all(integer);
DROP FUNCTION quay.service_key_approve(text,text,text,text,text);
DROP FUNCTION quay.service_key_create(text,text,jsonb,text,jsonb,timestamp with time zone,integer,text,text,text,text);
DROP FUNCTION quay.service_key_delete(text,text,text);
DROP FUNCTION quay.service_key_fetch(text,text);
DROP FUNCTION quay.service_key_gc(text);
DROP FUNCTION quay.service_key_generate(text,text,text,jsonb,timestamp with time zone,integer,text,text,text,text);
DROP FUNCTION quay.service_key_get(text,text,boolean,boolean);
DROP FUNCTION quay.service_key_list(text,boolean,text,integer);
DROP FUNCTION quay.service_key_publish(text,text,jsonb,text,timestamp with time zone,integer,text,text);
DROP FUNCTION quay.service_key_replace(text,text,jsonb,jsonb,timestamp with time zone,text,text);
DROP FUNCTION quay.service_key_set_expiration(text,timestamp with time zone,text,text);
DROP FUNCTION quay.service_key_update(text,text,jsonb,text,text);
DROP FUNCTION quay.service_key_withdraw(text,text,text,text,text);
DROP FUNCTION quay.subscription_binding_list(bigint);
DROP FUNCTION quay.superuser_kind(text,text);
DROP FUNCTION quay.tag_expiration_option_list();
DROP FUNCTION quay.team_delete(text,text,text,text);
DROP FUNCTION quay.team_get(text,text);
DROP FUNCTION quay.team_invite_accept(text,text,text,text);
DROP FUNCTION quay.team_invite_decline(text,text,text,text);
DROP FUNCTION quay.team_invite_delete(text,text,text,text,text,text);
DROP FUNCTION quay.team_invite_list(text,text,bigint,integer);
DROP FUNCTION quay.team_invite_list_by_email(text);
DROP FUNCTION quay.team_invite_lookup(text);
DROP FUNCTION quay.team_list(text,text,integer);
DROP FUNCTION quay.team_member_add_or_invite(text,text,text,text,text,boolean,text,text);
DROP FUNCTION quay.team_member_list(text,text,text,integer);
DROP FUNCTION quay.team_search(text,text,text,boolean,integer);
DROP FUNCTION quay.team_sync_apply(text,text,text,jsonb,text);
DROP FUNCTION quay.team_sync_get(text,text);
DROP FUNCTION quay.team_sync_list(text,text[],bigint,integer);
DROP FUNCTION quay.team_sync_member_list(text,text);
DROP FUNCTION quay.team_sync_remove(text,text,text,text);
DROP FUNCTION quay.team_sync_set(text,text,text,jsonb,text,text);
DROP FUNCTION quay.team_sync_stale_take(text[],integer,interval);
DROP FUNCTION quay.team_update(text,text,text,text,text,text);
DROP FUNCTION quay.user_can_create(text);
DROP FUNCTION quay.user_count();
DROP FUNCTION quay.user_create(text,text,text,boolean,boolean,text,text,text[],boolean,text);
DROP FUNCTION quay.user_create_federated(text,text,text,text,jsonb,boolean,boolean,boolean,text[],text,text);
DROP FUNCTION quay.user_email_code_create(text,text);
DROP FUNCTION quay.user_email_confirm(text,text);
DROP FUNCTION quay.user_email_set(text,text,boolean,text,text);
DROP FUNCTION quay.user_get(text,bigint,text,text,text);
DROP FUNCTION quay.user_get_many(text[],bigint[]);
DROP FUNCTION quay.user_has_password(text);
DROP FUNCTION quay.user_has_prompt(text,text);
DROP FUNCTION quay.user_initialize(text,text,text,text);
DROP FUNCTION quay.user_is_restricted(text,boolean);
DROP FUNCTION quay.user_list(text,integer,boolean,boolean,boolean);
DROP FUNCTION quay.user_namespace_search(text,text,text,integer,text);
DROP FUNCTION quay.user_organization_list(text,text,integer);
DROP FUNCTION quay.user_password_set(text,text,boolean,text,text);
DROP FUNCTION quay.user_prompt_add(text,text);
DROP FUNCTION quay.user_prompt_list(text);
DROP FUNCTION quay.user_prompt_remove(text,text);
DROP FUNCTION quay.user_recover(text);
DROP FUNCTION quay.user_recovery_code_create(text,boolean);
DROP FUNCTION quay.user_recovery_confirm(text);
DROP FUNCTION quay.user_region_add(text,text);
DROP FUNCTION quay.user_region_list(text);
DROP FUNCTION quay.user_region_remove(text,text);
DROP FUNCTION quay.user_rename(text,text,boolean,text,text);
DROP FUNCTION quay.user_search(text,text,text,integer,boolean);
DROP FUNCTION quay.user_session_revoke(text,text,text);
DROP FUNCTION quay.user_set_enabled(text,boolean,text,text);
DROP FUNCTION quay.user_set_metadata(text,text,text,text,text,text,text);
DROP FUNCTION quay.user_sign_up(text,text,text,text,boolean,text);
DROP FUNCTION quay.user_team_invite_list(text);
DROP FUNCTION quay.user_team_list(text,text,text,integer);
DROP FUNCTION quay.user_team_sync_oidc(text,text[],text,text);
DROP FUNCTION quay.user_verify_by_invite(text,text);
DROP FUNCTION quay.username_generate(text,boolean);
DROP FUNCTION quay.web_customer_add(text,integer);
DROP FUNCTION quay.web_customer_list(text);
DROP FUNCTION quay.web_customer_remove(text,integer);
DROP FUNCTION quay.web_customer_update(text,integer,integer);
DROP FUNCTION quay_internal.account_check();
DROP FUNCTION quay_internal.account_converted();
DROP FUNCTION quay_internal.account_delete_linked(bigint[]);
DROP FUNCTION quay_internal.account_insert(text,text,text,boolean,boolean,boolean,boolean);
DROP FUNCTION quay_internal.account_kind(boolean,boolean);
DROP FUNCTION quay_internal.account_robots_check();
DROP FUNCTION quay_internal.actor_reach(text,text);
DROP FUNCTION quay_internal.administrator_get(text);
DROP FUNCTION quay_internal.app_token_problem(quay.appspecificauthtoken);
DROP FUNCTION quay_internal.app_token_rows(bigint,interval,bigint,integer);
DROP FUNCTION quay_internal.app_token_touch(bigint);
DROP FUNCTION quay_internal.authenticate_app_token(text);
DROP FUNCTION quay_internal.authenticate_password(text,text,boolean);
DROP FUNCTION quay_internal.authentication_require_database();
DROP FUNCTION quay_internal.batch_size(integer);
DROP FUNCTION quay_internal.bootstrap_applications(bigint);
DROP FUNCTION quay_internal.bootstrap_is_marked(text);
DROP FUNCTION quay_internal.bootstrap_lock();
DROP FUNCTION quay_internal.bootstrap_owner();
DROP FUNCTION quay_internal.bootstrap_token_insert(bigint,quay."user",text);
DROP FUNCTION quay_internal.bootstrap_token_problem(quay.oauthaccesstoken,boolean);
DROP FUNCTION quay_internal.email_address_require_free(text,bigint);
DROP FUNCTION quay_internal.email_code_expiry(boolean);
DROP FUNCTION quay_internal.email_code_insert(bigint,boolean,text);
DROP FUNCTION quay_internal.email_code_take(text,boolean);
DROP FUNCTION quay_internal.email_shown(text);
DROP FUNCTION quay_internal.federated_login_insert(bigint,text,text,jsonb);
DROP FUNCTION quay_internal.field_encrypt_with(text,text);
DROP FUNCTION quay_internal.field_key(text,text,text);
DROP FUNCTION quay_internal.field_rotate(text,text,text);
DROP FUNCTION quay_internal.grantee_id(text);
DROP FUNCTION quay_internal.grantee_kind_unknown(text);
DROP FUNCTION quay_internal.invite_delete(quay.teammemberinvite);
DROP FUNCTION quay_internal.invite_get(text,quay."user");
DROP FUNCTION quay_internal.invite_list_for(bigint,text);
DROP FUNCTION quay_internal.invite_matches(text,text);
DROP FUNCTION quay_internal.is_held_back(text,text);
DROP FUNCTION quay_internal.json_read(text);
DROP FUNCTION quay_internal.jwk_thumbprint(text,text);
DROP FUNCTION quay_internal.jwt_check(text,jsonb,text,text,integer);
DROP FUNCTION quay_internal.jwt_header(text);
DROP FUNCTION quay_internal.jwt_is(text);
DROP FUNCTION quay_internal.jwt_payload(text);
DROP FUNCTION quay_internal.jwt_scopes(jsonb);
DROP FUNCTION quay_internal.jwt_signed_by(text,text,text);
DROP FUNCTION quay_internal.key_server_audience();
DROP FUNCTION quay_internal.keyed_column_list();
DROP FUNCTION quay_internal.like_contains(text);
DROP FUNCTION quay_internal.loginservice_ensure(text);
DROP FUNCTION quay_internal.mirror_delete_many(bigint[]);
DROP FUNCTION quay_internal.name_require_available(text);
DROP FUNCTION quay_internal.name_similarity(text,text);
DROP FUNCTION quay_internal.namespace_delete_linked(bigint,text);
DROP FUNCTION quay_internal.namespace_log(text,quay."user",text,jsonb,text);
DROP FUNCTION quay_internal.namespace_marked();
DROP FUNCTION quay_internal.namespace_purge_names(text);
DROP FUNCTION quay_internal.namespace_queue_delete(text);
DROP FUNCTION quay_internal.notification_add(text,bigint,jsonb,text);
DROP FUNCTION quay_internal.notification_delete(text,bigint,jsonb);
DROP FUNCTION quay_internal.oauth_application_check(text,text,text,text);
DROP FUNCTION quay_internal.oauth_application_drop(bigint[]);
DROP FUNCTION quay_internal.oauth_application_find(text);
DROP FUNCTION quay_internal.oauth_application_in(text,text);
DROP FUNCTION quay_internal.oauth_application_insert(bigint,text,text,text,text,text,text,text);
DROP FUNCTION quay_internal.oauth_application_lock(text,text);
DROP FUNCTION quay_internal.oauth_application_log(text,quay.oauthapplication,text,text,jsonb);
DROP FUNCTION quay_internal.oauth_authorization_rows(bigint,text,bigint,integer);
DROP FUNCTION quay_internal.oauth_code_expired_before();
DROP FUNCTION quay_internal.oauth_code_find(bigint,text);
DROP FUNCTION quay_internal.oauth_is_admin(bigint,bigint);
DROP FUNCTION quay_internal.oauth_lifetime(double precision);
DROP FUNCTION quay_internal.oauth_request_check(text,text,text,text,text,text);
DROP FUNCTION quay_internal.oauth_token_active(bigint);
DROP FUNCTION quay_internal.oauth_token_insert(bigint,bigint,text,integer,jsonb,text,text);
DROP FUNCTION quay_internal.oauth_token_match(text);
DROP FUNCTION quay_internal.oauth_token_problem(quay.oauthaccesstoken);
DROP FUNCTION quay_internal.oauth_token_touch(bigint,text);
DROP FUNCTION quay_internal.organization_admin_check();
DROP FUNCTION quay_internal.organization_administers(bigint,bigint);
DROP FUNCTION quay_internal.organization_create_on_push(text,text,text,text);
DROP FUNCTION quay_internal.organization_create_problem(text,text);
DROP FUNCTION quay_internal.organization_email_require(text);
DROP FUNCTION quay_internal.organization_has_admin(bigint,bigint,bigint[]);
DROP FUNCTION quay_internal.organization_has_member(bigint,bigint);
DROP FUNCTION quay_internal.organization_lock(text);
DROP FUNCTION quay_internal.organization_lock_administered(text);
DROP FUNCTION quay_internal.organization_mirror_delete_many(bigint[]);
DROP FUNCTION quay_internal.organization_require_admin(bigint);
DROP FUNCTION quay_internal.owners_create(bigint,bigint);
DROP FUNCTION quay_internal.password_decrypt(text);
DROP FUNCTION quay_internal.permission_list_of(bigint[],bigint[],bigint,integer);
DROP FUNCTION quay_internal.person_convert(quay."user",bigint);
DROP FUNCTION quay_internal.person_keep(text);
DROP FUNCTION quay_internal.person_lock(text);
DROP FUNCTION quay_internal.prefix_end(text);
DROP FUNCTION quay_internal.prompt_default();
DROP FUNCTION quay_internal.prompt_remove(bigint,text[]);
DROP FUNCTION quay_internal.prototype_lock(bigint,text);
DROP FUNCTION quay_internal.prototype_log(text,quay.permissionprototype,text,text,bigint);
DROP FUNCTION quay_internal.prototype_set_role(quay.permissionprototype,bigint,text,text);
DROP FUNCTION quay_internal.queue_add(text,jsonb,interval,integer);
DROP FUNCTION quay_internal.queue_delete(text);
DROP FUNCTION quay_internal.queue_path(text[]);
DROP FUNCTION quay_internal.redirect_uri_allowed(quay.oauthapplication,text);
DROP FUNCTION quay_internal.redirect_uri_matches(text,text);
DROP FUNCTION quay_internal.release_find(text,text,text);
DROP FUNCTION quay_internal.repository_create_on_push(text,text,text,text,text);
DROP FUNCTION quay_internal.repository_create_problem(text,text,text);
DROP FUNCTION quay_internal.repository_name_check(text);
DROP FUNCTION quay_internal.repository_name_problem(text);
DROP FUNCTION quay_internal.repository_purge_step(bigint[],integer);
DROP FUNCTION quay_internal.repository_rows_delete(text,bigint[],integer);
DROP FUNCTION quay_internal.repository_search_score(bigint,date);
DROP FUNCTION quay_internal.repository_state_name(integer);
DROP FUNCTION quay_internal.repository_token_find(text);
DROP FUNCTION quay_internal.repository_token_scopes(quay.accesstoken);
DROP FUNCTION quay_internal.repositorypermission_check();
DROP FUNCTION quay_internal.rights_changed();
DROP FUNCTION quay_internal.robot_account(text);
DROP FUNCTION quay_internal.robot_federation(bigint);
DROP FUNCTION quay_internal.robot_federation_normalize(jsonb);
DROP FUNCTION quay_internal.robot_federation_store(bigint,jsonb);
DROP FUNCTION quay_internal.robot_id(text,text);
DROP FUNCTION quay_internal.robot_is_foreign(text,bigint);
DROP FUNCTION quay_internal.robot_jwt_problem(text,text);
DROP FUNCTION quay_internal.robot_lock(quay."user",text);
DROP FUNCTION quay_internal.robot_metadata_check(jsonb);
DROP FUNCTION quay_internal.robot_select(text,text,boolean,text,integer);
DROP FUNCTION quay_internal.robot_unknown(text,text);
DROP FUNCTION quay_internal.rsa_key_generate();
DROP FUNCTION quay_internal.scope_implied(text);
DROP FUNCTION quay_internal.scope_join(text[]);
DROP FUNCTION quay_internal.scope_set(text);
DROP FUNCTION quay_internal.secret_digest(text);
DROP FUNCTION quay_internal.secret_rotate_batch(text,text,bigint,integer,text,text);
DROP FUNCTION quay_internal.secret_rotate_start(text,text);
DROP FUNCTION quay_internal.secret_rotate_verify(text,text);
DROP FUNCTION quay_internal.secret_scan(text,text,text[],integer,text,text);
DROP FUNCTION quay_internal.service_key_add(text,text,text,jsonb,jsonb,timestamp with time zone,integer,text,text,jsonb,bigint,text);
DROP FUNCTION quay_internal.service_key_approve(quay.servicekey,text,text,bigint,text);
DROP FUNCTION quay_internal.service_key_check(text,text,jsonb);
DROP FUNCTION quay_internal.service_key_delete(quay.servicekey,jsonb,bigint,text);
DROP FUNCTION quay_internal.service_key_describe(quay.servicekey);
DROP FUNCTION quay_internal.service_key_expiration_check(timestamp with time zone);
DROP FUNCTION quay_internal.service_key_insert(text,text,text,jsonb,jsonb,timestamp without time zone,integer,bigint);
DROP FUNCTION quay_internal.service_key_is_visible(quay.servicekey,text);
DROP FUNCTION quay_internal.service_key_label_check(text,jsonb);
DROP FUNCTION quay_internal.service_key_lock(text);
DROP FUNCTION quay_internal.service_key_log(text,quay.servicekey,jsonb,bigint,text);
DROP FUNCTION quay_internal.service_key_notify(quay.servicekey);
DROP FUNCTION quay_internal.service_key_replace(quay.servicekey,text,jsonb,jsonb,timestamp with time zone,jsonb,bigint,text);
DROP FUNCTION quay_internal.service_key_settle(text);
DROP FUNCTION quay_internal.spam_classifier_check(jsonb);
DROP FUNCTION quay_internal.spam_score(jsonb,text);
DROP FUNCTION quay_internal.spam_unavailable(text);
DROP FUNCTION quay_internal.superuser_refuse(text);
DROP FUNCTION quay_internal.team_check();
DROP FUNCTION quay_internal.team_is_synced(bigint);
DROP FUNCTION quay_internal.team_lock(quay."user",text,boolean);
DROP FUNCTION quay_internal.team_require_other_admin(quay.team,text,text);
DROP FUNCTION quay_internal.team_require_unsynced(quay.team);
DROP FUNCTION quay_internal.team_select(text,text,text,integer);
DROP FUNCTION quay_internal.team_sync_config(text);
DROP FUNCTION quay_internal.team_sync_link(text,jsonb);
DROP FUNCTION quay_internal.team_syncing_require();
DROP FUNCTION quay_internal.teammember_check();
DROP FUNCTION quay_internal.trigger_delete_many(bigint[]);
DROP FUNCTION quay_internal.user_creation_problem(text);
DROP FUNCTION quay_internal.user_creation_require(text);
DROP FUNCTION quay_internal.user_email_change(quay."user",text);
DROP FUNCTION quay_internal.user_email_follow(bigint,text);
DROP FUNCTION quay_internal.user_log(text,quay."user",boolean,text,jsonb,text);
DROP FUNCTION quay_internal.user_rename_require(quay."user",text,boolean);
DROP FUNCTION quay_internal.username_base(text);
DROP FUNCTION quay_internal.username_suffix(integer,integer);
DROP FUNCTION quay_internal.userpromptkind_id(text);
DROP FUNCTION quay_internal.like_prefix(text);
DROP FUNCTION quay_internal.notification_delete_path(text);
DROP FUNCTION quay_internal.scope_problem(text);

ALTER EXTENSION quay DROP TABLE quay.unrestricted_user;
DROP TABLE quay.unrestricted_user;
ALTER EXTENSION quay DROP TABLE quay.allowed_robot;
DROP TABLE quay.allowed_robot;
ALTER EXTENSION quay DROP TABLE quay.blocked_email_domain;
DROP TABLE quay.blocked_email_domain;
ALTER EXTENSION quay DROP TABLE quay.deletion_grace_namespace;
DROP TABLE quay.deletion_grace_namespace;
ALTER EXTENSION quay DROP TABLE quay.public_namespace;
DROP TABLE quay.public_namespace;
ALTER EXTENSION quay DROP TABLE quay_internal.rights_change;
DROP TABLE quay_internal.rights_change;
ALTER EXTENSION quay DROP TABLE quay_internal.secret_rotation;
DROP TABLE quay_internal.secret_rotation;

DROP INDEX quay.user_uuid;
DROP INDEX quay.userregion_user_id_location_id;
DROP INDEX quay.redhatsubscriptions_user_id_account_number;
DROP INDEX quay.repository_visibility_id_id;
DROP INDEX quay.permissionprototype_uuid;
DROP INDEX quay.repositorysearchscore_score_repository_id;
DROP INDEX quay.oauthapplication_client_id;
DROP INDEX quay.oauthaccesstoken_uuid;
DROP INDEX quay.appspecificauthtoken_uuid;
DROP INDEX quay.messages_uuid;
DROP INDEX quay.user_robot_namespace;
DROP INDEX quay.teammemberinvite_email;
DROP INDEX quay.teammemberinvite_invite_token;
DROP INDEX quay.repository_namespace_user_id_id;
DROP INDEX quay.oauthauthorizationcode_created;
DROP INDEX quay.oauthaccesstoken_expires_at;
DROP INDEX quay.appspecificauthtoken_expiration;
ALTER TABLE quay.oauthauthorizationcode DROP COLUMN created, DROP COLUMN redirect_uri;
ALTER TABLE quay.oauthaccesstoken DROP COLUMN token_digest;
CREATE INDEX user_uuid ON quay."user" (uuid);
CREATE INDEX userregion_user_id ON quay.userregion (user_id);
CREATE INDEX redhatsubscriptions_user_id ON quay.redhatsubscriptions (user_id);
CREATE INDEX repository_visibility_id ON quay.repository (visibility_id);
CREATE INDEX permissionprototype_uuid ON quay.permissionprototype (uuid);
CREATE INDEX repositorysearchscore_score ON quay.repositorysearchscore (score);
CREATE INDEX oauthapplication_client_id ON quay.oauthapplication (client_id);
CREATE INDEX oauthaccesstoken_uuid ON quay.oauthaccesstoken (uuid);
CREATE INDEX appspecificauthtoken_uuid ON quay.appspecificauthtoken (uuid);
CREATE INDEX messages_uuid ON quay.messages (uuid);

-- @part step api/010_core.sql
-- What all other parts use: settings, the clock, versions, and finding a namespace, a repository or an actor by name.

CREATE OR REPLACE FUNCTION quay_internal.setting(name text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_setting_get';
COMMENT ON FUNCTION quay_internal.setting(text) IS
    'Value of the setting quay.<name> as text, numbers in their base unit. Loads the library first, which current_setting() does not.';

CREATE OR REPLACE FUNCTION quay_internal.clock() RETURNS timestamptz
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get';
COMMENT ON FUNCTION quay_internal.clock() IS
    'The present that every function uses: the wall clock, or quay.clock in tests. Read it after a lock is held, not before.';

CREATE OR REPLACE FUNCTION quay_internal.clock_ms() RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get_ms';
COMMENT ON FUNCTION quay_internal.clock_ms() IS 'clock() in milliseconds since 1970, the unit of tag lifetimes.';

CREATE OR REPLACE FUNCTION quay_internal.utc_now() RETURNS timestamp
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN quay_internal.clock() AT TIME ZONE 'UTC';
COMMENT ON FUNCTION quay_internal.utc_now() IS 'clock() as the naive UTC timestamp that the tables hold.';

-- Versions. The rows say which version they are of (see schema/000_schema.sql).

CREATE OR REPLACE FUNCTION quay_internal.version_library() RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_version_library';
COMMENT ON FUNCTION quay_internal.version_library() IS 'Version that the library in this session was built as.';

CREATE OR REPLACE FUNCTION quay.version() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(v.version, ', ' ORDER BY v.version) FROM quay_internal.schema_version AS v);
END
$$;
COMMENT ON FUNCTION quay.version() IS
    'Version of the tables. Two versions mean that a dump of one was restored into the other: every call then refuses with QY090.';

CREATE OR REPLACE FUNCTION quay_internal.version_require(version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text := quay.version();
BEGIN
    IF found IS DISTINCT FROM version_require.version THEN
        RAISE EXCEPTION USING ERRCODE = 'QY090',
            MESSAGE = format('this script starts from version %s', version_require.version),
            DETAIL = format('The tables hold rows of version %s.', coalesce(found, 'none')),
            HINT = 'Restore a dump into an empty database that has the extension in the version of the dump, then update.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.version_require(text) IS 'First statement of every update and downgrade script: refuses (QY090) to start from another version.';

CREATE OR REPLACE FUNCTION quay_internal.version_set(version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.schema_version
    SET version = version_set.version, installed_at = quay_internal.utc_now();
END
$$;
COMMENT ON FUNCTION quay_internal.version_set(text) IS 'Last statement of every update and downgrade script. At commit every session looks at the version anew.';

CREATE OR REPLACE FUNCTION quay_internal.downgrade_refuse(holds_data boolean, what text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF holds_data AND NOT quay_internal.setting('allow_lossy_downgrade')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY092',
            MESSAGE = 'the older version cannot hold all data',
            DETAIL = format('It has no place for %s.', what),
            HINT = 'Save these rows, then run SET quay.allow_lossy_downgrade = on and the downgrade again: they are dropped.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.downgrade_refuse(boolean, text) IS
    'For down.sql: refuses (QY092) to drop data unless quay.allow_lossy_downgrade is on. First argument: whether there is any.';

CREATE OR REPLACE FUNCTION quay_internal.schema_version_fold() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay_internal.schema_version AS v WHERE v.version = NEW.version) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.schema_version_fold() IS 'Trigger: a restored dump of the same version brings a row that is there already.';

CREATE OR REPLACE FUNCTION quay_internal.cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_cache_invalidate';
COMMENT ON FUNCTION quay_internal.cache_invalidate() IS 'Trigger: at commit every session forgets what it remembers of this table.';

CREATE OR REPLACE TRIGGER schema_version_fold BEFORE INSERT ON quay_internal.schema_version
    FOR EACH ROW EXECUTE FUNCTION quay_internal.schema_version_fold();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay_internal.schema_version
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.role
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.teamrole
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.visibility
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.mediatype
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();

CREATE OR REPLACE FUNCTION quay_internal.entity_changed() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_entity_changed';
COMMENT ON FUNCTION quay_internal.entity_changed() IS 'Trigger: at commit every session forgets the users and repositories that it remembers.';

CREATE OR REPLACE TRIGGER entity_truncated AFTER TRUNCATE ON quay."user"
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_deleted AFTER DELETE ON quay."user"
    FOR EACH ROW EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_updated AFTER UPDATE ON quay."user"
    FOR EACH ROW
    WHEN ((OLD.id, OLD.username, OLD.organization, OLD.robot, OLD.enabled)
          IS DISTINCT FROM (NEW.id, NEW.username, NEW.organization, NEW.robot, NEW.enabled))
    EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_truncated AFTER TRUNCATE ON quay.repository
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_deleted AFTER DELETE ON quay.repository
    FOR EACH ROW EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_updated AFTER UPDATE ON quay.repository
    FOR EACH ROW
    WHEN ((OLD.id, OLD.namespace_user_id, OLD.name, OLD.visibility_id, OLD.state)
          IS DISTINCT FROM (NEW.id, NEW.namespace_user_id, NEW.name, NEW.visibility_id, NEW.state))
    EXECUTE FUNCTION quay_internal.entity_changed();

-- Replication, and the reference application's tests, switch triggers off; these must fire all the same.
ALTER TABLE quay_internal.schema_version ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.role ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.teamrole ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.visibility ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.mediatype ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_truncated;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_deleted;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_updated;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_truncated;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_deleted;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_updated;

-- Names are validated by the C parsers (src/util/reference.c). They return why a name is illegal, NULL if it is legal.

CREATE OR REPLACE FUNCTION quay_internal.name_problem(kind text, name text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_name_problem';
COMMENT ON FUNCTION quay_internal.name_problem(text, text) IS
    'Why a name is illegal, as a sentence; NULL if it is legal. Kinds: namespace (also team and robot short name), repository, tag.';

CREATE OR REPLACE FUNCTION quay_internal.name_check(kind text, name text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE WHEN name_check.name IS NULL THEN 'It is NULL.'
                         ELSE quay_internal.name_problem(CASE WHEN kind IN ('team', 'robot') THEN 'namespace' ELSE kind END, name_check.name) END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = CASE kind WHEN 'tag' THEN 'QY040' ELSE 'QY001' END,
            MESSAGE = format('illegal %s name', kind),
            DETAIL = format('"%s": %s', left(name_check.name, 80), problem),
            HINT = CASE kind
                WHEN 'tag' THEN 'Use one letter, digit or underscore, then up to 127 of these, dots and dashes.'
                WHEN 'repository' THEN 'Use lower-case letters, digits, dots, dashes and underscores, parts separated by "/", at most 255 characters.'
                ELSE 'Use 2 to 255 lower-case letters and digits, single dots, dashes or underscores between them.'
            END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.name_check(text, text) IS
    'Refuses an illegal name: QY040 for a tag, QY001 otherwise. Kinds: namespace, team, robot, repository, tag.';

-- Finding things by name, with the error that a caller wants to see.

CREATE OR REPLACE FUNCTION quay_internal.namespace_get(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- All columns in their order, but NULL for the password_hash: readers have no right to it.
    SELECT u.id, u.uuid, u.username, NULL, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email,
           u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.company,
           u.family_name, u.given_name, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed
    INTO result FROM quay."user" AS u WHERE u.username = namespace_get.namespace AND NOT u.robot;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(namespace_get.namespace, 80)),
            HINT = 'Create it with quay.user_create() or quay.organization_create().';
    END IF;
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY004',
            MESSAGE = 'namespace is disabled',
            DETAIL = format('Namespace "%s" was disabled by an administrator.', result.username),
            HINT = 'An administrator of the registry can enable it again.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_get(text) IS 'Enabled person or organization of that name. Errors: QY002 unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.repository_get(namespace text, repository text, lock boolean DEFAULT false) RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    result quay.repository;
BEGIN
    IF lock THEN
        -- Keeps the row from being deleted or renamed until we commit, and nobody else from reading or pushing.
        SELECT * INTO result FROM quay.repository AS r
        WHERE r.namespace_user_id = owner.id AND r.name = repository_get.repository FOR KEY SHARE;
    ELSE
        -- All columns in their order, but NULL for the badge_token: readers have no right to it.
        SELECT r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, NULL, r.kind_id, r.trust_enabled, r.state
        INTO result FROM quay.repository AS r
        WHERE r.namespace_user_id = owner.id AND r.name = repository_get.repository;
    END IF;
    IF NOT FOUND OR result.state = 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY003',
            MESSAGE = 'repository does not exist',
            DETAIL = format('Namespace "%s" has no repository named "%s".', namespace, left(repository_get.repository, 80)),
            HINT = 'Create it with quay.repository_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_get(text, text, boolean) IS
    'Repository of that name that is not marked for deletion, its row locked FOR KEY SHARE if asked. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.repository_require_writable(repository quay.repository, actor text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- state: 0 normal, 1 read-only, 2 mirror, 3 marked for deletion, 4 mirror of an organization
    writable boolean := CASE repository.state
        WHEN 0 THEN true
        WHEN 2 THEN EXISTS (SELECT FROM quay.repomirrorconfig AS c JOIN quay."user" AS u ON u.id = c.internal_robot_id
                            WHERE c.repository_id = repository.id AND u.username = actor)
        WHEN 4 THEN EXISTS (SELECT FROM quay.orgmirrorconfig AS c JOIN quay."user" AS u ON u.id = c.internal_robot_id
                            WHERE c.organization_id = repository.namespace_user_id AND u.username = actor)
        ELSE false
    END;
BEGIN
    IF NOT writable THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository does not accept writes',
            DETAIL = format('Repository "%s" is %s.', repository.name,
                CASE repository.state WHEN 1 THEN 'read-only' WHEN 2 THEN 'a mirror: only its robot writes to it'
                    WHEN 4 THEN 'a mirror of an organization: only its robot writes to it' ELSE 'marked for deletion' END),
            HINT = CASE WHEN repository.state IN (2, 4) THEN 'Pass the robot of the mirror as actor.'
                ELSE 'Set the state of the repository to normal first.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_require_writable(quay.repository, text) IS
    'Refuses (QY005) a write that the state of the repository forbids: read-only, or a mirror and the actor is not its robot.';

-- @part step api/020_secret.sql
-- Passwords, encrypted fields, tokens and digests: the C functions of src/auth/secret.c. No client calls them.

CREATE OR REPLACE FUNCTION quay_internal.password_hash(secret text, cost integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_hash';
COMMENT ON FUNCTION quay_internal.password_hash(text, integer) IS
    'bcrypt hash of a secret, 60 characters, prefix $2b$, of a cost from 4 to 20. Bytes after the 72nd have no effect. Errors: QY061 zero byte.';

CREATE OR REPLACE FUNCTION quay_internal.password_verify(secret text, hash text, cost integer DEFAULT 12) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_verify';
COMMENT ON FUNCTION quay_internal.password_verify(text, text, integer) IS
    'Does the secret match the bcrypt hash? Never NULL. A NULL hash is no match, and takes the time of a hash of the given cost.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt(secret text, max_length integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt';
COMMENT ON FUNCTION quay_internal.field_encrypt(text, integer) IS
    'Encrypted form (v0$$...) of a secret for a column that takes max_length characters, NULL for any. NULL gives NULL. Errors: QY061 too long.';

CREATE OR REPLACE FUNCTION quay_internal.field_decrypt(stored text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_decrypt';
COMMENT ON FUNCTION quay_internal.field_decrypt(text) IS
    'The secret of an encrypted field. NULL gives NULL. Errors: QY060 damaged, or encrypted with another key.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time. Never NULL: a missing field or secret is no match. Errors: QY060.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

CREATE OR REPLACE FUNCTION quay_internal.token_random(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random';
COMMENT ON FUNCTION quay_internal.token_random(integer) IS 'Random token of 1 to 1024 characters out of A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.token_random_ascii(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random_ascii';
COMMENT ON FUNCTION quay_internal.token_random_ascii(integer) IS 'Random token of 1 to 1024 characters out of a-z, A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_start(algorithm text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_start';
COMMENT ON FUNCTION quay_internal.hashstate_start(text) IS
    'State of a digest, as text, before any data. Algorithms: sha256, sha512. Errors: QY022.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_update(state text, chunk bytea) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_update';
COMMENT ON FUNCTION quay_internal.hashstate_update(text, bytea) IS 'State of a digest after more data. Errors: QY054 damaged state.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_final(state text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_final';
COMMENT ON FUNCTION quay_internal.hashstate_final(text) IS 'Digest, as algorithm:hex, of all data that went into the state. Errors: QY054.';

CREATE OR REPLACE FUNCTION quay_internal.digest_compute(data bytea, algorithm text DEFAULT 'sha256') RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_compute';
COMMENT ON FUNCTION quay_internal.digest_compute(bytea, text) IS 'Digest, as algorithm:hex, of bytes. Algorithms: sha256, sha512. Errors: QY022.';

-- @part step api/100_user.sql
-- Names and e-mail addresses of namespaces, and people.

CREATE OR REPLACE FUNCTION quay_internal.person_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = person_get.username AND NOT u.robot AND NOT u.organization;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person named "%s".', left(person_get.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.person_get(text) IS 'Person of that name, enabled or not. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_lock(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- FOR KEY SHARE holds off a rename and a deletion, and nothing else. A name that went away while we waited is unknown below.
    PERFORM FROM quay."user" AS u WHERE u.username = namespace_lock.namespace FOR KEY SHARE;
    RETURN quay_internal.namespace_get(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_lock(text) IS
    'Enabled person or organization of that name, kept from being renamed or deleted until we commit. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.password_check(password text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- White space of Unicode, spelt out: \s would depend on the locale.
    problem text := CASE
        WHEN password_check.password IS NULL THEN 'It is NULL.'
        WHEN char_length(password_check.password) < 8 THEN format('It has %s characters.', char_length(password_check.password))
        WHEN password_check.password COLLATE "C" ~ '[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]'
            THEN 'It contains white space.'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY012',
            MESSAGE = 'password is not acceptable',
            DETAIL = problem,
            HINT = 'Use at least 8 characters and no white space.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.password_check(text) IS 'Refuses (QY012) a password shorter than 8 characters or with white space.';

CREATE OR REPLACE FUNCTION quay_internal.email_check(email text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF email_check.email IS NULL OR char_length(email_check.email) > 254
        OR email_check.email COLLATE "C" !~ '^[^@]+@[^@.]+(\.[^@.]+)+$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY010',
            MESSAGE = 'invalid e-mail address',
            DETAIL = CASE WHEN email_check.email IS NULL THEN 'It is NULL.'
                          ELSE format('The address given is "%s".', left(email_check.email, 80)) END,
            HINT = 'Use name@domain, the domain with a dot in it, at most 254 characters.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.email_check(text) IS 'Refuses (QY010) what is not an e-mail address: name@domain, at least one dot in the domain, at most 254 characters.';

CREATE OR REPLACE FUNCTION quay_internal.email_taken(email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY011',
        MESSAGE = 'e-mail address is already used',
        DETAIL = format('Another user has the address "%s".', left(email_taken.email, 80)),
        HINT = 'Use another address.';
END
$$;
COMMENT ON FUNCTION quay_internal.email_taken(text) IS 'Raises QY011: another user has this address.';

CREATE OR REPLACE FUNCTION quay_internal.name_taken(name text, what text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'name is already taken',
        DETAIL = format('%s named "%s" exists.', what, name_taken.name),
        HINT = 'Use another name.';
END
$$;
COMMENT ON FUNCTION quay_internal.name_taken(text, text) IS 'Raises QY006: something of that name exists. The second argument says what, as in "A team".';

CREATE OR REPLACE FUNCTION quay_internal.account_insert(username text, email text, password_hash text DEFAULT NULL, verified boolean DEFAULT false,
                                                        organization boolean DEFAULT false, robot boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
    violated text;
    holder quay."user";
BEGIN
    BEGIN
        INSERT INTO quay."user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
                                 last_invalid_login, removed_tag_expiration_s, creation_date)
        VALUES (gen_random_uuid()::text, account_insert.username, account_insert.password_hash,
                -- The column takes no NULL; as in the reference, a value that is no address stands for none.
                coalesce(account_insert.email, gen_random_uuid()::text),
                account_insert.verified, account_insert.organization, account_insert.robot, false,
                quay_internal.utc_now(), quay_internal.setting('default_tag_expiration')::bigint, quay_internal.utc_now())
        RETURNING id INTO new_id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        -- If both the name and the address are taken, the name is what one wants to hear about.
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = account_insert.username;
        IF FOUND OR violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(account_insert.username,
                CASE WHEN holder.organization THEN 'An organization' WHEN account_insert.robot THEN 'A robot' ELSE 'A user' END);
        ELSIF violated = 'user_email_unique_non_org' THEN
            PERFORM quay_internal.email_taken(account_insert.email);
        END IF;
        RAISE;
    END;

    -- After the insertion: it waited for whoever was just renaming the namespace away to delete it.
    IF EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = account_insert.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is not available',
            DETAIL = format('The namespace "%s" is being deleted.', account_insert.username),
            HINT = 'The name is free once its data have been purged.';
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.account_insert(text, text, text, boolean, boolean, boolean) IS
    'Adds a row for a person, an organization or a robot, whose name was checked, and returns its id. Errors: QY006 name taken, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay.user_create(username text, password text, email text, verified boolean DEFAULT false,
                                            email_required boolean DEFAULT true, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    address text := nullif(user_create.email, '');
    new_id bigint;
BEGIN
    PERFORM quay_internal.password_check(user_create.password);
    IF user_create.email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.name_check('namespace', user_create.username);

    new_id := quay_internal.account_insert(user_create.username, address,
        quay_internal.password_hash(user_create.password, quay_internal.setting('bcrypt_cost')::integer), user_create.verified);
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create.username, 'email', address), user_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create(text, text, text, boolean, boolean, text, text) IS
    'Creates a person and returns its id. verified: the e-mail address needs no confirmation. email_required false: NULL or empty is no address, and a given one is not checked for its form. Errors: QY001 illegal name, QY006 name taken, QY007 actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused.';

-- @part step api/110_organization.sql
-- Organizations, their teams and the members of these.

CREATE OR REPLACE FUNCTION quay_internal.organization_get(organization text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user" := quay_internal.namespace_get(organization);
BEGIN
    IF NOT result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'organization does not exist',
            DETAIL = format('"%s" is a person.', result.username),
            HINT = 'Only organizations have teams.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_get(text) IS 'Enabled organization of that name. Errors: QY002 unknown or a person, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.team_get(organization quay."user", team text) RETURNS quay.team
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.team;
BEGIN
    SELECT * INTO result FROM quay.team AS t WHERE t.organization_id = team_get.organization.id AND t.name = team_get.team;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY008',
            MESSAGE = 'team does not exist',
            DETAIL = format('"%s" has no team named "%s".', team_get.organization.username, left(team_get.team, 80)),
            HINT = 'Create it with quay.team_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.team_get(quay."user", text) IS 'Team of that name of a namespace. Errors: QY008 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_get(namespace quay."user", username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = grantee_get.username;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person or robot named "%s".', left(grantee_get.username, 80)),
            HINT = 'Create it with quay.user_create() or quay.robot_create().';
    END IF;
    IF result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot be a member or hold a permission',
            DETAIL = format('"%s" is an organization.', result.username),
            HINT = 'Name a person, a robot or a team.';
    END IF;
    IF result.robot AND split_part(result.username, '+', 1) <> grantee_get.namespace.username THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot belongs to another namespace',
            DETAIL = format('Robot "%s" cannot be used under namespace "%s".', result.username, grantee_get.namespace.username),
            HINT = format('Create a robot of "%s".', grantee_get.namespace.username);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_get(quay."user", text) IS
    'Person, or robot of this namespace, who can be a member of its teams or hold permissions in it. Errors: QY007 unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.teamrole_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.teamrole AS r WHERE r.name = teamrole_id.role ORDER BY r.id LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role of a team',
            DETAIL = format('There is no role "%s".', left(teamrole_id.role, 80)),
            HINT = 'Roles of a team are admin, creator and member.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.teamrole_id(text) IS 'Id of a team role: admin, creator or member. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay.organization_create(name text, email text, creator text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_admin quay."user" := quay_internal.person_get(organization_create.creator);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_create.actor), first_admin.id);
    address text := nullif(organization_create.email, '');
    new_id bigint;
    owners_id bigint;
BEGIN
    IF NOT first_admin.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('User "%s" is disabled.', first_admin.username),
            HINT = 'Name another creator.';
    END IF;
    PERFORM quay_internal.name_check('namespace', organization_create.name);
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
        -- Organizations may share an address among themselves, but not with a user.
        IF EXISTS (SELECT FROM quay."user" AS u WHERE u.email = address AND NOT u.organization) THEN
            PERFORM quay_internal.email_taken(address);
        END IF;
    END IF;

    new_id := quay_internal.account_insert(organization_create.name, address, organization => true);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES ('owners', new_id, quay_internal.teamrole_id('admin'), '')
    RETURNING id INTO owners_id;
    INSERT INTO quay.teammember (user_id, team_id) VALUES (first_admin.id, owners_id);
    PERFORM quay_internal.log_add('org_create', new_id, performer_id, NULL,
        jsonb_build_object('namespace', organization_create.name, 'email', address), organization_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_create(text, text, text, text, text) IS
    'Creates an organization, its team "owners" of role admin and the creator as its first member, and returns its id. e-mail: NULL or empty for none; organizations may share one. Errors: QY001 illegal name, QY006 name taken, QY007 creator or actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail, QY013 creator disabled.';

CREATE OR REPLACE FUNCTION quay.team_create(organization text, name text, role text, description text DEFAULT '',
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_create.actor);
    new_id bigint;
BEGIN
    PERFORM quay_internal.name_check('team', team_create.name);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES (team_create.name, org.id, quay_internal.teamrole_id(team_create.role), coalesce(team_create.description, ''))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(team_create.name, 'A team');
    END IF;
    PERFORM quay_internal.log_add('org_create_team', org.id, performer_id, NULL,
        jsonb_build_object('team', team_create.name, 'role', team_create.role), team_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.team_create(text, text, text, text, text, text) IS
    'Creates a team of an organization, of role admin, creator or member, and returns its id. Errors: QY001 illegal name, QY002 organization unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY009 unknown role.';

CREATE OR REPLACE FUNCTION quay.team_member_add(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    member quay."user" := quay_internal.grantee_get(org, username);
    performer_id bigint := quay_internal.actor_id(team_member_add.actor);
BEGIN
    INSERT INTO quay.teammember (user_id, team_id) VALUES (member.id, target.id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('org_add_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_add.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_add(text, text, text, text, text) IS
    'Adds a person, or a robot of the organization, to a team, without invitation. True if added, false for a member already. Errors: QY002 organization unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.organization_require_admin(organization quay."user") RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The lock on one remaining membership is for REPEATABLE READ, where a membership that another session removed still shows:
    -- locking it then fails with a serialization error.
    PERFORM FROM quay.teammember AS m
    JOIN quay.team AS t ON t.id = m.team_id
    JOIN quay.teamrole AS r ON r.id = t.role_id
    JOIN quay."user" AS u ON u.id = m.user_id
    WHERE t.organization_id = organization_require_admin.organization.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
    LIMIT 1
    FOR KEY SHARE OF m;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody could administer "%s" any more.', organization_require_admin.organization.username),
            HINT = 'Add another person to a team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_require_admin(quay."user") IS
    'Refuses (QY013) a change that left no enabled person in any team of role admin. The caller made the change and holds the lock on the row of the organization.';

CREATE OR REPLACE FUNCTION quay.team_member_remove(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_member_remove.actor);
    target quay.team;
    member quay."user";
BEGIN
    -- One at a time, or two administrators could remove each other.
    PERFORM FROM quay."user" AS u WHERE u.id = org.id FOR NO KEY UPDATE;
    target := quay_internal.team_get(org, team);
    SELECT * INTO member FROM quay."user" AS u WHERE u.username = team_member_remove.username;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF member.enabled AND NOT member.robot AND target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org);
    END IF;
    PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_remove(text, text, text, text, text) IS
    'Removes a member from a team. True if removed, false if it was no member. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the organization would have no enabled administrator.';

-- @part step api/120_robot.sql
-- Robots: accounts of a namespace for programs.

CREATE OR REPLACE FUNCTION quay.robot_create(namespace text, shortname text, description text DEFAULT '', metadata jsonb DEFAULT '{}',
                                             given_token text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (username text, token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_create.actor);
    robot_id bigint;
BEGIN
    IF quay_internal.setting('robots_disallow')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY014',
            MESSAGE = 'robots are not allowed',
            DETAIL = 'The setting quay.robots_disallow is on.',
            HINT = 'An administrator of the server can switch it off.';
    END IF;
    PERFORM quay_internal.name_check('robot', shortname);
    username := owner.username || '+' || shortname;
    IF char_length(username) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name, namespace+shortname, would have %s characters.', char_length(username)),
            HINT = 'The full name may have at most 255 characters.';
    END IF;
    IF given_token !~ '^[A-Z0-9]{64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'invalid token for a robot',
            DETAIL = 'A token has exactly 64 characters, upper-case letters and digits.',
            HINT = 'Pass NULL to have one made.';
    END IF;
    token := coalesce(given_token, quay_internal.token_random(64));

    robot_id := quay_internal.account_insert(username, NULL, robot => true);
    INSERT INTO quay.robotaccounttoken (robot_account_id, token, fully_migrated)
    VALUES (robot_id, quay_internal.field_encrypt(robot_create.token, 255), true);
    INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
    SELECT robot_id, s.id, 'robot:' || robot_id, '{}' FROM quay.loginservice AS s WHERE s.name = 'quayrobot';
    INSERT INTO quay.robotaccountmetadata (robot_account_id, description, unstructured_json)
    VALUES (robot_id, left(coalesce(robot_create.description, ''), 255), coalesce(metadata, '{}')::text);
    PERFORM quay_internal.log_add('create_robot', owner.id, performer_id, NULL,
        jsonb_build_object('robot', shortname, 'description', robot_create.description, 'unstructured_metadata', metadata), robot_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.robot_create(text, text, text, jsonb, text, text, text) IS
    'Creates the robot namespace+shortname and returns its full name and token, given_token or a random one. A description is cut to 255 characters. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY014 robots disallowed, QY061 illegal token.';

-- @part step api/130_repository.sql
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

-- @part step api/140_permission.sql
-- Who may do what in a repository.

CREATE OR REPLACE FUNCTION quay.permission_set(namespace text, repository text, grantee_kind text, grantee text, role text,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(permission_set.actor);
    new_role_id bigint := CASE WHEN permission_set.role IS NOT NULL THEN quay_internal.role_id(permission_set.role) END;
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    holder_user_id bigint;
    holder_team_id bigint;
    added boolean;
BEGIN
    IF grantee_kind = 'user' THEN
        IF grantee = owner.username THEN
            RAISE EXCEPTION USING ERRCODE = 'QY013',
                MESSAGE = 'the owner of a namespace is always admin',
                DETAIL = format('"%s" owns the namespace.', grantee),
                HINT = 'Name somebody else.';
        END IF;
        holder_user_id := (quay_internal.grantee_get(owner, grantee)).id;
    ELSIF grantee_kind = 'team' THEN
        holder_team_id := (quay_internal.team_get(owner, grantee)).id;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of grantee',
            DETAIL = format('There is no kind "%s".', left(grantee_kind, 80)),
            HINT = 'A grantee is a user or a team; a robot is a user.';
    END IF;

    IF new_role_id IS NULL THEN
        DELETE FROM quay.repositorypermission AS p
        WHERE p.repository_id = target.id AND (p.user_id = holder_user_id OR p.team_id = holder_team_id);
    ELSIF holder_user_id IS NOT NULL THEN
        INSERT INTO quay.repositorypermission AS p (user_id, repository_id, role_id) VALUES (holder_user_id, target.id, new_role_id)
        ON CONFLICT (user_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    ELSE
        INSERT INTO quay.repositorypermission AS p (team_id, repository_id, role_id) VALUES (holder_team_id, target.id, new_role_id)
        ON CONFLICT (team_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    END IF;
    -- A retry changes nothing and leaves no second trace. A row that was inserted, not updated, has no xmax.
    IF FOUND THEN
        PERFORM quay_internal.log_add(
            CASE WHEN new_role_id IS NULL THEN 'delete_repo_permission' WHEN added THEN 'add_repo_permission' ELSE 'change_repo_permission' END,
            owner.id, performer_id, target.id,
            jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'role', permission_set.role,
                CASE grantee_kind WHEN 'user' THEN 'username' ELSE 'team' END, grantee)),
            permission_set.ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.permission_set(text, text, text, text, text, text, text) IS
    'Gives a user (also a robot) or a team of the namespace the role read, write or admin in a repository, in place of the one it has. role NULL takes the permission away. Nothing happens, and nothing is logged, if it is so already. grantee_kind: user or team. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY009 unknown role or kind, QY013 owner of the namespace, organization or foreign robot.';

-- @part step api/150_authenticate.sql
-- Who is it? From a user name and a secret to an actor.

CREATE OR REPLACE FUNCTION quay_internal.can_write() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT current_setting('transaction_read_only')::boolean;
COMMENT ON FUNCTION quay_internal.can_write() IS 'May this transaction write? Not on a standby, and not if it is read-only.';

CREATE OR REPLACE FUNCTION quay_internal.user_touch(user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - interval '60 s';
BEGIN
    -- One row version a minute is enough, and a busy robot must not queue up behind itself.
    UPDATE quay."user" AS u SET last_accessed = quay_internal.utc_now()
    FROM (SELECT s.id FROM quay."user" AS s
          WHERE s.id = user_touch.user_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
          FOR NO KEY UPDATE SKIP LOCKED) AS stale
    WHERE u.id = stale.id;
END
$$;
COMMENT ON FUNCTION quay_internal.user_touch(bigint) IS 'Records that a user was active now, at most once a minute.';

CREATE OR REPLACE FUNCTION quay_internal.login_wait(account quay."user") RETURNS interval
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- 2^30 half-seconds are beyond every limit that can be set.
    wait_seconds double precision := least(0.5 * (2 ^ least(account.invalid_login_attempts, 30) - 1),
                                           quay_internal.setting('login_backoff_limit')::double precision);
    remaining interval := account.last_invalid_login + make_interval(secs => wait_seconds) - quay_internal.utc_now();
BEGIN
    RETURN CASE WHEN account.invalid_login_attempts > 0 AND remaining > interval '0' THEN remaining END;
END
$$;
COMMENT ON FUNCTION quay_internal.login_wait(quay."user") IS
    'How long failed logins still keep this user waiting: 0.5 * (2^n - 1) seconds after the last of n, up to quay.login_backoff_limit; NULL if not.';

CREATE OR REPLACE FUNCTION quay_internal.login_account(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- A name goes before an address: nobody can catch somebody else's login by taking it as an address.
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = login_account.username AND NOT u.organization AND NOT u.robot;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay."user" AS u
        WHERE u.email = login_account.username AND NOT u.organization AND NOT u.robot;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.login_account(text) IS 'Person of that user name, else of that e-mail address; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_user(username text, secret text, OUT account quay."user", OUT error text, OUT retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    matches boolean;
BEGIN
    account := quay_internal.login_account(username);
    retry_after := quay_internal.login_wait(account);
    IF retry_after IS NOT NULL THEN
        error := 'Too many login attempts.';
        RETURN;
    END IF;

    -- Hashing takes long, so it comes before the lock. Of many guesses at once the first to get the lock decides: it either fails and makes
    -- the others wait, whatever they guessed, or is right.
    matches := quay_internal.password_verify(secret, account.password_hash, quay_internal.setting('bcrypt_cost')::integer);
    IF account.id IS NOT NULL AND quay_internal.can_write() THEN
        SELECT * INTO account FROM quay."user" AS u
        WHERE u.id = account.id AND u.password_hash IS NOT DISTINCT FROM account.password_hash FOR NO KEY UPDATE;
        retry_after := quay_internal.login_wait(account);
        IF retry_after IS NOT NULL THEN
            error := 'Too many login attempts.';
            RETURN;
        END IF;
        IF NOT matches THEN
            UPDATE quay."user" AS u
            SET invalid_login_attempts = least(u.invalid_login_attempts, 2147483646) + 1, last_invalid_login = quay_internal.utc_now()
            WHERE u.id = account.id;
        ELSIF account.invalid_login_attempts > 0 THEN
            UPDATE quay."user" AS u SET invalid_login_attempts = 0 WHERE u.id = account.id;
        END IF;
    END IF;
    error := CASE
        WHEN account.id IS NULL OR NOT matches THEN 'Invalid Username or Password'
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_user(text, text) IS
    'Checks a password, counting failures. Result: the person whose name or address it is, why not, and how long to wait.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_robot(username text, secret text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user";
    stored_token text;
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = authenticate_robot.username AND u.robot;
    SELECT * INTO owner FROM quay."user" AS u WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot;
    SELECT t.token INTO stored_token FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = account.id;
    error := CASE
        WHEN quay_internal.setting('robots_disallow')::boolean
            THEN 'Robot account have been disabled. Please contact your administrator.'
        WHEN account.id IS NULL THEN 'Could not find robot with specified username'
        WHEN owner.id IS NULL THEN format('Robot %s owner does not exist', account.username)
        WHEN NOT owner.enabled THEN format('Robot %s owner %s is disabled', account.username, owner.username)
        WHEN NOT quay_internal.field_matches(stored_token, secret)
            THEN format('Could not find robot with username: %s and supplied password.', account.username)
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_robot(text, text) IS
    'Checks the token of a robot. Result: the robot, and why not. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.authenticate(username text, secret text, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (kind text, actor text, scopes text, error text, retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
    namespace_id bigint;
BEGIN
    kind := CASE
        WHEN authenticate.username = '$token' THEN 'token'
        WHEN authenticate.username = '$app' THEN 'app_specific_token'
        WHEN authenticate.username = '$oauthtoken' THEN 'oauth_token'
        WHEN authenticate.username LIKE '%+%' THEN 'robot'
        ELSE 'user'
    END;
    IF kind = 'user' THEN
        checked := quay_internal.authenticate_user(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
        retry_after := checked.retry_after;
    ELSIF kind = 'robot' THEN
        checked := quay_internal.authenticate_robot(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
    ELSE
        error := format('Credentials of the kind %s are not supported by this version', authenticate.username);
    END IF;

    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(account.id);
        END IF;
    ELSIF retry_after IS NULL AND quay_internal.can_write() THEN
        -- A refusal without a check of the secret is cheap and leaves no row, or it would be a way to fill the log.
        SELECT u.id INTO namespace_id FROM quay."user" AS u
        WHERE u.username = split_part(account.username, '+', 1);
        PERFORM quay_internal.log_add('login_failure', namespace_id, CASE WHEN kind = 'robot' THEN account.id END, NULL,
            jsonb_build_object('type', 'quayauth', 'kind', kind, CASE WHEN kind = 'robot' THEN 'robot' ELSE 'username' END,
                left(authenticate.username, 255), 'useragent', user_agent, 'message', error), authenticate.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.authenticate(text, text, text, text) IS
    'Who has this user name and secret? One row. kind: user, robot, token, app_specific_token or oauth_token, as the name tells. actor: the user name to pass on, NULL if refused. scopes: NULL for no limit. error: why it was refused, in the words of the reference. retry_after: how long failed logins keep this user waiting. Failed and successful logins are recorded unless the transaction is read-only. An e-mail address does for the name of a person. Errors: QY060 the stored secret cannot be decrypted.';

-- @part step api/160_access.sql
-- Who may do what in a repository. All of it is C (src/auth): one call makes many look-ups. Both functions walk the same rules.

CREATE OR REPLACE FUNCTION quay.access_check(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check';
COMMENT ON FUNCTION quay.access_check(text, text, text, text, text) IS
'May the actor do this in the repository? Always true or false.

action: read, write or admin; each includes what stands before it.
actor: a user or a robot. NULL is anonymous, and so count names that are unknown, disabled or an organization, and robots whose owner is disabled or unknown.
scopes: those of an OAuth credential, one blank or one comma between them; NULL is a direct login. repo:read, repo:write and repo:admin let through the right of that name; repo:create, org:admin, user:read, user:admin and super:user let no right on a repository through. Scopes that are empty or hold an unknown one make the actor anonymous.

Nobody: a namespace that is disabled, a repository marked for deletion; to write into one that is read-only, or into a mirror unless the actor is its robot.
Rights: owner of the namespace, admin; member of an admin team of the organization, admin; rows of repositorypermission for the actor or a team of his, their role. These are limited by the scopes.
read besides: a public repository, for anonymous only with quay.anonymous_access; a superuser of kind readonly, with any scopes.
All besides: a superuser, with quay.superusers_full_access, and a direct login or the scope super:user.

A repository that does not exist, or is NULL, is decided by the rules that need none, so that one can ask before creating it; those of superusers need no namespace either.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 6 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain';
COMMENT ON FUNCTION quay.access_explain(text, text, text, text, text) IS
'Why access_check() with the same arguments answers as it does: the rules that were looked at, in order, up to the one that decided.

rule: namespace, state, public, actor, scopes, mirror, own namespace, user permission, team permission, organization team, superuser, readonly superuser, no rule grants. Rules that have nothing to say about the actor are left out.
grants: none, read, write or admin, before the scopes. scope_cap: the most that the scopes let through; NULL where they do not matter.
decided: true in the last row only. The answer was yes if that row grants anything, no if it grants none.
Error: 22023 unknown action.';

-- @part step api/260_list.sql
-- Lists, a page at a time: after is the last entry of the page before, which need not exist any more.

CREATE OR REPLACE FUNCTION quay_internal.page_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of entries must not be negative',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many entries the page may have at most.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.page_size(integer) IS 'The n of a list. Errors: 22023 negative.';

CREATE OR REPLACE FUNCTION quay.tag_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    start text := coalesce(tag_list.after, '') COLLATE "C";   -- no name is empty
BEGIN
    -- Two branches, each with an index that leads to live rows only: tags without an end, and the few with one in the future.
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        FROM (SELECT DISTINCT ON (l.name) l.*
              FROM ((SELECT * FROM quay.tag AS t
                     WHERE t.repository_id = target_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden AND t.name > start
                     ORDER BY t.name
                     LIMIT page_size)
                    UNION ALL
                    SELECT * FROM quay.tag AS t
                    WHERE t.repository_id = target_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden AND t.name > start) AS l
              WHERE l.manifest_id IS NOT NULL
              ORDER BY l.name, l.lifetime_end_ms DESC NULLS FIRST
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_list(text, text, text, integer) IS
    'Live tags of a repository in byte order of their names, at most n, those after the name after. size: of the manifest, layers_size: of its layers, compressed, both in bytes; NULL: not known. Lifetimes in ms since 1970, an end of NULL means none. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_history(namespace text, repository text, INOUT tag text DEFAULT NULL, after text DEFAULT NULL,
                                            n integer DEFAULT 100, OUT digest text, OUT lifetime_start_ms bigint,
                                            OUT lifetime_end_ms bigint, OUT live boolean, OUT reversion boolean, OUT immutable boolean,
                                            OUT tag_id bigint, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    after_start bigint;
    after_id bigint;
BEGIN
    IF after IS NOT NULL AND after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a tag history',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    after_start := coalesce(split_part(after, '.', 1)::bigint, 9223372036854775807);
    after_id := coalesce(split_part(after, '.', 2)::bigint, 9223372036854775807);
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, t.lifetime_end_ms,
               t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms, t.reversion, t.immutable, t.id,
               t.lifetime_start_ms || '.' || t.id
        FROM (SELECT * FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden
                AND (tag_history.tag IS NULL OR t.name = tag_history.tag)
                AND t.lifetime_start_ms <= after_start AND (t.lifetime_start_ms, t.id) < (after_start, after_id)
              ORDER BY t.lifetime_start_ms DESC, t.id DESC
              LIMIT page_size) AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        ORDER BY t.lifetime_start_ms DESC, t.id DESC;
END
$$;
COMMENT ON FUNCTION quay.tag_history(text, text, text, text, integer) IS
    'Periods of one tag, or of all tags of a repository (tag NULL), over or not, newest first, as long as they have not been collected. Times in ms since 1970; an end of NULL means none. For the next page pass cursor of the last row as after. Errors: 22023, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.referrer_list(namespace text, repository text, INOUT digest text, INOUT artifact_type text DEFAULT NULL,
                                              OUT media_type text, OUT size bigint, OUT annotations jsonb) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
    fallback text;
BEGIN
    PERFORM quay_internal.digest_check(referrer_list.digest);
    -- Clients that know no subject keep the list themselves: an index under a tag made from the digest.
    SELECT m.manifest_bytes INTO fallback
    FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id
    WHERE m.id = (quay_internal.tag_find(target_id, replace(referrer_list.digest, ':', '-'), now_ms)).manifest_id
      AND y.name = 'application/vnd.oci.image.index.v1+json';
    RETURN QUERY
        SELECT m.digest::text, coalesce(m.artifact_type, m.config_media_type)::text, y.name::text,
               octet_length(m.manifest_bytes)::bigint, coalesce(quay_internal.manifest_annotations(m.manifest_bytes), '{}')
        FROM (SELECT r.id FROM quay.manifest AS r
              WHERE r.repository_id = target_id AND r.subject = referrer_list.digest
                AND quay_internal.manifest_is_alive(r.id, now_ms)
              UNION
              SELECT r.id FROM quay.manifest AS r
              WHERE fallback <> '' AND r.repository_id = target_id
                AND r.digest IN (SELECT e.entry ->> 'digest' FROM json_array_elements(fallback::json -> 'manifests') AS e (entry))
             ) AS r
        JOIN quay.manifest AS m ON m.id = r.id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE m.manifest_bytes <> ''
          AND (referrer_list.artifact_type IS NULL OR coalesce(m.artifact_type, m.config_media_type) = referrer_list.artifact_type)
        ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION quay.referrer_list(text, text, text, text) IS
    'Manifests that have this digest as their subject, oldest first, as the descriptors of a referrers response; also those that an index under the tag <algorithm>-<hexadecimal digits> lists. artifact_type selects; a manifest without one counts under the media type of its config. No row: none, whether the digest is known or not. size in bytes. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.catalog(actor text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, repository text, name text, visibility text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    actor_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = catalog.actor AND u.enabled);
    teams bigint[] := ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = actor_id);
    sees_all boolean := EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = catalog.actor);
    -- No name has a "/" before that of the repository, so this order of two keys is that of "namespace/repository".
    after_namespace text := CASE WHEN strpos(after, '/') > 0 THEN split_part(after, '/', 1) || '/' ELSE coalesce(after, '') END;
    after_repository text := CASE WHEN strpos(after, '/') > 0 THEN substring(after FROM strpos(after, '/') + 1) ELSE '' END;
    returned integer := 0;
BEGIN
    IF page_size = 0 THEN
        RETURN;
    END IF;
    -- The query leaves out what is surely hidden; the decision itself is that of access_check().
    FOR namespace, repository, visibility IN
        SELECT u.username, r.name, v.name
        FROM quay."user" AS u
        JOIN quay.repository AS r ON r.namespace_user_id = u.id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        WHERE u.enabled AND NOT u.robot AND r.state <> 3 AND k.name = 'image'
          AND (u.username || '/') COLLATE "C" >= after_namespace
          AND ((u.username || '/') COLLATE "C", r.name) > (after_namespace, after_repository)
          AND (v.name = 'public' OR sees_all OR u.id = actor_id
               OR EXISTS (SELECT FROM quay.repositorypermission AS p
                          WHERE p.repository_id = r.id AND (p.user_id = actor_id OR p.team_id = ANY (teams)))
               OR u.id IN (SELECT t.organization_id FROM quay.team AS t JOIN quay.teamrole AS tr ON tr.id = t.role_id
                           WHERE t.id = ANY (teams) AND tr.name = 'admin'))
        ORDER BY (u.username || '/') COLLATE "C", r.name
    LOOP
        CONTINUE WHEN NOT quay.access_check(actor, namespace, repository, 'read', scopes);
        name := namespace || '/' || repository;
        RETURN NEXT;
        returned := returned + 1;
        EXIT WHEN returned = page_size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.catalog(text, text, integer, text) IS
    'Image repositories that the actor may read (NULL: anonymous), in byte order of name, which is "namespace/repository", at most n, those after the name after. Errors: 22023 n negative.';

-- @part step api/800_maintenance.sql
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
        ('emailconfirmation', 'code'),
        ('emailconfirmation', 'verification_code'),
        ('namespacenotification', 'config_json'),
        ('oauthaccesstoken', 'token_code'),
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
        ('robotaccounttoken', 'token'),
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
    for_admin CONSTANT text[] := ARRAY['grant_role', 'revoke_role', 'log_partition_ensure', 'log_partition_drop', 'search_index_create',
                                    'version_require', 'version_set', 'downgrade_refuse'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'utc_now', 'repository_get'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['field_decrypt', 'field_matches', 'password_verify', 'secret_equal', 'login_account'];
    found record;
BEGIN
    SELECT p.proname::text AS name, p.provolatile AS volatility,
           p.prorettype = ANY (ARRAY['trigger'::regtype, 'event_trigger'::regtype]) AS is_trigger
    INTO STRICT found FROM pg_proc AS p WHERE p.oid = function_is_for.function;
    RETURN CASE function_is_for.kind
        WHEN 'admin' THEN true
        WHEN 'application' THEN NOT found.is_trigger AND found.name <> ALL (for_admin)
        ELSE NOT found.is_trigger AND found.name <> ALL (for_admin) AND found.name <> ALL (not_for_readers)
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
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'entity_change') THEN ARRAY['SELECT']
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

-- @part step api/900_comment_account.sql
-- What the tables of accounts, permissions, repositories and credentials hold (schema/010 to 050): text for \d+ and for doc/.
-- `timestamp` columns hold UTC. An encrypted secret is text v0$$<base64>, written and read by the functions of 020_secret.sql.

-- Names that other rows point to

COMMENT ON TABLE quay.accesstokenkind IS 'Enumeration: what a per-repository access token was made for. Look rows up by name, ids differ between installations.';
COMMENT ON COLUMN quay.accesstokenkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.accesstokenkind.name IS 'Unique. Seeded: build-worker (token of one build), pushpull-token.';

COMMENT ON TABLE quay.buildtriggerservice IS 'Enumeration: source hosting services that can start a build.';
COMMENT ON COLUMN quay.buildtriggerservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.buildtriggerservice.name IS 'Unique. Seeded: github, gitlab, bitbucket, custom-git.';

COMMENT ON TABLE quay.disablereason IS 'Enumeration: why a build trigger was switched off.';
COMMENT ON COLUMN quay.disablereason.id IS 'Primary key. The reference seeds the same three ids everywhere.';
COMMENT ON COLUMN quay.disablereason.name IS 'Unique. Seeded: user_toggled, successive_build_failures, successive_build_internal_errors.';

COMMENT ON TABLE quay.externalnotificationevent IS 'Enumeration: events that a repository or namespace notification can subscribe to.';
COMMENT ON COLUMN quay.externalnotificationevent.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationevent.name IS 'Unique. Seeded: repo_push, build_*, vulnerability_found, repo_mirror_sync_*, repo_image_expiry, quota_warning, quota_error.';

COMMENT ON TABLE quay.externalnotificationmethod IS 'Enumeration: channels over which a subscribed event is delivered.';
COMMENT ON COLUMN quay.externalnotificationmethod.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationmethod.name IS 'Unique. Seeded: email, flowdock, hipchat, quay_notification (in the application), slack, webhook.';

COMMENT ON TABLE quay.imagestoragelocation IS 'Enumeration: object storage engines that can hold blob bytes. The front end adds one row per storage engine it is configured with.';
COMMENT ON COLUMN quay.imagestoragelocation.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.imagestoragelocation.name IS 'Unique name of the engine as in the front end''s configuration, such as local or s3_us_east_1.';

COMMENT ON TABLE quay.imagestoragesignaturekind IS 'Legacy enumeration: kinds of detached layer signatures. No live writer.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.name IS 'Unique. Seeded: gpg2.';

COMMENT ON TABLE quay.imagestoragetransformation IS 'Legacy enumeration: formats into which an image could be converted, for derivedstorageforimage. No live writer.';
COMMENT ON COLUMN quay.imagestoragetransformation.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragetransformation.name IS 'Unique. Seeded: squash, aci.';

COMMENT ON TABLE quay.labelsourcetype IS 'Enumeration: where a label came from, and with it whether the label may be deleted.';
COMMENT ON COLUMN quay.labelsourcetype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.labelsourcetype.name IS 'Unique. Seeded: manifest (read from config or annotations at push), api (set by a client), internal.';
COMMENT ON COLUMN quay.labelsourcetype.mutable IS 'True: labels of this source may be deleted through the API. Seeded true only for api.';

COMMENT ON TABLE quay.logentrykind IS 'Enumeration: actions that the audit log knows, 146 seeded. Rows of logentry3 carry these ids without a foreign key.';
COMMENT ON COLUMN quay.logentrykind.id IS 'Primary key. Ids never change; a name seeded here keeps the id that a migrated reference database gives it.';
COMMENT ON COLUMN quay.logentrykind.name IS 'Unique action name, such as push_repo, create_robot or login_failure.';

COMMENT ON TABLE quay.loginservice IS 'Enumeration: identity providers that accounts can be linked to. Providers unknown so far are added when a login is first linked.';
COMMENT ON COLUMN quay.loginservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.loginservice.name IS 'Unique. Seeded: github, quayrobot (every robot''s own link), ldap, google, keystone, dex, jwtauthn, oidc.';

COMMENT ON TABLE quay.mediatype IS 'Enumeration: media types of manifests, labels and global messages. application/vnd.cnr.* belong to the retired application registry.';
COMMENT ON COLUMN quay.mediatype.id IS 'Primary key. 1 is text/plain, the default of messages; other ids differ between installations, so go by name.';
COMMENT ON COLUMN quay.mediatype.name IS 'Unique media type, such as application/vnd.oci.image.manifest.v1+json.';

COMMENT ON TABLE quay.notificationkind IS 'Enumeration: kinds of notifications shown inside the application. Delivery by quay_notification needs a row named like the event.';
COMMENT ON COLUMN quay.notificationkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.notificationkind.name IS 'Unique, such as repo_push, org_team_invite, quota_error or assigned_authorization.';

COMMENT ON TABLE quay.quotatype IS 'Enumeration: what happens when usage reaches a quota limit. Names are not unique by constraint.';
COMMENT ON COLUMN quay.quotatype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.quotatype.name IS 'Seeded: Warning (notify), Reject (notify, and refuse uploads and pushes).';

COMMENT ON TABLE quay.repositorykind IS 'Enumeration: what a repository holds.';
COMMENT ON COLUMN quay.repositorykind.id IS 'Primary key. 1 is the default of repository.kind_id.';
COMMENT ON COLUMN quay.repositorykind.name IS 'Unique. Seeded: image, application (retired application registry).';

COMMENT ON TABLE quay.role IS 'Enumeration: what a grant allows on a repository; admin includes write, write includes read.';
COMMENT ON COLUMN quay.role.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.role.name IS 'Unique. Seeded: admin, write, read.';

COMMENT ON TABLE quay.tagkind IS 'Enumeration: kinds of tags of image repositories.';
COMMENT ON COLUMN quay.tagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagkind.name IS 'Unique. Seeded: tag, the only kind in use.';

COMMENT ON TABLE quay.teamrole IS 'Enumeration: what membership of a team allows in the organization as a whole. Names are indexed, not unique.';
COMMENT ON COLUMN quay.teamrole.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.teamrole.name IS 'Seeded: admin (administers the organization), creator (may create repositories), member (only what permissions grant).';

COMMENT ON TABLE quay.userpromptkind IS 'Enumeration: questions that a user is asked at the next sign-in. Names are indexed, not unique.';
COMMENT ON COLUMN quay.userpromptkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.userpromptkind.name IS 'Seeded: confirm_username, enter_name, enter_company.';

COMMENT ON TABLE quay.visibility IS 'Enumeration: who may pull from a repository without a grant.';
COMMENT ON COLUMN quay.visibility.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.visibility.name IS 'Unique. Seeded: public (everybody, anonymous clients too), private.';
-- Namespaces and identities

COMMENT ON TABLE quay."user" IS 'Accounts of all three kinds: people, organizations and robots. People and organizations are the namespaces that own repositories.';
COMMENT ON COLUMN quay."user".id IS 'Primary key. A robot''s id also stands in its federated login, as robot:<id>.';
COMMENT ON COLUMN quay."user".uuid IS 'Session identity (UUID v4): signed sessions name it, and a new value ends them all. Indexed, not unique. NULL only in old rows.';
COMMENT ON COLUMN quay."user".username IS 'Unique login and namespace name; robots are <namespace>+<short name>. A random UUID while the namespace is being deleted.';
COMMENT ON COLUMN quay."user".password_hash IS 'Secret at rest: bcrypt, cost 12, $2b$, of the first 72 bytes. NULL: no password (robots, organizations, external logins).';
COMMENT ON COLUMN quay."user".email IS 'Mail address, compared with case; unique among people and robots only. Robots, and accounts without one, hold a random placeholder.';
COMMENT ON COLUMN quay."user".verified IS 'The mail address was confirmed. Needed to sign in to a session, not to use a password at the registry API.';
COMMENT ON COLUMN quay."user".stripe_id IS 'Customer id at the billing provider. NULL: not a paying customer.';
COMMENT ON COLUMN quay."user".organization IS 'True: an organization, which has teams and never signs in. Exclusive with robot.';
COMMENT ON COLUMN quay."user".robot IS 'True: a robot, owned by the namespace before the + in its name. Exclusive with organization.';
COMMENT ON COLUMN quay."user".invoice_email IS 'Send invoices by mail, to invoice_email_address if that is set.';
COMMENT ON COLUMN quay."user".invalid_login_attempts IS 'Failed passwords n since the last success; the next attempt is refused for 0.5 * (2^n - 1) seconds. authenticate() keeps it.';
COMMENT ON COLUMN quay."user".last_invalid_login IS 'UTC time of the last failed password, start of the lock-out above. Creation time if there was none.';
COMMENT ON COLUMN quay."user".removed_tag_expiration_s IS 'Time machine window of the namespace in seconds: dead tags can be restored that long, then gc_run() collects them.';
COMMENT ON COLUMN quay."user".enabled IS 'False: barred from signing in, robots of the namespace included. Deletion of a namespace starts by clearing it.';
COMMENT ON COLUMN quay."user".invoice_email_address IS 'Where invoices go instead of email. NULL: to email.';
COMMENT ON COLUMN quay."user".company IS 'Employer as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".family_name IS 'Family name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".given_name IS 'Given name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".location IS 'Place as the user states it, free text. NULL: not stated.';
COMMENT ON COLUMN quay."user".maximum_queued_builds_count IS 'Most builds of the namespace that may wait or run at one time. NULL: no limit.';
COMMENT ON COLUMN quay."user".creation_date IS 'UTC time of creation. NULL: before this was recorded.';
COMMENT ON COLUMN quay."user".last_accessed IS 'UTC time of the last use of a credential, written at most once per threshold. NULL: never, or before this was recorded.';

COMMENT ON TABLE quay.superuser IS 'Who administers the registry as a whole, by name. access_check() looks here only after every other rule said no.';
COMMENT ON COLUMN quay.superuser.username IS 'Primary key. Exact, case-sensitive username; an account of that name need not exist yet.';
COMMENT ON COLUMN quay.superuser.kind IS 'superuser (administers accounts; all repositories too under full access) or readonly (sees everything, changes nothing).';

COMMENT ON TABLE quay.federatedlogin IS 'Links of an account to an identity at a login service. Every robot has exactly one, to service quayrobot.';
COMMENT ON COLUMN quay.federatedlogin.id IS 'Primary key.';
COMMENT ON COLUMN quay.federatedlogin.user_id IS 'Account that the outside identity signs in to; at most one link per service.';
COMMENT ON COLUMN quay.federatedlogin.service_id IS 'Login service that vouches for the identity.';
COMMENT ON COLUMN quay.federatedlogin.service_ident IS 'Subject at the service, unique there. Robots: robot:<user id>, rewritten when the token is regenerated.';
COMMENT ON COLUMN quay.federatedlogin.metadata_json IS 'JSON object: service_username of people; federation_config of robots, an array of {issuer, subject, audiences}.';

COMMENT ON TABLE quay.deletednamespace IS 'Markers of namespaces on their way out: the row in "user" is disabled and renamed, a queue item will purge it.';
COMMENT ON COLUMN quay.deletednamespace.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletednamespace.namespace_id IS 'Account being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletednamespace.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletednamespace.original_username IS 'Name before deletion. Nobody can take it until the purge is done.';
COMMENT ON COLUMN quay.deletednamespace.original_email IS 'Mail address before deletion.';
COMMENT ON COLUMN quay.deletednamespace.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.emailconfirmation IS 'Codes that were mailed to confirm an address, change it, or reset a password. A row goes when its code is used.';
COMMENT ON COLUMN quay.emailconfirmation.id IS 'Primary key.';
COMMENT ON COLUMN quay.emailconfirmation.code IS 'Public part of the mailed code, 16 random characters, in clear; the mail holds base64 of code:private part.';
COMMENT ON COLUMN quay.emailconfirmation.user_id IS 'Account the mail was sent to.';
COMMENT ON COLUMN quay.emailconfirmation.pw_reset IS 'True: the code allows a new password, for a limited time (30 minutes in the reference).';
COMMENT ON COLUMN quay.emailconfirmation.new_email IS 'Address that takes effect on confirmation. NULL: confirms the present one.';
COMMENT ON COLUMN quay.emailconfirmation.email_confirm IS 'True: the code confirms an address. The reference lets such codes live for ever.';
COMMENT ON COLUMN quay.emailconfirmation.created IS 'UTC time of sending; the lifetime of a reset code counts from here.';
COMMENT ON COLUMN quay.emailconfirmation.verification_code IS 'Secret at rest: bcrypt hash of the private part. NULL: legacy row without private part.';

COMMENT ON TABLE quay.userprompt IS 'Questions still open for a user, removed once answered.';
COMMENT ON COLUMN quay.userprompt.id IS 'Primary key.';
COMMENT ON COLUMN quay.userprompt.user_id IS 'User who will be asked.';
COMMENT ON COLUMN quay.userprompt.kind_id IS 'What will be asked; at most once per user.';

COMMENT ON TABLE quay.userregion IS 'Storage locations to which blobs pushed into a namespace are replicated beside the default ones. Pairs are not unique by constraint.';
COMMENT ON COLUMN quay.userregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.userregion.user_id IS 'Namespace whose blobs are replicated.';
COMMENT ON COLUMN quay.userregion.location_id IS 'Additional location that should hold a copy.';

COMMENT ON TABLE quay.robotaccountmetadata IS 'What the owner notes about a robot; one row per robot at most, missing means empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccountmetadata.robot_account_id IS 'Robot described.';
COMMENT ON COLUMN quay.robotaccountmetadata.description IS 'Free text for people, at most 255 characters, may be empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.unstructured_json IS 'JSON object for the owner''s own use, never interpreted.';

COMMENT ON TABLE quay.robotaccounttoken IS 'Passwords of robots; one row per robot. They can be read back, so they are encrypted, not hashed.';
COMMENT ON COLUMN quay.robotaccounttoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccounttoken.robot_account_id IS 'Robot that signs in with it.';
COMMENT ON COLUMN quay.robotaccounttoken.token IS 'Secret, encrypted (v0$$...): 64 characters A-Z0-9. Encryption is randomized: never search by this column.';
COMMENT ON COLUMN quay.robotaccounttoken.fully_migrated IS 'Legacy: the token was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.organizationcontactemail IS 'Unused. Once the contact addresses of organizations, which are back in "user".email; kept for the reference application.';
COMMENT ON COLUMN quay.organizationcontactemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationcontactemail.organization_id IS 'Organization contacted; at most one row each.';
COMMENT ON COLUMN quay.organizationcontactemail.contact_email IS 'Address. NULL: none.';

COMMENT ON TABLE quay.redhatsubscriptions IS 'Customer accounts at Red Hat to which a user''s subscriptions belong. Only the hosted service fills it.';
COMMENT ON COLUMN quay.redhatsubscriptions.id IS 'Primary key.';
COMMENT ON COLUMN quay.redhatsubscriptions.user_id IS 'User who owns the subscriptions; several rows are possible.';
COMMENT ON COLUMN quay.redhatsubscriptions.account_number IS 'Customer number at Red Hat. Not unique by constraint.';

COMMENT ON TABLE quay.organizationrhskus IS 'Red Hat subscriptions that pay for an organization''s private repositories. Only the hosted service fills it.';
COMMENT ON COLUMN quay.organizationrhskus.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationrhskus.subscription_id IS 'Number of the subscription in the vendor''s system, no row here. Unique per organization.';
COMMENT ON COLUMN quay.organizationrhskus.org_id IS 'Organization that benefits.';
COMMENT ON COLUMN quay.organizationrhskus.user_id IS 'User who bound it; a binding ends when that user leaves a team of the organization.';
COMMENT ON COLUMN quay.organizationrhskus.quantity IS 'How many units of the subscription are bound, 1 unless stated. NULL: not recorded.';
-- Teams

COMMENT ON TABLE quay.team IS 'Groups of people and robots in an organization. A new organization starts with team owners, role admin.';
COMMENT ON COLUMN quay.team.id IS 'Primary key.';
COMMENT ON COLUMN quay.team.name IS 'Unique within the organization; same alphabet as usernames.';
COMMENT ON COLUMN quay.team.organization_id IS 'Organization the team belongs to.';
COMMENT ON COLUMN quay.team.role_id IS 'What members may do in the organization; rights on repositories are in repositorypermission.';
COMMENT ON COLUMN quay.team.description IS 'Free text (Markdown in the front end), may be empty.';

COMMENT ON TABLE quay.teammember IS 'Who is in which team. Robots may join teams of their own organization.';
COMMENT ON COLUMN quay.teammember.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammember.user_id IS 'Member, a person or a robot, never an organization.';
COMMENT ON COLUMN quay.teammember.team_id IS 'Team joined; a member is in it once.';

COMMENT ON TABLE quay.teammemberinvite IS 'Invitations to a team that nobody answered yet. Exactly one of user_id and email is meant to be set.';
COMMENT ON COLUMN quay.teammemberinvite.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammemberinvite.user_id IS 'Invited account. NULL: invited by mail address.';
COMMENT ON COLUMN quay.teammemberinvite.email IS 'Invited address; any account that has confirmed it may accept. NULL: a known account was invited.';
COMMENT ON COLUMN quay.teammemberinvite.team_id IS 'Team to join.';
COMMENT ON COLUMN quay.teammemberinvite.inviter_id IS 'Who sent the invitation.';
COMMENT ON COLUMN quay.teammemberinvite.invite_token IS 'Secret in clear, urn:teaminvite:<UUID>: whoever is the addressee and shows it joins the team.';

COMMENT ON TABLE quay.teamsync IS 'Teams whose people follow a group of an external directory. Members are then changed only by the synchronization, robots excepted.';
COMMENT ON COLUMN quay.teamsync.id IS 'Primary key.';
COMMENT ON COLUMN quay.teamsync.team_id IS 'Team kept in step; at most one source each.';
COMMENT ON COLUMN quay.teamsync.transaction_id IS 'Random UUID, new at every run; compare-and-set on it decides which worker may remove members. Empty: never ran.';
COMMENT ON COLUMN quay.teamsync.last_updated IS 'UTC time of the last run. NULL: never ran, so due at once.';
COMMENT ON COLUMN quay.teamsync.service_id IS 'Directory that holds the group: ldap, keystone or oidc.';
COMMENT ON COLUMN quay.teamsync.config IS 'Which group, encoded as JSON twice: a JSON string that holds an object such as {"group_dn": ...} or {"group_name": ...}.';
-- Repositories and grants

COMMENT ON TABLE quay.repository IS 'Repositories. Their names are unique per namespace; everything pushed hangs below one of them.';
COMMENT ON COLUMN quay.repository.id IS 'Primary key; leads the keys of all content tables.';
COMMENT ON COLUMN quay.repository.namespace_user_id IS 'Namespace that owns the repository, a person or an organization. NULL: orphan that no path names.';
COMMENT ON COLUMN quay.repository.name IS 'Path below the namespace, may contain /. A random UUID while the repository is being deleted.';
COMMENT ON COLUMN quay.repository.visibility_id IS 'Whether everybody may pull.';
COMMENT ON COLUMN quay.repository.description IS 'Free text in Markdown, searched along with the name. NULL: none.';
COMMENT ON COLUMN quay.repository.badge_token IS 'Random UUID in clear; a build status badge of a private repository is served to those who know it.';
COMMENT ON COLUMN quay.repository.kind_id IS 'image, or application for leftovers of the retired application registry.';
COMMENT ON COLUMN quay.repository.trust_enabled IS 'Content trust (Docker Notary) was switched on. Stored and shown; nothing here signs or checks.';
COMMENT ON COLUMN quay.repository.state IS '0 normal, 1 read-only, 2 mirror, 3 marked for deletion (invisible), 4 member of an organization mirror. 2 and 4: only the mirror''s robot pushes.';

COMMENT ON TABLE quay.deletedrepository IS 'Markers of repositories on their way out: renamed, in state 3, a queue item will purge them.';
COMMENT ON COLUMN quay.deletedrepository.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletedrepository.repository_id IS 'Repository being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletedrepository.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletedrepository.original_name IS 'Name before deletion, free for a new repository at once.';
COMMENT ON COLUMN quay.deletedrepository.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.repositorypermission IS 'Grants on a repository, to a team or to an account. The owning person and admin teams of the organization need none.';
COMMENT ON COLUMN quay.repositorypermission.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorypermission.team_id IS 'Team that is granted the role. NULL: the grant is to user_id.';
COMMENT ON COLUMN quay.repositorypermission.user_id IS 'Person or robot that is granted the role. NULL: the grant is to team_id.';
COMMENT ON COLUMN quay.repositorypermission.repository_id IS 'Repository opened up; at most one row per grantee.';
COMMENT ON COLUMN quay.repositorypermission.role_id IS 'admin, write or read. access_check() takes the highest of all grants that apply.';

COMMENT ON TABLE quay.permissionprototype IS 'Default permissions of an organization: grants that repository_create() copies to a new repository.';
COMMENT ON COLUMN quay.permissionprototype.id IS 'Primary key.';
COMMENT ON COLUMN quay.permissionprototype.org_id IS 'Organization in whose new repositories the grant is made.';
COMMENT ON COLUMN quay.permissionprototype.uuid IS 'Public handle (UUID v4) in the API. Indexed, not unique.';
COMMENT ON COLUMN quay.permissionprototype.activating_user_id IS 'Applies only to repositories created by this user, and then goes before general ones. NULL: whoever creates.';
COMMENT ON COLUMN quay.permissionprototype.delegate_user_id IS 'Person or robot that gets the role. NULL: a team does.';
COMMENT ON COLUMN quay.permissionprototype.delegate_team_id IS 'Team that gets the role. NULL: an account does.';
COMMENT ON COLUMN quay.permissionprototype.role_id IS 'Role granted: admin, write or read.';

COMMENT ON TABLE quay.star IS 'Repositories that users marked as favourites. Deleting a repository removes its stars at once.';
COMMENT ON COLUMN quay.star.id IS 'Primary key.';
COMMENT ON COLUMN quay.star.user_id IS 'User whose list shows the repository.';
COMMENT ON COLUMN quay.star.repository_id IS 'Repository starred; once per user.';
COMMENT ON COLUMN quay.star.created IS 'UTC time of starring.';

COMMENT ON TABLE quay.repositoryauthorizedemail IS 'Mail addresses that agreed to get notifications of a repository; others are refused as targets.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.repository_id IS 'Repository that may send mail.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.email IS 'Address; once per repository.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.code IS 'Secret in clear, 16 random characters, mailed to the address to confirm it. Unique.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.confirmed IS 'True: the code came back and mail may be sent.';

COMMENT ON TABLE quay.repositoryactioncount IS 'Audit log entries per repository and day, the raw material of the search score. Rows older than a year are pruned.';
COMMENT ON COLUMN quay.repositoryactioncount.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryactioncount.repository_id IS 'Repository counted.';
COMMENT ON COLUMN quay.repositoryactioncount.count IS 'Number of log entries that day.';
COMMENT ON COLUMN quay.repositoryactioncount.date IS 'UTC day; once per repository.';

COMMENT ON TABLE quay.repositorysearchscore IS 'Popularity of repositories, recomputed nightly; orders search results.';
COMMENT ON COLUMN quay.repositorysearchscore.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorysearchscore.repository_id IS 'Repository scored; one row each.';
COMMENT ON COLUMN quay.repositorysearchscore.score IS '100 times the weighted sum of mean daily actions aged up to 1, 7, 31 and 183 days, rounded down. 0: none.';
COMMENT ON COLUMN quay.repositorysearchscore.last_updated IS 'UTC time of the computation. NULL: never computed.';
-- Credentials

COMMENT ON TABLE quay.accesstoken IS 'Legacy tokens for one repository (user $token), now made for builds. authenticate() takes name followed by code.';
COMMENT ON COLUMN quay.accesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.accesstoken.friendly_name IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.accesstoken.repository_id IS 'The only repository the token opens.';
COMMENT ON COLUMN quay.accesstoken.created IS 'UTC time of creation. Tokens never expire by time.';
COMMENT ON COLUMN quay.accesstoken.role_id IS 'Role on that repository: admin, write or read.';
COMMENT ON COLUMN quay.accesstoken.temporary IS 'True: made for one build, may be removed later. False: delegate token, lives until deleted.';
COMMENT ON COLUMN quay.accesstoken.kind_id IS 'Purpose. NULL: not stated.';
COMMENT ON COLUMN quay.accesstoken.token_code IS 'Secret, encrypted (v0$$...): second half of the token, 32 characters A-Z0-9.';
COMMENT ON COLUMN quay.accesstoken.token_name IS 'First half of the token, 32 characters in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthapplication IS 'OAuth 2 applications that organizations register. A bootstrap application may belong to a person.';
COMMENT ON COLUMN quay.oauthapplication.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthapplication.client_id IS 'Public OAuth client id, 20 random characters unless given. Indexed, not unique.';
COMMENT ON COLUMN quay.oauthapplication.redirect_uri IS 'Where tokens and codes may be sent; empty: nowhere but the registry''s own page.';
COMMENT ON COLUMN quay.oauthapplication.application_uri IS 'Home page shown on the consent page, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.organization_id IS 'Namespace whose admins manage the application.';
COMMENT ON COLUMN quay.oauthapplication.name IS 'Shown on the consent page. __quay_bootstrap_app is reserved.';
COMMENT ON COLUMN quay.oauthapplication.description IS 'Free text, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.gravatar_email IS 'Address whose avatar is shown. NULL: none.';
COMMENT ON COLUMN quay.oauthapplication.secure_client_secret IS 'Secret, encrypted (v0$$...): OAuth client secret, 40 characters. NULL: none, so the code flow is closed.';
COMMENT ON COLUMN quay.oauthapplication.fully_migrated IS 'Legacy: the client secret was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.oauthauthorizationcode IS 'Authorization codes that wait to be exchanged for a token. Used once, then deleted; there is no expiry column.';
COMMENT ON COLUMN quay.oauthauthorizationcode.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthauthorizationcode.application_id IS 'Application the code was issued to.';
COMMENT ON COLUMN quay.oauthauthorizationcode.scope IS 'Scopes granted, space-separated; the exchange must present the same text.';
COMMENT ON COLUMN quay.oauthauthorizationcode.data IS 'JSON object with the username who consented.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_credential IS 'Secret at rest: bcrypt hash of the code after its first 20 characters.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_name IS 'First 20 characters of the code in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthaccesstoken IS 'OAuth bearer tokens (user $oauthtoken at the registry API), each acting for one user within its scopes.';
COMMENT ON COLUMN quay.oauthaccesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthaccesstoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Indexed, not unique.';
COMMENT ON COLUMN quay.oauthaccesstoken.application_id IS 'Application that holds the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.authorized_user_id IS 'User on whose behalf the token acts.';
COMMENT ON COLUMN quay.oauthaccesstoken.scope IS 'Scopes granted, space-separated, such as repo:read user:admin. One unknown piece voids all of them.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_type IS 'Bearer, or token for API tokens minted in the user interface.';
COMMENT ON COLUMN quay.oauthaccesstoken.expires_at IS 'UTC time from which authenticate() refuses the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.data IS 'JSON object with the username; bootstrap tokens also carry kind, owner and application_name. Empty possible.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_code IS 'Secret at rest: bcrypt hash of the token after its first 20 characters.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_name IS 'First 20 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthaccesstoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.oauthaccesstoken.created IS 'UTC time of issue. NULL: before this was recorded.';
COMMENT ON COLUMN quay.oauthaccesstoken.display_name IS 'Label the user gave, 1 to 255 characters, not unique. NULL: none.';

COMMENT ON TABLE quay.oauthassignedtoken IS 'OAuth tokens that an organization admin offers to another user, who has not yet fetched them; consumed on approval.';
COMMENT ON COLUMN quay.oauthassignedtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthassignedtoken.uuid IS 'Public handle (UUID v4), unique, named in the link the user follows.';
COMMENT ON COLUMN quay.oauthassignedtoken.assigned_user_id IS 'User who may approve and then holds the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.application_id IS 'Application that will hold the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.redirect_uri IS 'Where the token goes. NULL: the application''s own.';
COMMENT ON COLUMN quay.oauthassignedtoken.scope IS 'Scopes offered, space-separated.';
COMMENT ON COLUMN quay.oauthassignedtoken.response_type IS 'OAuth response type, token. NULL: token.';

COMMENT ON TABLE quay.appspecificauthtoken IS 'Application passwords (user $app) that a user makes for clients such as docker; each has all the user''s rights.';
COMMENT ON COLUMN quay.appspecificauthtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.appspecificauthtoken.user_id IS 'User the token signs in as.';
COMMENT ON COLUMN quay.appspecificauthtoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Indexed, not unique.';
COMMENT ON COLUMN quay.appspecificauthtoken.title IS 'Label for people.';
COMMENT ON COLUMN quay.appspecificauthtoken.created IS 'UTC time of creation.';
COMMENT ON COLUMN quay.appspecificauthtoken.expiration IS 'UTC time from which the token is refused; removed some time later. NULL: never expires.';
COMMENT ON COLUMN quay.appspecificauthtoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_name IS 'First 60 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_secret IS 'Secret, encrypted (v0$$...): the remaining 60 characters, A-Z0-9.';

COMMENT ON TABLE quay.servicekeyapproval IS 'Approvals of service keys. A rotated key inherits the approval of its predecessor.';
COMMENT ON COLUMN quay.servicekeyapproval.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekeyapproval.approver_id IS 'Superuser who approved, "user".id without foreign key. NULL: approved automatically, or the account is gone.';
COMMENT ON COLUMN quay.servicekeyapproval.approval_type IS 'Literally ServiceKeyApprovalType.SUPERUSER, .KEY_ROTATION or .AUTOMATIC, prefix included.';
COMMENT ON COLUMN quay.servicekeyapproval.approved_date IS 'UTC time of approval.';
COMMENT ON COLUMN quay.servicekeyapproval.notes IS 'Free text of the approver, may be empty.';

COMMENT ON TABLE quay.servicekey IS 'Public keys with which services sign tokens that the registry accepts. Private keys are never stored.';
COMMENT ON COLUMN quay.servicekey.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekey.name IS 'Label for people, may be empty.';
COMMENT ON COLUMN quay.servicekey.kid IS 'Key id in the header of signed tokens, unique; an RFC 7638 thumbprint unless given.';
COMMENT ON COLUMN quay.servicekey.service IS 'Service that signs with the key, [a-z0-9_]+; the registry''s own instances use quay.';
COMMENT ON COLUMN quay.servicekey.jwk IS 'Public key as a JSON Web Key, JSON object. Not secret.';
COMMENT ON COLUMN quay.servicekey.metadata IS 'JSON object of the service''s own remarks; merged on rotation.';
COMMENT ON COLUMN quay.servicekey.created_date IS 'UTC time of creation; keys left unapproved for a day are removed.';
COMMENT ON COLUMN quay.servicekey.expiration_date IS 'UTC time from which signatures are refused; the row stays about a week longer. NULL: never expires.';
COMMENT ON COLUMN quay.servicekey.rotation_duration IS 'Seconds between rotations as announced by the service. Nothing acts on it. NULL: not announced.';
COMMENT ON COLUMN quay.servicekey.approval_id IS 'Approval that makes the key valid. NULL: still waiting, signatures are refused.';

-- @part step api/920_comment_operation.sql
-- What the tables of versions, builds, notifications, queue, audit logs and the retired application registry hold (schema/000, 110
-- to 150): text for \d+ and for doc/. `timestamp` columns hold UTC.

-- The record of versions

COMMENT ON TABLE quay_internal.schema_version IS 'Which version of the extension the rows of this database belong to. Two rows: data of one version restored into the schema of another.';
COMMENT ON COLUMN quay_internal.schema_version.version IS 'Primary key. Extension version, as in pg_extension.extversion.';
COMMENT ON COLUMN quay_internal.schema_version.installed_at IS 'UTC time when the install or update script of that version ran.';

COMMENT ON TABLE quay.alembic_version IS 'Revision of the reference application''s own migrations that these tables match; it reads this at start-up. One row.';
COMMENT ON COLUMN quay.alembic_version.version_num IS 'Primary key. Alembic revision, such as 9fa37f66a9b6.';
-- Builds

COMMENT ON TABLE quay.repositorybuildtrigger IS 'Hooks at a source hosting service that start builds of a repository. Too many failures in a row switch one off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuildtrigger.uuid IS 'Public handle (UUID v4), part of the webhook URL. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuildtrigger.service_id IS 'Hosting service that calls.';
COMMENT ON COLUMN quay.repositorybuildtrigger.repository_id IS 'Repository the builds push to.';
COMMENT ON COLUMN quay.repositorybuildtrigger.connected_user_id IS 'User who set it up and whose authorization at the service is used.';
COMMENT ON COLUMN quay.repositorybuildtrigger.config IS 'JSON object, its shape depends on the service: build_source, dockerfile_path, context and the like; {} while incomplete.';
COMMENT ON COLUMN quay.repositorybuildtrigger.write_token_id IS 'Access token of the webhook. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_reason_id IS 'Why it was switched off last. The reference leaves it when it is switched on again. NULL: never switched off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.enabled IS 'False: builds through it are refused, also by hand.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_failure_count IS 'Builds failed in a row; 100 switch the trigger off (reference default). Success resets it.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_internal_error_count IS 'Builds in a row ended by an error of the builder; 5 switch the trigger off (reference default).';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_datetime IS 'UTC time of the last switching off; set at creation too, so meaningful only while enabled is false. NULL: never.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_auth_token IS 'Secret, encrypted (v0$$...): the user''s token at the service. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_private_key IS 'Secret, encrypted (v0$$...): deploy key in PEM with which the source is fetched. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.fully_migrated IS 'Legacy: the secrets were moved from plain text to the encrypted columns. Nothing reads it.';

COMMENT ON TABLE quay.repositorybuild IS 'Builds, one row each. Progress and log lines are in the build log; the job itself is a queue item.';
COMMENT ON COLUMN quay.repositorybuild.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuild.uuid IS 'Public handle (UUID v4) and key of the archived log. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuild.repository_id IS 'Repository the result is pushed to.';
COMMENT ON COLUMN quay.repositorybuild.access_token_id IS 'Token with which the builder pushes.';
COMMENT ON COLUMN quay.repositorybuild.resource_key IS 'Id of the uploaded Dockerfile or archive in object storage. NULL: the source comes from a trigger.';
COMMENT ON COLUMN quay.repositorybuild.job_config IS 'JSON object: docker_tags, build_subdir, context, trigger_metadata and the like.';
COMMENT ON COLUMN quay.repositorybuild.phase IS 'waiting, build-scheduled, unpacking, pulling, building, pushing; final: complete, error, internalerror, cancelled.';
COMMENT ON COLUMN quay.repositorybuild.started IS 'UTC time when the build was requested.';
COMMENT ON COLUMN quay.repositorybuild.display_name IS 'Shown to people, such as a short commit id.';
COMMENT ON COLUMN quay.repositorybuild.trigger_id IS 'Trigger that started it. NULL: started by hand.';
COMMENT ON COLUMN quay.repositorybuild.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuild.logs_archived IS 'True: the log was moved to object storage. Set once; whoever sets it cleans up.';
COMMENT ON COLUMN quay.repositorybuild.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued.';
-- Notifications

COMMENT ON TABLE quay.notification IS 'Notices shown to a user in the application until dismissed. Admins of an organization see those of the organization.';
COMMENT ON COLUMN quay.notification.id IS 'Primary key.';
COMMENT ON COLUMN quay.notification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.notification.kind_id IS 'What the notice is about.';
COMMENT ON COLUMN quay.notification.target_id IS 'Account that is notified: person, organization or robot.';
COMMENT ON COLUMN quay.notification.metadata_json IS 'JSON object with the details that the kind needs, {} for none.';
COMMENT ON COLUMN quay.notification.created IS 'UTC time of the notice.';
COMMENT ON COLUMN quay.notification.dismissed IS 'True: the user closed it; hidden from lists, can be reopened.';
COMMENT ON COLUMN quay.notification.lookup_path IS 'Path by which a group of notices is removed together, such as /service_key_approval/<kid>/<id>. NULL: none.';

COMMENT ON TABLE quay.repositorynotification IS 'Subscriptions: which event of a repository is delivered where. Three failed deliveries in a row disable one.';
COMMENT ON COLUMN quay.repositorynotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorynotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.repositorynotification.repository_id IS 'Repository watched.';
COMMENT ON COLUMN quay.repositorynotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.repositorynotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.repositorynotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.repositorynotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.repositorynotification.event_config_json IS 'JSON object: filter on the event, such as a lowest severity, a ref-regex or days before expiry; {} for none.';
COMMENT ON COLUMN quay.repositorynotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.repositorynotification.last_ran_ms IS 'Last image expiry scan, ms since epoch UTC; claim of that scan. NULL: never, so first.';

COMMENT ON TABLE quay.namespacenotification IS 'Subscriptions: which event of a namespace, such as quota_warning, is delivered where. Three failures in a row disable one.';
COMMENT ON COLUMN quay.namespacenotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespacenotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.namespacenotification.namespace_id IS 'Namespace watched.';
COMMENT ON COLUMN quay.namespacenotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.namespacenotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.namespacenotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.namespacenotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.namespacenotification.event_config_json IS 'JSON object: filter on the event, {} for none.';
COMMENT ON COLUMN quay.namespacenotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.namespacenotification.last_ran_ms IS 'Same shape as in repositorynotification; no namespace event is scanned for. ms since epoch UTC. NULL: never.';

COMMENT ON TABLE quay.tagnotificationsuccess IS 'Tags whose coming expiry was already announced. Cleared when the end of the tag changes or the tag goes.';
COMMENT ON COLUMN quay.tagnotificationsuccess.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagnotificationsuccess.notification_id IS 'Subscription that was served.';
COMMENT ON COLUMN quay.tagnotificationsuccess.tag_id IS 'Tag row that was announced.';
COMMENT ON COLUMN quay.tagnotificationsuccess.method_id IS 'Channel used.';

COMMENT ON TABLE quay.messages IS 'Messages to everybody who uses the front end, such as announced downtimes. Superusers write them.';
COMMENT ON COLUMN quay.messages.id IS 'Primary key.';
COMMENT ON COLUMN quay.messages.content IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.messages.uuid IS 'Public handle (UUID v4) for deletion. Indexed, not unique. Empty only in old rows.';
COMMENT ON COLUMN quay.messages.media_type_id IS 'How to show the text: text/plain or text/markdown.';
COMMENT ON COLUMN quay.messages.severity IS 'info, warning or error.';
-- Queue and releases

COMMENT ON TABLE quay.queueitem IS 'Work queue: jobs that workers claim, extend and complete, queue_put(), queue_get(), queue_extend(), queue_complete().';
COMMENT ON COLUMN quay.queueitem.id IS 'Primary key; stored as text in the queue_id columns elsewhere.';
COMMENT ON COLUMN quay.queueitem.queue_name IS 'Queue and path joined and ended by /, such as repositorygc/acme/17/. An ordered queue_get() runs one item per path at a time.';
COMMENT ON COLUMN quay.queueitem.body IS 'The job, JSON by convention. Confidential: build jobs may carry a robot''s token in clear.';
COMMENT ON COLUMN quay.queueitem.available_after IS 'UTC time before which the item is not handed out.';
COMMENT ON COLUMN quay.queueitem.available IS 'True: free to claim. False: claimed, unless processing_expires has passed.';
COMMENT ON COLUMN quay.queueitem.processing_expires IS 'UTC time when the present or last claim ends. NULL: never claimed.';
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead, kept until cleaned up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new at every change, unique; compare-and-set on it makes claims exclusive.';

COMMENT ON TABLE quay.quayregion IS 'Regions in which services of the registry run. Rows are made on demand.';
COMMENT ON COLUMN quay.quayregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayregion.name IS 'Unique, such as us.';

COMMENT ON TABLE quay.quayservice IS 'Services whose releases are recorded. Rows are made on demand.';
COMMENT ON COLUMN quay.quayservice.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayservice.name IS 'Unique, such as quay.';

COMMENT ON TABLE quay.quayrelease IS 'Releases of a service that ran on this database, per region; the reference''s migration runner looks here for the one before.';
COMMENT ON COLUMN quay.quayrelease.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayrelease.service_id IS 'Service released.';
COMMENT ON COLUMN quay.quayrelease.version IS 'Version of the front end, free text; once per service and region.';
COMMENT ON COLUMN quay.quayrelease.region_id IS 'Region it was deployed in.';
COMMENT ON COLUMN quay.quayrelease.reverted IS 'True: rolled back, left out of the list of releases.';
COMMENT ON COLUMN quay.quayrelease.created IS 'UTC time of deployment; newest first is the order of releases.';
-- Audit logs

COMMENT ON TABLE quay.logentry IS 'Audit log, first generation: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry2 IS 'Audit log, second generation, once used by the hosted service: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry2.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry2.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry2.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry2.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry2.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry2.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry2.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry2.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3 IS 'Audit log, the generation that log_write() fills, partitioned by month; old months are dropped or exported, not deleted.';
COMMENT ON COLUMN quay.logentry3.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3.datetime IS 'UTC time of the action; chooses the partition, so second part of the primary key.';
COMMENT ON COLUMN quay.logentry3.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3_default IS 'Default partition of logentry3: entries of months that have no partition. log_partition_ensure() moves them out.';
COMMENT ON COLUMN quay.logentry3_default.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3_default.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3_default.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3_default.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3_default.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3_default.datetime IS 'UTC time of the action, in a month without partition.';
COMMENT ON COLUMN quay.logentry3_default.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3_default.metadata_json IS 'JSON object with the details of the action, {} for none.';
-- The retired application registry

COMMENT ON TABLE quay.apprtagkind IS 'Retired application registry, enumeration: kinds of its tags. No live reader or writer.';
COMMENT ON COLUMN quay.apprtagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtagkind.name IS 'Unique. Seeded: tag, release, channel.';

COMMENT ON TABLE quay.apprblobplacementlocation IS 'Retired application registry, enumeration: storage engines of its blobs. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacementlocation.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacementlocation.name IS 'Unique. Seeded: local_eu, local_us.';

COMMENT ON TABLE quay.apprblob IS 'Retired application registry: package archives. No live reader or writer.';
COMMENT ON COLUMN quay.apprblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblob.digest IS 'Digest of the archive, unique across the registry.';
COMMENT ON COLUMN quay.apprblob.media_type_id IS 'Media type of the archive, application/vnd.cnr.*.';
COMMENT ON COLUMN quay.apprblob.size IS 'Bytes as stored.';
COMMENT ON COLUMN quay.apprblob.uncompressed_size IS 'Bytes after decompression. NULL: unknown.';

COMMENT ON TABLE quay.apprblobplacement IS 'Retired application registry: where the bytes of an archive are. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacement.blob_id IS 'Archive whose bytes are there.';
COMMENT ON COLUMN quay.apprblobplacement.location_id IS 'Storage engine that holds a copy; once per archive.';

COMMENT ON TABLE quay.apprmanifest IS 'Retired application registry: manifests of packages. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifest.digest IS 'Digest of the manifest, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifest.media_type_id IS 'Kind of package, such as Helm or kpm.';
COMMENT ON COLUMN quay.apprmanifest.manifest_json IS 'The manifest, JSON object.';

COMMENT ON TABLE quay.apprmanifestblob IS 'Retired application registry: which archives a manifest uses. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestblob.manifest_id IS 'Manifest that uses the archive.';
COMMENT ON COLUMN quay.apprmanifestblob.blob_id IS 'Archive used; once per manifest.';

COMMENT ON TABLE quay.apprmanifestlist IS 'Retired application registry: one version of an application in all its package formats. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlist.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlist.digest IS 'Digest of the list, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifestlist.manifest_list_json IS 'The list, JSON.';
COMMENT ON COLUMN quay.apprmanifestlist.schema_version IS 'Version of the format of the list.';
COMMENT ON COLUMN quay.apprmanifestlist.media_type_id IS 'Media type of the list.';

COMMENT ON TABLE quay.apprmanifestlistmanifest IS 'Retired application registry: which manifests a list contains. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_list_id IS 'List, the parent.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_id IS 'Manifest listed, the child.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.operating_system IS 'Operating system it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.architecture IS 'Processor architecture it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.platform_json IS 'JSON object with the full platform. NULL: none.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.media_type_id IS 'Package format by which the manifest is chosen from the list.';

COMMENT ON TABLE quay.apprtag IS 'Retired application registry: releases and channels over time, one row per period. No live reader or writer.';
COMMENT ON COLUMN quay.apprtag.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtag.name IS 'Release (a version) or channel name.';
COMMENT ON COLUMN quay.apprtag.repository_id IS 'Repository of kind application.';
COMMENT ON COLUMN quay.apprtag.manifest_list_id IS 'Version pointed to. NULL: a channel, which points to a release through linked_tag_id.';
COMMENT ON COLUMN quay.apprtag.lifetime_start IS 'Start of the period, ms since epoch UTC.';
COMMENT ON COLUMN quay.apprtag.lifetime_end IS 'End of the period, ms since epoch UTC. NULL: current.';
COMMENT ON COLUMN quay.apprtag.hidden IS 'Left out of lists.';
COMMENT ON COLUMN quay.apprtag.reverted IS 'The row came from restoring an earlier state.';
COMMENT ON COLUMN quay.apprtag.protected IS 'Guarded against removal.';
COMMENT ON COLUMN quay.apprtag.tag_kind_id IS 'release, channel or tag.';
COMMENT ON COLUMN quay.apprtag.linked_tag_id IS 'Release that a channel points to. NULL: not a channel.';

COMMENT ON TABLE quay_internal.entity_change IS 'Always empty: its invalidation tells every session to forget the users and repositories that it remembers.';

-- @part step api/990_privilege.sql
-- Nothing is for PUBLIC: PostgreSQL lets it execute each new function, and this takes that back. Runs at the end of every script, since
-- every script may bring functions. It must not touch older ones: within a script a REVOKE makes all privileges that an object has at
-- that time its initial ones, and pg_dump would no longer save what the DBA has granted on it. So: only those without initial ones.

DO $revoke$
DECLARE
    functions text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO functions
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND NOT EXISTS (SELECT FROM pg_init_privs AS i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid);
    IF functions IS NOT NULL THEN
        EXECUTE 'REVOKE ALL ON ROUTINE ' || functions || ' FROM PUBLIC';
    END IF;
END
$revoke$;

SELECT quay_internal.version_set('1.0');
