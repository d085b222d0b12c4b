/*-------------------------------------------------------------------------
 *
 * secret.h
 *	  Passwords, encrypted fields, tokens and digests, for SQL and for C.
 *
 * The algorithms are in src/util and never raise errors; here are their
 * errors, their settings and their random source.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_SECRET_H
#define QUAY_SECRET_H

#include "postgres.h"

/* Bytes in some encoding, which may be those of a datum or a copy. */
typedef struct QuaySecretBytes
{
	char	   *data;
	size_t		len;
	bool		copied;
} QuaySecretBytes;

/*
 * A secret in the server's encoding as UTF-8; raises an error that does not
 * quote it if that is impossible.  To be released after use, which wipes it.
 */
extern QuaySecretBytes quay_secret_to_utf8(const char *data, size_t len);
extern void quay_secret_release(QuaySecretBytes *bytes);

/*
 * Make a text of decrypted bytes; NULL if they are not valid UTF-8, contain a
 * zero byte or cannot be represented in the server's encoding.
 */
extern text *quay_secret_text_of_utf8(const char *plain, size_t len);

/* Fill a buffer from the strong random source, or raise an error. */
extern void quay_secret_fill_random(void *buf, size_t len);

/*
 * Does the secret match the password hash?  Both are in the server's encoding.
 * With a NULL hash, for an unknown name, the work of a hash of "dummy_cost" is
 * done all the same, and the answer is false.
 */
extern bool quay_secret_password_matches(const char *secret, size_t secret_len,
										 const char *hash, size_t hash_len,
										 int dummy_cost);

/*
 * Does the secret equal the encrypted field?  Both are in the server's
 * encoding.  Raises an error if the field cannot be decrypted.
 */
extern bool quay_secret_field_matches(const char *stored, size_t stored_len,
									  const char *secret, size_t secret_len);

#endif							/* QUAY_SECRET_H */
