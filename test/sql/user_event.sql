-- Events of users: published, read behind a position, kept for a while.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
SELECT count(quay.user_create(n, 'password', n || '@ue.example')) FROM unnest(ARRAY['ue-alice', 'ue-bob']) AS n;
SELECT quay.event_position('ue-alice') AS none_yet, quay.event_position('ue-nobody') AS nobody, (SELECT count(*) FROM quay.event_read('ue-alice')) AS events, (SELECT count(*) FROM quay.event_read('ue-nobody')) AS of_nobody;
SELECT quay.event_publish('ue-alice', 'docker-cli', '{"action": "login"}') AS one \gset
SELECT quay.event_publish('ue-bob', 'docker-cli', '{"action": "pull_repo"}') > :one AS other_user;
SELECT quay.event_publish('ue-alice', 'docker-cli', jsonb_build_object('action', 'push', 'long', repeat('x', 20000))) AS two \gset
SELECT quay.event_publish('ue-alice', 'test') AS three \gset
SELECT :one < :two AND :two < :three AS in_order, quay.event_position('ue-alice') = :three AS position;
SELECT event_id = :one AS first, event, left(data::text, 40) AS data, length(data::text) AS length, created_ms FROM quay.event_read('ue-alice');
SELECT event FROM quay.event_read('ue-alice', after => :two);
SELECT count(*) AS nothing_new FROM quay.event_read('ue-alice', after => :three);
SELECT e.events, (SELECT count(*) FROM quay.event_read('ue-alice', e.events)) AS found FROM unnest(ARRAY['{docker-cli}', '{test}', '{docker-cli,test}', '{none}', '{}', NULL]) AS t (list), LATERAL (SELECT t.list::text[] AS events) AS e;
SELECT event_id = :two AS second FROM quay.event_read('ue-alice', '{docker-cli}', after => :one, n => 1);
SELECT count(*) AS no_page, (SELECT count(*) FROM quay.event_read('ue-alice', after => NULL)) AS from_the_start FROM quay.event_read('ue-alice', n => 0);
SELECT quay.event_publish('ue-nobody', 'test') AS nobody;
-- Under a new name he keeps his events; who takes the old one has none.
UPDATE quay."user" SET username = 'ue-alicia' WHERE username = 'ue-alice';
SELECT quay.event_position('ue-alicia') = :three AS renamed, quay.event_position('ue-alice') AS old_name;
SET LOCAL quay.user_events = off;
SELECT quay.event_publish('ue-alicia', 'test') AS off, quay.event_position('ue-alicia') = :three AS unchanged;
RESET quay.user_events;
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $$SELECT quay.event_publish('ue-bob', NULL)$$, $$SELECT quay.event_publish('ue-bob', '')$$, $$SELECT quay.event_publish('ue-bob', 'a b')$$, $$SELECT quay.event_publish('ue-bob', repeat('a', 61))$$,
    $$SELECT quay.event_publish('ue-bob', 'test', NULL)$$, $$SELECT quay.event_publish('ue-bob', 'test', '[]')$$, $$SELECT quay.event_read('ue-bob', n => -1)$$, $$SELECT quay.event_expire(0)$$]) AS s;

-- Bounded by age
SELECT quay.event_expire() AS too_young;
SET LOCAL quay.clock = '2026-03-01 12:05:01+00';
SELECT quay.event_publish('ue-bob', 'test') IS NOT NULL AS ok;
SELECT quay.event_expire(3) AS three, quay.event_expire(3) AS rest, quay.event_expire(3) AS none;
SELECT count(*) AS left, quay.event_position('ue-alicia') AS position FROM quay.event_read('ue-bob');
SELECT quay.event_publish('ue-alicia', 'test') > :three AS goes_on, (SELECT count(*) FROM quay.event_read('ue-alicia', after => :three)) AS seen_in_this_statement;
SELECT count(*) AS behind_the_old_position FROM quay.event_read('ue-alicia', after => :three);
SET LOCAL quay.user_event_lifetime = '1h';
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.event_expire() AS kept_longer;
-- Bounded by number, of each user
SET LOCAL quay.user_event_limit = 20;
SELECT count(quay.event_publish('ue-bob', 'test', jsonb_build_object('n', i))) FROM generate_series(1, 400) AS i;
SELECT count(*) BETWEEN 20 AND 320 AS about, (array_agg(data ->> 'n' ORDER BY event_id DESC))[1] AS newest, max((data ->> 'n')::integer) - min((data ->> 'n')::integer) + 1 = count(*) AS without_gaps FROM quay.event_read('ue-bob');
SELECT count(*) AS others_are_kept FROM quay.event_read('ue-alicia');
ROLLBACK;
