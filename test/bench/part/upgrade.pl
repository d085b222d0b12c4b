# The chain of migrations from 1.0 to here, with a registry in it (registry.sql): straight, and by the detour of 1.1.1. A step holds its locks
# as long as it runs. Meanwhile one client resolves tags and another one writes rows of them: how long do they wait at most?
#
# BENCH_TAGS tags, 10^5 by default, 10^6 for the numbers of the README; ten times as many audit rows.
use strict;
use warnings;
use Bench;
use Time::HiRes qw(sleep time);

my @straight = ('1.1', '1.2', '1.3', '1.4');
my @detour = ('1.1', '1.1.1', 'work', '1.2', '1.3', '1.4');
my $tags = $ENV{BENCH_TAGS} // 100_000;

sub on { my ($db, $sql) = @_; return run("$bindir/psql", '-XqAt', '-v', 'ON_ERROR_STOP=1', '-h', $work, '-U', 'quay', '-d', $db, '-c', $sql) }

sub do_the_work
{
	my ($db) = @_;
	on($db, $_) for query($db, 'SELECT statement FROM quay.halfway_work()');
}

# A client at work. Returns a function that stops it, and answers the longest time of a call, ms.
sub client
{
	my ($db, $script) = @_;
	my $prefix = "$work/$db-$script";
	my $pid = fork // die;
	if (!$pid)
	{
		open STDOUT, '>', "$prefix.out";
		open STDERR, '>&', \*STDOUT;
		exec "$bindir/pgbench", '-n', '-M', 'simple', '-h', $work, '-U', 'quay', '-T', 3600, '-R', 100, '-D', "tags=$tags", '-l', '--log-prefix', $prefix,
		  '-f', "$here/script/$script.sql", $db;
	}
	return sub {
		die "bench: $script: " . slurp("$prefix.out") . "\n" if waitpid($pid, 1) != 0;
		kill 'TERM', $pid;
		waitpid $pid, 0;
		my ($most, $calls) = (0, 0);
		for (map { split /\n/, slurp($_) } glob "$prefix.[0-9]*")
		{
			# With a rate given, the time counts from when the call was due; the last number is by how much it was late. (The last line is cut.)
			/^\d+ \d+ (\d+) \d+ \d+ \d+ (\d+)$/ or next;
			$most = $1 - $2 if $1 - $2 > $most;
			$calls++;
		}
		die "bench: $script did nothing\n" if !$calls;
		return $most / 1000;
	};
}

sub chain
{
	my ($name, @steps) = @_;
	my $db = $name =~ s/\W//gr;
	run("$bindir/createdb", '-h', $work, '-U', 'quay', '-T', 'registry', $db);
	my @clients = map { client($db, $_) } 'upgrade_pull', 'upgrade_write';
	sleep 2;
	my (@took, $longest, $total, $between);
	for my $step (@steps)
	{
		my $start = time;
		$step eq 'work' ? do_the_work($db) : on($db, "ALTER EXTENSION quay UPDATE TO '$step'");
		my $took = time - $start;
		push @took, sprintf '%s %.2f', $step, $took;
		if ($step eq 'work') { $between = $took; next }
		$total += $took;
		$longest = $took if $took > ($longest // 0);
	}
	sleep 1;
	my @waited = map { $_->() } @clients;
	printf "%-24s %s s\n", $name, join ', ', @took;
	printf "%-24s locks held %.2f s in all, %.2f s the longest%s\n", '', $total, $longest, $between ? ' ' . verdict('5 and 1', $total < 5 && $longest < 1) : '';
	printf "%-24s longest wait of who resolves tags %.0f ms, of who writes them %.0f ms\n", '', @waited;
	return query($db, q(SELECT count(*), sum(hashtextextended(u::text, 0)::numeric) FROM quay_internal.blob_use AS u WHERE u.repository_id > 0));
}

sub bench_upgrade
{
	start('');
	print "\nloading a registry of $tags tags into version 1.0\n";
	run("$bindir/createdb", '-h', $work, '-U', 'quay', 'registry');
	on('registry', "CREATE EXTENSION quay VERSION '1.0'");
	run("$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', 'registry', '-v', "tags=$tags", '-v', 'schema=quay', '-f', "$here/registry.sql");
	my ($one) = chain('straight', @straight);
	my ($other) = chain('by way of 1.1.1', @detour);
	die "bench: the two ways lead to different sizes\n" if $one ne $other;

	# Nothing in it.
	run("$bindir/createdb", '-h', $work, '-U', 'quay', 'empty');
	on('empty', "CREATE EXTENSION quay VERSION '1.0'");
	my $start = time;
	on('empty', 'ALTER EXTENSION quay UPDATE');
	printf "%-24s %.2f s\n", 'nothing in it, 1.0 to here', time - $start;
	stop();
}

return \&bench_upgrade;
