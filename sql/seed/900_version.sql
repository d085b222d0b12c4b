-- The version of these tables (ours), and the revision that the reference application expects (its own).

INSERT INTO quay_internal.schema_version (version) VALUES ('@VERSION@');
INSERT INTO quay.alembic_version (version_num) VALUES ('9fa37f66a9b6');
