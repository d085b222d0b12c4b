-- Codes that are mailed: confirming an address, and recovering a lost password.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format('%s %s: %s (%s)', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.confirm(code text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT format(''%%s %%s %%s'', username, email, old_email) FROM quay.user_email_confirm(%L, %L)', code, '192.0.2.1'));
$$;
CREATE FUNCTION pg_temp.reset(code text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.try(format('SELECT username FROM quay.user_recovery_confirm(%L)', code));
$$;
CREATE FUNCTION pg_temp.tamper(code text, pattern text, replacement text) RETURNS text LANGUAGE sql AS $$
    SELECT encode(convert_to(regexp_replace(convert_from(decode(code, 'base64'), 'UTF8'), pattern, replacement), 'UTF8'), 'base64');
$$;
INSERT INTO quay.superuser (username) VALUES ('ec-root');
SELECT count(quay.user_create(n, 'password', n || '@ec.example')) FROM unnest(ARRAY['ec-ann', 'ec-bob', 'ec-off', 'ec-root']) AS n;
SELECT count(quay.organization_create(n, e, 'ec-ann')) FROM (VALUES ('ec-org', 'shared@ec.example'), ('ec-org2', 'shared@ec.example'), ('ec-org3', 'off@ec.example')) AS t (n, e);
SELECT quay.team_member_add('ec-org', 'owners', 'ec-bob') AS admin, quay.team_member_add('ec-org', 'owners', 'ec-off') AS admin;
SELECT quay.user_set_enabled('ec-off', false) AS disabled, quay.user_set_enabled('ec-org3', false) AS disabled_org;

-- The form of a code, and what is stored of it.
SELECT quay.user_email_code_create('ec-ann') AS code \gset
SELECT convert_from(decode(:'code', 'base64'), 'UTF8') ~ '^[A-Z0-9]{16}:[A-Z0-9]{20}$' AS form;
SELECT c.code = split_part(convert_from(decode(:'code', 'base64'), 'UTF8'), ':', 1) AS public_part,
       quay_internal.password_verify(split_part(convert_from(decode(:'code', 'base64'), 'UTF8'), ':', 2), c.verification_code) AS private_part,
       c.pw_reset, c.email_confirm, c.new_email, c.created
FROM quay.emailconfirmation AS c JOIN quay."user" AS u ON u.id = c.user_id WHERE u.username = 'ec-ann';

-- Everything but the whole code is refused, also the public part alone.
SELECT pg_temp.confirm(c) FROM unnest(ARRAY[NULL, '', 'x', 'nonsense!', '====', 'AAAA', encode('\xc3280000', 'base64'), encode('::', 'base64'), repeat('QUFB', 100)]) AS c;
SELECT pg_temp.confirm(pg_temp.tamper(:'code', ':.*', ':')), pg_temp.confirm(pg_temp.tamper(:'code', ':.*', ''));
SELECT pg_temp.confirm(pg_temp.tamper(:'code', ':.', ':x')), pg_temp.confirm(pg_temp.tamper(:'code', '^.', 'x'));
SELECT pg_temp.confirm(pg_temp.tamper(:'code', '$', ':x')), pg_temp.confirm(:'code' || ' ');
SELECT pg_temp.reset(:'code');
SELECT verified FROM quay.user_get('ec-ann');
SELECT pg_temp.confirm(:'code');
SELECT verified FROM quay.user_get('ec-ann');
SELECT pg_temp.confirm(:'code');
-- Rows from older versions of the reference have no private part: they let nobody in.
INSERT INTO quay.emailconfirmation (code, user_id, pw_reset, email_confirm, created)
SELECT 'ECLEGACY', id, true, false, '2026-03-01 12:00:00' FROM quay."user" WHERE username = 'ec-ann';
SELECT pg_temp.reset(encode('ECLEGACY:', 'base64')), pg_temp.reset(encode('ECLEGACY:x', 'base64')), pg_temp.reset('ECLEGACY');

-- A new address takes effect with its confirmation.
SELECT quay.user_email_code_create('ec-ann', 'new@ec.example') AS code \gset
SELECT quay.user_email_code_create('ec-bob', 'new@ec.example') AS other \gset
SELECT quay.user_email_code_create('ec-ann', 'new@ec.example') AS again \gset
SELECT quay.user_email_code_create('ec-ann', '') AS plain \gset
SELECT pg_temp.confirm(:'code');
SELECT email, verified FROM quay.user_get('ec-ann');
SELECT pg_temp.confirm(:'other');
SELECT verified FROM quay.user_get('ec-bob');
SELECT pg_temp.confirm(:'again');
SELECT pg_temp.confirm(:'plain');
SELECT pg_temp.try($$SELECT quay.user_email_code_create('ec-bob', 'nonsense')$$);
SELECT pg_temp.try($$SELECT quay.user_email_code_create('ec-bob', 'new@ec.example')$$);
SELECT pg_temp.try($$SELECT quay.user_email_code_create('ec-org')$$), pg_temp.try($$SELECT quay.user_email_code_create('ec-nobody')$$);
SELECT k.name, l.metadata_json, l.performer_id = l.account_id AS by_himself, l.ip
FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id JOIN quay."user" AS a ON a.id = l.account_id
WHERE a.username LIKE 'ec-%' AND k.name = 'user_change_email';

-- Recovery. Whoever asks does not learn whether there is such a person.
SELECT e AS email, r.status, r.username, length(r.code) AS code, r.organizations
FROM unnest(ARRAY['new@ec.example', 'nobody@ec.example', 'ec-off@ec.example', 'shared@ec.example', 'off@ec.example', 'NEW@ec.example', '', NULL]) AS e, quay.user_recover(e) AS r;
UPDATE quay."user" SET email = 'shared@ec.example' WHERE username = 'ec-bob';
SELECT status, username, length(code) AS code, organizations FROM quay.user_recover('shared@ec.example');
SELECT code FROM quay.user_recover('shared@ec.example') \gset
SELECT code AS second FROM quay.user_recover('shared@ec.example') \gset
SELECT quay.user_email_code_create('ec-bob') AS plain \gset
SELECT pg_temp.confirm(:'code');
SELECT pg_temp.reset(:'code');
SELECT verified FROM quay.user_get('ec-bob');
-- One reset voids the other codes that reset, not those that confirm.
SELECT pg_temp.reset(:'code'), pg_temp.reset(:'second');
SELECT pg_temp.confirm(:'plain');
SELECT uuid = (SELECT u.uuid FROM quay."user" AS u WHERE u.username = 'ec-bob') AS opens_a_session
FROM quay.user_recovery_confirm(quay.user_recovery_code_create('ec-bob'));
SELECT pg_temp.try($$SELECT quay.user_recovery_code_create('ec-root', by_administrator => true)$$);
SELECT length(quay.user_recovery_code_create('ec-root')) AS own, length(quay.user_recovery_code_create('ec-bob', true)) AS by_administrator;
SELECT pg_temp.try($$SELECT quay.user_recovery_code_create('ec-org')$$);

-- Lifetimes.
CREATE FUNCTION pg_temp.age(lifetime text, age interval, reset boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text;
BEGIN
    PERFORM set_config('quay.user_recovery_token_lifetime', lifetime, true), set_config('quay.email_confirmation_lifetime', lifetime, true),
            set_config('quay.clock', '2026-03-01 12:00:00+00', true);
    made := CASE WHEN reset THEN quay.user_recovery_code_create('ec-ann') ELSE quay.user_email_code_create('ec-ann') END;
    PERFORM set_config('quay.clock', ('2026-03-01 12:00:00+00'::timestamptz + age)::text, true);
    RETURN CASE WHEN reset THEN pg_temp.reset(made) ELSE pg_temp.confirm(made) END;
END
$$;
SELECT l AS lifetime, a AS age, r AS reset, pg_temp.age(l, a, r)
FROM (VALUES ('1min', interval '2 min'), ('2min', '1 min'), ('1h', '1 min'), ('1min', '1 min'), ('1min', '1 min 1 s')) AS t (l, a), unnest(ARRAY[true, false]) AS r ORDER BY r, l, a;
SELECT pg_temp.age('1000', '10 years', false);
SET LOCAL quay.user_recovery_token_lifetime = '1h';
SET LOCAL quay.email_confirmation_lifetime = 0;
SELECT quay.user_email_code_create('ec-ann') AS code \gset
SET LOCAL quay.clock = '2096-03-01 12:00:00+00';
SELECT pg_temp.confirm(:'code');

-- Expired codes are purged; those that confirm never expire with a lifetime of 0.
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DELETE FROM quay.emailconfirmation;
SELECT count(quay.user_recovery_code_create('ec-ann')) AS reset, count(quay.user_email_code_create('ec-ann')) AS confirm FROM generate_series(1, 3);
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT quay.email_code_purge() AS none;
SET LOCAL quay.clock = '2026-03-01 13:00:01+00';
SELECT quay.email_code_purge(2) AS two;
SELECT quay.email_code_purge(0) AS none;
SELECT quay.email_code_purge() AS one;
SET LOCAL quay.email_confirmation_lifetime = '1min';
SELECT quay.email_code_purge() AS three;
SELECT pg_temp.try('SELECT quay.email_code_purge(-1)');
ROLLBACK;
