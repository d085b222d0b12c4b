-- A registry of :repositories repositories, twenty in a namespace, every tenth public, and one user, "viewer", who sees 1,000 of them,
-- scattered evenly: 100 of his own, 200 of an organization that he administers, 200 with a permission of his own, and 500 through 50 teams
-- of 50 organizations. "broad" is in 50 teams that see 1,000 repositories each. Straight into the tables, without triggers, which would not
-- let a team hold permissions outside its organization.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
SET session_replication_role = replica;

BEGIN;
INSERT INTO quay."user" (id, uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, creation_date)
SELECT 10000 + n, gen_random_uuid(), 'org' || n, n || '@example.com', true, true, false, false, now(), now()
FROM generate_series(1, :repositories / 20) AS n
UNION ALL
SELECT 2000 + n, gen_random_uuid(), name, name || '@example.com', true, name = 'administered', false, false, now(), now()
FROM unnest('{viewer,administered,broad}'::text[]) WITH ORDINALITY AS u (name, n);

INSERT INTO quay.repository (id, namespace_user_id, name, visibility_id, badge_token, state)
SELECT 10000 + n,
       CASE n % (:repositories / 200) WHEN 1 THEN CASE WHEN n % (:repositories / 100) = 1 THEN 2001 ELSE 10001 END
                                      WHEN 2 THEN 2002
                                      ELSE 10001 + n * 7919::bigint % (:repositories / 20) END,
       'repository-' || n,
       (SELECT id FROM quay.visibility WHERE name = CASE WHEN n % 10 = 0 THEN 'public' ELSE 'private' END), '', 0
FROM generate_series(1, :repositories) AS n;
INSERT INTO quay.repositorysearchscore (repository_id, score)
SELECT id, abs(hashint8(id)::bigint) % 1000 FROM quay.repository;

-- Teams 1 to 50 are the viewer's, 51 to 100 those of "broad". One of them has the role admin.
INSERT INTO quay.team (id, name, organization_id, role_id, description)
SELECT 2000 + t, 'team' || t, 10000 + t, (SELECT id FROM quay.teamrole WHERE name = 'member'), '' FROM generate_series(1, 100) AS t
UNION ALL
SELECT 2000, 'owners', 2002, (SELECT id FROM quay.teamrole WHERE name = 'admin'), '';
INSERT INTO quay.teammember (team_id, user_id)
SELECT 2000 + t, CASE WHEN t <= 50 THEN 2001 ELSE 2003 END FROM generate_series(0, 100) AS t;
INSERT INTO quay.repositorypermission (user_id, team_id, repository_id, role_id)
SELECT p.user_id, p.team_id, r.id, (SELECT id FROM quay.role WHERE name = 'read')
FROM (SELECT 2001, NULL::integer, n * (:repositories / 200) + 3 FROM generate_series(0, 199) AS n
      UNION ALL
      SELECT NULL, 2000 + t, n * (:repositories / 10) + 3 + t FROM generate_series(1, 50) AS t, generate_series(0, 9) AS n
      UNION ALL
      SELECT NULL, 2050 + t, n * (:repositories / 1000) + t % (:repositories / 1000) + 1
      FROM generate_series(1, 50) AS t, generate_series(0, 999) AS n) AS p (user_id, team_id, n)
JOIN quay.repository AS r ON r.id = 10000 + p.n
ON CONFLICT DO NOTHING;
COMMIT;
VACUUM ANALYZE;
