/*
 * position.c
 *	  Up to where a queue, or a lane of it, has only what is gone, as far as this backend knows.
 *
 * Items are handed out by time, the oldest first, so the beginning of the index is where items go. As long as any transaction is open that
 * could still see them, their index entries cannot be removed, nor marked, and whoever looks for work walks over all that was done since:
 * after a minute of it the walk costs a thousand times what the item does. So each backend remembers how far it found only what is gone.
 *
 * It is a hint. It is right for what was in the index at the time: the walk stops at the first row that anybody could still see, or that is
 * just being added, taken or removed by a transaction that may commit or not (SnapshotDirty, in pick.c). Items can come in before it all the
 * same, if they were given a time that has passed: a negative delay, the clock of another server, somebody who was suspended between
 * reading the clock and writing the row. So a walk begins at the beginning now and then, and also when nothing is found behind the
 * hint; but then, if it is long, only so often that it takes a small part of the time.
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "queue/position.h"

#define MAX_POSITIONS 8192		/* then all is forgotten */

/* Microseconds of the wall clock. */
#define FULL_EVERY 1000000		/* a walk begins at the beginning as often as that, */
#define SHORT_WALK 256			/* and whenever nothing is found; but if it goes over more entries than these, */
#define FULL_SHARE 20			/* only after so many times what the last such walk took */

#define MARGIN 50000			/* microseconds by which the time of an item may lie behind the moment when its row appears */

static HTAB *positions = NULL;

/* When the next long walk from the beginning may be, of whichever position: together they take their share. */
static TimestampTz next_full = 0;

QuayQueuePosition *
quay_queue_position(const text *queue, bool whole, int32 lane)
{
	QuayQueuePositionKey key;
	QuayQueuePosition *position;
	bool		found;
	Size		length = VARSIZE_ANY_EXHDR(queue);

	if (length > QUAY_QUEUE_MAX_NAME)
		return NULL;
	if (positions != NULL && hash_get_num_entries(positions) >= MAX_POSITIONS)
	{
		hash_destroy(positions);
		positions = NULL;
	}
	if (positions == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(QuayQueuePositionKey),.entrysize = sizeof(QuayQueuePosition),.hcxt = CacheMemoryContext};

		positions = hash_create("quay queue positions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&key, 0, sizeof(key));
	memcpy(key.queue, VARDATA_ANY(queue), length);
	key.whole = whole;
	key.lane = lane;
	position = hash_search(positions, &key, HASH_ENTER, &found);
	if (!found)
	{
		position->front = DT_NOBEGIN;
		position->full_at = 0;
		position->full_steps = 0;
		position->empty = false;
		position->calls = 0;
		position->jump = DT_NOBEGIN;
		position->has_turn = false;
		position->turn = 0;
	}
	return position;
}

Timestamp
quay_queue_position_begin(QuayQueuePosition *position, Timestamp now, TimestampTz start)
{
	/* A front behind now: the clock was set back, and what we know is of the future. */
	if (position == NULL || position->full_at == 0 || position->full_at > start || position->front > now)
		return DT_NOBEGIN;
	if (start - position->full_at >= FULL_EVERY && (position->full_steps <= SHORT_WALK || start >= next_full))
		return DT_NOBEGIN;
	return position->front;
}

void
quay_queue_position_end(QuayQueuePosition *position, Timestamp now, TimestampTz start, Timestamp from, int64 steps, bool found,
						Timestamp front)
{
	if (position == NULL)
		return;
	position->front = now - MARGIN;
	if (found && front < position->front)
		position->front = front;
	if (TIMESTAMP_IS_NOBEGIN(from))
	{
		position->full_at = start;
		position->full_steps = steps;
		if (steps > SHORT_WALK)
			next_full = start + FULL_SHARE * (GetCurrentTimestamp() - start);
	}
}

bool
quay_queue_position_again(const QuayQueuePosition *position, Timestamp from, TimestampTz start)
{
	if (position == NULL || TIMESTAMP_IS_NOBEGIN(from))
		return false;
	return position->full_steps <= SHORT_WALK || start >= next_full;
}
