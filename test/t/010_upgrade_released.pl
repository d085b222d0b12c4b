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
my @versions = releases($node);
cmp_ok(scalar @versions, '>=', 2, "versions: @versions");

sub update { return "ALTER EXTENSION quay UPDATE TO '$_[0]'" }
sub clone { my ($from, $to) = @_; $node->safe_psql('postgres', "CREATE DATABASE $to TEMPLATE $from") }

# The complaints of a restore into a new database. A dump of an older version needs that version there; CREATE EXTENSION has made the schema
# then, which is no member of it.
sub restore
{
	my ($version, $from, $to) = @_;
	return dump_into($node, $from, $to) if $version eq $versions[-1];
	my $complaint = dump_into($node, $from, $to, before => "CREATE EXTENSION quay VERSION '$version'");
	return $complaint =~ s/\A.*schema "quay" already exists\n.*CREATE SCHEMA quay;\n\n\n.*ignored on restore: 1\n\z//r;
}

# What follows from the rows, which 1.2 keeps, is right.
sub derived_ok
{
	my ($version, $database, $what) = @_;
	is(problems($node, $database), '', $what) if $version !~ /^1\.[01]$/;
}

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
	$node->safe_psql($name, slurp_text($_)) for grep { -f } map { "$source/test/upgrade/fixture-$_.sql" } @versions[ 1 .. $i - 1 ];
	my $rows = row_checksums($node, $name);
	my $behaviour = run_file($node, $name, $check);

	$node->safe_psql($name, update($new));
	is(compare($fresh{$new}, snapshot($node, $name)), '', "$old to $new = fresh $new, by catalog");
	is(compare($behaviour, run_file($node, $name, $check)), '', 'it behaves as before');
	is($node->safe_psql($name, 'SELECT quay.version()'), $new, 'its rows say so');
	is(restore($new, $name, "${name}_restored"), '', 'its dump restores');
	is(compare($fresh{$new}, snapshot($node, "${name}_restored")), '', 'to the same catalog');
	is(compare(row_checksums($node, $name), row_checksums($node, "${name}_restored")), '', 'and the same rows');
	derived_ok($new, $name, 'sizes and reviews are right');
	derived_ok($new, "${name}_restored", 'also in the restored one');
	is(compare(sizes($node, $name), sizes($node, "${name}_restored")), '', 'where rows came one by one') if $new !~ /^1\.[01]$/;

	clone($name, "${name}_back");
	$node->safe_psql("${name}_back", update($old));
	is(compare($fresh{$old}, snapshot($node, "${name}_back")), '', "back to $old = fresh $old, by catalog");
	is(compare($rows, row_checksums($node, "${name}_back")), '', 'with the rows of before');
	is(compare($behaviour, run_file($node, "${name}_back", $check)), '', 'and the behaviour');
	$node->safe_psql("${name}_back", update($new));
	is(compare($fresh{$new}, snapshot($node, "${name}_back")), '', 'and up again');
	derived_ok($new, "${name}_back", 'with sizes and reviews');

	# Rows that only the new version makes.
	my $fixture = "$source/test/upgrade/fixture-$new.sql";
	next unless -f $fixture;
	$node->safe_psql($name, slurp_text($fixture));
	my $before = row_checksums($node, $name);
	my $stderr = '';
	isnt($node->psql($name, "\\set VERBOSITY verbose\n" . update($old), stderr => \$stderr), 0, 'a downgrade that would lose rows is refused');
	like($stderr, qr/QY092/, 'with its code');
	is(compare($before, row_checksums($node, $name)), '', 'and changes nothing');
	is(restore($new, $name, "${name}_full"), '', 'the dump of such a registry restores');
	is(compare($before, row_checksums($node, "${name}_full")), '', 'with all rows');
	$node->safe_psql($name, 'SET quay.allow_lossy_downgrade = on; ' . update($old));
	is(compare($fresh{$old}, snapshot($node, $name)), '', 'allowed, it ends in the old version');
	is(compare($behaviour, run_file($node, $name, $check)), '', 'which works on these rows');
	$node->safe_psql($name, update($new));
	is(compare($fresh{$new}, snapshot($node, $name)), '', 'and up again');
	derived_ok($new, $name, 'with sizes and reviews');
	next if $new =~ /^1\.[01]$/;
	# 1.1 has no reservations to keep.
	my ($then, $now) = map { sizes($node, $_) =~ s/^reserved.*\n//mgr } "${name}_full", $name;
	is(compare($then, $now), '', 'which are those of before');
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
is(restore('1.1', 'loose', 'loose_restored'), '', 'and a dump restores');

# --- 1.1 to 1.2: sizes and garbage that 1.1 left uncounted

new_database($node, 'content', '1.1');
fixture($node, 'content');
$node->safe_psql('content', <<'SQL');
SET quay.clock = '2026-03-04 05:06:07+00';
SELECT quay.repository_create('fixture_acme', 'fork', 'fixture_alice'), quay.repository_create('fixture_acme', 'waste', 'fixture_alice'),
       quay.repository_create('fixture_acme', 'late', 'fixture_alice');
SELECT quay.blob_mount('fixture_acme', r, b.content_checksum, 'fixture_acme', 'app') FROM quay.imagestorage AS b, unnest(ARRAY['fork', 'late']) AS r;
SELECT m.digest FROM quay.manifest_get('fixture_acme', 'app', 'v1') AS g
CROSS JOIN LATERAL quay.manifest_put('fixture_acme', 'fork', g.manifest, tags => ARRAY['same', 'ended', 'ends']) AS m;
SELECT quay.tag_delete('fixture_acme', 'fork', 'ended');
SELECT quay.tag_set('fixture_acme', 'fork', 'ends', 'ends', expiration => '2099-01-01');
-- A manifest that was pushed without a tag, whose temporary tag somebody deleted; a blob and a label that nothing uses.
SELECT digest FROM quay.manifest_put('fixture_acme', 'waste', '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}');
DELETE FROM quay.tag AS t USING quay.repository AS r WHERE r.id = t.repository_id AND r.name = 'waste';
INSERT INTO quay.imagestorage (uuid, image_size, cas_path, content_checksum) VALUES ('waste', 1000, true, 'sha256:' || repeat('0', 64));
INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id)
SELECT 'waste', 'waste', '', m.id, s.id FROM quay.mediatype AS m, quay.labelsourcetype AS s WHERE m.name = 'text/plain' AND s.name = 'api';
INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry, expiration_s, insecure)
SELECT u.id, now(), 'docker.io', 86400, false FROM quay."user" AS u, generate_series(1, 2) WHERE u.username = 'fixture_acme';
SQL
$before = row_checksums($node, 'content');
isnt($node->psql('content', "\\set VERBOSITY verbose\n" . update('1.2'), stderr => \$stderr), 0, 'two proxy caches of one organization stop the update');
like($stderr, qr/QY093.*quay\.proxycacheconfig.*"fixture_acme"/s, 'which says whose they are');
is(compare($before, row_checksums($node, 'content')), '', 'and changes nothing');
$node->safe_psql('content', q(DELETE FROM quay.proxycacheconfig AS c USING quay."user" AS u WHERE u.id = c.organization_id AND u.username = 'fixture_acme'));
isnt($node->psql('content', "\\set VERBOSITY verbose\nBEGIN ISOLATION LEVEL REPEATABLE READ; " . update('1.2'), stderr => \$stderr), 0, 'so does a snapshot from before');
like($stderr, qr/55000.*sees the past/s, 'in which a push would be missed');

# A push is under way: the update waits for it, and counts it.
my ($push_in, $push_out) = ('', '');
my $push = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'content' ], '<', \$push_in, '>', \$push_out, '2>&1', IPC::Run::timer(60));
$push_in .= <<'SQL';
BEGIN;
SELECT 'pushed ' || count(*) FROM quay.manifest_get('fixture_acme', 'app', 'v1') AS g CROSS JOIN LATERAL quay.manifest_put('fixture_acme', 'late', g.manifest, tags => ARRAY['late']);
SQL
IPC::Run::pump($push) until $push_out =~ /pushed 1\n|ERROR/;
my $update_out = '';
my $updating = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-c', 'SET quay.gc_grace_period = 1800', '-c', update('1.2'), 'content' ],
	'>', \$update_out, '2>&1', IPC::Run::timer(60));
ok($node->poll_query_until('content', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE TO%' AND pid <> pg_backend_pid())), 'the update waits for a push');
$push_in .= "COMMIT;\n\\q\n";
IPC::Run::finish($push);
IPC::Run::finish($updating);
is($update_out, '', 'and goes on after it');
is(problems($node, 'content'), '', 'what 1.1 left is counted, and its garbage is to be looked at');
is($node->safe_psql('content', <<'SQL'), "app|132\nfork|132\nlate|132\n|132\n|1132", 'a blob counts once in a repository, in a namespace and in the registry');
SELECT r.name, quay_internal.size_of(u.id, r.id) FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
WHERE u.username = 'fixture_acme' AND r.name IN ('app', 'fork', 'late')
UNION ALL
SELECT NULL, quay_internal.size_of(u.id) FROM quay."user" AS u WHERE u.username = 'fixture_acme'
UNION ALL
SELECT NULL, quay_internal.size_of(0) FROM quay."user" AS u WHERE u.username = 'fixture_acme'
SQL
is($node->safe_psql('content', <<'SQL'), "ended|t|ended\nends|f|review\nends|t|ended\nsame|f|", 'tags that have ended are marked, and those with an end are due two weeks after it');
SELECT t.name, t.ended,
       CASE WHEN v.due_ms = t.lifetime_end_ms + 14 * 86400000 THEN CASE WHEN v.due_ms < quay_internal.clock_ms() THEN 'ended' ELSE 'review' END END
FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id
LEFT JOIN quay_internal.gc_review AS v ON v.kind = 't' AND v.object_id = t.id
WHERE r.name = 'fork' ORDER BY 1, 2
SQL
is($node->safe_psql('content', <<'SQL'), "b|1|t\nl|1|t\nm|1|t", 'what nothing holds is due after quay.gc_grace_period');
SELECT v.kind, count(*), bool_and(v.due_ms BETWEEN quay_internal.clock_ms() + 1200000 AND quay_internal.clock_ms() + 1800000)
FROM quay_internal.gc_review AS v WHERE v.kind <> 't' GROUP BY v.kind ORDER BY v.kind
SQL
$node->safe_psql('content', q(SET quay.clock = '2098-01-01 00:00:00+00'; CALL quay.gc_run_all()));
is($node->safe_psql('content', <<'SQL'), "ends|f\nsame|f", 'the collector finds it all');
SELECT t.name, t.ended FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id WHERE r.name IN ('fork', 'waste') ORDER BY 1
SQL
is($node->safe_psql('content', <<'SQL'), '0|0|1|0', 'manifest, label and blob');
SELECT (SELECT count(*) FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id WHERE r.name = 'waste'),
       (SELECT count(*) FROM quay.label WHERE uuid = 'waste'),
       (SELECT count(*) FROM quay_internal.blob_deletion AS d JOIN quay.imagestorage AS b ON b.id = d.blob_id WHERE b.uuid = 'waste'),
       (SELECT count(*) FROM quay_internal.gc_review WHERE due_ms < 4039372800000)
SQL

# A client that deletes bytes stops the downgrade. When its time is over nobody believes in them any more.
my $digest = $node->safe_psql('content', q(SELECT content_checksum FROM quay.imagestorage WHERE uuid = 'waste'));
$node->safe_psql('content', qq(SELECT quay.blob_placement_add('$digest', 'local')));
is($node->safe_psql('content', q(SET quay.clock = '2098-01-02 00:00:00+00'; SELECT size FROM quay.gc_storage_take(10, 60))), '1000', 'a client deletes the bytes of a blob');
my $placements = q(SELECT count(*) FROM quay.imagestorageplacement AS p JOIN quay.imagestorage AS b ON b.id = p.storage_id WHERE b.uuid = 'waste');
isnt($node->psql('content', "\\set VERBOSITY verbose\nSET quay.clock = '2098-01-02 00:00:59+00'; " . update('1.1'), stderr => \$stderr), 0, 'a downgrade in which it cannot be seen is refused');
like($stderr, qr/QY092.*delete the bytes of blobs/s, 'and says so');
is($node->safe_psql('content', $placements), '1', 'the bytes may be there');
$node->safe_psql('content', q(SET quay.clock = '2098-01-02 00:01:00+00'; ) . update('1.1'));
is($node->safe_psql('content', $placements), '0', 'after it the blob is known, but nowhere');
is(compare($fresh{'1.1'}, snapshot($node, 'content')), '', 'in a catalog of 1.1');

$node->stop;
done_testing();
