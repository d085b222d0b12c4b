# What registries keep in Redis, against a Redis of its own (redis.sql).
#
# Both servers listen on loopback TCP, and both clients are the bare ones that come with them: pgbench with prepared statements, and
# redis-benchmark without pipelining, one thread each, as many connections. They take turns. With one client, client and server share one
# processor, as everywhere here; with eight, all processors are free to all. Redis answers before anything is on disk; so does the server
# here (synchronous_commit = off), which matters for what is logged: build logs, events and leases. Of leases there is a row with it on, too.
use strict;
use warnings;
use Bench;
use IO::Socket::INET;
use List::Util qw(max);

my $value = 'x' x 1024;
my $line = 'Step 3/12 : RUN apt-get install -y --no-install-recommends ca-certificates curl git build-essential';

# what Redis does, with how many different keys; what we do, and its script; the function that must be there; goal; options of the session
my @rows = (
	[ 'GET 1 kB',                 10_000, [ 'GET', 'key:__rand_int__' ],                          'cache_get',      'redis_get',         'cache_get',       0.5 ],
	[ 'GET 1 kB',                 10_000, [ 'GET', 'key:__rand_int__' ],                          'session_get',    'redis_get_session', 'session_get',     0.5 ],
	[ 'MGET, 10 of 1 kB',         10_000, [ 'MGET', ('key:__rand_int__') x 10 ],                  'cache_get_many', 'redis_mget',        'cache_get_many' ],
	[ 'SET 1 kB EX',              10_000, [ 'SET', 'key:__rand_int__', $value, 'EX', '86400' ],   'cache_set',      'redis_set',         'cache_set' ],
	[ 'SET NX EX, of new keys',   1_000_000_000, [ 'SET', 'nx:__rand_int__', 'value', 'NX', 'EX', '60' ], 'cache_add', 'redis_setnx',      'cache_add' ],
	[ 'DEL',                      10_000, [ 'DEL', 'del:__rand_int__' ],                          'cache_delete',   'redis_del',         'cache_delete' ],
	[ 'SET NX EX as a lock',      1_000_000_000, [ 'SET', 'lock:__rand_int__', 'owner', 'NX', 'EX', '600' ], 'lease_acquire', 'redis_lock', 'lease_acquire' ],
	[ 'the same',                 1_000_000_000, [ 'SET', 'lock:__rand_int__', 'owner', 'NX', 'EX', '600' ], '  flushed',     'redis_lock', 'lease_acquire', undef, '-c synchronous_commit=on' ],
	[ 'HINCRBY',                  1,      [ 'HINCRBY', 'pulls', 'count', '1' ],                   'pull_count',     'redis_hincrby',     'pull_count' ],
	[ 'RPUSH 100 bytes',          100,    [ 'RPUSH', 'log:__rand_int__', $line ],                 'buildlog_append', 'redis_rpush',      'buildlog_append', 0.3 ],
	[ 'LRANGE, 50 of 100 bytes',  1,      [ 'LRANGE', 'log', '0', '49' ],                         'buildlog_read',  'redis_lrange',      'buildlog_read' ],
	[ 'PUBLISH',                  1,      [ 'PUBLISH', 'events', '{"action": "push_repo", "repository": "app"}' ], 'event_publish', 'redis_publish', 'event_publish' ],
);

my ($redis, $redis_port, $pg_port);

sub free_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "bench: $!\n";
	return $socket->sockport;
}

sub redis_cli
{
	my $out = `redis-cli -h 127.0.0.1 -p $redis_port @_ 2>&1`;
	return $out;
}

sub redis_start
{
	my (@on) = @_;
	$redis_port = free_port();
	$redis = fork // die;
	exec @on, 'redis-server', '--bind', '127.0.0.1', '--port', $redis_port, '--dir', $work, '--save', '', '--appendonly', 'no',
	  '--logfile', "$work/redis.log"
	  if $redis == 0;
	for (1 .. 100) { last if redis_cli('PING') =~ /PONG/; select undef, undef, undef, 0.1 }
	open my $pipe, '|-', "redis-cli -h 127.0.0.1 -p $redis_port --pipe >/dev/null" or die;
	my $send = sub { print $pipe '*' . @_ . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @_ };
	$send->('SET', sprintf('key:%012d', $_), $value) for 0 .. 9999;
	$send->('RPUSH', 'log', $line) for 1 .. 50;
	close $pipe or die "bench: redis-cli --pipe failed\n";
}

sub redis_stop
{
	return if !$redis;
	kill 'TERM', $redis;
	waitpid $redis, 0;
	undef $redis;
}

# calls per second
sub redis_rate
{
	my ($clients, $keys, $command, $calls, @on) = @_;
	my @command = map { s/'/'\\''/gr } @$command;
	my $out = `@on redis-benchmark -h 127.0.0.1 -p $redis_port -c $clients -P 1 -n $calls -r $keys -q @{[ map { "'$_'" } @command ]} 2>&1`;
	my ($rate) = reverse $out =~ /([\d.]+) requests per second/g;
	die "bench: redis-benchmark: $out\n" if $? != 0 || !$rate;
	return $rate;
}

sub pg_rate
{
	my ($clients, $script, $time, $options, @on) = @_;
	local $ENV{PGOPTIONS} = $options // '';
	my $out = `@on "$bindir/pgbench" -n -M prepared -h 127.0.0.1 -p $pg_port -U quay -c $clients -j 1 -T $time -f "$here/script/$script.sql" bench_redis 2>&1`;
	die "bench: $script: $out\n" if $? != 0 || $out =~ /ERROR/ || $out !~ /^tps = ([\d.]+)/m;
	return $1;
}

# One short turn of both of each row, as often as there are turns; the medians, also of the ratios: the two of a turn ran one after the other.
sub compare_rows
{
	my ($clients, @on) = @_;
	my $time = max(1, int($seconds / 6));      # there are many
	my %is_there = map { $_ => 1 } query('bench_redis', q(SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'quay'::regnamespace));
	my @there = grep { $is_there{ $_->[5] } } @rows;
	my %rates;
	for my $turn (1 .. $turns)
	{
		for my $row (@there)
		{
			my ($theirs, $keys, $command, $ours, $script, $needed, $goal, $options) = @$row;
			my $known = $rates{"$theirs $ours"} //= { redis => [], pg => [] };
			push @{ $known->{redis} }, redis_rate($clients, $keys, $command, int($time * ($known->{redis}[-1] // 5000)) + 1000, @on);
			push @{ $known->{pg} }, pg_rate($clients, $script, $time, $options, @on);
		}
	}
	printf "\n%-26s %10s   %-16s %10s   %s\n", "$clients client" . ($clients > 1 ? 's' : '') . ', calls per s', 'Redis', '', 'quay', 'ratio';
	for my $row (@there)
	{
		my ($theirs, $goal, $ours) = @$row[ 0, 6, 3 ];
		my ($redis_rates, $pg_rates) = @{ $rates{"$theirs $ours"} }{ 'redis', 'pg' };
		my $ratio = median(map { $pg_rates->[$_] / $redis_rates->[$_] } 0 .. $turns - 1);
		printf "%-26s %10.0f   %-16s %10.0f   %.2f %s\n", $theirs, median(@$redis_rates), $ours, median(@$pg_rates), $ratio,
		  defined $goal ? verdict($goal, $ratio >= $goal) : '';
	}
}

return sub {
	if (grep { system("command -v $_ >/dev/null 2>&1") != 0 } 'redis-server', 'redis-benchmark', 'redis-cli')
	{
		print "left out: there is no Redis to compare with (Debian: redis-server, redis-tools)\n";
		return;
	}
	print "\nloading a cache, sessions and logs\n";
	$pg_port = free_port();
	local $ENV{PGPORT} = $pg_port;
	my $conf = "-c listen_addresses=127.0.0.1 -c port=$pg_port -c fsync=on -c synchronous_commit=off -c autovacuum=on";
	start($conf, @pin);
	load('bench_redis', 'redis.sql');
	my $done = eval {
		redis_start(@pin);
		compare_rows(1, @pin);
		redis_stop();
		stop();
		start($conf);
		redis_start();
		compare_rows(8);
		1;
	};
	my $error = $@;
	redis_stop();
	die $error if !$done;
	stop();
};
