-- Notifications of repositories and of namespaces: which event is told to whom. What both kinds share: their methods, which say whom and
-- how, and their filters, which say when.

-- Where a webhook may go

CREATE OR REPLACE FUNCTION quay_internal.webhook_problem(url text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Up to the path; the host stands behind the last @, before which a user and a password may stand.
    authority text := regexp_replace(substring(url FROM '^[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*)'), '^.*@', '');
    host text := quay_internal.upstream_host(authority);
    literal inet := quay_internal.inet_read(host);
    -- The machine itself, its link with what clouds tell a machine about itself, and what is no address of anybody.
    own CONSTANT inet[] := ARRAY['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '168.63.129.16', '224.0.0.0/3', '::/127', '::ffff:0:0/96',
                              '64:ff9b::/96', 'fe80::/10', 'ff00::/8']::inet[];
BEGIN
    IF authority IS NULL THEN
        RETURN 'It is no URL with http or https.';
    ELSIF url ~ '[\s\\]' OR host IS NULL THEN
        RETURN 'It has no plain host, such as ci.example.com:8443.';
    ELSIF host ~ '(^|\.)localhost$'
        OR host = ANY (regexp_split_to_array(lower(btrim(quay_internal.setting('webhook_blocked_hosts'))), '\s*,\s*'))
    THEN
        RETURN 'Its host is not allowed.';
    ELSIF literal <<= ANY (own)
        OR EXISTS (SELECT FROM unnest(addresses) AS a (address)
                   WHERE (quay_internal.inet_read(a.address) <<= ANY (own)) IS NOT FALSE)
    THEN
        RETURN 'Its address is that of the server itself, or of nobody.';
    ELSIF NOT quay_internal.setting('webhook_private_networks')::boolean THEN
        RETURN quay_internal.upstream_problem(authority, addresses);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.webhook_problem(text, text[]) IS
    'Why a notification must not be sent to this URL, as a sentence; NULL if it may. addresses: what the host was resolved to, if that has been done.';

CREATE OR REPLACE FUNCTION quay.webhook_check(url text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.webhook_problem(coalesce(url, ''), coalesce(addresses, '{}'));
END
$$;
COMMENT ON FUNCTION quay.webhook_check(text, text[]) IS
    'Why a notification must not be sent to this URL, as a sentence; NULL if it may: http or https, to a host that is written plainly, is not the server itself, is not in quay.webhook_blocked_hosts, and, with quay.webhook_private_networks off, is public or in quay.allowed_upstream_host. addresses: a worker resolves the host just before it connects, asks about all addresses, and connects to one of these.';

-- Methods

CREATE OR REPLACE FUNCTION quay_internal.notification_method_problem(method text, config jsonb, for_namespace boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(config) IS DISTINCT FROM 'object' THEN 'The configuration is no JSON object.'
        WHEN method IN ('webhook', 'slack') AND (jsonb_typeof(config -> 'url') IS DISTINCT FROM 'string' OR config ->> 'url' = '') THEN 'There is no url.'
        WHEN method = 'webhook' AND jsonb_typeof(config -> 'template') NOT IN ('string', 'null') THEN 'The template is no text.'
        WHEN method IN ('webhook', 'slack') THEN quay_internal.webhook_problem(config ->> 'url')
        WHEN method = 'email' AND NOT for_namespace AND (jsonb_typeof(config -> 'email') IS DISTINCT FROM 'string' OR config ->> 'email' = '') THEN 'There is no email.'
        WHEN method = 'flowdock' AND coalesce(config ->> 'flow_api_token', '') = '' THEN 'There is no flow_api_token.'
        WHEN method = 'hipchat' AND coalesce(config ->> 'notification_token', '') = '' THEN 'There is no notification_token.'
        WHEN method = 'hipchat' AND coalesce(config ->> 'room_id', '') = '' THEN 'There is no room_id.'
        WHEN method = 'quay_notification' AND coalesce(config #>> '{target,kind}', '') NOT IN ('user', 'org', 'team')
            THEN 'The kind of its target is none of user, org and team.'
        WHEN method = 'quay_notification' AND coalesce(config #>> '{target,name}', '') = '' THEN 'Its target has no name.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_method_problem(text, jsonb, boolean) IS
    'What is missing or wrong in the configuration of a method, as far as it can be told without looking at tables other than allowed hosts; NULL: nothing. It never quotes the configuration, which is confidential.';

CREATE OR REPLACE FUNCTION quay_internal.notification_target_list(namespace text, target jsonb, OUT user_ids bigint[], OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := target ->> 'kind';
    name text := target ->> 'name';
BEGIN
    user_ids := CASE kind
        WHEN 'user' THEN ARRAY(SELECT u.id FROM quay."user" AS u WHERE u.username = name AND NOT u.robot AND NOT u.organization)
        WHEN 'org' THEN ARRAY(SELECT u.id FROM quay."user" AS u WHERE u.username = name AND u.organization)
        ELSE ARRAY(SELECT m.user_id FROM quay."user" AS o
                   JOIN quay.team AS t ON t.organization_id = o.id
                   JOIN quay.teammember AS m ON m.team_id = t.id
                   WHERE o.username = notification_target_list.namespace AND t.name = notification_target_list.target ->> 'name'
                   ORDER BY m.user_id)
    END;
    problem := CASE
        WHEN kind = 'org' AND name <> namespace THEN 'An organization is told only about its own namespace.'
        WHEN kind = 'user' AND user_ids = '{}' THEN 'There is no such person.'
        WHEN kind = 'org' AND user_ids = '{}' THEN 'There is no such organization.'
        WHEN kind = 'team' AND user_ids = '{}'
             AND NOT EXISTS (SELECT FROM quay."user" AS o JOIN quay.team AS t ON t.organization_id = o.id
                             WHERE o.username = notification_target_list.namespace AND t.name = notification_target_list.target ->> 'name')
            THEN 'The namespace has no such team.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_target_list(text, jsonb) IS
    'Whom a notification within the registry goes to: a person, the organization that owns the namespace, or the members of a team of it. problem: why that is nobody, as a sentence; an empty team is nobody, and no problem.';

CREATE OR REPLACE FUNCTION quay_internal.notification_method_check(namespace text, repository_id bigint, method text, config jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := quay_internal.notification_method_problem(method, config, repository_id IS NULL);
BEGIN
    IF problem IS NULL AND method = 'quay_notification' THEN
        problem := (quay_internal.notification_target_list(namespace, config -> 'target')).problem;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY130',
            MESSAGE = 'configuration of the notification is not valid',
            DETAIL = format('Method %s: %s', method, problem),
            HINT = CASE method
                WHEN 'webhook' THEN 'Pass {"url": "https://ci.example.com/hook"}, with a "template" if you want.'
                WHEN 'slack' THEN 'Pass {"url": …}, the incoming webhook of the channel.'
                WHEN 'email' THEN 'Pass {"email": …}, an address that was confirmed for the repository.'
                WHEN 'flowdock' THEN 'Pass {"flow_api_token": …}.'
                WHEN 'hipchat' THEN 'Pass {"notification_token": …, "room_id": …}.'
                ELSE 'Pass {"target": {"kind": "user", "org" or "team", "name": …}}.'
            END;
    END IF;
    IF method = 'email' AND repository_id IS NOT NULL
       AND NOT quay_internal.notification_email_is_confirmed(repository_id, config ->> 'email')
    THEN
        RAISE EXCEPTION USING ERRCODE = 'QY132',
            MESSAGE = 'e-mail address is not confirmed for this repository',
            DETAIL = format('The address is "%s".', left(config ->> 'email', 80)),
            HINT = 'Ask its owner with quay.repository_email_create(); he confirms it with quay.repository_email_confirm().';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_method_check(text, bigint, text, jsonb) IS
    'Refuses the configuration of a method: QY130 incomplete or malformed, host not allowed or target unknown; QY132 an e-mail address that nobody has confirmed. repository_id: NULL for a notification of a namespace, which needs no address.';

CREATE OR REPLACE FUNCTION quay_internal.notification_email_is_confirmed(repository_id bigint, email text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.repositoryauthorizedemail AS a
                   WHERE a.repository_id = notification_email_is_confirmed.repository_id
                     AND a.email = notification_email_is_confirmed.email AND a.confirmed);
END
$$;
COMMENT ON FUNCTION quay_internal.notification_email_is_confirmed(bigint, text) IS 'Did the owner of the address agree to get notifications of the repository?';

-- Events and their filters

CREATE OR REPLACE FUNCTION quay_internal.vulnerability_level(priority text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_position(ARRAY['Critical', 'High', 'Medium', 'Low', 'Negligible', 'Unknown'], priority) - 1;
COMMENT ON FUNCTION quay_internal.vulnerability_level(text) IS 'Severity as a number: 0 Critical, 1 High, 2 Medium, 3 Low, 4 Negligible, 5 Unknown; NULL for another text.';

CREATE OR REPLACE FUNCTION quay_internal.build_ref_regex(pattern text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN starts_with(pattern, '(?i)') THEN '(?i)^(?:' || substr(pattern, 5) || ')' ELSE '^(?:' || pattern || ')' END;
COMMENT ON FUNCTION quay_internal.build_ref_regex(text) IS
    'The regular expression by which the filter of a build event matches the beginning of a ref. (?i) keeps its place at the beginning.';

CREATE OR REPLACE FUNCTION quay_internal.build_ref_problem(pattern text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE WHEN char_length(pattern) > 256 THEN format('The pattern has %s characters; it may have 256.', char_length(pattern))
                         ELSE quay_internal.policy_pattern_problem(pattern, whole => false) END;
BEGIN
    IF problem IS NULL THEN
        PERFORM '' ~ quay_internal.build_ref_regex(pattern);
    END IF;
    RETURN problem;
EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
    RETURN 'The pattern has options at its beginning other than (?i).';
END
$$;
COMMENT ON FUNCTION quay_internal.build_ref_problem(text) IS
    'Why a pattern cannot filter builds by their ref, as a sentence; NULL if it can: a regular expression of PostgreSQL without back references, of at most 256 characters.';

CREATE OR REPLACE FUNCTION quay_internal.event_filter_problem(event text, filter jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(filter) IS DISTINCT FROM 'object' THEN 'It is no JSON object.'
        WHEN event = 'vulnerability_found' AND coalesce(filter ->> 'level', '0') !~ '^[0-5]$' THEN 'Its level is no number from 0 (Critical) to 5 (Unknown).'
        WHEN event = 'vulnerability_found' AND filter #>> '{vulnerability,priority}' <> ''
             AND quay_internal.vulnerability_level(filter #>> '{vulnerability,priority}') IS NULL
            THEN 'Its vulnerability.priority is none of Critical, High, Medium, Low, Negligible and Unknown.'
        WHEN event = 'repo_image_expiry' AND (jsonb_typeof(filter -> 'days') IS DISTINCT FROM 'number' OR filter ->> 'days' !~ '^[1-9][0-9]{0,4}$') THEN 'Its days are no whole number from 1 to 99999.'
        WHEN starts_with(event, 'build_') AND jsonb_typeof(filter -> 'ref-regex') NOT IN ('string', 'null') THEN 'Its ref-regex is no text.'
        WHEN starts_with(event, 'build_') AND filter ->> 'ref-regex' <> '' THEN quay_internal.build_ref_problem(filter ->> 'ref-regex')
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.event_filter_problem(text, jsonb) IS
    'What is wrong in the filter on an event, as a sentence; NULL: nothing. Keys that mean nothing for the event are let through.';

CREATE OR REPLACE FUNCTION quay_internal.event_passes(event text, filter text, data jsonb) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    config jsonb;
    wanted text;
BEGIN
    IF NOT (event = 'vulnerability_found' OR starts_with(event, 'build_')) THEN
        RETURN true;
    END IF;
    config := quay_internal.json_read(filter);
    IF event = 'vulnerability_found' THEN
        wanted := config ->> 'level';
        RETURN wanted IS NULL OR data ? 'vulnerable_index_report_created'
            OR data ? 'vulnerability' AND wanted ~ '^[0-5]$'
               AND coalesce(quay_internal.vulnerability_level(coalesce(data #>> '{vulnerability,priority}', 'Unknown')) <= wanted::integer, false);
    END IF;
    wanted := nullif(config ->> 'ref-regex', '');
    -- What the filter cannot be applied to is not sent: a build that has no ref, an expression that PostgreSQL does not understand.
    RETURN wanted IS NULL
        OR coalesce(quay_internal.build_ref_problem(wanted) IS NULL
                    AND left(data #>> '{trigger_metadata,ref}', 1000) ~ quay_internal.build_ref_regex(wanted), false);
END
$$;
COMMENT ON FUNCTION quay_internal.event_passes(text, text, jsonb) IS
    'Does a filter, as it is stored, let an event with these data pass? vulnerability_found: no less severe than level, or about a first report. Events of builds: the ref-regex matches the beginning of the ref. Others: always.';

CREATE OR REPLACE FUNCTION quay_internal.notification_event_id(event text, for_namespace boolean) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint := (SELECT e.id FROM quay.externalnotificationevent AS e
                        WHERE e.name = notification_event_id.event
                          AND for_namespace = (e.name = ANY (ARRAY['quota_warning', 'quota_error'])));
BEGIN
    IF found_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown event',
            DETAIL = format('A %s has no event "%s".', CASE WHEN for_namespace THEN 'namespace' ELSE 'repository' END,
                            left(notification_event_id.event, 80)),
            HINT = CASE WHEN for_namespace THEN 'Events of a namespace are quota_warning and quota_error.'
                        ELSE 'The table quay.externalnotificationevent lists the events; quota_warning and quota_error are those of a namespace.' END;
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_event_id(text, boolean) IS 'Id of an event of namespaces, or of repositories. Errors: QY009 there is none of that name.';

CREATE OR REPLACE FUNCTION quay_internal.notification_check_all(namespace text, repository_id bigint, event text, method text, config jsonb,
                                                                event_config jsonb, title text, OUT event_id bigint, OUT method_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text;
BEGIN
    event_id := quay_internal.notification_event_id(event, repository_id IS NULL);
    SELECT m.id INTO method_id FROM quay.externalnotificationmethod AS m WHERE m.name = notification_check_all.method;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown method of notification',
            DETAIL = format('There is no method named "%s".', left(notification_check_all.method, 80)),
            HINT = 'Methods are email, flowdock, hipchat, quay_notification, slack and webhook.';
    END IF;
    PERFORM quay_internal.notification_method_check(namespace, repository_id, method, config);
    problem := CASE WHEN char_length(title) > 255 THEN format('The title has %s characters; it may have 255.', char_length(title))
                    ELSE quay_internal.event_filter_problem(event, event_config) END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY131',
            MESSAGE = 'filter or title of the notification is not valid',
            DETAIL = format('Event %s: %s', event, problem),
            HINT = CASE WHEN event = 'vulnerability_found' THEN 'Pass {"level": 3}, or {} for all.'
                        WHEN event = 'repo_image_expiry' THEN 'Pass {"days": 7}.'
                        WHEN starts_with(event, 'build_') THEN 'Pass {"ref-regex": "refs/heads/main$"}, or {} for all.'
                        ELSE 'Pass {}, and a short title or NULL.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_check_all(text, bigint, text, text, jsonb, jsonb, text) IS
    'Ids of event and method of a new notification of a repository, or of a namespace if repository_id is NULL. Errors: QY009 event or method unknown, QY130 configuration not valid, QY131 filter or title not valid, QY132 e-mail address not confirmed.';

-- Finding one, of either kind

CREATE OR REPLACE FUNCTION quay_internal.notification_find(wanted text, for_namespace boolean)
    RETURNS TABLE (notification_id bigint, uuid text, namespace_id bigint, namespace text, repository_id bigint, repository text, event text,
                   method text, method_id bigint, title text, config jsonb, event_config text, number_of_failures integer, last_ran_ms bigint,
                   last_error text, served boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF for_namespace THEN
        RETURN QUERY
            SELECT n.id, n.uuid::text, u.id, u.username::text, NULL::bigint, NULL::text, e.name::text, m.name::text, m.id, n.title::text,
                   quay_internal.json_read(n.config_json), n.event_config_json, n.number_of_failures, n.last_ran_ms, n.last_error, u.enabled
            FROM quay.namespacenotification AS n
            JOIN quay."user" AS u ON u.id = n.namespace_id
            JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
            JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
            WHERE n.uuid = notification_find.wanted
            ORDER BY n.id LIMIT 1;
    ELSE
        RETURN QUERY
            SELECT n.id, n.uuid::text, u.id, u.username::text, r.id, r.name::text, e.name::text, m.name::text, m.id, n.title::text,
                   quay_internal.json_read(n.config_json), n.event_config_json, n.number_of_failures, n.last_ran_ms, n.last_error,
                   u.enabled AND r.state <> 3
            FROM quay.repositorynotification AS n
            JOIN quay.repository AS r ON r.id = n.repository_id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
            JOIN quay.externalnotificationmethod AS m ON m.id = n.method_id
            WHERE n.uuid = notification_find.wanted
            ORDER BY n.id LIMIT 1;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_find(text, boolean) IS
    'The notification of a repository, or of a namespace, of that uuid, with all that its delivery needs. config: NULL for what is no JSON. served: its namespace is enabled, and the repository is not being deleted.';
