/*
 * plan.c
 *	  Statements that C code runs through SPI, planned once per backend.
 *
 * For what is too rare to deserve a scan of its own (catalog.h). The model is ri_triggers.c: prepare, keep, store; on reuse ask whether
 * the plan is still valid. Names and operators are qualified, so no search_path can change a statement's meaning.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "plan.h"

#define QUAY_MAX_ARGUMENTS 6

typedef struct Statement
{
	const char *text;
	int			nargs;
	Oid			types[QUAY_MAX_ARGUMENTS];
} Statement;

static const Statement statements[QUAY_PLAN_COUNT] = {
	[QUAY_PLAN_MIRROR_ROBOT] = {
		"SELECT internal_robot_id FROM quay.repomirrorconfig WHERE repository_id OPERATOR(pg_catalog.=) $1",
		1, {INT8OID}
	},
	[QUAY_PLAN_ORGMIRROR_ROBOT] = {
		"SELECT internal_robot_id FROM quay.orgmirrorconfig WHERE organization_id OPERATOR(pg_catalog.=) $1",
		1, {INT8OID}
	},
	[QUAY_PLAN_BLOB_USE_DROP] = {
		"SELECT quay_internal.blob_use_drop($1, $2)",
		2, {INT8ARRAYOID, INT8ARRAYOID}
	},
	[QUAY_PLAN_TAG_DELETE] = {
		"DELETE FROM quay.tag WHERE id OPERATOR(pg_catalog.=) ANY ($1) RETURNING manifest_id",
		1, {INT8ARRAYOID}
	},
	[QUAY_PLAN_BUILDLOG_LAST] = {
		"SELECT b.id, l.index, l.created_ms FROM quay.repositorybuild AS b "
		"LEFT JOIN LATERAL (SELECT n.index, n.created_ms FROM quay_internal.build_log_line AS n WHERE n.build_id OPERATOR(pg_catalog.=) b.id "
		"ORDER BY n.index DESC LIMIT 1) AS l ON true "
		"WHERE b.uuid OPERATOR(pg_catalog.=) $1 AND NOT b.logs_archived",
		1, {TEXTOID}
	},
	[QUAY_PLAN_BUILDLOG_ADD] = {
		"INSERT INTO quay_internal.build_log_line (build_id, index, created_ms, message, type, data) VALUES ($1, $2, $3, $4, $5, $6)",
		6, {INT8OID, INT4OID, INT8OID, TEXTOID, TEXTOID, JSONBOID}
	},
	[QUAY_PLAN_BUILDLOG_ADD_MANY] = {
		"INSERT INTO quay_internal.build_log_line (build_id, index, created_ms, message, type, data) "
		"SELECT $1, ($2 OPERATOR(pg_catalog.+) m.n OPERATOR(pg_catalog.-) 1)::pg_catalog.int4, $3, m.message, m.type, m.data "
		"FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5), pg_catalog.unnest($6)) WITH ORDINALITY AS m (message, type, data, n)",
		6, {INT8OID, INT4OID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, JSONBARRAYOID}
	},
	[QUAY_PLAN_BUILDLOG_BEGIN] = {
		"INSERT INTO quay_internal.build_log AS l (build_id, expires_ms) VALUES ($1, $2) "
		"ON CONFLICT (build_id) DO UPDATE SET expires_ms = coalesce(l.expires_ms, EXCLUDED.expires_ms)",
		2, {INT8OID, INT8OID}
	},
};

static SPIPlanPtr plans[QUAY_PLAN_COUNT];

SPIPlanPtr
quay_plan_get(QuayPlan plan)
{
	const Statement *statement = &statements[plan];
	SPIPlanPtr	made;

	if (plans[plan] != NULL)
	{
		if (SPI_plan_is_valid(plans[plan]))
			return plans[plan];
		SPI_freeplan(plans[plan]);
		plans[plan] = NULL;
	}

	made = SPI_prepare(statement->text, statement->nargs, (Oid *) statement->types);
	if (made == NULL)
		elog(ERROR, "could not prepare statement %d: %s", (int) plan, SPI_result_code_string(SPI_result));
	SPI_keepplan(made);
	plans[plan] = made;
	return made;
}

bool
quay_plan_read_int64(QuayPlan plan, int64 argument, int64 *result)
{
	Datum		values[1] = {Int64GetDatum(argument)};
	bool		isnull = true;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	code = SPI_execute_plan(quay_plan_get(plan), values, NULL, true, 1);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run statement %d: %s", (int) plan, SPI_result_code_string(code));
	if (SPI_processed > 0)
		*result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return !isnull;
}
