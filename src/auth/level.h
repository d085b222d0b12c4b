/*
 * level.h
 *	  Names of what one may do: the levels of decisions, each of which includes what stands before it.
 */
#ifndef QUAY_AUTH_LEVEL_H
#define QUAY_AUTH_LEVEL_H

#include "auth/scope.h"

/* Names of the levels, from 0 to 3: on a repository, in a namespace, in the account of a user. */
extern const char *const quay_level_repository[];
extern const char *const quay_level_namespace[];
extern const char *const quay_level_user[];

/* Level of that name; anything else, and "none", is an error of the caller. what: as in "a repository". */
extern int	quay_level_parse(const char *const *levels, const text *action, const char *what);

/* Level of a role in a repository; unknown roles give nothing. */
extern QuayAction quay_level_of_role(const char *role);

#endif							/* QUAY_AUTH_LEVEL_H */
