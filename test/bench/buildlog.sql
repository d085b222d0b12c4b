-- Builds whose logs the scripts buildlog_*.sql write and read: one for each client up to 128, named by its number, and one of 10,000 lines.
SET quay.database_secret_key = 'anothercrazykey!';
SET quay.bcrypt_cost = 4;
SELECT count(quay.user_create('bench_builder', 'password1', 'bench_builder@example.com'));
SELECT count(quay.repository_create('bench_builder', 'app', 'bench_builder'));
SELECT token_id FROM quay.repository_token_create('bench_builder', 'app', 'write', 'build-worker') \gset
INSERT INTO quay.repositorybuild (uuid, repository_id, access_token_id, job_config, phase, started, display_name)
SELECT 'b0000000-0000-4000-8000-' || lpad(n::text, 12, '0'), r.id, :token_id, '{}', 'building', now() AT TIME ZONE 'UTC', 'bench ' || n
FROM generate_series(0, 128) AS n, quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
WHERE u.username = 'bench_builder' AND r.name = 'app';
SELECT quay.buildlog_append_many('b0000000-0000-4000-8000-000000000128',
    ARRAY(SELECT 'Step ' || n || ' : RUN apt-get update && apt-get install -y build-essential' FROM generate_series(1, 10000) AS n));
VACUUM ANALYZE;
