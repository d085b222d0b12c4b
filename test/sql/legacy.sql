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
ROLLBACK;
