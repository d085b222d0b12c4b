# Keys and secrets stay out of the server's log and of pg_stat_statements, whatever fails; and a rotation of the key survives a crash.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my %key = (old => 'the0old0key0of0the0log', new => 'the0new0key0of0the0log', password => 'the0password0key0of0it', wrong => 'some0third0key0to0find');
my $keys = PostgreSQL::Test::Utils::tempdir();
sub write_keys
{
	my (%file) = @_;
	for my $name (keys %file)
	{
		open my $fh, '>', "$keys/$name" or die "$name: $!\n";
		print $fh "$file{$name}\n";
		close $fh;
	}
}
write_keys(fields => $key{old}, previous => $key{old}, passwords => $key{password});
my $node = new_node('main', conf => <<CONF);
quay.database_secret_key = ''
quay.database_secret_key_file = '$keys/fields'
quay.secret_key_file = '$keys/passwords'
quay.server_hostname = 'registry.example'
log_min_messages = debug1
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = 0
log_error_verbosity = verbose
CONF
new_database($node, 'registry');
my $has_statements = $node->safe_psql('registry', q(SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_stat_statements'));
if ($has_statements)
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.track = all\n");
	$node->restart;
	$node->safe_psql('registry', 'CREATE EXTENSION pg_stat_statements');
}

my %secret = (token => 'ROBOT' x 12 . 'LOGS', password => 'Pass0word0of0the0log', guess => 'Guess0of0the0log0');
sub psql
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');
	$node->psql('registry', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0);
	return ($out, $err);
}

# The secrets get into the database by a way that is not logged: COPY.
my $rows = join '', map { "$_\t$secret{$_}\n" } sort keys %secret;
psql("CREATE TABLE given (name text, secret text);\nCOPY given FROM stdin;\n$rows\\.\n");
my $given = sub { "(SELECT secret FROM given WHERE name = '$_[0]')" };

my $output = '';
for my $sql (
	"SELECT quay.user_create('alice', " . $given->('password') . ", 'alice\@example.com')",
	"SELECT username FROM quay.robot_create('alice', 'bot', given_token => " . $given->('token') . ')',
	"SELECT username FROM quay.robot_create('alice', 'bot2', given_token => " . $given->('guess') . ')',
	"SELECT username FROM quay.robot_create('alice', 'bot', given_token => " . $given->('token') . ')',
	"SELECT actor, error FROM quay.authenticate('alice+bot', " . $given->('token') . ')',
	"SELECT actor, error FROM quay.authenticate('alice+bot', " . $given->('guess') . ')',
	"SELECT actor, error FROM quay.authenticate('alice', " . $given->('password') . ')',
	"SELECT actor, error FROM quay.authenticate('alice', " . $given->('guess') . ')',
	"SELECT actor, error FROM quay.authenticate('alice', quay.password_encrypt(" . $given->('password') . '))',
	"SELECT quay.password_encrypt(repeat(" . $given->('password') . ', 10000))',
	"SELECT quay_internal.password_hash(" . $given->('password') . ', 99)',
	"SELECT quay_internal.field_encrypt(" . $given->('password') . ', 60)',
	"SELECT quay_internal.secret_digest(" . $given->('token') . ') IS NOT NULL',
	"SELECT quay_internal.jwt_is(" . $given->('token') . '), error FROM quay.jwt_verify(' . $given->('token') . ')',
	"SELECT quay.robot_token('alice', 'bot') = " . $given->('token'),
	"SELECT kid FROM quay.service_key_generate('quay', 'kid')",
	"SELECT kid FROM quay.service_key_generate('quay', 'kid')",
	# wrong keys, in the settings and as arguments
	'SELECT quay.secret_rotate()',
	"SELECT quay.secret_rotate(old => secret, new => secret) FROM given WHERE name = 'guess'",
	"SELECT quay.secret_rotate(old => secret, new => secret || 'x') FROM given WHERE name = 'guess'",
	"SELECT quay.secret_rotate(old => secret, new => U&'\\5BC6') FROM given WHERE name = 'guess'",
	"SELECT quay_internal.field_rotate('v0\$\$x', secret, U&'\\5BC6') FROM given WHERE name = 'guess'",
	"SELECT quay_internal.field_encrypt_with(secret, U&'\\5BC6') FROM given WHERE name = 'guess'",
	"UPDATE quay.robotaccounttoken SET token = 'v0\$\$' || " . $given->('guess') . " WHERE robot_account_id = (SELECT id FROM quay.\"user\" WHERE username = 'alice+bot')",
	"SELECT quay.robot_token('alice', 'bot')",
	"SELECT actor, error FROM quay.authenticate('alice+bot', " . $given->('token') . ')',
	"SELECT username FROM quay.robot_regenerate('alice', 'bot')")
{
	my ($out, $err) = psql($sql);
	$output .= "$out\n$err\n";
}
my @codes = sort { $a cmp $b } keys %{ { map { $_ => 1 } $output =~ /ERROR:  (.*)/g } };
cmp_ok(scalar @codes, '>=', 9, 'enough went wrong') or diag($output);

# Rotation: the server stops dead in the middle, and goes on afterwards.
$node->safe_psql('registry', "SELECT count(*) FROM generate_series(1, 200) AS n, quay.robot_create('alice', 'r' || n)");
my $before = $node->safe_psql('registry', q(SELECT md5(string_agg(quay_internal.field_decrypt(token), ',' ORDER BY id)) FROM quay.robotaccounttoken));
$node->append_conf('postgresql.conf', "quay.database_secret_key_previous_file = '$keys/previous'\n");
$node->reload;
$node->poll_query_until('registry', "SELECT current_setting('quay.database_secret_key_previous_file') <> '' FROM (SELECT quay_internal.version_library()) AS v") or die 'reload';
write_keys(fields => $key{new});
is($node->safe_psql('registry', 'SELECT quay.secret_rotate(batch => 50)'), '50', 'a first batch');
my $session = $node->background_psql('registry');
$session->query_safe('BEGIN');
$session->query_safe('SELECT quay.secret_rotate(batch => 50)');
$node->stop('immediate');
eval { $session->{run}->finish };
$node->start;
is($node->safe_psql('registry', 'SELECT count(*) FROM quay.secret_check(1000)'), '151', 'what was committed is done, the rest is not');
is($node->safe_psql('registry', q(SELECT md5(string_agg(quay_internal.field_decrypt(token), ',' ORDER BY id)) FROM quay.robotaccounttoken)), $before,
	'all is readable on the way');
$node->safe_psql('registry', 'CALL quay.secret_rotate_all(60)');
is($node->safe_psql('registry', 'SELECT count(*) FROM quay.secret_check()'), '0', 'all have the new key');
write_keys(previous => $key{new});
is($node->safe_psql('registry', q(SELECT md5(string_agg(quay_internal.field_decrypt(token), ',' ORDER BY id)) FROM quay.robotaccounttoken)), $before,
	'all is readable with the new key alone');

# A third key that opens nothing.
write_keys(fields => $key{wrong}, previous => $key{old});
psql($_) for 'SELECT quay.secret_rotate()', "SELECT quay.robot_token('alice', 'r1')", "SELECT quay.authenticate('alice+r1', 'x')",
	'SELECT quay.secret_check(3)', 'SHOW ALL', 'SELECT * FROM pg_settings', "SELECT quay.secret_rotate(new => secret) FROM given WHERE name = 'guess'";

# A file that is empty, that is not there.
write_keys(fields => '');
like((psql("SELECT quay.robot_token('alice', 'r1')"))[1], qr/the file of setting quay\.database_secret_key_file holds no key/, 'an empty file is no key');
unlink "$keys/fields";
like((psql("SELECT quay.robot_token('alice', 'r1')"))[1], qr/could not open the file of setting quay\.database_secret_key_file/, 'nor is a missing one');
write_keys(fields => $key{new});
is((psql("SELECT quay.robot_token('alice', 'r1') IS NOT NULL"))[0], 't', 'it is read at each use');

# Who may read all settings may not read these.
$node->safe_psql('registry', 'CREATE ROLE watcher; GRANT pg_read_all_settings TO watcher');
my ($shown) = psql('SET ROLE watcher; SHOW ALL; SELECT * FROM pg_settings');
unlike($shown, qr/\Q$_\E/, 'settings are not shown') for values %key;

if ($has_statements)
{
	my $statements = $node->safe_psql('registry', 'SELECT query FROM pg_stat_statements');
	like($statements, qr/secret_rotate/, 'statements were seen');
	unlike($statements, qr/\Q$_\E/, 'statements show no secret') for values %key, values %secret;
}

my $log = slurp_text($node->logfile);
like($log, qr/quay\.secret_rotate/, 'the log shows the statements');
like($log, qr/neither key opens/, 'and the errors');
my $n = 0;
unlike($log, qr/\Q$_\E/, 'the log shows no secret, no. ' . ++$n) for values %key, values %secret;
unlike($log, qr/PRIVATE KEY|\$2b\$|v0\$\$[A-Za-z0-9+\/]{20}/, 'nor a private key, a hash or an encrypted field');

done_testing();
