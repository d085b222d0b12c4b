\echo Use "ALTER EXTENSION quay UPDATE TO '1.3'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.4');

-- @step
-- 1.4 to 1.3. One section per topic, in the reverse order of up.sql.
-- @about Takes out what 1.4 has brought. The journal of migrations and the reports of adoptions are forgotten.
-- @lock ACCESS EXCLUSIVE: quay.adoption_progress, quay.adoption_report, quay.adoption_summary, quay.backfill_progress
-- @lock ACCESS EXCLUSIVE: quay_internal.adoption_finding, quay_internal.adoption_map, quay_internal.adoption_report
-- @lock ACCESS EXCLUSIVE: quay_internal.adoption_run, quay_internal.adoption_step, quay_internal.backfill, quay_internal.migration_journal
-- @lock SHARE ROW EXCLUSIVE: quay."user", quay.mediatype, quay.repository, quay.repositorypermission, quay.role, quay.superuser, quay.team
-- @lock SHARE ROW EXCLUSIVE: quay.teammember, quay.teamrole, quay.visibility, quay_internal.schema_version

-- --- migration

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.backfill AS b WHERE b.finished_ms IS NULL),
    'how far backfills have got that are not done (quay_internal.backfill)');
DROP VIEW quay.backfill_progress;
DROP PROCEDURE quay.backfill_run(text,integer,integer,integer,bigint);
DROP FUNCTION quay.backfill_set(text,integer,integer,boolean);
DROP FUNCTION quay.migration_history();
DROP FUNCTION quay.migration_path(text,text);
DROP FUNCTION quay.migration_status();
DROP FUNCTION quay_internal.backfill_begin(text);
DROP FUNCTION quay_internal.backfill_list();
DROP FUNCTION quay_internal.backfill_require(text);
DROP FUNCTION quay_internal.backfill_step(text,integer);
DROP FUNCTION quay_internal.manifest_backfill_next(bigint,integer);
DROP FUNCTION quay_internal.manifest_fields_fill(bigint[]);
DROP FUNCTION quay_internal.migration_record(text,text);
DROP FUNCTION quay_internal.migration_refused(text,text);
DROP FUNCTION quay_internal.migration_step_list();
DROP FUNCTION quay_internal.migration_step_text();
DROP FUNCTION quay_internal.row_guess(text);
DROP FUNCTION quay_internal.version_number(text);
ALTER EXTENSION quay DROP TABLE quay_internal.backfill;
DROP TABLE quay_internal.backfill;
ALTER EXTENSION quay DROP TABLE quay_internal.migration_journal;
DROP TABLE quay_internal.migration_journal;

-- Adoption

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.adoption_run AS r WHERE NOT r.dry_run),
    'the report of an adoption (quay.adoption_report)');
DROP VIEW quay.adoption_summary;
DROP VIEW quay.adoption_report;
DROP VIEW quay.adoption_progress;
DROP PROCEDURE quay.adopt(text,boolean,integer);
DROP FUNCTION quay.adoption_rules();
DROP PROCEDURE quay.release(text);
DROP FUNCTION quay_internal.adoption_advance(bigint);
DROP FUNCTION quay_internal.adoption_begin(text,boolean,integer);
DROP FUNCTION quay_internal.adoption_blob_use(quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_compare(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_contact_email(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_copy(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_count(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_do(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_find(quay_internal.adoption_run,text,text,text,text,text);
DROP FUNCTION quay_internal.adoption_forget(bigint);
DROP FUNCTION quay_internal.adoption_has(bigint,text,text[],text);
DROP FUNCTION quay_internal.adoption_index_children(text);
DROP FUNCTION quay_internal.adoption_json(text);
DROP FUNCTION quay_internal.adoption_json_column_list();
DROP FUNCTION quay_internal.adoption_lock(bigint);
DROP FUNCTION quay_internal.adoption_map_changes(bigint,text);
DROP FUNCTION quay_internal.adoption_missing_child();
DROP FUNCTION quay_internal.adoption_months(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_plan(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_prove(text);
DROP FUNCTION quay_internal.adoption_read(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_registry_check(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_require_empty();
DROP FUNCTION quay_internal.adoption_reserve(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_review();
DROP FUNCTION quay_internal.adoption_revision(text);
DROP FUNCTION quay_internal.adoption_revision_list();
DROP FUNCTION quay_internal.adoption_rule_list();
DROP FUNCTION quay_internal.adoption_scan_column(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_enumeration(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_kept(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_scan_key(quay_internal.adoption_run,text,boolean);
DROP FUNCTION quay_internal.adoption_scan_table(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_unique(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_sequence(text,bigint);
DROP FUNCTION quay_internal.adoption_size();
DROP FUNCTION quay_internal.adoption_sql(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_summarize(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_write(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.reference_column_list(text);
DROP FUNCTION quay_internal.reference_key_list(text);
DROP FUNCTION quay_internal.reference_order();
DROP FUNCTION quay_internal.reference_table_list();
DROP FUNCTION quay_internal.release_all(text);
DROP FUNCTION quay_internal.release_index(text,text);
DROP FUNCTION quay_internal.release_index_list();
DROP FUNCTION quay_internal.release_key(text,text);
DROP FUNCTION quay_internal.release_prepare(text);
DROP FUNCTION quay_internal.release_table(text,text);
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_map;
DROP TABLE quay_internal.adoption_map;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_finding;
DROP TABLE quay_internal.adoption_finding;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.adoption_report_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_report;
DROP TABLE quay_internal.adoption_report;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_step;
DROP TABLE quay_internal.adoption_step;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.adoption_run_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_run;
DROP TABLE quay_internal.adoption_run;

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
    UPDATE quay.manifest AS m
    SET subject = left(d.document -> 'subject' ->> 'digest', 255), subject_backfilled = true,
        artifact_type = left(nullif(d.document ->> 'artifactType', ''), 255), artifact_type_backfilled = true,
        config_media_type = coalesce(m.config_media_type, left(d.document -> 'config' ->> 'mediaType', 255))
    FROM (SELECT r.id, quay_internal.json_or_null(r.manifest_bytes) AS document FROM quay.manifest AS r WHERE r.id = ANY (ids)) AS d
    WHERE m.id = d.id;
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

layers: how many they have in common; layers_size: the bytes of these, compressed. tags, alive: as for layer_use_list(). Docker schema 1 images state no sizes of layers and have no candidates. Errors: 22023 n negative; QY020, QY022.';

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
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
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
    for_admin CONSTANT text[] := ARRAY['downgrade_refuse', 'field_encrypt_with', 'field_key', 'field_rotate', 'grant_role',
                                    'log_archive_confirm', 'log_count_month_update', 'log_count_reset', 'log_count_update',
                                    'log_partition_drop', 'log_partition_ensure', 'log_removal_note', 'log_retain', 'log_rows_delete',
                                    'log_seal', 'log_seal_block_add', 'log_seal_rekey', 'log_settled_id', 'maintenance_log_partition',
                                    'maintenance_log_retain', 'maintenance_log_seal',
                                    'maintenance_reset', 'maintenance_schedule', 'maintenance_set', 'maintenance_unschedule',
                                    'revoke_role', 'search_index_create', 'secret_check', 'secret_rotate', 'secret_rotate_all',
                                    'secret_rotate_batch', 'secret_rotate_start', 'secret_rotate_verify', 'secret_scan', 'version_require',
                                    'version_set'];
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
             OR c.relname IN ('secret_rotation', 'maintenance_setting') AND privilege_list.kind <> 'admin'
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

SELECT quay_internal.version_set('1.3');
