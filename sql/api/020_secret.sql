-- Passwords, encrypted fields, tokens, digests and keys of tokens: the C functions of src/auth. Clients call only the first.

CREATE OR REPLACE FUNCTION quay.password_encrypt(password text) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_encrypt';
COMMENT ON FUNCTION quay.password_encrypt(text) IS
    'The password encrypted with quay.secret_key, for people to use in its place in `docker login`: quay.authenticate() takes either. It does not check the password: let quay.authenticate() do that first. Each call gives another text; all are good until the password or the key changes. Errors: QY061 too long, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.password_decrypt(encrypted text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_decrypt';
COMMENT ON FUNCTION quay_internal.password_decrypt(text) IS
    'The password in an encrypted password; NULL if the text is none, has another key, or no usable key is set: it is a plain password then. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.password_hash(secret text, cost integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_hash';
COMMENT ON FUNCTION quay_internal.password_hash(text, integer) IS
    'bcrypt hash of a secret, 60 characters, prefix $2b$, of a cost from 4 to 20. Bytes after the 72nd have no effect. Errors: QY061 zero byte.';

CREATE OR REPLACE FUNCTION quay_internal.password_verify(secret text, hash text, cost integer DEFAULT 12) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_verify';
COMMENT ON FUNCTION quay_internal.password_verify(text, text, integer) IS
    'Does the secret match the bcrypt hash? Never NULL. A NULL hash is no match, and takes the time of a hash of the given cost.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt(secret text, max_length integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt';
COMMENT ON FUNCTION quay_internal.field_encrypt(text, integer) IS
    'Encrypted form (v0$$...) of a secret for a column that takes max_length characters, NULL for any. NULL gives NULL. Errors: QY061 too long.';

CREATE OR REPLACE FUNCTION quay_internal.field_decrypt(stored text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_decrypt';
COMMENT ON FUNCTION quay_internal.field_decrypt(text) IS
    'The secret of an encrypted field, whose key is quay.database_secret_key or the previous one. NULL gives NULL. Errors: QY060 damaged, or another key; 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt_with(secret text, key text) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt_with';
COMMENT ON FUNCTION quay_internal.field_encrypt_with(text, text) IS
    'Encrypted form of a secret with another key than quay.database_secret_key, which NULL stands for. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_key(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_key';
COMMENT ON FUNCTION quay_internal.field_key(text, text, text) IS
    'Which key opens the encrypted field: new, old or none. NULL keys are quay.database_secret_key_previous, which may be empty, and quay.database_secret_key. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_rotate(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_rotate';
COMMENT ON FUNCTION quay_internal.field_rotate(text, text, text) IS
    'The encrypted field with the new key instead of the old one; itself if it has the new one, NULL if it has neither. NULL keys are quay.database_secret_key_previous and quay.database_secret_key. Errors: 22023 not a key, or the same one twice, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time, with either key. Never NULL: a missing field or secret is no match. Errors: QY060; 55000.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

CREATE OR REPLACE FUNCTION quay_internal.secret_digest(secret text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_digest';
COMMENT ON FUNCTION quay_internal.secret_digest(text) IS
    'Keyed digest of a secret by which it can be looked up: HMAC-SHA256, 64 hexadecimal digits, with a key that is derived from quay.database_secret_key. Errors: 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.token_random(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random';
COMMENT ON FUNCTION quay_internal.token_random(integer) IS 'Random token of 1 to 1024 characters out of A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.token_random_ascii(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random_ascii';
COMMENT ON FUNCTION quay_internal.token_random_ascii(integer) IS 'Random token of 1 to 1024 characters out of a-z, A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_start(algorithm text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_start';
COMMENT ON FUNCTION quay_internal.hashstate_start(text) IS
    'State of a digest, as text, before any data. Algorithms: sha256, sha512. Errors: QY022.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_update(state text, chunk bytea) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_update';
COMMENT ON FUNCTION quay_internal.hashstate_update(text, bytea) IS 'State of a digest after more data. Errors: QY054 damaged state.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_final(state text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_final';
COMMENT ON FUNCTION quay_internal.hashstate_final(text) IS 'Digest, as algorithm:hex, of all data that went into the state. Errors: QY054.';

CREATE OR REPLACE FUNCTION quay_internal.digest_compute(data bytea, algorithm text DEFAULT 'sha256') RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_compute';
COMMENT ON FUNCTION quay_internal.digest_compute(bytea, text) IS 'Digest, as algorithm:hex, of bytes. Algorithms: sha256, sha512. Errors: QY022.';

-- Tokens signed with RSA keys (RS256), and these keys.

CREATE OR REPLACE FUNCTION quay_internal.jwt_header(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_header';
COMMENT ON FUNCTION quay_internal.jwt_header(text) IS 'Header of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_payload(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_payload';
COMMENT ON FUNCTION quay_internal.jwt_payload(text) IS 'Claims of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_signed_by(token text, n text, e text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_signed_by';
COMMENT ON FUNCTION quay_internal.jwt_signed_by(text, text, text) IS
    'Did the RSA key with these members of its JSON web key sign the token, with RS256? Never NULL. What the header says is not looked at.';

CREATE OR REPLACE FUNCTION quay_internal.jwk_thumbprint(n text, e text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwk_thumbprint_of';
COMMENT ON FUNCTION quay_internal.jwk_thumbprint(text, text) IS
    'Thumbprint (RFC 7638, SHA-256) of the RSA key with these members of its JSON web key; NULL if they are no key of 2048 to 16384 bits.';

CREATE OR REPLACE FUNCTION quay_internal.rsa_key_generate(OUT private_key text, OUT n text, OUT e text)
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_rsa_key_generate';
COMMENT ON FUNCTION quay_internal.rsa_key_generate() IS
    'A new RSA key of 2048 bits: the private key as PEM, and the members of the JSON web key of the public one. Takes some tenths of a second.';

CREATE OR REPLACE FUNCTION quay_internal.json_read(document text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN document::jsonb;
EXCEPTION
    -- The message would quote the text.
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.json_read(text) IS 'A text as jsonb; NULL if it is none, or nothing that jsonb can hold, such as a number out of range. For texts that nobody has checked, or that must not be quoted; json_or_null() is the cheaper one for views over many rows.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_is(token text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(lower(quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'typ') IN ('jwt', 'at+jwt'), false);
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_is(text) IS 'Is the text a JSON web token, by its header (typ jwt or at+jwt)? Nothing of it is verified. Never NULL.';
