/*-------------------------------------------------------------------------
 *
 * fieldcrypt.h
 *	  Encrypted fields: "v0$$" and the base64 form of an AES-256-CCM message.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_FIELDCRYPT_H
#define QUAY_FIELDCRYPT_H

#include "util/pure.h"

#define QUAY_FIELDCRYPT_KEY_LEN		32
#define QUAY_FIELDCRYPT_NONCE_LEN	13
#define QUAY_FIELDCRYPT_TAG_LEN		16
#define QUAY_FIELDCRYPT_PREFIX		"v0$$"
#define QUAY_FIELDCRYPT_PREFIX_LEN	4

/* A 13-byte nonce leaves CCM a 2-byte message length. */
#define QUAY_FIELDCRYPT_MAX_PLAIN	65535

/* Length of the stored form of a secret of n bytes, without a final NUL. */
#define QUAY_FIELDCRYPT_STORED_LEN(n) \
	(QUAY_FIELDCRYPT_PREFIX_LEN + 4 * \
	 (((size_t) (n) + QUAY_FIELDCRYPT_NONCE_LEN + QUAY_FIELDCRYPT_TAG_LEN + 2) / 3))

#define QUAY_FIELDCRYPT_MAX_STORED	QUAY_FIELDCRYPT_STORED_LEN(QUAY_FIELDCRYPT_MAX_PLAIN)

/* Room that quay_fieldcrypt_decrypt() needs for a stored form of n bytes. */
#define QUAY_FIELDCRYPT_PLAIN_ROOM(n)	((size_t) (n) / 4 * 3 + 3)

typedef enum QuayFieldStatus
{
	QUAY_FIELD_OK,
	QUAY_FIELD_TOO_LONG,		/* plaintext or stored form exceeds its limit */
	QUAY_FIELD_FAILED			/* out of memory, or libcrypto refused */
} QuayFieldStatus;

/*
 * Encrypt "plain" (UTF-8 by convention, not checked) and write the
 * NUL-terminated stored form to "out", which has room for
 * QUAY_FIELDCRYPT_STORED_LEN(plain_len) + 1 bytes.
 *
 * "max_stored" is the column's limit on the stored form, 0 for none.  The
 * nonce must never repeat under one key: 13 bytes from a strong random source.
 */
extern QuayFieldStatus quay_fieldcrypt_encrypt(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
											   const unsigned char nonce[QUAY_FIELDCRYPT_NONCE_LEN],
											   const char *plain, size_t plain_len,
											   size_t max_stored, char *out);

/*
 * Decrypt a stored form into "out", which has room for
 * QUAY_FIELDCRYPT_PLAIN_ROOM(stored_len) bytes; the plaintext is not
 * NUL-terminated and may be empty.
 *
 * Returns false, for whatever reason: unknown format, damaged text, wrong key.
 * Then "out" holds zeros.  After success the caller wipes it.
 */
extern bool quay_fieldcrypt_decrypt(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
									const char *stored, size_t stored_len,
									char *out, size_t *out_len);

/*
 * Decrypt a stored form and compare it with "secret" in constant time.
 * Returns false if it cannot be decrypted; then *matches is false too.
 */
extern bool quay_fieldcrypt_matches(const unsigned char key[QUAY_FIELDCRYPT_KEY_LEN],
									const char *stored, size_t stored_len,
									const char *secret, size_t secret_len,
									bool *matches);

/*
 * Are two secrets equal?  The time taken depends on the length of the second,
 * never on the contents or on where they differ.
 */
extern bool quay_fieldcrypt_equal(const char *a, size_t a_len,
								  const char *b, size_t b_len);

#endif							/* QUAY_FIELDCRYPT_H */
