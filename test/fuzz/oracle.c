/*-------------------------------------------------------------------------
 *
 * oracle.c
 *	  Second opinions for the fuzz targets: the published grammars, as
 *	  regular expressions, run by the C library.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <regex.h>

#include "mb/pg_wchar.h"

#include "oracle.h"

#define MAX_PATTERNS 16

void
oracle_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
	abort();
}

/* A pattern is compiled once; callers pass the same constant each time. */
static regex_t *
compiled(const char *pattern)
{
	static const char *patterns[MAX_PATTERNS];
	static regex_t regexes[MAX_PATTERNS];
	int			i;

	for (i = 0; i < MAX_PATTERNS && patterns[i] != NULL; i++)
	{
		if (strcmp(patterns[i], pattern) == 0)
			return &regexes[i];
	}
	CHECK(i < MAX_PATTERNS);
	CHECK(regcomp(&regexes[i], pattern, REG_EXTENDED) == 0);
	patterns[i] = pattern;
	return &regexes[i];
}

bool
oracle_matches(const char *pattern, const char *s, size_t length)
{
	char		buffer[ORACLE_MAX_LENGTH + 1];
	regmatch_t	match;

	CHECK(length <= ORACLE_MAX_LENGTH);
	if (length > 0 && memchr(s, '\0', length) != NULL)
		return false;
	if (length > 0)
		memcpy(buffer, s, length);
	buffer[length] = '\0';
	return regexec(compiled(pattern), buffer, 1, &match, 0) == 0 &&
		match.rm_so == 0 && (size_t) match.rm_eo == length;
}

bool
oracle_is_clean(const char *s)
{
	size_t		length = strlen(s);

	for (size_t i = 0; i < length; i++)
	{
		if ((unsigned char) s[i] < ' ' || (unsigned char) s[i] == 0x7F)
			return false;
	}
	return (size_t) pg_encoding_verifymbstr(PG_UTF8, s, (int) length) == length;
}
