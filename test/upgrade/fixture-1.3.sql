-- On top of fixture-1.2.sql, rows as only version 1.3 makes them: what a downgrade meets. One section per topic.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Builds: one that runs, with a log and a status; one whose log is archived, and was empty; one that was cancelled while it ran
SELECT quay.build_trigger_create('fixture_lab', 'app', 'github', 'fixture_alice', '{"build_source": "acme/app"}', 'token', 'key') IS NOT NULL;
SELECT count(build) FROM unnest('{app,tool}'::text[]) AS r (name) CROSS JOIN LATERAL quay.build_create('fixture_lab', r.name, '{"archive_url": "x"}', 'fixture ' || r.name);
SELECT count(quay.build_job_schedule(c.build, c.fence, 'fixture', 'vm-' || c.repository)) FROM quay.build_job_claim('fixture', 2) AS c;
SELECT quay.buildlog_append_many(b.uuid, '{one,two}', '{command,NULL}'), quay.build_job_heartbeat(b.uuid, j.fence, '{"push_completion": 0.5}')
FROM quay.repositorybuild AS b JOIN quay_internal.build_job AS j ON j.build_id = b.id WHERE b.display_name = 'fixture app';
SELECT quay.build_cancel(b.uuid) FROM quay.repositorybuild AS b WHERE b.display_name = 'fixture tool';
SELECT build IS NOT NULL FROM quay.build_create('fixture_lab', 'tool', NULL, 'fixture empty');
UPDATE quay.repositorybuild SET phase = 'error' WHERE display_name = 'fixture empty';
SELECT quay.build_archive_confirm(c.build, c.claim, 0) FROM quay.build_archive_claim(100) AS c JOIN quay.repositorybuild AS b ON b.uuid = c.build WHERE b.display_name = 'fixture empty';
-- On top of fixture.sql and fixture-1.2.sql, rows as only version 1.3 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Notifications: of a kind that 1.2 has not, one that has failed, and one that is queued. Events of a user.
SELECT quay.notification_create('repo_image_expiry', 'fixture_alice', '{"tags": ["v1"]}', '/fixture/expiry') IS NOT NULL;
SELECT quay.notification_create('test_notification', 'fixture_acme') IS NOT NULL;
SELECT quay.repository_notification_create('fixture_lab', 'app', 'repo_push', 'webhook', '{"url": "https://ci.example.com/"}') AS hook \gset
SELECT quay.notification_spawn('fixture_lab', 'app', 'repo_push', '{"updated_tags": ["v1"]}', actor => 'fixture_alice', notification => :'hook');
SELECT quay.notification_delivery_report(t.item_id, t.claim, false, '503') FROM quay.notification_delivery_take(100) AS t WHERE t.uuid = :'hook';
SELECT quay.event_publish('fixture_alice', 'docker-cli', '{"action": "login"}') IS NOT NULL;
-- On top of fixture-1.2.sql, rows as only version 1.3 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Cache, sessions, leases, marks, counters of pulls
SELECT quay.cache_set('fixture', 'value', 600), quay.cache_generation_change('fixture') IS NOT NULL;
SELECT quay.session_create('fixture_alice') <> '';
SELECT acquired FROM quay.lease_acquire('fixture', 'worker', 86400);
SELECT quay.lease_release('fixture over', a.fence) FROM quay.lease_acquire('fixture over', 'worker') AS a;
SELECT quay.repository_modified_mark('fixture_lab', 'app') IS NOT NULL;
SELECT quay.pull_count(r.id, NULL, 'v1') FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'fixture_lab' AND r.name = 'app';
SELECT tags FROM quay.pull_record_many('[]', 'fixture');
-- On top of the fixtures before it, rows as only version 1.3 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Maintenance: settings of jobs, and a job that has run.
SELECT quay.maintenance_set('gc', every => '30 seconds', batch => 500);
SELECT quay.maintenance_set('quota_publish', enabled => true);
CALL quay.maintenance_run('registry_size');
-- The work queue: waiting, delayed, running, extended, given back, dead
SELECT count(*) FROM quay.queue_put_many('fixture_work', ARRAY['acme/a', 'acme/b', 'acme/c', 'acme/d', 'acme/e'], ARRAY['a', 'b', 'c', 'd', 'e']);
SELECT quay.queue_put('fixture_work', ARRAY['acme', 'late'], 'late', delay_s => 86400) > 0;
SELECT quay.queue_put('fixture_dead', ARRAY['acme'], 'dead', retries => 1) > 0;
SELECT quay.queue_extend(g.item_id, g.claim, 7200, body => 'half done') FROM quay.queue_get('fixture_work', 3600, ordered => true) AS g;
SELECT quay.queue_release(g.item_id, g.claim, 600) FROM quay.queue_get('fixture_work', 3600, ordered => true) AS g;
SELECT count(*) FROM quay.queue_get('fixture_work', 3600);
SELECT quay.queue_release(g.item_id, g.claim) FROM quay.queue_get('fixture_dead') AS g;
-- On top of fixture.sql, rows as only version 1.3 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Audit: a namespace that is not logged; months that are counted and sealed, of which one is archived, and one is gone. The months are those
-- that fixture.sql made.
INSERT INTO quay.unlogged_namespace (username, scope) VALUES ('fixture_quiet', 'pull');
SELECT count(quay.log_write('pull_repo', 'fixture_acme', 'app', 'fixture_alice', '192.0.2.1', datetime => '2026-04-01 00:00:00+00'::timestamptz + n * interval '5 days'))
FROM generate_series(0, 10) AS n;
SELECT quay.log_count_update() > 0;
SELECT quay.log_seal() > 0;
SELECT quay.log_archive_confirm(3, m.month, r.row_count, r.last_id, 'fixture ' || m.month)
FROM unnest(ARRAY['2026-04-01', '2026-05-01']::date[]) AS m (month) CROSS JOIN LATERAL quay_internal.log_month_rows(3, m.month) AS r;
SELECT quay.log_partition_drop('2026-04-01');
