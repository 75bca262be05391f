-- Which of the kwips %(ids)s are among the favourites of %(viewer)s.
-- Served by favourite_once (user_id, kwip_id).
SELECT kwip_id
FROM kwips_favourite
WHERE user_id = %(viewer)s AND kwip_id = ANY (%(ids)s)
