/*
 * collect.c
 *	  Tags that the garbage collector deletes: it looks at their manifests itself, at once, so none of them needs a review.
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/fmgroids.h"

#include "compat.h"
#include "plan.h"
#include "registry/blob.h"

PG_FUNCTION_INFO_V1(quay_gc_tags_delete);
PG_FUNCTION_INFO_V1(quay_gc_tags_delete_is_at_work);

/* The depth of triggers at which gc_tags_delete() is at work, -1 if it is not. */
static int	depth_at_work = -1;

static int
trigger_depth(void)
{
	return DatumGetInt32(OidFunctionCall0(F_PG_TRIGGER_DEPTH));
}

/* quay_internal.gc_tags_delete(tag_ids): deletes rows of tags, answers the manifests that these had. */
Datum
quay_gc_tags_delete(PG_FUNCTION_ARGS)
{
	Datum		tag_ids = PG_GETARG_DATUM(0);
	MemoryContext context = CurrentMemoryContext;
	ArrayType  *result;
	Datum	   *manifests;
	int			count = 0;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	PG_TRY();
	{
		depth_at_work = trigger_depth();
		code = SPI_execute_plan(quay_plan_get(QUAY_PLAN_TAG_DELETE), &tag_ids, NULL, false, 0);
	}
	PG_FINALLY();
	{
		depth_at_work = -1;
	}
	PG_END_TRY();
	if (code != SPI_OK_DELETE_RETURNING)
		elog(ERROR, "could not delete tags: %s", SPI_result_code_string(code));

	manifests = palloc(sizeof(Datum) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		manifest = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			manifests[count++] = manifest;
	}
	MemoryContextSwitchTo(context);
	result = quay_blob_id_array(manifests, count);
	SPI_finish();
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * quay_internal.gc_tags_delete_is_at_work(): for the trigger of quay.tag: does it run for the statement of gc_tags_delete()? (And not for one
 * of a trigger that somebody has added.)
 */
Datum
quay_gc_tags_delete_is_at_work(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(depth_at_work >= 0 && trigger_depth() == depth_at_work + 1);
}
