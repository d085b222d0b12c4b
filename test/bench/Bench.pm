# What the parts of make bench share: a server of their own, loading, measuring, saying what came out.
package Bench;
use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(dirname);
use File::Spec;
use Time::HiRes qw(time);

our @EXPORT = qw($bindir $work $data $here $turns $seconds @pin run median start stop init load query measure take_turns verdict compare growth slurp);

# Set by test/bench/run.
our ($bindir, $work, $turns, $seconds);
our $data;
our $here = File::Spec->rel2abs(dirname(__FILE__));
our @pin = system('taskset -c 0 true >/dev/null 2>&1') == 0 ? ('taskset', '-c', '0') : ();

sub run { system(@_) == 0 or die "bench: @_ failed\n" }
sub median { my @s = sort { $a <=> $b } @_; return $s[ @s / 2 ]; }

sub start
{
	my ($conf, @on) = @_;
	return run(@on, "$bindir/pg_ctl", '-s', '-w', '-D', $data, '-l', "$work/log", '-o', $conf, 'start');
}

sub stop { return run("$bindir/pg_ctl", '-s', '-w', '-m', 'fast', '-D', $data, 'stop') }

sub init
{
	run("$bindir/pg_ctl", '-s', '-D', $data, '-o', '-E UTF8 --locale=C -A trust --no-sync -U quay', 'initdb');
	open my $conf, '>>', "$data/postgresql.conf" or die;
	print $conf "listen_addresses = ''\nunix_socket_directories = '$work'\nshared_buffers = 2GB\nfsync = off\n"
	  . "synchronous_commit = off\nmax_wal_size = 8GB\nautovacuum = off\njit = off\nmax_connections = 80\n";
	close $conf;
}

sub load
{
	my ($db, $file, %vars) = @_;
	my @psql = ("$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', $db);
	run("$bindir/createdb", '-h', $work, '-U', 'quay', $db);
	run(@psql, '-c', 'CREATE EXTENSION quay');
	run(@psql, (map { ('-v', "$_=$vars{$_}") } sort keys %vars), '-f', "$here/$file");
}

sub query
{
	my ($db, $sql) = @_;
	open my $out, '-|', "$bindir/psql", '-XqAt', '-h', $work, '-U', 'quay', '-d', $db, '-c', $sql or die;
	chomp(my @rows = <$out>);
	return @rows;
}

# microseconds per transaction
sub measure
{
	my ($db, $script, %vars) = @_;
	my $protocol = delete $vars{protocol} // 'prepared';
	my $given = join ' ', map { "-D $_='$vars{$_}'" } sort keys %vars;
	my $out = `@pin "$bindir/pgbench" -n -M $protocol -h "$work" -U quay -T $seconds $given -f "$here/script/$script.sql" "$db" 2>&1`;
	die "bench: $script: $out\n" if $? != 0 || $out =~ /ERROR/ || $out !~ /^tps = ([\d.]+)/m;
	return 1e6 / $1;
}

# "arguments of measure" => median, all in turn
sub take_turns
{
	my %times;
	for my $turn (1 .. $turns)
	{
		push @{ $times{"@$_"} }, measure(@$_) for @_;
	}
	return map { $_ => median(@{ $times{$_} }) } keys %times;
}

sub verdict
{
	my ($goal, $reached) = @_;
	return sprintf '(goal %s: %s)', $goal, $reached ? 'reached' : 'MISSED';
}

# What the ratio of two times says: ours against what it replaces.
sub compare
{
	my ($name, $ours, $theirs_name, $theirs, $goal) = @_;
	printf "%-24s %.2f times the rate of %-24s %s\n", $name, $theirs / $ours, $theirs_name,
	  defined $goal ? verdict($goal, $theirs / $ours >= $goal) : '';
}

# One line: what it costs at several sizes or places, and that it hardly grows from the first of them.
sub growth
{
	my ($name, $goal, @at) = @_;
	my ($most) = sort { $b <=> $a } @at;
	printf "%-24s %s   %.2f %s\n", $name, join(' ', map { sprintf '%10.1f', $_ } @at), $most / $at[0],
	  verdict("< $goal", $most / $at[0] < $goal);
}

sub slurp
{
	open my $fh, '<', $_[0] or return '';
	local $/;
	return <$fh> // '';
}

1;
