/*
 * key.c
 *	  The keys of encrypted fields and passwords: from settings, or from files that settings name.
 *
 * A file is the better place: the server writes the new value of a setting into its log when it reloads a changed postgresql.conf, and no
 * flag keeps it from that. The file is read at each use, so a new key counts at once.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "storage/fd.h"

#include "auth/key.h"
#include "auth/secretbytes.h"
#include "compat.h"
#include "guc.h"
#include "util/secretkey.h"

/* Longer than any sensible key; what is longer is some other file. */
#define MAX_KEY_TEXT 4096

typedef struct KeySetting
{
	const char *name;			/* <name>_file is the setting for the file */
	const char *whose;			/* the setting of the reference */
	char	  **value;
	char	  **file;
} KeySetting;

static const KeySetting fields = {
	"quay.database_secret_key", "DATABASE_SECRET_KEY", &quay_guc_database_secret_key, &quay_guc_database_secret_key_file
};
static const KeySetting previous_fields = {
	"quay.database_secret_key_previous", "former DATABASE_SECRET_KEY",
	&quay_guc_database_secret_key_previous, &quay_guc_database_secret_key_previous_file
};
static const KeySetting passwords = {
	"quay.secret_key", "SECRET_KEY", &quay_guc_secret_key, &quay_guc_secret_key_file
};

/* In the server's encoding, to be wiped after use; NULL: not set. */
typedef struct KeyText
{
	char	   *data;
	size_t		length;
} KeyText;

static bool
is_set(const char *setting)
{
	return setting != NULL && setting[0] != '\0';
}

/* What the file holds, without the end of its line. */
static KeyText
read_file(const KeySetting *setting)
{
	FILE	   *file = AllocateFile(*setting->file, "r");
	KeyText		text = {.data = palloc(MAX_KEY_TEXT + 1)};

	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the file of setting %s_file: %m", setting->name),
				 errdetail("The file is \"%s\".", *setting->file),
				 errhint("It must be readable for the server, and for nobody else.")));
	text.length = fread(text.data, 1, MAX_KEY_TEXT + 1, file);
	FreeFile(file);
	while (text.length > 0 && (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r'))
		text.length--;
	if (text.length == 0 || text.length > MAX_KEY_TEXT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the file of setting %s_file holds no key", setting->name),
				 errdetail("The file \"%s\" is empty or longer than %d bytes.", *setting->file, MAX_KEY_TEXT),
				 errhint("Write the %s of the registry into it.", setting->whose)));
	return text;
}

static KeyText
read_key(const KeySetting *setting)
{
	if (is_set(*setting->value))
		return (KeyText) {.data = pstrdup(*setting->value), .length = strlen(*setting->value)};
	if (is_set(*setting->file))
		return read_file(setting);
	return (KeyText) {0};
}

static void
wipe(KeyText *text)
{
	OPENSSL_cleanse(text->data, text->length);
	pfree(text->data);
}

static QuaySecretKeyStatus
try_key(const char *text, size_t len, unsigned char *key)
{
	QuaySecretBytes utf8 = quay_secret_to_utf8(text, len);
	QuaySecretKeyStatus status = quay_secretkey_derive(utf8.data, utf8.len, key);

	quay_secret_release(&utf8);
	return status;
}

static void
report(QuaySecretKeyStatus status, const char *what, const char *hint)
{
	if (status != QUAY_SECRETKEY_OK)
		ereport(ERROR,
				(errcode(status == QUAY_SECRETKEY_NO_MEMORY ? ERRCODE_OUT_OF_MEMORY : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be used as a key", what),
				 errdetail("%s", quay_secretkey_status_text(status)),
				 errhint("%s", hint)));
}

/* False if the key is not set. */
static bool
load(const KeySetting *setting, unsigned char *key)
{
	KeyText		text = read_key(setting);
	QuaySecretKeyStatus status;

	if (text.data == NULL)
		return false;
	status = try_key(text.data, text.length, key);
	wipe(&text);
	report(status, psprintf("the setting %s", setting->name), psprintf("Set %s to the %s of the registry.", setting->name, setting->whose));
	return true;
}

static void
require(const KeySetting *setting, const char *what, unsigned char *key)
{
	if (!load(setting, key))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no key for encrypted %s is set", what),
				 errdetail("The settings %s and %s_file are empty.", setting->name, setting->name),
				 errhint("Write the %s of the registry into a file that only the server reads, and set %s_file to its name.",
						 setting->whose, setting->name)));
}

void
quay_key_load(unsigned char *key)
{
	require(&fields, "fields", key);
}

bool
quay_key_load_previous(unsigned char *key)
{
	return load(&previous_fields, key);
}

void
quay_key_load_password(unsigned char *key)
{
	require(&passwords, "passwords", key);
}

bool
quay_key_try_password(unsigned char *key)
{
	KeyText		text = read_key(&passwords);
	bool		result = (text.data != NULL && try_key(text.data, text.length, key) == QUAY_SECRETKEY_OK);

	if (text.data != NULL)
		wipe(&text);
	return result;
}

void
quay_key_derive(const char *text, size_t len, unsigned char *key)
{
	report(try_key(text, len, key), "the text given", "Pass NULL to use the setting.");
}
