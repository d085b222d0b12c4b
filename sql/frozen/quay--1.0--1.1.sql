\echo Use "ALTER EXTENSION quay UPDATE TO '1.1'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.0');

-- @step
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

CREATE OR REPLACE FUNCTION quay_internal.rights_changed() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_rights_changed';
COMMENT ON FUNCTION quay_internal.rights_changed() IS
    'Trigger: at commit every session forgets the rights that it remembers, unless the row is a permission in a repository that is new itself.';

-- Once per row, since logical replication fires no triggers per statement.
CREATE OR REPLACE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON quay.repositorypermission
    FOR EACH ROW EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_truncated AFTER TRUNCATE ON quay.repositorypermission
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON quay.teammember
    FOR EACH ROW EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_truncated AFTER TRUNCATE ON quay.teammember
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_changed AFTER UPDATE OR DELETE ON quay.team
    FOR EACH ROW EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_truncated AFTER TRUNCATE ON quay.team
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_changed AFTER INSERT OR UPDATE OR DELETE ON quay.superuser
    FOR EACH ROW EXECUTE FUNCTION quay_internal.rights_changed();
CREATE OR REPLACE TRIGGER rights_truncated AFTER TRUNCATE ON quay.superuser
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.rights_changed();

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
ALTER TABLE quay.repositorypermission ENABLE ALWAYS TRIGGER rights_changed;
ALTER TABLE quay.repositorypermission ENABLE ALWAYS TRIGGER rights_truncated;
ALTER TABLE quay.teammember ENABLE ALWAYS TRIGGER rights_changed;
ALTER TABLE quay.teammember ENABLE ALWAYS TRIGGER rights_truncated;
ALTER TABLE quay.team ENABLE ALWAYS TRIGGER rights_changed;
ALTER TABLE quay.team ENABLE ALWAYS TRIGGER rights_truncated;
ALTER TABLE quay.superuser ENABLE ALWAYS TRIGGER rights_changed;
ALTER TABLE quay.superuser ENABLE ALWAYS TRIGGER rights_truncated;

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

-- Patterns of LIKE out of what people type, and the only place where their wildcards lose their meaning.

CREATE OR REPLACE FUNCTION quay_internal.like_prefix(prefix text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(prefix, '\', '\\'), '%', '\%'), '_', '\_') || '%';
COMMENT ON FUNCTION quay_internal.like_prefix(text) IS
    'Pattern for LIKE and ILIKE that matches what starts with this text, in which %, _ and \ stand for themselves.';

CREATE OR REPLACE FUNCTION quay_internal.like_contains(part text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN '%' || quay_internal.like_prefix(part);
COMMENT ON FUNCTION quay_internal.like_contains(text) IS
    'Pattern for LIKE and ILIKE that matches what contains this text, in which %, _ and \ stand for themselves.';

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
-- Passwords, encrypted fields, tokens, digests and keys of tokens: the C functions of src/auth. Clients call only the first.

CREATE OR REPLACE FUNCTION quay.password_encrypt(password text) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_encrypt';
COMMENT ON FUNCTION quay.password_encrypt(text) IS
    'The password encrypted with quay.secret_key, for people to use in its place in `docker login`: quay.authenticate() takes either. It does not check the password: let quay.authenticate() do that first. Each call gives another text; all are good until the password or the key changes. Errors: QY061 too long, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.password_decrypt(encrypted text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_decrypt';
COMMENT ON FUNCTION quay_internal.password_decrypt(text) IS
    'The password in an encrypted password; NULL if the text is none, has another key, or no usable key is set: it is a plain password then. Never an error.';

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
    'The secret of an encrypted field, whose key is quay.database_secret_key or the previous one. NULL gives NULL. Errors: QY060 damaged, or another key; 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt_with(secret text, key text) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt_with';
COMMENT ON FUNCTION quay_internal.field_encrypt_with(text, text) IS
    'Encrypted form of a secret with another key than quay.database_secret_key, which NULL stands for. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_key(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_key';
COMMENT ON FUNCTION quay_internal.field_key(text, text, text) IS
    'Which key opens the encrypted field: new, old or none. NULL keys are quay.database_secret_key_previous, which may be empty, and quay.database_secret_key. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_rotate(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_rotate';
COMMENT ON FUNCTION quay_internal.field_rotate(text, text, text) IS
    'The encrypted field with the new key instead of the old one; itself if it has the new one, NULL if it has neither. NULL keys are quay.database_secret_key_previous and quay.database_secret_key. Errors: 22023 not a key, or the same one twice, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time, with either key. Never NULL: a missing field or secret is no match. Errors: QY060; 55000.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

CREATE OR REPLACE FUNCTION quay_internal.secret_digest(secret text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_digest';
COMMENT ON FUNCTION quay_internal.secret_digest(text) IS
    'Keyed digest of a secret by which it can be looked up: HMAC-SHA256, 64 hexadecimal digits, with a key that is derived from quay.database_secret_key. Errors: 55000 no key is set.';

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

-- Tokens signed with RSA keys (RS256), and these keys.

CREATE OR REPLACE FUNCTION quay_internal.jwt_header(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_header';
COMMENT ON FUNCTION quay_internal.jwt_header(text) IS 'Header of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_payload(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_payload';
COMMENT ON FUNCTION quay_internal.jwt_payload(text) IS 'Claims of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_signed_by(token text, n text, e text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_signed_by';
COMMENT ON FUNCTION quay_internal.jwt_signed_by(text, text, text) IS
    'Did the RSA key with these members of its JSON web key sign the token, with RS256? Never NULL. What the header says is not looked at.';

CREATE OR REPLACE FUNCTION quay_internal.jwk_thumbprint(n text, e text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwk_thumbprint_of';
COMMENT ON FUNCTION quay_internal.jwk_thumbprint(text, text) IS
    'Thumbprint (RFC 7638, SHA-256) of the RSA key with these members of its JSON web key; NULL if they are no key of 2048 to 16384 bits.';

CREATE OR REPLACE FUNCTION quay_internal.rsa_key_generate(OUT private_key text, OUT n text, OUT e text)
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_rsa_key_generate';
COMMENT ON FUNCTION quay_internal.rsa_key_generate() IS
    'A new RSA key of 2048 bits: the private key as PEM, and the members of the JSON web key of the public one. Takes some tenths of a second.';

CREATE OR REPLACE FUNCTION quay_internal.json_read(document text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN document::jsonb;
EXCEPTION
    -- The message would quote the text.
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.json_read(text) IS 'A text as jsonb; NULL if it is none, or nothing that jsonb can hold, such as a number out of range. For texts that nobody has checked, or that must not be quoted; json_or_null() is the cheaper one for views over many rows.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_is(token text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(lower(quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'typ') IN ('jwt', 'at+jwt'), false);
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_is(text) IS 'Is the text a JSON web token, by its header (typ jwt or at+jwt)? Nothing of it is verified. Never NULL.';

-- @part step api/035_queue.sql
-- Work for the workers of the registry: adding an item, and removing those of a namespace that goes.

CREATE OR REPLACE FUNCTION quay_internal.queue_path(VARIADIC parts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(parts, '/') || '/';
COMMENT ON FUNCTION quay_internal.queue_path(text[]) IS
    'queue_name of an item: the queue and the parts of the path, each with a "/" behind it, so that one path is the beginning of another only if its parts are.';

CREATE OR REPLACE FUNCTION quay_internal.queue_add(path text, body jsonb, delay interval DEFAULT '0', retries integer DEFAULT 5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (queue_add.path, queue_add.body::text, quay_internal.utc_now() + queue_add.delay, true, queue_add.retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_add(text, jsonb, interval, integer) IS
    'Adds an item to a queue and returns its id. path: what queue_path() makes. delay: how long it is not to be taken.';

CREATE OR REPLACE FUNCTION quay_internal.queue_delete(path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/": the index finds all that starts with the path, whatever characters it has.
    DELETE FROM quay.queueitem AS q
    WHERE q.queue_name >= queue_delete.path AND q.queue_name < left(queue_delete.path, -1) || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_delete(text) IS
    'Deletes the items of a path and of the paths below it, and returns how many there were. path: what queue_path() makes.';

-- @part step api/036_notification.sql
-- Notifications within the registry: adding one, and removing those that are settled.

CREATE OR REPLACE FUNCTION quay_internal.notification_add(kind text, target_id bigint, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_uuid text;
BEGIN
    INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed, lookup_path)
    SELECT gen_random_uuid()::text, k.id, notification_add.target_id, notification_add.metadata::text, quay_internal.utc_now(), false,
           notification_add.lookup_path
    FROM quay.notificationkind AS k
    WHERE k.name = notification_add.kind
    RETURNING uuid INTO new_uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_add.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_add(text, bigint, jsonb, text) IS
    'Notifies a user, or the administrators of an organization, and returns the uuid of the notification. lookup_path: by which it can be removed. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete(kind text, target_id bigint, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM quay.notification AS n
    USING quay.notificationkind AS k
    WHERE k.id = n.kind_id AND k.name = notification_delete.kind AND n.target_id = notification_delete.target_id
      AND quay_internal.json_read(n.metadata_json) @> notification_delete.metadata;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete(text, bigint, jsonb) IS
    'Deletes the notifications of a kind and a target whose metadata contain those given, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/".
    DELETE FROM quay.notification AS n
    WHERE n.lookup_path = notification_delete_path.lookup_path
       OR n.lookup_path >= notification_delete_path.lookup_path || '/' AND n.lookup_path < notification_delete_path.lookup_path || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete_path(text) IS
    'Deletes the notifications with this lookup path or one below it, and returns how many there were.';

-- @part step api/040_invariant.sql
-- Rules that span rows: who may be a member of a team, hold a permission, or go. Most triggers themselves stand in schema/915_invariant.sql.
-- They also hold for those who write to the tables without our functions, as the reference application does; its own statements pass.

-- A robot goes with its namespace. While a namespace waits to be purged, its robots keep their names and are disabled; the checks look at
-- nothing but "user", since pg_dump restores that before the marker.

CREATE OR REPLACE FUNCTION quay_internal.account_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Both are renamed in one transaction, so this looks at its end.
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.id = NEW.id AND u.username = NEW.username AND u.robot AND u.enabled)
       AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(NEW.username, '+', 1) AND NOT u.robot) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'a robot belongs to a namespace',
            DETAIL = format('There is no namespace "%s" for the robot "%s".', split_part(NEW.username, '+', 1), NEW.username),
            HINT = 'Create robots with quay.robot_create().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_check() IS
    'Constraint trigger: the name of an enabled robot starts with that of its namespace. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.account_robots_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Whoever takes the name next would get the robots as well.
    IF EXISTS (SELECT FROM quay."user" AS r WHERE split_part(r.username, '+', 1) = OLD.username AND r.robot AND r.enabled)
       AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = OLD.username AND NOT u.robot) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'a robot belongs to a namespace',
            DETAIL = format('"%s" would leave its robots behind.', OLD.username),
            HINT = 'Rename a namespace with quay.user_rename(), and delete it with quay.namespace_mark_deletion().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_robots_check() IS
    'Constraint trigger: a namespace that is renamed or deleted takes its robots along, unless it waits to be purged. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_marked() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay."user" AS r SET enabled = false
    WHERE split_part(r.username, '+', 1) = NEW.original_username AND r.robot AND r.enabled
      AND NOT EXISTS (SELECT FROM quay."user" AS u
                      WHERE u.username = NEW.original_username AND NOT u.robot AND u.id <> NEW.namespace_id);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_marked() IS
    'Trigger: the robots of a namespace that is marked for deletion are disabled with it.';

CREATE OR REPLACE TRIGGER namespace_marked AFTER INSERT ON quay.deletednamespace
    FOR EACH ROW EXECUTE FUNCTION quay_internal.namespace_marked();

CREATE OR REPLACE FUNCTION quay_internal.team_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT (SELECT u.organization FROM quay."user" AS u WHERE u.id = NEW.organization_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'only organizations have teams',
            DETAIL = format('Team "%s" would belong to a person or a robot.', NEW.name),
            HINT = 'Create teams with quay.team_create().';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.team_check() IS 'Constraint trigger: a team belongs to an organization. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.robot_is_foreign(username text, namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN split_part(robot_is_foreign.username, '+', 1) <> (SELECT u.username FROM quay."user" AS u WHERE u.id = robot_is_foreign.namespace_id);
END
$$;
COMMENT ON FUNCTION quay_internal.robot_is_foreign(text, bigint) IS 'Does the robot belong to another namespace than this?';

CREATE OR REPLACE FUNCTION quay_internal.teammember_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT u.organization FROM quay."user" AS u WHERE u.id = NEW.user_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot be a member of a team',
            DETAIL = format('"%s" is an organization.', (SELECT u.username FROM quay."user" AS u WHERE u.id = NEW.user_id)),
            HINT = 'Name a person, or a robot of the organization that has the team.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.teammember_check() IS
    'Constraint trigger: an organization is no member of a team. (Robots of other namespaces are refused by team_member_add() only: the reference adds them.) Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.account_converted() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.teammember AS m WHERE m.user_id = NEW.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.account_converted() IS
    'Trigger: who becomes an organization is no member of a team any more. The reference leaves the memberships, and a dump with them could not be restored.';

CREATE OR REPLACE TRIGGER account_converted AFTER UPDATE OF organization ON quay."user"
    FOR EACH ROW WHEN (NEW.organization AND NOT OLD.organization) EXECUTE FUNCTION quay_internal.account_converted();

CREATE OR REPLACE FUNCTION quay_internal.repositorypermission_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    namespace_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = NEW.repository_id);
    robot_name text := (SELECT u.username FROM quay."user" AS u WHERE u.id = NEW.user_id AND u.robot AND u.enabled);
BEGIN
    IF quay_internal.robot_is_foreign(robot_name, namespace_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot belongs to another namespace',
            DETAIL = format('Robot "%s" cannot hold a permission in this repository.', robot_name),
            HINT = 'Use a robot of the namespace of the repository.';
    END IF;
    IF namespace_id <> (SELECT t.organization_id FROM quay.team AS t WHERE t.id = NEW.team_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'team belongs to another organization',
            DETAIL = format('Team "%s" cannot hold a permission in this repository.', (SELECT t.name FROM quay.team AS t WHERE t.id = NEW.team_id)),
            HINT = 'Use a team of the organization of the repository.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.repositorypermission_check() IS
    'Constraint trigger: enabled robots and teams hold permissions only in repositories of their own namespace. Errors: QY013.';

CREATE OR REPLACE FUNCTION quay_internal.organization_has_admin(organization_id bigint, besides_team bigint DEFAULT NULL,
                                                                besides_users bigint[] DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The locks keep what was found as it is until we commit: a member whom another session is just removing or disabling does not
    -- count. Under REPEATABLE READ a member who is gone already still shows; locking it then fails with a serialization error.
    PERFORM FROM quay.teammember AS m
    JOIN quay.team AS t ON t.id = m.team_id
    JOIN quay.teamrole AS r ON r.id = t.role_id
    JOIN quay."user" AS u ON u.id = m.user_id
    WHERE t.organization_id = organization_has_admin.organization_id AND r.name = 'admin'
      AND u.enabled AND NOT u.robot AND NOT u.organization
      AND (t.id IS DISTINCT FROM besides_team OR u.id <> ALL (besides_users))
    LIMIT 1
    FOR SHARE OF m, t, u;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_has_admin(bigint, bigint, bigint[]) IS
    'Is an enabled person in a team of role admin, besides those members of that team? Locks what says so, until the end of the transaction.';

CREATE OR REPLACE FUNCTION quay_internal.organization_require_admin(organization_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_name text;
BEGIN
    -- One transaction at a time, or two administrators could remove each other. Who is disabled is being deleted, or is to be dealt with
    -- by an administrator of the registry.
    SELECT u.username INTO organization_name FROM quay."user" AS u
    WHERE u.id = organization_require_admin.organization_id AND u.organization AND u.enabled FOR NO KEY UPDATE;
    IF FOUND AND NOT quay_internal.organization_has_admin(organization_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody could administer "%s" any more.', organization_name),
            HINT = 'Add another person to a team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_require_admin(bigint) IS
    'Refuses (QY013) a change that left an enabled organization without an enabled person in a team of role admin. Locks the row of the organization; a caller who removes somebody locks it before, with organization_lock(), so that two of them wait for each other and not in a circle.';

CREATE OR REPLACE FUNCTION quay_internal.organization_admin_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The three tables have different columns.
    gone jsonb := to_jsonb(OLD);
    affected bigint[];
    affected_id bigint;
BEGIN
    -- An object mapper writes all columns back, changed or not.
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME <> 'user' AND to_jsonb(NEW) @> gone - ARRAY['name', 'description'] THEN
        RETURN NULL;
    END IF;
    -- At the end of the transaction, so that members can be exchanged in any order. Only what can have taken an administrator away counts:
    -- an organization that came here without any must not be stuck.
    CASE TG_TABLE_NAME
    WHEN 'team' THEN
        affected := ARRAY(SELECT (gone ->> 'organization_id')::bigint FROM quay.teamrole AS r
                          WHERE r.id = (gone ->> 'role_id')::bigint AND r.name = 'admin');
    WHEN 'teammember' THEN
        -- A team that went as well, or is of another role now, has a trigger of its own.
        affected := ARRAY(SELECT t.organization_id FROM quay.team AS t JOIN quay.teamrole AS r ON r.id = t.role_id
                          WHERE t.id = (gone ->> 'team_id')::bigint AND r.name = 'admin'
                            AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = (gone ->> 'user_id')::bigint AND u.robot));
    WHEN 'user' THEN
        -- In the order of their ids, since each is locked.
        affected := ARRAY(SELECT DISTINCT t.organization_id
                          FROM quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id JOIN quay.teamrole AS r ON r.id = t.role_id
                          WHERE m.user_id = (gone ->> 'id')::bigint AND r.name = 'admin'
                          ORDER BY t.organization_id);
    END CASE;
    FOREACH affected_id IN ARRAY affected LOOP
        -- The reference deletes all teams of an organization before it disables it: one without any team is on its way out.
        IF EXISTS (SELECT FROM quay.team AS t WHERE t.organization_id = affected_id) THEN
            PERFORM quay_internal.organization_require_admin(affected_id);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_admin_check() IS
    'Constraint trigger, at commit: an enabled organization with teams keeps an enabled person in one of role admin. Errors: QY013.';

-- @part step api/100_user.sql
-- Names and e-mail addresses of namespaces; people, and how they come into being.

CREATE OR REPLACE FUNCTION quay_internal.person_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- All columns in their order, but NULL for the password_hash: readers have no right to it.
    SELECT u.id, u.uuid, u.username, NULL, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email,
           u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.company,
           u.family_name, u.given_name, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed
    INTO result FROM quay."user" AS u
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

CREATE OR REPLACE FUNCTION quay_internal.name_require_available(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = name_require_available.name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is not available',
            DETAIL = format('The namespace "%s" is being deleted.', name_require_available.name),
            HINT = 'The name is free once its data have been purged.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.name_require_available(text) IS
    'Refuses (QY006) a name whose former namespace has not been purged yet. To be called after the name was taken, since that waits for whoever is just giving it up.';

CREATE OR REPLACE FUNCTION quay_internal.account_insert(username text, email text, password_hash text DEFAULT NULL, verified boolean DEFAULT false,
                                                        organization boolean DEFAULT false, robot boolean DEFAULT false,
                                                        possible_abuser boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
    violated text;
    holder quay."user";
    -- -1 stands for any number, and for no such limit on possible abusers.
    threat_builds integer := nullif(quay_internal.setting('threat_maximum_build_count')::integer, -1);
    default_builds integer := nullif(quay_internal.setting('default_maximum_build_count')::integer, -1);
BEGIN
    BEGIN
        INSERT INTO quay."user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
                                 last_invalid_login, removed_tag_expiration_s, creation_date, maximum_queued_builds_count)
        VALUES (gen_random_uuid()::text, account_insert.username, account_insert.password_hash,
                -- The column takes no NULL; as in the reference, a value that is no address stands for none.
                coalesce(account_insert.email, gen_random_uuid()::text),
                account_insert.verified, account_insert.organization, account_insert.robot, false,
                quay_internal.utc_now(), quay_internal.setting('default_tag_expiration')::bigint, quay_internal.utc_now(),
                CASE WHEN account_insert.robot THEN NULL
                     WHEN account_insert.possible_abuser THEN coalesce(threat_builds, default_builds)
                     ELSE default_builds END)
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
    PERFORM quay_internal.name_require_available(account_insert.username);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.account_insert(text, text, text, boolean, boolean, boolean, boolean) IS
    'Adds a row for a person, an organization or a robot, whose name was checked, and returns its id. possible_abuser: quay.threat_maximum_build_count applies. Errors: QY006 name taken, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay_internal.person_lock(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = person_lock.username FOR NO KEY UPDATE;
    RETURN quay_internal.person_get(username);
END
$$;
COMMENT ON FUNCTION quay_internal.person_lock(text) IS
    'Person of that name, enabled or not, whom nobody else changes until we commit. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.superuser_refuse(username text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = superuser_refuse.username AND s.kind = 'superuser') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be the target',
            DETAIL = format('"%s" is listed in quay.superuser.', left(superuser_refuse.username, 80)),
            HINT = 'Take the name out of quay.superuser first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.superuser_refuse(text) IS
    'Refuses (QY023) what one administrator of the registry may not do to another: the name is listed in quay.superuser, kind superuser.';

CREATE OR REPLACE FUNCTION quay_internal.authentication_require_database() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('authentication_type') <> 'database' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'passwords are not kept in this database',
            DETAIL = format('The setting quay.authentication_type is "%s".', quay_internal.setting('authentication_type')),
            HINT = 'Create people and change passwords at the identity provider.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authentication_require_database() IS
    'Refuses (QY015) what only makes sense where passwords are checked against this database.';

-- Prompts: what the user interface asks a person next.

CREATE OR REPLACE FUNCTION quay_internal.userpromptkind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT min(k.id) FROM quay.userpromptkind AS k WHERE k.name = userpromptkind_id.kind);
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of prompt',
            DETAIL = format('There is no kind "%s".', left(userpromptkind_id.kind, 80)),
            HINT = 'The table quay.userpromptkind lists the kinds.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.userpromptkind_id(text) IS 'Id of a kind of prompt. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prompt_default() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN quay_internal.setting('user_metadata')::boolean THEN ARRAY['enter_name', 'enter_company'] ELSE ARRAY[]::text[] END;
COMMENT ON FUNCTION quay_internal.prompt_default() IS 'Prompts of a new person, by the setting quay.user_metadata.';

CREATE OR REPLACE FUNCTION quay_internal.prompt_remove(user_id bigint, VARIADIC kinds text[]) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.userprompt AS p
    USING quay.userpromptkind AS k
    WHERE p.user_id = prompt_remove.user_id AND k.id = p.kind_id AND k.name = ANY (prompt_remove.kinds);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.prompt_remove(bigint, text[]) IS 'Takes prompts of these kinds off a person. True if there were any.';

CREATE OR REPLACE FUNCTION quay.user_prompt_add(username text, kind text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userprompt (user_id, kind_id) VALUES (target.id, quay_internal.userpromptkind_id(user_prompt_add.kind))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_prompt_add(text, text) IS
    'Has a person asked for something: confirm_username, enter_name or enter_company. True if added, false if the prompt was there. Errors: QY007 user unknown, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.user_prompt_remove(username text, kind text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    PERFORM quay_internal.userpromptkind_id(user_prompt_remove.kind);
    RETURN quay_internal.prompt_remove(target.id, user_prompt_remove.kind);
END
$$;
COMMENT ON FUNCTION quay.user_prompt_remove(text, text) IS
    'Takes a prompt off a person. True if removed, false if there was none. Errors: QY007 user unknown, QY009 unknown kind.';

-- Creation.

CREATE OR REPLACE FUNCTION quay_internal.invite_matches(invite_code text, email text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammemberinvite AS i
                   WHERE i.invite_token = invite_matches.invite_code AND i.email = invite_matches.email);
END
$$;
COMMENT ON FUNCTION quay_internal.invite_matches(text, text) IS
    'Was this invitation to a team mailed to this address? Then who has the code can read mail that goes there.';

CREATE OR REPLACE FUNCTION quay.user_create(username text, password text, email text, verified boolean DEFAULT false,
                                            email_required boolean DEFAULT true, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            prompts text[] DEFAULT NULL, possible_abuser boolean DEFAULT false,
                                            invite_code text DEFAULT NULL) RETURNS bigint
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
        quay_internal.password_hash(user_create.password, quay_internal.setting('bcrypt_cost')::integer),
        user_create.verified OR quay_internal.invite_matches(user_create.invite_code, address),
        possible_abuser => user_create.possible_abuser);
    INSERT INTO quay.userprompt (user_id, kind_id)
    SELECT DISTINCT new_id, quay_internal.userpromptkind_id(p.kind)
    FROM unnest(coalesce(user_create.prompts, quay_internal.prompt_default())) AS p (kind);
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create.username, 'email', address)
        || CASE WHEN user_create.actor IS NULL THEN '{}' ELSE jsonb_build_object('superuser', user_create.actor) END,
        user_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create(text, text, text, boolean, boolean, text, text, text[], boolean, text) IS
    'Creates a person and returns its id. It does not ask whether people may sign up: for that there is user_sign_up(). verified: the e-mail address needs no confirmation. email_required false: NULL or empty is no address, and a given one is not checked for its form. actor: the administrator who creates the account. prompts: NULL for those of the setting quay.user_metadata. possible_abuser: quay.threat_maximum_build_count applies instead of quay.default_maximum_build_count. invite_code: the invitation to a team that led here; if it was mailed to this address, the address counts as verified; nobody joins a team by it. Errors: QY001 illegal name, QY006 name taken, QY007 actor unknown, QY009 unknown prompt, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused.';

CREATE OR REPLACE FUNCTION quay_internal.user_creation_problem(email text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    labels text[] := string_to_array(rtrim(lower(substring(user_creation_problem.email FROM '@([^@]*)$')), '.'), '.');
BEGIN
    RETURN CASE
        -- The domain itself and each one above it
        WHEN EXISTS (SELECT FROM quay.blocked_email_domain AS d
                     WHERE d.domain = ANY (ARRAY(SELECT array_to_string(labels[i:], '.') FROM generate_subscripts(labels, 1) AS i)))
            THEN 'The domain of the e-mail address is listed in quay.blocked_email_domain.'
        WHEN NOT quay_internal.setting('user_creation')::boolean
            THEN 'The setting quay.user_creation is off.'
        WHEN quay_internal.setting('invite_only_user_creation')::boolean
             AND NOT EXISTS (SELECT FROM quay.teammemberinvite AS i WHERE i.email = user_creation_problem.email)
            THEN 'The setting quay.invite_only_user_creation is on, and no invitation to a team was mailed to this address.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.user_creation_problem(text) IS 'Why nobody may sign up with this e-mail address, as a sentence; NULL if one may.';

CREATE OR REPLACE FUNCTION quay_internal.user_creation_require(email text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := quay_internal.user_creation_problem(email);
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'creation of a user account for this e-mail address is disabled',
            DETAIL = problem,
            HINT = 'Please contact an administrator.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_creation_require(text) IS 'Refuses (QY015) an e-mail address with which nobody may sign up.';

CREATE OR REPLACE FUNCTION quay.user_can_create(email text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.user_creation_problem(email) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.user_can_create(text) IS
    'May somebody sign up with this e-mail address (NULL: without one)? Not if its domain is blocked, if quay.user_creation is off, or if quay.invite_only_user_creation is on and no invitation to a team was mailed to exactly this address. A domain in quay.blocked_email_domain blocks itself and its subdomains, in upper or lower case; there is no list of public suffixes, so "co.uk" blocks all that ends in it.';

CREATE OR REPLACE FUNCTION quay.user_sign_up(username text, password text, email text DEFAULT NULL, invite_code text DEFAULT NULL,
                                             possible_abuser boolean DEFAULT false, ip text DEFAULT NULL)
    RETURNS TABLE (user_id bigint, awaiting_verification boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mailing boolean := quay_internal.setting('mailing')::boolean;
    message text;
    detail text;
    hint text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF NOT quay_internal.setting('direct_login')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot sign up with a password',
            DETAIL = 'The setting quay.direct_login is off.',
            HINT = 'Log in with an identity provider.';
    END IF;
    IF quay_internal.setting('invite_only_user_creation')::boolean AND coalesce(user_sign_up.invite_code, '') = '' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot create a user who was not invited',
            DETAIL = 'The setting quay.invite_only_user_creation is on.',
            HINT = 'Follow the link in the invitation to a team.';
    END IF;
    PERFORM quay_internal.user_creation_require(email);

    BEGIN
        user_id := quay.user_create(user_sign_up.username, password, email, verified => NOT mailing, email_required => mailing,
            ip => user_sign_up.ip, possible_abuser => user_sign_up.possible_abuser, invite_code => user_sign_up.invite_code);
    EXCEPTION WHEN SQLSTATE 'QY001' OR SQLSTATE 'QY006' THEN
        -- The words that people know from the reference's form.
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = message, HINT = hint, DETAIL = CASE
            WHEN SQLSTATE = 'QY006' AND EXISTS (SELECT FROM quay."user" AS u WHERE u.username = user_sign_up.username)
                THEN 'The username already exists'
            WHEN SQLSTATE = 'QY006' THEN 'Username is not available'
            WHEN user_sign_up.username COLLATE "C" ~ '^[a-z0-9]+([._-][a-z0-9]+)*$'
                THEN format('Invalid namespace %s: Namespace must be between 2 and 255 characters in length', left(user_sign_up.username, 80))
            ELSE format('Invalid namespace %s: Namespace must match expression ^([a-z0-9]+(?:[._-][a-z0-9]+)*)$', left(user_sign_up.username, 80))
            END;
    END;

    awaiting_verification := NOT (SELECT u.verified FROM quay."user" AS u WHERE u.id = user_sign_up.user_id);
    IF awaiting_verification THEN
        code := quay_internal.email_code_insert(user_id, pw_reset => false);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_sign_up(text, text, text, text, boolean, text) IS
    'Somebody creates an account for himself. An e-mail address is required, and is to be confirmed, if quay.mailing is on. One row: the id; whether the address is yet to be confirmed; the code to mail to it then, for user_email_confirm(). An invite_code that was mailed to the address confirms it; the team is joined only when the invitation is accepted. A name that is listed in quay.superuser makes its owner one: create these people before others can sign up. Errors: QY001 illegal name, QY006 name taken, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused, QY015 passwords are kept elsewhere or nobody logs in with them, no invitation, or user_can_create() says no.';

CREATE OR REPLACE FUNCTION quay.user_initialize(username text, password text, email text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.authentication_require_database();
    -- Whoever else creates an account waits, or has committed and is seen.
    LOCK TABLE quay."user" IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM quay."user") THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'cannot initialize a registry that has users',
            DETAIL = 'The first user exists already.',
            HINT = 'Create further users with quay.user_create().';
    END IF;
    RETURN quay.user_create(user_initialize.username, password, email, verified => true,
        email_required => quay_internal.setting('mailing')::boolean, ip => user_initialize.ip);
END
$$;
COMMENT ON FUNCTION quay.user_initialize(text, text, text, text) IS
    'Creates the first user of an empty registry, with a verified e-mail address, and returns the id. Of several calls at once one succeeds. Errors: QY001 illegal name, QY010 e-mail invalid, QY012 password refused, QY015 there are users, or passwords are kept elsewhere.';

CREATE OR REPLACE FUNCTION quay.user_verify_by_invite(username text, invite_code text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
BEGIN
    IF NOT quay_internal.invite_matches(user_verify_by_invite.invite_code, target.email) THEN
        RETURN false;
    END IF;
    UPDATE quay."user" AS u SET verified = true WHERE u.id = target.id AND NOT u.verified;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_verify_by_invite(text, text) IS
    'For a login that brings an invitation to a team: if it was mailed to the address of this person, the address is verified. True if so. The invitation itself stays. Errors: QY007 user unknown.';

-- @part step api/102_user_change.sql
-- Changes of people, and settings of namespaces.
--
-- Own changes count as made by the person, unless an actor is given; by_administrator is a change by an administrator of the
-- registry, which is logged as such and does not reach superusers.

CREATE OR REPLACE FUNCTION quay_internal.user_log(kind text, target quay."user", by_administrator boolean, actor text,
                                                  metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    PERFORM quay_internal.log_add(user_log.kind, target.id,
        CASE WHEN by_administrator THEN performer_id ELSE coalesce(performer_id, target.id) END, NULL,
        metadata || CASE WHEN by_administrator THEN jsonb_build_object('superuser', user_log.actor) ELSE '{}' END, user_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.user_log(text, quay."user", boolean, text, jsonb, text) IS
    'Adds the audit row of a change to a person: by himself unless an actor is given, or by an administrator. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.user_password_set(username text, password text, by_administrator boolean DEFAULT false,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    new_hash text;
    new_uuid text := gen_random_uuid()::text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    PERFORM quay_internal.password_check(user_password_set.password);
    -- Hashing takes long, so it comes before the lock.
    new_hash := quay_internal.password_hash(user_password_set.password, quay_internal.setting('bcrypt_cost')::integer);
    target := quay_internal.person_lock(username);

    -- In one statement: no session of the old password survives it. Nor does a code that would let somebody in without the new one, be it
    -- by way of another e-mail address.
    UPDATE quay."user" AS u SET password_hash = new_hash, invalid_login_attempts = 0, uuid = new_uuid WHERE u.id = target.id;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = target.id AND (c.pw_reset OR c.new_email IS NOT NULL);
    PERFORM quay_internal.notification_delete('password_required', target.id);
    PERFORM quay_internal.user_log(CASE WHEN by_administrator THEN 'user_change_password' ELSE 'account_change_password' END,
        target, by_administrator, actor,
        CASE WHEN by_administrator THEN jsonb_build_object('username', target.username) ELSE '{}' END, ip);
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.user_password_set(text, text, boolean, text, text) IS
    'Sets the password of a person, ends all his sessions, forgets failed logins, and withdraws outstanding codes for recovery or for a new e-mail address, and the notification that a password is required. Returns the new uuid, by which the session goes on that made the change. Errors: QY007 user or actor unknown, QY012 password refused, QY015 passwords are kept elsewhere, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_session_revoke(username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text
    WHERE u.username = user_session_revoke.username AND NOT u.organization AND NOT u.robot
    RETURNING u.* INTO target;
    IF target.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.user_log('logout_success', target, false, actor, '{}', ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_session_revoke(text, text, text) IS
    'Ends all sessions of a person, whose uuid is what they are known by: signing out. False if there is no such person. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.user_rename_require(target quay."user", new_name text, by_administrator boolean) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT by_administrator AND NOT quay_internal.setting('user_rename')::boolean
        AND NOT (quay_internal.setting('username_confirmation')::boolean
                 AND EXISTS (SELECT FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                             WHERE p.user_id = target.id AND k.name = 'confirm_username')) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'user names cannot be changed',
            DETAIL = 'The setting quay.user_rename is off, and the user has not been asked to confirm the name.',
            HINT = 'Ask an administrator of the registry to change the name.';
    END IF;
    PERFORM quay_internal.name_check('namespace', new_name);

    -- Rights hang on the names in these tables. Whoever has them would lose them, and whoever takes such a name would gain them.
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = target.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be renamed',
            DETAIL = format('"%s" is listed in quay.superuser.', target.username),
            HINT = 'Take the name out of quay.superuser first, and put in the new one afterwards.';
    END IF;
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = new_name)
        OR EXISTS (SELECT FROM quay.unrestricted_user AS r WHERE r.username = new_name)
        OR EXISTS (SELECT FROM quay.allowed_robot AS r WHERE split_part(r.username, '+', 1) = new_name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is reserved',
            DETAIL = format('Rights of the registry hang on the name "%s".', new_name),
            HINT = 'Use another name, or take it out of quay.superuser, quay.unrestricted_user and quay.allowed_robot first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_rename_require(quay."user", text, boolean) IS
    'Refuses a renaming that settings or rights forbid. Errors: QY001 illegal name, QY006 reserved name, QY015 renaming is off, QY023 a superuser.';

CREATE OR REPLACE FUNCTION quay.user_rename(username text, new_name text, by_administrator boolean DEFAULT false,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
    holder quay."user";
    violated text;
    longest integer;
BEGIN
    -- There a robot that was made after the snapshot would keep the old name: rows that are only inserted cause no serialization error.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION USING ERRCODE = '25000',
            MESSAGE = 'cannot rename a namespace in a REPEATABLE READ transaction',
            DETAIL = 'Robots that others have just made would not be seen.',
            HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
    -- FOR UPDATE waits for those who are just making robots and repositories under the old name.
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_rename.username AND NOT u.robot AND (by_administrator OR NOT u.organization)
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no %s named "%s".', CASE WHEN by_administrator THEN 'user or organization' ELSE 'person' END,
                            left(user_rename.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    IF new_name = target.username THEN
        PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
        RETURN false;
    END IF;
    PERFORM quay_internal.user_rename_require(target, new_name, by_administrator);
    SELECT max(char_length(u.username)) + char_length(new_name) - char_length(target.username) INTO longest
    FROM quay."user" AS u WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    IF longest > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name of a robot, namespace+shortname, would have %s characters.', longest),
            HINT = 'The full name may have at most 255 characters: use a shorter name, or delete the robot.';
    END IF;

    BEGIN
        UPDATE quay."user" AS u SET username = new_name WHERE u.id = target.id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = new_name;
        IF violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(new_name, CASE WHEN holder.organization THEN 'An organization' ELSE 'A user' END);
        END IF;
        RAISE;
    END;
    -- After the update: it waited for whoever was just renaming the namespace away to delete it.
    PERFORM quay_internal.name_require_available(new_name);
    UPDATE quay."user" AS u SET username = new_name || substr(u.username, char_length(target.username) + 1)
    WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
    PERFORM quay_internal.user_log(CASE WHEN target.organization THEN 'org_change_name' ELSE 'user_change_name' END,
        target, by_administrator, actor,
        CASE WHEN target.organization THEN jsonb_build_object('old_name', target.username, 'new_name', new_name)
             ELSE jsonb_build_object('old_username', target.username, 'username', new_name) END, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_rename(text, text, boolean, text, text) IS
'Gives a person, or for an administrator also an organization, another name, and its robots with it. True if renamed; false if that is the name already. Either way the person need no longer confirm it.

A person may do so with the setting quay.user_rename, or once, if asked to confirm the name, with quay.username_confirmation.
Rights follow the tables that list names, not the person: a name in quay.superuser stays with its owner (QY023), and nobody gets a name that is listed in quay.superuser or quay.unrestricted_user, or that has robots in quay.allowed_robot (QY006). Entries of the lists quay.unrestricted_user, quay.allowed_robot, quay.public_namespace and quay.deletion_grace_namespace keep the old name. Items that wait in queues do too.
Errors: QY001 illegal name, also that of a robot that gets too long; QY006 name taken, reserved, or of a namespace that is being deleted; QY007 user or actor unknown; QY015 renaming is off; QY023; 25000 in a REPEATABLE READ transaction.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_change(target quay."user", email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    violated text;
BEGIN
    UPDATE quay."user" AS u SET email = coalesce(user_email_change.email, gen_random_uuid()::text), verified = true WHERE u.id = target.id;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'user_email_unique_non_org' THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
    RAISE;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_change(quay."user", text) IS
    'Gives a person this e-mail address, verified; NULL: none. Errors: QY011 another user has it.';

CREATE OR REPLACE FUNCTION quay.user_email_set(username text, email text, by_administrator boolean DEFAULT false,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (changed boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
    address text := nullif(user_email_set.email, '');
    old_address text := nullif(quay_internal.email_shown(target.email), '');
    mailing boolean := quay_internal.setting('mailing')::boolean;
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    IF mailing OR address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    changed := false;
    IF address IS DISTINCT FROM old_address THEN
        IF mailing AND NOT by_administrator THEN
            code := quay.user_email_code_create(target.username, address);
        ELSE
            PERFORM quay_internal.user_email_change(target, address);
            PERFORM quay_internal.user_log('user_change_email', target, by_administrator, actor,
                jsonb_build_object('email', address, 'old_email', old_address), ip);
            changed := true;
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_set(text, text, boolean, text, text) IS
    'Changes the e-mail address of a person. One row. By an administrator, or with quay.mailing off, the address changes at once and counts as verified: changed is true. Otherwise code is to be mailed to the new address, for user_email_confirm(). Neither if that is the address already. NULL or empty takes the address away, with quay.mailing off. Errors: QY007 user or actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_set_enabled(username text, enabled boolean, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    target quay."user";
    organization_id bigint;
BEGIN
    IF user_set_enabled.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'enabled must be true or false',
            DETAIL = 'It is NULL.',
            HINT = 'Pass true to enable, false to disable.';
    END IF;
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_set_enabled.username AND NOT u.robot
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR NO KEY UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(user_set_enabled.username, 80)),
            HINT = 'A namespace that is being deleted cannot be enabled again.';
    END IF;
    PERFORM quay_internal.superuser_refuse(target.username);
    IF target.enabled = user_set_enabled.enabled THEN
        RETURN false;
    END IF;

    UPDATE quay."user" AS u SET enabled = user_set_enabled.enabled WHERE u.id = target.id;
    IF NOT user_set_enabled.enabled THEN
        -- The constraint trigger would find out at commit only.
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;
    PERFORM quay_internal.user_log(CASE WHEN user_set_enabled.enabled THEN 'user_enable' ELSE 'user_disable' END, target, true, actor,
        jsonb_build_object('username', target.username), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_set_enabled(text, boolean, text, text) IS
    'Enables or disables a person or an organization; for administrators of the registry. Who is disabled cannot log in, nor his robots, and nobody can use his namespace. False if it is so already. Errors: QY007 user unknown or being deleted, or actor unknown; QY013 an organization would have no enabled administrator; QY023 the target is a superuser; 22023 enabled is NULL.';

CREATE OR REPLACE FUNCTION quay.user_set_metadata(username text, given_name text DEFAULT NULL, family_name text DEFAULT NULL,
                                                  company text DEFAULT NULL, location text DEFAULT NULL,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    given jsonb := jsonb_strip_nulls(jsonb_build_object('given_name', given_name, 'family_name', family_name,
                                                        'company', company, 'location', location));
BEGIN
    IF greatest(char_length(given_name), char_length(family_name), char_length(company), char_length(location)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'value is too long',
            DETAIL = 'A name, company or location has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    UPDATE quay."user" AS u
    SET given_name = nullif(coalesce(user_set_metadata.given_name, u.given_name), ''),
        family_name = nullif(coalesce(user_set_metadata.family_name, u.family_name), ''),
        company = nullif(coalesce(user_set_metadata.company, u.company), ''),
        location = nullif(coalesce(user_set_metadata.location, u.location), '')
    WHERE u.id = target.id;
    PERFORM quay_internal.prompt_remove(target.id, 'enter_name', 'enter_company');
    IF given <> '{}' THEN
        PERFORM quay_internal.user_log('user_change_metadata', target, false, actor, given, ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.user_set_metadata(text, text, text, text, text, text, text) IS
    'What a person says about himself. NULL leaves a value as it is, an empty one removes it. The person is no longer asked for name and company. Errors: QY007 user or actor unknown, 22023 a value has more than 255 characters.';

-- Settings of a namespace, a person's or an organization's.

CREATE OR REPLACE FUNCTION quay_internal.namespace_log(kind text, target quay."user", actor text, metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_' ELSE 'user_' END || namespace_log.kind, target.id,
        quay_internal.actor_id(actor), NULL,
        metadata || CASE WHEN target.organization THEN jsonb_build_object('namespace', target.username) ELSE '{}' END, namespace_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_log(text, quay."user", text, jsonb, text) IS
    'Adds the audit row of a change to a namespace. kind: without the "user_" or "org_" that it starts with. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_set_invoicing(namespace text, invoice_email boolean DEFAULT NULL, invoice_email_address text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
    address text := nullif(namespace_set_invoicing.invoice_email_address, '');
    changed boolean := false;
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    UPDATE quay."user" AS u SET invoice_email = namespace_set_invoicing.invoice_email
    WHERE u.id = target.id AND u.invoice_email <> namespace_set_invoicing.invoice_email;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email', invoice_email), ip);
    END IF;
    UPDATE quay."user" AS u SET invoice_email_address = address
    WHERE u.id = target.id AND namespace_set_invoicing.invoice_email_address IS NOT NULL AND u.invoice_email_address IS DISTINCT FROM address;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email_address', address), ip);
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_invoicing(text, boolean, text, text, text) IS
    'Says whether invoices go to a namespace by e-mail, and to which address. NULL leaves either as it is; an empty address removes it. False if nothing changed. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.tag_expiration_option_list() RETURNS TABLE (option text, seconds bigint)
    LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR option, seconds IN
        SELECT trim(o.duration), quay_internal.duration_seconds(trim(o.duration))
        FROM string_to_table(quay_internal.setting('tag_expiration_options'), ',') WITH ORDINALITY AS o (duration, i)
        ORDER BY o.i
    LOOP
        IF seconds IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = 'malformed duration in quay.tag_expiration_options',
                DETAIL = format('"%s" is none.', left(option, 80)),
                HINT = 'Use a whole number and a unit: s, m, h, d, w (7 days) or y (365 days).';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.tag_expiration_option_list() IS
    'For how long a namespace may keep removed tags: the setting quay.tag_expiration_options. Errors: 22023 the setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_tag_expiration(namespace text, seconds bigint,
                                                             actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF NOT EXISTS (SELECT FROM quay.tag_expiration_option_list() AS o WHERE o.seconds = namespace_set_tag_expiration.seconds) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'invalid tag expiration option',
            DETAIL = format('%s seconds are not among the options %s.', coalesce(namespace_set_tag_expiration.seconds::text, 'NULL'),
                            quay_internal.setting('tag_expiration_options')),
            HINT = 'Use one that quay.tag_expiration_option_list() has.';
    END IF;
    UPDATE quay."user" AS u SET removed_tag_expiration_s = namespace_set_tag_expiration.seconds
    WHERE u.id = target.id AND u.removed_tag_expiration_s <> namespace_set_tag_expiration.seconds;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.namespace_log('change_tag_expiration', target, actor,
        jsonb_build_object('tag_expiration', namespace_set_tag_expiration.seconds), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_tag_expiration(text, bigint, text, text) IS
    'Says for how many seconds a namespace keeps removed tags. False if it is so already. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY015 not among quay.tag_expiration_options, 22023 that setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_maximum_builds(namespace text, maximum integer, raise_only boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF maximum < 0 OR raise_only AND maximum IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of builds must not be negative',
            DETAIL = format('It is %s.', coalesce(maximum::text, 'NULL')),
            HINT = 'Pass how many builds may be queued; NULL, unless raise_only, for any number.';
    END IF;
    UPDATE quay."user" AS u SET maximum_queued_builds_count = maximum
    WHERE u.id = target.id AND u.maximum_queued_builds_count IS DISTINCT FROM maximum
      AND (NOT raise_only OR u.maximum_queued_builds_count < maximum);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_maximum_builds(text, integer, boolean) IS
    'Says how many builds a namespace may have queued; NULL for any number. raise_only: only if it has a lower limit now. True if changed. Errors: QY002 namespace unknown, QY004 disabled, 22023 negative.';

CREATE OR REPLACE FUNCTION quay.namespace_set_stripe_id(namespace text, stripe_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    UPDATE quay."user" AS u SET stripe_id = nullif(namespace_set_stripe_id.stripe_id, '') WHERE u.id = target.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_stripe_id(text, text) IS
    'Links a namespace to a customer of the payment service; NULL or empty removes the link. Errors: QY002 namespace unknown, QY004 disabled.';

-- Storage regions that a person prefers.

CREATE OR REPLACE FUNCTION quay.user_region_add(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userregion (user_id, location_id) VALUES (target.id, quay_internal.location_id(user_region_add.location))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_add(text, text) IS
    'Adds a storage location to the regions of a person. False if it is there already. Errors: QY007 user unknown, QY053 location unknown.';

CREATE OR REPLACE FUNCTION quay.user_region_remove(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    removed_id bigint := quay_internal.location_id(location);
BEGIN
    DELETE FROM quay.userregion AS r WHERE r.user_id = target.id AND r.location_id = removed_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_remove(text, text) IS
    'Takes a storage location out of the regions of a person. False if it was not there. Errors: QY007 user unknown, QY053 location unknown.';

-- @part step api/103_user_list.sql
-- Finding people, organizations and robots: one, several, by the beginning of a name, and lists and counts of them.

CREATE OR REPLACE FUNCTION quay_internal.account_kind(organization boolean, robot boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN robot THEN 'robot' WHEN organization THEN 'organization' WHEN NOT robot THEN 'user' END;
COMMENT ON FUNCTION quay_internal.account_kind(boolean, boolean) IS 'What a row of quay."user" is: user, organization or robot; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.user_get(INOUT username text DEFAULT NULL, INOUT user_id bigint DEFAULT NULL, INOUT uuid text DEFAULT NULL,
                                         INOUT email text DEFAULT NULL, INOUT stripe_id text DEFAULT NULL,
                                         OUT kind text, OUT enabled boolean, OUT verified boolean, OUT being_deleted boolean,
                                         OUT given_name text, OUT family_name text, OUT company text, OUT location text,
                                         OUT invoice_email boolean, OUT invoice_email_address text, OUT removed_tag_expiration_s bigint,
                                         OUT maximum_queued_builds_count integer, OUT creation_date timestamp, OUT last_accessed timestamp,
                                         OUT prompts text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := user_id;
BEGIN
    IF num_nonnulls(username, user_id, uuid, email, stripe_id) > 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'more than one thing to look for',
            DETAIL = 'Several of username, user_id, uuid, email and stripe_id are given.',
            HINT = 'Pass one of them, by name.';
    END IF;
    IF username IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = user_get.username;
    ELSIF uuid IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.uuid = user_get.uuid AND NOT u.organization;
    ELSIF email IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.email = user_get.email AND NOT u.organization AND NOT u.robot;
    ELSIF stripe_id IS NOT NULL THEN
        SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.stripe_id = user_get.stripe_id AND NOT u.robot ORDER BY u.id LIMIT 1;
    END IF;
    RETURN QUERY
        SELECT u.username::text, u.id, u.uuid::text, quay_internal.email_shown(u.email), u.stripe_id::text,
               quay_internal.account_kind(u.organization, u.robot), u.enabled, u.verified,
               EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id),
               u.given_name::text, u.family_name::text, u.company::text, u.location::text, u.invoice_email, u.invoice_email_address::text,
               u.removed_tag_expiration_s, u.maximum_queued_builds_count, u.creation_date, u.last_accessed,
               ARRAY(SELECT k.name::text FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                     WHERE p.user_id = u.id ORDER BY k.id)
        FROM quay."user" AS u WHERE u.id = found_id;
END
$$;
COMMENT ON FUNCTION quay.user_get(text, bigint, text, text, text) IS
    'A person, an organization or a robot (kind: user, organization, robot), by one of: username; user_id; uuid, which is what a session knows, people and robots only; email, people only; stripe_id, not robots. No row: there is none. email empty: none is known. removed_tag_expiration_s: seconds. maximum_queued_builds_count NULL: any number. prompts: what the person is to be asked. Times are UTC. Errors: 22023 more than one argument.';

CREATE OR REPLACE FUNCTION quay.user_get_many(usernames text[] DEFAULT NULL, user_ids bigint[] DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, kind text, email text, enabled boolean, verified boolean, uuid text)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT w.name, u.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, u.uuid::text
        FROM unnest(usernames) WITH ORDINALITY AS w (name, i)
        LEFT JOIN quay."user" AS u ON u.username = w.name
        ORDER BY w.i;
    RETURN QUERY
        SELECT u.username::text, w.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, u.uuid::text
        FROM unnest(user_ids) WITH ORDINALITY AS w (id, i)
        LEFT JOIN quay."user" AS u ON u.id = w.id
        ORDER BY w.i;
END
$$;
COMMENT ON FUNCTION quay.user_get_many(text[], bigint[]) IS
    'People, organizations and robots of these names, then those of these ids: one row for each, in the order asked; the other columns are NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.user_list(after text DEFAULT NULL, n integer DEFAULT 100, disabled boolean DEFAULT true,
                                          deleted boolean DEFAULT false, organizations boolean DEFAULT false)
    RETURNS TABLE (username text, user_id bigint, kind text, email text, enabled boolean, verified boolean, being_deleted boolean,
                   creation_date timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start text := coalesce(after, '');
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, quay_internal.account_kind(u.organization, u.robot), quay_internal.email_shown(u.email),
               u.enabled, u.verified, d.id IS NOT NULL, u.creation_date, u.last_accessed
        FROM quay."user" AS u
        LEFT JOIN quay.deletednamespace AS d ON d.namespace_id = u.id
        WHERE u.username > start AND NOT u.robot AND (organizations OR NOT u.organization)
          AND (u.enabled OR disabled) AND (d.id IS NULL OR deleted)
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_list(text, integer, boolean, boolean, boolean) IS
    'People in byte order of their names, at most n, those after the name after. disabled: also those who are disabled. deleted: among these also those whose data wait to be purged, who have a uuid for a name. organizations: these too. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.user_count() RETURNS TABLE (users bigint, organizations bigint, robots bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT count(*) FILTER (WHERE NOT u.organization AND NOT u.robot AND u.enabled),
               count(*) FILTER (WHERE u.organization AND u.enabled),
               count(*) FILTER (WHERE u.robot)
        FROM quay."user" AS u;
END
$$;
COMMENT ON FUNCTION quay.user_count() IS 'How many enabled people and organizations, and how many robots the registry has. Reads the whole table.';

CREATE OR REPLACE FUNCTION quay.namespace_repository_count(namespace text) RETURNS TABLE (public bigint, private bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT count(*) FILTER (WHERE v.name = 'public'), count(*) FILTER (WHERE v.name = 'private')
        FROM quay."user" AS u
        JOIN quay.repository AS r ON r.namespace_user_id = u.id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        WHERE u.username = namespace_repository_count.namespace AND NOT u.robot AND r.state <> 3;
END
$$;
COMMENT ON FUNCTION quay.namespace_repository_count(text) IS
    'How many public and private repositories a namespace has, those marked for deletion left out. One row, of zeros for an unknown namespace.';

CREATE OR REPLACE FUNCTION quay.user_prompt_list(username text) RETURNS TABLE (kind text)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT k.name::text
        FROM quay."user" AS u JOIN quay.userprompt AS p ON p.user_id = u.id JOIN quay.userpromptkind AS k ON k.id = p.kind_id
        WHERE u.username = user_prompt_list.username
        ORDER BY k.id;
END
$$;
COMMENT ON FUNCTION quay.user_prompt_list(text) IS 'What a person is to be asked: confirm_username, enter_name, enter_company. No row: nothing, or no such person.';

CREATE OR REPLACE FUNCTION quay.user_has_prompt(username text, kind text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.user_prompt_list(username) AS p WHERE user_has_prompt.kind IS NULL OR p.kind = user_has_prompt.kind);
END
$$;
COMMENT ON FUNCTION quay.user_has_prompt(text, text) IS 'Is a person to be asked for this; kind NULL: for anything?';

CREATE OR REPLACE FUNCTION quay.user_region_list(username text) RETURNS TABLE (location text)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.name::text
        FROM quay."user" AS u JOIN quay.userregion AS r ON r.user_id = u.id JOIN quay.imagestoragelocation AS l ON l.id = r.location_id
        WHERE u.username = user_region_list.username
        ORDER BY l.name;
END
$$;
COMMENT ON FUNCTION quay.user_region_list(text) IS 'Storage locations that a person prefers. No row: none, or no such person.';

-- Logins.

CREATE OR REPLACE FUNCTION quay.user_has_password(username text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    authentication_type text := quay_internal.setting('authentication_type');
BEGIN
    RETURN EXISTS (
        SELECT FROM quay."user" AS u
        WHERE u.username = user_has_password.username AND NOT u.organization AND NOT u.robot
          AND CASE authentication_type
              WHEN 'database' THEN u.password_hash IS NOT NULL
              ELSE authentication_type IN ('ldap', 'jwt', 'keystone') END);
END
$$;
COMMENT ON FUNCTION quay.user_has_password(text) IS
    'Does a person have a password that can be asked for? By the setting quay.authentication_type: database, if one is set; ldap, jwt and keystone, always; apptoken and oidc, never. False also for an unknown name.';

CREATE OR REPLACE FUNCTION quay.login_is_fresh(username text, logged_in_at timestamptz, kind text DEFAULT 'user') RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF login_is_fresh.kind IS NULL
        OR login_is_fresh.kind <> ALL (ARRAY['user', 'oauth_token', 'sso', 'robot', 'token', 'app_specific_token']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of login',
            DETAIL = format('There is no kind "%s".', left(login_is_fresh.kind, 80)),
            HINT = 'Kinds are those of quay.authenticate(), and sso.';
    END IF;
    RETURN EXISTS (SELECT FROM quay."user" AS u
                   WHERE u.username = login_is_fresh.username AND NOT u.organization AND NOT u.robot AND u.enabled)
        AND CASE login_is_fresh.kind
            WHEN 'user' THEN
                coalesce(logged_in_at >= quay_internal.clock() - make_interval(secs => quay_internal.setting('fresh_login_timeout')::integer), false)
                OR NOT quay.user_has_password(username)
            ELSE login_is_fresh.kind IN ('oauth_token', 'sso') END;
END
$$;
COMMENT ON FUNCTION quay.login_is_fresh(text, timestamptz, text) IS
    'May a sensitive call be made without asking for the password again? Only by an enabled person: in a session (kind user) whose login is not older than quay.fresh_login_timeout, or who has no password to ask for; always with an OAuth token or single sign-on (oauth_token, sso). logged_in_at NULL: unknown, so long ago. Errors: QY009 unknown kind.';

-- Searches, by the beginning of a name. Names are lower-case and in byte order, so the index finds what lies between two bounds.

CREATE OR REPLACE FUNCTION quay_internal.prefix_end(prefix text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN prefix || chr(1114111);
COMMENT ON FUNCTION quay_internal.prefix_end(text) IS 'Upper bound, in byte order, of all that starts with the prefix: the last character of Unicode follows it.';

CREATE OR REPLACE FUNCTION quay.user_search(prefix text, robot_namespace text DEFAULT NULL, organization text DEFAULT NULL,
                                            n integer DEFAULT 20, exact_only boolean DEFAULT false)
    RETURNS TABLE (username text, user_id bigint, email text, robot boolean, is_organization_member boolean)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(coalesce(prefix, '') COLLATE "C");
    wanted_robot text := robot_namespace || '+' || wanted;
    partial boolean := NOT exact_only AND quay_internal.setting('partial_user_autocomplete')::boolean;
    -- No array: membership does not matter.
    member_ids bigint[] := CASE WHEN user_search.organization IS NOT NULL THEN
        ARRAY(SELECT m.user_id FROM quay.team AS t JOIN quay.teammember AS m ON m.team_id = t.id
              WHERE t.organization_id = (quay_internal.organization_get(user_search.organization)).id) END;
BEGIN
    RETURN QUERY
        SELECT f.username::text, f.id, quay_internal.email_shown(f.email), f.robot, f.id = ANY (member_ids)
        FROM ((SELECT u.id, u.username, u.email, u.robot FROM quay."user" AS u
               WHERE NOT u.robot AND NOT u.organization
                 AND u.username >= wanted AND u.username < quay_internal.prefix_end(wanted) AND (partial OR u.username = wanted)
                 AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
               ORDER BY u.username
               LIMIT page_size)
              UNION ALL
              (SELECT u.id, u.username, u.email, u.robot FROM quay."user" AS u
               WHERE u.robot AND split_part(u.username, '+', 1) = robot_namespace
                 AND u.username >= wanted_robot AND u.username < quay_internal.prefix_end(wanted_robot) AND (partial OR u.username = wanted_robot)
               ORDER BY u.username
               LIMIT page_size)) AS f
        -- Robots go before people where an organization is asked about.
        ORDER BY f.username = wanted DESC, coalesce(f.username = wanted_robot, false) DESC, f.robot AND member_ids IS NOT NULL DESC, f.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_search(text, text, text, integer, boolean) IS
    'People whose names start so, and with robot_namespace also robots of that namespace whose short names do; at most n. Upper and lower case are the same. First the one of exactly that name, then the others in byte order; with organization robots go before people, and is_organization_member says who is in one of its teams (NULL without). exact_only, or the setting quay.partial_user_autocomplete off: whole names only. Errors: QY002 organization unknown, QY004 disabled, 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.robot_search(prefix text, username text, n integer DEFAULT 10)
    RETURNS TABLE (robot text, user_id bigint)
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(coalesce(prefix, '') COLLATE "C");
BEGIN
    RETURN QUERY
        SELECT r.username::text, r.id
        FROM (SELECT u.username FROM quay."user" AS u
              WHERE u.username = robot_search.username AND NOT u.organization AND NOT u.robot
              UNION
              SELECT o.username
              FROM quay."user" AS u
              JOIN quay.teammember AS m ON m.user_id = u.id
              JOIN quay.team AS t ON t.id = m.team_id
              JOIN quay.teamrole AS tr ON tr.id = t.role_id AND tr.name = 'admin'
              JOIN quay."user" AS o ON o.id = t.organization_id
              WHERE u.username = robot_search.username) AS ns
        JOIN quay."user" AS r
            ON r.robot AND split_part(r.username, '+', 1) = ns.username AND starts_with(split_part(r.username, '+', 2), wanted)
        ORDER BY r.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.robot_search(text, text, integer) IS
    'Robots whose short names start so, of a person and of the organizations that the person administers, in byte order, at most n. Upper and lower case are the same. Errors: 22023 n negative.';

-- @part step api/104_email_code.sql
-- Codes that are mailed: they confirm an e-mail address, or let somebody in who has forgotten the password. A code is base64 of
-- "public:private"; the public part finds the row, which holds a bcrypt hash of the private part.

CREATE OR REPLACE FUNCTION quay_internal.email_code_insert(user_id bigint, pw_reset boolean, new_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    public_part text := quay_internal.token_random(16);
    private_part text := quay_internal.token_random(20);
BEGIN
    INSERT INTO quay.emailconfirmation (code, verification_code, user_id, pw_reset, email_confirm, new_email, created)
    VALUES (public_part, quay_internal.password_hash(private_part, quay_internal.setting('bcrypt_cost')::integer), email_code_insert.user_id,
            email_code_insert.pw_reset, NOT email_code_insert.pw_reset, email_code_insert.new_email, quay_internal.utc_now());
    RETURN encode(convert_to(public_part || ':' || private_part, 'UTF8'), 'base64');
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_insert(bigint, boolean, text) IS
    'Makes a code for a person and returns it in the form to be mailed: to reset the password (pw_reset), or else to confirm the address, or a new one.';

CREATE OR REPLACE FUNCTION quay_internal.email_code_expiry(pw_reset boolean) RETURNS timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lifetime integer := quay_internal.setting(CASE WHEN email_code_expiry.pw_reset THEN 'user_recovery_token_lifetime'
                                                   ELSE 'email_confirmation_lifetime' END)::integer;
BEGIN
    RETURN CASE WHEN lifetime = 0 THEN '-infinity' ELSE quay_internal.utc_now() - make_interval(secs => lifetime) END;
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_expiry(boolean) IS 'Codes created before this time have expired: those that reset a password, or those that confirm an address.';

CREATE OR REPLACE FUNCTION quay_internal.email_code_take(code text, pw_reset boolean) RETURNS quay.emailconfirmation
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    decoded text;
    stored quay.emailconfirmation;
    matches boolean;
BEGIN
    IF email_code_take.code COLLATE "C" ~ '^([A-Za-z0-9+/]{4})+([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
        AND char_length(email_code_take.code) <= 255 THEN
        -- Both parts are ASCII; whatever else the bytes are, is escaped and matches no row.
        decoded := encode(decode(email_code_take.code, 'base64'), 'escape');
    END IF;
    SELECT * INTO stored FROM quay.emailconfirmation AS c
    WHERE c.code = split_part(decoded, ':', 1) AND c.pw_reset = email_code_take.pw_reset AND c.email_confirm <> email_code_take.pw_reset;

    -- Hashing takes long, so it comes before the lock. Without a private part, given and stored, nothing matches.
    matches := stored.id IS NOT NULL AND decoded ~ '^[^:]+:[^:]+$' AND stored.created >= quay_internal.email_code_expiry(pw_reset)
        AND quay_internal.password_verify(split_part(decoded, ':', 2), stored.verification_code);
    -- Of two who use it at once one deletes it. The person is locked first, as where all codes of one go.
    IF matches THEN
        PERFORM FROM quay."user" AS u WHERE u.id = stored.user_id FOR NO KEY UPDATE;
        DELETE FROM quay.emailconfirmation AS c WHERE c.id = stored.id;
        matches := FOUND;
    END IF;
    IF NOT matches THEN
        RAISE EXCEPTION USING ERRCODE = 'QY017',
            MESSAGE = CASE WHEN pw_reset THEN 'invalid recovery code' ELSE 'invalid e-mail confirmation code' END,
            DETAIL = 'The code is unknown, incomplete, expired or used.',
            HINT = CASE WHEN pw_reset THEN 'Ask for another with quay.user_recover().' ELSE 'Make another with quay.user_email_code_create().' END;
    END IF;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION quay_internal.email_code_take(text, boolean) IS
    'Uses up a code: deletes it and returns what it was. Errors: QY017 unknown, without its private part, expired or used, or not for this purpose.';

CREATE OR REPLACE FUNCTION quay_internal.email_address_require_free(email text, user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u
               WHERE u.email = email_address_require_free.email AND NOT u.organization AND u.id <> email_address_require_free.user_id) THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.email_address_require_free(text, bigint) IS 'Refuses (QY011) an e-mail address that another person has.';

CREATE OR REPLACE FUNCTION quay.user_email_code_create(username text, new_email text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    address text := nullif(user_email_code_create.new_email, '');
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
        PERFORM quay_internal.email_address_require_free(address, target.id);
    END IF;
    RETURN quay_internal.email_code_insert(target.id, false, address);
END
$$;
COMMENT ON FUNCTION quay.user_email_code_create(text, text) IS
    'Makes a code that confirms the e-mail address of a person, or a new one, to which it is to be mailed. Good for quay.email_confirmation_lifetime. Errors: QY007 user unknown, QY010 e-mail invalid, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay.user_email_confirm(code text, ip text DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, email text, old_email text, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used quay.emailconfirmation := quay_internal.email_code_take(code, false);
    target quay."user";
BEGIN
    SELECT * INTO target FROM quay."user" AS u WHERE u.id = used.user_id;
    IF used.new_email <> target.email THEN
        old_email := quay_internal.email_shown(target.email);
        PERFORM quay_internal.user_email_change(target, used.new_email);
        PERFORM quay_internal.user_log('user_change_email', target, false, NULL,
            jsonb_build_object('email', used.new_email, 'old_email', old_email), user_email_confirm.ip);
    ELSE
        UPDATE quay."user" AS u SET verified = true WHERE u.id = target.id AND NOT u.verified;
    END IF;
    username := target.username;
    user_id := target.id;
    email := coalesce(used.new_email, quay_internal.email_shown(target.email));
    uuid := target.uuid;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_confirm(text, text) IS
    'Uses a code that confirms an e-mail address: the person is verified, and has the new address if the code was for one. One row: who; the address now, and the one before (empty: none) if it changed; the uuid by which a session knows the person. Of two uses at once one succeeds. Errors: QY011 somebody has got the address meanwhile, QY017 code invalid, expired or used.';

CREATE OR REPLACE FUNCTION quay.user_recovery_code_create(username text, by_administrator boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    RETURN quay_internal.email_code_insert(target.id, true);
END
$$;
COMMENT ON FUNCTION quay.user_recovery_code_create(text, boolean) IS
    'Makes a code that lets a person in to set a new password, to be mailed to his address. Good for quay.user_recovery_token_lifetime. Errors: QY007 user unknown, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_recover(email text)
    RETURNS TABLE (status text, username text, code text, organizations jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint;
BEGIN
    SELECT u.id, u.username INTO target_id, username FROM quay."user" AS u
    WHERE u.email = user_recover.email AND NOT u.organization AND NOT u.robot AND u.enabled;
    IF FOUND THEN
        code := quay_internal.email_code_insert(target_id, true);
    END IF;
    SELECT jsonb_agg(jsonb_build_object('name', o.username, 'administrators', ARRAY(
        SELECT DISTINCT m.username::text
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
        JOIN quay.teammember AS tm ON tm.team_id = t.id
        JOIN quay."user" AS m ON m.id = tm.user_id AND m.enabled AND NOT m.robot
        WHERE t.organization_id = o.id
        ORDER BY m.username::text)) ORDER BY o.username)
    INTO organizations
    FROM quay."user" AS o
    WHERE o.email = user_recover.email AND o.organization AND o.enabled;
    status := CASE WHEN target_id IS NULL AND organizations IS NOT NULL THEN 'org' ELSE 'sent' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_recover(text) IS
    'Somebody has forgotten the password of the account with this e-mail address. One row. status is for him: org, if only organizations have the address, which nobody logs in to; sent otherwise, also if there is none. The rest is for the mail to that address, which is not to be sent if all of it is NULL: the person''s name and a code for user_recovery_confirm(); the organizations, an array of {name, administrators}.';

CREATE OR REPLACE FUNCTION quay.user_recovery_confirm(code text) RETURNS TABLE (username text, user_id bigint, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    used quay.emailconfirmation := quay_internal.email_code_take(code, true);
BEGIN
    UPDATE quay."user" AS u SET verified = true WHERE u.id = used.user_id AND NOT u.verified;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = used.user_id AND c.pw_reset;
    RETURN QUERY SELECT u.username::text, u.id, u.uuid::text FROM quay."user" AS u WHERE u.id = used.user_id;
END
$$;
COMMENT ON FUNCTION quay.user_recovery_confirm(text) IS
    'Uses a recovery code: whoever read the mail has verified its address, and may set a new password with user_password_set(). All other recovery codes of the person are void. One row: who, and the uuid to open a session with. Of two uses at once one succeeds. Errors: QY017 code invalid, expired or used.';

CREATE OR REPLACE FUNCTION quay.email_code_purge(n integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reset_expiry timestamp := quay_internal.email_code_expiry(true);
    confirm_expiry timestamp := quay_internal.email_code_expiry(false);
    purged bigint;
BEGIN
    DELETE FROM quay.emailconfirmation AS c
    WHERE c.id IN (SELECT e.id FROM quay.emailconfirmation AS e
                   WHERE e.created < CASE WHEN e.pw_reset THEN reset_expiry ELSE confirm_expiry END
                   LIMIT page_size
                   FOR UPDATE SKIP LOCKED);
    GET DIAGNOSTICS purged = ROW_COUNT;
    RETURN purged;
END
$$;
COMMENT ON FUNCTION quay.email_code_purge(integer) IS
    'Deletes codes that have expired, at most n, and returns how many. Calls at once share the work. Errors: 22023 n negative.';

-- @part step api/106_federated_login.sql
-- Logins at identity providers that are linked to people: by service, and the name (ident) that the service knows the person by.

CREATE OR REPLACE FUNCTION quay_internal.loginservice_ensure(service text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF loginservice_ensure.service IS NULL OR char_length(loginservice_ensure.service) NOT BETWEEN 1 AND 255
        OR loginservice_ensure.service = 'quayrobot' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'illegal login service',
            DETAIL = format('People cannot log in with "%s".', left(loginservice_ensure.service, 80)),
            HINT = 'Use 1 to 255 characters; quayrobot is for robots.';
    END IF;
    SELECT s.id INTO found_id FROM quay.loginservice AS s WHERE s.name = loginservice_ensure.service;
    IF NOT FOUND THEN
        INSERT INTO quay.loginservice AS s (name) VALUES (loginservice_ensure.service)
        ON CONFLICT (name) DO UPDATE SET name = EXCLUDED.name
        RETURNING s.id INTO found_id;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.loginservice_ensure(text) IS
    'Id of a login service, which is added if it is new. Errors: QY009 no name for a service of people.';

CREATE OR REPLACE FUNCTION quay_internal.federated_login_insert(user_id bigint, service text, ident text, metadata jsonb) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_service_id bigint := quay_internal.loginservice_ensure(service);
    present record;
BEGIN
    IF federated_login_insert.ident IS NULL OR char_length(federated_login_insert.ident) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal ident of a federated login',
            DETAIL = CASE WHEN federated_login_insert.ident IS NULL THEN 'It is NULL.'
                          ELSE format('It has %s characters.', char_length(federated_login_insert.ident)) END,
            HINT = 'Pass what the service calls the person, 1 to 255 characters.';
    END IF;
    INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
    VALUES (federated_login_insert.user_id, wanted_service_id, federated_login_insert.ident, coalesce(federated_login_insert.metadata, '{}')::text)
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;
    SELECT l.user_id AS owner_id, u.username, l.service_ident INTO present
    FROM quay.federatedlogin AS l JOIN quay."user" AS u ON u.id = l.user_id
    WHERE l.service_id = wanted_service_id
      AND (l.service_ident = federated_login_insert.ident OR l.user_id = federated_login_insert.user_id)
    ORDER BY l.service_ident = federated_login_insert.ident DESC
    LIMIT 1;
    IF present.owner_id = federated_login_insert.user_id AND present.service_ident = federated_login_insert.ident THEN
        RETURN false;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'federated login is already attached',
        DETAIL = CASE WHEN present.owner_id = federated_login_insert.user_id
            THEN format('User "%s" is already attached to the %s account "%s".', present.username, service, left(present.service_ident, 80))
            ELSE format('The %s account "%s" is already attached to another user.', service, left(federated_login_insert.ident, 80)) END,
        HINT = 'Detach it there first, with quay.federated_login_detach().';
END
$$;
COMMENT ON FUNCTION quay_internal.federated_login_insert(bigint, text, text, jsonb) IS
    'Links a person to an account of a service. False if so linked already. Errors: QY006 either is linked elsewhere, QY009 illegal service, 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay.federated_login_attach(username text, service text, ident text, metadata jsonb DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    RETURN quay_internal.federated_login_insert(target.id, service, ident, metadata);
END
$$;
COMMENT ON FUNCTION quay.federated_login_attach(text, text, text, jsonb) IS
    'Links a person to an account at an identity provider. service: ldap, oidc, github and so on, added if new. ident: what the service calls the person, for good. metadata: what else is known, as service_username. True if linked, false if it was so already. Errors: QY006 the account is linked to somebody else, or the person to another account of the service; QY007 user unknown; QY009 illegal service; 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay.federated_login_detach(username text, service text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    DELETE FROM quay.federatedlogin AS l
    USING quay.loginservice AS s
    WHERE s.id = l.service_id AND s.name = federated_login_detach.service AND l.user_id = target.id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.federated_login_detach(text, text) IS
    'Removes the link of a person to a service. False if there was none, or no such service. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.federated_login_list(username text) RETURNS TABLE (service text, ident text, metadata jsonb)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.name::text, l.service_ident::text, l.metadata_json::jsonb
        FROM quay."user" AS u
        JOIN quay.federatedlogin AS l ON l.user_id = u.id
        JOIN quay.loginservice AS s ON s.id = l.service_id
        WHERE u.username = federated_login_list.username AND s.name <> 'quayrobot'
        ORDER BY s.name;
END
$$;
COMMENT ON FUNCTION quay.federated_login_list(text) IS
    'Accounts at identity providers that a person is linked to, by name of the service. No row: none, or no such person.';

CREATE OR REPLACE FUNCTION quay.federated_login_get(service text, ident text)
    RETURNS TABLE (username text, user_id bigint, uuid text, email text, enabled boolean, verified boolean, metadata jsonb)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, u.uuid::text, quay_internal.email_shown(u.email), u.enabled, u.verified, l.metadata_json::jsonb
        FROM quay.loginservice AS s
        JOIN quay.federatedlogin AS l ON l.service_id = s.id AND l.service_ident = federated_login_get.ident
        JOIN quay."user" AS u ON u.id = l.user_id
        WHERE s.name = federated_login_get.service AND s.name <> 'quayrobot';
END
$$;
COMMENT ON FUNCTION quay.federated_login_get(text, text) IS 'Person who is linked to this account of a service, disabled or not. No row: nobody is.';

CREATE OR REPLACE FUNCTION quay.federated_login_verify(service text, ident text)
    RETURNS TABLE (username text, user_id bigint, uuid text, enabled boolean, verified boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT l.username, l.user_id, l.uuid, l.enabled, l.verified INTO username, user_id, uuid, enabled, verified
    FROM quay.federated_login_get(service, ident) AS l;
    IF FOUND THEN
        IF enabled AND quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(user_id);
        END IF;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.federated_login_verify(text, text) IS
    'The same for somebody who logs in with that account: records, where the transaction may write, that the person was active. A front end lets nobody in who is not enabled. No row: nobody is linked.';

CREATE OR REPLACE FUNCTION quay.federated_login_get_many(service text, idents text[] DEFAULT NULL, usernames text[] DEFAULT NULL)
    RETURNS TABLE (ident text, username text, user_id bigint)
    LANGUAGE plpgsql STABLE ROWS 20 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_service_id bigint := (SELECT s.id FROM quay.loginservice AS s WHERE s.name = federated_login_get_many.service AND s.name <> 'quayrobot');
BEGIN
    -- Two statements: each has the index that it needs.
    RETURN QUERY
        SELECT l.service_ident::text, u.username::text, u.id
        FROM quay.federatedlogin AS l JOIN quay."user" AS u ON u.id = l.user_id
        WHERE l.service_id = found_service_id AND l.service_ident = ANY (idents)
        ORDER BY l.service_ident;
    RETURN QUERY
        SELECT l.service_ident::text, u.username::text, u.id
        FROM quay."user" AS u JOIN quay.federatedlogin AS l ON l.user_id = u.id
        WHERE l.service_id = found_service_id AND u.username = ANY (usernames)
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.federated_login_get_many(text, text[], text[]) IS
    'For the members of a group: who is linked to these accounts of a service; then to which accounts these people are linked. No row for those who are not.';

CREATE OR REPLACE FUNCTION quay.federated_login_find(service_username text)
    RETURNS TABLE (username text, user_id bigint, service text, ident text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, s.name::text, l.service_ident::text
        FROM quay.federatedlogin AS l
        JOIN quay."user" AS u ON u.id = l.user_id
        JOIN quay.loginservice AS s ON s.id = l.service_id
        WHERE l.metadata_json::jsonb ->> 'service_username' = federated_login_find.service_username AND NOT u.robot
        ORDER BY l.id DESC
        LIMIT 1;
END
$$;
COMMENT ON FUNCTION quay.federated_login_find(text) IS
    'Person whom an identity provider calls so: service_username in the metadata of the link, exactly; the youngest link if there are several. No row: nobody.';

-- Creation of people who log in elsewhere.

CREATE OR REPLACE FUNCTION quay_internal.username_base(name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Letters without a decomposition of their own come first; what accents leave behind when they are split off goes; all in ASCII then.
    result text := translate(coalesce(username_base.name, ''), 'øØđĐðÐłŁħĦıþÞ', 'oOdDdDlLhHitT');
BEGIN
    result := replace(replace(replace(replace(replace(result, 'ß', 'ss'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE');
    result := regexp_replace(normalize(result, NFKD) COLLATE "C", '[\u0300-\u036F]', '', 'g');
    result := left(regexp_replace(lower(trim(result) COLLATE "C"), '[^a-z0-9_-]', '_', 'g'), 255);
    -- Between letters and digits one dash or one underscore may stand, and neither at an end.
    result := regexp_replace(result, '[_-]*_[_-]*', '_', 'g');
    result := regexp_replace(result, '-{2,}', '-', 'g');
    RETURN trim(result, '_-');
END
$$;
COMMENT ON FUNCTION quay_internal.username_base(text) IS
    'The name made into what a user name may start with, maybe empty: accents off, lower case, "_" for all else but letters, digits, "_" and "-", of several of which one stays.';

CREATE OR REPLACE FUNCTION quay_internal.username_suffix(number integer, length integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text := '';
BEGIN
    FOR i IN 1 .. length LOOP
        result := substr('0123456789abcdefghijklmnopqrstuvwxyz', number % 36 + 1, 1) || result;
        number := number / 36;
    END LOOP;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.username_suffix(integer, integer) IS 'The number in base 36, with so many digits.';

CREATE OR REPLACE FUNCTION quay.username_generate(name text, trusted boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    base text := quay_internal.username_base(name);
    candidate text;
BEGIN
    -- Without a suffix, then with every one of one character, and so on; at least two characters in all.
    FOR length IN greatest(0, 2 - char_length(base)) .. 4 LOOP
        FOR number IN 0 .. (36 ^ length)::integer - 1 LOOP
            candidate := rtrim(left(base, 255 - length), '_-') || quay_internal.username_suffix(number, length);
            IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = candidate)
                AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = candidate)
                AND (trusted AND candidate = username_generate.name
                     OR NOT EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = candidate)) THEN
                RETURN candidate;
            END IF;
        END LOOP;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay.username_generate(text, boolean) IS
    'A free user name for somebody whom an identity provider calls so: accents off, lower case, "_" for all but letters, digits, "_" and "-"; if that is too short or taken, with the first free suffix of 0 to 9 and a to z, as short as possible. Only Latin letters are transliterated. A name that is listed in quay.superuser is taken, unless trusted and the name itself. NULL if nothing is free.';

CREATE OR REPLACE FUNCTION quay.user_create_federated(username text, email text, service text, ident text, metadata jsonb DEFAULT '{}',
                                                      email_required boolean DEFAULT true, confirm_username boolean DEFAULT NULL,
                                                      password_notification boolean DEFAULT false, prompts text[] DEFAULT NULL,
                                                      actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    address text := nullif(user_create_federated.email, '');
    all_prompts text[] := coalesce(user_create_federated.prompts, quay_internal.prompt_default());
    new_id bigint;
BEGIN
    IF email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.name_check('namespace', user_create_federated.username);
    IF coalesce(confirm_username, quay_internal.setting('username_confirmation')::boolean) THEN
        all_prompts := all_prompts || 'confirm_username'::text;
    END IF;

    new_id := quay_internal.account_insert(user_create_federated.username, address, verified => true);
    PERFORM quay_internal.federated_login_insert(new_id, service, ident, metadata);
    INSERT INTO quay.userprompt (user_id, kind_id)
    SELECT DISTINCT new_id, quay_internal.userpromptkind_id(p.kind) FROM unnest(all_prompts) AS p (kind);
    IF password_notification THEN
        PERFORM quay_internal.notification_add('password_required', new_id);
    END IF;
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create_federated.username, 'email', address, 'service', service), user_create_federated.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create_federated(text, text, text, text, jsonb, boolean, boolean, boolean, text[], text, text) IS
    'Creates a person without a password who is linked to an account of a service, and returns the id. The e-mail address counts as verified. email_required false: NULL or empty is no address. confirm_username: the person is asked to confirm the name, by default if the setting quay.username_confirmation is on. password_notification: the person is told to set a password for command lines. prompts: NULL for those of the setting quay.user_metadata. Errors: QY001 illegal name, QY006 name taken or account linked, QY007 actor unknown, QY009 unknown prompt or illegal service, QY010 e-mail invalid, QY011 e-mail taken, 22023 illegal ident.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_follow(user_id bigint, email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    IF email LIKE '%@%' AND char_length(email) <= 254
        AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = user_email_follow.user_id AND u.email <> user_email_follow.email) THEN
        SELECT * INTO target FROM quay."user" AS u WHERE u.id = user_email_follow.user_id FOR NO KEY UPDATE;
        UPDATE quay."user" AS u SET email = user_email_follow.email WHERE u.id = target.id;
        PERFORM quay_internal.user_log('user_change_email', target, false, NULL,
            jsonb_build_object('email', user_email_follow.email, 'old_email', target.email), NULL);
    END IF;
EXCEPTION WHEN unique_violation THEN
    -- Another person has it here; the login must not fail for that.
    RETURN;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_follow(bigint, text) IS
    'The identity provider gives another e-mail address: it replaces the old one, unless another person has it.';

CREATE OR REPLACE FUNCTION quay.federated_login_link(service text, ident text, email text DEFAULT NULL, name text DEFAULT NULL,
                                                     metadata jsonb DEFAULT '{}', email_required boolean DEFAULT true,
                                                     internal boolean DEFAULT false, password_notification boolean DEFAULT false,
                                                     ip text DEFAULT NULL)
    RETURNS TABLE (username text, user_id bigint, uuid text, enabled boolean, created boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The registry's own provider says who the superusers of the registry are; any other must not hand out their names.
    trusted boolean := service = CASE quay_internal.setting('authentication_type') WHEN 'jwt' THEN 'jwtauthn'
                                      ELSE quay_internal.setting('authentication_type') END;
    new_name text;
BEGIN
    created := false;
    FOR attempt IN 1 .. 10 LOOP
        SELECT l.username, l.user_id, l.uuid, l.enabled INTO username, user_id, uuid, enabled
        FROM quay.federated_login_verify(service, ident) AS l;
        IF FOUND THEN
            IF NOT created AND quay_internal.can_write() THEN
                PERFORM quay_internal.user_email_follow(user_id, email);
            END IF;
            RETURN NEXT;
            RETURN;
        END IF;
        IF NOT internal THEN
            PERFORM quay_internal.user_creation_require(email);
        END IF;
        new_name := quay.username_generate(coalesce(nullif(name, ''), ident), trusted);
        BEGIN
            PERFORM quay.user_create_federated(new_name, email, service, ident, metadata, email_required => email_required,
                password_notification => password_notification, ip => federated_login_link.ip);
            created := true;
        EXCEPTION WHEN SQLSTATE 'QY006' THEN
            -- Somebody else has just taken the name, or the same person logs in twice at once: look again.
            IF attempt = 10 OR current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE;
            END IF;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.federated_login_link(text, text, text, text, jsonb, boolean, boolean, boolean, text) IS
    'Somebody has logged in at an identity provider: returns the person who is linked to this account, and creates one if nobody is. One row; created says which. A known person gets the e-mail address that the provider gives, unless another person has it. name: what the user name is made from (see username_generate()), by default the ident. internal: creation is allowed even where nobody may sign up, as for the synchronization of a team. email_required, metadata and password_notification as in user_create_federated(). Two first logins at once make one person. Errors: QY006 only if names are taken again and again; QY009 illegal service; QY010 e-mail invalid; QY011 somebody else has the e-mail address: he is to log in and attach the account himself; QY015 nobody may sign up with this address; 22023 illegal ident.';

-- @part step api/110_organization.sql
-- Organizations: finding them, creating them, and who belongs to them. Their teams stand in 114_team.sql.

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

CREATE OR REPLACE FUNCTION quay_internal.organization_lock(organization text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = organization_lock.organization FOR NO KEY UPDATE;
    RETURN quay_internal.organization_get(organization);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_lock(text) IS
    'Enabled organization of that name, of which nobody else takes an administrator away until we commit. Errors: QY002 unknown or a person, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.organization_lock_administered(username text) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.id FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = organization_lock_administered.username AND r.name = 'admin')
        ORDER BY o.id
        FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_lock_administered(text) IS
    'Ids of the organizations in whose teams of role admin this user is. Nobody else takes an administrator away from them until we commit. To be called before the row of the user is locked: everybody locks organizations first.';

CREATE OR REPLACE FUNCTION quay_internal.person_keep(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM quay."user" AS u WHERE u.username = person_keep.username FOR SHARE;
    RETURN quay_internal.person_get(username);
END
$$;
COMMENT ON FUNCTION quay_internal.person_keep(text) IS
    'Person of that name, enabled or not, who stays what he is until we commit: who disables, converts or deletes him waits, and then finds what we did. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.administrator_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user" := quay_internal.person_keep(username);
BEGIN
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('User "%s" is disabled.', result.username),
            HINT = 'Name another person.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.administrator_get(text) IS
    'Enabled person of that name, who stays so until we commit. Errors: QY007 unknown, or an organization or a robot, QY013 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.email_shown(email text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN pg_catalog.strpos(email, '@') > 0 THEN email ELSE '' END;
COMMENT ON FUNCTION quay_internal.email_shown(text) IS 'The e-mail address in a row; empty if what stands there only takes the place of one.';

CREATE OR REPLACE FUNCTION quay_internal.organization_email_require(email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Organizations may share an address among themselves, but not with a user.
    IF NOT quay_internal.setting('organization_shared_email')::boolean
       AND EXISTS (SELECT FROM quay."user" AS u WHERE u.email = organization_email_require.email AND NOT u.organization) THEN
        PERFORM quay_internal.email_taken(organization_email_require.email);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_email_require(text) IS
    'Refuses (QY011) an organization the e-mail address of a user, unless quay.organization_shared_email is on.';

CREATE OR REPLACE FUNCTION quay_internal.owners_create(organization_id bigint, administrator_id bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.team (name, organization_id, role_id, description)
    -- The organization may have a team of that name that is of another role.
    SELECT n.name, owners_create.organization_id, quay_internal.teamrole_id('admin'), ''
    FROM (SELECT 'owners' || CASE WHEN i > 1 THEN i::text ELSE '' END AS name, i FROM generate_series(1, 1000) AS i) AS n
    WHERE NOT EXISTS (SELECT FROM quay.team AS t WHERE t.organization_id = owners_create.organization_id AND t.name = n.name)
    ORDER BY n.i
    LIMIT 1
    RETURNING id INTO new_id;
    INSERT INTO quay.teammember (user_id, team_id) VALUES (owners_create.administrator_id, new_id);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.owners_create(bigint, bigint) IS
    'Creates the team "owners" of an organization, of role admin and with this member, and returns its id. If the name is taken, the team is "owners2" and so on.';

CREATE OR REPLACE FUNCTION quay.organization_create(name text, email text, creator text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                    email_required boolean DEFAULT true, possible_abuser boolean DEFAULT false,
                                                    contact_email text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_admin quay."user" := quay_internal.administrator_get(organization_create.creator);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_create.actor), first_admin.id);
    address text := coalesce(nullif(organization_create.contact_email, ''), nullif(organization_create.email, ''));
    new_id bigint;
BEGIN
    PERFORM quay_internal.name_check('namespace', organization_create.name);
    IF address IS NOT NULL AND organization_create.email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.organization_email_require(address);

    new_id := quay_internal.account_insert(organization_create.name, address, organization => true,
        possible_abuser => organization_create.possible_abuser);
    PERFORM quay_internal.owners_create(new_id, first_admin.id);
    PERFORM quay_internal.log_add('org_create', new_id, performer_id, NULL,
        jsonb_build_object('namespace', organization_create.name, 'email', address), organization_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_create(text, text, text, text, text, boolean, boolean, text) IS
    'Creates an organization, its team "owners" of role admin and the creator as its first member, and returns its id. email: NULL or empty for none; organizations may share one, and with quay.organization_shared_email also that of a user. contact_email: goes before email. email_required: false leaves the form of a given address unchecked. possible_abuser: quay.threat_maximum_build_count applies instead of quay.default_maximum_build_count. Errors: QY001 illegal name, QY006 name taken, QY007 creator or actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail, QY013 creator disabled.';

CREATE OR REPLACE FUNCTION quay.organization_get(organization text)
    RETURNS TABLE (organization_id bigint, name text, email text, enabled boolean, creation_date timestamp, removed_tag_expiration_s bigint,
                   invoice_email boolean, invoice_email_address text, stripe_id text, maximum_queued_builds_count integer,
                   team_count bigint, member_count bigint, robot_count bigint, repository_count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled, u.creation_date, u.removed_tag_expiration_s,
               u.invoice_email, u.invoice_email_address::text, u.stripe_id::text, u.maximum_queued_builds_count,
               (SELECT count(*) FROM quay.team AS t WHERE t.organization_id = u.id),
               (SELECT count(DISTINCT p.id) FROM quay.team AS t JOIN quay.teammember AS m ON m.team_id = t.id
                JOIN quay."user" AS p ON p.id = m.user_id AND NOT p.robot WHERE t.organization_id = u.id),
               (SELECT count(*) FROM quay."user" AS b WHERE split_part(b.username, '+', 1) = u.username AND b.robot),
               (SELECT count(*) FROM quay.repository AS r WHERE r.namespace_user_id = u.id AND r.state <> 3)
        FROM quay."user" AS u
        WHERE u.username = organization_get.organization AND u.organization;
END
$$;
COMMENT ON FUNCTION quay.organization_get(text) IS
    'An organization, enabled or not; no row if there is none of that name. email: empty for none. Who may see what of it is for the front end to decide: the reference shows the e-mail and invoice columns, the tag expiration and stripe_id to administrators only. member_count: people in its teams. repository_count: without those marked for deletion. Dates are UTC.';

CREATE OR REPLACE FUNCTION quay.organization_list(after text DEFAULT NULL, n integer DEFAULT 100, include_disabled boolean DEFAULT true,
                                                  include_deleted boolean DEFAULT false)
    RETURNS TABLE (organization_id bigint, name text, email text, enabled boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled, u.creation_date
        FROM quay."user" AS u
        WHERE u.organization AND u.username > coalesce(organization_list.after, '') COLLATE "C"
          AND (u.enabled OR organization_list.include_disabled)
          AND (organization_list.include_deleted OR NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id))
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_list(text, integer, boolean, boolean) IS
    'Organizations in byte order of their names, at most n, those after the name after. include_deleted: also those that wait to be purged, under the names that they have meanwhile; they are disabled. email: empty for none. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.organization_count(include_disabled boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay."user" AS u
            WHERE u.organization AND (u.enabled OR organization_count.include_disabled)
              AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id));
END
$$;
COMMENT ON FUNCTION quay.organization_count(boolean) IS 'Number of organizations, without those that wait to be purged.';

CREATE OR REPLACE FUNCTION quay.organization_list_by_email(email text)
    RETURNS TABLE (organization_id bigint, name text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.enabled FROM quay."user" AS u
        WHERE u.email = organization_list_by_email.email AND u.organization
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.organization_list_by_email(text) IS
    'Organizations with exactly this e-mail address, by name: several may share one. organization_admin_list_many() tells whom to write to about them.';

CREATE OR REPLACE FUNCTION quay.user_organization_list(username text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization_id bigint, name text, is_admin boolean, can_create_repository boolean, teams text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT o.id, o.username::text, bool_or(r.name = 'admin'), bool_or(r.name IN ('admin', 'creator')),
               array_agg(t.name::text ORDER BY t.name)
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        WHERE u.username = user_organization_list.username AND o.username > coalesce(user_organization_list.after, '') COLLATE "C"
        GROUP BY o.id, o.username
        ORDER BY o.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_organization_list(text, text, integer) IS
    'Enabled organizations of which a person or robot is in any team, by name, at most n, those after the name after. is_admin: in a team of role admin; can_create_repository: in one of role admin or creator; teams: all of his there. No rows for a user who is unknown. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.organization_administers(user_id bigint, organization_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammember AS m
                   JOIN quay.team AS t ON t.id = m.team_id
                   JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
                   WHERE m.user_id = organization_administers.user_id AND t.organization_id = organization_administers.organization_id);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_administers(bigint, bigint) IS 'Is the person or robot in a team of role admin of the organization?';

CREATE OR REPLACE FUNCTION quay.organization_is_admin(organization text, username text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.organization_administers(
        (SELECT u.id FROM quay."user" AS u WHERE u.username = organization_is_admin.username),
        (SELECT o.id FROM quay."user" AS o WHERE o.username = organization_is_admin.organization));
END
$$;
COMMENT ON FUNCTION quay.organization_is_admin(text, text) IS
    'Is the person or robot in a team of role admin of the organization? False for names that are unknown. Only memberships count: not the rights of superusers, and not whether the accounts are enabled; what somebody may do is for access_check_namespace().';

CREATE OR REPLACE FUNCTION quay.organization_admin_list_many(organizations text[])
    RETURNS TABLE (organization text, user_id bigint, username text, email text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT o.username::text, u.id, u.username::text, quay_internal.email_shown(u.email), u.enabled
        FROM quay."user" AS o
        JOIN quay.team AS t ON t.organization_id = o.id
        JOIN quay.teamrole AS r ON r.id = t.role_id AND r.name = 'admin'
        JOIN quay.teammember AS m ON m.team_id = t.id
        JOIN quay."user" AS u ON u.id = m.user_id AND NOT u.robot
        WHERE o.username = ANY (organizations)
        ORDER BY 1, 3;
END
$$;
COMMENT ON FUNCTION quay.organization_admin_list_many(text[]) IS
    'People in teams of role admin of these organizations, each once per organization, by names. email: empty for none. No rows for an organization that is unknown or has none.';

CREATE OR REPLACE FUNCTION quay.organization_admin_list(organization text)
    RETURNS TABLE (user_id bigint, username text, email text, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY SELECT a.user_id, a.username, a.email, a.enabled FROM quay.organization_admin_list_many(ARRAY[org.username]) AS a;
END
$$;
COMMENT ON FUNCTION quay.organization_admin_list(text) IS
    'People in teams of role admin of an organization, each once, by name. email: empty for none. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_list(organization text, include_robots boolean DEFAULT false, among text[] DEFAULT NULL,
                                                         after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, enabled boolean, is_admin boolean, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, u.enabled, bool_or(r.name = 'admin'), array_agg(t.name::text ORDER BY t.name),
               ARRAY(SELECT p.name::text FROM quay.repositorypermission AS g JOIN quay.repository AS p ON p.id = g.repository_id
                     WHERE g.user_id = u.id AND p.namespace_user_id = org.id AND p.state <> 3 ORDER BY p.name)
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay.teammember AS m ON m.team_id = t.id
        JOIN quay."user" AS u ON u.id = m.user_id
        WHERE t.organization_id = org.id AND (organization_member_list.include_robots OR NOT u.robot)
          AND (among IS NULL OR u.username = ANY (among))
          AND u.username > coalesce(organization_member_list.after, '') COLLATE "C"
        GROUP BY u.id, u.username, u.robot, u.enabled
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_member_list(text, boolean, text[], text, integer) IS
    'People, and with include_robots robots, who are in any team of an organization, by name, at most n, those after the name after. among: only these names; none for an empty array. is_admin: in a team of role admin. repositories: those in which the member holds a permission himself. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_get(organization text, INOUT username text, OUT user_id bigint, OUT is_robot boolean,
                                                        OUT enabled boolean, OUT is_admin boolean, OUT teams text[], OUT repositories text[])
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT u.username::text, u.id, u.robot, u.enabled, coalesce(bool_or(r.name = 'admin'), false),
               coalesce(array_agg(t.name::text ORDER BY t.name) FILTER (WHERE t.id IS NOT NULL), '{}'),
               ARRAY(SELECT p.name::text FROM quay.repositorypermission AS g JOIN quay.repository AS p ON p.id = g.repository_id
                     WHERE g.user_id = u.id AND p.namespace_user_id = org.id AND p.state <> 3 ORDER BY p.name)
        FROM quay."user" AS u
        LEFT JOIN (quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id AND t.organization_id = org.id
                   JOIN quay.teamrole AS r ON r.id = t.role_id) ON m.user_id = u.id
        WHERE u.username = organization_member_get.username
        GROUP BY u.id, u.username, u.robot, u.enabled
        HAVING count(t.id) > 0 OR u.robot AND split_part(u.username, '+', 1) = org.username;
END
$$;
COMMENT ON FUNCTION quay.organization_member_get(text, text) IS
    'A person or robot in any team of an organization, or a robot of it in none; no row for others. is_admin: in a team of role admin. repositories: those in which the member holds a permission himself. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_collaborator_list(organization text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, enabled boolean, repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.enabled, array_agg(r.name::text ORDER BY r.name)
        FROM quay.repository AS r
        JOIN quay.repositorypermission AS p ON p.repository_id = r.id
        JOIN quay."user" AS u ON u.id = p.user_id
        WHERE r.namespace_user_id = org.id AND r.state <> 3 AND NOT u.robot
          AND u.username > coalesce(organization_collaborator_list.after, '') COLLATE "C"
          AND NOT quay_internal.organization_has_member(org.id, u.id)
        GROUP BY u.id, u.username, u.enabled
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_collaborator_list(text, text, integer) IS
    'Outside collaborators of an organization: people who hold permissions in its repositories but are in no team, by name, at most n, those after the name after. repositories: in which ones. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_member_remove(organization text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    performer_id bigint := quay_internal.actor_id(organization_member_remove.actor);
    member_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = organization_member_remove.username AND NOT u.organization);
    removed record;
    removed_admin boolean := false;
    result boolean := false;
BEGIN
    FOR removed IN
        WITH gone AS (
            DELETE FROM quay.teammember AS m
            USING quay.team AS t
            WHERE t.id = m.team_id AND t.organization_id = org.id AND m.user_id = member_id
            RETURNING t.name, t.role_id
        )
        SELECT g.name, g.role_id FROM gone AS g ORDER BY g.name
    LOOP
        PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
            jsonb_build_object('team', removed.name, 'member', organization_member_remove.username), organization_member_remove.ip);
        removed_admin := removed_admin OR removed.role_id = quay_internal.teamrole_id('admin');
        result := true;
    END LOOP;
    IF removed_admin AND EXISTS (SELECT FROM quay."user" AS u WHERE u.id = member_id AND NOT u.robot) THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;

    FOR removed IN
        WITH gone AS (
            DELETE FROM quay.repositorypermission AS p
            USING quay.repository AS r
            WHERE r.id = p.repository_id AND r.namespace_user_id = org.id AND p.user_id = member_id
            RETURNING r.id, r.name
        )
        SELECT g.id, g.name FROM gone AS g ORDER BY g.name
    LOOP
        PERFORM quay_internal.log_add('delete_repo_permission', org.id, performer_id, removed.id,
            jsonb_build_object('namespace', org.username, 'repo', removed.name, 'username', organization_member_remove.username),
            organization_member_remove.ip);
        result := true;
    END LOOP;
    -- Subscriptions that he brought along
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = org.id AND s.user_id = member_id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.organization_member_remove(text, text, text, text) IS
    'Takes a person or robot out of all teams of an organization, takes away his permissions in its repositories, and unbinds the subscriptions that he bound to it. Other namespaces are not touched. True if there was anything to remove. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY013 the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.organization_email_set(organization text, email text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    performer_id bigint := quay_internal.actor_id(organization_email_set.actor);
    old_address text := quay_internal.email_shown(org.email);
    new_address text := coalesce(organization_email_set.email, '');
BEGIN
    IF new_address = old_address THEN
        RETURN false;
    END IF;
    IF new_address <> '' THEN
        PERFORM quay_internal.email_check(new_address);
        PERFORM quay_internal.organization_email_require(new_address);
    END IF;
    UPDATE quay."user" AS u SET email = coalesce(nullif(new_address, ''), gen_random_uuid()::text) WHERE u.id = org.id;
    PERFORM quay_internal.log_add('org_change_email', org.id, performer_id, NULL,
        jsonb_build_object('email', new_address, 'namespace', org.username, 'old_email', old_address), organization_email_set.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.organization_email_set(text, text, text, text) IS
    'Sets the e-mail address of an organization; NULL or empty for none. Organizations may share one, and with quay.organization_shared_email also that of a user. True if it changed. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail.';

CREATE OR REPLACE FUNCTION quay_internal.person_convert(person quay."user", administrator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A trigger takes it out of the teams of others. A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET organization = true, password_hash = NULL, uuid = gen_random_uuid()::text
    WHERE u.id = person_convert.person.id;
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = person_convert.person.id;
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = person_convert.person.id;
    -- What would still let somebody in, or in elsewhere
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = person_convert.person.id;
    DELETE FROM quay.teammemberinvite AS i WHERE i.user_id = person_convert.person.id;
    PERFORM quay_internal.notification_delete('org_team_invite', person_convert.person.id);
    PERFORM quay_internal.owners_create(person_convert.person.id, administrator_id);
END
$$;
COMMENT ON FUNCTION quay_internal.person_convert(quay."user", bigint) IS
    'Makes a person an organization with a team "owners" of which the other person is the member. The caller holds locks on the organizations that the person administers, and on his row.';

CREATE OR REPLACE FUNCTION quay.organization_convert(username text, admin text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    person quay."user" := quay_internal.person_lock(username);
    administrator quay."user" := quay_internal.administrator_get(admin);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_convert.actor), person.id);
    organization_id bigint;
BEGIN
    IF administrator.id = person.id THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot administer itself',
            DETAIL = format('The admin user is not valid: "%s" is the account to be converted.', person.username),
            HINT = 'Name another person as the administrator.';
    END IF;
    -- Only an administrator of the registry deals with accounts that are disabled.
    PERFORM quay_internal.namespace_get(person.username);

    PERFORM quay_internal.person_convert(person, administrator.id);
    FOREACH organization_id IN ARRAY administered LOOP
        PERFORM quay_internal.organization_require_admin(organization_id);
    END LOOP;
    PERFORM quay_internal.log_add('account_convert', person.id, performer_id, NULL, NULL, organization_convert.ip);
    RETURN person.id;
END
$$;
COMMENT ON FUNCTION quay.organization_convert(text, text, text, text) IS
    'Makes a person an organization with a team "owners", of which admin is the member, and returns its id. It cannot log in any more: the password, the sessions, the linked logins, e-mail codes, his own permissions and memberships in teams are gone; repositories, robots and tokens stay. admin: another person, whose password the front end checked with authenticate(). Errors: QY004 the person is disabled, QY007 person, admin or actor unknown, or an organization or a robot, QY013 admin is the person or is disabled, or an organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.organization_take_ownership(namespace text, superuser text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (entity_id bigint, was_user boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(namespace));
    target quay."user";
    administrator quay."user";
    team_id bigint;
    organization_id bigint;
BEGIN
    PERFORM quay_internal.superuser_refuse(namespace);
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace AND NOT u.robot FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(namespace, 80)),
            HINT = 'Robots belong to their namespace: name that.';
    END IF;
    administrator := quay_internal.administrator_get(organization_take_ownership.superuser);

    IF target.organization THEN
        -- Not into a team that the next synchronization would throw him out of.
        team_id := (SELECT min(t.id) FROM quay.team AS t
                    WHERE t.organization_id = target.id AND t.role_id = quay_internal.teamrole_id('admin')
                      AND NOT EXISTS (SELECT FROM quay.teamsync AS s WHERE s.team_id = t.id));
        IF team_id IS NULL THEN
            PERFORM quay_internal.owners_create(target.id, administrator.id);
        ELSE
            INSERT INTO quay.teammember (user_id, team_id) VALUES (administrator.id, team_id) ON CONFLICT DO NOTHING;
        END IF;
    ELSE
        PERFORM quay_internal.person_convert(target, administrator.id);
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;

    entity_id := target.id;
    was_user := NOT target.organization;
    PERFORM quay_internal.log_add('take_ownership', administrator.id,
        coalesce(quay_internal.actor_id(organization_take_ownership.actor), administrator.id), NULL,
        jsonb_build_object('entity_id', entity_id, 'namespace', target.username, 'was_user', was_user, 'superuser', administrator.username),
        organization_take_ownership.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.organization_take_ownership(text, text, text, text) IS
    'A superuser becomes an administrator of a namespace. He joins a team of role admin of an organization that is not synchronized with a group, or a new one if there is none; a person is converted into an organization as by organization_convert(). Disabled namespaces can be taken too, and stay disabled. One row: the id of the namespace, and whether it was a person. That superuser is one is for the caller to know. Errors: QY002 unknown or a robot, QY007 superuser or actor unknown, QY013 superuser is disabled, or an organization would have no enabled administrator, QY023 the namespace is a superuser itself.';

-- @part step api/114_team.sql
-- Teams of organizations, their members, and invitations to them.

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
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = grantee_get.username FOR SHARE;
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
    'Person, or robot of this namespace, who can be a member of its teams or hold permissions in it, who stays that until we commit. Errors: QY007 unknown, QY013 an organization or a foreign robot.';

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

CREATE OR REPLACE FUNCTION quay_internal.team_lock(organization quay."user", team text, exclusive boolean DEFAULT false) RETURNS quay.team
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF exclusive THEN
        PERFORM FROM quay.team AS t WHERE t.organization_id = team_lock.organization.id AND t.name = team_lock.team FOR UPDATE;
    ELSE
        PERFORM FROM quay.team AS t WHERE t.organization_id = team_lock.organization.id AND t.name = team_lock.team FOR KEY SHARE;
    END IF;
    RETURN quay_internal.team_get(organization, team);
END
$$;
COMMENT ON FUNCTION quay_internal.team_lock(quay."user", text, boolean) IS
    'Team of that name of a namespace, kept from being deleted until we commit; exclusive: and from being joined by others. Errors: QY008 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.team_is_synced(team_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('team_syncing')::boolean
        AND EXISTS (SELECT FROM quay.teamsync AS s WHERE s.team_id = team_is_synced.team_id);
END
$$;
COMMENT ON FUNCTION quay_internal.team_is_synced(bigint) IS
    'Do the people in this team come from a group of an identity provider? Never while quay.team_syncing is off.';

CREATE OR REPLACE FUNCTION quay_internal.team_require_unsynced(team quay.team) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.team_is_synced(team_require_unsynced.team.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY019',
            MESSAGE = 'team is synchronized with a group',
            DETAIL = format('The people in team "%s" are those in a group of the identity provider.', team_require_unsynced.team.name),
            HINT = 'Change the group, or end the synchronization with quay.team_sync_remove(). Robots can be added and removed.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_require_unsynced(quay.team) IS 'Refuses (QY019) to add or remove people by hand where a synchronization does it.';

CREATE OR REPLACE FUNCTION quay_internal.team_require_other_admin(team quay.team, actor text, detail text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (SELECT count(*) = 1 AND bool_or(t.id = team_require_other_admin.team.id)
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE u.username = team_require_other_admin.actor AND t.organization_id = team_require_other_admin.team.organization_id
          AND r.name = 'admin') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'you would not administer the organization any more',
            DETAIL = team_require_other_admin.detail,
            HINT = 'Have another administrator do it, or join another team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_require_other_admin(quay.team, text, text) IS
    'Refuses (QY013, with this DETAIL) an actor to give up the only team of role admin of the organization that he is in. Actors in none may.';

CREATE OR REPLACE FUNCTION quay_internal.invite_delete(invite quay.teammemberinvite) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.teammemberinvite AS i WHERE i.id = invite_delete.invite.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF invite_delete.invite.user_id IS NOT NULL THEN
        PERFORM quay_internal.notification_delete('org_team_invite', invite_delete.invite.user_id,
            jsonb_build_object('code', invite_delete.invite.invite_token));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_delete(quay.teammemberinvite) IS
    'Deletes an invitation and the notification about it. False if somebody else just did.';

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

CREATE OR REPLACE FUNCTION quay_internal.team_select(organization text, team text, after text, n integer)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT t.id, t.name::text, t.description, r.name::text,
               (SELECT count(*) FROM quay.teammember AS m WHERE m.team_id = t.id),
               (SELECT count(*) FROM quay.repositorypermission AS p JOIN quay.repository AS i ON i.id = p.repository_id AND i.state <> 3
                WHERE p.team_id = t.id),
               quay_internal.team_is_synced(t.id)
        FROM quay.team AS t
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE t.organization_id = org.id AND (team_select.team IS NULL OR t.name = team_select.team)
          AND t.name > coalesce(team_select.after, '') COLLATE "C"
        ORDER BY t.name
        LIMIT team_select.n;
END
$$;
COMMENT ON FUNCTION quay_internal.team_select(text, text, text, integer) IS
    'Teams of an organization; what team_get() and team_list() have in common. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.team_list(organization text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.team_select(organization, NULL, after, quay_internal.page_size(n));
END
$$;
COMMENT ON FUNCTION quay.team_list(text, text, integer) IS
    'Teams of an organization by name, at most n, those after the name after. role: admin, creator or member. member_count: people and robots. repository_count: repositories in which the team holds a permission. is_synced: its people come from a group, see team_sync_get(). Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.team_get(organization text, team text)
    RETURNS TABLE (team_id bigint, name text, description text, role text, member_count bigint, repository_count bigint, is_synced boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.team_select(organization, coalesce(team, ''), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.team_get(text, text) IS
    'A team of an organization, with the columns of team_list(); no row if there is none of that name. Errors: QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.user_team_list(username text, organization text DEFAULT NULL, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization_id bigint, organization_name text, team_id bigint, team_name text, role text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT o.id, o.username::text, t.id, t.name::text, r.name::text, o.username || '/' || t.name
        FROM quay."user" AS u
        JOIN quay.teammember AS m ON m.user_id = u.id
        JOIN quay.team AS t ON t.id = m.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        WHERE u.username = user_team_list.username AND (user_team_list.organization IS NULL OR o.username = user_team_list.organization)
          AND (o.username, t.name) > (split_part(coalesce(after, ''), '/', 1) COLLATE "C", split_part(coalesce(after, ''), '/', 2) COLLATE "C")
        ORDER BY o.username, t.name
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_team_list(text, text, text, integer) IS
    'Teams of enabled organizations that a person or robot is in, by names, at most n, those after the cursor of the last row of the page before. organization: only its teams. role: admin, creator or member. No rows for names that are unknown. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.team_search(prefix text, username text DEFAULT NULL, organization text DEFAULT NULL,
                                            administered boolean DEFAULT false, n integer DEFAULT 10)
    RETURNS TABLE (team_id bigint, name text, organization_id bigint, organization_name text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted text := lower(team_search.prefix);   -- as names are
    searcher_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = team_search.username);
BEGIN
    IF team_search.username IS NULL AND (team_search.organization IS NULL OR administered) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'nobody''s teams are searched',
            DETAIL = 'Neither a user nor an organization is given.',
            HINT = 'Pass username for the teams of a user, organization for those of an organization.';
    END IF;
    RETURN QUERY
        SELECT t.id, t.name::text, o.id, o.username::text, r.name::text
        FROM quay.team AS t
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        JOIN quay.teamrole AS r ON r.id = t.role_id
        WHERE starts_with(t.name, wanted)
          AND (team_search.organization IS NULL OR o.username = team_search.organization)
          AND CASE
              WHEN team_search.username IS NULL THEN true
              WHEN administered THEN
                  t.organization_id IN (SELECT a.organization_id FROM quay.teammember AS m JOIN quay.team AS a ON a.id = m.team_id
                                        JOIN quay.teamrole AS e ON e.id = a.role_id
                                        WHERE m.user_id = searcher_id AND e.name = 'admin')
              ELSE t.id IN (SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = searcher_id)
              END
        ORDER BY t.name, o.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_search(text, text, text, boolean, integer) IS
    'Teams whose name starts with the prefix, in upper or lower case, by name, at most n: those that the user is in, or with administered all of the organizations that he administers; those of the organization; or, if both are given, those that are both. role: admin, creator or member. Errors: 22023 neither is given, or n is negative.';

CREATE OR REPLACE FUNCTION quay.team_update(organization text, team text, role text DEFAULT NULL, description text DEFAULT NULL,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team);
    performer_id bigint := quay_internal.actor_id(team_update.actor);
    new_role_id bigint := coalesce(CASE WHEN team_update.role IS NOT NULL THEN quay_internal.teamrole_id(team_update.role) END, target.role_id);
    admin_id bigint := quay_internal.teamrole_id('admin');
    new_description text := coalesce(team_update.description, target.description);
BEGIN
    IF new_description <> target.description THEN
        UPDATE quay.team AS t SET description = new_description WHERE t.id = target.id;
        PERFORM quay_internal.log_add('org_set_team_description', org.id, performer_id, NULL,
            jsonb_build_object('team', target.name, 'description', new_description), team_update.ip);
    END IF;
    IF new_role_id <> target.role_id THEN
        IF target.role_id = admin_id THEN
            PERFORM quay_internal.team_require_other_admin(target, actor,
                format('Cannot remove admin from team ''%s'' because calling user would no longer have admin on org ''%s''',
                    target.name, org.username));
        END IF;
        UPDATE quay.team AS t SET role_id = new_role_id WHERE t.id = target.id;
        IF target.role_id = admin_id THEN
            PERFORM quay_internal.organization_require_admin(org.id);
        END IF;
        PERFORM quay_internal.log_add('org_set_team_role', org.id, performer_id, NULL,
            jsonb_build_object('team', target.name, 'role', team_update.role), team_update.ip);
    END IF;
    RETURN new_role_id <> target.role_id OR new_description <> target.description;
END
$$;
COMMENT ON FUNCTION quay.team_update(text, text, text, text, text, text) IS
    'Changes the role of a team, to admin, creator or member, and its description; NULL leaves them as they are. True if anything changed. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY009 unknown role, QY013 the actor would lose his only team of role admin, or the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.team_delete(organization text, team text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    performer_id bigint := quay_internal.actor_id(team_delete.actor);
BEGIN
    PERFORM quay_internal.team_require_other_admin(target, actor,
        format('Deleting team ''%s'' would remove admin ability for user ''%s'' in organization ''%s''', target.name, actor, org.username));
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id;
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = target.id;
    DELETE FROM quay.teamsync AS s WHERE s.team_id = target.id;
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = target.id;
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = target.id;
    DELETE FROM quay.team AS t WHERE t.id = target.id;
    IF target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;
    PERFORM quay_internal.log_add('org_delete_team', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.team_delete(text, text, text, text) IS
    'Deletes a team with its memberships, invitations, synchronization, permissions, and the default permissions that name it. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the actor would lose his only team of role admin, or the organization would have no enabled administrator.';

CREATE OR REPLACE FUNCTION quay.team_member_add(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_lock(org, team);
    member quay."user" := quay_internal.grantee_get(org, username);
    performer_id bigint := quay_internal.actor_id(team_member_add.actor);
BEGIN
    IF NOT member.robot THEN
        PERFORM quay_internal.team_require_unsynced(target);
    END IF;
    -- An invitation has served its purpose.
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = target.id AND i.user_id = member.id;
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
    'Adds a person, or a robot of the organization, to a team, without invitation. True if added, false for a member already. Errors: QY002 organization unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY013 an organization or a foreign robot, QY019 the team is synchronized with a group and the user is a person.';

CREATE OR REPLACE FUNCTION quay.team_member_remove(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_member_remove.actor);
    member quay."user";
BEGIN
    SELECT * INTO member FROM quay."user" AS u WHERE u.username = team_member_remove.username;
    IF member.id IS NULL THEN
        RETURN false;
    END IF;
    IF NOT member.robot THEN
        PERFORM quay_internal.team_require_unsynced(target);
        IF team_member_remove.actor = member.username THEN
            PERFORM quay_internal.team_require_other_admin(target, actor, 'User cannot remove themselves from their only admin team.');
        END IF;
    END IF;
    IF quay.team_invite_delete(org.username, target.name, username => member.username, actor => team_member_remove.actor, ip => team_member_remove.ip)
       AND NOT EXISTS (SELECT FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id) THEN
        RETURN true;
    END IF;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT member.robot AND target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org.id);
    END IF;
    -- Subscriptions that he bound to the organization
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = org.id AND s.user_id = member.id;
    PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_remove(text, text, text, text, text) IS
    'Removes a member from a team, or the invitation of somebody who has not joined it yet, and unbinds the subscriptions that a removed member bound to the organization. True if removed, false if he was neither. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the actor would leave his only team of role admin, or the organization would have no enabled administrator, QY019 the team is synchronized with a group and the user is a person.';

CREATE OR REPLACE FUNCTION quay.team_member_list(organization text, team text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, enabled boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, u.enabled
        FROM quay.teammember AS m
        JOIN quay."user" AS u ON u.id = m.user_id
        WHERE m.team_id = target.id AND u.username > coalesce(team_member_list.after, '') COLLATE "C"
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_member_list(text, text, text, integer) IS
    'People and robots in a team by name, at most n, those after the name after. Who was only invited stands in team_invite_list(). Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

-- Invitations.

CREATE OR REPLACE FUNCTION quay.team_member_add_or_invite(organization text, team text, inviter text, username text DEFAULT NULL,
                                                          email text DEFAULT NULL, requires_invite boolean DEFAULT NULL,
                                                          actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (status text, code text, address text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    -- One at a time, or somebody could be invited twice.
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    host quay."user" := quay_internal.person_get(team_member_add_or_invite.inviter);
    performer_id bigint := coalesce(quay_internal.actor_id(team_member_add_or_invite.actor), host.id);
    mailing boolean := quay_internal.setting('mailing')::boolean;
    guest quay."user";
BEGIN
    IF num_nonnulls(team_member_add_or_invite.username, team_member_add_or_invite.email) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a user or an e-mail address is invited',
            DETAIL = format('%s of the two are given.', num_nonnulls(team_member_add_or_invite.username, team_member_add_or_invite.email)),
            HINT = 'Pass username or email.';
    END IF;

    IF team_member_add_or_invite.username IS NOT NULL THEN
        guest := quay_internal.grantee_get(org, username);
        IF guest.robot OR NOT coalesce(requires_invite, mailing AND quay_internal.setting('require_team_invite')::boolean)
           OR quay_internal.organization_has_member(org.id, guest.id) THEN
            status := CASE WHEN quay.team_member_add(org.username, target.name, guest.username,
                                                     actor => coalesce(team_member_add_or_invite.actor, host.username),
                                                     ip => team_member_add_or_invite.ip)
                           THEN 'added' ELSE 'member' END;
            RETURN NEXT;
            RETURN;
        END IF;
        address := nullif(quay_internal.email_shown(guest.email), '');
    ELSE
        PERFORM quay_internal.email_check(team_member_add_or_invite.email);
        IF NOT mailing THEN
            RAISE EXCEPTION USING ERRCODE = 'QY015',
                MESSAGE = 'the registry sends no e-mail',
                DETAIL = 'The setting quay.mailing is off.',
                HINT = 'Add a user by name.';
        END IF;
        address := team_member_add_or_invite.email;
    END IF;
    PERFORM quay_internal.team_require_unsynced(target);

    SELECT i.invite_token INTO code FROM quay.teammemberinvite AS i
    WHERE i.team_id = target.id AND (i.user_id = guest.id OR i.email = team_member_add_or_invite.email)
    ORDER BY i.id LIMIT 1;
    IF FOUND THEN
        status := 'pending';
        RETURN NEXT;
        RETURN;
    END IF;
    status := 'invited';
    code := 'urn:teaminvite:' || gen_random_uuid();
    INSERT INTO quay.teammemberinvite (user_id, email, team_id, inviter_id, invite_token)
    VALUES (guest.id, team_member_add_or_invite.email, target.id, host.id, code);
    IF guest.id IS NOT NULL THEN
        PERFORM quay_internal.notification_add('org_team_invite', guest.id,
            jsonb_build_object('code', code, 'inviter', host.username, 'org', org.username, 'team', target.name));
    END IF;
    PERFORM quay_internal.log_add('org_invite_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', coalesce(guest.username, address))
        || CASE WHEN guest.id IS NULL THEN jsonb_build_object('email', address) ELSE jsonb_build_object('user', guest.username) END,
        team_member_add_or_invite.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_member_add_or_invite(text, text, text, text, text, boolean, text, text) IS
    'Adds a user to a team, or invites him or an e-mail address to it. Exactly one of username and email is given. Robots of the organization and people who are in one of its teams are added; others are invited, unless requires_invite is false. NULL leaves that to the settings: invited if quay.mailing and quay.require_team_invite are on. inviter: a person, named in the invitation.
One row. status: added; member, he was in the team already; invited; pending, he was invited before, and the code is the same. code: for team_invite_accept(). address: where to mail it to, NULL if the user has no e-mail address. An invited user also gets a notification.
Errors: 22023 neither or both of username and email, QY002 organization unknown, QY004 disabled, QY007 user, inviter or actor unknown, QY008 team unknown, QY010 e-mail invalid, QY013 an organization or a foreign robot, QY015 an e-mail address while quay.mailing is off, QY019 the team is synchronized with a group and it is not about a robot.';

CREATE OR REPLACE FUNCTION quay.team_invite_list(organization text, team text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (invite_id bigint, username text, email text, inviter text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT i.id, u.username::text, i.email::text, h.username::text
        FROM quay.teammemberinvite AS i
        JOIN quay."user" AS h ON h.id = i.inviter_id
        LEFT JOIN quay."user" AS u ON u.id = i.user_id
        WHERE i.team_id = target.id AND i.id > coalesce(team_invite_list.after, 0)
        ORDER BY i.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_invite_list(text, text, bigint, integer) IS
    'Who was invited to a team and has neither accepted nor declined, oldest first, at most n, those after the invite_id after: a user or an e-mail address. The codes are not shown; team_member_add_or_invite() tells them again. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay_internal.invite_list_for(user_id bigint, email text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.invite_token::text, o.username::text, t.name::text, h.username::text, i.email::text
        FROM quay.teammemberinvite AS i
        JOIN quay.team AS t ON t.id = i.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        JOIN quay."user" AS h ON h.id = i.inviter_id
        WHERE i.user_id = invite_list_for.user_id OR i.email = invite_list_for.email
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_list_for(bigint, text) IS
    'Invitations of a user and those to an e-mail address, oldest first.';

CREATE OR REPLACE FUNCTION quay.user_team_invite_list(username text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.* FROM quay."user" AS u
        CROSS JOIN LATERAL quay_internal.invite_list_for(u.id, CASE WHEN u.verified THEN u.email END) AS l
        WHERE u.username = user_team_invite_list.username AND NOT u.organization AND NOT u.robot;
END
$$;
COMMENT ON FUNCTION quay.user_team_invite_list(text) IS
    'Invitations that a person can accept, oldest first: his own, and those to his e-mail address if it is verified. code: for team_invite_accept(). invited_email: NULL if it is his own.';

CREATE OR REPLACE FUNCTION quay.team_invite_list_by_email(email text)
    RETURNS TABLE (code text, organization_name text, team_name text, inviter text, invited_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT l.* FROM quay_internal.invite_list_for(NULL, team_invite_list_by_email.email) AS l;
END
$$;
COMMENT ON FUNCTION quay.team_invite_list_by_email(text) IS
    'Invitations to exactly this e-mail address, oldest first. code: for team_invite_accept().';

CREATE OR REPLACE FUNCTION quay.team_invite_lookup(code text)
    RETURNS TABLE (organization_name text, team_name text, username text, email text, inviter text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, t.name::text, u.username::text, i.email::text, h.username::text
        FROM quay.teammemberinvite AS i
        JOIN quay.team AS t ON t.id = i.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id
        JOIN quay."user" AS h ON h.id = i.inviter_id
        LEFT JOIN quay."user" AS u ON u.id = i.user_id
        WHERE i.invite_token = team_invite_lookup.code;
END
$$;
COMMENT ON FUNCTION quay.team_invite_lookup(text) IS
    'The invitation with this code: to which team, for which user or e-mail address, and from whom. No row if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.invite_get(code text, invitee quay."user") RETURNS quay.teammemberinvite
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.teammemberinvite;
BEGIN
    SELECT * INTO result FROM quay.teammemberinvite AS i WHERE i.invite_token = invite_get.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY016',
            MESSAGE = 'no such invitation to a team',
            DETAIL = 'Invalid confirmation code.',
            HINT = 'It may have been accepted, declined or withdrawn: ask for another.';
    END IF;
    IF result.user_id IS DISTINCT FROM invitee.id AND NOT coalesce(invitee.verified AND result.email = invitee.email, false) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY016',
            MESSAGE = 'the invitation is for somebody else',
            DETAIL = CASE WHEN result.user_id IS NULL THEN format('This invite is intended for email "%s".', result.email)
                          ELSE format('This invite is intended for user "%s".', (SELECT u.username FROM quay."user" AS u WHERE u.id = result.user_id)) END,
            HINT = CASE WHEN result.email = invitee.email THEN 'Confirm this e-mail address first.'
                        ELSE 'Please login to that account and try again.' END;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.invite_get(text, quay."user") IS
    'Invitation with this code for this person, or for his e-mail address if it is verified. Errors: QY016 there is none, or it is for somebody else.';

CREATE OR REPLACE FUNCTION quay.team_invite_accept(code text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, inviter text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    invitee quay."user" := quay_internal.person_keep(username);
    invite quay.teammemberinvite := quay_internal.invite_get(code, invitee);
    performer_id bigint := coalesce(quay_internal.actor_id(team_invite_accept.actor), invitee.id);
    org quay."user";
    accepted record;
    applied boolean := false;
BEGIN
    org := quay_internal.organization_get((SELECT o.username FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
                                           WHERE t.id = invite.team_id));
    -- Teams before their invitations, as who deletes a team does.
    PERFORM FROM quay.team AS t
    WHERE t.organization_id = org.id AND EXISTS (SELECT FROM quay.teammemberinvite AS i
                                                 WHERE i.team_id = t.id AND (i.user_id = invitee.id OR i.email = invitee.email))
    ORDER BY t.id FOR KEY SHARE;
    PERFORM quay_internal.team_require_unsynced(t) FROM quay.team AS t WHERE t.id = invite.team_id;

    FOR accepted IN
        WITH gone AS (
            DELETE FROM quay.teammemberinvite AS i
            USING quay.team AS t
            WHERE t.id = i.team_id AND t.organization_id = org.id
              AND (i.user_id = invitee.id OR invitee.verified AND i.email = invitee.email)
              AND NOT quay_internal.team_is_synced(t.id)
            RETURNING i.id, i.team_id, i.inviter_id, t.name
        )
        SELECT g.team_id, g.name AS team_name, min(h.username) AS inviter, bool_or(g.id = invite.id) AS by_code
        FROM gone AS g JOIN quay."user" AS h ON h.id = g.inviter_id
        GROUP BY g.team_id, g.name
        ORDER BY by_code DESC, g.name
    LOOP
        INSERT INTO quay.teammember (user_id, team_id) VALUES (invitee.id, accepted.team_id) ON CONFLICT DO NOTHING;
        PERFORM quay_internal.log_add('org_team_member_invite_accepted', org.id, performer_id, NULL,
            jsonb_build_object('member', invitee.username, 'team', accepted.team_name, 'inviter', accepted.inviter), team_invite_accept.ip);
        applied := applied OR accepted.by_code;
        organization_name := org.username;
        team_name := accepted.team_name;
        inviter := accepted.inviter;
        RETURN NEXT;
    END LOOP;
    IF NOT applied THEN
        -- Somebody else accepted, declined or withdrew it while we waited.
        PERFORM quay_internal.invite_get(NULL, invitee);
    END IF;
    PERFORM quay_internal.notification_delete('org_team_invite', invitee.id, jsonb_build_object('org', org.username));
END
$$;
COMMENT ON FUNCTION quay.team_invite_accept(text, text, text, text) IS
    'A person accepts the invitation with this code, and with it all others to teams of the same organization: joins the teams, and the invitations and the notifications about them are gone. One row per team, the one of the code first. An invitation to an e-mail address is for who has it verified. Errors: QY004 organization disabled, QY007 user or actor unknown, QY016 no such invitation, or it is for somebody else, QY019 the team is synchronized with a group.';

CREATE OR REPLACE FUNCTION quay.team_invite_decline(code text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, inviter text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    invitee quay."user" := quay_internal.person_get(username);
    invite quay.teammemberinvite := quay_internal.invite_get(code, invitee);
    performer_id bigint := coalesce(quay_internal.actor_id(team_invite_decline.actor), invitee.id);
    organization_id bigint;
BEGIN
    IF NOT quay_internal.invite_delete(invite) THEN
        PERFORM quay_internal.invite_get(NULL, invitee);
    END IF;
    SELECT o.id, o.username, t.name, h.username INTO organization_id, organization_name, team_name, inviter
    FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id CROSS JOIN quay."user" AS h
    WHERE t.id = invite.team_id AND h.id = invite.inviter_id;
    PERFORM quay_internal.log_add('org_team_member_invite_declined', organization_id, performer_id, NULL,
        jsonb_build_object('member', invitee.username, 'team', team_name, 'inviter', inviter), team_invite_decline.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_invite_decline(text, text, text, text) IS
    'A person declines the invitation with this code, his own or to his verified e-mail address: it and the notification about it are gone. One row: which it was. Errors: QY007 user or actor unknown, QY016 no such invitation, or it is for somebody else.';

CREATE OR REPLACE FUNCTION quay.team_invite_delete(organization text, team text, username text DEFAULT NULL, email text DEFAULT NULL,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_invite_delete.actor);
    deleted boolean;
BEGIN
    SELECT bool_or(quay_internal.invite_delete(i)) INTO deleted
    FROM quay.teammemberinvite AS i
    LEFT JOIN quay."user" AS u ON u.id = i.user_id
    WHERE i.team_id = target.id AND (u.username = team_invite_delete.username OR i.email = team_invite_delete.email);
    IF deleted IS NOT TRUE THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('org_delete_team_member_invite', org.id, performer_id, NULL,
        jsonb_strip_nulls(jsonb_build_object('team', target.name, 'user', team_invite_delete.username, 'email', team_invite_delete.email,
            'member', coalesce(team_invite_delete.username, team_invite_delete.email))), team_invite_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_invite_delete(text, text, text, text, text, text) IS
    'Withdraws the invitation of a user or an e-mail address to a team. True if there was one. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown.';

-- @part step api/116_team_sync.sql
-- Synchronization of teams with groups of an identity provider. The worker asks the provider; what follows from the answer is done here.

CREATE OR REPLACE FUNCTION quay_internal.team_sync_config(stored text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document jsonb;
BEGIN
    -- As the reference writes it: a JSON string that holds the object.
    document := stored::jsonb;
    IF jsonb_typeof(document) = 'string' THEN
        document := (document #>> '{}')::jsonb;
    END IF;
    RETURN CASE WHEN jsonb_typeof(document) = 'object' THEN document END;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.team_sync_config(text) IS
    'The object in a stored configuration of a synchronization; NULL if it is damaged, so that one such row does not keep people from logging in.';

CREATE OR REPLACE FUNCTION quay_internal.team_syncing_require() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'teams are not synchronized with groups',
            DETAIL = 'The setting quay.team_syncing is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.team_syncing_require() IS 'Refuses (QY015) unless quay.team_syncing is on.';

CREATE OR REPLACE FUNCTION quay.team_sync_set(organization text, team text, service text, config jsonb,
                                              actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team, exclusive => true);
    performer_id bigint := quay_internal.actor_id(team_sync_set.actor);
    login_service_id bigint := (SELECT s.id FROM quay.loginservice AS s WHERE s.name = team_sync_set.service AND s.name <> 'quayrobot');
BEGIN
    PERFORM quay_internal.team_syncing_require();
    IF login_service_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown login service',
            DETAIL = format('People cannot log in with "%s".', left(team_sync_set.service, 80)),
            HINT = 'The table quay.loginservice lists the services; quayrobot is for robots.';
    END IF;
    IF jsonb_typeof(team_sync_set.config) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed configuration of a synchronization',
            DETAIL = format('It is %s, not a JSON object.', coalesce(jsonb_typeof(team_sync_set.config), 'NULL')),
            HINT = 'Pass what names the group, as {"group_dn": "cn=people"} for ldap or {"group_name": "people"} for oidc.';
    END IF;

    INSERT INTO quay.teamsync AS s (team_id, transaction_id, last_updated, service_id, config)
    VALUES (target.id, '', NULL, login_service_id, to_jsonb(team_sync_set.config::text)::text)
    ON CONFLICT (team_id) DO UPDATE
    SET transaction_id = EXCLUDED.transaction_id, last_updated = NULL, service_id = EXCLUDED.service_id, config = EXCLUDED.config;
    IF team_sync_set.service = 'oidc' THEN
        -- No worker can ask for the members of such a group: each joins at his next login.
        DELETE FROM quay.teammember AS m
        USING quay."user" AS u
        WHERE m.team_id = target.id AND u.id = m.user_id AND NOT u.robot;
        IF FOUND AND target.role_id = quay_internal.teamrole_id('admin') THEN
            PERFORM quay_internal.organization_require_admin(org.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('enable_team_sync', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_sync_set.ip);
END
$$;
COMMENT ON FUNCTION quay.team_sync_set(text, text, text, jsonb, text, text) IS
    'Has the people in a team be those in a group of an identity provider, in place of the group it was synchronized with. service: ldap, keystone, oidc and so on. config: a JSON object that names the group, which the front end has checked with the provider; for oidc its key group_name counts. The members change with the next team_sync_apply(); with oidc all people leave the team at once and come back with their next login. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY009 unknown service, QY013 with oidc the organization would have no enabled administrator, QY015 quay.team_syncing is off, QY077 config is no JSON object.';

CREATE OR REPLACE FUNCTION quay.team_sync_remove(organization text, team text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    performer_id bigint := quay_internal.actor_id(team_sync_remove.actor);
BEGIN
    DELETE FROM quay.teamsync AS s WHERE s.team_id = target.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('disable_team_sync', org.id, performer_id, NULL, jsonb_build_object('team', target.name), team_sync_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_sync_remove(text, text, text, text) IS
    'Ends the synchronization of a team. Its members stay. True if it was synchronized. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_get(organization text, team text)
    RETURNS TABLE (service text, config jsonb, transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
BEGIN
    RETURN QUERY
        SELECT l.name::text, quay_internal.team_sync_config(s.config), s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        WHERE s.team_id = target.id;
END
$$;
COMMENT ON FUNCTION quay.team_sync_get(text, text) IS
    'With which group a team is synchronized; no row if with none. config: NULL if the row is damaged. transaction_id: for team_sync_apply(). last_updated: UTC, NULL for not yet. Whether quay.team_syncing is on makes no difference. Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_list(service text DEFAULT NULL, groups text[] DEFAULT NULL, after bigint DEFAULT NULL,
                                               n integer DEFAULT 100)
    RETURNS TABLE (sync_id bigint, organization_name text, team_name text, team_id bigint, login_service text, config jsonb,
                   transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT s.id, o.username::text, t.name::text, t.id, l.name::text, c.config, s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        CROSS JOIN LATERAL (SELECT quay_internal.team_sync_config(s.config) AS config) AS c
        WHERE s.id > coalesce(team_sync_list.after, 0)
          AND (team_sync_list.service IS NULL OR l.name = team_sync_list.service)
          AND (team_sync_list.groups IS NULL OR c.config ->> 'group_name' = ANY (team_sync_list.groups))
        ORDER BY s.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.team_sync_list(text, text[], bigint, integer) IS
    'Synchronized teams of enabled organizations, oldest synchronization first, at most n, those after the sync_id after. service: only with groups there. groups: only those whose configuration has one of these as its group_name, as for oidc. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.team_sync_member_list(organization text, team text) RETURNS TABLE (user_id bigint, username text, service_ident text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.team := quay_internal.team_get(quay_internal.organization_get(organization), team);
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, f.service_ident::text
        FROM quay.teamsync AS s
        JOIN quay.teammember AS m ON m.team_id = s.team_id
        JOIN quay."user" AS u ON u.id = m.user_id AND NOT u.robot
        LEFT JOIN quay.federatedlogin AS f ON f.user_id = u.id AND f.service_id = s.service_id
        WHERE s.team_id = target.id
        ORDER BY u.username;
END
$$;
COMMENT ON FUNCTION quay.team_sync_member_list(text, text) IS
    'People in a synchronized team, by name, and what the identity provider calls them; NULL for those who are not linked to it. No rows if the team is not synchronized. Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.team_sync_stale_take(services text[] DEFAULT '{ldap,keystone}', n integer DEFAULT 1, stale_after interval DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, team_id bigint, login_service text, config jsonb,
                   transaction_id text, last_updated timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    stale_before timestamp := quay_internal.utc_now()
        - coalesce(stale_after, make_interval(secs => quay_internal.setting('team_resync_stale_time')::bigint));
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT o.username::text, t.name::text, t.id, l.name::text, quay_internal.team_sync_config(s.config), s.transaction_id::text, s.last_updated
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay."user" AS o ON o.id = t.organization_id
        -- Members of oidc groups are only known when they log in.
        WHERE l.name = ANY (services) AND l.name <> 'oidc' AND o.enabled
          AND (s.last_updated <= stale_before OR s.last_updated IS NULL)
        ORDER BY s.last_updated NULLS FIRST, s.id
        LIMIT page_size
        FOR NO KEY UPDATE OF s SKIP LOCKED;
END
$$;
COMMENT ON FUNCTION quay.team_sync_stale_take(text[], integer, interval) IS
    'Teams whose people are to be compared with their group again, longest ago first, at most n. services: those that the worker can ask. stale_after: how long ago the last synchronization has to be, by default quay.team_resync_stale_time. Rows are locked until the end of the transaction, and others pass them by; two workers that got the same team all the same find out in team_sync_apply(), where only one transaction_id fits. A team stays in the list until it was applied: a worker that could not ask the provider goes on with the others by a larger n. No rows while quay.team_syncing is off. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.team_sync_link(service text, members jsonb, OUT user_ids bigint[], OUT errors jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    member record;
    linked_id bigint;
    message text;
    detail text;
BEGIN
    errors := '[]';
    user_ids := '{}';
    FOR member IN
        SELECT DISTINCT ON (e.ident) e.ident, nullif(e.value ->> 'username', '') AS username, nullif(e.value ->> 'email', '') AS email, u.id AS user_id
        FROM (SELECT m.value, coalesce(m.value ->> 'service_ident', '') COLLATE "C" AS ident, m.position
              FROM jsonb_array_elements(members) WITH ORDINALITY AS m (value, position)) AS e
        LEFT JOIN (quay.loginservice AS s JOIN quay.federatedlogin AS f ON f.service_id = s.id
                   JOIN quay."user" AS u ON u.id = f.user_id AND NOT u.robot AND NOT u.organization)
            ON s.name = team_sync_link.service AND f.service_ident = e.ident
        -- In the same order for everybody, since new accounts wait for each other.
        ORDER BY e.ident, e.position
    LOOP
        linked_id := member.user_id;
        IF linked_id IS NULL THEN
            BEGIN
                SELECT l.user_id INTO linked_id
                FROM quay.federated_login_link(team_sync_link.service, member.ident, email => member.email, name => member.username,
                    email_required => quay_internal.setting('mailing')::boolean, internal => true) AS l;
            EXCEPTION WHEN OTHERS THEN
                -- What is wrong with one member is told; what is wrong with the transaction or the server is not swallowed.
                IF left(SQLSTATE, 2) NOT IN ('QY', '22', '23') THEN
                    RAISE;
                END IF;
                GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
                errors := errors || jsonb_build_object('service_ident', member.ident, 'sqlstate', SQLSTATE, 'message', message, 'detail', detail);
            END;
        END IF;
        IF linked_id IS NOT NULL THEN
            user_ids := user_ids || linked_id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.team_sync_link(text, jsonb) IS
    'The people who are linked to these members of a group; who is not linked yet is created, even where nobody may sign up. errors: an array with service_ident, sqlstate, message and detail of each member with whom that was not possible.';

CREATE OR REPLACE FUNCTION quay.team_sync_apply(organization text, team text, transaction_id text, members jsonb, ip text DEFAULT NULL)
    RETURNS TABLE (applied boolean, added text[], removed text[], kept text[], errors jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_lock(organization);
    target quay.team := quay_internal.team_lock(org, team);
    login_service text;
    linked record;
    added_ids bigint[];
    leaving_ids bigint[];
    kept_ids bigint[] := ARRAY[]::bigint[];
BEGIN
    PERFORM quay_internal.team_syncing_require();
    IF jsonb_typeof(team_sync_apply.members) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of members of a group',
            DETAIL = format('It is %s, not a JSON array.', coalesce(jsonb_typeof(team_sync_apply.members), 'NULL')),
            HINT = 'Pass [{"service_ident": …, "username": …, "email": …}, …].';
    END IF;

    -- Of two workers with the same answer one goes on.
    UPDATE quay.teamsync AS s
    SET transaction_id = gen_random_uuid()::text, last_updated = quay_internal.utc_now()
    FROM quay.loginservice AS l
    WHERE l.id = s.service_id AND s.team_id = target.id AND s.transaction_id = team_sync_apply.transaction_id
    RETURNING l.name INTO login_service;
    applied := FOUND;
    IF NOT applied THEN
        RETURN NEXT;
        RETURN;
    END IF;

    linked := quay_internal.team_sync_link(login_service, team_sync_apply.members);
    errors := linked.errors;
    WITH inserted AS (
        INSERT INTO quay.teammember (user_id, team_id)
        SELECT u.id, target.id FROM quay."user" AS u
        WHERE u.id = ANY (linked.user_ids) AND NOT u.organization
          AND NOT EXISTS (SELECT FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = u.id)
        ORDER BY u.id FOR SHARE
        ON CONFLICT DO NOTHING
        RETURNING user_id
    )
    SELECT array_agg(i.user_id) INTO added_ids FROM inserted AS i;

    leaving_ids := ARRAY(SELECT u.id FROM quay.teammember AS m JOIN quay."user" AS u ON u.id = m.user_id
                         WHERE m.team_id = target.id AND NOT u.robot AND u.id <> ALL (linked.user_ids)
                         ORDER BY m.id);
    IF cardinality(leaving_ids) > 0 AND target.role_id = quay_internal.teamrole_id('admin')
       AND NOT quay_internal.organization_has_admin(org.id, target.id, leaving_ids) THEN
        -- The group leaves nobody to administer the organization. The rest must be in step all the same: who was there first stays.
        kept_ids := ARRAY(SELECT u.id FROM unnest(leaving_ids) WITH ORDINALITY AS i (id, position)
                          JOIN quay."user" AS u ON u.id = i.id AND u.enabled AND NOT u.organization ORDER BY i.position LIMIT 1);
        IF cardinality(kept_ids) = 0 THEN
            kept_ids := leaving_ids;
        END IF;
        leaving_ids := ARRAY(SELECT i FROM unnest(leaving_ids) AS i WHERE i <> ALL (kept_ids));
    END IF;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = ANY (leaving_ids);

    added := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (added_ids) ORDER BY u.username);
    removed := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (leaving_ids) ORDER BY u.username);
    kept := ARRAY(SELECT u.username::text FROM quay."user" AS u WHERE u.id = ANY (kept_ids) ORDER BY u.username);
    PERFORM quay_internal.log_add(c.kind, org.id, NULL, NULL, jsonb_build_object('team', target.name, 'member', c.member), team_sync_apply.ip)
    FROM (SELECT 'org_add_team_member' AS kind, unnest(added) AS member
          UNION ALL
          SELECT 'org_remove_team_member', unnest(removed)) AS c;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.team_sync_apply(text, text, text, jsonb, text) IS
    'Makes the people in a synchronized team those in its group; robots stay. transaction_id: what team_sync_stale_take() or team_sync_get() said before the worker asked the provider; if it changed since, somebody else was faster, and nothing is done. members: [{"service_ident", "username", "email"}, …], all of them; who has no account here gets one, even where nobody may sign up, named after username.
One row. applied: false if somebody else was faster or the team is not synchronized; the rest is NULL then. added, removed: user names. kept: who is not in the group but would have left the organization without an enabled administrator; he stays in the team until there is another. errors: an array with service_ident, sqlstate, message and detail of each member who could not be given an account, as when somebody else has the e-mail address; they do not keep the others.
Errors: QY002 organization unknown, QY004 disabled, QY008 team unknown, QY015 quay.team_syncing is off, QY077 members is no JSON array.';

CREATE OR REPLACE FUNCTION quay.user_team_sync_oidc(username text, groups text[], service text DEFAULT 'oidc', ip text DEFAULT NULL)
    RETURNS TABLE (organization_name text, team_name text, change text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[];
    member quay."user";
    found_team record;
BEGIN
    IF NOT quay_internal.setting('team_syncing')::boolean THEN
        RETURN;
    END IF;
    administered := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    member := quay_internal.person_keep(username);
    FOR found_team IN
        SELECT t.id, t.name, r.name AS role, o.id AS organization_id, o.username AS organization_name, m.id IS NOT NULL AS is_member
        FROM quay.teamsync AS s
        JOIN quay.loginservice AS l ON l.id = s.service_id AND l.name = user_team_sync_oidc.service
        JOIN quay.team AS t ON t.id = s.team_id
        JOIN quay.teamrole AS r ON r.id = t.role_id
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
        LEFT JOIN quay.teammember AS m ON m.team_id = t.id AND m.user_id = member.id
        CROSS JOIN LATERAL (SELECT nullif(quay_internal.team_sync_config(s.config) ->> 'group_name', '') AS group_name) AS c
        WHERE (c.group_name = ANY (coalesce(groups, '{}'))) = (m.id IS NULL)
        ORDER BY o.username, t.name
    LOOP
        organization_name := found_team.organization_name;
        team_name := found_team.name;
        IF found_team.is_member THEN
            -- Of a team that has become one of role admin since we locked he takes leave with the next login.
            CONTINUE WHEN found_team.role = 'admin' AND found_team.organization_id <> ALL (administered);
            IF found_team.role = 'admin'
               AND NOT quay_internal.organization_has_admin(found_team.organization_id, found_team.id, ARRAY[member.id]) THEN
                change := 'kept';
                RETURN NEXT;
                CONTINUE;
            END IF;
            DELETE FROM quay.teammember AS m WHERE m.team_id = found_team.id AND m.user_id = member.id;
            change := 'removed';
        ELSE
            PERFORM FROM quay.team AS t WHERE t.id = found_team.id FOR KEY SHARE;
            CONTINUE WHEN NOT FOUND;
            INSERT INTO quay.teammember (user_id, team_id) VALUES (member.id, found_team.id) ON CONFLICT DO NOTHING;
            change := 'added';
        END IF;
        CONTINUE WHEN NOT FOUND;
        PERFORM quay_internal.log_add(CASE change WHEN 'added' THEN 'org_add_team_member' ELSE 'org_remove_team_member' END,
            found_team.organization_id, NULL, NULL, jsonb_build_object('team', team_name, 'member', member.username), user_team_sync_oidc.ip);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.user_team_sync_oidc(text, text[], text, text) IS
    'At a login with groups: the person joins all teams that are synchronized with one of these groups at this service, and leaves those that are synchronized with another. NULL is no group. One row per change: added, removed, or kept for the only enabled administrator of an organization, who stays. No rows while quay.team_syncing is off. Errors: QY007 user unknown.';

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
    PERFORM quay_internal.robot_metadata_check(metadata);
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
    'Creates the robot namespace+shortname and returns its full name and token, given_token or a random one. A description is cut to 255 characters. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY014 robots disallowed, QY061 illegal token, QY077 metadata are no object.';

CREATE OR REPLACE FUNCTION quay_internal.robot_unknown(namespace text, shortname text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY007',
        MESSAGE = 'robot does not exist',
        DETAIL = format('Namespace "%s" has no robot "%s".', left(namespace, 80), left(shortname, 80)),
        HINT = 'Create it with quay.robot_create().';
END
$$;
COMMENT ON FUNCTION quay_internal.robot_unknown(text, text) IS 'Raises QY007: there is no such robot.';

CREATE OR REPLACE FUNCTION quay_internal.robot_id(namespace text, shortname text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    found_id bigint;
BEGIN
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = owner.username || '+' || shortname AND u.robot;
    IF NOT FOUND THEN
        PERFORM quay_internal.robot_unknown(namespace, shortname);
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_id(text, text) IS 'Id of a robot of an enabled namespace. Errors: QY002, QY004, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_lock(owner quay."user", shortname text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = owner.username || '+' || shortname AND u.robot FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM quay_internal.robot_unknown(owner.username, shortname);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_lock(quay."user", text) IS
    'Robot of a namespace that is locked, so that nobody else changes it until we commit. Errors: QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_metadata_check(metadata jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'metadata of a robot must be a JSON object',
            DETAIL = format('They are of type %s.', jsonb_typeof(metadata)),
            HINT = 'Pass for example {"owner": "alice"}, or NULL to leave them as they are.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_metadata_check(jsonb) IS 'Refuses (QY077) metadata of a robot that are neither NULL nor a JSON object.';

CREATE OR REPLACE FUNCTION quay_internal.robot_select(namespace text, shortname text, with_permissions boolean, after text, n integer)
    RETURNS TABLE (short text, username text, robot_id bigint, description text, metadata jsonb, enabled boolean,
                   created timestamp, last_accessed timestamp, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    RETURN QUERY
    SELECT split_part(r.username, '+', 2), r.username::text, r.id, coalesce(m.description, '')::text,
           coalesce(quay_internal.json_read(m.unstructured_json), '{}'), r.enabled,
           r.creation_date, r.last_accessed,
           CASE WHEN with_permissions THEN ARRAY(
               SELECT t.name::text FROM quay.teammember AS tm JOIN quay.team AS t ON t.id = tm.team_id
               WHERE tm.user_id = r.id ORDER BY t.name) END,
           CASE WHEN with_permissions THEN ARRAY(
               SELECT o.name::text FROM quay.repositorypermission AS p JOIN quay.repository AS o ON o.id = p.repository_id
               WHERE p.user_id = r.id AND o.state <> 3 ORDER BY o.name) END
    FROM (SELECT u.id, u.username, u.enabled, u.creation_date, u.last_accessed FROM quay."user" AS u
          -- "," is the character after "+": the index on the names has the robots of a namespace together and in order.
          WHERE u.robot AND u.username > owner.username || '+' || coalesce(robot_select.after, '') AND u.username < owner.username || ','
            AND (robot_select.shortname IS NULL OR u.username = owner.username || '+' || robot_select.shortname)
          ORDER BY u.username
          LIMIT robot_select.n) AS r
    LEFT JOIN quay.robotaccountmetadata AS m ON m.robot_account_id = r.id
    ORDER BY r.username;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_select(text, text, boolean, text, integer) IS
    'Robots of a namespace; what robot_get() and robot_list() have in common. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay.robot_get(IN namespace text, INOUT shortname text, IN with_permissions boolean DEFAULT false, OUT username text,
    OUT robot_id bigint, OUT description text, OUT metadata jsonb, OUT enabled boolean, OUT created timestamp, OUT last_accessed timestamp,
    OUT teams text[], OUT repositories text[])
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM quay_internal.robot_select(namespace, coalesce(shortname, ''), coalesce(with_permissions, false), NULL, 1);
END
$$;
COMMENT ON FUNCTION quay.robot_get(text, text, boolean) IS
    'A robot, no row if the namespace has none of that name. username: its full name. teams, repositories: with permissions, in which teams it is and in which repositories it has a role; NULL if they were not asked for. Its token: see robot_token(). Errors: QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.robot_list(namespace text, with_permissions boolean DEFAULT false, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (shortname text, username text, robot_id bigint, description text, metadata jsonb, enabled boolean,
                   created timestamp, last_accessed timestamp, teams text[], repositories text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT * FROM quay_internal.robot_select(namespace, NULL, coalesce(with_permissions, false), after, quay_internal.page_size(n));
END
$$;
COMMENT ON FUNCTION quay.robot_list(text, boolean, text, integer) IS
    'Robots of a namespace in the order of their names, as robot_get() returns them. after: last shortname of the page before. Tokens are not read: see robot_token(). Errors: QY002 namespace unknown, QY004 disabled, 22023 negative n.';

CREATE OR REPLACE FUNCTION quay.robot_token(namespace text, shortname text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted_id bigint := quay_internal.robot_id(namespace, shortname);
BEGIN
    RETURN (SELECT quay_internal.field_decrypt(t.token) FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = wanted_id);
END
$$;
COMMENT ON FUNCTION quay.robot_token(text, text) IS
    'The token of a robot in clear, NULL if it has none. For those who may administer the namespace. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown, QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.robot_pull_credentials(robot text)
    RETURNS TABLE (username text, password text, registry text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT u.username::text, quay_internal.field_decrypt(t.token),
           format('%s://%s/v1/', quay_internal.setting('url_scheme'), quay_internal.setting('server_hostname'))
    FROM quay."user" AS u JOIN quay.robotaccounttoken AS t ON t.robot_account_id = u.id
    WHERE u.username = robot_pull_credentials.robot AND u.robot;
END
$$;
COMMENT ON FUNCTION quay.robot_pull_credentials(text) IS
    'What a builder logs in with to pull as this robot, by its full name: no row if there is none, or if it has no token. registry: URL made of quay.url_scheme and quay.server_hostname. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.robot_regenerate(namespace text, INOUT shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                                 OUT username text, OUT token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_regenerate.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    stored text;
BEGIN
    username := robot.username;
    token := quay_internal.token_random(64);
    stored := quay_internal.field_encrypt(token, 255);
    -- Whatever knows the robot by its uuid, or by these, has to ask again.
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text, email = gen_random_uuid()::text WHERE u.id = robot.id;
    INSERT INTO quay.robotaccounttoken AS t (robot_account_id, token, fully_migrated) VALUES (robot.id, stored, true)
    ON CONFLICT (robot_account_id) DO UPDATE SET token = EXCLUDED.token, fully_migrated = true;
    INSERT INTO quay.federatedlogin AS l (user_id, service_id, service_ident, metadata_json)
    SELECT robot.id, s.id, 'robot:' || robot.id, '{}' FROM quay.loginservice AS s WHERE s.name = 'quayrobot'
    ON CONFLICT (service_id, user_id) DO UPDATE SET service_ident = EXCLUDED.service_ident;
    PERFORM quay_internal.log_add('regenerate_robot_token', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname),
                                  robot_regenerate.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_regenerate(text, text, text, text) IS
    'Gives a robot a new random token, which is returned; the old one is worth nothing from the commit on. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.robot_set_metadata(namespace text, shortname text, description text DEFAULT NULL, metadata jsonb DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot quay."user" := quay_internal.robot_lock(quay_internal.namespace_lock(namespace), shortname);
BEGIN
    PERFORM quay_internal.robot_metadata_check(metadata);
    INSERT INTO quay.robotaccountmetadata AS m (robot_account_id, description, unstructured_json)
    VALUES (robot.id, left(coalesce(robot_set_metadata.description, ''), 255), coalesce(robot_set_metadata.metadata, '{}')::text)
    ON CONFLICT (robot_account_id) DO UPDATE
    SET description = CASE WHEN robot_set_metadata.description IS NULL THEN m.description ELSE EXCLUDED.description END,
        unstructured_json = CASE WHEN robot_set_metadata.metadata IS NULL THEN m.unstructured_json ELSE EXCLUDED.unstructured_json END;
END
$$;
COMMENT ON FUNCTION quay.robot_set_metadata(text, text, text, jsonb) IS
    'Sets the description of a robot, cut to 255 characters, and its metadata, a JSON object. NULL leaves either as it is. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown, QY077 metadata are no object.';

CREATE OR REPLACE FUNCTION quay.robot_delete(namespace text, shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_delete.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    used_by text;
BEGIN
    -- From here on nothing new can refer to it.
    PERFORM FROM quay."user" AS u WHERE u.id = robot.id FOR UPDATE;
    SELECT m.mirror INTO used_by
    FROM (SELECT format('repository "%s"', r.name)
          FROM quay.repomirrorconfig AS c JOIN quay.repository AS r ON r.id = c.repository_id WHERE c.internal_robot_id = robot.id
          UNION ALL
          SELECT format('organization "%s"', o.username)
          FROM quay.orgmirrorconfig AS c JOIN quay."user" AS o ON o.id = c.organization_id WHERE c.internal_robot_id = robot.id) AS m (mirror)
    ORDER BY m.mirror LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot is being used by a mirror',
            DETAIL = format('The mirror of %s works as robot "%s".', used_by, robot.username),
            HINT = 'Give the mirror another robot, or delete it, first.';
    END IF;
    PERFORM quay_internal.account_delete_linked(ARRAY[robot.id]);
    DELETE FROM quay."user" AS u WHERE u.id = robot.id;
    PERFORM quay_internal.log_add('delete_robot', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname), robot_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_delete(text, text, text, text) IS
    'Deletes a robot with its token, memberships, permissions, default permissions and notifications; builds and build triggers that pulled with it stay. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, QY013 a mirror of a repository or an organization uses it.';

-- Federated robots: an identity provider vouches for the program, which then needs no token of the robot.

CREATE OR REPLACE FUNCTION quay_internal.robot_federation_normalize(config jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    IF jsonb_typeof(config) IS DISTINCT FROM 'array' THEN
        problem := 'It is not a JSON array.';
    ELSE
        SELECT min(CASE
            WHEN jsonb_typeof(c.entry) <> 'object' THEN 'An entry is not an object.'
            WHEN jsonb_typeof(c.entry -> 'issuer') IS DISTINCT FROM 'string' THEN 'An entry has no issuer.'
            WHEN c.entry ->> 'issuer' !~* '^https?://[^[:space:]/?#]+[^[:space:]]*$'
                THEN format('The issuer "%s" is not a URL with http or https.', left(c.entry ->> 'issuer', 80))
            WHEN jsonb_typeof(c.entry -> 'subject') IS DISTINCT FROM 'string' OR c.entry ->> 'subject' = '' THEN 'An entry has no subject.'
            WHEN jsonb_typeof(c.entry -> 'audiences') NOT IN ('array', 'null')
                OR c.entry @? 'strict $.audiences[*] ? (@.type() != "string" || @ == "")' THEN 'The audiences of an entry are not an array of texts.'
            WHEN c.ordinal > 1 THEN format('The issuer "%s" occurs twice with the same subject.', left(c.entry ->> 'issuer', 80))
        END)
        INTO problem
        FROM (SELECT e.entry, row_number() OVER (PARTITION BY e.entry -> 'issuer', e.entry -> 'subject')
              FROM jsonb_array_elements(config) AS e (entry)) AS c (entry, ordinal);
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed federation of a robot',
            DETAIL = problem,
            HINT = 'Pass for example [{"issuer": "https://idp.example", "subject": "build", "audiences": ["registry"]}].';
    END IF;
    RETURN coalesce((
        SELECT jsonb_agg(jsonb_build_object('issuer', e.entry -> 'issuer', 'subject', e.entry -> 'subject')
                         || CASE WHEN e.entry -> 'audiences' NOT IN ('null', '[]') THEN jsonb_build_object('audiences', e.entry -> 'audiences') ELSE '{}' END
                         ORDER BY e.ordinal)
        FROM jsonb_array_elements(config) WITH ORDINALITY AS e (entry, ordinal)), '[]');
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation_normalize(jsonb) IS
    'The federation of a robot with what is known of its entries: issuer, subject and, unless there are none, audiences. Errors: QY077 malformed.';

CREATE OR REPLACE FUNCTION quay_internal.robot_federation(robot_id bigint) RETURNS TABLE (issuer text, subject text, audiences text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT e.entry ->> 'issuer', e.entry ->> 'subject',
           ARRAY(SELECT a.value #>> '{}' FROM jsonb_path_query(e.entry, 'strict $.audiences[*]', silent => true) AS a (value))
    FROM quay.federatedlogin AS l
    JOIN quay.loginservice AS s ON s.id = l.service_id AND s.name = 'quayrobot'
    CROSS JOIN LATERAL jsonb_path_query(quay_internal.json_read(l.metadata_json), 'strict $.federation_config[*]', silent => true) WITH ORDINALITY AS e (entry, ordinal)
    WHERE l.user_id = robot_federation.robot_id
    ORDER BY e.ordinal;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation(bigint) IS 'Whose tokens a robot takes; no row if nobody''s. Empty audiences: whomever the token is for.';

CREATE OR REPLACE FUNCTION quay.robot_federation_get(namespace text, shortname text) RETURNS TABLE (issuer text, subject text, audiences text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay_internal.robot_federation(quay_internal.robot_id(namespace, shortname));
END
$$;
COMMENT ON FUNCTION quay.robot_federation_get(text, text) IS
    'Identity providers whose tokens log a robot in, and for which subjects, in the order in which they were set; no row if there are none. Empty audiences: the token may be for anybody. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay_internal.robot_federation_store(robot_id bigint, config jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay.federatedlogin AS l (user_id, service_id, service_ident, metadata_json)
    SELECT robot_federation_store.robot_id, s.id, 'robot:' || robot_federation_store.robot_id,
           jsonb_build_object('federation_config', config)::text
    FROM quay.loginservice AS s WHERE s.name = 'quayrobot'
    ON CONFLICT (service_id, user_id) DO UPDATE
    SET metadata_json = (coalesce(quay_internal.json_read(l.metadata_json), '{}') || EXCLUDED.metadata_json::jsonb)::text;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_federation_store(bigint, jsonb) IS 'Stores the federation of a robot that is locked.';

CREATE OR REPLACE FUNCTION quay.robot_federation_set(namespace text, shortname text, config jsonb, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_federation_set.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
    normal jsonb := quay_internal.robot_federation_normalize(config);
BEGIN
    PERFORM quay_internal.robot_federation_store(robot.id, normal);
    PERFORM quay_internal.log_add('create_robot_federation', owner.id, performer_id, NULL,
        jsonb_build_object('config', normal, 'robot', shortname), robot_federation_set.ip);
END
$$;
COMMENT ON FUNCTION quay.robot_federation_set(text, text, jsonb, text, text) IS
    'Replaces the identity providers whose tokens log a robot in. config: array of objects with issuer, a URL with http or https, subject, and, if the token must be for one of certain audiences, audiences; other members are dropped. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown, QY077 malformed, or the same issuer and subject twice.';

CREATE OR REPLACE FUNCTION quay.robot_federation_delete(namespace text, shortname text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_federation_delete.actor);
    robot quay."user" := quay_internal.robot_lock(owner, shortname);
BEGIN
    IF NOT EXISTS (SELECT FROM quay_internal.robot_federation(robot.id)) THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.robot_federation_store(robot.id, '[]');
    PERFORM quay_internal.log_add('delete_robot_federation', owner.id, performer_id, NULL, jsonb_build_object('robot', shortname),
                                  robot_federation_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.robot_federation_delete(text, text, text, text) IS
    'Takes the identity providers from a robot, so that only its own token logs it in; false if it has none. Errors: QY002 namespace unknown, QY004 disabled, QY007 robot or actor unknown.';

CREATE OR REPLACE FUNCTION quay.robot_federation_match(robot text, issuer text, subject text, audiences text[] DEFAULT '{}', ip text DEFAULT NULL)
    RETURNS TABLE (actor text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
BEGIN
    SELECT r.account, r.error INTO checked FROM quay_internal.robot_account(robot) AS r;
    account := checked.account;
    error := CASE
        WHEN checked.error IS NOT NULL THEN checked.error
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
        WHEN NOT EXISTS (SELECT FROM quay_internal.robot_federation(account.id)) THEN 'Robot does not have federated login configured'
        -- All of one entry must fit: an audience of one entry says nothing about the subject of another.
        WHEN NOT EXISTS (SELECT FROM quay_internal.robot_federation(account.id) AS f
                         WHERE f.issuer = robot_federation_match.issuer AND f.subject = robot_federation_match.subject
                           AND (f.audiences = '{}' OR f.audiences && robot_federation_match.audiences)) THEN 'Token does not match robot'
    END;
    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(account.id);
            PERFORM quay_internal.log_add('federated_robot_token_exchange',
                (SELECT u.id FROM quay."user" AS u WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot), account.id, NULL,
                jsonb_build_object('robot', account.username, 'issuer', issuer, 'subject', subject), robot_federation_match.ip);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.robot_federation_match(text, text, text, text[], text) IS
    'Logs a robot, by its full name, in with a token of an identity provider, which the caller has verified: issuer, subject and audiences are claims of it. Always one row: the robot as actor, or why not. A login is recorded, if the transaction may write.';

-- @part step api/130_repository.sql
-- Repositories: creation with everything that belongs to it, what there is to know about one, its settings, and its mark for deletion.

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

CREATE OR REPLACE FUNCTION quay_internal.repository_state_name(state integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE state WHEN 0 THEN 'normal' WHEN 1 THEN 'read_only' WHEN 2 THEN 'mirror' WHEN 3 THEN 'marked_for_deletion'
                      WHEN 4 THEN 'org_mirror' END;
COMMENT ON FUNCTION quay_internal.repository_state_name(integer) IS
    'Name of a repository.state: normal, read_only, mirror, marked_for_deletion or org_mirror. NULL for any other number.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_problem(name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(repository_name_problem.name, '/') > 0 AND NOT quay_internal.setting('extended_repository_names')::boolean THEN
        RETURN 'It contains a "/", and nested repositories are not supported here.';
    END IF;
    RETURN quay_internal.name_problem('repository', repository_name_problem.name);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_problem(text) IS
    'Why a new repository cannot have this name, as a sentence; NULL if it can. A "/" needs the setting quay.extended_repository_names.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_check(name text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.name_check('repository', repository_name_check.name);
    IF quay_internal.repository_name_problem(repository_name_check.name) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal repository name',
            DETAIL = format('"%s": %s', left(repository_name_check.name, 80), quay_internal.repository_name_problem(repository_name_check.name)),
            HINT = 'Use a name without "/", or have quay.extended_repository_names switched on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_check(text) IS
    'Refuses (QY001) a name that a new repository cannot have.';

CREATE OR REPLACE FUNCTION quay.repository_create(namespace text, name text, creator text DEFAULT NULL, visibility text DEFAULT 'private',
                                                  description text DEFAULT NULL, kind text DEFAULT 'image',
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL, proxy_cache boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A mirror configuration of the organization is made under FOR UPDATE of this row: it either sees our repository, or we see it.
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(coalesce(repository_create.actor, repository_create.creator));
    author quay."user";
    created quay.repository;
BEGIN
    PERFORM quay_internal.repository_name_check(repository_create.name);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c
               WHERE c.organization_id = owner.id AND c.internal_robot_id IS DISTINCT FROM performer_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'organization is a mirror',
            DETAIL = format('Only the robot of its mirror configuration creates repositories in "%s".', owner.username),
            HINT = 'Pass that robot as actor, or remove the mirror configuration of the organization.';
    END IF;
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
        VALUES (author.id, created.id, quay_internal.role_id(CASE WHEN repository_create.proxy_cache THEN 'read' ELSE 'admin' END));
        IF author.id <> owner.id THEN
            PERFORM quay_internal.permission_apply_default(created, author.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('create_repo', owner.id, performer_id, created.id,
        jsonb_build_object('namespace', namespace, 'repo', repository_create.name), repository_create.ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.repository_create(text, text, text, text, text, text, text, text, boolean) IS
    'Creates a repository and returns its id. The creator, unless an organization, gets the role admin, or read with proxy_cache, which is for repositories that a pull through the cache creates; the default permissions of the namespace apply in the same transaction, unless the creator is its owner. visibility: public or private; kind: image or application. The actor is the creator unless given. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY005 the organization is a mirror and the actor is not its robot, QY006 name taken, QY007 creator or actor unknown, QY009 unknown visibility or kind, QY013 creator is a robot of another namespace.';

-- Looking at repositories. Callers that answer people ask access_check() first.

CREATE OR REPLACE FUNCTION quay.repository_get_many(ids bigint[], username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, namespace text, name text, visibility text, kind text, state text, description text,
                   trust_enabled boolean, stars bigint, is_starred boolean, size_bytes bigint, namespace_id bigint,
                   namespace_is_organization boolean, namespace_enabled boolean, tag_expiration_s bigint, original_name text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    viewer_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = repository_get_many.username);
BEGIN
    RETURN QUERY
        SELECT r.id, u.username::text, r.name::text, v.name::text, k.name::text, quay_internal.repository_state_name(r.state), r.description,
               r.trust_enabled, (SELECT count(*) FROM quay.star AS s WHERE s.repository_id = r.id),
               EXISTS (SELECT FROM quay.star AS s WHERE s.user_id = viewer_id AND s.repository_id = r.id), coalesce(q.size_bytes, 0),
               u.id, u.organization, u.enabled, u.removed_tag_expiration_s, coalesce(d.original_name, r.name)::text
        FROM quay.repository AS r
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        LEFT JOIN quay.quotarepositorysize AS q ON q.repository_id = r.id
        LEFT JOIN quay.deletedrepository AS d ON d.repository_id = r.id
        WHERE r.id = ANY (ids)
        ORDER BY r.id;
END
$$;
COMMENT ON FUNCTION quay.repository_get_many(bigint[], text) IS
    'What there is to know about repositories, by their ids, in the order of these; ids that are unknown are left out. Also those that are marked for deletion, and those of disabled namespaces. state: normal, read_only, mirror, marked_for_deletion or org_mirror. stars: how many people starred it; is_starred: whether the user of that name did. size_bytes: as counted for quotas, 0 if not counted. tag_expiration_s: how long the namespace keeps removed tags, in seconds. original_name: the name before it was marked for deletion.';

CREATE OR REPLACE FUNCTION quay.repository_get(namespace text, name text, username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, visibility text, kind text, state text, description text, trust_enabled boolean, stars bigint,
                   is_starred boolean, size_bytes bigint, namespace_id bigint, namespace_is_organization boolean, tag_expiration_s bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT g.repository_id, g.visibility, g.kind, g.state, g.description, g.trust_enabled, g.stars, g.is_starred, g.size_bytes,
               g.namespace_id, g.namespace_is_organization, g.tag_expiration_s
        FROM quay.repository_get_many(ARRAY[quay_internal.repository_find(repository_get.namespace, repository_get.name)],
                                      repository_get.username) AS g;
END
$$;
COMMENT ON FUNCTION quay.repository_get(text, text, text) IS
    'What there is to know about a repository; the columns are those of repository_get_many(). No row if it is unknown or marked for deletion, or its namespace disabled. username: whose star is_starred is about.';

CREATE OR REPLACE FUNCTION quay.repository_state_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quay_internal.repository_state_name(r.state) FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_state_get.namespace, repository_state_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_state_get(text, text) IS
    'State of a repository: normal, read_only, mirror or org_mirror. NULL if it is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_kind_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT k.name FROM quay.repository AS r JOIN quay.repositorykind AS k ON k.id = r.kind_id
            WHERE r.id = quay_internal.repository_find(repository_kind_get.namespace, repository_kind_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_kind_get(text, text) IS
    'Kind of a repository: image or application. NULL if it is unknown or marked for deletion, or its namespace disabled.';

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

CREATE OR REPLACE FUNCTION quay.repository_set_description(namespace text, name text, description text,
                                                           actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_description.actor);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET description = repository_set_description.description WHERE r.id = target.id;
    PERFORM quay_internal.log_add('set_repo_description', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'description', repository_set_description.description),
        repository_set_description.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_description(text, text, text, text, text) IS
    'Sets the description of a repository, a text in Markdown; NULL for none. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_set_trust(namespace text, name text, trust_enabled boolean,
                                                     actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_trust.actor);
    new_trust boolean := coalesce(repository_set_trust.trust_enabled, false);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET trust_enabled = new_trust WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_trust', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'trust_enabled', new_trust), repository_set_trust.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_trust(text, text, boolean, text, text) IS
    'Says whether the tags of a repository are signed; NULL counts as false. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.badge_token FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_badge_token_get.namespace, repository_badge_token_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_get(text, text) IS
    'The token that lets a web page show the status badge of a private repository. NULL if the repository is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_rotate(namespace text, name text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
    new_token text := gen_random_uuid()::text;
BEGIN
    UPDATE quay.repository AS r SET badge_token = new_token WHERE r.id = target.id;
    RETURN new_token;
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_rotate(text, text) IS
    'Replaces the token of the status badge of a repository and returns the new one. Badges with the old one show nothing any more. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_mark_deletion(namespace text, name text, delay interval DEFAULT '0', suffix text DEFAULT NULL,
                                                         actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_mark_deletion.actor);
    target quay.repository;
    marker_id bigint;
    new_queue_id bigint;
BEGIN
    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE, and later ones do not find the name any more. Of two calls the
    -- second one does not either.
    SELECT r.* INTO target FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_mark_deletion.namespace AND NOT u.robot AND r.name = repository_mark_deletion.name AND r.state <> 3
    FOR UPDATE OF r;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    DELETE FROM quay.star AS s WHERE s.repository_id = target.id;
    UPDATE quay.repository AS r SET name = left(concat_ws('_', gen_random_uuid(), suffix), 255), state = 3 WHERE r.id = target.id;
    INSERT INTO quay.deletedrepository (repository_id, marked, original_name)
    VALUES (target.id, quay_internal.utc_now(), target.name)
    RETURNING id INTO marker_id;
    new_queue_id := quay_internal.queue_add(quay_internal.queue_path('repositorygc', repository_mark_deletion.namespace, target.id::text),
        jsonb_build_object('marker_id', marker_id, 'original_name', target.name), coalesce(delay, '0'));
    UPDATE quay.deletedrepository AS d SET queue_id = new_queue_id::text WHERE d.id = marker_id;
    -- Not under the repository: its name is gone.
    PERFORM quay_internal.log_add('delete_repo', target.namespace_user_id, performer_id, NULL,
        jsonb_build_object('namespace', repository_mark_deletion.namespace, 'repo', target.name), repository_mark_deletion.ip);
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.repository_mark_deletion(text, text, interval, text, text, text) IS
    'Marks a repository for deletion and returns the id of its marker, NULL if there is no such repository. From then on nobody sees it and its name is free; its rows go when a worker takes the item of the queue repositorygc that this adds, after the delay. Waits for pushes under way. suffix is added to the name that it has until then, which is a random one. Works in a disabled namespace too. Errors: QY007 actor unknown.';

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

-- @part step api/132_repository_attribute.sql
-- What hangs on repositories: stars, e-mail addresses for notifications, sizes, counts, and the score that orders the search.

CREATE OR REPLACE FUNCTION quay.repository_star(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star.username);
    -- Who marks the repository for deletion removes its stars; the lock lets none slip in.
    target quay.repository := quay_internal.repository_get(repository_star.namespace, repository_star.name, lock => true);
BEGIN
    INSERT INTO quay.star (user_id, repository_id, created) VALUES (person.id, target.id, quay_internal.utc_now()) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_star(text, text, text) IS
    'Stars a repository for a person. True if starred, false if it was already. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_unstar(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_unstar.username);
BEGIN
    DELETE FROM quay.star AS s
    WHERE s.user_id = person.id
      AND s.repository_id = quay_internal.repository_find(repository_unstar.namespace, repository_unstar.name);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_unstar(text, text, text) IS
    'Takes the star of a person from a repository. True if taken, false if there was none or no such repository. Errors: QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_is_starred(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.star AS s JOIN quay."user" AS u ON u.id = s.user_id
                   WHERE u.username = repository_is_starred.username
                     AND s.repository_id = quay_internal.repository_find(repository_is_starred.namespace, repository_is_starred.name));
END
$$;
COMMENT ON FUNCTION quay.repository_is_starred(text, text, text) IS 'Did the person star the repository? Names that are unknown make it false.';

CREATE OR REPLACE FUNCTION quay.repository_star_count(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.star AS s
            WHERE s.repository_id = quay_internal.repository_find(repository_star_count.namespace, repository_star_count.name));
END
$$;
COMMENT ON FUNCTION quay.repository_star_count(text, text) IS 'How many people starred the repository; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_star_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100, kind text DEFAULT 'image',
                                                     scopes text DEFAULT NULL)
    RETURNS TABLE (star_id bigint, repository_id bigint, namespace text, repository text, visibility text, state text, description text,
                   created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star_list.username);
    page_size integer := quay_internal.page_size(n);
    wanted_kind_id bigint := CASE WHEN repository_star_list.kind IS NOT NULL THEN quay_internal.repositorykind_id(repository_star_list.kind) END;
    returned integer := 0;
BEGIN
    IF page_size = 0 THEN
        RETURN;
    END IF;
    FOR star_id, repository_id, namespace, repository, visibility, state, description, created IN
        SELECT s.id, r.id, u.username, r.name, v.name, quay_internal.repository_state_name(r.state), r.description, s.created
        FROM quay.star AS s
        JOIN quay.repository AS r ON r.id = s.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        WHERE s.user_id = person.id AND s.id > coalesce(repository_star_list.after, 0) AND r.state <> 3
          AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
        ORDER BY s.id
    LOOP
        -- Who lost the right to see a repository keeps the star, but does not see it.
        CONTINUE WHEN NOT quay.access_check(person.username, namespace, repository, 'read', repository_star_list.scopes);
        RETURN NEXT;
        returned := returned + 1;
        EXIT WHEN returned = page_size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_star_list(text, bigint, integer, text, text) IS
    'Repositories that a person starred and may read now, in the order in which they were starred, at most n, those after the star_id after. kind: image or application; NULL for both. scopes: those of the credential, as in access_check(). created: when starred, UTC. Errors: 22023 n negative, QY007 person unknown, QY009 unknown kind.';

-- E-mail addresses that may get notifications about a repository, once their owner has confirmed it.

CREATE OR REPLACE FUNCTION quay.repository_email_create(namespace text, name text, email text)
    RETURNS TABLE (code text, confirmed boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    PERFORM quay_internal.email_check(repository_email_create.email);
    INSERT INTO quay.repositoryauthorizedemail (repository_id, email, code, confirmed)
    VALUES (target.id, repository_email_create.email, quay_internal.token_random(16), false)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT a.code::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
                 WHERE a.repository_id = target.id AND a.email = repository_email_create.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_create(text, text, text) IS
    'Asks for an e-mail address to get notifications about a repository. Returns the code to mail there, 16 characters, and whether the address is confirmed; where it was asked for before, the same code, so that it can be sent again. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.repository_email_confirm(code text)
    RETURNS TABLE (namespace text, repository text, email text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.repositoryauthorizedemail AS a
    SET confirmed = true
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE a.code = repository_email_confirm.code AND r.id = a.repository_id AND r.state <> 3 AND u.enabled
    RETURNING u.username, r.name, a.email INTO namespace, repository, email;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY017',
            MESSAGE = 'confirmation code is not valid',
            DETAIL = 'No e-mail address of a repository has this code.',
            HINT = 'Ask for the address again with quay.repository_email_create().';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_email_confirm(text) IS
    'Confirms the e-mail address to which this code was mailed, and returns which one for which repository it was. A second time does no harm. Errors: QY017 code unknown, or its repository gone.';

CREATE OR REPLACE FUNCTION quay.repository_email_list(namespace text, name text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (email text, confirmed boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email > coalesce(repository_email_list.after, '')
        ORDER BY a.email
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_email_list(text, text, text, integer) IS
    'E-mail addresses that were asked for in a repository, and whether they are confirmed, in byte order, at most n, those after the address after. Errors: 22023 n negative, QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_get(namespace text, name text, INOUT email text, OUT confirmed boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email = repository_email_get.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_get(text, text, text) IS
    'Is the e-mail address confirmed for the repository? No row if it was never asked for. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_delete(namespace text, name text, email text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    DELETE FROM quay.repositoryauthorizedemail AS a WHERE a.repository_id = target.id AND a.email = repository_email_delete.email;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_email_delete(text, text, text) IS
    'Removes an e-mail address from a repository; its code is not valid any more. True if removed, false if it was not there. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

-- Sizes, counts, and what workers ask.

CREATE OR REPLACE FUNCTION quay.repository_size_many(ids bigint[]) RETURNS TABLE (repository_id bigint, size_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.id, coalesce(q.size_bytes, 0)
        FROM (SELECT DISTINCT u.id FROM unnest(ids) AS u (id) WHERE u.id IS NOT NULL) AS i
        LEFT JOIN quay.quotarepositorysize AS q ON q.repository_id = i.id
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay.repository_size_many(bigint[]) IS
    'Sizes of repositories, by their ids, in bytes, as counted for quotas: a row for each id, 0 where nothing was counted.';

CREATE OR REPLACE FUNCTION quay.repository_upload_size(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(b.byte_count), 0) FROM quay.blobupload AS b
            WHERE b.repository_id = quay_internal.repository_find(repository_upload_size.namespace, repository_upload_size.name));
END
$$;
COMMENT ON FUNCTION quay.repository_upload_size(text, text) IS
    'Bytes that the uploads under way in a repository have received so far; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_count(estimate boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Of the last ANALYZE or VACUUM; -1: there was none.
    estimated bigint := (SELECT c.reltuples::bigint FROM pg_class AS c WHERE c.oid = 'quay.repository'::regclass);
BEGIN
    IF repository_count.estimate AND estimated >= 0 THEN
        RETURN estimated;
    END IF;
    RETURN (SELECT count(*) FROM quay.repository);
END
$$;
COMMENT ON FUNCTION quay.repository_count(boolean) IS
    'How many repositories there are, those marked for deletion included. estimate: the number that the planner goes by, at once; where there is none yet they are counted.';

CREATE OR REPLACE FUNCTION quay.repository_id_range(OUT min_id bigint, OUT max_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT min(r.id), max(r.id) INTO min_id, max_id FROM quay.repository AS r;
END
$$;
COMMENT ON FUNCTION quay.repository_id_range() IS 'The smallest and the greatest id of a repository, for workers that walk through all. NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.gc_policy_pick() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Policies are few, namespaces are many: one pass that keeps what is distinct, and a look into the array, no sort.
    policies bigint[] := ARRAY(SELECT u.removed_tag_expiration_s FROM quay."user" AS u WHERE NOT u.robot
                               GROUP BY u.removed_tag_expiration_s LIMIT 100);
BEGIN
    RETURN policies[1 + floor(random() * cardinality(policies))::integer];
END
$$;
COMMENT ON FUNCTION quay.gc_policy_pick() IS
    'A random one of the times, in seconds, that namespaces keep removed tags, each as probable as any other, of at most 100: what a garbage collector works on next. NULL if there is no namespace. It reads all namespaces: keep the answer for some minutes.';

CREATE OR REPLACE FUNCTION quay.repository_secscan_severity_list(namespace text, name text) RETURNS TABLE (severity text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT p.severity
        FROM quay.repositorynotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        CROSS JOIN LATERAL (SELECT t.event_config_json::jsonb #>> '{vulnerability,priority}') AS p (severity)
        WHERE t.repository_id = quay_internal.repository_find(repository_secscan_severity_list.namespace, repository_secscan_severity_list.name)
          AND e.name = 'vulnerability_found' AND p.severity <> ''
        ORDER BY p.severity;
END
$$;
COMMENT ON FUNCTION quay.repository_secscan_severity_list(text, text) IS
    'Severities from which on somebody wants to be notified about vulnerabilities found in a repository, each once. No row if nobody does, or the repository is unknown.';

-- The order of the search.

CREATE OR REPLACE FUNCTION quay_internal.repository_search_score(repository_id bigint, today date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    score bigint;
BEGIN
    -- The mean number of actions per day of each period, weighed. It is divided by the days of the period, not by those that have a row:
    -- a day without one is a day without actions, or a repository that was used once would go before one that is used every day.
    SELECT trunc(100 * sum(b.weight * b.actions / b.days))
    INTO score
    FROM (SELECT w.weight, w.first_day - w.last_day + 1 AS days,
                 (SELECT coalesce(sum(c.count), 0) FROM quay.repositoryactioncount AS c
                  WHERE c.repository_id = repository_search_score.repository_id
                    AND c.date BETWEEN repository_search_score.today - w.first_day AND repository_search_score.today - w.last_day) AS actions
          FROM (VALUES (1, 1, 0.010870), (7, 2, 0.062815), (31, 8, 0.21604), (183, 32, 0.71028)) AS w (first_day, last_day, weight)) AS b;
    RETURN score;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_search_score(bigint, date) IS
    'Score of a repository in the search: 100 times the sum, over four periods, of the mean number of actions per day times a weight, without fraction. The periods are yesterday, 2 to 7, 8 to 31 and 32 to 183 days before today. Days without a row of repositoryactioncount count as days without actions.';

CREATE OR REPLACE FUNCTION quay.repository_search_score_update(after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, updated bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    today date := quay_internal.utc_now()::date;
    ids bigint[] := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id > coalesce(repository_search_score_update.after, 0)
                          ORDER BY r.id LIMIT page_size);
BEGIN
    -- Nothing is written where the score stays. In the order of ids, so that two such calls do not lock each other out.
    INSERT INTO quay.repositorysearchscore AS s (repository_id, score, last_updated)
    SELECT r.id, c.score, quay_internal.utc_now()
    FROM quay.repository AS r
    LEFT JOIN quay.repositorysearchscore AS o ON o.repository_id = r.id
    CROSS JOIN LATERAL (SELECT quay_internal.repository_search_score(r.id, today)) AS c (score)
    WHERE r.id = ANY (ids) AND r.state <> 3 AND o.score IS DISTINCT FROM c.score
    ORDER BY r.id
    ON CONFLICT (repository_id) DO UPDATE SET score = EXCLUDED.score, last_updated = EXCLUDED.last_updated;
    GET DIAGNOSTICS updated = ROW_COUNT;
    examined := cardinality(ids);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_search_score_update(bigint, integer) IS
    'Brings the search scores of the next n repositories up to date, in the order of their ids, those with an id greater than after. Returns how many were looked at, how many of them have another score now, and the last id: pass it as after in the next call, until it is NULL. To be done once a day, when the action counts of yesterday are there; safe to repeat, and to stop and go on at any place. Errors: 22023 n negative.';

-- @part step api/134_repository_list.sql
-- Repositories that an actor may see, page by page. What bounds the cost is the page: each source of repositories is an index in the
-- order of their ids, of which a page needs only the next few entries.

CREATE OR REPLACE FUNCTION quay_internal.actor_reach(actor text, scopes text, OUT account_id bigint, OUT grantee_id bigint, OUT teams bigint[],
                                                     OUT namespaces bigint[], OUT named bigint[], OUT sees_public boolean,
                                                     OUT sees_all boolean) RETURNS record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known boolean := actor_reach.actor IS NOT NULL AND NOT EXISTS (
        SELECT FROM quay.access_explain(actor_reach.actor, NULL, NULL, 'read', actor_reach.scopes) AS e
        WHERE e.decided AND e.rule IN ('actor', 'scopes'));
BEGIN
    -- What needs neither a namespace nor a repository reaches all of them.
    sees_all := quay.access_check(actor_reach.actor, NULL, NULL, 'read', actor_reach.scopes);
    sees_public := known OR quay_internal.setting('anonymous_access')::boolean;
    IF known THEN
        SELECT u.id INTO account_id FROM quay."user" AS u WHERE u.username = actor_reach.actor;
        IF actor_reach.scopes IS NULL OR actor_reach.scopes ~ '(^|[ ,])repo:(read|write|admin)($|[ ,])' THEN
            grantee_id := account_id;
        END IF;
    END IF;
    teams := ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = grantee_id);
    namespaces := ARRAY(
        SELECT u.id FROM quay."user" AS u WHERE u.id = grantee_id AND NOT u.robot
        UNION
        SELECT o.id
        FROM quay.team AS t
        JOIN quay.teamrole AS tr ON tr.id = t.role_id AND tr.name = 'admin'
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.organization AND o.enabled
        WHERE t.id = ANY (teams));
    named := ARRAY(
        SELECT r.id
        FROM regexp_matches(actor_reach.scopes, '(?:^|[ ,])repository:([^/ ]+)/([^: ]+):[^ ]', 'g') AS m (path)
        JOIN quay."user" AS u ON u.username = m.path[1]
        JOIN quay.repository AS r ON r.namespace_user_id = u.id AND r.name = m.path[2]);
END
$$;
COMMENT ON FUNCTION quay_internal.actor_reach(text, text) IS
'Where to look for repositories that the actor may read; access_check() has the last word on each.

account_id: the actor, unless he counts as anonymous. grantee_id: the same if the scopes let his rights in repositories through: then his permissions and those of teams count. namespaces: his own, and enabled organizations of which he is in an admin team. named: repositories that the scopes name. sees_public: whether public ones are for him. sees_all: whether all are, as for a superuser.';

CREATE OR REPLACE FUNCTION quay.repository_list_visible(actor text, OUT repository_id bigint, INOUT namespace text DEFAULT NULL, OUT name text,
                                                        OUT description text, OUT visibility text, INOUT kind text DEFAULT 'image',
                                                        OUT state text, include_public boolean DEFAULT false,
                                                        starred boolean DEFAULT false, after bigint DEFAULT NULL, n integer DEFAULT 100,
                                                        scopes text DEFAULT NULL, OUT can_write boolean, OUT can_admin boolean,
                                                        OUT is_starred boolean, OUT score bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    wanted_kind_id bigint := CASE WHEN kind IS NOT NULL THEN quay_internal.repositorykind_id(kind) END;
    wanted_namespace_id bigint;
    public_id bigint := quay_internal.visibility_id('public');
    -- The sources. NULL, false or empty: not this one.
    starrer_id bigint;                  -- stars of this user
    grantee_id bigint;                  -- permissions of this user
    team_ids bigint[] := '{}'::bigint[];          -- permissions of these teams
    namespace_ids bigint[] := '{}'::bigint[];     -- all repositories of these namespaces
    public_namespace_id bigint;         -- the public ones of this namespace
    all_public boolean := false;
    everything boolean := false;
    named_ids bigint[] := '{}'::bigint[];
    start_id bigint := coalesce(after, 0);
    depth integer;                      -- how many entries of each source are looked at
    horizon bigint;                     -- up to this id they are all that there are; NULL: there are no more
    batch bigint[];
    returned integer;
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    IF namespace IS NOT NULL THEN
        SELECT u.id INTO wanted_namespace_id FROM quay."user" AS u
        WHERE u.username = repository_list_visible.namespace AND NOT u.robot AND u.enabled;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    IF starred THEN
        starrer_id := reach.account_id;
    ELSIF wanted_namespace_id IS NULL AND reach.sees_all THEN
        everything := true;
    ELSIF reach.sees_all OR wanted_namespace_id = ANY (reach.namespaces) THEN
        namespace_ids := ARRAY[wanted_namespace_id];
    ELSE
        grantee_id := reach.grantee_id;
        team_ids := reach.teams;
        named_ids := reach.named;
        IF wanted_namespace_id IS NULL THEN
            namespace_ids := reach.namespaces;
            all_public := include_public AND reach.sees_public;
        ELSIF include_public AND reach.sees_public THEN
            public_namespace_id := wanted_namespace_id;
        END IF;
    END IF;
    -- A page is likely to be there when the fullest of several sources has given a quarter of it; a single one has to give all.
    depth := CASE WHEN everything OR starred OR cardinality(namespace_ids) = 1 AND grantee_id IS NULL THEN remaining
                  ELSE 8 + remaining / 4 END;
    WHILE remaining > 0 LOOP
        WITH source (ids) AS MATERIALIZED (
            SELECT ARRAY(SELECT s.repository_id FROM quay.star AS s
                         WHERE s.user_id = starrer_id AND s.repository_id > start_id
                         ORDER BY s.repository_id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT p.repository_id FROM quay.repositorypermission AS p
                         WHERE p.user_id = grantee_id AND p.repository_id > start_id
                         ORDER BY p.repository_id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT p.repository_id FROM quay.repositorypermission AS p
                         WHERE p.team_id = t.id AND p.repository_id > start_id
                         ORDER BY p.repository_id LIMIT depth)
            FROM unnest(team_ids) AS t (id)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE r.namespace_user_id = o.id AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            FROM unnest(namespace_ids) AS o (id)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE r.namespace_user_id = public_namespace_id AND r.visibility_id = public_id AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            UNION ALL
            -- visibility_id = public_id, in a form that only the index on both columns serves in this order.
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE all_public AND (r.visibility_id, r.id) > (public_id, start_id) AND r.visibility_id <= public_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.visibility_id, r.id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE everything AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT t.id FROM unnest(named_ids) AS t (id) WHERE t.id > start_id ORDER BY t.id LIMIT depth)
        ), known AS MATERIALIZED (
            SELECT min(s.ids[depth]) AS horizon FROM source AS s
        )
        SELECT k.horizon,
               ARRAY(SELECT r.id
                     FROM (SELECT DISTINCT e.id FROM source AS s, unnest(s.ids) AS e (id)
                           WHERE k.horizon IS NULL OR e.id <= k.horizon) AS e
                     JOIN quay.repository AS r ON r.id = e.id
                     WHERE (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                       AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     ORDER BY r.id LIMIT remaining)
        INTO horizon, batch FROM known AS k;

        RETURN QUERY
            SELECT r.id, u.username::text, r.name::text, r.description, v.name::text, k.name::text,
                   quay_internal.repository_state_name(r.state), r.state = 0 AND e.level & 2 > 0, e.level & 4 > 0,
                   EXISTS (SELECT FROM quay.star AS s WHERE s.user_id = reach.account_id AND s.repository_id = r.id), coalesce(s.score, 0)
            FROM unnest(batch, quay.access_level_many(actor, batch, scopes)) AS e (id, level)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.visibility AS v ON v.id = r.visibility_id
            JOIN quay.repositorykind AS k ON k.id = r.kind_id
            LEFT JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
            WHERE e.level & 1 > 0
            ORDER BY r.id;
        GET DIAGNOSTICS returned = ROW_COUNT;
        IF cardinality(batch) = remaining THEN
            horizon := batch[remaining];
        END IF;
        EXIT WHEN horizon IS NULL;
        remaining := remaining - returned;
        start_id := horizon;
        depth := least(4 * depth, 100000);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_list_visible(text, text, text, boolean, boolean, bigint, integer, text) IS
'Repositories that the actor (NULL: anonymous) may read, in the order of their ids, at most n, those after the id after.

Without include_public these are the ones in which he has a right of his own: through a permission, a team, an organization that he administers, his own namespace, his scopes, or as a superuser who may read everything; with it, public ones too. namespace: only those of this one; unknown or disabled, none. kind: image or application; NULL, any. starred: only those that he has starred and may still read, public or not. scopes: as for access_check().

state: normal, read_only, mirror or org_mirror; what is marked for deletion is not listed. can_write: in state normal, and he may; can_admin: as access_check() says. score: popularity, as in repository_search().
Errors: 22023 n negative, QY009 unknown kind.';

-- @part step api/136_search.sql
-- Search for repositories and namespaces, and for all that has a name, limited to what the actor may see.

CREATE OR REPLACE FUNCTION quay.repository_search(query text, actor text, OUT repository_id bigint, OUT namespace text, OUT name text,
                                                  OUT description text, OUT is_public boolean, INOUT kind text DEFAULT NULL,
                                                  OUT state text, OUT score bigint, after text DEFAULT NULL, n integer DEFAULT 10,
                                                  scopes text DEFAULT NULL, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET jit = off
    SET plan_cache_mode = force_custom_plan AS $$      -- the pattern decides whether a trigram index helps
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    wanted_kind_id bigint := CASE WHEN kind IS NOT NULL THEN quay_internal.repositorykind_id(kind) END;
    public_id bigint := quay_internal.visibility_id('public');
    wanted_namespace_id bigint;
    part text := coalesce(query, '');
    pattern text;
    weight bigint := 1;                 -- of the popularity if the name matches
    after_score bigint := 9223372036854775807;
    after_id bigint := 0;
    few boolean;
    depth integer;
    batch bigint[];
    scores bigint[];
    readable bigint[];
    returned integer;
BEGIN
    IF after IS NOT NULL AND after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a repository search',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    IF after IS NOT NULL THEN
        after_score := split_part(after, '.', 1)::bigint;
        after_id := split_part(after, '.', 2)::bigint;
    END IF;
    -- "namespace/part of a name"; nothing before the slash leaves the namespace open.
    IF strpos(part, '/') > 0 THEN
        IF strpos(part, '/') > 1 THEN
            SELECT u.id INTO wanted_namespace_id FROM quay."user" AS u
            WHERE u.username = split_part(part, '/', 1) AND NOT u.robot AND u.enabled;
            IF NOT FOUND THEN
                RETURN;
            END IF;
        END IF;
        part := substring(part FROM strpos(part, '/') + 1);
    END IF;
    IF part <> '' THEN
        pattern := quay_internal.like_contains(part);
        weight := 100;
    END IF;

    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    -- Who sees little is better served by a look at that than by a walk through everybody's.
    few := NOT reach.sees_all AND wanted_namespace_id IS NULL
           AND NOT (reach.sees_public
                    AND EXISTS (SELECT FROM quay.repository AS r WHERE r.visibility_id = public_id OFFSET 1000));
    depth := remaining;
    WHILE remaining > 0 LOOP
        IF few THEN
            SELECT array_agg(e.id), array_agg(e.score) INTO batch, scores
            FROM (SELECT r.id, c.score
                  FROM (SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.user_id = reach.grantee_id
                        UNION SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.team_id = ANY (reach.teams)
                        UNION SELECT p.id FROM quay.repository AS p WHERE p.namespace_user_id = ANY (reach.namespaces)
                        UNION SELECT p.id FROM quay.repository AS p WHERE reach.sees_public AND p.visibility_id = public_id
                        UNION SELECT t.id FROM unnest(reach.named) AS t (id)) AS p
                  JOIN quay.repository AS r ON r.id = p.repository_id
                  JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
                  CROSS JOIN LATERAL (SELECT CASE WHEN r.name ILIKE pattern THEN weight * s.score ELSE s.score END) AS c (score)
                  WHERE (pattern IS NULL OR r.name ILIKE pattern OR r.description ILIKE pattern)
                    AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                    AND c.score <= after_score AND (c.score < after_score OR r.id > after_id)
                  ORDER BY c.score DESC, r.id LIMIT depth) AS e;
        ELSE
            -- Names and descriptions apart: each is in the order of the index on scores then, should a walk along it be the best way.
            SELECT array_agg(e.id), array_agg(e.score) INTO batch, scores
            FROM ((SELECT s.repository_id AS id, weight * s.score AS score
                   FROM quay.repositorysearchscore AS s
                   JOIN quay.repository AS r ON r.id = s.repository_id
                   WHERE (pattern IS NULL OR r.name ILIKE pattern)
                     AND s.score <= after_score / weight AND (s.score * weight < after_score OR s.repository_id > after_id)
                     AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                     AND (reach.sees_all OR r.visibility_id = public_id OR r.namespace_user_id = ANY (reach.namespaces)
                          OR r.id = ANY (reach.named)
                          OR EXISTS (SELECT FROM quay.repositorypermission AS p
                                     WHERE p.repository_id = r.id AND (p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams))))
                   ORDER BY s.score DESC, s.repository_id LIMIT depth)
                  UNION ALL
                  (SELECT s.repository_id, s.score
                   FROM quay.repositorysearchscore AS s
                   JOIN quay.repository AS r ON r.id = s.repository_id
                   WHERE pattern IS NOT NULL AND r.description ILIKE pattern AND r.name NOT ILIKE pattern
                     AND s.score <= after_score AND (s.score < after_score OR s.repository_id > after_id)
                     AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                     AND (reach.sees_all OR r.visibility_id = public_id OR r.namespace_user_id = ANY (reach.namespaces)
                          OR r.id = ANY (reach.named)
                          OR EXISTS (SELECT FROM quay.repositorypermission AS p
                                     WHERE p.repository_id = r.id AND (p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams))))
                   ORDER BY s.score DESC, s.repository_id LIMIT depth)
                  ORDER BY score DESC, id LIMIT depth) AS e;
        END IF;
        readable := quay.access_filter_many(actor, batch, 'read', scopes);
        RETURN QUERY
            SELECT r.id, u.username::text, r.name::text, r.description, r.visibility_id = public_id, k.name::text,
                   quay_internal.repository_state_name(r.state), e.score, e.score || '.' || r.id
            FROM unnest(batch, scores) AS e (id, score)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.repositorykind AS k ON k.id = r.kind_id
            WHERE e.id = ANY (readable)
            ORDER BY e.score DESC, r.id LIMIT remaining;
        GET DIAGNOSTICS returned = ROW_COUNT;
        EXIT WHEN batch IS NULL OR cardinality(batch) < depth;
        after_score := scores[depth];
        after_id := batch[depth];
        remaining := remaining - returned;
        depth := greatest(depth, least(4 * depth, 10000));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_search(text, text, text, text, integer, text) IS
'Repositories that the actor (NULL: anonymous) may read, public ones among them, and that the query finds, the most popular first, at most n. For the next page pass cursor of the last row as after.

query: part of a name or a description, in any case; characters like % and _ stand for themselves. "namespace/part" looks into one namespace only. Empty: all. kind: image or application; NULL, any. scopes: as for access_check().
score: popularity, that is the value in repositorysearchscore, times 100 if the name matches; rows with the same are in the order of their ids. Repositories without a row there are not found.
Fast with the indexes of search_index_create(), which parts of three or more characters use.
Errors: 22023 n negative or malformed cursor, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.user_namespace_search(query text, actor text, after text DEFAULT NULL, n integer DEFAULT 10,
                                                      scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, namespace_id bigint, organization boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reach record;
    image_id bigint := quay_internal.repositorykind_id('image');
    public_id bigint := quay_internal.visibility_id('public');
    reached_ids bigint[];
    prefix text COLLATE "C" := lower(coalesce(query, ''));
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    -- Where he has a right: in other namespaces only public repositories need a look.
    reached_ids := reach.namespaces || ARRAY(
        SELECT r.namespace_user_id FROM quay.repository AS r
        WHERE r.id = ANY (reach.named)
        UNION
        SELECT r.namespace_user_id FROM quay.repositorypermission AS p JOIN quay.repository AS r ON r.id = p.repository_id
        WHERE p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams));
    RETURN QUERY
        SELECT u.username::text, u.id, u.organization
        FROM quay."user" AS u
        WHERE u.username >= prefix AND u.username < quay_internal.prefix_end(prefix) AND u.username > coalesce(after, '') COLLATE "C"
          AND NOT u.robot AND u.enabled
          AND EXISTS (SELECT FROM quay.repository AS r
                      WHERE r.namespace_user_id = u.id AND r.state <> 3 AND r.kind_id = image_id
                        AND (reach.sees_all OR reach.sees_public AND r.visibility_id = public_id OR u.id = ANY (reached_ids))
                        AND quay.access_check(actor, u.username::text, r.name::text, 'read', scopes))
        ORDER BY u.username LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_namespace_search(text, text, text, integer, text) IS
    'Enabled users and organizations whose names start with the query, in any case, and who own an image repository that the actor (NULL: anonymous) may read; in byte order of name, at most n, those after the name after. scopes: as for access_check(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.name_similarity(name text, query text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN name = lower(query) THEN 1.0
                WHEN starts_with(name, lower(query)) THEN 0.9
                WHEN strpos(name, lower(query)) > 0 THEN 0.8
                ELSE 0.5 END;
COMMENT ON FUNCTION quay_internal.name_similarity(text, text) IS
    'How well a name answers a query: 1 if they are equal, 0.9 if the name starts with it, 0.8 if it contains it, 0.5 otherwise.';

CREATE OR REPLACE FUNCTION quay.search_all(query text, actor text, n integer DEFAULT 5, scopes text DEFAULT NULL)
    RETURNS TABLE (kind text, id bigint, namespace text, name text, description text, is_public boolean, score double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reach record;
    team_pattern text := quay_internal.like_prefix(lower(query));
    rest text := substring(query FROM strpos(query, '/') + 1);      -- behind "namespace/"
BEGIN
    IF coalesce(query, '') = '' THEN
        RETURN;
    END IF;
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, NULL);
    RETURN QUERY
        SELECT e.kind, e.id, e.namespace, e.name, e.description, e.is_public, e.score
        FROM ((SELECT 'team' AS kind, t.id, o.username::text AS namespace, t.name::text AS name, t.description AS description,
                      NULL::boolean AS is_public, 2 * quay_internal.name_similarity(t.name, query) AS score
               FROM quay.team AS t
               JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
               WHERE (t.id = ANY (reach.teams) OR t.organization_id = ANY (reach.namespaces)) AND lower(t.name) LIKE team_pattern
               -- His own teams go before those that he only administers.
               ORDER BY t.id = ANY (reach.teams) DESC, t.name, t.id LIMIT 2 * page_size)
              UNION ALL
              SELECT 'robot', r.user_id, split_part(r.robot, '+', 1), r.robot, NULL, NULL,
                     quay_internal.name_similarity(split_part(r.robot, '+', 2), query)
              FROM quay.robot_search(query, actor, n => page_size) AS r
              WHERE reach.account_id IS NOT NULL
              UNION ALL
              SELECT 'repository', r.repository_id, r.namespace, r.name, r.description, r.is_public,
                     4 * quay_internal.name_similarity(r.name, rest)
              FROM quay.repository_search(query, actor, n => page_size, scopes => search_all.scopes) AS r
              UNION ALL
              SELECT CASE WHEN s.organization THEN 'organization' ELSE 'user' END, s.namespace_id, s.namespace, s.namespace, NULL, NULL,
                     quay_internal.name_similarity(s.namespace, query)
              FROM quay.user_namespace_search(query, actor, n => page_size, scopes => search_all.scopes) AS s) AS e
        ORDER BY e.score DESC, e.kind, e.namespace COLLATE "C", e.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.search_all(text, text, integer, text) IS
'What one field of a front end searches: teams in which the actor is, or whose organization he administers, robots (see robot_search), repositories (see repository_search) and namespaces (see user_namespace_search); of each at most n, of teams twice as many. Nothing for an empty query.

kind: team, robot, repository, organization or user. id is that of the row of this kind. score: 4 for a repository, 2 for a team, 1 for the others, times 1 if the name equals the query, 0.9 if it starts with it, 0.8 if it contains it, 0.5 otherwise; the highest first.
Errors: 22023 n negative.';

-- @part step api/140_permission.sql
-- Who may do what in a repository.

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

CREATE OR REPLACE FUNCTION quay_internal.grantee_kind_unknown(kind text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY009',
        MESSAGE = 'unknown kind of grantee',
        DETAIL = CASE WHEN grantee_kind_unknown.kind IS NULL THEN 'It is NULL.'
                      ELSE format('There is no kind "%s".', left(grantee_kind_unknown.kind, 80)) END,
        HINT = 'A grantee is a user or a team; a robot is a user.';
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_kind_unknown(text) IS 'Raises QY009: a grantee is neither a user nor a team.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_id(username text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = grantee_id.username AND NOT u.organization;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person or robot named "%s".', left(grantee_id.username, 80)),
            HINT = 'Only people, robots and teams hold permissions.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_id(text) IS 'Id of a person or robot, enabled or not. Errors: QY007 unknown, or an organization.';

CREATE OR REPLACE FUNCTION quay_internal.organization_has_member(organization_id bigint, user_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.teammember AS m JOIN quay.team AS t ON t.id = m.team_id
                   WHERE m.user_id = organization_has_member.user_id AND t.organization_id = organization_has_member.organization_id);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_has_member(bigint, bigint) IS 'Is the user in any team of the organization?';

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
        -- What an older registry gave to an organization or a foreign robot can be taken away.
        holder_user_id := coalesce(CASE WHEN new_role_id IS NULL THEN (SELECT u.id FROM quay."user" AS u WHERE u.username = grantee) END,
                                   (quay_internal.grantee_get(owner, grantee)).id);
    ELSIF grantee_kind = 'team' THEN
        holder_team_id := (quay_internal.team_get(owner, grantee)).id;
    ELSE
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
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

CREATE OR REPLACE FUNCTION quay.permission_get(namespace text, repository text, grantee_kind text, grantee text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    CASE grantee_kind
    WHEN 'user' THEN
        RETURN (SELECT o.name FROM quay.repositorypermission AS p
                JOIN quay."user" AS u ON u.id = p.user_id
                JOIN quay.role AS o ON o.id = p.role_id
                WHERE p.repository_id = target.id AND u.username = permission_get.grantee);
    WHEN 'team' THEN
        RETURN (SELECT o.name FROM quay.repositorypermission AS p
                JOIN quay.team AS t ON t.id = p.team_id
                JOIN quay.role AS o ON o.id = p.role_id
                WHERE p.repository_id = target.id AND t.name = permission_get.grantee AND t.organization_id = target.namespace_user_id);
    ELSE
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
        RETURN NULL;
    END CASE;
END
$$;
COMMENT ON FUNCTION quay.permission_get(text, text, text, text) IS
    'Role, read, write or admin, that a user (also a robot) or a team was given in a repository itself. NULL if none: the owner of the namespace and members of teams need none. grantee_kind: user or team. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.permission_list(namespace text, repository text, grantee_kind text DEFAULT NULL,
                                                after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, kind text, grantee text, role text, is_robot boolean, is_member boolean,
                   user_id bigint, team_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
    page_size integer := quay_internal.page_size(n);
BEGIN
    IF grantee_kind <> ALL (ARRAY['user', 'team']) THEN
        PERFORM quay_internal.grantee_kind_unknown(grantee_kind);
    END IF;
    RETURN QUERY
        SELECT p.id, CASE WHEN p.team_id IS NULL THEN 'user' ELSE 'team' END, coalesce(u.username, t.name)::text, o.name::text,
               coalesce(u.robot, false), p.team_id IS NOT NULL OR quay_internal.organization_has_member(target.namespace_user_id, p.user_id),
               p.user_id, p.team_id
        FROM quay.repositorypermission AS p
        JOIN quay.role AS o ON o.id = p.role_id
        LEFT JOIN quay."user" AS u ON u.id = p.user_id
        LEFT JOIN quay.team AS t ON t.id = p.team_id
        WHERE p.repository_id = target.id AND p.id > coalesce(permission_list.after, 0)
          AND (grantee_kind IS NULL OR (grantee_kind = 'team') = (p.team_id IS NOT NULL))
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.permission_list(text, text, text, bigint, integer) IS
    'Permissions given in a repository, to users (also robots), to teams, or (grantee_kind NULL) to both, oldest first, at most n, those after the permission_id after. kind: user or team. is_member: the user is in a team of the organization that has the repository; true for teams. Errors: 22023 n negative, QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.permission_list_transitive(namespace text, repository text)
    RETURNS TABLE (user_id bigint, username text, is_robot boolean, direct boolean, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT u.id, u.username::text, u.robot, h.direct, h.role
        FROM (SELECT g.user_id, bool_or(g.direct) AS direct,
                     (array_agg(g.role ORDER BY array_position(ARRAY['read', 'write', 'admin'], g.role) DESC NULLS LAST))[1] AS role
              FROM (SELECT p.user_id, true AS direct, o.name::text AS role
                    FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id
                    WHERE p.repository_id = target_id AND p.user_id IS NOT NULL
                    UNION ALL
                    SELECT m.user_id, false, o.name::text
                    FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id
                    JOIN quay.teammember AS m ON m.team_id = p.team_id
                    WHERE p.repository_id = target_id) AS g
              GROUP BY g.user_id) AS h
        JOIN quay."user" AS u ON u.id = h.user_id
        ORDER BY h.direct DESC, u.username;
END
$$;
COMMENT ON FUNCTION quay.permission_list_transitive(text, text) IS
    'Users (also robots) who hold a permission in a repository: first those to whom it was given themselves, then those who have it through teams only, each once, by name. role: the highest of his. The owner of the namespace and members of admin teams are not in it unless they hold one besides. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.permission_list_of(user_ids bigint[], team_ids bigint[], after bigint, n integer)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text,
                   role text, team text, organization text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, u.username::text, r.name::text, r.id, v.name::text, k.name::text, quay_internal.repository_state_name(r.state),
               o.name::text, t.name::text, g.username::text
        FROM quay.repositorypermission AS p
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        JOIN quay.role AS o ON o.id = p.role_id
        LEFT JOIN quay.team AS t ON t.id = p.team_id
        LEFT JOIN quay."user" AS g ON g.id = t.organization_id
        WHERE (p.user_id = ANY (user_ids) OR p.team_id = ANY (team_ids))
          AND p.id > coalesce(permission_list_of.after, 0) AND r.state <> 3
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_list_of(bigint[], bigint[], bigint, integer) IS
    'Permissions of these users and teams in repositories that are not marked for deletion, oldest first, at most n, those after the permission_id after. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.permission_list_user(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text,
                   role text, team text, organization text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder_id bigint := quay_internal.grantee_id(permission_list_user.username);
BEGIN
    RETURN QUERY
        SELECT l.* FROM quay_internal.permission_list_of(ARRAY[holder_id],
            ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = holder_id), permission_list_user.after, permission_list_user.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_user(text, bigint, integer) IS
    'All permissions in repositories that a person or robot holds, himself or through a team, oldest first, at most n, those after the permission_id after. team, organization: through which team; NULL if the permission is his own. Repositories marked for deletion are left out. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.permission_list_robot(robot text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, namespace text, repository text, repository_id bigint, visibility text, kind text, state text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder_id bigint := quay_internal.grantee_id(permission_list_robot.robot);
BEGIN
    RETURN QUERY
        SELECT l.permission_id, l.namespace, l.repository, l.repository_id, l.visibility, l.kind, l.state, l.role
        FROM quay_internal.permission_list_of(ARRAY[holder_id], NULL, permission_list_robot.after, permission_list_robot.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_robot(text, bigint, integer) IS
    'Permissions in repositories that were given to a robot, named namespace+shortname, itself, oldest first, at most n, those after the permission_id after. Repositories marked for deletion are left out. Errors: 22023 n negative, QY007 robot unknown.';

CREATE OR REPLACE FUNCTION quay.permission_list_team(organization text, team text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, repository text, repository_id bigint, visibility text, kind text, state text, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay.team := quay_internal.team_get(quay_internal.organization_get(permission_list_team.organization), permission_list_team.team);
BEGIN
    RETURN QUERY
        SELECT l.permission_id, l.repository, l.repository_id, l.visibility, l.kind, l.state, l.role
        FROM quay_internal.permission_list_of(NULL, ARRAY[holder.id], permission_list_team.after, permission_list_team.n) AS l;
END
$$;
COMMENT ON FUNCTION quay.permission_list_team(text, text, bigint, integer) IS
    'Permissions of a team in repositories of its organization, oldest first, at most n, those after the permission_id after. Repositories marked for deletion are left out. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY008 team unknown.';

CREATE OR REPLACE FUNCTION quay.organization_member_permission_list(organization text, username text DEFAULT NULL,
                                                                    after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (permission_id bigint, user_id bigint, member text, is_robot boolean, is_member boolean,
                   repository text, repository_id bigint, role text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
    holder_id bigint := CASE WHEN organization_member_permission_list.username IS NOT NULL
                             THEN quay_internal.grantee_id(organization_member_permission_list.username) END;
BEGIN
    RETURN QUERY
        SELECT p.id, u.id, u.username::text, u.robot, quay_internal.organization_has_member(org.id, u.id), r.name::text, r.id, o.name::text
        FROM quay.repositorypermission AS p
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = p.user_id
        JOIN quay.role AS o ON o.id = p.role_id
        WHERE r.namespace_user_id = org.id AND r.state <> 3 AND p.id > coalesce(organization_member_permission_list.after, 0)
          AND CASE WHEN holder_id IS NULL THEN NOT u.robot ELSE u.id = holder_id END
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_member_permission_list(text, text, bigint, integer) IS
    'Permissions that users hold themselves, not through teams, in repositories of an organization, oldest first, at most n, those after the permission_id after: those of one user, who may be a robot, or (username NULL) of all people. is_member: the user is in a team of the organization; the others are its outside collaborators. Repositories marked for deletion are left out. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled, QY007 user unknown.';

-- @part step api/144_prototype.sql
-- Default permissions of an organization (permissionprototype): what a repository gets when it is created.

CREATE OR REPLACE FUNCTION quay_internal.permission_apply_default(repository quay.repository, creator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- For each delegate a prototype of this creator goes before one for everybody, and a younger one before an older one. The lock lets us
    -- see the end of a change under way; who deletes a delegate deletes its prototypes first.
    WITH applicable AS (
        SELECT p.id, p.activating_user_id, p.delegate_user_id, p.delegate_team_id, p.role_id
        FROM quay.permissionprototype AS p
        WHERE p.org_id = repository.namespace_user_id
          AND (p.activating_user_id = creator_id OR p.activating_user_id IS NULL)
          AND num_nonnulls(p.delegate_user_id, p.delegate_team_id) = 1
          AND p.delegate_user_id IS DISTINCT FROM creator_id
        ORDER BY p.id
        FOR SHARE)
    INSERT INTO quay.repositorypermission (user_id, team_id, repository_id, role_id)
    SELECT DISTINCT ON (a.delegate_user_id, a.delegate_team_id)
           a.delegate_user_id, a.delegate_team_id, repository.id, a.role_id
    FROM applicable AS a
    LEFT JOIN quay."user" AS u ON u.id = a.delegate_user_id
    LEFT JOIN quay.team AS t ON t.id = a.delegate_team_id
    -- An older registry may have left delegates that cannot hold a permission.
    WHERE t.organization_id = repository.namespace_user_id
       OR NOT u.organization AND NOT (u.robot AND quay_internal.robot_is_foreign(u.username, repository.namespace_user_id))
    ORDER BY a.delegate_user_id, a.delegate_team_id, a.activating_user_id IS NULL, a.id DESC;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_apply_default(quay.repository, bigint) IS
    'Gives the default permissions of the namespace to a repository just created, except to its creator, who has more.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_lock(organization_id bigint, uuid text) RETURNS quay.permissionprototype
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.permissionprototype;
BEGIN
    SELECT * INTO result FROM quay.permissionprototype AS p
    WHERE p.uuid = prototype_lock.uuid AND p.org_id = prototype_lock.organization_id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY018',
            MESSAGE = 'default permission does not exist',
            DETAIL = format('The organization has no default permission "%s".', left(prototype_lock.uuid, 80)),
            HINT = 'quay.prototype_list() shows those that there are.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_lock(bigint, text) IS
    'Default permission of that uuid of an organization, its row locked until the transaction ends. Errors: QY018 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_log(kind text, prototype quay.permissionprototype, actor text, ip text,
                                                       original_role_id bigint DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(prototype_log.kind, prototype.org_id, quay_internal.actor_id(prototype_log.actor), NULL,
        jsonb_build_object('prototypeid', prototype.uuid, 'username', prototype_log.actor,
            'activating_username', (SELECT u.username FROM quay."user" AS u WHERE u.id = prototype.activating_user_id),
            'role', (SELECT r.name FROM quay.role AS r WHERE r.id = prototype.role_id))
        || jsonb_strip_nulls(jsonb_build_object(
            'delegate_user', (SELECT u.username FROM quay."user" AS u WHERE u.id = prototype.delegate_user_id),
            'delegate_team', (SELECT t.name FROM quay.team AS t WHERE t.id = prototype.delegate_team_id),
            'original_role', (SELECT r.name FROM quay.role AS r WHERE r.id = original_role_id))),
        prototype_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_log(text, quay.permissionprototype, text, text, bigint) IS
    'Adds a row to the audit log about a default permission; original_role_id: the role before a change. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.prototype_set_role(prototype quay.permissionprototype, role_id bigint, actor text, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    original_role_id bigint := prototype.role_id;
BEGIN
    IF prototype_set_role.role_id = original_role_id THEN
        RETURN;
    END IF;
    UPDATE quay.permissionprototype AS p SET role_id = prototype_set_role.role_id WHERE p.id = prototype.id;
    prototype.role_id := prototype_set_role.role_id;
    PERFORM quay_internal.prototype_log('modify_prototype_permission', prototype, prototype_set_role.actor, prototype_set_role.ip, original_role_id);
END
$$;
COMMENT ON FUNCTION quay_internal.prototype_set_role(quay.permissionprototype, bigint, text, text) IS
    'Changes the role of a default permission, and logs it, if it is another one. The caller holds the lock on its row. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_create(organization text, role text, delegate_kind text, delegate text, activating_user text DEFAULT NULL,
                                                 actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- One at a time, or two equal calls could add two rows; and teams are deleted under the same lock.
    org quay."user" := quay_internal.organization_lock(organization);
    new_role_id bigint := quay_internal.role_id(prototype_create.role);
    activator_id bigint;
    user_id bigint;
    team_id bigint;
    prototype quay.permissionprototype;
BEGIN
    IF prototype_create.activating_user IS NOT NULL THEN
        IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = prototype_create.activating_user) THEN
            RAISE EXCEPTION USING ERRCODE = 'QY007',
                MESSAGE = 'unknown activating user',
                DETAIL = format('There is no person or robot named "%s".', left(prototype_create.activating_user, 80)),
                HINT = 'Name somebody who creates repositories, or NULL for everybody.';
        END IF;
        activator_id := (quay_internal.grantee_get(org, prototype_create.activating_user)).id;
    END IF;
    CASE delegate_kind
        WHEN 'user' THEN user_id := (quay_internal.grantee_get(org, prototype_create.delegate)).id;
        WHEN 'team' THEN team_id := (quay_internal.team_get(org, prototype_create.delegate)).id;
        ELSE PERFORM quay_internal.grantee_kind_unknown(delegate_kind);
    END CASE;

    -- The youngest is the one that counts, if an older registry left several.
    SELECT * INTO prototype FROM quay.permissionprototype AS p
    WHERE p.org_id = org.id AND p.activating_user_id IS NOT DISTINCT FROM activator_id
      AND p.delegate_user_id IS NOT DISTINCT FROM user_id AND p.delegate_team_id IS NOT DISTINCT FROM team_id
    ORDER BY p.id DESC
    LIMIT 1
    FOR UPDATE;
    IF FOUND THEN
        PERFORM quay_internal.prototype_set_role(prototype, new_role_id, prototype_create.actor, prototype_create.ip);
        RETURN prototype.uuid;
    END IF;

    INSERT INTO quay.permissionprototype (org_id, uuid, activating_user_id, delegate_user_id, delegate_team_id, role_id)
    VALUES (org.id, gen_random_uuid()::text, activator_id, user_id, team_id, new_role_id)
    RETURNING * INTO prototype;
    PERFORM quay_internal.prototype_log('create_prototype_permission', prototype, prototype_create.actor, prototype_create.ip);
    RETURN prototype.uuid;
END
$$;
COMMENT ON FUNCTION quay.prototype_create(text, text, text, text, text, text, text) IS
    'Adds a default permission and returns its uuid: whenever activating_user, or anybody if NULL, creates a repository in the organization, the delegate gets the role read, write or admin in it. delegate_kind: user (a person, or a robot of the organization) or team. Where there is one of the same activating user and delegate already, that one gets the role. Repositories that exist stay as they are. Errors: QY002 organization unknown, QY004 disabled, QY007 activating user, delegate or actor unknown, QY008 team unknown, QY009 unknown role or kind, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay.prototype_update(organization text, uuid text, role text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    new_role_id bigint := quay_internal.role_id(prototype_update.role);
BEGIN
    PERFORM quay_internal.prototype_set_role(quay_internal.prototype_lock(org.id, prototype_update.uuid), new_role_id,
        prototype_update.actor, prototype_update.ip);
END
$$;
COMMENT ON FUNCTION quay.prototype_update(text, text, text, text, text) IS
    'Gives a default permission another role: read, write or admin. Nothing happens, and nothing is logged, if it has that one. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY009 unknown role, QY018 default permission unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_delete(organization text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    prototype quay.permissionprototype := quay_internal.prototype_lock(org.id, prototype_delete.uuid);
BEGIN
    DELETE FROM quay.permissionprototype AS p WHERE p.id = prototype.id;
    PERFORM quay_internal.prototype_log('delete_prototype_permission', prototype, prototype_delete.actor, prototype_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.prototype_delete(text, text, text, text) IS
    'Deletes a default permission. Permissions that it gave stay. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY018 default permission unknown.';

CREATE OR REPLACE FUNCTION quay.prototype_list(organization text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (prototype_id bigint, uuid text, role text, activating_user text, activating_user_is_robot boolean,
                   activating_user_is_member boolean, delegate_kind text, delegate text, delegate_is_robot boolean, delegate_is_member boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT p.id, p.uuid::text, r.name::text, a.username::text, coalesce(a.robot, false),
               quay_internal.organization_has_member(org.id, a.id), CASE WHEN p.delegate_team_id IS NULL THEN 'user' ELSE 'team' END,
               coalesce(d.username, t.name)::text, coalesce(d.robot, false),
               p.delegate_team_id IS NOT NULL OR quay_internal.organization_has_member(org.id, d.id)
        FROM quay.permissionprototype AS p
        JOIN quay.role AS r ON r.id = p.role_id
        LEFT JOIN quay."user" AS a ON a.id = p.activating_user_id
        LEFT JOIN quay."user" AS d ON d.id = p.delegate_user_id
        LEFT JOIN quay.team AS t ON t.id = p.delegate_team_id
        WHERE p.org_id = org.id AND p.id > coalesce(prototype_list.after, 0)
        ORDER BY p.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.prototype_list(text, bigint, integer) IS
    'Default permissions of an organization, oldest first, at most n, those after the prototype_id after. activating_user: NULL for everybody. delegate_kind: user or team. is_member: the user is in a team of the organization; true for teams. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.prototype_get(organization text, INOUT uuid text, OUT prototype_id bigint, OUT role text, OUT activating_user text,
                                              OUT delegate_kind text, OUT delegate text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT p.uuid::text, p.id, r.name::text, a.username::text, CASE WHEN p.delegate_team_id IS NULL THEN 'user' ELSE 'team' END,
               coalesce(d.username, t.name)::text
        FROM quay.permissionprototype AS p
        JOIN quay.role AS r ON r.id = p.role_id
        LEFT JOIN quay."user" AS a ON a.id = p.activating_user_id
        LEFT JOIN quay."user" AS d ON d.id = p.delegate_user_id
        LEFT JOIN quay.team AS t ON t.id = p.delegate_team_id
        WHERE p.uuid = prototype_get.uuid AND p.org_id = org.id;
END
$$;
COMMENT ON FUNCTION quay.prototype_get(text, text) IS
    'Default permission of that uuid of an organization; no row if there is none. activating_user: NULL for everybody. delegate_kind: user or team. Errors: QY002 organization unknown, QY004 disabled.';

-- @part step api/150_authenticate.sql
-- Who is it? From a user name and a secret, or from what a session or a registry token refers to, to an actor.

CREATE OR REPLACE FUNCTION quay_internal.can_write() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT current_setting('transaction_read_only')::boolean;
COMMENT ON FUNCTION quay_internal.can_write() IS 'May this transaction write? Not on a standby, and not if it is read-only.';

-- Last use. One row version per interval is enough, and a busy account must not queue up behind itself, hence SKIP LOCKED.

CREATE OR REPLACE FUNCTION quay_internal.user_touch(user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('touch_interval')::integer);
BEGIN
    IF quay_internal.setting('user_last_accessed')::boolean THEN
        UPDATE quay."user" AS u SET last_accessed = quay_internal.utc_now()
        FROM (SELECT s.id FROM quay."user" AS s
              WHERE s.id = user_touch.user_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
              FOR NO KEY UPDATE SKIP LOCKED) AS stale
        WHERE u.id = stale.id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_touch(bigint) IS
    'Records that a user was active now, at most once in quay.touch_interval, and not if quay.user_last_accessed is off.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_touch(token_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('touch_interval')::integer);
BEGIN
    IF quay_internal.setting('user_last_accessed')::boolean THEN
        UPDATE quay.appspecificauthtoken AS t SET last_accessed = quay_internal.utc_now()
        FROM (SELECT s.id FROM quay.appspecificauthtoken AS s
              WHERE s.id = app_token_touch.token_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
              FOR NO KEY UPDATE SKIP LOCKED) AS stale
        WHERE t.id = stale.id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_touch(bigint) IS
    'Records that a token of an application was used now, at most once in quay.touch_interval, and not if quay.user_last_accessed is off.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_touch(token_id bigint, digest text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - make_interval(secs => quay_internal.setting('oauth_token_touch_interval')::integer);
BEGIN
    UPDATE quay.oauthaccesstoken AS t
    SET last_accessed = CASE WHEN t.last_accessed >= stale_before THEN t.last_accessed ELSE quay_internal.utc_now() END,
        token_digest = coalesce(oauth_token_touch.digest, t.token_digest)
    FROM (SELECT s.id FROM quay.oauthaccesstoken AS s
          WHERE s.id = oauth_token_touch.token_id
            AND (oauth_token_touch.digest IS NOT NULL OR s.last_accessed IS NULL OR s.last_accessed < stale_before)
          FOR NO KEY UPDATE SKIP LOCKED) AS stale
    WHERE t.id = stale.id;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_touch(bigint, text) IS
    'Records that an OAuth token was used now, at most once in quay.oauth_token_touch_interval, and keeps its digest if one is given.';

-- Passwords

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

CREATE OR REPLACE FUNCTION quay_internal.authenticate_password(username text, secret text, sign_in boolean, OUT account quay."user",
                                                               OUT error text, OUT retry_after interval, OUT verified boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    provider text := quay_internal.setting('authentication_type');
    decrypted text := CASE WHEN NOT sign_in THEN quay_internal.password_decrypt(secret) END;
    checked record;
BEGIN
    error := CASE
        WHEN provider = 'apptoken' THEN 'An application specific token is required to login'
        WHEN provider <> 'database' THEN
            format('Passwords are checked by the identity provider (%s), not by the database of the registry', provider)
        WHEN sign_in AND NOT quay_internal.setting('direct_login')::boolean THEN 'Login with a password is disabled'
        WHEN NOT sign_in AND decrypted IS NULL AND quay_internal.setting('require_encrypted_basic_auth')::boolean
            THEN 'Client login with unencrypted passwords is disabled. Please generate an encrypted password in the user admin panel for use here.'
    END;
    IF error IS NOT NULL THEN
        RETURN;
    END IF;
    checked := quay_internal.authenticate_user(username, coalesce(decrypted, secret));
    account := checked.account;
    error := checked.error;
    retry_after := checked.retry_after;
    IF error IS NULL THEN
        verified := account.verified;
        IF sign_in AND NOT verified THEN
            error := 'The e-mail address of this user has not been confirmed.';
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_password(text, text, boolean) IS
    'authenticate_user() under the settings: where passwords are checked, and in which form. sign_in: at the web console, where they come plain and need a confirmed e-mail address. verified: whether it is confirmed; NULL unless the password was right.';

-- Robots

CREATE OR REPLACE FUNCTION quay_internal.robot_account(username text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_name text;
    owner_enabled boolean;
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = robot_account.username AND u.robot;
    SELECT u.username, u.enabled INTO owner_name, owner_enabled FROM quay."user" AS u
    WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot;
    error := CASE
        WHEN quay_internal.setting('robots_disallow')::boolean
             AND NOT EXISTS (SELECT FROM quay.allowed_robot AS a WHERE a.username = robot_account.username)
            THEN 'Robot account have been disabled. Please contact your administrator.'
        WHEN account.id IS NULL THEN 'Could not find robot with specified username'
        WHEN owner_name IS NULL THEN format('Robot %s owner does not exist', account.username)
        WHEN NOT owner_enabled THEN format('Robot %s owner %s is disabled', account.username, owner_name)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.robot_account(text) IS
    'Robot of that full name, and why it may not log in whatever its secret is. That it is disabled itself is for the caller to look at.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_robot(username text, secret text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    stored_token text;
BEGIN
    checked := quay_internal.robot_account(username);
    account := checked.account;
    error := checked.error;
    IF error IS NULL AND quay_internal.jwt_is(secret) THEN
        error := quay_internal.robot_jwt_problem(account.username, secret);
    ELSIF error IS NULL THEN
        SELECT t.token INTO stored_token FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = account.id;
        IF NOT quay_internal.field_matches(stored_token, secret) THEN
            error := format('Could not find robot with username: %s and supplied password.', account.username);
        END IF;
    END IF;
    IF error IS NULL AND NOT account.enabled THEN
        error := 'This user has been disabled. Please contact your administrator.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_robot(text, text) IS
    'Checks the token of a robot, or a JSON web token that the registry signed for it. Result: the robot, and why not. Errors: QY060 the stored token cannot be decrypted.';

-- Tokens. Each is found by its first half, which is stored in clear, and proven by the rest.

CREATE OR REPLACE FUNCTION quay_internal.repository_token_find(token text) RETURNS quay.accesstoken
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.accesstoken;
BEGIN
    SELECT * INTO result FROM quay.accesstoken AS t WHERE t.token_name = left(repository_token_find.token, 32);
    IF NOT quay_internal.field_matches(result.token_code, substr(repository_token_find.token, 33)) THEN
        RETURN NULL;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_token_find(text) IS
    'Repository token of these 64 characters; NULL if there is none. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay_internal.repository_token_scopes(token quay.accesstoken) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT format('repository:%s/%s:%s', u.username, r.name,
                          CASE o.name WHEN 'read' THEN 'pull' WHEN 'write' THEN 'pull,push' WHEN 'admin' THEN 'pull,push,*' END)
            FROM quay.repository AS r
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.role AS o ON o.id = repository_token_scopes.token.role_id
            WHERE r.id = repository_token_scopes.token.repository_id);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_token_scopes(quay.accesstoken) IS
    'What a repository token opens, as a scope of the registry: repository:<namespace>/<name>:pull, pull,push or pull,push,*.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_problem(token quay.appspecificauthtoken, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.id = app_token_problem.token.user_id;
    error := CASE
        WHEN account.id IS NULL OR app_token_problem.token.expiration <= quay_internal.utc_now() THEN 'Invalid token'
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
        WHEN account.organization THEN 'Cannot login to organization'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_problem(quay.appspecificauthtoken) IS
    'Owner of a token of an application, and why it does not let him in. A row of NULLs is no token.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_app_token(secret text, OUT account quay."user", OUT error text,
                                                                OUT token quay.appspecificauthtoken)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
BEGIN
    SELECT * INTO token FROM quay.appspecificauthtoken AS t WHERE t.token_name = left(secret, 60);
    IF NOT quay_internal.field_matches(token.token_secret, substr(secret, 61)) THEN
        token := NULL;
    END IF;
    checked := quay_internal.app_token_problem(token);
    account := checked.account;
    error := checked.error;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_app_token(text) IS
    'Checks a token of an application. Result: its owner, why not, and the token. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_match(secret text, OUT token quay.oauthaccesstoken, OUT new_digest text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    digest text := quay_internal.secret_digest(secret);
BEGIN
    IF char_length(secret) > 20 THEN
        SELECT * INTO token FROM quay.oauthaccesstoken AS t WHERE t.token_name = left(secret, 20);
    END IF;
    -- A known digest spares bcrypt. Without one, or with one of an older key, bcrypt decides; and for a token that does not exist as well,
    -- so that all refusals take the same time.
    IF NOT quay_internal.secret_equal(token.token_digest, digest) THEN
        IF quay_internal.password_verify(substr(secret, 21), token.token_code, quay_internal.setting('bcrypt_cost')::integer) THEN
            new_digest := digest;
        ELSE
            token := NULL;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_match(text) IS
    'OAuth token with this secret, expired or not; a row of NULLs if there is none. new_digest: the digest to keep in the row, NULL if it has it.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_problem(token quay.oauthaccesstoken, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.id = oauth_token_problem.token.authorized_user_id;
    error := CASE
        WHEN account.id IS NULL THEN 'OAuth access token could not be validated'
        WHEN oauth_token_problem.token.expires_at <= quay_internal.utc_now() THEN 'OAuth access token has expired'
        WHEN NOT account.enabled THEN 'Granter of the oauth access token is disabled'
        WHEN account.organization THEN 'Cannot login to organization'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_problem(quay.oauthaccesstoken) IS
    'User for whom an OAuth token acts, and why it does not let him in. A row of NULLs is no token.';

CREATE OR REPLACE FUNCTION quay.authenticate(username text, secret text, ip text DEFAULT NULL, user_agent text DEFAULT NULL,
                                             sign_in boolean DEFAULT false)
    RETURNS TABLE (kind text, actor text, scopes text, error text, retry_after interval, verified boolean, reference text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
    app_token quay.appspecificauthtoken;
    oauth_token quay.oauthaccesstoken;
    digest text;
    namespace_id bigint;
BEGIN
    kind := CASE
        WHEN authenticate.username = '$token' THEN 'token'
        WHEN authenticate.username = '$app' AND quay_internal.setting('app_specific_tokens')::boolean THEN 'app_specific_token'
        WHEN authenticate.username = '$oauthtoken' THEN 'oauth_token'
        -- The address of a person may have a "+" as well.
        WHEN authenticate.username LIKE '%+%' AND authenticate.username NOT LIKE '%@%' THEN 'robot'
        ELSE 'user'
    END;
    CASE kind
    WHEN 'user' THEN
        checked := quay_internal.authenticate_password(authenticate.username, secret, coalesce(sign_in, false));
        account := checked.account;
        error := checked.error;
        retry_after := checked.retry_after;
        verified := checked.verified;
        reference := account.uuid;
    WHEN 'robot' THEN
        checked := quay_internal.authenticate_robot(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
        reference := account.username;
    WHEN 'app_specific_token' THEN
        checked := quay_internal.authenticate_app_token(secret);
        account := checked.account;
        error := checked.error;
        app_token := checked.token;
        reference := app_token.uuid;
    WHEN 'oauth_token' THEN
        checked := quay_internal.oauth_token_match(secret);
        oauth_token := checked.token;
        digest := checked.new_digest;
        checked := quay_internal.oauth_token_problem(oauth_token);
        account := checked.account;
        error := checked.error;
        scopes := oauth_token.scope;
        reference := oauth_token.uuid;
    WHEN 'token' THEN
        scopes := quay_internal.repository_token_scopes(quay_internal.repository_token_find(secret));
        error := CASE WHEN scopes IS NULL THEN 'Invalid access token' END;
        reference := secret;
    END CASE;

    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            CASE kind
            WHEN 'app_specific_token' THEN PERFORM quay_internal.app_token_touch(app_token.id);
            WHEN 'oauth_token' THEN PERFORM quay_internal.oauth_token_touch(oauth_token.id, digest);
            ELSE PERFORM quay_internal.user_touch(account.id);
            END CASE;
        END IF;
    ELSE
        scopes := NULL;
        reference := NULL;
        -- A refusal without a check of the secret is cheap and leaves no row, or it would be a way to fill the log.
        IF retry_after IS NULL AND quay_internal.can_write() AND quay_internal.setting('audit_login_failures')::boolean THEN
            SELECT u.id INTO namespace_id FROM quay."user" AS u
            WHERE u.username = split_part(account.username, '+', 1);
            PERFORM quay_internal.log_add('login_failure', namespace_id, CASE WHEN kind <> 'user' THEN account.id END, NULL,
                jsonb_build_object('type', 'quayauth', 'kind', kind,
                    CASE WHEN kind = 'robot' THEN 'robot' ELSE 'username' END,
                    left(CASE WHEN kind IN ('user', 'robot') THEN authenticate.username ELSE coalesce(account.username, authenticate.username) END, 255),
                    'useragent', user_agent, 'message', error)
                || jsonb_strip_nulls(jsonb_build_object(
                    'app_specific_token', app_token.uuid, 'app_specific_token_title', app_token.title, 'oauth_token_uuid', oauth_token.uuid,
                    'oauth_token_application', (SELECT a.name FROM quay.oauthapplication AS a WHERE a.id = oauth_token.application_id))),
                authenticate.ip);
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.authenticate(text, text, text, text, boolean) IS
'Who has this user name and secret? Always one row. The only entry for credentials.

username, secret: a user name or e-mail address and a password, plain or encrypted with quay.secret_key; the full name of a robot and its token, or a JSON web token that the registry signed for it; $app and a token of an application; $oauthtoken and an OAuth access token; $token and a repository token.
sign_in: true at the web console. The password comes plain then, needs quay.direct_login, and the e-mail address must have been confirmed.

kind: user, robot, app_specific_token, oauth_token or token, as the name tells.
actor, scopes: what to pass on to access_check() and others; scopes NULL is no limit. A repository token has no actor, and opens its repository by the scope repository:<namespace>/<name>:<actions>. Both are NULL if the login is refused.
error: why it is refused, in the words of the reference; NULL if it is not.
retry_after: how long failed logins keep this user waiting. An attempt meanwhile is neither checked nor counted.
verified: is the e-mail address of the person confirmed? NULL unless a right password was given; with an error beside it, that is the only obstacle.
reference: what a session or a registry token names the credential by, for actor_resolve(): the uuid of the person (the session id), of the token of an application or of the OAuth token, the name of the robot, the repository token itself.

Records failures (quay.audit_login_failures) and last use, unless the transaction is read-only. Where an identity provider checks passwords (quay.authentication_type), the client asks it, and here nobody logs in with one.
Errors: QY060 the stored secret cannot be decrypted, 55000 quay.database_secret_key is not set.';

CREATE OR REPLACE FUNCTION quay.actor_resolve(kind text, reference text) RETURNS TABLE (actor text, scopes text, error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account quay."user";
    app_token quay.appspecificauthtoken;
    oauth_token quay.oauthaccesstoken;
    checked record;
BEGIN
    -- authenticate() writes two of the kinds with underscores.
    CASE replace(actor_resolve.kind, '_', '')
    WHEN 'user' THEN
        SELECT * INTO account FROM quay."user" AS u WHERE u.uuid = actor_resolve.reference AND NOT u.robot;
        error := CASE
            WHEN account.id IS NULL THEN 'Could not find matching user'
            WHEN NOT account.enabled THEN 'User account is disabled'
            WHEN account.organization THEN 'Cannot login to organization'
        END;
    WHEN 'robot' THEN
        checked := quay_internal.robot_account(actor_resolve.reference);
        account := checked.account;
        error := coalesce(checked.error, CASE WHEN NOT account.enabled THEN 'User account is disabled' END);
    WHEN 'appspecifictoken' THEN
        SELECT * INTO app_token FROM quay.appspecificauthtoken AS t WHERE t.uuid = actor_resolve.reference;
        checked := quay_internal.app_token_problem(app_token);
        account := checked.account;
        error := checked.error;
    WHEN 'oauthtoken' THEN
        SELECT * INTO oauth_token FROM quay.oauthaccesstoken AS t WHERE t.uuid = actor_resolve.reference;
        checked := quay_internal.oauth_token_problem(oauth_token);
        account := checked.account;
        scopes := oauth_token.scope;
        error := checked.error;
    WHEN 'token' THEN
        scopes := quay_internal.repository_token_scopes(quay_internal.repository_token_find(actor_resolve.reference));
        error := CASE WHEN scopes IS NULL THEN 'Invalid access token' END;
    WHEN 'anonymous' THEN
        NULL;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of actor',
            DETAIL = format('There is no kind "%s".', left(actor_resolve.kind, 80)),
            HINT = 'Kinds are user, robot, token, oauthtoken, appspecifictoken and anonymous.';
    END CASE;
    IF error IS NULL THEN
        actor := account.username;
    ELSE
        scopes := NULL;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.actor_resolve(text, text) IS
    'The actor behind a session or the context of a registry token, as things are now. Always one row. kind: user (reference: uuid, which is the session id), robot (full name), token (the whole repository token), oauthtoken (uuid), appspecifictoken (uuid) or anonymous (none); the kinds that authenticate() returns do as well. actor, scopes: as from authenticate(). error: why the reference is nobody any more, so anonymous; NULL if it is somebody. Errors: QY009 unknown kind, QY060 the stored token cannot be decrypted.';

-- @part step api/152_app_token.sql
-- Tokens that people make for applications, as a password of their own ($app).

CREATE OR REPLACE FUNCTION quay.app_token_create(username text, title text, expiration timestamptz DEFAULT NULL,
                                                 actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, uuid text, token text, created timestamp, expires timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.person_lock(username);
    performer_id bigint := coalesce(quay_internal.actor_id(app_token_create.actor), owner.id);
    lifetime integer := quay_internal.setting('app_specific_token_expiration')::integer;
    name text := quay_internal.token_random(60);
    secret text := quay_internal.token_random(60);
BEGIN
    IF NOT quay_internal.setting('app_specific_tokens')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'tokens of applications are switched off',
            DETAIL = 'The setting quay.app_specific_tokens is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
    IF btrim(app_token_create.title) IS NULL OR btrim(app_token_create.title) = '' OR char_length(app_token_create.title) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal title of a token',
            DETAIL = CASE WHEN app_token_create.title IS NULL THEN 'It is NULL.'
                          ELSE format('It is "%s".', left(app_token_create.title, 80)) END,
            HINT = 'Use 1 to 255 characters, not only blanks.';
    END IF;

    created := quay_internal.utc_now();
    expires := CASE
        WHEN app_token_create.expiration IS NOT NULL THEN nullif(app_token_create.expiration AT TIME ZONE 'UTC', 'infinity')
        WHEN lifetime > 0 THEN created + make_interval(secs => lifetime)
    END;
    token := name || secret;
    uuid := gen_random_uuid()::text;
    INSERT INTO quay.appspecificauthtoken AS t (user_id, uuid, title, created, expiration, token_name, token_secret)
    VALUES (owner.id, app_token_create.uuid, app_token_create.title, app_token_create.created, app_token_create.expires, name,
            quay_internal.field_encrypt(secret, 255))
    RETURNING t.id INTO token_id;
    PERFORM quay_internal.log_add('create_app_specific_token', owner.id, performer_id, NULL,
        jsonb_build_object('app_specific_token_title', app_token_create.title, 'app_specific_token', uuid), app_token_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.app_token_create(text, text, timestamptz, text, text) IS
    'Makes a token for an application of a person, who logs in with the name $app and token. expiration: NULL, or left out, for quay.app_specific_token_expiration from now on, which is never if that is 0; infinity for never. created and expires in UTC; expires NULL: never. Errors: 22023 illegal title, QY007 user or actor unknown, QY015 switched off.';

CREATE OR REPLACE FUNCTION quay.app_token_soon() RETURNS interval
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN make_interval(secs => greatest(1, ceil(
        coalesce(nullif(quay_internal.setting('app_specific_token_expiration')::integer, 0), 28 * 86400) / 10.0)));
END
$$;
COMMENT ON FUNCTION quay.app_token_soon() IS
    'What "expires soon" means for a token of an application: a tenth of quay.app_specific_token_expiration, or of four weeks if that is 0.';

CREATE OR REPLACE FUNCTION quay_internal.app_token_rows(user_id bigint, expiring_within interval, after bigint, n integer)
    RETURNS TABLE (token_id bigint, uuid text, username text, title text, created timestamp, expires timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, u.username::text, t.title::text, t.created, t.expiration, t.last_accessed
        FROM quay.appspecificauthtoken AS t JOIN quay."user" AS u ON u.id = t.user_id
        WHERE (app_token_rows.user_id IS NULL OR t.user_id = app_token_rows.user_id)
          AND (app_token_rows.expiring_within IS NULL OR t.expiration > now AND t.expiration <= now + app_token_rows.expiring_within)
          AND t.id > coalesce(app_token_rows.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(app_token_rows.n);
END
$$;
COMMENT ON FUNCTION quay_internal.app_token_rows(bigint, interval, bigint, integer) IS
    'Tokens of applications, without their secrets: of a user, NULL for all, and of those if asked the ones that expire within an interval.';

CREATE OR REPLACE FUNCTION quay.app_token_list(username text, expiring_within interval DEFAULT NULL, after bigint DEFAULT NULL,
                                               n integer DEFAULT 100, OUT token_id bigint, OUT uuid text, OUT title text,
                                               OUT created timestamp, OUT expires timestamp, OUT last_accessed timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT r.token_id, r.uuid, r.title, r.created, r.expires, r.last_accessed
        FROM quay_internal.app_token_rows((quay_internal.person_get(app_token_list.username)).id, app_token_list.expiring_within,
                                          app_token_list.after, app_token_list.n) AS r;
END
$$;
COMMENT ON FUNCTION quay.app_token_list(text, interval, bigint, integer) IS
    'Tokens that a person made for applications, expired ones too, without their secrets, at most n with a token_id above after. expiring_within: only those that expire from now on within this time, such as app_token_soon(). Times in UTC; expires NULL: never, last_accessed NULL: not used yet. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.app_token_list_all(expiring_within interval DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (token_id bigint, uuid text, username text, title text, created timestamp, expires timestamp, last_accessed timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.app_token_rows(NULL, app_token_list_all.expiring_within, app_token_list_all.after, app_token_list_all.n);
END
$$;
COMMENT ON FUNCTION quay.app_token_list_all(interval, bigint, integer) IS
    'app_token_list() of everybody, for administrators of the registry. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.app_token_get(username text, uuid text, OUT token_id bigint, OUT title text, OUT token text,
                                              OUT created timestamp, OUT expires timestamp, OUT last_accessed timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.title::text, t.token_name || quay_internal.field_decrypt(t.token_secret), t.created, t.expiration, t.last_accessed
        FROM quay.appspecificauthtoken AS t JOIN quay."user" AS u ON u.id = t.user_id
        WHERE t.uuid = app_token_get.uuid AND u.username = app_token_get.username
          AND (t.expiration IS NULL OR t.expiration > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay.app_token_get(text, text) IS
    'A token of an application with its secret, for its owner. No row: there is none, it is somebody else''s, or it has expired. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.app_token_revoke(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.person_get(username)).id;
    performer_id bigint := coalesce(quay_internal.actor_id(app_token_revoke.actor), owner_id);
    title text;
BEGIN
    DELETE FROM quay.appspecificauthtoken AS t
    WHERE t.uuid = app_token_revoke.uuid AND t.user_id = owner_id
    RETURNING t.title INTO title;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('revoke_app_specific_token', owner_id, performer_id, NULL,
        jsonb_build_object('app_specific_token_title', title, 'app_specific_token', app_token_revoke.uuid), app_token_revoke.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.app_token_revoke(text, text, text, text) IS
    'Deletes a token of an application, expired or not. False: the person has no such token. Errors: QY007 user or actor unknown.';

CREATE OR REPLACE FUNCTION quay.app_token_purge(n integer DEFAULT 1000, keep interval DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.utc_now()
        - coalesce(app_token_purge.keep, make_interval(secs => quay_internal.setting('expired_app_specific_token_gc')::integer));
    deleted bigint;
BEGIN
    -- An array, so that the rows are chosen once.
    DELETE FROM quay.appspecificauthtoken AS t
    WHERE t.id = ANY (ARRAY(SELECT s.id FROM quay.appspecificauthtoken AS s
                            WHERE s.expiration < expired_before
                            LIMIT quay_internal.page_size(app_token_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.app_token_purge(integer, interval) IS
    'Deletes at most n tokens of applications that expired longer ago than keep (NULL: quay.expired_app_specific_token_gc) and returns how many; call it again while it returns n. Errors: 22023 n negative.';

-- @part step api/154_repository_token.sql
-- Tokens for one repository ($token), which builds work with.

CREATE OR REPLACE FUNCTION quay.repository_token_create(namespace text, repository text, role text DEFAULT 'read', kind text DEFAULT NULL,
                                                        friendly_name text DEFAULT NULL, temporary boolean DEFAULT true,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, name text, token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_token_create.actor);
    token_role_id bigint := quay_internal.role_id(repository_token_create.role);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    token_kind_id bigint := (SELECT k.id FROM quay.accesstokenkind AS k WHERE k.name = repository_token_create.kind);
    code text := quay_internal.token_random(32);
BEGIN
    IF repository_token_create.kind IS NOT NULL AND token_kind_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of repository token',
            DETAIL = format('There is no kind "%s".', left(repository_token_create.kind, 80)),
            HINT = 'The table quay.accesstokenkind lists the kinds; NULL is none.';
    END IF;
    IF char_length(repository_token_create.friendly_name) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'name of a repository token is too long',
            DETAIL = format('It has %s characters.', char_length(repository_token_create.friendly_name)),
            HINT = 'Use at most 255 characters.';
    END IF;
    name := quay_internal.token_random(32);
    token := name || code;
    INSERT INTO quay.accesstoken AS t (friendly_name, repository_id, created, role_id, temporary, kind_id, token_code, token_name)
    VALUES (repository_token_create.friendly_name, target.id, quay_internal.utc_now(), token_role_id,
            coalesce(repository_token_create.temporary, true), token_kind_id, quay_internal.field_encrypt(code, 255),
            repository_token_create.name)
    RETURNING t.id INTO token_id;
    -- Those of builds come and go with these.
    IF NOT repository_token_create.temporary THEN
        PERFORM quay_internal.log_add('add_repo_accesstoken', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', repository, 'token', friendly_name, 'token_name', name, 'role', role),
            repository_token_create.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_token_create(text, text, text, text, text, boolean, text, text) IS
    'Makes a token that opens one repository with the role read, write or admin, to log in as $token. temporary: made for one build, and not written to the audit log; false makes a delegate token. kind: build-worker, pushpull-token or NULL. name: its first half, by which it is listed and deleted. Errors: 22023 friendly_name too long, QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown, QY009 unknown role or kind.';

CREATE OR REPLACE FUNCTION quay.repository_token_load(token text)
    RETURNS TABLE (token_id bigint, namespace text, repository text, role text, friendly_name text, temporary boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, u.username::text, r.name::text, o.name::text, t.friendly_name::text, t.temporary
        FROM quay_internal.repository_token_find(repository_token_load.token) AS t
        JOIN quay.repository AS r ON r.id = t.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.role AS o ON o.id = t.role_id;
END
$$;
COMMENT ON FUNCTION quay.repository_token_load(text) IS
    'What a repository token opens. No row: there is no such token. It does not expire, and the state of the repository is not looked at. Errors: QY060 it cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.repository_token_get(namespace text, repository text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    token text;
BEGIN
    SELECT t.token_name || quay_internal.field_decrypt(t.token_code) INTO token
    FROM quay.accesstoken AS t
    WHERE t.repository_id = target_id AND t.token_name = repository_token_get.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY074',
            MESSAGE = 'repository token does not exist',
            DETAIL = format('"%s/%s" has no token named "%s".', namespace, repository, left(repository_token_get.name, 80)),
            HINT = 'quay.repository_token_list() names those that there are.';
    END IF;
    RETURN token;
END
$$;
COMMENT ON FUNCTION quay.repository_token_get(text, text, text) IS
    'The whole repository token of that name, which is its first half. Errors: QY002, QY003, QY004, QY060 it cannot be decrypted, QY074 the repository has no such token.';

CREATE OR REPLACE FUNCTION quay.repository_token_list(namespace text, repository text, after bigint DEFAULT NULL, n integer DEFAULT 100,
                                                      OUT token_id bigint, OUT name text, OUT friendly_name text, OUT role text,
                                                      OUT kind text, OUT temporary boolean, OUT created timestamp)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.token_name::text, t.friendly_name::text, o.name::text, k.name::text, t.temporary, t.created
        FROM quay.accesstoken AS t
        JOIN quay.role AS o ON o.id = t.role_id
        LEFT JOIN quay.accesstokenkind AS k ON k.id = t.kind_id
        WHERE t.repository_id = target_id AND t.id > coalesce(repository_token_list.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(repository_token_list.n);
END
$$;
COMMENT ON FUNCTION quay.repository_token_list(text, text, bigint, integer) IS
    'Tokens of a repository without their secrets, at most n with a token_id above after. created in UTC. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.repository_token_delete(namespace text, repository text, name text,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_token_delete.actor);
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    gone record;
BEGIN
    SELECT t.id, t.friendly_name, t.temporary INTO gone FROM quay.accesstoken AS t
    WHERE t.repository_id = target.id AND t.token_name = repository_token_delete.name
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    BEGIN
        UPDATE quay.repositorybuildtrigger AS b SET write_token_id = NULL WHERE b.write_token_id = gone.id;
        DELETE FROM quay.accesstoken AS t WHERE t.id = gone.id;
    EXCEPTION WHEN foreign_key_violation THEN
        RAISE EXCEPTION USING ERRCODE = 'object_in_use',
            MESSAGE = 'repository token belongs to a build',
            DETAIL = format('A build of "%s/%s" was made with it.', namespace, repository),
            HINT = 'Delete the build first.';
    END;
    IF NOT gone.temporary THEN
        PERFORM quay_internal.log_add('delete_repo_accesstoken', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', repository, 'token', gone.friendly_name, 'token_name', name),
            repository_token_delete.ip);
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.repository_token_delete(text, text, text, text, text) IS
    'Deletes a repository token. name: its first half. False: the repository has none of that name. Errors: QY002, QY003, QY004, QY007 actor unknown, 55006 a build was made with it.';

-- @part step api/156_oauth.sql
-- OAuth: scopes, the applications of a namespace, and the tokens that administrators assign to other people.

-- Scopes. What a scope is, the C parser says that access checks use as well (src/auth/scope.c).

CREATE OR REPLACE FUNCTION quay_internal.scope_problem(scopes text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_scope_problem';
COMMENT ON FUNCTION quay_internal.scope_problem(text) IS
    'Why an OAuth client may not ask for these scopes, separated by one blank or comma, as a sentence: one of them is empty or unknown. NULL if it may.';

CREATE OR REPLACE FUNCTION quay_internal.scope_set(scopes text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN quay_internal.scope_problem(scopes) IS NULL THEN pg_catalog.string_to_array(pg_catalog.translate(scopes, ',', ' '), ' ') END;
COMMENT ON FUNCTION quay_internal.scope_set(text) IS 'The scopes of a string; NULL if one of them is empty or unknown.';

CREATE OR REPLACE FUNCTION quay_internal.scope_implied(scopes text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT array_agg(DISTINCT implied.scope)
            FROM unnest(quay_internal.scope_set(scopes)) AS s (scope)
            CROSS JOIN unnest(CASE s.scope
                WHEN 'repo:admin' THEN ARRAY['repo:admin', 'repo:write', 'repo:read']
                WHEN 'repo:write' THEN ARRAY['repo:write', 'repo:read']
                ELSE ARRAY[s.scope] END) AS implied (scope));
END
$$;
COMMENT ON FUNCTION quay_internal.scope_implied(text) IS
    'The scopes of a string and those that they include: repo:admin includes repo:write, and that repo:read. NULL if one is empty or unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_scope_covers(granted text, requested text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(quay_internal.scope_implied(granted) @> quay_internal.scope_set(requested), false);
END
$$;
COMMENT ON FUNCTION quay.oauth_scope_covers(text, text) IS
    'Do the granted scopes include all that are requested? repo:admin includes repo:write, and that repo:read. False if a scope of either is empty or unknown, or either is NULL.';

CREATE OR REPLACE FUNCTION quay_internal.scope_join(scopes text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(s.scope, ' ' ORDER BY s.first)
            FROM (SELECT p.scope, min(p.place) AS first FROM unnest(scope_join.scopes) WITH ORDINALITY AS p (scope, place)
                  WHERE p.scope <> '' GROUP BY p.scope) AS s);
END
$$;
COMMENT ON FUNCTION quay_internal.scope_join(text[]) IS 'Scopes as one string, each once, in their order, with blanks between them; NULL for none.';

CREATE OR REPLACE FUNCTION quay.oauth_scope_normalize(scopes text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text := quay_internal.scope_join(string_to_array(translate(oauth_scope_normalize.scopes, ',', ' '), ' '));
    problem text := CASE WHEN result IS NULL THEN 'There is none.' ELSE quay_internal.scope_problem(result) END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY072',
            MESSAGE = 'invalid OAuth scopes',
            DETAIL = problem,
            HINT = 'Scopes are repo:read, repo:write, repo:admin, repo:create, org:admin, user:read, user:admin and super:user.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay.oauth_scope_normalize(text) IS
    'The scopes of a string, separated by any number of blanks and commas, each once, in their order, with one blank between them. Errors: QY072 no scope, or an unknown one.';

-- Redirect URIs

CREATE OR REPLACE FUNCTION quay_internal.redirect_uri_matches(configured text, given text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- scheme, host and port with user information, path; RFC 3986, appendix B
    uri CONSTANT text := '^([^:/?#]+):(?://([^/?#]*))?([^?#]*)';
    wanted text[] := regexp_match(configured COLLATE "C", uri);
    parts text[] := regexp_match(given COLLATE "C", uri);
    remainder text;
BEGIN
    -- Browsers read a backslash as a slash, and drop control characters.
    IF given COLLATE "C" !~ '^[!-~]+$' OR strpos(given, '\') > 0
        OR parts IS NULL OR wanted IS NULL
        OR lower(parts[1]) <> lower(wanted[1])
        OR parts[2] IS DISTINCT FROM wanted[2] OR strpos(parts[2], '@') > 0
        OR strpos(parts[3], '@') > 0
        OR strpos(replace(lower(parts[3]), '%2e', '.'), '..') > 0
        OR NOT starts_with(parts[3], wanted[3])
    THEN
        RETURN false;
    END IF;
    -- The path of the application, or below it.
    remainder := substr(parts[3], char_length(wanted[3]) + 1);
    RETURN coalesce(strpos(remainder, '%') = 0
                    AND (remainder = '' OR starts_with(remainder, '/') OR right(wanted[3], 1) = '/'), false);
END
$$;
COMMENT ON FUNCTION quay_internal.redirect_uri_matches(text, text) IS
    'Does a redirect URI have the scheme, the host and the port of the configured one, and its path or one below it? Query and fragment are free; no user information, no "..", no encoded characters beyond the configured path. Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.redirect_uri_allowed(application quay.oauthapplication, redirect_uri text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN redirect_uri_allowed.application.id IS NOT NULL
        AND coalesce(redirect_uri_allowed.redirect_uri = nullif(quay_internal.setting('oauth_handler_url'), '')
                     OR quay_internal.redirect_uri_matches(redirect_uri_allowed.application.redirect_uri, redirect_uri_allowed.redirect_uri), false);
END
$$;
COMMENT ON FUNCTION quay_internal.redirect_uri_allowed(quay.oauthapplication, text) IS
    'May tokens and codes of the application be sent to this URI? Never NULL; a row of NULLs is no application.';

-- Applications

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_find(client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthapplication;
BEGIN
    -- All columns in their order, but NULL for the secret: readers have no right to it.
    SELECT a.id, a.client_id, a.redirect_uri, a.application_uri, a.organization_id, a.name, a.description, a.gravatar_email, NULL, a.fully_migrated
    INTO result FROM quay.oauthapplication AS a WHERE a.client_id = oauth_application_find.client_id;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_find(text) IS 'Application with this client id, without its secret; a row of NULLs if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_in(organization text, client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(organization);
    result quay.oauthapplication := quay_internal.oauth_application_find(client_id);
BEGIN
    IF result.organization_id IS DISTINCT FROM owner.id THEN
        RAISE EXCEPTION USING ERRCODE = 'QY070',
            MESSAGE = 'OAuth application does not exist',
            DETAIL = format('"%s" has no application with the client id "%s".', owner.username, left(oauth_application_in.client_id, 80)),
            HINT = 'Create it with quay.oauth_application_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_in(text, text) IS
    'Application of a namespace, without its secret. Errors: QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_lock(organization text, client_id text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- FOR UPDATE, so that nobody adds a token, either.
    PERFORM FROM quay.oauthapplication AS a WHERE a.client_id = oauth_application_lock.client_id FOR UPDATE;
    RETURN quay_internal.oauth_application_in(organization, client_id);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_lock(text, text) IS
    'oauth_application_in() with its row locked, until the end of the transaction. Errors: QY002, QY004, QY070.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_check(name text, redirect_uri text, application_uri text, avatar_email text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(btrim(oauth_application_check.name), '') = '' THEN 'It is empty.'
        WHEN char_length(oauth_application_check.name) > 255 THEN format('It has %s characters.', char_length(oauth_application_check.name))
        WHEN oauth_application_check.name = '__quay_bootstrap_app' THEN format('"%s" is reserved.', oauth_application_check.name)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal name of an OAuth application',
            DETAIL = problem,
            HINT = 'Use 1 to 255 characters.';
    END IF;
    IF char_length(oauth_application_check.redirect_uri) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY071',
            MESSAGE = 'redirect URI of an OAuth application is too long',
            DETAIL = format('It has %s characters.', char_length(oauth_application_check.redirect_uri)),
            HINT = 'Use at most 255 characters; paths below it and queries are allowed anyway.';
    END IF;
    IF greatest(char_length(oauth_application_check.application_uri), char_length(oauth_application_check.avatar_email)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'URI or e-mail address of an OAuth application is too long',
            DETAIL = format('They have %s and %s characters.', char_length(oauth_application_check.application_uri),
                            coalesce(char_length(oauth_application_check.avatar_email), 0)),
            HINT = 'Use at most 255 characters for each.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_check(text, text, text, text) IS
    'Checks what is to be stored of an application. Errors: 22023 URI or e-mail address too long, QY001 illegal name, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_log(kind text, application quay.oauthapplication, actor text, ip text,
                                                               metadata jsonb DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(oauth_application_log.kind, oauth_application_log.application.organization_id,
        quay_internal.actor_id(oauth_application_log.actor), NULL,
        jsonb_build_object('application_name', oauth_application_log.application.name, 'client_id', oauth_application_log.application.client_id)
            || oauth_application_log.metadata, oauth_application_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_log(text, quay.oauthapplication, text, text, jsonb) IS
    'Adds a row about an application to the audit log of its namespace. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_insert(owner_id bigint, name text, redirect_uri text, application_uri text,
    description text, avatar_email text, client_id text, client_secret text) RETURNS quay.oauthapplication
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthapplication;
BEGIN
    INSERT INTO quay.oauthapplication AS a (client_id, redirect_uri, application_uri, organization_id, name, description, gravatar_email,
                                            secure_client_secret, fully_migrated)
    VALUES (oauth_application_insert.client_id, oauth_application_insert.redirect_uri, oauth_application_insert.application_uri, owner_id,
            oauth_application_insert.name, oauth_application_insert.description, oauth_application_insert.avatar_email,
            quay_internal.field_encrypt(client_secret, 255), true)
    ON CONFLICT DO NOTHING
    RETURNING * INTO result;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'client id is already taken',
            DETAIL = format('An OAuth application with the client id "%s" exists.', left(oauth_application_insert.client_id, 80)),
            HINT = 'Leave it out to have one made.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_insert(bigint, text, text, text, text, text, text, text) IS
    'Adds an application that was checked. Errors: QY006 client id taken, QY061 secret too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_create(organization text, name text, redirect_uri text DEFAULT '', application_uri text DEFAULT '',
    description text DEFAULT '', avatar_email text DEFAULT NULL, given_client_id text DEFAULT NULL, given_client_secret text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (application_id bigint, client_id text, client_secret text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(organization);
    added quay.oauthapplication;
BEGIN
    PERFORM quay_internal.oauth_application_check(name, redirect_uri, application_uri, avatar_email);
    IF given_client_id COLLATE "C" !~ '^[!-~]{1,255}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal client id of an OAuth application',
            DETAIL = format('It is "%s".', left(given_client_id, 80)),
            HINT = 'Use 1 to 255 printable ASCII characters without blanks, or leave it out to have one made.';
    END IF;
    IF given_client_secret COLLATE "C" !~ '^[ -~]+$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'illegal client secret of an OAuth application',
            DETAIL = 'It is empty, or has characters that are not printable ASCII.',
            HINT = 'Leave it out to have one made.';
    END IF;
    client_id := coalesce(given_client_id, quay_internal.token_random(20));
    client_secret := coalesce(given_client_secret, quay_internal.token_random(40));
    added := quay_internal.oauth_application_insert(owner.id, name, coalesce(redirect_uri, ''), coalesce(application_uri, ''),
        coalesce(description, ''), avatar_email, client_id, client_secret);
    application_id := added.id;
    PERFORM quay_internal.oauth_application_log('create_application', added, oauth_application_create.actor, oauth_application_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_create(text, text, text, text, text, text, text, text, text, text) IS
    'Registers an OAuth application of an organization, or of a person, and returns its id, client id and client secret, random ones unless given. redirect_uri: where tokens and codes may be sent, also with a longer path; empty: nowhere but quay.oauth_handler_url. Errors: 22023 illegal client id, URI or e-mail address too long, QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 client id taken, QY007 actor unknown, QY061 illegal client secret, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_get(client_id text, organization text DEFAULT NULL, OUT application_id bigint,
    OUT owner text, OUT name text, OUT description text, OUT application_uri text, OUT redirect_uri text, OUT avatar_email text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT a.id, u.username::text, a.name::text, a.description, a.application_uri::text, a.redirect_uri::text, a.gravatar_email::text
        FROM quay.oauthapplication AS a JOIN quay."user" AS u ON u.id = a.organization_id
        WHERE a.client_id = oauth_application_get.client_id
          AND (oauth_application_get.organization IS NULL OR u.username = oauth_application_get.organization);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_get(text, text) IS
    'What everybody may know of an OAuth application. owner: the namespace. No row: there is none with this client id, or, if an organization is given, that one has none.';

CREATE OR REPLACE FUNCTION quay.oauth_application_list(organization text, name text DEFAULT NULL, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (application_id bigint, client_id text, application_name text, description text, application_uri text,
                   redirect_uri text, avatar_email text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(organization)).id;
BEGIN
    RETURN QUERY
        SELECT a.id, a.client_id::text, a.name::text, a.description, a.application_uri::text, a.redirect_uri::text, a.gravatar_email::text
        FROM quay.oauthapplication AS a
        WHERE a.organization_id = owner_id AND a.id > coalesce(oauth_application_list.after, 0)
          AND (oauth_application_list.name IS NULL OR a.name = oauth_application_list.name)
        ORDER BY a.id
        LIMIT quay_internal.page_size(oauth_application_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_list(text, text, bigint, integer) IS
    'OAuth applications of a namespace, without their secrets, at most n with an application_id above after; if asked those of one name, which need not be unique. Errors: 22023 n negative, QY002 namespace unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.oauth_application_secret(organization text, client_id text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_in(organization, client_id);
BEGIN
    RETURN (SELECT quay_internal.field_decrypt(a.secure_client_secret) FROM quay.oauthapplication AS a WHERE a.id = target.id);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_secret(text, text) IS
    'Client secret of an OAuth application; NULL if it has none. Errors: QY002 namespace unknown, QY004 disabled, QY060 it cannot be decrypted, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_client_check(client_id text, client_secret text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT quay_internal.field_matches(a.secure_client_secret, oauth_client_check.client_secret)
                     FROM quay.oauthapplication AS a WHERE a.client_id = oauth_client_check.client_id), false);
END
$$;
COMMENT ON FUNCTION quay.oauth_client_check(text, text) IS
    'Are these the client id and the client secret of an OAuth application? Never NULL; an application without a secret has none that is right. Errors: QY060 the stored secret cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.oauth_redirect_allowed(client_id text, redirect_uri text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.redirect_uri_allowed(quay_internal.oauth_application_find(client_id), redirect_uri);
END
$$;
COMMENT ON FUNCTION quay.oauth_redirect_allowed(text, text) IS
    'May tokens and codes of the OAuth application be sent to this URI? It must be quay.oauth_handler_url, or have the scheme, the host and the port of the URI of the application, and its path or one below it. Query and fragment are free; user information, "..", and encoded characters beyond the configured path are not allowed. Never NULL; false for an unknown application.';

CREATE OR REPLACE FUNCTION quay.oauth_application_update(organization text, client_id text, name text DEFAULT NULL, redirect_uri text DEFAULT NULL,
    application_uri text DEFAULT NULL, description text DEFAULT NULL, avatar_email text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
BEGIN
    PERFORM quay_internal.oauth_application_check(
        CASE WHEN target.name = '__quay_bootstrap_app' THEN target.name ELSE coalesce(oauth_application_update.name, target.name) END,
        oauth_application_update.redirect_uri, oauth_application_update.application_uri, oauth_application_update.avatar_email);
    UPDATE quay.oauthapplication AS a
    SET name = coalesce(oauth_application_update.name, a.name),
        redirect_uri = coalesce(oauth_application_update.redirect_uri, a.redirect_uri),
        application_uri = coalesce(oauth_application_update.application_uri, a.application_uri),
        description = coalesce(oauth_application_update.description, a.description),
        gravatar_email = nullif(coalesce(oauth_application_update.avatar_email, a.gravatar_email), '')
    WHERE a.id = target.id
    RETURNING a.name INTO target.name;
    PERFORM quay_internal.oauth_application_log('update_application', target, oauth_application_update.actor, oauth_application_update.ip);
END
$$;
COMMENT ON FUNCTION quay.oauth_application_update(text, text, text, text, text, text, text, text, text) IS
    'Changes what is given of an OAuth application; NULL leaves it as it is, an empty avatar_email is none. The application of the bootstrap token cannot be changed. Errors: 22023 URI or e-mail address too long, QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown, QY071 redirect URI too long.';

CREATE OR REPLACE FUNCTION quay.oauth_application_reset_secret(organization text, client_id text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    secret text := quay_internal.token_random(40);
BEGIN
    UPDATE quay.oauthapplication AS a SET secure_client_secret = quay_internal.field_encrypt(secret, 255) WHERE a.id = target.id;
    PERFORM quay_internal.oauth_application_log('reset_application_client_secret', target, oauth_application_reset_secret.actor,
        oauth_application_reset_secret.ip);
    RETURN secret;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_reset_secret(text, text, text, text) IS
    'Gives an OAuth application a new client secret and returns it; the old one is void. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_application_drop(application_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- In the order of their ids, and before their rows in other tables: nobody adds one meanwhile.
    PERFORM FROM quay.oauthapplication AS a WHERE a.id = ANY (application_ids) ORDER BY a.id FOR UPDATE;
    PERFORM quay_internal.notification_delete('assigned_authorization', t.assigned_user_id, jsonb_build_object('uuid', t.uuid))
    FROM quay.oauthassignedtoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthauthorizationcode AS c WHERE c.application_id = ANY (application_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.application_id = ANY (application_ids);
    DELETE FROM quay.oauthapplication AS a WHERE a.id = ANY (application_ids);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_application_drop(bigint[]) IS
    'Deletes applications with their tokens, codes and assignments, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.oauth_application_delete_many(organization text, client_ids text[], actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(organization)).id;
    performer_id bigint := quay_internal.actor_id(oauth_application_delete_many.actor);
    target quay.oauthapplication;
    deleted bigint := 0;
BEGIN
    FOR target IN
        SELECT a.* FROM quay.oauthapplication AS a
        WHERE a.organization_id = owner_id AND a.client_id = ANY (oauth_application_delete_many.client_ids)
        ORDER BY a.id FOR UPDATE
    LOOP
        deleted := deleted + quay_internal.oauth_application_drop(ARRAY[target.id]);
        PERFORM quay_internal.log_add('delete_application', owner_id, performer_id, NULL,
            jsonb_build_object('application_name', target.name, 'client_id', target.client_id), oauth_application_delete_many.ip);
    END LOOP;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_delete_many(text, text[], text, text) IS
    'Deletes those of these OAuth applications that a namespace has, with their tokens, codes and assignments, and returns how many there were. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_application_delete(organization text, client_id text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.oauth_application_delete_many(organization, ARRAY[oauth_application_delete.client_id], actor, ip) > 0;
END
$$;
COMMENT ON FUNCTION quay.oauth_application_delete(text, text, text, text) IS
    'Deletes an OAuth application with its tokens, codes and assignments. False: the namespace has none with this client id. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

-- Assignments: an administrator offers somebody a token, who fetches it by authorizing the application.

CREATE OR REPLACE FUNCTION quay.oauth_assignment_create(organization text, client_id text, username text, scopes text,
    redirect_uri text DEFAULT NULL, response_type text DEFAULT 'token', actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    assigned quay."user" := quay_internal.person_lock(username);
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    wanted text := quay.oauth_scope_normalize(scopes);
    new_uuid text := gen_random_uuid()::text;
BEGIN
    IF NOT quay_internal.setting('assign_oauth_token')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'assigning OAuth tokens is switched off',
            DETAIL = 'The setting quay.assign_oauth_token is off.',
            HINT = 'An administrator of the server can switch it on.';
    END IF;
    IF NOT assigned.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user is disabled',
            DETAIL = format('"%s" was disabled by an administrator.', assigned.username),
            HINT = 'Name another person.';
    END IF;
    IF oauth_assignment_create.redirect_uri IS NOT NULL AND NOT quay_internal.redirect_uri_allowed(target, oauth_assignment_create.redirect_uri)
        OR char_length(oauth_assignment_create.redirect_uri) > 255
    THEN
        RAISE EXCEPTION USING ERRCODE = 'QY071',
            MESSAGE = 'redirect URI is not one of the application',
            DETAIL = format('It is "%s".', left(oauth_assignment_create.redirect_uri, 80)),
            HINT = 'Use the URI of the application, or one below it, with at most 255 characters.';
    END IF;
    IF oauth_assignment_create.response_type <> ALL (ARRAY['token', 'code']) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown OAuth response type',
            DETAIL = format('It is "%s".', left(oauth_assignment_create.response_type, 80)),
            HINT = 'Use token or code.';
    END IF;

    INSERT INTO quay.oauthassignedtoken (uuid, assigned_user_id, application_id, redirect_uri, scope, response_type)
    VALUES (new_uuid, assigned.id, target.id, oauth_assignment_create.redirect_uri, wanted, oauth_assignment_create.response_type);
    PERFORM quay_internal.notification_add('assigned_authorization', assigned.id,
        jsonb_build_object('username', assigned.username, 'uuid', new_uuid));
    PERFORM quay_internal.oauth_application_log('oauth_token_assigned', target, oauth_assignment_create.actor, oauth_assignment_create.ip,
        jsonb_build_object('assigned_user', assigned.username, 'assigning_user', oauth_assignment_create.actor, 'application', target.name,
                           'scope', wanted));
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_create(text, text, text, text, text, text, text, text) IS
    'Offers a person a token of an OAuth application, notifies him, and returns the uuid of the assignment, which lets him authorize the application without being an administrator. Errors: 22023 unknown response type, QY002 namespace unknown, QY004 disabled, QY007 user unknown or disabled, actor unknown, QY015 switched off, QY070 application unknown, QY071 redirect URI not allowed, QY072 unknown scope or none.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100, OUT assignment_id bigint,
    OUT uuid text, OUT organization text, OUT client_id text, OUT application text, OUT description text, OUT application_uri text,
    OUT avatar_email text, OUT redirect_uri text, OUT scopes text, OUT response_type text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    user_id bigint := (quay_internal.person_get(username)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, o.username::text, a.client_id::text, a.name::text, a.description, a.application_uri::text,
               a.gravatar_email::text, coalesce(t.redirect_uri, a.redirect_uri)::text, t.scope::text, coalesce(t.response_type, 'token')::text
        FROM quay.oauthassignedtoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.assigned_user_id = user_id AND t.id > coalesce(oauth_assignment_list.after, 0)
        ORDER BY t.id
        LIMIT quay_internal.page_size(oauth_assignment_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_list(text, bigint, integer) IS
    'OAuth tokens that were offered to a person, who has not fetched them yet, at most n with an assignment_id above after. organization: the namespace of the application. That they were seen is for oauth_assignment_acknowledge(). Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_acknowledge(username text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.notification_delete('assigned_authorization', (quay_internal.person_get(username)).id);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_acknowledge(text) IS
    'The person has looked at the OAuth tokens that were offered: deletes the notifications about them and returns how many there were. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_get(username text, uuid text, organization text DEFAULT NULL, OUT assignment_id bigint,
    OUT owner text, OUT client_id text, OUT application text, OUT redirect_uri text, OUT scopes text, OUT response_type text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, o.username::text, a.client_id::text, a.name::text, coalesce(t.redirect_uri, a.redirect_uri)::text, t.scope::text,
               coalesce(t.response_type, 'token')::text
        FROM quay.oauthassignedtoken AS t
        JOIN quay."user" AS u ON u.id = t.assigned_user_id
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.uuid = oauth_assignment_get.uuid AND u.username = oauth_assignment_get.username
          AND (oauth_assignment_get.organization IS NULL OR o.username = oauth_assignment_get.organization);
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_get(text, text, text) IS
    'An OAuth token that was offered to this person. owner: the namespace of the application. No row: there is none, it is for somebody else, or, if an organization is given, of another one.';

CREATE OR REPLACE FUNCTION quay.oauth_assignment_delete(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    assigned quay."user" := quay_internal.person_get(username);
    performer_id bigint := coalesce(quay_internal.actor_id(oauth_assignment_delete.actor), assigned.id);
    gone record;
BEGIN
    DELETE FROM quay.oauthassignedtoken AS t
    USING quay.oauthapplication AS a
    WHERE a.id = t.application_id AND t.uuid = oauth_assignment_delete.uuid AND t.assigned_user_id = assigned.id
    RETURNING a.name, a.client_id INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.notification_delete('assigned_authorization', assigned.id, jsonb_build_object('uuid', oauth_assignment_delete.uuid));
    PERFORM quay_internal.log_add('oauth_token_revoked', assigned.id, performer_id, NULL,
        jsonb_build_object('application', gone.name, 'client_id', gone.client_id, 'assigned_user', assigned.username), oauth_assignment_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_assignment_delete(text, text, text, text) IS
    'Takes back, or declines, an OAuth token that was offered to this person. False: there is no such assignment. Errors: QY007 user or actor unknown.';

-- @part step api/157_oauth_token.sql
-- OAuth: access tokens, what people have authorized, and authorization codes.

-- Making tokens

CREATE OR REPLACE FUNCTION quay_internal.oauth_lifetime(seconds double precision) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF oauth_lifetime.seconds IN ('NaN', 'Infinity') OR oauth_lifetime.seconds <= 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'lifetime of an OAuth token must be a positive number',
            DETAIL = format('It is %s seconds.', oauth_lifetime.seconds),
            HINT = 'Pass seconds, or NULL for ten years, which is also the most.';
    END IF;
    RETURN greatest(1, trunc(least(coalesce(oauth_lifetime.seconds, 315576000), 315576000)))::integer;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_lifetime(double precision) IS
    'Lifetime of an OAuth token in whole seconds, from 1 to 315576000, which are ten years; NULL means these. Errors: 22023 not a positive number.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_insert(application_id bigint, user_id bigint, scope text, lifetime integer,
    data jsonb DEFAULT NULL, display_name text DEFAULT NULL, given_token text DEFAULT NULL,
    OUT token_id bigint, OUT uuid text, OUT token text, OUT expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now timestamp := quay_internal.utc_now();
BEGIN
    IF given_token COLLATE "C" !~ '^[!-~]{40,255}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'illegal OAuth access token',
            DETAIL = 'A token has 40 to 255 printable ASCII characters without blanks.',
            HINT = 'Pass NULL to have one made.';
    END IF;
    token := coalesce(given_token, quay_internal.token_random_ascii(40));
    uuid := gen_random_uuid()::text;
    expires_at := now + make_interval(secs => lifetime);
    INSERT INTO quay.oauthaccesstoken AS t (uuid, application_id, authorized_user_id, scope, token_type, expires_at, data, token_name, token_code,
                                            token_digest, created, display_name)
    VALUES (oauth_token_insert.uuid, oauth_token_insert.application_id, oauth_token_insert.user_id, oauth_token_insert.scope, 'Bearer',
            oauth_token_insert.expires_at,
            coalesce(oauth_token_insert.data, jsonb_build_object('username', (SELECT u.username FROM quay."user" AS u WHERE u.id = user_id)))::text,
            left(token, 20), quay_internal.password_hash(substr(token, 21), quay_internal.setting('bcrypt_cost')::integer),
            quay_internal.secret_digest(token), now, oauth_token_insert.display_name)
    ON CONFLICT (token_name) DO NOTHING
    RETURNING t.id INTO token_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'OAuth access token is not unique',
            DETAIL = 'There is a token with the same first 20 characters.',
            HINT = 'Pass NULL to have one made.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_insert(bigint, bigint, text, integer, jsonb, text, text) IS
    'Adds an OAuth token of the application for the user, lifetime in seconds. Returns the token, which nobody can read later. Errors: QY061 given token illegal or not unique.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_token_active(application_id bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.oauthaccesstoken AS t
            WHERE t.application_id = oauth_token_active.application_id AND t.expires_at > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_token_active(bigint) IS 'How many unexpired tokens an application has.';

-- API tokens: an administrator makes one for himself, or another person, without the dance of authorization.

CREATE OR REPLACE FUNCTION quay.oauth_mintable_scopes(actor text, organization text, scopes text, actor_scopes text DEFAULT NULL)
    RETURNS TABLE (scope text, mintable boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text := quay.oauth_scope_normalize(scopes);
    may_mint boolean :=
        EXISTS (SELECT FROM quay."user" AS u WHERE u.username = actor AND u.enabled AND NOT u.robot AND NOT u.organization)
        AND quay.access_check_namespace(actor, organization, 'admin', actor_scopes)
        AND (actor_scopes IS NULL OR quay.oauth_scope_covers(actor_scopes, wanted));
BEGIN
    FOREACH scope IN ARRAY string_to_array(wanted, ' ') LOOP
        -- Nobody hands out more than he has himself.
        mintable := may_mint AND CASE scope
            WHEN 'repo:read' THEN quay.access_check(actor, organization, NULL, 'read', actor_scopes)
            WHEN 'repo:write' THEN quay.access_check(actor, organization, NULL, 'write', actor_scopes)
            WHEN 'repo:admin' THEN quay.access_check(actor, organization, NULL, 'admin', actor_scopes)
            WHEN 'repo:create' THEN quay.access_check_namespace(actor, organization, 'create', actor_scopes)
            WHEN 'org:admin' THEN quay.access_check_namespace(actor, organization, 'admin', actor_scopes)
            WHEN 'user:read' THEN quay.access_check_user(actor, actor, 'read', actor_scopes)
            WHEN 'user:admin' THEN quay.access_check_user(actor, actor, 'admin', actor_scopes)
            WHEN 'super:user' THEN coalesce(quay.superuser_kind(actor, actor_scopes) = 'superuser', false)
            ELSE false
        END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.oauth_mintable_scopes(text, text, text, text) IS
    'May the actor, whose own credential has actor_scopes (NULL: a direct login), make an API token with these scopes for an application of the organization? One row for each scope; he may if all are mintable: he is a person, administers the organization, has each of the rights himself there or in his account, and his own scopes include the wanted ones. Errors: QY072 no scope, or an unknown one.';

CREATE OR REPLACE FUNCTION quay.oauth_token_create(organization text, client_id text, username text, scopes text,
    expires_in double precision DEFAULT NULL, display_name text DEFAULT NULL, given_token text DEFAULT NULL,
    actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token_id bigint, uuid text, token text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay."user" := quay_internal.person_get(username);
    wanted text := quay.oauth_scope_normalize(scopes);
    lifetime integer := quay_internal.oauth_lifetime(expires_in);
    -- Blanks of Unicode, spelt out: \s would depend on the locale.
    label text := regexp_replace(oauth_token_create.display_name COLLATE "C",
        '^[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+'
        '|[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+$', '', 'g');
    maximum integer := quay_internal.setting('oauth_maximum_token_count')::integer;
    -- Locked, so that two calls do not both find the last place free.
    target quay.oauthapplication := quay_internal.oauth_application_lock(organization, client_id);
    added record;
BEGIN
    IF NOT char_length(label) BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal name of an OAuth token',
            DETAIL = format('It has %s characters.', char_length(label)),
            HINT = 'Use 1 to 255 characters, not only blanks, or NULL for none.';
    END IF;
    IF maximum > 0 AND quay_internal.oauth_token_active(target.id) >= maximum THEN
        RAISE EXCEPTION USING ERRCODE = 'QY073',
            MESSAGE = 'OAuth application has too many tokens',
            DETAIL = format('The limit is %s unexpired tokens.', maximum),
            HINT = 'Revoke a token with quay.oauth_token_revoke() first.';
    END IF;
    added := quay_internal.oauth_token_insert(target.id, holder.id, wanted, lifetime, display_name => label, given_token => given_token);
    PERFORM quay_internal.oauth_application_log('create_oauth_api_token', target, oauth_token_create.actor, oauth_token_create.ip,
        jsonb_strip_nulls(jsonb_build_object('token_uuid', added.uuid, 'display_name', label, 'username', holder.username, 'scope', wanted,
                                             'expires_in', lifetime)));
    token_id := added.token_id;
    uuid := added.uuid;
    token := added.token;
    expires_at := added.expires_at;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_create(text, text, text, text, double precision, text, text, text, text) IS
    'Makes an OAuth access token of the application that acts for the person within the scopes, and returns it: it cannot be read again. Ask oauth_mintable_scopes() first. expires_in: seconds, cut to whole ones, at most and by default ten years. display_name: a label, need not be unique. Errors: 22023 illegal expires_in or display_name, QY002 namespace unknown, QY004 disabled, QY007 user or actor unknown, QY061 given token illegal or not unique, QY070 application unknown, QY072 unknown scope or none, QY073 quay.oauth_maximum_token_count reached.';

CREATE OR REPLACE FUNCTION quay.oauth_token_list(organization text, client_id text, after bigint DEFAULT NULL, n integer DEFAULT 50,
    OUT token_id bigint, OUT uuid text, OUT display_name text, OUT username text, OUT scopes text, OUT token_type text,
    OUT created timestamp, OUT last_accessed timestamp, OUT expires_at timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.oauth_application_in(organization, client_id)).id;
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, t.display_name::text, u.username::text, t.scope::text, t.token_type::text, t.created, t.last_accessed, t.expires_at
        FROM quay.oauthaccesstoken AS t
        LEFT JOIN quay."user" AS u ON u.id = t.authorized_user_id
        WHERE t.application_id = target_id AND t.expires_at > quay_internal.utc_now()
          AND t.id < coalesce(oauth_token_list.after, 9223372036854775807)
        ORDER BY t.id DESC
        LIMIT quay_internal.page_size(oauth_token_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_token_list(text, text, bigint, integer) IS
    'Unexpired tokens of an OAuth application, newest first, at most n with a token_id below after; without their secrets. username: for whom it acts. Times in UTC; last_accessed NULL: not used yet. Errors: 22023 n negative, QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_token_count(organization text, client_id text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.oauth_token_active((quay_internal.oauth_application_in(organization, client_id)).id);
END
$$;
COMMENT ON FUNCTION quay.oauth_token_count(text, text) IS
    'How many unexpired tokens an OAuth application has, which quay.oauth_maximum_token_count limits. Errors: QY002 namespace unknown, QY004 disabled, QY070 application unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_token_get(uuid text, OUT token_id bigint, OUT organization text, OUT client_id text, OUT application text,
    OUT display_name text, OUT username text, OUT scopes text, OUT token_type text, OUT created timestamp, OUT last_accessed timestamp,
    OUT expires_at timestamp, OUT bootstrap boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, o.username::text, a.client_id::text, a.name::text, t.display_name::text, u.username::text, t.scope::text, t.token_type::text,
               t.created, t.last_accessed, t.expires_at, a.name = '__quay_bootstrap_app' AND quay_internal.bootstrap_is_marked(t.data)
        FROM quay.oauthaccesstoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        JOIN quay."user" AS u ON u.id = t.authorized_user_id
        WHERE t.uuid = oauth_token_get.uuid;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_get(text) IS
    'An OAuth token, expired or not, without its secret. organization: the namespace of its application. bootstrap: is it a bootstrap token? No row: there is none.';

CREATE OR REPLACE FUNCTION quay.oauth_token_revoke(organization text, client_id text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication := quay_internal.oauth_application_in(organization, client_id);
    display_name text;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.uuid = oauth_token_revoke.uuid AND t.application_id = target.id
    RETURNING t.display_name INTO display_name;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.oauth_application_log('revoke_oauth_api_token', target, oauth_token_revoke.actor, oauth_token_revoke.ip,
        jsonb_strip_nulls(jsonb_build_object('token_uuid', oauth_token_revoke.uuid, 'display_name', display_name)));
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_revoke(text, text, text, text, text) IS
    'Deletes a token of an OAuth application. False: the application has no such token. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY070 application unknown.';

-- What people have authorized

CREATE OR REPLACE FUNCTION quay_internal.oauth_authorization_rows(user_id bigint, uuid text, after bigint, n integer)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT t.id, t.uuid::text, o.username::text, a.client_id::text, a.name::text, a.description, a.application_uri::text,
               a.gravatar_email::text, t.scope::text, t.created, t.last_accessed, t.expires_at
        FROM quay.oauthaccesstoken AS t
        JOIN quay.oauthapplication AS a ON a.id = t.application_id
        JOIN quay."user" AS o ON o.id = a.organization_id
        WHERE t.authorized_user_id = oauth_authorization_rows.user_id AND t.id > coalesce(oauth_authorization_rows.after, 0)
          AND (oauth_authorization_rows.uuid IS NULL OR t.uuid = oauth_authorization_rows.uuid)
        ORDER BY t.id
        LIMIT quay_internal.page_size(oauth_authorization_rows.n);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_authorization_rows(bigint, text, bigint, integer) IS
    'Tokens that act for a user, with their applications, all or that of one uuid.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay_internal.oauth_authorization_rows((quay_internal.person_get(username)).id, NULL,
                                                             oauth_authorization_list.after, oauth_authorization_list.n);
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_list(text, bigint, integer) IS
    'OAuth tokens that act for a person, expired ones too, with the applications that have them, at most n with a token_id above after. organization: the namespace of the application. Times in UTC. Errors: 22023 n negative, QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_get(username text, uuid text)
    RETURNS TABLE (token_id bigint, token_uuid text, organization text, client_id text, application text, description text, application_uri text,
                   avatar_email text, scopes text, created timestamp, last_accessed timestamp, expires_at timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF oauth_authorization_get.uuid IS NOT NULL THEN
        RETURN QUERY
            SELECT * FROM quay_internal.oauth_authorization_rows((quay_internal.person_get(username)).id, oauth_authorization_get.uuid, NULL, 1);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_get(text, text) IS
    'One of oauth_authorization_list(). No row: no such token acts for this person. Errors: QY007 user unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorization_revoke(username text, uuid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    holder quay."user" := quay_internal.person_get(username);
    performer_id bigint := coalesce(quay_internal.actor_id(oauth_authorization_revoke.actor), holder.id);
    gone record;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    USING quay.oauthapplication AS a
    WHERE a.id = t.application_id AND t.uuid = oauth_authorization_revoke.uuid AND t.authorized_user_id = holder.id
    RETURNING a.name, a.client_id INTO gone;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('oauth_token_revoked', holder.id, performer_id, NULL,
        jsonb_build_object('application', gone.name, 'client_id', gone.client_id, 'token_uuid', oauth_authorization_revoke.uuid),
        oauth_authorization_revoke.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorization_revoke(text, text, text, text) IS
    'A person takes an OAuth token back that acts for him. False: there is no such token. Errors: QY007 user or actor unknown.';

CREATE OR REPLACE FUNCTION quay.oauth_authorized_scopes(client_id text, username text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quay_internal.scope_join(array_agg(s.scope ORDER BY t.id, s.place))
            FROM quay.oauthaccesstoken AS t
            JOIN quay.oauthapplication AS a ON a.id = t.application_id
            JOIN quay."user" AS u ON u.id = t.authorized_user_id
            -- A token with an unknown scope opens nothing, so it authorizes nothing.
            CROSS JOIN unnest(quay_internal.scope_set(t.scope)) WITH ORDINALITY AS s (scope, place)
            WHERE a.client_id = oauth_authorized_scopes.client_id AND u.username = oauth_authorized_scopes.username
              AND t.expires_at > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay.oauth_authorized_scopes(text, text) IS
    'What a person has authorized an OAuth application to do: the scopes of its unexpired tokens that act for him, each once, with blanks between them; NULL for nothing.';

CREATE OR REPLACE FUNCTION quay.oauth_consented(client_id text, username text, scopes text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.oauth_scope_covers(quay.oauth_authorized_scopes(client_id, username), scopes);
END
$$;
COMMENT ON FUNCTION quay.oauth_consented(text, text, text) IS
    'Has the person already authorized the OAuth application to do all this, so that he need not be asked again? Never NULL.';

-- Authorization: a person lets an application act for him. It gets a token at once (implicit grant), or a code for one.

CREATE OR REPLACE FUNCTION quay_internal.oauth_is_admin(user_id bigint, namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(user_id = namespace_id, false) OR quay_internal.organization_administers(user_id, namespace_id);
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_is_admin(bigint, bigint) IS
    'Is the namespace the user''s own, or is he in a team of role admin of it? Being a superuser does not count.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_request_check(client_id text, username text, redirect_uri text, scopes text, response_type text,
    assignment text, OUT application quay.oauthapplication, OUT user_id bigint, OUT redirect_allowed boolean, OUT error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    application := quay_internal.oauth_application_find(client_id);
    redirect_allowed := quay_internal.redirect_uri_allowed(application, redirect_uri) AND char_length(redirect_uri) <= 255;
    user_id := (SELECT u.id FROM quay."user" AS u
                WHERE u.username = oauth_request_check.username AND u.enabled AND NOT u.robot AND NOT u.organization);
    error := CASE
        WHEN response_type IS NULL OR response_type <> ALL (ARRAY['token', 'code']) THEN 'unsupported_response_type'
        WHEN application.id IS NULL THEN 'unauthorized_client'
        WHEN NOT redirect_allowed THEN 'invalid_redirect_uri'
        WHEN user_id IS NULL THEN 'access_denied'
        WHEN NOT quay_internal.oauth_is_admin(user_id, application.organization_id)
             AND NOT EXISTS (SELECT FROM quay.oauthassignedtoken AS t
                             WHERE t.uuid = oauth_request_check.assignment AND t.assigned_user_id = oauth_request_check.user_id
                               AND t.application_id = oauth_request_check.application.id)
            THEN 'unauthorized_client'
        WHEN quay_internal.scope_set(scopes) IS NULL THEN 'invalid_scope'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_request_check(text, text, text, text, text, text) IS
    'May this person authorize the application so? error: the error code of OAuth, NULL if he may.';

CREATE OR REPLACE FUNCTION quay.oauth_authorize_check(client_id text, username text, redirect_uri text, scopes text,
    response_type text DEFAULT 'token', assignment text DEFAULT NULL)
    RETURNS TABLE (error text, redirect_allowed boolean, organization text, application text, description text, application_uri text,
                   avatar_email text, consented boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record := quay_internal.oauth_request_check(client_id, username, redirect_uri, scopes, response_type, assignment);
BEGIN
    RETURN QUERY VALUES (
        request.error, request.redirect_allowed,
        (SELECT o.username::text FROM quay."user" AS o WHERE o.id = (request.application).organization_id),
        (request.application).name::text, (request.application).description, (request.application).application_uri::text,
        (request.application).gravatar_email::text,
        request.error IS NULL AND quay.oauth_consented(client_id, username, scopes));
END
$$;
COMMENT ON FUNCTION quay.oauth_authorize_check(text, text, text, text, text, text) IS
    'What the page needs to know that asks a person to authorize an OAuth application: what oauth_authorize() with the same arguments would answer, the application, and whether he has consented already, so that he need not be asked. One row. Arguments, error and redirect_allowed: as of oauth_authorize().';

CREATE OR REPLACE FUNCTION quay.oauth_authorize(client_id text, username text, redirect_uri text, scopes text,
    response_type text DEFAULT 'token', assignment text DEFAULT NULL)
    RETURNS TABLE (error text, redirect_allowed boolean, code text, token text, token_type text, expires_in integer, scope text, token_uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    request record := quay_internal.oauth_request_check(client_id, username, redirect_uri, scopes, response_type, assignment);
    target_id bigint := (request.application).id;
    added record;
BEGIN
    error := request.error;
    redirect_allowed := request.redirect_allowed;
    IF error IS NULL THEN
        -- Keeps both from being deleted or renamed. One of them may have gone by now.
        PERFORM FROM quay.oauthapplication AS a WHERE a.id = target_id FOR KEY SHARE;
        IF NOT FOUND THEN
            error := 'unauthorized_client';
        END IF;
        PERFORM FROM quay."user" AS u WHERE u.id = request.user_id AND u.username = oauth_authorize.username FOR KEY SHARE;
        IF NOT FOUND THEN
            error := coalesce(error, 'access_denied');
        END IF;
    END IF;
    IF error IS NULL AND assignment IS NOT NULL THEN
        -- An assignment is good for one authorization.
        DELETE FROM quay.oauthassignedtoken AS t
        WHERE t.uuid = oauth_authorize.assignment AND t.assigned_user_id = request.user_id AND t.application_id = target_id;
        IF FOUND THEN
            PERFORM quay_internal.notification_delete('assigned_authorization', request.user_id, jsonb_build_object('uuid', assignment));
        ELSIF NOT quay_internal.oauth_is_admin(request.user_id, (request.application).organization_id) THEN
            error := 'unauthorized_client';
        END IF;
    END IF;
    IF error IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;

    scope := quay_internal.scope_join(quay_internal.scope_set(scopes));
    IF response_type = 'code' THEN
        code := quay_internal.token_random_ascii(40);
        INSERT INTO quay.oauthauthorizationcode (application_id, scope, data, code_name, code_credential, created, redirect_uri)
        VALUES (target_id, oauth_authorize.scope,
                jsonb_build_object('username', oauth_authorize.username, 'user_id', request.user_id)::text,
                left(code, 20), quay_internal.password_hash(substr(code, 21), quay_internal.setting('bcrypt_cost')::integer),
                quay_internal.utc_now(), oauth_authorize.redirect_uri);
    ELSE
        expires_in := quay_internal.oauth_lifetime(NULL);
        added := quay_internal.oauth_token_insert(target_id, request.user_id, scope, expires_in);
        token := added.token;
        token_uuid := added.uuid;
        token_type := 'Bearer';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_authorize(text, text, text, text, text, text) IS
'A person authorizes an OAuth application to act for him within the scopes. Always one row.

username: who is logged in; NULL for nobody. He must administer the namespace of the application as a member of one of its teams, or hold the assignment (uuid), which is used up.
scopes: separated by one blank or comma. response_type: token gives an access token at once (implicit grant), which acts for ten years; code gives an authorization code for oauth_code_exchange(), tied to the redirect URI.

error: NULL, or unsupported_response_type, unauthorized_client (no such application, or the person may not authorize it), invalid_redirect_uri, access_denied (nobody is logged in, or he is disabled), invalid_scope.
redirect_allowed: may the browser be sent to the redirect URI with the answer? If not, show the error.
expires_in in seconds. Neither the code nor the token can be read again.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_code_find(application_id bigint, code text) RETURNS quay.oauthauthorizationcode
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.oauthauthorizationcode;
BEGIN
    SELECT * INTO result FROM quay.oauthauthorizationcode AS c
    WHERE c.application_id = oauth_code_find.application_id AND c.code_name = left(oauth_code_find.code, 20);
    IF NOT quay_internal.password_verify(substr(oauth_code_find.code, 21), result.code_credential, quay_internal.setting('bcrypt_cost')::integer) THEN
        RETURN NULL;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_code_find(bigint, text) IS 'Authorization code of an application, expired or not; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.oauth_code_expired_before() RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    lifetime integer := quay_internal.setting('oauth_authorization_code_lifetime')::integer;
BEGIN
    RETURN CASE WHEN lifetime > 0 THEN quay_internal.utc_now() - make_interval(secs => lifetime) ELSE '-infinity' END;
END
$$;
COMMENT ON FUNCTION quay_internal.oauth_code_expired_before() IS
    'Authorization codes that were made at this time or before have expired; -infinity: none has.';

CREATE OR REPLACE FUNCTION quay.oauth_code_exchange(client_id text, client_secret text, code text, redirect_uri text, scopes text DEFAULT NULL,
    grant_type text DEFAULT 'authorization_code')
    RETURNS TABLE (error text, token text, token_type text, expires_in integer, scope text, username text, token_uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    application quay.oauthapplication := quay_internal.oauth_application_find(client_id);
    proven boolean := quay.oauth_client_check(client_id, client_secret);
    candidate quay.oauthauthorizationcode := quay_internal.oauth_code_find(application.id, code);
    data jsonb := quay_internal.json_read(candidate.data);
    user_id bigint;
    added record;
BEGIN
    -- The name is all that the reference application stores.
    SELECT u.id, u.username INTO user_id, username FROM quay."user" AS u
    WHERE u.id = coalesce((data ->> 'user_id')::bigint, (SELECT n.id FROM quay."user" AS n WHERE n.username = data ->> 'username'))
      AND u.enabled AND NOT u.robot AND NOT u.organization;
    error := CASE
        WHEN grant_type IS DISTINCT FROM 'authorization_code' THEN 'unsupported_grant_type'
        WHEN NOT proven THEN 'invalid_client'
        WHEN candidate.id IS NULL OR user_id IS NULL
             OR coalesce(candidate.created, '-infinity') < quay_internal.oauth_code_expired_before()
             OR NOT quay_internal.redirect_uri_allowed(application, redirect_uri)
             OR candidate.redirect_uri <> oauth_code_exchange.redirect_uri
            THEN 'invalid_grant'
        WHEN scopes <> '' AND (quay_internal.scope_set(scopes) IS NULL OR NOT quay_internal.scope_set(scopes) <@ quay_internal.scope_set(candidate.scope)
                               OR NOT quay_internal.scope_set(scopes) @> quay_internal.scope_set(candidate.scope))
            THEN 'invalid_scope'
    END;
    IF error IS NULL THEN
        PERFORM FROM quay.oauthapplication AS a WHERE a.id = application.id FOR KEY SHARE;
        PERFORM FROM quay."user" AS u WHERE u.id = user_id FOR KEY SHARE;
        -- Whoever deletes the code has it. It is gone with its application, too.
        DELETE FROM quay.oauthauthorizationcode AS c WHERE c.id = candidate.id;
        IF NOT FOUND THEN
            error := 'invalid_grant';
        END IF;
    END IF;
    IF error IS NOT NULL THEN
        username := NULL;
        RETURN NEXT;
        RETURN;
    END IF;

    scope := candidate.scope;
    expires_in := quay_internal.oauth_lifetime(NULL);
    token_type := 'Bearer';
    added := quay_internal.oauth_token_insert(application.id, user_id, scope, expires_in);
    token := added.token;
    token_uuid := added.uuid;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.oauth_code_exchange(text, text, text, text, text, text) IS
'An OAuth client exchanges an authorization code for an access token. Always one row.

redirect_uri: that of oauth_authorize(), letter for letter. scopes: NULL or empty, or those that the code has.
error: NULL, or unsupported_grant_type, invalid_client (unknown, or a wrong secret), invalid_grant (the code is unknown, used up or older than quay.oauth_authorization_code_lifetime, was made for another redirect URI, or its person is gone or disabled), invalid_scope. A code is good for one token, also if two clients present it at the same time; a refusal does not use it up.
token: acts for the person username for expires_in seconds, which are ten years; it cannot be read again. There are no refresh tokens.
Errors: QY060 the stored client secret cannot be decrypted.';

-- Purge

CREATE OR REPLACE FUNCTION quay.oauth_code_purge(n integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.oauth_code_expired_before();
    deleted bigint;
BEGIN
    -- An array, so that the rows are chosen once.
    DELETE FROM quay.oauthauthorizationcode AS c
    WHERE c.id = ANY (ARRAY(SELECT s.id FROM quay.oauthauthorizationcode AS s
                            WHERE s.created < expired_before OR s.created IS NULL AND isfinite(expired_before)
                            LIMIT quay_internal.page_size(oauth_code_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_code_purge(integer) IS
    'Deletes at most n authorization codes that are older than quay.oauth_authorization_code_lifetime, or older than the column that says so, and returns how many; call it again while it returns n. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.oauth_token_purge(n integer DEFAULT 1000, keep interval DEFAULT '30 days') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    expired_before timestamp := quay_internal.utc_now() - keep;
    deleted bigint;
BEGIN
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.id = ANY (ARRAY(SELECT s.id FROM quay.oauthaccesstoken AS s
                            -- An expired bootstrap token can still be renewed.
                            WHERE s.expires_at < expired_before AND NOT quay_internal.bootstrap_is_marked(s.data)
                            LIMIT quay_internal.page_size(oauth_token_purge.n)
                            FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.oauth_token_purge(integer, interval) IS
    'Deletes at most n OAuth tokens that expired longer ago than keep, but bootstrap tokens, and returns how many; call it again while it returns n. Errors: 22023 n negative.';

-- @part step api/158_service_key.sql
-- Service keys, with which the registry and its services sign tokens: making, approving, replacing and removing them, and verifying tokens.

CREATE OR REPLACE FUNCTION quay_internal.jwt_check(token text, jwk jsonb, issuer text, audience text, max_lifetime integer DEFAULT NULL,
                                                   OUT claims jsonb, OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    header jsonb := quay_internal.json_read(quay_internal.jwt_header(token));
    -- Clocks of two machines differ.
    skew CONSTANT numeric := 30;
    now_s CONSTANT numeric := extract(epoch FROM quay_internal.clock());
    wanted text;
BEGIN
    problem := CASE
        WHEN jsonb_typeof(header) IS DISTINCT FROM 'object' THEN 'Invalid token'
        -- Before anything else is believed: "none" and the symmetric algorithms must not get any further.
        WHEN header ->> 'alg' IS DISTINCT FROM 'RS256' THEN 'The specified alg value is not allowed'
        WHEN header ? 'crit' THEN 'Unsupported critical extension'
        WHEN NOT quay_internal.jwt_signed_by(token, jwk ->> 'n', jwk ->> 'e') THEN 'Signature verification failed'
    END;
    IF problem IS NOT NULL THEN
        RETURN;
    END IF;
    claims := quay_internal.json_read(quay_internal.jwt_payload(token));
    IF jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN
        problem := 'Invalid payload string: must be a json object';
        RETURN;
    END IF;

    FOREACH wanted IN ARRAY ARRAY['iat', 'nbf', 'exp'] LOOP
        IF claims ->> wanted IS NULL THEN
            problem := format('Token is missing the "%s" claim', wanted);
            RETURN;
        ELSIF jsonb_typeof(claims -> wanted) <> 'number' THEN
            problem := format('%s claim (%s) must be an integer',
                CASE wanted WHEN 'iat' THEN 'Issued At' WHEN 'nbf' THEN 'Not Before' ELSE 'Expiration Time' END, wanted);
            RETURN;
        END IF;
    END LOOP;
    problem := CASE
        WHEN (claims ->> 'iat')::numeric > now_s + skew THEN 'The token is not yet valid (iat)'
        WHEN (claims ->> 'nbf')::numeric > now_s + skew THEN 'The token is not yet valid (nbf)'
        WHEN (claims ->> 'exp')::numeric <= now_s - skew THEN 'Signature has expired'
        WHEN (claims ->> 'exp')::numeric - (claims ->> 'iat')::numeric > max_lifetime
            THEN format('Token was signed for more than %s seconds', max_lifetime)
        WHEN claims ->> 'iss' IS NULL THEN 'Token is missing the "iss" claim'
        WHEN claims -> 'iss' <> to_jsonb(issuer) THEN 'Invalid issuer'
        WHEN claims ->> 'aud' IS NULL THEN 'Token is missing the "aud" claim'
        WHEN claims -> 'aud' <> to_jsonb(audience)
            AND NOT (jsonb_typeof(claims -> 'aud') = 'array' AND claims -> 'aud' @> to_jsonb(ARRAY[audience])) THEN 'Audience doesn''t match'
        WHEN claims ->> 'sub' IS NULL THEN 'Missing sub field in JWT'
        WHEN jsonb_typeof(claims -> 'sub') <> 'string' THEN 'Subject must be a string'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_check(text, jsonb, text, text, integer) IS
    'Verifies a JSON web token that this key should have signed with RS256. Result: its claims, and why it is not good, NULL if it is. It must have iat, nbf, exp, iss, aud and sub; times may be 30 seconds off. max_lifetime: seconds from iat to exp.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_is_visible(key quay.servicekey, service text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
BEGIN
    RETURN coalesce(key.expiration_date > now_utc - make_interval(secs => quay_internal.setting('expired_service_key_ttl')::integer), true)
        AND (service IS NULL OR key.approval_id IS NOT NULL
             OR key.created_date > now_utc - make_interval(secs => quay_internal.setting('unapproved_service_key_ttl')::integer)
             OR key.expiration_date > now_utc);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_is_visible(quay.servicekey, text) IS
    'Is the key shown? Not if it expired more than quay.expired_service_key_ttl ago, nor, to those who name a service, if it has waited for approval longer than quay.unapproved_service_key_ttl.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_describe(key quay.servicekey, OUT kid text, OUT service text, OUT id bigint, OUT name text,
    OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp, OUT expiration timestamp, OUT rotation_duration integer,
    OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    kid := key.kid;
    service := key.service;
    id := key.id;
    name := key.name;
    jwk := quay_internal.json_read(key.jwk);
    metadata := quay_internal.json_read(key.metadata);
    created := key.created_date;
    expiration := key.expiration_date;
    rotation_duration := key.rotation_duration;
    SELECT lower(split_part(a.approval_type, '.', 2)), u.username, a.approved_date, a.notes
    INTO approval_type, approver, approved, notes
    FROM quay.servicekeyapproval AS a LEFT JOIN quay."user" AS u ON u.id = a.approver_id
    WHERE a.id = key.approval_id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_describe(quay.servicekey) IS 'A service key as the functions of clients return it, with its approval, whose columns are NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_check(service text, kid text, jwk jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN service IS NULL OR service !~ '^[a-z0-9_]{1,255}$'
            THEN format('The service "%s" is not made of lower-case letters, digits and underscores.', left(service, 80))
        WHEN jsonb_typeof(jwk) IS DISTINCT FROM 'object' THEN 'The key is not a JSON object.'
        WHEN jwk ->> 'kty' IS DISTINCT FROM 'RSA' THEN 'The member "kty" of the key is not "RSA".'
        WHEN jwk ?| ARRAY['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'] THEN 'The key has private members, which must not leave their owner.'
        WHEN quay_internal.jwk_thumbprint(jwk ->> 'n', jwk ->> 'e') IS NULL
            THEN 'The members "n" and "e" are not those of an RSA public key of 2048 to 16384 bits.'
        -- The key id is a part of a path, by which notifications are found.
        WHEN kid IS NULL OR kid COLLATE "C" !~ '^[!-.0-~]{1,200}$'
            THEN format('The key id "%s" is not made of at most 200 printable ASCII characters without "/".', left(kid, 80))
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed service key',
            DETAIL = problem,
            HINT = 'Pass the public key as a JSON web key of type RSA (RFC 7517).';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_check(text, text, jsonb) IS 'Refuses (QY077) a malformed service name, key id or JSON web key.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_label_check(name text, metadata jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name COLLATE "C" !~ '^[[:space:]a-zA-Z0-9_:/-]{0,255}$' OR jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed name or metadata of a service key',
            DETAIL = CASE WHEN jsonb_typeof(metadata) <> 'object' THEN 'The metadata are not a JSON object.'
                          ELSE format('The name "%s" is not made of at most 255 letters, digits, blanks and the characters - _ : /.', left(name, 80)) END,
            HINT = 'What the name cannot hold may stand in the metadata.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_label_check(text, jsonb) IS 'Refuses (QY077) a malformed name or malformed metadata of a service key. NULL passes.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_expiration_check(expiration timestamptz) RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a service key must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'Pass NULL for a key that does not expire, or delete the key with quay.service_key_delete().';
    END IF;
    RETURN expiration AT TIME ZONE 'UTC';
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_expiration_check(timestamptz) IS 'The end of a service key as the table holds it. Errors: 22023 not in the future.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_lock(kid text) RETURNS quay.servicekey
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.servicekey;
BEGIN
    SELECT * INTO result FROM quay.servicekey AS k WHERE k.kid = service_key_lock.kid FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY075',
            MESSAGE = 'service key does not exist',
            DETAIL = format('There is no service key "%s".', left(service_key_lock.kid, 80)),
            HINT = 'quay.service_key_list() lists the keys.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_lock(text) IS 'Service key of that id, locked until we commit. Errors: QY075 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_log(kind text, key quay.servicekey, more jsonb, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, NULL, actor_id, NULL,
        jsonb_build_object('kid', key.kid, 'service', key.service, 'name', key.name,
                           'expiration_date', extract(epoch FROM key.expiration_date)::bigint) || more, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_log(text, quay.servicekey, jsonb, bigint, text) IS
    'Adds a row about a service key to the audit log. Times are seconds since 1970.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_notify(key quay.servicekey) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_add('service_key_submitted', u.id,
        jsonb_build_object('name', key.name, 'kid', key.kid, 'service', key.service, 'jwk', key.jwk::jsonb, 'metadata', key.metadata::jsonb,
                           'created_date', extract(epoch FROM key.created_date)::bigint)
        || CASE WHEN key.expiration_date IS NULL THEN '{}'
                ELSE jsonb_build_object('expiration_date', extract(epoch FROM key.expiration_date)::bigint) END,
        format('/service_key_approval/%s/%s', key.kid, u.id))
    FROM quay.superuser AS s JOIN quay."user" AS u ON u.username = s.username
    WHERE s.kind = 'superuser'
    ORDER BY u.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_notify(quay.servicekey) IS 'Tells each superuser that exists that a key waits for approval.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_settle(kid text) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN quay_internal.notification_delete_path('/service_key_approval/' || kid);
COMMENT ON FUNCTION quay_internal.service_key_settle(text) IS
    'Deletes the notifications that a key waits for approval, those of this key and no other, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.service_key_gc(service text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc CONSTANT timestamp := quay_internal.utc_now();
    expired_before CONSTANT timestamp := now_utc - make_interval(secs => quay_internal.setting('expired_service_key_ttl')::integer);
    unapproved_before CONSTANT timestamp := now_utc - make_interval(secs => quay_internal.setting('unapproved_service_key_ttl')::integer);
    gone text[];
BEGIN
    -- What somebody else is just changing stays until the next time.
    WITH stale AS (
        SELECT k.id FROM quay.servicekey AS k
        WHERE (service_key_gc.service IS NULL OR k.service = service_key_gc.service)
          AND (k.expiration_date <= expired_before OR k.approval_id IS NULL AND k.created_date <= unapproved_before)
        FOR UPDATE SKIP LOCKED),
    deleted AS (DELETE FROM quay.servicekey AS k USING stale AS s WHERE k.id = s.id RETURNING k.kid)
    SELECT array_agg(d.kid ORDER BY d.kid) INTO gone FROM deleted AS d;
    PERFORM quay_internal.service_key_settle(g.kid) FROM unnest(gone) AS g (kid);
    RETURN coalesce(cardinality(gone), 0);
END
$$;
COMMENT ON FUNCTION quay.service_key_gc(text) IS
    'Deletes the keys of a service, NULL for all, that expired longer ago than quay.expired_service_key_ttl or have waited for approval longer than quay.unapproved_service_key_ttl, and the notifications about them. Returns how many. Runs by itself whenever a key of the service is made, replaced or deleted.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_insert(kid text, service text, name text, jwk jsonb, metadata jsonb, expiration timestamp,
                                                            rotation_duration integer, approval_id bigint) RETURNS quay.servicekey
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    result quay.servicekey;
BEGIN
    IF service_key_insert.rotation_duration < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'rotation duration must not be negative',
            DETAIL = format('It is %s seconds.', service_key_insert.rotation_duration),
            HINT = 'Pass seconds, or NULL for a key that is not rotated.';
    END IF;
    PERFORM quay_internal.service_key_check(service_key_insert.service, service_key_insert.kid, service_key_insert.jwk);
    PERFORM quay_internal.service_key_label_check(service_key_insert.name, service_key_insert.metadata);
    PERFORM quay.service_key_gc(service_key_insert.service);
    INSERT INTO quay.servicekey (name, kid, service, jwk, metadata, created_date, expiration_date, rotation_duration, approval_id)
    VALUES (service_key_insert.name, service_key_insert.kid, service_key_insert.service, service_key_insert.jwk::text,
            service_key_insert.metadata::text, quay_internal.utc_now(), service_key_insert.expiration, service_key_insert.rotation_duration,
            service_key_insert.approval_id)
    ON CONFLICT (kid) DO NOTHING
    RETURNING * INTO result;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'service key exists already',
            DETAIL = format('There is a key "%s" already.', service_key_insert.kid),
            HINT = 'Use another key id; the thumbprint of the key is a good one.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_insert(text, text, text, jsonb, jsonb, timestamp, integer, bigint) IS
    'Adds a service key, after the stale ones of its service are removed. Errors: QY006 kid taken, QY077 malformed, 22023 negative rotation_duration.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_approve(key quay.servicekey, approval_type text, notes text, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    IF approval_type IS NULL OR approval_type NOT IN ('superuser', 'key_rotation', 'automatic') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of approval',
            DETAIL = format('"%s" is none.', left(approval_type, 80)),
            HINT = 'Use superuser, key_rotation or automatic.';
    END IF;
    INSERT INTO quay.servicekeyapproval (approver_id, approval_type, approved_date, notes)
    VALUES (service_key_approve.actor_id, 'ServiceKeyApprovalType.' || upper(service_key_approve.approval_type), quay_internal.utc_now(),
            coalesce(service_key_approve.notes, ''))
    RETURNING id INTO new_id;
    UPDATE quay.servicekey AS k SET approval_id = new_id WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    PERFORM quay_internal.service_key_log('service_key_approve', key, '{}', actor_id, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_approve(quay.servicekey, text, text, bigint, text) IS
    'Approves a key that waits for it, settles the notifications and logs it. Errors: QY009 unknown kind of approval.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_add(kid text, service text, name text, jwk jsonb, metadata jsonb, expiration timestamptz,
                                                         rotation_duration integer, approval_type text, notes text, log_more jsonb,
                                                         actor_id bigint, ip text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key quay.servicekey := quay_internal.service_key_insert(kid, service, coalesce(name, ''), jwk, coalesce(metadata, '{}'),
        quay_internal.service_key_expiration_check(expiration), rotation_duration, NULL);
BEGIN
    PERFORM quay_internal.service_key_log('service_key_create', key, log_more, actor_id, ip);
    IF approval_type IS NULL THEN
        PERFORM quay_internal.service_key_notify(key);
    ELSE
        PERFORM quay_internal.service_key_approve(key, approval_type, notes, actor_id, ip);
    END IF;
    RETURN key.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_add(text, text, text, jsonb, jsonb, timestamptz, integer, text, text, jsonb, bigint, text) IS
    'Adds a service key and approves it or tells the superusers; what service_key_create() and service_key_generate() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_create(service text, kid text, jwk jsonb, name text DEFAULT '', metadata jsonb DEFAULT '{}',
                                                   expiration timestamptz DEFAULT NULL, rotation_duration integer DEFAULT NULL,
                                                   approval_type text DEFAULT NULL, notes text DEFAULT '',
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_create.actor);
BEGIN
    RETURN quay_internal.service_key_add(coalesce(kid, quay_internal.jwk_thumbprint(jwk ->> 'n', jwk ->> 'e'), ''), service, name, jwk, metadata,
        expiration, rotation_duration, approval_type, notes, jsonb_build_object('preshared', false), performer_id, service_key_create.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_create(text, text, jsonb, text, jsonb, timestamptz, integer, text, text, text, text) IS
    'Adds the public key (RSA, JSON web key) of a service and returns its row id. A NULL kid is its thumbprint. It signs nothing before it is approved: each superuser is notified, unless approval_type (superuser, key_rotation, automatic) approves it at once, with actor as approver. rotation_duration, seconds, is only stored. Errors: QY006 kid taken, QY007 actor unknown, QY009 unknown kind of approval, QY077 malformed service, kid, name, key or metadata, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_generate(INOUT service text, INOUT kid text DEFAULT NULL, IN name text DEFAULT '',
                                                     IN metadata jsonb DEFAULT '{}', IN expiration timestamptz DEFAULT NULL,
                                                     IN rotation_duration integer DEFAULT NULL, IN approval_type text DEFAULT NULL,
                                                     IN notes text DEFAULT '', IN actor text DEFAULT NULL, IN ip text DEFAULT NULL,
                                                     OUT id bigint, OUT private_key text, OUT jwk jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_generate.actor);
    pair record;
BEGIN
    SELECT g.private_key, g.n, g.e INTO pair FROM quay_internal.rsa_key_generate() AS g;
    kid := coalesce(kid, quay_internal.jwk_thumbprint(pair.n, pair.e));
    jwk := jsonb_build_object('kty', 'RSA', 'kid', kid, 'n', pair.n, 'e', pair.e);
    private_key := pair.private_key;
    id := quay_internal.service_key_add(kid, service, name, jwk, metadata, expiration, rotation_duration, approval_type, notes,
        jsonb_build_object('preshared', true, 'auto_approved', approval_type IS NOT NULL), performer_id, service_key_generate.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_generate(text, text, text, jsonb, timestamptz, integer, text, text, text, text) IS
    'Makes an RSA key of 2048 bits for a service, adds the public key as service_key_create() does, and returns the private key as PEM: it is stored nowhere and never shown again. A NULL kid is the thumbprint (RFC 7638). Takes some tenths of a second. Errors: as for service_key_create().';

CREATE OR REPLACE FUNCTION quay.service_key_approve(kid text, notes text DEFAULT '', approval_type text DEFAULT 'superuser',
                                                    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_approve.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
BEGIN
    IF key.approval_id IS NOT NULL THEN
        RETURN 'already approved';
    END IF;
    IF key.expiration_date <= quay_internal.utc_now() THEN
        RAISE EXCEPTION USING ERRCODE = 'QY076',
            MESSAGE = 'service key has expired',
            DETAIL = format('The key "%s" expired at %s UTC.', key.kid, key.expiration_date),
            HINT = 'Give it another expiration with quay.service_key_set_expiration() first.';
    END IF;
    PERFORM quay_internal.service_key_approve(key, approval_type, notes, performer_id, service_key_approve.ip);
    RETURN 'approved';
END
$$;
COMMENT ON FUNCTION quay.service_key_approve(text, text, text, text, text) IS
    'Lets a service key sign. approval_type: superuser, key_rotation or automatic; actor is the approver. Removes the notifications about it. Result: approved, or already approved, which changes nothing. Errors: QY007 actor unknown, QY009 unknown kind of approval, QY075 key unknown, QY076 expired.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_replace(key quay.servicekey, kid text, jwk jsonb, metadata jsonb, expiration timestamptz,
                                                             log_more jsonb, actor_id bigint, ip text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_key quay.servicekey := quay_internal.service_key_insert(kid, key.service, key.name, jwk,
        coalesce(quay_internal.json_read(key.metadata), '{}') || coalesce(service_key_replace.metadata, '{}'), quay_internal.service_key_expiration_check(expiration),
        key.rotation_duration, key.approval_id);
BEGIN
    DELETE FROM quay.servicekey AS k WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    IF new_key.approval_id IS NULL THEN
        PERFORM quay_internal.service_key_notify(new_key);
    END IF;
    PERFORM quay_internal.service_key_log('service_key_rotate', new_key, jsonb_build_object('signer_kid', key.kid) || log_more, actor_id, ip);
    RETURN new_key.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_replace(quay.servicekey, text, jsonb, jsonb, timestamptz, jsonb, bigint, text) IS
    'Puts a new key in the place of a locked one; what service_key_replace() and service_key_publish() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_replace(old_kid text, kid text, jwk jsonb, metadata jsonb DEFAULT '{}', expiration timestamptz DEFAULT NULL,
                                                    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_replace.actor);
BEGIN
    RETURN quay_internal.service_key_replace(quay_internal.service_key_lock(old_kid), kid, jwk, metadata, expiration, '{}', performer_id,
        service_key_replace.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_replace(text, text, jsonb, jsonb, timestamptz, text, text) IS
    'Replaces a service key by another and returns the row id of that. It inherits service, name, rotation_duration, approval and metadata, over which the new metadata go key by key. The old key is deleted with the notifications about it; superusers are notified of the new one if it still waits for approval. Errors: QY006 kid taken, QY007 actor unknown, QY075 old key unknown, QY077 malformed, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_update(kid text, name text DEFAULT NULL, metadata jsonb DEFAULT NULL,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_update.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
BEGIN
    PERFORM quay_internal.service_key_label_check(service_key_update.name, service_key_update.metadata);
    UPDATE quay.servicekey AS k
    SET name = coalesce(service_key_update.name, k.name),
        metadata = (coalesce(quay_internal.json_read(k.metadata), '{}') || coalesce(service_key_update.metadata, '{}'))::text
    WHERE k.id = key.id
    RETURNING k.* INTO key;
    PERFORM quay_internal.service_key_log('service_key_modify', key, '{}', performer_id, service_key_update.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_update(text, text, jsonb, text, text) IS
    'Changes the name of a service key, or its metadata, over which those given go key by key. NULL leaves them. Errors: QY007 actor unknown, QY075 key unknown, QY077 malformed name or metadata.';

CREATE OR REPLACE FUNCTION quay.service_key_set_expiration(kid text, expiration timestamptz, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_set_expiration.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
    old_expiration CONSTANT timestamp := key.expiration_date;
BEGIN
    UPDATE quay.servicekey AS k SET expiration_date = quay_internal.service_key_expiration_check(expiration)
    WHERE k.id = key.id
    RETURNING k.* INTO key;
    -- A service that renews its own key each hour would fill the log.
    IF performer_id IS NOT NULL THEN
        PERFORM quay_internal.service_key_log('service_key_extend', key,
            jsonb_build_object('old_expiration_date', extract(epoch FROM old_expiration)::bigint), performer_id, service_key_set_expiration.ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.service_key_set_expiration(text, timestamptz, text, text) IS
    'Sets when a service key expires, in whatever state it is; NULL: never. Logged if there is an actor: a service that renews its own key passes none. Errors: QY007 actor unknown, QY075 key unknown, 22023 not in the future.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_delete(key quay.servicekey, log_more jsonb, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.servicekey AS k WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    PERFORM quay.service_key_gc(key.service);
    PERFORM quay_internal.service_key_log('service_key_delete', key,
        jsonb_build_object('created_date', extract(epoch FROM key.created_date)::bigint) || log_more, actor_id, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_delete(quay.servicekey, jsonb, bigint, text) IS
    'Deletes a locked service key; what service_key_delete() and service_key_withdraw() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_delete(kid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_delete.actor);
BEGIN
    PERFORM quay_internal.service_key_delete(quay_internal.service_key_lock(kid), '{}', performer_id, service_key_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_delete(text, text, text) IS
    'Deletes a service key: from the commit on, tokens that it signed are refused. The notifications about it go too. Errors: QY007 actor unknown, QY075 key unknown.';

CREATE OR REPLACE FUNCTION quay.service_key_list(INOUT service text DEFAULT NULL, IN usable_only boolean DEFAULT false, IN after text DEFAULT NULL,
    IN n integer DEFAULT 100, OUT kid text, OUT id bigint, OUT name text, OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp,
    OUT expiration timestamp, OUT rotation_duration integer, OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc CONSTANT timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
    SELECT d.service, d.kid, d.id, d.name, d.jwk, d.metadata, d.created, d.expiration, d.rotation_duration, d.approval_type, d.approver,
           d.approved, d.notes
    FROM (SELECT k FROM quay.servicekey AS k
          WHERE (service_key_list.service IS NULL OR k.service = service_key_list.service)
            AND (service_key_list.after IS NULL OR k.kid > service_key_list.after)
            AND (NOT coalesce(usable_only, false) OR k.approval_id IS NOT NULL AND coalesce(k.expiration_date > now_utc, true))
            AND quay_internal.service_key_is_visible(k, service_key_list.service)
          ORDER BY k.kid
          LIMIT quay_internal.page_size(n)) AS page
    CROSS JOIN LATERAL quay_internal.service_key_describe(page.k) AS d
    ORDER BY d.kid COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.service_key_list(text, boolean, text, integer) IS
    'Service keys in the order of kid, of one service or, with NULL, of all. usable_only: approved and not expired, which is what a service may know. Keys that are stale (see service_key_gc()) are not shown. approved: when it was, NULL if it waits. after: last kid of the page before. Errors: 22023 negative n.';

CREATE OR REPLACE FUNCTION quay.service_key_get(INOUT kid text, INOUT service text DEFAULT NULL, IN alive_only boolean DEFAULT true,
    IN approved_only boolean DEFAULT true, OUT id bigint, OUT name text, OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp,
    OUT expiration timestamp, OUT rotation_duration integer, OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT d.kid, d.service, d.id, d.name, d.jwk, d.metadata, d.created, d.expiration, d.rotation_duration, d.approval_type, d.approver,
           d.approved, d.notes
    FROM quay.servicekey AS k
    CROSS JOIN LATERAL quay_internal.service_key_describe(k) AS d
    WHERE k.kid = service_key_get.kid
      AND (service_key_get.service IS NULL OR k.service = service_key_get.service)
      AND (NOT coalesce(approved_only, false) OR k.approval_id IS NOT NULL)
      AND (NOT coalesce(alive_only, false) OR coalesce(k.expiration_date > quay_internal.utc_now(), true))
      AND quay_internal.service_key_is_visible(k, service_key_get.service);
END
$$;
COMMENT ON FUNCTION quay.service_key_get(text, text, boolean, boolean) IS
    'Service key of that kid, no row if there is none, or if it is not approved, has expired, is stale or belongs to another service.';

CREATE OR REPLACE FUNCTION quay.service_key_fetch(service text, kid text)
    RETURNS TABLE (status text, jwk jsonb, max_age integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key record;
    remaining numeric;
BEGIN
    SELECT g.* INTO key FROM quay.service_key_get(service_key_fetch.kid, coalesce(service_key_fetch.service, ''), false, false) AS g;
    remaining := extract(epoch FROM key.expiration - quay_internal.utc_now());
    status := CASE
        WHEN key.id IS NULL THEN 'unknown'
        WHEN key.approved IS NULL THEN 'unapproved'
        WHEN remaining <= 0 THEN 'expired'
        ELSE 'ok'
    END;
    IF status = 'ok' THEN
        jwk := key.jwk;
        max_age := floor(least(86400, remaining));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_fetch(text, text) IS
    'What a key server answers to a service that wants a public key. status: ok (200) with the key and for how many seconds it may be cached, unknown (404), unapproved (409), expired (403).';

CREATE OR REPLACE FUNCTION quay_internal.key_server_audience() RETURNS text
    LANGUAGE sql STABLE
    RETURN quay_internal.setting('url_scheme') || '://' || quay_internal.setting('server_hostname');
COMMENT ON FUNCTION quay_internal.key_server_audience() IS 'Audience of the tokens with which services publish and withdraw their keys: the URL of the registry.';

CREATE OR REPLACE FUNCTION quay.service_key_publish(service text, kid text, jwk jsonb, token text, expiration timestamptz DEFAULT NULL,
                                                    rotation_duration integer DEFAULT NULL, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (status text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signer_kid CONSTANT text := coalesce(quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'kid', service_key_publish.kid);
    log_more CONSTANT jsonb := jsonb_build_object('user_agent', user_agent, 'ip', service_key_publish.ip);
    -- A service that signs with the key itself asks for approval; one that signs with an approved key vouches for the new one.
    is_new CONSTANT boolean := signer_kid IS NOT DISTINCT FROM service_key_publish.kid;
    signer quay.servicekey;
BEGIN
    PERFORM quay_internal.service_key_check(service, service_key_publish.kid, service_key_publish.jwk);
    IF NOT is_new THEN
        SELECT * INTO signer FROM quay.servicekey AS k
        WHERE k.kid = signer_kid AND k.service = service_key_publish.service AND k.approval_id IS NOT NULL
          AND coalesce(k.expiration_date > quay_internal.utc_now(), true)
        FOR UPDATE;
        IF NOT FOUND THEN
            status := 'refused';
            error := 'Unknown service key';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT c.problem INTO error
    FROM quay_internal.jwt_check(token, CASE WHEN is_new THEN service_key_publish.jwk ELSE quay_internal.json_read(signer.jwk) END,
                                 service, quay_internal.key_server_audience()) AS c;
    IF error IS NOT NULL THEN
        status := 'invalid';
    ELSIF is_new THEN
        PERFORM quay_internal.service_key_add(service_key_publish.kid, service, '', service_key_publish.jwk,
            jsonb_build_object('ip', service_key_publish.ip), expiration, rotation_duration, NULL, NULL,
            log_more || jsonb_build_object('preshared', false), NULL, service_key_publish.ip);
        status := 'submitted';
    ELSE
        PERFORM quay_internal.service_key_replace(signer, service_key_publish.kid, service_key_publish.jwk,
            jsonb_build_object('ip', service_key_publish.ip, 'created_by', 'Key Rotation'), expiration, log_more, NULL, service_key_publish.ip);
        status := 'rotated';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_publish(text, text, jsonb, text, timestamptz, integer, text, text) IS
    'What a key server does when a service sends it a public key with a token: issuer the service, audience the URL of the registry, signed with the key itself or with the approved key that it replaces. status: submitted (202), now waiting for approval; rotated (200), with the approval of the signing key, which is deleted; refused (403), the signing key is unknown, not approved, expired or of another service; invalid (400), error says why. Errors: QY006 kid taken, QY077 malformed service, kid or key, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_withdraw(service text, kid text, token text, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (status text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signer_kid CONSTANT text := quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'kid';
    signer quay.servicekey;
    key quay.servicekey;
BEGIN
    SELECT * INTO key FROM quay.servicekey AS k
    WHERE k.kid = service_key_withdraw.kid AND k.service = service_key_withdraw.service FOR UPDATE;
    SELECT * INTO signer FROM quay.servicekey AS k
    WHERE k.kid = signer_kid AND k.service = service_key_withdraw.service
      AND (k.approval_id IS NOT NULL OR k.kid = service_key_withdraw.kid)
      AND coalesce(k.expiration_date > quay_internal.utc_now(), true);
    SELECT c.problem INTO error
    FROM quay_internal.jwt_check(token, quay_internal.json_read(signer.jwk), service, quay_internal.key_server_audience()) AS c;
    status := CASE
        WHEN signer_kid IS NULL THEN 'invalid'
        WHEN signer.id IS NULL THEN 'refused'
        WHEN error IS NOT NULL THEN 'invalid'
        WHEN key.id IS NULL THEN 'unknown'
        ELSE 'deleted'
    END;
    error := CASE
        WHEN signer_kid IS NULL THEN 'Missing kid header'
        WHEN signer.id IS NULL THEN 'Unknown service key'
        ELSE error
    END;
    IF status = 'deleted' THEN
        PERFORM quay_internal.service_key_delete(key,
            jsonb_build_object('signer_kid', signer.kid, 'user_agent', user_agent, 'ip', service_key_withdraw.ip), NULL, service_key_withdraw.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_withdraw(text, text, text, text, text) IS
    'What a key server does when a service deletes a public key with a token that this key signed, or an approved one of the service (see service_key_publish()). status: deleted (204); refused (403), the signing key is unknown, not approved, expired or of another service; invalid (400), error says why; unknown (404), no such key.';

-- Tokens of the registry.

CREATE OR REPLACE FUNCTION quay_internal.jwt_scopes(access jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry jsonb;
    path text;
    actions text;
    scopes text[] := ARRAY[]::text[];
BEGIN
    -- This is what the reference writes into the token of a robot, which grants nothing.
    IF access = '{}' THEN
        RETURN '';
    END IF;
    IF jsonb_typeof(access) <> 'array' THEN
        RETURN NULL;
    END IF;
    FOR entry IN SELECT a.entry FROM jsonb_array_elements(access) AS a (entry) LOOP
        path := entry ->> 'name';
        IF position('/' IN path) = 0 AND quay_internal.setting('library_support')::boolean THEN
            path := quay_internal.setting('library_namespace') || '/' || path;
        END IF;
        -- A path with a separator in it could be read as another scope.
        IF (entry -> 'type' = '"repository"' AND jsonb_typeof(entry -> 'name') = 'string' AND path ~ '^[^\s,:/]+/[^\s,:]+$'
            AND jsonb_typeof(entry -> 'actions') = 'array' AND entry -> 'actions' <@ '["pull", "push", "*"]') IS NOT TRUE THEN
            RETURN NULL;
        END IF;
        actions := CASE
            WHEN entry -> 'actions' ? '*' THEN 'pull,push,*'
            WHEN entry -> 'actions' ? 'push' THEN 'pull,push'
            WHEN entry -> 'actions' ? 'pull' THEN 'pull'
        END;
        IF actions IS NOT NULL THEN
            scopes := scopes || format('repository:%s:%s', path, actions);
        END IF;
    END LOOP;
    RETURN array_to_string(scopes, ' ');
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_scopes(jsonb) IS
    'The access list of a registry token as scopes, NULL if it is malformed. Each entry gives one scope: pull,push,* for any list with *, pull,push for one with push, pull for one with pull, none for an empty one.';

CREATE OR REPLACE FUNCTION quay.jwt_verify(token text, audience text DEFAULT NULL)
    RETURNS TABLE (subject text, access jsonb, context jsonb, scopes text, error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    issuer CONSTANT text := quay_internal.setting('instance_service_key_service');
    wanted_audience CONSTANT text := coalesce(audience, quay_internal.setting('server_hostname'));
    header CONSTANT jsonb := quay_internal.json_read(quay_internal.jwt_header(token));
    key_jwk text;
    checked record;
BEGIN
    SELECT k.jwk INTO key_jwk FROM quay.servicekey AS k
    WHERE k.kid = header ->> 'kid' AND k.service = issuer AND k.approval_id IS NOT NULL
      AND coalesce(k.expiration_date > quay_internal.utc_now(), true);
    error := CASE
        WHEN jsonb_typeof(header) IS DISTINCT FROM 'object' THEN 'Invalid token'
        WHEN header ->> 'kid' IS NULL THEN 'Missing kid header'
        WHEN key_jwk IS NULL THEN 'Unknown service key'
        WHEN wanted_audience = '' THEN 'The setting quay.server_hostname is empty'
    END;
    IF error IS NULL THEN
        SELECT c.claims, c.problem INTO checked
        FROM quay_internal.jwt_check(token, quay_internal.json_read(key_jwk), issuer, wanted_audience,
                                     quay_internal.setting('registry_jwt_max_fresh')::integer) AS c;
        error := checked.problem;
    END IF;
    IF error IS NULL THEN
        access := coalesce(checked.claims -> 'access', '[]');
        scopes := quay_internal.jwt_scopes(access);
        IF scopes IS NULL THEN
            access := NULL;
            error := 'Token contained invalid or malformed access grants';
        ELSE
            subject := checked.claims ->> 'sub';
            context := checked.claims -> 'context';
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.jwt_verify(text, text) IS
    'Verifies a token of the registry (RS256), one row. Good ones were signed by an approved key, that has not expired, of the service quay.instance_service_key_service, which is also their issuer; are for audience, by default quay.server_hostname; live no longer than quay.registry_jwt_max_fresh; clocks may be 30 seconds apart. subject: whom it is for, "(anonymous)" if nobody. scopes: what access lists, for quay.access_check(actor => NULL, scopes => …); the empty string lets nothing through. error: why it is not good, NULL if it is; all else is NULL then.';

CREATE OR REPLACE FUNCTION quay_internal.robot_jwt_problem(robot text, jwt text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    verified record;
BEGIN
    SELECT v.subject, v.error INTO verified FROM quay.jwt_verify(jwt) AS v;
    RETURN coalesce(verified.error, CASE WHEN verified.subject IS DISTINCT FROM robot THEN 'Token does not match robot' END);
END
$$;
COMMENT ON FUNCTION quay_internal.robot_jwt_problem(text, text) IS
    'Why a token of the registry does not log this robot in, NULL if it does: see jwt_verify(); its subject must be the full name of the robot.';

-- @part step api/159_bootstrap_token.sql
-- The bootstrap token, with which machines set up the registry: an OAuth token of an application of a superuser. Its data mark it as such;
-- other tokens of the application are ordinary ones.

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_is_marked(data text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(quay_internal.json_read(data) ->> 'kind' = 'bootstrap', false);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_is_marked(text) IS 'Do the data of an OAuth token say that it is a bootstrap token? Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_owner(OUT account quay."user", OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_name text := quay_internal.setting('bootstrap_token_owner');
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = owner_name AND NOT u.robot AND NOT u.organization;
    problem := CASE
        WHEN NOT quay_internal.setting('bootstrap')::boolean THEN 'The setting quay.bootstrap is off.'
        WHEN owner_name = '' THEN 'The setting quay.bootstrap_token_owner is empty.'
        WHEN account.id IS NULL THEN format('There is no person named "%s".', left(owner_name, 80))
        WHEN NOT account.enabled THEN format('"%s" was disabled by an administrator.', account.username)
        WHEN quay.superuser_kind(account.username) IS DISTINCT FROM 'superuser' THEN format('"%s" is not a superuser.', account.username)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_owner() IS 'The person whom the settings make the owner of the bootstrap token, and why there can be none, as a sentence.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_applications(owner_id bigint DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT a.id FROM quay.oauthapplication AS a
                 WHERE a.name = '__quay_bootstrap_app' AND (bootstrap_applications.owner_id IS NULL OR a.organization_id = owner_id)
                   AND EXISTS (SELECT FROM quay.oauthaccesstoken AS t
                               WHERE t.application_id = a.id AND quay_internal.bootstrap_is_marked(t.data))
                 ORDER BY a.id DESC);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_applications(bigint) IS
    'Applications of that name that have a bootstrap token, of a namespace or all, newest first. The newest of the owner is the one that counts.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_problem(token quay.oauthaccesstoken, expired_too boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record := quay_internal.bootstrap_owner();
BEGIN
    RETURN CASE
        WHEN owner.problem IS NOT NULL THEN owner.problem
        WHEN bootstrap_token_problem.token.id IS NULL OR NOT quay_internal.bootstrap_is_marked(bootstrap_token_problem.token.data)
             OR bootstrap_token_problem.token.authorized_user_id <> (owner.account).id
             OR (quay_internal.bootstrap_applications((owner.account).id))[1] IS DISTINCT FROM bootstrap_token_problem.token.application_id
            THEN 'It is not the bootstrap token.'
        WHEN bootstrap_token_problem.token.expires_at <= quay_internal.utc_now() AND NOT coalesce(expired_too, false)
            THEN 'The bootstrap token has expired.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_problem(quay.oauthaccesstoken, boolean) IS
    'Why the row is not a bootstrap token that may be used, as a sentence; NULL if it is.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_insert(application_id bigint, owner quay."user", ip text,
    OUT token text, OUT token_uuid text, OUT scopes text, OUT expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication;
    added record;
BEGIN
    scopes := quay.oauth_scope_normalize(quay_internal.setting('bootstrap_token_scope'));
    added := quay_internal.oauth_token_insert(bootstrap_token_insert.application_id, owner.id, scopes,
        quay_internal.setting('bootstrap_token_expiration')::integer,
        jsonb_build_object('kind', 'bootstrap', 'owner', owner.username, 'application_name', '__quay_bootstrap_app', 'username', owner.username));
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.application_id = bootstrap_token_insert.application_id AND t.id <> added.token_id AND quay_internal.bootstrap_is_marked(t.data);
    SELECT * INTO target FROM quay.oauthapplication AS a WHERE a.id = bootstrap_token_insert.application_id;
    PERFORM quay_internal.oauth_application_log('create_oauth_api_token', target, owner.username, bootstrap_token_insert.ip,
        jsonb_build_object('token_uuid', added.uuid, 'username', owner.username, 'scope', scopes, 'kind', 'bootstrap'));
    token := added.token;
    token_uuid := added.uuid;
    expires_at := added.expires_at;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_insert(bigint, quay."user", text) IS
    'Makes a new bootstrap token in the application, and deletes the others that it has. Errors: QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_lock() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The key that the reference application takes.
    PERFORM pg_advisory_xact_lock(2468769807656562489);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_lock() IS 'One transaction at a time makes bootstrap tokens.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_check(token text, local boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.bootstrap_token_problem((quay_internal.oauth_token_match(bootstrap_token_check.token)).token, local);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_check(text, boolean) IS
    'Why this is not the bootstrap token, as a sentence; NULL if it is. local: the request comes from the machine itself, so the token may have expired.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_ensure(given_token text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token text, is_new boolean, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
    known quay.oauthaccesstoken;
    application_id bigint;
    added record;
BEGIN
    IF NOT quay_internal.can_write() THEN
        RETURN;
    END IF;
    PERFORM quay_internal.bootstrap_lock();
    IF NOT quay_internal.setting('bootstrap')::boolean THEN
        PERFORM quay_internal.oauth_application_drop(quay_internal.bootstrap_applications());
        RETURN;
    END IF;
    owner := quay_internal.bootstrap_owner();
    IF owner.problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'there cannot be a bootstrap token',
            DETAIL = owner.problem,
            HINT = 'Set quay.bootstrap_token_owner to a person who is a superuser of the registry.';
    END IF;

    -- The newest application of the owner counts; all others, also of earlier owners, are left-overs.
    application_id := (quay_internal.bootstrap_applications((owner.account).id))[1];
    PERFORM quay_internal.oauth_application_drop(array_remove(quay_internal.bootstrap_applications(), application_id));
    IF given_token IS NOT NULL THEN
        known := (quay_internal.oauth_token_match(given_token)).token;
        IF quay_internal.bootstrap_token_problem(known, false) IS NULL THEN
            RETURN QUERY VALUES (given_token, false, known.uuid::text, known.scope::text, known.expires_at);
            RETURN;
        END IF;
    END IF;
    IF application_id IS NULL THEN
        application_id := (quay_internal.oauth_application_insert((owner.account).id, '__quay_bootstrap_app', '', '', '', NULL,
            quay_internal.token_random(20), quay_internal.token_random(40))).id;
    END IF;
    added := quay_internal.bootstrap_token_insert(application_id, owner.account, ip);
    RETURN QUERY VALUES (added.token, true, added.token_uuid, added.scopes, added.expires_at);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_ensure(text, text) IS
'For the start of the registry: sees to it that there is a bootstrap token, and one only.

given_token: the one in the client''s file, NULL if there is no file. If it is good, it is kept, and is_new is false. Otherwise a new one is made, and the client writes it to the file before it commits: if that fails, it rolls back.
Applications with bootstrap tokens of former owners, and all but the newest of the owner, are deleted. With quay.bootstrap off all are deleted, and there is no row; nor if the transaction is read-only, where nothing is done.
Errors: QY015 quay.bootstrap_token_owner is not an enabled superuser, QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_renew(given_token text, local boolean DEFAULT false, ip text DEFAULT NULL)
    RETURNS TABLE (error text, token text, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known quay.oauthaccesstoken := (quay_internal.oauth_token_match(given_token)).token;
    owner record;
    added record;
BEGIN
    -- Before the lock, so that nobody can keep it busy with guesses, and behind it, since another call may have renewed the token meanwhile.
    error := quay_internal.bootstrap_token_problem(known, local);
    IF error IS NULL THEN
        PERFORM quay_internal.bootstrap_lock();
        SELECT * INTO known FROM quay.oauthaccesstoken AS t WHERE t.id = known.id FOR UPDATE;
        error := quay_internal.bootstrap_token_problem(known, local);
    END IF;
    IF error IS NULL THEN
        owner := quay_internal.bootstrap_owner();
        added := quay_internal.bootstrap_token_insert(known.application_id, owner.account, ip);
        token := added.token;
        token_uuid := added.token_uuid;
        scopes := added.scopes;
        expires_at := added.expires_at;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_renew(text, boolean, text) IS
'Replaces the bootstrap token by a new one. Always one row. Of two calls at once one succeeds.

local: the request comes from the machine itself, so the token may have expired. error: why it is refused, as a sentence; NULL if it is not. The old token is void once the transaction commits; the client writes the new one to its file before, and rolls back if that fails. Other tokens of the application stay.
Errors: QY072 quay.bootstrap_token_scope is invalid.';

-- @part step api/160_access.sql
-- Who may do what. All of it is C (src/auth): one call makes many look-ups. access_check and access_explain walk the same rules.

CREATE OR REPLACE FUNCTION quay.access_check(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check';
COMMENT ON FUNCTION quay.access_check(text, text, text, text, text) IS
'May the actor do this in the repository? Always true or false.

action: read, write or admin; each includes what stands before it.
actor: a user or a robot. NULL is anonymous, and so count names that are unknown, disabled or an organization, and robots whose owner is disabled or unknown.
scopes: those of the credential, one blank or one comma between them; NULL is a direct login. repo:read, repo:write and repo:admin let through the right of that name; repo:create, org:admin, user:read, user:admin and super:user let no right on a repository through. "repository:namespace/name:pull,push,*", the form of registry tokens, lets through read, write and admin for that repository; without an actor it is the right itself. Scopes that are empty or hold an unknown one make the actor anonymous.

Nobody: a namespace that is disabled, a repository marked for deletion; to write into one that is read-only, or into a mirror unless the actor is its robot; to write into one''s own namespace with quay.restricted_users, unless listed in quay.unrestricted_user or a superuser.
Rights: owner of the namespace, admin; member of an admin team of the organization, admin; rows of repositorypermission for the actor or a team of his, their role. These are limited by the scopes.
read besides: a public repository, for anonymous only with quay.anonymous_access; a superuser of kind readonly, with any scopes.
All besides: a superuser, with quay.superusers and quay.superusers_full_access, and a direct login or the scope super:user.

A repository that does not exist, or is NULL, is decided by the rules that need none, so that one can ask before creating it; those of superusers need no namespace either. What a session has found out it remembers until a right changes; a change counts as soon as it is committed.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 6 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain';
COMMENT ON FUNCTION quay.access_explain(text, text, text, text, text) IS
'Why access_check() with the same arguments answers as it does: the rules that were looked at, in order, up to the one that decided.

rule: namespace, state, public, token, actor, scopes, mirror, restricted user, own namespace, user permission, team permission, organization team, readonly superuser, superuser, no rule grants. Rules that have nothing to say about the actor are left out.
grants: none, read, write or admin, before the scopes. scope_cap: the most that the scopes let through; NULL where they do not matter.
decided: true in the last row only. The answer was yes if that row grants anything, no if it grants none.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_check_namespace(actor text, namespace text, action text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_access_check_namespace';
COMMENT ON FUNCTION quay.access_check_namespace(text, text, text, text) IS
'May the actor do this in the namespace? Always true or false.

action: member (see what members see), create (repositories) or admin; each includes what stands before it.
Rights: one''s own namespace, admin; teams of the organization, their role. Scopes limit them: repo:create to create, org:admin to admin; others let nothing through. A superuser, with quay.superusers and quay.superusers_full_access, and a direct login or the scope super:user, may everything, even in a namespace that does not exist. Nobody: a namespace that is disabled.
actor, scopes: as for access_check().
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain_namespace(actor text, namespace text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 5 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain_namespace';
COMMENT ON FUNCTION quay.access_explain_namespace(text, text, text, text) IS
'Why access_check_namespace() with the same arguments answers as it does. rule: namespace, actor, scopes, own namespace, organization team, superuser, no rule grants. The columns are those of access_explain(). Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_check_team(actor text, organization text, team text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_access_check_team';
COMMENT ON FUNCTION quay.access_check_team(text, text, text, text) IS
    'May the actor see the team and its members? Members of the team may, with a scope that lets a role in the namespace through, and whoever administers the organization. Always true or false. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.access_check_user(actor text, username text, action text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check_user';
COMMENT ON FUNCTION quay.access_check_user(text, text, text, text) IS
    'May the actor read or admin the account of this user? Only his own, with a direct login or the scope user:read or user:admin. Always true or false. action: read or admin. actor, scopes: as for access_check(). Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.superuser_kind(actor text, scopes text DEFAULT NULL) RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_superuser_kind';
COMMENT ON FUNCTION quay.superuser_kind(text, text) IS
    'Is the actor a superuser of the registry? superuser, with a direct login or the scope super:user and the setting quay.superusers; readonly, with any scopes; NULL: no. The table quay.superuser lists them. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.access_filter_many(actor text, repository_ids bigint[], action text DEFAULT 'read', scopes text DEFAULT NULL)
    RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'quay_access_filter_many';
COMMENT ON FUNCTION quay.access_filter_many(text, bigint[], text, text) IS
    'Those of these repositories in which the actor may do this, in the order given: what access_check() answers with true, for all of them at once. Ids that are NULL or unknown are left out. NULL repositories give NULL. Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_level_many(actor text, repository_ids bigint[], scopes text DEFAULT NULL) RETURNS integer[]
    LANGUAGE C STABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'quay_access_level_many';
COMMENT ON FUNCTION quay.access_level_many(text, bigint[], text) IS
    'What the actor may do in each of these repositories, in the order given, as a sum of 1 (read), 2 (write) and 4 (admin): what access_check() answers, for all of them at once. 0 for ids that are NULL or unknown. NULL repositories give NULL.';

-- @part step api/164_registry_authorize.sql
-- What a registry token may do: the decision about one requested scope, with the repository that a push creates.

CREATE OR REPLACE FUNCTION quay.user_is_restricted(username text, external boolean DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF username IS NULL OR NOT quay_internal.setting('restricted_users')::boolean
       OR EXISTS (SELECT FROM quay.unrestricted_user AS f WHERE f.username = split_part(user_is_restricted.username, '+', 1)) THEN
        RETURN false;
    END IF;
    -- What another authority says counts only as long as nobody is listed here.
    RETURN coalesce(external, true) OR EXISTS (SELECT FROM quay.unrestricted_user);
END
$$;
COMMENT ON FUNCTION quay.user_is_restricted(text, boolean) IS
    'Is the user, or the owner of the robot, restricted: may he neither write into his own namespace nor create organizations? Nobody is without the setting quay.restricted_users, nor who is listed in quay.unrestricted_user. external: the answer of another authority, such as a directory; it decides if nobody is listed, and NULL means restricted. access_check() and registry_authorize() know the list only, and exempt superusers of the registry, which this function does not.';

CREATE OR REPLACE FUNCTION quay_internal.is_held_back(actor text, scopes text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay.user_is_restricted(actor) AND quay.superuser_kind(actor, scopes) IS DISTINCT FROM 'superuser';
END
$$;
COMMENT ON FUNCTION quay_internal.is_held_back(text, text) IS 'Is the actor restricted, and no superuser of the registry?';

CREATE OR REPLACE FUNCTION quay_internal.organization_create_problem(actor text, scopes text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = organization_create_problem.actor AND NOT u.robot)
            THEN 'only people create organizations'
        WHEN quay_internal.is_held_back(actor, scopes) THEN 'restricted users create no organizations'
        WHEN quay_internal.setting('organization_creation_superusers_only')::boolean
             AND quay.superuser_kind(actor, scopes) IS DISTINCT FROM 'superuser' THEN 'only superusers create organizations'
        WHEN NOT quay.access_check_user(actor, actor, 'admin', scopes) THEN 'no right to create organizations'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_create_problem(text, text) IS 'Why the actor may not create an organization; NULL if he may.';

CREATE OR REPLACE FUNCTION quay.organization_can_create(actor text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.organization_create_problem(actor, scopes) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.organization_can_create(text, text) IS
    'May the actor create organizations? People may, with a direct login or the scope user:admin, but with quay.restricted_users only those in quay.unrestricted_user and superusers, and with quay.organization_creation_superusers_only only superusers. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay_internal.repository_create_problem(actor text, scopes text, namespace text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN split_part(actor, '+', 1) = namespace AND quay_internal.is_held_back(actor, scopes)
             AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = repository_create_problem.namespace AND u.organization)
            THEN 'restricted users create no repositories in their own namespaces'
        WHEN EXISTS (SELECT FROM quay.orgmirrorconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id
                     WHERE u.username = repository_create_problem.namespace) THEN 'the organization is a mirror'
        WHEN NOT quay.access_check_namespace(actor, namespace, 'create', scopes) THEN 'no right to create repositories'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_create_problem(text, text, text) IS
    'Why the actor may not create a repository in the namespace; NULL if he may.';

CREATE OR REPLACE FUNCTION quay.repository_can_create(actor text, namespace text, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.repository_create_problem(actor, scopes, namespace) IS NULL;
END
$$;
COMMENT ON FUNCTION quay.repository_can_create(text, text, text) IS
    'May the actor create repositories in the namespace? access_check_namespace() for create, less the namespaces of restricted users (quay.restricted_users) and organizations that are mirrors. actor, scopes: as for access_check().';

CREATE OR REPLACE FUNCTION quay.registry_path_split(path text)
    RETURNS TABLE (namespace text, repository text, problem text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trimmed text := rtrim(registry_path_split.path, '/');
    slash integer := strpos(trimmed, '/');
BEGIN
    IF slash > 0 THEN
        namespace := left(trimmed, slash - 1);
        repository := substr(trimmed, slash + 1);
    ELSIF quay_internal.setting('library_support')::boolean THEN
        namespace := quay_internal.setting('library_namespace');
        repository := trimmed;
    ELSE
        problem := 'It does not name a namespace.';
        RETURN NEXT;
        RETURN;
    END IF;
    problem := CASE WHEN namespace = '' THEN 'It does not name a namespace.'
                    WHEN repository IS NULL THEN 'It is NULL.'
                    ELSE quay_internal.repository_name_problem(repository) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_path_split(text) IS
    'Splits the path of a repository at its first "/". A path without one lies in quay.library_namespace, with the setting quay.library_support. problem: why the path is not that of a repository, as a sentence; NULL if it can be. A "/" in the name of the repository needs the setting quay.extended_repository_names.';

CREATE OR REPLACE FUNCTION quay.registry_scope_parse(scope text)
    RETURNS TABLE (name text, namespace text, repository text, problem text, actions text[])
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := regexp_match(registry_scope_parse.scope, '^repository:([^[:space:]]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)$');
    host text := quay_internal.setting('server_hostname') || '/';
    path text := CASE WHEN host <> '/' AND starts_with(parts[1], host) THEN substr(parts[1], length(host) + 1) ELSE parts[1] END;
BEGIN
    IF path ~ '^(?:[.a-zA-Z0-9_-]+/)*[.a-zA-Z0-9_-]+$' THEN
        name := parts[1];
        actions := string_to_array(parts[2], ',');
        SELECT s.namespace, s.repository, s.problem INTO namespace, repository, problem FROM quay.registry_path_split(path) AS s;
        RETURN NEXT;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.registry_scope_parse(text) IS
    'Takes a requested scope of a registry token apart: repository:[host/]path:actions, host being quay.server_hostname. name is what the token repeats, host included; the next three columns are those of registry_path_split(); actions are pull, push and *. No row if the scope is malformed.';

CREATE OR REPLACE FUNCTION quay_internal.organization_create_on_push(actor text, scopes text, namespace text, ip text,
                                                                     OUT status text, OUT reason text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Organizations need an address of their own where addresses are confirmed: a mailbox delivers name+anything to name.
    address text := (SELECT regexp_replace(u.email, '^([^@]+)@([^@]+)$', '\1+' || organization_create_on_push.namespace || '@\2')
                     FROM quay."user" AS u WHERE u.username = organization_create_on_push.actor AND NOT u.robot AND strpos(u.email, '@') > 0);
BEGIN
    reason := CASE
        WHEN NOT quay_internal.setting('create_namespace_on_push')::boolean THEN 'namespace does not exist'
        ELSE coalesce(quay_internal.organization_create_problem(actor, scopes),
                      CASE WHEN NOT quay.access_check_namespace(actor, actor, 'create', scopes) THEN 'no right to create repositories' END)
    END;
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM quay.organization_create(name => organization_create_on_push.namespace, email => address,
                                         creator => organization_create_on_push.actor, actor => organization_create_on_push.actor,
                                         ip => organization_create_on_push.ip,
                                         email_required => quay_internal.setting('mailing')::boolean);
    EXCEPTION WHEN SQLSTATE 'QY001' OR SQLSTATE 'QY006' OR SQLSTATE 'QY010' OR SQLSTATE 'QY011' OR SQLSTATE 'QY015' THEN
        -- Another push may have created it meanwhile.
        IF NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = organization_create_on_push.namespace AND NOT u.robot) THEN
            status := 'unsupported';
            reason := 'organization cannot be created: ' || SQLERRM;
        END IF;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_create_on_push(text, text, text, text) IS
    'Creates the organization that a push names, with the setting quay.create_namespace_on_push. reason: why not; NULL if it is there now. status: unsupported if everybody would have failed.';

CREATE OR REPLACE FUNCTION quay_internal.repository_create_on_push(actor text, scopes text, namespace text, repository text, ip text,
                                                                   OUT status text, OUT reason text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = repository_create_on_push.namespace AND NOT u.robot);
BEGIN
    created := false;
    IF actor IS NULL THEN
        reason := CASE WHEN owner_id IS NULL THEN 'namespace does not exist' ELSE 'only users create repositories' END;
    ELSIF NOT quay_internal.can_write() THEN
        reason := 'the registry is read-only';
    ELSIF owner_id IS NULL THEN
        SELECT o.status, o.reason INTO status, reason
        FROM quay_internal.organization_create_on_push(actor, scopes, namespace, ip) AS o;
    END IF;
    reason := coalesce(reason, quay_internal.repository_create_problem(actor, scopes, namespace));
    IF reason IS NOT NULL THEN
        RETURN;
    END IF;

    BEGIN
        PERFORM quay.repository_create(repository_create_on_push.namespace, repository_create_on_push.repository,
            creator => repository_create_on_push.actor,
            visibility => CASE WHEN quay_internal.setting('create_private_repository_on_push')::boolean THEN 'private' ELSE 'public' END,
            ip => repository_create_on_push.ip);
        created := true;
    EXCEPTION
        WHEN SQLSTATE 'QY006' THEN
            NULL;   -- another push was faster
        WHEN SQLSTATE 'QY002' OR SQLSTATE 'QY004' OR SQLSTATE 'QY005' OR SQLSTATE 'QY013' THEN
            reason := SQLERRM;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_create_on_push(text, text, text, text, text) IS
    'Creates the repository, and the organization, that a push names, if the actor may. reason: why not; NULL if it is there now. status: unsupported if the organization cannot have this name or the e-mail address made for it.';

CREATE OR REPLACE FUNCTION quay.registry_authorize(actor text, scopes text, namespace text, repository text, actions text[],
                                                   ip text DEFAULT NULL)
    RETURNS TABLE (granted text[], status text, reason text, created boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
    target record;
    right_to_pull boolean;
    right_to_admin boolean;
BEGIN
    IF EXISTS (SELECT FROM unnest(actions) AS a (action) WHERE a.action IS NULL OR a.action <> ALL (ARRAY['pull', 'push', '*'])) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown action of a registry token',
            DETAIL = format('The actions given are "%s".', left(array_to_string(actions, ',', 'NULL'), 80)),
            HINT = 'Actions are pull, push and *.';
    END IF;
    granted := '{}';
    status := 'ok';
    created := false;
    reason := CASE WHEN registry_authorize.repository IS NULL THEN 'It is NULL.'
                   ELSE quay_internal.repository_name_problem(registry_authorize.repository) END;
    IF reason IS NOT NULL THEN
        status := 'name_invalid';
        RETURN NEXT;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = registry_authorize.namespace AND NOT u.robot AND NOT u.enabled) THEN
        status := 'denied';
        reason := 'namespace is disabled';
        RETURN NEXT;
        RETURN;
    END IF;

    IF 'push' = ANY (actions) AND quay_internal.repository_find(registry_authorize.namespace, registry_authorize.repository) IS NULL THEN
        SELECT coalesce(c.status, 'ok'), c.reason, c.created INTO status, reason, created
        FROM quay_internal.repository_create_on_push(actor, scopes, namespace, repository, ip) AS c;
    END IF;
    SELECT u.id INTO owner FROM quay."user" AS u WHERE u.username = registry_authorize.namespace AND u.enabled AND NOT u.robot;
    IF NOT FOUND OR status <> 'ok' THEN
        reason := coalesce(reason, 'namespace does not exist');
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT r.id, r.state, k.name AS kind INTO target
    FROM quay.repository AS r JOIN quay.repositorykind AS k ON k.id = r.kind_id
    WHERE r.namespace_user_id = owner.id AND r.name = registry_authorize.repository AND r.state <> 3;

    IF 'push' = ANY (actions) THEN
        -- Who may create a repository may also fill it, whatever else the scopes let through.
        IF created OR target.id IS NOT NULL AND quay.access_check(actor, namespace, repository, 'write', scopes) THEN
            granted := granted || 'push'::text;
            reason := NULL;   -- if another push created it just now
        ELSIF target.id IS NULL THEN
            reason := coalesce(reason, 'the repository is being deleted');
        ELSE
            reason := CASE target.state WHEN 0 THEN 'no right to push' WHEN 1 THEN 'the repository is read-only'
                                        ELSE 'only the robot of the mirror pushes' END;
        END IF;
    END IF;

    IF 'pull' = ANY (actions) THEN
        right_to_pull := quay.access_check(actor, namespace, repository, 'read', scopes)
            -- What is not in the cache yet comes into it when a member of the organization pulls it.
            OR actor IS NOT NULL AND EXISTS (SELECT FROM quay.proxycacheconfig AS c WHERE c.organization_id = owner.id)
               AND quay.access_check_namespace(actor, namespace, 'member', scopes);
        IF right_to_pull THEN
            granted := granted || 'pull'::text;
        ELSE
            reason := coalesce(reason, 'no right to pull');
        END IF;
    END IF;

    IF '*' = ANY (actions) THEN
        right_to_admin := quay.access_check(actor, namespace, repository, 'admin', scopes);
        IF right_to_admin AND target.state = 0 THEN
            granted := granted || '*'::text;
        ELSE
            reason := coalesce(reason, CASE WHEN NOT right_to_admin THEN 'no right to administer'
                                            WHEN target.id IS NULL THEN 'the repository does not exist'
                                            ELSE 'the repository is not in its normal state' END);
        END IF;
    END IF;

    IF cardinality(granted) > 0 AND target.kind <> 'image' THEN
        granted := '{}';
        status := 'unsupported';
        reason := format('the repository is for managing %ss and not container images', target.kind);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.registry_authorize(text, text, text, text, text[], text) IS
'What a registry token may let its bearer do in one repository. A push creates the repository if there is none and the actor may create one: private, or public without the setting quay.create_private_repository_on_push; the actor gets admin in it. With quay.create_namespace_on_push a missing namespace becomes an organization of the actor.

actions: those of the requested scope, pull, push and *. actor, scopes: as for access_check(); anonymous, and scopes of the form repository:..., create nothing. ip: for the audit log.
granted: the actions that the token may carry, in the order push, pull, *.
status: ok, also if nothing is granted: give the token; denied: the namespace is disabled, refuse the whole request; name_invalid: no repository can have this name; unsupported: the repository is not for images, or the organization cannot be created.
reason: why something was not granted, for the log of the front end; NULL if all was. created: the repository is new.

push: the right to write; the state normal, or a mirror whose robot is the actor; and whoever just created the repository. pull: the right to read; in an organization with a proxy cache also its members, even what does not exist. *: the right to admin; only in the state normal. A token holds what was decided for as long as it lives, so give it a short life.
Error: 22023 unknown action.';

-- @part step api/170_deletion.sql
-- Deletion of a namespace: who would leave an organization behind, marking, and what goes besides repositories. 172_purge.sql does the rest.

CREATE OR REPLACE FUNCTION quay.namespace_sole_admin_list(username text) RETURNS TABLE (organization text, organization_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, o.id
        FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = namespace_sole_admin_list.username AND NOT u.robot AND r.name = 'admin')
          AND NOT EXISTS (SELECT FROM quay.team AS t
                          JOIN quay.teamrole AS r ON r.id = t.role_id
                          JOIN quay.teammember AS m ON m.team_id = t.id
                          JOIN quay."user" AS u ON u.id = m.user_id
                          WHERE t.organization_id = o.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
                            AND u.username <> namespace_sole_admin_list.username)
          AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = o.id)
        ORDER BY o.username;
END
$$;
COMMENT ON FUNCTION quay.namespace_sole_admin_list(text) IS
    'Organizations that only this person administers, by name: no other enabled person is in a team of role admin. People count, not memberships. Organizations that are being deleted are left out. No rows for who administers none or is no person.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_queue_delete(namespace text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT sum(quay_internal.queue_delete(quay_internal.queue_path(q.name, namespace_queue_delete.namespace)))
            FROM unnest(ARRAY['notification', 'dockerfilebuild', 'repositorygc', 'exportactionlogs', 'proxycacheblob']) AS q (name));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_queue_delete(text) IS
    'Deletes what waits in the queues under the name of a namespace, and returns how many items there were. Not its own purge, whose path has its id.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_delete_many(repository_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.repomirrorconfig AS c WHERE c.repository_id = ANY (repository_ids);
    UPDATE quay.repomirrorrule AS r SET left_child_id = NULL, right_child_id = NULL
    WHERE r.repository_id = ANY (repository_ids) AND num_nonnulls(r.left_child_id, r.right_child_id) > 0;
    DELETE FROM quay.repomirrorrule AS r WHERE r.repository_id = ANY (repository_ids);
    UPDATE quay.repository AS r SET state = 0 WHERE r.id = ANY (repository_ids) AND r.state = 2;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_delete_many(bigint[]) IS
    'Deletes the mirror configurations of repositories with their rules, and makes mirrors normal repositories.';

CREATE OR REPLACE FUNCTION quay_internal.organization_mirror_delete_many(config_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_ids bigint[];
BEGIN
    SELECT array_agg(c.organization_id) INTO organization_ids
    FROM (SELECT c.organization_id FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids) ORDER BY c.id FOR UPDATE) AS c;
    UPDATE quay.repository AS r SET state = 0 WHERE r.namespace_user_id = ANY (organization_ids) AND r.state = 4;
    DELETE FROM quay.orgmirrorrepository AS r WHERE r.org_mirror_config_id = ANY (config_ids);
    DELETE FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_mirror_delete_many(bigint[]) IS
    'Deletes mirror configurations of organizations with what they found, and makes the mirrored repositories normal ones.';

CREATE OR REPLACE FUNCTION quay_internal.trigger_delete_many(trigger_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token_ids bigint[];
BEGIN
    SELECT array_agg(t.write_token_id) INTO token_ids
    FROM (SELECT t.write_token_id FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids) ORDER BY t.id FOR UPDATE) AS t;
    UPDATE quay.repositorybuild AS b SET trigger_id = NULL WHERE b.trigger_id = ANY (trigger_ids);
    DELETE FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids);
    -- With its trigger a token loses its purpose; builds keep theirs.
    DELETE FROM quay.accesstoken AS a
    WHERE a.id = ANY (token_ids)
      AND NOT EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.access_token_id = a.id)
      AND NOT EXISTS (SELECT FROM quay.repositorybuildtrigger AS t WHERE t.write_token_id = a.id);
END
$$;
COMMENT ON FUNCTION quay_internal.trigger_delete_many(bigint[]) IS
    'Deletes build triggers and the tokens that they wrote with. Builds that they started stay.';

CREATE OR REPLACE FUNCTION quay_internal.account_delete_linked(account_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As a builder
    UPDATE quay.repositorybuild AS b SET pull_robot_id = NULL WHERE b.pull_robot_id = ANY (account_ids);
    UPDATE quay.repositorybuildtrigger AS t SET pull_robot_id = NULL WHERE t.pull_robot_id = ANY (account_ids);
    PERFORM quay_internal.trigger_delete_many(
        ARRAY(SELECT t.id FROM quay.repositorybuildtrigger AS t WHERE t.connected_user_id = ANY (account_ids)));

    -- As the robot of a mirror
    PERFORM quay_internal.mirror_delete_many(
        ARRAY(SELECT c.repository_id FROM quay.repomirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));

    -- In repositories and teams
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.activating_user_id = ANY (account_ids) OR p.delegate_user_id = ANY (account_ids);
    DELETE FROM quay.star AS s WHERE s.user_id = ANY (account_ids);
    DELETE FROM quay.teammember AS m WHERE m.user_id = ANY (account_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i
    WHERE i.user_id = ANY (account_ids) OR i.inviter_id = ANY (account_ids);

    -- Credentials
    DELETE FROM quay.appspecificauthtoken AS t WHERE t.user_id = ANY (account_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.authorized_user_id = ANY (account_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.assigned_user_id = ANY (account_ids);
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = ANY (account_ids);
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = ANY (account_ids);
    DELETE FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = ANY (account_ids);

    -- About the account itself
    DELETE FROM quay.robotaccountmetadata AS m WHERE m.robot_account_id = ANY (account_ids);
    DELETE FROM quay.notification AS n WHERE n.target_id = ANY (account_ids);
    DELETE FROM quay.userprompt AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.userregion AS r WHERE r.user_id = ANY (account_ids);
    DELETE FROM quay.organizationcontactemail AS e WHERE e.organization_id = ANY (account_ids);
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = ANY (account_ids) OR s.user_id = ANY (account_ids);
    DELETE FROM quay.redhatsubscriptions AS s WHERE s.user_id = ANY (account_ids);
    -- An approved key stays approved.
    UPDATE quay.servicekeyapproval AS a SET approver_id = NULL WHERE a.approver_id = ANY (account_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.account_delete_linked(bigint[]) IS
    'Deletes what refers to these people, organizations or robots, whose rows the caller has locked: roles, credentials, subscriptions. Not what they own as namespaces: namespace_delete_linked() does that.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_delete_linked(namespace_id bigint, name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot_ids bigint[];
    team_ids bigint[];
    quota_ids bigint[];
BEGIN
    -- Each parent is locked before its children are deleted: children that another session is adding are then seen, and none come after.
    -- Under its old name a namespace may have been followed by another, if the reference application made it: that one keeps its robots.
    robot_ids := ARRAY(
        SELECT u.id FROM quay."user" AS u
        WHERE u.robot AND split_part(u.username, '+', 1) = namespace_delete_linked.name
          AND NOT EXISTS (SELECT FROM quay."user" AS o
                          WHERE o.username = namespace_delete_linked.name AND o.id <> namespace_delete_linked.namespace_id)
        ORDER BY u.id FOR UPDATE);
    PERFORM quay_internal.account_delete_linked(namespace_delete_linked.namespace_id || robot_ids);
    DELETE FROM quay."user" AS u WHERE u.id = ANY (robot_ids);

    team_ids := ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = namespace_delete_linked.namespace_id ORDER BY t.id FOR UPDATE);
    DELETE FROM quay.teammember AS m WHERE m.team_id = ANY (team_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = ANY (team_ids);
    DELETE FROM quay.teamsync AS s WHERE s.team_id = ANY (team_ids);
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = ANY (team_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = ANY (team_ids) OR p.org_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.team AS t WHERE t.id = ANY (team_ids);

    PERFORM quay_internal.oauth_application_drop(
        ARRAY(SELECT a.id FROM quay.oauthapplication AS a WHERE a.organization_id = namespace_delete_linked.namespace_id));

    quota_ids := ARRAY(
        SELECT q.id FROM quay.userorganizationquota AS q WHERE q.namespace_id = namespace_delete_linked.namespace_id FOR UPDATE);
    DELETE FROM quay.quotalimits AS l WHERE l.quota_id = ANY (quota_ids);
    DELETE FROM quay.userorganizationquota AS q WHERE q.id = ANY (quota_ids);
    DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.quotanamespacesize AS s WHERE s.namespace_user_id = namespace_delete_linked.namespace_id;

    DELETE FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespacenotification AS n WHERE n.namespace_id = namespace_delete_linked.namespace_id;
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_delete_linked(bigint, text) IS
    'Deletes all that belongs to a namespace except its repositories, its marker and itself. The caller has locked its row. name: the one that its robots have in front.';

CREATE OR REPLACE FUNCTION quay.namespace_mark_deletion(namespace text, force boolean DEFAULT false, delay interval DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(namespace_mark_deletion.actor);
    target quay."user";
    organizations text;
    wait interval;
    marker_id bigint;
BEGIN
    PERFORM quay_internal.organization_lock_administered(namespace_mark_deletion.namespace);
    -- Waits for whoever is adding something to the namespace; who comes after finds nobody of that name.
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace_mark_deletion.namespace AND NOT u.robot FOR UPDATE;
    IF NOT FOUND THEN
        -- Again, perhaps by a caller who did not hear the answer.
        SELECT max(d.id) INTO marker_id FROM quay.deletednamespace AS d WHERE d.original_username = namespace_mark_deletion.namespace;
        IF marker_id IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY002',
                MESSAGE = 'namespace does not exist',
                DETAIL = format('There is no user or organization named "%s".', left(namespace_mark_deletion.namespace, 80)),
                HINT = 'Robots are deleted with quay.robot_delete().';
        END IF;
        RETURN marker_id;
    END IF;

    IF namespace_mark_deletion.actor <> target.username THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    SELECT string_agg(l.organization, ', ') INTO organizations FROM quay.namespace_sole_admin_list(target.username) AS l;
    IF organizations IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody but "%s" administers: %s.', target.username, left(organizations, 500)),
            HINT = 'First delete them, add another person to a team of role admin, or take them over with quay.organization_take_ownership().';
    END IF;

    wait := CASE
        WHEN namespace_mark_deletion.delay IS NOT NULL THEN greatest(namespace_mark_deletion.delay, '0')
        WHEN NOT coalesce(namespace_mark_deletion.force, false)
             AND EXISTS (SELECT FROM quay.deletion_grace_namespace AS g WHERE g.username = target.username)
            THEN make_interval(secs => quay_internal.setting('namespace_gc_grace_period')::bigint)
        ELSE '0'
    END;

    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_delete' ELSE 'user_delete' END, target.id, performer_id, NULL,
        jsonb_build_object(CASE WHEN target.organization THEN 'namespace' ELSE 'username' END, target.username), namespace_mark_deletion.ip);
    PERFORM quay_internal.namespace_queue_delete(target.username);
    IF wait = '0' THEN
        PERFORM quay_internal.namespace_delete_linked(target.id, target.username);
    END IF;

    INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
    VALUES (target.id, quay_internal.utc_now(), target.username, target.email)
    RETURNING id INTO marker_id;
    -- A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET enabled = false, username = gen_random_uuid()::text, email = gen_random_uuid()::text, uuid = gen_random_uuid()::text
    WHERE u.id = target.id;
    UPDATE quay.deletednamespace AS d
    SET queue_id = quay_internal.queue_add(quay_internal.queue_path('namespacegc', target.id::text),
            jsonb_build_object('marker_id', marker_id, 'original_username', target.username), wait)
    WHERE d.id = marker_id;
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.namespace_mark_deletion(text, boolean, interval, text, text) IS
    'Deletes a person or an organization for its users: it is disabled, its name and e-mail address are replaced, its sessions end, and what waited in its queues is gone. Returns the id of a marker, for which a worker calls quay.namespace_purge(); the queue "namespacegc" has an item for it. A namespace that is disabled can be marked too. One that is marked already is left alone, and its marker returned.
delay: until the purge is due; NULL means the setting quay.namespace_gc_grace_period if the name is in quay.deletion_grace_namespace, and none otherwise or with force. Without delay its teams, robots, applications, tokens, logins and all else but repositories go at once, with it they stay, out of use, until the purge.
Nobody can create a namespace of that name before the purge is done; entries of the name in quay.superuser and the like go with the purge, so that who takes the name later does not inherit them.
Errors: QY002 unknown or a robot, QY007 actor unknown, QY013 the person is the only administrator of organizations, which the detail lists (also with force), QY023 a superuser, unless it deletes itself or no actor is given.';

CREATE OR REPLACE FUNCTION quay.namespace_deletion_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (marker_id bigint, namespace text, organization boolean, namespace_id bigint, marked timestamp, due timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT d.id, d.original_username::text, u.organization, u.id, d.marked, q.available_after
        FROM quay.deletednamespace AS d
        JOIN quay."user" AS u ON u.id = d.namespace_id
        LEFT JOIN quay.queueitem AS q ON q.id = CASE WHEN d.queue_id ~ '^[0-9]{1,18}$' THEN d.queue_id::bigint END
        WHERE d.id > coalesce(namespace_deletion_list.after, 0)
        ORDER BY d.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_deletion_list(bigint, integer) IS
    'Namespaces that wait for their purge, oldest marker first, at most n, those after the marker after. namespace: the name that it had. marked, due: UTC; due is NULL if the item in the queue is gone, so that nobody will purge it unless told to. Errors: 22023 n negative.';

-- @part step api/172_purge.sql
-- The purge of what is marked for deletion, in batches: each call does a bounded part, and the next one goes on where it ended.

CREATE OR REPLACE FUNCTION quay_internal.batch_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of rows must be positive',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many rows one call may delete, such as 2000.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.batch_size(integer) IS 'The n of a function that works in batches. Errors: 22023 not positive.';

-- Without its settings the planner could choose a scan of the whole table or a bitmap, which each batch would pay for again.
CREATE OR REPLACE FUNCTION quay_internal.repository_rows_delete(table_name text, repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ids bigint[];
    labels bigint[];
BEGIN
    -- Locked, so that rows which others are adding below them are seen.
    EXECUTE format('SELECT array_agg(d.id) FROM (SELECT t.id FROM quay.%I AS t WHERE t.repository_id = ANY ($1) LIMIT $2 FOR UPDATE) AS d',
                   repository_rows_delete.table_name)
    INTO ids USING repository_rows_delete.repository_ids, repository_rows_delete.n;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    CASE repository_rows_delete.table_name
    WHEN 'tag' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (ids);
        UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repositorynotification' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = ANY (ids);
    WHEN 'apprtag' THEN
        UPDATE quay.apprtag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repomirrorrule' THEN
        UPDATE quay.repomirrorrule AS r SET left_child_id = NULL WHERE r.left_child_id = ANY (ids);
        UPDATE quay.repomirrorrule AS r SET right_child_id = NULL WHERE r.right_child_id = ANY (ids);
    WHEN 'manifest' THEN
        -- Images of the view quay.image have the id manifest * 1024 + layer.
        DELETE FROM quay.derivedstorageforimage AS d USING unnest(ids) AS m (id)
        WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;
    WHEN 'manifestlabel' THEN
        SELECT array_agg(m.label_id) INTO labels FROM quay.manifestlabel AS m WHERE m.id = ANY (ids);
    ELSE
        NULL;
    END CASE;
    EXECUTE format('DELETE FROM quay.%I AS t WHERE t.id = ANY ($1)', repository_rows_delete.table_name) USING ids;
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (labels) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_rows_delete(text, bigint[], integer) IS
    'Deletes at most n rows of a table that belong to these repositories, with what hangs on them alone, and returns how many. The table has the columns id and repository_id, and an index that starts with the latter.';

CREATE OR REPLACE FUNCTION quay_internal.repository_purge_step(repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := n;
    table_name text;
BEGIN
    -- Children before parents.
    FOREACH table_name IN ARRAY ARRAY[
        'tagpullstatistics', 'manifestpullstatistics', 'tag', 'repositorynotification',
        'manifestchild', 'manifestblob', 'manifestlabel', 'manifestsecuritystatus', 'manifest', 'uploadedblob', 'blobupload',
        'repositorybuild', 'repositorybuildtrigger', 'accesstoken', 'repomirrorconfig', 'repomirrorrule', 'orgmirrorrepository',
        'repositorypermission', 'star', 'repositoryauthorizedemail', 'repositoryactioncount', 'repositorysearchscore',
        'repositoryautoprunepolicy', 'repositoryimmutabilitypolicy', 'quotarepositorysize', 'apprtag']
    LOOP
        left_over := left_over - quay_internal.repository_rows_delete(table_name, repository_ids, left_over);
        IF left_over = 0 THEN
            RETURN 0;
        END IF;
    END LOOP;
    DELETE FROM quay.deletedrepository AS d WHERE d.repository_id = ANY (repository_ids);
    DELETE FROM quay.repository AS r WHERE r.id = ANY (repository_ids);
    RETURN left_over;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_purge_step(bigint[], integer) IS
    'Deletes rows of repositories, whose own rows the caller has locked, at most n, and then these. Returns how many of n are left; 0: they are not gone yet.';

CREATE OR REPLACE FUNCTION quay.repository_purge(repository_id bigint DEFAULT NULL, n integer DEFAULT 2000, marker_id bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    target record;
BEGIN
    IF num_nonnulls(repository_purge.repository_id, repository_purge.marker_id) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a repository or a marker is to be purged',
            DETAIL = format('Repository: %s, marker: %s.', coalesce(repository_purge.repository_id::text, 'NULL'),
                coalesce(repository_purge.marker_id::text, 'NULL')),
            HINT = 'Pass repository_id, or the marker_id of the queue item.';
    END IF;
    -- Waits for pushes under way and for another worker, then goes on from there.
    SELECT r.id, r.name, r.state INTO target FROM quay.repository AS r
    WHERE r.id = coalesce(repository_purge.repository_id,
        (SELECT d.repository_id FROM quay.deletedrepository AS d WHERE d.id = repository_purge.marker_id))
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF target.state <> 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is not marked for deletion',
            DETAIL = format('Repository %s, "%s", is in use.', target.id, target.name),
            HINT = 'Mark it with quay.repository_mark_deletion().';
    END IF;
    RETURN quay_internal.repository_purge_step(ARRAY[target.id], batch) > 0;
END
$$;
COMMENT ON FUNCTION quay.repository_purge(bigint, integer, bigint) IS
    'Deletes rows of a repository that is marked for deletion, at most n with what hangs on each, and the repository itself last. True: it is gone, or there was none of that id; false: call again, in a new transaction. The repository is named by its id or by the marker that quay.repository_mark_deletion() returned. Two workers take turns.
Deleted are tags, manifests with children, labels, layers and scan results, uploads, statistics, builds, triggers, tokens, notifications, permissions, stars, policies, mirror configuration. Blobs (imagestorage) stay: other repositories may use them, and those that none uses are for the garbage collector. So does the audit log, which keeps the ids.
Errors: 22023 n not positive, or not one of repository and marker; QY005 not marked.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_purge_names(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = namespace_purge_names.name) THEN
        RETURN;
    END IF;
    DELETE FROM quay.superuser AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unrestricted_user AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.allowed_robot AS s WHERE split_part(s.username, '+', 1) = namespace_purge_names.name;
    DELETE FROM quay.deletion_grace_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.public_namespace AS s WHERE s.username = namespace_purge_names.name;
    PERFORM quay_internal.namespace_queue_delete(namespace_purge_names.name);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_purge_names(text) IS
    'Takes a name that nobody has any more off the lists that give names rights, and out of the queues, so that who takes it next inherits nothing.';

CREATE OR REPLACE FUNCTION quay.namespace_purge(marker_id bigint, n integer DEFAULT 2000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := quay_internal.batch_size(n);
    marker quay.deletednamespace;
    repository_ids bigint[];
BEGIN
    -- One worker at a time; the next goes on from there.
    SELECT * INTO marker FROM quay.deletednamespace AS d WHERE d.id = namespace_purge.marker_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    LOOP
        -- Several at once: most are small, and each table is then asked once.
        repository_ids := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = marker.namespace_id
                                ORDER BY r.id LIMIT least(left_over, 500) FOR UPDATE);
        EXIT WHEN repository_ids = '{}';
        UPDATE quay.repository AS r SET state = 3 WHERE r.id = ANY (repository_ids) AND r.state <> 3;
        left_over := quay_internal.repository_purge_step(repository_ids, left_over) - cardinality(repository_ids);
        IF left_over <= 0 THEN
            RETURN false;
        END IF;
    END LOOP;

    PERFORM quay_internal.organization_lock_administered(u.username) FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM FROM quay."user" AS u WHERE u.id = marker.namespace_id FOR UPDATE;
    PERFORM quay_internal.namespace_delete_linked(marker.namespace_id, marker.original_username);
    DELETE FROM quay.deletednamespace AS d WHERE d.id = marker.id;
    DELETE FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM quay_internal.namespace_purge_names(marker.original_username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_purge(bigint, integer) IS
    'Deletes a namespace that quay.namespace_mark_deletion() marked, whether or not its delay is over: its repositories as quay.repository_purge() does, at most n rows of them a call, then all else, entries of its name in quay.superuser and the other lists of names, and itself. True: it is gone, or there is no such marker; false: call again, in a new transaction. Two workers take turns. Its name is free afterwards. The audit log stays. Errors: 22023 n not positive.';

-- @part step api/180_message.sql
-- Messages that the registry shows to everybody.

CREATE OR REPLACE FUNCTION quay.message_create_many(messages jsonb) RETURNS TABLE (message_id bigint, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry record;
    found_media_type_id bigint;
BEGIN
    IF jsonb_typeof(messages) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of messages',
            DETAIL = format('It is %s, not an array.', coalesce(jsonb_typeof(messages), 'NULL')),
            HINT = 'Pass a JSON array of objects with content, severity and media_type.';
    END IF;
    FOR entry IN
        SELECT e.message, e.number, e.message -> 'content' AS content,
               coalesce(e.message ->> 'severity', 'info') AS severity, coalesce(e.message ->> 'media_type', 'text/plain') AS media_type
        FROM jsonb_array_elements(messages) WITH ORDINALITY AS e (message, number)
        ORDER BY e.number
    LOOP
        IF jsonb_typeof(entry.content) IS DISTINCT FROM 'string' THEN
            RAISE EXCEPTION USING ERRCODE = 'QY077',
                MESSAGE = 'malformed message',
                DETAIL = format('Message %s has no text as content: %s.', entry.number, left(entry.message::text, 80)),
                HINT = 'Give each message its content.';
        END IF;
        IF entry.severity <> ALL (ARRAY['info', 'warning', 'error']) THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown severity of a message',
                DETAIL = format('There is no severity "%s".', left(entry.severity, 80)),
                HINT = 'Severities are info, warning and error.';
        END IF;
        SELECT t.id INTO found_media_type_id FROM quay.mediatype AS t
        WHERE t.name = entry.media_type AND t.name IN ('text/plain', 'text/markdown');
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown media type of a message',
                DETAIL = format('A message cannot be of type "%s".', left(entry.media_type, 80)),
                HINT = 'Messages are text/plain or text/markdown.';
        END IF;
        RETURN QUERY
            INSERT INTO quay.messages AS m (content, uuid, severity, media_type_id)
            VALUES (entry.content #>> '{}', gen_random_uuid()::text, entry.severity, found_media_type_id)
            RETURNING m.id, m.uuid::text;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.message_create_many(jsonb) IS
    'Adds messages for everybody, and returns their ids and uuids in the same order. messages: an array of objects {"content": text, "severity": "info", "warning" or "error", "media_type": "text/plain" or "text/markdown"}; info and text/plain are the defaults. All are added or none. Errors: QY009 unknown severity or media type, QY077 malformed list.';

CREATE OR REPLACE FUNCTION quay.message_create(content text, severity text DEFAULT 'info', media_type text DEFAULT 'text/plain') RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT m.uuid FROM quay.message_create_many(jsonb_build_array(jsonb_build_object(
        'content', message_create.content, 'severity', message_create.severity, 'media_type', message_create.media_type))) AS m);
END
$$;
COMMENT ON FUNCTION quay.message_create(text, text, text) IS
    'Adds a message for everybody, and returns its uuid. severity: info, warning or error; media_type: text/plain or text/markdown. Errors: QY009 unknown severity or media type, QY077 no content.';

CREATE OR REPLACE FUNCTION quay.message_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (message_id bigint, uuid text, content text, severity text, media_type text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT m.id, m.uuid::text, m.content, m.severity::text, t.name::text
        FROM quay.messages AS m
        JOIN quay.mediatype AS t ON t.id = m.media_type_id
        WHERE m.id > coalesce(message_list.after, 0)
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.message_list(bigint, integer) IS
    'Messages for everybody, oldest first, at most n, those after the message_id after. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.message_delete(uuids text[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    -- Rows that came without a uuid have an empty one; they are not meant.
    DELETE FROM quay.messages AS m WHERE m.uuid = ANY (uuids) AND m.uuid <> '';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.message_delete(text[]) IS
    'Deletes messages by their uuids, and returns how many there were. Unknown uuids, and an empty or NULL array, are no error.';

-- @part step api/182_release.sql
-- Releases of the services that run on this database.

CREATE OR REPLACE FUNCTION quay_internal.release_find(service text, region text, version text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT r.id
        FROM quay.quayrelease AS r
        JOIN quay.quayservice AS s ON s.id = r.service_id
        JOIN quay.quayregion AS g ON g.id = r.region_id
        WHERE s.name = release_find.service AND g.name = release_find.region AND r.version = release_find.version);
END
$$;
COMMENT ON FUNCTION quay_internal.release_find(text, text, text) IS 'Id of a release; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.release_set(service text, region text, version text) RETURNS TABLE (release_id bigint, created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_service_id bigint;
    found_region_id bigint;
BEGIN
    IF coalesce(release_set.service, '') = '' OR coalesce(release_set.region, '') = '' OR coalesce(release_set.version, '') = ''
       OR greatest(char_length(release_set.service), char_length(release_set.region), char_length(release_set.version)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal name of a release',
            DETAIL = format('Service "%s", region "%s", version "%s".', left(release_set.service, 80), left(release_set.region, 80),
                left(release_set.version, 80)),
            HINT = 'Each is a text of 1 to 255 characters.';
    END IF;

    release_id := quay_internal.release_find(release_set.service, release_set.region, release_set.version);
    created := release_id IS NULL;
    IF created THEN
        -- Not DO NOTHING: the update waits for, and then holds off, whoever adds the same release, and yields the id.
        INSERT INTO quay.quayservice AS s (name) VALUES (release_set.service)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING s.id INTO found_service_id;
        INSERT INTO quay.quayregion AS g (name) VALUES (release_set.region)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING g.id INTO found_region_id;
        INSERT INTO quay.quayrelease AS r (service_id, region_id, version, reverted, created)
        VALUES (found_service_id, found_region_id, release_set.version, false, quay_internal.utc_now())
        ON CONFLICT DO NOTHING
        RETURNING r.id INTO release_id;
        created := FOUND;
        release_id := coalesce(release_id, quay_internal.release_find(release_set.service, release_set.region, release_set.version));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.release_set(text, text, text) IS
    'Notes that a version of a service was released in a region, and returns the id of the release. created: false if that was known; then nothing changes. Service and region are added if they are new. Errors: 22023 a name empty or longer than 255 characters.';

CREATE OR REPLACE FUNCTION quay.release_list(service text, region text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (release_id bigint, version text, created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start record;
BEGIN
    SELECT r.created, r.id INTO start FROM quay.quayrelease AS r WHERE r.id = release_list.after;
    IF release_list.after IS NOT NULL AND NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'invalid cursor',
            DETAIL = format('There is no release %s.', release_list.after),
            HINT = 'Pass the release_id of the last entry of the page before, or NULL for the first page.';
    END IF;
    RETURN QUERY
        SELECT r.id, r.version::text, r.created
        FROM quay.quayrelease AS r
        JOIN quay.quayservice AS s ON s.id = r.service_id
        JOIN quay.quayregion AS g ON g.id = r.region_id
        WHERE s.name = release_list.service AND g.name = release_list.region AND NOT r.reverted
          AND (release_list.after IS NULL OR (r.created, r.id) < (start.created, start.id))
        ORDER BY r.created DESC, r.id DESC
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.release_list(text, text, bigint, integer) IS
    'Releases of a service in a region that were not reverted, newest first, at most n, those after the release_id after. created: UTC. Errors: 22023 n negative or unknown after.';

-- @part step api/184_subscription.sql
-- Subscriptions that are sold outside of the registry: customer numbers of people, and which subscriptions an organization uses.

CREATE OR REPLACE FUNCTION quay.web_customer_list(username text) RETURNS TABLE (account_number integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.account_number
        FROM quay."user" AS u JOIN quay.redhatsubscriptions AS s ON s.user_id = u.id
        WHERE u.username = web_customer_list.username AND NOT u.robot
        ORDER BY s.account_number;
END
$$;
COMMENT ON FUNCTION quay.web_customer_list(text) IS
    'Customer numbers of a person or organization, in order. No rows: none, or nobody of that name.';

CREATE OR REPLACE FUNCTION quay.web_customer_add(username text, account_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    customer quay."user" := quay_internal.namespace_get(username);
BEGIN
    IF web_customer_add.account_number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'customer number is missing',
            DETAIL = 'It is NULL.',
            HINT = 'Pass the number under which the customer buys.';
    END IF;
    INSERT INTO quay.redhatsubscriptions (user_id, account_number) VALUES (customer.id, web_customer_add.account_number) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.web_customer_add(text, integer) IS
    'Adds a customer number to a person or organization. False: it was there. Errors: 22023 no number, QY002 nobody of that name, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.web_customer_remove(username text, account_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.redhatsubscriptions AS s USING quay."user" AS u
    WHERE u.id = s.user_id AND u.username = web_customer_remove.username AND NOT u.robot AND s.account_number = web_customer_remove.account_number;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.web_customer_remove(text, integer) IS
    'Takes a customer number from a person or organization. False: it was not there, or nobody has that name.';

CREATE OR REPLACE FUNCTION quay.web_customer_update(username text, old_number integer, new_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay.web_customer_remove(web_customer_update.username, old_number) THEN
        RETURN false;
    END IF;
    PERFORM quay.web_customer_add(web_customer_update.username, new_number);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.web_customer_update(text, integer, integer) IS
    'Replaces one customer number of a person or organization by another; its other numbers stay. False: the old number was not there, and nothing changes. Errors: 22023 no new number, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_bind(organization text, username text, subscription_id bigint,
                                                               quantity integer DEFAULT 1) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    owner_id bigint := (quay_internal.person_get(organization_subscription_bind.username)).id;
    new_id bigint;
BEGIN
    IF organization_subscription_bind.subscription_id IS NULL OR organization_subscription_bind.quantity < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal subscription',
            DETAIL = format('Subscription %s, quantity %s.', coalesce(organization_subscription_bind.subscription_id::text, 'NULL'),
                coalesce(organization_subscription_bind.quantity::text, 'NULL')),
            HINT = 'Pass the number of the subscription, and a quantity of at least 1.';
    END IF;
    INSERT INTO quay.organizationrhskus (subscription_id, org_id, user_id, quantity)
    VALUES (organization_subscription_bind.subscription_id, org.id, owner_id, organization_subscription_bind.quantity)
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'subscription is bound already',
            DETAIL = format('Organization "%s" uses subscription %s.', org.username, organization_subscription_bind.subscription_id),
            HINT = 'Unbind it with quay.organization_subscription_unbind() to change its quantity or owner.';
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_bind(text, text, bigint, integer) IS
    'Lets an organization use a subscription of a person, and returns the id of the binding. quantity: how many of it; NULL is not known. Errors: 22023 no subscription or a quantity below 1, QY002 organization unknown, QY004 disabled, QY006 the organization uses it already, QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_unbind(organization text, subscription_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.organizationrhskus AS s USING quay."user" AS o
    WHERE o.id = s.org_id AND o.username = organization_subscription_unbind.organization
      AND s.subscription_id = organization_subscription_unbind.subscription_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_unbind(text, bigint) IS
    'Takes a subscription from an organization. False: it did not use it, or there is no such organization.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_unbind_user(organization text, username text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM quay.organizationrhskus AS s USING quay."user" AS o, quay."user" AS u
    WHERE o.id = s.org_id AND o.username = organization_subscription_unbind_user.organization
      AND u.id = s.user_id AND u.username = organization_subscription_unbind_user.username;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_unbind_user(text, text) IS
    'Takes all subscriptions of a person from an organization, as when the person leaves it, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_list(organization text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (binding_id bigint, subscription_id bigint, quantity integer, username text, user_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT s.id, s.subscription_id, s.quantity, u.username::text, u.id
        FROM quay.organizationrhskus AS s JOIN quay."user" AS u ON u.id = s.user_id
        WHERE s.org_id = org.id AND s.id > coalesce(organization_subscription_list.after, 0)
        ORDER BY s.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_list(text, bigint, integer) IS
    'Subscriptions that an organization uses and whose they are, in the order in which they were bound, at most n, those after the binding_id after. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.subscription_binding_list(subscription_id bigint)
    RETURNS TABLE (binding_id bigint, organization text, organization_id bigint, quantity integer, username text, user_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.id, o.username::text, o.id, s.quantity, u.username::text, u.id
        FROM quay.organizationrhskus AS s
        JOIN quay."user" AS o ON o.id = s.org_id
        JOIN quay."user" AS u ON u.id = s.user_id
        WHERE s.subscription_id = subscription_binding_list.subscription_id
        ORDER BY s.id;
END
$$;
COMMENT ON FUNCTION quay.subscription_binding_list(bigint) IS
    'Organizations that use a subscription, in the order in which it was bound. No rows: it is bound to none.';

-- @part step api/186_health.sql
-- Whether the data layer answers.

CREATE OR REPLACE FUNCTION quay.health_check() RETURNS TABLE (ok boolean, message text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    message := CASE
        WHEN NOT EXISTS (SELECT FROM quay.teamrole) THEN 'The table teamrole is empty: the seeds of the registry are missing.'
        WHEN quay.version() IS DISTINCT FROM quay_internal.version_library()
            THEN format('The tables are of version %s, the library is of version %s.', quay.version(), quay_internal.version_library())
    END;
    ok := message IS NULL;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.health_check() IS
    'For health checks of a front end: ok if a table can be read and the library fits it, otherwise a message. Reads next to nothing and works on a standby. Set statement_timeout around it to limit how long it may take; a server that cannot be reached is for the caller to notice.';

-- @part step api/188_spam.sql
-- Is the description of a repository spam? A naive Bayes classifier, trained elsewhere.

CREATE OR REPLACE FUNCTION quay_internal.spam_unavailable(problem text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY077',
        MESSAGE = 'spam classifier cannot be used',
        DETAIL = problem,
        HINT = 'Pass the file that the training wrote, as it is, with its version and checksum.';
END
$$;
COMMENT ON FUNCTION quay_internal.spam_unavailable(text) IS 'Raises QY077 with this detail.';

CREATE OR REPLACE FUNCTION quay_internal.spam_classifier_check(classifier jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    field record;
    value jsonb;
    features jsonb := classifier -> 'feature_config';
BEGIN
    IF jsonb_typeof(classifier) IS DISTINCT FROM 'object' THEN
        PERFORM quay_internal.spam_unavailable('It is not a JSON object.');
    END IF;
    -- minimum: NULL for none
    FOR field IN
        SELECT * FROM (VALUES ('version', 'string', false, NULL::numeric, false), ('training_corpus_version', 'string', false, NULL, false),
            ('spam_prior', 'number', false, 0, true), ('ham_prior', 'number', false, 0, true),
            ('token_spam_counts', 'object', false, NULL, false), ('token_ham_counts', 'object', false, NULL, false),
            ('spam_token_total', 'number', true, 0, false), ('ham_token_total', 'number', true, 0, false),
            ('vocabulary_size', 'number', true, 0, true), ('smoothing', 'number', false, 0, true),
            ('ingress_threshold', 'number', false, NULL, false), ('ingress_thresholds', 'object', false, NULL, false),
            ('feature_config', 'object', false, NULL, false), ('training_metrics', 'object', false, NULL, false))
            AS f (name, type, is_integer, minimum, exclusive)
    LOOP
        value := classifier -> field.name;
        IF jsonb_typeof(value) IS DISTINCT FROM field.type THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, not a JSON %s.', field.name,
                coalesce('a JSON ' || jsonb_typeof(value), 'missing'), field.type));
        END IF;
        CONTINUE WHEN field.type <> 'number';
        IF field.is_integer AND value::numeric <> trunc(value::numeric) THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, not an integer.', field.name, left(value::text, 80)));
        END IF;
        IF value::numeric < field.minimum OR field.exclusive AND value::numeric = field.minimum THEN
            PERFORM quay_internal.spam_unavailable(format('Its field %s is %s, too small.', field.name, left(value::text, 80)));
        END IF;
    END LOOP;

    -- Another pattern would make other tokens than those that were counted.
    IF features -> 'token_pattern' <> '"[a-z0-9][a-z0-9_-]*"' THEN
        PERFORM quay_internal.spam_unavailable('Its token_pattern is not [a-z0-9][a-z0-9_-]*.');
    END IF;
    IF jsonb_typeof(features -> 'include_repository_name') <> 'boolean' THEN
        PERFORM quay_internal.spam_unavailable('Its include_repository_name is neither true nor false.');
    END IF;
    FOR field IN
        SELECT f.name, f.maximum, coalesce(features -> f.name, f.by_default) AS value
        FROM (VALUES (1, 'classification_window_tokens', jsonb '128', jsonb '4096'),
                     (2, 'classification_window_stride', '64', coalesce(features -> 'classification_window_tokens', '128')))
            AS f (number, name, by_default, maximum)
        ORDER BY f.number
    LOOP
        IF jsonb_typeof(field.value) <> 'number' OR field.value::numeric <> trunc(field.value::numeric)
           OR field.value::numeric < 1 OR field.value::numeric > field.maximum::numeric THEN
            PERFORM quay_internal.spam_unavailable(format('Its %s is %s, not an integer from 1 to %s.',
                field.name, left(field.value::text, 80), field.maximum));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.spam_classifier_check(jsonb) IS
    'Refuses (QY077) a classifier that lacks a field or has one that cannot be: version, training_corpus_version, spam_prior, ham_prior, token_spam_counts, token_ham_counts, spam_token_total, ham_token_total, vocabulary_size, smoothing, ingress_threshold, ingress_thresholds, feature_config, training_metrics.';

CREATE OR REPLACE FUNCTION quay_internal.spam_score(classifier jsonb, content text) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    spam jsonb := classifier -> 'token_spam_counts';
    ham jsonb := classifier -> 'token_ham_counts';
    smoothing double precision := (classifier -> 'smoothing')::double precision;
    vocabulary double precision := (classifier -> 'vocabulary_size')::double precision;
    spam_total double precision := (classifier -> 'spam_token_total')::double precision + smoothing * vocabulary;
    ham_total double precision := (classifier -> 'ham_token_total')::double precision + smoothing * vocabulary;
    prior double precision := ln((classifier -> 'spam_prior')::double precision) - ln((classifier -> 'ham_prior')::double precision);
    width integer := coalesce((classifier #> '{feature_config,classification_window_tokens}')::integer, 128);
    stride integer := coalesce((classifier #> '{feature_config,classification_window_stride}')::integer, 64);
    -- of each token: how much rather spam than not, as a logarithm
    weights double precision[];
    last_start integer;
    evidence double precision;
BEGIN
    SELECT array_agg(ln((coalesce((spam -> t.token)::double precision, 0) + smoothing) / spam_total)
                     - ln((coalesce((ham -> t.token)::double precision, 0) + smoothing) / ham_total) ORDER BY t.number)
    INTO weights
    FROM (SELECT m.match[1] AS token, m.number
          FROM regexp_matches(lower(content COLLATE "C"), '[a-z0-9][a-z0-9_-]*', 'g') WITH ORDINALITY AS m (match, number)) AS t;

    -- The worst window counts, so that spam does not hide in a long text. The last one ends with the text.
    last_start := greatest(coalesce(cardinality(weights), 0) - width, 0);
    SELECT max(coalesce((SELECT sum(e.weight) FROM unnest(weights[w.start + 1 : w.start + width]) AS e (weight)), 0)) INTO evidence
    FROM (SELECT generate_series(0, last_start, stride) UNION SELECT last_start) AS w (start);
    -- Far from 0 the exponential function would be out of range.
    RETURN 1 / (1 + exp(-least(greatest(prior + evidence, -700), 700)));
END
$$;
COMMENT ON FUNCTION quay_internal.spam_score(jsonb, text) IS
    'Probability, 0 to 1, that a text is spam, for a classifier that spam_classifier_check() let pass: the highest of its windows of tokens.';

CREATE OR REPLACE FUNCTION quay.description_evaluate(description text, classifier bytea, visibility text DEFAULT NULL, repository text DEFAULT NULL,
                                                     version text DEFAULT NULL, sha256 text DEFAULT NULL)
    RETURNS TABLE (allowed boolean, score double precision, reason text, classifier_version text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    model jsonb;
    threshold double precision;
BEGIN
    IF coalesce(description_evaluate.description, '') COLLATE "C" !~* '\mhttps?://[^[:space:]<>()]+' THEN
        allowed := true;
        reason := 'hyperlink_required';
        RETURN NEXT;
        RETURN;
    END IF;
    IF classifier IS NULL THEN
        PERFORM quay_internal.spam_unavailable('There is none.');
    END IF;
    IF lower(description_evaluate.sha256) <> encode(sha256(classifier), 'hex') THEN
        PERFORM quay_internal.spam_unavailable('It has another checksum than expected.');
    END IF;
    BEGIN
        model := convert_from(classifier, 'UTF8')::jsonb;
        PERFORM quay_internal.spam_classifier_check(model);
        classifier_version := model ->> 'version';
        threshold := coalesce(model -> 'ingress_thresholds' -> nullif(description_evaluate.visibility, ''),
            model -> 'ingress_threshold')::double precision;
        score := quay_internal.spam_score(model, description_evaluate.description
            || CASE WHEN (model #> '{feature_config,include_repository_name}')::boolean
                    THEN ' ' || coalesce(description_evaluate.repository, '') ELSE '' END);
    EXCEPTION WHEN data_exception OR statement_too_complex THEN
        PERFORM quay_internal.spam_unavailable(left(SQLERRM, 120));
    END;
    IF classifier_version <> description_evaluate.version THEN
        PERFORM quay_internal.spam_unavailable(format('It is of version "%s", not "%s".',
            left(classifier_version, 80), left(description_evaluate.version, 80)));
    END IF;
    allowed := score < threshold;
    reason := CASE WHEN allowed THEN 'score_below_threshold' ELSE 'score_exceeded_threshold' END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.description_evaluate(text, bytea, text, text, text, text) IS
    'Is the description of a repository allowed, or spam? classifier: the JSON file that the training wrote, byte by byte; version, sha256 (hexadecimal): what it has to be, NULL for any. visibility chooses the threshold; repository, its name, counts if the classifier says so. Reads no table.
allowed: the score, the probability of spam from 0 to 1, is below the threshold. reason: hyperlink_required (a text without a link to http or https is allowed unseen, and has no score), score_below_threshold, score_exceeded_threshold.
Tokens are looked at in windows of 128 that advance by 64, or as the classifier says, and the worst counts. Errors: QY077 the classifier cannot be used, the detail says why; whether the description then passes is for the caller to decide.';

-- @part step api/190_secret_rotation.sql
-- Exchanging the key of the encrypted columns while the registry runs.

CREATE OR REPLACE FUNCTION quay_internal.keyed_column_list() RETURNS TABLE (table_name text, column_name text, digest boolean)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstoken', 'token_code', false),
        ('appspecificauthtoken', 'token_secret', false),
        ('oauthaccesstoken', 'token_digest', true),
        ('oauthapplication', 'secure_client_secret', false),
        ('orgmirrorconfig', 'external_registry_password', false),
        ('orgmirrorconfig', 'external_registry_username', false),
        ('proxycacheconfig', 'upstream_registry_password', false),
        ('proxycacheconfig', 'upstream_registry_username', false),
        ('repomirrorconfig', 'external_registry_password', false),
        ('repomirrorconfig', 'external_registry_username', false),
        ('repositorybuildtrigger', 'secure_auth_token', false),
        ('repositorybuildtrigger', 'secure_private_key', false),
        ('robotaccounttoken', 'token', false);
END
$$;
COMMENT ON FUNCTION quay_internal.keyed_column_list() IS
    'Columns of tables in schema quay whose values depend on quay.database_secret_key: encrypted fields, and digests, which a rotation empties, since the next use of the token makes them anew.';

CREATE OR REPLACE FUNCTION quay_internal.secret_scan(table_name text, column_name text, wanted text[], n integer, old text, new text)
    RETURNS TABLE (id bigint, key text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT k.id, k.key FROM (SELECT t.id, quay_internal.field_key(t.%2$I, $3, $4) AS key FROM quay.%1$I AS t WHERE t.%2$I IS NOT NULL) AS k '
        'WHERE k.key = ANY ($1) ORDER BY k.id LIMIT $2', secret_scan.table_name, secret_scan.column_name)
        USING wanted, n, old, new;
END
$$;
COMMENT ON FUNCTION quay_internal.secret_scan(text, text, text[], integer, text, text) IS
    'The first n values of an encrypted column that the wanted key opens: new, old or none.';

CREATE OR REPLACE FUNCTION quay_internal.secret_rotate_start(old text, new text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mark text;
    opened boolean;
BEGIN
    -- One call at a time.
    LOCK TABLE quay_internal.secret_rotation IN SHARE ROW EXCLUSIVE MODE;
    -- Bad keys are refused here, before anything is done.
    PERFORM quay_internal.field_rotate(NULL, old, new);
    mark := (SELECT min(r.key_check) FROM quay_internal.secret_rotation AS r);
    IF quay_internal.field_key(mark, old, new) IS DISTINCT FROM 'new' THEN
        -- With a wrong key the rotation would leave every value as it is, and call itself done.
        SELECT bool_or(s.key <> 'none') INTO opened
        FROM quay_internal.keyed_column_list() AS c
        CROSS JOIN LATERAL (
            SELECT f.key FROM quay_internal.secret_scan(c.table_name, c.column_name, ARRAY['new', 'old'], 1, old, new) AS f
            UNION ALL
            SELECT f.key FROM quay_internal.secret_scan(c.table_name, c.column_name, ARRAY['none'], 1, old, new) AS f) AS s
        WHERE NOT c.digest;
        IF NOT opened THEN
            RAISE EXCEPTION USING ERRCODE = 'QY060',
                MESSAGE = 'neither key opens any encrypted column',
                DETAIL = 'All encrypted values have another key than these two.',
                HINT = 'Set quay.database_secret_key_previous to the key that they have.';
        END IF;
        DELETE FROM quay_internal.secret_rotation;
        mark := quay_internal.field_encrypt_with('quay', new);
    END IF;
    INSERT INTO quay_internal.secret_rotation (table_name, column_name, last_id, finished, key_check)
    SELECT c.table_name, c.column_name, 0, false, mark FROM quay_internal.keyed_column_list() AS c
    ON CONFLICT ON CONSTRAINT pk_secret_rotation DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.secret_rotate_start(text, text) IS
    'Goes on with the rotation that leads to the new key, or starts it. Errors: QY060 neither key opens any value, 22023, 55000.';

CREATE OR REPLACE FUNCTION quay_internal.secret_rotate_batch(table_name text, column_name text, INOUT last_id bigint, batch integer, old text, new text,
                                                             OUT looked bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    is_digest boolean := (SELECT c.digest FROM quay_internal.keyed_column_list() AS c
                          WHERE c.table_name = secret_rotate_batch.table_name AND c.column_name = secret_rotate_batch.column_name);
    unreadable bigint[];
BEGIN
    -- The lock comes first, and gives the value as it is then: whoever changes a row meanwhile is waited for, and what he wrote is not lost.
    EXECUTE format(
        'WITH locked AS MATERIALIZED ('
        '    SELECT t.id, t.%2$I AS stored FROM quay.%1$I AS t WHERE t.id > $1 AND t.%2$I IS NOT NULL ORDER BY t.id LIMIT $2 FOR NO KEY UPDATE), '
        'rotated AS MATERIALIZED ('
        '    SELECT l.id, l.stored, CASE WHEN NOT $5 THEN quay_internal.field_rotate(l.stored, $3, $4) END AS value FROM locked AS l), '
        'updated AS ('
        '    UPDATE quay.%1$I AS t SET %2$I = r.value FROM rotated AS r WHERE t.id = r.id AND ($5 OR r.value <> r.stored)) '
        'SELECT count(*), coalesce(max(r.id), $1), array_agg(r.id ORDER BY r.id) FILTER (WHERE r.value IS NULL AND NOT $5) FROM rotated AS r',
        table_name, column_name)
    INTO looked, last_id, unreadable
    USING last_id, batch, old, new, is_digest;
    IF unreadable IS NOT NULL THEN
        RAISE WARNING USING ERRCODE = 'QY060',
            MESSAGE = format('%s encrypted values that neither key opens were left as they are', cardinality(unreadable)),
            DETAIL = format('Table quay.%I, column %I, id %s.', table_name, column_name,
                array_to_string(unreadable[1:10], ', ') || CASE WHEN cardinality(unreadable) > 10 THEN ', ...' ELSE '' END),
            HINT = 'quay.secret_check() lists them.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.secret_rotate_batch(text, text, bigint, integer, text, text) IS
    'Gives the next values of a column after last_id the new key, or empties them if they are digests. Result: how many it looked at, and the last id. Warns (QY060) of those that neither key opens.';

CREATE OR REPLACE FUNCTION quay_internal.secret_rotate_verify(old text, new text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A session that had the old key still may have written behind our back.
    UPDATE quay_internal.secret_rotation AS r SET finished = false, last_id = left_over.id - 1
    FROM (SELECT c.table_name, c.column_name, s.id
          FROM quay_internal.keyed_column_list() AS c
          CROSS JOIN LATERAL quay_internal.secret_scan(c.table_name, c.column_name, ARRAY['old'], 1, old, new) AS s
          WHERE NOT c.digest) AS left_over
    WHERE r.table_name = left_over.table_name AND r.column_name = left_over.column_name;
    RETURN NOT FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.secret_rotate_verify(text, text) IS
    'Has no encrypted column a value with the old key? Those that have one are taken up again, from there on. Reads all encrypted values.';

CREATE OR REPLACE FUNCTION quay.secret_rotate(old text DEFAULT NULL, new text DEFAULT NULL, batch integer DEFAULT 1000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    progress quay_internal.secret_rotation;
    done record;
BEGIN
    IF batch IS NULL OR batch < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a batch must be positive',
            DETAIL = format('It is %s.', coalesce(batch::text, 'NULL')),
            HINT = 'Pass how many rows one call may lock, for example 1000.';
    END IF;
    PERFORM quay_internal.secret_rotate_start(old, new);
    LOOP
        SELECT * INTO progress FROM quay_internal.secret_rotation AS r
        WHERE NOT r.finished ORDER BY r.table_name, r.column_name LIMIT 1;
        IF NOT FOUND THEN
            EXIT WHEN quay_internal.secret_rotate_verify(old, new);
            CONTINUE;
        END IF;
        done := quay_internal.secret_rotate_batch(progress.table_name, progress.column_name, progress.last_id, batch, old, new);
        UPDATE quay_internal.secret_rotation AS r SET last_id = done.last_id, finished = done.looked = 0
        WHERE r.table_name = progress.table_name AND r.column_name = progress.column_name;
        IF done.looked > 0 THEN
            RETURN done.looked;
        END IF;
    END LOOP;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION quay.secret_rotate(text, text, integer) IS
'Gives up to batch encrypted values the new key in place of the old one, and returns how many values it looked at, 0 when all have it. Call it until then; each call is a transaction of its own, remembers how far it got, and may be repeated after a crash. The registry runs on meanwhile: values are read with either key.
1. Write the old key into the file that quay.database_secret_key_previous_file names, then the new one into that of quay.database_secret_key_file. Both count at once. (With the keys in quay.database_secret_key itself, restart the server: at a reload PostgreSQL logs the new value of each setting that it changes.)
2. CALL quay.secret_rotate_all(), or call this without arguments until it returns 0. The last call reads all values once more and takes up those that sessions with the old key have written meanwhile; so do further calls.
3. When quay.secret_check() gives no row, set quay.database_secret_key_previous_file to nothing.
NULL for old and new means these settings. Do not write keys into a statement: it may end up in a log.
Values that neither key opens are left as they are, with a warning. Digests of OAuth tokens are emptied: the next use of each token makes its own anew. Locks the rows of its batch, as an update of them would.
Errors: QY060 neither key opens any value at all, 22023 batch not positive, not a key, or the same key twice, 55000 a key is not set.';

CREATE OR REPLACE PROCEDURE quay.secret_rotate_all(batch integer DEFAULT 1000)
    LANGUAGE plpgsql AS $$
DECLARE
    looked pg_catalog.int8;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    LOOP
        looked := quay.secret_rotate(batch => secret_rotate_all.batch);
        COMMIT;
        EXIT WHEN looked OPERATOR(pg_catalog.=) 0;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay.secret_rotate_all(integer) IS
    'Calls quay.secret_rotate() with the keys of the settings until all values have the new key, and commits after each batch. Not within a transaction. It may be interrupted and called again. Errors: as for secret_rotate().';

CREATE OR REPLACE FUNCTION quay.secret_check(n integer DEFAULT 100) RETURNS TABLE (table_name text, column_name text, id bigint, key text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT c.table_name, c.column_name, s.id, CASE s.key WHEN 'old' THEN 'previous' ELSE s.key END
    FROM quay_internal.keyed_column_list() AS c
    CROSS JOIN LATERAL quay_internal.secret_scan(c.table_name, c.column_name, ARRAY['old', 'none'], quay_internal.page_size(n), NULL, NULL) AS s
    WHERE NOT c.digest
    ORDER BY c.table_name, c.column_name, s.id
    LIMIT n;
END
$$;
COMMENT ON FUNCTION quay.secret_check(integer) IS
    'Encrypted values that quay.database_secret_key does not open, up to n of them. key: previous, quay.database_secret_key_previous opens it and quay.secret_rotate() has still to be called; none, no key opens it: it is damaged, or has a third key. Reads all encrypted values. Errors: 22023 negative n, 55000 no key is set.';

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
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers an incremental sort, which stops with the page
    SET jit = off AS $$
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    image_id bigint := quay_internal.repositorykind_id('image');
    public_id bigint := quay_internal.visibility_id('public');
    with_public boolean;
    public_namespaces bigint[] := '{}'::bigint[];
    public_is_rare boolean;
    walk boolean;
    single_ids bigint[];
    -- No name has a "/" before that of the repository, so the order of these two keys is that of "namespace/repository".
    after_namespace text COLLATE "C" := coalesce(split_part(after, '/', 1) || CASE WHEN strpos(after, '/') > 0 THEN '/' ELSE '' END, '');
    after_repository text COLLATE "C" := CASE WHEN strpos(after, '/') > 0 THEN substring(after FROM strpos(after, '/') + 1) ELSE '' END;
    batch bigint[];
    readable bigint[];
    returned integer;
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    with_public := reach.sees_public AND quay_internal.setting('public_catalog')::boolean;
    IF NOT with_public AND reach.account_id IS NOT NULL THEN
        public_namespaces := ARRAY(SELECT u.id FROM quay.public_namespace AS p JOIN quay."user" AS u ON u.username = p.username);
    END IF;
    -- A few public repositories are found faster one by one than by a walk through all namespaces.
    public_is_rare := with_public AND NOT EXISTS (
        SELECT FROM quay.repository AS r WHERE r.visibility_id = public_id OFFSET 1000);
    walk := reach.sees_all OR with_public AND NOT public_is_rare;

    single_ids := reach.named || ARRAY(
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.user_id = reach.grantee_id
        UNION ALL
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.team_id = ANY (reach.teams));
    IF public_is_rare THEN
        single_ids := single_ids || ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.visibility_id = public_id);
    END IF;

    WHILE remaining > 0 LOOP
        -- From each source as much as a page may need, in the order of the names.
        batch := ARRAY(
            SELECT e.id
            FROM ((SELECT n.path, r.name, r.id                -- all namespaces
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE walk AND NOT u.robot AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id AND (reach.sees_all OR r.visibility_id = public_id)
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT n.path, r.name, r.id                -- those of the actor, and those that everybody sees
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE u.id = ANY (reach.namespaces || public_namespaces) AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id AND (n.id = ANY (reach.namespaces) OR r.visibility_id = public_id)
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT u.username || '/' AS path, r.name, r.id                -- one by one
                   FROM (SELECT DISTINCT s.id FROM unnest(single_ids) AS s (id)) AS s
                   JOIN quay.repository AS r ON r.id = s.id AND r.state <> 3 AND r.kind_id = image_id
                   JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
                   WHERE ((u.username || '/'), r.name) > (after_namespace, after_repository)
                   ORDER BY path, r.name LIMIT remaining)) AS e
            ORDER BY e.path, e.name LIMIT remaining);
        readable := quay.access_filter_many(actor, batch, 'read', scopes);
        RETURN QUERY
            SELECT u.username::text, r.name::text, u.username || '/' || r.name, v.name::text
            FROM unnest(readable) AS e (id)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.visibility AS v ON v.id = r.visibility_id
            ORDER BY (u.username || '/'), r.name;
        GET DIAGNOSTICS returned = ROW_COUNT;
        EXIT WHEN cardinality(batch) < remaining;
        SELECT u.username || '/', r.name INTO after_namespace, after_repository
        FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = batch[remaining];
        remaining := remaining - returned;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.catalog(text, text, integer, text) IS
    'Image repositories that the actor may read (NULL: anonymous), in byte order of name, which is "namespace/repository", at most n, those after the name after. Public ones in which he has no right of his own are among them with quay.public_catalog; without it, only for users, and only those of namespaces in quay.public_namespace. Errors: 22023 n negative.';

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
    for_admin CONSTANT text[] := ARRAY['downgrade_refuse', 'field_encrypt_with', 'field_key', 'field_rotate', 'grant_role',
                                    'log_partition_drop', 'log_partition_ensure', 'revoke_role', 'search_index_create', 'secret_check',
                                    'secret_rotate', 'secret_rotate_all', 'secret_rotate_batch', 'secret_rotate_start', 'secret_rotate_verify',
                                    'secret_scan', 'version_require', 'version_set'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'utc_now', 'repository_get'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['actor_resolve', 'app_token_get', 'app_token_problem', 'authenticate_app_token',
                                          'bootstrap_owner', 'bootstrap_token_check', 'bootstrap_token_problem', 'field_decrypt',
                                          'field_matches', 'invite_get', 'invite_list_for', 'login_account',
                                          'login_is_fresh', 'oauth_application_secret', 'oauth_client_check', 'oauth_code_find',
                                          'oauth_token_match', 'oauth_token_problem', 'password_decrypt', 'password_verify',
                                          'repository_badge_token_get', 'repository_token_find', 'repository_token_get', 'repository_token_load',
                                          'robot_account', 'robot_pull_credentials', 'robot_token', 'secret_digest',
                                          'secret_equal', 'team_invite_list_by_email', 'team_invite_lookup', 'user_has_password',
                                          'user_team_invite_list'];
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
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'entity_change', 'rights_change')
             OR c.relname = 'secret_rotation' AND privilege_list.kind <> 'admin' THEN ARRAY['SELECT']
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
COMMENT ON COLUMN quay."user".uuid IS 'Session identity (UUID v4): signed sessions name it, and a new value ends them all. Unique. NULL only in old rows.';
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

COMMENT ON TABLE quay.allowed_robot IS 'Robots that may log in although quay.robots_disallow is on (ROBOTS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.allowed_robot.username IS 'Full name of the robot, namespace+shortname. It need not exist.';

COMMENT ON TABLE quay.blocked_email_domain IS 'Domains from whose addresses nobody may sign up (BLACKLISTED_EMAIL_DOMAINS of the reference).';
COMMENT ON COLUMN quay.blocked_email_domain.domain IS 'Domain in lower case. Its subdomains are blocked too.';

COMMENT ON TABLE quay.deletion_grace_namespace IS 'Namespaces that are kept for quay.namespace_gc_grace_period after their deletion (NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST of the reference).';
COMMENT ON COLUMN quay.deletion_grace_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.public_namespace IS 'Namespaces that every user is shown (PUBLIC_NAMESPACES of the reference).';
COMMENT ON COLUMN quay.public_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.unrestricted_user IS 'People who may write into their own namespaces although quay.restricted_users is on (RESTRICTED_USERS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.unrestricted_user.username IS 'Name of the person. It need not exist.';

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
COMMENT ON COLUMN quay.permissionprototype.uuid IS 'Public handle (UUID v4) in the API. Unique.';
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
COMMENT ON COLUMN quay.oauthapplication.client_id IS 'Public OAuth client id, 20 random characters unless given. Unique.';
COMMENT ON COLUMN quay.oauthapplication.redirect_uri IS 'Where tokens and codes may be sent; empty: nowhere but the registry''s own page.';
COMMENT ON COLUMN quay.oauthapplication.application_uri IS 'Home page shown on the consent page, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.organization_id IS 'Namespace whose admins manage the application.';
COMMENT ON COLUMN quay.oauthapplication.name IS 'Shown on the consent page. __quay_bootstrap_app is reserved.';
COMMENT ON COLUMN quay.oauthapplication.description IS 'Free text, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.gravatar_email IS 'Address whose avatar is shown. NULL: none.';
COMMENT ON COLUMN quay.oauthapplication.secure_client_secret IS 'Secret, encrypted (v0$$...): OAuth client secret, 40 characters. NULL: none, so the code flow is closed.';
COMMENT ON COLUMN quay.oauthapplication.fully_migrated IS 'Legacy: the client secret was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.oauthauthorizationcode IS 'Authorization codes that wait to be exchanged for a token. Used once, then deleted; good for quay.oauth_authorization_code_lifetime.';
COMMENT ON COLUMN quay.oauthauthorizationcode.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthauthorizationcode.application_id IS 'Application the code was issued to.';
COMMENT ON COLUMN quay.oauthauthorizationcode.scope IS 'Scopes granted, space-separated; the exchange must present the same text.';
COMMENT ON COLUMN quay.oauthauthorizationcode.data IS 'JSON object with the username who consented.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_credential IS 'Secret at rest: bcrypt hash of the code after its first 20 characters.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_name IS 'First 20 characters of the code in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthauthorizationcode.created IS 'When the code was made (UTC). NULL counts as expired.';
COMMENT ON COLUMN quay.oauthauthorizationcode.redirect_uri IS 'Redirect URI of the request, which the exchange has to repeat (RFC 6749, 4.1.3). NULL: any of the application.';

COMMENT ON TABLE quay.oauthaccesstoken IS 'OAuth bearer tokens (user $oauthtoken at the registry API), each acting for one user within its scopes.';
COMMENT ON COLUMN quay.oauthaccesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthaccesstoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
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
COMMENT ON COLUMN quay.oauthaccesstoken.token_digest IS 'Keyed SHA-256 of the whole token in hexadecimal, which spares the slow bcrypt. NULL until the token is used for the first time.';

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
COMMENT ON COLUMN quay.appspecificauthtoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
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

COMMENT ON TABLE quay_internal.rights_change IS 'Always empty. A change of what decides about access invalidates it, and sessions forget what they remember.';
COMMENT ON TABLE quay_internal.secret_rotation IS 'How far quay.secret_rotate() has got in each encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.table_name IS 'Table of the column, in schema quay.';
COMMENT ON COLUMN quay_internal.secret_rotation.column_name IS 'The encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.last_id IS 'Id of the last row that has the new key.';
COMMENT ON COLUMN quay_internal.secret_rotation.finished IS 'Are all rows done?';
COMMENT ON COLUMN quay_internal.secret_rotation.key_check IS 'A known text, encrypted with the new key: another new key starts anew.';

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
COMMENT ON COLUMN quay.messages.uuid IS 'Public handle (UUID v4) for deletion. Unique, but for rows written without one, which have an empty text.';
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

SELECT quay_internal.version_set('1.1');
