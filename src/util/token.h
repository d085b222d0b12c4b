/*-------------------------------------------------------------------------
 *
 * token.h
 *	  Random strings for tokens and codes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_TOKEN_H
#define QUAY_TOKEN_H

#include "util/pure.h"

typedef enum QuayTokenAlphabet
{
	QUAY_TOKEN_UPPER,			/* A-Z0-9: robots, app tokens, codes */
	QUAY_TOKEN_ASCII			/* a-zA-Z0-9: OAuth codes and tokens */
} QuayTokenAlphabet;

/* A source of random bytes; false means it failed. */
typedef bool (*QuayRandomSource) (void *buf, size_t len);

/*
 * Write "len" characters and a NUL to "out", each character of the alphabet
 * equally likely.  A NULL source is pg_strong_random().
 *
 * Returns false, with "out" wiped, if the source fails or keeps giving bytes
 * that cannot be used.
 */
extern bool quay_token_generate(char *out, size_t len, QuayTokenAlphabet alphabet,
								QuayRandomSource source);

#endif							/* QUAY_TOKEN_H */
