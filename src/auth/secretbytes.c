/*
 * secretbytes.c
 *	  Secrets between the server's encoding and UTF-8, in which they are hashed and encrypted.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "auth/secretbytes.h"
#include "compat.h"
#include "errors.h"

/*
 * Convert between encodings; false if that is impossible.  Unlike the server's
 * own functions it does not raise an error that quotes the input.
 */
static bool
recode(const char *data, size_t len, int from, int to, QuaySecretBytes *result)
{
	Oid			proc;
	size_t		room;
	int			converted;

	result->data = unconstify(char *, data);
	result->len = len;
	result->copied = false;

	/* without a known encoding on either side, bytes are bytes */
	if (from == to || from == PG_SQL_ASCII || to == PG_SQL_ASCII)
		return true;

	proc = FindDefaultConversionProc(from, to);
	if (!OidIsValid(proc) || len > MaxAllocSize / MAX_CONVERSION_GROWTH - 1)
		return false;
	room = len * MAX_CONVERSION_GROWTH + 1;
	result->data = palloc(room);
	result->copied = true;
	converted = pg_do_encoding_conversion_buf(proc, from, to,
											  (unsigned char *) unconstify(char *, data),
											  (int) len,
											  (unsigned char *) result->data,
											  (int) room, true);
	result->len = strlen(result->data);
	return converted == (int) len;
}

void
quay_secret_release(QuaySecretBytes *bytes)
{
	if (bytes->copied)
	{
		OPENSSL_cleanse(bytes->data, bytes->len);
		pfree(bytes->data);
	}
}

QuaySecretBytes
quay_secret_to_utf8(const char *data, size_t len)
{
	QuaySecretBytes result;

	if (!recode(data, len, GetDatabaseEncoding(), PG_UTF8, &result))
	{
		quay_secret_release(&result);
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_INVALID_SECRET),
				 errmsg("secret cannot be represented in UTF-8"),
				 errdetail("Secrets are hashed and encrypted as UTF-8 text."),
				 errhint("Use characters that have an equivalent in Unicode.")));
	}
	return result;
}

text *
quay_secret_text_of_utf8(const char *plain, size_t len)
{
	QuaySecretBytes recoded;
	text	   *result = NULL;

	if (!pg_verify_mbstr(PG_UTF8, plain, (int) len, true))
		return NULL;
	if (recode(plain, len, PG_UTF8, GetDatabaseEncoding(), &recoded))
		result = cstring_to_text_with_len(recoded.data, (int) recoded.len);
	quay_secret_release(&recoded);
	return result;
}
