-- State of the security scanner: who gets what when, results, retries, notices, reports to be dropped.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.scan_reindex_interval = '1h';
SET LOCAL quay.scan_timeout = '6h';
SET LOCAL quay.scan_maximum_retries = 2;
-- Runs a statement and shows how it fails.
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.blob(namespace text, repository text, content text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE digest text := 'sha256:' || encode(sha256(convert_to(content, 'UTF8')), 'hex');
BEGIN
    PERFORM quay.upload_finish(namespace, repository, (quay.upload_start(namespace, repository)).upload, digest, convert_to(content, 'UTF8'));
    RETURN digest;
END $$;
-- An image with two layers of that type, pushed under a tag that tells it apart.
CREATE FUNCTION pg_temp.push(repository text, name text, layer_type text DEFAULT 'application/vnd.oci.image.layer.v1.tar+gzip') RETURNS text LANGUAGE plpgsql AS $$
DECLARE config text := pg_temp.blob('scanned', repository, name || '-config'); lower text := pg_temp.blob('scanned', repository, 'lower'); upper text := pg_temp.blob('scanned', repository, name);
BEGIN
    RETURN (quay.manifest_put('scanned', repository, convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        '"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},'
        '"layers":[{"mediaType":"%s","digest":"%s","size":5,"urls":["https://example.com/lower"]},{"mediaType":"%s","digest":"%s","size":%s,"urls":["https://example.com/upper"]}]}',
        config, length(name) + 7, layer_type, lower, layer_type, upper, length(name)), 'UTF8'),
        tags => ARRAY[name])).digest;
END $$;
\a\t
DO $$ BEGIN
    DELETE FROM quay_internal.scan_orphan;
    PERFORM quay.user_create('scanned', 'password1', 'scanned@example.com');
    PERFORM quay.repository_create('scanned', 'app', 'scanned');
    PERFORM quay.repository_create('scanned', 'fork', 'scanned');
END $$;
-- What is claimed, under the claim of this name.
CREATE TABLE pg_temp.claim (name text, manifest_id bigint, claim text);
CREATE FUNCTION pg_temp.take(state text, n integer DEFAULT 20) RETURNS TABLE (name text, first_scan boolean, retries integer) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY WITH taken AS (SELECT t.name::text, c.* FROM quay.scan_claim(state, n) AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id AND NOT t.hidden),
        kept AS (INSERT INTO pg_temp.claim SELECT t.name, t.manifest_id, t.claim FROM taken AS t)
        SELECT t.name, t.first_scan, t.retries FROM taken AS t ORDER BY t.name;
END $$;
-- The latest claim of that name reports.
CREATE FUNCTION pg_temp.report(of text, status text, state text DEFAULT NULL, error jsonb DEFAULT NULL, count_retry boolean DEFAULT true) RETURNS text LANGUAGE sql AS $$
    SELECT r::text FROM (SELECT * FROM pg_temp.claim AS c WHERE c.name = of ORDER BY c.ctid DESC LIMIT 1) AS c,
        quay.scan_report(c.manifest_id, c.claim, report.status, state, error, report.count_retry) AS r $$;
CREATE FUNCTION pg_temp.digest(repository text, tag text) RETURNS text LANGUAGE sql AS $$ SELECT digest FROM quay.tag_resolve('scanned', repository, tag) $$;
CREATE FUNCTION pg_temp.state(tag text) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', s.index_status, nullif(s.indexer_hash, ''), s.last_indexed, s.error_json, s.metadata_json::jsonb - 'claim')
    FROM quay.manifestsecuritystatus AS s JOIN quay.tag AS t ON t.manifest_id = s.manifest_id WHERE t.name = tag $$;

-- A push waits for the scanner; the newest come first
SELECT pg_temp.push('app', 'one') AS one \gset
SET LOCAL quay.clock = '2026-03-01 12:01:00+00';
SELECT pg_temp.push('app', 'two') AS two \gset
SELECT digest = :'one', status, index_status, has_report, indexer_hash, last_indexed, error, retries FROM quay.scan_get('scanned', 'app', :'one');
SELECT count(*) FROM quay.scan_get('scanned', 'app', 'sha256:0');
SELECT * FROM quay.scan_backlog('s1');
SELECT name, first_scan, retries FROM pg_temp.take('s1', 1);
SELECT status, index_status FROM quay.scan_get('scanned', 'app', :'two');
SELECT namespace, repository, digest = :'one', media_type, jsonb_pretty(layers), first_scan, retries FROM quay.scan_claim('s1', 5);
SELECT count(*) FROM quay.scan_claim('s1');
SELECT * FROM quay.scan_backlog('s1');
-- a result, and whether it is the first
SELECT pg_temp.report('two', 'completed', 's1');
SELECT pg_temp.state('two');
SELECT status, index_status, has_report, indexer_hash, last_indexed FROM quay.scan_get('scanned', 'app', :'two');
SELECT pg_temp.report('two', 'completed', 's1');                   -- only once

-- A worker that is too late has lost its claim; one that asks for more time has not
SET LOCAL quay.clock = '2026-03-01 18:00:00+00';
SELECT count(*) FROM quay.scan_claim('s1');
SET LOCAL quay.clock = '2026-03-01 18:01:01+00';
SELECT * FROM quay.scan_backlog('s1');
SELECT name, first_scan, retries FROM pg_temp.take('s1');
SET LOCAL quay.clock = '2026-03-02 00:00:00+00';
SELECT quay.scan_extend(manifest_id, claim), quay.scan_extend(manifest_id, 'other') FROM pg_temp.claim WHERE name = 'one';
SET LOCAL quay.clock = '2026-03-02 01:00:00+00';
SELECT count(*) FROM quay.scan_claim('s1');
SELECT r.* FROM pg_temp.claim AS c, quay.scan_report(c.manifest_id, 'other', 'completed', 's1') AS r WHERE c.name = 'one';
SELECT r.* FROM quay.scan_report(0, 'other', 'completed', 's1') AS r;
-- given back unscanned
SELECT pg_temp.report('one', 'pending');
SELECT pg_temp.state('one');
SELECT name FROM pg_temp.take('s1');

-- Failures: again after the interval, twice in one state of the scanner, and no more. What could not be reached does not count.
SELECT pg_temp.report('one', 'failed', 's1', '{"error":"non-200 response"}');
SELECT pg_temp.state('one');
SELECT status, index_status, has_report, error, retries FROM quay.scan_get('scanned', 'app', :'one');
SELECT count(*) FROM quay.scan_claim('s1');
SET LOCAL quay.clock = '2026-03-02 02:00:01+00';
SELECT retry FROM quay.scan_backlog('s1');
SELECT * FROM pg_temp.take('s1');
SELECT pg_temp.report('one', 'failed', 's1', '{"error":"no connection"}', count_retry => false);
SET LOCAL quay.clock = '2026-03-02 04:00:00+00';
SELECT * FROM pg_temp.take('s1');
SELECT pg_temp.report('one', 'failed', 's1');
SET LOCAL quay.clock = '2026-03-02 06:00:00+00';
SELECT * FROM pg_temp.take('s1');
SELECT pg_temp.state('one');
SELECT status, index_status, retries FROM quay.scan_get('scanned', 'app', :'one');
SET LOCAL quay.clock = '2026-03-03 06:00:00+00';
SELECT count(*) FROM quay.scan_claim('s1');
-- the scanner has changed: both are scanned anew, failures count from the beginning, and a report is still there meanwhile
SELECT outdated FROM quay.scan_backlog('s2');
SELECT * FROM pg_temp.take('s2');
SELECT status, index_status, has_report FROM quay.scan_get('scanned', 'app', :'two');
SELECT pg_temp.report('one', 'failed', 's2'), pg_temp.report('two', 'failed', 's2');
SELECT pg_temp.state('one');
SELECT pg_temp.state('two');
SELECT has_report FROM quay.scan_get('scanned', 'app', :'two');
SET LOCAL quay.clock = '2026-03-03 08:00:00+00';
SELECT * FROM pg_temp.take('s2');
SELECT pg_temp.report('one', 'completed', 's2'), pg_temp.report('two', 'completed', 's2');
SELECT pg_temp.state('two');
-- but not at once after it was scanned, and not if it is too large
SELECT count(*) FROM quay.scan_claim('s3');
SET LOCAL quay.clock = '2026-03-03 10:00:00+00';
SELECT name FROM pg_temp.take('s3', 1);
SELECT name FROM pg_temp.take('s3', 1);
SELECT count(*) FROM quay.scan_claim('s3');
SELECT pg_temp.report('one', 'layer_too_large'), pg_temp.report('two', 'unsupported');
SELECT pg_temp.state('one');
SELECT status, index_status, has_report FROM quay.scan_get('scanned', 'app', :'one');
SELECT status, index_status FROM quay.scan_get('scanned', 'app', :'two');
SET LOCAL quay.clock = '2026-03-05 10:00:00+00';
SELECT count(*) FROM quay.scan_claim('s4');
-- of the reference: a word in place of the state
UPDATE quay.manifestsecuritystatus AS s SET index_status = -4, indexer_hash = 'server_error', metadata_json = '{"retry_count": 5, "last_failed_hash": "s4"}'
FROM quay.tag AS t WHERE t.manifest_id = s.manifest_id AND t.name = 'one';
UPDATE quay.manifestsecuritystatus AS s SET index_status = -1, indexer_hash = 'server_error', metadata_json = 'not json'
FROM quay.tag AS t WHERE t.manifest_id = s.manifest_id AND t.name = 'two';
SELECT * FROM pg_temp.take('s4');
SELECT * FROM pg_temp.take('s5');
SELECT pg_temp.report('two', 'completed', 's5'), pg_temp.report('one', 'completed', 's5');

-- Scanned anew on request, which the worker at it does not stand in the way of
SELECT quay.scan_reset('scanned', 'app', :'one'), quay.scan_reset('scanned', 'app', 'sha256:0');
SELECT pg_temp.state('one');
SELECT name, first_scan FROM pg_temp.take('s5');
SELECT quay.scan_reset('scanned', 'app', :'one');
SELECT pg_temp.report('one', 'completed', 's5');
DELETE FROM quay.manifestsecuritystatus AS s USING quay.manifest AS m WHERE m.id = s.manifest_id AND m.digest = :'one';
SELECT quay.scan_reset('scanned', 'app', :'one');
SELECT name FROM pg_temp.take('s5');
SELECT pg_temp.attempt($$SELECT quay.scan_reset('scanned', 'none', 'sha256:0')$$);

-- What is not for the scanner: an index, an artifact, an image of which a layer is not here. A layer that registries do not keep is no matter.
SELECT pg_temp.push('app', 'artifact', 'application/vnd.acme.rocket') AS artifact, pg_temp.push('app', 'foreign', 'application/vnd.oci.image.layer.nondistributable.v1.tar') AS "foreign",
       pg_temp.push('app', 'lost') AS lost \gset
SELECT (quay.manifest_put('scanned', 'app', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', 'UTF8'), tags => ARRAY['index'])).digest AS index \gset
DELETE FROM quay.imagestorageplacement AS p USING quay.imagestorage AS b WHERE b.id = p.storage_id AND b.content_checksum = 'sha256:' || encode(sha256('lost'), 'hex');
SELECT name FROM pg_temp.take('s5');
SELECT t.name, s.index_status FROM quay.manifestsecuritystatus AS s JOIN quay.tag AS t ON t.manifest_id = s.manifest_id WHERE t.name IN ('artifact', 'foreign', 'lost', 'index') ORDER BY 1;
SELECT * FROM quay.scan_layer_type_list();
-- the lowest layer of Docker schema 1 is the last
SELECT digest, media_type FROM quay_internal.scan_layers('{"fsLayers":[{"blobSum":"upper"},{"blobSum":"lower"}]}') ORDER BY place;

-- Manifests without a row: the newest by themselves, older ones by a sweep; placeholders have none
DELETE FROM quay.manifestsecuritystatus;
INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes) SELECT m.repository_id, 'sha256:placeholder', m.media_type_id, '' FROM quay.manifest AS m WHERE m.digest = :'one';
SELECT name, first_scan FROM pg_temp.take('s5');
DELETE FROM quay.manifestsecuritystatus;
SELECT sum(added), count(last_id) FROM quay.scan_backfill((SELECT min(m.id) - 1 FROM quay.manifest AS m WHERE m.digest IN (:'one', :'two')), 1);
SELECT sum(added), max(last_id) = (SELECT max(m.id) FROM quay.manifest AS m) FROM quay.scan_backfill();
SELECT count(*) FROM quay.scan_backfill((SELECT max(m.id) FROM quay.manifest AS m));
SELECT * FROM quay.scan_counts();
DELETE FROM quay.manifest WHERE digest = 'sha256:placeholder';

-- Whom to tell: each manifest once, whatever the number of notifications, but not of those that are disabled
SELECT pg_temp.push('fork', 'one') = :'one';
SELECT count(*) FROM quay.scan_notify_find(:'one');
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json, number_of_failures)
SELECT 'scan' || x.i, r.id, e.id, m.id, '{}', x.config, x.failures
FROM (VALUES (1, 'app', '{"vulnerability":{"priority":"High"}}', 0), (2, 'app', '{"vulnerability":{"priority":"Low"}}', 0), (3, 'app', 'bad', 0), (4, 'fork', '{}', 3)) AS x (i, name, config, failures)
JOIN quay.repository AS r ON r.name = x.name JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.username = 'scanned', quay.externalnotificationevent AS e, quay.externalnotificationmethod AS m
WHERE e.name = 'vulnerability_found' AND m.name = 'webhook';
SELECT namespace, repository, severities, tags FROM quay.scan_notify_find(:'one');
UPDATE quay.repositorynotification SET number_of_failures = 0 WHERE uuid = 'scan4';
SELECT namespace, repository, severities, tags FROM quay.scan_notify_find(:'one', n => 1);
SELECT namespace, repository, severities, tags FROM quay.scan_notify_find(:'one', (SELECT min(m.manifest_id) FROM quay.scan_notify_find(:'one') AS m));
SELECT quay.scan_notify('scanned', 'app', '{"tags":["one"],"vulnerability":{"id":"CVE-1","priority":"High"}}'), quay.scan_notify('scanned', 'fork', NULL);
SELECT q.queue_name, q.body::jsonb - 'performer_data' FROM quay.queueitem AS q WHERE q.queue_name LIKE 'notification/scanned/%/vulnerability_found/' ORDER BY q.body::jsonb ->> 'notification_uuid';

-- Reports to be dropped: when the last manifest of a digest goes
SELECT name FROM pg_temp.take('s6') WHERE name = 'one';
SELECT pg_temp.report('one', 'completed', 's6');
DELETE FROM quay_internal.scan_orphan;
CREATE FUNCTION pg_temp.forget(repository text, tag text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE gone bigint := (SELECT manifest_id FROM quay.tag_resolve('scanned', forget.repository, forget.tag));
BEGIN
    DELETE FROM quay.tag AS t WHERE t.manifest_id = gone; DELETE FROM quay.manifestblob AS b WHERE b.manifest_id = gone;
    DELETE FROM quay.manifestsecuritystatus AS s WHERE s.manifest_id = gone; DELETE FROM quay.manifest AS m WHERE m.id = gone;
END $$;
SELECT index_status FROM quay.scan_get('scanned', 'fork', :'one');
UPDATE quay.manifestsecuritystatus SET index_status = 2, metadata_json = '{}';
SELECT pg_temp.forget('fork', 'one');
SELECT count(*) FROM quay_internal.scan_orphan;
SELECT count(*) FROM quay.scan_orphan_take();                      -- app has it too
SELECT count(*) FROM quay_internal.scan_orphan;
SELECT pg_temp.forget('app', 'one'), pg_temp.forget('app', 'two');
UPDATE quay.manifestsecuritystatus AS s SET index_status = 0 FROM quay.tag AS t WHERE t.manifest_id = s.manifest_id AND t.name = 'lost';
SELECT pg_temp.forget('app', 'lost');                              -- never scanned
SELECT digest = :'one' AS one, digest = :'two' AS two FROM quay.scan_orphan_take(1);
SELECT digest, lease FROM quay.scan_orphan_take(lease_seconds => 60) \gset orphan_
SELECT count(*) FROM quay.scan_orphan_take();
-- not confirmed in time: handed out again, and the first lease is over
SET LOCAL quay.clock = '2026-03-05 10:01:00+00';
SELECT digest, lease FROM quay.scan_orphan_take() \gset again_
SELECT :'orphan_digest' = :'again_digest', :'orphan_lease' = :'again_lease';
SELECT quay.scan_orphan_confirm(:'orphan_lease', ARRAY[:'orphan_digest']), quay.scan_orphan_confirm(:'again_lease', ARRAY[:'again_digest', 'sha256:0']);
-- pushed and scanned again while its report is dropped: scanned anew
SET LOCAL quay.clock = '2026-03-05 11:00:00+00';
SELECT digest, lease FROM quay.scan_orphan_take() \gset orphan_
SELECT pg_temp.push('app', CASE WHEN :'orphan_digest' = :'one' THEN 'one' ELSE 'two' END) = :'orphan_digest';
UPDATE quay.manifestsecuritystatus AS s SET index_status = 2, indexer_hash = 's6' FROM quay.manifest AS m WHERE m.id = s.manifest_id AND m.digest = :'orphan_digest';
SELECT quay.scan_orphan_confirm(:'orphan_lease', ARRAY[:'orphan_digest']);
SELECT index_status, has_report FROM quay.scan_get('scanned', 'app', :'orphan_digest');
SELECT count(*) FROM quay_internal.scan_orphan;
-- while a worker is at it: its report may still come
SELECT pg_temp.push('app', 'three') = (SELECT digest FROM quay.scan_claim('s6', 1) LIMIT 1);
SELECT pg_temp.forget('app', 'three');
SELECT count(*) FROM quay.scan_orphan_take();
SET LOCAL quay.clock = '2026-03-05 17:00:00+00';
SELECT count(*) FROM quay.scan_orphan_take();

-- Bad arguments
SELECT pg_temp.attempt('SELECT quay.scan_claim(NULL)');
SELECT pg_temp.attempt($$SELECT quay.scan_claim(repeat('x', 129))$$);
SELECT pg_temp.attempt($$SELECT quay.scan_claim('s1', 0)$$);
SELECT pg_temp.attempt($$SELECT quay.scan_report(1, 'x', 'great')$$);
SELECT pg_temp.attempt($$SELECT quay.scan_report(1, 'x', 'completed')$$);
SELECT pg_temp.attempt('SELECT quay.scan_backfill(n => 0)');
SELECT pg_temp.attempt($$SELECT quay.scan_notify_find('x', n => -1)$$);
SELECT left(pg_temp.attempt('SELECT quay.scan_orphan_take(0)'), 5);
SELECT pg_temp.attempt('SELECT quay.scan_orphan_take(1, 0)');
ROLLBACK;
