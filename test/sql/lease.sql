-- Leases, WAL positions, marks of freshness, and pulls counted one by one.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS text LANGUAGE sql AS
    $$ SELECT set_config('quay.clock', ('2026-03-10 12:00:00+00'::timestamptz + seconds * interval '1 s')::text, true) $$;
-- Fences, counted from where the sequence was; seconds from the beginning.
CREATE TEMPORARY TABLE start AS SELECT nextval('quay.lease_fence_seq') AS fence;
CREATE FUNCTION pg_temp.f(fence bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT start.fence + f.fence FROM start $$;
CREATE FUNCTION pg_temp.acquire(name text, owner text, ttl_s integer DEFAULT 600)
    RETURNS TABLE (acquired boolean, fence bigint, holder text, expires_s bigint) LANGUAGE sql AS $$
    SELECT a.acquired, a.fence - s.fence, a.holder, a.expires_ms / 1000 - 1773144000 FROM quay.lease_acquire(name, owner, ttl_s) AS a, start AS s $$;
DELETE FROM quay.lease;

SELECT * FROM pg_temp.acquire('gc', 'one', 60);
SELECT * FROM pg_temp.acquire('gc', 'two', 60);
SELECT * FROM pg_temp.acquire('gc', 'one', 60);
SELECT * FROM pg_temp.acquire('other', 'two');
SELECT owner, fence - pg_temp.f(0) AS fence, acquired_ms / 1000 - 1773144000 AS acquired_s FROM quay.lease_get('gc');
SELECT count(*) FROM quay.lease_get('unknown');
SELECT name, owner FROM quay.lease_list();
SELECT name FROM quay.lease_list(n => 1);
SELECT name FROM quay.lease_list('gc');
-- Held by one: only his fence counts.
SELECT quay.lease_check('gc', pg_temp.f(1)) AS held, quay.lease_check('gc', pg_temp.f(2)) AS other, quay.lease_check('unknown', 1) AS unknown, quay.lease_check('gc', NULL) AS nothing;
SELECT quay.lease_renew('gc', pg_temp.f(2), 60) AS other, quay.lease_release('gc', pg_temp.f(2)) AS other;
SELECT pg_temp.at(50) IS NOT NULL AS "50 s";
SELECT quay.lease_renew('gc', pg_temp.f(1), 60);
SELECT expires_ms / 1000 - 1773144000 AS expires_s FROM quay.lease_get('gc');
-- Run out: no longer held, not renewed, taken over with a greater fence.
SELECT pg_temp.at(110) IS NOT NULL AS "110 s";
SELECT quay.lease_check('gc', pg_temp.f(1)), quay.lease_renew('gc', pg_temp.f(1), 60), count(*) FROM quay.lease_get('gc');
SELECT * FROM pg_temp.acquire('gc', 'two', 60);
SELECT quay.lease_check('gc', pg_temp.f(1)) AS old, quay.lease_check('gc', pg_temp.f(3)) AS new;
SELECT quay.lease_release('gc', pg_temp.f(1)) AS old, quay.lease_release('gc', pg_temp.f(3)) AS new, quay.lease_release('gc', pg_temp.f(3)) AS again;
SELECT quay.lease_check('gc', pg_temp.f(3)), quay.lease_renew('gc', pg_temp.f(3), 60);
SELECT * FROM pg_temp.acquire('gc', 'three', 60);
-- Given back after it ran out, with nobody else there: no harm.
SELECT pg_temp.at(200) IS NOT NULL AS "200 s";
SELECT quay.lease_release('gc', pg_temp.f(4));
-- Rows go after a day, fences go on.
SELECT pg_temp.at(86500) IS NOT NULL AS "a day";
SELECT quay.lease_expire();
SELECT pg_temp.at(86701) IS NOT NULL AS "a day and more";
SELECT quay.lease_expire(1), quay.lease_expire(1);
SELECT count(*) FROM quay.lease;
SELECT * FROM pg_temp.acquire('gc', '', 60);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire('', 'me')$$);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire(NULL, 'me')$$);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire(repeat('n', 256), 'me')$$);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire('n', NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire('n', repeat('o', 256))$$);
SELECT pg_temp.attempt($$SELECT quay.lease_acquire('n', 'me', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.lease_renew('n', 1, NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.lease_list(n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.lease_expire(0)$$);

-- On the primary there is nothing to wait for.
SELECT quay.wal_token() > '0/0' AS token, quay.wal_wait(quay.wal_token()), quay.wal_wait(NULL), quay.wal_wait('FFFFFFFF/FFFFFFFF', 10);
SET LOCAL synchronous_commit = off;
SELECT quay.wal_token() >= pg_current_wal_flush_lsn() AS not_behind;
RESET synchronous_commit;

-- Marks: blocked only if both are there, and the content is newer than the revocation.
DELETE FROM quay_internal.freshness_mark;
SELECT quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS no_marks;
SELECT quay.repository_modified_mark('fm-acme', 'app') > '0/0' AS marked, quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS only_modified;
SELECT quay.permission_revoked_mark_many(ARRAY['fm-bob', 'fm-eve', NULL, ''], 'fm-acme', 'app') > '0/0' AS marked;
SELECT quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS revoked_after;
SELECT count(*) FROM quay_internal.freshness_mark;
UPDATE quay_internal.freshness_mark SET marked = '0/5';
SELECT quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS equal;
SELECT quay.repository_modified_mark('fm-acme', 'app') > '0/0' AS marked;
SELECT quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS modified_after, quay.permission_read_blocked('fm-eve', 'fm-acme', 'app') AS eve,
    quay.permission_read_blocked('fm-dan', 'fm-acme', 'app') AS others, quay.permission_read_blocked('fm-bob', 'fm-acme', 'tool') AS elsewhere, quay.permission_read_blocked('', 'fm-acme', 'app') AS nobody;
SELECT quay.permission_revoked_mark_many('{}', 'fm-acme', 'app') > '0/0' AS position_without_marks;
SELECT quay.freshness_mark_expire();
SELECT set_config('quay.clock', ('2026-03-10 12:00:00+00'::timestamptz + interval '87001 s')::text, true) IS NOT NULL AS "300 s later";
SELECT quay.permission_read_blocked('fm-bob', 'fm-acme', 'app') AS too_old;
SELECT quay.freshness_mark_expire(2), quay.freshness_mark_expire(2);
SELECT pg_temp.attempt($$SELECT quay.freshness_mark_expire(0)$$);

-- Pulls, one by one.
SELECT quay.user_create('lse-puller', 'password', 'lse-puller@lease.example') > 0 AS puller;
SELECT quay.repository_create('lse-puller', 'app', 'lse-puller') AS repo \gset
DELETE FROM quay_internal.pull_pending;
SELECT count(quay.pull_count(:repo, 'sha256:' || repeat('a', 64), 'v1')) FROM generate_series(1, 3);
SELECT pg_temp.at(87100) IS NOT NULL AS later;
SELECT quay.pull_count(:repo, 'sha256:' || repeat('a', 64)), quay.pull_count(:repo, 'sha256:' || repeat('b', 64), 'v1'), quay.pull_count(:repo, NULL, 'v2');
SELECT quay.pull_count(-1, 'sha256:' || repeat('a', 64), 'gone');
SELECT quay.pull_fold(2), quay.pull_fold(), quay.pull_fold();
SELECT tag_name, tag_pull_count, last_tag_pull_date, left(current_manifest_digest, 8) AS digest FROM quay.tagpullstatistics WHERE repository_id = :repo ORDER BY 1;
SELECT left(manifest_digest, 8) AS digest, manifest_pull_count, last_manifest_pull_date FROM quay.manifestpullstatistics WHERE repository_id = :repo ORDER BY 1;
SELECT pg_temp.attempt($$SELECT quay.pull_count(1, NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_count(NULL, NULL, 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_count(1, 'md5')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_count(1, NULL, '')$$);
SELECT pg_temp.attempt($$SELECT quay.pull_fold(0)$$);

-- A batch with a key counts once.
CREATE FUNCTION pg_temp.batch(key text, repo bigint) RETURNS TABLE (tags bigint, manifests bigint, unknown_repositories bigint[], repeated boolean) LANGUAGE sql AS $$
    SELECT * FROM quay.pull_record_many(jsonb_build_array(jsonb_build_object('repository_id', repo, 'tag_name', 'v9', 'pull_count', 5)), key) $$;
SELECT * FROM pg_temp.batch('b1', :repo);
SELECT * FROM pg_temp.batch('b1', :repo);
SELECT * FROM pg_temp.batch('b2', :repo);
SELECT tag_pull_count FROM quay.tagpullstatistics WHERE repository_id = :repo AND tag_name = 'v9';
SELECT pg_temp.attempt($$SELECT * FROM pg_temp.batch('', 1)$$);
SELECT pg_temp.attempt($$SELECT quay.pull_record_many('[{}]', 'b3')$$);
SELECT count(*) FROM quay_internal.pull_batch WHERE batch = 'b3';
SELECT pg_temp.at(87100 + 7 * 86400 + 1) IS NOT NULL AS a_week_later;
SELECT quay.pull_fold();
SELECT count(*) FROM quay_internal.pull_batch WHERE batch LIKE 'b_';
ROLLBACK;
