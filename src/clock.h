/*
 * clock.h
 *	  The present, for every function.
 */
#ifndef QUAY_CLOCK_H
#define QUAY_CLOCK_H

#include "datatype/timestamp.h"

/* The server's clock, or what quay.clock says. */
extern TimestampTz quay_clock_now(void);

/* The same in milliseconds since 1970, the unit of tag lifetimes. */
extern int64 quay_clock_now_ms(void);

/* A point in time in that unit. */
extern int64 quay_clock_to_ms(TimestampTz at);

#endif							/* QUAY_CLOCK_H */
