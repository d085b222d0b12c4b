-- Writing to the audit log: who, where, when; what is skipped, what may be lost; batches.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2031-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT quay.user_create('lw-alice', 'password', 'lw-alice@lw.example') > 0 AS alice, quay.user_create('lw-bob', 'password', 'lw-bob@lw.example') > 0 AS bob;
SELECT username FROM quay.robot_create('lw-alice', 'ci');
SELECT quay.repository_create('lw-alice', 'app', 'lw-alice') > 0 AS app;
DELETE FROM quay.logentry3;
CREATE FUNCTION pg_temp.show() RETURNS TABLE (kind text, namespace text, repository text, performer text, "time" timestamp, ip text, metadata text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT k.name::text, n.username::text, r.name::text, p.username::text, l.datetime, l.ip::text, l.metadata_json
        FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id
        LEFT JOIN quay."user" AS n ON n.id = l.account_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
        LEFT JOIN quay.repository AS r ON r.id = l.repository_id ORDER BY l.id;
    DELETE FROM quay.logentry3;
END $$;

SELECT quay.log_write('pull_repo', 'lw-alice', 'app', 'lw-bob', '192.0.2.7', '{"tag": "latest", "at": 1930867200}');
SELECT quay.log_write('pull_repo', namespace => 'lw-alice', repository => 'app');
SELECT quay.log_write('login_success', 'lw-alice', actor => 'lw-alice+ci', datetime => '2031-03-09 23:59:59.123456+02', ip => repeat('1', 300),
    request => '{"url": "/v2/", "method": "GET", "user_agent": null}', metadata => '{"type": "robot"}');
SELECT kind, namespace, repository, performer, "time", length(ip) AS ip, metadata FROM pg_temp.show();
-- A disabled namespace, a robot as namespace, a repository that is being deleted: all of it happened.
UPDATE quay."user" SET enabled = false WHERE username = 'lw-bob';
UPDATE quay.repository AS r SET state = 3 WHERE r.name = 'app' AND r.namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'lw-alice');
SELECT quay.log_write('login_failure', 'lw-bob'), quay.log_write('login_failure', 'lw-alice+ci'), quay.log_write('delete_repo', 'lw-alice', 'app');
SELECT kind, namespace, repository FROM pg_temp.show();
UPDATE quay."user" SET enabled = true WHERE username = 'lw-bob';
UPDATE quay.repository AS r SET state = 0 WHERE r.name = 'app' AND r.namespace_user_id = (SELECT id FROM quay."user" WHERE username = 'lw-alice');

-- Without a namespace: the smallest account, unless another one is set.
SELECT quay.log_write('service_key_create');
SELECT l.account_id = (SELECT min(id) FROM quay."user") AS smallest FROM quay.logentry3 AS l;
SET LOCAL quay.service_log_account = 'lw-bob';
SELECT quay.log_write('service_key_create');
SELECT quay_internal.log_add('service_key_delete', NULL, NULL, NULL, NULL, NULL);
SET LOCAL quay.service_log_account = 'lw-nobody';
SELECT quay.log_write('service_key_create');
SELECT l.account_id FROM quay.logentry3 AS l ORDER BY l.id DESC LIMIT 1;
RESET quay.service_log_account;
SELECT kind, namespace FROM pg_temp.show() OFFSET 1;

-- Errors. They are the caller's, whatever may be lost.
SET LOCAL quay.allow_without_strict_logging = on;
SELECT pg_temp.try($$SELECT quay.log_write('no_such_kind')$$);
SELECT pg_temp.try($$SELECT quay.log_write(NULL)$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', 'lw-nobody')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', 'lw-alice', 'nothing')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', NULL, 'app')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', 'lw-alice', actor => 'lw-nobody')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', metadata => '[1]')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', request => '"GET"')$$);
SELECT pg_temp.try($$SELECT quay.log_write('pull_repo', datetime => 'infinity')$$);
RESET quay.allow_without_strict_logging;

-- Namespaces that are not logged, wholly or for pulls.
INSERT INTO quay.unlogged_namespace (username, scope) VALUES ('lw-alice', 'pull'), ('lw-bob', 'all'), ('lw-nobody', 'all');
SELECT n.namespace, k.kind, quay.log_write(k.kind, n.namespace)
FROM unnest(ARRAY['lw-alice', 'lw-bob']) AS n (namespace), unnest(ARRAY['pull_repo', 'repo_verb', 'pull_repo_failed', 'push_repo']) AS k (kind);
SELECT quay_internal.log_add('push_repo', (SELECT id FROM quay."user" WHERE username = 'lw-bob'), NULL, NULL, NULL, NULL);
SELECT kind, namespace FROM pg_temp.show();
SELECT pg_temp.try($$SELECT quay.log_write('no_such_kind', 'lw-bob')$$);
SELECT pg_temp.try($$INSERT INTO quay.unlogged_namespace VALUES ('x', 'push')$$);
DELETE FROM quay.unlogged_namespace;
-- Pulls from namespaces that do not pay.
SET LOCAL quay.free_namespace_pull_logs = off;
UPDATE quay."user" SET stripe_id = 'cus_1' WHERE username = 'lw-bob';
SELECT n.namespace, k.kind, quay.log_write(k.kind, n.namespace)
FROM unnest(ARRAY['lw-alice', 'lw-bob']) AS n (namespace), unnest(ARRAY['pull_repo', 'push_repo']) AS k (kind);
SELECT kind, namespace FROM pg_temp.show();
RESET quay.free_namespace_pull_logs;

-- The database refuses the row: the error is the caller's, but where a setting permits to lose it.
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = TG_ARGV[0], MESSAGE = 'refused'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON quay.logentry3 FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse('53100');
CREATE FUNCTION pg_temp.outcome(kind text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN quay.log_write(kind, 'lw-alice');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
SET LOCAL client_min_messages = error;
SELECT k AS kind, pg_temp.outcome(k) FROM unnest(ARRAY['pull_repo', 'login_failure', 'pull_repo_failed', 'login_success', 'logout_success', 'repo_verb', 'push_repo']) AS k;
SET LOCAL quay.allow_pulls_without_strict_logging = on;
SELECT k AS kind, pg_temp.outcome(k) FROM unnest(ARRAY['pull_repo', 'login_failure', 'pull_repo_failed', 'login_success', 'logout_success', 'repo_verb', 'push_repo']) AS k;
SELECT * FROM quay.log_write_many('[{"kind": "pull_repo"}, {"kind": "login_success"}]');
SELECT pg_temp.try($$SELECT quay.log_write_many('[{"kind": "pull_repo"}, {"kind": "push_repo"}]')$$);
RESET quay.allow_pulls_without_strict_logging;
SET LOCAL quay.allow_without_strict_logging = on;
SELECT pg_temp.outcome('push_repo');
RESET client_min_messages;
SELECT quay.log_write('push_repo', 'lw-alice');
SELECT * FROM quay.log_write_many('[{"kind": "push_repo"}]');
-- What is to be repeated is not lost.
DROP TRIGGER refuse ON quay.logentry3;
CREATE TRIGGER refuse BEFORE INSERT ON quay.logentry3 FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse('40001');
SELECT pg_temp.outcome('push_repo');
SELECT pg_temp.try($$SELECT quay.log_write_many('[{"kind": "push_repo"}]')$$);
DROP TRIGGER refuse ON quay.logentry3;
RESET quay.allow_without_strict_logging;
SELECT count(*) FROM pg_temp.show();

-- Batches.
SELECT * FROM quay.log_write_many('[]');
SELECT * FROM quay.log_write_many('[
    {"kind": "pull_repo", "namespace": "lw-alice", "repository": "app", "actor": "lw-bob", "ip": "192.0.2.1", "metadata": {"tag": "v1"}, "datetime": "2031-03-10T11:59:58Z"},
    {"kind": "pull_repo", "namespace": "lw-alice", "repository": "gone"},
    {"kind": "pull_repo", "namespace": "lw-gone"},
    {"kind": "login_failure", "actor": "lw-gone"},
    {"kind": "login_success", "namespace": "lw-bob", "actor": null, "request": {"method": "GET"}},
    {"kind": "pull_repo", "namespace_id": 987654321, "repository_id": 987654322, "actor_id": 987654323}]');
SELECT account_id, repository_id, performer_id FROM quay.logentry3 WHERE account_id = 987654321;
SELECT kind, namespace, repository, performer, "time", ip, metadata FROM pg_temp.show();
INSERT INTO quay.unlogged_namespace (username, scope) VALUES ('lw-alice', 'pull');
SET LOCAL quay.free_namespace_pull_logs = off;
UPDATE quay."user" SET stripe_id = NULL WHERE username = 'lw-bob';
SELECT * FROM quay.log_write_many('[{"kind": "pull_repo", "namespace": "lw-alice"}, {"kind": "push_repo", "namespace": "lw-alice"}, {"kind": "repo_verb", "namespace": "lw-bob"}, {"kind": "pull_repo"}]');
SELECT kind, namespace IS NOT NULL AS in_one FROM pg_temp.show();
SELECT pg_temp.try(format('SELECT quay.log_write_many(%L)', e)) FROM unnest(ARRAY[NULL, '{}', '[1]', '[{"kind": "pull_repo"}, {"namespace": "lw-alice"}]',
    '[{"kind": "pull_repo", "namespace": 7}]', '[{"kind": "pull_repo", "repository": "app"}]', '[{"kind": "pull_repo", "metadata": []}]',
    '[{"kind": "pull_repo", "datetime": "yesterday"}]', '[{"kind": "pull_repo", "repository_id": -1}]', '[{"kind": "pull_repo", "performer": "lw-bob"}]',
    '[{"kind": "pull_repo"}, {"kind": "no_such_kind"}]']) AS e;
SELECT count(*) FROM pg_temp.show();
-- A namespace that is purged takes its name out of the list.
SELECT quay_internal.namespace_purge_names('lw-nobody2');
INSERT INTO quay.unlogged_namespace VALUES ('lw-nobody');
SELECT quay_internal.namespace_purge_names('lw-nobody');
SELECT username FROM quay.unlogged_namespace;
ROLLBACK;
