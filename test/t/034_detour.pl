# The detour of 1.1.1, for registries that cannot stand still as long as 1.1--1.2 takes: what takes long is done while others push, delete
# and collect, and the end is the same as on the straight way.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use QuayNode;
use StepLocks;
use Test::More;
use Time::HiRes qw(sleep);

my ($old, $half, $new) = ('1.1', '1.1.1', '1.2');
my $source = source_folder();
my $node = new_node('main', conf => "fsync = off\nquay.gc_grace_period = 0\ndeadlock_timeout = 100ms\nautovacuum = off\n");
my $current = (releases($node))[-1];

sub update { return "ALTER EXTENSION quay UPDATE TO '$_[0]';" }
sub clone { my ($from, $to) = @_; $node->safe_psql('postgres', "CREATE DATABASE $to TEMPLATE $from"); return $to }

# From a file, so that it runs whether or not anybody pumps.
my $scripts = 0;
sub start_psql
{
	my ($database, $script, $out) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/' . ++$scripts;
	append_to_file($file, $script);
	return IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-f', $file, $database ], '>', $out, '2>&1', IPC::Run::timer(120));
}

# What halfway_work() lists, by way of psql, as the documents say.
sub do_the_work
{
	my ($database) = @_;
	my $out = '';
	IPC::Run::finish(start_psql($database, "SELECT statement FROM quay.halfway_work() \\gexec\n", \$out));
	is($out, '', 'the work is done');
	is($node->safe_psql($database, 'SELECT statement FROM quay.halfway_work()'), '', 'and none is left');
}

# --- a registry of 1.1: blobs that repositories and namespaces share, or nobody has; tags that are over; manifests that nothing holds

new_database($node, 'filled', $old);
fixture($node, 'filled');
$node->safe_psql('filled', slurp_text("$source/test/upgrade/fixture-1.1.sql"));
$node->safe_psql('filled', <<'SQL');
SELECT quay.user_create('root', 'correct-horse', 'root@example.com');
SELECT quay.organization_create('org' || i, NULL, 'root') FROM generate_series(1, 4) AS i;
SELECT quay.repository_create('org' || i % 4 + 1, 'repo' || i, 'root') FROM generate_series(1, 20) AS i;
CREATE FUNCTION public.repository(i bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT r.id FROM quay.repository AS r WHERE r.name = 'repo' || i % 20 + 1 $$;
CREATE FUNCTION public.digest(bytes text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'sha256:' || encode(sha256(convert_to(bytes, 'UTF8')), 'hex') $$;
INSERT INTO quay.imagestorage (id, uuid, image_size, uploading, cas_path, content_checksum)
SELECT 2000 + i, gen_random_uuid(), nullif(i % 50, 7), true, true, public.digest('blob' || i) FROM generate_series(1, 3000) AS i;
INSERT INTO quay.imagestorageplacement (storage_id, location_id) SELECT b.id, (SELECT min(l.id) FROM quay.imagestoragelocation AS l) FROM quay.imagestorage AS b WHERE b.id > 2000;
INSERT INTO quay.manifest (id, repository_id, digest, media_type_id, manifest_bytes, subject_backfilled, artifact_type_backfilled)
SELECT 2000 + i, public.repository(i), public.digest('{"image":' || i || '}'), 16, '{"image":' || i || '}', true, true FROM generate_series(1, 2000) AS i;
INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
SELECT DISTINCT m.repository_id, m.id, 2000 + 1 + (m.id * n * 7) % CASE n WHEN 1 THEN 2900 WHEN 2 THEN 300 ELSE 10 END
FROM quay.manifest AS m, generate_series(1, 3) AS n WHERE m.id > 2000;
INSERT INTO quay.tag (id, name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
SELECT m.id, CASE WHEN m.id % 50 = 0 THEN '$temp-' ELSE 'v' END || m.id, m.repository_id, m.id, 1700000000000 + m.id,
       CASE WHEN m.id % 4 = 0 THEN 1710000000000 + m.id WHEN m.id % 9 = 0 THEN 32503680000000 END, m.id % 50 = 0, false, 1
FROM quay.manifest AS m WHERE m.id > 2000 AND m.id % 7 <> 0;
INSERT INTO quay.label (id, uuid, key, value, media_type_id, source_type_id)
SELECT 2000 + i, gen_random_uuid(), 'key', 'value', 1, 2 FROM generate_series(1, 500) AS i;
INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id)
SELECT m.repository_id, m.id, m.id FROM quay.manifest AS m WHERE m.id BETWEEN 2001 AND 2400;
SELECT setval(s::regclass, 100000) FROM unnest('{quay.imagestorage_id_seq,quay.manifest_id_seq,quay.tag_id_seq,quay.label_id_seq}'::text[]) AS s;
SQL

# --- nobody else is there: the detour leads to the same as the straight way

my $reviews = q(SELECT DISTINCT kind, object_id, repository_id, CASE kind WHEN 't' THEN due_ms END FROM quay_internal.gc_review ORDER BY 1, 2, 3);
my $ended = q(SELECT count(*), sum(id) FROM quay.tag WHERE ended);
$node->safe_psql(clone('filled', 'straight'), update($new));
my ($out, $err) = ('', '');
IPC::Run::finish(start_psql(clone('filled', 'detour'), join("\n", watched_locks(update($half)), ''), \$out));
my %said = locks_said($node, new_database($node, 'fresh', $current));
locks_ok($said{"$old--$half"}, seen_locks($out), "$old--$half");
is($node->safe_psql('detour', 'SELECT quay.version()'), $half, 'half-way');
is(compare(snapshot($node, new_database($node, 'fresh_half', $half)), snapshot($node, 'detour')), '', 'the catalog of a fresh one');
is($node->safe_psql('detour', q(SELECT count(*) FROM pg_proc AS p WHERE p.pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)
	AND (has_function_privilege('public', p.oid, 'EXECUTE') OR obj_description(p.oid, 'pg_proc') IS NULL))), 0, 'nothing is for PUBLIC, and all is explained');
isnt($node->psql('detour', update($new), stderr => \$err), 0, 'the update waits for the work');
like($err, qr/what the new version needs is not done\nDETAIL:  17 statements are left to be run, the next of them: CALL quay\.halfway_run\(\)\.\nHINT: .*halfway_work/, 'and says what it is');
isnt($node->psql('detour', "SET default_transaction_isolation = 'repeatable read'; CALL quay.halfway_run()", stderr => \$err), 0, 'who sees the past does no work');
like($err, qr/cannot count in a transaction that sees the past/, 'and is told why');
isnt($node->psql('detour', 'CALL quay.halfway_run(batch_rows => 0)', stderr => \$err), 0, 'nor who wants no rows');
do_the_work('detour');
IPC::Run::finish(start_psql('detour', join("\n", watched_locks(update($new)), ''), \$out));
locks_ok($said{"$half--$new"}, seen_locks($out), "$half--$new");
is(compare(snapshot($node, 'straight'), snapshot($node, 'detour')), '', 'the catalog is as after the straight way');
is(compare(row_checksums($node, 'straight'), row_checksums($node, 'detour')), '', 'the rows');
is(compare(sizes($node, 'straight'), sizes($node, 'detour')), '', 'the sizes');
is($node->safe_psql('detour', $ended), $node->safe_psql('straight', $ended), 'the tags that are over');
is(compare($node->safe_psql('straight', $reviews), $node->safe_psql('detour', $reviews)), '', 'and what the garbage collector has to look at');
is(problems($node, 'detour'), '', 'everything is right');

# --- others are at work, and what does the work is killed, or not alone

my $busy = clone('filled', 'busy');
my ($in, $warm_out) = ('', '');
my $warm = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, $busy ], '<', \$in, '>', \$warm_out, '2>&1', IPC::Run::timer(120));
my $pull = "SELECT status, digest FROM quay.pull('fixture_alice', 'fixture_acme', 'app', 'v1');\n\\echo = end\n";
my $pulled = sub { $warm_out = ''; $in .= $pull; IPC::Run::pump($warm) until $warm_out =~ /^= end\n/m; return $warm_out };
my $before = $pulled->();
my $grant = 'SELECT quay.grant_role(r.role::regrole, r.kind) FROM quay.role_list() AS r WHERE NOT r.complete;';
my $complete = "SELECT complete FROM quay.role_list() WHERE role = 'detour_app'";
$node->safe_psql($busy, "CREATE ROLE detour_app; SELECT quay.grant_role('detour_app', 'application')");
$node->safe_psql($busy, 'BEGIN; ' . update($half) . " $grant COMMIT;");
is($node->safe_psql($busy, $complete), 't', 'with the grants in its transaction no role is ever without');
is($pulled->(), $before, 'a session with warm caches works on');

# Pushes of blobs that others have, that nobody has any more, and new ones; the end of tags; collecting, which deletes manifests and blobs.
# A blob that has just gone is none to push.
my %work = (
	push => sub {
		my ($i) = @_;
		return <<"SQL";
DO \$\$
DECLARE
    repository bigint := public.repository((random() * 20)::bigint);
    bytes text := '{"busy":' || random() || '}';
    manifest bigint;
BEGIN
    INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes, subject_backfilled, artifact_type_backfilled)
    VALUES (repository, public.digest(bytes), 16, bytes, true, true) RETURNING id INTO manifest;
    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT repository, manifest, b.id FROM quay.imagestorage AS b WHERE b.id > 2000 ORDER BY random() LIMIT 5;
    IF random() < 0.8 THEN
        INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, hidden, reversion, tag_kind_id)
        VALUES ('busy' || manifest, repository, manifest, 1, false, false, 1);
    END IF;
EXCEPTION WHEN foreign_key_violation OR SQLSTATE 'QY055' THEN NULL;
END \$\$;
SQL
	},
	end => sub {
		return <<'SQL';
UPDATE quay.tag SET lifetime_end_ms = 1710000000000
WHERE id = (SELECT t.id FROM quay.tag AS t WHERE t.id > 2000 AND t.lifetime_end_ms IS NULL ORDER BY random() LIMIT 1);
UPDATE quay.imagestorage SET image_size = coalesce(image_size, 0) + 1 WHERE id = 2001 + (random() * 200)::bigint;
SQL
	},
	collect => sub {
		return <<'SQL';
SELECT quay.gc_run(20);
WITH taken AS (SELECT * FROM quay.gc_storage_take(10))
SELECT count(quay.gc_storage_confirm(t.lease, ARRAY[t.blob_id])) FROM taken AS t;
SQL
	});
my %printed;
my @sessions = map { my $w = $_; $printed{$w} = ''; start_psql($busy, join('', map { $work{$w}->($_) . "SELECT pg_sleep(0.002);\n" } 1 .. 600), \$printed{$w}) } sort keys %work;

my $killed = '';
my $victim = start_psql($busy, "SET application_name = 'victim'; CALL quay.halfway_run(batch_rows => 40, throttle_ms => 5);\n", \$killed);
ok($node->poll_query_until($busy, q(SELECT last_id > 0 OR finished FROM quay_internal.halfway WHERE place = 1)), 'it counts');
$node->safe_psql($busy, q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'));
eval { IPC::Run::finish($victim) };
like($killed, qr/terminating connection/, 'it is killed');
like($node->safe_psql($busy, 'SELECT statement FROM quay.halfway_work() LIMIT 1'), qr/halfway_run/, 'and is not done');
is($pulled->(), $before, 'meanwhile others pull');
my @workers = ('', '');
IPC::Run::finish($_) for map { start_psql($busy, "CALL quay.halfway_run(batch_rows => 40, throttle_ms => 2);\n", \$workers[$_]) } 0, 1;
is("@workers", ' ', 'two at once go on');

# An index whose building waits for a transaction, and is given up.
my ($open_in, $open_out, $given_up) = ('', '', '');
my $open = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, $busy ], '<', \$open_in, '>', \$open_out, '2>&1', IPC::Run::timer(60));
$open_in .= "BEGIN; UPDATE quay.tag SET reversion = reversion WHERE id = 2001; SELECT 'open';\n";
IPC::Run::pump($open) until $open_out =~ /open/;
my $statement = $node->safe_psql($busy, q(SELECT statement FROM quay.halfway_work() WHERE statement LIKE '%tag_repository_id_name_ending%'));
IPC::Run::finish(start_psql($busy, "SET statement_timeout = 500; $statement;\n", \$given_up));
like($given_up, qr/statement timeout/, 'an index that is given up');
$open_in .= "ROLLBACK;\n\\q\n";
IPC::Run::finish($open);
like($node->safe_psql($busy, q(SELECT statement FROM quay.halfway_work() WHERE statement LIKE '%tag_repository_id_name_ending%')),
	qr/\ADROP INDEX CONCURRENTLY quay\.tag_repository_id_name_ending\nCREATE INDEX CONCURRENTLY tag_repository_id_name_ending ON/, 'is made anew');
do_the_work($busy);
IPC::Run::finish($_) for @sessions;
is(join('', map { $printed{$_} =~ /(?:ERROR|FATAL).*/ ? "$_: $&\n" : '' } sort keys %printed), '', 'nobody was disturbed');
$node->safe_psql($busy, 'BEGIN; ' . update($new) . " $grant COMMIT;");
is($node->safe_psql($busy, $complete), 't', 'the role has its rights');
$node->safe_psql($busy, "SELECT quay.revoke_role('detour_app')");
is($pulled->(), $before, 'the session with warm caches works on');
is(compare(snapshot($node, 'straight'), snapshot($node, $busy)), '', 'the catalog is as after the straight way');
$node->safe_psql($busy, 'CALL quay.gc_run_all()');
is(problems($node, $busy), '', 'all sizes are exact, and nothing was forgotten');
is($node->safe_psql($busy, q(SELECT count(*) FROM quay_internal.gc_review)), $node->safe_psql($busy, q(SELECT count(*) FROM quay_internal.gc_review WHERE due_ms > quay_internal.clock_ms())), 'nor is anything left to look at');
$in .= "\\q\n";
IPC::Run::finish($warm);

# --- a dump from half-way

my $there = clone('filled', 'there');
$node->safe_psql($there, update($half));
$node->safe_psql($there, 'CALL quay.halfway_run()');
my $complaint = dump_into($node, $there, 'restored', before => "CREATE EXTENSION quay VERSION '$half'");
is($complaint =~ s/\A.*schema "quay" already exists\n.*CREATE SCHEMA quay;\n\n\n.*ignored on restore: 1\n\z//r, '', 'a dump from half-way restores');
for my $database ($there, 'restored')
{
	do_the_work($database);
	$node->safe_psql($database, update($current));
	is(compare(snapshot($node, 'fresh'), snapshot($node, $database)), '', "$database: it leads to a fresh $current");
	is(problems($node, $database), '', 'with everything right');
}
is(compare(row_checksums($node, $there), row_checksums($node, 'restored')), '', 'and the same rows');

# --- the way back

my $back = clone('filled', 'back');
$node->safe_psql($back, update($half));
do_the_work($back);
$node->safe_psql($back, update($old));
is(compare(snapshot($node, 'filled'), snapshot($node, $back)), '', "from half-way back to $old, the catalog is as before");
is(compare(row_checksums($node, 'filled'), row_checksums($node, $back)), '', 'and so are the rows');
is($node->safe_psql('fresh', "SELECT string_agg(from_version || ' to ' || to_version, ', ' ORDER BY step) FROM quay.migration_path('$old', source => '$half')"),
	"$half to $new, $new to $old", 'which migration_path() tells');
isnt($node->psql($there, "CALL quay.halfway_run()", stderr => \$err), 0, 'nothing of half-way is left');
$node->stop('fast');
done_testing();
