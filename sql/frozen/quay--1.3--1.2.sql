\echo Use "ALTER EXTENSION quay UPDATE TO '1.2'" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

SELECT quay_internal.version_require('1.3');

-- @step
-- 1.3 to 1.2. One section per topic, in the reverse order of up.sql.

LOCK TABLE quay.repositorybuild, quay_internal.build_log, quay_internal.build_log_line, quay_internal.build_job, quay."user",
    quay.lease, quay_internal.pull_pending, quay_internal.pull_batch, quay_internal.maintenance_setting,
    quay.unlogged_namespace, quay_internal.log_seal_block, quay_internal.log_archive, quay_internal.log_removed
    IN ACCESS EXCLUSIVE MODE;

-- What 1.2 has no place for
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.build_log_line), 'logs of builds that are not archived yet (quay_internal.build_log_line)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.build_job), 'jobs of builds that are under way (quay_internal.build_job)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.lease_list(n => 1)), 'leases that are held (quay.lease)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.pull_pending), 'pulls that are not in the statistics yet: call quay.pull_fold()');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.pull_batch AS b WHERE b.counted_ms > quay_internal.clock_ms() - 7 * 86400000::bigint),
    'batches of pulls that would be counted again (quay_internal.pull_batch)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.maintenance_setting), 'settings of maintenance jobs (quay_internal.maintenance_setting)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay.unlogged_namespace), 'namespaces that are not logged (quay.unlogged_namespace)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.log_seal_block), 'seals of the audit log (quay_internal.log_seal_block)');
SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.log_archive) OR EXISTS (SELECT FROM quay_internal.log_removed),
    'notes of months of the audit log that were copied or removed (quay_internal.log_archive, log_removed)');

-- Builds
DROP TRIGGER build_removed ON quay.repositorybuild;
DROP FUNCTION quay_internal.build_phase_may_follow(text,text);
DROP FUNCTION quay.build_archive_claim(integer);
DROP FUNCTION quay.build_archive_confirm(text,text,integer);
DROP FUNCTION quay.build_archive_release(text,text);
DROP FUNCTION quay.build_cancel(text,text,text);
DROP FUNCTION quay.build_create(text,text,jsonb,text,text,text,text,text,text);
DROP FUNCTION quay.build_get(text);
DROP FUNCTION quay.build_job_check(text,bigint);
DROP FUNCTION quay.build_job_claim(text,integer);
DROP FUNCTION quay.build_job_complete(text,bigint,text,text);
DROP FUNCTION quay.build_job_expire(integer);
DROP FUNCTION quay.build_job_heartbeat(text,bigint,jsonb);
DROP FUNCTION quay.build_job_list(bigint,integer);
DROP FUNCTION quay.build_job_phase(text,bigint,text,jsonb);
DROP FUNCTION quay.build_job_place(text,bigint,text,integer,integer);
DROP FUNCTION quay.build_job_release(text,bigint,double precision);
DROP FUNCTION quay.build_job_schedule(text,bigint,text,text,integer);
DROP FUNCTION quay.build_job_start(text,bigint);
DROP FUNCTION quay.build_list(text,text,text,integer,boolean,timestamp without time zone);
DROP FUNCTION quay.build_recent(text,text);
DROP FUNCTION quay.build_repository_by_resource(text);
DROP FUNCTION quay.build_set_phase(text,text,text);
DROP FUNCTION quay.build_status(text);
DROP FUNCTION quay.build_trigger_build_list(text,text,integer);
DROP FUNCTION quay.build_trigger_create(text,text,text,text,jsonb,text,text,text,text,text,text);
DROP FUNCTION quay.build_trigger_credentials(text);
DROP FUNCTION quay.build_trigger_delete(text,text,text);
DROP FUNCTION quay.build_trigger_get(text);
DROP FUNCTION quay.build_trigger_list(text,text,bigint,integer);
DROP FUNCTION quay.build_trigger_record(text,text);
DROP FUNCTION quay.build_trigger_toggle(text,boolean,text,text,text);
DROP FUNCTION quay.build_trigger_update(text,jsonb,text,text,text,text,boolean,text,text);
DROP FUNCTION quay.buildlog_append(text,text,text,jsonb);
DROP FUNCTION quay.buildlog_append_many(text,text[],text[],jsonb[]);
DROP FUNCTION quay.buildlog_delete(text);
DROP FUNCTION quay.buildlog_expire(integer);
DROP FUNCTION quay.buildlog_read(text,integer,integer);
DROP FUNCTION quay.buildlog_status_get(text);
DROP FUNCTION quay.buildlog_status_set(text,jsonb);
DROP FUNCTION quay_internal.build_can_be_cancelled(quay.repositorybuild,boolean);
DROP FUNCTION quay_internal.build_cap_check(text);
DROP FUNCTION quay_internal.build_cursor(text);
DROP FUNCTION quay_internal.build_cursor_of(timestamp without time zone,bigint);
DROP FUNCTION quay_internal.build_event(quay.repositorybuild,text,jsonb,text);
DROP FUNCTION quay_internal.build_heartbeat_ms(jsonb);
DROP FUNCTION quay_internal.build_hold(text);
DROP FUNCTION quay_internal.build_is_archivable(quay.repositorybuild,timestamp without time zone);
DROP FUNCTION quay_internal.build_is_tried(bigint,text);
DROP FUNCTION quay_internal.build_job_end(quay.repositorybuild,quay_internal.build_job,text,text);
DROP FUNCTION quay_internal.build_job_hold(quay.repositorybuild,bigint);
DROP FUNCTION quay_internal.build_job_hold_expired(bigint,bigint);
DROP FUNCTION quay_internal.build_job_log(quay.repositorybuild,text);
DROP FUNCTION quay_internal.build_job_state(quay_internal.build_job);
DROP FUNCTION quay_internal.build_job_take(bigint,text,text,text,integer);
DROP FUNCTION quay_internal.build_move(quay.repositorybuild,text,jsonb,text);
DROP FUNCTION quay_internal.build_object_check(jsonb,text);
DROP FUNCTION quay_internal.build_phase_check(text);
DROP FUNCTION quay_internal.build_removed();
DROP FUNCTION quay_internal.build_retries(text);
DROP FUNCTION quay_internal.build_robot_id(text);
DROP FUNCTION quay_internal.build_select(text,bigint,text,integer,boolean,timestamp without time zone);
DROP FUNCTION quay_internal.build_target(text,text);
DROP FUNCTION quay_internal.build_trigger_count(bigint,text);
DROP FUNCTION quay_internal.build_trigger_lock(text);
DROP FUNCTION quay_internal.build_trigger_log(quay.repositorybuildtrigger,text,jsonb,bigint,text);
DROP FUNCTION quay_internal.build_trigger_ready(text,bigint);
DROP FUNCTION quay_internal.build_trigger_select(bigint,text,bigint,integer);
DROP FUNCTION quay_internal.build_trigger_unknown(text);
DROP FUNCTION quay_internal.build_write_token_id(bigint,text);
DROP FUNCTION quay_internal.buildlog_expire_one(bigint,bigint,integer);
DROP FUNCTION quay_internal.buildlog_lock(text,boolean);
DROP FUNCTION quay_internal.buildlog_status_put(bigint,jsonb);
DROP FUNCTION quay_internal.build_phase_rank(text);
DROP FUNCTION quay_internal.build_item_id(text);
DROP INDEX quay.repositorybuild_started_id_unarchived;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.build_job_fence_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.build_job;
DROP TABLE quay_internal.build_job;
ALTER EXTENSION quay DROP TABLE quay_internal.build_log_line;
DROP TABLE quay_internal.build_log_line;
ALTER EXTENSION quay DROP TABLE quay_internal.build_log;
DROP TABLE quay_internal.build_log;
-- Notifications and events of users
DROP FUNCTION quay.event_expire(integer);
DROP FUNCTION quay.event_position(text);
DROP FUNCTION quay.event_publish(text, text, jsonb);
DROP FUNCTION quay.event_read(text, text[], bigint, integer);
DROP FUNCTION quay.namespace_notification_create(text, text, text, jsonb, jsonb, text, text, text);
DROP FUNCTION quay.namespace_notification_delete(text, text, text, text);
DROP FUNCTION quay.namespace_notification_get(text, text);
DROP FUNCTION quay.namespace_notification_list(text, text[], bigint, integer);
DROP FUNCTION quay.namespace_notification_reset(text, text, text, text);
DROP FUNCTION quay.namespace_notification_test(text, text, text, text);
DROP FUNCTION quay.notification_create(text, text, jsonb, text);
DROP FUNCTION quay.notification_create_unique(text, text, jsonb, text);
DROP FUNCTION quay.notification_delete_kind(text, text);
DROP FUNCTION quay.notification_delete_matching(text, text, jsonb);
DROP FUNCTION quay.notification_delete_path(text);
DROP FUNCTION quay.notification_delivery_report(bigint, text, boolean, text);
DROP FUNCTION quay.notification_delivery_take(integer, double precision);
DROP FUNCTION quay.notification_dismiss(text, text, boolean);
DROP FUNCTION quay.notification_exists(text, text, jsonb);
DROP FUNCTION quay.notification_expire(integer);
DROP FUNCTION quay.notification_expiry_run(integer);
DROP FUNCTION quay.notification_get(text, text);
DROP FUNCTION quay.notification_list(text, text[], boolean, bigint, integer);
DROP FUNCTION quay.notification_list_path(text, bigint, integer);
DROP FUNCTION quay.notification_spawn(text, text, text, jsonb, text, text, text[], text, text);
DROP FUNCTION quay.notification_spawn_many(jsonb);
DROP FUNCTION quay.notification_spawn_namespace(text, text, jsonb, text, text);
DROP FUNCTION quay.quota_notice_forget(text, integer);
DROP FUNCTION quay.quota_notice_list(text);
DROP FUNCTION quay.repository_notification_create(text, text, text, text, jsonb, jsonb, text, text, text);
DROP FUNCTION quay.repository_notification_delete(text, text, text, text, text);
DROP FUNCTION quay.repository_notification_get(text, text, text);
DROP FUNCTION quay.repository_notification_list(text, text, text[], bigint, integer);
DROP FUNCTION quay.repository_notification_reset(text, text, text, text, text);
DROP FUNCTION quay.repository_notification_test(text, text, text, text, text);
DROP FUNCTION quay.webhook_check(text, text[]);
DROP FUNCTION quay_internal.build_ref_problem(text);
DROP FUNCTION quay_internal.build_ref_regex(text);
DROP FUNCTION quay_internal.delivery_do(bigint, text, jsonb, record);
DROP FUNCTION quay_internal.delivery_failed(text, boolean, text, boolean);
DROP FUNCTION quay_internal.delivery_plan(jsonb);
DROP FUNCTION quay_internal.delivery_recipients(bigint, text);
DROP FUNCTION quay_internal.delivery_retry(bigint, text, text, boolean, text);
DROP FUNCTION quay_internal.delivery_succeeded(text, boolean);
DROP FUNCTION quay_internal.delivery_within(text, text, jsonb, jsonb);
DROP FUNCTION quay_internal.event_data_check(jsonb);
DROP FUNCTION quay_internal.event_example(text, jsonb);
DROP FUNCTION quay_internal.event_filter_problem(text, jsonb);
DROP FUNCTION quay_internal.event_passes(text, text, jsonb);
DROP FUNCTION quay_internal.event_performer(text, text);
DROP FUNCTION quay_internal.event_spawn(quay.repository, text, text, jsonb, text, jsonb, text[], text, text);
DROP FUNCTION quay_internal.event_spawn_namespace(bigint, text, text, jsonb, text, jsonb);
DROP FUNCTION quay_internal.event_subject(text, text, text);
DROP FUNCTION quay_internal.event_test(record, jsonb);
DROP FUNCTION quay_internal.expiry_tags(quay.repository, bigint, bigint, integer, integer);
DROP FUNCTION quay_internal.namespace_notification_lock(bigint, text);
DROP FUNCTION quay_internal.namespace_notification_log(text, quay."user", record, bigint, text);
DROP FUNCTION quay_internal.notification_check(jsonb, text);
DROP FUNCTION quay_internal.notification_check_all(text, bigint, text, text, jsonb, jsonb, text);
DROP FUNCTION quay_internal.notification_email_is_confirmed(bigint, text);
DROP FUNCTION quay_internal.notification_event_id(text, boolean);
DROP FUNCTION quay_internal.notification_failure_limit();
DROP FUNCTION quay_internal.notification_find(text, boolean);
DROP FUNCTION quay_internal.notification_kind_id(text);
DROP FUNCTION quay_internal.notification_matches(text, jsonb);
DROP FUNCTION quay_internal.notification_method_check(text, bigint, text, jsonb);
DROP FUNCTION quay_internal.notification_method_problem(text, jsonb, boolean);
DROP FUNCTION quay_internal.notification_sight(bigint);
DROP FUNCTION quay_internal.notification_target(text);
DROP FUNCTION quay_internal.notification_target_list(text, jsonb);
DROP FUNCTION quay_internal.repository_notification_lock(bigint, text);
DROP FUNCTION quay_internal.repository_notification_log(text, quay.repository, text, record, bigint, text);
DROP FUNCTION quay_internal.vulnerability_level(text);
DROP FUNCTION quay_internal.webhook_problem(text, text[]);
DROP INDEX quay.notification_target_id_id;
DROP INDEX quay.notification_target_id_id_undismissed;
CREATE INDEX notification_target_id ON quay.notification (target_id);
ALTER TABLE quay.repositorynotification DROP COLUMN last_error;
ALTER TABLE quay.namespacenotification DROP COLUMN last_error;
-- Kinds that have notifications stay, as rows of the registry's own.
INSERT INTO quay.notificationkind (name)
SELECT k.name || ' of 1.3' FROM quay.notificationkind AS k
WHERE k.id IN (901, 902) AND EXISTS (SELECT FROM quay.notification AS n WHERE n.kind_id = k.id);
UPDATE quay.notification AS n SET kind_id = k.id
FROM quay.notificationkind AS o JOIN quay.notificationkind AS k ON k.name = o.name || ' of 1.3'
WHERE n.kind_id = o.id AND o.id IN (901, 902);
DELETE FROM quay.notificationkind WHERE id IN (901, 902);
UPDATE quay.notificationkind SET name = left(name, -7) WHERE name IN ('repo_image_expiry of 1.3', 'test_notification of 1.3');
ALTER EXTENSION quay DROP SEQUENCE quay_internal.user_event_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.user_event;
DROP TABLE quay_internal.user_event;

-- The work queue
DROP FUNCTION quay.queue_alive(text, text[]);
DROP FUNCTION quay.queue_alive_count(text, text[]);
DROP FUNCTION quay.queue_available_count(text, text[], timestamp, timestamp);
DROP FUNCTION quay.queue_cancel(bigint);
DROP FUNCTION quay.queue_complete(bigint, text);
DROP FUNCTION quay.queue_complete_many(bigint[], text[]);
DROP FUNCTION quay.queue_dead_list(text, bigint, integer);
DROP FUNCTION quay.queue_dead_retry(bigint, integer);
DROP FUNCTION quay.queue_expire(integer);
DROP FUNCTION quay.queue_extend(bigint, text, double precision, double precision, text);
DROP FUNCTION quay.queue_get(text, double precision, boolean, integer, text[]);
DROP FUNCTION quay.queue_has_retries(bigint);
DROP FUNCTION quay.queue_item_get(bigint);
DROP FUNCTION quay.queue_known_list();
DROP FUNCTION quay.queue_metrics(text, integer);
DROP FUNCTION quay.queue_namespace_delete(text, text, text[]);
DROP FUNCTION quay.queue_put(text, text[], text, double precision, integer, boolean);
DROP FUNCTION quay.queue_put_many(text, text[], text[], double precision, integer, boolean);
DROP FUNCTION quay.queue_release(bigint, text, double precision, boolean, double precision, integer, double precision);
DROP FUNCTION quay_internal.queue_backoff(double precision, double precision, integer, double precision);
DROP FUNCTION quay_internal.queue_check(text, text[], double precision, integer);
DROP FUNCTION quay_internal.queue_claim_is(text, text);
DROP FUNCTION quay_internal.queue_due(timestamp, boolean, timestamp);
DROP FUNCTION quay_internal.queue_measure(text, integer);
DROP FUNCTION quay_internal.queue_name(text, text[]);
DROP FUNCTION quay_internal.queue_names();
DROP FUNCTION quay_internal.queue_path_is_used(text);
DROP FUNCTION quay_internal.queue_path_key(text);
DROP FUNCTION quay_internal.queue_pick(text, text, boolean, timestamp, integer, tid[]);
DROP FUNCTION quay_internal.queue_require_read_committed(text);
DROP FUNCTION quay_internal.queue_seconds(double precision, double precision);
DROP FUNCTION quay_internal.queue_wake(text);
DROP INDEX quay.queueitem_dead;
DROP INDEX quay.queueitem_dead_due;
DROP INDEX quay.queueitem_due;
DROP INDEX quay.queueitem_lane;
DROP INDEX quay.queueitem_queue_name_id;
DROP INDEX quay.queueitem_running;
CREATE INDEX queueitem_pe_aafter_qname_rremaining_available ON quay.queueitem (processing_expires, available_after, queue_name, retries_remaining, available);
CREATE INDEX queueitem_pexpires_aafter_rremaining_available ON quay.queueitem (processing_expires, available_after, retries_remaining, available);
CREATE INDEX queueitem_processing_expires_available ON quay.queueitem (processing_expires, available);
CREATE INDEX queueitem_processing_expires_queue_name_available ON quay.queueitem (processing_expires, queue_name, available);
CREATE INDEX queueitem_queue_name ON quay.queueitem (queue_name);
-- Cache, sessions, leases, marks, counters of pulls


DROP TRIGGER session_end_updated ON quay."user";
DROP TRIGGER session_end_deleted ON quay."user";
DROP FUNCTION quay.cache_add(text, text, integer, bytea);
DROP FUNCTION quay.cache_claim(text, integer, numeric);
DROP FUNCTION quay.cache_clear();
DROP FUNCTION quay.cache_delete(text);
DROP FUNCTION quay.cache_delete_many(text[]);
DROP FUNCTION quay.cache_delete_prefix(text);
DROP FUNCTION quay.cache_expire(integer);
DROP FUNCTION quay.cache_generation(text);
DROP FUNCTION quay.cache_generation_change(text);
DROP FUNCTION quay.cache_get(text);
DROP FUNCTION quay.cache_get_many(text[]);
DROP FUNCTION quay.cache_key(text[]);
DROP FUNCTION quay.cache_release(text, uuid);
DROP FUNCTION quay.cache_set(text, text, integer, bytea, uuid, integer);
DROP FUNCTION quay.cache_status();
DROP FUNCTION quay.freshness_mark_expire(integer);
DROP FUNCTION quay.lease_acquire(text, text, integer);
DROP FUNCTION quay.lease_check(text, bigint);
DROP FUNCTION quay.lease_expire(integer);
DROP FUNCTION quay.lease_get(text);
DROP FUNCTION quay.lease_list(text, integer);
DROP FUNCTION quay.lease_release(text, bigint);
DROP FUNCTION quay.lease_renew(text, bigint, integer);
DROP FUNCTION quay.permission_read_blocked(text, text, text);
DROP FUNCTION quay.permission_revoked_mark_many(text[], text, text);
DROP FUNCTION quay.pull_count(bigint, text, text);
DROP FUNCTION quay.pull_fold(integer);
DROP FUNCTION quay.pull_record_many(jsonb, text);
DROP FUNCTION quay.repository_modified_mark(text, text);
DROP FUNCTION quay.session_create(text, json, integer, integer, text, text);
DROP FUNCTION quay.session_delete(text);
DROP FUNCTION quay.session_delete_user(text, bigint, text);
DROP FUNCTION quay.session_expire(integer);
DROP FUNCTION quay.session_get(text);
DROP FUNCTION quay.session_list(text, bigint, integer);
DROP FUNCTION quay.session_touch(text);
DROP FUNCTION quay.session_touch_many(text[]);
DROP FUNCTION quay.session_update(text, json);
DROP FUNCTION quay.wal_token();
DROP FUNCTION quay.wal_wait(pg_lsn, integer);
DROP FUNCTION quay_internal.cache_claim_try(text, integer, bigint);
DROP FUNCTION quay_internal.cache_count(bigint);
DROP FUNCTION quay_internal.cache_evict(bigint, integer);
DROP FUNCTION quay_internal.cache_generation_expire(integer);
DROP FUNCTION quay_internal.cache_get_row(text);
DROP FUNCTION quay_internal.cache_grow(bigint);
DROP FUNCTION quay_internal.cache_key_check(text);
DROP FUNCTION quay_internal.cache_size_add(bigint);
DROP FUNCTION quay_internal.cache_size_merge();
DROP FUNCTION quay_internal.cache_size_of(text, text, bytea);
DROP FUNCTION quay_internal.freshness_mark_set(text[], text, text);
DROP FUNCTION quay_internal.lease_check_arguments(text, text);
DROP FUNCTION quay_internal.lifetime_check(text, bigint, bigint);
DROP FUNCTION quay_internal.session_data_check(json);
DROP FUNCTION quay_internal.session_digest(text);
DROP FUNCTION quay_internal.session_end();
DROP FUNCTION quay_internal.session_get_row(text);
DROP TYPE quay_internal.cached_value;
DROP TYPE quay_internal.live_session;

ALTER EXTENSION quay DROP TABLE quay_internal.pull_batch;
DROP TABLE quay_internal.pull_batch;
ALTER EXTENSION quay DROP TABLE quay_internal.freshness_mark;
DROP TABLE quay_internal.freshness_mark;
ALTER EXTENSION quay DROP SEQUENCE quay.lease_fence_seq;
ALTER EXTENSION quay DROP TABLE quay.lease;
DROP TABLE quay.lease;
DROP TABLE quay_internal.pull_pending;
DROP TABLE quay_internal.cache_size;
DROP TABLE quay_internal.cache_generation;
DROP TABLE quay.cache_entry;
ALTER EXTENSION quay DROP SEQUENCE quay.session_id_seq;
DROP TABLE quay.session;
-- Maintenance

DROP VIEW quay.metrics;
DROP VIEW quay.maintenance_status;
DROP PROCEDURE quay.maintenance(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_aggregate(interval,integer,bigint,integer);
DROP FUNCTION quay.maintenance_check(interval);
DROP PROCEDURE quay.maintenance_collect(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_expire(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_fill(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_notify(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_prune(interval,integer,bigint,integer);
DROP FUNCTION quay.maintenance_reset(text);
DROP PROCEDURE quay.maintenance_retain(interval,integer,bigint,integer);
DROP PROCEDURE quay.maintenance_run(text,interval,text,bigint,text);
DROP FUNCTION quay.maintenance_schedule(text,interval);
DROP PROCEDURE quay.maintenance_score(interval,integer,bigint,integer);
DROP FUNCTION quay.maintenance_set(text,boolean,interval,integer,interval);
DROP FUNCTION quay.maintenance_unschedule();
DROP FUNCTION quay.metric_text();
DROP FUNCTION quay.registry_statistics();
DROP FUNCTION quay_internal.cron_require();
DROP FUNCTION quay_internal.error_text(text,text);
DROP FUNCTION quay_internal.maintenance_action_count(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_autoprune(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_autoprune_task(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_backoff_ms(integer,integer);
DROP FUNCTION quay_internal.maintenance_begin(interval);
DROP FUNCTION quay_internal.maintenance_build_job(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_call(record,jsonb);
DROP FUNCTION quay_internal.maintenance_claim(text[],boolean);
DROP FUNCTION quay_internal.maintenance_due_ms(quay_internal.maintenance_state,integer);
DROP FUNCTION quay_internal.maintenance_gc(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_is_held(quay_internal.maintenance_state);
DROP FUNCTION quay_internal.maintenance_is_running(quay_internal.maintenance_state);
DROP FUNCTION quay_internal.maintenance_job_check(text);
DROP FUNCTION quay_internal.maintenance_job_list();
DROP PROCEDURE quay_internal.maintenance_kind(text,interval,integer,bigint,integer);
DROP FUNCTION quay_internal.maintenance_kind_jobs(text);
DROP FUNCTION quay_internal.maintenance_log_partition(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_log_retain(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_log_seal(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_may_run(text,boolean,boolean);
DROP FUNCTION quay_internal.maintenance_namespace_purge(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_notification_expiry(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_plan();
DROP FUNCTION quay_internal.maintenance_quota_notify(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_quota_publish(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_registry_size(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_repository_purge(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_require_primary();
DROP FUNCTION quay_internal.maintenance_run_check(text);
DROP FUNCTION quay_internal.maintenance_scan_backfill(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_search_score(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_seconds(text,interval,integer);
DROP FUNCTION quay_internal.maintenance_service_key(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_step(text,bigint,timestamp with time zone,boolean);
DROP FUNCTION quay_internal.maintenance_upload_discard(integer,jsonb);
DROP FUNCTION quay_internal.maintenance_waiting(text,integer);
DROP FUNCTION quay_internal.maintenance_waiting_unlogged(text,integer);
DROP PROCEDURE quay_internal.maintenance_work(text[],boolean,timestamp with time zone,integer,bigint,integer,text,text);
DROP FUNCTION quay_internal.metric_content();
DROP FUNCTION quay_internal.metric_list();
DROP FUNCTION quay_internal.metric_log();
DROP FUNCTION quay_internal.metric_maintenance();
DROP FUNCTION quay_internal.metric_queue();
DROP FUNCTION quay_internal.metric_seconds(timestamp without time zone);
DROP FUNCTION quay_internal.metric_table();
DROP FUNCTION quay_internal.ms_utc(bigint);
DROP FUNCTION quay_internal.purge_is_due(text,timestamp without time zone);
DROP FUNCTION quay_internal.purge_item_drop(text);
DROP FUNCTION quay_internal.row_estimate(regclass);
DROP FUNCTION quay_internal.setting_ago(text);
DROP FUNCTION quay_internal.table_leaves(regclass);
ALTER EXTENSION quay DROP TABLE quay_internal.maintenance_setting;
DROP TABLE quay_internal.maintenance_setting;
ALTER EXTENSION quay DROP TABLE quay_internal.maintenance_state;
DROP TABLE quay_internal.maintenance_state;

-- Waking up
DROP FUNCTION quay_internal.wake(text, text);
-- Audit

DROP TRIGGER log_changed ON quay.logentry3;
DROP TRIGGER log_moved ON quay.logentry3;
DROP TRIGGER log_truncated ON quay.logentry3;
DROP FUNCTION quay_internal.log_page(bigint,bigint,bigint,bigint[],bigint[],timestamp without time zone,timestamp without time zone,text,integer);
DROP FUNCTION quay.log_archive_confirm(integer,date,bigint,bigint,text);
DROP FUNCTION quay.log_archive_list(interval,integer);
DROP FUNCTION quay.log_archive_read(integer,date,text,integer);
DROP FUNCTION quay_internal.log_block_fault(quay_internal.log_seal_block,bigint);
DROP FUNCTION quay_internal.log_block_hash(date,integer,bigint,bigint,bigint,bigint,bytea,bytea);
DROP FUNCTION quay_internal.log_changed();
DROP FUNCTION quay.log_count_by_day(text,text,text,timestamp with time zone,timestamp with time zone,text[],text[],bigint,bigint,bigint);
DROP FUNCTION quay.log_count_check();
DROP FUNCTION quay_internal.log_count_month_read(bigint,date,bigint,timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay_internal.log_count_month_update(date,bigint,integer);
DROP FUNCTION quay_internal.log_count_newest(bigint,timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay_internal.log_count_of(bigint,bigint,bigint,timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay_internal.log_count_older(bigint,timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay.log_count_reset();
DROP FUNCTION quay_internal.log_count_rows(bigint,timestamp without time zone,timestamp without time zone);
DROP FUNCTION quay.log_count_update(integer);
DROP FUNCTION quay_internal.log_cursor(timestamp without time zone,bigint,integer);
DROP FUNCTION quay_internal.log_cursor_read(text);
DROP FUNCTION quay_internal.log_cutoff(interval);
DROP FUNCTION quay_internal.log_entry_problem(jsonb);
DROP FUNCTION quay_internal.log_entry_resolve(jsonb);
DROP FUNCTION quay.log_export_read(jsonb,text,integer);
DROP FUNCTION quay.log_export_request(text,text,timestamp with time zone,timestamp with time zone,text[],text[],text,text);
DROP FUNCTION quay_internal.log_export_time(jsonb,text);
DROP FUNCTION quay_internal.log_filter(text,text,text,text[],text[],bigint,bigint,bigint);
DROP FUNCTION quay_internal.log_insert(text,bigint,bigint,bigint,jsonb[],text,timestamp without time zone);
DROP FUNCTION quay_internal.log_insert_many(jsonb);
DROP FUNCTION quay_internal.log_kind_ids(text[]);
DROP FUNCTION quay.log_latest(text,text,text,text[],integer);
DROP FUNCTION quay_internal.log_leaf(bigint,bigint,bigint,bigint,bigint,timestamp without time zone,text,text);
DROP FUNCTION quay.log_list(text,text,text,timestamp with time zone,timestamp with time zone,text[],text[],text,integer,bigint,bigint,bigint);
DROP FUNCTION quay_internal.log_may_be_lost(text);
DROP FUNCTION quay_internal.log_metadata(jsonb,jsonb);
DROP FUNCTION quay_internal.log_month_has_later(integer,date,bigint);
DROP FUNCTION quay_internal.log_month_list();
DROP FUNCTION quay_internal.log_month_next(integer,timestamp without time zone);
DROP FUNCTION quay_internal.log_month_rows(integer,date);
DROP FUNCTION quay_internal.log_moved();
DROP FUNCTION quay.log_partition_drop(date,text);
DROP FUNCTION quay_internal.log_put(text,bigint,bigint,bigint,jsonb[],text,timestamp without time zone);
DROP FUNCTION quay_internal.log_read(bigint,bigint,bigint,bigint[],bigint[],timestamp without time zone,timestamp without time zone,text,integer);
DROP FUNCTION quay_internal.log_removal_note(integer,date);
DROP FUNCTION quay_internal.log_require_primary();
DROP FUNCTION quay.log_retain(interval,integer);
DROP FUNCTION quay_internal.log_rows_delete(integer,date,bigint,integer);
DROP FUNCTION quay.log_seal(integer);
DROP FUNCTION quay_internal.log_seal_block_add(date,bigint,integer);
DROP FUNCTION quay.log_seal_list();
DROP FUNCTION quay.log_seal_rekey();
DROP FUNCTION quay_internal.log_service_account();
DROP FUNCTION quay_internal.log_settled_id();
DROP FUNCTION quay_internal.log_signature(bytea);
DROP FUNCTION quay_internal.log_subject(text,text,text);
DROP FUNCTION quay_internal.log_time(timestamp with time zone);
DROP FUNCTION quay_internal.log_truncated();
DROP FUNCTION quay_internal.log_unit_list(date);
DROP FUNCTION quay.log_verify(date,bigint,text);
DROP FUNCTION quay_internal.log_verify_month(date,bigint,text);
DROP FUNCTION quay.log_write(text,text,text,text,text,jsonb,timestamp with time zone,jsonb);
DROP FUNCTION quay.log_write_many(jsonb);
DROP FUNCTION quay_internal.log_writers(integer);
DROP VIEW quay_internal.log_entry;

ALTER EXTENSION quay DROP TABLE quay.unlogged_namespace;
DROP TABLE quay.unlogged_namespace;
ALTER EXTENSION quay DROP TABLE quay_internal.log_settled;
DROP TABLE quay_internal.log_settled;
ALTER EXTENSION quay DROP TABLE quay_internal.log_count_month;
DROP TABLE quay_internal.log_count_month;
ALTER EXTENSION quay DROP TABLE quay_internal.log_count_day;
DROP TABLE quay_internal.log_count_day;
ALTER EXTENSION quay DROP TABLE quay_internal.log_seal_block;
DROP TABLE quay_internal.log_seal_block;
ALTER EXTENSION quay DROP TABLE quay_internal.log_archive;
DROP TABLE quay_internal.log_archive;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.log_removed_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.log_removed;
DROP TABLE quay_internal.log_removed;

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

CREATE OR REPLACE FUNCTION quay_internal.log_add_many(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                      metadata jsonb[], ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_kind_id bigint;
    account_id bigint := log_add_many.namespace_id;
BEGIN
    SELECT k.id INTO found_kind_id FROM quay.logentrykind AS k WHERE k.name = log_add_many.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of log entry',
            DETAIL = format('There is no kind named "%s".', left(log_add_many.kind, 80)),
            HINT = 'The table quay.logentrykind lists the kinds.';
    END IF;
    IF account_id IS NULL THEN
        -- What belongs to no namespace is shown to the first account, as the reference does.
        account_id := coalesce((SELECT min(u.id) FROM quay."user" AS u), 0);
    END IF;
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    SELECT found_kind_id, account_id, log_add_many.performer_id, log_add_many.repository_id, quay_internal.utc_now(),
           left(log_add_many.ip, 255), coalesce(m.metadata, '{}')::text
    FROM unnest(log_add_many.metadata) AS m (metadata);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add_many(text, bigint, bigint, bigint, jsonb[], text) IS
    'Adds rows of one kind to the audit log, one for each of the metadata. A NULL namespace means the account with the smallest id. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add_many(kind, namespace_id, performer_id, repository_id, ARRAY[metadata], ip);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log: see log_add_many().';

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

-- @part step api/035_queue.sql
-- Work for the workers of the registry: adding an item, and removing those of a namespace that goes.

CREATE OR REPLACE FUNCTION quay_internal.queue_path(VARIADIC parts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(parts, '/') || '/';
COMMENT ON FUNCTION quay_internal.queue_path(text[]) IS
    'queue_name of an item: the queue and the parts of the path, each with a "/" behind it, so that one path is the beginning of another only if its parts are.';

CREATE OR REPLACE FUNCTION quay_internal.queue_add(path text, body jsonb, delay interval DEFAULT '0', retries integer DEFAULT 5) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
BEGIN
    INSERT INTO quay.queueitem (queue_name, body, available_after, available, retries_remaining, state_id)
    VALUES (queue_add.path, queue_add.body::text, quay_internal.utc_now() + queue_add.delay, true, queue_add.retries, gen_random_uuid()::text)
    RETURNING id INTO new_id;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_add(text, jsonb, interval, integer) IS
    'Adds an item to a queue and returns its id. path: what queue_path() makes. delay: how long it is not to be taken.';

CREATE OR REPLACE FUNCTION quay_internal.queue_delete(path text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted bigint;
BEGIN
    -- "0" is the character after "/": the index finds all that starts with the path, whatever characters it has.
    DELETE FROM quay.queueitem AS q
    WHERE q.queue_name >= queue_delete.path AND q.queue_name < left(queue_delete.path, -1) || '0';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay_internal.queue_delete(text) IS
    'Deletes the items of a path and of the paths below it, and returns how many there were. path: what queue_path() makes.';

-- @part step api/036_notification.sql
-- Notifications within the registry: adding one, and removing those that are settled. Events, which go to whoever a repository or a
-- namespace has told to notify outside.

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

CREATE OR REPLACE FUNCTION quay_internal.event_queue(notification_uuids text[], path text, data jsonb, performer text,
                                                     more jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.queue_add(event_queue.path,
        jsonb_build_object('notification_uuid', n.uuid, 'event_data', event_queue.data,
            'performer_data', jsonb_strip_nulls(jsonb_build_object('entity_name', event_queue.performer))) || event_queue.more)
    FROM unnest(notification_uuids) AS n (uuid);
    RETURN cardinality(notification_uuids);
END
$$;
COMMENT ON FUNCTION quay_internal.event_queue(text[], text, jsonb, text, jsonb) IS
    'Queues an event for each of these notifications, and returns how many there were. The item, with more fields if given, has the form that the worker of the reference takes.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify(repository quay.repository, namespace text, event text, data jsonb DEFAULT '{}',
                                                      performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Three failures in a row disable a notification.
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.repositorynotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.repository_id = repository.id AND e.name = event_notify.event AND n.number_of_failures < 3
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, repository.name, event),
        jsonb_build_object('repository', namespace || '/' || repository.name, 'namespace', namespace, 'name', repository.name) || data,
        performer);
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify(quay.repository, text, text, jsonb, text) IS
    'Queues an event of a repository, such as repo_push, for each notification that waits for it and is not disabled. data is added to what names the repository. Returns how many there were.';

CREATE OR REPLACE FUNCTION quay_internal.event_notify_namespace(namespace_id bigint, namespace text, event text, data jsonb DEFAULT '{}',
                                                                performer text DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uuids text[] := ARRAY(SELECT n.uuid
                          FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                          WHERE n.namespace_id = event_notify_namespace.namespace_id AND e.name = event_notify_namespace.event
                            AND n.number_of_failures < 3
                          ORDER BY n.id);
BEGIN
    IF uuids = '{}' THEN
        RETURN 0;
    END IF;
    RETURN quay_internal.event_queue(uuids, quay_internal.queue_path('notification', namespace, event),
        jsonb_build_object('namespace', namespace) || data, performer, '{"notification_type": "namespace"}');
END
$$;
COMMENT ON FUNCTION quay_internal.event_notify_namespace(bigint, text, text, jsonb, text) IS
    'Queues an event of a namespace, such as quota_warning, for each notification that waits for it and is not disabled. Returns how many there were.';

-- @part step api/102_user_change.sql
-- Changes of people, and settings of namespaces.
--
-- Own changes count as made by the person, unless an actor is given; by_administrator is a change by an administrator of the
-- registry, which is logged as such and does not reach superusers.

CREATE OR REPLACE FUNCTION quay_internal.user_log(kind text, target quay."user", by_administrator boolean, actor text,
                                                  metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
BEGIN
    PERFORM quay_internal.log_add(user_log.kind, target.id,
        CASE WHEN by_administrator THEN performer_id ELSE coalesce(performer_id, target.id) END, NULL,
        metadata || CASE WHEN by_administrator THEN jsonb_build_object('superuser', user_log.actor) ELSE '{}' END, user_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.user_log(text, quay."user", boolean, text, jsonb, text) IS
    'Adds the audit row of a change to a person: by himself unless an actor is given, or by an administrator. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.user_password_set(username text, password text, by_administrator boolean DEFAULT false,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    new_hash text;
    new_uuid text := gen_random_uuid()::text;
BEGIN
    PERFORM quay_internal.authentication_require_database();
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    PERFORM quay_internal.password_check(user_password_set.password);
    -- Hashing takes long, so it comes before the lock.
    new_hash := quay_internal.password_hash(user_password_set.password, quay_internal.setting('bcrypt_cost')::integer);
    target := quay_internal.person_lock(username);

    -- In one statement: no session of the old password survives it. Nor does a code that would let somebody in without the new one, be it
    -- by way of another e-mail address.
    UPDATE quay."user" AS u SET password_hash = new_hash, invalid_login_attempts = 0, uuid = new_uuid WHERE u.id = target.id;
    DELETE FROM quay.emailconfirmation AS c WHERE c.user_id = target.id AND (c.pw_reset OR c.new_email IS NOT NULL);
    PERFORM quay_internal.notification_delete('password_required', target.id);
    PERFORM quay_internal.user_log(CASE WHEN by_administrator THEN 'user_change_password' ELSE 'account_change_password' END,
        target, by_administrator, actor,
        CASE WHEN by_administrator THEN jsonb_build_object('username', target.username) ELSE '{}' END, ip);
    RETURN new_uuid;
END
$$;
COMMENT ON FUNCTION quay.user_password_set(text, text, boolean, text, text) IS
    'Sets the password of a person, ends all his sessions, forgets failed logins, and withdraws outstanding codes for recovery or for a new e-mail address, and the notification that a password is required. Returns the new uuid, by which the session goes on that made the change. Errors: QY007 user or actor unknown, QY012 password refused, QY015 passwords are kept elsewhere, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_session_revoke(username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
BEGIN
    UPDATE quay."user" AS u SET uuid = gen_random_uuid()::text
    WHERE u.username = user_session_revoke.username AND NOT u.organization AND NOT u.robot
    RETURNING u.* INTO target;
    IF target.id IS NULL THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.user_log('logout_success', target, false, actor, '{}', ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_session_revoke(text, text, text) IS
    'Ends all sessions of a person, whose uuid is what they are known by: signing out. False if there is no such person. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay_internal.user_rename_require(target quay."user", new_name text, by_administrator boolean) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT by_administrator AND NOT quay_internal.setting('user_rename')::boolean
        AND NOT (quay_internal.setting('username_confirmation')::boolean
                 AND EXISTS (SELECT FROM quay.userprompt AS p JOIN quay.userpromptkind AS k ON k.id = p.kind_id
                             WHERE p.user_id = target.id AND k.name = 'confirm_username')) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'user names cannot be changed',
            DETAIL = 'The setting quay.user_rename is off, and the user has not been asked to confirm the name.',
            HINT = 'Ask an administrator of the registry to change the name.';
    END IF;
    PERFORM quay_internal.name_check('namespace', new_name);

    -- Rights hang on the names in these tables. Whoever has them would lose them, and whoever takes such a name would gain them.
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = target.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY023',
            MESSAGE = 'a superuser of the registry cannot be renamed',
            DETAIL = format('"%s" is listed in quay.superuser.', target.username),
            HINT = 'Take the name out of quay.superuser first, and put in the new one afterwards.';
    END IF;
    IF EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = new_name)
        OR EXISTS (SELECT FROM quay.unrestricted_user AS r WHERE r.username = new_name)
        OR EXISTS (SELECT FROM quay.allowed_robot AS r WHERE split_part(r.username, '+', 1) = new_name) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is reserved',
            DETAIL = format('Rights of the registry hang on the name "%s".', new_name),
            HINT = 'Use another name, or take it out of quay.superuser, quay.unrestricted_user and quay.allowed_robot first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.user_rename_require(quay."user", text, boolean) IS
    'Refuses a renaming that settings or rights forbid. Errors: QY001 illegal name, QY006 reserved name, QY015 renaming is off, QY023 a superuser.';

CREATE OR REPLACE FUNCTION quay.user_rename(username text, new_name text, by_administrator boolean DEFAULT false,
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user";
    holder quay."user";
    violated text;
    longest integer;
BEGIN
    -- There a robot that was made after the snapshot would keep the old name: rows that are only inserted cause no serialization error.
    IF current_setting('transaction_isolation') = 'repeatable read' THEN
        RAISE EXCEPTION USING ERRCODE = '25000',
            MESSAGE = 'cannot rename a namespace in a REPEATABLE READ transaction',
            DETAIL = 'Robots that others have just made would not be seen.',
            HINT = 'Use READ COMMITTED or SERIALIZABLE.';
    END IF;
    -- FOR UPDATE waits for those who are just making robots and repositories under the old name.
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_rename.username AND NOT u.robot AND (by_administrator OR NOT u.organization)
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no %s named "%s".', CASE WHEN by_administrator THEN 'user or organization' ELSE 'person' END,
                            left(user_rename.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    IF new_name = target.username THEN
        PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
        RETURN false;
    END IF;
    PERFORM quay_internal.user_rename_require(target, new_name, by_administrator);
    SELECT max(char_length(u.username)) + char_length(new_name) - char_length(target.username) INTO longest
    FROM quay."user" AS u WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    IF longest > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name of a robot, namespace+shortname, would have %s characters.', longest),
            HINT = 'The full name may have at most 255 characters: use a shorter name, or delete the robot.';
    END IF;

    BEGIN
        UPDATE quay."user" AS u SET username = new_name WHERE u.id = target.id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = new_name;
        IF violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(new_name, CASE WHEN holder.organization THEN 'An organization' ELSE 'A user' END);
        END IF;
        RAISE;
    END;
    -- After the update: it waited for whoever was just renaming the namespace away to delete it.
    PERFORM quay_internal.name_require_available(new_name);
    UPDATE quay."user" AS u SET username = new_name || substr(u.username, char_length(target.username) + 1)
    WHERE u.robot AND split_part(u.username, '+', 1) = target.username;
    PERFORM quay_internal.prompt_remove(target.id, 'confirm_username');
    PERFORM quay_internal.user_log(CASE WHEN target.organization THEN 'org_change_name' ELSE 'user_change_name' END,
        target, by_administrator, actor,
        CASE WHEN target.organization THEN jsonb_build_object('old_name', target.username, 'new_name', new_name)
             ELSE jsonb_build_object('old_username', target.username, 'username', new_name) END, ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_rename(text, text, boolean, text, text) IS
'Gives a person, or for an administrator also an organization, another name, and its robots with it. True if renamed; false if that is the name already. Either way the person need no longer confirm it.

A person may do so with the setting quay.user_rename, or once, if asked to confirm the name, with quay.username_confirmation.
Rights follow the tables that list names, not the person: a name in quay.superuser stays with its owner (QY023), and nobody gets a name that is listed in quay.superuser or quay.unrestricted_user, or that has robots in quay.allowed_robot (QY006). Entries of the lists quay.unrestricted_user, quay.allowed_robot, quay.public_namespace and quay.deletion_grace_namespace keep the old name. Items that wait in queues do too.
Errors: QY001 illegal name, also that of a robot that gets too long; QY006 name taken, reserved, or of a namespace that is being deleted; QY007 user or actor unknown; QY015 renaming is off; QY023; 25000 in a REPEATABLE READ transaction.';

CREATE OR REPLACE FUNCTION quay_internal.user_email_change(target quay."user", email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    violated text;
BEGIN
    UPDATE quay."user" AS u SET email = coalesce(user_email_change.email, gen_random_uuid()::text), verified = true WHERE u.id = target.id;
EXCEPTION WHEN unique_violation THEN
    GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
    IF violated = 'user_email_unique_non_org' THEN
        PERFORM quay_internal.email_taken(email);
    END IF;
    RAISE;
END
$$;
COMMENT ON FUNCTION quay_internal.user_email_change(quay."user", text) IS
    'Gives a person this e-mail address, verified; NULL: none. Errors: QY011 another user has it.';

CREATE OR REPLACE FUNCTION quay.user_email_set(username text, email text, by_administrator boolean DEFAULT false,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (changed boolean, code text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_lock(username);
    address text := nullif(user_email_set.email, '');
    old_address text := nullif(quay_internal.email_shown(target.email), '');
    mailing boolean := quay_internal.setting('mailing')::boolean;
BEGIN
    IF by_administrator THEN
        PERFORM quay_internal.superuser_refuse(target.username);
    END IF;
    IF mailing OR address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    changed := false;
    IF address IS DISTINCT FROM old_address THEN
        IF mailing AND NOT by_administrator THEN
            code := quay.user_email_code_create(target.username, address);
        ELSE
            PERFORM quay_internal.user_email_change(target, address);
            PERFORM quay_internal.user_log('user_change_email', target, by_administrator, actor,
                jsonb_build_object('email', address, 'old_email', old_address), ip);
            changed := true;
        END IF;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.user_email_set(text, text, boolean, text, text) IS
    'Changes the e-mail address of a person. One row. By an administrator, or with quay.mailing off, the address changes at once and counts as verified: changed is true. Otherwise code is to be mailed to the new address, for user_email_confirm(). Neither if that is the address already. NULL or empty takes the address away, with quay.mailing off. Errors: QY007 user or actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY023 by an administrator, and the target is a superuser.';

CREATE OR REPLACE FUNCTION quay.user_set_enabled(username text, enabled boolean, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    administered bigint[] := ARRAY(SELECT quay_internal.organization_lock_administered(username));
    target quay."user";
    organization_id bigint;
BEGIN
    IF user_set_enabled.enabled IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'enabled must be true or false',
            DETAIL = 'It is NULL.',
            HINT = 'Pass true to enable, false to disable.';
    END IF;
    SELECT * INTO target FROM quay."user" AS u
    WHERE u.username = user_set_enabled.username AND NOT u.robot
      AND NOT EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.namespace_id = u.id)
    FOR NO KEY UPDATE OF u;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(user_set_enabled.username, 80)),
            HINT = 'A namespace that is being deleted cannot be enabled again.';
    END IF;
    PERFORM quay_internal.superuser_refuse(target.username);
    IF target.enabled = user_set_enabled.enabled THEN
        RETURN false;
    END IF;

    UPDATE quay."user" AS u SET enabled = user_set_enabled.enabled WHERE u.id = target.id;
    IF NOT user_set_enabled.enabled THEN
        -- The constraint trigger would find out at commit only.
        FOREACH organization_id IN ARRAY administered LOOP
            PERFORM quay_internal.organization_require_admin(organization_id);
        END LOOP;
    END IF;
    PERFORM quay_internal.user_log(CASE WHEN user_set_enabled.enabled THEN 'user_enable' ELSE 'user_disable' END, target, true, actor,
        jsonb_build_object('username', target.username), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.user_set_enabled(text, boolean, text, text) IS
    'Enables or disables a person or an organization; for administrators of the registry. Who is disabled cannot log in, nor his robots, and nobody can use his namespace. False if it is so already. Errors: QY007 user unknown or being deleted, or actor unknown; QY013 an organization would have no enabled administrator; QY023 the target is a superuser; 22023 enabled is NULL.';

CREATE OR REPLACE FUNCTION quay.user_set_metadata(username text, given_name text DEFAULT NULL, family_name text DEFAULT NULL,
                                                  company text DEFAULT NULL, location text DEFAULT NULL,
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    given jsonb := jsonb_strip_nulls(jsonb_build_object('given_name', given_name, 'family_name', family_name,
                                                        'company', company, 'location', location));
BEGIN
    IF greatest(char_length(given_name), char_length(family_name), char_length(company), char_length(location)) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'value is too long',
            DETAIL = 'A name, company or location has more than 255 characters.',
            HINT = 'Use at most 255 characters.';
    END IF;
    UPDATE quay."user" AS u
    SET given_name = nullif(coalesce(user_set_metadata.given_name, u.given_name), ''),
        family_name = nullif(coalesce(user_set_metadata.family_name, u.family_name), ''),
        company = nullif(coalesce(user_set_metadata.company, u.company), ''),
        location = nullif(coalesce(user_set_metadata.location, u.location), '')
    WHERE u.id = target.id;
    PERFORM quay_internal.prompt_remove(target.id, 'enter_name', 'enter_company');
    IF given <> '{}' THEN
        PERFORM quay_internal.user_log('user_change_metadata', target, false, actor, given, ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.user_set_metadata(text, text, text, text, text, text, text) IS
    'What a person says about himself. NULL leaves a value as it is, an empty one removes it. The person is no longer asked for name and company. Errors: QY007 user or actor unknown, 22023 a value has more than 255 characters.';

-- Settings of a namespace, a person's or an organization's.

CREATE OR REPLACE FUNCTION quay_internal.namespace_log(kind text, target quay."user", actor text, metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.log_add(CASE WHEN target.organization THEN 'org_' ELSE 'user_' END || namespace_log.kind, target.id,
        quay_internal.actor_id(actor), NULL,
        metadata || CASE WHEN target.organization THEN jsonb_build_object('namespace', target.username) ELSE '{}' END, namespace_log.ip);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_log(text, quay."user", text, jsonb, text) IS
    'Adds the audit row of a change to a namespace. kind: without the "user_" or "org_" that it starts with. Errors: QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.namespace_set_invoicing(namespace text, invoice_email boolean DEFAULT NULL, invoice_email_address text DEFAULT NULL,
                                                        actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
    address text := nullif(namespace_set_invoicing.invoice_email_address, '');
    changed boolean := false;
BEGIN
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    UPDATE quay."user" AS u SET invoice_email = namespace_set_invoicing.invoice_email
    WHERE u.id = target.id AND u.invoice_email <> namespace_set_invoicing.invoice_email;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email', invoice_email), ip);
    END IF;
    UPDATE quay."user" AS u SET invoice_email_address = address
    WHERE u.id = target.id AND namespace_set_invoicing.invoice_email_address IS NOT NULL AND u.invoice_email_address IS DISTINCT FROM address;
    IF FOUND THEN
        changed := true;
        PERFORM quay_internal.namespace_log('change_invoicing', target, actor, jsonb_build_object('invoice_email_address', address), ip);
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_invoicing(text, boolean, text, text, text) IS
    'Says whether invoices go to a namespace by e-mail, and to which address. NULL leaves either as it is; an empty address removes it. False if nothing changed. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY010 e-mail invalid.';

CREATE OR REPLACE FUNCTION quay.tag_expiration_option_list() RETURNS TABLE (option text, seconds bigint)
    LANGUAGE plpgsql STABLE ROWS 5 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    FOR option, seconds IN
        SELECT trim(o.duration), quay_internal.duration_seconds(trim(o.duration))
        FROM string_to_table(quay_internal.setting('tag_expiration_options'), ',') WITH ORDINALITY AS o (duration, i)
        ORDER BY o.i
    LOOP
        IF seconds IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '22023',
                MESSAGE = 'malformed duration in quay.tag_expiration_options',
                DETAIL = format('"%s" is none.', left(option, 80)),
                HINT = 'Use a whole number and a unit: s, m, h, d, w (7 days) or y (365 days).';
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.tag_expiration_option_list() IS
    'For how long a namespace may keep removed tags: the setting quay.tag_expiration_options. Errors: 22023 the setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_tag_expiration(namespace text, seconds bigint,
                                                             actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF NOT EXISTS (SELECT FROM quay.tag_expiration_option_list() AS o WHERE o.seconds = namespace_set_tag_expiration.seconds) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY015',
            MESSAGE = 'invalid tag expiration option',
            DETAIL = format('%s seconds are not among the options %s.', coalesce(namespace_set_tag_expiration.seconds::text, 'NULL'),
                            quay_internal.setting('tag_expiration_options')),
            HINT = 'Use one that quay.tag_expiration_option_list() has.';
    END IF;
    UPDATE quay."user" AS u SET removed_tag_expiration_s = namespace_set_tag_expiration.seconds
    WHERE u.id = target.id AND u.removed_tag_expiration_s <> namespace_set_tag_expiration.seconds;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.namespace_log('change_tag_expiration', target, actor,
        jsonb_build_object('tag_expiration', namespace_set_tag_expiration.seconds), ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_tag_expiration(text, bigint, text, text) IS
    'Says for how many seconds a namespace keeps removed tags. False if it is so already. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown, QY015 not among quay.tag_expiration_options, 22023 that setting is malformed.';

CREATE OR REPLACE FUNCTION quay.namespace_set_maximum_builds(namespace text, maximum integer, raise_only boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    IF maximum < 0 OR raise_only AND maximum IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of builds must not be negative',
            DETAIL = format('It is %s.', coalesce(maximum::text, 'NULL')),
            HINT = 'Pass how many builds may be queued; NULL, unless raise_only, for any number.';
    END IF;
    UPDATE quay."user" AS u SET maximum_queued_builds_count = maximum
    WHERE u.id = target.id AND u.maximum_queued_builds_count IS DISTINCT FROM maximum
      AND (NOT raise_only OR u.maximum_queued_builds_count < maximum);
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_maximum_builds(text, integer, boolean) IS
    'Says how many builds a namespace may have queued; NULL for any number. raise_only: only if it has a lower limit now. True if changed. Errors: QY002 namespace unknown, QY004 disabled, 22023 negative.';

CREATE OR REPLACE FUNCTION quay.namespace_set_stripe_id(namespace text, stripe_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.namespace_get(namespace);
BEGIN
    UPDATE quay."user" AS u SET stripe_id = nullif(namespace_set_stripe_id.stripe_id, '') WHERE u.id = target.id;
END
$$;
COMMENT ON FUNCTION quay.namespace_set_stripe_id(text, text) IS
    'Links a namespace to a customer of the payment service; NULL or empty removes the link. Errors: QY002 namespace unknown, QY004 disabled.';

-- Storage regions that a person prefers.

CREATE OR REPLACE FUNCTION quay.user_region_add(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
BEGIN
    INSERT INTO quay.userregion (user_id, location_id) VALUES (target.id, quay_internal.location_id(user_region_add.location))
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_add(text, text) IS
    'Adds a storage location to the regions of a person. False if it is there already. Errors: QY007 user unknown, QY053 location unknown.';

CREATE OR REPLACE FUNCTION quay.user_region_remove(username text, location text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay."user" := quay_internal.person_get(username);
    removed_id bigint := quay_internal.location_id(location);
BEGIN
    DELETE FROM quay.userregion AS r WHERE r.user_id = target.id AND r.location_id = removed_id;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.user_region_remove(text, text) IS
    'Takes a storage location out of the regions of a person. False if it was not there. Errors: QY007 user unknown, QY053 location unknown.';

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
    PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(namespace_delete_linked.namespace_id));
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
            HINT = 'Pass how many rows one call may work on, such as 2000.';
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

-- Live rows are looked for in two steps, without an end and with one to come: either finds its place in an index, where one condition for
-- both would read the whole history of the name.

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay.tag AS t
        WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock_live(repository_id bigint, name text, now_ms bigint) RETURNS SETOF quay.tag
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms IS NULL AND NOT t.hidden
        FOR NO KEY UPDATE;
    RETURN QUERY
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = tag_lock_live.repository_id AND t.name = tag_lock_live.name AND t.lifetime_end_ms > now_ms AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC
        FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock_live(bigint, text, bigint) IS
    'The live visible rows of that name, locked: the one that tag_find() answers, and more only in a database of the reference or within the millisecond of a move. The Quay application changes some columns without tag_lock(), which the caller holds; hence the locks on rows.';

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

CREATE OR REPLACE FUNCTION quay_internal.tag_end_many(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A notice of a coming expiry was about the old end.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (tag_ids);
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end_many.end_ms),
        ended = coalesce(tag_end_many.end_ms <= quay_internal.clock_ms(), false)
    WHERE t.id = ANY (tag_ids);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_many(bigint[], bigint) IS
    'Ends rows of different names at end_ms, each up to a few ms before if another row of its name ends there. NULL: they have no end any more.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM quay_internal.tag_end_many(ARRAY[tag_id], end_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS
    'Ends a row at end_ms, or up to a few ms before if another row of the name ends there. NULL: it has no end any more.';

-- ended: known to be over, which keeps the row out of the indexes of those that may be alive. Nothing is wrong if a row that is over is not
-- marked; one that is alive must not be.

CREATE OR REPLACE FUNCTION quay_internal.tag_set_ended() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.ended := NOT NEW.ended;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_set_ended() IS
    'Trigger: the mark of a row that is over follows its end, for those who do not write it themselves.';

CREATE OR REPLACE TRIGGER tag_set_ended BEFORE UPDATE OF lifetime_end_ms ON quay.tag
    FOR EACH ROW WHEN (NOT NEW.hidden AND NEW.ended <> coalesce(NEW.lifetime_end_ms <= quay_internal.clock_ms(), false))
    EXECUTE FUNCTION quay_internal.tag_set_ended();

CREATE OR REPLACE FUNCTION quay_internal.tag_mark_ended(repository_id bigint, now_ms bigint, n integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    marked integer;
BEGIN
    -- A snapshot may be older than what somebody else has marked: not worth a serialization failure.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN 0;
    END IF;
    UPDATE quay.tag AS t SET ended = true
    FROM (SELECT e.id FROM quay.tag AS e
          WHERE e.repository_id = tag_mark_ended.repository_id AND e.lifetime_end_ms <= now_ms AND NOT e.ended AND NOT e.hidden
          ORDER BY e.lifetime_end_ms
          LIMIT n FOR NO KEY UPDATE SKIP LOCKED) AS over
    WHERE t.id = over.id;
    GET DIAGNOSTICS marked = ROW_COUNT;
    RETURN marked;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_mark_ended(bigint, bigint, integer) IS
    'Marks at most n tags of a repository that have reached their end, the oldest first, and returns how many. Each tag that is given an end marks two, so that no more of them pile up than are alive.';

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

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden
                 AND NOT quay_internal.tag_is_cosign(t.name))
       OR EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.manifest_id = tag_end_cosign.manifest_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden
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

-- Setting a tag: the move itself is in api/241_tag_move.sql.

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text, lock boolean DEFAULT false)
    RETURNS quay.manifest
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    IF by_digest THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
    ELSE
        SELECT * INTO result FROM quay.manifest AS m
        WHERE m.id = (quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms())).manifest_id;
    END IF;
    IF lock AND FOUND THEN
        -- It may be collected this very moment: then it is gone. Else it stays until we commit.
        PERFORM FROM quay.manifest AS m WHERE m.id = result.id FOR KEY SHARE;
    END IF;
    IF NOT FOUND AND by_digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY035',
            MESSAGE = 'manifest does not exist',
            DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
            HINT = 'Push it with quay.manifest_put().';
    ELSIF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text, boolean) IS
    'Manifest that a digest, alive or not, or a live tag names; its row locked FOR KEY SHARE if asked, so that it cannot be collected. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay_internal.tag_expiration_ms(expiration timestamptz) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    ELSIF NOT isfinite(expiration) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be finite',
            DETAIL = format('It is %s.', expiration),
            HINT = 'Pass NULL for a tag that does not end.';
    END IF;
    RETURN (extract(epoch FROM expiration) * 1000)::bigint;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expiration_ms(timestamptz) IS
    'An end that somebody chose for a tag, in ms since 1970; NULL stays NULL. Errors: 22023 not in the future, or infinite.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_refuse_other_tag(manifest quay.manifest, tag text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own_tag text;
BEGIN
    IF manifest.manifest_bytes = ''
       OR (SELECT y.name NOT LIKE 'application/vnd.docker.distribution.manifest.v1+%' FROM quay.mediatype AS y WHERE y.id = manifest.media_type_id)
    THEN
        RETURN;
    END IF;
    own_tag := quay_internal.json_read(manifest.manifest_bytes) ->> 'tag';
    IF own_tag IS DISTINCT FROM manifest_refuse_other_tag.tag THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest is made for another tag',
            DETAIL = format('The Docker schema 1 manifest "%s" says that its tag is "%s".', manifest.digest, left(own_tag, 80)),
            HINT = 'Push the image again under the new tag, in a newer format if possible.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_refuse_other_tag(quay.manifest, text) IS
    'Refuses (QY030) to point a tag to a Docker schema 1 manifest that names another one: it is signed as it is.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    end_ms bigint;
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    end_ms := quay_internal.tag_expiration_ms(tag_set.expiration);
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference, lock => true);
    PERFORM quay_internal.manifest_refuse_other_tag(manifest, tag_set.tag);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id, end_ms, tag_set.reversion);
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
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration not in the future, QY002, QY003, QY004, QY005, QY007, QY020, QY022, QY030 a Docker schema 1 manifest that names another tag, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('image_pull_stats')::boolean THEN
        DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    END IF;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    IF quay_internal.setting('reset_child_manifest_expiration')::boolean THEN
        PERFORM quay_internal.tag_end_temporary(
            ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics (with quay.image_pull_stats), signatures of a manifest that loses its last tag, temporary tags of an index''s children (with quay.reset_child_manifest_expiration). Call it with tag_lock() held, and the row of the tag locked after that.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                           expected_digest text DEFAULT NULL) RETURNS boolean
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
    FOR removed IN SELECT * FROM quay_internal.tag_lock_live(target.id, tag_delete.tag, now_ms) LOOP
        IF NOT found_any AND expected_digest <> coalesce((SELECT m.digest FROM quay.manifest AS m WHERE m.id = removed.manifest_id), '') THEN
            RETURN false;
        END IF;
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
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name, or if it does not point to expected_digest (NULL: wherever it points), which keeps a tag that was pushed again since somebody looked at it. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY007, QY041, 40001.';

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
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY007, QY041 if one tag is immutable (then none ends), 40001.';

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
          AND t.lifetime_end_ms > now_ms - quay_internal.tag_window_ms(target)
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
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. The label quay.expires-after of the manifest counts anew. tag_restorable_list() shows what can be restored. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';

-- @part step api/276_quota_notification.sql
-- Notices of quotas. A limit that is reached is told outside of the registry by the notifications of the namespace for quota_warning or
-- quota_error: once, and again after quay.quota_notification_cooldown if it still stands, or at once if usage has fallen below it in the
-- meantime. Within the registry who administers the namespace is told, and not again while a notice before it stands undismissed.

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_path(namespace_id bigint, kind text DEFAULT NULL) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '/quota/' || namespace_id::text || coalesce('/' || kind, '');
COMMENT ON FUNCTION quay_internal.quota_notice_path(bigint, text) IS
    'Path by which notices of the quota of a namespace are found and removed, all or those of a kind.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_kind(severity text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE severity WHEN 'Warning' THEN 'quota_warning' ELSE 'quota_error' END;
COMMENT ON FUNCTION quay_internal.quota_notice_kind(text) IS 'Kind of notice, and event, for a limit of this type: quota_warning or quota_error.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_since() RETURNS timestamp
    LANGUAGE sql VOLATILE
    RETURN quay_internal.utc_now() - make_interval(secs => quay_internal.setting('quota_notification_cooldown')::bigint);
COMMENT ON FUNCTION quay_internal.quota_notice_since() IS 'A notice from before this time can be given again.';

-- The claim of a threshold

CREATE OR REPLACE FUNCTION quay_internal.quota_channel_exists(namespace_id bigint, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.namespacenotification AS n JOIN quay.externalnotificationevent AS e ON e.id = n.event_id
                   WHERE n.namespace_id = quota_channel_exists.namespace_id AND e.name = quota_channel_exists.kind
                     AND n.number_of_failures < 3);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_channel_exists(bigint, text) IS
    'Does the namespace have a notification for this event that is not disabled?';

CREATE OR REPLACE FUNCTION quay_internal.quota_claim(owner_id bigint, percent integer, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay.quotanotificationstate AS s (namespace_id, threshold_percent, last_notified_at, cleared)
    VALUES (quota_claim.owner_id, quota_claim.percent, quay_internal.utc_now(), false)
    ON CONFLICT (namespace_id, threshold_percent) DO UPDATE SET last_notified_at = EXCLUDED.last_notified_at, cleared = false
        WHERE s.cleared AND NOT rejected OR s.last_notified_at IS NULL OR s.last_notified_at <= quay_internal.quota_notice_since();
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_claim(bigint, integer, boolean) IS
    'Claims the external notice of a threshold: true for one caller, and then for nobody until the cooldown is over or usage has fallen below. rejected: a push was refused, so usage never reached the limit and always is below it; then only the cooldown counts.';

CREATE OR REPLACE FUNCTION quay_internal.quota_release(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.quotanotificationstate AS s
    WHERE s.namespace_id = quota_release.namespace_id AND s.threshold_percent = quota_release.percent;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_release(bigint, integer) IS 'Gives a claim back: as if nothing had ever been told about the threshold.';

CREATE OR REPLACE FUNCTION quay_internal.quota_clear(namespace_id bigint, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.quotanotificationstate AS s SET cleared = true
    WHERE s.namespace_id = quota_clear.namespace_id AND s.threshold_percent = quota_clear.percent AND NOT s.cleared;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_clear(bigint, integer) IS 'Usage is below the threshold: who reaches it next is told at once.';

-- Telling

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_due(namespace_id bigint, kind text, percent integer) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
BEGIN
    RETURN NOT EXISTS (SELECT FROM quay.notification AS n
                       WHERE n.lookup_path = quay_internal.quota_notice_path(quota_notice_due.namespace_id, kind)
                         AND (NOT n.dismissed OR n.created > since))
        OR quay_internal.quota_channel_exists(quota_notice_due.namespace_id, kind)
           AND NOT EXISTS (SELECT FROM quay.quotanotificationstate AS s
                           WHERE s.namespace_id = quota_notice_due.namespace_id AND s.threshold_percent = quota_notice_due.percent
                             AND NOT s.cleared AND s.last_notified_at > since);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_due(bigint, text, integer) IS
    'May there be anything to tell about a threshold that is reached? Cheap, without locks: most pushes above it stop here.';

CREATE OR REPLACE FUNCTION quay_internal.quota_notice_add(namespace_id bigint, namespace text, kind text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamp := quay_internal.quota_notice_since();
    metadata jsonb := jsonb_build_object('namespace', quota_notice_add.namespace);
    admin_id bigint;
    added integer := 0;
BEGIN
    FOR admin_id IN
        SELECT a.user_id FROM quay.organization_admin_list_many(ARRAY[quota_notice_add.namespace]) AS a WHERE a.enabled
        UNION
        SELECT u.id FROM quay."user" AS u WHERE u.id = quota_notice_add.namespace_id AND NOT u.organization
        ORDER BY 1
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id
            WHERE n.target_id = admin_id AND k.name = quota_notice_add.kind AND (NOT n.dismissed OR n.created > since)
              AND quay_internal.json_read(n.metadata_json) @> metadata);
        PERFORM quay_internal.notification_add(kind, admin_id, metadata, quay_internal.quota_notice_path(quota_notice_add.namespace_id, kind));
        added := added + 1;
    END LOOP;
    RETURN added;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_notice_add(bigint, text, text) IS
    'Tells the person, or the enabled administrators of the organization, within the registry, and returns how many were told. Not who has such a notice that is not dismissed, or got one within the cooldown. The caller sees to it that only one does this for a namespace at a time.';

CREATE OR REPLACE FUNCTION quay_internal.quota_tell(namespace_id bigint, namespace text, severity text, percent integer, usage_bytes bigint,
                                                    limit_bytes bigint, rejected boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind text := quay_internal.quota_notice_kind(severity);
    told boolean := false;
BEGIN
    -- Who makes a notification later is to hear of what stands then: no claim without one.
    IF quay_internal.quota_channel_exists(quota_tell.namespace_id, kind)
       AND quay_internal.quota_claim(quota_tell.namespace_id, quota_tell.percent, rejected)
    THEN
        told := quay_internal.event_notify_namespace(quota_tell.namespace_id, quota_tell.namespace, kind, jsonb_build_object(
            'threshold_percent', quota_tell.percent, 'usage_bytes', usage_bytes, 'limit_bytes', limit_bytes,
            'usage_percent', quay_internal.size_percent(usage_bytes, limit_bytes),
            'usage_bytes_formatted', quay_internal.size_text(usage_bytes),
            'limit_bytes_formatted', quay_internal.size_text(limit_bytes))) > 0;
        IF NOT told THEN
            PERFORM quay_internal.quota_release(quota_tell.namespace_id, quota_tell.percent);
        END IF;
    END IF;
    RETURN quay_internal.quota_notice_add(quota_tell.namespace_id, quota_tell.namespace, kind) > 0 OR told;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_tell(bigint, text, text, integer, bigint, bigint, boolean) IS
    'Tells that a namespace has reached a limit, as far as that has not been told yet, within the registry and outside. limit_bytes: the whole quota. True: somebody is told. The caller has locked the quota.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warn(namespace_id bigint, namespace text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    quota record;
    size bigint;
    state record;
BEGIN
    -- Most namespaces have no quota, and most of those that have are far from its lowest limit.
    SELECT q.id, q.limit_bytes, min(div(q.limit_bytes::numeric * l.percent_of_limit, 100)) AS lowest INTO quota
    FROM quay.userorganizationquota AS q JOIN quay.quotalimits AS l ON l.quota_id = q.id
    WHERE q.namespace_id = quota_warn.namespace_id
    GROUP BY q.id;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    size := quay_internal.size_of(quota_warn.namespace_id);
    IF size < quota.lowest THEN
        RETURN;
    END IF;
    SELECT * INTO state FROM quay_internal.quota_state(quota_warn.namespace_id, size);
    IF state.severity IS NULL
       OR NOT quay_internal.quota_notice_due(quota_warn.namespace_id, quay_internal.quota_notice_kind(state.severity), state.percent)
    THEN
        RETURN;
    END IF;
    BEGIN
        -- Whoever has it locked is telling, or changes the quota and tells then. A push does not wait for that.
        PERFORM FROM quay.userorganizationquota AS q WHERE q.id = quota.id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
            PERFORM quay_internal.quota_tell(quota_warn.namespace_id, quota_warn.namespace, state.severity, state.percent, size, quota.limit_bytes);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not give notice of the quota of namespace "%": %', quota_warn.namespace, SQLERRM;
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warn(bigint, text) IS
    'For a push that has added to a namespace: tells the limit that it has reached, if any. Never waits and never fails, it warns at worst; what it leaves out quay.quota_notify_sweep() makes good. One index probe if the namespace has no quota.';

CREATE OR REPLACE FUNCTION quay.quota_rejected(namespace text, repository text DEFAULT NULL, additional_bytes bigint DEFAULT 0,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(quota_rejected.actor);
    owner quay."user" := quay_internal.namespace_lock(namespace);
    size bigint;
    lowest record;
BEGIN
    IF NOT quay_internal.setting('quota_management')::boolean THEN
        RETURN false;
    END IF;
    -- One at a time for a namespace. Without a quota of its own there is no other row to wait at.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = owner.id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM FROM quay."user" AS u WHERE u.id = owner.id FOR NO KEY UPDATE;
    END IF;
    size := quay_internal.size_of(owner.id) + greatest(coalesce(quota_rejected.additional_bytes, 0), 0);
    SELECT * INTO lowest FROM quay_internal.quota_threshold_list(owner.id, size) AS l
    WHERE l.severity = 'Reject' ORDER BY l.allowed_bytes, l.percent LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF quota_rejected.repository IS NOT NULL THEN
        PERFORM quay_internal.log_add('push_repo_failed', owner.id, performer_id,
            quay_internal.repository_find(owner.username, quota_rejected.repository),
            jsonb_build_object('namespace', owner.username, 'repo', quota_rejected.repository, 'message', 'quota exceeded',
                               'limit_bytes', lowest.allowed_bytes), quota_rejected.ip);
    END IF;
    RETURN quay_internal.quota_tell(owner.id, owner.username, lowest.severity, lowest.percent, size, lowest.limit_bytes, rejected => true);
END
$$;
COMMENT ON FUNCTION quay.quota_rejected(text, text, bigint, text, text) IS
    'Tells that a push or an upload was refused for its quota. What fails with QY056 leaves nothing behind, no notice either: a front end calls this afterwards, in a transaction of its own. quota_error goes to who administers the namespace, and to its external notifications, at most once in quay.quota_notification_cooldown. repository: writes an audit row of kind push_repo_failed as well. additional_bytes: what the refused push would have added, for the figures of the notice. True: somebody is told; false: it was told already, or nothing rejects in this namespace any more. Errors: QY002 namespace unknown, QY004 disabled, QY007 actor unknown.';

-- Looking again

CREATE OR REPLACE FUNCTION quay_internal.quota_action_list(namespace_id bigint)
    RETURNS TABLE (tell boolean, severity text, percent integer, usage_bytes bigint, limit_bytes bigint)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := quay_internal.size_of(quota_action_list.namespace_id);
BEGIN
    RETURN QUERY
        SELECT l.reached, l.severity, l.percent, size, l.limit_bytes
        FROM quay_internal.quota_threshold_list(quota_action_list.namespace_id, size) AS l
        WHERE l.limit_id IS NOT NULL
          AND CASE WHEN l.reached
                   THEN quay_internal.quota_notice_due(quota_action_list.namespace_id, quay_internal.quota_notice_kind(l.severity), l.percent)
                   ELSE EXISTS (SELECT FROM quay.quotanotificationstate AS s
                                WHERE s.namespace_id = quota_action_list.namespace_id AND s.threshold_percent = l.percent AND NOT s.cleared)
              END;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_action_list(bigint) IS
    'Limits of a namespace about which there is something to do: tell that they are reached, or clear what was told.';

CREATE OR REPLACE FUNCTION quay_internal.quota_warning_is_settled(namespace_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.notification AS n
                   WHERE n.lookup_path = quay_internal.quota_notice_path(quota_warning_is_settled.namespace_id, 'quota_warning'))
       AND NOT EXISTS (SELECT FROM quay_internal.quota_threshold_list(quota_warning_is_settled.namespace_id,
                                                                      quay_internal.size_of(quota_warning_is_settled.namespace_id)) AS l
                       WHERE l.severity = 'Warning' AND l.reached);
END
$$;
COMMENT ON FUNCTION quay_internal.quota_warning_is_settled(bigint) IS
    'Are there warnings within the registry about a namespace that reaches no limit that warns any more?';

CREATE OR REPLACE FUNCTION quay_internal.quota_review(namespace_id bigint, namespace text, OUT told integer, OUT cleared integer)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    action record;
BEGIN
    told := 0;
    cleared := 0;
    IF NOT quay_internal.setting('quota_management')::boolean
       OR NOT EXISTS (SELECT FROM quay_internal.quota_action_list(quota_review.namespace_id))
          AND NOT quay_internal.quota_warning_is_settled(quota_review.namespace_id)
    THEN
        RETURN;
    END IF;
    -- With the lock, what a push has told, and the size that it has left, are both seen or both not.
    PERFORM FROM quay.userorganizationquota AS q WHERE q.namespace_id = quota_review.namespace_id FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    FOR action IN SELECT * FROM quay_internal.quota_action_list(quota_review.namespace_id) LOOP
        IF NOT action.tell THEN
            cleared := cleared + quay_internal.quota_clear(quota_review.namespace_id, action.percent)::integer;
        ELSIF quay_internal.quota_tell(quota_review.namespace_id, quota_review.namespace, action.severity, action.percent,
                                       action.usage_bytes, action.limit_bytes) THEN
            told := told + 1;
        END IF;
    END LOOP;
    IF quay_internal.quota_warning_is_settled(quota_review.namespace_id) THEN
        PERFORM quay_internal.notification_delete_path(quay_internal.quota_notice_path(quota_review.namespace_id, 'quota_warning'));
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.quota_review(bigint, text) IS
    'Tells each limit of a namespace that its size reaches, unless that was told, and clears those that it does not reach any more; warnings within the registry go with the last. Returns how many of each. Nothing if somebody else is at it, or quay.quota_management is off.';

CREATE OR REPLACE FUNCTION quay.quota_notify_sweep(after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (next_after bigint, namespaces integer, told integer, cleared integer)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    quota record;
    review record;
BEGIN
    namespaces := 0;
    told := 0;
    cleared := 0;
    FOR quota IN
        SELECT q.id, q.namespace_id, u.username::text AS namespace, u.enabled
        FROM quay.userorganizationquota AS q JOIN quay."user" AS u ON u.id = q.namespace_id
        WHERE q.id > coalesce(quota_notify_sweep.after, 0)
        ORDER BY q.id
        LIMIT batch
    LOOP
        IF quota.enabled THEN
            SELECT * INTO review FROM quay_internal.quota_review(quota.namespace_id, quota.namespace);
            told := told + review.told;
            cleared := cleared + review.cleared;
        END IF;
        namespaces := namespaces + 1;
        next_after := quota.id;
    END LOOP;
    IF namespaces < batch THEN
        next_after := NULL;
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.quota_notify_sweep(bigint, integer) IS
    'Looks at namespaces with a quota of their own, at most n, those with a quota_id above after, and makes good what pushes did not tell: limits that are reached, and not told since quay.quota_notification_cooldown. Limits that are not reached any more are cleared, so that the next time is told at once, and warnings within the registry are removed then. Disabled namespaces are left alone. Returns how many namespaces it saw, limits it told and limits it cleared; call it again with next_after, in a new transaction, until that is NULL, and the whole about every five minutes. Errors: 22023 n not positive.';

-- @part step api/284_proxy_cache.sql
-- Proxy caches: organizations whose content comes from another registry at the first pull. The front end fetches; here is what is cached,
-- for how long, and what makes room for it. 285_proxy_content.sql has the latter.
--
-- What is known of but not fetched yet is a placeholder: a manifest without bytes, a blob without a placement.

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_require(namespace text) RETURNS quay.proxycacheconfig
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(namespace);
    config quay.proxycacheconfig;
BEGIN
    -- All columns in their order, but NULL for the credentials: who only looks at the cache has no right to them.
    SELECT c.id, c.organization_id, c.creation_date, c.upstream_registry, NULL, NULL, c.expiration_s, c.insecure
    INTO config FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY084',
            MESSAGE = 'organization is not a proxy cache',
            DETAIL = format('Organization "%s" has no upstream registry.', org.username),
            HINT = 'Make it one with quay.proxy_cache_create().';
    END IF;
    RETURN config;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_require(text) IS
    'Configuration of the proxy cache of an organization, without its credentials. Errors: QY002 unknown or a person, QY004 disabled, QY084 it is none.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_cache_check(upstream_registry text, username text, password text, expiration_s integer) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE
        WHEN coalesce(proxy_cache_check.upstream_registry, '') = '' THEN 'No upstream registry is given.'
        WHEN length(proxy_cache_check.upstream_registry) > 2048 THEN 'The upstream registry has more than 2048 characters.'
        WHEN proxy_cache_check.upstream_registry !~ '^[^/[:space:]]+(/[^/[:space:]]+)*$'
            THEN format('"%s" is not a host and a namespace.', left(proxy_cache_check.upstream_registry, 80))
        WHEN (username IS NULL) <> (password IS NULL) THEN 'Only one of user name and password is given.'
        WHEN expiration_s < 0 THEN format('An expiration of %s s is in the past.', expiration_s)
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY083',
            MESSAGE = 'invalid configuration of a proxy cache',
            DETAIL = problem,
            HINT = 'Give the registry as host or host/namespace without a scheme, both or none of user name and password, and seconds from 0 on.';
    END IF;
    PERFORM quay_internal.upstream_host_check(proxy_cache_check.upstream_registry);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_cache_check(text, text, text, integer) IS
    'Refuses (QY083) what is no configuration of a proxy cache, or names a host from which none may take content.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_create(organization text, upstream_registry text, username text DEFAULT NULL, password text DEFAULT NULL,
                                                   expiration_s integer DEFAULT 86400, insecure boolean DEFAULT false,
                                                   actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_create.actor);
    org quay."user";
    new_id bigint;
BEGIN
    username := nullif(proxy_cache_create.username, '');
    password := nullif(proxy_cache_create.password, '');
    PERFORM quay_internal.proxy_cache_check(proxy_cache_create.upstream_registry, username, password, expiration_s);
    -- FOR UPDATE, as whoever makes a mirror of the organization, or a policy in it: of two that exclude each other the second sees the first.
    PERFORM FROM quay."user" AS u WHERE u.username = proxy_cache_create.organization FOR UPDATE;
    org := quay_internal.organization_get(organization);
    IF EXISTS (SELECT FROM quay.orgmirrorconfig AS c WHERE c.organization_id = org.id)
       OR quay_internal.namespace_has_immutability(org.id)
       OR quay_internal.setting('immutable_tags')::boolean AND quay_internal.namespace_has_immutable_tags(org.id) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY081',
            MESSAGE = 'organization cannot be a proxy cache',
            DETAIL = format('Organization "%s" is a mirror, or has immutable tags or policies that make tags immutable.', org.username),
            HINT = 'Remove the mirror configuration, the policies and the immutable tags first, or use another organization.';
    END IF;

    INSERT INTO quay.proxycacheconfig (organization_id, creation_date, upstream_registry, upstream_registry_username,
                                       upstream_registry_password, expiration_s, insecure)
    VALUES (org.id, quay_internal.utc_now(), proxy_cache_create.upstream_registry, quay_internal.field_encrypt(username, 4096),
            quay_internal.field_encrypt(password, 4096), coalesce(proxy_cache_create.expiration_s, 86400),
            coalesce(proxy_cache_create.insecure, false))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF new_id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'organization is a proxy cache already',
            DETAIL = format('Organization "%s" has an upstream registry.', org.username),
            HINT = 'Change it with quay.proxy_cache_update().';
    END IF;
    PERFORM quay_internal.log_add('create_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username, 'upstream_registry', proxy_cache_create.upstream_registry), proxy_cache_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_create(text, text, text, text, integer, boolean, text, text) IS
    'Makes an organization a proxy cache of another registry and returns the id of its configuration. upstream_registry: host, perhaps with a port, and perhaps a namespace, as in docker.io/library; hosts in the network of the registry itself are refused unless quay.allowed_upstream_host has them. username and password: of an account there, both or none; they are kept encrypted. expiration_s: for how many seconds a tag stays cached after the last look at the upstream registry, 0 for ever. insecure: without TLS, or whatever its certificate. Errors: QY002 organization unknown or a person, QY004 disabled, QY006 it is one already, QY007 actor unknown, QY061 credential too long, QY081 it is a mirror or has immutable tags or policies, QY083 invalid configuration or host not allowed, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_update(organization text, upstream_registry text DEFAULT NULL, username text DEFAULT NULL,
                                                   password text DEFAULT NULL, expiration_s integer DEFAULT NULL, insecure boolean DEFAULT NULL,
                                                   clear_credentials boolean DEFAULT false, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_update.actor);
    config quay.proxycacheconfig;
BEGIN
    PERFORM quay_internal.organization_lock(organization);
    config := quay_internal.proxy_cache_require(organization);
    username := nullif(proxy_cache_update.username, '');
    password := nullif(proxy_cache_update.password, '');
    PERFORM quay_internal.proxy_cache_check(coalesce(proxy_cache_update.upstream_registry, config.upstream_registry), username, password,
                                            proxy_cache_update.expiration_s);
    -- The credentials of one registry are not for another one to see.
    clear_credentials := clear_credentials OR username IS NOT NULL
        OR split_part(proxy_cache_update.upstream_registry, '/', 1) <> split_part(config.upstream_registry, '/', 1)
        OR proxy_cache_update.insecure AND NOT config.insecure;
    UPDATE quay.proxycacheconfig AS c
    SET upstream_registry = coalesce(proxy_cache_update.upstream_registry, c.upstream_registry),
        upstream_registry_username = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(username, 4096)
                                          ELSE c.upstream_registry_username END,
        upstream_registry_password = CASE WHEN clear_credentials THEN quay_internal.field_encrypt(password, 4096)
                                          ELSE c.upstream_registry_password END,
        expiration_s = coalesce(proxy_cache_update.expiration_s, c.expiration_s),
        insecure = coalesce(proxy_cache_update.insecure, c.insecure)
    WHERE c.id = config.id;
    PERFORM quay_internal.log_add('create_proxy_cache_config', config.organization_id, performer_id, NULL,
        jsonb_build_object('namespace', organization, 'updated', true,
            'upstream_registry', coalesce(proxy_cache_update.upstream_registry, config.upstream_registry)), proxy_cache_update.ip);
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_update(text, text, text, text, integer, boolean, boolean, text, text) IS
    'Changes the configuration of a proxy cache; what is NULL stays. The credentials are forgotten if clear_credentials says so, and unless new ones are given also with another host, or if TLS is given up: they would be shown to whoever answers there. What is cached stays, and is compared with the upstream registry at the next pull. Logged like its creation, with "updated". Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown, QY061 credential too long, QY083 invalid configuration or host not allowed, QY084 not a proxy cache, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_delete(organization text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(proxy_cache_delete.actor);
    org quay."user" := quay_internal.organization_lock(organization);
BEGIN
    DELETE FROM quay.proxycacheconfig AS c WHERE c.organization_id = org.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.queue_delete(quay_internal.queue_path('proxycacheblob', org.username));
    PERFORM quay_internal.log_add('delete_proxy_cache_config', org.id, performer_id, NULL,
        jsonb_build_object('namespace', org.username), proxy_cache_delete.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_delete(text, text, text) IS
    'Makes a proxy cache an ordinary organization; false if it was none. Downloads that wait in the queue are dropped. What is cached stays until its tags end; what had not been fetched yet cannot be pulled any more. Errors: QY002 organization unknown or a person, QY004 disabled, QY007 actor unknown.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_get(organization text)
    RETURNS TABLE (config_id bigint, upstream_registry text, upstream_host text, upstream_namespace text, expiration_s integer,
                   insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.id, c.upstream_registry::text, split_part(c.upstream_registry, '/', 1),
               nullif(substring(c.upstream_registry FROM strpos(c.upstream_registry || '/', '/') + 1), ''),
               coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_get.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_get(text) IS
    'The configuration of a proxy cache; no row if the organization is none, or is unknown or disabled. upstream_namespace: what to put before the name of a repository at upstream_host, NULL for nothing. expiration_s in seconds, 0: tags never expire. creation_date in UTC. For the credentials see proxy_cache_credentials().';

CREATE OR REPLACE FUNCTION quay.proxy_cache_credentials(organization text)
    RETURNS TABLE (upstream_registry text, username text, password text, insecure boolean)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT c.upstream_registry::text, quay_internal.field_decrypt(c.upstream_registry_username),
               quay_internal.field_decrypt(c.upstream_registry_password), c.insecure
        FROM quay."user" AS u JOIN quay.proxycacheconfig AS c ON c.organization_id = u.id
        WHERE u.username = proxy_cache_credentials.organization AND u.organization AND u.enabled;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_credentials(text) IS
    'What a front end needs to log in at the upstream registry of a proxy cache, in clear: show it to nobody. username and password NULL: anonymous. No row if the organization is no proxy cache, or is unknown or disabled. Errors: QY060 encrypted with another key, 55000 no key is set.';

CREATE OR REPLACE FUNCTION quay.proxy_cache_list(after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (organization text, upstream_registry text, expiration_s integer, insecure boolean, creation_date timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT u.username::text, c.upstream_registry::text, coalesce(c.expiration_s, 0), c.insecure, c.creation_date
        FROM quay.proxycacheconfig AS c JOIN quay."user" AS u ON u.id = c.organization_id
        WHERE u.username > coalesce(proxy_cache_list.after, '')
        ORDER BY u.username
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.proxy_cache_list(text, integer) IS
    'Organizations that are proxy caches, disabled ones too, in byte order of their names, at most n, those after the name after. Columns as of proxy_cache_get(). Errors: 22023 n negative.';

-- What is cached

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_find(repository_id bigint, reference text, OUT manifest_id bigint, OUT tag quay.tag)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF strpos(reference, ':') > 0 THEN
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = proxy_manifest_find.repository_id AND m.digest = proxy_manifest_find.reference;
        SELECT * INTO tag FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_find.manifest_id
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    ELSE
        SELECT * INTO tag FROM quay.tag AS t
        WHERE t.repository_id = proxy_manifest_find.repository_id AND t.name = proxy_manifest_find.reference AND NOT t.hidden
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
        manifest_id := tag.manifest_id;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_find(bigint, text) IS
    'What a proxy cache knows under a tag or a digest, however old: the manifest, and the row that ends last of that tag, or of all tags of that manifest. NULL: nothing.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_state(namespace text, repository text, reference text)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, placeholder boolean, expired boolean, immutable boolean,
                   servable boolean, lifetime_end_ms bigint)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    cached record := quay_internal.proxy_manifest_find(target_id, reference);
    now_ms bigint := quay_internal.clock_ms();
    by_digest boolean := strpos(reference, ':') > 0;
BEGIN
    RETURN QUERY
        SELECT m.id, m.digest::text, y.name::text, m.manifest_bytes = '', a.dead, (cached.tag).immutable IS TRUE AND NOT by_digest,
               m.manifest_bytes <> '' AND NOT a.dead, (cached.tag).lifetime_end_ms
        FROM quay.manifest AS m
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        CROSS JOIN LATERAL (SELECT NOT CASE WHEN by_digest THEN quay_internal.manifest_is_alive(m.id, now_ms)
                                            ELSE coalesce((cached.tag).lifetime_end_ms > now_ms, true) END) AS a (dead)
        WHERE m.id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_state(text, text, text) IS
    'What a proxy cache has under a tag or a digest; no row: nothing, fetch it and call proxy_manifest_put(). Otherwise ask the upstream registry for its digest, and if it is this one and no placeholder, call proxy_tag_renew(); else fetch and proxy_manifest_put(). placeholder: the manifest is known, its bytes are not here. expired: its time is over. servable: neither, so that it may be served unasked if the upstream registry does not answer (not if it refuses, or does not know it any more). immutable: an immutable tag, to be served without asking. lifetime_end_ms: when the tag ends, in ms since 1970, NULL for never; of a digest, the last of its tags.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_extend(tag_ids bigint[], end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint[] := ARRAY(
        SELECT t.id FROM quay.tag AS t
        WHERE t.id = ANY (tag_ids)
          -- A second more or less is not worth a write: a popular tag is renewed thousands of times.
          AND (abs(t.lifetime_end_ms - end_ms) >= 1000 OR (t.lifetime_end_ms IS NULL) <> (end_ms IS NULL))
          AND NOT (t.immutable AND quay_internal.setting('immutable_tags')::boolean));
BEGIN
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = ANY (changed);
    UPDATE quay.tag AS t SET lifetime_end_ms = end_ms WHERE t.id = ANY (changed);
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_extend(bigint[], bigint) IS
    'Lets live tags end at end_ms, NULL for never; immutable ones stay as they are. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_end_ms(config quay.proxycacheconfig) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN quay_internal.clock_ms() + nullif((config).expiration_s, 0) * 1000::bigint;
COMMENT ON FUNCTION quay_internal.proxy_end_ms(quay.proxycacheconfig) IS
    'When a tag ends that a proxy cache has compared with the upstream registry now, in ms since 1970; NULL for never.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_tag_point(repository quay.repository, name text, manifest_id bigint,
                                                         config quay.proxycacheconfig) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current_tag quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    current_tag := quay_internal.tag_find(repository.id, name, quay_internal.clock_ms());
    -- Another pull of the same tag may have been faster.
    IF current_tag.manifest_id = proxy_tag_point.manifest_id THEN
        PERFORM quay_internal.proxy_tag_extend(ARRAY[current_tag.id], quay_internal.proxy_end_ms(config));
        SELECT * INTO current_tag FROM quay.tag AS t WHERE t.id = current_tag.id;
        RETURN current_tag;
    ELSIF current_tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RETURN current_tag;
    END IF;
    RETURN quay_internal.tag_retarget(repository, name, proxy_tag_point.manifest_id, quay_internal.proxy_end_ms(config));
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_tag_point(quay.repository, text, bigint, quay.proxycacheconfig) IS
    'Points a tag of a proxy cache to a manifest, from now on for as long as the cache keeps tags, and answers its row; an immutable tag stays where it is. Errors: 40001.';

CREATE OR REPLACE FUNCTION quay_internal.proxy_manifest_keep(repository quay.repository, manifest_id bigint, config quay.proxycacheconfig)
    RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    latest quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    now_ms := quay_internal.clock_ms();
    PERFORM quay_internal.proxy_tag_extend(
        ARRAY(SELECT t.id FROM quay.tag AS t
              WHERE t.manifest_id IN (SELECT c.manifest_id FROM quay.manifestchild AS c WHERE c.child_manifest_id = proxy_manifest_keep.manifest_id)
                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
              UNION ALL
              (SELECT t.id FROM quay.tag AS t
               WHERE t.manifest_id = proxy_manifest_keep.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
               ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1)),
        quay_internal.proxy_end_ms(config));
    IF NOT EXISTS (SELECT FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)) THEN
        PERFORM quay_internal.manifest_keep(repository.id, ARRAY[manifest_id], nullif(config.expiration_s, 0));
    END IF;
    SELECT * INTO latest FROM quay.tag AS t WHERE t.manifest_id = proxy_manifest_keep.manifest_id
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC LIMIT 1;
    RETURN latest;
END
$$;
COMMENT ON FUNCTION quay_internal.proxy_manifest_keep(quay.repository, bigint, quay.proxycacheconfig) IS
    'Keeps a manifest that was pulled by digest for as long as the cache keeps tags, and the indexes that list it: extends the live tag of it that ends last, and the live tags of the indexes, or gives it a temporary tag. Answers the tag that ends last.';

CREATE OR REPLACE FUNCTION quay.proxy_tag_renew(namespace text, repository text, reference text, digest text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    config quay.proxycacheconfig := quay_internal.proxy_cache_require(namespace);
    target quay.repository;
    cached record;
BEGIN
    IF quay_internal.repository_find(namespace, repository) IS NULL THEN
        RETURN false;
    END IF;
    target := quay_internal.repository_get(namespace, repository, lock => true);
    cached := quay_internal.proxy_manifest_find(target.id, reference);
    -- The lock keeps the manifest from being collected or evicted until we commit.
    PERFORM FROM quay.manifest AS m
    WHERE m.id = cached.manifest_id AND m.manifest_bytes <> '' AND m.digest = coalesce(proxy_tag_renew.digest, m.digest)
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.proxy_manifest_keep(target, cached.manifest_id, config);
        RETURN true;
    END IF;
    RETURN (quay_internal.proxy_tag_point(target, reference, cached.manifest_id, config)).manifest_id = cached.manifest_id;
END
$$;
COMMENT ON FUNCTION quay.proxy_tag_renew(text, text, text, text) IS
    'Says that the upstream registry still has a cached tag or digest, and keeps it for the time that the cache is configured for, from now on: true. digest: what the tag points to there; false, and nothing happens, if that is not what is cached, or only a placeholder is: fetch it and call proxy_manifest_put(). An expired tag begins a new period. By digest the live tags of indexes that list the manifest are renewed too. An immutable tag stays as it is. Errors: QY002 organization unknown or a person, QY004 disabled, QY084 not a proxy cache, 40001.';

-- @part step api/287_scan_report.sql
-- What follows from scans: their state for people and for metrics, notices, and reports that the scanner may forget.

CREATE OR REPLACE FUNCTION quay.scan_get_many(namespace text, repository text, digests text[])
    RETURNS TABLE (digest text, status text, index_status text, has_report boolean, indexer_hash text, last_indexed timestamp,
                   error jsonb, retries integer)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
BEGIN
    RETURN QUERY
        SELECT m.digest::text,
               CASE WHEN s.index_status IN (-1, -4) THEN 'failed_to_index' WHEN s.index_status = -2 THEN 'unsupported'
                    WHEN s.index_status = -3 THEN 'layer_too_large' WHEN s.index_status = 2 THEN 'completed' ELSE 'not_yet_indexed' END,
               quay_internal.scan_status_name(s.index_status),
               coalesce(s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned', false),
               s.indexer_hash::text, CASE WHEN s.index_status <> 0 THEN s.last_indexed END, nullif(quay_internal.json_read(s.error_json), '{}'),
               CASE WHEN s.id IS NOT NULL THEN quay_internal.scan_retries(x.metadata, x.metadata ->> 'last_failed_hash') END
        FROM quay.manifest AS m
        LEFT JOIN quay.manifestsecuritystatus AS s ON s.manifest_id = m.id
        LEFT JOIN LATERAL (SELECT quay_internal.scan_metadata(s.metadata_json) AS metadata) AS x ON true
        WHERE m.repository_id = target_id AND m.digest = ANY (digests);
END
$$;
COMMENT ON FUNCTION quay.scan_get_many(text, text, text[]) IS
    'Where the security scans of manifests stand; no row for one that the repository has not. status, for people: not_yet_indexed, completed, failed_to_index, unsupported or layer_too_large. index_status, for operators: pending, in_progress, completed, failed, retries_exhausted, unsupported or layer_too_large; NULL: the scanner does not know of it yet. has_report: the scanner has a report, if only an older one while it scans anew. indexer_hash: the state of the scanner then. last_indexed in UTC, NULL before the first scan. error: what the scanner said, NULL for nothing. retries: failures in the last state that it failed in. The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.scan_get(namespace text, repository text, INOUT digest text, OUT status text, OUT index_status text,
                                         OUT has_report boolean, OUT indexer_hash text, OUT last_indexed timestamp, OUT error jsonb, OUT retries integer) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.scan_get_many(scan_get.namespace, scan_get.repository, ARRAY[scan_get.digest]);
END
$$;
COMMENT ON FUNCTION quay.scan_get(text, text, text) IS 'Where the security scan of a manifest stands: see scan_get_many().';

CREATE OR REPLACE FUNCTION quay.scan_reset(namespace text, repository text, digest text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    found_id bigint;
BEGIN
    SELECT m.id INTO found_id FROM quay.manifest AS m
    WHERE m.repository_id = target_id AND m.digest = scan_reset.digest AND m.manifest_bytes <> '' FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO quay.manifestsecuritystatus AS s (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                                  indexer_version, metadata_json)
    VALUES (found_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT (manifest_id) DO UPDATE
        SET index_status = 0, error_json = '{}', last_indexed = EXCLUDED.last_indexed, indexer_hash = '',
            metadata_json = CASE WHEN s.index_status = 2 OR quay_internal.scan_metadata(s.metadata_json) ? 'scanned'
                                 THEN '{"scanned": true}' ELSE '{}' END;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.scan_reset(text, text, text) IS
    'Has a manifest scanned anew, whatever came of the last scan, and forgets its failures; the result of a worker that is at it now is dropped. False: the repository has no such manifest, or only a placeholder. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.scan_counts() RETURNS TABLE (index_status text, manifests bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT quay_internal.scan_status_name(k.index_status),
               (SELECT count(*) FROM quay.manifestsecuritystatus AS s WHERE s.index_status = k.index_status)
        FROM generate_series(-4, 2) AS k (index_status)
        ORDER BY k.index_status;
END
$$;
COMMENT ON FUNCTION quay.scan_counts() IS
    'How many manifests are in each state of the scan, for metrics: seven rows. Reads an index with an entry for each manifest.';

CREATE OR REPLACE FUNCTION quay.scan_backlog(indexer_hash text)
    RETURNS TABLE (pending bigint, in_progress bigint, stale bigint, retry bigint, outdated bigint, oldest_pending timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_utc timestamp := quay_internal.utc_now();
    retry_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_reindex_interval')::integer);
    stale_before timestamp := now_utc - make_interval(secs => quay_internal.setting('scan_timeout')::integer);
BEGIN
    SELECT count(*) FILTER (WHERE s.index_status = 0), count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed >= stale_before),
           count(*) FILTER (WHERE s.index_status = 1 AND s.last_indexed < stale_before),
           count(*) FILTER (WHERE s.index_status = -1 AND s.last_indexed < retry_before),
           min(s.last_indexed) FILTER (WHERE s.index_status = 0)
    INTO pending, in_progress, stale, retry, oldest_pending
    FROM quay.manifestsecuritystatus AS s WHERE s.index_status IN (-1, 0, 1);
    outdated := (SELECT count(*) FROM quay.manifestsecuritystatus AS s
                 WHERE s.index_status = 2 AND s.indexer_hash = ANY (quay_internal.scan_other_hashes(2, scan_backlog.indexer_hash))
                   AND s.last_indexed < retry_before);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.scan_backlog(text) IS
    'How much waits for the scanner, one row: pending manifests; in_progress, those that a worker has, and stale, those that one has had for too long; retry, failed ones that are due again; outdated, those scanned with the scanner in another state than indexer_hash, and due. oldest_pending: since when the oldest waits, in UTC. Reads what waits, not what is done.';

-- Notices

CREATE OR REPLACE FUNCTION quay.scan_notify_find(digest text, after bigint DEFAULT 0, n integer DEFAULT 100)
    RETURNS TABLE (manifest_id bigint, repository_id bigint, namespace text, repository text, severities text[], tags text[])
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    found_event_id bigint := (SELECT e.id FROM quay.externalnotificationevent AS e WHERE e.name = 'vulnerability_found');
BEGIN
    RETURN QUERY
        SELECT m.id, r.id, u.username::text, r.name::text,
               ARRAY(SELECT DISTINCT s.severity
                     FROM quay.repositorynotification AS t
                     CROSS JOIN LATERAL (SELECT quay_internal.json_read(t.event_config_json) #>> '{vulnerability,priority}') AS s (severity)
                     WHERE t.repository_id = r.id AND t.event_id = found_event_id AND t.number_of_failures < 3 AND s.severity <> ''
                     ORDER BY 1),
               ARRAY(SELECT DISTINCT t.name::text FROM quay.tag AS t
                     WHERE t.manifest_id = m.id AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                     ORDER BY 1 LIMIT 100)
        FROM quay.manifest AS m
        JOIN quay.repository AS r ON r.id = m.repository_id AND r.state <> 3
        JOIN quay."user" AS u ON u.id = r.namespace_user_id AND u.enabled
        WHERE m.digest = scan_notify_find.digest AND m.id > coalesce(scan_notify_find.after, 0)
          AND EXISTS (SELECT FROM quay.repositorynotification AS t
                      WHERE t.repository_id = r.id AND t.event_id = found_event_id AND t.number_of_failures < 3)
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.scan_notify_find(text, bigint, integer) IS
    'Manifests with a digest, in all repositories that have a notification about vulnerabilities which is not disabled, each once, by manifest_id, at most n, those after the id after: whom to tell what the scanner has found. severities: from which on somebody there wants to know; empty: nobody said. tags: at most 100 live ones that point to it. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.scan_notify(namespace text, repository text, data jsonb) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository);
BEGIN
    RETURN quay_internal.event_notify(target, namespace, 'vulnerability_found', coalesce(scan_notify.data, '{}'));
END
$$;
COMMENT ON FUNCTION quay.scan_notify(text, text, jsonb) IS
    'Queues the event vulnerability_found for each notification of the repository that waits for it, and returns how many there were. data: tags, and vulnerability with id, description, link, priority and has_fix; and vulnerable_index_report_created, "true", if it is about a first scan. Errors: QY002, QY003, QY004.';

-- Reports that nobody needs any more. The trigger leaves a hint for each manifest that had one; whether another manifest has the digest is
-- only looked at later, since whoever deletes manifests deletes many.

CREATE OR REPLACE FUNCTION quay_internal.scan_removed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO quay_internal.scan_orphan (digest, due_ms)
    -- A worker that is at it now (1) may still make a report.
    SELECT m.digest, quay_internal.clock_ms()
                     + CASE WHEN r.index_status = 1 THEN quay_internal.setting('scan_timeout')::bigint * 1000 ELSE 0 END
    FROM removed AS r JOIN quay.manifest AS m ON m.id = r.manifest_id
    WHERE r.index_status IN (1, 2) OR r.metadata_json LIKE '%"scanned"%';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.scan_removed() IS
    'Trigger: the scanner may have a report about a manifest that goes. Rows of scans go before those of their manifests.';

CREATE OR REPLACE TRIGGER scan_removed AFTER DELETE ON quay.manifestsecuritystatus
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.scan_removed();

CREATE OR REPLACE FUNCTION quay.scan_orphan_take(n integer DEFAULT 100, lease_seconds integer DEFAULT 300) RETURNS TABLE (digest text, lease text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    token uuid := gen_random_uuid();
    now_ms bigint;
    taken bigint[];
BEGIN
    IF lease_seconds IS NULL OR lease_seconds < 1 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'lease must be positive',
            DETAIL = format('It is %s s.', coalesce(lease_seconds::text, 'NULL')),
            HINT = 'Pass for how many seconds the digests are yours.';
    END IF;
    LOOP
        now_ms := quay_internal.clock_ms();
        taken := ARRAY(SELECT o.id FROM quay_internal.scan_orphan AS o WHERE o.due_ms <= now_ms
                       ORDER BY o.due_ms, o.id LIMIT batch FOR UPDATE SKIP LOCKED);
        EXIT WHEN taken = '{}';
        -- Another manifest has the digest, or another hint of this batch.
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.id = ANY (taken)
          AND (EXISTS (SELECT FROM quay.manifest AS m WHERE m.digest = o.digest)
               OR EXISTS (SELECT FROM quay_internal.scan_orphan AS p WHERE p.id = ANY (taken) AND p.digest = o.digest AND p.id < o.id));
        RETURN QUERY
            UPDATE quay_internal.scan_orphan AS o SET due_ms = now_ms + lease_seconds * 1000::bigint, lease = token
            WHERE o.id = ANY (taken)
            RETURNING o.digest::text, token::text;
        EXIT WHEN FOUND;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_take(integer, integer) IS
    'Hands out at most n digests of which no manifest is left in any repository, so that the scanner can drop its reports about them: delete them there, then call scan_orphan_confirm() with the lease. What is not confirmed within lease_seconds is handed out again. No row: there are none. Two callers get different ones. Errors: 22023 n or lease not positive.';

CREATE OR REPLACE FUNCTION quay.scan_orphan_confirm(lease text, digests text[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    confirmed text[];
BEGIN
    WITH gone AS (
        DELETE FROM quay_internal.scan_orphan AS o
        WHERE o.digest = ANY (digests) AND o.lease::text = scan_orphan_confirm.lease
        RETURNING o.digest::text
    )
    SELECT coalesce(array_agg(g.digest), '{}') INTO confirmed FROM gone AS g;
    -- Pushed and scanned again meanwhile: the report has just been dropped.
    UPDATE quay.manifestsecuritystatus AS s
    SET index_status = 0, indexer_hash = '', last_indexed = quay_internal.utc_now(), metadata_json = '{}'
    FROM quay.manifest AS m
    WHERE m.digest = ANY (digests) AND s.manifest_id = m.id AND (s.index_status IN (1, 2) OR s.metadata_json LIKE '%"scanned"%');
    RETURN cardinality(confirmed);
END
$$;
COMMENT ON FUNCTION quay.scan_orphan_confirm(text, text[]) IS
    'Says that the scanner has dropped its reports about digests that scan_orphan_take() handed out under this lease, and returns how many of them it was right about: others, whose lease is over, are handed out again. A manifest that was pushed with such a digest meanwhile, and scanned, is scanned anew.';

-- @part step api/290_pull_statistics.sql
-- How often, and when last, tags and manifests were pulled. Pulls are read-only; who answers them counts them and brings the counts here,
-- one by one or in batches. A pull by tag counts for the tag and for the manifest, one by digest for the manifest only.

CREATE OR REPLACE FUNCTION quay_internal.time_read(value text) RETURNS timestamp
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?$' THEN
        RETURN NULL;
    END IF;
    -- Without a zone it is UTC, whatever the session says.
    RETURN (value || CASE WHEN value ~ '(Z|[+-]\d\d(:?\d\d)?)$' THEN '' ELSE 'Z' END)::timestamptz AT TIME ZONE 'UTC';
EXCEPTION
    WHEN data_exception THEN
        RETURN NULL;
END
$$;
COMMENT ON FUNCTION quay_internal.time_read(text) IS
    'A moment in the form of ISO 8601, such as 2026-03-01T12:00:00Z, as a naive UTC timestamp; NULL if it is none. Without a zone it is UTC.';

CREATE OR REPLACE FUNCTION quay_internal.pull_problem(event jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id text := event ->> 'repository_id';
    tag jsonb := nullif(event -> 'tag_name', 'null');
    digest jsonb := nullif(event -> 'manifest_digest', 'null');
    pulls jsonb := nullif(event -> 'pull_count', 'null');
    pulled_at jsonb := nullif(event -> 'last_pull_timestamp', 'null');
BEGIN
    RETURN CASE
        WHEN jsonb_typeof(event) IS DISTINCT FROM 'object' THEN 'is no object'
        WHEN jsonb_typeof(event -> 'repository_id') IS DISTINCT FROM 'number' OR id !~ '^\d{1,18}$' THEN
            format('has repository_id %s, which is no id', coalesce(left((event -> 'repository_id')::text, 80), 'NULL'))
        WHEN tag IS NULL AND digest IS NULL THEN 'has neither tag_name nor manifest_digest'
        WHEN jsonb_typeof(tag) <> 'string' OR length(tag #>> '{}') NOT BETWEEN 1 AND 255 THEN
            format('has tag_name %s, which is no name of 1 to 255 characters', left(tag::text, 80))
        WHEN jsonb_typeof(digest) <> 'string' OR length(digest #>> '{}') > 255
             OR digest IS NOT NULL AND quay_internal.content_path(digest #>> '{}') IS NULL THEN
            format('has manifest_digest %s, which is no digest', left(digest::text, 80))
        WHEN jsonb_typeof(pulls) <> 'number' OR pulls #>> '{}' !~ '^[1-9]\d{0,9}$' THEN
            format('has pull_count %s, which is no positive number of up to ten digits', left(pulls::text, 80))
        WHEN jsonb_typeof(pulled_at) <> 'string' OR pulled_at IS NOT NULL AND quay_internal.time_read(pulled_at #>> '{}') IS NULL THEN
            format('has last_pull_timestamp %s, which is no time', left(pulled_at::text, 80))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_problem(jsonb) IS 'Why an item of pull_record_many() cannot be counted, as the rest of a sentence; NULL if it can.';

CREATE OR REPLACE FUNCTION quay_internal.pull_add(repository_ids bigint[], tags text[], digests text[], pulls bigint[], times timestamp[],
                                                  OUT tag_rows bigint, OUT manifest_rows bigint, OUT unknown_ids bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint[];
    present timestamp;
BEGIN
    -- Locked, so that no purge deletes a repository between this and its statistics, and in one order, like all rows below: two batches
    -- wait for each other and not in a circle.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    unknown_ids := ARRAY(SELECT DISTINCT i.id FROM unnest(repository_ids) AS i (id) WHERE i.id NOT IN (SELECT unnest(known)) ORDER BY i.id);
    present := quay_internal.utc_now();

    -- The times are of the clocks of others: what is ahead of ours counts as now, or nothing later could follow it.
    INSERT INTO quay.tagpullstatistics AS s (repository_id, tag_name, tag_pull_count, last_tag_pull_date, current_manifest_digest)
    SELECT p.repository_id, p.tag, sum(p.pulls)::bigint, least(max(p.pulled_at), present),
           (array_agg(p.digest ORDER BY p.pulled_at DESC, p.number DESC) FILTER (WHERE p.digest IS NOT NULL))[1]
    FROM unnest(repository_ids, tags, digests, pulls, times) WITH ORDINALITY AS p (repository_id, tag, digest, pulls, pulled_at, number)
    WHERE p.tag IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.tag
    ORDER BY p.repository_id, p.tag COLLATE "C"
    ON CONFLICT (repository_id, tag_name) DO UPDATE
        SET tag_pull_count = s.tag_pull_count + EXCLUDED.tag_pull_count,
            last_tag_pull_date = greatest(s.last_tag_pull_date, EXCLUDED.last_tag_pull_date),
            -- An event that comes late says nothing about where the tag points now.
            current_manifest_digest = CASE WHEN EXCLUDED.last_tag_pull_date >= s.last_tag_pull_date
                                           THEN coalesce(EXCLUDED.current_manifest_digest, s.current_manifest_digest)
                                           ELSE coalesce(s.current_manifest_digest, EXCLUDED.current_manifest_digest) END;
    GET DIAGNOSTICS tag_rows = ROW_COUNT;

    INSERT INTO quay.manifestpullstatistics AS s (repository_id, manifest_digest, manifest_pull_count, last_manifest_pull_date)
    SELECT p.repository_id, p.digest, sum(p.pulls)::bigint, least(max(p.pulled_at), present)
    FROM unnest(repository_ids, digests, pulls, times) AS p (repository_id, digest, pulls, pulled_at)
    WHERE p.digest IS NOT NULL AND p.repository_id IN (SELECT unnest(known))
    GROUP BY p.repository_id, p.digest
    ORDER BY p.repository_id, p.digest COLLATE "C"
    ON CONFLICT (repository_id, manifest_digest) DO UPDATE
        SET manifest_pull_count = s.manifest_pull_count + EXCLUDED.manifest_pull_count,
            last_manifest_pull_date = greatest(s.last_manifest_pull_date, EXCLUDED.last_manifest_pull_date);
    GET DIAGNOSTICS manifest_rows = ROW_COUNT;
END
$$;
COMMENT ON FUNCTION quay_internal.pull_add(bigint[], text[], text[], bigint[], timestamp[]) IS
    'Adds pulls to the statistics of tags and manifests; the arrays belong together, place by place. Answers how many rows of each were written, and the repositories that do not exist or are being deleted, whose pulls are left out.';

CREATE OR REPLACE FUNCTION quay.pull_record_many(events jsonb) RETURNS TABLE (tags bigint, manifests bigint, unknown_repositories bigint[])
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wrong record;
BEGIN
    IF jsonb_typeof(events) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'pulls must be an array',
            DETAIL = format('They are %s.', coalesce('of type ' || jsonb_typeof(events), 'NULL')),
            HINT = 'Pass a JSON array of objects.';
    END IF;
    SELECT e.number, p.problem INTO wrong
    FROM jsonb_array_elements(events) WITH ORDINALITY AS e (event, number)
    CROSS JOIN LATERAL (SELECT quay_internal.pull_problem(e.event) AS problem OFFSET 0) AS p
    WHERE p.problem IS NOT NULL
    ORDER BY e.number LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed pull',
            DETAIL = format('Item %s %s.', wrong.number, wrong.problem),
            HINT = 'No item was counted: correct or drop this one and send all again.';
    END IF;
    RETURN QUERY
        SELECT a.tag_rows, a.manifest_rows, a.unknown_ids
        FROM (SELECT array_agg((e.event ->> 'repository_id')::bigint) AS repository_ids,
                     array_agg(e.event ->> 'tag_name') AS tag_names,
                     array_agg(e.event ->> 'manifest_digest') AS digests,
                     array_agg(coalesce((e.event ->> 'pull_count')::bigint, 1)) AS pulls,
                     array_agg(coalesce(quay_internal.time_read(e.event ->> 'last_pull_timestamp'), quay_internal.utc_now())) AS times
              FROM jsonb_array_elements(events) AS e (event)) AS p
        CROSS JOIN LATERAL quay_internal.pull_add(p.repository_ids, p.tag_names, p.digests, p.pulls, p.times) AS a;
END
$$;
COMMENT ON FUNCTION quay.pull_record_many(jsonb) IS
'Counts many pulls at once: an array of objects {"repository_id", "tag_name", "manifest_digest", "pull_count", "last_pull_timestamp"}. repository_id is what pull() answers. An item with a tag_name counts for the tag, and with a manifest_digest for the manifest; one of the two is needed. pull_count: 1 unless given. last_pull_timestamp: the last of them, in the form of ISO 8601, UTC unless it says otherwise; now unless given, and what lies in the future counts as now.

The same tag or manifest may come again, in one call or in two calls at once: the counts add up, the last time is the latest, and the digest of a tag is that of its latest pull.
Answers how many rows of each kind were written, and the repositories that do not exist or are being deleted: their items are left out. An empty array writes nothing. Whether to count pulls at all is for the caller to decide; quay.image_pull_stats says only whether a deleted tag loses its counts.
Errors: 22023 not an array, or an item is malformed (nothing is counted then).';

CREATE OR REPLACE FUNCTION quay.pull_record(namespace text, repository text, digest text DEFAULT NULL, tag text DEFAULT NULL,
                                            pulls bigint DEFAULT 1, pulled_at timestamptz DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(pull_record.namespace, pull_record.repository);
BEGIN
    IF num_nonnulls(pull_record.digest, pull_record.tag) = 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a pull is of a tag or of a manifest',
            DETAIL = 'Neither digest nor tag was given.',
            HINT = 'Pass the digest that pull() answered, and the tag if that was asked for.';
    END IF;
    IF pull_record.pulls IS NULL OR pull_record.pulls < 1 OR pull_record.pulls > 9999999999 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of pulls must be positive',
            DETAIL = format('It is %s.', coalesce(pull_record.pulls::text, 'NULL')),
            HINT = 'Pass how often it was pulled, at most 9999999999 times.';
    END IF;
    IF NOT isfinite(pull_record.pulled_at) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'time of a pull must be finite',
            DETAIL = format('It is %s.', pull_record.pulled_at),
            HINT = 'Pass when it was pulled, NULL for now.';
    END IF;
    IF pull_record.digest IS NOT NULL THEN
        PERFORM quay_internal.digest_check(pull_record.digest);
    END IF;
    IF pull_record.tag IS NOT NULL THEN
        PERFORM quay_internal.name_check('tag', pull_record.tag);
    END IF;
    IF target_id IS NULL THEN
        RETURN false;
    END IF;
    RETURN (SELECT a.tag_rows + a.manifest_rows > 0
            FROM quay_internal.pull_add(ARRAY[target_id], ARRAY[pull_record.tag], ARRAY[pull_record.digest], ARRAY[pull_record.pulls],
                ARRAY[coalesce(pull_record.pulled_at, quay_internal.clock()) AT TIME ZONE 'UTC']) AS a);
END
$$;
COMMENT ON FUNCTION quay.pull_record(text, text, text, text, bigint, timestamptz) IS
    'Counts a pull, or as many as pulls says, the last of them at pulled_at (NULL: now). digest: of the manifest that was sent; tag: if it was asked for by tag. False if the repository is unknown or being deleted. A busy registry collects pulls and counts them with pull_record_many(). Errors: 22023 neither digest nor tag, number not positive, time infinite; QY020, QY022 digest; QY040 tag.';

-- Reading

CREATE OR REPLACE FUNCTION quay.pull_statistics_get_many(namespace text, repository text, tags text[])
    RETURNS TABLE (tag text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text,
               m.manifest_pull_count, m.last_manifest_pull_date
        FROM quay.tagpullstatistics AS s
        LEFT JOIN quay.manifestpullstatistics AS m ON m.repository_id = target_id AND m.manifest_digest = s.current_manifest_digest
        WHERE s.repository_id = target_id AND s.tag_name = ANY (pull_statistics_get_many.tags)
        ORDER BY s.tag_name;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get_many(text, text, text[]) IS
    'How often these tags were pulled and when last (UTC), the digest that the last pull got, and the same for this manifest, by whatever tag or digest. No row for a tag that was never pulled since it was made. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_get(namespace text, repository text, reference text DEFAULT NULL)
    RETURNS TABLE (kind text, pull_count bigint, last_pulled timestamp, digest text, manifest_pull_count bigint, manifest_last_pulled timestamp)
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    IF reference IS NULL THEN
        RETURN QUERY
            SELECT 'repository', coalesce(sum(s.manifest_pull_count), 0)::bigint, max(s.last_manifest_pull_date), NULL::text, NULL::bigint,
                   NULL::timestamp
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id;
    ELSIF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        RETURN QUERY
            SELECT 'manifest', s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text, s.manifest_pull_count,
                   s.last_manifest_pull_date
            FROM quay.manifestpullstatistics AS s WHERE s.repository_id = target_id AND s.manifest_digest = reference;
    ELSE
        RETURN QUERY
            SELECT 'tag', s.pull_count, s.last_pulled, s.digest, s.manifest_pull_count, s.manifest_last_pulled
            FROM quay.pull_statistics_get_many(pull_statistics_get.namespace, pull_statistics_get.repository, ARRAY[reference]) AS s;
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_get(text, text, text) IS
    'Pulls of a tag, of a manifest (reference is its digest), or of the whole repository (reference NULL): how often, and when last (UTC). The sum of a repository is over its manifests, so each pull counts once. For a tag also what pull_statistics_get_many() answers about its manifest. No row for a tag or a manifest that was never pulled; always one row for a repository. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_list(namespace text, repository text, kind text DEFAULT 'tag', after text DEFAULT NULL,
                                                     n integer DEFAULT 100)
    RETURNS TABLE (name text, pull_count bigint, last_pulled timestamp, digest text, cursor text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    start record := quay_internal.page_cursor(pull_statistics_list.after);
BEGIN
    IF pull_statistics_list.kind = 'tag' THEN
        RETURN QUERY
            SELECT s.tag_name::text, s.tag_pull_count, s.last_tag_pull_date, s.current_manifest_digest::text, s.tag_pull_count || '.' || s.id
            FROM quay.tagpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.tag_pull_count < start.at OR s.tag_pull_count = start.at AND s.id > start.id)
            ORDER BY s.tag_pull_count DESC, s.id LIMIT page_size;
    ELSIF pull_statistics_list.kind = 'manifest' THEN
        RETURN QUERY
            SELECT s.manifest_digest::text, s.manifest_pull_count, s.last_manifest_pull_date, s.manifest_digest::text,
                   s.manifest_pull_count || '.' || s.id
            FROM quay.manifestpullstatistics AS s
            WHERE s.repository_id = target_id
              AND (s.manifest_pull_count < start.at OR s.manifest_pull_count = start.at AND s.id > start.id)
            ORDER BY s.manifest_pull_count DESC, s.id LIMIT page_size;
    ELSE
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown kind of pull statistics',
            DETAIL = format('There is no kind "%s".', left(pull_statistics_list.kind, 80)),
            HINT = 'Kinds are tag and manifest.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_list(text, text, text, text, integer) IS
    'Tags (kind tag) or manifests (kind manifest) of a repository that were pulled most often, the first n of them; for the next page pass cursor of the last row as after. name: the tag, or the digest. last_pulled in UTC. It reads all statistics of the repository: a page of a million tags takes about a second. Errors: 22023 n negative, malformed cursor, unknown kind; QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.readable_many(actor text, repository_ids bigint[], scopes text, unrestricted boolean) RETURNS bigint[]
    LANGUAGE sql STABLE
    RETURN CASE WHEN unrestricted THEN repository_ids ELSE quay.access_filter_many(actor, repository_ids, 'read', scopes) END;
COMMENT ON FUNCTION quay_internal.readable_many(text, bigint[], text, boolean) IS
    'Those of these repositories that the actor may read, in the order given; all of them if unrestricted is true.';

CREATE OR REPLACE FUNCTION quay.pull_statistics_repository_list(actor text, namespace text, n integer DEFAULT 100, scopes text DEFAULT NULL,
                                                                unrestricted boolean DEFAULT false)
    RETURNS TABLE (repository text, pull_count bigint, last_pulled timestamp)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    owner_id bigint := (quay_internal.namespace_get(namespace)).id;
    page_size integer := quay_internal.page_size(n);
    ids bigint[] := quay_internal.readable_many(actor, ARRAY(SELECT r.id FROM quay.repository AS r
        WHERE r.namespace_user_id = owner_id AND r.state <> 3), scopes, unrestricted);
BEGIN
    RETURN QUERY
        SELECT r.name::text, coalesce(s.pulls, 0), s.last_pulled
        FROM unnest(ids) AS i (id)
        JOIN quay.repository AS r ON r.id = i.id
        CROSS JOIN LATERAL (SELECT sum(m.manifest_pull_count)::bigint AS pulls, max(m.last_manifest_pull_date) AS last_pulled
                            FROM quay.manifestpullstatistics AS m WHERE m.repository_id = i.id) AS s
        ORDER BY 2 DESC, r.name LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.pull_statistics_repository_list(text, text, integer, text, boolean) IS
    'Repositories of a namespace that the actor may read (NULL: anonymous), those that were pulled most often first, at most n; last_pulled in UTC, NULL: never. unrestricted: all of them, for a caller who has checked. It reads the statistics of all of them. Errors: 22023 n negative, QY002, QY004.';

-- @part step api/292_action_count.sql
-- Actions per repository and day, counted from the audit log, and the search score that follows from them
-- (quay.repository_search_score_update()).

CREATE OR REPLACE FUNCTION quay_internal.action_count_day(day date) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    yesterday date := quay_internal.utc_now()::date - 1;
BEGIN
    IF action_count_day.day > yesterday OR NOT isfinite(action_count_day.day) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'actions are counted of days that are over',
            DETAIL = format('%s is not over, in UTC.', action_count_day.day),
            HINT = 'Pass a day before today, or NULL for yesterday.';
    END IF;
    RETURN coalesce(action_count_day.day, yesterday);
END
$$;
COMMENT ON FUNCTION quay_internal.action_count_day(date) IS 'The day, or yesterday (UTC) for NULL. Errors: 22023 it is not over.';

CREATE OR REPLACE FUNCTION quay_internal.repository_action_count(repository_id bigint, day date) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    start timestamp := repository_action_count.day;
    stop timestamp := repository_action_count.day + 1;
BEGIN
    RETURN (SELECT count(*) FROM quay.logentry3 AS l
            WHERE l.repository_id = repository_action_count.repository_id AND l.datetime >= start AND l.datetime < stop)
         + (SELECT count(*) FROM quay.logentry2 AS l
            WHERE l.repository_id = repository_action_count.repository_id AND l.datetime >= start AND l.datetime < stop)
         + (SELECT count(*) FROM quay.logentry AS l
            WHERE l.repository_id = repository_action_count.repository_id AND l.datetime >= start AND l.datetime < stop);
END
$$;
COMMENT ON FUNCTION quay_internal.repository_action_count(bigint, date) IS
    'Entries of the audit log, in all its generations, about a repository on that UTC day.';

CREATE OR REPLACE FUNCTION quay.action_count_store_many(repository_ids bigint[], counts bigint[], day date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_store_many.day);
    known bigint[];
    stored bigint;
BEGIN
    IF cardinality(repository_ids) IS DISTINCT FROM cardinality(counts) OR EXISTS (
        SELECT FROM unnest(counts) AS c (count) WHERE c.count IS NULL OR c.count NOT BETWEEN 0 AND 2147483647) THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'each repository needs a count',
            DETAIL = format('%s repositories, %s counts, the lowest %s, the highest %s.', coalesce(cardinality(repository_ids), 0),
                coalesce(cardinality(counts), 0), coalesce((SELECT min(c) FROM unnest(counts) AS c)::text, 'NULL'),
                coalesce((SELECT max(c) FROM unnest(counts) AS c)::text, 'NULL')),
            HINT = 'Pass two arrays of the same length; counts are from 0 to 2147483647.';
    END IF;
    -- Locked, so that no purge deletes a repository in between.
    known := ARRAY(SELECT r.id FROM quay.repository AS r WHERE r.id = ANY (repository_ids) AND r.state <> 3 ORDER BY r.id FOR KEY SHARE);
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    SELECT c.repository_id, least(sum(c.count), 2147483647)::integer, counted_day
    FROM unnest(repository_ids, counts) AS c (repository_id, count)
    WHERE c.repository_id IN (SELECT unnest(known))
    GROUP BY c.repository_id
    ORDER BY c.repository_id
    ON CONFLICT (repository_id, date) DO NOTHING;
    GET DIAGNOSTICS stored = ROW_COUNT;
    RETURN stored;
END
$$;
COMMENT ON FUNCTION quay.action_count_store_many(bigint[], bigint[], date) IS
    'Keeps how many actions these repositories had on a UTC day that is over (NULL: yesterday), and answers of how many that was new: a count that is there stays, and repositories that do not exist or are being deleted are left out. For those who keep the audit log elsewhere; action_count_update() counts the one in the database. Errors: 22023 lengths differ, a count is negative or NULL, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_missing_list(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (repository_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    wanted_day date := quay_internal.action_count_day(action_count_missing_list.day);
BEGIN
    RETURN QUERY
        SELECT r.id FROM quay.repository AS r
        WHERE r.id > coalesce(action_count_missing_list.after, 0) AND r.state <> 3
          AND NOT EXISTS (SELECT FROM quay.repositoryactioncount AS c WHERE c.repository_id = r.id AND c.date = wanted_day)
        ORDER BY r.id LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.action_count_missing_list(date, bigint, integer) IS
    'Ids of repositories whose actions of a UTC day (NULL: yesterday) are not counted yet, in their order, at most n, those after the id after. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_update(day date DEFAULT NULL, after bigint DEFAULT 0, n integer DEFAULT 1000)
    RETURNS TABLE (examined bigint, stored bigint, last_id bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    counted_day date := quay_internal.action_count_day(action_count_update.day);
    ids bigint[] := ARRAY(SELECT m.repository_id
                          FROM quay.action_count_missing_list(counted_day, action_count_update.after, action_count_update.n) AS m);
BEGIN
    examined := cardinality(ids);
    stored := quay.action_count_store_many(ids,
        ARRAY(SELECT quay_internal.repository_action_count(i.id, counted_day) FROM unnest(ids) WITH ORDINALITY AS i (id, place) ORDER BY i.place),
        counted_day);
    last_id := ids[examined];
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.action_count_update(date, bigint, integer) IS
    'Counts, from the audit log, the actions of a UTC day (NULL: yesterday) of the next n repositories of which they are not counted yet, in the order of their ids, those with an id greater than after. Returns how many were counted, for how many of them a row was added (another session may have been faster), and the last id: pass it as after in the next call, until it is NULL. To be done once a day, before quay.repository_search_score_update(); safe to repeat, to stop, and to do twice at once. Errors: 22023 n negative, the day is not over.';

CREATE OR REPLACE FUNCTION quay.action_count_list(namespace text, repository text, first_day date, last_day date DEFAULT NULL)
    RETURNS TABLE (day date, count bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT c.date, c.count::bigint FROM quay.repositoryactioncount AS c
        WHERE c.repository_id = target_id AND c.date >= first_day AND c.date <= coalesce(last_day, 'infinity')
        ORDER BY c.date;
END
$$;
COMMENT ON FUNCTION quay.action_count_list(text, text, date, date) IS
    'Actions in a repository on each UTC day from first_day to last_day (NULL: no end), as they were counted; no row for a day that was not. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.action_count_delete_expired(n integer DEFAULT 10000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    batch integer := quay_internal.batch_size(n);
    first_day date := quay_internal.utc_now()::date - 365;
    deleted bigint;
BEGIN
    DELETE FROM quay.repositoryactioncount AS c
    WHERE c.id = ANY (ARRAY(SELECT o.id FROM quay.repositoryactioncount AS o
                            WHERE o.date < first_day
                            ORDER BY o.date LIMIT batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.action_count_delete_expired(integer) IS
    'Deletes counts of actions that are older than 365 days, at most n, the oldest first, and returns how many: call again until it is 0. Two calls at once share the work. Errors: 22023 n not positive.';

-- @part step api/408_registry_check_all.sql
-- The rest of the rules of 406_registry_check.sql, about sizes, accounts, statistics and enumerations; and all of them at once.

CREATE OR REPLACE FUNCTION quay_internal.registry_check_size(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off
    -- Without statistics, as after an update, the planner takes hash tables that do not fit.
    SET enable_hashagg = off AS $$
BEGIN
    IF 'blob_use' = ANY (rules) THEN
        -- A use whose end waits for a review is still counted.
        RETURN QUERY
            SELECT 'blob_use', quay_internal.repository_path(coalesce(m.repository_id, u.repository_id)),
                   format(CASE WHEN u.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No manifest uses blob %s, which is counted.' END,
                          coalesce(m.blob_id, u.blob_id))
            FROM (SELECT DISTINCT r.namespace_user_id AS namespace_id, m.blob_id, m.repository_id
                  FROM quay.manifestblob AS m JOIN quay.repository AS r ON r.id = m.repository_id
                  WHERE (scope_id IS NULL OR r.namespace_user_id = scope_id)) AS m
            FULL JOIN (SELECT u.namespace_id, u.blob_id, u.repository_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS u
                ON u.namespace_id = m.namespace_id AND u.blob_id = m.blob_id AND u.repository_id = m.repository_id
            WHERE u.blob_id IS NULL
               OR m.blob_id IS NULL AND NOT EXISTS (SELECT FROM quay_internal.gc_review AS v
                                                    WHERE v.kind = 'u' AND v.object_id = u.blob_id AND v.repository_id = u.repository_id)
            LIMIT n;
        RETURN QUERY
            SELECT 'blob_use', 'namespace ' || coalesce(o.username, coalesce(a.namespace_id, s.namespace_id)::text),
                   format(CASE WHEN a.blob_id IS NULL THEN 'The use of blob %s is not counted.'
                               ELSE 'No repository uses blob %s, which is counted.' END,
                          coalesce(a.blob_id, s.blob_id))
            FROM (SELECT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                  WHERE u.repository_id = 0
                    AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS a
            FULL JOIN (SELECT DISTINCT u.namespace_id, u.blob_id FROM quay_internal.blob_use AS u
                       WHERE u.repository_id <> 0
                         AND (scope_id IS NULL OR u.namespace_id = scope_id)) AS s
                ON s.namespace_id = a.namespace_id AND s.blob_id = a.blob_id
            LEFT JOIN quay."user" AS o ON o.id = coalesce(a.namespace_id, s.namespace_id)
            WHERE a.blob_id IS NULL OR s.blob_id IS NULL
            LIMIT n;
    END IF;
    IF 'blob_use_size' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'blob_use_size', CASE u.repository_id WHEN 0 THEN 'namespace ' || coalesce(o.username, u.namespace_id::text)
                                                         ELSE quay_internal.repository_path(u.repository_id) END,
                   format('Blob %s has %s bytes and is counted with %s.', u.blob_id, coalesce(b.image_size, 0), u.size)
            FROM quay_internal.blob_use AS u
            JOIN quay.imagestorage AS b ON b.id = u.blob_id
            LEFT JOIN quay."user" AS o ON o.id = u.namespace_id
            WHERE u.size <> coalesce(b.image_size, 0)
              AND (scope_id IS NULL OR u.namespace_id = scope_id)
            LIMIT n;
    END IF;
    RETURN QUERY
        WITH counted AS (
            SELECT c.namespace_id, c.repository_id, sum(c.used)::bigint AS bytes, sum(c.reserved)::bigint AS reserved
            FROM quay_internal.size_counter AS c
            WHERE scope_id IS NULL OR c.namespace_id = scope_id
            GROUP BY c.namespace_id, c.repository_id
        ), real AS (
            SELECT u.namespace_id, u.repository_id, sum(u.size)::bigint AS bytes FROM quay_internal.blob_use AS u
            WHERE 'size_counter' = ANY (rules) AND (scope_id IS NULL OR u.namespace_id = scope_id)
            GROUP BY u.namespace_id, u.repository_id
            UNION ALL
            SELECT 0, 0, coalesce(sum(b.image_size), 0)::bigint FROM quay.imagestorage AS b
            WHERE 'size_counter' = ANY (rules) AND scope_id IS NULL
            HAVING scope_id IS NULL
        ), upload AS (
            SELECT r.namespace_user_id AS namespace_id, sum(b.reserved_bytes)::bigint AS reserved
            FROM quay.blobupload AS b JOIN quay.repository AS r ON r.id = b.repository_id
            WHERE 'size_reserved' = ANY (rules) AND b.reserved_bytes <> 0 AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            GROUP BY r.namespace_user_id
        ), difference AS (
            (SELECT 'size_counter' AS rule, coalesce(c.namespace_id, w.namespace_id) AS namespace_id,
                    coalesce(c.repository_id, w.repository_id) AS repository_id,
                    format('Counted are %s bytes, there are %s.', coalesce(c.bytes, 0), coalesce(w.bytes, 0)) AS detail
             FROM counted AS c FULL JOIN real AS w ON w.namespace_id = c.namespace_id AND w.repository_id = c.repository_id
             WHERE 'size_counter' = ANY (rules) AND coalesce(c.bytes, 0) <> coalesce(w.bytes, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_reserved', coalesce(c.namespace_id, w.namespace_id), 0,
                    format('Reserved are %s bytes, uploads have reserved %s.', coalesce(c.reserved, 0), coalesce(w.reserved, 0))
             FROM (SELECT * FROM counted AS c WHERE c.repository_id = 0) AS c FULL JOIN upload AS w ON w.namespace_id = c.namespace_id
             WHERE 'size_reserved' = ANY (rules) AND coalesce(c.reserved, 0) <> coalesce(w.reserved, 0)
             LIMIT n)
            UNION ALL
            (SELECT 'size_negative', c.namespace_id, c.repository_id,
                    format('Counted are %s bytes, and %s reserved.', c.bytes, c.reserved)
             FROM counted AS c
             WHERE 'size_negative' = ANY (rules) AND (c.bytes < 0 OR c.reserved < 0)
             LIMIT n)
        )
        SELECT d.rule, CASE WHEN d.repository_id <> 0 THEN quay_internal.repository_path(d.repository_id)
                            WHEN d.namespace_id = 0 THEN 'registry'
                            ELSE 'namespace ' || coalesce(o.username, d.namespace_id::text) END, d.detail
        FROM difference AS d LEFT JOIN quay."user" AS o ON o.id = d.namespace_id;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_size(text[], bigint, integer) IS 'What breaks the rules about sizes: each is counted anew.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_account(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
BEGIN
    IF 'repository_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'repository_owner', quay_internal.repository_path(r.id),
                   format('Repository %s belongs to %s.', r.id, CASE WHEN u.id IS NULL THEN 'nobody' ELSE 'the robot ' || u.username END)
            FROM quay.repository AS r LEFT JOIN quay."user" AS u ON u.id = r.namespace_user_id
            WHERE (u.id IS NULL OR u.robot) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'organization_without_admin' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'organization_without_admin', o.username::text, 'Nobody can administer it.'
            FROM quay."user" AS o
            WHERE o.organization AND o.enabled
              AND NOT EXISTS (SELECT FROM quay.team AS t
                              JOIN quay.teamrole AS e ON e.id = t.role_id AND e.name = 'admin'
                              JOIN quay.teammember AS m ON m.team_id = t.id
                              JOIN quay."user" AS u ON u.id = m.user_id AND u.enabled AND NOT u.robot AND NOT u.organization
                              WHERE t.organization_id = o.id)
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_owner' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_owner', o.username || ':' || t.name,
                   format('Team %s belongs to %s.', t.id, CASE WHEN o.robot THEN 'a robot' ELSE 'a person' END)
            FROM quay.team AS t JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE NOT o.organization AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'robot_without_namespace' = ANY (rules) AND scope_id IS NULL THEN
        RETURN QUERY
            SELECT 'robot_without_namespace', b.username::text, format('There is no namespace "%s".', split_part(b.username, '+', 1))
            FROM quay."user" AS b
            WHERE b.robot AND b.enabled
              AND NOT EXISTS (SELECT FROM quay."user" AS u WHERE u.username = split_part(b.username, '+', 1) AND NOT u.robot)
            LIMIT n;
    END IF;
    IF 'robot_foreign_team' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'robot_foreign_team', o.username || ':' || t.name, format('Robot "%s" is a member.', b.username)
            FROM quay.teammember AS m
            JOIN quay.team AS t ON t.id = m.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            JOIN quay."user" AS b ON b.id = m.user_id AND b.robot
            WHERE split_part(b.username, '+', 1) <> o.username
              AND (scope_id IS NULL OR o.id = scope_id)
            LIMIT n;
    END IF;
    IF 'permission_foreign' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'permission_foreign', quay_internal.repository_path(r.id),
                   format('Permission %s is of %s.', p.id, coalesce('robot ' || b.username, 'team ' || t.name || ' of another organization'))
            FROM quay.repositorypermission AS p
            JOIN quay.repository AS r ON r.id = p.repository_id
            JOIN quay."user" AS o ON o.id = r.namespace_user_id
            LEFT JOIN quay.team AS t ON t.id = p.team_id
            LEFT JOIN quay."user" AS b ON b.id = p.user_id AND b.robot AND b.enabled
            WHERE (t.organization_id <> o.id OR split_part(b.username, '+', 1) <> o.username) AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'team_invite_duplicate' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'team_invite_duplicate', o.username || ':' || t.name, format('%s invitations for the same person: %s.', i.number, i.ids)
            FROM (SELECT i.team_id, count(*) AS number, string_agg(i.id::text, ', ' ORDER BY i.id) AS ids
                  FROM quay.teammemberinvite AS i GROUP BY i.team_id, i.user_id, lower(i.email) HAVING count(*) > 1) AS i
            JOIN quay.team AS t ON t.id = i.team_id
            JOIN quay."user" AS o ON o.id = t.organization_id
            WHERE scope_id IS NULL OR o.id = scope_id
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_account(text[], bigint, integer) IS 'What breaks the rules about owners, teams, robots and permissions.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_statistics(rules text[], scope_id bigint, n integer)
    RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_custom_plan SET jit = off AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
BEGIN
    IF 'tag_statistics_without_tag' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'tag_statistics_without_tag', quay_internal.repository_path(s.repository_id) || ':' || s.tag_name,
                   format('%s pulls.', s.tag_pull_count)
            FROM quay.tagpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                              WHERE t.repository_id = s.repository_id AND t.name = s.tag_name AND NOT t.hidden
                                AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
    IF 'manifest_statistics_without_manifest' = ANY (rules) THEN
        RETURN QUERY
            SELECT 'manifest_statistics_without_manifest', quay_internal.repository_path(s.repository_id) || '@' || s.manifest_digest,
                   format('%s pulls.', s.manifest_pull_count)
            FROM quay.manifestpullstatistics AS s JOIN quay.repository AS r ON r.id = s.repository_id
            WHERE NOT EXISTS (SELECT FROM quay.manifest AS m WHERE m.repository_id = s.repository_id AND m.digest = s.manifest_digest)
              AND (scope_id IS NULL OR r.namespace_user_id = scope_id)
            LIMIT n;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_statistics(text[], bigint, integer) IS 'Statistics of pulls that belong to nothing.';

CREATE OR REPLACE FUNCTION quay_internal.enumeration_list() RETURNS TABLE (table_name text, names text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstokenkind', 'build-worker pushpull-token'),
        ('buildtriggerservice', 'github gitlab bitbucket custom-git'),
        ('disablereason', 'user_toggled successive_build_failures successive_build_internal_errors'),
        ('externalnotificationevent', 'build_failure build_queued build_start build_success repo_push vulnerability_found build_cancelled '
            'repo_mirror_sync_started repo_mirror_sync_success repo_mirror_sync_failed repo_image_expiry quota_warning quota_error'),
        ('externalnotificationmethod', 'email flowdock hipchat quay_notification slack webhook'),
        ('labelsourcetype', 'manifest api internal'),
        ('logentrykind', 'account_change_cc account_change_password account_change_plan account_convert add_repo_accesstoken '
            'add_repo_notification add_repo_permission add_repo_webhook build_dockerfile change_repo_permission '
            'change_repo_visibility create_application create_prototype_permission create_repo create_robot create_tag '
            'delete_application delete_prototype_permission delete_repo delete_repo_accesstoken delete_repo_notification '
            'delete_repo_permission delete_repo_trigger delete_repo_webhook delete_robot delete_tag manifest_label_add '
            'manifest_label_delete modify_prototype_permission move_tag org_add_team_member org_create_team org_delete_team '
            'org_delete_team_member_invite org_invite_team_member org_remove_team_member org_set_team_description org_set_team_role '
            'org_team_member_invite_accepted org_team_member_invite_declined pull_repo push_repo regenerate_robot_token repo_verb '
            'reset_application_client_secret revert_tag service_key_approve service_key_create service_key_delete '
            'service_key_extend service_key_modify service_key_rotate setup_repo_trigger set_repo_description take_ownership '
            'update_application change_repo_trust reset_repo_notification change_tag_expiration create_app_specific_token '
            'revoke_app_specific_token toggle_repo_trigger repo_mirror_enabled repo_mirror_disabled repo_mirror_config_changed '
            'repo_mirror_sync_started repo_mirror_sync_failed repo_mirror_sync_success repo_mirror_sync_now_requested '
            'repo_mirror_sync_tag_success repo_mirror_sync_tag_failed repo_mirror_sync_test_success repo_mirror_sync_test_failed '
            'repo_mirror_sync_test_started change_repo_state create_proxy_cache_config delete_proxy_cache_config '
            'start_build_trigger cancel_build org_create org_delete org_change_email org_change_invoicing org_change_tag_expiration '
            'org_change_name user_create user_delete user_disable user_enable user_change_email user_change_password '
            'user_change_name user_change_invoicing user_change_tag_expiration user_change_metadata user_generate_client_key '
            'login_success logout_success permanently_delete_tag autoprune_tag_delete create_namespace_autoprune_policy '
            'update_namespace_autoprune_policy delete_namespace_autoprune_policy login_failure push_repo_failed pull_repo_failed '
            'delete_tag_failed create_repository_autoprune_policy update_repository_autoprune_policy '
            'delete_repository_autoprune_policy enable_team_sync disable_team_sync oauth_token_assigned oauth_token_revoked '
            'change_tag_immutability create_robot_federation delete_robot_federation federated_robot_token_exchange '
            'export_logs_success export_logs_failure org_create_quota org_change_quota org_delete_quota org_create_quota_limit '
            'org_change_quota_limit org_delete_quota_limit org_mirror_enabled org_mirror_disabled org_mirror_config_changed '
            'org_mirror_sync_started org_mirror_sync_failed org_mirror_sync_success org_mirror_sync_now_requested '
            'org_mirror_sync_cancelled org_mirror_repo_created create_immutability_policy update_immutability_policy '
            'delete_immutability_policy org_mirror_repo_creation_failed tag_made_immutable_by_policy tags_made_immutable_by_policy '
            'create_oauth_api_token revoke_oauth_api_token create_namespace_notification delete_namespace_notification '
            'reset_namespace_notification'),
        ('loginservice', 'github quayrobot ldap google keystone dex jwtauthn oidc'),
        ('mediatype', 'text/plain application/json text/markdown application/vnd.docker.distribution.manifest.v1+prettyjws '
            'application/vnd.docker.distribution.manifest.v1+json application/vnd.docker.distribution.manifest.list.v2+json '
            'application/vnd.docker.distribution.manifest.v2+json application/vnd.oci.image.index.v1+json '
            'application/vnd.oci.image.manifest.v1+json'),
        ('notificationkind', 'build_failure build_queued build_start build_success expiring_license maintenance org_team_invite over_private_usage '
            'password_required repo_push service_key_submitted vulnerability_found build_cancelled repo_mirror_sync_started '
            'repo_mirror_sync_success repo_mirror_sync_failed quota_warning quota_error assigned_authorization'),
        ('quotatype', 'Warning Reject'),
        ('repositorykind', 'image application'),
        ('role', 'admin write read'),
        ('tagkind', 'tag'),
        ('teamrole', 'admin creator member'),
        ('userpromptkind', 'confirm_username enter_name enter_company'),
        ('visibility', 'public private');
END
$$;
COMMENT ON FUNCTION quay_internal.enumeration_list() IS 'Names that the enumerations have in every registry, separated by blanks.';

CREATE OR REPLACE FUNCTION quay_internal.registry_check_enumeration(rules text[], n integer) RETURNS TABLE (rule text, object text, detail text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT 'enumeration_missing', l.table_name, format('There is no "%s".', w.name)
        FROM quay_internal.enumeration_list() AS l
        CROSS JOIN LATERAL string_to_table(l.names, ' ') AS w (name)
        WHERE 'enumeration_missing' = ANY (rules) AND (l.table_name, w.name) NOT IN (
                SELECT 'accesstokenkind' AS table_name, e.name::text FROM quay.accesstokenkind AS e
                UNION ALL SELECT 'buildtriggerservice', e.name FROM quay.buildtriggerservice AS e
                UNION ALL SELECT 'disablereason', e.name FROM quay.disablereason AS e
                UNION ALL SELECT 'externalnotificationevent', e.name FROM quay.externalnotificationevent AS e
                UNION ALL SELECT 'externalnotificationmethod', e.name FROM quay.externalnotificationmethod AS e
                UNION ALL SELECT 'labelsourcetype', e.name FROM quay.labelsourcetype AS e
                UNION ALL SELECT 'logentrykind', e.name FROM quay.logentrykind AS e
                UNION ALL SELECT 'loginservice', e.name FROM quay.loginservice AS e
                UNION ALL SELECT 'mediatype', e.name FROM quay.mediatype AS e
                UNION ALL SELECT 'notificationkind', e.name FROM quay.notificationkind AS e
                UNION ALL SELECT 'quotatype', e.name FROM quay.quotatype AS e
                UNION ALL SELECT 'repositorykind', e.name FROM quay.repositorykind AS e
                UNION ALL SELECT 'role', e.name FROM quay.role AS e
                UNION ALL SELECT 'tagkind', e.name FROM quay.tagkind AS e
                UNION ALL SELECT 'teamrole', e.name FROM quay.teamrole AS e
                UNION ALL SELECT 'userpromptkind', e.name FROM quay.userpromptkind AS e
                UNION ALL SELECT 'visibility', e.name FROM quay.visibility AS e)
        ORDER BY l.table_name, w.name
        LIMIT n;
END
$$;
COMMENT ON FUNCTION quay_internal.registry_check_enumeration(text[], integer) IS 'Names that are missing in the enumerations.';

CREATE OR REPLACE FUNCTION quay.registry_check(namespace text DEFAULT NULL, rules text[] DEFAULT NULL, n integer DEFAULT 1000,
                                               sample integer DEFAULT 10000)
    RETURNS TABLE (rule text, severity text, object text, detail text, repair text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner_id bigint;
    maximum integer := quay_internal.page_size(n);
    all_rules text[] := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k);
    wanted text[] := coalesce(registry_check.rules, all_rules);
BEGIN
    IF NOT wanted <@ all_rules THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'unknown rule',
            DETAIL = format('There is no rule "%s".', (SELECT left(w.rule, 80) FROM unnest(wanted) AS w (rule)
                                                       WHERE w.rule = ANY (all_rules) IS NOT TRUE LIMIT 1)),
            HINT = 'quay.registry_check_rules() lists them.';
    END IF;
    IF sample < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'size of a sample must not be negative',
            DETAIL = format('It is %s.', sample),
            HINT = 'Pass how many manifests are to be compared with their digests, NULL for all.';
    END IF;
    IF registry_check.namespace IS NOT NULL THEN
        -- Disabled ones too.
        owner_id := (SELECT u.id FROM quay."user" AS u WHERE u.username = registry_check.namespace AND NOT u.robot);
        IF owner_id IS NULL THEN
            PERFORM quay_internal.namespace_get(registry_check.namespace);
        END IF;
        wanted := ARRAY(SELECT k.rule FROM quay.registry_check_rules() AS k WHERE k.rule = ANY (wanted) AND k.by_namespace);
    END IF;
    RETURN QUERY
        SELECT f.rule, k.severity, f.object, f.detail, k.repair
        FROM (SELECT * FROM quay_internal.registry_check_tag(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_manifest(wanted, owner_id, maximum, sample)
              UNION ALL SELECT * FROM quay_internal.registry_check_blob(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_size(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_account(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_statistics(wanted, owner_id, maximum)
              UNION ALL SELECT * FROM quay_internal.registry_check_enumeration(wanted, maximum)) AS f
        JOIN quay.registry_check_rules() AS k ON k.rule = f.rule;
END
$$;
COMMENT ON FUNCTION quay.registry_check(text, text[], integer, integer) IS
'What breaks the rules of the registry: a row for each finding, none if all is well. rules: only these; registry_check_rules() lists and explains them. namespace: only what belongs to it, disabled or not; rules that span namespaces are left out then. n: at most so many findings of each rule. sample: how many manifests, the newest, are compared with their digests, NULL all (manifest_digest_check() goes through them in steps).

object: what the finding is about, by names; detail: a sentence with the ids of the rows; repair: what to do about it. The order of rows is undefined.
All is seen as of one moment, whatever others do meanwhile. It changes nothing, locks nothing, runs on a standby, and reads most of the tables of the registry, from a few seconds to many minutes. Errors: 22023 n or sample negative, unknown rule; QY002.';

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
                                          'login_is_fresh', 'mirror_credentials', 'mirror_get', 'mirror_settings',
                                          'oauth_application_secret', 'oauth_client_check', 'oauth_code_find',
                                          'oauth_token_match', 'oauth_token_problem', 'org_mirror_credentials', 'org_mirror_get',
                                          'password_decrypt', 'password_verify', 'proxy_cache_credentials',
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

-- @part step api/920_comment_operation.sql
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

SELECT quay_internal.version_set('1.2');
