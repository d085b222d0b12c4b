/*
 * retarget.c
 *	  What a transaction that moves a tag must know about the ones before it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_tag_check_snapshot);

typedef struct TagRows
{
	int64		count;
	int64		last_id;
} TagRows;

/* All rows of a name that a snapshot shows. */
static TagRows
read_rows(int64 repository_id, const text *name, Snapshot snapshot)
{
	TagRows		rows = {0, 0};
	QuayScan	scan;

	PushActiveSnapshot(snapshot);
	quay_scan_prepare(&scan, QUAY_TAG, QUAY_TAG_BY_REPOSITORY_NAME_END);
	quay_scan_key_int64(&scan, repository_id);
	quay_scan_key_text(&scan, name);
	while (quay_scan_next(&scan))
	{
		rows.count++;
		rows.last_id = Max(rows.last_id, quay_scan_int64(&scan, QUAY_TAG_ID));
	}
	quay_scan_end(&scan);
	PopActiveSnapshot();
	return rows;
}

/*
 * quay_internal.tag_check_snapshot(repository_id, name): fails with serialization_failure if somebody has committed a row of that name
 * that this transaction cannot see. Called with the lock on the repository's tags held.
 *
 * Under READ COMMITTED each statement sees all that was committed before the lock was granted, and there is nothing to do. Under
 * REPEATABLE READ and SERIALIZABLE the snapshot may be older than the wait for the lock. Rows that were changed are then found out by
 * the server, new ones are not: we would make a second live tag.
 */
Datum
quay_tag_check_snapshot(PG_FUNCTION_ARGS)
{
	int64		repository_id = PG_GETARG_INT64(0);
	text	   *name = PG_GETARG_TEXT_PP(1);
	TagRows		seen;
	TagRows		committed;

	if (!IsolationUsesXactSnapshot())
		PG_RETURN_VOID();
	seen = read_rows(repository_id, name, GetTransactionSnapshot());
	committed = read_rows(repository_id, name, GetLatestSnapshot());
	if (seen.count != committed.count || seen.last_id != committed.last_id)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("The tag was moved by another transaction after this one began."),
				 errhint("The transaction might succeed if retried.")));
	PG_RETURN_VOID();
}
