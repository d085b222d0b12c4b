/*-------------------------------------------------------------------------
 *
 * fuzz_token.c
 *	  Fuzz target: tokens, their keys, encrypted passwords and fields, base64.
 *
 * The first two lines of the input are also taken for the numbers of a key.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/base64.h"
#include "util/fieldcrypt.h"
#include "util/jwk.h"
#include "util/passwordcrypt.h"

#include "arena.h"
#include "oracle.h"

#define TOKEN "^[^.]+[.][^.]+[.][^.]*$"
#define BASE64 "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
#define BASE64URL "^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2}|[A-Za-z0-9_-]{3})?$"

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const unsigned char key[QUAY_PASSWORDCRYPT_KEY_LEN] = "anothercrazykey!anothercrazykey";

static void
check_base64(const char *s, size_t length)
{
	unsigned char *out = palloc(QUAY_BASE64_DECODED_ROOM(length));
	char	   *text;
	unsigned char *again;
	size_t		len;
	size_t		again_len;
	bool		padded = quay_base64_decode(s, length, out, &len);
	bool		url;

	CHECK(padded || len == 0);
	CHECK(len <= length / 4 * 3);
	url = quay_base64url_decode(s, length, out, &len);
	CHECK(url || len == 0);
	if (length <= ORACLE_MAX_LENGTH)
	{
		CHECK(padded == oracle_matches(BASE64, s, length));
		CHECK(url == oracle_matches(BASE64URL, s, length));
	}
	if (url)
	{
		CHECK(length == QUAY_BASE64URL_LEN(len));
		text = palloc(QUAY_BASE64URL_LEN(len) + 1);
		quay_base64url_encode(out, len, text);
		CHECK(strlen(text) == length);
		/* all but the spare bits of the last character */
		CHECK(length == 0 || memcmp(text, s, length - 1) == 0);
		again = palloc(QUAY_BASE64_DECODED_ROOM(length));
		CHECK(quay_base64url_decode(text, length, again, &again_len));
		CHECK(again_len == len && memcmp(again, out, len) == 0);
	}
}

static void
check_token(const char *s, size_t length, QuayJwkText n, QuayJwkText e)
{
	QuayJwkToken parts;
	bool		is_token = quay_jwk_split(s, length, &parts);

	/* regular expressions end at a zero byte */
	if (length > 0 && length <= ORACLE_MAX_LENGTH && memchr(s, '\0', length) == NULL)
		CHECK(is_token == oracle_matches(TOKEN, s, length));
	if (!is_token)
		return;
	CHECK(parts.header.data == s);
	CHECK(parts.header.len + parts.payload.len + parts.signature.len + 2 == length);
	CHECK(parts.signing_input.len == parts.header.len + parts.payload.len + 1);
	check_base64(parts.header.data, parts.header.len);
	check_base64(parts.payload.data, parts.payload.len);
	(void) quay_jwk_verify(n, e, &parts);
}

static void
check_key(QuayJwkText n, QuayJwkText e)
{
	char		thumbprint[QUAY_JWK_THUMBPRINT_LEN + 1];
	bool		valid = quay_jwk_is_valid(n, e);

	CHECK(quay_jwk_thumbprint(n, e, thumbprint) == valid);
	if (valid)
	{
		CHECK(strlen(thumbprint) == QUAY_JWK_THUMBPRINT_LEN);
		CHECK(n.len >= QUAY_BASE64URL_LEN(QUAY_JWK_MIN_BITS / 8));
	}
}

static void
check_encrypted(const char *s, size_t length)
{
	size_t		room = QUAY_BASE64_DECODED_ROOM(length);
	char	   *out = palloc(room);
	size_t		len;
	size_t		i;

	if (!quay_passwordcrypt_decrypt(key, s, length, out, &len))
	{
		CHECK(len == 0);
		if (length <= QUAY_PASSWORDCRYPT_MAX_LEN)
		{
			for (i = 0; i < room; i++)
				CHECK(out[i] == 0);
		}
	}
	else
		CHECK(len < length);
	if (length <= QUAY_FIELDCRYPT_MAX_STORED)
		CHECK(quay_fieldcrypt_decrypt(key, s, length, out, &len) || len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *s = (const char *) data;
	const char *end = s + size;
	const char *newline = size > 0 ? memchr(s, '\n', size) : NULL;
	const char *second = newline == NULL ? NULL : memchr(newline + 1, '\n', end - newline - 1);
	QuayJwkText n = {s, newline == NULL ? size : (size_t) (newline - s)};
	QuayJwkText e = {"AQAB", 4};

	if (newline != NULL)
	{
		e.data = newline + 1;
		e.len = (second == NULL ? end : second) - e.data;
	}
	check_base64(s, size);
	check_key(n, e);
	check_token(s, size, n, e);
	if (second != NULL)
		check_token(second + 1, end - second - 1, n, e);
	check_encrypted(s, size);
	arena_reset();
	return 0;
}
