-- Service keys, with which the registry and its services sign tokens: making, approving, replacing and removing them, and verifying tokens.

CREATE OR REPLACE FUNCTION quay_internal.jwt_check(token text, jwk jsonb, issuer text, audience text, max_lifetime integer DEFAULT NULL,
                                                   OUT claims jsonb, OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    header jsonb := quay_internal.json_read(quay_internal.jwt_header(token));
    -- Clocks of two machines differ.
    skew CONSTANT numeric := 30;
    now_s CONSTANT numeric := extract(epoch FROM quay_internal.clock());
    wanted text;
BEGIN
    problem := CASE
        WHEN jsonb_typeof(header) IS DISTINCT FROM 'object' THEN 'Invalid token'
        -- Before anything else is believed: "none" and the symmetric algorithms must not get any further.
        WHEN header ->> 'alg' IS DISTINCT FROM 'RS256' THEN 'The specified alg value is not allowed'
        WHEN header ? 'crit' THEN 'Unsupported critical extension'
        WHEN NOT quay_internal.jwt_signed_by(token, jwk ->> 'n', jwk ->> 'e') THEN 'Signature verification failed'
    END;
    IF problem IS NOT NULL THEN
        RETURN;
    END IF;
    claims := quay_internal.json_read(quay_internal.jwt_payload(token));
    IF jsonb_typeof(claims) IS DISTINCT FROM 'object' THEN
        problem := 'Invalid payload string: must be a json object';
        RETURN;
    END IF;

    FOREACH wanted IN ARRAY ARRAY['iat', 'nbf', 'exp'] LOOP
        IF claims ->> wanted IS NULL THEN
            problem := format('Token is missing the "%s" claim', wanted);
            RETURN;
        ELSIF jsonb_typeof(claims -> wanted) <> 'number' THEN
            problem := format('%s claim (%s) must be an integer',
                CASE wanted WHEN 'iat' THEN 'Issued At' WHEN 'nbf' THEN 'Not Before' ELSE 'Expiration Time' END, wanted);
            RETURN;
        END IF;
    END LOOP;
    problem := CASE
        WHEN (claims ->> 'iat')::numeric > now_s + skew THEN 'The token is not yet valid (iat)'
        WHEN (claims ->> 'nbf')::numeric > now_s + skew THEN 'The token is not yet valid (nbf)'
        WHEN (claims ->> 'exp')::numeric <= now_s - skew THEN 'Signature has expired'
        WHEN (claims ->> 'exp')::numeric - (claims ->> 'iat')::numeric > max_lifetime
            THEN format('Token was signed for more than %s seconds', max_lifetime)
        WHEN claims ->> 'iss' IS NULL THEN 'Token is missing the "iss" claim'
        WHEN claims -> 'iss' <> to_jsonb(issuer) THEN 'Invalid issuer'
        WHEN claims ->> 'aud' IS NULL THEN 'Token is missing the "aud" claim'
        WHEN claims -> 'aud' <> to_jsonb(audience)
            AND NOT (jsonb_typeof(claims -> 'aud') = 'array' AND claims -> 'aud' @> to_jsonb(ARRAY[audience])) THEN 'Audience doesn''t match'
        WHEN claims ->> 'sub' IS NULL THEN 'Missing sub field in JWT'
        WHEN jsonb_typeof(claims -> 'sub') <> 'string' THEN 'Subject must be a string'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_check(text, jsonb, text, text, integer) IS
    'Verifies a JSON web token that this key should have signed with RS256. Result: its claims, and why it is not good, NULL if it is. It must have iat, nbf, exp, iss, aud and sub; times may be 30 seconds off. max_lifetime: seconds from iat to exp.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_is_visible(key quay.servicekey, service text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
BEGIN
    RETURN coalesce(key.expiration_date > now_utc - make_interval(secs => quay_internal.setting('expired_service_key_ttl')::integer), true)
        AND (service IS NULL OR key.approval_id IS NOT NULL
             OR key.created_date > now_utc - make_interval(secs => quay_internal.setting('unapproved_service_key_ttl')::integer)
             OR key.expiration_date > now_utc);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_is_visible(quay.servicekey, text) IS
    'Is the key shown? Not if it expired more than quay.expired_service_key_ttl ago, nor, to those who name a service, if it has waited for approval longer than quay.unapproved_service_key_ttl.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_describe(key quay.servicekey, OUT kid text, OUT service text, OUT id bigint, OUT name text,
    OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp, OUT expiration timestamp, OUT rotation_duration integer,
    OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    kid := key.kid;
    service := key.service;
    id := key.id;
    name := key.name;
    jwk := quay_internal.json_read(key.jwk);
    metadata := quay_internal.json_read(key.metadata);
    created := key.created_date;
    expiration := key.expiration_date;
    rotation_duration := key.rotation_duration;
    SELECT lower(split_part(a.approval_type, '.', 2)), u.username, a.approved_date, a.notes
    INTO approval_type, approver, approved, notes
    FROM quay.servicekeyapproval AS a LEFT JOIN quay."user" AS u ON u.id = a.approver_id
    WHERE a.id = key.approval_id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_describe(quay.servicekey) IS 'A service key as the functions of clients return it, with its approval, whose columns are NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_check(service text, kid text, jwk jsonb) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN service IS NULL OR service !~ '^[a-z0-9_]{1,255}$'
            THEN format('The service "%s" is not made of lower-case letters, digits and underscores.', left(service, 80))
        WHEN jsonb_typeof(jwk) IS DISTINCT FROM 'object' THEN 'The key is not a JSON object.'
        WHEN jwk ->> 'kty' IS DISTINCT FROM 'RSA' THEN 'The member "kty" of the key is not "RSA".'
        WHEN jwk ?| ARRAY['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'] THEN 'The key has private members, which must not leave their owner.'
        WHEN quay_internal.jwk_thumbprint(jwk ->> 'n', jwk ->> 'e') IS NULL
            THEN 'The members "n" and "e" are not those of an RSA public key of 2048 to 16384 bits.'
        -- The key id is a part of a path, by which notifications are found.
        WHEN kid IS NULL OR kid COLLATE "C" !~ '^[!-.0-~]{1,200}$'
            THEN format('The key id "%s" is not made of at most 200 printable ASCII characters without "/".', left(kid, 80))
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed service key',
            DETAIL = problem,
            HINT = 'Pass the public key as a JSON web key of type RSA (RFC 7517).';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_check(text, text, jsonb) IS 'Refuses (QY077) a malformed service name, key id or JSON web key.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_label_check(name text, metadata jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name COLLATE "C" !~ '^[[:space:]a-zA-Z0-9_:/-]{0,255}$' OR jsonb_typeof(metadata) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed name or metadata of a service key',
            DETAIL = CASE WHEN jsonb_typeof(metadata) <> 'object' THEN 'The metadata are not a JSON object.'
                          ELSE format('The name "%s" is not made of at most 255 letters, digits, blanks and the characters - _ : /.', left(name, 80)) END,
            HINT = 'What the name cannot hold may stand in the metadata.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_label_check(text, jsonb) IS 'Refuses (QY077) a malformed name or malformed metadata of a service key. NULL passes.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_expiration_check(expiration timestamptz) RETURNS timestamp
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a service key must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'Pass NULL for a key that does not expire, or delete the key with quay.service_key_delete().';
    END IF;
    RETURN expiration AT TIME ZONE 'UTC';
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_expiration_check(timestamptz) IS 'The end of a service key as the table holds it. Errors: 22023 not in the future.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_lock(kid text) RETURNS quay.servicekey
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.servicekey;
BEGIN
    SELECT * INTO result FROM quay.servicekey AS k WHERE k.kid = service_key_lock.kid FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY075',
            MESSAGE = 'service key does not exist',
            DETAIL = format('There is no service key "%s".', left(service_key_lock.kid, 80)),
            HINT = 'quay.service_key_list() lists the keys.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_lock(text) IS 'Service key of that id, locked until we commit. Errors: QY075 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_log(kind text, key quay.servicekey, more jsonb, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(kind, NULL, actor_id, NULL,
        jsonb_build_object('kid', key.kid, 'service', key.service, 'name', key.name,
                           'expiration_date', extract(epoch FROM key.expiration_date)::bigint) || more, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_log(text, quay.servicekey, jsonb, bigint, text) IS
    'Adds a row about a service key to the audit log. Times are seconds since 1970.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_notify(key quay.servicekey) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.notification_add('service_key_submitted', u.id,
        jsonb_build_object('name', key.name, 'kid', key.kid, 'service', key.service, 'jwk', key.jwk::jsonb, 'metadata', key.metadata::jsonb,
                           'created_date', extract(epoch FROM key.created_date)::bigint)
        || CASE WHEN key.expiration_date IS NULL THEN '{}'
                ELSE jsonb_build_object('expiration_date', extract(epoch FROM key.expiration_date)::bigint) END,
        format('/service_key_approval/%s/%s', key.kid, u.id))
    FROM quay.superuser AS s JOIN quay."user" AS u ON u.username = s.username
    WHERE s.kind = 'superuser'
    ORDER BY u.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_notify(quay.servicekey) IS 'Tells each superuser that exists that a key waits for approval.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_settle(kid text) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN quay_internal.notification_delete_path('/service_key_approval/' || kid);
COMMENT ON FUNCTION quay_internal.service_key_settle(text) IS
    'Deletes the notifications that a key waits for approval, those of this key and no other, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay.service_key_gc(service text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc CONSTANT timestamp := quay_internal.utc_now();
    expired_before CONSTANT timestamp := now_utc - make_interval(secs => quay_internal.setting('expired_service_key_ttl')::integer);
    unapproved_before CONSTANT timestamp := now_utc - make_interval(secs => quay_internal.setting('unapproved_service_key_ttl')::integer);
    gone text[];
BEGIN
    -- What somebody else is just changing stays until the next time.
    WITH stale AS (
        SELECT k.id FROM quay.servicekey AS k
        WHERE (service_key_gc.service IS NULL OR k.service = service_key_gc.service)
          AND (k.expiration_date <= expired_before OR k.approval_id IS NULL AND k.created_date <= unapproved_before)
        FOR UPDATE SKIP LOCKED),
    deleted AS (DELETE FROM quay.servicekey AS k USING stale AS s WHERE k.id = s.id RETURNING k.kid)
    SELECT array_agg(d.kid ORDER BY d.kid) INTO gone FROM deleted AS d;
    PERFORM quay_internal.service_key_settle(g.kid) FROM unnest(gone) AS g (kid);
    RETURN coalesce(cardinality(gone), 0);
END
$$;
COMMENT ON FUNCTION quay.service_key_gc(text) IS
    'Deletes the keys of a service, NULL for all, that expired longer ago than quay.expired_service_key_ttl or have waited for approval longer than quay.unapproved_service_key_ttl, and the notifications about them. Returns how many. Runs by itself whenever a key of the service is made, replaced or deleted.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_insert(kid text, service text, name text, jwk jsonb, metadata jsonb, expiration timestamp,
                                                            rotation_duration integer, approval_id bigint) RETURNS quay.servicekey
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    result quay.servicekey;
BEGIN
    IF service_key_insert.rotation_duration < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'rotation duration must not be negative',
            DETAIL = format('It is %s seconds.', service_key_insert.rotation_duration),
            HINT = 'Pass seconds, or NULL for a key that is not rotated.';
    END IF;
    PERFORM quay_internal.service_key_check(service_key_insert.service, service_key_insert.kid, service_key_insert.jwk);
    PERFORM quay_internal.service_key_label_check(service_key_insert.name, service_key_insert.metadata);
    PERFORM quay.service_key_gc(service_key_insert.service);
    INSERT INTO quay.servicekey (name, kid, service, jwk, metadata, created_date, expiration_date, rotation_duration, approval_id)
    VALUES (service_key_insert.name, service_key_insert.kid, service_key_insert.service, service_key_insert.jwk::text,
            service_key_insert.metadata::text, quay_internal.utc_now(), service_key_insert.expiration, service_key_insert.rotation_duration,
            service_key_insert.approval_id)
    ON CONFLICT (kid) DO NOTHING
    RETURNING * INTO result;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'service key exists already',
            DETAIL = format('There is a key "%s" already.', service_key_insert.kid),
            HINT = 'Use another key id; the thumbprint of the key is a good one.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_insert(text, text, text, jsonb, jsonb, timestamp, integer, bigint) IS
    'Adds a service key, after the stale ones of its service are removed. Errors: QY006 kid taken, QY077 malformed, 22023 negative rotation_duration.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_approve(key quay.servicekey, approval_type text, notes text, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    IF approval_type IS NULL OR approval_type NOT IN ('superuser', 'key_rotation', 'automatic') THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of approval',
            DETAIL = format('"%s" is none.', left(approval_type, 80)),
            HINT = 'Use superuser, key_rotation or automatic.';
    END IF;
    INSERT INTO quay.servicekeyapproval (approver_id, approval_type, approved_date, notes)
    VALUES (service_key_approve.actor_id, 'ServiceKeyApprovalType.' || upper(service_key_approve.approval_type), quay_internal.utc_now(),
            coalesce(service_key_approve.notes, ''))
    RETURNING id INTO new_id;
    UPDATE quay.servicekey AS k SET approval_id = new_id WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    PERFORM quay_internal.service_key_log('service_key_approve', key, '{}', actor_id, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_approve(quay.servicekey, text, text, bigint, text) IS
    'Approves a key that waits for it, settles the notifications and logs it. Errors: QY009 unknown kind of approval.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_add(kid text, service text, name text, jwk jsonb, metadata jsonb, expiration timestamptz,
                                                         rotation_duration integer, approval_type text, notes text, log_more jsonb,
                                                         actor_id bigint, ip text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key quay.servicekey := quay_internal.service_key_insert(kid, service, coalesce(name, ''), jwk, coalesce(metadata, '{}'),
        quay_internal.service_key_expiration_check(expiration), rotation_duration, NULL);
BEGIN
    PERFORM quay_internal.service_key_log('service_key_create', key, log_more, actor_id, ip);
    IF approval_type IS NULL THEN
        PERFORM quay_internal.service_key_notify(key);
    ELSE
        PERFORM quay_internal.service_key_approve(key, approval_type, notes, actor_id, ip);
    END IF;
    RETURN key.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_add(text, text, text, jsonb, jsonb, timestamptz, integer, text, text, jsonb, bigint, text) IS
    'Adds a service key and approves it or tells the superusers; what service_key_create() and service_key_generate() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_create(service text, kid text, jwk jsonb, name text DEFAULT '', metadata jsonb DEFAULT '{}',
                                                   expiration timestamptz DEFAULT NULL, rotation_duration integer DEFAULT NULL,
                                                   approval_type text DEFAULT NULL, notes text DEFAULT '',
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_create.actor);
BEGIN
    RETURN quay_internal.service_key_add(coalesce(kid, quay_internal.jwk_thumbprint(jwk ->> 'n', jwk ->> 'e'), ''), service, name, jwk, metadata,
        expiration, rotation_duration, approval_type, notes, jsonb_build_object('preshared', false), performer_id, service_key_create.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_create(text, text, jsonb, text, jsonb, timestamptz, integer, text, text, text, text) IS
    'Adds the public key (RSA, JSON web key) of a service and returns its row id. A NULL kid is its thumbprint. It signs nothing before it is approved: each superuser is notified, unless approval_type (superuser, key_rotation, automatic) approves it at once, with actor as approver. rotation_duration, seconds, is only stored. Errors: QY006 kid taken, QY007 actor unknown, QY009 unknown kind of approval, QY077 malformed service, kid, name, key or metadata, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_generate(INOUT service text, INOUT kid text DEFAULT NULL, IN name text DEFAULT '',
                                                     IN metadata jsonb DEFAULT '{}', IN expiration timestamptz DEFAULT NULL,
                                                     IN rotation_duration integer DEFAULT NULL, IN approval_type text DEFAULT NULL,
                                                     IN notes text DEFAULT '', IN actor text DEFAULT NULL, IN ip text DEFAULT NULL,
                                                     OUT id bigint, OUT private_key text, OUT jwk jsonb)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_generate.actor);
    pair record;
BEGIN
    SELECT g.private_key, g.n, g.e INTO pair FROM quay_internal.rsa_key_generate() AS g;
    kid := coalesce(kid, quay_internal.jwk_thumbprint(pair.n, pair.e));
    jwk := jsonb_build_object('kty', 'RSA', 'kid', kid, 'n', pair.n, 'e', pair.e);
    private_key := pair.private_key;
    id := quay_internal.service_key_add(kid, service, name, jwk, metadata, expiration, rotation_duration, approval_type, notes,
        jsonb_build_object('preshared', true, 'auto_approved', approval_type IS NOT NULL), performer_id, service_key_generate.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_generate(text, text, text, jsonb, timestamptz, integer, text, text, text, text) IS
    'Makes an RSA key of 2048 bits for a service, adds the public key as service_key_create() does, and returns the private key as PEM: it is stored nowhere and never shown again. A NULL kid is the thumbprint (RFC 7638). Takes some tenths of a second. Errors: as for service_key_create().';

CREATE OR REPLACE FUNCTION quay.service_key_approve(kid text, notes text DEFAULT '', approval_type text DEFAULT 'superuser',
                                                    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_approve.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
BEGIN
    IF key.approval_id IS NOT NULL THEN
        RETURN 'already approved';
    END IF;
    IF key.expiration_date <= quay_internal.utc_now() THEN
        RAISE EXCEPTION USING ERRCODE = 'QY076',
            MESSAGE = 'service key has expired',
            DETAIL = format('The key "%s" expired at %s UTC.', key.kid, key.expiration_date),
            HINT = 'Give it another expiration with quay.service_key_set_expiration() first.';
    END IF;
    PERFORM quay_internal.service_key_approve(key, approval_type, notes, performer_id, service_key_approve.ip);
    RETURN 'approved';
END
$$;
COMMENT ON FUNCTION quay.service_key_approve(text, text, text, text, text) IS
    'Lets a service key sign. approval_type: superuser, key_rotation or automatic; actor is the approver. Removes the notifications about it. Result: approved, or already approved, which changes nothing. Errors: QY007 actor unknown, QY009 unknown kind of approval, QY075 key unknown, QY076 expired.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_replace(key quay.servicekey, kid text, jwk jsonb, metadata jsonb, expiration timestamptz,
                                                             log_more jsonb, actor_id bigint, ip text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_key quay.servicekey := quay_internal.service_key_insert(kid, key.service, key.name, jwk,
        coalesce(quay_internal.json_read(key.metadata), '{}') || coalesce(service_key_replace.metadata, '{}'), quay_internal.service_key_expiration_check(expiration),
        key.rotation_duration, key.approval_id);
BEGIN
    DELETE FROM quay.servicekey AS k WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    IF new_key.approval_id IS NULL THEN
        PERFORM quay_internal.service_key_notify(new_key);
    END IF;
    PERFORM quay_internal.service_key_log('service_key_rotate', new_key, jsonb_build_object('signer_kid', key.kid) || log_more, actor_id, ip);
    RETURN new_key.id;
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_replace(quay.servicekey, text, jsonb, jsonb, timestamptz, jsonb, bigint, text) IS
    'Puts a new key in the place of a locked one; what service_key_replace() and service_key_publish() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_replace(old_kid text, kid text, jwk jsonb, metadata jsonb DEFAULT '{}', expiration timestamptz DEFAULT NULL,
                                                    actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_replace.actor);
BEGIN
    RETURN quay_internal.service_key_replace(quay_internal.service_key_lock(old_kid), kid, jwk, metadata, expiration, '{}', performer_id,
        service_key_replace.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_replace(text, text, jsonb, jsonb, timestamptz, text, text) IS
    'Replaces a service key by another and returns the row id of that. It inherits service, name, rotation_duration, approval and metadata, over which the new metadata go key by key. The old key is deleted with the notifications about it; superusers are notified of the new one if it still waits for approval. Errors: QY006 kid taken, QY007 actor unknown, QY075 old key unknown, QY077 malformed, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_update(kid text, name text DEFAULT NULL, metadata jsonb DEFAULT NULL,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_update.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
BEGIN
    PERFORM quay_internal.service_key_label_check(service_key_update.name, service_key_update.metadata);
    UPDATE quay.servicekey AS k
    SET name = coalesce(service_key_update.name, k.name),
        metadata = (coalesce(quay_internal.json_read(k.metadata), '{}') || coalesce(service_key_update.metadata, '{}'))::text
    WHERE k.id = key.id
    RETURNING k.* INTO key;
    PERFORM quay_internal.service_key_log('service_key_modify', key, '{}', performer_id, service_key_update.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_update(text, text, jsonb, text, text) IS
    'Changes the name of a service key, or its metadata, over which those given go key by key. NULL leaves them. Errors: QY007 actor unknown, QY075 key unknown, QY077 malformed name or metadata.';

CREATE OR REPLACE FUNCTION quay.service_key_set_expiration(kid text, expiration timestamptz, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_set_expiration.actor);
    key quay.servicekey := quay_internal.service_key_lock(kid);
    old_expiration CONSTANT timestamp := key.expiration_date;
BEGIN
    UPDATE quay.servicekey AS k SET expiration_date = quay_internal.service_key_expiration_check(expiration)
    WHERE k.id = key.id
    RETURNING k.* INTO key;
    -- A service that renews its own key each hour would fill the log.
    IF performer_id IS NOT NULL THEN
        PERFORM quay_internal.service_key_log('service_key_extend', key,
            jsonb_build_object('old_expiration_date', extract(epoch FROM old_expiration)::bigint), performer_id, service_key_set_expiration.ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.service_key_set_expiration(text, timestamptz, text, text) IS
    'Sets when a service key expires, in whatever state it is; NULL: never. Logged if there is an actor: a service that renews its own key passes none. Errors: QY007 actor unknown, QY075 key unknown, 22023 not in the future.';

CREATE OR REPLACE FUNCTION quay_internal.service_key_delete(key quay.servicekey, log_more jsonb, actor_id bigint, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.servicekey AS k WHERE k.id = key.id;
    PERFORM quay_internal.service_key_settle(key.kid);
    PERFORM quay.service_key_gc(key.service);
    PERFORM quay_internal.service_key_log('service_key_delete', key,
        jsonb_build_object('created_date', extract(epoch FROM key.created_date)::bigint) || log_more, actor_id, ip);
END
$$;
COMMENT ON FUNCTION quay_internal.service_key_delete(quay.servicekey, jsonb, bigint, text) IS
    'Deletes a locked service key; what service_key_delete() and service_key_withdraw() have in common.';

CREATE OR REPLACE FUNCTION quay.service_key_delete(kid text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(service_key_delete.actor);
BEGIN
    PERFORM quay_internal.service_key_delete(quay_internal.service_key_lock(kid), '{}', performer_id, service_key_delete.ip);
END
$$;
COMMENT ON FUNCTION quay.service_key_delete(text, text, text) IS
    'Deletes a service key: from the commit on, tokens that it signed are refused. The notifications about it go too. Errors: QY007 actor unknown, QY075 key unknown.';

CREATE OR REPLACE FUNCTION quay.service_key_list(INOUT service text DEFAULT NULL, IN usable_only boolean DEFAULT false, IN after text DEFAULT NULL,
    IN n integer DEFAULT 100, OUT kid text, OUT id bigint, OUT name text, OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp,
    OUT expiration timestamp, OUT rotation_duration integer, OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc CONSTANT timestamp := quay_internal.utc_now();
BEGIN
    RETURN QUERY
    SELECT d.service, d.kid, d.id, d.name, d.jwk, d.metadata, d.created, d.expiration, d.rotation_duration, d.approval_type, d.approver,
           d.approved, d.notes
    FROM (SELECT k FROM quay.servicekey AS k
          WHERE (service_key_list.service IS NULL OR k.service = service_key_list.service)
            AND (service_key_list.after IS NULL OR k.kid > service_key_list.after)
            AND (NOT coalesce(usable_only, false) OR k.approval_id IS NOT NULL AND coalesce(k.expiration_date > now_utc, true))
            AND quay_internal.service_key_is_visible(k, service_key_list.service)
          ORDER BY k.kid
          LIMIT quay_internal.page_size(n)) AS page
    CROSS JOIN LATERAL quay_internal.service_key_describe(page.k) AS d
    ORDER BY d.kid COLLATE "C";
END
$$;
COMMENT ON FUNCTION quay.service_key_list(text, boolean, text, integer) IS
    'Service keys in the order of kid, of one service or, with NULL, of all. usable_only: approved and not expired, which is what a service may know. Keys that are stale (see service_key_gc()) are not shown. approved: when it was, NULL if it waits. after: last kid of the page before. Errors: 22023 negative n.';

CREATE OR REPLACE FUNCTION quay.service_key_get(INOUT kid text, INOUT service text DEFAULT NULL, IN alive_only boolean DEFAULT true,
    IN approved_only boolean DEFAULT true, OUT id bigint, OUT name text, OUT jwk jsonb, OUT metadata jsonb, OUT created timestamp,
    OUT expiration timestamp, OUT rotation_duration integer, OUT approval_type text, OUT approver text, OUT approved timestamp, OUT notes text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT d.kid, d.service, d.id, d.name, d.jwk, d.metadata, d.created, d.expiration, d.rotation_duration, d.approval_type, d.approver,
           d.approved, d.notes
    FROM quay.servicekey AS k
    CROSS JOIN LATERAL quay_internal.service_key_describe(k) AS d
    WHERE k.kid = service_key_get.kid
      AND (service_key_get.service IS NULL OR k.service = service_key_get.service)
      AND (NOT coalesce(approved_only, false) OR k.approval_id IS NOT NULL)
      AND (NOT coalesce(alive_only, false) OR coalesce(k.expiration_date > quay_internal.utc_now(), true))
      AND quay_internal.service_key_is_visible(k, service_key_get.service);
END
$$;
COMMENT ON FUNCTION quay.service_key_get(text, text, boolean, boolean) IS
    'Service key of that kid, no row if there is none, or if it is not approved, has expired, is stale or belongs to another service.';

CREATE OR REPLACE FUNCTION quay.service_key_fetch(service text, kid text)
    RETURNS TABLE (status text, jwk jsonb, max_age integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    key record;
    remaining numeric;
BEGIN
    SELECT g.* INTO key FROM quay.service_key_get(service_key_fetch.kid, coalesce(service_key_fetch.service, ''), false, false) AS g;
    remaining := extract(epoch FROM key.expiration - quay_internal.utc_now());
    status := CASE
        WHEN key.id IS NULL THEN 'unknown'
        WHEN key.approved IS NULL THEN 'unapproved'
        WHEN remaining <= 0 THEN 'expired'
        ELSE 'ok'
    END;
    IF status = 'ok' THEN
        jwk := key.jwk;
        max_age := floor(least(86400, remaining));
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_fetch(text, text) IS
    'What a key server answers to a service that wants a public key. status: ok (200) with the key and for how many seconds it may be cached, unknown (404), unapproved (409), expired (403).';

CREATE OR REPLACE FUNCTION quay_internal.key_server_audience() RETURNS text
    LANGUAGE sql STABLE
    RETURN quay_internal.setting('url_scheme') || '://' || quay_internal.setting('server_hostname');
COMMENT ON FUNCTION quay_internal.key_server_audience() IS 'Audience of the tokens with which services publish and withdraw their keys: the URL of the registry.';

CREATE OR REPLACE FUNCTION quay.service_key_publish(service text, kid text, jwk jsonb, token text, expiration timestamptz DEFAULT NULL,
                                                    rotation_duration integer DEFAULT NULL, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (status text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signer_kid CONSTANT text := coalesce(quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'kid', service_key_publish.kid);
    log_more CONSTANT jsonb := jsonb_build_object('user_agent', user_agent, 'ip', service_key_publish.ip);
    -- A service that signs with the key itself asks for approval; one that signs with an approved key vouches for the new one.
    is_new CONSTANT boolean := signer_kid IS NOT DISTINCT FROM service_key_publish.kid;
    signer quay.servicekey;
BEGIN
    PERFORM quay_internal.service_key_check(service, service_key_publish.kid, service_key_publish.jwk);
    IF NOT is_new THEN
        SELECT * INTO signer FROM quay.servicekey AS k
        WHERE k.kid = signer_kid AND k.service = service_key_publish.service AND k.approval_id IS NOT NULL
          AND coalesce(k.expiration_date > quay_internal.utc_now(), true)
        FOR UPDATE;
        IF NOT FOUND THEN
            status := 'refused';
            error := 'Unknown service key';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT c.problem INTO error
    FROM quay_internal.jwt_check(token, CASE WHEN is_new THEN service_key_publish.jwk ELSE quay_internal.json_read(signer.jwk) END,
                                 service, quay_internal.key_server_audience()) AS c;
    IF error IS NOT NULL THEN
        status := 'invalid';
    ELSIF is_new THEN
        PERFORM quay_internal.service_key_add(service_key_publish.kid, service, '', service_key_publish.jwk,
            jsonb_build_object('ip', service_key_publish.ip), expiration, rotation_duration, NULL, NULL,
            log_more || jsonb_build_object('preshared', false), NULL, service_key_publish.ip);
        status := 'submitted';
    ELSE
        PERFORM quay_internal.service_key_replace(signer, service_key_publish.kid, service_key_publish.jwk,
            jsonb_build_object('ip', service_key_publish.ip, 'created_by', 'Key Rotation'), expiration, log_more, NULL, service_key_publish.ip);
        status := 'rotated';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_publish(text, text, jsonb, text, timestamptz, integer, text, text) IS
    'What a key server does when a service sends it a public key with a token: issuer the service, audience the URL of the registry, signed with the key itself or with the approved key that it replaces. status: submitted (202), now waiting for approval; rotated (200), with the approval of the signing key, which is deleted; refused (403), the signing key is unknown, not approved, expired or of another service; invalid (400), error says why. Errors: QY006 kid taken, QY077 malformed service, kid or key, 22023 expiration not in the future.';

CREATE OR REPLACE FUNCTION quay.service_key_withdraw(service text, kid text, token text, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (status text, error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    signer_kid CONSTANT text := quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'kid';
    signer quay.servicekey;
    key quay.servicekey;
BEGIN
    SELECT * INTO key FROM quay.servicekey AS k
    WHERE k.kid = service_key_withdraw.kid AND k.service = service_key_withdraw.service FOR UPDATE;
    SELECT * INTO signer FROM quay.servicekey AS k
    WHERE k.kid = signer_kid AND k.service = service_key_withdraw.service
      AND (k.approval_id IS NOT NULL OR k.kid = service_key_withdraw.kid)
      AND coalesce(k.expiration_date > quay_internal.utc_now(), true);
    SELECT c.problem INTO error
    FROM quay_internal.jwt_check(token, quay_internal.json_read(signer.jwk), service, quay_internal.key_server_audience()) AS c;
    status := CASE
        WHEN signer_kid IS NULL THEN 'invalid'
        WHEN signer.id IS NULL THEN 'refused'
        WHEN error IS NOT NULL THEN 'invalid'
        WHEN key.id IS NULL THEN 'unknown'
        ELSE 'deleted'
    END;
    error := CASE
        WHEN signer_kid IS NULL THEN 'Missing kid header'
        WHEN signer.id IS NULL THEN 'Unknown service key'
        ELSE error
    END;
    IF status = 'deleted' THEN
        PERFORM quay_internal.service_key_delete(key,
            jsonb_build_object('signer_kid', signer.kid, 'user_agent', user_agent, 'ip', service_key_withdraw.ip), NULL, service_key_withdraw.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.service_key_withdraw(text, text, text, text, text) IS
    'What a key server does when a service deletes a public key with a token that this key signed, or an approved one of the service (see service_key_publish()). status: deleted (204); refused (403), the signing key is unknown, not approved, expired or of another service; invalid (400), error says why; unknown (404), no such key.';

-- Tokens of the registry.

CREATE OR REPLACE FUNCTION quay_internal.jwt_scopes(access jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry jsonb;
    path text;
    actions text;
    scopes text[] := ARRAY[]::text[];
BEGIN
    -- This is what the reference writes into the token of a robot, which grants nothing.
    IF access = '{}' THEN
        RETURN '';
    END IF;
    IF jsonb_typeof(access) <> 'array' THEN
        RETURN NULL;
    END IF;
    FOR entry IN SELECT a.entry FROM jsonb_array_elements(access) AS a (entry) LOOP
        path := entry ->> 'name';
        IF position('/' IN path) = 0 AND quay_internal.setting('library_support')::boolean THEN
            path := quay_internal.setting('library_namespace') || '/' || path;
        END IF;
        -- A path with a separator in it could be read as another scope.
        IF (entry -> 'type' = '"repository"' AND jsonb_typeof(entry -> 'name') = 'string' AND path ~ '^[^\s,:/]+/[^\s,:]+$'
            AND jsonb_typeof(entry -> 'actions') = 'array' AND entry -> 'actions' <@ '["pull", "push", "*"]') IS NOT TRUE THEN
            RETURN NULL;
        END IF;
        actions := CASE
            WHEN entry -> 'actions' ? '*' THEN 'pull,push,*'
            WHEN entry -> 'actions' ? 'push' THEN 'pull,push'
            WHEN entry -> 'actions' ? 'pull' THEN 'pull'
        END;
        IF actions IS NOT NULL THEN
            scopes := scopes || format('repository:%s:%s', path, actions);
        END IF;
    END LOOP;
    RETURN array_to_string(scopes, ' ');
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_scopes(jsonb) IS
    'The access list of a registry token as scopes, NULL if it is malformed. Each entry gives one scope: pull,push,* for any list with *, pull,push for one with push, pull for one with pull, none for an empty one.';

CREATE OR REPLACE FUNCTION quay.jwt_verify(token text, audience text DEFAULT NULL)
    RETURNS TABLE (subject text, access jsonb, context jsonb, scopes text, error text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    issuer CONSTANT text := quay_internal.setting('instance_service_key_service');
    wanted_audience CONSTANT text := coalesce(audience, quay_internal.setting('server_hostname'));
    header CONSTANT jsonb := quay_internal.json_read(quay_internal.jwt_header(token));
    key_jwk text;
    checked record;
BEGIN
    SELECT k.jwk INTO key_jwk FROM quay.servicekey AS k
    WHERE k.kid = header ->> 'kid' AND k.service = issuer AND k.approval_id IS NOT NULL
      AND coalesce(k.expiration_date > quay_internal.utc_now(), true);
    error := CASE
        WHEN jsonb_typeof(header) IS DISTINCT FROM 'object' THEN 'Invalid token'
        WHEN header ->> 'kid' IS NULL THEN 'Missing kid header'
        WHEN key_jwk IS NULL THEN 'Unknown service key'
        WHEN wanted_audience = '' THEN 'The setting quay.server_hostname is empty'
    END;
    IF error IS NULL THEN
        SELECT c.claims, c.problem INTO checked
        FROM quay_internal.jwt_check(token, quay_internal.json_read(key_jwk), issuer, wanted_audience,
                                     quay_internal.setting('registry_jwt_max_fresh')::integer) AS c;
        error := checked.problem;
    END IF;
    IF error IS NULL THEN
        access := coalesce(checked.claims -> 'access', '[]');
        scopes := quay_internal.jwt_scopes(access);
        IF scopes IS NULL THEN
            access := NULL;
            error := 'Token contained invalid or malformed access grants';
        ELSE
            subject := checked.claims ->> 'sub';
            context := checked.claims -> 'context';
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.jwt_verify(text, text) IS
    'Verifies a token of the registry (RS256), one row. Good ones were signed by an approved key, that has not expired, of the service quay.instance_service_key_service, which is also their issuer; are for audience, by default quay.server_hostname; live no longer than quay.registry_jwt_max_fresh; clocks may be 30 seconds apart. subject: whom it is for, "(anonymous)" if nobody. scopes: what access lists, for quay.access_check(actor => NULL, scopes => …); the empty string lets nothing through. error: why it is not good, NULL if it is; all else is NULL then.';

CREATE OR REPLACE FUNCTION quay_internal.robot_jwt_problem(robot text, jwt text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    verified record;
BEGIN
    SELECT v.subject, v.error INTO verified FROM quay.jwt_verify(jwt) AS v;
    RETURN coalesce(verified.error, CASE WHEN verified.subject IS DISTINCT FROM robot THEN 'Token does not match robot' END);
END
$$;
COMMENT ON FUNCTION quay_internal.robot_jwt_problem(text, text) IS
    'Why a token of the registry does not log this robot in, NULL if it does: see jwt_verify(); its subject must be the full name of the robot.';
