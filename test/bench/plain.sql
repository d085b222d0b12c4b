-- For the statements of an application: the sizes that it keeps itself, and none of our triggers on what it writes.
\set ON_ERROR_STOP 1
INSERT INTO quay.quotanamespacesize (namespace_user_id, backfill_complete) SELECT id, true FROM quay."user" WHERE username = 'acme';
INSERT INTO quay.quotarepositorysize (repository_id, backfill_complete) SELECT id, true FROM quay.repository;
ALTER TABLE quay.tag DISABLE TRIGGER USER;
ALTER TABLE quay.manifest DISABLE TRIGGER USER;
ALTER TABLE quay.manifestblob DISABLE TRIGGER USER;
