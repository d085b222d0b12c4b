# The same walk through the API with each driver, directly and through a pooler in transaction mode; and what makes such a pooler safe: no
# call depends on what an earlier one left in the session, and none leaves anything there.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Copy qw(copy);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $clients = source_folder() . '/test/clients';
my $folder = PostgreSQL::Test::Utils::tempdir();

# Drivers speak TCP, not all of them a Unix socket. With a password, so that nobody else on this machine gets in meanwhile.
append_to_file("$folder/pg_hba.conf", "local all all trust\nhost registry front 127.0.0.1/32 scram-sha-256\n");
my $node = new_node('main', conf => "listen_addresses = '127.0.0.1'\nhba_file = '$folder/pg_hba.conf'\n");
new_database($node, 'registry');
my $password = join '', map { ('a' .. 'z')[ rand 26 ] } 1 .. 20;
$node->safe_psql('registry', <<"SQL");
CREATE ROLE front LOGIN PASSWORD '$password';
SELECT quay.grant_role('front', 'application');
SELECT quay.user_create(username => 'admin', password => '$password', email => 'admin\@example.com');
SQL

sub url { return "postgresql://front:$password\@127.0.0.1:$_[0]/registry" }
my $direct = url($node->port);

# What a command prints, and how it ends.
sub run_command_for
{
	my ($seconds, @command) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $good = eval { IPC::Run::run(\@command, '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timeout($seconds)) };
	return ($good, $out, $@ ? "$err$@" : $err);
}

sub has { return (grep { -x "$_/$_[0]" } split(/:/, $ENV{PATH}), '/usr/sbin')[0] }

# --- The pooler: two connections to the server, which it does not reset between its clients.

my ($bouncer, $pooled, $bouncer_out);
my $bouncer_path = has('pgbouncer');

# True once the pooler has a connection for us.
sub pooler_answers
{
	my ($good) = run_command_for(5, 'psql', '-XAtq', $pooled, '-c', 'SELECT 1');
	return $good;
}

if ($bouncer_path)
{
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$folder/users", qq("front" "$password"\n));
	append_to_file("$folder/pgbouncer.ini", <<"INI");
[databases]
registry = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $folder/users
pool_mode = transaction
default_pool_size = 2
server_round_robin = 1
; JDBC asks for it when it connects; the pooler refuses what it cannot keep apart for its clients, unless told.
ignore_startup_parameters = extra_float_digits
INI
	$pooled = url($port);
	$bouncer = IPC::Run::start([ "$bouncer_path/pgbouncer", "$folder/pgbouncer.ini" ], '<', \undef, '>&', \$bouncer_out);
	for (1 .. 100) { last if pooler_answers(); select undef, undef, undef, 0.1 }
}

# What stops here must not become the result of the test.
END { local $?; $bouncer->kill_kill(grace => 2) if $bouncer }

# --- The clients

# Where node finds its packages: a copy, so that nothing is installed into the checkout. Returns why it cannot run.
sub install_node_packages
{
	return 'node is not installed' unless has('node');
	return 'npm is not installed' unless has('npm');
	mkdir "$folder/node" or die "$folder/node: $!\n";
	for my $file (qw(package.json package-lock.json walk.js))
	{
		copy("$clients/node/$file", "$folder/node") or die "$file: $!\n";
	}
	local @ENV{qw(HOME npm_config_cache npm_config_update_notifier)} = ($folder, "$folder/npm", 'false');
	my $here = getcwd;
	chdir "$folder/node" or die "$folder/node: $!\n";
	my ($good, $out, $err) = run_command_for(60, qw(npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=15000));
	chdir $here or die "$here: $!\n";
	return undef if $good;
	# A registry that does not answer is no failure of ours. Packages that are not those of the lock file are.
	return 'the npm registry does not answer' if $err =~ /\b(?:ENOTFOUND|EAI_AGAIN|ECONN\w+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|E50\d|timeout)\b/;
	fail('npm ci');
	diag("$out$err");
	return 'npm ci failed';
}

sub lacks_python
{
	my @modules = @_;
	return undef if -x '/usr/bin/python3' && (run_command_for(20, '/usr/bin/python3', '-c', 'import ' . join(', ', @modules)))[0];
	return "python3 lacks one of: @modules";
}

sub compile_libpq
{
	my $config = $ENV{PG_CONFIG} || 'pg_config';
	chomp(my ($include, $lib) = map { scalar `$config --$_` } qw(includedir libdir));
	return 'the headers of libpq are not installed' unless -e "$include/libpq-fe.h";
	my ($good, $out, $err) = run_command_for(60, $ENV{CC} || 'cc', qw(-std=gnu99 -Wall -Wextra -Werror), "-I$include", '-o', "$folder/walk_libpq",
		"$clients/walk_libpq.c", "-L$lib", qw(-lpq -lcrypto -lpthread));
	return undef if $good;
	fail('walk_libpq.c compiles');
	diag("$out$err");
	return 'walk_libpq.c does not compile';
}

sub lacks_java
{
	return 'there is no Java compiler' unless has('java') && has('javac');
	return 'the JDBC driver is not installed' unless -e '/usr/share/java/postgresql.jar';
	return undef;
}

my @walks = (
	[ 'libpq', \&compile_libpq, "$folder/walk_libpq" ],
	[ 'psycopg2', sub { lacks_python('psycopg2') }, '/usr/bin/python3', "$clients/walk_psycopg2.py" ],
	[ 'psycopg3', sub { lacks_python('psycopg', 'psycopg_pool') }, '/usr/bin/python3', "$clients/walk_psycopg3.py" ],
	[ 'sqlalchemy', sub { lacks_python('sqlalchemy', 'psycopg2') }, '/usr/bin/python3', "$clients/walk_sqlalchemy.py" ],
	[ 'jdbc', \&lacks_java, qw(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp /usr/share/java/postgresql.jar), "$clients/Walk.java" ],
	[ 'node', \&install_node_packages, 'node', "$folder/node/walk.js" ],
);

my $digest = qr/sha256:[0-9a-f]{64}/;
my $expected = qr/\A
login\ {4}robot\ walkorg_NAME\+ci\n
login\ {4}user\ walk_NAME\n
login\ {4}user\ Invalid\ Username\ or\ Password\n
tags\ {5}latest,v1\n
pulled\ {3}ok\ $digest\ 398\n
stranger\ denied\n
error\ {4}QY033\ manifest\ refers\ to\ blobs\ that\ the\ repository\ does\ not\ have\n
detail\ {3}Missing\ are\ 1:\ $digest\.\n
hint\ {5}Upload\ them\ with\ quay\.upload_start\(\),.*\n
walk:\ $digest\ tags=latest,v1\ stranger=denied\ error=QY033\ left=0\ pulls=8\n
\z/x;

my (%said, $walked);
for (@walks)
{
	my ($name, $why_not, @command) = @$_;
	subtest $name => sub {
		my $reason = $why_not->();
		plan skip_all => $reason if $reason;
		for my $way ([ 'direct', $direct ], [ 'pooled', $pooled ])
		{
			my ($how, $url) = @$way;
		  SKIP:
			{
				skip 'pgbouncer is not installed', 2 unless $url;
				my ($good, $out, $err) = run_command_for(60, @command, $url, "$name$how");
				ok($good && $err eq '', "$how: it reaches its end and complains of nothing") or diag("$out$err");
				$out =~ s/$name$how/NAME/g;
				like($out, $expected, "$how: it prints what it should");
				$said{$out} .= " $name-$how";
				$walked++ if $how eq 'pooled';
			}
		}
	};
}
cmp_ok(scalar(keys %said), '<=', 1, 'all of them say the same, to the last byte of the digests') or diag(explain(\%said));
is($node->safe_psql('registry', <<'SQL'), '', 'the registry keeps its rules');
SELECT concat_ws(' | ', rule, object, detail) FROM quay.registry_check() WHERE severity = 'error'
SQL
is($node->safe_psql('registry', <<'SQL'), '', 'nothing of what was undone is left, and no upload');
SELECT 'repository ' || name FROM quay.repository WHERE name <> 'app' UNION ALL SELECT 'upload ' || uuid FROM quay.blobupload
SQL

# --- What makes it safe. psql is a client that is always there.

# Answers of one statement after the other in one session of psql.
sub open_session
{
	my %session = (in => "\\set SHOW_CONTEXT never\n", out => '', count => 0);
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', $_[0] ], '<', \$session{in}, '>', \$session{out}, '2>&1', IPC::Run::timeout(60));
	return \%session;
}

sub ask
{
	my ($session, $statements) = @_;
	my $mark = '-- answer ' . ++$session->{count};
	$session->{out} = '';
	$session->{in} .= "$statements;\n\\echo $mark\n";
	$session->{run}->pump until $session->{out} =~ /^\Q$mark\E\n/m;
	return $session->{out} =~ s/\n?\Q$mark\E\n//r;
}

sub close_session { $_[0]{in} .= "\\q\n"; $_[0]{run}->finish }

# Whatever of a session outlives a transaction. The first five settings are those that the pooler itself keeps apart for its clients.
my $left_behind = <<'SQL' =~ s/;?\s*\z//r;
SELECT 'setting ' || name || ' = ' || setting FROM pg_settings
WHERE source = 'session' AND name <> ALL ('{client_encoding,DateStyle,TimeZone,standard_conforming_strings,application_name}')
UNION ALL SELECT 'prepared statement ' || name FROM pg_prepared_statements
UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable
UNION ALL SELECT 'listens to ' || c FROM pg_listening_channels() AS c
UNION ALL SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'temporary schema' WHERE pg_my_temp_schema() <> 0
SQL

# Calls of every kind, whose answers have nothing in them that depends on how the session wants to see it. Names are of one length, which
# some answers tell.
sub calls
{
	my ($name) = @_;
	my $layer = "convert_to('layer of $name', 'UTF8')";
	my $manifest = qq(convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8'));
	return <<"SQL";
SELECT quay.user_create(username => '$name', password => 'correct-horse-battery', email => '$name\@example.com') > 0;
SELECT quay.organization_create(name => 'org_$name', email => 'org_$name\@example.com', creator => '$name') > 0;
SELECT username, length(token) FROM quay.robot_create(namespace => 'org_$name', shortname => 'ci', actor => '$name');
SELECT quay.repository_create(namespace => 'org_$name', name => 'app', creator => '$name', actor => '$name') > 0;
SELECT quay.permission_set(namespace => 'org_$name', repository => 'app', grantee_kind => 'user', grantee => 'org_$name+ci', role => 'read');
SELECT kind, actor, error FROM quay.authenticate(username => '$name', secret => 'correct-horse-battery');
SELECT kind, actor, error FROM quay.authenticate(username => '$name', secret => 'wrong');
SELECT byte_count FROM quay.upload_start(namespace => 'org_$name', repository => 'app', uuid => 'upload-$name');
SELECT quay.upload_append(namespace => 'org_$name', repository => 'app', upload => 'upload-$name', chunk => $layer);
SELECT size, verified, existed FROM quay.upload_finish(namespace => 'org_$name', repository => 'app', upload => 'upload-$name',
    digest => 'sha256:' || encode(sha256($layer), 'hex'));
SELECT digest, array_length(tags, 1), size, created FROM quay.manifest_put(namespace => 'org_$name', repository => 'app', manifest => $manifest,
    media_type => 'application/vnd.oci.image.index.v1+json', tags => ARRAY['latest', 'v1', 'null'], actor => '$name', ip => '192.0.2.7');
SELECT name, digest, size, lifetime_start_ms / 60000 - (extract(epoch FROM now()) * 1000)::bigint / 60000 BETWEEN -1 AND 0
FROM quay.tag_list(namespace => 'org_$name', repository => 'app');
SELECT status, digest, encode(manifest, 'hex') FROM quay.pull(actor => 'org_$name+ci', namespace => 'org_$name', repository => 'app', reference => 'v1');
SELECT status FROM quay.pull(actor => NULL, namespace => 'org_$name', repository => 'app', reference => 'v1');
SELECT step, rule, grants, decided, detail FROM quay.access_explain(actor => '$name', namespace => 'org_$name', repository => 'app', action => 'admin');
SELECT name FROM quay.catalog(actor => '$name');
SELECT quay.tag_delete(namespace => 'org_$name', repository => 'app', tag => 'v1', actor => '$name');
SELECT name, digest FROM quay.tag_list(namespace => 'org_$name', repository => 'app');
SELECT namespace, name FROM quay.repository_search('app', '$name');
SELECT 'written at another time: ' || e.datetime::text FROM quay.logentry3 AS e JOIN quay."user" AS u ON u.id = e.account_id
WHERE u.username = 'org_$name' AND e.datetime NOT BETWEEN (now() AT TIME ZONE 'UTC') - interval '2 min' AND (now() AT TIME ZONE 'UTC') + interval '2 min';
SELECT e.metadata_json FROM quay.logentry3 AS e JOIN quay."user" AS u ON u.id = e.account_id WHERE u.username = 'org_$name' ORDER BY e.id;
SELECT digest FROM quay.manifest_put(namespace => 'org_$name', repository => 'app', manifest => 'nonsense');
SELECT quay.repository_create(namespace => 'org_$name', name => '/', creator => '$name')
SQL
}

# What another client may have set, or made, and not taken back. Names are looked up in its own tables first.
my $leftovers = <<'SQL';
CREATE TEMP TABLE "user" (id text);
CREATE TEMP TABLE repository (LIKE "user");
CREATE TEMP TABLE tag (LIKE "user");
CREATE TEMP TABLE manifest (LIKE "user");
SET search_path = pg_temp, pg_catalog;
SET default_transaction_isolation = 'repeatable read';
SET bytea_output = 'escape';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET array_nulls = off;
SET transform_null_equals = on;
SET quote_all_identifiers = on;
SET backslash_quote = on;
SET escape_string_warning = off;
SET xmloption = document;
SET lc_numeric = 'C';
SET default_text_search_config = 'pg_catalog.german';
SET plan_cache_mode = force_generic_plan;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SET enable_hashjoin = off;
SET row_security = off;
SET work_mem = '64kB';
SET lock_timeout = '20s';
SET quay.entity_cache_size = 0;
SET quay.rights_cache_size = 0;
DECLARE leftover CURSOR WITH HOLD FOR SELECT 1;
PREPARE pull AS SELECT 1;
SELECT pg_advisory_lock(1)
SQL
# These the pooler takes back, so only a session of one's own keeps them.
my $more_leftovers = "SET DateStyle = 'German, DMY';\nSET TimeZone = 'Pacific/Kiritimati';\nSET standard_conforming_strings = off;\nSET client_min_messages = debug1";

sub answers
{
	my ($session, $name) = @_;
	return join "\n", map { my $answer = ask($session, $_); $answer =~ s/$name/NAME/gr } split /;\n/, calls($name);
}

my $clean = open_session($direct);
my $told = answers($clean, 'clean');
like($told, qr/^ok\|$digest\|7b22/m, 'calls in a new session: there is a manifest');
is(scalar(() = $told =~ /^ERROR:/mg), 2, 'and two errors, as it should be');
is(ask($clean, $left_behind), '', 'they leave nothing in the session');
close_session($clean);

my $littered = open_session($direct);
ask($littered, $leftovers);
ask($littered, $more_leftovers);
like(ask($littered, 'SHOW TimeZone'), qr/Kiritimati/, 'a session full of leftovers');
ask($littered, 'SET client_min_messages = notice');
is(answers($littered, 'dirty'), $told, 'gets the same answers');
close_session($littered);

SKIP:
{
	skip 'pgbouncer is not installed', 10 unless $pooled;

	# Two clients in a transaction at once hold both connections to the server.
	my ($one, $other) = (open_session($pooled), open_session($pooled));
	my @server = map { ask($_, 'BEGIN; SELECT pg_backend_pid()') } $one, $other;
	isnt($server[0], $server[1], 'the pooler has two connections to the server');
	is(ask($_, $left_behind), '', 'on which ' . ($walked // 0) . ' walks left nothing') for $one, $other;
	ask($_, 'COMMIT') for $one, $other;

	# Each step of a client on another connection than the one before: the pooler takes them in turn.
	my $name = 'moved';
	my @on;
	my $walk = join "\n", map {
		my $answer = ask($one, "BEGIN; SELECT 'on ' || pg_backend_pid(); $_; COMMIT");
		push @on, $answer =~ s/^on (\d+)\n?//m ? $1 : 'none';
		$answer =~ s/$name/NAME/gr
	} split /;\n/, calls($name);
	is(scalar(grep { $on[$_] ne $on[ $_ - 1 ] } 1 .. $#on), $#on, 'a client each of whose ' . @on . ' steps is on another connection than the last');
	is($walk, $told, 'gets the answers of one that has a connection of its own');

	# What one connection remembers of rights and names is not behind what was done through the other.
	my $may = "SELECT quay.access_check('org_moved+ci', 'org_moved', 'app', 'read')";
	is(join(' ', map { ask($_, "BEGIN; $may") } $one, $other), 't t', 'both connections remember a right');
	ask($_, 'COMMIT') for $one, $other;
	ask($one, "SELECT quay.permission_set('org_moved', 'app', 'user', 'org_moved+ci', NULL)");
	is(join(' ', map { ask($_, "BEGIN; $may") } $one, $other), 'f f', 'and neither does once it was taken back through one of them');
	ask($_, 'COMMIT') for $one, $other;

	# A client that does not clean up behind itself, on both connections.
	for ($one, $other) { ask($_, 'BEGIN'); ask($_, $leftovers =~ s/^SELECT pg_advisory_lock\(1\)$/SELECT pg_advisory_lock(pg_backend_pid())/mr) }
	ask($_, 'COMMIT') for $one, $other;
	close_session($_) for $one, $other;
	my $next = open_session($pooled);
	like(ask($next, 'SHOW search_path'), qr/^pg_temp, /, 'the next client finds what that one left');
	is(answers($next, 'later'), $told, 'and gets the same answers');
	close_session($next);
	is(join('', grep { /\b(?:ERROR|FATAL)\b|warning:/i } split /^/, $bouncer_out // ''), '', 'the pooler complains of nothing');
}

$node->stop('fast');
done_testing();
