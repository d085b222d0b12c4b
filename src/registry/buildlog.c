/*
 * buildlog.c
 *	  Adding lines to the log of a build.
 *
 * The indexes of a log have no gap and no line is the same as another, although nothing counts them: whoever adds lines holds a lock on the
 * log until the end of its transaction, and looks under it for the last line there is, with a snapshot that is newer than the lock. So
 * a line costs one row and one index entry, and those who write to different builds never meet.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "commands/async.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "clock.h"
#include "errors.h"
#include "guc.h"
#include "plan.h"

PG_FUNCTION_INFO_V1(quay_buildlog_append);
PG_FUNCTION_INFO_V1(quay_buildlog_append_many);
PG_FUNCTION_INFO_V1(quay_buildlog_lock);

/* Keeps our advisory locks apart from those of others. */
#define LOCK_SEED UINT64CONST(0x6275696c646c6f67)

typedef struct LogEnd
{
	int64		build_id;
	int32		next;			/* index of the next line */
	int64		last_ms;		/* when the last one came; before all times if there is none */
} LogEnd;

/* At most 255 characters, like the uuid of a build: longer ones are of no build. */
static bool
is_uuid(const text *build)
{
	return VARSIZE_ANY_EXHDR(build) <= 255;
}

static bool
lock_log(const text *build, bool wait)
{
	uint64		key = DatumGetUInt64(hash_any_extended((const unsigned char *) VARDATA_ANY(build), VARSIZE_ANY_EXHDR(build), LOCK_SEED));

	if (!wait)
		return DatumGetBool(DirectFunctionCall1(pg_try_advisory_xact_lock_int8, UInt64GetDatum(key)));
	DirectFunctionCall1(pg_advisory_xact_lock_int8, UInt64GetDatum(key));
	return true;
}

static void
run(QuayPlan plan, Datum *values, const char *nulls, int expected)
{
	int			code = SPI_execute_plan(quay_plan_get(plan), values, nulls, false, 0);

	if (code != expected)
		elog(ERROR, "could not run statement %d: %s", (int) plan, SPI_result_code_string(code));
}

/*
 * Where the log of a build ends, as of now, not as of the transaction's snapshot: the lock is younger than that. False if there is no such
 * build, or its log is archived.
 */
static bool
find_end(const text *build, LogEnd *end)
{
	Datum		values[1] = {PointerGetDatum(build)};
	SPIPlanPtr	plan = quay_plan_get(QUAY_PLAN_BUILDLOG_LAST);
	int			code = SPI_execute_snapshot(plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 1);
	TupleDesc	desc;
	HeapTuple	row;
	bool		isnull;

	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run statement %d: %s", (int) QUAY_PLAN_BUILDLOG_LAST, SPI_result_code_string(code));
	if (SPI_processed == 0)
		return false;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	end->build_id = DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull));
	end->next = DatumGetInt32(SPI_getbinval(row, desc, 2, &isnull)) + 1;
	end->last_ms = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
	if (isnull)
	{
		end->next = 0;
		end->last_ms = PG_INT64_MIN;
	}
	return true;
}

/* The first line of a log sets when it is to be looked at again (quay.buildlog_expire). */
static void
begin_log(const LogEnd *end, int64 now_ms)
{
	Datum		values[2] = {Int64GetDatum(end->build_id), Int64GetDatum(now_ms + (int64) quay_guc_buildlog_lifetime * 1000)};

	if (end->next == 0)
		run(QUAY_PLAN_BUILDLOG_BEGIN, values, NULL, SPI_OK_INSERT);
}

/*
 * Wakes up those who follow the log, unless an earlier line of the same interval has: commits that send a message take turns. What came
 * later in the interval is found by those who read once more when it is over.
 */
static void
wake(const text *build, const LogEnd *end, int64 now_ms)
{
	int			interval = quay_guc_buildlog_notify_interval;

	if (!quay_guc_notify || interval < 0)
		return;
	if (interval > 0 && end->last_ms != PG_INT64_MIN && end->last_ms / interval == now_ms / interval)
		return;
	Async_Notify("quay_buildlog", text_to_cstring(build));
}

static bool
is_type(const text *type)
{
	static const char *const types[] = {"command", "phase", "error"};

	for (size_t i = 0; i < lengthof(types); i++)
	{
		if (VARSIZE_ANY_EXHDR(type) == strlen(types[i]) && memcmp(VARDATA_ANY(type), types[i], strlen(types[i])) == 0)
			return true;
	}
	return false;
}

static void
check_type(const text *type)
{
	if (!is_type(type))
	{
		char	   *given = text_to_cstring(type);

		ereport(ERROR,
				(errcode(QUAY_ERRCODE_KIND_UNKNOWN),
				 errmsg("unknown type of a line in a build log"),
				 errdetail("There is no type \"%s\".", pnstrdup(given, pg_mbcliplen(given, strlen(given), 80))),
				 errhint("Types are command, phase and error; NULL is none.")));
	}
}

/* The message of a line is what it is all about. */
static void
refuse_null(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("message of a line in a build log must not be NULL"),
			 errdetail("A line has a message, which may be empty."),
			 errhint("Pass '' for a line that has only a type or data.")));
}

/* What both append functions do once their arguments are checked, which are the same but for arrays of all but the first. */
static Datum
add(FunctionCallInfo fcinfo, QuayPlan plan)
{
	const text *build = PG_GETARG_TEXT_PP(0);
	LogEnd		end;
	int64		now_ms;
	Datum		values[6];
	char		nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};

	lock_log(build, true);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (!find_end(build, &end))
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	now_ms = quay_clock_now_ms();
	values[0] = Int64GetDatum(end.build_id);
	values[1] = Int32GetDatum(end.next);
	values[2] = Int64GetDatum(now_ms);
	for (int i = 1; i < 4; i++)
	{
		values[i + 2] = PG_GETARG_DATUM(i);
		nulls[i + 2] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	run(plan, values, nulls, SPI_OK_INSERT);
	begin_log(&end, now_ms);
	SPI_finish();

	wake(build, &end, now_ms);
	PG_RETURN_INT32(end.next);
}

/* quay_internal.buildlog_lock(build, wait): false if somebody has the lock and wait is false. */
Datum
quay_buildlog_lock(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(lock_log(PG_GETARG_TEXT_PP(0), PG_GETARG_BOOL(1)));
}

/* quay.buildlog_append(build, message, type, data): the index of the new line. */
Datum
quay_buildlog_append(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) || !is_uuid(PG_GETARG_TEXT_PP(0)))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		refuse_null();
	if (!PG_ARGISNULL(2))
		check_type(PG_GETARG_TEXT_PP(2));

	return add(fcinfo, QUAY_PLAN_BUILDLOG_ADD);
}

/* Refuses what is no array of n elements; NULL stands for none. */
static void
check_length(ArrayType *array, int n, const char *what)
{
	if (array != NULL && ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays of lines in a build log must be of one length"),
				 errdetail("There are %d messages and %d %s.", n, ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)), what),
				 errhint("Pass one for each message, or NULL instead of the array.")));
}

static void
check_types(ArrayType *types)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(types, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			check_type(DatumGetTextPP(elements[i]));
	}
}

/* quay.buildlog_append_many(build, messages, types, data): the index of the first of the new lines. */
Datum
quay_buildlog_append_many(PG_FUNCTION_ARGS)
{
	ArrayType  *messages;
	int			n;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || !is_uuid(PG_GETARG_TEXT_PP(0)))
		PG_RETURN_NULL();
	messages = PG_GETARG_ARRAYTYPE_P(1);
	n = ArrayGetNItems(ARR_NDIM(messages), ARR_DIMS(messages));
	if (array_contains_nulls(messages))
		refuse_null();
	check_length(PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2), n, "types");
	check_length(PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3), n, "data");
	if (!PG_ARGISNULL(2))
		check_types(PG_GETARG_ARRAYTYPE_P(2));
	if (n == 0)
		PG_RETURN_NULL();

	return add(fcinfo, QUAY_PLAN_BUILDLOG_ADD_MANY);
}
