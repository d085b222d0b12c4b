/*
 * guc.h
 *	  Settings of the extension. doc/settings.md is generated from them.
 */
#ifndef QUAY_GUC_H
#define QUAY_GUC_H

extern bool quay_guc_allow_drop;
extern bool quay_guc_anonymous_access;
extern int	quay_guc_buildlog_lifetime;
extern int	quay_guc_buildlog_notify_interval;
extern char *quay_guc_clock;
extern char *quay_guc_database_secret_key;
extern char *quay_guc_database_secret_key_file;
extern char *quay_guc_database_secret_key_previous;
extern char *quay_guc_database_secret_key_previous_file;
extern int	quay_guc_entity_cache_size;
extern int	quay_guc_maximum_manifest_size;
extern bool quay_guc_notify;
extern bool quay_guc_refuse_over_limit;
extern bool quay_guc_restricted_users;
extern int	quay_guc_rights_cache_size;
extern char *quay_guc_secret_key;
extern char *quay_guc_secret_key_file;
extern bool quay_guc_superusers;
extern bool quay_guc_superusers_full_access;

/* Defines every setting; called once, from _PG_init. */
extern void quay_guc_define(void);

#endif							/* QUAY_GUC_H */
