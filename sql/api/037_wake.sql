-- Waking up those who wait: NOTIFY, at low rate, with ids only. A table is always the source of truth, and who missed a message polls.

CREATE OR REPLACE FUNCTION quay_internal.wake(channel text, payload text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF quay_internal.setting('notify')::boolean THEN
        -- Equal messages of one transaction become one.
        PERFORM pg_notify(channel, payload);
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.wake(text, text) IS
    'Sends a message to those who LISTEN to a channel, at commit, unless quay.notify is off. Commits that send one take turns.';
