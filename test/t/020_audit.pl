# The audit log of a server that is killed while it is written, counted and sealed; dumped and restored; and read on a standby.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', streaming => 1, conf => "fsync = on\nrestart_after_crash = on\n");
new_database($node, 'registry');
fixture($node, 'registry');
$node->safe_psql('registry', 'SELECT count(*) FROM quay.log_partition_ensure(1)');

sub count_wrong { return $node->safe_psql('registry', q(SELECT count(*) FROM quay.log_count_check())) }

# --- kill -9

# Each client writes one entry per transaction, and in between a batch, and prints their names once the commit is acknowledged; two maintain.
my %acknowledged;
for my $round (1 .. 2)
{
	my (@clients, @out);
	for my $client (0 .. 2)
	{
		my $script = join '', map {
			my $name = "r${round}c${client}n$_";
			$_ % 10
			  ? qq(SELECT quay.log_write('pull_repo', 'fixture_acme', 'app', 'fixture_alice', metadata => '{"name": "$name"}') = 'written';\n\\echo wrote $name\n)
			  : qq(SELECT written FROM quay.log_write_many('[{"kind": "pull_repo", "namespace": "fixture_acme", "metadata": {"name": "${name}a"}}, {"kind": "push_repo", "namespace": "fixture_acme", "metadata": {"name": "${name}b"}}]');\n\\echo wrote ${name}a\n\\echo wrote ${name}b\n)
		} 1 .. 3000;
		$out[$client] = '';
		push @clients, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$script, '>', \$out[$client], '2>', '/dev/null', IPC::Run::timeout(120));
	}
	for my $call ('quay.log_seal(50)', 'quay.log_count_update(50)')
	{
		my $script = "SELECT $call;\n" x 3000;
		push @out, '';
		push @clients, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$script, '>', \$out[-1], '2>', '/dev/null', IPC::Run::timeout(120));
	}
	# Until each has got somewhere; their scripts are fed while they are pumped.
	my $deadline = time + 90;
	until ((grep { $_ >= 50 } map { scalar(() = /^wrote /mg) } @out[ 0 .. 2 ]) == 3 && (grep { /^[1-9]\d*$/m } @out[ 3, 4 ]) == 2)
	{
		die "no progress: " . join(' | ', map { substr $_, -100 } @out) if time > $deadline;
		IPC::Run::pump_nb($_) for @clients;
		select undef, undef, undef, 0.005;
	}
	my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
	$node->kill9;
	for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
	for my $client (@clients) { eval { IPC::Run::finish($client) } }
	$acknowledged{$_} = 1 for map { /^wrote (\S+)$/mg } @out;
	$node->start;
}
my $count = keys %acknowledged;
cmp_ok($count, '>=', 300, "$count entries were acknowledged before the crashes");
my @there = split /\n/, $node->safe_psql('registry', q(SELECT metadata ->> 'name' FROM quay.log_list('fixture_acme', n => 1000000) WHERE metadata ? 'name'));
my %there = map { $_ => 1 } @there;
is(join(' ', grep { !$there{$_} } sort keys %acknowledged), '', 'each of them is there');
is(scalar @there, scalar keys %there, 'and none twice');
is(join(' ', grep { /a$/ && !$there{ s/a$/b/r } || /b$/ && !$there{ s/b$/a/r } } sort keys %there), '', 'batches are whole');
is($node->safe_psql('registry', q(SELECT bool_and(ok) FROM quay.log_verify())), 't', 'what was sealed is what is there');
is(count_wrong(), '0', 'and what was counted');
$node->safe_psql('registry', "SELECT quay.log_seal(1000000)") for 1 .. 2;
$node->safe_psql('registry', "SELECT quay.log_count_update(1000000)") for 1 .. 2;
is($node->safe_psql('registry', <<'SQL'), 't|t', 'the rest of it follows');
SELECT bool_and(ok), sum(sealed_rows) = (SELECT count(*) FROM quay.logentry3 WHERE tableoid <> 'quay.logentry3_default'::regclass) FROM quay.log_verify()
SQL
is(count_wrong(), '0', 'counts too');

# --- dump and restore

my $heads = $node->safe_psql('registry', 'SELECT * FROM quay.log_seal_list()');
my $days = 'SELECT * FROM quay.log_count_by_day()';
my $counted = $node->safe_psql('registry', $days);
like($heads, qr/^\d{4}-\d\d-01\|/, 'there are chains');
for my $format (qw(custom plain))
{
	my $copy = "restored_$format";
	is(dump_into($node, 'registry', $copy, format => $format), '', "$format: restored");
	is($node->safe_psql($copy, 'SELECT * FROM quay.log_seal_list()'), $heads, 'with the same chains');
	is($node->safe_psql($copy, 'SELECT bool_and(ok) FROM quay.log_verify()'), 't', 'which verify');
	is($node->safe_psql($copy, 'SELECT count(*) FROM quay_internal.log_count_month'), '0', 'nothing is counted yet');
	is($node->safe_psql($copy, $days), $counted, 'but the counts are right');
	is($node->safe_psql($copy, 'SELECT quay.log_count_update(1000000) > 0'), 't', 'then it is counted');
	is($node->safe_psql($copy, $days), $counted, 'and they are the same');
	$node->safe_psql($copy, q(SELECT quay.log_write('push_repo', 'fixture_acme')));
	is($node->safe_psql($copy, 'SELECT quay.log_seal()'), '1', 'the chain goes on');
	is($node->safe_psql($copy, 'SELECT bool_and(ok) FROM quay.log_verify()'), 't', 'and is right');
}
my $victim = $node->safe_psql('restored_plain', q(SELECT min(id) FROM quay.logentry3 WHERE metadata_json LIKE '%r2c1n1%'));
$node->safe_psql('restored_plain', "UPDATE quay.logentry3 SET ip = '203.0.113.1' WHERE id = $victim");
is($node->safe_psql('restored_plain', 'SELECT fault, log_id FROM quay.log_verify() WHERE NOT ok'), "changed|$victim", 'a row that was changed in the copy is found');

# --- a standby

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('registry', q(SELECT quay.log_write('push_repo', 'fixture_acme', 'app')));
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
for my $read (
	q(SELECT * FROM quay.log_list('fixture_acme', n => 100)),
	q(SELECT * FROM quay.log_list(performer => 'fixture_alice', kinds => '{pull_repo}')),
	q(SELECT * FROM quay.log_latest('fixture_acme', 'app')),
	q(SELECT * FROM quay.log_count_by_day()),
	q(SELECT * FROM quay.log_count_by_day('fixture_acme', 'app')),
	q(SELECT * FROM quay.log_count_check()),
	q(SELECT * FROM quay.log_verify()),
	q(SELECT * FROM quay.log_seal_list()),
	q(SELECT * FROM quay.log_archive_list('7 days')),
	q(SELECT * FROM quay.log_archive_read(3, '2026-03-01')),
	q(SELECT * FROM quay.log_export_read(jsonb_build_object('namespace_id', (SELECT id FROM quay."user" WHERE username = 'fixture_acme'), 'start_time', '01/01/2020', 'end_time', '01/01/2100'))))
{
	is($standby->safe_psql('registry', $read), $node->safe_psql('registry', $read), $read =~ s/\s+/ /gr);
}
my $error = '';
for my $call (q(quay.log_write('pull_repo', 'fixture_acme')), 'quay.log_seal()', 'quay.log_count_update()', q(quay.log_partition_drop('2026-03-01')))
{
	isnt($standby->psql('registry', "\\set VERBOSITY verbose\nSELECT $call", stderr => \$error), 0, "$call is refused");
	like($error, qr/25006/, 'because the server is read-only');
}
is($standby->safe_psql('registry', q(SET client_min_messages = error; SET quay.allow_pulls_without_strict_logging = on; SELECT quay.log_write('pull_repo', 'fixture_acme'))), 'lost',
	'a pull goes on without its row, if that is permitted');

$standby->stop;
$node->stop;
done_testing();
