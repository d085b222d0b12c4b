/*-------------------------------------------------------------------------
 *
 * manifest.c
 *	  Parser of manifests: Docker schema 1 and 2, Docker list, OCI manifest
 *	  and OCI index.
 *
 * The tables below state which fields of each kind are read and what JSON
 * type they have (OCI image-spec manifest.md, image-index.md, descriptor.md;
 * Docker "Image Manifest Version 2, Schema 2").  The functions after them
 * check what a table cannot say.
 *
 * A document that could be taken for two kinds is refused, whatever its type
 * says (CVE-2021-41190): two clients would run two different images under one
 * digest.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "common/int.h"

#include "util/base64.h"
#include "util/digest.h"
#include "util/hashstate.h"
#include "util/manifest.h"

/* The fields of a document before they are checked. */
typedef struct ManifestDocument
{
	int64		schema_version; /* -1 if absent */
	char	   *media_type;
	char	   *artifact_type;
	QuayDescriptor *config;
	QuayJsonList layers;		/* of QuayDescriptor */
	QuayJsonList children;		/* of QuayChildManifest */
	QuayDescriptor *subject;
	QuayTextMap annotations;
	bool		has_foreign_field;	/* a field of another kind occurs */
} ManifestDocument;

/* What tells the kind of a document that came without one. */
typedef struct ManifestOutline
{
	char	   *media_type;
	bool		has_config;
	bool		has_layers;
	bool		has_manifests;
	bool		has_fs_layers;	/* Docker schema 1 */
} ManifestOutline;

#define SHAPE(fields_, type_) \
	{ .fields = (fields_), .nfields = lengthof(fields_), .size = sizeof(type_) }

#define DESCRIPTOR_FIELDS(at) \
	{"mediaType", QUAY_JSON_TEXT, true, (at) + offsetof(QuayDescriptor, media_type), NULL}, \
	{"digest", QUAY_JSON_TEXT, true, (at) + offsetof(QuayDescriptor, digest), NULL}, \
	{"size", QUAY_JSON_INTEGER, true, (at) + offsetof(QuayDescriptor, size), NULL}, \
	{"urls", QUAY_JSON_TEXT_COUNT, false, (at) + offsetof(QuayDescriptor, urls_count), NULL}, \
	{"data", QUAY_JSON_TEXT, false, (at) + offsetof(QuayDescriptor, embedded), NULL}, \
	{"annotations", QUAY_JSON_MAP, false, (at) + offsetof(QuayDescriptor, annotations), NULL}

static const QuayJsonField descriptor_fields[] = {
	DESCRIPTOR_FIELDS(0)
};
static const QuayJsonShape descriptor_shape = SHAPE(descriptor_fields, QuayDescriptor);

static const QuayJsonField platform_fields[] = {
	{"architecture", QUAY_JSON_TEXT, true, offsetof(QuayPlatform, architecture), NULL},
	{"os", QUAY_JSON_TEXT, true, offsetof(QuayPlatform, os), NULL},
	{"os.version", QUAY_JSON_TEXT, false, offsetof(QuayPlatform, os_version), NULL},
	{"variant", QUAY_JSON_TEXT, false, offsetof(QuayPlatform, variant), NULL}
};
static const QuayJsonShape platform_shape = SHAPE(platform_fields, QuayPlatform);

static const QuayJsonField child_fields[] = {
	DESCRIPTOR_FIELDS(offsetof(QuayChildManifest, descriptor)),
	{"platform", QUAY_JSON_OBJECT, false, offsetof(QuayChildManifest, platform), &platform_shape}
};
static const QuayJsonShape child_shape = SHAPE(child_fields, QuayChildManifest);

/*
 * None of the top level's fields is required here: that the document is of
 * another kind is the more helpful complaint.
 */
#define COMMON_FIELDS \
	{"schemaVersion", QUAY_JSON_INTEGER, false, offsetof(ManifestDocument, schema_version), NULL}, \
	{"mediaType", QUAY_JSON_TEXT, false, offsetof(ManifestDocument, media_type), NULL}
#define FOREIGN_FIELD(name) \
	{name, QUAY_JSON_SEEN, false, offsetof(ManifestDocument, has_foreign_field), NULL}
#define IMAGE_FIELDS \
	{"config", QUAY_JSON_OBJECT, false, offsetof(ManifestDocument, config), &descriptor_shape}, \
	{"layers", QUAY_JSON_LIST, false, offsetof(ManifestDocument, layers), &descriptor_shape}, \
	FOREIGN_FIELD("manifests"), \
	FOREIGN_FIELD("fsLayers")
#define INDEX_FIELDS \
	{"manifests", QUAY_JSON_LIST, false, offsetof(ManifestDocument, children), &child_shape}, \
	FOREIGN_FIELD("config"), \
	FOREIGN_FIELD("layers"), \
	FOREIGN_FIELD("fsLayers")
#define OCI_FIELDS \
	{"artifactType", QUAY_JSON_TEXT, false, offsetof(ManifestDocument, artifact_type), NULL}, \
	{"subject", QUAY_JSON_OBJECT, false, offsetof(ManifestDocument, subject), &descriptor_shape}, \
	{"annotations", QUAY_JSON_MAP, false, offsetof(ManifestDocument, annotations), NULL}

static const QuayJsonField docker_image_fields[] = {COMMON_FIELDS, IMAGE_FIELDS};
static const QuayJsonShape docker_image_shape = SHAPE(docker_image_fields, ManifestDocument);

static const QuayJsonField docker_list_fields[] = {COMMON_FIELDS, INDEX_FIELDS};
static const QuayJsonShape docker_list_shape = SHAPE(docker_list_fields, ManifestDocument);

static const QuayJsonField oci_image_fields[] = {COMMON_FIELDS, IMAGE_FIELDS, OCI_FIELDS};
static const QuayJsonShape oci_image_shape = SHAPE(oci_image_fields, ManifestDocument);

static const QuayJsonField oci_index_fields[] = {COMMON_FIELDS, INDEX_FIELDS, OCI_FIELDS};
static const QuayJsonShape oci_index_shape = SHAPE(oci_index_fields, ManifestDocument);

static const QuayJsonField outline_fields[] = {
	{"mediaType", QUAY_JSON_TEXT, false, offsetof(ManifestOutline, media_type), NULL},
	{"config", QUAY_JSON_SEEN, false, offsetof(ManifestOutline, has_config), NULL},
	{"layers", QUAY_JSON_SEEN, false, offsetof(ManifestOutline, has_layers), NULL},
	{"manifests", QUAY_JSON_SEEN, false, offsetof(ManifestOutline, has_manifests), NULL},
	{"fsLayers", QUAY_JSON_SEEN, false, offsetof(ManifestOutline, has_fs_layers), NULL}
};
static const QuayJsonShape outline_shape = SHAPE(outline_fields, ManifestOutline);

static const QuayJsonShape *
shape_of_kind(QuayManifestKind kind)
{
	switch (kind)
	{
		case QUAY_MANIFEST_DOCKER_SCHEMA2:
			return &docker_image_shape;
		case QUAY_MANIFEST_DOCKER_LIST:
			return &docker_list_shape;
		case QUAY_MANIFEST_OCI_INDEX:
			return &oci_index_shape;
		default:
			return &oci_image_shape;
	}
}

/* ---- Which kind ---- */

/* The kind that a media type names, if it is that of a manifest. */
static bool
kind_from_type(const char *media_type, size_t length, QuayManifestKind *kind,
			   ManifestError *error)
{
	char	   *shown;

	*kind = quay_mediatype_manifest_kind(media_type, length);
	if (*kind != QUAY_MANIFEST_UNKNOWN)
		return true;
	shown = quay_parseerror_shorten(media_type, length, QUAY_ERROR_QUOTE_LENGTH);
	return quay_parseerror_set(error, MANIFEST_UNKNOWN_TYPE,
							   psprintf("Its media type is \"%s\".", shown));
}

/* The kind of a document without declared type. */
static bool
kind_from_content(const char *data, size_t length,
				  const QuayJsonLimits *limits, QuayManifestKind *kind,
				  ManifestError *error)
{
	ManifestOutline outline;

	memset(&outline, 0, sizeof(outline));
	if (!quay_jsonwalk_read(data, length, limits, &outline_shape, &outline, error))
		return false;
	if (outline.media_type != NULL)
		return kind_from_type(outline.media_type, strlen(outline.media_type),
							  kind, error);
	if (outline.has_manifests && (outline.has_config || outline.has_layers))
		return quay_parseerror_set(error, MANIFEST_AMBIGUOUS, NULL);
	if (outline.has_fs_layers)
		*kind = QUAY_MANIFEST_DOCKER_SCHEMA1;
	else if (outline.has_manifests)
		*kind = QUAY_MANIFEST_OCI_INDEX;
	else if (outline.has_config && outline.has_layers)
		*kind = QUAY_MANIFEST_OCI_MANIFEST;
	else
		return quay_parseerror_set(error, MANIFEST_UNKNOWN_TYPE,
								   pstrdup("It has neither the field mediaType nor "
										   "the fields of a manifest."));
	return true;
}

/* ---- Checks ---- */

/*
 * Complain about a field of a descriptor; `index` is its place in a list, or
 * -1 if it does not stand in one.
 */
static bool
fail_descriptor(ManifestError *error, ManifestErrorCode code,
				const char *where, int index, const char *field,
				const char *value, const char *reason)
{
	char	   *path;

	if (index >= 0)
		path = psprintf("%s[%d].%s", where, index, field);
	else
		path = psprintf("%s.%s", where, field);
	quay_parseerror_set_value(error, code, path, value, reason);
	pfree(path);
	return false;
}

static bool
fail_missing(ManifestError *error, const char *field)
{
	return quay_parseerror_set(error, MANIFEST_MISSING_FIELD,
							   psprintf("Field %s is missing.", field));
}

/* Embedded content is the content. */
static bool
check_data(QuayDescriptor *descriptor, const char *where, int index,
		   ManifestError *error)
{
	size_t		length = strlen(descriptor->embedded);
	size_t		decoded_length;
	QuayHashAlgorithm algorithm = QUAY_HASH_SHA256;
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	descriptor->data = palloc(QUAY_BASE64_DECODED_ROOM(length));
	if (!quay_base64_decode(descriptor->embedded, length, descriptor->data, &decoded_length))
		return fail_descriptor(error, MANIFEST_BAD_DATA, where, index, "data",
							   descriptor->embedded, "It is not base64.");
	if ((int64) decoded_length != descriptor->size)
		return fail_descriptor(error, MANIFEST_BAD_DATA, where, index, "data",
							   descriptor->embedded,
							   psprintf("It stands for %zu bytes; the size of the descriptor is " INT64_FORMAT ".",
										decoded_length, descriptor->size));
	quay_hashstate_algorithm(descriptor->digest, strcspn(descriptor->digest, ":"), &algorithm);
	quay_hashstate_digest_of(algorithm, descriptor->data, decoded_length, digest);
	if (strcmp(digest, descriptor->digest) != 0)
		return fail_descriptor(error, MANIFEST_BAD_DATA, where, index, "data",
							   descriptor->embedded, "It has another digest.");
	return true;
}

/* What holds for every descriptor. */
static bool
check_descriptor(QuayDescriptor *descriptor, const char *where, int index,
				 ManifestError *error)
{
	const char *reason = quay_mediatype_check(descriptor->media_type,
											  strlen(descriptor->media_type));

	if (reason != NULL)
		return fail_descriptor(error, MANIFEST_BAD_MEDIA_TYPE, where, index,
							   "mediaType", descriptor->media_type, reason);
	switch (quay_digest_parse(descriptor->digest, strlen(descriptor->digest),
							  NULL, &reason))
	{
		case QUAY_DIGEST_OK:
			return descriptor->embedded == NULL || check_data(descriptor, where, index, error);
		case QUAY_DIGEST_UNSUPPORTED:
			return fail_descriptor(error, MANIFEST_UNSUPPORTED_DIGEST, where,
								   index, "digest", descriptor->digest, NULL);
		case QUAY_DIGEST_MALFORMED:
			break;
	}
	return fail_descriptor(error, MANIFEST_BAD_DIGEST, where, index, "digest",
						   descriptor->digest, reason);
}

/* The document is of the kind that its reader takes it for. */
static bool
check_kind(const ManifestDocument *document, const QuayManifest *manifest,
		   ManifestError *error)
{
	bool		is_docker = manifest->kind == QUAY_MANIFEST_DOCKER_SCHEMA2 ||
		manifest->kind == QUAY_MANIFEST_DOCKER_LIST;
	char	   *shown;

	if (document->media_type != NULL &&
		strcmp(document->media_type, manifest->media_type) != 0)
	{
		shown = quay_parseerror_shorten(document->media_type,
										strlen(document->media_type),
										QUAY_ERROR_QUOTE_LENGTH);
		return quay_parseerror_set(error, MANIFEST_TYPE_MISMATCH,
								   psprintf("The declared type is \"%s\", field mediaType is \"%s\".",
											manifest->media_type, shown));
	}
	if (document->has_foreign_field)
		return quay_parseerror_set(error, MANIFEST_AMBIGUOUS,
								   psprintf("Its media type is \"%s\".",
											manifest->media_type));
	if (document->schema_version < 0)
		return fail_missing(error, "schemaVersion");
	if (document->schema_version != 2)
		return quay_parseerror_set(error, MANIFEST_SCHEMA_VERSION,
								   psprintf("It is " INT64_FORMAT "; it must be 2.",
											document->schema_version));
	if (is_docker && document->media_type == NULL)
		return fail_missing(error, "mediaType");
	return true;
}

/* One layer; sets its remote flag. */
static bool
check_layer(QuayDescriptor *layer, int index, QuayManifestKind kind,
			ManifestError *error)
{
	QuayLayerKind layer_kind;

	if (!check_descriptor(layer, "layers", index, error))
		return false;
	layer_kind = quay_mediatype_layer_kind(layer->media_type,
										   strlen(layer->media_type));
	if (kind == QUAY_MANIFEST_DOCKER_SCHEMA2 &&
		layer_kind != QUAY_LAYER_DOCKER && layer_kind != QUAY_LAYER_DOCKER_FOREIGN)
		return fail_descriptor(error, MANIFEST_WRONG_MEDIA_TYPE, "layers", index,
							   "mediaType", layer->media_type,
							   "A Docker manifest has only Docker layers.");
	layer->remote = quay_mediatype_layer_is_remote(layer_kind);
	if (layer->remote && layer->urls_count == 0)
		return fail_descriptor(error, MANIFEST_MISSING_URLS, "layers", index,
							   "mediaType", layer->media_type, NULL);
	return true;
}

static bool
check_config(const QuayManifest *manifest, ManifestError *error)
{
	QuayDescriptor *config = manifest->config;

	if (!check_descriptor(config, "config", -1, error))
		return false;
	if (manifest->kind == QUAY_MANIFEST_DOCKER_SCHEMA2 &&
		manifest->config_kind != QUAY_CONFIG_DOCKER)
		return fail_descriptor(error, MANIFEST_WRONG_MEDIA_TYPE, "config", -1,
							   "mediaType", config->media_type,
							   "A Docker manifest has a Docker image configuration.");
	return true;
}

static bool
take_image(const ManifestDocument *document, QuayManifest *manifest,
		   ManifestError *error)
{
	if (document->config == NULL)
		return fail_missing(error, "config");
	if (!document->layers.present)
		return fail_missing(error, "layers");
	manifest->config = document->config;
	manifest->config_kind = quay_mediatype_config_kind(document->config->media_type,
													   strlen(document->config->media_type));
	if (!check_config(manifest, error))
		return false;

	manifest->layers = document->layers.items;
	manifest->layers_count = document->layers.count;
	manifest->has_layers_size = true;
	for (int i = 0; i < manifest->layers_count; i++)
	{
		QuayDescriptor *layer = &manifest->layers[i];

		if (!check_layer(layer, i, manifest->kind, error))
			return false;
		if (pg_add_s64_overflow(manifest->layers_compressed_size, layer->size,
								&manifest->layers_compressed_size))
			return quay_parseerror_set(error, MANIFEST_SIZE_OVERFLOW, NULL);
	}
	/* An OCI manifest with any other config is an artifact. */
	manifest->is_image = manifest->kind == QUAY_MANIFEST_DOCKER_SCHEMA2 ||
		manifest->config_kind == QUAY_CONFIG_OCI;
	return true;
}

static bool
take_children(const ManifestDocument *document, QuayManifest *manifest,
			  ManifestError *error)
{
	bool		is_docker = manifest->kind == QUAY_MANIFEST_DOCKER_LIST;

	if (!document->children.present)
		return fail_missing(error, "manifests");
	manifest->children = document->children.items;
	manifest->children_count = document->children.count;
	for (int i = 0; i < manifest->children_count; i++)
	{
		QuayChildManifest *child = &manifest->children[i];
		const char *media_type = child->descriptor.media_type;

		if (!check_descriptor(&child->descriptor, "manifests", i, error))
			return false;
		child->kind = quay_mediatype_manifest_kind(media_type, strlen(media_type));
		if (is_docker && !quay_mediatype_child_allowed(manifest->kind, child->kind))
			return fail_descriptor(error, MANIFEST_WRONG_MEDIA_TYPE, "manifests",
								   i, "mediaType", media_type,
								   "A Docker manifest list has only Docker image manifests.");
		if (is_docker && child->platform == NULL)
			return quay_parseerror_set(error, MANIFEST_MISSING_FIELD,
									   psprintf("Field manifests[%d].platform is missing.", i));
	}
	return true;
}

/* Subject, artifact type and annotations; absent from Docker's shapes. */
static bool
take_oci_fields(const ManifestDocument *document, QuayManifest *manifest,
				ManifestError *error)
{
	const char *artifact_type = document->artifact_type;
	const char *reason;

	if (document->subject != NULL &&
		!check_descriptor(document->subject, "subject", -1, error))
		return false;
	manifest->subject = document->subject;
	manifest->annotations = document->annotations;

	if (artifact_type != NULL && artifact_type[0] != '\0')
	{
		reason = quay_mediatype_check(artifact_type, strlen(artifact_type));
		if (reason != NULL)
			return quay_parseerror_set_value(error, MANIFEST_BAD_MEDIA_TYPE,
											 "artifactType", artifact_type, reason);
		manifest->artifact_type = document->artifact_type;
		manifest->referrer_type = artifact_type;
	}
	else if (manifest->kind == QUAY_MANIFEST_OCI_MANIFEST)
		manifest->referrer_type = manifest->config->media_type;
	return true;
}

/* Docker schema 1, as far as the other kinds have the same. */
static bool
take_schema1(const char *data, size_t length, const QuayJsonLimits *limits,
			 QuayManifest *manifest, ManifestError *error)
{
	QuaySchema1 *schema1 = palloc(sizeof(QuaySchema1));

	if (!quay_schema1_parse(data, length, limits, schema1, error))
		return false;
	manifest->schema1 = schema1;
	manifest->kind = schema1->is_signed ? QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED : QUAY_MANIFEST_DOCKER_SCHEMA1;
	manifest->media_type = quay_mediatype_manifest_name(manifest->kind);
	manifest->schema_version = 1;
	manifest->is_image = true;
	manifest->layers_count = schema1->layers_count;
	manifest->layers = palloc0(sizeof(QuayDescriptor) * schema1->layers_count);
	for (int i = 0; i < schema1->layers_count; i++)
	{
		QuayDescriptor *layer = &manifest->layers[i];

		layer->media_type = pstrdup("");
		layer->digest = schema1->layers[i].digest;
		if (schema1->layers[i].size < 0)
			continue;
		manifest->has_layers_size = true;
		layer->size = schema1->layers[i].size;
		if (pg_add_s64_overflow(manifest->layers_compressed_size, layer->size,
								&manifest->layers_compressed_size))
			return quay_parseerror_set(error, MANIFEST_SIZE_OVERFLOW, NULL);
	}
	return true;
}

bool
quay_manifest_parse(const char *data, size_t length, const char *media_type,
					const QuayJsonLimits *limits, QuayManifest *manifest,
					ManifestError *error)
{
	ManifestDocument document;
	QuayManifestKind kind;

	memset(manifest, 0, sizeof(*manifest));
	memset(error, 0, sizeof(*error));
	memset(&document, 0, sizeof(document));
	document.schema_version = -1;

	if (media_type == NULL)
	{
		if (!kind_from_content(data, length, limits, &kind, error))
			return false;
	}
	else if (!kind_from_type(media_type,
							 quay_mediatype_essence_length(media_type, strlen(media_type)),
							 &kind, error))
		return false;

	if (quay_mediatype_is_schema1(kind))
		return take_schema1(data, length, limits, manifest, error);
	if (!quay_jsonwalk_read(data, length, limits, shape_of_kind(kind), &document,
							error))
		return false;
	manifest->kind = kind;
	manifest->media_type = quay_mediatype_manifest_name(kind);
	if (!check_kind(&document, manifest, error))
		return false;
	manifest->schema_version = (int) document.schema_version;
	if (quay_mediatype_is_index(kind))
	{
		if (!take_children(&document, manifest, error))
			return false;
	}
	else if (!take_image(&document, manifest, error))
		return false;
	return take_oci_fields(&document, manifest, error);
}
