/*
 * entity.h
 *	  Users and repositories that this backend has met, by name.
 */
#ifndef QUAY_ENTITY_H
#define QUAY_ENTITY_H

#include "registry/lookup.h"
#include "scan.h"

/*
 * Look-ups: first ask for what is remembered; if that is nothing, call quay_entity_read_begins, read the row, and offer it. "False" says
 * nothing about the table.
 */
extern bool quay_entity_find_user(const text *username, QuayUser *user);
extern bool quay_entity_find_repository(int64 namespace_id, const text *name, QuayRepository *repository);

/* The point from which on an invalidation makes what is read now unfit to be remembered. */
extern uint64 quay_entity_read_begins(void);

extern void quay_entity_offer_user(const text *username, const QuayUser *user, QuayScan *row, uint64 begun);
extern void quay_entity_offer_repository(const text *name, const QuayRepository *repository, QuayScan *row, uint64 begun);

#endif							/* QUAY_ENTITY_H */
