# Upgrade safety: every version to every version, up and down, with rows, with a session whose caches are warm, with a standby, through
# pg_upgrade, through dumps of older versions; and the locks of each step are those that its script says. (Each step alone, and what it
# refuses, is the business of 010_upgrade_released.pl.)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use StepLocks;
use Test::More;

my $source = source_folder();
my $snapshot = "$source/test/upgrade/snapshot.sql";
my $check = "$source/test/upgrade/check.sql";
my $node = new_node('main', conf => "fsync = off\nfull_page_writes = off\nmax_wal_size = 4GB\n");
my @versions = releases($node);
my $current = $versions[-1];
my $lossy = 'SET quay.allow_lossy_downgrade = on;';

sub place_of { return (grep { $versions[$_] eq $_[0] } 0 .. $#versions)[0] }
sub name_of { return join '_', map { tr/./_/r } @_ }
sub update { return "ALTER EXTENSION quay UPDATE TO '$_[0]';" }

# Scripts for psql, two at a time. Returns what each printed, errors included.
sub run_all
{
	my @scripts = @_;
	my @output;
	while (@scripts)
	{
		my @runs;
		for my $script (splice @scripts, 0, 2)
		{
			my $out = '';
			push @runs, [ IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'postgres' ], '<', \$script, '>', \$out, '2>&1'), \$out ];
		}
		for (@runs)
		{
			IPC::Run::finish($_->[0]);
			push @output, ${ $_->[1] };
		}
	}
	return @output;
}

# A script that makes a database out of another, does something there, and shows its catalog.
sub script
{
	my ($database, $template, @statements) = @_;
	return join "\n", "CREATE DATABASE $database TEMPLATE $template;", "\\c $database", @statements, '\echo = catalog', "\\i $snapshot", '';
}

sub catalog { return $_[0] =~ s/\A.*?^= catalog\n//smr =~ s/^= .*//smr }

# What check.sql printed, whoever ran it.
sub behaviour { return join "\n", sort grep { length } split /\n/, $_[0] =~ s/^psql:.*?:(?=\d+: )//mgr }

# --- a fresh one and a filled one of each version

my %fresh;
@fresh{@versions} = map { catalog($_) } run_all(map { script(name_of('fresh', $_), 'template1', "CREATE EXTENSION quay VERSION '$_';") } @versions);
run_all(map {
	my $version = $_;
	my @fixtures = ("$source/test/upgrade/fixture.sql", grep { -f } map { "$source/test/upgrade/fixture-$_.sql" } @versions[ 0 .. place_of($version) ]);
	join "\n", sprintf('CREATE DATABASE %s TEMPLATE %s;', name_of('filled', $version), name_of('fresh', $version)),
		'\c ' . name_of('filled', $version), (map { "\\i $_" } @fixtures), ''
} @versions);
my %behaviour = map { $_ => behaviour(run_file($node, name_of('filled', $_), $check)) } @versions;
unlike(join('', values %behaviour), qr/ERROR/, "all versions are filled and work: @versions");

# --- every version to every version

my @pairs = map { my $from = $_; map { [ $from, $_ ] } grep { $_ ne $from } @versions } @versions;
my @seen = run_all(map {
	my ($from, $to) = @$_;
	script(name_of('p', $from, $to), name_of('filled', $from), "SET search_path = pg_catalog, pg_temp; $lossy", watched_locks(update($to)))
	  . "\\echo = behaviour\n\\pset fieldsep '|'\n\\i $check\n\\echo = version\nSELECT quay.version();\n"
} @pairs);

my %locks;
for my $i (0 .. $#pairs)
{
	my ($from, $to) = @{ $pairs[$i] };
	my $seen = $seen[$i];
	is(compare($fresh{$to}, catalog($seen)), '', "$from to $to: the catalog of a fresh $to");
	my ($behaviour) = $seen =~ /^= behaviour\n(.*?)^= version/ms;
	is(compare($behaviour{$from}, behaviour($behaviour // '')), '', 'which works as before');
	like($seen, qr/^= version\n\Q$to\E\n\z/m, 'and says so');
	$locks{"$from--$to"} = seen_locks($seen);
}

# --- the locks of a step are those that its script says

my %said = locks_said($node, name_of('fresh', $current));
for my $i (1 .. $#versions)
{
	for my $step ("$versions[$i - 1]--$versions[$i]", "$versions[$i]--$versions[$i - 1]")
	{
		locks_ok($said{$step}, $locks{$step}, $step);
	}
}

# --- dumps of older versions, as README.md says: the extension in the version of the dump, the dump, the update

for my $version (grep { $_ ne $current } @versions)
{
	my ($dumped, $restored) = (name_of('filled', $version), name_of('restored', $version));
	my $file = $node->backup_dir . "-$dumped.dump";
	$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-Fc', '-f', $file, $dumped ], "a dump of $version");
	$node->safe_psql('postgres', "CREATE DATABASE $restored TEMPLATE " . name_of('fresh', $version));
	my $complaint = '';
	IPC::Run::run([ 'pg_restore', '-h', $node->host, '-p', $node->port, '-d', $restored, $file ], '2>', \$complaint);
	is($complaint =~ s/\A.*schema "quay" already exists\n.*CREATE SCHEMA quay;\n\n\n.*ignored on restore: 1\n\z//r, '', 'restores');
	$node->safe_psql($restored, update($current));
	is(compare($fresh{$current}, snapshot($node, $restored)), '', "and updates to a $current like a fresh one");
	# A column that 1.1 adds to a row of the fixture holds the time of the update.
	my ($rows, $restored_rows) = map { row_checksums($node, $_) =~ s/^quay\.oauthauthorizationcode .*\n//mr } name_of('p', $version, $current), $restored;
	is(compare($rows, $restored_rows), '', 'with the rows');
	is(problems($node, $restored), '', 'in which everything is right');
}
# --- two who update at once: one waits, and finds it done

$node->safe_psql('postgres', 'CREATE DATABASE twice TEMPLATE ' . name_of('filled', $versions[0]));
my ($one_in, $one_out, $two_out) = ('', '', '');
my $one = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'twice' ], '<', \$one_in, '>', \$one_out, '2>&1', IPC::Run::timer(60));
$one_in .= 'BEGIN; ' . update($current) . "\n\\echo = updated\n";
IPC::Run::pump($one) until $one_out =~ /^= updated\n/m;
my $two = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-c', update($current), 'twice' ], '>', \$two_out, '2>&1', IPC::Run::timer(60));
ok($node->poll_query_until('twice', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER EXTENSION%')), 'of two who update at once one waits');
$one_in .= "COMMIT;\n\\q\n";
IPC::Run::finish($one);
IPC::Run::finish($two);
# Up to 15.18 the second one does not wait for the first one's extension, but at the first lock of the script, and then cannot go on.
is($one_out, "= updated\n", 'the first one is done');
like($two_out, qr/\A(?:NOTICE:  version "\Q$current\E" of extension "quay" is already installed|ERROR: .*tuple concurrently updated)\n\z/, 'the second one finds it done, or gives up');
is(compare($fresh{$current}, snapshot($node, 'twice')), '', 'and has changed nothing');

# --- the recipe of doc/migrations.md: it gives up the queue to others, and goes on when it gets its locks

my ($recipe) = slurp_text("$source/doc/migrations.md") =~ /^```sql\n(DO .*?)^```/ms;
$node->safe_psql('postgres', 'CREATE DATABASE recipe TEMPLATE ' . name_of('filled', $versions[0]));
$node->safe_psql('recipe', "CREATE ROLE recipe_app LOGIN; SELECT quay.grant_role('recipe_app', 'application')");
my ($held_in, $held_out, $recipe_out) = ('', '', '');
my $holder = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'recipe' ], '<', \$held_in, '>', \$held_out, '2>&1', IPC::Run::timer(60));
$held_in .= "BEGIN; SELECT 'held ' || count(*) FROM quay.tag;\n";
IPC::Run::pump($holder) until $held_out =~ /held \d+\n/;
my $updating = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=terse', '-h', $node->host, '-p', $node->port, '-c', $recipe, 'recipe' ], '>', \$recipe_out, '2>&1', IPC::Run::timer(90));
IPC::Run::pump($updating) until $recipe_out =~ /attempt 1: .*lock timeout/;
like($node->safe_psql('recipe', 'SET statement_timeout = 900; SELECT count(*) FROM quay.tag'), qr/^\d+$/, 'the recipe lets others through while it cannot have its locks');
$held_in .= "COMMIT;\n\\q\n";
IPC::Run::finish($holder);
IPC::Run::finish($updating);
unlike($recipe_out, qr/ERROR/, 'and then it goes through');
is($node->safe_psql('recipe', "SELECT quay.version(), (SELECT complete FROM quay.role_list() WHERE role = 'recipe_app')"), "$current|t", 'to the new version, with the grants');
$node->stop('fast');

# --- a session with warm caches, and a standby, through all steps, up and down

my $primary = new_node('primary', streaming => 1);
$primary->safe_psql('postgres', 'CREATE DATABASE registry');
$primary->safe_psql('registry', "CREATE EXTENSION quay VERSION '$versions[0]'");
fixture($primary, 'registry');
$primary->safe_psql('registry', "CREATE ROLE registry_app LOGIN; SELECT quay.grant_role('registry_app', 'application')");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my @reads = (
	q(SELECT status, digest, media_type, length(manifest) FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1')),
	q(SELECT tag FROM (SELECT name AS tag FROM quay.tag_list('fixture_acme', 'app')) AS t ORDER BY 1),
	q(SELECT quay.access_check('fixture_acme+ci', 'fixture_acme', 'app', 'read')),
	q(SELECT kind, actor, error FROM quay.authenticate('fixture_alice', 'correct-horse-battery')),
	q(SELECT id, docker_image_id FROM quay.image ORDER BY 1),
);

# A session that stays. Returns a function that sends something and returns what comes back.
sub session
{
	my ($server) = @_;
	my ($in, $out) = ('', '');
	my $harness = IPC::Run::start([ 'psql', '-XAtq', '-h', $server->host, '-p', $server->port, 'registry' ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timer(120));
	return sub {
		if (!@_)
		{
			$in .= "\\q\n";
			return IPC::Run::finish($harness);
		}
		$out = '';
		$in .= join(";\n", @_) . ";\n\\echo = done\n";
		IPC::Run::pump($harness) until $out =~ /^= done\n/m;
		return $out =~ s/^= done\n//mr;
	};
}

my ($warm, $warm_there) = (session($primary), session($standby));
$warm->('SET ROLE registry_app', q(PREPARE resolve AS SELECT digest FROM quay.tag_resolve('fixture_acme', 'app', 'v1')));
my $first = $warm->(@reads, 'EXECUTE resolve');
unlike($first, qr/ERROR/, "a session works with $versions[0]");
is($warm_there->(@reads), $first =~ s/[^\n]*\n\z//r, 'and one on the standby');
# Functions that a step drops and makes anew have lost what the DBA granted. Granted in the same transaction, nobody meets them without.
my $grant = 'DO $$BEGIN PERFORM quay.grant_role(r.role::regrole, r.kind) FROM quay.role_list() AS r WHERE NOT r.complete; END$$;';
for my $version (@versions[ 1 .. $#versions ], reverse @versions[ 0 .. $#versions - 1 ])
{
	$primary->safe_psql('registry', "BEGIN; $lossy " . update($version) . " $grant COMMIT;");
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	is($warm->(@reads, 'EXECUTE resolve'), $first, "$version: the session with warm caches works on, without a new connection");
	is($warm_there->(@reads, 'SELECT quay.version()'), $first =~ s/[^\n]*\n\z//r . "$version\n", 'and so does one on the standby');
}
$primary->safe_psql('registry', update($current));
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('registry', q(SELECT from_version, to_version, direction, refused_now FROM quay.migration_path('1.0') ORDER BY step LIMIT 1)),
	"$current|$versions[-2]|down|{}", 'migration_path() tells on a standby what a downgrade would run');
is($standby->safe_psql('registry', 'SELECT kind, from_version, to_version FROM quay.migration_history() WHERE is_current'), "update|$versions[-2]|$current", 'and migration_history() what was run');
my $error = '';
isnt($standby->psql('registry', 'CALL quay.backfill_run()', stderr => \$error), 0, 'a backfill is refused there');
like($error, qr/read-only transaction/, 'because the server is read-only');
$_->() for $warm, $warm_there;
$standby->stop('fast');

# --- pg_upgrade, which makes each object of an extension anew: one database of this version, one of an older one

$primary->safe_psql('registry', q(SELECT quay.grant_role('registry_app', 'application'); SELECT quay.tag_set('fixture_acme', 'app', 'kept', (SELECT digest FROM quay.tag_resolve('fixture_acme', 'app', 'v1'))); ALTER FUNCTION quay.tag_list SET work_mem = '8MB'));
my $older = $versions[-2];
$primary->safe_psql('postgres', 'CREATE DATABASE older TEMPLATE registry');
$primary->safe_psql('older', $lossy . update($older));
my %old;

# Conditions that PostgreSQL has printed and read again have other parentheses and casts.
sub printed_anew
{
	return join "\n", map { /^(?:trigger|constraint) / ? s/[()]|::character varying|::text(?:\[\])?//gr : $_ } split /\n/, $_[0];
}

sub state_of
{
	my ($server, $database) = @_;
	return (printed_anew(snapshot($server, $database)), row_checksums($server, $database), sequences($server, $database));
}
my %works = map { $_ => run_file($primary, $_, $check) } 'registry', 'older';
$old{$_} = [ state_of($primary, $_) ] for 'registry', 'older';
my $granted = q(SELECT kind, complete FROM quay.role_list() WHERE role = 'registry_app');
is($primary->safe_psql('registry', $granted), 'application|t', 'a role has rights');
$primary->stop('fast');

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$new->append_conf('postgresql.conf', "quay.database_secret_key = 'anothercrazykey!'\nquay.bcrypt_cost = 4\n");
my $bindir = $new->config_data('--bindir');
chdir PostgreSQL::Test::Utils::tempdir() or die;
$primary->command_ok([ 'pg_upgrade', '--no-sync', '-d', $primary->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
	'-s', $new->host, '-p', $primary->port, '-P', $new->port ], 'pg_upgrade');
$new->start;
for my $database ('registry', 'older')
{
	my @now = state_of($new, $database);
	is(compare($old{$database}[0], $now[0]), '', "$database has its catalog: extension, dump marks, SET clauses, privileges");
	is(compare($old{$database}[1], $now[1]), '', 'its rows');
	is(compare($old{$database}[2], $now[2]), '', 'its sequences');
	is(compare($works{$database}, run_file($new, $database, $check)), '', 'and works');
}
is($new->safe_psql('registry', $granted), 'application|t', 'the role has its rights');
is($new->safe_psql('registry', 'SET ROLE registry_app; ' . $reads[0] =~ s/SELECT .* FROM/SELECT status FROM/r), 'ok', 'and uses them');
$new->safe_psql('registry', 'ALTER FUNCTION quay.tag_list RESET work_mem');
is($new->safe_psql('registry', 'SELECT kind, to_version FROM quay.migration_history() WHERE is_current'), "update|$current", 'the history came along');
$new->safe_psql('older', "ALTER FUNCTION quay.tag_list RESET work_mem; SELECT quay.revoke_role('registry_app'); " . update($current));
is(dump_into($new, 'older', 'dumped'), '', "the older one can be updated, and its dump restores");
is(compare(row_checksums($new, 'older'), row_checksums($new, 'dumped')), '', 'with its rows');
is(compare(printed_anew($fresh{$current}), printed_anew(snapshot($new, 'dumped'))), '', 'to a fresh catalog');
$new->stop('fast');
done_testing();
