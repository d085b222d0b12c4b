-- The audit log: who did it, adding a row, and its monthly partitions.

CREATE OR REPLACE FUNCTION quay_internal.actor_id(actor text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF actor_id.actor IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = actor_id.actor;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'actor does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(actor_id.actor, 80)),
            HINT = 'Pass the actor that quay.authenticate() returned, or NULL for anonymous.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.actor_id(text) IS
    'Id of the person, organization or robot that acts; NULL for anonymous. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_service_account() RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account text := quay_internal.setting('service_log_account');
BEGIN
    RETURN coalesce(CASE account WHEN '' THEN (SELECT min(u.id) FROM quay."user" AS u)
                                 ELSE (SELECT u.id FROM quay."user" AS u WHERE u.username = account) END, 0);
END
$$;
COMMENT ON FUNCTION quay_internal.log_service_account() IS
    'Id of the account of entries that belong to no namespace: quay.service_log_account, 0 if nobody has that name; without the setting the smallest id, as in the reference.';

CREATE OR REPLACE FUNCTION quay_internal.log_insert(kind text, account_id bigint, performer_id bigint, repository_id bigint,
                                                    metadata jsonb[], ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pull boolean := log_insert.kind IN ('pull_repo', 'repo_verb');
    free_is_logged boolean := NOT pull OR quay_internal.setting('free_namespace_pull_logs')::boolean;
BEGIN
    -- One statement finds the kind, asks whether the namespace is logged at all, and writes.
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    SELECT k.id, log_insert.account_id, log_insert.performer_id, log_insert.repository_id, log_insert.at, left(log_insert.ip, 255),
           coalesce(m.metadata, '{}')::text
    FROM quay.logentrykind AS k CROSS JOIN unnest(log_insert.metadata) AS m (metadata)
    WHERE k.name = log_insert.kind
      AND NOT EXISTS (SELECT FROM quay.unlogged_namespace AS s JOIN quay."user" AS u ON u.username = s.username
                      WHERE u.id = log_insert.account_id AND (pull OR s.scope = 'all'))
      AND (free_is_logged OR NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.id = log_insert.account_id AND u.stripe_id IS NULL));
    IF FOUND THEN
        RETURN 'written';
    END IF;
    PERFORM quay_internal.log_kind_ids(ARRAY[log_insert.kind]);
    RETURN 'skipped';
END
$$;
COMMENT ON FUNCTION quay_internal.log_insert(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log, one for each of the metadata: written; skipped if the namespace is in quay.unlogged_namespace, or it is a pull and the namespace is free and quay.free_namespace_pull_logs is off. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_kind_ids(kinds text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT k.id FROM quay.logentrykind AS k WHERE k.name = ANY (kinds));
    unknown text;
BEGIN
    IF cardinality(ids) < cardinality(kinds) THEN
        SELECT u.kind INTO unknown FROM unnest(kinds) AS u (kind)
        WHERE NOT EXISTS (SELECT FROM quay.logentrykind AS k WHERE k.name = u.kind) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown kind of log entry',
                DETAIL = format('There is no kind named "%s".', left(unknown, 80)),
                HINT = 'The table quay.logentrykind lists the kinds.';
        END IF;
    END IF;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION quay_internal.log_kind_ids(text[]) IS 'Ids of kinds of log entries, in no order. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_may_be_lost(kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.setting('allow_without_strict_logging')::boolean
        OR log_may_be_lost.kind IN ('pull_repo', 'pull_repo_failed', 'login_success', 'login_failure', 'logout_success')
           AND quay_internal.setting('allow_pulls_without_strict_logging')::boolean;
END
$$;
COMMENT ON FUNCTION quay_internal.log_may_be_lost(text) IS
    'May what is logged go on when its row cannot be written? By quay.allow_without_strict_logging, and for the five relaxed kinds by quay.allow_pulls_without_strict_logging.';

CREATE OR REPLACE FUNCTION quay_internal.log_put(kind text, account_id bigint, performer_id bigint, repository_id bigint, metadata jsonb[],
                                                 ip text, at timestamp) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay_internal.log_may_be_lost(log_put.kind) THEN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    END IF;
    BEGIN
        RETURN quay_internal.log_insert(kind, account_id, performer_id, repository_id, metadata, ip, at);
    EXCEPTION
        -- A wrong call stays wrong, and what is to be repeated is repeated whole.
        WHEN SQLSTATE 'QY009' OR transaction_rollback THEN
            RAISE;
        WHEN OTHERS THEN
            RAISE WARNING USING ERRCODE = 'QY100',
                MESSAGE = 'log entry lost',
                DETAIL = format('%s of kind "%s": %s (%s)', cardinality(log_put.metadata), log_put.kind, SQLERRM, SQLSTATE),
                HINT = 'Settings quay.allow_without_strict_logging and quay.allow_pulls_without_strict_logging permit it.';
            RETURN 'lost';
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.log_put(text, bigint, bigint, bigint, jsonb[], text, timestamp) IS
    'Writes rows of one kind to the audit log: written, skipped (see log_insert()), or lost: the rows could not be written, which a setting permits, and the server''s log has a warning (QY100). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add_many(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                      metadata jsonb[], ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_put(kind, coalesce(namespace_id, quay_internal.log_service_account()), performer_id, repository_id, metadata,
                                  ip, quay_internal.utc_now());
END
$$;
COMMENT ON FUNCTION quay_internal.log_add_many(text, bigint, bigint, bigint, jsonb[], text) IS
    'Adds rows of one kind to the audit log, one for each of the metadata, by the rules of quay.log_write(). A NULL namespace means log_service_account(). Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add_many(kind, namespace_id, performer_id, repository_id, ARRAY[metadata], ip);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log: see log_add_many().';

CREATE OR REPLACE FUNCTION quay_internal.log_partition_missing(months_ahead integer) RETURNS SETOF timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', quay_internal.utc_now());
BEGIN
    RETURN QUERY
        SELECT wanted.month
        FROM (SELECT g.month
              FROM generate_series(this_month, this_month + make_interval(months => months_ahead), interval '1 month') AS g (month)
              UNION
              SELECT date_trunc('month', l.datetime) FROM quay.logentry3_default AS l WHERE isfinite(l.datetime)) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                          WHERE i.inhparent = 'quay.logentry3'::regclass
                            AND c.relname = to_char(wanted.month, '"logentry3_y"YYYY"m"MM'))
        ORDER BY wanted.month;
END
$$;
COMMENT ON FUNCTION quay_internal.log_partition_missing(integer) IS
    'First days of the months that need a partition of the audit log and have none: this one, the coming ones, and those of rows in the default partition.';

CREATE OR REPLACE FUNCTION quay.log_partition_ensure(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp;
    name text;
BEGIN
    -- One call at a time, before anything is read: a read lock on the default partition, once held, would deadlock with the other call's
    -- exclusive one. It keeps neither readers nor writers waiting.
    LOCK TABLE quay.logentry3 IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead)) THEN
        RETURN;
    END IF;

    -- A row that is on its way into the default partition would be refused there once its month is attached: whoever writes has to wait
    -- before he chooses. Months ahead, which nobody writes into, keep no writer waiting.
    IF EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead) AS m WHERE m <= quay_internal.utc_now()) THEN
        LOCK TABLE quay.logentry3 IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    -- No row may arrive between the move and the attachment. ATTACH PARTITION needs this lock anyhow.
    LOCK TABLE quay.logentry3_default IN ACCESS EXCLUSIVE MODE;
    FOR month IN SELECT m FROM quay_internal.log_partition_missing(months_ahead) AS m LOOP
        name := to_char(month, '"logentry3_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE quay.%I (LIKE quay.logentry3_default INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE quay.%I OWNER TO %I', name,
            (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
        EXECUTE format('COMMENT ON TABLE quay.%I IS %L', name, 'Audit log of the month that its name says.');
        EXECUTE format('WITH moved AS (DELETE FROM quay.logentry3_default WHERE datetime >= %2$L AND datetime < %3$L RETURNING *) '
                       'INSERT INTO quay.%1$I SELECT * FROM moved', name, month, month + interval '1 month');
        EXECUTE format('ALTER TABLE quay.logentry3 ATTACH PARTITION quay.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        -- Somebody may have dropped the month, and what was counted of it says nothing about the rows that are here.
        INSERT INTO quay_internal.log_count_month AS c (month, counted_id) VALUES (month::date, -1)
        ON CONFLICT ON CONSTRAINT pk_log_count_month DO UPDATE SET counted_id = -1;
        RETURN NEXT name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_partition_ensure(integer) IS
    'Makes the monthly partitions of the audit log for this and the coming months, and for months of which the default partition holds rows, which it moves. Returns the names of the new ones; a call that finds nothing to do keeps nobody waiting but other such calls. For the owner of the tables.';
