/*-------------------------------------------------------------------------
 *
 * digest.c
 *	  Content digests, `algorithm:encoded`.
 *
 * OCI image-spec, descriptor.md, "Digests":
 *
 *		digest              ::= algorithm ":" encoded
 *		algorithm           ::= component (separator component)*
 *		component           ::= [a-z0-9]+
 *		separator           ::= [+._-]
 *		encoded             ::= [a-zA-Z0-9=_-]+
 *
 * and for the registered algorithms sha256 and sha512, encoded is exactly 64
 * or 128 lower-case hexadecimal digits.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <limits.h>

#include "util/digest.h"

static bool
is_component_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_separator_char(char c)
{
	return c == '+' || c == '.' || c == '_' || c == '-';
}

static bool
is_encoded_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '=' || c == '_' || c == '-';
}

static bool
is_lower_hex_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool
is_hex_char(char c)
{
	return is_lower_hex_char(c) || (c >= 'A' && c <= 'F');
}

/* One or more components with single separators between them. */
static bool
is_algorithm(const char *s, size_t length)
{
	bool		after_component = false;

	for (size_t i = 0; i < length; i++)
	{
		if (is_component_char(s[i]))
			after_component = true;
		else if (is_separator_char(s[i]) && after_component)
			after_component = false;
		else
			return false;
	}
	return after_component;
}

static bool
is_encoded(const char *s, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (!is_encoded_char(s[i]))
			return false;
	}
	return length > 0;
}

static bool
is_lower_hex(const char *s, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (!is_lower_hex_char(s[i]))
			return false;
	}
	return true;
}

static QuayDigestAlgorithm
find_algorithm(const char *name, size_t length)
{
	if (length != 6)
		return QUAY_DIGEST_UNKNOWN;
	if (memcmp(name, "sha256", 6) == 0)
		return QUAY_DIGEST_SHA256;
	if (memcmp(name, "sha512", 6) == 0)
		return QUAY_DIGEST_SHA512;
	return QUAY_DIGEST_UNKNOWN;
}

/* What is wrong with the encoded part of a known algorithm; NULL if nothing. */
static const char *
check_hex(QuayDigestAlgorithm algorithm, const char *encoded, size_t length)
{
	if (algorithm == QUAY_DIGEST_SHA256 && length != 64)
		return "A sha256 digest has exactly 64 hexadecimal digits.";
	if (algorithm == QUAY_DIGEST_SHA512 && length != 128)
		return "A sha512 digest has exactly 128 hexadecimal digits.";
	if (!is_lower_hex(encoded, length))
		return "The digits of a digest are 0 to 9 and lower-case a to f.";
	return NULL;
}

/* The grammar alone: sets `parts`, or says what is wrong. */
static const char *
split_digest(const char *digest, size_t length, QuayDigest *parts)
{
	const char *colon;
	size_t		algorithm_length;
	size_t		encoded_length;

	if (length == 0)
		return "The digest is empty.";
	if (length > INT_MAX)
		return "The digest is too long.";
	colon = memchr(digest, ':', length);
	if (colon == NULL)
		return "A digest is an algorithm, a colon and the encoded hash.";
	algorithm_length = colon - digest;
	encoded_length = length - algorithm_length - 1;
	if (!is_algorithm(digest, algorithm_length))
		return "The algorithm before the colon is not legal.";
	if (!is_encoded(colon + 1, encoded_length))
		return "The encoded hash after the colon is not legal.";

	parts->algorithm = find_algorithm(digest, algorithm_length);
	parts->algorithm_name = digest;
	parts->algorithm_length = (int) algorithm_length;
	parts->encoded = colon + 1;
	parts->encoded_length = (int) encoded_length;
	return NULL;
}

QuayDigestStatus
quay_digest_parse(const char *digest, size_t length, QuayDigest *parts,
				  const char **reason)
{
	QuayDigest	found;
	QuayDigestStatus status = QUAY_DIGEST_OK;
	const char *problem;

	problem = split_digest(digest, length, &found);
	if (problem == NULL && found.algorithm != QUAY_DIGEST_UNKNOWN)
		problem = check_hex(found.algorithm, found.encoded,
							found.encoded_length);
	if (problem != NULL)
		status = QUAY_DIGEST_MALFORMED;
	else if (found.algorithm == QUAY_DIGEST_UNKNOWN)
	{
		status = QUAY_DIGEST_UNSUPPORTED;
		problem = "Supported algorithms are sha256 and sha512.";
	}

	if (parts != NULL && status != QUAY_DIGEST_MALFORMED)
		*parts = found;
	if (reason != NULL)
		*reason = problem;
	return status;
}

bool
quay_digest_is_valid(const char *digest, size_t length)
{
	return quay_digest_parse(digest, length, NULL, NULL) == QUAY_DIGEST_OK;
}

/* Length of the algorithm in the reference's grammar; 0 if not a digest. */
static size_t
reference_algorithm_length(const char *digest, size_t length)
{
	const char *colon;
	size_t		algorithm_length;

	if (length == 0 || length > INT_MAX / 2)
		return 0;
	colon = memchr(digest, ':', length);
	if (colon == NULL)
		return 0;
	algorithm_length = colon - digest;
	for (size_t i = 0; i < algorithm_length; i++)
	{
		char		c = digest[i];

		if (!is_encoded_char(c) && c != '+' && c != '.')
			return 0;
		if (c == '=')
			return 0;
	}
	if (algorithm_length + 1 == length)
		return 0;
	for (size_t i = algorithm_length + 1; i < length; i++)
	{
		if (!is_hex_char(digest[i]))
			return 0;
	}
	return algorithm_length;
}

/*
 * "+" and "." of the algorithm become "/", runs of "/" collapse, a leading one
 * goes; then the first two digits, padded to two, and all digits.  Since every
 * "." is replaced, no path can contain "..".
 */
char *
quay_digest_content_path(const char *digest, size_t length)
{
	size_t		algorithm_length = reference_algorithm_length(digest, length);
	const char *hex;
	size_t		hex_length;
	char	   *path;
	char	   *p;

	if (algorithm_length == 0)
		return NULL;
	hex = digest + algorithm_length + 1;
	hex_length = length - algorithm_length - 1;

	/* each part, "/" after the algorithm, "NN/" and the final zero */
	path = p = palloc(algorithm_length + 1 + 3 + hex_length + 1);
	for (size_t i = 0; i < algorithm_length; i++)
	{
		char		c = digest[i];

		if (c == '+' || c == '.')
			c = '/';
		if (c != '/' || (p > path && p[-1] != '/'))
			*p++ = c;
	}
	if (p > path && p[-1] != '/')
		*p++ = '/';
	*p++ = hex_length > 1 ? hex[0] : '0';
	*p++ = hex_length > 1 ? hex[1] : hex[0];
	*p++ = '/';
	memcpy(p, hex, hex_length);
	p[hex_length] = '\0';
	return path;
}

int
quay_digest_compare(const char *a, size_t a_length,
					const char *b, size_t b_length)
{
	size_t		common = Min(a_length, b_length);
	int			order = common > 0 ? memcmp(a, b, common) : 0;

	if (order != 0)
		return order;
	if (a_length == b_length)
		return 0;
	return a_length < b_length ? -1 : 1;
}
