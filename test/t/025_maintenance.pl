# Maintenance in a whole server: it is killed in the middle of a job, and the job goes on where the last batch ended; it runs beside pushes;
# a standby refuses it and shows how it is getting on; pg_cron, if there is one, gets it scheduled.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', streaming => 1, conf => "fsync = on\nrestart_after_crash = on\n");
new_database($node, 'registry');
fixture($node, 'registry');
# Rows that the fixture has made up.
$node->safe_psql('registry', 'DELETE FROM quay.deletedrepository; DELETE FROM quay.deletednamespace; DELETE FROM quay.autoprunetaskstatus');

sub psql_start
{
	my ($script, $out) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir_short() . '/script.sql';
	open my $fh, '>', $file or die "$file: $!\n";
	print $fh $script;
	close $fh;
	return IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-f', $file, 'registry' ],
		'>', $out, '2>&1', IPC::Run::timeout(120));
}

sub only
{
	my $jobs = join ',', @_;
	$node->safe_psql('registry', "SELECT count(quay.maintenance_set(job, enabled => job = ANY ('{$jobs}'))) FROM quay_internal.maintenance_job_list()");
}

# --- kill -9 in the middle of a job that writes a row for each of many namespaces

$node->safe_psql('registry', <<'SQL');
INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
SELECT 'many-' || i, 'many-' || i || '@example.com', true, false, false, false, '2026-01-01' FROM generate_series(1, 6000) AS i;
SELECT quay.maintenance_set('quota_publish', enabled => true, batch => 1, budget => '5 min');
SQL
my $progress = "SELECT coalesce(max((s.cursor ->> 'after')::bigint), 0) FROM quay_internal.maintenance_state AS s WHERE s.job = 'quota_publish'";
my $first = $node->safe_psql('registry', 'SELECT min(id) FROM quay."user" WHERE username LIKE \'many-%\'');
for my $round (1 .. 2)
{
	my $before = $node->safe_psql('registry', $progress);
	my $out = '';
	my $worker = psql_start("CALL quay.maintenance_run('quota_publish');\n", \$out);
	my $reached = 0;
	for (1 .. 600)
	{
		$reached = $node->safe_psql('registry', "SELECT ($progress) > greatest($before, $first) + 100") eq 't' and last;
		select undef, undef, undef, 0.02;
	}
	ok($reached, "round $round: it is in the middle of the job");
	my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
	my $backend = $node->safe_psql('registry', q(SELECT owner_pid FROM quay_internal.maintenance_state WHERE job = 'quota_publish' AND lease_ms IS NOT NULL));
	# A busy backend would not notice for long that the postmaster is gone.
	$node->kill9;
	kill 'KILL', $backend;
	for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
	eval { IPC::Run::finish($worker) };
	$node->start;
	is($node->safe_psql('registry', <<"SQL"), '0', 'what is done and how far it has got agree');
SELECT count(*) FROM quay."user" AS u LEFT JOIN quay.quotanamespacesize AS s ON s.namespace_user_id = u.id
WHERE NOT u.robot AND u.id >= $first AND (u.id <= ($progress)) <> (s.id IS NOT NULL)
SQL
	cmp_ok($node->safe_psql('registry', $progress), '>', $before, 'a batch that was committed is not done again');
}
is($node->safe_psql('registry', "SELECT state FROM quay.maintenance_status WHERE job = 'quota_publish'"), 'failing', 'nobody has it now');
only('quota_publish');
# The second run that was killed has to wait a minute.
$node->safe_psql('registry', "SELECT quay.maintenance_set('quota_publish', batch => 1000)");
is($node->safe_psql('registry', 'CALL quay.maintenance()'), '0|0|0', 'a job that was stopped twice waits');
is($node->safe_psql('registry', "SET quay.clock = '" . $node->safe_psql('registry', "SELECT now() + interval '1 min'") . "'; CALL quay.maintenance('5 min')") =~ /^1\|\d+\|0$/ ? 'ok' : 'no',
	'ok', 'then it goes on');
is($node->safe_psql('registry', <<'SQL'), '0|f|0|2|t', 'to its end');
SELECT (SELECT count(*) FROM quay."user" AS u WHERE NOT u.robot AND NOT EXISTS (SELECT FROM quay.quotanamespacesize AS s WHERE s.namespace_user_id = u.id)),
       more, failures, failed_runs, last_error LIKE 'The run before was stopped%'
FROM quay.maintenance_status WHERE job = 'quota_publish'
SQL

# --- Beside pushes: two sessions that run whatever is due, as often as they can

$node->safe_psql('registry', <<'SQL');
UPDATE quay."user" SET removed_tag_expiration_s = 0 WHERE username = 'fixture_acme';
SELECT quay.autoprune_policy_create('fixture_acme', 'number_of_tags', '20', tag_pattern => '^r\d');
SELECT quay.organization_create('going', 'going@example.com', 'fixture_alice');
SELECT quay.repository_create('going', 'r' || i) FROM generate_series(1, 20) AS i;
SELECT quay.namespace_mark_deletion('going');
SELECT quay.maintenance_set('namespace_purge', batch => 5);
DELETE FROM quay_internal.maintenance_state;
SELECT count(quay.maintenance_reset(j.job)), count(quay.maintenance_set(j.job, every => '1 s')) FROM quay_internal.maintenance_job_list() AS j;
ALTER DATABASE registry SET quay.autoprune_interval = 0;
CALL quay.maintenance_retain();
ALTER DATABASE registry SET quay.gc_grace_period = '1s';
SQL
my $push = <<'SQL';
DO $$
DECLARE
    layer bytea := convert_to('layer %1$s', 'UTF8');
    config text := (SELECT b.content_checksum FROM quay.imagestorage AS b WHERE b.image_size = 127 LIMIT 1);
BEGIN
    PERFORM quay.blob_put('fixture_acme', 'app', 'sha256:' || encode(sha256(layer), 'hex'), layer);
    PERFORM quay.manifest_put('fixture_acme', 'app', convert_to(format(
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%%s","size":127},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%%s","size":%%s}]}',
        config, encode(sha256(layer), 'hex'), length(layer)), 'UTF8'), 'application/vnd.oci.image.manifest.v1+json', ARRAY['%1$s'],
        config => convert_to('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"config":{"Labels":{"vendor":"acme"}}}', 'UTF8'));
END
$$;
SQL
my (@sessions, @out);
for my $client (0 .. 1)
{
	$out[$client] = '';
	push @sessions, psql_start(join('', map { sprintf($push, "r${client}n$_") . "\\echo pushed\n" } 1 .. 300), \$out[$client]);
}
for my $worker (2 .. 3)
{
	$out[$worker] = '';
	push @sessions, psql_start("CALL quay.maintenance('10 s');\nSELECT pg_sleep(0.05);\n" x 150, \$out[$worker]);
}
IPC::Run::finish($_) for @sessions;
is(scalar(() = $out[0] =~ /^pushed$/mg) + (() = $out[1] =~ /^pushed$/mg), 600, 'all pushes were done');
is(join('', map { /^(.*(?:ERROR|WARNING|FATAL).*)$/mg } @out), '', 'nobody met an error');
cmp_ok(eval { my $runs = 0; $runs += $_ for map { /^(\d+)\|/mg } @out[ 2, 3 ]; $runs }, '>', 60, 'and jobs ran meanwhile, again and again');
my $later = $node->safe_psql('registry', "SELECT now() + interval '1 hour'");
$node->safe_psql('registry', "SET quay.clock = '$later'; CALL quay.maintenance('1 min'); CALL quay.maintenance_run('autoprune'); CALL quay.maintenance_run('gc')");
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.tag WHERE name ~ '^r\d+n' AND lifetime_end_ms IS NULL)), '20', 'tags were pruned');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.tag WHERE name ~ '^r\d+n')), '20', 'and what was pruned was collected');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.deletednamespace)), '0', 'what was marked for deletion is gone');
is(problems($node, 'registry'), '', 'the registry is whole');
is($node->safe_psql('registry', 'SELECT job, last_error FROM quay.maintenance_status WHERE failed_runs > 0'), '', 'no job failed');

# --- A standby

$node->backup('one');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'one', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my ($status, $stdout, $stderr) = $standby->psql('registry', "\\set VERBOSITY verbose\nCALL quay.maintenance()");
like($stderr, qr/ERROR:  25006: cannot run maintenance on a standby.*HINT/s, 'a standby refuses to run it');
($status, $stdout, $stderr) = $standby->psql('registry', "\\set VERBOSITY verbose\nCALL quay.maintenance_run('gc')");
like($stderr, qr/ERROR:  25006: /, 'any job');
is($standby->safe_psql('registry', 'SELECT ok IS NOT NULL FROM quay.maintenance_check()'), 't', 'but shows whether it is behind');
is($standby->safe_psql('registry', 'SELECT job, runs, done_total, cursor FROM quay.maintenance_status JOIN quay_internal.maintenance_state USING (job, runs, done_total) ORDER BY job'),
	$node->safe_psql('registry', 'SELECT job, runs, done_total, cursor FROM quay.maintenance_status JOIN quay_internal.maintenance_state USING (job, runs, done_total) ORDER BY job'),
	'how each job is getting on');
like($standby->safe_psql('registry', 'SELECT quay.metric_text()'), qr/^quay_primary 0$/m, 'and the metrics');
$standby->stop;

# --- pg_cron

SKIP:
{
	skip 'there is no pg_cron', 5 unless $node->safe_psql('registry', q(SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'));
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'registry'\ncron.launch_active_jobs = off\n");
	$node->restart;
	($status, $stdout, $stderr) = $node->psql('registry', 'SELECT quay.maintenance_schedule()');
	like($stderr, qr/HINT:  Run CREATE EXTENSION pg_cron\./, 'it says what is missing');
	$node->safe_psql('registry', 'CREATE EXTENSION pg_cron');
	$node->safe_psql('registry', "SELECT quay.maintenance_schedule(); SELECT quay.maintenance_schedule('*/5 * * * *', '2 minutes')");
	my $command = $node->safe_psql('registry', "SELECT command FROM cron.job WHERE jobname = 'quay maintenance' AND schedule = '*/5 * * * *' AND database = 'registry'");
	like($command, qr/^CALL quay\.maintenance\('00:02:00'\)$/, 'one job, with the last schedule');
	like($node->safe_psql('registry', $command), qr/^\d+\|\d+\|0$/, 'its command runs');
	is($node->safe_psql('registry', 'SELECT quay.maintenance_unschedule(), quay.maintenance_unschedule()'), 't|f', 'and it goes again');
	is($node->safe_psql('registry', 'SELECT count(*) FROM cron.job'), '0', 'without a trace');
}

$node->stop;
done_testing();
