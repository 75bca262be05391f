-- Deletes up to %(batch)s rows of {table} that expired by {expires}. Rows that are being written are
-- skipped, so no writer waits.
-- index: limits_tries_expires (expires_at), limits_cache_expires (expires)
DELETE FROM {table}
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table}
    WHERE {expires} < clock_timestamp()
    ORDER BY {expires}
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
))
