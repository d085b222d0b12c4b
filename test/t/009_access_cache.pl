# Sessions remember rights; a right that another session gives or takes away counts at once. 50 sessions do both, at random, and each
# statement compares the decision with the rows that it sees itself: the answer must agree with its own snapshot, always.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', conf => "max_connections = 80\n");
new_database($node, 'registry');
$node->safe_psql('registry', <<'SQL');
SELECT quay.user_create('root', 'correct-horse', 'root@cache.example');
SELECT quay.organization_create('cache', NULL, 'root');
SELECT quay.team_create('cache', 'readers', 'member');
SELECT quay.repository_create('cache', 'app', 'root');
SELECT quay.permission_set('cache', 'app', 'team', 'readers', 'read');
CREATE TABLE expected (n integer PRIMARY KEY, username text NOT NULL, user_id bigint NOT NULL, team_id bigint NOT NULL, repository_id bigint NOT NULL,
    permitted boolean NOT NULL DEFAULT false, member boolean NOT NULL DEFAULT false, auditor boolean NOT NULL DEFAULT false, enabled boolean NOT NULL DEFAULT true);
INSERT INTO expected
SELECT i, 'u' || i, quay.user_create('u' || i, 'correct-horse', 'u' || i || '@cache.example'), t.id, r.id
FROM generate_series(1, 10) AS i, quay.team AS t, quay.repository AS r WHERE t.name = 'readers' AND r.name = 'app';

-- Turns one thing over. The row of expected keeps two sessions from doing so at once for one user.
CREATE FUNCTION turn(n integer, what integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    e expected;
BEGIN
    SELECT * INTO e FROM expected AS x WHERE x.n = turn.n FOR UPDATE;
    CASE what
    WHEN 1 THEN
        PERFORM quay.permission_set('cache', 'app', 'user', e.username, CASE WHEN NOT e.permitted THEN 'read' END);
        UPDATE expected AS x SET permitted = NOT x.permitted WHERE x.n = turn.n;
    WHEN 2 THEN
        IF e.member THEN
            PERFORM quay.team_member_remove('cache', 'readers', e.username);
        ELSE
            PERFORM quay.team_member_add('cache', 'readers', e.username);
        END IF;
        UPDATE expected AS x SET member = NOT x.member WHERE x.n = turn.n;
    WHEN 3 THEN
        IF e.auditor THEN
            DELETE FROM quay.superuser AS s WHERE s.username = e.username;
        ELSE
            INSERT INTO quay.superuser (username, kind) VALUES (e.username, 'readonly');
        END IF;
        UPDATE expected AS x SET auditor = NOT x.auditor WHERE x.n = turn.n;
    ELSE
        UPDATE quay."user" AS u SET enabled = NOT e.enabled WHERE u.id = e.user_id;
        UPDATE expected AS x SET enabled = NOT x.enabled WHERE x.n = turn.n;
    END CASE;
END
$$;

CREATE VIEW wrong AS
SELECT e.n FROM expected AS e
WHERE quay.access_check(e.username, 'cache', 'app', 'read') IS DISTINCT FROM (e.enabled AND (e.permitted OR e.member OR e.auditor));
CREATE TABLE answers (n bigint);
SQL

# One transaction: a change now and then, and a look at everybody. A wrong answer divides by zero and ends the client.
my $script = PostgreSQL::Test::Utils::tempdir() . '/look.sql';
append_to_file($script, <<'SQL');
\set n random(1, 10)
\set what random(1, 4)
\set sometimes random(1, 4)
\if :sometimes = 1
SELECT turn(:n, :what);
\endif
SELECT 1 / (count(*) = 0)::integer FROM wrong;
SELECT 1 / (count(*) = 0)::integer FROM wrong;
SELECT 1 / (count(*) = 0)::integer FROM wrong WHERE n = :n;
SQL
my ($out, $err) = ('', '');
my $ran = IPC::Run::run([ 'pgbench', '-n', '-c', '50', '-j', '2', '-T', '8', '-f', $script, '-h', $node->host, '-p', $node->port, 'registry' ],
	'>', \$out, '2>', \$err);
my ($transactions) = $out =~ /number of transactions actually processed: (\d+)/;
ok($ran && $err !~ /ERROR|abort/, 'no session ever got an answer that its own snapshot contradicts') or diag($err);
cmp_ok($transactions // 0, '>', 200, "(they looked $transactions times)");

# The test notices a stale answer: without the triggers, a session that remembers goes on to say what it knows.
$node->safe_psql('registry', 'UPDATE quay."user" SET enabled = true; DELETE FROM quay.superuser; DELETE FROM quay.teammember AS m USING quay.team AS t WHERE t.id = m.team_id AND t.name = $$readers$$');
my $stale = $node->safe_psql('registry', <<'SQL');
SELECT quay.permission_set('cache', 'app', 'user', 'u1', 'read');
SELECT quay.access_check('u1', 'cache', 'app', 'read');
ALTER TABLE quay.repositorypermission DISABLE TRIGGER rights_changed;
SELECT quay.access_check('u1', 'cache', 'app', 'read');
DELETE FROM quay.repositorypermission AS p USING quay."user" AS u WHERE u.id = p.user_id AND u.username = 'u1';
SELECT quay.access_check('u1', 'cache', 'app', 'read');
ALTER TABLE quay.repositorypermission ENABLE ALWAYS TRIGGER rights_changed;
SELECT quay.access_check('u1', 'cache', 'app', 'read');
SQL
is($stale =~ s/\s+//gr, 'tttf', 'rights are remembered, and it is the triggers that make them forgotten');

$node->stop;
done_testing();
