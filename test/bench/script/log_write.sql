\set n random(1, 1000)
SELECT quay.log_write('pull_repo', 'org' || :n, 'app3', 'org' || :n, '192.0.2.7', '{"repo": "app3", "namespace": "acme", "tag": "latest"}');
