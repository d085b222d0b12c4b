/*
 * guc.c
 *	  Settings of the extension, in one table for each type, in alphabetical order.
 *
 * Nearly all are superuser-set, since they say who may do what. C code reads the variables; SQL functions read any setting with
 * quay_internal.setting(name), which also makes sure that the library, and with it the setting, is there. Settings that are sets (names of
 * superusers, blocked domains) are tables.
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
int			quay_guc_buildlog_lifetime = 7 * 86400;
int			quay_guc_buildlog_notify_interval = 100;
char	   *quay_guc_clock = NULL;
char	   *quay_guc_database_secret_key = NULL;
char	   *quay_guc_database_secret_key_file = NULL;
char	   *quay_guc_database_secret_key_previous = NULL;
char	   *quay_guc_database_secret_key_previous_file = NULL;
int			quay_guc_entity_cache_size = 32768;
int			quay_guc_maximum_manifest_size = 4096;
bool		quay_guc_notify = true;
bool		quay_guc_refuse_over_limit = false;
bool		quay_guc_restricted_users = false;
int			quay_guc_rights_cache_size = 65536;
char	   *quay_guc_secret_key = NULL;
char	   *quay_guc_secret_key_file = NULL;
bool		quay_guc_superusers = true;
bool		quay_guc_superusers_full_access = false;

PG_FUNCTION_INFO_V1(quay_setting_get);

/* variable is NULL where only SQL functions read the setting: own is its place then. */
typedef struct BoolSetting
{
	const char *name;
	bool		boot;
	const char *description;
	const char *more;
	bool	   *variable;
	bool		own;
} BoolSetting;

typedef struct IntSetting
{
	const char *name;
	int			boot;
	int			min;
	int			max;
	int			unit;
	const char *description;
	const char *more;
	int		   *variable;
	int			own;
} IntSetting;

typedef struct StringSetting
{
	const char *name;
	const char *boot;
	int			flags;
	const char *description;
	const char *more;
	char	  **variable;
	char	   *own;
} StringSetting;

/* Never shown, not even to those who may read all settings; not in a sample file, which everybody copies. */
#define SECRET (GUC_SUPERUSER_ONLY | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE)

static BoolSetting bool_settings[] = {
	{"quay.allow_drop", false,
		"Lets DROP EXTENSION, DROP SCHEMA and DROP OWNED remove a registry that has data.", NULL, &quay_guc_allow_drop},
	{"quay.allow_lossy_downgrade", false,
		"Lets a downgrade drop data that the older version cannot hold.", NULL, NULL},
	{"quay.allow_pulls_without_strict_logging", false,
		"Lets pulls and logins go on when their row of the audit log cannot be written.",
		"The row is lost then. Kinds: pull_repo, pull_repo_failed, login_success, login_failure, logout_success.", NULL},
	{"quay.allow_without_strict_logging", false,
		"Lets everything go on when its row of the audit log cannot be written.",
		"The row is lost then.", NULL},
	{"quay.anonymous_access", true,
		"Lets anybody read public repositories without a login.", NULL, &quay_guc_anonymous_access},
	{"quay.app_specific_tokens", true,
		"Lets people make and use tokens for applications ($app).", NULL, NULL},
	{"quay.assign_oauth_token", true,
		"Lets administrators of an organization assign OAuth tokens to other people.", NULL, NULL},
	{"quay.audit_login_failures", true,
		"Writes a row to the audit log for each failed login.", NULL, NULL},
	{"quay.bootstrap", false,
		"Lets machines obtain and renew the bootstrap token of the registry.", NULL, NULL},
	{"quay.create_namespace_on_push", false,
		"Creates an organization when somebody pushes into a namespace that does not exist.", NULL, NULL},
	{"quay.create_private_repository_on_push", true,
		"Makes a repository that a push creates private; public if off.", NULL, NULL},
	{"quay.direct_login", true,
		"Lets people log in with their password.", NULL, NULL},
	{"quay.extended_repository_names", true,
		"Lets repository names contain \"/\".", NULL, NULL},
	{"quay.free_namespace_pull_logs", true,
		"Writes pulls from namespaces that are no paying customers to the audit log.", NULL, NULL},
	{"quay.image_pull_stats", true,
		"Deleting a tag deletes the statistics of its pulls.", NULL, NULL},
	{"quay.immutable_tags", false,
		"Honours immutable tags: they can be neither moved nor deleted.", NULL, NULL},
	{"quay.immutable_tags_can_expire", false,
		"Lets an immutable tag have an end.", NULL, NULL},
	{"quay.invite_only_user_creation", false,
		"Lets only those sign up whose e-mail address was invited to a team.", NULL, NULL},
	{"quay.library_support", true,
		"Takes a repository path without \"/\" for one in quay.library_namespace.", NULL, NULL},
	{"quay.log_archive_required", true,
		"Removes months of the audit log only after somebody has confirmed that he has a copy.", NULL, NULL},
	{"quay.log_seal", false,
		"Lets maintenance seal the audit log with a chain of hashes.", NULL, NULL},
	{"quay.log_seal_keyed", false,
		"Signs seals of the audit log with a key derived from quay.database_secret_key.", NULL, NULL},
	{"quay.mailing", true,
		"The registry sends e-mail: addresses are required and are confirmed, and people are invited to teams.", NULL, NULL},
	{"quay.nonsuperuser_team_syncing_setup", false,
		"Lets administrators of an organization set up the synchronization of its teams.", NULL, NULL},
	{"quay.notify", true,
		"Wakes up listeners (NOTIFY) when there is work or news for them.",
		"Commits that send a message take turns; those who do not listen poll.", &quay_guc_notify},
	{"quay.organization_creation_superusers_only", false,
		"Lets only superusers of the registry create organizations.", NULL, NULL},
	{"quay.organization_shared_email", false,
		"Lets an organization have the e-mail address of a user.", NULL, NULL},
	{"quay.partial_user_autocomplete", true,
		"Finds users by the beginning of their names; by whole names only if off.", NULL, NULL},
	{"quay.permanently_delete_tags", false,
		"Lets people delete tags for good, before the time for which the namespace keeps removed tags is over.", NULL, NULL},
	{"quay.public_catalog", true,
		"Shows public repositories in the catalog of those who have no right of their own in them.", NULL, NULL},
	{"quay.quota_management", true,
		"Refuses pushes that would exceed the quota of their namespace.", NULL, NULL},
	{"quay.refuse_over_limit", false,
		"Refuses rows of manifestblob with which their namespace would reach its limit.",
		"Pushes set it for the rows that they write; those of a dump, and of an application that looks at the quota itself, are only counted.",
		&quay_guc_refuse_over_limit},
	{"quay.require_encrypted_basic_auth", false,
		"Refuses passwords that were not encrypted with quay.secret_key.", NULL, NULL},
	{"quay.require_team_invite", true,
		"Outsiders join a team by invitation only, if quay.mailing is on.", NULL, NULL},
	{"quay.reset_child_manifest_expiration", true,
		"Deleting a tag of an index ends the temporary tags of the manifests that the index lists.", NULL, NULL},
	{"quay.restricted_users", false,
		"People may not write into their own namespaces, except those in quay.unrestricted_user.", NULL, &quay_guc_restricted_users},
	{"quay.robots_disallow", false,
		"Refuses to create robots, and to let those log in that are not in quay.allowed_robot.", NULL, NULL},
	{"quay.sparse_index", false,
		"Accepts an index of which the repository does not have all manifests.", NULL, NULL},
	{"quay.superusers", true,
		"Honours superusers of the registry. Those of kind readonly are always honoured.", NULL, &quay_guc_superusers},
	{"quay.superusers_full_access", false,
		"Lets superusers of the registry read, write and administer every repository and namespace.", NULL, &quay_guc_superusers_full_access},
	{"quay.team_syncing", false,
		"Lets teams be synchronized with groups of an identity provider.", NULL, NULL},
	{"quay.user_creation", true,
		"Lets people sign up.", NULL, NULL},
	{"quay.user_events", true,
		"Keeps what happened to users for those who watch.", NULL, NULL},
	{"quay.user_last_accessed", true,
		"Records when users, robots and tokens of applications were last used.", NULL, NULL},
	{"quay.user_metadata", false,
		"Asks new users for their name and company.", NULL, NULL},
	{"quay.user_rename", false,
		"Lets people change their user name.", NULL, NULL},
	{"quay.username_confirmation", true,
		"Lets people who have the prompt confirm_username change their user name once.", NULL, NULL},
	{"quay.webhook_private_networks", true,
		"Lets notifications go to hosts in private networks.",
		"If off, only to public ones and those in quay.allowed_upstream_host. Never to the server itself.", NULL},
};

static IntSetting int_settings[] = {
	{"quay.app_specific_token_expiration", 0, 0, INT_MAX, GUC_UNIT_S,
		"Lifetime of a token of an application that is made without an expiration.",
		"0: for ever.", NULL},
	{"quay.autoprune_interval", 3600, 0, INT_MAX, GUC_UNIT_S,
		"How often the pruning policies of a namespace are executed at most.",
		NULL, NULL},
	{"quay.bcrypt_cost", 12, 4, 20, 0,
		"Cost of a new password hash, as the power of two of its rounds.",
		"12 is what the reference uses. Lower values are for tests.", NULL},
	{"quay.blob_upload_lifetime", 2 * 86400, 1, INT_MAX, GUC_UNIT_S,
		"How long an upload that is not finished is kept.",
		NULL, NULL},
	{"quay.bootstrap_token_expiration", 3600, 1, INT_MAX, GUC_UNIT_S,
		"Lifetime of a bootstrap token.",
		NULL, NULL},
	{"quay.build_archive_age", 15 * 86400, 0, INT_MAX, GUC_UNIT_S,
		"Age from which on the log of a build is archived in whatever phase the build is.",
		NULL, NULL},
	{"quay.build_archive_duration", 300, 1, INT_MAX, GUC_UNIT_S,
		"How long a worker may take to archive the log of a build.",
		NULL, NULL},
	{"quay.build_claim_duration", 530, 1, INT_MAX, GUC_UNIT_S,
		"How long a build that a manager has claimed stays out of the queue before its first heartbeat.",
		NULL, NULL},
	{"quay.build_heartbeat_timeout", 60, 1, INT_MAX, GUC_UNIT_S,
		"Silence after which the worker of a build is taken for dead.",
		NULL, NULL},
	{"quay.build_machine_max_time", 7200, 1, INT_MAX, GUC_UNIT_S,
		"Longest time that a build may run, from its claim on.",
		NULL, NULL},
	{"quay.build_registration_timeout", 30, 1, INT_MAX, GUC_UNIT_S,
		"How long a manager may take between the claim of a build and its placement on a worker.",
		NULL, NULL},
	{"quay.build_retry_delay", 30, 0, INT_MAX, GUC_UNIT_S,
		"How long a build that was given back, or whose worker died, waits for the next attempt.",
		NULL, NULL},
	{"quay.buildlog_archived_lifetime", 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long the status of a build and the lines of its log are kept after they were archived.",
		NULL, NULL},
	{"quay.buildlog_lifetime", 7 * 86400, 1, INT_MAX, GUC_UNIT_S,
		"How long the log of a build that nobody archives is kept, from its last line on.",
		NULL, &quay_guc_buildlog_lifetime},
	{"quay.buildlog_notify_interval", 100, -1, 3600000, GUC_UNIT_MS,
		"How often new lines of a build log wake up those who listen to quay_buildlog at most, for each build.",
		"0: each transaction that adds lines does. -1: none does.", &quay_guc_buildlog_notify_interval},
	{"quay.cache_size", 262144, 0, INT_MAX, GUC_UNIT_KB,
		"Size from which on the cache removes entries.",
		"Each counts for its key, its value and 100 bytes. 0 stores nothing.", NULL},
	{"quay.cache_value_size", 1024, 1, 524288, GUC_UNIT_KB,
		"Largest value that the cache stores.",
		NULL, NULL},
	{"quay.default_maximum_build_count", -1, -1, INT_MAX, 0,
		"Builds that a new namespace may have queued.",
		"-1: any number.", NULL},
	{"quay.default_reject_quota", 0, 0, INT_MAX, GUC_UNIT_MB,
		"Size that a namespace without a quota may not reach.",
		"0: any size.", NULL},
	{"quay.default_tag_expiration", 14 * 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long a new namespace keeps a removed tag before it may be collected.",
		NULL, NULL},
	{"quay.email_confirmation_lifetime", 7 * 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long the code is good that confirms an e-mail address.",
		"0: for ever, as in the reference.", NULL},
	{"quay.entity_cache_size", 32768, 0, 1000000, 0,
		"How many users and repositories a session remembers at most.",
		"About 130 bytes each. They are forgotten when they change; 0 remembers none.", &quay_guc_entity_cache_size},
	{"quay.expired_app_specific_token_gc", 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long an expired token of an application is kept.",
		NULL, NULL},
	{"quay.expired_service_key_ttl", 7 * 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long an expired service key is kept.",
		NULL, NULL},
	{"quay.fresh_login_timeout", 600, 0, INT_MAX, GUC_UNIT_S,
		"How old the login of a session may be for a sensitive call.",
		NULL, NULL},
	{"quay.gc_grace_period", 3600, 0, INT_MAX, GUC_UNIT_S,
		"How long a manifest without a tag and a blob without a use are kept before they are collected.",
		NULL, NULL},
	{"quay.gc_storage_lease", 300, 1, INT_MAX, GUC_UNIT_S,
		"How long a client has for the deletion of the blobs that gc_storage_take() hands to it.",
		NULL, NULL},
	{"quay.label_expiration_maximum", 104 * 7 * 86400, 1, INT_MAX, GUC_UNIT_S,
		"Longest lifetime that can be set for a tag.",
		NULL, NULL},
	{"quay.label_expiration_minimum", 3600, 0, INT_MAX, GUC_UNIT_S,
		"Shortest lifetime that can be set for a tag.",
		NULL, NULL},
	{"quay.log_retention", 0, 0, INT_MAX, GUC_UNIT_S,
		"How long the audit log is kept, in whole months.",
		"0: for ever. Less than 7 days counts as 7 days.", NULL},
	{"quay.login_backoff_limit", 900, 0, 86400, GUC_UNIT_S,
		"Longest wait that failed logins impose on the next one.",
		"The wait is 0.5 * (2^n - 1) seconds after n failures in a row, up to this.", NULL},
	{"quay.maximum_layer_size", 20480, 1, INT_MAX, GUC_UNIT_MB,
		"Largest blob that an upload may grow to.",
		NULL, NULL},
	{"quay.maximum_manifest_size", 4096, 1, 65536, GUC_UNIT_KB,
		"Largest manifest that is accepted.",
		"The OCI distribution specification asks for at least 4 MiB.", &quay_guc_maximum_manifest_size},
	{"quay.mirror_sync_duration", 43200, 1, INT_MAX, GUC_UNIT_S,
		"How long a worker may take for the synchronization of one mirrored repository.",
		NULL, NULL},
	{"quay.namespace_gc_grace_period", 0, 0, INT_MAX, GUC_UNIT_S,
		"How long a deleted namespace that is in quay.deletion_grace_namespace is kept before it is purged.",
		NULL, NULL},
	{"quay.notification_expiry_interval", 18000, 0, INT_MAX, GUC_UNIT_S,
		"How often a notification about tags that will end looks for them at most.",
		NULL, NULL},
	{"quay.notification_failure_limit", 3, 1, INT_MAX, 0,
		"How many events in a row a notification may fail to deliver before it is disabled.",
		"The reference has 3: with another value it and this disagree about which are enabled.", NULL},
	{"quay.notification_lifetime", 0, 0, INT_MAX, GUC_UNIT_S,
		"How long notifications within the registry are kept that were dismissed or tell of an event.",
		"0: for ever.", NULL},
	{"quay.notification_retry_delay", 30, 0, INT_MAX, GUC_UNIT_S,
		"How long after a delivery that failed the next one is tried.",
		NULL, NULL},
	{"quay.oauth_authorization_code_lifetime", 600, 0, INT_MAX, GUC_UNIT_S,
		"How long an OAuth authorization code is good.",
		"0: for ever, as in the reference. RFC 6749 recommends at most 10 minutes.", NULL},
	{"quay.oauth_maximum_token_count", 0, 0, INT_MAX, 0,
		"Unexpired tokens that an OAuth application may have.",
		"0: any number.", NULL},
	{"quay.oauth_token_touch_interval", 60, 0, INT_MAX, GUC_UNIT_S,
		"How often the last use of an OAuth token is recorded at most.",
		NULL, NULL},
	{"quay.org_mirror_discovery_duration", 1800, 1, INT_MAX, GUC_UNIT_S,
		"How long a worker may take to find the repositories of a mirrored organization.",
		NULL, NULL},
	{"quay.queue_dead_lifetime", 7 * 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long items of queues are kept that have no retries left.",
		NULL, NULL},
	{"quay.quota_notification_cooldown", 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long after a notice of a quota the same threshold gives no other one.",
		NULL, NULL},
	{"quay.registry_jwt_max_fresh", 3660, 1, INT_MAX, GUC_UNIT_S,
		"Longest lifetime of a registry token that is accepted.",
		NULL, NULL},
	{"quay.rights_cache_size", 65536, 0, 10000000, 0,
		"How many decisions about an actor in a repository a session remembers at most.",
		"About 60 bytes each. They are forgotten when a right changes; 0 remembers none.", &quay_guc_rights_cache_size},
	{"quay.scan_maximum_retries", 5, 0, INT_MAX, 0,
		"How often the security scanner tries a manifest in vain before it gives up.",
		NULL, NULL},
	{"quay.scan_reindex_interval", 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long after a scan a manifest is scanned again, if it failed or the scanner has changed.",
		NULL, NULL},
	{"quay.scan_timeout", 21600, 1, INT_MAX, GUC_UNIT_S,
		"How long a worker may take for the scan of a manifest.",
		NULL, NULL},
	{"quay.successive_trigger_failure_disable_threshold", 100, 0, INT_MAX, 0,
		"Failed builds in a row that disable their trigger.",
		"0: none does.", NULL},
	{"quay.successive_trigger_internal_error_disable_threshold", 5, 0, INT_MAX, 0,
		"Builds in a row that end in internal errors and disable their trigger.",
		"0: none does.", NULL},
	{"quay.session_lifetime", 7 * 86400, 1, 100000000, GUC_UNIT_S,
		"How long a session lasts that is not used.",
		NULL, NULL},
	{"quay.session_maximum_count", 100, 0, INT_MAX, 0,
		"Sessions that a person may have at once.",
		"0: any number. The oldest one makes room for a new one.", NULL},
	{"quay.team_resync_stale_time", 1800, 0, INT_MAX, GUC_UNIT_S,
		"Age from which on a synchronized team is synchronized again.",
		NULL, NULL},
	{"quay.temporary_tag_expiration", 300, 1, INT_MAX, GUC_UNIT_S,
		"How long a manifest that was only referred to by a push stays available.",
		NULL, NULL},
	{"quay.threat_maximum_build_count", -1, -1, INT_MAX, 0,
		"Builds that the namespace of a possible abuser may have queued.",
		"-1: as many as others.", NULL},
	{"quay.touch_interval", 60, 0, INT_MAX, GUC_UNIT_S,
		"How often the last use of a user, a robot or a token of an application is recorded at most.",
		NULL, NULL},
	{"quay.unapproved_service_key_ttl", 86400, 0, INT_MAX, GUC_UNIT_S,
		"How long a service key that nobody approves is kept.",
		NULL, NULL},
	{"quay.upload_expiration", 3600, 1, INT_MAX, GUC_UNIT_S,
		"How long an uploaded blob, or a manifest pushed by digest, is kept for the push to refer to it.",
		NULL, NULL},
	{"quay.user_event_lifetime", 300, 1, INT_MAX, GUC_UNIT_S,
		"How long events of users are kept for those who watch.",
		NULL, NULL},
	{"quay.user_event_limit", 100, 1, 1000000, 0,
		"How many events of one user are kept, about.",
		NULL, NULL},
	{"quay.user_recovery_token_lifetime", 1800, 1, INT_MAX, GUC_UNIT_S,
		"How long the code is good that resets a password.",
		NULL, NULL},
};

static StringSetting string_settings[] = {
	{"quay.authentication_type", "database", 0,
		"Where passwords are checked: database, apptoken (nowhere), or the identity provider ldap, jwt, keystone or oidc.",
		"With an identity provider the client checks the password and asks the database only for the linked user.", NULL},
	{"quay.bootstrap_token_owner", "", 0,
		"Superuser who owns the bootstrap token.",
		NULL, NULL},
	{"quay.bootstrap_token_scope", "repo:create repo:read repo:write repo:admin org:admin user:read user:admin super:user", 0,
		"Scopes of the bootstrap token.",
		NULL, NULL},
	{"quay.clock", "", GUC_NOT_IN_SAMPLE,
		"Time that every function takes for the present, for tests.",
		"A timestamp with time zone. Empty: the server's clock.", &quay_guc_clock},
	{"quay.database_secret_key", "", SECRET,
		"Key of the encrypted columns (DATABASE_SECRET_KEY of the reference).",
		"A reload of a changed postgresql.conf logs the new value: quay.database_secret_key_file is the better place.", &quay_guc_database_secret_key},
	{"quay.database_secret_key_file", "", 0,
		"File with the key of encrypted columns, if quay.database_secret_key is empty.",
		"It holds the key and nothing else; only the server should be able to read it. It is read at each use.", &quay_guc_database_secret_key_file},
	{"quay.database_secret_key_previous", "", SECRET,
		"Key that encrypted columns may still have, while quay.secret_rotate() replaces it by quay.database_secret_key.",
		"A reload of a changed postgresql.conf logs the new value: quay.database_secret_key_previous_file is the better place.", &quay_guc_database_secret_key_previous},
	{"quay.database_secret_key_previous_file", "", 0,
		"File with the key that encrypted columns may still have, if quay.database_secret_key_previous is empty.",
		"It holds the key and nothing else; only the server should be able to read it. It is read at each use.", &quay_guc_database_secret_key_previous_file},
	{"quay.default_autoprune_policy", "", 0,
		"Pruning policy of all namespaces, as JSON.",
		"Empty: none. Such as {\"method\": \"creation_date\", \"value\": \"52w\"}.", NULL},
	{"quay.instance_service_key_service", "quay", 0,
		"Service whose keys sign the registry's own tokens; the issuer of these.",
		NULL, NULL},
	{"quay.label_reserved_prefixes", "", 0,
		"Prefixes of label keys that nobody may add, besides the usual ones, separated by commas.",
		"Each ends in a dot.", NULL},
	{"quay.library_namespace", "library", 0,
		"Namespace of repository paths without \"/\".",
		NULL, NULL},
	{"quay.oauth_handler_url", "", 0,
		"Redirect URI of the registry's own OAuth client, which every application may use.",
		NULL, NULL},
	{"quay.secret_key", "", SECRET,
		"Key of encrypted passwords (SECRET_KEY of the reference).",
		"A reload of a changed postgresql.conf logs the new value: quay.secret_key_file is the better place.", &quay_guc_secret_key},
	{"quay.secret_key_file", "", 0,
		"File with the key of encrypted passwords, if quay.secret_key is empty.",
		"It holds the key and nothing else; only the server should be able to read it. It is read at each use.", &quay_guc_secret_key_file},
	{"quay.server_hostname", "", 0,
		"Host name of the registry: the audience of its tokens, and the registry in pull credentials.",
		NULL, NULL},
	{"quay.service_log_account", "", 0,
		"Account under which the audit log has what belongs to no namespace.",
		"Empty: the account with the smallest id, as in the reference. A name that nobody has: no account (0).", NULL},
	{"quay.tag_expiration_options", "0s,1d,1w,2w,4w", 0,
		"Times for which a namespace may keep removed tags, separated by commas.",
		"Each is a whole number and a unit: s, m, h, d, w or y.", NULL},
	{"quay.url_scheme", "http", 0,
		"Scheme of the registry's URLs: http or https.",
		NULL, NULL},
	{"quay.webhook_blocked_hosts", "", 0,
		"Hosts that notifications must not be sent to, besides the server itself, separated by commas.",
		NULL, NULL},
};

/*
 * Sizes of what a session remembers are not of the registry, so everybody may set them for himself; and so he may be stricter with himself
 * than he has to be.
 */
static GucContext
context_of(const void *variable)
{
	return variable == &quay_guc_entity_cache_size || variable == &quay_guc_rights_cache_size ||
		variable == &quay_guc_refuse_over_limit ? PGC_USERSET : PGC_SUSET;
}

void
quay_guc_define(void)
{
	for (size_t i = 0; i < lengthof(bool_settings); i++)
	{
		BoolSetting *s = &bool_settings[i];

		DefineCustomBoolVariable(s->name, s->description, s->more, s->variable != NULL ? s->variable : &s->own, s->boot,
								 context_of(s->variable), 0, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(int_settings); i++)
	{
		IntSetting *s = &int_settings[i];

		DefineCustomIntVariable(s->name, s->description, s->more, s->variable != NULL ? s->variable : &s->own, s->boot,
								s->min, s->max, context_of(s->variable), s->unit, NULL, NULL, NULL);
	}
	for (size_t i = 0; i < lengthof(string_settings); i++)
	{
		StringSetting *s = &string_settings[i];

		DefineCustomStringVariable(s->name, s->description, s->more, s->variable != NULL ? s->variable : &s->own, s->boot,
								   PGC_SUSET, s->flags, NULL, NULL, NULL);
	}
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
