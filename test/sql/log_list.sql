-- Reading the audit log: three generations as one, page by page, filters; names of what is gone.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2031-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT quay.user_create('ll-alice', 'password', 'll-alice@ll.example') > 0 AS alice, quay.user_create('ll-bob', 'password', 'll-bob@ll.example') > 0 AS bob;
SELECT username FROM quay.robot_create('ll-alice', 'ci');
SELECT quay.repository_create('ll-alice', 'app', 'll-alice') > 0 AS app, quay.repository_create('ll-alice', 'tool', 'll-alice') > 0 AS tool;
DELETE FROM quay.logentry3; DELETE FROM quay.logentry2; DELETE FROM quay.logentry;
SELECT count(*) > 0 AS months FROM quay.log_partition_ensure(1);

-- Walks the pages: how many pages and rows, whether each row came once, in the order of the whole.
CREATE FUNCTION pg_temp.walk(page_size integer, arguments text DEFAULT 'namespace => ''ll-alice''')
    RETURNS TABLE (pages integer, rows bigint, complete boolean) LANGUAGE plpgsql AS $$
DECLARE
    cursor text;
    page text[];
    got text[] := '{}';
    everything text[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(l.cursor), ''{}'') FROM quay.log_list(%s, n => 100000) AS l', arguments) INTO everything;
    pages := 0;
    LOOP
        EXECUTE format('SELECT array_agg(l.cursor) FROM quay.log_list(%s, after => $1, n => $2) AS l', arguments) INTO page USING cursor, page_size;
        EXIT WHEN page IS NULL;
        pages := pages + 1;
        got := got || page;
        cursor := page[cardinality(page)];
    END LOOP;
    RETURN QUERY SELECT pages, cardinality(got)::bigint, got = everything;
END $$;
CREATE FUNCTION pg_temp.id(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT u.id FROM quay."user" AS u WHERE u.username = name $$;
CREATE FUNCTION pg_temp.repository(name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'll-alice' AND r.name = repository.name $$;

-- Equal times at the edges of pages: groups of 7, of 30, 25 equal and then 75 distinct, all distinct, all equal.
CREATE FUNCTION pg_temp.fill(generation text, n integer, groups integer, at timestamp DEFAULT '2031-03-01 10:00:00') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO quay.%I (kind_id, account_id, datetime, metadata_json)
        SELECT (SELECT id FROM quay.logentrykind WHERE name = ''pull_repo''), pg_temp.id(''ll-alice''), $3 - make_interval(secs => (i - 1) / $2), ''{}''
        FROM generate_series(1, $1) AS i', generation) USING n, groups, at;
END $$;
SELECT pg_temp.fill('logentry3', 140, 7); SELECT * FROM pg_temp.walk(20); DELETE FROM quay.logentry3;
SELECT pg_temp.fill('logentry3', 150, 30); SELECT * FROM pg_temp.walk(20); DELETE FROM quay.logentry3;
SELECT pg_temp.fill('logentry3', 25, 25), pg_temp.fill('logentry3', 75, 1, '2031-03-01 09:00:00'); SELECT * FROM pg_temp.walk(20); DELETE FROM quay.logentry3;
SELECT pg_temp.fill('logentry3', 100, 1); SELECT * FROM pg_temp.walk(20); SELECT * FROM pg_temp.walk(7); SELECT * FROM pg_temp.walk(1); DELETE FROM quay.logentry3;
SELECT pg_temp.fill('logentry3', 100, 100); SELECT * FROM pg_temp.walk(20); SELECT * FROM pg_temp.walk(100); DELETE FROM quay.logentry3;
-- An older generation with more than a page; all three at the same times, with the same ids; one that is older than all.
SELECT pg_temp.fill('logentry2', 30, 1); SELECT * FROM pg_temp.walk(20); DELETE FROM quay.logentry2;
SELECT pg_temp.fill('logentry3', 45, 9), pg_temp.fill('logentry2', 45, 9), pg_temp.fill('logentry', 45, 9);
SELECT pg_temp.fill('logentry', 45, 9, '2011-01-01');
SELECT * FROM pg_temp.walk(20); SELECT * FROM pg_temp.walk(3);
UPDATE quay.logentry3 AS l SET id = n.n FROM (SELECT id, -100 + row_number() OVER (ORDER BY id DESC) AS n FROM quay.logentry3) AS n WHERE n.id = l.id;
UPDATE quay.logentry2 AS l SET id = n.n FROM (SELECT id, -100 + row_number() OVER (ORDER BY id DESC) AS n FROM quay.logentry2) AS n WHERE n.id = l.id;
UPDATE quay.logentry AS l SET id = n.n FROM (SELECT id, -100 + row_number() OVER (ORDER BY id DESC) AS n FROM quay.logentry WHERE datetime > '2012-01-01') AS n WHERE n.id = l.id;
SELECT count(DISTINCT id) AS ids, count(*) FROM quay_internal.log_entry WHERE account_id = pg_temp.id('ll-alice') AND datetime > '2012-01-01';
SELECT * FROM pg_temp.walk(20); SELECT * FROM pg_temp.walk(1);
SELECT generation, count(*) FROM quay.log_list('ll-alice', n => 1000) GROUP BY 1 ORDER BY 1;
SELECT bool_and((datetime, log_id, generation) < (at_before, id_before, generation_before)) AS in_order
FROM (SELECT l.*, lag(l.datetime) OVER w AS at_before, lag(l.log_id) OVER w AS id_before, lag(l.generation) OVER w AS generation_before
      FROM (SELECT *, row_number() OVER () AS place FROM quay.log_list('ll-alice', n => 1000)) AS l WINDOW w AS (ORDER BY l.place)) AS l
WHERE id_before IS NOT NULL;
DELETE FROM quay.logentry3; DELETE FROM quay.logentry2; DELETE FROM quay.logentry;

-- Entries over many years: those of the default partition too, before all months and after them; nothing is left out between the windows.
SELECT count(pg_temp.fill('logentry3', 1, 1, '2031-03-01 00:00:00'::timestamp - make_interval(months => i))) FROM generate_series(0, 60) AS i;
SELECT count(pg_temp.fill('logentry3', 1, 1, '2031-03-01 00:00:00'::timestamp - make_interval(months => i) - interval '1 microsecond')) FROM generate_series(0, 60) AS i;
SELECT count(pg_temp.fill('logentry3', 1, 1, at)) FROM unnest(ARRAY['0944-03-15', '1970-01-01 00:00:00.000001', '2031-09-09', '2900-01-01']::timestamp[]) AS at;
SELECT count(*) > 60 AS months FROM quay.log_partition_ensure(1);
SELECT count(pg_temp.fill('logentry3', 1, 1, at)) FROM unnest(ARRAY['1955-05-05', '2025-05-05', '2950-01-01']::timestamp[]) AS at;
SELECT * FROM pg_temp.walk(10);
SELECT datetime, tableoid::regclass = 'quay.logentry3_default'::regclass AS in_default FROM quay.logentry3 WHERE datetime < '2000-01-01' OR datetime > '2031-05-01' ORDER BY 1;
SELECT datetime FROM quay.log_list('ll-alice', n => 3);
SELECT datetime, cursor LIKE '-%' AS negative FROM (SELECT * FROM quay.log_list('ll-alice', n => 1000) ORDER BY datetime LIMIT 2) AS l ORDER BY 1;
-- Windows of time: the start is in, the end is not.
SELECT datetime FROM quay.log_list('ll-alice', start_time => '2030-12-31 23:59:59.999999+00', end_time => '2031-03-01 00:00:00+00');
SELECT * FROM pg_temp.walk(1, $$namespace => 'll-alice', start_time => '2030-06-01 00:00:00+00', end_time => '2031-03-01 00:00:00+00'$$);
SELECT * FROM pg_temp.walk(5, $$namespace => 'll-alice', end_time => '2029-05-01 00:00:00+00'$$);
SELECT count(*) FROM quay.log_list('ll-alice', start_time => '2031-03-01', end_time => '2031-03-01');
SELECT count(*) FROM quay.log_list('ll-alice', start_time => '2031-03-02', end_time => '2031-03-01');
-- An infinite time is of the default partition, and not shown.
INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (1, pg_temp.id('ll-alice'), 'infinity', '{}'), (1, pg_temp.id('ll-alice'), '-infinity', '{}');
SELECT * FROM pg_temp.walk(50);
DELETE FROM quay.logentry3;

-- Filters.
SELECT count(quay.log_write(k, n, r, a, '192.0.2.' || i, jsonb_build_object('n', i), '2031-03-09 00:00:00+00'::timestamptz + make_interval(mins => i::integer)))
FROM (VALUES (1, 'pull_repo', 'll-alice', 'app', 'll-bob'), (2, 'pull_repo', 'll-alice', 'app', 'll-alice+ci'), (3, 'push_repo', 'll-alice', 'tool', 'll-alice'),
    (4, 'login_success', 'll-bob', NULL, 'll-bob'), (5, 'service_key_create', 'll-alice', NULL, NULL), (6, 'pull_repo', 'll-alice', 'tool', NULL),
    (7, 'org_create', 'll-bob', NULL, 'll-alice')) AS e (i, k, n, r, a);
SELECT kind, namespace_name, repository_name, performer_name, performer_is_robot, ip, metadata, datetime, generation FROM quay.log_list(start_time => '2031-03-09+00', end_time => '2031-03-10+00');
CREATE FUNCTION pg_temp.numbers(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE format('SELECT string_agg(metadata ->> ''n'', '' '') FROM quay.log_list(%s, start_time => ''2031-03-09+00'', end_time => ''2031-03-10+00'') AS l', arguments) INTO result;
    RETURN coalesce(result, 'none');
END $$;
SELECT a, pg_temp.numbers(a) FROM unnest(ARRAY[
    $$namespace => 'll-alice'$$, $$namespace => 'll-bob'$$, $$namespace => 'll-alice', repository => 'app'$$, $$performer => 'll-alice'$$,
    $$performer => 'll-alice+ci'$$, $$namespace => 'll-bob', performer => 'll-alice'$$, $$namespace => 'll-alice', repository => 'tool', performer => 'll-alice'$$,
    $$kinds => '{pull_repo}'$$, $$kinds => '{pull_repo,push_repo}', namespace => 'll-alice', repository => 'tool'$$, $$exclude_kinds => '{pull_repo,service_key_create}'$$,
    $$kinds => '{pull_repo,push_repo}', exclude_kinds => '{pull_repo}'$$, $$kinds => '{}'$$, $$namespace => 'll-alice', kinds => '{service_key_create}'$$,
    $$performer => 'll-bob', exclude_kinds => '{login_success}'$$, $$n => 2$$, $$n => 0$$]) AS a;
SELECT * FROM pg_temp.walk(2, $$kinds => '{pull_repo}', start_time => '2031-03-09+00'$$);
SELECT * FROM pg_temp.walk(1, $$performer => 'll-alice', start_time => '2031-03-09+00'$$);
SELECT * FROM pg_temp.walk(1, $$namespace => 'll-alice', repository => 'app', start_time => '2031-03-09+00'$$);
-- The newest are the head of the list.
SELECT metadata ->> 'n' AS n FROM quay.log_latest('ll-alice', n => 3);
SELECT metadata ->> 'n' AS n FROM quay.log_latest(performer => 'll-bob', exclude_kinds => '{login_success}');
SELECT metadata ->> 'n' AS n FROM quay.log_latest('ll-alice', 'app', 'll-bob');
SELECT count(*) FROM quay.log_latest(n => 0);
-- A repository that changes its namespace keeps its entries.
SELECT pg_temp.repository('app') AS app \gset
UPDATE quay.repository SET namespace_user_id = pg_temp.id('ll-bob') WHERE id = :app;
SELECT pg_temp.numbers($$namespace => 'll-bob', repository => 'app'$$), pg_temp.numbers(format('repository_id => %s', :app));
-- What is gone is found by its id, its name is not there.
SELECT pg_temp.id('ll-bob') AS bob \gset
DELETE FROM quay.repositorypermission WHERE repository_id = :app; DELETE FROM quay.repositoryactioncount WHERE repository_id = :app; DELETE FROM quay.repositorysearchscore WHERE repository_id = :app;
DELETE FROM quay.repository WHERE id = :app;
DELETE FROM quay.userprompt WHERE user_id = :bob;
DELETE FROM quay."user" WHERE id = :bob;
SELECT kind, namespace_name, performer_name, performer_is_robot, repository_name, in_account_id = :bob AS account, about_repository_id = :app AS about, by_performer_id = :bob AS "by" FROM quay.log_list(namespace_id => :bob);
SELECT kind, namespace_name, repository_name, performer_name FROM quay.log_list(repository_id => :app);
SELECT kind FROM quay.log_list(performer_id => :bob);
SELECT count(*) FROM quay.log_list(namespace_id => 987654321);
-- Details that are no JSON.
UPDATE quay.logentry3 SET metadata_json = 'no {' WHERE kind_id = (SELECT id FROM quay.logentrykind WHERE name = 'push_repo');
SELECT kind, metadata FROM quay.log_list('ll-alice', 'tool');

SELECT pg_temp.try($$SELECT * FROM quay.log_list('ll-nobody')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list('ll-alice', 'nothing')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(repository => 'tool')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(performer => 'll-nobody')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(kinds => '{pull_repo,no_such_kind}')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(exclude_kinds => '{no_such_kind}')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list('ll-alice', namespace_id => 1)$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(after => '1.2')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(after => '1.2.4')$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(n => -1)$$);
SELECT pg_temp.try($$SELECT * FROM quay.log_list(n => NULL)$$);
-- A disabled namespace can be read.
UPDATE quay."user" SET enabled = false WHERE username = 'll-alice';
SELECT count(*) FROM quay.log_list('ll-alice', 'tool');
ROLLBACK;
