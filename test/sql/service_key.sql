-- Service keys: their life, the notifications about them, and what a key server does with them. The signatures were made for this test.
\set VERBOSITY default
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = ISO;
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
SET LOCAL quay.server_hostname = 'registry.example';
SET LOCAL quay.url_scheme = 'https';
CREATE TEMP TABLE token (name text, header text, claims text, signature text) ON COMMIT DROP;
COPY token FROM stdin;
a by itself	{"typ":"JWT","alg":"RS256","kid":"skt-a"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	k2hC0GC3M7qPCWgGLQiTrnrFkxc8Zc4USKN1HbQH8DbK65gHkkJxOVNrXw5vQxOOZ_Vidc_qfsrUH8Nor0-glll43qzeyj2_AwcC0w8ViuAfjdP2r7BLf2c-bcjDBkV5khisF8RSNKPzmEKVx_EGB5u1vX7Ttx_PWi7WfxSv1_QrEaOlW0eCI_yV_p9DuG2mRMWafO_C8qT428yyfSydqrDkCrxWmioat6GegOBw03iO4fO_Cit7RlDn6GiRwQnQrw6VyzfjY8VPYiifhDohuC9LMceTJvhaeB1Kz3dN1GePbirdjF5Ck_oliOKjGn1WGESoO4v3gQTkPGENTHi2iA
a without kid	{"typ":"JWT","alg":"RS256"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	TgEiTs_DyWJs8bYh1ZwqtI-yfD3V3qDXt84xTwUH1Yf6BZGUSbRklDXFCmrV9dn3KnIituLhuqgWHUGtzvZ5pnevXRr1-gufBks3wk86w62Kl4CKp4PAHeJIeBRhj2mPHb9nlwAQIK5m3HXT42EDCzTiJMupwwRSAM88wVeFDmbWQEGHSP0tQBb-QGiqsdIkRnDJSGm1QJF2SZJHzdXs9kvGYdMtbkD39E6eGoFvdTI-giq9xC54KC8tCTAs1Ky1NKY3EEdih2mcwUpm2kp1t5v-lVGCU1znhLUunqQl6yIwSyNbsatIqK7Lw_Je1K5oNJKsnCepTlV3arU-qOdqiQ
b by itself	{"typ":"JWT","alg":"RS256","kid":"skt-b"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	wO6yEBMbqHUiTSw6Ixjn6FP-C7_6bYFF21TfAwtttK2PJt2Qq0a6IWJHl2bVXfzYJ1lVoDuiv6jkOHHeaw0PwvapDPb1DYA4eMC7_RIXZYAIuVcm7hgJoqlvrfrR02i0ZT_6B0nHykvt69Ic7SPhhS1ycMmOQZvxsPHdQmGeVsPcvXFd6MhHGv9UJmV8rDLmC35Pky-16qKPXLXbb5iqaBLJ0Zm2l3iQXLn3ShUOqt8tcBqt8O1K1zu2SvJGHmdVAdlBeaENKqzzYCY75_MXf6OmkCvNADzjFSIjxNoikcIGcIfqF8DLPl5o8JzzUlEjoiOcaZKtM9acdYMyS5iMRw
c by b	{"typ":"JWT","alg":"RS256","kid":"skt-b"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	wO6yEBMbqHUiTSw6Ixjn6FP-C7_6bYFF21TfAwtttK2PJt2Qq0a6IWJHl2bVXfzYJ1lVoDuiv6jkOHHeaw0PwvapDPb1DYA4eMC7_RIXZYAIuVcm7hgJoqlvrfrR02i0ZT_6B0nHykvt69Ic7SPhhS1ycMmOQZvxsPHdQmGeVsPcvXFd6MhHGv9UJmV8rDLmC35Pky-16qKPXLXbb5iqaBLJ0Zm2l3iQXLn3ShUOqt8tcBqt8O1K1zu2SvJGHmdVAdlBeaENKqzzYCY75_MXf6OmkCvNADzjFSIjxNoikcIGcIfqF8DLPl5o8JzzUlEjoiOcaZKtM9acdYMyS5iMRw
c by itself	{"typ":"JWT","alg":"RS256","kid":"skt-c"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	UHsgsm9yr2tFFsTSYLzTFQFGdqZkVhUBB_jkEKN6qDXv6aGV6RLYUbYXLa8ZMbsUw7u8jw9Y8c3h2ZYpVMorGvuM0v03b4eYUO2_1WZ4BKj5MqnZwYh3VPaCLLRJHzsWcpptKTdQq3L7s2DLACpbw2bhvxGVI-99Ccd4ULlROunl04CtIyR35LlXd3DLPZf0IOHauEgOzJdl9LZriGBeK7nI5xH9HLGhD3SN_eWbMP60_bGV4QejoVw3pDlmvKRkvyURhYPvNIap0SvrYyE9QfCaH6NlAiYuY0lWnXXLqrAv_y6EHVgJUE2b9yHiKu7PeBAbt5S_qmSg045iDhj8EQ
forged	{"typ":"JWT","alg":"RS256","kid":"skt-b"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	mkMR0646idEMkX39njvL6GtZp5nn250EVvHycuQcJilUKqmZYGTpdu_8V5WhjkQc5UoOjpY_UMJJ27fyJpTcHiTg8CIrgp_O_QkUqmb6gYz1mkAcUlVxLFPwJcl3NnEhuAdYcEE_T6w_y1M9EWWxoK2HawQht19zJQzeS1QI-HJ9pxFY_XfB5R7WBYEYuf-nGDYhed3DsG3hRdkv3kh0ABX-S2HLqL7X5N0zQWntDEn6cFdBmKf0i7VUiqDZXpGtLnlPRvZHSPUHGnhe_-HZ5ZuxEk-g1zxhEoLhxm_y7J9ICPJOCOFbMGcuR78X85vig2OKcUURAIaMf9IQ5NHfhg
wrong audience	{"typ":"JWT","alg":"RS256","kid":"skt-a"}	{"iss":"skt_svc","aud":"https://other.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	ByvjRAu82jd2lyiCn_62Iu97UTSyzT3TZwZ26PHWIyqDDZcUrDLH1uLpLCOzFrh8aG2Ecy6I8jZVLDuvKylwYzYbkWhEY_TDXl70v4g-w2TSTFsK2LiZVYCp4RGyU7ADAW3z3NhuzZurW9C4GcCWRYrYJpp0lWokmBLPXdKXdp9CW7A-JW-BQc9bfl6NHmP70AaWRVsozGuZton3ytwmrNlJtq_PD7YZ82lZSJrOUiQdXuM9MQlhKJtGYLuyVCLvHM0pBCUHqKw9D-oBR8WXN96M6ryEGFaC8GFJzsG2d8XeVNlT-7k5X6GAszmh7ztmR-ys8zRmnLiSG5TfGADSSQ
wrong issuer	{"typ":"JWT","alg":"RS256","kid":"skt-a"}	{"iss":"other","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	B7nr7oQdgfFwhRxPM_BDNYy_eRanwBbHhsbUKsR1Xj6NRB3Mz7DevPXrc9SheOCqeOmnOIMr3sSu18OZv9bNWiFTD12qBiF9FRrumk3jjDtiPlLAhSq9LS8Yiwq74i6a8asz_3tZPC-98oXAL_58f3r3EUzuGwd1u-nD3wGP0FNaJ4GVqkSSBAf4ko48htmblmfL2p1JvMksEsKD1CvCDTYPnPBKP38SrRKkQFOcPlUDR47ajaGP5NS4JdbVHhtAW6qlpWs52EvPNZ_zr601ewcJUVlCFCcUzi3oBCrotpa5wepc3CtW5cV0u3Lh07UCyxR81TAyWAY6uTsscU0QLw
by nobody	{"typ":"JWT","alg":"RS256","kid":"skt-none"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	L3YULH0stfhIgl3jcKh8pfRgcTm-mTVZqPMM3YqP4XkjyoRJDk2NW3umyHkVoI7SocrC8xolz9630oWsdB3Fc8Qpbp8Ym9knO1Us0ux4eFq13bvjjlM3ga1DK1Hr21TwVyJxDHOj6SEkUeNpWYWMjLm7DclpH_VMDO5AqbtP6aJ2l8SlZAsQgGdd9NvN3S1mXSy6JAy75YjtQYYLgJH6W_V1kaoG1vVjBBnMw-fEEhqJumApdKGRGce6vfKRmQO5yP5xRTA9cM6XiQDlTwida7gaadpGON1nj9lPQ4lFfXNtbrKHuZWWu3fylCY8oMM_Nl2jWVOq87pxUJyZhfWxWw
by another service	{"typ":"JWT","alg":"RS256","kid":"skt-other"}	{"iss":"skt_svc","aud":"https://registry.example","sub":"skt_svc","iat":1772366400,"nbf":1772366400,"exp":1772366700}	vINFJX6krts62INOIyHxQn_snBVwyxENRARUJILNegpHma3x7p6YEDW-G8TBTxkW-Du5R9qwsZqGTbUZbwLuEvhFqLbPTP0n-2B7tZkhGXA1rW1KvhyqALZ5HTYMoPAtttdBDMeayOHoxdnESnfg0b6b9FCpy2YOBp31B32OpJADT3WsS2pMtirqfVdXg6DT4aVTF2uyj7UF3IyuNdW1rE75laziiddWKhFiYa_cveZyCuiDFmFO5e_61ReuubwLyz9O0LBZKreCyi4dNNEFZr8nd7WEjU8_urVgoBoupDjyk278_h7mozbDb7afAqi0elXI9W4p1VSsqZ1AZ8Wjxg
\.
CREATE FUNCTION pg_temp.base64url(content text) RETURNS text LANGUAGE sql AS $$
    SELECT rtrim(translate(encode(convert_to(content, 'UTF8'), 'base64'), E'+/\n', '-_'), '=')
$$;
CREATE FUNCTION pg_temp.token(name text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.base64url(t.header) || '.' || pg_temp.base64url(t.claims) || '.' || t.signature FROM token AS t WHERE t.name = $1
$$;
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE command;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN format(E'%s %s\n%s\n%s', SQLSTATE, message, detail, hint);
END
$$;
CREATE FUNCTION pg_temp.notified() RETURNS TABLE (username text, path text, kid text, metadata jsonb) LANGUAGE sql AS $$
    SELECT u.username, regexp_replace(n.lookup_path, '/\d+$', CASE WHEN n.lookup_path LIKE '%/' || u.id THEN '/<id>' ELSE '/?' END),
           n.metadata_json::jsonb ->> 'kid', n.metadata_json::jsonb - 'jwk' - 'kid'
    FROM quay.notification AS n JOIN quay.notificationkind AS k ON k.id = n.kind_id JOIN quay."user" AS u ON u.id = n.target_id
    WHERE k.name = 'service_key_submitted' ORDER BY n.id
$$;
CREATE FUNCTION pg_temp.logged() RETURNS TABLE (kind text, performer text, metadata jsonb, ip text) LANGUAGE sql AS $$
    SELECT k.name, p.username, l.metadata_json::jsonb, l.ip
    FROM quay.logentry3 AS l JOIN quay.logentrykind AS k ON k.id = l.kind_id LEFT JOIN quay."user" AS p ON p.id = l.performer_id
    WHERE k.name ~ '^service_key' ORDER BY l.id
$$;
CREATE FUNCTION pg_temp.keys() RETURNS TABLE (kid text, service text, name text, metadata jsonb, created timestamptz, expiration timestamptz, rotation_duration integer,
                                              approval_type text, approver text, approved timestamptz, notes text) LANGUAGE sql AS $$
    SELECT k.kid, k.service, k.name, k.metadata, k.created, k.expiration, k.rotation_duration, k.approval_type, k.approver, k.approved, k.notes
    FROM quay.service_key_list() AS k WHERE k.service ~ '^skt'
$$;
\set a '{"kty": "RSA", "n": "pmbIrOHOPM5W6IE5GBlom-YQOHp7l9QPKobGqaEGk8OyFapL1kuNZ74jGiJr5BZDCrNtK3RQpdB_s6N0FIaf82qizXKDqAMqocRneBuPxL1_sJ1Q3U9o4tjeB7c75eHr-cirYnRhGPTB4O8feIGeaAc8OIcQchhLC4hoFYgpvkBjUCeC_DTw7aSlunPPSQW19NLuJWprrXNkuAbJmUXB2ybpA4Wo5yp3_nF1Lsn4JwmOu_DYZsSGRybAnP5se1lDjIvb2dUGCdtT4i1KcbfhRsdKOiGZYGBf8FI0UxNzomeU4UbHeDM5Y-JE2-kohuuPMIlTvNqqsWNHoPy8WwOzrw", "e": "AQAB"}'
\set b '{"kty": "RSA", "n": "65UmOrxnHTzNIjWjc1tBQcWpcIlgY3tVqV_4A1Crrom-agsz4qYgPDmGyKiDIFAEXRoBPjYRaqLeEBRp9woYchcYDSs2Yg6Q5Jc0Y2fNrFUfW5flWEnJx1AMbi-HWUtfkBA4kAsm8P6PqLhuyYCXTC0rKaQxezs6byrI4gPlq8dxz2LYMmT0X774k_MqgWFKtmyZQqXZx5lB--21et2RxrY2HzJGyR_VTOvunwQnRND9THMUfp6jfvP8snW6c6J6HG0KS2gwMLj3oegj4cOb4EqI2_nsfUqgK3El3bCWb5HSohDtNW1OqBMzfAARmwg3evhPPrOIzVZ94X3sOZXluw", "e": "AQAB"}'
\set c '{"kty": "RSA", "n": "2kvth9B28Q7L6HBNxJly9jGM3JWmxNuenm5uiFulcdXP86tOA8eCW4BdTRXg2pj1bSctR8EnZwYidm9UOZnXtFmFkdGowoHgDdYh1KHzul6mzEMzw9iWna1nzUz4RgPNKSYEWAj2S02HmNCcACMiElQOjLLJOQhCXiYJWeb72pEnBTvO2aoyPGySr6Fnowb0ABSNhTR5_thDSmcQ4jgSqOarEUqKt_qDKOL_5WqFN1Wzoste8naoOLl3CDS33lkd1YjI1EZmMAbRuhl4HHYXzt_YTXLfq57iowDQ42pOLZSivV4OBnGqM_F9By_vvFU2gs2A1bizLG7nk9IE1y7Asw", "e": "AQAB"}'
\set short '{"kty": "RSA", "n": "8uzrAHEEKabNaIFybLQuY3GrU5BGbNPiKaqoV1d5YLZw-aLQYbXSzieTaDlLGeAfW0LmJ6VUq2WnmSA1cL_dEnmVqyxSEbxK-9vHd5zh-EoSeg2b547YzLE1hrt4PqQj9ek9tTdFi_9HzNYqbDeA16_mFl0ZDjN0niWHplr8buM", "e": "AQAB"}'
DELETE FROM quay.superuser;
SELECT count(quay.user_create(n, 'password', n || '@skt.example')) FROM unnest(ARRAY['skt-super', 'skt-super2', 'skt-reader', 'skt-plain']) AS n;
INSERT INTO quay.superuser VALUES ('skt-super', 'superuser'), ('skt-super2', 'superuser'), ('skt-reader', 'readonly'), ('skt-unborn', 'superuser');

-- Created: each superuser that exists is told.
SELECT quay.service_key_create('skt_svc', 'skt_1', :'a', 'First key: a/b', '{"x": 1}', '2026-03-02 12:00:00+00', 3600, actor => 'skt-plain', ip => '192.0.2.1') IS NOT NULL AS id;
SELECT quay.service_key_create('skt_svc', 'skt_10', :'b') IS NOT NULL AS id;
SELECT quay.service_key_create('skt_svc', 'skt%1', :'c') IS NOT NULL AS id;
SELECT quay.service_key_create('skt_svc', NULL, :'a') IS NOT NULL AS id;
SELECT quay.service_key_create('skt_other', 'skt-auto', :'b', approval_type => 'automatic') IS NOT NULL AS id;
SELECT * FROM pg_temp.notified();
SELECT * FROM pg_temp.keys();
SELECT jwk = :'a'::jsonb AS same FROM quay.service_key_get('skt_1', approved_only => false);
SELECT a.approval_type FROM quay.servicekeyapproval AS a JOIN quay.servicekey AS k ON k.approval_id = a.id WHERE k.kid = 'skt-auto';

-- Approved: once. skt_1 is neither skt_10 nor, with a wildcard, skt%1.
SELECT quay.service_key_approve('skt_1', 'fine', actor => 'skt-super', ip => '192.0.2.2'), quay.service_key_approve('skt_1', 'again', actor => 'skt-super2');
SELECT kid, count(*) FROM pg_temp.notified() GROUP BY kid ORDER BY kid COLLATE "C";
SELECT quay.service_key_approve('skt%1', approval_type => 'key_rotation');
SELECT kid, count(*) FROM pg_temp.notified() GROUP BY kid ORDER BY kid COLLATE "C";
SELECT kid, approval_type, approver, approved, notes FROM pg_temp.keys() WHERE approved IS NOT NULL;

-- Read.
SELECT kid FROM quay.service_key_list('skt_svc');
SELECT kid FROM quay.service_key_list('skt_svc', usable_only => true);
SELECT kid FROM quay.service_key_list('skt_svc', after => 'skt_1', n => 1);
SELECT kid FROM quay.service_key_list('skt_svc', n => 0);
SELECT kid, service, approver FROM quay.service_key_get('skt_1');
SELECT kid, service FROM quay.service_key_get('skt_1', 'skt_svc');
SELECT count(*) AS foreign_service FROM quay.service_key_get('skt_1', 'skt_other');
SELECT count(*) AS not_approved FROM quay.service_key_get('skt_10');
SELECT count(*) AS unknown FROM quay.service_key_get('skt_none');
SELECT k, f.status, f.jwk = :'a'::jsonb AS jwk, f.max_age FROM unnest(ARRAY['skt_1', 'skt_10', 'skt_none', 'skt-auto', NULL]) AS k, quay.service_key_fetch('skt_svc', k) AS f;
SELECT f.max_age FROM quay.service_key_fetch('skt_other', 'skt-auto') AS f;
-- in any time zone
SET LOCAL timezone = 'Pacific/Auckland';
SELECT k, f.status, f.max_age FROM unnest(ARRAY['skt_1', 'skt_10']) AS k, quay.service_key_fetch('skt_svc', k) AS f;
SET LOCAL timezone = 'UTC';
SET LOCAL quay.clock = '2026-03-02 11:59:00.5+00';
SELECT f.status, f.max_age FROM quay.service_key_fetch('skt_svc', 'skt_1') AS f;
SET LOCAL quay.clock = '2026-03-02 12:00:00+00';
SELECT f.status, f.max_age FROM quay.service_key_fetch('skt_svc', 'skt_1') AS f;
SELECT count(*) AS alive FROM quay.service_key_get('skt_1');
SELECT count(*) AS expired FROM quay.service_key_get('skt_1', alive_only => false);
-- To those who name the service, a key that nobody approved in a day is unknown.
SELECT f.status FROM quay.service_key_fetch('skt_svc', 'skt_10') AS f;
SELECT kid FROM quay.service_key_list('skt_svc');
SELECT kid FROM quay.service_key_list('skt_svc', usable_only => true);
SELECT kid FROM pg_temp.keys();
SET LOCAL quay.clock = '2026-03-09 11:59:59+00';
SELECT f.status FROM quay.service_key_fetch('skt_svc', 'skt_1') AS f;
SET LOCAL quay.clock = '2026-03-09 12:00:00+00';
SELECT f.status FROM quay.service_key_fetch('skt_svc', 'skt_1') AS f;
SELECT kid FROM pg_temp.keys();
SELECT count(*) FROM quay.servicekey WHERE service = 'skt_svc';

-- Collected, of one service, when a key of it is made; the notifications go as well.
SELECT quay.service_key_gc('skt_other');
SELECT quay.service_key_create('skt_svc', 'skt-new', :'a', approval_type => 'superuser', notes => 'made by hand', actor => 'skt-super') IS NOT NULL AS id;
SELECT kid FROM quay.servicekey WHERE service = 'skt_svc' ORDER BY kid COLLATE "C";
SELECT count(*) FROM pg_temp.notified();
SELECT quay.service_key_gc();

-- Changed.
SELECT quay.service_key_update('skt-new', 'Renamed', '{"a": 1, "b": {"c": 2}}', actor => 'skt-super', ip => '192.0.2.3');
SELECT quay.service_key_update('skt-new', metadata => '{"b": 3}');
SELECT quay.service_key_update('skt-new', '');
SELECT name, metadata FROM quay.service_key_get('skt-new');
SELECT quay.service_key_set_expiration('skt-new', '2026-03-10 12:00:00+00', actor => 'skt-super', ip => '192.0.2.4');
SELECT quay.service_key_set_expiration('skt-new', '2026-03-11 12:00:00+00');
SELECT expiration FROM quay.service_key_get('skt-new');
SELECT quay.service_key_set_expiration('skt-new', NULL, actor => 'skt-super');
SELECT expiration FROM quay.service_key_get('skt-new');

-- Replaced: the new key inherits, also the approval.
SELECT quay.service_key_update('skt-new', 'Renamed');
SELECT quay.service_key_replace('skt-new', 'skt-newer', :'b', '{"b": 4, "d": 5}', '2026-04-01 00:00:00+00', actor => 'skt-super', ip => '192.0.2.5') IS NOT NULL AS id;
SELECT * FROM pg_temp.keys() WHERE kid LIKE 'skt-new%';
SELECT count(*) FROM pg_temp.notified();
-- One that waits for approval goes on waiting, under the new name.
SELECT quay.service_key_create('skt_svc', 'skt-wait', :'a', rotation_duration => 60) IS NOT NULL AS id;
SELECT quay.service_key_replace('skt-wait', 'skt-waiting', :'c') IS NOT NULL AS id;
SELECT username, path, kid FROM pg_temp.notified();
SELECT kid, rotation_duration, approved FROM pg_temp.keys() WHERE kid LIKE 'skt-wait%';

-- Deleted.
SELECT quay.service_key_delete('skt-waiting', actor => 'skt-super', ip => '192.0.2.6');
SELECT count(*) FROM pg_temp.notified();
SELECT kid FROM pg_temp.keys();

-- What was recorded.
SELECT * FROM pg_temp.logged();
DELETE FROM quay.logentry3;

-- Generated: the private key is nowhere.
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT * FROM quay.service_key_generate('skt_gen', name => 'generated', expiration => '2026-04-01 00:00:00+00', approval_type => 'automatic', actor => 'skt-super');
SELECT service, private_key ~ '^-----BEGIN PRIVATE KEY-----\n.*\n-----END PRIVATE KEY-----\n$' AS private_key, kid = quay_internal.jwk_thumbprint(jwk ->> 'n', jwk ->> 'e') AS kid,
       jwk ->> 'kid' = kid AS jwk_kid, ARRAY(SELECT jsonb_object_keys(jwk)) AS members, length(jwk ->> 'n') AS n, jwk ->> 'e' AS e FROM made;
SELECT g.jwk = m.jwk AS same, g.name, g.expiration, g.approval_type, g.approver FROM made AS m, quay.service_key_get(m.kid) AS g;
SELECT count(*) FROM made AS m, quay.servicekey AS k WHERE k.id = m.id AND k::text LIKE '%PRIVATE%';
SELECT service, kid FROM quay.service_key_generate('skt_gen', 'skt-named');
SELECT username, kid FROM pg_temp.notified();
SELECT kind, performer, metadata - 'kid' AS metadata FROM pg_temp.logged();
SELECT quay.service_key_delete('skt-named');
DELETE FROM quay.logentry3;

-- A key server: submitted by itself, refused while nobody approved, rotated by an approved one, withdrawn.
SET LOCAL quay.clock = '2026-03-01 12:00:00+00';
DELETE FROM quay.servicekey WHERE service ~ '^skt';
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', pg_temp.token('wrong audience'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', pg_temp.token('wrong issuer'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'b', pg_temp.token('a by itself'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', 'garbage');
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', NULL);
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', pg_temp.token('by nobody'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a', :'a', pg_temp.token('a by itself'), '2026-03-01 13:00:00+00', 3600, '192.0.2.7', 'svc/1.0');
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-a2', :'a', pg_temp.token('a without kid'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-b', :'b', pg_temp.token('a by itself'));
SELECT quay.service_key_approve('skt-a', actor => 'skt-super');
SELECT * FROM quay.service_key_publish('skt_other', 'skt-b', :'b', pg_temp.token('a by itself'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-b', :'b', pg_temp.token('a by itself'), ip => '192.0.2.8', user_agent => 'svc/1.1');
SELECT kid, metadata, rotation_duration, approver FROM pg_temp.keys();
SELECT username, kid FROM pg_temp.notified();
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-c', :'c', pg_temp.token('a by itself'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-c', :'c', pg_temp.token('forged'));
SELECT quay.service_key_create('skt_other', 'skt-other', :'c', approval_type => 'superuser') IS NOT NULL AS id;
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-c', :'c', pg_temp.token('by another service'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', pg_temp.token('by another service'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', pg_temp.token('a without kid'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', pg_temp.token('forged'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', NULL);
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-none', pg_temp.token('c by b'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-other', pg_temp.token('c by b'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-c', :'c', pg_temp.token('c by itself'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', pg_temp.token('c by itself'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-c', pg_temp.token('c by itself'));
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-a2', pg_temp.token('c by b'), '192.0.2.9', 'svc/1.2');
SELECT quay.service_key_set_expiration('skt-b', '2026-03-01 12:00:01+00');
SET LOCAL quay.clock = '2026-03-01 12:00:01+00';
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-b', pg_temp.token('b by itself'));
SELECT * FROM quay.service_key_publish('skt_svc', 'skt-c', :'c', pg_temp.token('c by b'));
SELECT quay.service_key_set_expiration('skt-b', NULL);
SELECT * FROM quay.service_key_withdraw('skt_svc', 'skt-b', pg_temp.token('b by itself'));
SELECT kid FROM pg_temp.keys();
SELECT count(*) FROM pg_temp.notified();
SELECT * FROM pg_temp.logged();

-- Errors.
SELECT left(s, 10) AS service, left(k, 10) AS kid, left(n, 20) AS name, pg_temp.refused(format('SELECT quay.service_key_create(%L, %L, %L, %L, %L)', s, k, j, n, m))
FROM (VALUES ('Svc', 'k', :'a', '', '{}'), ('', 'k', :'a', '', '{}'), (NULL, 'k', :'a', '', '{}'), (E'svc\n', 'k', :'a', '', '{}'), (repeat('s', 256), 'k', :'a', '', '{}'),
             ('skt_svc', '', :'a', '', '{}'), ('skt_svc', 'a/b', :'a', '', '{}'), ('skt_svc', 'a b', :'a', '', '{}'), ('skt_svc', 'ä', :'a', '', '{}'),
             ('skt_svc', repeat('k', 201), :'a', '', '{}'), ('skt_svc', E'k\n', :'a', '', '{}'),
             ('skt_svc', 'k', :'a', 'a;b', '{}'), ('skt_svc', 'k', :'a', 'ä', '{}'), ('skt_svc', 'k', :'a', repeat('n', 256), '{}'), ('skt_svc', 'k', :'a', '', '[]'),
             ('skt_svc', 'k', NULL, 'no key', '{}'), ('skt_svc', 'k', '[]', 'array', '{}'), ('skt_svc', 'k', '{}', 'empty', '{}'),
             ('skt_svc', 'k', '{"kty": "EC", "n": "AQAB", "e": "AQAB"}', 'EC', '{}'), ('skt_svc', 'k', '{"kty": "RSA", "e": "AQAB"}', 'no n', '{}'),
             ('skt_svc', 'k', '{"kty": "RSA", "n": 1, "e": 2}', 'numbers', '{}'), ('skt_svc', 'k', '{"kty": "RSA", "n": "AQAB", "e": "AQAB"}', 'tiny', '{}'),
             ('skt_svc', 'k', :'short', '1024 bits', '{}'), ('skt_svc', 'k', (:'a'::jsonb || '{"d": "AQAB"}')::text, 'private', '{}'),
             ('skt_svc', NULL, '{}', 'no thumbprint', '{}')) AS t (s, k, j, n, m);
SELECT quay.service_key_create('skt_svc', 'skt-x', :'a') IS NOT NULL AS id, quay.service_key_create('skt_svc', 'skt-y', :'b', expiration => '2026-03-01 13:00:00+00') IS NOT NULL AS id;
SELECT f, pg_temp.refused(format('SELECT quay.%s', format(f, :'b'))) FROM unnest(ARRAY[
    'service_key_create(''skt_svc'', ''skt-x'', %L)', 'service_key_replace(''skt-y'', ''skt-x'', %L)', 'service_key_replace(''skt-x'', ''skt-x'', %L)',
    'service_key_generate(''skt_svc'', ''skt-x'')', 'service_key_generate(''Svc'')', 'service_key_create(''skt_svc'', ''k'', %L, rotation_duration => -1)',
    'service_key_create(''skt_svc'', ''k'', %L, expiration => ''2026-03-01 12:00:01+00'')', 'service_key_replace(''skt-x'', ''k'', %L, expiration => ''2026-01-01'')',
    'service_key_set_expiration(''skt-x'', ''2026-03-01 12:00:00+00'')', 'service_key_create(''skt_svc'', ''k'', %L, approval_type => ''magic'')',
    'service_key_approve(''skt-x'', approval_type => ''magic'')', 'service_key_approve(''skt-x'', approval_type => NULL)',
    'service_key_update(''skt-x'', ''a;b'')', 'service_key_update(''skt-x'', metadata => ''7'')', 'service_key_replace(''skt-x'', ''k'', %L, ''7'')', 'service_key_replace(''skt-x'', ''a/b'', %L)',
    'service_key_publish(''skt_svc'', ''a/b'', %L, NULL)', 'service_key_list(n => -1)']) AS f;
SELECT f, pg_temp.refused(format('SELECT quay.%s', format(f, :'b'))) FROM unnest(ARRAY[
    'service_key_approve(''skt-none'')', 'service_key_replace(''skt-none'', ''k'', %L)', 'service_key_update(''skt-none'')',
    'service_key_set_expiration(''skt-none'', NULL)', 'service_key_delete(''skt-none'')', 'service_key_delete(NULL)']) AS f;
SELECT f, pg_temp.refused(format('SELECT quay.%s, actor => ''skt-none'')', format(f, :'b'))) FROM unnest(ARRAY[
    'service_key_create(''skt_svc'', ''k'', %L', 'service_key_generate(''skt_svc''', 'service_key_approve(''skt-x''', 'service_key_replace(''skt-x'', ''k'', %L',
    'service_key_update(''skt-x''', 'service_key_set_expiration(''skt-x'', NULL', 'service_key_delete(''skt-x''']) AS f;
SET LOCAL quay.clock = '2026-03-01 13:00:00+00';
SELECT pg_temp.refused($$SELECT quay.service_key_approve('skt-y')$$);
SELECT quay.service_key_set_expiration('skt-y', NULL), quay.service_key_approve('skt-y');
ROLLBACK;
