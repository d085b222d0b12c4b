\set n random(100001, 100000 + :namespaces)
\set r random(1, :repositories)
\set t random(1, 20)
\set u 200001 + (:n - 100000) % :namespaces
SELECT EXISTS (SELECT FROM quay."user" AS o JOIN quay.repository AS r ON r.namespace_user_id = o.id WHERE o.username = :n AND o.enabled AND r.name = :r AND r.state <> 3 AND (r.visibility_id = 1 OR EXISTS (SELECT FROM quay."user" AS u WHERE u.username = :u AND u.enabled AND (u.id = o.id OR EXISTS (SELECT FROM quay.repositorypermission AS p WHERE p.repository_id = r.id AND p.user_id = u.id) OR EXISTS (SELECT FROM quay.repositorypermission AS p JOIN quay.teammember AS m ON m.team_id = p.team_id WHERE p.repository_id = r.id AND m.user_id = u.id) OR EXISTS (SELECT FROM quay.team AS t JOIN quay.teammember AS m ON m.team_id = t.id JOIN quay.teamrole AS tr ON tr.id = t.role_id WHERE t.organization_id = o.id AND m.user_id = u.id AND tr.name = 'admin')))));
