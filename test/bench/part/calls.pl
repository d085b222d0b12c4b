# Single calls, beside what they replace (load.sql).
use strict;
use warnings;
use Bench;

# namespaces => what for; 20 repositories, 20 live and 20 dead tags in each
my %sizes = (12 => '10^4', 125 => '10^5', 1250 => '10^6');
my $main = 1000;

sub bench_calls
{
	printf "loading %d namespaces x 20 repositories x 20 live and 20 dead tags, and the sizes 10^4, 10^5, 10^6\n", $main;
	load("bench_$_", 'load.sql', namespaces => $_, repositories => 20) for $main, sort { $a <=> $b } keys %sizes;
	my $job = sub { my ($n, $script) = @_; return [ "bench_$n", $script, namespaces => $n, repositories => 20 ]; };

	my @rows = (
		[ 'empty',         'an empty statement' ],
		[ 'tag_resolve',   'tag_resolve' ],
		[ 'tag_join',      'the join of four tables by hand' ],
		[ 'access_check',  'access_check, a right through a team' ],
		[ 'access_sql',    'the same decision as SQL by hand' ],
		[ 'pull',          'pull' ],
		[ 'pull_sequence', 'the three statements that it replaces' ]);
	my %jobs = map { $_->[0] => $job->($main, $_->[0]) } @rows;
	my %t = take_turns(map { $jobs{ $_->[0] } } @rows);
	my $time = sub { return $t{"@{ $jobs{ $_[0] } }"} };
	printf "\n%-40s %12s %12s\n", 'statement', 'us per call', 'calls per s';
	printf "%-40s %12.1f %12.0f\n", $_->[1], $time->($_->[0]), 1e6 / $time->($_->[0]) for @rows;
	print "\n";
	compare($_->[0], $time->($_->[0]), $_->[1], $time->($_->[1]), $_->[2])
	  for [ 'tag_resolve', 'tag_join', 1.5 ], [ 'access_check', 'access_sql', 2 ], [ 'pull', 'pull_sequence', 2 ];

	# 20,000 decisions in one statement, less the statement without them: what is left is the function.
	my %l = take_turns(map { $job->($main, $_) } 'access_loop', 'access_loop_empty');
	my $decision = ($l{"@{ $job->($main, 'access_loop') }"} - $l{"@{ $job->($main, 'access_loop_empty') }"}) / 20_000;
	printf "\naccess_check in the server, the rights remembered: %.2f us %s\n", $decision, verdict('at most 5', $decision <= 5);

	my @calls = ('tag_resolve', 'access_check', 'pull');
	my @steps = sort { $a <=> $b } keys %sizes;
	my %g = take_turns(map { my $n = $_; map { $job->($n, $_) } @calls } @steps);
	printf "\n%-24s %s   growth\n", 'us per call', join ' ', map { sprintf '%10s', "$sizes{$_} tags" } @steps;
	for my $call (@calls)
	{
		growth($call, 1.5, map { $g{"@{ $job->($_, $call) }"} } @steps);
	}
}

return sub {
	start('', @pin);
	bench_calls();
	stop();
};
