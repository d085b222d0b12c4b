/*-------------------------------------------------------------------------
 *
 * jwk.h
 *	  RSA keys as JSON web keys (RFC 7517), and tokens signed with them.
 *
 * A key is known by the texts of its members "n" and "e".  Nothing here reads
 * JSON.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_JWK_H
#define QUAY_JWK_H

#include "util/pure.h"
#include "util/base64.h"

#define QUAY_JWK_MIN_BITS		2048	/* RFC 7518, 3.3 */
#define QUAY_JWK_MAX_BITS		16384
#define QUAY_JWK_MAX_TOKEN		(256 * 1024)

#define QUAY_JWK_THUMBPRINT_LEN QUAY_BASE64URL_LEN(32)

/* A text that need not end in a NUL. */
typedef struct QuayJwkText
{
	const char *data;
	size_t		len;
} QuayJwkText;

/* The parts of a token in compact form (RFC 7515, 3.1), still encoded. */
typedef struct QuayJwkToken
{
	QuayJwkText header;
	QuayJwkText payload;
	QuayJwkText signature;
	QuayJwkText signing_input;	/* header and payload with the dot between */
} QuayJwkToken;

/* A new key pair; quay_jwk_wipe() releases it. */
typedef struct QuayJwkPair
{
	char	   *private_pem;	/* PKCS #8, not encrypted */
	char	   *n;
	char	   *e;
} QuayJwkPair;

/* Find the three parts; false if there are not three, or if it is too long. */
extern bool quay_jwk_split(const char *token, size_t len, QuayJwkToken *parts);

/* Is this an RSA public key of acceptable size? */
extern bool quay_jwk_is_valid(QuayJwkText n, QuayJwkText e);

/* RFC 7638, SHA-256, base64url.  False if the key is not valid. */
extern bool quay_jwk_thumbprint(QuayJwkText n, QuayJwkText e,
								char out[QUAY_JWK_THUMBPRINT_LEN + 1]);

/* Did the key sign the token, with RS256? */
extern bool quay_jwk_verify(QuayJwkText n, QuayJwkText e, const QuayJwkToken *token);

/* Make a key pair of so many bits; false if libcrypto refuses. */
extern bool quay_jwk_generate(int bits, QuayJwkPair *pair);
extern void quay_jwk_wipe(QuayJwkPair *pair);

#endif							/* QUAY_JWK_H */
