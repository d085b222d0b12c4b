-- States of a repository: what can be set, who may write then, and the mark for deletion.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
SELECT count(quay.user_create(n, 'password', n || '@rst.example')) FROM unnest(ARRAY['rst-alice', 'rst-bob', 'rst-off']) AS n;
SELECT username FROM quay.robot_create('rst-alice', 'bot');
SELECT count(quay.repository_create(n, r, n)) FROM (VALUES ('rst-alice', 'app'), ('rst-alice', 'other'), ('rst-alice', 'later'), ('rst-off', 'app')) AS t (n, r);
UPDATE quay."user" SET enabled = false WHERE username = 'rst-off';

-- Each state: what may be set, and whether one may write then. Reading and administering stay as they are.
CREATE FUNCTION pg_temp.rights() RETURNS TABLE (state text, "read" boolean, "write" boolean, "admin" boolean, upload text) LANGUAGE sql AS $$
    SELECT quay.repository_state_get('rst-alice', 'app'), quay.access_check('rst-alice', 'rst-alice', 'app', 'read'), quay.access_check('rst-alice', 'rst-alice', 'app', 'write'),
           quay.access_check('rst-alice', 'rst-alice', 'app', 'admin'), left(pg_temp.try($try$SELECT FROM quay.upload_start('rst-alice', 'app', actor => 'rst-alice')$try$), 45)
$$;
SELECT * FROM pg_temp.rights();
SELECT quay.repository_set_state('rst-alice', 'app', 'read_only', 'rst-alice', '192.0.2.1');
SELECT * FROM pg_temp.rights();
SELECT quay.repository_set_state('rst-alice', 'app', 'mirror', 'rst-alice');
SELECT * FROM pg_temp.rights();
SELECT quay.repository_set_state('rst-alice', 'app', 'normal', 'rst-alice');
SELECT * FROM pg_temp.rights();
SELECT s AS state, pg_temp.try(format('SELECT quay.repository_set_state(%L, %L, %L)', 'rst-alice', 'app', s)) FROM unnest(ARRAY['org_mirror', 'marked_for_deletion', 'READ_ONLY', '1', '', NULL]) AS s;
SELECT pg_temp.try($$SELECT quay.repository_set_state('rst-none', 'app', 'normal')$$);
SELECT pg_temp.try($$SELECT quay.repository_set_state('rst-alice', 'none', 'normal')$$);
SELECT pg_temp.try($$SELECT quay.repository_set_state('rst-off', 'app', 'normal')$$);
SELECT pg_temp.try($$SELECT quay.repository_set_state('rst-alice', 'app', 'normal', 'rst-none')$$);
UPDATE quay.repository SET state = 4 WHERE id = (SELECT repository_id FROM quay.repository_get('rst-alice', 'app'));
SELECT pg_temp.try($$SELECT quay.repository_set_state('rst-alice', 'app', 'normal')$$), quay.repository_state_get('rst-alice', 'app');
UPDATE quay.repository SET state = 0 WHERE id = (SELECT repository_id FROM quay.repository_get('rst-alice', 'app'));
SELECT n AS number, quay_internal.repository_state_name(n) AS name FROM generate_series(-1, 5) AS n;

-- The mark for deletion: stars gone, name free, marker and queue item there, permissions stay until the purge. Also in a disabled namespace.
SELECT quay.repository_star('rst-bob', 'rst-alice', 'app') AS starred, quay.permission_set('rst-alice', 'app', 'user', 'rst-bob', 'read');
SELECT id AS app FROM quay.repository AS r WHERE r.id = (SELECT repository_id FROM quay.repository_get('rst-alice', 'app')) \gset
SELECT quay.repository_mark_deletion('rst-alice', 'app', actor => 'rst-alice', ip => '192.0.2.2') AS marker \gset
SELECT length(r.name) AS length, r.name ~ '^[0-9a-f-]{36}$' AS uuid, r.state, d.id = :marker AS marker, d.original_name, d.marked, d.queue_id = q.id::text AS queue_id,
       replace(q.queue_name, :'app', 'ID') AS queue_name, q.body::jsonb = jsonb_build_object('marker_id', :marker, 'original_name', 'app') AS body,
       q.available_after, q.available, q.retries_remaining,
       (SELECT count(*) FROM quay.star AS s WHERE s.repository_id = r.id) AS stars, (SELECT count(*) FROM quay.repositorypermission AS p WHERE p.repository_id = r.id) AS permissions
FROM quay.repository AS r JOIN quay.deletedrepository AS d ON d.repository_id = r.id JOIN quay.queueitem AS q ON q.id::text = d.queue_id WHERE r.id = :app;
SELECT state, original_name FROM quay.repository_get_many(ARRAY[:app]::bigint[]);
SELECT quay.repository_mark_deletion('rst-alice', 'app') AS again, count(*) AS rows FROM quay.repository_get('rst-alice', 'app');
SELECT quay.repository_create('rst-alice', 'app', 'rst-alice') <> :app AS name_is_free;
SELECT quay.repository_mark_deletion('rst-alice', 'later', interval '1 day', 'x' || repeat('y', 300)) IS NOT NULL AS delayed,
       quay.repository_mark_deletion('rst-alice', 'other', NULL, '42') IS NOT NULL AS suffixed, quay.repository_mark_deletion('rst-off', 'app') IS NOT NULL AS disabled;
SELECT d.original_name, length(r.name) AS length, left(substr(r.name, 37), 10) AS suffix, q.available_after, split_part(q.queue_name, '/', 2) AS namespace
FROM quay.repository AS r JOIN quay.deletedrepository AS d ON d.repository_id = r.id JOIN quay.queueitem AS q ON q.id::text = d.queue_id
JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username LIKE 'rst-%' ORDER BY d.id;
SELECT quay.repository_mark_deletion(n, r) AS nothing FROM (VALUES ('rst-alice', 'none'), ('rst-none', 'app'), ('rst-alice+bot', 'app'), (NULL, NULL)) AS t (n, r);
SELECT pg_temp.try($$SELECT quay.repository_mark_deletion('rst-alice', 'app', actor => 'rst-none')$$);

SELECT k.name AS kind, a.username AS account, p.username AS performer, l.repository_id IS NULL AS no_repository, l.metadata_json, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id
LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE a.username LIKE 'rst-%' AND k.name IN ('change_repo_state', 'delete_repo') ORDER BY l.id;
ROLLBACK;
