/*-------------------------------------------------------------------------
 *
 * unit_schema1.c
 *	  Unit tests of schema1.c and jws.c.
 *
 * The signed documents were made by other programs: the first by a client's
 * copy to Docker schema 1, the others with a script around libcrypto.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/hashstate.h"
#include "util/jws.h"
#include "util/manifest.h"

#include "unit.h"

#define LAYER "{\"blobSum\":\"" DIGEST "\"}"
#define HISTORY(text) "{\"v1Compatibility\":\"" text "\"}"
#define DOCUMENT(layers, history) \
	"{\"schemaVersion\":1,\"name\":\"a/b\",\"tag\":\"t\",\"fsLayers\":[" layers "],\"history\":[" history "]}"
#define ID(id) HISTORY("{\\\"id\\\":\\\"" id "\\\"}")
#define ID_PARENT(id, parent) HISTORY("{\\\"id\\\":\\\"" id "\\\",\\\"parent\\\":\\\"" parent "\\\"}")

/* ES256, on one line */
static const char signed_text[] =
	"{\"name\":\"signer/app\",\"tag\":\"v1\",\"architecture\":\"amd64\",\"fsLayers\":[{\"blobSum\":\"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633"
	"cb16422d00e8a7c22955b46d4\"},{\"blobSum\":\"sha256:eaa5ae87791c39fbcac0ddd8582faec74eb51c7ad01198339087b31edb9d0319\"},{\"blobSum\":\"sha256:2"
	"e29119ab5bffb34273edc57aadceea3093f381db0aaea9570ef1462f41104d5\"}],\"history\":[{\"v1Compatibility\":\"{\\\"architecture\\\":\\\"amd64\\\",\\"
	"\"author\\\":\\\"me\\\",\\\"config\\\":{\\\"Cmd\\\":[\\\"/hello\\\"],\\\"Labels\\\":{\\\"maintainer\\\":\\\"ann\\\",\\\"quay.expires-after\\\""
	":\\\"2w\\\"}},\\\"created\\\":\\\"2026-11-23T01:06:57.137381559Z\\\",\\\"id\\\":\\\"3bb986a3f2bc0eb4bce7ececb66df0aedb0ab3f558f3afcb77506ebddb"
	"e1ce6b\\\",\\\"os\\\":\\\"linux\\\",\\\"parent\\\":\\\"42e91a243442cfe3d0837534d8e22d2e5f599c3d0ff80d4a3461b8bbc58b6b2c\\\",\\\"throwaway\\\":"
	"true}\"},{\"v1Compatibility\":\"{\\\"id\\\":\\\"42e91a243442cfe3d0837534d8e22d2e5f599c3d0ff80d4a3461b8bbc58b6b2c\\\",\\\"parent\\\":\\\"766154"
	"3913868ba1b942a8d822be14de10698f9e4f937c2b85ab0e204259c6eb\\\",\\\"created\\\":\\\"2026-11-23T01:06:57.256958241Z\\\",\\\"container_config\\\""
	":{\\\"Cmd\\\":[\\\"umoci repack\\\"]}}\"},{\"v1Compatibility\":\"{\\\"id\\\":\\\"7661543913868ba1b942a8d822be14de10698f9e4f937c2b85ab0e204259c"
	"6eb\\\",\\\"created\\\":\\\"2026-11-23T01:06:57.188839593Z\\\",\\\"container_config\\\":{\\\"Cmd\\\":[\\\"umoci repack\\\"]}}\"}],\"schemaVers"
	"ion\":1,\"signatures\":[{\"header\":{\"jwk\":{\"crv\":\"P-256\",\"kid\":\"GN4F:V27D:UYUP:BXI6:Z623:2QUO:NFV2:7NKD:E6M6:QLMZ:O7DG:P4ZW\",\"kty"
	"\":\"EC\",\"x\":\"jJPO3Kwob4o5rRCcQIDIj4n66buwyBZ1BJSFUHpstAI\",\"y\":\"VAXeYuTRTvz3QPi4S--6qhoM0ybv8Q1a8kDL8ZvpoM4\"},\"alg\":\"ES256\"},\"si"
	"gnature\":\"F-E1H7JF3vfFRHNNNC4p_298eJKZ3K9J2aaHtS6_w3A5vgIVTGhsvRfUJmpTmmTiEmqwUTd-xnZG46vrlhguXA\",\"protected\":\"eyJmb3JtYXRMZW5ndGgiOjEyM"
	"zcsImZvcm1hdFRhaWwiOiJmUSIsInRpbWUiOiIyMDI2LTExLTIzVDAxOjI4OjQ5WiJ9\"}]}";

/* ES256 and RS256, indented */
static const char twice_text[] =
	"{\n   \"schemaVersion\": 1,\n   \"name\": \"signer/app\",\n   \"tag\": \"v2\",\n   \"architecture\": \"amd64\",\n   \"fsLayers\": [\n      {\n"
	"         \"blobSum\": \"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4\"\n      }\n   ],\n   \"history\": [\n      {"
	"\n         \"v1Compatibility\": \"{\\\"id\\\": \\\"top\\\", \\\"Size\\\": 5}\"\n      }\n   ],\n   \"signatures\": [{\"header\": {\"jwk\": {\""
	"crv\": \"P-256\", \"kty\": \"EC\", \"x\": \"FE2B2cwg7GLc5lq7TPu3zUqAof6LIsWB9RnDDshJj40\", \"y\": \"KPvtjYI8ER2wqUbgi0O6rldwHXi4QOCOADplWKPotx"
	"o\"}, \"alg\": \"ES256\"}, \"signature\": \"XncTp1RpFPhzjb--uVxuMUrne32SdXYWId7qgNCAD0l4V74ld-0Xg1Ps1DlHxYWyPhPHWhEzHvqVavS5F1x3Ag\", \"protec"
	"ted\": \"eyJmb3JtYXRMZW5ndGgiOiAzMjQsICJmb3JtYXRUYWlsIjogIkNuMCIsICJ0aW1lIjogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0\"}, {\"header\": {\"jwk\": {\"kty"
	"\": \"RSA\", \"n\": \"6YX1whxJe1PV6dwYM49HCQMYPBET63aLPetYxzU1SEbeNoq8hmbU3G8IMDO_OtqYJPza4p4wG1A81JeoYQ3g5UrCw4rjxzNxIR9iGRTT2BpqffrpKfiCSybO"
	"PPW0s5V-o1--Wy4qOwSYYmil9dXRft5chmOf6LZsBWX8kLRqMz86IxCAtJHpzO4KjtlkBwVK5Yszyc3lFgIl3MXr_WTuQnUsP2dknbnUP2SeuXki1d1BaXRpsNDpYGsx6m90igli0o-uV9"
	"WDeJpxWilmxcv4W21khtVe8ybh8dxBo9oOBFNhXpQBFHdnR26Nsn1gQXQD1l4_nIp08X6ec-4hwNCsFQ\", \"e\": \"AQAB\"}, \"alg\": \"RS256\"}, \"signature\": \"tb"
	"lVIyOE3ELpYVnEuK5oLT6O3UBjgTQACGTPcb3snOhurZ0Px6AWNgDU5vSLYIu60PW41rvXsgx927xA73nFLjEmPeOPXowhi1fOQLbb5oSosSxIoXIg9GimnDaLXklsUGWTmk4_FnmmSCvl"
	"iIujOwvVy8fm7eGQaU0mNBI2ydRMWOonCKaP6Q_8ZWc0Is6_fMf0llTJgWHaoxGOeKBRtP2u1UAL5mLLsgqx40zNbRAUQKB7TZeDmDRMev2a7ltByTntL5gOZrTqHGTzl3mayYBUKyhE39"
	"4XMA-eQHStJpvtwNh0Ed5BxFf-Pf3-0OWIhu8YixLLwpGg_5EmkLPDpg\", \"protected\": \"eyJmb3JtYXRMZW5ndGgiOiAzMjQsICJmb3JtYXRUYWlsIjogIkNuMCIsICJ0aW1lI"
	"jogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0\"}]\n}";

/* without architecture */
static const char plain_text[] =
	"{\"name\": \"a/b\", \"tag\": \"t\", \"fsLayers\": [{\"blobSum\": \"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4\"}]"
	", \"history\": [{\"v1Compatibility\": \"{\\\"id\\\": \\\"x\\\"}\"}],\"signatures\": [{\"header\": {\"jwk\": {\"crv\": \"P-256\", \"kty\": \"EC"
	"\", \"x\": \"qoZbYZ1wHSUzKAy9LsrJDl697Xqni7J2NEAmMAcFyMM\", \"y\": \"yfMESRZkCivSLQsRyr7Hgz1wJHStHExXvwifpoSRk5g\"}, \"alg\": \"ES256\"}, \"si"
	"gnature\": \"-78zN0lKcgWPKEqL89TdSSz8GtmF2_XXMewYxl9H5RlvKqPBBTJDbP8c7u7x8Kh4klUlc2Mpnjh33tteWgb1sg\", \"protected\": \"eyJmb3JtYXRMZW5ndGgiOi"
	"AxODEsICJmb3JtYXRUYWlsIjogImZRIiwgInRpbWUiOiAiMjAyNi0wMS0wMVQwMDowMDowMFoifQ\"}]}";

/* the same, with an architecture that is not signed */
static const char extra_text[] =
	"{\"name\": \"a/b\", \"tag\": \"t\", \"fsLayers\": [{\"blobSum\": \"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4\"}]"
	", \"history\": [{\"v1Compatibility\": \"{\\\"id\\\": \\\"x\\\"}\"}],\"architecture\": \"arm\", \"signatures\": [{\"header\": {\"jwk\": {\"crv"
	"\": \"P-256\", \"kty\": \"EC\", \"x\": \"qoZbYZ1wHSUzKAy9LsrJDl697Xqni7J2NEAmMAcFyMM\", \"y\": \"yfMESRZkCivSLQsRyr7Hgz1wJHStHExXvwifpoSRk5g\""
	"}, \"alg\": \"ES256\"}, \"signature\": \"-78zN0lKcgWPKEqL89TdSSz8GtmF2_XXMewYxl9H5RlvKqPBBTJDbP8c7u7x8Kh4klUlc2Mpnjh33tteWgb1sg\", \"protected"
	"\": \"eyJmb3JtYXRMZW5ndGgiOiAxODEsICJmb3JtYXRUYWlsIjogImZRIiwgInRpbWUiOiAiMjAyNi0wMS0wMVQwMDowMDowMFoifQ\"}]}";

/* the signed tag is not the one that the document shows */
static const char tail_text[] =
	"{\"name\": \"a/b\", \"fsLayers\": [{\"blobSum\": \"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4\"}], \"history\": ["
	"{\"v1Compatibility\": \"{\\\"id\\\": \\\"x\\\"}\"}], \"tag\": \"shown\", \"signatures\": [{\"header\": {\"jwk\": {\"crv\": \"P-256\", \"kty\":"
	" \"EC\", \"x\": \"M-ava2rGvmW1f1WVS5SpNs4X8kA_Lwn55JD79zILrMU\", \"y\": \"pDGflDli9eCaWaq2g7U2bLSmGqilyiXO8fpMsupNSw0\"}, \"alg\": \"ES256\"},"
	" \"signature\": \"WIYLOkITk3yaCWwSm3g_sWHgp_XoZO76Ez8F_u_hutsmXgPpAnn00yoQRzOmf1gnmjaxQJyBflyg1g_zZYmlBQ\", \"protected\": \"eyJmb3JtYXRMZW5nd"
	"GgiOiAxNjksICJmb3JtYXRUYWlsIjogIkxDQWlkR0ZuSWpvZ0luTnBaMjVsWkNKOSJ9\"}]}";

/* a coordinate of the key without its leading zero */
static const char short_text[] =
	"{\"name\": \"a/b\", \"tag\": \"t\", \"fsLayers\": [{\"blobSum\": \"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4\"}]"
	", \"history\": [{\"v1Compatibility\": \"{\\\"id\\\": \\\"x\\\"}\"}], \"signatures\": [{\"header\": {\"jwk\": {\"crv\": \"P-256\", \"kty\": \"E"
	"C\", \"x\": \"X43psRx2woIJ9yTN4hMJM62C8ivGE6lnKqHtlDgPhA\", \"y\": \"jst0uBkdIN9Jnz8tItmBaaE5XO64LJ1jmQu6yvip9xY\"}, \"alg\": \"ES256\"}, \"si"
	"gnature\": \"bkRObf2FX7x4Z5cMNtZVW5APRRAcJhPkB2I56qo7KyyzC8ImUCCQxgpzSB293dcNdiNiv6EyCysVyI4a7_LpPw\", \"protected\": \"eyJmb3JtYXRMZW5ndGgiOi"
	"AxODEsICJmb3JtYXRUYWlsIjogImZRIn0\"}]}";

typedef struct Schema1Vector
{
	const char *name;
	const char *text;
	ManifestErrorCode expected;
} Schema1Vector;

static const Schema1Vector vectors[] = {
	{"signed", signed_text, MANIFEST_OK},
	{"signed twice", twice_text, MANIFEST_OK},
	{"signed, few members", plain_text, MANIFEST_OK},
	{"short coordinate", short_text, MANIFEST_OK},
	{"member that is not signed", extra_text, MANIFEST_BAD_SIGNATURE},
	{"tail with a member", tail_text, MANIFEST_BAD_SIGNATURE},
	{"unsigned", DOCUMENT(LAYER, ID("a")), MANIFEST_OK},
	{"chain", DOCUMENT(LAYER "," LAYER, ID_PARENT("b", "a") "," ID("a")), MANIFEST_OK},
	{"no parent", DOCUMENT(LAYER "," LAYER, ID_PARENT("b", "") "," ID("a")), MANIFEST_OK},
	{"unknown parent", DOCUMENT(LAYER "," LAYER, ID_PARENT("b", "c") "," ID("a")), MANIFEST_BAD_HISTORY},
	{"parent above", DOCUMENT(LAYER "," LAYER, ID("b") "," ID_PARENT("a", "b")), MANIFEST_BAD_HISTORY},
	{"its own parent", DOCUMENT(LAYER, ID_PARENT("a", "a")), MANIFEST_BAD_HISTORY},
	{"no layers", DOCUMENT("", ""), MANIFEST_BAD_HISTORY},
	{"more layers than history", DOCUMENT(LAYER "," LAYER, ID("a")), MANIFEST_BAD_HISTORY},
	{"history no object", DOCUMENT(LAYER, HISTORY("[]")), MANIFEST_BAD_HISTORY},
	{"history empty", DOCUMENT(LAYER, HISTORY("")), MANIFEST_BAD_HISTORY},
	{"history without id", DOCUMENT(LAYER, HISTORY("{}")), MANIFEST_BAD_HISTORY},
	{"history deep", DOCUMENT(LAYER, HISTORY("{\\\"id\\\":\\\"a\\\",\\\"x\\\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")), MANIFEST_BAD_HISTORY},
	{"digest", DOCUMENT("{\"blobSum\":\"sha256:x\"}", ID("a")), MANIFEST_BAD_DIGEST},
	{"other algorithm", DOCUMENT("{\"blobSum\":\"blake3:" HEX64 "\"}", ID("a")), MANIFEST_UNSUPPORTED_DIGEST},
	{"no blobSum", DOCUMENT("{}", ID("a")), MANIFEST_MISSING_FIELD},
	{"signatures no list", "{\"signatures\":{}}", MANIFEST_WRONG_TYPE},
	{"empty signature", "{\"signatures\":[{}]}", MANIFEST_MISSING_FIELD},
	{"not JSON", "{\"fsLayers\":", MANIFEST_NOT_JSON}
};

static ManifestErrorCode
code_of(const char *text, size_t length)
{
	QuaySchema1 manifest;
	ManifestError error;

	quay_schema1_parse(text, length, NULL, &manifest, &error);
	return error.code;
}

static void
test_vectors(void)
{
	for (int i = 0; i < (int) lengthof(vectors); i++)
		unit_is_text(quay_parseerror_code_name(code_of(vectors[i].text, strlen(vectors[i].text))),
					 quay_parseerror_code_name(vectors[i].expected),
					 psprintf("schema 1: %s", vectors[i].name));
}

static void
test_signed(void)
{
	QuayManifest manifest;
	ManifestError error;
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	unit_ok(quay_manifest_parse(signed_text, strlen(signed_text), NULL, NULL, &manifest, &error), "signed: parsed");
	unit_is_int(manifest.kind, QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED, "signed: kind");
	unit_is_int(manifest.schema_version, 1, "signed: version");
	unit_ok(manifest.is_image && manifest.config == NULL, "signed: an image without config");
	unit_is_int(manifest.layers_count, 3, "signed: layers");
	unit_ok(!manifest.has_layers_size, "signed: sizes are not known");
	unit_is_text(manifest.schema1->name, "signer/app", "signed: name");
	unit_is_text(manifest.schema1->tag, "v1", "signed: tag");
	unit_is_text(manifest.schema1->architecture, "amd64", "signed: architecture");
	unit_is_text(manifest.schema1->layers[0].parent, NULL, "signed: the base has no parent");
	unit_is_text(manifest.schema1->layers[2].parent, manifest.schema1->layers[1].id, "signed: the leaf has");
	unit_is_int(manifest.schema1->labels.count, 2, "signed: labels of the leaf");
	quay_hashstate_digest_of(QUAY_HASH_SHA256, manifest.schema1->payload, manifest.schema1->payload_length, digest);
	unit_is_text(digest, "sha256:592617e4b118e56c5dc5d8210afbe29cd36cf0e5d35a6996b4407b79a4fbdc9a", "signed: digest");
	unit_ok(quay_manifest_parse(twice_text, strlen(twice_text), QUAY_MEDIATYPE_DOCKER_SCHEMA1, NULL, &manifest, &error), "signed twice: parsed");
	unit_is_int(manifest.layers_compressed_size, 5, "signed twice: size");
	unit_is_text(manifest.media_type, QUAY_MEDIATYPE_DOCKER_SCHEMA1_SIGNED, "signed twice: the content tells the type");
}

/* Whatever bit is changed, what is read stays what was signed, or nothing is. */
static void
test_flipped(void)
{
	size_t		length = strlen(signed_text);
	QuaySchema1 original;
	QuaySchema1 changed;
	ManifestError error;
	char	   *text = palloc(length);
	int			wrong = 0;

	quay_schema1_parse(signed_text, length, NULL, &original, &error);
	for (size_t i = 0; i < length; i++)
	{
		memcpy(text, signed_text, length);
		text[i] ^= 1;
		if (quay_schema1_parse(text, length, NULL, &changed, &error) && changed.is_signed &&
			(changed.payload_length != original.payload_length ||
			 memcmp(changed.payload, original.payload, original.payload_length) != 0))
			wrong++;
	}
	unit_is_int(wrong, 0, "signed: no changed bit goes unnoticed");
}

/* RFC 7515, A.3 */
static void
test_jws(void)
{
	static const char text[] =
		"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char signature[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	QuayJwsKey	key = {.kty = "EC", .crv = "P-256",
		.x = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", .y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"};
	QuayJwsKey	wrong = key;

	unit_ok(quay_jws_verify(&key, "ES256", text, strlen(text), signature), "jws: ES256");
	unit_ok(!quay_jws_verify(&key, "ES256", text, strlen(text) - 1, signature), "jws: other text");
	unit_ok(!quay_jws_verify(&key, "RS256", text, strlen(text), signature), "jws: other algorithm");
	unit_ok(!quay_jws_verify(&key, "none", text, strlen(text), ""), "jws: none");
	unit_ok(!quay_jws_verify(&key, "ES256", text, strlen(text), ""), "jws: no signature");
	unit_ok(!quay_jws_verify(&key, "ES256", text, strlen(text), unit_repeat('A', 86)), "jws: zeros");
	wrong.y = key.x;
	unit_ok(!quay_jws_verify(&wrong, "ES256", text, strlen(text), signature), "jws: not on the curve");
	wrong = key;
	wrong.y = NULL;
	unit_ok(!quay_jws_verify(&wrong, "ES256", text, strlen(text), signature), "jws: half a key");
	wrong = key;
	wrong.crv = "P-384";
	unit_ok(!quay_jws_verify(&wrong, "ES256", text, strlen(text), signature), "jws: other curve");
	wrong.kty = "RSA";
	unit_ok(!quay_jws_verify(&wrong, "RS256", text, strlen(text), signature), "jws: RSA without numbers");
}

void
unit_schema1(void)
{
	test_vectors();
	test_signed();
	test_flipped();
	test_jws();
}
