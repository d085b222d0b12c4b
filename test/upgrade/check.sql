-- What a client sees of the registry of fixture.sql, and that it can go on. The output must not depend on how the installation came about.
SET search_path = pg_catalog, pg_temp;
\pset format unaligned
BEGIN;
SELECT status, digest, media_type, length(manifest), size FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1');
SELECT tag FROM (SELECT name AS tag FROM quay.tag_list('fixture_acme', 'app')) AS t ORDER BY 1;
SELECT i.docker_image_id, i.ancestors = '/' AS base, i.aggregate_size, i.v1_checksum
FROM quay.image AS i JOIN quay.repository AS r ON r.id = i.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE u.username = 'fixture_acme' AND r.name = 'app' ORDER BY 1;
SELECT quay.access_check('fixture_alice', 'fixture_acme', 'app', 'admin') AS owner, quay.access_check('fixture_acme+ci', 'fixture_acme', 'app', 'read') AS robot,
       quay.access_check(NULL, 'fixture_acme', 'app', 'read') AS anonymous;
SELECT kind, actor, error FROM quay.authenticate('fixture_alice', 'correct-horse-battery');
SELECT kind, error FROM quay.authenticate('fixture_alice', 'wrong');
-- The encrypted token of the robot still opens.
SELECT kind, actor, error FROM quay.authenticate('fixture_acme+ci',
    (SELECT quay_internal.field_decrypt(t.token) FROM quay.robotaccounttoken AS t JOIN quay."user" AS u ON u.id = t.robot_account_id
     WHERE u.username = 'fixture_acme+ci'));
-- New rows get ids that nobody has.
SELECT quay.user_create('fixture_bob', 'correct-horse-battery', 'fixture_bob@example.com') > (SELECT max(id) FROM quay."user" WHERE username <> 'fixture_bob') AS id_is_new;
SELECT quay.repository_create('fixture_bob', 'tool', 'fixture_bob') > 0 AS created;
SELECT count(*) FROM quay.tag_set('fixture_acme', 'app', 'v2', (SELECT digest FROM quay.tag_resolve('fixture_acme', 'app', 'v1')));
SELECT count(*) FROM quay.tag_resolve('fixture_acme', 'app', 'v2');
SELECT count(*) FROM quay.log_partition_ensure(0);
SELECT count(*) > 0 AS logged FROM quay.logentry3;
-- Rules still hold.
DO $$ BEGIN PERFORM quay.user_create('fixture_alice', 'correct-horse-battery', 'else@example.com');
EXCEPTION WHEN SQLSTATE 'QY006' THEN RAISE INFO 'name taken'; END $$;
ROLLBACK;
