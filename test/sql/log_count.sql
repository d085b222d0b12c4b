-- Entries of the audit log per day and kind: counted beforehand or not, the answer is that of the rows.
\set VERBOSITY default
-- What was counted is right only for rows that nobody can add to any more, so this test commits. It is alone in the year 2032.
SET quay.clock = '2032-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT quay.user_create('lc-alice', 'password', 'lc-alice@lc.example') > 0 AS alice, quay.user_create('lc-bob', 'password', 'lc-bob@lc.example') > 0 AS bob;
SELECT quay.repository_create('lc-alice', 'app', 'lc-alice') > 0 AS app;
DELETE FROM quay.logentry3 WHERE datetime > '2032-01-01';
SELECT u.id AS alice FROM quay."user" AS u WHERE u.username = 'lc-alice' \gset
SELECT u.id AS bob FROM quay."user" AS u WHERE u.username = 'lc-bob' \gset
SELECT r.id AS app FROM quay.repository AS r WHERE r.namespace_user_id = :alice \gset
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (1, 0, '2032-01-15', '{}'), (1, 0, '2032-02-15', '{}');
SELECT count(*) > 3 AS months FROM quay.log_partition_ensure(1);
DELETE FROM quay.logentry3 WHERE datetime > '2032-01-01';
-- An entry every two hours of January to March, of two kinds, for two namespaces; in the older generations some of February.
CREATE FUNCTION pg_temp.fill(alice bigint, bob bigint, app bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, metadata_json)
    SELECT CASE i % 3 WHEN 0 THEN 42 ELSE 41 END, CASE i % 2 WHEN 0 THEN alice ELSE bob END, CASE i % 4 WHEN 0 THEN bob END, CASE i % 2 WHEN 0 THEN app END,
           '2032-01-01 00:30:00'::timestamp + make_interval(hours => 2 * i), '{}'
    FROM generate_series(0, 12 * 70 - 1) AS i;
END $$;
SELECT pg_temp.fill(:alice, :bob, :app);
INSERT INTO quay.logentry2 (kind_id, account_id, performer_id, repository_id, datetime, metadata_json)
SELECT 41, :alice, :bob, :app, d, '{}' FROM unnest(ARRAY['2032-02-01 00:00:00', '2032-02-29 23:59:59.999999', '2032-03-01 00:00:00']::timestamp[]) AS d;
INSERT INTO quay.logentry (kind_id, account_id, performer_id, repository_id, datetime, metadata_json)
SELECT 42, :alice, :bob, :app, d, '{}' FROM unnest(ARRAY['2032-02-01 00:00:00', '2032-02-29 23:59:59.999999', '2031-12-31 00:00:00']::timestamp[]) AS d;
-- Entries of the default partition, between months and beyond them.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, :alice, '2031-12-24', '{}'), (41, :alice, '2033-01-01', '{}');

-- Every question is asked of the function and of the rows.
CREATE FUNCTION pg_temp.wrong() RETURNS TABLE (filter text, counted bigint, found bigint) LANGUAGE plpgsql AS $$
DECLARE
    f record;
    t record;
BEGIN
    FOR f IN
        SELECT * FROM unnest(
            ARRAY[$f$namespace => 'lc-alice'$f$, $f$namespace => 'lc-bob'$f$, $f$performer => 'lc-bob'$f$, $f$namespace => 'lc-alice', repository => 'app'$f$,
                  $f$namespace => 'lc-alice', performer => 'lc-bob'$f$, $f$namespace => 'lc-alice', repository => 'app', performer => 'lc-bob'$f$,
                  $f$kinds => '{push_repo}'$f$, $f$namespace => 'lc-alice', exclude_kinds => '{push_repo}'$f$, $f$n => 0$f$]) AS a (arguments)
    LOOP
        FOR t IN
            SELECT * FROM unnest(
                ARRAY['2032-01-01', '2032-01-01', '2032-02-01', '2032-02-01 00:30:00', '2032-01-31 12:00:00', '2032-02-10 10:00', '2032-01-31', '2031-12-01', '2032-01-30', '2032-03-05 11:00', '2032-03-01', '2032-03-10'],
                ARRAY['2032-04-01', '2032-02-01', '2032-03-05', '2032-02-01 00:30:01', '2032-03-01 12:00:00', '2032-02-10 11:00', '2032-03-03', '2034-01-01', '2032-05-30', '2032-03-05 15:00', '2032-04-01', '2032-03-11']) AS t (start, stop)
        LOOP
            RETURN QUERY EXECUTE format($q$
                WITH c AS (SELECT day, coalesce(kind, '?') AS kind, count FROM quay.log_count_by_day(%1$s, start_time => %2$L, end_time => %3$L)),
                     l AS (SELECT datetime::date AS day, coalesce(kind, '?') AS kind, count(*) FROM quay.log_list(%4$s, start_time => %2$L, end_time => %3$L, n => 100000) GROUP BY 1, 2)
                SELECT %5$L, c.count, l.count FROM c FULL JOIN l USING (day, kind) WHERE c.count IS DISTINCT FROM l.count$q$,
                CASE f.arguments WHEN 'n => 0' THEN 'kinds => NULL' ELSE f.arguments END, t.start || '+00', t.stop || '+00',
                CASE f.arguments WHEN 'n => 0' THEN 'kinds => NULL' ELSE f.arguments END, f.arguments || ' ' || t.start || ' ' || t.stop);
        END LOOP;
    END LOOP;
END $$;
SELECT * FROM quay.log_count_by_day('lc-alice', start_time => '2032-02-29 00:00:00+00', end_time => '2032-03-02+00');
SELECT * FROM pg_temp.wrong();
SELECT count(*) FROM quay_internal.log_count_day WHERE day > '2032-01-01';
-- In steps: what was counted and what was not.
SELECT quay.log_count_update(100);
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update(450) > 0 AS more;
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update() > 0 AS more;
SELECT quay.log_count_update();
SELECT * FROM pg_temp.wrong();
SELECT sum(count) FROM quay_internal.log_count_day WHERE day > '2032-01-01' AND account_id = -1;
SELECT * FROM quay.log_count_check();
-- More than 31 days, true days: the same day of two months is two days.
SELECT count(DISTINCT day), min(day), max(day), sum(count) FROM quay.log_count_by_day('lc-alice', start_time => '2032-01-30+00', end_time => '2032-03-05+00');
SELECT day, kind, count FROM quay.log_count_by_day('lc-bob', kinds => '{push_repo}', start_time => '2032-01-31 12:00:00+00', end_time => '2032-02-02 12:00:00+00');
SELECT day, kind, count FROM quay.log_count_by_day(namespace_id => :bob, start_time => '2032-03-01+01', end_time => '2032-03-01 23:00:00+01', exclude_kinds => '{pull_repo}');
SELECT count(*) FROM quay.log_count_by_day('lc-alice', start_time => '2032-02-02', end_time => '2032-02-01');
SELECT count(*) FROM quay.log_count_by_day(namespace_id => 987654321);

-- Late rows with an old date, a new kind, deleted and changed rows, in months that are counted.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) SELECT 41, :alice, '2032-01-10 10:00:00', '{}' FROM generate_series(1, 3);
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (987654, :bob, '2032-02-10 10:00:00', '{}');
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update();
SELECT * FROM pg_temp.wrong();
SELECT * FROM quay.log_count_by_day('lc-bob', start_time => '2032-02-10+00', end_time => '2032-02-11+00');
DELETE FROM quay.logentry3 WHERE account_id = :bob AND datetime BETWEEN '2032-01-05' AND '2032-01-06';
SELECT * FROM pg_temp.wrong();
SELECT month, counted_id FROM quay_internal.log_count_month WHERE counted_id < 0 AND month > '2032-01-01'::date - 1;
UPDATE quay.logentry3 SET datetime = '2032-02-05 01:02:03' WHERE account_id = :bob AND datetime BETWEEN '2032-03-02' AND '2032-03-03';
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update() > 700 AS anew;
SELECT * FROM pg_temp.wrong();
SELECT * FROM quay.log_count_check();
-- A transaction that is rolled back leaves no trace.
BEGIN;
DELETE FROM quay.logentry3 WHERE account_id = :bob;
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (41, :alice, '2032-02-10 10:00:00', '{}');
SELECT quay.log_count_update();
SELECT * FROM pg_temp.wrong();
ROLLBACK;
SELECT * FROM pg_temp.wrong();
SELECT count(*) FROM quay_internal.log_count_month WHERE counted_id < 0 AND month > '2032-01-01'::date - 1;
-- Rows that are copied in with lower ids are not counted until somebody says so.
INSERT INTO quay.logentry3 (id, kind_id, account_id, datetime, metadata_json) VALUES (-1, 41, :alice, '2032-02-10 10:00:00', '{}');
SELECT month, day, account_id IN (-1, :alice) AS known, kind, rows_found - counted AS missing FROM quay.log_count_check();
SELECT quay.log_count_reset();
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update() > 800 AS anew;
SELECT * FROM pg_temp.wrong();
SELECT * FROM quay.log_count_check();
-- Rows of the default partition get their month; a month that is dropped takes its counts along.
SELECT count(*) > 0 AS moved FROM quay.log_partition_ensure(0);
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update();
SELECT * FROM pg_temp.wrong();
DROP TABLE quay.logentry3_y2032m01;
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update();
SELECT month FROM quay_internal.log_count_month WHERE month BETWEEN '2032-01-01' AND '2032-04-01' ORDER BY 1;
-- Dropped by hand, and made anew before anybody counted: from nothing.
DROP TABLE quay.logentry3_y2032m02;
INSERT INTO quay.logentry3 (id, kind_id, account_id, datetime, metadata_json) VALUES (-2, 41, :alice, '2032-02-10 10:00:00', '{}');
SELECT name FROM quay.log_partition_ensure(0) AS name;
SELECT * FROM pg_temp.wrong();
SELECT quay.log_count_update();
SELECT * FROM pg_temp.wrong();
SELECT * FROM quay.log_count_check();
BEGIN;
TRUNCATE quay.logentry3;
SELECT * FROM pg_temp.wrong();
ROLLBACK;
SELECT * FROM pg_temp.wrong();

-- Errors.
SELECT pg_temp.try('SELECT quay.log_count_update(0)');
SELECT pg_temp.try($$SELECT * FROM quay.log_count_by_day('lc-nobody')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_count_by_day('lc-alice', 'nothing')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_count_by_day(performer => 'lc-nobody')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_count_by_day(kinds => '{no_such_kind}')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.try('SELECT quay.log_count_update()');
ROLLBACK;
BEGIN;
ALTER SEQUENCE quay.logentry3_id_seq CACHE 20;
SELECT pg_temp.try('SELECT quay.log_count_update()');
ROLLBACK;

DROP TABLE quay.logentry3_y2031m12, quay.logentry3_y2032m02, quay.logentry3_y2032m03, quay.logentry3_y2032m04, quay.logentry3_y2033m01;
DELETE FROM quay.logentry2; DELETE FROM quay.logentry;
DELETE FROM quay_internal.log_count_day; DELETE FROM quay_internal.log_count_month;
DELETE FROM quay.repositorypermission WHERE repository_id = :app; DELETE FROM quay.repositoryactioncount WHERE repository_id = :app; DELETE FROM quay.repositorysearchscore WHERE repository_id = :app;
DELETE FROM quay.repository WHERE id = :app;
DELETE FROM quay."user" WHERE id IN (:alice, :bob);
