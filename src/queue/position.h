/*
 * position.h
 *	  Up to where a queue, or a lane of it, has only what is gone, as far as this backend knows.
 */
#ifndef QUAY_QUEUE_POSITION_H
#define QUAY_QUEUE_POSITION_H

#include "datatype/timestamp.h"

#define QUAY_QUEUE_MAX_NAME 60	/* bytes; of a queue with a longer name nothing is remembered */

typedef struct QuayQueuePositionKey
{
	char		queue[QUAY_QUEUE_MAX_NAME + 1]; /* filled up with zeros */
	bool		whole;			/* the queue, not a lane of it */
	int32		lane;
} QuayQueuePositionKey;

typedef struct QuayQueuePosition
{
	QuayQueuePositionKey key;
	Timestamp	front;			/* what may be taken is not due before it */
	TimestampTz full_at;		/* when a walk last began at the beginning, */
	int64		full_steps;		/* and over how many entries it went */
	bool		empty;			/* of a whole queue: nothing was found the last time */
	int64		calls;			/* in order: how often it was called, */
	Timestamp	jump;			/* and where the last walk ended that had a long way over blocked paths; DT_NOBEGIN: none */
	bool		has_turn;
	int32		turn;			/* the lane that was served last */
} QuayQueuePosition;

/* Valid until the next call; NULL: nothing is remembered. */
extern QuayQueuePosition *quay_queue_position(const text *queue, bool whole, int32 lane);

/* Where to begin a walk that starts now (wall clock), and what it found: where the front is, if there is one. */
extern Timestamp quay_queue_position_begin(QuayQueuePosition *position, Timestamp now, TimestampTz start);
extern void quay_queue_position_end(QuayQueuePosition *position, Timestamp now, TimestampTz start, Timestamp from, int64 steps,
									bool found, Timestamp front);

/* Nothing was found behind the front: may one begin at the beginning, or would that take too much of the time? */
extern bool quay_queue_position_again(const QuayQueuePosition *position, Timestamp from, TimestampTz start);

#endif							/* QUAY_QUEUE_POSITION_H */
