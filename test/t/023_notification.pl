# A server that is killed while events are queued and delivered: what was committed is there, each event once, marks and notices of tags that
# will end together. Then what a standby answers, and what a crash leaves of the events of users.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', streaming => 1, conf => "fsync = on\nrestart_after_crash = on\n");
new_database($node, 'registry');
fixture($node, 'registry');
$node->safe_psql('registry', <<'SQL');
DELETE FROM quay.queueitem;
DELETE FROM quay.repositorynotification AS n WHERE NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = n.id);
SELECT quay.repository_notification_create('fixture_acme', 'app', 'build_queued', 'webhook', '{"url": "https://ci.example.com/"}');
SELECT quay.repository_notification_create('fixture_acme', 'app', 'build_start', 'quay_notification', '{"target": {"kind": "user", "name": "fixture_alice"}}');
SELECT quay.repository_notification_create('fixture_acme', 'app', 'repo_image_expiry', 'quay_notification', '{"target": {"kind": "user", "name": "fixture_alice"}}', '{"days": 7}');
-- What the workers of the test have in hand, and what they have done.
CREATE TABLE work (worker integer, item_id bigint PRIMARY KEY, claim text, n text, outcome text);
CREATE FUNCTION take(worker integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO work SELECT take.worker, t.item_id, t.claim, t.event_data ->> 'n' FROM quay.notification_delivery_take(5, 3600) AS t WHERE t.status = 'deliver' $$;
CREATE FUNCTION report(worker integer) RETURNS void LANGUAGE sql AS $$
    UPDATE work AS w SET outcome = quay.notification_delivery_report(w.item_id, w.claim, true) WHERE w.worker = report.worker AND w.outcome IS NULL $$;
CREATE FUNCTION make_tag(name text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, tag_kind_id)
    SELECT make_tag.name, m.repository_id, m.id, quay_internal.clock_ms() - 1000, quay_internal.clock_ms() + 86400000, false, k.id
    FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id, quay.tagkind AS k
    WHERE u.username = 'fixture_acme' AND r.name = 'app' AND k.name = 'tag' LIMIT 1 $$;
SQL

my $spawn = <<'SQL';
BEGIN;
SELECT quay.notification_create('maintenance', 'fixture_acme', '{"n": "%1$s"}');
SELECT quay.notification_spawn('fixture_acme', 'app', 'build_queued', '{"n": "%1$s"}'), quay.notification_spawn('fixture_acme', 'app', 'build_start', '{"n": "%1$s"}');
COMMIT;
\echo did %1$s
SQL
my $work = <<'SQL';
SELECT take(%2$s);
SELECT report(%2$s);
SQL
my $expire = <<'SQL';
SELECT make_tag('%1$s');
SELECT * FROM quay.notification_expiry_run(10);
SQL

my %acknowledged;
for my $round (1 .. 3)
{
	my (@clients, @out);
	for my $client (0 .. 4)
	{
		my $statements = $client < 2 ? $spawn : $client < 4 ? $work : $expire;
		my $script = ($client == 4 ? "SET quay.notification_expiry_interval = 0;\n" : '')
		  . join '', map { sprintf $statements, "r${round}c${client}n$_", $round * 10 + $client } 1 .. 1000;
		$out[$client] = '';
		push @clients, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$script, '>', \$out[$client], '2>', '/dev/null', IPC::Run::timeout(60));
	}
	# Each gets its script only while it is pumped.
	until ($out[0] =~ /n50\n/ && $out[1] =~ /n50\n/)
	{
		IPC::Run::pump_nb($_) for @clients;
		select undef, undef, undef, 0.005;
	}
	if ($round == 2)
	{
		my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
		$node->kill9;
		for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
	}
	else { $node->stop('immediate') }
	for my $client (@clients) { eval { IPC::Run::finish($client) } }
	$acknowledged{$_} = 1 for map { /^did (\S+)$/mg } @out;
	$node->start;
}

sub rows { my %rows; $rows{$_}++ for split /\n/, $node->safe_psql('registry', $_[0]); return \%rows }
my $count = keys %acknowledged;
cmp_ok($count, '>=', 150, "$count transactions were acknowledged before the crashes");

my $created = rows(q(SELECT n.metadata_json::jsonb ->> 'n' FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id WHERE k.name = 'maintenance' AND n.metadata_json ~ '"n"'));
is(join(' ', grep { !$created->{$_} } sort keys %acknowledged), '', 'each notification that was acknowledged is there');
my $events = rows(<<'SQL');
SELECT q.body::jsonb #>> '{event_data,n}' FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/%/build_queued/'
UNION ALL SELECT w.n FROM work AS w WHERE w.outcome = 'done'
SQL
is(join(' ', grep { ($events->{$_} // 0) != 1 } sort keys %$created), '', 'and each event is in the queue or was delivered, once');
is(scalar keys %$events, scalar keys %$created, 'and no other');
cmp_ok($node->safe_psql('registry', q(SELECT count(*) FROM work WHERE outcome = 'done')), '>', 0, 'workers had delivered some');
is($node->safe_psql('registry', q(SELECT count(*) FROM work WHERE outcome <> 'done')), '0', 'and lost none');
my $within = rows(<<'SQL');
SELECT q.body::jsonb #>> '{event_data,n}' FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/%/build_start/'
UNION ALL SELECT n.metadata_json::jsonb ->> 'n' FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id WHERE k.name = 'build_start' AND n.metadata_json ~ '"n"'
SQL
is(join(' ', grep { ($within->{$_} // 0) != 1 } sort keys %$created), '', 'what is told within the registry is told once, or queued');

my $told = <<'SQL';
SELECT t.name FROM quay.queueitem AS q CROSS JOIN LATERAL jsonb_array_elements_text(q.body::jsonb #> '{event_data,tags}') AS t (name)
WHERE q.queue_name LIKE 'notification/%/repo_image_expiry/' AND t.name ~ '^r\d+c\d+n\d+$'
UNION ALL SELECT t.name FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id CROSS JOIN LATERAL jsonb_array_elements_text(n.metadata_json::jsonb -> 'tags') AS t (name)
WHERE k.name = 'repo_image_expiry' AND t.name ~ '^r\d+c\d+n\d+$'
SQL
my $marked = rows(q(SELECT t.name FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id WHERE t.name ~ '^r\d+c\d+n\d+$'));
cmp_ok(scalar keys %$marked, '>', 0, 'notices of tags were given');
is(compare(join("\n", map { "$_ $marked->{$_}" } keys %$marked), join "\n", map { my $t = rows($told); map { "$_ $t->{$_}" } keys %$t } 1), '',
	'a tag is marked if and only if somebody was told, or will be, once');

# --- The rest is delivered, and the rest of the tags told.

$node->safe_psql('registry', q(UPDATE work SET outcome = quay.notification_delivery_report(item_id, claim, true) WHERE outcome IS NULL));
my $left = 1;
while ($left)
{
	$left = $node->safe_psql('registry', q(SET quay.notification_expiry_interval = 0; SELECT coalesce(sum(tags), 0) FROM quay.notification_expiry_run(10)))
	  + $node->safe_psql('registry', q(SELECT count(quay.notification_delivery_report(t.item_id, t.claim, true)) FROM quay.notification_delivery_take(1000) AS t));
}
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.queueitem WHERE queue_name LIKE 'notification/%')), '0', 'nothing is left');
is($node->safe_psql('registry', q(SELECT count(*) - count(DISTINCT n.metadata_json) FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id WHERE k.name = 'build_start' AND n.metadata_json ~ '"n"')), '0',
	'and nobody was told twice');
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.tag AS t WHERE t.name ~ '^r\d+c\d+n\d+$' AND NOT EXISTS (SELECT FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = t.id))), '0', 'each tag was told');

# --- Events of users: a crash empties them; positions go on; a standby has none.

my $position = $node->safe_psql('registry', q(SELECT quay.event_publish('fixture_alice', 'test', '{"n": 1}')));
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.event_read('fixture_alice'))), '1', 'an event of a user');
$node->stop('immediate');
$node->start;
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.event_read('fixture_alice'))), '0', 'is gone after a crash');
cmp_ok($node->safe_psql('registry', q(SELECT quay.event_publish('fixture_alice', 'test', '{"n": 2}'))), '>', $position, 'the next one has a later position');
is($node->safe_psql('registry', "SELECT data FROM quay.event_read('fixture_alice', after => $position)"), '{"n": 2}', 'so a reader goes on');
$node->restart;
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.event_read('fixture_alice'))), '1', 'a restart keeps it');

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
is($standby->safe_psql('registry', q(SELECT count(*) FROM quay.event_read('fixture_alice'))), '0', 'a standby has no events of users');
is($standby->safe_psql('registry', q(SELECT quay.event_position('fixture_alice'))), '0', 'and no position');
for my $read (q(SELECT count(*), max(notification_id) FROM quay.notification_list('fixture_alice', n => 100000)),
	q(SELECT count(*) FROM quay.notification_list('fixture_alice', kinds => '{build_start}', include_dismissed => true, n => 7)),
	q(SELECT kind, target, metadata FROM quay.notification_get('fixture_alice', (SELECT max(uuid) FROM quay.notification_list('fixture_alice')))),
	q(SELECT quay.notification_exists('fixture_alice', 'build_start', '{"name": "app"}')),
	q(SELECT event, method, config, enabled FROM quay.repository_notification_list('fixture_acme', 'app')),
	q(SELECT quay.webhook_check('https://ci.example.com/')), q(SELECT count(*) FROM quay.namespace_notification_list('fixture_acme')))
{
	is($standby->safe_psql('registry', $read), $node->safe_psql('registry', $read), "the same on a standby: $read");
}

$standby->stop;
$node->stop;
done_testing();
