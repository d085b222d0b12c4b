-- Lists, a page at a time: after is the last entry of the page before, which need not exist any more.

CREATE OR REPLACE FUNCTION quay_internal.page_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of entries must not be negative',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many entries the page may have at most.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.page_size(integer) IS 'The n of a list. Errors: 22023 negative.';

CREATE OR REPLACE FUNCTION quay_internal.page_cursor(after text, OUT at bigint, OUT id bigint)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a list',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    at := coalesce(split_part(after, '.', 1)::bigint, 9223372036854775807);
    id := coalesce(split_part(after, '.', 2)::bigint, 9223372036854775807);
END
$$;
COMMENT ON FUNCTION quay_internal.page_cursor(text) IS
    'The parts of a cursor "<at>.<id>" of a list that goes downwards; NULL: greater than all. Errors: 22023 malformed.';

CREATE OR REPLACE FUNCTION quay.tag_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100,
                                         prefix text DEFAULT NULL)
    RETURNS TABLE (name text, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers the indexes, whose order is that of the page
    SET enable_bitmapscan = off
    SET jit = off AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    start text := coalesce(tag_list.after, '') COLLATE "C";   -- no name is empty
    first text := coalesce(tag_list.prefix, '') COLLATE "C";
    last text := (first || chr(1114111)) COLLATE "C";         -- no character is greater
BEGIN
    -- Two branches, each with an index that holds nothing but live rows: tags without an end, and those with one in the future.
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        -- In a database of the reference a name may have two live rows: the one that lives longer counts.
        FROM (SELECT DISTINCT ON (l.name) l.*
              FROM ((SELECT * FROM quay.tag AS t
                     WHERE t.repository_id = target_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden AND t.manifest_id IS NOT NULL
                       AND t.name > start AND t.name >= first AND t.name < last
                     ORDER BY t.name
                     LIMIT page_size)
                    UNION ALL
                    (SELECT DISTINCT ON (t.name) * FROM quay.tag AS t
                     WHERE t.repository_id = target_id AND t.lifetime_end_ms > now_ms AND NOT t.ended AND NOT t.hidden
                       AND t.manifest_id IS NOT NULL AND t.name > start AND t.name >= first AND t.name < last
                     ORDER BY t.name, t.lifetime_end_ms DESC
                     LIMIT page_size)) AS l
              ORDER BY l.name, l.lifetime_end_ms DESC NULLS FIRST
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_list(text, text, text, integer, text) IS
    'Live tags of a repository in byte order of their names, at most n, those after the name after; prefix: only those whose names start with it. size: of the manifest, layers_size: of its layers, compressed, both in bytes; NULL: not known. Lifetimes in ms since 1970, an end of NULL means none. The cost of a page does not depend on the number of tags, live or not. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_history(namespace text, repository text, INOUT tag text DEFAULT NULL, after text DEFAULT NULL,
                                            n integer DEFAULT 100, OUT digest text, OUT lifetime_start_ms bigint,
                                            OUT lifetime_end_ms bigint, OUT live boolean, OUT reversion boolean, OUT immutable boolean,
                                            OUT tag_id bigint, OUT cursor text, filter text DEFAULT NULL, active_only boolean DEFAULT false,
                                            since_ms bigint DEFAULT NULL, OUT media_type text, OUT layers_size bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    start record := quay_internal.page_cursor(tag_history.after);
    operator text := split_part(tag_history.filter, ':', 1);
    operand text := substr(tag_history.filter, length(operator) + 2);
    exact text := coalesce(tag_history.tag, CASE operator WHEN 'eq' THEN operand END);
    pattern text := CASE operator WHEN 'like' THEN quay_internal.like_contains(operand) END;
    page bigint[];
BEGIN
    IF tag_history.filter IS NOT NULL AND (strpos(tag_history.filter, ':') = 0 OR operator NOT IN ('like', 'eq')) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed filter of tags',
            DETAIL = format('"%s" is none.', left(tag_history.filter, 80)),
            HINT = 'Pass like:<part of the name> or eq:<name>.';
    END IF;
    -- Two statements, since one would have one plan for a single name and for all of them.
    IF exact IS NOT NULL THEN
        page := ARRAY(SELECT t.id FROM quay.tag AS t
                      WHERE t.repository_id = target_id AND t.name = exact AND NOT t.hidden
                        AND (operator IS DISTINCT FROM 'eq' OR exact = operand) AND (pattern IS NULL OR t.name ILIKE pattern)
                        AND (NOT active_only OR t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                        AND (since_ms IS NULL OR t.lifetime_start_ms > since_ms OR t.lifetime_end_ms > since_ms)
                        AND (t.lifetime_start_ms, t.id) < (start.at, start.id)
                      ORDER BY t.lifetime_start_ms DESC, t.id DESC
                      LIMIT page_size);
    ELSE
        page := ARRAY(SELECT t.id FROM quay.tag AS t
                      WHERE t.repository_id = target_id AND NOT t.hidden AND (pattern IS NULL OR t.name ILIKE pattern)
                        AND (NOT active_only OR t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                        AND (since_ms IS NULL OR t.lifetime_start_ms > since_ms OR t.lifetime_end_ms > since_ms)
                        AND t.lifetime_start_ms <= start.at AND (t.lifetime_start_ms, t.id) < (start.at, start.id)
                      ORDER BY t.lifetime_start_ms DESC, t.id DESC
                      LIMIT page_size);
    END IF;
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, t.lifetime_end_ms,
               t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms, t.reversion, t.immutable, t.id,
               t.lifetime_start_ms || '.' || t.id, y.name::text, m.layers_compressed_size
        FROM quay.tag AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        LEFT JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE t.id = ANY (page)
        ORDER BY t.lifetime_start_ms DESC, t.id DESC;
END
$$;
COMMENT ON FUNCTION quay.tag_history(text, text, text, text, integer, text, boolean, bigint) IS
    'Periods of one tag, or of all tags of a repository (tag NULL), over or not, newest first, as long as they have not been collected. filter: like:<part> for names that contain this, whatever its case, or eq:<name>; active_only: live ones; since_ms: those that began or end after that moment. Times in ms since 1970; an end of NULL means none. layers_size in bytes. For the next page pass cursor of the last row as after. A filter that few rows pass makes a page read the history of the whole repository. Errors: 22023 n negative, malformed cursor or filter, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.referrer_list(namespace text, repository text, INOUT digest text, INOUT artifact_type text DEFAULT NULL,
                                              after text DEFAULT NULL, n integer DEFAULT NULL,
                                              OUT media_type text, OUT size bigint, OUT annotations jsonb, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(coalesce(n, 2147483647));
    now_ms bigint := quay_internal.clock_ms();
    after_id bigint;
    fallback text;
BEGIN
    PERFORM quay_internal.digest_check(referrer_list.digest);
    IF after !~ '^[0-9]{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a referrer list',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    after_id := coalesce(after::bigint, 0);
    -- Clients that know no subject keep the list themselves: an index under a tag made from the digest.
    SELECT m.manifest_bytes INTO fallback
    FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id
    WHERE m.id = (quay_internal.tag_find(target_id, replace(referrer_list.digest, ':', '-'), now_ms)).manifest_id
      AND y.name = 'application/vnd.oci.image.index.v1+json';
    RETURN QUERY
        SELECT m.digest::text, coalesce(m.artifact_type, m.config_media_type)::text, y.name::text,
               octet_length(m.manifest_bytes)::bigint, coalesce(quay_internal.manifest_annotations(m.manifest_bytes), '{}'), m.id::text
        FROM (SELECT r.id FROM quay.manifest AS r
              WHERE r.repository_id = target_id AND r.subject = referrer_list.digest AND r.id > after_id
                AND quay_internal.manifest_is_alive(r.id, now_ms)
              UNION
              SELECT r.id FROM quay.manifest AS r
              WHERE r.repository_id = target_id AND r.id > after_id
                AND r.digest IN (SELECT e.digest FROM quay_internal.manifest_entry_list(fallback) AS e)
             ) AS r
        JOIN quay.manifest AS m ON m.id = r.id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE m.manifest_bytes <> ''
          AND (referrer_list.artifact_type IS NULL OR coalesce(m.artifact_type, m.config_media_type) = referrer_list.artifact_type)
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.referrer_list(text, text, text, text, text, integer) IS
    'Manifests that have this digest as their subject, oldest first, as the descriptors of a referrers response (see referrer_index()); also those that an index under the tag <algorithm>-<hexadecimal digits> lists. Only those that are alive. artifact_type selects; a manifest without one counts under the media type of its config. n: at most so many, NULL: all; after: cursor of the last row of the page before. No row: none, whether the digest is known or not. size in bytes. Errors: 22023 n negative or no cursor, QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.catalog(actor text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, repository text, name text, visibility text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers an incremental sort, which stops with the page
    SET jit = off AS $$
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    image_id bigint := quay_internal.repositorykind_id('image');
    public_id bigint := quay_internal.visibility_id('public');
    with_public boolean;
    public_namespaces bigint[] := '{}'::bigint[];
    public_is_rare boolean;
    walk boolean;
    single_ids bigint[];
    -- No name has a "/" before that of the repository, so the order of these two keys is that of "namespace/repository".
    after_namespace text COLLATE "C" := coalesce(split_part(after, '/', 1) || CASE WHEN strpos(after, '/') > 0 THEN '/' ELSE '' END, '');
    after_repository text COLLATE "C" := CASE WHEN strpos(after, '/') > 0 THEN substring(after FROM strpos(after, '/') + 1) ELSE '' END;
    batch record;
    readable bigint[];
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    with_public := reach.sees_public AND quay_internal.setting('public_catalog')::boolean;
    IF NOT with_public AND reach.account_id IS NOT NULL THEN
        public_namespaces := ARRAY(SELECT u.id FROM quay.public_namespace AS p JOIN quay."user" AS u ON u.username = p.username);
    END IF;
    -- A few public repositories are found faster one by one than by a walk through all namespaces.
    -- visibility_id = public_id, in a form that only the index on both columns serves, wherever in the table the public ones are.
    public_is_rare := with_public AND NOT EXISTS (
        SELECT FROM quay.repository AS r
        WHERE (r.visibility_id, r.id) > (public_id, 0) AND r.visibility_id <= public_id
        ORDER BY r.visibility_id, r.id OFFSET 200);
    walk := reach.sees_all OR with_public AND NOT public_is_rare;

    single_ids := reach.named || ARRAY(
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.user_id = reach.grantee_id
        UNION ALL
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.team_id = ANY (reach.teams));
    IF public_is_rare THEN
        single_ids := single_ids || ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.visibility_id = public_id);
    END IF;

    WHILE remaining > 0 LOOP
        -- From each source as much as a page may need, in the order of the names.
        SELECT array_agg(p.id) AS ids, array_agg(p.path) AS paths, array_agg(p.name) AS names, array_agg(p.visibility_id) AS visibilities,
               count(*) AS number
        INTO batch
        FROM (SELECT e.*
            FROM ((SELECT n.path, r.name, r.id, r.visibility_id                -- all there are
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE reach.sees_all AND NOT u.robot AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name, r.visibility_id FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT n.path, r.name, r.id, r.visibility_id                -- all public ones, by an index that has these in the order of their names
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE walk AND NOT reach.sees_all AND NOT u.robot AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name, r.visibility_id FROM quay.repository AS r
                       WHERE r.visibility_id = public_id AND r.namespace_user_id = n.id
                         AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT n.path, r.name, r.id, r.visibility_id                -- those of the actor, and those that everybody sees
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE u.id = ANY (reach.namespaces || public_namespaces) AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name, r.visibility_id FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id AND (n.id = ANY (reach.namespaces) OR r.visibility_id = public_id)
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT u.username || '/' AS path, r.name, r.id, r.visibility_id                -- one by one
                   FROM (SELECT DISTINCT s.id FROM unnest(single_ids) AS s (id)) AS s
                   JOIN quay.repository AS r ON r.id = s.id AND r.state <> 3 AND r.kind_id = image_id
                   JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
                   WHERE ((u.username || '/'), r.name) > (after_namespace, after_repository)
                   ORDER BY path, r.name LIMIT remaining)) AS e
            ORDER BY e.path, e.name LIMIT remaining) AS p;
        EXIT WHEN batch.number = 0;
        -- Who is nobody has been given nothing but what is public.
        readable := CASE WHEN actor IS NULL AND scopes IS NULL THEN batch.ids ELSE quay.access_filter_many(actor, batch.ids, 'read', scopes) END;
        RETURN QUERY
            SELECT left(e.path, -1), e.name::text, e.path || e.name, v.name::text
            FROM unnest(batch.ids, batch.paths, batch.names, batch.visibilities) WITH ORDINALITY AS e (id, path, name, visibility_id, place)
            JOIN quay.visibility AS v ON v.id = e.visibility_id
            WHERE e.id = ANY (readable)
            ORDER BY e.place;
        EXIT WHEN batch.number < remaining;
        after_namespace := batch.paths[remaining];
        after_repository := batch.names[remaining];
        remaining := remaining - cardinality(readable);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.catalog(text, text, integer, text) IS
    'Image repositories that the actor may read (NULL: anonymous), in byte order of name, which is "namespace/repository", at most n, those after the name after. Public ones in which he has no right of his own are among them with quay.public_catalog; without it, only for users, and only those of namespaces in quay.public_namespace. Errors: 22023 n negative.';
