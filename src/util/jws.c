/*-------------------------------------------------------------------------
 *
 * jws.c
 *	  Signatures as JSON web signatures have them (RFC 7515, RFC 7518).
 *
 * ES256 is ECDSA with the curve P-256 and SHA-256 (RFC 7518, 3.4).  A signature
 * is its two numbers, of 32 bytes each; libcrypto wants them in DER.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "util/base64.h"
#include "util/jwk.h"
#include "util/jws.h"

#define NUMBER_BYTES	32		/* of a coordinate or half a signature */
#define POINT_BYTES		(1 + 2 * NUMBER_BYTES)

/* A coordinate in its full length; some writers leave out leading zeros. */
static bool
read_coordinate(const char *text, unsigned char out[NUMBER_BYTES])
{
	unsigned char bytes[QUAY_BASE64_DECODED_ROOM(QUAY_BASE64URL_LEN(NUMBER_BYTES))];
	size_t		len;

	if (text == NULL || strlen(text) > QUAY_BASE64URL_LEN(NUMBER_BYTES) ||
		!quay_base64url_decode(text, strlen(text), bytes, &len) ||
		len == 0 || len > NUMBER_BYTES)
		return false;
	memset(out, 0, NUMBER_BYTES);
	memcpy(out + NUMBER_BYTES - len, bytes, len);
	return true;
}

/* NULL also for a point that is not on the curve. */
static EVP_PKEY *
read_ec_key(const QuayJwsKey *key)
{
	unsigned char point[POINT_BYTES];
	OSSL_PARAM_BLD *build;
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY   *result = NULL;

	point[0] = 4;				/* uncompressed */
	if (!read_coordinate(key->x, point + 1) || !read_coordinate(key->y, point + 1 + NUMBER_BYTES))
		return NULL;
	build = OSSL_PARAM_BLD_new();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (build != NULL && ctx != NULL &&
		OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) == 1 &&
		(params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &result, EVP_PKEY_PUBLIC_KEY, params) != 1)
		result = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return result;
}

/* The two numbers as DER; its length, or 0. */
static int
signature_to_der(const unsigned char numbers[2 * NUMBER_BYTES], unsigned char **der)
{
	ECDSA_SIG  *signature = ECDSA_SIG_new();
	BIGNUM	   *r = BN_bin2bn(numbers, NUMBER_BYTES, NULL);
	BIGNUM	   *s = BN_bin2bn(numbers + NUMBER_BYTES, NUMBER_BYTES, NULL);
	int			length = 0;

	*der = NULL;
	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1)
		length = i2d_ECDSA_SIG(signature, der);
	else
	{
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(signature);
	return Max(length, 0);
}

static bool
verify_es256(const QuayJwsKey *key, const char *text, size_t length, const char *signature)
{
	unsigned char numbers[QUAY_BASE64_DECODED_ROOM(QUAY_BASE64URL_LEN(2 * NUMBER_BYTES))];
	size_t		numbers_length;
	unsigned char *der;
	int			der_length;
	EVP_PKEY   *pkey;
	EVP_MD_CTX *ctx;
	bool		valid;

	if (strlen(signature) != QUAY_BASE64URL_LEN(2 * NUMBER_BYTES) ||
		!quay_base64url_decode(signature, strlen(signature), numbers, &numbers_length))
		return false;
	pkey = read_ec_key(key);
	der_length = signature_to_der(numbers, &der);
	ctx = EVP_MD_CTX_new();
	valid = pkey != NULL && der_length > 0 && ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		EVP_DigestVerify(ctx, der, der_length, (const unsigned char *) text, length) == 1;
	if (!valid)
		ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	OPENSSL_free(der);
	return valid;
}

static bool
verify_rs256(const QuayJwsKey *key, const char *text, size_t length, const char *signature)
{
	QuayJwkToken token = {{NULL, 0}, {NULL, 0}, {signature, strlen(signature)}, {text, length}};
	QuayJwkText n;
	QuayJwkText e;

	if (key->n == NULL || key->e == NULL)
		return false;
	n.data = key->n;
	n.len = strlen(key->n);
	e.data = key->e;
	e.len = strlen(key->e);
	return quay_jwk_verify(n, e, &token);
}

bool
quay_jws_verify(const QuayJwsKey *key, const char *algorithm,
				const char *text, size_t length, const char *signature)
{
	if (strcmp(algorithm, "ES256") == 0)
		return strcmp(key->kty, "EC") == 0 &&
			key->crv != NULL && strcmp(key->crv, "P-256") == 0 &&
			verify_es256(key, text, length, signature);
	if (strcmp(algorithm, "RS256") == 0)
		return strcmp(key->kty, "RSA") == 0 &&
			verify_rs256(key, text, length, signature);
	return false;
}
