/*-------------------------------------------------------------------------
 *
 * mediatype.h
 *	  Media types: grammar and classification.
 *
 * Grammar: RFC 6838, section 4.2 (restricted-name on both sides of "/"), as
 * the OCI image-spec demands in descriptor.md.  Classification compares
 * exactly, as all registries do, although media types ignore case.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_MEDIATYPE_H
#define QUAY_UTIL_MEDIATYPE_H

#include "util/pure.h"

#define QUAY_MEDIATYPE_DOCKER_SCHEMA1 \
	"application/vnd.docker.distribution.manifest.v1+json"
#define QUAY_MEDIATYPE_DOCKER_SCHEMA1_SIGNED \
	"application/vnd.docker.distribution.manifest.v1+prettyjws"
#define QUAY_MEDIATYPE_DOCKER_SCHEMA2 \
	"application/vnd.docker.distribution.manifest.v2+json"
#define QUAY_MEDIATYPE_DOCKER_LIST \
	"application/vnd.docker.distribution.manifest.list.v2+json"
#define QUAY_MEDIATYPE_OCI_MANIFEST \
	"application/vnd.oci.image.manifest.v1+json"
#define QUAY_MEDIATYPE_OCI_INDEX \
	"application/vnd.oci.image.index.v1+json"
#define QUAY_MEDIATYPE_DOCKER_CONFIG \
	"application/vnd.docker.container.image.v1+json"
#define QUAY_MEDIATYPE_OCI_CONFIG \
	"application/vnd.oci.image.config.v1+json"
#define QUAY_MEDIATYPE_DOCKER_LAYER \
	"application/vnd.docker.image.rootfs.diff.tar.gzip"
#define QUAY_MEDIATYPE_DOCKER_FOREIGN_LAYER \
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
#define QUAY_MEDIATYPE_OCI_LAYER \
	"application/vnd.oci.image.layer.v1.tar"
#define QUAY_MEDIATYPE_OCI_NONDISTRIBUTABLE_LAYER \
	"application/vnd.oci.image.layer.nondistributable.v1.tar"

/* What kind of manifest a document is. */
typedef enum QuayManifestKind
{
	QUAY_MANIFEST_UNKNOWN = 0,	/* not the type of a manifest */
	QUAY_MANIFEST_DOCKER_SCHEMA1,
	QUAY_MANIFEST_DOCKER_SCHEMA1_SIGNED,
	QUAY_MANIFEST_DOCKER_SCHEMA2,
	QUAY_MANIFEST_DOCKER_LIST,
	QUAY_MANIFEST_OCI_MANIFEST,
	QUAY_MANIFEST_OCI_INDEX
} QuayManifestKind;

/* What kind of image configuration a config descriptor points to. */
typedef enum QuayConfigKind
{
	QUAY_CONFIG_OTHER = 0,		/* an artifact's; never parsed */
	QUAY_CONFIG_DOCKER,
	QUAY_CONFIG_OCI
} QuayConfigKind;

/* What kind of layer a layer descriptor points to. */
typedef enum QuayLayerKind
{
	QUAY_LAYER_OTHER = 0,		/* an artifact's */
	QUAY_LAYER_DOCKER,
	QUAY_LAYER_DOCKER_FOREIGN,	/* not distributed by registries */
	QUAY_LAYER_OCI,
	QUAY_LAYER_OCI_NONDISTRIBUTABLE /* not distributed by registries */
} QuayLayerKind;

/*
 * Check the grammar `type/subtype`.  NULL when good, else a constant text
 * that says what is wrong, usable as an error DETAIL.
 */
extern const char *quay_mediatype_check(const char *media_type, size_t length);

/*
 * Length of the type without parameters and trailing blanks, for HTTP
 * headers: 16 for `application/json; charset=utf-8`.
 */
extern size_t quay_mediatype_essence_length(const char *media_type,
											size_t length);

/* Classify a manifest's media type (without parameters). */
extern QuayManifestKind quay_mediatype_manifest_kind(const char *media_type,
													 size_t length);

/* The media type of a manifest kind; NULL for UNKNOWN. */
extern const char *quay_mediatype_manifest_name(QuayManifestKind kind);

/* Is it Docker schema 1, signed or not? */
extern bool quay_mediatype_is_schema1(QuayManifestKind kind);

/* Is it a manifest list or an index? */
extern bool quay_mediatype_is_index(QuayManifestKind kind);

/*
 * May a list or an index have a child of this kind?  Docker list: schema2
 * and unsigned schema1.  OCI index: OCI manifest and index, Docker schema2
 * and list.  quay_manifest_parse() enforces it for Docker lists only: the
 * image-spec forbids an error for an unknown type inside an index, so it is
 * the pushing code that decides there.
 */
extern bool quay_mediatype_child_allowed(QuayManifestKind parent,
										 QuayManifestKind child);

/* Classify the media type of a config descriptor. */
extern QuayConfigKind quay_mediatype_config_kind(const char *media_type,
												 size_t length);

/* Classify the media type of a layer descriptor. */
extern QuayLayerKind quay_mediatype_layer_kind(const char *media_type,
											   size_t length);

/* Is it a layer that registries do not distribute (foreign)? */
extern bool quay_mediatype_layer_is_remote(QuayLayerKind kind);

#endif							/* QUAY_UTIL_MEDIATYPE_H */
