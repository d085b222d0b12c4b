# The work queue: taking and completing an item, beside the statements of the reference; and 16 workers with 4 producers, with and without a
# transaction that is held open. BENCH_QUEUE_SECONDS: for how long the latter, 10 unless given; 60 for the record.
use strict;
use warnings;
use Bench;

my $items = 100_000;
my $long = $ENV{BENCH_QUEUE_SECONDS} // 10;
my $db = 'bench_queue';

sub refill
{
	my ($table) = @_;
	query($db, "TRUNCATE $_[0]");
	query($db, <<"SQL");
INSERT INTO $table (queue_name, body, available_after, available, retries_remaining, state_id, processing_expires)
SELECT 'notification/ns' || i % 10 || '/repo' || i % 100 || '/repo_push/', '{"notification_uuid": "", "event_data": {}, "performer_data": {}}',
       now() AT TIME ZONE 'UTC', i % 6000 <> 0, 5, gen_random_uuid()::text, CASE WHEN i % 6000 = 0 THEN now() AT TIME ZONE 'UTC' + interval '1 hour' END
FROM generate_series(1, $items) AS i
SQL
	query($db, "VACUUM ANALYZE $table");
}

# Items per second that the workers complete
sub crowd
{
	my ($held) = @_;
	my @pgbench = ("$bindir/pgbench", '-n', '-M', 'prepared', '-h', $work, '-U', 'quay', '-T', $long);
	query($db, 'TRUNCATE quay.queueitem');
	query($db, 'VACUUM ANALYZE quay.queueitem');
	my $holder;
	if ($held)
	{
		$holder = fork // die;
		exec("$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', $db, '-o', '/dev/null', '-c', 'BEGIN ISOLATION LEVEL REPEATABLE READ',
			'-c', 'SELECT txid_current(), count(*) FROM quay.queueitem', '-c', 'SELECT pg_sleep(' . ($long + 3) . ')') if $holder == 0;
		select undef, undef, undef, 0.5;
	}
	my $producers = fork // die;
	if ($producers == 0)
	{
		open STDOUT, '>', "$work/queue_put.out";
		open STDERR, '>&', \*STDOUT;
		exec(@pgbench, '-c', 4, '-j', 2, '-f', "$here/script/queue_put.sql", $db);
	}
	my $out = join '', map { "$_" } do { open my $fh, '-|', "@pgbench -c 16 -j 2 -f $here/script/queue_work.sql $db 2>&1" or die; <$fh> };
	waitpid $producers, 0;
	my $put = slurp("$work/queue_put.out");
	die "bench: $out$put" if "$out$put" =~ /ERROR/ || $put !~ /actually processed: (\d+)/;
	my ($left) = query($db, 'SELECT count(*) FROM quay.queueitem');
	my $done = 10 * $1 - $left;
	waitpid $holder, 0 if $holder;
	return $done / $long;
}

return sub {
	start('', @pin);
	printf "loading %d items in 10 namespaces\n", $items;
	run("$bindir/createdb", '-h', $work, '-U', 'quay', $db);
	run("$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', $db, '-c', 'CREATE EXTENSION quay', '-f', "$here/queue.sql");

	my %t;
	for my $turn (1 .. $turns)
	{
		refill($_) for 'quay.queueitem', 'reference.queueitem';
		push @{ $t{$_} }, measure($db, $_, protocol => /reference/ ? 'simple' : 'prepared')
		  for qw(queue_get queue_reference queue_reference_bare queue_ordered queue_ordered_reference queue_ordered_reference_bare);
	}
	my %rows = (
		queue_get => 'queue_get, queue_complete', queue_reference => 'SELECT, UPDATE, DELETE as the driver sends them',
		queue_reference_bare => 'the same without BEGIN and COMMIT',
		queue_ordered => 'queue_get in order, queue_complete', queue_ordered_reference => 'SELECT in order, UPDATE, DELETE',
		queue_ordered_reference_bare => 'the same without BEGIN and COMMIT');
	my %m = map { $_ => median(@{ $t{$_} }) } keys %t;
	printf "\n%-50s %12s\n", 'taking and completing an item', 'us';
	printf "%-50s %12.1f\n", $rows{$_}, $m{$_} for qw(queue_get queue_reference queue_reference_bare queue_ordered queue_ordered_reference queue_ordered_reference_bare);
	print "\n";
	compare($_->[0], $m{ $_->[0] }, $_->[1], $m{ $_->[1] }, $_->[2])
	  for [ 'queue_get', 'queue_reference', 3 ], [ 'queue_get', 'queue_reference_bare' ],
	  [ 'queue_ordered', 'queue_ordered_reference', 3 ], [ 'queue_ordered', 'queue_ordered_reference_bare' ];
	stop();

	# Not pinned: these are many clients.
	start('');
	my (@free, @held);
	for (1 .. 2)
	{
		push @free, crowd(0);
		push @held, crowd(1);
	}
	my ($free, $held) = map { my $s = 0; $s += $_ for @$_; $s / @$_ } \@free, \@held;
	printf "\n16 workers, 4 producers, %d s: %.0f items per s, %.0f with a transaction held open: %.0f %% %s\n", $long, $free, $held,
	  100 * $held / $free, verdict('at least 60 %', $held >= 0.6 * $free);
	stop();
};
