-- Messages that the registry shows to everybody.

CREATE OR REPLACE FUNCTION quay.message_create_many(messages jsonb) RETURNS TABLE (message_id bigint, uuid text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    entry record;
    found_media_type_id bigint;
BEGIN
    IF jsonb_typeof(messages) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY077',
            MESSAGE = 'malformed list of messages',
            DETAIL = format('It is %s, not an array.', coalesce(jsonb_typeof(messages), 'NULL')),
            HINT = 'Pass a JSON array of objects with content, severity and media_type.';
    END IF;
    FOR entry IN
        SELECT e.message, e.number, e.message -> 'content' AS content,
               coalesce(e.message ->> 'severity', 'info') AS severity, coalesce(e.message ->> 'media_type', 'text/plain') AS media_type
        FROM jsonb_array_elements(messages) WITH ORDINALITY AS e (message, number)
        ORDER BY e.number
    LOOP
        IF jsonb_typeof(entry.content) IS DISTINCT FROM 'string' THEN
            RAISE EXCEPTION USING ERRCODE = 'QY077',
                MESSAGE = 'malformed message',
                DETAIL = format('Message %s has no text as content: %s.', entry.number, left(entry.message::text, 80)),
                HINT = 'Give each message its content.';
        END IF;
        IF entry.severity <> ALL (ARRAY['info', 'warning', 'error']) THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown severity of a message',
                DETAIL = format('There is no severity "%s".', left(entry.severity, 80)),
                HINT = 'Severities are info, warning and error.';
        END IF;
        SELECT t.id INTO found_media_type_id FROM quay.mediatype AS t
        WHERE t.name = entry.media_type AND t.name IN ('text/plain', 'text/markdown');
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY009',
                MESSAGE = 'unknown media type of a message',
                DETAIL = format('A message cannot be of type "%s".', left(entry.media_type, 80)),
                HINT = 'Messages are text/plain or text/markdown.';
        END IF;
        RETURN QUERY
            INSERT INTO quay.messages AS m (content, uuid, severity, media_type_id)
            VALUES (entry.content #>> '{}', gen_random_uuid()::text, entry.severity, found_media_type_id)
            RETURNING m.id, m.uuid::text;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.message_create_many(jsonb) IS
    'Adds messages for everybody, and returns their ids and uuids in the same order. messages: an array of objects {"content": text, "severity": "info", "warning" or "error", "media_type": "text/plain" or "text/markdown"}; info and text/plain are the defaults. All are added or none. Errors: QY009 unknown severity or media type, QY077 malformed list.';

CREATE OR REPLACE FUNCTION quay.message_create(content text, severity text DEFAULT 'info', media_type text DEFAULT 'text/plain') RETURNS text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT m.uuid FROM quay.message_create_many(jsonb_build_array(jsonb_build_object(
        'content', message_create.content, 'severity', message_create.severity, 'media_type', message_create.media_type))) AS m);
END
$$;
COMMENT ON FUNCTION quay.message_create(text, text, text) IS
    'Adds a message for everybody, and returns its uuid. severity: info, warning or error; media_type: text/plain or text/markdown. Errors: QY009 unknown severity or media type, QY077 no content.';

CREATE OR REPLACE FUNCTION quay.message_list(after bigint DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (message_id bigint, uuid text, content text, severity text, media_type text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
BEGIN
    RETURN QUERY
        SELECT m.id, m.uuid::text, m.content, m.severity::text, t.name::text
        FROM quay.messages AS m
        JOIN quay.mediatype AS t ON t.id = m.media_type_id
        WHERE m.id > coalesce(message_list.after, 0)
        ORDER BY m.id
        LIMIT page_size;
END
$$;
COMMENT ON FUNCTION quay.message_list(bigint, integer) IS
    'Messages for everybody, oldest first, at most n, those after the message_id after. Errors: 22023 n negative.';

CREATE OR REPLACE FUNCTION quay.message_delete(uuids text[]) RETURNS integer
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    deleted integer;
BEGIN
    -- Rows that came without a uuid have an empty one; they are not meant.
    DELETE FROM quay.messages AS m WHERE m.uuid = ANY (uuids) AND m.uuid <> '';
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;
COMMENT ON FUNCTION quay.message_delete(text[]) IS
    'Deletes messages by their uuids, and returns how many there were. Unknown uuids, and an empty or NULL array, are no error.';
