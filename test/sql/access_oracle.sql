-- access_check() against the same rules written down a second time, in plain SQL, over a random registry: every actor in every
-- repository, with every action and a choice of scopes.
BEGIN;
SELECT setseed(0.4711) IS NOT NULL AS seeded;
CREATE SCHEMA oracle;
-- Rows that the rules of the tables would refuse today, but that may be there.
SET LOCAL session_replication_role = replica;

-- People u1..u16 (u15, u16 disabled), organizations o1..o4 (o4 disabled), a robot or two of each namespace, one robot without an owner.
INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login, enabled)
SELECT 'u' || i, 'u' || i || '@oracle', true, false, false, false, timestamp '2024-01-01', i < 15 FROM generate_series(1, 16) AS i
UNION ALL
SELECT 'o' || i, 'o' || i || '@oracle', true, true, false, false, timestamp '2024-01-01', i < 4 FROM generate_series(1, 4) AS i
UNION ALL
SELECT o || '+r' || i, o || i || '@oracle.robot', true, false, true, false, timestamp '2024-01-01', NOT (o = 'o1' AND i = 2)
FROM unnest('{u1,u2,u15,o1,o2,o4,gone}'::text[]) AS o, generate_series(1, 2) AS i;

INSERT INTO quay.superuser (username, kind) VALUES ('u3', 'superuser'), ('u4', 'readonly'), ('u16', 'superuser'), ('o1+r1', 'superuser');

INSERT INTO quay.team (name, organization_id, role_id, description)
SELECT 't' || i, o.id, (SELECT id FROM quay.teamrole WHERE name = (ARRAY['admin', 'creator', 'member'])[1 + i % 3]), ''
FROM (SELECT id FROM quay."user" WHERE organization AND email LIKE '%@oracle' ORDER BY id) AS o, generate_series(0, 3) AS i;
INSERT INTO quay.teammember (user_id, team_id)
SELECT u.id, t.id
FROM (SELECT id FROM quay."user" WHERE NOT organization AND email LIKE '%@oracle%' ORDER BY id) AS u,
     (SELECT t.id FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@oracle' ORDER BY t.id) AS t
WHERE random() < 0.12;

INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, state)
SELECT n.id, 'r' || i, (SELECT id FROM quay.visibility WHERE name = CASE WHEN (n.id + i) % 4 = 0 THEN 'public' ELSE 'private' END), '',
       CASE WHEN random() < 0.4 THEN 0 ELSE 1 + i % 4 END
FROM (SELECT id FROM quay."user" WHERE username IN ('u1', 'u2', 'u15', 'o1', 'o2', 'o3', 'o4') ORDER BY id) AS n, generate_series(0, 5) AS i;
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + u.id) % 3])
FROM (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.email LIKE '%@oracle' ORDER BY r.id) AS r,
     (SELECT id FROM quay."user" WHERE email LIKE '%@oracle%' ORDER BY id) AS u
WHERE random() < 0.1;
INSERT INTO quay.repositorypermission (repository_id, team_id, role_id)
SELECT r.id, t.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + t.id) % 3])
FROM (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.email LIKE '%@oracle' ORDER BY r.id) AS r,
     (SELECT t.id FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@oracle' ORDER BY t.id) AS t
WHERE random() < 0.15;

-- Mirrors: a robot for most of the repositories, and for two organizations.
WITH rule AS (
    INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
    SELECT 'oracle-' || id, id, timestamp '2024-01-01', 1, '[]' FROM quay.repository WHERE state = 2 AND name LIKE 'r%' AND id % 5 <> 0
    RETURNING id, repository_id)
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config,
                                   sync_status, root_rule_id, external_reference)
SELECT rule.repository_id, timestamp '2024-01-01', true, 1, (SELECT id FROM quay."user" WHERE username = n.username || '+r1'), '{}', 0, rule.id, 'x'
FROM rule JOIN quay.repository AS r ON r.id = rule.repository_id JOIN quay."user" AS n ON n.id = r.namespace_user_id
WHERE n.username <> 'o3';
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace,
                                  external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, timestamp '2024-01-01', 1, 'x', 'x', '{}', (SELECT id FROM quay."user" WHERE username = o.username || '+r1'), '[]',
       (SELECT id FROM quay.visibility WHERE name = 'private'), 60
FROM quay."user" AS o WHERE o.username IN ('o1', 'o2');
-- The mirrors' robots have the right to write, in most of their repositories.
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = 'write')
FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id JOIN quay."user" AS u ON u.username = n.username || '+r1'
WHERE r.state IN (2, 4) AND r.id % 3 <> 0
ON CONFLICT DO NOTHING;

SET LOCAL session_replication_role = origin;

-- The rules again. level: 0 nothing, 1 read, 2 write, 3 admin.
CREATE FUNCTION oracle.level(name text) RETURNS integer LANGUAGE sql IMMUTABLE
    AS $$ SELECT coalesce(array_position(ARRAY['read', 'write', 'admin'], name), 0) $$;

CREATE TABLE oracle.credential AS
SELECT a.name AS actor, s.scopes, s.cap, s.super, s.valid
FROM (SELECT username AS name FROM quay."user" WHERE email LIKE '%@oracle%' UNION ALL VALUES ('nobody'), (NULL)) AS a,
     (VALUES (NULL, 3, true, true), ('repo:read', 1, false, true), ('repo:write', 2, false, true),
             ('user:read,repo:admin', 3, false, true), ('super:user', 0, true, true), ('repo:read super:user', 1, true, true),
             ('repo:create org:admin', 0, false, true), ('', 0, false, false), ('repo:admin repo:wirte', 0, false, false))
         AS s (scopes, cap, super, valid);

CREATE TABLE oracle.repository AS
SELECT n.username AS namespace, r.name AS repository, n.id AS namespace_id, r.id AS repository_id, coalesce(n.enabled, true) AS enabled,
       coalesce(r.state, 0) AS state, coalesce(v.name = 'public', false) AS public
FROM quay."user" AS n JOIN quay.repository AS r ON r.namespace_user_id = n.id JOIN quay.visibility AS v ON v.id = r.visibility_id
WHERE n.email LIKE '%@oracle'
UNION ALL
SELECT username, 'missing', id, NULL, enabled, 0, false FROM quay."user" WHERE email LIKE '%@oracle%' AND NOT robot
UNION ALL
SELECT 'nowhere', 'missing', NULL, NULL, true, 0, false;

CREATE FUNCTION oracle.decisions() RETURNS TABLE (actor text, namespace text, repository text, action text, scopes text, allowed boolean)
    LANGUAGE sql STABLE AS $$
    WITH who AS (
        SELECT c.*, u.id,
               c.valid AND u.enabled AND NOT u.organization
               AND (NOT u.robot OR EXISTS (SELECT FROM quay."user" AS o
                                           WHERE o.username = split_part(u.username, '+', 1) AND NOT o.robot AND o.enabled)) AS known
        FROM oracle.credential AS c LEFT JOIN quay."user" AS u ON u.username = c.actor
    ), role AS (
        SELECT p.repository_id, p.user_id, oracle.level(o.name) AS level
        FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id WHERE p.user_id IS NOT NULL
        UNION ALL
        SELECT p.repository_id, m.user_id, oracle.level(o.name)
        FROM quay.repositorypermission AS p JOIN quay.role AS o ON o.id = p.role_id JOIN quay.teammember AS m ON m.team_id = p.team_id
    ), held AS (
        SELECT repository_id, user_id, max(level) AS level FROM role GROUP BY 1, 2
    ), administered AS (
        SELECT DISTINCT t.organization_id, m.user_id
        FROM quay.team AS t JOIN quay.teamrole AS o ON o.id = t.role_id AND o.name = 'admin' JOIN quay.teammember AS m ON m.team_id = t.id
    ), mirror AS (
        SELECT r.repository_id, CASE r.state WHEN 2 THEN c.internal_robot_id ELSE o.internal_robot_id END AS robot_id
        FROM oracle.repository AS r
        LEFT JOIN quay.repomirrorconfig AS c ON c.repository_id = r.repository_id
        LEFT JOIN quay.orgmirrorconfig AS o ON o.organization_id = r.namespace_id
        WHERE r.state IN (2, 4)
    ), setting AS (
        SELECT quay_internal.setting('anonymous_access')::boolean AS anonymous, quay_internal.setting('superusers_full_access')::boolean AS full_access
    )
    SELECT w.actor, r.namespace, r.repository, a.name, w.scopes,
           r.enabled AND r.state <> 3
           AND CASE WHEN a.name <> 'write' OR r.state = 0 THEN true
                    WHEN r.state IN (2, 4) THEN coalesce(m.robot_id = w.id AND w.known, false)
                    ELSE false END
           AND (a.name = 'read' AND r.public AND (s.anonymous OR coalesce(w.known, false))
                OR coalesce(w.known, false)
                   AND (least(w.cap, greatest(h.level, CASE WHEN d.user_id IS NOT NULL OR r.namespace_id = w.id THEN 3 ELSE 0 END)) >= oracle.level(a.name)
                        OR coalesce(su.kind = 'readonly', false) AND a.name = 'read'
                        OR coalesce(su.kind = 'superuser', false) AND s.full_access AND w.super))
    FROM who AS w CROSS JOIN oracle.repository AS r CROSS JOIN (VALUES ('read'), ('write'), ('admin')) AS a (name) CROSS JOIN setting AS s
    LEFT JOIN held AS h ON h.repository_id = r.repository_id AND h.user_id = w.id
    LEFT JOIN administered AS d ON d.organization_id = r.namespace_id AND d.user_id = w.id
    LEFT JOIN mirror AS m ON m.repository_id = r.repository_id
    LEFT JOIN quay.superuser AS su ON su.username = w.actor
$$;

ANALYZE oracle.credential, oracle.repository;

-- Each right is there, and so is each state.
SELECT state, count(*) > 0 AS some, bool_or(public) AS a_public_one FROM oracle.repository WHERE repository_id IS NOT NULL GROUP BY state ORDER BY state;
SELECT action, allowed, count(*) > 50 AS many FROM oracle.decisions() GROUP BY 1, 2 ORDER BY 1, 2;

\set differences 'SELECT d.action, d.allowed AS expected, count(*), min(concat_ws(\' \', d.actor, d.namespace, d.repository, d.scopes)) AS example FROM oracle.decisions() AS d WHERE quay.access_check(d.actor, d.namespace, d.repository, d.action, d.scopes) <> d.allowed GROUP BY 1, 2 ORDER BY 1, 2'
:differences;
SET LOCAL quay.anonymous_access = off;
:differences;
SET LOCAL quay.superusers_full_access = on;
:differences;
SET LOCAL quay.anonymous_access = on;
:differences;

-- The explanation gives the same answer: its last row decides, and grants something exactly when the answer is yes.
SELECT count(*) AS wrong_explanations
FROM (SELECT * FROM oracle.decisions() WHERE scopes IS NULL OR scopes = 'repo:write') AS d
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE decided) AS deciding, max(step) FILTER (WHERE decided) AS at, max(step) AS steps,
           count(*) AS rows, bool_or(decided AND grants <> 'none') AS allowed
    FROM quay.access_explain(d.actor, d.namespace, d.repository, d.action, d.scopes)) AS e
WHERE e.deciding <> 1 OR e.at <> e.steps OR e.rows <> e.steps OR e.allowed <> d.allowed;

ROLLBACK;
