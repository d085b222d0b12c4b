-- 1.1 to 1.0.

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.unrestricted_user), 'rows of quay.unrestricted_user');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.allowed_robot), 'rows of quay.allowed_robot');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.blocked_email_domain), 'rows of quay.blocked_email_domain');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.deletion_grace_namespace), 'rows of quay.deletion_grace_namespace');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.public_namespace), 'rows of quay.public_namespace');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.secret_rotation AS r WHERE NOT r.finished),
    'a key rotation that is not finished: encrypted fields have two keys');

DROP TRIGGER account_check ON quay."user";
DROP TRIGGER team_check ON quay.team;
DROP TRIGGER teammember_check ON quay.teammember;
DROP TRIGGER repositorypermission_check ON quay.repositorypermission;
DROP TRIGGER organization_admin_check ON quay.teammember;
DROP TRIGGER organization_admin_check ON quay.team;
DROP TRIGGER organization_admin_check ON quay."user";

-- Functions (the list is written by sql/assemble drops, from the two versions)

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
ALTER TABLE quay.oauthauthorizationcode DROP COLUMN created, DROP COLUMN redirect_uri;
ALTER TABLE quay.oauthaccesstoken DROP COLUMN token_digest;
DROP INDEX quay.user_uuid;
CREATE INDEX user_uuid ON quay."user" (uuid);
DROP INDEX quay.userregion_user_id_location_id;
CREATE INDEX userregion_user_id ON quay.userregion (user_id);
DROP INDEX quay.redhatsubscriptions_user_id_account_number;
CREATE INDEX redhatsubscriptions_user_id ON quay.redhatsubscriptions (user_id);
DROP INDEX quay.repository_visibility_id_id;
CREATE INDEX repository_visibility_id ON quay.repository (visibility_id);
DROP INDEX quay.permissionprototype_uuid;
CREATE INDEX permissionprototype_uuid ON quay.permissionprototype (uuid);
DROP INDEX quay.repositorysearchscore_score_repository_id;
CREATE INDEX repositorysearchscore_score ON quay.repositorysearchscore (score);
DROP INDEX quay.oauthapplication_client_id;
CREATE INDEX oauthapplication_client_id ON quay.oauthapplication (client_id);
DROP INDEX quay.oauthaccesstoken_uuid;
CREATE INDEX oauthaccesstoken_uuid ON quay.oauthaccesstoken (uuid);
DROP INDEX quay.appspecificauthtoken_uuid;
CREATE INDEX appspecificauthtoken_uuid ON quay.appspecificauthtoken (uuid);
DROP INDEX quay.messages_uuid;
CREATE INDEX messages_uuid ON quay.messages (uuid);
DROP INDEX quay.user_robot_namespace;
DROP INDEX quay.teammemberinvite_email;
DROP INDEX quay.teammemberinvite_invite_token;
DROP INDEX quay.repository_namespace_user_id_id;
