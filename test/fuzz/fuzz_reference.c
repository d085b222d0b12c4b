/*-------------------------------------------------------------------------
 *
 * fuzz_reference.c
 *	  Fuzz target: names, references, durations and media types.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/digest.h"
#include "util/mediatype.h"
#include "util/reference.h"

#include "arena.h"
#include "oracle.h"

#define REPOSITORY "^[a-z0-9][.a-z0-9_-]*(/[a-z0-9][.a-z0-9_-]*)*$"
#define OCI_NAME "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$"
#define NAMESPACE "^[a-z0-9]+([._-][a-z0-9]+)*$"
#define TAG "^[A-Za-z0-9_][A-Za-z0-9_.-]*$"
#define COSIGN "^sha256-[0-9a-f]{64}\\.(sig|att|sbom)$"
#define DURATION "^[0-9]+[smhdwy]$"
#define MEDIA_TYPE "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$"

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static bool
contains_dots(const char *s, size_t length)
{
	for (size_t i = 1; i < length; i++)
	{
		if (s[i - 1] == '.' && s[i] == '.')
			return true;
	}
	return false;
}

/* A refused name has a reason, an accepted one has none. */
static bool
is_ok(QuayNameStatus status)
{
	CHECK((quay_reference_status_text(status) == NULL) == (status == QUAY_NAME_OK));
	return status == QUAY_NAME_OK;
}

static void
check_names(const char *s, size_t length)
{
	bool		repository = is_ok(quay_reference_check_repository(s, length));
	bool		name = is_ok(quay_reference_check_namespace(s, length));
	bool		tag = is_ok(quay_reference_check_tag(s, length));

	if (length > ORACLE_MAX_LENGTH)
	{
		CHECK(!repository && !name && !tag);
		return;
	}
	CHECK(repository == (oracle_matches(REPOSITORY, s, length) &&
						 length <= 255 && !contains_dots(s, length)));
	if (oracle_matches(OCI_NAME, s, length) && length <= 255)
		CHECK(repository);
	CHECK(name == (oracle_matches(NAMESPACE, s, length) &&
				   length >= 2 && length <= 255));
	CHECK(tag == (oracle_matches(TAG, s, length) && length <= 128));
	CHECK(quay_reference_is_cosign_tag(s, length) ==
		  oracle_matches(COSIGN, s, length));
	if (quay_reference_is_cosign_tag(s, length))
		CHECK(tag);
}

static void
check_robot(const char *s, size_t length)
{
	QuayRobotName parts;

	if (!is_ok(quay_reference_split_robot(s, length, &parts)))
		return;
	CHECK(parts.namespace_name == s && parts.namespace_name[parts.namespace_length] == '+');
	CHECK(parts.shortname == s + parts.namespace_length + 1);
	CHECK((size_t) parts.namespace_length + 1 + parts.shortname_length == length);
	CHECK(is_ok(quay_reference_check_namespace(parts.shortname, parts.shortname_length)));
}

static void
check_reference(const char *s, size_t length)
{
	QuayReferenceKind kind;

	if (!is_ok(quay_reference_parse(s, length, &kind)))
		CHECK(kind == QUAY_REFERENCE_INVALID);
	else if (kind == QUAY_REFERENCE_TAG)
		CHECK(is_ok(quay_reference_check_tag(s, length)));
	else
	{
		CHECK(kind == QUAY_REFERENCE_DIGEST);
		CHECK(quay_digest_is_valid(s, length));
	}
}

static void
check_duration(const char *s, size_t length)
{
	int64		seconds = -1;
	QuayNameStatus status = quay_reference_parse_duration(s, length, &seconds);

	if (is_ok(status))
		CHECK(seconds >= 0);
	if (length > ORACLE_MAX_LENGTH)
		return;
	if (oracle_matches(DURATION, s, length))
		CHECK(status == QUAY_NAME_OK || status == QUAY_NAME_DURATION_RANGE);
	else
		CHECK(status != QUAY_NAME_OK);
}

static void
check_media_type(const char *s, size_t length)
{
	bool		legal = quay_mediatype_check(s, length) == NULL;
	size_t		essence = quay_mediatype_essence_length(s, length);
	QuayManifestKind kind = quay_mediatype_manifest_kind(s, length);
	const char *slash = length > 0 ? memchr(s, '/', length) : NULL;

	CHECK(essence <= length);
	if (kind != QUAY_MANIFEST_UNKNOWN)
	{
		const char *name = quay_mediatype_manifest_name(kind);

		CHECK(legal && strlen(name) == length && memcmp(name, s, length) == 0);
	}
	if (quay_mediatype_config_kind(s, length) != QUAY_CONFIG_OTHER ||
		quay_mediatype_layer_kind(s, length) != QUAY_LAYER_OTHER)
		CHECK(legal);
	if (length <= ORACLE_MAX_LENGTH)
		CHECK(legal == (oracle_matches(MEDIA_TYPE, s, length) &&
						slash - s <= 127 && s + length - slash - 1 <= 127));
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *s = (const char *) data;

	check_names(s, size);
	check_robot(s, size);
	check_reference(s, size);
	check_duration(s, size);
	check_media_type(s, size);
	CHECK(arena_in_use() == 0);
	return 0;
}
