-- The viewer's {marks} on the kwips %(ids)s.
-- index: favourite_once (user_id, kwip_id), share_once (kwip_id, sharer_id), bookmark_once (user_id, kwip_id)
-- types: ids bigint[]
SELECT page.id, {marks} FROM unnest(%(ids)s::bigint[]) AS page (id)
