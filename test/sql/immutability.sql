-- Immutability policies: patterns, policies of namespaces and repositories, the tags that they mark, preview and explanation.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.immutable_tags = on;
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
CREATE FUNCTION pg_temp.push(namespace text, repository text, VARIADIC tags text[]) RETURNS text LANGUAGE sql AS $$
    SELECT 'pushed ' || array_to_string(m.tags, ' ')
    FROM quay.manifest_put(namespace, repository, '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}', tags => tags) AS m $$;
CREATE FUNCTION pg_temp.repository(namespace text, name text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.repository_id FROM quay.repository_get(namespace, name) AS r $$;
-- Tags of the test, dead and hidden ones too. Ends in seconds after noon.
CREATE VIEW pg_temp.tags AS
    SELECT u.username || '/' || r.name AS repository, CASE WHEN t.hidden THEN '(hidden)' ELSE t.name END AS tag,
           CASE WHEN t.immutable THEN 'immutable' ELSE '-' END AS state, (t.lifetime_end_ms - 1772366400000) / 1000 AS "end"
    FROM quay.tag AS t JOIN quay.repository AS r ON r.id = t.repository_id JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username LIKE 'immut%' ORDER BY 1, 2, t.id;
CREATE VIEW pg_temp.log AS
    SELECT k.name AS kind, p.username AS performer, r.name AS repository, l.ip, l.metadata_json::jsonb - 'policy_uuid' AS metadata
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS u ON u.id = l.account_id
    LEFT JOIN quay."user" AS p ON p.id = l.performer_id LEFT JOIN quay.repository AS r ON r.id = l.repository_id
    WHERE u.username LIKE 'immut%' AND k.name ~ 'immutab' ORDER BY l.id;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('immut-alice', 'password1', 'immut-alice@example.com');
    PERFORM quay.organization_create('immut', 'immut@example.com', 'immut-alice');
    PERFORM quay.organization_create('immut-other', 'immut-other@example.com', 'immut-alice');
    PERFORM quay.repository_create('immut', 'app', 'immut-alice');
    PERFORM quay.repository_create('immut', 'base', 'immut-alice');
    PERFORM quay.repository_create('immut-other', 'app', 'immut-alice');
END $$;

-- patterns: the whole name; turned round; case; alternatives do not get out of their anchors
SELECT r.pattern, r.matches, string_agg(n.name, ' ' ORDER BY n.name) FILTER (WHERE quay_internal.policy_matches(
    jsonb_build_object('tag_pattern', r.pattern, 'tag_pattern_matches', r.matches)::text, n.name)) AS applies_to
FROM (VALUES ('[0-9]*', true), ('[0-9]*', false), ('v1|redis', true), ('v1|redis', false), ('V1', true), ('(?i)V1|REDIS', true), ('.*', true), ('.*', false),
             ('(', true), ('(', false), ('v1)|(?:r', true), ('(?q)v1', true), ('***=v1', true), ('(.)\1', false), ('', true), ('', false), (NULL, true), (NULL, false)) AS r (pattern, matches)
CROSS JOIN (VALUES ('123'), ('v1'), ('v12'), ('redis')) AS n (name)
GROUP BY r.pattern, r.matches ORDER BY r.pattern COLLATE "C" NULLS FIRST, r.matches DESC;
-- stored otherwise: no flag, a flag that is null, twice encoded, or nothing of use
SELECT p, quay_internal.policy_matches(p, 'v1') AS v1, quay_internal.policy_matches(p, 'x') AS x
FROM (VALUES ('{"tag_pattern": "v1"}'), ('{"tag_pattern": "v1", "tag_pattern_matches": null}'), ('"{\"tag_pattern\": \"v1\", \"tag_pattern_matches\": false}"'),
             ('{"tag_pattern": "v1", "tag_pattern_matches": "maybe"}'), ('{}'), ('[]'), ('"v1"'), ('1'), ('{'), ('')) AS p (p);

-- tags before there is a policy: with an end, dead, hidden, in another namespace
SELECT pg_temp.push('immut', 'app', 'v1', 'v2', 'latest', 'v3-old'), pg_temp.push('immut', 'base', 'v1', 'dev'), pg_temp.push('immut-other', 'app', 'v1');
SELECT quay.tag_delete('immut', 'app', 'v3-old');
SELECT FROM quay.tag_set('immut', 'app', 'v3', 'v1', expiration => '2026-03-02 12:00:00+00');
SELECT FROM quay.tag_set('immut', 'app', 'soon', 'v1', expiration => '2026-03-02 12:00:00+00');
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, tag_kind_id)
SELECT '$temp-v', t.repository_id, t.manifest_id, 1772366400000, 1772366400000 + 60000, true, t.tag_kind_id
FROM quay.tag AS t WHERE t.repository_id = pg_temp.repository('immut', 'app') AND t.name = 'v1';
INSERT INTO quay.repositorynotification (uuid, repository_id, event_id, method_id, config_json, event_config_json)
SELECT 'immut-notice', pg_temp.repository('immut', 'app'), e.id, m.id, '{}', '{}'
FROM quay.externalnotificationevent AS e, quay.externalnotificationmethod AS m WHERE e.name = 'repo_image_expiry' AND m.name = 'webhook';
INSERT INTO quay.tagnotificationsuccess (notification_id, tag_id, method_id)
SELECT n.id, t.id, n.method_id FROM quay.repositorynotification AS n JOIN quay.tag AS t ON t.repository_id = n.repository_id
WHERE n.uuid = 'immut-notice' AND t.name IN ('v3', 'soon');
TABLE pg_temp.tags;

-- what a policy would do, by pages, and in one repository; it changes nothing
SELECT repository, tag, lifetime_end_ms - 1772366400000 AS "end", digest = quay_internal.digest_compute('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}') AS digest
FROM quay.immutability_policy_preview('immut', 'v[0-9]+');
SELECT repository, tag FROM quay.immutability_policy_preview('immut', 'v[0-9]+', n => 2);
SELECT p.repository, p.tag FROM (SELECT cursor FROM quay.immutability_policy_preview('immut', 'v[0-9]+', n => 2) OFFSET 1) AS l,
    quay.immutability_policy_preview('immut', 'v[0-9]+', after => l.cursor, n => 2) AS p;
SELECT count(*) FROM (SELECT cursor FROM quay.immutability_policy_preview('immut', 'v[0-9]+') ORDER BY cursor DESC LIMIT 1) AS l,
    quay.immutability_policy_preview('immut', 'v[0-9]+', after => l.cursor) AS p;
SELECT repository, tag FROM quay.immutability_policy_preview('immut', 'v[0-9]+', false, 'base');
SELECT count(*) FROM quay.immutability_policy_preview('immut', 'v[0-9]+', n => 0);

-- a policy of the namespace marks what is alive and visible, and takes the ends away
SELECT tag_pattern, tag_pattern_matches, length(uuid), tags FROM quay.immutability_policy_create('immut', 'v[0-9]+', actor => 'immut-alice', ip => '10.0.0.1');
TABLE pg_temp.tags;
SELECT t.name FROM quay.tagnotificationsuccess AS s JOIN quay.tag AS t ON t.id = s.tag_id JOIN quay.repositorynotification AS n ON n.id = s.notification_id WHERE n.uuid = 'immut-notice';
SELECT policy FROM quay.namespaceimmutabilitypolicy AS p JOIN quay."user" AS u ON u.id = p.namespace_id WHERE u.username = 'immut';
SELECT pg_temp.attempt($$SELECT pg_temp.push('immut', 'app', 'v1')$$);
SELECT pg_temp.attempt($$SELECT quay.tag_delete('immut', 'base', 'v1')$$);
-- what is pushed now
SELECT pg_temp.push('immut', 'app', 'v4', 'rc'), pg_temp.push('immut-other', 'app', 'v4');
SELECT repository, tag, state FROM pg_temp.tags WHERE tag IN ('v4', 'rc');
-- in the repository another one, which keeps the ends if tags that are immutable may have one
SET LOCAL quay.immutable_tags_can_expire = on;
SELECT tag_pattern, tag_pattern_matches, tags FROM quay.immutability_policy_create('immut', 'latest|rc|dev', false, repository => 'app');
SET LOCAL quay.immutable_tags_can_expire = off;
SELECT repository, tag, state, "end" FROM pg_temp.tags WHERE repository = 'immut/app';
SELECT tag_pattern, tag_pattern_matches, problem FROM quay.immutability_policy_list('immut');
SELECT tag_pattern, tag_pattern_matches, problem FROM quay.immutability_policy_list('immut', 'app');
SELECT count(*) FROM quay.immutability_policy_list('immut', 'base');

-- the same pattern again, whichever way, is refused; in another place it is not
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v[0-9]+')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v[0-9]+', false)$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'latest|rc|dev', repository => 'app')$$);
SELECT tags FROM quay.immutability_policy_create('immut', 'v[0-9]+', repository => 'base');
SELECT tags FROM quay.immutability_policy_create('immut', 'none', tag_pattern_matches => NULL);
SELECT policy_id > lag(policy_id, 1, 0::bigint) OVER (), tag_pattern, tag_pattern_matches FROM quay.immutability_policy_list('immut');
SELECT p.tag_pattern FROM quay.immutability_policy_list('immut', n => 1) AS l, quay.immutability_policy_list('immut', after => l.policy_id) AS p;
SELECT uuid AS first FROM quay.immutability_policy_list('immut', n => 1) \gset
SELECT uuid AS in_app FROM quay.immutability_policy_list('immut', 'app') \gset
SELECT tag_pattern, tag_pattern_matches FROM quay.immutability_policy_get('immut', :'first');
SELECT count(*) FROM quay.immutability_policy_get('immut', :'first', 'app');
SELECT count(*) FROM quay.immutability_policy_get('immut-other', :'first');
SELECT tag_pattern FROM quay.immutability_policy_get('immut', :'in_app', 'app');

-- who decides: the first one that applies
SELECT scope, tag_pattern, tag_pattern_matches, applies, decides FROM quay.immutability_explain('immut', 'app', 'v9');
SELECT scope, tag_pattern, applies, decides FROM quay.immutability_explain('immut', 'app', 'rc');
SELECT scope, tag_pattern, applies, decides FROM quay.immutability_explain('immut', 'base', 'none');

-- a change marks what the new one applies to, and frees nothing; nor does a deletion
SELECT quay.immutability_policy_update('immut', :'first', 'rc', actor => 'immut-alice');
SELECT quay.immutability_policy_update('immut', :'first', 'rc', false);
SELECT quay.immutability_policy_update('immut', :'in_app', 'latest', repository => 'app');
SELECT pg_temp.attempt(format('SELECT quay.immutability_policy_update(%L, %L, %L)', 'immut', :'first', 'none'));
SELECT quay.immutability_policy_delete('immut', :'first', actor => 'immut-alice', ip => '10.0.0.1'), quay.immutability_policy_delete('immut', :'in_app', 'app');
SELECT repository, tag, state FROM pg_temp.tags WHERE state = 'immutable';
SELECT count(*) FROM quay.immutability_policy_list('immut', 'app');
SELECT pg_temp.push('immut', 'app', 'v5');
SELECT state FROM pg_temp.tags WHERE tag = 'v5';
TABLE pg_temp.log;

-- a row of the reference's database: more than one live row of a name, the one that counts becomes immutable
INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, tag_kind_id)
SELECT n.name, t.repository_id, t.manifest_id, 1772366400000, 1772366400000 + n.end_s * 1000, t.tag_kind_id
FROM quay.tag AS t, (VALUES ('twice', 60), ('twice', NULL), ('both', 60), ('both', 120)) AS n (name, end_s)
WHERE t.repository_id = pg_temp.repository('immut-other', 'app') AND t.name = 'v4';
SELECT tags FROM quay.immutability_policy_create('immut-other', 'twice|both');
SELECT tag, state, "end" FROM pg_temp.tags WHERE tag IN ('twice', 'both');
-- policies that another program stored
INSERT INTO quay.repositoryimmutabilitypolicy (uuid, repository_id, namespace_id, policy)
SELECT 'immut-' || p.ordinality, pg_temp.repository('immut-other', 'app'), u.id, p.policy
FROM quay."user" AS u, unnest(ARRAY['{"tag_pattern": "["}', '{"tag_pattern": "a(b)\\1", "tag_pattern_matches": false}', '{}', 'x', '"{\"tag_pattern\": \"odd\"}"']) WITH ORDINALITY AS p (policy)
WHERE u.username = 'immut-other';
SELECT uuid, tag_pattern, tag_pattern_matches, problem FROM quay.immutability_policy_list('immut-other', 'app');
SELECT uuid, applies, decides FROM quay.immutability_explain('immut-other', 'app', 'odd') WHERE scope = 'repository';
SELECT pg_temp.push('immut-other', 'app', 'anything');
SELECT tag, state FROM pg_temp.tags WHERE tag = 'anything';
SELECT u.username, quay_internal.namespace_has_immutability(u.id), quay_internal.namespace_has_immutable_tags(u.id)
FROM quay."user" AS u WHERE u.username LIKE 'immut%' ORDER BY u.username;

-- refused
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut-none', 'v')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v', repository => 'none')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v', actor => 'immut-none')$$);
SELECT pg_temp.attempt(format('SELECT quay.immutability_policy_create(%L, %L)', 'immut', pattern))
FROM (VALUES (''), (NULL), ('('), ('*'), ('[a'), ('v1\'), ('v1)|(?:r'), ('(a)\1'), ('v\\\2'), ('v1\b'), ('(?x)v 1'), ('***=v1'), ('***:v1'), ('v1(?#'), (repeat('v', 257))) AS p (pattern);
-- these two are none of them
SELECT pg_temp.attempt(format('SELECT quay.immutability_policy_create(%L, %L)', 'immut', pattern)) FROM (VALUES ('v\\1'), (repeat('w', 256))) AS p (pattern);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_update('immut', 'none', 'v')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_update('immut', 'none', 'v', repository => 'app')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_delete('immut', 'none')$$);
SELECT pg_temp.attempt(format('SELECT quay.immutability_policy_delete(%L, %L, %L)', 'immut', 'immut-1', 'app'));
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_preview('immut', '(')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_preview('immut', 'v', after => '5')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_preview('immut', 'v', n => -1)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_list('immut', n => NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_list('immut', 'none')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_explain('immut', 'none', 'v')$$);
SET LOCAL quay.immutable_tags = off;
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v')$$);
SET LOCAL quay.immutable_tags = on;
INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry)
SELECT u.id, '2026-03-01', 'registry.example.com' FROM quay."user" AS u WHERE u.username = 'immut';
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v')$$);
DELETE FROM quay.proxycacheconfig AS c USING quay."user" AS u WHERE u.id = c.organization_id AND u.username = 'immut';
INSERT INTO quay.orgmirrorconfig (organization_id, creation_date, external_registry_type, external_registry_url, external_namespace, external_registry_config,
                                  internal_robot_id, repository_filters, visibility_id, sync_interval)
SELECT u.id, '2026-03-01', 1, 'https://registry.example.com', 'x', '{}', u.id, '[]', v.id, 3600 FROM quay."user" AS u, quay.visibility AS v
WHERE u.username = 'immut' AND v.name = 'private';
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v', repository => 'app')$$);
UPDATE quay."user" SET enabled = false WHERE username = 'immut';
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_create('immut', 'v')$$);
SELECT pg_temp.attempt($$SELECT quay.immutability_policy_delete('immut', 'v')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.immutability_policy_list('immut')$$);
ROLLBACK;
