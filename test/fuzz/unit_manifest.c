/*-------------------------------------------------------------------------
 *
 * unit_manifest.c
 *	  Unit tests of manifest.c, jsonwalk.c, jsoncheck.c and parseerror.c.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/manifest.h"

#include "oracle.h"
#include "unit.h"

#define OM QUAY_MEDIATYPE_OCI_MANIFEST
#define OI QUAY_MEDIATYPE_OCI_INDEX
#define DM QUAY_MEDIATYPE_DOCKER_SCHEMA2
#define DL QUAY_MEDIATYPE_DOCKER_LIST
#define OLAYER QUAY_MEDIATYPE_OCI_LAYER "+gzip"
#define FOREIGN QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER

/* Pieces of documents. */
#define DESC_MORE(type, size, more) \
	"{\"mediaType\":\"" type "\",\"digest\":\"" DIGEST "\",\"size\":" size more "}"
/* A descriptor of {}, if that is what the data says. */
#define EMBEDDED(size, data) \
	"{\"mediaType\":\"" OM "\",\"digest\":\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\",\"size\":" size ",\"data\":\"" data "\"}"
#define DESC(type, size) DESC_MORE(type, size, "")
#define V2 "\"schemaVersion\":2"
#define TYPE(type) ",\"mediaType\":\"" type "\""
#define CONFIG ",\"config\":" DESC(QUAY_MEDIATYPE_OCI_CONFIG, "7")
#define DCONFIG ",\"config\":" DESC(QUAY_MEDIATYPE_DOCKER_CONFIG, "7")
#define LAYERS(list) ",\"layers\":[" list "]"
#define MANIFESTS(list) ",\"manifests\":[" list "]"
#define PLATFORM ",\"platform\":{\"architecture\":\"arm\",\"os\":\"linux\",\"variant\":\"v7\",\"os.version\":\"1\"}"
#define URLS ",\"urls\":[\"https://a\",\"https://b\"]"
#define IMAGE V2 TYPE(OM) CONFIG LAYERS(DESC(OLAYER, "5"))
#define INDEX V2 TYPE(OI) MANIFESTS(DESC(OM, "5"))
#define DIMAGE V2 TYPE(DM) DCONFIG LAYERS(DESC(QUAY_MEDIATYPE_DOCKER_LAYER, "5"))
#define DLIST V2 TYPE(DL) MANIFESTS(DESC_MORE(DM, "5", PLATFORM))

typedef struct ManifestVector
{
	const char *name;
	const char *declared;
	const char *text;
	size_t		length;
	ManifestErrorCode expected;
} ManifestVector;

static const ManifestVector vectors[] = {
	/* accepted */
	{"OCI manifest", OM, BYTES("{" IMAGE "}"), MANIFEST_OK},
	{"OCI manifest, undeclared", NULL, BYTES("{" IMAGE "}"), MANIFEST_OK},
	{"OCI manifest, inferred", NULL, BYTES("{" V2 CONFIG LAYERS("") "}"), MANIFEST_OK},
	{"declared type with parameter", OM "; charset=utf-8", BYTES("{" IMAGE "}"), MANIFEST_OK},
	{"OCI index", OI, BYTES("{" INDEX "}"), MANIFEST_OK},
	{"OCI index, inferred", NULL, BYTES("{" V2 MANIFESTS("") "}"), MANIFEST_OK},
	{"nested index", OI, BYTES("{" V2 MANIFESTS(DESC(OI, "5")) "}"), MANIFEST_OK},
	{"index with child of unknown type", OI, BYTES("{" V2 MANIFESTS(DESC("a/b", "5")) "}"), MANIFEST_OK},
	{"Docker schema 2", DM, BYTES("{" DIMAGE "}"), MANIFEST_OK},
	{"Docker schema 2, undeclared", NULL, BYTES("{" DIMAGE "}"), MANIFEST_OK},
	{"Docker foreign layer", DM, BYTES("{" V2 TYPE(DM) DCONFIG LAYERS(DESC_MORE(QUAY_MEDIATYPE_DOCKER_FOREIGN_LAYER, "5", URLS)) "}"), MANIFEST_OK},
	{"Docker list", DL, BYTES("{" DLIST "}"), MANIFEST_OK},
	{"Docker list of schema 1", DL, BYTES("{" V2 TYPE(DL) MANIFESTS(DESC_MORE(QUAY_MEDIATYPE_DOCKER_SCHEMA1, "5", PLATFORM)) "}"), MANIFEST_OK},
	{"optional fields null", OM, BYTES("{" IMAGE ",\"subject\":null,\"annotations\":null,\"artifactType\":null}"), MANIFEST_OK},
	{"unknown fields", OM, BYTES("{" IMAGE ",\"x\":[{\"y\":[1,2.5e3,null,true]}],\"z\":{}}"), MANIFEST_OK},
	{"size 0", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "0")) "}"), MANIFEST_OK},
	{"size 2^63-1", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "9223372036854775807")) "}"), MANIFEST_OK},
	{"Docker ignores annotations", DM, BYTES("{" DIMAGE ",\"annotations\":1}"), MANIFEST_OK},

	/* bytes and JSON */
	{"empty", OM, BYTES(""), MANIFEST_EMPTY},
	{"zero byte", OM, BYTES("{\"a\":\"\0\"}"), MANIFEST_NUL_BYTE},
	{"invalid UTF-8", OM, BYTES("{\"a\":\"\303\050\"}"), MANIFEST_NOT_UTF8},
	{"overlong UTF-8", OM, BYTES("{\"a\":\"\300\200\"}"), MANIFEST_NOT_UTF8},
	{"surrogate in UTF-8", OM, BYTES("{\"a\":\"\355\240\200\"}"), MANIFEST_NOT_UTF8},
	{"truncated UTF-8", OM, BYTES("{\"a\":\"\303"), MANIFEST_NOT_UTF8},
	{"byte order mark", OM, BYTES("\357\273\277{" IMAGE "}"), MANIFEST_NOT_JSON},
	{"cut off", OM, BYTES("{" IMAGE), MANIFEST_NOT_JSON},
	{"trailing garbage", OM, BYTES("{" IMAGE "}x"), MANIFEST_NOT_JSON},
	{"two documents", OM, BYTES("{" IMAGE "}{}"), MANIFEST_NOT_JSON},
	{"trailing comma", OM, BYTES("{" IMAGE ",}"), MANIFEST_NOT_JSON},
	{"zero escape", OM, BYTES("{" IMAGE ",\"a\":\"\\u0000\"}"), MANIFEST_NOT_JSON},
	{"lone surrogate escape", OM, BYTES("{" IMAGE ",\"a\":\"\\ud800\"}"), MANIFEST_NOT_JSON},
	{"control character", OM, BYTES("{" IMAGE ",\"a\":\"\n\"}"), MANIFEST_NOT_JSON},
	{"array", OM, BYTES("[]"), MANIFEST_NOT_OBJECT},
	{"string", OM, BYTES("\"a\""), MANIFEST_NOT_OBJECT},
	{"null", OM, BYTES("null"), MANIFEST_NOT_OBJECT},

	/* keys */
	{"layers twice", OM, BYTES("{" IMAGE LAYERS("") "}"), MANIFEST_DUPLICATE_KEY},
	{"layers twice, escaped", OM, BYTES("{" IMAGE ",\"l\\u0061yers\":[]}"), MANIFEST_DUPLICATE_KEY},
	{"unknown field twice", OM, BYTES("{" IMAGE ",\"x\":1,\"y\":2,\"x\":3}"), MANIFEST_DUPLICATE_KEY},
	{"annotation twice", OM, BYTES("{" IMAGE ",\"annotations\":{\"a\":\"\",\"b\":\"\",\"a\":\"\"}}"), MANIFEST_DUPLICATE_KEY},
	{"digest twice", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(OLAYER, "5", ",\"digest\":\"\"")) "}"), MANIFEST_DUPLICATE_KEY},
	{"another case", OM, BYTES("{" IMAGE ",\"Layers\":[]}"), MANIFEST_KEY_CASE},
	{"another case alone", OI, BYTES("{" V2 ",\"MANIFESTS\":[]}"), MANIFEST_KEY_CASE},
	{"long s", OM, BYTES("{" IMAGE ",\"manife\305\277ts\":[]}"), MANIFEST_KEY_CASE},

	/* types */
	{"layers an object", OM, BYTES("{" V2 CONFIG ",\"layers\":{}}"), MANIFEST_WRONG_TYPE},
	{"layer a string", OM, BYTES("{" V2 CONFIG LAYERS("\"a\"") "}"), MANIFEST_WRONG_TYPE},
	{"layer null", OM, BYTES("{" V2 CONFIG LAYERS("null") "}"), MANIFEST_WRONG_TYPE},
	{"size a string", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "\"5\"")) "}"), MANIFEST_WRONG_TYPE},
	{"annotation a number", OM, BYTES("{" IMAGE ",\"annotations\":{\"a\":1}}"), MANIFEST_WRONG_TYPE},
	{"annotation null", OM, BYTES("{" IMAGE ",\"annotations\":{\"a\":null}}"), MANIFEST_WRONG_TYPE},
	{"annotation an object", OM, BYTES("{" IMAGE ",\"annotations\":{\"a\":{}}}"), MANIFEST_WRONG_TYPE},
	{"annotations an array", OM, BYTES("{" IMAGE ",\"annotations\":[]}"), MANIFEST_WRONG_TYPE},
	{"layer's annotation", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(OLAYER, "5", ",\"annotations\":{\"a\":true}")) "}"), MANIFEST_WRONG_TYPE},
	{"urls of numbers", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(OLAYER, "5", ",\"urls\":[1]")) "}"), MANIFEST_WRONG_TYPE},
	{"subject a string", OM, BYTES("{" IMAGE ",\"subject\":\"" DIGEST "\"}"), MANIFEST_WRONG_TYPE},
	{"size negative", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "-1")) "}"), MANIFEST_BAD_NUMBER},
	{"size -0", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "-0")) "}"), MANIFEST_BAD_NUMBER},
	{"size with fraction", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "5.0")) "}"), MANIFEST_BAD_NUMBER},
	{"size with exponent", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "1e3")) "}"), MANIFEST_BAD_NUMBER},
	{"size 2^63", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "9223372036854775808")) "}"), MANIFEST_BAD_NUMBER},
	{"size 2^64", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "18446744073709551616")) "}"), MANIFEST_BAD_NUMBER},

	/* which kind */
	{"no bytes, no type", NULL, BYTES(""), MANIFEST_EMPTY},
	{"declared schema 1", QUAY_MEDIATYPE_DOCKER_SCHEMA1_SIGNED, BYTES("{}"), MANIFEST_MISSING_FIELD},
	{"OCI declared as schema 1", QUAY_MEDIATYPE_DOCKER_SCHEMA1, BYTES("{" IMAGE "}"), MANIFEST_MISSING_FIELD},
	{"undeclared schema 1", NULL, BYTES("{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}"), MANIFEST_MISSING_FIELD},
	{"unknown declared type", "application/json", BYTES("{" IMAGE "}"), MANIFEST_UNKNOWN_TYPE},
	{"unknown mediaType", NULL, BYTES("{" V2 TYPE("application/json") CONFIG LAYERS("") "}"), MANIFEST_UNKNOWN_TYPE},
	{"nothing known", NULL, BYTES("{}"), MANIFEST_UNKNOWN_TYPE},
	{"layers alone", NULL, BYTES("{" V2 LAYERS("") "}"), MANIFEST_UNKNOWN_TYPE},
	{"image declared as index", OI, BYTES("{" IMAGE "}"), MANIFEST_TYPE_MISMATCH},
	{"OCI declared as Docker", DM, BYTES("{" IMAGE "}"), MANIFEST_TYPE_MISMATCH},
	{"image with manifests", OM, BYTES("{" IMAGE MANIFESTS("") "}"), MANIFEST_AMBIGUOUS},
	{"image with manifests null", OM, BYTES("{" IMAGE ",\"manifests\":null}"), MANIFEST_AMBIGUOUS},
	{"image with manifests, no types", NULL, BYTES("{" V2 CONFIG LAYERS("") MANIFESTS("") "}"), MANIFEST_AMBIGUOUS},
	{"index with layers", OI, BYTES("{" INDEX LAYERS("") "}"), MANIFEST_AMBIGUOUS},
	{"index with config", OI, BYTES("{" INDEX CONFIG "}"), MANIFEST_AMBIGUOUS},
	{"image with fsLayers", DM, BYTES("{" DIMAGE ",\"fsLayers\":[]}"), MANIFEST_AMBIGUOUS},
	{"schemaVersion 1", OM, BYTES("{\"schemaVersion\":1" CONFIG LAYERS("") "}"), MANIFEST_SCHEMA_VERSION},
	{"schemaVersion 2.0", OM, BYTES("{\"schemaVersion\":2.0" CONFIG LAYERS("") "}"), MANIFEST_BAD_NUMBER},

	/* missing fields */
	{"no schemaVersion", OM, BYTES("{\"x\":1" CONFIG LAYERS("") "}"), MANIFEST_MISSING_FIELD},
	{"no config", OM, BYTES("{" V2 LAYERS("") "}"), MANIFEST_MISSING_FIELD},
	{"config null", OM, BYTES("{" V2 ",\"config\":null" LAYERS("") "}"), MANIFEST_MISSING_FIELD},
	{"no layers", OM, BYTES("{" V2 CONFIG "}"), MANIFEST_MISSING_FIELD},
	{"no manifests", OI, BYTES("{" V2 "}"), MANIFEST_MISSING_FIELD},
	{"Docker without mediaType", DM, BYTES("{" V2 DCONFIG LAYERS("") "}"), MANIFEST_MISSING_FIELD},
	{"Docker list without platform", DL, BYTES("{" V2 TYPE(DL) MANIFESTS(DESC(DM, "5")) "}"), MANIFEST_MISSING_FIELD},
	{"platform without os", OI, BYTES("{" V2 MANIFESTS(DESC_MORE(OM, "5", ",\"platform\":{\"architecture\":\"arm\"}")) "}"), MANIFEST_MISSING_FIELD},
	{"empty descriptor", OM, BYTES("{" V2 CONFIG LAYERS("{}") "}"), MANIFEST_MISSING_FIELD},
	{"size null", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "null")) "}"), MANIFEST_MISSING_FIELD},
	{"empty subject", OM, BYTES("{" IMAGE ",\"subject\":{}}"), MANIFEST_MISSING_FIELD},

	/* values */
	{"media type without slash", OM, BYTES("{" V2 CONFIG LAYERS(DESC("tar", "5")) "}"), MANIFEST_BAD_MEDIA_TYPE},
	{"media type with parameter", OM, BYTES("{" V2 CONFIG LAYERS(DESC("a/b;c=d", "5")) "}"), MANIFEST_BAD_MEDIA_TYPE},
	{"artifact type", OM, BYTES("{" IMAGE ",\"artifactType\":\"x\"}"), MANIFEST_BAD_MEDIA_TYPE},
	{"Docker with OCI config", DM, BYTES("{" V2 TYPE(DM) CONFIG LAYERS("") "}"), MANIFEST_WRONG_MEDIA_TYPE},
	{"Docker with OCI layer", DM, BYTES("{" V2 TYPE(DM) DCONFIG LAYERS(DESC(OLAYER, "5")) "}"), MANIFEST_WRONG_MEDIA_TYPE},
	{"Docker list of OCI", DL, BYTES("{" V2 TYPE(DL) MANIFESTS(DESC_MORE(OM, "5", PLATFORM)) "}"), MANIFEST_WRONG_MEDIA_TYPE},
	{"short digest", OM, BYTES("{" V2 CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"sha256:ab\"}]}"), MANIFEST_BAD_DIGEST},
	{"unknown algorithm", OM, BYTES("{" V2 CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"blake3:" HEX64 "\"}]}"), MANIFEST_UNSUPPORTED_DIGEST},
	{"subject's digest", OI, BYTES("{" INDEX ",\"subject\":{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"\"}}"), MANIFEST_BAD_DIGEST},
	{"OCI foreign layer without urls", OM, BYTES("{" V2 CONFIG LAYERS(DESC(FOREIGN, "5")) "}"), MANIFEST_MISSING_URLS},
	{"foreign layer with empty urls", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(FOREIGN, "5", ",\"urls\":[]")) "}"), MANIFEST_MISSING_URLS},
	{"Docker foreign layer without urls", DM, BYTES("{" V2 TYPE(DM) DCONFIG LAYERS(DESC(QUAY_MEDIATYPE_DOCKER_FOREIGN_LAYER, "5")) "}"), MANIFEST_MISSING_URLS},
	{"embedded data", OM, BYTES("{" V2 ",\"config\":" EMBEDDED("2", "e30=") LAYERS("") "}"), MANIFEST_OK},
	{"embedded empty data", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(OLAYER, "0", ",\"data\":\"\"")) "}"), MANIFEST_OK},
	{"embedded data of a child", OI, BYTES("{" V2 MANIFESTS(EMBEDDED("2", "e30=")) "}"), MANIFEST_OK},
	{"embedded data not base64", OM, BYTES("{" V2 ",\"config\":" EMBEDDED("2", "e30") LAYERS("") "}"), MANIFEST_BAD_DATA},
	{"embedded data too long", OM, BYTES("{" V2 ",\"config\":" EMBEDDED("2", "e30K") LAYERS("") "}"), MANIFEST_BAD_DATA},
	{"embedded data of another size", OM, BYTES("{" V2 ",\"config\":" EMBEDDED("3", "e30=") LAYERS("") "}"), MANIFEST_BAD_DATA},
	{"embedded data of another digest", OM, BYTES("{" V2 ",\"config\":" EMBEDDED("2", "W10=") LAYERS("") "}"), MANIFEST_BAD_DATA},
	{"embedded data a number", OM, BYTES("{" V2 CONFIG LAYERS(DESC_MORE(OLAYER, "0", ",\"data\":1")) "}"), MANIFEST_WRONG_TYPE},
	{"embedded data of the subject", OI, BYTES("{" INDEX ",\"subject\":" EMBEDDED("2", "W10=") "}"), MANIFEST_BAD_DATA},
	{"sum of sizes", OM, BYTES("{" V2 CONFIG LAYERS(DESC(OLAYER, "9223372036854775807") "," DESC(OLAYER, "1")) "}"), MANIFEST_SIZE_OVERFLOW}
};

static const char *
code_of(const char *text, size_t length, const char *declared,
		const QuayJsonLimits *limits)
{
	QuayManifest manifest;
	ManifestError error;

	quay_manifest_parse(text, length, declared, limits, &manifest, &error);
	return quay_parseerror_code_name(error.code);
}

static void
test_vectors(void)
{
	for (int i = 0; i < (int) lengthof(vectors); i++)
	{
		const ManifestVector *v = &vectors[i];

		unit_is_text(code_of(v->text, v->length, v->declared, NULL),
					 quay_parseerror_code_name(v->expected),
					 psprintf("manifest: %s", v->name));
	}
}

static void
test_image(void)
{
	static const char text[] =
		"{" V2 TYPE(OM) CONFIG
		LAYERS(DESC(OLAYER, "5") "," DESC_MORE(FOREIGN, "6", URLS) "," DESC(OLAYER, "5"))
		",\"subject\":" DESC(OI, "9") ",\"annotations\":{\"z\":\"1\",\"a\":\"\\ud83d\\ude00\"}}";
	QuayManifest m;
	ManifestError error;

	unit_ok(quay_manifest_parse(text, strlen(text), NULL, NULL, &m, &error), "image: parsed");
	unit_is_int(error.code, MANIFEST_OK, "image: no error");
	unit_is_int(m.kind, QUAY_MANIFEST_OCI_MANIFEST, "image: kind");
	unit_is_text(m.media_type, OM, "image: media type");
	unit_is_int(m.config_kind, QUAY_CONFIG_OCI, "image: config kind");
	unit_ok(m.is_image, "image: is an image");
	unit_is_int(m.layers_count, 3, "image: layers");
	unit_ok(!m.layers[0].remote && m.layers[1].remote, "image: remote layer");
	unit_is_int(m.layers[1].urls_count, 2, "image: urls");
	unit_is_int(m.layers_compressed_size, 16, "image: size counts remote and repeated layers");
	unit_is_text(m.subject->media_type, OI, "image: subject");
	unit_is_int(m.subject->size, 9, "image: size of the subject");
	unit_is_int(m.annotations.count, 2, "image: annotations");
	unit_is_text(m.annotations.keys[0], "z", "image: annotations keep their order");
	unit_is_text(m.annotations.values[1], "\360\237\230\200", "image: surrogate pair");
	unit_is_text(m.artifact_type, NULL, "image: no artifact type");
	unit_is_text(m.referrer_type, QUAY_MEDIATYPE_OCI_CONFIG, "image: referrer type is the config's");
	unit_ok(m.children == NULL && m.children_count == 0, "image: no children");
}

static void
test_artifact(void)
{
	static const char text[] = "{" V2 ",\"config\":" DESC("application/vnd.oci.empty.v1+json", "2")
		LAYERS(DESC("text/plain", "1")) ",\"artifactType\":\"a/b\"}";
	static const char untyped[] = "{" V2 ",\"config\":" DESC("c/d", "2") LAYERS("") ",\"artifactType\":\"\"}";
	static const char index[] = "{" V2 MANIFESTS("") "}";
	QuayManifest m;
	ManifestError error;

	unit_ok(quay_manifest_parse(text, strlen(text), NULL, NULL, &m, &error), "artifact: parsed");
	unit_ok(!m.is_image, "artifact: is no image");
	unit_is_text(m.artifact_type, "a/b", "artifact: type");
	unit_is_text(m.referrer_type, "a/b", "artifact: referrer type");
	unit_ok(quay_manifest_parse(untyped, strlen(untyped), NULL, NULL, &m, &error), "untyped artifact: parsed");
	unit_is_text(m.artifact_type, NULL, "untyped artifact: empty type is none");
	unit_is_text(m.referrer_type, "c/d", "untyped artifact: referrer type is the config's");
	unit_ok(quay_manifest_parse(index, strlen(index), NULL, NULL, &m, &error), "empty index: parsed");
	unit_is_text(m.referrer_type, NULL, "empty index: no referrer type");
	unit_is_int(m.children_count, 0, "empty index: no children");
}

static void
test_list(void)
{
	static const char text[] = "{" V2 TYPE(DL) MANIFESTS(DESC_MORE(DM, "5", PLATFORM) "," DESC_MORE(DM, "5", PLATFORM)) "}";
	QuayManifest m;
	ManifestError error;

	unit_ok(quay_manifest_parse(text, strlen(text), NULL, NULL, &m, &error), "list: parsed");
	unit_is_int(m.children_count, 2, "list: duplicates are kept");
	unit_is_int(m.children[1].kind, QUAY_MANIFEST_DOCKER_SCHEMA2, "list: kind of a child");
	unit_is_text(m.children[1].descriptor.digest, DIGEST, "list: digest of a child");
	unit_is_text(m.children[1].platform->architecture, "arm", "list: architecture");
	unit_is_text(m.children[1].platform->os, "linux", "list: os");
	unit_is_text(m.children[1].platform->variant, "v7", "list: variant");
	unit_is_text(m.children[1].platform->os_version, "1", "list: os version");
	unit_ok(!m.has_layers_size, "list: no size of layers");
	unit_ok(m.config == NULL && m.layers == NULL, "list: no config, no layers");
}

/* A document with `count` annotations. */
static char *
many_annotations(int count)
{
	char	   *text = palloc(count * 16 + 1024);
	char	   *p = stpcpy(text, "{" IMAGE ",\"annotations\":{");

	for (int i = 0; i < count; i++)
		p += sprintf(p, "%s\"%d\":\"\"", i > 0 ? "," : "", i);
	stpcpy(p, "}}");
	return text;
}

static char *
deep(const char *before, const char *opening, int levels, const char *closing,
	 const char *after)
{
	char	   *text = palloc(strlen(before) + levels * (strlen(opening) + strlen(closing)) + strlen(after) + 1);
	char	   *p = stpcpy(text, before);

	for (int i = 0; i < levels; i++)
		p = stpcpy(p, opening);
	for (int i = 0; i < levels; i++)
		p = stpcpy(p, closing);
	stpcpy(p, after);
	return text;
}

static void
test_limits(void)
{
	static const char image[] = "{" IMAGE "}";
	QuayJsonLimits limits = {.max_bytes = sizeof(image) - 1,.max_entries = 10};
	char	   *text;

	unit_is_text(code_of(image, strlen(image), OM, &limits), "ok", "limit: exact size");
	limits.max_bytes--;
	unit_is_text(code_of(image, strlen(image), OM, &limits), "too_large", "limit: one byte more");
	text = unit_repeat(' ', QUAY_JSON_DEFAULT_MAX_BYTES + 1);
	memcpy(text, image, strlen(image));
	unit_is_text(code_of(text, QUAY_JSON_DEFAULT_MAX_BYTES, OM, NULL), "ok", "limit: 4 MiB");
	unit_is_text(code_of(text, QUAY_JSON_DEFAULT_MAX_BYTES + 1, OM, NULL), "too_large", "limit: above 4 MiB");

	text = many_annotations(10000);
	unit_is_text(code_of(text, strlen(text), OM, NULL), "ok", "limit: 10000 annotations");
	text = many_annotations(10001);
	unit_is_text(code_of(text, strlen(text), OM, NULL), "too_many", "limit: 10001 annotations");

	text = deep("{" IMAGE ",\"x\":", "[", 63, "]", "}");
	unit_is_text(code_of(text, strlen(text), OM, NULL), "ok", "limit: 64 levels");
	text = deep("{" IMAGE ",\"x\":", "[", 64, "]", "}");
	unit_is_text(code_of(text, strlen(text), OM, NULL), "too_deep", "limit: 65 levels");
	text = deep("", "[", 10000, "", "");
	unit_is_text(code_of(text, strlen(text), OM, NULL), "too_deep", "limit: 10000 levels");
	text = deep("", "{\"a\":", 1000000 / 8, "", "");
	unit_is_text(code_of(text, strlen(text), NULL, NULL), "too_deep", "limit: 125000 levels");
	text = deep("{" IMAGE ",\"x\":\"", "[{\\\"", 1000, "", "\"}");
	unit_is_text(code_of(text, strlen(text), OM, NULL), "ok", "limit: brackets in a string do not count");
}

static void
test_details(void)
{
	static const char text[] = "{" V2 CONFIG LAYERS(DESC(OLAYER, "5") "," DESC(OLAYER, "-1")) "}";
	static const char digest[] = "{" V2 CONFIG ",\"layers\":[{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"sha256:xyz\"}]}";
	static const char annotation[] = "{" IMAGE ",\"annotations\":{\"k\\n\":1}}";
	QuayManifest m;
	ManifestError error;
	char	   *shown;

	quay_manifest_parse(text, strlen(text), OM, NULL, &m, &error);
	unit_is_text(error.detail, "Field layers[1].size is \"-1\".", "detail: path and value");
	unit_ok(error.message != NULL && error.hint != NULL, "detail: message and hint");
	quay_manifest_parse(digest, strlen(digest), OM, NULL, &m, &error);
	unit_is_text(error.detail, "Field layers[0].digest is \"sha256:xyz\". A sha256 digest has exactly 64 hexadecimal digits.",
				 "detail: reason");
	quay_manifest_parse(annotation, strlen(annotation), OM, NULL, &m, &error);
	unit_is_text(error.detail, "Field annotations[\"k?\"] must be a string, not a number.", "detail: key of a map");
	quay_manifest_parse("{\"a\":tru}", 9, OM, NULL, &m, &error);
	unit_is_text(error.detail, "Unexpected input at byte 6: \"tru}\".", "detail: syntax error");
	quay_manifest_parse("{\"a\":", 5, OM, NULL, &m, &error);
	unit_is_text(error.detail, "The document ends unexpectedly.", "detail: end of document");

	shown = quay_parseerror_shorten(unit_repeat('a', 200), 200, 80);
	unit_is_int(strlen(shown), 83, "shorten: 80 characters and three dots");
	unit_is_text(quay_parseerror_shorten(BYTES("\303\244\303\266\303\274"), 2), "\303\244\303\266...", "shorten: characters, not bytes");
	unit_is_text(quay_parseerror_shorten(BYTES("a\n\0\303\377\177"), 80), "a?????", "shorten: unprintable bytes");
	unit_is_text(quay_parseerror_shorten(BYTES("a\343\201"), 80), "a??", "shorten: cut character");
	unit_ok(oracle_is_clean(quay_parseerror_shorten(BYTES("\360\237\230\200\355\240\200"), 80)), "shorten: always UTF-8");
}

void
unit_manifest(void)
{
	test_vectors();
	test_image();
	test_artifact();
	test_list();
	test_limits();
	test_details();
}
