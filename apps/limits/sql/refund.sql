-- Takes back the hit of one moment.
-- index: limits_tries_pkey (key)
-- types: key uuid, at timestamptz
UPDATE limits_tries
SET times = array_remove(times, %(at)s)
WHERE key = %(key)s::uuid
