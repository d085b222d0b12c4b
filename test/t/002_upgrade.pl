# Migrations: what is in the checkout is frozen as the old version in a copy, a made-up next version is put on top, and all ways to get
# there must end in the same place. That the comparison notices a difference is tested too, with one made on purpose.
use strict;
use warnings;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $source = source_folder();
my $check = "$source/test/upgrade/check.sql";
my $work = PostgreSQL::Test::Utils::tempdir();
my $tree = "$work/tree";

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
	my $text = slurp_text($file);
	$text =~ s/$from/$to/ or die "$file: nothing matches $from\n";
	spit($file, $text);
}

# (status, output) of a command
sub output_of
{
	my $out = '';
	my $ok = IPC::Run::run([@_], '>', \$out, '2>&1');
	return ($ok, $out);
}

sub assemble { return output_of($^X, "$tree/sql/assemble", @_) }

# --- the old version: this checkout, frozen

mkdir $tree;
system("cd '$source' && tar cf - Makefile quay_ext.control sql src test/tools | (cd '$tree' && tar xf -)") == 0 or die;
my ($old) = slurp_text("$tree/quay_ext.control") =~ /^default_version = '(.*)'/m;
my $next = $old =~ s/(\d+)$/$1 + 1/er;

my ($ok, $out) = assemble('freeze');
ok($ok, "version $old freezes") or diag($out);
($ok, $out) = assemble('verify');
ok($ok, 'and verifies') or diag($out);

my $frozen = "$tree/sql/frozen/quay--$old.sql";
my $script = slurp_text($frozen);
spit($frozen, "$script\n");
($ok, $out) = assemble('verify');
ok(!$ok && $out =~ /was released and must not change/, 'a frozen script that changed is noticed');
spit($frozen, $script);
my $part = "$tree/sql/api/300_legacy.sql";
my $text = slurp_text($part);
spit($part, "$text\n-- changed\n");
($ok, $out) = assemble('verify');
ok(!$ok && $out =~ /differ from version \Q$old\E as it was released/, 'so is a part that changed after the release');
spit($part, $text);

# --- the next version: a table, a column, a function, a changed comment

my $table = <<'SQL';
CREATE SEQUENCE quay.throwaway_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.throwaway (
    id      bigint NOT NULL DEFAULT nextval('quay.throwaway_id_seq'),
    user_id bigint NOT NULL,
    CONSTRAINT pk_throwaway PRIMARY KEY (id),
    CONSTRAINT fk_throwaway_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.throwaway_id_seq OWNED BY quay.throwaway.id;
ALTER TABLE quay.star ADD COLUMN throwaway text;
SQL
my $index = "CREATE INDEX throwaway_user_id ON quay.throwaway (user_id);\n";
my $marks = <<'SQL';
SELECT pg_extension_config_dump('quay.throwaway', '');
SELECT pg_extension_config_dump('quay.throwaway_id_seq', '');
SQL
my $step = "$tree/sql/migrations/$old--$next";

# The first step of all makes the folder of the steps.
make_path($step);
replace_in("$tree/quay_ext.control", qr/^default_version = .*$/m, "default_version = '$next'");
replace_in("$tree/sql/manifest", qr/^(?=once +schema\/900_dump|once +seed\/010)/m, "once schema/155_throwaway.sql\n");
replace_in("$tree/sql/manifest", qr/^(?=every )/m, "always api/890_throwaway.sql\n");
replace_in("$tree/sql/api/010_core.sql", qr/Version that the library in this session was built as\./, 'Version of the library in this session.');
spit("$tree/sql/schema/155_throwaway.sql", $table . $index);
spit("$tree/sql/api/890_throwaway.sql", <<'SQL');
CREATE OR REPLACE FUNCTION quay.throwaway_count() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.throwaway);
END
$$;
COMMENT ON FUNCTION quay.throwaway_count() IS 'Rows of quay.throwaway.';
COMMENT ON TABLE quay.throwaway IS 'For a test.';
SQL
spit("$step/up.sql", $table . $index . $marks);
spit("$step/down.sql", <<'SQL');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.throwaway), 'rows of quay.throwaway');
DROP FUNCTION quay.throwaway_count();
ALTER EXTENSION quay DROP SEQUENCE quay.throwaway_id_seq;
ALTER EXTENSION quay DROP TABLE quay.throwaway;
DROP TABLE quay.throwaway;
ALTER TABLE quay.star DROP COLUMN throwaway;
SQL

my ($built, $bindir) = output_of("$tree/test/tools/stage", "$work/pg");
chomp $bindir;
ok($built, "version $next builds and installs") or BAIL_OUT($bindir);
my $node = new_node('main', install_path => $bindir =~ s{/bin$}{}r);
my $update = "ALTER EXTENSION quay UPDATE";

is($node->safe_psql('postgres', <<'SQL'), '', 'every path between releases is made of steps in one direction, takes no detour, and none is missing');
SELECT source, target, path FROM pg_extension_update_paths('quay') AS p
WHERE source ~ '^\d+\.\d+$' AND target ~ '^\d+\.\d+$' AND (path IS NULL OR path ~ '\d\.\d+\.\d'
   OR EXISTS (SELECT FROM string_to_table(path, '--') WITH ORDINALITY AS a (version, i)
              JOIN string_to_table(path, '--') WITH ORDINALITY AS b (version, i) ON b.i = a.i + 1
              WHERE (string_to_array(a.version, '.')::int[] < string_to_array(b.version, '.')::int[])
                    <> (string_to_array(source, '.')::int[] < string_to_array(target, '.')::int[])))
SQL

# --- fresh = upgraded = restored

new_database($node, 'fresh');
my $fresh = snapshot($node, 'fresh');
like($fresh, qr/^relation \| quay\.throwaway /m, 'the snapshot shows the new table');

new_database($node, 'fresh_old', $old);
my $fresh_old = snapshot($node, 'fresh_old');
fixture($node, 'fresh_old');
my $behaviour_old = run_file($node, 'fresh_old', $check);
$node->safe_psql('postgres', 'CREATE DATABASE upgraded TEMPLATE fresh_old');
$node->safe_psql('postgres', 'CREATE DATABASE kept TEMPLATE fresh_old');

# A session that has everything in its caches, of a role with rights that the DBA gave.
$node->safe_psql('upgraded', q(CREATE ROLE registry_app LOGIN; SELECT quay.grant_role('registry_app', 'application')));
my $rows = row_checksums($node, 'upgraded');
my ($warm_in, $warm_out, $timer) = ('', '', IPC::Run::timer(60));
my $pull = q(SELECT status FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1'););
my $harness = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'upgraded' ], '<', \$warm_in, '>', \$warm_out, '2>&1', $timer);
$warm_in .= "$pull\n";
IPC::Run::pump($harness) until $warm_out =~ /\n/;

my $locks = $node->safe_psql('upgraded', "BEGIN; $update; SELECT count(DISTINCT relation) FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384 AND mode = 'AccessExclusiveLock'; COMMIT;");
cmp_ok($locks, '<', 150, 'the update locks few relations');
$warm_in .= "$pull\n";
IPC::Run::pump($harness) until $warm_out =~ /\n.*\n/s;
is($warm_out, "ok\nok\n", 'a session with warm caches goes on: its library is as new as the database');
$warm_in .= "\\q\n";
IPC::Run::finish($harness);

is($node->safe_psql('upgraded', 'SELECT quay.version()'), $next, 'the rows say the new version');
is($node->safe_psql('upgraded', q(SELECT complete FROM quay.role_list())), 'f', 'the role lacks what is new');
is($node->safe_psql('upgraded', q(SELECT has_function_privilege('public', 'quay.throwaway_count()', 'EXECUTE'))), 'f', 'a new function is not for PUBLIC');
is(dump_into($node, 'upgraded', 'granted'), '', 'what the DBA granted before an update ...');
is($node->safe_psql('granted', q(SELECT has_table_privilege('registry_app', 'quay.tag', 'INSERT') AND has_function_privilege('registry_app', 'quay.tag_set(text,text,text,text,timestamptz,boolean,text,text)', 'EXECUTE'))), 't', '... is dumped after it');
$node->safe_psql('upgraded', q(SELECT quay.grant_role('registry_app', 'application')));
is($node->safe_psql('upgraded', q(SELECT complete FROM quay.role_list())), 't', 'granting again completes it');
$node->safe_psql('upgraded', q(SELECT quay.revoke_role('registry_app')));

is(compare($fresh, snapshot($node, 'upgraded')), '', 'fresh = upgraded, by catalog');
my $behaviour = run_file($node, 'upgraded', $check);
is(compare($behaviour_old, $behaviour), '', 'the update changed no behaviour');
is(dump_into($node, 'upgraded', 'restored'), '', 'a dump of the upgraded one restores');
is(compare($fresh, snapshot($node, 'restored')), '', 'fresh = restored, by catalog');
is(compare($behaviour, run_file($node, 'restored', $check)), '', 'upgraded = restored, by behaviour');
is(compare(row_checksums($node, 'upgraded'), row_checksums($node, 'restored')), '', 'upgraded = restored, by rows');

# --- and back

$node->safe_psql('fresh', "$update TO '$old'");
is(compare($fresh_old, snapshot($node, 'fresh')), '', "down from a fresh $next = a fresh $old");
$node->safe_psql('fresh', "$update TO '$next'");
is(compare($fresh, snapshot($node, 'fresh')), '', 'and up again');

$node->safe_psql('upgraded', 'INSERT INTO quay.throwaway (user_id) SELECT min(id) FROM quay."user"');
my $stderr = '';
isnt($node->psql('upgraded', "\\set VERBOSITY verbose\n$update TO '$old'", stderr => \$stderr), 0, 'a downgrade that would lose rows is refused');
like($stderr, qr/QY092.*rows of quay\.throwaway.*quay\.allow_lossy_downgrade/s, 'with the code, what would be lost, and what to do');
is($node->safe_psql('upgraded', 'SELECT quay.version()'), $next, 'and changes nothing');
$node->safe_psql('upgraded', "SET quay.allow_lossy_downgrade = on; $update TO '$old'");
is(compare($fresh_old, snapshot($node, 'upgraded')), '', "allowed, it ends in $old");
is(compare($rows, row_checksums($node, 'upgraded')), '', 'with the rows of before');

# --- a dump of the old version

is(dump_into($node, 'kept', 'mixed'), '', "a dump of $old goes into $next");
is($node->safe_psql('mixed', 'SELECT quay.version()'), "$old, $next", 'whose rows are of two versions then');
isnt($node->psql('mixed', "\\set VERBOSITY verbose\n$pull", stderr => \$stderr), 0, 'every call refuses');
like($stderr, qr/QY090.*VERSION '\Q$old\E'.*ALTER EXTENSION quay UPDATE/s, 'and says how to do it right');
# CREATE EXTENSION has made the schema, which is no member of it.
my $complaint = dump_into($node, 'kept', 'proper', before => "CREATE EXTENSION quay VERSION '$old'");
is($complaint =~ s/\A.*schema "quay" already exists\n.*CREATE SCHEMA quay;\n\n\n.*ignored on restore: 1\n\z//r, '', 'done that way');
$node->safe_psql('proper', $update);
is(compare($fresh, snapshot($node, 'proper')), '', 'it ends in the new version');
is(compare($behaviour_old, run_file($node, 'proper', $check)), '', 'and behaves');

# --- the comparison notices what is wrong: an update that forgets an index

spit("$step/up.sql", $table . $marks);
($built, $bindir) = output_of("$tree/test/tools/stage", "$work/pg");
ok($built, 'a faulty update builds');
new_database($node, 'drifted', $old);
$node->safe_psql('drifted', $update);
is(compare($fresh, snapshot($node, 'drifted')) =~ s/ \| .*//gr, "- index\n", 'and the comparison shows the index that it forgot');

$node->stop;
done_testing();
