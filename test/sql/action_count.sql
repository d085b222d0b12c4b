-- Actions per repository and day: counted from the three generations of the audit log, or given; only what is missing; the old ones go.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.id(repository text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'act-alice' AND r.name = repository $$;
CREATE FUNCTION pg_temp.counts() RETURNS TABLE (repository text, day date, count integer) LANGUAGE sql AS $$
    SELECT r.name, c.date, c.count FROM quay.repositoryactioncount AS c JOIN quay.repository AS r ON r.id = c.repository_id
    JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'act-alice' ORDER BY r.name, c.date $$;
SELECT quay.user_create('act-alice', 'password', 'act-alice@act.example') IS NOT NULL AS alice;
SELECT count(quay.repository_create('act-alice', r)) FROM unnest(ARRAY['app', 'idle', 'old', 'gone']) AS r;
UPDATE quay.repository AS r SET state = 3 WHERE r.id = pg_temp.id('gone');
-- A new repository has a row for yesterday.
SELECT * FROM pg_temp.counts();

-- Entries of yesterday, from midnight to midnight, in all generations; others are of other days or of no repository.
INSERT INTO quay.logentry (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT k.id, 1, pg_temp.id('app'), t, '{}' FROM quay.logentrykind AS k, unnest(ARRAY['2026-03-08 23:59:59.999', '2026-03-09 00:00:00']::timestamp[]) AS t WHERE k.name = 'pull_repo';
INSERT INTO quay.logentry2 (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT k.id, 1, pg_temp.id('app'), t, '{}' FROM quay.logentrykind AS k, unnest(ARRAY['2026-03-09 12:00:00', '2026-03-10 00:00:00']::timestamp[]) AS t WHERE k.name = 'pull_repo';
INSERT INTO quay.logentry3 (kind_id, account_id, repository_id, datetime, metadata_json)
SELECT k.id, 1, r, t, '{}' FROM quay.logentrykind AS k, unnest(ARRAY['2026-03-09 12:00:00', '2026-03-09 23:59:59.999', '2026-03-07 12:00:00']::timestamp[]) AS t,
    unnest(ARRAY[pg_temp.id('app'), NULL]) AS r WHERE k.name = 'push_repo';
DELETE FROM quay.repositoryactioncount AS c WHERE c.repository_id = pg_temp.id('app');
SELECT min(r.id) - 1 AS start FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'act-alice' \gset
SELECT count(*) FROM quay.action_count_missing_list(after => :start);
SELECT examined, stored, last_id - :start AS last FROM quay.action_count_update(after => :start);
SELECT * FROM pg_temp.counts() WHERE repository = 'app';
-- Again: nothing is missing. Another day: in steps, the one that is being deleted is left out.
SELECT * FROM quay.action_count_update(after => :start);
SELECT repository_id - :start AS missing FROM quay.action_count_missing_list('2026-03-07', :start);
SELECT repository_id - :start AS missing FROM quay.action_count_missing_list('2026-03-07', :start + 1, 1);
SELECT examined, stored, last_id - :start AS last FROM quay.action_count_update('2026-03-07', :start, 2);
SELECT examined, stored, last_id - :start AS last FROM quay.action_count_update('2026-03-07', :start + 2, 2);
SELECT examined, stored, last_id - :start AS last FROM quay.action_count_update('2026-03-07', :start + 3, 2);
SELECT * FROM pg_temp.counts();
SELECT * FROM quay.action_count_list('act-alice', 'app', '2026-03-01');
SELECT * FROM quay.action_count_list('act-alice', 'app', '2026-03-01', '2026-03-08');
SELECT * FROM quay.action_count_list('act-alice', 'app', '2026-03-10');

-- Given counts: what is there stays, the same repository twice is summed, unknown ones and those being deleted are left out.
SELECT quay.action_count_store_many(ARRAY[pg_temp.id('app'), pg_temp.id('old'), pg_temp.id('idle'), pg_temp.id('idle'), pg_temp.id('gone'), 999999999999], '{9,8,7,6,5,4}', '2026-03-08');
SELECT quay.action_count_store_many(ARRAY[pg_temp.id('app')], '{1}', '2026-03-08');
SELECT quay.action_count_store_many('{}', '{}');
SELECT * FROM pg_temp.counts() WHERE day = '2026-03-08';
SELECT pg_temp.attempt($$SELECT quay.action_count_store_many('{1,2}', '{1}')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_store_many('{1}', '{-1}')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_store_many('{1}', '{NULL}')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_store_many(NULL, '{1}')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_store_many('{1}', '{1}', '2026-03-10')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_update('2026-03-10')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_update('-infinity')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_update(n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_missing_list('2026-03-11')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_missing_list(n => NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_list('act-alice', 'unknown', '2026-03-01')$$);
SELECT pg_temp.attempt($$SELECT quay.action_count_list('act-unknown', 'app', '2026-03-01')$$);

-- The score follows from them.
SELECT quay_internal.repository_search_score(pg_temp.id('app'), '2026-03-10') AS app, quay_internal.repository_search_score(pg_temp.id('idle'), '2026-03-10') AS idle;

-- Older than 365 days
INSERT INTO quay.repositoryactioncount (repository_id, count, date) SELECT pg_temp.id('old'), 1, date '2026-03-10' - d FROM generate_series(364, 370) AS d;
SELECT quay.action_count_delete_expired(3);
SELECT count(*), min(day) FROM pg_temp.counts() WHERE repository = 'old';
SELECT quay.action_count_delete_expired();
SELECT quay.action_count_delete_expired();
SELECT count(*), min(day) FROM pg_temp.counts() WHERE repository = 'old';
SELECT pg_temp.attempt($$SELECT quay.action_count_delete_expired(0)$$);
ROLLBACK;
