-- Deletes a favourite; no row if it is none. The caller holds the kwip's lock.
-- index: favourite_once (user_id, kwip_id), kwips_kwip_pkey (id), accounts_user_pkey (id), kwips_thanks_pkey (person_id)
WITH marked AS (
    DELETE FROM kwips_favourite WHERE user_id = %(person)s AND kwip_id = %(kwip)s RETURNING user_id, kwip_id, -1 AS step
),
{thanked}
SELECT {marked}
