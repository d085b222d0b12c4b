-- The purge of repositories and namespaces. Which tables hang on them the catalog says: each gets rows first, so that a table that the
-- purge does not know makes this fail.
\set VERBOSITY default
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
CREATE TEMPORARY VIEW link AS
SELECT c.conname AS name, r.relname AS child, a.attname AS link_column, p.relname AS parent
FROM pg_constraint AS c JOIN pg_class AS r ON r.oid = c.conrelid JOIN pg_class AS p ON p.oid = c.confrelid
JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.connamespace IN ('quay'::regnamespace, 'quay_internal'::regnamespace) AND c.conparentid = 0;
-- All that hangs on a user, repository or team, parents before children.
CREATE TEMPORARY VIEW hanging AS
WITH RECURSIVE h AS (
    SELECT r.root::name COLLATE "C" AS name, 0 AS depth FROM (VALUES ('user'), ('repository'), ('team')) AS r (root)
    UNION
    SELECT l.child, h.depth + 1 FROM h JOIN link AS l ON l.parent = h.name WHERE l.child <> l.parent)
SELECT h.name, max(h.depth) AS depth FROM h GROUP BY h.name;

-- A row for each of these tables; ids: which row of each table to hang it on. What is not in there gets the smallest id, which is a seed.
CREATE FUNCTION pg_temp.fill(ids jsonb, only_direct text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    one record;
    field record;
    given jsonb;
    new_id bigint;
    either text;
BEGIN
    FOR one IN SELECT h.name FROM hanging AS h WHERE h.name NOT IN ('user', 'repository', 'team', 'deletednamespace')
                 AND (only_direct IS NULL OR EXISTS (SELECT FROM link AS l WHERE l.child = h.name AND l.parent = only_direct))
               ORDER BY h.depth, h.name LOOP
        -- Some columns exclude each other.
        FOR either IN SELECT * FROM unnest(CASE one.name WHEN 'repositorypermission' THEN ARRAY['user_id', 'team_id']
                                                         WHEN 'permissionprototype' THEN ARRAY['delegate_user_id', 'delegate_team_id'] ELSE ARRAY[NULL] END) LOOP
            CONTINUE WHEN either LIKE '%team_id' AND NOT ids ? 'team';
            given := '{}';
            FOR field IN
                SELECT a.attname AS name, a.atttypid::regtype::text AS type, a.attnotnull AND NOT a.atthasdef AS needed,
                       (SELECT l.parent FROM link AS l WHERE l.child = one.name AND l.link_column = a.attname) AS parent
                FROM pg_attribute AS a WHERE a.attrelid = format('quay.%I', one.name)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'id'
            LOOP
                IF field.parent = 'user' AND ids ? 'owner' AND field.name ~ '^(org|organization|namespace|namespace_user|target)_id$' THEN
                    given := given || jsonb_build_object(field.name, ids -> 'owner');
                ELSIF field.parent IS NOT NULL AND ids ? field.parent::text THEN
                    given := given || jsonb_build_object(field.name, ids -> field.parent::text);
                ELSIF field.needed AND field.parent IS NOT NULL THEN
                    EXECUTE format('SELECT min(id) FROM quay.%I', field.parent) INTO STRICT new_id;
                    given := given || jsonb_build_object(field.name, new_id);
                ELSIF field.needed THEN
                    given := given || jsonb_build_object(field.name, CASE
                        WHEN field.name LIKE '%json' THEN '"{}"' WHEN field.type ~ '^(char|text)' THEN to_jsonb(gen_random_uuid()) WHEN field.type ~ '^(time|date)' THEN '"2026-01-01"'
                        WHEN field.type = 'boolean' THEN 'false' ELSE '1' END);
                END IF;
            END LOOP;
            IF either IS NOT NULL THEN
                given := given - CASE either WHEN 'user_id' THEN 'team_id' WHEN 'team_id' THEN 'user_id'
                                             WHEN 'delegate_user_id' THEN 'delegate_team_id' ELSE 'delegate_user_id' END;
            END IF;
            EXECUTE format('INSERT INTO quay.%1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::quay.%1$I, $1) ON CONFLICT DO NOTHING RETURNING id',
                one.name, (SELECT string_agg(quote_ident(k), ', ') FROM jsonb_object_keys(given) AS k))
            INTO new_id USING given;
            IF new_id IS NOT NULL THEN
                ids := ids || jsonb_build_object(one.name, new_id);
            END IF;
        END LOOP;
    END LOOP;
    RETURN ids;
END
$$;
-- How many rows each table holds.
CREATE FUNCTION pg_temp.counts() RETURNS TABLE (name text, n bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT h.name FROM hanging AS h UNION SELECT unnest(ARRAY['label', 'derivedstorageforimage', 'imagestorage', 'logentry3']) LOOP
        EXECUTE format('SELECT count(*) FROM quay.%I', name) INTO n;
        RETURN NEXT;
    END LOOP;
END
$$;
-- Foreign keys to a table that a row with one of these ids has, or none has.
CREATE FUNCTION pg_temp.links(parent_table text, ids bigint[], used boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    one record;
    found_one boolean;
BEGIN
    FOR one IN SELECT * FROM link AS l WHERE l.parent = parent_table ORDER BY l.child, l.link_column LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM quay.%I WHERE %I = ANY ($1))', one.child, one.link_column) INTO found_one USING ids;
        IF found_one = used THEN
            RETURN NEXT one.child || '.' || one.link_column;
        END IF;
    END LOOP;
END
$$;
CREATE FUNCTION pg_temp.user_id(name text) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM quay."user" WHERE username = name $$;
CREATE FUNCTION pg_temp.repository_id(repository text) RETURNS bigint LANGUAGE sql AS $$
    SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username || '/' || r.name = repository $$;

SELECT count(quay.user_create(n, 'password', n || '@pu.example')) FROM unnest(ARRAY['pu-alice', 'pu-bob']) AS n;
SELECT count(quay.organization_create(n, NULL, 'pu-alice')) FROM unnest(ARRAY['pu-org', 'pu-other']) AS n;
SELECT count(*) AS robots FROM unnest(ARRAY['pu-org', 'pu-other']) AS n, LATERAL quay.robot_create(n, 'ci');
SELECT count(quay.repository_create(n, r, 'pu-alice')) FROM unnest(ARRAY['pu-org', 'pu-other']) AS n, unnest(ARRAY['app', 'lib']) AS r;
INSERT INTO quay.imagestorage (uuid, content_checksum) VALUES ('pu', 'sha256:pu');
INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id) VALUES ('pu', 'shared', '', 1, 1);
CREATE FUNCTION pg_temp.fill_of(owner text, repository text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.fill(jsonb_build_object('owner', pg_temp.user_id(owner), 'user', pg_temp.user_id(owner || '+ci'),
        'repository', pg_temp.repository_id(owner || '/' || repository),
        'team', (SELECT t.id FROM quay.team AS t WHERE t.organization_id = pg_temp.user_id(owner) AND t.name = 'owners')));
$$;

-- One repository: all of it goes, and nothing of another, nor blobs and the log.
SELECT pg_temp.fill_of('pu-other', 'app') IS NOT NULL AS filled;
SELECT quay_internal.label_add_many(m.repository_id, m.id, '{"a": "1"}', 'api') FROM quay.manifest AS m WHERE m.repository_id = pg_temp.repository_id('pu-other/app');
CREATE TEMPORARY TABLE before AS SELECT * FROM pg_temp.counts();
SELECT pg_temp.fill_of('pu-other', 'lib') ? 'tag' AS filled;
SELECT pg_temp.links('repository', ARRAY[pg_temp.repository_id('pu-other/lib')], false) AS without;
SELECT pg_temp.links('manifest', ARRAY(SELECT id FROM quay.manifest WHERE repository_id = pg_temp.repository_id('pu-other/lib')), false) AS without;
SELECT quay_internal.label_add_many(m.repository_id, m.id, '{"a": "1", "b": "2"}', 'manifest') FROM quay.manifest AS m WHERE m.repository_id = pg_temp.repository_id('pu-other/lib');
INSERT INTO quay.derivedstorageforimage (source_image_id, derivative_id, transformation_id)
SELECT m.id * 1024 + l, (SELECT min(id) FROM quay.imagestorage), (SELECT min(id) FROM quay.imagestoragetransformation)
FROM quay.manifest AS m, unnest(ARRAY[0, 1023, 1024]) AS l WHERE m.repository_id = pg_temp.repository_id('pu-other/lib');
-- Rows of one table that refer to each other, over several batches.
INSERT INTO quay.tag (name, repository_id, lifetime_start_ms, tag_kind_id, linked_tag_id)
SELECT 't' || i, t.repository_id, i, t.tag_kind_id, t.id FROM quay.tag AS t, generate_series(1, 20) AS i WHERE t.repository_id = pg_temp.repository_id('pu-other/lib');
INSERT INTO quay.apprtag (name, repository_id, lifetime_start, hidden, reverted, protected, tag_kind_id, linked_tag_id)
SELECT 't' || i, t.repository_id, i, false, false, false, t.tag_kind_id, t.id FROM quay.apprtag AS t, generate_series(1, 5) AS i WHERE t.repository_id = pg_temp.repository_id('pu-other/lib');
INSERT INTO quay.repomirrorrule (uuid, repository_id, creation_date, rule_type, rule_value, left_child_id, right_child_id)
SELECT gen_random_uuid(), r.repository_id, r.creation_date, 1, '', r.id, r.id FROM quay.repomirrorrule AS r, generate_series(1, 5) WHERE r.repository_id = pg_temp.repository_id('pu-other/lib');
INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
SELECT m.repository_id, m.id, m.id FROM quay.manifest AS m WHERE m.repository_id = pg_temp.repository_id('pu-other/lib') ON CONFLICT DO NOTHING;

SELECT pg_temp.try(format('SELECT quay.repository_purge(%s)', pg_temp.repository_id('pu-other/lib'))) ~ '^QY005 repository is not marked for deletion
Repository [0-9]+, "lib", is in use.
Mark it with quay.repository_mark_deletion\(\).$' AS refused;
SELECT pg_temp.try('SELECT quay.repository_purge(1, 0)');
SELECT pg_temp.try('SELECT quay.repository_purge(1, NULL)');
SELECT pg_temp.try('SELECT quay.repository_purge()');
SELECT pg_temp.try('SELECT quay.repository_purge(1, marker_id => 2)');
SELECT quay.repository_purge(-1) AS unknown, quay.repository_purge(marker_id => -1) AS unknown_marker;

UPDATE quay.repository SET state = 3 WHERE id = pg_temp.repository_id('pu-other/lib');
-- Each call deletes at most n rows with what hangs on them, and the last one says that it is done.
CREATE FUNCTION pg_temp.purge(marker bigint, batch integer, OUT calls integer, OUT most bigint) LANGUAGE plpgsql AS $$
DECLARE
    rows_before bigint;
    finished boolean := false;
BEGIN
    calls := 0;
    most := 0;
    WHILE NOT finished AND calls < 1000 LOOP
        rows_before := (SELECT sum(n) FROM pg_temp.counts());
        finished := quay.repository_purge(marker_id => marker, n => batch);
        most := greatest(most, rows_before - (SELECT sum(n) FROM pg_temp.counts()));
        calls := calls + 1;
    END LOOP;
END
$$;
SELECT p.calls > 10 AS calls, p.most FROM quay.deletedrepository AS d, LATERAL pg_temp.purge(d.id, 4) AS p WHERE d.repository_id = pg_temp.repository_id('pu-other/lib');
SELECT pg_temp.repository_id('pu-other/lib') AS repository;
-- The table of blobs has as many as before, and so has what hangs on other repositories or namespaces.
SELECT a.name, a.n - b.n AS more FROM pg_temp.counts() AS a JOIN before AS b USING (name) WHERE a.n <> b.n ORDER BY a.name;

-- A namespace: all of it goes, and nothing of the other one.
SELECT pg_temp.fill_of('pu-org', 'app') IS NOT NULL AS filled;
SELECT pg_temp.links('repository', ARRAY[pg_temp.repository_id('pu-org/app')], false) AS without;
SELECT pg_temp.links('team', ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = pg_temp.user_id('pu-org')), false) AS without;
SELECT quay.namespace_mark_deletion('pu-org', delay => '1 day') AS marker \gset
SELECT pg_temp.links('user', ARRAY[(SELECT namespace_id FROM quay.deletednamespace WHERE id = :marker), pg_temp.user_id('pu-org+ci')], false) AS without;
SELECT pg_temp.try(format('SELECT quay.namespace_purge(%s, 0)', :marker));
SELECT quay.namespace_purge(-1) AS unknown;
SELECT quay.namespace_purge(:marker, 3) AS purged;
SELECT r.state, count(*) FROM quay.repository AS r WHERE r.namespace_user_id = (SELECT namespace_id FROM quay.deletednamespace WHERE id = :marker) GROUP BY r.state;
CREATE FUNCTION pg_temp.purge_namespace(marker bigint, batch integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    calls integer := 1;
BEGIN
    WHILE NOT quay.namespace_purge(marker, batch) AND calls < 1000 LOOP
        calls := calls + 1;
    END LOOP;
    RETURN calls;
END
$$;
SELECT pg_temp.purge_namespace(:marker, 3) > 10 AS calls;
SELECT quay.namespace_purge(:marker) AS again, count(*) AS markers FROM quay.deletednamespace WHERE id = :marker;
SELECT quay.organization_create('pu-org', NULL, 'pu-alice') IS NOT NULL AS name_is_free;
SELECT pg_temp.links('repository', ARRAY[pg_temp.repository_id('pu-other/app')], false) AS without;
SELECT pg_temp.links('team', ARRAY(SELECT t.id FROM quay.team AS t WHERE t.organization_id = pg_temp.user_id('pu-other')), false) AS without;

-- A person with traces in the namespace of another: a row for each foreign key that a person can have, all gone with the marking.
SELECT pg_temp.fill(jsonb_build_object('user', pg_temp.user_id('pu-bob'), 'repository', pg_temp.repository_id('pu-other/app'),
    'accesstoken', (SELECT min(a.id) FROM quay.accesstoken AS a WHERE a.repository_id = pg_temp.repository_id('pu-other/app')),
    'oauthapplication', (SELECT min(a.id) FROM quay.oauthapplication AS a WHERE a.organization_id = pg_temp.user_id('pu-other'))), 'user') IS NOT NULL AS filled;
SELECT pg_temp.links('user', ARRAY[pg_temp.user_id('pu-bob')], false) AS without;
SELECT count(*) AS builds FROM quay.repositorybuild AS b WHERE b.repository_id = pg_temp.repository_id('pu-other/app') \gset
SELECT quay.namespace_mark_deletion('pu-bob') AS marker \gset
SELECT pg_temp.links('user', ARRAY[(SELECT namespace_id FROM quay.deletednamespace WHERE id = :marker)], true) AS after_marking;
SELECT quay.namespace_purge(:marker) AS purged;
SELECT count(*) = :builds AS builds_stay FROM quay.repositorybuild AS b WHERE b.repository_id = pg_temp.repository_id('pu-other/app');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
