-- Counting pulls where they happen: a row for each, without a key, so that two who pull the same tag do not wait for each other, and without
-- WAL; folded into the statistics of tags and manifests by maintenance.

CREATE OR REPLACE FUNCTION quay.pull_count(repository_id bigint, digest text, tag text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    -- What could not be counted later must not get in: it would fail each fold.
    IF num_nonnulls(pull_count.digest, pull_count.tag) = 0 OR pull_count.repository_id IS NULL
       OR pull_count.digest IS NOT NULL AND (length(pull_count.digest) > 255 OR quay_internal.content_path(pull_count.digest) IS NULL)
       OR quay_internal.name_problem('tag', pull_count.tag) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a pull is of a tag or of a manifest in a repository',
            DETAIL = format('repository_id %s, digest %s, tag %s.', coalesce(pull_count.repository_id::text, 'NULL'),
                            coalesce(left(pull_count.digest, 80), 'NULL'), coalesce(left(pull_count.tag, 80), 'NULL')),
            HINT = 'Pass the repository_id and the digest that pull() answered, and the tag if that was asked for.';
    END IF;
    INSERT INTO quay_internal.pull_pending (counted_ms, repository_id, tag, digest)
    VALUES (quay_internal.clock_ms(), pull_count.repository_id, pull_count.tag, pull_count.digest);
END
$$;
COMMENT ON FUNCTION quay.pull_count(bigint, text, text) IS
    'Notes one pull, for pull_fold() to count: the cheapest way to count each pull in a call of its own. digest: of the manifest that was sent; tag: if it was asked for by tag. Waits for nobody and for no disk; a crash of the server loses what has not been folded. Errors: 22023 no repository, or neither digest nor tag.';

CREATE OR REPLACE FUNCTION quay.pull_fold(n integer DEFAULT 10000) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    most integer := quay_internal.batch_size(n);
    taken integer;
    counted record;
BEGIN
    -- The rows that others fold right now are skipped, and those of a fold that fails are there again.
    WITH pulls AS (
        DELETE FROM quay_internal.pull_pending AS p
        WHERE p.ctid = ANY (ARRAY(SELECT o.ctid FROM quay_internal.pull_pending AS o ORDER BY o.counted_ms LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING p.*
    ), grouped AS (
        SELECT p.repository_id, p.tag, p.digest, count(*) AS pulls, max(p.counted_ms) AS counted_ms
        FROM pulls AS p GROUP BY p.repository_id, p.tag, p.digest
    )
    SELECT array_agg(g.repository_id) AS repository_ids, array_agg(g.tag) AS tags, array_agg(g.digest) AS digests,
           array_agg(g.pulls) AS pulls, array_agg(to_timestamp(g.counted_ms / 1000.0) AT TIME ZONE 'UTC') AS times, sum(g.pulls)::integer AS total
    INTO counted FROM grouped AS g;
    taken := coalesce(counted.total, 0);
    IF taken > 0 THEN
        PERFORM quay_internal.pull_add(counted.repository_ids, counted.tags, counted.digests, counted.pulls, counted.times);
    END IF;

    -- Keys of batches (pull_record_many) that nobody sends again.
    DELETE FROM quay_internal.pull_batch AS b
    WHERE b.batch IN (SELECT o.batch FROM quay_internal.pull_batch AS o
                      WHERE o.counted_ms < quay_internal.clock_ms() - 7 * 86400000::bigint ORDER BY o.counted_ms LIMIT most FOR UPDATE SKIP LOCKED);
    RETURN taken;
END
$$;
COMMENT ON FUNCTION quay.pull_fold(integer) IS
    'Adds up to n pulls that pull_count() noted to the statistics, and returns how many; call it again when that was n. Those of repositories that are gone are dropped. Also forgets the batches of pull_record_many() after seven days. Two at once share the work. Errors: 22023 n not positive.';
