/*
 * lookup.h
 *	  Finding users, repositories, tags and manifests: one index probe each.
 */
#ifndef QUAY_REGISTRY_LOOKUP_H
#define QUAY_REGISTRY_LOOKUP_H

#include "executor/tuptable.h"

/* Values of repository.state. */
typedef enum QuayRepositoryState
{
	QUAY_STATE_NORMAL = 0,
	QUAY_STATE_READ_ONLY = 1,
	QUAY_STATE_MIRROR = 2,
	QUAY_STATE_MARKED_FOR_DELETION = 3,
	QUAY_STATE_ORG_MIRROR = 4
} QuayRepositoryState;

/* A row of "user": a person, an organization or a robot. */
typedef struct QuayUser
{
	int64		id;
	bool		organization;
	bool		robot;
	bool		enabled;
} QuayUser;

typedef struct QuayRepository
{
	int64		id;
	int64		namespace_id;
	bool		is_public;
	QuayRepositoryState state;
} QuayRepository;

/* One period of a tag. */
typedef struct QuayTag
{
	int64		id;
	int64		manifest_id;
	int64		start_ms;
	int64		end_ms;			/* PG_INT64_MAX if it has no end */
	bool		immutable;
} QuayTag;

typedef struct QuayManifestRow
{
	int64		id;
	int64		size;			/* of the manifest itself, in bytes */
	int64		layers_size;	/* compressed, of all layers; -1 if not known */
	text	   *digest;
	text	   *media_type;
	text	   *bytes;			/* NULL unless asked for */
	text	   *artifact_type;	/* may be NULL */
	text	   *subject;		/* may be NULL */
} QuayManifestRow;

/* Any row of that name. */
extern bool quay_lookup_user(const text *username, QuayUser *user);

/* The same by id; username is a copy. */
extern bool quay_lookup_user_by_id(int64 id, QuayUser *user, text **username);

/* A row of repository. */
extern void quay_lookup_read_repository(TupleTableSlot *slot, QuayRepository *repository);

/* Any repository of that name, whatever its state. */
extern bool quay_lookup_repository(int64 namespace_id, const text *name, QuayRepository *repository);

/* The repository of that name that is not marked for deletion; nobody is asked whether he may see it. */
extern bool quay_lookup_repository_by_name(const text *namespace_name, const text *name, QuayRepository *repository);

/*
 * The visible tag that was alive at that time (see quay_lookup_tag_now for the present): start <= at < end.
 */
extern bool quay_lookup_tag_at(int64 repository_id, const text *name, int64 at_ms, QuayTag *tag);

/* The visible tag that is alive now: its end is after now, or it has none. Its start is not looked at. */
extern bool quay_lookup_tag_now(int64 repository_id, const text *name, QuayTag *tag);

/* Did a visible tag of that name exist, all of whose periods are over? */
extern bool quay_lookup_tag_expired(int64 repository_id, const text *name);

/* The manifest of that id; its bytes only if asked for. */
extern bool quay_lookup_manifest(int64 manifest_id, bool with_bytes, QuayManifestRow *manifest);

/*
 * The manifest of that digest, if it is alive: a live tag, visible or hidden, points to it or to an index that lists it.
 */
extern bool quay_lookup_manifest_by_digest(int64 repository_id, const text *digest, bool with_bytes, QuayManifestRow *manifest);

#endif							/* QUAY_REGISTRY_LOOKUP_H */
