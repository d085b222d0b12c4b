-- Searches: what matches, in which order, and that only what the actor may read is found.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT setseed(0.77) IS NOT NULL AS seeded;
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, message, detail, hint);
END $$;
-- Wildcards of LIKE stand for themselves.
SELECT text, quay_internal.like_prefix(text), quay_internal.like_contains(text),
       text || 'x' LIKE quay_internal.like_prefix(text) AS starts, 'x' || text || 'x' LIKE quay_internal.like_contains(text) AS contains,
       'ab' LIKE quay_internal.like_prefix(text) AS ab
FROM unnest(ARRAY['a', 'a_', '%', 'a\', '', 'a\%_b']) AS t (text);
SELECT quay_internal.like_prefix(NULL), quay_internal.like_contains(NULL);

DO $$ BEGIN
    PERFORM quay.user_create(u, 'a-password', u || '@example.com') FROM unnest('{sr-ann,sr-bob,sr-cy}'::text[]) AS u;
    PERFORM quay.organization_create('sr-org', 'sr-org@example.com', 'sr-ann');
    PERFORM quay.team_create('sr-org', 'sr-readers', 'member');
    PERFORM quay.team_member_add('sr-org', 'sr-readers', 'sr-cy');
    PERFORM quay.repository_create('sr-ann', 'simple', 'sr-ann', description => 'a_b 100% "quoted" it''s');
    PERFORM quay.repository_create('sr-ann', 'repo/withslash', 'sr-ann');
    PERFORM quay.repository_create('sr-ann', 'somenewrepo', 'sr-ann', 'public');
    PERFORM quay.repository_create('sr-org', 'simpler', 'sr-ann', 'public', 'not so simple');
    PERFORM quay.repository_create('sr-org', 'other', 'sr-ann', 'public', 'as Simple as can be');
    PERFORM quay.repository_create('sr-org', 'secret-simple', 'sr-ann');
    PERFORM quay.repository_create('sr-org', 'simple-app', 'sr-ann', 'public', kind => 'application');
    PERFORM quay.repository_create('sr-org', 'a_b', 'sr-ann');
    PERFORM quay.repository_create('sr-org', 'aab', 'sr-ann');
    PERFORM quay.permission_set('sr-org', 'secret-simple', 'team', 'sr-readers', 'read');
    PERFORM quay.robot_create('sr-org', 'simple');
    PERFORM quay.robot_create('sr-ann', 'simon');
    PERFORM quay.robot_create('sr-cy', 'sim');
END $$;
UPDATE quay.repositorysearchscore AS s SET score = CASE r.name WHEN 'simpler' THEN 3 WHEN 'other' THEN 500 WHEN 'secret-simple' THEN 3 ELSE 0 END
FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.username LIKE 'sr-%' WHERE r.id = s.repository_id;
-- the table's other rows are somebody else's
CREATE FUNCTION pg_temp.search(query text, actor text, kind text DEFAULT NULL, scopes text DEFAULT NULL, n integer DEFAULT 1000) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(s.namespace || '/' || s.name || '=' || s.score, ' ')
    FROM quay.repository_search(search.query, search.actor, search.kind, n => search.n, scopes => search.scopes) AS s WHERE s.namespace LIKE 'sr-%' $$;
-- names count a hundred times what descriptions do; ties are in the order of creation
SELECT pg_temp.search('simple', 'sr-ann');
SELECT pg_temp.search('SIMPLE', 'sr-bob'), pg_temp.search('simple', NULL), pg_temp.search('simple', 'sr-cy', 'image');
SELECT pg_temp.search('simple', 'sr-ann', scopes => 'repo:read'), pg_temp.search('simple', 'sr-ann', scopes => 'user:read');
SELECT pg_temp.search('simple', NULL, scopes => 'repository:sr-org/secret-simple:pull');
-- what people type is no pattern
SELECT pg_temp.search('a_b', 'sr-ann'), pg_temp.search('0%', 'sr-ann'), pg_temp.search('"quoted"', 'sr-ann'), pg_temp.search('it''s', 'sr-ann'), pg_temp.search('%', 'sr-bob');
-- with a namespace
SELECT pg_temp.search('sr-org/', 'sr-ann'), pg_temp.search('sr-org/simple', 'sr-bob'), pg_temp.search('/repo/withslash', 'sr-ann');
SELECT pg_temp.search('repo/withslash', 'sr-ann'), pg_temp.search('sr-none/x', 'sr-ann'), pg_temp.search('does/notexist/x', 'sr-ann'), pg_temp.search('sr-ann/repo/w', 'sr-ann');
-- nothing to look for: the most popular
SELECT pg_temp.search('', 'sr-cy'), pg_temp.search(NULL, NULL);
-- all columns, and pages
SELECT namespace, name, description, is_public, kind, state, score, cursor LIKE '%.' || repository_id AS cursor FROM quay.repository_search('simple', 'sr-bob') WHERE namespace LIKE 'sr-%';
CREATE FUNCTION pg_temp.pages(query text, actor text, kind text, n integer, scopes text DEFAULT NULL) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE result bigint[] := '{}'; page bigint[]; last text;
BEGIN
    LOOP
        SELECT coalesce(array_agg(s.repository_id), '{}'), (array_agg(s.cursor))[pages.n] INTO page, last
        FROM quay.repository_search(query, actor, kind, last, pages.n, scopes) AS s;
        result := result || page;
        EXIT WHEN last IS NULL;
    END LOOP;
    RETURN result;
END $$;
SELECT n, pg_temp.pages('simple', 'sr-ann', NULL, n) = ARRAY(SELECT repository_id FROM quay.repository_search('simple', 'sr-ann', n => 100)) AS same FROM generate_series(1, 6) AS n;
-- marked for deletion, or in a disabled namespace
SAVEPOINT gone;
UPDATE quay.repository AS r SET state = 3 FROM quay."user" AS n WHERE n.id = r.namespace_user_id AND n.username = 'sr-org' AND r.name = 'simpler';
SELECT pg_temp.search('simple', 'sr-bob');
UPDATE quay."user" SET enabled = false WHERE username = 'sr-org';
SELECT pg_temp.search('simple', 'sr-ann'), pg_temp.search('', NULL), pg_temp.search('sr-org/', 'sr-ann');
ROLLBACK TO gone;
SET LOCAL quay.anonymous_access = off;
SELECT pg_temp.search('simple', NULL), pg_temp.search('simple', 'sr-bob');
SET LOCAL quay.anonymous_access = on;
-- errors
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_search('x', NULL, after => '1')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_search('x', NULL, 'chart')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.repository_search('x', NULL, n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.user_namespace_search('x', NULL, n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.search_all('x', NULL, n => -1)$$);
SELECT count(*) FROM quay.repository_search('', NULL, n => 0);

-- namespaces with an image repository that the actor may read
CREATE FUNCTION pg_temp.namespaces(query text, actor text, after text DEFAULT NULL, n integer DEFAULT 10, scopes text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(s.namespace || CASE WHEN s.organization THEN '!' ELSE '' END, ' ') FROM quay.user_namespace_search(query, actor, after, n, scopes) AS s $$;
SELECT pg_temp.namespaces('sr-', 'sr-ann'), pg_temp.namespaces('SR-O', NULL), pg_temp.namespaces('sr_', 'sr-ann'), pg_temp.namespaces('sr-', 'sr-ann', 'sr-ann'), pg_temp.namespaces('sr-', 'sr-ann', n => 1);
UPDATE quay.repository AS r SET visibility_id = (SELECT id FROM quay.visibility WHERE name = 'private')
FROM quay."user" AS n WHERE n.id = r.namespace_user_id AND n.username LIKE 'sr-%';
SELECT pg_temp.namespaces('sr-', 'sr-ann'), pg_temp.namespaces('sr-', 'sr-cy'), pg_temp.namespaces('sr-', 'sr-bob'), pg_temp.namespaces('sr-', NULL), pg_temp.namespaces('sr-', 'sr-cy', scopes => 'user:read');

-- everything with a name
SELECT kind, namespace, name, is_public, score FROM quay.search_all('sim', 'sr-ann');
SELECT kind, namespace, name, score FROM quay.search_all('sr-', 'sr-cy');
SELECT kind, namespace, name, score FROM quay.search_all('sr-org/secret-simple', 'sr-cy');
SELECT kind, namespace, name FROM quay.search_all('sim', 'sr-ann', n => 1);
SELECT count(*) FROM quay.search_all('', 'sr-ann');
SELECT count(*) FROM quay.search_all('sr-', NULL);
SELECT quay_internal.name_similarity(name, 'App') FROM unnest('{app,apple,my-app,other}'::text[]) AS t (name);

-- Against a slow definition over more repositories than are looked at one by one, most of them private.
INSERT INTO quay.repository (namespace_user_id, name, description, visibility_id, badge_token, kind_id)
SELECT n.id, 'r' || md5(random()::text), CASE WHEN random() < 0.5 THEN md5(random()::text) END,
       (SELECT id FROM quay.visibility WHERE name = CASE WHEN i % 5 = 0 THEN 'public' ELSE 'private' END), '',
       (SELECT id FROM quay.repositorykind WHERE name = CASE WHEN i % 11 = 0 THEN 'application' ELSE 'image' END)
FROM generate_series(1, 300) AS i, quay."user" AS n WHERE n.username IN ('sr-ann', 'sr-bob', 'sr-org');
INSERT INTO quay.repositorysearchscore (repository_id, score)
SELECT r.id, floor(random() * 4) * floor(random() * 3)
FROM quay.repository AS r WHERE NOT EXISTS (SELECT FROM quay.repositorysearchscore AS s WHERE s.repository_id = r.id);
INSERT INTO quay.repositorypermission (repository_id, user_id, role_id)
SELECT r.id, u.id, (SELECT id FROM quay.role WHERE name = 'read')
FROM (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id AND n.username LIKE 'sr-%' ORDER BY r.id) AS r,
     quay."user" AS u
WHERE u.username = 'sr-cy' AND random() < 0.1
ON CONFLICT DO NOTHING;
INSERT INTO quay.superuser (username, kind) VALUES ('sr-bob', 'readonly');
CREATE FUNCTION pg_temp.slow(query text, actor text, kind text, scopes text) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT ARRAY(
        SELECT r.id
        FROM quay.repository AS r JOIN quay."user" AS n ON n.id = r.namespace_user_id JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        WHERE (strpos(lower(r.name), slow.query) > 0 OR strpos(lower(r.description), slow.query) > 0) AND (slow.kind IS NULL OR k.name = slow.kind)
          AND quay.access_check(slow.actor, n.username, r.name, 'read', slow.scopes)
        ORDER BY CASE WHEN slow.query <> '' AND strpos(lower(r.name), slow.query) > 0 THEN 100 * s.score ELSE s.score END DESC, r.id) $$;
\set searches 'SELECT count(*) AS searches, count(*) FILTER (WHERE pg_temp.pages(q.query, a.actor, k.kind, 40, a.scopes) <> pg_temp.slow(q.query, a.actor, k.kind, a.scopes)) AS differences FROM (VALUES (\'\'), (\'a\'), (\'3f\'), (\'b1c\'), (\'nothing like it\')) AS q (query), (VALUES (NULL, NULL), (\'sr-ann\', NULL), (\'sr-ann\', \'user:read\'), (\'sr-bob\', NULL), (\'sr-cy\', NULL), (\'sr-org\', NULL)) AS a (actor, scopes), (VALUES (\'image\'), (NULL)) AS k (kind)'
:searches;
-- and with more than a thousand public ones, where it walks from the most popular on
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, badge_token)
SELECT n.id, 'p' || i, (SELECT id FROM quay.visibility WHERE name = 'public'), ''
FROM generate_series(1, 1001) AS i, quay."user" AS n WHERE n.username = 'sr-bob';
INSERT INTO quay.repositorysearchscore (repository_id, score)
SELECT r.id, floor(random() * 4) FROM quay.repository AS r WHERE NOT EXISTS (SELECT FROM quay.repositorysearchscore AS s WHERE s.repository_id = r.id);
:searches;
ROLLBACK;
