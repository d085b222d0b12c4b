/*-------------------------------------------------------------------------
 *
 * imageconfig.h
 *	  Parser of image configurations, the blob that `config` of an image
 *	  manifest points to.
 *
 * Formats: OCI image-spec config.md; Docker "Image Specification v1.2".
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_IMAGECONFIG_H
#define QUAY_UTIL_IMAGECONFIG_H

#include "util/pure.h"
#include "util/jsonwalk.h"
#include "util/mediatype.h"
#include "util/parseerror.h"

typedef struct QuayImageConfig
{
	bool		is_empty;		/* `{}`: an artifact in an image's clothes */
	char	   *architecture;	/* NULL if absent */
	char	   *os;				/* NULL if absent */
	char	   *variant;		/* NULL if absent */
	QuayTextMap labels;			/* config.Labels, in document order */
	bool		has_rootfs;
	int			diff_ids_count; /* rootfs.diff_ids */
	bool		has_history;
	int			history_length;
	int			history_empty_layers;	/* entries with empty_layer true */
} QuayImageConfig;

/*
 * Parse and check an image configuration.
 *
 * `kind` OCI: `{}` is accepted; else rootfs (type "layers" and diff_ids),
 * architecture and os are required.  DOCKER: history and rootfs.type are
 * required.  OTHER: nothing is required.  `limits` as in
 * quay_manifest_parse().
 *
 * True and `config` filled, or false and `error` filled.
 */
extern bool quay_imageconfig_parse(const char *data, size_t length,
								   QuayConfigKind kind,
								   const QuayJsonLimits *limits,
								   QuayImageConfig *config,
								   ManifestError *error);

#endif							/* QUAY_UTIL_IMAGECONFIG_H */
