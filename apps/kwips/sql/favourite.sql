-- Stores a favourite; no row if it is one already, if the kwip is deleted, or if a block is between the person and its
-- author. The caller holds the locks of the kwip's and the person's row.
-- index: favourite_once (user_id, kwip_id), kwips_kwip_pkey (id), accounts_user_pkey (id),
-- block_once (blocker_id, blocked_id), block_blocked_blocker (blocked_id, blocker_id), kwips_thanks_pkey (person_id)
WITH marked AS (
    INSERT INTO kwips_favourite (user_id, kwip_id)
    SELECT %(person)s, k.id FROM kwips_kwip k WHERE k.id = %(kwip)s AND {unblocked_by_person}
    ON CONFLICT DO NOTHING
    RETURNING user_id, kwip_id, 1 AS step
),
{thanked}
SELECT {marked}
