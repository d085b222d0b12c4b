/*-------------------------------------------------------------------------
 *
 * bcrypt.c
 *	  Password and token hashes: bcrypt in the "$2b$" form.
 *
 * The format and its rules are those of the Python module bcrypt as Quay uses
 * it: cost 12, "$2b$", 60 characters, input cut to 72 bytes, a NUL byte in it
 * an error; to verify is to hash again with the stored value as the salt and to
 * compare the whole.  The work is libxcrypt's (crypt_r and crypt_gensalt_rn,
 * crypt(3) and crypt_gensalt(3)).
 *
 * Every stored form is computed as "$2b$".  "$2y$" is the same by definition.
 * libxcrypt's "$2a$" adds a countermeasure against collisions of an old, broken
 * implementation, and so differs from everyone else's for rare inputs with
 * bytes above 127; Python's module treats it as "$2b$", and so do we.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include "util/bcrypt.h"

#define PREFIX			"$2b$"
#define PREFIX_LEN		4
#define SETTING_LEN		29		/* prefix, cost, "$", 22 characters of salt */

/* A valid setting but for its cost; the salt is arbitrary. */
#define DUMMY_FORMAT	"$2b$%02d$N9qo8uLOickgx2ZMRZoMye"

static bool
is_bcrypt_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '/';
}

static bool
is_cost_supported(int cost)
{
	return cost >= QUAY_BCRYPT_MIN_COST && cost <= QUAY_BCRYPT_MAX_COST;
}

/*
 * Hash the secret with a "$2b$" setting of SETTING_LEN characters.
 */
static QuayBcryptStatus
hash_with_setting(const char *secret, size_t secret_len, const char *setting,
				  char out[QUAY_BCRYPT_HASH_LEN + 1])
{
	char		phrase[QUAY_BCRYPT_MAX_SECRET + 1];
	struct crypt_data *data;
	const char *hash;
	QuayBcryptStatus status = QUAY_BCRYPT_FAILED;

	if (secret_len > 0 && memchr(secret, '\0', secret_len) != NULL)
		return QUAY_BCRYPT_NUL_BYTE;

	data = OPENSSL_zalloc(sizeof(*data));
	if (data == NULL)
		return QUAY_BCRYPT_FAILED;

	secret_len = Min(secret_len, (size_t) QUAY_BCRYPT_MAX_SECRET);
	if (secret_len > 0)
		memcpy(phrase, secret, secret_len);
	phrase[secret_len] = '\0';

	/* crypt_r tells a failure by NULL or by a string that starts with "*" */
	hash = crypt_r(phrase, setting, data);
	if (hash != NULL && strlen(hash) == QUAY_BCRYPT_HASH_LEN &&
		memcmp(hash, setting, PREFIX_LEN) == 0)
	{
		memcpy(out, hash, QUAY_BCRYPT_HASH_LEN + 1);
		status = QUAY_BCRYPT_OK;
	}

	OPENSSL_cleanse(phrase, sizeof(phrase));
	OPENSSL_clear_free(data, sizeof(*data));
	return status;
}

QuayBcryptStatus
quay_bcrypt_hash(const char *secret, size_t secret_len, int cost,
				 const unsigned char salt[QUAY_BCRYPT_SALT_LEN],
				 char out[QUAY_BCRYPT_HASH_LEN + 1])
{
	char		setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!is_cost_supported(cost))
		return QUAY_BCRYPT_BAD_COST;
	if (crypt_gensalt_rn(PREFIX, (unsigned long) cost, (const char *) salt,
						 QUAY_BCRYPT_SALT_LEN, setting, sizeof(setting)) == NULL)
		return QUAY_BCRYPT_FAILED;
	return hash_with_setting(secret, secret_len, setting, out);
}

bool
quay_bcrypt_is_hash(const char *stored, size_t stored_len, int *cost)
{
	int			value;
	size_t		i;

	if (stored_len != QUAY_BCRYPT_HASH_LEN)
		return false;
	if (stored[0] != '$' || stored[1] != '2' || stored[3] != '$' || stored[6] != '$')
		return false;
	if (stored[2] != 'a' && stored[2] != 'b' && stored[2] != 'y')
		return false;
	if (stored[4] < '0' || stored[4] > '9' || stored[5] < '0' || stored[5] > '9')
		return false;
	value = (stored[4] - '0') * 10 + (stored[5] - '0');
	if (!is_cost_supported(value))
		return false;
	for (i = PREFIX_LEN + 3; i < QUAY_BCRYPT_HASH_LEN; i++)
	{
		if (!is_bcrypt_char(stored[i]))
			return false;
	}
	if (cost != NULL)
		*cost = value;
	return true;
}

QuayBcryptStatus
quay_bcrypt_verify(const char *secret, size_t secret_len,
				   const char *stored, size_t stored_len, bool *matches)
{
	char		setting[SETTING_LEN + 1];
	char		computed[QUAY_BCRYPT_HASH_LEN + 1];
	QuayBcryptStatus status;

	*matches = false;
	if (!quay_bcrypt_is_hash(stored, stored_len, NULL))
		return quay_bcrypt_verify_dummy(secret, secret_len, QUAY_BCRYPT_DEFAULT_COST);

	memcpy(setting, stored, SETTING_LEN);
	setting[SETTING_LEN] = '\0';
	setting[2] = 'b';
	status = hash_with_setting(secret, secret_len, setting, computed);
	if (status == QUAY_BCRYPT_OK)
		*matches = CRYPTO_memcmp(computed + PREFIX_LEN, stored + PREFIX_LEN,
								 QUAY_BCRYPT_HASH_LEN - PREFIX_LEN) == 0;
	OPENSSL_cleanse(computed, sizeof(computed));
	return status;
}

QuayBcryptStatus
quay_bcrypt_verify_dummy(const char *secret, size_t secret_len, int cost)
{
	char		setting[SETTING_LEN + 1];
	char		computed[QUAY_BCRYPT_HASH_LEN + 1];
	QuayBcryptStatus status;

	if (!is_cost_supported(cost))
		return QUAY_BCRYPT_BAD_COST;
	snprintf(setting, sizeof(setting), DUMMY_FORMAT, cost);
	status = hash_with_setting(secret, secret_len, setting, computed);
	OPENSSL_cleanse(computed, sizeof(computed));
	return status;
}
