-- Which of the kwips %(ids)s are favourites of %(viewer)s.
-- index: favourite_once (user_id, kwip_id)
-- types: ids bigint[]
SELECT kwip_id
FROM kwips_favourite
WHERE user_id = %(viewer)s AND kwip_id = ANY (%(ids)s)
