/*
 * init.c
 *	  What happens when the library is loaded: settings, the one relcache callback and the drop guard. Nothing else is registered anywhere.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/inval.h"

#include "catalog.h"
#include "compat.h"
#include "guard.h"
#include "guc.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	quay_guc_define();

	/* PostgreSQL has ten slots for all libraries together; this is ours. */
	CacheRegisterRelcacheCallback(quay_catalog_invalidate, (Datum) 0);

	quay_guard_init();
}
