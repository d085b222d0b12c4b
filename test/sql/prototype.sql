-- Default permissions of an organization: who can be in one, what becomes of equal ones, and what repositories get out of them.
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
    RETURN CASE WHEN result ~ '^[0-9a-f-]{36}$' THEN 'a uuid' ELSE coalesce(result, 'NULL') END;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.permissions(repository text) RETURNS TABLE (grantee text, role text) LANGUAGE sql AS $$
    SELECT g.grantee, g.role FROM quay.permission_list('pro-org', repository) AS g ORDER BY g.grantee
$$;
SELECT count(quay.user_create(n, 'password', n || '@pro.example')) FROM unnest(ARRAY['pro-alice', 'pro-bob', 'pro-carol']) AS n;
SELECT count(quay.organization_create(n, NULL, 'pro-alice')) FROM unnest(ARRAY['pro-org', 'pro-other', 'pro-off']) AS n;
SELECT quay.team_create('pro-org', 'devs', 'creator') IS NOT NULL AS devs, quay.team_create('pro-other', 'ops', 'member') IS NOT NULL AS ops,
       quay.team_member_add('pro-org', 'devs', 'pro-bob') AS bob;
SELECT count(username) FROM (VALUES ('pro-org', 'ci'), ('pro-other', 'ci'), ('pro-bob', 'ci')) AS v (n, r), quay.robot_create(v.n, v.r);
UPDATE quay."user" SET enabled = false WHERE username = 'pro-off';

-- Made, and made again: the second time the role changes, or nothing.
SELECT quay.prototype_create('pro-org', 'read', 'user', 'pro-carol', actor => 'pro-alice', ip => '192.0.2.1') AS carol \gset
SELECT quay.prototype_create('pro-org', 'read', 'user', 'pro-carol', actor => 'pro-alice') = :'carol' AS same;
SELECT quay.prototype_create('pro-org', 'write', 'user', 'pro-carol', actor => 'pro-alice') = :'carol' AS changed;
SELECT quay.prototype_create('pro-org', 'admin', 'user', 'pro-carol', 'pro-bob') <> :'carol' AS of_bob;
SELECT quay.prototype_create('pro-org', 'read', 'team', 'devs', actor => 'pro-alice') AS devs \gset
SELECT quay.prototype_create('pro-org', 'write', 'user', 'pro-org+ci', 'pro-org+ci') <> :'devs' AS robot;
SELECT role, activating_user, activating_user_is_robot, activating_user_is_member, delegate_kind, delegate, delegate_is_robot, delegate_is_member FROM quay.prototype_list('pro-org');
SELECT delegate FROM quay.prototype_list('pro-org', after => (SELECT min(prototype_id) FROM quay.prototype_list('pro-org')), n => 2);
SELECT role, activating_user, delegate_kind, delegate, uuid = :'carol' AS uuid, prototype_id = (SELECT min(prototype_id) FROM quay.prototype_list('pro-org')) AS prototype_id
FROM quay.prototype_get('pro-org', :'carol');
SELECT count(*) AS none FROM quay.prototype_get('pro-other', :'carol') UNION ALL SELECT count(*) FROM quay.prototype_get('pro-org', 'none');

-- What they do.
SELECT quay.repository_create('pro-org', r, c) IS NOT NULL FROM (VALUES ('by-alice', 'pro-alice'), ('by-bob', 'pro-bob'), ('by-robot', 'pro-org+ci')) AS t (r, c);
SELECT r AS repository, p.* FROM unnest(ARRAY['by-alice', 'by-bob', 'by-robot']) AS r, pg_temp.permissions(r) AS p;

-- Changed and deleted. What exists stays.
SELECT quay.prototype_update('pro-org', :'devs', 'admin', 'pro-alice', '192.0.2.2'), quay.prototype_update('pro-org', :'devs', 'admin', 'pro-alice') AS nothing;
SELECT quay.prototype_delete('pro-org', :'carol', 'pro-alice');
SELECT quay.repository_create('pro-org', 'later', 'pro-alice') IS NOT NULL AS later;
SELECT * FROM pg_temp.permissions('later');
SELECT * FROM pg_temp.permissions('by-alice');

-- Several equal ones, as an older registry left them: the youngest counts, and is the one that changes.
INSERT INTO quay.permissionprototype (org_id, uuid, delegate_user_id, role_id)
SELECT o.id, 'pro-' || v.n, u.id, r.id FROM (VALUES (1, 'read'), (2, 'write'), (3, 'read')) AS v (n, role), quay."user" AS o, quay."user" AS u, quay.role AS r
WHERE o.username = 'pro-org' AND u.username = 'pro-bob' AND r.name = v.role ORDER BY v.n;
SELECT quay.prototype_create('pro-org', 'admin', 'user', 'pro-bob') AS youngest;
SELECT quay.repository_create('pro-org', 'twice', 'pro-alice') IS NOT NULL AS twice;
SELECT * FROM pg_temp.permissions('twice');

-- Refused.
SELECT c AS call, pg_temp.try('SELECT quay.prototype_' || c) AS result
FROM unnest(ARRAY[
    $$create('pro-org', 'read', 'user', 'pro-carol', 'pro-nobody')$$, $$create('pro-org', 'read', 'user', 'pro-carol', 'pro-other')$$, $$create('pro-org', 'read', 'user', 'pro-carol', 'pro-bob+ci')$$,
    $$create('pro-org', 'read', 'user', 'pro-nobody')$$, $$create('pro-org', 'read', 'user', NULL)$$, $$create('pro-org', 'read', 'user', 'pro-other')$$,
    $$create('pro-org', 'read', 'user', 'pro-other+ci')$$, $$create('pro-org', 'read', 'user', 'pro-org')$$,
    $$create('pro-org', 'read', 'team', 'ops')$$, $$create('pro-org', 'read', 'team', NULL)$$, $$create('pro-org', 'read', 'group', 'devs')$$, $$create('pro-org', 'read', NULL, 'devs')$$,
    $$create('pro-org', 'owner', 'team', 'devs')$$, $$create('pro-org', NULL, 'team', 'devs')$$, $$create('pro-none', 'read', 'team', 'devs')$$, $$create('pro-bob', 'read', 'user', 'pro-carol')$$,
    $$create('pro-off', 'read', 'user', 'pro-carol')$$, $$create('pro-org', 'read', 'user', 'pro-carol', actor => 'pro-nobody')$$,
    $$update('pro-org', 'none', 'read')$$, $$update('pro-org', NULL, 'read')$$, $$update('pro-org', 'pro-1', 'owner')$$, $$update('pro-none', 'pro-1', 'read')$$, $$update('pro-off', 'pro-1', 'read')$$,
    $$update('pro-other', 'pro-1', 'read')$$, $$update('pro-org', 'pro-1', 'write', 'pro-nobody')$$,
    $$delete('pro-org', 'none')$$, $$delete('pro-other', 'pro-1')$$, $$delete('pro-none', 'pro-1')$$, $$delete('pro-off', 'pro-1')$$, $$delete('pro-org', 'pro-1', 'pro-nobody')$$,
    $$list('pro-none')$$, $$list('pro-bob')$$, $$list('pro-off')$$, $$list('pro-org', n => -1)$$, $$get('pro-none', 'x')$$, $$get('pro-off', 'x')$$]) AS c;

SELECT k.name AS kind, p.username AS performer, l.metadata_json::jsonb - 'prototypeid' AS metadata, (l.metadata_json::jsonb ->> 'prototypeid') = :'carol' AS carol, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
WHERE a.username = 'pro-org' AND k.name LIKE '%prototype%' ORDER BY l.id;
ROLLBACK;
