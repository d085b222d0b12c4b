/*-------------------------------------------------------------------------
 *
 * mediatype.c
 *	  Media types: grammar and classification.
 *
 * RFC 6838, section 4.2:
 *
 *		type-name = restricted-name
 *		subtype-name = restricted-name
 *		restricted-name = restricted-name-first *126restricted-name-chars
 *		restricted-name-first  = ALPHA / DIGIT
 *		restricted-name-chars  = ALPHA / DIGIT / "!" / "#" / "$" / "&" / "-"
 *			/ "^" / "_" / "." / "+"
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/mediatype.h"

#define RESTRICTED_NAME_LENGTH 127

typedef struct MediaTypeEntry
{
	const char *name;
	int			kind;
} MediaTypeEntry;

static const MediaTypeEntry manifest_types[] = {
	{QUAY_MEDIATYPE_OCI_MANIFEST, QUAY_MANIFEST_OCI_MANIFEST},
	{QUAY_MEDIATYPE_OCI_INDEX, QUAY_MANIFEST_OCI_INDEX},
	{QUAY_MEDIATYPE_DOCKER_SCHEMA2, QUAY_MANIFEST_DOCKER_SCHEMA2},
	{QUAY_MEDIATYPE_DOCKER_LIST, QUAY_MANIFEST_DOCKER_LIST},
	{QUAY_MEDIATYPE_DOCKER_SCHEMA1, QUAY_MANIFEST_DOCKER_SCHEMA1},
	{QUAY_MEDIATYPE_DOCKER_SCHEMA1_SIGNED, QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED},
	{NULL, QUAY_MANIFEST_UNKNOWN}
};

static const MediaTypeEntry config_types[] = {
	{QUAY_MEDIATYPE_OCI_CONFIG, QUAY_CONFIG_OCI},
	{QUAY_MEDIATYPE_DOCKER_CONFIG, QUAY_CONFIG_DOCKER},
	{NULL, QUAY_CONFIG_OTHER}
};

static const MediaTypeEntry layer_types[] = {
	{QUAY_MEDIATYPE_OCI_LAYER "+gzip", QUAY_LAYER_OCI},
	{QUAY_MEDIATYPE_OCI_LAYER "+zstd", QUAY_LAYER_OCI},
	{QUAY_MEDIATYPE_OCI_LAYER, QUAY_LAYER_OCI},
	{QUAY_MEDIATYPE_DOCKER_LAYER, QUAY_LAYER_DOCKER},
	{QUAY_MEDIATYPE_DOCKER_FOREIGN_LAYER, QUAY_LAYER_DOCKER_FOREIGN},
	{QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER, QUAY_LAYER_OCI_NONDISTRIBUTABLE},
	{QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER "+gzip", QUAY_LAYER_OCI_NONDISTRIBUTABLE},
	{QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER "+zstd", QUAY_LAYER_OCI_NONDISTRIBUTABLE},
	{NULL, QUAY_LAYER_OTHER}
};

/* The kind of a media type; that of the table's last entry if unknown. */
static int
find_kind(const MediaTypeEntry *entry, const char *media_type, size_t length)
{
	for (; entry->name != NULL; entry++)
	{
		if (strlen(entry->name) == length &&
			memcmp(entry->name, media_type, length) == 0)
			break;
	}
	return entry->kind;
}

static bool
is_restricted_first(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');
}

static bool
is_restricted_char(char c)
{
	switch (c)
	{
		case '!':
		case '#':
		case '$':
		case '&':
		case '-':
		case '^':
		case '_':
		case '.':
		case '+':
			return true;
		default:
			return is_restricted_first(c);
	}
}

static const char *
check_restricted_name(const char *name, size_t length)
{
	if (length == 0)
		return "A media type has a name before and after its slash.";
	if (length > RESTRICTED_NAME_LENGTH)
		return "Each side of a media type has at most 127 characters.";
	if (!is_restricted_first(name[0]))
		return "Each side of a media type starts with a letter or digit.";
	for (size_t i = 1; i < length; i++)
	{
		if (!is_restricted_char(name[i]))
			return "The media type contains a character that is not allowed.";
	}
	return NULL;
}

const char *
quay_mediatype_check(const char *media_type, size_t length)
{
	const char *slash;
	const char *problem;
	size_t		type_length;

	if (length == 0)
		return "The media type is empty.";
	slash = memchr(media_type, '/', length);
	if (slash == NULL)
		return "A media type is a type, a slash and a subtype.";
	type_length = slash - media_type;
	problem = check_restricted_name(media_type, type_length);
	if (problem == NULL)
		problem = check_restricted_name(slash + 1, length - type_length - 1);
	return problem;
}

size_t
quay_mediatype_essence_length(const char *media_type, size_t length)
{
	const char *semicolon;

	if (length == 0)
		return 0;
	semicolon = memchr(media_type, ';', length);
	if (semicolon != NULL)
		length = semicolon - media_type;
	while (length > 0 &&
		   (media_type[length - 1] == ' ' || media_type[length - 1] == '\t'))
		length--;
	return length;
}

QuayManifestKind
quay_mediatype_manifest_kind(const char *media_type, size_t length)
{
	return (QuayManifestKind) find_kind(manifest_types, media_type, length);
}

const char *
quay_mediatype_manifest_name(QuayManifestKind kind)
{
	for (const MediaTypeEntry *entry = manifest_types; entry->name != NULL; entry++)
	{
		if (entry->kind == (int) kind)
			return entry->name;
	}
	return NULL;
}

bool
quay_mediatype_is_schema1(QuayManifestKind kind)
{
	return kind == QUAY_MANIFEST_DOCKER_SCHEMA1 || kind == QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED;
}

bool
quay_mediatype_is_index(QuayManifestKind kind)
{
	return kind == QUAY_MANIFEST_DOCKER_LIST || kind == QUAY_MANIFEST_OCI_INDEX;
}

bool
quay_mediatype_child_allowed(QuayManifestKind parent, QuayManifestKind child)
{
	if (parent == QUAY_MANIFEST_DOCKER_LIST)
		return child == QUAY_MANIFEST_DOCKER_SCHEMA2 ||
			child == QUAY_MANIFEST_DOCKER_SCHEMA1;
	if (parent == QUAY_MANIFEST_OCI_INDEX)
		return child != QUAY_MANIFEST_UNKNOWN && !quay_mediatype_is_schema1(child);
	return false;
}

QuayConfigKind
quay_mediatype_config_kind(const char *media_type, size_t length)
{
	return (QuayConfigKind) find_kind(config_types, media_type, length);
}

QuayLayerKind
quay_mediatype_layer_kind(const char *media_type, size_t length)
{
	return (QuayLayerKind) find_kind(layer_types, media_type, length);
}

bool
quay_mediatype_layer_is_remote(QuayLayerKind kind)
{
	return kind == QUAY_LAYER_DOCKER_FOREIGN ||
		kind == QUAY_LAYER_OCI_NONDISTRIBUTABLE;
}
