-- Stars, e-mail addresses for notifications, sizes, and what workers ask about repositories.
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
SELECT count(quay.user_create(n, 'password', n || '@star.example')) FROM unnest(ARRAY['star-alice', 'star-bob', 'star-off']) AS n;
SELECT quay.organization_create('star-org', NULL, 'star-alice') IS NOT NULL AS org, (SELECT username FROM quay.robot_create('star-bob', 'bot')) AS robot;
SELECT count(quay.repository_create(n, r, n, v, kind => k)) FROM (VALUES ('star-alice', 'one', 'public', 'image'), ('star-alice', 'two', 'private', 'image'),
    ('star-org', 'three', 'private', 'image'), ('star-alice', 'chart', 'public', 'application'), ('star-off', 'app', 'public', 'image')) AS t (n, r, v, k);
SELECT quay.permission_set('star-alice', 'two', 'user', 'star-bob', 'read');

-- Starred once, unstarred once.
SELECT quay.repository_star('star-bob', 'star-alice', r) FROM unnest(ARRAY['two', 'one', 'one', 'chart']) AS r;
SELECT quay.repository_star('star-bob', n, r) FROM (VALUES ('star-org', 'three'), ('star-off', 'app')) AS t (n, r);
SELECT quay.repository_star('star-alice', 'star-alice', 'one') AS alices;
SELECT r AS repository, quay.repository_is_starred('star-bob', 'star-alice', r) AS bob, quay.repository_is_starred('star-alice', 'star-alice', r) AS alice,
       quay.repository_star_count('star-alice', r) AS stars FROM unnest(ARRAY['one', 'two', 'chart', 'none']) AS r;
SELECT quay.repository_is_starred('star-none', 'star-alice', 'one') AS nobody, quay.repository_is_starred(NULL, 'star-alice', 'one') AS anonymous;
SELECT quay.repository_unstar('star-bob', 'star-alice', 'chart'), quay.repository_unstar('star-bob', 'star-alice', 'chart') AS again,
       quay.repository_unstar('star-bob', 'star-alice', 'none') AS none, quay.repository_unstar('star-bob', 'star-none', 'app') AS nowhere;
SELECT quay.repository_star('star-bob', 'star-alice', 'chart') AS anew;
SELECT f AS call, pg_temp.try('SELECT quay.repository_' || f) AS result
FROM unnest(ARRAY[$$star('star-none', 'star-alice', 'one')$$, $$star('star-org', 'star-alice', 'one')$$, $$star('star-bob+bot', 'star-alice', 'one')$$,
    $$star('star-bob', 'star-alice', 'none')$$, $$star('star-bob', 'star-none', 'one')$$, $$unstar('star-none', 'star-alice', 'one')$$,
    $$star_list('star-none')$$, $$star_list('star-bob', n => -1)$$, $$star_list('star-bob', kind => 'chart')$$]) AS f;

-- The list holds what one may read now, in the order of the stars, a page at a time.
UPDATE quay."user" SET enabled = false WHERE username = 'star-off';
SELECT pg_temp.try($$SELECT quay.repository_star('star-bob', 'star-off', 'app')$$);
SELECT namespace, repository, visibility, state, created FROM quay.repository_star_list('star-bob');
SELECT namespace, repository FROM quay.repository_star_list('star-bob', kind => NULL);
SELECT repository FROM quay.repository_star_list('star-bob', kind => 'application');
SELECT repository FROM quay.repository_star_list('star-bob', n => 1);
SELECT repository FROM quay.repository_star_list('star-bob', after => (SELECT max(star_id) FROM quay.repository_star_list('star-bob', n => 1)));
SELECT count(*) AS none FROM quay.repository_star_list('star-bob', n => 0);
SELECT repository FROM quay.repository_star_list('star-bob', scopes => 'user:read');
SELECT quay.permission_set('star-alice', 'two', 'user', 'star-bob', NULL), quay.permission_set('star-org', 'three', 'user', 'star-bob', 'read');
SELECT namespace, repository FROM quay.repository_star_list('star-bob');
SELECT quay.repository_mark_deletion('star-org', 'three') IS NOT NULL AS marked;
SELECT namespace, repository FROM quay.repository_star_list('star-bob');

-- E-mail addresses: asked for once, confirmed with the code, any number of times.
SELECT code AS first, length(code) AS length, confirmed FROM quay.repository_email_create('star-alice', 'one', 'ops@star.example') \gset
SELECT code = :'first' AS same, :length AS length, confirmed FROM quay.repository_email_create('star-alice', 'one', 'ops@star.example');
SELECT code <> :'first' AS other, confirmed FROM quay.repository_email_create('star-alice', 'two', 'ops@star.example');
SELECT confirmed FROM quay.repository_email_create('star-alice', 'one', 'admin@star.example');
SELECT * FROM quay.repository_email_get('star-alice', 'one', 'ops@star.example');
SELECT * FROM quay.repository_email_confirm(:'first');
SELECT * FROM quay.repository_email_confirm(:'first');
SELECT * FROM quay.repository_email_get('star-alice', 'one', 'ops@star.example');
SELECT count(*) AS never_asked FROM quay.repository_email_get('star-alice', 'one', 'none@star.example');
SELECT * FROM quay.repository_email_list('star-alice', 'one');
SELECT * FROM quay.repository_email_list('star-alice', 'one', after => 'admin@star.example', n => 1);
SELECT quay.repository_email_delete('star-alice', 'one', 'ops@star.example') AS deleted, quay.repository_email_delete('star-alice', 'one', 'ops@star.example') AS again;
SELECT pg_temp.try(format('SELECT quay.repository_email_confirm(%L)', :'first'));
SELECT f AS call, pg_temp.try('SELECT quay.repository_email_' || f) AS result
FROM unnest(ARRAY[$$confirm('')$$, $$confirm(NULL)$$, $$create('star-alice', 'one', 'nonsense')$$, $$create('star-alice', 'one', NULL)$$,
    $$create('star-none', 'one', 'a@b.example')$$, $$create('star-alice', 'none', 'a@b.example')$$, $$create('star-off', 'app', 'a@b.example')$$,
    $$list('star-alice', 'one', n => -1)$$, $$list('star-alice', 'none')$$, $$get('star-alice', 'none', 'a@b.example')$$, $$delete('star-alice', 'none', 'a@b.example')$$]) AS f;
SELECT code AS second FROM quay.repository_email_create('star-alice', 'two', 'ops@star.example') \gset
SELECT quay.repository_mark_deletion('star-alice', 'two') IS NOT NULL AS marked;
SELECT pg_temp.try(format('SELECT quay.repository_email_confirm(%L)', :'second'));

-- Sizes: a row for each id, 0 where nothing was counted.
SELECT repository_id AS one FROM quay.repository_get('star-alice', 'one') \gset
SELECT repository_id AS chart FROM quay.repository_get('star-alice', 'chart') \gset
INSERT INTO quay_internal.size_counter (namespace_id, repository_id, part, used) SELECT r.namespace_user_id, r.id, 0, 12345 FROM quay.repository AS r WHERE r.id = :one;
SELECT CASE repository_id WHEN :one THEN 'one' WHEN :chart THEN 'chart' ELSE 'unknown' END AS repository, size_bytes
FROM quay.repository_size_many(ARRAY[:chart, :one, :one, NULL, 9007199254740990]::bigint[]);
SELECT count(*) AS none FROM quay.repository_size_many('{}') UNION ALL SELECT count(*) FROM quay.repository_size_many(NULL);
SELECT quay.repository_upload_size('star-alice', 'one') AS nothing_yet;
SELECT count(*) FROM generate_series(1, 2) AS i, quay.upload_start('star-alice', 'one', uuid => 'star-upload-' || i, actor => 'star-alice');
SELECT quay.upload_append('star-alice', 'one', 'star-upload-1', '\x010203'), quay.upload_append('star-alice', 'one', 'star-upload-2', '\x0102');
SELECT quay.repository_upload_size('star-alice', 'one') AS sum, quay.repository_upload_size('star-alice', 'none') AS none;

-- Severities that somebody wants to hear of.
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
SELECT gen_random_uuid()::text, :one, e.id, m.id, '{}', c
FROM (VALUES ('vulnerability_found', '{"vulnerability": {"priority": "High"}}'), ('vulnerability_found', '{"vulnerability": {"priority": "Critical"}}'),
    ('vulnerability_found', '{"vulnerability": {"priority": "High"}}'), ('vulnerability_found', '{}'), ('vulnerability_found', '{"vulnerability": {"priority": ""}}'),
    ('repo_push', '{"vulnerability": {"priority": "Low"}}')) AS t (event, c)
JOIN quay.externalnotificationevent AS e ON e.name = t.event JOIN quay.externalnotificationmethod AS m ON m.name = 'webhook';
SELECT * FROM quay.repository_secscan_severity_list('star-alice', 'one');
SELECT count(*) AS none FROM quay.repository_secscan_severity_list('star-alice', 'chart') UNION ALL SELECT count(*) FROM quay.repository_secscan_severity_list('star-none', 'x');

-- A time that some namespace keeps its tags; in the end each of them is picked.
UPDATE quay."user" SET removed_tag_expiration_s = CASE username WHEN 'star-alice' THEN 11 WHEN 'star-bob+bot' THEN 13 ELSE 12 END;
SELECT array_agg(DISTINCT p ORDER BY p) FROM (SELECT quay.gc_policy_pick() FROM generate_series(1, 200)) AS t (p);
ROLLBACK;
