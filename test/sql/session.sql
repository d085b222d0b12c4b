-- Sessions: beginning, reading, touching, ending.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-10 12:00:00+00';
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.at(seconds integer) RETURNS text LANGUAGE sql AS
    $$ SELECT set_config('quay.clock', ('2026-03-10 12:00:00+00'::timestamptz + seconds * interval '1 s')::text, true) $$;
CREATE FUNCTION pg_temp.live(token text) RETURNS TABLE (username text, data text, created_s bigint, touched_s bigint, expires_s bigint) LANGUAGE sql AS $$
    SELECT s.username, s.data::text, s.created_ms / 1000 - 1773144000, s.touched_ms / 1000 - 1773144000, s.expires_ms / 1000 - 1773144000
    FROM quay.session_get(token) AS s $$;
SELECT count(quay.user_create(u, 'password', u || '@session.example')) FROM unnest(ARRAY['ses-alice', 'ses-bob']) AS u;
SELECT quay.organization_create('ses-org', 'ses-org@session.example', 'ses-alice') > 0 AS org;

SELECT quay.session_create('ses-alice', '{"theme": "dark", "n": 1.0}', ip => '192.0.2.1', user_agent => repeat('agent ', 100)) AS t1 \gset
SELECT quay.session_create(NULL, '{"visitor": true}', 600) AS t2 \gset
SELECT quay.session_create('ses-bob', NULL, 100, 150) AS t3 \gset
SELECT length(:'t1'), :'t1' ~ '^[a-zA-Z0-9]+$' AS letters, :'t1' <> :'t2' AS random;
SELECT s.user_id = u.id AS his, s.session_id > 0 AS has_id FROM quay.session_get(:'t1') AS s JOIN quay."user" AS u ON u.username = 'ses-alice';
SELECT * FROM pg_temp.live(:'t1');
SELECT * FROM pg_temp.live(:'t2');
SELECT * FROM pg_temp.live(:'t3');
SELECT count(*) FROM quay.session_get('unknown');
SELECT count(*) FROM quay.session_get(repeat('x', 43));
SELECT count(*) FROM quay.session_get(NULL);
-- The token itself is nowhere.
SELECT count(*) FILTER (WHERE s::text LIKE '%' || :'t1' || '%') AS tokens, count(*) FILTER (WHERE s.digest = sha256(convert_to(:'t1', 'UTF8'))) AS digests FROM quay.session AS s;

SELECT quay.session_update(:'t1', '{"theme": "light"}'), quay.session_update('unknown', '{}'), quay.session_update(:'t2', NULL);
SELECT data FROM quay.session_get(:'t1');
SELECT data FROM quay.session_get(:'t2');
SELECT pg_temp.attempt(format($$SELECT quay.session_update(%L, to_json(repeat('x', 65535)))$$, :'t1'));
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-alice', to_json(repeat('x', 65535)))$$);
SELECT quay.session_update(:'t1', to_json(repeat('x', 65534)));
SELECT length(data #>> '{}') FROM quay.session_get(:'t1');
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-nobody')$$);
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-org')$$);
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-alice', ttl_s => 0)$$);
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-alice', maximum_s => 0)$$);
SELECT pg_temp.attempt($$SELECT quay.session_expire(NULL)$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.session_list('ses-nobody')$$);
SELECT pg_temp.attempt($$SELECT * FROM quay.session_list('ses-alice', n => -1)$$);
SELECT pg_temp.attempt($$SELECT quay.session_delete_user('ses-nobody')$$);

-- Touched, it lasts longer; not more often than quay.touch_interval, and not longer than at most.
SELECT quay.session_touch(:'t3') AS too_soon, quay.session_touch('unknown') AS unknown;
SELECT pg_temp.at(70) IS NOT NULL AS "70 s";
SELECT quay.session_touch_many(ARRAY[:'t3', :'t1', :'t3', 'unknown', NULL]);
SELECT * FROM pg_temp.live(:'t3');
SELECT pg_temp.at(149) IS NOT NULL AS "149 s";
SELECT quay.session_touch(:'t3');
SELECT username, expires_s FROM pg_temp.live(:'t3');
SELECT pg_temp.at(150) IS NOT NULL AS "150 s";
SELECT count(*) FROM quay.session_get(:'t3');
SELECT quay.session_touch(:'t3') AS expired, quay.session_update(:'t3', '{}') AS expired;
SELECT quay.session_expire(), quay.session_expire();

SELECT quay.session_create(NULL, ttl_s => 10) AS short \gset
SELECT pg_temp.at(155) IS NOT NULL AS "5 s later";
SELECT quay.session_touch(:'short'), quay.session_touch(:'short') AS again;
SELECT pg_temp.at(162) IS NOT NULL AS "12 s later";
SELECT expires_s FROM pg_temp.live(:'short');
SELECT quay.session_delete(:'short');

-- Signing out here, everywhere, elsewhere.
SELECT quay.session_delete(:'t2') AS visitor, quay.session_delete(:'t2') AS again, quay.session_delete(NULL) AS nothing;
SELECT quay.session_create('ses-alice', ip => '192.0.2.2') AS t4 \gset
SELECT quay.session_create('ses-alice', ip => '192.0.2.3') AS t5 \gset
SELECT ip, length(user_agent) AS agent, created_ms / 1000 - 1773144000 AS created_s FROM quay.session_list('ses-alice');
SELECT ip FROM quay.session_list('ses-alice', n => 1);
SELECT ip FROM quay.session_list('ses-alice', after => (SELECT min(session_id) FROM quay.session_list('ses-alice', n => 1)));
SELECT quay.session_delete_user('ses-bob', (SELECT max(session_id) FROM quay.session_list('ses-alice'))) AS not_his;
SELECT quay.session_delete_user('ses-alice', (SELECT max(session_id) FROM quay.session_list('ses-alice'))) AS one;
SELECT quay.session_create('ses-alice', ip => '192.0.2.4') AS t6 \gset
SELECT quay.session_delete_user('ses-alice', keep => :'t4') AS others;
SELECT ip FROM quay.session_list('ses-alice');
SELECT quay.session_delete_user('ses-alice') AS all_of_them;

-- A new password, signing out, disabling: they are over, and do not come back.
SELECT quay.session_create('ses-alice') AS t7 \gset
SELECT quay.user_password_set('ses-alice', 'newpassword') IS NOT NULL AS set;
SELECT count(*) FROM quay.session_get(:'t7');
SELECT count(*) FROM quay.session_list('ses-alice');
SELECT quay.session_create('ses-alice') AS t7 \gset
SELECT quay.user_session_revoke('ses-alice');
SELECT count(*) FROM quay.session_get(:'t7');
SELECT quay.session_create('ses-alice') AS t7 \gset
UPDATE quay."user" SET enabled = false WHERE username = 'ses-alice';
SELECT count(*) FROM quay.session_get(:'t7');
SELECT pg_temp.attempt($$SELECT quay.session_create('ses-alice')$$);
SELECT count(*) FROM quay.session_list('ses-alice');
UPDATE quay."user" SET enabled = true WHERE username = 'ses-alice';
SELECT count(*) FROM quay.session_get(:'t7');
-- A session that the trigger did not reach is over all the same: it is of somebody with another uuid.
SELECT quay.session_create('ses-alice') AS t8 \gset
SET LOCAL session_replication_role = replica;
UPDATE quay."user" SET enabled = false WHERE username = 'ses-alice';
SELECT count(*) FROM quay.session_get(:'t8');
UPDATE quay."user" SET enabled = true, uuid = gen_random_uuid()::text WHERE username = 'ses-alice';
SELECT count(*) FROM quay.session_get(:'t8');
UPDATE quay."user" SET uuid = NULL WHERE username = 'ses-alice';
SELECT count(*) FROM quay.session_get(:'t8');
SELECT quay.session_create('ses-alice') AS t9 \gset
SELECT username FROM quay.session_get(:'t9');
SELECT count(*) FROM quay.session_list('ses-alice');
SET LOCAL session_replication_role = origin;
-- Renamed, it is still he. Other changes end nothing.
SET LOCAL quay.user_rename = on;
UPDATE quay."user" SET username = 'ses-alicia', last_accessed = now() WHERE username = 'ses-alice';
SELECT username FROM quay.session_get(:'t9');

-- At most so many: the oldest goes.
SET LOCAL quay.session_maximum_count = 3;
SELECT count(quay.session_create('ses-bob', ip => i::text)) FROM generate_series(1, 5) AS i;
SELECT ip FROM quay.session_list('ses-bob');
SET LOCAL quay.session_maximum_count = 0;
SELECT count(quay.session_create('ses-bob', ip => i::text)) FROM generate_series(6, 7) AS i;
SELECT count(*) FROM quay.session_list('ses-bob');
-- Deleted with the person.
DELETE FROM quay."user" WHERE username = 'ses-bob';
SELECT count(*) FROM quay.session AS s WHERE NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = s.user_id);
ROLLBACK;
