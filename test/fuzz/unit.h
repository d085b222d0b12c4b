/*-------------------------------------------------------------------------
 *
 * unit.h
 *	  Unit tests of the parsers, with TAP output.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_FUZZ_UNIT_H
#define QUAY_FUZZ_UNIT_H

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "sha256:" HEX64
#define DIGEST512 "sha512:" HEX64 HEX64

/* A string constant and its length, which may be less than strlen() says. */
#define BYTES(literal) (literal), sizeof(literal) - 1

/* Report one test. */
extern void unit_ok(bool passed, const char *name);

/* Report a comparison of numbers; on failure, both are shown. */
extern void unit_is_int(int64 got, int64 expected, const char *name);

/* Report a comparison of strings, which may be NULL. */
extern void unit_is_text(const char *got, const char *expected, const char *name);

/* A string of `count` times one character. */
extern char *unit_repeat(char c, int count);

extern void unit_names(void);
extern void unit_manifest(void);
extern void unit_config(void);
extern void unit_schema1(void);

#endif							/* QUAY_FUZZ_UNIT_H */
