-- Who may do what: PUBLIC, and the three kinds of quay.grant_role(). Every function, table, view, sequence and schema has a line here.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE ROLE regress_quay_nobody;
CREATE ROLE regress_quay_admin;
CREATE ROLE regress_quay_application;
CREATE ROLE regress_quay_reader;
SELECT quay.grant_role('regress_quay_admin', 'admin');
SELECT quay.grant_role('regress_quay_application', 'application');
SELECT quay.grant_role('regress_quay_reader', 'reader');
SELECT * FROM quay.role_list() WHERE role LIKE 'regress_quay_%';

\pset format unaligned
\pset tuples_only on

\echo -- schema: PUBLIC | admin | application | reader
SELECT n.nspname, p.*
FROM pg_namespace AS n
CROSS JOIN LATERAL (
    SELECT string_agg(CASE WHEN has_schema_privilege(r.name, n.oid, 'USAGE') THEN 'U' ELSE '' END
                      || CASE WHEN has_schema_privilege(r.name, n.oid, 'CREATE') THEN 'C' ELSE '' END, '|' ORDER BY r.i)
    FROM unnest(ARRAY['regress_quay_nobody', 'regress_quay_admin', 'regress_quay_application', 'regress_quay_reader'])
        WITH ORDINALITY AS r (name, i)
) AS p
WHERE n.nspname ~ '^quay' ORDER BY 1;

\echo -- function: PUBLIC | admin | application | reader (X: execute)
SELECT p.oid::regprocedure, x.*
FROM pg_proc AS p
CROSS JOIN LATERAL (
    SELECT string_agg(CASE WHEN has_function_privilege(r.name, p.oid, 'EXECUTE') THEN 'X' ELSE '' END, '|' ORDER BY r.i)
    FROM unnest(ARRAY['regress_quay_nobody', 'regress_quay_admin', 'regress_quay_application', 'regress_quay_reader'])
        WITH ORDINALITY AS r (name, i)
) AS x
WHERE p.pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
ORDER BY p.oid::regprocedure::text COLLATE "C";

\echo -- table or view: PUBLIC | admin | application | reader (r: read, a: insert, w: update, d: delete, D: truncate, x: references, t: trigger; -: column that a reader does not see)
SELECT c.oid::regclass, x.*
FROM pg_class AS c
CROSS JOIN LATERAL (
    SELECT string_agg(
        (SELECT string_agg(CASE WHEN has_table_privilege(r.name, c.oid, v.name) THEN v.letter ELSE '' END, '' ORDER BY v.i)
         FROM (VALUES (1, 'SELECT', 'r'), (2, 'INSERT', 'a'), (3, 'UPDATE', 'w'), (4, 'DELETE', 'd'), (5, 'TRUNCATE', 'D'),
                      (6, 'REFERENCES', 'x'), (7, 'TRIGGER', 't')) AS v (i, name, letter))
        || CASE WHEN has_any_column_privilege(r.name, c.oid, 'SELECT') AND NOT has_table_privilege(r.name, c.oid, 'SELECT') THEN
            (SELECT string_agg(CASE WHEN has_column_privilege(r.name, c.oid, a.attnum, 'SELECT') THEN NULL ELSE '-' || a.attname END, ' ' ORDER BY a.attnum)
             FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
           ELSE '' END, '|' ORDER BY r.i)
    FROM unnest(ARRAY['regress_quay_nobody', 'regress_quay_admin', 'regress_quay_application', 'regress_quay_reader'])
        WITH ORDINALITY AS r (name, i)
) AS x
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND (NOT c.relispartition OR c.relname = 'logentry3_default')
ORDER BY c.oid::regclass::text COLLATE "C";

\echo -- sequences: PUBLIC | admin | application | reader (U: usage, r: read, w: set)
SELECT x.privileges, count(*), string_agg(CASE WHEN x.privileges <> '|Urw|U|' THEN c.oid::regclass::text END, ' ')
FROM pg_class AS c
CROSS JOIN LATERAL (
    SELECT string_agg(
        (SELECT string_agg(CASE WHEN has_sequence_privilege(r.name, c.oid, v.name) THEN v.letter ELSE '' END, '' ORDER BY v.i)
         FROM (VALUES (1, 'USAGE', 'U'), (2, 'SELECT', 'r'), (3, 'UPDATE', 'w')) AS v (i, name, letter)), '|' ORDER BY r.i) AS privileges
    FROM unnest(ARRAY['regress_quay_nobody', 'regress_quay_admin', 'regress_quay_application', 'regress_quay_reader'])
        WITH ORDINALITY AS r (name, i)
) AS x
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND c.relkind = 'S'
GROUP BY x.privileges ORDER BY 1;

\echo -- types: PUBLIC may use none but the row types of tables, which have no privileges of their own
SELECT t.oid::regtype FROM pg_type AS t
WHERE t.typnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND t.typtype IN ('d', 'e', 'r')
  AND has_type_privilege('regress_quay_nobody', t.oid, 'USAGE') ORDER BY 1;

\pset tuples_only off

-- What the list of secret columns says is what the comments say.
SELECT table_name, column_name FROM quay_internal.secret_column_list()
EXCEPT
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'quay'::regnamespace;
SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'quay'::regnamespace AND col_description(c.oid, a.attnum) ~ '^Secret|Confidential:'
EXCEPT
SELECT table_name, column_name FROM quay_internal.secret_column_list();

-- The kinds at work. attempt() shows the result or the SQLSTATE.
CREATE SCHEMA regress_privilege;
CREATE FUNCTION regress_privilege.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
GRANT USAGE ON SCHEMA regress_privilege TO PUBLIC;
INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login, password_hash)
VALUES ('privilege_user', 'privilege@example.com', true, false, false, false, '2026-01-01', 'hash');

SET ROLE regress_quay_reader;
SELECT regress_privilege.attempt('SELECT username FROM quay."user"');
SELECT regress_privilege.attempt('SELECT password_hash FROM quay."user"');
SELECT regress_privilege.attempt('SELECT token FROM quay.robotaccounttoken');
SELECT regress_privilege.attempt('DELETE FROM quay."user"');
SELECT regress_privilege.attempt($$SELECT quay.access_check('privilege_user', 'privilege_user', 'app', 'read')$$);
SELECT regress_privilege.attempt($$SELECT quay.tag_resolve('privilege_user', 'app', 'latest')$$);
SELECT regress_privilege.attempt($$SELECT quay_internal.namespace_get('privilege_user')$$);
SELECT (quay_internal.namespace_get('privilege_user')).password_hash;
SELECT regress_privilege.attempt($$SELECT quay.authenticate('privilege_user', 'x')$$);
SELECT regress_privilege.attempt($$SELECT quay_internal.field_decrypt('x')$$);
SELECT regress_privilege.attempt($$SELECT quay.grant_role('regress_quay_reader', 'admin')$$);
SELECT regress_privilege.attempt('SELECT * FROM quay.image');

SET ROLE regress_quay_application;
SELECT regress_privilege.attempt('SELECT password_hash FROM quay."user"');
SELECT regress_privilege.attempt($$UPDATE quay."user" SET company = 'x' WHERE username = 'privilege_user'$$);
SELECT regress_privilege.attempt($$SELECT nextval('quay.user_id_seq')$$);
SELECT regress_privilege.attempt($$SELECT setval('quay.user_id_seq', 1)$$);
SELECT regress_privilege.attempt('TRUNCATE quay.star');
SELECT regress_privilege.attempt($$UPDATE quay_internal.schema_version SET version = '0.1'$$);
SELECT regress_privilege.attempt($$SELECT quay.grant_role('regress_quay_application', 'admin')$$);
SELECT regress_privilege.attempt($$SELECT quay.tag_resolve('privilege_user', 'app', 'latest')$$);
SELECT regress_privilege.attempt($$SELECT set_config('quay.allow_drop', 'on', false)$$);

SET ROLE regress_quay_nobody;
SELECT regress_privilege.attempt('SELECT username FROM quay."user"');
SELECT regress_privilege.attempt($$SELECT quay.access_check('a', 'a', 'app', 'read')$$);

-- An admin grants, changes and takes back, but only what he gave.
SET ROLE regress_quay_admin;
SELECT quay.grant_role('regress_quay_nobody', 'application');
SELECT quay.grant_role('regress_quay_nobody', 'reader');
SELECT * FROM quay.role_list() WHERE role LIKE 'regress_quay_%';
SELECT regress_privilege.attempt($$SELECT quay.revoke_role('regress_quay_reader')$$);
SELECT regress_privilege.attempt($$SELECT quay.grant_role('regress_quay_nobody', 'owner')$$);
SELECT regress_privilege.attempt($$SELECT quay.grant_role('regress_quay_nobody', NULL)$$);
RESET ROLE;
SELECT regress_privilege.attempt($$SELECT quay.revoke_role('regress_quay_nobody')$$);
SELECT regress_privilege.attempt($$SELECT quay.revoke_role('regress_quay_admin')$$);
SELECT quay.revoke_role('regress_quay_admin', cascade => true);
SELECT quay.revoke_role('regress_quay_application');
-- Twice is as good as once.
SELECT quay.grant_role('regress_quay_reader', 'reader');
SELECT * FROM quay.role_list() WHERE role LIKE 'regress_quay_%';
SELECT quay.revoke_role('regress_quay_reader');

-- Nothing is left, so the roles can go.
DROP SCHEMA regress_privilege CASCADE;
SELECT count(*) FROM pg_shdepend
WHERE refobjid::regrole::text LIKE 'regress_quay_%' AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
DROP ROLE regress_quay_nobody, regress_quay_admin, regress_quay_application, regress_quay_reader;
ROLLBACK;
