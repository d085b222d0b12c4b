-- Encrypted passwords, and keyed digests.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.secret_key = 'anothercrazykey!';
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;

-- There and back; never the same text twice.
SELECT length(p) AS plain, length(quay.password_encrypt(p)) AS encrypted, quay_internal.password_decrypt(quay.password_encrypt(p)) = p AS same,
       quay.password_encrypt(p) = quay.password_encrypt(p) AS repeats
FROM unnest(ARRAY['', 'a', 'password', repeat('x', 1000), 'pässwörd', E'quote " back \\ line \n', '密码', '🔑']) AS p;
SELECT quay.password_encrypt(NULL) IS NULL AS encrypted, quay_internal.password_decrypt(NULL) IS NULL AS decrypted;

-- Made by the reference.
SET LOCAL quay.secret_key = '60819670227914197377449333332023941570310823814007397361459893170384762698201';
SELECT quay_internal.password_decrypt('cLJIuEm7radxwXwqoOG/9yXYxWW8JFCvgssBP3fHDatx/ckLrX9fZ4lZVj6WEv0D');
SET LOCAL quay.secret_key = 'anothercrazykey!';
-- Plain "hello", and the JSON texts {"password": "sea\u00e9\ud83d\ude00"}, {"password": 7}, {"password": null}, {"other": "x"}, ["password"],
-- {"password": "a\u0000b"}, {"password": "twice", "password": "twice"}, {"password": "a"} and more.
SELECT n, coalesce(quay_internal.password_decrypt(t), '(none)') AS password FROM unnest(ARRAY[
    'rrn4rNqymLXufhfKOSWnunK35aXaAF+YcapHc4FXnwc=',
    'otMUuKysCL1znvnZWeXQutT5Us3G850KJenjC4BNkERQXmbFa4ACqqh3ecy8QIRXmdXj2WgHp10bjwIQmjnCCQ==',
    'bOTdaBOTiGN/K8Lc+w6gPRE8ARZfsibphbJEC9enOc8=',
    'z9MbE0ECCC99caPVTvU3vm77MrvRbncutT3iop5k4ZedLAg8iNzFgx1hTqi0tu3M',
    'Ldd9sJE2GceW9trLX32As3ggxsrPQLuyaGUbQXtITyw=',
    'hm+Q7B5SdFQtkS1zl4ErpbxkkwAREEdzPbirB62T7uk=',
    'JwJldZ3Gm5aRRRlS6qaJ5BZsKVMT1TerwDVQJTeu0WsphOnqG5SDwuijIyL1gpUh',
    '7gCCv/0CkdYcNXxy3bY6z+spMiKhH7O/T+4jWWb5BeXEaFFlIzxcA4jPk1Z08ornhPSYVW3mzJyDpujVuRyNEQ==',
    'vPkZpoGv7VHtkloOSK49j36VtgJTa2a8Wv94T9MsGj8KA2hcVB93UPK+9r25Gd1o',
    'IOsnqZFTcU7oZAioVP28Pk+YICxbcyt08GtdYcM5SgYwWO7Qce4t4IaFqXkg92GC',
    'nHROQ5ObeanA0/7d5D2kCvOPXuFfQeI1lOOk00MhHIU=',
    'aCsclZOLV8V52UHxKf8s8evjpgplHkYqSKqyKkxzJsU=',
    'XyC6r8HibbsNmoiP3nQPikO4ZH2nABpP1tBIugwrVLww2TnxDp0fzwHY3vCJYm0x',
    'Z2mA7nUgn5DAMuo3pi1LPVz2shZ3uHgIPC6YznzZMEdKU1M2r8tcFB1ulf9Efjn8'
    ]) WITH ORDINALITY AS v (t, n);

-- Whatever is not one with this key is none.
SELECT t, quay_internal.password_decrypt(t) IS NULL AS none
FROM unnest(ARRAY['', 'password', 'AAAA', 'cLJIuEm7radxwXwqoOG/9yXYxWW8JFCvgssBP3fHDatx/ckLrX9fZ4lZVj6WEv0D', 'pässwörd', repeat('A', 64), repeat('A', 43) || '=',
                  repeat('A', 62) || '==', '====', 'v0$$iE+87Qefu/2i+5zC87nlUtOskypk8MUUDS/QZPs=']) AS t;
SELECT quay_internal.password_decrypt(repeat('A', 1000000)) IS NULL AS none;
WITH e AS MATERIALIZED (SELECT quay.password_encrypt('password') AS t)
SELECT quay_internal.password_decrypt(t || E'\n') IS NULL AS line_break, quay_internal.password_decrypt(' ' || t) IS NULL AS blank,
       quay_internal.password_decrypt(left(t, -4)) IS NULL AS short, quay_internal.password_decrypt(overlay(t placing '====' from 61)) IS NULL AS padded
FROM e;

-- Without a key.
CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT quay.password_encrypt('password') AS t;
SET LOCAL quay.secret_key = '';
SELECT quay_internal.password_decrypt(t) IS NULL AS none FROM kept;
SELECT pg_temp.refused($$SELECT quay.password_encrypt('password')$$);
SET LOCAL quay.secret_key = '密';
SELECT pg_temp.refused($$SELECT quay.password_encrypt('password')$$);
SELECT quay_internal.password_decrypt(t) IS NULL AS none FROM kept;
SET LOCAL quay.secret_key = 'anothercrazykey!';
SELECT pg_temp.refused($$SELECT quay.password_encrypt(repeat('x', 65535))$$);

-- Logging in with it.
SELECT quay.user_create('enp-alice', 'password', 'alice@enp.example') IS NOT NULL AS alice;
SELECT kind, actor, error FROM quay.authenticate('enp-alice', quay.password_encrypt('password'));
SELECT kind, actor, error FROM quay.authenticate('enp-alice', (SELECT t FROM kept));

-- Digests: the same for the same secret and key, and HMAC-SHA256.
SET LOCAL quay.database_secret_key = 'anothercrazykey!';
SELECT s, quay_internal.secret_digest(s) FROM unnest(ARRAY['', 'SOMETOKEN', 'Ünicode', NULL]) AS s;
SELECT quay_internal.secret_digest('SOMETOKEN') = quay_internal.secret_digest('SOMETOKEN') AS repeats;
SET LOCAL quay.database_secret_key = 'test1234';
SELECT quay_internal.secret_digest('SOMETOKEN');
SET LOCAL quay.database_secret_key = '';
SELECT pg_temp.refused($$SELECT quay_internal.secret_digest('SOMETOKEN')$$);
ROLLBACK;
