/*-------------------------------------------------------------------------
 *
 * base64.c
 *	  Strict base64 (RFC 4648): padded standard form, unpadded URL-safe form.
 *
 * libcrypto's decoder skips blanks, takes "=" in places where it does not
 * belong, and knows no URL-safe form.
 *
 *-------------------------------------------------------------------------
 */
#include "util/pure.h"

#include "util/base64.h"

static int
value_of(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	if (c == (url ? '_' : '/'))
		return 63;
	return -1;
}

/*
 * Decode characters without padding.  Spare bits of the last one are dropped.
 */
static bool
decode(const char *text, size_t len, bool url, unsigned char *out, size_t *out_len)
{
	uint32		bits = 0;
	int			nbits = 0;
	size_t		n = 0;
	size_t		i;

	*out_len = 0;
	if (len % 4 == 1)
		return false;
	for (i = 0; i < len; i++)
	{
		int			value = value_of(text[i], url);

		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32) value) & 0xFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			out[n++] = (unsigned char) (bits >> nbits);
		}
	}
	*out_len = n;
	return true;
}

bool
quay_base64_decode(const char *text, size_t len, unsigned char *out, size_t *out_len)
{
	int			padding = 0;

	*out_len = 0;
	if (len % 4 != 0)
		return false;
	while (padding < 2 && len > 0 && text[len - 1 - padding] == '=')
		padding++;
	return decode(text, len - padding, false, out, out_len);
}

bool
quay_base64url_decode(const char *text, size_t len, unsigned char *out, size_t *out_len)
{
	return decode(text, len, true, out, out_len);
}

void
quay_base64url_encode(const unsigned char *bytes, size_t len, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint32		bits = 0;
	int			nbits = 0;
	size_t		i;

	for (i = 0; i < len; i++)
	{
		bits = (bits << 8 | bytes[i]) & 0xFFFF;
		nbits += 8;
		while (nbits >= 6)
		{
			nbits -= 6;
			*out++ = alphabet[bits >> nbits & 0x3F];
		}
	}
	if (nbits > 0)
		*out++ = alphabet[bits << (6 - nbits) & 0x3F];
	*out = '\0';
}
