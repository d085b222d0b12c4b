# A Quay moves in from another database, and out again: rows and tables are the same on the way and back. An adoption that is killed, or
# cancelled, goes on with the same call; its memory does not grow with what it has done.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_node('main', conf => "fsync = on\nrestart_after_crash = on\nmax_wal_size = 4GB\n");

# A database with the extension, and in schema src of it, by postgres_fdw, what a schema of another database holds.
sub target_of
{
	my ($database, $source, $schema) = @_;
	new_database($node, $database);
	my ($host, $port) = ($node->host, $node->port);
	$node->safe_psql($database, <<"SQL");
CREATE EXTENSION postgres_fdw;
CREATE SERVER quay FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$source', fetch_size '10000');
CREATE USER MAPPING FOR CURRENT_USER SERVER quay;
CREATE SCHEMA src;
IMPORT FOREIGN SCHEMA $schema FROM SERVER quay INTO src;
SQL
}

# name, number of rows and checksum of the tables that the reference has, with the columns that it has
sub reference_checksums
{
	my ($database, $schema) = @_;
	return $node->safe_psql($database, <<"SQL");
SELECT t.table_name || ' ' || (xpath('/row/x/text()', query_to_xml(format(
    'SELECT count(*) || '' '' || coalesce(md5(string_agg(row(%s)::text, chr(10) ORDER BY r.id)), '''') AS x FROM $schema.%I AS r',
    (SELECT string_agg(format('r.%I', c.column_name), ', ' ORDER BY c.place) FROM quay_internal.reference_column_list(t.table_name) AS c),
    t.table_name), false, true, '')))[1]
FROM quay_internal.reference_table_list() AS t ORDER BY t.table_name COLLATE "C"
SQL
}

# Everything about the tables of a schema that a client of the reference could notice.
sub plain_catalog
{
	my ($database, $schema) = @_;
	my $text = $node->safe_psql($database, <<"SQL");
SELECT 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind IN ('r', 'S') ORDER BY 2, 3;
SELECT 'index', pg_get_indexdef(i.indexrelid) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid WHERE c.relnamespace = '$schema'::regnamespace ORDER BY 2;
SELECT 'constraint', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint AS k WHERE k.connamespace = '$schema'::regnamespace ORDER BY 2, 3;
SELECT 'sequence', sequencename, last_value FROM pg_sequences WHERE schemaname = '$schema' ORDER BY 2;
SQL
	$text =~ s/\b$schema\b/schema/g;
	return $text;
}

# --- There and back

new_database($node, 'origin');
fixture($node, 'origin');
$node->safe_psql('origin', slurp_text(source_folder() . '/test/upgrade/fixture-1.2.sql'));
$node->safe_psql('origin', q(CALL quay.release('plain')));
is(reference_checksums('origin', 'plain'), reference_checksums('origin', 'quay'), 'the way out takes every row along');

target_of('target', 'origin', 'plain');
my $before = reference_checksums('target', 'quay');
my $plain = reference_checksums('origin', 'plain');
$node->safe_psql('target', q(CALL quay.adopt('src', dry_run => true)));
is(reference_checksums('target', 'quay'), $before, 'a dry run changes nothing in the registry');
is($node->safe_psql('target', q(SELECT count(*) FROM quay.adoption_progress WHERE state <> 'done')), '0', 'but looks at everything');
$node->safe_psql('target', q(CALL quay.adopt('src')));
is($node->safe_psql('target', q(SELECT rule, table_name FROM quay.adoption_summary WHERE treatment <> 'kept')), '', 'nothing is changed or left out');
is(reference_checksums('target', 'quay'), $plain, 'an adoption of what was released is what there was');
is(reference_checksums('origin', 'plain'), $plain, 'nothing changes in the source');
my $sizes = 'SELECT namespace_id, repository_id, sum(used) FROM quay_internal.size_counter GROUP BY 1, 2 HAVING sum(used) <> 0 ORDER BY 1, 2';
is($node->safe_psql('target', $sizes), $node->safe_psql('origin', $sizes), 'the sizes are the same');
my $uses = 'SELECT * FROM quay_internal.blob_use ORDER BY 1, 2, 3';
is($node->safe_psql('target', $uses), $node->safe_psql('origin', $uses), 'the uses of blobs are the same');
my $missing = 'SELECT * FROM quay_internal.missing_child ORDER BY 1, 2, 3';
is($node->safe_psql('target', $missing), $node->safe_psql('origin', $missing), 'the manifests that indexes wait for are the same');
is($node->safe_psql('target', q(SELECT rule, object, detail FROM quay.registry_check() WHERE severity = 'error')),
	$node->safe_psql('origin', q(SELECT rule, object, detail FROM quay.registry_check() WHERE severity = 'error')),
	'and the registry breaks no other rules than before');
$node->safe_psql('target', q(CALL quay.release('again')));
my ($there, $again) = (plain_catalog('origin', 'plain'), plain_catalog('target', 'again'));
# Sequences never go back, and start above 1000.
s/^sequence.*\n?//mg for $there, $again;
is($again, $there, 'and out again it has the same tables');
is($node->safe_psql('target', q(SELECT count(*) FROM pg_sequences AS s WHERE schemaname = 'quay' AND coalesce(last_value, start_value) < 1000
    AND sequencename = ANY (SELECT table_name || '_id_seq' FROM quay_internal.reference_table_list()))), '0', 'new rows get ids above 1000');

# --- Interruptions: a server process is killed again and again

new_database($node, 'big');
my $tags = 6000;
$node->safe_psql('big', "CALL quay.release('src');\n\\set tags $tags\n\\set schema src\n" . slurp_text(source_folder() . '/test/bench/registry.sql'));
target_of('moved', 'big', 'src');

sub call_adopt
{
	my ($out, $err) = ('', '');
	my $call = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'moved', '-c', q(CALL quay.adopt('src', batch_size => 400)) ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(180));
	return ($call, \$err);
}
my $copied = 'SELECT coalesce(sum(row_count), 0) FROM quay.adoption_progress WHERE phase = \'copy\'';
my $adopting = q(SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL quay.adopt%' AND state = 'active' AND pid <> pg_backend_pid() LIMIT 1);

my $reached = 0;
for my $round (1 .. 3)
{
	my ($call) = call_adopt();
	my $goal = $reached + 10_000;
	for (1 .. 1200) { last if $node->safe_psql('moved', $copied) >= $goal; sleep 0.05 }
	my $pid = $node->safe_psql('moved', $adopting);
	# A backend that is killed takes all others along: the server restarts.
	kill 'KILL', $pid if $pid;
	eval { IPC::Run::finish($call) };
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server did not come back';
	my $now = $node->safe_psql('moved', $copied);
	cmp_ok($now, '>=', $goal, "round $round: what was committed counts ($now rows)");
	is($node->safe_psql('moved', q(SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM quay.%I', name), false, true, '')))[1]::text::bigint)
	    FROM quay.adoption_progress WHERE phase = 'copy')), $now, 'and is there, once');
	$reached = $now;
}
is($node->safe_psql('moved', q(SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D')), '0', 'no trigger is switched off');

# --- A call that is cancelled leaves the run to anybody, although its session lives on

my $session = $node->background_psql('moved', on_error_stop => 0);
$session->{timeout} = IPC::Run::timer(180);
$session->{stdin} .= "CALL quay.adopt('src', batch_size => 400);\n\\echo cancelled\n";
for (1 .. 1200) { IPC::Run::pump_nb($session->{run}) if $session->{run}; last if $node->safe_psql('moved', $copied) > $reached + 2000; sleep 0.05 }
$node->safe_psql('moved', "SELECT pg_cancel_backend(($adopting))");
ok($node->poll_query_until('moved', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'CALL quay.adopt%' AND state = 'idle')),
	'the session of the cancelled call is still there');

# --- The last call goes to the end, with memory that stays what it was

my ($call, $err) = call_adopt();
my @memory;
for (1 .. 4000)
{
	my $pid = $node->safe_psql('moved', $adopting);
	if ($pid and open my $fh, '<', "/proc/$pid/status") { local $/; push @memory, $1 if <$fh> =~ /^RssAnon:\s+(\d+)/m }
	IPC::Run::pump_nb($call);
	last unless $call->pumpable;
	sleep 0.02;
}
ok(IPC::Run::finish($call), 'the same call goes to the end') or diag($$err);
eval { $session->quit };
is($node->safe_psql('moved', q(SELECT count(*) FROM quay.adoption_progress WHERE state <> 'done')), '0', 'all is done');
SKIP: {
	skip 'no memory was measured', 1 if @memory < 10;
	my @sorted = sort { $a <=> $b } @memory[ 0 .. $#memory / 3 ];
	my ($first) = $sorted[-1];
	my ($last) = sort { $b <=> $a } @memory[ 2 * $#memory / 3 .. $#memory ];
	cmp_ok($last, '<', $first + 40_000, "memory stays flat: $first kB in the first third, $last kB in the last, " . @memory . ' samples');
}
is(reference_checksums('moved', 'quay'), reference_checksums('big', 'src'), 'all rows of the source are there');
is($node->safe_psql('moved', q(SELECT rule, detail FROM quay.registry_check() WHERE severity = 'error')), '', 'and break no rule');
is($node->safe_psql('moved', q(SELECT count(*) FROM quay.logentry3_default)), '0', 'each row of the log is in its month');

# --- Who may

$node->safe_psql('postgres', 'CREATE ROLE mover LOGIN');
new_database($node, 'guarded');
$node->safe_psql('guarded', q(SELECT quay.grant_role('mover', 'admin')));
my ($status, $out, $error) = $node->psql('guarded', q(SET ROLE mover; CALL quay.adopt('src')));
like($error, qr/permission denied to set parameter "session_replication_role"/, 'an administrator of the registry is not enough');

$node->stop;
done_testing();
