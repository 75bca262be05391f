-- Stores a favourite; no row if it is one already, or if the kwip is deleted. The caller holds the kwip's lock.
-- index: favourite_once (user_id, kwip_id), kwips_kwip_pkey (id), accounts_user_pkey (id), kwips_thanks_pkey (person_id)
WITH marked AS (
    INSERT INTO kwips_favourite (user_id, kwip_id)
    SELECT %(person)s, k.id FROM kwips_kwip k WHERE k.id = %(kwip)s
    ON CONFLICT DO NOTHING
    RETURNING user_id, kwip_id, 1 AS step
),
{thanked}
SELECT {marked}
