# Eight sessions push, mount, move, delete, restore, prune and collect at random while backends are killed, two of them so that the server
# restarts. Afterwards the registry keeps all its rules, each blob that a manifest refers to has its bytes, and all sizes are exact.
#
# QUAY_CHAOS_SECONDS: how long, 120 unless given. QUAY_CHAOS_SEED: to repeat the choices of a run (not its timing).
use strict;
use warnings;
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use IPC::Run;
use POSIX ();
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{QUAY_CHAOS_SECONDS} // 120;
my $seed = $ENV{QUAY_CHAOS_SEED} // int(time);
my $store = tempdir(CLEANUP => 1);
note("seed $seed");

my $node = new_node('main', conf => <<'CONF');
restart_after_crash = on
max_connections = 60
quay.upload_expiration = 3
quay.temporary_tag_expiration = 1
quay.gc_grace_period = 0
quay.permanently_delete_tags = on
quay.autoprune_interval = 0
deadlock_timeout = 200ms
CONF
new_database($node, 'registry');

my @namespaces = qw(alpha beta gamma);
my @repositories = map { my $n = $_; map { [ $n, $_ ] } qw(app web) } @namespaces;
my $limit = 400_000;    # of gamma: some pushes reach it
$node->safe_psql('registry', <<"SQL");
INSERT INTO quay.imagestoragelocation (name) SELECT 'local' WHERE NOT EXISTS (SELECT FROM quay.imagestoragelocation WHERE name = 'local');
SELECT quay.user_create('root', 'correct-horse', 'root\@chaos.example');
SELECT quay.organization_create(n, NULL, 'root') FROM unnest('{@{[ join ',', @namespaces ]}}'::text[]) AS n;
UPDATE quay."user" SET removed_tag_expiration_s = CASE username WHEN 'alpha' THEN 0 ELSE 2 END WHERE organization;
SELECT quay.repository_create(n, r, 'root') FROM unnest('{@{[ join ',', @namespaces ]}}'::text[]) AS n, unnest('{app,web}'::text[]) AS r;
INSERT INTO quay.userorganizationquota (namespace_id, limit_bytes) SELECT id, $limit FROM quay."user" WHERE username = 'gamma';
INSERT INTO quay.quotalimits (quota_id, quota_type_id, percent_of_limit)
SELECT q.id, t.id, 100 FROM quay.userorganizationquota AS q, quay.quotatype AS t WHERE t.name = 'Reject';

-- Blob k of kind: the bytes are the text, repeated, so that anybody can make them.
CREATE FUNCTION blob_bytes(name text) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN convert_to(repeat(name || ' ', 100 + length(name) * 50), 'UTF8');
CREATE FUNCTION digest(data bytea) RETURNS text LANGUAGE sql IMMUTABLE RETURN 'sha256:' || encode(sha256(data), 'hex');
CREATE FUNCTION image(names text[]) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN convert_to(format(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[%s]}',
    digest(blob_bytes(names[1])), length(blob_bytes(names[1])),
    (SELECT string_agg(format('{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"%s","size":%s}',
                              digest(blob_bytes(n)), length(blob_bytes(n))), ',') FROM unnest(names[2:]) AS n)), 'UTF8');
CREATE FUNCTION image_index(children bytea[]) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN convert_to(format(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
    (SELECT string_agg(format('{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"%s","size":%s}', digest(c), length(c)), ',')
     FROM unnest(children) AS c)), 'UTF8');
SQL

# --- One session: a script per operation, so that it survives that its backend is killed.

sub one_of { return $_[ int rand @_ ] }

# SQLSTATEs that an operation may meet: what a client answers for itself, and what a killed backend leaves.
my %expected = map { $_ => 1 } qw(QY033 QY034 QY035 QY042 QY050 QY055 QY056 57P01 57P02 57P03 08006 08000 08003);

sub psql
{
	my ($script) = @_;
	my ($out, $err) = ('', '');
	my $ok = eval {
		IPC::Run::run([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-h', $node->host, '-p', $node->port, 'registry' ],
			'<', \$script, '>', \$out, '2>', \$err, IPC::Run::timeout(30));
	};
	return ($ok, $out, $err);
}

sub names
{
	my $image = int rand 40;
	# A base that all share, one that a few share, layers of its own.
	return ("config $image", 'base', 'base ' . $image % 4, map { "layer $image $_" } 1 .. 1 + $image % 3);
}

sub literal { return 'ARRAY[' . join(',', map { "'$_'" } @_) . ']::text[]' }

# The bytes are in the store before the transaction that makes them a blob commits.
sub upload
{
	my ($ns, $repo, $name) = @_;
	return <<"SQL";
SELECT digest(blob_bytes('$name')) AS digest, EXISTS (SELECT FROM quay.blob_find('$ns', '$repo', digest(blob_bytes('$name')))) AS there \\gset
\\if :there
\\else
SELECT upload FROM quay.upload_start('$ns', '$repo') \\gset
SELECT quay.upload_append('$ns', '$repo', :'upload', blob_bytes('$name'));
BEGIN;
SELECT path, existed FROM quay.upload_finish('$ns', '$repo', :'upload', :'digest') \\gset
\\setenv BLOB :path
\\! mkdir -p "$store/\$(dirname "\$BLOB")" && echo '$name' > "$store/\$BLOB"
COMMIT;
\\endif
SQL
}

my %operation = (
	push => sub {
		my ($ns, $repo) = @_;
		my @names = names();
		return join('', map { upload($ns, $repo, $_) } @names)
		  . "SELECT quay.manifest_put('$ns', '$repo', image(" . literal(@names) . '), tags => ' . literal(map { 't' . int rand 8 } 0 .. rand 3) . ", actor => 'root');\n";
	},
	index => sub {
		my ($ns, $repo) = @_;
		my @images = map { [ names() ] } 1 .. 2;
		return join('', map { upload($ns, $repo, $_) } map { @$_ } @images)
		  . join('', map { "SELECT quay.manifest_put('$ns', '$repo', image(" . literal(@$_) . "));\n" } @images)
		  . "SELECT quay.manifest_put('$ns', '$repo', image_index(ARRAY[" . join(',', map { 'image(' . literal(@$_) . ')' } @images) . "]), tags => ARRAY['i" . int(rand 3) . "']);\n";
	},
	mount => sub {
		my ($ns, $repo) = @_;
		my @names = names();
		my ($from_ns, $from_repo) = @{ one_of(@repositories) };
		return join('', map { "SELECT quay.blob_mount('$ns', '$repo', digest(blob_bytes('$_')), '$from_ns', '$from_repo');\n" } @names)
		  . "SELECT quay.manifest_put('$ns', '$repo', image(" . literal(@names) . "), tags => ARRAY['m" . int(rand 4) . "']);\n";
	},
	retag => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.tag_set('$ns', '$repo', 't" . int(rand 8) . "', 't" . int(rand 8) . "');\n";
	},
	delete => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.tag_delete('$ns', '$repo', name) FROM (SELECT name FROM quay.tag_list('$ns', '$repo') ORDER BY random() LIMIT 2) AS t;\n";
	},
	delete_manifest => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.manifest_delete('$ns', '$repo', (SELECT digest FROM quay.tag_list('$ns', '$repo') ORDER BY random() LIMIT 1));\n";
	},
	delete_permanently => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.tag_delete_permanently('$ns', '$repo', name) FROM (SELECT name FROM quay.tag_list('$ns', '$repo') ORDER BY random() LIMIT 1) AS t;\n";
	},
	restore => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.tag_restore('$ns', '$repo', 't" . int(rand 8) . "');\n";
	},
	expire => sub {
		my ($ns, $repo) = @_;
		return "SELECT quay.tag_set('$ns', '$repo', 'e" . int(rand 3) . "', 't" . int(rand 8) . "', expiration => now() + interval '1 s');\n";
	},
	prune => sub {
		my ($ns) = @_;
		return "SELECT quay.autoprune_run('$ns');\n";
	},
	collect => sub { return "SELECT quay.gc_run(" . one_of(5, 50, 200) . ");\n" },
	collect_storage => sub {
		my $lease = 10;
		return <<"SQL";
SELECT coalesce((array_agg(lease))[1]::text, '') AS lease, coalesce(string_agg('"$store/' || path || '"', ' '), '') AS paths FROM quay.gc_storage_take(20, $lease) \\gset
\\setenv PATHS :paths
\\! eval rm -f \$PATHS
SELECT quay.gc_storage_confirm(nullif(:'lease', '')::uuid);
SQL
	},
	reap => sub { return "DELETE FROM quay.blobupload WHERE created < now() AT TIME ZONE 'UTC' - interval '10 s';\n" },
);
my @chances = (('push') x 8, ('index') x 2, ('mount') x 2, ('retag') x 3, ('delete') x 3, 'delete_manifest', 'delete_permanently',
	('restore') x 2, 'expire', 'prune', ('collect') x 5, ('collect_storage') x 3, 'reap');

sub worker
{
	my ($number, $until, $log) = @_;
	srand($seed * 100 + $number);
	open my $out, '>', $log or die;
	$out->autoflush(1);
	while (time < $until)
	{
		my $what = one_of(@chances);
		my ($ok, undef, $err) = psql($operation{$what}->(@{ one_of(@repositories) }));
		my ($state) = $err =~ /(?:ERROR|FATAL|PANIC):  (\w{5}):/;
		$state //= '57P02' if $err =~ /WARNING:  57P02:/;    # of a crash, if the connection is gone before the error
		$state //= '08006' if $err =~ /server closed the connection|could not connect|connection to server/;
		print $out "$what " . ($err eq '' ? 'ok' : $state // 'unknown') . "\n";
		print $out "unexpected $what: " . $err =~ s/\n/ /gr . "\n" if $err ne '' && !$expected{ $state // '' };
		sleep 0.2 if ($state // '') =~ /^(?:08|57)/;
	}
	close $out;
}

my $until = time + $seconds;
my (@children, @logs);
for my $number (1 .. 8)
{
	my $log = "$store/worker$number.log";
	push @logs, $log;
	my $pid = fork // die;
	if ($pid == 0)
	{
		eval { worker($number, $until, $log) };
		POSIX::_exit(0);    # no END blocks: they would stop the server
	}
	push @children, $pid;
}

# --- Backends die meanwhile: often by request, twice by force.

my @forced = map { $until - $seconds * $_ } 2 / 3, 1 / 3;
my $killed = 0;
srand($seed);
while (time < $until)
{
	sleep 0.5;
	if (@forced && time > $forced[0])
	{
		my (undef, $pid) = psql(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1));
		next unless ($pid // '') =~ /^(\d+)$/m;
		# It may have gone by itself meanwhile: then another one.
		if (kill 'KILL', $1)
		{
			shift @forced;
			$killed++;
		}
		next;
	}
	psql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1));
}
waitpid $_, 0 for @children;
is($killed, 2, 'two backends were killed by force');
for (1 .. 100) { last if (psql('SELECT 1'))[0]; sleep 0.2 }

my (%count, @unexpected);
for my $log (@logs)
{
	for (split /\n/, slurp_text($log))
	{
		if (/^unexpected/) { push @unexpected, $_ }
		else { $count{$_}++ }
	}
}
note(join ', ', map { "$_: $count{$_}" } sort keys %count);
is(join("\n", @unexpected), '', 'no session met an error that it had not to expect: no deadlock, no broken rule');
cmp_ok($count{'push ok'} // 0, '>', $seconds, 'there were pushes');
cmp_ok($count{'collect ok'} // 0, '>', $seconds / 4, 'and collections');
cmp_ok($count{'collect_storage ok'} // 0, '>', $seconds / 8, 'also of storage');

# --- What is left keeps all rules: before the last collection, and after it.

sub proof
{
	my ($when) = @_;
	is($node->safe_psql('registry', q(SELECT rule, object, detail FROM quay.registry_check() WHERE severity = 'error')), '', "registry_check() is clean $when");
	is($node->safe_psql('registry', <<'SQL'), '', 'sizes are those of the manifests, and of what is still to be decided');
WITH used AS (
    SELECT DISTINCT r.namespace_user_id AS n, m.repository_id AS r, m.blob_id, b.image_size
    FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id JOIN quay.imagestorage AS b ON b.id = m.blob_id
    UNION   -- a use whose end nobody could decide yet counts until its review is over
    SELECT u.namespace_id, u.repository_id, u.blob_id, u.size
    FROM quay_internal.blob_use AS u JOIN quay_internal.gc_review AS v ON v.kind = 'u' AND v.object_id = u.blob_id AND v.repository_id = u.repository_id
), truth AS (
    SELECT n, r, sum(image_size) AS bytes FROM used GROUP BY n, r
    UNION ALL SELECT n, 0, sum(image_size) FROM (SELECT DISTINCT n, blob_id, image_size FROM used) AS u GROUP BY n
    UNION ALL SELECT 0, 0, coalesce(sum(image_size), 0) FROM quay.imagestorage
)
SELECT t.n, t.r, t.bytes, c.bytes FROM truth AS t
FULL JOIN (SELECT namespace_id, repository_id, sum(used) AS bytes FROM quay_internal.size_counter GROUP BY 1, 2) AS c
    ON c.namespace_id = t.n AND c.repository_id = t.r
WHERE coalesce(t.bytes, 0) <> coalesce(c.bytes, 0)
SQL
	my @missing = grep { !-e "$store/$_" } split /\n/, $node->safe_psql('registry', <<'SQL');
SELECT DISTINCT quay_internal.blob_path(b) FROM quay.imagestorage AS b
WHERE EXISTS (SELECT FROM quay.manifestblob AS m WHERE m.blob_id = b.id) OR EXISTS (SELECT FROM quay.uploadedblob AS u WHERE u.blob_id = b.id)
SQL
	is("@missing", '', 'every blob in use has its bytes');
	is($node->safe_psql('registry', <<'SQL'), '', 'every live tag has its manifest with all its blobs');
SELECT t.name FROM quay.tag AS t LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
WHERE (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > quay_internal.clock_ms())
  AND (m.id IS NULL OR EXISTS (
      SELECT FROM json_array_elements(m.manifest_bytes::json -> 'layers') AS l (layer)
      WHERE NOT EXISTS (SELECT FROM quay.manifestblob AS b JOIN quay.imagestorage AS s ON s.id = b.blob_id
                        WHERE b.manifest_id = m.id AND s.content_checksum = layer ->> 'digest')))
SQL
	my $size = $node->safe_psql('registry', q(SELECT quay_internal.size_of(id) FROM quay."user" WHERE username = 'gamma'));
	cmp_ok($size, '<', $limit, "the namespace with a quota is under its limit ($size)");
}

proof('after the chaos');
sleep 4;
# What one call passes over, since somebody held it, is due again a moment later.
my $unused = q(SELECT count(*) FROM quay.imagestorage AS b WHERE quay_internal.blob_unused(ARRAY[b.id]) <> '{}');
for (1 .. 50)
{
	$node->safe_psql('registry', 'CALL quay.gc_run_all()');
	psql($operation{collect_storage}->());
	last if $node->safe_psql('registry', $unused) eq '0' && $node->safe_psql('registry', 'SELECT count(*) FROM quay_internal.blob_deletion') eq '0';
	sleep 0.3;
}
proof('after a full collection');
is($node->safe_psql('registry', 'SELECT count(*) FROM quay_internal.blob_deletion'), '0', 'nothing waits for deletion');
is($node->safe_psql('registry', $unused), '0', 'and nothing is there that nothing needs');
my @left = split /\n/, `cd "$store" && find sha256 -type f`;
my %used = map { $_ => 1 } split /\n/, $node->safe_psql('registry', 'SELECT quay_internal.blob_path(b) FROM quay.imagestorage AS b');
my $orphans = grep { !$used{$_} } @left;
note("$orphans of " . @left . ' files in the store belong to uploads that were killed before they committed');

$node->stop;
done_testing();
