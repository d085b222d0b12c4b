-- A small registry with at least one row in each table: first by the functions, then by rows in whatever tables are still empty.
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;
SET quay.clock = '2026-03-04 05:06:07+00';

SELECT quay.user_create('fixture_alice', 'correct-horse-battery', 'fixture_alice@example.com');
SELECT quay.organization_create('fixture_acme', 'fixture_acme@example.com', 'fixture_alice');
SELECT quay.team_create('fixture_acme', 'dev', 'member', 'Developers');
SELECT quay.team_member_add('fixture_acme', 'dev', 'fixture_alice');
SELECT count(*) FROM quay.robot_create('fixture_acme', 'ci', 'Builds');
SELECT quay.repository_create('fixture_acme', 'app', 'fixture_alice');
SELECT quay.permission_set('fixture_acme', 'app', 'team', 'dev', 'write');
SELECT count(*) FROM quay.log_partition_ensure(2);
INSERT INTO quay.teammemberinvite (email, team_id, inviter_id, invite_token)
SELECT 'fixture_bob@example.com', t.id, u.id, 'urn:teaminvite:fixture'
FROM quay.team AS t, quay."user" AS u WHERE t.name = 'dev' AND u.username = 'fixture_alice';

-- An image with a configuration and one layer, pushed twice under two tags.
DO $$
DECLARE
    content bytea;
    upload text;
BEGIN
    FOREACH content IN ARRAY ARRAY[convert_to('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"config":{"Labels":{"vendor":"acme"}}}', 'UTF8'), convert_to('layer', 'UTF8')] LOOP
        upload := (SELECT u.upload FROM quay.upload_start('fixture_acme', 'app') AS u);
        PERFORM quay.upload_append('fixture_acme', 'app', upload, content);
        PERFORM quay.upload_finish('fixture_acme', 'app', upload, 'sha256:' || encode(sha256(content), 'hex'));
    END LOOP;
END
$$;
SELECT count(*) FROM quay.manifest_put('fixture_acme', 'app', convert_to(format(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":127},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:%s","size":5}]}',
    (SELECT encode(sha256(convert_to('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"config":{"Labels":{"vendor":"acme"}}}', 'UTF8')), 'hex')),
    encode(sha256('layer'), 'hex')), 'UTF8'), 'application/vnd.oci.image.manifest.v1+json', ARRAY['v1', 'latest'],
    config => convert_to('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:aa"]},"config":{"Labels":{"vendor":"acme"}}}', 'UTF8'));

-- One row in each empty table: made-up values, foreign keys to the newest row of their table. Tables were created in an order in which
-- each stands after those that it refers to.
DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT c.oid, c.oid::regclass AS name, a.columns, a.values
        FROM pg_class AS c
        CROSS JOIN LATERAL (
            SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns,
                   string_agg(CASE
                       WHEN k.confrelid IS NOT NULL AND k.confrelid <> c.oid THEN format('(SELECT max(id) FROM %s)', k.confrelid::regclass)
                       WHEN a.atttypid = ANY (ARRAY['text', 'varchar']::regtype[]) THEN quote_literal(left('fixture ' || a.attname, 16))
                       WHEN a.atttypid = 'timestamp'::regtype THEN $v$'2026-03-04 05:06:07.891'$v$
                       WHEN a.atttypid = 'date'::regtype THEN $v$'2026-03-04'$v$
                       WHEN a.atttypid = 'boolean'::regtype THEN 'true'
                       ELSE '1' END, ', ' ORDER BY a.attnum) AS values
            FROM pg_attribute AS a
            LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum]
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
              AND a.attname <> 'id' AND NOT (a.atthasdef AND a.atttypid = ANY (ARRAY['text', 'varchar']::regtype[]))
        ) AS a
        WHERE c.relnamespace = 'quay'::regnamespace AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
        ORDER BY c.oid
    LOOP
        BEGIN
            EXECUTE format('INSERT INTO %s (%s) SELECT %s WHERE NOT EXISTS (SELECT FROM %1$s)', target.name, target.columns, target.values);
        EXCEPTION WHEN check_violation THEN
            NULL;  -- counted below
        END;
    END LOOP;
END
$$;
RESET quay.clock;
