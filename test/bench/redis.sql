-- What redis.pl reads: 10^4 values of 1 kB, 1,000 sessions with as much data, a repository; and builds, if they have logs.
SELECT quay.user_create('bench', 'password', 'bench@example.com');
SELECT quay.repository_create('bench', 'app', 'bench');
SELECT count(quay.cache_set((1000000000000000 + i)::text, repeat('x', 1024), 86400)) FROM generate_series(0, 9999) AS i;
-- With tokens that a script can make: 43 digits.
INSERT INTO quay.session (user_id, uuid, created_ms, touched_ms, expires_ms, ends_ms, ttl_s, digest, data)
SELECT u.id, u.uuid, t.ms, t.ms, t.ms + 86400000, t.ms + 86400000, 86400, sha256(convert_to(repeat('0', 27) || (1000000000000000 + i), 'UTF8')),
       json_build_object('data', repeat('x', 1013))
FROM quay."user" AS u, generate_series(0, 999) AS i, quay_internal.clock_ms() AS t (ms);
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'quay'::pg_catalog.regnamespace AND p.proname = 'buildlog_append') THEN
        INSERT INTO quay.accesstoken (repository_id, created, role_id, temporary, token_name, token_code)
        SELECT r.id, now() AT TIME ZONE 'UTC', 1, false, repeat('t', 64), 'v0bench' FROM quay.repository AS r;
        INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name, logs_archived)
        SELECT '00000000-0000-0000-0000-' || (100000000000 + i), a.repository_id, a.id, '{}', 'building', now() AT TIME ZONE 'UTC', 'bench', false
        FROM quay.accesstoken AS a, generate_series(0, 99) AS i;
        PERFORM quay.buildlog_append('00000000-0000-0000-0000-' || (100000000000 + i), repeat('x', 100)) FROM generate_series(0, 99) AS i, generate_series(1, 50);
    END IF;
END
$$;
VACUUM ANALYZE;
