/*
 * plan.h
 *	  Statements that C code runs through SPI, planned once per backend.
 */
#ifndef QUAY_PLAN_H
#define QUAY_PLAN_H

#include "executor/spi.h"

typedef enum QuayPlan
{
	QUAY_PLAN_MIRROR_ROBOT,
	QUAY_PLAN_ORGMIRROR_ROBOT,
	QUAY_PLAN_BLOB_USE_DROP,
	QUAY_PLAN_TAG_DELETE,
	QUAY_PLAN_BUILDLOG_LAST,
	QUAY_PLAN_BUILDLOG_ADD,
	QUAY_PLAN_BUILDLOG_ADD_MANY,
	QUAY_PLAN_BUILDLOG_BEGIN
} QuayPlan;

#define QUAY_PLAN_COUNT (QUAY_PLAN_BUILDLOG_BEGIN + 1)

/* The kept plan of a statement; made, or made anew if it has become invalid. Needs an open SPI connection. */
extern SPIPlanPtr quay_plan_get(QuayPlan plan);

/*
 * Runs a statement that reads one bigint for one bigint argument, with the active snapshot. False if there is no row or it is NULL.
 * Opens and closes the SPI connection itself.
 */
extern bool quay_plan_read_int64(QuayPlan plan, int64 argument, int64 *result);

#endif							/* QUAY_PLAN_H */
