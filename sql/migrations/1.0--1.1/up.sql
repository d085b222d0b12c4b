-- 1.0 to 1.1: accounts and access. New columns and tables, unique uuids, and rules that span rows.

-- Nobody writes between the checks below and the triggers that take over from them.
LOCK TABLE quay."user", quay.team, quay.teammember, quay.repository, quay.repositorypermission, quay.oauthapplication IN SHARE ROW EXCLUSIVE MODE;

-- The reference leaves its memberships to a person who becomes an organization. They give no right.
DELETE FROM quay.teammember AS m USING quay."user" AS u WHERE u.id = m.user_id AND u.organization;

-- Robots of a namespace that waits to be purged are disabled with it.
UPDATE quay."user" AS r SET enabled = false
FROM quay.deletednamespace AS d
WHERE split_part(r.username, '+', 1) = d.original_username AND r.robot AND r.enabled
  AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = d.original_username AND NOT u.robot);

-- Rows that the new rules forbid would keep a dump of this database from being restored. Nothing is changed here: they give rights, and
-- somebody has to decide.
DO $refuse$
DECLARE
    broken text;
BEGIN
    SELECT string_agg(b.what, '; ') INTO broken
    FROM (
        SELECT format('%s robots without a namespace (quay."user")', count(*)) AS what, count(*) AS n
        FROM quay."user" AS r
        WHERE r.robot AND r.enabled
          AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(r.username, '+', 1) AND NOT u.robot)
        UNION ALL
        SELECT format('%s teams of somebody who is no organization (quay.team)', count(*)), count(*)
        FROM quay.team AS t JOIN quay."user" AS u ON u.id = t.organization_id WHERE NOT u.organization
        UNION ALL
        SELECT format('%s permissions of robots or teams of another namespace (quay.repositorypermission)', count(*)), count(*)
        FROM quay.repositorypermission AS p
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS o ON o.id = r.namespace_user_id
        LEFT JOIN quay."user" AS u ON u.id = p.user_id AND u.robot AND u.enabled
        LEFT JOIN quay.team AS t ON t.id = p.team_id
        WHERE split_part(u.username, '+', 1) <> o.username OR t.organization_id <> o.id
        UNION ALL
        SELECT format('%s OAuth applications with the client_id of another (quay.oauthapplication)', count(*)), count(*)
        FROM quay.oauthapplication AS a
        WHERE EXISTS (SELECT FROM quay.oauthapplication AS b WHERE b.client_id = a.client_id AND b.id < a.id)
    ) AS b
    WHERE b.n > 0;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY093',
            MESSAGE = 'rows break a rule of the new version',
            DETAIL = format('There are %s.', broken),
            HINT = 'Delete or change these rows, which version 1.0 let in, and update again.';
    END IF;
END
$refuse$;

-- What is only repeated is told apart here: a uuid is a handle, not a right.
UPDATE quay."user" AS a SET uuid = gen_random_uuid()::text
WHERE EXISTS (SELECT FROM quay."user" AS b WHERE b.uuid = a.uuid AND b.id < a.id);
UPDATE quay.permissionprototype AS a SET uuid = gen_random_uuid()::text
WHERE EXISTS (SELECT FROM quay.permissionprototype AS b WHERE b.uuid = a.uuid AND b.id < a.id);
UPDATE quay.oauthaccesstoken AS a SET uuid = gen_random_uuid()::text
WHERE EXISTS (SELECT FROM quay.oauthaccesstoken AS b WHERE b.uuid = a.uuid AND b.id < a.id);
UPDATE quay.appspecificauthtoken AS a SET uuid = gen_random_uuid()::text
WHERE EXISTS (SELECT FROM quay.appspecificauthtoken AS b WHERE b.uuid = a.uuid AND b.id < a.id);
UPDATE quay.messages AS a SET uuid = gen_random_uuid()::text
WHERE a.uuid <> '' AND EXISTS (SELECT FROM quay.messages AS b WHERE b.uuid = a.uuid AND b.id < a.id);
DELETE FROM quay.userregion AS a
WHERE EXISTS (SELECT FROM quay.userregion AS b WHERE b.user_id = a.user_id AND b.location_id = a.location_id AND b.id < a.id);
DELETE FROM quay.redhatsubscriptions AS a
WHERE EXISTS (SELECT FROM quay.redhatsubscriptions AS b WHERE b.user_id = a.user_id AND b.account_number = a.account_number AND b.id < a.id);
DELETE FROM quay.teammemberinvite AS a
WHERE EXISTS (SELECT FROM quay.teammemberinvite AS b WHERE b.invite_token = a.invite_token AND b.id < a.id);

-- Schema

DROP INDEX quay.user_uuid;
CREATE UNIQUE INDEX user_uuid ON quay."user" (uuid);
DROP INDEX quay.userregion_user_id;
CREATE UNIQUE INDEX userregion_user_id_location_id ON quay.userregion (user_id, location_id);
DROP INDEX quay.redhatsubscriptions_user_id;
CREATE UNIQUE INDEX redhatsubscriptions_user_id_account_number ON quay.redhatsubscriptions (user_id, account_number);
DROP INDEX quay.repository_visibility_id;
CREATE INDEX repository_visibility_id_id ON quay.repository (visibility_id, id);
DROP INDEX quay.permissionprototype_uuid;
CREATE UNIQUE INDEX permissionprototype_uuid ON quay.permissionprototype (uuid);
DROP INDEX quay.repositorysearchscore_score;
CREATE INDEX repositorysearchscore_score_repository_id ON quay.repositorysearchscore (score DESC, repository_id);
DROP INDEX quay.oauthapplication_client_id;
CREATE UNIQUE INDEX oauthapplication_client_id ON quay.oauthapplication (client_id);
DROP INDEX quay.oauthaccesstoken_uuid;
CREATE UNIQUE INDEX oauthaccesstoken_uuid ON quay.oauthaccesstoken (uuid);
DROP INDEX quay.appspecificauthtoken_uuid;
CREATE UNIQUE INDEX appspecificauthtoken_uuid ON quay.appspecificauthtoken (uuid);
DROP INDEX quay.messages_uuid;
CREATE UNIQUE INDEX messages_uuid ON quay.messages (uuid) WHERE (uuid <> '');
CREATE INDEX user_robot_namespace ON quay."user" ((split_part(username, '+', 1))) WHERE robot;
CREATE INDEX teammemberinvite_email ON quay.teammemberinvite (email);
CREATE UNIQUE INDEX teammemberinvite_invite_token ON quay.teammemberinvite (invite_token);
CREATE INDEX repository_namespace_user_id_id ON quay.repository (namespace_user_id, id);
ALTER TABLE quay.oauthauthorizationcode ADD COLUMN created timestamp DEFAULT (now() AT TIME ZONE 'UTC'), ADD COLUMN redirect_uri varchar(255) COLLATE "C";
ALTER TABLE quay.oauthaccesstoken ADD COLUMN token_digest varchar(64) COLLATE "C";
CREATE INDEX oauthauthorizationcode_created ON quay.oauthauthorizationcode (created);
CREATE INDEX oauthaccesstoken_expires_at ON quay.oauthaccesstoken (expires_at);
CREATE INDEX appspecificauthtoken_expiration ON quay.appspecificauthtoken (expiration);

-- Sets that are settings of the reference (RESTRICTED_USERS_WHITELIST, ROBOTS_WHITELIST, BLACKLISTED_EMAIL_DOMAINS,
-- NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST, PUBLIC_NAMESPACES). Names, not ids: the lists can be filled before their people exist.
CREATE TABLE quay.unrestricted_user (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_unrestricted_user PRIMARY KEY (username)
);
CREATE TABLE quay.allowed_robot (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_allowed_robot PRIMARY KEY (username)
);
CREATE TABLE quay.blocked_email_domain (
    domain varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_blocked_email_domain PRIMARY KEY (domain),
    CONSTRAINT blocked_email_domain_lower CHECK (domain = lower(domain) AND domain <> '')
);
CREATE TABLE quay.deletion_grace_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_deletion_grace_namespace PRIMARY KEY (username)
);
CREATE TABLE quay.public_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_public_namespace PRIMARY KEY (username)
);

-- Always empty, for the same purpose: a change of what decides about access (src/auth/rights.c).
CREATE TABLE quay_internal.rights_change ();

-- How far quay.secret_rotate() has got: the columns that it is through with, or how far in them. key_check is a known text, encrypted with
-- the key that the rotation leads to, so that a rotation to another key starts anew.
CREATE TABLE quay_internal.secret_rotation (
    table_name  text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL,
    last_id     bigint NOT NULL,
    finished    boolean NOT NULL,
    key_check   text COLLATE "C" NOT NULL,
    CONSTRAINT pk_secret_rotation PRIMARY KEY (table_name, column_name)
);

SELECT pg_extension_config_dump('quay.unrestricted_user', '');
SELECT pg_extension_config_dump('quay.allowed_robot', '');
SELECT pg_extension_config_dump('quay.blocked_email_domain', '');
SELECT pg_extension_config_dump('quay.deletion_grace_namespace', '');
SELECT pg_extension_config_dump('quay.public_namespace', '');
SELECT pg_extension_config_dump('quay_internal.rights_change', '');
SELECT pg_extension_config_dump('quay_internal.secret_rotation', '');

-- Functions that go, or whose signature or result changes.
DROP FUNCTION quay.authenticate(text,text,text,text);
DROP FUNCTION quay.organization_create(text,text,text,text,text);
DROP FUNCTION quay.repository_create(text,text,text,text,text,text,text,text);
DROP FUNCTION quay.user_create(text,text,text,boolean,boolean,text,text);
DROP FUNCTION quay_internal.account_insert(text,text,text,boolean,boolean,boolean);
DROP FUNCTION quay_internal.organization_require_admin(quay."user");

-- The functions of the triggers: their bodies follow with api/040_invariant.sql.
CREATE FUNCTION quay_internal.account_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION quay_internal.account_robots_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION quay_internal.organization_admin_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION quay_internal.repositorypermission_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION quay_internal.team_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE FUNCTION quay_internal.teammember_check() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';

CREATE CONSTRAINT TRIGGER account_check AFTER INSERT OR UPDATE OF username, robot, enabled ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.robot AND NEW.enabled) EXECUTE FUNCTION quay_internal.account_check();
CREATE CONSTRAINT TRIGGER account_rename_check AFTER UPDATE OF username ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT OLD.robot AND NEW.username <> OLD.username) EXECUTE FUNCTION quay_internal.account_robots_check();
CREATE CONSTRAINT TRIGGER account_delete_check AFTER DELETE ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NOT OLD.robot) EXECUTE FUNCTION quay_internal.account_robots_check();
CREATE CONSTRAINT TRIGGER team_check AFTER INSERT OR UPDATE OF organization_id ON quay.team
    FOR EACH ROW EXECUTE FUNCTION quay_internal.team_check();
CREATE CONSTRAINT TRIGGER teammember_check AFTER INSERT OR UPDATE OF user_id, team_id ON quay.teammember
    FOR EACH ROW EXECUTE FUNCTION quay_internal.teammember_check();
CREATE CONSTRAINT TRIGGER repositorypermission_check AFTER INSERT OR UPDATE OF user_id, team_id, repository_id ON quay.repositorypermission
    FOR EACH ROW EXECUTE FUNCTION quay_internal.repositorypermission_check();

CREATE CONSTRAINT TRIGGER organization_admin_check AFTER DELETE OR UPDATE OF user_id, team_id ON quay.teammember
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION quay_internal.organization_admin_check();
CREATE CONSTRAINT TRIGGER organization_admin_check AFTER DELETE OR UPDATE OF role_id, organization_id ON quay.team
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION quay_internal.organization_admin_check();
-- Who is converted into an organization administers no other any more, like one who is disabled.
CREATE CONSTRAINT TRIGGER organization_admin_check AFTER UPDATE OF enabled, organization, robot ON quay."user"
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.enabled AND NOT OLD.organization AND NOT OLD.robot AND (NOT NEW.enabled OR NEW.organization OR NEW.robot))
    EXECUTE FUNCTION quay_internal.organization_admin_check();
