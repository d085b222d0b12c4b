-- The same as the statements of an application, each sent as text, as the driver of the reference does (-M simple): it looks for the
-- performer, the repository and the namespace by name, and inserts with the kind, which it has read when it started.
\set n random(1, 1000)
SELECT u.id AS performer, u.uuid, u.username, u.email, u.verified, u.organization, u.robot, u.enabled FROM quay."user" AS u WHERE u.username = 'org' || :n LIMIT 1 \gset
SELECT r.id AS repository, r.namespace_user_id, r.name, r.visibility_id, r.description, r.badge_token, r.kind_id, r.trust_enabled, r.state FROM quay.repository AS r JOIN quay."user" AS u ON r.namespace_user_id = u.id WHERE u.username = 'org' || :n AND r.name = 'app3' AND r.state <> 3 LIMIT 1 \gset
SELECT u.id AS account, u.uuid, u.username, u.email, u.verified, u.organization, u.robot, u.enabled FROM quay."user" AS u WHERE u.username = 'org' || :n LIMIT 1 \gset
INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json) VALUES (41, :account, :performer, :repository, now() AT TIME ZONE 'UTC', '192.0.2.7', '{"repo": "app3", "namespace": "acme", "tag": "latest"}') RETURNING id;
