\echo Use "ALTER EXTENSION quay UPDATE TO '1.2'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.1.1');

-- @step
-- 1.1.1 to 1.2: nothing is left to be done.
-- @about From half-way to 1.2, once all is done that quay.halfway_work() lists.
-- @refuse QY172: something is left to be done
-- @lock ACCESS EXCLUSIVE: quay_internal.halfway

DO $refuse$
DECLARE
    next_one text;
    number bigint;
BEGIN
    SELECT (array_agg(w.statement))[1], count(*) INTO next_one, number FROM quay.halfway_work() AS w;
    IF number > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY172',
            MESSAGE = 'what the new version needs is not done',
            DETAIL = format('%s statements are left to be run, the next of them: %s.', number, next_one),
            HINT = 'Run what quay.halfway_work() lists, which works while the registry does, then update again.';
    END IF;
END
$refuse$;

DROP FUNCTION quay.halfway_work();
DROP PROCEDURE quay.halfway_run(integer,integer);
DROP FUNCTION quay_internal.halfway_batch(integer);
DROP FUNCTION quay_internal.halfway_blobs(bigint,integer);
DROP FUNCTION quay_internal.halfway_labels(bigint,integer);
DROP FUNCTION quay_internal.halfway_manifests(bigint,integer);
DROP FUNCTION quay_internal.halfway_tags(bigint,integer);
DROP FUNCTION quay_internal.halfway_uses(bigint,integer);
DROP TABLE quay_internal.halfway;

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

SELECT quay_internal.version_set('1.2');
