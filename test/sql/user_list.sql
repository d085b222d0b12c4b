-- Finding people, organizations and robots.
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
SELECT users AS users_before, organizations AS organizations_before, robots AS robots_before FROM quay.user_count() \gset
SELECT count(quay.user_create(n, 'password', n || '@ul.example')) FROM unnest(ARRAY['ul-ann', 'ul-bob', 'ul-disabled', 'ul-zoe', 'ul_bob']) AS n;
SET LOCAL quay.mailing = off;
SELECT quay.user_create('ul-gone', 'password', NULL, email_required => false, prompts => '{enter_company,enter_name}') IS NOT NULL AS created;
RESET quay.mailing;
SELECT count(quay.organization_create(n, n || '@ul.example', 'ul-ann')) FROM unnest(ARRAY['ul-org', 'ul-orgb']) AS n;
SELECT count(r.username) AS robots FROM (VALUES ('ul-org', 'bob'), ('ul-org', 'bobby'), ('ul-org', 'ci'), ('ul-orgb', 'bob'), ('ul-ann', 'bob')) AS t (ns, s), quay.robot_create(ns, s) AS r;
SELECT quay.team_create('ul-org', 'team', 'member') IS NOT NULL AS team;
SELECT quay.team_member_add('ul-org', 'team', 'ul-bob') AS person, quay.team_member_add('ul-org', 'team', 'ul-org+ci') AS robot;
UPDATE quay."user" SET enabled = false WHERE username = 'ul-disabled';
UPDATE quay."user" SET uuid = 'ul-uuid-' || username, stripe_id = 'ul-cus-' || username WHERE username LIKE 'ul%';

-- One, by any of its keys.
SELECT username, uuid, email, stripe_id, kind, enabled, verified, being_deleted FROM quay.user_get('ul-ann');
SELECT * FROM quay.user_get('ul-nobody');
SELECT * FROM quay.user_get();
SELECT username, kind, email FROM unnest(ARRAY['ul-org', 'ul-org+ci', 'ul-disabled', 'ul-gone', '阿里']) AS n, quay.user_get(n) ORDER BY username COLLATE "C";
SELECT k.username AS of, ARRAY[(SELECT g.username FROM quay.user_get(user_id => k.id) AS g), (SELECT g.username FROM quay.user_get(uuid => k.uuid) AS g),
                               (SELECT g.username FROM quay.user_get(email => k.email) AS g), (SELECT g.username FROM quay.user_get(stripe_id => k.stripe_id) AS g)] AS by_id_uuid_email_customer
FROM quay."user" AS k WHERE k.username IN ('ul-ann', 'ul-org', 'ul-org+ci') ORDER BY 1;
SELECT username FROM quay.user_get(email => 'UL-ann@ul.example');
SELECT removed_tag_expiration_s, maximum_queued_builds_count, creation_date, last_accessed, prompts FROM quay.user_get('ul-gone');
SELECT pg_temp.try($$SELECT username FROM quay.user_get('ul-ann', 1)$$);

-- Several: a row for each that was asked for.
SELECT username, user_id IS NOT NULL AS known, kind, email, enabled, verified, uuid FROM quay.user_get_many(ARRAY['ul-zoe', 'ul-nobody', 'ul-org', 'ul-org+ci', 'ul-zoe', NULL]);
SELECT * FROM quay.user_get_many('{}');
SELECT * FROM quay.user_get_many();
SELECT m.username, m.kind FROM quay.user_get_many(user_ids => ARRAY[(SELECT id FROM quay."user" WHERE username = 'ul-bob'), 0]) AS m;

-- Lists.
UPDATE quay."user" SET username = 'ul-gone-uuid', enabled = false WHERE username = 'ul-gone';
INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
SELECT id, now(), 'ul-gone', email FROM quay."user" WHERE username = 'ul-gone-uuid';
SELECT username, kind, email, enabled, verified, being_deleted, creation_date, last_accessed FROM quay.user_list('ul', 4);
SELECT username, being_deleted FROM quay.user_list('ul-disabled', 2, deleted => true);
SELECT username, kind FROM quay.user_list('ul', 7, disabled => false, deleted => true, organizations => true);
SELECT username FROM quay.user_list('ul-bobby', 1);
SELECT count(*) FROM quay.user_list('ul', 0);
SELECT count(*) FROM quay.user_list(n => 0);
SELECT pg_temp.try($$SELECT count(*) FROM quay.user_list(n => -1)$$), pg_temp.try($$SELECT count(*) FROM quay.user_list(n => NULL)$$);
SELECT users - :users_before AS users, organizations - :organizations_before AS organizations, robots - :robots_before AS robots FROM quay.user_count();
SELECT count(quay.repository_create('ul-org', n, visibility => v)) FROM (VALUES ('a', 'public'), ('b', 'private'), ('c', 'private'), ('d', 'private')) AS t (n, v);
UPDATE quay.repository SET state = 3 WHERE name = 'd' AND namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'ul-org');
SELECT n AS namespace, c.* FROM unnest(ARRAY['ul-org', 'ul-ann', 'ul-nobody']) AS n, quay.namespace_repository_count(n) AS c;
SELECT * FROM quay.user_prompt_list('ul-gone-uuid');
SELECT quay.user_has_prompt('ul-gone-uuid') AS some, quay.user_has_prompt('ul-gone-uuid', 'enter_name') AS this, quay.user_has_prompt('ul-gone-uuid', 'confirm_username') AS other,
       quay.user_has_prompt('ul-ann') AS none, quay.user_has_prompt('ul-nobody') AS nobody;

-- Searches. The exact name comes first; "_" and "%" stand for themselves.
SELECT username, email, robot, is_organization_member FROM quay.user_search('ul-b');
SELECT username FROM quay.user_search('UL_B');
SELECT username FROM quay.user_search('ul%');
SELECT username FROM quay.user_search('ul-', n => 3);
SELECT username FROM quay.user_search('ul-bob', exact_only => true);
SELECT username FROM quay.user_search('ul-bo', exact_only => true);
SELECT username, robot, is_organization_member FROM quay.user_search('bob', 'ul-org', 'ul-org') WHERE username LIKE 'ul%';
SELECT username, robot, is_organization_member FROM quay.user_search('ul-', 'ul-org', 'ul-org');
SELECT username, robot FROM quay.user_search('', 'ul-org', 'ul-org', n => 2);
SELECT username, is_organization_member FROM quay.user_search('c', 'ul-org', 'ul-org', n => 1);
SELECT username FROM quay.user_search('bob', 'ul-org', exact_only => true) WHERE username LIKE 'ul%';
SET LOCAL quay.partial_user_autocomplete = off;
SELECT username FROM quay.user_search('ul-b');
SELECT username FROM quay.user_search('ul-bob');
RESET quay.partial_user_autocomplete;
-- Everybody finds himself first.
SELECT u.username FROM quay."user" AS u
WHERE NOT u.robot AND NOT u.organization AND u.username <> 'ul-gone-uuid' AND u.username <> (SELECT s.username FROM quay.user_search(u.username, n => 1) AS s);
SELECT count(quay.user_create('ul-foo' || i, 'password', 'ul-foo' || i || '@ul.example')) FROM generate_series(0, 19) AS i;
SELECT count(*), min(username), max(username) FROM quay.user_search('ul-foo', n => 50);
SELECT string_agg(username, ' ') FROM quay.user_search('ul-foo1');
SELECT pg_temp.try($$SELECT username FROM quay.user_search('x', organization => 'ul-none')$$), pg_temp.try($$SELECT username FROM quay.user_search('x', organization => 'ul-ann')$$);
SELECT pg_temp.try($$SELECT username FROM quay.user_search('x', n => -1)$$);
-- Robots of a person and of the organizations that he administers.
SELECT robot FROM quay.robot_search('Bob', 'ul-ann');
SELECT robot FROM quay.robot_search('', 'ul-ann', 2);
SELECT robot FROM quay.robot_search('bob', 'ul-bob');
SELECT robot FROM quay.robot_search('bob', 'ul-org');
SELECT pg_temp.try($$SELECT robot FROM quay.robot_search('x', 'ul-ann', -1)$$);

-- Is the login fresh enough?
CREATE FUNCTION pg_temp.fresh() RETURNS TABLE (name text, has_password boolean, just boolean, late boolean, unknown boolean) LANGUAGE sql AS $$
    SELECT n, quay.user_has_password(n), quay.login_is_fresh(n, '2026-03-01 11:50:00+00'), quay.login_is_fresh(n, '2026-03-01 11:49:59+00'), quay.login_is_fresh(n, NULL)
    FROM unnest(ARRAY['ul-ann', 'ul-bob', 'ul-disabled', 'ul-org', 'ul-org+ci', 'ul-nobody', NULL]) AS n;
$$;
UPDATE quay."user" SET password_hash = NULL WHERE username = 'ul-bob';
SELECT * FROM pg_temp.fresh();
SELECT t AS authentication_type, set_config('quay.authentication_type', t, true) = t AS is_set, quay.user_has_password('ul-bob') AS has_password,
       quay.login_is_fresh('ul-bob', NULL) AS fresh FROM unnest(ARRAY['ldap', 'jwt', 'keystone', 'oidc', 'apptoken', 'database']) AS t;
SET LOCAL quay.fresh_login_timeout = 0;
SELECT quay.login_is_fresh('ul-ann', '2026-03-01 11:59:59+00') AS a_second_ago, quay.login_is_fresh('ul-ann', '2026-03-01 12:00:00+00') AS now;
RESET quay.fresh_login_timeout;
SELECT k AS kind, quay.login_is_fresh('ul-ann', NULL, k) FROM unnest(ARRAY['user', 'oauth_token', 'sso', 'robot', 'token', 'app_specific_token']) AS k;
SELECT pg_temp.try($$SELECT quay.login_is_fresh('ul-ann', NULL, 'cookie')$$), pg_temp.try($$SELECT quay.login_is_fresh('ul-ann', NULL, NULL)$$);
ROLLBACK;
