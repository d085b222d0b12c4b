-- Repositories that an actor may see, page by page. What bounds the cost is the page: each source of repositories is an index in the
-- order of their ids, of which a page needs only the next few entries.

CREATE OR REPLACE FUNCTION quay_internal.actor_reach(actor text, scopes text, OUT account_id bigint, OUT grantee_id bigint, OUT teams bigint[],
                                                     OUT namespaces bigint[], OUT named bigint[], OUT sees_public boolean,
                                                     OUT sees_all boolean) RETURNS record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    known boolean := actor_reach.actor IS NOT NULL AND NOT EXISTS (
        SELECT FROM quay.access_explain(actor_reach.actor, NULL, NULL, 'read', actor_reach.scopes) AS e
        WHERE e.decided AND e.rule IN ('actor', 'scopes'));
BEGIN
    -- What needs neither a namespace nor a repository reaches all of them.
    sees_all := quay.access_check(actor_reach.actor, NULL, NULL, 'read', actor_reach.scopes);
    sees_public := known OR quay_internal.setting('anonymous_access')::boolean;
    IF known THEN
        SELECT u.id INTO account_id FROM quay."user" AS u WHERE u.username = actor_reach.actor;
        IF actor_reach.scopes IS NULL OR actor_reach.scopes ~ '(^|[ ,])repo:(read|write|admin)($|[ ,])' THEN
            grantee_id := account_id;
        END IF;
    END IF;
    teams := ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = grantee_id);
    namespaces := ARRAY(
        SELECT u.id FROM quay."user" AS u WHERE u.id = grantee_id AND NOT u.robot
        UNION
        SELECT o.id
        FROM quay.team AS t
        JOIN quay.teamrole AS tr ON tr.id = t.role_id AND tr.name = 'admin'
        JOIN quay."user" AS o ON o.id = t.organization_id AND o.organization AND o.enabled
        WHERE t.id = ANY (teams));
    named := ARRAY(
        SELECT r.id
        FROM regexp_matches(actor_reach.scopes, '(?:^|[ ,])repository:([^/ ]+)/([^: ]+):[^ ]', 'g') AS m (path)
        JOIN quay."user" AS u ON u.username = m.path[1]
        JOIN quay.repository AS r ON r.namespace_user_id = u.id AND r.name = m.path[2]);
END
$$;
COMMENT ON FUNCTION quay_internal.actor_reach(text, text) IS
'Where to look for repositories that the actor may read; access_check() has the last word on each.

account_id: the actor, unless he counts as anonymous. grantee_id: the same if the scopes let his rights in repositories through: then his permissions and those of teams count. namespaces: his own, and enabled organizations of which he is in an admin team. named: repositories that the scopes name. sees_public: whether public ones are for him. sees_all: whether all are, as for a superuser.';

CREATE OR REPLACE FUNCTION quay.repository_list_visible(actor text, OUT repository_id bigint, INOUT namespace text DEFAULT NULL, OUT name text,
                                                        OUT description text, OUT visibility text, INOUT kind text DEFAULT 'image',
                                                        OUT state text, include_public boolean DEFAULT false,
                                                        starred boolean DEFAULT false, after bigint DEFAULT NULL, n integer DEFAULT 100,
                                                        scopes text DEFAULT NULL, OUT can_write boolean, OUT can_admin boolean,
                                                        OUT is_starred boolean, OUT score bigint) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    wanted_kind_id bigint := CASE WHEN kind IS NOT NULL THEN quay_internal.repositorykind_id(kind) END;
    wanted_namespace_id bigint;
    public_id bigint := quay_internal.visibility_id('public');
    -- The sources. NULL, false or empty: not this one.
    starrer_id bigint;                  -- stars of this user
    grantee_id bigint;                  -- permissions of this user
    team_ids bigint[] := '{}'::bigint[];          -- permissions of these teams
    namespace_ids bigint[] := '{}'::bigint[];     -- all repositories of these namespaces
    public_namespace_id bigint;         -- the public ones of this namespace
    all_public boolean := false;
    everything boolean := false;
    named_ids bigint[] := '{}'::bigint[];
    start_id bigint := coalesce(after, 0);
    depth integer;                      -- how many entries of each source are looked at
    horizon bigint;                     -- up to this id they are all that there are; NULL: there are no more
    batch bigint[];
    returned integer;
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    IF namespace IS NOT NULL THEN
        SELECT u.id INTO wanted_namespace_id FROM quay."user" AS u
        WHERE u.username = repository_list_visible.namespace AND NOT u.robot AND u.enabled;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;

    IF starred THEN
        starrer_id := reach.account_id;
    ELSIF wanted_namespace_id IS NULL AND reach.sees_all THEN
        everything := true;
    ELSIF reach.sees_all OR wanted_namespace_id = ANY (reach.namespaces) THEN
        namespace_ids := ARRAY[wanted_namespace_id];
    ELSE
        grantee_id := reach.grantee_id;
        team_ids := reach.teams;
        named_ids := reach.named;
        IF wanted_namespace_id IS NULL THEN
            namespace_ids := reach.namespaces;
            all_public := include_public AND reach.sees_public;
        ELSIF include_public AND reach.sees_public THEN
            public_namespace_id := wanted_namespace_id;
        END IF;
    END IF;
    -- A page is likely to be there when the fullest of several sources has given a quarter of it; a single one has to give all.
    depth := CASE WHEN everything OR starred OR cardinality(namespace_ids) = 1 AND grantee_id IS NULL THEN remaining
                  ELSE 8 + remaining / 4 END;
    WHILE remaining > 0 LOOP
        WITH source (ids) AS MATERIALIZED (
            SELECT ARRAY(SELECT s.repository_id FROM quay.star AS s
                         WHERE s.user_id = starrer_id AND s.repository_id > start_id
                         ORDER BY s.repository_id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT p.repository_id FROM quay.repositorypermission AS p
                         WHERE p.user_id = grantee_id AND p.repository_id > start_id
                         ORDER BY p.repository_id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT p.repository_id FROM quay.repositorypermission AS p
                         WHERE p.team_id = t.id AND p.repository_id > start_id
                         ORDER BY p.repository_id LIMIT depth)
            FROM unnest(team_ids) AS t (id)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE r.namespace_user_id = o.id AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            FROM unnest(namespace_ids) AS o (id)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE r.namespace_user_id = public_namespace_id AND r.visibility_id = public_id AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            UNION ALL
            -- visibility_id = public_id, in a form that only the index on both columns serves in this order.
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE all_public AND (r.visibility_id, r.id) > (public_id, start_id) AND r.visibility_id <= public_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.visibility_id, r.id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT r.id FROM quay.repository AS r
                         WHERE everything AND r.id > start_id
                           AND r.state <> 3 AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                         ORDER BY r.id LIMIT depth)
            UNION ALL
            SELECT ARRAY(SELECT t.id FROM unnest(named_ids) AS t (id) WHERE t.id > start_id ORDER BY t.id LIMIT depth)
        ), known AS MATERIALIZED (
            SELECT min(s.ids[depth]) AS horizon FROM source AS s
        )
        SELECT k.horizon,
               ARRAY(SELECT r.id
                     FROM (SELECT DISTINCT e.id FROM source AS s, unnest(s.ids) AS e (id)
                           WHERE k.horizon IS NULL OR e.id <= k.horizon) AS e
                     JOIN quay.repository AS r ON r.id = e.id
                     WHERE (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
                       AND (wanted_namespace_id IS NULL OR r.namespace_user_id = wanted_namespace_id)
                     ORDER BY r.id LIMIT remaining)
        INTO horizon, batch FROM known AS k;

        RETURN QUERY
            SELECT r.id, u.username::text, r.name::text, r.description, v.name::text, k.name::text,
                   quay_internal.repository_state_name(r.state), r.state = 0 AND e.level & 2 > 0, e.level & 4 > 0,
                   EXISTS (SELECT FROM quay.star AS s WHERE s.user_id = reach.account_id AND s.repository_id = r.id), coalesce(s.score, 0)
            FROM unnest(batch, quay.access_level_many(actor, batch, scopes)) AS e (id, level)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.visibility AS v ON v.id = r.visibility_id
            JOIN quay.repositorykind AS k ON k.id = r.kind_id
            LEFT JOIN quay.repositorysearchscore AS s ON s.repository_id = r.id
            WHERE e.level & 1 > 0
            ORDER BY r.id;
        GET DIAGNOSTICS returned = ROW_COUNT;
        IF cardinality(batch) = remaining THEN
            horizon := batch[remaining];
        END IF;
        EXIT WHEN horizon IS NULL;
        remaining := remaining - returned;
        start_id := horizon;
        depth := least(4 * depth, 100000);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_list_visible(text, text, text, boolean, boolean, bigint, integer, text) IS
'Repositories that the actor (NULL: anonymous) may read, in the order of their ids, at most n, those after the id after.

Without include_public these are the ones in which he has a right of his own: through a permission, a team, an organization that he administers, his own namespace, his scopes, or as a superuser who may read everything; with it, public ones too. namespace: only those of this one; unknown or disabled, none. kind: image or application; NULL, any. starred: only those that he has starred and may still read, public or not. scopes: as for access_check().

state: normal, read_only, mirror or org_mirror; what is marked for deletion is not listed. can_write: in state normal, and he may; can_admin: as access_check() says. score: popularity, as in repository_search().
Errors: 22023 n negative, QY009 unknown kind.';
