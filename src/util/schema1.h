/*-------------------------------------------------------------------------
 *
 * schema1.h
 *	  Parser of Docker schema 1 manifests, signed and unsigned.
 *
 * Format: Docker "Image Manifest Version 2, Schema 1".  Strings in the result
 * are UTF-8, palloc'd and terminated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_UTIL_SCHEMA1_H
#define QUAY_UTIL_SCHEMA1_H

#include "util/pure.h"
#include "util/jsonwalk.h"
#include "util/parseerror.h"

/* More than anybody has; each costs a verification. */
#define QUAY_SCHEMA1_MAX_SIGNATURES 16

typedef struct QuaySchema1Layer
{
	char	   *digest;			/* a supported, well-formed digest */
	char	   *id;				/* of the layer's image */
	char	   *parent;			/* of the image below; NULL if there is none */
	int64		size;			/* bytes; -1 if the history does not say */
} QuaySchema1Layer;

typedef struct QuaySchema1
{
	char	   *name;			/* of the repository, with its namespace */
	char	   *tag;
	char	   *architecture;	/* NULL if absent */
	QuaySchema1Layer *layers;	/* base first, at least one */
	int			layers_count;
	QuayTextMap labels;			/* of the uppermost image */
	bool		is_signed;

	/* What the digest is made from: the document without its signatures. */
	const char *payload;
	size_t		payload_length;
} QuaySchema1;

/*
 * Parse and check a document.  All of its signatures must be good: that proves
 * that it is whole, not who made it, since the keys come along.
 *
 * True and `manifest` filled, or false and `error` filled.
 */
extern bool quay_schema1_parse(const char *data, size_t length,
							   const QuayJsonLimits *limits,
							   QuaySchema1 *manifest, ManifestError *error);

#endif							/* QUAY_UTIL_SCHEMA1_H */
