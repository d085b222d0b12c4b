# Which relations a migration step locks, beside what its script says (-- @lock).
package StepLocks;

use strict;
use warnings;
use Exporter qw(import);
use QuayNode;
use Test::More;

our @EXPORT = qw(watched_locks seen_locks locks_said locks_ok);

# Statements for psql, in a transaction at whose end it prints what they have locked: what blocks clients, SHARE and stronger, but for the
# months of the log, which depend on when the test runs.
sub watched_locks
{
	return (<<'SQL', @_, <<'SQL');
BEGIN;
CREATE TEMPORARY TABLE before AS
SELECT c.oid, c.oid::regclass::text AS name FROM pg_class AS c
WHERE c.relnamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
  AND (NOT c.relispartition OR c.relname = 'logentry3_default');
SQL
\echo = locks
SELECT m.name || '|' || b.name
FROM before AS b
CROSS JOIN LATERAL (
    SELECT max(m.strength) AS strength FROM pg_locks AS l
    JOIN (VALUES (1, 'ShareLock'), (2, 'ShareRowExclusiveLock'), (3, 'ExclusiveLock'), (4, 'AccessExclusiveLock')) AS m (strength, mode) ON m.mode = l.mode
    WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.relation = b.oid AND l.granted
) AS x
JOIN (VALUES (1, 'SHARE'), (2, 'SHARE ROW EXCLUSIVE'), (3, 'EXCLUSIVE'), (4, 'ACCESS EXCLUSIVE')) AS m (strength, name) ON m.strength = x.strength
ORDER BY m.strength DESC, b.name COLLATE "C";
\echo = end of locks
COMMIT;
DROP TABLE pg_temp.before;
SQL
}

sub seen_locks { return $_[0] =~ /^= locks\n(.*?)^= end of locks/ms ? $1 : undef }

# step => "MODE|relation\n" ... of each step that says what it is about
sub locks_said
{
	my ($node, $database) = @_;
	my %said;
	for (split /\n/, $node->safe_psql($database, <<'SQL'))
SELECT s.from_version || '--' || s.to_version, l.mode, l.relation
FROM quay_internal.migration_step_list() AS s
LEFT JOIN LATERAL (SELECT m.key AS mode, r.relation FROM jsonb_each(s.locks) AS m, jsonb_array_elements_text(m.value) AS r (relation)) AS l ON true
WHERE s.about IS NOT NULL
SQL
	{
		my ($step, $mode, $relation) = split /\|/, $_, -1;
		$said{$step} //= '';
		$said{$step} .= "$mode|$relation\n" if length $mode;
	}
	return %said;
}

sub locks_ok
{
	my ($said, $seen, $step) = @_;
	ok(defined $said, "step $step says what it is about (-- \@about in its script)");
	is(compare($said // '', $seen // 'none were printed'), '', "and locks what it says")
	  or diag("what it should say (-- \@lock lines in the script of the step, or in sql/migrations/notes):\n" . lock_lines($seen // ''));
}

sub lock_lines
{
	my (%relations, $text);
	push @{ $relations{ $_->[0] } }, $_->[1] for map { [ split /\|/ ] } split /\n/, $_[0];
	for my $mode (grep { $relations{$_} } 'ACCESS EXCLUSIVE', 'EXCLUSIVE', 'SHARE ROW EXCLUSIVE', 'SHARE')
	{
		my $line = "-- \@lock $mode:";
		for (@{ $relations{$mode} })
		{
			if (length("$line $_,") > 140)
			{
				$text .= $line =~ s/,\z//r . "\n";
				$line = "-- \@lock $mode:";
			}
			$line .= " $_,";
		}
		$text .= $line =~ s/,\z//r . "\n";
	}
	return $text // '';
}

1;
