-- Rows of the enumerations. Ids are fixed and at most 1000: user rows start above (their sequences start at 1001), so that
-- a dump, which leaves these rows out, never collides with them. A name never changes its id.

INSERT INTO quay.accesstokenkind (id, name) VALUES
    (1, 'build-worker'),
    (2, 'pushpull-token');

INSERT INTO quay.buildtriggerservice (id, name) VALUES
    (1, 'github'),
    (2, 'gitlab'),
    (3, 'bitbucket'),
    (4, 'custom-git');

INSERT INTO quay.disablereason (id, name) VALUES
    (1, 'user_toggled'),
    (2, 'successive_build_failures'),
    (3, 'successive_build_internal_errors');

INSERT INTO quay.externalnotificationevent (id, name) VALUES
    (1, 'build_failure'),
    (2, 'build_queued'),
    (3, 'build_start'),
    (4, 'build_success'),
    (5, 'repo_push'),
    (6, 'vulnerability_found'),
    (7, 'build_cancelled'),
    (8, 'repo_mirror_sync_started'),
    (9, 'repo_mirror_sync_success'),
    (10, 'repo_mirror_sync_failed'),
    (11, 'repo_image_expiry'),
    (12, 'quota_warning'),
    (13, 'quota_error');

INSERT INTO quay.externalnotificationmethod (id, name) VALUES
    (1, 'email'),
    (2, 'flowdock'),
    (3, 'hipchat'),
    (4, 'quay_notification'),
    (5, 'slack'),
    (6, 'webhook');

INSERT INTO quay.imagestoragelocation (id, name) VALUES
    (1, 's3_us_east_1'),
    (2, 's3_eu_west_1'),
    (3, 's3_ap_southeast_1'),
    (4, 's3_ap_southeast_2'),
    (5, 's3_ap_northeast_1'),
    (6, 's3_sa_east_1'),
    (7, 'local'),
    (8, 's3_us_west_1');

INSERT INTO quay.imagestoragesignaturekind (id, name) VALUES
    (1, 'gpg2');

INSERT INTO quay.imagestoragetransformation (id, name) VALUES
    (1, 'squash'),
    (2, 'aci');

INSERT INTO quay.labelsourcetype (id, name, mutable) VALUES
    (1, 'manifest', false),
    (2, 'api', true),
    (3, 'internal', false);

INSERT INTO quay.logentrykind (id, name) VALUES
    (1, 'account_change_cc'),
    (2, 'account_change_password'),
    (3, 'account_change_plan'),
    (4, 'account_convert'),
    (5, 'add_repo_accesstoken'),
    (6, 'add_repo_notification'),
    (7, 'add_repo_permission'),
    (8, 'add_repo_webhook'),
    (9, 'build_dockerfile'),
    (10, 'change_repo_permission'),
    (11, 'change_repo_visibility'),
    (12, 'create_application'),
    (13, 'create_prototype_permission'),
    (14, 'create_repo'),
    (15, 'create_robot'),
    (16, 'create_tag'),
    (17, 'delete_application'),
    (18, 'delete_prototype_permission'),
    (19, 'delete_repo'),
    (20, 'delete_repo_accesstoken'),
    (21, 'delete_repo_notification'),
    (22, 'delete_repo_permission'),
    (23, 'delete_repo_trigger'),
    (24, 'delete_repo_webhook'),
    (25, 'delete_robot'),
    (26, 'delete_tag'),
    (27, 'manifest_label_add'),
    (28, 'manifest_label_delete'),
    (29, 'modify_prototype_permission'),
    (30, 'move_tag'),
    (31, 'org_add_team_member'),
    (32, 'org_create_team'),
    (33, 'org_delete_team'),
    (34, 'org_delete_team_member_invite'),
    (35, 'org_invite_team_member'),
    (36, 'org_remove_team_member'),
    (37, 'org_set_team_description'),
    (38, 'org_set_team_role'),
    (39, 'org_team_member_invite_accepted'),
    (40, 'org_team_member_invite_declined'),
    (41, 'pull_repo'),
    (42, 'push_repo'),
    (43, 'regenerate_robot_token'),
    (44, 'repo_verb'),
    (45, 'reset_application_client_secret'),
    (46, 'revert_tag'),
    (47, 'service_key_approve'),
    (48, 'service_key_create'),
    (49, 'service_key_delete'),
    (50, 'service_key_extend'),
    (51, 'service_key_modify'),
    (52, 'service_key_rotate'),
    (53, 'setup_repo_trigger'),
    (54, 'set_repo_description'),
    (55, 'take_ownership'),
    (56, 'update_application'),
    (57, 'change_repo_trust'),
    (58, 'reset_repo_notification'),
    (59, 'change_tag_expiration'),
    (60, 'create_app_specific_token'),
    (61, 'revoke_app_specific_token'),
    (62, 'toggle_repo_trigger'),
    (63, 'repo_mirror_enabled'),
    (64, 'repo_mirror_disabled'),
    (65, 'repo_mirror_config_changed'),
    (66, 'repo_mirror_sync_started'),
    (67, 'repo_mirror_sync_failed'),
    (68, 'repo_mirror_sync_success'),
    (69, 'repo_mirror_sync_now_requested'),
    (70, 'repo_mirror_sync_tag_success'),
    (71, 'repo_mirror_sync_tag_failed'),
    (72, 'repo_mirror_sync_test_success'),
    (73, 'repo_mirror_sync_test_failed'),
    (74, 'repo_mirror_sync_test_started'),
    (75, 'change_repo_state'),
    (76, 'create_proxy_cache_config'),
    (77, 'delete_proxy_cache_config'),
    (78, 'start_build_trigger'),
    (79, 'cancel_build'),
    (80, 'org_create'),
    (81, 'org_delete'),
    (82, 'org_change_email'),
    (83, 'org_change_invoicing'),
    (84, 'org_change_tag_expiration'),
    (85, 'org_change_name'),
    (86, 'user_create'),
    (87, 'user_delete'),
    (88, 'user_disable'),
    (89, 'user_enable'),
    (90, 'user_change_email'),
    (91, 'user_change_password'),
    (92, 'user_change_name'),
    (93, 'user_change_invoicing'),
    (94, 'user_change_tag_expiration'),
    (95, 'user_change_metadata'),
    (96, 'user_generate_client_key'),
    (97, 'login_success'),
    (98, 'logout_success'),
    (99, 'permanently_delete_tag'),
    (100, 'autoprune_tag_delete'),
    (101, 'create_namespace_autoprune_policy'),
    (102, 'update_namespace_autoprune_policy'),
    (103, 'delete_namespace_autoprune_policy'),
    (104, 'login_failure'),
    (105, 'push_repo_failed'),
    (106, 'pull_repo_failed'),
    (107, 'delete_tag_failed'),
    (108, 'create_repository_autoprune_policy'),
    (109, 'update_repository_autoprune_policy'),
    (110, 'delete_repository_autoprune_policy'),
    (111, 'enable_team_sync'),
    (112, 'disable_team_sync'),
    (113, 'oauth_token_assigned'),
    (114, 'oauth_token_revoked'),
    (115, 'change_tag_immutability'),
    (116, 'create_robot_federation'),
    (117, 'delete_robot_federation'),
    (118, 'federated_robot_token_exchange'),
    (119, 'export_logs_success'),
    (120, 'export_logs_failure'),
    (121, 'org_create_quota'),
    (122, 'org_change_quota'),
    (123, 'org_delete_quota'),
    (124, 'org_create_quota_limit'),
    (125, 'org_change_quota_limit'),
    (126, 'org_delete_quota_limit'),
    (127, 'org_mirror_enabled'),
    (128, 'org_mirror_disabled'),
    (129, 'org_mirror_config_changed'),
    (130, 'org_mirror_sync_started'),
    (131, 'org_mirror_sync_failed'),
    (132, 'org_mirror_sync_success'),
    (133, 'org_mirror_sync_now_requested'),
    (134, 'org_mirror_sync_cancelled'),
    (135, 'org_mirror_repo_created'),
    (136, 'create_immutability_policy'),
    (137, 'update_immutability_policy'),
    (138, 'delete_immutability_policy'),
    (139, 'org_mirror_repo_creation_failed'),
    (140, 'tag_made_immutable_by_policy'),
    (141, 'tags_made_immutable_by_policy'),
    (142, 'create_oauth_api_token'),
    (143, 'revoke_oauth_api_token'),
    (144, 'create_namespace_notification'),
    (145, 'delete_namespace_notification'),
    (146, 'reset_namespace_notification');

INSERT INTO quay.loginservice (id, name) VALUES
    (1, 'github'),
    (2, 'quayrobot'),
    (3, 'ldap'),
    (4, 'google'),
    (5, 'keystone'),
    (6, 'dex'),
    (7, 'jwtauthn'),
    (8, 'oidc');

INSERT INTO quay.mediatype (id, name) VALUES
    (1, 'text/plain'),
    (2, 'application/json'),
    (3, 'text/markdown'),
    (4, 'application/vnd.cnr.blob.v0.tar+gzip'),
    (5, 'application/vnd.cnr.package-manifest.helm.v0.json'),
    (6, 'application/vnd.cnr.package-manifest.kpm.v0.json'),
    (7, 'application/vnd.cnr.package-manifest.docker-compose.v0.json'),
    (8, 'application/vnd.cnr.package.kpm.v0.tar+gzip'),
    (9, 'application/vnd.cnr.package.helm.v0.tar+gzip'),
    (10, 'application/vnd.cnr.package.docker-compose.v0.tar+gzip'),
    (11, 'application/vnd.cnr.manifests.v0.json'),
    (12, 'application/vnd.cnr.manifest.list.v0.json'),
    (13, 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
    (14, 'application/vnd.docker.distribution.manifest.v1+json'),
    (15, 'application/vnd.docker.distribution.manifest.list.v2+json'),
    (16, 'application/vnd.docker.distribution.manifest.v2+json'),
    (17, 'application/vnd.oci.image.index.v1+json'),
    (18, 'application/vnd.oci.image.manifest.v1+json');

INSERT INTO quay.notificationkind (id, name) VALUES
    (1, 'build_failure'),
    (2, 'build_queued'),
    (3, 'build_start'),
    (4, 'build_success'),
    (5, 'expiring_license'),
    (6, 'maintenance'),
    (7, 'org_team_invite'),
    (8, 'over_private_usage'),
    (9, 'password_required'),
    (10, 'repo_push'),
    (11, 'service_key_submitted'),
    (12, 'vulnerability_found'),
    (13, 'build_cancelled'),
    (14, 'repo_mirror_sync_started'),
    (15, 'repo_mirror_sync_success'),
    (16, 'repo_mirror_sync_failed'),
    (17, 'quota_warning'),
    (18, 'quota_error'),
    (19, 'assigned_authorization'),
    -- Ours: each event is also a kind, and tests have one. Far from the ids that the reference may give to kinds of its own.
    (901, 'repo_image_expiry'),
    (902, 'test_notification');

INSERT INTO quay.quotatype (id, name) VALUES
    (1, 'Warning'),
    (2, 'Reject');

INSERT INTO quay.repositorykind (id, name) VALUES
    (1, 'image'),
    (2, 'application');

INSERT INTO quay.role (id, name) VALUES
    (1, 'admin'),
    (2, 'write'),
    (3, 'read');

INSERT INTO quay.tagkind (id, name) VALUES
    (1, 'tag');

INSERT INTO quay.teamrole (id, name) VALUES
    (1, 'admin'),
    (2, 'creator'),
    (3, 'member');

INSERT INTO quay.userpromptkind (id, name) VALUES
    (1, 'confirm_username'),
    (2, 'enter_name'),
    (3, 'enter_company');

INSERT INTO quay.visibility (id, name) VALUES
    (1, 'public'),
    (2, 'private');

INSERT INTO quay.apprtagkind (id, name) VALUES
    (1, 'tag'),
    (2, 'release'),
    (3, 'channel');

INSERT INTO quay.apprblobplacementlocation (id, name) VALUES
    (1, 'local_eu'),
    (2, 'local_us');
