-- Docker schema 1: signatures, the digest, the chain of parents, what it says about its place, labels, and pulling it.
BEGIN;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
CREATE FUNCTION pg_temp.digest(content bytea) RETURNS text LANGUAGE sql AS $$ SELECT 'sha256:' || encode(sha256(content), 'hex') $$;
-- Runs a statement and shows how it fails.
CREATE FUNCTION pg_temp.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text;
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint);
END $$;
CREATE FUNCTION pg_temp.put(manifest text, tags text[] DEFAULT '{}', media_type text DEFAULT NULL, expected_digest text DEFAULT NULL,
                            namespace text DEFAULT 'signer', repository text DEFAULT 'app') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN pg_temp.attempt(format('SELECT quay.manifest_put(%L, %L, %L, %L, %L, %L)',
                                  namespace, repository, convert_to(manifest, 'UTF8'), media_type, tags, expected_digest));
END $$;
-- Lets a repository have a blob of that digest.
CREATE FUNCTION pg_temp.have(digest text, size bigint, repository text DEFAULT 'app') RETURNS void LANGUAGE sql AS $$
    INSERT INTO quay.imagestorage (uuid, content_checksum, image_size, uploading, cas_path)
    VALUES (gen_random_uuid()::text, digest, size, false, true) ON CONFLICT DO NOTHING;
    INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
    SELECT r.id, b.id, '2026-03-01', '2026-03-02' FROM quay.repository AS r, quay.imagestorage AS b
    WHERE r.name = have.repository AND b.content_checksum = have.digest
      AND r.namespace_user_id = (SELECT u.id FROM quay."user" AS u WHERE u.username = 'signer') $$;
\a\t
DO $$ BEGIN
    PERFORM quay.user_create('signer', 'password1', 'signer@example.com');
    PERFORM quay.repository_create('signer', 'app', 'signer');
    PERFORM quay.repository_create('signer', 'other', 'signer');
END $$;
-- pushed by a real client, signed with ES256
SELECT $m${"name":"signer/app","tag":"v1","architecture":"amd64","fsLayers":[{"blobSum":"sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"},{"blobSum":"sha256:eaa5ae87791c39fbcac0ddd8582faec74eb51c7ad01198339087b31edb9d0319"},{"blobSum":"sha256:2e29119ab5bffb34273edc57aadceea3093f381db0aaea9570ef1462f41104d5"}],"history":[{"v1Compatibility":"{\"architecture\":\"amd64\",\"author\":\"me\",\"config\":{\"Cmd\":[\"/hello\"],\"Labels\":{\"maintainer\":\"ann\",\"quay.expires-after\":\"2w\"}},\"created\":\"2026-11-23T01:06:57.137381559Z\",\"id\":\"3bb986a3f2bc0eb4bce7ececb66df0aedb0ab3f558f3afcb77506ebddbe1ce6b\",\"os\":\"linux\",\"parent\":\"42e91a243442cfe3d0837534d8e22d2e5f599c3d0ff80d4a3461b8bbc58b6b2c\",\"throwaway\":true}"},{"v1Compatibility":"{\"id\":\"42e91a243442cfe3d0837534d8e22d2e5f599c3d0ff80d4a3461b8bbc58b6b2c\",\"parent\":\"7661543913868ba1b942a8d822be14de10698f9e4f937c2b85ab0e204259c6eb\",\"created\":\"2026-11-23T01:06:57.256958241Z\",\"container_config\":{\"Cmd\":[\"umoci repack\"]}}"},{"v1Compatibility":"{\"id\":\"7661543913868ba1b942a8d822be14de10698f9e4f937c2b85ab0e204259c6eb\",\"created\":\"2026-11-23T01:06:57.188839593Z\",\"container_config\":{\"Cmd\":[\"umoci repack\"]}}"}],"schemaVersion":1,"signatures":[{"header":{"jwk":{"crv":"P-256","kid":"GN4F:V27D:UYUP:BXI6:Z623:2QUO:NFV2:7NKD:E6M6:QLMZ:O7DG:P4ZW","kty":"EC","x":"jJPO3Kwob4o5rRCcQIDIj4n66buwyBZ1BJSFUHpstAI","y":"VAXeYuTRTvz3QPi4S--6qhoM0ybv8Q1a8kDL8ZvpoM4"},"alg":"ES256"},"signature":"F-E1H7JF3vfFRHNNNC4p_298eJKZ3K9J2aaHtS6_w3A5vgIVTGhsvRfUJmpTmmTiEmqwUTd-xnZG46vrlhguXA","protected":"eyJmb3JtYXRMZW5ndGgiOjEyMzcsImZvcm1hdFRhaWwiOiJmUSIsInRpbWUiOiIyMDI2LTExLTIzVDAxOjI4OjQ5WiJ9"}]}$m$ AS signed \gset
-- signed twice, with ES256 and with RS256
SELECT $m${
   "schemaVersion": 1,
   "name": "signer/app",
   "tag": "v2",
   "architecture": "amd64",
   "fsLayers": [
      {
         "blobSum": "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
      }
   ],
   "history": [
      {
         "v1Compatibility": "{\"id\": \"top\", \"Size\": 5}"
      }
   ],
   "signatures": [{"header": {"jwk": {"crv": "P-256", "kty": "EC", "x": "FE2B2cwg7GLc5lq7TPu3zUqAof6LIsWB9RnDDshJj40", "y": "KPvtjYI8ER2wqUbgi0O6rldwHXi4QOCOADplWKPotxo"}, "alg": "ES256"}, "signature": "XncTp1RpFPhzjb--uVxuMUrne32SdXYWId7qgNCAD0l4V74ld-0Xg1Ps1DlHxYWyPhPHWhEzHvqVavS5F1x3Ag", "protected": "eyJmb3JtYXRMZW5ndGgiOiAzMjQsICJmb3JtYXRUYWlsIjogIkNuMCIsICJ0aW1lIjogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0"}, {"header": {"jwk": {"kty": "RSA", "n": "6YX1whxJe1PV6dwYM49HCQMYPBET63aLPetYxzU1SEbeNoq8hmbU3G8IMDO_OtqYJPza4p4wG1A81JeoYQ3g5UrCw4rjxzNxIR9iGRTT2BpqffrpKfiCSybOPPW0s5V-o1--Wy4qOwSYYmil9dXRft5chmOf6LZsBWX8kLRqMz86IxCAtJHpzO4KjtlkBwVK5Yszyc3lFgIl3MXr_WTuQnUsP2dknbnUP2SeuXki1d1BaXRpsNDpYGsx6m90igli0o-uV9WDeJpxWilmxcv4W21khtVe8ybh8dxBo9oOBFNhXpQBFHdnR26Nsn1gQXQD1l4_nIp08X6ec-4hwNCsFQ", "e": "AQAB"}, "alg": "RS256"}, "signature": "tblVIyOE3ELpYVnEuK5oLT6O3UBjgTQACGTPcb3snOhurZ0Px6AWNgDU5vSLYIu60PW41rvXsgx927xA73nFLjEmPeOPXowhi1fOQLbb5oSosSxIoXIg9GimnDaLXklsUGWTmk4_FnmmSCvliIujOwvVy8fm7eGQaU0mNBI2ydRMWOonCKaP6Q_8ZWc0Is6_fMf0llTJgWHaoxGOeKBRtP2u1UAL5mLLsgqx40zNbRAUQKB7TZeDmDRMev2a7ltByTntL5gOZrTqHGTzl3mayYBUKyhE394XMA-eQHStJpvtwNh0Ed5BxFf-Pf3-0OWIhu8YixLLwpGg_5EmkLPDpg", "protected": "eyJmb3JtYXRMZW5ndGgiOiAzMjQsICJmb3JtYXRUYWlsIjogIkNuMCIsICJ0aW1lIjogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0"}]
}$m$ AS both \gset
SELECT $m${
   "schemaVersion": 1,
   "name": "signer/app",
   "tag": "v2",
   "architecture": "amd64",
   "fsLayers": [
      {
         "blobSum": "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
      }
   ],
   "history": [
      {
         "v1Compatibility": "{\"id\": \"top\", \"Size\": 5}"
      }
   ],
   "signatures": [{"header": {"jwk": {"kty": "RSA", "n": "qZtW_SxBTgYApb1vzAGEZV079OX0cLklWSvyW1sUZccg_4w54HlUh-gQkY4fVAP_GPZ-UXACUqUnkutR-SsoLW9yc9RzxYGIbPD5OWPOY3yFCWQSIDcPUdByyKCe8gM2bRZgXsDnpPWl02jDy9uSZg_rodIV-RFprVoHDMvPhIsdZQZWE9IM66t7Bkd2RPRHj2k8bP3WCsq-QsMrxTqj3JdJT19Ydetu8dJH2f8Op4pKJHRT1U6Dv7lHbQBlkRyVTQtaaWQLRmwNON8QhZjFbmU1U_DuSEMQ_W9MuJIbSvT6ZwUs8equIeF2o94CaN2ZFLra_deTH4jSxFFJAZfuMw", "e": "AQAB"}, "alg": "RS256"}, "signature": "LM0SmxTfhrZ87xj7i-tnd7nc7mCTi6ZBGcEFf41maeq6NI7hokN2l_Qd0Q2UXp_Wp5dQl2wyCGREz2BIsi5MhDTEu7PFz3Ql8YKaj0e2yzQwjyaT_X1UASv6Geu98wMalgTKpbWcShIfDnbCF7gFUo4-UH31-VGKqZLhSRDgNOKilfLL_n0QrZknlIQ76ckP_2kXhMrT_I26KDVpAdgHDMIPo_rmld0IuGubkCV45EO6Vh_yRYzGkX-MnZedFVHAyYAyIy68idFSnD5WUibjhMwZAZ2fxffMUSW96xmRa1vcZYo83aPpW5Qzx8RVZQs5yd7Js1VlvJ6uCVSzu7pV3Q", "protected": "eyJmb3JtYXRMZW5ndGgiOiAzMjQsICJmb3JtYXRUYWlsIjogIkNuMCIsICJ0aW1lIjogIjIwMjYtMDEtMDFUMDA6MDA6MDBaIn0"}]
}$m$ AS rsa \gset

-- what it says
SELECT kind, media_type, digest = pg_temp.digest(convert_to(:'signed', 'UTF8')) AS of_bytes, digest, config_digest, layers_size, subject, cardinality(blobs) AS blobs, name, tag, architecture
FROM quay.manifest_inspect(convert_to(:'signed', 'UTF8'));
SELECT kind, media_type, layers_size, name, tag FROM quay.manifest_inspect(convert_to(:'both', 'UTF8'), 'application/vnd.docker.distribution.manifest.v1+json');
SELECT media_type, tag FROM quay.manifest_inspect(convert_to(:'rsa', 'UTF8'), 'application/vnd.docker.distribution.manifest.v1+prettyjws; charset=utf-8');
SELECT role, position, digest, media_type, size, remote FROM quay.manifest_descriptor_list(convert_to(:'signed', 'UTF8')) ORDER BY role, position;

-- its blobs have to be here; the empty layer is everybody's, but it has to be there
SELECT pg_temp.put(:'signed', '{v1}');
SELECT pg_temp.have('sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4', 32, 'other');
SELECT pg_temp.put(:'signed', '{v1}');
SELECT pg_temp.have('sha256:eaa5ae87791c39fbcac0ddd8582faec74eb51c7ad01198339087b31edb9d0319', 110),
       pg_temp.have('sha256:2e29119ab5bffb34273edc57aadceea3093f381db0aaea9570ef1462f41104d5', 143);

-- it says where it belongs
SELECT pg_temp.put(:'signed', '{v2}');
SELECT pg_temp.put(:'signed', '{v1,v2}');
SELECT pg_temp.put(:'signed', '{v1}', repository => 'other');
SELECT pg_temp.put(:'signed', expected_digest => pg_temp.digest(convert_to(:'signed', 'UTF8')));
SELECT quay_internal.schema1_tags('app', 'v1', 'library', 'app', '{v1}'), quay_internal.schema1_tags('a/b/c', 'v1', 'a', 'b/c', '{}');
SELECT pg_temp.attempt($$SELECT quay_internal.schema1_tags('app', 'v1', 'signer', 'app', '{v1}')$$);
SET LOCAL quay.library_support = off;
SELECT pg_temp.attempt($$SELECT quay_internal.schema1_tags('app', 'v1', 'library', 'app', '{v1}')$$);
RESET quay.library_support;

-- by digest it is a push of its tag; a retry changes nothing
SELECT digest AS signed_digest FROM quay.manifest_inspect(convert_to(:'signed', 'UTF8')) \gset
SELECT digest, media_type, tags, size, created FROM quay.manifest_put('signer', 'app', convert_to(:'signed', 'UTF8'), expected_digest => :'signed_digest');
SELECT created, tags FROM quay.manifest_put('signer', 'app', convert_to(:'signed', 'UTF8'), 'application/vnd.docker.distribution.manifest.v1+prettyjws', '{v1}');
SELECT key, value FROM quay.label_list('signer', 'app', :'signed_digest');
SELECT tag, lifetime_end_ms - lifetime_start_ms AS life_ms FROM quay.tag_history('signer', 'app', 'v1') WHERE live;
SELECT (SELECT count(*) FROM quay.manifestblob AS b WHERE b.manifest_id = m.id) AS blobs, m.layers_compressed_size, m.config_media_type, m.artifact_type
FROM quay.manifest AS m WHERE m.digest = :'signed_digest';

-- the bytes come back as they were
SELECT digest, media_type, manifest = convert_to(:'signed', 'UTF8') AS same FROM quay.manifest_get('signer', 'app', 'v1');
SELECT status, media_type, manifest = convert_to(:'signed', 'UTF8') AS same FROM quay.pull('signer', 'signer', 'app', :'signed_digest');
SELECT position, digest, blob_size, remote, v1_json::json ->> 'id' AS id FROM quay.manifest_layers('signer', 'app', :'signed_digest');
SELECT left(docker_image_id, 8) AS id, parent_id IS NULL AS base, created, comment, command, aggregate_size FROM quay.image
WHERE repository_id = (SELECT r.id FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id WHERE u.username = 'signer' AND r.name = 'app') ORDER BY id;
-- to whoever takes no signatures, without them: the digest is the same
SELECT status, media_type, digest = :'signed_digest' AS same, pg_temp.digest(manifest) = :'signed_digest' AS unsigned, size
FROM quay.manifest_select('signer', 'app', 'v1', ARRAY['application/vnd.docker.distribution.manifest.v1+json']);

-- signatures
SELECT created FROM quay.manifest_put('signer', 'app', convert_to(:'both', 'UTF8'));
SELECT pg_temp.put(replace(:'signed', 'amd64', 'arm64'));
SELECT pg_temp.put(replace(:'signed', '"tag":"v1"', '"tag": "v1"'));
SELECT pg_temp.put(replace(:'signed', '"signatures"', '"mediaType":"application/vnd.docker.distribution.manifest.v1+json","signatures"'));
SELECT pg_temp.put(replace(:'rsa', '"signature": "', '"signature": "A'));
SELECT pg_temp.put(replace(:'rsa', 'RS256', 'none'));
SELECT pg_temp.put(replace(:'rsa', 'RS256', 'ES256'));
SELECT pg_temp.put(replace(:'both', '"P-256"', '"P-384"'));
SELECT pg_temp.put(replace(:'both', '"protected": "', '"protected": "e30'));
SELECT pg_temp.put(replace(:'signed', '"protected":"', '"protected":"!'));
SELECT pg_temp.put((:'signed'::jsonb || jsonb_build_object('signatures', (SELECT jsonb_agg(:'signed'::jsonb #> '{signatures,0}') FROM generate_series(1, 17))))::text);
SELECT pg_temp.put((:'signed'::jsonb #- '{signatures,0,header,jwk}')::text);
-- a tail that holds more than the closing brace
SELECT pg_temp.put((:'signed'::jsonb || jsonb_build_object('signatures', jsonb_build_array((:'signed'::jsonb #> '{signatures,0}') ||
    jsonb_build_object('protected', rtrim(encode(convert_to('{"formatLength":1,"formatTail":"Im5hbWUiOiJhIn0"}', 'UTF8'), 'base64'), '=')))))::text);
-- an unsigned one
SELECT pg_temp.put((:'signed'::jsonb - 'signatures')::text), pg_temp.put((:'signed'::jsonb || '{"signatures":[],"architecture":"arm"}')::text);
SELECT media_type, digest = pg_temp.digest(manifest) AS of_bytes FROM quay.manifest_get('signer', 'app', 'v1');

-- the history
CREATE FUNCTION pg_temp.made(VARIADIC history jsonb[]) RETURNS text LANGUAGE sql AS $$
    SELECT jsonb_build_object('schemaVersion', 1, 'name', 'signer/app', 'tag', 'made', 'fsLayers',
        jsonb_agg(jsonb_build_object('blobSum', 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4')),
        'history', jsonb_agg(jsonb_build_object('v1Compatibility', h::text)))::text FROM unnest(history) AS h $$;
SELECT pg_temp.put(pg_temp.made('{"id":"c","parent":"b"}', '{"id":"b","parent":"a"}', '{"id":"a"}'));
SELECT pg_temp.put(pg_temp.made('{"id":"c","parent":"a"}', '{"id":"b","parent":""}', '{"id":"a","parent":null}'));
SELECT pg_temp.put(pg_temp.made('{"id":"a"}', '{"id":"b","parent":"a"}'));
SELECT pg_temp.put(pg_temp.made('{"id":"a","parent":"a"}'));
SELECT pg_temp.put(pg_temp.made('{"parent":"a"}'));
SELECT pg_temp.put(pg_temp.made('[]'));
SELECT pg_temp.put(pg_temp.made('{"id":"a","config":{"Labels":{"x":1}}}'));
SELECT pg_temp.put(pg_temp.made('{"id":"a","config":{"Labels":null}}', '{"id":"b","config":{"Labels":{"x":1}}}'));
SELECT pg_temp.put(pg_temp.made('{"id":"a","Size":-1}'));
SELECT layers_size FROM quay.manifest_inspect(convert_to(pg_temp.made('{"id":"a","Size":4}', '{"id":"b"}', '{"id":"c","Size":3}'), 'UTF8'));
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"history":[]}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"history":[],"fsLayers":[]}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"history":[{"v1Compatibility":"{"}]}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"fsLayers":[{"blobSum":"tarsum:x"}]}')::text);
SELECT f, pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb - f)::text, media_type => 'application/vnd.docker.distribution.manifest.v1+json')
FROM unnest(ARRAY['name', 'tag', 'fsLayers', 'history', 'schemaVersion']) AS f;
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"schemaVersion":2}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"layers":[]}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"mediaType":"application/vnd.oci.image.manifest.v1+json"}')::text, media_type => 'application/vnd.docker.distribution.manifest.v1+json');
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"tag":""}')::text);
SELECT pg_temp.put((pg_temp.made('{"id":"a"}')::jsonb || '{"name":""}')::text);
SELECT pg_temp.attempt(format('SELECT quay.manifest_put(%L, %L, %L, config => %L)', 'signer', 'app', convert_to(pg_temp.made('{"id":"a"}'), 'UTF8'), ''));

-- a Docker list of one that is not signed: what it runs on must agree
SELECT pg_temp.made('{"id":"listed"}')::jsonb || '{"architecture":"arm","tag":"listed"}' AS listed \gset
SELECT created FROM quay.manifest_put('signer', 'app', convert_to(:'listed', 'UTF8'));
CREATE FUNCTION pg_temp.list(child text, architecture text) RETURNS text LANGUAGE sql AS $$
    SELECT jsonb_build_object('schemaVersion', 2, 'mediaType', 'application/vnd.docker.distribution.manifest.list.v2+json', 'manifests', jsonb_build_array(
        jsonb_build_object('mediaType', 'application/vnd.docker.distribution.manifest.v1+json', 'digest', pg_temp.digest(convert_to(child, 'UTF8')),
                           'size', length(child), 'platform', jsonb_build_object('os', 'linux', 'architecture', architecture))))::text $$;
SELECT pg_temp.put(pg_temp.list(:'listed', 'amd64'), '{list}');
SELECT pg_temp.put(pg_temp.list(:'listed', 'arm'), '{list}');

SELECT name FROM quay.tag_list('signer', 'app');
ROLLBACK;
