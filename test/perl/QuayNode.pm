# Helpers of the TAP tests: a server with the extension, checksums of its rows, dumps, a registry to work on.
package QuayNode;

use strict;
use warnings;
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(source_folder slurp_text new_node new_database releases run_file fixture snapshot row_checksums sequences sizes problems compare dump_into);

sub source_folder { return abs_path(dirname(__FILE__) . '/../..') }

sub slurp_text
{
	open my $fh, '<', $_[0] or die "$_[0]: $!\n";
	local $/;
	return <$fh>;
}

# A started server; options as of PostgreSQL::Test::Cluster->new and ->init.
sub new_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name, $option{install_path} ? (install_path => $option{install_path}) : ());
	$node->init(allows_streaming => $option{streaming}, extra => [ '--encoding=UTF8', '--locale=C' ]);
	$node->append_conf('postgresql.conf', <<'CONF');
quay.database_secret_key = 'anothercrazykey!'
quay.bcrypt_cost = 4
CONF
	$node->append_conf('postgresql.conf', $option{conf}) if $option{conf};
	$node->start;
	return $node;
}

sub new_database
{
	my ($node, $database, $version) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE EXTENSION quay' . ($version ? " VERSION '$version'" : ''));
	return $database;
}

# All released versions and that of this checkout, in order. (Detours, with three numbers, are the business of 034_detour.pl.)
sub releases
{
	my ($node) = @_;
	return sort { my ($x, $y) = map { [ split /\./ ] } $a, $b; $x->[0] <=> $y->[0] || $x->[1] <=> $y->[1] }
	  grep { /^\d+\.\d+$/ } split /\n/, $node->safe_psql('postgres', q(SELECT version FROM pg_available_extension_versions WHERE name = 'quay'));
}

# What psql prints for a file, errors included.
sub run_file
{
	my ($node, $database, $file) = @_;
	my ($out, $err) = ('', '');
	$node->psql($database, slurp_text($file), stdout => \$out, stderr => \$err, on_error_stop => 0);
	return "$out\n$err";
}

sub fixture
{
	my ($node, $database) = @_;
	$node->safe_psql($database, slurp_text(source_folder() . '/test/upgrade/fixture.sql'));
}

sub snapshot { return run_file($_[0], $_[1], source_folder() . '/test/upgrade/snapshot.sql') }

# table, number of rows, checksum of the rows: for every table, whoever made it, but the record of the version and the journal, which have
# the time of installation, and those that are not dumped: UNLOGGED ones, and what triggers make out of the others
sub row_checksums
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT c.oid::regclass || ' ' || (xpath('/row/x/text()', query_to_xml(format(
    'SELECT count(*) || '' '' || coalesce(md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")), '''') AS x FROM %s AS r',
    c.oid::regclass), false, true, '')))[1]
FROM pg_class AS c
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
  AND c.relname NOT IN ('schema_version', 'migration_journal')
  AND NOT EXISTS (SELECT FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (oid, condition)
                  WHERE x.oid = c.oid AND x.condition IN ('WHERE false', 'WHERE attempts > 0'))
ORDER BY 1
SQL
}

sub sequences
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT c.oid::regclass || ' ' || (xpath('/row/x/text()', query_to_xml(format(
    'SELECT last_value || '' '' || is_called AS x FROM %s', c.oid::regclass), false, true, '')))[1]
FROM pg_class AS c WHERE c.relnamespace = 'quay'::regnamespace AND c.relkind = 'S' ORDER BY 1
SQL
}

# From 1.2 on: the size of each repository, each namespace and the registry, and the uses of blobs behind them
sub sizes
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT format('size of %s/%s: %s', c.namespace_id, c.repository_id, sum(c.used))
FROM quay_internal.size_counter AS c GROUP BY c.namespace_id, c.repository_id HAVING sum(c.used) <> 0
UNION ALL
SELECT format('reserved in %s: %s', c.namespace_id, sum(c.reserved))
FROM quay_internal.size_counter AS c GROUP BY c.namespace_id HAVING sum(c.reserved) <> 0
UNION ALL
SELECT format('use of blob %s by %s/%s: %s', u.blob_id, u.namespace_id, u.repository_id, u.size) FROM quay_internal.blob_use AS u
ORDER BY 1
SQL
}

# From 1.2 on: what breaks the rules of the registry, and what nothing holds and no review is about
sub problems
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT concat_ws(' | ', rule, object, detail) FROM quay.registry_check()
WHERE severity = 'error' OR rule IN ('tag_unreviewed', 'manifest_unreachable', 'blob_unused', 'label_unused')
UNION ALL
SELECT 'gc_review_id_seq gives ids that are taken' FROM quay_internal.gc_review_id_seq AS s
WHERE s.last_value < (SELECT max(r.id) FROM quay_internal.gc_review AS r)
SQL
}

# Lines that only one of two texts has, as "- line" and "+ line".
sub compare
{
	my ($one, $other) = @_;
	my %count;
	$count{$_}++ for split /\n/, $one;
	$count{$_}-- for split /\n/, $other;
	return join '', map { ($count{$_} > 0 ? '- ' : '+ ') . "$_\n" } grep { $count{$_} } sort keys %count;
}

# Dumps a database and restores it into a new one of a server (by default the same). format: plain or custom. Returns psql's or
# pg_restore's complaints.
sub dump_into
{
	my ($node, $from, $to, %option) = @_;
	my $target = $option{node} // $node;
	my $format = $option{format} // 'custom';
	my $file = $node->backup_dir . "-$from-$to.$format";
	$node->command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, "--format=$format", "--file=$file", $from ], "pg_dump --format=$format of $from");
	$target->safe_psql('postgres', "CREATE DATABASE $to");
	$target->safe_psql($to, $option{before}) if $option{before};
	my @connection = ('-h', $target->host, '-p', $target->port, '-d', $to);
	my ($out, $err) = ('', '');
	IPC::Run::run($format eq 'plain' ? [ 'psql', '-X', '-q', @connection, '-f', $file ] : [ 'pg_restore', @connection, $file ],
		'>', \$out, '2>', \$err);
	return $err;
}

1;
