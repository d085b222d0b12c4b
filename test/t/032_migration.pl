# What a developer and a DBA use around migrations: make migration, make migration-diff, whose draft must make a good migration, a gate that
# waits for a backfill, and a session that still has the library of the old version. All in a copy of the checkout.
use strict;
use warnings;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $source = source_folder();
my $work = PostgreSQL::Test::Utils::tempdir();
my $tree = "$work/tree";
my $check = "$source/test/upgrade/check.sql";

sub spit
{
	my ($file, $text) = @_;
	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $text;
	close $fh;
}

sub replace_in
{
	my ($file, $from, $to) = @_;
	my $text = slurp_text("$tree/$file");
	$text =~ s/$from/$to/ or die "$file: nothing matches $from\n";
	spit("$tree/$file", $text);
}

# (status, output) of a command
sub output_of
{
	my $out = '';
	my $ok = IPC::Run::run([@_], '>', \$out, '2>&1');
	return ($ok, $out);
}

sub make_migration { return output_of('make', '-s', '-C', $tree, 'migration', "NAME=$_[0]") }
sub assemble { return output_of($^X, "$tree/sql/assemble", @_) }

mkdir $tree;
system("cd '$source' && tar cf - Makefile META.json CHANGELOG.md quay_ext.control sql src test/tools | (cd '$tree' && tar xf -)") == 0 or die;
my ($old) = slurp_text("$tree/quay_ext.control") =~ /^default_version = '(.*)'/m;
# As before its release, if it was released.
my @released = grep { m{--\Q$old\E(?:--|\.sql)} } glob "$tree/sql/frozen/*.sql";
if (@released)
{
	unlink @released;
	spit("$tree/sql/frozen/SHA256SUMS", join '', grep { !/--\Q$old\E(?:--|\.sql)/ } map { "$_\n" } split /\n/, slurp_text("$tree/sql/frozen/SHA256SUMS"));
}
my $next = $old =~ s/(\d+)$/$1 + 1/er;
my ($before) = map { m{([^/]+)--\Q$old\E$} ? $1 : () } glob "$tree/sql/migrations/*";

# --- make migration, with a version that is open

my ($ok, $out) = make_migration('add a colour to tags');
ok($ok, 'make migration') or diag($out);
like($out, qr/^version \Q$old\E is open\n.*up\.sql.*down\.sql.*make migration-diff.*make check-upgrade/s, 'says what it did and how to go on');
my ($up, $down) = map { slurp_text("$tree/sql/migrations/$before--$old/$_.sql") } 'up', 'down';
like($up, qr/\n\n-- --- add a colour to tags\n\z/, 'a section at the end of up.sql');
like($down, qr/\A-- \Q$old\E to \Q$before\E.*?\n\n-- --- add a colour to tags\n\n(?=-- --- )/s, 'and one at the beginning of down.sql, since it is undone first');
($ok, $out) = assemble('verify');
ok($ok, 'the scripts are whole') or diag($out);
my @before = map { slurp_text("$tree/$_") } 'quay_ext.control', 'CHANGELOG.md';

($ok, $out) = make_migration('add a colour to tags');
ok(!$ok && $out =~ /has a section "add a colour to tags" already/, 'the same once more is refused');
for my $bad ('', 'x', '1.5', ' leading', 'trailing ', "two\nlines", 'a; echo `id`', q(it's), '$(id)', 'a -- b', 'see @lock', 'a' x 73)
{
	($ok, $out) = assemble('new', $bad);
	ok(!$ok && $out =~ /not a name for a migration/, 'refused as a name: ' . $bad =~ s/\n/\\n/r);
}
is_deeply([ map { slurp_text("$tree/$_") } 'quay_ext.control', 'CHANGELOG.md' ], \@before, 'the version is the same');

# --- the old version, with a backfill that the next one will need: repositories without a description get one

replace_in('sql/api/640_backfill.sql', qr/RETURN QUERY VALUES\n/,
	"RETURN QUERY VALUES\n        ('made_up', '$old', '$next', 'quay.repository', 'quay_internal.made_up_next', 2, 50, 'descriptions'),\n");
replace_in('sql/manifest', qr/^(?=every )/m, "always  api/880_made_up.sql\n");
spit("$tree/sql/api/880_made_up.sql", <<'SQL');
CREATE OR REPLACE FUNCTION quay_internal.made_up_next(after bigint, n integer, OUT last_key bigint, OUT changed integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    last_key := (SELECT max(r.id) FROM (SELECT r.id FROM quay.repository AS r WHERE r.id > after ORDER BY r.id LIMIT n) AS r);
    UPDATE quay.repository AS r SET description = 'filled' WHERE r.id > after AND r.id <= last_key AND r.description IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION quay_internal.made_up_next(bigint, integer) IS 'For a test.';
CREATE OR REPLACE FUNCTION quay_internal.made_up(a integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN a; END $$;
COMMENT ON FUNCTION quay_internal.made_up(integer) IS 'For a test.';
SQL

# Beginning with what the check has built, only what differs is built.
my $stage = $ENV{QUAY_STAGE};
system('cp', '-a', $stage, "$work/pg") == 0 or die if $stage;
my ($built, $bindir) = output_of("$tree/test/tools/stage", "$work/pg");
chomp $bindir;
ok($built, "version $old builds") or BAIL_OUT($bindir);
my $node = new_node('main', install_path => $bindir =~ s{/bin$}{}r);
new_database($node, 'fresh_old');
new_database($node, 'registry');
fixture($node, 'registry');
$node->safe_psql('registry', <<'SQL');
SELECT quay.repository_create('fixture_acme', 'other' || i, 'fixture_alice') FROM generate_series(1, 9) AS i;
UPDATE quay.repository SET description = NULL;
SQL
$node->safe_psql('postgres', 'CREATE DATABASE warm TEMPLATE registry');
my $fresh_old = snapshot($node, 'fresh_old');

# A session that stays: what it prints for some statements.
my ($in, $seen) = ("\\set VERBOSITY verbose\n", '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'warm' ], '<', \$in, '>', \$seen, '2>&1', IPC::Run::timer(180));
sub in_session
{
	$seen = '';
	$in .= "$_[0];\n\\echo = done\n";
	IPC::Run::pump($session) until $seen =~ /^= done\n/m;
	return $seen =~ s/^= done\n//mr;
}
my $pull = q(SELECT status FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1'));
is(in_session($pull), "ok\n", 'a session has the library of the old version');

# --- make migration, after the release

($ok, $out) = assemble('freeze');
ok($ok, "version $old freezes") or diag($out);
($ok, $out) = output_of("$tree/test/tools/migration-diff", '--work', $work);
ok(!$ok && $out =~ /was released, and there is no next one yet: run make migration/, 'there is nothing to compare yet');
my $part = slurp_text("$tree/sql/api/880_made_up.sql");
spit("$tree/sql/api/880_made_up.sql", "$part-- changed\n");
($ok, $out) = make_migration('colours and more');
ok(!$ok && $out =~ /differ from version \Q$old\E as it was released/, 'parts that were changed after the release come first');
is(slurp_text("$tree/quay_ext.control"), $before[0], 'and nothing was done');
spit("$tree/sql/api/880_made_up.sql", $part);

($ok, $out) = make_migration('colours and more');
ok($ok && $out =~ /^changed: quay_ext\.control\n.*^version \Q$next\E begins, after \Q$old\E, which was released$/ms, "make migration begins $next") or diag($out);
like(slurp_text("$tree/quay_ext.control"), qr/^default_version = '\Q$next\E'$/m, 'in the control file');
my $meta = slurp_text("$tree/META.json");
is(scalar(() = $meta =~ /"\Q$next\E\.0"/g), scalar(() = $meta =~ /"version": "(?!1\.0\.0)/g), 'in META.json');
like(slurp_text("$tree/CHANGELOG.md"), qr/\A# Changelog\n\n## \Q$next\E\n\n- Colours and more\.\n\n## /, 'in CHANGELOG.md');
like(slurp_text("$tree/sql/migrations/$old--$next/up.sql"), qr/\A-- \Q$old\E to \Q$next\E\.\n-- \@about Colours and more\n--\n.*IF EXISTS.*\n\n-- --- colours and more\n\z/s, 'up.sql has a header, with what to mind');
like(slurp_text("$tree/sql/migrations/$old--$next/down.sql"), qr/\A-- \Q$next\E to \Q$old\E\.\n-- \@about Undoes: colours and more\n--\n.*downgrade_refuse.*\n\n-- --- colours and more\n\z/s, 'down.sql too');
($ok, $out) = assemble('list');
like($out, qr/^quay--\Q$next\E--\Q$old\E\.sql$/m, 'the scripts are there');

# --- make migration-diff

($ok, $out) = output_of("$tree/test/tools/migration-diff", '--work', $work);
ok($ok && $out =~ /\A-- no difference: [^\n]*\n\z/, 'no difference, but a note') or diag($out);

# The library on disk is the next one now; the database is of the old version.
is(in_session('SELECT state, library_version, default_version FROM quay.migration_status()'), "old library|$old|$next\n", 'a session from before is told to connect anew');
is(in_session('SELECT from_version, to_version, about IS NULL FROM quay.migration_path()'), "$old|$next|t\n", 'it sees that there is a step, but not what it does');
is($node->safe_psql('registry', 'SELECT state, next_step IS NOT NULL FROM quay.migration_status()'), 'behind|t', 'a new session sees that an update is possible');
is($node->safe_psql('registry', 'SELECT from_version, to_version, about FROM quay.migration_path()'), "$old|$next|Colours and more", 'and what it will do, before it does it');
is(in_session($pull), "ok\n", 'the old session works on');

my $table = <<'SQL';
CREATE SEQUENCE quay.colour_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.colour (
    id      bigint NOT NULL DEFAULT nextval('quay.colour_id_seq'),
    name    varchar(40) COLLATE "C" NOT NULL,
    user_id bigint,
    CONSTRAINT pk_colour PRIMARY KEY (id),
    CONSTRAINT colour_name CHECK (name <> ''),
    CONSTRAINT fk_colour_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.colour_id_seq OWNED BY quay.colour.id;
CREATE INDEX colour_user_id ON quay.colour (user_id);
CREATE UNLOGGED TABLE quay_internal.shade (
    colour_id bigint NOT NULL,
    day       date NOT NULL DEFAULT '2026-01-01',
    CONSTRAINT pk_shade PRIMARY KEY (colour_id, day),
    CONSTRAINT fk_shade_colour_id_colour FOREIGN KEY (colour_id) REFERENCES quay.colour (id)
) WITH (fillfactor = 70);
SQL
spit("$tree/sql/schema/156_colour.sql", $table);
replace_in('sql/manifest', qr/^(?=once +seed\/010)/m, "once    schema/156_colour.sql\n");
replace_in('sql/manifest', qr/^(?=every )/m, "always  api/890_colour.sql\n");
# A column, another default, an index that changes, a column that becomes NOT NULL, a constraint that goes, a seed, a trigger of each kind.
replace_in('sql/schema/910_search.sql', qr/\A/, <<'SQL');
ALTER TABLE quay.star ADD COLUMN colour text COLLATE "C" DEFAULT 'red';
ALTER TABLE quay.star ALTER COLUMN created SET DEFAULT '2000-01-01';
ALTER TABLE quay.repository ALTER COLUMN description SET NOT NULL;
DROP INDEX quay.star_repository_id;
CREATE INDEX star_repository_id ON quay.star (repository_id, colour);
INSERT INTO quay.visibility (id, name) VALUES (900, 'it''s hidden');
CREATE CONSTRAINT TRIGGER colour_check AFTER INSERT ON quay.star DEFERRABLE FOR EACH ROW EXECUTE FUNCTION quay_internal.colour_check();
SQL
spit("$tree/sql/api/890_colour.sql", <<'SQL');
CREATE OR REPLACE FUNCTION quay_internal.colour_check() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN NULL; END $$;
COMMENT ON FUNCTION quay_internal.colour_check() IS 'For a test.';
CREATE OR REPLACE TRIGGER colour_seen AFTER UPDATE ON quay.star FOR EACH ROW EXECUTE FUNCTION quay_internal.colour_check();
CREATE OR REPLACE VIEW quay.colours AS SELECT c.name, c.user_id FROM quay.colour AS c;
COMMENT ON TABLE quay.colour IS 'For a test.';
SQL
# A function that goes, and one whose result changes.
spit("$tree/sql/api/880_made_up.sql", $part =~ s/made_up\(a integer\) RETURNS integer/made_up(a integer) RETURNS bigint/r =~ s/CREATE OR REPLACE FUNCTION quay_internal\.made_up_next.*?'For a test\.';\n//sr);
replace_in('sql/api/640_backfill.sql', qr/\n +\('made_up'[^\n]*/, '');

my %draft;
for my $way ('up', 'down')
{
	($ok, $draft{$way}) = output_of("$tree/test/tools/migration-diff", '--work', $work, $way);
	ok($ok, "a draft of $way.sql") or diag($draft{$way});
}
like($draft{up}, qr/DROP FUNCTION quay_internal\.made_up_next\(.*CREATE SEQUENCE quay\.colour_id_seq MAXVALUE.*CREATE TABLE quay\.colour \(.*CREATE UNLOGGED TABLE quay_internal\.shade.*OWNED BY quay\.colour\.id.*CREATE INDEX.*pg_extension_config_dump.*INSERT INTO quay\.visibility/s, 'in the order in which it works');
unlike($draft{up}, qr/colour_seen|CREATE.*VIEW|COMMENT|GRANT/, 'without what follows by itself');
like($draft{down}, qr/\A[^\n]*\nSELECT quay_internal\.downgrade_refuse\(EXISTS \(SELECT FROM quay\.colour\), 'rows of quay\.colour'\);/, 'down.sql begins with a refusal');
like($draft{down}, qr/ALTER EXTENSION quay DROP TABLE quay_internal\.shade;\nDROP TABLE quay_internal\.shade;\nALTER EXTENSION quay DROP TABLE quay\.colour;\nDROP TABLE quay\.colour;/, 'and takes tables out of the extension, in the reverse order');

# The draft is the migration, but for the gate, which no catalog knows of, and a default that rows of before have.
my $dir = "$tree/sql/migrations/$old--$next";
my $gate = "SELECT quay_internal.backfill_require('made_up');\n";
spit("$dir/$_.sql", slurp_text("$dir/$_.sql") . ($_ eq 'up' ? $gate : '') . $draft{$_}) for 'up', 'down';
($built, $out) = output_of("$tree/test/tools/stage", "$work/pg");
ok($built, "version $next builds with it") or BAIL_OUT($out);

new_database($node, 'fresh');
my $fresh = snapshot($node, 'fresh');
new_database($node, 'empty', $old);
my $update = 'ALTER EXTENSION quay UPDATE';
$node->safe_psql('empty', "$update TO '$next'");
is(compare($fresh, snapshot($node, 'empty')), '', 'fresh = upgraded; an empty registry needs no backfill');
$node->safe_psql('empty', "$update TO '$old'");
is(compare($fresh_old, snapshot($node, 'empty')), '', 'and down again');
$node->safe_psql('empty', "$update TO '$next'");
is(compare($fresh, snapshot($node, 'empty')), '', 'and up');
is(dump_into($node, 'empty', 'restored'), '', 'a dump restores');
is(compare($fresh, snapshot($node, 'restored')), '', 'fresh = restored');
is($node->safe_psql('restored', q(SELECT string_agg(concat_ws(' ', kind, from_version, to_version), ', ' ORDER BY finished) FROM quay.migration_history())),
	"install $old, update $old $next, downgrade $next $old, update $old $next, restore $next", 'with the history');

# --- the session from before: its library is older than the database after the update, and newer or equal after a downgrade

$node->safe_psql('warm', q(CALL quay.backfill_run('made_up')));
$node->safe_psql('warm', $update);
like(in_session($pull), qr/ERROR:  QY090: extension "quay" is of version \Q$next\E, but the library in this session is of version \Q$old\E\nHINT:  Connect anew;/, 'the session with the old library is told to connect anew');
is($node->safe_psql('warm', $pull), 'ok', 'a new one works');
$node->safe_psql('warm', "$update TO '$old'");
is(in_session($pull), "ok\n", 'after a downgrade the old one works again');
$in .= "\\q\n";
IPC::Run::finish($session);

# --- the gate

my $stderr = '';
isnt($node->psql('registry', "\\set VERBOSITY verbose\n$update", stderr => \$stderr), 0, 'the update waits for the backfill');
like($stderr, qr/QY172.*Backfill "made_up" has got to key \d+ of \d+.*CALL quay\.backfill_run\('made_up'\)/s, 'and says which, and how to run it');
is($node->safe_psql('registry', 'SELECT quay.version()'), $old, 'nothing was done');
is($node->safe_psql('registry', q(SELECT state, needed_by FROM quay.backfill_progress WHERE name = 'made_up')), "waiting|$next", 'not even a part of the backfill');

# Interrupted after some batches, it goes on from there.
my ($run_out, $run) = ('');
$run = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-c', q(CALL quay.backfill_run('made_up', batch_rows => 1, throttle_ms => 300)), 'registry' ],
	'>', \$run_out, '2>&1', IPC::Run::timer(60));
my $progress = q(FROM quay.backfill_progress WHERE name = 'made_up');
ok($node->poll_query_until('registry', "SELECT coalesce(max(rows_done), 0) >= 2 $progress"), 'it runs, and shows how far it has got');
isnt($node->psql('registry', "\\set VERBOSITY verbose\n$update", stderr => \$stderr), 0, 'halfway the update still waits');
$node->safe_psql('registry', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL quay.backfill_run%'));
IPC::Run::finish($run);
my ($state, $percent, $rows) = split /\|/, $node->safe_psql('registry', "SELECT state, percent < 100, rows_done $progress");
is("$state|$percent", 'started|t', 'the session was killed halfway');
$node->restart('immediate');
is($node->safe_psql('registry', "SELECT rows_done $progress"), $rows, 'a crash of the server takes nothing back');
is($node->safe_psql('registry', q(CALL quay.backfill_run('made_up'))), 10 - $rows, 'another run does the rest, and nothing twice');
is($node->safe_psql('registry', "SELECT state, percent, rows_done $progress"), 'done|100|10', 'it is done');
$node->safe_psql('registry', $update);
is(compare($fresh, snapshot($node, 'registry')), '', 'then the update runs');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.repository WHERE description = 'filled')), '10', 'on the rows that it needs');
is($node->safe_psql('registry', $pull), 'ok', 'and a new session works');
$node->stop;
done_testing();
