-- Notifications within the registry: who sees which, once only, paging, matching, and what goes.
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
SELECT count(quay.user_create(n, 'password', n || '@no.example')) FROM unnest(ARRAY['no-alice', 'no-bob', 'no-carol']) AS n;
SELECT quay.organization_create('no-org', 'org@no.example', 'no-alice') > 0 AS ok, quay.organization_create('no-other', 'other@no.example', 'no-carol') > 0 AS ok;
SELECT username FROM quay.robot_create('no-org', 'bot');
SELECT quay.team_create('no-org', 'readers', 'member') > 0 AS ok;
SELECT quay.team_member_add('no-org', 'readers', 'no-bob');

-- All kinds, for a person, an organization, a robot.
SELECT count(DISTINCT quay.notification_create(k.name, t.name, jsonb_build_object('kind', k.name, 'for', t.name)))
FROM quay.notificationkind AS k, unnest(ARRAY['no-alice', 'no-org', 'no-org+bot']) AS t (name);
SELECT count(*) AS every_event_is_a_kind FROM quay.externalnotificationevent AS e WHERE EXISTS (SELECT FROM quay.notificationkind AS k WHERE k.name = e.name);
SELECT k.id, k.name FROM quay.notificationkind AS k WHERE k.name IN ('repo_image_expiry', 'test_notification') ORDER BY 1;
SELECT v.name, count(l.uuid), string_agg(DISTINCT l.target, ' ' ORDER BY l.target) AS targets
FROM unnest(ARRAY['no-alice', 'no-bob', 'no-carol', 'no-org+bot', 'no-org']) AS v (name)
LEFT JOIN LATERAL quay.notification_list(v.name) AS l ON true GROUP BY 1 ORDER BY 1;
SELECT kind, target, metadata, created, dismissed, lookup_path, uuid ~ '^[0-9a-f-]{36}$' AS uuid FROM quay.notification_list('no-alice', n => 3);
SELECT kind, target FROM quay.notification_list('no-alice', kinds => ARRAY['repo_image_expiry']);
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.notification_create('nothing', 'no-alice')$$,
    $$SELECT quay.notification_create('repo_push', 'no-body')$$,
    $$SELECT quay.notification_create('repo_push', NULL)$$,
    $$SELECT quay.notification_create('repo_push', 'no-alice', '[1]')$$,
    $$SELECT quay.notification_create('repo_push', 'no-alice', NULL)$$,
    $$SELECT quay.notification_create('repo_push', 'no-alice', lookup_path => 'a')$$,
    $$SELECT quay.notification_create('repo_push', 'no-alice', lookup_path => '/a/')$$,
    $$SELECT quay.notification_create('repo_push', 'no-alice', lookup_path => '/' || repeat('a', 255))$$,
    $$SELECT quay.notification_create_unique('nothing', 'no-alice')$$,
    $$SELECT quay.notification_create_unique('repo_push', 'no-body')$$,
    $$SELECT quay.notification_create_unique('repo_push', 'no-alice', '"x"')$$,
    $$SELECT quay.notification_list('no-body')$$,
    $$SELECT quay.notification_list('no-alice', n => -1)$$,
    $$SELECT quay.notification_get('no-body', 'x')$$,
    $$SELECT quay.notification_dismiss('no-body', 'x')$$,
    $$SELECT quay.notification_exists('no-body', 'repo_push')$$,
    $$SELECT quay.notification_exists('no-alice', 'nothing')$$,
    $$SELECT quay.notification_delete_kind('nothing')$$,
    $$SELECT quay.notification_delete_kind('repo_push', 'no-body')$$,
    $$SELECT quay.notification_delete_matching('nothing', 'no-alice')$$,
    $$SELECT quay.notification_delete_matching('repo_push', 'no-body')$$,
    $$SELECT quay.notification_list_path('/a', n => -1)$$,
    $$SELECT quay.notification_expire(0)$$]) AS s;

-- Pages lose nothing and repeat nothing, whatever the size, also of one and the same moment and over several targets.
CREATE FUNCTION pg_temp.walk(username text, page integer, include_dismissed boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[] := '{}';
    more bigint[];
    pages integer := 0;
BEGIN
    LOOP
        more := ARRAY(SELECT l.notification_id FROM quay.notification_list(username, include_dismissed => include_dismissed, after => ids[cardinality(ids)], n => page) AS l);
        EXIT WHEN more = '{}';
        ids := ids || more;
        pages := pages + 1;
    END LOOP;
    RETURN format('%s rows, %s pages, %s', cardinality(ids), pages,
        CASE WHEN ids = ARRAY(SELECT DISTINCT i FROM unnest(ids) AS i ORDER BY i DESC) THEN 'in order' ELSE 'broken' END);
END
$$;
UPDATE quay.notification AS n SET dismissed = true FROM quay.notificationkind AS k WHERE k.id = n.kind_id AND k.name LIKE 'build\_%';
SELECT p AS page, pg_temp.walk('no-alice', p, false) AS undismissed, pg_temp.walk('no-alice', p, true) AS whole FROM unnest(ARRAY[1, 2, 5, 7, 100]) AS p;
SELECT count(*) AS none FROM quay.notification_list('no-alice', n => 0);

-- Get, dismiss, show again: only what one sees; that of an organization for all its administrators.
SELECT uuid AS org_uuid FROM quay.notification_list('no-alice', kinds => ARRAY['maintenance']) WHERE target = 'no-org' \gset
SELECT kind, target, dismissed FROM quay.notification_get('no-alice', :'org_uuid');
SELECT count(*) AS not_for_members FROM quay.notification_get('no-bob', :'org_uuid');
SELECT quay.notification_dismiss('no-bob', :'org_uuid') AS by_a_member, quay.notification_dismiss('no-carol', :'org_uuid') AS by_a_stranger, quay.notification_dismiss('no-alice', 'unknown') AS unknown;
SELECT quay.notification_dismiss('no-alice', :'org_uuid') AS once, quay.notification_dismiss('no-alice', :'org_uuid') AS twice;
SELECT (SELECT count(*) FROM quay.notification_list('no-alice', kinds => ARRAY['maintenance'])) AS listed, dismissed FROM quay.notification_get('no-alice', :'org_uuid');
SELECT quay.notification_dismiss('no-alice', :'org_uuid', dismissed => false) AS again;
SELECT dismissed FROM quay.notification_get('no-alice', :'org_uuid');
SELECT quay.notification_dismiss('no-alice', :'org_uuid', NULL) AS "null means dismissed";
-- Who leaves the administrators sees it no more.
SELECT quay.team_member_add('no-org', 'owners', 'no-bob');
SELECT count(*) AS administrator FROM quay.notification_get('no-bob', :'org_uuid');
SELECT quay.team_member_remove('no-org', 'owners', 'no-bob') IS NOT NULL AS removed;
SELECT count(*) AS member FROM quay.notification_get('no-bob', :'org_uuid');

-- Once only
SELECT quay.notification_create_unique('over_private_usage', 'no-carol', '{"namespace": "no-carol"}') IS NOT NULL AS first,
       quay.notification_create_unique('over_private_usage', 'no-carol') IS NOT NULL AS second,
       quay.notification_create_unique('over_private_usage', 'no-other') IS NOT NULL AS organization,
       quay.notification_create_unique('maintenance', 'no-carol', lookup_path => '/m') IS NOT NULL AS other_kind;
SELECT quay.notification_dismiss('no-carol', uuid) FROM quay.notification_list('no-carol', kinds => ARRAY['over_private_usage']) WHERE target = 'no-carol';
SELECT quay.notification_create_unique('over_private_usage', 'no-carol') IS NOT NULL AS sees_that_of_the_organization;
SELECT quay.notification_dismiss('no-carol', uuid) FROM quay.notification_list('no-carol', kinds => ARRAY['over_private_usage']);
SELECT quay.notification_create_unique('over_private_usage', 'no-carol') IS NOT NULL AS dismissed_ones_do_not_count;
SELECT l.target, l.metadata, l.dismissed FROM quay.notification_list('no-carol', kinds => ARRAY['over_private_usage'], include_dismissed => true) AS l;

-- Matching: each pair equal, others allowed, no pairs matches all, what is no JSON never.
SELECT quay.notification_create('vulnerability_found', 'no-bob', m) IS NOT NULL AS ok
FROM unnest(ARRAY['{"a": 1, "b": "x", "c": [1, 2], "d": {"e": 1, "f": 2}, "n": null}', '{"a": 2}']::jsonb[]) AS m;
INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed)
SELECT 'no-broken-' || j.i, k.id, u.id, j.text, '2026-02-01', false FROM quay.notificationkind AS k, quay."user" AS u,
       (VALUES (1, 'no json'), (2, '["a"]')) AS j (i, text) WHERE k.name = 'vulnerability_found' AND u.username = 'no-bob';
SELECT m AS metadata, quay.notification_exists('no-bob', 'vulnerability_found', m) FROM unnest(ARRAY['{}', '{"a": 1}', '{"a": 1.0}', '{"a": "1"}', '{"a": 3}', '{"a": 1, "b": "x"}',
    '{"a": 2, "b": "x"}', '{"c": [1, 2]}', '{"c": [1]}', '{"d": {"e": 1, "f": 2}}', '{"d": {"e": 1}}', '{"n": null}', '{"z": null}']::jsonb[]) AS m;
SELECT quay.notification_exists('no-bob', 'repo_push') AS other_kind, quay.notification_exists('no-bob', 'vulnerability_found') AS default_is_any;
SELECT uuid, metadata FROM quay.notification_list('no-bob') WHERE uuid LIKE 'no-broken-%';
SELECT quay.notification_delete_matching('vulnerability_found', 'no-bob', '{"c": [1]}') AS part, quay.notification_delete_matching('vulnerability_found', 'no-bob', '{"a": 1, "b": "x"}') AS two_pairs,
       quay.notification_delete_matching('vulnerability_found', 'no-bob', '{"a": 1}') AS gone, quay.notification_delete_matching('vulnerability_found', 'no-bob') AS parsable,
       quay.notification_exists('no-bob', 'vulnerability_found') AS left_is_no_json, quay.notification_delete_kind('vulnerability_found', 'no-bob') AS all_of_the_kind;

-- Paths: exact, below, and nothing that only looks like it.
SELECT count(quay.notification_create('service_key_submitted', 'no-bob', lookup_path => p)) FROM unnest(ARRAY['/key/a', '/key/a/1', '/key/ab', '/key/a_', '/KEY/A', '/key', NULL]) AS p;
SELECT lookup_path FROM quay.notification_list_path('/key/a');
SELECT lookup_path FROM quay.notification_list_path('/key', after => (SELECT min(notification_id) FROM quay.notification_list_path('/key')), n => 2);
SELECT quay.notification_delete_path('/key/a_') AS wildcard, quay.notification_delete_path('/key/a') AS "exact and below", quay.notification_delete_path('/nothing') AS none, quay.notification_delete_path(NULL) AS "null";
SELECT lookup_path FROM quay.notification_list('no-bob', kinds => ARRAY['service_key_submitted']);
SELECT quay.notification_delete_kind('service_key_submitted', 'no-bob') AS of_one, quay.notification_delete_kind('service_key_submitted') > 0 AS of_all, (SELECT count(*) FROM quay.notification_list('no-alice', kinds => ARRAY['service_key_submitted'])) AS left;

-- Expiry: off by default; what was dismissed, and events; not what asks for something.
DELETE FROM quay.notification;
INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed)
SELECT k.name || '-' || d.dismissed || '-' || d.created, k.id, u.id, '{}', d.created, d.dismissed
FROM quay.notificationkind AS k, quay."user" AS u, (VALUES ('2026-01-01'::date, false), ('2026-01-01', true), ('2026-02-28', true)) AS d (created, dismissed)
WHERE k.name IN ('repo_push', 'org_team_invite', 'repo_image_expiry') AND u.username = 'no-alice';
SELECT quay.notification_expire() AS off;
SET LOCAL quay.notification_lifetime = '30d';
SELECT quay.notification_expire(3) AS three, quay.notification_expire(3) AS rest, quay.notification_expire(3) AS none;
SELECT uuid FROM quay.notification ORDER BY uuid;
ROLLBACK;
