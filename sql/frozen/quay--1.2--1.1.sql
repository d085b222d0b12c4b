\echo Use "ALTER EXTENSION quay UPDATE TO '1.1'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.2');

-- @step
-- 1.2 to 1.1.

LOCK TABLE quay.tag, quay.blobupload, quay."user", quay.repository, quay.manifest, quay.manifestblob, quay.manifestchild, quay.manifestlabel,
    quay.manifestsecuritystatus, quay.tagnotificationsuccess, quay.imagestorage, quay.uploadedblob, quay.derivedstorageforimage, quay.proxycacheconfig,
    quay.autoprunetaskstatus, quay.repomirrorconfig, quay.orgmirrorrepository, quay.allowed_upstream_host, quay_internal.missing_child,
    quay_internal.blob_deletion IN ACCESS EXCLUSIVE MODE;

DO $refuse$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'cannot downgrade in a transaction that sees the past',
            DETAIL = format('Its isolation level is %s: what others committed before the tables were locked would be lost.',
                            current_setting('transaction_isolation')),
            HINT = 'Downgrade in a transaction that is READ COMMITTED.';
    END IF;
END
$refuse$;

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.allowed_upstream_host), 'rows of quay.allowed_upstream_host');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.missing_child),
    'manifests that an index lists and its repository does not have yet (quay_internal.missing_child)');
SELECT quay_internal.downgrade_refuse(
    EXISTS (SELECT FROM quay_internal.blob_deletion AS d WHERE d.lease IS NOT NULL AND d.due_ms > quay_internal.clock_ms()),
    'leases of clients that delete the bytes of blobs right now (quay_internal.blob_deletion)');
-- A client that had a blob may have deleted the bytes in any of its locations. Without a location it is stored anew by the next upload.
DELETE FROM quay.imagestorageplacement AS p USING quay_internal.blob_deletion AS d WHERE p.storage_id = d.blob_id AND d.attempts > 0;

-- Triggers first: 1.1 has not the functions that they call.
DROP TRIGGER derivedstorageforimage_removed ON quay.derivedstorageforimage;
DROP TRIGGER imagestorage_added ON quay.imagestorage;
DROP TRIGGER imagestorage_removed ON quay.imagestorage;
DROP TRIGGER imagestorage_resized ON quay.imagestorage;
DROP TRIGGER imagestorage_resizing ON quay.imagestorage;
DROP TRIGGER manifest_added ON quay.manifest;
DROP TRIGGER manifest_removed ON quay.manifest;
DROP TRIGGER manifestblob_added ON quay.manifestblob;
DROP TRIGGER manifestblob_removed ON quay.manifestblob;
DROP TRIGGER manifestchild_removed ON quay.manifestchild;
DROP TRIGGER manifestlabel_removed ON quay.manifestlabel;
DROP TRIGGER namespace_review ON quay."user";
DROP TRIGGER namespace_size_forget ON quay."user";
DROP TRIGGER repository_size_forget ON quay.repository;
DROP TRIGGER scan_removed ON quay.manifestsecuritystatus;
DROP TRIGGER tag_added ON quay.tag;
DROP TRIGGER tag_changed ON quay.tag;
DROP TRIGGER tag_removed ON quay.tag;
DROP TRIGGER tag_set_ended ON quay.tag;
DROP TRIGGER upload_reserved_added ON quay.blobupload;
DROP TRIGGER upload_reserved_changed ON quay.blobupload;
DROP TRIGGER upload_reserved_removed ON quay.blobupload;
DROP TRIGGER uploadedblob_added ON quay.uploadedblob;
DROP TRIGGER uploadedblob_removed ON quay.uploadedblob;

-- The view uses some of them too: its text of 1.1 follows with api/300_legacy.sql.
CREATE OR REPLACE VIEW quay.image AS
SELECT NULL::bigint AS id, NULL::varchar(255) COLLATE "C" AS docker_image_id, NULL::bigint AS repository_id, NULL::text AS ancestors,
       NULL::bigint AS storage_id, NULL::timestamp AS created, NULL::text AS comment, NULL::text AS command, NULL::bigint AS aggregate_size,
       NULL::text AS v1_json_metadata, NULL::varchar(255) COLLATE "C" AS v1_checksum, NULL::boolean AS security_indexed,
       NULL::integer AS security_indexed_engine, NULL::bigint AS parent_id;

-- Functions that are new, or whose arguments or result 1.1 has otherwise.
DROP FUNCTION quay.action_count_delete_expired(integer);
DROP FUNCTION quay.action_count_list(text,text,date,date);
DROP FUNCTION quay.action_count_missing_list(date,bigint,integer);
DROP FUNCTION quay.action_count_store_many(bigint[],bigint[],date);
DROP FUNCTION quay.action_count_update(date,bigint,integer);
DROP FUNCTION quay.autoprune_expiring_list(text,text,interval,text,bigint,integer);
DROP FUNCTION quay.autoprune_explain(text,text,text);
DROP FUNCTION quay.autoprune_policy_create(text,text,text,text,boolean,text,text,text);
DROP FUNCTION quay.autoprune_policy_delete(text,text,text,text,text);
DROP FUNCTION quay.autoprune_policy_get(text,text,text);
DROP FUNCTION quay.autoprune_policy_list(text,text,bigint,integer);
DROP FUNCTION quay.autoprune_policy_update(text,text,text,text,text,boolean,text,text,text);
DROP FUNCTION quay.autoprune_preview(text,text,text,integer);
DROP FUNCTION quay.autoprune_run(text,integer,text);
DROP FUNCTION quay.autoprune_task_claim(integer,interval);
DROP FUNCTION quay.autoprune_task_ensure(bigint,integer);
DROP FUNCTION quay.autoprune_task_get(text);
DROP FUNCTION quay.autoprune_task_release(bigint,bigint,text);
DROP FUNCTION quay.base_image_use_list(text,text,text,text,text,integer,text,boolean);
DROP FUNCTION quay.blob_exists_many(text,text,text[]);
DROP FUNCTION quay.blob_get(text,text);
DROP FUNCTION quay.blob_mount(text,text,text,text,text,text,text);
DROP FUNCTION quay.blob_placement_add(text,text);
DROP FUNCTION quay.blob_placement_missing(text[],bigint,integer,text[]);
DROP FUNCTION quay.blob_placement_remove(text,text);
DROP FUNCTION quay.blob_put(text,text,text,bytea,bigint,text,bigint,text);
DROP FUNCTION quay.blob_shared_ensure(text);
DROP FUNCTION quay.gc_preview(text,text,timestamp with time zone);
DROP FUNCTION quay.gc_review_all();
DROP FUNCTION quay.gc_run(integer);
DROP PROCEDURE quay.gc_run_all(integer,bigint,bigint,bigint,bigint);
DROP FUNCTION quay.gc_status();
DROP FUNCTION quay.gc_storage_confirm(uuid,bigint[]);
DROP FUNCTION quay.gc_storage_extend(uuid,integer);
DROP FUNCTION quay.gc_storage_release(uuid,bigint[],text);
DROP FUNCTION quay.gc_storage_take(integer,integer);
DROP FUNCTION quay.image_base_candidates(text,text,text,text,integer,text,boolean);
DROP FUNCTION quay.image_duplicate_list(text,text,text,text,text,integer,text,boolean);
DROP FUNCTION quay.image_size_shared(text,text,text,text,text,boolean);
DROP FUNCTION quay.immutability_explain(text,text,text);
DROP FUNCTION quay.immutability_policy_create(text,text,boolean,text,text,text);
DROP FUNCTION quay.immutability_policy_delete(text,text,text,text,text);
DROP FUNCTION quay.immutability_policy_get(text,text,text);
DROP FUNCTION quay.immutability_policy_list(text,text,bigint,integer);
DROP FUNCTION quay.immutability_policy_preview(text,text,boolean,text,text,integer);
DROP FUNCTION quay.immutability_policy_update(text,text,text,boolean,text,text,text);
DROP FUNCTION quay.label_add(text,text,text,text,text,text,text,boolean,text,text);
DROP FUNCTION quay.label_delete(text,text,text,text,text,text);
DROP FUNCTION quay.label_get(text,text,text,text);
DROP FUNCTION quay.label_put_many(text,text,text,jsonb,text,boolean,text,text);
DROP FUNCTION quay.layer_use_list(text,text,text,integer,text,boolean);
DROP FUNCTION quay.manifest_backfill(integer);
DROP FUNCTION quay.manifest_blobs(text,text,text);
DROP FUNCTION quay.manifest_children(text,text,text);
DROP FUNCTION quay.manifest_descriptor_list(bytea,text);
DROP FUNCTION quay.manifest_digest_check(bigint,integer);
DROP FUNCTION quay.manifest_find(text,text,text,boolean,boolean);
DROP FUNCTION quay.manifest_find_many(text,text,text[],boolean,boolean);
DROP FUNCTION quay.manifest_inspect(bytea,text);
DROP FUNCTION quay.manifest_layers(text,text,text);
DROP FUNCTION quay.manifest_parents(text,text,text);
DROP FUNCTION quay.manifest_select(text,text,text,text[]);
DROP FUNCTION quay.manifest_set_expiration(text,text,text,timestamp with time zone,text,text);
DROP FUNCTION quay.manifest_set_immutable(text,text,text,boolean,text,text);
DROP FUNCTION quay.manifest_tag_list(text,text,text,text,integer);
DROP FUNCTION quay.manifest_to_schema1(text,text,text,bytea,bytea);
DROP FUNCTION quay.manifest_touch(text,text,text,integer);
DROP FUNCTION quay.manifest_touch_many(text,text,text[],integer);
DROP FUNCTION quay.manifest_unpulled_list(text,text,text,timestamp with time zone,text,integer,text,boolean);
DROP FUNCTION quay.mirror_cancel(text,text,text,text);
DROP FUNCTION quay.mirror_check(bigint,text);
DROP FUNCTION quay.mirror_claim(integer);
DROP FUNCTION quay.mirror_create(text,text,text,text,text[],integer,timestamp with time zone,text,text,jsonb,text[],integer,boolean,text,text);
DROP FUNCTION quay.mirror_credentials(text,text);
DROP FUNCTION quay.mirror_delete(text,text,text,text);
DROP FUNCTION quay.mirror_due_count();
DROP FUNCTION quay.mirror_extend(bigint,text);
DROP FUNCTION quay.mirror_get(text,text);
DROP FUNCTION quay.mirror_list(text,text,integer);
DROP FUNCTION quay.mirror_release(bigint,text,text,text,text[],text,text);
DROP FUNCTION quay.mirror_rollback(bigint,text,bigint,text[],integer);
DROP FUNCTION quay.mirror_rule_matches(text,text[]);
DROP FUNCTION quay.mirror_rule_select(text[],text[]);
DROP FUNCTION quay.mirror_status_counts(text);
DROP FUNCTION quay.mirror_sync_now(text,text,text,text);
DROP FUNCTION quay.mirror_tag_report(bigint,text,text,boolean,text,text,text);
DROP FUNCTION quay.mirror_tags_prune(bigint,text,text[],bigint,integer);
DROP FUNCTION quay.mirror_update(text,text,text,text,text[],integer,timestamp with time zone,text,text,jsonb,text[],integer,boolean,text,text);
DROP FUNCTION quay.namespace_size_list(text,integer);
DROP FUNCTION quay.org_mirror_active_count(text);
DROP FUNCTION quay.org_mirror_cancel(text,text,text);
DROP FUNCTION quay.org_mirror_check(bigint,text);
DROP FUNCTION quay.org_mirror_claim(integer);
DROP FUNCTION quay.org_mirror_counts();
DROP FUNCTION quay.org_mirror_create(text,text,text,text,text,integer,text,timestamp with time zone,text[],text,text,jsonb,text[],integer,boolean,text,text);
DROP FUNCTION quay.org_mirror_credentials(text);
DROP FUNCTION quay.org_mirror_delete(text,text,text);
DROP FUNCTION quay.org_mirror_due_counts();
DROP FUNCTION quay.org_mirror_extend(bigint,text);
DROP FUNCTION quay.org_mirror_filter_matches(text,text[]);
DROP FUNCTION quay.org_mirror_get(text);
DROP FUNCTION quay.org_mirror_release(bigint,text,text,text);
DROP FUNCTION quay.org_mirror_repository_check(bigint,text);
DROP FUNCTION quay.org_mirror_repository_claim(integer);
DROP FUNCTION quay.org_mirror_repository_counts(text);
DROP FUNCTION quay.org_mirror_repository_ensure(bigint,text);
DROP FUNCTION quay.org_mirror_repository_extend(bigint,text);
DROP FUNCTION quay.org_mirror_repository_list(text,text,text,integer);
DROP FUNCTION quay.org_mirror_repository_release(bigint,text,text,text,text[],text,text);
DROP FUNCTION quay.org_mirror_sync_discovered(bigint,text,text[]);
DROP FUNCTION quay.org_mirror_sync_now(text,text,text);
DROP FUNCTION quay.org_mirror_update(text,text,text,text,integer,text,timestamp with time zone,text[],text,text,jsonb,text[],integer,boolean,text,text);
DROP FUNCTION quay.proxy_blob_arrived(text,text,text);
DROP FUNCTION quay.proxy_cache_create(text,text,text,text,integer,boolean,text,text);
DROP FUNCTION quay.proxy_cache_credentials(text);
DROP FUNCTION quay.proxy_cache_delete(text,text,text);
DROP FUNCTION quay.proxy_cache_get(text);
DROP FUNCTION quay.proxy_cache_list(text,integer);
DROP FUNCTION quay.proxy_cache_update(text,text,text,text,integer,boolean,boolean,text,text);
DROP FUNCTION quay.proxy_evict(text,bigint,boolean);
DROP FUNCTION quay.proxy_manifest_put(text,text,bytea,text,text,text,text,text,text);
DROP FUNCTION quay.proxy_tag_renew(text,text,text,text);
DROP FUNCTION quay.proxy_tag_state(text,text,text);
DROP FUNCTION quay.pull_record(text,text,text,text,bigint,timestamp with time zone);
DROP FUNCTION quay.pull_record_many(jsonb);
DROP FUNCTION quay.pull_statistics_get(text,text,text);
DROP FUNCTION quay.pull_statistics_get_many(text,text,text[]);
DROP FUNCTION quay.pull_statistics_list(text,text,text,text,integer);
DROP FUNCTION quay.pull_statistics_repository_list(text,text,integer,text,boolean);
DROP FUNCTION quay.quota_check(text,bigint,boolean);
DROP FUNCTION quay.quota_delete(text,text,text);
DROP FUNCTION quay.quota_get(text);
DROP FUNCTION quay.quota_limit_add(text,text,integer,text,text);
DROP FUNCTION quay.quota_limit_delete(text,bigint,text,text);
DROP FUNCTION quay.quota_limit_list(text);
DROP FUNCTION quay.quota_limit_set(text,bigint,text,integer,text,text);
DROP FUNCTION quay.quota_list(bigint,integer);
DROP FUNCTION quay.quota_notify_sweep(bigint,integer);
DROP FUNCTION quay.quota_publish(bigint,integer);
DROP FUNCTION quay.quota_recount(text);
DROP FUNCTION quay.quota_rejected(text,text,bigint,text,text);
DROP FUNCTION quay.quota_set(text,numeric,boolean,text,text);
DROP FUNCTION quay.referrer_index(text,text,text,text,text,integer);
DROP FUNCTION quay.referrer_list(text,text,text,text,text,integer);
DROP FUNCTION quay.registry_check(text,text[],integer,integer);
DROP FUNCTION quay.registry_check_rules();
DROP FUNCTION quay.registry_size();
DROP FUNCTION quay.registry_size_publish(boolean);
DROP FUNCTION quay.registry_size_request();
DROP FUNCTION quay.repository_share_list(text,text,text,integer,text,boolean);
DROP FUNCTION quay.repository_size_list(text,text,integer);
DROP FUNCTION quay.robot_mirror_list(text);
DROP FUNCTION quay.scan_backfill(bigint,integer);
DROP FUNCTION quay.scan_backlog(text);
DROP FUNCTION quay.scan_claim(text,integer);
DROP FUNCTION quay.scan_counts();
DROP FUNCTION quay.scan_extend(bigint,text);
DROP FUNCTION quay.scan_get(text,text,text);
DROP FUNCTION quay.scan_get_many(text,text,text[]);
DROP FUNCTION quay.scan_layer_type_list();
DROP FUNCTION quay.scan_notify(text,text,jsonb);
DROP FUNCTION quay.scan_notify_find(text,bigint,integer);
DROP FUNCTION quay.scan_orphan_confirm(text,text[]);
DROP FUNCTION quay.scan_orphan_take(integer,integer);
DROP FUNCTION quay.scan_report(bigint,text,text,text,jsonb,boolean);
DROP FUNCTION quay.scan_reset(text,text,text);
DROP FUNCTION quay.sha256_state_final(text);
DROP FUNCTION quay.sha256_state_start();
DROP FUNCTION quay.sha256_state_update(text,bytea);
DROP FUNCTION quay.storage_location_ensure(text[]);
DROP FUNCTION quay.storage_location_list();
DROP FUNCTION quay.tag_delete(text,text,text,text,text,text);
DROP FUNCTION quay.tag_delete_permanently(text,text,text,text,boolean,text,text);
DROP FUNCTION quay.tag_deletion_frees(text,text,text[]);
DROP FUNCTION quay.tag_diff(text,text,timestamp with time zone,timestamp with time zone,text,integer);
DROP FUNCTION quay.tag_expiring_list(text,text,interval,text,text,integer);
DROP FUNCTION quay.tag_find(text,text,text);
DROP FUNCTION quay.tag_find_many(text,text,text[]);
DROP FUNCTION quay.tag_history(text,text,text,text,integer,text,boolean,bigint);
DROP FUNCTION quay.tag_latest_many(bigint[]);
DROP FUNCTION quay.tag_list(text,text,text,integer,text);
DROP FUNCTION quay.tag_list_at(text,text,timestamp with time zone,text,integer);
DROP FUNCTION quay.tag_restorable_list(text,text,text,text,integer);
DROP FUNCTION quay.tag_set_expiration(text,text,text,timestamp with time zone,text,text);
DROP FUNCTION quay.tag_set_immutable(text,text,text,boolean,text,text);
DROP FUNCTION quay.tag_unpulled_list(text,text,text,timestamp with time zone,text,integer,text,boolean);
DROP FUNCTION quay.upload_append(text,text,text,bytea,bigint,bigint,text,jsonb,bigint);
DROP FUNCTION quay.upload_list(text,text,text,integer);
DROP FUNCTION quay.upload_reap(integer,integer);
DROP FUNCTION quay.upload_reap_confirm(uuid,text[]);
DROP FUNCTION quay.upload_stale_list(bigint,integer);
DROP FUNCTION quay.upload_start(text,text,text,text,text,jsonb,text,bigint);
DROP FUNCTION quay.upstream_check(text,text[]);
DROP FUNCTION quay_internal.accept_list(text[]);
DROP FUNCTION quay_internal.action_count_day(date);
DROP FUNCTION quay_internal.address_is_public(inet);
DROP FUNCTION quay_internal.array_except(bigint[],bigint[]);
DROP FUNCTION quay_internal.autoprune_candidates(bigint,text,bigint,text,boolean,bigint,bigint,bigint,integer);
DROP FUNCTION quay_internal.autoprune_check(bigint,bigint,text,text,text,boolean,text);
DROP FUNCTION quay_internal.autoprune_default();
DROP FUNCTION quay_internal.autoprune_invalid(text,text);
DROP FUNCTION quay_internal.autoprune_log(text,text,bigint,bigint,text,text,text,text);
DROP FUNCTION quay_internal.autoprune_plan(bigint,bigint,bigint,bigint);
DROP FUNCTION quay_internal.autoprune_policy_rows(bigint,bigint);
DROP FUNCTION quay_internal.autoprune_repository(text,bigint,integer,text);
DROP FUNCTION quay_internal.autoprune_rule(jsonb);
DROP FUNCTION quay_internal.autoprune_rule_list(bigint,bigint);
DROP FUNCTION quay_internal.autoprune_sees(quay.tag,text,boolean,bigint);
DROP FUNCTION quay_internal.autoprune_target(text,text);
DROP FUNCTION quay_internal.autoprune_task_keep(bigint);
DROP FUNCTION quay_internal.blob_commit(bigint,text,bigint,bigint,bigint);
DROP FUNCTION quay_internal.blob_delete_many(bigint[]);
DROP FUNCTION quay_internal.blob_discard(bigint[]);
DROP FUNCTION quay_internal.blob_held(bigint,bigint[]);
DROP FUNCTION quay_internal.blob_holders(bigint,bigint);
DROP FUNCTION quay_internal.blob_is_readable(bigint,bigint[],text,text);
DROP FUNCTION quay_internal.blob_locations(bigint);
DROP FUNCTION quay_internal.blob_lock(text);
DROP FUNCTION quay_internal.blob_placement_gap(bigint[],bigint[]);
DROP FUNCTION quay_internal.blob_repositories(bigint[],bigint,integer);
DROP FUNCTION quay_internal.blob_revive(bigint[]);
DROP FUNCTION quay_internal.blob_set_size(quay.imagestorage,bigint,bigint);
DROP FUNCTION quay_internal.blob_size_check(numeric,bigint);
DROP FUNCTION quay_internal.blob_unsettled(bigint[]);
DROP FUNCTION quay_internal.blob_unused(bigint[]);
DROP FUNCTION quay_internal.blob_use_add(bigint[],bigint[],boolean);
DROP FUNCTION quay_internal.blob_use_drop(bigint[],bigint[]);
DROP FUNCTION quay_internal.blob_use_look(bigint[],bigint[],bigint[],bigint[]);
DROP FUNCTION quay_internal.blob_use_missing(bigint[],bigint[]);
DROP FUNCTION quay_internal.credential_change(text,text,integer);
DROP FUNCTION quay_internal.derivedstorageforimage_removed();
DROP FUNCTION quay_internal.digest_is_shared(text);
DROP FUNCTION quay_internal.empty_layer();
DROP FUNCTION quay_internal.enumeration_list();
DROP FUNCTION quay_internal.event_notify(quay.repository,text,text,jsonb,text);
DROP FUNCTION quay_internal.event_notify_namespace(bigint,text,text,jsonb,text);
DROP FUNCTION quay_internal.event_queue(text[],text,jsonb,text,jsonb);
DROP FUNCTION quay_internal.gc_blobs(integer);
DROP FUNCTION quay_internal.gc_closure(bigint[],bigint[],timestamp without time zone);
DROP FUNCTION quay_internal.gc_closure_blobs(bigint[],timestamp without time zone,bigint[],bigint[],bigint[]);
DROP FUNCTION quay_internal.gc_closure_labels(bigint[]);
DROP FUNCTION quay_internal.gc_closure_manifests(bigint[],bigint[]);
DROP FUNCTION quay_internal.gc_due_new();
DROP FUNCTION quay_internal.gc_keeps_immutable();
DROP FUNCTION quay_internal.gc_labels(integer);
DROP FUNCTION quay_internal.gc_manifests(integer,bigint[]);
DROP FUNCTION quay_internal.gc_namespaces(integer);
DROP FUNCTION quay_internal.gc_preview_tags(bigint[],bigint);
DROP FUNCTION quay_internal.gc_require_primary();
DROP FUNCTION quay_internal.gc_review_add("char",bigint[],bigint);
DROP FUNCTION quay_internal.gc_review_take("char",integer);
DROP FUNCTION quay_internal.gc_storage_until(integer);
DROP FUNCTION quay_internal.gc_tags(integer);
DROP FUNCTION quay_internal.gc_tags_delete(bigint[]);
DROP FUNCTION quay_internal.gc_tags_delete_is_at_work();
DROP FUNCTION quay_internal.gc_uploads(integer);
DROP FUNCTION quay_internal.gc_uses(integer);
DROP FUNCTION quay_internal.glob_regex(text[]);
DROP FUNCTION quay_internal.image_find(text,text,text,text,text,boolean);
DROP FUNCTION quay_internal.image_manifests(bigint);
DROP FUNCTION quay_internal.imagestorage_added();
DROP FUNCTION quay_internal.imagestorage_removed();
DROP FUNCTION quay_internal.imagestorage_resized();
DROP FUNCTION quay_internal.imagestorage_resizing();
DROP FUNCTION quay_internal.immutability_apply(quay.repository,jsonb,bigint);
DROP FUNCTION quay_internal.immutability_check(quay.repository,text,boolean,text);
DROP FUNCTION quay_internal.immutability_enforce(text,quay.repository,text,jsonb,text,text);
DROP FUNCTION quay_internal.immutability_lock(text,text);
DROP FUNCTION quay_internal.immutability_log(text,quay.repository,text,jsonb,text,text);
DROP FUNCTION quay_internal.immutability_rule_list(bigint,bigint);
DROP FUNCTION quay_internal.immutable_check(boolean);
DROP FUNCTION quay_internal.inet_read(text);
DROP FUNCTION quay_internal.json_list(json,text);
DROP FUNCTION quay_internal.json_size(text);
DROP FUNCTION quay_internal.json_text_list(text);
DROP FUNCTION quay_internal.json_texts(json,text);
DROP FUNCTION quay_internal.label_apply(quay.repository,text,bigint,text,text,bigint,text);
DROP FUNCTION quay_internal.label_attach(quay.repository,text,quay.manifest,text,text,text,text,boolean,bigint,text);
DROP FUNCTION quay_internal.label_changes_tags(text);
DROP FUNCTION quay_internal.label_check(text,text,text,text,boolean);
DROP FUNCTION quay_internal.label_is_true(text);
DROP FUNCTION quay_internal.label_lifetime(text);
DROP FUNCTION quay_internal.label_manifest(quay.repository,text,boolean);
DROP FUNCTION quay_internal.label_refuse(text,text,text);
DROP FUNCTION quay_internal.label_reserved_prefix(text);
DROP FUNCTION quay_internal.labelsourcetype_get(text);
DROP FUNCTION quay_internal.layer_chain(text);
DROP FUNCTION quay_internal.layer_digests(text);
DROP FUNCTION quay_internal.log_add_many(text,bigint,bigint,bigint,jsonb[],text);
DROP FUNCTION quay_internal.manifest_added();
DROP FUNCTION quay_internal.manifest_change_immutable(quay.repository,text,bigint,boolean,bigint,text);
DROP FUNCTION quay_internal.manifest_children_check(record,bigint[]);
DROP FUNCTION quay_internal.manifest_children_require(bigint,record);
DROP FUNCTION quay_internal.manifest_descriptors(text);
DROP FUNCTION quay_internal.manifest_digest_problem(quay.manifest);
DROP FUNCTION quay_internal.manifest_entry_list(text);
DROP FUNCTION quay_internal.manifest_is_alive(bigint,bigint,boolean);
DROP FUNCTION quay_internal.manifest_layer_list(text);
DROP FUNCTION quay_internal.manifest_link_children(bigint,bigint,record);
DROP FUNCTION quay_internal.manifest_link_parents(bigint,bigint,text);
DROP FUNCTION quay_internal.manifest_live_tags(bigint,bigint);
DROP FUNCTION quay_internal.manifest_parse(bytea,text);
DROP FUNCTION quay_internal.manifest_refuse_other_tag(quay.manifest,text);
DROP FUNCTION quay_internal.manifest_removed();
DROP FUNCTION quay_internal.manifest_stored(text,text,text);
DROP FUNCTION quay_internal.manifest_tags_lock(bigint,bigint,bigint);
DROP FUNCTION quay_internal.manifest_unused(bigint[]);
DROP FUNCTION quay_internal.manifest_use_page(text,bigint[],bigint[],bigint[],bigint[],text[],text,integer,text,boolean);
DROP FUNCTION quay_internal.manifestblob_added();
DROP FUNCTION quay_internal.manifestblob_link(bigint,bigint,bigint[]);
DROP FUNCTION quay_internal.manifestblob_removed();
DROP FUNCTION quay_internal.manifestchild_removed();
DROP FUNCTION quay_internal.manifestlabel_removed();
DROP FUNCTION quay_internal.mirror_architectures_check(text[]);
DROP FUNCTION quay_internal.mirror_config_merge(jsonb,jsonb);
DROP FUNCTION quay_internal.mirror_credentials_check(text,text);
DROP FUNCTION quay_internal.mirror_due(boolean,integer,timestamp without time zone,integer,timestamp without time zone);
DROP FUNCTION quay_internal.mirror_globs_check(text[],text);
DROP FUNCTION quay_internal.mirror_hold(bigint,text);
DROP FUNCTION quay_internal.mirror_lock(text,text);
DROP FUNCTION quay_internal.mirror_log(quay.repomirrorconfig,text,text,text,jsonb);
DROP FUNCTION quay_internal.mirror_log_changes(quay.repository,text,jsonb,jsonb,bigint,text);
DROP FUNCTION quay_internal.mirror_log_request(text,text,text,quay.repomirrorconfig,text,text);
DROP FUNCTION quay_internal.mirror_next_start(timestamp without time zone,integer,timestamp without time zone);
DROP FUNCTION quay_internal.mirror_outcome(text);
DROP FUNCTION quay_internal.mirror_reference_check(text);
DROP FUNCTION quay_internal.mirror_refuse(text,text);
DROP FUNCTION quay_internal.mirror_robot(quay."user",text);
DROP FUNCTION quay_internal.mirror_robot_grant(quay."user",bigint[],bigint,text);
DROP FUNCTION quay_internal.mirror_schedule(integer,timestamp without time zone,integer,integer,timestamp without time zone);
DROP FUNCTION quay_internal.mirror_settings(quay.repomirrorconfig);
DROP FUNCTION quay_internal.mirror_status_name(integer);
DROP FUNCTION quay_internal.mirror_times_check(integer,integer,integer,integer,integer);
DROP FUNCTION quay_internal.mirror_unknown(text,text);
DROP FUNCTION quay_internal.namespace_has_immutability(bigint);
DROP FUNCTION quay_internal.namespace_has_immutable_tags(bigint);
DROP FUNCTION quay_internal.namespace_limit(bigint);
DROP FUNCTION quay_internal.namespace_review();
DROP FUNCTION quay_internal.namespace_size_forget();
DROP FUNCTION quay_internal.notification_told(bigint,text);
DROP FUNCTION quay_internal.org_mirror_active(bigint);
DROP FUNCTION quay_internal.org_mirror_find(text);
DROP FUNCTION quay_internal.org_mirror_hold(bigint,text);
DROP FUNCTION quay_internal.org_mirror_lock(text);
DROP FUNCTION quay_internal.org_mirror_log(quay.orgmirrorconfig,text,text);
DROP FUNCTION quay_internal.org_mirror_propagate_cancel(bigint,timestamp without time zone);
DROP FUNCTION quay_internal.org_mirror_propagate_sync_now(bigint,timestamp without time zone);
DROP FUNCTION quay_internal.org_mirror_repository_hold(bigint,text);
DROP FUNCTION quay_internal.org_mirror_repository_id(quay.orgmirrorconfig,quay.orgmirrorrepository);
DROP FUNCTION quay_internal.org_mirror_repository_log(quay.orgmirrorconfig,quay.orgmirrorrepository,text,text,text,jsonb);
DROP FUNCTION quay_internal.org_mirror_repository_problem(quay.repository);
DROP FUNCTION quay_internal.org_mirror_repository_reference(quay.orgmirrorconfig,text);
DROP FUNCTION quay_internal.org_mirror_repository_visible(bigint);
DROP FUNCTION quay_internal.org_mirror_schedule_new(bigint,timestamp without time zone);
DROP FUNCTION quay_internal.org_mirror_settle_cancelled(timestamp without time zone);
DROP FUNCTION quay_internal.org_mirror_source(quay.orgmirrorconfig);
DROP FUNCTION quay_internal.org_mirror_source_check(text,text);
DROP FUNCTION quay_internal.org_mirror_unknown(text);
DROP FUNCTION quay_internal.page_cursor(text);
DROP FUNCTION quay_internal.placeholder_blobs(text[],bigint[]);
DROP FUNCTION quay_internal.placeholder_manifests(bigint,text[],text[]);
DROP FUNCTION quay_internal.policy_cursor(text,text);
DROP FUNCTION quay_internal.policy_lock(text);
DROP FUNCTION quay_internal.policy_pattern_check(text,boolean);
DROP FUNCTION quay_internal.policy_pattern_problem(text,boolean);
DROP FUNCTION quay_internal.policy_read(text);
DROP FUNCTION quay_internal.policy_regex(text);
DROP FUNCTION quay_internal.policy_taken(jsonb);
DROP FUNCTION quay_internal.policy_unknown(text);
DROP FUNCTION quay_internal.proxy_admit(quay.proxycacheconfig,bigint[]);
DROP FUNCTION quay_internal.proxy_cache_check(text,text,text,integer);
DROP FUNCTION quay_internal.proxy_cache_require(text);
DROP FUNCTION quay_internal.proxy_download(quay.repository,text,bigint,text);
DROP FUNCTION quay_internal.proxy_end_ms(quay.proxycacheconfig);
DROP FUNCTION quay_internal.proxy_evict_manifests(bigint,bigint[]);
DROP FUNCTION quay_internal.proxy_evict_plan(bigint,bigint,bigint[],bigint[]);
DROP FUNCTION quay_internal.proxy_make_room(quay.proxycacheconfig,bigint,bigint[],boolean);
DROP FUNCTION quay_internal.proxy_manifest_add(quay.repository,text,record,quay.proxycacheconfig);
DROP FUNCTION quay_internal.proxy_manifest_find(bigint,text);
DROP FUNCTION quay_internal.proxy_manifest_keep(quay.repository,bigint,quay.proxycacheconfig);
DROP FUNCTION quay_internal.proxy_repository(text,text,text,text,text);
DROP FUNCTION quay_internal.proxy_tag_extend(bigint[],bigint);
DROP FUNCTION quay_internal.proxy_tag_point(quay.repository,text,bigint,quay.proxycacheconfig);
DROP FUNCTION quay_internal.pull_add(bigint[],text[],text[],bigint[],timestamp without time zone[]);
DROP FUNCTION quay_internal.pull_problem(jsonb);
DROP FUNCTION quay_internal.pulled_before_check(timestamp with time zone);
DROP FUNCTION quay_internal.quota_action_list(bigint);
DROP FUNCTION quay_internal.quota_bytes_check(numeric);
DROP FUNCTION quay_internal.quota_channel_exists(bigint,text);
DROP FUNCTION quay_internal.quota_claim(bigint,integer,boolean);
DROP FUNCTION quay_internal.quota_clear(bigint,integer);
DROP FUNCTION quay_internal.quota_default();
DROP FUNCTION quay_internal.quota_limit_refuse_duplicate(bigint,bigint,integer,bigint);
DROP FUNCTION quay_internal.quota_lock(quay."user");
DROP FUNCTION quay_internal.quota_notice_add(bigint,text,text);
DROP FUNCTION quay_internal.quota_notice_due(bigint,text,integer);
DROP FUNCTION quay_internal.quota_notice_kind(text);
DROP FUNCTION quay_internal.quota_notice_path(bigint,text);
DROP FUNCTION quay_internal.quota_notice_since();
DROP FUNCTION quay_internal.quota_percent_check(integer);
DROP FUNCTION quay_internal.quota_release(bigint,integer);
DROP FUNCTION quay_internal.quota_review(bigint,text);
DROP FUNCTION quay_internal.quota_size(bigint);
DROP FUNCTION quay_internal.quota_state(bigint,bigint);
DROP FUNCTION quay_internal.quota_tell(bigint,text,text,integer,bigint,bigint,boolean);
DROP FUNCTION quay_internal.quota_threshold_list(bigint,bigint);
DROP FUNCTION quay_internal.quota_warn(bigint,text);
DROP FUNCTION quay_internal.quota_warning_is_settled(bigint);
DROP FUNCTION quay_internal.quotatype_id(text);
DROP FUNCTION quay_internal.quotatype_name(bigint);
DROP FUNCTION quay_internal.readable_many(text,bigint[],text,boolean);
DROP FUNCTION quay_internal.reference_to_manifest(quay.repository,text,boolean);
DROP FUNCTION quay_internal.registry_check_account(text[],bigint,integer);
DROP FUNCTION quay_internal.registry_check_blob(text[],bigint,integer);
DROP FUNCTION quay_internal.registry_check_enumeration(text[],integer);
DROP FUNCTION quay_internal.registry_check_manifest(text[],bigint,integer,integer);
DROP FUNCTION quay_internal.registry_check_size(text[],bigint,integer);
DROP FUNCTION quay_internal.registry_check_statistics(text[],bigint,integer);
DROP FUNCTION quay_internal.registry_check_tag(text[],bigint,integer);
DROP FUNCTION quay_internal.registry_type(text);
DROP FUNCTION quay_internal.registry_type_name(integer);
DROP FUNCTION quay_internal.repository_action_count(bigint,date);
DROP FUNCTION quay_internal.repository_path(bigint);
DROP FUNCTION quay_internal.repository_size_forget();
DROP FUNCTION quay_internal.scan_add_missing(bigint,bigint);
DROP FUNCTION quay_internal.scan_is_in_vain(quay.manifestsecuritystatus,text,integer);
DROP FUNCTION quay_internal.scan_layer_types();
DROP FUNCTION quay_internal.scan_layers(text);
DROP FUNCTION quay_internal.scan_layers_located(text);
DROP FUNCTION quay_internal.scan_other_hashes(integer,text);
DROP FUNCTION quay_internal.scan_removed();
DROP FUNCTION quay_internal.scan_status_name(integer);
DROP FUNCTION quay_internal.scan_take(text,integer,text);
DROP FUNCTION quay_internal.schema1_is_possible(quay_internal.stored_manifest);
DROP FUNCTION quay_internal.schema1_payload(text);
DROP FUNCTION quay_internal.schema1_tags(text,text,text,text,text[]);
DROP FUNCTION quay_internal.size_add(bigint,bigint,bigint,bigint,boolean);
DROP FUNCTION quay_internal.size_add_to_part(bigint,bigint,bigint,bigint,bigint);
DROP FUNCTION quay_internal.size_admit(bigint,bigint,bigint,bigint);
DROP FUNCTION quay_internal.size_of(bigint,bigint);
DROP FUNCTION quay_internal.size_percent(bigint,bigint);
DROP FUNCTION quay_internal.size_recount(bigint);
DROP FUNCTION quay_internal.size_refuse(bigint,bigint,bigint);
DROP FUNCTION quay_internal.size_reserve(bigint,bigint);
DROP FUNCTION quay_internal.size_reserved(bigint);
DROP FUNCTION quay_internal.size_text(numeric);
DROP FUNCTION quay_internal.tag_bound_end(quay.tag,bigint,bigint);
DROP FUNCTION quay_internal.tag_change_end(quay.repository,text,quay.tag,bigint,bigint,text);
DROP FUNCTION quay_internal.tag_change_immutable(quay.repository,text,quay.tag,boolean,bigint,text);
DROP FUNCTION quay_internal.tag_displace(quay.repository,text[],bigint,bigint);
DROP FUNCTION quay_internal.tag_end_many(bigint[],bigint);
DROP FUNCTION quay_internal.tag_expiration_ms(timestamp with time zone);
DROP FUNCTION quay_internal.tag_find_at(bigint,text,bigint);
DROP FUNCTION quay_internal.tag_lock_live(bigint,text,bigint);
DROP FUNCTION quay_internal.tag_mark_ended(bigint,bigint,integer);
DROP FUNCTION quay_internal.tag_moment_ms(quay.repository,timestamp with time zone);
DROP FUNCTION quay_internal.tag_must_not_end(quay.tag);
DROP FUNCTION quay_internal.tag_removed();
DROP FUNCTION quay_internal.tag_retarget_many(quay.repository,text[],bigint,bigint,boolean);
DROP FUNCTION quay_internal.tag_review();
DROP FUNCTION quay_internal.tag_set_ended();
DROP FUNCTION quay_internal.tag_signatures(bigint[],bigint);
DROP FUNCTION quay_internal.tag_window_ms(quay.repository);
DROP FUNCTION quay_internal.time_read(text);
DROP FUNCTION quay_internal.timestamp_or_null(text);
DROP FUNCTION quay_internal.upload_discard_stale(integer);
DROP FUNCTION quay_internal.upload_is_stale(timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay_internal.upload_require_open(quay.repository);
DROP FUNCTION quay_internal.upload_reserve(bigint,bigint,bigint);
DROP FUNCTION quay_internal.upload_reserved();
DROP FUNCTION quay_internal.uploadedblob_added();
DROP FUNCTION quay_internal.uploadedblob_removed();
DROP FUNCTION quay_internal.upstream_allowed(text,inet);
DROP FUNCTION quay_internal.upstream_host(text);
DROP FUNCTION quay_internal.upstream_host_check(text);
DROP FUNCTION quay_internal.upstream_problem(text,text[]);
DROP FUNCTION quay_internal.upstream_url_check(text);
DROP FUNCTION quay_internal.within_ms(interval);
DROP FUNCTION quay_internal.scan_metadata(text);
DROP FUNCTION quay_internal.scan_retries(jsonb,text);

-- Sizes and reviews follow from the content, and the digests for the scanner are hints.
ALTER EXTENSION quay DROP TABLE quay_internal.missing_child;
DROP TABLE quay_internal.missing_child;
ALTER EXTENSION quay DROP TABLE quay.allowed_upstream_host;
DROP TABLE quay.allowed_upstream_host;
ALTER EXTENSION quay DROP TABLE quay_internal.blob_use;
DROP TABLE quay_internal.blob_use;
ALTER EXTENSION quay DROP TABLE quay_internal.size_counter;
DROP TABLE quay_internal.size_counter;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.gc_review_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.gc_review;
DROP TABLE quay_internal.gc_review;
ALTER EXTENSION quay DROP TABLE quay_internal.blob_deletion;
DROP TABLE quay_internal.blob_deletion;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.scan_orphan_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.scan_orphan;
DROP TABLE quay_internal.scan_orphan;

-- Foreign keys and indexes as 1.1 has them.
ALTER TABLE quay.manifestblob
    DROP CONSTRAINT fk_manifestblob_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestblob_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id);
ALTER TABLE quay.manifestchild
    DROP CONSTRAINT fk_manifestchild_child_manifest_id_manifest,
    DROP CONSTRAINT fk_manifestchild_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestchild_child_manifest_id_manifest FOREIGN KEY (child_manifest_id) REFERENCES quay.manifest (id),
    ADD CONSTRAINT fk_manifestchild_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id);
ALTER TABLE quay.manifestlabel
    DROP CONSTRAINT fk_manifestlabel_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestlabel_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id);
ALTER TABLE quay.manifestsecuritystatus
    DROP CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest,
    ADD CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id);
ALTER TABLE quay.tag
    DROP CONSTRAINT fk_tag_linked_tag_id_tag,
    DROP CONSTRAINT fk_tag_manifest_id_manifest,
    ADD CONSTRAINT fk_tag_linked_tag_id_tag FOREIGN KEY (linked_tag_id) REFERENCES quay.tag (id),
    ADD CONSTRAINT fk_tag_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id);
ALTER TABLE quay.tagnotificationsuccess
    DROP CONSTRAINT fk_tag_notification_success_tag_id,
    ADD CONSTRAINT fk_tag_notification_success_tag_id FOREIGN KEY (tag_id) REFERENCES quay.tag (id);
DROP INDEX quay.autoprunetaskstatus_last_ran_ms;
DROP INDEX quay.manifest_subject_malformed;
DROP INDEX quay.manifestsecuritystatus_index_status_indexer_hash;
DROP INDEX quay.manifestsecuritystatus_index_status_last_indexed;
DROP INDEX quay.orgmirrorrepository_due;
DROP INDEX quay.proxycacheconfig_organization_id;
DROP INDEX quay.repomirrorconfig_due;
DROP INDEX quay.repository_visibility_id_namespace_user_id_name;
DROP INDEX quay.tag_repository_id_lifetime_end_ms_ending;
DROP INDEX quay.tag_repository_id_name_ending;
CREATE INDEX autoprunetaskstatus_last_ran_ms ON quay.autoprunetaskstatus (last_ran_ms);
CREATE INDEX proxycacheconfig_organization_id ON quay.proxycacheconfig (organization_id);

ALTER TABLE quay.tag DROP COLUMN ended;
ALTER TABLE quay.blobupload DROP COLUMN reserved_bytes;

-- @part step api/020_secret.sql
-- Passwords, encrypted fields, tokens, digests and keys of tokens: the C functions of src/auth. Clients call only the first.

CREATE OR REPLACE FUNCTION quay.password_encrypt(password text) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_encrypt';
COMMENT ON FUNCTION quay.password_encrypt(text) IS
    'The password encrypted with quay.secret_key, for people to use in its place in `docker login`: quay.authenticate() takes either. It does not check the password: let quay.authenticate() do that first. Each call gives another text; all are good until the password or the key changes. Errors: QY061 too long, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.password_decrypt(encrypted text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_decrypt';
COMMENT ON FUNCTION quay_internal.password_decrypt(text) IS
    'The password in an encrypted password; NULL if the text is none, has another key, or no usable key is set: it is a plain password then. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.password_hash(secret text, cost integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_hash';
COMMENT ON FUNCTION quay_internal.password_hash(text, integer) IS
    'bcrypt hash of a secret, 60 characters, prefix $2b$, of a cost from 4 to 20. Bytes after the 72nd have no effect. Errors: QY061 zero byte.';

CREATE OR REPLACE FUNCTION quay_internal.password_verify(secret text, hash text, cost integer DEFAULT 12) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_verify';
COMMENT ON FUNCTION quay_internal.password_verify(text, text, integer) IS
    'Does the secret match the bcrypt hash? Never NULL. A NULL hash is no match, and takes the time of a hash of the given cost.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt(secret text, max_length integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt';
COMMENT ON FUNCTION quay_internal.field_encrypt(text, integer) IS
    'Encrypted form (v0$$...) of a secret for a column that takes max_length characters, NULL for any. NULL gives NULL. Errors: QY061 too long.';

CREATE OR REPLACE FUNCTION quay_internal.field_decrypt(stored text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_decrypt';
COMMENT ON FUNCTION quay_internal.field_decrypt(text) IS
    'The secret of an encrypted field, whose key is quay.database_secret_key or the previous one. NULL gives NULL. Errors: QY060 damaged, or another key; 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt_with(secret text, key text) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt_with';
COMMENT ON FUNCTION quay_internal.field_encrypt_with(text, text) IS
    'Encrypted form of a secret with another key than quay.database_secret_key, which NULL stands for. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_key(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_key';
COMMENT ON FUNCTION quay_internal.field_key(text, text, text) IS
    'Which key opens the encrypted field: new, old or none. NULL keys are quay.database_secret_key_previous, which may be empty, and quay.database_secret_key. Errors: 22023 not a key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_rotate(stored text, old text DEFAULT NULL, new text DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_rotate';
COMMENT ON FUNCTION quay_internal.field_rotate(text, text, text) IS
    'The encrypted field with the new key instead of the old one; itself if it has the new one, NULL if it has neither. NULL keys are quay.database_secret_key_previous and quay.database_secret_key. Errors: 22023 not a key, or the same one twice, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time, with either key. Never NULL: a missing field or secret is no match. Errors: QY060; 55000.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

CREATE OR REPLACE FUNCTION quay_internal.secret_digest(secret text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_digest';
COMMENT ON FUNCTION quay_internal.secret_digest(text) IS
    'Keyed digest of a secret by which it can be looked up: HMAC-SHA256, 64 hexadecimal digits, with a key that is derived from quay.database_secret_key. Errors: 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay_internal.token_random(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random';
COMMENT ON FUNCTION quay_internal.token_random(integer) IS 'Random token of 1 to 1024 characters out of A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.token_random_ascii(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random_ascii';
COMMENT ON FUNCTION quay_internal.token_random_ascii(integer) IS 'Random token of 1 to 1024 characters out of a-z, A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_start(algorithm text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_start';
COMMENT ON FUNCTION quay_internal.hashstate_start(text) IS
    'State of a digest, as text, before any data. Algorithms: sha256, sha512. Errors: QY022.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_update(state text, chunk bytea) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_update';
COMMENT ON FUNCTION quay_internal.hashstate_update(text, bytea) IS 'State of a digest after more data. Errors: QY054 damaged state.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_final(state text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_final';
COMMENT ON FUNCTION quay_internal.hashstate_final(text) IS 'Digest, as algorithm:hex, of all data that went into the state. Errors: QY054.';

CREATE OR REPLACE FUNCTION quay_internal.digest_compute(data bytea, algorithm text DEFAULT 'sha256') RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_compute';
COMMENT ON FUNCTION quay_internal.digest_compute(bytea, text) IS 'Digest, as algorithm:hex, of bytes. Algorithms: sha256, sha512. Errors: QY022.';

-- Tokens signed with RSA keys (RS256), and these keys.

CREATE OR REPLACE FUNCTION quay_internal.jwt_header(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_header';
COMMENT ON FUNCTION quay_internal.jwt_header(text) IS 'Header of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_payload(token text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_payload';
COMMENT ON FUNCTION quay_internal.jwt_payload(text) IS 'Claims of a JSON web token as text, not verified; NULL if the text is no such token.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_signed_by(token text, n text, e text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwt_signed_by';
COMMENT ON FUNCTION quay_internal.jwt_signed_by(text, text, text) IS
    'Did the RSA key with these members of its JSON web key sign the token, with RS256? Never NULL. What the header says is not looked at.';

CREATE OR REPLACE FUNCTION quay_internal.jwk_thumbprint(n text, e text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_jwk_thumbprint_of';
COMMENT ON FUNCTION quay_internal.jwk_thumbprint(text, text) IS
    'Thumbprint (RFC 7638, SHA-256) of the RSA key with these members of its JSON web key; NULL if they are no key of 2048 to 16384 bits.';

CREATE OR REPLACE FUNCTION quay_internal.rsa_key_generate(OUT private_key text, OUT n text, OUT e text)
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_rsa_key_generate';
COMMENT ON FUNCTION quay_internal.rsa_key_generate() IS
    'A new RSA key of 2048 bits: the private key as PEM, and the members of the JSON web key of the public one. Takes some tenths of a second.';

CREATE OR REPLACE FUNCTION quay_internal.json_read(document text) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN document::jsonb;
EXCEPTION
    -- The message would quote the text.
    WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.json_read(text) IS 'A text as jsonb; NULL if it is none, or nothing that jsonb can hold, such as a number out of range. For texts that nobody has checked, or that must not be quoted; json_or_null() is the cheaper one for views over many rows.';

CREATE OR REPLACE FUNCTION quay_internal.jwt_is(token text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(lower(quay_internal.json_read(quay_internal.jwt_header(token)) ->> 'typ') IN ('jwt', 'at+jwt'), false);
END
$$;
COMMENT ON FUNCTION quay_internal.jwt_is(text) IS 'Is the text a JSON web token, by its header (typ jwt or at+jwt)? Nothing of it is verified. Never NULL.';

-- @part step api/030_log.sql
-- The audit log: who did it, adding a row, and its monthly partitions.

CREATE OR REPLACE FUNCTION quay_internal.actor_id(actor text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF actor_id.actor IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = actor_id.actor;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'actor does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(actor_id.actor, 80)),
            HINT = 'Pass the actor that quay.authenticate() returned, or NULL for anonymous.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.actor_id(text) IS
    'Id of the person, organization or robot that acts; NULL for anonymous. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_kind_id bigint;
BEGIN
    SELECT k.id INTO found_kind_id FROM quay.logentrykind AS k WHERE k.name = log_add.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of log entry',
            DETAIL = format('There is no kind named "%s".', left(log_add.kind, 80)),
            HINT = 'The table quay.logentrykind lists the kinds.';
    END IF;
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    VALUES (found_kind_id,
            -- What belongs to no namespace is shown to the first account, as the reference does.
            coalesce(log_add.namespace_id, (SELECT min(u.id) FROM quay."user" AS u), 0),
            log_add.performer_id, log_add.repository_id, quay_internal.utc_now(), left(log_add.ip, 255),
            coalesce(log_add.metadata, '{}')::text);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log. A NULL namespace means the account with the smallest id. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_partition_missing(months_ahead integer) RETURNS SETOF timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', quay_internal.utc_now());
BEGIN
    RETURN QUERY
        SELECT wanted.month
        FROM (SELECT g.month
              FROM generate_series(this_month, this_month + make_interval(months => months_ahead), interval '1 month') AS g (month)
              UNION
              SELECT date_trunc('month', l.datetime) FROM quay.logentry3_default AS l WHERE isfinite(l.datetime)) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                          WHERE i.inhparent = 'quay.logentry3'::regclass
                            AND c.relname = to_char(wanted.month, '"logentry3_y"YYYY"m"MM'))
        ORDER BY wanted.month;
END
$$;
COMMENT ON FUNCTION quay_internal.log_partition_missing(integer) IS
    'First days of the months that need a partition of the audit log and have none: this one, the coming ones, and those of rows in the default partition.';

CREATE OR REPLACE FUNCTION quay.log_partition_ensure(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp;
    name text;
BEGIN
    -- One call at a time, before anything is read: a read lock on the default partition, once held, would deadlock with the other call's
    -- exclusive one. It keeps neither readers nor writers waiting.
    LOCK TABLE quay.logentry3 IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead)) THEN
        RETURN;
    END IF;

    -- No row may arrive between the move and the attachment. ATTACH PARTITION needs this lock anyhow.
    LOCK TABLE quay.logentry3_default IN ACCESS EXCLUSIVE MODE;
    FOR month IN SELECT m FROM quay_internal.log_partition_missing(months_ahead) AS m LOOP
        name := to_char(month, '"logentry3_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE quay.%I (LIKE quay.logentry3_default INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE quay.%I OWNER TO %I', name,
            (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
        EXECUTE format('COMMENT ON TABLE quay.%I IS %L', name, 'Audit log of the month that its name says.');
        EXECUTE format('WITH moved AS (DELETE FROM quay.logentry3_default WHERE datetime >= %2$L AND datetime < %3$L RETURNING *) '
                       'INSERT INTO quay.%1$I SELECT * FROM moved', name, month, month + interval '1 month');
        EXECUTE format('ALTER TABLE quay.logentry3 ATTACH PARTITION quay.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        RETURN NEXT name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_partition_ensure(integer) IS
    'Makes the monthly partitions of the audit log for this and the coming months, and for months of which the default partition holds rows, which it moves. Returns the names of the new ones; a call that finds nothing to do keeps nobody waiting but other such calls. For the owner of the tables.';

-- @part step api/036_notification.sql
-- Notifications within the registry: adding one, and removing those that are settled.

CREATE OR REPLACE FUNCTION quay_internal.notification_add(kind text, target_id bigint, metadata jsonb DEFAULT '{}', lookup_path text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_uuid text;
BEGIN
    INSERT INTO quay.notification (uuid, kind_id, target_id, metadata_json, created, dismissed, lookup_path)
    SELECT gen_random_uuid()::text, k.id, notification_add.target_id, notification_add.metadata::text, quay_internal.utc_now(), false,
           notification_add.lookup_path
    FROM quay.notificationkind AS k
    WHERE k.name = notification_add.kind
    RETURNING uuid INTO new_uuid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of notification',
            DETAIL = format('There is no kind named "%s".', left(notification_add.kind, 80)),
            HINT = 'The table quay.notificationkind lists the kinds.';
    END IF;
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_add(text, bigint, jsonb, text) IS
    'Notifies a user, or the administrators of an organization, and returns the uuid of the notification. lookup_path: by which it can be removed. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete(kind text, target_id bigint, metadata jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    DELETE FROM quay.notification AS n
    USING quay.notificationkind AS k
    WHERE k.id = n.kind_id AND k.name = notification_delete.kind AND n.target_id = notification_delete.target_id
      AND quay_internal.json_read(n.metadata_json) @> notification_delete.metadata;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete(text, bigint, jsonb) IS
    'Deletes the notifications of a kind and a target whose metadata contain those given, and returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.notification_delete_path(lookup_path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/".
    DELETE FROM quay.notification AS n
    WHERE n.lookup_path = notification_delete_path.lookup_path
       OR n.lookup_path >= notification_delete_path.lookup_path || '/' AND n.lookup_path < notification_delete_path.lookup_path || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.notification_delete_path(text) IS
    'Deletes the notifications with this lookup path or one below it, and returns how many there were.';

-- @part step api/130_repository.sql
-- Repositories: creation with everything that belongs to it, what there is to know about one, its settings, and its mark for deletion.

CREATE OR REPLACE FUNCTION quay_internal.visibility_id(visibility text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT v.id INTO found_id FROM quay.visibility AS v WHERE v.name = visibility_id.visibility;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown visibility',
            DETAIL = format('There is no visibility "%s".', left(visibility_id.visibility, 80)),
            HINT = 'A repository is public or private.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.visibility_id(text) IS 'Id of a visibility: public or private. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.repositorykind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT k.id INTO found_id FROM quay.repositorykind AS k WHERE k.name = repositorykind_id.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of repository',
            DETAIL = format('There is no kind "%s".', left(repositorykind_id.kind, 80)),
            HINT = 'Kinds of a repository are image and application.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.repositorykind_id(text) IS 'Id of a kind of repository: image or application. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.repository_state_name(state integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE state WHEN 0 THEN 'normal' WHEN 1 THEN 'read_only' WHEN 2 THEN 'mirror' WHEN 3 THEN 'marked_for_deletion'
                      WHEN 4 THEN 'org_mirror' END;
COMMENT ON FUNCTION quay_internal.repository_state_name(integer) IS
    'Name of a repository.state: normal, read_only, mirror, marked_for_deletion or org_mirror. NULL for any other number.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_problem(name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(repository_name_problem.name, '/') > 0 AND NOT quay_internal.setting('extended_repository_names')::boolean THEN
        RETURN 'It contains a "/", and nested repositories are not supported here.';
    END IF;
    RETURN quay_internal.name_problem('repository', repository_name_problem.name);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_problem(text) IS
    'Why a new repository cannot have this name, as a sentence; NULL if it can. A "/" needs the setting quay.extended_repository_names.';

CREATE OR REPLACE FUNCTION quay_internal.repository_name_check(name text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.name_check('repository', repository_name_check.name);
    IF quay_internal.repository_name_problem(repository_name_check.name) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal repository name',
            DETAIL = format('"%s": %s', left(repository_name_check.name, 80), quay_internal.repository_name_problem(repository_name_check.name)),
            HINT = 'Use a name without "/", or have quay.extended_repository_names switched on.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_name_check(text) IS
    'Refuses (QY001) a name that a new repository cannot have.';

CREATE OR REPLACE FUNCTION quay.repository_create(namespace text, name text, creator text DEFAULT NULL, visibility text DEFAULT 'private',
                                                  description text DEFAULT NULL, kind text DEFAULT 'image',
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL, proxy_cache boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A mirror configuration of the organization is made under FOR UPDATE of this row: it either sees our repository, or we see it.
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(coalesce(repository_create.actor, repository_create.creator));
    author quay."user";
    created quay.repository;
BEGIN
    PERFORM quay_internal.repository_name_check(repository_create.name);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c
               WHERE c.organization_id = owner.id AND c.internal_robot_id IS DISTINCT FROM performer_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'organization is a mirror',
            DETAIL = format('Only the robot of its mirror configuration creates repositories in "%s".', owner.username),
            HINT = 'Pass that robot as actor, or remove the mirror configuration of the organization.';
    END IF;
    IF repository_create.creator IS NOT NULL THEN
        SELECT * INTO author FROM quay."user" AS u WHERE u.id = quay_internal.actor_id(repository_create.creator);
    END IF;

    INSERT INTO quay.repository (namespace_user_id, name, visibility_id, description, badge_token, kind_id)
    VALUES (owner.id, repository_create.name, quay_internal.visibility_id(repository_create.visibility),
            repository_create.description, gen_random_uuid()::text, quay_internal.repositorykind_id(repository_create.kind))
    ON CONFLICT DO NOTHING
    RETURNING * INTO created;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(namespace || '/' || repository_create.name, 'A repository');
    END IF;

    -- The reference's search score reads a first day that is over.
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    VALUES (created.id, 0, quay_internal.utc_now()::date - 1);
    INSERT INTO quay.repositorysearchscore (repository_id, score) VALUES (created.id, 0);
    IF author.id IS NOT NULL AND NOT author.organization THEN
        INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
        VALUES (author.id, created.id, quay_internal.role_id(CASE WHEN repository_create.proxy_cache THEN 'read' ELSE 'admin' END));
        IF author.id <> owner.id THEN
            PERFORM quay_internal.permission_apply_default(created, author.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('create_repo', owner.id, performer_id, created.id,
        jsonb_build_object('namespace', namespace, 'repo', repository_create.name), repository_create.ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.repository_create(text, text, text, text, text, text, text, text, boolean) IS
    'Creates a repository and returns its id. The creator, unless an organization, gets the role admin, or read with proxy_cache, which is for repositories that a pull through the cache creates; the default permissions of the namespace apply in the same transaction, unless the creator is its owner. visibility: public or private; kind: image or application. The actor is the creator unless given. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY005 the organization is a mirror and the actor is not its robot, QY006 name taken, QY007 creator or actor unknown, QY009 unknown visibility or kind, QY013 creator is a robot of another namespace.';

-- Looking at repositories. Callers that answer people ask access_check() first.

CREATE OR REPLACE FUNCTION quay.repository_get_many(ids bigint[], username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, namespace text, name text, visibility text, kind text, state text, description text,
                   trust_enabled boolean, stars bigint, is_starred boolean, size_bytes bigint, namespace_id bigint,
                   namespace_is_organization boolean, namespace_enabled boolean, tag_expiration_s bigint, original_name text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    viewer_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = repository_get_many.username);
BEGIN
    RETURN QUERY
        SELECT r.id, u.username::text, r.name::text, v.name::text, k.name::text, quay_internal.repository_state_name(r.state), r.description,
               r.trust_enabled, (SELECT count(*) FROM quay.star AS s WHERE s.repository_id = r.id),
               EXISTS (SELECT FROM quay.star AS s WHERE s.user_id = viewer_id AND s.repository_id = r.id), coalesce(q.size_bytes, 0),
               u.id, u.organization, u.enabled, u.removed_tag_expiration_s, coalesce(d.original_name, r.name)::text
        FROM quay.repository AS r
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        LEFT JOIN quay.quotarepositorysize AS q ON q.repository_id = r.id
        LEFT JOIN quay.deletedrepository AS d ON d.repository_id = r.id
        WHERE r.id = ANY (ids)
        ORDER BY r.id;
END
$$;
COMMENT ON FUNCTION quay.repository_get_many(bigint[], text) IS
    'What there is to know about repositories, by their ids, in the order of these; ids that are unknown are left out. Also those that are marked for deletion, and those of disabled namespaces. state: normal, read_only, mirror, marked_for_deletion or org_mirror. stars: how many people starred it; is_starred: whether the user of that name did. size_bytes: as counted for quotas, 0 if not counted. tag_expiration_s: how long the namespace keeps removed tags, in seconds. original_name: the name before it was marked for deletion.';

CREATE OR REPLACE FUNCTION quay.repository_get(namespace text, name text, username text DEFAULT NULL)
    RETURNS TABLE (repository_id bigint, visibility text, kind text, state text, description text, trust_enabled boolean, stars bigint,
                   is_starred boolean, size_bytes bigint, namespace_id bigint, namespace_is_organization boolean, tag_expiration_s bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT g.repository_id, g.visibility, g.kind, g.state, g.description, g.trust_enabled, g.stars, g.is_starred, g.size_bytes,
               g.namespace_id, g.namespace_is_organization, g.tag_expiration_s
        FROM quay.repository_get_many(ARRAY[quay_internal.repository_find(repository_get.namespace, repository_get.name)],
                                      repository_get.username) AS g;
END
$$;
COMMENT ON FUNCTION quay.repository_get(text, text, text) IS
    'What there is to know about a repository; the columns are those of repository_get_many(). No row if it is unknown or marked for deletion, or its namespace disabled. username: whose star is_starred is about.';

CREATE OR REPLACE FUNCTION quay.repository_state_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT quay_internal.repository_state_name(r.state) FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_state_get.namespace, repository_state_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_state_get(text, text) IS
    'State of a repository: normal, read_only, mirror or org_mirror. NULL if it is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_kind_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT k.name FROM quay.repository AS r JOIN quay.repositorykind AS k ON k.id = r.kind_id
            WHERE r.id = quay_internal.repository_find(repository_kind_get.namespace, repository_kind_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_kind_get(text, text) IS
    'Kind of a repository: image or application. NULL if it is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_set_state(namespace text, name text, state text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_state.actor);
    new_state integer := CASE repository_set_state.state WHEN 'normal' THEN 0 WHEN 'read_only' THEN 1 WHEN 'mirror' THEN 2 END;
    target quay.repository;
BEGIN
    IF new_state IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown state of a repository',
            DETAIL = format('There is no state "%s" that can be set.', left(repository_set_state.state, 80)),
            HINT = 'States are normal, read_only and mirror.';
    END IF;

    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE: once we commit, nothing is pushed under the old state.
    PERFORM FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_set_state.namespace AND r.name = repository_set_state.name FOR UPDATE OF r;
    target := quay_internal.repository_get(namespace, name);
    IF target.state = 4 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is a mirror of an organization',
            DETAIL = format('The state of "%s/%s" follows the mirror configuration of its organization.', namespace, target.name),
            HINT = 'Remove the mirror configuration of the organization.';
    END IF;
    UPDATE quay.repository AS r SET state = new_state WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_state', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'state_changed', repository_set_state.state), repository_set_state.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_state(text, text, text, text, text) IS
    'Sets the state of a repository: normal, read_only or mirror. Waits for pushes under way, so that none is committed under the old state afterwards. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY005 mirror of an organization, QY007 actor unknown, QY009 unknown state.';

CREATE OR REPLACE FUNCTION quay.repository_set_visibility(namespace text, name text, visibility text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_visibility.actor);
    new_visibility_id bigint := quay_internal.visibility_id(repository_set_visibility.visibility);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET visibility_id = new_visibility_id WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_visibility', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'visibility', repository_set_visibility.visibility), repository_set_visibility.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_visibility(text, text, text, text, text) IS
    'Makes a repository public or private. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown, QY009 unknown visibility.';

CREATE OR REPLACE FUNCTION quay.repository_set_description(namespace text, name text, description text,
                                                           actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_description.actor);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET description = repository_set_description.description WHERE r.id = target.id;
    PERFORM quay_internal.log_add('set_repo_description', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'description', repository_set_description.description),
        repository_set_description.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_description(text, text, text, text, text) IS
    'Sets the description of a repository, a text in Markdown; NULL for none. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_set_trust(namespace text, name text, trust_enabled boolean,
                                                     actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_trust.actor);
    new_trust boolean := coalesce(repository_set_trust.trust_enabled, false);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET trust_enabled = new_trust WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_trust', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'trust_enabled', new_trust), repository_set_trust.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_trust(text, text, boolean, text, text) IS
    'Says whether the tags of a repository are signed; NULL counts as false. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_get(namespace text, name text) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.badge_token FROM quay.repository AS r
            WHERE r.id = quay_internal.repository_find(repository_badge_token_get.namespace, repository_badge_token_get.name));
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_get(text, text) IS
    'The token that lets a web page show the status badge of a private repository. NULL if the repository is unknown or marked for deletion, or its namespace disabled.';

CREATE OR REPLACE FUNCTION quay.repository_badge_token_rotate(namespace text, name text) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
    new_token text := gen_random_uuid()::text;
BEGIN
    UPDATE quay.repository AS r SET badge_token = new_token WHERE r.id = target.id;
    RETURN new_token;
END
$$;
COMMENT ON FUNCTION quay.repository_badge_token_rotate(text, text) IS
    'Replaces the token of the status badge of a repository and returns the new one. Badges with the old one show nothing any more. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_mark_deletion(namespace text, name text, delay interval DEFAULT '0', suffix text DEFAULT NULL,
                                                         actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_mark_deletion.actor);
    target quay.repository;
    marker_id bigint;
    new_queue_id bigint;
BEGIN
    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE, and later ones do not find the name any more. Of two calls the
    -- second one does not either.
    SELECT r.* INTO target FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_mark_deletion.namespace AND NOT u.robot AND r.name = repository_mark_deletion.name AND r.state <> 3
    FOR UPDATE OF r;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    DELETE FROM quay.star AS s WHERE s.repository_id = target.id;
    UPDATE quay.repository AS r SET name = left(concat_ws('_', gen_random_uuid(), suffix), 255), state = 3 WHERE r.id = target.id;
    INSERT INTO quay.deletedrepository (repository_id, marked, original_name)
    VALUES (target.id, quay_internal.utc_now(), target.name)
    RETURNING id INTO marker_id;
    new_queue_id := quay_internal.queue_add(quay_internal.queue_path('repositorygc', repository_mark_deletion.namespace, target.id::text),
        jsonb_build_object('marker_id', marker_id, 'original_name', target.name), coalesce(delay, '0'));
    UPDATE quay.deletedrepository AS d SET queue_id = new_queue_id::text WHERE d.id = marker_id;
    -- Not under the repository: its name is gone.
    PERFORM quay_internal.log_add('delete_repo', target.namespace_user_id, performer_id, NULL,
        jsonb_build_object('namespace', repository_mark_deletion.namespace, 'repo', target.name), repository_mark_deletion.ip);
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.repository_mark_deletion(text, text, interval, text, text, text) IS
    'Marks a repository for deletion and returns the id of its marker, NULL if there is no such repository. From then on nobody sees it and its name is free; its rows go when a worker takes the item of the queue repositorygc that this adds, after the delay. Waits for pushes under way. suffix is added to the name that it has until then, which is a random one. Works in a disabled namespace too. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.search_index_create() RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trgm_schema name;
    indexed text;
BEGIN
    SELECT n.nspname INTO trgm_schema FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOREACH indexed IN ARRAY ARRAY['name', 'description'] LOOP
        CONTINUE WHEN to_regclass(format('quay.repository_%s__fulltext', indexed)) IS NOT NULL;
        -- IF NOT EXISTS alone loses a race: of two calls the second waits here.
        LOCK TABLE quay.repository IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON quay.repository USING gin (%I %I.gin_trgm_ops)',
            format('repository_%s__fulltext', indexed), indexed, trgm_schema);
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.search_index_create() IS
    'Creates the trigram indexes for repository search where they are missing. False if the extension pg_trgm is not installed. For the owner of the tables.';

-- @part step api/132_repository_attribute.sql
-- What hangs on repositories: stars, e-mail addresses for notifications, sizes, counts, and the score that orders the search.

CREATE OR REPLACE FUNCTION quay.repository_star(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star.username);
    -- Who marks the repository for deletion removes its stars; the lock lets none slip in.
    target quay.repository := quay_internal.repository_get(repository_star.namespace, repository_star.name, lock => true);
BEGIN
    INSERT INTO quay.star (user_id, repository_id, created) VALUES (person.id, target.id, quay_internal.utc_now()) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_star(text, text, text) IS
    'Stars a repository for a person. True if starred, false if it was already. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_unstar(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_unstar.username);
BEGIN
    DELETE FROM quay.star AS s
    WHERE s.user_id = person.id
      AND s.repository_id = quay_internal.repository_find(repository_unstar.namespace, repository_unstar.name);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_unstar(text, text, text) IS
    'Takes the star of a person from a repository. True if taken, false if there was none or no such repository. Errors: QY007 person unknown.';

CREATE OR REPLACE FUNCTION quay.repository_is_starred(username text, namespace text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.star AS s JOIN quay."user" AS u ON u.id = s.user_id
                   WHERE u.username = repository_is_starred.username
                     AND s.repository_id = quay_internal.repository_find(repository_is_starred.namespace, repository_is_starred.name));
END
$$;
COMMENT ON FUNCTION quay.repository_is_starred(text, text, text) IS 'Did the person star the repository? Names that are unknown make it false.';

CREATE OR REPLACE FUNCTION quay.repository_star_count(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT count(*) FROM quay.star AS s
            WHERE s.repository_id = quay_internal.repository_find(repository_star_count.namespace, repository_star_count.name));
END
$$;
COMMENT ON FUNCTION quay.repository_star_count(text, text) IS 'How many people starred the repository; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_star_list(username text, after bigint DEFAULT NULL, n integer DEFAULT 100, kind text DEFAULT 'image',
                                                     scopes text DEFAULT NULL)
    RETURNS TABLE (star_id bigint, repository_id bigint, namespace text, repository text, visibility text, state text, description text,
                   created timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    person quay."user" := quay_internal.person_get(repository_star_list.username);
    page_size integer := quay_internal.page_size(n);
    wanted_kind_id bigint := CASE WHEN repository_star_list.kind IS NOT NULL THEN quay_internal.repositorykind_id(repository_star_list.kind) END;
    returned integer := 0;
BEGIN
    IF page_size = 0 THEN
        RETURN;
    END IF;
    FOR star_id, repository_id, namespace, repository, visibility, state, description, created IN
        SELECT s.id, r.id, u.username, r.name, v.name, quay_internal.repository_state_name(r.state), r.description, s.created
        FROM quay.star AS s
        JOIN quay.repository AS r ON r.id = s.repository_id
        JOIN quay."user" AS u ON u.id = r.namespace_user_id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        WHERE s.user_id = person.id AND s.id > coalesce(repository_star_list.after, 0) AND r.state <> 3
          AND (wanted_kind_id IS NULL OR r.kind_id = wanted_kind_id)
        ORDER BY s.id
    LOOP
        -- Who lost the right to see a repository keeps the star, but does not see it.
        CONTINUE WHEN NOT quay.access_check(person.username, namespace, repository, 'read', repository_star_list.scopes);
        RETURN NEXT;
        returned := returned + 1;
        EXIT WHEN returned = page_size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.repository_star_list(text, bigint, integer, text, text) IS
    'Repositories that a person starred and may read now, in the order in which they were starred, at most n, those after the star_id after. kind: image or application; NULL for both. scopes: those of the credential, as in access_check(). created: when starred, UTC. Errors: 22023 n negative, QY007 person unknown, QY009 unknown kind.';

-- E-mail addresses that may get notifications about a repository, once their owner has confirmed it.

CREATE OR REPLACE FUNCTION quay.repository_email_create(namespace text, name text, email text)
    RETURNS TABLE (code text, confirmed boolean)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    PERFORM quay_internal.email_check(repository_email_create.email);
    INSERT INTO quay.repositoryauthorizedemail (repository_id, email, code, confirmed)
    VALUES (target.id, repository_email_create.email, quay_internal.token_random(16), false)
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT a.code::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
                 WHERE a.repository_id = target.id AND a.email = repository_email_create.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_create(text, text, text) IS
    'Asks for an e-mail address to get notifications about a repository. Returns the code to mail there, 16 characters, and whether the address is confirmed; where it was asked for before, the same code, so that it can be sent again. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.repository_email_confirm(code text)
    RETURNS TABLE (namespace text, repository text, email text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.repositoryauthorizedemail AS a
    SET confirmed = true
    FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE a.code = repository_email_confirm.code AND r.id = a.repository_id AND r.state <> 3 AND u.enabled
    RETURNING u.username, r.name, a.email INTO namespace, repository, email;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY017',
            MESSAGE = 'confirmation code is not valid',
            DETAIL = 'No e-mail address of a repository has this code.',
            HINT = 'Ask for the address again with quay.repository_email_create().';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_email_confirm(text) IS
    'Confirms the e-mail address to which this code was mailed, and returns which one for which repository it was. A second time does no harm. Errors: QY017 code unknown, or its repository gone.';

CREATE OR REPLACE FUNCTION quay.repository_email_list(namespace text, name text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (email text, confirmed boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email > coalesce(repository_email_list.after, '')
        ORDER BY a.email
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.repository_email_list(text, text, text, integer) IS
    'E-mail addresses that were asked for in a repository, and whether they are confirmed, in byte order, at most n, those after the address after. Errors: 22023 n negative, QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_get(namespace text, name text, INOUT email text, OUT confirmed boolean) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    RETURN QUERY
        SELECT a.email::text, a.confirmed FROM quay.repositoryauthorizedemail AS a
        WHERE a.repository_id = target.id AND a.email = repository_email_get.email;
END
$$;
COMMENT ON FUNCTION quay.repository_email_get(text, text, text) IS
    'Is the e-mail address confirmed for the repository? No row if it was never asked for. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay.repository_email_delete(namespace text, name text, email text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, name);
BEGIN
    DELETE FROM quay.repositoryauthorizedemail AS a WHERE a.repository_id = target.id AND a.email = repository_email_delete.email;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.repository_email_delete(text, text, text) IS
    'Removes an e-mail address from a repository; its code is not valid any more. True if removed, false if it was not there. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled.';

-- Sizes, counts, and what workers ask.

CREATE OR REPLACE FUNCTION quay.repository_size_many(ids bigint[]) RETURNS TABLE (repository_id bigint, size_bytes bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT i.id, coalesce(q.size_bytes, 0)
        FROM (SELECT DISTINCT u.id FROM unnest(ids) AS u (id) WHERE u.id IS NOT NULL) AS i
        LEFT JOIN quay.quotarepositorysize AS q ON q.repository_id = i.id
        ORDER BY i.id;
END
$$;
COMMENT ON FUNCTION quay.repository_size_many(bigint[]) IS
    'Sizes of repositories, by their ids, in bytes, as counted for quotas: a row for each id, 0 where nothing was counted.';

CREATE OR REPLACE FUNCTION quay.repository_upload_size(namespace text, name text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(b.byte_count), 0) FROM quay.blobupload AS b
            WHERE b.repository_id = quay_internal.repository_find(repository_upload_size.namespace, repository_upload_size.name));
END
$$;
COMMENT ON FUNCTION quay.repository_upload_size(text, text) IS
    'Bytes that the uploads under way in a repository have received so far; 0 if it is unknown.';

CREATE OR REPLACE FUNCTION quay.repository_count(estimate boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Of the last ANALYZE or VACUUM; -1: there was none.
    estimated bigint := (SELECT c.reltuples::bigint FROM pg_class AS c WHERE c.oid = 'quay.repository'::regclass);
BEGIN
    IF repository_count.estimate AND estimated >= 0 THEN
        RETURN estimated;
    END IF;
    RETURN (SELECT count(*) FROM quay.repository);
END
$$;
COMMENT ON FUNCTION quay.repository_count(boolean) IS
    'How many repositories there are, those marked for deletion included. estimate: the number that the planner goes by, at once; where there is none yet they are counted.';

CREATE OR REPLACE FUNCTION quay.repository_id_range(OUT min_id bigint, OUT max_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT min(r.id), max(r.id) INTO min_id, max_id FROM quay.repository AS r;
END
$$;
COMMENT ON FUNCTION quay.repository_id_range() IS 'The smallest and the greatest id of a repository, for workers that walk through all. NULL if there is none.';

CREATE OR REPLACE FUNCTION quay.gc_policy_pick() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Policies are few, namespaces are many: one pass that keeps what is distinct, and a look into the array, no sort.
    policies bigint[] := ARRAY(SELECT u.removed_tag_expiration_s FROM quay."user" AS u WHERE NOT u.robot
                               GROUP BY u.removed_tag_expiration_s LIMIT 100);
BEGIN
    RETURN policies[1 + floor(random() * cardinality(policies))::integer];
END
$$;
COMMENT ON FUNCTION quay.gc_policy_pick() IS
    'A random one of the times, in seconds, that namespaces keep removed tags, each as probable as any other, of at most 100: what a garbage collector works on next. NULL if there is no namespace. It reads all namespaces: keep the answer for some minutes.';

CREATE OR REPLACE FUNCTION quay.repository_secscan_severity_list(namespace text, name text) RETURNS TABLE (severity text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT DISTINCT p.severity
        FROM quay.repositorynotification AS t
        JOIN quay.externalnotificationevent AS e ON e.id = t.event_id
        CROSS JOIN LATERAL (SELECT t.event_config_json::jsonb #>> '{vulnerability,priority}') AS p (severity)
        WHERE t.repository_id = quay_internal.repository_find(repository_secscan_severity_list.namespace, repository_secscan_severity_list.name)
          AND e.name = 'vulnerability_found' AND p.severity <> ''
        ORDER BY p.severity;
END
$$;
COMMENT ON FUNCTION quay.repository_secscan_severity_list(text, text) IS
    'Severities from which on somebody wants to be notified about vulnerabilities found in a repository, each once. No row if nobody does, or the repository is unknown.';

-- The order of the search.

CREATE OR REPLACE FUNCTION quay_internal.repository_search_score(repository_id bigint, today date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    score bigint;
BEGIN
    -- The mean number of actions per day of each period, weighed. It is divided by the days of the period, not by those that have a row:
    -- a day without one is a day without actions, or a repository that was used once would go before one that is used every day.
    SELECT trunc(100 * sum(b.weight * b.actions / b.days))
    INTO score
    FROM (SELECT w.weight, w.first_day - w.last_day + 1 AS days,
                 (SELECT coalesce(sum(c.count), 0) FROM quay.repositoryactioncount AS c
                  WHERE c.repository_id = repository_search_score.repository_id
                    AND c.date BETWEEN repository_search_score.today - w.first_day AND repository_search_score.today - w.last_day) AS actions
          FROM (VALUES (1, 1, 0.010870), (7, 2, 0.062815), (31, 8, 0.21604), (183, 32, 0.71028)) AS w (first_day, last_day, weight)) AS b;
    RETURN score;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_search_score(bigint, date) IS
    'Score of a repository in the search: 100 times the sum, over four periods, of the mean number of actions per day times a weight, without fraction. The periods are yesterday, 2 to 7, 8 to 31 and 32 to 183 days before today. Days without a row of repositoryactioncount count as days without actions.';

CREATE OR REPLACE FUNCTION quay.repository_search_score_update(after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, updated bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    today date := quay_internal.utc_now()::date;
    ids bigint[] := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id > coalesce(repository_search_score_update.after, 0)
                          ORDER BY r.id LIMIT page_size);
BEGIN
    -- Nothing is written where the score stays. In the order of ids, so that two such calls do not lock each other out.
    INSERT INTO quay.repositorysearchscore AS s (repository_id, score, last_updated)
    SELECT r.id, c.score, quay_internal.utc_now()
    FROM quay.repository AS r
    LEFT JOIN quay.repositorysearchscore AS o ON o.repository_id = r.id
    CROSS JOIN LATERAL (SELECT quay_internal.repository_search_score(r.id, today)) AS c (score)
    WHERE r.id = ANY (ids) AND r.state <> 3 AND o.score IS DISTINCT FROM c.score
    ORDER BY r.id
    ON CONFLICT (repository_id) DO UPDATE SET score = EXCLUDED.score, last_updated = EXCLUDED.last_updated;
    GET DIAGNOSTICS updated = ROW_COUNT;
    examined := cardinality(ids);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.repository_search_score_update(bigint, integer) IS
    'Brings the search scores of the next n repositories up to date, in the order of their ids, those with an id greater than after. Returns how many were looked at, how many of them have another score now, and the last id: pass it as after in the next call, until it is NULL. To be done once a day, when the action counts of yesterday are there; safe to repeat, and to stop and go on at any place. Errors: 22023 n negative.';

-- @part step api/159_bootstrap_token.sql
-- The bootstrap token, with which machines set up the registry: an OAuth token of an application of a superuser. Its data mark it as such;
-- other tokens of the application are ordinary ones.

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_is_marked(data text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN coalesce(quay_internal.json_read(data) ->> 'kind' = 'bootstrap', false);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_is_marked(text) IS 'Do the data of an OAuth token say that it is a bootstrap token? Never NULL.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_owner(OUT account quay."user", OUT problem text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_name text := quay_internal.setting('bootstrap_token_owner');
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = owner_name AND NOT u.robot AND NOT u.organization;
    problem := CASE
        WHEN NOT quay_internal.setting('bootstrap')::boolean THEN 'The setting quay.bootstrap is off.'
        WHEN owner_name = '' THEN 'The setting quay.bootstrap_token_owner is empty.'
        WHEN account.id IS NULL THEN format('There is no person named "%s".', left(owner_name, 80))
        WHEN NOT account.enabled THEN format('"%s" was disabled by an administrator.', account.username)
        WHEN quay.superuser_kind(account.username) IS DISTINCT FROM 'superuser' THEN format('"%s" is not a superuser.', account.username)
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_owner() IS 'The person whom the settings make the owner of the bootstrap token, and why there can be none, as a sentence.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_applications(owner_id bigint DEFAULT NULL) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(SELECT a.id FROM quay.oauthapplication AS a
                 WHERE a.name = '__quay_bootstrap_app' AND (bootstrap_applications.owner_id IS NULL OR a.organization_id = owner_id)
                   AND EXISTS (SELECT FROM quay.oauthaccesstoken AS t
                               WHERE t.application_id = a.id AND quay_internal.bootstrap_is_marked(t.data))
                 ORDER BY a.id DESC);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_applications(bigint) IS
    'Applications of that name that have a bootstrap token, of a namespace or all, newest first. The newest of the owner is the one that counts.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_problem(token quay.oauthaccesstoken, expired_too boolean) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record := quay_internal.bootstrap_owner();
BEGIN
    RETURN CASE
        WHEN owner.problem IS NOT NULL THEN owner.problem
        WHEN bootstrap_token_problem.token.id IS NULL OR NOT quay_internal.bootstrap_is_marked(bootstrap_token_problem.token.data)
             OR bootstrap_token_problem.token.authorized_user_id <> (owner.account).id
             OR (quay_internal.bootstrap_applications((owner.account).id))[1] IS DISTINCT FROM bootstrap_token_problem.token.application_id
            THEN 'It is not the bootstrap token.'
        WHEN bootstrap_token_problem.token.expires_at <= quay_internal.utc_now() AND NOT coalesce(expired_too, false)
            THEN 'The bootstrap token has expired.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_problem(quay.oauthaccesstoken, boolean) IS
    'Why the row is not a bootstrap token that may be used, as a sentence; NULL if it is.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_token_insert(application_id bigint, owner quay."user", ip text,
    OUT token text, OUT token_uuid text, OUT scopes text, OUT expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.oauthapplication;
    added record;
BEGIN
    scopes := quay.oauth_scope_normalize(quay_internal.setting('bootstrap_token_scope'));
    added := quay_internal.oauth_token_insert(bootstrap_token_insert.application_id, owner.id, scopes,
        quay_internal.setting('bootstrap_token_expiration')::integer,
        jsonb_build_object('kind', 'bootstrap', 'owner', owner.username, 'application_name', '__quay_bootstrap_app', 'username', owner.username));
    DELETE FROM quay.oauthaccesstoken AS t
    WHERE t.application_id = bootstrap_token_insert.application_id AND t.id <> added.token_id AND quay_internal.bootstrap_is_marked(t.data);
    SELECT * INTO target FROM quay.oauthapplication AS a WHERE a.id = bootstrap_token_insert.application_id;
    PERFORM quay_internal.oauth_application_log('create_oauth_api_token', target, owner.username, bootstrap_token_insert.ip,
        jsonb_build_object('token_uuid', added.uuid, 'username', owner.username, 'scope', scopes, 'kind', 'bootstrap'));
    token := added.token;
    token_uuid := added.uuid;
    expires_at := added.expires_at;
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_token_insert(bigint, quay."user", text) IS
    'Makes a new bootstrap token in the application, and deletes the others that it has. Errors: QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.bootstrap_lock() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The key that the reference application takes.
    PERFORM pg_advisory_xact_lock(2468769807656562489);
END
$$;
COMMENT ON FUNCTION quay_internal.bootstrap_lock() IS 'One transaction at a time makes bootstrap tokens.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_check(token text, local boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN quay_internal.bootstrap_token_problem((quay_internal.oauth_token_match(bootstrap_token_check.token)).token, local);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_check(text, boolean) IS
    'Why this is not the bootstrap token, as a sentence; NULL if it is. local: the request comes from the machine itself, so the token may have expired.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_ensure(given_token text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (token text, is_new boolean, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner record;
    known quay.oauthaccesstoken;
    application_id bigint;
    added record;
BEGIN
    IF NOT quay_internal.can_write() THEN
        RETURN;
    END IF;
    PERFORM quay_internal.bootstrap_lock();
    IF NOT quay_internal.setting('bootstrap')::boolean THEN
        PERFORM quay_internal.oauth_application_drop(quay_internal.bootstrap_applications());
        RETURN;
    END IF;
    owner := quay_internal.bootstrap_owner();
    IF owner.problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'there cannot be a bootstrap token',
            DETAIL = owner.problem,
            HINT = 'Set quay.bootstrap_token_owner to a person who is a superuser of the registry.';
    END IF;

    -- The newest application of the owner counts; all others, also of earlier owners, are left-overs.
    application_id := (quay_internal.bootstrap_applications((owner.account).id))[1];
    PERFORM quay_internal.oauth_application_drop(array_remove(quay_internal.bootstrap_applications(), application_id));
    IF given_token IS NOT NULL THEN
        known := (quay_internal.oauth_token_match(given_token)).token;
        IF quay_internal.bootstrap_token_problem(known, false) IS NULL THEN
            RETURN QUERY VALUES (given_token, false, known.uuid::text, known.scope::text, known.expires_at);
            RETURN;
        END IF;
    END IF;
    IF application_id IS NULL THEN
        application_id := (quay_internal.oauth_application_insert((owner.account).id, '__quay_bootstrap_app', '', '', '', NULL,
            quay_internal.token_random(20), quay_internal.token_random(40))).id;
    END IF;
    added := quay_internal.bootstrap_token_insert(application_id, owner.account, ip);
    RETURN QUERY VALUES (added.token, true, added.token_uuid, added.scopes, added.expires_at);
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_ensure(text, text) IS
'For the start of the registry: sees to it that there is a bootstrap token, and one only.

given_token: the one in the client''s file, NULL if there is no file. If it is good, it is kept, and is_new is false. Otherwise a new one is made, and the client writes it to the file before it commits: if that fails, it rolls back.
Applications with bootstrap tokens of former owners, and all but the newest of the owner, are deleted. With quay.bootstrap off all are deleted, and there is no row; nor if the transaction is read-only, where nothing is done.
Errors: QY015 quay.bootstrap_token_owner is not an enabled superuser, QY072 quay.bootstrap_token_scope is invalid.';

CREATE OR REPLACE FUNCTION quay.bootstrap_token_renew(given_token text, local boolean DEFAULT false, ip text DEFAULT NULL)
    RETURNS TABLE (error text, token text, token_uuid text, scopes text, expires_at timestamp)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known quay.oauthaccesstoken := (quay_internal.oauth_token_match(given_token)).token;
    owner record;
    added record;
BEGIN
    -- Before the lock, so that nobody can keep it busy with guesses, and behind it, since another call may have renewed the token meanwhile.
    error := quay_internal.bootstrap_token_problem(known, local);
    IF error IS NULL THEN
        PERFORM quay_internal.bootstrap_lock();
        SELECT * INTO known FROM quay.oauthaccesstoken AS t WHERE t.id = known.id FOR UPDATE;
        error := quay_internal.bootstrap_token_problem(known, local);
    END IF;
    IF error IS NULL THEN
        owner := quay_internal.bootstrap_owner();
        added := quay_internal.bootstrap_token_insert(known.application_id, owner.account, ip);
        token := added.token;
        token_uuid := added.token_uuid;
        scopes := added.scopes;
        expires_at := added.expires_at;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.bootstrap_token_renew(text, boolean, text) IS
'Replaces the bootstrap token by a new one. Always one row. Of two calls at once one succeeds.

local: the request comes from the machine itself, so the token may have expired. error: why it is refused, as a sentence; NULL if it is not. The old token is void once the transaction commits; the client writes the new one to its file before, and rolls back if that fails. Other tokens of the application stay.
Errors: QY072 quay.bootstrap_token_scope is invalid.';

-- @part step api/170_deletion.sql
-- Deletion of a namespace: who would leave an organization behind, marking, and what goes besides repositories. 172_purge.sql does the rest.

CREATE OR REPLACE FUNCTION quay.namespace_sole_admin_list(username text) RETURNS TABLE (organization text, organization_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT o.username::text, o.id
        FROM quay."user" AS o
        WHERE o.id IN (SELECT t.organization_id
                       FROM quay."user" AS u
                       JOIN quay.teammember AS m ON m.user_id = u.id
                       JOIN quay.team AS t ON t.id = m.team_id
                       JOIN quay.teamrole AS r ON r.id = t.role_id
                       WHERE u.username = namespace_sole_admin_list.username AND NOT u.robot AND r.name = 'admin')
          AND NOT EXISTS (SELECT FROM quay.team AS t
                          JOIN quay.teamrole AS r ON r.id = t.role_id
                          JOIN quay.teammember AS m ON m.team_id = t.id
                          JOIN quay."user" AS u ON u.id = m.user_id
                          WHERE t.organization_id = o.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
                            AND u.username <> namespace_sole_admin_list.username)
          AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = o.id)
        ORDER BY o.username;
END
$$;
COMMENT ON FUNCTION quay.namespace_sole_admin_list(text) IS
    'Organizations that only this person administers, by name: no other enabled person is in a team of role admin. People count, not memberships. Organizations that are being deleted are left out. No rows for who administers none or is no person.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_queue_delete(namespace text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT sum(quay_internal.queue_delete(quay_internal.queue_path(q.name, namespace_queue_delete.namespace)))
            FROM unnest(ARRAY['notification', 'dockerfilebuild', 'repositorygc', 'exportactionlogs', 'proxycacheblob']) AS q (name));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_queue_delete(text) IS
    'Deletes what waits in the queues under the name of a namespace, and returns how many items there were. Not its own purge, whose path has its id.';

CREATE OR REPLACE FUNCTION quay_internal.mirror_delete_many(repository_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.repomirrorconfig AS c WHERE c.repository_id = ANY (repository_ids);
    UPDATE quay.repomirrorrule AS r SET left_child_id = NULL, right_child_id = NULL
    WHERE r.repository_id = ANY (repository_ids) AND num_nonnulls(r.left_child_id, r.right_child_id) > 0;
    DELETE FROM quay.repomirrorrule AS r WHERE r.repository_id = ANY (repository_ids);
    UPDATE quay.repository AS r SET state = 0 WHERE r.id = ANY (repository_ids) AND r.state = 2;
END
$$;
COMMENT ON FUNCTION quay_internal.mirror_delete_many(bigint[]) IS
    'Deletes the mirror configurations of repositories with their rules, and makes mirrors normal repositories.';

CREATE OR REPLACE FUNCTION quay_internal.organization_mirror_delete_many(config_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    organization_ids bigint[];
BEGIN
    SELECT array_agg(c.organization_id) INTO organization_ids
    FROM (SELECT c.organization_id FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids) ORDER BY c.id FOR UPDATE) AS c;
    UPDATE quay.repository AS r SET state = 0 WHERE r.namespace_user_id = ANY (organization_ids) AND r.state = 4;
    DELETE FROM quay.orgmirrorrepository AS r WHERE r.org_mirror_config_id = ANY (config_ids);
    DELETE FROM quay.orgmirrorconfig AS c WHERE c.id = ANY (config_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.organization_mirror_delete_many(bigint[]) IS
    'Deletes mirror configurations of organizations with what they found, and makes the mirrored repositories normal ones.';

CREATE OR REPLACE FUNCTION quay_internal.trigger_delete_many(trigger_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token_ids bigint[];
BEGIN
    SELECT array_agg(t.write_token_id) INTO token_ids
    FROM (SELECT t.write_token_id FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids) ORDER BY t.id FOR UPDATE) AS t;
    UPDATE quay.repositorybuild AS b SET trigger_id = NULL WHERE b.trigger_id = ANY (trigger_ids);
    DELETE FROM quay.repositorybuildtrigger AS t WHERE t.id = ANY (trigger_ids);
    -- With its trigger a token loses its purpose; builds keep theirs.
    DELETE FROM quay.accesstoken AS a
    WHERE a.id = ANY (token_ids)
      AND NOT EXISTS (SELECT FROM quay.repositorybuild AS b WHERE b.access_token_id = a.id)
      AND NOT EXISTS (SELECT FROM quay.repositorybuildtrigger AS t WHERE t.write_token_id = a.id);
END
$$;
COMMENT ON FUNCTION quay_internal.trigger_delete_many(bigint[]) IS
    'Deletes build triggers and the tokens that they wrote with. Builds that they started stay.';

CREATE OR REPLACE FUNCTION quay_internal.account_delete_linked(account_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- As a builder
    UPDATE quay.repositorybuild AS b SET pull_robot_id = NULL WHERE b.pull_robot_id = ANY (account_ids);
    UPDATE quay.repositorybuildtrigger AS t SET pull_robot_id = NULL WHERE t.pull_robot_id = ANY (account_ids);
    PERFORM quay_internal.trigger_delete_many(
        ARRAY(SELECT t.id FROM quay.repositorybuildtrigger AS t WHERE t.connected_user_id = ANY (account_ids)));

    -- As the robot of a mirror
    PERFORM quay_internal.mirror_delete_many(
        ARRAY(SELECT c.repository_id FROM quay.repomirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.internal_robot_id = ANY (account_ids)));

    -- In repositories and teams
    DELETE FROM quay.repositorypermission AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.activating_user_id = ANY (account_ids) OR p.delegate_user_id = ANY (account_ids);
    DELETE FROM quay.star AS s WHERE s.user_id = ANY (account_ids);
    DELETE FROM quay.teammember AS m WHERE m.user_id = ANY (account_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i
    WHERE i.user_id = ANY (account_ids) OR i.inviter_id = ANY (account_ids);

    -- Credentials
    DELETE FROM quay.appspecificauthtoken AS t WHERE t.user_id = ANY (account_ids);
    DELETE FROM quay.oauthaccesstoken AS t WHERE t.authorized_user_id = ANY (account_ids);
    DELETE FROM quay.oauthassignedtoken AS t WHERE t.assigned_user_id = ANY (account_ids);
    DELETE FROM quay.federatedlogin AS l WHERE l.user_id = ANY (account_ids);
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = ANY (account_ids);
    DELETE FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = ANY (account_ids);

    -- About the account itself
    DELETE FROM quay.robotaccountmetadata AS m WHERE m.robot_account_id = ANY (account_ids);
    DELETE FROM quay.notification AS n WHERE n.target_id = ANY (account_ids);
    DELETE FROM quay.userprompt AS p WHERE p.user_id = ANY (account_ids);
    DELETE FROM quay.userregion AS r WHERE r.user_id = ANY (account_ids);
    DELETE FROM quay.organizationcontactemail AS e WHERE e.organization_id = ANY (account_ids);
    DELETE FROM quay.organizationrhskus AS s WHERE s.org_id = ANY (account_ids) OR s.user_id = ANY (account_ids);
    DELETE FROM quay.redhatsubscriptions AS s WHERE s.user_id = ANY (account_ids);
    -- An approved key stays approved.
    UPDATE quay.servicekeyapproval AS a SET approver_id = NULL WHERE a.approver_id = ANY (account_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.account_delete_linked(bigint[]) IS
    'Deletes what refers to these people, organizations or robots, whose rows the caller has locked: roles, credentials, subscriptions. Not what they own as namespaces: namespace_delete_linked() does that.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_delete_linked(namespace_id bigint, name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    robot_ids bigint[];
    team_ids bigint[];
    quota_ids bigint[];
BEGIN
    -- Each parent is locked before its children are deleted: children that another session is adding are then seen, and none come after.
    -- Under its old name a namespace may have been followed by another, if the reference application made it: that one keeps its robots.
    robot_ids := ARRAY(
        SELECT u.id FROM quay."user" AS u
        WHERE u.robot AND split_part(u.username, '+', 1) = namespace_delete_linked.name
          AND NOT EXISTS (SELECT FROM quay."user" AS o
                          WHERE o.username = namespace_delete_linked.name AND o.id <> namespace_delete_linked.namespace_id)
        ORDER BY u.id FOR UPDATE);
    PERFORM quay_internal.account_delete_linked(namespace_delete_linked.namespace_id || robot_ids);
    DELETE FROM quay."user" AS u WHERE u.id = ANY (robot_ids);

    team_ids := ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = namespace_delete_linked.namespace_id ORDER BY t.id FOR UPDATE);
    DELETE FROM quay.teammember AS m WHERE m.team_id = ANY (team_ids);
    PERFORM quay_internal.invite_delete(i) FROM quay.teammemberinvite AS i WHERE i.team_id = ANY (team_ids);
    DELETE FROM quay.teamsync AS s WHERE s.team_id = ANY (team_ids);
    DELETE FROM quay.repositorypermission AS p WHERE p.team_id = ANY (team_ids);
    DELETE FROM quay.permissionprototype AS p WHERE p.delegate_team_id = ANY (team_ids) OR p.org_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.team AS t WHERE t.id = ANY (team_ids);

    PERFORM quay_internal.oauth_application_drop(
        ARRAY(SELECT a.id FROM quay.oauthapplication AS a WHERE a.organization_id = namespace_delete_linked.namespace_id));

    quota_ids := ARRAY(
        SELECT q.id FROM quay.userorganizationquota AS q WHERE q.namespace_id = namespace_delete_linked.namespace_id FOR UPDATE);
    DELETE FROM quay.quotalimits AS l WHERE l.quota_id = ANY (quota_ids);
    DELETE FROM quay.userorganizationquota AS q WHERE q.id = ANY (quota_ids);
    DELETE FROM quay.quotanotificationstate AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.quotanamespacesize AS s WHERE s.namespace_user_id = namespace_delete_linked.namespace_id;

    DELETE FROM quay.namespaceautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryautoprunepolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.autoprunetaskstatus AS s WHERE s.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespaceimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.repositoryimmutabilitypolicy AS p WHERE p.namespace_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id;
    DELETE FROM quay.namespacenotification AS n WHERE n.namespace_id = namespace_delete_linked.namespace_id;
    PERFORM quay_internal.organization_mirror_delete_many(
        ARRAY(SELECT c.id FROM quay.orgmirrorconfig AS c WHERE c.organization_id = namespace_delete_linked.namespace_id));
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_delete_linked(bigint, text) IS
    'Deletes all that belongs to a namespace except its repositories, its marker and itself. The caller has locked its row. name: the one that its robots have in front.';

CREATE OR REPLACE FUNCTION quay.namespace_mark_deletion(namespace text, force boolean DEFAULT false, delay interval DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(namespace_mark_deletion.actor);
    target quay."user";
    organizations text;
    wait interval;
    marker_id bigint;
BEGIN
    PERFORM quay_internal.organization_lock_administered(namespace_mark_deletion.namespace);
    -- Waits for whoever is adding something to the namespace; who comes after finds nobody of that name.
    SELECT * INTO target FROM quay."user" AS u WHERE u.username = namespace_mark_deletion.namespace AND NOT u.robot FOR UPDATE;
    IF NOT FOUND THEN
        -- Again, perhaps by a caller who did not hear the answer.
        SELECT max(d.id) INTO marker_id FROM quay.deletednamespace AS d WHERE d.original_username = namespace_mark_deletion.namespace;
        IF marker_id IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY002',
                MESSAGE = 'namespace does not exist',
                DETAIL = format('There is no user or organization named "%s".', left(namespace_mark_deletion.namespace, 80)),
                HINT = 'Robots are deleted with quay.robot_delete().';
        END IF;
        RETURN marker_id;
    END IF;

    IF namespace_mark_deletion.actor <> target.username THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    SELECT string_agg(l.organization, ', ') INTO organizations FROM quay.namespace_sole_admin_list(target.username) AS l;
    IF organizations IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody but "%s" administers: %s.', target.username, left(organizations, 500)),
            HINT = 'First delete them, add another person to a team of role admin, or take them over with quay.organization_take_ownership().';
    END IF;

    wait := CASE
        WHEN namespace_mark_deletion.delay IS NOT NULL THEN greatest(namespace_mark_deletion.delay, '0')
        WHEN NOT coalesce(namespace_mark_deletion.force, false)
             AND EXISTS (SELECT FROM quay.deletion_grace_namespace AS g WHERE g.username = target.username)
            THEN make_interval(secs => quay_internal.setting('namespace_gc_grace_period')::bigint)
        ELSE '0'
    END;

    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_delete' ELSE 'user_delete' END, target.id, performer_id, NULL,
        jsonb_build_object(CASE WHEN target.organization THEN 'namespace' ELSE 'username' END, target.username), namespace_mark_deletion.ip);
    PERFORM quay_internal.namespace_queue_delete(target.username);
    IF wait = '0' THEN
        PERFORM quay_internal.namespace_delete_linked(target.id, target.username);
    END IF;

    INSERT INTO quay.deletednamespace (namespace_id, marked, original_username, original_email)
    VALUES (target.id, quay_internal.utc_now(), target.username, target.email)
    RETURNING id INTO marker_id;
    -- A new uuid ends its sessions.
    UPDATE quay."user" AS u
    SET enabled = false, username = gen_random_uuid()::text, email = gen_random_uuid()::text, uuid = gen_random_uuid()::text
    WHERE u.id = target.id;
    UPDATE quay.deletednamespace AS d
    SET queue_id = quay_internal.queue_add(quay_internal.queue_path('namespacegc', target.id::text),
            jsonb_build_object('marker_id', marker_id, 'original_username', target.username), wait)
    WHERE d.id = marker_id;
    RETURN marker_id;
END
$$;
COMMENT ON FUNCTION quay.namespace_mark_deletion(text, boolean, interval, text, text) IS
    'Deletes a person or an organization for its users: it is disabled, its name and e-mail address are replaced, its sessions end, and what waited in its queues is gone. Returns the id of a marker, for which a worker calls quay.namespace_purge(); the queue "namespacegc" has an item for it. A namespace that is disabled can be marked too. One that is marked already is left alone, and its marker returned.
delay: until the purge is due; NULL means the setting quay.namespace_gc_grace_period if the name is in quay.deletion_grace_namespace, and none otherwise or with force. Without delay its teams, robots, applications, tokens, logins and all else but repositories go at once, with it they stay, out of use, until the purge.
Nobody can create a namespace of that name before the purge is done; entries of the name in quay.superuser and the like go with the purge, so that who takes the name later does not inherit them.
Errors: QY002 unknown or a robot, QY007 actor unknown, QY013 the person is the only administrator of organizations, which the detail lists (also with force), QY023 a superuser, unless it deletes itself or no actor is given.';

CREATE OR REPLACE FUNCTION quay.namespace_deletion_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (marker_id bigint, namespace text, organization boolean, namespace_id bigint, marked timestamp, due timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT d.id, d.original_username::text, u.organization, u.id, d.marked, q.available_after
        FROM quay.deletednamespace AS d
        JOIN quay."user" AS u ON u.id = d.namespace_id
        LEFT JOIN quay.queueitem AS q ON q.id = CASE WHEN d.queue_id ~ '^[0-9]{1,18}$' THEN d.queue_id::bigint END
        WHERE d.id > coalesce(namespace_deletion_list.after, 0)
        ORDER BY d.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.namespace_deletion_list(bigint, integer) IS
    'Namespaces that wait for their purge, oldest marker first, at most n, those after the marker after. namespace: the name that it had. marked, due: UTC; due is NULL if the item in the queue is gone, so that nobody will purge it unless told to. Errors: 22023 n negative.';

-- @part step api/172_purge.sql
-- The purge of what is marked for deletion, in batches: each call does a bounded part, and the next one goes on where it ended.

CREATE OR REPLACE FUNCTION quay_internal.batch_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of rows must be positive',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many rows one call may delete, such as 2000.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.batch_size(integer) IS 'The n of a function that works in batches. Errors: 22023 not positive.';

-- Without its settings the planner could choose a scan of the whole table or a bitmap, which each batch would pay for again.
CREATE OR REPLACE FUNCTION quay_internal.repository_rows_delete(table_name text, repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    ids bigint[];
    labels bigint[];
BEGIN
    -- Locked, so that rows which others are adding below them are seen.
    EXECUTE format('SELECT array_agg(d.id) FROM (SELECT t.id FROM quay.%I AS t WHERE t.repository_id = ANY ($1) LIMIT $2 FOR UPDATE) AS d',
                   repository_rows_delete.table_name)
    INTO ids USING repository_rows_delete.repository_ids, repository_rows_delete.n;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;

    CASE repository_rows_delete.table_name
    WHEN 'tag' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.tag_id = ANY (ids);
        UPDATE quay.tag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repositorynotification' THEN
        DELETE FROM quay.tagnotificationsuccess AS s WHERE s.notification_id = ANY (ids);
    WHEN 'apprtag' THEN
        UPDATE quay.apprtag AS t SET linked_tag_id = NULL WHERE t.linked_tag_id = ANY (ids);
    WHEN 'repomirrorrule' THEN
        UPDATE quay.repomirrorrule AS r SET left_child_id = NULL WHERE r.left_child_id = ANY (ids);
        UPDATE quay.repomirrorrule AS r SET right_child_id = NULL WHERE r.right_child_id = ANY (ids);
    WHEN 'manifest' THEN
        -- Images of the view quay.image have the id manifest * 1024 + layer.
        DELETE FROM quay.derivedstorageforimage AS d USING unnest(ids) AS m (id)
        WHERE d.source_image_id BETWEEN m.id * 1024 AND m.id * 1024 + 1023;
    WHEN 'manifestlabel' THEN
        SELECT array_agg(m.label_id) INTO labels FROM quay.manifestlabel AS m WHERE m.id = ANY (ids);
    ELSE
        NULL;
    END CASE;
    EXECUTE format('DELETE FROM quay.%I AS t WHERE t.id = ANY ($1)', repository_rows_delete.table_name) USING ids;
    DELETE FROM quay.label AS l
    WHERE l.id = ANY (labels) AND NOT EXISTS (SELECT FROM quay.manifestlabel AS m WHERE m.label_id = l.id);
    RETURN cardinality(ids);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_rows_delete(text, bigint[], integer) IS
    'Deletes at most n rows of a table that belong to these repositories, with what hangs on them alone, and returns how many. The table has the columns id and repository_id, and an index that starts with the latter.';

CREATE OR REPLACE FUNCTION quay_internal.repository_purge_step(repository_ids bigint[], n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := n;
    table_name text;
BEGIN
    -- Children before parents.
    FOREACH table_name IN ARRAY ARRAY[
        'tagpullstatistics', 'manifestpullstatistics', 'tag', 'repositorynotification',
        'manifestchild', 'manifestblob', 'manifestlabel', 'manifestsecuritystatus', 'manifest', 'uploadedblob', 'blobupload',
        'repositorybuild', 'repositorybuildtrigger', 'accesstoken', 'repomirrorconfig', 'repomirrorrule', 'orgmirrorrepository',
        'repositorypermission', 'star', 'repositoryauthorizedemail', 'repositoryactioncount', 'repositorysearchscore',
        'repositoryautoprunepolicy', 'repositoryimmutabilitypolicy', 'quotarepositorysize', 'apprtag']
    LOOP
        left_over := left_over - quay_internal.repository_rows_delete(table_name, repository_ids, left_over);
        IF left_over = 0 THEN
            RETURN 0;
        END IF;
    END LOOP;
    DELETE FROM quay.deletedrepository AS d WHERE d.repository_id = ANY (repository_ids);
    DELETE FROM quay.repository AS r WHERE r.id = ANY (repository_ids);
    RETURN left_over;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_purge_step(bigint[], integer) IS
    'Deletes rows of repositories, whose own rows the caller has locked, at most n, and then these. Returns how many of n are left; 0: they are not gone yet.';

CREATE OR REPLACE FUNCTION quay.repository_purge(repository_id bigint DEFAULT NULL, n integer DEFAULT 2000, marker_id bigint DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    target record;
BEGIN
    IF num_nonnulls(repository_purge.repository_id, repository_purge.marker_id) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'either a repository or a marker is to be purged',
            DETAIL = format('Repository: %s, marker: %s.', coalesce(repository_purge.repository_id::text, 'NULL'),
                coalesce(repository_purge.marker_id::text, 'NULL')),
            HINT = 'Pass repository_id, or the marker_id of the queue item.';
    END IF;
    -- Waits for pushes under way and for another worker, then goes on from there.
    SELECT r.id, r.name, r.state INTO target FROM quay.repository AS r
    WHERE r.id = coalesce(repository_purge.repository_id,
        (SELECT d.repository_id FROM quay.deletedrepository AS d WHERE d.id = repository_purge.marker_id))
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    IF target.state <> 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is not marked for deletion',
            DETAIL = format('Repository %s, "%s", is in use.', target.id, target.name),
            HINT = 'Mark it with quay.repository_mark_deletion().';
    END IF;
    RETURN quay_internal.repository_purge_step(ARRAY[target.id], batch) > 0;
END
$$;
COMMENT ON FUNCTION quay.repository_purge(bigint, integer, bigint) IS
    'Deletes rows of a repository that is marked for deletion, at most n with what hangs on each, and the repository itself last. True: it is gone, or there was none of that id; false: call again, in a new transaction. The repository is named by its id or by the marker that quay.repository_mark_deletion() returned. Two workers take turns.
Deleted are tags, manifests with children, labels, layers and scan results, uploads, statistics, builds, triggers, tokens, notifications, permissions, stars, policies, mirror configuration. Blobs (imagestorage) stay: other repositories may use them, and those that none uses are for the garbage collector. So does the audit log, which keeps the ids.
Errors: 22023 n not positive, or not one of repository and marker; QY005 not marked.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_purge_names(name text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay."user" AS u WHERE u.username = namespace_purge_names.name) THEN
        RETURN;
    END IF;
    DELETE FROM quay.superuser AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.unrestricted_user AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.allowed_robot AS s WHERE split_part(s.username, '+', 1) = namespace_purge_names.name;
    DELETE FROM quay.deletion_grace_namespace AS s WHERE s.username = namespace_purge_names.name;
    DELETE FROM quay.public_namespace AS s WHERE s.username = namespace_purge_names.name;
    PERFORM quay_internal.namespace_queue_delete(namespace_purge_names.name);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_purge_names(text) IS
    'Takes a name that nobody has any more off the lists that give names rights, and out of the queues, so that who takes it next inherits nothing.';

CREATE OR REPLACE FUNCTION quay.namespace_purge(marker_id bigint, n integer DEFAULT 2000) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    left_over integer := quay_internal.batch_size(n);
    marker quay.deletednamespace;
    repository_ids bigint[];
BEGIN
    -- One worker at a time; the next goes on from there.
    SELECT * INTO marker FROM quay.deletednamespace AS d WHERE d.id = namespace_purge.marker_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN true;
    END IF;
    LOOP
        -- Several at once: most are small, and each table is then asked once.
        repository_ids := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.namespace_user_id = marker.namespace_id
                                ORDER BY r.id LIMIT least(left_over, 500) FOR UPDATE);
        EXIT WHEN repository_ids = '{}';
        UPDATE quay.repository AS r SET state = 3 WHERE r.id = ANY (repository_ids) AND r.state <> 3;
        left_over := quay_internal.repository_purge_step(repository_ids, left_over) - cardinality(repository_ids);
        IF left_over <= 0 THEN
            RETURN false;
        END IF;
    END LOOP;

    PERFORM quay_internal.organization_lock_administered(u.username) FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM FROM quay."user" AS u WHERE u.id = marker.namespace_id FOR UPDATE;
    PERFORM quay_internal.namespace_delete_linked(marker.namespace_id, marker.original_username);
    DELETE FROM quay.deletednamespace AS d WHERE d.id = marker.id;
    DELETE FROM quay."user" AS u WHERE u.id = marker.namespace_id;
    PERFORM quay_internal.namespace_purge_names(marker.original_username);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_purge(bigint, integer) IS
    'Deletes a namespace that quay.namespace_mark_deletion() marked, whether or not its delay is over: its repositories as quay.repository_purge() does, at most n rows of them a call, then all else, entries of its name in quay.superuser and the other lists of names, and itself. True: it is gone, or there is no such marker; false: call again, in a new transaction. Two workers take turns. Its name is free afterwards. The audit log stays. Errors: 22023 n not positive.';

-- @part step api/200_blob.sql
-- Blobs: digests, where their bytes are, which repository has which, mounting. A repository has a blob if a manifest of it refers to it,
-- or if it was uploaded or mounted there.
--
-- Entry points here and in the next files fix plan_cache_mode, for what they call as well: their statements look rows up by key, and
-- for arrays the server would rather plan them anew at each call, which takes ten times as long as running them.

CREATE OR REPLACE FUNCTION quay_internal.digest_check(digest text) RETURNS text
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_check';
COMMENT ON FUNCTION quay_internal.digest_check(text) IS
    'The algorithm of a digest, sha256 or sha512. Errors: QY020 malformed (also NULL), QY022 other algorithm.';

CREATE OR REPLACE FUNCTION quay_internal.content_path(digest text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_content_path';
COMMENT ON FUNCTION quay_internal.content_path(text) IS
    'Relative path under which a store keeps the bytes of that digest, such as sha256/ab/abcd…; NULL if it is no digest.';

CREATE OR REPLACE FUNCTION quay_internal.blob_path(blob quay.imagestorage) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (blob).cas_path THEN quay_internal.content_path((blob).content_checksum)
                ELSE 'sharedimages/' || (blob).uuid || '/layer' END;
COMMENT ON FUNCTION quay_internal.blob_path(quay.imagestorage) IS
    'Relative path of the bytes of a blob in its store: by digest, or by uuid for the oldest blobs of the reference.';

CREATE OR REPLACE FUNCTION quay_internal.blob_ids(repository_id bigint, digests text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT b.id
        FROM quay.imagestorage AS b
        WHERE b.content_checksum = ANY (blob_ids.digests)
          -- One probe each. For EXISTS the planner may read all blobs of the repository into a hash table instead.
          AND coalesce((SELECT true FROM quay.manifestblob AS m
                        WHERE m.repository_id = blob_ids.repository_id AND m.blob_id = b.id LIMIT 1),
                       (SELECT true FROM quay.uploadedblob AS u
                        WHERE u.repository_id = blob_ids.repository_id AND u.blob_id = b.id LIMIT 1),
                       -- The empty layer belongs to everybody.
                       b.content_checksum = 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4'));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_ids(bigint, text[]) IS
    'Ids of the blobs of these digests that the repository has. An upload counts even after its time is over, until it is collected.';

CREATE OR REPLACE FUNCTION quay_internal.repository_find(namespace text, repository text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.id
            FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
            WHERE u.username = repository_find.namespace AND u.enabled AND NOT u.robot
              AND r.name = repository_find.repository AND r.state <> 3);   -- 3: marked for deletion
END
$$;
COMMENT ON FUNCTION quay_internal.repository_find(text, text) IS
    'Id of a repository for reads to which an unknown repository is no error: NULL where repository_get() would fail.';

CREATE OR REPLACE FUNCTION quay_internal.location_id(location text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT l.id INTO found_id FROM quay.imagestoragelocation AS l WHERE l.name = location_id.location;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY053',
            MESSAGE = 'storage location does not exist',
            DETAIL = format('There is no storage location named "%s".', left(location_id.location, 80)),
            HINT = 'Add a row to quay.imagestoragelocation for each store of the registry.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.location_id(text) IS 'Id of the storage location of that name. Errors: QY053 unknown.';

CREATE OR REPLACE FUNCTION quay.blob_find_many(namespace text, repository text, digests text[])
    RETURNS TABLE (blob_id bigint, digest text, size bigint, uncompressed_size bigint, path text, locations text[])
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    ids bigint[] := CASE WHEN target_id IS NOT NULL THEN quay_internal.blob_ids(target_id, digests) END;
BEGIN
    RETURN QUERY
        SELECT b.id, b.content_checksum::text, b.image_size, b.uncompressed_size, quay_internal.blob_path(b),
               ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                     WHERE p.storage_id = b.id ORDER BY l.name)
        FROM quay.imagestorage AS b
        WHERE b.id = ANY (ids);
END
$$;
COMMENT ON FUNCTION quay.blob_find_many(text, text, text[]) IS
    'Blobs of these digests that the repository has; no row for one that it has not, or if there is no such repository. Sizes in bytes; uncompressed_size may be unknown (NULL). path is relative to the root of each storage location in locations; no location means that the bytes are not here (yet). The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.blob_find(namespace text, repository text, OUT blob_id bigint, INOUT digest text, OUT size bigint,
                                          OUT uncompressed_size bigint, OUT path text, OUT locations text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.blob_find_many(blob_find.namespace, blob_find.repository, ARRAY[blob_find.digest]);
END
$$;
COMMENT ON FUNCTION quay.blob_find(text, text, text) IS
    'The blob of that digest, if the repository has it: see blob_find_many().';

-- Writing.

CREATE OR REPLACE FUNCTION quay_internal.blob_link(repository_id bigint, blob_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uploaded_at timestamp := quay_internal.utc_now();
BEGIN
    INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
    VALUES (repository_id, blob_id, uploaded_at,
            uploaded_at + make_interval(secs => quay_internal.setting('upload_expiration')::integer));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_link(bigint, bigint) IS
    'Lets a repository have a blob for quay.upload_expiration seconds, in which a manifest may refer to it.';

CREATE OR REPLACE FUNCTION quay_internal.blob_store(digest text, size bigint, uncompressed_size bigint, store_id bigint,
                                                    OUT blob quay.imagestorage, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOOP
        -- The lock keeps the row until we commit; others read and use it meanwhile.
        SELECT * INTO blob FROM quay.imagestorage AS b WHERE b.content_checksum = blob_store.digest FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO quay.imagestorage (uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum)
        VALUES (gen_random_uuid()::text, blob_store.size, blob_store.uncompressed_size, false, true, blob_store.digest)
        ON CONFLICT (content_checksum) DO NOTHING
        RETURNING * INTO blob;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;

    -- Sizes that are known do not change.
    IF blob.image_size IS NULL OR (blob.uncompressed_size IS NULL AND blob_store.uncompressed_size IS NOT NULL) THEN
        UPDATE quay.imagestorage AS b
        SET image_size = coalesce(b.image_size, blob_store.size),
            uncompressed_size = coalesce(b.uncompressed_size, blob_store.uncompressed_size)
        WHERE b.id = blob.id
        RETURNING * INTO blob;
    END IF;

    INSERT INTO quay.imagestorageplacement (storage_id, location_id) VALUES (blob.id, store_id)
    ON CONFLICT (storage_id, location_id) DO NOTHING;
    existed := NOT FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_store(text, bigint, bigint, bigint) IS
    'The one row of the blob of that digest, made if there is none, with its bytes recorded in that location. existed: they were there already.';

CREATE OR REPLACE FUNCTION quay.blob_mount(namespace text, repository text, digest text, from_namespace text, from_repository text,
                                           actor text DEFAULT NULL, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    source_id bigint := quay_internal.repository_find(from_namespace, from_repository);
    ids bigint[];
    blob_id bigint;
BEGIN
    PERFORM quay_internal.digest_check(digest);
    PERFORM quay_internal.repository_require_writable(target, actor);
    IF actor IS NOT NULL AND NOT quay.access_check(actor, from_namespace, from_repository, 'read', scopes) THEN
        RETURN false;
    END IF;

    IF source_id IS NULL THEN
        RETURN false;
    END IF;
    ids := quay_internal.blob_ids(source_id, ARRAY[blob_mount.digest]);
    SELECT b.id INTO blob_id FROM quay.imagestorage AS b WHERE b.id = ANY (ids) FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.blob_link(target.id, blob_id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.blob_mount(text, text, text, text, text, text, text) IS
    'Lets the repository have a blob of another one, without an upload, for quay.upload_expiration seconds. False if the other repository is unknown or has it not, or if an actor is given who may not read it there (the usual answer is then to start an upload). Without an actor the caller has checked that. Errors: QY002, QY003, QY004, QY005 of the target, QY020, QY022.';

-- @part step api/210_upload.sql
-- Uploads: bytes on the way to become a blob. The row of an upload carries the state of its hash, so that any process can go on with it.

CREATE OR REPLACE FUNCTION quay_internal.upload_lock(repository_id bigint, upload text) RETURNS quay.blobupload
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.blobupload;
BEGIN
    SELECT * INTO result FROM quay.blobupload AS b
    WHERE b.repository_id = upload_lock.repository_id AND b.uuid = upload_lock.upload FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY050',
            MESSAGE = 'upload does not exist',
            DETAIL = format('This repository has no upload "%s".', left(upload_lock.upload, 80)),
            HINT = 'It may have been finished, cancelled or removed for age: start a new one with quay.upload_start().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_lock(bigint, text) IS
    'The upload of that id in that repository, its row locked until the transaction ends. Errors: QY050 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.upload_extend(upload quay.blobupload, chunk bytea, "offset" bigint, chunk_size bigint,
                                                       sha_state text) RETURNS quay.blobupload
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := coalesce(length(chunk), chunk_size);
    start bigint := coalesce("offset", upload.byte_count);
    maximum bigint := quay_internal.setting('maximum_layer_size')::bigint * 1024 * 1024;
    known bigint := greatest(upload.byte_count - start, 0);   -- bytes of this chunk that an earlier call has brought
BEGIN
    IF (chunk IS NULL) = (chunk_size IS NULL) OR size < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a chunk is either its bytes or its size',
            DETAIL = 'Both or neither of chunk and chunk_size were given, or the size is negative.',
            HINT = 'Pass chunk for bytes that the server is to hash, chunk_size for bytes that went straight to the store.';
    END IF;
    IF start < 0 OR start > upload.byte_count THEN
        RAISE EXCEPTION USING ERRCODE = 'QY051',
            MESSAGE = 'chunk does not continue the upload',
            DETAIL = format('The upload has %s bytes, the chunk starts at %s.', upload.byte_count, start),
            HINT = 'Ask quay.upload_status() and send what follows.';
    END IF;
    IF size > maximum - start THEN
        RAISE EXCEPTION USING ERRCODE = 'QY052',
            MESSAGE = 'blob is too large',
            DETAIL = format('The upload has %s bytes, the chunk %s; the maximum is %s.', start, size, maximum),
            HINT = 'An administrator can raise quay.maximum_layer_size.';
    END IF;
    IF size <= known THEN
        RETURN upload;
    END IF;

    upload.sha_state := CASE
        WHEN chunk IS NULL THEN upload_extend.sha_state
        WHEN known = 0 THEN quay_internal.hashstate_update(upload.sha_state, chunk)
        ELSE quay_internal.hashstate_update(upload.sha_state, substring(chunk FROM known::integer + 1))
    END;
    upload.byte_count := start + size;
    upload.chunk_count := upload.chunk_count + 1;
    RETURN upload;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_extend(quay.blobupload, bytea, bigint, bigint, text) IS
    'The row of an upload as it is after a chunk; nothing is written. What an earlier call brought already is skipped, so a chunk can be sent again. Without chunk the state of the hash is what the caller says, NULL if it is not known any more. Errors: 22023, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_start(namespace text, repository text, location text DEFAULT 'local',
                                             algorithm text DEFAULT 'sha256', uuid text DEFAULT NULL,
                                             storage_metadata jsonb DEFAULT '{}', actor text DEFAULT NULL)
    RETURNS TABLE (upload text, byte_count bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    upload := coalesce(upload_start.uuid, gen_random_uuid()::text);
    byte_count := 0;
    INSERT INTO quay.blobupload (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, chunk_count, created)
    VALUES (target.id, upload, 0, quay_internal.hashstate_start(algorithm), quay_internal.location_id(location),
            coalesce(upload_start.storage_metadata, '{}')::text, 0, quay_internal.utc_now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'upload id is taken',
            DETAIL = format('There is an upload "%s" already.', left(upload, 80)),
            HINT = 'Leave uuid out to get a fresh one.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.upload_start(text, text, text, text, text, jsonb, text) IS
    'Starts an upload and answers its id. location names the store that receives the bytes, storage_metadata is whatever the front end keeps about it, uuid an id that the store has chosen, algorithm the one of the digest to come (sha256, sha512). Errors: QY002, QY003, QY004, QY005, QY006 uuid taken, QY022, QY053.';

CREATE OR REPLACE FUNCTION quay.upload_append(namespace text, repository text, upload text, chunk bytea DEFAULT NULL,
                                              "offset" bigint DEFAULT NULL, chunk_size bigint DEFAULT NULL,
                                              sha_state text DEFAULT NULL, storage_metadata jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    before quay.blobupload := quay_internal.upload_lock(target_id, upload);
    extended quay.blobupload := quay_internal.upload_extend(before, chunk, "offset", chunk_size, upload_append.sha_state);
BEGIN
    IF extended.byte_count > before.byte_count OR upload_append.storage_metadata IS NOT NULL THEN
        UPDATE quay.blobupload AS b
        SET byte_count = extended.byte_count, sha_state = extended.sha_state, chunk_count = extended.chunk_count,
            storage_metadata = coalesce(upload_append.storage_metadata::text, b.storage_metadata)
        WHERE b.id = extended.id;
    END IF;
    RETURN extended.byte_count;
END
$$;
COMMENT ON FUNCTION quay.upload_append(text, text, text, bytea, bigint, bigint, text, jsonb) IS
    'Adds a chunk and answers how many bytes the upload has now. Either chunk: the server hashes it (and does not keep it). Or chunk_size, for bytes that went straight to the store: then sha_state is the state of the hash after them if the caller has it (quay_internal.hashstate_update), else the digest is not verified at the end. offset says where the chunk starts: behind the end is an error, before it the overlap is skipped; NULL is the end. Two calls at once wait for each other. Errors: QY002, QY003, QY004, QY050, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_finish(namespace text, repository text, upload text, OUT blob_id bigint, INOUT digest text,
                                              chunk bytea DEFAULT NULL, uncompressed_size bigint DEFAULT NULL,
                                              OUT size bigint, OUT path text, OUT verified boolean, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    algorithm text := quay_internal.digest_check(upload_finish.digest);
    target_id bigint := (quay_internal.repository_get(namespace, repository, lock => true)).id;
    bytes quay.blobupload := quay_internal.upload_lock(target_id, upload);
    actual text;
    stored record;
BEGIN
    IF bytes.byte_count = 0 AND bytes.sha_state IS NOT NULL THEN
        -- Nothing is hashed yet: the algorithm is free.
        bytes.sha_state := quay_internal.hashstate_start(algorithm);
    END IF;
    IF chunk IS NOT NULL THEN
        bytes := quay_internal.upload_extend(bytes, chunk, NULL, NULL, NULL);
    END IF;
    actual := quay_internal.hashstate_final(bytes.sha_state);
    IF actual <> upload_finish.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = 'digest does not match the bytes',
            DETAIL = format('Expected "%s", the %s uploaded bytes have "%s".', upload_finish.digest, bytes.byte_count, actual),
            HINT = CASE WHEN split_part(actual, ':', 1) <> algorithm
                THEN format('Start the upload with algorithm => ''%s''.', algorithm)
                ELSE 'The upload is unchanged: finish it with the right digest, or cancel it and upload again.' END;
    END IF;

    stored := quay_internal.blob_store(upload_finish.digest, bytes.byte_count, upload_finish.uncompressed_size, bytes.location_id);
    PERFORM quay_internal.blob_link(target_id, (stored.blob).id);
    DELETE FROM quay.blobupload AS b WHERE b.id = bytes.id;

    blob_id := (stored.blob).id;
    size := (stored.blob).image_size;
    path := quay_internal.blob_path(stored.blob);
    verified := actual IS NOT NULL;
    existed := stored.existed;
END
$$;
COMMENT ON FUNCTION quay.upload_finish(text, text, text, text, bytea, bigint) IS
    'Makes the upload, and a last chunk if given, a blob that the repository has for quay.upload_expiration seconds, and removes the upload. path says where its bytes belong, relative to the root of the store; existed: they are there already, and the uploaded copy can be thrown away. verified: the digest was compared with the hash of the bytes, and not only taken from the caller. Errors: QY002, QY003, QY004, QY020, QY021 mismatch (the upload stays as it was), QY022, QY050, QY052, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_cancel(namespace text, repository text, upload text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    DELETE FROM quay.blobupload AS b WHERE b.repository_id = target_id AND b.uuid = upload_cancel.upload;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.upload_cancel(text, text, text) IS
    'Removes an upload; false if there is none of that id. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.upload_status(namespace text, repository text, INOUT upload text, OUT byte_count bigint,
                                              OUT chunk_count integer, OUT location text, OUT storage_metadata jsonb,
                                              OUT sha_state text, OUT created timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.byte_count, b.chunk_count, l.name::text, b.storage_metadata::jsonb, b.sha_state, b.created
        FROM quay.blobupload AS b JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        WHERE b.repository_id = target_id AND b.uuid = upload_status.upload;
END
$$;
COMMENT ON FUNCTION quay.upload_status(text, text, text) IS
    'An upload of the repository; no row if there is none of that id. byte_count in bytes, created in UTC. sha_state NULL: bytes came that were not hashed. Errors: QY002, QY003, QY004.';

-- @part step api/220_manifest.sql
-- Manifests: reading what they say, and pushing one with all that belongs to it.

CREATE OR REPLACE FUNCTION quay_internal.manifest_parse(manifest bytea, declared_type text,
        OUT digest text, OUT content text, OUT media_type text, OUT is_index boolean, OUT is_image boolean,
        OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
        OUT subject text, OUT artifact_type text, OUT layers_compressed_size bigint, OUT blobs text[],
        OUT children text[], OUT child_sizes bigint[], OUT annotations jsonb)
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_describe';
COMMENT ON FUNCTION quay_internal.manifest_parse(bytea, text) IS
    'What a manifest says, after all checks that need no table. declared_type: as in Content-Type; NULL: the manifest itself says it. digest: its sha256. blobs: the digests that the registry must hold, config and local layers, each once. children: of an index, as listed. Sizes in bytes. Errors: QY030 invalid, QY031 larger than quay.maximum_manifest_size, QY032 media type.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_annotations(content text) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_annotations';
COMMENT ON FUNCTION quay_internal.manifest_annotations(text) IS 'Annotations of a stored manifest, an object; NULL if it cannot be read. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.imageconfig_labels(config bytea, media_type text) RETURNS jsonb
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_imageconfig_labels';
COMMENT ON FUNCTION quay_internal.imageconfig_labels(bytea, text) IS
    'Labels of an image configuration of that media type, an object. Errors: QY036 invalid configuration.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_is_alive(manifest_id bigint, now_ms bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.tag AS t
                   WHERE t.manifest_id = manifest_is_alive.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
        OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                   WHERE c.child_manifest_id = manifest_is_alive.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_is_alive(bigint, bigint) IS
    'Does a live tag, visible or hidden, point to the manifest or to an index that lists it?';

CREATE OR REPLACE FUNCTION quay_internal.digest_require(expected text, data bytea, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual text := quay_internal.digest_compute(data, quay_internal.digest_check(expected));
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = format('digest does not match the %s', what),
            DETAIL = format('Expected "%s", the %s bytes have "%s".', expected, length(data), actual),
            HINT = 'Send the bytes exactly as the client pushed them.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.digest_require(text, bytea, text) IS
    'Refuses bytes that have another digest. Errors: QY020 malformed, QY021 mismatch, QY022 unsupported algorithm.';

-- The parts of a push

CREATE OR REPLACE FUNCTION quay_internal.manifest_blobs_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted bigint[] := quay_internal.blob_ids(repository_id, parsed.blobs);
    blob_ids bigint[];
    present text[];
    missing text[];
    config_size bigint;
BEGIN
    -- The lock keeps the rows until the push commits; in order of id, so that two pushes cannot wait for each other.
    SELECT array_agg(b.id), array_agg(b.content_checksum::text), min(b.image_size) FILTER (WHERE b.content_checksum = parsed.config_digest)
    INTO blob_ids, present, config_size
    FROM (SELECT b.id, b.content_checksum, b.image_size
          FROM quay.imagestorage AS b
          WHERE b.id = ANY (wanted)
          ORDER BY b.id FOR KEY SHARE) AS b;
    missing := ARRAY(SELECT d.digest FROM unnest(parsed.blobs) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(present, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY033',
            MESSAGE = 'manifest refers to blobs that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Upload them with quay.upload_start(), or mount them with quay.blob_mount(), and push again.';
    END IF;
    IF config_size <> parsed.config_size THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest gives the wrong size of its config',
            DETAIL = format('Field config.size is %s, the blob "%s" has %s bytes.', parsed.config_size, parsed.config_digest, config_size),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(blob_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_blobs_require(bigint, record) IS
    'Ids of the blobs that a parsed manifest refers to, their rows locked. Errors: QY030 wrong size of the config, QY033 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    child_ids bigint[];
    result text[];
    missing text[];
    wrong record;
BEGIN
    SELECT array_agg(m.id), array_agg(m.digest::text) INTO child_ids, result
    FROM (SELECT m.id, m.digest FROM quay.manifest AS m
          WHERE m.repository_id = manifest_children_require.repository_id AND m.digest = ANY (parsed.children)
          ORDER BY m.id FOR KEY SHARE) AS m;
    missing := ARRAY(SELECT DISTINCT d.digest FROM unnest(parsed.children) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(result, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY034',
            MESSAGE = 'index lists manifests that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Push them by digest first, then the index.';
    END IF;
    SELECT d.digest, d.size, octet_length(m.manifest_bytes) AS actual INTO wrong
    FROM unnest(parsed.children, parsed.child_sizes) AS d (digest, size)
    JOIN quay.manifest AS m ON m.repository_id = manifest_children_require.repository_id AND m.digest = d.digest
    WHERE m.manifest_bytes <> '' AND octet_length(m.manifest_bytes) <> d.size   -- '': only known, not held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong size of a manifest',
            DETAIL = format('It says %s for "%s", which has %s bytes.', wrong.size, wrong.digest, wrong.actual),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(child_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_require(bigint, record) IS
    'Ids of the manifests that a parsed index lists, their rows locked. Errors: QY030 wrong size, QY034 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_labels(parsed record, config bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF config IS NOT NULL THEN
        IF parsed.config_digest IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY036',
                MESSAGE = 'an index has no config',
                DETAIL = format('The manifest is of type "%s".', parsed.media_type),
                HINT = 'Pass config only with the manifest of an image.';
        END IF;
        PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    END IF;
    IF parsed.is_index THEN
        RETURN '{}';
    ELSIF parsed.is_image AND config IS NOT NULL THEN
        RETURN quay_internal.imageconfig_labels(config, parsed.config_media_type) || parsed.annotations;
    END IF;
    RETURN parsed.annotations;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_labels(record, bytea) IS
    'Labels of a parsed manifest: those of its image configuration, if that is passed, overlaid by its annotations; an index has none. Errors: QY021 the config is another one, QY036 it is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_add(target_id bigint, stored_digest text, parsed record, labels jsonb,
                                                      OUT manifest_id bigint, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
    child_ids bigint[];
BEGIN
    created := false;
    LOOP
        -- The lock keeps the row from being collected until the push commits.
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = target_id AND m.digest = stored_digest AND m.manifest_bytes <> ''
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN;
        END IF;

        blob_ids := quay_internal.manifest_blobs_require(target_id, parsed);
        child_ids := quay_internal.manifest_children_require(target_id, parsed);
        -- A row without bytes is a manifest that a proxy knows of but does not hold: it gets them now.
        INSERT INTO quay.manifest AS m (repository_id, digest, media_type_id, manifest_bytes, config_media_type,
                                        layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled)
        VALUES (target_id, stored_digest, (SELECT t.id FROM quay.mediatype AS t WHERE t.name = parsed.media_type),
                parsed.content, parsed.config_media_type, parsed.layers_compressed_size, parsed.subject, true,
                parsed.artifact_type, true)
        ON CONFLICT (repository_id, digest) DO UPDATE
            SET media_type_id = EXCLUDED.media_type_id, manifest_bytes = EXCLUDED.manifest_bytes,
                config_media_type = EXCLUDED.config_media_type, layers_compressed_size = EXCLUDED.layers_compressed_size,
                subject = EXCLUDED.subject, subject_backfilled = true,
                artifact_type = EXCLUDED.artifact_type, artifact_type_backfilled = true
            WHERE m.manifest_bytes = ''
        RETURNING m.id INTO manifest_id;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;
    created := true;

    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT target_id, manifest_add.manifest_id, b.id FROM unnest(blob_ids) AS b (id)
    ON CONFLICT DO NOTHING;
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, manifest_add.manifest_id, c.id FROM unnest(child_ids) AS c (id)
    ON CONFLICT DO NOTHING;
    -- index_status 0: waits for the scanner
    INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                             indexer_version, metadata_json)
    VALUES (manifest_add.manifest_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT DO NOTHING;
    IF labels <> '{}' THEN
        PERFORM quay_internal.label_add_many(target_id, manifest_id, labels, 'manifest');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_add(bigint, text, record, jsonb) IS
    'The row of a parsed manifest in a repository, made with all that hangs on it if there is none. Errors: QY030, QY033, QY034.';

CREATE OR REPLACE FUNCTION quay.manifest_put(namespace text, repository text, manifest bytea, OUT manifest_id bigint, OUT digest text,
                                             INOUT media_type text DEFAULT NULL, INOUT tags text[] DEFAULT '{}',
                                             expected_digest text DEFAULT NULL, config bytea DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL,
                                             OUT size bigint, OUT subject text, OUT artifact_type text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    parsed record;
    labels jsonb;
    target quay.repository;
    performer_id bigint := quay_internal.actor_id(actor);
    name text;
BEGIN
    parsed := quay_internal.manifest_parse(manifest, manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest IS NOT NULL THEN
        PERFORM quay_internal.digest_require(expected_digest, manifest, 'manifest');
        digest := expected_digest;
    END IF;
    tags := ARRAY(SELECT DISTINCT t.name FROM unnest(manifest_put.tags) AS t (name) ORDER BY t.name);
    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.name_check('tag', name);
    END LOOP;
    labels := quay_internal.manifest_labels(parsed, config);

    target := quay_internal.repository_get(namespace, repository, lock => true);
    PERFORM quay_internal.repository_require_writable(target, actor);

    SELECT a.manifest_id, a.created INTO manifest_id, created
    FROM quay_internal.manifest_add(target.id, digest, parsed, labels) AS a;
    PERFORM quay_internal.manifest_keep(target.id,
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = manifest_put.manifest_id),
        quay_internal.setting('temporary_tag_expiration')::integer);

    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.tag_retarget(target, name, manifest_id);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', name, 'manifest_digest', digest), ip);
    END LOOP;
    IF tags = '{}' THEN
        -- A referrer is found through its subject and has no other tag that would keep it.
        PERFORM quay_internal.manifest_keep(target.id, ARRAY[manifest_id],
            CASE WHEN parsed.subject IS NULL THEN quay_internal.setting('upload_expiration')::integer END);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', digest), ip);
    END IF;

    media_type := parsed.media_type;
    size := length(manifest);
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
END
$$;
COMMENT ON FUNCTION quay.manifest_put(text, text, bytea, text, text[], text, bytea, text, text) IS
    'Pushes a manifest: its row, links to blobs and children, labels, the mark for the scanner, tags and audit, or nothing. The bytes are kept exactly. media_type: as declared by the client, NULL if it said nothing. tags: without any the manifest is kept for quay.upload_expiration seconds, for ever if it has a subject. expected_digest: refuses other bytes; a sha512 digest is also the digest under which the manifest is stored, which otherwise is its sha256. config: bytes of the config blob, from which the labels of an image are read. created is false if the repository had the manifest already. Errors: QY002, QY003, QY004, QY005, QY007, QY020, QY021, QY022, QY030, QY031, QY032, QY033, QY034, QY036, QY040, QY041, 40001.';

-- @part step api/230_label.sql
-- Labels: what a manifest says about itself (source "manifest"), or what was added to it later ("api", "internal").

CREATE OR REPLACE FUNCTION quay_internal.json_is_container(value text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_is_container';
COMMENT ON FUNCTION quay_internal.json_is_container(text) IS 'Is the text a JSON object or array? Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.duration_seconds(duration text) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_duration_seconds';
COMMENT ON FUNCTION quay_internal.duration_seconds(text) IS
    'A duration such as 2w in seconds: digits and one of s, m (minutes), h, d, w, y (365 days). NULL if it is none.';

CREATE OR REPLACE FUNCTION quay_internal.label_add_many(repository_id bigint, manifest_id bigint, labels jsonb, source text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A key that is empty or longer than its column is not kept as a label; it stays in the manifest.
    WITH added AS (
        INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id)
        SELECT gen_random_uuid()::text, e.key, e.value,
               (SELECT m.id FROM quay.mediatype AS m
                WHERE m.name = CASE WHEN quay_internal.json_is_container(e.value) THEN 'application/json' ELSE 'text/plain' END),
               (SELECT s.id FROM quay.labelsourcetype AS s WHERE s.name = label_add_many.source)
        FROM jsonb_each_text(label_add_many.labels) AS e
        WHERE length(e.key) BETWEEN 1 AND 255
        RETURNING id
    )
    INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id)
    SELECT label_add_many.repository_id, label_add_many.manifest_id, added.id FROM added;
END
$$;
COMMENT ON FUNCTION quay_internal.label_add_many(bigint, bigint, jsonb, text) IS
    'Attaches labels, an object of texts, to a manifest. source: manifest, api or internal. A value that is a JSON object or array gets that media type.';

CREATE OR REPLACE FUNCTION quay_internal.label_tag_rules(manifest_id bigint, OUT expires_after bigint, OUT immutable boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    children bigint[] := ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = label_tag_rules.manifest_id);
    carriers bigint[] := CASE WHEN children = '{}' THEN ARRAY[manifest_id] ELSE children END;
BEGIN
    -- Of an index only what all its children say counts.
    SELECT CASE WHEN count(v.expires_after) = cardinality(carriers) AND min(v.expires_after) = max(v.expires_after)
                THEN nullif(min(v.expires_after), 0) END,
           count(*) FILTER (WHERE v.immutable) = cardinality(carriers)
    INTO expires_after, immutable
    FROM (SELECT l.manifest_id,
                 min(quay_internal.duration_seconds(l.value)) FILTER (WHERE l.key = 'quay.expires-after') AS expires_after,
                 bool_or(lower(btrim(l.value, E' \t\r\n')) = 'true') FILTER (WHERE l.key = 'quay.immutable') AS immutable
          FROM (SELECT ml.manifest_id, l.key, l.value
                FROM quay.manifestlabel AS ml
                -- OFFSET 0: from the manifest to its labels, not from the key, which may be on millions of them.
                CROSS JOIN LATERAL (SELECT l.key, l.value FROM quay.label AS l WHERE l.id = ml.label_id OFFSET 0) AS l
                WHERE ml.manifest_id = ANY (carriers) AND l.key IN ('quay.expires-after', 'quay.immutable')) AS l
          GROUP BY l.manifest_id) AS v;
END
$$;
COMMENT ON FUNCTION quay_internal.label_tag_rules(bigint) IS
    'What the labels of a manifest ask of its tags: quay.expires-after in seconds (NULL: nothing, or no valid duration) and quay.immutable. Of an index: what all its children agree on.';

CREATE OR REPLACE FUNCTION quay.label_list(namespace text, repository text, digest text, prefix text DEFAULT NULL)
    RETURNS TABLE (label text, key text, value text, media_type text, source text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT l.uuid::text, l.key::text, l.value, t.name::text, s.name::text
        FROM quay.manifest AS m
        JOIN quay.manifestlabel AS ml ON ml.manifest_id = m.id
        JOIN quay.label AS l ON l.id = ml.label_id
        JOIN quay.mediatype AS t ON t.id = l.media_type_id
        JOIN quay.labelsourcetype AS s ON s.id = l.source_type_id
        WHERE m.repository_id = target_id AND m.digest = label_list.digest
          AND (label_list.prefix IS NULL OR starts_with(lower(l.key), lower(label_list.prefix)))
        ORDER BY l.key, l.id;
END
$$;
COMMENT ON FUNCTION quay.label_list(text, text, text, text) IS
    'Labels of a manifest, by key; prefix, whatever its case, selects keys. No row: no labels, or no such manifest. Errors: QY002, QY003, QY004.';

-- @part step api/240_tag.sql
-- Tags. A row is one period in which a name pointed to a manifest: a move ends the row and inserts another, nothing is rewritten.
-- Everything that changes a tag holds the lock of its repository (tag_lock) and reads the clock after it has it.

CREATE OR REPLACE FUNCTION quay_internal.tag_is_cosign(name text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_tag_is_cosign';
COMMENT ON FUNCTION quay_internal.tag_is_cosign(text) IS
    'Does Cosign derive this tag name from a digest: sha256-<64 hexadecimal digits>.sig, .att or .sbom?';

CREATE OR REPLACE FUNCTION quay_internal.tag_check_snapshot(repository_id bigint, name text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_tag_check_snapshot';
COMMENT ON FUNCTION quay_internal.tag_check_snapshot(bigint, text) IS
    'Fails with serialization_failure if a row of that name was committed that this transaction, being REPEATABLE READ or SERIALIZABLE, cannot see.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock(repository_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hash bytea := sha256(convert_to('retarget_tag:' || repository_id, 'UTF8'));
BEGIN
    PERFORM pg_advisory_xact_lock(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock(bigint) IS
    'Waits for the lock on the tags of a repository and holds it until the transaction ends. The Quay application takes the same lock.';

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND NOT t.hidden
      AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
    LIMIT 1;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_free_end(repository_id bigint, name text, end_ms bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WHILE EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.repository_id = tag_free_end.repository_id AND t.name = tag_free_end.name AND t.lifetime_end_ms = end_ms)
    LOOP
        end_ms := end_ms - 1;
    END LOOP;
    RETURN end_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_free_end(bigint, text, bigint) IS
    'The latest end, at most end_ms, that no row of that name has yet: two rows of a name cannot end in the same millisecond.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A notice of a coming expiry was about the old end.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = tag_end.tag_id;
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end.end_ms)
    WHERE t.id = tag_end.tag_id;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS 'Ends a row at end_ms, or up to a few ms before if another row of the name ends there.';

CREATE OR REPLACE FUNCTION quay_internal.tag_refuse_immutable(tag quay.tag, verb text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY041',
            MESSAGE = 'tag is immutable',
            DETAIL = format('Tag "%s" cannot be %s.', tag.name, verb),
            HINT = 'Use another tag name, or make the tag mutable first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_refuse_immutable(quay.tag, text) IS
    'Refuses (QY041) to change an immutable tag, if quay.immutable_tags is on. verb: what was tried, as a participle.';

-- Immutability policies

CREATE OR REPLACE FUNCTION quay_internal.policy_matches(policy text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule jsonb;
    matches boolean;
BEGIN
    rule := policy::jsonb;
    BEGIN
        matches := name ~ ('^(?:' || (rule ->> 'tag_pattern') || ')$');
    EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
        matches := false;
    END;
    RETURN coalesce(matches, false) = coalesce((rule ->> 'tag_pattern_matches')::boolean, true);
END
$$;
COMMENT ON FUNCTION quay_internal.policy_matches(text, text) IS
    'Does an immutability policy apply to a tag name? The pattern, a PostgreSQL regular expression, must match the whole name; tag_pattern_matches false turns the answer round. A pattern that is not valid matches nothing.';

CREATE OR REPLACE FUNCTION quay_internal.policy_makes_immutable(repository quay.repository, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.repositoryimmutabilitypolicy AS p
                   WHERE p.repository_id = repository.id AND quay_internal.policy_matches(p.policy, name))
        OR EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p
                   WHERE p.namespace_id = repository.namespace_user_id AND quay_internal.policy_matches(p.policy, name));
END
$$;
COMMENT ON FUNCTION quay_internal.policy_makes_immutable(quay.repository, text) IS
    'Does any policy of the repository or of its namespace make tags of that name immutable?';

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND NOT t.hidden
                 AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                 AND NOT quay_internal.tag_is_cosign(t.name))
    THEN
        RETURN;
    END IF;
    FOR signature IN
        SELECT t.id FROM quay.tag AS t
        WHERE t.repository_id = tag_end_cosign.repository_id AND t.name IN (stem || '.sig', stem || '.att', stem || '.sbom')
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT t.immutable
    LOOP
        PERFORM quay_internal.tag_end(signature, now_ms);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_cosign(bigint, bigint, bigint) IS
    'Ends the tags under which Cosign keeps signatures, attestations and SBOMs of a manifest, unless another tag points to the manifest. Call it with tag_lock() held, after the tag of the manifest has ended.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end_temporary(manifest_ids bigint[], now_ms bigint, never_expiring boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = now_ms
    WHERE t.manifest_id = ANY (manifest_ids) AND t.hidden AND t.name LIKE '$temp-%'
      AND (t.lifetime_end_ms > now_ms OR (never_expiring AND t.lifetime_end_ms IS NULL));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_temporary(bigint[], bigint, boolean) IS
    'Ends the temporary tags of manifests: those with an end, and if asked those without, which keep referrers.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_keep(repository_id bigint, manifest_ids bigint[], seconds integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    end_ms bigint := now_ms + seconds * 1000::bigint;
BEGIN
    -- "$" is not legal in a name that a client chooses.
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
    SELECT '$temp-' || gen_random_uuid(), manifest_keep.repository_id, m.id, now_ms, end_ms, true, false,
           (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag')
    FROM unnest(manifest_ids) AS m (id)
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                      WHERE t.manifest_id = m.id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= end_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_keep(bigint, bigint[], integer) IS
    'Makes sure that manifests stay available for that many seconds, NULL for ever: gives a hidden temporary tag to each that no tag keeps as long.';

-- Moving a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_retarget(repository quay.repository, name text, manifest_id bigint,
                                                      end_ms bigint DEFAULT NULL, reversion boolean DEFAULT false) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    start_ms bigint;
    displaced quay.tag;
    rules record;
    by_policy boolean := false;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    now_ms := quay_internal.clock_ms();
    start_ms := now_ms;

    -- One row, or none. A database of the reference may have more: they all end, the newest last.
    FOR displaced IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = repository.id AND t.name = tag_retarget.name AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(displaced, 'overwritten');
        -- Two moves within a millisecond: time goes on all the same.
        start_ms := greatest(start_ms, displaced.lifetime_start_ms + 1);
        CONTINUE WHEN displaced.lifetime_end_ms <= start_ms;
        PERFORM quay_internal.tag_end(displaced.id, start_ms);
        IF displaced.manifest_id <> tag_retarget.manifest_id AND NOT quay_internal.tag_is_cosign(name) THEN
            PERFORM quay_internal.tag_end_cosign(repository.id, displaced.manifest_id, start_ms);
        END IF;
    END LOOP;

    rules := quay_internal.label_tag_rules(manifest_id);
    IF end_ms IS NULL AND rules.expires_after IS NOT NULL THEN
        end_ms := start_ms + rules.expires_after * 1000;
    END IF;
    IF NOT quay_internal.setting('immutable_tags')::boolean THEN
        rules.immutable := false;
    ELSIF NOT rules.immutable THEN
        by_policy := quay_internal.policy_makes_immutable(repository, name);
        rules.immutable := by_policy;
    END IF;
    IF rules.immutable AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean THEN
        end_ms := NULL;
    END IF;

    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, immutable, tag_kind_id)
    VALUES (tag_retarget.name, repository.id, tag_retarget.manifest_id, start_ms, end_ms, false, tag_retarget.reversion, rules.immutable,
            (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag'))
    ON CONFLICT DO NOTHING
    RETURNING * INTO moved;
    IF NOT FOUND THEN
        -- Somebody wrote to the table without the lock.
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = 'could not serialize access due to concurrent update',
            DETAIL = format('Tag "%s" was moved by another transaction.', name),
            HINT = 'The transaction might succeed if retried.';
    END IF;
    IF by_policy THEN
        PERFORM quay_internal.log_add('tag_made_immutable_by_policy', repository.namespace_user_id, NULL, repository.id,
            jsonb_build_object('repo', repository.name, 'tag', name), NULL);
    END IF;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_retarget(quay.repository, text, bigint, bigint, boolean) IS
    'Points a tag to a manifest of the repository, and answers its new row. The row before, if any, ends in the ms in which the new one starts, and signatures of a manifest that loses its last tag end with it. end_ms NULL: what the label quay.expires-after says, else no end. The only place where a tag is moved. Errors: QY041 immutable, 40001 if the transaction cannot see the latest row (REPEATABLE READ and SERIALIZABLE; retry it).';

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    tag quay.tag;
BEGIN
    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY035',
                MESSAGE = 'manifest does not exist',
                DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
                HINT = 'Push it with quay.manifest_put().';
        END IF;
        RETURN result;
    END IF;
    tag := quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms());
    SELECT * INTO result FROM quay.manifest AS m WHERE m.id = tag.manifest_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text) IS
    'Manifest that a digest, alive or not, or a live tag names. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    END IF;
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id,
                                        (extract(epoch FROM expiration) * 1000)::bigint, tag_set.reversion);
    PERFORM quay_internal.log_add(
        CASE WHEN tag_set.reversion THEN 'revert_tag' WHEN previous_digest IS NULL THEN 'create_tag' ELSE 'move_tag' END,
        target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_set.tag,
            'manifest_digest', manifest.digest, 'original_manifest_digest', previous_digest)), ip);
    RETURN QUERY SELECT moved.id, manifest.id, manifest.digest::text, moved.lifetime_start_ms, moved.lifetime_end_ms,
                        moved.immutable, tag_set.previous_digest;
END
$$;
COMMENT ON FUNCTION quay.tag_set(text, text, text, text, timestamptz, boolean, text, text) IS
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration in the past, QY002, QY003, QY004, QY005, QY020, QY022, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    PERFORM quay_internal.tag_end_temporary(
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics, signatures of a manifest that loses its last tag, temporary tags of an index''s children. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
    found_any boolean := false;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    -- More than one only in a database of the reference, or within the millisecond of a move.
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = target.id AND t.name = tag_delete.tag AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        IF NOT found_any THEN
            found_any := true;
            PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
                jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_delete.tag), ip);
        END IF;
    END LOOP;
    RETURN found_any;
END
$$;
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY041, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_delete(namespace text, repository text, OUT manifest_id bigint, INOUT digest text,
                                                actor text DEFAULT NULL, ip text DEFAULT NULL, OUT tags text[]) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    SELECT m.id INTO manifest_id
    FROM quay.manifest AS m
    WHERE m.repository_id = target.id AND m.digest = manifest_delete.digest AND quay_internal.manifest_is_alive(m.id, now_ms);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    tags := '{}';
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.manifest_id = manifest_delete.manifest_id AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.name, t.id
        FOR NO KEY UPDATE
    LOOP
        -- If one cannot be removed none is: the error takes the others back.
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        tags := tags || removed.name::text;
    END LOOP;
    -- What was pushed by digest has a hidden tag only. It goes too, or nothing could ever delete such a manifest.
    PERFORM quay_internal.tag_end_temporary(ARRAY[manifest_id], now_ms, never_expiring => true);

    PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest), ip)
    FROM unnest(tags) AS t (name);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_delete(text, text, text, text, text) IS
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY041 if one tag is immutable (then none ends), 40001.';

CREATE OR REPLACE FUNCTION quay.tag_restore(namespace text, repository text, tag text, OUT tag_id bigint, OUT manifest_id bigint,
                                            INOUT digest text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT immutable boolean,
                                            OUT previous_digest text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    former text := tag_restore.digest;
BEGIN
    PERFORM quay_internal.tag_lock(target.id);
    IF former IS NULL THEN
        now_ms := quay_internal.clock_ms();
        SELECT m.digest INTO former
        FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
        WHERE t.repository_id = target.id AND t.name = tag_restore.tag AND NOT t.hidden
          AND t.lifetime_end_ms <= now_ms
          AND t.lifetime_end_ms > now_ms - (SELECT u.removed_tag_expiration_s * 1000::bigint FROM quay."user" AS u
                                            WHERE u.id = target.namespace_user_id)
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY042',
                MESSAGE = 'tag has nothing to restore',
                DETAIL = format('No tag "%s" ended within the time that the namespace keeps removed tags.', left(tag_restore.tag, 80)),
                HINT = 'quay.tag_history() shows what there was; pass the digest of a manifest to restore that one.';
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM quay.tag_set(tag_restore.namespace, tag_restore.repository, tag_restore.tag, former,
                                            reversion => true, actor => tag_restore.actor, ip => tag_restore.ip);
END
$$;
COMMENT ON FUNCTION quay.tag_restore(text, text, text, text, text, text) IS
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';

-- @part step api/260_list.sql
-- Lists, a page at a time: after is the last entry of the page before, which need not exist any more.

CREATE OR REPLACE FUNCTION quay_internal.page_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of entries must not be negative',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many entries the page may have at most.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.page_size(integer) IS 'The n of a list. Errors: 22023 negative.';

CREATE OR REPLACE FUNCTION quay.tag_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    start text := coalesce(tag_list.after, '') COLLATE "C";   -- no name is empty
BEGIN
    -- Two branches, each with an index that leads to live rows only: tags without an end, and the few with one in the future.
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        FROM (SELECT DISTINCT ON (l.name) l.*
              FROM ((SELECT * FROM quay.tag AS t
                     WHERE t.repository_id = target_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden AND t.name > start
                     ORDER BY t.name
                     LIMIT page_size)
                    UNION ALL
                    SELECT * FROM quay.tag AS t
                    WHERE t.repository_id = target_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden AND t.name > start) AS l
              WHERE l.manifest_id IS NOT NULL
              ORDER BY l.name, l.lifetime_end_ms DESC NULLS FIRST
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_list(text, text, text, integer) IS
    'Live tags of a repository in byte order of their names, at most n, those after the name after. size: of the manifest, layers_size: of its layers, compressed, both in bytes; NULL: not known. Lifetimes in ms since 1970, an end of NULL means none. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_history(namespace text, repository text, INOUT tag text DEFAULT NULL, after text DEFAULT NULL,
                                            n integer DEFAULT 100, OUT digest text, OUT lifetime_start_ms bigint,
                                            OUT lifetime_end_ms bigint, OUT live boolean, OUT reversion boolean, OUT immutable boolean,
                                            OUT tag_id bigint, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    after_start bigint;
    after_id bigint;
BEGIN
    IF after IS NOT NULL AND after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a tag history',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    after_start := coalesce(split_part(after, '.', 1)::bigint, 9223372036854775807);
    after_id := coalesce(split_part(after, '.', 2)::bigint, 9223372036854775807);
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, t.lifetime_end_ms,
               t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms, t.reversion, t.immutable, t.id,
               t.lifetime_start_ms || '.' || t.id
        FROM (SELECT * FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden
                AND (tag_history.tag IS NULL OR t.name = tag_history.tag)
                AND t.lifetime_start_ms <= after_start AND (t.lifetime_start_ms, t.id) < (after_start, after_id)
              ORDER BY t.lifetime_start_ms DESC, t.id DESC
              LIMIT page_size) AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        ORDER BY t.lifetime_start_ms DESC, t.id DESC;
END
$$;
COMMENT ON FUNCTION quay.tag_history(text, text, text, text, integer) IS
    'Periods of one tag, or of all tags of a repository (tag NULL), over or not, newest first, as long as they have not been collected. Times in ms since 1970; an end of NULL means none. For the next page pass cursor of the last row as after. Errors: 22023, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.referrer_list(namespace text, repository text, INOUT digest text, INOUT artifact_type text DEFAULT NULL,
                                              OUT media_type text, OUT size bigint, OUT annotations jsonb) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
    fallback text;
BEGIN
    PERFORM quay_internal.digest_check(referrer_list.digest);
    -- Clients that know no subject keep the list themselves: an index under a tag made from the digest.
    SELECT m.manifest_bytes INTO fallback
    FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id
    WHERE m.id = (quay_internal.tag_find(target_id, replace(referrer_list.digest, ':', '-'), now_ms)).manifest_id
      AND y.name = 'application/vnd.oci.image.index.v1+json';
    RETURN QUERY
        SELECT m.digest::text, coalesce(m.artifact_type, m.config_media_type)::text, y.name::text,
               octet_length(m.manifest_bytes)::bigint, coalesce(quay_internal.manifest_annotations(m.manifest_bytes), '{}')
        FROM (SELECT r.id FROM quay.manifest AS r
              WHERE r.repository_id = target_id AND r.subject = referrer_list.digest
                AND quay_internal.manifest_is_alive(r.id, now_ms)
              UNION
              SELECT r.id FROM quay.manifest AS r
              WHERE fallback <> '' AND r.repository_id = target_id
                AND r.digest IN (SELECT e.entry ->> 'digest' FROM json_array_elements(fallback::json -> 'manifests') AS e (entry))
             ) AS r
        JOIN quay.manifest AS m ON m.id = r.id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE m.manifest_bytes <> ''
          AND (referrer_list.artifact_type IS NULL OR coalesce(m.artifact_type, m.config_media_type) = referrer_list.artifact_type)
        ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION quay.referrer_list(text, text, text, text) IS
    'Manifests that have this digest as their subject, oldest first, as the descriptors of a referrers response; also those that an index under the tag <algorithm>-<hexadecimal digits> lists. artifact_type selects; a manifest without one counts under the media type of its config. No row: none, whether the digest is known or not. size in bytes. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.catalog(actor text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, repository text, name text, visibility text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_sort = off      -- prefers an incremental sort, which stops with the page
    SET jit = off AS $$
DECLARE
    remaining integer := quay_internal.page_size(n);
    reach record;
    image_id bigint := quay_internal.repositorykind_id('image');
    public_id bigint := quay_internal.visibility_id('public');
    with_public boolean;
    public_namespaces bigint[] := '{}'::bigint[];
    public_is_rare boolean;
    walk boolean;
    single_ids bigint[];
    -- No name has a "/" before that of the repository, so the order of these two keys is that of "namespace/repository".
    after_namespace text COLLATE "C" := coalesce(split_part(after, '/', 1) || CASE WHEN strpos(after, '/') > 0 THEN '/' ELSE '' END, '');
    after_repository text COLLATE "C" := CASE WHEN strpos(after, '/') > 0 THEN substring(after FROM strpos(after, '/') + 1) ELSE '' END;
    batch bigint[];
    readable bigint[];
    returned integer;
BEGIN
    SELECT * INTO reach FROM quay_internal.actor_reach(actor, scopes);
    with_public := reach.sees_public AND quay_internal.setting('public_catalog')::boolean;
    IF NOT with_public AND reach.account_id IS NOT NULL THEN
        public_namespaces := ARRAY(SELECT u.id FROM quay.public_namespace AS p JOIN quay."user" AS u ON u.username = p.username);
    END IF;
    -- A few public repositories are found faster one by one than by a walk through all namespaces.
    public_is_rare := with_public AND NOT EXISTS (
        SELECT FROM quay.repository AS r WHERE r.visibility_id = public_id OFFSET 1000);
    walk := reach.sees_all OR with_public AND NOT public_is_rare;

    single_ids := reach.named || ARRAY(
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.user_id = reach.grantee_id
        UNION ALL
        SELECT p.repository_id FROM quay.repositorypermission AS p WHERE p.team_id = ANY (reach.teams));
    IF public_is_rare THEN
        single_ids := single_ids || ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.visibility_id = public_id);
    END IF;

    WHILE remaining > 0 LOOP
        -- From each source as much as a page may need, in the order of the names.
        batch := ARRAY(
            SELECT e.id
            FROM ((SELECT n.path, r.name, r.id                -- all namespaces
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE walk AND NOT u.robot AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id AND (reach.sees_all OR r.visibility_id = public_id)
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT n.path, r.name, r.id                -- those of the actor, and those that everybody sees
                   FROM (SELECT u.id, u.username || '/' AS path FROM quay."user" AS u
                         WHERE u.id = ANY (reach.namespaces || public_namespaces) AND u.enabled AND (u.username || '/') >= after_namespace
                         ORDER BY path) AS n
                   CROSS JOIN LATERAL (
                       SELECT r.id, r.name FROM quay.repository AS r
                       WHERE r.namespace_user_id = n.id AND r.name > CASE WHEN n.path = after_namespace THEN after_repository ELSE '' END
                         AND r.state <> 3 AND r.kind_id = image_id AND (n.id = ANY (reach.namespaces) OR r.visibility_id = public_id)
                       ORDER BY r.name LIMIT remaining) AS r
                   ORDER BY n.path, r.name LIMIT remaining)
                  UNION
                  (SELECT u.username || '/' AS path, r.name, r.id                -- one by one
                   FROM (SELECT DISTINCT s.id FROM unnest(single_ids) AS s (id)) AS s
                   JOIN quay.repository AS r ON r.id = s.id AND r.state <> 3 AND r.kind_id = image_id
                   JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
                   WHERE ((u.username || '/'), r.name) > (after_namespace, after_repository)
                   ORDER BY path, r.name LIMIT remaining)) AS e
            ORDER BY e.path, e.name LIMIT remaining);
        readable := quay.access_filter_many(actor, batch, 'read', scopes);
        RETURN QUERY
            SELECT u.username::text, r.name::text, u.username || '/' || r.name, v.name::text
            FROM unnest(readable) AS e (id)
            JOIN quay.repository AS r ON r.id = e.id
            JOIN quay."user" AS u ON u.id = r.namespace_user_id
            JOIN quay.visibility AS v ON v.id = r.visibility_id
            ORDER BY (u.username || '/'), r.name;
        GET DIAGNOSTICS returned = ROW_COUNT;
        EXIT WHEN cardinality(batch) < remaining;
        SELECT u.username || '/', r.name INTO after_namespace, after_repository
        FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE r.id = batch[remaining];
        remaining := remaining - returned;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.catalog(text, text, integer, text) IS
    'Image repositories that the actor may read (NULL: anonymous), in byte order of name, which is "namespace/repository", at most n, those after the name after. Public ones in which he has no right of his own are among them with quay.public_catalog; without it, only for users, and only those of namespaces in quay.public_namespace. Errors: 22023 n negative.';

-- @part step api/300_legacy.sql
-- Models that the reference has dropped, as views over the present truth. Read only: the tables below them are written.

CREATE OR REPLACE FUNCTION quay_internal.json_or_null(document text) RETURNS json
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_or_null';
COMMENT ON FUNCTION quay_internal.json_or_null(text) IS
    'The text as json; NULL instead of an error if it is not JSON, is nested deeper than 64 levels, or has an escaped zero byte.';

-- image: the layers of each image manifest, base first. Docker schema 1 lists them leaf first, in fsLayers and history.

CREATE OR REPLACE VIEW quay.image AS
SELECT
    m.id * 1024 + l.index AS id,
    encode(sha256(convert_to(m.digest || ':' || l.index, 'UTF8')), 'hex')::varchar(255) COLLATE "C" AS docker_image_id,
    m.repository_id,
    '/' || (SELECT coalesce(string_agg(m.id * 1024 + a || '/', '' ORDER BY a), '') FROM generate_series(0, l.index - 1) AS a) AS ancestors,
    s.id AS storage_id,
    NULL::timestamp AS created,
    NULL::text AS comment,
    NULL::text AS command,
    l.aggregate_size,
    l.v1_json_metadata,
    l.digest::varchar(255) COLLATE "C" AS v1_checksum,
    coalesce(x.index_status = 2, false) AS security_indexed,
    coalesce(x.indexer_version, -1) AS security_indexed_engine,
    CASE WHEN l.index > 0 THEN m.id * 1024 + l.index - 1 END AS parent_id
FROM quay.manifest AS m
CROSS JOIN LATERAL (SELECT quay_internal.json_or_null(m.manifest_bytes) AS document OFFSET 0) AS d
CROSS JOIN LATERAL (
    SELECT e.number - 1 AS index,
           e.layer ->> 'digest' AS digest,
           sum(CASE WHEN e.layer ->> 'size' ~ '^[0-9]{1,14}$' THEN (e.layer ->> 'size')::bigint ELSE 0 END)
               OVER (ORDER BY e.number)::bigint AS aggregate_size,
           NULL::text AS v1_json_metadata
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'layers') = 'array' THEN d.document -> 'layers' END)
        WITH ORDINALITY AS e (layer, number)
    WHERE d.document -> 'config' ->> 'mediaType'
        IN ('application/vnd.docker.container.image.v1+json', 'application/vnd.oci.image.config.v1+json')
    UNION ALL
    SELECT json_array_length(d.document -> 'fsLayers') - e.number,
           e.layer ->> 'blobSum',
           NULL,
           d.document -> 'history' -> (e.number - 1)::integer ->> 'v1Compatibility'
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'fsLayers') = 'array' THEN d.document -> 'fsLayers' END)
        WITH ORDINALITY AS e (layer, number)
) AS l
LEFT JOIN quay.imagestorage AS s ON s.content_checksum = l.digest COLLATE "C"
LEFT JOIN quay.manifestsecuritystatus AS x ON x.manifest_id = m.id
WHERE l.index < 1024;

COMMENT ON VIEW quay.image IS
    'Read only, a model that the reference dropped: one row for each layer of each image manifest, up to 1024 layers. Manifests whose text is not there (sparse) or not JSON have none.';
COMMENT ON COLUMN quay.image.id IS 'manifest.id * 1024 + place of the layer, base first, from 0. Stays as long as the manifest.';
COMMENT ON COLUMN quay.image.docker_image_id IS '64 hexadecimal digits: SHA-256 of the manifest''s digest, a colon and the place of the layer. Unique in the repository.';
COMMENT ON COLUMN quay.image.repository_id IS 'Repository of the manifest.';
COMMENT ON COLUMN quay.image.ancestors IS 'Ids of the layers below, base first: /1024/1025/; of the base layer: /.';
COMMENT ON COLUMN quay.image.storage_id IS 'Blob of the layer, imagestorage.id. NULL: the registry does not hold it (foreign layers).';
COMMENT ON COLUMN quay.image.created IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.comment IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.command IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.aggregate_size IS 'Bytes, compressed, of this layer and those below, as the manifest says. NULL: Docker schema 1, which does not say.';
COMMENT ON COLUMN quay.image.v1_json_metadata IS 'JSON text of the layer in a Docker schema 1 manifest. NULL: any other manifest.';
COMMENT ON COLUMN quay.image.v1_checksum IS 'Digest of the layer, such as sha256:<hex>.';
COMMENT ON COLUMN quay.image.security_indexed IS 'True: the vulnerability scan of the manifest is complete.';
COMMENT ON COLUMN quay.image.security_indexed_engine IS 'Version of the indexer that scanned the manifest, 2 or 4; -1: not scanned.';
COMMENT ON COLUMN quay.image.parent_id IS 'The layer below. NULL: base layer.';

-- tagmanifest: what each tag shows now.

CREATE OR REPLACE VIEW quay.tagmanifest AS
SELECT t.id, t.id AS tag_id, m.digest, m.manifest_bytes AS json_data
FROM quay.tag AS t
JOIN quay.manifest AS m ON m.id = t.manifest_id
WHERE NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > (SELECT quay_internal.clock_ms()));

COMMENT ON VIEW quay.tagmanifest IS 'Read only, a model that the reference dropped: the manifest of each visible tag that is alive.';
COMMENT ON COLUMN quay.tagmanifest.id IS 'The same as tag_id.';
COMMENT ON COLUMN quay.tagmanifest.tag_id IS 'The tag, tag.id.';
COMMENT ON COLUMN quay.tagmanifest.digest IS 'Digest of the manifest, such as sha256:<hex>.';
COMMENT ON COLUMN quay.tagmanifest.json_data IS 'Text of the manifest, byte for byte. Empty: only its digest is known (sparse).';

-- organizationmember: who is in any team of an organization.

CREATE OR REPLACE VIEW quay.organizationmember AS
SELECT min(tm.id) AS id, t.organization_id, tm.user_id
FROM quay.teammember AS tm
JOIN quay.team AS t ON t.id = tm.team_id
GROUP BY t.organization_id, tm.user_id;

COMMENT ON VIEW quay.organizationmember IS 'Read only, for the old name: each member of any team of an organization, once. Robots in teams count.';
COMMENT ON COLUMN quay.organizationmember.id IS 'Oldest of the memberships, teammember.id.';
COMMENT ON COLUMN quay.organizationmember.organization_id IS 'The organization, "user".id.';
COMMENT ON COLUMN quay.organizationmember.user_id IS 'The person or robot, "user".id.';

-- @part step api/800_maintenance.sql
-- What a DBA calls: the drop guard, and the privileges of roles.

CREATE OR REPLACE FUNCTION quay_internal.drop_guard() RETURNS event_trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_drop_guard';
COMMENT ON FUNCTION quay_internal.drop_guard() IS
    'Event trigger: refuses (QY091) DROP EXTENSION, DROP SCHEMA and DROP OWNED while there is user data, unless quay.allow_drop is on.';

-- Three kinds of roles, each with a fixed set of privileges. The next three functions are the only place that says which.

CREATE OR REPLACE FUNCTION quay_internal.secret_column_list() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstoken', 'token_code'),
        ('appspecificauthtoken', 'token_secret'),
        ('emailconfirmation', 'code'),
        ('emailconfirmation', 'verification_code'),
        ('namespacenotification', 'config_json'),
        ('notification', 'metadata_json'),
        ('oauthaccesstoken', 'token_code'),
        ('oauthaccesstoken', 'token_digest'),
        ('oauthapplication', 'secure_client_secret'),
        ('oauthauthorizationcode', 'code_credential'),
        ('orgmirrorconfig', 'external_registry_password'),
        ('orgmirrorconfig', 'external_registry_username'),
        ('proxycacheconfig', 'upstream_registry_password'),
        ('proxycacheconfig', 'upstream_registry_username'),
        ('queueitem', 'body'),
        ('repomirrorconfig', 'external_registry_password'),
        ('repomirrorconfig', 'external_registry_username'),
        ('repository', 'badge_token'),
        ('repositoryauthorizedemail', 'code'),
        ('repositorybuildtrigger', 'secure_auth_token'),
        ('repositorybuildtrigger', 'secure_private_key'),
        ('repositorynotification', 'config_json'),
        ('robotaccounttoken', 'token'),
        ('teammemberinvite', 'invite_token'),
        ('user', 'password_hash');
END
$$;
COMMENT ON FUNCTION quay_internal.secret_column_list() IS
    'Columns of tables in schema quay that a reader must not see: passwords, tokens, codes and keys, hashed, encrypted or in clear.';

CREATE OR REPLACE FUNCTION quay_internal.function_is_for(function regprocedure, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What changes the installation or the rights in it.
    for_admin CONSTANT text[] := ARRAY['downgrade_refuse', 'field_encrypt_with', 'field_key', 'field_rotate', 'grant_role',
                                    'log_partition_drop', 'log_partition_ensure', 'revoke_role', 'search_index_create', 'secret_check',
                                    'secret_rotate', 'secret_rotate_all', 'secret_rotate_batch', 'secret_rotate_start', 'secret_rotate_verify',
                                    'secret_scan', 'version_require', 'version_set'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'utc_now', 'repository_get'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['actor_resolve', 'app_token_get', 'app_token_problem', 'authenticate_app_token',
                                          'bootstrap_owner', 'bootstrap_token_check', 'bootstrap_token_problem', 'field_decrypt',
                                          'field_matches', 'invite_get', 'invite_list_for', 'login_account',
                                          'login_is_fresh', 'oauth_application_secret', 'oauth_client_check', 'oauth_code_find',
                                          'oauth_token_match', 'oauth_token_problem', 'password_decrypt', 'password_verify',
                                          'repository_badge_token_get', 'repository_token_find', 'repository_token_get', 'repository_token_load',
                                          'robot_account', 'robot_pull_credentials', 'robot_token', 'secret_digest',
                                          'secret_equal', 'team_invite_list_by_email', 'team_invite_lookup', 'user_has_password',
                                          'user_team_invite_list'];
    found record;
BEGIN
    SELECT p.proname::text AS name, p.provolatile AS volatility,
           p.prorettype = ANY (ARRAY['trigger'::regtype, 'event_trigger'::regtype]) AS is_trigger
    INTO STRICT found FROM pg_proc AS p WHERE p.oid = function_is_for.function;
    RETURN CASE function_is_for.kind
        WHEN 'admin' THEN true
        WHEN 'application' THEN NOT found.is_trigger AND found.name <> ALL (for_admin)
        ELSE NOT found.is_trigger AND found.name <> ALL (for_admin) AND found.name <> ALL (not_for_readers)
             AND (found.volatility <> 'v' OR found.name = ANY (for_reads))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.function_is_for(regprocedure, text) IS
    'May roles of that kind call the function? Administrators all, applications all but maintenance, readers those that only read.';

CREATE OR REPLACE FUNCTION quay_internal.privilege_list(kind text)
    RETURNS TABLE (object_kind text, object text, columns name[], privilege text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES ('SCHEMA', 'quay', NULL::name[], 'USAGE'), ('SCHEMA', 'quay_internal', NULL, 'USAGE');

    RETURN QUERY
    SELECT 'ROUTINE', p.oid::regprocedure::text, NULL::name[], 'EXECUTE'
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND quay_internal.function_is_for(p.oid, privilege_list.kind);

    RETURN QUERY
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.oid::regclass::text,
           CASE WHEN kind = 'reader' THEN visible.columns END,
           wanted.privilege
    FROM pg_class AS c
    CROSS JOIN LATERAL unnest(CASE
        WHEN c.relkind = 'S' THEN CASE privilege_list.kind
            WHEN 'admin' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
            WHEN 'application' THEN ARRAY['USAGE'] END
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'entity_change', 'rights_change')
             OR c.relname = 'secret_rotation' AND privilege_list.kind <> 'admin' THEN ARRAY['SELECT']
        WHEN privilege_list.kind = 'application' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END) AS wanted (privilege)
    -- NULL, so the whole table, unless it has a secret
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_or(s.column_name IS NOT NULL)
                    THEN array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE s.column_name IS NULL) END AS columns
        FROM pg_attribute AS a
        LEFT JOIN quay_internal.secret_column_list() AS s
            ON c.relnamespace = 'quay'::regnamespace AND s.table_name = c.relname AND s.column_name = a.attname
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS visible
    WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND c.relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'S']::"char"[])
      -- Months of the log are reached through the whole, which is where PostgreSQL asks for the right.
      AND (NOT c.relispartition OR c.relname = 'logentry3_default');
END
$$;
COMMENT ON FUNCTION quay_internal.privilege_list(text) IS
    'The privileges of a kind of role: admin, application or reader. One row each; columns, if not NULL, are those that it is limited to.';

CREATE OR REPLACE FUNCTION quay_internal.role_kind(role regrole) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Rights by name only: not those of a superuser, an owner or a member.
    RETURN CASE
        WHEN EXISTS (SELECT FROM pg_proc AS p, aclexplode(p.proacl) AS a
                     WHERE p.oid = 'quay.grant_role(regrole, text)'::regprocedure
                       AND a.grantee = role_kind.role AND a.grantee <> p.proowner) THEN 'admin'
        WHEN EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
                     WHERE c.oid = 'quay."user"'::regclass AND a.privilege_type = 'INSERT'
                       AND a.grantee = role_kind.role AND a.grantee <> c.relowner) THEN 'application'
        WHEN EXISTS (SELECT FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
                     WHERE n.oid = 'quay'::regnamespace
                       AND a.grantee = role_kind.role AND a.grantee <> n.nspowner) THEN 'reader'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.role_kind(regrole) IS 'What grant_role() made of the role: admin, application or reader; NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.role_lacks(role regrole, kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM quay_internal.privilege_list(role_lacks.kind) AS p
        WHERE NOT CASE p.object_kind
            WHEN 'SCHEMA' THEN has_schema_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'ROUTINE' THEN has_function_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'SEQUENCE' THEN has_sequence_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'TABLE' THEN CASE
                WHEN p.columns IS NULL THEN has_table_privilege(role_lacks.role, p.object, p.privilege)
                ELSE (SELECT bool_and(has_column_privilege(role_lacks.role, p.object, c.name, p.privilege)) FROM unnest(p.columns) AS c (name)) END
            END
    );
END
$$;
COMMENT ON FUNCTION quay_internal.role_lacks(regrole, text) IS 'How many of the privileges of that kind the role has not.';

CREATE OR REPLACE FUNCTION quay.role_list() RETURNS TABLE (role text, kind text, complete boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.rolname::text, k.kind, quay_internal.role_lacks(r.oid, k.kind) = 0
    FROM pg_roles AS r
    CROSS JOIN LATERAL (SELECT quay_internal.role_kind(r.oid) AS kind OFFSET 0) AS k
    WHERE k.kind IS NOT NULL
    ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION quay.role_list() IS
    'Roles that grant_role() served, and as which kind. complete is false where an update brought objects since: grant the same kind again.';

CREATE OR REPLACE FUNCTION quay.revoke_role(role regrole, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    object_kind text;
    behavior text := CASE WHEN revoke_role.cascade THEN 'CASCADE' ELSE 'RESTRICT' END;
    previous_role CONSTANT text := current_setting('role');
    grantee regrole;
    other text;
BEGIN
    -- What the role granted to others goes first, in its name: CASCADE alone would leave rights on columns that came from its right on
    -- the table.
    IF revoke_role.cascade THEN
        FOR grantee IN
            SELECT DISTINCT a.grantee FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
            WHERE n.oid = 'quay'::regnamespace AND a.grantor = revoke_role.role AND a.grantor <> n.nspowner
        LOOP
            PERFORM set_config('role', (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = revoke_role.role), true);
            PERFORM quay.revoke_role(grantee, cascade => true);
            PERFORM set_config('role', previous_role, true);
        END LOOP;
    END IF;

    FOREACH object_kind IN ARRAY ARRAY['ALL TABLES IN SCHEMA', 'ALL SEQUENCES IN SCHEMA', 'ALL ROUTINES IN SCHEMA', 'SCHEMA'] LOOP
        EXECUTE format('REVOKE ALL ON %s quay, quay_internal FROM %s %s', object_kind, revoke_role.role, behavior);
    END LOOP;

    -- REVOKE takes back only what its role has granted.
    SELECT string_agg(DISTINCT a.grantor::regrole::text, ', ') INTO other
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
    WHERE n.nspname = ANY (ARRAY['quay', 'quay_internal']::name[]) AND a.grantee = revoke_role.role AND a.grantee <> n.nspowner;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'role still has privileges that another role granted',
            DETAIL = format('They were granted to %s by %s.', revoke_role.role, other),
            HINT = format('Run SET ROLE %s and quay.revoke_role() again.', other);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.revoke_role(regrole, boolean) IS
    'Takes back what grant_role() gave. cascade: also what that role, an admin, gave to others; without it such a role is refused (2BP01). Errors: 42501 granted by another role, named in the detail.';

CREATE OR REPLACE FUNCTION quay.grant_role(role regrole, kind text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grant_option text := CASE grant_role.kind WHEN 'admin' THEN 'WITH GRANT OPTION' ELSE '' END;
    statement text;
BEGIN
    IF grant_role.kind IS NULL OR grant_role.kind <> ALL (ARRAY['admin', 'application', 'reader']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of role',
            DETAIL = format('There is no kind "%s".', left(grant_role.kind, 80)),
            HINT = 'Kinds are admin, application and reader.';
    END IF;
    IF quay_internal.role_kind(grant_role.role) <> grant_role.kind THEN
        PERFORM quay.revoke_role(grant_role.role);
    END IF;
    FOR statement IN
        SELECT format('GRANT %s%s ON %s %s TO %s %s', p.privilege,
                      (SELECT '(' || string_agg(quote_ident(c.name), ', ') || ')' FROM unnest(p.columns) AS c (name)), p.object_kind,
                      string_agg(p.object, ', ' ORDER BY p.object), grant_role.role, grant_option)
        FROM quay_internal.privilege_list(grant_role.kind) AS p
        GROUP BY p.object_kind, p.privilege, p.columns, CASE WHEN p.columns IS NOT NULL THEN p.object END
    LOOP
        EXECUTE statement;
    END LOOP;

    -- GRANT only warns where the caller may not grant.
    IF quay_internal.role_lacks(grant_role.role, grant_role.kind) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'may not grant all privileges of this kind of role',
            DETAIL = format('Kind "%s" needs privileges that role %s cannot pass on.', grant_role.kind, current_user),
            HINT = 'Call it as the owner of the extension, or as a role of kind admin.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.grant_role(regrole, text) IS
    'Gives a role the privileges of one kind, instead of those of another. reader: read functions and tables without secrets. application: all functions but maintenance, and reading and writing of tables. admin: all, and to grant it. Again after an update. Errors: QY009 unknown kind, 42501 caller may not grant.';

-- @part step api/900_comment_account.sql
-- What the tables of accounts, permissions, repositories and credentials hold (schema/010 to 050): text for \d+ and for doc/.
-- `timestamp` columns hold UTC. An encrypted secret is text v0$$<base64>, written and read by the functions of 020_secret.sql.

-- Names that other rows point to

COMMENT ON TABLE quay.accesstokenkind IS 'Enumeration: what a per-repository access token was made for. Look rows up by name, ids differ between installations.';
COMMENT ON COLUMN quay.accesstokenkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.accesstokenkind.name IS 'Unique. Seeded: build-worker (token of one build), pushpull-token.';

COMMENT ON TABLE quay.buildtriggerservice IS 'Enumeration: source hosting services that can start a build.';
COMMENT ON COLUMN quay.buildtriggerservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.buildtriggerservice.name IS 'Unique. Seeded: github, gitlab, bitbucket, custom-git.';

COMMENT ON TABLE quay.disablereason IS 'Enumeration: why a build trigger was switched off.';
COMMENT ON COLUMN quay.disablereason.id IS 'Primary key. The reference seeds the same three ids everywhere.';
COMMENT ON COLUMN quay.disablereason.name IS 'Unique. Seeded: user_toggled, successive_build_failures, successive_build_internal_errors.';

COMMENT ON TABLE quay.externalnotificationevent IS 'Enumeration: events that a repository or namespace notification can subscribe to.';
COMMENT ON COLUMN quay.externalnotificationevent.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationevent.name IS 'Unique. Seeded: repo_push, build_*, vulnerability_found, repo_mirror_sync_*, repo_image_expiry, quota_warning, quota_error.';

COMMENT ON TABLE quay.externalnotificationmethod IS 'Enumeration: channels over which a subscribed event is delivered.';
COMMENT ON COLUMN quay.externalnotificationmethod.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationmethod.name IS 'Unique. Seeded: email, flowdock, hipchat, quay_notification (in the application), slack, webhook.';

COMMENT ON TABLE quay.imagestoragelocation IS 'Enumeration: object storage engines that can hold blob bytes. The front end adds one row per storage engine it is configured with.';
COMMENT ON COLUMN quay.imagestoragelocation.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.imagestoragelocation.name IS 'Unique name of the engine as in the front end''s configuration, such as local or s3_us_east_1.';

COMMENT ON TABLE quay.imagestoragesignaturekind IS 'Legacy enumeration: kinds of detached layer signatures. No live writer.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.name IS 'Unique. Seeded: gpg2.';

COMMENT ON TABLE quay.imagestoragetransformation IS 'Legacy enumeration: formats into which an image could be converted, for derivedstorageforimage. No live writer.';
COMMENT ON COLUMN quay.imagestoragetransformation.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragetransformation.name IS 'Unique. Seeded: squash, aci.';

COMMENT ON TABLE quay.labelsourcetype IS 'Enumeration: where a label came from, and with it whether the label may be deleted.';
COMMENT ON COLUMN quay.labelsourcetype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.labelsourcetype.name IS 'Unique. Seeded: manifest (read from config or annotations at push), api (set by a client), internal.';
COMMENT ON COLUMN quay.labelsourcetype.mutable IS 'True: labels of this source may be deleted through the API. Seeded true only for api.';

COMMENT ON TABLE quay.logentrykind IS 'Enumeration: actions that the audit log knows, 146 seeded. Rows of logentry3 carry these ids without a foreign key.';
COMMENT ON COLUMN quay.logentrykind.id IS 'Primary key. Ids never change; a name seeded here keeps the id that a migrated reference database gives it.';
COMMENT ON COLUMN quay.logentrykind.name IS 'Unique action name, such as push_repo, create_robot or login_failure.';

COMMENT ON TABLE quay.loginservice IS 'Enumeration: identity providers that accounts can be linked to. Providers unknown so far are added when a login is first linked.';
COMMENT ON COLUMN quay.loginservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.loginservice.name IS 'Unique. Seeded: github, quayrobot (every robot''s own link), ldap, google, keystone, dex, jwtauthn, oidc.';

COMMENT ON TABLE quay.mediatype IS 'Enumeration: media types of manifests, labels and global messages. application/vnd.cnr.* belong to the retired application registry.';
COMMENT ON COLUMN quay.mediatype.id IS 'Primary key. 1 is text/plain, the default of messages; other ids differ between installations, so go by name.';
COMMENT ON COLUMN quay.mediatype.name IS 'Unique media type, such as application/vnd.oci.image.manifest.v1+json.';

COMMENT ON TABLE quay.notificationkind IS 'Enumeration: kinds of notifications shown inside the application. Delivery by quay_notification needs a row named like the event.';
COMMENT ON COLUMN quay.notificationkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.notificationkind.name IS 'Unique, such as repo_push, org_team_invite, quota_error or assigned_authorization.';

COMMENT ON TABLE quay.quotatype IS 'Enumeration: what happens when usage reaches a quota limit. Names are not unique by constraint.';
COMMENT ON COLUMN quay.quotatype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.quotatype.name IS 'Seeded: Warning (notify), Reject (notify, and refuse uploads and pushes).';

COMMENT ON TABLE quay.repositorykind IS 'Enumeration: what a repository holds.';
COMMENT ON COLUMN quay.repositorykind.id IS 'Primary key. 1 is the default of repository.kind_id.';
COMMENT ON COLUMN quay.repositorykind.name IS 'Unique. Seeded: image, application (retired application registry).';

COMMENT ON TABLE quay.role IS 'Enumeration: what a grant allows on a repository; admin includes write, write includes read.';
COMMENT ON COLUMN quay.role.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.role.name IS 'Unique. Seeded: admin, write, read.';

COMMENT ON TABLE quay.tagkind IS 'Enumeration: kinds of tags of image repositories.';
COMMENT ON COLUMN quay.tagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagkind.name IS 'Unique. Seeded: tag, the only kind in use.';

COMMENT ON TABLE quay.teamrole IS 'Enumeration: what membership of a team allows in the organization as a whole. Names are indexed, not unique.';
COMMENT ON COLUMN quay.teamrole.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.teamrole.name IS 'Seeded: admin (administers the organization), creator (may create repositories), member (only what permissions grant).';

COMMENT ON TABLE quay.userpromptkind IS 'Enumeration: questions that a user is asked at the next sign-in. Names are indexed, not unique.';
COMMENT ON COLUMN quay.userpromptkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.userpromptkind.name IS 'Seeded: confirm_username, enter_name, enter_company.';

COMMENT ON TABLE quay.visibility IS 'Enumeration: who may pull from a repository without a grant.';
COMMENT ON COLUMN quay.visibility.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.visibility.name IS 'Unique. Seeded: public (everybody, anonymous clients too), private.';
-- Namespaces and identities

COMMENT ON TABLE quay."user" IS 'Accounts of all three kinds: people, organizations and robots. People and organizations are the namespaces that own repositories.';
COMMENT ON COLUMN quay."user".id IS 'Primary key. A robot''s id also stands in its federated login, as robot:<id>.';
COMMENT ON COLUMN quay."user".uuid IS 'Session identity (UUID v4): signed sessions name it, and a new value ends them all. Unique. NULL only in old rows.';
COMMENT ON COLUMN quay."user".username IS 'Unique login and namespace name; robots are <namespace>+<short name>. A random UUID while the namespace is being deleted.';
COMMENT ON COLUMN quay."user".password_hash IS 'Secret at rest: bcrypt, cost 12, $2b$, of the first 72 bytes. NULL: no password (robots, organizations, external logins).';
COMMENT ON COLUMN quay."user".email IS 'Mail address, compared with case; unique among people and robots only. Robots, and accounts without one, hold a random placeholder.';
COMMENT ON COLUMN quay."user".verified IS 'The mail address was confirmed. Needed to sign in to a session, not to use a password at the registry API.';
COMMENT ON COLUMN quay."user".stripe_id IS 'Customer id at the billing provider. NULL: not a paying customer.';
COMMENT ON COLUMN quay."user".organization IS 'True: an organization, which has teams and never signs in. Exclusive with robot.';
COMMENT ON COLUMN quay."user".robot IS 'True: a robot, owned by the namespace before the + in its name. Exclusive with organization.';
COMMENT ON COLUMN quay."user".invoice_email IS 'Send invoices by mail, to invoice_email_address if that is set.';
COMMENT ON COLUMN quay."user".invalid_login_attempts IS 'Failed passwords n since the last success; the next attempt is refused for 0.5 * (2^n - 1) seconds. authenticate() keeps it.';
COMMENT ON COLUMN quay."user".last_invalid_login IS 'UTC time of the last failed password, start of the lock-out above. Creation time if there was none.';
COMMENT ON COLUMN quay."user".removed_tag_expiration_s IS 'Time machine window of the namespace in seconds: dead tags can be restored that long, then gc_run() collects them.';
COMMENT ON COLUMN quay."user".enabled IS 'False: barred from signing in, robots of the namespace included. Deletion of a namespace starts by clearing it.';
COMMENT ON COLUMN quay."user".invoice_email_address IS 'Where invoices go instead of email. NULL: to email.';
COMMENT ON COLUMN quay."user".company IS 'Employer as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".family_name IS 'Family name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".given_name IS 'Given name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".location IS 'Place as the user states it, free text. NULL: not stated.';
COMMENT ON COLUMN quay."user".maximum_queued_builds_count IS 'Most builds of the namespace that may wait or run at one time. NULL: no limit.';
COMMENT ON COLUMN quay."user".creation_date IS 'UTC time of creation. NULL: before this was recorded.';
COMMENT ON COLUMN quay."user".last_accessed IS 'UTC time of the last use of a credential, written at most once per threshold. NULL: never, or before this was recorded.';

COMMENT ON TABLE quay.allowed_robot IS 'Robots that may log in although quay.robots_disallow is on (ROBOTS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.allowed_robot.username IS 'Full name of the robot, namespace+shortname. It need not exist.';

COMMENT ON TABLE quay.blocked_email_domain IS 'Domains from whose addresses nobody may sign up (BLACKLISTED_EMAIL_DOMAINS of the reference).';
COMMENT ON COLUMN quay.blocked_email_domain.domain IS 'Domain in lower case. Its subdomains are blocked too.';

COMMENT ON TABLE quay.deletion_grace_namespace IS 'Namespaces that are kept for quay.namespace_gc_grace_period after their deletion (NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST of the reference).';
COMMENT ON COLUMN quay.deletion_grace_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.public_namespace IS 'Namespaces that every user is shown (PUBLIC_NAMESPACES of the reference).';
COMMENT ON COLUMN quay.public_namespace.username IS 'Name of the namespace. It need not exist.';

COMMENT ON TABLE quay.unrestricted_user IS 'People who may write into their own namespaces although quay.restricted_users is on (RESTRICTED_USERS_WHITELIST of the reference).';
COMMENT ON COLUMN quay.unrestricted_user.username IS 'Name of the person. It need not exist.';

COMMENT ON TABLE quay.superuser IS 'Who administers the registry as a whole, by name. access_check() looks here only after every other rule said no.';
COMMENT ON COLUMN quay.superuser.username IS 'Primary key. Exact, case-sensitive username; an account of that name need not exist yet.';
COMMENT ON COLUMN quay.superuser.kind IS 'superuser (administers accounts; all repositories too under full access) or readonly (sees everything, changes nothing).';

COMMENT ON TABLE quay.federatedlogin IS 'Links of an account to an identity at a login service. Every robot has exactly one, to service quayrobot.';
COMMENT ON COLUMN quay.federatedlogin.id IS 'Primary key.';
COMMENT ON COLUMN quay.federatedlogin.user_id IS 'Account that the outside identity signs in to; at most one link per service.';
COMMENT ON COLUMN quay.federatedlogin.service_id IS 'Login service that vouches for the identity.';
COMMENT ON COLUMN quay.federatedlogin.service_ident IS 'Subject at the service, unique there. Robots: robot:<user id>, rewritten when the token is regenerated.';
COMMENT ON COLUMN quay.federatedlogin.metadata_json IS 'JSON object: service_username of people; federation_config of robots, an array of {issuer, subject, audiences}.';

COMMENT ON TABLE quay.deletednamespace IS 'Markers of namespaces on their way out: the row in "user" is disabled and renamed, a queue item will purge it.';
COMMENT ON COLUMN quay.deletednamespace.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletednamespace.namespace_id IS 'Account being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletednamespace.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletednamespace.original_username IS 'Name before deletion. Nobody can take it until the purge is done.';
COMMENT ON COLUMN quay.deletednamespace.original_email IS 'Mail address before deletion.';
COMMENT ON COLUMN quay.deletednamespace.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.emailconfirmation IS 'Codes that were mailed to confirm an address, change it, or reset a password. A row goes when its code is used.';
COMMENT ON COLUMN quay.emailconfirmation.id IS 'Primary key.';
COMMENT ON COLUMN quay.emailconfirmation.code IS 'Public part of the mailed code, 16 random characters, in clear; the mail holds base64 of code:private part.';
COMMENT ON COLUMN quay.emailconfirmation.user_id IS 'Account the mail was sent to.';
COMMENT ON COLUMN quay.emailconfirmation.pw_reset IS 'True: the code allows a new password, for a limited time (30 minutes in the reference).';
COMMENT ON COLUMN quay.emailconfirmation.new_email IS 'Address that takes effect on confirmation. NULL: confirms the present one.';
COMMENT ON COLUMN quay.emailconfirmation.email_confirm IS 'True: the code confirms an address. The reference lets such codes live for ever.';
COMMENT ON COLUMN quay.emailconfirmation.created IS 'UTC time of sending; the lifetime of a reset code counts from here.';
COMMENT ON COLUMN quay.emailconfirmation.verification_code IS 'Secret at rest: bcrypt hash of the private part. NULL: legacy row without private part.';

COMMENT ON TABLE quay.userprompt IS 'Questions still open for a user, removed once answered.';
COMMENT ON COLUMN quay.userprompt.id IS 'Primary key.';
COMMENT ON COLUMN quay.userprompt.user_id IS 'User who will be asked.';
COMMENT ON COLUMN quay.userprompt.kind_id IS 'What will be asked; at most once per user.';

COMMENT ON TABLE quay.userregion IS 'Storage locations to which blobs pushed into a namespace are replicated beside the default ones. Pairs are not unique by constraint.';
COMMENT ON COLUMN quay.userregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.userregion.user_id IS 'Namespace whose blobs are replicated.';
COMMENT ON COLUMN quay.userregion.location_id IS 'Additional location that should hold a copy.';

COMMENT ON TABLE quay.robotaccountmetadata IS 'What the owner notes about a robot; one row per robot at most, missing means empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccountmetadata.robot_account_id IS 'Robot described.';
COMMENT ON COLUMN quay.robotaccountmetadata.description IS 'Free text for people, at most 255 characters, may be empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.unstructured_json IS 'JSON object for the owner''s own use, never interpreted.';

COMMENT ON TABLE quay.robotaccounttoken IS 'Passwords of robots; one row per robot. They can be read back, so they are encrypted, not hashed.';
COMMENT ON COLUMN quay.robotaccounttoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccounttoken.robot_account_id IS 'Robot that signs in with it.';
COMMENT ON COLUMN quay.robotaccounttoken.token IS 'Secret, encrypted (v0$$...): 64 characters A-Z0-9. Encryption is randomized: never search by this column.';
COMMENT ON COLUMN quay.robotaccounttoken.fully_migrated IS 'Legacy: the token was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.organizationcontactemail IS 'Unused. Once the contact addresses of organizations, which are back in "user".email; kept for the reference application.';
COMMENT ON COLUMN quay.organizationcontactemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationcontactemail.organization_id IS 'Organization contacted; at most one row each.';
COMMENT ON COLUMN quay.organizationcontactemail.contact_email IS 'Address. NULL: none.';

COMMENT ON TABLE quay.redhatsubscriptions IS 'Customer accounts at Red Hat to which a user''s subscriptions belong. Only the hosted service fills it.';
COMMENT ON COLUMN quay.redhatsubscriptions.id IS 'Primary key.';
COMMENT ON COLUMN quay.redhatsubscriptions.user_id IS 'User who owns the subscriptions; several rows are possible.';
COMMENT ON COLUMN quay.redhatsubscriptions.account_number IS 'Customer number at Red Hat. Not unique by constraint.';

COMMENT ON TABLE quay.organizationrhskus IS 'Red Hat subscriptions that pay for an organization''s private repositories. Only the hosted service fills it.';
COMMENT ON COLUMN quay.organizationrhskus.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationrhskus.subscription_id IS 'Number of the subscription in the vendor''s system, no row here. Unique per organization.';
COMMENT ON COLUMN quay.organizationrhskus.org_id IS 'Organization that benefits.';
COMMENT ON COLUMN quay.organizationrhskus.user_id IS 'User who bound it; a binding ends when that user leaves a team of the organization.';
COMMENT ON COLUMN quay.organizationrhskus.quantity IS 'How many units of the subscription are bound, 1 unless stated. NULL: not recorded.';
-- Teams

COMMENT ON TABLE quay.team IS 'Groups of people and robots in an organization. A new organization starts with team owners, role admin.';
COMMENT ON COLUMN quay.team.id IS 'Primary key.';
COMMENT ON COLUMN quay.team.name IS 'Unique within the organization; same alphabet as usernames.';
COMMENT ON COLUMN quay.team.organization_id IS 'Organization the team belongs to.';
COMMENT ON COLUMN quay.team.role_id IS 'What members may do in the organization; rights on repositories are in repositorypermission.';
COMMENT ON COLUMN quay.team.description IS 'Free text (Markdown in the front end), may be empty.';

COMMENT ON TABLE quay.teammember IS 'Who is in which team. Robots may join teams of their own organization.';
COMMENT ON COLUMN quay.teammember.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammember.user_id IS 'Member, a person or a robot, never an organization.';
COMMENT ON COLUMN quay.teammember.team_id IS 'Team joined; a member is in it once.';

COMMENT ON TABLE quay.teammemberinvite IS 'Invitations to a team that nobody answered yet. Exactly one of user_id and email is meant to be set.';
COMMENT ON COLUMN quay.teammemberinvite.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammemberinvite.user_id IS 'Invited account. NULL: invited by mail address.';
COMMENT ON COLUMN quay.teammemberinvite.email IS 'Invited address; any account that has confirmed it may accept. NULL: a known account was invited.';
COMMENT ON COLUMN quay.teammemberinvite.team_id IS 'Team to join.';
COMMENT ON COLUMN quay.teammemberinvite.inviter_id IS 'Who sent the invitation.';
COMMENT ON COLUMN quay.teammemberinvite.invite_token IS 'Secret in clear, urn:teaminvite:<UUID>: whoever is the addressee and shows it joins the team.';

COMMENT ON TABLE quay.teamsync IS 'Teams whose people follow a group of an external directory. Members are then changed only by the synchronization, robots excepted.';
COMMENT ON COLUMN quay.teamsync.id IS 'Primary key.';
COMMENT ON COLUMN quay.teamsync.team_id IS 'Team kept in step; at most one source each.';
COMMENT ON COLUMN quay.teamsync.transaction_id IS 'Random UUID, new at every run; compare-and-set on it decides which worker may remove members. Empty: never ran.';
COMMENT ON COLUMN quay.teamsync.last_updated IS 'UTC time of the last run. NULL: never ran, so due at once.';
COMMENT ON COLUMN quay.teamsync.service_id IS 'Directory that holds the group: ldap, keystone or oidc.';
COMMENT ON COLUMN quay.teamsync.config IS 'Which group, encoded as JSON twice: a JSON string that holds an object such as {"group_dn": ...} or {"group_name": ...}.';
-- Repositories and grants

COMMENT ON TABLE quay.repository IS 'Repositories. Their names are unique per namespace; everything pushed hangs below one of them.';
COMMENT ON COLUMN quay.repository.id IS 'Primary key; leads the keys of all content tables.';
COMMENT ON COLUMN quay.repository.namespace_user_id IS 'Namespace that owns the repository, a person or an organization. NULL: orphan that no path names.';
COMMENT ON COLUMN quay.repository.name IS 'Path below the namespace, may contain /. A random UUID while the repository is being deleted.';
COMMENT ON COLUMN quay.repository.visibility_id IS 'Whether everybody may pull.';
COMMENT ON COLUMN quay.repository.description IS 'Free text in Markdown, searched along with the name. NULL: none.';
COMMENT ON COLUMN quay.repository.badge_token IS 'Random UUID in clear; a build status badge of a private repository is served to those who know it.';
COMMENT ON COLUMN quay.repository.kind_id IS 'image, or application for leftovers of the retired application registry.';
COMMENT ON COLUMN quay.repository.trust_enabled IS 'Content trust (Docker Notary) was switched on. Stored and shown; nothing here signs or checks.';
COMMENT ON COLUMN quay.repository.state IS '0 normal, 1 read-only, 2 mirror, 3 marked for deletion (invisible), 4 member of an organization mirror. 2 and 4: only the mirror''s robot pushes.';

COMMENT ON TABLE quay.deletedrepository IS 'Markers of repositories on their way out: renamed, in state 3, a queue item will purge them.';
COMMENT ON COLUMN quay.deletedrepository.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletedrepository.repository_id IS 'Repository being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletedrepository.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletedrepository.original_name IS 'Name before deletion, free for a new repository at once.';
COMMENT ON COLUMN quay.deletedrepository.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.repositorypermission IS 'Grants on a repository, to a team or to an account. The owning person and admin teams of the organization need none.';
COMMENT ON COLUMN quay.repositorypermission.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorypermission.team_id IS 'Team that is granted the role. NULL: the grant is to user_id.';
COMMENT ON COLUMN quay.repositorypermission.user_id IS 'Person or robot that is granted the role. NULL: the grant is to team_id.';
COMMENT ON COLUMN quay.repositorypermission.repository_id IS 'Repository opened up; at most one row per grantee.';
COMMENT ON COLUMN quay.repositorypermission.role_id IS 'admin, write or read. access_check() takes the highest of all grants that apply.';

COMMENT ON TABLE quay.permissionprototype IS 'Default permissions of an organization: grants that repository_create() copies to a new repository.';
COMMENT ON COLUMN quay.permissionprototype.id IS 'Primary key.';
COMMENT ON COLUMN quay.permissionprototype.org_id IS 'Organization in whose new repositories the grant is made.';
COMMENT ON COLUMN quay.permissionprototype.uuid IS 'Public handle (UUID v4) in the API. Unique.';
COMMENT ON COLUMN quay.permissionprototype.activating_user_id IS 'Applies only to repositories created by this user, and then goes before general ones. NULL: whoever creates.';
COMMENT ON COLUMN quay.permissionprototype.delegate_user_id IS 'Person or robot that gets the role. NULL: a team does.';
COMMENT ON COLUMN quay.permissionprototype.delegate_team_id IS 'Team that gets the role. NULL: an account does.';
COMMENT ON COLUMN quay.permissionprototype.role_id IS 'Role granted: admin, write or read.';

COMMENT ON TABLE quay.star IS 'Repositories that users marked as favourites. Deleting a repository removes its stars at once.';
COMMENT ON COLUMN quay.star.id IS 'Primary key.';
COMMENT ON COLUMN quay.star.user_id IS 'User whose list shows the repository.';
COMMENT ON COLUMN quay.star.repository_id IS 'Repository starred; once per user.';
COMMENT ON COLUMN quay.star.created IS 'UTC time of starring.';

COMMENT ON TABLE quay.repositoryauthorizedemail IS 'Mail addresses that agreed to get notifications of a repository; others are refused as targets.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.repository_id IS 'Repository that may send mail.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.email IS 'Address; once per repository.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.code IS 'Secret in clear, 16 random characters, mailed to the address to confirm it. Unique.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.confirmed IS 'True: the code came back and mail may be sent.';

COMMENT ON TABLE quay.repositoryactioncount IS 'Audit log entries per repository and day, the raw material of the search score. Rows older than a year are pruned.';
COMMENT ON COLUMN quay.repositoryactioncount.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryactioncount.repository_id IS 'Repository counted.';
COMMENT ON COLUMN quay.repositoryactioncount.count IS 'Number of log entries that day.';
COMMENT ON COLUMN quay.repositoryactioncount.date IS 'UTC day; once per repository.';

COMMENT ON TABLE quay.repositorysearchscore IS 'Popularity of repositories, recomputed nightly; orders search results.';
COMMENT ON COLUMN quay.repositorysearchscore.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorysearchscore.repository_id IS 'Repository scored; one row each.';
COMMENT ON COLUMN quay.repositorysearchscore.score IS '100 times the weighted sum of mean daily actions aged up to 1, 7, 31 and 183 days, rounded down. 0: none.';
COMMENT ON COLUMN quay.repositorysearchscore.last_updated IS 'UTC time of the computation. NULL: never computed.';
-- Credentials

COMMENT ON TABLE quay.accesstoken IS 'Legacy tokens for one repository (user $token), now made for builds. authenticate() takes name followed by code.';
COMMENT ON COLUMN quay.accesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.accesstoken.friendly_name IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.accesstoken.repository_id IS 'The only repository the token opens.';
COMMENT ON COLUMN quay.accesstoken.created IS 'UTC time of creation. Tokens never expire by time.';
COMMENT ON COLUMN quay.accesstoken.role_id IS 'Role on that repository: admin, write or read.';
COMMENT ON COLUMN quay.accesstoken.temporary IS 'True: made for one build, may be removed later. False: delegate token, lives until deleted.';
COMMENT ON COLUMN quay.accesstoken.kind_id IS 'Purpose. NULL: not stated.';
COMMENT ON COLUMN quay.accesstoken.token_code IS 'Secret, encrypted (v0$$...): second half of the token, 32 characters A-Z0-9.';
COMMENT ON COLUMN quay.accesstoken.token_name IS 'First half of the token, 32 characters in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthapplication IS 'OAuth 2 applications that organizations register. A bootstrap application may belong to a person.';
COMMENT ON COLUMN quay.oauthapplication.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthapplication.client_id IS 'Public OAuth client id, 20 random characters unless given. Unique.';
COMMENT ON COLUMN quay.oauthapplication.redirect_uri IS 'Where tokens and codes may be sent; empty: nowhere but the registry''s own page.';
COMMENT ON COLUMN quay.oauthapplication.application_uri IS 'Home page shown on the consent page, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.organization_id IS 'Namespace whose admins manage the application.';
COMMENT ON COLUMN quay.oauthapplication.name IS 'Shown on the consent page. __quay_bootstrap_app is reserved.';
COMMENT ON COLUMN quay.oauthapplication.description IS 'Free text, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.gravatar_email IS 'Address whose avatar is shown. NULL: none.';
COMMENT ON COLUMN quay.oauthapplication.secure_client_secret IS 'Secret, encrypted (v0$$...): OAuth client secret, 40 characters. NULL: none, so the code flow is closed.';
COMMENT ON COLUMN quay.oauthapplication.fully_migrated IS 'Legacy: the client secret was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.oauthauthorizationcode IS 'Authorization codes that wait to be exchanged for a token. Used once, then deleted; good for quay.oauth_authorization_code_lifetime.';
COMMENT ON COLUMN quay.oauthauthorizationcode.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthauthorizationcode.application_id IS 'Application the code was issued to.';
COMMENT ON COLUMN quay.oauthauthorizationcode.scope IS 'Scopes granted, space-separated; the exchange must present the same text.';
COMMENT ON COLUMN quay.oauthauthorizationcode.data IS 'JSON object with the username who consented.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_credential IS 'Secret at rest: bcrypt hash of the code after its first 20 characters.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_name IS 'First 20 characters of the code in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthauthorizationcode.created IS 'When the code was made (UTC). NULL counts as expired.';
COMMENT ON COLUMN quay.oauthauthorizationcode.redirect_uri IS 'Redirect URI of the request, which the exchange has to repeat (RFC 6749, 4.1.3). NULL: any of the application.';

COMMENT ON TABLE quay.oauthaccesstoken IS 'OAuth bearer tokens (user $oauthtoken at the registry API), each acting for one user within its scopes.';
COMMENT ON COLUMN quay.oauthaccesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthaccesstoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
COMMENT ON COLUMN quay.oauthaccesstoken.application_id IS 'Application that holds the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.authorized_user_id IS 'User on whose behalf the token acts.';
COMMENT ON COLUMN quay.oauthaccesstoken.scope IS 'Scopes granted, space-separated, such as repo:read user:admin. One unknown piece voids all of them.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_type IS 'Bearer, or token for API tokens minted in the user interface.';
COMMENT ON COLUMN quay.oauthaccesstoken.expires_at IS 'UTC time from which authenticate() refuses the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.data IS 'JSON object with the username; bootstrap tokens also carry kind, owner and application_name. Empty possible.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_code IS 'Secret at rest: bcrypt hash of the token after its first 20 characters.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_name IS 'First 20 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthaccesstoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.oauthaccesstoken.created IS 'UTC time of issue. NULL: before this was recorded.';
COMMENT ON COLUMN quay.oauthaccesstoken.display_name IS 'Label the user gave, 1 to 255 characters, not unique. NULL: none.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_digest IS 'Keyed SHA-256 of the whole token in hexadecimal, which spares the slow bcrypt. NULL until the token is used for the first time.';

COMMENT ON TABLE quay.oauthassignedtoken IS 'OAuth tokens that an organization admin offers to another user, who has not yet fetched them; consumed on approval.';
COMMENT ON COLUMN quay.oauthassignedtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthassignedtoken.uuid IS 'Public handle (UUID v4), unique, named in the link the user follows.';
COMMENT ON COLUMN quay.oauthassignedtoken.assigned_user_id IS 'User who may approve and then holds the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.application_id IS 'Application that will hold the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.redirect_uri IS 'Where the token goes. NULL: the application''s own.';
COMMENT ON COLUMN quay.oauthassignedtoken.scope IS 'Scopes offered, space-separated.';
COMMENT ON COLUMN quay.oauthassignedtoken.response_type IS 'OAuth response type, token. NULL: token.';

COMMENT ON TABLE quay.appspecificauthtoken IS 'Application passwords (user $app) that a user makes for clients such as docker; each has all the user''s rights.';
COMMENT ON COLUMN quay.appspecificauthtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.appspecificauthtoken.user_id IS 'User the token signs in as.';
COMMENT ON COLUMN quay.appspecificauthtoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Unique.';
COMMENT ON COLUMN quay.appspecificauthtoken.title IS 'Label for people.';
COMMENT ON COLUMN quay.appspecificauthtoken.created IS 'UTC time of creation.';
COMMENT ON COLUMN quay.appspecificauthtoken.expiration IS 'UTC time from which the token is refused; removed some time later. NULL: never expires.';
COMMENT ON COLUMN quay.appspecificauthtoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_name IS 'First 60 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_secret IS 'Secret, encrypted (v0$$...): the remaining 60 characters, A-Z0-9.';

COMMENT ON TABLE quay.servicekeyapproval IS 'Approvals of service keys. A rotated key inherits the approval of its predecessor.';
COMMENT ON COLUMN quay.servicekeyapproval.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekeyapproval.approver_id IS 'Superuser who approved, "user".id without foreign key. NULL: approved automatically, or the account is gone.';
COMMENT ON COLUMN quay.servicekeyapproval.approval_type IS 'Literally ServiceKeyApprovalType.SUPERUSER, .KEY_ROTATION or .AUTOMATIC, prefix included.';
COMMENT ON COLUMN quay.servicekeyapproval.approved_date IS 'UTC time of approval.';
COMMENT ON COLUMN quay.servicekeyapproval.notes IS 'Free text of the approver, may be empty.';

COMMENT ON TABLE quay.servicekey IS 'Public keys with which services sign tokens that the registry accepts. Private keys are never stored.';
COMMENT ON COLUMN quay.servicekey.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekey.name IS 'Label for people, may be empty.';
COMMENT ON COLUMN quay.servicekey.kid IS 'Key id in the header of signed tokens, unique; an RFC 7638 thumbprint unless given.';
COMMENT ON COLUMN quay.servicekey.service IS 'Service that signs with the key, [a-z0-9_]+; the registry''s own instances use quay.';
COMMENT ON COLUMN quay.servicekey.jwk IS 'Public key as a JSON Web Key, JSON object. Not secret.';
COMMENT ON COLUMN quay.servicekey.metadata IS 'JSON object of the service''s own remarks; merged on rotation.';
COMMENT ON COLUMN quay.servicekey.created_date IS 'UTC time of creation; keys left unapproved for a day are removed.';
COMMENT ON COLUMN quay.servicekey.expiration_date IS 'UTC time from which signatures are refused; the row stays about a week longer. NULL: never expires.';
COMMENT ON COLUMN quay.servicekey.rotation_duration IS 'Seconds between rotations as announced by the service. Nothing acts on it. NULL: not announced.';
COMMENT ON COLUMN quay.servicekey.approval_id IS 'Approval that makes the key valid. NULL: still waiting, signatures are refused.';

COMMENT ON TABLE quay_internal.rights_change IS 'Always empty. A change of what decides about access invalidates it, and sessions forget what they remember.';
COMMENT ON TABLE quay_internal.secret_rotation IS 'How far quay.secret_rotate() has got in each encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.table_name IS 'Table of the column, in schema quay.';
COMMENT ON COLUMN quay_internal.secret_rotation.column_name IS 'The encrypted column.';
COMMENT ON COLUMN quay_internal.secret_rotation.last_id IS 'Id of the last row that has the new key.';
COMMENT ON COLUMN quay_internal.secret_rotation.finished IS 'Are all rows done?';
COMMENT ON COLUMN quay_internal.secret_rotation.key_check IS 'A known text, encrypted with the new key: another new key starts anew.';

-- @part step api/910_comment_registry.sql
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

COMMENT ON TABLE quay.quotanamespacesize IS 'Usage of a namespace: bytes of the distinct blobs that its manifests use. Kept current by pushes and garbage collection.';
COMMENT ON COLUMN quay.quotanamespacesize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotanamespacesize.namespace_user_id IS 'Namespace measured; one row each.';
COMMENT ON COLUMN quay.quotanamespacesize.size_bytes IS 'Bytes; a blob shared by several repositories counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotarepositorysize IS 'Usage of a repository: bytes of the distinct blobs that its manifests use.';
COMMENT ON COLUMN quay.quotarepositorysize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotarepositorysize.repository_id IS 'Repository measured; one row each.';
COMMENT ON COLUMN quay.quotarepositorysize.size_bytes IS 'Bytes; a blob used by several manifests counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotaregistrysize IS 'Usage of the whole registry, computed on request. One row by convention.';
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

-- @part step api/990_privilege.sql
-- Nothing is for PUBLIC: PostgreSQL lets it execute each new function, and this takes that back. Runs at the end of every script, since
-- every script may bring functions. It must not touch older ones: within a script a REVOKE makes all privileges that an object has at
-- that time its initial ones, and pg_dump would no longer save what the DBA has granted on it. So: only those without initial ones.

DO $revoke$
DECLARE
    functions text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO functions
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND NOT EXISTS (SELECT FROM pg_init_privs AS i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid);
    IF functions IS NOT NULL THEN
        EXECUTE 'REVOKE ALL ON ROUTINE ' || functions || ' FROM PUBLIC';
    END IF;
END
$revoke$;

SELECT quay_internal.version_set('1.1');
