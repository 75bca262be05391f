-- Counts a comment on a kwip; the comment has the time `last_active_at`. This is also the lock of the kwip's row.
-- After a clock is set back, no comment is older than the one before it.
-- index: kwips_kwip_pkey (id)
UPDATE kwips_kwip
SET comments_count = comments_count + 1,
    version = version + 1,
    last_active_at = greatest(last_active_at, clock_timestamp())
WHERE id = %(thread)s
