# Nothing drops a registry that holds data by accident, whatever the way; without data, or with quay.allow_drop, everything does.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use QuayNode;
use Test::More;

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE ROLE owner SUPERUSER');
my $row = q(INSERT INTO quay."user" (username, email, verified, organization, robot, invoice_email, last_invalid_login)
            VALUES ('someone', 'someone@example.com', true, false, false, false, '2026-01-01'));

sub registry
{
	my ($fill) = @_;
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS registry');
	$node->safe_psql('postgres', 'CREATE DATABASE registry');
	$node->safe_psql('registry', "SET ROLE owner; CREATE EXTENSION quay; $fill");
}

# Each in a new session, which has not loaded the library.
my @ways = ('DROP EXTENSION quay', 'DROP EXTENSION IF EXISTS quay CASCADE', 'DROP SCHEMA quay CASCADE', 'DROP SCHEMA quay_internal CASCADE',
	'DROP OWNED BY owner', 'SET ROLE owner; DROP OWNED BY CURRENT_USER CASCADE', 'DROP EXTENSION plpgsql CASCADE',
	'SET session_replication_role = replica; DROP EXTENSION quay', 'BEGIN; DROP EXTENSION quay; COMMIT');

registry($row);
for my $way (@ways)
{
	my $error = '';
	isnt($node->psql('registry', "\\set VERBOSITY verbose\n$way", stderr => \$error, on_error_stop => 1), 0, "refused: $way");
	like($error, qr/QY091.*Table "quay\.user".*quay\.allow_drop/s, 'says why, and what to do');
}
is($node->safe_psql('registry', 'SELECT count(*) FROM quay."user"'), '1', 'the data are there');

my $error = '';
$node->safe_psql('postgres', 'CREATE ROLE plain');
$node->psql('registry', 'SET ROLE plain; SET quay.allow_drop = on', stderr => \$error);
$node->psql('registry', 'SET ROLE plain; SELECT quay.version(); SET quay.allow_drop = on', stderr => \$error);
like($error, qr/permission denied/, 'not everybody may allow it');

# What else counts as data, and what does not.
my %fill = (
	'INSERT INTO quay.role (id, name) VALUES (1001, $$own$$)' => 'role',
	'INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json) VALUES (1, 1, now(), $$$$)' => 'logentry3',
	q(SELECT quay.log_partition_ensure(0); INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json)
	  VALUES (1, 1, now(), '')) => 'logentry3',
);
for my $statement (sort keys %fill)
{
	registry($statement);
	isnt($node->psql('registry', 'DROP EXTENSION quay', stderr => \$error), 0, "refused after: " . $statement =~ s/\s+/ /gr);
	like($error, qr/Table "quay\.$fill{$statement}"/, 'says which table');
}
# PostgreSQL itself keeps a schema that belongs to an extension.
for my $way (grep { !/quay_internal/ } @ways)
{
	registry(q(UPDATE quay.role SET name = name));
	$node->psql('registry', $way, stderr => \$error);
	is($node->safe_psql('registry', q(SELECT count(*) FROM pg_extension WHERE extname = 'quay')), '0', "without data: $way");
	registry($row);
	$node->psql('registry', "SET quay.allow_drop = on; $way", stderr => \$error);
	is($node->safe_psql('registry', q(SELECT count(*) FROM pg_extension WHERE extname = 'quay')), '0', "allowed: $way");
}

# Other things go as ever.
registry($row);
$node->safe_psql('registry', 'CREATE SCHEMA other; CREATE TABLE other.t (); CREATE EXTENSION pg_trgm; CREATE ROLE another; DROP OWNED BY another; DROP EXTENSION pg_trgm CASCADE; DROP SCHEMA other CASCADE');
is($node->safe_psql('registry', 'SELECT count(*) FROM quay."user"'), '1', 'dropping other things is not refused');

$node->stop;
done_testing();
