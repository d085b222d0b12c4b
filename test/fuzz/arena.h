/*-------------------------------------------------------------------------
 *
 * arena.h
 *	  Memory of the stand-alone programs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef QUAY_FUZZ_ARENA_H
#define QUAY_FUZZ_ARENA_H

/* Free everything that palloc() and its kin have handed out. */
extern void arena_reset(void);

/* Bytes in use now. */
extern size_t arena_in_use(void);

#endif							/* QUAY_FUZZ_ARENA_H */
