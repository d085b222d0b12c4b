-- The score of repositories in the search: periods, days without a row, batches.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SELECT quay.user_create('sco-alice', 'password', 'sco-alice@sco.example') IS NOT NULL AS alice;
SELECT count(quay.repository_create('sco-alice', r)) FROM unnest(ARRAY['idle', 'yesterday', 'week', 'month', 'half-year', 'always', 'once', 'old', 'today', 'gone']) AS r;
CREATE FUNCTION pg_temp.count_actions(repository text, first_day integer, last_day integer, actions integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    SELECT r.id, actions, date '2026-03-01' - d FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, generate_series(last_day, first_day) AS d
    WHERE u.username = 'sco-alice' AND r.name = repository
    ON CONFLICT (repository_id, date) DO UPDATE SET count = EXCLUDED.count
$$;
SELECT pg_temp.count_actions(r, f, l, n)
FROM (VALUES ('yesterday', 1, 1, 100), ('week', 7, 2, 100), ('month', 31, 8, 100), ('half-year', 183, 32, 100), ('always', 183, 1, 100), ('once', 32, 32, 15200),
    ('old', 400, 184, 100), ('today', 0, 0, 100), ('gone', 183, 1, 100)) AS t (r, f, l, n);
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'sco-alice' AND r.name = 'gone';
CREATE FUNCTION pg_temp.scores() RETURNS TABLE (name text, score bigint, last_updated timestamp) LANGUAGE sql AS $$
    SELECT r.name, s.score, s.last_updated FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    LEFT JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id WHERE u.username = 'sco-alice' ORDER BY r.id
$$;
-- What stands before the first of ours is not ours.
SELECT min(r.id) - 1 AS start FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'sco-alice' \gset
DELETE FROM quay.repositorysearchscore WHERE repository_id = :start + 1;

-- In batches, until there is nothing more; again, nothing changes. One hundred a day everywhere is 100 * 100 * the sum of the weights, which is 1.000005.
SELECT examined, updated, last_id - :start AS last FROM quay.repository_search_score_update(:start, 4);
SELECT examined, updated, last_id - :start AS last FROM quay.repository_search_score_update(:start + 4, 4);
SELECT examined, updated, last_id - :start AS last FROM quay.repository_search_score_update(:start + 8);
SELECT * FROM quay.repository_search_score_update(:start + 10);
SELECT * FROM pg_temp.scores();
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT examined, updated FROM quay.repository_search_score_update(:start);
-- A day later what was yesterday is two days ago, and only what moved is written.
SET LOCAL quay.clock = '2026-03-02 00:00:00+00';
SELECT examined, updated FROM quay.repository_search_score_update(:start);
SELECT * FROM pg_temp.scores();

SELECT * FROM quay.repository_search_score_update(:start, 0);
SELECT examined >= 10 AS all_of_them FROM quay.repository_search_score_update(NULL, 1000000);
DO $$
DECLARE
    wrong integer;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    FOREACH wrong IN ARRAY '{-1,NULL}'::integer[] LOOP
        BEGIN
            PERFORM quay.repository_search_score_update(0, wrong);
            RAISE NOTICE 'accepted: %', wrong;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            RAISE NOTICE '%: % | % | %', code, message, detail, hint;
        END;
    END LOOP;
END
$$;
ROLLBACK;
