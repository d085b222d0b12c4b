/*-------------------------------------------------------------------------
 *
 * parseerror.c
 *	  How the JSON document parsers report what is wrong.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "util/parseerror.h"

typedef struct ErrorEntry
{
	const char *name;
	const char *message;
	const char *hint;
} ErrorEntry;

static const ErrorEntry entries[] = {
	[MANIFEST_OK] = {"ok", NULL, NULL},
	[MANIFEST_TOO_LARGE] = {"too_large", "document is too large", NULL},
	[MANIFEST_EMPTY] = {"empty", "document is empty", NULL},
	[MANIFEST_NUL_BYTE] = {"nul_byte", "document contains a zero byte", NULL},
	[MANIFEST_NOT_UTF8] = {"not_utf8", "document is not valid UTF-8", NULL},
	[MANIFEST_TOO_DEEP] = {"too_deep", "document is nested too deeply", NULL},
	[MANIFEST_NOT_JSON] = {"not_json", "document is not valid JSON", NULL},
	[MANIFEST_NOT_OBJECT] = {"not_object", "document is not a JSON object", NULL},
	[MANIFEST_DUPLICATE_KEY] = {
		"duplicate_key", "document contains a key twice",
		"Readers disagree on which of the two counts; keep one."
	},
	[MANIFEST_KEY_CASE] = {
		"key_case", "document contains a key in the wrong case",
		"Some readers ignore the case of keys, others do not."
	},
	[MANIFEST_MISSING_FIELD] = {"missing_field", "document lacks a required field", NULL},
	[MANIFEST_WRONG_TYPE] = {"wrong_type", "field has the wrong JSON type", NULL},
	[MANIFEST_BAD_NUMBER] = {
		"bad_number", "field is not a valid size or number",
		"Use an integer from 0 to 9223372036854775807, without fraction or exponent."
	},
	[MANIFEST_TOO_MANY] = {"too_many", "document has too many entries", NULL},
	[MANIFEST_UNKNOWN_TYPE] = {
		"unknown_type", "document is not a manifest of a known type",
		"Accepted are Docker schema 1 and 2 manifests, Docker manifest lists, OCI image manifests and OCI image indexes."
	},
	[MANIFEST_TYPE_MISMATCH] = {
		"type_mismatch", "declared media type and content of the manifest differ",
		"The Content-Type of the request must equal the field mediaType."
	},
	[MANIFEST_AMBIGUOUS] = {
		"ambiguous", "manifest has fields of more than one kind",
		"A manifest has either config and layers, or manifests (CVE-2021-41190)."
	},
	[MANIFEST_SCHEMA_VERSION] = {"schema_version", "unsupported schemaVersion of the manifest", NULL},
	[MANIFEST_BAD_MEDIA_TYPE] = {
		"bad_media_type", "field is not a valid media type",
		"A media type is written as type/subtype (RFC 6838), without parameters."
	},
	[MANIFEST_WRONG_MEDIA_TYPE] = {"wrong_media_type", "media type is not allowed in this field", NULL},
	[MANIFEST_BAD_DIGEST] = {
		"bad_digest", "field is not a valid digest",
		"A digest is \"sha256:\" and 64 lower-case hexadecimal digits, or \"sha512:\" and 128."
	},
	[MANIFEST_UNSUPPORTED_DIGEST] = {
		"unsupported_digest", "digest has an unsupported algorithm",
		"Supported algorithms are sha256 and sha512."
	},
	[MANIFEST_MISSING_URLS] = {
		"missing_urls", "non-distributable layer has no urls",
		"The bytes of such a layer are not in the registry; its urls must say where they are."
	},
	[MANIFEST_SIZE_OVERFLOW] = {"size_overflow", "sum of the layer sizes is out of range", NULL},
	[MANIFEST_BAD_DATA] = {
		"bad_data", "embedded data of a descriptor is not its content",
		"Field data is base64 with padding; what it stands for has the digest and the size of the descriptor."
	},
	[MANIFEST_BAD_SIGNATURE] = {
		"bad_signature", "signature of the manifest does not hold",
		"Send the bytes exactly as the client pushed them; they must not be formatted anew."
	},
	[MANIFEST_BAD_HISTORY] = {
		"bad_history", "history of the manifest does not fit its layers",
		"Each entry of history describes the layer at the same place of fsLayers; its parent is further down in the list."
	},
	[MANIFEST_BAD_ROOTFS] = {
		"bad_rootfs", "root file system of the image configuration is not of type \"layers\"", NULL
	}
};

const char *
quay_parseerror_code_name(ManifestErrorCode code)
{
	if ((int) code < 0 || (int) code >= (int) lengthof(entries))
		return "unknown";
	return entries[code].name;
}

bool
quay_parseerror_set(ManifestError *error, ManifestErrorCode code, char *detail)
{
	Assert((int) code > 0 && (int) code < (int) lengthof(entries));
	error->code = code;
	error->message = entries[code].message;
	error->detail = detail;
	error->hint = entries[code].hint;
	return false;
}

/* Bytes of the character at `s`; 0 if it is not a valid one. */
static int
character_length(const char *s, size_t length)
{
	unsigned char lead = (unsigned char) *s;
	int			bytes = pg_utf_mblen((const unsigned char *) s);

	if (lead < 0x80)
		return 1;
	if ((size_t) bytes > length ||
		!pg_utf8_islegal((const unsigned char *) s, bytes))
		return 0;
	return bytes;
}

char *
quay_parseerror_shorten(const char *text, size_t length, int limit)
{
	StringInfoData out;
	size_t		i = 0;

	initStringInfo(&out);
	for (int n = 0; i < length; n++)
	{
		int			bytes;

		if (n == limit)
		{
			appendStringInfoString(&out, "...");
			break;
		}
		bytes = character_length(text + i, length - i);
		if (bytes == 0)
			bytes = 1;
		if (bytes == 1 && ((unsigned char) text[i] < ' ' || (unsigned char) text[i] >= 0x7F))
			appendStringInfoChar(&out, '?');
		else
			appendBinaryStringInfo(&out, text + i, bytes);
		i += bytes;
	}
	return out.data;
}

bool
quay_parseerror_set_value(ManifestError *error, ManifestErrorCode code,
						  const char *path, const char *value,
						  const char *reason)
{
	char	   *shown = quay_parseerror_shorten(value, strlen(value),
												QUAY_ERROR_QUOTE_LENGTH);
	char	   *detail = psprintf("Field %s is \"%s\".%s%s", path, shown,
								  reason != NULL ? " " : "",
								  reason != NULL ? reason : "");

	pfree(shown);
	return quay_parseerror_set(error, code, detail);
}
