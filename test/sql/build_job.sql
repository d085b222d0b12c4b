-- Jobs: who runs which build, for how long, and what comes of it.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.server_hostname = 'quay.example.com';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
-- A build of a name, each in a repository of its own, and what is known of it
CREATE FUNCTION pg_temp.start(name text, job_config jsonb DEFAULT '{"archive_url": "https://example.com/a.tar"}', trigger text DEFAULT NULL, pull_robot text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM quay.repository AS r WHERE r.name = start.name) THEN
        PERFORM quay.repository_create('builder', start.name, 'builder');
        INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
        SELECT gen_random_uuid(), r.id, e.id, 1, '{}', '{}' FROM quay.repository AS r, quay.externalnotificationevent AS e WHERE r.name = start.name AND e.name LIKE 'build_%';
    END IF;
    RETURN (quay.build_create('builder', start.name, start.job_config, start.name, trigger => start.trigger, pull_robot => start.pull_robot)).build;
END $$;
CREATE FUNCTION pg_temp.id(name text) RETURNS text LANGUAGE sql AS $$ SELECT b.uuid FROM quay.repositorybuild AS b WHERE b.display_name = name ORDER BY b.id DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.fence(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT coalesce((SELECT j.fence FROM quay.build_job_list() AS j WHERE j.build = pg_temp.id(name)), 0) $$;
CREATE FUNCTION pg_temp.show(name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s, item %s, job %s', s.shown || coalesce(' (' || nullif(s.phase, s.shown) || ')', ''),
        coalesce((SELECT CASE WHEN q.available THEN 'free from ' || q.available_after::time ELSE 'taken to ' || q.processing_expires::time END || ' x' || q.retries_remaining
                  FROM quay.queueitem AS q WHERE q.id = b.queue_item_id), 'gone'),
        coalesce((SELECT concat_ws(' ', j.manager, j.executor, j.execution_id, 'to', to_timestamp(j.lease_expires_ms / 1000) AT TIME ZONE 'UTC', 'x' || j.retries_remaining, CASE WHEN j.cancel_requested THEN 'cancelled' END)
                  FROM quay.build_job_list() AS j WHERE j.build = b.uuid), 'none'))
    FROM quay.build_get(pg_temp.id(name)) AS b, quay.build_status(b.uuid) AS s $$;
CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM quay.queueitem WHERE queue_name LIKE 'notification/%' RETURNING id, queue_name, body::jsonb)
    SELECT split_part(queue_name, '/', 4) || ' ' || (body #>> '{event_data,build_name}') FROM gone WHERE split_part(queue_name, '/', 4) <> 'build_queued' ORDER BY id $$;
CREATE FUNCTION pg_temp.lines(name text) RETURNS SETOF text LANGUAGE sql AS $$ SELECT concat_ws(' ', l.type, l.message, l.data) FROM quay.buildlog_read(pg_temp.id(name)) AS l ORDER BY l.index $$;
CREATE FUNCTION pg_temp.claim(manager text DEFAULT 'm1', n integer DEFAULT 1) RETURNS SETOF text LANGUAGE sql AS $$ SELECT c.display_name FROM quay.build_job_claim(manager, n) AS c $$;
\a\t
DO $$ BEGIN
    DELETE FROM quay.queueitem;
    PERFORM quay.user_create('builder', 'password1', 'builder@example.com');
    PERFORM quay.robot_create('builder', 'puller', given_token => repeat('ABCD', 16));
END $$;

-- A whole build
SELECT count(*) FROM pg_temp.claim();
SELECT quay.repository_create('builder', 'app', 'builder') > 0;
SELECT quay.build_trigger_create('builder', 'app', 'custom-git', 'builder', private_key => 'key of git', pull_robot => 'builder+puller') AS trigger \gset
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
SELECT gen_random_uuid(), r.id, e.id, 1, '{}', '{}' FROM quay.repository AS r, quay.externalnotificationevent AS e WHERE r.name = 'app' AND e.name LIKE 'build_%';
SELECT pg_temp.start('app', '{"docker_tags": ["latest"], "trigger_metadata": {"git_url": "git@example.com:acme/app"}}', :'trigger') IS NOT NULL;
SELECT pg_temp.start('app', '{}', :'trigger') IS NOT NULL;
UPDATE quay.repositorybuild SET display_name = 'second' WHERE uuid = pg_temp.id('app');
SELECT namespace, repository, display_name, job_config, retries_remaining, lease_expires_ms, lifetime_expires_ms FROM quay.build_job_claim('m1', 5);
-- one of a repository at a time
SELECT count(*) FROM pg_temp.claim('m2');
SELECT pg_temp.show('app');
SELECT quay.build_job_check(pg_temp.id('app'), pg_temp.fence('app')), quay.build_job_check(pg_temp.id('app'), 0), quay.build_job_check('none', 1);
SELECT quay.build_job_place(pg_temp.id('app'), pg_temp.fence('app'), 'small', 0), quay.build_job_place(pg_temp.id('app'), pg_temp.fence('app'), 'small', 1, 3), quay.build_job_place(pg_temp.id('app'), pg_temp.fence('app'), 'small', 1, 2),
    quay.build_job_place(pg_temp.id('app'), 0, 'small');
SELECT pg_temp.show('app');
SELECT quay.build_job_schedule(pg_temp.id('app'), pg_temp.fence('app'), 'small', 'vm-1', 600);
SELECT pg_temp.show('app');
SET LOCAL quay.clock = '2026-03-01 12:05:00+00';
SELECT status, namespace, repository, job_config, resource_key, git_url, private_key, pull_username, pull_password, pull_registry FROM quay.build_job_start(pg_temp.id('app'), pg_temp.fence('app'));
SELECT l.role, l.repository FROM quay.build_job_start(pg_temp.id('app'), pg_temp.fence('app')) AS s, quay.repository_token_load(s.token) AS l;
SELECT s.* FROM quay.build_job_start(pg_temp.id('app'), 0) AS s;
SELECT body NOT LIKE '%ABCD%' FROM quay.queueitem WHERE queue_name LIKE 'dockerfilebuild/%' LIMIT 1;
SELECT quay.build_job_phase(pg_temp.id('app'), pg_temp.fence('app'), 'pulling', '{"base": "debian"}');
SELECT quay.build_job_heartbeat(pg_temp.id('app'), pg_temp.fence('app'), '{"push_completion": 0}');
SELECT pg_temp.show('app');
SELECT status, heartbeat_ms FROM quay.build_status(pg_temp.id('app'));
SELECT quay.build_job_phase(pg_temp.id('app'), pg_temp.fence('app'), 'building'), quay.build_job_phase(pg_temp.id('app'), pg_temp.fence('app'), 'building'), quay.build_job_phase(pg_temp.id('app'), pg_temp.fence('app'), 'pulling'), quay.build_job_phase(pg_temp.id('app'), 0, 'pushing');
-- who has no job has no say
SELECT quay.build_set_phase(pg_temp.id('app'), 'complete');
SET LOCAL quay.clock = '2026-03-01 12:06:00.001+00';
SELECT pg_temp.show('app');
SELECT quay.build_job_heartbeat(pg_temp.id('app'), pg_temp.fence('app'));
SELECT pg_temp.show('app');
SELECT quay.build_job_phase(pg_temp.id('app'), pg_temp.fence('app'), 'complete');
SELECT pg_temp.show('app');
SELECT pg_temp.events();
SELECT pg_temp.lines('app');
SELECT quay.build_job_heartbeat(pg_temp.id('app'), 1), quay.build_job_phase(pg_temp.id('app'), 1, 'pushing'), quay.build_job_complete(pg_temp.id('app'), 1, 'error'), quay.build_job_release(pg_temp.id('app'), 1), quay.build_job_schedule(pg_temp.id('app'), 1, 'x', 'x');

-- The next of that repository: nothing to build from
SELECT pg_temp.claim();
SELECT s.status FROM quay.build_job_start(pg_temp.id('second'), pg_temp.fence('second')) AS s;
SELECT pg_temp.show('second');
SELECT pg_temp.events();
SELECT pg_temp.lines('second');
SELECT successive_failure_count, successive_internal_error_count FROM quay.build_trigger_get(:'trigger');

-- No place for it: the retry comes back, however often
SELECT pg_temp.start('full') IS NOT NULL;
SELECT pg_temp.claim(), quay.build_job_release(pg_temp.id('full'), pg_temp.fence('full'));
SELECT pg_temp.show('full');
SET LOCAL quay.clock = '2026-03-01 12:07:00+00';
SELECT pg_temp.claim(), quay.build_job_release(pg_temp.id('full'), pg_temp.fence('full'), 0);
SELECT pg_temp.claim(), quay.build_job_release(pg_temp.id('full'), pg_temp.fence('full'), 0);
SELECT pg_temp.claim(), quay.build_job_release(pg_temp.id('full'), pg_temp.fence('full'), 0);
SELECT pg_temp.show('full');
-- also by a worker that cannot go on
SELECT pg_temp.claim(), quay.build_job_schedule(pg_temp.id('full'), pg_temp.fence('full'), 'small', 'vm-2'), quay.build_job_complete(pg_temp.id('full'), pg_temp.fence('full'), 'incomplete', 'out of memory');
SELECT pg_temp.show('full');
SELECT pg_temp.lines('full');
-- as many as an executor takes
SELECT pg_temp.start('more') IS NOT NULL;
SELECT pg_temp.claim(n => 2);
SET LOCAL quay.clock = '2026-03-01 12:07:30+00';
SELECT pg_temp.claim(n => 2);
SELECT quay.build_job_place(pg_temp.id('full'), pg_temp.fence('full'), 'small', 1), quay.build_job_place(pg_temp.id('more'), pg_temp.fence('more'), 'small', 1), quay.build_job_place(pg_temp.id('more'), pg_temp.fence('more'), 'large', 1);
SELECT build = pg_temp.id('full'), manager, executor FROM quay.build_job_list();
SELECT count(*) FROM quay.build_job_list(n => 1);

-- Errors for good, and for the time being
SELECT quay.build_job_complete(pg_temp.id('full'), pg_temp.fence('full'), 'error', 'exit status 1');
SELECT pg_temp.show('full');
SELECT quay.build_job_phase(pg_temp.id('more'), pg_temp.fence('more'), 'internalerror');
SELECT pg_temp.show('more');
SELECT pg_temp.events();
SELECT pg_temp.lines('full') OFFSET 4;

-- Leases that are over: before it was placed, without a heartbeat, at the end of its lifetime
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT pg_temp.claim('m2');
SET LOCAL quay.clock = '2026-03-01 13:00:29+00';
SELECT count(*) FROM quay.build_job_expire();
SET LOCAL quay.clock = '2026-03-01 13:00:30+00';
SELECT build = pg_temp.id('more'), fence > 0, manager, executor, execution_id, cancelled, retries_remaining FROM quay.build_job_expire();
SELECT count(*) FROM quay.build_job_expire();
SELECT pg_temp.show('more');
SET LOCAL quay.clock = '2026-03-01 13:01:00+00';
SELECT pg_temp.claim('m2'), quay.build_job_schedule(pg_temp.id('more'), pg_temp.fence('more'), 'large', 'vm-3', 100), quay.build_job_heartbeat(pg_temp.id('more'), pg_temp.fence('more'));
SELECT pg_temp.show('more');
SET LOCAL quay.clock = '2026-03-01 13:02:00+00';
SELECT build = pg_temp.id('more'), manager, executor, execution_id, cancelled, retries_remaining FROM quay.build_job_expire();
SELECT pg_temp.show('more');
SELECT pg_temp.events();
SELECT pg_temp.lines('more');
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
SELECT count(*) FROM pg_temp.claim();
SET LOCAL quay.build_machine_max_time = '90s';
SELECT pg_temp.start('long') IS NOT NULL;
SELECT pg_temp.claim(), quay.build_job_schedule(pg_temp.id('long'), pg_temp.fence('long'), 'large', 'vm-4', 300), quay.build_job_heartbeat(pg_temp.id('long'), pg_temp.fence('long'));
SET LOCAL quay.clock = '2026-03-01 14:00:50+00';
SELECT quay.build_job_heartbeat(pg_temp.id('long'), pg_temp.fence('long'));
SELECT pg_temp.show('long');
SET LOCAL quay.clock = '2026-03-01 14:01:30+00';
SELECT quay.build_job_heartbeat(pg_temp.id('long'), pg_temp.fence('long'));
SELECT execution_id, retries_remaining FROM quay.build_job_expire();
RESET quay.build_machine_max_time;

-- All managers were away: the item comes back by itself, but not past the job that nobody ended
SET LOCAL quay.clock = '2026-03-01 15:00:00+00';
SELECT pg_temp.claim();
SET LOCAL quay.clock = '2026-03-01 16:00:00+00';
SELECT count(*) FROM pg_temp.claim();
SELECT pg_temp.show('long');
SELECT execution_id, retries_remaining FROM quay.build_job_expire();
SELECT pg_temp.show('long');
SET LOCAL quay.clock = '2026-03-01 16:00:02+00';
SELECT pg_temp.claim();
SELECT pg_temp.show('long');

-- Cancelling one that runs: its worker is told, and its job goes when he has heard of it, or with its lease
SELECT quay.build_job_schedule(pg_temp.id('long'), pg_temp.fence('long'), 'large', 'vm-5'), quay.build_job_phase(pg_temp.id('long'), pg_temp.fence('long'), 'building');
SELECT quay.build_cancel(pg_temp.id('long'));
SELECT pg_temp.show('long');
SELECT cancel_requested FROM quay.build_status(pg_temp.id('long'));
SELECT quay.build_job_check(pg_temp.id('long'), pg_temp.fence('long')), quay.build_job_heartbeat(pg_temp.id('long'), pg_temp.fence('long')), quay.build_job_phase(pg_temp.id('long'), pg_temp.fence('long'), 'pushing'),
    quay.build_job_place(pg_temp.id('long'), pg_temp.fence('long'), 'x'), quay.build_job_schedule(pg_temp.id('long'), pg_temp.fence('long'), 'x', 'x'), (SELECT s.status FROM quay.build_job_start(pg_temp.id('long'), pg_temp.fence('long')) AS s);
SELECT quay.build_job_complete(pg_temp.id('long'), pg_temp.fence('long'), 'complete', 'too late');
SELECT pg_temp.show('long');
SELECT pg_temp.start('other') IS NOT NULL;
SELECT pg_temp.claim(), quay.build_job_schedule(pg_temp.id('other'), pg_temp.fence('other'), 'large', 'vm-6', 60), quay.build_cancel(pg_temp.id('other'));
SET LOCAL quay.clock = '2026-03-01 16:02:00+00';
SELECT execution_id, cancelled, retries_remaining FROM quay.build_job_expire();
SELECT pg_temp.show('other');
SELECT pg_temp.events();
-- not while it pushes: it stays as it is
SELECT pg_temp.start('other') IS NOT NULL;
SELECT pg_temp.claim(), quay.build_job_phase(pg_temp.id('other'), pg_temp.fence('other'), 'pushing'), quay.build_cancel(pg_temp.id('other'));
SELECT pg_temp.show('other');
SELECT quay.build_job_check(pg_temp.id('other'), pg_temp.fence('other'));
-- out of the queue behind its back
SELECT quay.queue_cancel(queue_item_id), quay.build_job_heartbeat(uuid, pg_temp.fence('other')) FROM quay.build_get(pg_temp.id('other'));
SELECT quay.build_job_complete(pg_temp.id('other'), pg_temp.fence('other'), 'complete');
SELECT pg_temp.show('other');

-- Items that can be no job: the build has ended, is gone, its repository goes, or there is no name in it
SELECT pg_temp.start('ended') IS NOT NULL, pg_temp.start('vanished') IS NOT NULL, pg_temp.start('doomed') IS NOT NULL, pg_temp.start('fine') IS NOT NULL;
SELECT quay.build_set_phase(pg_temp.id('ended'), 'complete');
SELECT quay.queue_put('dockerfilebuild', '{builder,vanished}', '{"build_uuid": "none"}'), quay.queue_put('dockerfilebuild', '{builder,nameless}', '{}', retries => 2) \gset put_
SELECT quay.repository_mark_deletion('builder', 'doomed') IS NOT NULL;
DELETE FROM quay.repositorybuild WHERE uuid = pg_temp.id('vanished');
SELECT pg_temp.claim(n => 1);
SELECT pg_temp.claim(n => 10);
SELECT queue_name, available, available_after, retries_remaining FROM quay.queueitem WHERE queue_name LIKE 'dockerfilebuild/%' AND queue_name NOT LIKE '%fine%';
SELECT phase FROM quay.repositorybuild WHERE display_name = 'doomed';
-- with its build the job goes
SELECT count(*) FROM quay_internal.build_job;
DELETE FROM quay.repositorybuild WHERE uuid = pg_temp.id('fine');
SELECT count(*) FROM quay_internal.build_job;

-- Errors
SELECT pg_temp.attempt($$SELECT quay.build_job_claim('')$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_claim('m', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_complete('none', 1, 'expired')$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_complete('none', 1, NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_phase('none', 1, 'done')$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_schedule('none', 1, 'x', 'x', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_expire(0)$$);
SELECT pg_temp.attempt($$SELECT quay.build_job_list(n => -1)$$);
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT quay.build_job_claim('m');
ROLLBACK;
