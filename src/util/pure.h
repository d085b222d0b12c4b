/*-------------------------------------------------------------------------
 *
 * pure.h
 *	  First include of the code that needs no server.
 *
 * The files of src/util that include this header make no database call.  They
 * are compiled twice: into the extension, and with -DFRONTEND into the
 * stand-alone programs of test/fuzz.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_PURE_H
#define QUAY_PURE_H

#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>

#endif							/* QUAY_PURE_H */
