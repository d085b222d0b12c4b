-- Quotas: setting them and their limits, where a namespace stands, sizes, and what the reference application is shown.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
-- Pushes a manifest with these blobs, given as name:bytes.
CREATE FUNCTION pg_temp.push(namespace text, repository text, name text, VARIADIC blobs text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target_id bigint := (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
                         WHERE u.username = push.namespace AND r.name = push.repository);
    new_id bigint;
BEGIN
    INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
    SELECT gen_random_uuid()::text, split_part(b, ':', 2)::bigint, false, true, 'sha256:' || encode(sha256(convert_to(b, 'UTF8')), 'hex')
    FROM unnest(blobs) AS b
    ON CONFLICT DO NOTHING;
    INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
    SELECT target_id, 'sha256:' || encode(sha256(convert_to(push.name, 'UTF8')), 'hex'), t.id, '{}'
    FROM quay.mediatype AS t WHERE t.name = 'application/vnd.oci.image.manifest.v1+json'
    RETURNING id INTO new_id;
    PERFORM quay_internal.manifestblob_link(target_id, new_id, array_agg(s.id))
    FROM (SELECT DISTINCT 'sha256:' || encode(sha256(convert_to(b, 'UTF8')), 'hex') AS digest FROM unnest(blobs) AS b) AS d
    JOIN quay.imagestorage AS s ON s.content_checksum = d.digest;
END
$$;
CREATE FUNCTION pg_temp.unpush(repository text, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone bigint := (SELECT m.id FROM quay.manifest AS m JOIN quay.repository AS r ON r.id = m.repository_id
                    WHERE r.name = unpush.repository AND m.digest = 'sha256:' || encode(sha256(convert_to(unpush.name, 'UTF8')), 'hex'));
BEGIN
    DELETE FROM quay.manifestblob WHERE manifest_id = gone;
    DELETE FROM quay.manifest WHERE id = gone;
END
$$;
CREATE VIEW pg_temp.audit AS
    SELECT k.name AS kind, p.username AS performer, l.ip, l.metadata_json::jsonb - 'quota_id' - 'limit_id' AS metadata
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE k.name LIKE 'org\_%\_quota%' ORDER BY l.id;
SELECT count(quay.user_create(n, 'password', n || '@qu.example')) FROM unnest(ARRAY['qu-alice', 'qu-bob', 'qu-off']) AS n;
SELECT count(quay.organization_create(n, NULL, 'qu-alice')) FROM unnest(ARRAY['qu-org', 'qu-small']) AS n;
SELECT count(quay.repository_create('qu-org', n, 'qu-alice')) FROM unnest(ARRAY['qu-one', 'qu-two', 'qu-three']) AS n;
SELECT quay.repository_create('qu-off', 'qu-off', 'qu-off') > 0 AS created;
UPDATE quay."user" SET enabled = false WHERE username = 'qu-off';

-- Without a quota, without a default.
SELECT * FROM quay.quota_get('qu-org');
SELECT * FROM quay.quota_check('qu-org');
SELECT * FROM quay.quota_limit_list('qu-org');

-- Made, changed, the same again.
SELECT quota_id > 0 AS id, created, previous_limit_bytes FROM quay.quota_set('qu-org', 3000, actor => 'qu-alice', ip => '10.0.0.1');
SELECT quota_id > 0 AS id, created, previous_limit_bytes FROM quay.quota_set(namespace => 'qu-org', limit_bytes => 4096, actor => 'qu-alice');
SELECT quota_id > 0 AS id, created, previous_limit_bytes FROM quay.quota_set('qu-org', 4096);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 5000, replace => false)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 0)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', -1)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', NULL)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 1.5)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 'NaN')$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 9223372036854775808)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-none', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-off', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_set('qu-org', 1, actor => 'qu-none')$$);
SELECT limit_bytes FROM quay.quota_get('qu-org');
SELECT created FROM quay.quota_set('qu-org', 3000);

-- Limits.
SELECT quay.quota_limit_add('qu-org', 'warning', 50, actor => 'qu-alice') AS warning_id \gset
SELECT quay.quota_limit_add('qu-org', 'ReJect', 90) AS reject_id \gset
SELECT quay.quota_limit_add('qu-org', 'REJECT', 100) > 0 AS added;
SELECT type, percent, allowed_bytes, reached, last_notified_at, cleared FROM quay.quota_limit_list('qu-org');
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'Warning', 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'warning', 0)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'warning', 101)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'warning', NULL)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'warn', 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', NULL, 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-small', 'warning', 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-none', 'warning', 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-off', 'warning', 50)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_add('qu-org', 'warning', 51, actor => 'qu-none')$$);

SELECT quay.quota_limit_set('qu-org', :warning_id, percent => 60, actor => 'qu-alice') AS changed,
       quay.quota_limit_set('qu-org', :warning_id, 'WARNING', 60) AS the_same, quay.quota_limit_set('qu-org', :warning_id) AS nothing;
SELECT pg_temp.try(format($$SELECT quay.quota_limit_set('qu-org', %s, percent => 100)$$, :reject_id));
SELECT pg_temp.try(format($$SELECT quay.quota_limit_set('qu-org', %s, percent => 0)$$, :reject_id));
SELECT pg_temp.try(format($$SELECT quay.quota_limit_set('qu-org', %s, 'none')$$, :reject_id));
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-org', NULL, 'warning')$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-org', -7, 'warning')$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-small', -7, 'warning')$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-none', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-off', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_set('qu-org', 1, actor => 'qu-none')$$);
-- A limit of another namespace.
SELECT created FROM quay.quota_set('qu-small', 10);
SELECT split_part(pg_temp.try(format($$SELECT quay.quota_limit_set('qu-small', %s, 'reject')$$, :warning_id)), E'\n', 1) AS foreign_limit;
SELECT quay.quota_limit_delete('qu-small', :warning_id) AS foreign_limit;
-- The type, and back.
SELECT quay.quota_limit_set('qu-org', :warning_id, 'reject') AS changed;
SELECT quay.quota_limit_set('qu-org', :warning_id, 'warning') AS changed;
SELECT type, percent, allowed_bytes FROM quay.quota_limit_list('qu-org');
SELECT quay.quota_limit_delete('qu-org', (SELECT limit_id FROM quay.quota_limit_list('qu-org') WHERE percent = 100), actor => 'qu-alice') AS deleted,
       quay.quota_limit_delete('qu-org', -7) AS unknown;
SELECT pg_temp.try($$SELECT quay.quota_limit_delete('qu-none', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_delete('qu-off', 1)$$);
SELECT pg_temp.try($$SELECT quay.quota_limit_delete('qu-org', 1, actor => 'qu-none')$$);
SELECT pg_temp.try($$SELECT * FROM quay.quota_limit_list('qu-none')$$);
SELECT pg_temp.try($$SELECT * FROM quay.quota_limit_list('qu-off')$$);

-- What is counted: distinct blobs, per namespace and per repository.
CREATE VIEW pg_temp.sizes AS
    SELECT (SELECT usage_bytes FROM quay.quota_get('qu-org')) AS namespace,
           (SELECT string_agg(name || ' ' || size_bytes, ', ') FROM quay.repository_size_list('qu-org')) AS repositories;
SELECT pg_temp.push('qu-org', 'qu-one', 'm1', 'a:100', 'b:200', 'b:200');   -- new to both
TABLE pg_temp.sizes;
SELECT pg_temp.push('qu-org', 'qu-two', 'm2', 'a:100', 'c:50');             -- a is new to the repository only
TABLE pg_temp.sizes;
SELECT pg_temp.push('qu-org', 'qu-two', 'm3', 'a:100', 'c:50');             -- known
TABLE pg_temp.sizes;
SELECT pg_temp.unpush('qu-two', 'm2');                                      -- still used in the repository
TABLE pg_temp.sizes;
SELECT pg_temp.unpush('qu-two', 'm3');                                      -- a is still used in the namespace
TABLE pg_temp.sizes;
SELECT pg_temp.unpush('qu-one', 'm1');                                      -- the last one
TABLE pg_temp.sizes;
SELECT * FROM quay.namespace_size_list() WHERE namespace = 'qu-org';
-- A blob without bytes counts with the size that it declares; a namespace that is disabled, too. A blob that no manifest uses does not.
SELECT pg_temp.push('qu-off', 'qu-off', 'm4', 'a:100');
INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
SELECT r.id, s.id, '2026-03-01', '2026-03-02' FROM quay.repository AS r, quay.imagestorage AS s
WHERE r.name = 'qu-three' AND s.content_checksum = 'sha256:' || encode(sha256('b:200'), 'hex');
SELECT namespace, organization, enabled, size_bytes, quota_limit_bytes FROM quay.namespace_size_list() WHERE namespace LIKE 'qu-%';
SELECT pg_temp.try($$SELECT quay.quota_get('qu-off')$$);
SELECT pg_temp.try($$SELECT quay.quota_get('qu-none')$$);

-- Where a namespace stands: 3000 bytes, warning at 60 (1800), reject at 90 (2700).
SELECT pg_temp.push('qu-org', 'qu-one', 'm5', 'd:1799');
SELECT * FROM quay.quota_check('qu-org');
SELECT * FROM quay.quota_check('qu-org', 1);
SELECT * FROM quay.quota_check('qu-org', 900);
SELECT * FROM quay.quota_check('qu-org', additional_bytes => 901);
SELECT * FROM quay.quota_check('qu-org', uploads => true);
SELECT quay_internal.size_reserve((SELECT id FROM quay."user" WHERE username = 'qu-org'), 900);
SELECT * FROM quay.quota_check('qu-org', 1, uploads => true);
SELECT severity, usage_bytes FROM quay.quota_check('qu-org');
SELECT quota_id > 0 AS id, is_default, limit_bytes, usage_bytes, reserved_bytes, usage_percent, severity, threshold_percent, reject_bytes, default_limit_bytes
FROM quay.quota_get('qu-org');
SELECT pg_temp.try($$SELECT quay.quota_check('qu-org', -1)$$);
SELECT pg_temp.try($$SELECT quay.quota_check('qu-org', NULL)$$);
SELECT pg_temp.try($$SELECT quay.quota_check('qu-none')$$);
SELECT pg_temp.try($$SELECT quay.quota_check('qu-off')$$);
-- A limit that warns above one that rejects does not hide it; of one type the largest that is reached counts.
SELECT quay.quota_limit_add('qu-org', 'warning', 95) > 0 AS added, quay.quota_limit_add('qu-org', 'reject', 92) > 0 AS added,
       quay.quota_limit_add('qu-org', 'warning', 90) > 0 AS added, quay.quota_limit_add('qu-org', 'reject', 98) > 0 AS added;
SELECT a AS more, severity, threshold_percent, limit_bytes FROM unnest(ARRAY[0, 1, 901, 961, 1051, 1141, 9999]) AS a, quay.quota_check('qu-org', a);
SELECT reject_bytes FROM quay.quota_get('qu-org');
-- Shares are rounded down to whole bytes, and never too large to compute.
SELECT created FROM quay.quota_set('qu-bob', 9223372036854775807);
SELECT quay.quota_limit_add('qu-bob', 'reject', 100) > 0 AS added, quay.quota_limit_add('qu-bob', 'warning', 33) > 0 AS added;
SELECT type, percent, allowed_bytes FROM quay.quota_limit_list('qu-bob');
SELECT reject_bytes FROM quay.quota_get('qu-bob');
SELECT created, previous_limit_bytes FROM quay.quota_set('qu-bob', 10);
SELECT type, percent, allowed_bytes FROM quay.quota_limit_list('qu-bob');
SELECT severity, limit_bytes FROM unnest(ARRAY[2, 3, 9, 10]) AS a, quay.quota_check('qu-bob', a);
-- Switched off.
SET LOCAL quay.quota_management = off;
SELECT * FROM quay.quota_check('qu-bob', 10);
SELECT severity, reject_bytes, limit_bytes FROM quay.quota_get('qu-bob');
RESET quay.quota_management;
-- The default, for those without a quota: reached at it, not below.
SET LOCAL quay.default_reject_quota = '1MB';
SELECT * FROM quay.quota_get('qu-alice');
SELECT * FROM quay.quota_check('qu-alice', 1048575);
SELECT * FROM quay.quota_check('qu-alice', 1048576);
SELECT is_default, limit_bytes, default_limit_bytes FROM quay.quota_get('qu-bob');
SELECT count(*) AS own_limits FROM quay.quota_limit_list('qu-alice');
RESET quay.default_reject_quota;

-- Lists.
SELECT namespace, organization, enabled, limit_bytes, usage_bytes, usage_percent, severity, threshold_percent FROM quay.quota_list() WHERE namespace LIKE 'qu-%';
SELECT l.namespace FROM (SELECT min(quota_id) AS id FROM quay.quota_list() WHERE namespace LIKE 'qu-%') AS p, quay.quota_list(p.id, 1) AS l;
SELECT count(*) AS empty_page FROM quay.quota_list(n => 0);
SELECT pg_temp.try($$SELECT * FROM quay.quota_list(n => -1)$$);
SELECT name, state, size_bytes FROM quay.repository_size_list('qu-org', 'qu-one', 1);
UPDATE quay.repository SET state = 3 WHERE name = 'qu-one';
SELECT name, state, size_bytes FROM quay.repository_size_list('qu-org');
UPDATE quay.repository SET state = 0 WHERE name = 'qu-one';
SELECT pg_temp.try($$SELECT * FROM quay.repository_size_list('qu-none')$$);
SELECT pg_temp.try($$SELECT * FROM quay.repository_size_list('qu-off')$$);
SELECT pg_temp.try($$SELECT * FROM quay.repository_size_list('qu-org', n => -1)$$);
-- By size, each once, equal sizes too.
SELECT quay.repository_create('qu-bob', 'qu-b', 'qu-bob') > 0 AND quay.repository_create('qu-alice', 'qu-a', 'qu-alice') > 0 AS created;
SELECT pg_temp.push('qu-bob', 'qu-b', 'm6', 'e:7'), pg_temp.push('qu-alice', 'qu-a', 'm7', 'a:100');
WITH RECURSIVE pages AS (
    SELECT 1 AS page, l.* FROM quay.namespace_size_list(n => 1) AS l
    UNION ALL
    SELECT p.page + 1, l.* FROM pages AS p, quay.namespace_size_list(p.namespace, 1) AS l
)
SELECT namespace, size_bytes FROM pages WHERE namespace LIKE 'qu-%' ORDER BY page;
SELECT pg_temp.try($$SELECT * FROM quay.namespace_size_list('qu-none')$$);
SELECT pg_temp.try($$SELECT * FROM quay.namespace_size_list(n => -1)$$);

-- Counting anew: what was written while triggers were off.
SELECT before_bytes, after_bytes FROM quay.quota_recount('qu-bob');
SELECT after_bytes IS NOT NULL AS registry FROM quay.quota_recount();
SET LOCAL session_replication_role = replica;
SELECT pg_temp.push('qu-bob', 'qu-b', 'm8', 'e:7', 'f:2');
SET LOCAL session_replication_role = origin;
WITH forgotten AS (
    DELETE FROM quay_internal.blob_use AS u USING quay.imagestorage AS b
    WHERE b.id = u.blob_id AND b.content_checksum = 'sha256:' || encode(sha256('f:2'), 'hex') RETURNING u.*)
UPDATE quay_internal.size_counter AS c SET used = c.used - f.size FROM forgotten AS f
WHERE c.namespace_id = f.namespace_id AND c.repository_id = f.repository_id
  AND c.part = (SELECT min(p.part) FROM quay_internal.size_counter AS p WHERE p.namespace_id = f.namespace_id AND p.repository_id = f.repository_id);
SELECT before_bytes, after_bytes FROM quay.quota_recount('qu-bob');
SELECT pg_temp.try($$SELECT quay.quota_recount('qu-none')$$);
SELECT pg_temp.try($$SELECT quay.quota_recount('qu-off')$$);
-- In every namespace the counters are the sums over the distinct blobs, and not negative.
SELECT u.username, quay_internal.size_of(u.id) = coalesce(t.bytes, 0) AS exact
FROM quay."user" AS u
CROSS JOIN LATERAL (SELECT sum(s.image_size) AS bytes FROM quay.imagestorage AS s
                    WHERE s.id IN (SELECT m.blob_id FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
                                   WHERE r.namespace_user_id = u.id)) AS t
WHERE u.username LIKE 'qu-%' ORDER BY 1;

-- The registry: every blob, used or not; and the row that is shown.
DELETE FROM quay.quotaregistrysize;
SELECT after_bytes - before_bytes AS corrected FROM quay.quota_recount();   -- a blob that was written without triggers
SELECT after_bytes - before_bytes AS corrected FROM quay.quota_recount();
SELECT size_bytes = (SELECT sum(image_size) FROM quay.imagestorage) AS exact, queued, running, completed_ms, published_bytes FROM quay.registry_size();
SELECT quay.registry_size_publish() AS nobody_asked;
SELECT * FROM quay.registry_size_request();
SELECT * FROM quay.registry_size_request();
SELECT queued, running, completed_ms, published_bytes FROM quay.registry_size();
SELECT quay.registry_size_publish() = (SELECT size_bytes FROM quay.registry_size()) AS published;
SELECT queued, running, completed_ms, published_bytes = size_bytes AS published FROM quay.registry_size();
SELECT quay.registry_size_publish() AS nobody_asked;
SELECT quay.registry_size_publish(only_if_queued => false) = (SELECT size_bytes FROM quay.registry_size()) AS published;
-- A worker of the reference application that died half-way blocks nobody.
UPDATE quay.quotaregistrysize SET running = true;
SELECT * FROM quay.registry_size_request();
SELECT quay.registry_size_publish() > 0 AS published;
SELECT queued, running FROM quay.registry_size();
SELECT count(*) AS rows FROM quay.quotaregistrysize;

-- The sizes that the reference application shows.
CREATE VIEW pg_temp.shown AS
    SELECT u.username, NULL AS repository, s.size_bytes, s.backfill_start_ms, s.backfill_complete
    FROM quay.quotanamespacesize AS s JOIN quay."user" AS u ON u.id = s.namespace_user_id WHERE u.username LIKE 'qu-%'
    UNION ALL
    SELECT u.username, r.name, s.size_bytes, s.backfill_start_ms, s.backfill_complete
    FROM quay.quotarepositorysize AS s JOIN quay.repository AS r ON r.id = s.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username LIKE 'qu-%' ORDER BY 1, 2 NULLS FIRST;
INSERT INTO quay.quotanamespacesize (namespace_user_id, size_bytes, backfill_start_ms, backfill_complete)
SELECT id, 5, 17, false FROM quay."user" WHERE username = 'qu-bob';
UPDATE quay.repository SET state = 3 WHERE name = 'qu-three';
SELECT quay.robot_create('qu-alice', 'robot') IS NOT NULL AS robot;
SELECT next_after, namespaces >= 5 AS namespaces, repositories >= 5 AS repositories FROM quay.quota_publish();
TABLE pg_temp.shown;
SELECT completed_ms, published_bytes = size_bytes AS published FROM quay.registry_size();
-- Only what has changed is written again.
SELECT pg_temp.push('qu-alice', 'qu-a', 'm9', 'g:1');
SELECT * FROM quay.quota_publish();
SELECT * FROM quay.quota_publish();
-- In small steps.
DELETE FROM quay.quotanamespacesize; DELETE FROM quay.quotarepositorysize;
WITH RECURSIVE steps AS (
    SELECT p.* FROM quay.quota_publish(n => 2) AS p
    UNION ALL
    SELECT p.* FROM steps AS s, quay.quota_publish(s.next_after, 2) AS p WHERE s.next_after IS NOT NULL
)
SELECT max(namespaces) <= 2 AND max(repositories) <= 2 AS bounded, count(*) > 2 AS steps FROM steps;
SELECT count(*) FILTER (WHERE repository IS NULL) AS namespaces, count(repository) AS repositories FROM pg_temp.shown;
SELECT pg_temp.try($$SELECT quay.quota_publish(n => 0)$$);

-- Deleted, with its limits, states and the external notifications about quotas, not those about other things.
INSERT INTO quay.namespacenotification (uuid, namespace_id, event_id, method_id, config_json, event_config_json, number_of_failures)
SELECT gen_random_uuid()::text, u.id, e.id, m.id, '{}', '{}', 0
FROM quay."user" AS u, quay.externalnotificationevent AS e, quay.externalnotificationmethod AS m
WHERE u.username = 'qu-org' AND e.name IN ('quota_warning', 'quota_error', 'repo_push') AND m.name = 'webhook';
INSERT INTO quay.quotanotificationstate (namespace_id, threshold_percent) SELECT id, 77 FROM quay."user" WHERE username = 'qu-org';
SELECT quay.quota_delete('qu-org', actor => 'qu-alice', ip => '10.0.0.2') AS deleted, quay.quota_delete('qu-org') AS again;
SELECT (SELECT count(*) FROM quay.userorganizationquota AS q WHERE q.namespace_id = u.id) AS quotas,
       (SELECT count(*) FROM quay.quotanotificationstate AS s WHERE s.namespace_id = u.id) AS states,
       (SELECT string_agg(e.name, ', ') FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
        WHERE n.namespace_id = u.id) AS notifications
FROM quay."user" AS u WHERE u.username = 'qu-org';
SELECT count(*) AS limits FROM quay.quotalimits AS l WHERE NOT EXISTS (SELECT FROM quay.userorganizationquota AS q WHERE q.id = l.quota_id);
SELECT pg_temp.try($$SELECT quay.quota_delete('qu-none')$$);
SELECT pg_temp.try($$SELECT quay.quota_delete('qu-off')$$);
SELECT pg_temp.try($$SELECT quay.quota_delete('qu-org', actor => 'qu-none')$$);
SELECT usage_bytes, limit_bytes FROM quay.quota_get('qu-org');

SELECT * FROM pg_temp.audit;
ROLLBACK;
