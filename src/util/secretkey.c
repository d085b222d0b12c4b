/*-------------------------------------------------------------------------
 *
 * secretkey.c
 *	  Derivation of the 32-byte field key from DATABASE_SECRET_KEY.
 *
 * The rules are those of Quay (util/security/secret.py, convert_secret_key),
 * and have to be matched to the bit, or the secrets of a registry that moves
 * here cannot be read.  The text gives the bytes K, which are repeated
 * cyclically and cut to 32:
 *
 *	1. what Python's int(text) accepts gives its lower-case hexadecimal digits,
 *	   at least two; if their number is even, K is those bytes.  An odd number
 *	   of digits and a negative number fall through.
 *	2. what Python's uuid.UUID(text) accepts gives its 16 bytes.
 *	3. otherwise K is one byte for each character, which must be below U+0100.
 *
 * int(text) is blanks, an optional sign, digits with single underscores between
 * them, blanks.  uuid.UUID(text) drops every "urn:", then every "uuid:", then
 * braces at both ends, then every dash; the 32 characters that must remain are
 * read by int(text, 16), which means that "0x" and 30 digits are a UUID too.
 *
 * One deliberate difference: Python also reads digits and blanks of other
 * scripts.  They all lie above U+00FF, and texts with such characters are
 * refused here, whatever else they are: never a silently different key.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "util/secretkey.h"

#define UUID_CHARS	32
#define UUID_BYTES	16

/* A number in text form, as found by scan_integer(). */
typedef struct ScannedInteger
{
	char	   *digits;			/* without underscores, NUL-terminated */
	size_t		ndigits;
	bool		negative;
} ScannedInteger;

/* The outcome of one of the three rules. */
typedef enum RuleResult
{
	RULE_APPLIES,
	RULE_DOES_NOT_APPLY,
	RULE_NO_MEMORY
} RuleResult;

/*
 * Convert UTF-8 to one byte per character.  "out" has room for "len" bytes.
 */
static QuaySecretKeyStatus
decode_latin1(const char *text, size_t len, unsigned char *out, size_t *outlen)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t		i = 0;
	size_t		n = 0;

	while (i < len)
	{
		if (s[i] < 0x80)
			out[n++] = s[i++];
		else if (s[i] < 0xC2 || s[i] > 0xF4 || i + 1 >= len ||
				 (s[i + 1] & 0xC0) != 0x80)
			return QUAY_SECRETKEY_ENCODING;
		else if (s[i] > 0xC3)
			return QUAY_SECRETKEY_CHARACTER;
		else
		{
			out[n++] = (unsigned char) (((s[i] & 0x03) << 6) | (s[i + 1] & 0x3F));
			i += 2;
		}
	}
	*outlen = n;
	return QUAY_SECRETKEY_OK;
}

/*
 * Blanks that int() skips.  U+0085 and U+00A0 are among them, but the
 * separators U+001C to U+001F are not, although str.isspace() knows them.
 */
static bool
is_python_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xA0;
}

static bool
is_digit(unsigned char c, int base)
{
	if (c >= '0' && c <= '9')
		return true;
	return base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

/*
 * Scan the grammar of Python's int(text, base), for base 10 or 16.
 * result->digits has room for len + 1 bytes.
 */
static bool
scan_integer(const unsigned char *s, size_t len, int base, ScannedInteger *result)
{
	size_t		i = 0;
	bool		after_digit = false;

	result->ndigits = 0;
	result->negative = false;

	while (len > 0 && is_python_blank(s[len - 1]))
		len--;
	while (i < len && is_python_blank(s[i]))
		i++;
	if (i < len && (s[i] == '+' || s[i] == '-'))
		result->negative = (s[i++] == '-');
	if (base == 16 && i + 1 < len && s[i] == '0' && (s[i + 1] == 'x' || s[i + 1] == 'X'))
	{
		i += 2;
		after_digit = true;		/* one underscore may follow the prefix */
	}

	for (; i < len; i++)
	{
		if (is_digit(s[i], base))
		{
			result->digits[result->ndigits++] = (char) s[i];
			after_digit = true;
		}
		else if (s[i] == '_' && after_digit)
			after_digit = false;
		else
			return false;
	}
	result->digits[result->ndigits] = '\0';

	return result->ndigits > 0 && after_digit;
}

/*
 * Take the bytes of the number's hexadecimal form; false if the number of
 * digits is odd.  "k" has room for "ksize" bytes; what does not fit is dropped,
 * since only the first 32 bytes count.
 */
static RuleResult
bytes_of_number(const BIGNUM *number, unsigned char *k, size_t *klen)
{
	int			nbytes = BN_num_bytes(number);
	unsigned char *all;

	if (nbytes == 0)
	{
		k[0] = 0;				/* "{:02x}".format(0) is "00" */
		*klen = 1;
		return RULE_APPLIES;
	}
	if (nbytes > 1 && BN_num_bits(number) % 8 >= 1 && BN_num_bits(number) % 8 <= 4)
		return RULE_DOES_NOT_APPLY;

	all = OPENSSL_malloc(nbytes);
	if (all == NULL)
		return RULE_NO_MEMORY;
	BN_bn2bin(number, all);
	*klen = Min((size_t) nbytes, (size_t) QUAY_SECRETKEY_LEN);
	memcpy(k, all, *klen);
	OPENSSL_clear_free(all, nbytes);
	return RULE_APPLIES;
}

/*
 * Rule 1: an integer.  "scratch" has room for len + 1 bytes.
 */
static RuleResult
derive_from_integer(const unsigned char *s, size_t len, unsigned char *scratch,
					unsigned char *k, size_t *klen)
{
	ScannedInteger scanned;
	BIGNUM	   *number = NULL;
	RuleResult	result;

	scanned.digits = (char *) scratch;
	if (!scan_integer(s, len, 10, &scanned) ||
		scanned.ndigits > QUAY_SECRETKEY_MAX_INT_DIGITS)
		return RULE_DOES_NOT_APPLY;

	if (BN_dec2bn(&number, scanned.digits) == 0)
	{
		ERR_clear_error();
		BN_clear_free(number);
		return RULE_NO_MEMORY;
	}

	if (scanned.negative && !BN_is_zero(number))
		result = RULE_DOES_NOT_APPLY;
	else
		result = bytes_of_number(number, k, klen);
	BN_clear_free(number);
	return result;
}

/*
 * Remove each occurrence of "what", scanning once from the left, as Python's
 * str.replace(what, '') does.  Works in place and returns the new length.
 */
static size_t
remove_all(unsigned char *s, size_t len, const char *what)
{
	size_t		whatlen = strlen(what);
	size_t		i = 0;
	size_t		n = 0;

	while (i < len)
	{
		if (len - i >= whatlen && memcmp(s + i, what, whatlen) == 0)
			i += whatlen;
		else
			s[n++] = s[i++];
	}
	return n;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/*
 * Rule 2: a UUID.  "scratch" has room for len bytes.
 */
static RuleResult
derive_from_uuid(const unsigned char *s, size_t len, unsigned char *scratch,
				 unsigned char *k, size_t *klen)
{
	char		digits[UUID_CHARS + 1];
	ScannedInteger scanned;
	unsigned char *start = scratch;
	bool		valid;
	bool		zero = true;
	size_t		i;

	memcpy(scratch, s, len);
	len = remove_all(scratch, len, "urn:");
	len = remove_all(scratch, len, "uuid:");
	while (len > 0 && (*start == '{' || *start == '}'))
	{
		start++;
		len--;
	}
	while (len > 0 && (start[len - 1] == '{' || start[len - 1] == '}'))
		len--;
	len = remove_all(start, len, "-");
	if (len != UUID_CHARS)
		return RULE_DOES_NOT_APPLY;

	scanned.digits = digits;
	valid = scan_integer(start, len, 16, &scanned);
	if (valid)
	{
		memset(k, 0, UUID_BYTES);
		for (i = 0; i < scanned.ndigits; i++)
		{
			size_t		place = scanned.ndigits - 1 - i;
			int			value = hex_value(digits[i]);

			k[UUID_BYTES - 1 - place / 2] |= (unsigned char) (value << (place % 2 * 4));
			if (value != 0)
				zero = false;
		}
		*klen = UUID_BYTES;
	}
	OPENSSL_cleanse(digits, sizeof(digits));

	return valid && (!scanned.negative || zero) ? RULE_APPLIES : RULE_DOES_NOT_APPLY;
}

/*
 * Apply the three rules in turn to the decoded text.
 */
static QuaySecretKeyStatus
derive_bytes(const unsigned char *s, size_t len, unsigned char *scratch,
			 unsigned char *k, size_t *klen)
{
	RuleResult	result = derive_from_integer(s, len, scratch, k, klen);

	if (result == RULE_DOES_NOT_APPLY)
		result = derive_from_uuid(s, len, scratch, k, klen);
	if (result == RULE_NO_MEMORY)
		return QUAY_SECRETKEY_NO_MEMORY;
	if (result == RULE_DOES_NOT_APPLY)
	{
		*klen = Min(len, (size_t) QUAY_SECRETKEY_LEN);
		memcpy(k, s, *klen);
	}
	return QUAY_SECRETKEY_OK;
}

QuaySecretKeyStatus
quay_secretkey_derive(const char *text, size_t len, unsigned char key[QUAY_SECRETKEY_LEN])
{
	unsigned char k[QUAY_SECRETKEY_LEN];
	unsigned char *chars;
	unsigned char *scratch;
	size_t		nchars = 0;
	size_t		klen = 0;
	QuaySecretKeyStatus status;
	size_t		i;

	memset(key, 0, QUAY_SECRETKEY_LEN);
	if (len == 0)
		return QUAY_SECRETKEY_EMPTY;

	/* one allocation: the characters, then the scratch area with its NUL */
	chars = OPENSSL_malloc(2 * len + 1);
	if (chars == NULL)
		return QUAY_SECRETKEY_NO_MEMORY;
	scratch = chars + len;

	status = decode_latin1(text, len, chars, &nchars);
	if (status == QUAY_SECRETKEY_OK)
		status = derive_bytes(chars, nchars, scratch, k, &klen);
	if (status == QUAY_SECRETKEY_OK)
	{
		for (i = 0; i < QUAY_SECRETKEY_LEN; i++)
			key[i] = k[i % klen];
	}

	OPENSSL_cleanse(k, sizeof(k));
	OPENSSL_clear_free(chars, 2 * len + 1);
	return status;
}

const char *
quay_secretkey_status_text(QuaySecretKeyStatus status)
{
	switch (status)
	{
		case QUAY_SECRETKEY_OK:
			return "The key is valid.";
		case QUAY_SECRETKEY_EMPTY:
			return "The key is empty.";
		case QUAY_SECRETKEY_CHARACTER:
			return "The key contains a character above U+00FF.";
		case QUAY_SECRETKEY_ENCODING:
			return "The key is not valid in its encoding.";
		case QUAY_SECRETKEY_NO_MEMORY:
			return "There was not enough memory to derive the key.";
	}
	return "The key is not valid.";
}
