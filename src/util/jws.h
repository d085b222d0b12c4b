/*-------------------------------------------------------------------------
 *
 * jws.h
 *	  Signatures as JSON web signatures have them (RFC 7515, RFC 7518).
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_JWS_H
#define QUAY_JWS_H

#include "util/pure.h"

/* A public key as the members of a JSON web key; what it has not is NULL. */
typedef struct QuayJwsKey
{
	const char *kty;
	const char *crv;
	const char *x;
	const char *y;
	const char *n;
	const char *e;
} QuayJwsKey;

/*
 * Did the key sign the text?  `algorithm` is ES256 (a P-256 key) or RS256 (an
 * RSA key); any other, or one that does not fit the key, is false.  The
 * signature is in base64url.
 */
extern bool quay_jws_verify(const QuayJwsKey *key, const char *algorithm,
							const char *text, size_t length,
							const char *signature);

#endif							/* QUAY_JWS_H */
