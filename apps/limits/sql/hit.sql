-- Counts one more hit, if the span before it has room for one; else writes nothing. One row, under its own
-- lock. The row expires at a full five minutes after the span: most updates leave its index as it is (HOT).
-- index: limits_tries_pkey (key)
-- types: key uuid, scope text, amount integer, seconds float8
INSERT INTO limits_tries AS kept (key, scope, times, expires_at)
SELECT %(key)s::uuid, %(scope)s, ARRAY[clock_timestamp()], {expiry}
-- If there is no room, not even the row lock is taken.
WHERE NOT EXISTS (SELECT FROM limits_tries AS kept WHERE kept.key = %(key)s::uuid AND {full})
ON CONFLICT (key) DO UPDATE SET
    times = (kept.times || clock_timestamp())[cardinality(kept.times) + 2 - %(amount)s:],
    expires_at = {expiry}
WHERE NOT {full}
RETURNING times[cardinality(times)]
