-- Takes back all hits of some keys.
-- index: limits_tries_pkey (key)
-- types: keys uuid[]
DELETE FROM limits_tries
WHERE key = ANY (%(keys)s::uuid[])
