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
