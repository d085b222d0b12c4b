/*-------------------------------------------------------------------------
 *
 * jsoncheck.h
 *	  Checks on JSON text and keys that PostgreSQL's parser does not make.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_JSONCHECK_H
#define QUAY_UTIL_JSONCHECK_H

#include "util/pure.h"
#include "util/parseerror.h"

/*
 * Levels of objects and arrays.  Checked in a linear scan before the parser
 * runs, since that one is recursive: no input can exhaust the stack.
 */
#define QUAY_JSON_MAX_DEPTH		64

/* The OCI distribution-spec expects registries to take at least 4 megabytes. */
#define QUAY_JSON_DEFAULT_MAX_BYTES		(4 * 1024 * 1024)
#define QUAY_JSON_DEFAULT_MAX_ENTRIES	10000

typedef struct QuayJsonLimits
{
	size_t		max_bytes;		/* of the document */
	int			max_entries;	/* of each array or map that is read */
} QuayJsonLimits;

extern const QuayJsonLimits quay_jsoncheck_default_limits;

/*
 * Size, zero bytes, UTF-8 and nesting of a document, in linear time.  True, or
 * false and `error` filled.  `limits` NULL means the default ones.
 */
extern bool quay_jsoncheck_document(const char *data, size_t length,
									const QuayJsonLimits *limits,
									ManifestError *error);

/* A key that occurs twice among `count` keys; NULL if there is none. */
extern const char *quay_jsoncheck_find_duplicate(char **keys, int count);

/* Does Go's JSON decoder take the two for the same key (case folding)? */
extern bool quay_jsoncheck_equal_folded(const char *a, const char *b);

/*
 * Convert a JSON number to an integer from 0 to 2^63-1.  False if it is none:
 * negative, too large, or written with a fraction or exponent.
 */
extern bool quay_jsoncheck_integer(const char *token, int64 *result);

/*
 * Set `error` to MANIFEST_NOT_JSON, with the place where the parser stopped;
 * NULL if that is the end of the document.  PostgreSQL's own text is not used:
 * it differs between versions and quotes without limit.  Always returns false.
 */
extern bool quay_jsoncheck_set_syntax_error(ManifestError *error,
											const char *data, size_t length,
											const char *position,
											bool is_zero_escape);

#endif							/* QUAY_UTIL_JSONCHECK_H */
