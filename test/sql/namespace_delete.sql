-- A namespace is marked for deletion: who may go, what goes at once and what later, the queues, and its name.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL TimeZone = 'UTC';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
-- What is left of a namespace, by the name that it had.
CREATE FUNCTION pg_temp.left_of(name text) RETURNS TABLE (what text, n bigint) LANGUAGE sql AS $$
    WITH ns AS (SELECT d.namespace_id AS id FROM quay.deletednamespace AS d WHERE d.original_username = name
                UNION SELECT u.id FROM quay."user" AS u WHERE u.username = name)
    SELECT t.what, t.n FROM (
        SELECT 1 AS o, 'robots' AS what, count(*) AS n FROM quay."user" AS u WHERE u.robot AND split_part(u.username, '+', 1) = name
        UNION ALL SELECT 2, 'teams', count(*) FROM quay.team AS t WHERE t.organization_id IN (SELECT id FROM ns)
        UNION ALL SELECT 3, 'memberships', count(*) FROM quay.teammember AS m WHERE m.user_id IN (SELECT id FROM ns)
        UNION ALL SELECT 4, 'applications', count(*) FROM quay.oauthapplication AS a WHERE a.organization_id IN (SELECT id FROM ns)
        UNION ALL SELECT 5, 'assigned tokens', count(*) FROM quay.oauthassignedtoken AS a WHERE a.assigned_user_id IN (SELECT id FROM ns)
        UNION ALL SELECT 6, 'logins', count(*) FROM quay.federatedlogin AS l WHERE l.user_id IN (SELECT id FROM ns)
        UNION ALL SELECT 7, 'prompts', count(*) FROM quay.userprompt AS p WHERE p.user_id IN (SELECT id FROM ns)
        UNION ALL SELECT 8, 'quotas', count(*) FROM quay.userorganizationquota AS q WHERE q.namespace_id IN (SELECT id FROM ns)
        UNION ALL SELECT 9, 'queue items', count(*) FROM quay.queueitem AS q WHERE position('/' || name || '/' IN q.queue_name) > 0
        UNION ALL SELECT 10, 'repositories', count(*) FROM quay.repository AS r WHERE r.namespace_user_id IN (SELECT id FROM ns)
        UNION ALL SELECT 11, 'mirrors', count(*) FROM quay.repository AS r WHERE r.namespace_user_id IN (SELECT id FROM ns) AND r.state IN (2, 4)) AS t
    WHERE t.n > 0 ORDER BY t.o;
$$;
CREATE FUNCTION pg_temp.queue_put(VARIADIC path text[]) RETURNS void LANGUAGE sql AS $$
    SELECT quay_internal.queue_add(quay_internal.queue_path(VARIADIC path), '{}');
$$;

SELECT count(quay.user_create(n, 'password', n || '@nd.example')) FROM unnest(ARRAY['nd-alice', 'nd-bob', 'nd-carol', 'nd-dave', 'nd_x', 'ndax']) AS n;
SELECT count(quay.organization_create(n, n || '@nd.example', 'nd-alice'))
FROM unnest(ARRAY['nd-solo', 'nd-twice', 'nd-pair', 'nd-gone', 'nd-off']) AS n;

-- Who alone administers what: people count, not memberships, and only those who can act.
SELECT FROM quay.team_create('nd-twice', 'admins', 'admin');
SELECT quay.team_member_add('nd-twice', 'admins', 'nd-alice'), quay.team_member_add('nd-pair', 'owners', 'nd-bob'),
       quay.team_member_add('nd-gone', 'owners', 'nd-carol');
SELECT FROM quay.robot_create('nd-solo', 'ci');
SELECT quay.team_member_add('nd-solo', 'owners', 'nd-solo+ci');
SELECT organization FROM quay.namespace_sole_admin_list('nd-alice');
UPDATE quay."user" SET enabled = false WHERE username = 'nd-carol';
SELECT organization, organization_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = l.organization) AS id
FROM quay.namespace_sole_admin_list('nd-alice') AS l;
SELECT n AS "nobody", count(l.*) FROM unnest(ARRAY['nd-bob', 'nd-solo', 'nd-solo+ci', 'nd-none', NULL]) AS n
LEFT JOIN LATERAL quay.namespace_sole_admin_list(n) AS l ON true GROUP BY n ORDER BY n;
UPDATE quay."user" SET enabled = false WHERE username = 'nd-off';

-- Refused.
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-alice')$$);
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-alice', force => true)$$);
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-none')$$);
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-solo+ci')$$);
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion(NULL)$$);
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-bob', actor => 'nd-none')$$);
INSERT INTO quay.superuser (username) VALUES ('nd-bob');
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-bob', actor => 'nd-alice')$$);
SELECT count(*) AS markers FROM quay.deletednamespace WHERE original_username LIKE 'nd%';

-- A person, at once. Everything that names the namespace goes from the queues, and nothing of its neighbours.
SELECT quay.repository_create('nd_x', 'app', 'nd_x') IS NOT NULL AS repository;
SELECT count(*) AS robots FROM unnest(ARRAY['nd_x', 'ndax', 'nd-dave']) AS n, LATERAL quay.robot_create(n, 'ci');
SELECT pg_temp.queue_put('notification', n, 'app', 'repo_push'), pg_temp.queue_put('dockerfilebuild', n, 'app'),
       pg_temp.queue_put('repositorygc', n, '7'), pg_temp.queue_put('exportactionlogs', n), pg_temp.queue_put('proxycacheblob', n, '7', 'sha256:0'),
       pg_temp.queue_put('secscanv4', 'with_id', 'nd')
FROM unnest(ARRAY['nd_x', 'ndax', 'nd_x-2', 'ND_X']) AS n;
INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
SELECT u.id, s.id, u.username, '{}' FROM quay."user" AS u, quay.loginservice AS s WHERE u.username = 'nd_x' AND s.name IN ('ldap', 'github');
INSERT INTO quay.userprompt (user_id, kind_id) SELECT u.id, k.id FROM quay."user" AS u, quay.userpromptkind AS k WHERE u.username = 'nd_x';
INSERT INTO quay.servicekeyapproval (approver_id, approval_type, approved_date, notes)
SELECT u.id, 'nd', '2026-01-01', '' FROM quay."user" AS u WHERE u.username = 'nd_x';
SELECT * FROM pg_temp.left_of('nd_x');
CREATE TEMPORARY TABLE before AS SELECT id, uuid FROM quay."user" WHERE username = 'nd_x';
CREATE TEMPORARY TABLE marked AS SELECT quay.namespace_mark_deletion('nd_x', actor => 'nd_x', ip => '192.0.2.1') AS id;
SELECT * FROM pg_temp.left_of('nd_x');
SELECT * FROM pg_temp.left_of('ndax');
SELECT queue_name, count(*) FROM quay.queueitem WHERE queue_name ~* '/nd_x' OR queue_name = 'secscanv4/with_id/nd/' GROUP BY queue_name ORDER BY queue_name;
SELECT u.enabled, u.username ~ '^[0-9a-f-]{36}$' AS username, u.email ~ '^[0-9a-f-]{36}$' AS email, u.uuid <> b.uuid AS new_uuid,
       d.original_username, d.original_email, d.marked, q.queue_name = format('namespacegc/%s/', u.id) AS path, q.available, q.available_after,
       q.retries_remaining, q.body::jsonb = jsonb_build_object('marker_id', d.id, 'original_username', 'nd_x') AS body
FROM marked AS m JOIN quay.deletednamespace AS d ON d.id = m.id JOIN before AS b ON b.id = d.namespace_id JOIN quay."user" AS u ON u.id = d.namespace_id
JOIN quay.queueitem AS q ON q.id = d.queue_id::bigint;
SELECT k.name, l.metadata_json, l.performer_id = l.account_id AS by_itself, l.ip FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
JOIN before AS b ON b.id = l.account_id WHERE k.name LIKE '%delete';
SELECT approver_id IS NULL AS no_approver FROM quay.servicekeyapproval WHERE approval_type = 'nd';
SELECT quay.namespace_mark_deletion('nd_x') = m.id AS again FROM marked AS m;
SELECT count(*) AS markers, (SELECT count(*) FROM quay.queueitem AS q JOIN before AS b ON q.queue_name = format('namespacegc/%s/', b.id)) AS items
FROM quay.deletednamespace WHERE original_username = 'nd_x';

-- Nobody takes the name before the purge.
SELECT pg_temp.try($$SELECT quay.user_create('nd_x', 'password', 'other@nd.example')$$);
SELECT pg_temp.try($$SELECT quay.organization_create('nd_x', NULL, 'nd-alice')$$);
SELECT pg_temp.try($$SELECT quay.repository_create('nd_x', 'app2')$$);
SELECT pg_temp.try($$SELECT quay.robot_create('nd_x', 'ci')$$);
SELECT error IS NOT NULL AS refused FROM quay.authenticate('nd_x', 'password');
INSERT INTO quay.unrestricted_user VALUES ('nd_x'), ('ndax');
INSERT INTO quay.allowed_robot VALUES ('nd_x+ci'), ('ndax+ci');
INSERT INTO quay.deletion_grace_namespace VALUES ('nd_x'), ('ndax');
INSERT INTO quay.public_namespace VALUES ('nd_x'), ('ndax');
INSERT INTO quay.superuser VALUES ('nd_x', 'readonly'), ('ndax', 'readonly');
SELECT quay.namespace_purge(m.id) AS purged FROM marked AS m;
SELECT l.username, count(*) AS lists
FROM (TABLE quay.unrestricted_user UNION ALL TABLE quay.allowed_robot UNION ALL TABLE quay.deletion_grace_namespace UNION ALL TABLE quay.public_namespace
      UNION ALL SELECT username FROM quay.superuser) AS l WHERE l.username ~ '^nd_?[ax]' GROUP BY l.username ORDER BY l.username;
SELECT pg_temp.try($$SELECT quay.user_create('nd_x', 'password', 'nd_x@nd.example')$$);

-- An organization, with all that it has; mirrors become normal repositories. One that is disabled, too.
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-off')$$);
SELECT organization FROM quay.namespace_sole_admin_list('nd-alice');
SELECT count(*) AS robots FROM quay.robot_create('nd-gone', 'mirror');
SELECT count(quay.repository_create('nd-gone', n)) FROM unnest(ARRAY['a', 'b', 'c']) AS n;
INSERT INTO quay.oauthapplication (client_id, redirect_uri, application_uri, organization_id, name, description)
SELECT 'nd-app', '', '', u.id, 'app', '' FROM quay."user" AS u WHERE u.username = 'nd-gone';
INSERT INTO quay.oauthassignedtoken (uuid, assigned_user_id, application_id, scope)
SELECT 'nd', u.id, a.id, 'repo:read' FROM quay."user" AS u, quay.oauthapplication AS a WHERE u.username = 'nd-dave' AND a.client_id = 'nd-app';
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) SELECT u.id, 1 FROM quay."user" AS u WHERE u.username = 'nd-gone';
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit) SELECT q.id, 1, 80 FROM quay.userorganizationquota AS q JOIN quay."user" AS u ON u.id = q.namespace_id WHERE u.username = 'nd-gone';
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace, external_registry_config,
    internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, '2026-01-01', 1, 'https://nd.example', 'nd', '{}', r.id, '[]', 1, 60
FROM quay."user" AS o, quay."user" AS r WHERE o.username = 'nd-gone' AND r.username = 'nd-gone+mirror';
INSERT INTO quay.orgmirrorrepository (org_mirror_config_id, repository_name, repository_id, discovery_date, creation_date)
SELECT c.id, r.name, r.id, '2026-01-01', '2026-01-01' FROM quay.orgmirrorconfig AS c JOIN quay.repository AS r ON r.namespace_user_id = c.organization_id WHERE r.name = 'a';
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
SELECT 'nd', r.id, '2026-01-01', 1, '["*"]' FROM quay.repository AS r JOIN quay."user" AS o ON o.id = r.namespace_user_id WHERE o.username = 'nd-gone' AND r.name = 'b';
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value, left_child_id)
SELECT 'nd-2', r.repository_id, '2026-01-01', 1, '["*"]', r.id FROM quay.repomirrorrule AS r WHERE r.uuid = 'nd';
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config, sync_status, root_rule_id,
    external_reference)
SELECT r.repository_id, '2026-01-01', true, 1, u.id, '{}', 0, r.id, 'x' FROM quay.repomirrorrule AS r, quay."user" AS u WHERE r.uuid = 'nd-2' AND u.username = 'nd-gone+mirror';
UPDATE quay.repository SET state = CASE name WHEN 'a' THEN 4 WHEN 'b' THEN 2 ELSE 1 END
WHERE namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'nd-gone');
INSERT INTO quay.teammemberinvite (user_id, team_id, inviter_id, invite_token)
SELECT u.id, t.id, a.id, 'urn:teaminvite:nd' FROM quay."user" AS u, quay."user" AS a, quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
WHERE u.username = 'nd-dave' AND a.username = 'nd-alice' AND o.username = 'nd-gone';
SELECT quay_internal.notification_add('org_team_invite', u.id, '{"code": "urn:teaminvite:nd", "org": "nd-gone"}') IS NOT NULL AS invited,
       quay_internal.notification_add('assigned_authorization', u.id, '{"uuid": "nd"}') IS NOT NULL AS assigned,
       quay_internal.notification_add('password_required', u.id) IS NOT NULL AS other FROM quay."user" AS u WHERE u.username = 'nd-dave';
SELECT * FROM pg_temp.left_of('nd-gone');
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-gone', actor => 'nd-alice')$$);
-- Nobody is told of an invitation or a token that is gone.
SELECT k.name AS notified FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id JOIN quay."user" AS u ON u.id = n.target_id
WHERE u.username = 'nd-dave';
SELECT * FROM pg_temp.left_of('nd-gone');
SELECT * FROM pg_temp.left_of('nd-dave');
SELECT r.name, r.state FROM quay.repository AS r JOIN quay.deletednamespace AS d ON d.namespace_id = r.namespace_user_id WHERE d.original_username = 'nd-gone' ORDER BY r.name;
SELECT k.name, l.metadata_json FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
JOIN quay.deletednamespace AS d ON d.namespace_id = l.account_id WHERE d.original_username = 'nd-gone' AND k.name = 'org_delete';

-- A person who is not the only administrator goes from teams, and the build triggers that it set up with it, but no builds.
SELECT quay.repository_create('nd-pair', 'app', 'nd-bob') IS NOT NULL AS repository;
INSERT INTO quay.accesstoken (repository_id, created, role_id, temporary, token_code, token_name, friendly_name)
SELECT r.id, '2026-01-01', 1, false, '', 'nd-' || n, n FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, unnest(ARRAY['build', 'write']) AS n
WHERE u.username = 'nd-pair';
INSERT INTO quay.repositorybuildtrigger (uuid, service_id, repository_id, connected_user_id, config, write_token_id)
SELECT 'nd', 1, t.repository_id, u.id, '{}', t.id FROM quay.accesstoken AS t, quay."user" AS u WHERE t.token_name = 'nd-write' AND u.username = 'nd-bob';
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name, trigger_id)
SELECT 'nd', t.repository_id, t.id, '{}', 'complete', '2026-01-01', 'nd', g.id FROM quay.accesstoken AS t, quay.repositorybuildtrigger AS g WHERE t.token_name = 'nd-build' AND g.uuid = 'nd';
SELECT pg_temp.try($$SELECT quay.namespace_mark_deletion('nd-bob', actor => 'nd-bob')$$);
SELECT * FROM pg_temp.left_of('nd-bob');
SELECT b.uuid, b.trigger_id, t.friendly_name FROM quay.repositorybuild AS b JOIN quay.accesstoken AS t ON t.id = b.access_token_id WHERE b.uuid = 'nd';
SELECT count(*) AS triggers, (SELECT count(*) FROM quay.accesstoken WHERE token_name = 'nd-write') AS write_tokens FROM quay.repositorybuildtrigger WHERE uuid = 'nd';
SELECT organization FROM quay.namespace_sole_admin_list('nd-alice');

-- Delays: the one given; grace for listed names only, and not with force. What belongs to the namespace then stays until the purge.
SET LOCAL quay.namespace_gc_grace_period = '2d';
INSERT INTO quay.deletion_grace_namespace VALUES ('nd-dave'), ('nd-solo');
SELECT count(quay.user_create(n, 'password', n || '@nd.example')) FROM unnest(ARRAY['nd-u1', 'nd-u2', 'nd-u3']) AS n;
INSERT INTO quay.deletion_grace_namespace VALUES ('nd-u2');
SELECT count(quay.namespace_mark_deletion('nd-solo', force => true)), count(quay.namespace_mark_deletion('nd-dave')),
       count(quay.namespace_mark_deletion('nd-u1')), count(quay.namespace_mark_deletion('nd-u2', delay => '1 hour')),
       count(quay.namespace_mark_deletion('nd-u3', delay => '-1 hour'));
CREATE TEMPORARY TABLE earlier AS SELECT min(d.id) - 1 AS id FROM quay.deletednamespace AS d WHERE d.original_username LIKE 'nd%';
SELECT l.namespace, l.organization, l.marked, l.due FROM earlier AS e, quay.namespace_deletion_list(e.id) AS l;
SELECT * FROM pg_temp.left_of('nd-solo');
SELECT * FROM pg_temp.left_of('nd-dave');
SELECT error IS NOT NULL AS refused FROM quay.authenticate('nd-dave+ci', 'x');
-- The robots keep their names, and their rule holds.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT quay.namespace_purge(d.id) FROM quay.deletednamespace AS d WHERE d.original_username = 'nd-dave';
SELECT count(*) AS robots FROM quay."user" WHERE username LIKE 'nd-dave%';

-- The list, a page at a time; without its queue item a namespace would wait for ever, and the list shows it.
SELECT l.namespace FROM earlier AS e, quay.namespace_deletion_list(e.id, n => 2) AS l;
SELECT l.namespace FROM (SELECT max(l.marker_id) AS id FROM earlier AS e, quay.namespace_deletion_list(e.id, n => 2) AS l) AS p,
    quay.namespace_deletion_list(after => p.id, n => 2) AS l;
DELETE FROM quay.queueitem WHERE queue_name LIKE 'namespacegc/%';
SELECT count(*), count(l.due) FROM earlier AS e, quay.namespace_deletion_list(e.id) AS l;
SELECT pg_temp.try($$SELECT quay.namespace_deletion_list(n => -1)$$);

-- Should the reference application have let another namespace take the name, that one keeps its robots and what the name has.
UPDATE quay."user" SET username = 'nd-u1' WHERE username = 'ndax';
UPDATE quay."user" SET username = 'nd-u1+ci' WHERE username = 'ndax+ci';
INSERT INTO quay.public_namespace VALUES ('nd-u1');
SELECT quay.namespace_purge(d.id) FROM quay.deletednamespace AS d WHERE d.original_username = 'nd-u1';
SELECT username FROM quay."user" WHERE username LIKE 'nd-u1%' ORDER BY username;
SELECT count(*) AS listed FROM quay.public_namespace WHERE username = 'nd-u1';
ROLLBACK;
