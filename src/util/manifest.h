/*-------------------------------------------------------------------------
 *
 * manifest.h
 *	  Parser of manifests: Docker schema 1 and 2, Docker list, OCI manifest
 *	  and OCI index.
 *
 * Formats: OCI image-spec manifest.md, image-index.md and descriptor.md;
 * Docker "Image Manifest Version 2", Schema 1 (see schema1.h) and Schema 2.
 *
 * Strings in the results are UTF-8, palloc'd and terminated.  The caller must
 * see to it that the database's encoding is UTF8: PostgreSQL's JSON parser
 * turns \u escapes into the server encoding.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_MANIFEST_H
#define QUAY_UTIL_MANIFEST_H

#include "util/pure.h"
#include "util/jsonwalk.h"
#include "util/mediatype.h"
#include "util/parseerror.h"
#include "util/schema1.h"

/*
 * Reference to other content.  `remote` is set by the media type alone: a
 * foreign or non-distributable layer, whose bytes the registry need not hold.
 * `data` is the content itself, if it is embedded: `size` bytes that have the
 * digest.
 */
typedef struct QuayDescriptor
{
	char	   *media_type;
	char	   *digest;			/* a supported, well-formed digest */
	int64		size;			/* bytes, never negative */
	int			urls_count;
	bool		remote;
	char	   *embedded;		/* as written, base64; NULL if absent */
	unsigned char *data;		/* decoded; NULL if absent */
	QuayTextMap annotations;
} QuayDescriptor;

/* What a child of an index runs on; fields other than the first two may be NULL. */
typedef struct QuayPlatform
{
	char	   *architecture;
	char	   *os;
	char	   *os_version;
	char	   *variant;
} QuayPlatform;

typedef struct QuayChildManifest
{
	QuayDescriptor descriptor;
	QuayManifestKind kind;		/* UNKNOWN is possible inside an OCI index */
	QuayPlatform *platform;		/* NULL if absent */
} QuayChildManifest;

typedef struct QuayManifest
{
	QuayManifestKind kind;
	const char *media_type;		/* the kind's own */
	int			schema_version; /* 1 or 2 */

	/* image manifests; NULL and 0 for lists. Schema 1 has no config */
	QuayDescriptor *config;
	QuayConfigKind config_kind;
	QuayDescriptor *layers;		/* in document order, base first */
	int			layers_count;

	/* lists and indexes; NULL and 0 for images */
	QuayChildManifest *children;	/* in document order, duplicates kept */
	int			children_count;

	/* OCI only; NULL for Docker's kinds, which do not have them */
	QuayDescriptor *subject;
	char	   *artifact_type;	/* as written; NULL if absent or empty */

	/*
	 * The type to show and filter by in the referrers API (distribution-spec,
	 * "Listing Referrers"): artifactType, else of an OCI manifest the media
	 * type of its config, else NULL.
	 */
	const char *referrer_type;
	QuayTextMap annotations;	/* in document order; empty for Docker's kinds */

	/*
	 * Sum of the layers' sizes, config excluded, remote layers included,
	 * repeated layers counted again.  Meaningless if has_layers_size is false:
	 * NULL for lists and indexes.
	 */
	int64		layers_compressed_size;
	bool		has_layers_size;

	/* config is an image configuration, so labels can be read from it */
	bool		is_image;

	/*
	 * Docker schema 1, else NULL.  Its layers have neither media type nor
	 * size of their own: "" and, if the history does not say, 0.
	 */
	QuaySchema1 *schema1;
} QuayManifest;

/*
 * Parse and check a manifest.
 *
 * `media_type` is the declared type (Content-Type header; parameters are
 * ignored) or NULL.  Without it the kind comes from the field `mediaType`,
 * else from the fields present: `manifests` makes an OCI index, `config` and
 * `layers` an OCI manifest, `fsLayers` a Docker schema 1 manifest, whose kind
 * is that of its content anyhow: signed or not.  `limits` NULL means
 * quay_jsoncheck_default_limits.
 *
 * True and `manifest` filled, or false and `error` filled.
 */
extern bool quay_manifest_parse(const char *data, size_t length,
								const char *media_type,
								const QuayJsonLimits *limits,
								QuayManifest *manifest,
								ManifestError *error);

#endif							/* QUAY_UTIL_MANIFEST_H */
