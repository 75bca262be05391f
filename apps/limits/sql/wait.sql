-- The seconds until there is room for one more hit.
-- index: limits_tries_pkey (key)
-- types: key uuid, amount integer, seconds float8
SELECT %(seconds)s - extract(epoch FROM clock_timestamp() - times[cardinality(times) + 1 - %(amount)s])
FROM limits_tries
WHERE key = %(key)s::uuid
