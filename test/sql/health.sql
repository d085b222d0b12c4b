-- The health check of a front end.
SELECT * FROM quay.health_check();
BEGIN READ ONLY;
SELECT ok FROM quay.health_check();
ROLLBACK;
BEGIN;
UPDATE quay_internal.schema_version SET version = '0.9' WHERE version = quay_internal.version_library();
SELECT ok, regexp_replace(message, 'library is of version .*', 'library is of version ...') AS message FROM quay.health_check();
ROLLBACK;
BEGIN;
ALTER TABLE quay.teamrole RENAME TO teamrole_away;
CREATE TABLE quay.teamrole (id bigint, name text);
SELECT * FROM quay.health_check();
ROLLBACK;
SELECT ok FROM quay.health_check();
