/*-------------------------------------------------------------------------
 *
 * jsoncheck.c
 *	  Checks on JSON text and keys that PostgreSQL's parser does not make.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "mb/pg_wchar.h"

#include "util/jsoncheck.h"

const QuayJsonLimits quay_jsoncheck_default_limits = {
	.max_bytes = QUAY_JSON_DEFAULT_MAX_BYTES,
	.max_entries = QUAY_JSON_DEFAULT_MAX_ENTRIES
};

/*
 * Does the nesting exceed the limit?  Brackets inside strings do not count.
 * The document need not be valid; the parser sees to that.
 */
static bool
is_too_deep(const char *data, size_t length)
{
	bool		in_string = false;
	int			depth = 0;

	for (size_t i = 0; i < length; i++)
	{
		char		c = data[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		}
		else if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
		{
			if (++depth > QUAY_JSON_MAX_DEPTH)
				return true;
		}
		else if (c == '}' || c == ']')
			depth--;
	}
	return false;
}

bool
quay_jsoncheck_document(const char *data, size_t length,
						const QuayJsonLimits *limits, ManifestError *error)
{
	const char *zero;
	int			valid;

	if (limits == NULL)
		limits = &quay_jsoncheck_default_limits;
	if (length == 0)
		return quay_parseerror_set(error, MANIFEST_EMPTY, NULL);
	/* PostgreSQL's lexer counts in int until version 17. */
	if (length > limits->max_bytes || length > INT_MAX / 2)
		return quay_parseerror_set(error, MANIFEST_TOO_LARGE,
								   psprintf("It has %zu bytes; the limit is %zu.",
											length, limits->max_bytes));
	zero = memchr(data, '\0', length);
	if (zero != NULL)
		return quay_parseerror_set(error, MANIFEST_NUL_BYTE,
								   psprintf("The zero byte is at position %zu.",
											(size_t) (zero - data) + 1));
	valid = pg_encoding_verifymbstr(PG_UTF8, data, (int) length);
	if ((size_t) valid != length)
		return quay_parseerror_set(error, MANIFEST_NOT_UTF8,
								   psprintf("The first invalid byte is at position %d.",
											valid + 1));
	if (is_too_deep(data, length))
		return quay_parseerror_set(error, MANIFEST_TOO_DEEP,
								   psprintf("The limit is %d levels.",
											QUAY_JSON_MAX_DEPTH));
	return true;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

const char *
quay_jsoncheck_find_duplicate(char **keys, int count)
{
	char	  **sorted;
	const char *found = NULL;

	if (count < 2)
		return NULL;
	sorted = palloc(sizeof(char *) * count);
	memcpy(sorted, keys, sizeof(char *) * count);
	qsort(sorted, count, sizeof(char *), compare_keys);
	for (int i = 1; i < count && found == NULL; i++)
	{
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			found = sorted[i];
	}
	pfree(sorted);
	return found;
}

/*
 * Next letter of a key under Go's simple case folding, where two characters
 * outside ASCII fold to a letter: U+017F to s and U+212A to k.
 */
static int
next_folded(const char **s)
{
	const unsigned char *p = (const unsigned char *) *s;

	if (p[0] == 0xC5 && p[1] == 0xBF)
	{
		*s += 2;
		return 's';
	}
	if (p[0] == 0xE2 && p[1] == 0x84 && p[2] == 0xAA)
	{
		*s += 3;
		return 'k';
	}
	if (p[0] != '\0')
		*s += 1;
	return pg_ascii_tolower(p[0]);
}

bool
quay_jsoncheck_equal_folded(const char *a, const char *b)
{
	int			c;

	do
	{
		c = next_folded(&a);
		if (c != next_folded(&b))
			return false;
	} while (c != '\0');
	return true;
}

/* Digits only: JSON also knows signs, fractions and exponents. */
bool
quay_jsoncheck_integer(const char *token, int64 *result)
{
	uint64		number = 0;

	for (const char *p = token; *p != '\0'; p++)
	{
		int			digit = *p - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (number > ((uint64) PG_INT64_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*result = (int64) number;
	return true;
}

bool
quay_jsoncheck_set_syntax_error(ManifestError *error, const char *data,
								size_t length, const char *position,
								bool is_zero_escape)
{
	size_t		offset = position != NULL ? (size_t) (position - data) : length;
	char	   *near;
	char	   *detail;

	if (is_zero_escape)
		detail = pstrdup("\\u0000 cannot be converted to text.");
	else if (offset >= length)
		detail = pstrdup("The document ends unexpectedly.");
	else
	{
		near = quay_parseerror_shorten(data + offset, length - offset,
									   QUAY_ERROR_QUOTE_LENGTH);
		detail = psprintf("Unexpected input at byte %zu: \"%s\".", offset + 1,
						  near);
		pfree(near);
	}
	return quay_parseerror_set(error, MANIFEST_NOT_JSON, detail);
}
