/*-------------------------------------------------------------------------
 *
 * digest.h
 *	  Content digests, `algorithm:encoded`.
 *
 * The grammar is that of "Digests" in the OCI image-spec, descriptor.md.
 * Every function takes a length and never looks past it; input need not be
 * terminated and may hold any byte.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_DIGEST_H
#define QUAY_UTIL_DIGEST_H

#include "util/pure.h"

/* "sha512:" and 128 hexadecimal digits */
#define QUAY_DIGEST_MAX_LENGTH	135

typedef enum QuayDigestStatus
{
	QUAY_DIGEST_OK = 0,			/* supported algorithm, well-formed */
	QUAY_DIGEST_UNSUPPORTED,	/* obeys the OCI grammar, algorithm unknown */
	QUAY_DIGEST_MALFORMED		/* not a digest at all */
} QuayDigestStatus;

typedef enum QuayDigestAlgorithm
{
	QUAY_DIGEST_UNKNOWN = 0,
	QUAY_DIGEST_SHA256,
	QUAY_DIGEST_SHA512
} QuayDigestAlgorithm;

/* The parts of a digest; both pointers point into the input. */
typedef struct QuayDigest
{
	QuayDigestAlgorithm algorithm;
	const char *algorithm_name;
	int			algorithm_length;
	const char *encoded;
	int			encoded_length;
} QuayDigest;

/*
 * Parse a digest.  `parts` is filled unless the result is MALFORMED, and may
 * be NULL.  `reason`, if not NULL, receives a constant text usable as an
 * error DETAIL, or NULL when the digest is good.
 */
extern QuayDigestStatus quay_digest_parse(const char *digest, size_t length,
										  QuayDigest *parts,
										  const char **reason);

/* Is this a digest with a supported algorithm?  Same as parse() == OK. */
extern bool quay_digest_is_valid(const char *digest, size_t length);

/*
 * Relative path under which the reference registry keeps a blob, for example
 * `sha256/ab/abcd...`; palloc'd.  The accepted grammar is that of the
 * reference, `[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+`, because existing storage holds
 * such blobs; NULL for anything else.
 */
extern char *quay_digest_content_path(const char *digest, size_t length);

/*
 * Compare two digests byte by byte, as the reference does: `SHA256:AB` and
 * `sha256:ab` are different.  Negative, zero or positive, in the order of
 * collation "C".
 */
extern int	quay_digest_compare(const char *a, size_t a_length,
								const char *b, size_t b_length);

#endif							/* QUAY_UTIL_DIGEST_H */
