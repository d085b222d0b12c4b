-- The views of dropped models: odd and missing manifests give no rows and no errors.
BEGIN;
\pset format unaligned
INSERT INTO quay."user" (id,username,email,verified,organization,robot,invoice_email,last_invalid_login) VALUES (900001,'a','a@b',true,false,false,false,'2026-01-01'), (900002,'o','a@c',true,true,false,false,'2026-01-01');
INSERT INTO quay.repository(id,namespace_user_id,name,visibility_id,badge_token) VALUES (900001,900001,'r',1,'');
INSERT INTO quay.manifest(id,repository_id,digest,media_type_id,manifest_bytes) VALUES
(900001,900001,'sha256:a',1,'{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[{"digest":"sha256:l1","size":10},{"digest":"sha256:l2","size":"x"},{"digest":"sha256:l3","size":5},3]}'),
(900002,900001,'sha256:b',1,''),(900003,900001,'sha256:c',1,'{'),(900004,900001,'sha256:d',1,'[]'),(900005,900001,'sha256:e',1,'{"config":3,"layers":{}}'),
(900006,900001,'sha256:f',1,'{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":[1,"\u0000"]}'),
(900007,900001,'sha256:g',1,'{"fsLayers":[{"blobSum":"sha256:l2"},{"blobSum":"sha256:l1"}],"history":[{"v1Compatibility":"{top}"},{"v1Compatibility":"{base}"}]}'),
(900008,900001,'sha256:h',1,'"x"'),(900009,900001,'sha256:i',1,repeat('[',100000)),(900010,900001,'sha256:j',1,'{"config":{"mediaType":"application/vnd.oci.image.config.v1+json"},"layers":'||repeat('[',100)||repeat(']',100)||'}');
INSERT INTO quay.imagestorage(id,uuid,content_checksum) VALUES (900001,'u','sha256:l1');
SELECT id, length(docker_image_id) AS digits, repository_id, ancestors, storage_id, aggregate_size, v1_json_metadata, v1_checksum, parent_id,security_indexed,security_indexed_engine FROM quay.image WHERE repository_id = 900001 ORDER BY id;
INSERT INTO quay.tag(name,repository_id,manifest_id,lifetime_start_ms,tag_kind_id) VALUES ('t',900001,900001,0,1),('u',900001,900002,0,1);
SELECT digest, json_data = '' AS sparse FROM quay.tagmanifest WHERE digest IN ('sha256:a', 'sha256:b') ORDER BY 1;

INSERT INTO quay.team (id, name, organization_id, role_id, description) VALUES (900001, 'a', 900002, 1, ''), (900002, 'b', 900002, 1, '');
INSERT INTO quay.teammember (id, user_id, team_id) VALUES (900001, 900001, 900002), (900002, 900001, 900001);
SELECT * FROM quay.organizationmember WHERE organization_id = 900002;
SELECT quay_internal.json_or_null(t) FROM (VALUES ('{"a": 1}'), ('{"a": '), (''), (NULL), ('"\u0000"'), ('[1, 2]')) AS v (t);
-- times as documents have them; anything else is none
SELECT t, quay_internal.timestamp_or_null(t) FROM unnest(ARRAY['2026-03-01T12:00:00Z', '2026-03-01t12:00:00.123456789z', '2026-03-01T00:30:00+01:00', '2026-02-28T23:30:00.5-05:30',
    '2024-02-29T00:00:00Z', '2026-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '0000-01-01T00:00:00Z',
    '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.9999999Z', '2026-03-01T24:00:00Z', '2026-03-01T12:60:00Z', '2026-03-01T12:00:60Z', '2026-03-01 12:00:00Z', '2026-03-01T12:00:00', '2026-03-01', 'now', 'infinity', '']) AS t;
-- what schema 1 says about a layer: only if it is what it should be
INSERT INTO quay.manifest(id,repository_id,digest,media_type_id,manifest_bytes)
SELECT 900011, 900001, 'sha256:k', 1, jsonb_build_object('fsLayers', jsonb_agg('{"blobSum":"sha256:l1"}'::jsonb), 'history', jsonb_agg(jsonb_build_object('v1Compatibility', h)))::text
FROM unnest(ARRAY['{"id":"c","created":"2026-03-01T12:00:00Z","comment":"made","container_config":{"Cmd":["a","b"]},"Size":5}', '{"id":"b","created":"soon","container_config":{"Cmd":"a"},"Size":"x"}', '[]', '{"id":7,"created":3,"comment":null,"Size":4}']) AS h;
SELECT docker_image_id, created, comment, command, aggregate_size FROM quay.image WHERE id / 1024 = 900011 ORDER BY id;
ROLLBACK;
