/*-------------------------------------------------------------------------
 *
 * passwordcrypt.h
 *	  Encrypted passwords: base64 of an AES-256-CBC message.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_PASSWORDCRYPT_H
#define QUAY_PASSWORDCRYPT_H

#include "util/pure.h"
#include "util/base64.h"

#define QUAY_PASSWORDCRYPT_KEY_LEN		32
#define QUAY_PASSWORDCRYPT_IV_LEN		16
#define QUAY_PASSWORDCRYPT_BLOCK_LEN	16

/* A password that is longer is no password. */
#define QUAY_PASSWORDCRYPT_MAX_PLAIN	65535

/* Length of the encrypted form of a message of n bytes, without a final NUL. */
#define QUAY_PASSWORDCRYPT_RAW_LEN(n) \
	(QUAY_PASSWORDCRYPT_IV_LEN + \
	 ((size_t) (n) / QUAY_PASSWORDCRYPT_BLOCK_LEN + 1) * QUAY_PASSWORDCRYPT_BLOCK_LEN)
#define QUAY_PASSWORDCRYPT_LEN(n)		((QUAY_PASSWORDCRYPT_RAW_LEN(n) + 2) / 3 * 4)
#define QUAY_PASSWORDCRYPT_MAX_LEN		QUAY_PASSWORDCRYPT_LEN(QUAY_PASSWORDCRYPT_MAX_PLAIN)

/*
 * Encrypt a message into "out", which has room for
 * QUAY_PASSWORDCRYPT_LEN(plain_len) + 1 bytes.  The initialization vector is
 * random.  False if the message is too long or libcrypto refused.
 */
extern bool quay_passwordcrypt_encrypt(const unsigned char key[QUAY_PASSWORDCRYPT_KEY_LEN],
									   const unsigned char iv[QUAY_PASSWORDCRYPT_IV_LEN],
									   const char *plain, size_t plain_len, char *out);

/*
 * Decrypt into "out", which has room for QUAY_BASE64_DECODED_ROOM(len) bytes;
 * the message is not NUL-terminated.  False if the text is not an encrypted
 * password of this key, for whatever reason; most passwords are not.  Then
 * "out" holds zeros.  After success the caller wipes it.
 */
extern bool quay_passwordcrypt_decrypt(const unsigned char key[QUAY_PASSWORDCRYPT_KEY_LEN],
									   const char *text, size_t len, char *out, size_t *out_len);

#endif							/* QUAY_PASSWORDCRYPT_H */
