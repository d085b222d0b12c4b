/*
 * cache.h
 *	  What this backend remembers of tables that hardly ever change.
 */
#ifndef QUAY_CACHE_H
#define QUAY_CACHE_H

#include "catalog.h"

/*
 * Name of a row of an enumeration (role, teamrole, visibility, mediatype), or NULL if there is none. Valid until the next call of any
 * function of ours: copy it to keep it.
 */
extern const char *quay_cache_enumeration_name(QuayTable enumeration, int64 id);

#endif							/* QUAY_CACHE_H */
