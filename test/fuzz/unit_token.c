/*-------------------------------------------------------------------------
 *
 * unit_token.c
 *	  Unit tests of base64, encrypted passwords and RSA keys.
 *
 * Vectors: RFC 4648, 10; RFC 7638, 3.1; RFC 7515, A.2; an encrypted password of
 * the reference application.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "util/base64.h"
#include "util/jwk.h"
#include "util/passwordcrypt.h"
#include "util/secretkey.h"

#include "unit_token.h"

static void (*ok) (bool passed, const char *name);

/* ---------- base64 ---------- */

static bool
decodes(bool url, const char *text, const char *expected)
{
	unsigned char out[QUAY_BASE64_DECODED_ROOM(100)];
	size_t		len;
	bool		good = url ? quay_base64url_decode(text, strlen(text), out, &len) :
		quay_base64_decode(text, strlen(text), out, &len);

	if (expected == NULL)
		return !good;
	return good && len == strlen(expected) && memcmp(out, expected, len) == 0;
}

static void
test_base64(void)
{
	static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
	static const char *const padded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
	static const char *const bare[] = {"", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
	static const char *const refused[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm9 ", " Zm9", "Zm9-", "Zm9_", "Zm\2779"
	};
	static const char *const refused_url[] = {"Z", "Zg==", "Zm8=", "Zm9+", "Zm9/", "Zm9v\n", "Zm9vY", "Zm 9"};
	char		out[20];
	unsigned char raw[4];
	size_t		len;
	bool		all = true;
	size_t		i;

	for (i = 0; i < lengthof(plain); i++)
	{
		quay_base64url_encode((const unsigned char *) plain[i], strlen(plain[i]), out);
		all = all && decodes(false, padded[i], plain[i]) && decodes(true, bare[i], plain[i]) &&
			strcmp(out, bare[i]) == 0 && strlen(out) == QUAY_BASE64URL_LEN(strlen(plain[i]));
	}
	ok(all, "base64 vectors");
	for (all = true, i = 0; i < lengthof(refused); i++)
		all = all && decodes(false, refused[i], NULL);
	ok(all, "base64 refuses all else");
	for (all = true, i = 0; i < lengthof(refused_url); i++)
		all = all && decodes(true, refused_url[i], NULL);
	ok(all, "so does its URL-safe form");
	quay_base64url_encode((const unsigned char *) "\373\377\277", 3, out);
	ok(strcmp(out, "-_-_") == 0 && quay_base64url_decode("-_-_", 4, raw, &len) && len == 3 && memcmp(raw, "\373\377\277", 3) == 0 &&
	   quay_base64_decode("+/+/", 4, raw, &len) && len == 3 && memcmp(raw, "\373\377\277", 3) == 0, "the last two characters");
}

/* ---------- encrypted passwords ---------- */

static const char vector_key[] = "60819670227914197377449333332023941570310823814007397361459893170384762698201";
static const char vector[] = "cLJIuEm7radxwXwqoOG/9yXYxWW8JFCvgssBP3fHDatx/ckLrX9fZ4lZVj6WEv0D";

static void
test_passwordcrypt(void)
{
	unsigned char key[QUAY_SECRETKEY_LEN];
	unsigned char iv[QUAY_PASSWORDCRYPT_IV_LEN] = {1, 2, 3};
	char		message[1000];
	char		text[QUAY_PASSWORDCRYPT_LEN(1000) + 1];
	char		out[QUAY_BASE64_DECODED_ROOM(QUAY_PASSWORDCRYPT_LEN(1000))];
	size_t		len;
	size_t		i;
	bool		all = true;

	quay_secretkey_derive(vector_key, strlen(vector_key), key);
	ok(quay_passwordcrypt_decrypt(key, vector, strlen(vector), out, &len) && len == 24 &&
	   memcmp(out, "{\"password\": \"password\"}", 24) == 0, "encrypted password of the reference");
	ok(!quay_passwordcrypt_decrypt(key, vector, strlen(vector) - 4, out, &len) && len == 0 && out[0] == 0, "cut short");

	memset(message, 'm', sizeof(message));
	for (i = 0; i <= sizeof(message); i += (i < 40 ? 1 : 53))
	{
		all = all && quay_passwordcrypt_encrypt(key, iv, message, i, text) && strlen(text) == QUAY_PASSWORDCRYPT_LEN(i) &&
			quay_passwordcrypt_decrypt(key, text, strlen(text), out, &len) && len == i && memcmp(out, message, i) == 0;
	}
	ok(all, "there and back in each length");

	/* what another key makes of it may look padded, by chance */
	quay_passwordcrypt_encrypt(key, iv, message, 31, text);
	key[0] ^= 1;
	ok(!quay_passwordcrypt_decrypt(key, text, strlen(text), out, &len) || memcmp(out, message, Min(len, 31)) != 0, "another key");
	ok(!quay_passwordcrypt_encrypt(key, iv, message, QUAY_PASSWORDCRYPT_MAX_PLAIN + 1, text), "too long");
}

/* ---------- RSA keys ---------- */

static const char thumbprint_n[] =
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS"
	"oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65"
	"YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr"
	"dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
	"nqDKgw";
static const char signer_n[] =
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz"
	"P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf6"
	"3kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw"
	"Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW"
	"yuXpoQ";
static const char signed_token[] =
	"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGF"
	"tcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu"
	"3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdi"
	"uB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--x"
	"i12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A"
	"XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

static QuayJwkText
text_of(const char *s)
{
	QuayJwkText result = {s, strlen(s)};

	return result;
}

static bool
signed_by(const char *n, const char *token, size_t len)
{
	QuayJwkToken parts;

	return quay_jwk_split(token, len, &parts) && quay_jwk_verify(text_of(n), text_of("AQAB"), &parts);
}

static void
test_split(void)
{
	static const char *const refused[] = {"", ".", "..", "...", "a", "a.", "a.b", ".b.c", "a..c", "a.b.c.d", "a.b.c."};
	QuayJwkToken parts;
	char	   *longest;
	bool		all = true;
	size_t		i;

	ok(quay_jwk_split("ab.cde.f", 8, &parts) && parts.header.len == 2 && parts.payload.len == 3 && parts.signature.len == 1 &&
	   memcmp(parts.payload.data, "cde", 3) == 0 && parts.signing_input.len == 6 && quay_jwk_split("a.b.", 4, &parts) && parts.signature.len == 0,
	   "parts of a token");
	for (i = 0; i < lengthof(refused); i++)
		all = all && !quay_jwk_split(refused[i], strlen(refused[i]), &parts);
	ok(all, "what has not three parts is none");
	longest = malloc(QUAY_JWK_MAX_TOKEN + 1);
	memset(longest, 'a', QUAY_JWK_MAX_TOKEN + 1);
	longest[1] = longest[3] = '.';
	ok(quay_jwk_split(longest, QUAY_JWK_MAX_TOKEN, &parts) && !quay_jwk_split(longest, QUAY_JWK_MAX_TOKEN + 1, &parts), "longest token");
	free(longest);
}

static void
test_verify(void)
{
	char		copy[sizeof(signed_token)];
	size_t		len = strlen(signed_token);
	bool		all = true;
	size_t		i;

	ok(signed_by(signer_n, signed_token, len), "signature of RFC 7515");
	ok(!signed_by(thumbprint_n, signed_token, len), "not of another key");
	for (i = 0; i < len; i += 7)
	{
		strcpy(copy, signed_token);
		copy[i] = copy[i] == 'A' ? 'B' : 'A';
		/* spare bits of the last character of the signature do not count */
		all = all && (i >= len - 1 || copy[i] == signed_token[i] || !signed_by(signer_n, copy, len));
	}
	ok(all, "a change anywhere is found");
	ok(!signed_by(signer_n, signed_token, len - 4) && !signed_by("", signed_token, len) && !signed_by("AQAB", signed_token, len) &&
	   !signed_by(signer_n, "e30.e30.", 8), "hardly any signature, hardly any key");
}

static void
test_thumbprint(void)
{
	static const char *const exponents[] = {"", "AA", "AQ", "Ag", "AQAC", "____________", "+", "A"};
	char		out[QUAY_JWK_THUMBPRINT_LEN + 1];
	char		longest[2733 + 1];
	bool		all = true;
	size_t		i;

	ok(quay_jwk_thumbprint(text_of(thumbprint_n), text_of("AQAB"), out) &&
	   strcmp(out, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs") == 0, "thumbprint of RFC 7638");
	for (i = 0; i < lengthof(exponents); i++)
		all = all && !quay_jwk_is_valid(text_of(thumbprint_n), text_of(exponents[i]));
	ok(all && quay_jwk_is_valid(text_of(thumbprint_n), text_of("Aw")), "exponents");
	memset(longest, '_', sizeof(longest));
	longest[2731] = '\0';
	ok(quay_jwk_is_valid(text_of(longest), text_of("AQAB")), "longest key");
	longest[2731] = '_';
	longest[2732] = '\0';
	ok(!quay_jwk_is_valid(text_of(longest), text_of("AQAB")) && !quay_jwk_is_valid(text_of("AQAB"), text_of("AQAB")), "keys out of range");
}

static void
test_generate(void)
{
	QuayJwkPair pair;
	char		token[1000] = "e30.e30.";
	unsigned char signature[256];
	size_t		len = sizeof(signature);
	BIO		   *bio;
	EVP_PKEY   *key = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ok(quay_jwk_generate(2048, &pair) && strlen(pair.n) == QUAY_BASE64URL_LEN(256) && strcmp(pair.e, "AQAB") == 0 &&
	   quay_jwk_is_valid(text_of(pair.n), text_of(pair.e)), "a new key");
	bio = BIO_new_mem_buf(pair.private_pem, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	ok(key != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	   EVP_DigestSign(ctx, signature, &len, (const unsigned char *) token, 7) == 1 && len == 256, "its private key signs");
	quay_base64url_encode(signature, len, token + 8);
	ok(signed_by(pair.n, token, strlen(token)) && !signed_by(signer_n, token, strlen(token)), "its public key verifies");
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(ctx);
	BIO_free(bio);
	quay_jwk_wipe(&pair);
	ok(pair.private_pem == NULL && pair.n == NULL, "wiped");
	ok(!quay_jwk_generate(1, &pair) && pair.n == NULL, "an impossible size");
}

void
unit_token(void (*report) (bool passed, const char *name))
{
	ok = report;
	test_base64();
	test_passwordcrypt();
	test_split();
	test_verify();
	test_thumbprint();
	test_generate();
}
