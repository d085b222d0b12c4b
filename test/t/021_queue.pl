# 16 workers and 4 producers at one queue, while a transaction is held open that keeps all that was done from being removed: no item is lost,
# none is taken twice while its lease lasts. The same with a server that is killed in the middle: what was committed is there.
# QUAY_QUEUE_SECONDS says for how long (default 4). And the items of a database that is updated from 1.2, and back.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $seconds = $ENV{QUAY_QUEUE_SECONDS} // 4;
my $node = new_node('main', conf => "fsync = on\nmax_connections = 60\nrestart_after_crash = on\n");
new_database($node, 'registry');
$node->safe_psql('registry', <<'SQL');
-- What was put, taken and done, each in the transaction that did it
CREATE TABLE given (item_id bigint);
CREATE TABLE taken (item_id bigint, claim text, at timestamptz, until timestamptz);
CREATE TABLE done (item_id bigint);
CREATE FUNCTION give(namespace integer, repository integer) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO given SELECT quay.queue_put('load', ARRAY['ns' || namespace, 'r' || repository], '{}', retries => 100) RETURNING item_id $$;
CREATE FUNCTION take(lease double precision, ordered boolean) RETURNS TABLE (item_id bigint, claim text) LANGUAGE sql AS $$
    WITH t AS (INSERT INTO taken SELECT g.item_id, g.claim, clock_timestamp(), clock_timestamp() + make_interval(secs => lease)
               FROM quay.queue_get('load', lease, ordered) AS g RETURNING item_id, claim)
    SELECT coalesce(max(t.item_id), 0), coalesce(max(t.claim), '') FROM t $$;
CREATE FUNCTION finish(item_id bigint, claim text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO done SELECT finish.item_id WHERE quay.queue_complete(finish.item_id, finish.claim) RETURNING item_id $$;
SQL

my $scripts = $node->basedir;
append_to_file("$scripts/give.sql", "\\set n random(1, 8)\n\\set r random(1, 20)\nSELECT give(:n, :r);\n");
for my $ordered ('false', 'true')
{
	append_to_file("$scripts/take_$ordered.sql", <<"PGBENCH");
SELECT item_id, claim FROM take(:lease, $ordered) \\gset
\\if :item_id
SELECT finish(:item_id, :claim);
\\else
\\sleep 10 ms
\\endif
PGBENCH
}

my %run;
sub pgbench
{
	my ($name, $script, $clients, $time, $lease) = @_;
	$run{$name} = { out => '' };
	$run{$name}{handle} = IPC::Run::start(
		[ 'pgbench', '-n', '-M', 'prepared', '-h', $node->host, '-p', $node->port, '-c', $clients, '-j', 2, '-T', $time, '-D', "lease=$lease",
			'-f', "$scripts/$script.sql", 'registry' ],
		'>', \$run{$name}{out}, '2>&1', IPC::Run::timeout(180));
}
sub finish_all
{
	my @bad;
	for my $name (sort keys %run)
	{
		push @bad, "$name: $run{$name}{out}" unless eval { IPC::Run::finish($run{$name}{handle}) } && $run{$name}{out} !~ /ERROR/;
	}
	%run = ();
	return join "\n", @bad;
}

# Somebody who looks at the registry for a long time, and has an id of a transaction too.
sub hold
{
	$run{hold} = { out => '' };
	$run{hold}{handle} = IPC::Run::start([ 'psql', '-X', '-h', $node->host, '-p', $node->port, 'registry',
			'-c', "SET application_name = 'hold'", '-c', 'BEGIN ISOLATION LEVEL REPEATABLE READ',
			'-c', 'SELECT txid_current(), count(*) FROM quay.queueitem', '-c', 'SELECT pg_sleep(170)' ],
		'>', \$run{hold}{out}, '2>&1', IPC::Run::timeout(180));
	$node->poll_query_until('registry', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'hold' AND query ~ 'pg_sleep' AND backend_xid IS NOT NULL))
	  or die 'nobody holds a transaction';
}
sub let_go
{
	$node->safe_psql('registry', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hold'));
	eval { IPC::Run::finish($run{hold}{handle}) };
	delete $run{hold};
}

sub check
{
	my ($what) = @_;
	my ($given, $done, $taken) = split /\|/, $node->safe_psql('registry', 'SELECT (SELECT count(*) FROM given), (SELECT count(*) FROM done), (SELECT count(*) FROM taken)');
	cmp_ok($given, '>', 100, "$what: $given items were put, $taken taken, $done done");
	is($node->safe_psql('registry', 'SELECT count(*) FROM (SELECT item_id FROM done GROUP BY item_id HAVING count(*) > 1) AS d'), '0', "$what: none is done twice");
	is($node->safe_psql('registry', q(SELECT count(*) FROM taken AS a JOIN taken AS b USING (item_id) WHERE a.claim <> b.claim AND a.at <= b.at AND b.at < a.until)),
		'0', "$what: none is taken while somebody else has it");
	is($node->safe_psql('registry', 'SELECT count(*) FROM given WHERE item_id NOT IN (SELECT item_id FROM done) AND item_id NOT IN (SELECT id FROM quay.queueitem)'),
		'0', "$what: none is lost");
	is($node->safe_psql('registry', 'SELECT count(*) FROM done AS d WHERE d.item_id IN (SELECT id FROM quay.queueitem) OR d.item_id NOT IN (SELECT item_id FROM given)'),
		'0', "$what: what is done is out of the queue");
}

for my $ordered ('false', 'true')
{
	my $what = $ordered eq 'true' ? 'in order' : 'in any order';
	hold();
	pgbench('give', 'give', 4, $seconds, 0);
	pgbench('take', "take_$ordered", 16, $seconds + 2, 60);
	my $hold = delete $run{hold};
	is(finish_all(), '', "$what: 16 workers and 4 producers had no error");
	is($node->safe_psql('registry', q(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hold' AND backend_xmin IS NOT NULL)), '1',
		"$what: all the time a transaction was open");
	$run{hold} = $hold;
	let_go();
	pgbench('rest', "take_$ordered", 4, 2, 60);
	is(finish_all(), '', "$what: the rest is taken");
	check($what);
	is($node->safe_psql('registry', 'SELECT count(*) FROM quay.queueitem'), '0', "$what: all is done");
	is($node->safe_psql('registry', 'SELECT count(*) FROM (SELECT item_id FROM taken GROUP BY item_id HAVING count(*) > 1) AS t'), '0', "$what: each was taken once");
	$node->safe_psql('registry', 'TRUNCATE given, taken, done');
}

# Killed while all are at work
hold();
pgbench('give', 'give', 4, 60, 0);
pgbench('take', 'take_false', 16, 60, 3);
$node->poll_query_until('registry', 'SELECT count(*) > 500 FROM done') or die 'nothing is done';
my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
$node->kill9;
for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
finish_all();
$node->start;
check('killed');
# What was taken and not done comes back when its lease has expired.
sleep 4;
pgbench('rest', 'take_false', 8, 4, 3);
is(finish_all(), '', 'killed: the rest is taken after the crash');
check('killed, and on');
is($node->safe_psql('registry', 'SELECT count(*) FROM quay.queueitem'), '0', 'killed, and on: all is done');

# Items as the reference leaves them
new_database($node, 'old', '1.2');
$node->safe_psql('old', <<'SQL');
INSERT INTO quay.queueitem (queue_name, body, available_after, available, processing_expires, retries_remaining, state_id) VALUES
    ('old/acme/new/', 'new', '2020-01-01', true, NULL, 5, ''),
    ('old/acme/late/', 'late', '2999-01-01', true, '2020-01-01', 5, 'x'),
    ('old/acme/expired/', 'expired', '2020-01-01', false, '2020-01-02', 4, 'an odd+one'),
    ('old/acme/runs/', 'runs', '2020-01-01', false, '2999-01-01', 4, '+1'),
    ('old/acme/lost/', 'lost', '2020-01-01', false, NULL, 4, '/'),
    ('old/acme/dead/', 'dead', '2020-01-01', true, '2020-01-02', 0, 'y'),
    ('old', 'no path', '2020-01-01', true, NULL, 5, 'z');
ALTER EXTENSION quay UPDATE;
SQL
is($node->safe_psql('old', q(SELECT string_agg(body, ' ' ORDER BY body) FROM quay.queue_get('old', n => 10))), 'expired new no path', 'updated: what is due is taken');
is($node->safe_psql('old', q(SELECT string_agg(i.body || ' ' || g.state, ', ' ORDER BY i.id) FROM quay.queueitem AS i CROSS JOIN LATERAL quay.queue_item_get(i.id) AS g)),
	'new running, late waiting, expired running, runs running, lost waiting, dead dead, no path running', 'updated: all items have their state');
is($node->safe_psql('old', 'SELECT quay.queue_expire()'), '1', 'updated: only the dead one is old');
$node->safe_psql('old', q(ALTER EXTENSION quay UPDATE TO '1.2'));
is($node->safe_psql('old', q(SELECT count(*) FROM quay.queueitem)), '6', 'and back: all others are there');

$node->stop;
done_testing();
