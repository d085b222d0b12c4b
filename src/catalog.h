/*
 * catalog.h
 *	  Our tables, indexes and columns, found by name, remembered by id.
 */
#ifndef QUAY_CATALOG_H
#define QUAY_CATALOG_H

#include "access/attnum.h"
#include "utils/relcache.h"

/* Tables that C code reads. The columns of each are the enums below, in the order of the names in catalog.c. */
typedef enum QuayTable
{
	QUAY_USER,
	QUAY_REPOSITORY,
	QUAY_TEAM,
	QUAY_TEAMMEMBER,
	QUAY_REPOSITORYPERMISSION,
	QUAY_SUPERUSER,
	QUAY_TAG,
	QUAY_MANIFEST,
	QUAY_MANIFESTCHILD,
	QUAY_ROLE,
	QUAY_TEAMROLE,
	QUAY_VISIBILITY,
	QUAY_MEDIATYPE,
	QUAY_SCHEMA_VERSION,
	QUAY_UNRESTRICTED_USER,
	QUAY_ENTITY_CHANGE,
	QUAY_RIGHTS_CHANGE,
	QUAY_IMAGESTORAGE,
	QUAY_MANIFESTBLOB,
	QUAY_UPLOADEDBLOB,
	QUAY_DERIVEDSTORAGEFORIMAGE,
	QUAY_QUEUEITEM,
	QUAY_CACHE_ENTRY,
	QUAY_SESSION,
	QUAY_BLOB_USE
} QuayTable;

#define QUAY_TABLE_COUNT (QUAY_BLOB_USE + 1)
#define QUAY_MAX_COLUMNS 10

enum QuayUserColumn
{
	QUAY_USER_ID, QUAY_USER_USERNAME, QUAY_USER_ORGANIZATION, QUAY_USER_ROBOT, QUAY_USER_ENABLED, QUAY_USER_UUID
};
enum QuayRepositoryColumn
{
	QUAY_REPOSITORY_ID, QUAY_REPOSITORY_NAMESPACE_USER_ID, QUAY_REPOSITORY_NAME, QUAY_REPOSITORY_VISIBILITY_ID,
	QUAY_REPOSITORY_KIND_ID, QUAY_REPOSITORY_STATE
};
enum QuayTeamColumn
{
	QUAY_TEAM_ID, QUAY_TEAM_NAME, QUAY_TEAM_ORGANIZATION_ID, QUAY_TEAM_ROLE_ID
};
enum QuayTeammemberColumn
{
	QUAY_TEAMMEMBER_USER_ID, QUAY_TEAMMEMBER_TEAM_ID
};
enum QuayRepositorypermissionColumn
{
	QUAY_REPOSITORYPERMISSION_TEAM_ID, QUAY_REPOSITORYPERMISSION_USER_ID,
	QUAY_REPOSITORYPERMISSION_REPOSITORY_ID, QUAY_REPOSITORYPERMISSION_ROLE_ID
};
enum QuaySuperuserColumn
{
	QUAY_SUPERUSER_USERNAME, QUAY_SUPERUSER_KIND
};
enum QuayUnrestrictedUserColumn
{
	QUAY_UNRESTRICTED_USER_USERNAME
};
enum QuayTagColumn
{
	QUAY_TAG_ID, QUAY_TAG_NAME, QUAY_TAG_REPOSITORY_ID, QUAY_TAG_MANIFEST_ID, QUAY_TAG_LIFETIME_START_MS,
	QUAY_TAG_LIFETIME_END_MS, QUAY_TAG_HIDDEN, QUAY_TAG_IMMUTABLE
};
enum QuayManifestColumn
{
	QUAY_MANIFEST_ID, QUAY_MANIFEST_REPOSITORY_ID, QUAY_MANIFEST_DIGEST, QUAY_MANIFEST_MEDIA_TYPE_ID,
	QUAY_MANIFEST_MANIFEST_BYTES, QUAY_MANIFEST_CONFIG_MEDIA_TYPE, QUAY_MANIFEST_LAYERS_COMPRESSED_SIZE,
	QUAY_MANIFEST_SUBJECT, QUAY_MANIFEST_ARTIFACT_TYPE
};
enum QuayManifestchildColumn
{
	QUAY_MANIFESTCHILD_MANIFEST_ID, QUAY_MANIFESTCHILD_CHILD_MANIFEST_ID
};
/* role, teamrole, visibility and mediatype have the same two columns */
enum QuayEnumerationColumn
{
	QUAY_ENUMERATION_ID, QUAY_ENUMERATION_NAME
};
enum QuayImagestorageColumn
{
	QUAY_IMAGESTORAGE_ID, QUAY_IMAGESTORAGE_CONTENT_CHECKSUM
};
/* manifestblob, uploadedblob and blob_use have the same two columns first */
enum QuayBlobUseColumn
{
	QUAY_BLOBUSE_REPOSITORY_ID, QUAY_BLOBUSE_BLOB_ID, QUAY_BLOBUSE_NAMESPACE_ID
};
enum QuayDerivedstorageforimageColumn
{
	QUAY_DERIVEDSTORAGEFORIMAGE_DERIVATIVE_ID
};
/* the columns that its indexes are made of */
enum QuayQueueitemColumn
{
	QUAY_QUEUEITEM_ID, QUAY_QUEUEITEM_QUEUE_NAME, QUAY_QUEUEITEM_AVAILABLE_AFTER, QUAY_QUEUEITEM_AVAILABLE,
	QUAY_QUEUEITEM_PROCESSING_EXPIRES, QUAY_QUEUEITEM_RETRIES_REMAINING
};
enum QuayCacheEntryColumn
{
	QUAY_CACHE_ENTRY_EXPIRES_MS, QUAY_CACHE_ENTRY_KEY, QUAY_CACHE_ENTRY_VALUE, QUAY_CACHE_ENTRY_BYTES
};
enum QuaySessionColumn
{
	QUAY_SESSION_ID, QUAY_SESSION_USER_ID, QUAY_SESSION_CREATED_MS, QUAY_SESSION_TOUCHED_MS, QUAY_SESSION_EXPIRES_MS,
	QUAY_SESSION_DIGEST, QUAY_SESSION_UUID, QUAY_SESSION_DATA
};
enum QuaySchemaVersionColumn
{
	QUAY_SCHEMA_VERSION_VERSION
};

typedef enum QuayIndex
{
	QUAY_USER_BY_ID,
	QUAY_USER_BY_USERNAME,
	QUAY_REPOSITORY_BY_ID,
	QUAY_REPOSITORY_BY_NAMESPACE_NAME,
	QUAY_TEAM_BY_ID,
	QUAY_TEAM_BY_NAME_ORGANIZATION,
	QUAY_TEAMMEMBER_BY_USER_TEAM,
	QUAY_REPOSITORYPERMISSION_BY_REPOSITORY,
	QUAY_REPOSITORYPERMISSION_BY_USER,
	QUAY_REPOSITORYPERMISSION_BY_TEAM,
	QUAY_SUPERUSER_BY_USERNAME,
	QUAY_UNRESTRICTED_USER_BY_USERNAME,
	QUAY_TAG_LIVE_BY_REPOSITORY_NAME,
	QUAY_TAG_BY_REPOSITORY_NAME_END,
	QUAY_TAG_BY_MANIFEST_END,
	QUAY_MANIFEST_BY_ID,
	QUAY_MANIFEST_BY_REPOSITORY_DIGEST,
	QUAY_MANIFESTCHILD_BY_CHILD,
	QUAY_IMAGESTORAGE_BY_DIGEST,
	QUAY_MANIFESTBLOB_BY_REPOSITORY_BLOB,
	QUAY_UPLOADEDBLOB_BY_REPOSITORY_BLOB,
	QUAY_IMAGESTORAGE_BY_ID,
	QUAY_MANIFESTBLOB_BY_BLOB,
	QUAY_UPLOADEDBLOB_BY_BLOB,
	QUAY_DERIVEDSTORAGEFORIMAGE_BY_DERIVATIVE,
	QUAY_QUEUEITEM_BY_DUE,
	QUAY_QUEUEITEM_BY_LANE,
	QUAY_QUEUEITEM_BY_PATH,
	QUAY_QUEUEITEM_RUNNING,
	QUAY_CACHE_ENTRY_BY_KEY,
	QUAY_SESSION_BY_DIGEST,
	QUAY_BLOB_USE_BY_NAMESPACE_BLOB_REPOSITORY,
	QUAY_BLOB_USE_BY_REPOSITORY
} QuayIndex;

#define QUAY_INDEX_COUNT (QUAY_BLOB_USE_BY_REPOSITORY + 1)

/* Ids and column numbers, InvalidOid for what the tables are too old to have; they load what is missing, and check the version when they do. */
extern Oid	quay_catalog_table(QuayTable table);
extern Oid	quay_catalog_index(QuayIndex index);
extern AttrNumber quay_catalog_column(QuayTable table, int column);

/* Forget everything. The relcache callback: sets flags only. */
extern void quay_catalog_invalidate(Datum arg, Oid relid);

/* Counts the invalidations, for caches that live and die with the catalog (cache.c). */
extern uint64 quay_catalog_generation(void);

/* The same for src/entity.c: counts the messages of quay_internal.entity_change as well, which leave the catalog alone. */
extern uint64 quay_catalog_entity_generation(void);

/* The same for src/auth/rights.c: counts the messages of quay_internal.rights_change and entity_change as well. */
extern uint64 quay_catalog_rights_generation(void);

/* Errors out unless the current role may read the columns of that table that C code reads. */
extern void quay_catalog_check_select(QuayTable table);

/* Errors out if the table has row security that would apply to the current role. */
extern void quay_catalog_check_row_security(QuayTable table, Relation relation);

/* Has the table row security, whether it applies to the current role or not? */
extern bool quay_catalog_has_row_security(QuayTable table);

#endif							/* QUAY_CATALOG_H */
