# Lists of repositories (access.sql).
use strict;
use warnings;
use Bench;

# repositories => what for
my %registries = (10_000 => '10^4', 100_000 => '10^5', 1_000_000 => '10^6');

sub bench_lists
{
	my @steps = sort { $a <=> $b } keys %registries;
	printf "\nloading registries of %s repositories, of which the user sees about 1,000\n", join ', ', map { $registries{$_} } @steps;
	load("access_$_", 'access.sql', repositories => $_) for @steps;

	# A page of a list starts after an id, of the catalog after a name: the first page, one in the middle, the last full one.
	my %starts;
	for my $n (@steps)
	{
		for my $kind ('', ', include_public => true')
		{
			my ($ids) = query("access_$n", "SELECT array_to_string(ARRAY[0, a[cardinality(a) / 2], a[cardinality(a) - 100]], ' ') "
				. "FROM (SELECT array_agg(repository_id ORDER BY repository_id) FROM quay.repository_list_visible('viewer', n => 2000000$kind)) AS l (a)");
			$starts{$n}{ $kind eq '' ? 'list_page' : 'list_page_public' } = [ split ' ', $ids ];
		}
		$starts{$n}{catalog} = [ 'a', 'org3/', 'org9/' ];
	}
	$starts{$_}{list_union} = $starts{$_}{list_page} for @steps;
	$starts{$_}{list_union_public} = $starts{$_}{list_page_public} for @steps;
	$seconds = int($seconds / 6) || 1;      # there are many
	my @lists = ('list_page', 'list_union', 'list_page_public', 'list_union_public', 'catalog');
	my %g = take_turns(map { my $list = $_; map { my $n = $_; map { [ "access_$n", $list, after => $_ ] } @{ $starts{$n}{$list} } } @steps } @lists);
	my $time = sub { my ($n, $list, $i) = @_; return $g{"access_$n $list after $starts{$n}{$list}[$i]"} };

	printf "\n%-24s %s   growth\n", 'us per page of 100', join ' ', map { sprintf '%10s', $_ } 'first', 'middle', 'last';
	for my $list (@lists)
	{
		for my $n (@steps)
		{
			my @at = map { $time->($n, $list, $_) } 0 .. 2;
			if ($list =~ /union/) { printf "%-24s %s\n", "$list $registries{$n}", join ' ', map { sprintf '%10.1f', $_ } @at; }
			else { growth("$list $registries{$n}", 1.5, @at); }
		}
	}
	printf "\n%-24s %s   growth\n", 'us per first page', join ' ', map { sprintf '%10s', $registries{$_} } @steps;
	for my $list (grep { !/union/ } @lists)
	{
		growth($list, 2, map { $time->($_, $list, 0) } @steps);      # the indexes become deeper
	}
	print "\n";
	for my $n (@steps)
	{
		compare("list_page $registries{$n}", $time->($n, 'list_page', 0), 'list_union', $time->($n, 'list_union', 0));
		compare("list_page_public $registries{$n}", $time->($n, 'list_page_public', 0), 'list_union_public', $time->($n, 'list_union_public', 0));
	}

	my %f = take_turns([ 'access_100000', 'access_filter' ], [ 'access_100000', 'access_filter_join' ]);
	printf "\nrights in 100,000 repositories, through 50 teams: %.0f us, as a join with EXISTS %.0f us\n",
	  $f{'access_100000 access_filter'}, $f{'access_100000 access_filter_join'};
	compare('access_filter_many', $f{'access_100000 access_filter'}, 'access_filter_join', $f{'access_100000 access_filter_join'}, 10);
}

return sub {
	start('', @pin);
	bench_lists();
	stop();
};
