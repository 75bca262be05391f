-- Deletes a share; no row if there is none. The caller holds the kwip's lock.
-- index: share_once (kwip_id, sharer_id), kwips_kwip_pkey (id), accounts_user_pkey (id)
WITH marked AS (
    DELETE FROM kwips_share
    WHERE kwip_id = %(kwip)s AND sharer_id = %(person)s
    RETURNING sharer_id AS user_id, kwip_id
)
SELECT {marked}
