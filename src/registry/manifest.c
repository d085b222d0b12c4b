/*
 * manifest.c
 *	  The parsers of util/ for SQL: manifests, image configurations, digests and the small texts around them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "errors.h"
#include "guc.h"
#include "util/digest.h"
#include "util/hashstate.h"
#include "util/imageconfig.h"
#include "util/manifest.h"
#include "util/reference.h"

PG_FUNCTION_INFO_V1(quay_manifest_describe);
PG_FUNCTION_INFO_V1(quay_manifest_read);
PG_FUNCTION_INFO_V1(quay_manifest_annotations);
PG_FUNCTION_INFO_V1(quay_imageconfig_labels);
PG_FUNCTION_INFO_V1(quay_digest_check);
PG_FUNCTION_INFO_V1(quay_content_path);
PG_FUNCTION_INFO_V1(quay_tag_is_cosign);
PG_FUNCTION_INFO_V1(quay_duration_seconds);
PG_FUNCTION_INFO_V1(quay_json_is_container);

/* Columns of quay_internal.manifest_parse(); version 1.1 has those up to the annotations. */
enum DescribeColumn
{
	DESCRIBE_DIGEST, DESCRIBE_CONTENT, DESCRIBE_MEDIA_TYPE, DESCRIBE_IS_INDEX, DESCRIBE_IS_IMAGE,
	DESCRIBE_CONFIG_DIGEST, DESCRIBE_CONFIG_MEDIA_TYPE, DESCRIBE_CONFIG_SIZE,
	DESCRIBE_SUBJECT, DESCRIBE_ARTIFACT_TYPE, DESCRIBE_LAYERS_COMPRESSED_SIZE, DESCRIBE_BLOBS,
	DESCRIBE_CHILDREN, DESCRIBE_CHILD_SIZES, DESCRIBE_ANNOTATIONS,
	DESCRIBE_CONFIG_DATA, DESCRIBE_PAYLOAD, DESCRIBE_NAME, DESCRIBE_TAG, DESCRIBE_ARCHITECTURE, DESCRIBE_LABELS,
	DESCRIBE_COLUMNS
};

#define DESCRIBE_COLUMNS_1_1 (DESCRIBE_ANNOTATIONS + 1)

static QuayJsonLimits
document_limits(void)
{
	QuayJsonLimits limits = quay_jsoncheck_default_limits;

	limits.max_bytes = (size_t) quay_guc_maximum_manifest_size * 1024;
	return limits;
}

static int
manifest_sqlstate(ManifestErrorCode code)
{
	switch (code)
	{
		case MANIFEST_TOO_LARGE:
			return QUAY_ERRCODE_MANIFEST_TOO_LARGE;
		case MANIFEST_UNKNOWN_TYPE:
			return QUAY_ERRCODE_MEDIA_TYPE_UNSUPPORTED;
		default:
			return QUAY_ERRCODE_MANIFEST_INVALID;
	}
}

static void
report_problem(int sqlstate, const ManifestError *error, size_t length)
{
	const char *hint = error->hint;

	if (hint == NULL)
		hint = error->code == MANIFEST_TOO_LARGE ?
			"An administrator can raise quay.maximum_manifest_size." :
			"Send the bytes exactly as the client pushed them; they must follow the OCI image specification.";
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg_internal("%s", error->message),
			 error->detail != NULL ? errdetail_internal("%s", error->detail) :
			 errdetail("The document has %zu bytes.", length),
			 errhint("%s", hint)));
}

/* ---- building values ---- */

static Datum
text_datum(const char *value)
{
	return PointerGetDatum(cstring_to_text(value));
}

static void
set_text(Datum *values, bool *nulls, int column, const char *value)
{
	nulls[column] = value == NULL;
	if (value != NULL)
		values[column] = text_datum(value);
}

static Datum
bytea_datum(const void *data, size_t length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), data, length);
	return PointerGetDatum(result);
}

static Datum
text_array(Datum *elements, int count)
{
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static JsonbValue
json_string(char *value)
{
	JsonbValue	result;

	result.type = jbvString;
	result.val.string.val = value;
	result.val.string.len = strlen(value);
	return result;
}

static Datum
map_to_jsonb(const QuayTextMap *map)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < map->count; i++)
	{
		JsonbValue	key = json_string(map->keys[i]);
		JsonbValue	value = json_string(map->values[i]);

		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return PointerGetDatum(JsonbValueToJsonb(object));
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Digests of what the registry must hold for this image: config and local layers, each once, in byte order. */
static Datum
blob_digests(const QuayManifest *manifest)
{
	char	  **digests = palloc((manifest->layers_count + 1) * sizeof(char *));
	Datum	   *elements = palloc((manifest->layers_count + 1) * sizeof(Datum));
	int			count = 0;
	int			distinct = 0;

	if (manifest->config != NULL)
		digests[count++] = manifest->config->digest;
	for (int i = 0; i < manifest->layers_count; i++)
		if (!manifest->layers[i].remote)
			digests[count++] = manifest->layers[i].digest;
	qsort(digests, count, sizeof(char *), compare_texts);
	for (int i = 0; i < count; i++)
		if (i == 0 || strcmp(digests[i], digests[i - 1]) != 0)
			elements[distinct++] = text_datum(digests[i]);
	return text_array(elements, distinct);
}

/*
 * Digests and sizes of the manifests that an index lists. An entry of an unknown type is skipped: the image specification forbids to
 * refuse it, and nobody knows whether it is a manifest.
 */
static void
set_children(const QuayManifest *manifest, Datum *values)
{
	Datum	   *digests = palloc((manifest->children_count + 1) * sizeof(Datum));
	Datum	   *sizes = palloc((manifest->children_count + 1) * sizeof(Datum));
	int			count = 0;

	for (int i = 0; i < manifest->children_count; i++)
	{
		const QuayChildManifest *child = &manifest->children[i];

		if (child->kind == QUAY_MANIFEST_UNKNOWN)
			continue;
		if (!quay_mediatype_child_allowed(manifest->kind, child->kind))
			ereport(ERROR,
					(errcode(QUAY_ERRCODE_MEDIA_TYPE_UNSUPPORTED),
					 errmsg("index lists a manifest of a type that it cannot contain"),
					 errdetail("Entry %d is of type \"%s\", the index of type \"%s\".",
							   i, child->descriptor.media_type, manifest->media_type),
					 errhint("Convert the entry to an OCI or Docker schema 2 manifest.")));
		digests[count] = text_datum(child->descriptor.digest);
		sizes[count] = Int64GetDatum(child->descriptor.size);
		count++;
	}
	values[DESCRIBE_CHILDREN] = text_array(digests, count);
	values[DESCRIBE_CHILD_SIZES] = PointerGetDatum(construct_array(sizes, count, INT8OID, sizeof(int64),
																   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
set_schema1(const QuaySchema1 *schema1, Datum *values, bool *nulls)
{
	set_text(values, nulls, DESCRIBE_NAME, schema1->name);
	set_text(values, nulls, DESCRIBE_TAG, schema1->tag);
	set_text(values, nulls, DESCRIBE_ARCHITECTURE, schema1->architecture);
	nulls[DESCRIBE_LABELS] = false;
	values[DESCRIBE_LABELS] = map_to_jsonb(&schema1->labels);
	if (schema1->is_signed)
	{
		nulls[DESCRIBE_PAYLOAD] = false;
		values[DESCRIBE_PAYLOAD] = bytea_datum(schema1->payload, schema1->payload_length);
	}
}

/* ---- functions ---- */

static Datum
describe(FunctionCallInfo fcinfo, int columns)
{
	bytea	   *data;
	char	   *media_type = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	QuayJsonLimits limits = document_limits();
	QuayManifest manifest;
	ManifestError error;
	TupleDesc	tupdesc;
	Datum		values[DESCRIBE_COLUMNS];
	bool		nulls[DESCRIBE_COLUMNS] = {false};
	char		digest[QUAY_HASHSTATE_DIGEST_ROOM];

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE || tupdesc->natts != columns)
		elog(ERROR, "manifest_parse is not declared as this library expects");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(QUAY_ERRCODE_MANIFEST_INVALID),
				 errmsg("manifest is missing"),
				 errdetail("It is NULL."),
				 errhint("Pass the bytes of the manifest.")));
	data = PG_GETARG_BYTEA_PP(0);

	if (!quay_manifest_parse(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), media_type, &limits, &manifest, &error))
		report_problem(manifest_sqlstate(error.code), &error, VARSIZE_ANY_EXHDR(data));

	for (int i = DESCRIBE_COLUMNS_1_1; i < DESCRIBE_COLUMNS; i++)
		nulls[i] = true;
	if (manifest.schema1 != NULL)
		set_schema1(manifest.schema1, values, nulls);

	/* A signature is no part of what is signed, nor of its name. */
	if (manifest.schema1 != NULL)
		quay_hashstate_digest_of(QUAY_HASH_SHA256, manifest.schema1->payload, manifest.schema1->payload_length, digest);
	else
		quay_hashstate_digest_of(QUAY_HASH_SHA256, VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), digest);
	set_text(values, nulls, DESCRIBE_DIGEST, digest);
	/* The parser has made sure of valid UTF-8 without zero bytes. */
	values[DESCRIBE_CONTENT] = PointerGetDatum(cstring_to_text_with_len(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data)));
	set_text(values, nulls, DESCRIBE_MEDIA_TYPE, manifest.media_type);
	values[DESCRIBE_IS_INDEX] = BoolGetDatum(quay_mediatype_is_index(manifest.kind));
	values[DESCRIBE_IS_IMAGE] = BoolGetDatum(manifest.is_image);
	set_text(values, nulls, DESCRIBE_CONFIG_DIGEST, manifest.config != NULL ? manifest.config->digest : NULL);
	set_text(values, nulls, DESCRIBE_CONFIG_MEDIA_TYPE, manifest.config != NULL ? manifest.config->media_type : NULL);
	nulls[DESCRIBE_CONFIG_SIZE] = manifest.config == NULL;
	if (manifest.config != NULL)
		values[DESCRIBE_CONFIG_SIZE] = Int64GetDatum(manifest.config->size);
	if (manifest.config != NULL && manifest.config->data != NULL)
	{
		nulls[DESCRIBE_CONFIG_DATA] = false;
		values[DESCRIBE_CONFIG_DATA] = bytea_datum(manifest.config->data, manifest.config->size);
	}
	set_text(values, nulls, DESCRIBE_SUBJECT, manifest.subject != NULL ? manifest.subject->digest : NULL);
	set_text(values, nulls, DESCRIBE_ARTIFACT_TYPE, manifest.artifact_type);
	nulls[DESCRIBE_LAYERS_COMPRESSED_SIZE] = !manifest.has_layers_size;
	values[DESCRIBE_LAYERS_COMPRESSED_SIZE] = Int64GetDatum(manifest.layers_compressed_size);
	values[DESCRIBE_BLOBS] = blob_digests(&manifest);
	set_children(&manifest, values);
	values[DESCRIBE_ANNOTATIONS] = map_to_jsonb(&manifest.annotations);

	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls));
}

/* quay_internal.manifest_parse(manifest, media_type): what a manifest says, or an error. */
Datum
quay_manifest_read(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(describe(fcinfo, DESCRIBE_COLUMNS));
}

/* The same as version 1.1 declares it. */
Datum
quay_manifest_describe(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(describe(fcinfo, DESCRIBE_COLUMNS_1_1));
}

/*
 * quay_internal.manifest_annotations(content): annotations of a stored manifest; NULL if it is not one that this parser reads. Rows of
 * the reference may hold what it accepted and we refuse.
 */
Datum
quay_manifest_annotations(PG_FUNCTION_ARGS)
{
	text	   *content = PG_GETARG_TEXT_PP(0);
	QuayJsonLimits limits = quay_jsoncheck_default_limits;
	QuayManifest manifest;
	ManifestError error;

	limits.max_bytes = MaxAllocSize;
	if (!quay_manifest_parse(VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), NULL, &limits, &manifest, &error))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(map_to_jsonb(&manifest.annotations));
}

/* quay_internal.imageconfig_labels(config, media_type): labels of an image configuration, or an error. */
Datum
quay_imageconfig_labels(PG_FUNCTION_ARGS)
{
	bytea	   *data = PG_GETARG_BYTEA_PP(0);
	text	   *media_type = PG_GETARG_TEXT_PP(1);
	QuayConfigKind kind = quay_mediatype_config_kind(VARDATA_ANY(media_type), VARSIZE_ANY_EXHDR(media_type));
	QuayJsonLimits limits = document_limits();
	QuayImageConfig config;
	ManifestError error;

	if (!quay_imageconfig_parse(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data), kind, &limits, &config, &error))
		report_problem(QUAY_ERRCODE_CONFIG_INVALID, &error, VARSIZE_ANY_EXHDR(data));
	PG_RETURN_DATUM(map_to_jsonb(&config.labels));
}

/* quay_internal.digest_check(digest): the name of its algorithm, or an error. */
Datum
quay_digest_check(PG_FUNCTION_ARGS)
{
	text	   *digest = PG_ARGISNULL(0) ? cstring_to_text("") : PG_GETARG_TEXT_PP(0);
	QuayDigest	parts;
	const char *reason;
	QuayDigestStatus status = quay_digest_parse(VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest), &parts, &reason);

	if (status == QUAY_DIGEST_OK)
		PG_RETURN_TEXT_P(cstring_to_text_with_len(parts.algorithm_name, parts.algorithm_length));
	ereport(ERROR,
			(errcode(status == QUAY_DIGEST_UNSUPPORTED ? QUAY_ERRCODE_DIGEST_UNSUPPORTED : QUAY_ERRCODE_DIGEST_INVALID),
			 status == QUAY_DIGEST_UNSUPPORTED ?
			 errmsg("digest has an unsupported algorithm") : errmsg("digest is malformed"),
			 errdetail("\"%s\": %s",
					   quay_parseerror_shorten(VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest), QUAY_ERROR_QUOTE_LENGTH),
					   reason != NULL ? reason : "The algorithm is not known."),
			 errhint("Use \"sha256:\" and 64 lower-case hexadecimal digits, or \"sha512:\" and 128.")));
}

/* quay_internal.content_path(digest): where a store keeps these bytes. */
Datum
quay_content_path(PG_FUNCTION_ARGS)
{
	text	   *digest = PG_GETARG_TEXT_PP(0);
	char	   *path = quay_digest_content_path(VARDATA_ANY(digest), VARSIZE_ANY_EXHDR(digest));

	if (path == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(path));
}

/* quay_internal.tag_is_cosign(name): is it a name that Cosign derives from a digest? */
Datum
quay_tag_is_cosign(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(quay_reference_is_cosign_tag(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)));
}

/* quay_internal.duration_seconds(duration): "2w" in seconds; NULL if it is not a duration. */
Datum
quay_duration_seconds(PG_FUNCTION_ARGS)
{
	text	   *duration = PG_GETARG_TEXT_PP(0);
	int64		seconds;

	if (quay_reference_parse_duration(VARDATA_ANY(duration), VARSIZE_ANY_EXHDR(duration), &seconds) != QUAY_NAME_OK)
		PG_RETURN_NULL();
	PG_RETURN_INT64(seconds);
}

/* quay_internal.json_is_container(value): is the text a JSON object or array? Never an error. */
Datum
quay_json_is_container(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	char	   *data = VARDATA_ANY(value);
	size_t		length = VARSIZE_ANY_EXHDR(value);
	size_t		start = strspn(text_to_cstring(value), " \t\r\n");
	QuayJsonLimits limits = quay_jsoncheck_default_limits;
	ManifestError error;
	JsonLexContext *lex;

	if (start == length || (data[start] != '{' && data[start] != '['))
		PG_RETURN_BOOL(false);
	limits.max_bytes = MaxAllocSize;
	/* Depth first: the server's parser is recursive. */
	if (!quay_jsoncheck_document(data, length, &limits, &error))
		PG_RETURN_BOOL(false);
	lex = makeJsonLexContextCstringLen_compat(NULL, data, length, PG_UTF8, false);
	PG_RETURN_BOOL(pg_parse_json(lex, &nullSemAction) == JSON_SUCCESS);
}
