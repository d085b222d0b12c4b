-- 1.4 to 1.3. One section per topic, in the reverse order of up.sql.
-- @about Takes out what 1.4 has brought. The journal of migrations and the reports of adoptions are forgotten.
-- @lock ACCESS EXCLUSIVE: quay.adoption_progress, quay.adoption_report, quay.adoption_summary, quay.backfill_progress
-- @lock ACCESS EXCLUSIVE: quay_internal.adoption_finding, quay_internal.adoption_map, quay_internal.adoption_report
-- @lock ACCESS EXCLUSIVE: quay_internal.adoption_run, quay_internal.adoption_step, quay_internal.backfill, quay_internal.migration_journal
-- @lock SHARE ROW EXCLUSIVE: quay."user", quay.mediatype, quay.repository, quay.repositorypermission, quay.role, quay.superuser, quay.team
-- @lock SHARE ROW EXCLUSIVE: quay.teammember, quay.teamrole, quay.visibility, quay_internal.schema_version

-- --- migration

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.backfill AS b WHERE b.finished_ms IS NULL),
    'how far backfills have got that are not done (quay_internal.backfill)');
DROP VIEW quay.backfill_progress;
DROP PROCEDURE quay.backfill_run(text,integer,integer,integer,bigint);
DROP FUNCTION quay.backfill_set(text,integer,integer,boolean);
DROP FUNCTION quay.migration_history();
DROP FUNCTION quay.migration_path(text,text);
DROP FUNCTION quay.migration_status();
DROP FUNCTION quay_internal.backfill_begin(text);
DROP FUNCTION quay_internal.backfill_list();
DROP FUNCTION quay_internal.backfill_require(text);
DROP FUNCTION quay_internal.backfill_step(text,integer);
DROP FUNCTION quay_internal.manifest_backfill_next(bigint,integer);
DROP FUNCTION quay_internal.manifest_fields_fill(bigint[]);
DROP FUNCTION quay_internal.migration_record(text,text);
DROP FUNCTION quay_internal.migration_refused(text,text);
DROP FUNCTION quay_internal.migration_step_list();
DROP FUNCTION quay_internal.migration_step_text();
DROP FUNCTION quay_internal.row_guess(text);
DROP FUNCTION quay_internal.version_number(text);
ALTER EXTENSION quay DROP TABLE quay_internal.backfill;
DROP TABLE quay_internal.backfill;
ALTER EXTENSION quay DROP TABLE quay_internal.migration_journal;
DROP TABLE quay_internal.migration_journal;

-- Adoption

SELECT quay_internal.downgrade_refuse(EXISTS (SELECT FROM quay_internal.adoption_run AS r WHERE NOT r.dry_run),
    'the report of an adoption (quay.adoption_report)');
DROP VIEW quay.adoption_summary;
DROP VIEW quay.adoption_report;
DROP VIEW quay.adoption_progress;
DROP PROCEDURE quay.adopt(text,boolean,integer);
DROP FUNCTION quay.adoption_rules();
DROP PROCEDURE quay.release(text);
DROP FUNCTION quay_internal.adoption_advance(bigint);
DROP FUNCTION quay_internal.adoption_begin(text,boolean,integer);
DROP FUNCTION quay_internal.adoption_blob_use(quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_compare(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_contact_email(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_copy(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_count(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_do(quay_internal.adoption_run,quay_internal.adoption_step);
DROP FUNCTION quay_internal.adoption_find(quay_internal.adoption_run,text,text,text,text,text);
DROP FUNCTION quay_internal.adoption_forget(bigint);
DROP FUNCTION quay_internal.adoption_has(bigint,text,text[],text);
DROP FUNCTION quay_internal.adoption_index_children(text);
DROP FUNCTION quay_internal.adoption_json(text);
DROP FUNCTION quay_internal.adoption_json_column_list();
DROP FUNCTION quay_internal.adoption_lock(bigint);
DROP FUNCTION quay_internal.adoption_map_changes(bigint,text);
DROP FUNCTION quay_internal.adoption_missing_child();
DROP FUNCTION quay_internal.adoption_months(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_plan(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_prove(text);
DROP FUNCTION quay_internal.adoption_read(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_registry_check(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_require_empty();
DROP FUNCTION quay_internal.adoption_reserve(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_review();
DROP FUNCTION quay_internal.adoption_revision(text);
DROP FUNCTION quay_internal.adoption_revision_list();
DROP FUNCTION quay_internal.adoption_rule_list();
DROP FUNCTION quay_internal.adoption_scan_column(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_enumeration(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_kept(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_scan_key(quay_internal.adoption_run,text,boolean);
DROP FUNCTION quay_internal.adoption_scan_table(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_scan_unique(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_sequence(text,bigint);
DROP FUNCTION quay_internal.adoption_size();
DROP FUNCTION quay_internal.adoption_sql(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.adoption_summarize(quay_internal.adoption_run);
DROP FUNCTION quay_internal.adoption_write(quay_internal.adoption_run,text);
DROP FUNCTION quay_internal.reference_column_list(text);
DROP FUNCTION quay_internal.reference_key_list(text);
DROP FUNCTION quay_internal.reference_order();
DROP FUNCTION quay_internal.reference_table_list();
DROP FUNCTION quay_internal.release_all(text);
DROP FUNCTION quay_internal.release_index(text,text);
DROP FUNCTION quay_internal.release_index_list();
DROP FUNCTION quay_internal.release_key(text,text);
DROP FUNCTION quay_internal.release_prepare(text);
DROP FUNCTION quay_internal.release_table(text,text);
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_map;
DROP TABLE quay_internal.adoption_map;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_finding;
DROP TABLE quay_internal.adoption_finding;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.adoption_report_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_report;
DROP TABLE quay_internal.adoption_report;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_step;
DROP TABLE quay_internal.adoption_step;
ALTER EXTENSION quay DROP SEQUENCE quay_internal.adoption_run_id_seq;
ALTER EXTENSION quay DROP TABLE quay_internal.adoption_run;
DROP TABLE quay_internal.adoption_run;
