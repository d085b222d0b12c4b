-- When tags end, immutability, deleting for good: one tag, all tags of a manifest, and what excludes what.
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
\set VERBOSITY default
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('lifer', 'password1', 'lifer@example.com');
    PERFORM quay.repository_create('lifer', 'app', 'lifer');
END $$;
CREATE FUNCTION pg_temp.push(n text, VARIADIC tags text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('lifer', 'app', convert_to('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{"n":"' || n || '"}}', 'UTF8'), tags => tags)).digest; END $$;
CREATE FUNCTION pg_temp.n(digest text) RETURNS text LANGUAGE sql AS $$
    SELECT m.manifest_bytes::jsonb -> 'annotations' ->> 'n' FROM quay.manifest AS m WHERE m.digest = n.digest $$;
-- Moments as texts.
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS text LANGUAGE sql AS $$ SELECT to_char(to_timestamp(ms / 1000.0), 'YYYY-MM-DD HH24:MI:SS.MS') $$;
CREATE FUNCTION pg_temp.expire(tag text, expiration timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s -> %s', coalesce(pg_temp.at(previous_end_ms), 'never'), coalesce(pg_temp.at(lifetime_end_ms), 'never'))
    FROM quay.tag_set_expiration('lifer', 'app', tag, expiration, actor => 'lifer', ip => '10.0.0.1') $$;
CREATE VIEW pg_temp.log AS
    SELECT k.name AS kind, p.username AS actor, l.ip, l.metadata_json::jsonb - 'namespace' - 'repo' AS metadata
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE u.username = 'lifer' AND k.name IN ('change_tag_expiration', 'change_tag_immutability', 'permanently_delete_tag') ORDER BY l.id;
CREATE FUNCTION pg_temp.notice(tag text) RETURNS void LANGUAGE sql AS $$
    WITH notification AS (
        INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, title, config_json, event_config_json)
        SELECT gen_random_uuid()::text, r.id, (SELECT min(id) FROM quay.externalnotificationevent), (SELECT min(id) FROM quay.externalnotificationmethod), '', '{}', '{}'
        FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'lifer'
        RETURNING id)
    INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id)
    SELECT n.id, t.tag_id, (SELECT min(id) FROM quay.externalnotificationmethod) FROM notification AS n, quay.tag_find('lifer', 'app', notice.tag) AS t $$;
SELECT pg_temp.push('A', 'v1', 'v2') AS a, pg_temp.push('B', 'other') AS b \gset

-- bounds count from the start of the tag; within them the end is exact
SELECT pg_temp.expire('v1', '2026-03-01 12:00:01+00');
SELECT pg_temp.expire('v1', '2032-01-01');
SELECT pg_temp.expire('v1', '2026-03-08 12:00:00.25+00');
SET LOCAL quay.clock = '2026-03-01 12:30:00+00';
SELECT pg_temp.expire('v1', '2026-03-01 12:30:01+00');
-- the same again: no change and no entry; an expiry notice goes with the end that it was about
SELECT pg_temp.notice('v1');
SELECT pg_temp.expire('v1', '2026-03-01 13:00:00+00');
SELECT count(*) FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id WHERE t.name = 'v1';
SELECT pg_temp.expire('v1', NULL);
SELECT count(*) FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id WHERE t.name = 'v1';
SELECT pg_temp.expire('v1', NULL);
SELECT * FROM pg_temp.log;
-- bounds are settings
SET LOCAL quay.label_expiration_minimum = '2min';
SET LOCAL quay.label_expiration_maximum = '3h';
SELECT pg_temp.expire('v1', '2026-03-01 12:30:01+00');
SELECT pg_temp.expire('v1', '2026-03-05');
RESET quay.label_expiration_minimum;
RESET quay.label_expiration_maximum;
-- history and lists show an end to come
SELECT tag, pg_temp.at(lifetime_end_ms), live FROM quay.tag_history('lifer', 'app', 'v1');
SELECT name, pg_temp.at(lifetime_end_ms) FROM quay.tag_list('lifer', 'app') WHERE name = 'v1';
SET LOCAL quay.clock = '2026-03-01 15:00:00+00';
SELECT name FROM quay.tag_list('lifer', 'app');
-- what is over has no end to be set; what never was neither
SELECT count(*) FROM quay.tag_set_expiration('lifer', 'app', 'v1', '2026-04-01');
SELECT count(*) FROM quay.tag_set_expiration('lifer', 'app', 'never', NULL);
SELECT pg_temp.attempt($$SELECT pg_temp.expire('v2', '2026-03-01 15:00:00+00')$$);
SELECT pg_temp.attempt($$SELECT pg_temp.expire('v2', 'infinity')$$);
SELECT pg_temp.attempt($$SELECT pg_temp.expire('v2', '-infinity')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_set_expiration('lifer', 'none', 'v2', NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.tag_set_expiration('lifer', 'app', 'v2', '2026-04-01', actor => 'nobody')$$);
SET LOCAL quay.clock = '2028-03-01 12:00:00+00';
SELECT pg_temp.attempt($$SELECT pg_temp.expire('v2', '2028-04-01')$$);
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';

-- all tags of a manifest, hidden ones apart
SELECT pg_temp.push('A', 'v3') = :'a';
SELECT tag, pg_temp.at(previous_end_ms), pg_temp.at(lifetime_end_ms) FROM quay.manifest_set_expiration('lifer', 'app', :'a', '2026-03-02 12:00:10+00');
SELECT tag, pg_temp.at(previous_end_ms), pg_temp.at(lifetime_end_ms) FROM quay.manifest_set_expiration('lifer', 'app', :'a', '2026-03-05', actor => 'lifer');
SELECT count(*) FROM quay.manifest_set_expiration('lifer', 'app', 'sha256:unknown', '2026-03-05');
SELECT pg_temp.push('hidden') AS h \gset
SELECT count(*) FROM quay.manifest_set_expiration('lifer', 'app', :'h', '2026-03-05');
SELECT quay.manifest_set_immutable('lifer', 'app', :'h', true);
SELECT count(*) FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id WHERE m.digest = :'h' AND (t.immutable OR t.lifetime_end_ms > 1772456400000 + 3600000);
SELECT pg_temp.attempt(format('SELECT * FROM quay.manifest_set_expiration(%L, %L, %L, %L)', 'lifer', 'app', :'a', '2026-03-02 12:00:00+00'));

-- immutability: what it was; again without a write; unknown
SELECT quay.tag_set_immutable('lifer', 'app', 'other', true, 'lifer', '10.0.0.2'), quay.tag_set_immutable('lifer', 'app', 'other', true),
       quay.tag_set_immutable('lifer', 'app', 'other', false), quay.tag_set_immutable('lifer', 'app', 'never', true), quay.tag_set_immutable('lifer', 'app', 'v1', true);
SELECT * FROM pg_temp.log WHERE kind = 'change_tag_immutability';
SELECT pg_temp.attempt($$SELECT quay.tag_set_immutable('lifer', 'app', 'other', NULL)$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_set_immutable('lifer', 'app', 'x', NULL)$$);
-- a tag with an end cannot become immutable, nor an immutable one get an end
SELECT pg_temp.attempt($$SELECT quay.tag_set_immutable('lifer', 'app', 'v2', true)$$);
SET LOCAL quay.immutable_tags = on;
SELECT quay.tag_set_immutable('lifer', 'app', 'other', true);
SELECT pg_temp.attempt($$SELECT pg_temp.expire('other', '2026-04-01')$$);
SELECT pg_temp.expire('other', NULL);
SELECT pg_temp.attempt(format('SELECT * FROM quay.manifest_set_expiration(%L, %L, %L, %L)', 'lifer', 'app', :'b', '2026-04-01'));
SELECT pg_temp.attempt($$SELECT quay.tag_delete('lifer', 'app', 'other')$$);
-- unless the registry lets it
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT quay.tag_set_immutable('lifer', 'app', 'v2', true), pg_temp.expire('other', '2026-04-01');
SELECT name, immutable, pg_temp.at(lifetime_end_ms) FROM quay.tag_list('lifer', 'app');
SELECT quay.manifest_set_immutable('lifer', 'app', :'a', true);
SELECT name, immutable, pg_temp.at(lifetime_end_ms) FROM quay.tag_list('lifer', 'app', prefix => 'v');
SELECT quay.manifest_set_immutable('lifer', 'app', :'a', false);
SET LOCAL quay.immutable_tags_can_expire = off;
-- of a manifest all at once: those that become immutable lose their end, and that is recorded
SELECT quay.manifest_set_immutable('lifer', 'app', :'a', true), quay.manifest_set_immutable('lifer', 'app', 'sha256:unknown', true);
SELECT name, immutable, pg_temp.at(lifetime_end_ms) FROM quay.tag_list('lifer', 'app', prefix => 'v');
SELECT kind, actor, metadata FROM pg_temp.log WHERE metadata ->> 'tag' = 'v3';
SELECT quay.manifest_set_immutable('lifer', 'app', :'a', false);
-- what is immutable stays where it is; off: as any other
SELECT quay.tag_set_immutable('lifer', 'app', 'v2', true);
SELECT pg_temp.attempt($$SELECT pg_temp.push('B', 'v2')$$);
SET LOCAL quay.immutable_tags = off;
SELECT pg_temp.push('B', 'v2') = :'b';

-- the mark of rows that are over follows their end, whoever writes it; nothing is found wrong by it
CREATE VIEW pg_temp.marks AS
    SELECT t.name, pg_temp.at(t.lifetime_end_ms) AS "end", t.ended FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = 'lifer' AND NOT t.hidden ORDER BY t.id;
SELECT * FROM pg_temp.marks;
UPDATE quay.tag SET lifetime_end_ms = 1772452800000 WHERE name = 'v3' AND lifetime_end_ms IS NULL;
SELECT * FROM pg_temp.marks WHERE name = 'v3';
UPDATE quay.tag SET lifetime_end_ms = 1772712000000 WHERE name = 'v3';
SELECT * FROM pg_temp.marks WHERE name = 'v3';
SELECT name FROM quay.tag_list('lifer', 'app', prefix => 'v3');
-- each new end marks what has reached its own
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
SELECT name FROM quay.tag_list('lifer', 'app', prefix => 'v3');
SELECT pg_temp.expire('v2', '2026-03-20');
SELECT * FROM pg_temp.marks WHERE name = 'v3';

-- deleting for good: needs the setting
SELECT pg_temp.attempt($$SELECT quay.tag_delete_permanently('lifer', 'app', 'v2')$$);
SET LOCAL quay.permanently_delete_tags = on;
-- a live tag: out of reach at once, its rows stay for now, visible
INSERT INTO quay.tagpullstatistics (repository_id, tag_name, tag_pull_count, last_tag_pull_date)
SELECT r.id, t, 3, '2026-03-01' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id, unnest(ARRAY['v2', 'w', 'x']) AS t WHERE u.username = 'lifer';
SELECT quay.tag_delete_permanently('lifer', 'app', 'v2', actor => 'lifer', ip => '10.0.0.3'), quay.tag_delete_permanently('lifer', 'app', 'v2'), quay.tag_delete_permanently('lifer', 'app', 'never');
SELECT pg_temp.n(digest), pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms) FROM quay.tag_history('lifer', 'app', 'v2');
SELECT status FROM quay.tag_find('lifer', 'app', 'v2');
SELECT tag, pg_temp.n(digest) FROM quay.tag_restorable_list('lifer', 'app', 'v2');
SELECT metadata - 'manifest_digest' AS metadata, pg_temp.n(metadata ->> 'manifest_digest') AS n, actor, ip FROM pg_temp.log WHERE kind = 'permanently_delete_tag';
-- periods that are over: those with that manifest, each with an end of its own; a live tag and other manifests stay
SELECT pg_temp.push('C', 'w') AS c \gset
SET LOCAL quay.clock = '2026-03-10 12:00:10+00';
SELECT pg_temp.push('D', 'w') AS d \gset
SET LOCAL quay.clock = '2026-03-10 12:00:20+00';
SELECT pg_temp.push('C', 'w') = :'c';
SET LOCAL quay.clock = '2026-03-10 12:00:30+00';
SELECT pg_temp.push('D', 'w') = :'d';
SET LOCAL quay.clock = '2026-03-10 12:00:40+00';
SELECT quay.tag_delete_permanently('lifer', 'app', 'w', :'c'), quay.tag_delete_permanently('lifer', 'app', 'w', :'c'), quay.tag_delete_permanently('lifer', 'app', 'w', 'sha256:unknown');
SELECT pg_temp.n(digest), pg_temp.at(lifetime_start_ms), pg_temp.at(lifetime_end_ms), live FROM quay.tag_history('lifer', 'app', 'w');
SELECT tag, pg_temp.n(digest) FROM quay.tag_restorable_list('lifer', 'app', 'w');
-- pulls are counted by name: they go with the last of it
SELECT tag_name FROM quay.tagpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'lifer' ORDER BY 1;
-- immutable: false, alive or not
SET LOCAL quay.immutable_tags = on;
SELECT quay.tag_set_immutable('lifer', 'app', 'w', true), quay.tag_delete_permanently('lifer', 'app', 'w');
SELECT status FROM quay.tag_find('lifer', 'app', 'w');
UPDATE quay.tag SET lifetime_end_ms = 1773144039000 WHERE name = 'w' AND immutable;
SELECT quay.tag_delete_permanently('lifer', 'app', 'w', :'d');
SELECT count(*) FILTER (WHERE immutable), count(*) FROM quay.tag_restorable_list('lifer', 'app', 'w');
SET LOCAL quay.immutable_tags = off;
SELECT quay.tag_delete_permanently('lifer', 'app', 'w', :'d');
SELECT count(*) FROM quay.tag_restorable_list('lifer', 'app', 'w');
-- what ended before the time that the namespace keeps removed tags is gone anyhow
SELECT pg_temp.push('C', 'x') = :'c', quay.tag_delete('lifer', 'app', 'x');
UPDATE quay."user" SET removed_tag_expiration_s = 0 WHERE username = 'lifer';
SELECT quay.tag_delete_permanently('lifer', 'app', 'x', :'c');
UPDATE quay."user" SET removed_tag_expiration_s = 1209600 WHERE username = 'lifer';
-- the temporary tags of what an index lists
CREATE FUNCTION pg_temp.list(VARIADIC children text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN RETURN (quay.manifest_put('lifer', 'app', convert_to(format('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}',
        (SELECT string_agg(format('{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"%s","size":%s}', m.digest, octet_length(m.manifest_bytes)), ',')
         FROM quay.manifest AS m WHERE m.digest = ANY (children))), 'UTF8'), tags => ARRAY['list'])).digest; END $$;
SELECT pg_temp.push('child') AS child \gset
SELECT pg_temp.list(:'child') AS list \gset
CREATE VIEW pg_temp.temporary AS
    SELECT pg_temp.at(t.lifetime_end_ms) AS "end" FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
    WHERE t.hidden AND pg_temp.n(m.digest) = 'child';
SET LOCAL quay.reset_child_manifest_expiration = off;
SELECT quay.tag_delete_permanently('lifer', 'app', 'list');
SELECT * FROM pg_temp.temporary;
SELECT pg_temp.list(:'child') = :'list', quay.tag_delete_permanently('lifer', 'app', 'list', include_children => true);
SELECT * FROM pg_temp.temporary;
UPDATE quay.tag SET lifetime_end_ms = 1773147640000 WHERE hidden AND manifest_id = (SELECT id FROM quay.manifest WHERE digest = :'child');
SELECT pg_temp.list(:'child') = :'list', quay.tag_delete('lifer', 'app', 'list'), quay.tag_delete_permanently('lifer', 'app', 'list', :'list', true);
SELECT * FROM pg_temp.temporary;
-- deleting: with the setting, exactly the temporary tags of the children, now
UPDATE quay.tag SET lifetime_end_ms = 1773147640000 WHERE hidden AND manifest_id = (SELECT id FROM quay.manifest WHERE digest = :'child');
SELECT pg_temp.list(:'child') = :'list', quay.tag_delete('lifer', 'app', 'list');
SELECT * FROM pg_temp.temporary;
SET LOCAL quay.reset_child_manifest_expiration = on;
SELECT pg_temp.list(:'child') = :'list', quay.tag_delete('lifer', 'app', 'list');
SELECT * FROM pg_temp.temporary;
-- pulls of a deleted tag are forgotten only where they are counted
SELECT pg_temp.push('C', 'x') = :'c';
SET LOCAL quay.image_pull_stats = off;
INSERT INTO quay.tagpullstatistics (repository_id, tag_name, tag_pull_count, last_tag_pull_date)
SELECT r.id, 'x', 3, '2026-03-01' FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'lifer' ON CONFLICT DO NOTHING;
SELECT quay.tag_delete_permanently('lifer', 'app', 'x');
SELECT pg_temp.push('C', 'x') = :'c', quay.tag_delete('lifer', 'app', 'x');
SELECT count(*) FROM quay.tagpullstatistics WHERE tag_name = 'x';
SET LOCAL quay.image_pull_stats = on;
SELECT pg_temp.push('C', 'x') = :'c', quay.tag_delete('lifer', 'app', 'x');
SELECT count(*) FROM quay.tagpullstatistics WHERE tag_name = 'x';

-- the state of the repository
UPDATE quay.repository AS r SET state = 1 FROM quay."user" AS u WHERE u.id = r.namespace_user_id AND u.username = 'lifer';
SELECT pg_temp.attempt($$SELECT pg_temp.expire('w', '2026-04-01')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.manifest_set_expiration('lifer', 'app', 'x', '2026-04-01')$$);
SELECT pg_temp.attempt($$SELECT quay.tag_set_immutable('lifer', 'app', 'w', true)$$);
SELECT pg_temp.attempt($$SELECT quay.manifest_set_immutable('lifer', 'app', 'x', true)$$);
SELECT pg_temp.attempt($$SELECT quay.tag_delete_permanently('lifer', 'app', 'w')$$);
ROLLBACK;
