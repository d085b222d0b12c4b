-- How often, and when last, tags and manifests were pulled. Pulls are read-only; who answers them counts them and brings the counts here,
-- one by one or in batches. A pull by tag counts for the tag and for the manifest, one by digest for the manifest only.

CREATE OR REPLACE FUNCTION quay_internal.time_read(value text) RETURNS timestamp
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?$' THEN
        RETURN NULL;
    END IF;
    -- Without a zone it is UTC, whatever the session says.
    RETURN (value || CASE WHEN value ~ '(Z|[+-]\d\d(:?\d\d)?)$' THEN '' ELSE 'Z' END)::timestamptz AT TIME ZONE 'UTC';
EXCEPTION
    WHEN data_exception THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.time_read(text) IS
    'A moment in the form of ISO 8601, such as 2026-03-01T12:00:00Z, as a naive UTC timestamp; NULL if it is none. Without a zone it is UTC.';

CREATE OR REPLACE FUNCTION quay_internal.pull_problem(event jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id text := event ->> 'repository_id';
    tag jsonb := nullif(event -> 'tag_name', 'null');
    digest jsonb := nullif(event -> 'manifest_digest', 'null');
    pulls jsonb := nullif(event -> 'pull_count', 'null');
    pulled_at jsonb := nullif(event -> 'last_pull_timestamp', 'null');
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(event) IS DISTINCT FROM 'object' THEN 'is no object'
        WHEN jsonb_typeof(event -> 'repository_id') IS DISTINCT FROM 'number' OR id !~ '^\d{1,18}$' THEN
            format('has repository_id %s, which is no id', coalesce(left((event -> 'repository_id')::text, 80), 'NULL'))
        WHEN tag IS NULL AND digest IS NULL THEN 'has neither tag_name nor manifest_digest'
        WHEN jsonb_typeof(tag) <> 'string' OR length(tag #>> '{}') NOT BETWEEN 1 AND 255 THEN
            format('has tag_name %s, which is no name of 1 to 255 characters', left(tag::text, 80))
        WHEN jsonb_typeof(digest) <> 'string' OR length(digest #>> '{}') > 255
             OR digest IS NOT NULL AND quay_internal.content_path(digest #>> '{}') IS NULL THEN
            format('has manifest_digest %s, which is no digest', left(digest::text, 80))
        WHEN jsonb_typeof(pulls) <> 'number' OR pulls #>> '{}' !~ '^[1-9]\d{0,9}$' THEN
            format('has pull_count %s, which is no positive number of up to ten digits', left(pulls::text, 80))
        WHEN jsonb_typeof(pulled_at) <> 'string' OR pulled_at IS NOT NULL AND quay_internal.time_read(pulled_at #>> '{}') IS NULL THEN
            format('has last_pull_timestamp %s, which is no time', left(pulled_at::text, 80))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_problem(jsonb) IS 'Why an item of pull_record_many() cannot be counted, as the rest of a sentence; NULL if it can.';

CREATE OR REPLACE FUNCTION quay_internal.pull_add(repository_ids bigint[], tags text[], digests text[], pulls bigint[], times timestamp[],
                                                  OUT tag_rows bigint, OUT manifest_rows bigint, OUT unknown_ids bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint[];
    present timestamp;
BEGIN
    -- Locked, so that no purge deletes a repository between this and its statistics, and in one order, like all rows below: two batches
    -- wait for each other and not in a circle.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    unknown_ids := ARRAY(SELECT DISTINCT i.id FROM unnest(repository_ids) AS i (id) WHERE i.id NOT IN (SELECT unnest(known)) ORDER BY i.id);
    present := quay_internal.utc_now();

    -- The times are of the clocks of others: what is ahead of ours counts as now, or nothing later could follow it.
    INSERT INTO quay.tagpullstatistics AS s (repository_id, tag_name, tag_pull_count, last_tag_pull_date, current_manifest_digest)
    SELECT p.repository_id, p.tag, sum(p.pulls)::bigint, least(max(p.pulled_at), present),
           (array_agg(p.digest ORDER BY p.pulled_at DESC, p.number DESC) FILTER (WHERE p.digest IS NOT NULL))[1]
    FROM unnest(repository_ids, tags, digests, pulls, times) WITH ORDINALITY AS p (repository_id, tag, digest, pulls, pulled_at, number)
    WHERE p.tag IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.tag
    ORDER BY p.repository_id, p.tag COLLATE "C"
    ON CONFLICT (repository_id, tag_name) DO UPDATE
        SET tag_pull_count = s.tag_pull_count + EXCLUDED.tag_pull_count,
            last_tag_pull_date = greatest(s.last_tag_pull_date, EXCLUDED.last_tag_pull_date),
            -- An event that comes late says nothing about where the tag points now.
            current_manifest_digest = CASE WHEN EXCLUDED.last_tag_pull_date >= s.last_tag_pull_date
                                           THEN coalesce(EXCLUDED.current_manifest_digest, s.current_manifest_digest)
                                           ELSE coalesce(s.current_manifest_digest, EXCLUDED.current_manifest_digest) END;
    GET DIAGNOSTICS tag_rows = ROW_COUNT;

    INSERT INTO quay.manifestpullstatistics AS s (repository_id, manifest_digest, manifest_pull_count, last_manifest_pull_date)
    SELECT p.repository_id, p.digest, sum(p.pulls)::bigint, least(max(p.pulled_at), present)
    FROM unnest(repository_ids, digests, pulls, times) AS p (repository_id, digest, pulls, pulled_at)
    WHERE p.digest IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.digest
    ORDER BY p.repository_id, p.digest COLLATE "C"
    ON CONFLICT (repository_id, manifest_digest) DO UPDATE
        SET manifest_pull_count = s.manifest_pull_count + EXCLUDED.manifest_pull_count,
            last_manifest_pull_date = greatest(s.last_manifest_pull_date, EXCLUDED.last_manifest_pull_date);
    GET DIAGNOSTICS manifest_rows = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_add(bigint[], text[], text[], bigint[], timestamp[]) IS
    'Adds pulls to the statistics of tags and manifests; the arrays belong together, place by place. Answers how many rows of each were written, and the repositories that do not exist or are being deleted, whose pulls are left out.';

CREATE OR REPLACE FUNCTION quay.pull_record_many(events jsonb, batch text DEFAULT NULL)
    RETURNS TABLE (tags bigint, manifests bigint, unknown_repositories bigint[], repeated boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'pulls must be an array',
            DETAIL = format('They are %s.', coalesce('of type ' || jsonb_typeof(events), 'NULL')),
            HINT = 'Pass a JSON array of objects.';
    END IF;
    SELECT e.number, p.problem INTO wrong
    FROM jsonb_array_elements(events) WITH ORDINALITY AS e (event, number)
    CROSS JOIN LATERAL (SELECT quay_internal.pull_problem(e.event) AS problem OFFSET 0) AS p
    WHERE p.problem IS NOT NULL
    ORDER BY e.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed pull',
            DETAIL = format('Item %s %s.', wrong.number, wrong.problem),
            HINT = 'No item was counted: correct or drop this one and send all again.';
    END IF;
    IF octet_length(pull_record_many.batch) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal key of a batch',
            DETAIL = format('"%s" has %s bytes.', left(pull_record_many.batch, 80), octet_length(pull_record_many.batch)),
            HINT = 'Use 1 to 255 bytes, such as a UUID that is made with the batch and sent again with it.';
    END IF;
    IF pull_record_many.batch IS NOT NULL THEN
        -- Of two at once the second one waits for the first.
        INSERT INTO quay_internal.pull_batch (batch, counted_ms) VALUES (pull_record_many.batch, quay_internal.clock_ms())
        ON CONFLICT ON CONSTRAINT pk_pull_batch DO NOTHING;
        IF NOT FOUND THEN
            RETURN QUERY SELECT 0::bigint, 0::bigint, '{}'::bigint[], true;
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
        SELECT a.tag_rows, a.manifest_rows, a.unknown_ids, false
        FROM (SELECT array_agg((e.event ->> 'repository_id')::bigint) AS repository_ids,
                     array_agg(e.event ->> 'tag_name') AS tag_names,
                     array_agg(e.event ->> 'manifest_digest') AS digests,
                     array_agg(coalesce((e.event ->> 'pull_count')::bigint, 1)) AS pulls,
                     array_agg(coalesce(quay_internal.time_read(e.event ->> 'last_pull_timestamp'), quay_internal.utc_now())) AS times
              FROM jsonb_array_elements(events) AS e (event)) AS p
        CROSS JOIN LATERAL quay_internal.pull_add(p.repository_ids, p.tag_names, p.digests, p.pulls, p.times) AS a;
END
$$;
COMMENT ON FUNCTION quay.pull_record_many(jsonb, text) IS
'Counts many pulls at once: an array of objects {"repository_id", "tag_name", "manifest_digest", "pull_count", "last_pull_timestamp"}. repository_id is what pull() answers. An item with a tag_name counts for the tag, and with a manifest_digest for the manifest; one of the two is needed. pull_count: 1 unless given. last_pull_timestamp: the last of them, in the form of ISO 8601, UTC unless it says otherwise; now unless given, and what lies in the future counts as now.

The same tag or manifest may come again, in one call or in two calls at once: the counts add up, the last time is the latest, and the digest of a tag is that of its latest pull.
Answers how many rows of each kind were written, and the repositories that do not exist or are being deleted: their items are left out. An empty array writes nothing. batch: a key that the client makes for this batch and uses for nothing else; sent again with the same key within seven days, because the answer got lost, the batch is not counted a second time, and repeated is true. Whether to count pulls at all is for the caller to decide; quay.image_pull_stats says only whether a deleted tag loses its counts.
Errors: 22023 not an array, an item is malformed (nothing is counted then), or the key of the batch is.';

CREATE OR REPLACE FUNCTION quay.pull_record(namespace text, repository text, digest text DEFAULT NULL, tag text DEFAULT NULL,
                                            pulls bigint DEFAULT 1, pulled_at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(pull_record.namespace, pull_record.repository);
BEGIN
    IF num_nonnulls(pull_record.digest, pull_record.tag) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a pull is of a tag or of a manifest',
            DETAIL = 'Neither digest nor tag was given.',
            HINT = 'Pass the digest that pull() answered, and the tag if that was asked for.';
    END IF;
    IF pull_record.pulls IS NULL OR pull_record.pulls < 1 OR pull_record.pulls > 9999999999 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of pulls must be positive',
            DETAIL = format('It is %s.', coalesce(pull_record.pulls::text, 'NULL')),
            HINT = 'Pass how often it was pulled, at most 9999999999 times.';
    END IF;
    IF NOT isfinite(pull_record.pulled_at) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a pull must be finite',
            DETAIL = format('It is %s.', pull_record.pulled_at),
            HINT = 'Pass when it was pulled, NULL for now.';
    END IF;
    IF pull_record.digest IS NOT NULL THEN
        PERFORM quay_internal.digest_check(pull_record.digest);
    END IF;
    IF pull_record.tag IS NOT NULL THEN
        PERFORM quay_internal.name_check('tag', pull_record.tag);
    END IF;
    IF target_id IS NULL THEN
        RETURN false;
    END IF;
    RETURN (SELECT a.tag_rows + a.manifest_rows > 0
            FROM quay_internal.pull_add(ARRAY[target_id], ARRAY[pull_record.tag], ARRAY[pull_record.digest], ARRAY[pull_record.pulls],
                ARRAY[coalesce(pull_record.pulled_at, quay_internal.clock()) AT TIME ZONE 'UTC']) AS a);
END
$$;
COMMENT ON FUNCTION quay.pull_record(text, text, text, text, bigint, timestamptz) IS
    'Counts a pull, or as many as pulls says, the last of them at pulled_at (NULL: now). digest: of the manifest that was sent; tag: if it was asked for by tag. False if the repository is unknown or being deleted. A busy registry collects pulls and counts them with pull_record_many(). Errors: 22023 neither digest nor tag, number not positive, time infinite; QY020, QY022 digest; QY040 tag.';

-- Reading

CREATE OR REPLACE FUNCTION quay.pull_statistics_get_many(namespace text, repository text, tags text[])
    RETURNS TABLE (tag text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text,
               m.manifest_pull_count, m.last_manifest_pull_date
        FROM quay.tagpullstatistics AS s
        LEFT JOIN quay.manifestpullstatistics AS m ON m.repository_id = target_id AND m.manifest_digest = s.current_manifest_digest
        WHERE s.repository_id = target_id AND s.tag_name = ANY (pull_statistics_get_many.tags)
        ORDER BY s.tag_name;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get_many(text, text, text[]) IS
    'How often these tags were pulled and when last (UTC), the digest that the last pull got, and the same for this manifest, by whatever tag or digest. No row for a tag that was never pulled since it was made. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_get(namespace text, repository text, reference text DEFAULT NULL)
    RETURNS TABLE (kind text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    IF reference IS NULL THEN
        RETURN QUERY
            SELECT 'repository', coalesce(sum(s.manifest_pull_count), 0)::bigint, max(s.last_manifest_pull_date), NULL::text, NULL::bigint,
                   NULL::timestamp
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id;
    ELSIF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        RETURN QUERY
            SELECT 'manifest', s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text, s.manifest_pull_count,
                   s.last_manifest_pull_date
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id AND s.manifest_digest = reference;
    ELSE
        RETURN QUERY
            SELECT 'tag', s.pull_count, s.last_pulled, s.digest, s.manifest_pull_count, s.manifest_last_pulled
            FROM quay.pull_statistics_get_many(pull_statistics_get.namespace, pull_statistics_get.repository, ARRAY[reference]) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get(text, text, text) IS
    'Pulls of a tag, of a manifest (reference is its digest), or of the whole repository (reference NULL): how often, and when last (UTC). The sum of a repository is over its manifests, so each pull counts once. For a tag also what pull_statistics_get_many() answers about its manifest. No row for a tag or a manifest that was never pulled; always one row for a repository. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_list(namespace text, repository text, kind text DEFAULT 'tag', after text DEFAULT NULL,
                                                     n integer DEFAULT 100)
    RETURNS TABLE (name text, pull_count bigint, last_pulled timestamp, digest text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(pull_statistics_list.after);
BEGIN
    IF pull_statistics_list.kind = 'tag' THEN
        RETURN QUERY
            SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text, s.tag_pull_count || '.' || s.id
            FROM quay.tagpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.tag_pull_count < start.at OR s.tag_pull_count = start.at AND s.id > start.id)
            ORDER BY s.tag_pull_count DESC, s.id LIMIT page_size;
    ELSIF pull_statistics_list.kind = 'manifest' THEN
        RETURN QUERY
            SELECT s.manifest_digest::text, s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text,
                   s.manifest_pull_count || '.' || s.id
            FROM quay.manifestpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.manifest_pull_count < start.at OR s.manifest_pull_count = start.at AND s.id > start.id)
            ORDER BY s.manifest_pull_count DESC, s.id LIMIT page_size;
    ELSE
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown kind of pull statistics',
            DETAIL = format('There is no kind "%s".', left(pull_statistics_list.kind, 80)),
            HINT = 'Kinds are tag and manifest.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_list(text, text, text, text, integer) IS
    'Tags (kind tag) or manifests (kind manifest) of a repository that were pulled most often, the first n of them; for the next page pass cursor of the last row as after. name: the tag, or the digest. last_pulled in UTC. It reads all statistics of the repository: a page of a million tags takes about a second. Errors: 22023 n negative, malformed cursor, unknown kind; QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.readable_many(actor text, repository_ids bigint[], scopes text, unrestricted boolean) RETURNS bigint[]
    LANGUAGE sql STABLE
    RETURN CASE WHEN unrestricted THEN repository_ids ELSE quay.access_filter_many(actor, repository_ids, 'read', scopes) END;
COMMENT ON FUNCTION quay_internal.readable_many(text, bigint[], text, boolean) IS
    'Those of these repositories that the actor may read, in the order given; all of them if unrestricted is true.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_repository_list(actor text, namespace text, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                                unrestricted boolean DEFAULT false)
    RETURNS TABLE (repository text, pull_count bigint, last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    page_size integer := quay_internal.page_size(n);
    ids bigint[] := quay_internal.readable_many(actor, ARRAY(SELECT r.id FROM quay.repository AS r
        WHERE r.namespace_user_id = owner_id AND r.state <> 3), scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT r.name::text, coalesce(s.pulls, 0), s.last_pulled
        FROM unnest(ids) AS i (id)
        JOIN quay.repository AS r ON r.id = i.id
        CROSS JOIN LATERAL (SELECT sum(m.manifest_pull_count)::bigint AS pulls, max(m.last_manifest_pull_date) AS last_pulled
                            FROM quay.manifestpullstatistics AS m WHERE m.repository_id = i.id) AS s
        ORDER BY 2 DESC, r.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_repository_list(text, text, integer, text, boolean) IS
    'Repositories of a namespace that the actor may read (NULL: anonymous), those that were pulled most often first, at most n; last_pulled in UTC, NULL: never. unrestricted: all of them, for a caller who has checked. It reads the statistics of all of them. Errors: 22023 n negative, QY002, QY004.';
