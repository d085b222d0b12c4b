-- Builds: starting, finding, phases, cancelling, what users are shown.
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
CREATE FUNCTION pg_temp.masked(text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace($1, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>', 'g') $$;
CREATE FUNCTION pg_temp.log(kind text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT pg_temp.masked(l.metadata_json) || coalesce(' by ' || u.username, '') || coalesce(' from ' || l.ip, '')
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS u ON u.id = l.performer_id
    WHERE k.name = log.kind ORDER BY l.id $$;
-- Events in the queue of notifications since the last look
CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM quay.queueitem WHERE queue_name LIKE 'notification/%' RETURNING id, queue_name, body::jsonb)
    SELECT split_part(queue_name, '/', 4) || ' ' || (body #>> '{event_data,build_name}') || coalesce(' by ' || (body #>> '{performer_data,entity_name}'), '') FROM gone ORDER BY id $$;
CREATE FUNCTION pg_temp.item(build text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT pg_temp.masked(concat_ws(' ', q.queue_name, q.body, q.available, q.retries_remaining)) FROM quay.queueitem AS q JOIN quay.repositorybuild AS b ON b.queue_id = q.id::text
     WHERE b.uuid = build), 'none') $$;
CREATE FUNCTION pg_temp.start(name text, trigger text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT b.build FROM quay.build_create('builder', 'app', '{"docker_tags": ["latest"]}', name, trigger => trigger, actor => 'builder') AS b $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('builder', 'password1', 'builder@example.com');
    PERFORM quay.repository_create('builder', 'app', 'builder');
    PERFORM quay.repository_create('builder', 'other', 'builder');
    PERFORM quay.repository_create('builder', 'chart', 'builder', kind => 'application');
    PERFORM quay.robot_create('builder', 'puller');
    INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
    SELECT gen_random_uuid(), r.id, e.id, 1, '{}', '{}' FROM quay.repository AS r, quay.externalnotificationevent AS e WHERE r.name = 'app' AND e.name LIKE 'build_%';
END $$;
SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', '{"build_source": "acme/app"}', pull_robot => 'builder+puller') AS trigger \gset

-- All that starting one makes
SELECT build AS one, build_id, queue_item_id AS item FROM quay.build_create('builder', 'app', '{"docker_tags": ["latest"], "trigger_metadata": {"git_url": "git@example.com:acme/app", "ref": "refs/heads/main"}}',
    'first', trigger => :'trigger', actor => 'builder', ip => '192.0.2.1') \gset
SELECT build_id = :build_id, namespace, repository, phase, started, display_name, job_config, resource_key, trigger = :'trigger', trigger_service, pull_robot, logs_archived, queue_item_id = :item
FROM quay.build_get(:'one');
SELECT pg_temp.item(:'one');
SELECT pg_temp.masked(body) FROM quay.queueitem WHERE queue_name LIKE 'notification/%';
SELECT pg_temp.events();
SELECT pg_temp.log('build_dockerfile');
SELECT o.name, k.name, a.temporary FROM quay.repositorybuild AS b JOIN quay.accesstoken AS a ON a.id = b.access_token_id JOIN quay.role AS o ON o.id = a.role_id
JOIN quay.accesstokenkind AS k ON k.id = a.kind_id WHERE b.uuid = :'one';
-- with nothing but a file; and a robot of its own
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT build AS two FROM quay.build_create('builder', 'app', NULL, resource_key => 'upload-1', pull_robot => 'builder+puller') \gset
SELECT display_name = left(:'two', 8), job_config, resource_key, trigger, pull_robot FROM quay.build_get(:'two');
SELECT count(*) FROM pg_temp.events();

-- Finding them
SET LOCAL quay.clock = '2026-03-01 14:00:00+00';
SELECT pg_temp.start('third') AS three, pg_temp.start('fourth') AS four \gset
SELECT build AS elsewhere FROM quay.build_create('builder', 'other', '{}', 'elsewhere') \gset
SELECT display_name, phase, started FROM quay.build_list('builder', 'app') WHERE uuid <> :'two';
SELECT count(*) FROM quay.build_list('builder', 'app', since => '2026-03-01 13:00:00');
SELECT count(*) FROM quay.build_list('builder', 'app', since => '2026-03-01 13:00:01');
SELECT display_name, cursor AS page FROM quay.build_list('builder', 'app', n => 1) \gset
SELECT display_name FROM quay.build_list('builder', 'app', after => :'page', n => 1);
SELECT count(*) FROM quay.build_list('builder', 'app', after => :'page');
SELECT display_name FROM quay.build_recent('builder', 'app');
SELECT namespace, repository FROM quay.build_repository_by_resource('upload-1');
SELECT count(*) FROM quay.build_repository_by_resource('none');
SELECT count(*) FROM quay.build_get('none');

-- Phases: which may follow which
CREATE TABLE pg_temp.phase AS SELECT * FROM unnest('{waiting,build-scheduled,unpacking,pulling,building,pushing,complete,error,internalerror,cancelled}'::text[]) WITH ORDINALITY AS p (phase, n);
SELECT o.phase || ': ' || coalesce(string_agg(n.phase, ' ' ORDER BY n.n) FILTER (WHERE quay_internal.build_phase_may_follow(o.phase, n.phase)), 'none')
FROM pg_temp.phase AS o, pg_temp.phase AS n GROUP BY o.phase, o.n ORDER BY o.n;
SELECT quay_internal.build_phase_may_follow('waiting', 'nonsense'), quay_internal.build_phase_may_follow('nonsense', 'waiting'), quay_internal.build_phase_may_follow(NULL, NULL);
SELECT count(*) FROM pg_temp.events();
SELECT quay.build_set_phase(:'three', 'pulling'), quay.build_set_phase(:'three', 'building'), quay.build_set_phase(:'three', 'building'), quay.build_set_phase(:'three', 'pulling');
SELECT quay.build_set_phase(:'three', 'pushing', 'pulling'), quay.build_set_phase(:'three', 'pushing', 'building'), quay.build_set_phase(:'three', 'complete');
SELECT quay.build_set_phase(:'three', 'error'), quay.build_set_phase(:'three', 'cancelled'), quay.build_set_phase(:'three', 'complete'), quay.build_set_phase('none', 'building');
SELECT pg_temp.events();
SELECT index, message, type FROM quay.buildlog_read(:'three');
-- an internal error is told of only if no other attempt is to come
SELECT quay.build_set_phase(:'four', 'building'), quay.build_set_phase(:'four', 'internalerror'), quay.build_set_phase(:'four', 'build-scheduled');
SELECT pg_temp.events();
DELETE FROM quay.queueitem WHERE id::text = (SELECT queue_id FROM quay.repositorybuild WHERE uuid = :'four');
SELECT quay.build_set_phase(:'four', 'internalerror');
SELECT pg_temp.events();
SELECT phase, count(*) FROM quay.build_list('builder', 'app') GROUP BY 1 ORDER BY 1;
SELECT phase FROM quay.build_list('builder', 'app', include_inactive => false) ORDER BY 1;
-- the trigger counts
SELECT quay.build_set_phase(:'one', 'error');
SELECT successive_failure_count FROM quay.build_trigger_get(:'trigger');
SELECT pg_temp.events();

-- Cancelling: while it waits
SELECT pg_temp.item(:'two');
SELECT quay.build_cancel(:'two', actor => 'builder', ip => '192.0.2.1');
SELECT phase, pg_temp.item(uuid) FROM quay.build_get(:'two');
SELECT count(*) FROM pg_temp.events();
SELECT pg_temp.log('cancel_build');
-- what cannot be cancelled stays as it is, with its queue item
SELECT pg_temp.start('fifth') AS five \gset
SELECT quay.build_set_phase(:'five', 'pushing');
SELECT quay.build_cancel(:'two'), quay.build_cancel(:'three'), quay.build_cancel(:'four'), quay.build_cancel(:'one'), quay.build_cancel(:'five');
SELECT uuid = :'five', phase, pg_temp.item(uuid) FROM quay.build_get(:'five');
SELECT count(*) FROM pg_temp.log('cancel_build');
-- run by somebody without a job: only when he is gone
SELECT pg_temp.start('sixth') AS six \gset
SELECT quay.build_set_phase(:'six', 'building');
UPDATE quay.queueitem SET available = false, processing_expires = '2026-03-01 14:10:00', retries_remaining = 2 WHERE id::text = (SELECT queue_id FROM quay.repositorybuild WHERE uuid = :'six');
SELECT quay.build_cancel(:'six'), pg_temp.item(:'six');
SET LOCAL quay.clock = '2026-03-01 14:10:01+00';
SELECT quay.build_cancel(:'six'), pg_temp.item(:'six');
DO $$ BEGIN PERFORM pg_temp.events(); END $$;

-- What users are shown
SELECT pg_temp.start('seventh') AS seven \gset
SELECT shown, phase, status, heartbeat_ms, retries_remaining, cancel_requested FROM quay.build_status(:'seven');
SELECT quay.build_set_phase(:'seven', 'building'), quay.buildlog_status_set(:'seven', '{"push_completion": 0.5}'), quay.buildlog_status_set('none', '{}');
SELECT shown, status FROM quay.build_status(:'seven');
SELECT quay.buildlog_status_set(:'seven', jsonb_build_object('heartbeat', extract(epoch FROM timestamptz '2026-03-01 14:10:00.5+00')));
SELECT shown, status, heartbeat_ms FROM quay.build_status(:'seven');
SET LOCAL quay.clock = '2026-03-01 14:11:00.5+00';
SELECT shown FROM quay.build_status(:'seven');
SET LOCAL quay.clock = '2026-03-01 14:11:00.6+00';
SELECT shown, phase, retries_remaining FROM quay.build_status(:'seven');
UPDATE quay.queueitem SET retries_remaining = 0 WHERE id::text = (SELECT queue_id FROM quay.repositorybuild WHERE uuid = :'seven');
SELECT shown, phase, retries_remaining FROM quay.build_status(:'seven');
SELECT quay.build_set_phase(:'seven', 'complete');
SELECT shown FROM quay.build_status(:'seven');
SELECT shown, phase FROM quay.build_status(:'four');
-- a status that is no object, or has no number
SELECT quay.buildlog_status_set(:'five', s.status), (SELECT heartbeat_ms IS NULL AND shown = 'pushing' FROM quay.build_status(:'five'))
FROM (VALUES ('[]'::jsonb), ('"x"'), ('{"heartbeat": "now"}'), ('{"heartbeat": 1e300}'), (NULL)) AS s (status);
SELECT count(*) FROM quay.build_status('none');

-- As many as the namespace may have queued, in all its repositories; dead letters do not count
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'dockerfilebuild/%' AND retries_remaining > 0;
SELECT quay.namespace_set_maximum_builds('builder', 5);
SELECT pg_temp.start('eighth') IS NOT NULL;
SELECT pg_temp.attempt($$SELECT pg_temp.start('ninth')$$);
SELECT quay.build_cancel(:'elsewhere');
SELECT pg_temp.start('ninth') IS NOT NULL;
SELECT split_part(pg_temp.attempt($$SELECT pg_temp.start('tenth')$$), E'\n', 1);
SELECT quay.namespace_set_maximum_builds('builder', NULL);
SELECT pg_temp.start('tenth') IS NOT NULL;

-- With its repository
SELECT quay.repository_mark_deletion('builder', 'app') IS NOT NULL;
SELECT count(*) FROM quay.build_get(:'one');
SELECT quay.repository_purge(r.id) FROM quay.repository AS r WHERE r.state = 3;
SELECT count(*) FROM quay.repositorybuild WHERE uuid IN (:'one', :'two', :'three');
SELECT count(*) FROM quay_internal.build_log_line;
SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'dockerfilebuild/%' AND body NOT LIKE '%' || :'elsewhere' || '%';
SELECT quay.buildlog_expire() > 0, quay.buildlog_expire();
SELECT count(*) FROM quay_internal.build_log;

-- Errors
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'chart')$$);
SELECT quay.repository_set_state('builder', 'other', 'read_only');
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other')$$);
SELECT quay.repository_set_state('builder', 'other', 'normal');
SELECT quay.build_trigger_create('builder', 'other', 'github', 'builder') AS trigger \gset
SELECT quay.build_trigger_toggle(:'trigger', false);
SELECT pg_temp.masked(pg_temp.attempt(format('SELECT quay.build_create(''builder'', ''other'', trigger => %L)', :'trigger')));
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other', trigger => 'none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other', '1')$$);
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other', display_name => repeat('x', 256))$$);
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other', resource_key => repeat('x', 256))$$);
SELECT pg_temp.attempt($$SELECT quay.build_create('builder', 'other', pull_robot => 'none+none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_cancel('none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_set_phase('none', 'done')$$);
SELECT pg_temp.attempt($$SELECT quay.build_set_phase('none', NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.build_list('builder', 'other', n => -1)$$);
SELECT count(*) FROM quay.repositorybuild WHERE repository_id = (SELECT id FROM quay.repository WHERE name = 'other') AND phase <> 'cancelled';
ROLLBACK;
