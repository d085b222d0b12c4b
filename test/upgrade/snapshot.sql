-- Everything that the catalog knows of the extension, one line each, in an order that does not depend on ids. Two installations of one
-- version must give the same lines, whatever way they came about. Columns are by name and position among those that are left.
SET search_path = pg_catalog, pg_temp;
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' | '

CREATE TEMPORARY VIEW extension AS SELECT * FROM pg_extension WHERE extname = 'quay';
CREATE TEMPORARY VIEW relation AS
SELECT c.*, c.oid::regclass::text AS identity FROM pg_class AS c
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
  AND (NOT c.relispartition OR c.relname = 'logentry3_default')
  AND c.relkind IN ('r', 'p', 'v', 'm', 'S');
CREATE TEMPORARY VIEW function AS
SELECT p.*, p.oid::regprocedure::text AS identity FROM pg_proc AS p
WHERE p.pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace);

SELECT replace(line, chr(10), ' ') FROM (
    SELECT 'extension | ' || extversion || ' | ' || extrelocatable || ' | ' || extnamespace::regnamespace FROM extension
    UNION ALL
    SELECT 'member | ' || i.type || ' | ' || i.identity
    FROM pg_depend AS d, extension AS e, pg_identify_object(d.classid, d.objid, d.objsubid) AS i
    WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
    UNION ALL
    SELECT 'schema | ' || n.nspname || ' | ' || coalesce(n.nspacl, acldefault('n', n.nspowner))::text FROM pg_namespace AS n WHERE n.nspname IN ('quay', 'quay_internal')
    UNION ALL
    SELECT 'dumped | ' || x.oid::regclass || ' | ' || x.condition FROM extension AS e, unnest(e.extconfig, e.extcondition) AS x (oid, condition)
    UNION ALL
    SELECT 'relation | ' || concat_ws(' | ', r.identity, r.relkind, r.relpersistence, r.relreplident, r.relrowsecurity,
                                      r.reloptions, r.relispartition, pg_get_partkeydef(r.oid), pg_get_expr(r.relpartbound, r.oid),
                                      coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, r.relowner)))
    FROM relation AS r
    UNION ALL
    SELECT 'column | ' || concat_ws(' | ', r.identity, a.attname, row_number() OVER (PARTITION BY r.oid ORDER BY a.attnum),
                                    format_type(a.atttypid, a.atttypmod), a.attnotnull, c.collname, a.attidentity, a.attgenerated, a.attstorage,
                                    a.attcompression, a.attstattarget,
                                    -- some builds of the server stamp each column
                                    (SELECT array_agg(o) FROM unnest(a.attoptions) AS o WHERE o !~ '^pg_attver='), pg_get_expr(d.adbin, d.adrelid), nullif(a.attacl, '{}'))
    FROM relation AS r
    JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
    LEFT JOIN pg_collation AS c ON c.oid = a.attcollation
    UNION ALL
    SELECT 'constraint | ' || concat_ws(' | ', r.identity, k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred, pg_get_constraintdef(k.oid))
    FROM relation AS r JOIN pg_constraint AS k ON k.conrelid = r.oid
    UNION ALL
    SELECT 'index | ' || concat_ws(' | ', r.identity, i.indexrelid::regclass, i.indisunique, i.indisprimary, i.indisvalid, i.indisreplident, pg_get_indexdef(i.indexrelid))
    FROM relation AS r JOIN pg_index AS i ON i.indrelid = r.oid
    UNION ALL
    SELECT 'sequence | ' || concat_ws(' | ', r.identity, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
                                      (SELECT pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) FROM pg_depend AS d
                                       WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'a'))
    FROM relation AS r JOIN pg_sequence AS s ON s.seqrelid = r.oid
    UNION ALL
    SELECT 'view | ' || r.identity || ' | ' || pg_get_viewdef(r.oid) FROM relation AS r WHERE r.relkind IN ('v', 'm')
    UNION ALL
    SELECT 'statistics | ' || pg_get_statisticsobjdef(s.oid) FROM relation AS r JOIN pg_statistic_ext AS s ON s.stxrelid = r.oid
    UNION ALL
    SELECT 'trigger | ' || concat_ws(' | ', r.identity, t.tgname, t.tgenabled, pg_get_triggerdef(t.oid))
    FROM relation AS r JOIN pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'policy | ' || concat_ws(' | ', r.identity, p.polname, p.polcmd, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relation AS r JOIN pg_policy AS p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'function | ' || concat_ws(' | ', f.identity, pg_get_function_result(f.oid), pg_get_function_arguments(f.oid), l.lanname, f.prokind, f.provolatile,
                                      f.proparallel, f.proisstrict, f.proleakproof, f.prosecdef, f.procost, f.prorows, f.prosupport, f.proconfig, f.probin, coalesce(f.proacl, acldefault('f', f.proowner)),
                                      md5(f.prosrc || coalesce(pg_get_function_sqlbody(f.oid), '')))
    FROM function AS f JOIN pg_language AS l ON l.oid = f.prolang
    UNION ALL
    SELECT 'event trigger | ' || concat_ws(' | ', evtname, evtevent, evtfoid::regprocedure, evtenabled, evttags)
    FROM pg_event_trigger WHERE evtfoid IN (SELECT oid FROM function)
    UNION ALL
    SELECT 'initial privileges | ' || concat_ws(' | ', i.privtype, o.type, o.identity, i.initprivs)
    FROM pg_init_privs AS i, pg_identify_object(i.classoid, i.objoid, i.objsubid) AS o
    WHERE o.schema IN ('quay', 'quay_internal') OR o.identity IN ('quay', 'quay_internal')
    UNION ALL
    SELECT 'comment | ' || o.type || ' | ' || o.identity || ' | ' || d.description
    FROM pg_description AS d, pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
    WHERE (o.schema IN ('quay', 'quay_internal') OR o.identity ~ '^quay') AND o.identity !~ '^quay\.logentry3_y'
    UNION ALL
    SELECT 'default privileges | ' || concat_ws(' | ', defaclobjtype, defaclnamespace::regnamespace, defaclacl)
    FROM pg_default_acl WHERE defaclnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
) AS s (line)
ORDER BY line COLLATE "C";
