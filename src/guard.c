/*
 * guard.c
 *	  Refuses to drop a registry that holds data.
 *
 * DROP EXTENSION takes all tables along, and so do DROP SCHEMA, DROP OWNED and whatever cascades to the extension. Two nets:
 *
 * The event trigger (schema/920_guard.sql) reads the statement before anything is locked, and refuses those that name the extension,
 * one of its schemas or its owner.
 *
 * The hook sees each of our tables when it is about to go, whatever the way that led there (DROP EXTENSION plpgsql CASCADE). It works
 * in sessions that have loaded this library; the event trigger loads it, before every statement of those kinds.
 *
 * User data are the rows that pg_dump would take along. The record of the version is not among them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "errors.h"
#include "guard.h"
#include "guc.h"

PG_FUNCTION_INFO_V1(quay_drop_guard);

static const char *const schemas[] = {"quay", "quay_internal"};

/* The tables and sequences that pg_dump takes along, with the condition that selects their rows. */
typedef struct DumpedRelations
{
	Oid			owner;
	int			count;
	Oid		   *relids;
	char	  **conditions;
} DumpedRelations;

static object_access_hook_type previous_hook = NULL;

static bool
read_dumped_relations(Oid extension, DumpedRelations *dumped)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		no_relations;
		bool		no_conditions;
		Datum		relids = heap_getattr(tuple, Anum_pg_extension_extconfig, RelationGetDescr(relation), &no_relations);
		Datum		conditions = heap_getattr(tuple, Anum_pg_extension_extcondition, RelationGetDescr(relation), &no_conditions);

		dumped->owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
		if (!no_relations && !no_conditions)
		{
			Datum	   *relid_datums;
			Datum	   *condition_datums;
			int			condition_count;

			deconstruct_array(DatumGetArrayTypePCopy(relids), OIDOID, sizeof(Oid), true, TYPALIGN_INT,
							  &relid_datums, NULL, &dumped->count);
			deconstruct_array(DatumGetArrayTypePCopy(conditions), TEXTOID, -1, false, TYPALIGN_INT,
							  &condition_datums, NULL, &condition_count);
			Assert(condition_count == dumped->count);
			dumped->relids = palloc(dumped->count * sizeof(Oid));
			dumped->conditions = palloc(dumped->count * sizeof(char *));
			for (int i = 0; i < dumped->count; i++)
			{
				dumped->relids[i] = DatumGetObjectId(relid_datums[i]);
				dumped->conditions[i] = TextDatumGetCString(condition_datums[i]);
			}
			found = true;
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/* Is this a table whose rows somebody would miss? Rows of a partitioned table are looked for in all partitions. */
static bool
may_hold_user_data(Oid relid)
{
	/* What the extension keeps about itself, in an empty registry too. */
	static const char *const about_itself[] = {"schema_version", "migration_journal", "backfill"};
	char		kind = get_rel_relkind(relid);	/* 0 if it is gone already */

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		return false;
	for (int i = 0; i < lengthof(about_itself); i++)
	{
		if (strcmp(get_rel_name(relid), about_itself[i]) == 0)
			return false;
	}
	return true;
}

static bool
holds_user_data(Oid relid, const char *condition)
{
	char	   *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	char	   *query = psprintf("SELECT FROM %s %s LIMIT 1", name, condition);
	int			guc_level = NewGUCNestLevel();
	bool		found;

	/* The conditions have operators in them, and the caller's search_path is not ours to trust. */
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", name);
	found = SPI_processed > 0;
	SPI_finish();
	AtEOXact_GUC(false, guc_level);
	return found;
}

static void
refuse_if_data(Oid relid, const char *condition)
{
	/* The months of the log go with their default partition, which stands for all of them. */
	if (get_rel_relispartition(relid))
		relid = get_partition_parent(relid, true);
	if (!may_hold_user_data(relid) || !holds_user_data(relid, condition))
		return;
	ereport(ERROR,
			(errcode(QUAY_ERRCODE_USER_DATA_EXISTS),
			 errmsg("this would drop a registry that holds data"),
			 errdetail("Table \"%s.%s\" of extension \"quay\" has rows.",
					   get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid)),
			 errhint("Make a backup, then run SET quay.allow_drop = on as a superuser and the statement again.")));
}

/* Is the statement part of the extension's own scripts, which may drop what they like? */
static bool
in_own_script(Oid extension)
{
	return creating_extension && CurrentExtensionObject == extension;
}

static bool
names_string(List *objects, const char *name)
{
	ListCell   *cell;

	foreach(cell, objects)
	{
		if (IsA(lfirst(cell), String) && strcmp(strVal(lfirst(cell)), name) == 0)
			return true;
	}
	return false;
}

static bool
names_us(DropStmt *statement)
{
	switch (statement->removeType)
	{
		case OBJECT_EXTENSION:
			return names_string(statement->objects, "quay");
		case OBJECT_SCHEMA:
			for (int i = 0; i < lengthof(schemas); i++)
			{
				if (names_string(statement->objects, schemas[i]))
					return true;
			}
			return false;
		default:
			return false;
	}
}

/* Other roles that own a table of ours are left to the hook. */
static bool
names_our_owner(DropOwnedStmt *statement, Oid owner)
{
	ListCell   *cell;

	foreach(cell, statement->roles)
	{
		if (get_rolespec_oid(lfirst_node(RoleSpec, cell), true) == owner)
			return true;
	}
	return false;
}

/* Event trigger before DROP EXTENSION, DROP SCHEMA and DROP OWNED. */
Datum
quay_drop_guard(PG_FUNCTION_ARGS)
{
	Oid			extension = get_extension_oid("quay", true);
	DumpedRelations dumped;
	Node	   *statement;
	bool		affected;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		elog(ERROR, "quay_drop_guard is an event trigger function");
	if (quay_guc_allow_drop || !OidIsValid(extension) || in_own_script(extension) ||
		!read_dumped_relations(extension, &dumped))
		PG_RETURN_NULL();

	statement = ((EventTriggerData *) fcinfo->context)->parsetree;
	affected = (IsA(statement, DropStmt) && names_us((DropStmt *) statement)) ||
		(IsA(statement, DropOwnedStmt) && names_our_owner((DropOwnedStmt *) statement, dumped.owner));
	for (int i = 0; affected && i < dumped.count; i++)
		refuse_if_data(dumped.relids[i], dumped.conditions[i]);
	PG_RETURN_NULL();
}

/* A table of ours is about to be dropped. Months of the log are no members of the extension, and come and go. */
static void
guard_table(Oid relid)
{
	Oid			extension = quay_guc_allow_drop ? InvalidOid : get_extension_oid("quay", true);
	DumpedRelations dumped;

	if (!OidIsValid(extension) || getExtensionOfObject(RelationRelationId, relid) != extension ||
		in_own_script(extension) || !read_dumped_relations(extension, &dumped))
		return;
	for (int i = 0; i < dumped.count; i++)
	{
		if (dumped.relids[i] == relid)
			refuse_if_data(relid, dumped.conditions[i]);
	}
}

static void
hook(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (previous_hook)
		previous_hook(access, class_id, object_id, sub_id, arg);
	if (access == OAT_DROP && class_id == RelationRelationId && sub_id == 0 && !IsBinaryUpgrade &&
		(((ObjectAccessDrop *) arg)->dropflags & PERFORM_DELETION_INTERNAL) == 0)
		guard_table(object_id);
}

void
quay_guard_init(void)
{
	previous_hook = object_access_hook;
	object_access_hook = hook;
}
