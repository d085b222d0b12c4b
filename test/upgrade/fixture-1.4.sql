-- On top of fixture.sql and those before, rows as only version 1.4 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- --- migration

-- A backfill that is not done.
SELECT quay.backfill_set('manifest_fields', batch_rows => 1, restart => true);
SELECT state FROM quay_internal.backfill_step('manifest_fields');
-- On top of fixture.sql, rows as only version 1.4 makes them: what a downgrade meets.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;

-- Adoption: the report of one that is over
INSERT INTO quay_internal.adoption_run (source_schema, dry_run, revision, batch_size, started_ms, ended_ms)
VALUES ('src', false, '9fa37f66a9b6', 100000, 1750000000000, 1750000060000);
INSERT INTO quay_internal.adoption_step (run_id, place, phase, name, last_id, row_count, source_rows, source_ids, started_ms, ended_ms)
SELECT r.id, s.place, s.phase, 'tag', s.last_id, s.row_count, s.source_rows, s.source_ids, 1750000000000, 1750000060000
FROM quay_internal.adoption_run AS r, (VALUES (1, 'scan', 0, 0, 4, 10), (2, 'copy', 4, 3, NULL, NULL)) AS s (place, phase, last_id, row_count, source_rows, source_ids);
INSERT INTO quay_internal.adoption_report (run_id, rule, table_name, source_id, treatment, column_name, old_value, new_value, detail)
SELECT r.id, 'tag_live_twice', 'tag', 2, 'changed', 'lifetime_end_ms', NULL, '1700000000000', '"latest" in repository 1; next is tag 3.' FROM quay_internal.adoption_run AS r
UNION ALL SELECT r.id, 'foreign_key', 'tag', 4, 'left out', 'manifest_id', '99', NULL, 'There is no manifest with the id 99.' FROM quay_internal.adoption_run AS r;
INSERT INTO quay_internal.adoption_finding (run_id, rule, table_name, column_name, treatment, row_count)
SELECT r.id, 'tag_live_twice', 'tag', 'lifetime_end_ms', 'changed', 1 FROM quay_internal.adoption_run AS r
UNION ALL SELECT r.id, 'foreign_key', 'tag', 'manifest_id', 'left out', 1 FROM quay_internal.adoption_run AS r;
INSERT INTO quay_internal.adoption_map (run_id, table_name, source_id, target_id) SELECT r.id, 'mediatype', 3, 17 FROM quay_internal.adoption_run AS r;
