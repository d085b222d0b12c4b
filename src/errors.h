/*
 * errors.h
 *	  SQLSTATEs of class QY that C code raises: one per domain error.
 *
 * doc/errors.md lists them all, with the OCI error code that a front end answers; a test holds the two lists against each other.
 * SQL functions write the same codes as literals (ERRCODE = 'QY030').
 */
#ifndef QUAY_ERRORS_H
#define QUAY_ERRORS_H

#include "utils/elog.h"

#define QUAY_ERRCODE_KIND_UNKNOWN				MAKE_SQLSTATE('Q', 'Y', '0', '0', '9')
#define QUAY_ERRCODE_DIGEST_INVALID				MAKE_SQLSTATE('Q', 'Y', '0', '2', '0')
#define QUAY_ERRCODE_DIGEST_UNSUPPORTED			MAKE_SQLSTATE('Q', 'Y', '0', '2', '2')
#define QUAY_ERRCODE_MANIFEST_INVALID			MAKE_SQLSTATE('Q', 'Y', '0', '3', '0')
#define QUAY_ERRCODE_MANIFEST_TOO_LARGE			MAKE_SQLSTATE('Q', 'Y', '0', '3', '1')
#define QUAY_ERRCODE_MEDIA_TYPE_UNSUPPORTED		MAKE_SQLSTATE('Q', 'Y', '0', '3', '2')
#define QUAY_ERRCODE_CONFIG_INVALID				MAKE_SQLSTATE('Q', 'Y', '0', '3', '6')
#define QUAY_ERRCODE_UPLOAD_STATE_CORRUPT		MAKE_SQLSTATE('Q', 'Y', '0', '5', '4')
#define QUAY_ERRCODE_DECRYPTION_FAILED			MAKE_SQLSTATE('Q', 'Y', '0', '6', '0')
#define QUAY_ERRCODE_INVALID_SECRET				MAKE_SQLSTATE('Q', 'Y', '0', '6', '1')
#define QUAY_ERRCODE_VERSION_MISMATCH			MAKE_SQLSTATE('Q', 'Y', '0', '9', '0')
#define QUAY_ERRCODE_USER_DATA_EXISTS			MAKE_SQLSTATE('Q', 'Y', '0', '9', '1')

#endif							/* QUAY_ERRORS_H */
