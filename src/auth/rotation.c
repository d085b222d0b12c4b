/*-------------------------------------------------------------------------
 *
 * rotation.c
 *	  Encrypted fields from one key to another.
 *
 * The fields stay readable meanwhile: src/auth/secret.c tries both keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "auth/key.h"
#include "auth/secret.h"
#include "compat.h"
#include "util/fieldcrypt.h"
#include "util/secretkey.h"

PG_FUNCTION_INFO_V1(quay_field_key);
PG_FUNCTION_INFO_V1(quay_field_rotate);
PG_FUNCTION_INFO_V1(quay_field_encrypt_with);

/*
 * The key that is given, else quay.database_secret_key.
 */
static void
load_new_key(text *given, unsigned char *key)
{
	if (given != NULL)
		quay_key_derive(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), key);
	else
		quay_key_load(key);
}

/*
 * The key that is given, else quay.database_secret_key_previous; false if there
 * is neither.
 */
static bool
load_old_key(text *given, unsigned char *key)
{
	if (given == NULL)
		return quay_key_load_previous(key);
	quay_key_derive(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given), key);
	return true;
}

static text *
text_or_null(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_TEXT_PP(arg);
}

/*
 * Encrypt bytes into a palloc'd string, without a limit on its length: what
 * fitted a column before fits it again.
 */
static char *
encrypt_with(const unsigned char *key, const char *plain, size_t len)
{
	unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN];
	char	   *stored = palloc(QUAY_FIELDCRYPT_STORED_LEN(len) + 1);

	quay_secret_fill_random(nonce, sizeof(nonce));
	if (quay_fieldcrypt_encrypt(key, nonce, plain, len, 0, stored) != QUAY_FIELD_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not encrypt a field"),
				 errhint("The server's OpenSSL may lack AES-256-CCM, or memory is short.")));
	return stored;
}

/*
 * quay_internal.field_encrypt_with(secret text, key text) returns text
 */
Datum
quay_field_encrypt_with(PG_FUNCTION_ARGS)
{
	text	   *secret;
	unsigned char key[QUAY_SECRETKEY_LEN];
	QuaySecretBytes utf8;
	char	   *stored;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	secret = PG_GETARG_TEXT_PP(0);
	load_new_key(text_or_null(fcinfo, 1), key);
	utf8 = quay_secret_to_utf8(VARDATA_ANY(secret), VARSIZE_ANY_EXHDR(secret));
	stored = encrypt_with(key, utf8.data, utf8.len);
	OPENSSL_cleanse(key, sizeof(key));
	quay_secret_release(&utf8);
	PG_RETURN_TEXT_P(cstring_to_text(stored));
}

/*
 * quay_internal.field_key(stored text, old text, new text) returns text
 */
Datum
quay_field_key(PG_FUNCTION_ARGS)
{
	text	   *stored;
	size_t		len;
	size_t		room;
	size_t		plain_len;
	char	   *plain;
	unsigned char key[QUAY_SECRETKEY_LEN];
	const char *result = "none";

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	stored = PG_GETARG_TEXT_PP(0);
	len = VARSIZE_ANY_EXHDR(stored);
	if (len <= QUAY_FIELDCRYPT_MAX_STORED)
	{
		room = QUAY_FIELDCRYPT_PLAIN_ROOM(len);
		plain = palloc(room);
		load_new_key(text_or_null(fcinfo, 2), key);
		if (quay_fieldcrypt_decrypt(key, VARDATA_ANY(stored), len, plain, &plain_len))
			result = "new";
		else if (load_old_key(text_or_null(fcinfo, 1), key) &&
				 quay_fieldcrypt_decrypt(key, VARDATA_ANY(stored), len, plain, &plain_len))
			result = "old";
		OPENSSL_cleanse(key, sizeof(key));
		OPENSSL_cleanse(plain, room);
		pfree(plain);
	}
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/*
 * quay_internal.field_rotate(stored text, old text, new text) returns text
 *
 * The field itself if it has the new key already, and NULL if neither key
 * opens it.
 */
Datum
quay_field_rotate(PG_FUNCTION_ARGS)
{
	unsigned char old_key[QUAY_SECRETKEY_LEN];
	unsigned char new_key[QUAY_SECRETKEY_LEN];
	text	   *stored;
	text	   *result = NULL;
	size_t		len;
	size_t		room;
	size_t		plain_len;
	char	   *plain;

	/* the keys are checked even when there is nothing to do with them */
	load_new_key(text_or_null(fcinfo, 2), new_key);
	if (!load_old_key(text_or_null(fcinfo, 1), old_key))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no previous key for encrypted fields is set"),
				 errdetail("The setting quay.database_secret_key_previous is empty."),
				 errhint("Set it to the key that quay.database_secret_key replaces, as the comment on quay.secret_rotate() says.")));
	if (CRYPTO_memcmp(old_key, new_key, sizeof(old_key)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("old and new key of encrypted fields are the same"),
				 errdetail("The two texts may differ, but what is derived from them does not."),
				 errhint("Set quay.database_secret_key to a new key, and quay.database_secret_key_previous to the one before.")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	stored = PG_GETARG_TEXT_PP(0);
	len = VARSIZE_ANY_EXHDR(stored);
	if (len > QUAY_FIELDCRYPT_MAX_STORED)
		PG_RETURN_NULL();

	room = QUAY_FIELDCRYPT_PLAIN_ROOM(len);
	plain = palloc(room);
	if (quay_fieldcrypt_decrypt(new_key, VARDATA_ANY(stored), len, plain, &plain_len))
		result = stored;
	else if (quay_fieldcrypt_decrypt(old_key, VARDATA_ANY(stored), len, plain, &plain_len))
		result = cstring_to_text(encrypt_with(new_key, plain, plain_len));
	OPENSSL_cleanse(old_key, sizeof(old_key));
	OPENSSL_cleanse(new_key, sizeof(new_key));
	OPENSSL_cleanse(plain, room);
	pfree(plain);

	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}
