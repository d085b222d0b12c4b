# Logs of builds: the server is killed while workers write to them; followed live, through LISTEN; read on a standby.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', streaming => 1, conf => "fsync = on\nrestart_after_crash = on\nquay.buildlog_notify_interval = 0\n");
new_database($node, 'registry');
fixture($node, 'registry');
my ($single, $shared) = map { $node->safe_psql('registry', "SELECT build FROM quay.build_create('fixture_acme', 'app', NULL, '$_')") } 'single', 'shared';

sub client
{
	my ($in, $out) = @_;
	return IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, 'registry' ],
		'<', $in, '>', $out, '2>', '/dev/null', IPC::Run::timeout(60));
}

# Each worker prints what it was told once the commit is acknowledged: which line is where. The first writes to a log of its own, the others
# to one log, of which each third line comes with a second one in the same transaction.
my %acknowledged;
my $folder = PostgreSQL::Test::Utils::tempdir();
for my $round (1 .. 3)
{
	my (@clients, @out);
	for my $worker (0 .. 3)
	{
		my $build = $worker ? $shared : $single;
		my $script = join '', map {
			my $line = "r${round}w${worker}n$_";
			$_ % 3
			  ? "SELECT '$build $line ' || quay.buildlog_append('$build', '$line');\n"
			  : "SELECT '$build $line ' || quay.buildlog_append_many('$build', '{$line,$line second}');\n"
		} 1 .. 20000;
		# Files, since all that was printed counts, up to the crash.
		$out[$worker] = "$folder/out$worker";
		PostgreSQL::Test::Utils::append_to_file("$folder/in$round$worker", $script);
		push @clients, client("$folder/in$round$worker", $out[$worker]);
	}
	for my $worker (0 .. 3)
	{
		for (1 .. 600) { last if -e $out[$worker] && slurp_text($out[$worker]) =~ /n50 \d+\n/; select undef, undef, undef, 0.05 }
	}
	if ($round == 2)
	{
		my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
		$node->kill9;
		for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
	}
	else { $node->stop('immediate') }
	for my $client (@clients) { eval { IPC::Run::finish($client) } }
	for my $text (map { slurp_text($_) } @out)
	{
		$acknowledged{"$1 $2"} = $3 while $text =~ /^(\S+) (\S+) (\d+)$/mg;
	}
	$node->start;
}

cmp_ok(scalar keys %acknowledged, '>', 600, keys(%acknowledged) . ' lines were acknowledged before the crashes');
my %there;
for my $build ($single, $shared)
{
	my $lines = $node->safe_psql('registry', "SELECT index || ' ' || message FROM quay.buildlog_read('$build', 0, 1000000)");
	$there{"$build $2"} = $1 while $lines =~ /^(\d+) (.*)$/mg;
}
is(join(' ', grep { ($there{$_} // '') ne $acknowledged{$_} } sort keys %acknowledged), '', 'each of them is where it was said to be');
is($node->safe_psql('registry', <<'SQL'), "t|t|t\nt|t|t", 'no index is missing and none is there twice; what was written together is together');
SELECT min(l.index) = 0, max(l.index) + 1 = count(*), bool_and(l.message NOT LIKE '% second' OR l.message = l.before || ' second')
FROM (SELECT *, lag(message) OVER (PARTITION BY build_id ORDER BY index) AS before FROM quay_internal.build_log_line) AS l
GROUP BY l.build_id
SQL

# Following: a session that listens gets the uuid of the build once per transaction, at commit, and at most once in
# an interval, which is 0 here unless told otherwise.
my ($in, $out) = ('', '');
my $listener = client(\$in, \$out);

# What the listener has heard since it was asked last. The message that ends it is of its own.
my $asked = 0;
sub heard
{
	$asked++;
	$node->safe_psql('registry', "NOTIFY quay_buildlog, 'end $asked'");
	$out = '';
	until ($out =~ /end $asked"/) { $in .= "SELECT 1;\n"; IPC::Run::pump($listener); select undef, undef, undef, 0.02 }
	return join ' ', map { $_ eq $single ? 'single' : $_ eq $shared ? 'shared' : $_ } $out =~ /notification "(?:quay_buildlog|quay_build)" with payload "(?!end)([^"]*)"/g;
}
sub append { return $node->safe_psql('registry', join '', map { "$_;\n" } @_) }

$in .= "LISTEN quay_buildlog; LISTEN quay_build; SELECT 'ready';\n";
IPC::Run::pump($listener) until $out =~ /ready/;
append("SELECT quay.buildlog_append('$single', 'a')");
is(heard(), 'single', 'a line wakes up who listens');
append('BEGIN', "SELECT quay.buildlog_append('$single', 'b')", "SELECT quay.buildlog_append('$single', 'c')", 'COMMIT');
is(heard(), 'single', 'two lines of one transaction do so once');
append('BEGIN', "SELECT quay.buildlog_append('$single', 'd')", 'ROLLBACK');
is(heard(), '', 'one that is taken back does not');
append("SELECT quay.buildlog_append('$single', 'e')", "SELECT quay.buildlog_append_many('$shared', '{f,g}')", "SELECT quay.buildlog_append('$single', 'h')");
is(heard(), 'single shared single', 'each transaction does, of any build');
my $total = $node->safe_psql('registry', "SELECT total FROM quay.buildlog_read('$single', 0, 0)");
append("SELECT quay.buildlog_append('$single', 'tail')");
is($node->safe_psql('registry', "SELECT index, total, message FROM quay.buildlog_read('$single', $total)"), join('|', $total, $total + 1, 'tail'),
	'reading from the last total on gives what is new');
heard();
my $clock = sub { "SET quay.clock = '2099-03-01 12:00:$_[0]+00'" };
my $interval = 'SET quay.buildlog_notify_interval = 1000';
append($interval, $clock->('01.1'), "SELECT quay.buildlog_append('$single', 'i')", $clock->('01.9'), "SELECT quay.buildlog_append('$single', 'j')",
	$clock->('02.0'), "SELECT quay.buildlog_append('$single', 'k')", $clock->('02.5'), "SELECT quay.buildlog_append('$single', 'l')");
is(heard(), 'single single', 'once in an interval');
append('SET quay.buildlog_notify_interval = -1', "SELECT quay.buildlog_append('$single', 'm')");
append('SET quay.notify = off', "SELECT quay.buildlog_append('$single', 'n')");
is(heard(), '', 'switched off');
append($interval, $clock->('09.1'), "SELECT quay.buildlog_append('$single', 'o')", $clock->('09.2'), "SELECT quay.build_set_phase('$single', 'building')");
is(heard(), 'single single', 'a new phase is told on quay_build');
$in .= "\\q\n";
IPC::Run::finish($listener);

# A standby reads, and refuses to write.
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my @reads = ("SELECT index, total, message, phase FROM quay.buildlog_read('$single', 10, 5)", "SELECT shown, phase FROM quay.build_status('$single')",
	"SELECT phase, display_name FROM quay.build_get('$shared')", "SELECT count(*) FROM quay.build_list('fixture_acme', 'app')",
	"SELECT count(*) FROM quay.build_job_list()", "SELECT quay.build_job_check('$single', 1)");
is($standby->safe_psql('registry', $_), $node->safe_psql('registry', $_), $_ =~ s/'[0-9a-f-]{36}'/…/r) for @reads;
my ($status, undef, $error) = $standby->psql('registry', "SELECT quay.buildlog_append('$single', 'x')", on_error_die => 0);
like($error, qr/read-only/, 'it does not append');

$standby->stop;
$node->stop;
done_testing();
