/*
 * version.h
 *	  Whether this library, the extension's SQL objects and the rows belong together.
 */
#ifndef QUAY_VERSION_H
#define QUAY_VERSION_H

#include "access/attnum.h"

/*
 * Errors out unless the rows are of one version, and of one that this library knows: its own or an older one. Older is right while a
 * new package is installed and ALTER EXTENSION has not run yet; newer means that this session still has the old library loaded.
 */
extern void quay_version_check(Oid schema_version, AttrNumber version_column);

#endif							/* QUAY_VERSION_H */
