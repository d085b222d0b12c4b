/*-------------------------------------------------------------------------
 *
 * fuzz_digest.c
 *	  Fuzz target: digests.
 *
 * The first line of the input, up to a newline, is also compared with the
 * rest, so that both arguments of quay_digest_compare() vary.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/digest.h"

#include "arena.h"
#include "oracle.h"

#define OCI_DIGEST "^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"
#define SUPPORTED_DIGEST "^(sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$"
#define REFERENCE_DIGEST "^[A-Za-z0-9_+.-]+:[A-Fa-f0-9]+$"

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_parse(const char *s, size_t length)
{
	QuayDigest	parts;
	const char *reason;
	QuayDigestStatus status = quay_digest_parse(s, length, &parts, &reason);

	CHECK((status == QUAY_DIGEST_OK) == (reason == NULL));
	CHECK(quay_digest_is_valid(s, length) == (status == QUAY_DIGEST_OK));
	if (status == QUAY_DIGEST_OK)
	{
		CHECK(length == 71 || length == QUAY_DIGEST_MAX_LENGTH);
		CHECK(parts.algorithm != QUAY_DIGEST_UNKNOWN);
	}
	if (status != QUAY_DIGEST_MALFORMED)
	{
		CHECK(parts.algorithm_name == s);
		CHECK(parts.encoded == s + parts.algorithm_length + 1);
		CHECK((size_t) parts.algorithm_length + 1 + parts.encoded_length == length);
	}
	if (length <= ORACLE_MAX_LENGTH)
	{
		bool		legal = oracle_matches(OCI_DIGEST, s, length);

		CHECK(oracle_matches(SUPPORTED_DIGEST, s, length) == (status == QUAY_DIGEST_OK));
		CHECK(legal || status == QUAY_DIGEST_MALFORMED);
		/* a known algorithm narrows the grammar */
		if (legal && status == QUAY_DIGEST_MALFORMED)
			CHECK(memcmp(s, "sha256:", 7) == 0 || memcmp(s, "sha512:", 7) == 0);
	}
}

static void
check_content_path(const char *s, size_t length)
{
	char	   *path = quay_digest_content_path(s, length);

	if (length <= ORACLE_MAX_LENGTH)
		CHECK((path != NULL) == oracle_matches(REFERENCE_DIGEST, s, length));
	if (quay_digest_is_valid(s, length))
		CHECK(path != NULL);
	if (path == NULL)
		return;
	CHECK(path[0] != '/' && path[0] != '\0');
	CHECK(strchr(path, '.') == NULL);
	CHECK(strstr(path, "//") == NULL);
	CHECK(strlen(path) <= length + 3);
}

static void
check_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int			forward = quay_digest_compare(a, a_length, b, b_length);
	int			backward = quay_digest_compare(b, b_length, a, a_length);

	CHECK(quay_digest_compare(a, a_length, a, a_length) == 0);
	CHECK((forward < 0) == (backward > 0));
	CHECK((forward == 0) == (backward == 0));
	if (forward == 0)
		CHECK(a_length == b_length);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *s = (const char *) data;
	const char *newline = size > 0 ? memchr(s, '\n', size) : NULL;

	check_parse(s, size);
	check_content_path(s, size);
	if (newline != NULL)
	{
		size_t		first = newline - s;

		check_parse(s, first);
		check_content_path(s, first);
		check_compare(s, first, newline + 1, size - first - 1);
	}
	arena_reset();
	return 0;
}
