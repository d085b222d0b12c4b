/*
 * tag.c
 *	  tag_resolve: from a name to a manifest, in four index probes, two of which a session soon spares itself.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/timestamp.h"

#include "clock.h"
#include "registry/lookup.h"
#include "registry/result.h"

PG_FUNCTION_INFO_V1(quay_tag_resolve);

enum ResolveColumn
{
	RESOLVE_MANIFEST_ID, RESOLVE_DIGEST, RESOLVE_MEDIA_TYPE, RESOLVE_SIZE, RESOLVE_ARTIFACT_TYPE,
	RESOLVE_TAG_ID, RESOLVE_START_MS, RESOLVE_END_MS, RESOLVE_IMMUTABLE, RESOLVE_COLUMNS
};

/* A moment in milliseconds. Infinity, and what is so far away that it cannot be counted, is before or after everything. */
static int64
moment_ms(TimestampTz at)
{
	if (at < PG_INT64_MIN / 2)
		return PG_INT64_MIN;
	if (at > PG_INT64_MAX / 2)
		return PG_INT64_MAX;
	return quay_clock_to_ms(at);
}

/* quay_internal.tag_resolve_row(namespace, repository, tag, as_of): NULL if there is no such tag. */
Datum
quay_tag_resolve(PG_FUNCTION_ARGS)
{
	QuayRepository repository;
	QuayTag		tag;
	QuayManifestRow manifest;
	const text *name;
	bool		found;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	name = PG_GETARG_TEXT_PP(2);
	if (!quay_lookup_repository_by_name(PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(1), &repository))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(3))
		found = quay_lookup_tag_now(repository.id, name, &tag);
	else
		found = quay_lookup_tag_at(repository.id, name, moment_ms(PG_GETARG_TIMESTAMPTZ(3)), &tag);

	if (found && quay_lookup_manifest(tag.manifest_id, false, &manifest))
	{
		Datum		values[RESOLVE_COLUMNS];
		bool		nulls[RESOLVE_COLUMNS] = {false};

		values[RESOLVE_MANIFEST_ID] = Int64GetDatum(manifest.id);
		values[RESOLVE_DIGEST] = PointerGetDatum(manifest.digest);
		values[RESOLVE_MEDIA_TYPE] = PointerGetDatum(manifest.media_type);
		values[RESOLVE_SIZE] = Int64GetDatum(manifest.size);
		quay_result_text(values, nulls, RESOLVE_ARTIFACT_TYPE, manifest.artifact_type);
		values[RESOLVE_TAG_ID] = Int64GetDatum(tag.id);
		values[RESOLVE_START_MS] = Int64GetDatum(tag.start_ms);
		values[RESOLVE_END_MS] = Int64GetDatum(tag.end_ms);
		nulls[RESOLVE_END_MS] = (tag.end_ms == PG_INT64_MAX);
		values[RESOLVE_IMMUTABLE] = BoolGetDatum(tag.immutable);
		PG_RETURN_DATUM(quay_result_row(fcinfo, values, nulls));
	}
	PG_RETURN_NULL();
}
