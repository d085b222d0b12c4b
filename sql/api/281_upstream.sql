-- Where proxy caches and mirrors may take content from: not from the network that the registry itself is in. And the credentials there.

CREATE OR REPLACE FUNCTION quay_internal.inet_read(address text) RETURNS inet
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN address::inet;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.inet_read(text) IS 'A text as an address or network; NULL if it is none.';

CREATE OR REPLACE FUNCTION quay_internal.address_is_public(address inet) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE family(address)
        WHEN 4 THEN NOT address <<= ANY (ARRAY[
            '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24',
            '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3',
            '168.63.129.16'                                                  -- what virtual machines of Azure ask about themselves
            ]::inet[])
        -- Of IPv6 only what is given out to the public. Outside are loopback, link-local, private and multicast addresses, and those
        -- that stand for one of IPv4 (::ffff:0:0/96, 64:ff9b::/96); inside are Teredo, documentation, and 6to4, which stands for one too.
        ELSE address <<= '2000::/3' AND NOT address <<= ANY (ARRAY['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']::inet[])
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.address_is_public(inet) IS
    'Is the address one that anybody on the Internet can have? Not those of private networks, of the machine itself, of its link, of documentation and other special purposes (RFC 6890), and IPv6 addresses that contain one of IPv4.';

CREATE OR REPLACE FUNCTION quay_internal.upstream_host(reference text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    authority text := lower(split_part(reference, '/', 1));
    host text := regexp_replace(authority, ':[0-9]{1,5}$', '');
    port integer := substring(authority FROM ':([0-9]{1,5})$')::integer;
    address inet;
BEGIN
    IF reference ~ '[\s\\?#%]' OR strpos(reference, '://') > 0 OR port NOT BETWEEN 1 AND 65535 THEN
        RETURN NULL;
    END IF;
    -- IPv6 stands in brackets.
    IF host ~ '^\[[0-9a-f:.]+\]$' THEN
        address := quay_internal.inet_read(substr(host, 2, length(host) - 2));
        RETURN CASE WHEN family(address) = 6 THEN host(address) END;
    END IF;
    IF length(host) > 253 OR host !~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$' THEN
        RETURN NULL;
    END IF;
    -- What ends in a number is an address of IPv4 for many programs, also 0x7f.1, 0177.0.0.1, 127.1 and 2130706433. Here it is one only
    -- in the form that all of them read alike.
    IF host ~ '(^|\.)([0-9]+|0x[0-9a-f]*)$' THEN
        RETURN CASE WHEN host ~ '^((0|[1-9][0-9]{0,2})(\.|$)){4}$' AND quay_internal.inet_read(host) IS NOT NULL THEN host END;
    END IF;
    RETURN host;
END
$$;
COMMENT ON FUNCTION quay_internal.upstream_host(text) IS
    'Host of a reference such as quay.io/acme/app or registry.example.com:5000, in lower case and without port and brackets. NULL if there is none, or it is written in a way that programs understand differently: with a user, a scheme, a trailing dot, characters other than those of host names, or as a number that is no plain IPv4 address.';

CREATE OR REPLACE FUNCTION quay_internal.upstream_allowed(host text, address inet DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.allowed_upstream_host AS a
                   WHERE lower(a.host) = upstream_allowed.host
                      OR upstream_allowed.address <<= network(quay_internal.inet_read(a.host)));
END
$$;
COMMENT ON FUNCTION quay_internal.upstream_allowed(text, inet) IS
    'Does the table allowed_upstream_host have this host, or a network that the address is in?';

CREATE OR REPLACE FUNCTION quay_internal.upstream_problem(reference text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    host text := quay_internal.upstream_host(reference);
    literal inet := quay_internal.inet_read(host);
    inner_name boolean;
    outer_addresses text[];
BEGIN
    IF host IS NULL THEN
        RETURN 'It does not start with a plain host, such as quay.io or registry.example.com:5000.';
    END IF;
    IF quay_internal.upstream_allowed(host, literal) THEN
        RETURN NULL;
    END IF;
    IF literal IS NOT NULL THEN
        RETURN CASE WHEN NOT quay_internal.address_is_public(literal) THEN 'Its address is private or reserved.' END;
    END IF;

    -- Names that only a local network, a cluster or a cloud resolves. No public name has a single part.
    inner_name := strpos(host, '.') = 0 OR host IN ('kubernetes.default', 'metadata.tencentyun.com')
        OR host ~ '\.(localhost|localdomain|local|internal|intranet|private|corp|home|lan|svc|home\.arpa)$';
    SELECT array_agg(a.address) INTO outer_addresses
    FROM unnest(addresses) AS a (address)
    WHERE quay_internal.upstream_allowed(host, quay_internal.inet_read(a.address)) IS NOT TRUE;
    RETURN CASE
        WHEN inner_name AND (outer_addresses IS NOT NULL OR coalesce(cardinality(addresses), 0) = 0)
            THEN 'Its host is a name of an internal network.'
        WHEN EXISTS (SELECT FROM unnest(outer_addresses) AS a (address)
                     WHERE quay_internal.address_is_public(quay_internal.inet_read(a.address)) IS NOT TRUE)
            THEN 'Its host has an address that is private or reserved.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.upstream_problem(text, text[]) IS
    'Why the registry must not connect to the host of a reference, as a sentence; NULL if it may. addresses: what the host was resolved to, if that has been done. Hosts and networks in allowed_upstream_host are exempt.';

CREATE OR REPLACE FUNCTION quay_internal.upstream_host_check(reference text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := quay_internal.upstream_problem(coalesce(reference, ''));
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY083',
            MESSAGE = 'upstream registry is not allowed',
            -- Whoever wrote a password into the reference shall not find it in the log.
            DETAIL = format('"%s": %s', left(regexp_replace(reference, '^([^/]*//)?[^/]*@', '\1***@'), 80), problem),
            HINT = 'Name a public registry as host[:port][/path]; an administrator can allow others in quay.allowed_upstream_host.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.upstream_host_check(text) IS
    'Refuses (QY083) a reference, host[:port][/path] without a scheme, whose host is malformed or in a network that is not public. The name is not resolved: a worker does that just before it connects, and asks quay.upstream_check() about the addresses.';

CREATE OR REPLACE FUNCTION quay_internal.upstream_url_check(url text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF url IS NULL OR url !~ '^https?://' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY083',
            MESSAGE = 'upstream registry is not allowed',
            DETAIL = format('"%s" is no URL with http or https.', left(regexp_replace(url, '^([^/]*//)?[^/]*@', '\1***@'), 80)),
            HINT = 'Pass for example https://quay.io.';
    END IF;
    PERFORM quay_internal.upstream_host_check(regexp_replace(url, '^https?://', ''));
END
$$;
COMMENT ON FUNCTION quay_internal.upstream_url_check(text) IS
    'Refuses (QY083) what is no URL with the scheme http or https, and one whose host upstream_host_check() refuses.';

CREATE OR REPLACE FUNCTION quay.upstream_check(reference text, addresses text[] DEFAULT '{}') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.upstream_problem(coalesce(regexp_replace(upstream_check.reference, '^https?://', ''), ''), upstream_check.addresses);
END
$$;
COMMENT ON FUNCTION quay.upstream_check(text, text[]) IS
    'Why the registry must not connect to a host, as a sentence; NULL if it may. For whoever fetches from another registry, just before it does. reference: host[:port][/path], or a URL with http or https. addresses: all addresses that the host was resolved to; connect to one of these and do not resolve again, or a name that changes its address passes. Refused are malformed hosts, names of internal networks, addresses that are private or reserved; quay.allowed_upstream_host lists hosts, addresses and networks that are exempt.';

-- Credentials at an upstream registry

CREATE OR REPLACE FUNCTION quay_internal.credential_change(stored text, given text, max_length integer) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE
        WHEN given IS NULL THEN stored
        WHEN given = '' THEN NULL
        ELSE quay_internal.field_encrypt(given, max_length)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.credential_change(text, text, integer) IS
    'What an encrypted column of max_length characters is to hold: its own value if none is given, NULL if the empty text is, else the given secret, encrypted. Errors: QY061 too long, 55000 no key is set.';
