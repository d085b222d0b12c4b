/*
 * version.c
 *	  Whether this library, the extension's SQL objects and the rows belong together.
 *
 * quay_internal.schema_version is the witness: each script sets it, pg_dump takes it along.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "errors.h"
#include "migration_steps.h"
#include "version.h"

PG_FUNCTION_INFO_V1(quay_version_library);
PG_FUNCTION_INFO_V1(quay_version_steps);

/* "1.10" as 1010, so that versions compare as numbers */
static int
version_number(const char *version)
{
	int			major = 0;
	int			minor = 0;

	if (sscanf(version, "%d.%d", &major, &minor) != 2)
		elog(ERROR, "malformed version \"%s\"", version);
	return major * 1000 + minor;
}

static void
refuse_mixture(const char *one, const char *other)
{
	bool		one_older = version_number(one) < version_number(other);

	ereport(ERROR,
			(errcode(QUAY_ERRCODE_VERSION_MISMATCH),
			 errmsg("tables of extension \"quay\" hold rows of two versions"),
			 errdetail("A dump of version %s was restored into version %s.",
					   one_older ? one : other, one_older ? other : one),
			 errhint("Restore it into an empty database in which CREATE EXTENSION quay VERSION '%s' has run, then run ALTER EXTENSION quay UPDATE.",
					 one_older ? one : other)));
}

static void
refuse_newer(const char *version)
{
	ereport(ERROR,
			(errcode(QUAY_ERRCODE_VERSION_MISMATCH),
			 errmsg("extension \"quay\" is of version %s, but the library in this session is of version %s",
					version, QUAY_VERSION),
			 errhint("Connect anew; if that does not help, install the package of version %s on this server.", version)));
}

void
quay_version_check(Oid schema_version, AttrNumber version_column)
{
	Relation	relation;
	TableScanDesc scan;
	TupleTableSlot *slot;
	char	   *found = NULL;

	/* While our own scripts run, the row is about to change; the scripts check it themselves. */
	if (creating_extension)
		return;

	relation = table_open(schema_version, AccessShareLock);
	slot = table_slot_create(relation, NULL);
	scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		char	   *version = TextDatumGetCString(slot_getattr(slot, version_column, &isnull));

		if (found != NULL)
			refuse_mixture(found, version);
		found = version;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, AccessShareLock);

	if (found != NULL && version_number(found) > version_number(QUAY_VERSION))
		refuse_newer(found);
}

/* quay_internal.version_library(): the version that this library was built as. */
Datum
quay_version_library(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(QUAY_VERSION));
}

/*
 * quay_internal.migration_step_text(): what the scripts of all steps say about themselves, which the build has collected. Here and not
 * in a table or an SQL function, because before an update the database has those of the old version, and the library is the new one.
 */
Datum
quay_version_steps(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(QUAY_MIGRATION_STEPS));
}
