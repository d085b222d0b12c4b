/*-------------------------------------------------------------------------
 *
 * parseerror.h
 *	  How the JSON document parsers report what is wrong.
 *
 * Nothing in src/util raises an error.  A parser fills a ManifestError; in
 * the server its caller turns that into ereport().
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_PARSEERROR_H
#define QUAY_UTIL_PARSEERROR_H

#include "util/pure.h"

/* An offending value is quoted with at most this many characters. */
#define QUAY_ERROR_QUOTE_LENGTH 80

typedef enum ManifestErrorCode
{
	MANIFEST_OK = 0,

	/* the document as bytes */
	MANIFEST_TOO_LARGE,			/* more bytes than the limit */
	MANIFEST_EMPTY,				/* no bytes at all */
	MANIFEST_NUL_BYTE,			/* contains a zero byte */
	MANIFEST_NOT_UTF8,			/* contains invalid UTF-8 */
	MANIFEST_TOO_DEEP,			/* nested deeper than the limit */
	MANIFEST_NOT_JSON,			/* not a JSON document */

	/* the document as JSON */
	MANIFEST_NOT_OBJECT,		/* the document is not an object */
	MANIFEST_DUPLICATE_KEY,		/* the same key twice in one object */
	MANIFEST_KEY_CASE,			/* a key that differs from a field in case only */
	MANIFEST_MISSING_FIELD,		/* a required field is absent or null */
	MANIFEST_WRONG_TYPE,		/* a field has another JSON type */
	MANIFEST_BAD_NUMBER,		/* not an integer from 0 to 2^63-1 */
	MANIFEST_TOO_MANY,			/* an array or map longer than the limit */

	/* the document as a manifest */
	MANIFEST_UNKNOWN_TYPE,		/* media type is not that of a manifest */
	MANIFEST_TYPE_MISMATCH,		/* declared type and mediaType differ */
	MANIFEST_AMBIGUOUS,			/* fields of two kinds (CVE-2021-41190) */
	MANIFEST_SCHEMA_VERSION,	/* schemaVersion is not that of the kind */
	MANIFEST_BAD_MEDIA_TYPE,	/* violates RFC 6838 */
	MANIFEST_WRONG_MEDIA_TYPE,	/* well-formed, but not allowed there */
	MANIFEST_BAD_DIGEST,		/* not a digest */
	MANIFEST_UNSUPPORTED_DIGEST,	/* a digest of an unknown algorithm */
	MANIFEST_MISSING_URLS,		/* foreign layer without urls */
	MANIFEST_SIZE_OVERFLOW,		/* sum of sizes above 2^63-1 */
	MANIFEST_BAD_DATA,			/* embedded data is not the content */
	MANIFEST_BAD_SIGNATURE,		/* a signature does not hold (schema 1) */
	MANIFEST_BAD_HISTORY,		/* layers and history disagree (schema 1) */

	/* the image configuration */
	MANIFEST_BAD_ROOTFS			/* rootfs.type is not "layers" */
} ManifestErrorCode;

typedef struct ManifestError
{
	ManifestErrorCode code;
	const char *message;		/* constant, PostgreSQL style, no period */
	char	   *detail;			/* palloc'd sentence, or NULL */
	const char *hint;			/* constant sentence, or NULL */
} ManifestError;

/* Name of a code, without the prefix, in lower case: `duplicate_key`. */
extern const char *quay_parseerror_code_name(ManifestErrorCode code);

/*
 * Set `error` from a code: message and hint are the code's own, `detail` is
 * taken over (NULL allowed).  Always returns false, for `return` statements.
 */
extern bool quay_parseerror_set(ManifestError *error, ManifestErrorCode code,
								char *detail);

/*
 * The same, with a detail that shows the offending value of a field, shortened,
 * and the sentence `reason`, if not NULL.  Always returns false.
 */
extern bool quay_parseerror_set_value(ManifestError *error,
									  ManifestErrorCode code, const char *path,
									  const char *value, const char *reason);

/*
 * Copy a text for quoting: at most `limit` characters, then "..." if some were
 * left out; control characters become "?".  Bytes that are not UTF-8 become
 * "?" too, so the result is always valid.  palloc'd.
 */
extern char *quay_parseerror_shorten(const char *text, size_t length,
									 int limit);

#endif							/* QUAY_UTIL_PARSEERROR_H */
