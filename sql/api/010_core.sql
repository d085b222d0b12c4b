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
