/*-------------------------------------------------------------------------
 *
 * unit_token.h
 *	  Unit tests of base64, encrypted passwords and RSA keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_FUZZ_UNIT_TOKEN_H
#define QUAY_FUZZ_UNIT_TOKEN_H

/* Reports each test to "ok". */
extern void unit_token(void (*ok) (bool passed, const char *name));

#endif							/* QUAY_FUZZ_UNIT_TOKEN_H */
