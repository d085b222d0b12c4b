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

#include "auth/secretbytes.h"

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
