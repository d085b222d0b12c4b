/*
 * guard.h
 *	  Refuses to drop a registry that holds data.
 */
#ifndef QUAY_GUARD_H
#define QUAY_GUARD_H

/* Called once, when the library is loaded. */
extern void quay_guard_init(void);

#endif							/* QUAY_GUARD_H */
