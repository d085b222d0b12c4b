/*
 * change.h
 *	  Changes that sessions must hear of before they trust what they remember.
 */
#ifndef QUAY_CHANGE_H
#define QUAY_CHANGE_H

#include "catalog.h"

/*
 * A signal is an empty table whose invalidation is the message (QUAY_ENTITY_CHANGE, QUAY_RIGHTS_CHANGE).
 *
 * quay_change_announce is for triggers: something that others may remember changes in this transaction. quay_change_is_quiet takes in all
 * messages that there are and says whether no such transaction is under way; only then what is remembered may be trusted.
 */
extern void quay_change_announce(QuayTable signal);
extern bool quay_change_is_quiet(QuayTable signal);

#endif							/* QUAY_CHANGE_H */
