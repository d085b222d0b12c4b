/*
 * catalog.c
 *	  Our tables, indexes and columns, found by name, remembered by id.
 *
 * Ids differ between databases and after a restore, and column numbers after a migration, so nothing is compiled in. All of them are
 * loaded at once, on first use after an invalidation of any of our relations: some sixty syscache look-ups, then none per call. The
 * same moment is right for the version check, since every update of the extension invalidates one of our tables.
 *
 * The library may be newer than the tables: what came after version 1.0 is absent until ALTER EXTENSION quay UPDATE.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "version.h"

typedef struct TableName
{
	const char *schema;
	const char *name;
	const char *columns[QUAY_MAX_COLUMNS + 1];
	bool		later;			/* came after version 1.0 */
} TableName;

typedef struct IndexName
{
	const char *name;
	bool		later;
	bool		internal;		/* in schema quay_internal */
} IndexName;

static const TableName table_names[QUAY_TABLE_COUNT] = {
	[QUAY_USER] = {"quay", "user", {"id", "username", "organization", "robot", "enabled", "uuid"}},
	[QUAY_REPOSITORY] = {"quay", "repository",
	{"id", "namespace_user_id", "name", "visibility_id", "kind_id", "state"}},
	[QUAY_TEAM] = {"quay", "team", {"id", "name", "organization_id", "role_id"}},
	[QUAY_TEAMMEMBER] = {"quay", "teammember", {"user_id", "team_id"}},
	[QUAY_REPOSITORYPERMISSION] = {"quay", "repositorypermission", {"team_id", "user_id", "repository_id", "role_id"}},
	[QUAY_SUPERUSER] = {"quay", "superuser", {"username", "kind"}},
	[QUAY_TAG] = {"quay", "tag",
	{"id", "name", "repository_id", "manifest_id", "lifetime_start_ms", "lifetime_end_ms", "hidden", "immutable"}},
	[QUAY_MANIFEST] = {"quay", "manifest",
		{"id", "repository_id", "digest", "media_type_id", "manifest_bytes", "config_media_type",
	"layers_compressed_size", "subject", "artifact_type"}},
	[QUAY_MANIFESTCHILD] = {"quay", "manifestchild", {"manifest_id", "child_manifest_id"}},
	[QUAY_ROLE] = {"quay", "role", {"id", "name"}},
	[QUAY_TEAMROLE] = {"quay", "teamrole", {"id", "name"}},
	[QUAY_VISIBILITY] = {"quay", "visibility", {"id", "name"}},
	[QUAY_MEDIATYPE] = {"quay", "mediatype", {"id", "name"}},
	[QUAY_SCHEMA_VERSION] = {"quay_internal", "schema_version", {"version"}},
	[QUAY_UNRESTRICTED_USER] = {"quay", "unrestricted_user", {"username"}, .later = true},
	[QUAY_ENTITY_CHANGE] = {"quay_internal", "entity_change", {NULL}},
	[QUAY_RIGHTS_CHANGE] = {"quay_internal", "rights_change", {NULL}, .later = true},
	[QUAY_IMAGESTORAGE] = {"quay", "imagestorage", {"id", "content_checksum"}},
	[QUAY_MANIFESTBLOB] = {"quay", "manifestblob", {"repository_id", "blob_id"}},
	[QUAY_UPLOADEDBLOB] = {"quay", "uploadedblob", {"repository_id", "blob_id"}},
	[QUAY_DERIVEDSTORAGEFORIMAGE] = {"quay", "derivedstorageforimage", {"derivative_id"}},
	[QUAY_QUEUEITEM] = {"quay", "queueitem",
	{"id", "queue_name", "available_after", "available", "processing_expires", "retries_remaining"}},
	[QUAY_CACHE_ENTRY] = {"quay", "cache_entry", {"expires_ms", "key", "value", "bytes"}, .later = true},
	[QUAY_SESSION] = {"quay", "session",
	{"id", "user_id", "created_ms", "touched_ms", "expires_ms", "digest", "uuid", "data"}, .later = true},
	[QUAY_BLOB_USE] = {"quay_internal", "blob_use", {"repository_id", "blob_id", "namespace_id"}, .later = true},
};

static const IndexName index_names[QUAY_INDEX_COUNT] = {
	[QUAY_USER_BY_ID] = {"pk_user"},
	[QUAY_USER_BY_USERNAME] = {"user_username"},
	[QUAY_REPOSITORY_BY_ID] = {"pk_repository"},
	[QUAY_REPOSITORY_BY_NAMESPACE_NAME] = {"repository_namespace_user_id_name"},
	[QUAY_TEAM_BY_ID] = {"pk_team"},
	[QUAY_TEAM_BY_NAME_ORGANIZATION] = {"team_name_organization_id"},
	[QUAY_TEAMMEMBER_BY_USER_TEAM] = {"teammember_user_id_team_id"},
	[QUAY_REPOSITORYPERMISSION_BY_REPOSITORY] = {"repositorypermission_repository_id"},
	[QUAY_REPOSITORYPERMISSION_BY_USER] = {"repositorypermission_user_id_repository_id"},
	[QUAY_REPOSITORYPERMISSION_BY_TEAM] = {"repositorypermission_team_id_repository_id"},
	[QUAY_SUPERUSER_BY_USERNAME] = {"pk_superuser"},
	[QUAY_UNRESTRICTED_USER_BY_USERNAME] = {"pk_unrestricted_user", .later = true},
	[QUAY_TAG_LIVE_BY_REPOSITORY_NAME] = {"tag_repository_id_name_live"},
	[QUAY_TAG_BY_REPOSITORY_NAME_END] = {"tag_repository_id_name_lifetime_end_ms"},
	[QUAY_TAG_BY_MANIFEST_END] = {"tag_manifest_id_lifetime_end_ms"},
	[QUAY_MANIFEST_BY_ID] = {"pk_manifest"},
	[QUAY_MANIFEST_BY_REPOSITORY_DIGEST] = {"manifest_repository_id_digest"},
	[QUAY_MANIFESTCHILD_BY_CHILD] = {"manifestchild_child_manifest_id"},
	[QUAY_IMAGESTORAGE_BY_DIGEST] = {"imagestorage_content_checksum"},
	[QUAY_MANIFESTBLOB_BY_REPOSITORY_BLOB] = {"manifestblob_repository_id_blob_id"},
	[QUAY_UPLOADEDBLOB_BY_REPOSITORY_BLOB] = {"uploadedblob_repository_id_blob_id"},
	[QUAY_IMAGESTORAGE_BY_ID] = {"pk_imagestorage"},
	[QUAY_MANIFESTBLOB_BY_BLOB] = {"manifestblob_blob_id"},
	[QUAY_UPLOADEDBLOB_BY_BLOB] = {"uploadedblob_blob_id"},
	[QUAY_DERIVEDSTORAGEFORIMAGE_BY_DERIVATIVE] = {"derivedstorageforimage_derivative_id"},
	[QUAY_QUEUEITEM_BY_DUE] = {"queueitem_due", .later = true},
	[QUAY_QUEUEITEM_BY_LANE] = {"queueitem_lane", .later = true},
	[QUAY_QUEUEITEM_BY_PATH] = {"queueitem_queue_name_id", .later = true},
	[QUAY_QUEUEITEM_RUNNING] = {"queueitem_running", .later = true},
	[QUAY_CACHE_ENTRY_BY_KEY] = {"pk_cache_entry", .later = true},
	[QUAY_SESSION_BY_DIGEST] = {"session_digest", .later = true},
	[QUAY_BLOB_USE_BY_NAMESPACE_BLOB_REPOSITORY] = {"pk_blob_use", .later = true, .internal = true},
	[QUAY_BLOB_USE_BY_REPOSITORY] = {"blob_use_repository_id", .later = true, .internal = true},
};

static struct
{
	bool		valid;
	uint64		generation;
	uint64		entity_generation;
	uint64		rights_generation;
	Oid			table[QUAY_TABLE_COUNT];
	bool		row_security[QUAY_TABLE_COUNT];
	AttrNumber	column[QUAY_TABLE_COUNT][QUAY_MAX_COLUMNS];
	Oid			index[QUAY_INDEX_COUNT];
}			catalog = {.rights_generation = 1};	/* 0 stands for none (rights.c) */

static Oid
relation_id(const char *schema, const char *name, bool later)
{
	Oid			schema_id = get_namespace_oid(schema, true);
	Oid			relid = OidIsValid(schema_id) ? get_relname_relid(name, schema_id) : InvalidOid;

	if (!OidIsValid(relid) && !later)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s.%s\" of extension \"quay\" does not exist", schema, name),
				 errhint("Run CREATE EXTENSION quay in this database.")));
	return relid;
}

static bool
has_row_security(Oid relid)
{
	HeapTuple	row = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = HeapTupleIsValid(row) && ((Form_pg_class) GETSTRUCT(row))->relrowsecurity;

	if (HeapTupleIsValid(row))
		ReleaseSysCache(row);
	return result;
}

/*
 * Callbacks may come while this reads the catalogs; whatever they invalidate is read again by the next call, because "valid" is set
 * only if none came.
 */
static void
load(void)
{
	uint64		generation = catalog.generation;

	for (int t = 0; t < QUAY_TABLE_COUNT; t++)
	{
		const TableName *name = &table_names[t];

		catalog.table[t] = relation_id(name->schema, name->name, name->later);
		catalog.row_security[t] = has_row_security(catalog.table[t]);
		for (int c = 0; OidIsValid(catalog.table[t]) && name->columns[c] != NULL; c++)
		{
			catalog.column[t][c] = get_attnum(catalog.table[t], name->columns[c]);
			if (catalog.column[t][c] == InvalidAttrNumber)
				ereport(ERROR,
						(errcode(ERRCODE_UNDEFINED_COLUMN),
						 errmsg("column \"%s\" of relation \"%s.%s\" does not exist",
								name->columns[c], name->schema, name->name)));
		}
	}
	for (int i = 0; i < QUAY_INDEX_COUNT; i++)
		catalog.index[i] = relation_id(index_names[i].internal ? "quay_internal" : "quay", index_names[i].name, index_names[i].later);

	quay_version_check(catalog.table[QUAY_SCHEMA_VERSION],
					   catalog.column[QUAY_SCHEMA_VERSION][QUAY_SCHEMA_VERSION_VERSION]);
	catalog.valid = (generation == catalog.generation);
}

Oid
quay_catalog_table(QuayTable table)
{
	if (unlikely(!catalog.valid))
		load();
	return catalog.table[table];
}

Oid
quay_catalog_index(QuayIndex index)
{
	if (unlikely(!catalog.valid))
		load();
	return catalog.index[index];
}

AttrNumber
quay_catalog_column(QuayTable table, int column)
{
	/* Not reloaded here: a scan has opened the table, so the numbers cannot change under it. */
	return catalog.column[table][column];
}

static bool
is_ours(Oid relid)
{
	for (int t = 0; t < QUAY_TABLE_COUNT; t++)
		if (catalog.table[t] == relid)
			return true;
	for (int i = 0; i < QUAY_INDEX_COUNT; i++)
		if (catalog.index[i] == relid)
			return true;
	return false;
}

/* While nothing is valid, a load may be under way, with ids that are not known yet: then every relation counts. */
void
quay_catalog_invalidate(Datum arg, Oid relid)
{
	bool		all = !catalog.valid || !OidIsValid(relid);

	if (!all && relid == catalog.table[QUAY_RIGHTS_CHANGE])
		catalog.rights_generation++;
	else if (!all && relid == catalog.table[QUAY_ENTITY_CHANGE])
	{
		/* Rights depend on the owner of the repository. */
		catalog.entity_generation++;
		catalog.rights_generation++;
	}
	else if (all || is_ours(relid))
	{
		catalog.valid = false;
		catalog.generation++;
		catalog.entity_generation++;
		catalog.rights_generation++;
	}
}

uint64
quay_catalog_generation(void)
{
	if (unlikely(!catalog.valid))
		load();
	return catalog.generation;
}

uint64
quay_catalog_entity_generation(void)
{
	if (unlikely(!catalog.valid))
		load();
	return catalog.entity_generation;
}

uint64
quay_catalog_rights_generation(void)
{
	if (unlikely(!catalog.valid))
		load();
	return catalog.rights_generation;
}

/*
 * A direct scan passes by the privileges and the row security that the executor enforces, so they are asked for here. A role that may
 * not read the whole table (a reader never sees password hashes) passes if it may read each column that we read.
 */
void
quay_catalog_check_select(QuayTable table)
{
	Oid			relid = quay_catalog_table(table);
	const TableName *name = &table_names[table];

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
	{
		for (int c = 0; name->columns[c] != NULL; c++)
		{
			if (pg_attribute_aclcheck(relid, catalog.column[table][c], GetUserId(), ACL_SELECT) != ACLCHECK_OK)
				aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, name->name);
		}
	}
}

void
quay_catalog_check_row_security(QuayTable table, Relation relation)
{
	if (relation->rd_rel->relrowsecurity && check_enable_rls(RelationGetRelid(relation), InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("table \"%s\" has row security that functions of extension \"quay\" do not apply",
						table_names[table].name),
				 errhint("Use a role with BYPASSRLS, or disable row security on the table.")));
}

bool
quay_catalog_has_row_security(QuayTable table)
{
	(void) quay_catalog_table(table);
	return catalog.row_security[table];
}
