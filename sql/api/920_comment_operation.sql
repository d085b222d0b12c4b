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
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead, kept until cleaned up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new at every change, unique; compare-and-set on it makes claims exclusive.';

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
