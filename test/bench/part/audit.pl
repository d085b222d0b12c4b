# The audit log (audit.sql): writing it, and reading, counting and dropping months of 10^7 entries.
use strict;
use warnings;
use Bench;
use Time::HiRes qw(time);

# Fewer for a quick look; the goals are for all of them.
my $rows = $ENV{QUAY_BENCH_LOG_ROWS} // 10_000_000;

# milliseconds that a statement takes
sub milliseconds
{
	my $begun = time;
	query('audit', $_[0]);
	return 1000 * (time - $begun);
}

sub bench_audit
{
	print "\nloading an audit log of $rows entries over 24 months\n";
	load('audit', 'audit.sql', rows => $rows);

	$seconds = int($seconds / 3) || 1;
	my %t = take_turns([ 'audit', 'log_write' ], [ 'audit', 'log_write_sequence', protocol => 'simple' ], [ 'audit', 'log_write_many' ]);
	my %us = map { (split ' ')[1] => $t{$_} } keys %t;
	printf "\n%-24s %8.0f us\n", $_, $us{$_} for 'log_write', 'log_write_sequence';
	printf "%-24s %8.0f us, %.1f us an entry\n", 'log_write_many (100)', $us{log_write_many}, $us{log_write_many} / 100;
	compare('log_write', $us{log_write}, 'log_write_sequence', $us{log_write_sequence}, 2);
	compare('log_write_many', $us{log_write_many} / 100, 'log_write_sequence', $us{log_write_sequence});

	my $counting = milliseconds('SELECT quay.log_count_update(100000000)');
	printf "\ncounted beforehand in %.1f s\n", $counting / 1000;
	my %r = take_turns(map { [ 'audit', $_ ] } qw(log_page log_page_all log_page_none log_count_month log_count_month_all));
	my %ms = map { (split ' ')[1] => $r{$_} / 1000 } keys %r;
	my %goal = (log_page => 2, log_page_all => 2, log_page_none => 2, log_count_month => 50, log_count_month_all => 50);
	printf "%-24s %8.2f ms %s\n", $_, $ms{$_}, verdict("< $goal{$_} ms", $ms{$_} < $goal{$_}) for sort keys %goal;

	my $seal = milliseconds('SELECT quay.log_seal(400000)');
	printf "sealed 400,000 entries in %.1f s\n", $seal / 1000;
	my $drop = median(map { milliseconds("SET quay.log_archive_required = off; SELECT quay.log_partition_drop((date_trunc('month', now()) - interval '$_ months')::date)") } 21 .. 23);
	printf "%-24s %8.0f ms %s\n", 'drop of a month', $drop, verdict('< 1000 ms', $drop < 1000);
}

return sub {
	start('', @pin);
	bench_audit();
	stop();
};
