-- What the tables of blobs, manifests, tags, policies, quotas and mirrors hold (schema/060 to 100): text for \d+ and for doc/.
-- `timestamp` columns hold UTC; columns ending in _ms hold milliseconds since the epoch.

-- Blobs

COMMENT ON TABLE quay.imagestorage IS 'Blobs: one row per digest, shared by all repositories. A blob without placement is a placeholder of a proxy cache.';
COMMENT ON COLUMN quay.imagestorage.id IS 'Primary key; blob_id and storage_id elsewhere.';
COMMENT ON COLUMN quay.imagestorage.uuid IS 'Public handle (UUID v4), unique; path of the bytes where cas_path is false.';
COMMENT ON COLUMN quay.imagestorage.image_size IS 'Bytes as stored, so compressed for layers; counted by quotas. NULL: unknown.';
COMMENT ON COLUMN quay.imagestorage.uncompressed_size IS 'Bytes after decompression. NULL: unknown, the usual case for uploads in several chunks.';
COMMENT ON COLUMN quay.imagestorage.uploading IS 'Legacy: meant to be true during an upload; the reference never clears it. Ignored.';
COMMENT ON COLUMN quay.imagestorage.cas_path IS 'True: bytes lie under a path made from the digest. False: legacy path sharedimages/<uuid>/layer.';
COMMENT ON COLUMN quay.imagestorage.content_checksum IS 'Digest, algorithm:hex, unique; the registry computes sha256 only. NULL: legacy row whose digest was never computed.';

COMMENT ON TABLE quay.imagestorageplacement IS 'Where the bytes of a blob are. Garbage collection and replication work on these rows.';
COMMENT ON COLUMN quay.imagestorageplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestorageplacement.storage_id IS 'Blob whose bytes are there.';
COMMENT ON COLUMN quay.imagestorageplacement.location_id IS 'Storage engine that holds a copy; once per blob.';

COMMENT ON TABLE quay.imagestoragesignature IS 'Legacy: detached signatures of layers. Nothing writes it; garbage collection still removes rows of deleted blobs.';
COMMENT ON COLUMN quay.imagestoragesignature.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignature.storage_id IS 'Blob signed.';
COMMENT ON COLUMN quay.imagestoragesignature.kind_id IS 'Kind of signature; one per blob.';
COMMENT ON COLUMN quay.imagestoragesignature.signature IS 'Signature text. NULL: never finished.';
COMMENT ON COLUMN quay.imagestoragesignature.uploading IS 'Legacy: true while the signature was being made. NULL: not stated.';

COMMENT ON TABLE quay.blobupload IS 'Uploads in progress: from upload_start() to upload_finish() or upload_cancel(). Abandoned ones are removed after two days.';
COMMENT ON COLUMN quay.blobupload.id IS 'Primary key.';
COMMENT ON COLUMN quay.blobupload.repository_id IS 'Repository that the blob is pushed to.';
COMMENT ON COLUMN quay.blobupload.uuid IS 'Upload id in the URL, issued by the storage engine, unique.';
COMMENT ON COLUMN quay.blobupload.byte_count IS 'Bytes received so far, and so the offset of the next chunk.';
COMMENT ON COLUMN quay.blobupload.sha_state IS 'Resumable SHA-256 state after byte_count bytes, text. The reference stores a base64 pickle that only it can read. NULL: none kept.';
COMMENT ON COLUMN quay.blobupload.location_id IS 'Storage engine that receives the chunks.';
COMMENT ON COLUMN quay.blobupload.storage_metadata IS 'JSON object for the storage engine, such as the ids of multipart chunks. NULL: none.';
COMMENT ON COLUMN quay.blobupload.chunk_count IS 'Chunks received so far.';
COMMENT ON COLUMN quay.blobupload.uncompressed_byte_count IS 'Bytes after decompression, known only when all came as one chunk. NULL: unknown.';
COMMENT ON COLUMN quay.blobupload.created IS 'UTC time of the start; decides when the upload counts as abandoned.';
COMMENT ON COLUMN quay.blobupload.piece_sha_state IS 'Unused leftover of BitTorrent support.';
COMMENT ON COLUMN quay.blobupload.piece_hashes IS 'Unused leftover of BitTorrent support.';

COMMENT ON TABLE quay.uploadedblob IS 'Blobs that a repository uploaded or mounted, perhaps not yet used by a manifest: links the blob and keeps it from collection.';
COMMENT ON COLUMN quay.uploadedblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.uploadedblob.repository_id IS 'Repository that may refer to the blob in a manifest.';
COMMENT ON COLUMN quay.uploadedblob.blob_id IS 'Blob linked; several rows per repository and blob are normal.';
COMMENT ON COLUMN quay.uploadedblob.uploaded_at IS 'UTC time of the upload or mount.';
COMMENT ON COLUMN quay.uploadedblob.expires_at IS 'UTC time from which gc_run() removes the link; an expired link still makes the blob visible until then.';

COMMENT ON TABLE quay.derivedstorageforimage IS 'Legacy: converted forms of an image (squashed, ACI) kept as blobs. The reference dropped it; nothing here writes it.';
COMMENT ON COLUMN quay.derivedstorageforimage.id IS 'Primary key.';
COMMENT ON COLUMN quay.derivedstorageforimage.source_image_id IS 'Image that was converted, id in view quay.image; no foreign key.';
COMMENT ON COLUMN quay.derivedstorageforimage.derivative_id IS 'Blob that holds the result.';
COMMENT ON COLUMN quay.derivedstorageforimage.transformation_id IS 'Conversion applied.';
COMMENT ON COLUMN quay.derivedstorageforimage.uniqueness_hash IS 'Tells apart results that depend on more than the image, such as its tag. NULL: they do not.';
-- Manifests

COMMENT ON TABLE quay.manifest IS 'Manifests, indexes and artifacts per repository, byte for byte as pushed. Put by manifest_put(), removed by gc_run() only.';
COMMENT ON COLUMN quay.manifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifest.repository_id IS 'Repository that holds the manifest; the same digest elsewhere is another row.';
COMMENT ON COLUMN quay.manifest.digest IS 'sha256 of the bytes, algorithm:hex (schema 1: of the payload without signatures); unique per repository. BROKEN-<n>: old migration.';
COMMENT ON COLUMN quay.manifest.media_type_id IS 'Media type with which it is served.';
COMMENT ON COLUMN quay.manifest.manifest_bytes IS 'Exact text as pushed. Empty: placeholder of a proxy cache, fetched on first pull.';
COMMENT ON COLUMN quay.manifest.config_media_type IS 'Media type of the config blob; tells images from artifacts. NULL: no config (index, schema 1), or an old row.';
COMMENT ON COLUMN quay.manifest.layers_compressed_size IS 'Bytes: sum of layer sizes without config, repeats counted. NULL: index or not computed; -1: unparsable.';
COMMENT ON COLUMN quay.manifest.subject IS 'Digest of the manifest that this one refers to (OCI referrers); the subject need not exist. NULL: none.';
COMMENT ON COLUMN quay.manifest.subject_backfilled IS 'True: subject was taken from the bytes. False or NULL: row older than that column, not examined yet.';
COMMENT ON COLUMN quay.manifest.artifact_type IS 'artifactType of the manifest, filter of referrer_list(). NULL: none stated.';
COMMENT ON COLUMN quay.manifest.artifact_type_backfilled IS 'True: artifact_type was taken from the bytes. False or NULL: row older than that column, not examined yet.';

COMMENT ON TABLE quay.manifestblob IS 'Which local blobs a manifest uses: layers and config. Quotas count these; remote layers have no row.';
COMMENT ON COLUMN quay.manifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestblob.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestblob.manifest_id IS 'Manifest that uses the blob.';
COMMENT ON COLUMN quay.manifestblob.blob_id IS 'Blob used; once per manifest.';

COMMENT ON TABLE quay.manifestchild IS 'Which manifests an index (manifest list) contains. A child stays as long as its parent does.';
COMMENT ON COLUMN quay.manifestchild.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestchild.repository_id IS 'Repository of both, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestchild.manifest_id IS 'Index, the parent.';
COMMENT ON COLUMN quay.manifestchild.child_manifest_id IS 'Manifest listed, the child; may be an index itself. Once per parent.';

COMMENT ON TABLE quay.label IS 'Labels of manifests: key and value. Keys may repeat on a manifest. A label without manifestlabel row is collected.';
COMMENT ON COLUMN quay.label.id IS 'Primary key.';
COMMENT ON COLUMN quay.label.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.label.key IS 'At most 255 characters. quay.expires-after and quay.immutable act on the tags of the manifest.';
COMMENT ON COLUMN quay.label.value IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.label.media_type_id IS 'How to read the value: text/plain or application/json.';
COMMENT ON COLUMN quay.label.source_type_id IS 'Where the label came from; only labels set through the API can be deleted.';

COMMENT ON TABLE quay.manifestlabel IS 'Which labels a manifest carries. One label may be attached to several manifests.';
COMMENT ON COLUMN quay.manifestlabel.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestlabel.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestlabel.manifest_id IS 'Manifest labelled.';
COMMENT ON COLUMN quay.manifestlabel.label_id IS 'Label attached; once per manifest.';

COMMENT ON TABLE quay.manifestsecuritystatus IS 'Where the vulnerability scan of a manifest stands, and the queue of the scanner workers. Reports stay in the scanner.';
COMMENT ON COLUMN quay.manifestsecuritystatus.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestsecuritystatus.manifest_id IS 'Manifest scanned; one row each, made at push with status 0.';
COMMENT ON COLUMN quay.manifestsecuritystatus.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestsecuritystatus.index_status IS '-4 retries exhausted, -3 layer too large, -2 unsupported, -1 failed, 0 pending, 1 in progress, 2 completed.';
COMMENT ON COLUMN quay.manifestsecuritystatus.error_json IS 'JSON: what the scanner reported on failure, {} if nothing.';
COMMENT ON COLUMN quay.manifestsecuritystatus.last_indexed IS 'UTC time of the last status change; paces retries and takes over scans that hang.';
COMMENT ON COLUMN quay.manifestsecuritystatus.indexer_hash IS 'State of the scanner''s rules at the last scan; rescanned when it changes. Else empty, none, in_progress or an error word.';
COMMENT ON COLUMN quay.manifestsecuritystatus.indexer_version IS 'Generation of the scanner: 4 (Clair v4); 2 in old rows.';
COMMENT ON COLUMN quay.manifestsecuritystatus.metadata_json IS 'JSON object: retry_count and last_failed_hash while scans fail, else {}.';

COMMENT ON TABLE quay.manifestpullstatistics IS 'How often and when a digest was last pulled, by whatever reference. Keyed by text, so rows may outlive the manifest.';
COMMENT ON COLUMN quay.manifestpullstatistics.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestpullstatistics.repository_id IS 'Repository pulled from.';
COMMENT ON COLUMN quay.manifestpullstatistics.manifest_digest IS 'Digest served; once per repository.';
COMMENT ON COLUMN quay.manifestpullstatistics.manifest_pull_count IS 'Pulls since counting began for this digest, tag pulls included.';
COMMENT ON COLUMN quay.manifestpullstatistics.last_manifest_pull_date IS 'UTC time of the last pull.';
-- Tags

COMMENT ON TABLE quay.tag IS 'Tags over time: each row is one period in which a name pointed to a manifest. Moving a tag ends a row and adds one.';
COMMENT ON COLUMN quay.tag.id IS 'Primary key.';
COMMENT ON COLUMN quay.tag.name IS 'Tag name, a word character then up to 127 of word characters, . or -; hidden rows are named $temp-<UUID>.';
COMMENT ON COLUMN quay.tag.repository_id IS 'Repository in which the name is valid.';
COMMENT ON COLUMN quay.tag.manifest_id IS 'Manifest pointed to. NULL: such a tag is never resolved.';
COMMENT ON COLUMN quay.tag.lifetime_start_ms IS 'Start of the period, ms since epoch UTC. Liveness does not depend on it.';
COMMENT ON COLUMN quay.tag.lifetime_end_ms IS 'End, ms since epoch UTC; alive while it is in the future. NULL: no end. 0: made dead on purpose, to be collected at once.';
COMMENT ON COLUMN quay.tag.hidden IS 'True: temporary tag that keeps a manifest from collection; no list or look-up by name shows it.';
COMMENT ON COLUMN quay.tag.reversion IS 'True: the row came from restoring an earlier state, tag_restore().';
COMMENT ON COLUMN quay.tag.tag_kind_id IS 'Kind of tag; always tag.';
COMMENT ON COLUMN quay.tag.linked_tag_id IS 'Unused.';
COMMENT ON COLUMN quay.tag.immutable IS 'True: the tag can be neither moved nor deleted, until the flag is taken away by a repository admin.';

COMMENT ON TABLE quay.tagpullstatistics IS 'How often and when a tag was last pulled. Keyed by name: a move keeps the count, a delete removes the row.';
COMMENT ON COLUMN quay.tagpullstatistics.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagpullstatistics.repository_id IS 'Repository pulled from.';
COMMENT ON COLUMN quay.tagpullstatistics.tag_name IS 'Tag asked for; once per repository.';
COMMENT ON COLUMN quay.tagpullstatistics.tag_pull_count IS 'Pulls of the name since it was created or last deleted.';
COMMENT ON COLUMN quay.tagpullstatistics.last_tag_pull_date IS 'UTC time of the last pull.';
COMMENT ON COLUMN quay.tagpullstatistics.current_manifest_digest IS 'Digest served at the last recorded pull. NULL: unknown.';
-- Policies and quotas

COMMENT ON TABLE quay.namespaceimmutabilitypolicy IS 'Rules that make matching tags of a whole namespace immutable, present and future ones. Removing a rule frees no tag.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.namespace_id IS 'Namespace in whose repositories the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.policy IS 'JSON object: tag_pattern (regular expression for the whole name), tag_pattern_matches (false: all other names; default true).';

COMMENT ON TABLE quay.repositoryimmutabilitypolicy IS 'Rules that make matching tags of one repository immutable, present and future ones. Removing a rule frees no tag.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.repository_id IS 'Repository in which the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.namespace_id IS 'Namespace that owns the repository, repeated.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.policy IS 'JSON object: tag_pattern (regular expression for the whole name), tag_pattern_matches (false: all other names; default true).';

COMMENT ON TABLE quay.namespaceautoprunepolicy IS 'Rules by which old tags of a whole namespace are deleted. Immutable tags are spared.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.namespace_id IS 'Namespace in whose repositories the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.policy IS 'JSON twice encoded (a string holding an object): method number_of_tags or creation_date, value, tag_pattern, tag_pattern_matches.';

COMMENT ON TABLE quay.repositoryautoprunepolicy IS 'Rules by which old tags of one repository are deleted, along with those of its namespace. Immutable tags are spared.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.repository_id IS 'Repository in which the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.namespace_id IS 'Namespace that owns the repository, repeated.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.policy IS 'JSON twice encoded (a string holding an object): method number_of_tags or creation_date, value, tag_pattern, tag_pattern_matches.';

COMMENT ON TABLE quay.autoprunetaskstatus IS 'Schedule of pruning: one row per namespace that has a rule of either kind. Workers claim rows with SKIP LOCKED.';
COMMENT ON COLUMN quay.autoprunetaskstatus.id IS 'Primary key.';
COMMENT ON COLUMN quay.autoprunetaskstatus.namespace_id IS 'Namespace to prune; one row each.';
COMMENT ON COLUMN quay.autoprunetaskstatus.last_ran_ms IS 'Last claim, ms since epoch UTC; the oldest goes next, at most hourly. NULL: never, so first.';
COMMENT ON COLUMN quay.autoprunetaskstatus.status IS 'queued, running, success, or failure: with the reason. NULL: not stated.';

COMMENT ON TABLE quay.userorganizationquota IS 'Storage quota of a namespace. Without a row the registry''s default quota holds.';
COMMENT ON COLUMN quay.userorganizationquota.id IS 'Primary key.';
COMMENT ON COLUMN quay.userorganizationquota.namespace_id IS 'Namespace limited; one row each.';
COMMENT ON COLUMN quay.userorganizationquota.limit_bytes IS 'Quota in bytes, above 0, compared with quotanamespacesize.size_bytes.';

COMMENT ON TABLE quay.quotalimits IS 'At which shares of a quota something happens. A quota without rows here has no effect.';
COMMENT ON COLUMN quay.quotalimits.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotalimits.quota_id IS 'Quota divided.';
COMMENT ON COLUMN quay.quotalimits.quota_type_id IS 'What happens from that share on: Warning or Reject.';
COMMENT ON COLUMN quay.quotalimits.percent_of_limit IS 'Share of the quota in percent, 1 to 100; reached when usage is at least that.';

COMMENT ON TABLE quay.quotanamespacesize IS 'Usage of a namespace, as the reference application counts it or quota_publish() writes it; what counts is quay_internal.size_counter.';
COMMENT ON COLUMN quay.quotanamespacesize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotanamespacesize.namespace_user_id IS 'Namespace measured; one row each.';
COMMENT ON COLUMN quay.quotanamespacesize.size_bytes IS 'Bytes; a blob shared by several repositories counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotarepositorysize IS 'Usage of a repository, as the reference application counts it or quota_publish() writes it; what counts is quay_internal.size_counter.';
COMMENT ON COLUMN quay.quotarepositorysize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotarepositorysize.repository_id IS 'Repository measured; one row each.';
COMMENT ON COLUMN quay.quotarepositorysize.size_bytes IS 'Bytes; a blob used by several manifests counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotaregistrysize IS 'Usage of the whole registry, for the screens of the reference application: registry_size_publish() writes it. One row by convention.';
COMMENT ON COLUMN quay.quotaregistrysize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotaregistrysize.size_bytes IS 'Bytes of all blobs, used or not, at the last computation.';
COMMENT ON COLUMN quay.quotaregistrysize.running IS 'True: a worker is computing.';
COMMENT ON COLUMN quay.quotaregistrysize.queued IS 'True: a computation was asked for and has not begun.';
COMMENT ON COLUMN quay.quotaregistrysize.completed_ms IS 'End of the last computation, ms since epoch UTC. NULL: never computed.';

COMMENT ON TABLE quay.quotanotificationstate IS 'Which quota notices a namespace already got, so that a crossing is told once per cooldown (a day).';
COMMENT ON COLUMN quay.quotanotificationstate.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotanotificationstate.namespace_id IS 'Namespace notified.';
COMMENT ON COLUMN quay.quotanotificationstate.threshold_percent IS 'Limit that was reached, percent of the quota; one row per namespace and limit.';
COMMENT ON COLUMN quay.quotanotificationstate.last_notified_at IS 'UTC time of the last notice. NULL: never sent.';
COMMENT ON COLUMN quay.quotanotificationstate.cleared IS 'True: usage fell below since, so the next crossing is told at once, cooldown or not.';
-- Proxies and mirrors

COMMENT ON TABLE quay.proxycacheconfig IS 'Organizations that act as a pull-through cache of another registry. One per organization is meant; no constraint says so.';
COMMENT ON COLUMN quay.proxycacheconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.proxycacheconfig.organization_id IS 'Organization whose repositories are fetched from upstream on demand.';
COMMENT ON COLUMN quay.proxycacheconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry IS 'Registry cached, host or host/namespace, such as docker.io/library.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry_username IS 'Secret, encrypted (v0$$...): user at the upstream registry. NULL: anonymous.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry_password IS 'Secret, encrypted (v0$$...): password at the upstream registry. NULL: anonymous.';
COMMENT ON COLUMN quay.proxycacheconfig.expiration_s IS 'Seconds for which a cached tag stays alive after the last check against upstream. Default a day. 0 or NULL: no end.';
COMMENT ON COLUMN quay.proxycacheconfig.insecure IS 'True: no TLS, or an unverified certificate, towards upstream.';

COMMENT ON TABLE quay.repomirrorrule IS 'Which tags a repository mirror copies.';
COMMENT ON COLUMN quay.repomirrorrule.id IS 'Primary key.';
COMMENT ON COLUMN quay.repomirrorrule.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repomirrorrule.repository_id IS 'Mirror repository the rule belongs to.';
COMMENT ON COLUMN quay.repomirrorrule.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.repomirrorrule.rule_type IS '1 list of tag globs, the only kind.';
COMMENT ON COLUMN quay.repomirrorrule.rule_value IS 'JSON array of globs, at least one; a tag is copied if any matches.';
COMMENT ON COLUMN quay.repomirrorrule.left_child_id IS 'Unused: trees of rules were never built.';
COMMENT ON COLUMN quay.repomirrorrule.right_child_id IS 'Unused: trees of rules were never built.';

COMMENT ON TABLE quay.repomirrorconfig IS 'Repositories that follow one at another registry; also the claim record of the mirror workers. The repository is in state 2.';
COMMENT ON COLUMN quay.repomirrorconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.repomirrorconfig.repository_id IS 'Repository that receives the copies; one row each.';
COMMENT ON COLUMN quay.repomirrorconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.repomirrorconfig.is_enabled IS 'False: no scheduled run; a run asked for by hand still happens.';
COMMENT ON COLUMN quay.repomirrorconfig.mirror_type IS '1 pull, the only kind.';
COMMENT ON COLUMN quay.repomirrorconfig.internal_robot_id IS 'Robot of the namespace as which the copies are pushed.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_username IS 'Secret, encrypted (v0$$...): user at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_config IS 'JSON object: verify_tls, unsigned_images, proxy {http_proxy, https_proxy, no_proxy}.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_interval IS 'Seconds from one scheduled start to the next.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_start_date IS 'UTC time when the next run is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_expiration_date IS 'UTC time until which the present claim holds. NULL: not claimed.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_retries_remaining IS 'Runs that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';
COMMENT ON COLUMN quay.repomirrorconfig.root_rule_id IS 'Rule that selects the tags.';
COMMENT ON COLUMN quay.repomirrorconfig.external_reference IS 'Source repository without tag, such as quay.io/acme/app.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_password IS 'Secret, encrypted (v0$$...): password at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.repomirrorconfig.skopeo_timeout IS 'Seconds after which copying one tag is given up.';
COMMENT ON COLUMN quay.repomirrorconfig.architecture_filter IS 'JSON array out of amd64, arm64, ppc64le, s390x. NULL or empty: all architectures.';

COMMENT ON TABLE quay.orgmirrorconfig IS 'Organizations that follow a whole project at another registry; also the claim record of the discovery worker.';
COMMENT ON COLUMN quay.orgmirrorconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.orgmirrorconfig.organization_id IS 'Organization that receives the repositories; one row each.';
COMMENT ON COLUMN quay.orgmirrorconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.orgmirrorconfig.is_enabled IS 'False: no scheduled discovery and no copying.';
COMMENT ON COLUMN quay.orgmirrorconfig.mirror_type IS '1 pull, the only kind.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_type IS 'Interface for listing repositories at the source: 1 Harbor, 2 Quay.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_url IS 'Base URL of the source.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_namespace IS 'Project or organization at the source.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_username IS 'Secret, encrypted (v0$$...): user at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_password IS 'Secret, encrypted (v0$$...): password at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_config IS 'JSON object of connection settings as in repomirrorconfig, {} for none.';
COMMENT ON COLUMN quay.orgmirrorconfig.internal_robot_id IS 'Robot of the organization as which the copies are pushed.';
COMMENT ON COLUMN quay.orgmirrorconfig.repository_filters IS 'JSON array of globs on repository names; any match is enough. Empty: all.';
COMMENT ON COLUMN quay.orgmirrorconfig.visibility_id IS 'Visibility of repositories that the mirror creates.';
COMMENT ON COLUMN quay.orgmirrorconfig.delete_stale_repos IS 'True: repositories gone at the source shall go here too. False: they stay.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_interval IS 'Seconds from one scheduled discovery to the next.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_start_date IS 'UTC time when the next discovery is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_expiration_date IS 'UTC time until which the present claim holds; on a cancelled row, that the cancel is still to be handled. NULL: neither.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_retries_remaining IS 'Discoveries that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';
COMMENT ON COLUMN quay.orgmirrorconfig.skopeo_timeout IS 'Seconds after which copying one tag is given up.';
COMMENT ON COLUMN quay.orgmirrorconfig.architecture_filter IS 'JSON array out of amd64, arm64, ppc64le, s390x. Empty: all architectures.';

COMMENT ON TABLE quay.orgmirrorrepository IS 'Repositories that discovery found at the source of an organization mirror, each with the claim record of its copying.';
COMMENT ON COLUMN quay.orgmirrorrepository.id IS 'Primary key.';
COMMENT ON COLUMN quay.orgmirrorrepository.org_mirror_config_id IS 'Organization mirror it was found by.';
COMMENT ON COLUMN quay.orgmirrorrepository.repository_name IS 'Name at the source and here; once per mirror.';
COMMENT ON COLUMN quay.orgmirrorrepository.repository_id IS 'Local repository, in state 4. NULL: not created yet.';
COMMENT ON COLUMN quay.orgmirrorrepository.discovery_date IS 'UTC time when discovery first saw it.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now, 4 skipped (filtered or gone at the source).';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_start_date IS 'UTC time when the next copying is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_expiration_date IS 'UTC time until which the present claim holds. NULL: not claimed.';
COMMENT ON COLUMN quay.orgmirrorrepository.last_sync_date IS 'UTC time when the last copying ended, well or not. NULL: never ran.';
COMMENT ON COLUMN quay.orgmirrorrepository.status_message IS 'Why it failed or was skipped, for people. NULL: nothing to tell; success clears it.';
COMMENT ON COLUMN quay.orgmirrorrepository.creation_date IS 'UTC time when the row was made.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_retries_remaining IS 'Runs that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';

COMMENT ON COLUMN quay.blobupload.reserved_bytes IS 'Bytes of the quota of the namespace that the upload holds; 0: none.';

COMMENT ON TABLE quay_internal.blob_use IS 'Blobs that manifests of a repository refer to, and of a namespace (repository_id 0), each once. Kept by triggers; not dumped.';
COMMENT ON COLUMN quay_internal.blob_use.namespace_id IS 'Owner of the repository, "user".id.';
COMMENT ON COLUMN quay_internal.blob_use.blob_id IS 'imagestorage.id.';
COMMENT ON COLUMN quay_internal.blob_use.repository_id IS 'repository.id; 0: the namespace as a whole.';
COMMENT ON COLUMN quay_internal.blob_use.size IS 'Size that was counted for the blob, in bytes.';

COMMENT ON TABLE quay_internal.size_counter IS 'Parts of the size of a repository, a namespace or the registry: sum over the parts. Kept by triggers; not dumped.';
COMMENT ON COLUMN quay_internal.size_counter.namespace_id IS '"user".id; 0: the registry.';
COMMENT ON COLUMN quay_internal.size_counter.repository_id IS 'repository.id; 0: the namespace, or the registry.';
COMMENT ON COLUMN quay_internal.size_counter.part IS 'Number of the part.';
COMMENT ON COLUMN quay_internal.size_counter.used IS 'Bytes counted in this part; may be negative, the sum is not.';
COMMENT ON COLUMN quay_internal.size_counter.reserved IS 'Bytes that uploads under way hold in this part.';
COMMENT ON COLUMN quay_internal.size_counter.budget IS 'What used and reserved may come to in this part; NULL: no limit.';
COMMENT ON COLUMN quay_internal.size_counter.limit_bytes IS 'Limit of the namespace of which budget is a share; NULL: none.';

COMMENT ON TABLE quay_internal.gc_review IS 'What the garbage collector has to look at. Left by the writes themselves; not dumped.';
COMMENT ON COLUMN quay_internal.gc_review.id IS 'Sequence number.';
COMMENT ON COLUMN quay_internal.gc_review.kind IS 't tag, m manifest, l label, b blob, u use of a blob by a repository, n namespace whose time for removed tags has become shorter.';
COMMENT ON COLUMN quay_internal.gc_review.object_id IS 'Id in the table that kind says.';
COMMENT ON COLUMN quay_internal.gc_review.repository_id IS 'For kind u: repository.id. Otherwise 0.';
COMMENT ON COLUMN quay_internal.gc_review.due_ms IS 'From when on it is to be looked at, in ms since 1970.';

COMMENT ON TABLE quay_internal.blob_deletion IS 'Blobs that nothing refers to, whose bytes are to be deleted.';
COMMENT ON COLUMN quay_internal.blob_deletion.blob_id IS 'imagestorage.id.';
COMMENT ON COLUMN quay_internal.blob_deletion.due_ms IS 'From when on it may be handed to a client, or to another one if there is a lease; in ms since 1970.';
COMMENT ON COLUMN quay_internal.blob_deletion.lease IS 'Names the client that is deleting the bytes, until due_ms; NULL: nobody.';
COMMENT ON COLUMN quay_internal.blob_deletion.attempts IS 'How often it was handed out.';
COMMENT ON COLUMN quay_internal.blob_deletion.last_error IS 'What the last client said that gave it back.';

COMMENT ON TABLE quay.allowed_upstream_host IS 'Hosts in private networks that proxy caches and mirrors may name all the same.';
COMMENT ON COLUMN quay.allowed_upstream_host.host IS 'Name or address, without port.';

COMMENT ON TABLE quay_internal.missing_child IS 'Manifests that an index lists and the repository does not have yet (quay.sparse_index).';
COMMENT ON COLUMN quay_internal.missing_child.repository_id IS 'Repository of the index.';
COMMENT ON COLUMN quay_internal.missing_child.digest IS 'Digest of what is missing.';
COMMENT ON COLUMN quay_internal.missing_child.manifest_id IS 'The index, manifest.id.';

COMMENT ON TABLE quay_internal.scan_orphan IS 'Digests whose report the scanner may drop, if no manifest has the digest any more: see scan_orphan_take().';
COMMENT ON COLUMN quay_internal.scan_orphan.id IS 'Sequence number.';
COMMENT ON COLUMN quay_internal.scan_orphan.digest IS 'Digest of a manifest that was scanned and has gone.';
COMMENT ON COLUMN quay_internal.scan_orphan.due_ms IS 'From when on it may be handed to a client, or to another one if there is a lease; in ms since 1970.';
COMMENT ON COLUMN quay_internal.scan_orphan.lease IS 'Names the client that has it, until due_ms; NULL: nobody.';

COMMENT ON COLUMN quay.tag.ended IS 'Known to be over, which keeps the row out of the indexes of tags that may be alive. Never true for a live tag; false says nothing.';
