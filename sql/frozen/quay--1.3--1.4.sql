\echo Use "ALTER EXTENSION quay UPDATE TO '1.4'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.3');

-- @step
-- 1.3 to 1.4: a Quay moves in, and every upgrade is safe. One section per topic, in the order of the schema's parts.
-- @about A Quay moves in, and every upgrade is safe: adoption, a journal of migrations, backfills in batches.
-- @lock SHARE ROW EXCLUSIVE: quay."user", quay.mediatype, quay.repository, quay.repositorypermission, quay.role, quay.superuser, quay.team
-- @lock SHARE ROW EXCLUSIVE: quay.teammember, quay.teamrole, quay.visibility, quay_internal.schema_version

-- --- migration

CREATE TABLE quay_internal.migration_journal (
    finished_ms    bigint NOT NULL,
    kind           text COLLATE "C" NOT NULL,
    from_version   text COLLATE "C",
    to_version     text COLLATE "C" NOT NULL,
    duration_ms    bigint,
    role_name      text COLLATE "C",
    server_version text COLLATE "C",
    CONSTRAINT pk_migration_journal PRIMARY KEY (finished_ms),
    CONSTRAINT migration_journal_kind CHECK (kind IN ('before', 'install', 'update', 'downgrade'))
);

-- Which backfills there are is code (quay_internal.backfill_list), so that a dump of one version restores into another.
CREATE TABLE quay_internal.backfill (
    name        text COLLATE "C" NOT NULL,
    last_key    bigint NOT NULL DEFAULT 0,
    end_key     bigint NOT NULL DEFAULT 0,
    rows_done   bigint NOT NULL DEFAULT 0,
    batch_rows  integer NOT NULL,
    throttle_ms integer NOT NULL,
    started_ms  bigint,
    updated_ms  bigint,
    finished_ms bigint,
    last_error  text,
    CONSTRAINT pk_backfill PRIMARY KEY (name),
    CONSTRAINT backfill_batch_rows CHECK (batch_rows > 0),
    CONSTRAINT backfill_throttle_ms CHECK (throttle_ms >= 0)
);
SELECT pg_extension_config_dump('quay_internal.migration_journal', '');
SELECT pg_extension_config_dump('quay_internal.backfill', '');

-- Of what was run before there is only the end. The step itself writes its own line.
INSERT INTO quay_internal.migration_journal (finished_ms, kind, to_version)
SELECT extract(epoch FROM v.installed_at) * 1000, 'before', v.version FROM quay_internal.schema_version AS v;

-- Adoption

CREATE SEQUENCE quay_internal.adoption_run_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.adoption_run (
    id               bigint NOT NULL DEFAULT nextval('quay_internal.adoption_run_id_seq'),
    source_schema    text COLLATE "C" NOT NULL,
    dry_run          boolean NOT NULL,
    revision         text COLLATE "C" NOT NULL,
    batch_size       integer NOT NULL,
    owner_pid        integer,
    owner_started_ms bigint,
    started_ms       bigint NOT NULL,
    ended_ms         bigint,
    error            text,
    CONSTRAINT pk_adoption_run PRIMARY KEY (id)
);
ALTER SEQUENCE quay_internal.adoption_run_id_seq OWNED BY quay_internal.adoption_run.id;

-- What a run does, in order: each step is begun, continued after last_id, and ended in transactions that also hold its work.
CREATE TABLE quay_internal.adoption_step (
    run_id      bigint NOT NULL,
    place    integer NOT NULL,
    phase       text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    last_id     bigint NOT NULL DEFAULT 0,
    row_count   bigint NOT NULL DEFAULT 0,
    source_rows bigint,
    source_ids  numeric,
    started_ms  bigint,
    ended_ms    bigint,
    CONSTRAINT pk_adoption_step PRIMARY KEY (run_id, place),
    CONSTRAINT fk_adoption_step_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

-- One row for each row of the source that is left out or changed. The copy reads it: what stands here is what happens.
CREATE SEQUENCE quay_internal.adoption_report_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay_internal.adoption_report (
    id          bigint NOT NULL DEFAULT nextval('quay_internal.adoption_report_id_seq'),
    run_id      bigint NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    source_id   bigint NOT NULL,
    treatment   text COLLATE "C" NOT NULL,
    column_name text COLLATE "C",
    old_value   text,
    new_value   text,
    detail      text,
    CONSTRAINT pk_adoption_report PRIMARY KEY (id),
    CONSTRAINT adoption_report_treatment CHECK (treatment = ANY (ARRAY['left out', 'changed', 'decoded', 'merged', 'kept'])),
    CONSTRAINT fk_adoption_report_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);
ALTER SEQUENCE quay_internal.adoption_report_id_seq OWNED BY quay_internal.adoption_report.id;
CREATE UNIQUE INDEX adoption_report_out ON quay_internal.adoption_report (run_id, table_name, source_id)
    WHERE treatment = ANY (ARRAY['left out', 'merged']);
CREATE UNIQUE INDEX adoption_report_column ON quay_internal.adoption_report (run_id, table_name, column_name, source_id)
    WHERE treatment = ANY (ARRAY['changed', 'decoded']);
CREATE INDEX adoption_report_run_id_rule ON quay_internal.adoption_report (run_id, rule, id);

-- How many rows each rule met. Of rules that change nothing this is the whole report, but for a few examples.
CREATE TABLE quay_internal.adoption_finding (
    run_id      bigint NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    column_name text COLLATE "C" NOT NULL DEFAULT '',
    treatment   text COLLATE "C" NOT NULL,
    row_count   bigint NOT NULL,
    CONSTRAINT pk_adoption_finding PRIMARY KEY (run_id, rule, table_name, column_name),
    CONSTRAINT fk_adoption_finding_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

-- Rows of the source that become rows with another id: enumerations, by name, and blobs of one digest.
CREATE TABLE quay_internal.adoption_map (
    run_id     bigint NOT NULL,
    table_name text COLLATE "C" NOT NULL,
    source_id  bigint NOT NULL,
    target_id  bigint NOT NULL,
    CONSTRAINT pk_adoption_map PRIMARY KEY (run_id, table_name, source_id),
    CONSTRAINT fk_adoption_map_run_id FOREIGN KEY (run_id) REFERENCES quay_internal.adoption_run (id)
);

SELECT pg_extension_config_dump('quay_internal.adoption_run_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.adoption_run', '');
SELECT pg_extension_config_dump('quay_internal.adoption_step', '');
SELECT pg_extension_config_dump('quay_internal.adoption_report_id_seq', '');
SELECT pg_extension_config_dump('quay_internal.adoption_report', '');
SELECT pg_extension_config_dump('quay_internal.adoption_finding', '');
SELECT pg_extension_config_dump('quay_internal.adoption_map', '');

-- @part step api/010_core.sql
-- What all other parts use: settings, the clock, versions, and finding a namespace, a repository or an actor by name.

CREATE OR REPLACE FUNCTION quay_internal.setting(name text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_setting_get';
COMMENT ON FUNCTION quay_internal.setting(text) IS
    'Value of the setting quay.<name> as text, numbers in their base unit. Loads the library first, which current_setting() does not.';

-- STABLE, though it goes on during a statement: what is compared with a VOLATILE function is looked up by no index. It is read where it is
-- called: in an assignment at that moment, in a condition when the scan begins, and again for a row that was waited for.
CREATE OR REPLACE FUNCTION quay_internal.clock() RETURNS timestamptz
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get';
COMMENT ON FUNCTION quay_internal.clock() IS
    'The present that every function uses: the wall clock, or quay.clock in tests. Read it after a lock is held, not before.';

CREATE OR REPLACE FUNCTION quay_internal.clock_ms() RETURNS bigint
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get_ms';
COMMENT ON FUNCTION quay_internal.clock_ms() IS 'clock() in milliseconds since 1970, the unit of tag lifetimes.';

CREATE OR REPLACE FUNCTION quay_internal.utc_now() RETURNS timestamp
    LANGUAGE sql STABLE PARALLEL SAFE
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
    PERFORM quay_internal.migration_record(v.version, version_set.version) FROM quay_internal.schema_version AS v;
    UPDATE quay_internal.schema_version
    SET version = version_set.version, installed_at = quay_internal.utc_now();
END
$$;
COMMENT ON FUNCTION quay_internal.version_set(text) IS 'Last statement of every update and downgrade script: the version of the rows, and a line in the journal. At commit every session looks at the version anew.';

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

-- @part step api/030_log.sql
-- The audit log: who did it, adding a row, and its monthly partitions.

CREATE OR REPLACE FUNCTION quay_internal.actor_id(actor text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF actor_id.actor IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = actor_id.actor;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'actor does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(actor_id.actor, 80)),
            HINT = 'Pass the actor that quay.authenticate() returned, or NULL for anonymous.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.actor_id(text) IS
    'Id of the person, organization or robot that acts; NULL for anonymous. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_service_account() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account text := quay_internal.setting('service_log_account');
BEGIN
    RETURN coalesce(CASE account WHEN '' THEN (SELECT min(u.id) FROM quay."user" AS u)
                                 ELSE (SELECT u.id FROM quay."user" AS u WHERE u.username = account) END, 0);
END
$$;
COMMENT ON FUNCTION quay_internal.log_service_account() IS
    'Id of the account of entries that belong to no namespace: quay.service_log_account, 0 if nobody has that name; without the setting the smallest id, as in the reference.';

CREATE OR REPLACE FUNCTION quay_internal.log_insert(kind text, account_id bigint, performer_id bigint, repository_id bigint,
                                                    metadata jsonb[], ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pull boolean := log_insert.kind IN ('pull_repo', 'repo_verb');
    free_is_logged boolean := NOT pull OR quay_internal.setting('free_namespace_pull_logs')::boolean;
BEGIN
    -- One statement finds the kind, asks whether the namespace is logged at all, and writes.
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    SELECT k.id, log_insert.account_id, log_insert.performer_id, log_insert.repository_id, log_insert.at, left(log_insert.ip, 255),
           coalesce(m.metadata, '{}')::text
    FROM quay.logentrykind AS k CROSS JOIN unnest(log_insert.metadata) AS m (metadata)
    WHERE k.name = log_insert.kind
      AND NOT EXISTS (SELECT FROM quay.unlogged_namespace AS s JOIN quay."user" AS u ON u.username = s.username
                      WHERE u.id = log_insert.account_id AND (pull OR s.scope = 'all'))
      AND (free_is_logged OR NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = log_insert.account_id AND u.stripe_id IS NULL));
    IF FOUND THEN
        RETURN 'written';
    END IF;
    PERFORM quay_internal.log_kind_ids(ARRAY[log_insert.kind]);
    RETURN 'skipped';
END
$$;
COMMENT ON FUNCTION quay_internal.log_insert(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log, one for each of the metadata: written; skipped if the namespace is in quay.unlogged_namespace, or it is a pull and the namespace is free and quay.free_namespace_pull_logs is off. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_kind_ids(kinds text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT k.id FROM quay.logentrykind AS k WHERE k.name = ANY (kinds));
    unknown text;
BEGIN
    IF cardinality(ids) < cardinality(kinds) THEN
        SELECT u.kind INTO unknown FROM unnest(kinds) AS u (kind)
        WHERE NOT EXISTS (SELECT FROM quay.logentrykind AS k WHERE k.name = u.kind) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown kind of log entry',
                DETAIL = format('There is no kind named "%s".', left(unknown, 80)),
                HINT = 'The table quay.logentrykind lists the kinds.';
        END IF;
    END IF;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION quay_internal.log_kind_ids(text[]) IS 'Ids of kinds of log entries, in no order. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_may_be_lost(kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('allow_without_strict_logging')::boolean
        OR log_may_be_lost.kind IN ('pull_repo', 'pull_repo_failed', 'login_success', 'login_failure', 'logout_success')
           AND quay_internal.setting('allow_pulls_without_strict_logging')::boolean;
END
$$;
COMMENT ON FUNCTION quay_internal.log_may_be_lost(text) IS
    'May what is logged go on when its row cannot be written? By quay.allow_without_strict_logging, and for the five relaxed kinds by quay.allow_pulls_without_strict_logging.';

CREATE OR REPLACE FUNCTION quay_internal.log_put(kind text, account_id bigint, performer_id bigint, repository_id bigint, metadata jsonb[],
                                                 ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay_internal.log_may_be_lost(log_put.kind) THEN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    END IF;
    BEGIN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    EXCEPTION
        -- A wrong call stays wrong, and what is to be repeated is repeated whole.
        WHEN SQLSTATE 'QY009' OR transaction_rollback THEN
            RAISE;
        WHEN OTHERS THEN
            RAISE WARNING USING ERRCODE = 'QY100',
                MESSAGE = 'log entry lost',
                DETAIL = format('%s of kind "%s": %s (%s)', cardinality(log_put.metadata), log_put.kind, SQLERRM, SQLSTATE),
                HINT = 'Settings quay.allow_without_strict_logging and quay.allow_pulls_without_strict_logging permit it.';
            RETURN 'lost';
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_put(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log: written, skipped (see log_insert()), or lost: the rows could not be written, which a setting permits, and the server''s log has a warning (QY100). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add_many(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                      metadata jsonb[], ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_put(kind, coalesce(namespace_id, quay_internal.log_service_account()), performer_id, repository_id, metadata,
                                  ip, quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.log_add_many(text, bigint, bigint, bigint, jsonb[], text) IS
    'Adds rows of one kind to the audit log, one for each of the metadata, by the rules of quay.log_write(). A NULL namespace means log_service_account(). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add_many(kind, namespace_id, performer_id, repository_id, ARRAY[metadata], ip);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log: see log_add_many().';

CREATE OR REPLACE FUNCTION quay_internal.log_partition_missing(months_ahead integer) RETURNS SETOF timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', quay_internal.utc_now());
BEGIN
    RETURN QUERY
        SELECT wanted.month
        FROM (SELECT g.month
              FROM generate_series(this_month, this_month + make_interval(months => months_ahead), interval '1 month') AS g (month)
              UNION
              SELECT date_trunc('month', l.datetime) FROM quay.logentry3_default AS l WHERE isfinite(l.datetime)) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                          WHERE i.inhparent = 'quay.logentry3'::regclass
                            AND c.relname = to_char(wanted.month, '"logentry3_y"YYYY"m"MM'))
        ORDER BY wanted.month;
END
$$;
COMMENT ON FUNCTION quay_internal.log_partition_missing(integer) IS
    'First days of the months that need a partition of the audit log and have none: this one, the coming ones, and those of rows in the default partition.';

CREATE OR REPLACE FUNCTION quay.log_partition_ensure(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp;
    name text;
BEGIN
    -- One call at a time, before anything is read: a read lock on the default partition, once held, would deadlock with the other call's
    -- exclusive one. It keeps neither readers nor writers waiting.
    LOCK TABLE quay.logentry3 IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead)) THEN
        RETURN;
    END IF;

    -- A row that is on its way into the default partition would be refused there once its month is attached: whoever writes has to wait
    -- before he chooses. Months ahead, which nobody writes into, keep no writer waiting.
    IF EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead) AS m WHERE m <= quay_internal.utc_now()) THEN
        LOCK TABLE quay.logentry3 IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    -- No row may arrive between the move and the attachment. ATTACH PARTITION needs this lock anyhow.
    LOCK TABLE quay.logentry3_default IN ACCESS EXCLUSIVE MODE;
    FOR month IN SELECT m FROM quay_internal.log_partition_missing(months_ahead) AS m LOOP
        name := to_char(month, '"logentry3_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE quay.%I (LIKE quay.logentry3_default INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE quay.%I OWNER TO %I', name,
            (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
        EXECUTE format('COMMENT ON TABLE quay.%I IS %L', name, 'Audit log of the month that its name says.');
        EXECUTE format('WITH moved AS (DELETE FROM quay.logentry3_default WHERE datetime >= %2$L AND datetime < %3$L RETURNING *) '
                       'INSERT INTO quay.%1$I SELECT * FROM moved', name, month, month + interval '1 month');
        EXECUTE format('ALTER TABLE quay.logentry3 ATTACH PARTITION quay.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        -- Somebody may have dropped the month, and what was counted of it says nothing about the rows that are here.
        INSERT INTO quay_internal.log_count_month AS c (month, counted_id) VALUES (month::date, -1)
        ON CONFLICT ON CONSTRAINT pk_log_count_month DO UPDATE SET counted_id = -1;
        RETURN NEXT name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_partition_ensure(integer) IS
    'Makes the monthly partitions of the audit log for this and the coming months, and for months of which the default partition holds rows, which it moves. Returns the names of the new ones; a call that finds nothing to do keeps nobody waiting but other such calls. For the owner of the tables.';

-- @part step api/220_manifest.sql
-- Manifests: reading what they say, and pushing one with all that belongs to it.

CREATE OR REPLACE FUNCTION quay_internal.manifest_parse(manifest bytea, declared_type text,
        OUT digest text, OUT content text, OUT media_type text, OUT is_index boolean, OUT is_image boolean,
        OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
        OUT subject text, OUT artifact_type text, OUT layers_compressed_size bigint, OUT blobs text[],
        OUT children text[], OUT child_sizes bigint[], OUT annotations jsonb, OUT config_data bytea,
        OUT payload bytea, OUT name text, OUT tag text, OUT architecture text, OUT labels jsonb)
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_read';
COMMENT ON FUNCTION quay_internal.manifest_parse(bytea, text) IS
    'What a manifest says, after all checks that need no table. declared_type: as in Content-Type; NULL: the manifest itself says it. digest: its sha256. blobs: the digests that the registry must hold, config and local layers, each once. children: of an index, as listed. config_data: the config, if it is embedded. Docker schema 1 only: the name and the tag under which the manifest was made, its architecture, the labels of its uppermost image, and of a signed one the payload, of which the digest is made. Sizes in bytes. Errors: QY030 invalid, QY031 larger than quay.maximum_manifest_size, QY032 media type.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_annotations(content text) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_annotations';
COMMENT ON FUNCTION quay_internal.manifest_annotations(text) IS 'Annotations of a stored manifest, an object; NULL if it cannot be read. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.imageconfig_labels(config bytea, media_type text) RETURNS jsonb
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_imageconfig_labels';
COMMENT ON FUNCTION quay_internal.imageconfig_labels(bytea, text) IS
    'Labels of an image configuration of that media type, an object. Errors: QY036 invalid configuration.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_is_alive(manifest_id bigint, now_ms bigint, with_hidden boolean DEFAULT true) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.tag AS t
                   WHERE t.manifest_id = manifest_is_alive.manifest_id AND (with_hidden OR NOT t.hidden)
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
        OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                   WHERE c.child_manifest_id = manifest_is_alive.manifest_id AND (with_hidden OR NOT t.hidden)
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_is_alive(bigint, bigint, boolean) IS
    'Does a live tag point to the manifest or to an index that lists it? with_hidden: a temporary one counts.';

CREATE OR REPLACE FUNCTION quay_internal.digest_require(expected text, data bytea, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual text := quay_internal.digest_compute(data, quay_internal.digest_check(expected));
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = format('digest does not match the %s', what),
            DETAIL = format('Expected "%s", the %s bytes have "%s".', expected, length(data), actual),
            HINT = 'Send the bytes exactly as the client pushed them.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.digest_require(text, bytea, text) IS
    'Refuses bytes that have another digest. Errors: QY020 malformed, QY021 mismatch, QY022 unsupported algorithm.';

-- The parts of a push

CREATE OR REPLACE FUNCTION quay_internal.manifest_blobs_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
    present text[];
    missing text[];
    config_size bigint;
BEGIN
    -- The lock keeps the rows until the push commits; in order of id, so that two pushes cannot wait for each other.
    SELECT array_agg(b.id), min(b.image_size) FILTER (WHERE b.content_checksum = parsed.config_digest)
    INTO blob_ids, config_size
    FROM (SELECT b.id, b.content_checksum, b.image_size
          FROM quay.imagestorage AS b
          WHERE b.content_checksum = ANY (parsed.blobs)
          ORDER BY b.id FOR KEY SHARE) AS b;
    blob_ids := quay_internal.blob_held(repository_id, blob_ids);
    IF cardinality(blob_ids) IS DISTINCT FROM cardinality(parsed.blobs) THEN
        present := ARRAY(SELECT b.content_checksum::text FROM quay.imagestorage AS b WHERE b.id = ANY (blob_ids));
        missing := ARRAY(SELECT d.digest FROM unnest(parsed.blobs) AS d (digest) WHERE d.digest <> ALL (present) ORDER BY d.digest);
        RAISE EXCEPTION USING ERRCODE = 'QY033',
            MESSAGE = 'manifest refers to blobs that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Upload them with quay.upload_start(), or mount them with quay.blob_mount(), and push again.';
    END IF;
    IF config_size <> parsed.config_size THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest gives the wrong size of its config',
            DETAIL = format('Field config.size is %s, the blob "%s" has %s bytes.', parsed.config_size, parsed.config_digest, config_size),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(blob_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_blobs_require(bigint, record) IS
    'Ids of the blobs that a parsed manifest refers to, their rows locked. Errors: QY030 wrong size of the config, QY033 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_check(parsed record, child_ids bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT d.digest, d.size, octet_length(m.manifest_bytes) AS actual INTO wrong
    FROM quay.manifest AS m
    JOIN unnest(parsed.children, parsed.child_sizes) AS d (digest, size) ON d.digest = m.digest
    WHERE m.id = ANY (child_ids)
      AND m.manifest_bytes <> '' AND octet_length(m.manifest_bytes) <> d.size   -- '': only known, not held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong size of a manifest',
            DETAIL = format('It says %s for "%s", which has %s bytes.', wrong.size, wrong.digest, wrong.actual),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    -- A schema 1 manifest says itself what it runs on; no other kind does, and no other list has it.
    IF parsed.media_type <> 'application/vnd.docker.distribution.manifest.list.v2+json' THEN
        RETURN;
    END IF;
    SELECT m.digest, quay_internal.json_or_null(m.manifest_bytes) ->> 'architecture' AS actual, e.entry -> 'platform' ->> 'architecture' AS stated
    INTO wrong
    FROM json_array_elements(parsed.content::json -> 'manifests') AS e (entry)
    JOIN quay.manifest AS m ON m.digest = e.entry ->> 'digest' AND m.id = ANY (child_ids) AND m.manifest_bytes <> ''
    WHERE e.entry ->> 'mediaType' = 'application/vnd.docker.distribution.manifest.v1+json'
      AND quay_internal.json_or_null(m.manifest_bytes) ->> 'architecture' IS DISTINCT FROM e.entry -> 'platform' ->> 'architecture'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong architecture of a manifest',
            DETAIL = format('It says "%s" for "%s", which is made for "%s".', left(wrong.stated, 80), wrong.digest, left(wrong.actual, 80)),
            HINT = 'The platform in a descriptor must be that of the content.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_check(record, bigint[]) IS
    'Refuses (QY030) a parsed index that is wrong about the size of these manifests, or about the architecture of one of Docker schema 1.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_require(repository_id bigint, parsed record,
                                                                   OUT child_ids bigint[], OUT missing text[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    present text[];
BEGIN
    SELECT coalesce(array_agg(m.id), '{}'), coalesce(array_agg(m.digest::text), '{}') INTO child_ids, present
    FROM (SELECT m.id, m.digest FROM quay.manifest AS m
          WHERE m.repository_id = manifest_children_require.repository_id AND m.digest = ANY (parsed.children)
          ORDER BY m.id FOR KEY SHARE) AS m;
    missing := ARRAY(SELECT DISTINCT d.digest FROM unnest(parsed.children) AS d (digest)
                     WHERE d.digest <> ALL (present) ORDER BY d.digest);
    IF missing <> '{}' AND NOT quay_internal.setting('sparse_index')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY034',
            MESSAGE = 'index lists manifests that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Push them by digest first, then the index.';
    END IF;
    PERFORM quay_internal.manifest_children_check(parsed, child_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_require(bigint, record) IS
    'Ids of the manifests that a parsed index lists, their rows locked, and the digests of those that the repository does not have, which only quay.sparse_index allows. Errors: QY030 wrong size or architecture, QY034 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_labels(parsed record, config bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF config IS NOT NULL THEN
        IF parsed.config_digest IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY036',
                MESSAGE = format('%s has no config', CASE WHEN parsed.is_index THEN 'an index' ELSE 'a schema 1 manifest' END),
                DETAIL = format('The manifest is of type "%s".', parsed.media_type),
                HINT = 'Pass config only with the manifest of an image that refers to one.';
        END IF;
        PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    END IF;
    config := coalesce(config, parsed.config_data);
    IF parsed.is_index THEN
        RETURN '{}';
    ELSIF parsed.labels IS NOT NULL THEN
        RETURN parsed.labels;
    ELSIF parsed.is_image AND config IS NOT NULL THEN
        RETURN quay_internal.imageconfig_labels(config, parsed.config_media_type) || parsed.annotations;
    END IF;
    RETURN parsed.annotations;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_labels(record, bytea) IS
    'Labels of a parsed manifest: those of its image configuration, if that is passed or embedded, overlaid by its annotations; of Docker schema 1 those of the uppermost image; an index has none. Errors: QY021 the config is another one, QY036 it is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.schema1_tags(name text, tag text, namespace text, repository text, tags text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name <> namespace || '/' || repository
       AND NOT (name = repository AND namespace = quay_internal.setting('library_namespace')
                AND quay_internal.setting('library_support')::boolean) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest was made for another repository',
            DETAIL = format('It names "%s", not "%s".', left(name, 80), left(namespace || '/' || repository, 80)),
            HINT = 'A Docker schema 1 manifest says where it belongs; push the image as Docker schema 2 or OCI.';
    END IF;
    IF tags <> ARRAY[tag] AND tags <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest was made for another tag',
            DETAIL = format('It names "%s", not "%s".', left(tag, 80), left(array_to_string(tags, ', '), 80)),
            HINT = 'A Docker schema 1 manifest says where it belongs; push the image as Docker schema 2 or OCI.';
    END IF;
    RETURN ARRAY[tag];
END
$$;
COMMENT ON FUNCTION quay_internal.schema1_tags(text, text, text, text, text[]) IS
    'The tags of a push of a Docker schema 1 manifest: the one that it names. Errors: QY030 it names another repository, or not the tags of the push.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_link_children(target_id bigint, manifest_id bigint, parsed record) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    children record;
BEGIN
    SELECT * INTO children FROM quay_internal.manifest_children_require(target_id, parsed);
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, manifest_link_children.manifest_id, c.id FROM unnest(children.child_ids) AS c (id)
    ON CONFLICT DO NOTHING;
    INSERT INTO quay_internal.missing_child (repository_id, digest, manifest_id)
    SELECT target_id, d.digest, manifest_link_children.manifest_id FROM unnest(children.missing) AS d (digest)
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_link_children(bigint, bigint, record) IS
    'Links a parsed index to the manifests that it lists, and notes those that are still missing. Errors: QY030, QY034.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_link_parents(target_id bigint, manifest_id bigint, digest text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH arrived AS (
        DELETE FROM quay_internal.missing_child AS c
        WHERE c.repository_id = target_id AND c.digest = manifest_link_parents.digest
        RETURNING c.manifest_id
    )
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, arrived.manifest_id, manifest_link_parents.manifest_id FROM arrived
    ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_link_parents(bigint, bigint, text) IS
    'Links a manifest that has just arrived to the indexes that listed it before it was there.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_add(target_id bigint, stored_digest text, parsed record, labels jsonb,
                                                      OUT manifest_id bigint, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
BEGIN
    created := false;
    LOOP
        -- The lock keeps the row from being collected until the push commits.
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = target_id AND m.digest = stored_digest AND m.manifest_bytes <> ''
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN;
        END IF;

        IF quay_internal.setting('sparse_index')::boolean THEN
            -- An index and a manifest that it lists may arrive at once: the later one must see the other.
            PERFORM quay_internal.tag_lock(target_id);
        END IF;
        blob_ids := CASE WHEN parsed.blobs <> '{}' THEN quay_internal.manifest_blobs_require(target_id, parsed) ELSE '{}' END;
        IF parsed.subject IS NOT NULL THEN
            -- It need not exist. If it does it stays, since from now on something refers to it.
            PERFORM FROM quay.manifest AS m WHERE m.repository_id = target_id AND m.digest = parsed.subject FOR KEY SHARE;
        END IF;
        -- A row without bytes is a manifest that a proxy knows of but does not hold: it gets them now.
        INSERT INTO quay.manifest AS m (repository_id, digest, media_type_id, manifest_bytes, config_media_type,
                                        layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled)
        VALUES (target_id, stored_digest, (SELECT t.id FROM quay.mediatype AS t WHERE t.name = parsed.media_type),
                parsed.content, parsed.config_media_type, parsed.layers_compressed_size, parsed.subject, true,
                parsed.artifact_type, true)
        ON CONFLICT (repository_id, digest) DO UPDATE
            SET media_type_id = EXCLUDED.media_type_id, manifest_bytes = EXCLUDED.manifest_bytes,
                config_media_type = EXCLUDED.config_media_type, layers_compressed_size = EXCLUDED.layers_compressed_size,
                subject = EXCLUDED.subject, subject_backfilled = true,
                artifact_type = EXCLUDED.artifact_type, artifact_type_backfilled = true
            WHERE m.manifest_bytes = ''
        RETURNING m.id INTO manifest_id;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;
    created := true;

    IF blob_ids <> '{}' THEN
        PERFORM quay_internal.manifestblob_link(target_id, manifest_id, blob_ids);
    END IF;
    IF parsed.children <> '{}' THEN
        PERFORM quay_internal.manifest_link_children(target_id, manifest_id, parsed);
    END IF;
    PERFORM quay_internal.manifest_link_parents(target_id, manifest_id, stored_digest);
    -- index_status 0: waits for the scanner
    INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                             indexer_version, metadata_json)
    VALUES (manifest_add.manifest_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT DO NOTHING;
    IF labels <> '{}' THEN
        PERFORM quay_internal.label_add_many(target_id, manifest_id, labels, 'manifest');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_add(bigint, text, record, jsonb) IS
    'The row of a parsed manifest in a repository, made with all that hangs on it if there is none. Errors: QY030, QY033, QY034, QY055, QY056.';

CREATE OR REPLACE FUNCTION quay.manifest_put(namespace text, repository text, manifest bytea, OUT manifest_id bigint, OUT digest text,
                                             INOUT media_type text DEFAULT NULL, INOUT tags text[] DEFAULT '{}',
                                             expected_digest text DEFAULT NULL, config bytea DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL,
                                             OUT size bigint, OUT subject text, OUT artifact_type text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    parsed record;
    labels jsonb;
    target quay.repository;
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    parsed := quay_internal.manifest_parse(manifest, manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest <> digest THEN
        PERFORM quay_internal.digest_require(expected_digest, coalesce(parsed.payload, manifest), 'manifest');
        digest := expected_digest;
    END IF;
    tags := ARRAY(SELECT DISTINCT t.name FROM unnest(manifest_put.tags) AS t (name) ORDER BY t.name);
    IF parsed.tag IS NOT NULL THEN
        tags := quay_internal.schema1_tags(parsed.name, parsed.tag, namespace, repository, tags);
    END IF;
    PERFORM quay_internal.name_check('tag', t.name) FROM unnest(tags) AS t (name)
    WHERE t.name IS NULL OR quay_internal.name_problem('tag', t.name) IS NOT NULL;
    labels := quay_internal.manifest_labels(parsed, config);

    target := quay_internal.repository_get(namespace, repository, lock => true);
    PERFORM quay_internal.repository_require_writable(target, actor);

    SELECT a.manifest_id, a.created INTO manifest_id, created
    FROM quay_internal.manifest_add(target.id, digest, parsed, labels) AS a;
    IF parsed.children <> '{}' THEN
        PERFORM quay_internal.manifest_keep(target.id,
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = manifest_put.manifest_id),
            quay_internal.setting('temporary_tag_expiration')::integer);
    END IF;

    IF tags = '{}' THEN
        -- A referrer is found through its subject and has no other tag that would keep it.
        PERFORM quay_internal.manifest_keep(target.id, ARRAY[manifest_id],
            CASE WHEN parsed.subject IS NULL THEN quay_internal.setting('upload_expiration')::integer END);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', digest), ip);
    ELSE
        PERFORM quay_internal.tag_retarget_many(target, tags, manifest_id);
        PERFORM quay_internal.log_add_many('push_repo', target.namespace_user_id, performer_id, target.id,
            ARRAY(SELECT jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest)
                  FROM unnest(tags) AS t (name)), ip);
        PERFORM quay_internal.event_notify(target, namespace, 'repo_push', jsonb_build_object('updated_tags', tags), actor);
    END IF;
    IF created AND parsed.blobs <> '{}' THEN
        PERFORM quay_internal.quota_warn(target.namespace_user_id, namespace);
    END IF;

    media_type := parsed.media_type;
    size := length(manifest);
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
END
$$;
COMMENT ON FUNCTION quay.manifest_put(text, text, bytea, text, text[], text, bytea, text, text) IS
    'Pushes a manifest: its row, links to blobs and children, labels, the mark for the scanner, tags, audit and the event repo_push, or nothing. The bytes are kept exactly. media_type: as declared by the client, NULL if it said nothing. tags: without any the manifest is kept for quay.upload_expiration seconds, for ever if it has a subject. A Docker schema 1 manifest names its repository and its tag, and gets that one; its digest is made of what is signed. expected_digest: refuses other bytes; a sha512 digest is also the digest under which the manifest is stored, which otherwise is its sha256. config: bytes of the config blob, from which the labels of an image are read; not needed if they are embedded in the descriptor. All blobs must be here, embedded ones too; non-distributable layers need not. With quay.sparse_index an index may list manifests that are not here yet: each is linked when it arrives. created is false if the repository had the manifest already. Errors: QY002, QY003, QY004, QY005, QY007, QY020, QY021, QY022, QY030, QY031, QY032, QY033, QY034, QY036, QY040, QY041, QY055 a blob is being deleted (retry), QY056 a quota would be exceeded, 40001.';

-- Rows of the reference that are older than some columns, or were filled in wrongly.

CREATE OR REPLACE FUNCTION quay_internal.manifest_fields_fill(ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.manifest AS m
    SET subject = left(d.document -> 'subject' ->> 'digest', 255), subject_backfilled = true,
        artifact_type = left(nullif(d.document ->> 'artifactType', ''), 255), artifact_type_backfilled = true,
        config_media_type = coalesce(m.config_media_type, left(d.document -> 'config' ->> 'mediaType', 255))
    FROM (SELECT r.id, quay_internal.json_or_null(r.manifest_bytes) AS document FROM quay.manifest AS r
          WHERE r.id = ANY (manifest_fields_fill.ids)) AS d
    WHERE m.id = d.id;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_fields_fill(bigint[]) IS
    'Fills in subject, artifact type and media type of the config of these manifests, from their bytes.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_backfill_next(after bigint, n integer, OUT last_key bigint, OUT changed integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    last_key := (SELECT max(m.id) FROM (SELECT m.id FROM quay.manifest AS m WHERE m.id > manifest_backfill_next.after
                                        ORDER BY m.id LIMIT manifest_backfill_next.n) AS m);
    ids := ARRAY(SELECT m.id FROM quay.manifest AS m
                 WHERE m.id > manifest_backfill_next.after AND m.id <= last_key
                   AND (m.subject LIKE '(%' OR m.subject_backfilled IS NOT TRUE OR m.artifact_type_backfilled IS NOT TRUE)
                 ORDER BY m.id FOR NO KEY UPDATE);
    PERFORM quay_internal.manifest_fields_fill(ids);
    changed := cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_backfill_next(bigint, integer) IS
    'What manifest_backfill() does, in the order of the ids: the backfill manifest_fields.';

CREATE OR REPLACE FUNCTION quay.manifest_backfill(n integer DEFAULT 1000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch_size integer := quay_internal.batch_size(n);
    ids bigint[];
BEGIN
    -- One branch for each of the small indexes.
    ids := ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.subject LIKE '(%' ORDER BY m.id LIMIT batch_size FOR NO KEY UPDATE SKIP LOCKED);
    ids := ids || ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.subject_backfilled IS NOT TRUE AND m.id <> ALL (ids)
                        ORDER BY m.id LIMIT batch_size - cardinality(ids) FOR NO KEY UPDATE SKIP LOCKED);
    ids := ids || ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.artifact_type_backfilled IS NOT TRUE AND m.id <> ALL (ids)
                        ORDER BY m.id LIMIT batch_size - cardinality(ids) FOR NO KEY UPDATE SKIP LOCKED);
    PERFORM quay_internal.manifest_fields_fill(ids);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay.manifest_backfill(integer) IS
    'Fills in subject, artifact type and media type of the config, from their bytes, of at most n manifests that came from an older database without them, or with a subject that is no digest. Returns how many it has done: 0 when there is no more, or when other sessions are at the rest. For maintenance after a migration. Errors: 22023 n not positive.';

-- @part step api/294_discovery.sql
-- Finding images by what they are made of, by use, and by what their deletion would free. All of it is limited to what the actor may read
-- (NULL: anonymous), unless the caller says that he has checked (unrestricted).
--
-- Lists over the whole registry walk the repositories that have a blob, a batch at a time, in the order of their ids.

CREATE OR REPLACE FUNCTION quay_internal.image_find(actor text, namespace text, repository text, reference text, scopes text,
                                                    unrestricted boolean) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(namespace, repository)], scopes, unrestricted))[1];
    result quay.manifest;
BEGIN
    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = target_id AND m.digest = reference;
    ELSE
        SELECT * INTO result FROM quay.manifest AS m
        WHERE m.id = (quay_internal.tag_find(target_id, reference, quay_internal.clock_ms())).manifest_id;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.image_find(text, text, text, text, text, boolean) IS
    'Manifest of a repository that the actor may read, by a live tag or by its digest, alive or not; all NULL if there is none. Errors: QY020, QY022 digest.';

CREATE OR REPLACE FUNCTION quay_internal.image_manifests(manifest_id bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE part AS (
            SELECT image_manifests.manifest_id AS id WHERE image_manifests.manifest_id IS NOT NULL
            UNION
            SELECT c.child_manifest_id FROM part AS p JOIN quay.manifestchild AS c ON c.manifest_id = p.id
        )
        SELECT p.id FROM part AS p);
END
$$;
COMMENT ON FUNCTION quay_internal.image_manifests(bigint) IS 'The manifest, and of an index all manifests that it lists, directly or not.';

CREATE OR REPLACE FUNCTION quay_internal.layer_chain(content text) RETURNS TABLE (place integer, digest text, size bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    document json := quay_internal.json_or_null(content);
BEGIN
    RETURN QUERY
        SELECT e.number::integer, e.layer ->> 'digest',
               CASE WHEN e.layer ->> 'size' ~ '^\d{1,17}$' THEN (e.layer ->> 'size')::bigint END
        FROM json_array_elements(CASE json_typeof(document -> 'layers') WHEN 'array' THEN document -> 'layers' END)
            WITH ORDINALITY AS e (layer, number)
        UNION ALL
        -- Docker schema 1 lists them leaf first and knows no sizes.
        SELECT (json_array_length(document -> 'fsLayers') - e.number + 1)::integer, e.layer ->> 'blobSum', NULL
        FROM json_array_elements(CASE json_typeof(document -> 'fsLayers') WHEN 'array' THEN document -> 'fsLayers' END)
            WITH ORDINALITY AS e (layer, number)
        ORDER BY 1;
END
$$;
COMMENT ON FUNCTION quay_internal.layer_chain(text) IS
    'Layers that the text of a manifest lists, base first, from place 1; size in bytes, NULL: not stated. None for an index, or if the text is not there.';

CREATE OR REPLACE FUNCTION quay_internal.layer_digests(content text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT c.digest FROM quay_internal.layer_chain(content) AS c ORDER BY c.place);
END
$$;
COMMENT ON FUNCTION quay_internal.layer_digests(text) IS 'Digests of the layers that the text of a manifest lists, base first.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_live_tags(manifest_id bigint, now_ms bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT t.name::text FROM quay.tag AS t
                 WHERE t.manifest_id = manifest_live_tags.manifest_id AND NOT t.hidden
                   AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                 ORDER BY t.name LIMIT 100);
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_live_tags(bigint, bigint) IS 'Names of live tags that point to the manifest, the first 100 in byte order.';

CREATE OR REPLACE FUNCTION quay_internal.blob_repositories(blob_ids bigint[], start_id bigint, n integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    few CONSTANT integer := 10000;
BEGIN
    IF NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = ANY (blob_ids) OFFSET few) THEN
        RETURN ARRAY(SELECT DISTINCT m.repository_id FROM quay.manifestblob AS m
                     WHERE m.blob_id = ANY (blob_ids) AND m.repository_id >= start_id
                     ORDER BY m.repository_id LIMIT n);
    END IF;
    -- Where many have it, a page is soon full.
    RETURN ARRAY(SELECT r.id FROM quay.repository AS r
                 CROSS JOIN LATERAL (SELECT FROM quay.manifestblob AS m WHERE m.repository_id = r.id AND m.blob_id = ANY (blob_ids) LIMIT 1) AS m
                 WHERE r.id >= start_id
                 ORDER BY r.id LIMIT n);
END
$$;
COMMENT ON FUNCTION quay_internal.blob_repositories(bigint[], bigint, integer) IS
    'Repositories of which a manifest refers to one of these blobs, in the order of their ids from start_id on, at most n.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_use_page(actor text, blob_ids bigint[], base_ids bigint[], part_base_ids bigint[],
                                                           part_blob_ids bigint[], besides text[], after text, n integer, scopes text,
                                                           unrestricted boolean)
    RETURNS TABLE (repository_id bigint, manifest_id bigint, base_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    batch_size CONSTANT integer := 200;
    remaining integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(coalesce(after, '0.0'));
    from_id bigint := start.at;      -- a page may end within a repository: the next one goes on there
    batch bigint[];
    returned integer;
BEGIN
    WHILE remaining > 0 LOOP
        batch := quay_internal.blob_repositories(blob_ids, from_id, batch_size);
        RETURN QUERY
            SELECT f.repository_id, f.manifest_id, f.base_id
            FROM unnest(quay_internal.readable_many(actor, batch, scopes, unrestricted)) AS r (id)
            JOIN quay.repository AS o ON o.id = r.id AND o.state <> 3
            CROSS JOIN LATERAL (
                SELECT u.repository_id, u.manifest_id, min(w.base_id) AS base_id
                FROM unnest(blob_ids, base_ids) AS w (blob_id, base_id)
                JOIN quay.manifestblob AS u ON u.repository_id = r.id AND u.blob_id = w.blob_id
                WHERE (r.id > start.at OR u.manifest_id > start.id)
                  AND NOT EXISTS (SELECT FROM unnest(part_base_ids, part_blob_ids) AS p (base_id, blob_id)
                                  WHERE p.base_id = w.base_id
                                    AND NOT EXISTS (SELECT FROM quay.manifestblob AS x
                                                    WHERE x.manifest_id = u.manifest_id AND x.blob_id = p.blob_id))
                GROUP BY u.repository_id, u.manifest_id) AS f
            JOIN quay.manifest AS m ON m.id = f.manifest_id AND m.digest <> ALL (besides)
            ORDER BY f.repository_id, f.manifest_id LIMIT remaining;
        GET DIAGNOSTICS returned = ROW_COUNT;
        remaining := remaining - returned;
        EXIT WHEN cardinality(batch) < batch_size;
        from_id := batch[batch_size] + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_use_page(text, bigint[], bigint[], bigint[], bigint[], text[], text, integer, text, boolean) IS
    'A page of the manifests that use one of these blobs, in repositories that the actor may read, in the order of the ids of repository and manifest, except those with a digest in besides. Each blob stands for a base image, base_ids, and a manifest has to use all other blobs of that, too: the pairs of part_base_ids and part_blob_ids. Errors: 22023 n negative, malformed cursor.';

-- What uses it

CREATE OR REPLACE FUNCTION quay.layer_use_list(actor text, digest text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                               unrestricted boolean DEFAULT false)
    RETURNS TABLE (namespace text, repository text, manifest_digest text, media_type text, tags text[], alive boolean, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    blob_ids bigint[];
BEGIN
    PERFORM quay_internal.digest_check(layer_use_list.digest);
    blob_ids := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.content_checksum = layer_use_list.digest);
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, y.name::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), p.repository_id || '.' || p.manifest_id
        FROM quay_internal.manifest_use_page(actor, blob_ids, ARRAY[0], '{}', '{}', '{}', after, n, scopes, unrestricted) AS p
        JOIN quay.manifest AS m ON m.id = p.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        ORDER BY p.repository_id, p.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.layer_use_list(text, text, text, integer, text, boolean) IS
'Manifests that use this blob, a layer or a config, in all repositories that the actor may read (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. unrestricted: in all repositories, for a caller who has checked. No row: nobody uses it, or the registry has it not.

tags: live tags of the manifest, the first 100 in byte order. alive: a live tag, hidden ones too, points to it or to an index that lists it; what is not alive can be restored, or waits for its collection.
It looks at the repositories that have the blob, in the order of their ids, until the page is full: who may read few of many takes longer. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.base_image_use_list(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                    after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                    unrestricted boolean DEFAULT false, OUT digest text, OUT tags text[], OUT alive boolean,
                                                    OUT base_digest text, OUT in_order boolean, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, base_image_use_list.namespace, base_image_use_list.repository, reference,
                                                     scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    part record;
    rarest record;
BEGIN
    -- The blobs of each image that are layers. What the registry does not hold (layers of other registries) does not count.
    SELECT array_agg(m.id) AS base_ids, array_agg(b.id) AS blob_ids, array_agg(c.place) AS places INTO part
    FROM quay.manifest AS m
    CROSS JOIN LATERAL quay_internal.layer_chain(m.manifest_bytes) AS c
    JOIN quay.imagestorage AS b ON b.content_checksum = c.digest COLLATE "C"
    WHERE m.id = ANY (images) AND EXISTS (SELECT FROM quay.manifestblob AS u WHERE u.manifest_id = m.id AND u.blob_id = b.id);
    -- Of each image the one that fewest use, as far as a look at a thousand uses can tell; the uppermost of several.
    SELECT array_agg(f.base_id) AS base_ids, array_agg(f.blob_id) AS blob_ids INTO rarest
    FROM (SELECT DISTINCT ON (p.base_id) p.base_id, p.blob_id
          FROM unnest(part.base_ids, part.blob_ids, part.places) AS p (base_id, blob_id, place)
          CROSS JOIN LATERAL (SELECT count(*) AS uses
                              FROM (SELECT FROM quay.manifestblob AS u WHERE u.blob_id = p.blob_id LIMIT 1000) AS u) AS c
          ORDER BY p.base_id, c.uses, p.place DESC) AS f;
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), b.digest::text,
               cardinality(l.base) > 0 AND l.own[:cardinality(l.base)] = l.base, p.repository_id || '.' || p.manifest_id
        FROM quay_internal.manifest_use_page(actor, coalesce(rarest.blob_ids, '{}'), coalesce(rarest.base_ids, '{}'), part.base_ids, part.blob_ids,
                 ARRAY(SELECT i.digest::text FROM quay.manifest AS i WHERE i.id = ANY (images)), after, n, scopes, unrestricted) AS p
        JOIN quay.manifest AS m ON m.id = p.manifest_id
        JOIN quay.manifest AS b ON b.id = p.base_id
        JOIN quay.repository AS r ON r.id = p.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        CROSS JOIN LATERAL (SELECT quay_internal.layer_digests(m.manifest_bytes) AS own, quay_internal.layer_digests(b.manifest_bytes) AS base
                            OFFSET 0) AS l
        ORDER BY p.repository_id, p.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.base_image_use_list(text, text, text, text, text, integer, text, boolean) IS
'Images that contain all layers of this one (a tag or a digest; of an index: of one of its images), in all repositories that the actor may read (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. Not the image itself, nor copies of it: see image_duplicate_list(). unrestricted: in all repositories, for a caller who has checked. No row also if there is no such image for the actor.

base_digest: which image of an index it is that the layers are of. in_order: its layers begin with those of the base, in the same order, as if it was built on it. tags, alive: as for layer_use_list().
It starts from the layer that fewest images use. Layers that the registry does not hold do not count. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.image_base_candidates(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                      n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false,
                                                      OUT digest text, OUT tags text[], OUT alive boolean, OUT layers integer,
                                                      OUT layers_size bigint, OUT image_digest text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, image_base_candidates.namespace, image_base_candidates.repository, reference,
                                                     scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    candidate record;
    readable bigint[];
BEGIN
    -- The sum of the sizes of the first layers leads to the images that have just these: hardly any other has the same.
    WITH prefix AS (
        SELECT i.id AS image_id, c.place, sum(c.size) OVER w AS bytes, bool_and(c.size IS NOT NULL) OVER w AS is_known,
               array_agg(c.digest) OVER w AS chain, max(c.place) OVER (PARTITION BY i.id) AS top
        FROM quay.manifest AS i CROSS JOIN LATERAL quay_internal.layer_chain(i.manifest_bytes) AS c
        WHERE i.id = ANY (images)
        WINDOW w AS (PARTITION BY i.id ORDER BY c.place)
    ), sized AS MATERIALIZED (
        SELECT p.image_id, p.place, p.chain, m.id, m.repository_id, m.manifest_bytes
        FROM prefix AS p JOIN quay.manifest AS m ON m.layers_compressed_size = p.bytes::bigint
        WHERE p.place < p.top AND p.is_known AND p.bytes > 0
    )
    SELECT array_agg(s.id) AS manifest_ids, array_agg(s.repository_id) AS repository_ids, array_agg(s.place) AS places,
           array_agg(s.image_id) AS image_ids
    INTO candidate
    FROM sized AS s WHERE quay_internal.layer_digests(s.manifest_bytes) = s.chain;

    readable := quay_internal.readable_many(actor, ARRAY(SELECT DISTINCT c.id FROM unnest(candidate.repository_ids) AS c (id)), scopes, unrestricted);
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), c.place, m.layers_compressed_size, i.digest::text
        FROM unnest(candidate.manifest_ids, candidate.places, candidate.image_ids) AS c (manifest_id, place, image_id)
        JOIN quay.manifest AS m ON m.id = c.manifest_id
        JOIN quay.manifest AS i ON i.id = c.image_id
        JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE m.repository_id IN (SELECT unnest(readable))
        ORDER BY c.place DESC, m.repository_id, m.id, i.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.image_base_candidates(text, text, text, text, integer, text, boolean) IS
'Images on which this one (a tag or a digest; of an index: one of its images, image_digest) may have been built: their layers are the first ones of it, in order, but not all of them. In repositories that the actor may read (NULL: anonymous), those with most layers first, at most n. unrestricted: in all repositories, for a caller who has checked. No row: none is known, or there is no such image for the actor.

layers: how many they have in common; layers_size: the bytes of these, compressed. tags, alive: as for layer_use_list(). Docker schema 1 images state no sizes of layers and have no candidates. Reads the sizes of all manifests of the registry. Errors: 22023 n negative; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.image_duplicate_list(actor text, INOUT namespace text, INOUT repository text, reference text,
                                                     after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                     unrestricted boolean DEFAULT false, OUT digest text, OUT tags text[], OUT alive boolean,
                                                     OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(coalesce(after, '0.0'));
    now_ms bigint := quay_internal.clock_ms();
    source quay.manifest := quay_internal.image_find(actor, image_duplicate_list.namespace, image_duplicate_list.repository, reference,
                                                     scopes, unrestricted);
    readable bigint[] := quay_internal.readable_many(actor,
        ARRAY(SELECT m.repository_id FROM quay.manifest AS m
              WHERE m.digest = source.digest AND m.repository_id <> source.repository_id AND m.repository_id > start.at
              ORDER BY m.repository_id),
        scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT u.username::text, r.name::text, m.digest::text, quay_internal.manifest_live_tags(m.id, now_ms),
               quay_internal.manifest_is_alive(m.id, now_ms), m.repository_id || '.' || m.id
        FROM (SELECT i.id FROM unnest(readable) AS i (id) JOIN quay.repository AS r ON r.id = i.id AND r.state <> 3
              ORDER BY i.id LIMIT page_size) AS i
        JOIN quay.manifest AS m ON m.repository_id = i.id AND m.digest = source.digest
        JOIN quay.repository AS r ON r.id = i.id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay.image_duplicate_list(text, text, text, text, text, integer, text, boolean) IS
    'Other repositories that have the same manifest, by its digest, as far as the actor may read them (NULL: anonymous), at most n; for the next page pass cursor of the last row as after. reference: a tag or a digest. unrestricted: all repositories, for a caller who has checked. tags, alive: as for layer_use_list(). No row: none, or there is no such image for the actor. Errors: 22023 n negative, malformed cursor; QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.repository_share_list(actor text, namespace text, INOUT repository text, n integer DEFAULT 100,
                                                      scopes text DEFAULT NULL, unrestricted boolean DEFAULT false, OUT blobs bigint,
                                                      OUT bytes bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(repository_share_list.namespace,
                                                                                               repository_share_list.repository)],
                                                     scopes, unrestricted))[1];
    owner_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = target_id);
    readable bigint[] := quay_internal.readable_many(actor,
        ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = owner_id AND r.id <> target_id AND r.state <> 3),
        scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT r.name::text, s.blobs, s.bytes
        FROM (SELECT o.repository_id, count(*) AS blobs, sum(o.size)::bigint AS bytes
              FROM quay_internal.blob_use AS u
              JOIN quay_internal.blob_use AS o ON o.namespace_id = u.namespace_id AND o.blob_id = u.blob_id
              WHERE u.repository_id = target_id AND u.repository_id <> 0 AND o.repository_id IN (SELECT unnest(readable))
              GROUP BY o.repository_id) AS s
        JOIN quay.repository AS r ON r.id = s.repository_id
        ORDER BY s.bytes DESC, r.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_share_list(text, text, text, integer, text, boolean) IS
    'Other repositories of the namespace that have blobs in common with this one: how many, and their bytes, which the namespace holds once. Those with most bytes first, at most n, as far as the actor may read them (NULL: anonymous); unrestricted: all, for a caller who has checked. No row: none, or there is no such repository for the actor. It looks at all uses of the blobs of the repository in the namespace. Errors: 22023 n negative.';

-- By use: what was not pulled for a while, what images share with others, and what the deletion of tags would free.

CREATE OR REPLACE FUNCTION quay_internal.pulled_before_check(before timestamptz) RETURNS timestamp
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF before IS NULL OR NOT isfinite(before) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of the last pull must be given',
            DETAIL = format('It is %s.', coalesce(before::text, 'NULL')),
            HINT = 'Pass the moment since when there was no pull.';
    END IF;
    RETURN before AT TIME ZONE 'UTC';
END
$$;
COMMENT ON FUNCTION quay_internal.pulled_before_check(timestamptz) IS 'The moment as naive UTC. Errors: 22023 NULL or infinite.';

CREATE OR REPLACE FUNCTION quay.tag_unpulled_list(actor text, namespace text, repository text, before timestamptz, after text DEFAULT NULL,
                                                  n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false)
    RETURNS TABLE (tag text, digest text, lifetime_start_ms bigint, pull_count bigint, last_pulled timestamp, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the index, whose order is that of the page
    SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    pulled_before timestamp := quay_internal.pulled_before_check(before);
    before_ms bigint := extract(epoch FROM before) * 1000;
    now_ms bigint := quay_internal.clock_ms();
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(tag_unpulled_list.namespace,
                                                                                               tag_unpulled_list.repository)],
                                                     scopes, unrestricted))[1];
    start text := coalesce(tag_unpulled_list.after, '') COLLATE "C";    -- no name is empty
BEGIN
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, coalesce(s.tag_pull_count, 0), s.last_tag_pull_date, p.last_manifest_pull_date
        FROM (SELECT t.name, t.manifest_id, t.lifetime_start_ms
              FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                AND t.name > start AND t.lifetime_start_ms < before_ms
                -- One probe each. For NOT EXISTS the planner may read all statistics of the repository first.
                AND ((SELECT s.last_tag_pull_date FROM quay.tagpullstatistics AS s
                      WHERE s.repository_id = target_id AND s.tag_name = t.name) >= pulled_before) IS NOT TRUE
              ORDER BY t.name
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        LEFT JOIN quay.tagpullstatistics AS s ON s.repository_id = target_id AND s.tag_name = t.name
        LEFT JOIN quay.manifestpullstatistics AS p ON p.repository_id = target_id AND p.manifest_digest = m.digest
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_unpulled_list(text, text, text, timestamptz, text, integer, text, boolean) IS
    'Live tags of a repository that were pointed to their manifest before that moment and were not pulled by their name since, in byte order, at most n, those after the name after. last_pulled: NULL, never; manifest_last_pulled: the last pull of the manifest, by whatever tag or digest (UTC): whoever pins digests pulls no tags. actor: NULL is anonymous; unrestricted: the caller has checked. No row also if there is no such repository for the actor. Pulls are known as far as they were recorded: see pull_record(). Errors: 22023 n negative, no moment.';

CREATE OR REPLACE FUNCTION quay.manifest_unpulled_list(actor text, namespace text, repository text, before timestamptz, after text DEFAULT NULL,
                                                       n integer DEFAULT 100, scopes text DEFAULT NULL, unrestricted boolean DEFAULT false)
    RETURNS TABLE (digest text, media_type text, tags text[], pull_count bigint, last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    pulled_before timestamp := quay_internal.pulled_before_check(before);
    before_ms bigint := extract(epoch FROM before) * 1000;
    now_ms bigint := quay_internal.clock_ms();
    target_id bigint := (quay_internal.readable_many(actor, ARRAY[quay_internal.repository_find(manifest_unpulled_list.namespace,
                                                                                               manifest_unpulled_list.repository)],
                                                     scopes, unrestricted))[1];
    start text := coalesce(manifest_unpulled_list.after, '') COLLATE "C";
BEGIN
    RETURN QUERY
        SELECT m.digest::text, y.name::text, quay_internal.manifest_live_tags(m.id, now_ms), coalesce(s.manifest_pull_count, 0),
               s.last_manifest_pull_date
        FROM (SELECT m.id, m.digest, m.media_type_id
              FROM quay.manifest AS m
              WHERE m.repository_id = target_id AND m.digest > start
                AND ((SELECT s.last_manifest_pull_date FROM quay.manifestpullstatistics AS s
                      WHERE s.repository_id = target_id AND s.manifest_digest = m.digest) >= pulled_before) IS NOT TRUE
                AND quay_internal.manifest_is_alive(m.id, now_ms)
                -- A manifest has no time of its own: it is as old as its first tag, or that of an index that lists it.
                AND (EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id AND t.lifetime_start_ms < before_ms)
                     OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                                WHERE c.child_manifest_id = m.id AND t.lifetime_start_ms < before_ms))
              ORDER BY m.digest
              LIMIT page_size) AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        LEFT JOIN quay.manifestpullstatistics AS s ON s.repository_id = target_id AND s.manifest_digest = m.digest
        ORDER BY m.digest;
END
$$;
COMMENT ON FUNCTION quay.manifest_unpulled_list(text, text, text, timestamptz, text, integer, text, boolean) IS
    'Manifests of a repository that are alive, were there before that moment, and were not pulled since, by whatever tag or digest; in byte order of their digests, at most n, those after the digest after. tags: their live tags, the first 100; none for what only an index lists, or a hidden tag keeps. last_pulled in UTC; NULL: never. actor: NULL is anonymous; unrestricted: the caller has checked. No row also if there is no such repository for the actor. Errors: 22023 n negative, no moment.';

CREATE OR REPLACE FUNCTION quay.image_size_shared(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL,
                                                  unrestricted boolean DEFAULT false)
    RETURNS TABLE (blobs bigint, bytes bigint, repository_unique_bytes bigint, repository_shared_bytes bigint,
                   namespace_unique_bytes bigint, namespace_shared_bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    source quay.manifest := quay_internal.image_find(actor, namespace, repository, reference, scopes, unrestricted);
    images bigint[] := quay_internal.image_manifests(source.id);
    owner_id bigint := (SELECT r.namespace_user_id FROM quay.repository AS r WHERE r.id = source.repository_id);
BEGIN
    IF source.id IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT count(*), coalesce(sum(b.size), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE NOT b.in_repository), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE b.in_repository), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE NOT b.in_repository AND NOT b.in_namespace), 0)::bigint,
               coalesce(sum(b.size) FILTER (WHERE b.in_repository OR b.in_namespace), 0)::bigint
        FROM (SELECT coalesce(s.image_size, 0) AS size,
                     EXISTS (SELECT FROM quay.manifestblob AS o
                             WHERE o.repository_id = source.repository_id AND o.blob_id = s.id AND o.manifest_id <> ALL (images)) AS in_repository,
                     EXISTS (SELECT FROM quay_internal.blob_use AS u
                             WHERE u.namespace_id = owner_id AND u.blob_id = s.id AND u.repository_id NOT IN (0, source.repository_id)
                               AND EXISTS (SELECT FROM quay.manifestblob AS o
                                           WHERE o.repository_id = u.repository_id AND o.blob_id = u.blob_id)) AS in_namespace
              FROM quay.imagestorage AS s
              WHERE s.id IN (SELECT m.blob_id FROM quay.manifestblob AS m WHERE m.manifest_id = ANY (images))) AS b;
END
$$;
COMMENT ON FUNCTION quay.image_size_shared(text, text, text, text, text, boolean) IS
    'How many blobs an image (a tag or a digest; of an index: with all that it lists) uses, each once, and their bytes: those that no other manifest of the repository uses and those that one does, and the same for the namespace. What only history holds counts as use until it is collected. actor: NULL is anonymous; unrestricted: the caller has checked. No row: there is no such image for the actor. Errors: QY020, QY022.';

CREATE OR REPLACE FUNCTION quay_internal.tag_signatures(tag_ids bigint[], now_ms bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN ARRAY(
        SELECT s.id
        FROM quay.tag AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.tag AS s ON s.repository_id = t.repository_id AND NOT s.immutable
            AND s.name = ANY (ARRAY[replace(m.digest, ':', '-') || '.sig', replace(m.digest, ':', '-') || '.att',
                                    replace(m.digest, ':', '-') || '.sbom'])
            AND (s.lifetime_end_ms IS NULL OR s.lifetime_end_ms > now_ms)
        WHERE t.id = ANY (tag_ids) AND NOT quay_internal.tag_is_cosign(t.name)
          AND NOT EXISTS (SELECT FROM quay.tag AS o
                          WHERE o.manifest_id = t.manifest_id AND NOT o.hidden AND (o.lifetime_end_ms IS NULL OR o.lifetime_end_ms > now_ms)
                            AND o.id NOT IN (SELECT unnest(tag_ids)) AND NOT quay_internal.tag_is_cosign(o.name)));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_signatures(bigint[], bigint) IS
    'Live rows of the tags under which Cosign keeps signatures, attestations and SBOMs of the manifests that lose their last tag if these rows end: they end with them.';

CREATE OR REPLACE FUNCTION quay.tag_deletion_frees(namespace text, repository text, tags text[])
    RETURNS TABLE (scope text, manifests bigint, blobs bigint, bytes bigint)
    LANGUAGE plpgsql STABLE ROWS 3 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
    keeps_immutable boolean := quay_internal.gc_keeps_immutable();
    ended bigint[];
    ending bigint[];
    anyway bigint[];
    won bigint[];
BEGIN
    -- The history and temporary tags go by themselves.
    ended := ARRAY(SELECT t.id FROM quay.tag AS t
                   WHERE t.repository_id = target_id AND (t.lifetime_end_ms <= now_ms OR t.hidden AND t.lifetime_end_ms IS NOT NULL)
                     AND NOT (t.immutable AND keeps_immutable));
    ending := ARRAY(SELECT t.id FROM quay.tag AS t
                    WHERE t.repository_id = target_id AND t.name = ANY (tag_deletion_frees.tags) AND NOT t.hidden
                      AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT (t.immutable AND keeps_immutable));
    anyway := quay_internal.gc_closure_manifests(ended);
    won := ARRAY(SELECT unnest(quay_internal.gc_closure_manifests(ended || ending || quay_internal.tag_signatures(ending, now_ms)))
                 EXCEPT SELECT unnest(anyway));
    RETURN QUERY
        WITH blob AS MATERIALIZED (
            SELECT * FROM quay_internal.gc_closure_blobs(won, quay_internal.utc_now(), besides => anyway)
        )
        SELECT s.scope, cardinality(won)::bigint, count(b.blob_id), coalesce(sum(b.size), 0)::bigint
        FROM (VALUES (1, 'repository'), (2, 'namespace'), (3, 'registry')) AS s (place, scope)
        LEFT JOIN blob AS b ON CASE s.scope WHEN 'namespace' THEN b.namespace_loses WHEN 'registry' THEN b.registry_loses ELSE true END
        GROUP BY s.place, s.scope
        ORDER BY s.place;
END
$$;
COMMENT ON FUNCTION quay.tag_deletion_frees(text, text, text[]) IS
    'What is won in the end by deleting these tags, all together: manifests that only they hold, with the signatures that end with them, and the blobs, each once, and bytes that the repository, its namespace and the registry then need no more. In the end: when the time for which the namespace keeps removed tags is over and the garbage collector was there; until then a deleted tag can be restored. What goes by itself, the history of the repository and what only that holds, neither counts as use nor is it won; what the history of other repositories holds counts as use. Names without a live tag, and immutable tags that never go, win nothing. A blob that was uploaded within quay.upload_expiration counts as used. It reads the history of the repository: a hundred thousand ended tags take about a second. Errors: QY002, QY003, QY004.';

-- @part step api/400_gc.sql
-- The garbage collector: reviews what writes have left to be looked at (api/045_review.sql), and deletes what nothing needs any more.
--
-- Each step takes a batch of reviews, locked, so that any number of workers share the work and a crash gives it back; what another
-- transaction holds is passed over and looked at again later, so a collection waits for nobody. It decides under locks that
-- those take who make a use of something: manifests and blobs FOR UPDATE, against the FOR KEY SHARE of whoever refers to them.

CREATE OR REPLACE FUNCTION quay_internal.gc_require_primary() RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'cannot collect garbage on a standby',
            DETAIL = 'This server replays the changes of another one.',
            HINT = 'Call it on the primary. quay.gc_preview() and quay.registry_check() run here too.';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot collect garbage in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s.', current_setting('transaction_isolation')),
            HINT = 'Call it in a transaction of its own, READ COMMITTED.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_require_primary() IS
    'Refuses to collect where it cannot be right. Errors: 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay_internal.gc_review_take(kind "char", n integer) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    object_ids bigint[];
BEGIN
    WITH taken AS (
        DELETE FROM quay_internal.gc_review AS r
        WHERE r.ctid = ANY (ARRAY(SELECT x.ctid FROM quay_internal.gc_review AS x
                                  WHERE x.kind = gc_review_take.kind AND x.due_ms <= now_ms
                                  ORDER BY x.due_ms, x.id
                                  LIMIT n FOR UPDATE SKIP LOCKED))
        RETURNING r.object_id
    )
    SELECT array_agg(DISTINCT t.object_id) INTO object_ids FROM taken AS t;
    RETURN coalesce(object_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.gc_review_take("char", integer) IS
    'Takes at most n reviews of a kind that are due, the oldest first, and answers what they are about. If the transaction fails they are there again.';

-- Tags

CREATE OR REPLACE FUNCTION quay_internal.gc_keeps_immutable() RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('immutable_tags')::boolean AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_keeps_immutable() IS 'Are rows of immutable tags never collected, since such tags cannot expire?';

CREATE OR REPLACE FUNCTION quay_internal.gc_tags(n integer, OUT deleted integer, OUT manifest_ids bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('t', n);
    now_ms bigint := quay_internal.clock_ms();
    keeps_immutable boolean := quay_internal.gc_keeps_immutable();
    collected bigint[];
BEGIN
    collected := ARRAY(
        SELECT t.id
        FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
        WHERE t.id = ANY (reviewed) AND t.lifetime_end_ms + u.removed_tag_expiration_s * 1000 <= now_ms
          AND NOT (t.immutable AND keeps_immutable)
        FOR UPDATE OF t SKIP LOCKED);
    -- Not yet: the namespace keeps them longer than it did, or somebody is at work on them. A day: whether immutable tags are kept for
    -- ever is a setting, whose change leaves no review.
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, CASE WHEN t.immutable AND keeps_immutable THEN now_ms + 86400000
                           ELSE greatest(t.lifetime_end_ms + u.removed_tag_expiration_s * 1000, now_ms + 1000) END
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.id = ANY (quay_internal.array_except(reviewed, collected)) AND t.lifetime_end_ms IS NOT NULL;
    deleted := cardinality(collected);
    manifest_ids := '{}';
    IF deleted = 0 THEN
        RETURN;
    END IF;

    DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (collected);
    UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (collected);
    -- Pulls are counted by name: those of a live tag stay, though an older row of the name goes.
    DELETE FROM quay.tagpullstatistics AS s
    USING quay.tag AS t
    WHERE t.id = ANY (collected) AND s.repository_id = t.repository_id AND s.tag_name = t.name
      AND (quay_internal.tag_find(t.repository_id, t.name, now_ms)).id IS NULL;
    manifest_ids := quay_internal.gc_tags_delete(collected);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_tags(integer) IS
    'Reviews at most n tags, deletes those that ended longer ago than their namespace keeps removed tags, and returns how many these were, and their manifests, for gc_manifests() in the same transaction.';

CREATE OR REPLACE FUNCTION quay_internal.gc_namespaces(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('n', n);
BEGIN
    IF reviewed = '{}' THEN
        RETURN 0;
    END IF;
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
    JOIN quay.tag AS t ON t.repository_id = r.id AND t.lifetime_end_ms IS NOT NULL
    WHERE u.id = ANY (reviewed);
    RETURN cardinality(reviewed);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_namespaces(integer) IS
    'Has the tags with an end looked at in at most n namespaces that keep removed tags for a shorter time than they did.';

-- Manifests

CREATE OR REPLACE FUNCTION quay_internal.manifest_unused(manifest_ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        SELECT m.id FROM quay.manifest AS m
        WHERE m.id = ANY (manifest_ids)
          AND NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay.manifest AS r WHERE r.repository_id = m.repository_id AND r.subject = m.digest AND r.id <> m.id));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_unused(bigint[]) IS
    'Those of the manifests that no tag, not even a dead one, no index, and no referrer in their repository holds.';

CREATE OR REPLACE FUNCTION quay_internal.gc_manifests(n integer, untagged bigint[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := ARRAY[]::bigint[];
    locked bigint[];
    collected bigint[];
BEGIN
    IF n > cardinality(untagged) THEN
        reviewed := quay_internal.gc_review_take('m', n - cardinality(untagged));
    END IF;
    -- First without locks: most of what was pushed an hour ago is in use.
    reviewed := quay_internal.manifest_unused(reviewed || untagged);
    IF reviewed = '{}' THEN
        RETURN 0;
    END IF;
    locked := ARRAY(SELECT m.id FROM quay.manifest AS m WHERE m.id = ANY (reviewed) FOR UPDATE SKIP LOCKED);
    PERFORM quay_internal.gc_review_add('m', quay_internal.array_except(reviewed, locked), 1000);
    -- And again, now that nobody can come to refer to them.
    collected := quay_internal.manifest_unused(locked);
    IF collected = '{}' THEN
        RETURN 0;
    END IF;

    DELETE FROM quay.derivedstorageforimage AS d USING unnest(collected) AS m (id)
    WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;   -- ids of the view quay.image
    DELETE FROM quay.manifestpullstatistics AS s USING quay.manifest AS m
    WHERE m.id = ANY (collected) AND s.repository_id = m.repository_id AND s.manifest_digest = m.digest;
    DELETE FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = ANY (collected);
    DELETE FROM quay.manifestlabel AS l WHERE l.manifest_id = ANY (collected);
    DELETE FROM quay.manifestchild AS c WHERE c.manifest_id = ANY (collected);
    DELETE FROM quay.manifestblob AS b WHERE b.manifest_id = ANY (collected);
    DELETE FROM quay.manifest AS m WHERE m.id = ANY (collected);
    RETURN cardinality(collected);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_manifests(integer, bigint[]) IS
    'Looks at the manifests given, and so many under review that there are n, deletes those that nothing holds, with all that hangs on them, and returns how many these were.';

-- Labels, and blobs: their rows, not yet their bytes

CREATE OR REPLACE FUNCTION quay_internal.gc_labels(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('l', n);
    locked bigint[] := ARRAY(SELECT l.id FROM quay.label AS l WHERE l.id = ANY (reviewed) FOR UPDATE SKIP LOCKED);
    deleted integer;
BEGIN
    PERFORM quay_internal.gc_review_add('l', ARRAY(SELECT l.id FROM quay.label AS l WHERE l.id = ANY (quay_internal.array_except(reviewed, locked))), 1000);
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (locked) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_labels(integer) IS 'Reviews at most n labels, deletes those that no manifest has, and returns how many these were.';

CREATE OR REPLACE FUNCTION quay_internal.gc_uploads(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM quay.uploadedblob AS u
    WHERE u.id = ANY (ARRAY(SELECT x.id FROM quay.uploadedblob AS x WHERE x.expires_at <= quay_internal.utc_now()
                            ORDER BY x.expires_at LIMIT n FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_uploads(integer) IS
    'Deletes at most n rows of uploadedblob, which let repositories have a blob for a time, after this time, and returns how many.';

CREATE OR REPLACE FUNCTION quay_internal.gc_uses(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pairs record;
BEGIN
    WITH taken AS (
        DELETE FROM quay_internal.gc_review AS r
        WHERE r.id = ANY (ARRAY(SELECT x.id FROM quay_internal.gc_review AS x
                                WHERE x.kind = 'u' AND x.due_ms <= quay_internal.clock_ms()
                                ORDER BY x.due_ms, x.id LIMIT n FOR UPDATE SKIP LOCKED))
        RETURNING r.repository_id, r.object_id
    )
    SELECT array_agg(t.repository_id) AS repositories, array_agg(t.object_id) AS blobs, count(*)::integer AS number INTO pairs
    FROM (SELECT DISTINCT t.repository_id, t.object_id FROM taken AS t) AS t;
    IF pairs.number > 0 THEN
        PERFORM quay_internal.blob_use_drop(pairs.repositories, pairs.blobs);
    END IF;
    RETURN pairs.number;
END
$$;
COMMENT ON FUNCTION quay_internal.gc_uses(integer) IS
    'Looks again at most n uses of blobs by repositories that could not be decided when a manifest went, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.gc_blobs(n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    reviewed bigint[] := quay_internal.gc_review_take('b', n);
    locked bigint[];
BEGIN
    -- What is used stays. What somebody is giving up just now he may not decide himself, if he still saw the use whose end left this review.
    reviewed := quay_internal.blob_unsettled(reviewed);
    locked := ARRAY(SELECT b.id FROM quay.imagestorage AS b WHERE b.id = ANY (reviewed) ORDER BY b.id FOR UPDATE SKIP LOCKED);
    PERFORM quay_internal.gc_review_add('b', quay_internal.array_except(reviewed, locked), 1000);
    PERFORM quay_internal.blob_discard(quay_internal.blob_unused(locked));
    RETURN cardinality(locked);
END
$$;
COMMENT ON FUNCTION quay_internal.gc_blobs(integer) IS
    'Reviews at most n blobs, marks those that nothing uses for deletion, and returns how many these were.';

-- All of it

CREATE OR REPLACE FUNCTION quay.gc_run(n integer DEFAULT 1000)
    RETURNS TABLE (tags integer, manifests integer, labels integer, uploads integer, more boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    untagged bigint[];
    now_ms bigint;
BEGIN
    PERFORM quay_internal.gc_require_primary();
    PERFORM quay_internal.gc_namespaces(batch);
    SELECT t.deleted, t.manifest_ids INTO tags, untagged FROM quay_internal.gc_tags(batch) AS t;
    manifests := quay_internal.gc_manifests(batch, untagged);
    labels := quay_internal.gc_labels(batch);
    uploads := quay_internal.gc_uploads(batch);
    PERFORM quay_internal.gc_uses(batch);
    PERFORM quay_internal.gc_blobs(batch);
    -- The newest that is due: before the oldest there are the dead rows of all that was taken since the last vacuum.
    now_ms := quay_internal.clock_ms();
    more := EXISTS (SELECT FROM unnest('{n,t,m,l,u,b}'::"char"[]) AS k (kind)
                    WHERE (SELECT true FROM quay_internal.gc_review AS r
                           WHERE r.kind = k.kind AND r.due_ms <= now_ms
                           ORDER BY r.due_ms DESC LIMIT 1))
         OR EXISTS (SELECT FROM quay.uploadedblob AS u WHERE u.expires_at <= quay_internal.utc_now());
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.gc_run(integer) IS
    'Collects garbage: looks at no more than n things of each sort that writes have left to be looked at, and deletes tags that ended longer ago than their namespace keeps removed tags, manifests that no tag, index or referrer holds, labels that no manifest has, and uploads whose time is over. Returns how many of each it deleted; more: something is left, call again, in a new transaction. Blobs that nothing uses any more are marked for deletion; when quay.gc_grace_period is over, quay.gc_storage_take() hands them out.
Any number of workers may call it at once: they share the work. It waits for nobody, and what a failed call had taken is there again. Memory and the duration of its locks grow with n, not with the registry. Errors: 22023 n not positive, 25006 on a standby, 55000 in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE PROCEDURE quay.gc_run_all(batch integer DEFAULT 1000, INOUT tags bigint DEFAULT 0, INOUT manifests bigint DEFAULT 0,
                                            INOUT labels bigint DEFAULT 0, INOUT uploads bigint DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    done pg_catalog.record;
    idle pg_catalog.int4 := 0;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    tags := 0;
    manifests := 0;
    labels := 0;
    uploads := 0;
    LOOP
        SELECT * INTO done FROM quay.gc_run(gc_run_all.batch);
        COMMIT;
        tags := tags OPERATOR(pg_catalog.+) done.tags;
        manifests := manifests OPERATOR(pg_catalog.+) done.manifests;
        labels := labels OPERATOR(pg_catalog.+) done.labels;
        uploads := uploads OPERATOR(pg_catalog.+) done.uploads;
        -- What is left may be in the hands of other workers, who finish it.
        idle := CASE WHEN done.tags OPERATOR(pg_catalog.+) done.manifests OPERATOR(pg_catalog.+) done.labels
                          OPERATOR(pg_catalog.+) done.uploads OPERATOR(pg_catalog.=) 0 THEN idle OPERATOR(pg_catalog.+) 1 ELSE 0 END;
        EXIT WHEN NOT done.more OR idle OPERATOR(pg_catalog.=) 1000;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE quay.gc_run_all(integer, bigint, bigint, bigint, bigint) IS
    'Calls quay.gc_run() until nothing is left that is due, and commits after each batch. Not within a transaction. It may be interrupted, and called again, and by several sessions at once. Errors: as for gc_run().';

CREATE OR REPLACE FUNCTION quay.gc_review_all() RETURNS TABLE (tags bigint, manifests bigint, labels bigint, blobs bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET enable_nestloop = off      -- it reads all there is, and would look for each in the reviews that it is just adding
    AS $$
DECLARE
    unused bigint[];
BEGIN
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't', t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.lifetime_end_ms IS NOT NULL
      AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 't' AND v.object_id = t.id);
    GET DIAGNOSTICS tags = ROW_COUNT;

    unused := ARRAY(
        SELECT m.id FROM quay.manifest AS m
        WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'm' AND v.object_id = m.id));
    unused := quay_internal.manifest_unused(unused);
    PERFORM quay_internal.gc_review_add('m', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    manifests := cardinality(unused);

    unused := ARRAY(
        SELECT l.id FROM quay.label AS l
        WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'l' AND v.object_id = l.id));
    PERFORM quay_internal.gc_review_add('l', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    labels := cardinality(unused);

    unused := ARRAY(
        SELECT b.id FROM quay.imagestorage AS b
        WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id)
          AND NOT EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.blob_id = b.id)
          AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v WHERE v.kind = 'b' AND v.object_id = b.id));
    unused := quay_internal.blob_unused(unused);
    PERFORM quay_internal.gc_review_add('b', unused, quay_internal.setting('gc_grace_period')::bigint * 1000);
    blobs := cardinality(unused);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.gc_review_all() IS
    'Has the garbage collector look at everything that it would have to look at and does not know of, and returns how much that was. Not needed as long as triggers fire: it is for content that was loaded without them, as by logical replication, or by a restore that switches them off. Reads all tags, manifests, labels and blobs.';

CREATE OR REPLACE FUNCTION quay.gc_status()
    RETURNS TABLE (stage text, waiting bigint, due bigint, bytes bigint, oldest_due timestamp, failed bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    RETURN QUERY
        SELECT k.stage, count(r.id), count(r.id) FILTER (WHERE r.due_ms <= now_ms), NULL::bigint,
               to_timestamp(min(r.due_ms) / 1000.0) AT TIME ZONE 'UTC', NULL::bigint
        FROM (VALUES (1, 'n'::"char", 'namespaces'), (2, 't', 'tags'), (3, 'm', 'manifests'), (4, 'l', 'labels'), (5, 'u', 'uses of blobs'),
                     (6, 'b', 'blobs')) AS k (place, kind, stage)
        LEFT JOIN quay_internal.gc_review AS r ON r.kind = k.kind
        GROUP BY k.place, k.stage
        ORDER BY k.place;
    RETURN QUERY
        SELECT 'uploads', count(*), count(*) FILTER (WHERE u.expires_at <= quay_internal.utc_now()), NULL::bigint, min(u.expires_at), NULL::bigint
        FROM quay.uploadedblob AS u;
    RETURN QUERY
        SELECT 'storage', count(*), count(*) FILTER (WHERE d.due_ms <= now_ms), coalesce(sum(b.image_size), 0)::bigint,
               to_timestamp(min(d.due_ms) / 1000.0) AT TIME ZONE 'UTC', count(*) FILTER (WHERE d.last_error IS NOT NULL)
        FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id;
END
$$;
COMMENT ON FUNCTION quay.gc_status() IS
    'What waits for the garbage collector, by stage: how many reviews or rows, how many of them are due, the oldest time at which one is due (UTC); of stage storage, blobs whose bytes are to be deleted, also their bytes, and how many a client gave back with an error. Reads all that waits.';

-- @part step api/630_migration.sql
-- Where a database stands between versions, how it got there, and what an update or a downgrade would run.
--
-- What a step does, locks and costs stands in its script, in lines that start with "-- @"; the build collects them into the library
-- (sql/assemble steps). So they are known as soon as the package of a new version is installed, before the update that they are about.

CREATE OR REPLACE FUNCTION quay_internal.version_number(version text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN pg_catalog.string_to_array(version, '.')::pg_catalog.int4[];
COMMENT ON FUNCTION quay_internal.version_number(text) IS 'A version as numbers, by which versions are ordered: 1.10 comes after 1.9.';

CREATE OR REPLACE FUNCTION quay_internal.migration_record(from_version text, to_version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- The wall clock, whatever quay.clock says: this is about the server, not about the registry in it.
    now_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;
    last_ms bigint := coalesce((SELECT max(j.finished_ms) FROM quay_internal.migration_journal AS j), 0);
BEGIN
    -- One command may run several steps, each of which begins where the one before ended. A clock that was set back changes no order.
    INSERT INTO quay_internal.migration_journal (finished_ms, kind, from_version, to_version, duration_ms, role_name, server_version)
    VALUES (greatest(now_ms, last_ms + 1),
            CASE WHEN from_version IS NULL THEN 'install'
                 WHEN quay_internal.version_number(from_version) < quay_internal.version_number(to_version) THEN 'update'
                 ELSE 'downgrade' END,
            migration_record.from_version, migration_record.to_version,
            greatest(now_ms - greatest((extract(epoch FROM statement_timestamp()) * 1000)::bigint, last_ms), 0),
            session_user, current_setting('server_version'));
END
$$;
COMMENT ON FUNCTION quay_internal.migration_record(text, text) IS
    'Writes the line of a step into the journal, as the last act of the step. First argument NULL: of an installation.';

CREATE OR REPLACE FUNCTION quay.migration_history()
    RETURNS TABLE (kind text, from_version text, to_version text, finished timestamp, duration interval, role text, server_version text,
                   is_current boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT CASE WHEN j.kind = 'install' AND lag(j.kind) OVER before IS NOT NULL THEN 'restore' ELSE j.kind END,
               j.from_version, j.to_version, to_timestamp(j.finished_ms / 1000.0) AT TIME ZONE 'UTC', make_interval(secs => j.duration_ms / 1000.0),
               j.role_name, j.server_version, lead(j.kind) OVER before IS NULL
        FROM quay_internal.migration_journal AS j
        WINDOW before AS (ORDER BY j.finished_ms)
        ORDER BY j.finished_ms;
END
$$;
COMMENT ON FUNCTION quay.migration_history() IS
    'What was run in this database, oldest first: install; before, which is the version of a database from before version 1.4, whose earlier steps nobody wrote down; update and downgrade, one row for each step; restore, where a dump was restored. With the end (UTC), how long it took, who did it and the version of the server. is_current: the last row. migration_status() says where the database stands.';

CREATE OR REPLACE FUNCTION quay.migration_status()
    RETURNS TABLE (state text, rows_version text, extension_version text, library_version text, default_version text,
                   available_versions text[], next_step text)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    rows_version := quay.version();
    library_version := quay_internal.version_library();
    SELECT e.extversion INTO extension_version FROM pg_extension AS e WHERE e.extname = 'quay';
    SELECT a.default_version INTO default_version FROM pg_available_extensions AS a WHERE a.name = 'quay';
    available_versions := ARRAY(SELECT v.version FROM pg_available_extension_versions AS v WHERE v.name = 'quay'
                                ORDER BY quay_internal.version_number(v.version));
    state := CASE
        WHEN rows_version IS DISTINCT FROM extension_version THEN 'mixed'
        WHEN quay_internal.version_number(library_version) < quay_internal.version_number(extension_version)
             OR quay_internal.version_number(library_version) < quay_internal.version_number(default_version) THEN 'old library'
        WHEN default_version IS NULL OR quay_internal.version_number(default_version) < quay_internal.version_number(extension_version) THEN 'old package'
        WHEN quay_internal.version_number(extension_version) < quay_internal.version_number(default_version) THEN 'behind'
        ELSE 'current'
    END;
    next_step := CASE state
        WHEN 'mixed' THEN 'Restore the dump into an empty database that has the extension in the version of the dump, then update.'
        WHEN 'old library' THEN format('Connect anew: this session has the library of version %s.', library_version)
        WHEN 'old package' THEN format('Install the package of version %s on this server.', extension_version)
        WHEN 'behind' THEN 'See what quay.migration_path() says, then run ALTER EXTENSION quay UPDATE.'
    END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.migration_status() IS
    'Where the database stands, in one row: the version of its rows, of the extension, of the library in this session, and of what is installed on the server. state: current; behind, so an update is possible; mixed, so a dump of one version was restored into another; old library, so this session began before the package was replaced; old package, so the server has not what the database needs. next_step: what to do about it, NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.migration_step_text() RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_version_steps';
COMMENT ON FUNCTION quay_internal.migration_step_text() IS 'What the scripts of all steps say about themselves, as JSON, up to the version of the library.';

CREATE OR REPLACE FUNCTION quay_internal.migration_step_list()
    RETURNS TABLE (from_version text, to_version text, about text, may_refuse text[], refusals jsonb, locks jsonb, work jsonb)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s."from", s."to", s.about, s.may_refuse, s.refusals, s.locks, s.work
        FROM jsonb_to_recordset(quay_internal.migration_step_text()::jsonb)
            AS s ("from" text, "to" text, about text, may_refuse text[], refusals jsonb, locks jsonb, work jsonb);
END
$$;
COMMENT ON FUNCTION quay_internal.migration_step_list() IS
    'The steps that the library knows: what each does, why it may refuse, conditions under which a downgrade refuses, relations by the mode in which the step locks them (SHARE and stronger), and what takes longer the more rows there are, in microseconds for each.';

CREATE OR REPLACE FUNCTION quay_internal.migration_refused(from_version text, to_version text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result text[] := ARRAY[]::text[];
    refusal record;
    holds boolean;
BEGIN
    FOR refusal IN
        SELECT r."when", r.what FROM quay_internal.migration_step_list() AS s, jsonb_to_recordset(s.refusals) AS r ("when" text, what text)
        WHERE s.from_version = migration_refused.from_version AND s.to_version = migration_refused.to_version
    LOOP
        -- The text is that of the script, which comes with the library.
        EXECUTE 'SELECT ' || refusal."when" INTO holds;
        IF holds THEN
            result := result || refusal.what;
        END IF;
    END LOOP;
    RETURN result;
-- The last one: an UNLOGGED table, on a standby.
EXCEPTION WHEN insufficient_privilege OR undefined_table OR undefined_column OR undefined_function OR feature_not_supported THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.migration_refused(text, text) IS
    'For which of its conditions of downgrade_refuse() this step would refuse now. NULL: this role, this database or this standby cannot tell.';

CREATE OR REPLACE FUNCTION quay_internal.row_guess(relation text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A table that was never analyzed is guessed from its size.
    RETURN (SELECT CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_relation_size(c.oid) / 100 END
            FROM pg_class AS c WHERE c.oid = to_regclass(row_guess.relation));
END
$$;
COMMENT ON FUNCTION quay_internal.row_guess(text) IS 'About how many rows a table has, guessed from its size if it was never analyzed. NULL: there is no such table.';

CREATE OR REPLACE FUNCTION quay.migration_path(target text DEFAULT NULL, source text DEFAULT NULL)
    RETURNS TABLE (step integer, direction text, from_version text, to_version text, about text, may_refuse text[], refused_now text[],
                   locks jsonb, work text[], estimate interval)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here text := (SELECT e.extversion FROM pg_extension AS e WHERE e.extname = 'quay');
    first text := coalesce(migration_path.source, here);
    last text := coalesce(migration_path.target, (SELECT a.default_version FROM pg_available_extensions AS a WHERE a.name = 'quay'));
    versions text[] := ARRAY(SELECT v.version FROM pg_available_extension_versions AS v WHERE v.name = 'quay'
                             ORDER BY quay_internal.version_number(v.version));
    unknown text := CASE WHEN first <> ALL (versions) THEN first WHEN last IS NULL OR last <> ALL (versions) THEN last END;
    path text[];
BEGIN
    IF unknown IS NOT NULL OR last IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY170',
            MESSAGE = 'no such version',
            DETAIL = format('Version "%s" of the extension is not installed on this server.', left(unknown, 80)),
            HINT = format('Versions are %s. For a newer one install its package first.', array_to_string(versions, ', '));
    END IF;
    SELECT string_to_array(p.path, '--') INTO path FROM pg_extension_update_paths('quay') AS p WHERE p.source = first AND p.target = last;
    IF path IS NULL AND first <> last THEN
        RAISE EXCEPTION USING ERRCODE = 'QY170',
            MESSAGE = 'no path to that version',
            DETAIL = format('No steps lead from version %s to version %s.', first, last),
            HINT = 'A script of the package is missing in the folder "extension" of this server: install the package again.';
    END IF;
    RETURN QUERY
        SELECT i::integer,
               CASE WHEN quay_internal.version_number(path[i]) < quay_internal.version_number(path[i + 1]) THEN 'up' ELSE 'down' END,
               path[i], path[i + 1], s.about, s.may_refuse,
               quay_internal.migration_refused(path[i], path[i + 1]),
               s.locks, w.lines, w.total
        FROM generate_series(1, cardinality(path) - 1) AS i
        LEFT JOIN quay_internal.migration_step_list() AS s ON s.from_version = path[i] AND s.to_version = path[i + 1]
        LEFT JOIN LATERAL (
            SELECT array_agg(format('%s: %s, about %s rows', x.relation, x.why, r.n) ORDER BY r.n * x.us DESC, x.relation) AS lines,
                   make_interval(secs => (round(coalesce(sum(r.n * x.us), 0) / 1000) / 1000)::double precision) AS total
            FROM jsonb_to_recordset(s.work) AS x (relation text, us numeric, why text)
            CROSS JOIN LATERAL (SELECT quay_internal.row_guess(x.relation) AS n) AS r
            WHERE r.n IS NOT NULL
        ) AS w ON s.work IS NOT NULL
        ORDER BY i;
END
$$;
COMMENT ON FUNCTION quay.migration_path(text, text) IS
    'The steps that ALTER EXTENSION quay UPDATE TO target would run, up or down; target NULL: the version that is installed as default. For each step: what it does; why it may refuse; refused_now, for which of the reasons of QY092 it would refuse now, which is cheap to tell (empty: for none; NULL: this role or this database cannot tell); locks, the relations by mode, SHARE and stronger, held until the end of the transaction; work, what takes longer the more rows there are, and estimate, about how long that takes on one core of a small machine. source: start from another version than that of this database. No row: there is nothing to do. about is NULL for a step that the library of this session does not know: connect anew. Errors: QY170 no such version, or no path to it.';

COMMENT ON TABLE quay_internal.migration_journal IS 'Each step that was run here, written by the step itself; quay.migration_history() shows it.';
COMMENT ON COLUMN quay_internal.migration_journal.finished_ms IS 'End of the step by the wall clock, ms since epoch UTC. Unique: later steps have later ones, even if the clock is set back.';
COMMENT ON COLUMN quay_internal.migration_journal.kind IS 'install, update, downgrade; before: the database is from before version 1.4, which began the journal.';
COMMENT ON COLUMN quay_internal.migration_journal.from_version IS 'Version before the step. NULL: none, or not known.';
COMMENT ON COLUMN quay_internal.migration_journal.to_version IS 'Version after the step.';
COMMENT ON COLUMN quay_internal.migration_journal.duration_ms IS 'How long the step took, ms. NULL: not known.';
COMMENT ON COLUMN quay_internal.migration_journal.role_name IS 'Who ran it: the role that had logged in. NULL: not known.';
COMMENT ON COLUMN quay_internal.migration_journal.server_version IS 'Version of PostgreSQL at that time. NULL: not known.';

-- @part step api/640_backfill.sql
-- Long backfills: what a new version wants to know about old rows, found out after the update, in batches that commit, while the registry
-- works on. A later version whose step needs the result asks for it first (backfill_require).
--
-- A backfill is a function of (after bigint, n integer) that works on the next n rows in the order of a key, and returns the last key that
-- it has looked at and how many rows it has changed; no row, or NULL: there are no more. Running it twice over the same rows must do no
-- harm. New rows are written complete by the version that brings the backfill, so that it has an end.

CREATE OR REPLACE FUNCTION quay_internal.backfill_list()
    RETURNS TABLE (name text, introduced_in text, needed_by text, table_name text, function_name text, batch_rows integer, throttle_ms integer, about text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('manifest_fields', '1.2', NULL, 'quay.manifest', 'quay_internal.manifest_backfill_next', 1000, 20,
         'subject, artifact type and media type of the config, of manifests that came from an older database without them'),
        ('scan_rows', '1.2', NULL, 'quay.manifest', 'quay.scan_backfill', 10000, 20,
         'places in the queue of the security scanner for manifests that have none');
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_list() IS
    'The backfills of this version: the version that brought it, the one whose step needs it (NULL: none does), the table that it goes through, its function, rows of a batch and pause after it, and what it fills in.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_begin(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition record;
BEGIN
    SELECT * INTO definition FROM quay_internal.backfill_list() AS l WHERE l.name = backfill_begin.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY171',
            MESSAGE = 'no such backfill',
            DETAIL = format('There is no backfill named "%s".', left(backfill_begin.name, 80)),
            HINT = 'The view quay.backfill_progress lists all of this version.';
    END IF;
    -- Looked for first: the insertion would wait for a batch that is under way.
    IF EXISTS (SELECT FROM quay_internal.backfill AS b WHERE b.name = backfill_begin.name) THEN
        RETURN;
    END IF;
    INSERT INTO quay_internal.backfill AS b (name, batch_rows, throttle_ms)
    VALUES (definition.name, definition.batch_rows, definition.throttle_ms)
    ON CONFLICT ON CONSTRAINT pk_backfill DO NOTHING;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_begin(text) IS 'Makes sure that the backfill has a row. Errors: QY171 no such backfill.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_step(name text, n integer DEFAULT NULL,
                                                       OUT state text, OUT changed integer, OUT throttle_ms integer, OUT error_code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    definition record;
    progress quay_internal.backfill;
    reached bigint;
    message text;
BEGIN
    -- Whoever has the row works on the batch after it; a crash gives it back.
    SELECT b.* INTO progress FROM quay_internal.backfill AS b WHERE b.name = backfill_step.name FOR UPDATE SKIP LOCKED;
    changed := 0;
    throttle_ms := coalesce(progress.throttle_ms, 0);
    IF NOT FOUND THEN
        state := 'busy';
        RETURN;
    ELSIF progress.finished_ms IS NOT NULL THEN
        state := 'done';
        RETURN;
    END IF;
    SELECT l.* INTO STRICT definition FROM quay_internal.backfill_list() AS l WHERE l.name = backfill_step.name;
    IF progress.started_ms IS NULL THEN
        progress.started_ms := quay_internal.clock_ms();
        EXECUTE format('SELECT coalesce(max(t.id), 0) FROM %s AS t', definition.table_name::regclass) INTO progress.end_key;
    END IF;
    BEGIN
        EXECUTE format('SELECT * FROM %s($1, $2)', definition.function_name::regproc) INTO reached, changed
        USING progress.last_key, coalesce(backfill_step.n, progress.batch_rows);
        IF reached <= progress.last_key THEN
            RAISE EXCEPTION USING ERRCODE = 'QY173',
                MESSAGE = 'backfill does not advance',
                DETAIL = format('%s has returned key %s after key %s.', definition.function_name, reached, progress.last_key),
                HINT = 'It must return the last key that it has looked at, or no row when there are no more.';
        END IF;
        state := CASE WHEN reached IS NULL THEN 'done' ELSE 'more' END;
        error_code := NULL;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        message := format('%s: %s', error_code, message);
        changed := 0;
        reached := NULL;
        state := 'failed';
    END;
    changed := coalesce(changed, 0);
    UPDATE quay_internal.backfill AS b
    SET last_key = coalesce(reached, b.last_key), end_key = progress.end_key, rows_done = b.rows_done + changed,
        started_ms = progress.started_ms, updated_ms = quay_internal.clock_ms(), last_error = left(message, 1000),
        finished_ms = CASE WHEN state = 'done' THEN quay_internal.clock_ms() END
    WHERE b.name = backfill_step.name;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_step(text, integer) IS
    'Works on the next batch of a backfill. state: more, done, busy (another session is at it) or failed, with the code of the error, whose text the row keeps.';

CREATE OR REPLACE PROCEDURE quay.backfill_run(name text DEFAULT NULL, batch_rows integer DEFAULT NULL, throttle_ms integer DEFAULT NULL,
                                              max_seconds integer DEFAULT NULL, INOUT rows_done bigint DEFAULT 0)
    LANGUAGE plpgsql AS $$
DECLARE
    wanted pg_catalog.text[];
    current_name pg_catalog.text;
    batch pg_catalog.record;
    failures pg_catalog.int4;
    failed pg_catalog.text[] := ARRAY[]::pg_catalog.text[];
    began pg_catalog.timestamptz := pg_catalog.clock_timestamp();
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    IF backfill_run.batch_rows IS NOT NULL THEN
        PERFORM quay_internal.batch_size(backfill_run.batch_rows);
    END IF;
    rows_done := 0;
    wanted := ARRAY(SELECT l.name FROM quay_internal.backfill_list() AS l
                    WHERE l.name OPERATOR(pg_catalog.=) coalesce(backfill_run.name, l.name));
    IF backfill_run.name IS NOT NULL THEN
        wanted := ARRAY[backfill_run.name];
    END IF;
    FOREACH current_name IN ARRAY wanted LOOP
        PERFORM quay_internal.backfill_begin(current_name);
        COMMIT;
        failures := 0;
        LOOP
            SELECT * INTO batch FROM quay_internal.backfill_step(current_name, backfill_run.batch_rows);
            COMMIT;
            rows_done := rows_done OPERATOR(pg_catalog.+) batch.changed;
            IF batch.state OPERATOR(pg_catalog.=) 'busy' THEN
                RAISE NOTICE 'another session runs backfill "%"', current_name;
                EXIT;
            END IF;
            EXIT WHEN batch.state OPERATOR(pg_catalog.=) 'done';
            IF batch.state OPERATOR(pg_catalog.=) 'failed' THEN
                -- Deadlocks, serialization failures and locks that were not to be had pass.
                failures := failures OPERATOR(pg_catalog.+) 1;
                IF failures OPERATOR(pg_catalog.=) 5 OR batch.error_code OPERATOR(pg_catalog.<>) ALL (ARRAY['40001', '40P01', '55P03']) THEN
                    failed := failed OPERATOR(pg_catalog.||) current_name;
                    EXIT;
                END IF;
                PERFORM pg_catalog.pg_sleep(0.1 OPERATOR(pg_catalog.*) failures);
            ELSE
                failures := 0;
            END IF;
            EXIT WHEN pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) began
                      OPERATOR(pg_catalog.>=) pg_catalog.make_interval(secs => backfill_run.max_seconds);
            PERFORM pg_catalog.pg_sleep(coalesce(backfill_run.throttle_ms, batch.throttle_ms) OPERATOR(pg_catalog./) 1000.0);
            COMMIT;
        END LOOP;
    END LOOP;
    IF pg_catalog.cardinality(failed) OPERATOR(pg_catalog.>) 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY173',
            MESSAGE = 'backfill has failed',
            DETAIL = (SELECT pg_catalog.string_agg(pg_catalog.format('%s, after key %s: %s', b.name, b.last_key, b.last_error), '; ' ORDER BY b.name)
                      FROM quay_internal.backfill AS b WHERE b.name OPERATOR(pg_catalog.=) ANY (failed)),
            HINT = 'What was done before is kept. When the cause is out of the way, call quay.backfill_run() again: it goes on from there.';
    END IF;
END
$$;
COMMENT ON PROCEDURE quay.backfill_run(text, integer, integer, integer, bigint) IS
    'Runs one backfill, or all that are not done, batch by batch, and commits after each. Not within a transaction. It may be interrupted, and called again, and by several sessions at once. batch_rows and throttle_ms (pause after a batch) override those of the backfill for this run, max_seconds ends it after that time. rows_done: how many rows this run has changed. Errors: QY171 no such backfill, QY173 a batch has failed, 22023 batch_rows not positive.';

CREATE OR REPLACE FUNCTION quay.backfill_set(name text, batch_rows integer DEFAULT NULL, throttle_ms integer DEFAULT NULL, restart boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF backfill_set.batch_rows < 1 OR backfill_set.throttle_ms < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal pace of a backfill',
            DETAIL = format('Rows of a batch: %s, pause after it: %s ms.', coalesce(backfill_set.batch_rows::text, 'as before'),
                            coalesce(backfill_set.throttle_ms::text, 'as before')),
            HINT = 'A batch has at least one row, and the pause is not negative.';
    END IF;
    PERFORM quay_internal.backfill_begin(backfill_set.name);
    UPDATE quay_internal.backfill AS b
    SET batch_rows = coalesce(backfill_set.batch_rows, b.batch_rows), throttle_ms = coalesce(backfill_set.throttle_ms, b.throttle_ms)
    WHERE b.name = backfill_set.name;
    IF backfill_set.restart THEN
        UPDATE quay_internal.backfill AS b
        SET last_key = 0, end_key = 0, rows_done = 0, started_ms = NULL, updated_ms = NULL, finished_ms = NULL, last_error = NULL
        WHERE b.name = backfill_set.name;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.backfill_set(text, integer, integer, boolean) IS
    'Changes the pace of a backfill, also of one that runs: it holds from the next batch on. NULL: as before. restart: forget how far it has got, to go through all rows again. Errors: QY171 no such backfill, 22023 batch_rows not positive or throttle_ms negative.';

CREATE OR REPLACE FUNCTION quay_internal.backfill_require(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    progress quay_internal.backfill;
BEGIN
    PERFORM quay_internal.backfill_begin(backfill_require.name);
    -- Does nothing if it is done, and finds out that it has nothing to do: nobody has to run one in an empty registry.
    PERFORM quay_internal.backfill_step(backfill_require.name, 1);
    SELECT b.* INTO progress FROM quay_internal.backfill AS b WHERE b.name = backfill_require.name;
    IF progress.finished_ms IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY172',
            MESSAGE = 'a backfill that the new version needs is not done',
            DETAIL = format('Backfill "%s" has got to key %s of %s.', progress.name, progress.last_key, progress.end_key),
            HINT = format('Run CALL quay.backfill_run(%L), which works while the registry does, then update again.', progress.name);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.backfill_require(text) IS
    'For the first lines of an up.sql that needs a backfill of an older version: refuses (QY172) unless it is done, or has nothing to do.';

CREATE OR REPLACE VIEW quay.backfill_progress AS
SELECT l.name, l.about,
       CASE WHEN b.finished_ms IS NOT NULL THEN 'done'
            WHEN b.last_error IS NOT NULL THEN 'failed'
            WHEN b.started_ms IS NOT NULL THEN 'started'
            ELSE 'waiting' END AS state,
       CASE WHEN b.finished_ms IS NOT NULL THEN 100
            WHEN b.started_ms IS NOT NULL THEN least(100, round(100.0 * b.last_key / greatest(b.end_key, 1), 1)) END AS percent,
       b.rows_done, b.last_key, b.end_key,
       make_interval(secs => (CASE WHEN b.finished_ms IS NULL AND b.last_key > 0
           THEN (b.updated_ms - b.started_ms) / 1000.0 * greatest(b.end_key - b.last_key, 0) / b.last_key END)::double precision) AS remaining,
       coalesce(b.batch_rows, l.batch_rows) AS batch_rows, coalesce(b.throttle_ms, l.throttle_ms) AS throttle_ms,
       to_timestamp(b.started_ms / 1000.0) AT TIME ZONE 'UTC' AS started, to_timestamp(b.updated_ms / 1000.0) AT TIME ZONE 'UTC' AS updated,
       to_timestamp(b.finished_ms / 1000.0) AT TIME ZONE 'UTC' AS finished, b.last_error, l.introduced_in, l.needed_by
FROM quay_internal.backfill_list() AS l
LEFT JOIN quay_internal.backfill AS b ON b.name = l.name;

COMMENT ON VIEW quay.backfill_progress IS 'The backfills of this version, and how far each has got.';
COMMENT ON COLUMN quay.backfill_progress.name IS 'Name, as quay.backfill_run() takes it.';
COMMENT ON COLUMN quay.backfill_progress.about IS 'What it fills in.';
COMMENT ON COLUMN quay.backfill_progress.state IS 'waiting, started, failed (last_error says why; the next run goes on) or done.';
COMMENT ON COLUMN quay.backfill_progress.percent IS 'How much of the keys that there were when it began it has looked at. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.rows_done IS 'Rows that it has changed. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.last_key IS 'Last key that it has looked at. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.end_key IS 'Largest key when it began. NULL: not begun.';
COMMENT ON COLUMN quay.backfill_progress.remaining IS 'About how long it takes to get to the end, at the pace of before, pauses and interruptions included. NULL: not known, or done.';
COMMENT ON COLUMN quay.backfill_progress.batch_rows IS 'Rows of a batch.';
COMMENT ON COLUMN quay.backfill_progress.throttle_ms IS 'Pause after a batch, ms.';
COMMENT ON COLUMN quay.backfill_progress.started IS 'When its first batch ran, UTC.';
COMMENT ON COLUMN quay.backfill_progress.updated IS 'When its last batch ran, UTC.';
COMMENT ON COLUMN quay.backfill_progress.finished IS 'When it was done, UTC.';
COMMENT ON COLUMN quay.backfill_progress.last_error IS 'Code and text of the error of the last batch. NULL: it went well.';
COMMENT ON COLUMN quay.backfill_progress.introduced_in IS 'Version that brought it.';
COMMENT ON COLUMN quay.backfill_progress.needed_by IS 'Version that can only be updated to when it is done. NULL: none so far.';

COMMENT ON TABLE quay_internal.backfill IS 'How far each backfill has got, from its first run on; quay.backfill_progress shows it.';
COMMENT ON COLUMN quay_internal.backfill.name IS 'Name of a backfill, see quay_internal.backfill_list().';
COMMENT ON COLUMN quay_internal.backfill.last_key IS 'Last key that it has looked at; the next batch comes after it.';
COMMENT ON COLUMN quay_internal.backfill.end_key IS 'Largest key when its first batch ran.';
COMMENT ON COLUMN quay_internal.backfill.rows_done IS 'Rows that it has changed.';
COMMENT ON COLUMN quay_internal.backfill.batch_rows IS 'Rows of a batch.';
COMMENT ON COLUMN quay_internal.backfill.throttle_ms IS 'Pause after a batch, ms.';
COMMENT ON COLUMN quay_internal.backfill.started_ms IS 'Its first batch, ms since epoch UTC. NULL: not begun.';
COMMENT ON COLUMN quay_internal.backfill.updated_ms IS 'Its last batch, ms since epoch UTC. NULL: not begun.';
COMMENT ON COLUMN quay_internal.backfill.finished_ms IS 'When it was done, ms since epoch UTC. NULL: it is not.';
COMMENT ON COLUMN quay_internal.backfill.last_error IS 'Code and text of the error of the last batch. NULL: it went well.';

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

-- @part step api/600_adoption_source.sql
-- A Quay moves in: what is read. The tables of the reference, in another schema, as rows of our tables.
--
-- Statements over a schema that the caller names, whose tables may lack columns, cannot be written down as they are. They are written with
-- names of tables in braces, which adoption_sql() replaces:
--   {tag}    the rows of that table that are not left out (so far), with all columns that ours has
--   {tag+}   those that are to be written, as they are to be written
-- All that is put in comes from the catalog, quoted, or is a number; values of the source never become part of a statement.

CREATE OR REPLACE FUNCTION quay_internal.reference_table_list() RETURNS TABLE (table_name text, is_enumeration boolean)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT n.name, true FROM unnest(ARRAY[
        'accesstokenkind', 'apprblobplacementlocation', 'apprtagkind', 'buildtriggerservice', 'disablereason', 'externalnotificationevent',
        'externalnotificationmethod', 'imagestoragelocation', 'imagestoragesignaturekind', 'imagestoragetransformation', 'labelsourcetype',
        'logentrykind', 'loginservice', 'mediatype', 'notificationkind', 'quotatype', 'repositorykind', 'role', 'tagkind', 'teamrole',
        'userpromptkind', 'visibility']) AS n (name)
    UNION ALL
    SELECT n.name, false FROM unnest(ARRAY[
        'accesstoken', 'apprblob', 'apprblobplacement', 'apprmanifest', 'apprmanifestblob', 'apprmanifestlist', 'apprmanifestlistmanifest',
        'apprtag', 'appspecificauthtoken', 'autoprunetaskstatus', 'blobupload', 'deletednamespace', 'deletedrepository',
        'emailconfirmation', 'federatedlogin', 'imagestorage', 'imagestorageplacement', 'imagestoragesignature', 'label', 'logentry',
        'logentry2', 'logentry3', 'manifest', 'manifestblob', 'manifestchild', 'manifestlabel', 'manifestpullstatistics',
        'manifestsecuritystatus', 'messages', 'namespaceautoprunepolicy', 'namespaceimmutabilitypolicy', 'namespacenotification',
        'notification', 'oauthaccesstoken', 'oauthapplication', 'oauthassignedtoken', 'oauthauthorizationcode', 'organizationcontactemail',
        'organizationrhskus', 'orgmirrorconfig', 'orgmirrorrepository', 'permissionprototype', 'proxycacheconfig', 'quayregion',
        'quayrelease', 'quayservice', 'queueitem', 'quotalimits', 'quotanamespacesize', 'quotanotificationstate', 'quotaregistrysize',
        'quotarepositorysize', 'redhatsubscriptions', 'repomirrorconfig', 'repomirrorrule', 'repository', 'repositoryactioncount',
        'repositoryauthorizedemail', 'repositoryautoprunepolicy', 'repositorybuild', 'repositorybuildtrigger',
        'repositoryimmutabilitypolicy', 'repositorynotification', 'repositorypermission', 'repositorysearchscore', 'robotaccountmetadata',
        'robotaccounttoken', 'servicekey', 'servicekeyapproval', 'star', 'tag', 'tagnotificationsuccess', 'tagpullstatistics', 'team',
        'teammember', 'teammemberinvite', 'teamsync', 'uploadedblob', 'user', 'userorganizationquota', 'userprompt', 'userregion']) AS n (name);
END
$$;
COMMENT ON FUNCTION quay_internal.reference_table_list() IS
    'The tables that the reference application has, besides alembic_version. Enumerations are adopted by name, all others keep their ids.';

CREATE OR REPLACE FUNCTION quay_internal.reference_column_list(table_name text)
    RETURNS TABLE (column_name text, column_type text, is_required boolean, default_value text, place integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What we have added to tables of the reference.
    own CONSTANT text[] := ARRAY['blobupload.reserved_bytes', 'namespacenotification.last_error', 'oauthaccesstoken.token_digest',
                                 'oauthauthorizationcode.created', 'oauthauthorizationcode.redirect_uri', 'repositorynotification.last_error',
                                 'tag.ended'];
BEGIN
    RETURN QUERY
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           CASE WHEN a.attname <> 'id' THEN pg_get_expr(d.adbin, d.adrelid) END, a.attnum::integer
    FROM pg_attribute AS a LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = format('quay.%I', reference_column_list.table_name)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND reference_column_list.table_name || '.' || a.attname <> ALL (own)
    ORDER BY a.attnum;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_column_list(text) IS
    'The columns that the reference application has in a table of ours, with type and default, in order.';

CREATE OR REPLACE FUNCTION quay_internal.reference_key_list(table_name text)
    RETURNS TABLE (column_name text, target text, is_required boolean, target_is_enumeration boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT a.attname::text, t.relname::text, a.attnotnull, l.is_enumeration
    FROM pg_constraint AS k
    JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    JOIN pg_class AS t ON t.oid = k.confrelid
    JOIN quay_internal.reference_table_list() AS l ON l.table_name = t.relname
    WHERE k.conrelid = format('quay.%I', reference_key_list.table_name)::regclass AND k.contype = 'f'
    UNION ALL
    -- Without a constraint, there and here, but a kind like the others.
    SELECT 'kind_id', 'logentrykind', true, true WHERE reference_key_list.table_name = 'logentry3';
END
$$;
COMMENT ON FUNCTION quay_internal.reference_key_list(text) IS 'The foreign keys of a table of the reference: column and the table that it points to, by id.';

CREATE OR REPLACE FUNCTION quay_internal.reference_order() RETURNS TABLE (table_name text, is_enumeration boolean, depth integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE edge AS MATERIALIZED (
        SELECT l.table_name, k.target FROM quay_internal.reference_table_list() AS l
        CROSS JOIN LATERAL quay_internal.reference_key_list(l.table_name) AS k
        WHERE k.target <> l.table_name
    ), path AS (
        SELECT l.table_name, l.is_enumeration, 0 AS depth FROM quay_internal.reference_table_list() AS l
        UNION
        SELECT e.table_name, false, p.depth + 1 FROM path AS p JOIN edge AS e ON e.target = p.table_name
    )
    SELECT p.table_name, bool_or(p.is_enumeration), max(p.depth) FROM path AS p GROUP BY p.table_name ORDER BY max(p.depth), p.table_name;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_order() IS 'The tables of the reference in an order in which each comes after those that it points to.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_has(run_id bigint, table_name text, treatments text[], column_name text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay_internal.adoption_finding AS f
                   WHERE f.run_id = adoption_has.run_id AND f.table_name = adoption_has.table_name AND f.treatment = ANY (treatments)
                     AND (adoption_has.column_name IS NULL OR f.column_name = adoption_has.column_name));
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_has(bigint, text, text[], text) IS
    'Has the run met rows of a table, or a column of it, that are treated in one of these ways?';

CREATE OR REPLACE FUNCTION quay_internal.adoption_read(run quay_internal.adoption_run, table_name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source regclass := to_regclass(format('%I.%I', run.source_schema, adoption_read.table_name));
    columns text;
BEGIN
    -- What an older revision lacks has its default. No casts: the columns of the source must stay what its indexes are made of.
    SELECT string_agg(CASE WHEN a.attname IS NOT NULL THEN format('x.%I', c.column_name)
                           ELSE format('%s AS %I', coalesce(c.default_value, 'NULL::' || c.column_type), c.column_name) END,
                      ', ' ORDER BY c.place)
    INTO columns
    FROM quay_internal.reference_column_list(table_name) AS c
    LEFT JOIN pg_attribute AS a ON a.attrelid = source AND a.attname = c.column_name AND a.attnum > 0 AND NOT a.attisdropped;
    IF source IS NULL THEN
        RETURN format('(SELECT x.* FROM quay.%I AS x WHERE false)', table_name);
    END IF;
    RETURN format('(SELECT %s FROM %s AS x%s)', columns, source,
        CASE WHEN quay_internal.adoption_has(run.id, table_name, ARRAY['left out']) THEN
            format(' WHERE NOT EXISTS (SELECT FROM quay_internal.adoption_report AS o WHERE o.run_id = %s AND o.table_name = %L '
                   'AND o.source_id = x.id AND o.treatment = ''left out'')', run.id, table_name) ELSE '' END);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_read(quay_internal.adoption_run, text) IS
    'A subquery for the rows of a table of the source that are not left out, with all columns that the table has at the head revision.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_json(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text;
BEGIN
    content := value::jsonb #>> '{}';
    IF jsonb_typeof(content::jsonb) IN ('object', 'array') THEN
        RETURN content;
    END IF;
    RETURN value;
EXCEPTION WHEN data_exception THEN
    RETURN value;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_json(text) IS
    'The JSON object or array in a text that is a JSON string which contains it; any other text as it is.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_json_column_list() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Not the pruning policies and the groups of synchronized teams: these the reference application encodes twice, and reads so.
    RETURN QUERY VALUES
        ('blobupload', 'storage_metadata'), ('federatedlogin', 'metadata_json'), ('logentry', 'metadata_json'), ('logentry2', 'metadata_json'),
        ('logentry3', 'metadata_json'), ('manifestsecuritystatus', 'error_json'), ('manifestsecuritystatus', 'metadata_json'),
        ('namespaceimmutabilitypolicy', 'policy'), ('namespacenotification', 'config_json'), ('namespacenotification', 'event_config_json'),
        ('notification', 'metadata_json'), ('orgmirrorconfig', 'external_registry_config'), ('repomirrorconfig', 'external_registry_config'),
        ('repositorybuild', 'job_config'), ('repositorybuildtrigger', 'config'), ('repositoryimmutabilitypolicy', 'policy'),
        ('repositorynotification', 'config_json'), ('repositorynotification', 'event_config_json'), ('robotaccountmetadata', 'unstructured_json'),
        ('servicekey', 'jwk'), ('servicekey', 'metadata');
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_json_column_list() IS 'Text columns of the reference that hold JSON, encoded once.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_map_changes(run_id bigint, table_name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay_internal.adoption_map AS m
                   WHERE m.run_id = adoption_map_changes.run_id AND m.table_name = adoption_map_changes.table_name AND m.source_id <> m.target_id);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_map_changes(bigint, text) IS 'Does any row of the table get another id than in the source?';

CREATE OR REPLACE FUNCTION quay_internal.adoption_write(run quay_internal.adoption_run, table_name text, OUT columns text, OUT query text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    col record;
    value text;
    lifetime_end text;
    list text[] := ARRAY[]::text[];
    expressions text[] := ARRAY[]::text[];
    joins text := '';
BEGIN
    FOR col IN
        SELECT c.*, k.target, quay_internal.adoption_map_changes(run.id, k.target) AS is_mapped,
               j.column_name IS NOT NULL AS is_json,
               quay_internal.adoption_has(run.id, adoption_write.table_name, ARRAY['changed'], c.column_name) AS is_changed
        FROM quay_internal.reference_column_list(adoption_write.table_name) AS c
        LEFT JOIN quay_internal.reference_key_list(adoption_write.table_name) AS k ON k.column_name = c.column_name
        LEFT JOIN quay_internal.adoption_json_column_list() AS j
            ON j.table_name = adoption_write.table_name AND j.column_name = c.column_name
        ORDER BY c.place
    LOOP
        value := format('s.%I', col.column_name);
        IF col.is_json THEN
            value := format('CASE WHEN %1$s LIKE ''"%%'' THEN quay_internal.adoption_json(%1$s) ELSE %1$s END', value);
        END IF;
        IF col.is_mapped THEN
            -- Of blobs only those that change are in the map.
            joins := joins || format(' LEFT JOIN quay_internal.adoption_map AS m%1$s ON m%1$s.run_id = %2$s AND m%1$s.table_name = %3$L '
                                     'AND m%1$s.source_id = %4$s',
                                     col.place, run.id, col.target, value);
            value := format('coalesce(m%s.target_id, %s)', col.place, value);
        END IF;
        IF col.is_changed THEN
            joins := joins || format(' LEFT JOIN quay_internal.adoption_report AS f%1$s ON f%1$s.run_id = %2$s AND f%1$s.table_name = %3$L '
                                     'AND f%1$s.column_name = %4$L AND f%1$s.source_id = s.id AND f%1$s.treatment = ''changed''',
                                     col.place, run.id, adoption_write.table_name, col.column_name);
            value := format('CASE WHEN f%1$s.id IS NOT NULL THEN f%1$s.new_value::%2$s ELSE %3$s END', col.place, col.column_type, value);
        END IF;
        IF col.column_name = 'lifetime_end_ms' THEN
            lifetime_end := value;
        END IF;
        list := array_append(list, format('%I', col.column_name));
        expressions := array_append(expressions, format('%s AS %I', value, col.column_name));
    END LOOP;
    IF adoption_write.table_name = 'tag' THEN
        list := array_append(list, 'ended');
        expressions := array_append(expressions, format('NOT s.hidden AND coalesce(%s <= %s, false) AS ended', lifetime_end, run.started_ms));
    END IF;
    columns := array_to_string(list, ', ');
    query := format('(SELECT %s FROM %s AS s%s%s)', array_to_string(expressions, ', '), quay_internal.adoption_read(run, table_name), joins,
        CASE WHEN quay_internal.adoption_has(run.id, table_name, ARRAY['merged']) THEN
            format(' WHERE NOT EXISTS (SELECT FROM quay_internal.adoption_report AS o WHERE o.run_id = %s AND o.table_name = %L '
                   'AND o.source_id = s.id AND o.treatment = ''merged'')', run.id, table_name) ELSE '' END);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_write(quay_internal.adoption_run, text) IS
    'The columns of a table that are written, and a subquery for the rows: without those that are left out or merged, with the ids of the target, and changed as the report says.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_sql(run quay_internal.adoption_run, template text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text[];
BEGIN
    FOR found IN SELECT DISTINCT m.found FROM regexp_matches(template, '\{(\w+)(\+?)\}', 'g') AS m (found) LOOP
        template := replace(template, '{' || found[1] || found[2] || '}',
            CASE found[2] WHEN '+' THEN (quay_internal.adoption_write(run, found[1])).query ELSE quay_internal.adoption_read(run, found[1]) END);
    END LOOP;
    RETURN template;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_sql(quay_internal.adoption_run, text) IS
    'A statement in which {name} stands for the rows of a table of the source that are not left out, and {name+} for those that are written.';

-- @part step api/602_adoption_rule.sql
-- A Quay moves in: the rules. What of a source our tables cannot take, or take with another meaning, and what becomes of it: each rule once.
--
-- query gives source_id, old_value, new_value and detail, in braces as in 600_adoption_source.sql; $1 is the present in ms, $2 the id of the
-- run, $3 the revision of the source. Rules of table "*" are about every table: api/604_adoption_scan.sql writes their queries from the catalog, where they are looked at
-- in the order of this list, and only what the source does not prove by a constraint of its own.

CREATE OR REPLACE FUNCTION quay_internal.adoption_rule_list()
    RETURNS TABLE (rule text, table_name text, column_name text, treatment text, meaning text, query text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
    -- What holds for every table
    ('enumeration_added', '*', NULL, 'kept', 'Enumerations are matched by name. A name that is not known here is added.', NULL),
    ('not_null', '*', NULL, 'changed or left out', 'A column that needs a value gets its default; without one the row is left out.', NULL),
    ('text_too_long', '*', NULL, 'left out', 'No text is cut.', NULL),
    ('foreign_key', '*', NULL, 'changed or left out',
        'What a row points to is there. A reference that may be missing is emptied where the row has a meaning without it; otherwise the row is left out, and with it all that points to it.', NULL),
    ('unique', '*', NULL, 'changed or left out',
        'What is unique here stays with the lowest id. The others get a new uuid, state or e-mail address (a random one) if that is all they have in common, and are left out if not.', NULL),
    ('json_double', '*', NULL, 'decoded', 'JSON that was encoded twice is decoded once. (Not pruning policies and the groups of synchronized teams, which the reference application reads so.)', NULL),

    -- Accounts
    ('organization_email', 'user', 'email', 'changed',
        'Two revisions kept the e-mail address of an organization beside it, in organizationcontactemail. It comes back.',
        $q$SELECT s.id, s.email, c.contact_email, NULL
           FROM {user} AS s JOIN {organizationcontactemail} AS c ON c.organization_id = s.id AND c.contact_email IS NOT NULL
           WHERE $3 = ANY (ARRAY['414c5e2fc487', 'c3d4e5f6a7b8']) AND s.organization AND s.email NOT LIKE '%@%'$q$),
    ('login_attempts_negative', 'user', 'invalid_login_attempts', 'changed', 'A count of failed logins below 0 becomes 0.',
        $q$SELECT s.id, s.invalid_login_attempts::text, '0', NULL FROM {user} AS s WHERE s.invalid_login_attempts < 0$q$),
    ('robot_without_namespace', 'user', 'enabled', 'changed',
        'A robot whose name does not start with that of a namespace is disabled: whoever takes that name next would own it.',
        $q$SELECT s.id, 'true', 'false', format('Robot "%s".', s.username) FROM {user} AS s
           WHERE s.robot AND s.enabled
             AND NOT EXISTS (SELECT FROM {user} AS n WHERE NOT n.robot AND n.username = split_part(s.username, '+', 1))$q$),
    ('team_owner', 'team', NULL, 'left out', 'Only organizations have teams.',
        $q$SELECT s.id, NULL, NULL, format('Team "%s" of "%s".', s.name, o.username)
           FROM {team} AS s JOIN {user} AS o ON o.id = s.organization_id WHERE NOT o.organization$q$),
    ('team_member_organization', 'teammember', NULL, 'left out', 'No organization is a member of a team.',
        $q$SELECT s.id, NULL, NULL, format('Organization "%s".', u.username)
           FROM {teammember} AS s JOIN {user} AS u ON u.id = s.user_id WHERE u.organization$q$),
    ('team_invite_nobody', 'teammemberinvite', NULL, 'left out', 'An invitation is to a user or to an e-mail address.',
        $q$SELECT s.id, NULL, NULL, NULL FROM {teammemberinvite} AS s WHERE s.user_id IS NULL AND s.email IS NULL$q$),
    ('team_invite_both', 'teammemberinvite', 'email', 'changed', 'An invitation to a user and an e-mail address is one to the user.',
        $q$SELECT s.id, s.email, NULL, NULL FROM {teammemberinvite} AS s WHERE s.user_id IS NOT NULL AND s.email IS NOT NULL$q$),
    ('permission_grantee', 'repositorypermission', NULL, 'left out', 'A permission is that of one user or one team. Rights are never guessed.',
        $q$SELECT s.id, NULL, NULL, format('%s grantees.', num_nonnulls(s.user_id, s.team_id))
           FROM {repositorypermission} AS s WHERE num_nonnulls(s.user_id, s.team_id) <> 1$q$),
    ('permission_foreign', 'repositorypermission', NULL, 'left out', 'Teams and enabled robots hold permissions in their own namespace only.',
        $q$SELECT s.id, NULL, NULL, format('Repository "%s/%s", %s.', n.username, r.name, CASE WHEN s.team_id IS NOT NULL THEN 'team ' || s.team_id ELSE 'robot ' || s.user_id END)
           FROM {repositorypermission} AS s
           JOIN {repository} AS r ON r.id = s.repository_id
           JOIN {user} AS n ON n.id = r.namespace_user_id
           LEFT JOIN {team} AS t ON t.id = s.team_id
           LEFT JOIN {user+} AS u ON u.id = s.user_id
           WHERE t.organization_id <> r.namespace_user_id
              OR u.robot AND u.enabled AND split_part(u.username, '+', 1) <> n.username$q$),

    -- Content
    ('blob_duplicate', 'imagestorage', NULL, 'merged',
        'Blobs of one digest become one: the first that has a location, is stored by its digest, and has a size. What refers to the others refers to it.',
        $q$SELECT d.id, NULL, d.kept::text, format('%s is blob %s.', d.content_checksum, d.kept)
           FROM (SELECT s.id, s.content_checksum,
                        first_value(s.id) OVER (PARTITION BY s.content_checksum
                                                ORDER BY EXISTS (SELECT FROM {imagestorageplacement} AS p WHERE p.storage_id = s.id) DESC,
                                                         s.cas_path DESC, s.image_size IS NULL, s.id) AS kept
                 FROM {imagestorage} AS s
                 WHERE s.content_checksum IN (SELECT c.content_checksum FROM {imagestorage} AS c
                                              GROUP BY c.content_checksum HAVING count(*) > 1)) AS d
           WHERE d.id <> d.kept$q$),
    ('blob_size_negative', 'imagestorage', 'image_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.image_size::text, NULL, NULL FROM {imagestorage} AS s WHERE s.image_size < 0$q$),
    ('blob_size_negative', 'imagestorage', 'uncompressed_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.uncompressed_size::text, NULL, NULL FROM {imagestorage} AS s WHERE s.uncompressed_size < 0$q$),
    ('blob_duplicate_path', 'imagestorageplacement', NULL, 'left out',
        'Where a merged blob lay by its own path, and not by the digest, the one that stays does not lie.',
        $q$SELECT s.id, NULL, NULL, format('Blob %s.', s.storage_id)
           FROM {imagestorageplacement} AS s
           JOIN {imagestorage} AS b ON b.id = s.storage_id AND NOT b.cas_path
           JOIN quay_internal.adoption_map AS m ON m.run_id = $2 AND m.table_name = 'imagestorage' AND m.source_id = s.storage_id$q$),
    ('manifest_size_negative', 'manifest', 'layers_compressed_size', 'changed', 'A size below 0 becomes unknown.',
        $q$SELECT s.id, s.layers_compressed_size::text, NULL, NULL FROM {manifest} AS s WHERE s.layers_compressed_size < 0$q$),
    ('manifest_blob_repository', 'manifestblob', 'repository_id', 'changed', 'The repository of a link to a blob is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestblob} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_child_foreign', 'manifestchild', NULL, 'left out', 'An index and what it lists are in one repository.',
        $q$SELECT s.id, NULL, NULL, format('Index %s, manifest %s.', m.id, c.id)
           FROM {manifestchild} AS s JOIN {manifest} AS m ON m.id = s.manifest_id JOIN {manifest} AS c ON c.id = s.child_manifest_id
           WHERE m.repository_id <> c.repository_id$q$),
    ('manifest_child_repository', 'manifestchild', 'repository_id', 'changed', 'The repository of an entry of an index is that of the index.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestchild} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_label_repository', 'manifestlabel', 'repository_id', 'changed', 'The repository of a label is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestlabel} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('manifest_scan_repository', 'manifestsecuritystatus', 'repository_id', 'changed', 'The repository of a scan is that of the manifest.',
        $q$SELECT s.id, s.repository_id::text, m.repository_id::text, NULL
           FROM {manifestsecuritystatus} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('tag_live_twice', 'tag', 'lifetime_end_ms', 'changed',
        'Of the live tags of a name the one that started last stays. Each other ends when the next one starts.',
        $q$WITH live AS (
               SELECT s.id, s.repository_id, s.name, s.lifetime_start_ms, s.lifetime_end_ms FROM {tag} AS s
               WHERE NOT s.hidden AND (s.lifetime_end_ms IS NULL OR s.lifetime_end_ms > $1)
           )
           SELECT o.id, o.lifetime_end_ms::text, o.next_start_ms::text, format('"%s" in repository %s; next is tag %s.', o.name, o.repository_id, o.next_id)
           FROM (SELECT l.*, lead(l.id) OVER w AS next_id, lead(l.lifetime_start_ms) OVER w AS next_start_ms
                 FROM live AS l JOIN (SELECT l.repository_id, l.name FROM live AS l GROUP BY l.repository_id, l.name HAVING count(*) > 1) AS t
                     ON t.repository_id = l.repository_id AND t.name = l.name
                 WINDOW w AS (PARTITION BY l.repository_id, l.name ORDER BY l.lifetime_start_ms, l.id)) AS o
           WHERE o.next_id IS NOT NULL$q$),
    ('tag_live_twice_immutable', 'tag', 'immutable', 'changed', 'A tag that gets an end so is not immutable any more.',
        $q$SELECT s.id, 'true', 'false', NULL
           FROM quay_internal.adoption_report AS o JOIN {tag} AS s ON s.id = o.source_id AND s.immutable
           WHERE o.run_id = $2 AND o.rule = 'tag_live_twice'$q$),

    -- What is taken as it is, and counted
    ('account_two_kinds', 'user', NULL, 'kept', 'An account is not both an organization and a robot.',
        $q$SELECT s.id, NULL, NULL, s.username FROM {user} AS s WHERE s.organization AND s.robot$q$),
    ('organization_without_admin', 'user', NULL, 'kept', 'An enabled organization has an enabled person in a team of role admin.',
        $q$SELECT s.id, NULL, NULL, s.username FROM {user} AS s
           WHERE s.organization AND s.enabled
             AND NOT EXISTS (SELECT FROM {team} AS t JOIN {teamrole} AS r ON r.id = t.role_id AND r.name = 'admin'
                             JOIN {teammember} AS m ON m.team_id = t.id
                             JOIN {user} AS u ON u.id = m.user_id AND u.enabled AND NOT u.robot AND NOT u.organization
                             WHERE t.organization_id = s.id)$q$),
    ('robot_foreign_team', 'teammember', NULL, 'kept', 'A robot in a team is of the organization of the team.',
        $q$SELECT s.id, NULL, NULL, u.username
           FROM {teammember} AS s JOIN {user} AS u ON u.id = s.user_id AND u.robot
           JOIN {team} AS t ON t.id = s.team_id JOIN {user} AS o ON o.id = t.organization_id
           WHERE split_part(u.username, '+', 1) <> o.username$q$),
    ('blob_size_unknown', 'imagestorage', NULL, 'kept', 'The size of a blob is known.',
        $q$SELECT s.id, NULL, NULL, s.content_checksum FROM {imagestorage} AS s WHERE s.image_size IS NULL$q$),
    ('blob_without_path', 'imagestorage', NULL, 'kept', 'A blob that is stored by its digest has one.',
        $q$SELECT s.id, NULL, NULL, s.uuid FROM {imagestorage} AS s WHERE s.cas_path AND s.content_checksum IS NULL$q$),
    ('manifest_broken', 'manifest', NULL, 'kept', 'A manifest has a digest. (BROKEN-...: images whose manifest an older release could not make.)',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.digest LIKE 'BROKEN-%'$q$),
    ('manifest_size_unknown', 'manifest', NULL, 'kept', 'The size of the layers of a manifest is known.',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.layers_compressed_size IS NULL$q$),
    ('manifest_subject_malformed', 'manifest', NULL, 'kept', 'The subject of a manifest is a digest.',
        $q$SELECT s.id, NULL, NULL, s.digest FROM {manifest} AS s WHERE s.subject LIKE '(%'$q$),
    ('tag_repository', 'tag', NULL, 'kept', 'A tag points to a manifest of its own repository.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s JOIN {manifest} AS m ON m.id = s.manifest_id WHERE m.repository_id <> s.repository_id$q$),
    ('tag_hidden_name', 'tag', NULL, 'kept', 'Temporary tags, and no others, are hidden.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s WHERE s.hidden <> (s.name LIKE '$temp-%')$q$),
    ('tag_immutable_end', 'tag', NULL, 'kept', 'An immutable tag has no end.',
        $q$SELECT s.id, NULL, NULL, s.name FROM {tag} AS s WHERE s.immutable AND NOT s.hidden AND s.lifetime_end_ms > $1$q$);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_rule_list() IS
    'The rules of an adoption with their queries. Rules of one table are looked at in the order of the list.';

CREATE OR REPLACE FUNCTION quay.adoption_rules() RETURNS TABLE (rule text, table_name text, treatment text, meaning text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT ON (l.rule) l.rule, l.table_name, l.treatment, l.meaning FROM quay_internal.adoption_rule_list() AS l ORDER BY l.rule;
END
$$;
COMMENT ON FUNCTION quay.adoption_rules() IS
    'What quay.adopt() looks for in the tables of a Quay, and what becomes of the rows: left out, changed (a column gets another value), decoded (JSON), merged (with another row), kept (taken as it is, and counted). Table "*": every table.';

-- @part step api/604_adoption_scan.sql
-- A Quay moves in: looking for what breaks a rule. Reads the source only, in whole statements, and writes the report that the copy then follows.
-- A dry run does the same, so its numbers are those of the copy.

CREATE OR REPLACE FUNCTION quay_internal.adoption_find(run quay_internal.adoption_run, rule text, table_name text, column_name text,
                                                       treatment text, query text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    -- Foreign tables have no statistics, and the planner takes them for small; reading one again for each row of another would never end.
    SET enable_nestloop = off AS $$
DECLARE
    examples CONSTANT integer := 100;
    found_count bigint;
BEGIN
    IF treatment = 'kept' THEN
        -- There may be as many as rows: a count and some examples.
        EXECUTE format('SELECT count(*) FROM (%s) AS q', quay_internal.adoption_sql(run, query)) INTO found_count
        USING run.started_ms, run.id, run.revision;
        IF found_count > 0 THEN
            EXECUTE format('INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, detail) '
                           'SELECT $2, $4, $5, q.id, ''kept'', left(q.detail, 200) FROM (%s) AS q (id, old_value, new_value, detail) LIMIT %s',
                           quay_internal.adoption_sql(run, query), examples)
            USING run.started_ms, run.id, run.revision, rule, table_name;
        END IF;
    ELSE
        -- What is out already is out; of two changes of a column the first one counts.
        EXECUTE format(
            'INSERT INTO quay_internal.adoption_report AS a '
            '    (run_id, rule, table_name, source_id, treatment, column_name, old_value, new_value, detail) '
            'SELECT $2, $4, $5, q.id, $6, $7, left(q.old_value, 1000), q.new_value, left(q.detail, 200) '
            'FROM (%s) AS q (id, old_value, new_value, detail) ORDER BY q.id '
            'ON CONFLICT DO NOTHING', quay_internal.adoption_sql(run, query))
        USING run.started_ms, run.id, run.revision, rule, table_name, treatment, column_name;
        GET DIAGNOSTICS found_count = ROW_COUNT;
        IF treatment = 'merged' THEN
            INSERT INTO quay_internal.adoption_map (run_id, table_name, source_id, target_id)
            SELECT run.id, adoption_find.table_name, a.source_id, a.new_value::bigint
            FROM quay_internal.adoption_report AS a
            WHERE a.run_id = run.id AND a.rule = adoption_find.rule AND a.table_name = adoption_find.table_name;
        END IF;
    END IF;
    IF found_count > 0 THEN
        INSERT INTO quay_internal.adoption_finding AS f (run_id, rule, table_name, column_name, treatment, row_count)
        VALUES (run.id, adoption_find.rule, adoption_find.table_name, coalesce(adoption_find.column_name, ''), adoption_find.treatment, found_count);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_find(quay_internal.adoption_run, text, text, text, text, text) IS
    'Writes down what a rule finds in the source.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_column(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    col record;
    substitute text;
BEGIN
    FOR col IN
        SELECT c.*, a.attnotnull AS is_proven, a.atttypid AS source_type, a.atttypmod AS source_length,
               t.atttypid AS target_type, t.atttypmod AS target_length
        FROM quay_internal.reference_column_list(adoption_scan_column.table_name) AS c
        JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', run.source_schema, adoption_scan_column.table_name))
            AND a.attname = c.column_name
        JOIN pg_attribute AS t ON t.attrelid = format('quay.%I', adoption_scan_column.table_name)::regclass AND t.attname = c.column_name
    LOOP
        IF col.is_required AND NOT col.is_proven AND col.column_name <> 'id' THEN
            substitute := col.default_value;
            PERFORM quay_internal.adoption_find(run, 'not_null', table_name, col.column_name,
                CASE WHEN substitute IS NULL THEN 'left out' ELSE 'changed' END,
                format('SELECT s.id, NULL, (%s)::text, NULL FROM {%s} AS s WHERE s.%I IS NULL', coalesce(substitute, 'NULL'), table_name, col.column_name));
        END IF;
        IF col.target_type = 'varchar'::regtype AND col.target_length > 0
           AND NOT (col.source_type = 'varchar'::regtype AND col.source_length BETWEEN 1 AND col.target_length) THEN
            PERFORM quay_internal.adoption_find(run, 'text_too_long', table_name, col.column_name, 'left out',
                format('SELECT s.id, NULL, NULL, format(''%%s characters.'', length(s.%2$I)) FROM {%1$s} AS s WHERE length(s.%2$I) > %3$s',
                       table_name, col.column_name, col.target_length - 4));
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_column(quay_internal.adoption_run, text) IS
    'Looks for missing and for overlong values in columns in which the source allows them.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_key(run quay_internal.adoption_run, table_name text, to_itself boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Columns that may be empty, but not in a row that has lost what it pointed to.
    needed CONSTANT text[] := ARRAY['permissionprototype.activating_user_id', 'permissionprototype.delegate_team_id', 'permissionprototype.delegate_user_id',
                                    'repository.namespace_user_id', 'repositorypermission.team_id', 'repositorypermission.user_id',
                                    'tag.manifest_id', 'teammemberinvite.user_id'];
    key record;
    is_needed boolean;
BEGIN
    FOR key IN
        SELECT k.* FROM quay_internal.reference_key_list(table_name) AS k WHERE (k.target = adoption_scan_key.table_name) = to_itself
    LOOP
        is_needed := key.is_required OR table_name || '.' || key.column_name = ANY (needed);
        PERFORM quay_internal.adoption_find(run, 'foreign_key', table_name, key.column_name,
            CASE WHEN is_needed THEN 'left out' ELSE 'changed' END,
            format('SELECT s.id, s.%1$I::text, NULL, format(''There is no %3$s with the id %%s.'', s.%1$I) '
                   'FROM {%2$s} AS s LEFT JOIN {%3$s} AS p ON p.id = s.%1$I WHERE s.%1$I IS NOT NULL AND p.id IS NULL',
                   key.column_name, table_name, key.target));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_key(quay_internal.adoption_run, text, boolean) IS
    'Looks for references of a table, to others or to itself, to what is not there or is left out.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_unique(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Unique through rules of their own.
    others CONSTANT text[] := ARRAY['imagestorage_content_checksum', 'tag_repository_id_name_live'];
    random CONSTANT text[] := ARRAY['uuid', 'client_id', 'email', 'state_id'];
    source regclass := to_regclass(format('%I.%I', run.source_schema, table_name));
    unique_index record;
    key_list text;
    is_changed boolean;
BEGIN
    FOR unique_index IN
        SELECT i.indexrelid, c.relname::text AS name, pg_get_expr(i.indpred, i.indrelid) AS predicate,
               ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
                     JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum ORDER BY k.place) AS columns
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = format('quay.%I', adoption_scan_unique.table_name)::regclass AND i.indisunique AND NOT i.indisprimary
          AND c.relname <> ALL (others)
        ORDER BY c.relname
    LOOP
        -- An index of the source on some of these columns proves it, unless rows of it are changed.
        CONTINUE WHEN NOT EXISTS (
                SELECT FROM unnest(unique_index.columns) AS k (name)
                LEFT JOIN quay_internal.reference_key_list(table_name) AS f ON f.column_name = k.name
                WHERE quay_internal.adoption_has(run.id, adoption_scan_unique.table_name, ARRAY['changed'], k.name)
                   OR quay_internal.adoption_map_changes(run.id, f.target))
            AND EXISTS (
                SELECT FROM pg_index AS i
                WHERE i.indrelid = source AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL
                  AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = unique_index.predicate)
                  AND (SELECT array_agg(a.attname::text) FROM pg_attribute AS a
                       WHERE a.attrelid = source AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])) <@ unique_index.columns);
        SELECT string_agg(format('%I', k.name), ', ') INTO key_list FROM unnest(unique_index.columns) AS k (name);
        is_changed := cardinality(unique_index.columns) = 1 AND unique_index.columns <@ random AND table_name <> 'blobupload';
        PERFORM quay_internal.adoption_find(run, 'unique', table_name, array_to_string(unique_index.columns, ', '),
            CASE WHEN is_changed THEN 'changed' ELSE 'left out' END,
            format('WITH s AS (SELECT id, %2$s FROM {%1$s+} AS s WHERE num_nulls(%2$s) = 0 AND %3$s) '
                   'SELECT s.id, NULL, %4$s, format(''As in row %%s.'', d.kept) '
                   'FROM s JOIN (SELECT %2$s, min(id) AS kept FROM s GROUP BY %2$s HAVING count(*) > 1) AS d USING (%2$s) WHERE s.id <> d.kept',
                   table_name, key_list, coalesce(unique_index.predicate, 'true'),
                   CASE WHEN is_changed THEN 'gen_random_uuid()::text' ELSE 'NULL' END));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_unique(quay_internal.adoption_run, text) IS
    'Looks for rows that would break a unique index of ours, as they will be written, where no index of the source excludes it.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_table(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NULL THEN
        RETURN;
    END IF;
    PERFORM quay_internal.adoption_scan_column(run, table_name);
    PERFORM quay_internal.adoption_scan_key(run, table_name, false);
    FOR found IN
        SELECT l.* FROM quay_internal.adoption_rule_list() WITH ORDINALITY AS l
        WHERE l.table_name = adoption_scan_table.table_name AND l.treatment <> 'kept' ORDER BY l.ordinality
    LOOP
        PERFORM quay_internal.adoption_find(run, found.rule, found.table_name, found.column_name, found.treatment, found.query);
    END LOOP;
    PERFORM quay_internal.adoption_scan_key(run, table_name, true);
    PERFORM quay_internal.adoption_scan_unique(run, table_name);
    FOR found IN
        SELECT j.column_name,
               EXISTS (SELECT FROM quay_internal.secret_column_list() AS c WHERE c.table_name = j.table_name AND c.column_name = j.column_name) AS is_secret
        FROM quay_internal.adoption_json_column_list() AS j WHERE j.table_name = adoption_scan_table.table_name
    LOOP
        PERFORM quay_internal.adoption_find(run, 'json_double', table_name, found.column_name, 'decoded',
            format('SELECT s.id, %3$s, NULL, NULL FROM {%1$s} AS s WHERE s.%2$I LIKE ''"%%'' AND quay_internal.adoption_json(s.%2$I) <> s.%2$I',
                   table_name, found.column_name, CASE WHEN found.is_secret THEN 'NULL' ELSE format('s.%I', found.column_name) END));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_table(quay_internal.adoption_run, text) IS 'Looks at one table of the source for what breaks a rule.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_kept(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT l.* FROM quay_internal.adoption_rule_list() WITH ORDINALITY AS l
        WHERE l.treatment = 'kept' AND l.query IS NOT NULL ORDER BY l.ordinality
    LOOP
        PERFORM quay_internal.adoption_find(run, found.rule, found.table_name, found.column_name, found.treatment, found.query);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_kept(quay_internal.adoption_run) IS 'Counts what is taken as it is although it breaks a rule.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_scan_enumeration(run quay_internal.adoption_run, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source_id bigint;
    name text;
    content jsonb;
    known_id bigint;
    added_count bigint := 0;
BEGIN
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NULL THEN
        RETURN;
    END IF;
    FOR source_id, name, content IN
        EXECUTE quay_internal.adoption_sql(run, format('SELECT s.id, s.name, to_jsonb(s) FROM {%s} AS s ORDER BY s.id', table_name))
    LOOP
        EXECUTE format('SELECT min(e.id) FROM quay.%I AS e WHERE e.name = $1', table_name) INTO known_id USING name;
        IF known_id IS NULL THEN
            added_count := added_count + 1;
            INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, new_value, detail)
            VALUES (run.id, 'enumeration_added', adoption_scan_enumeration.table_name, source_id, 'kept', NULL, name);
            -- An id that only we give out stays if it can. A dry run adds nothing: ids below 0 stand for what would be new.
            IF run.dry_run THEN
                known_id := - source_id;
            ELSE
                EXECUTE format('INSERT INTO quay.%1$I SELECT a.* '
                               'FROM (SELECT CASE WHEN $2 > 1000 AND NOT EXISTS (SELECT FROM quay.%1$I AS e WHERE e.id = $2) THEN $2 '
                               '                  ELSE nextval(%2$L) END AS id OFFSET 0) AS n, '
                               '     jsonb_populate_record(NULL::quay.%1$I, $1 || jsonb_build_object(''id'', n.id)) AS a RETURNING id',
                               table_name, format('quay.%I', table_name || '_id_seq')) INTO known_id USING content, source_id;
            END IF;
        END IF;
        INSERT INTO quay_internal.adoption_map (run_id, table_name, source_id, target_id)
        VALUES (run.id, adoption_scan_enumeration.table_name, source_id, known_id);
    END LOOP;
    IF added_count > 0 THEN
        INSERT INTO quay_internal.adoption_finding (run_id, rule, table_name, treatment, row_count)
        VALUES (run.id, 'enumeration_added', adoption_scan_enumeration.table_name, 'kept', added_count);
        IF NOT run.dry_run THEN
            PERFORM quay_internal.adoption_sequence(table_name);
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_scan_enumeration(quay_internal.adoption_run, text) IS
    'Matches the names of an enumeration with ours, and adds those that are missing.';

-- @part step api/606_adoption_copy.sql
-- A Quay moves in: the copy, in ranges of ids, and the checks that what arrived is what was there.
--
-- Rows are written under session_replication_role = replica, for the transaction: no trigger fires, so no foreign key is checked and nothing is
-- derived, row by row. The scan has left out what would break a foreign key, adoption_prove() reads all of them again, and what follows from
-- the content is made once, at the end (api/608_adoption_derive.sql). A crash leaves no trigger switched off. Two tables that decide about
-- access are written with their triggers, so that sessions that are connected hear of them.

CREATE OR REPLACE FUNCTION quay_internal.adoption_count(run quay_internal.adoption_run, table_name text, OUT row_count bigint, OUT id_sum numeric)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    row_count := 0;
    id_sum := 0;
    IF to_regclass(format('%I.%I', run.source_schema, table_name)) IS NOT NULL THEN
        EXECUTE format('SELECT count(*), coalesce(sum(x.id), 0) FROM %I.%I AS x', run.source_schema, table_name) INTO row_count, id_sum;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_count(quay_internal.adoption_run, text) IS 'How many rows a table of the source has, and the sum of their ids.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_sequence(table_name text, at_least bigint DEFAULT 0) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sequence regclass := format('quay.%I', table_name || '_id_seq')::regclass;
    highest bigint;
BEGIN
    EXECUTE format('SELECT max(x.id) FROM quay.%I AS x', table_name) INTO highest;
    PERFORM setval(sequence, greatest(highest, at_least, 1000, pg_sequence_last_value(sequence)));
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_sequence(text, bigint) IS 'Has the sequence of a table go on above its ids, and above 1000. Never backwards.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_reserve(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    highest bigint;
BEGIN
    FOR name IN
        SELECT l.table_name FROM quay_internal.reference_table_list() AS l
        WHERE NOT l.is_enumeration AND to_regclass(format('%I.%I', run.source_schema, l.table_name)) IS NOT NULL
    LOOP
        EXECUTE format('SELECT max(x.id) FROM %I.%I AS x', run.source_schema, name) INTO highest;
        PERFORM quay_internal.adoption_sequence(name, highest);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_reserve(quay_internal.adoption_run) IS
    'Has all sequences go on above the ids of the source, so that nobody who writes meanwhile takes one.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_months(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    months timestamp[];
BEGIN
    IF to_regclass(format('%I.logentry3', run.source_schema)) IS NULL THEN
        RETURN 0;
    END IF;
    -- One probe of the index on the time for each month, not a look at each row.
    EXECUTE format(
        'WITH RECURSIVE month AS ( '
        '    SELECT date_trunc(''month'', min(l.datetime)) AS start FROM %1$s AS l WHERE l.datetime > ''-infinity'' AND l.datetime < ''infinity'' '
        '    UNION ALL '
        '    SELECT (SELECT date_trunc(''month'', min(l.datetime)) FROM %1$s AS l '
        '            WHERE l.datetime >= m.start + interval ''1 month'' AND l.datetime < ''infinity'') '
        '    FROM month AS m WHERE m.start IS NOT NULL '
        ') SELECT array_agg(m.start) FROM month AS m WHERE m.start IS NOT NULL',
        format('%I.logentry3', run.source_schema)) INTO months;
    IF months IS NULL THEN
        RETURN 0;
    END IF;
    -- log_partition_ensure() makes the months of which the default partition has a row.
    PERFORM set_config('session_replication_role', 'replica', true);
    INSERT INTO quay.logentry3 (id, kind_id, account_id, datetime, metadata_json)
    SELECT -1, 0, 0, m.start, '{}' FROM unnest(months) AS m (start);
    PERFORM set_config('session_replication_role', 'origin', true);
    PERFORM quay.log_partition_ensure(0);
    PERFORM set_config('session_replication_role', 'replica', true);
    DELETE FROM quay.logentry3 AS l WHERE l.id = -1 AND l.datetime = ANY (months);
    PERFORM set_config('session_replication_role', 'origin', true);
    RETURN cardinality(months);
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_months(quay_internal.adoption_run) IS 'Makes the partitions of the audit log for the months of the source.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_copy(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    with_triggers CONSTANT text[] := ARRAY['repositorypermission', 'teammember'];
    source CONSTANT regclass := to_regclass(format('%I.%I', run.source_schema, step.name));
    target CONSTANT text := format('quay.%I', step.name);
    write record;
    upper_id bigint;
    copied bigint;
BEGIN
    IF source IS NULL THEN
        step.ended_ms := quay_internal.clock_ms();
        RETURN step;
    END IF;
    IF step.started_ms IS NULL THEN
        EXECUTE format('SELECT coalesce(min(x.id), 1) - 1 FROM %s AS x', source) INTO step.last_id;
    END IF;
    EXECUTE format('SELECT x.id FROM %s AS x WHERE x.id > %s ORDER BY x.id OFFSET %s LIMIT 1', source, step.last_id, run.batch_size - 1)
        INTO upper_id;
    write := quay_internal.adoption_write(run, step.name);
    IF step.name <> ALL (with_triggers) THEN
        PERFORM set_config('session_replication_role', 'replica', true);
    END IF;
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM %s AS w WHERE w.id > %s%s', target, write.columns, write.query, step.last_id,
                   coalesce(' AND w.id <= ' || upper_id, ''));
    GET DIAGNOSTICS copied = ROW_COUNT;
    PERFORM set_config('session_replication_role', 'origin', true);
    step.row_count := step.row_count + copied;
    step.last_id := coalesce(upper_id, step.last_id);
    IF upper_id IS NULL THEN
        PERFORM quay_internal.adoption_sequence(step.name);
        IF step.row_count > 0 THEN
            EXECUTE format('ANALYZE %s', target);
        END IF;
        step.ended_ms := quay_internal.clock_ms();
    END IF;
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_copy(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Copies the next range of ids of a table, and returns how far it got.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_compare(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    scanned quay_internal.adoption_step;
    source_rows bigint;
    source_ids numeric;
    omitted_rows bigint;
    omitted_ids numeric;
    target_rows bigint;
    target_ids numeric;
BEGIN
    SELECT * INTO scanned FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'scan' AND p.name = step.name;
    SELECT c.row_count, c.id_sum INTO source_rows, source_ids FROM quay_internal.adoption_count(run, step.name) AS c;
    SELECT count(*), coalesce(sum(r.source_id), 0) INTO omitted_rows, omitted_ids
    FROM quay_internal.adoption_report AS r
    WHERE r.run_id = run.id AND r.table_name = step.name AND r.treatment = ANY (ARRAY['left out', 'merged']);
    EXECUTE format('SELECT count(*), coalesce(sum(x.id), 0) FROM quay.%I AS x', step.name) INTO target_rows, target_ids;
    IF (source_rows, source_ids) IS DISTINCT FROM (scanned.source_rows, scanned.source_ids) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY163',
            MESSAGE = 'the source has changed',
            DETAIL = format('Table "%s" had %s rows, and has %s now; or other ids.', step.name, scanned.source_rows, source_rows),
            HINT = 'Stop what writes to the source, and adopt into a new database.';
    END IF;
    IF (target_rows, target_ids) IS DISTINCT FROM (source_rows - omitted_rows, source_ids - omitted_ids) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY163',
            MESSAGE = 'what was copied is not what the source has',
            DETAIL = format('Table "%s": %s rows in the source, %s reported as left out or merged, %s here; or other ids.', step.name,
                            source_rows, omitted_rows, target_rows),
            HINT = 'Somebody wrote to the source or to this registry meanwhile. Stop that, and adopt into a new database.';
    END IF;
    RETURN target_rows;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_compare(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Requires that a table has the rows of the source without those that are left out or merged, by number and sum of ids. Errors: QY163.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_prove(table_name text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key record;
    lost bigint;
BEGIN
    FOR key IN SELECT k.* FROM quay_internal.reference_key_list(table_name) AS k LOOP
        EXECUTE format('SELECT s.id FROM quay.%I AS s LEFT JOIN quay.%I AS p ON p.id = s.%3$I WHERE s.%3$I IS NOT NULL AND p.id IS NULL LIMIT 1',
                       table_name, key.target, key.column_name) INTO lost;
        IF lost IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY163',
                MESSAGE = 'a foreign key does not hold',
                DETAIL = format('Row %s of table "%s": there is no such %s.', lost, table_name, key.column_name),
                HINT = 'Somebody wrote to the source or to this registry meanwhile. Stop that, and adopt into a new database.';
        END IF;
    END LOOP;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_prove(text) IS 'Requires that all foreign keys of a table hold. Errors: QY163.';

-- @part step api/608_adoption_derive.sql
-- A Quay moves in: what follows from the content. Triggers make it otherwise, row by row; here it is made at once, by ranges of ids.

CREATE OR REPLACE FUNCTION quay_internal.adoption_contact_email(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint := 0;
BEGIN
    -- A step of the reference's migrations that a source of an older revision has before it.
    IF to_regclass(format('%I.organizationcontactemail', run.source_schema)) IS NULL THEN
        INSERT INTO quay.organizationcontactemail (organization_id, contact_email)
        SELECT u.id, u.email FROM quay."user" AS u WHERE u.organization AND length(u.email) < 64 ORDER BY u.id
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS made = ROW_COUNT;
    END IF;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_contact_email(quay_internal.adoption_run) IS
    'The contact address of organizations, for a source that does not know it yet: their e-mail address.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_blob_use(step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    per_batch CONSTANT integer := 1000;
    upper_id bigint;
    made bigint;
BEGIN
    IF step.name = 'uses in repositories' THEN
        upper_id := (SELECT r.id FROM quay.repository AS r WHERE r.id > step.last_id ORDER BY r.id OFFSET per_batch - 1 LIMIT 1);
        INSERT INTO quay_internal.blob_use (namespace_id, blob_id, repository_id, size)
        SELECT r.namespace_user_id, m.blob_id, r.id, coalesce(b.image_size, 0)
        FROM quay.repository AS r
        JOIN (SELECT DISTINCT m.repository_id, m.blob_id FROM quay.manifestblob AS m
              WHERE m.repository_id > step.last_id AND (upper_id IS NULL OR m.repository_id <= upper_id)) AS m ON m.repository_id = r.id
        JOIN quay.imagestorage AS b ON b.id = m.blob_id
        WHERE r.namespace_user_id IS NOT NULL
        ORDER BY r.namespace_user_id, m.blob_id, r.id;
    ELSE
        upper_id := (SELECT u.id FROM quay."user" AS u WHERE u.id > step.last_id ORDER BY u.id OFFSET per_batch - 1 LIMIT 1);
        INSERT INTO quay_internal.blob_use (namespace_id, blob_id, repository_id, size)
        SELECT u.namespace_id, u.blob_id, 0, min(u.size) FROM quay_internal.blob_use AS u
        WHERE u.namespace_id > step.last_id AND (upper_id IS NULL OR u.namespace_id <= upper_id) AND u.repository_id > 0
        GROUP BY u.namespace_id, u.blob_id;
    END IF;
    GET DIAGNOSTICS made = ROW_COUNT;
    step.row_count := step.row_count + made;
    step.last_id := coalesce(upper_id, step.last_id);
    IF upper_id IS NULL THEN
        ANALYZE quay_internal.blob_use;
        step.ended_ms := quay_internal.clock_ms();
    END IF;
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_blob_use(quay_internal.adoption_step) IS
    'Counts which repositories use which blobs, then which namespaces: the next range of ids.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_size() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    -- What counted as 0 so far may stand there already.
    INSERT INTO quay_internal.size_counter AS c (namespace_id, repository_id, part, used)
    SELECT u.namespace_id, u.repository_id, 0, sum(u.size)::bigint FROM quay_internal.blob_use AS u GROUP BY u.namespace_id, u.repository_id
    UNION ALL
    SELECT 0, 0, 0, coalesce(sum(b.image_size), 0)::bigint FROM quay.imagestorage AS b
    ON CONFLICT ON CONSTRAINT pk_size_counter DO UPDATE SET used = c.used + EXCLUDED.used;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_size() IS 'The sizes of repositories, namespaces and the registry.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_index_children(manifest text) RETURNS SETOF text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT c.child ->> 'digest' FROM jsonb_path_query(manifest::jsonb, 'lax $.manifests[*]') AS c (child)
                 WHERE length(c.child ->> 'digest') <= 255;
EXCEPTION WHEN data_exception THEN
    -- Not JSON: it lists nothing.
    RETURN;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_index_children(text) IS 'The digests that the text of an index lists.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_missing_child() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO quay_internal.missing_child (repository_id, digest, manifest_id)
    SELECT m.repository_id, c.digest, m.id
    FROM quay.mediatype AS y JOIN quay.manifest AS m ON m.media_type_id = y.id AND m.manifest_bytes <> ''
    CROSS JOIN LATERAL quay_internal.adoption_index_children(m.manifest_bytes) AS c (digest)
    WHERE y.name = ANY (ARRAY['application/vnd.docker.distribution.manifest.list.v2+json', 'application/vnd.oci.image.index.v1+json'])
      AND NOT EXISTS (SELECT FROM quay.manifest AS p WHERE p.repository_id = m.repository_id AND p.digest = c.digest)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS made = ROW_COUNT;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_missing_child() IS 'Notes the manifests that an index lists and its repository does not have.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_review() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_due_ms bigint := quay_internal.gc_due_new();
    made bigint;
BEGIN
    -- As quay.gc_review_all() does, which asks for each whether there is a review already: here there is none.
    INSERT INTO quay_internal.gc_review (kind, object_id, due_ms)
    SELECT 't'::"char", t.id, t.lifetime_end_ms + u.removed_tag_expiration_s * 1000
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE t.lifetime_end_ms IS NOT NULL
    UNION ALL
    SELECT 'm', m.id, new_due_ms FROM quay.manifest AS m
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
      AND NOT EXISTS (SELECT FROM quay.manifestchild AS c WHERE c.child_manifest_id = m.id)
      AND NOT EXISTS (SELECT FROM quay.manifest AS f WHERE f.repository_id = m.repository_id AND f.subject = m.digest AND f.id <> m.id)
    UNION ALL
    SELECT 'l', l.id, new_due_ms FROM quay.label AS l WHERE NOT EXISTS (SELECT FROM quay.manifestlabel AS x WHERE x.label_id = l.id)
    UNION ALL
    SELECT 'b', b.id, new_due_ms FROM quay.imagestorage AS b
    WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS x WHERE x.blob_id = b.id)
      AND NOT EXISTS (SELECT FROM quay.uploadedblob AS x WHERE x.blob_id = b.id)
      AND NOT EXISTS (SELECT FROM quay.derivedstorageforimage AS x WHERE x.derivative_id = b.id)
      AND quay_internal.digest_is_shared(b.content_checksum) IS NOT TRUE;
    GET DIAGNOSTICS made = ROW_COUNT;
    ANALYZE quay_internal.gc_review;
    RETURN made;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_review() IS 'Has the garbage collector look at all that has an end, or no use.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_registry_check(run quay_internal.adoption_run) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found bigint;
BEGIN
    INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, detail)
    SELECT run.id, 'registry_check', '', 0, 'kept', left(format('%s: %s: %s', c.rule, c.object, c.detail), 400)
    FROM quay.registry_check(n => 100, sample => 1000) AS c WHERE c.severity <> 'info';
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found > 0 THEN
        INSERT INTO quay_internal.adoption_finding (run_id, rule, table_name, treatment, row_count)
        VALUES (run.id, 'registry_check', '', 'kept', found);
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_registry_check(quay_internal.adoption_run) IS
    'Writes down what quay.registry_check() finds in the registry as it is now; the digests of the newest 1,000 manifests among it.';

-- @part step api/610_adoption.sql
-- A Quay moves in: the run. quay.adopt() begins one, or goes on with one that was interrupted, and does step after step, each in transactions
-- that also hold how far it got.

CREATE OR REPLACE FUNCTION quay_internal.adoption_revision_list() RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY['9fa37f66a9b6', '6715e4719375', 'b30800b1d271', 'd064a4f00d4a', 'b1a79fa8e630', 'c3d4e5f6a7b8', '414c5e2fc487', '15f06d00c4b3',
                 'b1c2d3e4f5a6', 'b2c3d4e5f6a7', '285f36ce97fd'];
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_revision_list() IS 'Alembic revisions that quay.adopt() reads: the head and the ten before it, newest first.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_revision(source_schema text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    revision text;
BEGIN
    IF to_regclass(format('%I.alembic_version', source_schema)) IS NULL OR source_schema = ANY (ARRAY['quay', 'quay_internal']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'not the tables of a Quay',
            DETAIL = format('Schema "%s" has no table alembic_version that could be adopted.', left(source_schema, 80)),
            HINT = 'Name the schema that holds the tables of the Quay database, or into which IMPORT FOREIGN SCHEMA has put them.';
    END IF;
    EXECUTE format('SELECT string_agg(v.version_num, '', '') FROM %I.alembic_version AS v', source_schema) INTO revision;
    IF revision <> ALL (quay_internal.adoption_revision_list()) IS NOT FALSE THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'the revision of the Quay cannot be adopted',
            DETAIL = format('It is "%s"; the oldest one that can be is "%s", the newest "%s".', left(revision, 80),
                            (quay_internal.adoption_revision_list())[array_length(quay_internal.adoption_revision_list(), 1)], '9fa37f66a9b6'),
            HINT = 'Have the Quay application migrate its database to the newest of these revisions first.';
    END IF;
    IF to_regclass(format('%I.%I', source_schema, 'user')) IS NULL OR to_regclass(format('%I.repository', source_schema)) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY160',
            MESSAGE = 'not the tables of a Quay',
            DETAIL = format('Schema "%s" lacks the table "user" or "repository".', left(source_schema, 80)),
            HINT = 'Import all tables, not a selection of them.';
    END IF;
    RETURN revision;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_revision(text) IS 'The Alembic revision of a source. Errors: QY160 it is none, or of a revision that cannot be read.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_require_empty() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    occupied boolean;
BEGIN
    FOR name IN SELECT l.table_name FROM quay_internal.reference_table_list() AS l WHERE NOT l.is_enumeration ORDER BY l.table_name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM quay.%I)', name) INTO occupied;
        IF occupied THEN
            RAISE EXCEPTION USING ERRCODE = 'QY162',
                MESSAGE = 'this registry is not empty',
                DETAIL = format('Table "%s" has rows.', name),
                HINT = 'Adopt into a new database with CREATE EXTENSION quay.';
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_require_empty() IS 'Refuses (QY162) a registry that has rows of its own: ids are kept, and would collide.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_forget(run_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay_internal.adoption_step AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_report AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_finding AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_map AS x WHERE x.run_id = adoption_forget.run_id;
    DELETE FROM quay_internal.adoption_run AS x WHERE x.id = adoption_forget.run_id;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_forget(bigint) IS 'Deletes what is known of a run.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_plan(run quay_internal.adoption_run) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.adoption_step (run_id, place, phase, name)
    SELECT run.id, row_number() OVER (ORDER BY p.part, p.depth, p.name), p.phase, p.name
    FROM (
        SELECT 1 AS part, 0 AS depth, 'match' AS phase, t.table_name AS name FROM quay_internal.reference_order() AS t WHERE t.is_enumeration
        UNION ALL
        SELECT 2, t.depth, 'scan', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration
        UNION ALL
        SELECT 3, 0, 'scan', ''
        UNION ALL
        SELECT 4, x.depth, 'prepare', x.name FROM (VALUES (1, 'sequences'), (2, 'months of the audit log')) AS x (depth, name) WHERE NOT run.dry_run
        UNION ALL
        SELECT 5, t.depth, 'copy', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration AND NOT run.dry_run
        UNION ALL
        SELECT 6, t.depth, 'compare', t.table_name FROM quay_internal.reference_order() AS t WHERE NOT t.is_enumeration AND NOT run.dry_run
        UNION ALL
        SELECT 7, x.depth, 'derive', x.name
        FROM (VALUES (1, 'contact addresses'), (2, 'uses in repositories'), (3, 'uses in namespaces'), (4, 'sizes'), (5, 'missing manifests'),
                     (6, 'reviews')) AS x (depth, name)
        WHERE NOT run.dry_run
        UNION ALL
        SELECT 8, t.depth, 'prove', t.table_name FROM quay_internal.reference_order() AS t WHERE t.depth > 0 AND NOT run.dry_run
        UNION ALL
        SELECT 9, 0, 'prove', 'registry_check' WHERE NOT run.dry_run
    ) AS p;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_plan(quay_internal.adoption_run) IS 'Writes down the steps of a run.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_lock(run_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_started_ms bigint := (SELECT (extract(epoch FROM a.backend_start) * 1000)::bigint FROM pg_stat_get_activity(pg_backend_pid()) AS a);
    run quay_internal.adoption_run;
    other record;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('quay adoption', 0)) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY161',
            MESSAGE = 'another session is adopting',
            HINT = 'The view quay.adoption_progress shows how far it is.';
    END IF;
    -- Between two transactions of a run nobody has the lock: its session is at work all the same.
    SELECT * INTO run FROM quay_internal.adoption_run AS r WHERE r.id = adoption_lock.run_id;
    IF run.owner_pid IS DISTINCT FROM pg_backend_pid() OR run.owner_started_ms IS DISTINCT FROM own_started_ms THEN
        SELECT a.state INTO other FROM pg_stat_get_activity(run.owner_pid) AS a
        WHERE run.owner_pid IS NOT NULL AND (extract(epoch FROM a.backend_start) * 1000)::bigint = run.owner_started_ms;
        IF other.state = 'active' THEN
            RAISE EXCEPTION USING ERRCODE = 'QY161',
                MESSAGE = 'another session is adopting',
                DETAIL = format('The server process %s does.', run.owner_pid),
                HINT = 'The view quay.adoption_progress shows how far it is.';
        END IF;
        UPDATE quay_internal.adoption_run AS r SET owner_pid = pg_backend_pid(), owner_started_ms = own_started_ms
        WHERE r.id = adoption_lock.run_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_lock(bigint) IS 'Makes this session the only one that adopts, until its transaction ends. Errors: QY161 another one does.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_begin(source_schema text, dry_run boolean, batch_size integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run quay_internal.adoption_run;
    old_id bigint;
BEGIN
    IF num_nulls(source_schema, dry_run, batch_size) > 0 OR batch_size < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal argument',
            DETAIL = 'source_schema and dry_run are not NULL, and batch_size is at least 1.',
            HINT = 'See \df+ quay.adopt.';
    END IF;
    SELECT * INTO run FROM quay_internal.adoption_run AS r WHERE r.ended_ms IS NULL;
    PERFORM quay_internal.adoption_lock(run.id);
    -- 42501 for who may not; then for the transactions of the copy only.
    PERFORM set_config('session_replication_role', 'replica', true), set_config('session_replication_role', 'origin', true);
    IF NOT run.dry_run THEN
        IF run.source_schema <> adoption_begin.source_schema OR adoption_begin.dry_run THEN
            RAISE EXCEPTION USING ERRCODE = 'QY162',
                MESSAGE = 'an adoption has been begun and not ended',
                DETAIL = format('Its source is schema "%s".', run.source_schema),
                HINT = format('Go on with it: CALL quay.adopt(%L).', run.source_schema);
        END IF;
        PERFORM quay_internal.adoption_revision(run.source_schema);
        UPDATE quay_internal.adoption_run AS r SET error = NULL, batch_size = adoption_begin.batch_size WHERE r.id = run.id;
        RETURN run.id;
    END IF;

    PERFORM quay_internal.adoption_require_empty();
    FOR old_id IN SELECT r.id FROM quay_internal.adoption_run AS r LOOP
        PERFORM quay_internal.adoption_forget(old_id);
    END LOOP;
    INSERT INTO quay_internal.adoption_run (source_schema, dry_run, revision, batch_size, started_ms)
    VALUES (adoption_begin.source_schema, adoption_begin.dry_run, quay_internal.adoption_revision(adoption_begin.source_schema),
            adoption_begin.batch_size, quay_internal.clock_ms())
    RETURNING * INTO run;
    PERFORM quay_internal.adoption_lock(run.id);
    PERFORM quay_internal.adoption_plan(run);
    RETURN run.id;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_begin(text, boolean, integer) IS
    'Begins a run, or takes up the one of this source that has not ended. Errors: QY160 no Quay, or its revision; QY161 another session adopts; QY162 this registry is not empty, or another run has not ended; 42501; 22023.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_do(run quay_internal.adoption_run, step quay_internal.adoption_step) RETURNS quay_internal.adoption_step
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted record;
BEGIN
    IF step.phase = 'copy' THEN
        RETURN quay_internal.adoption_copy(run, step);
    ELSIF step.name LIKE 'uses in %' THEN
        RETURN quay_internal.adoption_blob_use(step);
    END IF;
    CASE step.phase
    WHEN 'match' THEN
        PERFORM quay_internal.adoption_scan_enumeration(run, step.name);
    WHEN 'scan' THEN
        IF step.name = '' THEN
            PERFORM quay_internal.adoption_scan_kept(run);
        ELSE
            counted := quay_internal.adoption_count(run, step.name);
            step.source_rows := counted.row_count;
            step.source_ids := counted.id_sum;
            IF counted.row_count > 0 THEN
                PERFORM quay_internal.adoption_scan_table(run, step.name);
            END IF;
        END IF;
    WHEN 'compare' THEN
        step.row_count := quay_internal.adoption_compare(run, step);
    ELSE
        CASE step.name
        WHEN 'sequences' THEN
            PERFORM quay_internal.adoption_reserve(run);
        WHEN 'months of the audit log' THEN
            step.row_count := quay_internal.adoption_months(run);
        WHEN 'contact addresses' THEN
            step.row_count := quay_internal.adoption_contact_email(run);
        WHEN 'sizes' THEN
            step.row_count := quay_internal.adoption_size();
        WHEN 'missing manifests' THEN
            step.row_count := quay_internal.adoption_missing_child();
        WHEN 'reviews' THEN
            step.row_count := quay_internal.adoption_review();
        WHEN 'registry_check' THEN
            step.row_count := quay_internal.adoption_registry_check(run);
        ELSE
            step.row_count := quay_internal.adoption_prove(step.name);
        END CASE;
    END CASE;
    step.ended_ms := quay_internal.clock_ms();
    RETURN step;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_do(quay_internal.adoption_run, quay_internal.adoption_step) IS
    'Does a step, or the next part of it, and returns how far it got.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_advance(run_id bigint, OUT finished boolean, OUT summary text, OUT error_code text,
                                                          OUT error_message text, OUT error_detail text, OUT error_hint text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    run quay_internal.adoption_run;
    step quay_internal.adoption_step;
    started bigint := quay_internal.clock_ms();
    place text;
BEGIN
    PERFORM quay_internal.adoption_lock(run_id);
    SELECT * INTO STRICT run FROM quay_internal.adoption_run AS r WHERE r.id = adoption_advance.run_id;
    SELECT * INTO step FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.ended_ms IS NULL ORDER BY p.place LIMIT 1;
    finished := NOT FOUND;
    IF finished THEN
        UPDATE quay_internal.adoption_run AS r SET ended_ms = quay_internal.clock_ms(), owner_pid = NULL, owner_started_ms = NULL, error = NULL
        WHERE r.id = run.id;
        summary := quay_internal.adoption_summarize(run);
        RETURN;
    END IF;
    BEGIN
        step := quay_internal.adoption_do(run, step);
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS error_code = RETURNED_SQLSTATE, error_message = MESSAGE_TEXT, error_detail = PG_EXCEPTION_DETAIL,
                                error_hint = PG_EXCEPTION_HINT;
        -- Written down, and raised by the caller after the commit.
        -- Without the detail, which may show values of the row.
        place := format('%s %s: ', step.phase, step.name);
        UPDATE quay_internal.adoption_run AS r SET error = left(place || error_message, 1000),
                                                   owner_pid = NULL, owner_started_ms = NULL
        WHERE r.id = run.id;
        RETURN;
    END;
    UPDATE quay_internal.adoption_step AS p
    SET last_id = step.last_id, row_count = step.row_count, source_rows = step.source_rows, source_ids = step.source_ids,
        started_ms = coalesce(p.started_ms, started), ended_ms = step.ended_ms
    WHERE p.run_id = run.id AND p.place = step.place;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_advance(bigint) IS
    'Does the next part of a run, in the transaction of the caller. An error of it is written down and returned, not raised. Errors: QY161 another session has taken over.';

CREATE OR REPLACE FUNCTION quay_internal.adoption_summarize(run quay_internal.adoption_run) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN format('%s of schema "%s" at revision %s: %s rows in the source, %s copied, %s left out, %s merged, %s changed, %s findings about the rest',
        CASE WHEN run.dry_run THEN 'dry run' ELSE 'adoption' END, run.source_schema, run.revision,
        (SELECT sum(p.source_rows) FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'scan'),
        (SELECT coalesce(sum(p.row_count), 0) FROM quay_internal.adoption_step AS p WHERE p.run_id = run.id AND p.phase = 'copy'),
        f.left_out, f.merged, f.changed, f.kept)
    FROM (SELECT coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'left out'), 0) AS left_out,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'merged'), 0) AS merged,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = ANY (ARRAY['changed', 'decoded'])), 0) AS changed,
                 coalesce(sum(f.row_count) FILTER (WHERE f.treatment = 'kept'), 0) AS kept
          FROM quay_internal.adoption_finding AS f WHERE f.run_id = run.id) AS f;
END
$$;
COMMENT ON FUNCTION quay_internal.adoption_summarize(quay_internal.adoption_run) IS 'A run in one sentence.';

CREATE OR REPLACE PROCEDURE quay.adopt(source_schema text, dry_run boolean DEFAULT false, batch_size integer DEFAULT 100000)
    LANGUAGE plpgsql AS $$
DECLARE
    run_id pg_catalog.int8;
    part pg_catalog.record;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    run_id := quay_internal.adoption_begin(adopt.source_schema, adopt.dry_run, adopt.batch_size);
    COMMIT;
    LOOP
        SELECT a.* INTO part FROM quay_internal.adoption_advance(run_id) AS a;
        COMMIT;
        IF part.error_code IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = part.error_code, MESSAGE = part.error_message, DETAIL = part.error_detail, HINT = part.error_hint;
        END IF;
        EXIT WHEN part.finished;
    END LOOP;
    RAISE NOTICE '%', part.summary USING HINT = 'See the views quay.adoption_summary and quay.adoption_report.';
END
$$;
COMMENT ON PROCEDURE quay.adopt(text, boolean, integer) IS
'Takes the tables of a Quay database, in another schema of this database (foreign tables too), into this registry, which must be empty: ids are kept, names of enumerations matched. Not within a transaction: it commits after every batch_size rows; interrupted, the same call goes on.
dry_run: looks for everything that would be left out or changed, and writes that down, but nothing else. What it looks for is in quay.adoption_rules(); what it found in the views quay.adoption_summary and quay.adoption_report; how far it is in quay.adoption_progress.
The source is only read, and must not be written to meanwhile. For superusers and roles that may set session_replication_role.
Errors: QY160 no Quay, or of a revision that cannot be read; QY161 another session adopts; QY162 the registry is not empty, or another adoption has not ended; QY163 the source has changed, or what arrived is not what was there; 42501; 22023.';

CREATE OR REPLACE VIEW quay.adoption_progress AS
SELECT p.run_id, r.source_schema, r.dry_run, p.place, p.phase, p.name,
       CASE WHEN p.ended_ms IS NOT NULL THEN 'done' WHEN p.started_ms IS NOT NULL THEN 'running' ELSE 'waiting' END AS state,
       p.row_count, coalesce(p.source_rows, s.source_rows) AS source_rows, p.last_id,
       to_timestamp(p.started_ms / 1000.0) AT TIME ZONE 'UTC' AS started, to_timestamp(p.ended_ms / 1000.0) AT TIME ZONE 'UTC' AS ended,
       CASE WHEN p.place = min(p.place) FILTER (WHERE p.ended_ms IS NULL) OVER (PARTITION BY p.run_id) THEN r.error END AS error
FROM quay_internal.adoption_step AS p
JOIN quay_internal.adoption_run AS r ON r.id = p.run_id
LEFT JOIN quay_internal.adoption_step AS s ON s.run_id = p.run_id AND s.phase = 'scan' AND s.name = p.name AND p.phase = ANY (ARRAY['copy', 'compare']);
COMMENT ON VIEW quay.adoption_progress IS 'The steps of the adoption that is under way, or of the last one, and how far each is.';
COMMENT ON COLUMN quay.adoption_progress.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_progress.source_schema IS 'Schema of the source.';
COMMENT ON COLUMN quay.adoption_progress.dry_run IS 'Only looking.';
COMMENT ON COLUMN quay.adoption_progress.place IS 'Place of the step in the run.';
COMMENT ON COLUMN quay.adoption_progress.phase IS 'match: enumerations by name. scan: looking for what breaks a rule. prepare. copy. compare: with the source, by number and ids. derive: what follows from the content. prove: foreign keys, registry_check().';
COMMENT ON COLUMN quay.adoption_progress.name IS 'Table, or what is made.';
COMMENT ON COLUMN quay.adoption_progress.state IS 'waiting, running or done.';
COMMENT ON COLUMN quay.adoption_progress.row_count IS 'Rows copied, compared or made so far.';
COMMENT ON COLUMN quay.adoption_progress.source_rows IS 'Rows of the table in the source.';
COMMENT ON COLUMN quay.adoption_progress.last_id IS 'All ids up to this one are done.';
COMMENT ON COLUMN quay.adoption_progress.started IS 'When its first part began, UTC.';
COMMENT ON COLUMN quay.adoption_progress.ended IS 'When it was done, UTC.';
COMMENT ON COLUMN quay.adoption_progress.error IS 'Why the run stopped here; the next call tries again.';

CREATE OR REPLACE VIEW quay.adoption_summary AS
SELECT f.run_id, f.rule, f.table_name, nullif(f.column_name, '') AS column_name, f.treatment, f.row_count, m.meaning
FROM quay_internal.adoption_finding AS f
LEFT JOIN quay.adoption_rules() AS m ON m.rule = f.rule;
COMMENT ON VIEW quay.adoption_summary IS 'What the adoption has found, by rule and table, and how often.';
COMMENT ON COLUMN quay.adoption_summary.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_summary.rule IS 'The rule, of quay.adoption_rules(); registry_check: of quay.registry_check_rules().';
COMMENT ON COLUMN quay.adoption_summary.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay.adoption_summary.column_name IS 'Column, or columns.';
COMMENT ON COLUMN quay.adoption_summary.treatment IS 'left out, changed, decoded, merged or kept.';
COMMENT ON COLUMN quay.adoption_summary.row_count IS 'Number of rows.';
COMMENT ON COLUMN quay.adoption_summary.meaning IS 'What the rule says.';

CREATE OR REPLACE VIEW quay.adoption_report AS
SELECT r.run_id, r.rule, r.table_name, r.source_id, r.treatment, r.column_name, r.old_value, r.new_value, r.detail
FROM quay_internal.adoption_report AS r;
COMMENT ON VIEW quay.adoption_report IS 'Each row that the adoption leaves out, merges or changes. Of what is kept all the same up to 100 examples for each rule.';
COMMENT ON COLUMN quay.adoption_report.run_id IS 'The run.';
COMMENT ON COLUMN quay.adoption_report.rule IS 'The rule, of quay.adoption_rules().';
COMMENT ON COLUMN quay.adoption_report.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay.adoption_report.source_id IS 'Id of the row in the source.';
COMMENT ON COLUMN quay.adoption_report.treatment IS 'left out, changed, decoded, merged or kept.';
COMMENT ON COLUMN quay.adoption_report.column_name IS 'The column that is changed, or why the row is left out.';
COMMENT ON COLUMN quay.adoption_report.old_value IS 'What the column holds in the source; of JSON that may hold a secret NULL.';
COMMENT ON COLUMN quay.adoption_report.new_value IS 'What it holds here; of a merged row the id of the one that stays.';
COMMENT ON COLUMN quay.adoption_report.detail IS 'More about the row.';

-- @part step api/620_release.sql
-- The way back: plain tables with all that the reference application expects, derived from our catalog. Our tables have the reference's names,
-- columns, constraints and most of its indexes; api/622_release_index.sql lists the indexes that differ.

CREATE OR REPLACE FUNCTION quay_internal.release_prepare(target_schema text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF target_schema IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'illegal argument', DETAIL = 'target_schema is NULL.', HINT = 'Name a new schema.';
    END IF;
    IF to_regnamespace(format('%I', target_schema)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I', target_schema);
    ELSIF EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(format('%I', target_schema))) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY164',
            MESSAGE = 'the target is not empty',
            DETAIL = format('Schema "%s" has tables or other relations.', left(target_schema, 80)),
            HINT = 'Name a schema that does not exist, or an empty one.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.release_prepare(text) IS 'Requires that the schema is empty, and makes it if it does not exist. Errors: QY164.';

CREATE OR REPLACE FUNCTION quay_internal.release_table(target_schema text, table_name text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target CONSTANT text := format('%I.%I', target_schema, table_name);
    sequence CONSTANT text := format('%I.%I', target_schema, table_name || '_id_seq');
    definitions text;
    columns text;
    copied bigint;
    highest bigint;
BEGIN
    EXECUTE format('CREATE SEQUENCE %s', sequence);
    SELECT string_agg(format('%I %s%s%s', c.column_name, c.column_type, CASE WHEN c.is_required THEN ' NOT NULL' ELSE '' END,
                             coalesce(' DEFAULT ' || CASE c.column_name WHEN 'id' THEN format('nextval(%L)', sequence) ELSE c.default_value END, '')),
                      ', ' ORDER BY c.place),
           string_agg(format('%I', c.column_name), ', ' ORDER BY c.place)
    INTO definitions, columns
    FROM quay_internal.reference_column_list(table_name) AS c;
    EXECUTE format('CREATE TABLE %s (%s)', target, definitions);
    EXECUTE format('ALTER SEQUENCE %s OWNED BY %s.id', sequence, target);
    EXECUTE format('INSERT INTO %s (%s) SELECT %2$s FROM quay.%I', target, columns, table_name);
    GET DIAGNOSTICS copied = ROW_COUNT;
    -- As far as ours has gone: an id is never given out twice, also not of a row that is deleted.
    EXECUTE format('SELECT max(t.id) FROM %s AS t', target) INTO highest;
    highest := greatest(highest, pg_sequence_last_value(format('quay.%I', table_name || '_id_seq')::regclass));
    IF highest IS NOT NULL THEN
        PERFORM setval(sequence::regclass, highest);
    END IF;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION quay_internal.release_table(text, text) IS 'Makes one table, without its constraints and indexes, and returns how many rows it has.';

CREATE OR REPLACE FUNCTION quay_internal.release_index(target_schema text, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source CONSTANT regclass := format('quay.%I', table_name)::regclass;
    item record;
BEGIN
    EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I PRIMARY KEY (id)', target_schema, table_name,
        coalesce((SELECT k.conname FROM pg_constraint AS k WHERE k.conrelid = source AND k.contype = 'p'), 'pk_' || table_name));
    FOR item IN
        SELECT c.relname::text AS name, i.indisunique AS is_unique, split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2) AS definition
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = source AND NOT i.indisprimary
          AND NOT EXISTS (SELECT FROM quay_internal.release_index_list() AS l WHERE l.index_name = c.relname)
          -- None on a column that the reference has not.
          AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                          WHERE d.objid = i.indexrelid AND d.refobjid = source
                            AND a.attname <> ALL (SELECT r.column_name FROM quay_internal.reference_column_list(release_index.table_name) AS r))
        UNION ALL
        SELECT l.index_name, l.is_unique, l.definition FROM quay_internal.release_index_list() AS l
        WHERE l.table_name = release_index.table_name AND l.definition IS NOT NULL
        ORDER BY 1
    LOOP
        EXECUTE format('CREATE %s INDEX %I ON %I.%I USING %s', CASE WHEN item.is_unique THEN 'UNIQUE' ELSE '' END, item.name, target_schema,
                       table_name, item.definition);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.release_index(text, text) IS 'Makes the primary key and the indexes of a table.';

CREATE OR REPLACE FUNCTION quay_internal.release_key(target_schema text, table_name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT k.conname::text AS name, a.attname::text AS column_name, t.relname::text AS target
        FROM pg_constraint AS k
        JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
        JOIN pg_class AS t ON t.oid = k.confrelid
        WHERE k.conrelid = format('quay.%I', release_key.table_name)::regclass AND k.contype = 'f'
        ORDER BY k.conname
    LOOP
        EXECUTE format('ALTER TABLE %1$I.%2$I ADD CONSTRAINT %3$I FOREIGN KEY (%4$I) REFERENCES %1$I.%5$I (id)', target_schema, table_name,
                       item.name, item.column_name, item.target);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.release_key(text, text) IS 'Makes the foreign keys of a table.';

CREATE OR REPLACE FUNCTION quay_internal.release_all(target_schema text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[] := ARRAY(SELECT t.table_name FROM quay_internal.reference_order() AS t);
    name text;
    copied bigint := 0;
BEGIN
    PERFORM quay_internal.release_prepare(target_schema);
    EXECUTE format('CREATE TABLE %I.alembic_version (version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))',
                   target_schema);
    EXECUTE format('INSERT INTO %I.alembic_version SELECT v.version_num FROM quay.alembic_version AS v', target_schema);
    FOREACH name IN ARRAY names LOOP
        copied := copied + quay_internal.release_table(target_schema, name);
    END LOOP;
    FOREACH name IN ARRAY names LOOP
        PERFORM quay_internal.release_index(target_schema, name);
    END LOOP;
    FOREACH name IN ARRAY names LOOP
        PERFORM quay_internal.release_key(target_schema, name);
        EXECUTE format('ANALYZE %I.%I', target_schema, name);
    END LOOP;
    RETURN copied;
END
$$;
COMMENT ON FUNCTION quay_internal.release_all(text) IS 'Does the work of quay.release(), as of the snapshot of the transaction if that is REPEATABLE READ.';

CREATE OR REPLACE PROCEDURE quay.release(target_schema text)
    LANGUAGE plpgsql AS $$
DECLARE
    copied pg_catalog.int8;
BEGIN
    -- A procedure that commits cannot pin the search path: all names are qualified instead.
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
    copied := quay_internal.release_all(release.target_schema);
    COMMIT;
    RAISE NOTICE 'released % rows into schema "%"', copied, release.target_schema;
END
$$;
COMMENT ON PROCEDURE quay.release(text) IS
'The way back to a plain Quay database: writes all tables of the reference application into a schema that is new or empty, with their rows, sequences, defaults, keys and indexes, and the Alembic revision of its head. What only this extension has stays behind. Everything is as of one moment, and in one transaction, so it is there whole or not at all; others read and write meanwhile. Not within a transaction. For the owner of the tables.
Columns of ids are bigint, where the reference has integer. Uploads that were begun through quay.upload_start() cannot be continued by the reference application: finish or cancel them first.
Errors: QY164 the schema is not empty; 22023.';

-- @part step api/622_release_index.sql
-- The way back: where the reference's indexes are not ours (doc/architecture.md, "Where the tables differ").

CREATE OR REPLACE FUNCTION quay_internal.release_index_list()
    RETURNS TABLE (index_name text, table_name text, is_unique boolean, definition text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('apprblobplacement_blob_id', 'apprblobplacement', false, 'btree (blob_id)'),
        ('apprmanifestblob_manifest_id', 'apprmanifestblob', false, 'btree (manifest_id)'),
        ('apprmanifestlistmanifest_manifest_list_id', 'apprmanifestlistmanifest', false, 'btree (manifest_list_id)'),
        ('apprtag_repository_id', 'apprtag', false, 'btree (repository_id)'),
        ('apprtag_repository_id_name', 'apprtag', false, 'btree (repository_id, name)'),
        ('appspecificauthtoken_user_id', 'appspecificauthtoken', false, 'btree (user_id)'),
        ('appspecificauthtoken_uuid', 'appspecificauthtoken', false, 'btree (uuid)'),
        ('autoprunetaskstatus_last_ran_ms', 'autoprunetaskstatus', false, 'btree (last_ran_ms)'),
        ('blobupload_repository_id', 'blobupload', false, 'btree (repository_id)'),
        ('federatedlogin_service_id', 'federatedlogin', false, 'btree (service_id)'),
        ('imagestorage_content_checksum', 'imagestorage', false, 'btree (content_checksum)'),
        ('imagestorageplacement_storage_id', 'imagestorageplacement', false, 'btree (storage_id)'),
        ('imagestoragesignature_kind_id', 'imagestoragesignature', false, 'btree (kind_id)'),
        ('logentry_account_id', 'logentry', false, 'btree (account_id)'),
        ('logentry_performer_id', 'logentry', false, 'btree (performer_id)'),
        ('logentry_repository_id', 'logentry', false, 'btree (repository_id)'),
        ('logentry_repository_id_datetime', 'logentry', false, 'btree (repository_id, datetime)'),
        ('logentry2_account_id', 'logentry2', false, 'btree (account_id)'),
        ('logentry2_performer_id', 'logentry2', false, 'btree (performer_id)'),
        ('logentry2_repository_id', 'logentry2', false, 'btree (repository_id)'),
        ('logentry2_repository_id_datetime', 'logentry2', false, 'btree (repository_id, datetime)'),
        ('logentry3_account_id_datetime', 'logentry3', false, 'btree (account_id, datetime)'),
        ('logentry3_datetime', 'logentry3', false, 'btree (datetime)'),
        ('logentry3_performer_id_datetime', 'logentry3', false, 'btree (performer_id, datetime)'),
        ('logentry3_repository_id_datetime_kind_id', 'logentry3', false, 'btree (repository_id, datetime, kind_id)'),
        ('manifest_artifact_type_backfilled', 'manifest', false, 'btree (artifact_type_backfilled)'),
        ('manifest_repository_id', 'manifest', false, 'btree (repository_id)'),
        ('manifest_subject_backfilled', 'manifest', false, 'btree (subject_backfilled)'),
        ('manifestblob_manifest_id', 'manifestblob', false, 'btree (manifest_id)'),
        ('manifestblob_repository_id', 'manifestblob', false, 'btree (repository_id)'),
        ('manifestchild_manifest_id', 'manifestchild', false, 'btree (manifest_id)'),
        ('manifestchild_repository_id', 'manifestchild', false, 'btree (repository_id)'),
        ('manifestchild_repository_id_manifest_id', 'manifestchild', false, 'btree (repository_id, manifest_id)'),
        ('manifestlabel_manifest_id', 'manifestlabel', false, 'btree (manifest_id)'),
        ('messages_uuid', 'messages', false, 'btree (uuid)'),
        ('oauthaccesstoken_application_id', 'oauthaccesstoken', false, 'btree (application_id)'),
        ('oauthaccesstoken_uuid', 'oauthaccesstoken', false, 'btree (uuid)'),
        ('oauthapplication_client_id', 'oauthapplication', false, 'btree (client_id)'),
        ('organizationrhskus_subscription_id', 'organizationrhskus', false, 'btree (subscription_id)'),
        ('orgmirrorrepository_org_mirror_config_id', 'orgmirrorrepository', false, 'btree (org_mirror_config_id)'),
        ('permissionprototype_org_id', 'permissionprototype', false, 'btree (org_id)'),
        ('permissionprototype_uuid', 'permissionprototype', false, 'btree (uuid)'),
        ('quayrelease_service_id', 'quayrelease', false, 'btree (service_id)'),
        ('quotanotificationstate_namespace_id', 'quotanotificationstate', false, 'btree (namespace_id)'),
        ('repository_namespace_user_id', 'repository', false, 'btree (namespace_user_id)'),
        ('repository_visibility_id', 'repository', false, 'btree (visibility_id)'),
        ('repositoryactioncount_repository_id', 'repositoryactioncount', false, 'btree (repository_id)'),
        ('repositorybuild_repository_id', 'repositorybuild', false, 'btree (repository_id)'),
        ('repositorybuild_started', 'repositorybuild', false, 'btree (started)'),
        ('repositorypermission_team_id', 'repositorypermission', false, 'btree (team_id)'),
        ('repositorypermission_user_id', 'repositorypermission', false, 'btree (user_id)'),
        ('repositorysearchscore_score', 'repositorysearchscore', false, 'btree (score)'),
        ('star_user_id', 'star', false, 'btree (user_id)'),
        ('tag_manifest_id', 'tag', false, 'btree (manifest_id)'),
        ('tag_manifest_id_immutable', 'tag', false, 'btree (manifest_id, immutable)'),
        ('tag_repository_id', 'tag', false, 'btree (repository_id)'),
        ('tag_repository_id_immutable', 'tag', false, 'btree (repository_id, immutable)'),
        ('tag_repository_id_name', 'tag', false, 'btree (repository_id, name)'),
        ('tag_repository_id_name_hidden', 'tag', false, 'btree (repository_id, name, hidden)'),
        ('tag_repository_id_name_tag_kind_id', 'tag', false, 'btree (repository_id, name, tag_kind_id)'),
        ('team_name', 'team', false, 'btree (name)'),
        ('teammember_user_id', 'teammember', false, 'btree (user_id)'),
        ('uploadedblob_repository_id', 'uploadedblob', false, 'btree (repository_id)'),
        ('user_uuid', 'user', false, 'btree (uuid)'),
        ('userprompt_user_id', 'userprompt', false, 'btree (user_id)'),
        ('userregion_user_id', 'userregion', false, 'btree (user_id)'),
        ('appspecificauthtoken_expiration', 'appspecificauthtoken', false, NULL),
        ('manifest_subject_malformed', 'manifest', false, NULL),
        ('manifestsecuritystatus_index_status_indexer_hash', 'manifestsecuritystatus', false, NULL),
        ('manifestsecuritystatus_index_status_last_indexed', 'manifestsecuritystatus', false, NULL),
        ('namespacenotification_event_id', 'namespacenotification', false, NULL),
        ('namespacenotification_method_id', 'namespacenotification', false, NULL),
        ('oauthaccesstoken_expires_at', 'oauthaccesstoken', false, NULL),
        ('oauthauthorizationcode_created', 'oauthauthorizationcode', false, NULL),
        ('organizationrhskus_org_id', 'organizationrhskus', false, NULL),
        ('organizationrhskus_user_id', 'organizationrhskus', false, NULL),
        ('orgmirrorconfig_visibility_id', 'orgmirrorconfig', false, NULL),
        ('orgmirrorrepository_due', 'orgmirrorrepository', false, NULL),
        ('proxycacheconfig_organization_id', 'proxycacheconfig', false, NULL),
        ('quotalimits_quota_type_id', 'quotalimits', false, NULL),
        ('redhatsubscriptions_user_id_account_number', 'redhatsubscriptions', false, NULL),
        ('repomirrorconfig_due', 'repomirrorconfig', false, NULL),
        ('repository_namespace_user_id_id', 'repository', false, NULL),
        ('repository_visibility_id_id', 'repository', false, NULL),
        ('repository_visibility_id_namespace_user_id_name', 'repository', false, NULL),
        ('repositorysearchscore_score_repository_id', 'repositorysearchscore', false, NULL),
        ('tag_repository_id_lifetime_end_ms_ending', 'tag', false, NULL),
        ('tag_repository_id_name_ending', 'tag', false, NULL),
        ('tag_repository_id_name_live', 'tag', false, NULL),
        ('tagnotificationsuccess_method_id', 'tagnotificationsuccess', false, NULL),
        ('teammemberinvite_email', 'teammemberinvite', false, NULL),
        ('teammemberinvite_invite_token', 'teammemberinvite', false, NULL),
        ('uploadedblob_repository_id_blob_id', 'uploadedblob', false, NULL),
        ('user_catalog', 'user', false, NULL),
        ('user_robot_namespace', 'user', false, NULL),
        ('userregion_user_id_location_id', 'userregion', false, NULL);
END
$$;
COMMENT ON FUNCTION quay_internal.release_index_list() IS
    'Indexes of the reference that ours has not, or has in another form; and, without a definition, those that only ours has.';

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
COMMENT ON COLUMN quay.repositorynotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

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
COMMENT ON COLUMN quay.namespacenotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

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
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead once the last claim has ended, see queue_dead_list(); queue_expire() cleans up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new whenever the item changes hands, unique: the claim of whoever has it, which all his calls are compared with. An extension appends "+" and a number.';

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

-- Builds: logs and jobs

COMMENT ON TABLE quay_internal.build_log IS 'What belongs to the log of a build as a whole: status, age, archive. A row is there while there is something to know.';
COMMENT ON COLUMN quay_internal.build_log.build_id IS 'Build, which may be gone: then the row is for buildlog_expire().';
COMMENT ON COLUMN quay_internal.build_log.status IS 'What the worker said last, see buildlog_status_set(). NULL: nothing, or it has expired.';
COMMENT ON COLUMN quay_internal.build_log.status_ms IS 'When it said so, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.expires_ms IS 'When buildlog_expire() is to look whether lines and status are too old; in ms since 1970. Younger ones put it off only then. NULL: there are none.';
COMMENT ON COLUMN quay_internal.build_log.archive_claim IS 'Claim of the worker that archives the log, see build_archive_claim(). NULL: nobody does.';
COMMENT ON COLUMN quay_internal.build_log.archive_expires_ms IS 'When the claim is over, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.archived_lines IS 'How many lines are in the archive; 0: there is no object. NULL: not archived, or not with build_archive_confirm().';

COMMENT ON TABLE quay_internal.build_log_line IS 'Lines of the logs of builds that are not archived yet.';
COMMENT ON COLUMN quay_internal.build_log_line.build_id IS 'Build whose log it is.';
COMMENT ON COLUMN quay_internal.build_log_line.index IS 'Place of the line in the log: 0, 1, 2 and so on, without a gap.';
COMMENT ON COLUMN quay_internal.build_log_line.created_ms IS 'When it was added, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log_line.type IS 'command, phase or error; NULL: output of the build.';
COMMENT ON COLUMN quay_internal.build_log_line.message IS 'The line.';
COMMENT ON COLUMN quay_internal.build_log_line.data IS 'What else belongs to the line; NULL: nothing.';

COMMENT ON TABLE quay_internal.build_job IS 'Who runs which build: a row is the lease of a manager, see build_job_claim().';
COMMENT ON COLUMN quay_internal.build_job.build_id IS 'Build that is run.';
COMMENT ON COLUMN quay_internal.build_job.fence IS 'Number of the attempt, by which the manager and its worker are known; later attempts have higher ones.';
COMMENT ON COLUMN quay_internal.build_job.item_id IS 'Item of the queue dockerfilebuild.';
COMMENT ON COLUMN quay_internal.build_job.item_claim IS 'Claim of the item, see queue_get().';
COMMENT ON COLUMN quay_internal.build_job.manager IS 'Name of the manager.';
COMMENT ON COLUMN quay_internal.build_job.retries_remaining IS 'How often the build may be tried after this attempt.';
COMMENT ON COLUMN quay_internal.build_job.claimed_ms IS 'When the manager claimed it, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lease_expires_ms IS 'When the lease is over, unless a heartbeat comes; in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lifetime_expires_ms IS 'When it is over whatever comes, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.executor IS 'Where the worker runs; NULL: not placed yet.';
COMMENT ON COLUMN quay_internal.build_job.execution_id IS 'By which it can be stopped there; NULL: not started yet.';
COMMENT ON COLUMN quay_internal.build_job.started_ms IS 'When the worker asked first for what it is to build, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.heartbeat_ms IS 'When it was heard of last, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.cancel_requested_ms IS 'When the build was cancelled, in ms since 1970. NULL: it was not.';
-- User events

COMMENT ON TABLE quay_internal.user_event IS 'What happened to users lately, for those who watch, such as an open page. Kept for quay.user_event_lifetime, and quay.user_event_limit of each user. Emptied by a crash.';
COMMENT ON COLUMN quay_internal.user_event.user_id IS 'Whom it happened to. No foreign key: an event does not keep a user from being deleted.';
COMMENT ON COLUMN quay_internal.user_event.id IS 'Position. Of one user events become visible in this order.';
COMMENT ON COLUMN quay_internal.user_event.event IS 'Kind of event, such as docker-cli.';
COMMENT ON COLUMN quay_internal.user_event.data IS 'What the publisher says about it.';
COMMENT ON COLUMN quay_internal.user_event.created_ms IS 'When, ms since epoch UTC.';
-- Cache, sessions, leases, marks, counters of pulls

COMMENT ON TABLE quay.cache_entry IS 'The cache: values by key, of which any may be lost at any time. UNLOGGED. A row without a value is a key that somebody loads or that was removed.';
COMMENT ON COLUMN quay.cache_entry.expires_ms IS 'Until when the value is fresh, ms since epoch UTC. 0: there is none.';
COMMENT ON COLUMN quay.cache_entry.drop_ms IS 'From when on the row may go, ms since epoch UTC; after expires_ms if the value may be served while a new one is loaded.';
COMMENT ON COLUMN quay.cache_entry.claim_ms IS 'Until when the loader has the key to himself, ms since epoch UTC. 0: nobody loads.';
COMMENT ON COLUMN quay.cache_entry.size IS 'Bytes that the entry counts for: key, value and 100. 0: there is no value.';
COMMENT ON COLUMN quay.cache_entry.former_size IS 'size before the last change.';
COMMENT ON COLUMN quay.cache_entry.key IS 'Key, compared by bytes; quay.cache_key() makes it of parts.';
COMMENT ON COLUMN quay.cache_entry.claim IS 'Who loads the key: what his quay.cache_set() must bring. NULL: nobody, or the claim is void.';
COMMENT ON COLUMN quay.cache_entry.value IS 'Value, if it is text.';
COMMENT ON COLUMN quay.cache_entry.bytes IS 'Value, if it is binary.';

COMMENT ON TABLE quay_internal.cache_generation IS 'Generations of groups of cached values, which are part of their keys. UNLOGGED. The name '''' stands for all names without a row.';
COMMENT ON COLUMN quay_internal.cache_generation.name IS 'Name of the group.';
COMMENT ON COLUMN quay_internal.cache_generation.generation IS 'Its generation, random.';
COMMENT ON COLUMN quay_internal.cache_generation.changed_ms IS 'When it began, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.cache_size IS 'Size of the cache: the sum of the rows. UNLOGGED.';
COMMENT ON COLUMN quay_internal.cache_size.bytes IS 'A summand, may be negative.';
COMMENT ON COLUMN quay_internal.cache_size.counted_ms IS 'When the entries were last counted, ms since epoch UTC; the latest of all rows is meant.';

COMMENT ON TABLE quay.session IS 'Sessions of people, and of visitors, at front ends. UNLOGGED.';
COMMENT ON COLUMN quay.session.id IS 'Primary key; grows with the age of a person''s sessions, and may be shown.';
COMMENT ON COLUMN quay.session.user_id IS 'Person who logged in. NULL: a visitor. No foreign key: a session without its person is over.';
COMMENT ON COLUMN quay.session.created_ms IS 'When it began, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.touched_ms IS 'When it was last known to be in use, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.expires_ms IS 'When it will be over unless it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ends_ms IS 'When it will be over even if it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ttl_s IS 'How long it lasts after it was touched, in seconds.';
COMMENT ON COLUMN quay.session.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN quay.session.uuid IS 'uuid that the person had when the session began; it is over when he has another one.';
COMMENT ON COLUMN quay.session.data IS 'What the front end keeps.';
COMMENT ON COLUMN quay.session.ip IS 'Address that the session began from. NULL: unknown.';
COMMENT ON COLUMN quay.session.user_agent IS 'Program that the session began in, as it calls itself. NULL: unknown.';

COMMENT ON TABLE quay.lease IS 'Locks with an owner and an end. A row stays for a day after the lease is over.';
COMMENT ON COLUMN quay.lease.name IS 'What is locked.';
COMMENT ON COLUMN quay.lease.owner IS 'Who has it, or had it until it ran out, as he calls himself. NULL: it was given back.';
COMMENT ON COLUMN quay.lease.fence IS 'Number of the acquisition: greater than that of every one before. 0: none yet.';
COMMENT ON COLUMN quay.lease.acquired_ms IS 'When it was acquired, ms since epoch UTC.';
COMMENT ON COLUMN quay.lease.expires_ms IS 'When it runs out, ms since epoch UTC; when it was given back.';

COMMENT ON TABLE quay_internal.freshness_mark IS 'Marks of new content and of revoked rights, for front ends that read rights from a standby. Not dumped: positions of this server.';
COMMENT ON COLUMN quay_internal.freshness_mark.username IS 'Who lost a right. Empty: the repository has new content.';
COMMENT ON COLUMN quay_internal.freshness_mark.namespace IS 'Namespace of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.repository IS 'Name of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.marked IS 'Position in the WAL at which the mark was made.';
COMMENT ON COLUMN quay_internal.freshness_mark.expires_ms IS 'When the mark has no more meaning, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.pull_pending IS 'Pulls that are not in the statistics yet. UNLOGGED.';
COMMENT ON COLUMN quay_internal.pull_pending.counted_ms IS 'When it was pulled, ms since epoch UTC.';
COMMENT ON COLUMN quay_internal.pull_pending.repository_id IS 'Repository that it was pulled from; it may be gone since.';
COMMENT ON COLUMN quay_internal.pull_pending.tag IS 'Tag that was asked for. NULL: it was asked for by digest.';
COMMENT ON COLUMN quay_internal.pull_pending.digest IS 'Digest of the manifest that was sent. NULL: not known.';

COMMENT ON TABLE quay_internal.pull_batch IS 'Batches of pulls that were counted within the last seven days, so that none counts twice.';
COMMENT ON COLUMN quay_internal.pull_batch.batch IS 'Key that the client gave to the batch.';
COMMENT ON COLUMN quay_internal.pull_batch.counted_ms IS 'When it was counted, ms since epoch UTC.';
-- Audit

COMMENT ON TABLE quay.unlogged_namespace IS 'Namespaces that the audit log leaves out (DISABLED_FOR_AUDIT_LOGS and DISABLED_FOR_PULL_LOGS of the reference). Counts at once.';
COMMENT ON COLUMN quay.unlogged_namespace.username IS 'Name of the namespace. It need not exist.';
COMMENT ON COLUMN quay.unlogged_namespace.scope IS 'all: nothing is logged; pull: neither pull_repo nor repo_verb is.';

COMMENT ON TABLE quay_internal.log_settled IS 'One row: up to which id logentry3 is settled, see log_settled_id(). Not dumped.';
COMMENT ON COLUMN quay_internal.log_settled.id IS 'Always 1.';
COMMENT ON COLUMN quay_internal.log_settled.settled_id IS 'Nobody can add a row with this id or a lower one any more.';
COMMENT ON COLUMN quay_internal.log_settled.pending_id IS 'Will be settled when writers are gone. NULL: nothing pending.';
COMMENT ON COLUMN quay_internal.log_settled.writers IS 'Transactions that were writing when pending_id was the newest, as pg_locks names them.';

COMMENT ON TABLE quay_internal.log_count_month IS 'How far the months of logentry3 are counted. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_month.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_count_month.counted_id IS 'Rows up to this id are in log_count_day. -1: to be counted anew, log_count_day says nothing about this month.';

COMMENT ON TABLE quay_internal.log_count_day IS 'How many rows logentry3 has per namespace, day and kind, as far as log_count_month says. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_day.account_id IS 'The namespace. -1: the whole registry.';
COMMENT ON COLUMN quay_internal.log_count_day.day IS 'UTC day.';
COMMENT ON COLUMN quay_internal.log_count_day.kind_id IS 'logentrykind.id.';
COMMENT ON COLUMN quay_internal.log_count_day.count IS 'Rows.';

COMMENT ON TABLE quay_internal.log_seal_block IS 'Chain of hashes over the rows of a month of logentry3: see log_verify().';
COMMENT ON COLUMN quay_internal.log_seal_block.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_seal_block.block IS 'Place in the chain, from 1.';
COMMENT ON COLUMN quay_internal.log_seal_block.first_id IS 'Lowest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.last_id IS 'Greatest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.row_count IS 'How many rows it covers.';
COMMENT ON COLUMN quay_internal.log_seal_block.sealed_ms IS 'When it was made, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_seal_block.hash IS 'SHA-256 over the block and the hash before: see log_block_hash().';
COMMENT ON COLUMN quay_internal.log_seal_block.seal IS 'Signature of the hash. NULL: quay.log_seal_keyed was off.';
COMMENT ON COLUMN quay_internal.log_seal_block.ids IS 'Ids of its rows, in order.';
COMMENT ON COLUMN quay_internal.log_seal_block.leaves IS 'The first 8 bytes of the digest of each row, to say which one was touched.';

COMMENT ON TABLE quay_internal.log_archive IS 'Months of the audit log of which there is a copy, and that are still here.';
COMMENT ON COLUMN quay_internal.log_archive.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_archive.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_archive.last_id IS 'Greatest id in the copy; rows with greater ones came later.';
COMMENT ON COLUMN quay_internal.log_archive.row_count IS 'Rows in the copy.';
COMMENT ON COLUMN quay_internal.log_archive.archive IS 'Where it is, as log_archive_confirm() was told. NULL: not told.';
COMMENT ON COLUMN quay_internal.log_archive.archived_ms IS 'When it was confirmed, ms since 1970.';

COMMENT ON TABLE quay_internal.log_removed IS 'Months of the audit log that are gone.';
COMMENT ON COLUMN quay_internal.log_removed.id IS 'Primary key.';
COMMENT ON COLUMN quay_internal.log_removed.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_removed.month IS 'First day of the month. It can be gone more than once, if rows for it came late.';
COMMENT ON COLUMN quay_internal.log_removed.removed_ms IS 'When it went, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_removed.archive IS 'Where its copy is. NULL: none, or not told.';
COMMENT ON COLUMN quay_internal.log_removed.row_count IS 'Rows in the copy. NULL: there was none.';
COMMENT ON COLUMN quay_internal.log_removed.sealed_rows IS 'Rows that were sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.last_id IS 'Greatest id that was sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.hash IS 'End of its chain, which a copy can be verified against. NULL: none.';
-- Adoption

COMMENT ON TABLE quay_internal.adoption_run IS 'Adoptions of a Quay database, dry runs too: the one under way, or the last one.';
COMMENT ON COLUMN quay_internal.adoption_run.id IS 'Id.';
COMMENT ON COLUMN quay_internal.adoption_run.source_schema IS 'Schema with the tables of the Quay database.';
COMMENT ON COLUMN quay_internal.adoption_run.dry_run IS 'Only looking.';
COMMENT ON COLUMN quay_internal.adoption_run.revision IS 'Alembic revision of the source.';
COMMENT ON COLUMN quay_internal.adoption_run.batch_size IS 'Rows that are copied in one transaction.';
COMMENT ON COLUMN quay_internal.adoption_run.owner_pid IS 'Server process that works on it, or did so last; NULL: nobody.';
COMMENT ON COLUMN quay_internal.adoption_run.owner_started_ms IS 'When that process started, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_run.started_ms IS 'When it was begun, in ms since 1970; the present for rules about live tags.';
COMMENT ON COLUMN quay_internal.adoption_run.ended_ms IS 'When it was done, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_run.error IS 'Why it stopped; the next call goes on from there.';
COMMENT ON TABLE quay_internal.adoption_step IS 'The steps of an adoption, in order.';
COMMENT ON COLUMN quay_internal.adoption_step.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_step.place IS 'Place in the order.';
COMMENT ON COLUMN quay_internal.adoption_step.phase IS 'match, scan, prepare, copy, compare, derive or prove: see the view quay.adoption_progress.';
COMMENT ON COLUMN quay_internal.adoption_step.name IS 'Table, or what is made.';
COMMENT ON COLUMN quay_internal.adoption_step.last_id IS 'All ids up to this one are done.';
COMMENT ON COLUMN quay_internal.adoption_step.row_count IS 'Rows copied, compared or made so far.';
COMMENT ON COLUMN quay_internal.adoption_step.source_rows IS 'Of a scan: rows of the table in the source.';
COMMENT ON COLUMN quay_internal.adoption_step.source_ids IS 'Of a scan: sum of their ids.';
COMMENT ON COLUMN quay_internal.adoption_step.started_ms IS 'When its first part began, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_step.ended_ms IS 'When it was done, in ms since 1970.';
COMMENT ON TABLE quay_internal.adoption_report IS 'Rows of the source that an adoption leaves out, merges or changes; the copy reads it. Of what is kept all the same some examples. No secrets.';
COMMENT ON COLUMN quay_internal.adoption_report.id IS 'Id.';
COMMENT ON COLUMN quay_internal.adoption_report.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_report.rule IS 'The rule, of quay.adoption_rules().';
COMMENT ON COLUMN quay_internal.adoption_report.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay_internal.adoption_report.source_id IS 'Id of the row in the source.';
COMMENT ON COLUMN quay_internal.adoption_report.treatment IS 'left out, changed (one column), decoded (JSON), merged (with another row) or kept.';
COMMENT ON COLUMN quay_internal.adoption_report.column_name IS 'The column that is changed, or why the row is left out.';
COMMENT ON COLUMN quay_internal.adoption_report.old_value IS 'What the column holds in the source, up to 1,000 characters; NULL if it may hold a secret.';
COMMENT ON COLUMN quay_internal.adoption_report.new_value IS 'What is written instead; of a merged row the id of the one that stays.';
COMMENT ON COLUMN quay_internal.adoption_report.detail IS 'More about the row.';
COMMENT ON TABLE quay_internal.adoption_finding IS 'How many rows each rule has met.';
COMMENT ON COLUMN quay_internal.adoption_finding.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_finding.rule IS 'The rule.';
COMMENT ON COLUMN quay_internal.adoption_finding.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay_internal.adoption_finding.column_name IS 'Column or columns, or an empty text.';
COMMENT ON COLUMN quay_internal.adoption_finding.treatment IS 'What becomes of the rows.';
COMMENT ON COLUMN quay_internal.adoption_finding.row_count IS 'Number of rows.';
COMMENT ON TABLE quay_internal.adoption_map IS 'Rows of the source that are other rows here: enumerations, by name, and blobs of one digest.';
COMMENT ON COLUMN quay_internal.adoption_map.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_map.table_name IS 'Table.';
COMMENT ON COLUMN quay_internal.adoption_map.source_id IS 'Id in the source.';
COMMENT ON COLUMN quay_internal.adoption_map.target_id IS 'Id here; in a dry run, of what would be new, below 0.';

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

SELECT quay_internal.version_set('1.4');
