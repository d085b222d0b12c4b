# Many at once: wrong passwords are all counted, or refused while the user waits; one user name is given to one.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $sessions = 100;
my $node = new_node('main', conf => "max_connections = 130\nfsync = off\n");
new_database($node, 'registry');

# So many sessions, each of which is connected and ready before the first one goes on. Returns what each printed.
sub all_at_once
{
	my ($sql) = @_;
	my (@clients, @in, @out, @err);
	for my $i (0 .. $sessions - 1)
	{
		($in[$i], $out[$i], $err[$i]) = ("SELECT 'ready';\n", '', '');
		push @clients, IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=sqlstate', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$in[$i], '>', \$out[$i], '2>', \$err[$i], IPC::Run::timeout(180));
	}
	for my $i (0 .. $#clients) { IPC::Run::pump($clients[$i]) until $out[$i] =~ /ready\n/ }
	for my $i (0 .. $#clients) { $in[$i] .= sprintf($sql, $i) . ";\n" }
	for my $client (@clients) { IPC::Run::pump_nb($client) }
	for my $client (@clients) { IPC::Run::finish($client) }
	s/ready\n// for @out;
	return map { $out[$_] . $err[$_] } 0 .. $#clients;
}

sub count_of
{
	my ($pattern, @answers) = @_;
	return scalar grep { /$pattern/ } @answers;
}

$node->safe_psql('registry', q(SELECT quay.user_create('login-' || n, 'password', n || '@login.example') FROM unnest(ARRAY['a', 'b']) AS n));
my $attempt = q(%sSELECT coalesce(a.actor, a.error), a.retry_after IS NOT NULL FROM quay.authenticate('login-%s', 'wrong %%s') AS a);

# The wait would hide what is not counted.
my @answers = all_at_once(sprintf($attempt, 'SET quay.login_backoff_limit = 0; ', 'a'));
is(count_of(qr/^Invalid Username or Password\|f$/m, @answers), $sessions, 'without a wait each wrong password is refused');
is($node->safe_psql('registry', q(SELECT invalid_login_attempts FROM quay."user" WHERE username = 'login-a')), $sessions, 'and counted');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.logentry3 AS l JOIN quay."user" AS u ON u.id = l.account_id WHERE u.username = 'login-a' AND l.metadata_json ~ 'Invalid Username')),
	$sessions, 'and in the audit log');

@answers = all_at_once(sprintf($attempt, '', 'b'));
my $refused = count_of(qr/^Too many login attempts\.\|t$/m, @answers);
my $counted = $node->safe_psql('registry', q(SELECT invalid_login_attempts FROM quay."user" WHERE username = 'login-b'));
is(count_of(qr/^Invalid Username or Password\|f$/m, @answers), $counted, "with the wait $counted were checked, and these are counted");
is($counted + $refused, $sessions, 'all others have to wait');
cmp_ok($counted, '<', $sessions, 'which some of them have');

@answers = all_at_once(q(SELECT 'created' FROM quay.user_create('login-new', 'password', 'new%s@login.example')));
is(count_of(qr/^created$/m, @answers), 1, 'of many who want one user name one gets it');
is(count_of(qr/ERROR:\s+QY006$/m, @answers), $sessions - 1, 'all others hear that it is taken');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay."user" WHERE username = 'login-new')), '1', 'there is one such user');

$node->stop;
done_testing();
