-- 100 pulls at once.
\set n random(1, 1000)
SELECT written FROM quay.log_write_many((SELECT jsonb_agg(jsonb_build_object('kind', 'pull_repo', 'namespace', 'org' || (:n + i) % 1000 + 1, 'repository', 'app3', 'actor', 'org1', 'metadata', jsonb_build_object('tag', 'latest'))) FROM generate_series(1, 100) AS i));
