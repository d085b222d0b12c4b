/*
 * key.h
 *	  The keys of encrypted fields and passwords: from settings, or from files that settings name.
 */
#ifndef QUAY_AUTH_KEY_H
#define QUAY_AUTH_KEY_H

#include "postgres.h"

/*
 * Derive the key of encrypted fields. Raises an error if it is not set, cannot be read or cannot be a key. The caller wipes it, of
 * QUAY_SECRETKEY_LEN bytes, with OPENSSL_cleanse().
 */
extern void quay_key_load(unsigned char *key);

/* The same for the key before it; false if it is not set. */
extern bool quay_key_load_previous(unsigned char *key);

/* The same for the key of encrypted passwords. The second returns false instead of an error if it is not set or cannot be a key. */
extern void quay_key_load_password(unsigned char *key);
extern bool quay_key_try_password(unsigned char *key);

/* The same for a text in the server's encoding, which errors do not quote. */
extern void quay_key_derive(const char *text, size_t len, unsigned char *key);

#endif							/* QUAY_AUTH_KEY_H */
