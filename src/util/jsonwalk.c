/*-------------------------------------------------------------------------
 *
 * jsonwalk.c
 *	  Reads a JSON document into C structs, guided by a table.
 *
 * The walker keeps one frame per open object or array that it reads, and a
 * count of open levels while it skips a value that no shape mentions.  The
 * first failure is latched: before PostgreSQL 16 a semantic action cannot end
 * the parse, so all actions do nothing from then on.
 *
 * A key that occurs twice in one object is refused, since readers disagree on
 * which one counts.  So is a key that differs from a known one in case only:
 * Go's JSON decoder, which most clients use, takes the two for the same.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "util/jsonwalk.h"

typedef enum FrameKind
{
	FRAME_OBJECT,
	FRAME_MAP,
	FRAME_LIST,
	FRAME_TEXT_COUNT
} FrameKind;

typedef struct Frame
{
	FrameKind	kind;
	const QuayJsonShape *shape; /* OBJECT: its own, LIST: its elements' */
	void	   *target;			/* struct, QuayTextMap, QuayJsonList or int */

	/* OBJECT and MAP: whose value comes next */
	const QuayJsonField *field; /* NULL if no shape mentions it */
	char	   *key;

	/* OBJECT: bits of the shape's fields, and the other keys */
	uint32		seen;
	uint32		filled;			/* has a value that is not null */
	QuayJsonList others;
} Frame;

typedef struct Walker
{
	const QuayJsonLimits *limits;
	const QuayJsonShape *shape;
	void	   *target;
	ManifestError *error;
	bool		failed;
	int			depth;			/* frames in use */
	int			skipped;		/* open levels of the value being skipped */
	Frame		frames[QUAY_JSON_MAX_DEPTH];
} Walker;

/* An array with room for one more entry of `size` bytes. */
static void *
enlarge_array(void *items, int count, int *capacity, Size size)
{
	if (count < *capacity)
		return items;
	*capacity = count == 0 ? 8 : count * 2;
	if (items == NULL)
		return palloc(size * *capacity);
	return repalloc(items, size * *capacity);
}

/* Append a zeroed entry of `size` bytes and return it. */
static void *
append_entry(QuayJsonList *list, Size size)
{
	char	   *entry;

	list->items = enlarge_array(list->items, list->count, &list->capacity, size);
	entry = (char *) list->items + size * list->count;
	list->count++;
	return memset(entry, 0, size);
}

/*
 * Where we are: `layers[3].annotations["key"]`.  Of the frames below the top
 * one, a list's last element is the open one; in the top frame it is the next.
 */
static char *
current_path(Walker *walker)
{
	StringInfoData path;

	initStringInfo(&path);
	for (int i = 0; i < walker->depth; i++)
	{
		Frame	   *frame = &walker->frames[i];
		int			open = i < walker->depth - 1 ? 1 : 0;

		switch (frame->kind)
		{
			case FRAME_OBJECT:
				if (frame->field != NULL)
					appendStringInfo(&path, "%s%s", path.len > 0 ? "." : "",
									 frame->field->name);
				break;
			case FRAME_MAP:
				appendStringInfo(&path, "[\"%s\"]",
								 quay_parseerror_shorten(frame->key, strlen(frame->key),
														 QUAY_ERROR_QUOTE_LENGTH));
				break;
			case FRAME_LIST:
				appendStringInfo(&path, "[%d]",
								 ((QuayJsonList *) frame->target)->count - open);
				break;
			case FRAME_TEXT_COUNT:
				appendStringInfo(&path, "[%d]", *(int *) frame->target);
				break;
		}
	}
	return path.data;
}

static const char *
type_name(JsonTokenType type)
{
	switch (type)
	{
		case JSON_TOKEN_STRING:
			return "a string";
		case JSON_TOKEN_NUMBER:
			return "a number";
		case JSON_TOKEN_OBJECT_START:
			return "an object";
		case JSON_TOKEN_ARRAY_START:
			return "an array";
		case JSON_TOKEN_TRUE:
		case JSON_TOKEN_FALSE:
			return "a boolean";
		case JSON_TOKEN_NULL:
			return "null";
		default:
			return "something else";
	}
}

/* The next value must be of the expected type; JSON_TOKEN_INVALID is any. */
static bool
check_type(Walker *walker, JsonTokenType expected, JsonTokenType type)
{
	if (expected == JSON_TOKEN_INVALID || expected == type ||
		(expected == JSON_TOKEN_TRUE && type == JSON_TOKEN_FALSE))
		return true;
	return quay_parseerror_set(walker->error, MANIFEST_WRONG_TYPE,
							   psprintf("Field %s must be %s, not %s.",
										current_path(walker),
										type_name(expected), type_name(type)));
}

static bool
fail_too_many(Walker *walker)
{
	return quay_parseerror_set(walker->error, MANIFEST_TOO_MANY,
							   psprintf("The limit is %d entries in one array or object.",
										walker->limits->max_entries));
}

static bool
fail_duplicate(Walker *walker, const char *key)
{
	return quay_parseerror_set(walker->error, MANIFEST_DUPLICATE_KEY,
							   psprintf("Key \"%s\" occurs twice in one object.",
										quay_parseerror_shorten(key, strlen(key),
																QUAY_ERROR_QUOTE_LENGTH)));
}

static bool
fail_case(Walker *walker, const char *key, const char *name)
{
	return quay_parseerror_set(walker->error, MANIFEST_KEY_CASE,
							   psprintf("Key \"%s\" differs from \"%s\" in case only.",
										quay_parseerror_shorten(key, strlen(key),
																QUAY_ERROR_QUOTE_LENGTH),
										name));
}

static Frame *
top_frame(Walker *walker)
{
	Assert(walker->depth > 0);
	return &walker->frames[walker->depth - 1];
}

/* The check before parsing bounds the depth, so there is always room. */
static bool
push_frame(Walker *walker, FrameKind kind, const QuayJsonShape *shape,
		   void *target)
{
	Frame	   *frame;

	Assert(walker->depth < QUAY_JSON_MAX_DEPTH);
	frame = &walker->frames[walker->depth++];
	memset(frame, 0, sizeof(Frame));
	frame->kind = kind;
	frame->shape = shape;
	frame->target = target;
	return true;
}

/* Place of the current field's value in the struct of an object. */
static void *
field_slot(Frame *frame)
{
	return (char *) frame->target + frame->field->offset;
}

static void
mark_filled(Frame *frame)
{
	frame->filled |= (uint32) 1 << (frame->field - frame->shape->fields);
}

/* What the next value must begin with; JSON_TOKEN_INVALID if anything will do. */
static JsonTokenType
expected_token(const Frame *frame)
{
	if (frame->kind == FRAME_MAP || frame->kind == FRAME_TEXT_COUNT)
		return JSON_TOKEN_STRING;
	if (frame->kind == FRAME_LIST)
		return JSON_TOKEN_OBJECT_START;
	if (frame->field == NULL)
		return JSON_TOKEN_INVALID;
	switch (frame->field->kind)
	{
		case QUAY_JSON_TEXT:
			return JSON_TOKEN_STRING;
		case QUAY_JSON_INTEGER:
			return JSON_TOKEN_NUMBER;
		case QUAY_JSON_BOOLEAN:
			return JSON_TOKEN_TRUE;
		case QUAY_JSON_OBJECT:
		case QUAY_JSON_MAP:
			return JSON_TOKEN_OBJECT_START;
		case QUAY_JSON_LIST:
		case QUAY_JSON_TEXT_COUNT:
			return JSON_TOKEN_ARRAY_START;
		case QUAY_JSON_SEEN:
			break;
	}
	return JSON_TOKEN_INVALID;
}

/* The object or array that begins is the value of a known field. */
static bool
open_field(Walker *walker, Frame *frame)
{
	const QuayJsonField *field = frame->field;
	void	   *slot = field_slot(frame);

	mark_filled(frame);
	switch (field->kind)
	{
		case QUAY_JSON_OBJECT:
			*(void **) slot = palloc0(field->shape->size);
			return push_frame(walker, FRAME_OBJECT, field->shape, *(void **) slot);
		case QUAY_JSON_MAP:
			return push_frame(walker, FRAME_MAP, NULL, slot);
		case QUAY_JSON_LIST:
			((QuayJsonList *) slot)->present = true;
			return push_frame(walker, FRAME_LIST, field->shape, slot);
		case QUAY_JSON_TEXT_COUNT:
			return push_frame(walker, FRAME_TEXT_COUNT, NULL, slot);
		case QUAY_JSON_TEXT:
		case QUAY_JSON_INTEGER:
		case QUAY_JSON_BOOLEAN:
		case QUAY_JSON_SEEN:
			break;
	}
	walker->skipped = 1;
	return true;
}

/* The object that begins is an element of a list. */
static bool
open_element(Walker *walker, Frame *frame)
{
	QuayJsonList *list = frame->target;
	void	   *element;

	if (list->count >= walker->limits->max_entries)
		return fail_too_many(walker);
	element = append_entry(list, frame->shape->size);
	return push_frame(walker, FRAME_OBJECT, frame->shape, element);
}

static bool
count_element(Walker *walker, Frame *frame)
{
	int		   *count = frame->target;

	if (*count >= walker->limits->max_entries)
		return fail_too_many(walker);
	*count += 1;
	return true;
}

/* An object or array begins. */
static bool
open_value(Walker *walker, JsonTokenType type)
{
	Frame	   *frame;

	if (walker->depth == 0)
	{
		if (type != JSON_TOKEN_OBJECT_START)
			return quay_parseerror_set(walker->error, MANIFEST_NOT_OBJECT, NULL);
		return push_frame(walker, FRAME_OBJECT, walker->shape, walker->target);
	}

	frame = top_frame(walker);
	if (!check_type(walker, expected_token(frame), type))
		return false;
	if (frame->kind == FRAME_LIST)
		return open_element(walker, frame);
	if (frame->kind == FRAME_OBJECT && frame->field != NULL)
		return open_field(walker, frame);
	walker->skipped = 1;
	return true;
}

/* A string is the value of a map's current key; both are kept. */
static bool
add_to_map(Walker *walker, Frame *frame, char *value)
{
	QuayTextMap *map = frame->target;
	int			capacity;

	if (map->count >= walker->limits->max_entries)
		return fail_too_many(walker);
	capacity = map->capacity;
	map->keys = enlarge_array(map->keys, map->count, &capacity, sizeof(char *));
	map->values = enlarge_array(map->values, map->count, &map->capacity,
								sizeof(char *));
	map->keys[map->count] = frame->key;
	map->values[map->count] = value;
	map->count++;
	frame->key = NULL;
	return true;
}

/* A scalar is the value of a field; null makes the field absent. */
static bool
read_field(Walker *walker, Frame *frame, char *token, JsonTokenType type,
		   bool *kept)
{
	if (frame->field == NULL || type == JSON_TOKEN_NULL)
		return true;
	if (!check_type(walker, expected_token(frame), type))
		return false;
	mark_filled(frame);
	if (frame->field->kind == QUAY_JSON_TEXT)
	{
		*(char **) field_slot(frame) = token;
		*kept = true;
	}
	else if (frame->field->kind == QUAY_JSON_BOOLEAN)
		*(bool *) field_slot(frame) = (type == JSON_TOKEN_TRUE);
	else if (frame->field->kind == QUAY_JSON_INTEGER &&
			 !quay_jsoncheck_integer(token, field_slot(frame)))
		return quay_parseerror_set_value(walker->error, MANIFEST_BAD_NUMBER,
										 current_path(walker), token, NULL);
	return true;
}

/* Sets *kept if the token has found a place in the result. */
static bool
read_scalar(Walker *walker, char *token, JsonTokenType type, bool *kept)
{
	Frame	   *frame;

	if (walker->depth == 0)
		return quay_parseerror_set(walker->error, MANIFEST_NOT_OBJECT, NULL);

	frame = top_frame(walker);
	if (frame->kind == FRAME_OBJECT)
		return read_field(walker, frame, token, type, kept);
	if (!check_type(walker, expected_token(frame), type))
		return false;
	if (frame->kind == FRAME_TEXT_COUNT)
		return count_element(walker, frame);
	*kept = add_to_map(walker, frame, token);
	return *kept;
}

/* A key of an object that has a shape. */
static bool
begin_field(Walker *walker, Frame *frame, char *key)
{
	const QuayJsonShape *shape = frame->shape;

	frame->field = NULL;		/* until one is found */
	for (int i = 0; i < shape->nfields; i++)
	{
		const QuayJsonField *field = &shape->fields[i];
		uint32		bit = (uint32) 1 << i;

		if (strcmp(field->name, key) == 0)
		{
			if (frame->seen & bit)
				return fail_duplicate(walker, key);
			frame->seen |= bit;
			frame->field = field;
			if (field->kind == QUAY_JSON_SEEN)
				*(bool *) field_slot(frame) = true;
			pfree(key);
			return true;
		}
		if (quay_jsoncheck_equal_folded(field->name, key))
			return fail_case(walker, key, field->name);
	}

	if (frame->others.count >= walker->limits->max_entries)
		return fail_too_many(walker);
	*(char **) append_entry(&frame->others, sizeof(char *)) = key;
	return true;
}

/* An object with a shape ends: is it complete? */
static bool
close_object(Walker *walker, Frame *frame)
{
	const QuayJsonShape *shape = frame->shape;
	char	  **others = frame->others.items;
	const char *duplicate = quay_jsoncheck_find_duplicate(others,
														  frame->others.count);

	if (duplicate != NULL)
		return fail_duplicate(walker, duplicate);
	for (int i = 0; i < shape->nfields; i++)
	{
		if (shape->fields[i].required && !(frame->filled & ((uint32) 1 << i)))
		{
			frame->field = &shape->fields[i];
			return quay_parseerror_set(walker->error, MANIFEST_MISSING_FIELD,
									   psprintf("Field %s is missing.",
												current_path(walker)));
		}
	}

	for (int i = 0; i < frame->others.count; i++)
		pfree(others[i]);
	if (others != NULL)
		pfree(others);
	return true;
}

/* The object or array of the top frame ends. */
static bool
close_value(Walker *walker)
{
	Frame	   *frame = top_frame(walker);
	QuayTextMap *map;
	const char *duplicate;

	if (frame->kind == FRAME_OBJECT && !close_object(walker, frame))
		return false;
	if (frame->kind == FRAME_MAP)
	{
		map = frame->target;
		duplicate = quay_jsoncheck_find_duplicate(map->keys, map->count);
		if (duplicate != NULL)
			return fail_duplicate(walker, duplicate);
	}
	walker->depth--;
	return true;
}

static void
on_open(Walker *walker, JsonTokenType type)
{
	if (walker->failed)
		return;
	if (walker->skipped > 0)
		walker->skipped++;
	else
		walker->failed = !open_value(walker, type);
}

static JSON_ACTION_RESULT
on_object_start(void *state)
{
	Walker	   *walker = state;

	on_open(walker, JSON_TOKEN_OBJECT_START);
	JSON_ACTION_RETURN(!walker->failed);
}

static JSON_ACTION_RESULT
on_array_start(void *state)
{
	Walker	   *walker = state;

	on_open(walker, JSON_TOKEN_ARRAY_START);
	JSON_ACTION_RETURN(!walker->failed);
}

static JSON_ACTION_RESULT
on_end(void *state)
{
	Walker	   *walker = state;

	if (walker->failed)
		JSON_ACTION_RETURN(false);
	if (walker->skipped > 0)
		walker->skipped--;
	else
		walker->failed = !close_value(walker);
	JSON_ACTION_RETURN(!walker->failed);
}

static JSON_ACTION_RESULT
on_field_start(void *state, char *fname, bool isnull)
{
	Walker	   *walker = state;
	Frame	   *frame;

	(void) isnull;				/* the value's own action sees it */
	if (walker->failed || walker->skipped > 0)
		pfree(fname);
	else
	{
		frame = top_frame(walker);
		if (frame->kind == FRAME_MAP)
			frame->key = fname;
		else
			walker->failed = !begin_field(walker, frame, fname);
	}
	JSON_ACTION_RETURN(!walker->failed);
}

static JSON_ACTION_RESULT
on_scalar(void *state, char *token, JsonTokenType tokentype)
{
	Walker	   *walker = state;
	bool		kept = false;

	if (!walker->failed && walker->skipped == 0)
		walker->failed = !read_scalar(walker, token, tokentype, &kept);
	if (!kept)
		pfree(token);
	JSON_ACTION_RETURN(!walker->failed);
}

bool
quay_jsonwalk_read(const char *data, size_t length,
				   const QuayJsonLimits *limits,
				   const QuayJsonShape *shape, void *target, ManifestError *error)
{
	Walker	   *walker;
	JsonLexContext *lex;
	JsonSemAction actions;
	JsonParseErrorType result;
	bool		succeeded;

	memset(error, 0, sizeof(*error));
	if (limits == NULL)
		limits = &quay_jsoncheck_default_limits;
	if (!quay_jsoncheck_document(data, length, limits, error))
		return false;

	walker = palloc0(sizeof(Walker));
	walker->limits = limits;
	walker->shape = shape;
	walker->target = target;
	walker->error = error;

	memset(&actions, 0, sizeof(actions));
	actions.semstate = walker;
	actions.object_start = on_object_start;
	actions.object_end = on_end;
	actions.array_start = on_array_start;
	actions.array_end = on_end;
	actions.object_field_start = on_field_start;
	actions.scalar = on_scalar;

	lex = makeJsonLexContextCstringLen_compat(NULL, data, length, PG_UTF8, true);
	result = pg_parse_json(lex, &actions);
	succeeded = result == JSON_SUCCESS && !walker->failed;
	if (!succeeded && !walker->failed)
		quay_jsoncheck_set_syntax_error(error, data, length, lex->token_start,
										result == JSON_UNICODE_CODE_POINT_ZERO);
	freeJsonLexContext(lex);
	pfree(walker);
	return succeeded;
}
