-- Adds %(by)s to the favourites of a kwip. This is also the lock of the kwip's row.
-- index: kwips_kwip_pkey (id)
-- types: by integer
UPDATE kwips_kwip SET favourites_count = favourites_count + %(by)s, version = version + 1 WHERE id = %(kwip)s
