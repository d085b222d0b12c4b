\set n random(100001, 100000 + :namespaces)
\set r random(1, :repositories)
\set t random(1, 20)
SELECT m.id, m.digest, m.media_type_id, octet_length(m.manifest_bytes) FROM quay."user" AS o JOIN quay.repository AS r ON r.namespace_user_id = o.id JOIN quay.tag AS t ON t.repository_id = r.id JOIN quay.manifest AS m ON m.id = t.manifest_id WHERE o.username = :n AND r.name = :r AND r.state <> 3 AND t.name = :t AND NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
