-- Evidence that nobody has changed the audit log: a chain of hashes for each month.
--
-- Writers know nothing of it. Maintenance seals, in the order of their ids, rows up to one that is settled (log_settled_id()), so that no
-- row can come in between later. A block covers some rows: the digest of each, and a hash over these and over the block before. The last
-- hash of a month stands for all its rows; who keeps a copy of it elsewhere can prove that they are the same. The digest of a row is stored
-- in part, only to say which one was touched.

CREATE OR REPLACE FUNCTION quay_internal.log_leaf(id bigint, kind_id bigint, account_id bigint, performer_id bigint, repository_id bigint,
                                                  datetime timestamp, ip text, metadata_json text) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(id, kind_id, account_id, performer_id, repository_id,
        datetime, ip, metadata_json)::text, 'UTF8'));
COMMENT ON FUNCTION quay_internal.log_leaf(bigint, bigint, bigint, bigint, bigint, timestamp, text, text) IS
    'SHA-256 of a row of the audit log: of the JSON array of all its columns, in their order, as PostgreSQL writes jsonb, in UTF-8. The time is in the form of ISO 8601.';

CREATE OR REPLACE FUNCTION quay_internal.log_block_hash(month date, block integer, first_id bigint, last_id bigint, row_count bigint,
                                                        sealed_ms bigint, before bytea, leaves bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat_ws(' ', 'quay log', pg_catalog.to_char(month::timestamp, 'YYYY-MM'), block,
        first_id, last_id, row_count, sealed_ms, pg_catalog.encode(before, 'hex'), pg_catalog.encode(pg_catalog.sha256(leaves), 'hex')), 'UTF8'));
COMMENT ON FUNCTION quay_internal.log_block_hash(date, integer, bigint, bigint, bigint, bigint, bytea, bytea) IS
    'Hash of a block: SHA-256 of the text "quay log <YYYY-MM> <block> <first_id> <last_id> <rows> <sealed_ms> <hash of the block before> <SHA-256 of the digests of the rows, one after the other>", hashes in hexadecimal; the first block has an empty hash before it.';

CREATE OR REPLACE FUNCTION quay_internal.log_signature(hash bytea) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.secret_digest('quay log seal ' || encode(hash, 'hex'));
END
$$;
COMMENT ON FUNCTION quay_internal.log_signature(bytea) IS
    'Signature of a hash of the audit log, with a key that is derived from quay.database_secret_key. Errors: 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.log_seal_block_add(month date, settled_id bigint, n integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_seal_block_add.month;
    stop CONSTANT timestamp := start + interval '1 month';
    before quay_internal.log_seal_block;
    rows record;
    sealed_ms bigint := quay_internal.clock_ms();
    hash bytea;
BEGIN
    SELECT * INTO before FROM quay_internal.log_seal_block AS b WHERE b.month = log_seal_block_add.month ORDER BY b.block DESC LIMIT 1;
    SELECT count(*) AS count, array_agg(l.id ORDER BY l.id) AS ids, string_agg(l.leaf, '' ORDER BY l.id) AS leaves,
           string_agg(substr(l.leaf, 1, 8), '' ORDER BY l.id) AS prefixes
    INTO rows
    FROM (SELECT t.id, quay_internal.log_leaf(t.id, t.kind_id, t.account_id, t.performer_id, t.repository_id, t.datetime, t.ip, t.metadata_json) AS leaf
          FROM quay.logentry3 AS t
          WHERE t.id > coalesce(before.last_id, -9223372036854775808) AND t.id <= log_seal_block_add.settled_id
            AND t.datetime >= start AND t.datetime < stop
          ORDER BY t.id LIMIT n) AS l;
    IF rows.count > 0 THEN
        hash := quay_internal.log_block_hash(log_seal_block_add.month, coalesce(before.block, 0) + 1, rows.ids[1], rows.ids[rows.count],
            rows.count, sealed_ms, coalesce(before.hash, ''), rows.leaves);
        INSERT INTO quay_internal.log_seal_block (month, block, first_id, last_id, row_count, sealed_ms, hash, seal, ids, leaves)
        VALUES (log_seal_block_add.month, coalesce(before.block, 0) + 1, rows.ids[1], rows.ids[rows.count], rows.count, sealed_ms, hash,
                CASE WHEN quay_internal.setting('log_seal_keyed')::boolean THEN quay_internal.log_signature(hash) END, rows.ids, rows.prefixes);
    END IF;
    RETURN rows.count;
END
$$;
COMMENT ON FUNCTION quay_internal.log_seal_block_add(date, bigint, integer) IS
    'Adds a block of at most n rows, with ids up to that one, to the chain of a month, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.log_seal(n integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    block_size CONSTANT integer := 1000;
    remaining bigint := quay_internal.batch_size(n);
    settled_id bigint := quay_internal.log_settled_id();
    unsealed_month date;
    sealed bigint;
BEGIN
    FOR unsealed_month IN SELECT m.month FROM quay_internal.log_month_list() AS m ORDER BY m.month LOOP
        CONTINUE WHEN NOT pg_try_advisory_xact_lock(hashtextextended(format('quay log seal %s', unsealed_month), 0));
        LOOP
            sealed := quay_internal.log_seal_block_add(unsealed_month, settled_id, least(remaining, block_size)::integer);
            remaining := remaining - sealed;
            EXIT WHEN sealed < block_size OR remaining = 0;
        END LOOP;
        EXIT WHEN remaining = 0;
    END LOOP;
    RETURN n - remaining;
END
$$;
COMMENT ON FUNCTION quay.log_seal(integer) IS
'Seals at most n rows of the audit log, the oldest months first, and returns how many: call again until it is 0. A row is sealed once all rows with lower ids are there that there will ever be, so rows of transactions that are under way wait for a later call, and nothing else waits for anything. Rows that have no month of their own (the default partition) and the older generations are not sealed. With quay.log_seal_keyed each block is signed as well. Safe to stop, and to do twice at once. Errors: 22023 n not positive, 25006 on a standby, 55000 not READ COMMITTED, or no key is set.';

CREATE OR REPLACE FUNCTION quay.log_seal_list()
    RETURNS TABLE (month date, blocks integer, row_count bigint, last_id bigint, hash text, sealed_ms bigint, removed boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT b.month, max(b.block), sum(b.row_count)::bigint, max(b.last_id), encode((array_agg(b.hash ORDER BY b.block DESC))[1], 'hex'),
               max(b.sealed_ms), false
        FROM quay_internal.log_seal_block AS b GROUP BY b.month
        UNION ALL
        SELECT r.month, NULL, r.sealed_rows, r.last_id, encode(r.hash, 'hex'), r.removed_ms, true
        FROM quay_internal.log_removed AS r WHERE r.hash IS NOT NULL
        ORDER BY 1, 7 DESC, 6;
END
$$;
COMMENT ON FUNCTION quay.log_seal_list() IS
    'The end of the chain of each month of the audit log: how many rows it covers, up to which id, and the hash that stands for them all. Keep a copy where nobody can write who can write here: quay.log_verify() compares with it. removed: the month is gone, this is what it ended with, and sealed_ms is when it went.';

CREATE OR REPLACE FUNCTION quay_internal.log_block_fault(block quay_internal.log_seal_block, from_id bigint,
                                                         OUT fault text, OUT log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start CONSTANT timestamp := block.month;
    stop CONSTANT timestamp := start + interval '1 month';
BEGIN
    IF cardinality(block.ids) <> block.row_count OR length(block.leaves) <> 8 * block.row_count THEN
        fault := 'chain';
        RETURN;
    END IF;
    SELECT CASE WHEN f.id IS NULL THEN 'deleted' WHEN s.id IS NULL THEN 'inserted' ELSE 'changed' END, coalesce(f.id, s.id)
    INTO fault, log_id
    FROM (SELECT i.id, substr(block.leaves, (i.place::integer - 1) * 8 + 1, 8) AS leaf
          FROM unnest(block.ids) WITH ORDINALITY AS i (id, place)) AS s
    FULL JOIN (SELECT l.id, substr(quay_internal.log_leaf(l.id, l.kind_id, l.account_id, l.performer_id, l.repository_id, l.datetime, l.ip,
                                                          l.metadata_json), 1, 8) AS leaf
               FROM quay.logentry3 AS l
               WHERE l.id > from_id AND l.id <= block.last_id AND l.datetime >= start AND l.datetime < stop) AS f ON f.id = s.id
    WHERE s.leaf IS DISTINCT FROM f.leaf
    ORDER BY coalesce(f.id, s.id) LIMIT 1;
    IF NOT FOUND THEN
        fault := 'chain';    -- the rows are those of the block, but the block is not what was sealed
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_block_fault(quay_internal.log_seal_block, bigint) IS
    'What is wrong with a block whose hash does not match, and the first row concerned: see quay.log_verify().';

CREATE OR REPLACE FUNCTION quay_internal.log_verify_month(month date, anchor_id bigint, anchor_hash text,
                                                          OUT sealed_rows bigint, OUT last_id bigint, OUT hash text, OUT fault text, OUT log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_sort = off SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    start CONSTANT timestamp := log_verify_month.month;
    stop CONSTANT timestamp := start + interval '1 month';
    block quay_internal.log_seal_block;
    before bytea := ''::bytea;
    computed bytea;
    number integer := 0;
    from_id bigint := -9223372036854775808;
    anchored boolean := false;
BEGIN
    sealed_rows := 0;
    FOR block IN SELECT * FROM quay_internal.log_seal_block AS b WHERE b.month = log_verify_month.month ORDER BY b.block LOOP
        number := number + 1;
        IF block.block <> number THEN
            fault := 'chain';
            RETURN;
        END IF;
        SELECT quay_internal.log_block_hash(block.month, number, block.first_id, block.last_id, count(*), block.sealed_ms, before,
                                            coalesce(string_agg(l.leaf, '' ORDER BY l.id), ''))
        INTO computed
        FROM (SELECT t.id, quay_internal.log_leaf(t.id, t.kind_id, t.account_id, t.performer_id, t.repository_id, t.datetime, t.ip, t.metadata_json) AS leaf
              FROM quay.logentry3 AS t
              WHERE t.id > from_id AND t.id <= block.last_id AND t.datetime >= start AND t.datetime < stop
              ORDER BY t.id) AS l;
        IF computed <> block.hash THEN
            SELECT * INTO fault, log_id FROM quay_internal.log_block_fault(block, from_id);
            RETURN;
        END IF;
        IF block.seal IS NOT NULL AND NOT quay_internal.secret_equal(block.seal, quay_internal.log_signature(block.hash)) THEN
            fault := 'signature';
            log_id := block.first_id;
            RETURN;
        END IF;
        anchored := anchored OR block.last_id = anchor_id AND encode(block.hash, 'hex') = lower(anchor_hash);
        before := block.hash;
        from_id := block.last_id;
        sealed_rows := sealed_rows + block.row_count;
        last_id := block.last_id;
        hash := encode(block.hash, 'hex');
    END LOOP;
    IF NOT anchored AND num_nonnulls(anchor_id, anchor_hash) > 0 THEN
        fault := 'anchor';
        log_id := anchor_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.log_verify_month(date, bigint, text) IS
    'Computes the chain of a month anew, block after block, up to the first fault: see quay.log_verify().';

CREATE OR REPLACE FUNCTION quay.log_verify(month date DEFAULT NULL, anchor_id bigint DEFAULT NULL, anchor_hash text DEFAULT NULL)
    RETURNS TABLE (sealed_month date, ok boolean, sealed_rows bigint, last_id bigint, hash text, fault text, log_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF log_verify.month IS NULL AND num_nonnulls(anchor_id, anchor_hash) > 0 OR num_nonnulls(anchor_id, anchor_hash) = 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'an anchor is of a month, and has an id and a hash',
            DETAIL = format('Month %s, id %s, hash %s.', coalesce(log_verify.month::text, 'NULL'), coalesce(anchor_id::text, 'NULL'),
                coalesce(left(anchor_hash, 80), 'NULL')),
            HINT = 'Pass month, last_id and hash of a row that quay.log_seal_list() once answered.';
    END IF;
    RETURN QUERY
        SELECT m.month, v.fault IS NULL, v.sealed_rows, v.last_id, v.hash, v.fault, v.log_id
        FROM (SELECT date_trunc('month', log_verify.month::timestamp)::date AS month WHERE log_verify.month IS NOT NULL
              UNION ALL
              SELECT DISTINCT b.month FROM quay_internal.log_seal_block AS b WHERE log_verify.month IS NULL
              ORDER BY 1) AS m
        CROSS JOIN LATERAL quay_internal.log_verify_month(m.month, log_verify.anchor_id, log_verify.anchor_hash) AS v;
END
$$;
COMMENT ON FUNCTION quay.log_verify(date, bigint, text) IS
'Is the sealed part of a month of the audit log, NULL: of each, what it was when it was sealed? One row per month: how many rows are proven, up to which id, and the hash that they end with. If ok is false: the first row that was deleted, inserted or changed since (fault, log_id), or chain: a block of the chain itself was tampered with, signature: the block that begins with this row was not signed with the key that the server has now, anchor: the chain has no block with this id and hash.

anchor_id, anchor_hash: last_id and hash that quay.log_seal_list() once answered for that month, kept elsewhere. Without them somebody who can write the chain could make a new one; with them not: everything up to the anchor is proven. A month that is gone has no rows to verify, its last hash is in quay.log_seal_list(). Reads the rows of the month; runs on a standby.
Errors: 22023 anchor without month, id or hash; of a signed month 55000 no key is set, 42501 for a role of kind reader, which may not use the key.';

CREATE OR REPLACE FUNCTION quay.log_seal_rekey() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signed bigint;
BEGIN
    PERFORM quay_internal.log_require_primary();
    UPDATE quay_internal.log_seal_block AS b SET seal = s.seal
    FROM (SELECT o.month, o.block, quay_internal.log_signature(o.hash) AS seal FROM quay_internal.log_seal_block AS o WHERE o.seal IS NOT NULL) AS s
    WHERE b.month = s.month AND b.block = s.block AND b.seal IS DISTINCT FROM s.seal;
    GET DIAGNOSTICS signed = ROW_COUNT;
    RETURN signed;
END
$$;
COMMENT ON FUNCTION quay.log_seal_rekey() IS
    'Signs all signed blocks of the audit log anew, and returns how many had another signature: after quay.database_secret_key was exchanged. Call quay.log_verify() before, while the old key is set: what this signs nobody can doubt later. Errors: 55000 no key is set.';
