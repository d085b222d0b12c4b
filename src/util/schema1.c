/*-------------------------------------------------------------------------
 *
 * schema1.c
 *	  Parser of Docker schema 1 manifests, signed and unsigned.
 *
 * A signed document is its payload with the member "signatures" put in before
 * the closing brace.  Each signature's protected header says where: the first
 * formatLength bytes of the document, then formatTail, are the payload.
 *
 * The payload is what is read, since only that is signed and counts for the
 * digest.  Its tail must be a brace, and the signed document must not have a
 * member that the payload lacks: so both say the same, whichever one reads.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "common/int.h"

#include "util/base64.h"
#include "util/digest.h"
#include "util/jws.h"
#include "util/mediatype.h"
#include "util/schema1.h"

typedef struct SignatureHeader
{
	char	   *algorithm;
	QuayJwsKey *key;
} SignatureHeader;

typedef struct Signature
{
	SignatureHeader *header;
	char	   *signature;
	char	   *protected_header;
} Signature;

typedef struct Envelope
{
	QuayJsonList signatures;	/* of Signature */
} Envelope;

/* The protected header of a signature. */
typedef struct PayloadFormat
{
	int64		length;
	char	   *tail;
} PayloadFormat;

typedef struct Payload
{
	int64		schema_version; /* -1 if absent */
	char	   *media_type;
	char	   *name;
	char	   *tag;
	char	   *architecture;
	QuayJsonList layers;		/* of char *, a digest; leaf first */
	QuayJsonList history;		/* of char *, a JSON document; leaf first */
	bool		has_foreign_field;
} Payload;

typedef struct ImageParameters
{
	QuayTextMap labels;
} ImageParameters;

/* A document of the history. */
typedef struct Image
{
	char	   *id;
	char	   *parent;
	int64		size;			/* -1 if absent */
	ImageParameters *parameters;
} Image;

#define SHAPE(fields_, type_) \
	{ .fields = (fields_), .nfields = lengthof(fields_), .size = sizeof(type_) }

static const QuayJsonField key_fields[] = {
	{"kty", QUAY_JSON_TEXT, true, offsetof(QuayJwsKey, kty), NULL},
	{"crv", QUAY_JSON_TEXT, false, offsetof(QuayJwsKey, crv), NULL},
	{"x", QUAY_JSON_TEXT, false, offsetof(QuayJwsKey, x), NULL},
	{"y", QUAY_JSON_TEXT, false, offsetof(QuayJwsKey, y), NULL},
	{"n", QUAY_JSON_TEXT, false, offsetof(QuayJwsKey, n), NULL},
	{"e", QUAY_JSON_TEXT, false, offsetof(QuayJwsKey, e), NULL}
};
static const QuayJsonShape key_shape = SHAPE(key_fields, QuayJwsKey);

static const QuayJsonField header_fields[] = {
	{"alg", QUAY_JSON_TEXT, true, offsetof(SignatureHeader, algorithm), NULL},
	{"jwk", QUAY_JSON_OBJECT, true, offsetof(SignatureHeader, key), &key_shape}
};
static const QuayJsonShape header_shape = SHAPE(header_fields, SignatureHeader);

static const QuayJsonField signature_fields[] = {
	{"header", QUAY_JSON_OBJECT, true, offsetof(Signature, header), &header_shape},
	{"signature", QUAY_JSON_TEXT, true, offsetof(Signature, signature), NULL},
	{"protected", QUAY_JSON_TEXT, true, offsetof(Signature, protected_header), NULL}
};
static const QuayJsonShape signature_shape = SHAPE(signature_fields, Signature);

static const QuayJsonField envelope_fields[] = {
	{"signatures", QUAY_JSON_LIST, false, offsetof(Envelope, signatures), &signature_shape}
};
static const QuayJsonShape envelope_shape = SHAPE(envelope_fields, Envelope);

static const QuayJsonField format_fields[] = {
	{"formatLength", QUAY_JSON_INTEGER, true, offsetof(PayloadFormat, length), NULL},
	{"formatTail", QUAY_JSON_TEXT, true, offsetof(PayloadFormat, tail), NULL}
};
static const QuayJsonShape format_shape = SHAPE(format_fields, PayloadFormat);

static const QuayJsonField layer_fields[] = {
	{"blobSum", QUAY_JSON_TEXT, true, 0, NULL}
};
static const QuayJsonShape layer_shape = SHAPE(layer_fields, char *);

static const QuayJsonField history_fields[] = {
	{"v1Compatibility", QUAY_JSON_TEXT, true, 0, NULL}
};
static const QuayJsonShape history_shape = SHAPE(history_fields, char *);

#define FOREIGN_FIELD(name) \
	{name, QUAY_JSON_SEEN, false, offsetof(Payload, has_foreign_field), NULL}

static const QuayJsonField payload_fields[] = {
	{"schemaVersion", QUAY_JSON_INTEGER, false, offsetof(Payload, schema_version), NULL},
	{"mediaType", QUAY_JSON_TEXT, false, offsetof(Payload, media_type), NULL},
	{"name", QUAY_JSON_TEXT, true, offsetof(Payload, name), NULL},
	{"tag", QUAY_JSON_TEXT, true, offsetof(Payload, tag), NULL},
	{"architecture", QUAY_JSON_TEXT, false, offsetof(Payload, architecture), NULL},
	{"fsLayers", QUAY_JSON_LIST, true, offsetof(Payload, layers), &layer_shape},
	{"history", QUAY_JSON_LIST, true, offsetof(Payload, history), &history_shape},
	FOREIGN_FIELD("config"),
	FOREIGN_FIELD("layers"),
	FOREIGN_FIELD("manifests")
};
static const QuayJsonShape payload_shape = SHAPE(payload_fields, Payload);

/* Of the images below the leaf nothing but the chain counts. */
#define IMAGE_FIELDS \
	{"id", QUAY_JSON_TEXT, true, offsetof(Image, id), NULL}, \
	{"parent", QUAY_JSON_TEXT, false, offsetof(Image, parent), NULL}, \
	{"Size", QUAY_JSON_INTEGER, false, offsetof(Image, size), NULL}

static const QuayJsonField image_fields[] = {IMAGE_FIELDS};
static const QuayJsonShape image_shape = SHAPE(image_fields, Image);

static const QuayJsonField parameter_fields[] = {
	{"Labels", QUAY_JSON_MAP, false, offsetof(ImageParameters, labels), NULL}
};
static const QuayJsonShape parameter_shape = SHAPE(parameter_fields, ImageParameters);

static const QuayJsonField leaf_fields[] = {
	IMAGE_FIELDS,
	{"config", QUAY_JSON_OBJECT, false, offsetof(Image, parameters), &parameter_shape}
};
static const QuayJsonShape leaf_shape = SHAPE(leaf_fields, Image);

/* ---- Signatures ---- */

static bool
fail_signature(ManifestError *error, int index, const char *reason)
{
	return quay_parseerror_set(error, MANIFEST_BAD_SIGNATURE,
							   psprintf("Field signatures[%d]: %s", index, reason));
}

/* White space and the brace that ends the document. */
static bool
is_closing_brace(const char *tail, size_t length)
{
	size_t		start = 0;

	while (start < length && memchr(" \t\r\n", tail[start], 4) != NULL)
		start++;
	return length - start == 1 && tail[start] == '}';
}

/* base64url to bytes; NULL if it is not that. */
static char *
decode_text(const char *text, size_t *length)
{
	size_t		text_length = strlen(text);
	char	   *out = palloc(QUAY_BASE64_DECODED_ROOM(text_length));

	return quay_base64url_decode(text, text_length, (unsigned char *) out, length) ? out : NULL;
}

/* The payload that a signature's protected header describes. */
static bool
read_payload(const char *data, size_t length, const Signature *signature,
			 int index, const QuayJsonLimits *limits,
			 char **payload, size_t *payload_length, ManifestError *error)
{
	PayloadFormat format = {0, NULL};
	size_t		header_length;
	size_t		tail_length;
	char	   *header = decode_text(signature->protected_header, &header_length);
	char	   *tail;

	if (header == NULL ||
		!quay_jsonwalk_read(header, header_length, limits, &format_shape, &format, error))
		return fail_signature(error, index, "The protected header cannot be read.");
	tail = decode_text(format.tail, &tail_length);
	if (format.length > (int64) length || tail == NULL || !is_closing_brace(tail, tail_length))
		return fail_signature(error, index, "The protected header does not describe this document.");

	*payload_length = format.length + tail_length;
	*payload = palloc(*payload_length + 1);
	memcpy(*payload, data, format.length);
	memcpy(*payload + format.length, tail, tail_length);
	(*payload)[*payload_length] = '\0';
	return true;
}

/* What is signed: protected header, dot, payload, both encoded. */
static bool
verify_signature(const Signature *signature, const char *payload, size_t payload_length)
{
	size_t		header_length = strlen(signature->protected_header);
	size_t		length = header_length + 1 + QUAY_BASE64URL_LEN(payload_length);
	char	   *text = palloc(length + 1);
	bool		valid;

	memcpy(text, signature->protected_header, header_length);
	text[header_length] = '.';
	quay_base64url_encode((const unsigned char *) payload, payload_length, text + header_length + 1);
	valid = quay_jws_verify(signature->header->key, signature->header->algorithm,
							text, length, signature->signature);
	pfree(text);
	return valid;
}

static bool
check_signatures(const char *data, size_t length, const Envelope *envelope,
				 const QuayJsonLimits *limits, QuaySchema1 *manifest,
				 ManifestError *error)
{
	const Signature *signatures = envelope->signatures.items;
	char	   *payload = NULL;
	size_t		payload_length = 0;

	if (envelope->signatures.count > QUAY_SCHEMA1_MAX_SIGNATURES)
		return quay_parseerror_set(error, MANIFEST_TOO_MANY,
								   psprintf("It has %d signatures; the limit is %d.",
											envelope->signatures.count, QUAY_SCHEMA1_MAX_SIGNATURES));
	for (int i = 0; i < envelope->signatures.count; i++)
	{
		char	   *signed_payload = NULL;
		size_t		signed_length = 0;

		if (!read_payload(data, length, &signatures[i], i, limits, &signed_payload, &signed_length, error))
			return false;
		if (payload == NULL)
		{
			payload = signed_payload;
			payload_length = signed_length;
		}
		else if (signed_length != payload_length || memcmp(signed_payload, payload, payload_length) != 0)
			return fail_signature(error, i, "It signs something else than the first one.");
		if (!verify_signature(&signatures[i], payload, payload_length))
			return fail_signature(error, i, "It is not good, or of an algorithm other than ES256 and RS256.");
		if (signed_payload != payload)
			pfree(signed_payload);
	}
	manifest->is_signed = true;
	manifest->payload = payload;
	manifest->payload_length = payload_length;
	return true;
}

/* ---- Layers and history ---- */

static bool
fail_history(ManifestError *error, int index, const char *reason)
{
	return quay_parseerror_set(error, MANIFEST_BAD_HISTORY,
							   psprintf("Field history[%d].v1Compatibility: %s", index, reason));
}

/* Is it the id of a layer below?  Nearly always of the one right below. */
static bool
is_known_parent(const QuaySchema1 *manifest, int layer, const char *parent)
{
	for (int i = layer - 1; i >= 0; i--)
	{
		if (strcmp(manifest->layers[i].id, parent) == 0)
			return true;
	}
	return false;
}

/* The layer at this place of both lists, whose order is leaf first. */
static bool
take_layer(const Payload *payload, int index, const QuayJsonLimits *limits,
		   QuaySchema1 *manifest, ManifestError *error)
{
	int			place = manifest->layers_count - 1 - index;
	QuaySchema1Layer *layer = &manifest->layers[place];
	const char *history = ((char **) payload->history.items)[index];
	const char *reason = NULL;
	QuayDigestStatus status;
	Image		image = {NULL, NULL, -1, NULL};
	char	   *shown;

	layer->digest = ((char **) payload->layers.items)[index];
	status = quay_digest_parse(layer->digest, strlen(layer->digest), NULL, &reason);
	if (status != QUAY_DIGEST_OK)
		return quay_parseerror_set_value(error,
										 status == QUAY_DIGEST_UNSUPPORTED ? MANIFEST_UNSUPPORTED_DIGEST : MANIFEST_BAD_DIGEST,
										 psprintf("fsLayers[%d].blobSum", index), layer->digest, reason);
	if (!quay_jsonwalk_read(history, strlen(history), limits, index == 0 ? &leaf_shape : &image_shape, &image, error))
		return fail_history(error, index, error->detail != NULL ? error->detail : "It is not a JSON object.");

	layer->id = image.id;
	layer->size = image.size;
	if (image.parent != NULL && image.parent[0] != '\0')
	{
		layer->parent = image.parent;
		if (!is_known_parent(manifest, place, image.parent))
		{
			shown = quay_parseerror_shorten(image.parent, strlen(image.parent), QUAY_ERROR_QUOTE_LENGTH);
			return fail_history(error, index, psprintf("Its parent \"%s\" is none of the layers below.", shown));
		}
	}
	if (index == 0 && image.parameters != NULL)
		manifest->labels = image.parameters->labels;
	return true;
}

static bool
take_payload(const Payload *payload, const QuayJsonLimits *limits,
			 QuaySchema1 *manifest, ManifestError *error)
{
	QuayManifestKind kind;

	if (payload->has_foreign_field)
		return quay_parseerror_set(error, MANIFEST_AMBIGUOUS, pstrdup("It has the field fsLayers and one of another kind."));
	if (payload->schema_version >= 0 && payload->schema_version != 1)
		return quay_parseerror_set(error, MANIFEST_SCHEMA_VERSION,
								   psprintf("It is " INT64_FORMAT "; with fsLayers it must be 1.", payload->schema_version));
	if (payload->media_type != NULL)
	{
		kind = quay_mediatype_manifest_kind(payload->media_type, strlen(payload->media_type));
		if (!quay_mediatype_is_schema1(kind))
			return quay_parseerror_set_value(error, MANIFEST_TYPE_MISMATCH, "mediaType", payload->media_type, NULL);
	}
	if (payload->layers.count != payload->history.count || payload->layers.count == 0)
		return quay_parseerror_set(error, MANIFEST_BAD_HISTORY,
								   psprintf("Field fsLayers has %d entries, field history %d.",
											payload->layers.count, payload->history.count));

	manifest->name = payload->name;
	manifest->tag = payload->tag;
	manifest->architecture = payload->architecture;
	manifest->layers_count = payload->layers.count;
	manifest->layers = palloc0(sizeof(QuaySchema1Layer) * payload->layers.count);
	/* From the base up, since a parent lies below. */
	for (int i = payload->layers.count - 1; i >= 0; i--)
	{
		if (!take_layer(payload, i, limits, manifest, error))
			return false;
	}
	return true;
}

/* Has the signed document a member of its own?  One that both have it has twice. */
static bool
has_unsigned_member(const Payload *whole, const Payload *payload)
{
	return (whole->schema_version < 0) != (payload->schema_version < 0) ||
		(whole->media_type == NULL) != (payload->media_type == NULL) ||
		(whole->architecture == NULL) != (payload->architecture == NULL) ||
		whole->has_foreign_field != payload->has_foreign_field;
}

bool
quay_schema1_parse(const char *data, size_t length,
				   const QuayJsonLimits *limits, QuaySchema1 *manifest,
				   ManifestError *error)
{
	Envelope	envelope;
	Payload		payload;
	Payload		whole;

	memset(manifest, 0, sizeof(*manifest));
	memset(error, 0, sizeof(*error));
	memset(&envelope, 0, sizeof(envelope));
	memset(&payload, 0, sizeof(payload));
	payload.schema_version = -1;
	whole = payload;

	manifest->payload = data;
	manifest->payload_length = length;
	if (!quay_jsonwalk_read(data, length, limits, &envelope_shape, &envelope, error))
		return false;
	if (envelope.signatures.count > 0 &&
		!check_signatures(data, length, &envelope, limits, manifest, error))
		return false;
	if (!quay_jsonwalk_read(manifest->payload, manifest->payload_length, limits, &payload_shape, &payload, error))
		return false;
	if (manifest->is_signed)
	{
		if (!quay_jsonwalk_read(data, length, limits, &payload_shape, &whole, error))
			return false;
		if (has_unsigned_member(&whole, &payload))
			return fail_signature(error, 0, "Beside the signatures there is something that is not signed.");
	}
	return take_payload(&payload, limits, manifest, error);
}
