/*
 * session.c
 *	  session_get: from a token to a session that lives, in two index probes.
 */
#include "postgres.h"

#include <openssl/sha.h>

#include "access/xlog.h"
#include "fmgr.h"

#include "clock.h"
#include "compat.h"
#include "registry/result.h"
#include "scan.h"

PG_FUNCTION_INFO_V1(quay_session_get);

/* What session_create() makes. */
#define TOKEN_LENGTH 43

enum LiveColumn
{
	LIVE_SESSION_ID, LIVE_USERNAME, LIVE_USER_ID, LIVE_DATA, LIVE_CREATED_MS, LIVE_TOUCHED_MS, LIVE_EXPIRES_MS, LIVE_COLUMNS
};

/* The session of that token, unless it has expired. */
static bool
find_session(QuayScan *scan, const text *token)
{
	struct
	{
		int32		header;
		unsigned char bytes[SHA256_DIGEST_LENGTH];
	}			digest;

	SHA256((const unsigned char *) VARDATA_ANY(token), VARSIZE_ANY_EXHDR(token), digest.bytes);
	SET_VARSIZE(&digest, VARHDRSZ + SHA256_DIGEST_LENGTH);
	quay_scan_prepare(scan, QUAY_SESSION, QUAY_SESSION_BY_DIGEST);
	quay_scan_key_bytea(scan, (const bytea *) &digest);
	return quay_scan_next(scan) && quay_scan_int64(scan, QUAY_SESSION_EXPIRES_MS) > quay_clock_now_ms();
}

/* Is this still the person whom the session began for? If so, his name. */
static bool
find_person(QuayScan *session, QuayScan *person, int64 user_id, Datum *username)
{
	Datum		uuid_then;
	Datum		uuid_now;
	bool		no_uuid_then;
	bool		no_uuid_now;
	bool		isnull;
	const text *then;
	const text *now;

	quay_scan_prepare(person, QUAY_USER, QUAY_USER_BY_ID);
	quay_scan_key_int64(person, user_id);
	if (!quay_scan_next(person) || !quay_scan_bool(person, QUAY_USER_ENABLED))
		return false;
	*username = quay_scan_datum(person, QUAY_USER_USERNAME, &isnull);
	uuid_then = quay_scan_datum(session, QUAY_SESSION_UUID, &no_uuid_then);
	uuid_now = quay_scan_datum(person, QUAY_USER_UUID, &no_uuid_now);
	if (no_uuid_then || no_uuid_now)
		return no_uuid_then && no_uuid_now;
	then = DatumGetTextPP(uuid_then);
	now = DatumGetTextPP(uuid_now);
	return VARSIZE_ANY_EXHDR(then) == VARSIZE_ANY_EXHDR(now) &&
		memcmp(VARDATA_ANY(then), VARDATA_ANY(now), VARSIZE_ANY_EXHDR(now)) == 0;
}

/* quay_internal.session_get_row(token): NULL if no session lives by that token, or this is a standby, which has no rows of UNLOGGED tables. */
Datum
quay_session_get(PG_FUNCTION_ARGS)
{
	const text *token;
	QuayScan	session;
	QuayScan	person;
	Datum		values[LIVE_COLUMNS];
	bool		nulls[LIVE_COLUMNS] = {false};
	Datum		row = (Datum) 0;

	if (PG_ARGISNULL(0) || RecoveryInProgress())
		PG_RETURN_NULL();
	token = PG_GETARG_TEXT_PP(0);
	if (VARSIZE_ANY_EXHDR(token) != TOKEN_LENGTH)
		PG_RETURN_NULL();

	if (find_session(&session, token))
	{
		bool		lives;

		values[LIVE_USER_ID] = quay_scan_datum(&session, QUAY_SESSION_USER_ID, &nulls[LIVE_USER_ID]);
		nulls[LIVE_USERNAME] = nulls[LIVE_USER_ID];
		lives = nulls[LIVE_USER_ID] ||
			find_person(&session, &person, DatumGetInt64(values[LIVE_USER_ID]), &values[LIVE_USERNAME]);
		if (lives)
		{
			values[LIVE_SESSION_ID] = Int64GetDatum(quay_scan_int64(&session, QUAY_SESSION_ID));
			values[LIVE_DATA] = quay_scan_datum(&session, QUAY_SESSION_DATA, &nulls[LIVE_DATA]);
			values[LIVE_CREATED_MS] = Int64GetDatum(quay_scan_int64(&session, QUAY_SESSION_CREATED_MS));
			values[LIVE_TOUCHED_MS] = Int64GetDatum(quay_scan_int64(&session, QUAY_SESSION_TOUCHED_MS));
			values[LIVE_EXPIRES_MS] = Int64GetDatum(quay_scan_int64(&session, QUAY_SESSION_EXPIRES_MS));
			/* Made while both rows are pinned: it copies the values, and fetches one that is out of line. */
			row = quay_result_row(fcinfo, values, nulls);
		}
		if (!nulls[LIVE_USER_ID])
			quay_scan_end(&person);
	}
	quay_scan_end(&session);
	if (row == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row);
}
