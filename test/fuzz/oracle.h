/*-------------------------------------------------------------------------
 *
 * oracle.h
 *	  Second opinions for the fuzz targets: the published grammars, as
 *	  regular expressions, run by the C library.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_FUZZ_ORACLE_H
#define QUAY_FUZZ_ORACLE_H

/* End the program with a message if a condition does not hold. */
#define CHECK(condition) \
	((condition) ? (void) 0 : oracle_fail(#condition, __FILE__, __LINE__))

extern void oracle_fail(const char *condition, const char *file, int line)
			__attribute__((noreturn));

/* Longer inputs are not given to a regular expression: it would take long. */
#define ORACLE_MAX_LENGTH 700

/*
 * Does the whole input match an extended regular expression?  False if it
 * contains a zero byte.
 */
extern bool oracle_matches(const char *pattern, const char *s, size_t length);

/* Is this terminated string valid UTF-8 without control characters? */
extern bool oracle_is_clean(const char *s);

#endif							/* QUAY_FUZZ_ORACLE_H */
