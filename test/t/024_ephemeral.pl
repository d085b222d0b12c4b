# What a crash empties and what it does not; many clients at one cold key, and at a cache that is full; and a standby: it has no rows of
# UNLOGGED tables, and shows what the primary committed once wal_wait() says so, which does not hold up what it waits for.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;
use Time::HiRes qw(time);

my $primary = new_node('primary', streaming => 1, conf => "fsync = on\nhot_standby_feedback = off\nautovacuum = off\nmax_connections = 50\n");
new_database($primary, 'registry');
sub query { return $primary->safe_psql('registry', $_[0]) }

sub pgbench
{
	my ($what, $script, @options) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/script.sql';
	PostgreSQL::Test::Utils::append_to_file($file, $script);
	my ($out, $err) = ('', '');
	my $ran = IPC::Run::run([ 'pgbench', '-n', '-M', 'extended', @options, '-f', $file, '-h', $primary->host, '-p', $primary->port, 'registry' ],
		'>', \$out, '2>', \$err);
	ok($ran && $err !~ /ERROR/, $what) or diag($err);
}

# --- Many at once

query('CREATE TABLE loads (loaded text)');
pgbench('20 clients want a cold key', <<'SQL', '-c', 20, '-j', 2, '-t', 5);
SELECT status = 'load' AS mine, status = 'hit' AS hit, claim FROM quay.cache_claim('hot', 30, 30) \gset
\if :mine
INSERT INTO loads VALUES ('loaded');
SELECT pg_sleep(0.3);
SELECT quay.cache_set('hot', 'value', 600, claim => :claim);
\endif
INSERT INTO loads SELECT CASE WHEN :hit THEN 'hit' WHEN :mine THEN 'by me' ELSE 'neither' END;
SQL
is(query('SELECT loaded, count(*) FROM loads GROUP BY loaded ORDER BY loaded'), "by me|1\nhit|99\nloaded|1", 'one loads it, the others wait for that');

query(q(ALTER DATABASE registry SET quay.cache_size = '2MB'));
pgbench('4 clients fill the cache', <<'SQL', '-c', 4, '-j', 2, '-T', 4);
\set k random(1, 2000)
\set n random(1, 20000)
\set ttl random(5, 1000)
SELECT quay.cache_set('k' || :k, repeat('x', :n), :ttl::integer);
SELECT quay.cache_delete('k' || :k + 7);
SELECT quay.cache_expire(10);
SQL
my ($bytes, $limit, $off) = split /\|/, query('SELECT bytes, limit_bytes, abs(bytes - counted_bytes) FROM quay.cache_status()');
cmp_ok($bytes, '<', 1.25 * $limit, 'its size keeps within its bound');
cmp_ok($bytes, '>', 0.5 * $limit, 'and it is used');
cmp_ok($off, '<', 0.25 * $limit, 'what is counted on average is about right');
is(query(q(SELECT quay.cache_expire(100000) >= 0, quay.cache_expire(100000))), 't|0', 'expiry comes to an end');

# --- A crash

query(<<'SQL');
SELECT quay.user_create('alice', 'password', 'alice@example.com');
SELECT quay.repository_create('alice', 'app', 'alice');
SELECT quay.cache_set('key', 'value', 600);
SELECT quay.cache_generation_change('group');
SELECT quay.pull_count(id, NULL, 'v1') FROM quay.repository;
SELECT quay.pull_record_many(jsonb_build_array(jsonb_build_object('repository_id', id, 'tag_name', 'v2')), 'batch') FROM quay.repository;
SELECT quay.permission_revoked_mark_many(ARRAY['alice'], 'alice', 'app'), quay.repository_modified_mark('alice', 'app');
CREATE TABLE kept AS SELECT quay.session_create('alice') AS token;
CREATE TABLE lease AS SELECT * FROM quay.lease_acquire('job', 'worker', 600);
SQL
$primary->restart;
my $state = q(SELECT (SELECT count(*) FROM quay.cache_get('key')), quay.cache_generation('group') <> '00000000-0000-0000-0000-000000000000',
	(SELECT count(*) FROM kept CROSS JOIN LATERAL quay.session_get(token)), (SELECT count(*) FROM quay_internal.pull_pending),
	(SELECT count(*) FROM quay_internal.cache_size) > 0);
is(query($state), '1|t|1|1|t', 'an orderly restart empties nothing');

my ($postmaster) = slurp_text($primary->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
$primary->kill9;
for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
$primary->start;
is(query($state), '0|f|0|0|f', 'kill -9 empties cache, generations, sessions and pulls that were not folded');
is(query(q(SELECT owner, quay.lease_check('job', fence) FROM quay.lease_get('job'))), 'worker|t', 'leases are there');
is(query(q(SELECT quay.permission_read_blocked('alice', 'alice', 'app'))), 't', 'marks are there');
is(query(q(SELECT p.repeated FROM quay.repository, quay.pull_record_many(jsonb_build_array(jsonb_build_object('repository_id', id, 'tag_name', 'v2')), 'batch') AS p)), 't',
	'and a batch that was counted is known');
is(query(q(SELECT quay.lease_release('job', fence) FROM lease)), 't', 'a lease is given back');
is(query(q(SELECT n.fence > l.fence FROM quay.lease_acquire('job', 'other') AS n, lease AS l)), 't', 'and the fence has grown');
is(query(q(SELECT quay.cache_set('key', repeat('x', 20000), 600), quay.session_create('alice') <> '', quay.cache_generation_change('group') IS NOT NULL)), 't|t|t', 'all goes on');
is(query(q(SELECT bytes = counted_bytes FROM quay.cache_status())), 't', 'and is counted anew');

# --- A standby

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
# It never cancels a query that keeps replay from going on.
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = -1\n");
$standby->start;
sub there { return $standby->safe_psql('registry', $_[0]) }
sub refused
{
	my ($statement, $what) = @_;
	my $error = '';
	isnt($standby->psql('registry', $statement, stderr => \$error), 0, $what);
	return like($error, qr/read-only|during recovery/, 'because it is a standby');
}

my $token = query('SELECT quay.wal_token()');
is(there("SELECT quay.wal_wait('$token', 60000)"), 't', 'a standby catches up');
my ($session) = query(q(SELECT quay.session_create('alice')));
is(there(q(SELECT (SELECT count(*) FROM quay.cache_get('key')), (SELECT count(*) FROM quay.cache_get_many(ARRAY['key'])), quay.cache_generation('group') IS NULL,
	(SELECT count(*) FROM quay.cache_status()))), '0|0|t|0', 'the cache misses');
is(there(qq(SELECT (SELECT count(*) FROM quay.session_get('$session')), (SELECT count(*) FROM quay.session_list('alice')))), '0|0', 'there are no sessions');
is(there(q(SELECT quay.permission_read_blocked('nobody', 'alice', 'app'))), 't', 'rights are to be asked of the primary');
is(there(q(SELECT owner FROM quay.lease_get('job'))), 'other', 'leases can be read');
refused(q(SELECT quay.cache_set('key', 'value', 60)), 'the cache stores nothing');
refused(q(SELECT quay.lease_acquire('job', 'me')), 'no lease is given');

query('CREATE TABLE news (n integer)');
for my $n (1 .. 5)
{
	query("INSERT INTO news VALUES ($n)");
	my $written = query('SELECT quay.wal_token()');
	is(there("SELECT quay.wal_wait('$written', 30000); SELECT max(n) FROM news"), "t\n$n", 'what is read after the wait has what was written');
}
cmp_ok(query(q(SELECT quay.wal_token() - '0/0'::pg_lsn)), '>=', there(q(SELECT quay.wal_token() - '0/0'::pg_lsn)), 'a standby says what it shows');

# Nothing comes: until the time is over, or somebody interrupts.
my $before = time;
is(there(q(SELECT quay.wal_wait(pg_last_wal_replay_lsn() + 16000000, 700))), 'f', 'what has not been written does not come');
cmp_ok(time - $before, '>=', 0.7, 'not before the time is over');
my $error = '';
$before = time;
$standby->psql('registry', q(SET statement_timeout = '300ms'; SELECT quay.wal_wait(pg_last_wal_replay_lsn() + 16000000, 60000)), stderr => \$error);
like($error, qr/canceling statement due to statement timeout/, 'it can be interrupted');
cmp_ok(time - $before, '<', 30, 'at once');

# Replay waits for our snapshot, since it is to remove rows that this sees; and never cancels it, as the standby is set up.
query('CREATE TABLE busy AS SELECT i FROM generate_series(1, 1000) AS i');
$token = query('SELECT quay.wal_token()');
is(there("SELECT quay.wal_wait('$token', 30000)"), 't', 'a table more');
there('SELECT pg_wal_replay_pause()');
$standby->poll_query_until('registry', q(SELECT pg_get_wal_replay_pause_state() = 'paused')) or die 'replay does not pause';
query('DELETE FROM busy');
query('VACUUM busy');
query('INSERT INTO news VALUES (6)');
$token = query('SELECT quay.wal_token()');
$standby->poll_query_until('registry', "SELECT pg_last_wal_receive_lsn() >= '$token'") or die 'nothing is received';
$before = time;
is(there("SELECT quay.wal_wait('$token', 60000)"), 'f', 'replay stands still');
cmp_ok(time - $before, '<', 30, 'and the wait gives up early');
# One statement waits while replay goes on, up to the rows that its snapshot sees: it gives up, and the next one has a new snapshot.
my ($in, $out) = ("SELECT quay.wal_wait('$token', 60000);\n" x 1000 . "\\q\n", '');
my $waiting = IPC::Run::start([ 'psql', '-XAtq', '-h', $standby->host, '-p', $standby->port, 'registry' ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(100));
IPC::Run::pump($waiting) until $out =~ /^f/m;
there('SELECT pg_wal_replay_resume()');
$before = time;
IPC::Run::pump($waiting) until $out =~ /^t/m;
cmp_ok(time - $before, '<', 30, 'the waits did not hold up what they waited for');
$waiting->kill_kill;
is(there('SELECT max(n) FROM news'), '6', 'and it is there');

$standby->promote;
is($standby->safe_psql('registry', "SELECT quay.wal_wait('$token', 10)"), 't', 'promoted, there is nothing to wait for');
is($standby->safe_psql('registry', q(SELECT quay.cache_set('key', 'value', 60), quay.session_create('alice') <> '')), 't|t', 'and cache and sessions begin, empty');
is($standby->safe_psql('registry', q(SELECT value FROM quay.cache_get('key'))), 'value', 'and work');
$standby->stop;
$primary->stop;
done_testing();
