-- access_filter_many() gives exactly those repositories for which access_check() says yes: every actor, action and a choice of scopes, over
-- a random registry with rows that the rules of today would refuse as well.
BEGIN;
SELECT setseed(0.2025) IS NOT NULL AS seeded;
SET LOCAL session_replication_role = replica;
CREATE SCHEMA filter;
INSERT INTO quay."user" (uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, enabled)
SELECT gen_random_uuid(), 'f-' || name, name || '@filter', true, name ~ '^o\d$', name LIKE '%+%', false, timestamp '2026-01-01', name <> ALL ('{u8,o4,o1+r2}')
FROM unnest('{u1,u2,u3,u4,u5,u6,u7,u8,o1,o2,o3,o4,u1+r1,u8+r1,o1+r1,o1+r2,o2+r1,o4+r1,gone+r1}'::text[]) AS name;
INSERT INTO quay.superuser (username, kind) VALUES ('f-u3', 'superuser'), ('f-u4', 'readonly'), ('f-u8', 'superuser'), ('f-o1+r1', 'superuser');
INSERT INTO quay.unrestricted_user (username) VALUES ('f-u2');
INSERT INTO quay.team (name, organization_id, role_id, description)
SELECT 't' || i, o.id, (SELECT id FROM quay.teamrole WHERE name = (ARRAY['admin', 'creator', 'member'])[1 + i % 3]), ''
FROM (SELECT id FROM quay."user" WHERE (organization OR username = 'f-u1') AND email LIKE '%@filter' ORDER BY id) AS o, generate_series(0, 3) AS i;
INSERT INTO quay.teammember (user_id, team_id)
SELECT u.id, t.id
FROM (SELECT id FROM quay."user" WHERE email LIKE '%@filter' ORDER BY id) AS u,
     (SELECT t.id FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@filter' ORDER BY t.id) AS t
WHERE random() < 0.15;
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, state)
SELECT n.id, 'r' || i, (SELECT id FROM quay.visibility WHERE name = CASE WHEN (n.id + i) % 4 = 0 THEN 'public' ELSE 'private' END), '',
       CASE WHEN random() < 0.5 THEN 0 ELSE i % 5 END
FROM (SELECT id FROM quay."user" WHERE email LIKE '%@filter' AND (NOT robot OR username = 'f-o1+r1') ORDER BY id) AS n, generate_series(1, 12) AS i;
CREATE TABLE filter.repository AS
SELECT r.id, n.username::text AS namespace, r.name::text, r.state, r.namespace_user_id FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.email LIKE '%@filter';
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + u.id) % 3])
FROM (SELECT id FROM filter.repository ORDER BY id) AS r, (SELECT id FROM quay."user" WHERE email LIKE '%@filter' ORDER BY id) AS u
WHERE random() < 0.1;
INSERT INTO quay.repositorypermission (repository_id, team_id, role_id)
SELECT r.id, t.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + t.id) % 3])
FROM (SELECT id FROM filter.repository ORDER BY id) AS r,
     (SELECT t.id FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@filter' ORDER BY t.id) AS t
WHERE random() < 0.1;
-- Mirrors, most of them with a robot that may write.
WITH rule AS (
    INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value)
    SELECT 'filter-' || id, id, timestamp '2026-01-01', 1, '[]' FROM filter.repository WHERE state = 2 AND id % 4 <> 0
    RETURNING id, repository_id)
INSERT INTO quay.repomirrorconfig (repository_id, creation_date, is_enabled, mirror_type, internal_robot_id, external_registry_config,
                                   sync_status, root_rule_id, external_reference)
SELECT rule.repository_id, timestamp '2026-01-01', true, 1, (SELECT id FROM quay."user" WHERE username = 'f-o1+r1'), '{}', 0, rule.id, 'x' FROM rule;
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace,
                                  external_registry_config, internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT o.id, timestamp '2026-01-01', 1, 'x', 'x', '{}', (SELECT id FROM quay."user" WHERE username = 'f-o2+r1'), '[]',
       (SELECT id FROM quay.visibility WHERE name = 'private'), 60
FROM quay."user" AS o WHERE o.username IN ('f-o1', 'f-o2');
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = 'write')
FROM filter.repository AS r, quay."user" AS u WHERE r.state IN (2, 4) AND u.username IN ('f-o1+r1', 'f-o2+r1') AND r.id % 3 <> 0
ON CONFLICT DO NOTHING;
SET LOCAL session_replication_role = origin;

CREATE TABLE filter.request AS
SELECT a.actor, s.scopes, c.action
FROM (SELECT username::text FROM quay."user" WHERE email LIKE '%@filter' UNION ALL VALUES ('f-nobody'), (NULL)) AS a (actor),
     (VALUES (NULL), ('repo:read'), ('repo:write'), ('user:read,repo:admin'), ('super:user'), ('repo:read super:user'), (''), ('repo:wirte'),
             ('repository:f-o1/r1:pull,push repository:f-u1/r2:*'), ('repo:read repository:f-o3/r4:pull,push')) AS s (scopes),
     (VALUES ('read'), ('write'), ('admin')) AS c (action);
-- Of each request the difference of both, once for all repositories together, once for a handful: the two take different ways.
CREATE FUNCTION filter.differences(OUT requests bigint, OUT granted boolean, OUT refused boolean, OUT differences bigint, OUT differences_of_few bigint)
    LANGUAGE sql STABLE AS $$
    SELECT count(*), sum(cardinality(e.ids)) > 1000, sum(cardinality(i.ids) - cardinality(e.ids)) > 1000,
           count(*) FILTER (WHERE e.ids IS DISTINCT FROM quay.access_filter_many(q.actor, i.ids, q.action, q.scopes)),
           count(*) FILTER (WHERE f.ids IS DISTINCT FROM quay.access_filter_many(q.actor, i.ids[20:40], q.action, q.scopes))
    FROM filter.request AS q,
         (SELECT array_agg(id ORDER BY md5(id::text)) AS ids FROM filter.repository) AS i,
         LATERAL (SELECT coalesce(array_agg(r.id ORDER BY u.position), '{}') AS ids
                  FROM unnest(i.ids) WITH ORDINALITY AS u (id, position) JOIN filter.repository AS r ON r.id = u.id
                  WHERE quay.access_check(q.actor, r.namespace, r.name, q.action, q.scopes)) AS e,
         LATERAL (SELECT coalesce(array_agg(u.id ORDER BY u.position) FILTER (WHERE u.id = ANY (i.ids[20:40])), '{}') AS ids
                  FROM unnest(e.ids) WITH ORDINALITY AS u (id, position)) AS f $$;
SELECT * FROM filter.differences();
SET LOCAL quay.anonymous_access = off;
SET LOCAL quay.superusers_full_access = on;
SELECT * FROM filter.differences();
SET LOCAL quay.restricted_users = on;
SET LOCAL quay.superusers = off;
SELECT * FROM filter.differences();
RESET quay.superusers;
RESET quay.anonymous_access;
SET LOCAL quay.rights_cache_size = 0;
SET LOCAL quay.entity_cache_size = 0;
SELECT * FROM filter.differences();

-- Order and repetitions stay; what is NULL or unknown goes.
SELECT quay.access_filter_many('f-u4', ARRAY[p.b, NULL, p.a, -1, 9007199254740991, p.b]) = ARRAY[p.b, p.a, p.b] AS kept
FROM (SELECT min(id) AS a, max(id) AS b FROM filter.repository WHERE state = 0 AND namespace IN ('f-u1', 'f-o1')) AS p;
SELECT quay.access_filter_many('f-u1', '{}'), quay.access_filter_many('f-u1', NULL), quay.access_filter_many(NULL, '{NULL,-1}');
\set VERBOSITY default
SELECT quay.access_filter_many('f-u1', '{1}', 'push');
ROLLBACK;
