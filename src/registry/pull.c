/*
 * pull.c
 *	  pull and manifest_get: from a reference to the bytes of a manifest.
 *
 * pull is what a registry does for GET /v2/<name>/manifests/<reference> (OCI distribution specification, "Pulling manifests"), access
 * decision included, in one call.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "auth/access.h"
#include "registry/lookup.h"
#include "registry/result.h"
#include "util/reference.h"

PG_FUNCTION_INFO_V1(quay_manifest_get);
PG_FUNCTION_INFO_V1(quay_pull);

enum GetColumn
{
	GET_DIGEST, GET_MEDIA_TYPE, GET_MANIFEST, GET_MANIFEST_ID, GET_SIZE, GET_ARTIFACT_TYPE, GET_SUBJECT, GET_COLUMNS
};

enum PullColumn
{
	PULL_STATUS, PULL_DIGEST, PULL_MEDIA_TYPE, PULL_MANIFEST, PULL_MANIFEST_ID, PULL_SIZE, PULL_REPOSITORY_ID, PULL_COLUMNS
};

/*
 * A tag that is alive now, or a digest whose manifest is. A manifest without bytes is a placeholder of a proxy cache: not here yet.
 */
static bool
find_manifest(int64 repository_id, const text *reference, QuayReferenceKind *kind, QuayManifestRow *manifest)
{
	bool		found = false;
	QuayTag		tag;

	if (quay_reference_parse(VARDATA_ANY(reference), VARSIZE_ANY_EXHDR(reference), kind) != QUAY_NAME_OK)
		return false;
	if (*kind == QUAY_REFERENCE_DIGEST)
		found = quay_lookup_manifest_by_digest(repository_id, reference, true, manifest);
	else
		found = quay_lookup_tag_now(repository_id, reference, &tag) &&
			quay_lookup_manifest(tag.manifest_id, true, manifest);
	return found && manifest->size > 0;
}

/* quay_internal.manifest_get_row(namespace, repository, reference): NULL if there is no such manifest. */
Datum
quay_manifest_get(PG_FUNCTION_ARGS)
{
	QuayRepository repository;
	QuayReferenceKind kind;
	QuayManifestRow manifest;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	if (quay_lookup_repository_by_name(PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(1), &repository) &&
		find_manifest(repository.id, PG_GETARG_TEXT_PP(2), &kind, &manifest))
	{
		Datum		values[GET_COLUMNS];
		bool		nulls[GET_COLUMNS] = {false};

		values[GET_DIGEST] = PointerGetDatum(manifest.digest);
		values[GET_MEDIA_TYPE] = PointerGetDatum(manifest.media_type);
		/* The stored text is the pushed bytes: both types hold them alike. */
		values[GET_MANIFEST] = PointerGetDatum(manifest.bytes);
		values[GET_MANIFEST_ID] = Int64GetDatum(manifest.id);
		values[GET_SIZE] = Int64GetDatum(manifest.size);
		quay_result_text(values, nulls, GET_ARTIFACT_TYPE, manifest.artifact_type);
		quay_result_text(values, nulls, GET_SUBJECT, manifest.subject);
		PG_RETURN_DATUM(quay_result_row(fcinfo, values, nulls));
	}
	PG_RETURN_NULL();
}

static Datum
pull_refused(FunctionCallInfo fcinfo, const char *status)
{
	Datum		values[PULL_COLUMNS] = {0};
	bool		nulls[PULL_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	values[PULL_STATUS] = CStringGetTextDatum(status);
	nulls[PULL_STATUS] = false;
	return quay_result_row(fcinfo, values, nulls);
}

/*
 * quay_internal.pull_row(actor, namespace, repository, reference, scopes): never NULL.
 *
 * Whoever may not read learns nothing but that: an unknown repository and a forbidden one give the same answer.
 */
Datum
quay_pull(PG_FUNCTION_ARGS)
{
	const text *actor = PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0);
	const text *scopes = PG_ARGISNULL(4) ? NULL : PG_GETARG_TEXT_PP(4);
	const text *namespace_name;
	const text *reference;
	QuayUser	owner;
	QuayRepository repository;
	bool		has_owner;
	bool		has_repository;
	QuayReferenceKind kind = QUAY_REFERENCE_INVALID;
	QuayManifestRow manifest;
	Datum		values[PULL_COLUMNS];
	bool		nulls[PULL_COLUMNS] = {false};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(3))
		return pull_refused(fcinfo, "denied");
	namespace_name = PG_GETARG_TEXT_PP(1);
	reference = PG_GETARG_TEXT_PP(3);

	has_owner = quay_lookup_user(namespace_name, &owner) && !owner.robot;
	has_repository = has_owner && quay_lookup_repository(owner.id, PG_GETARG_TEXT_PP(2), &repository);
	if (!quay_access_allowed(actor, namespace_name, has_owner ? &owner : NULL,
							 PG_GETARG_TEXT_PP(2), has_repository ? &repository : NULL,
							 QUAY_ACTION_READ, scopes, NULL))
		return pull_refused(fcinfo, has_owner && !owner.enabled ? "namespace_disabled" : "denied");
	if (!has_repository || repository.state == QUAY_STATE_MARKED_FOR_DELETION)
		return pull_refused(fcinfo, "repository_unknown");
	if (!find_manifest(repository.id, reference, &kind, &manifest))
	{
		bool		expired = (kind == QUAY_REFERENCE_TAG && quay_lookup_tag_expired(repository.id, reference));

		return pull_refused(fcinfo, expired ? "tag_expired" : "manifest_unknown");
	}

	values[PULL_STATUS] = CStringGetTextDatum("ok");
	values[PULL_DIGEST] = PointerGetDatum(manifest.digest);
	values[PULL_MEDIA_TYPE] = PointerGetDatum(manifest.media_type);
	values[PULL_MANIFEST] = PointerGetDatum(manifest.bytes);
	values[PULL_MANIFEST_ID] = Int64GetDatum(manifest.id);
	values[PULL_SIZE] = Int64GetDatum(manifest.size);
	values[PULL_REPOSITORY_ID] = Int64GetDatum(repository.id);
	return quay_result_row(fcinfo, values, nulls);
}
