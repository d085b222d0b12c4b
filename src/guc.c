/*
 * guc.c
 *	  Settings of the extension, in alphabetical order.
 *
 * Security-relevant ones are superuser-set. C code reads the variables; SQL functions read any setting with
 * quay_internal.setting(name), which also makes sure that the library, and with it the setting, is there.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"
#include "guc.h"

bool		quay_guc_allow_drop = false;
bool		quay_guc_anonymous_access = true;
char	   *quay_guc_clock = NULL;
char	   *quay_guc_database_secret_key = NULL;
int			quay_guc_entity_cache_size = 32768;
int			quay_guc_maximum_manifest_size = 4096;
bool		quay_guc_superusers_full_access = false;

/* Settings that only SQL functions read, by name. */
static bool guc_allow_lossy_downgrade = false;
static int	guc_bcrypt_cost = 12;
static int	guc_default_tag_expiration = 14 * 86400;
static bool guc_immutable_tags = false;
static bool guc_immutable_tags_can_expire = false;
static int	guc_login_backoff_limit = 900;
static int	guc_maximum_layer_size = 20480;
static bool guc_robots_disallow = false;
static int	guc_temporary_tag_expiration = 300;
static int	guc_upload_expiration = 3600;

PG_FUNCTION_INFO_V1(quay_setting_get);

static void
define_bool(const char *name, const char *description, const char *more, bool *variable, bool boot)
{
	DefineCustomBoolVariable(name, description, more, variable, boot, PGC_SUSET, 0, NULL, NULL, NULL);
}

static void
define_int(const char *name, const char *description, const char *more, int *variable,
		   int boot, int min, int max, int flags)
{
	DefineCustomIntVariable(name, description, more, variable, boot, min, max, PGC_SUSET, flags, NULL, NULL, NULL);
}

void
quay_guc_define(void)
{
	define_bool("quay.allow_drop",
				"Lets DROP EXTENSION, DROP SCHEMA and DROP OWNED remove a registry that has data.",
				NULL, &quay_guc_allow_drop, false);
	define_bool("quay.allow_lossy_downgrade",
				"Lets a downgrade drop data that the older version cannot hold.",
				NULL, &guc_allow_lossy_downgrade, false);
	define_bool("quay.anonymous_access",
				"Lets anybody read public repositories without a login.",
				NULL, &quay_guc_anonymous_access, true);
	define_int("quay.bcrypt_cost",
			   "Cost of a new password hash, as the power of two of its rounds.",
			   "12 is what the reference uses. Lower values are for tests.",
			   &guc_bcrypt_cost, 12, 4, 20, 0);
	DefineCustomStringVariable("quay.clock",
							   "Time that every function takes for the present, for tests.",
							   "A timestamp with time zone. Empty: the server's clock.",
							   &quay_guc_clock, "", PGC_SUSET, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	DefineCustomStringVariable("quay.database_secret_key",
							   "Key of the encrypted columns (DATABASE_SECRET_KEY of the reference).",
							   "Set it in a file that only the server reads; it never appears in a log or an error.",
							   &quay_guc_database_secret_key, "", PGC_SUSET,
							   GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE,
							   NULL, NULL, NULL);
	define_int("quay.default_tag_expiration",
			   "How long a new namespace keeps a removed tag before it may be collected.",
			   NULL, &guc_default_tag_expiration, 14 * 86400, 0, INT_MAX, GUC_UNIT_S);
	DefineCustomIntVariable("quay.entity_cache_size",
							"How many users and repositories a session remembers at most.",
							"About 130 bytes each. They are forgotten when they change; 0 remembers none.",
							&quay_guc_entity_cache_size, 32768, 0, 1000000, PGC_USERSET, 0, NULL, NULL, NULL);
	define_bool("quay.immutable_tags",
				"Honours immutable tags: they can be neither moved nor deleted.",
				NULL, &guc_immutable_tags, false);
	define_bool("quay.immutable_tags_can_expire",
				"Lets an immutable tag have an end.",
				NULL, &guc_immutable_tags_can_expire, false);
	define_int("quay.login_backoff_limit",
			   "Longest wait that failed logins impose on the next one.",
			   "The wait is 0.5 * (2^n - 1) seconds after n failures in a row, up to this.",
			   &guc_login_backoff_limit, 900, 0, 86400, GUC_UNIT_S);
	define_int("quay.maximum_layer_size",
			   "Largest blob that an upload may grow to.",
			   NULL, &guc_maximum_layer_size, 20480, 1, INT_MAX, GUC_UNIT_MB);
	define_int("quay.maximum_manifest_size",
			   "Largest manifest that is accepted.",
			   "The OCI distribution specification asks for at least 4 MiB.",
			   &quay_guc_maximum_manifest_size, 4096, 1, 65536, GUC_UNIT_KB);
	define_bool("quay.robots_disallow",
				"Refuses to create robots.",
				NULL, &guc_robots_disallow, false);
	define_bool("quay.superusers_full_access",
				"Lets superusers of the registry read, write and administer every repository.",
				NULL, &quay_guc_superusers_full_access, false);
	define_int("quay.temporary_tag_expiration",
			   "How long a manifest that was only referred to by a push stays available.",
			   NULL, &guc_temporary_tag_expiration, 300, 1, INT_MAX, GUC_UNIT_S);
	define_int("quay.upload_expiration",
			   "How long an uploaded blob, or a manifest pushed by digest, is kept for the push to refer to it.",
			   NULL, &guc_upload_expiration, 3600, 1, INT_MAX, GUC_UNIT_S);

	MarkGUCPrefixReserved("quay");
}

/*
 * quay_internal.setting(name): the value of one of our settings as text, numbers in their base unit.
 *
 * Unlike current_setting() it works in a session that has not loaded the library yet, and it hides the secret ones.
 */
Datum
quay_setting_get(PG_FUNCTION_ARGS)
{
	char	   *name = psprintf("quay.%s", text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const char *value = GetConfigOption(name, false, true);

	PG_RETURN_TEXT_P(cstring_to_text(value));
}
