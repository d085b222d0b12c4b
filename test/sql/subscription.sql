-- Customer numbers of people, and the subscriptions that organizations use.
\set VERBOSITY default
BEGIN;
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
SELECT count(quay.user_create(n, 'password', n || '@sub.example')) FROM unnest(ARRAY['sub-alice', 'sub-bob', 'sub-off']) AS n;
SELECT count(quay.organization_create(n, NULL, 'sub-alice')) FROM unnest(ARRAY['sub-org', 'sub-org2']) AS n;
UPDATE quay."user" SET enabled = false WHERE username = 'sub-off';

-- One number replaces one, and the others stay.
SELECT quay.web_customer_add('sub-alice', n) FROM unnest(ARRAY[7, 3, 7]) AS n;
SELECT quay.web_customer_add('sub-bob', 7);
SELECT * FROM quay.web_customer_list('sub-alice');
SELECT quay.web_customer_update('sub-alice', 7, 8) AS updated, quay.web_customer_update('sub-alice', 7, 9) AS gone;
SELECT * FROM quay.web_customer_list('sub-alice');
SELECT quay.web_customer_update('sub-alice', 8, 3) AS into_one_that_is_there;
SELECT * FROM quay.web_customer_list('sub-alice');
SELECT quay.web_customer_remove('sub-alice', 3) AS removed, quay.web_customer_remove('sub-alice', 3) AS again, quay.web_customer_remove('sub-none', 3) AS nobody;
SELECT count(*) AS alice FROM quay.web_customer_list('sub-alice');
SELECT * FROM quay.web_customer_list('sub-bob');
SELECT count(*) AS nobody FROM quay.web_customer_list('sub-none');
SELECT pg_temp.try($$SELECT quay.web_customer_add('sub-none', 1)$$);
SELECT pg_temp.try($$SELECT quay.web_customer_add('sub-off', 1)$$);
SELECT pg_temp.try($$SELECT quay.web_customer_add('sub-alice', NULL)$$);
SELECT pg_temp.try($$SELECT quay.web_customer_update('sub-bob', 7, NULL)$$);
SELECT * FROM quay.web_customer_list('sub-bob');

-- Bindings.
SELECT quay.organization_subscription_bind('sub-org', 'sub-alice', 100) IS NOT NULL AS bound,
       quay.organization_subscription_bind('sub-org', 'sub-alice', 101, 5) IS NOT NULL AS bound,
       quay.organization_subscription_bind('sub-org', 'sub-bob', 102, NULL) IS NOT NULL AS bound,
       quay.organization_subscription_bind('sub-org2', 'sub-alice', 100, 2) IS NOT NULL AS bound;
SELECT subscription_id, quantity, username, user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = l.username) AS id
FROM quay.organization_subscription_list('sub-org') AS l;
SELECT l.subscription_id FROM (SELECT min(binding_id) AS id FROM quay.organization_subscription_list('sub-org')) AS p,
    quay.organization_subscription_list('sub-org', p.id, 1) AS l;
SELECT organization, quantity, username, organization_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = l.organization) AS id
FROM quay.subscription_binding_list(100) AS l;
SELECT count(*) AS unbound FROM quay.subscription_binding_list(999);
-- A second one of the same organization, by whomever.
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org', 'sub-alice', 100)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org', 'sub-bob', 100, 9)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org', 'sub-bob', 103, 0)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org', 'sub-bob', NULL)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-none', 'sub-bob', 103)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-alice', 'sub-bob', 103)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org', 'sub-none', 103)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_list('sub-none')$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_list('sub-org', n => -1)$$);
UPDATE quay."user" SET enabled = false WHERE username = 'sub-org2';
SELECT pg_temp.try($$SELECT quay.organization_subscription_bind('sub-org2', 'sub-bob', 103)$$);
SELECT pg_temp.try($$SELECT quay.organization_subscription_list('sub-org2')$$);

SELECT quay.organization_subscription_unbind('sub-org', 102) AS unbound, quay.organization_subscription_unbind('sub-org', 102) AS again;
SELECT quay.organization_subscription_unbind_user('sub-org', 'sub-alice') AS unbound, quay.organization_subscription_unbind_user('sub-org', 'sub-alice') AS again;
SELECT count(*) FROM quay.organization_subscription_list('sub-org');
SELECT organization FROM quay.subscription_binding_list(100);
ROLLBACK;
