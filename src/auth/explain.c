/*
 * explain.c
 *	  The access decision for SQL: quay.access_check() and quay.access_explain().
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "auth/access.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(quay_access_check);
PG_FUNCTION_INFO_V1(quay_access_explain);

enum ExplainColumn
{
	EXPLAIN_STEP, EXPLAIN_RULE, EXPLAIN_GRANTS, EXPLAIN_SCOPE_CAP, EXPLAIN_DECIDED, EXPLAIN_DETAIL, EXPLAIN_COLUMNS
};

typedef struct Explanation
{
	ReturnSetInfo *result;
	int32		steps;
} Explanation;

static const text *
text_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : PG_GETARG_TEXT_PP(i);
}

/* Both functions have the same arguments: actor, namespace, repository, action, scopes. */
static bool
decide(FunctionCallInfo fcinfo, const QuayAccessTrace *trace)
{
	const text *namespace_name = text_argument(fcinfo, 1);
	const text *repository_name = text_argument(fcinfo, 2);
	QuayAction	action = quay_access_parse_action(text_argument(fcinfo, 3));
	QuayUser	owner;
	QuayRepository repository;
	bool		has_owner = namespace_name != NULL && quay_lookup_user(namespace_name, &owner);
	bool		has_repository = has_owner && repository_name != NULL &&
		quay_lookup_repository(owner.id, repository_name, &repository);

	return quay_access_explained(text_argument(fcinfo, 0), namespace_name, has_owner ? &owner : NULL,
								 has_repository ? &repository : NULL, action, text_argument(fcinfo, 4), trace);
}

Datum
quay_access_check(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(decide(fcinfo, NULL));
}

static void
add_step(const QuayAccessStep *step, void *arg)
{
	Explanation *explanation = (Explanation *) arg;
	Datum		values[EXPLAIN_COLUMNS] = {0};
	bool		nulls[EXPLAIN_COLUMNS] = {false};

	values[EXPLAIN_STEP] = Int32GetDatum(++explanation->steps);
	values[EXPLAIN_RULE] = CStringGetTextDatum(step->rule);
	values[EXPLAIN_GRANTS] = CStringGetTextDatum(quay_access_action_name(step->grants));
	nulls[EXPLAIN_SCOPE_CAP] = !step->capped;
	if (step->capped)
		values[EXPLAIN_SCOPE_CAP] = CStringGetTextDatum(quay_access_action_name(step->scope_cap));
	values[EXPLAIN_DECIDED] = BoolGetDatum(step->decided);
	values[EXPLAIN_DETAIL] = CStringGetTextDatum(step->detail);
	tuplestore_putvalues(explanation->result->setResult, explanation->result->setDesc, values, nulls);
}

Datum
quay_access_explain(PG_FUNCTION_ARGS)
{
	Explanation explanation = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	QuayAccessTrace trace = {.step = add_step, .arg = &explanation};

	InitMaterializedSRF(fcinfo, 0);
	decide(fcinfo, &trace);
	return (Datum) 0;
}
