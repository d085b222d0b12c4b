/*-------------------------------------------------------------------------
 *
 * base64.h
 *	  Strict base64 (RFC 4648): padded standard form, unpadded URL-safe form.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_BASE64_H
#define QUAY_BASE64_H

#include "util/pure.h"

/* Room that the decoders need for a text of n bytes. */
#define QUAY_BASE64_DECODED_ROOM(n)		((size_t) (n) / 4 * 3 + 3)

/* Length of the unpadded form of n bytes, without a final NUL. */
#define QUAY_BASE64URL_LEN(n)			(((size_t) (n) * 4 + 2) / 3)

/*
 * Decode.  False if there is any other character, blanks and line breaks
 * included, or if the padding is wrong; the URL-safe form has none.
 */
extern bool quay_base64_decode(const char *text, size_t len, unsigned char *out, size_t *out_len);
extern bool quay_base64url_decode(const char *text, size_t len, unsigned char *out, size_t *out_len);

/* Encode; "out" has room for QUAY_BASE64URL_LEN(len) + 1 bytes. */
extern void quay_base64url_encode(const unsigned char *bytes, size_t len, char *out);

#endif							/* QUAY_BASE64_H */
