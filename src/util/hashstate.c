/*-------------------------------------------------------------------------
 *
 * hashstate.c
 *	  SHA-256 and SHA-512 in steps, with a state that can be stored as text.
 *
 * An upload arrives in chunks, over many transactions and perhaps many
 * servers, and its digest has to be known at the end without reading the data
 * again.  So the state of the computation (FIPS 180-4) is stored between
 * chunks, in a form that does not depend on the platform or the library:
 *
 *		q1:sha256:<base64>		q1:sha512:<base64>
 *
 * "q1" is the version of the format, and the base64 (RFC 4648, padded) is
 *
 *		eight words, big-endian, of 4 bytes (sha256) or 8 bytes (sha512)
 *		length of the message so far in bytes, 8 bytes, big-endian
 *		the last (length mod block size) bytes of the message
 *		check: the first 4 bytes of SHA-256 over "q1:<algorithm>:" and the above
 *
 * The check finds damage, not forgery: whoever can write the state can also
 * write the data.
 *
 * The compression function is libcrypto's, reached through SHA256_CTX and
 * SHA512_CTX.  OpenSSL 3 calls these deprecated in favour of EVP, but an
 * EVP_MD_CTX can neither export its state nor start from one.
 *
 *-------------------------------------------------------------------------
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "util/pure.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "util/hashstate.h"

#define NWORDS			8
#define LENGTH_BYTES	8
#define CHECK_BYTES		4
#define NAME_LEN		6		/* "sha256" */
#define PREFIX_LEN		10		/* "q1:sha256:" */

#define MAX_PAYLOAD \
	(QUAY_HASHSTATE_MAX_WORDS + LENGTH_BYTES + QUAY_HASHSTATE_MAX_BLOCK - 1 + CHECK_BYTES)

/* What distinguishes the algorithms, indexed by QuayHashAlgorithm. */
static const struct
{
	const char *name;
	const char *prefix;
	size_t		word_size;
	size_t		block_size;
	size_t		digest_size;
}			algorithms[] =
{
	{"sha256", "q1:sha256:", 4, SHA256_CBLOCK, SHA256_DIGEST_LENGTH},
	{"sha512", "q1:sha512:", 8, SHA512_CBLOCK, SHA512_DIGEST_LENGTH}
};

bool
quay_hashstate_algorithm(const char *name, size_t len, QuayHashAlgorithm *algorithm)
{
	size_t		i;

	for (i = 0; i < lengthof(algorithms); i++)
	{
		if (strlen(algorithms[i].name) == len && memcmp(algorithms[i].name, name, len) == 0)
		{
			*algorithm = (QuayHashAlgorithm) i;
			return true;
		}
	}
	return false;
}

static size_t
partial_len(const QuayHashState *state)
{
	return (size_t) (state->length % algorithms[state->algorithm].block_size);
}

/*
 * Conversion between our state and libcrypto's, which counts the length in
 * bits, as two halves.
 */
static void
load_sha256(const QuayHashState *state, SHA256_CTX *ctx)
{
	int			i;

	SHA256_Init(ctx);
	for (i = 0; i < NWORDS; i++)
		ctx->h[i] = (SHA_LONG) state->words[i];
	ctx->Nl = (SHA_LONG) (state->length << 3);
	ctx->Nh = (SHA_LONG) (state->length >> 29);
	ctx->num = (unsigned int) partial_len(state);
	memcpy(ctx->data, state->partial, ctx->num);
}

static void
store_sha256(const SHA256_CTX *ctx, QuayHashState *state)
{
	int			i;

	for (i = 0; i < NWORDS; i++)
		state->words[i] = ctx->h[i];
	memcpy(state->partial, ctx->data, ctx->num);
}

static void
load_sha512(const QuayHashState *state, SHA512_CTX *ctx)
{
	int			i;

	SHA512_Init(ctx);
	for (i = 0; i < NWORDS; i++)
		ctx->h[i] = (SHA_LONG64) state->words[i];
	ctx->Nl = (SHA_LONG64) (state->length << 3);
	ctx->Nh = 0;				/* see QUAY_HASHSTATE_MAX_MESSAGE */
	ctx->num = (unsigned int) partial_len(state);
	memcpy(ctx->u.p, state->partial, ctx->num);
}

static void
store_sha512(const SHA512_CTX *ctx, QuayHashState *state)
{
	int			i;

	for (i = 0; i < NWORDS; i++)
		state->words[i] = ctx->h[i];
	memcpy(state->partial, ctx->u.p, ctx->num);
}

void
quay_hashstate_init(QuayHashState *state, QuayHashAlgorithm algorithm)
{
	memset(state, 0, sizeof(*state));
	state->algorithm = algorithm;
	if (algorithm == QUAY_HASH_SHA256)
	{
		SHA256_CTX	ctx;

		SHA256_Init(&ctx);
		store_sha256(&ctx, state);
	}
	else
	{
		SHA512_CTX	ctx;

		SHA512_Init(&ctx);
		store_sha512(&ctx, state);
	}
}

bool
quay_hashstate_append(QuayHashState *state, const void *data, size_t len)
{
	if (len > QUAY_HASHSTATE_MAX_MESSAGE - state->length)
		return false;
	if (len == 0)
		return true;

	if (state->algorithm == QUAY_HASH_SHA256)
	{
		SHA256_CTX	ctx;

		load_sha256(state, &ctx);
		SHA256_Update(&ctx, data, len);
		store_sha256(&ctx, state);
	}
	else
	{
		SHA512_CTX	ctx;

		load_sha512(state, &ctx);
		SHA512_Update(&ctx, data, len);
		store_sha512(&ctx, state);
	}
	state->length += len;
	return true;
}

/*
 * Write the algorithm's name, a colon, and the digest's hexadecimal digits.
 */
static void
format_digest(QuayHashAlgorithm algorithm, const unsigned char *digest, char *out)
{
	static const char hex_digits[] = "0123456789abcdef";
	size_t		i;

	memcpy(out, algorithms[algorithm].name, NAME_LEN);
	out += NAME_LEN;
	*out++ = ':';
	for (i = 0; i < algorithms[algorithm].digest_size; i++)
	{
		*out++ = hex_digits[digest[i] >> 4];
		*out++ = hex_digits[digest[i] & 0x0F];
	}
	*out = '\0';
}

void
quay_hashstate_digest(const QuayHashState *state, char out[QUAY_HASHSTATE_DIGEST_ROOM])
{
	unsigned char digest[SHA512_DIGEST_LENGTH];

	if (state->algorithm == QUAY_HASH_SHA256)
	{
		SHA256_CTX	ctx;

		load_sha256(state, &ctx);
		SHA256_Final(digest, &ctx);
	}
	else
	{
		SHA512_CTX	ctx;

		load_sha512(state, &ctx);
		SHA512_Final(digest, &ctx);
	}
	format_digest(state->algorithm, digest, out);
}

void
quay_hashstate_digest_of(QuayHashAlgorithm algorithm, const void *data, size_t len,
						 char out[QUAY_HASHSTATE_DIGEST_ROOM])
{
	unsigned char digest[SHA512_DIGEST_LENGTH];

	if (algorithm == QUAY_HASH_SHA256)
		SHA256((const unsigned char *) data, len, digest);
	else
		SHA512((const unsigned char *) data, len, digest);
	format_digest(algorithm, digest, out);
}

static void
put_big_endian(unsigned char *out, uint64 value, size_t nbytes)
{
	size_t		i;

	for (i = 0; i < nbytes; i++)
		out[i] = (unsigned char) (value >> (8 * (nbytes - 1 - i)));
}

static uint64
get_big_endian(const unsigned char *in, size_t nbytes)
{
	uint64		value = 0;
	size_t		i;

	for (i = 0; i < nbytes; i++)
		value = (value << 8) | in[i];
	return value;
}

/*
 * The check bytes of a payload, without its own check.
 */
static void
compute_check(QuayHashAlgorithm algorithm, const unsigned char *payload, size_t len,
			  unsigned char check[CHECK_BYTES])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX	ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, algorithms[algorithm].prefix, PREFIX_LEN);
	SHA256_Update(&ctx, payload, len);
	SHA256_Final(digest, &ctx);
	memcpy(check, digest, CHECK_BYTES);
}

void
quay_hashstate_export(const QuayHashState *state, char out[QUAY_HASHSTATE_TEXT_ROOM])
{
	size_t		word_size = algorithms[state->algorithm].word_size;
	unsigned char payload[MAX_PAYLOAD];
	unsigned char *p = payload;
	int			i;

	for (i = 0; i < NWORDS; i++, p += word_size)
		put_big_endian(p, state->words[i], word_size);
	put_big_endian(p, state->length, LENGTH_BYTES);
	p += LENGTH_BYTES;
	memcpy(p, state->partial, partial_len(state));
	p += partial_len(state);
	compute_check(state->algorithm, payload, p - payload, p);
	p += CHECK_BYTES;

	memcpy(out, algorithms[state->algorithm].prefix, PREFIX_LEN);
	EVP_EncodeBlock((unsigned char *) out + PREFIX_LEN, payload, (int) (p - payload));
}

/*
 * Read the fields of a decoded payload of "len" bytes, check included.
 */
static bool
read_payload(QuayHashState *state, const unsigned char *payload, size_t len)
{
	size_t		word_size = algorithms[state->algorithm].word_size;
	size_t		fixed = NWORDS * word_size + LENGTH_BYTES;
	int			i;

	if (len < fixed + CHECK_BYTES)
		return false;
	for (i = 0; i < NWORDS; i++, payload += word_size)
		state->words[i] = get_big_endian(payload, word_size);
	state->length = get_big_endian(payload, LENGTH_BYTES);
	payload += LENGTH_BYTES;
	if (state->length > QUAY_HASHSTATE_MAX_MESSAGE ||
		len != fixed + partial_len(state) + CHECK_BYTES)
		return false;
	memcpy(state->partial, payload, partial_len(state));
	return true;
}

/*
 * Before the first full block, the words are still the initial ones.
 */
static bool
words_fit_length(const QuayHashState *state)
{
	QuayHashState initial;

	if (state->length >= algorithms[state->algorithm].block_size)
		return true;
	quay_hashstate_init(&initial, state->algorithm);
	return memcmp(initial.words, state->words, sizeof(state->words)) == 0;
}

bool
quay_hashstate_import(QuayHashState *state, const char *text, size_t len)
{
	/* the decoder writes whole groups of three bytes */
	unsigned char payload[QUAY_HASHSTATE_TEXT_ROOM];
	char		again[QUAY_HASHSTATE_TEXT_ROOM];
	int			decoded;

	memset(state, 0, sizeof(*state));
	if (len <= PREFIX_LEN || len >= QUAY_HASHSTATE_TEXT_ROOM)
		return false;
	if (memcmp(text, algorithms[QUAY_HASH_SHA256].prefix, PREFIX_LEN) == 0)
		state->algorithm = QUAY_HASH_SHA256;
	else if (memcmp(text, algorithms[QUAY_HASH_SHA512].prefix, PREFIX_LEN) == 0)
		state->algorithm = QUAY_HASH_SHA512;
	else
		return false;

	decoded = EVP_DecodeBlock(payload, (const unsigned char *) text + PREFIX_LEN,
							  (int) (len - PREFIX_LEN));
	if (decoded < 0)
	{
		ERR_clear_error();
		return false;
	}
	if (text[len - 1] == '=')
		decoded -= (text[len - 2] == '=') ? 2 : 1;

	if (decoded < 0 || !read_payload(state, payload, (size_t) decoded) ||
		!words_fit_length(state))
		return false;

	/*
	 * A state has exactly one text.  Writing it again verifies at once the
	 * check bytes and the spelling of the base64.
	 */
	quay_hashstate_export(state, again);
	return strlen(again) == len && memcmp(again, text, len) == 0;
}
