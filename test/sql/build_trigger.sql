-- Triggers of builds: their life, their credentials, and what failures in a row do to them.
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
-- Rows of the audit log, oldest first
CREATE FUNCTION pg_temp.log(kind text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT regexp_replace(l.metadata_json, '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>', 'g') || coalesce(' by ' || u.username, '') || coalesce(' from ' || l.ip, '')
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS u ON u.id = l.performer_id
    WHERE k.name = log.kind ORDER BY l.id $$;
CREATE FUNCTION pg_temp.show(trigger text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', t.namespace, t.repository, t.service, t.connected_user, t.config, t.pull_robot, t.write_token IS NOT NULL, t.enabled, t.disabled_reason,
                     t.disabled_datetime, t.successive_failure_count, t.successive_internal_error_count)
    FROM quay.build_trigger_get(trigger) AS t $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('builder', 'password1', 'builder@example.com');
    PERFORM quay.repository_create('builder', 'app', 'builder');
    PERFORM quay.repository_create('builder', 'gone', 'builder');
    PERFORM quay.robot_create('builder', 'puller');
END $$;

-- A trigger with everything, and one with nothing
SELECT name AS token FROM quay.repository_token_create('builder', 'app', 'write', NULL, 'trigger', false) \gset
SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', '{"build_source": "acme/app"}', 'secret token', 'secret key', 'builder+puller',
    :'token', actor => 'builder', ip => '192.0.2.1') AS one \gset
SELECT quay.build_trigger_create('builder', 'app', 'custom-git', 'builder') AS two \gset
SELECT quay.build_trigger_create('builder', 'gone', 'gitlab', 'builder') AS gone \gset
SELECT pg_temp.show(:'one');
SELECT pg_temp.show(:'two');
SELECT * FROM quay.build_trigger_credentials(:'one');
SELECT auth_token IS NULL, private_key IS NULL FROM quay.build_trigger_credentials(:'two');
SELECT secure_auth_token LIKE 'v0$$%' AND secure_private_key LIKE 'v0$$%' AND fully_migrated FROM quay.repositorybuildtrigger WHERE uuid = :'one';
SELECT pg_temp.log('setup_repo_trigger');

-- Changing one: what is NULL stays
SELECT quay.build_trigger_update(:'one', auth_token => 'another token', actor => 'builder');
SELECT * FROM quay.build_trigger_credentials(:'one');
SELECT quay.build_trigger_update(:'one', '{"build_source": "acme/other"}', private_key => 'another key', clear_pull_robot => true);
SELECT quay.build_trigger_update(:'two', pull_robot => 'builder+puller', write_token => :'token', clear_pull_robot => true);
SELECT pg_temp.show(:'one');
SELECT pg_temp.show(:'two');
SELECT * FROM quay.build_trigger_credentials(:'one');
SELECT pg_temp.log('setup_repo_trigger') OFFSET 3;

-- Lists
SELECT service, enabled FROM quay.build_trigger_list('builder', 'app');
SELECT service FROM quay.build_trigger_list('builder', 'app', n => 1);
SELECT service FROM quay.build_trigger_list('builder', 'app', after => (SELECT min(trigger_id) FROM quay.build_trigger_list('builder', 'app')));
SELECT count(*) FROM quay.build_trigger_list('builder', 'app', n => 0);

-- Switching it off and on: the first reason stays, enabling clears all of it
SELECT quay.build_trigger_toggle(:'one', false, actor => 'builder', ip => '192.0.2.1');
SELECT pg_temp.show(:'one');
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.build_trigger_toggle(:'one', false, 'successive_build_failures');
SELECT pg_temp.show(:'one');
UPDATE quay.repositorybuildtrigger SET successive_failure_count = 7, successive_internal_error_count = 3 WHERE uuid = :'one';
SELECT quay.build_trigger_toggle(:'one', true, NULL);
SELECT pg_temp.show(:'one');
SELECT disabled_reason_id IS NULL AND disabled_datetime IS NULL FROM quay.repositorybuildtrigger WHERE uuid = :'one';
SELECT quay.build_trigger_toggle(:'one', true);
SELECT pg_temp.log('toggle_repo_trigger');

-- Failures in a row
SET LOCAL quay.successive_trigger_failure_disable_threshold = 3;
SET LOCAL quay.successive_trigger_internal_error_disable_threshold = 2;
SELECT t.* FROM unnest('{error,error,internalerror,cancelled,error}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'one', p.phase) AS t;
SELECT pg_temp.show(:'one');
-- disabled already: the reason stays, counting goes on
SELECT t.* FROM unnest('{internalerror,internalerror}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'one', p.phase) AS t;
SELECT pg_temp.show(:'one');
-- enabled anew it is not disabled by the next failure
SELECT quay.build_trigger_toggle(:'one', true);
SELECT * FROM quay.build_trigger_record(:'one', 'error');
SELECT t.* FROM unnest('{internalerror,internalerror}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'one', p.phase) AS t;
SELECT pg_temp.show(:'one');
SELECT quay.build_trigger_toggle(:'one', true);
-- a success starts both counters anew; phases under way count nothing
SELECT t.* FROM unnest('{error,internalerror,complete,building}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'one', p.phase) AS t;
SELECT pg_temp.show(:'one');
-- the thresholds of the reference
RESET quay.successive_trigger_failure_disable_threshold;
RESET quay.successive_trigger_internal_error_disable_threshold;
UPDATE quay.repositorybuildtrigger SET successive_failure_count = 98 WHERE uuid = :'one';
SELECT t.* FROM unnest('{error,error}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'one', p.phase) AS t;
UPDATE quay.repositorybuildtrigger SET successive_internal_error_count = 3 WHERE uuid = :'two';
SELECT t.* FROM unnest('{internalerror,internalerror}'::text[]) AS p (phase) CROSS JOIN LATERAL quay.build_trigger_record(:'two', p.phase) AS t;
-- 0: never
SET LOCAL quay.successive_trigger_failure_disable_threshold = 0;
SELECT quay.build_trigger_toggle(:'one', true);
UPDATE quay.repositorybuildtrigger SET successive_failure_count = 1000 WHERE uuid = :'one';
SELECT * FROM quay.build_trigger_record(:'one', 'error');
SELECT count(*) FROM quay.build_trigger_record('none', 'error');

-- Builds of a trigger
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name, trigger_id)
SELECT 'build-' || n, t.repository_id, (SELECT a.id FROM quay.accesstoken AS a WHERE a.token_name = :'token'), '{}', 'complete',
       timestamp '2026-03-01' + n / 2 * interval '1 hour', 'b' || n, t.id
FROM quay.repositorybuildtrigger AS t, generate_series(1, 5) AS n WHERE t.uuid = :'one';
SELECT build, phase, started FROM quay.build_trigger_build_list(:'one');
SELECT build, cursor AS page FROM quay.build_trigger_build_list(:'one', n => 2) OFFSET 1 \gset
SELECT build FROM quay.build_trigger_build_list(:'one', after => :'page', n => 2);
SELECT count(*) FROM quay.build_trigger_build_list('none');

-- Deleting one: its builds stay, the token by which the service came in goes unless a build has it
SELECT quay.build_trigger_delete(:'one', actor => 'builder', ip => '192.0.2.1');
SELECT count(*) FROM quay.build_trigger_get(:'one');
SELECT count(*) FROM quay.build_trigger_credentials(:'one');
SELECT count(*), count(trigger_id) FROM quay.repositorybuild WHERE uuid LIKE 'build-_';
SELECT pg_temp.log('delete_repo_trigger');
DELETE FROM quay.repositorybuild WHERE uuid LIKE 'build-_';
SELECT quay.build_trigger_delete(:'two');
SELECT count(*) FROM quay.accesstoken WHERE token_name = :'token';

-- Without a robot any more
SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', pull_robot => 'builder+puller') AS three \gset
SELECT quay.robot_delete('builder', 'puller');
SELECT pull_robot IS NULL FROM quay.build_trigger_get(:'three');

-- In a repository that is being deleted
SELECT quay.repository_mark_deletion('builder', 'gone') IS NOT NULL;
SELECT count(*) FROM quay.build_trigger_get(:'gone');
SELECT count(*) FROM quay.build_trigger_credentials(:'gone');
SELECT split_part(pg_temp.attempt(format('SELECT quay.build_trigger_update(%L)', :'gone')), E'\n', 1);

-- Errors
SELECT pg_temp.attempt($$SELECT quay.build_trigger_update('none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_delete('none')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_toggle('none', true)$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'none', 'github', 'builder')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'svn', 'builder')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'github', 'nobody')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', '[]')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', pull_robot => 'builder')$$);
SELECT pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', write_token => 'none')$$);
SELECT pg_temp.attempt(format('SELECT quay.build_trigger_toggle(%L, false, %L)', :'three', 'no reason'));
SELECT pg_temp.attempt(format('SELECT quay.build_trigger_toggle(%L, NULL)', :'three'));
SELECT pg_temp.attempt($$SELECT quay.build_trigger_build_list('none', 'nowhere')$$);
SELECT split_part(pg_temp.attempt($$SELECT quay.build_trigger_create('builder', 'app', 'github', 'builder', auth_token => repeat('x', 300))$$), E'\n', 1);
ROLLBACK;
