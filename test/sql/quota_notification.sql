-- Notices of quotas: who is told what and when, and when again.
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
-- Pushes a manifest with one blob of so many bytes; then the push tells what it has reached.
CREATE FUNCTION pg_temp.push(namespace text, name text, bytes bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    target quay.repository;
    new_digest text := 'sha256:' || encode(sha256(convert_to('qn ' || push.name, 'UTF8')), 'hex');
    new_id bigint;
BEGIN
    SELECT r.* INTO target FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = push.namespace;
    INSERT INTO quay.imagestorage (uuid, image_size, uploading, cas_path, content_checksum)
    VALUES (gen_random_uuid()::text, bytes, false, true, new_digest);
    INSERT INTO quay.manifest (repository_id, digest, media_type_id, manifest_bytes)
    SELECT target.id, new_digest, t.id, '{}' FROM quay.mediatype AS t WHERE t.name = 'application/vnd.oci.image.manifest.v1+json'
    RETURNING id INTO new_id;
    PERFORM quay_internal.manifestblob_link(target.id, new_id, ARRAY[s.id]) FROM quay.imagestorage AS s WHERE s.content_checksum = new_digest;
    PERFORM quay_internal.quota_warn(target.namespace_user_id, push.namespace);
END
$$;
CREATE FUNCTION pg_temp.unpush(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone bigint := (SELECT m.id FROM quay.manifest AS m WHERE m.digest = 'sha256:' || encode(sha256(convert_to('qn ' || unpush.name, 'UTF8')), 'hex'));
BEGIN
    DELETE FROM quay.manifestblob WHERE manifest_id = gone;
    DELETE FROM quay.manifest WHERE id = gone;
END
$$;
CREATE FUNCTION pg_temp.listen(namespace text, VARIADIC events text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.namespacenotification (uuid, namespace_id, event_id, method_id, config_json, event_config_json, number_of_failures)
    SELECT gen_random_uuid()::text, u.id, e.id, m.id, '{}', '{}', 0
    FROM quay."user" AS u, quay.externalnotificationevent AS e, quay.externalnotificationmethod AS m
    WHERE u.username = namespace AND e.name = ANY (events) AND m.name = 'webhook'
$$;
CREATE VIEW pg_temp.notices AS
    SELECT k.name AS kind, u.username AS target, n.metadata_json, n.dismissed, n.created
    FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id JOIN quay."user" AS u ON u.id = n.target_id
    WHERE k.name LIKE 'quota\_%' AND u.username LIKE 'qn-%' ORDER BY n.id;
CREATE VIEW pg_temp.events AS
    SELECT q.queue_name, jsonb_pretty(q.body::jsonb -> 'event_data') AS data FROM quay.queueitem AS q
    WHERE q.queue_name LIKE 'notification/qn-%' ORDER BY q.id;
CREATE VIEW pg_temp.states AS
    SELECT u.username, s.threshold_percent, s.last_notified_at, s.cleared
    FROM quay.quotanotificationstate AS s JOIN quay."user" AS u ON u.id = s.namespace_id WHERE u.username LIKE 'qn-%' ORDER BY 1, 2;
\set told 'SELECT (SELECT count(*) FROM pg_temp.notices) AS notices, (SELECT count(*) FROM pg_temp.events) AS events;'
SELECT count(quay.user_create(n, 'password', n || '@qn.example')) FROM unnest(ARRAY['qn-alice', 'qn-bob', 'qn-carol', 'qn-off']) AS n;
SELECT quay.organization_create('qn-org', NULL, 'qn-alice') > 0 AS created;
SELECT quay.team_create('qn-org', 'admins', 'admin') > 0 AS admins, quay.team_create('qn-org', 'members', 'member') > 0 AS members;
SELECT count(quay.team_member_add('qn-org', t, u)) FROM (VALUES ('admins', 'qn-bob'), ('admins', 'qn-alice'), ('admins', 'qn-off'), ('members', 'qn-carol')) AS m (t, u);
SELECT quay.repository_create('qn-org', 'app', 'qn-alice') > 0 AND quay.repository_create('qn-carol', 'app', 'qn-carol') > 0 AS created;
UPDATE quay."user" SET enabled = false WHERE username = 'qn-off';
SELECT created FROM quay.quota_set('qn-org', 10240);
SELECT quay.quota_limit_add('qn-org', 'warning', 50) > 0 AND quay.quota_limit_add('qn-org', 'reject', 90) > 0 AS added;

-- Nothing is reached; without a quota there is nothing to reach.
SELECT pg_temp.push('qn-org', 'a', 5119);
SELECT pg_temp.push('qn-carol', 'b', 100000);
:told
-- Reached to the byte. The enabled administrators are told; without a channel nothing is claimed.
SELECT pg_temp.push('qn-org', 'c', 1);
TABLE pg_temp.notices;
TABLE pg_temp.states;
-- Once: not again by the next push, by whoever is told already, dismissed or not.
UPDATE quay.notification AS n SET dismissed = true FROM quay."user" AS u WHERE u.id = n.target_id AND u.username = 'qn-bob';
SELECT pg_temp.push('qn-org', 'd', 1);
:told
-- A channel that is disabled is none, nor is one for another event.
SELECT pg_temp.listen('qn-org', 'quota_error', 'repo_push');
SELECT pg_temp.listen('qn-org', 'quota_warning');
UPDATE quay.namespacenotification AS n SET number_of_failures = 3 FROM quay.externalnotificationevent AS e WHERE e.id = n.event_id AND e.name = 'quota_warning';
SELECT pg_temp.push('qn-org', 'e', 1);
:told
TABLE pg_temp.states;
-- A channel that comes later hears of what stands, once.
SELECT pg_temp.listen('qn-org', 'quota_warning');
SELECT pg_temp.push('qn-org', 'f', 1023);
SELECT pg_temp.push('qn-org', 'g', 1);
TABLE pg_temp.events;
TABLE pg_temp.states;
:told
-- After the cooldown again, if it still stands, also to who has dismissed the notice.
SET LOCAL quay.clock = '2026-03-02 11:59:59+00';
SELECT pg_temp.push('qn-org', 'h', 1);
:told
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT pg_temp.push('qn-org', 'i', 1);
:told
SELECT target, dismissed, created FROM pg_temp.notices;
TABLE pg_temp.states;
-- Below: the sweep clears, and the warnings within the registry go. At once when it is reached again.
SELECT count(pg_temp.unpush(n)::text) AS unpushed FROM unnest(ARRAY['c', 'd', 'e', 'f', 'g', 'h', 'i']) AS n;
SELECT namespaces >= 1 AS namespaces, told, cleared, next_after FROM quay.quota_notify_sweep();
SELECT told, cleared FROM quay.quota_notify_sweep();
TABLE pg_temp.states;
:told
SELECT pg_temp.push('qn-org', 'j', 2000);
:told
TABLE pg_temp.states;

-- What a push did not tell the sweep does: everything that is reached, not only the highest.
SELECT quay.quota_limit_add('qn-org', 'warning', 60) > 0 AS added;   -- told at once
:told
DELETE FROM quay.quotanotificationstate; DELETE FROM quay.notification;
SELECT told, cleared FROM quay.quota_notify_sweep();
SELECT queue_name FROM pg_temp.events OFFSET 4;
TABLE pg_temp.states;
-- In steps; disabled namespaces are seen and left alone.
SELECT created FROM quay.quota_set('qn-carol', 1000);
SELECT quay.quota_limit_add('qn-carol', 'warning', 1) > 0 AS added;
SELECT count(*) AS carol FROM pg_temp.notices WHERE target = 'qn-carol';
DELETE FROM quay.notification;
UPDATE quay."user" SET enabled = false WHERE username = 'qn-carol';
WITH RECURSIVE steps AS (
    SELECT p.* FROM quay.quota_notify_sweep(n => 1) AS p
    UNION ALL
    SELECT p.* FROM steps AS s, quay.quota_notify_sweep(s.next_after, 1) AS p WHERE s.next_after IS NOT NULL
)
SELECT count(*) > 2 AS steps, max(namespaces) AS namespaces FROM steps;
SELECT count(*) AS carol FROM pg_temp.notices WHERE target = 'qn-carol';
UPDATE quay."user" SET enabled = true WHERE username = 'qn-carol';
SELECT told FROM quay.quota_notify_sweep();
SELECT kind, target FROM pg_temp.notices WHERE target = 'qn-carol';
SELECT pg_temp.try($$SELECT quay.quota_notify_sweep(n => 0)$$);

-- A smaller quota: told at once, the new limit that it reaches. A larger one: forgotten.
DELETE FROM quay.quotanotificationstate; DELETE FROM quay.notification; DELETE FROM quay.queueitem WHERE queue_name LIKE 'notification/qn-%';
SELECT previous_limit_bytes FROM quay.quota_set('qn-org', 7119);
SELECT queue_name FROM pg_temp.events;
TABLE pg_temp.states;
SELECT kind, target FROM pg_temp.notices;
SELECT previous_limit_bytes FROM quay.quota_set('qn-org', 100000);
TABLE pg_temp.states;
-- What rejects is not taken back: something was refused.
SELECT kind, target FROM pg_temp.notices;
-- A limit that changes its percentage or its type tells anew; one that goes takes its state along.
SELECT previous_limit_bytes FROM quay.quota_set('qn-org', 10240);
:told
SELECT quay.quota_limit_set('qn-org', limit_id, percent => 65) AS changed FROM quay.quota_limit_list('qn-org') WHERE percent = 60;
TABLE pg_temp.states;
SELECT quay.quota_limit_set('qn-org', limit_id, 'reject') AS changed FROM quay.quota_limit_list('qn-org') WHERE percent = 65;
SELECT queue_name FROM pg_temp.events OFFSET 6;
SELECT quay.quota_limit_delete('qn-org', limit_id) AS deleted FROM quay.quota_limit_list('qn-org') WHERE percent = 65;
TABLE pg_temp.states;

-- A push that was refused. Its transaction leaves nothing, so the front end says so, once in a cooldown.
DELETE FROM quay.quotanotificationstate; DELETE FROM quay.notification; DELETE FROM quay.queueitem WHERE queue_name LIKE 'notification/qn-%';
SELECT split_part(pg_temp.try($$SELECT pg_temp.push('qn-org', 'k', 5000)$$), E'\n', 1) AS push;
:told
SELECT quay.quota_rejected('qn-org', 'app', 5000, actor => 'qn-bob', ip => '10.0.0.3') AS told;
SELECT quay.quota_rejected('qn-org', actor => 'qn-bob') AS again;
TABLE pg_temp.events;
SELECT kind, target FROM pg_temp.notices;
SELECT k.name, p.username, l.ip, l.metadata_json, l.repository_id = (SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = l.account_id) AS repository
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS p ON p.id = l.performer_id
WHERE k.name = 'push_repo_failed' AND p.username LIKE 'qn-%';
-- Its size is below the limit, so the sweep clears the state; that does not make a refusal news.
SELECT told, cleared FROM quay.quota_notify_sweep();
SELECT threshold_percent, cleared FROM pg_temp.states WHERE threshold_percent = 90;
SELECT quay.quota_rejected('qn-org') AS again;
SET LOCAL quay.clock = '2026-03-03 12:00:00+00';
SELECT quay.quota_rejected('qn-org') AS next_day;
-- The default quota of the registry, of which there is no row.
SET LOCAL quay.default_reject_quota = '1MB';
SELECT quay.quota_rejected('qn-alice', additional_bytes => 2000000) AS told, quay.quota_rejected('qn-alice') AS again;
SELECT kind, target FROM pg_temp.notices WHERE target = 'qn-alice' ORDER BY kind;
RESET quay.default_reject_quota;
-- Nothing rejects.
SELECT quay.quota_rejected('qn-alice') AS no_quota, quay.quota_rejected('qn-carol') AS only_warnings;
SET LOCAL quay.quota_management = off;
SELECT quay.quota_rejected('qn-org') AS switched_off;
SELECT pg_temp.push('qn-org', 'l', 9000);
SELECT told, cleared FROM quay.quota_notify_sweep();
RESET quay.quota_management;
SELECT pg_temp.try($$SELECT quay.quota_rejected('qn-none')$$);
SELECT pg_temp.try($$SELECT quay.quota_rejected('qn-off')$$);
SELECT pg_temp.try($$SELECT quay.quota_rejected('qn-org', actor => 'qn-none')$$);

-- A namespace that is above: the event is the one of the limit that rejects.
SELECT told FROM quay.quota_notify_sweep();
SELECT reached, type, percent, cleared FROM quay.quota_limit_list('qn-org');

-- Claims: thresholds are apart, a release forgets, and the reference application's rows are understood.
SELECT id AS owner FROM quay."user" WHERE username = 'qn-bob' \gset
SELECT quay_internal.quota_claim(:owner, 80) AS first, quay_internal.quota_claim(:owner, 80) AS second, quay_internal.quota_claim(:owner, 70) AS other;
SELECT quay_internal.quota_clear(:owner, 80) AS cleared, quay_internal.quota_clear(:owner, 80) AS again, quay_internal.quota_clear(:owner, 1) AS none;
SELECT quay_internal.quota_claim(:owner, 80, rejected => true) AS rejected, quay_internal.quota_claim(:owner, 80) AS claimed;
SELECT quay_internal.quota_release(:owner, 80) AS released, quay_internal.quota_release(:owner, 80) AS again, quay_internal.quota_claim(:owner, 80) AS claimed;
UPDATE quay.quotanotificationstate SET last_notified_at = NULL WHERE namespace_id = :owner AND threshold_percent = 80;
SELECT quay_internal.quota_claim(:owner, 80) AS never_told;
UPDATE quay.quotanotificationstate SET last_notified_at = last_notified_at - interval '1 day' WHERE namespace_id = :owner AND threshold_percent = 80;
SELECT quay_internal.quota_claim(:owner, 80) AS cooled_down;
SET LOCAL quay.quota_notification_cooldown = 0;
SELECT quay_internal.quota_claim(:owner, 80) AS no_cooldown;
RESET quay.quota_notification_cooldown;
-- A notice of the reference application counts.
DELETE FROM quay.notification; DELETE FROM quay.quotanotificationstate;
INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed)
SELECT gen_random_uuid()::text, k.id, u.id, m.json, '2026-03-01', false
FROM quay.notificationkind AS k, quay."user" AS u, (VALUES ('qn-alice', '{"namespace": "qn-org", "severity": "Reject"}'), ('qn-bob', 'broken')) AS m (name, json)
WHERE k.name = 'quota_error' AND u.username = m.name;
SELECT quay_internal.quota_notice_add(id, 'qn-org', 'quota_error') AS told FROM quay."user" WHERE username = 'qn-org';
SELECT target, metadata_json FROM pg_temp.notices;

-- A push never fails for a notice.
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no notice today'; END $$;
CREATE TRIGGER fail BEFORE INSERT ON quay.notification FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
DELETE FROM quay.notification;
SELECT quay_internal.quota_warn(id, 'qn-org') FROM quay."user" WHERE username = 'qn-org';
SELECT count(*) AS claims FROM pg_temp.states;   -- rolled back with it
ROLLBACK;
