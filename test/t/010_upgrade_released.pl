# Migrations between released versions, and from the last one to this checkout: each step, up and down, with rows in the tables. (What a
# step of any kind has to do is the business of 002_upgrade.pl.)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $source = source_folder();
my $node = new_node('main');
my @versions = sort { my ($x, $y) = map { [ split /\./ ] } $a, $b; $x->[0] <=> $y->[0] || $x->[1] <=> $y->[1] }
  split /\n/, $node->safe_psql('postgres', q(SELECT version FROM pg_available_extension_versions WHERE name = 'quay'));
cmp_ok(scalar @versions, '>=', 2, "versions: @versions");

sub update { return "ALTER EXTENSION quay UPDATE TO '$_[0]'" }
sub clone { my ($from, $to) = @_; $node->safe_psql('postgres', "CREATE DATABASE $to TEMPLATE $from") }

my %fresh;
for my $version (@versions)
{
	my $database = 'fresh_' . $version =~ tr/./_/r;
	new_database($node, $database, $version);
	$fresh{$version} = snapshot($node, $database);
}

for my $i (1 .. $#versions)
{
	my ($old, $new) = @versions[ $i - 1, $i ];
	my $name = "step$i";
	my $check = "$source/test/upgrade/check.sql";

	new_database($node, $name, $old);
	fixture($node, $name);
	my $rows = row_checksums($node, $name);
	my $behaviour = run_file($node, $name, $check);

	$node->safe_psql($name, update($new));
	is(compare($fresh{$new}, snapshot($node, $name)), '', "$old to $new = fresh $new, by catalog");
	is(compare($behaviour, run_file($node, $name, $check)), '', 'it behaves as before');
	is($node->safe_psql($name, 'SELECT quay.version()'), $new, 'its rows say so');
	is(dump_into($node, $name, "${name}_restored"), '', 'its dump restores');
	is(compare($fresh{$new}, snapshot($node, "${name}_restored")), '', 'to the same catalog');
	is(compare(row_checksums($node, $name), row_checksums($node, "${name}_restored")), '', 'and the same rows');

	clone($name, "${name}_back");
	$node->safe_psql("${name}_back", update($old));
	is(compare($fresh{$old}, snapshot($node, "${name}_back")), '', "back to $old = fresh $old, by catalog");
	is(compare($rows, row_checksums($node, "${name}_back")), '', 'with the rows of before');
	is(compare($behaviour, run_file($node, "${name}_back", $check)), '', 'and the behaviour');
	$node->safe_psql("${name}_back", update($new));
	is(compare($fresh{$new}, snapshot($node, "${name}_back")), '', 'and up again');

	# Rows that only the new version makes.
	my $fixture = "$source/test/upgrade/fixture-$new.sql";
	next unless -f $fixture;
	$node->safe_psql($name, slurp_text($fixture));
	my $before = row_checksums($node, $name);
	my $stderr = '';
	isnt($node->psql($name, "\\set VERBOSITY verbose\n" . update($old), stderr => \$stderr), 0, 'a downgrade that would lose rows is refused');
	like($stderr, qr/QY092/, 'with its code');
	is(compare($before, row_checksums($node, $name)), '', 'and changes nothing');
	is(dump_into($node, $name, "${name}_full"), '', 'the dump of such a registry restores');
	is(compare($before, row_checksums($node, "${name}_full")), '', 'with all rows');
	$node->safe_psql($name, 'SET quay.allow_lossy_downgrade = on; ' . update($old));
	is(compare($fresh{$old}, snapshot($node, $name)), '', 'allowed, it ends in the old version');
	is(compare($behaviour, run_file($node, $name, $check)), '', 'which works on these rows');
	$node->safe_psql($name, update($new));
	is(compare($fresh{$new}, snapshot($node, $name)), '', 'and up again');
}

# --- 1.0 to 1.1: what 1.0 let in

new_database($node, 'loose', '1.0');
fixture($node, 'loose');
$node->safe_psql('loose', <<'SQL');
UPDATE quay."user" SET uuid = 'the same' WHERE username IN ('fixture_alice', 'fixture_acme');
SELECT quay.user_create('fixture_bob', 'correct-horse-battery', 'fixture_bob@example.com');
SELECT quay.organization_create('fixture_other', NULL, 'fixture_bob');
INSERT INTO quay.teammember (user_id, team_id)
SELECT u.id, t.id FROM quay."user" AS u, quay.team AS t WHERE u.username = 'fixture_other' AND t.name = 'dev';
SELECT quay.repository_create('fixture_other', 'app', 'fixture_bob');
INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
SELECT u.id, r.id, 1 FROM quay."user" AS u, quay.repository AS r JOIN quay."user" AS o ON o.id = r.namespace_user_id
WHERE u.username = 'fixture_acme+ci' AND o.username = 'fixture_other';
SQL
my $before = row_checksums($node, 'loose');
my $stderr = '';
isnt($node->psql('loose', "\\set VERBOSITY verbose\n" . update('1.1'), stderr => \$stderr), 0, 'rows that break a rule of 1.1 stop the update');
like($stderr, qr/QY093.*1 permissions of robots or teams of another namespace \(quay\.repositorypermission\)/s, 'which says what they are');
is(compare($before, row_checksums($node, 'loose')), '', 'and changes nothing');
$node->safe_psql('loose', q(DELETE FROM quay.repositorypermission AS p USING quay."user" AS u WHERE u.id = p.user_id AND u.username = 'fixture_acme+ci'));
$node->safe_psql('loose', update('1.1'));
is($node->safe_psql('loose', q(SELECT count(DISTINCT uuid) FROM quay."user" WHERE username IN ('fixture_alice', 'fixture_acme'))), '2', 'two users with one uuid have two');
is($node->safe_psql('loose', q(SELECT count(*) FROM quay."user" WHERE uuid = 'the same')), '1', 'and the older one keeps it');
is($node->safe_psql('loose', q(SELECT count(*) FROM quay.teammember AS m JOIN quay."user" AS u ON u.id = m.user_id WHERE u.organization)), '0', 'a membership that gave no right is gone');
is(dump_into($node, 'loose', 'loose_restored'), '', 'and a dump restores');

$node->stop;
done_testing();
