-- Subscriptions that are sold outside of the registry: customer numbers of people, and which subscriptions an organization uses.

CREATE OR REPLACE FUNCTION quay.web_customer_list(username text) RETURNS TABLE (account_number integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.account_number
        FROM quay."user" AS u JOIN quay.redhatsubscriptions AS s ON s.user_id = u.id
        WHERE u.username = web_customer_list.username AND NOT u.robot
        ORDER BY s.account_number;
END
$$;
COMMENT ON FUNCTION quay.web_customer_list(text) IS
    'Customer numbers of a person or organization, in order. No rows: none, or nobody of that name.';

CREATE OR REPLACE FUNCTION quay.web_customer_add(username text, account_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    customer quay."user" := quay_internal.namespace_get(username);
BEGIN
    IF web_customer_add.account_number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'customer number is missing',
            DETAIL = 'It is NULL.',
            HINT = 'Pass the number under which the customer buys.';
    END IF;
    INSERT INTO quay.redhatsubscriptions (user_id, account_number) VALUES (customer.id, web_customer_add.account_number) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.web_customer_add(text, integer) IS
    'Adds a customer number to a person or organization. False: it was there. Errors: 22023 no number, QY002 nobody of that name, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.web_customer_remove(username text, account_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.redhatsubscriptions AS s USING quay."user" AS u
    WHERE u.id = s.user_id AND u.username = web_customer_remove.username AND NOT u.robot AND s.account_number = web_customer_remove.account_number;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.web_customer_remove(text, integer) IS
    'Takes a customer number from a person or organization. False: it was not there, or nobody has that name.';

CREATE OR REPLACE FUNCTION quay.web_customer_update(username text, old_number integer, new_number integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT quay.web_customer_remove(web_customer_update.username, old_number) THEN
        RETURN false;
    END IF;
    PERFORM quay.web_customer_add(web_customer_update.username, new_number);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.web_customer_update(text, integer, integer) IS
    'Replaces one customer number of a person or organization by another; its other numbers stay. False: the old number was not there, and nothing changes. Errors: 22023 no new number, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_bind(organization text, username text, subscription_id bigint,
                                                               quantity integer DEFAULT 1) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    owner_id bigint := (quay_internal.person_get(organization_subscription_bind.username)).id;
    new_id bigint;
BEGIN
    IF organization_subscription_bind.subscription_id IS NULL OR organization_subscription_bind.quantity < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'illegal subscription',
            DETAIL = format('Subscription %s, quantity %s.', coalesce(organization_subscription_bind.subscription_id::text, 'NULL'),
                coalesce(organization_subscription_bind.quantity::text, 'NULL')),
            HINT = 'Pass the number of the subscription, and a quantity of at least 1.';
    END IF;
    INSERT INTO quay.organizationrhskus (subscription_id, org_id, user_id, quantity)
    VALUES (organization_subscription_bind.subscription_id, org.id, owner_id, organization_subscription_bind.quantity)
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'subscription is bound already',
            DETAIL = format('Organization "%s" uses subscription %s.', org.username, organization_subscription_bind.subscription_id),
            HINT = 'Unbind it with quay.organization_subscription_unbind() to change its quantity or owner.';
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_bind(text, text, bigint, integer) IS
    'Lets an organization use a subscription of a person, and returns the id of the binding. quantity: how many of it; NULL is not known. Errors: 22023 no subscription or a quantity below 1, QY002 organization unknown, QY004 disabled, QY006 the organization uses it already, QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_unbind(organization text, subscription_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.organizationrhskus AS s USING quay."user" AS o
    WHERE o.id = s.org_id AND o.username = organization_subscription_unbind.organization
      AND s.subscription_id = organization_subscription_unbind.subscription_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_unbind(text, bigint) IS
    'Takes a subscription from an organization. False: it did not use it, or there is no such organization.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_unbind_user(organization text, username text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    DELETE FROM quay.organizationrhskus AS s USING quay."user" AS o, quay."user" AS u
    WHERE o.id = s.org_id AND o.username = organization_subscription_unbind_user.organization
      AND u.id = s.user_id AND u.username = organization_subscription_unbind_user.username;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_unbind_user(text, text) IS
    'Takes all subscriptions of a person from an organization, as when the person leaves it, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.organization_subscription_list(organization text, after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (binding_id bigint, subscription_id bigint, quantity integer, username text, user_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    org quay."user" := quay_internal.organization_get(organization);
BEGIN
    RETURN QUERY
        SELECT s.id, s.subscription_id, s.quantity, u.username::text, u.id
        FROM quay.organizationrhskus AS s JOIN quay."user" AS u ON u.id = s.user_id
        WHERE s.org_id = org.id AND s.id > coalesce(organization_subscription_list.after, 0)
        ORDER BY s.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.organization_subscription_list(text, bigint, integer) IS
    'Subscriptions that an organization uses and whose they are, in the order in which they were bound, at most n, those after the binding_id after. Errors: 22023 n negative, QY002 organization unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.subscription_binding_list(subscription_id bigint)
    RETURNS TABLE (binding_id bigint, organization text, organization_id bigint, quantity integer, username text, user_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT s.id, o.username::text, o.id, s.quantity, u.username::text, u.id
        FROM quay.organizationrhskus AS s
        JOIN quay."user" AS o ON o.id = s.org_id
        JOIN quay."user" AS u ON u.id = s.user_id
        WHERE s.subscription_id = subscription_binding_list.subscription_id
        ORDER BY s.id;
END
$$;
COMMENT ON FUNCTION quay.subscription_binding_list(bigint) IS
    'Organizations that use a subscription, in the order in which it was bound. No rows: it is bound to none.';
