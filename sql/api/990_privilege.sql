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
