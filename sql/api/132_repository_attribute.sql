-- What hangs on repositories: stars, e-mail addresses for notifications, sizes, counts, and the score that orders the search.

CREATE OR REPLACE FUNCTION quay.repository_star(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star.username);
    -- Who marks the repository for deletion removes its stars; the lock lets none slip in.
    target quay.repository := quay_internal.repository_get(repository_star.namespace, repository_star.name, lock => true);
BEGIN
    INSERT INTO quay.star (user_id, repository_id, created) VALUES (person.id, target.id, quay_internal.utc_now()) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_star(text, text, text) IS
    'Stars a repository for a person. True if starred, false if it was already. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_unstar(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_unstar.username);
BEGIN
    DELETE FROM quay.star AS s
    WHERE s.user_id = person.id
      AND s.repository_id = quay_internal.repository_find(repository_unstar.namespace, repository_unstar.name);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_unstar(text, text, text) IS
    'Takes the star of a person from a repository. True if taken, false if there was none or no such repository. Errors: QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_is_starred(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.star AS s JOIN quay."user" AS u ON u.id = s.user_id
                   WHERE u.username = repository_is_starred.username
                     AND s.repository_id = quay_internal.repository_find(repository_is_starred.namespace, repository_is_starred.name));
END
$$;
COMMENT ON FUNCTION quay.repository_is_starred(text, text, text) IS 'Did the person star the repository? Names that are unknown make it false.';

CREATE OR REPLACE FUNCTION quay.repository_star_count(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.star AS s
            WHERE s.repository_id = quay_internal.repository_find(repository_star_count.namespace, repository_star_count.name));
END
$$;
COMMENT ON FUNCTION quay.repository_star_count(text, text) IS 'How many people starred the repository; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_star_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100, kind text DEFAULT 'image',
                                                     scopes text DEFAULT NULL)
    RETURNS TABLE (star_id bigint, repository_id bigint, namespace text, repository text, visibility text, state text, description text,
                   created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star_list.username);
    page_size integer := quay_internal.page_size(n);
    wanted_kind_id bigint := CASE WHEN repository_star_list.kind IS NOT NULL THEN quay_internal.repositorykind_id(repository_star_list.kind) END;
    returned integer := 0;
BEGIN
    IF page_size = 0 THEN
        RETURN;
    END IF;
    FOR star_id, repository_id, namespace, repository, visibility, state, description, created IN
        SELECT s.id, r.id, u.username, r.name, v.name, quay_internal.repository_state_name(r.state), r.description, s.created
        FROM quay.star AS s
        JOIN quay.repository AS r ON r.id = s.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        WHERE s.user_id = person.id AND s.id > coalesce(repository_star_list.after, 0) AND r.state <> 3
          AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
        ORDER BY s.id
    LOOP
        -- Who lost the right to see a repository keeps the star, but does not see it.
        CONTINUE WHEN NOT quay.access_check(person.username, namespace, repository, 'read', repository_star_list.scopes);
        RETURN NEXT;
        returned := returned + 1;
        EXIT WHEN returned = page_size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_star_list(text, bigint, integer, text, text) IS
    'Repositories that a person starred and may read now, in the order in which they were starred, at most n, those after the star_id after. kind: image or application; NULL for both. scopes: those of the credential, as in access_check(). created: when starred, UTC. Errors: 22023 n negative, QY007 person unknown, QY009 unknown kind.';

-- E-mail addresses that may get notifications about a repository, once their owner has confirmed it.

CREATE OR REPLACE FUNCTION quay.repository_email_create(namespace text, name text, email text)
    RETURNS TABLE (code text, confirmed boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    PERFORM quay_internal.email_check(repository_email_create.email);
    INSERT INTO quay.repositoryauthorizedemail (repository_id, email, code, confirmed)
    VALUES (target.id, repository_email_create.email, quay_internal.token_random(16), false)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT a.code::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
                 WHERE a.repository_id = target.id AND a.email = repository_email_create.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_create(text, text, text) IS
    'Asks for an e-mail address to get notifications about a repository. Returns the code to mail there, 16 characters, and whether the address is confirmed; where it was asked for before, the same code, so that it can be sent again. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.repository_email_confirm(code text)
    RETURNS TABLE (namespace text, repository text, email text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.repositoryauthorizedemail AS a
    SET confirmed = true
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE a.code = repository_email_confirm.code AND r.id = a.repository_id AND r.state <> 3 AND u.enabled
    RETURNING u.username, r.name, a.email INTO namespace, repository, email;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY017',
            MESSAGE = 'confirmation code is not valid',
            DETAIL = 'No e-mail address of a repository has this code.',
            HINT = 'Ask for the address again with quay.repository_email_create().';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_email_confirm(text) IS
    'Confirms the e-mail address to which this code was mailed, and returns which one for which repository it was. A second time does no harm. Errors: QY017 code unknown, or its repository gone.';

CREATE OR REPLACE FUNCTION quay.repository_email_list(namespace text, name text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (email text, confirmed boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email > coalesce(repository_email_list.after, '')
        ORDER BY a.email
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_email_list(text, text, text, integer) IS
    'E-mail addresses that were asked for in a repository, and whether they are confirmed, in byte order, at most n, those after the address after. Errors: 22023 n negative, QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_get(namespace text, name text, INOUT email text, OUT confirmed boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email = repository_email_get.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_get(text, text, text) IS
    'Is the e-mail address confirmed for the repository? No row if it was never asked for. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_delete(namespace text, name text, email text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    DELETE FROM quay.repositoryauthorizedemail AS a WHERE a.repository_id = target.id AND a.email = repository_email_delete.email;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_email_delete(text, text, text) IS
    'Removes an e-mail address from a repository; its code is not valid any more. True if removed, false if it was not there. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

-- Sizes, counts, and what workers ask.

CREATE OR REPLACE FUNCTION quay.repository_size_many(ids bigint[]) RETURNS TABLE (repository_id bigint, size_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.id, coalesce(quay_internal.size_of(r.namespace_user_id, i.id), 0)
        FROM (SELECT DISTINCT u.id FROM unnest(ids) AS u (id) WHERE u.id IS NOT NULL) AS i
        LEFT JOIN quay.repository AS r ON r.id = i.id
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay.repository_size_many(bigint[]) IS
    'Sizes of repositories, by their ids, in bytes: of the blobs that their manifests refer to, each counted once. A row for each id, 0 for an unknown one.';

CREATE OR REPLACE FUNCTION quay.repository_upload_size(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(b.byte_count), 0) FROM quay.blobupload AS b
            WHERE b.repository_id = quay_internal.repository_find(repository_upload_size.namespace, repository_upload_size.name));
END
$$;
COMMENT ON FUNCTION quay.repository_upload_size(text, text) IS
    'Bytes that the uploads under way in a repository have received so far; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_count(estimate boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Of the last ANALYZE or VACUUM; -1: there was none.
    estimated bigint := (SELECT c.reltuples::bigint FROM pg_class AS c WHERE c.oid = 'quay.repository'::regclass);
BEGIN
    IF repository_count.estimate AND estimated >= 0 THEN
        RETURN estimated;
    END IF;
    RETURN (SELECT count(*) FROM quay.repository);
END
$$;
COMMENT ON FUNCTION quay.repository_count(boolean) IS
    'How many repositories there are, those marked for deletion included. estimate: the number that the planner goes by, at once; where there is none yet they are counted.';

CREATE OR REPLACE FUNCTION quay.repository_id_range(OUT min_id bigint, OUT max_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT min(r.id), max(r.id) INTO min_id, max_id FROM quay.repository AS r;
END
$$;
COMMENT ON FUNCTION quay.repository_id_range() IS 'The smallest and the greatest id of a repository, for workers that walk through all. NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.gc_policy_pick() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Policies are few, namespaces are many: one pass that keeps what is distinct, and a look into the array, no sort.
    policies bigint[] := ARRAY(SELECT u.removed_tag_expiration_s FROM quay."user" AS u WHERE NOT u.robot
                               GROUP BY u.removed_tag_expiration_s LIMIT 100);
BEGIN
    RETURN policies[1 + floor(random() * cardinality(policies))::integer];
END
$$;
COMMENT ON FUNCTION quay.gc_policy_pick() IS
    'A random one of the times, in seconds, that namespaces keep removed tags, each as probable as any other, of at most 100: what a garbage collector works on next. NULL if there is no namespace. It reads all namespaces: keep the answer for some minutes.';

CREATE OR REPLACE FUNCTION quay.repository_secscan_severity_list(namespace text, name text) RETURNS TABLE (severity text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT p.severity
        FROM quay.repositorynotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        CROSS JOIN LATERAL (SELECT t.event_config_json::jsonb #>> '{vulnerability,priority}') AS p (severity)
        WHERE t.repository_id = quay_internal.repository_find(repository_secscan_severity_list.namespace, repository_secscan_severity_list.name)
          AND e.name = 'vulnerability_found' AND p.severity <> ''
        ORDER BY p.severity;
END
$$;
COMMENT ON FUNCTION quay.repository_secscan_severity_list(text, text) IS
    'Severities from which on somebody wants to be notified about vulnerabilities found in a repository, each once. No row if nobody does, or the repository is unknown.';

-- The order of the search.

CREATE OR REPLACE FUNCTION quay_internal.repository_search_score(repository_id bigint, today date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    score bigint;
BEGIN
    -- The mean number of actions per day of each period, weighed. It is divided by the days of the period, not by those that have a row:
    -- a day without one is a day without actions, or a repository that was used once would go before one that is used every day.
    SELECT trunc(100 * sum(b.weight * b.actions / b.days))
    INTO score
    FROM (SELECT w.weight, w.first_day - w.last_day + 1 AS days,
                 (SELECT coalesce(sum(c.count), 0) FROM quay.repositoryactioncount AS c
                  WHERE c.repository_id = repository_search_score.repository_id
                    AND c.date BETWEEN repository_search_score.today - w.first_day AND repository_search_score.today - w.last_day) AS actions
          FROM (VALUES (1, 1, 0.010870), (7, 2, 0.062815), (31, 8, 0.21604), (183, 32, 0.71028)) AS w (first_day, last_day, weight)) AS b;
    RETURN score;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_search_score(bigint, date) IS
    'Score of a repository in the search: 100 times the sum, over four periods, of the mean number of actions per day times a weight, without fraction. The periods are yesterday, 2 to 7, 8 to 31 and 32 to 183 days before today. Days without a row of repositoryactioncount count as days without actions.';

CREATE OR REPLACE FUNCTION quay.repository_search_score_update(after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, updated bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    today date := quay_internal.utc_now()::date;
    ids bigint[] := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id > coalesce(repository_search_score_update.after, 0)
                          ORDER BY r.id LIMIT page_size);
BEGIN
    -- Nothing is written where the score stays. In the order of ids, so that two such calls do not lock each other out.
    INSERT INTO quay.repositorysearchscore AS s (repository_id, score, last_updated)
    SELECT r.id, c.score, quay_internal.utc_now()
    FROM quay.repository AS r
    LEFT JOIN quay.repositorysearchscore AS o ON o.repository_id = r.id
    CROSS JOIN LATERAL (SELECT quay_internal.repository_search_score(r.id, today)) AS c (score)
    WHERE r.id = ANY (ids) AND r.state <> 3 AND o.score IS DISTINCT FROM c.score
    ORDER BY r.id
    ON CONFLICT (repository_id) DO UPDATE SET score = EXCLUDED.score, last_updated = EXCLUDED.last_updated;
    GET DIAGNOSTICS updated = ROW_COUNT;
    examined := cardinality(ids);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_search_score_update(bigint, integer) IS
    'Brings the search scores of the next n repositories up to date, in the order of their ids, those with an id greater than after. Returns how many were looked at, how many of them have another score now, and the last id: pass it as after in the next call, until it is NULL. To be done once a day, when the action counts of yesterday are there; safe to repeat, and to stop and go on at any place. Errors: 22023 n negative.';
