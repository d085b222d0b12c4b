/*-------------------------------------------------------------------------
 *
 * fuzz_manifest.c
 *	  Fuzz target: manifests and image configurations.
 *
 * If the input's first byte is a digit, it selects what the rest is parsed as:
 *
 *		0  manifest without declared type	5  OCI image configuration
 *		1  OCI manifest						6  Docker image configuration
 *		2  OCI index						7  configuration of any kind
 *		3  Docker schema 2					8  as 0, with tight limits
 *		4  Docker list						9  as 7, with tight limits
 *
 * Any other input is a manifest without declared type as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/digest.h"
#include "util/imageconfig.h"
#include "util/manifest.h"

#include "arena.h"
#include "oracle.h"

/* The longest detail holds a path with one quoted key, and a quoted value. */
#define MAX_DETAIL_LENGTH (2 * (QUAY_ERROR_QUOTE_LENGTH + 3) * 4 + 300)

static const QuayJsonLimits tight_limits = {.max_bytes = 4096,.max_entries = 4};

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_error(const ManifestError *error)
{
	CHECK(error->code != MANIFEST_OK);
	CHECK(error->message != NULL);
	CHECK(strcmp(quay_parseerror_code_name(error->code), "unknown") != 0);
	if (error->detail != NULL)
	{
		CHECK(oracle_is_clean(error->detail));
		CHECK(strlen(error->detail) <= MAX_DETAIL_LENGTH);
	}
}

static void
check_map(const QuayTextMap *map, const QuayJsonLimits *limits)
{
	CHECK(map->count <= limits->max_entries);
	for (int i = 0; i < map->count; i++)
	{
		CHECK(map->keys[i] != NULL && map->values[i] != NULL);
		for (int j = 0; j < Min(i, 16); j++)
			CHECK(strcmp(map->keys[i], map->keys[j]) != 0);
	}
}

static void
check_descriptor(const QuayDescriptor *descriptor, const QuayJsonLimits *limits)
{
	CHECK(quay_digest_is_valid(descriptor->digest, strlen(descriptor->digest)));
	CHECK(quay_mediatype_check(descriptor->media_type,
							   strlen(descriptor->media_type)) == NULL);
	CHECK(descriptor->size >= 0);
	CHECK(!descriptor->remote || descriptor->urls_count > 0);
	CHECK((descriptor->data != NULL) == (descriptor->embedded != NULL));
	check_map(&descriptor->annotations, limits);
}

static void
check_manifest(const QuayManifest *manifest, const QuayJsonLimits *limits)
{
	bool		is_index = quay_mediatype_is_index(manifest->kind);
	uint64		sum = 0;

	CHECK(manifest->kind != QUAY_MANIFEST_UNKNOWN);
	CHECK(strcmp(manifest->media_type, quay_mediatype_manifest_name(manifest->kind)) == 0);
	CHECK((manifest->schema1 != NULL) == quay_mediatype_is_schema1(manifest->kind));
	if (manifest->schema1 != NULL)
		return;					/* fuzz_schema1.c looks at it */
	CHECK(manifest->schema_version == 2);
	CHECK((manifest->config == NULL) == is_index);
	CHECK(manifest->has_layers_size == !is_index);
	CHECK(manifest->layers_count <= limits->max_entries);
	CHECK(manifest->children_count <= limits->max_entries);
	if (manifest->config != NULL)
		check_descriptor(manifest->config, limits);
	for (int i = 0; i < manifest->layers_count; i++)
	{
		check_descriptor(&manifest->layers[i], limits);
		sum += manifest->layers[i].size;
	}
	CHECK(sum == (uint64) manifest->layers_compressed_size);
	for (int i = 0; i < manifest->children_count; i++)
	{
		check_descriptor(&manifest->children[i].descriptor, limits);
		if (manifest->children[i].platform != NULL)
			CHECK(manifest->children[i].platform->architecture != NULL &&
				  manifest->children[i].platform->os != NULL);
	}
	if (manifest->subject != NULL)
		check_descriptor(manifest->subject, limits);
	if (manifest->kind == QUAY_MANIFEST_OCI_MANIFEST)
		CHECK(manifest->referrer_type != NULL);
	check_map(&manifest->annotations, limits);
}

static void
run_manifest(const char *data, size_t length, const char *media_type,
			 const QuayJsonLimits *limits)
{
	QuayManifest manifest;
	QuayManifest again;
	ManifestError error;

	if (!quay_manifest_parse(data, length, media_type, limits, &manifest, &error))
	{
		check_error(&error);
		return;
	}
	CHECK(error.code == MANIFEST_OK);
	check_manifest(&manifest, limits);

	/* With the type it was found to have, and without, it is the same. */
	CHECK(quay_manifest_parse(data, length,
							  media_type == NULL ? manifest.media_type : NULL,
							  limits, &again, &error));
	CHECK(again.kind == manifest.kind);
	CHECK(again.layers_count == manifest.layers_count);
	CHECK(again.children_count == manifest.children_count);
	CHECK(again.layers_compressed_size == manifest.layers_compressed_size);
	CHECK(again.annotations.count == manifest.annotations.count);
}

static void
run_config(const char *data, size_t length, QuayConfigKind kind,
		   const QuayJsonLimits *limits)
{
	QuayImageConfig config;
	ManifestError error;

	if (!quay_imageconfig_parse(data, length, kind, limits, &config, &error))
	{
		check_error(&error);
		return;
	}
	CHECK(error.code == MANIFEST_OK);
	check_map(&config.labels, limits);
	CHECK(config.history_empty_layers <= config.history_length);
	CHECK(config.has_history || config.history_length == 0);
	if (kind == QUAY_CONFIG_OCI && !config.is_empty)
		CHECK(config.architecture != NULL && config.os != NULL && config.has_rootfs);
	if (kind == QUAY_CONFIG_DOCKER)
		CHECK(config.has_rootfs && config.has_history);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const QuayJsonLimits *limits = &quay_jsoncheck_default_limits;
	const char *s = (const char *) data;
	char		selector = '0';

	if (size > 0 && s[0] >= '0' && s[0] <= '9')
	{
		selector = s[0];
		s++;
		size--;
	}
	if (selector >= '8')
		limits = &tight_limits;

	switch (selector)
	{
		case '1':
			run_manifest(s, size, QUAY_MEDIATYPE_OCI_MANIFEST, limits);
			break;
		case '2':
			run_manifest(s, size, QUAY_MEDIATYPE_OCI_INDEX "; charset=utf-8", limits);
			break;
		case '3':
			run_manifest(s, size, QUAY_MEDIATYPE_DOCKER_SCHEMA2, limits);
			break;
		case '4':
			run_manifest(s, size, QUAY_MEDIATYPE_DOCKER_LIST, limits);
			break;
		case '5':
			run_config(s, size, QUAY_CONFIG_OCI, limits);
			break;
		case '6':
			run_config(s, size, QUAY_CONFIG_DOCKER, limits);
			break;
		case '7':
		case '9':
			run_config(s, size, QUAY_CONFIG_OTHER, limits);
			break;
		default:
			run_manifest(s, size, NULL, limits);
			break;
	}
	arena_reset();
	return 0;
}
