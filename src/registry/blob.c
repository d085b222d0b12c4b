/*
 * blob.c
 *	  Which of these blobs does a repository have, and which has nobody? A few index probes for each; every push asks for the one, and the
 *	  garbage collector for the other.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "registry/blob.h"

PG_FUNCTION_INFO_V1(quay_blob_held);
PG_FUNCTION_INFO_V1(quay_blob_ids);
PG_FUNCTION_INFO_V1(quay_blob_unused);
PG_FUNCTION_INFO_V1(quay_blob_unsettled);
PG_FUNCTION_INFO_V1(quay_blob_use_missing);

/* The empty layer, which belongs to everybody: see quay_internal.empty_layer(). */
static const char empty_layer[] = "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4";

static bool
is_empty_layer(const text *digest)
{
	return VARSIZE_ANY_EXHDR(digest) == sizeof(empty_layer) - 1 &&
		memcmp(VARDATA_ANY(digest), empty_layer, sizeof(empty_layer) - 1) == 0;
}

void
quay_blob_prepare_use(QuayScan *scan, QuayTable table, QuayIndex index, int64 repository_id)
{
	quay_catalog_check_select(table);
	quay_scan_prepare(scan, table, index);
	if (repository_id != 0)
		quay_scan_key_int64(scan, repository_id);
	quay_scan_key_int64(scan, 0);
}

bool
quay_blob_has_use(QuayScan *scan, int64 blob_id)
{
	quay_scan_rekey_int64(scan, scan->nkeys - 1, blob_id);
	return quay_scan_next(scan);
}

bool
quay_blob_has_settled_use(QuayScan *scan, int64 blob_id)
{
	for (bool found = quay_blob_has_use(scan, blob_id); found; found = quay_scan_next(scan))
	{
		if (quay_scan_row_is_settled(scan))
			return true;
	}
	return false;
}

/* The namespace of a repository; 0 if there is no such repository. */
static int64
namespace_of(QuayScan *repositories, int64 repository_id)
{
	quay_scan_rekey_int64(repositories, 0, repository_id);
	return quay_scan_next(repositories) ? quay_scan_int64(repositories, QUAY_REPOSITORY_NAMESPACE_USER_ID) : 0;
}

void
quay_blob_prepare_counted(QuayScan *scan)
{
	quay_catalog_check_select(QUAY_BLOB_USE);
	quay_scan_prepare(scan, QUAY_BLOB_USE, QUAY_BLOB_USE_BY_NAMESPACE_BLOB_REPOSITORY);
	for (int i = 0; i < 3; i++)
		quay_scan_key_int64(scan, 0);
}

bool
quay_blob_is_counted(QuayScan *uses, int64 namespace_id, int64 repository_id, int64 blob_id)
{
	/* The keys first: with the scan under way each change of one would start it again. */
	uses->keys[0].sk_argument = Int64GetDatum(namespace_id);
	uses->keys[2].sk_argument = Int64GetDatum(repository_id);
	quay_scan_rekey_int64(uses, 1, blob_id);
	return quay_scan_next(uses);
}

int64
quay_blob_empty_layer(void)
{
	QuayScan	blobs;
	int64		id = 0;

	quay_scan_prepare(&blobs, QUAY_IMAGESTORAGE, QUAY_IMAGESTORAGE_BY_DIGEST);
	quay_scan_key_text(&blobs, cstring_to_text(empty_layer));
	if (quay_scan_next(&blobs))
		id = quay_scan_int64(&blobs, QUAY_IMAGESTORAGE_ID);
	quay_scan_end(&blobs);
	return id;
}

ArrayType *
quay_blob_id_array(Datum *ids, int count)
{
	return construct_array(ids, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

/*
 * quay_internal.blob_ids(repository_id, digests): ids of those of the blobs that the repository has, by a manifest or an upload; the empty
 * layer always. Reads as of the active snapshot. NULL digests are passed over.
 */
Datum
quay_blob_ids(PG_FUNCTION_ARGS)
{
	int64		repository_id = PG_ARGISNULL(0) ? -1 : PG_GETARG_INT64(0);	/* -1: nobody's */
	QuayScan	blobs;
	QuayScan	manifests;
	QuayScan	uploads;
	Datum	   *digests;
	bool	   *nulls;
	Datum	   *ids;
	int			count;
	int			held = 0;

	if (PG_ARGISNULL(1))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &digests, &nulls, &count);
	ids = palloc(sizeof(Datum) * Max(count, 1));

	quay_catalog_check_select(QUAY_IMAGESTORAGE);
	quay_scan_prepare(&blobs, QUAY_IMAGESTORAGE, QUAY_IMAGESTORAGE_BY_DIGEST);
	quay_scan_key_text(&blobs, NULL);
	quay_blob_prepare_use(&manifests, QUAY_MANIFESTBLOB, QUAY_MANIFESTBLOB_BY_REPOSITORY_BLOB, repository_id);
	quay_blob_prepare_use(&uploads, QUAY_UPLOADEDBLOB, QUAY_UPLOADEDBLOB_BY_REPOSITORY_BLOB, repository_id);
	for (int i = 0; i < count; i++)
	{
		const text *digest = nulls[i] ? NULL : (const text *) DatumGetPointer(digests[i]);
		int64		id;

		if (digest == NULL)
			continue;
		quay_scan_rekey_text(&blobs, 0, digest);
		if (!quay_scan_next(&blobs))
			continue;
		id = quay_scan_int64(&blobs, QUAY_IMAGESTORAGE_ID);
		if (quay_blob_has_use(&manifests, id) || quay_blob_has_use(&uploads, id) || is_empty_layer(digest))
			ids[held++] = Int64GetDatum(id);
	}
	quay_scan_end(&uploads);
	quay_scan_end(&manifests);
	quay_scan_end(&blobs);

	PG_RETURN_ARRAYTYPE_P(quay_blob_id_array(ids, held));
}

/* Those of the blobs, an array, of which no use counts; never the empty layer, nor a blob that does not exist. */
static Datum
without_use(Datum blob_ids, bool (*counts) (QuayScan *scan, int64 blob_id))
{
	QuayScan	blobs;
	QuayScan	manifests;
	QuayScan	uploads;
	QuayScan	derived;
	Datum	   *ids;
	bool	   *nulls;
	int			count;
	int			unused = 0;

	deconstruct_array(DatumGetArrayTypeP(blob_ids), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls, &count);

	quay_blob_prepare_use(&blobs, QUAY_IMAGESTORAGE, QUAY_IMAGESTORAGE_BY_ID, 0);
	quay_blob_prepare_use(&manifests, QUAY_MANIFESTBLOB, QUAY_MANIFESTBLOB_BY_BLOB, 0);
	quay_blob_prepare_use(&uploads, QUAY_UPLOADEDBLOB, QUAY_UPLOADEDBLOB_BY_BLOB, 0);
	quay_blob_prepare_use(&derived, QUAY_DERIVEDSTORAGEFORIMAGE, QUAY_DERIVEDSTORAGEFORIMAGE_BY_DERIVATIVE, 0);
	for (int i = 0; i < count; i++)
	{
		int64		id = nulls[i] ? 0 : DatumGetInt64(ids[i]);
		Datum		digest;
		bool		isnull;

		if (nulls[i] || counts(&manifests, id) || counts(&uploads, id) || counts(&derived, id) || !quay_blob_has_use(&blobs, id))
			continue;
		digest = quay_scan_datum(&blobs, QUAY_IMAGESTORAGE_CONTENT_CHECKSUM, &isnull);
		if (isnull || !is_empty_layer((const text *) DatumGetPointer(digest)))
			ids[unused++] = Int64GetDatum(id);
	}
	quay_scan_end(&derived);
	quay_scan_end(&uploads);
	quay_scan_end(&manifests);
	quay_scan_end(&blobs);

	PG_RETURN_ARRAYTYPE_P(quay_blob_id_array(ids, unused));
}

/*
 * quay_internal.blob_unused(blob_ids): those of the blobs that no manifest, no upload and no derived image uses; never the empty layer, nor
 * a blob that does not exist. Reads as of the active snapshot.
 */
Datum
quay_blob_unused(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	return without_use(PG_GETARG_DATUM(0), quay_blob_has_use);
}

/*
 * quay_internal.blob_unsettled(blob_ids): the same, and those whose every use a transaction under way has deleted, so that they may be
 * unused when it has ended.
 */
Datum
quay_blob_unsettled(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	return without_use(PG_GETARG_DATUM(0), quay_blob_has_settled_use);
}

/*
 * quay_internal.blob_held(repository_id, blob_ids): those of the blobs that the repository has, like blob_ids(). That a use is counted
 * says so fastest: one row for each blob, where manifestblob has one for each manifest.
 */
Datum
quay_blob_held(PG_FUNCTION_ARGS)
{
	int64		repository_id = PG_GETARG_INT64(0);
	int64		namespace_id;
	QuayScan	repositories;
	QuayScan	uses;
	QuayScan	manifests;
	QuayScan	uploads;
	QuayScan	blobs;
	Datum	   *ids;
	bool	   *nulls;
	int			count;
	int			held = 0;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, &nulls, &count);

	quay_blob_prepare_use(&repositories, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID, 0);
	namespace_id = namespace_of(&repositories, repository_id);
	quay_blob_prepare_counted(&uses);
	quay_blob_prepare_use(&manifests, QUAY_MANIFESTBLOB, QUAY_MANIFESTBLOB_BY_REPOSITORY_BLOB, repository_id);
	quay_blob_prepare_use(&uploads, QUAY_UPLOADEDBLOB, QUAY_UPLOADEDBLOB_BY_REPOSITORY_BLOB, repository_id);
	quay_blob_prepare_use(&blobs, QUAY_IMAGESTORAGE, QUAY_IMAGESTORAGE_BY_ID, 0);
	for (int i = 0; i < count; i++)
	{
		int64		id = nulls[i] ? 0 : DatumGetInt64(ids[i]);
		bool		has = quay_blob_is_counted(&uses, namespace_id, repository_id, id) || quay_blob_has_use(&uploads, id) || quay_blob_has_use(&manifests, id);

		if (!has && quay_blob_has_use(&blobs, id))
		{
			bool		isnull;
			Datum		digest = quay_scan_datum(&blobs, QUAY_IMAGESTORAGE_CONTENT_CHECKSUM, &isnull);

			has = !isnull && is_empty_layer((const text *) DatumGetPointer(digest));
		}
		if (has)
			ids[held++] = Int64GetDatum(id);
	}
	quay_scan_end(&blobs);
	quay_scan_end(&uploads);
	quay_scan_end(&manifests);
	quay_scan_end(&uses);
	quay_scan_end(&repositories);

	PG_RETURN_ARRAYTYPE_P(quay_blob_id_array(ids, held));
}

/*
 * quay_internal.blob_use_missing(repository_ids, blob_ids): which uses of blobs by repositories, given pair by pair, are not counted: their
 * positions, from 1 on. As of the active snapshot.
 */
Datum
quay_blob_use_missing(PG_FUNCTION_ARGS)
{
	QuayScan	repositories;
	QuayScan	uses;
	Datum	   *repository_ids;
	Datum	   *blob_ids;
	bool	   *nulls;
	int			count;
	int			blob_count;
	int			missing = 0;
	int64		last_repository = 0;
	int64		namespace_id = 0;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &repository_ids, &nulls, &count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &blob_ids, &nulls, &blob_count);
	if (count != blob_count)
		elog(ERROR, "%d repositories with %d blobs", count, blob_count);

	quay_blob_prepare_use(&repositories, QUAY_REPOSITORY, QUAY_REPOSITORY_BY_ID, 0);
	quay_blob_prepare_counted(&uses);
	for (int i = 0; i < count; i++)
	{
		int64		repository_id = DatumGetInt64(repository_ids[i]);

		if (repository_id != last_repository)
			namespace_id = namespace_of(&repositories, last_repository = repository_id);
		if (!quay_blob_is_counted(&uses, namespace_id, repository_id, DatumGetInt64(blob_ids[i])))
			repository_ids[missing++] = Int32GetDatum(i + 1);
	}
	quay_scan_end(&uses);
	quay_scan_end(&repositories);

	PG_RETURN_ARRAYTYPE_P(construct_array(repository_ids, missing, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}
