-- Search for repositories and namespaces, and for all that has a name, limited to what the actor may see.

CREATE OR REPLACE FUNCTION quay.repository_search(query text, actor text, OUT repository_id bigint, OUT namespace text, OUT name text,
                                                  OUT description text, OUT is_public boolean, INOUT kind text DEFAULT NULL,
                                                  OUT state text, OUT score bigint, after text DEFAULT NULL, n integer DEFAULT 10,
                                                  scopes text DEFAULT NULL, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET jit = off
    SET plan_cache_mode = force_custom_plan AS $$      -- the pattern decides whether a trigram index helps
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    wanted_kind_id bigint := CASE WHEN kind IS NOT NULL THEN quay_internal.repositorykind_id(kind) END;
    public_id bigint := quay_internal.visibility_id('public');
    wanted_namespace_id bigint;
    part text := coalesce(query, '');
    pattern text;
    weight bigint := 1;                 -- of the popularity if the name matches
    after_score bigint := 9223372036854775807;
    after_id bigint := 0;
    few boolean;
    depth integer;
    batch bigint[];
    scores bigint[];
    readable bigint[];
    returned integer;
BEGIN
    IF after IS NOT NULL AND after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a repository search',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    IF after IS NOT NULL THEN
        after_score := split_part(after, '.', 1)::bigint;
        after_id := split_part(after, '.', 2)::bigint;
    END IF;
    -- "namespace/part of a name"; nothing before the slash leaves the namespace open.
    IF strpos(part, '/') > 0 THEN
        IF strpos(part, '/') > 1 THEN
            SELECT u.id INTO wanted_namespace_id FROM quay."user" AS u
            WHERE u.username = split_part(part, '/', 1) AND NOT u.robot AND u.enabled;
            IF NOT FOUND THEN
                RETURN;
            END IF;
        END IF;
        part := substring(part FROM strpos(part, '/') + 1);
    END IF;
    IF part <> '' THEN
        pattern := quay_internal.like_contains(part);
        weight := 100;
    END IF;

    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    -- Who sees little is better served by a look at that than by a walk through everybody's.
    few := NOT reach.sees_all AND wanted_namespace_id IS NULL
           AND NOT (reach.sees_public
                    AND EXISTS (SELECT FROM quay.repository AS r WHERE r.visibility_id = public_id OFFSET 1000));
    depth := remaining;
    WHILE remaining > 0 LOOP
        IF few THEN
            SELECT array_agg(e.id), array_agg(e.score) INTO batch, scores
            FROM (SELECT r.id, c.score
                  FROM (SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.user_id = reach.grantee_id
                        UNION SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.team_id = ANY (reach.teams)
                        UNION SELECT p.id FROM quay.repository AS p WHERE p.namespace_user_id = ANY (reach.namespaces)
                        UNION SELECT p.id FROM quay.repository AS p WHERE reach.sees_public AND p.visibility_id = public_id
                        UNION SELECT t.id FROM unnest(reach.named) AS t (id)) AS p
                  JOIN quay.repository AS r ON r.id = p.repository_id
                  JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
                  CROSS JOIN LATERAL (SELECT CASE WHEN r.name ILIKE pattern THEN weight * s.score ELSE s.score END) AS c (score)
                  WHERE (pattern IS NULL OR r.name ILIKE pattern OR r.description ILIKE pattern)
                    AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                    AND c.score <= after_score AND (c.score < after_score OR r.id > after_id)
                  ORDER BY c.score DESC, r.id LIMIT depth) AS e;
        ELSE
            -- Names and descriptions apart: each is in the order of the index on scores then, should a walk along it be the best way.
            SELECT array_agg(e.id), array_agg(e.score) INTO batch, scores
            FROM ((SELECT s.repository_id AS id, weight * s.score AS score
                   FROM quay.repositorysearchscore AS s
                   JOIN quay.repository AS r ON r.id = s.repository_id
                   WHERE (pattern IS NULL OR r.name ILIKE pattern)
                     AND s.score <= after_score / weight AND (s.score * weight < after_score OR s.repository_id > after_id)
                     AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                     AND (reach.sees_all OR r.visibility_id = public_id OR r.namespace_user_id = ANY (reach.namespaces)
                          OR r.id = ANY (reach.named)
                          OR EXISTS (SELECT FROM quay.repositorypermission AS p
                                     WHERE p.repository_id = r.id AND (p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams))))
                   ORDER BY s.score DESC, s.repository_id LIMIT depth)
                  UNION ALL
                  (SELECT s.repository_id, s.score
                   FROM quay.repositorysearchscore AS s
                   JOIN quay.repository AS r ON r.id = s.repository_id
                   WHERE pattern IS NOT NULL AND r.description ILIKE pattern AND r.name NOT ILIKE pattern
                     AND s.score <= after_score AND (s.score < after_score OR s.repository_id > after_id)
                     AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                     AND (reach.sees_all OR r.visibility_id = public_id OR r.namespace_user_id = ANY (reach.namespaces)
                          OR r.id = ANY (reach.named)
                          OR EXISTS (SELECT FROM quay.repositorypermission AS p
                                     WHERE p.repository_id = r.id AND (p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams))))
                   ORDER BY s.score DESC, s.repository_id LIMIT depth)
                  ORDER BY score DESC, id LIMIT depth) AS e;
        END IF;
        readable := quay.access_filter_many(actor, batch, 'read', scopes);
        RETURN QUERY
            SELECT r.id, u.username::text, r.name::text, r.description, r.visibility_id = public_id, k.name::text,
                   quay_internal.repository_state_name(r.state), e.score, e.score || '.' || r.id
            FROM unnest(batch, scores) AS e (id, score)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.repositorykind AS k ON k.id = r.kind_id
            WHERE e.id = ANY (readable)
            ORDER BY e.score DESC, r.id LIMIT remaining;
        GET DIAGNOSTICS returned = ROW_COUNT;
        EXIT WHEN batch IS NULL OR cardinality(batch) < depth;
        after_score := scores[depth];
        after_id := batch[depth];
        remaining := remaining - returned;
        depth := greatest(depth, least(4 * depth, 10000));
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_search(text, text, text, text, integer, text) IS
'Repositories that the actor (NULL: anonymous) may read, public ones among them, and that the query finds, the most popular first, at most n. For the next page pass cursor of the last row as after.

query: part of a name or a description, in any case; characters like % and _ stand for themselves. "namespace/part" looks into one namespace only. Empty: all. kind: image or application; NULL, any. scopes: as for access_check().
score: popularity, that is the value in repositorysearchscore, times 100 if the name matches; rows with the same are in the order of their ids. Repositories without a row there are not found.
Fast with the indexes of search_index_create(), which parts of three or more characters use.
Errors: 22023 n negative or malformed cursor, QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay.user_namespace_search(query text, actor text, after text DEFAULT NULL, n integer DEFAULT 10,
                                                      scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, namespace_id bigint, organization boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reach record;
    image_id bigint := quay_internal.repositorykind_id('image');
    public_id bigint := quay_internal.visibility_id('public');
    reached_ids bigint[];
    prefix text COLLATE "C" := lower(coalesce(query, ''));
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    -- Where he has a right: in other namespaces only public repositories need a look.
    reached_ids := reach.namespaces || ARRAY(
        SELECT r.namespace_user_id FROM quay.repository AS r
        WHERE r.id = ANY (reach.named)
        UNION
        SELECT r.namespace_user_id FROM quay.repositorypermission AS p JOIN quay.repository AS r ON r.id = p.repository_id
        WHERE p.user_id = reach.grantee_id OR p.team_id = ANY (reach.teams));
    RETURN QUERY
        SELECT u.username::text, u.id, u.organization
        FROM quay."user" AS u
        WHERE u.username >= prefix AND u.username < quay_internal.prefix_end(prefix) AND u.username > coalesce(after, '') COLLATE "C"
          AND NOT u.robot AND u.enabled
          AND EXISTS (SELECT FROM quay.repository AS r
                      WHERE r.namespace_user_id = u.id AND r.state <> 3 AND r.kind_id = image_id
                        AND (reach.sees_all OR reach.sees_public AND r.visibility_id = public_id OR u.id = ANY (reached_ids))
                        AND quay.access_check(actor, u.username::text, r.name::text, 'read', scopes))
        ORDER BY u.username LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.user_namespace_search(text, text, text, integer, text) IS
    'Enabled users and organizations whose names start with the query, in any case, and who own an image repository that the actor (NULL: anonymous) may read; in byte order of name, at most n, those after the name after. scopes: as for access_check(). Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay_internal.name_similarity(name text, query text) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN name = lower(query) THEN 1.0
                WHEN starts_with(name, lower(query)) THEN 0.9
                WHEN strpos(name, lower(query)) > 0 THEN 0.8
                ELSE 0.5 END;
COMMENT ON FUNCTION quay_internal.name_similarity(text, text) IS
    'How well a name answers a query: 1 if they are equal, 0.9 if the name starts with it, 0.8 if it contains it, 0.5 otherwise.';

CREATE OR REPLACE FUNCTION quay.search_all(query text, actor text, n integer DEFAULT 5, scopes text DEFAULT NULL)
    RETURNS TABLE (kind text, id bigint, namespace text, name text, description text, is_public boolean, score double precision)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    reach record;
    team_pattern text := quay_internal.like_prefix(lower(query));
    rest text := substring(query FROM strpos(query, '/') + 1);      -- behind "namespace/"
BEGIN
    IF coalesce(query, '') = '' THEN
        RETURN;
    END IF;
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, NULL);
    RETURN QUERY
        SELECT e.kind, e.id, e.namespace, e.name, e.description, e.is_public, e.score
        FROM ((SELECT 'team' AS kind, t.id, o.username::text AS namespace, t.name::text AS name, t.description AS description,
                      NULL::boolean AS is_public, 2 * quay_internal.name_similarity(t.name, query) AS score
               FROM quay.team AS t
               JOIN quay."user" AS o ON o.id = t.organization_id AND o.enabled
               WHERE (t.id = ANY (reach.teams) OR t.organization_id = ANY (reach.namespaces)) AND lower(t.name) LIKE team_pattern
               -- His own teams go before those that he only administers.
               ORDER BY t.id = ANY (reach.teams) DESC, t.name, t.id LIMIT 2 * page_size)
              UNION ALL
              SELECT 'robot', r.user_id, split_part(r.robot, '+', 1), r.robot, NULL, NULL,
                     quay_internal.name_similarity(split_part(r.robot, '+', 2), query)
              FROM quay.robot_search(query, actor, n => page_size) AS r
              WHERE reach.account_id IS NOT NULL
              UNION ALL
              SELECT 'repository', r.repository_id, r.namespace, r.name, r.description, r.is_public,
                     4 * quay_internal.name_similarity(r.name, rest)
              FROM quay.repository_search(query, actor, n => page_size, scopes => search_all.scopes) AS r
              UNION ALL
              SELECT CASE WHEN s.organization THEN 'organization' ELSE 'user' END, s.namespace_id, s.namespace, s.namespace, NULL, NULL,
                     quay_internal.name_similarity(s.namespace, query)
              FROM quay.user_namespace_search(query, actor, n => page_size, scopes => search_all.scopes) AS s) AS e
        ORDER BY e.score DESC, e.kind, e.namespace COLLATE "C", e.name COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.search_all(text, text, integer, text) IS
'What one field of a front end searches: teams in which the actor is, or whose organization he administers, robots (see robot_search), repositories (see repository_search) and namespaces (see user_namespace_search); of each at most n, of teams twice as many. Nothing for an empty query.

kind: team, robot, repository, organization or user. id is that of the row of this kind. score: 4 for a repository, 2 for a team, 1 for the others, times 1 if the name equals the query, 0.9 if it starts with it, 0.8 if it contains it, 0.5 otherwise; the highest first.
Errors: 22023 n negative.';
