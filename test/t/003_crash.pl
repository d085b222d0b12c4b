# A server that is killed while clients push: whatever was acknowledged is there, and whole; nothing is there by halves.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main', conf => "fsync = on\nrestart_after_crash = on\n");
new_database($node, 'registry');
fixture($node, 'registry');

# Each client pushes images that share a configuration and have a layer of their own, and prints the tag once the commit is acknowledged.
my $push = <<'SQL';
DO $$
DECLARE
    layer bytea := convert_to('layer %1$s', 'UTF8');
    upload text := (SELECT u.upload FROM quay.upload_start('fixture_acme', 'app') AS u);
    config text := (SELECT b.content_checksum FROM quay.imagestorage AS b WHERE b.image_size = 127 LIMIT 1);
BEGIN
    PERFORM quay.upload_append('fixture_acme', 'app', upload, layer);
    PERFORM quay.upload_finish('fixture_acme', 'app', upload, 'sha256:' || encode(sha256(layer), 'hex'));
    PERFORM quay.manifest_put('fixture_acme', 'app', convert_to(format(
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%%s","size":127},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%%s","size":%%s}]}',
        config, encode(sha256(layer), 'hex'), length(layer)), 'UTF8'), 'application/vnd.oci.image.manifest.v1+json', ARRAY['%1$s'],
        config => convert_to('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"config":{"Labels":{"vendor":"acme"}}}', 'UTF8'));
END
$$;
\echo pushed %1$s
SQL

my %acknowledged;
for my $round (1 .. 3)
{
	my (@clients, @out);
	for my $client (0 .. 2)
	{
		my $script = join '', map { sprintf $push, "r${round}c${client}n$_" } 1 .. 400;
		$out[$client] = '';
		push @clients, IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$script, '>', \$out[$client], '2>', '/dev/null', IPC::Run::timeout(60));
	}
	IPC::Run::pump($clients[0]) until $out[0] =~ /n20\n/;
	if ($round == 2)
	{
		my ($postmaster) = slurp_text($node->data_dir . '/postmaster.pid') =~ /^(\d+)$/m;
		$node->kill9;
		for (1 .. 100) { last unless kill 0, $postmaster; select undef, undef, undef, 0.1 }
	}
	else { $node->stop('immediate') }
	for my $client (@clients) { eval { IPC::Run::finish($client) } }
	$acknowledged{$_} = 1 for map { /^pushed (\S+)$/mg } @out;
	$node->start;
}

my $count = keys %acknowledged;
cmp_ok($count, '>=', 60, "$count pushes were acknowledged before the crashes");
my %there = map { $_ => 1 } split /\n/, $node->safe_psql('registry', q(SELECT name FROM quay.tag WHERE name ~ '^r\d+c\d+n\d+$' AND lifetime_end_ms IS NULL));
is(join(' ', grep { !$there{$_} } sort keys %acknowledged), '', 'each of them is there');
is($node->safe_psql('registry', <<'SQL'), '', 'every tag that is there has its manifest, blobs, labels, scan row and audit row');
SELECT t.name FROM quay.tag AS t
WHERE t.name ~ '^r\d+c\d+n\d+$' AND NOT (
    EXISTS (SELECT FROM quay.manifest AS m WHERE m.id = t.manifest_id AND 'sha256:' || encode(sha256(convert_to(m.manifest_bytes, 'UTF8')), 'hex') = m.digest)
    AND (SELECT count(*) FROM quay.manifestblob AS b WHERE b.manifest_id = t.manifest_id) = 2
    AND EXISTS (SELECT FROM quay.manifestlabel AS l WHERE l.manifest_id = t.manifest_id)
    AND EXISTS (SELECT FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = t.manifest_id)
    AND EXISTS (SELECT FROM quay.logentry3 AS e WHERE e.metadata_json LIKE '%' || t.name || '%'))
SQL
is($node->safe_psql('registry', <<'SQL'), '0', 'there is no manifest without a tag');
SELECT count(*) FROM quay.manifest AS m
WHERE m.config_media_type = 'application/vnd.oci.image.config.v1+json' AND NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = m.id)
SQL
is($node->safe_psql('registry', q(SELECT count(*) FROM quay.blobupload WHERE uuid !~ 'fixture')), '0', 'and no upload that nobody finishes');
is($node->safe_psql('registry', q(SELECT count(*) FROM (SELECT FROM quay.tag WHERE lifetime_end_ms IS NULL AND NOT hidden GROUP BY repository_id, name HAVING count(*) > 1) AS d)), '0', 'each name has one live tag');

$node->stop;
done_testing();
