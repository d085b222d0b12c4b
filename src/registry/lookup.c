/*
 * lookup.c
 *	  Finding users, repositories, tags and manifests: one index probe each, for users and repositories only if they are not remembered.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/builtins.h"

#include "cache.h"
#include "clock.h"
#include "compat.h"
#include "entity.h"
#include "registry/lookup.h"
#include "scan.h"

static void
read_user(QuayScan *scan, QuayUser *user)
{
	user->id = quay_scan_int64(scan, QUAY_USER_ID);
	user->organization = quay_scan_bool(scan, QUAY_USER_ORGANIZATION);
	user->robot = quay_scan_bool(scan, QUAY_USER_ROBOT);
	user->enabled = quay_scan_bool(scan, QUAY_USER_ENABLED);
}

bool
quay_lookup_user(const text *username, QuayUser *user)
{
	QuayScan	scan;
	uint64		begun;
	bool		found;

	quay_catalog_check_select(QUAY_USER);
	if (quay_entity_find_user(username, user))
		return true;
	begun = quay_entity_read_begins();
	quay_scan_prepare(&scan, QUAY_USER, QUAY_USER_BY_USERNAME);
	quay_scan_key_text(&scan, username);
	found = quay_scan_next(&scan);
	if (found)
	{
		read_user(&scan, user);
		quay_entity_offer_user(username, user, &scan, begun);
	}
	quay_scan_end(&scan);
	return found;
}

static int64
read_int64(TupleTableSlot *slot, QuayTable table, int column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, quay_catalog_column(table, column), &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

void
quay_lookup_read_repository(TupleTableSlot *slot, QuayRepository *repository)
{
	const char *visibility = quay_cache_enumeration_name(QUAY_VISIBILITY,
														 read_int64(slot, QUAY_REPOSITORY, QUAY_REPOSITORY_VISIBILITY_ID));
	bool		isnull;

	repository->id = read_int64(slot, QUAY_REPOSITORY, QUAY_REPOSITORY_ID);
	repository->namespace_id = read_int64(slot, QUAY_REPOSITORY, QUAY_REPOSITORY_NAMESPACE_USER_ID);
	repository->state = (QuayRepositoryState) DatumGetInt32(slot_getattr(slot, quay_catalog_column(QUAY_REPOSITORY, QUAY_REPOSITORY_STATE), &isnull));
	repository->is_public = (visibility != NULL && strcmp(visibility, "public") == 0);
}

bool
quay_lookup_user_by_id(int64 id, QuayUser *user, text **username)
{
	QuayScan	scan;
	bool		isnull;
	bool		found;

	quay_scan_prepare(&scan, QUAY_USER, QUAY_USER_BY_ID);
	quay_scan_key_int64(&scan, id);
	found = quay_scan_next(&scan);
	if (found)
	{
		read_user(&scan, user);
		*username = DatumGetTextPCopy(quay_scan_datum(&scan, QUAY_USER_USERNAME, &isnull));
	}
	quay_scan_end(&scan);
	return found;
}

bool
quay_lookup_repository(int64 namespace_id, const text *name, QuayRepository *repository)
{
	QuayScan	scan;
	uint64		begun;
	bool		found;

	quay_catalog_check_select(QUAY_REPOSITORY);
	if (quay_entity_find_repository(namespace_id, name, repository))
		return true;
	begun = quay_entity_read_begins();
	quay_scan_prepare(&scan, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_NAMESPACE_NAME);
	quay_scan_key_int64(&scan, namespace_id);
	quay_scan_key_text(&scan, name);
	found = quay_scan_next(&scan);
	if (found)
	{
		quay_lookup_read_repository(scan.slot, repository);
		quay_entity_offer_repository(name, repository, &scan, begun);
	}
	quay_scan_end(&scan);
	return found;
}

bool
quay_lookup_repository_by_name(const text *namespace_name, const text *name, QuayRepository *repository)
{
	QuayUser	owner;

	return quay_lookup_user(namespace_name, &owner) && !owner.robot &&
		quay_lookup_repository(owner.id, name, repository) &&
		repository->state != QUAY_STATE_MARKED_FOR_DELETION;
}

static void
read_tag(QuayScan *scan, QuayTag *tag)
{
	bool		isnull;
	Datum		end;

	tag->id = quay_scan_int64(scan, QUAY_TAG_ID);
	tag->manifest_id = DatumGetInt64(quay_scan_datum(scan, QUAY_TAG_MANIFEST_ID, &isnull));
	if (isnull)
		tag->manifest_id = 0;	/* a tag of a format without manifests: no manifest has this id */
	tag->start_ms = quay_scan_int64(scan, QUAY_TAG_LIFETIME_START_MS);
	end = quay_scan_datum(scan, QUAY_TAG_LIFETIME_END_MS, &isnull);
	tag->end_ms = isnull ? PG_INT64_MAX : DatumGetInt64(end);
	tag->immutable = quay_scan_bool(scan, QUAY_TAG_IMMUTABLE);
}

/* The row without an end, through the small index of such rows: the common case, whatever the history behind the name. */
static bool
find_endless(int64 repository_id, const text *name, QuayTag *tag)
{
	QuayScan	scan;
	bool		found;

	quay_scan_prepare(&scan, QUAY_TAG, QUAY_TAG_LIVE_BY_REPOSITORY_NAME);
	quay_scan_key_int64(&scan, repository_id);
	quay_scan_key_text(&scan, name);
	found = quay_scan_next(&scan);
	if (found)
		read_tag(&scan, tag);
	quay_scan_end(&scan);
	return found;
}

/* The first visible row, in the order of the ends, that ends after that time and started by "started". */
static bool
find_ending_after(int64 repository_id, const text *name, int64 after_ms, int64 started_ms, QuayTag *tag)
{
	QuayScan	scan;
	bool		found = false;

	quay_scan_prepare(&scan, QUAY_TAG, QUAY_TAG_BY_REPOSITORY_NAME_END);
	quay_scan_key_int64(&scan, repository_id);
	quay_scan_key_text(&scan, name);
	quay_scan_key_int64_greater(&scan, after_ms);
	while (!found && quay_scan_next(&scan))
	{
		if (quay_scan_bool(&scan, QUAY_TAG_HIDDEN) || quay_scan_int64(&scan, QUAY_TAG_LIFETIME_START_MS) > started_ms)
			continue;
		read_tag(&scan, tag);
		found = true;
	}
	quay_scan_end(&scan);
	return found;
}

bool
quay_lookup_tag_now(int64 repository_id, const text *name, QuayTag *tag)
{
	return find_endless(repository_id, name, tag) ||
		find_ending_after(repository_id, name, quay_clock_now_ms(), PG_INT64_MAX, tag);
}

bool
quay_lookup_tag_at(int64 repository_id, const text *name, int64 at_ms, QuayTag *tag)
{
	return find_ending_after(repository_id, name, at_ms, at_ms, tag) ||
		(find_endless(repository_id, name, tag) && tag->start_ms <= at_ms);
}

bool
quay_lookup_tag_expired(int64 repository_id, const text *name)
{
	QuayTag		tag;

	return !quay_lookup_tag_now(repository_id, name, &tag) &&
		find_ending_after(repository_id, name, 0, PG_INT64_MAX, &tag);
}

static text *
copy_text(QuayScan *scan, int column)
{
	bool		isnull;
	Datum		value = quay_scan_datum(scan, column, &isnull);

	return isnull ? NULL : DatumGetTextPCopy(value);
}

static void
read_manifest(QuayScan *scan, bool with_bytes, QuayManifestRow *manifest)
{
	bool		isnull;
	Datum		value;
	const char *media_type;

	manifest->id = quay_scan_int64(scan, QUAY_MANIFEST_ID);
	manifest->digest = copy_text(scan, QUAY_MANIFEST_DIGEST);
	manifest->artifact_type = copy_text(scan, QUAY_MANIFEST_ARTIFACT_TYPE);
	manifest->subject = copy_text(scan, QUAY_MANIFEST_SUBJECT);
	value = quay_scan_datum(scan, QUAY_MANIFEST_MANIFEST_BYTES, &isnull);
	/* The length is known without fetching and decompressing a long value. */
	manifest->size = toast_raw_datum_size(value) - VARHDRSZ;
	manifest->bytes = with_bytes ? DatumGetTextPCopy(value) : NULL;
	value = quay_scan_datum(scan, QUAY_MANIFEST_LAYERS_COMPRESSED_SIZE, &isnull);
	manifest->layers_size = isnull ? -1 : DatumGetInt64(value);
	media_type = quay_cache_enumeration_name(QUAY_MEDIATYPE, quay_scan_int64(scan, QUAY_MANIFEST_MEDIA_TYPE_ID));
	manifest->media_type = cstring_to_text(media_type != NULL ? media_type : "");
}

bool
quay_lookup_manifest(int64 manifest_id, bool with_bytes, QuayManifestRow *manifest)
{
	QuayScan	scan;
	bool		found;

	quay_scan_prepare(&scan, QUAY_MANIFEST, QUAY_MANIFEST_BY_ID);
	quay_scan_key_int64(&scan, manifest_id);
	found = quay_scan_next(&scan);
	if (found)
		read_manifest(&scan, with_bytes, manifest);
	quay_scan_end(&scan);
	return found;
}

static bool
has_tag_ending_after(int64 manifest_id, int64 now_ms)
{
	bool		found = false;

	/* Rows without an end first: most live tags have none. */
	for (int with_end = 0; with_end <= 1 && !found; with_end++)
	{
		QuayScan	scan;

		quay_scan_prepare(&scan, QUAY_TAG, QUAY_TAG_BY_MANIFEST_END);
		quay_scan_key_int64(&scan, manifest_id);
		if (with_end)
			quay_scan_key_int64_greater(&scan, now_ms);
		else
			quay_scan_key_null(&scan);
		found = quay_scan_next(&scan);
		quay_scan_end(&scan);
	}
	return found;
}

/* A manifest is alive through a tag of its own, or through one of an index that lists it directly. */
static bool
manifest_is_alive(int64 manifest_id)
{
	int64		now_ms = quay_clock_now_ms();
	QuayScan	scan;
	bool		alive = has_tag_ending_after(manifest_id, now_ms);

	if (alive)
		return true;
	quay_scan_prepare(&scan, QUAY_MANIFESTCHILD, QUAY_MANIFESTCHILD_BY_CHILD);
	quay_scan_key_int64(&scan, manifest_id);
	while (!alive && quay_scan_next(&scan))
		alive = has_tag_ending_after(quay_scan_int64(&scan, QUAY_MANIFESTCHILD_MANIFEST_ID), now_ms);
	quay_scan_end(&scan);
	return alive;
}

bool
quay_lookup_manifest_by_digest(int64 repository_id, const text *digest, bool with_bytes, QuayManifestRow *manifest)
{
	QuayScan	scan;
	bool		found;

	quay_scan_prepare(&scan, QUAY_MANIFEST, QUAY_MANIFEST_BY_REPOSITORY_DIGEST);
	quay_scan_key_int64(&scan, repository_id);
	quay_scan_key_text(&scan, digest);
	found = quay_scan_next(&scan) && manifest_is_alive(quay_scan_int64(&scan, QUAY_MANIFEST_ID));
	if (found)
		read_manifest(&scan, with_bytes, manifest);
	quay_scan_end(&scan);
	return found;
}
