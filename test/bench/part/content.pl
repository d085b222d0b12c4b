# Registry content (push.sql, quota.sql, tags.sql, gc.sql).
use strict;
use warnings;
use Bench;
use Time::HiRes qw(time);

# A push in one call against the statements of an application, on databases of their own.
sub bench_push
{
	print "\nloading images of 20 layers\n";
	my $images = 1000 * ($turns + 1) * $seconds;      # more than the fastest machine pushes; without one the script fails
	load('bench_push', 'push.sql', images => $images);
	run("$bindir/createdb", '-h', $work, '-U', 'quay', '-T', 'bench_push', 'bench_sequence');
	run("$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', 'bench_sequence', '-f', "$here/plain.sql");
	my @jobs = ([ 'bench_push', 'push', protocol => 'simple' ], [ 'bench_sequence', 'push_sequence', protocol => 'simple' ]);
	measure(@$_), query($_->[0], 'VACUUM ANALYZE') for @jobs;      # some content, so that there are statistics
	my %t = take_turns(@jobs);
	my ($ours, $theirs) = map { $t{"@$_"} } @jobs;
	printf "a push of 20 layers and 3 tags: one call %.0f us, %d statements %.0f us\n", $ours,
	  scalar(grep { /;$|[ag]set$/ } split /\n/, slurp("$here/script/push_sequence.sql")) - 1, $theirs;
	compare('manifest_put', $ours, 'the statements', $theirs, 5);
}

# 50 sessions push 1,000 images into one namespace with a quota, and into 50; commits are flushed.
sub quota_pushes
{
	my ($db, $round) = @_;
	my $out = `"$bindir/pgbench" -n -M prepared -h "$work" -U quay -c 50 -j 2 -t 20 -D turn=@{[ $round * 20 - 1 ]} -f "$here/script/quota_push.sql" "$db" 2>&1`;
	die "bench: $out\n" if $? != 0 || $out =~ /ERROR/ || $out !~ /^number of failed transactions: 0 /m || $out !~ /^tps = ([\d.]+)/m;
	return $1;
}

sub bench_quota
{
	print "\nloading images for namespaces with quotas\n";
	load("bench_quota_$_", 'quota.sql', images => 3000, namespaces => $_, limit => 10**15) for 1, 50;
	my %rates;
	for my $round (0 .. 2)
	{
		push @{ $rates{$_} }, quota_pushes("bench_quota_$_", $round) for 1, 50;
	}
	my ($one, $many) = map { median(@{ $rates{$_} }) } 1, 50;
	printf "1,000 pushes by 50 sessions: into one namespace %.0f/s, into 50 %.0f/s: %.0f %% %s\n", $one, $many, 100 * $one / $many,
	  verdict('70 %', $one >= 0.7 * $many);

	# Room for 600: what all share, and what each has of its own.
	my $limit = 18_000_171 + 600 * 2_001_539 + 1;
	load('bench_quota_tight', 'quota.sql', images => 1000, namespaces => 1, limit => $limit);
	my $rate = quota_pushes('bench_quota_tight', 0);
	my ($pushed, $refused, $bytes) = split /\|/, (query('bench_quota_tight',
		q(SELECT (SELECT count(*) FROM quay.manifest), (SELECT count(*) FROM public.bench_refused), quay_internal.size_of(u.id) FROM quay."user" AS u WHERE u.organization)))[0];
	printf "with room for 600 of 1,000: %d accepted, %d refused, %d of %d bytes, %.0f/s %s\n", $pushed, $refused, $bytes, $limit, $rate,
	  verdict('600', $pushed == 600 && $refused == 400 && $bytes < $limit);
}

# A page of 100, less the time of an empty statement: what it takes in the server.
sub bench_page
{
	print "\nloading a repository of 10^6 tags, and a registry of 10^6 repositories\n";
	load('bench_tags', 'tags.sql', tags => 1_000_000);
	load('bench_catalog', 'access.sql', repositories => 1_000_000);
	my @jobs = ([ 'bench_tags', 'empty' ],
		(map { [ 'bench_tags', 'tag_page', after => $_ ] } 'a', 'v5', 'v99'),
		(map { [ 'bench_catalog', 'catalog_public', after => $_ ] } 'a', 'org3/', 'org9/'));
	my %t = take_turns(@jobs);
	my $empty = $t{"@{ shift @jobs }"};
	for my $job (@jobs)
	{
		my $in_server = $t{"@$job"} - $empty;
		printf "%-40s %8.0f us %s\n", "$job->[1] after $job->[3]", $in_server, verdict('< 1000', $in_server < 1000);
	}
}

# Garbage: by one worker, and by two at once.
sub collect
{
	my ($db, $workers) = @_;
	my $before = time;
	my @pids;
	for (1 .. $workers)
	{
		my $pid = fork // die;
		exec "$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', $db, '-o', "$work/collect.$_", '-c', 'CALL quay.gc_run_all()' if $pid == 0;
		push @pids, $pid;
	}
	waitpid $_, 0 for @pids;
	my $seconds = time - $before;
	my ($left) = query($db, 'SELECT count(*) FROM quay.manifest');
	die "bench: $left manifests are left\n" if $left;
	return $seconds;
}

# Resident memory of its own of the backend that collects, in kB, as often as it is asked.
sub private_memory
{
	my ($pid) = @_;
	open my $status, '<', "/proc/$pid/status" or return;
	return (map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$status>)[0];
}

sub bench_gc
{
	my $manifests = 100_000;
	print "\nloading $manifests manifests without a live tag, with 10 blobs each\n";
	load('bench_gc', 'gc.sql', manifests => $manifests);
	my %took;
	for my $workers (1, 2, 1, 2)
	{
		run("$bindir/createdb", '-h', $work, '-U', 'quay', '-T', 'bench_gc', 'bench_collect');
		push @{ $took{$workers} }, collect('bench_collect', $workers);
		run("$bindir/dropdb", '-h', $work, '-U', 'quay', 'bench_collect');
	}
	my ($one, $two) = map { (sort { $a <=> $b } @{ $took{$_} })[0] } 1, 2;
	printf "collected by one worker: %.0f manifests/s %s\n", $manifests / $one, verdict('5000', $manifests / $one >= 5000);
	printf "by two: %.0f/s, %.2f times %s\n", $manifests / $two, $one / $two, verdict('1.5', $one / $two >= 1.5);

	run("$bindir/createdb", '-h', $work, '-U', 'quay', '-T', 'bench_gc', 'bench_collect');
	my @memory;
	my $pid = fork // die;
	exec "$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', 'bench_collect', '-o', "$work/collect.1", '-c', 'CALL quay.gc_run_all()' if $pid == 0;
	while (waitpid($pid, 1) == 0)
	{
		select undef, undef, undef, 0.5;
		my ($backend) = query('bench_collect', q(SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL quay.gc_run_all%'));
		push @memory, private_memory($backend) // () if $backend;
	}
	printf "memory of the worker: %d kB at first, %d kB at most\n", $memory[0], (sort { $b <=> $a } @memory)[0] if @memory;
}

return sub {
	start('', @pin);
	bench_push();
	bench_page();
	# From here on on all processors.
	stop();
	start('-c fsync=on -c synchronous_commit=on');
	bench_quota();
	stop();
	start('');
	bench_gc();
	stop();
};
