# A dump takes every row and every sequence along, and the restored registry works on.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main');
my $check = source_folder() . '/test/upgrade/check.sql';

new_database($node, 'original');
fixture($node, 'original');
is($node->safe_psql('original', <<'SQL'), '', 'the fixture left no table empty');
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relnamespace = 'quay'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
  AND (xpath('/row/x/text()', query_to_xml(format('SELECT count(*) AS x FROM %s', c.oid::regclass), false, true, '')))[1]::text = '0'
SQL

# And what only functions make.
$node->safe_psql('original', slurp_text($_)) for sort glob source_folder() . '/test/upgrade/fixture-*.sql';

# What the DBA grants and sets on our objects is dumped as well.
$node->safe_psql('original', q(CREATE ROLE registry_app; CREATE ROLE registry_reader));
$node->safe_psql('original', q(SELECT quay.grant_role('registry_app', 'application'), quay.grant_role('registry_reader', 'reader')));

my $rows = row_checksums($node, 'original');
my $snapshot = snapshot($node, 'original');
my $behaviour = run_file($node, 'original', $check);
like($behaviour, qr/^ok\|sha256:/m, 'the check runs');
unlike($behaviour, qr/ERROR/, 'and has no errors');
my $sequences = sequences($node, 'original');
my $sizes = sizes($node, 'original');
is(problems($node, 'original'), '', 'and no problems');

for my $format (qw(custom plain))
{
	my $copy = "restored_$format";
	is(dump_into($node, 'original', $copy, format => $format), '', "$format: restored without a complaint");
	is(compare($rows, row_checksums($node, $copy)), '', "$format: the same rows in every table");
	is(compare($sequences, sequences($node, $copy)), '', "$format: the same sequences");
	is(compare($snapshot, snapshot($node, $copy)), '', "$format: the same catalog");
	is(compare($behaviour, run_file($node, $copy, $check)), '', "$format: the same behaviour");
	is(compare($sizes, sizes($node, $copy)), '', "$format: the same sizes");
	is(problems($node, $copy), '', "$format: no problems");
}

is(dump_into($node, 'restored_custom', 'again'), '', 'a copy of a copy');
is(compare($rows, row_checksums($node, 'again')), '', 'has the same rows');

$node->stop;
done_testing();
