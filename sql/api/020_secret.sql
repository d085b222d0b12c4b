-- Passwords, encrypted fields, tokens and digests: the C functions of src/auth/secret.c. No client calls them.

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
    'The secret of an encrypted field. NULL gives NULL. Errors: QY060 damaged, or encrypted with another key.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time. Never NULL: a missing field or secret is no match. Errors: QY060.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

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
