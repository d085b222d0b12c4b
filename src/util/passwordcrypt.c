/*-------------------------------------------------------------------------
 *
 * passwordcrypt.c
 *	  Encrypted passwords: base64 of an AES-256-CBC message.
 *
 * The format is that of Quay (util/security/aes.py): standard base64, padded,
 * of
 *
 *		initialization vector (16 bytes) || ciphertext
 *
 * where the ciphertext is AES-256-CBC with PKCS#7 padding.  It has no tag: that
 * a text is an encrypted password shows in what it decrypts to.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "util/passwordcrypt.h"

/*
 * Encrypt or decrypt "len" bytes from "in" to "out", which do not overlap.
 */
static bool
cbc_crypt(bool encrypt, const unsigned char *key, const unsigned char *iv,
		  const unsigned char *in, size_t len, unsigned char *out, size_t *out_len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int			first = 0;
	int			last = 0;
	bool		ok;

	ok = ctx != NULL &&
		EVP_CipherInit_ex(ctx, EVP_aes_256_cbc(), NULL, key, iv, encrypt ? 1 : 0) == 1 &&
		EVP_CipherUpdate(ctx, out, &first, in, (int) len) == 1 &&
		EVP_CipherFinal_ex(ctx, out + first, &last) == 1;
	if (!ok)
		ERR_clear_error();
	EVP_CIPHER_CTX_free(ctx);
	*out_len = ok ? (size_t) first + last : 0;
	return ok;
}

bool
quay_passwordcrypt_encrypt(const unsigned char key[QUAY_PASSWORDCRYPT_KEY_LEN],
						   const unsigned char iv[QUAY_PASSWORDCRYPT_IV_LEN],
						   const char *plain, size_t plain_len, char *out)
{
	size_t		raw_len = QUAY_PASSWORDCRYPT_RAW_LEN(plain_len);
	size_t		cipher_len;
	unsigned char *raw;
	bool		ok;

	if (plain_len > QUAY_PASSWORDCRYPT_MAX_PLAIN)
		return false;
	raw = OPENSSL_malloc(raw_len);
	if (raw == NULL)
		return false;
	memcpy(raw, iv, QUAY_PASSWORDCRYPT_IV_LEN);
	ok = cbc_crypt(true, key, iv, (const unsigned char *) plain, plain_len,
				   raw + QUAY_PASSWORDCRYPT_IV_LEN, &cipher_len);
	if (ok)
		EVP_EncodeBlock((unsigned char *) out, raw, (int) raw_len);
	OPENSSL_free(raw);
	return ok;
}

bool
quay_passwordcrypt_decrypt(const unsigned char key[QUAY_PASSWORDCRYPT_KEY_LEN],
						   const char *text, size_t len, char *out, size_t *out_len)
{
	unsigned char *raw;
	size_t		raw_len;
	bool		ok;

	*out_len = 0;
	if (len > QUAY_PASSWORDCRYPT_MAX_LEN)
		return false;
	raw = OPENSSL_malloc(QUAY_BASE64_DECODED_ROOM(len));
	if (raw == NULL)
		return false;
	ok = quay_base64_decode(text, len, raw, &raw_len) &&
		raw_len >= QUAY_PASSWORDCRYPT_IV_LEN + QUAY_PASSWORDCRYPT_BLOCK_LEN &&
		raw_len % QUAY_PASSWORDCRYPT_BLOCK_LEN == 0 &&
		cbc_crypt(false, key, raw, raw + QUAY_PASSWORDCRYPT_IV_LEN,
				  raw_len - QUAY_PASSWORDCRYPT_IV_LEN, (unsigned char *) out, out_len);
	OPENSSL_free(raw);
	if (!ok)
		OPENSSL_cleanse(out, QUAY_BASE64_DECODED_ROOM(len));
	return ok;
}
