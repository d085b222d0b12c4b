/*-------------------------------------------------------------------------
 *
 * fieldcrypt.c
 *	  Encrypted fields: "v0$$" and the base64 form of an AES-256-CCM message.
 *
 * The format is that of Quay (data/encryption.py, version "v0"): after the
 * prefix comes standard base64, padded and without line breaks, of
 *
 *		nonce (13 bytes) || ciphertext || tag (16 bytes)
 *
 * encrypted with AES-256-CCM (RFC 3610, NIST SP 800-38C; M = 16, L = 2) and no
 * associated data.  L = 2 limits a message to 65,535 bytes.
 *
 * Failures of decryption are not told apart, and nothing of the stored form or
 * the plaintext is ever reported.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "util/base64.h"
#include "util/fieldcrypt.h"

#define OVERHEAD	(QUAY_FIELDCRYPT_NONCE_LEN + QUAY_FIELDCRYPT_TAG_LEN)

/*
 * Set up a CCM context.  When decrypting, "tag" is the expected one, which CCM
 * has to know before it sees the message.
 */
static bool
ccm_start(EVP_CIPHER_CTX *ctx, bool encrypt, const unsigned char *key,
		  const unsigned char *nonce, unsigned char *tag)
{
	int			enc = encrypt ? 1 : 0;

	return EVP_CipherInit_ex(ctx, EVP_aes_256_ccm(), NULL, NULL, NULL, enc) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN,
							QUAY_FIELDCRYPT_NONCE_LEN, NULL) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG,
							QUAY_FIELDCRYPT_TAG_LEN, encrypt ? NULL : tag) == 1 &&
		EVP_CipherInit_ex(ctx, NULL, NULL, key, nonce, enc) == 1;
}

/*
 * Encrypt or decrypt "len" bytes in place, in one update as CCM demands.  The
 * tag is an output of encryption and an input of decryption.
 */
static bool
ccm_crypt(bool encrypt, const unsigned char *key, const unsigned char *nonce,
		  unsigned char *message, size_t len, unsigned char *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int			outlen = 0;
	bool		ok;

	ok = ctx != NULL &&
		ccm_start(ctx, encrypt, key, nonce, tag) &&
		EVP_CipherUpdate(ctx, message, &outlen, message, (int) len) == 1 &&
		outlen == (int) len;
	if (ok && encrypt)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
								 QUAY_FIELDCRYPT_TAG_LEN, tag) == 1;
	if (!ok)
		ERR_clear_error();
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

QuayFieldStatus
quay_fieldcrypt_encrypt(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
						const unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN],
						const char *plain, size_t plain_len,
						size_t max_stored, char *out)
{
	unsigned char *raw;
	unsigned char *message;
	size_t		raw_len;
	bool		ok;

	if (plain_len > QUAY_FIELDCRYPT_MAX_PLAIN)
		return QUAY_FIELD_TOO_LONG;
	if (max_stored > 0 && QUAY_FIELDCRYPT_STORED_LEN(plain_len) > max_stored)
		return QUAY_FIELD_TOO_LONG;

	raw_len = plain_len + OVERHEAD;
	raw = OPENSSL_malloc(raw_len);
	if (raw == NULL)
		return QUAY_FIELD_FAILED;

	message = raw + QUAY_FIELDCRYPT_NONCE_LEN;
	memcpy(raw, nonce, QUAY_FIELDCRYPT_NONCE_LEN);
	if (plain_len > 0)
		memcpy(message, plain, plain_len);

	ok = ccm_crypt(true, key, nonce, message, plain_len, message + plain_len);
	if (ok)
	{
		memcpy(out, QUAY_FIELDCRYPT_PREFIX, QUAY_FIELDCRYPT_PREFIX_LEN);
		EVP_EncodeBlock((unsigned char *) out + QUAY_FIELDCRYPT_PREFIX_LEN,
						raw, (int) raw_len);
	}
	OPENSSL_clear_free(raw, raw_len);
	return ok ? QUAY_FIELD_OK : QUAY_FIELD_FAILED;
}

/*
 * Decode the base64 part into "raw"; false if it is not well formed or too
 * short to hold a nonce and a tag.
 */
static bool
decode_stored(const char *stored, size_t stored_len, unsigned char *raw, size_t *raw_len)
{
	if (stored_len < QUAY_FIELDCRYPT_PREFIX_LEN ||
		stored_len > QUAY_FIELDCRYPT_MAX_STORED ||
		memcmp(stored, QUAY_FIELDCRYPT_PREFIX, QUAY_FIELDCRYPT_PREFIX_LEN) != 0)
		return false;

	if (!quay_base64_decode(stored + QUAY_FIELDCRYPT_PREFIX_LEN,
							stored_len - QUAY_FIELDCRYPT_PREFIX_LEN, raw, raw_len))
		return false;
	return *raw_len >= OVERHEAD && *raw_len - OVERHEAD <= QUAY_FIELDCRYPT_MAX_PLAIN;
}

bool
quay_fieldcrypt_decrypt(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
						const char *stored, size_t stored_len,
						char *out, size_t *out_len)
{
	unsigned char *raw = (unsigned char *) out;
	unsigned char *message = raw + QUAY_FIELDCRYPT_NONCE_LEN;
	size_t		raw_len = 0;
	size_t		plain_len = 0;
	bool		ok;

	ok = decode_stored(stored, stored_len, raw, &raw_len);
	if (ok)
	{
		unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN];

		plain_len = raw_len - OVERHEAD;
		memcpy(nonce, raw, sizeof(nonce));
		ok = ccm_crypt(false, key, nonce, message, plain_len, message + plain_len);
	}

	if (ok)
	{
		memmove(out, message, plain_len);
		OPENSSL_cleanse(raw + plain_len, raw_len - plain_len);
		*out_len = plain_len;
	}
	else
	{
		OPENSSL_cleanse(out, QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len));
		*out_len = 0;
	}
	return ok;
}

bool
quay_fieldcrypt_matches(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
						const char *stored, size_t stored_len,
						const char *secret, size_t secret_len,
						bool *matches)
{
	size_t		room = QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len);
	size_t		plain_len;
	char	   *plain;
	bool		ok;

	*matches = false;
	if (stored_len > QUAY_FIELDCRYPT_MAX_STORED)
		return false;
	plain = OPENSSL_malloc(room);
	if (plain == NULL)
		return false;

	ok = quay_fieldcrypt_decrypt(key, stored, stored_len, plain, &plain_len);
	if (ok)
		*matches = quay_fieldcrypt_equal(plain, plain_len, secret, secret_len);
	OPENSSL_clear_free(plain, room);
	return ok;
}

bool
quay_fieldcrypt_equal(const char *a, size_t a_len, const char *b, size_t b_len)
{
	/* with different lengths, compare something of the same cost */
	const char *other = (a_len == b_len) ? a : b;
	int			differ = CRYPTO_memcmp(other, b, b_len);

	return (differ == 0) & (a_len == b_len);
}
