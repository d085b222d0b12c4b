/*
 * change.c
 *	  Changes that sessions must hear of before they trust what they remember.
 *
 * PostgreSQL sends the messages of a transaction after its commit has become visible to new snapshots. A session could look in between:
 * it would see the commit, and still remember what was before. So whoever changes something also locks the signal, and the lock is
 * released after the messages have gone. Many may hold it at once; those who look try for a mode that conflicts with it, which costs next
 * to nothing while nobody has the other (it is one of the modes that a backend can take without the shared lock table), and give it back
 * at once. Who does not get it reads the tables.
 *
 * On a standby there are no such locks; its replay of a commit has the same gap, of microseconds, in a stream that lags anyway.
 */
#include "postgres.h"

#include "storage/lmgr.h"
#include "utils/inval.h"

#include "change.h"

void
quay_change_announce(QuayTable signal)
{
	Oid			relid = quay_catalog_table(signal);

	LockRelationOid(relid, ShareLock);
	CacheInvalidateRelcacheByRelid(relid);
}

bool
quay_change_is_quiet(QuayTable signal)
{
	Oid			relid = quay_catalog_table(signal);

	/* This also takes in the messages. */
	if (!ConditionalLockRelationOid(relid, RowExclusiveLock))
		return false;
	UnlockRelationOid(relid, RowExclusiveLock);
	return true;
}
