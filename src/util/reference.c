/*-------------------------------------------------------------------------
 *
 * reference.c
 *	  Names that a client sends: repositories, namespaces, robots, tags,
 *	  references and token durations.
 *
 * Tags: OCI distribution-spec, "Pulling manifests".  Repositories: a superset
 * of the distribution-spec's <name>, since existing registries hold names
 * with trailing or mixed separators; without "..", which that grammar does
 * not have either.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "common/int.h"

#include "util/digest.h"
#include "util/reference.h"

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_separator(char c)
{
	return c == '.' || c == '_' || c == '-';
}

const char *
quay_reference_status_text(QuayNameStatus status)
{
	switch (status)
	{
		case QUAY_NAME_OK:
			return NULL;
		case QUAY_NAME_EMPTY:
			return "The name is empty.";
		case QUAY_NAME_TOO_SHORT:
			return "The name must have at least 2 characters.";
		case QUAY_NAME_TOO_LONG:
			return "The name is too long: repository, namespace and robot names "
				"have at most 255 characters, tag names at most 128.";
		case QUAY_NAME_NOT_ASCII:
			return "The name contains a character that is not ASCII.";
		case QUAY_NAME_SPACE:
			return "The name contains white space or a control character.";
		case QUAY_NAME_UPPER_CASE:
			return "The name contains an upper-case letter.";
		case QUAY_NAME_CHARACTER:
			return "The name contains a character that is not allowed.";
		case QUAY_NAME_START:
			return "The name, or a component of it, starts with a character "
				"that is not allowed there.";
		case QUAY_NAME_END:
			return "The name ends with a separator.";
		case QUAY_NAME_SEPARATORS:
			return "The name contains two separators in a row.";
		case QUAY_NAME_DOTS:
			return "The name contains two dots in a row.";
		case QUAY_NAME_EMPTY_COMPONENT:
			return "The name has an empty component before, after or between "
				"slashes.";
		case QUAY_NAME_NO_PLUS:
			return "A robot's full name is its namespace, \"+\" and its short "
				"name.";
		case QUAY_NAME_PLUS:
			return "A robot's full name contains exactly one \"+\".";
		case QUAY_NAME_DIGEST:
			return "The reference contains a colon but is not a digest.";
		case QUAY_NAME_DIGEST_ALGORITHM:
			return "The reference is a digest of an unsupported algorithm; "
				"supported are sha256 and sha512.";
		case QUAY_NAME_DURATION:
			return "A duration is a whole number and a unit, as in \"2w\".";
		case QUAY_NAME_DURATION_UNIT:
			return "The unit of a duration is one of s, m, h, d, w and y.";
		case QUAY_NAME_DURATION_RANGE:
			return "The duration is out of range.";
	}
	return "The name is not legal.";
}

/* Why a character that is legal nowhere in this kind of name is not. */
static QuayNameStatus
bad_character(char c)
{
	unsigned char byte = (unsigned char) c;

	if (byte >= 0x80)
		return QUAY_NAME_NOT_ASCII;
	if (byte <= ' ' || byte == 0x7F)
		return QUAY_NAME_SPACE;
	if (is_upper(c))
		return QUAY_NAME_UPPER_CASE;
	return QUAY_NAME_CHARACTER;
}

QuayNameStatus
quay_reference_check_repository(const char *name, size_t length)
{
	char		previous = '/';

	if (length == 0)
		return QUAY_NAME_EMPTY;
	if (length > QUAY_REPOSITORY_MAX_LENGTH)
		return QUAY_NAME_TOO_LONG;

	for (size_t i = 0; i < length; i++)
	{
		char		c = name[i];

		if (c == '/')
		{
			if (previous == '/')
				return QUAY_NAME_EMPTY_COMPONENT;
		}
		else if (is_separator(c))
		{
			if (previous == '/')
				return QUAY_NAME_START;
			if (c == '.' && previous == '.')
				return QUAY_NAME_DOTS;
		}
		else if (!is_lower(c) && !is_digit(c))
			return bad_character(c);
		previous = c;
	}
	return previous == '/' ? QUAY_NAME_EMPTY_COMPONENT : QUAY_NAME_OK;
}

QuayNameStatus
quay_reference_check_namespace(const char *name, size_t length)
{
	bool		after_separator = true;

	if (length == 0)
		return QUAY_NAME_EMPTY;
	if (length < QUAY_NAMESPACE_MIN_LENGTH)
		return QUAY_NAME_TOO_SHORT;
	if (length > QUAY_NAMESPACE_MAX_LENGTH)
		return QUAY_NAME_TOO_LONG;

	for (size_t i = 0; i < length; i++)
	{
		char		c = name[i];

		if (is_separator(c))
		{
			if (after_separator)
				return i == 0 ? QUAY_NAME_START : QUAY_NAME_SEPARATORS;
			after_separator = true;
		}
		else if (is_lower(c) || is_digit(c))
			after_separator = false;
		else
			return bad_character(c);
	}
	return after_separator ? QUAY_NAME_END : QUAY_NAME_OK;
}

QuayNameStatus
quay_reference_check_tag(const char *name, size_t length)
{
	if (length == 0)
		return QUAY_NAME_EMPTY;
	if (length > QUAY_TAG_MAX_LENGTH)
		return QUAY_NAME_TOO_LONG;

	for (size_t i = 0; i < length; i++)
	{
		char		c = name[i];

		if (is_lower(c) || is_upper(c) || is_digit(c) || c == '_')
			continue;
		if (!is_separator(c))
			return bad_character(c);
		if (i == 0)
			return QUAY_NAME_START;
	}
	return QUAY_NAME_OK;
}

QuayNameStatus
quay_reference_split_robot(const char *name, size_t length,
						   QuayRobotName *parts)
{
	const char *plus;
	size_t		namespace_length;
	size_t		shortname_length;
	QuayNameStatus status;

	if (length == 0)
		return QUAY_NAME_EMPTY;
	if (length > QUAY_NAMESPACE_MAX_LENGTH)
		return QUAY_NAME_TOO_LONG;
	plus = memchr(name, '+', length);
	if (plus == NULL)
		return QUAY_NAME_NO_PLUS;
	namespace_length = plus - name;
	shortname_length = length - namespace_length - 1;
	if (memchr(plus + 1, '+', shortname_length) != NULL)
		return QUAY_NAME_PLUS;

	status = quay_reference_check_namespace(name, namespace_length);
	if (status == QUAY_NAME_OK)
		status = quay_reference_check_namespace(plus + 1, shortname_length);
	if (status == QUAY_NAME_OK && parts != NULL)
	{
		parts->namespace_name = name;
		parts->namespace_length = (int) namespace_length;
		parts->shortname = plus + 1;
		parts->shortname_length = (int) shortname_length;
	}
	return status;
}

QuayNameStatus
quay_reference_parse(const char *reference, size_t length,
					 QuayReferenceKind *kind)
{
	QuayNameStatus status;

	*kind = QUAY_REFERENCE_INVALID;
	if (length == 0)
		return QUAY_NAME_EMPTY;

	/* No tag name contains a colon, every digest does. */
	if (memchr(reference, ':', length) == NULL)
	{
		status = quay_reference_check_tag(reference, length);
		if (status == QUAY_NAME_OK)
			*kind = QUAY_REFERENCE_TAG;
		return status;
	}

	switch (quay_digest_parse(reference, length, NULL, NULL))
	{
		case QUAY_DIGEST_OK:
			*kind = QUAY_REFERENCE_DIGEST;
			return QUAY_NAME_OK;
		case QUAY_DIGEST_UNSUPPORTED:
			return QUAY_NAME_DIGEST_ALGORITHM;
		case QUAY_DIGEST_MALFORMED:
			break;
	}
	return QUAY_NAME_DIGEST;
}

bool
quay_reference_is_cosign_tag(const char *name, size_t length)
{
	static const char *const suffixes[] = {".sig", ".att", ".sbom"};
	const size_t stem = 7 + 64;

	if (length <= stem || memcmp(name, "sha256-", 7) != 0)
		return false;
	for (size_t i = 7; i < stem; i++)
	{
		if (!is_digit(name[i]) && !(name[i] >= 'a' && name[i] <= 'f'))
			return false;
	}
	for (int i = 0; i < (int) lengthof(suffixes); i++)
	{
		size_t		suffix_length = strlen(suffixes[i]);

		if (length == stem + suffix_length &&
			memcmp(name + stem, suffixes[i], suffix_length) == 0)
			return true;
	}
	return false;
}

/* Seconds of a duration's unit; 0 if it is none. */
static int64
unit_seconds(char unit)
{
	switch (unit)
	{
		case 's':
			return 1;
		case 'm':
			return 60;
		case 'h':
			return 60 * 60;
		case 'd':
			return 24 * 60 * 60;
		case 'w':
			return 7 * 24 * 60 * 60;
		case 'y':
			return 365 * 24 * 60 * 60;
		default:
			return 0;
	}
}

QuayNameStatus
quay_reference_parse_duration(const char *text, size_t length, int64 *seconds)
{
	int64		number = 0;
	int64		unit;

	if (length < 2)
		return QUAY_NAME_DURATION;
	for (size_t i = 0; i < length - 1; i++)
	{
		if (!is_digit(text[i]))
			return QUAY_NAME_DURATION;
		if (pg_mul_s64_overflow(number, 10, &number) ||
			pg_add_s64_overflow(number, text[i] - '0', &number))
			return QUAY_NAME_DURATION_RANGE;
	}
	if (is_digit(text[length - 1]))
		return QUAY_NAME_DURATION;
	unit = unit_seconds(text[length - 1]);
	if (unit == 0)
		return QUAY_NAME_DURATION_UNIT;
	if (pg_mul_s64_overflow(number, unit, &number))
		return QUAY_NAME_DURATION_RANGE;
	*seconds = number;
	return QUAY_NAME_OK;
}
