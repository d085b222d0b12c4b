/*-------------------------------------------------------------------------
 *
 * bcrypt.h
 *	  Password and token hashes: bcrypt in the "$2b$" form.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_BCRYPT_H
#define QUAY_BCRYPT_H

#include "util/pure.h"

#define QUAY_BCRYPT_HASH_LEN		60	/* without a final NUL */
#define QUAY_BCRYPT_SALT_LEN		16
#define QUAY_BCRYPT_MAX_SECRET		72	/* bytes beyond these have no effect */
#define QUAY_BCRYPT_MIN_COST		4
#define QUAY_BCRYPT_DEFAULT_COST	12

/*
 * The format goes up to 31, which takes days and cannot be interrupted; 20 is
 * a minute.  Hashes above it are neither made nor tried.
 */
#define QUAY_BCRYPT_MAX_COST		20

typedef enum QuayBcryptStatus
{
	QUAY_BCRYPT_OK,
	QUAY_BCRYPT_NUL_BYTE,		/* the secret contains a zero byte */
	QUAY_BCRYPT_BAD_COST,		/* cost out of range */
	QUAY_BCRYPT_FAILED			/* out of memory, or libcrypt refused */
} QuayBcryptStatus;

/*
 * Hash a secret (UTF-8 by convention, cut to 72 bytes) with 16 bytes of salt
 * from a strong random source.  "out" gets 60 characters and a NUL.
 */
extern QuayBcryptStatus quay_bcrypt_hash(const char *secret, size_t secret_len, int cost,
										 const unsigned char salt[QUAY_BCRYPT_SALT_LEN],
										 char out[QUAY_BCRYPT_HASH_LEN + 1]);

/*
 * Is the text a hash that quay_bcrypt_verify() can try?  Its cost goes to
 * *cost, which may be NULL.
 */
extern bool quay_bcrypt_is_hash(const char *stored, size_t stored_len, int *cost);

/*
 * Does the secret match the stored hash?  "$2a$", "$2b$" and "$2y$" are known
 * and mean the same.  A malformed hash is no match, and takes as long as a
 * well-formed one of the default cost.
 */
extern QuayBcryptStatus quay_bcrypt_verify(const char *secret, size_t secret_len,
										   const char *stored, size_t stored_len,
										   bool *matches);

/*
 * Do the work of a verification that fails: for unknown names, so that the
 * time of an answer does not tell whether the name exists.
 */
extern QuayBcryptStatus quay_bcrypt_verify_dummy(const char *secret, size_t secret_len,
												 int cost);

#endif							/* QUAY_BCRYPT_H */
