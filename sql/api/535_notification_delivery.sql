-- Delivery. A worker takes events, sends them, and reports how that went. What stays within the registry is delivered here.
--
-- What counts is events, not attempts: an event that fails is tried again until its item in the queue has no retries left, and only then
-- its notification has failed once more. After quay.notification_failure_limit events in a row it is disabled. In this order locks are
-- taken: items, then notifications, by uuid.

CREATE OR REPLACE FUNCTION quay_internal.delivery_succeeded(uuid text, for_namespace boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Most of them had no failure: nothing to write.
    IF for_namespace THEN
        UPDATE quay.namespacenotification AS n SET number_of_failures = 0, last_error = NULL
        WHERE n.uuid = delivery_succeeded.uuid AND (n.number_of_failures > 0 OR n.last_error IS NOT NULL);
    ELSE
        UPDATE quay.repositorynotification AS n SET number_of_failures = 0, last_error = NULL
        WHERE n.uuid = delivery_succeeded.uuid AND (n.number_of_failures > 0 OR n.last_error IS NOT NULL);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_succeeded(text, boolean) IS 'A notification was delivered: forgets its failures, if it had any.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_failed(uuid text, for_namespace boolean, error text, final boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    failures integer;
BEGIN
    IF for_namespace THEN
        UPDATE quay.namespacenotification AS n
        SET last_error = coalesce(left(delivery_failed.error, 1000), 'unknown error'), number_of_failures = n.number_of_failures + final::integer
        WHERE n.uuid = delivery_failed.uuid
        RETURNING n.number_of_failures INTO failures;
    ELSE
        UPDATE quay.repositorynotification AS n
        SET last_error = coalesce(left(delivery_failed.error, 1000), 'unknown error'), number_of_failures = n.number_of_failures + final::integer
        WHERE n.uuid = delivery_failed.uuid
        RETURNING n.number_of_failures INTO failures;
    END IF;
    RETURN coalesce(failures >= quay_internal.notification_failure_limit(), false);
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_failed(text, boolean, text, boolean) IS
    'A notification could not be delivered. final: for the last time, which is what counts. True: it is disabled.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_retry(item_id bigint, claim text, uuid text, for_namespace boolean, error text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    retries integer := quay.queue_release(item_id, claim, quay_internal.setting('notification_retry_delay')::double precision);
    disabled boolean;
BEGIN
    IF retries IS NULL THEN
        RETURN 'lost';
    END IF;
    -- The item that has no retries left stays, among the dead letters of the queue.
    disabled := quay_internal.delivery_failed(uuid, for_namespace, error, final => retries <= 0);
    RETURN CASE WHEN retries > 0 THEN 'retry' WHEN disabled THEN 'disabled' ELSE 'failed' END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_retry(bigint, text, text, boolean, text) IS
    'Gives an item back after a failure. retry: it will be tried again; failed: it will not, and its notification has failed once more; disabled: and that was once too often; lost: the claim is another''s.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_within(event text, namespace text, target jsonb, data jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told record := quay_internal.notification_target_list(namespace, target);
BEGIN
    -- Nobody deletes them until we commit; who is gone is not told. Whoever deletes or renames one may wait for our items: no waiting for him.
    PERFORM quay_internal.notification_add(event, u.id, data)
    FROM (SELECT l.id FROM quay."user" AS l WHERE l.id = ANY (told.user_ids) ORDER BY l.id FOR KEY SHARE NOWAIT) AS u;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_within(text, text, jsonb, jsonb) IS
    'Delivers an event within the registry: a notification of that kind for each of its targets. Errors: QY009 no kind has the name of the event, 55P03 a target is being deleted or renamed.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_recipients(namespace_id bigint, namespace text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
BEGIN
    SELECT u.organization, nullif(quay_internal.email_shown(u.email), '') AS email INTO owner
    FROM quay."user" AS u WHERE u.id = delivery_recipients.namespace_id;
    IF owner.email IS NOT NULL THEN
        RETURN ARRAY[owner.email];
    END IF;
    RETURN CASE WHEN owner.organization THEN
        ARRAY(SELECT a.email FROM quay.organization_admin_list_many(ARRAY[namespace]) AS a WHERE a.enabled AND a.email <> '')
        ELSE '{}' END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_recipients(bigint, text) IS
    'Addresses that e-mail about a namespace goes to: its own; if an organization has none, those of its enabled administrators. Empty: nobody has one.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_plan(item jsonb, OUT scope text, OUT uuid text, OUT event text, OUT method text, OUT title text,
                                                       OUT config jsonb, OUT namespace text, OUT repository text, OUT recipients text[],
                                                       OUT step text, OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    for_namespace boolean := item ->> 'notification_type' IS NOT DISTINCT FROM 'namespace';
    data jsonb := CASE jsonb_typeof(item -> 'event_data') WHEN 'object' THEN item -> 'event_data' ELSE '{}' END;
    hook record;
BEGIN
    scope := CASE WHEN for_namespace THEN 'namespace' ELSE 'repository' END;
    uuid := item ->> 'notification_uuid';
    SELECT * INTO hook FROM quay_internal.notification_find(delivery_plan.uuid, for_namespace);
    -- Deleted, disabled, or its repository is going; or its filter says no, which the worker of the reference does not ask when it queues.
    IF NOT FOUND OR NOT hook.served OR hook.number_of_failures >= quay_internal.notification_failure_limit()
       OR NOT (item ? 'test' OR quay_internal.event_passes(hook.event, hook.event_config, data))
    THEN
        step := 'skip';
        RETURN;
    END IF;
    event := hook.event;
    method := hook.method;
    title := hook.title;
    config := hook.config;
    namespace := hook.namespace;
    repository := hook.repository;
    step := CASE WHEN method = 'quay_notification' THEN 'within' ELSE 'send' END;
    problem := quay_internal.notification_method_problem(method, config, for_namespace);
    IF problem IS NULL AND method = 'quay_notification' THEN
        -- A target that is gone is nobody. An organization that the namespace does not belong to is a mistake.
        problem := (quay_internal.notification_target_list(namespace, config -> 'target')).problem;
        IF config #>> '{target,kind}' <> 'org' OR config #>> '{target,name}' = namespace THEN
            problem := NULL;
        END IF;
    ELSIF problem IS NULL AND method = 'email' AND for_namespace THEN
        recipients := quay_internal.delivery_recipients(hook.namespace_id, namespace);
        step := CASE WHEN recipients = '{}' THEN 'skip' ELSE step END;
    ELSIF problem IS NULL AND method = 'email' THEN
        recipients := ARRAY[config ->> 'email'];
        IF NOT quay_internal.notification_email_is_confirmed(hook.repository_id, config ->> 'email') THEN
            problem := 'The e-mail address is not confirmed for this repository.';
        END IF;
    END IF;
    step := CASE WHEN problem IS NOT NULL THEN 'fail' ELSE step END;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_plan(jsonb) IS
    'What is to be done with an item of the queue of notifications. step: send, a worker does it; within, it is delivered in the database; skip, nobody is to be told; fail, it cannot be delivered however often it is tried, problem says why.';

CREATE OR REPLACE FUNCTION quay_internal.delivery_do(item_id bigint, claim text, item jsonb, plan record, OUT status text, OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    for_namespace boolean := plan.scope = 'namespace';
BEGIN
    CASE plan.step
    WHEN 'send' THEN
        status := 'deliver';
    WHEN 'skip' THEN
        PERFORM quay.queue_complete(item_id, claim);
        status := 'skipped';
    WHEN 'fail' THEN
        PERFORM quay.queue_complete(item_id, claim);
        error := plan.problem;
        status := CASE WHEN quay_internal.delivery_failed(plan.uuid, for_namespace, error, final => true) THEN 'disabled' ELSE 'failed' END;
    ELSE
        BEGIN
            PERFORM quay_internal.delivery_within(plan.event, plan.namespace, plan.config -> 'target',
                CASE jsonb_typeof(item -> 'event_data') WHEN 'object' THEN item -> 'event_data' ELSE '{}' END);
            PERFORM quay_internal.delivery_succeeded(plan.uuid, for_namespace);
            PERFORM quay.queue_complete(item_id, claim);
            status := 'delivered';
        EXCEPTION WHEN OTHERS THEN
            -- One that cannot be delivered must not keep the others from it.
            error := SQLERRM;
        END;
        IF error IS NOT NULL THEN
            status := quay_internal.delivery_retry(item_id, claim, plan.uuid, for_namespace, error);
        END IF;
    END CASE;
END
$$;
COMMENT ON FUNCTION quay_internal.delivery_do(bigint, text, jsonb, record) IS
    'Does with a claimed item what delivery_plan() says, except sending. status: deliver, to be sent; delivered; skipped; retry, failed and disabled as in delivery_retry().';

CREATE OR REPLACE FUNCTION quay.notification_delivery_take(n integer DEFAULT 1, lease_seconds double precision DEFAULT 60)
    RETURNS TABLE (item_id bigint, claim text, status text, scope text, uuid text, event text, method text, title text, config jsonb,
                   event_data jsonb, performer_data jsonb, namespace text, repository text, recipients text[], retries_remaining integer,
                   error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    taken record;
    plan record;
BEGIN
    FOR taken IN
        SELECT g.item_id, g.claim, g.retries_remaining, j.item
        FROM quay.queue_get('notification', processing_s => lease_seconds, n => notification_delivery_take.n) AS g
        CROSS JOIN LATERAL (SELECT quay_internal.json_read(g.body) AS item) AS j
        ORDER BY j.item ->> 'notification_uuid', g.item_id
    LOOP
        item_id := taken.item_id;
        claim := taken.claim;
        retries_remaining := taken.retries_remaining;
        event_data := taken.item -> 'event_data';
        performer_data := coalesce(taken.item -> 'performer_data', '{}');
        plan := quay_internal.delivery_plan(taken.item);
        scope := plan.scope;
        uuid := plan.uuid;
        event := plan.event;
        method := plan.method;
        title := plan.title;
        config := plan.config;
        namespace := plan.namespace;
        repository := plan.repository;
        recipients := plan.recipients;
        SELECT d.status, d.error INTO status, error FROM quay_internal.delivery_do(item_id, claim, taken.item, plan) AS d;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.notification_delivery_take(integer, double precision) IS
'Takes up to n events that are to be told to somebody, for lease_seconds; several workers get different ones. No row: there is nothing to do now.
status deliver: send it, and call quay.notification_delivery_report() with item_id and claim. All others are done, and need no call: delivered, within the registry; skipped, since the notification is deleted, disabled or filters the event, or nobody has an address; failed, or disabled, since its configuration cannot work: error says why; retry.
method: webhook, slack, email, flowdock or hipchat, with config as in quay.repository_notification_create(); the URL is to be checked again with quay.webhook_check() and the addresses that its host has. recipients: of an e-mail. event_data: the payload of a webhook. performer_data: entity_name and oauth_token_application, if known. scope: repository or namespace, which has no repository. What is not reported within lease_seconds is handed out again, so that may not be shorter than n times the longest time that one delivery takes.
Errors: 22023 n or lease_seconds not positive.';

CREATE OR REPLACE FUNCTION quay.notification_delivery_report(item_id bigint, claim text, succeeded boolean, error text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item jsonb := (SELECT quay_internal.json_read(q.body) FROM quay.queueitem AS q WHERE q.id = notification_delivery_report.item_id);
    told text := item ->> 'notification_uuid';
    for_namespace boolean := item ->> 'notification_type' IS NOT DISTINCT FROM 'namespace';
    enabled boolean;
BEGIN
    IF succeeded THEN
        IF NOT quay.queue_complete(item_id, claim) THEN
            RETURN 'lost';
        END IF;
        PERFORM quay_internal.delivery_succeeded(told, for_namespace);
        RETURN 'done';
    END IF;
    -- Deleted or disabled since it was taken: nobody waits for another attempt.
    SELECT f.number_of_failures < quay_internal.notification_failure_limit() INTO enabled
    FROM quay_internal.notification_find(told, for_namespace) AS f;
    IF enabled IS NOT TRUE THEN
        RETURN CASE WHEN quay.queue_complete(item_id, claim) THEN 'done' ELSE 'lost' END;
    END IF;
    RETURN quay_internal.delivery_retry(item_id, claim, told, for_namespace, error);
END
$$;
COMMENT ON FUNCTION quay.notification_delivery_report(bigint, text, boolean, text) IS
    'Tells how the delivery of an event went that quay.notification_delivery_take() handed out. done: nothing more to do. retry: it failed, and is handed out again after quay.notification_retry_delay. failed: it failed for the last time; the item is among the dead letters of the queue, and its notification has one more failure. disabled: and these were quay.notification_failure_limit events in a row. lost: the lease was over and another has it, or had it; nothing happens. error: what went wrong, for who looks at the notification.';
