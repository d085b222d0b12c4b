/*-------------------------------------------------------------------------
 *
 * jsonwalk.h
 *	  Reads a JSON document into C structs, guided by a table.
 *
 * The lexer and parser are PostgreSQL's own (common/jsonapi.h).  A shape
 * lists the members of an object that matter, with their type and the place
 * in a struct where they go; other members are skipped.  A document that does
 * not fit its shape is refused with the path of the offending value.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_JSONWALK_H
#define QUAY_UTIL_JSONWALK_H

#include "util/pure.h"
#include "util/jsoncheck.h"
#include "util/parseerror.h"

/* String keys and values, in document order; keys are distinct. */
typedef struct QuayTextMap
{
	char	  **keys;
	char	  **values;
	int			count;
	int			capacity;
} QuayTextMap;

/* An array of structs; their type is known to whoever wrote the shape. */
typedef struct QuayJsonList
{
	void	   *items;
	int			count;
	int			capacity;
	bool		present;		/* tells an empty array from none */
} QuayJsonList;

/* What a member must be, and what is stored at its offset. */
typedef enum QuayJsonKind
{
	QUAY_JSON_TEXT,				/* string: char * */
	QUAY_JSON_INTEGER,			/* integer from 0 to 2^63-1: int64 */
	QUAY_JSON_BOOLEAN,			/* true or false: bool */
	QUAY_JSON_OBJECT,			/* object: pointer to a struct */
	QUAY_JSON_LIST,				/* array of objects: QuayJsonList */
	QUAY_JSON_TEXT_COUNT,		/* array of strings: int, their number */
	QUAY_JSON_MAP,				/* object with string values: QuayTextMap */
	QUAY_JSON_SEEN				/* anything, even null: bool, true */
} QuayJsonKind;

typedef struct QuayJsonShape QuayJsonShape;

typedef struct QuayJsonField
{
	const char *name;
	QuayJsonKind kind;
	bool		required;
	Size		offset;
	const QuayJsonShape *shape; /* for OBJECT and LIST: of the object(s) */
} QuayJsonField;

struct QuayJsonShape
{
	const QuayJsonField *fields;
	int			nfields;		/* at most 32 */
	Size		size;			/* of the struct */
};

/*
 * Read a document whose top level is an object of this shape into `target`,
 * which the caller has zeroed.  A member that is null counts as absent.
 * `limits` NULL means the default ones.  True, or false and `error` filled.
 */
extern bool quay_jsonwalk_read(const char *data, size_t length,
							   const QuayJsonLimits *limits,
							   const QuayJsonShape *shape, void *target,
							   ManifestError *error);

#endif							/* QUAY_UTIL_JSONWALK_H */
