-- What plpgsql_check has to say about our functions: a line for each complaint. In a transaction that leaves nothing behind.
--
-- It cannot look into a function with a parameter of type record, and takes results that are only assigned by RETURN QUERY for forgotten,
-- hence no extra warnings.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS plpgsql_check SCHEMA public;

SELECT format('%s, line %s: %s: %s %s', f.function, c.lineno, c.level, c.message, coalesce(c.detail, c.hint, ''))
FROM (SELECT p.oid, p.oid::regprocedure AS function, coalesce(t.tgrelid, 0) AS relation, t.tgoldtable, t.tgnewtable
      FROM pg_proc AS p
      JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
      LEFT JOIN LATERAL (SELECT DISTINCT t.tgrelid, t.tgoldtable, t.tgnewtable FROM pg_trigger AS t
                         WHERE t.tgfoid = p.oid AND NOT t.tgisinternal AND t.tgparentid = 0) AS t
          ON p.prorettype = 'trigger'::regtype
      WHERE p.pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
        AND p.prorettype <> 'event_trigger'::regtype
        AND 'record'::regtype <> ALL (p.proargtypes)
        AND (p.prorettype <> 'trigger'::regtype OR t.tgrelid IS NOT NULL)) AS f
CROSS JOIN LATERAL plpgsql_check_function_tb(f.oid, f.relation, fatal_errors => false, performance_warnings => false,
                                             extra_warnings => false, security_warnings => true,
                                             oldtable => f.tgoldtable, newtable => f.tgnewtable) AS c
WHERE c.message NOT LIKE 'name of parameter % is reserved keyword'
  -- pg_cron need not be there.
  AND NOT (c.message ~ '^(schema|relation) "cron' AND c.message ~ 'does not exist$')
  -- Their statements are made of names that the catalog quotes.
  AND NOT (c.level = 'security' AND f.oid = to_regprocedure('quay.grant_role(regrole, text)'))
  AND NOT (c.level = 'security' AND f.function::text ~ '^quay_internal\.(adoption|release)_')
  -- Its conditions are those of our own scripts, and come with the library.
  AND NOT (c.level = 'security' AND f.oid = to_regprocedure('quay_internal.migration_refused(text, text)'))
ORDER BY f.function::text, c.lineno;
ROLLBACK;
