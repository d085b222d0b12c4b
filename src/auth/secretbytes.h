/*
 * secretbytes.h
 *	  Secrets between the server's encoding and UTF-8.
 */
#ifndef QUAY_AUTH_SECRETBYTES_H
#define QUAY_AUTH_SECRETBYTES_H

#include "postgres.h"

/* Bytes in some encoding, which may be those of a datum or a copy. */
typedef struct QuaySecretBytes
{
	char	   *data;
	size_t		len;
	bool		copied;
} QuaySecretBytes;

/*
 * A secret in the server's encoding as UTF-8; raises an error that does not
 * quote it if that is impossible.  To be released after use, which wipes it.
 */
extern QuaySecretBytes quay_secret_to_utf8(const char *data, size_t len);
extern void quay_secret_release(QuaySecretBytes *bytes);

/*
 * Make a text of decrypted bytes; NULL if they are not valid UTF-8, contain a
 * zero byte or cannot be represented in the server's encoding.
 */
extern text *quay_secret_text_of_utf8(const char *plain, size_t len);

#endif							/* QUAY_AUTH_SECRETBYTES_H */
