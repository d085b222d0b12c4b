-- Putting work into a queue. What an item is called, which queues the registry itself has, and that an item is there once if it is to be.

CREATE OR REPLACE FUNCTION quay_internal.queue_name(queue text, path text[]) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := queue || '/' || array_to_string(path, '/') || CASE WHEN path <> '{}' THEN '/' ELSE '' END;
    problem text;
BEGIN
    -- A slash at an end of a part is no part of it, as in the reference.
    IF name LIKE '%//%' THEN
        name := queue || '/' || (SELECT string_agg(btrim(p.part, '/') || '/', '' ORDER BY p.place)
                                 FROM unnest(path) WITH ORDINALITY AS p (part, place));
    END IF;
    problem := CASE
        WHEN coalesce(queue, '') = '' THEN 'The queue has no name.'
        WHEN strpos(queue, '/') > 0 OR length(queue) > 60 THEN format('The name of the queue is "%s".', left(queue, 80))
        WHEN path IS NULL OR array_position(path, NULL) IS NOT NULL THEN 'The path, or a part of it, is NULL.'
        WHEN name LIKE '%//%' OR array_ndims(path) > 1 THEN format('The path is %s.', left(path::text, 80))
        WHEN length(name) > 1024 THEN format('It has %s characters.', length(name)) END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY110',
            MESSAGE = 'illegal path in a queue',
            DETAIL = problem,
            HINT = 'A queue has a name of at most 60 characters without "/", parts of a path are not empty, and all of them together have at most 1024 characters.';
    END IF;
    RETURN name;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_name(text, text[]) IS
    'queue_name of the items of a path: queue and parts, each with a "/" behind it. Slashes at the ends of parts are dropped. Errors: QY110 illegal queue or path.';

CREATE OR REPLACE FUNCTION quay.queue_known_list()
    RETURNS TABLE (queue text, worker text, path text[], body text[], has_namespace boolean, ordered boolean, retries integer, delay_s integer,
                   poll_s integer, processing_s integer, retry_after_s integer)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('chunk_cleanup', 'chunkcleanupworker', '{segment/<location>/<upload>}'::text[],
            '{location,uuid,path}'::text[], false, false, 5, NULL::integer, 10, 300, 300),
        ('dockerfilebuild', 'buildmanager', '{<namespace>,<repository>}',
            '{build_uuid,pull_credentials}', true, true, 3, 0, 10, 530, 530),
        ('exportactionlogs', 'exportactionlogsworker', '{<namespace>}',
            '{export_id,repository_id,namespace_id,namespace_name,repository_name,start_time,end_time,callback_url,callback_email}',
            true, false, 3, 0, 60, 300, 300),
        ('imagestoragereplication', 'storagereplication', '{<storage uuid>}',
            '{namespace_user_id,storage_id}', false, false, 5, 0, 10, 1200, 300),
        ('namespacegc', 'namespacegcworker', '{<user id>}',
            '{marker_id,original_username}', false, false, 5, NULL, 60, 10800, 300),
        ('notification', 'notificationworker', '{<namespace>,<repository>,<event>}',
            '{notification_uuid,event_data,performer_data,notification_type}', true, false, 5, 0, 10, 30, 30),
        ('proxycacheblob', 'proxycacheblobworker', '{<namespace>,<repository id>,<digest>}',
            '{repo_id,namespace,digest,username}', true, false, 5, 5, 10, 1200, 300),
        ('repositorygc', 'repositorygcworker', '{<namespace>,<repository id>}',
            '{marker_id,original_name}', true, false, 5, 0, 60, 10800, 300),
        ('secscanv4', 'securityscanningnotificationworker', '{with_id,<notification id>}',
            '{notification_id,current_page_index}', false, false, 5, 0, 60, 300, 300);
END
$$;
COMMENT ON FUNCTION quay.queue_known_list() IS
    'The queues that the reference''s workers read, whose items are JSON objects. worker: who takes them. path, body: parts and fields. has_namespace: the path begins with a namespace, with which the items go. ordered: one item per path at a time. retries, delay_s: what they are put with, NULL varies. poll_s, processing_s, retry_after_s: how often the worker asks, for how long it claims, and after what time one that failed is due again, in seconds.';

CREATE OR REPLACE FUNCTION quay_internal.queue_check(queue text, bodies text[], delay_s double precision, retries integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known CONSTANT text[] := ARRAY['chunk_cleanup', 'dockerfilebuild', 'exportactionlogs', 'imagestoragereplication', 'namespacegc',
                                   'notification', 'proxycacheblob', 'repositorygc', 'secscanv4'];
BEGIN
    IF array_position(bodies, NULL) IS NOT NULL
       OR queue = ANY (known) AND EXISTS (SELECT FROM unnest(bodies) AS b (body)
                                          WHERE jsonb_typeof(quay_internal.json_read(b.body)) IS DISTINCT FROM 'object') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY111',
            MESSAGE = 'illegal body of a queue item',
            DETAIL = format('It is for the queue "%s", and NULL or no JSON object.', left(queue, 80)),
            HINT = 'quay.queue_known_list() has the queues whose items are JSON objects; in others any text will do.';
    END IF;
    IF retries IS NULL OR retries < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of retries must be positive',
            DETAIL = format('It is %s.', coalesce(retries::text, 'NULL')),
            HINT = 'Pass how often the item may be taken.';
    END IF;
    PERFORM quay_internal.queue_seconds(delay_s);
END
$$;
COMMENT ON FUNCTION quay_internal.queue_check(text, text[], double precision, integer) IS
    'Refuses what cannot be put into a queue. Errors: QY111 a body is NULL, or no JSON object in a queue of the reference; 22023 retries or delay.';

CREATE OR REPLACE FUNCTION quay_internal.queue_seconds(seconds double precision, minimum double precision DEFAULT '-Infinity') RETURNS interval
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A thousand years either way, and so neither NaN nor infinite
    IF seconds IS NULL OR seconds NOT BETWEEN -3e10 AND 3e10 OR seconds < minimum THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of seconds is out of range',
            DETAIL = format('It is %s.', coalesce(seconds::text, 'NULL')),
            HINT = 'Pass seconds, with a fraction if you like; for how long an item is claimed, more than 0.';
    END IF;
    RETURN make_interval(secs => seconds);
END
$$;
COMMENT ON FUNCTION quay_internal.queue_seconds(double precision, double precision) IS 'Seconds as an interval. Errors: 22023 out of range.';

CREATE OR REPLACE FUNCTION quay_internal.queue_require_read_committed(what text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('%s needs a transaction that is READ COMMITTED', what),
            DETAIL = format('This one is %s, and does not see what others did before it got its turn.', upper(current_setting('transaction_isolation'))),
            HINT = 'Call it in a transaction of its own.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_require_read_committed(text) IS
    'For what is decided after waiting for a lock: refuses (55000) a transaction that would not see what the other one did.';

CREATE OR REPLACE FUNCTION quay_internal.queue_path_key(queue_name text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended('quay queue ' || queue_name, 0);
COMMENT ON FUNCTION quay_internal.queue_path_key(text) IS
    'Key of the advisory lock of a path, which lasts to the end of the transaction: one puts a unique item there, or takes one in order.';

CREATE OR REPLACE FUNCTION quay_internal.queue_path_is_used(queue_name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    -- "+ 0" keeps the indexes on what is due from being taken for it, which a plan would be stuck with that was made when the table was empty.
    RETURN EXISTS (SELECT FROM quay.queueitem AS q WHERE q.queue_name = queue_path_is_used.queue_name AND q.retries_remaining + 0 > 0)
        OR EXISTS (SELECT FROM quay.queueitem AS q
                   WHERE q.queue_name = queue_path_is_used.queue_name AND NOT q.available AND q.processing_expires > quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.queue_path_is_used(text) IS
    'Has the path an item that waits, is delayed, is available or runs, so one that is not dead? Volatile, so that it sees what was committed before the lock of the path was ours. queue_name: what queue_name() makes.';

CREATE OR REPLACE FUNCTION quay.queue_put(queue text, path text[], body text, delay_s double precision DEFAULT 0, retries integer DEFAULT 5,
                                          unique_path boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := quay_internal.queue_name(queue, path);
    new_id bigint;
BEGIN
    PERFORM quay_internal.queue_check(queue, ARRAY[body], delay_s, retries);
    IF unique_path THEN
        PERFORM quay_internal.queue_require_read_committed('a unique path');
        PERFORM pg_advisory_xact_lock(quay_internal.queue_path_key(name));
        IF quay_internal.queue_path_is_used(name) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (name, queue_put.body, quay_internal.utc_now() + make_interval(secs => delay_s), true, retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    IF delay_s <= 0 THEN
        PERFORM quay_internal.queue_wake(name);
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.queue_put(text, text[], text, double precision, integer, boolean) IS
    'Puts an item into a queue and returns its id. path: such as {acme,app}, beginning with the namespace if it is for one; what is ordered is so by path, and so is what goes with a namespace. body: for the worker, a JSON object in the queues of queue_known_list(), by convention in all. delay_s: seconds until it may be taken. retries: how often it may be taken.
unique_path: nothing is put, and NULL returned, if the path has an item that is not dead, also if two do that at once; the second waits for the first to commit.
Workers that LISTEN to quay_queue are woken at the commit, once per transaction and queue, unless it is delayed. Errors: QY110 illegal queue or path, QY111 illegal body, 22023 retries or seconds, 55000 unique_path in a transaction that is not READ COMMITTED.';

CREATE OR REPLACE FUNCTION quay.queue_put_many(queue text, paths text[], bodies text[], delay_s double precision DEFAULT 0, retries integer DEFAULT 5,
                                               unique_path boolean DEFAULT false) RETURNS TABLE (place integer, item_id bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    names text[];
    wanted boolean[];
    name text;
BEGIN
    IF paths IS NULL OR bodies IS NULL OR cardinality(paths) <> cardinality(bodies) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'each item needs a path and a body',
            DETAIL = format('There are %s paths and %s bodies.', coalesce(cardinality(paths), 0), coalesce(cardinality(bodies), 0)),
            HINT = 'Pass two arrays of the same length.';
    END IF;
    PERFORM quay_internal.queue_check(queue, bodies, delay_s, retries);
    names := ARRAY(SELECT quay_internal.queue_name(queue, ARRAY[p.path]) FROM unnest(paths) WITH ORDINALITY AS p (path, i) ORDER BY p.i);
    IF unique_path THEN
        PERFORM quay_internal.queue_require_read_committed('a unique path');
        -- In the same order for everybody
        FOR name IN SELECT DISTINCT n.name FROM unnest(names) AS n (name) ORDER BY n.name LOOP
            PERFORM pg_advisory_xact_lock(quay_internal.queue_path_key(name));
        END LOOP;
        wanted := ARRAY(SELECT row_number() OVER (PARTITION BY n.name ORDER BY n.i) = 1 AND NOT quay_internal.queue_path_is_used(n.name)
                        FROM unnest(names) WITH ORDINALITY AS n (name, i) ORDER BY n.i);
    END IF;
    RETURN QUERY
        WITH given AS MATERIALIZED (
            SELECT n.i, n.name, CASE WHEN coalesce(wanted[n.i], true) THEN nextval('quay.queueitem_id_seq') END AS id
            FROM unnest(names) WITH ORDINALITY AS n (name, i) ORDER BY n.i
        ), added AS (
            INSERT INTO quay.queueitem (id, queue_name, body, available_after, available, retries_remaining, state_id)
            SELECT g.id, g.name, bodies[g.i], quay_internal.utc_now() + make_interval(secs => delay_s), true, retries, gen_random_uuid()::text
            FROM given AS g WHERE g.id IS NOT NULL ORDER BY g.id
        )
        SELECT g.i::integer, g.id FROM given AS g ORDER BY g.i;
    IF delay_s <= 0 AND names <> '{}' THEN
        PERFORM quay_internal.queue_wake(queue || '/');
    END IF;
END
$$;
COMMENT ON FUNCTION quay.queue_put_many(text, text[], text[], double precision, integer, boolean) IS
    'Puts items into a queue, all or none. paths: of each item, its parts joined by "/". bodies: as many. Returns for each place, from 1, the id; NULL with unique_path where the path has an item already, or got one earlier in the list. Else as queue_put(). Errors: also 22023 paths and bodies differ in number.';
