-- Deletes up to %(batch)s entries that are older than %(days)s days, to which the trigger agrees.
-- index: security_at (at)
-- types: days integer, batch bigint
DELETE FROM securitylog_entry
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM securitylog_entry
    WHERE at < now() - make_interval(days => %(days)s)
    ORDER BY at
    LIMIT %(batch)s
    FOR UPDATE SKIP LOCKED
))
