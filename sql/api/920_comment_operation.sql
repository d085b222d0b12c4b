-- What the tables of versions, builds, notifications, queue, audit logs and the retired application registry hold (schema/000, 110
-- to 150): text for \d+ and for doc/. `timestamp` columns hold UTC.

-- The record of versions

COMMENT ON TABLE quay_internal.schema_version IS 'Which version of the extension the rows of this database belong to. Two rows: data of one version restored into the schema of another.';
COMMENT ON COLUMN quay_internal.schema_version.version IS 'Primary key. Extension version, as in pg_extension.extversion.';
COMMENT ON COLUMN quay_internal.schema_version.installed_at IS 'UTC time when the install or update script of that version ran.';

COMMENT ON TABLE quay.alembic_version IS 'Revision of the reference application''s own migrations that these tables match; it reads this at start-up. One row.';
COMMENT ON COLUMN quay.alembic_version.version_num IS 'Primary key. Alembic revision, such as 9fa37f66a9b6.';
-- Builds

COMMENT ON TABLE quay.repositorybuildtrigger IS 'Hooks at a source hosting service that start builds of a repository. Too many failures in a row switch one off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuildtrigger.uuid IS 'Public handle (UUID v4), part of the webhook URL. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuildtrigger.service_id IS 'Hosting service that calls.';
COMMENT ON COLUMN quay.repositorybuildtrigger.repository_id IS 'Repository the builds push to.';
COMMENT ON COLUMN quay.repositorybuildtrigger.connected_user_id IS 'User who set it up and whose authorization at the service is used.';
COMMENT ON COLUMN quay.repositorybuildtrigger.config IS 'JSON object, its shape depends on the service: build_source, dockerfile_path, context and the like; {} while incomplete.';
COMMENT ON COLUMN quay.repositorybuildtrigger.write_token_id IS 'Access token of the webhook. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_reason_id IS 'Why it was switched off last. The reference leaves it when it is switched on again. NULL: never switched off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.enabled IS 'False: builds through it are refused, also by hand.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_failure_count IS 'Builds failed in a row; 100 switch the trigger off (reference default). Success resets it.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_internal_error_count IS 'Builds in a row ended by an error of the builder; 5 switch the trigger off (reference default).';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_datetime IS 'UTC time of the last switching off; set at creation too, so meaningful only while enabled is false. NULL: never.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_auth_token IS 'Secret, encrypted (v0$$...): the user''s token at the service. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_private_key IS 'Secret, encrypted (v0$$...): deploy key in PEM with which the source is fetched. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.fully_migrated IS 'Legacy: the secrets were moved from plain text to the encrypted columns. Nothing reads it.';

COMMENT ON TABLE quay.repositorybuild IS 'Builds, one row each. Progress and log lines are in the build log; the job itself is a queue item.';
COMMENT ON COLUMN quay.repositorybuild.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuild.uuid IS 'Public handle (UUID v4) and key of the archived log. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuild.repository_id IS 'Repository the result is pushed to.';
COMMENT ON COLUMN quay.repositorybuild.access_token_id IS 'Token with which the builder pushes.';
COMMENT ON COLUMN quay.repositorybuild.resource_key IS 'Id of the uploaded Dockerfile or archive in object storage. NULL: the source comes from a trigger.';
COMMENT ON COLUMN quay.repositorybuild.job_config IS 'JSON object: docker_tags, build_subdir, context, trigger_metadata and the like.';
COMMENT ON COLUMN quay.repositorybuild.phase IS 'waiting, build-scheduled, unpacking, pulling, building, pushing; final: complete, error, internalerror, cancelled.';
COMMENT ON COLUMN quay.repositorybuild.started IS 'UTC time when the build was requested.';
COMMENT ON COLUMN quay.repositorybuild.display_name IS 'Shown to people, such as a short commit id.';
COMMENT ON COLUMN quay.repositorybuild.trigger_id IS 'Trigger that started it. NULL: started by hand.';
COMMENT ON COLUMN quay.repositorybuild.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuild.logs_archived IS 'True: the log was moved to object storage. Set once; whoever sets it cleans up.';
COMMENT ON COLUMN quay.repositorybuild.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued.';
-- Notifications

COMMENT ON TABLE quay.notification IS 'Notices shown to a user in the application until dismissed. Admins of an organization see those of the organization.';
COMMENT ON COLUMN quay.notification.id IS 'Primary key.';
COMMENT ON COLUMN quay.notification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.notification.kind_id IS 'What the notice is about.';
COMMENT ON COLUMN quay.notification.target_id IS 'Account that is notified: person, organization or robot.';
COMMENT ON COLUMN quay.notification.metadata_json IS 'JSON object with the details that the kind needs, {} for none.';
COMMENT ON COLUMN quay.notification.created IS 'UTC time of the notice.';
COMMENT ON COLUMN quay.notification.dismissed IS 'True: the user closed it; hidden from lists, can be reopened.';
COMMENT ON COLUMN quay.notification.lookup_path IS 'Path by which a group of notices is removed together, such as /service_key_approval/<kid>/<id>. NULL: none.';

COMMENT ON TABLE quay.repositorynotification IS 'Subscriptions: which event of a repository is delivered where. Three failed deliveries in a row disable one.';
COMMENT ON COLUMN quay.repositorynotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorynotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.repositorynotification.repository_id IS 'Repository watched.';
COMMENT ON COLUMN quay.repositorynotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.repositorynotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.repositorynotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.repositorynotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.repositorynotification.event_config_json IS 'JSON object: filter on the event, such as a lowest severity, a ref-regex or days before expiry; {} for none.';
COMMENT ON COLUMN quay.repositorynotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.repositorynotification.last_ran_ms IS 'Last image expiry scan, ms since epoch UTC; claim of that scan. NULL: never, so first.';
COMMENT ON COLUMN quay.repositorynotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

COMMENT ON TABLE quay.namespacenotification IS 'Subscriptions: which event of a namespace, such as quota_warning, is delivered where. Three failures in a row disable one.';
COMMENT ON COLUMN quay.namespacenotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespacenotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.namespacenotification.namespace_id IS 'Namespace watched.';
COMMENT ON COLUMN quay.namespacenotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.namespacenotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.namespacenotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.namespacenotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.namespacenotification.event_config_json IS 'JSON object: filter on the event, {} for none.';
COMMENT ON COLUMN quay.namespacenotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.namespacenotification.last_ran_ms IS 'Same shape as in repositorynotification; no namespace event is scanned for. ms since epoch UTC. NULL: never.';
COMMENT ON COLUMN quay.namespacenotification.last_error IS 'What the last delivery failed with; NULL: it did not. Confidential: may quote an URL.';

COMMENT ON TABLE quay.tagnotificationsuccess IS 'Tags whose coming expiry was already announced. Cleared when the end of the tag changes or the tag goes.';
COMMENT ON COLUMN quay.tagnotificationsuccess.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagnotificationsuccess.notification_id IS 'Subscription that was served.';
COMMENT ON COLUMN quay.tagnotificationsuccess.tag_id IS 'Tag row that was announced.';
COMMENT ON COLUMN quay.tagnotificationsuccess.method_id IS 'Channel used.';

COMMENT ON TABLE quay.messages IS 'Messages to everybody who uses the front end, such as announced downtimes. Superusers write them.';
COMMENT ON COLUMN quay.messages.id IS 'Primary key.';
COMMENT ON COLUMN quay.messages.content IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.messages.uuid IS 'Public handle (UUID v4) for deletion. Unique, but for rows written without one, which have an empty text.';
COMMENT ON COLUMN quay.messages.media_type_id IS 'How to show the text: text/plain or text/markdown.';
COMMENT ON COLUMN quay.messages.severity IS 'info, warning or error.';
-- Queue and releases

COMMENT ON TABLE quay.queueitem IS 'Work queue: jobs that workers claim, extend and complete, queue_put(), queue_get(), queue_extend(), queue_complete().';
COMMENT ON COLUMN quay.queueitem.id IS 'Primary key; stored as text in the queue_id columns elsewhere.';
COMMENT ON COLUMN quay.queueitem.queue_name IS 'Queue and path joined and ended by /, such as repositorygc/acme/17/. An ordered queue_get() runs one item per path at a time.';
COMMENT ON COLUMN quay.queueitem.body IS 'The job, JSON by convention. Confidential: build jobs may carry a robot''s token in clear.';
COMMENT ON COLUMN quay.queueitem.available_after IS 'UTC time before which the item is not handed out.';
COMMENT ON COLUMN quay.queueitem.available IS 'True: free to claim. False: claimed, unless processing_expires has passed.';
COMMENT ON COLUMN quay.queueitem.processing_expires IS 'UTC time when the present or last claim ends. NULL: never claimed.';
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead once the last claim has ended, see queue_dead_list(); queue_expire() cleans up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new whenever the item changes hands, unique: the claim of whoever has it, which all his calls are compared with. An extension appends "+" and a number.';

COMMENT ON TABLE quay.quayregion IS 'Regions in which services of the registry run. Rows are made on demand.';
COMMENT ON COLUMN quay.quayregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayregion.name IS 'Unique, such as us.';

COMMENT ON TABLE quay.quayservice IS 'Services whose releases are recorded. Rows are made on demand.';
COMMENT ON COLUMN quay.quayservice.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayservice.name IS 'Unique, such as quay.';

COMMENT ON TABLE quay.quayrelease IS 'Releases of a service that ran on this database, per region; the reference''s migration runner looks here for the one before.';
COMMENT ON COLUMN quay.quayrelease.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayrelease.service_id IS 'Service released.';
COMMENT ON COLUMN quay.quayrelease.version IS 'Version of the front end, free text; once per service and region.';
COMMENT ON COLUMN quay.quayrelease.region_id IS 'Region it was deployed in.';
COMMENT ON COLUMN quay.quayrelease.reverted IS 'True: rolled back, left out of the list of releases.';
COMMENT ON COLUMN quay.quayrelease.created IS 'UTC time of deployment; newest first is the order of releases.';
-- Audit logs

COMMENT ON TABLE quay.logentry IS 'Audit log, first generation: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry2 IS 'Audit log, second generation, once used by the hosted service: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry2.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry2.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry2.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry2.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry2.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry2.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry2.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry2.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3 IS 'Audit log, the generation that log_write() fills, partitioned by month; old months are dropped or exported, not deleted.';
COMMENT ON COLUMN quay.logentry3.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3.datetime IS 'UTC time of the action; chooses the partition, so second part of the primary key.';
COMMENT ON COLUMN quay.logentry3.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3_default IS 'Default partition of logentry3: entries of months that have no partition. log_partition_ensure() moves them out.';
COMMENT ON COLUMN quay.logentry3_default.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3_default.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3_default.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3_default.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3_default.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3_default.datetime IS 'UTC time of the action, in a month without partition.';
COMMENT ON COLUMN quay.logentry3_default.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3_default.metadata_json IS 'JSON object with the details of the action, {} for none.';
-- The retired application registry

COMMENT ON TABLE quay.apprtagkind IS 'Retired application registry, enumeration: kinds of its tags. No live reader or writer.';
COMMENT ON COLUMN quay.apprtagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtagkind.name IS 'Unique. Seeded: tag, release, channel.';

COMMENT ON TABLE quay.apprblobplacementlocation IS 'Retired application registry, enumeration: storage engines of its blobs. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacementlocation.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacementlocation.name IS 'Unique. Seeded: local_eu, local_us.';

COMMENT ON TABLE quay.apprblob IS 'Retired application registry: package archives. No live reader or writer.';
COMMENT ON COLUMN quay.apprblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblob.digest IS 'Digest of the archive, unique across the registry.';
COMMENT ON COLUMN quay.apprblob.media_type_id IS 'Media type of the archive, application/vnd.cnr.*.';
COMMENT ON COLUMN quay.apprblob.size IS 'Bytes as stored.';
COMMENT ON COLUMN quay.apprblob.uncompressed_size IS 'Bytes after decompression. NULL: unknown.';

COMMENT ON TABLE quay.apprblobplacement IS 'Retired application registry: where the bytes of an archive are. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacement.blob_id IS 'Archive whose bytes are there.';
COMMENT ON COLUMN quay.apprblobplacement.location_id IS 'Storage engine that holds a copy; once per archive.';

COMMENT ON TABLE quay.apprmanifest IS 'Retired application registry: manifests of packages. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifest.digest IS 'Digest of the manifest, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifest.media_type_id IS 'Kind of package, such as Helm or kpm.';
COMMENT ON COLUMN quay.apprmanifest.manifest_json IS 'The manifest, JSON object.';

COMMENT ON TABLE quay.apprmanifestblob IS 'Retired application registry: which archives a manifest uses. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestblob.manifest_id IS 'Manifest that uses the archive.';
COMMENT ON COLUMN quay.apprmanifestblob.blob_id IS 'Archive used; once per manifest.';

COMMENT ON TABLE quay.apprmanifestlist IS 'Retired application registry: one version of an application in all its package formats. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlist.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlist.digest IS 'Digest of the list, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifestlist.manifest_list_json IS 'The list, JSON.';
COMMENT ON COLUMN quay.apprmanifestlist.schema_version IS 'Version of the format of the list.';
COMMENT ON COLUMN quay.apprmanifestlist.media_type_id IS 'Media type of the list.';

COMMENT ON TABLE quay.apprmanifestlistmanifest IS 'Retired application registry: which manifests a list contains. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_list_id IS 'List, the parent.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_id IS 'Manifest listed, the child.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.operating_system IS 'Operating system it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.architecture IS 'Processor architecture it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.platform_json IS 'JSON object with the full platform. NULL: none.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.media_type_id IS 'Package format by which the manifest is chosen from the list.';

COMMENT ON TABLE quay.apprtag IS 'Retired application registry: releases and channels over time, one row per period. No live reader or writer.';
COMMENT ON COLUMN quay.apprtag.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtag.name IS 'Release (a version) or channel name.';
COMMENT ON COLUMN quay.apprtag.repository_id IS 'Repository of kind application.';
COMMENT ON COLUMN quay.apprtag.manifest_list_id IS 'Version pointed to. NULL: a channel, which points to a release through linked_tag_id.';
COMMENT ON COLUMN quay.apprtag.lifetime_start IS 'Start of the period, ms since epoch UTC.';
COMMENT ON COLUMN quay.apprtag.lifetime_end IS 'End of the period, ms since epoch UTC. NULL: current.';
COMMENT ON COLUMN quay.apprtag.hidden IS 'Left out of lists.';
COMMENT ON COLUMN quay.apprtag.reverted IS 'The row came from restoring an earlier state.';
COMMENT ON COLUMN quay.apprtag.protected IS 'Guarded against removal.';
COMMENT ON COLUMN quay.apprtag.tag_kind_id IS 'release, channel or tag.';
COMMENT ON COLUMN quay.apprtag.linked_tag_id IS 'Release that a channel points to. NULL: not a channel.';

COMMENT ON TABLE quay_internal.entity_change IS 'Always empty: its invalidation tells every session to forget the users and repositories that it remembers.';

-- Builds: logs and jobs

COMMENT ON TABLE quay_internal.build_log IS 'What belongs to the log of a build as a whole: status, age, archive. A row is there while there is something to know.';
COMMENT ON COLUMN quay_internal.build_log.build_id IS 'Build, which may be gone: then the row is for buildlog_expire().';
COMMENT ON COLUMN quay_internal.build_log.status IS 'What the worker said last, see buildlog_status_set(). NULL: nothing, or it has expired.';
COMMENT ON COLUMN quay_internal.build_log.status_ms IS 'When it said so, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.expires_ms IS 'When buildlog_expire() is to look whether lines and status are too old; in ms since 1970. Younger ones put it off only then. NULL: there are none.';
COMMENT ON COLUMN quay_internal.build_log.archive_claim IS 'Claim of the worker that archives the log, see build_archive_claim(). NULL: nobody does.';
COMMENT ON COLUMN quay_internal.build_log.archive_expires_ms IS 'When the claim is over, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log.archived_lines IS 'How many lines are in the archive; 0: there is no object. NULL: not archived, or not with build_archive_confirm().';

COMMENT ON TABLE quay_internal.build_log_line IS 'Lines of the logs of builds that are not archived yet.';
COMMENT ON COLUMN quay_internal.build_log_line.build_id IS 'Build whose log it is.';
COMMENT ON COLUMN quay_internal.build_log_line.index IS 'Place of the line in the log: 0, 1, 2 and so on, without a gap.';
COMMENT ON COLUMN quay_internal.build_log_line.created_ms IS 'When it was added, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_log_line.type IS 'command, phase or error; NULL: output of the build.';
COMMENT ON COLUMN quay_internal.build_log_line.message IS 'The line.';
COMMENT ON COLUMN quay_internal.build_log_line.data IS 'What else belongs to the line; NULL: nothing.';

COMMENT ON TABLE quay_internal.build_job IS 'Who runs which build: a row is the lease of a manager, see build_job_claim().';
COMMENT ON COLUMN quay_internal.build_job.build_id IS 'Build that is run.';
COMMENT ON COLUMN quay_internal.build_job.fence IS 'Number of the attempt, by which the manager and its worker are known; later attempts have higher ones.';
COMMENT ON COLUMN quay_internal.build_job.item_id IS 'Item of the queue dockerfilebuild.';
COMMENT ON COLUMN quay_internal.build_job.item_claim IS 'Claim of the item, see queue_get().';
COMMENT ON COLUMN quay_internal.build_job.manager IS 'Name of the manager.';
COMMENT ON COLUMN quay_internal.build_job.retries_remaining IS 'How often the build may be tried after this attempt.';
COMMENT ON COLUMN quay_internal.build_job.claimed_ms IS 'When the manager claimed it, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lease_expires_ms IS 'When the lease is over, unless a heartbeat comes; in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.lifetime_expires_ms IS 'When it is over whatever comes, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.executor IS 'Where the worker runs; NULL: not placed yet.';
COMMENT ON COLUMN quay_internal.build_job.execution_id IS 'By which it can be stopped there; NULL: not started yet.';
COMMENT ON COLUMN quay_internal.build_job.started_ms IS 'When the worker asked first for what it is to build, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.heartbeat_ms IS 'When it was heard of last, in ms since 1970.';
COMMENT ON COLUMN quay_internal.build_job.cancel_requested_ms IS 'When the build was cancelled, in ms since 1970. NULL: it was not.';
-- User events

COMMENT ON TABLE quay_internal.user_event IS 'What happened to users lately, for those who watch, such as an open page. Kept for quay.user_event_lifetime, and quay.user_event_limit of each user. Emptied by a crash.';
COMMENT ON COLUMN quay_internal.user_event.user_id IS 'Whom it happened to. No foreign key: an event does not keep a user from being deleted.';
COMMENT ON COLUMN quay_internal.user_event.id IS 'Position. Of one user events become visible in this order.';
COMMENT ON COLUMN quay_internal.user_event.event IS 'Kind of event, such as docker-cli.';
COMMENT ON COLUMN quay_internal.user_event.data IS 'What the publisher says about it.';
COMMENT ON COLUMN quay_internal.user_event.created_ms IS 'When, ms since epoch UTC.';
-- Cache, sessions, leases, marks, counters of pulls

COMMENT ON TABLE quay.cache_entry IS 'The cache: values by key, of which any may be lost at any time. UNLOGGED. A row without a value is a key that somebody loads or that was removed.';
COMMENT ON COLUMN quay.cache_entry.expires_ms IS 'Until when the value is fresh, ms since epoch UTC. 0: there is none.';
COMMENT ON COLUMN quay.cache_entry.drop_ms IS 'From when on the row may go, ms since epoch UTC; after expires_ms if the value may be served while a new one is loaded.';
COMMENT ON COLUMN quay.cache_entry.claim_ms IS 'Until when the loader has the key to himself, ms since epoch UTC. 0: nobody loads.';
COMMENT ON COLUMN quay.cache_entry.size IS 'Bytes that the entry counts for: key, value and 100. 0: there is no value.';
COMMENT ON COLUMN quay.cache_entry.former_size IS 'size before the last change.';
COMMENT ON COLUMN quay.cache_entry.key IS 'Key, compared by bytes; quay.cache_key() makes it of parts.';
COMMENT ON COLUMN quay.cache_entry.claim IS 'Who loads the key: what his quay.cache_set() must bring. NULL: nobody, or the claim is void.';
COMMENT ON COLUMN quay.cache_entry.value IS 'Value, if it is text.';
COMMENT ON COLUMN quay.cache_entry.bytes IS 'Value, if it is binary.';

COMMENT ON TABLE quay_internal.cache_generation IS 'Generations of groups of cached values, which are part of their keys. UNLOGGED. The name '''' stands for all names without a row.';
COMMENT ON COLUMN quay_internal.cache_generation.name IS 'Name of the group.';
COMMENT ON COLUMN quay_internal.cache_generation.generation IS 'Its generation, random.';
COMMENT ON COLUMN quay_internal.cache_generation.changed_ms IS 'When it began, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.cache_size IS 'Size of the cache: the sum of the rows. UNLOGGED.';
COMMENT ON COLUMN quay_internal.cache_size.bytes IS 'A summand, may be negative.';
COMMENT ON COLUMN quay_internal.cache_size.counted_ms IS 'When the entries were last counted, ms since epoch UTC; the latest of all rows is meant.';

COMMENT ON TABLE quay.session IS 'Sessions of people, and of visitors, at front ends. UNLOGGED.';
COMMENT ON COLUMN quay.session.id IS 'Primary key; grows with the age of a person''s sessions, and may be shown.';
COMMENT ON COLUMN quay.session.user_id IS 'Person who logged in. NULL: a visitor. No foreign key: a session without its person is over.';
COMMENT ON COLUMN quay.session.created_ms IS 'When it began, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.touched_ms IS 'When it was last known to be in use, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.expires_ms IS 'When it will be over unless it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ends_ms IS 'When it will be over even if it is touched, ms since epoch UTC.';
COMMENT ON COLUMN quay.session.ttl_s IS 'How long it lasts after it was touched, in seconds.';
COMMENT ON COLUMN quay.session.digest IS 'SHA-256 of the token.';
COMMENT ON COLUMN quay.session.uuid IS 'uuid that the person had when the session began; it is over when he has another one.';
COMMENT ON COLUMN quay.session.data IS 'What the front end keeps.';
COMMENT ON COLUMN quay.session.ip IS 'Address that the session began from. NULL: unknown.';
COMMENT ON COLUMN quay.session.user_agent IS 'Program that the session began in, as it calls itself. NULL: unknown.';

COMMENT ON TABLE quay.lease IS 'Locks with an owner and an end. A row stays for a day after the lease is over.';
COMMENT ON COLUMN quay.lease.name IS 'What is locked.';
COMMENT ON COLUMN quay.lease.owner IS 'Who has it, or had it until it ran out, as he calls himself. NULL: it was given back.';
COMMENT ON COLUMN quay.lease.fence IS 'Number of the acquisition: greater than that of every one before. 0: none yet.';
COMMENT ON COLUMN quay.lease.acquired_ms IS 'When it was acquired, ms since epoch UTC.';
COMMENT ON COLUMN quay.lease.expires_ms IS 'When it runs out, ms since epoch UTC; when it was given back.';

COMMENT ON TABLE quay_internal.freshness_mark IS 'Marks of new content and of revoked rights, for front ends that read rights from a standby. Not dumped: positions of this server.';
COMMENT ON COLUMN quay_internal.freshness_mark.username IS 'Who lost a right. Empty: the repository has new content.';
COMMENT ON COLUMN quay_internal.freshness_mark.namespace IS 'Namespace of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.repository IS 'Name of the repository.';
COMMENT ON COLUMN quay_internal.freshness_mark.marked IS 'Position in the WAL at which the mark was made.';
COMMENT ON COLUMN quay_internal.freshness_mark.expires_ms IS 'When the mark has no more meaning, ms since epoch UTC.';

COMMENT ON TABLE quay_internal.pull_pending IS 'Pulls that are not in the statistics yet. UNLOGGED.';
COMMENT ON COLUMN quay_internal.pull_pending.counted_ms IS 'When it was pulled, ms since epoch UTC.';
COMMENT ON COLUMN quay_internal.pull_pending.repository_id IS 'Repository that it was pulled from; it may be gone since.';
COMMENT ON COLUMN quay_internal.pull_pending.tag IS 'Tag that was asked for. NULL: it was asked for by digest.';
COMMENT ON COLUMN quay_internal.pull_pending.digest IS 'Digest of the manifest that was sent. NULL: not known.';

COMMENT ON TABLE quay_internal.pull_batch IS 'Batches of pulls that were counted within the last seven days, so that none counts twice.';
COMMENT ON COLUMN quay_internal.pull_batch.batch IS 'Key that the client gave to the batch.';
COMMENT ON COLUMN quay_internal.pull_batch.counted_ms IS 'When it was counted, ms since epoch UTC.';
-- Audit

COMMENT ON TABLE quay.unlogged_namespace IS 'Namespaces that the audit log leaves out (DISABLED_FOR_AUDIT_LOGS and DISABLED_FOR_PULL_LOGS of the reference). Counts at once.';
COMMENT ON COLUMN quay.unlogged_namespace.username IS 'Name of the namespace. It need not exist.';
COMMENT ON COLUMN quay.unlogged_namespace.scope IS 'all: nothing is logged; pull: neither pull_repo nor repo_verb is.';

COMMENT ON TABLE quay_internal.log_settled IS 'One row: up to which id logentry3 is settled, see log_settled_id(). Not dumped.';
COMMENT ON COLUMN quay_internal.log_settled.id IS 'Always 1.';
COMMENT ON COLUMN quay_internal.log_settled.settled_id IS 'Nobody can add a row with this id or a lower one any more.';
COMMENT ON COLUMN quay_internal.log_settled.pending_id IS 'Will be settled when writers are gone. NULL: nothing pending.';
COMMENT ON COLUMN quay_internal.log_settled.writers IS 'Transactions that were writing when pending_id was the newest, as pg_locks names them.';

COMMENT ON TABLE quay_internal.log_count_month IS 'How far the months of logentry3 are counted. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_month.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_count_month.counted_id IS 'Rows up to this id are in log_count_day. -1: to be counted anew, log_count_day says nothing about this month.';

COMMENT ON TABLE quay_internal.log_count_day IS 'How many rows logentry3 has per namespace, day and kind, as far as log_count_month says. Follows from the rows, not dumped.';
COMMENT ON COLUMN quay_internal.log_count_day.account_id IS 'The namespace. -1: the whole registry.';
COMMENT ON COLUMN quay_internal.log_count_day.day IS 'UTC day.';
COMMENT ON COLUMN quay_internal.log_count_day.kind_id IS 'logentrykind.id.';
COMMENT ON COLUMN quay_internal.log_count_day.count IS 'Rows.';

COMMENT ON TABLE quay_internal.log_seal_block IS 'Chain of hashes over the rows of a month of logentry3: see log_verify().';
COMMENT ON COLUMN quay_internal.log_seal_block.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_seal_block.block IS 'Place in the chain, from 1.';
COMMENT ON COLUMN quay_internal.log_seal_block.first_id IS 'Lowest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.last_id IS 'Greatest id of a row in it.';
COMMENT ON COLUMN quay_internal.log_seal_block.row_count IS 'How many rows it covers.';
COMMENT ON COLUMN quay_internal.log_seal_block.sealed_ms IS 'When it was made, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_seal_block.hash IS 'SHA-256 over the block and the hash before: see log_block_hash().';
COMMENT ON COLUMN quay_internal.log_seal_block.seal IS 'Signature of the hash. NULL: quay.log_seal_keyed was off.';
COMMENT ON COLUMN quay_internal.log_seal_block.ids IS 'Ids of its rows, in order.';
COMMENT ON COLUMN quay_internal.log_seal_block.leaves IS 'The first 8 bytes of the digest of each row, to say which one was touched.';

COMMENT ON TABLE quay_internal.log_archive IS 'Months of the audit log of which there is a copy, and that are still here.';
COMMENT ON COLUMN quay_internal.log_archive.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_archive.month IS 'First day of the month.';
COMMENT ON COLUMN quay_internal.log_archive.last_id IS 'Greatest id in the copy; rows with greater ones came later.';
COMMENT ON COLUMN quay_internal.log_archive.row_count IS 'Rows in the copy.';
COMMENT ON COLUMN quay_internal.log_archive.archive IS 'Where it is, as log_archive_confirm() was told. NULL: not told.';
COMMENT ON COLUMN quay_internal.log_archive.archived_ms IS 'When it was confirmed, ms since 1970.';

COMMENT ON TABLE quay_internal.log_removed IS 'Months of the audit log that are gone.';
COMMENT ON COLUMN quay_internal.log_removed.id IS 'Primary key.';
COMMENT ON COLUMN quay_internal.log_removed.generation IS '3, 2 or 1: of logentry3, logentry2 or logentry.';
COMMENT ON COLUMN quay_internal.log_removed.month IS 'First day of the month. It can be gone more than once, if rows for it came late.';
COMMENT ON COLUMN quay_internal.log_removed.removed_ms IS 'When it went, ms since 1970.';
COMMENT ON COLUMN quay_internal.log_removed.archive IS 'Where its copy is. NULL: none, or not told.';
COMMENT ON COLUMN quay_internal.log_removed.row_count IS 'Rows in the copy. NULL: there was none.';
COMMENT ON COLUMN quay_internal.log_removed.sealed_rows IS 'Rows that were sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.last_id IS 'Greatest id that was sealed. NULL: none.';
COMMENT ON COLUMN quay_internal.log_removed.hash IS 'End of its chain, which a copy can be verified against. NULL: none.';
-- Adoption

COMMENT ON TABLE quay_internal.adoption_run IS 'Adoptions of a Quay database, dry runs too: the one under way, or the last one.';
COMMENT ON COLUMN quay_internal.adoption_run.id IS 'Id.';
COMMENT ON COLUMN quay_internal.adoption_run.source_schema IS 'Schema with the tables of the Quay database.';
COMMENT ON COLUMN quay_internal.adoption_run.dry_run IS 'Only looking.';
COMMENT ON COLUMN quay_internal.adoption_run.revision IS 'Alembic revision of the source.';
COMMENT ON COLUMN quay_internal.adoption_run.batch_size IS 'Rows that are copied in one transaction.';
COMMENT ON COLUMN quay_internal.adoption_run.owner_pid IS 'Server process that works on it, or did so last; NULL: nobody.';
COMMENT ON COLUMN quay_internal.adoption_run.owner_started_ms IS 'When that process started, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_run.started_ms IS 'When it was begun, in ms since 1970; the present for rules about live tags.';
COMMENT ON COLUMN quay_internal.adoption_run.ended_ms IS 'When it was done, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_run.error IS 'Why it stopped; the next call goes on from there.';
COMMENT ON TABLE quay_internal.adoption_step IS 'The steps of an adoption, in order.';
COMMENT ON COLUMN quay_internal.adoption_step.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_step.place IS 'Place in the order.';
COMMENT ON COLUMN quay_internal.adoption_step.phase IS 'match, scan, prepare, copy, compare, derive or prove: see the view quay.adoption_progress.';
COMMENT ON COLUMN quay_internal.adoption_step.name IS 'Table, or what is made.';
COMMENT ON COLUMN quay_internal.adoption_step.last_id IS 'All ids up to this one are done.';
COMMENT ON COLUMN quay_internal.adoption_step.row_count IS 'Rows copied, compared or made so far.';
COMMENT ON COLUMN quay_internal.adoption_step.source_rows IS 'Of a scan: rows of the table in the source.';
COMMENT ON COLUMN quay_internal.adoption_step.source_ids IS 'Of a scan: sum of their ids.';
COMMENT ON COLUMN quay_internal.adoption_step.started_ms IS 'When its first part began, in ms since 1970.';
COMMENT ON COLUMN quay_internal.adoption_step.ended_ms IS 'When it was done, in ms since 1970.';
COMMENT ON TABLE quay_internal.adoption_report IS 'Rows of the source that an adoption leaves out, merges or changes; the copy reads it. Of what is kept all the same some examples. No secrets.';
COMMENT ON COLUMN quay_internal.adoption_report.id IS 'Id.';
COMMENT ON COLUMN quay_internal.adoption_report.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_report.rule IS 'The rule, of quay.adoption_rules().';
COMMENT ON COLUMN quay_internal.adoption_report.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay_internal.adoption_report.source_id IS 'Id of the row in the source.';
COMMENT ON COLUMN quay_internal.adoption_report.treatment IS 'left out, changed (one column), decoded (JSON), merged (with another row) or kept.';
COMMENT ON COLUMN quay_internal.adoption_report.column_name IS 'The column that is changed, or why the row is left out.';
COMMENT ON COLUMN quay_internal.adoption_report.old_value IS 'What the column holds in the source, up to 1,000 characters; NULL if it may hold a secret.';
COMMENT ON COLUMN quay_internal.adoption_report.new_value IS 'What is written instead; of a merged row the id of the one that stays.';
COMMENT ON COLUMN quay_internal.adoption_report.detail IS 'More about the row.';
COMMENT ON TABLE quay_internal.adoption_finding IS 'How many rows each rule has met.';
COMMENT ON COLUMN quay_internal.adoption_finding.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_finding.rule IS 'The rule.';
COMMENT ON COLUMN quay_internal.adoption_finding.table_name IS 'Table of the source.';
COMMENT ON COLUMN quay_internal.adoption_finding.column_name IS 'Column or columns, or an empty text.';
COMMENT ON COLUMN quay_internal.adoption_finding.treatment IS 'What becomes of the rows.';
COMMENT ON COLUMN quay_internal.adoption_finding.row_count IS 'Number of rows.';
COMMENT ON TABLE quay_internal.adoption_map IS 'Rows of the source that are other rows here: enumerations, by name, and blobs of one digest.';
COMMENT ON COLUMN quay_internal.adoption_map.run_id IS 'The run.';
COMMENT ON COLUMN quay_internal.adoption_map.table_name IS 'Table.';
COMMENT ON COLUMN quay_internal.adoption_map.source_id IS 'Id in the source.';
COMMENT ON COLUMN quay_internal.adoption_map.target_id IS 'Id here; in a dry run, of what would be new, below 0.';
