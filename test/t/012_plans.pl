# No function looks for rows by reading a whole table. The regression tests run with sequential scans priced out of the market; where one
# shows up in the plan of a statement of ours nevertheless, no index serves it: a condition compares with a VOLATILE function, say, or an
# index is missing. Tables are small there, so nothing else would notice.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

# Tables that grow with the registry.
my %grows = map { $_ => 1 } qw(
  accesstoken appspecificauthtoken blob_deletion blob_use blobupload build_log build_log_line cache_entry derivedstorageforimage federatedlogin
  gc_review imagestorage imagestorageplacement label log_count_day logentry3_default manifest manifestblob manifestchild manifestlabel
  manifestpullstatistics manifestsecuritystatus missing_child notification oauthaccesstoken permissionprototype pull_pending queueitem
  quotanamespacesize quotarepositorysize repository repositoryactioncount repositoryautoprunepolicy repositorybuild repositorynotification
  repositorypermission repositorysearchscore robotaccounttoken scan_orphan session size_counter star tag tagpullstatistics team teammember
  uploadedblob user user_event);

# Functions that read all there is, as their comments say.
my @reads_all = (
	qr/^registry_check/, qr/^adopt/, qr/^release/, qr/^gc_review_all$/, qr/^cache_(?:count|clear|status|bound)/, qr/^size_/, qr/^quota_/,
	qr/^metric/, qr/^image_base_candidates$/, qr/^statistics/, qr/^backfill_/, qr/^user_count$/,
);

my $source = source_folder();
my $node = new_node('main', conf => <<'CONF');
fsync = off
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
enable_seqscan = off
jit = off
CONF
my $available = $node->safe_psql('postgres', q(SELECT string_agg(name, ' ') FROM pg_available_extensions));
$node->safe_psql('postgres', 'CREATE DATABASE walk');
$node->safe_psql('walk', "SET auto_explain.log_min_duration = -1; CREATE EXTENSION $_") for grep { $available =~ /\b$_\b/ } 'pg_trgm', 'quay';
my %ours = map { $_ => 1 } split /\n/, $node->safe_psql('walk', q(SELECT DISTINCT proname FROM pg_proc WHERE pronamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace)));
chdir PostgreSQL::Test::Utils::tempdir();

# Those of access compare thousands of answers of few functions, those of adoption are about reading everything.
my @files = grep { !m{/(?:access|adopt|filter|oracle)[^/]*$} } sort glob "$source/test/sql/*.sql";
for my $file (@files)
{
	IPC::Run::run([ 'psql', '-Xq', '-h', $node->host, '-p', $node->port, '-d', 'walk', '-f', $file ], '>', '/dev/null', '2>&1');
}
$node->stop('fast');

# A plan, and the functions that it was run in, innermost first.
my (%culprit, %seen, $plans);
my ($plan, $context) = ('', '');

sub judge
{
	my @functions = map { s/.*\.//r } $context =~ /(?:PL\/pgSQL|SQL) function "?([\w.]+)/g;
	if ($plan ne '' && @functions && $ours{ $functions[0] })
	{
		$plans++;
		$seen{ $functions[0] } = 1;
		for my $table (grep { $grows{$_} } $plan =~ /Seq Scan on "?(\w+)/g)
		{
			my ($text) = $plan =~ /Query Text: (.*?)\n\t[A-Z][^\n]*\(cost=/s;
			$culprit{"$functions[0] reads $table: " . join ' ', split ' ', substr($text // '', 0, 300)}++
			  unless grep { my $known = $_; grep { /$known/ } @functions } @reads_all;
		}
	}
	($plan, $context) = ('', '');
}

open my $log, '<', $node->logfile or die $!;
my $in = '';
while (<$log>)
{
	if (/^\t/) { $in eq 'plan' ? ($plan .= $_) : $in eq 'context' ? ($context .= $_) : () }
	elsif (/ LOG:  duration: .* plan:$/) { judge(); $in = 'plan' }
	elsif (/ CONTEXT:  / && $plan ne '') { $context = $_; $in = 'context' }
	else { judge(); $in = '' }
}
judge();
close $log;
# More than a gigabyte.
unlink $node->logfile;
cmp_ok($plans, '>', 20_000, 'plans were seen');
cmp_ok(scalar keys %seen, '>', 500, 'of many functions');
is(join("\n", sort keys %culprit), '', 'none reads a whole table to find some rows');
done_testing();
