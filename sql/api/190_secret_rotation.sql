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
