-- The work queue: putting, taking in either order, extending, completing, releasing, cancelling, dead letters, counts.
\pset null NULL
\set VERBOSITY default
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
BEGIN;
DELETE FROM quay.queueitem;
SET quay.clock = '2026-03-01 12:00:00+00';
-- What a session got, by body, so that no id or claim is printed
CREATE TEMPORARY TABLE got (item_id bigint, claim text, path text[], body text, retries_remaining integer, at serial);
CREATE FUNCTION pg_temp.take(queue text, processing_s double precision DEFAULT 300, ordered boolean DEFAULT false, n integer DEFAULT 1, prefix text[] DEFAULT '{}')
    RETURNS TABLE (path text[], body text, retries_remaining integer) LANGUAGE sql AS $$
    WITH g AS (INSERT INTO got SELECT * FROM quay.queue_get(queue, processing_s, ordered, n, prefix) RETURNING *)
    SELECT g.path, g.body, g.retries_remaining FROM g ORDER BY g.at $$;
CREATE FUNCTION pg_temp.item(body text) RETURNS bigint LANGUAGE sql AS $$ SELECT g.item_id FROM got AS g WHERE g.body = item.body ORDER BY at DESC LIMIT 1 $$;
CREATE FUNCTION pg_temp.claim(body text) RETURNS text LANGUAGE sql AS $$ SELECT g.claim FROM got AS g WHERE g.body = claim.body ORDER BY at DESC LIMIT 1 $$;
CREATE VIEW pg_temp.items AS
SELECT q.queue_name, q.body, q.available, q.available_after, q.processing_expires, q.retries_remaining, q.state_id ~ '^[0-9a-f-]{36}$' AS fresh
FROM quay.queueitem AS q ORDER BY q.id;

\echo -- put and get
SELECT quay.queue_put('q', '{acme,app}', 'one') > 0 AS put;
SELECT quay.queue_put(queue => 'q', path => '{acme,app}', body => 'two', delay_s => 60, retries => 2) > 0 AS put;
SELECT quay.queue_put('q', '{acme,/lib/}', 'three', -10) > 0 AS put;
SELECT quay.queue_put('q', '{}', '') > 0 AS put;
TABLE pg_temp.items;
SELECT * FROM pg_temp.take('q', n => 10) ORDER BY body;
SELECT * FROM pg_temp.take('q');
SELECT * FROM pg_temp.take('nothing');
SET quay.clock = '2026-03-01 12:01:00+00';
SELECT * FROM pg_temp.take('q', 0.5);
SELECT body, available, processing_expires, retries_remaining FROM pg_temp.items;
\echo -- the claim is the state of the row
SELECT count(*) FROM got AS g JOIN quay.queueitem AS q ON q.id = g.item_id AND q.state_id = g.claim;
\echo -- a lease that has a fraction of a second, and the next claim
SET quay.clock = '2026-03-01 12:01:00.4+00';
SELECT * FROM pg_temp.take('q');
SET quay.clock = '2026-03-01 12:01:00.5+00';
SELECT * FROM pg_temp.take('q', 0.5);
\echo -- the last one is used up: dead when it ends, and never handed out again
SELECT state FROM quay.queue_item_get(pg_temp.item('two'));
SET quay.clock = '2026-03-01 12:01:01+00';
SELECT * FROM pg_temp.take('q');
SELECT state, queue, path, body, retries_remaining, processing_expires FROM quay.queue_item_get(pg_temp.item('two'));
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- extend: not below the minimum, not backwards; a body alone; and always a new state
SELECT quay.queue_put('q', '{acme}', 'x') > 0 AS put;
SELECT * FROM pg_temp.take('q', 100);
SELECT quay.queue_extend(pg_temp.item('x'), pg_temp.claim('x'), 119), quay.queue_extend(pg_temp.item('x'), pg_temp.claim('x'), 10);
SELECT processing_expires, fresh FROM pg_temp.items;
SELECT quay.queue_extend(pg_temp.item('x'), pg_temp.claim('x'), 121);
SELECT processing_expires, fresh FROM pg_temp.items;
SELECT quay.queue_extend(item_id => pg_temp.item('x'), claim => pg_temp.claim('x'), processing_s => 10, body => 'page 2');
SELECT processing_expires, body, fresh FROM pg_temp.items;
SELECT quay.queue_extend(pg_temp.item('x'), pg_temp.claim('x'), 130, minimum_s => 5);
SELECT processing_expires FROM pg_temp.items;
SELECT split_part(state_id, '+', 2) AS extensions FROM quay.queueitem;
\echo -- with another claim, or none, nothing works, nor on an item that is gone
SELECT quay.queue_extend(pg_temp.item('x'), 'x', 1000), quay.queue_extend(pg_temp.item('x'), NULL, 1000), quay.queue_extend(0, pg_temp.claim('x'), 1000);
SELECT quay.queue_complete(pg_temp.item('x'), 'x'), quay.queue_complete(pg_temp.item('x'), NULL), quay.queue_complete(0, 'x');
SELECT quay.queue_release(pg_temp.item('x'), 'x'), quay.queue_release(pg_temp.item('x'), NULL), quay.queue_release(0, 'x');
\echo -- after it expired: still his until somebody takes it
SET quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.queue_extend(pg_temp.item('x'), pg_temp.claim('x'), 100);
SET quay.clock = '2026-03-01 14:00:00+00';
SELECT * FROM pg_temp.take('q');
SELECT quay.queue_complete(item_id, claim) FROM got WHERE body = 'x';
SELECT quay.queue_complete(pg_temp.item('page 2'), pg_temp.claim('page 2')), quay.queue_complete(pg_temp.item('page 2'), pg_temp.claim('page 2'));
DELETE FROM got;

\echo -- release: with delay, with the retry restored, at once, growing
SELECT quay.queue_put('q', '{acme}', 'r', retries => 3) > 0 AS put;
SELECT * FROM pg_temp.take('q', 1000);
SELECT quay.queue_release(pg_temp.item('r'), pg_temp.claim('r'));
SELECT available, available_after, processing_expires, retries_remaining, fresh FROM pg_temp.items;
SELECT quay.queue_release(pg_temp.item('r'), pg_temp.claim('r'));
SET quay.clock = '2026-03-01 14:05:00+00';
SELECT * FROM pg_temp.take('q');
SELECT quay.queue_release(item_id => pg_temp.item('r'), claim => pg_temp.claim('r'), delay_s => -1, restore_retry => true);
SELECT * FROM pg_temp.take('q');
SELECT quay.queue_release(pg_temp.item('r'), pg_temp.claim('r'), 10, backoff => 4, retries => 3);
SELECT available_after FROM pg_temp.items;
SET quay.clock = '2026-03-01 14:06:00+00';
SELECT * FROM pg_temp.take('q');
SELECT quay.queue_release(pg_temp.item('r'), pg_temp.claim('r'), 10, backoff => 4, retries => 3, maximum_s => 100);
SELECT available_after, retries_remaining FROM pg_temp.items;
SELECT quay_internal.queue_backoff(10, 2, t, 100) FROM unnest(ARRAY[-1, 0, 1, 2, 3, 4, 5, 1000]) AS t;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- cancel, also while it runs
SELECT quay.queue_put('q', '{acme}', 'c') > 0 AS put;
SELECT * FROM pg_temp.take('q');
SELECT quay.queue_cancel(pg_temp.item('c')), quay.queue_cancel(pg_temp.item('c'));
SELECT quay.queue_extend(pg_temp.item('c'), pg_temp.claim('c'), 1000), quay.queue_complete(pg_temp.item('c'), pg_temp.claim('c')), quay.queue_release(pg_temp.item('c'), pg_temp.claim('c'));
DELETE FROM got;

\echo -- in order: one of a path at a time, the lowest id first; others meanwhile
SELECT count(quay.queue_put('b', p.path, p.body)) FROM (VALUES (1, '{acme,app}'::text[], 'a1'), (2, '{acme,app}', 'a2'), (3, '{acme,lib}', 'l1'), (4, '{acme,app}', 'a3'), (5, '{acme,app,x}', 'x1')) AS p (i, path, body);
SELECT * FROM pg_temp.take('b', ordered => true);
SELECT * FROM pg_temp.take('b', ordered => true);
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
SELECT running_paths, available_paths, available_not_running_paths, running, available FROM quay.queue_metrics('b');
SELECT quay.queue_complete(pg_temp.item('a1'), pg_temp.claim('a1'));
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
\echo -- one that is released comes before those put later, when it is due again
SELECT quay.queue_release(pg_temp.item('a2'), pg_temp.claim('a2'), 10);
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
SELECT quay.queue_release(pg_temp.item('a3'), pg_temp.claim('a3'), -60);
SET quay.clock = '2026-03-01 14:06:10+00';
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
\echo -- the last try of an item blocks its path as well
SELECT quay.queue_put('b', '{z}', 'z1', retries => 1) > 0 AS put, quay.queue_put('b', '{z}', 'z2') > 0 AS put;
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
SELECT * FROM pg_temp.take('b', ordered => true, n => 5);
DELETE FROM quay.queueitem; DELETE FROM got;
\echo -- a path with many items in front of others
SELECT count(*) FROM quay.queue_put_many('b', array_fill('big/one'::text, ARRAY[3000]), ARRAY(SELECT 'big' || i FROM generate_series(1, 3000) AS i));
SELECT count(*) FROM quay.queue_put_many('b', '{small/a,small/b,small/a}', '{s1,s2,s3}');
SELECT * FROM pg_temp.take('b', ordered => true, n => 5) ORDER BY body;
SELECT * FROM pg_temp.take('b', ordered => true, n => 5) ORDER BY body;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- prefixes are exact: neither case nor _ nor % nor half a part
SELECT count(*) FROM quay.queue_put_many('q', '{foo_bar/x,fooXbar/x,FOO_BAR/x,foo_ba/x,foo_barbar/x,foo%/x,foo_bar/xx,foo_bar/x/y}',
    '{1,2,3,4,5,6,7,8}');
SELECT * FROM pg_temp.take('q', prefix => '{foo_bar,x}', n => 10);
SELECT * FROM pg_temp.take('q', prefix => '{foo%}', n => 10);
SELECT * FROM pg_temp.take('q', prefix => '{foo_bar}', n => 10, ordered => true);
SELECT * FROM pg_temp.take('q', prefix => '{FOO}', n => 10);
SELECT quay.queue_alive_count('q', '{foo_bar}'), quay.queue_alive_count('q', '{/foo_bar}'), quay.queue_alive_count('q', '{foo}'), quay.queue_alive_count('q');
SELECT quay.queue_namespace_delete('foo_bar', 'q', '{x}'), quay.queue_namespace_delete('foo_bar', 'q');
SELECT queue_name FROM pg_temp.items;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- many at once: ids by place, all or none; unique paths
SELECT place, item_id IS NULL AS missing FROM quay.queue_put_many('q', '{a/b,c}', '{1,2}');
SELECT * FROM quay.queue_put_many('q', '{}', '{}');
SELECT place, item_id IS NULL AS missing FROM quay.queue_put_many('q', '{a/b,d,d,c,e}', '{3,4,5,6,7}', unique_path => true);
SELECT quay.queue_put('q', '{e}', '8', unique_path => true), quay.queue_put('q', '{f}', '9', 60, unique_path => true) > 0 AS put;
SELECT quay.queue_put('q', '{f}', '9', unique_path => true);
SELECT queue_name, body FROM pg_temp.items;
\echo -- one that runs for the last time is used, a dead one is not
SELECT quay.queue_put('u', '{p}', 'last', retries => 1) > 0 AS put;
SELECT * FROM pg_temp.take('u', 10);
SELECT quay.queue_put('u', '{p}', 'next', unique_path => true);
SET quay.clock = '2026-03-01 14:07:00+00';
SELECT quay.queue_put('u', '{p}', 'next', unique_path => true) > 0 AS put;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- completing many: only with their claims
SELECT count(*) FROM quay.queue_put_many('q', '{a,b,c}', '{1,2,3}');
SELECT count(*) FROM pg_temp.take('q', n => 3);
SELECT count(*) FROM quay.queue_complete_many(ARRAY[pg_temp.item('1'), pg_temp.item('2'), pg_temp.item('3'), NULL], ARRAY[pg_temp.claim('1'), 'x', pg_temp.claim('3'), 'y']);
SELECT body FROM pg_temp.items;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- namespaces take turns: one with many items does not keep others waiting
SELECT count(*) FROM quay.queue_put_many('f', array_fill('big/app'::text, ARRAY[5000]), array_fill('{}'::text, ARRAY[5000]));
SELECT count(*) FROM quay.queue_put_many('f', '{small/a,tiny/a,small/b,tiny/b}', '{1,2,3,4}');
SELECT path[1] AS namespace, count(*) FROM (SELECT (g).path FROM (SELECT quay.queue_get('f') AS g FROM generate_series(1, 6)) AS g) AS g GROUP BY 1 ORDER BY 1;
SELECT path[1] AS namespace, count(*) FROM (SELECT (g).path FROM (SELECT quay.queue_get('f', ordered => true) AS g FROM generate_series(1, 6)) AS g) AS g GROUP BY 1 ORDER BY 1;
SELECT count(quay.queue_put('h', '{p}', i::text)) FROM generate_series(1, 100) AS i;
SELECT count(DISTINCT g.body) FROM (SELECT (quay.queue_get('h')).body FROM generate_series(1, 100)) AS g;
DELETE FROM quay.queueitem;

\echo -- what the workers of the reference do counts: their claims, their releases, their extensions
INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining) VALUES ('ref/acme/', 'r1', '2026-03-01 14:00:00', true, 5);
UPDATE quay.queueitem SET available = false, processing_expires = '2026-03-01 14:10:00', retries_remaining = 4, state_id = 'odd' WHERE state_id = '';
SELECT * FROM pg_temp.take('ref');
UPDATE quay.queueitem SET processing_expires = '2026-03-01 14:06:00', state_id = '';
SELECT * FROM pg_temp.take('ref');
UPDATE quay.queueitem SET available = true, available_after = '2026-03-01 14:00:00', state_id = '';
SELECT quay.queue_complete(pg_temp.item('r1'), pg_temp.claim('r1')), quay.queue_complete(pg_temp.item('r1'), '');
SELECT * FROM pg_temp.take('ref', 10);
UPDATE quay.queueitem SET processing_expires = '2026-03-01 15:10:00', state_id = 'other';
SET quay.clock = '2026-03-01 14:30:00+00';
SELECT * FROM pg_temp.take('ref');
SELECT quay.queue_extend(pg_temp.item('r1'), pg_temp.claim('r1'), 10000);
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- dead letters: kept, listed, tried again, thrown away when they are old, and only they
SELECT count(quay.queue_put('d', ARRAY['acme', i::text], 'd' || i, retries => 1)) FROM generate_series(1, 4) AS i;
SELECT quay.queue_put('d', '{acme,live}', 'live') > 0, quay.queue_put('d', '{acme,later}', 'later', 86400) > 0 AS put;
SELECT * FROM pg_temp.take('d', n => 5) ORDER BY body;
SELECT quay.queue_release(pg_temp.item('d1'), pg_temp.claim('d1'));
SELECT path, dead_since FROM quay.queue_dead_list('d');
SET quay.clock = '2026-03-01 14:40:00+00';
SELECT path, dead_since FROM quay.queue_dead_list('d');
SELECT path FROM quay.queue_dead_list('d', after => pg_temp.item('d1'), n => 2);
SELECT queue_name, running, available, waiting, dead, oldest_s FROM quay.queue_metrics('d');
SELECT quay.queue_dead_retry(pg_temp.item('d4')), quay.queue_dead_retry(pg_temp.item('d4')), quay.queue_dead_retry(0), quay.queue_dead_retry(pg_temp.item('live'));
SELECT * FROM pg_temp.take('d', 100000, n => 5) ORDER BY body;
SELECT quay.queue_expire(10);
SET quay.clock = '2026-03-08 14:34:59+00';
SELECT quay.queue_expire(10);
SET quay.clock = '2026-03-08 14:40:00+00';
SELECT quay.queue_expire(1), quay.queue_expire(), quay.queue_expire();
SELECT body, retries_remaining FROM pg_temp.items;
SET quay.queue_dead_lifetime = 0;
SELECT quay.queue_expire();
SELECT body, retries_remaining FROM pg_temp.items;
RESET quay.queue_dead_lifetime;
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- counting
SET quay.clock = '2026-03-01 12:00:00+00';
SELECT count(*) FROM quay.queue_put_many('c', '{acme/app,acme/app,acme/lib,other/app}', '{1,2,3,4}');
SELECT count(*) FROM quay.queue_put_many('c', '{acme/app,acme/wait}', '{5,6}', 100);
SELECT * FROM quay.queue_metrics('c');
SELECT count(*) FROM pg_temp.take('c', n => 2, prefix => '{acme,app}');
SET quay.clock = '2026-03-01 12:00:20+00';
SELECT * FROM quay.queue_metrics('c');
SELECT * FROM quay.queue_metrics('c', 1);
SELECT queue_name FROM quay.queue_metrics() WHERE available > 0 OR queue_name = 'notification';
SELECT quay.queue_alive('c', '{acme,app}'), quay.queue_alive('c', '{acme,lib}'), quay.queue_alive('c', '{acme,wait}'), quay.queue_alive('c', '{acme}'), quay.queue_alive('c', '{Acme,lib}');
SELECT count(*) FROM quay.queue_complete_many(ARRAY(SELECT item_id FROM got ORDER BY at), ARRAY(SELECT claim FROM got ORDER BY at));
SELECT quay.queue_alive('c', '{acme,app}');
SELECT quay.queue_available_count('c'), quay.queue_available_count('c', '{acme}'), quay.queue_available_count('c', '{/acme,lib}'), quay.queue_available_count('c', '{acm}');
SELECT quay.queue_available_count('c', max_after => '2026-03-01 12:01:40'), quay.queue_available_count('c', '{acme}', '2026-03-01 12:00:01', '2026-03-01 12:01:40'), quay.queue_available_count('c', max_after => '2026-03-01 11:59:59');
SELECT quay.queue_has_retries((SELECT min(id) FROM quay.queueitem)), quay.queue_has_retries(0);
DELETE FROM quay.queueitem; DELETE FROM got;

\echo -- the queues of the reference
SELECT queue, has_namespace, ordered, retries, delay_s, poll_s, processing_s, retry_after_s FROM quay.queue_known_list();
SELECT k.queue FROM quay.queue_known_list() AS k WHERE pg_get_functiondef('quay_internal.queue_check(text,text[],double precision,integer)'::regprocedure) NOT LIKE '%''' || k.queue || '''%';
\echo -- a namespace that goes: its items in all of them, but not what has no namespace
SELECT count(quay.queue_put(k.queue, '{gone,x}', '{}')), count(quay.queue_put(k.queue, '{gone-not}', '{}')) FROM quay.queue_known_list() AS k;
SELECT quay.queue_namespace_delete('gone'), quay.queue_namespace_delete('gone', 'namespacegc');
SELECT queue_name FROM pg_temp.items WHERE queue_name LIKE '%/gone/%';
DELETE FROM quay.queueitem;

\echo -- refusals
SELECT pg_temp.try(s) FROM unnest(ARRAY[
    $s$SELECT quay_internal.queue_name('', '{}')$s$,
    $s$SELECT quay_internal.queue_name(NULL, '{}')$s$,
    $s$SELECT quay_internal.queue_name('a/b', '{}')$s$,
    $s$SELECT quay_internal.queue_name(repeat('x', 61), '{}')$s$,
    $s$SELECT quay_internal.queue_name('q', NULL)$s$,
    $s$SELECT quay_internal.queue_name('q', '{a,NULL}')$s$,
    $s$SELECT quay_internal.queue_name('q', '{a,""}')$s$,
    $s$SELECT quay_internal.queue_name('q', '{a//b}')$s$,
    $s$SELECT quay_internal.queue_name('q', ARRAY[repeat('x', 1024)])$s$,
    $s$SELECT quay.queue_put('q', '{a}', NULL)$s$,
    $s$SELECT quay.queue_put('notification', '{a}', 'no json')$s$,
    $s$SELECT quay.queue_put('notification', '{a}', '[]')$s$,
    $s$SELECT quay.queue_put('q', '{a}', 'x', retries => 0)$s$,
    $s$SELECT quay.queue_put('q', '{a}', 'x', 'NaN')$s$,
    $s$SELECT quay.queue_put('q', '{a}', 'x', 'Infinity')$s$,
    $s$SELECT quay.queue_put_many('q', '{a}', '{x,y}')$s$,
    $s$SELECT quay.queue_put_many('q', '{a,NULL}', '{x,y}')$s$,
    $s$SELECT * FROM quay.queue_get('q', 0)$s$,
    $s$SELECT * FROM quay.queue_get('q', NULL)$s$,
    $s$SELECT * FROM quay.queue_get('q', n => 0)$s$,
    $s$SELECT * FROM quay.queue_get('a/b')$s$,
    $s$SELECT quay.queue_extend(1, 'x', NULL)$s$,
    $s$SELECT quay.queue_release(1, 'x', NULL)$s$,
    $s$SELECT quay.queue_release(1, 'x', backoff => 0.5)$s$,
    $s$SELECT quay.queue_dead_retry(1, 0)$s$,
    $s$SELECT quay.queue_dead_list('q', n => -1)$s$,
    $s$SELECT quay.queue_expire(0)$s$,
    $s$SELECT quay.queue_metrics('q', 0)$s$,
    $s$SELECT quay.queue_alive('q', '{""}')$s$,
    $s$SELECT quay.queue_namespace_delete('a//b', 'q')$s$]) AS s;
ROLLBACK;
\echo -- what needs the latest state, and a transaction that may write
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.try($s$SELECT quay.queue_put('q', '{a}', 'x', unique_path => true)$s$);
SELECT pg_temp.try($s$SELECT quay.queue_put_many('q', '{a}', '{x}', unique_path => true)$s$);
ROLLBACK;
BEGIN READ ONLY;
SELECT pg_temp.try($s$SELECT * FROM quay.queue_get('q')$s$);
ROLLBACK;
