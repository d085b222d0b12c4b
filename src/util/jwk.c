/*-------------------------------------------------------------------------
 *
 * jwk.c
 *	  RSA keys as JSON web keys (RFC 7517), and tokens signed with them.
 *
 * RS256 is RSASSA-PKCS1-v1_5 with SHA-256, the only algorithm of the registry's
 * tokens.  The algorithm is that of the key: what the token's header says about
 * it is for the caller to compare, never to obey.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "util/jwk.h"

/* An exponent is 65537 nearly always; a long one only makes work. */
#define MAX_EXPONENT_BITS	64

/* ---------- numbers ---------- */

/*
 * The number of a base64url text, big-endian; NULL if it is none, or longer
 * than max_bits.
 */
static BIGNUM *
read_number(QuayJwkText text, int max_bits)
{
	unsigned char bytes[QUAY_BASE64_DECODED_ROOM(QUAY_BASE64URL_LEN(QUAY_JWK_MAX_BITS / 8) + 4)];
	size_t		len;
	BIGNUM	   *number;

	if (text.len > QUAY_BASE64URL_LEN(QUAY_JWK_MAX_BITS / 8) + 4 ||
		!quay_base64url_decode(text.data, text.len, bytes, &len))
		return NULL;
	number = BN_bin2bn(bytes, (int) len, NULL);
	if (number != NULL && BN_num_bits(number) > max_bits)
	{
		BN_free(number);
		return NULL;
	}
	return number;
}

/*
 * A number as base64url text of its bytes, without leading zeros.
 */
static char *
write_number(const BIGNUM *number)
{
	size_t		len = BN_num_bytes(number);
	unsigned char *bytes = OPENSSL_malloc(len + 1);
	char	   *text = OPENSSL_malloc(QUAY_BASE64URL_LEN(len) + 1);

	if (bytes != NULL && text != NULL)
	{
		BN_bn2bin(number, bytes);
		quay_base64url_encode(bytes, len, text);
	}
	else
	{
		OPENSSL_free(text);
		text = NULL;
	}
	OPENSSL_free(bytes);
	return text;
}

/* ---------- keys ---------- */

static EVP_PKEY *
key_of_numbers(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY   *key = NULL;

	if (build != NULL && ctx != NULL &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
		(params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	if (key == NULL)
		ERR_clear_error();
	return key;
}

/*
 * The public key, or NULL if it is not acceptable.
 */
static EVP_PKEY *
read_key(QuayJwkText n_text, QuayJwkText e_text)
{
	BIGNUM	   *n = read_number(n_text, QUAY_JWK_MAX_BITS);
	BIGNUM	   *e = read_number(e_text, MAX_EXPONENT_BITS);
	EVP_PKEY   *key = NULL;

	if (n != NULL && e != NULL &&
		BN_num_bits(n) >= QUAY_JWK_MIN_BITS && BN_is_odd(n) &&
		BN_is_odd(e) && !BN_is_one(e))
		key = key_of_numbers(n, e);
	BN_free(n);
	BN_free(e);
	return key;
}

bool
quay_jwk_is_valid(QuayJwkText n, QuayJwkText e)
{
	EVP_PKEY   *key = read_key(n, e);

	EVP_PKEY_free(key);
	return key != NULL;
}

bool
quay_jwk_thumbprint(QuayJwkText n, QuayJwkText e, char out[QUAY_JWK_THUMBPRINT_LEN + 1])
{
	/* the required members in the order of their names, without blanks */
	const QuayJwkText document[] = {{"{\"e\":\"", 6}, e, {"\",\"kty\":\"RSA\",\"n\":\"", 19}, n, {"\"}", 2}};
	EVP_MD_CTX *ctx;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	bool		ok;
	size_t		i;

	if (!quay_jwk_is_valid(n, e))
		return false;
	ctx = EVP_MD_CTX_new();
	ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
	for (i = 0; ok && i < lengthof(document); i++)
		ok = EVP_DigestUpdate(ctx, document[i].data, document[i].len) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, digest, &len) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok)
		quay_base64url_encode(digest, len, out);
	else
		ERR_clear_error();
	return ok;
}

/* ---------- tokens ---------- */

bool
quay_jwk_split(const char *token, size_t len, QuayJwkToken *parts)
{
	const char *first;
	const char *second;

	if (len == 0 || len > QUAY_JWK_MAX_TOKEN)
		return false;
	first = memchr(token, '.', len);
	if (first == NULL)
		return false;
	second = memchr(first + 1, '.', len - (first + 1 - token));
	if (second == NULL || memchr(second + 1, '.', len - (second + 1 - token)) != NULL)
		return false;

	parts->header.data = token;
	parts->header.len = first - token;
	parts->payload.data = first + 1;
	parts->payload.len = second - first - 1;
	parts->signature.data = second + 1;
	parts->signature.len = len - (second + 1 - token);
	parts->signing_input.data = token;
	parts->signing_input.len = second - token;
	return parts->header.len > 0 && parts->payload.len > 0;
}

bool
quay_jwk_verify(QuayJwkText n, QuayJwkText e, const QuayJwkToken *token)
{
	unsigned char signature[QUAY_BASE64_DECODED_ROOM(QUAY_BASE64URL_LEN(QUAY_JWK_MAX_BITS / 8))];
	size_t		signature_len;
	EVP_PKEY   *key;
	EVP_MD_CTX *ctx;
	bool		valid;

	if (token->signature.len > QUAY_BASE64URL_LEN(QUAY_JWK_MAX_BITS / 8) ||
		!quay_base64url_decode(token->signature.data, token->signature.len, signature, &signature_len))
		return false;
	key = read_key(n, e);
	if (key == NULL)
		return false;
	ctx = EVP_MD_CTX_new();
	valid = ctx != NULL &&
		EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(ctx, signature, signature_len,
						 (const unsigned char *) token->signing_input.data,
						 token->signing_input.len) == 1;
	if (!valid)
		ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return valid;
}

/* ---------- generation ---------- */

/*
 * The private key as PEM, in memory of its own.
 */
static char *
write_private(EVP_PKEY *key)
{
	BIO		   *bio = BIO_new(BIO_s_secmem());
	char	   *data = NULL;
	char	   *result = NULL;
	long		len;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		(len = BIO_get_mem_data(bio, &data)) > 0)
		result = OPENSSL_strndup(data, len);
	BIO_free(bio);
	return result;
}

static char *
write_param(EVP_PKEY *key, const char *name)
{
	BIGNUM	   *number = NULL;
	char	   *text = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &number) == 1)
		text = write_number(number);
	BN_free(number);
	return text;
}

bool
quay_jwk_generate(int bits, QuayJwkPair *pair)
{
	EVP_PKEY   *key = EVP_RSA_gen(bits);

	memset(pair, 0, sizeof(*pair));
	if (key != NULL)
	{
		pair->private_pem = write_private(key);
		pair->n = write_param(key, OSSL_PKEY_PARAM_RSA_N);
		pair->e = write_param(key, OSSL_PKEY_PARAM_RSA_E);
	}
	EVP_PKEY_free(key);
	if (pair->private_pem != NULL && pair->n != NULL && pair->e != NULL)
		return true;
	ERR_clear_error();
	quay_jwk_wipe(pair);
	return false;
}

void
quay_jwk_wipe(QuayJwkPair *pair)
{
	if (pair->private_pem != NULL)
		OPENSSL_clear_free(pair->private_pem, strlen(pair->private_pem));
	OPENSSL_free(pair->n);
	OPENSSL_free(pair->e);
	memset(pair, 0, sizeof(*pair));
}
