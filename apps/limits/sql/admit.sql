-- One more try, if there were not too many in the span before it; else nothing is written.
-- Served by the primary key of limits_tries: one row, under its own lock.
INSERT INTO limits_tries AS kept (key, scope, times, expires_at)
SELECT %(key)s::uuid, %(scope)s, ARRAY[clock_timestamp()], clock_timestamp() + make_interval(secs => %(seconds)s)
-- Already full: not even the row's lock is taken.
WHERE NOT EXISTS (SELECT FROM limits_tries AS kept WHERE kept.key = %(key)s::uuid AND {full})
ON CONFLICT (key) DO UPDATE SET
    times = (kept.times || clock_timestamp())[cardinality(kept.times) + 2 - %(amount)s:],
    expires_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE NOT {full}
RETURNING times[cardinality(times)]
