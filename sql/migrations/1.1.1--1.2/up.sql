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
