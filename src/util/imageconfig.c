/*-------------------------------------------------------------------------
 *
 * imageconfig.c
 *	  Parser of image configurations, the blob that `config` of an image
 *	  manifest points to.
 *
 * OCI image-spec config.md: "Any OPTIONAL field MAY also be set to null, which
 * is equivalent to being absent."  Clients make use of it, for Labels above
 * all.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/imageconfig.h"

/* Member `config`: the parameters of a container. */
typedef struct ExecutionDocument
{
	QuayTextMap labels;
} ExecutionDocument;

typedef struct RootfsDocument
{
	char	   *type;
	int			diff_ids_count;
} RootfsDocument;

typedef struct HistoryDocument
{
	bool		empty_layer;
} HistoryDocument;

typedef struct ConfigDocument
{
	char	   *architecture;
	char	   *os;
	char	   *variant;
	ExecutionDocument *execution;
	RootfsDocument *rootfs;
	QuayJsonList history;		/* of HistoryDocument */
} ConfigDocument;

#define SHAPE(fields_, type_) \
	{ .fields = (fields_), .nfields = lengthof(fields_), .size = sizeof(type_) }

static const QuayJsonField execution_fields[] = {
	{"Labels", QUAY_JSON_MAP, false, offsetof(ExecutionDocument, labels), NULL}
};
static const QuayJsonShape execution_shape = SHAPE(execution_fields, ExecutionDocument);

static const QuayJsonField history_fields[] = {
	{"empty_layer", QUAY_JSON_BOOLEAN, false, offsetof(HistoryDocument, empty_layer), NULL}
};
static const QuayJsonShape history_shape = SHAPE(history_fields, HistoryDocument);

/* The formats differ in what they require. */
#define ROOTFS_FIELDS(needs_type, needs_diff_ids) \
	{"type", QUAY_JSON_TEXT, needs_type, offsetof(RootfsDocument, type), NULL}, \
	{"diff_ids", QUAY_JSON_TEXT_COUNT, needs_diff_ids, offsetof(RootfsDocument, diff_ids_count), NULL}

#define CONFIG_FIELDS(needs_platform, needs_rootfs, needs_history, rootfs_shape) \
	{"architecture", QUAY_JSON_TEXT, needs_platform, offsetof(ConfigDocument, architecture), NULL}, \
	{"os", QUAY_JSON_TEXT, needs_platform, offsetof(ConfigDocument, os), NULL}, \
	{"variant", QUAY_JSON_TEXT, false, offsetof(ConfigDocument, variant), NULL}, \
	{"config", QUAY_JSON_OBJECT, false, offsetof(ConfigDocument, execution), &execution_shape}, \
	{"rootfs", QUAY_JSON_OBJECT, needs_rootfs, offsetof(ConfigDocument, rootfs), rootfs_shape}, \
	{"history", QUAY_JSON_LIST, needs_history, offsetof(ConfigDocument, history), &history_shape}

static const QuayJsonField oci_rootfs_fields[] = {ROOTFS_FIELDS(true, true)};
static const QuayJsonShape oci_rootfs_shape = SHAPE(oci_rootfs_fields, RootfsDocument);
static const QuayJsonField oci_config_fields[] = {
	CONFIG_FIELDS(true, true, false, &oci_rootfs_shape)
};
static const QuayJsonShape oci_config_shape = SHAPE(oci_config_fields, ConfigDocument);

static const QuayJsonField docker_rootfs_fields[] = {ROOTFS_FIELDS(true, false)};
static const QuayJsonShape docker_rootfs_shape = SHAPE(docker_rootfs_fields, RootfsDocument);
static const QuayJsonField docker_config_fields[] = {
	CONFIG_FIELDS(false, true, true, &docker_rootfs_shape)
};
static const QuayJsonShape docker_config_shape = SHAPE(docker_config_fields, ConfigDocument);

static const QuayJsonField other_rootfs_fields[] = {ROOTFS_FIELDS(false, false)};
static const QuayJsonShape other_rootfs_shape = SHAPE(other_rootfs_fields, RootfsDocument);
static const QuayJsonField other_config_fields[] = {
	CONFIG_FIELDS(false, false, false, &other_rootfs_shape)
};
static const QuayJsonShape other_config_shape = SHAPE(other_config_fields, ConfigDocument);

static const QuayJsonShape *
shape_of_kind(QuayConfigKind kind)
{
	switch (kind)
	{
		case QUAY_CONFIG_OCI:
			return &oci_config_shape;
		case QUAY_CONFIG_DOCKER:
			return &docker_config_shape;
		case QUAY_CONFIG_OTHER:
			break;
	}
	return &other_config_shape;
}

/* Is the document `{}`, give or take white space? */
static bool
is_empty_object(const char *data, size_t length)
{
	int			braces = 0;

	for (size_t i = 0; i < length; i++)
	{
		char		c = data[i];

		if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
			continue;
		if (braces > 1 || c != "{}"[braces])
			return false;
		braces++;
	}
	return braces == 2;
}

static void
take_document(const ConfigDocument *document, QuayImageConfig *config)
{
	const HistoryDocument *history = document->history.items;

	config->architecture = document->architecture;
	config->os = document->os;
	config->variant = document->variant;
	if (document->execution != NULL)
		config->labels = document->execution->labels;
	config->has_rootfs = document->rootfs != NULL;
	if (document->rootfs != NULL)
		config->diff_ids_count = document->rootfs->diff_ids_count;
	config->has_history = document->history.present;
	config->history_length = document->history.count;
	for (int i = 0; i < config->history_length; i++)
	{
		if (history[i].empty_layer)
			config->history_empty_layers++;
	}
}

bool
quay_imageconfig_parse(const char *data, size_t length, QuayConfigKind kind,
					   const QuayJsonLimits *limits, QuayImageConfig *config,
					   ManifestError *error)
{
	ConfigDocument document;

	memset(config, 0, sizeof(*config));
	memset(error, 0, sizeof(*error));
	memset(&document, 0, sizeof(document));

	if (kind != QUAY_CONFIG_DOCKER && is_empty_object(data, length) &&
		quay_jsoncheck_document(data, length, limits, error))
	{
		config->is_empty = true;
		return true;
	}
	if (!quay_jsonwalk_read(data, length, limits, shape_of_kind(kind), &document,
							error))
		return false;
	if (kind == QUAY_CONFIG_OCI && strcmp(document.rootfs->type, "layers") != 0)
		return quay_parseerror_set_value(error, MANIFEST_BAD_ROOTFS, "rootfs.type",
										 document.rootfs->type, NULL);
	take_document(&document, config);
	return true;
}
