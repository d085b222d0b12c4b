-- repository_list_visible(): the rules one by one, then against a slow definition over a random registry, page by page.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL client_min_messages = warning;
-- Runs a statement and shows how it fails.
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, message, detail, hint);
END $$;

-- rl-ann owns a namespace and, with rl-org, an organization; rl-bob made a repository in hers; rl-cy is in teams; rl-dan has nothing.
DO $$ BEGIN
    PERFORM quay.user_create(u, 'a-password', u || '@example.com') FROM unnest('{rl-ann,rl-bob,rl-cy,rl-dan}'::text[]) AS u;
    PERFORM quay.organization_create('rl-org', 'rl-org@example.com', 'rl-ann');
    PERFORM quay.team_create('rl-org', 'readers', 'member');
    PERFORM quay.team_create('rl-org', 'makers', 'creator');
    PERFORM quay.team_member_add('rl-org', 'readers', 'rl-cy');
    PERFORM quay.team_member_add('rl-org', 'makers', 'rl-cy');
    PERFORM quay.repository_create('rl-ann', 'own', 'rl-ann');
    PERFORM quay.repository_create('rl-ann', 'open', 'rl-ann', 'public');
    PERFORM quay.repository_create('rl-ann', 'by-bob', 'rl-bob');
    PERFORM quay.repository_create('rl-org', 'shared', 'rl-ann');
    PERFORM quay.repository_create('rl-org', 'secret', 'rl-ann');
    PERFORM quay.repository_create('rl-org', 'open', 'rl-ann', 'public', 'for everybody');
    PERFORM quay.repository_create('rl-org', 'app', 'rl-ann', kind => 'application');
    PERFORM quay.permission_set('rl-org', 'shared', 'team', 'readers', 'write');
    PERFORM quay.robot_create('rl-org', 'bot');
    PERFORM quay.permission_set('rl-org', 'secret', 'user', 'rl-org+bot', 'read');
END $$;
-- Nobody's right in it any more but the owner's.
DELETE FROM quay.repositorypermission AS p USING quay."user" AS u WHERE u.id = p.user_id AND u.username = 'rl-bob';
CREATE FUNCTION pg_temp.list(actor text, namespace text DEFAULT NULL, kind text DEFAULT 'image', include_public boolean DEFAULT false,
                             starred boolean DEFAULT false, after bigint DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL)
    RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(concat(l.namespace, '/', l.name, CASE WHEN l.can_admin THEN '!' END, CASE WHEN l.can_write THEN '+' END,
                             CASE WHEN l.is_starred THEN '*' END), ' ')
    FROM quay.repository_list_visible(list.actor, list.namespace, list.kind, list.include_public, list.starred, list.after, list.n, list.scopes) AS l
    WHERE l.namespace LIKE 'rl-%' $$;

-- the owner of a namespace sees all of it, also what somebody else made; ! administers, + writes
SELECT pg_temp.list('rl-ann');
SELECT pg_temp.list('rl-bob'), pg_temp.list('rl-cy'), pg_temp.list('rl-dan'), pg_temp.list('rl-org+bot');
-- an organization, somebody unknown and anonymous have no rights of their own
SELECT pg_temp.list('rl-org'), pg_temp.list('rl-nobody'), pg_temp.list(NULL);
-- public ones
SELECT pg_temp.list('rl-cy', include_public => true), pg_temp.list(NULL, include_public => true);
SET LOCAL quay.anonymous_access = off;
SELECT pg_temp.list('rl-cy', include_public => true), pg_temp.list(NULL, include_public => true), pg_temp.list('rl-nobody', include_public => true);
SET LOCAL quay.anonymous_access = on;
-- all columns
SELECT namespace, name, description, visibility, kind, state, can_write, can_admin, is_starred, score
FROM quay.repository_list_visible('rl-ann', 'rl-org', kind => NULL);
-- one namespace
SELECT pg_temp.list('rl-ann', 'rl-ann'), pg_temp.list('rl-cy', 'rl-org'), pg_temp.list('rl-cy', 'rl-ann');
SELECT pg_temp.list('rl-cy', 'rl-org', include_public => true), pg_temp.list(NULL, 'rl-org', include_public => true);
SELECT pg_temp.list('rl-ann', 'rl-none'), pg_temp.list('rl-ann', 'rl-org+bot');
-- kinds
SELECT pg_temp.list('rl-ann', kind => 'application'), pg_temp.list('rl-ann', 'rl-org', NULL), pg_temp.list('rl-cy', kind => 'application');
-- scopes limit rights, and leave what is public
SELECT pg_temp.list('rl-ann', scopes => 'repo:read'), pg_temp.list('rl-ann', scopes => 'repo:write');
SELECT pg_temp.list('rl-ann', scopes => 'user:read'), pg_temp.list('rl-ann', scopes => 'user:read', include_public => true);
SELECT pg_temp.list('rl-ann', scopes => 'no:such'), pg_temp.list('rl-ann', scopes => ''), pg_temp.list('rl-ann', scopes => '', include_public => true);
-- scopes that name a repository: the right itself of a token without a user, else a limit
SELECT pg_temp.list(NULL, scopes => 'repository:rl-org/secret:pull'), pg_temp.list('rl-ann', scopes => 'repository:rl-org/secret:pull,push');
SELECT pg_temp.list('rl-dan', scopes => 'repository:rl-org/secret:pull'), pg_temp.list(NULL, scopes => 'repository:rl-org/none:pull');
-- read-only and mirrored ones are listed, but nobody writes by hand; what is marked for deletion is gone
SELECT quay.repository_set_state('rl-ann', 'own', 'read_only');
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'rl-ann' AND r.name = 'open';
SELECT pg_temp.list('rl-ann', 'rl-ann'), pg_temp.list('rl-ann', include_public => true);
SELECT name, state, can_write, can_admin FROM quay.repository_list_visible('rl-ann', 'rl-ann');
-- stars: of what may still be read, public or not
INSERT INTO quay.star (user_id, repository_id, created)
SELECT u.id, r.id, timestamp '2026-03-01' FROM quay."user" AS u, quay.repository AS r JOIN quay."user" AS o ON o.id = r.namespace_user_id
WHERE u.username = 'rl-cy' AND o.username = 'rl-org' AND r.name IN ('shared', 'secret', 'open');
SELECT pg_temp.list('rl-cy', starred => true), pg_temp.list('rl-cy'), pg_temp.list(NULL, starred => true), pg_temp.list('rl-dan', starred => true);
SELECT pg_temp.list('rl-cy', 'rl-org', starred => true), pg_temp.list('rl-cy', 'rl-ann', starred => true);
SELECT quay.team_member_remove('rl-org', 'readers', 'rl-cy');
SELECT pg_temp.list('rl-cy', starred => true);
-- superusers
INSERT INTO quay.superuser (username, kind) VALUES ('rl-dan', 'readonly'), ('rl-bob', 'superuser');
SELECT pg_temp.list('rl-dan'), pg_temp.list('rl-dan', 'rl-org', scopes => 'user:read');
SELECT pg_temp.list('rl-bob');
SET LOCAL quay.superusers_full_access = on;
SELECT pg_temp.list('rl-bob'), pg_temp.list('rl-bob', 'rl-org', scopes => 'repo:read'), pg_temp.list('rl-bob', 'rl-org', scopes => 'super:user');
SET LOCAL quay.superusers = off;
SELECT pg_temp.list('rl-bob'), pg_temp.list('rl-dan', 'rl-ann');
RESET quay.superusers;
SET LOCAL quay.superusers_full_access = off;
-- a disabled namespace, for superusers too
UPDATE quay."user" SET enabled = false WHERE username = 'rl-org';
SELECT pg_temp.list('rl-ann'), pg_temp.list('rl-dan'), pg_temp.list('rl-dan', 'rl-org'), pg_temp.list('rl-org+bot'), pg_temp.list('rl-cy', include_public => true);
-- errors
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_list_visible('rl-ann', kind => 'chart')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_list_visible('rl-ann', n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_list_visible('rl-ann', n => NULL)$$);
SELECT count(*) FROM quay.repository_list_visible('rl-ann', n => 0);
ROLLBACK;

-- A random registry: rights of all sorts first, while everything is private, to find out who has one; then some become public.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT setseed(0.1234) IS NOT NULL AS seeded;
CREATE SCHEMA slow;
INSERT INTO quay."user" (uuid, username, email, verified, organization, robot, invoice_email, last_invalid_login, enabled)
SELECT gen_random_uuid(), name, name || '@slow', true, name LIKE 'org%', name LIKE '%+%', false, timestamp '2026-01-01', name <> ALL ('{org-off,off}')
FROM unnest('{a,a-b,a.b,ab,b,reader,super,off,org,org-1,org.2,org1,org-off,org+bot,a+bot,off+bot}'::text[]) AS name;
INSERT INTO quay.superuser (username, kind) VALUES ('reader', 'readonly'), ('super', 'superuser');
INSERT INTO quay.team (name, organization_id, role_id, description)
SELECT 't' || i, o.id, (SELECT id FROM quay.teamrole WHERE name = (ARRAY['admin', 'creator', 'member', 'member'])[1 + i % 4]), ''
FROM (SELECT id FROM quay."user" WHERE organization AND email LIKE '%@slow' ORDER BY id) AS o, generate_series(0, 6) AS i;
INSERT INTO quay.teammember (user_id, team_id)
SELECT u.id, t.id
FROM (SELECT id, username FROM quay."user" WHERE NOT organization AND email LIKE '%@slow' ORDER BY id) AS u,
     (SELECT t.id, o.username FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@slow' ORDER BY t.id) AS t
WHERE random() < 0.13 AND u.username !~ '\+';
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token, kind_id, state)
SELECT n.id, (ARRAY['app', 'app-x', 'app/x', 'z', 'a', 'b', 'c', 'd'])[1 + i % 8] || i, (SELECT id FROM quay.visibility WHERE name = 'private'), '',
       (SELECT id FROM quay.repositorykind WHERE name = CASE WHEN (n.id + i) % 9 = 0 THEN 'application' ELSE 'image' END),
       CASE WHEN random() < 0.8 THEN 0 ELSE (ARRAY[1, 3])[1 + i % 2] END
FROM generate_series(0, 11) AS i, (SELECT id FROM quay."user" WHERE NOT robot AND email LIKE '%@slow' ORDER BY id) AS n;
CREATE VIEW slow.repository AS
SELECT r.id, n.username::text AS namespace, r.name::text, r.state, k.name::text AS kind, v.name::text AS visibility
FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id
JOIN quay.repositorykind AS k ON k.id = r.kind_id JOIN quay.visibility AS v ON v.id = r.visibility_id;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + u.id) % 3])
FROM (SELECT r.id, n.id AS owner_id, n.username AS owner FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.email LIKE '%@slow' ORDER BY r.id) AS r,
     (SELECT id, username FROM quay."user" WHERE NOT organization AND email LIKE '%@slow' ORDER BY id) AS u
WHERE random() < 0.12 AND (u.username !~ '\+' OR split_part(u.username, '+', 1) = r.owner);
INSERT INTO quay.repositorypermission (repository_id, team_id, role_id)
SELECT r.id, t.id, (SELECT id FROM quay.role WHERE name = (ARRAY['admin', 'write', 'read'])[1 + (r.id + t.id) % 3])
FROM (SELECT r.id, n.id AS owner_id FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.email LIKE '%@slow' ORDER BY r.id) AS r,
     (SELECT t.id, t.organization_id FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id AND o.email LIKE '%@slow' ORDER BY t.id) AS t
WHERE random() < 0.3 AND t.organization_id = r.owner_id;

CREATE TABLE slow.credential AS
SELECT u.username::text AS actor, s.scopes
FROM (SELECT username FROM quay."user" WHERE email LIKE '%@slow' UNION ALL VALUES ('nobody'), (NULL)) AS u,
     (VALUES (NULL), ('repo:read'), ('user:read'), ('bad')) AS s (scopes);
-- Who has a right, whatever is public?
CREATE TABLE slow.right AS
SELECT c.actor, c.scopes, r.id, r.namespace, r.name, r.kind
FROM slow.credential AS c, slow.repository AS r
WHERE quay.access_check(c.actor, r.namespace, r.name, 'read', c.scopes);
UPDATE quay.repository AS r SET visibility_id = (SELECT id FROM quay.visibility WHERE name = 'public')
FROM quay."user" AS n WHERE n.id = r.namespace_user_id AND n.email LIKE '%@slow' AND r.id % 5 = 0;
SELECT count(*) > 300 AS rights, count(DISTINCT actor) AS actors FROM slow.right;

-- Everything, a few at a time.
CREATE FUNCTION slow.pages(actor text, namespace text, kind text, include_public boolean, scopes text, n integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE result bigint[] := '{}'; page bigint[];
BEGIN
    LOOP
        page := ARRAY(SELECT l.repository_id
                      FROM quay.repository_list_visible(actor, namespace, kind, include_public, after => result[cardinality(result)], n => pages.n, scopes => scopes) AS l);
        result := result || page;
        EXIT WHEN cardinality(page) < n;
    END LOOP;
    RETURN result;
END $$;
CREATE FUNCTION slow.list(actor text, namespace text, kind text, include_public boolean, scopes text) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT r.id FROM slow.repository AS r
                 WHERE (list.namespace IS NULL OR r.namespace = list.namespace) AND (list.kind IS NULL OR r.kind = list.kind)
                   AND (EXISTS (SELECT FROM slow.right AS h WHERE h.id = r.id AND h.actor IS NOT DISTINCT FROM list.actor AND h.scopes IS NOT DISTINCT FROM list.scopes)
                        OR include_public AND r.visibility = 'public'
                           AND quay.access_check(list.actor, r.namespace, r.name, 'read', list.scopes))
                 ORDER BY r.id) $$;
ANALYZE slow.right, slow.credential;
SELECT count(*) AS lists, count(*) FILTER (WHERE cardinality(l.expected) > 0) > 100 AS many_not_empty,
       count(*) FILTER (WHERE l.expected <> slow.pages(l.actor, l.namespace, l.kind, l.include_public, l.scopes, 1 + l.number % 9)) AS differences
FROM (SELECT c.*, p.include_public, k.kind, s.namespace, row_number() OVER () ::integer AS number,
             slow.list(c.actor, s.namespace, k.kind, p.include_public, c.scopes) AS expected
      FROM slow.credential AS c, (VALUES (true), (false)) AS p (include_public), (VALUES ('image'), (NULL)) AS k (kind),
           (VALUES (NULL), ('org'), ('a-b')) AS s (namespace)) AS l;
SET LOCAL quay.anonymous_access = off;
SET LOCAL quay.superusers_full_access = on;
DELETE FROM slow.right;
UPDATE quay.repository AS r SET visibility_id = (SELECT id FROM quay.visibility WHERE name = 'private')
FROM quay."user" AS n WHERE n.id = r.namespace_user_id AND n.email LIKE '%@slow';
INSERT INTO slow.right
SELECT c.actor, c.scopes, r.id, r.namespace, r.name, r.kind
FROM slow.credential AS c, slow.repository AS r
WHERE quay.access_check(c.actor, r.namespace, r.name, 'read', c.scopes);
UPDATE quay.repository AS r SET visibility_id = (SELECT id FROM quay.visibility WHERE name = 'public')
FROM quay."user" AS n WHERE n.id = r.namespace_user_id AND n.email LIKE '%@slow' AND r.id % 3 = 0;
SELECT count(*) AS lists,
       count(*) FILTER (WHERE l.expected <> slow.pages(l.actor, NULL, 'image', l.include_public, l.scopes, 1 + l.number % 9)) AS differences
FROM (SELECT c.*, p.include_public, row_number() OVER () ::integer AS number, slow.list(c.actor, NULL, 'image', p.include_public, c.scopes) AS expected
      FROM slow.credential AS c, (VALUES (true), (false)) AS p (include_public)) AS l;

-- The catalog, against the same: public ones depend on the setting, and on the list of namespaces that everybody sees.
CREATE FUNCTION slow.catalog_pages(actor text, scopes text, n integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE result text[] := '{}'; page text[];
BEGIN
    LOOP
        page := ARRAY(SELECT c.name FROM quay.catalog(actor, result[cardinality(result)], catalog_pages.n, scopes) AS c);
        result := result || page;
        EXIT WHEN cardinality(page) < n;
    END LOOP;
    RETURN result;
END $$;
CREATE FUNCTION slow.catalog(actor text, scopes text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT r.namespace || '/' || r.name FROM slow.repository AS r
                 WHERE r.kind = 'image'
                   AND (EXISTS (SELECT FROM slow.right AS h WHERE h.id = r.id AND h.actor IS NOT DISTINCT FROM catalog.actor AND h.scopes IS NOT DISTINCT FROM catalog.scopes)
                        OR r.visibility = 'public' AND quay.access_check(catalog.actor, r.namespace, r.name, 'read', catalog.scopes)
                           AND (current_setting('quay.public_catalog')::boolean
                                OR r.namespace IN (SELECT p.username FROM quay.public_namespace AS p)
                                   AND EXISTS (SELECT FROM quay."user" AS u WHERE u.username = catalog.actor AND NOT u.organization AND u.enabled)
                                   AND catalog.scopes IS DISTINCT FROM 'bad' AND catalog.actor IS DISTINCT FROM 'off+bot'))
                 ORDER BY (r.namespace || '/' || r.name) COLLATE "C") $$;
\set catalogs 'SELECT count(*) AS catalogs, count(*) FILTER (WHERE l.expected <> slow.catalog_pages(l.actor, l.scopes, 1 + l.number % 9)) AS differences, sum(cardinality(l.expected)) > 500 AS long FROM (SELECT c.*, row_number() OVER () ::integer AS number, slow.catalog(c.actor, c.scopes) AS expected FROM slow.credential AS c) AS l'
:catalogs;
SET LOCAL quay.public_catalog = off;
:catalogs;
INSERT INTO quay.public_namespace (username) VALUES ('a.b'), ('org1'), ('org-off'), ('missing');
:catalogs;
SET LOCAL quay.anonymous_access = on;
SET LOCAL quay.public_catalog = on;
SET LOCAL quay.superusers_full_access = off;
DELETE FROM slow.right WHERE actor = 'super';
INSERT INTO slow.right
SELECT c.actor, c.scopes, r.id, r.namespace, r.name, r.kind FROM slow.credential AS c, slow.repository AS r
WHERE c.actor = 'super' AND r.visibility = 'private' AND quay.access_check(c.actor, r.namespace, r.name, 'read', c.scopes);
:catalogs;
-- More public ones than are looked at one by one: the walk through the namespaces.
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token)
SELECT n.id, 'many' || i, (SELECT id FROM quay.visibility WHERE name = 'public'), ''
FROM quay."user" AS n, generate_series(1, 1001) AS i WHERE n.username = 'b';
SELECT c.actor, slow.catalog_pages(c.actor, NULL, 100) = slow.catalog(c.actor, NULL) AS same FROM slow.credential AS c WHERE scopes IS NULL AND (actor IS NULL OR actor IN ('a', 'org+bot', 'reader', 'off')) ORDER BY 1;
ROLLBACK;
