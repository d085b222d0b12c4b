-- Logs of builds: lines, status, age, and the archive.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
\a\t
\pset null NULL
DO $$ BEGIN
    PERFORM quay.user_create('builder', 'password1', 'builder@example.com');
    PERFORM quay.repository_create('builder', 'app', 'builder');
END $$;
SELECT build AS one FROM quay.build_create('builder', 'app', '{}', 'one') \gset
SELECT build AS two FROM quay.build_create('builder', 'app', '{}', 'two') \gset
SELECT build AS three FROM quay.build_create('builder', 'app', '{}', 'three') \gset
CREATE FUNCTION pg_temp.id(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM quay.repositorybuild WHERE display_name = name $$;

-- Lines, by one and by many: each has an index
SELECT * FROM quay.buildlog_read(:'one');
SELECT quay.buildlog_append(:'one', 'Step 1/3 : FROM debian', 'command', '{"image": "debian"}');
SELECT quay.buildlog_append(:'one', ''), quay.buildlog_append(:'one', ' ---> 4a5b6c', data => 'null');
SELECT count(DISTINCT i), max(i) FROM (SELECT quay.buildlog_append(:'one', 'line ' || n) AS i FROM generate_series(1, 5) AS n) AS a;
SELECT quay.buildlog_append_many(:'one', '{a,b,c}'), quay.buildlog_append_many(:'one', '{building,failed}', '{phase,error}', ARRAY['{"a": 1}', NULL]::jsonb[]), quay.buildlog_append_many(:'one', '{d,e}', '{command,NULL}');
SELECT quay.buildlog_append_many(:'one', '{}'), quay.buildlog_append_many(:'one', NULL), quay.buildlog_append('none', 'x'), quay.buildlog_append(NULL, 'x'), quay.buildlog_append_many('none', '{x}'), quay.buildlog_append(repeat('x', 300), 'x');
SELECT * FROM quay.buildlog_read(:'one');
SELECT index, total, message FROM quay.buildlog_read(:'one', 4, 2);
SELECT index, total, message FROM quay.buildlog_read(:'one', 14, 10);
-- from the end on: how many there are
SELECT index, total, message, phase FROM quay.buildlog_read(:'one', 15);
SELECT index, total FROM quay.buildlog_read(:'one', 0, 0);
SELECT index, total FROM quay.buildlog_read(:'one', NULL, 1);
SELECT index, total FROM quay.buildlog_read(:'one', -5, 1);
SELECT count(*) FROM quay.buildlog_read('none');
-- each build has its own
SELECT quay.buildlog_append(:'two', 'x'), quay.buildlog_append(:'two', 'y');

-- Status: the last one wins
SELECT quay.buildlog_status_get(:'one'), quay.buildlog_status_set(:'one', '{"a": 1}'), quay.buildlog_status_set(:'one', '{"b": 2}');
SELECT quay.buildlog_status_get(:'one'), quay.buildlog_status_get('none');
SELECT quay.buildlog_status_set(:'three', '{"c": 3}');

-- Deleting: it begins anew
SELECT quay.buildlog_delete(:'two'), quay.buildlog_delete(:'two'), quay.buildlog_delete('none');
SELECT quay.buildlog_append(:'two', 'z');

-- Age: counted from the last line or status; a look that finds a younger one puts it off
SET LOCAL quay.clock = '2026-03-05 12:00:00+00';
SELECT quay.buildlog_append(:'one', 'late');
SET LOCAL quay.clock = '2026-03-08 11:59:59+00';
SELECT quay.buildlog_expire();
SET LOCAL quay.clock = '2026-03-08 12:00:00+00';
SELECT quay.buildlog_expire(), quay.buildlog_expire();
SELECT quay.buildlog_status_get(:'one'), quay.buildlog_status_get(:'three');
SELECT (SELECT total FROM quay.buildlog_read(:'one', 0, 0)), (SELECT total FROM quay.buildlog_read(:'two', 0, 0));
SELECT count(*), count(expires_ms) FROM quay_internal.build_log;
-- in portions
SET LOCAL quay.clock = '2026-03-12 12:00:00+00';
SELECT quay.buildlog_expire(10);
SELECT index, total FROM quay.buildlog_read(:'one', 0, 1);
SELECT quay.buildlog_expire(10), quay.buildlog_expire(10);
SELECT index, total FROM quay.buildlog_read(:'one');
SELECT quay.buildlog_append(:'one', 'again');
SELECT count(*), count(expires_ms) FROM quay_internal.build_log;

-- The archive: builds that have ended, the oldest first
SELECT count(*) FROM quay.build_archive_claim();
SELECT quay.build_set_phase(:'one', 'complete'), quay.build_set_phase(:'two', 'internalerror');
SELECT build = :'one' AS is_one, claim, total FROM quay.build_archive_claim(10) \gset
SELECT :'is_one', :total;
SELECT count(*) FROM quay.build_archive_claim(10);
SELECT index, message FROM quay.buildlog_read(:'one');
-- a line that came meanwhile is not lost
SELECT quay.buildlog_append(:'one', 'a last word');
SELECT quay.build_archive_confirm(:'one', :'claim', :total);
SELECT quay.build_archive_confirm(:'one', :'claim', 3);
SELECT claim, total FROM quay.build_archive_claim() \gset
-- of two who think that they have it one does
SELECT quay.build_archive_confirm(:'one', '00000000-0000-0000-0000-000000000000', :total), quay.build_archive_release(:'one', 'none');
SELECT quay.buildlog_status_set(:'one', '{"d": 4}');
SELECT quay.build_archive_confirm(:'one', :'claim', :total), quay.build_archive_confirm(:'one', :'claim', :total);
SELECT logs_archived FROM quay.build_get(:'one');
SELECT index, total, archived FROM quay.buildlog_read(:'one');
SELECT quay.buildlog_append(:'one', 'too late') IS NULL;
SELECT count(*) FROM quay_internal.build_log_line AS l WHERE l.build_id = pg_temp.id('one');
-- its status goes after a day, what is known of the archive stays
SET LOCAL quay.clock = '2026-03-13 11:59:59+00';
SELECT quay.buildlog_expire();
SELECT quay.buildlog_status_get(:'one');
SET LOCAL quay.clock = '2026-03-13 12:00:00+00';
SELECT quay.buildlog_expire();
SELECT quay.buildlog_status_get(:'one');
SELECT index, total, archived FROM quay.buildlog_read(:'one');
-- a lease that is over; a claim that is given back
UPDATE quay.queueitem SET retries_remaining = 0 WHERE id = (SELECT queue_item_id FROM quay.build_get(:'two'));
SELECT build = :'two' AS is_two, claim, total FROM quay.build_archive_claim(10) \gset first_
SELECT :'first_is_two', :first_total;
SET LOCAL quay.clock = '2026-03-13 12:04:59+00';
SELECT count(*) FROM quay.build_archive_claim(10);
SET LOCAL quay.clock = '2026-03-13 12:05:00+00';
SELECT claim, total FROM quay.build_archive_claim(10) \gset second_
SELECT quay.build_archive_confirm(:'two', :'first_claim', :first_total);
SELECT quay.build_archive_release(:'two', :'first_claim'), quay.build_archive_release(:'two', :'second_claim'), quay.build_archive_release(:'two', :'second_claim');
SELECT claim, total FROM quay.build_archive_claim(10) \gset third_
-- while somebody archives it, it does not grow old
SET LOCAL quay.build_archive_duration = '30d';
SELECT quay.build_archive_release(:'two', :'third_claim');
SELECT claim, total FROM quay.build_archive_claim(10) \gset
SET LOCAL quay.clock = '2026-03-25 12:05:00+00';
SELECT quay.buildlog_expire();
SELECT total FROM quay.buildlog_read(:'two', 0, 0);
SELECT quay.build_archive_confirm(:'two', :'claim', :total);
-- whatever its phase, if it is old; without a line there is no object
SELECT phase, build = :'three' AS is_three, claim, c.total FROM quay.build_archive_claim(10) AS c, quay.build_get(c.build) \gset
SELECT :'phase', :'is_three', :total;
SELECT quay.build_archive_confirm(:'three', :'claim', 0);
SELECT index, total, archived FROM quay.buildlog_read(:'three');
SELECT count(*) FROM quay.build_archive_claim(10);
-- archived by somebody else: there is an object
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name, logs_archived)
SELECT 'theirs', b.repository_id, b.access_token_id, '{}', 'complete', b.started, 'theirs', true FROM quay.repositorybuild AS b WHERE b.uuid = :'one';
SELECT index, total, archived FROM quay.buildlog_read('theirs');

-- What is left of builds that are gone
SELECT build AS four FROM quay.build_create('builder', 'app', '{}', 'four') \gset
SELECT quay.buildlog_append_many(:'four', '{a,b,c}');
DELETE FROM quay.repositorybuild WHERE uuid IN (:'three', :'four');
SELECT count(*) FROM quay_internal.build_log_line;
SELECT quay.buildlog_expire(), quay.buildlog_expire();
SELECT count(*) FROM quay_internal.build_log AS l WHERE NOT EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.id = l.build_id);

-- Messages: the first line of an interval, once in a transaction. What was sent before the commit is seen with LISTEN only: test/t/022_buildlog.pl
SELECT name, setting, unit FROM pg_settings WHERE name LIKE 'quay.buildlog\_%' OR name LIKE 'quay.build\_%' ORDER BY name COLLATE "C";

-- Errors
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append(%L, NULL)', :'two'));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append(%L, %L, %L)', :'two', 'x', 'output'));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append(%L, %L, %L)', :'two', 'x', repeat('ä', 100)));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append_many(%L, %L)', :'two', '{a,NULL}'));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append_many(%L, %L, %L)', :'two', '{a,b}', '{phase}'));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append_many(%L, %L, NULL, %L)', :'two', '{a,b}', '{}'));
SELECT pg_temp.attempt(format('SELECT quay.buildlog_append_many(%L, %L, %L)', :'two', '{a,b}', '{phase,output}'));
SELECT pg_temp.attempt($$SELECT quay.buildlog_read('none', 0, -1)$$);
SELECT pg_temp.attempt($$SELECT quay.build_archive_claim(0)$$);
SELECT pg_temp.attempt($$SELECT quay.buildlog_expire(NULL)$$);
ROLLBACK;
