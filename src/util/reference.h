/*-------------------------------------------------------------------------
 *
 * reference.h
 *	  Names that a client sends: repositories, namespaces, robots, tags,
 *	  references and token durations.
 *
 * Every function takes a length and never looks past it.  Ends are strict:
 * unlike a regular expression that ends in "$", a trailing newline is an
 * illegal character.  All names are ASCII.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_REFERENCE_H
#define QUAY_UTIL_REFERENCE_H

#include "util/pure.h"

#define QUAY_REPOSITORY_MAX_LENGTH	255
#define QUAY_NAMESPACE_MIN_LENGTH	2
#define QUAY_NAMESPACE_MAX_LENGTH	255
#define QUAY_TAG_MAX_LENGTH			128

/* Why a name is illegal; QUAY_NAME_OK is 0. */
typedef enum QuayNameStatus
{
	QUAY_NAME_OK = 0,
	QUAY_NAME_EMPTY,
	QUAY_NAME_TOO_SHORT,
	QUAY_NAME_TOO_LONG,
	QUAY_NAME_NOT_ASCII,
	QUAY_NAME_SPACE,			/* white space or a control character */
	QUAY_NAME_UPPER_CASE,
	QUAY_NAME_CHARACTER,		/* any other character not allowed here */
	QUAY_NAME_START,			/* first character (of a component) */
	QUAY_NAME_END,				/* last character is a separator */
	QUAY_NAME_SEPARATORS,		/* two separators in a row */
	QUAY_NAME_DOTS,				/* ".." */
	QUAY_NAME_EMPTY_COMPONENT,	/* leading, trailing or doubled "/" */
	QUAY_NAME_NO_PLUS,			/* robot name without "+" */
	QUAY_NAME_PLUS,				/* robot name with more than one "+" */
	QUAY_NAME_DIGEST,			/* has ":", but is not a digest */
	QUAY_NAME_DIGEST_ALGORITHM, /* digest of an unsupported algorithm */
	QUAY_NAME_DURATION,			/* not an integer and a unit */
	QUAY_NAME_DURATION_UNIT,	/* unit is none of s m h d w y */
	QUAY_NAME_DURATION_RANGE	/* more seconds than fit into 64 bits */
} QuayNameStatus;

typedef enum QuayReferenceKind
{
	QUAY_REFERENCE_INVALID = 0,
	QUAY_REFERENCE_TAG,
	QUAY_REFERENCE_DIGEST
} QuayReferenceKind;

/* The halves of a robot's full name; both pointers point into the input. */
typedef struct QuayRobotName
{
	const char *namespace_name;
	int			namespace_length;
	const char *shortname;
	int			shortname_length;
} QuayRobotName;

/*
 * A constant sentence that says what is wrong, usable as an error DETAIL.
 * NULL for QUAY_NAME_OK.
 */
extern const char *quay_reference_status_text(QuayNameStatus status);

/*
 * Repository name: components `[a-z0-9][.a-z0-9_-]*` joined by "/", at most
 * 255 bytes.  No component contains "..": the distribution-spec grammar has
 * no such name, and it must never reach a path.
 */
extern QuayNameStatus quay_reference_check_repository(const char *name,
													  size_t length);

/*
 * Name of a user, organization or team, and short name of a robot:
 * `[a-z0-9]+(?:[._-][a-z0-9]+)*`, 2 to 255 bytes.
 */
extern QuayNameStatus quay_reference_check_namespace(const char *name,
													 size_t length);

/* Tag name: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`. */
extern QuayNameStatus quay_reference_check_tag(const char *name, size_t length);

/*
 * Robot full name `namespace+shortname`: exactly one "+", both halves legal
 * by quay_reference_check_namespace(), at most 255 bytes together.  `parts`
 * is filled when legal, and may be NULL.
 */
extern QuayNameStatus quay_reference_split_robot(const char *name,
												 size_t length,
												 QuayRobotName *parts);

/*
 * Reference of a manifest: a digest if it contains ":", else a tag name.
 * `kind` is set to INVALID unless the result is QUAY_NAME_OK.
 */
extern QuayNameStatus quay_reference_parse(const char *reference,
										   size_t length,
										   QuayReferenceKind *kind);

/*
 * Is this tag name one that Cosign derives from a digest: `sha256-`, 64
 * lower-case hexadecimal digits, then `.sig`, `.att` or `.sbom`?
 */
extern bool quay_reference_is_cosign_tag(const char *name, size_t length);

/*
 * Duration `<digits><unit>`, unit one of s m h d w y (m is minutes, y is 365
 * days), no sign, no blanks: into seconds.
 */
extern QuayNameStatus quay_reference_parse_duration(const char *text,
													size_t length,
													int64 *seconds);

#endif							/* QUAY_UTIL_REFERENCE_H */
