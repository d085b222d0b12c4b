/*-------------------------------------------------------------------------
 *
 * jwt.c
 *	  JSON web tokens and their keys, for SQL.
 *
 * The work is done in src/util/jwk.c, which knows RSA and RS256 only; claims
 * are for the SQL functions of service keys.  A token is a secret: no message
 * here contains one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "auth/secret.h"
#include "compat.h"
#include "util/jwk.h"

#define SERVICE_KEY_BITS	2048

PG_FUNCTION_INFO_V1(quay_jwt_header);
PG_FUNCTION_INFO_V1(quay_jwt_payload);
PG_FUNCTION_INFO_V1(quay_jwt_signed_by);
PG_FUNCTION_INFO_V1(quay_jwk_thumbprint_of);
PG_FUNCTION_INFO_V1(quay_rsa_key_generate);

static QuayJwkText
text_argument(text *value)
{
	QuayJwkText result = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	return result;
}

/*
 * A part of a token in clear, NULL if it is not base64url of UTF-8 text.
 */
static text *
decode_part(QuayJwkText part)
{
	unsigned char *bytes = palloc(QUAY_BASE64_DECODED_ROOM(part.len));
	size_t		len;
	text	   *result = NULL;

	if (quay_base64url_decode(part.data, part.len, bytes, &len))
		result = quay_secret_text_of_utf8((const char *) bytes, len);
	pfree(bytes);
	return result;
}

/*
 * quay_internal.jwt_header(token text) returns text
 */
Datum
quay_jwt_header(PG_FUNCTION_ARGS)
{
	QuayJwkText token = text_argument(PG_GETARG_TEXT_PP(0));
	QuayJwkToken parts;
	text	   *result = NULL;

	if (quay_jwk_split(token.data, token.len, &parts))
		result = decode_part(parts.header);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/*
 * quay_internal.jwt_payload(token text) returns text
 */
Datum
quay_jwt_payload(PG_FUNCTION_ARGS)
{
	QuayJwkText token = text_argument(PG_GETARG_TEXT_PP(0));
	QuayJwkToken parts;
	text	   *result = NULL;

	if (quay_jwk_split(token.data, token.len, &parts))
		result = decode_part(parts.payload);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(result);
}

/*
 * quay_internal.jwt_signed_by(token text, n text, e text) returns boolean
 *
 * Never NULL: without a token or a key there is no signature.
 */
Datum
quay_jwt_signed_by(PG_FUNCTION_ARGS)
{
	QuayJwkText token;
	QuayJwkToken parts;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_BOOL(false);
	token = text_argument(PG_GETARG_TEXT_PP(0));
	PG_RETURN_BOOL(quay_jwk_split(token.data, token.len, &parts) &&
				   quay_jwk_verify(text_argument(PG_GETARG_TEXT_PP(1)),
								   text_argument(PG_GETARG_TEXT_PP(2)), &parts));
}

/*
 * quay_internal.jwk_thumbprint(n text, e text) returns text
 *
 * NULL if they are no RSA public key.
 */
Datum
quay_jwk_thumbprint_of(PG_FUNCTION_ARGS)
{
	char		thumbprint[QUAY_JWK_THUMBPRINT_LEN + 1];

	if (!quay_jwk_thumbprint(text_argument(PG_GETARG_TEXT_PP(0)),
							 text_argument(PG_GETARG_TEXT_PP(1)), thumbprint))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(thumbprint));
}

/*
 * quay_internal.rsa_key_generate(OUT private_key text, OUT n text, OUT e text)
 */
Datum
quay_rsa_key_generate(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	QuayJwkPair pair;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!quay_jwk_generate(SERVICE_KEY_BITS, &pair))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate an RSA key"),
				 errhint("The server's OpenSSL may lack RSA, or memory is short.")));

	/* texts of our own, so that the pair is released even if the last fails */
	PG_TRY();
	{
		values[0] = CStringGetTextDatum(pair.private_pem);
		values[1] = CStringGetTextDatum(pair.n);
		values[2] = CStringGetTextDatum(pair.e);
	}
	PG_FINALLY();
	{
		quay_jwk_wipe(&pair);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
