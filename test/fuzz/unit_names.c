/*-------------------------------------------------------------------------
 *
 * unit_names.c
 *	  Unit tests of digest.c, reference.c and mediatype.c.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/digest.h"
#include "util/mediatype.h"
#include "util/reference.h"

#include "unit.h"

typedef struct Vector
{
	const char *text;
	size_t		length;
	int			expected;
} Vector;

static const Vector digests[] = {
	{BYTES(DIGEST), QUAY_DIGEST_OK},
	{BYTES(DIGEST512), QUAY_DIGEST_OK},
	{BYTES("blake3:" HEX64), QUAY_DIGEST_UNSUPPORTED},
	{BYTES("sha384:" HEX64), QUAY_DIGEST_UNSUPPORTED},
	{BYTES("multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"), QUAY_DIGEST_UNSUPPORTED},
	{BYTES("sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"), QUAY_DIGEST_UNSUPPORTED},
	{BYTES("a:="), QUAY_DIGEST_UNSUPPORTED},
	{BYTES(""), QUAY_DIGEST_MALFORMED},
	{BYTES(":"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256:"), QUAY_DIGEST_MALFORMED},
	{BYTES(":" HEX64), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256:abcd"), QUAY_DIGEST_MALFORMED},
	{BYTES(DIGEST "0"), QUAY_DIGEST_MALFORMED},
	{BYTES(DIGEST "\n"), QUAY_DIGEST_MALFORMED},
	{BYTES(" " DIGEST), QUAY_DIGEST_MALFORMED},
	{BYTES("SHA256:" HEX64), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256:g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha512:" HEX64), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256:sha256:" HEX64), QUAY_DIGEST_MALFORMED},
	{BYTES("+sha256:ab"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha256+:ab"), QUAY_DIGEST_MALFORMED},
	{BYTES("sha++256:ab"), QUAY_DIGEST_MALFORMED},
	{BYTES("b\303\251:ab"), QUAY_DIGEST_MALFORMED},
	{BYTES("blake3:a\0b"), QUAY_DIGEST_MALFORMED},
	{BYTES("blake3:../etc"), QUAY_DIGEST_MALFORMED}
};

typedef struct PathVector
{
	const char *digest;
	const char *path;
} PathVector;

static const PathVector paths[] = {
	{"sha256:abcd", "sha256/ab/abcd"},
	{"sha256:a", "sha256/0a/a"},
	{"tarsum.v1+sha256:123abc", "tarsum/v1/sha256/12/123abc"},
	{"sha256+b64:abcdef", "sha256/b64/ab/abcdef"},
	{"SHA256:AB", "SHA256/AB/AB"},
	{"..+a:ab", "a/ab/ab"},
	{"a+:ab", "a/ab/ab"},
	{"..:ab", "ab/ab"},
	{"a_-b:0", "a_-b/00/0"},
	{DIGEST, "sha256/e3/" HEX64},
	{"sha256:", NULL},
	{":ab", NULL},
	{"sha256:xyz", NULL},
	{"sha256:ab\n", NULL},
	{"sha=256:ab", NULL},
	{"sha/256:ab", NULL},
	{"sha256:../ab", NULL},
	{"", NULL}
};

static const Vector repositories[] = {
	{BYTES("app"), QUAY_NAME_OK},
	{BYTES("0"), QUAY_NAME_OK},
	{BYTES("acme/team/app-1.0_beta"), QUAY_NAME_OK},
	{BYTES("a__b/c---d/e.f"), QUAY_NAME_OK},
	{BYTES("a-/b_"), QUAY_NAME_OK},
	{BYTES(""), QUAY_NAME_EMPTY},
	{BYTES("/a"), QUAY_NAME_EMPTY_COMPONENT},
	{BYTES("a/"), QUAY_NAME_EMPTY_COMPONENT},
	{BYTES("a//b"), QUAY_NAME_EMPTY_COMPONENT},
	{BYTES("a..b"), QUAY_NAME_DOTS},
	{BYTES("a/b..c"), QUAY_NAME_DOTS},
	{BYTES(".."), QUAY_NAME_START},
	{BYTES("a/../b"), QUAY_NAME_START},
	{BYTES("-a"), QUAY_NAME_START},
	{BYTES("a/_b"), QUAY_NAME_START},
	{BYTES("App"), QUAY_NAME_UPPER_CASE},
	{BYTES("app\n"), QUAY_NAME_SPACE},
	{BYTES("my app"), QUAY_NAME_SPACE},
	{BYTES("app\0"), QUAY_NAME_SPACE},
	{BYTES("caf\303\251"), QUAY_NAME_NOT_ASCII},
	{BYTES("app:latest"), QUAY_NAME_CHARACTER},
	{BYTES("a+b"), QUAY_NAME_CHARACTER}
};

static const Vector namespaces[] = {
	{BYTES("te.st"), QUAY_NAME_OK},
	{BYTES("ja_ke"), QUAY_NAME_OK},
	{BYTES("te-st"), QUAY_NAME_OK},
	{BYTES("00"), QUAY_NAME_OK},
	{BYTES(""), QUAY_NAME_EMPTY},
	{BYTES("j"), QUAY_NAME_TOO_SHORT},
	{BYTES("_test"), QUAY_NAME_START},
	{BYTES("test_"), QUAY_NAME_END},
	{BYTES("te---st"), QUAY_NAME_SEPARATORS},
	{BYTES("te..st"), QUAY_NAME_SEPARATORS},
	{BYTES("te._st"), QUAY_NAME_SEPARATORS},
	{BYTES("Test"), QUAY_NAME_UPPER_CASE},
	{BYTES("test\n"), QUAY_NAME_SPACE},
	{BYTES("a/b"), QUAY_NAME_CHARACTER},
	{BYTES("a+b"), QUAY_NAME_CHARACTER},
	{BYTES("\345\214\227\344\272\254"), QUAY_NAME_NOT_ASCII}
};

static const Vector tags[] = {
	{BYTES("latest"), QUAY_NAME_OK},
	{BYTES("V1.2.3-rc.1"), QUAY_NAME_OK},
	{BYTES("_"), QUAY_NAME_OK},
	{BYTES("a..b"), QUAY_NAME_OK},
	{BYTES(""), QUAY_NAME_EMPTY},
	{BYTES("latest\n"), QUAY_NAME_SPACE},
	{BYTES(".hidden"), QUAY_NAME_START},
	{BYTES(".."), QUAY_NAME_START},
	{BYTES("-x"), QUAY_NAME_START},
	{BYTES("$temp-1"), QUAY_NAME_CHARACTER},
	{BYTES("a/b"), QUAY_NAME_CHARACTER},
	{BYTES("gr\303\266\303\237e"), QUAY_NAME_NOT_ASCII},
	{BYTES("a\0b"), QUAY_NAME_SPACE}
};

static const Vector robots[] = {
	{BYTES("acme+ci"), QUAY_NAME_OK},
	{BYTES("ac.me+c_i"), QUAY_NAME_OK},
	{BYTES(""), QUAY_NAME_EMPTY},
	{BYTES("acme"), QUAY_NAME_NO_PLUS},
	{BYTES("a+b+c"), QUAY_NAME_PLUS},
	{BYTES("acme+"), QUAY_NAME_EMPTY},
	{BYTES("+ci"), QUAY_NAME_EMPTY},
	{BYTES("acme+c"), QUAY_NAME_TOO_SHORT},
	{BYTES("acme+Ci"), QUAY_NAME_UPPER_CASE},
	{BYTES("acme+ci\n"), QUAY_NAME_SPACE}
};

static const Vector references[] = {
	{BYTES("latest"), QUAY_NAME_OK},
	{BYTES(DIGEST), QUAY_NAME_OK},
	{BYTES("sha256"), QUAY_NAME_OK},
	{BYTES(""), QUAY_NAME_EMPTY},
	{BYTES("sha256:abcd"), QUAY_NAME_DIGEST},
	{BYTES("a:b c"), QUAY_NAME_DIGEST},
	{BYTES("blake3:" HEX64), QUAY_NAME_DIGEST_ALGORITHM},
	{BYTES("latest "), QUAY_NAME_SPACE}
};

static const Vector cosign_tags[] = {
	{BYTES("sha256-" HEX64 ".sig"), true},
	{BYTES("sha256-" HEX64 ".att"), true},
	{BYTES("sha256-" HEX64 ".sbom"), true},
	{BYTES("sha256-" HEX64), false},
	{BYTES("sha256-" HEX64 ".sigx"), false},
	{BYTES("sha256-" HEX64 ".sig\n"), false},
	{BYTES("sha256-" HEX64 ".SIG"), false},
	{BYTES("sha256-" HEX64 "0.sig"), false},
	{BYTES("sha512-" HEX64 ".sig"), false},
	{BYTES("sha256-E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.sig"), false},
	{BYTES("sha256-.sig"), false},
	{BYTES(""), false}
};

typedef struct DurationVector
{
	const char *text;
	QuayNameStatus status;
	int64		seconds;
} DurationVector;

static const DurationVector durations[] = {
	{"0s", QUAY_NAME_OK, 0},
	{"90s", QUAY_NAME_OK, 90},
	{"5m", QUAY_NAME_OK, 300},
	{"2h", QUAY_NAME_OK, 7200},
	{"1d", QUAY_NAME_OK, 86400},
	{"2w", QUAY_NAME_OK, 1209600},
	{"1y", QUAY_NAME_OK, 31536000},
	{"007d", QUAY_NAME_OK, 604800},
	{"9223372036854775807s", QUAY_NAME_OK, PG_INT64_MAX},
	{"9223372036854775808s", QUAY_NAME_DURATION_RANGE, 0},
	{"292471208678y", QUAY_NAME_DURATION_RANGE, 0},
	{"", QUAY_NAME_DURATION, 0},
	{"s", QUAY_NAME_DURATION, 0},
	{"5", QUAY_NAME_DURATION, 0},
	{"12", QUAY_NAME_DURATION, 0},
	{"-1d", QUAY_NAME_DURATION, 0},
	{"+1d", QUAY_NAME_DURATION, 0},
	{" 1d", QUAY_NAME_DURATION, 0},
	{"1.5h", QUAY_NAME_DURATION, 0},
	{"1dd", QUAY_NAME_DURATION, 0},
	{"1d ", QUAY_NAME_DURATION, 0},
	{"1D", QUAY_NAME_DURATION_UNIT, 0},
	{"1x", QUAY_NAME_DURATION_UNIT, 0}
};

static const Vector media_types[] = {
	{BYTES("application/vnd.oci.image.manifest.v1+json"), true},
	{BYTES("a/b"), true},
	{BYTES("0!#$&-^_.+/1"), true},
	{BYTES(""), false},
	{BYTES("/"), false},
	{BYTES("text"), false},
	{BYTES("text/"), false},
	{BYTES("/plain"), false},
	{BYTES("text/plain/x"), false},
	{BYTES("text/plain; charset=utf-8"), false},
	{BYTES("text/.plain"), false},
	{BYTES("te xt/plain"), false},
	{BYTES("text/pl\303\244in"), false},
	{BYTES("text/plain\n"), false}
};

static char *
label(const char *subject, const char *text, size_t length)
{
	char	   *name = palloc(length + strlen(subject) + 4);
	char	   *p = stpcpy(name, subject);

	p = stpcpy(p, ": ");
	for (size_t i = 0; i < length && i < 60; i++)
		*p++ = text[i] > ' ' && text[i] < 0x7F && text[i] != '#' ? text[i] : '?';
	*p = '\0';
	return name;
}

static void
test_digests(void)
{
	QuayDigest	parts;
	const char *reason;

	for (int i = 0; i < (int) lengthof(digests); i++)
	{
		const Vector *v = &digests[i];

		unit_is_int(quay_digest_parse(v->text, v->length, NULL, NULL), v->expected,
					label("digest", v->text, v->length));
	}
	quay_digest_parse(BYTES(DIGEST512), &parts, &reason);
	unit_is_int(parts.algorithm, QUAY_DIGEST_SHA512, "digest parts: algorithm");
	unit_is_int(parts.encoded_length, 128, "digest parts: encoded");
	unit_is_text(reason, NULL, "digest: no reason when good");
	quay_digest_parse(BYTES("sha256:ab"), NULL, &reason);
	unit_is_text(reason, "A sha256 digest has exactly 64 hexadecimal digits.",
				 "digest: reason when bad");

	for (int i = 0; i < (int) lengthof(paths); i++)
		unit_is_text(quay_digest_content_path(paths[i].digest, strlen(paths[i].digest)),
					 paths[i].path, label("content path", paths[i].digest,
										  strlen(paths[i].digest)));

	unit_ok(quay_digest_compare(BYTES("sha256:ab"), BYTES("sha256:ab")) == 0, "compare: equal");
	unit_ok(quay_digest_compare(BYTES("SHA256:AB"), BYTES("sha256:ab")) < 0, "compare: case counts");
	unit_ok(quay_digest_compare(BYTES("sha256:ab"), BYTES("sha256:abc")) < 0, "compare: prefix");
	unit_ok(quay_digest_compare(BYTES("sha256:b"), BYTES("sha256:ab")) > 0, "compare: bytes");
}

static void
test_names(const char *subject, const Vector *vectors, int count,
		   QuayNameStatus (*check) (const char *, size_t))
{
	for (int i = 0; i < count; i++)
		unit_is_int(check(vectors[i].text, vectors[i].length), vectors[i].expected,
					label(subject, vectors[i].text, vectors[i].length));
}

static QuayNameStatus
check_robot(const char *name, size_t length)
{
	return quay_reference_split_robot(name, length, NULL);
}

static QuayNameStatus
check_reference(const char *name, size_t length)
{
	QuayReferenceKind kind;

	return quay_reference_parse(name, length, &kind);
}

static void
test_lengths(void)
{
	const char *long_name = unit_repeat('a', 300);
	char	   *robot = unit_repeat('a', 256);
	QuayRobotName parts;
	QuayReferenceKind kind;

	unit_is_int(quay_reference_check_repository(long_name, 255), QUAY_NAME_OK, "repository: 255");
	unit_is_int(quay_reference_check_repository(long_name, 256), QUAY_NAME_TOO_LONG, "repository: 256");
	unit_is_int(quay_reference_check_namespace(long_name, 255), QUAY_NAME_OK, "namespace: 255");
	unit_is_int(quay_reference_check_namespace(long_name, 256), QUAY_NAME_TOO_LONG, "namespace: 256");
	unit_is_int(quay_reference_check_tag(long_name, 128), QUAY_NAME_OK, "tag: 128");
	unit_is_int(quay_reference_check_tag(long_name, 129), QUAY_NAME_TOO_LONG, "tag: 129");
	robot[4] = '+';
	unit_is_int(quay_reference_split_robot(robot, 255, &parts), QUAY_NAME_OK, "robot: 255");
	unit_is_int(parts.namespace_length, 4, "robot: namespace");
	unit_is_int(parts.shortname_length, 250, "robot: short name");
	unit_ok(parts.shortname == robot + 5, "robot: short name starts after the plus");
	unit_is_int(quay_reference_split_robot(robot, 256, NULL), QUAY_NAME_TOO_LONG, "robot: 256");
	quay_reference_parse(BYTES("latest"), &kind);
	unit_is_int(kind, QUAY_REFERENCE_TAG, "reference: tag");
	quay_reference_parse(BYTES(DIGEST), &kind);
	unit_is_int(kind, QUAY_REFERENCE_DIGEST, "reference: digest");
	quay_reference_parse(BYTES("a b"), &kind);
	unit_is_int(kind, QUAY_REFERENCE_INVALID, "reference: neither");
}

static void
test_durations(void)
{
	for (int i = 0; i < (int) lengthof(durations); i++)
	{
		const DurationVector *v = &durations[i];
		int64		seconds = 0;

		unit_is_int(quay_reference_parse_duration(v->text, strlen(v->text), &seconds),
					v->status, label("duration", v->text, strlen(v->text)));
		unit_is_int(seconds, v->seconds, label("seconds", v->text, strlen(v->text)));
	}
}

static void
test_media_types(void)
{
	const char *side = unit_repeat('a', 128);
	char	   *type = psprintf("%s/b", side);

	for (int i = 0; i < (int) lengthof(media_types); i++)
	{
		const Vector *v = &media_types[i];

		unit_is_int(quay_mediatype_check(v->text, v->length) == NULL, v->expected,
					label("media type", v->text, v->length));
	}
	unit_ok(quay_mediatype_check(type + 1, 129) == NULL, "media type: side of 127");
	unit_ok(quay_mediatype_check(type, 130) != NULL, "media type: side of 128");
	unit_is_int(quay_mediatype_essence_length(BYTES("application/json ; q=1")), 16, "media type: parameters cut off");
	for (int kind = QUAY_MANIFEST_UNKNOWN + 1; kind <= QUAY_MANIFEST_OCI_INDEX; kind++)
	{
		const char *name = quay_mediatype_manifest_name((QuayManifestKind) kind);

		unit_is_int(quay_mediatype_manifest_kind(name, strlen(name)), kind, name);
	}
	unit_is_int(quay_mediatype_manifest_kind(BYTES("application/json")), QUAY_MANIFEST_UNKNOWN, "kind: json");
	unit_ok(quay_mediatype_is_schema1(QUAY_MANIFEST_DOCKER_SCHEMA1), "schema 1: unsigned");
	unit_ok(quay_mediatype_is_schema1(QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED), "schema 1: signed");
	unit_ok(!quay_mediatype_is_schema1(QUAY_MANIFEST_DOCKER_SCHEMA2), "schema 1: not schema 2");
	unit_ok(!quay_mediatype_is_schema1(QUAY_MANIFEST_UNKNOWN), "schema 1: not an unknown type");
	unit_ok(quay_mediatype_child_allowed(QUAY_MANIFEST_OCI_INDEX, QUAY_MANIFEST_OCI_INDEX), "child: nested index");
	unit_ok(!quay_mediatype_child_allowed(QUAY_MANIFEST_OCI_INDEX, QUAY_MANIFEST_DOCKER_SCHEMA1), "child: schema 1 in an index");
	unit_ok(quay_mediatype_child_allowed(QUAY_MANIFEST_DOCKER_LIST, QUAY_MANIFEST_DOCKER_SCHEMA1), "child: schema 1 in a list");
	unit_ok(!quay_mediatype_child_allowed(QUAY_MANIFEST_DOCKER_LIST, QUAY_MANIFEST_OCI_MANIFEST), "child: OCI in a list");
	unit_ok(!quay_mediatype_child_allowed(QUAY_MANIFEST_OCI_MANIFEST, QUAY_MANIFEST_OCI_MANIFEST), "child: of an image");
	unit_is_int(quay_mediatype_config_kind(BYTES(QUAY_MEDIATYPE_OCI_CONFIG)), QUAY_CONFIG_OCI, "config: OCI");
	unit_is_int(quay_mediatype_config_kind(BYTES(QUAY_MEDIATYPE_DOCKER_CONFIG)), QUAY_CONFIG_DOCKER, "config: Docker");
	unit_is_int(quay_mediatype_config_kind(BYTES("application/vnd.oci.empty.v1+json")), QUAY_CONFIG_OTHER, "config: empty");
	unit_is_int(quay_mediatype_layer_kind(BYTES(QUAY_MEDIATYPE_OCI_LAYER "+zstd")), QUAY_LAYER_OCI, "layer: zstd");
	unit_is_int(quay_mediatype_layer_kind(BYTES(QUAY_MEDIATYPE_DOCKER_LAYER)), QUAY_LAYER_DOCKER, "layer: Docker");
	unit_is_int(quay_mediatype_layer_kind(BYTES("text/plain")), QUAY_LAYER_OTHER, "layer: other");
	unit_ok(quay_mediatype_layer_is_remote(quay_mediatype_layer_kind(BYTES(QUAY_MEDIATYPE_DOCKER_FOREIGN_LAYER))), "layer: foreign");
	unit_ok(quay_mediatype_layer_is_remote(quay_mediatype_layer_kind(BYTES(QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER "+gzip"))), "layer: non-distributable");
	unit_ok(!quay_mediatype_layer_is_remote(QUAY_LAYER_OCI), "layer: distributable");
}

void
unit_names(void)
{
	test_digests();
	test_names("repository", repositories, lengthof(repositories), quay_reference_check_repository);
	test_names("namespace", namespaces, lengthof(namespaces), quay_reference_check_namespace);
	test_names("tag", tags, lengthof(tags), quay_reference_check_tag);
	test_names("robot", robots, lengthof(robots), check_robot);
	test_names("reference", references, lengthof(references), check_reference);
	for (int i = 0; i < (int) lengthof(cosign_tags); i++)
		unit_is_int(quay_reference_is_cosign_tag(cosign_tags[i].text, cosign_tags[i].length),
					cosign_tags[i].expected, label("cosign", cosign_tags[i].text, cosign_tags[i].length));
	test_lengths();
	test_durations();
	test_media_types();
}
