-- Rules that every object of the extension keeps. Each query lists what breaks one: no rows.
BEGIN;
SET LOCAL search_path = pg_catalog, pg_temp;
\pset format unaligned

CREATE TEMPORARY VIEW member_function AS
SELECT p.*, l.lanname FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace);
CREATE TEMPORARY VIEW member_relation AS
SELECT c.* FROM pg_class AS c
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
  AND (NOT c.relispartition OR c.relname = 'logentry3_default');

\echo -- SQL and PL/pgSQL functions pin their search_path, or are one SQL expression, which is parsed when it is created; a procedure that commits cannot
SELECT oid::regprocedure FROM member_function
WHERE lanname <> 'c' AND prokind <> 'p' AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(proconfig, '{}')) AND NOT (lanname = 'sql' AND prosqlbody IS NOT NULL)
ORDER BY 1;
\echo -- languages are C, SQL and PL/pgSQL
SELECT oid::regprocedure, lanname FROM member_function WHERE lanname NOT IN ('c', 'sql', 'plpgsql') ORDER BY 1;
\echo -- no function runs with the rights of its owner
SELECT oid::regprocedure FROM member_function WHERE prosecdef ORDER BY 1;
\echo -- entry points are PL/pgSQL or C, or put in place of the call: other SQL functions are planned at each call
SELECT oid::regprocedure FROM member_function
WHERE lanname = 'sql' AND pronamespace = 'quay'::regnamespace
  AND NOT (proretset AND provolatile = 's' AND NOT proisstrict AND NOT prosecdef AND proconfig IS NULL)
ORDER BY 1;
\echo -- who catches errors begins a subtransaction, which a parallel query does not allow
SELECT oid::regprocedure FROM member_function WHERE lanname = 'plpgsql' AND proparallel <> 'u' AND prosrc ~ '\nEXCEPTION|\sEXCEPTION WHEN' ORDER BY 1;
\echo -- C functions are in our library, and their symbols have our prefix
SELECT oid::regprocedure, probin, prosrc FROM member_function
WHERE lanname = 'c' AND (probin <> '$libdir/quay' OR prosrc !~ '^quay_') ORDER BY 1;
\echo -- entry points name their arguments and the columns of their results
SELECT oid::regprocedure FROM member_function
WHERE pronamespace = 'quay'::regnamespace
  AND (SELECT count(*) FROM unnest(proargnames) AS a WHERE a <> '') <> cardinality(coalesce(proallargtypes, proargtypes::oid[])) ORDER BY 1;
\echo -- one function per name: overloading and defaults together make calls ambiguous
SELECT pronamespace::regnamespace, proname FROM member_function GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 1, 2;
\echo -- PUBLIC has no rights
SELECT 'function', oid::regprocedure::text FROM member_function
WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS a WHERE a.grantee = 0)
UNION ALL
SELECT 'relation', c.oid::regclass::text FROM member_relation AS c
WHERE EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0)
UNION ALL
SELECT 'column', a.attrelid::regclass || '.' || a.attname FROM member_relation AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE EXISTS (SELECT FROM aclexplode(a.attacl) AS x WHERE x.grantee = 0)
UNION ALL
SELECT 'schema', n.nspname FROM pg_namespace AS n
WHERE n.nspname ~ '^quay' AND EXISTS (SELECT FROM aclexplode(n.nspacl) AS a WHERE a.grantee = 0)
ORDER BY 1, 2;

\echo -- every function, relation, column, type and event trigger has a comment
SELECT 'function', oid::regprocedure::text FROM member_function WHERE obj_description(oid, 'pg_proc') IS NULL
UNION ALL
SELECT 'relation', c.oid::regclass::text FROM member_relation AS c
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND obj_description(c.oid, 'pg_class') IS NULL
UNION ALL
SELECT 'column', a.attrelid::regclass || '.' || a.attname FROM member_relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND col_description(c.oid, a.attnum) IS NULL
UNION ALL
SELECT 'event trigger', evtname FROM pg_event_trigger WHERE evtname ~ '^quay' AND obj_description(oid, 'pg_event_trigger') IS NULL
ORDER BY 1, 2;

\echo -- every object in our schemas is a member of the extension, except months of the log
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0) FROM member_relation AS c
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
    SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e')
UNION ALL
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0) FROM member_function AS p
WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1;

\echo -- every table and sequence is marked for pg_dump, and nothing else, but UNLOGGED tables and one sequence of what is not dumped; partitioned tables have no rows of their own
SELECT coalesce(c.oid, x.oid)::regclass
FROM (SELECT oid FROM member_relation WHERE relkind IN ('r', 'S') AND relpersistence <> 'u' AND relname <> 'gc_review_id_seq') AS c
FULL JOIN (SELECT unnest(extconfig) AS oid FROM pg_extension WHERE extname = 'quay') AS x ON x.oid = c.oid
WHERE c.oid IS NULL OR x.oid IS NULL ORDER BY 1;
\echo -- no other conditions on what is dumped than these; false is for what triggers make out of other tables, for what is of this server only, and for how far maintenance has got
SELECT c.oid::regclass, x.condition
FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (oid, condition) JOIN pg_class AS c ON c.oid = x.oid
WHERE e.extname = 'quay' AND x.condition NOT IN ('', 'WHERE id > 1000', $$WHERE version_num <> '9fa37f66a9b6'$$)
  AND NOT (x.condition = 'WHERE false' AND c.relname IN ('blob_use', 'size_counter', 'gc_review', 'log_count_day', 'log_count_month', 'log_settled',
                                                             'freshness_mark', 'maintenance_state'))
  AND NOT (x.condition = 'WHERE attempts > 0' AND c.relname = 'blob_deletion') ORDER BY 1;

\echo -- every foreign key has an index that starts with its columns
SELECT k.conrelid::regclass, k.conname FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM member_relation)
  AND NOT EXISTS (
    SELECT FROM pg_index AS i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
      AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) ORDER BY 1, 2;
\echo -- no foreign key has a cascade: the reference application deletes row by row, and so do our functions
SELECT conrelid::regclass, conname FROM pg_constraint
WHERE contype = 'f' AND (confdeltype NOT IN ('a', 'r') OR confupdtype <> 'a') AND conrelid IN (SELECT oid FROM member_relation) ORDER BY 1, 2;
\echo -- what the garbage collector deletes in masses is guarded by RESTRICT, which looks once at each row
SELECT conrelid::regclass, conname FROM pg_constraint
WHERE contype = 'f' AND (confdeltype = 'r') <> (confrelid IN ('quay.manifest'::regclass, 'quay.tag'::regclass))
  AND conrelid IN (SELECT oid FROM member_relation) ORDER BY 1, 2;
\echo -- foreign keys make no cycle, except from a table to itself: pg_restore could not order the rows
WITH RECURSIVE edge AS (
    SELECT DISTINCT conrelid AS a, confrelid AS b FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid AND conrelid IN (SELECT oid FROM member_relation)
), path AS (
    SELECT a, b FROM edge
    UNION
    SELECT path.a, edge.b FROM path JOIN edge ON edge.a = path.b
)
SELECT a::regclass FROM path WHERE a = b ORDER BY 1;
\echo -- each table has a sequence for its ids, below 2^53
SELECT c.oid::regclass FROM member_relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'id'
LEFT JOIN pg_sequence AS s ON s.seqrelid = to_regclass(format('quay.%I', c.relname || '_id_seq'))
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'quay'::regnamespace
  AND (a.atttypid <> 'bigint'::regtype OR s.seqmax IS DISTINCT FROM 9007199254740991) ORDER BY 1;
\echo -- timestamps are without time zone, in UTC
SELECT a.attrelid::regclass, a.attname FROM member_relation AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND a.atttypid = 'timestamptz'::regtype ORDER BY 1, 2;
ROLLBACK;
