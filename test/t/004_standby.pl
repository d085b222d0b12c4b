# A streaming replica answers all reads and logs people in, without a write; what the primary commits shows there, also in warm caches.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $primary = new_node('primary', streaming => 1);
new_database($primary, 'registry');
fixture($primary, 'registry');
$primary->safe_psql('registry', slurp_text($_)) for sort glob source_folder() . '/test/upgrade/fixture-*.sql';
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

sub caught_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')) }
caught_up();

my @reads = (
	q(SELECT digest, media_type, size FROM quay.tag_resolve('fixture_acme', 'app', 'v1')),
	q(SELECT digest, length(manifest) FROM quay.manifest_get('fixture_acme', 'app', 'v1')),
	q(SELECT status, digest FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1')),
	q(SELECT quay.access_check('fixture_alice', 'fixture_acme', 'app', 'admin')),
	q(SELECT * FROM quay.access_explain('fixture_alice', 'fixture_acme', 'app', 'read')),
	q(SELECT quay.access_check_namespace('fixture_alice', 'fixture_acme', 'admin'), quay.access_check_team('fixture_alice', 'fixture_acme', 'dev')),
	q(SELECT quay.access_filter_many('fixture_alice', array_agg(id ORDER BY id)) FROM quay.repository),
	q(SELECT namespace, name, can_write, can_admin FROM quay.repository_list_visible('fixture_alice')),
	q(SELECT namespace, name FROM quay.repository_search('app', 'fixture_alice')),
	q(SELECT kind, name FROM quay.search_all('fixture', 'fixture_alice')),
	q(SELECT username FROM quay.user_list()),
	q(SELECT team_name FROM quay.user_team_list('fixture_alice')),
	q(SELECT grantee FROM quay.permission_list('fixture_acme', 'app')),
	q(SELECT username FROM quay.robot_list('fixture_acme')),
	q(SELECT actor FROM quay.actor_resolve('user', (SELECT uuid FROM quay."user" WHERE username = 'fixture_alice'))),
	q(SELECT ok FROM quay.health_check()),
	q(SELECT name, digest FROM quay.tag_list('fixture_acme', 'app')),
	q(SELECT * FROM quay.tag_history('fixture_acme', 'app')),
	q(SELECT * FROM quay.catalog('fixture_alice')),
	q(SELECT * FROM quay.label_list('fixture_acme', 'app', 'v1')),
	q(SELECT * FROM quay.blob_find('fixture_acme', 'app', (SELECT content_checksum FROM quay.imagestorage WHERE image_size = 5))),
	q(SELECT * FROM quay.referrer_list('fixture_acme', 'app', (SELECT digest FROM quay.tag_resolve('fixture_acme', 'app', 'v1')))),
	q(SELECT kind, actor, error FROM quay.authenticate('fixture_alice', 'correct-horse-battery')),
	q(SELECT kind, actor, error FROM quay.authenticate('fixture_acme+ci', (SELECT quay_internal.field_decrypt(t.token)
	  FROM quay.robotaccounttoken AS t JOIN quay."user" AS u ON u.id = t.robot_account_id WHERE u.username = 'fixture_acme+ci'))),
	q(SELECT id, docker_image_id FROM quay.image),
	q(SELECT * FROM quay.tagmanifest ORDER BY id),
	q(SELECT * FROM quay.organizationmember ORDER BY id),
	q(SELECT * FROM quay.tag_find('fixture_lab', 'app', 'v1')),
	q(SELECT name, lifetime_end_ms, immutable FROM quay.tag_list('fixture_lab', 'app')),
	q(SELECT * FROM quay.tag_history('fixture_lab', 'app')),
	q(SELECT * FROM quay.tag_restorable_list('fixture_lab', 'app')),
	q(SELECT * FROM quay.tag_expiring_list('fixture_lab', 'app', interval '100 years')),
	q(SELECT * FROM quay.tag_deletion_frees('fixture_lab', 'app', ARRAY['v2'])),
	q(SELECT status, digest, index_digest FROM quay.manifest_select('fixture_lab', 'app', 'multi')),
	q(SELECT position, digest, present FROM quay.manifest_children('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'multi')))),
	q(SELECT * FROM quay.manifest_layers('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1')))),
	q(SELECT * FROM quay.manifest_blobs('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1'))) ORDER BY digest),
	q(SELECT * FROM quay.manifest_tag_list('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1')))),
	q(SELECT * FROM quay.referrer_list('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1')))),
	q(SELECT * FROM quay.label_list('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1')))),
	q(SELECT * FROM quay.upload_status('fixture_lab', 'app', 'fixture-1.2')),
	q(SELECT * FROM quay.autoprune_policy_list('fixture_lab')),
	q(SELECT * FROM quay.autoprune_preview('fixture_lab')),
	q(SELECT * FROM quay.immutability_policy_list('fixture_lab', 'tool')),
	q(SELECT * FROM quay.immutability_explain('fixture_lab', 'tool', 'v1')),
	q(SELECT * FROM quay.quota_get('fixture_lab')),
	q(SELECT * FROM quay.quota_check('fixture_full', 100)),
	q(SELECT * FROM quay.quota_limit_list('fixture_lab')),
	q(SELECT * FROM quay.mirror_get('fixture_lab', 'copy')),
	q(SELECT * FROM quay.mirror_credentials('fixture_lab', 'copy')),
	q(SELECT * FROM quay.org_mirror_get('fixture_copies')),
	q(SELECT * FROM quay.org_mirror_repository_list('fixture_copies')),
	q(SELECT * FROM quay.proxy_cache_credentials('fixture_proxy')),
	q(SELECT * FROM quay.proxy_tag_state('fixture_proxy', 'app', 'latest')),
	q(SELECT * FROM quay.scan_counts() ORDER BY 1),
	q(SELECT * FROM quay.scan_get('fixture_lab', 'app', (SELECT digest FROM quay.tag_resolve('fixture_lab', 'app', 'v1')))),
	q(SELECT * FROM quay.pull_statistics_get('fixture_lab', 'app', 'v1')),
	q(SELECT * FROM quay.registry_size()),
	q(SELECT * FROM quay.gc_status()),
	q(SELECT * FROM quay.gc_preview('fixture_lab')),
	q(SELECT * FROM quay.registry_check() ORDER BY 1, 3, 4),
	q(SELECT queue_name, running, available, waiting, dead FROM quay.queue_metrics()),
	q(SELECT q.state, quay.queue_alive('notification', q.path) FROM quay.queueitem AS i CROSS JOIN LATERAL quay.queue_item_get(i.id) AS q ORDER BY i.id),
	q(SELECT quay.version()),
);
for my $read (@reads)
{
	my ($there, $error) = ('', '');
	$standby->psql('registry', $read, stdout => \$there, stderr => \$error);
	is("$there$error", $primary->safe_psql('registry', $read), $read =~ s/\s+/ /gr);
}
is($standby->safe_psql('registry', q(SELECT kind, error IS NOT NULL FROM quay.authenticate('fixture_alice', 'wrong'))), 'user|t', 'a wrong password is refused');

my $error = '';
isnt($standby->psql('registry', q(SELECT quay.repository_create('fixture_acme', 'other', 'fixture_alice')), stderr => \$error), 0, 'a write is refused');
like($error, qr/read-only transaction/, 'because the server is read-only');

# One session, its caches warm, before and after a change on the primary.
my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-h', $standby->host, '-p', $standby->port, 'registry' ], '<', \$in, '>', \$out, '2>&1', IPC::Run::timeout(60));
my $may = q(SELECT 'may ' || quay.access_check('fixture_acme+ci', 'fixture_acme', 'app', 'read');) . "\n";
$in .= $may;
IPC::Run::pump($session) until $out =~ /may \w+\n/;
is($out, "may false\n", 'the robot may not read');
$primary->safe_psql('registry', q(SELECT quay.permission_set('fixture_acme', 'app', 'user', 'fixture_acme+ci', 'read')));
caught_up();
$out = '';
$in .= $may;
IPC::Run::pump($session) until $out =~ /may \w+\n/;
is($out, "may true\n", 'and may once the primary has said so');

# The session remembers the namespace and the repository by now.
for my $enabled ('false', 'true')
{
	$primary->safe_psql('registry', qq(UPDATE quay."user" SET enabled = $enabled WHERE username = 'fixture_acme'));
	caught_up();
	$out = '';
	$in .= $may;
	IPC::Run::pump($session) until $out =~ /may \w+\n/;
	is($out, "may $enabled\n", "namespace enabled on the primary: $enabled");
}
$in .= "\\q\n";
IPC::Run::finish($session);

$standby->promote;
is($standby->safe_psql('registry', q(SELECT quay.repository_create('fixture_acme', 'other', 'fixture_alice') > 0)), 't', 'promoted, it takes writes');
$standby->stop;
$primary->stop;
done_testing();
