/*
 * blob.h
 *	  Uses of blobs: look-ups that are started again for one blob after the other.
 */
#ifndef QUAY_REGISTRY_BLOB_H
#define QUAY_REGISTRY_BLOB_H

#include "utils/array.h"

#include "scan.h"

/* Prepares a look-up by repository, unless that is 0, and blob; the blob is still to be set. */
extern void quay_blob_prepare_use(QuayScan *scan, QuayTable table, QuayIndex index, int64 repository_id);

/* Is there a row for this blob? */
extern bool quay_blob_has_use(QuayScan *scan, int64 blob_id);

/* A use that no transaction under way is about to take away: one that it deletes counts as a use for us until it commits. */
extern bool quay_blob_has_settled_use(QuayScan *scan, int64 blob_id);

/* The same for blob_use, where all three keys are still to be set: is a use of the blob by the repository counted? */
extern void quay_blob_prepare_counted(QuayScan *scan);
extern bool quay_blob_is_counted(QuayScan *uses, int64 namespace_id, int64 repository_id, int64 blob_id);

/* Id of the empty layer, which belongs to everybody; 0 if there is no such blob. */
extern int64 quay_blob_empty_layer(void);

extern ArrayType *quay_blob_id_array(Datum *ids, int count);

#endif							/* QUAY_REGISTRY_BLOB_H */
