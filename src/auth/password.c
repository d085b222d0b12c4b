/*-------------------------------------------------------------------------
 *
 * password.c
 *	  Encrypted passwords, which people give to `docker login`.
 *
 * The message is a JSON object with a member "password".  The format is
 * described in src/util/passwordcrypt.c, the key is quay.secret_key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "auth/key.h"
#include "auth/secret.h"
#include "compat.h"
#include "errors.h"
#include "util/jsonwalk.h"
#include "util/passwordcrypt.h"
#include "util/secretkey.h"

PG_FUNCTION_INFO_V1(quay_password_encrypt);
PG_FUNCTION_INFO_V1(quay_password_decrypt);

typedef struct Message
{
	char	   *password;
} Message;

static const QuayJsonField message_fields[] = {
	{"password", QUAY_JSON_TEXT, true, offsetof(Message, password), NULL},
};

static const QuayJsonShape message_shape = {message_fields, lengthof(message_fields), sizeof(Message)};

/*
 * The password in a decrypted message, NULL if there is none.
 */
static text *
password_of_message(const char *json, size_t len)
{
	Message		message = {NULL};
	ManifestError error;
	text	   *result;

	memset(&error, 0, sizeof(error));
	if (!quay_jsonwalk_read(json, len, NULL, &message_shape, &message, &error))
		return NULL;
	result = quay_secret_text_of_utf8(message.password, strlen(message.password));
	OPENSSL_cleanse(message.password, strlen(message.password));
	return result;
}

/*
 * quay.password_encrypt(password text) returns text
 */
Datum
quay_password_encrypt(PG_FUNCTION_ARGS)
{
	char	   *password = text_to_cstring(PG_GETARG_TEXT_PP(0));
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char iv[QUAY_PASSWORDCRYPT_IV_LEN];
	StringInfoData json;
	QuaySecretBytes utf8;
	char	   *encrypted;
	bool		ok;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"password\": ");
	escape_json(&json, password);
	appendStringInfoChar(&json, '}');
	utf8 = quay_secret_to_utf8(json.data, json.len);
	if (utf8.len > QUAY_PASSWORDCRYPT_MAX_PLAIN)
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_INVALID_SECRET),
				 errmsg("password is too long to be encrypted"),
				 errdetail("The limit is %d bytes, with what JSON adds.", QUAY_PASSWORDCRYPT_MAX_PLAIN),
				 errhint("Use a shorter password.")));
	quay_key_load_password(key);
	encrypted = palloc(QUAY_PASSWORDCRYPT_LEN(utf8.len) + 1);
	quay_secret_fill_random(iv, sizeof(iv));
	ok = quay_passwordcrypt_encrypt(key, iv, utf8.data, utf8.len, encrypted);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(password, strlen(password));
	quay_secret_release(&utf8);
	OPENSSL_cleanse(json.data, json.len);
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not encrypt a password"),
				 errhint("The server's OpenSSL may lack AES-256-CBC, or memory is short.")));
	PG_RETURN_TEXT_P(cstring_to_text(encrypted));
}

/*
 * quay_internal.password_decrypt(encrypted text) returns text
 *
 * NULL if the text is not an encrypted password: it is a plain one then.
 */
Datum
quay_password_decrypt(PG_FUNCTION_ARGS)
{
	text	   *encrypted = PG_GETARG_TEXT_PP(0);
	size_t		len = VARSIZE_ANY_EXHDR(encrypted);
	size_t		room = QUAY_BASE64_DECODED_ROOM(len);
	unsigned char key[QUAY_SECRETKEY_LEN];
	size_t		json_len;
	char	   *json;
	text	   *result = NULL;

	if (len > QUAY_PASSWORDCRYPT_MAX_LEN || !quay_key_try_password(key))
		PG_RETURN_NULL();
	json = palloc(room);
	if (quay_passwordcrypt_decrypt(key, VARDATA_ANY(encrypted), len, json, &json_len))
		result = password_of_message(json, json_len);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(json, room);
	pfree(json);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}
