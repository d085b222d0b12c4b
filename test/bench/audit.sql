-- An audit log of :rows rows over 24 months, this one the last: 1000 namespaces, of which the first has a tenth of the rows, 5000 repositories.
-- Each month is filled before its indexes are made.
SET search_path = pg_catalog, pg_temp;
SELECT quay.user_create('admin', 'password-1', 'admin@example.com') > 0 AS ok;
SELECT count(quay.organization_create('org' || i, NULL, 'admin')) FROM generate_series(1, 1000) AS i;
INSERT INTO quay.repository (namespace_user_id, name, visibility_id, kind_id, badge_token)
SELECT u.id, 'app' || i, 1, 1, '' FROM quay."user" AS u, generate_series(1, 5) AS i WHERE u.organization;
TRUNCATE quay.logentry3;

INSERT INTO quay.logentry3 (kind_id, account_id, datetime, metadata_json)
SELECT 1, 0, date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => i), '{}' FROM generate_series(1, 23) AS i;
SELECT count(*) FROM quay.log_partition_ensure(3);
TRUNCATE quay.logentry3;

CREATE FUNCTION pg_temp.fill(month date, partition text, n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key text := (SELECT conname FROM pg_constraint WHERE conrelid = format('quay.%I', partition)::regclass AND contype = 'p');
    definition record;
    definitions text[];
    first_user bigint := (SELECT min(id) FROM quay."user" WHERE organization);
    first_repository bigint := (SELECT min(id) FROM quay.repository);
BEGIN
    EXECUTE format('ALTER TABLE quay.%I DROP CONSTRAINT %I', partition, key);
    FOR definition IN SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'quay' AND tablename = partition LOOP
        definitions := definitions || definition.indexdef;
        EXECUTE format('DROP INDEX quay.%I', definition.indexname);
    END LOOP;
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    SELECT CASE WHEN i % 10 < 7 THEN 41 WHEN i % 10 < 9 THEN 42 ELSE 1 + i % 40 END, first_user + p.repository / 5, first_user + i % 1000,
           first_repository + p.repository, t.at, '192.0.2.' || i % 250,
           '{"repo": "app' || i % 5 || '", "namespace": "org' || i % 1000 || '", "tag": "v' || i || '"}'
    FROM generate_series(1, n) AS i
    CROSS JOIN LATERAL (SELECT CASE WHEN i % 10 = 0 THEN i / 10 % 5 ELSE i * 7919 % 5000 END AS repository) AS p
    CROSS JOIN LATERAL (SELECT month + i * (interval '1 month' / n) * (28 / 31.0) AS at) AS t;
    EXECUTE format('ALTER TABLE quay.%I ADD CONSTRAINT %I PRIMARY KEY (id, datetime)', partition, key);
    FOREACH key IN ARRAY definitions LOOP
        EXECUTE key;
    END LOOP;
END
$$;
SET maintenance_work_mem = '256MB';
SELECT count(pg_temp.fill(m.month, m.partition, :rows / 24)) FROM (
    SELECT * FROM quay_internal.log_month_list() AS m WHERE m.month <= now()::date ORDER BY m.month) AS m;
VACUUM ANALYZE quay.logentry3;
ANALYZE quay."user";
ANALYZE quay.repository;
