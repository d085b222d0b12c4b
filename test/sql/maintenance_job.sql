-- Each job of maintenance, with rows to do and others that it has to leave alone.
\set VERBOSITY default
\set SHOW_CONTEXT never
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.waiting(job text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' since ', s.waiting, s.oldest) FROM quay.maintenance_status AS s WHERE s.job = waiting.job $$;
-- Runs a job as quay.maintenance_run() does, but within this transaction: what waits for it, how many batches it took, how it ended, what
-- it did, what waits then.
CREATE FUNCTION pg_temp.run(job text, OUT before text, OUT batches integer, OUT outcome text, OUT done bigint, OUT error text, OUT after text)
    LANGUAGE plpgsql AS $$
DECLARE claim record; step record;
BEGIN
    before := pg_temp.waiting(job); batches := 0; done := 0;
    SELECT * INTO STRICT claim FROM quay_internal.maintenance_claim(ARRAY[job], false);
    LOOP
        SELECT * INTO step FROM quay_internal.maintenance_step(claim.job, claim.fence, clock_timestamp() + interval '1 min');
        batches := batches + 1; done := done + step.done; outcome := step.outcome; error := step.error;
        EXIT WHEN outcome <> 'more';
    END LOOP;
    after := pg_temp.waiting(job);
END $$;
CREATE FUNCTION pg_temp.manifest() RETURNS bytea LANGUAGE sql AS $$
    SELECT convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8') $$;
CREATE FUNCTION pg_temp.id(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT u.id FROM quay."user" AS u WHERE u.username = name $$;
SELECT quay_internal.maintenance_begin('1 min') IS NOT NULL AS begun;
SELECT count(quay.user_create(u, 'password1', u || '@mj.example')) FROM unnest('{mj-alice,mj-bob,mj-carol}'::text[]) AS u;
SELECT count(quay.repository_create('mj-alice', r)) FROM unnest('{app,old,keep}'::text[]) AS r;

-- expire
SELECT quay.user_email_code_create('mj-alice') IS NOT NULL AS early;
SELECT token IS NOT NULL AS token FROM unnest('{2026-03-02,2026-03-08,infinity}'::timestamptz[]) AS e CROSS JOIN LATERAL quay.app_token_create('mj-alice', 'mj', e);
SELECT quay.oauth_application_create('mj-org', 'mj') IS NOT NULL AS application FROM quay.organization_create('mj-org', 'org@mj.example', 'mj-alice') AS o;
INSERT INTO quay.oauthauthorizationcode (application_id, code_name, code_credential, scope, data, created)
SELECT a.id, 'mj' || t, 'x', 'repo:read', '{}', t FROM quay.oauthapplication AS a, unnest('{2026-03-01 12:00,2026-03-10 11:59:59}'::timestamp[]) AS t WHERE a.name = 'mj';
INSERT INTO quay.oauthaccesstoken (uuid, application_id, authorized_user_id, scope, token_name, token_code, token_type, expires_at, data)
SELECT gen_random_uuid()::text, a.id, pg_temp.id('mj-alice'), 'repo:read', 'mj' || t, 'x', 'Bearer', t, '{}'
FROM quay.oauthapplication AS a, unnest('{2026-01-20,2026-02-20,2027-01-01}'::timestamp[]) AS t WHERE a.name = 'mj';
INSERT INTO quay.servicekey (name, kid, service, jwk, metadata, created_date, expiration_date)
SELECT '', 'mj' || n, 'mj', '{}', '{}', c, e
FROM (VALUES (1, '2026-03-01'::timestamp, '2026-03-02'::timestamp), (2, '2026-03-01', NULL), (3, '2026-03-10', '2027-01-01')) AS k (n, c, e);
INSERT INTO quay.repositoryactioncount (repository_id, count, date)
SELECT r.id, 1, d FROM quay.repository AS r, unnest('{2025-03-01,2025-03-09,2025-03-10,2025-03-11}'::date[]) AS d WHERE r.name = 'keep' AND r.namespace_user_id = pg_temp.id('mj-alice');
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT quay.user_email_code_create('mj-bob') IS NOT NULL AS late;
SELECT j AS job, r.*
FROM unnest('{app_token,oauth_code,oauth_token,service_key,action_count_expire}'::text[]) AS j CROSS JOIN LATERAL pg_temp.run(j) AS r;
SELECT quay.maintenance_set('email_code', batch => 1);
SET LOCAL quay.user_recovery_token_lifetime = '1 h';
SET LOCAL quay.email_confirmation_lifetime = '1 d';
SELECT * FROM pg_temp.run('email_code');
SELECT count(*) AS codes FROM quay.emailconfirmation AS c WHERE c.user_id IN (pg_temp.id('mj-alice'), pg_temp.id('mj-bob'));
SELECT count(*) AS app_tokens FROM quay.appspecificauthtoken AS t WHERE t.user_id = pg_temp.id('mj-alice');
SELECT count(*) AS codes FROM quay.oauthauthorizationcode AS c WHERE c.code_name LIKE 'mj%';
SELECT min(t.expires_at) AS tokens FROM quay.oauthaccesstoken AS t WHERE t.token_name LIKE 'mj%';
SELECT string_agg(k.kid, ' ') AS keys FROM quay.servicekey AS k WHERE k.service = 'mj';

-- aggregate and score: each day that is over once, and the days that were missed; then the scores
DELETE FROM quay.repositoryactioncount AS c WHERE c.date > '2026-02-20';
SELECT quay.maintenance_set('action_count', batch => 100000), quay.maintenance_set('search_score', batch => 100000);
SELECT pg_temp.waiting('action_count') AS counts, pg_temp.waiting('search_score') AS scores;
SELECT * FROM pg_temp.run('search_score');
SELECT batches, outcome, done >= 3 AS done FROM pg_temp.run('action_count');
SELECT s.cursor FROM quay_internal.maintenance_state AS s WHERE s.job = 'action_count';
UPDATE quay.repositoryactioncount AS c SET count = 1000 WHERE c.date = '2026-03-09';
SELECT batches, outcome, done >= 3 AS done FROM pg_temp.run('search_score');
SELECT * FROM pg_temp.run('action_count');
SELECT * FROM pg_temp.run('search_score');
SET LOCAL quay.clock = '2026-03-13 00:10:00+00';
SELECT pg_temp.waiting('action_count') AS counts, pg_temp.waiting('search_score') AS scores;
SELECT * FROM pg_temp.run('search_score');
SELECT batches, outcome, done >= 9 AS done FROM pg_temp.run('action_count');
SELECT count(DISTINCT c.date) AS days, min(c.date), max(c.date) FROM quay.repositoryactioncount AS c WHERE c.date > '2026-02-20';
SELECT batches, outcome FROM pg_temp.run('search_score');
SELECT pg_temp.waiting('action_count') AS counts, pg_temp.waiting('search_score') AS scores;
-- Nothing for months: a month is made good. And scores do not wait for counts that come from elsewhere.
SET LOCAL quay.clock = '2026-08-01 00:10:00+00';
SELECT batches, outcome FROM pg_temp.run('action_count');
SELECT count(DISTINCT c.date) AS days, min(c.date), max(c.date) FROM quay.repositoryactioncount AS c WHERE c.date > '2026-03-12';
SELECT batches, outcome FROM pg_temp.run('search_score');
SELECT quay.maintenance_set('action_count', enabled => false);
SET LOCAL quay.clock = '2026-08-02 00:10:00+00';
SELECT batches, outcome FROM pg_temp.run('search_score');
-- In batches
SELECT quay.maintenance_set('action_count', enabled => true, batch => 2), quay.maintenance_set('search_score', batch => 2);
DELETE FROM quay.repositoryactioncount AS c WHERE c.date = '2026-08-01';
SELECT batches >= 2 AS batches, outcome FROM pg_temp.run('action_count');
SELECT quay.registry_size_request();
SELECT r.* FROM pg_temp.run('registry_size') AS r;
SELECT quay.maintenance_set('quota_publish', batch => 100000);
SELECT batches, outcome, done >= 6 AS done FROM pg_temp.run('quota_publish');
SELECT * FROM pg_temp.run('quota_publish');

-- notify: a limit that was told, and is not reached any more
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) VALUES (pg_temp.id('mj-org'), 1000);
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT q.id, t.id, 80 FROM quay.userorganizationquota AS q, quay.quotatype AS t WHERE q.namespace_id = pg_temp.id('mj-org') AND t.name = 'Warning';
INSERT INTO quay.quotanotificationstate (namespace_id, threshold_percent, last_notified_at, cleared) VALUES (pg_temp.id('mj-org'), 80, '2026-03-01', false);
SELECT * FROM pg_temp.run('quota_notify');

-- prune: a namespace whose stored policy is broken does not hold up the other; a task that was lost comes back
SELECT count(quay.manifest_put('mj-alice', 'app', pg_temp.manifest(), tags => ARRAY['v' || i])) FROM generate_series(1, 5) AS i;
SELECT quay.autoprune_policy_create('mj-alice', 'number_of_tags', '2') IS NOT NULL AS policy;
SELECT quay.autoprune_policy_create('mj-bob', 'number_of_tags', '2') IS NOT NULL AS policy;
UPDATE quay.namespaceautoprunepolicy AS p SET policy = '{"method": "number_of_tags", "value": "many"}' WHERE p.namespace_id = pg_temp.id('mj-bob');
SELECT quay.maintenance_set('autoprune', batch => 2);
SELECT r.* FROM pg_temp.run('autoprune') AS r;
SELECT t.username, left(s.status, 15) AS status FROM quay.autoprunetaskstatus AS s JOIN quay."user" AS t ON t.id = s.namespace_id WHERE t.username LIKE 'mj-%' ORDER BY 1;
SELECT string_agg(t.name, ' ' ORDER BY t.name) AS tags FROM quay.tag_list('mj-alice', 'app') AS t;
-- One that cannot be executed at all: told in the task, and in the status of the job.
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused "%"', OLD.name USING ERRCODE = '22000'; END $$;
CREATE TRIGGER mj_refuse BEFORE UPDATE ON quay.tag FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse();
SELECT count(quay.manifest_put('mj-alice', 'keep', pg_temp.manifest(), tags => ARRAY['k' || i])) FROM generate_series(1, 3) AS i;
SET LOCAL quay.clock = '2026-08-02 04:10:00+00';
SET LOCAL client_min_messages = error;
SELECT batches, outcome, done, error FROM pg_temp.run('autoprune');
SET LOCAL client_min_messages = warning;
SELECT s.status FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = pg_temp.id('mj-alice');
SELECT s.state, s.failures, s.last_error, s.due FROM quay.maintenance_status AS s WHERE s.job = 'autoprune';
DROP TRIGGER mj_refuse ON quay.tag;
DELETE FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = pg_temp.id('mj-alice');
SELECT quay.maintenance_set('autoprune_task', batch => 100000);
SELECT batches, outcome FROM pg_temp.run('autoprune_task');
SELECT s.status FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = pg_temp.id('mj-alice');

-- collect: uploads
SELECT upload IS NOT NULL AS upload FROM quay.storage_location_ensure('{local}'), quay.upload_start('mj-alice', 'app');
SET LOCAL quay.clock = '2026-08-06 12:00:00+00';
SELECT r.* FROM pg_temp.run('upload_discard') AS r;
SELECT count(*) AS for_the_store FROM quay.upload_reap();
-- garbage
SELECT existed FROM quay.blob_put('mj-alice', 'app', 'sha256:' || encode(sha256('mj'), 'hex'), 'mj');
SET LOCAL quay.clock = '2026-08-08 12:00:00+00';
SELECT r.before <> '0' AS before, r.outcome, r.done > 0 AS done, r.after FROM pg_temp.run('gc') AS r;
-- marked repositories: not one that a worker has, nor before its time; one without item after a day; one that cannot go does not hold up the next
SELECT count(quay.repository_create('mj-carol', r)) FROM unnest('{bad,good,held,later,lost}'::text[]) AS r;
SELECT count(quay.repository_mark_deletion('mj-carol', r, delay => CASE r WHEN 'later' THEN interval '1 h' ELSE '0' END)) FROM unnest('{bad,good,held,later,lost}'::text[]) AS r;
CREATE FUNCTION pg_temp.item(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT d.queue_id::bigint FROM quay.deletedrepository AS d WHERE d.original_name = name $$;
UPDATE quay.queueitem SET available = false, processing_expires = '2026-08-08 13:00' WHERE id = pg_temp.item('held');
DELETE FROM quay.queueitem WHERE id = pg_temp.item('lost');
CREATE FUNCTION pg_temp.refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it is needed' USING ERRCODE = '23503'; END $$;
CREATE TRIGGER mj_refuse BEFORE DELETE ON quay.repository FOR EACH ROW WHEN (OLD.name LIKE '%') EXECUTE FUNCTION pg_temp.refuse_deletion();
SET LOCAL client_min_messages = error;
SELECT r.before, r.batches, r.outcome, r.done, regexp_replace(r.error, '\d+:', '<id>:') AS error FROM pg_temp.run('repository_purge') AS r;
DROP TRIGGER mj_refuse ON quay.repository;
CREATE TRIGGER mj_refuse BEFORE DELETE ON quay.deletedrepository FOR EACH ROW WHEN (OLD.original_name = 'bad') EXECUTE FUNCTION pg_temp.refuse_deletion();
SELECT r.batches, r.outcome, r.done FROM pg_temp.run('repository_purge') AS r;
SET LOCAL client_min_messages = warning;
SELECT string_agg(d.original_name, ' ' ORDER BY d.id) AS left FROM quay.deletedrepository AS d JOIN quay.repository AS r ON r.id = d.repository_id WHERE r.namespace_user_id = pg_temp.id('mj-carol');
SELECT count(*) AS items FROM quay.queueitem AS q WHERE q.queue_name LIKE 'repositorygc/mj-carol/%';
DROP TRIGGER mj_refuse ON quay.deletedrepository;
-- The worker with the item has died, the delay is over, the item was lost a day ago.
SET LOCAL quay.clock = '2026-08-09 13:00:00+00';
SELECT r.* FROM pg_temp.run('repository_purge') AS r;
SELECT count(*) AS items FROM quay.queueitem AS q WHERE q.queue_name LIKE 'repositorygc/mj-carol/%';
-- marked namespaces, some rows at a time
SELECT quay.namespace_mark_deletion('mj-alice', force => true) > 0 AS marked FROM (SELECT quay.namespace_mark_deletion('mj-org')) AS o;
SELECT quay.maintenance_set('namespace_purge', batch => 3);
SELECT r.before, r.batches > 3 AS batches, r.outcome, r.done, r.error FROM pg_temp.run('namespace_purge') AS r;
SELECT count(*) AS markers, (SELECT count(*) FROM quay.queueitem AS q WHERE q.queue_name LIKE 'namespacegc/%') AS items FROM quay.deletednamespace AS d WHERE d.original_username LIKE 'mj-%';
SELECT count(*) AS repositories FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'mj-alice';

-- fill
SELECT quay.repository_create('mj-bob', 'app') > 0 AS repository;
SELECT manifest_id FROM quay.manifest_put('mj-bob', 'app', pg_temp.manifest(), tags => '{latest}') \gset
UPDATE quay.manifest SET subject_backfilled = NULL WHERE id = :manifest_id;
DELETE FROM quay.manifestsecuritystatus WHERE manifest_id = :manifest_id;
SELECT r.* FROM pg_temp.run('manifest_backfill') AS r;
SELECT batches, outcome, done > 0 AS done FROM pg_temp.run('scan_backfill');
SELECT count(*) FROM quay.manifestsecuritystatus WHERE manifest_id = :manifest_id;

-- What the other parts of operations leave to be removed or added up: each with something that is over, and something that is not.
SET LOCAL quay.clock = '2026-08-10 12:00:00+00';
SELECT quay.user_create('mj-dave', 'password1', 'mj-dave@mj.example') > 0 AS ok, quay.repository_create('mj-dave', 'app') AS id \gset dave_
SELECT count(quay.cache_set('mj ' || i, 'x', i)) FROM unnest('{60,86400}'::integer[]) AS i;
SELECT count(quay.session_create('mj-dave', ttl_s => i)) AS sessions FROM unnest('{60,864000}'::integer[]) AS i;
SELECT count(fence) FROM unnest('{60,864000}'::integer[]) AS i, quay.lease_acquire('mj ' || i, 'worker', i);
SELECT count(quay.event_publish('mj-dave', 'docker-cli')) AS events;
SELECT count(quay.pull_count(:dave_id, 'sha256:' || repeat('0', 64), 'latest')) AS pulls FROM generate_series(1, 3);
SELECT count(quay.notification_create('repo_push', 'mj-dave')) AS notifications;
INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
SELECT 'mj/' || r || '/', '{}', quay_internal.utc_now(), true, r, 'mj ' || r FROM generate_series(0, 1) AS r;
SET LOCAL quay.clock = '2026-08-12 12:00:01+00';
SELECT count(quay.event_publish('mj-dave', 'docker-cli')) AS events;
SELECT j AS job, r.* FROM unnest('{session,lease,user_event,pull}'::text[]) AS j CROSS JOIN LATERAL pg_temp.run(j) AS r;
SELECT r.outcome, r.done > 0 AS done, r.after FROM pg_temp.run('cache') AS r;
SELECT count(*) FROM quay.session AS s JOIN quay."user" AS u ON u.id = s.user_id WHERE u.username = 'mj-dave';
SELECT pull_count FROM quay.pull_statistics_get('mj-dave', 'app', 'latest');
SET LOCAL quay.clock = '2027-08-12 12:00:00+00';
SET LOCAL quay.notification_lifetime = '30 d';
SELECT j AS job, r.outcome, r.done > 0 AS done, r.error FROM unnest('{queue,notification}'::text[]) AS j CROSS JOIN LATERAL pg_temp.run(j) AS r;
SELECT string_agg(q.queue_name, ' ') AS items FROM quay.queueitem AS q WHERE q.queue_name LIKE 'mj/%';
SELECT j AS job, r.outcome, r.error, r.after FROM unnest('{freshness_mark,build_log,build_job,notification_expiry}'::text[]) AS j CROSS JOIN LATERAL pg_temp.run(j) AS r;
-- The audit log: seals only if they are wanted, counts, and old months, which go without an archive only if none is required.
SELECT j AS job, r.outcome, r.done, r.error FROM unnest('{log_seal,log_retain}'::text[]) AS j CROSS JOIN LATERAL pg_temp.run(j) AS r;
SELECT count(*) > 0 AS months FROM quay.log_partition_ensure(1);
SET LOCAL quay.log_retention = '30 d';
SET LOCAL quay.log_archive_required = off;
SELECT r.outcome, r.done > 0 AS done, r.error FROM pg_temp.run('log_retain') AS r;
SELECT count(*) AS old FROM quay.logentry3 AS l WHERE l.datetime < '2027-07-01';
SELECT r.outcome, r.error FROM pg_temp.run('log_count') AS r;

-- retain
SET LOCAL quay.clock = '2031-05-10 12:00:00+00';
SELECT quay.maintenance_set('log_partition', batch => 1);
SELECT r.before, r.outcome, r.done >= 2 AS done, r.after FROM pg_temp.run('log_partition') AS r;
SELECT to_regclass('quay.logentry3_y2031m05') IS NOT NULL AS this, to_regclass('quay.logentry3_y2031m06') IS NOT NULL AS next, to_regclass('quay.logentry3_y2031m07') IS NOT NULL AS after;
ROLLBACK;
