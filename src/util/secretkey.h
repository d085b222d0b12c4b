/*-------------------------------------------------------------------------
 *
 * secretkey.h
 *	  Derivation of the 32-byte field key from DATABASE_SECRET_KEY.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_SECRETKEY_H
#define QUAY_SECRETKEY_H

#include "util/pure.h"

#define QUAY_SECRETKEY_LEN		32

/*
 * Decimal keys with more digits than this are not integers to Python
 * (sys.int_info.default_max_str_digits), so they are read as characters.
 */
#define QUAY_SECRETKEY_MAX_INT_DIGITS	4300

typedef enum QuaySecretKeyStatus
{
	QUAY_SECRETKEY_OK,
	QUAY_SECRETKEY_EMPTY,		/* no character at all */
	QUAY_SECRETKEY_CHARACTER,	/* a character above U+00FF */
	QUAY_SECRETKEY_ENCODING,	/* not valid UTF-8 */
	QUAY_SECRETKEY_NO_MEMORY
} QuaySecretKeyStatus;

/*
 * Derive the key from "text", which is "len" bytes of UTF-8.
 *
 * On any other status than QUAY_SECRETKEY_OK the key is all zeros.  The caller
 * wipes the key with OPENSSL_cleanse() when done.  Cheap enough (a few
 * microseconds) for a GUC check hook and for each use.
 */
extern QuaySecretKeyStatus quay_secretkey_derive(const char *text, size_t len,
												 unsigned char key[QUAY_SECRETKEY_LEN]);

/* A fixed sentence fragment for a status; never contains any part of the key. */
extern const char *quay_secretkey_status_text(QuaySecretKeyStatus status);

#endif							/* QUAY_SECRETKEY_H */
