-- Adds %(by)s to a counter of a kwip. This is also the lock of the kwip's row. Of none, none can be taken away: the
-- caller rolls back.
-- index: kwips_kwip_pkey (id)
-- types: by integer
UPDATE kwips_kwip
SET {counter} = greatest({counter} + %(by)s, 0), version = version + 1
WHERE id = %(kwip)s
