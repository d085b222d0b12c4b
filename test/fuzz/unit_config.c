/*-------------------------------------------------------------------------
 *
 * unit_config.c
 *	  Unit tests of imageconfig.c.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/imageconfig.h"

#include "unit.h"

#define PLATFORM "\"architecture\":\"arm64\",\"os\":\"linux\""
#define ROOTFS "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" DIGEST "\",\"" DIGEST "\"]}"
#define HISTORY "\"history\":[{\"created_by\":\"a\"},{\"empty_layer\":true},{\"empty_layer\":false}]"

typedef struct ConfigVector
{
	const char *name;
	QuayConfigKind kind;
	const char *text;
	ManifestErrorCode expected;
} ConfigVector;

static const ConfigVector vectors[] = {
	{"complete", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS "," HISTORY "}", MANIFEST_OK},
	{"no history", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS "}", MANIFEST_OK},
	{"history null", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"history\":null}", MANIFEST_OK},
	{"config null", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"config\":null}", MANIFEST_OK},
	{"labels null", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"config\":{\"Labels\":null}}", MANIFEST_OK},
	{"empty", QUAY_CONFIG_OCI, " {\n}\n", MANIFEST_OK},
	{"no platform", QUAY_CONFIG_OCI, "{" ROOTFS "}", MANIFEST_MISSING_FIELD},
	{"no rootfs", QUAY_CONFIG_OCI, "{" PLATFORM "}", MANIFEST_MISSING_FIELD},
	{"no diff_ids", QUAY_CONFIG_OCI, "{" PLATFORM ",\"rootfs\":{\"type\":\"layers\"}}", MANIFEST_MISSING_FIELD},
	{"rootfs type", QUAY_CONFIG_OCI, "{" PLATFORM ",\"rootfs\":{\"type\":\"x\",\"diff_ids\":[]}}", MANIFEST_BAD_ROOTFS},
	{"diff_ids not strings", QUAY_CONFIG_OCI, "{" PLATFORM ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}", MANIFEST_WRONG_TYPE},
	{"history of strings", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"history\":[\"a\"]}", MANIFEST_WRONG_TYPE},
	{"empty_layer a string", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"history\":[{\"empty_layer\":\"true\"}]}", MANIFEST_WRONG_TYPE},
	{"label a number", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"config\":{\"Labels\":{\"a\":1}}}", MANIFEST_WRONG_TYPE},
	{"label twice", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"config\":{\"Labels\":{\"a\":\"\",\"a\":\"\"}}}", MANIFEST_DUPLICATE_KEY},
	{"labels twice", QUAY_CONFIG_OCI, "{" PLATFORM "," ROOTFS ",\"config\":{\"Labels\":{},\"labels\":{}}}", MANIFEST_KEY_CASE},
	{"array", QUAY_CONFIG_OCI, "[]", MANIFEST_NOT_OBJECT},
	{"no bytes", QUAY_CONFIG_OCI, "", MANIFEST_EMPTY},
	{"more after empty", QUAY_CONFIG_OTHER, "{}{}", MANIFEST_NOT_JSON},
	{"docker", QUAY_CONFIG_DOCKER, "{\"rootfs\":{\"type\":\"layers\"},\"history\":[]}", MANIFEST_OK},
	{"docker without history", QUAY_CONFIG_DOCKER, "{" PLATFORM "," ROOTFS "}", MANIFEST_MISSING_FIELD},
	{"docker without rootfs type", QUAY_CONFIG_DOCKER, "{\"rootfs\":{},\"history\":[]}", MANIFEST_MISSING_FIELD},
	{"docker empty", QUAY_CONFIG_DOCKER, "{}", MANIFEST_MISSING_FIELD},
	{"other", QUAY_CONFIG_OTHER, "{\"rootfs\":{\"type\":\"x\"}}", MANIFEST_OK},
	{"other empty", QUAY_CONFIG_OTHER, "{}", MANIFEST_OK}
};

void
unit_config(void)
{
	static const char text[] =
		"{" PLATFORM ",\"variant\":\"v8\"," ROOTFS "," HISTORY
		",\"config\":{\"Env\":[],\"Labels\":{\"z\":\"1\",\"a\":\"\\u00fc\"}}}";
	QuayImageConfig config;
	ManifestError error;

	for (int i = 0; i < (int) lengthof(vectors); i++)
	{
		const ConfigVector *v = &vectors[i];

		quay_imageconfig_parse(v->text, strlen(v->text), v->kind, NULL, &config, &error);
		unit_is_text(quay_parseerror_code_name(error.code), quay_parseerror_code_name(v->expected),
					 psprintf("config: %s", v->name));
	}

	unit_ok(quay_imageconfig_parse(text, strlen(text), QUAY_CONFIG_OCI, NULL, &config, &error), "config: parsed");
	unit_ok(!config.is_empty, "config: not empty");
	unit_is_text(config.architecture, "arm64", "config: architecture");
	unit_is_text(config.os, "linux", "config: os");
	unit_is_text(config.variant, "v8", "config: variant");
	unit_is_int(config.labels.count, 2, "config: labels");
	unit_is_text(config.labels.keys[0], "z", "config: labels keep their order");
	unit_is_text(config.labels.values[1], "\303\274", "config: escapes are resolved");
	unit_ok(config.has_rootfs, "config: rootfs");
	unit_is_int(config.diff_ids_count, 2, "config: diff_ids");
	unit_ok(config.has_history, "config: history");
	unit_is_int(config.history_length, 3, "config: history length");
	unit_is_int(config.history_empty_layers, 1, "config: empty layers");
	unit_ok(quay_imageconfig_parse("{}", 2, QUAY_CONFIG_OCI, NULL, &config, &error) && config.is_empty, "config: empty");
	quay_imageconfig_parse(text, 4096, QUAY_CONFIG_OCI, &(QuayJsonLimits) {.max_bytes = 100,.max_entries = 10}, &config, &error);
	unit_is_text(quay_parseerror_code_name(error.code), "too_large", "config: limit of bytes");
	quay_imageconfig_parse(text, strlen(text), QUAY_CONFIG_OCI, &(QuayJsonLimits) {.max_bytes = 4096,.max_entries = 1}, &config, &error);
	unit_is_text(quay_parseerror_code_name(error.code), "too_many", "config: limit of entries");
}
