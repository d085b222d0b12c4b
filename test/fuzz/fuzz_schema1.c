/*-------------------------------------------------------------------------
 *
 * fuzz_schema1.c
 *	  Fuzz target: Docker schema 1 manifests.
 *
 * The input is a document; behind a "-" it is read with tight limits.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/digest.h"
#include "util/manifest.h"

#include "arena.h"
#include "oracle.h"

/* An error of a document inside the document is quoted with its place. */
#define MAX_DETAIL_LENGTH (3 * (QUAY_ERROR_QUOTE_LENGTH + 3) * 4 + 400)

static const QuayJsonLimits tight_limits = {.max_bytes = 4096,.max_entries = 4};

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_layers(const QuaySchema1 *manifest)
{
	for (int i = 0; i < manifest->layers_count; i++)
	{
		const QuaySchema1Layer *layer = &manifest->layers[i];
		bool		below = layer->parent == NULL;

		CHECK(quay_digest_is_valid(layer->digest, strlen(layer->digest)));
		CHECK(layer->id != NULL && layer->size >= -1);
		for (int j = 0; j < i && !below; j++)
			below = strcmp(manifest->layers[j].id, layer->parent) == 0;
		CHECK(below);
	}
}

static void
run(const char *data, size_t length, const QuayJsonLimits *limits)
{
	QuaySchema1 manifest;
	QuaySchema1 again;
	QuayManifest parsed;
	ManifestError error;

	if (!quay_schema1_parse(data, length, limits, &manifest, &error))
	{
		CHECK(error.code != MANIFEST_OK && error.message != NULL);
		if (error.detail != NULL)
		{
			CHECK(oracle_is_clean(error.detail));
			CHECK(strlen(error.detail) <= MAX_DETAIL_LENGTH);
		}
		return;
	}
	CHECK(manifest.name != NULL && manifest.tag != NULL);
	CHECK(manifest.layers_count > 0 && manifest.layers_count <= limits->max_entries);
	CHECK(manifest.is_signed == (manifest.payload != data));
	CHECK(manifest.payload_length <= length);
	check_layers(&manifest);

	/* The payload is an unsigned manifest that says the same. */
	CHECK(quay_schema1_parse(manifest.payload, manifest.payload_length, limits, &again, &error));
	CHECK(!again.is_signed && again.layers_count == manifest.layers_count);
	CHECK(strcmp(again.tag, manifest.tag) == 0 && strcmp(again.name, manifest.name) == 0);

	CHECK(quay_manifest_parse(data, length, QUAY_MEDIATYPE_DOCKER_SCHEMA1, limits, &parsed, &error) ||
		  error.code == MANIFEST_SIZE_OVERFLOW);
	CHECK(error.code != MANIFEST_OK || parsed.layers_count == manifest.layers_count);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *s = (const char *) data;

	if (size > 1 && s[0] == '-')
		run(s + 1, size - 1, &tight_limits);
	else
		run(s, size, &quay_jsoncheck_default_limits);
	arena_reset();
	return 0;
}
