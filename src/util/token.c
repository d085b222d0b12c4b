/*-------------------------------------------------------------------------
 *
 * token.c
 *	  Random strings for tokens and codes.
 *
 * The alphabets are those of Quay: upper-case letters and digits
 * (data/database.py, random_string_generator), and all letters and digits (its
 * OAuth provider).  A random byte that would favour some characters is thrown
 * away (rejection sampling): with 36 characters the bytes 252 to 255, with 62
 * the bytes 248 to 255.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/crypto.h>

#include "util/token.h"

#define POOL_SIZE	128

/*
 * With a working source, a pool without one usable byte has a chance of less
 * than 2^-640.
 */
#define MAX_FRUITLESS_POOLS	4

static const char upper_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char ascii_alphabet[] =
"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/*
 * Turn the pool's usable bytes into at most "wanted" characters.
 */
static size_t
take_characters(const unsigned char *pool, const char *chars, unsigned int nchars,
				char *out, size_t wanted)
{
	unsigned int limit = 256 - 256 % nchars;
	size_t		taken = 0;
	size_t		i;

	for (i = 0; i < POOL_SIZE && taken < wanted; i++)
	{
		if (pool[i] < limit)
			out[taken++] = chars[pool[i] % nchars];
	}
	return taken;
}

bool
quay_token_generate(char *out, size_t len, QuayTokenAlphabet alphabet,
					QuayRandomSource source)
{
	const char *chars = (alphabet == QUAY_TOKEN_ASCII) ? ascii_alphabet : upper_alphabet;
	unsigned int nchars = (unsigned int) strlen(chars);
	unsigned char pool[POOL_SIZE];
	size_t		done = 0;
	int			fruitless = 0;

	while (done < len && fruitless < MAX_FRUITLESS_POOLS)
	{
		size_t		taken;

		if (!(source != NULL ? source(pool, sizeof(pool)) :
			  pg_strong_random(pool, sizeof(pool))))
			break;
		taken = take_characters(pool, chars, nchars, out + done, len - done);
		if (taken == 0)
			fruitless++;
		done += taken;
	}
	OPENSSL_cleanse(pool, sizeof(pool));

	if (done < len)
		OPENSSL_cleanse(out, len);
	out[done < len ? 0 : len] = '\0';
	return done == len;
}
