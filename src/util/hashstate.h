/*-------------------------------------------------------------------------
 *
 * hashstate.h
 *	  SHA-256 and SHA-512 in steps, with a state that can be stored as text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_HASHSTATE_H
#define QUAY_HASHSTATE_H

#include "util/pure.h"

typedef enum QuayHashAlgorithm
{
	QUAY_HASH_SHA256,
	QUAY_HASH_SHA512
} QuayHashAlgorithm;

#define QUAY_HASHSTATE_MAX_BLOCK	128
#define QUAY_HASHSTATE_MAX_WORDS	64	/* bytes of the eight words */

/* Longest message: its length in bits has to fit 64 bits. */
#define QUAY_HASHSTATE_MAX_MESSAGE	((UINT64CONST(1) << 61) - 1)

/* Room for the longest exported state and its NUL. */
#define QUAY_HASHSTATE_TEXT_ROOM	384

/* Room for the longest digest, "sha512:" and 128 digits, and its NUL. */
#define QUAY_HASHSTATE_DIGEST_ROOM	144

/*
 * The state of a computation, the same on each platform.  The last
 * length % block size bytes of the message are in "partial".
 */
typedef struct QuayHashState
{
	QuayHashAlgorithm algorithm;
	uint64		words[8];
	uint64		length;			/* bytes seen so far */
	unsigned char partial[QUAY_HASHSTATE_MAX_BLOCK];
} QuayHashState;

/* Read an algorithm's name, "sha256" or "sha512"; false if it is another. */
extern bool quay_hashstate_algorithm(const char *name, size_t len,
									 QuayHashAlgorithm *algorithm);

/* The state of an empty message. */
extern void quay_hashstate_init(QuayHashState *state, QuayHashAlgorithm algorithm);

/*
 * Append "len" bytes to the message.  False, with the state unchanged, if it
 * would exceed QUAY_HASHSTATE_MAX_MESSAGE.
 */
extern bool quay_hashstate_append(QuayHashState *state, const void *data, size_t len);

/*
 * Write the message's digest, "sha256:" or "sha512:" and lower-case hexadecimal
 * digits.  The state is not changed: more may be appended.
 */
extern void quay_hashstate_digest(const QuayHashState *state,
								  char out[QUAY_HASHSTATE_DIGEST_ROOM]);

/* The digest of one buffer, in the same form. */
extern void quay_hashstate_digest_of(QuayHashAlgorithm algorithm,
									 const void *data, size_t len,
									 char out[QUAY_HASHSTATE_DIGEST_ROOM]);

/* Write the state as text: see hashstate.c for the format. */
extern void quay_hashstate_export(const QuayHashState *state,
								  char out[QUAY_HASHSTATE_TEXT_ROOM]);

/*
 * Read a state that quay_hashstate_export() wrote.  False for anything else,
 * with the state undefined.
 */
extern bool quay_hashstate_import(QuayHashState *state, const char *text, size_t len);

#endif							/* QUAY_HASHSTATE_H */
