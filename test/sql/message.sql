-- Messages for everybody.
\set VERBOSITY default
BEGIN;
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
DELETE FROM quay.messages;

SELECT quay.message_create('Hello') ~ '^[0-9a-f-]{36}$' AS uuid;
SELECT count(DISTINCT m.uuid), min(m.message_id) < max(m.message_id) AS in_order
FROM quay.message_create_many('[{"content": "*Careful*", "severity": "warning", "media_type": "text/markdown"}, {"content": "", "severity": "error"},
                                {"content": "plain", "severity": null, "media_type": null}]') AS m;
SELECT content, severity, media_type FROM quay.message_list();
SELECT content FROM quay.message_list(n => 2);
SELECT content FROM quay.message_list(after => (SELECT max(message_id) FROM quay.message_list(n => 2)));
SELECT count(*) FROM quay.message_create_many('[]');

-- All or none.
SELECT pg_temp.try($$SELECT quay.message_create_many('[{"content": "a"}, {"content": "b", "severity": "fatal"}]')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many('[{"content": "a"}, {"content": "b", "media_type": "text/html"}]')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many('[{"content": "a"}, {"content": 7}]')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many('[{"severity": "info"}]')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many('["a"]')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many('{"content": "a"}')$$);
SELECT pg_temp.try($$SELECT quay.message_create_many(NULL)$$);
SELECT pg_temp.try($$SELECT quay.message_create(NULL)$$);
SELECT pg_temp.try($$SELECT quay.message_create('a', 'Info')$$);
-- A type that exists, but not for messages.
SELECT pg_temp.try($$SELECT quay.message_create('{}', media_type => 'application/json')$$);
SELECT pg_temp.try($$SELECT quay.message_list(n => -1)$$);
SELECT count(*) FROM quay.message_list();

-- By uuid; what has none is not meant by an empty one.
INSERT INTO quay.messages (content) VALUES ('without a uuid');
SELECT quay.message_delete(ARRAY(SELECT l.uuid FROM quay.message_list() AS l WHERE l.content IN ('Hello', 'plain') OR l.uuid = '') || 'none'::text) AS deleted;
SELECT quay.message_delete('{}') AS empty, quay.message_delete(NULL) AS nothing;
SELECT content FROM quay.message_list();
ROLLBACK;
