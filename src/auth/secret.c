/*-------------------------------------------------------------------------
 *
 * secret.c
 *	  Passwords, encrypted fields, tokens and digests, for SQL and for C.
 *
 * The formats are described in src/util: bcrypt.c, fieldcrypt.c, secretkey.c,
 * token.c, hashstate.c.  Secrets are hashed and encrypted as UTF-8, whatever
 * the encoding of the database.
 *
 * No message, detail or hint here contains a secret, a key or a stored form of
 * either.  That is also why text is converted in secretbytes.c instead of by
 * pg_any_to_server(), which would quote the offending bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "auth/key.h"
#include "auth/secret.h"
#include "compat.h"
#include "errors.h"
#include "util/bcrypt.h"
#include "util/fieldcrypt.h"
#include "util/hashstate.h"
#include "util/secretkey.h"
#include "util/token.h"

#define MAX_TOKEN_LEN	1024

/* What quay_internal.secret_digest() is for: digests for another purpose must differ. */
#define DIGEST_LABEL	"oauth access token"
#define DIGEST_LEN		32

PG_FUNCTION_INFO_V1(quay_password_hash);
PG_FUNCTION_INFO_V1(quay_password_verify);
PG_FUNCTION_INFO_V1(quay_field_encrypt);
PG_FUNCTION_INFO_V1(quay_field_decrypt);
PG_FUNCTION_INFO_V1(quay_field_matches);
PG_FUNCTION_INFO_V1(quay_secret_equal);
PG_FUNCTION_INFO_V1(quay_secret_digest);
PG_FUNCTION_INFO_V1(quay_token_random);
PG_FUNCTION_INFO_V1(quay_token_random_ascii);
PG_FUNCTION_INFO_V1(quay_hashstate_start);
PG_FUNCTION_INFO_V1(quay_hashstate_update);
PG_FUNCTION_INFO_V1(quay_hashstate_final);
PG_FUNCTION_INFO_V1(quay_digest_compute);

/* ---------- random source ---------- */

void
quay_secret_fill_random(void *buf, size_t len)
{
	if (!pg_strong_random(buf, len))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
}

/* ---------- passwords ---------- */

static void
report_bcrypt_status(QuayBcryptStatus status)
{
	switch (status)
	{
		case QUAY_BCRYPT_OK:
			return;
		case QUAY_BCRYPT_NUL_BYTE:
			ereport(ERROR,
					(errcode(QUAY_ERRCODE_INVALID_SECRET),
					 errmsg("secret contains a zero byte"),
					 errhint("Remove the zero byte from the secret.")));
			break;
		case QUAY_BCRYPT_BAD_COST:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cost of a password hash is out of range"),
					 errdetail("The cost must be between %d and %d.",
							   QUAY_BCRYPT_MIN_COST, QUAY_BCRYPT_MAX_COST),
					 errhint("Use cost %d unless there is a reason not to.",
							 QUAY_BCRYPT_DEFAULT_COST)));
			break;
		case QUAY_BCRYPT_FAILED:
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not compute a password hash"),
					 errhint("The server's libcrypt may lack bcrypt, or memory is short.")));
			break;
	}
}

/*
 * quay_password_hash(secret text, cost int) returns text
 */
Datum
quay_password_hash(PG_FUNCTION_ARGS)
{
	text	   *secret = PG_GETARG_TEXT_PP(0);
	int			cost = PG_GETARG_INT32(1);
	unsigned char salt[QUAY_BCRYPT_SALT_LEN];
	char		hash[QUAY_BCRYPT_HASH_LEN + 1];
	QuaySecretBytes utf8 = quay_secret_to_utf8(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	QuayBcryptStatus status;

	quay_secret_fill_random(salt, sizeof(salt));
	status = quay_bcrypt_hash(utf8.data, utf8.len, cost, salt, hash);
	quay_secret_release(&utf8);
	report_bcrypt_status(status);
	CHECK_FOR_INTERRUPTS();

	PG_RETURN_TEXT_P(cstring_to_text(hash));
}

bool
quay_secret_password_matches(const char *secret, size_t secret_len,
							 const char *hash, size_t hash_len, int dummy_cost)
{
	QuaySecretBytes utf8 = quay_secret_to_utf8(secret, secret_len);
	QuayBcryptStatus status;
	bool		matches = false;

	if (hash != NULL)
		status = quay_bcrypt_verify(utf8.data, utf8.len, hash, hash_len, &matches);
	else
		status = quay_bcrypt_verify_dummy(utf8.data, utf8.len, dummy_cost);
	quay_secret_release(&utf8);
	report_bcrypt_status(status);
	CHECK_FOR_INTERRUPTS();

	return matches;
}

/*
 * quay_password_verify(secret text, hash text [, cost int]) returns boolean
 *
 * Never NULL: a NULL hash takes the time of a real one, and a NULL secret is
 * tried as an empty one; both are no match.  The cost is that of the hash which
 * would be there, for the time to be the same.
 */
Datum
quay_password_verify(PG_FUNCTION_ARGS)
{
	text	   *secret = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	text	   *hash = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	int			cost = QUAY_BCRYPT_DEFAULT_COST;
	bool		matches;

	if (PG_NARGS() > 2 && !PG_ARGISNULL(2))
		cost = PG_GETARG_INT32(2);

	matches = quay_secret_password_matches(secret ? VARDATA_ANY(secret) : "",
										   secret ? VARSIZE_ANY_EXHDR(secret) : 0,
										   hash ? VARDATA_ANY(hash) : NULL,
										   hash ? VARSIZE_ANY_EXHDR(hash) : 0,
										   cost);

	PG_RETURN_BOOL(matches && secret != NULL);
}

/* ---------- encrypted fields ---------- */

static void
report_decryption_failure(void)
{
	ereport(ERROR,
			(errcode(QUAY_ERRCODE_DECRYPTION_FAILED),
			 errmsg("could not decrypt an encrypted field"),
			 errdetail("The field is damaged, or it was encrypted with another key."),
			 errhint("Check that quay.database_secret_key is the key that the field was encrypted with.")));
}

/*
 * The longest secret, in bytes, whose stored form fits; 0 is no limit.
 */
static int
longest_secret(size_t max_length)
{
	int			overhead = QUAY_FIELDCRYPT_NONCE_LEN + QUAY_FIELDCRYPT_TAG_LEN;
	int			room;

	if (max_length == 0 || max_length > QUAY_FIELDCRYPT_MAX_STORED)
		return QUAY_FIELDCRYPT_MAX_PLAIN;
	room = ((int) max_length - QUAY_FIELDCRYPT_PREFIX_LEN) / 4 * 3;
	return Max(room - overhead, 0);
}

static void
report_encryption_status(QuayFieldStatus status, size_t max_length)
{
	if (status == QUAY_FIELD_TOO_LONG)
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_INVALID_SECRET),
				 errmsg("secret is too long for its encrypted field"),
				 errdetail("The field holds secrets of at most %d bytes.",
						   longest_secret(max_length)),
				 errhint("Use a shorter secret.")));
	if (status != QUAY_FIELD_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not encrypt a field"),
				 errhint("The server's OpenSSL may lack AES-256-CCM, or memory is short.")));
}

/*
 * Encrypt UTF-8 bytes into a palloc'd string.
 */
static char *
encrypt_bytes(const QuaySecretBytes *plain, size_t max_length, QuayFieldStatus *status)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN];
	char	   *stored;

	*status = QUAY_FIELD_TOO_LONG;
	if (plain->len > QUAY_FIELDCRYPT_MAX_PLAIN)
		return NULL;

	stored = palloc(QUAY_FIELDCRYPT_STORED_LEN(plain->len) + 1);
	quay_secret_fill_random(nonce, sizeof(nonce));
	quay_key_load(key);
	*status = quay_fieldcrypt_encrypt(key, nonce, plain->data, plain->len,
									  max_length, stored);
	OPENSSL_cleanse(key, sizeof(key));
	return stored;
}

/*
 * quay_field_encrypt(secret text, max_length int) returns text
 *
 * NULL gives NULL.  A NULL or zero max_length is no limit on the stored form.
 */
Datum
quay_field_encrypt(PG_FUNCTION_ARGS)
{
	size_t		max_length = 0;
	QuayFieldStatus status;
	QuaySecretBytes utf8;
	text	   *secret;
	char	   *stored;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	secret = PG_GETARG_TEXT_PP(0);
	if (!PG_ARGISNULL(1))
	{
		if (PG_GETARG_INT32(1) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("maximum length of an encrypted field must not be negative"),
					 errdetail("The maximum length given is %d.", PG_GETARG_INT32(1)),
					 errhint("Use NULL or 0 for no limit.")));
		max_length = PG_GETARG_INT32(1);
	}

	utf8 = quay_secret_to_utf8(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	stored = encrypt_bytes(&utf8, max_length, &status);
	quay_secret_release(&utf8);
	report_encryption_status(status, max_length);

	PG_RETURN_TEXT_P(cstring_to_text(stored));
}

/*
 * quay_field_decrypt(stored text) returns text
 */
Datum
quay_field_decrypt(PG_FUNCTION_ARGS)
{
	text	   *stored = PG_GETARG_TEXT_PP(0);
	size_t		stored_len = VARSIZE_ANY_EXHDR(stored);
	unsigned char key[QUAY_SECRETKEY_LEN];
	size_t		room;
	size_t		plain_len;
	char	   *plain;
	text	   *result = NULL;

	if (stored_len > QUAY_FIELDCRYPT_MAX_STORED)
		report_decryption_failure();

	room = QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len);
	plain = palloc(room);
	quay_key_load(key);
	/* while the key is being replaced, a field may still have the one before */
	if (quay_fieldcrypt_decrypt(key, VARDATA_ANY(stored), stored_len, plain, &plain_len) ||
		(quay_key_load_previous(key) &&
		 quay_fieldcrypt_decrypt(key, VARDATA_ANY(stored), stored_len, plain, &plain_len)))
		result = quay_secret_text_of_utf8(plain, plain_len);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(plain, room);
	pfree(plain);
	if (result == NULL)
		report_decryption_failure();

	PG_RETURN_TEXT_P(result);
}

bool
quay_secret_field_matches(const char *stored, size_t stored_len,
						  const char *secret, size_t secret_len)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	QuaySecretBytes utf8 = quay_secret_to_utf8(secret, secret_len);
	bool		matches;
	bool		readable;

	quay_key_load(key);
	readable = quay_fieldcrypt_matches(key, stored, stored_len,
									   utf8.data, utf8.len, &matches) ||
		(quay_key_load_previous(key) &&
		 quay_fieldcrypt_matches(key, stored, stored_len,
								 utf8.data, utf8.len, &matches));
	OPENSSL_cleanse(key, sizeof(key));
	quay_secret_release(&utf8);
	if (!readable)
		report_decryption_failure();

	return matches;
}

/*
 * quay_field_matches(stored text, secret text) returns boolean
 *
 * Never NULL: a missing field or secret is no match.
 */
Datum
quay_field_matches(PG_FUNCTION_ARGS)
{
	text	   *stored;
	text	   *secret;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	stored = PG_GETARG_TEXT_PP(0);
	secret = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BOOL(quay_secret_field_matches(VARDATA_ANY(stored), VARSIZE_ANY_EXHDR(stored),
											 VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret)));
}

/*
 * quay_secret_equal(a text, b text) returns boolean
 *
 * Never NULL: NULL equals nothing.
 */
Datum
quay_secret_equal(PG_FUNCTION_ARGS)
{
	text	   *a;
	text	   *b;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	a = PG_GETARG_TEXT_PP(0);
	b = PG_GETARG_TEXT_PP(1);

	PG_RETURN_BOOL(quay_fieldcrypt_equal(VARDATA_ANY(a), VARSIZE_ANY_EXHDR(a),
										 VARDATA_ANY(b), VARSIZE_ANY_EXHDR(b)));
}

/*
 * quay_secret_digest(secret text) returns text, hexadecimal
 *
 * HMAC-SHA256 with a key of its own, which is the HMAC of the label.
 */
Datum
quay_secret_digest(PG_FUNCTION_ARGS)
{
	text	   *secret = PG_GETARG_TEXT_PP(0);
	QuaySecretBytes utf8 = quay_secret_to_utf8(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char label_key[DIGEST_LEN];
	unsigned char digest[DIGEST_LEN];
	char		hex[2 * DIGEST_LEN + 1];
	bool		ok;

	quay_key_load(key);
	ok = HMAC(EVP_sha256(), key, sizeof(key), (const unsigned char *) DIGEST_LABEL,
			  strlen(DIGEST_LABEL), label_key, NULL) != NULL &&
		HMAC(EVP_sha256(), label_key, sizeof(label_key), (const unsigned char *) utf8.data,
			 utf8.len, digest, NULL) != NULL;
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(label_key, sizeof(label_key));
	quay_secret_release(&utf8);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the digest of a secret"),
				 errhint("Memory is short.")));
	hex_encode((const char *) digest, DIGEST_LEN, hex);
	hex[2 * DIGEST_LEN] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(hex));
}

/* ---------- tokens ---------- */

static text *
random_token(int len, QuayTokenAlphabet alphabet)
{
	char		token[MAX_TOKEN_LEN + 1];
	text	   *result;

	if (len < 1 || len > MAX_TOKEN_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("length of a random token is out of range"),
				 errdetail("The length given is %d.", len),
				 errhint("Use a length between 1 and %d.", MAX_TOKEN_LEN)));
	if (!quay_token_generate(token, len, alphabet, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	result = cstring_to_text_with_len(token, len);
	OPENSSL_cleanse(token, sizeof(token));
	return result;
}

/*
 * quay_token_random(length int) returns text of A-Z0-9
 */
Datum
quay_token_random(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(random_token(PG_GETARG_INT32(0), QUAY_TOKEN_UPPER));
}

/*
 * quay_token_random_ascii(length int) returns text of a-zA-Z0-9
 */
Datum
quay_token_random_ascii(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(random_token(PG_GETARG_INT32(0), QUAY_TOKEN_ASCII));
}

/* ---------- digests ---------- */

static QuayHashAlgorithm
read_algorithm(text *name)
{
	QuayHashAlgorithm algorithm = QUAY_HASH_SHA256;

	if (!quay_hashstate_algorithm(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &algorithm))
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_DIGEST_UNSUPPORTED),
				 errmsg("digest algorithm is not supported"),
				 errdetail("The algorithm given is \"%s\".", text_to_cstring(name)),
				 errhint("Use \"sha256\" or \"sha512\".")));
	return algorithm;
}

static void
read_state(text *state_text, QuayHashState *state)
{
	if (!quay_hashstate_import(state, VARDATA_ANY(state_text), VARSIZE_ANY_EXHDR(state_text)))
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_UPLOAD_STATE_CORRUPT),
				 errmsg("invalid hash state"),
				 errdetail("The text is damaged, or it is not a state that this version can read."),
				 errhint("Start the upload again.")));
}

static text *
text_of_state(const QuayHashState *state)
{
	char		out[QUAY_HASHSTATE_TEXT_ROOM];

	quay_hashstate_export(state, out);
	return cstring_to_text(out);
}

/*
 * quay_hashstate_start(algorithm text) returns text, the state of no data
 */
Datum
quay_hashstate_start(PG_FUNCTION_ARGS)
{
	QuayHashState state;

	quay_hashstate_init(&state, read_algorithm(PG_GETARG_TEXT_PP(0)));
	PG_RETURN_TEXT_P(text_of_state(&state));
}

/*
 * quay_hashstate_update(state text, chunk bytea) returns text, the next state
 */
Datum
quay_hashstate_update(PG_FUNCTION_ARGS)
{
	bytea	   *chunk = PG_GETARG_BYTEA_PP(1);
	QuayHashState state;

	read_state(PG_GETARG_TEXT_PP(0), &state);
	if (!quay_hashstate_append(&state, VARDATA_ANY(chunk), VARSIZE_ANY_EXHDR(chunk)))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("data is too long to be hashed"),
				 errdetail("The limit is " UINT64_FORMAT " bytes.",
						   QUAY_HASHSTATE_MAX_MESSAGE)));
	PG_RETURN_TEXT_P(text_of_state(&state));
}

/*
 * quay_hashstate_final(state text) returns text, "algorithm:hex"
 */
Datum
quay_hashstate_final(PG_FUNCTION_ARGS)
{
	QuayHashState state;
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	read_state(PG_GETARG_TEXT_PP(0), &state);
	quay_hashstate_digest(&state, digest);
	PG_RETURN_TEXT_P(cstring_to_text(digest));
}

/*
 * quay_digest_compute(data bytea, algorithm text) returns text, "algorithm:hex"
 */
Datum
quay_digest_compute(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	quay_hashstate_digest_of(read_algorithm(PG_GETARG_TEXT_PP(1)),
							 VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), digest);
	PG_RETURN_TEXT_P(cstring_to_text(digest));
}
