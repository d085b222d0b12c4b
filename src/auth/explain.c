/*
 * explain.c
 *	  The decisions about access for SQL: the functions of api/160_access.sql.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "auth/access.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(quay_access_check);
PG_FUNCTION_INFO_V1(quay_access_explain);
PG_FUNCTION_INFO_V1(quay_access_check_namespace);
PG_FUNCTION_INFO_V1(quay_access_explain_namespace);
PG_FUNCTION_INFO_V1(quay_access_check_team);
PG_FUNCTION_INFO_V1(quay_access_check_user);
PG_FUNCTION_INFO_V1(quay_superuser_kind);

enum ExplainColumn
{
	EXPLAIN_STEP, EXPLAIN_RULE, EXPLAIN_GRANTS, EXPLAIN_SCOPE_CAP, EXPLAIN_DECIDED, EXPLAIN_DETAIL, EXPLAIN_COLUMNS
};

typedef struct Explanation
{
	ReturnSetInfo *result;
	int32		steps;
} Explanation;

typedef bool (*Decision) (FunctionCallInfo fcinfo, const QuayAccessTrace *trace);

static const text *
text_argument(FunctionCallInfo fcinfo, int i)
{
	return PG_ARGISNULL(i) ? NULL : PG_GETARG_TEXT_PP(i);
}

static void
add_step(const QuayAccessStep *step, void *arg)
{
	Explanation *explanation = (Explanation *) arg;
	Datum		values[EXPLAIN_COLUMNS] = {0};
	bool		nulls[EXPLAIN_COLUMNS] = {false};

	values[EXPLAIN_STEP] = Int32GetDatum(++explanation->steps);
	values[EXPLAIN_RULE] = CStringGetTextDatum(step->rule);
	values[EXPLAIN_GRANTS] = CStringGetTextDatum(step->grants);
	nulls[EXPLAIN_SCOPE_CAP] = (step->scope_cap == NULL);
	if (step->scope_cap != NULL)
		values[EXPLAIN_SCOPE_CAP] = CStringGetTextDatum(step->scope_cap);
	values[EXPLAIN_DECIDED] = BoolGetDatum(step->decided);
	values[EXPLAIN_DETAIL] = CStringGetTextDatum(step->detail);
	tuplestore_putvalues(explanation->result->setResult, explanation->result->setDesc, values, nulls);
}

static Datum
explain(FunctionCallInfo fcinfo, Decision decision)
{
	Explanation explanation = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	QuayAccessTrace trace = {.step = add_step, .arg = &explanation};

	InitMaterializedSRF(fcinfo, 0);
	decision(fcinfo, &trace);
	return (Datum) 0;
}

/* actor, namespace, repository, action, scopes */
static bool
decide_repository(FunctionCallInfo fcinfo, const QuayAccessTrace *trace)
{
	const text *namespace_name = text_argument(fcinfo, 1);
	const text *repository_name = text_argument(fcinfo, 2);
	QuayAction	action = (QuayAction) quay_level_parse(quay_level_repository, text_argument(fcinfo, 3), "a repository");
	QuayUser	owner;
	QuayRepository repository;
	bool		has_owner = namespace_name != NULL && quay_lookup_user(namespace_name, &owner);
	bool		has_repository = has_owner && repository_name != NULL &&
		quay_lookup_repository(owner.id, repository_name, &repository);

	return quay_access_allowed(text_argument(fcinfo, 0), namespace_name, has_owner ? &owner : NULL,
							   repository_name, has_repository ? &repository : NULL, action, text_argument(fcinfo, 4), trace);
}

/* actor, namespace, action, scopes */
static bool
decide_namespace(FunctionCallInfo fcinfo, const QuayAccessTrace *trace)
{
	int			action = quay_level_parse(quay_level_namespace, text_argument(fcinfo, 2), "a namespace");

	return quay_access_namespace_allowed(text_argument(fcinfo, 0), text_argument(fcinfo, 1), NULL,
										 (QuayNamespaceAction) action, text_argument(fcinfo, 3), trace);
}

Datum
quay_access_check(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(decide_repository(fcinfo, NULL));
}

Datum
quay_access_explain(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, decide_repository);
}

Datum
quay_access_check_namespace(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(decide_namespace(fcinfo, NULL));
}

Datum
quay_access_explain_namespace(PG_FUNCTION_ARGS)
{
	return explain(fcinfo, decide_namespace);
}

/* quay.access_check_team(actor, organization, team, scopes): may he see the team? */
Datum
quay_access_check_team(PG_FUNCTION_ARGS)
{
	const text *nothing = cstring_to_text("");
	const text *team = text_argument(fcinfo, 2);

	PG_RETURN_BOOL(quay_access_namespace_allowed(text_argument(fcinfo, 0), text_argument(fcinfo, 1), team != NULL ? team : nothing,
												 QUAY_NAMESPACE_MEMBER, text_argument(fcinfo, 3), NULL));
}

/* quay.access_check_user(actor, username, action, scopes) */
Datum
quay_access_check_user(PG_FUNCTION_ARGS)
{
	int			action = quay_level_parse(quay_level_user, text_argument(fcinfo, 2), "a user");

	PG_RETURN_BOOL(quay_access_user_allowed(text_argument(fcinfo, 0), text_argument(fcinfo, 1), (QuayAction) action,
											text_argument(fcinfo, 3), NULL));
}

/*
 * quay.superuser_kind(actor, scopes): whoever may read everything may do so with any scopes; others need theirs.
 */
Datum
quay_superuser_kind(PG_FUNCTION_ARGS)
{
	QuayRequest r = {
		.actor_name = text_argument(fcinfo, 0), .scope_string = text_argument(fcinfo, 1), .level_names = quay_level_repository,
	};

	if (quay_request_actor_rule(&r) == QUAY_DENIED || quay_request_scope_rule(&r) == QUAY_DENIED)
		PG_RETURN_NULL();
	switch (quay_request_superuser(&r))
	{
		case QUAY_SUPERUSER_READONLY:
			PG_RETURN_TEXT_P(cstring_to_text("readonly"));
		case QUAY_SUPERUSER_FULL:
			if (r.scopes.superuser)
				PG_RETURN_TEXT_P(cstring_to_text("superuser"));
			break;
		case QUAY_SUPERUSER_NONE:
			break;
	}
	PG_RETURN_NULL();
}
