# A Quay moves in (adopt.sql): quay.adopt() with all its checks beside INSERT ... SELECT of the same tables into plain ones, which have the
# reference's indexes and foreign keys. BENCH_TAGS tags, 10^5 by default, 10^6 for the numbers of the README; ten times as many audit rows.
use strict;
use warnings;
use Bench;
use Time::HiRes qw(sleep time);

my @tables = qw(user repository imagestorage imagestorageplacement manifest manifestblob manifestsecuritystatus tag logentry3);

# Seconds that a statement takes, and the most private memory of its server process, in MB, in the first and in the last third of that time.
sub timed
{
	my ($db, $sql) = @_;
	my $child = fork // die;
	my $start = time;
	if (!$child)
	{
		open STDERR, '>', '/dev/null';
		query($db, $sql);
		exit 0;
	}
	my @memory;
	my $done = 0;
	until ($done)
	{
		my ($pid) = query('postgres', "SELECT pid FROM pg_stat_activity WHERE datname = '$db' AND state = 'active'");
		push @memory, $1 / 1024 if $pid && slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
		for (1 .. 10) { last if $done = waitpid $child, 1; sleep 0.05 }
	}
	my $took = time - $start;
	my $third = int(@memory / 3) || 1;
	my $most = sub { (sort { $b <=> $a } 0, @_)[0] };
	return ($took, $most->(@memory[ 0 .. $third - 1 ]), $most->(@memory[ -$third .. -1 ]));
}

sub bench_adopt
{
	my $tags = $ENV{BENCH_TAGS} // 100_000;
	start('');
	print "\nloading a Quay of $tags tags\n";
	load('adopt', 'adopt.sql', tags => $tags);
	my ($rows) = query('adopt', 'SELECT ' . join ' + ', map { qq[(SELECT count(*) FROM src."$_")] } @tables);

	my ($dry) = timed('adopt', q(CALL quay.adopt('src', dry_run => true)));
	my ($plain) = timed('adopt', join '; ', map { qq(INSERT INTO plain."$_" SELECT * FROM src."$_") } @tables);
	my ($adopt, $first, $last) = timed('adopt', q(CALL quay.adopt('src')));
	my ($ended) = query('adopt', q(SELECT count(*) FROM quay.adoption_progress WHERE state <> 'done'));
	die "bench: the adoption did not end\n" if $ended ne '0';
	my %phase = map { split / / } query('adopt', q(SELECT phase || ' ' || round(sum(extract(epoch FROM ended - started)), 1) FROM quay.adoption_progress GROUP BY phase));
	my ($out) = timed('adopt', q(CALL quay.release('back')));

	printf "%-24s %8.1f s\n", 'dry run', $dry;
	printf "%-24s %8.1f s   %s\n", 'adopt', $adopt, join ', ', map { "$_ $phase{$_}" } qw(scan copy compare derive prove);
	printf "%-24s %8.1f s\n", 'INSERT ... SELECT', $plain;
	printf "%-24s %8.1f s\n", 'release', $out;
	printf "%-24s %8.0f rows per second %s\n", 'adopt', $rows / $adopt, verdict('50000', $rows / $adopt >= 50_000);
	printf "%-24s %8.2f times the time of INSERT ... SELECT %s\n", 'adopt', $adopt / $plain, verdict('< 3', $adopt / $plain < 3);
	printf "%-24s %8.0f MB private memory in the first third, %.0f in the last %s\n", 'adopt', $first, $last, verdict('flat', $last < $first + 20);
	stop();
}

return \&bench_adopt;
