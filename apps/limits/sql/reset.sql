-- Takes back all hits of one key.
-- index: limits_tries_pkey (key)
-- types: key uuid
DELETE FROM limits_tries
WHERE key = %(key)s::uuid
